"""Bringing a class list in: every line is checked, all errors are told at once, and only a faultless list counts."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from course.hub.classroom import Classroom, section_id
from course.people.members import joined, left
from course.people.model import ROLES, Account, Role, fault_in_name, fault_in_title, login_name, printable
from course.people.store import Accounts, accounts, editing
from course.people.tables import Cell, Line, read_table
from crmlab.errors import CourseError
from crmlab.i18n import _

Field = Literal["name", "title", "role", "sections"]

HEADINGS: dict[Field, list[str]] = {
    "name": [
        *_("学号 账号 工号 学工号 登录名 用户名").split(),
        "id",
        "studentid",
        "studentnumber",
        "username",
        "login",
    ],
    "title": [*_("姓名 名字 学生姓名").split(), "name", "fullname", "studentname"],
    "role": [*_("角色 身份").split(), "role"],
    "sections": [*_("教学班 教学班编号").split(), "section", "sections"],
}
"""Titles of columns, without blanks and in lower case."""

ROLE_WORDS: dict[str, Role] = {
    _("学生"): "student", "student": "student",
    _("助教"): "grader", "grader": "grader", "ta": "grader",
    _("教师"): "instructor", _("老师"): "instructor", "instructor": "instructor", "teacher": "instructor",
}  # fmt: skip

HEADER_WITHIN = 10
"""Schools put the course's title and the term above the header."""
TOLD = 50
BETWEEN_SECTIONS = re.compile(r"[、,，;；/\s]+")

Fault = tuple[int, str, str]
"""Line, column, what is wrong."""

Kind = Literal["added", "changed", "unchanged", "missing", "removed"]


@dataclass(frozen=True)
class Row:
    """A faultless line. An empty title or role says nothing."""

    name: str
    title: str
    role: Role | None
    sections: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What the import does to one person."""

    name: str
    kind: Kind
    before: Account | None
    after: Account

    @property
    def title(self) -> str:
        return self.after.title


@dataclass(frozen=True)
class Report:
    """What an import did, or would do."""

    changes: list[Change]
    ignored: list[str] = field(default_factory=list)
    """Columns that were not read."""
    new_sections: list[str] = field(default_factory=list)

    def count(self, kind: Kind) -> int:
        return sum(change.kind == kind for change in self.changes)


class ListError(CourseError):
    """All faults of a class list, a line each."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        self.faults = faults
        told = faults[:TOLD]
        if len(faults) > TOLD:
            told.append(_("……还有 {count} 处。").format(count=len(faults) - TOLD))
        head = _("{path} 有 {count} 处要改，没有导入任何人：").format(path=path, count=len(faults))
        super().__init__("\n".join([head, *told]))


def import_list(classroom: Classroom, path: Path, *, dry_run: bool = False, remove_missing: bool = False) -> Report:
    """Bring the people of a file into the class, those without a section into the classroom's.

    Nobody leaves a section by it unless ``remove_missing``: then students of the sections that occur in the file, and
    are not in it, leave those sections. Staff never leave.

    :raises ListError: if anything in the file is wrong; nothing has changed then.
    :raises CourseError: if the file is no table.
    """
    rows, ignored = read_list(path, classroom.section)
    existing = set(classroom.sections())
    new = sorted({section for row in rows for section in row.sections} - existing)
    if dry_run:
        return Report(plan(accounts(classroom), rows, remove_missing), ignored, new)
    with editing(classroom) as people:
        changes = plan(people, rows, remove_missing)
        people.update({change.name: change.after for change in changes})
    for section in new:
        classroom.of(section).create()
    return Report(changes, ignored, new)


def plan(people: Accounts, rows: Iterable[Row], remove_missing: bool = False) -> list[Change]:
    """What becomes of everybody; ``people`` is not changed."""
    after = dict(people)
    changes = []
    for row in rows:
        after[row.name] = joined(after, row.name, row.title, row.role, row.sections)
        changes.append(_change(row.name, people.get(row.name), after[row.name]))
    return changes + list(_missing(people, rows, remove_missing))


def _change(name: str, before: Account | None, after: Account) -> Change:
    if before is None or before.removed:
        return Change(name, "added", before, after)
    return Change(name, "unchanged" if before == after else "changed", before, after)


def _missing(people: Accounts, rows: Iterable[Row], remove: bool) -> Iterator[Change]:
    listed = {(row.name, section) for row in rows for section in row.sections}
    named = {section for _name, section in listed}
    for name, account in people.items():
        gone = [section for section in account.sections if section in named and (name, section) not in listed]
        if gone and account.role == "student" and not account.removed:
            yield Change(name, "removed" if remove else "missing", account, left(account, gone) if remove else account)


# --- reading ---------------------------------------------------------------------------------------------------------


def read_list(path: Path, section: str) -> tuple[list[Row], list[str]]:
    """The rows of a class list, and the columns that were not read.

    :raises ListError: if anything in it is wrong.
    :raises CourseError: if the file is no table.
    """
    lines = read_table(path)
    at, columns, ignored = _header(path, lines)
    faults: list[Fault] = []
    rows = [_row(line, columns, lines[at], section, faults) for line in lines[at + 1 :]]
    faults += _duplicates(lines[at + 1 :], rows, lines[at].cells[columns["name"]].text)
    if faults:
        raise ListError(path, [_told(*fault) for fault in sorted(faults, key=lambda fault: fault[0])])
    found = [row for row in rows if row is not None]
    if not found:
        raise CourseError(_("{path} 的标题行下面没有人。").format(path=path))
    return found, ignored


def _header(path: Path, lines: list[Line]) -> tuple[int, dict[Field, int], list[str]]:
    """Where the header is, which column holds what, and the titles of the other columns."""
    for at, line in enumerate(lines[:HEADER_WITHIN]):
        known = [_field(cell) for cell in line.cells]
        if "name" in known:
            twice = [name for name, count in Counter(filter(None, known)).items() if count > 1]
            if twice:
                titles = [cell.text for cell, name in zip(line.cells, known, strict=True) if name in twice]
                raise CourseError(
                    _("{path} 第 {number} 行的标题 {titles} 说的是同一样东西，请只留一列。").format(
                        path=path, number=line.number, titles="、".join(titles)
                    )
                )
            ignored = [cell.text for cell, name in zip(line.cells, known, strict=True) if cell.text and name is None]
            return at, {name: column for column, name in enumerate(known) if name is not None}, ignored
    raise CourseError(
        _("{path} 里找不到标题行：要有一行写着“学号”（或“账号”“id”），可以再有“姓名”“角色”“教学班”。").format(path=path)
    )


def _field(cell: Cell) -> Field | None:
    """What a column with this title holds; None if nothing that is read."""
    plain = re.sub(r"[\s_*·.-]", "", cell.text).lower()
    return next((name for name, titles in HEADINGS.items() if plain in titles), None)


def _row(line: Line, columns: dict[Field, int], header: Line, section: str, faults: list[Fault]) -> Row | None:
    """The row of a line; None if something is wrong with it, which is added to ``faults``."""
    found: list[tuple[Field, str]] = []
    cells = {name: line.cells[column] if column < len(line.cells) else Cell("") for name, column in columns.items()}
    for name, cell in cells.items():
        fault = cell.fault or _fault(name, cell.text)
        if fault:
            found.append((name, fault))
    faults += [(line.number, header.cells[columns[name]].text, fault) for name, fault in found]
    if found:
        return None
    text = {name: cell.text for name, cell in cells.items()}
    role = ROLE_WORDS.get(text.get("role", "").lower())
    return Row(login_name(text["name"]), text.get("title", ""), role, _sections(text.get("sections", "")) or (section,))


def _told(number: int, column: str, fault: str) -> str:
    """``第 7 行「学号」：…``"""
    return _("第 {number} 行「{column}」：{fault}。").format(number=number, column=printable(column), fault=fault)


def _fault(name: Field, text: str) -> str | None:
    if name == "name":
        return fault_in_name(login_name(text)) if text else _("没有填写")
    if name == "title":
        return fault_in_title(text)
    if name == "role" and text and text.lower() not in ROLE_WORDS:
        return _("没有“{role}”这个角色，可以写：学生、助教、教师").format(role=printable(text))
    if name == "sections":
        return next((fault for fault in map(_fault_in_section, _sections(text)) if fault), None)
    return None


def _fault_in_section(section: str) -> str | None:
    try:
        section_id(section)
    except CourseError:
        return _("“{section}”不能作教学班编号，请用小写英文字母、数字和连字符，例如 crm-2").format(
            section=printable(section)
        )
    return None


def _sections(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in BETWEEN_SECTIONS.split(text.lower()) if part))


def _duplicates(lines: list[Line], rows: list[Row | None], column: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for line, row in zip(lines, rows, strict=True):
        if row is None:
            continue
        if row.name in first:
            fault = _("{name} 在第 {first} 行已经有了；同一个人在几个教学班，请写在同一格里，用顿号隔开")
            yield line.number, column, fault.format(name=row.name, first=first[row.name])
        first.setdefault(row.name, line.number)


def role_word(role: Role) -> str:
    """The role as people say it."""
    return dict(zip(ROLES, (_("教师"), _("助教"), _("学生")), strict=True))[role]
