"""Invitations for handing out: who, code, link."""

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from autograder.files import replace_file
from course.hub.classroom import Classroom
from course.people.members import Code
from crmlab.errors import CourseError
from crmlab.i18n import _

DEFAULT_PORT = 8000


def rows(classroom: Classroom, codes: list[Code], address: str | None) -> list[tuple[str, ...]]:
    """A heading and a row for each code.

    :param address: where students open the class; if None, where it runs on this machine.
    """
    base = (address or _running_at(classroom)).rstrip("/")
    heading = (_("教学班"), _("账号"), _("姓名"), _("邀请码"), _("有效期至"), _("链接"))
    return [heading, *(_row(code, base) for code in codes)]


def _row(one: Code, base: str) -> tuple[str, ...]:
    until = datetime.fromtimestamp(one.expires).strftime("%Y-%m-%d %H:%M")
    # After the #, the code stays in the browser: it is not sent and stands in no log.
    link = f"{base}/hub/invitation#{quote(one.person.name)}:{one.code}"
    return ("、".join(one.person.sections), one.person.name, one.person.title, one.code, until, link)


def _running_at(classroom: Classroom) -> str:
    try:
        port = int(json.loads(classroom.lock.read_text("utf-8"))["port"])
    except (OSError, ValueError, KeyError, TypeError):
        port = DEFAULT_PORT
    return f"http://127.0.0.1:{port}"


def write(path: Path, table: list[tuple[str, ...]]) -> None:
    """Write a CSV that Excel opens with the right letters, and only its owner can read.

    :raises CourseError: if the file can't be written.
    """
    text = io.StringIO()
    csv.writer(text).writerows(table)
    try:
        replace_file(path, text.getvalue().encode("utf-8-sig"), mode=0o600)
    except OSError as error:
        raise CourseError(_("写不出 {path}：{reason}。").format(path=path, reason=error.strerror)) from None
