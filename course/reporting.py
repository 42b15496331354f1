"""``course report``: how the tasks of an assignment worked, and whose work looks alike."""

import dataclasses
import json
from pathlib import Path

from autograder import contract, report, similar, statistics, submission
from autograder.files import replace_file
from autograder.records import Record
from autograder.runner import handed_in, make_job
from autograder.sandbox.limits import Limits
from autograder.similar import Pair
from autograder.statistics import Statistics
from autograder.store import Store
from course.grading import desk, instructors_copy
from course.hub.classroom import Classroom
from course.model import load
from crmlab.errors import CourseError
from crmlab.i18n import _


def current_records(assignment: str, source: contract.Source) -> list[Record]:
    """The records that hold now, one a student, with their notebooks; for statistics and reports.

    Raises:
        CourseError: nothing is graded yet.
    """
    place = desk(Classroom.here())
    store = Store(place.records)
    records = []
    for student in handed_in(place, assignment):
        record = store.find(assignment, student, make_job(place, assignment, student, source, Limits()).made_from)
        if record is not None:
            records.append(record)
    if not records:
        raise CourseError(_("作业 {name} 还没有评分；请先运行 course grade {name}。").format(name=assignment))
    return records


def make(assignment: str, least: float) -> tuple[Statistics, list[Pair], Path]:
    """Statistics of the tasks and work that looks alike, also as a page in the class's folder of records.

    Args:
        least: share of the shorter work, 0 to 1, from which on two works are named.

    Raises:
        CourseError: nothing is graded yet.
    """
    source = instructors_copy(assignment)
    records = current_records(assignment, source)
    given = {cell.id: submission.released(cell, contract.STUBS) for cell in source.cells if submission.is_slot(cell)}
    found, pairs = statistics.statistics(records, given), similar.similar(records, given, least)
    path = Classroom.here().records / assignment / "report.html"
    replace_file(path, report.page(found, pairs, _title(assignment)).encode("utf-8"))
    return found, pairs, path


def _title(assignment: str) -> str:
    known = {entry.id: entry.title for entry in load().assignments}
    return f"{assignment}　{known.get(assignment, '')}".strip()


def as_json(found: Statistics, pairs: list[Pair]) -> str:
    """Statistics and similar work for other programs."""
    outcome = {"statistics": found.to_dict(), "similar": [dataclasses.asdict(pair) for pair in pairs]}
    return json.dumps(outcome, ensure_ascii=False, indent=1)
