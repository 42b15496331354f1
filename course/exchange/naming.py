"""Names of submissions: ``student+assignment+time+mark``, as nbgrader's exchange has them.

In a drop box such a name is what a student's program says about itself: it is read, and not believed. In
``received/`` it is what the receiver found out.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from crmlab.errors import CourseError
from crmlab.i18n import _

TIME = "%Y-%m-%d %H:%M:%S.%f UTC"
_MARK = re.compile(r"[A-Za-z0-9_=-]{1,64}", re.ASCII)
_SPECIAL = frozenset("+/\\*?[]")
"""What would split a name, leave a folder or match other names: nbgrader looks for submissions by pattern."""


@dataclass(frozen=True)
class SubmissionName:
    """The four parts of a name. ``mark``: random in a drop box; the number of the receipt in ``received/``."""

    student: str
    assignment: str
    time: str
    mark: str

    def __str__(self) -> str:
        return "+".join((self.student, self.assignment, self.time, self.mark))

    @property
    def moment(self) -> datetime:
        """``time`` with its zone, UTC.

        Raises:
            ValueError: it is no time, as only a name in a drop box may have it.
        """
        return datetime.strptime(self.time, TIME).replace(tzinfo=UTC)


def parse(name: str) -> SubmissionName | None:
    """The parts of a folder's name; None if it can't be a submission's."""
    parts = name.split("+")
    if len(parts) != 4 or len(os.fsencode(name)) > 255:
        return None
    student, assignment, time, mark = parts
    if not (is_plain(student) and is_plain(assignment) and is_plain(time) and _MARK.fullmatch(mark)):
        return None
    return SubmissionName(student, assignment, time, mark)


def is_plain(name: str) -> bool:
    """Whether ``name`` may be a part: neither empty, hidden nor too long, and nothing special in it."""
    return (
        name.isprintable()
        and name == name.strip()
        and 0 < len(os.fsencode(name)) <= 100
        and not name.startswith((".", "-"))
        and not _SPECIAL & set(name)
    )


def plain_student(name: str) -> str:
    """``name`` if a student can have it here.

    Raises:
        CourseError: if not: it becomes the name of folders, and a part of names.
    """
    if not is_plain(name):
        raise CourseError(
            _(
                "学号 {name} 不能用于提交：不能为空、不能以点或连字符开头，也不能含有空白和 + / \\ * ? [ ] 这些符号。"
            ).format(name=repr(name))
        )
    return name


def time_of(nanoseconds: int) -> str:
    """A moment since 1970 as nbgrader writes it. Cut, not rounded: nothing gets late by it."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000).strftime(TIME)
