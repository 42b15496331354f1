"""Is the class running? Its lock says so: ``course up`` holds it, and the system frees it with the process."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _


def port_of(classroom: Classroom) -> int | None:
    """The port of the running class; None if it doesn't run, 0 if it runs and the port is not known (yet)."""
    try:
        with classroom.lock.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return _noted_port(lock.read())
    except OSError:
        pass
    return None


def _noted_port(note: bytes) -> int:
    try:
        return int(json.loads(note)["port"])
    except (ValueError, KeyError, TypeError):
        return 0


@contextmanager
def stopped(classroom: Classroom, doing: str) -> Iterator[None]:
    """Hold the class's lock, so that nobody starts it meanwhile.

    :param doing: what the class must be stopped for, in the words of the error.
    :raises CourseError: if it runs.
    """
    if not classroom.hub.is_dir():  # there is no class yet that could run
        yield
        return
    with open(os.open(classroom.lock, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CourseError(
                _(
                    "班级 {folder} 正在运行，不能{doing}；请先停止它（在那个终端按 Ctrl-C，或 systemctl stop crm-class）。"
                ).format(folder=classroom.folder, doing=doing)
            ) from None
        yield
