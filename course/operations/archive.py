"""The file of a backup: a tar.gz whose last member, ``manifest.json``, says what every other member must be.

``tar -xzf`` can read it without this program. A member is a folder, a link (stored as a link) or a file; a file with
holes is stored without them, as GNU tar does. The manifest comes last because a file's fingerprint is known when it
has been read; an archive without it was cut off.
"""

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from crmlab.errors import CourseError
from crmlab.i18n import _

FORMAT = 1
MANIFEST = "manifest.json"
CLASS = "classroom"
"""The class's folder in the archive."""
DATABASES = "databases"
"""Dumps of gradebooks that lie on a server."""
BLOCK = 2**20

Kind = Literal["file", "folder", "link"]
Extents = list[tuple[int, int]]
Watch = Callable[[IO[bytes]], IO[bytes]]
"""Wraps the file that is read, to show how far it is."""
Put = Callable[[int, bytes], object]
"""Takes the bytes at an offset of a file."""


@dataclass
class Entry:
    """One member. size: bytes with holes. extents: (offset, length) of what is not hole; None for a file without holes.

    sha256: of the bytes stored, see :func:`fingerprint`. target: of a link.
    """

    kind: Kind
    mode: int = 0o600
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    size: int = 0
    sha256: str = ""
    target: str = ""
    extents: Extents | None = None

    @classmethod
    def of(cls, kind: Kind, status: os.stat_result, **more: Any) -> "Entry":
        return cls(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, **more)


@dataclass
class Manifest:
    """What is in a backup, and how it came about.

    left_out: path → why, for everything that could not be read. remarks: path → what to know of a file that is in.
    """

    made: str
    versions: dict[str, str]
    entries: dict[str, Entry] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def size(self) -> int:
        return sum(stored_size(entry) for entry in self.entries.values())

    @property
    def files(self) -> int:
        return sum(entry.kind == "file" for entry in self.entries.values())

    def dumps(self) -> bytes:
        """ASCII, so that names that are no Unicode survive."""
        return json.dumps(asdict(self), indent=0).encode("ascii")

    @classmethod
    def loads(cls, content: bytes) -> "Manifest":
        """:raises ValueError, TypeError, KeyError: if it is none of this format."""
        raw = json.loads(content)
        if raw["format"] != FORMAT:
            raise ValueError("format")
        entries = {name: Entry(**entry) for name, entry in raw.pop("entries").items()}
        return cls(entries=entries, **raw)


def stored_size(entry: Entry) -> int:
    return entry.size if entry.extents is None else sum(length for _offset, length in entry.extents)


def fingerprint(file: IO[bytes], extents: Extents | None, size: int, put: Put = lambda _offset, _block: None) -> str:
    """SHA-256 of a file's bytes; of a file with holes, of what is in between them and where. ``put`` gets the bytes."""
    total = hashlib.sha256()
    for offset, length in [(0, size)] if extents is None else extents:
        if extents is not None:
            total.update(f"{offset}+{length}\n".encode())
        file.seek(offset)
        end = offset + length
        while offset < end and (block := file.read(min(BLOCK, end - offset))):
            total.update(block)
            put(offset, block)
            offset += len(block)
    return total.hexdigest()


# -------------------------------------------------------------------------------------------------------- writing


class Writer:
    """Writes an archive. The manifest grows with it."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self.manifest = manifest
        # Notebooks shrink to a fifth at level 4 already; the levels above take several times as long for little.
        self._gzip = gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=4)
        self._tar = tarfile.TarFile(fileobj=self._gzip, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name: str, entry: Entry, content: IO[bytes] | None = None) -> None:
        """Add a member. ``content``: the bytes of a file, one extent after the other."""
        self.manifest.entries[name] = entry
        info = tarfile.TarInfo(name)
        info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, entry.mtime_ns // 10**9
        info.type = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}[entry.kind]
        info.linkname = entry.target
        if content is None or entry.extents is None:
            info.size = entry.size
            self._tar.addfile(info, content)
        else:
            self._add_with_holes(info, entry, entry.extents, content)

    def _add_with_holes(self, info: tarfile.TarInfo, entry: Entry, extents: Extents, content: IO[bytes]) -> None:
        """GNU's sparse format 1.0: the map of the extents stands before the data, filled up to 512 bytes."""
        numbers = [len(extents), *(number for extent in extents for number in extent)]
        map_ = "".join(f"{number}\n" for number in numbers).encode("ascii")
        map_ += b"\0" * (-len(map_) % tarfile.BLOCKSIZE)
        info.size = len(map_) + stored_size(entry)
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": info.name,
            "GNU.sparse.realsize": str(entry.size),
        }
        self._tar.addfile(info, _Chain(map_, content))  # type: ignore[arg-type]

    def close(self) -> None:
        """Add the manifest and end the archive."""
        content = self.manifest.dumps()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(content), 0o600
        self._tar.addfile(info, io.BytesIO(content))
        self._tar.close()
        self._gzip.close()


class _Chain:
    """A few bytes, then a file."""

    def __init__(self, first: bytes, rest: IO[bytes]) -> None:
        self._first, self._rest = io.BytesIO(first), rest

    def read(self, size: int) -> bytes:
        start = self._first.read(size)
        return start + self._rest.read(size - len(start)) if len(start) < size else start


# -------------------------------------------------------------------------------------------------------- reading


def check(path: Path, watch: Watch = lambda file: file) -> Manifest:
    """Read the whole archive and compare every member with the manifest.

    :raises CourseError: if anything is missing, too much, or other than it was.
    """
    with damage_is_told(path):
        found: dict[str, Entry] = {}
        manifest = None
        with opened(path, watch) as tar:
            for member in tar:
                if manifest is not None or member.name in found:
                    raise ValueError(member.name)
                if member.name == MANIFEST:
                    manifest = Manifest.loads(_content(tar, member).read())
                else:
                    found[member.name] = _as_found(tar, member)
        if manifest is None:
            raise EOFError
        _compare(found, manifest)
        return manifest


@contextmanager
def opened(path: Path, watch: Watch = lambda file: file) -> Iterator[tarfile.TarFile]:
    """The archive, to be read member by member; read to its very end, where the compression's own check sum stands."""
    with path.open("rb") as file, gzip.GzipFile(fileobj=watch(file), mode="rb") as stream:
        with tarfile.TarFile(fileobj=stream, mode="r") as tar:
            yield tar
        while stream.read(BLOCK):
            pass


@contextmanager
def damage_is_told(path: Path) -> Iterator[None]:
    """One sentence, whatever a damaged archive makes the libraries say."""
    try:
        yield
    except FileNotFoundError:
        raise CourseError(_("找不到备份文件 {path}；请检查文件名。").format(path=path)) from None
    except PermissionError:
        raise CourseError(_("没有权限读备份文件 {path}；请换一个账号，或改变它的权限。").format(path=path)) from None
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, CourseError):
            raise
        raise CourseError(
            _("备份文件 {path} 不完整或已损坏，不能用来恢复；请换另一份备份。什么都没有改动。").format(path=path)
        ) from None


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    if content is None:
        raise ValueError(member.name)
    return content


def _as_found(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    """What a member really is; only what the manifest is compared with."""
    if not is_harmless(member.name):
        raise ValueError(member.name)
    if member.isdir():
        return Entry("folder")
    if member.issym():
        return Entry("link", target=member.linkname)
    if not member.isfile():
        raise ValueError(member.name)
    sparse: Any = member.sparse  # typed as one number, which it is not
    extents = None if sparse is None else [(offset, length) for offset, length in sparse]
    with _content(tar, member) as content:
        return Entry("file", size=member.size, sha256=fingerprint(content, extents, member.size), extents=extents)


def is_harmless(name: str) -> bool:
    """Whether a name of a member can only lead into the folder that it is laid in."""
    top, *rest = name.split("/")
    return top in (CLASS, DATABASES) and not {"", ".", ".."} & set(rest) and "\0" not in name


def _compare(found: dict[str, Entry], manifest: Manifest) -> None:
    """:raises ValueError: at the first difference."""
    if found.keys() != manifest.entries.keys():
        raise ValueError("members")
    for name, entry in manifest.entries.items():
        entry.extents = [(offset, length) for offset, length in entry.extents] if entry.extents is not None else None
        there = found[name]
        if (there.kind, there.size, there.sha256, there.target, there.extents) != (
            entry.kind,
            entry.size,
            entry.sha256,
            entry.target,
            entry.extents,
        ):
            raise ValueError(name)


def copy_out(tar: tarfile.TarFile, member: tarfile.TarInfo, entry: Entry, file: IO[bytes]) -> None:
    """Write the bytes of a file's member to ``file``, holes as holes.

    :raises ValueError: if they are not those of the manifest.
    """

    def put(offset: int, block: bytes) -> None:
        file.seek(offset)
        file.write(block)

    with _content(tar, member) as content:
        if fingerprint(content, entry.extents, entry.size, put) != entry.sha256:
            raise ValueError(member.name)
    file.truncate(entry.size)
