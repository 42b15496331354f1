"""How a section stands: its assignments, its students, who has done what. Reads everything, changes nothing.

The sources are the class list, the exchange, the folders of nbgrader's course and its gradebook. The gradebook is asked
three questions, whatever the size of the class.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from autograder.submission import SECRET_FILE
from course.hub.classroom import Classroom
from course.model import Assignment, load
from crmlab.errors import CourseError
from crmlab.i18n import _

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""What people read and write. Everything is kept in UTC."""

_Key = tuple[str, str]
"""Assignment and student."""

STATES = {
    "draft": lambda: _("未发布"),
    "released": lambda: _("已发布"),
    "new": lambda: _("有新提交"),
    "ungraded": lambda: _("待评分"),
    "manual": lambda: _("待人工评阅"),
    "graded": lambda: _("已评完"),
    "returned": lambda: _("已发反馈"),
}
"""States of an assignment by id, in the order in which a term runs through them."""


@dataclass(frozen=True)
class Work:
    """One student's work on one assignment. Times are UTC.

    submitted: time of the newest submission. late: that one came after the due date. collected: the grader has it.
    graded: the gradebook holds its scores. score: what the gradebook holds, perhaps of an earlier submission. manual: a
    person has still to mark something. feedback: the page that belongs to these scores was handed back.
    """

    fetched: bool = False
    submitted: datetime | None = None
    submissions: int = 0
    late: bool = False
    collected: bool = False
    graded: bool = False
    score: float | None = None
    manual: bool = False
    feedback: bool = False

    @property
    def stage(self) -> str:
        """How far it got: ``none``, ``fetched``, ``new``, ``ungraded``, ``manual``, ``graded`` or ``returned``."""
        if self.submitted is None and not self.collected and not self.graded:
            return "fetched" if self.fetched else "none"
        if self.submitted is not None and not self.collected:
            return "new"
        if not self.graded:
            return "ungraded"
        if self.manual:
            return "manual"
        return "returned" if self.feedback else "graded"


@dataclass(frozen=True)
class AssignmentState:
    """One assignment of a section. ``works`` has an entry for every student of the section."""

    id: str
    title: str
    points: float
    due: datetime | None
    released: bool
    works: dict[str, Work]

    @property
    def counts(self) -> dict[str, int]:
        """Students by what they did; the words of the desk's line of figures."""
        works = self.works.values()
        return {
            "students": len(works),
            "fetched": sum(work.fetched for work in works),
            "submitted": sum(work.submitted is not None for work in works),
            "late": sum(work.late for work in works),
            "new": sum(work.stage == "new" for work in works),
            "ungraded": sum(work.stage == "ungraded" for work in works),
            "graded": sum(work.graded for work in works),
            "manual": sum(work.manual for work in works),
            "feedback": sum(work.feedback for work in works),
        }

    @property
    def state(self) -> str:
        """One of :data:`STATES`: what needs doing first."""
        counts = self.counts
        for waiting in ("new", "ungraded", "manual"):
            if counts[waiting]:
                return waiting
        if counts["graded"]:
            return "returned" if counts["feedback"] == counts["graded"] else "graded"
        return "released" if self.released else "draft"

    @property
    def mean(self) -> float | None:
        """Mean score of those who have one; None if nobody has."""
        scores = [work.score for work in self.works.values() if work.score is not None]
        return sum(scores) / len(scores) if scores else None


@dataclass(frozen=True)
class Student:
    """``listed``: still on the class list. Who left keeps the work and the marks."""

    name: str
    title: str
    listed: bool = True


@dataclass(frozen=True)
class SectionState:
    section: str
    students: tuple[Student, ...]
    assignments: tuple[AssignmentState, ...]

    def assignment(self, wanted: str) -> AssignmentState:
        """
        Raises:
            CourseError: there is no written assignment of that name.
        """
        known_assignment(wanted)
        return next(assignment for assignment in self.assignments if assignment.id == wanted)


def known_assignment(wanted: str) -> Assignment:
    """The assignment of ``course.yml`` with that id, if it is written.

    Raises:
        CourseError: there is none.
    """
    written = {assignment.id: assignment for assignment in load().assignments if assignment.written}
    if wanted not in written:
        raise CourseError(
            _("没有作业 {name}；已写成的作业有：{known}。").format(name=wanted, known=_("、").join(written))
        )
    return written[wanted]


def read_state(classroom: Classroom, wanted: Iterable[str] | None = None) -> SectionState:
    """How ``classroom.section`` stands now.

    Args:
        wanted: only these assignments, in this order; all that are written if None.

    Raises:
        CourseError: no such assignment, class list damaged, gradebook out of reach.
    """
    from course.people import students_of

    chosen = (
        [assignment for assignment in load().assignments if assignment.written]
        if wanted is None
        else [known_assignment(name) for name in wanted]
    )
    ids = {assignment.id for assignment in chosen}
    students = {person.name: Student(person.name, person.title) for person in students_of(classroom)}
    taken = _taken(classroom.received, ids)
    collected = _collected(classroom.course / "submitted", ids)
    book = _read_gradebook(classroom.db_url)
    evidence = [*taken, *collected, *(key for key in book.rows if key[0] in ids)]
    left = sorted({student for _assignment, student in evidence if student not in students})
    students |= {name: Student(name, "", listed=False) for name in left}
    reader = _Reader(classroom, _fetched(classroom, students, ids), taken, collected, book)
    return SectionState(
        classroom.section,
        tuple(students.values()),
        tuple(reader.assignment(assignment, list(students)) for assignment in chosen),
    )


# -------------------------------------------------------------------------------------------------- the gradebook


class _Row(NamedTuple):
    """A submission as the gradebook has it. ``submitted`` is naive UTC, as nbgrader stores it."""

    submitted: datetime | None
    extension: timedelta | None
    score: float
    manual: bool


# In SQL, not with nbgrader's classes: importing those takes seconds, and they ask thousands of questions.
_SUBMISSIONS = sa.text(
    """
    SELECT assignment.name, submitted_assignment.student_id, submitted_assignment.timestamp,
           submitted_assignment.extension, totals.score, totals.manual
    FROM submitted_assignment
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    JOIN (
        SELECT submitted_notebook.assignment_id AS id,
               SUM(COALESCE(grade.manual_score, grade.auto_score, 0.0) + COALESCE(grade.extra_credit, 0.0)) AS score,
               MAX(CASE WHEN grade.needs_manual_grade THEN 1 ELSE 0 END) AS manual
        FROM submitted_notebook
        JOIN grade ON grade.notebook_id = submitted_notebook.id
        GROUP BY submitted_notebook.assignment_id
    ) AS totals ON totals.id = submitted_assignment.id
    """
).columns(
    name=sa.String,
    student_id=sa.String,
    timestamp=sa.DateTime,
    extension=sa.Interval,
    score=sa.Float,
    manual=sa.Boolean,
)
_DUE = sa.text("SELECT name, duedate FROM assignment").columns(name=sa.String, duedate=sa.DateTime)
_NOTEBOOKS = sa.text(
    "SELECT assignment.name, notebook.name FROM notebook JOIN assignment ON assignment.id = notebook.assignment_id"
)


@dataclass(frozen=True)
class _Book:
    rows: dict[_Key, _Row]
    due: dict[str, datetime]
    notebooks: dict[str, list[str]]


def _read_gradebook(url: str) -> _Book:
    """Everything the desk needs of the gradebook; empty if there is none yet.

    Raises:
        CourseError: it is out of reach. Its address, which may hold a password, is not told.
    """
    if url.startswith("sqlite:///") and not os.path.exists(url.removeprefix("sqlite:///")):
        return _Book({}, {}, {})  # opening it would create an empty file
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("assignment"):
                return _Book({}, {}, {})
            return _answers(connection)
    except sa.exc.SQLAlchemyError as error:
        raise CourseError(
            _("成绩册读不了（{reason}）；请稍后再试，仍然不行时检查数据库。").format(
                reason=type(getattr(error, "orig", None) or error).__name__
            )
        ) from None
    finally:
        engine.dispose()


def _answers(connection: sa.Connection) -> _Book:
    rows = {(name, student): _Row(*rest) for name, student, *rest in connection.execute(_SUBMISSIONS)}
    due = {name: when for name, when in connection.execute(_DUE) if when is not None}
    notebooks: dict[str, list[str]] = {}
    for assignment, notebook in connection.execute(_NOTEBOOKS):
        notebooks.setdefault(assignment, []).append(notebook)
    return _Book(rows, due, notebooks)


# ---------------------------------------------------------------------------------------------------- the folders


def _folders(place: Path | str) -> Iterator[os.DirEntry[str]]:
    """The folders in ``place``, links left out; none if it can't be read."""
    try:
        with os.scandir(place) as entries:
            yield from (entry for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return


def _fetched(classroom: Classroom, students: Iterable[str], ids: set[str]) -> set[_Key]:
    """Who has which assignment at home, as :func:`course.exchange.fetched` says of one; all in one round here."""
    found: set[_Key] = set()
    for student in students:
        home = str(classroom.home(student))
        if _is_folder(home) and _is_folder(f"{home}/{classroom.section}"):
            work = _folders(f"{home}/{classroom.section}")
            found.update((folder.name, student) for folder in work if folder.name in ids)
    return found


def _is_folder(path: str) -> bool:
    """Whether it is a folder and no link: where a student's link leads is nobody's business."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _taken(received: Path, ids: set[str]) -> dict[_Key, tuple[int, datetime]]:
    """How many submissions were taken in, and when the newest was handed in (naive UTC).

    Read off the folders' names: the receipts say no more about it, and a term has thousands of them.
    """
    from course.exchange.naming import parse

    found: dict[_Key, tuple[int, datetime]] = {}
    for folder in _folders(received):
        name = parse(folder.name)
        time = _time(name.time) if name is not None and name.assignment in ids else None
        if name is not None and time is not None:
            count, newest = found.get((name.assignment, name.student), (0, time))
            found[name.assignment, name.student] = (count + 1, max(newest, time))
    return found


def _time(stamp: str) -> datetime | None:
    """A time as nbgrader writes it (naive UTC), None if it is none. Its own parser would take a tenth of a millisecond."""
    try:
        return datetime.fromisoformat(stamp.strip().removesuffix(" UTC")).replace(tzinfo=None)
    except ValueError:
        return None


def _collected(submitted: Path, ids: set[str]) -> dict[_Key, datetime | None]:
    """Time (naive UTC; None if it says none) of what the grader has, by assignment and student."""
    found = {}
    for student in _folders(submitted):
        for assignment in _folders(student.path):
            if assignment.name in ids:
                found[assignment.name, student.name] = _time(_text(f"{assignment.path}/timestamp.txt"))
    return found


def _text(path: str) -> str:
    """A small file of nbgrader's; empty if it can't be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return os.read(handle, 4096).decode("utf-8", "replace")
    finally:
        os.close(handle)


def _is_newer(page: str, notebook: str) -> bool:
    """Whether both files are there, and the first is not the older one."""
    try:
        return os.lstat(page).st_mtime >= os.lstat(notebook).st_mtime
    except OSError:
        return False


# -------------------------------------------------------------------------------------------------- put together


class _Reader:
    """Joins what the sources say."""

    def __init__(
        self,
        classroom: Classroom,
        fetched: set[_Key],
        taken: dict[_Key, tuple[int, datetime]],
        collected: dict[_Key, datetime | None],
        book: _Book,
    ) -> None:
        self.fetched, self.taken, self.collected, self.book = fetched, taken, collected, book
        self.outbound = classroom.outbound
        # Strings: a class has thousands of these paths, and pathlib takes longer over one than the disk.
        self.autograded = str(classroom.course / "autograded")
        self.feedback = str(classroom.feedback_for("-").parent)

    def assignment(self, assignment: Assignment, students: list[str]) -> AssignmentState:
        due = self.book.due.get(assignment.id)
        return AssignmentState(
            id=assignment.id,
            title=assignment.title,
            points=float(assignment.points),
            due=due.replace(tzinfo=UTC) if due else None,
            released=(self.outbound / assignment.id).is_dir(),
            works={
                student: self._work((assignment.id, student), (assignment.id, student) in self.fetched, due)
                for student in students
            },
        )

    def _work(self, key: _Key, fetched: bool, due: datetime | None) -> Work:
        here, row = self.collected.get(key), self.book.rows.get(key)
        taken, newest = self.taken.get(key, (0, None))
        submitted = max((time for time in (newest, here) if time), default=None)
        collected = key in self.collected and (newest is None or (here is not None and here >= newest))
        graded = row is not None and (here is None or row.submitted == here)
        if due and row and row.extension:
            due = due + row.extension
        return Work(
            fetched=fetched,
            submitted=submitted.replace(tzinfo=UTC) if submitted else None,
            submissions=max(taken, int(key in self.collected)),
            late=bool(due and submitted and submitted > due),
            collected=collected,
            graded=graded,
            score=row.score if row else None,
            manual=bool(row and graded and row.manual),
            feedback=graded and self._handed_back(*key),
        )

    def _handed_back(self, assignment: str, student: str) -> bool:
        """Whether the student can read the feedback on what is graded now, not only on something earlier."""
        folder = f"{self.autograded}/{student}/{assignment}"
        secret, notebooks = _text(f"{folder}/{SECRET_FILE}"), self.book.notebooks.get(assignment, [])
        return bool(secret and notebooks) and all(
            _is_newer(self._page(student, secret, notebook), f"{folder}/{notebook}.ipynb") for notebook in notebooks
        )

    def _page(self, student: str, secret: str, notebook: str) -> str:
        """The feedback page of a submission, which its secret names."""
        name = hashlib.md5((secret + notebook).encode(), usedforsecurity=False).hexdigest()  # as nbgrader names it
        return f"{self.feedback}/{student}/{name}.html"


def local(time: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """A time as people here read it (Asia/Shanghai); empty if there is none."""
    return time.astimezone(SHANGHAI).strftime(form) if time else ""
