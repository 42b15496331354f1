"""``course backup``: everything of a class in one file, taken while the class is at work.

What refers to something is read before what it refers to: drop boxes before the store of submissions that empties
them, receipts before what they certify, graded notebooks before the gradebook, the gradebook before the records of
grading. So whatever happens in between, a restored class lacks nothing that its parts speak of; at worst it has
something that they don't know of yet.
"""

import fcntl
import json
import os
import platform
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import crmlab
from course.hub.classroom import Classroom, write_private
from course.operations import databases, reading
from course.operations.archive import CLASS, DATABASES, Entry, Manifest, Writer
from course.operations.reading import Found
from crmlab.errors import CourseError
from crmlab.i18n import _

ORDER = ("hub", "homes", "exchange", "courses", "grading", "received")
"""The parts of a class in the order in which they are read; all others come after them."""
SUFFIX = ".tar.gz"
_TRANSIENT = re.compile(
    r"""hub/[^/]*\.(lock|pid|sock)
    | homes/[^/]+/\.cache(/.*)?
    | received/[^/]+/\.(lock|taking(/.*)?)""",
    re.VERBOSE | re.DOTALL,
)
"""What belongs to running processes, and what programs can make again by the rules of the desktop (XDG)."""

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes there are."""


@dataclass(frozen=True)
class Backup:
    """A finished backup. removed: older ones that made room."""

    path: Path
    manifest: Manifest
    removed: list[Path]


def backup(
    classroom: Classroom,
    target: Path | None = None,
    keep: int | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Backup:
    """Write a backup of the whole class.

    :param target: a folder, or the file (``….tar.gz``) to write; :func:`default_folder` if None.
    :param keep: how many backups of this class stay in the folder; None for all.
    :raises CourseError: no class, no room, no right to write, a backup at work already, a database out of reach.
    """
    if not classroom.hub.is_dir():
        raise CourseError(_("{folder} 里没有班级，没有什么可备份的。").format(folder=classroom.folder))
    path = _path(classroom, target)
    _take_in(classroom)
    with _only_one(classroom), _told_if_it_fails(path):
        partial = path.with_name(f".{path.name}.partial")
        _remove_leftovers(classroom, path.parent)
        try:
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=_scratch_prefix(classroom)) as scratch:
                manifest = _write(classroom, partial, Path(scratch), progress)
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
        _sync(path.parent)
    write_private(last_backup(classroom), json.dumps(_note(path, manifest), ensure_ascii=False))
    return Backup(path, manifest, _remove_old(classroom, path, keep))


def default_folder(classroom: Classroom) -> Path:
    """Beside the class. A folder on another disk, or on another machine, is better."""
    return classroom.folder.with_name(f"{classroom.folder.name}-backups")


def last_backup(classroom: Classroom) -> Path:
    """The note (JSON: ``made``, ``path``, ``size``, ``left_out``) on the newest backup."""
    return classroom.hub / "backup.json"


def _note(path: Path, manifest: Manifest) -> dict[str, object]:
    return {
        "made": manifest.made,
        "path": str(path),
        "size": path.stat().st_size,
        "left_out": len(manifest.left_out),
    }


def _path(classroom: Classroom, target: Path | None) -> Path:
    """The file to write. Its folder is made if it is the default one or its parent exists.

    :raises CourseError: if it would lie in the class itself, exists, or its folder can't be made.
    """
    place = (target or default_folder(classroom)).absolute()
    folder = place.parent if place.name.endswith(SUFFIX) else place
    if folder.resolve().is_relative_to(classroom.folder):
        raise CourseError(
            _("备份不能放在班级文件夹 {folder} 里；请放在别处，最好是另一块磁盘。").format(folder=classroom.folder)
        )
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CourseError(
            _("建不了备份文件夹 {folder}（{reason}）；请检查路径和权限。").format(folder=folder, reason=error.strerror)
        ) from None
    path = folder / f"{_stem(classroom)}{datetime.now():%Y%m%d-%H%M%S}{SUFFIX}" if folder == place else place
    if path.exists():
        raise CourseError(_("{path} 已经存在，备份不覆盖它；请换一个名称。").format(path=path))
    return path


def _stem(classroom: Classroom) -> str:
    return f"{classroom.folder.name}-"


def _take_in(classroom: Classroom) -> None:
    """Take in what lies in the drop boxes: a submission's time is that of its files, which a copy can't keep.

    A class whose disk is full needs a backup all the more: what can't be taken in is copied where it lies.
    """
    from course.exchange import take_in

    for section in classroom.sections():
        with suppress(CourseError, OSError):
            take_in(classroom.of(section))


@contextmanager
def _only_one(classroom: Classroom) -> Iterator[None]:
    handle = os.open(classroom.hub / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CourseError(_("这个班级的另一次备份正在进行；请等它结束。")) from None
        yield


def _scratch_prefix(classroom: Classroom) -> str:
    return f".{_stem(classroom)}scratch-"


def _remove_leftovers(classroom: Classroom, folder: Path) -> None:
    """What a backup of this class left that was killed. The lock is held: none is at work."""
    for path in folder.glob(f".{_stem(classroom)}*.partial"):
        path.unlink()
    for path in folder.glob(f"{_scratch_prefix(classroom)}*"):
        shutil.rmtree(path)


@contextmanager
def _told_if_it_fails(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CourseError(
            _("备份写不到 {folder}（{reason}）；没有留下半份备份。").format(folder=path.parent, reason=error.strerror)
        ) from None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_old(classroom: Classroom, newest: Path, keep: int | None) -> list[Path]:
    """Delete older backups of this class in the same folder, by the time in their names; never the newest."""
    if keep is None:
        return []
    pattern = re.compile(re.escape(_stem(classroom)) + r"\d{8}-\d{6}" + re.escape(SUFFIX))
    old = sorted(path for path in newest.parent.iterdir() if pattern.fullmatch(path.name) and path != newest)
    removed = old[: max(0, len(old) - (keep - 1))]
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def versions() -> dict[str, str]:
    packages = ("jupyterhub", "jupyterlab", "nbgrader")
    return {"course": crmlab.__version__, "python": platform.python_version()} | {
        name: version(name) for name in packages
    }


# ------------------------------------------------------------------------------------------------ reading the class


def _write(classroom: Classroom, partial: Path, scratch: Path, progress: Progress) -> Manifest:
    manifest = Manifest(made=datetime.now(UTC).isoformat(timespec="seconds"), versions=versions())
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        writer = Writer(file, manifest)
        _Reader(classroom, writer, scratch, progress).read_all()
        writer.close()
        file.flush()
        os.fsync(file.fileno())
    return manifest


class _Reader:
    """Reads a class into an archive."""

    def __init__(self, classroom: Classroom, writer: Writer, scratch: Path, progress: Progress) -> None:
        self._classroom, self._writer, self._scratch, self._progress = classroom, writer, scratch, progress
        self._manifest = writer.manifest
        self._done, self._all = 0, 0

    def read_all(self) -> None:
        folder = self._classroom.folder
        self._all = sum(_bytes_on_disk(found.status) for found in reading.walk(folder))
        self._writer.add(CLASS, Entry.of("folder", folder.stat()))
        names = os.listdir(folder)
        for part in [*ORDER, *sorted(set(names) - set(ORDER))]:
            if part == "received":
                self._receipts()
            self._part(part)
            if part == "courses":  # after the graded notebooks, before the records
                self._gradebooks()

    def _part(self, part: str) -> None:
        top = self._classroom.folder / part
        status = top.lstat() if os.path.lexists(top) else None
        if status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            self._lone_file(top, status)
            return
        self._writer.add(f"{CLASS}/{part}", Entry.of("folder", status))
        for found in reading.walk(top):
            if not self._is_left(f"{part}/{found.path}", found):
                self._add(f"{CLASS}/{part}/", found)

    def _receipts(self) -> None:
        """The staff's receipts, while nothing is being taken in: each of them has its submission already."""
        from course.exchange.boxes import locked

        for section in self._classroom.sections():
            top = self._classroom.of(section).received / ".receipts"
            if top.is_dir():
                with locked(top.parent / ".lock"):
                    for found in reading.walk(top):
                        self._add(f"{CLASS}/received/{section}/.receipts/", found)

    def _lone_file(self, path: Path, status: os.stat_result) -> None:
        """A file in the class's folder itself."""
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._add(f"{CLASS}/", Found(path.name, folder, status))
        finally:
            os.close(folder)

    def _is_left(self, path: str, found: Found) -> bool:
        """Whether a path is not read here: transient, a database (copied its own way) or beside one."""
        parts = tuple(path.split("/"))
        if _TRANSIENT.fullmatch(path):
            return True
        if (parts[0], len(parts)) not in (("hub", 2), ("courses", 3)) or not stat.S_ISREG(found.status.st_mode):
            return False
        if self._beside_database(path):
            return True
        file = self._classroom.folder / path
        if not databases.is_sqlite(file):
            return False
        if parts[0] == "hub":
            self._sqlite(file)
        return True

    def _beside_database(self, path: str) -> bool:
        for companion in databases.COMPANIONS:
            file = self._classroom.folder / path.removesuffix(companion)
            if path.endswith(companion) and file.is_file() and databases.is_sqlite(file):
                return True
        return False

    def _add(self, above: str, found: Found) -> None:
        name, mode = above + found.path, found.status.st_mode
        if name in self._manifest.entries or stat.S_ISSOCK(mode):
            return  # read together with its database; a socket is of a running process
        if found.error:
            self._leave(name, found.error)
        elif stat.S_ISDIR(mode):
            self._writer.add(name, Entry.of("folder", found.status))
        elif stat.S_ISLNK(mode):
            with suppress(OSError):  # gone meanwhile
                target = os.readlink(found.name, dir_fd=found.folder)
                self._writer.add(name, Entry.of("link", found.status, target=target))
        elif stat.S_ISREG(mode):
            self._file(above, found)
        else:
            self._manifest.left_out[name] = _("不是普通文件")
        self._tick(_bytes_on_disk(found.status))

    def _file(self, above: str, found: Found) -> None:
        try:
            copies = reading.read(found, self._scratch)
        except FileNotFoundError:
            return  # gone meanwhile: what takes a file away has laid it where it is read later
        except OSError as error:
            self._leave(above + found.path, error)
            return
        for copy in copies:
            with copy.content:
                self._writer.add(above + copy.path, copy.entry, copy.content)
            if not copy.steady:
                self._manifest.remarks[above + copy.path] = _("备份期间一直在变，存下的可能是不同时刻的内容")

    def _leave(self, name: str, error: OSError) -> None:
        self._manifest.left_out[name] = _("读不了（{reason}）").format(reason=error.strerror)

    def _gradebooks(self) -> None:
        for section in self._classroom.sections():
            for file in sorted(self._classroom.of(section).course.iterdir()):
                if databases.is_sqlite(file):
                    self._sqlite(file)
        for section, url in databases.servers(self._classroom).items():
            copy = self._scratch / "dump"
            databases.dump(url, copy)
            self._copied(f"{DATABASES}/{section}.pgdump", copy, copy.stat())

    def _sqlite(self, file: Path) -> None:
        name, copy = f"{CLASS}/{file.relative_to(self._classroom.folder)}", self._scratch / "copy"
        status = file.stat()
        databases.copy_sqlite(file, copy)
        if trouble := databases.damage(copy):
            self._manifest.remarks[name] = _("数据库有损坏（{trouble}）；备份里是它现在的样子").format(trouble=trouble)
        self._copied(name, copy, status)
        self._tick(_bytes_on_disk(status))

    def _copied(self, name: str, copy: Path, status: os.stat_result) -> None:
        """Add a copy from the scratch folder, with the mode and owner of the original."""
        folder = os.open(copy.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            (taken,) = reading.read(Found(copy.name, folder, copy.stat()), self._scratch)
        finally:
            os.close(folder)
        with taken.content:
            like = Entry.of("file", status, size=taken.entry.size, sha256=taken.entry.sha256)
            like.extents = taken.entry.extents
            self._writer.add(name, like, taken.content)
        copy.unlink()

    def _tick(self, size: int) -> None:
        self._done += size
        self._progress(self._done, self._all)


def _bytes_on_disk(status: os.stat_result) -> int:
    return min(status.st_size, status.st_blocks * 512) if stat.S_ISREG(status.st_mode) else 0
