"""Marks as a table: on the desk, at the command line, and as a CSV file that a spreadsheet opens without harm."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from course.desk.state import SectionState, Work, local
from crmlab.i18n import _

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins with one of these is computed by a spreadsheet, whoever wrote it."""


def total(state: SectionState, student: str) -> float | None:
    """Sum of a student's scores; None if there is none yet."""
    scores = [assignment.works[student].score for assignment in state.assignments]
    known = [score for score in scores if score is not None]
    return sum(known) if known else None


def rows(state: SectionState) -> Iterator[dict[str, Any]]:
    """One dictionary a student: ``student``, ``name``, ``total``, and by assignment ``score``, ``late``, ``manual``."""
    for student in state.students:
        works = {assignment.id: assignment.works[student.name] for assignment in state.assignments}
        yield {
            "student": student.name,
            "name": student.title,
            "assignments": {
                name: {
                    "score": work.score,
                    "late": work.late,
                    "manual": work.manual,
                    "submitted": work.submitted.isoformat() if work.submitted else None,
                }
                for name, work in works.items()
            },
            "total": total(state, student.name),
        }


def as_csv(state: SectionState) -> bytes:
    """The table as UTF-8 with the mark by which Excel recognises Chinese; a missing score is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    heading = [_("学号"), _("姓名")]
    for assignment in state.assignments:
        name = f"{assignment.id} {assignment.title}"
        heading += [
            _("{name}（满分 {points:g}）").format(name=name, points=assignment.points),
            _("{name} 提交时间").format(name=name),
            _("{name} 说明").format(name=name),
        ]
    writer.writerow([harmless(text) for text in [*heading, _("合计")]])
    for student in state.students:
        cells: list[Any] = [harmless(student.name), harmless(student.title)]
        for assignment in state.assignments:
            work = assignment.works[student.name]
            cells += [number(work.score), local(work.submitted), _("；").join(remarks(work))]
        writer.writerow([*cells, number(total(state, student.name))])
    return "\ufeff".encode() + stream.getvalue().encode("utf-8")


def harmless(text: str) -> str:
    """``text`` so that a spreadsheet shows it and computes nothing."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def number(score: float | None) -> str:
    """A score without needless zeros; empty if there is none."""
    return "" if score is None else f"{round(score, 2):g}"


def remarks(work: Work) -> list[str]:
    """What a mark does not say by itself."""
    said = [(work.late, _("迟交")), (work.stage == "new", _("有新提交，尚未回收")), (work.manual, _("待人工评阅"))]
    return [text for true, text in said if true] + ([_("待评分")] if work.stage == "ungraded" else [])
