"""What has been handed in, and who has fetched what."""

import os
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from course.exchange import receipts
from course.exchange.boxes import opened, students_with_boxes
from course.exchange.contents import Unacceptable, read_folder
from course.exchange.duedates import due_date
from course.exchange.intake import is_late
from course.exchange.naming import SubmissionName, parse
from course.exchange.receipts import Receipt
from course.hub.classroom import Classroom


@dataclass(frozen=True)
class Submission:
    """One submission that was taken in.

    time: UTC. late: by the due date that stands in the gradebook now; None if there is none. size: bytes.
    receipt: None if its copy is lost or damaged.
    """

    student: str
    assignment: str
    time: datetime
    late: bool | None
    digest: str
    size: int
    folder: Path
    receipt: Receipt | None


def received(classroom: Classroom, assignment: str, student: str | None = None) -> list[Submission]:
    """All submissions of an assignment, or those of one student; oldest first."""
    try:
        names = [name for name in map(parse, os.listdir(classroom.received)) if name is not None]
    except FileNotFoundError:
        return []
    wanted = [name for name in names if name.assignment == assignment and student in (None, name.student)]
    wanted = [name for name in wanted if _has_time(name)]
    due = due_date(classroom, assignment) if wanted else None
    found = [_submission(classroom, name, due) for name in wanted]
    return sorted(found, key=lambda submission: (submission.time, submission.student))


def _has_time(name: SubmissionName) -> bool:
    """Whether it is the name of a submission; somebody may have copied another folder there."""
    try:
        return name.moment is not None
    except ValueError:
        return False


def _submission(classroom: Classroom, name: SubmissionName, due: datetime | None) -> Submission:
    folder = classroom.received / str(name)
    try:
        receipt = receipts.kept(classroom, name.mark)
    except ValueError:
        receipt = None
    if receipt is None:
        size = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())
    return Submission(
        name.student,
        name.assignment,
        name.moment,
        is_late(name.time, due),
        receipt.digest if receipt else _digest(folder),
        receipt.size if receipt else size,
        folder,
        receipt,
    )


def _digest(folder: Path) -> str:
    try:
        with opened(folder) as place:
            return read_folder(place).digest
    except (OSError, Unacceptable):
        return ""


def refused(classroom: Classroom, assignment: str) -> list[Receipt]:
    """The newest refusals, oldest first, of submissions that claimed to be of this assignment."""
    notes = [note for student in students_with_boxes(classroom) for note in receipts.issued_to(classroom, student)]
    return sorted((n for n in notes if n.refused and n.assignment == assignment), key=lambda note: note.time)


def fetched(classroom: Classroom, assignment: str) -> set[str]:
    """The students whose home holds the assignment, as fetched through nbgrader."""
    try:
        homes = list(classroom.homes.iterdir())
    except FileNotFoundError:
        return set()
    return {
        home.name
        for home in homes
        if _is_folder(home / classroom.section) and _is_folder(home / classroom.section / assignment)
    }


def _is_folder(path: Path) -> bool:
    """Whether it is a folder and no link: what a link of a student's leads to is nobody's business."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
