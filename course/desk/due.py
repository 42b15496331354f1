"""Due dates: read as the clock in Shanghai shows them, kept in the gradebook in UTC, where all of nbgrader finds them."""

import re
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from course.desk.state import SHANGHAI, known_assignment
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _

FORM = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})[ T](\d{1,2}:\d{2})(?::00)?")


def parse_due(text: str) -> datetime:
    """``2026-12-01 23:59`` of Shanghai as UTC.

    Raises:
        CourseError: another form, or no such day or time.
    """
    found = FORM.fullmatch(text.strip())
    if not found:
        raise CourseError(
            _("看不懂截止时间“{text}”；请写成 2026-12-01 23:59 这样，按北京时间。").format(text=text.strip()[:40])
        )
    try:
        local = datetime.strptime(" ".join(found.groups()), "%Y-%m-%d %H:%M")
    except ValueError:
        raise CourseError(
            _("没有“{text}”这个时间；请检查月、日、时、分，例如 2026-12-01 23:59。").format(text=text.strip())
        ) from None
    return local.replace(tzinfo=SHANGHAI).astimezone(UTC)


def set_due(classroom: Classroom, assignment: str, due: datetime | None) -> None:
    """Set the due date of an assignment in this section, or take it away (None).

    Raises:
        CourseError: no such assignment, or the gradebook can't be written.
    """
    from nbgrader.api import InvalidEntry

    known_assignment(assignment)
    try:
        with _gradebook(classroom) as book:
            book.update_or_create_assignment(assignment, duedate=due)
    except (sa.exc.SQLAlchemyError, InvalidEntry) as error:
        # Without the database's own words: they may hold its address and password.
        raise CourseError(
            _("成绩册写不了（{reason}），截止时间没有改；请稍后再试。").format(reason=type(error).__name__)
        ) from None


def _gradebook(classroom: Classroom) -> Any:
    from nbgrader.api import Gradebook

    from course.hub.release import own_programs_first

    own_programs_first()
    return Gradebook(classroom.db_url, course_id=classroom.section)
