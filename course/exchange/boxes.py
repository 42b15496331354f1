"""The three folders that each student has in a section: drop box, feedback, receipts.

Where the class runs without root all of them belong to its account, and the walls decide who sees what. Where it runs
as root a student's server has an account of its own. It owns the drop box, so that whatever lies in there may change
at any moment; the other two it can only read, as their group.
"""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from course.exchange.contents import OPEN_FOLDER, write_all
from course.exchange.naming import plain_student
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _

MOST_NAMES, MOST_ENTRIES = 100, 10_000
"""How many submissions of one drop box one round takes, and how many names it looks at for that, hidden ones included."""


def open_boxes(classroom: Classroom, students: Iterable[str], owner: int | None = None) -> None:
    """See to it that each student has the three folders.

    owner: the account (user and group of the same number) of the student's server, if it has one of its own.

    Raises:
        CourseError: a student's name can't be that of a folder.
    """
    section = classroom.exchange / classroom.section
    for parent, mode in ((section, 0o755), *((section / name, 0o711) for name in ("inbound", "feedback", "receipts"))):
        if not parent.is_dir():
            parent.mkdir(parents=True, exist_ok=True)
            parent.chmod(mode)  # others may pass through to their own folder, and see no other names
    for student in map(plain_student, students):
        box, to_read = classroom.drop_box(student), (classroom.feedback_for(student), classroom.receipts_of(student))
        for folder in (box, *to_read):
            folder.mkdir(mode=0o700, exist_ok=True)
        if owner is not None and box.lstat().st_uid != owner:
            os.chown(box, owner, owner, follow_symlinks=False)
        for folder in to_read:
            if owner is not None and folder.lstat().st_gid != owner:
                os.chown(folder, -1, owner, follow_symlinks=False)
                folder.chmod(0o2750)  # what is laid into it gets its group


def students_with_boxes(classroom: Classroom) -> list[str]:
    """Students who have a drop box, by name."""
    try:
        with os.scandir(classroom.drop_box("x").parent) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def waiting(classroom: Classroom) -> Iterator[tuple[str, str]]:
    """Student and name of everything that waits in a drop box. What is still being sent is hidden, and not told."""
    for student in students_with_boxes(classroom):
        try:
            with os.scandir(classroom.drop_box(student)) as entries:
                shown = (entry.name for entry in islice(entries, MOST_ENTRIES) if not entry.name.startswith("."))
                names = list(islice(shown, MOST_NAMES))
        except OSError:
            continue  # gone meanwhile, or closed by its owner: that harms nobody else
        for name in sorted(names):
            yield student, name


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """A descriptor of ``folder``, which is no link: what is looked up in it stays in it."""
    handle = os.open(folder, OPEN_FOLDER)
    try:
        yield handle
    finally:
        os.close(handle)


def put(folder: Path, name: str, content: bytes) -> None:
    """Lay a file that a student may read into ``folder``, whole or not at all; an older one is replaced."""
    with opened(folder) as place:
        temporary = f".{secrets.token_hex(12)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary, flags, 0o600, dir_fd=place)
        try:
            try:
                write_all(handle, content)
                os.fchmod(handle, 0o640)
                os.fsync(handle)
            finally:
                os.close(handle)
            os.rename(temporary, name, src_dir_fd=place, dst_dir_fd=place)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=place)
            raise
        os.fsync(place)


@contextmanager
def locked(file: Path, seconds: float | None = None) -> Iterator[None]:
    """Hold the lock ``file``. The system frees it with the process, however that ended, so no lock is ever stale.

    seconds: how long to wait for it; None for as long as it takes.

    Raises:
        CourseError: another process kept it for too long.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if seconds is None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        else:
            _lock_within(handle, seconds)
        yield
    finally:
        os.close(handle)


def _lock_within(handle: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise CourseError(_("另一次提交还没有结束；请稍等片刻再试。")) from None
            time.sleep(0.05)
