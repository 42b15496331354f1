"""Reading a class that is at work, without being led astray: no link is followed, no pipe is waited for."""

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course.operations.archive import Entry, Extents, fingerprint
from course.operations.databases import COMPANIONS, SUFFIXES

DEEPEST = 200
"""Folders below folders; deeper ones are told, not read (each costs an open file)."""
IN_MEMORY = 16 * 2**20
"""Bytes of a file that are held in memory before it goes to the disk."""
ATTEMPTS = 3


@dataclass(frozen=True)
class Found:
    """Something in a folder: its path from the top, and the open folder that holds it. ``error``: why it can't be read."""

    path: str
    folder: int
    status: os.stat_result
    error: OSError | None = None

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


def walk(top: Path) -> Iterator[Found]:
    """Everything below a folder, by name, each folder before what is in it. Links are told, not followed."""
    try:
        handle = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return  # no such folder, or no folder: whoever lists its parent finds out
    try:
        yield from _walk(handle, "", 0)
    finally:
        os.close(handle)


def _walk(folder: int, above: str, depth: int) -> Iterator[Found]:
    for name in sorted(os.listdir(folder)):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            continue  # gone meanwhile: taken in, renamed or deleted
        path = above + name
        if not stat.S_ISDIR(status.st_mode):
            yield Found(path, folder, status)
            continue
        try:
            below = _enter(folder, name, depth)
        except OSError as error:
            yield Found(path, folder, status, error)
            continue
        try:
            yield Found(path, folder, status)
            yield from _walk(below, path + "/", depth + 1)
        finally:
            os.close(below)


def _enter(folder: int, name: str, depth: int) -> int:
    if depth >= DEEPEST:
        raise OSError(0, f"deeper than {DEEPEST} folders")
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)


@dataclass
class Copy:
    """A file as it was read: its entry, its bytes (without holes), and whether it stood still meanwhile."""

    path: str
    entry: Entry
    content: tempfile.SpooledTemporaryFile[bytes]
    steady: bool


def read(found: Found, scratch: Path) -> list[Copy]:
    """A file, as of one moment; a student's database together with what lies beside it.

    Read again when it changed meanwhile; what never stands still is given as it was the last time.

    :raises OSError: if it can't be read, or is no file any more.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(0.05)
        copies = [_read(found, path, scratch) for path in _together(found)]
        if all(copy.steady for copy in copies) and len(copies) == len(_together(found)):
            break
    return copies


def _together(found: Found) -> list[str]:
    beside = [found.path + companion for companion in COMPANIONS] if found.name.endswith(SUFFIXES) else []
    return [found.path, *(path for path in beside if _exists(found, path))]


def _exists(found: Found, path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(os.path.basename(path), dir_fd=found.folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _read(found: Found, path: str, scratch: Path) -> Copy:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(os.path.basename(path), flags, dir_fd=found.folder)
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise OSError(0, "not a file any more")
        extents = extents_of(handle, before)
        content = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(scratch))  # noqa: SIM115 (closed by its reader)
        digest = fingerprint(file, extents, before.st_size, lambda _offset, block: content.write(block))
        after = os.fstat(handle)
    if extents is not None and content.tell() != sum(length for _offset, length in extents):
        raise OSError(0, "shrinks while it is read")
    size = content.tell() if extents is None else before.st_size
    content.seek(0)
    steady = _state(before) == _state(after)
    return Copy(path, Entry.of("file", before, size=size, sha256=digest, extents=extents), content, steady)


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def extents_of(handle: int, status: os.stat_result) -> Extents | None:
    """Where a file with holes has bytes; None if it has no holes worth the trouble."""
    if status.st_size < 2**20 or status.st_blocks * 512 >= status.st_size // 2:
        return None
    extents, offset = [], 0
    while offset < status.st_size:
        try:
            start = os.lseek(handle, offset, os.SEEK_DATA)
        except OSError:  # only a hole is left
            break
        offset = min(os.lseek(handle, start, os.SEEK_HOLE), status.st_size)
        extents.append((start, offset - start))
    if sum(extents[-1] if extents else (0, 0)) < status.st_size:
        extents.append((status.st_size, 0))  # by this GNU tar knows that a hole ends the file
    return extents
