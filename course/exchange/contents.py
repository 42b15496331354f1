"""What a submission consists of: read from a folder that may be hostile, told by one fingerprint, written whole.

The folder belongs to a student, who may put links, pipes, a million files or a bottomless tree into it, and may change
it while it is read. So everything is looked up from a descriptor of its folder, no link is followed, nothing that could
block is waited for, and the sums are bounded. What is read fits into memory; a name or kind that no honest submission
has stops the reading with a sentence.
"""

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from autograder.files import digest_of
from crmlab.errors import CourseError
from crmlab.i18n import _

MIB = 2**20
MAX_FILE = 10 * MIB
MAX_TOTAL = 50 * MIB
MAX_ENTRIES = 200
"""Most files and folders together."""
MAX_DEPTH = 8
"""Most folders inside each other."""
MAX_NAME = 200
"""Longest name of a file or folder, UTF-8 bytes."""

TIMESTAMP_FILE = "timestamp.txt"
SECRET_FILE = "submission_secret.txt"
MAX_OWN = 1024
OWN = frozenset((TIMESTAMP_FILE, SECRET_FILE))
"""Beside the student's files: when they were handed in, and what leads their feedback back (nbgrader's own names)."""

OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Without O_NONBLOCK opening a pipe would wait for a writer for ever."""
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE)
"""Errors that are this machine's and pass; all others are the folder's own."""


class Unacceptable(CourseError):  # noqa: N818 (the name says what was handed in)
    """This can't be a submission. The message says why, and what the student has to do."""


@dataclass
class Contents:
    """The files of a submission: paths with ``/`` below its folder → content.

    own: the exchange's own two files, which count for nothing.
    changed: the newest change of any of its files and folders, its own arrival included, in nanoseconds since 1970.
    It is the system's own note (ctime), which no program without the right to set the clock can turn back.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    own: dict[str, bytes] = field(default_factory=dict)
    changed: int = 0
    entries: int = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.files.values()))

    @property
    def digest(self) -> str:
        """SHA-256 of all names and contents."""
        return digest_of(self.files)


def read_folder(folder: int, leave_out: Sequence[str] = ()) -> Contents:
    """The files below the folder with descriptor ``folder``; names that match a pattern of ``leave_out`` are skipped.

    Raises:
        Unacceptable: links, pipes and the like; too many, too big, too deep; a name that can't be shown; no files.
        OSError: this machine is at fault.
    """
    contents = Contents()
    _read(folder, "", contents, leave_out)
    if not contents.files:
        raise Unacceptable(_("文件夹里没有文件；请确认作业已经保存，再提交。"))
    return contents


def _read(folder: int, path: str, contents: Contents, leave_out: Sequence[str]) -> None:
    if path.count("/") > MAX_DEPTH:
        raise Unacceptable(
            _("文件夹嵌套超过 {most} 层：{path}；请删去多余的文件夹。").format(most=MAX_DEPTH, path=shown(path))
        )
    with os.scandir(folder) as entries:
        found = (entry.name for entry in entries if not any(fnmatch(entry.name, pattern) for pattern in leave_out))
        names = list(islice(found, MAX_ENTRIES + len(OWN) + 1))
    contents.entries += len(set(names) - _own(path))
    if contents.entries > MAX_ENTRIES:
        raise Unacceptable(
            _("文件和文件夹超过 {most} 个；请只留下作业需要的，数据不必一起提交。").format(most=MAX_ENTRIES)
        )
    for name in sorted(names):
        try:
            _read_entry(folder, name, path + name, contents, leave_out)
        except OSError as error:
            if error.errno in OURS:
                raise
            raise Unacceptable(
                _("{path} 打不开（{reason}）；请把它删去，或换成普通文件。").format(
                    path=shown(path + name), reason=os.strerror(error.errno or 0)
                )
            ) from None
    contents.changed = max(contents.changed, os.fstat(folder).st_ctime_ns)


def _own(path: str) -> frozenset[str]:
    """Names of the exchange's own files in the folder ``path``."""
    return frozenset() if path else OWN


def _read_entry(folder: int, name: str, path: str, contents: Contents, leave_out: Sequence[str]) -> None:
    if not name.isprintable() or len(os.fsencode(name)) > MAX_NAME:
        raise Unacceptable(_("文件名 {path} 太长，或含有不能显示的字符；请改名后再提交。").format(path=shown(path)))
    kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISDIR(kind):
        inner = os.open(name, OPEN_FOLDER, dir_fd=folder)
        try:
            _read(inner, f"{path}/", contents, leave_out)
        finally:
            os.close(inner)
        return
    if not stat.S_ISREG(kind):
        raise Unacceptable(_("{path} 不是普通文件（链接、管道等不收）；请换成文件本身。").format(path=shown(path)))
    handle = os.open(name, OPEN, dir_fd=folder)
    try:
        if path in OWN:
            contents.own[path] = _content(handle, folder, path, MAX_OWN)
        else:
            contents.files[path] = _content(handle, folder, path, MAX_TOTAL - contents.size)
        contents.changed = max(contents.changed, os.fstat(handle).st_ctime_ns)  # after reading: never too early
    finally:
        os.close(handle)


def _content(handle: int, folder: int, path: str, left: int) -> bytes:
    """The bytes of an open file. ``left``: how many the submission may still have."""
    status = os.fstat(handle)
    # A file of somebody else can stand here by a hard link alone.
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.fstat(folder).st_uid:
        raise Unacceptable(_("{path} 不是你自己的普通文件；请换成文件本身。").format(path=shown(path)))
    with os.fdopen(handle, "rb", closefd=False) as stream:
        content = stream.read(min(MAX_FILE, left) + 1)  # not st_size: the file may be growing
    if len(content) > MAX_FILE:
        raise Unacceptable(
            _("{path} 超过 {most} MB；请清除 notebook 的输出（尤其是大图和大表），保存后再提交。").format(
                path=shown(path), most=MAX_FILE // MIB
            )
        )
    if len(content) > left:
        raise Unacceptable(
            _("全部文件加起来超过 {most} MB（到 {path} 为止）；请只留下作业需要的文件。").format(
                path=shown(path), most=MAX_TOTAL // MIB
            )
        )
    return content


def shown(name: str) -> str:
    """A name as a sentence may carry it: somebody else chose it."""
    text = "".join(character if character.isprintable() else "\ufffd" for character in name)
    return text if len(text) <= 80 else text[:79] + "…"


# --- writing ---------------------------------------------------------------------------------------------------------


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` into the new folder ``folder``, readable by the owner alone, safe from a failing power supply."""
    folders = {folder, *(folder / parent for path in files for parent in list(Path(path).parents)[:-1])}
    for place in sorted(folders):
        place.mkdir(mode=0o700)
    for path, content in files.items():
        handle = os.open(folder / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            write_all(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
    for place in folders:
        sync_folder(place)


def write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_folder(folder: Path) -> None:
    """What was made, renamed or removed in ``folder`` stays so when the power fails."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
