"""nbgrader's gradebook, as its one writer sees it.

nbgrader stays the book of record: scores, comments and the executed notebook land where nbgrader itself puts them, so
that formgrader, manual grading, feedback and export go on working. A submission is written in one transaction.
"""

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from autograder.contract import Source
from autograder.files import replace_file
from autograder.records import Record
from autograder.submission import SECRET_FILE, secret_of
from crmlab.errors import CourseError
from crmlab.i18n import _

_PATIENCE = 60  # seconds to wait for a locked or restarting database
_MARKS = sa.text(
    """
    SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score
    FROM grade
    JOIN base_cell ON base_cell.id = grade.cell_id
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    JOIN notebook ON notebook.id = submitted_notebook.notebook_id
    WHERE assignment.name = :assignment AND notebook.name = :notebook
    """
)
_CELLS = sa.text(
    """
    SELECT base_cell.name, graded.max_score
    FROM (SELECT id, max_score FROM grade_cells UNION ALL SELECT id, max_score FROM task_cells) AS graded
    JOIN base_cell ON base_cell.id = graded.id
    JOIN notebook ON notebook.id = base_cell.notebook_id
    JOIN assignment ON assignment.id = notebook.assignment_id
    WHERE assignment.name = :assignment AND notebook.name = :notebook
    """
)


class GradebookError(CourseError):
    """The gradebook can't be read or written."""


class Gradebook:
    """The marks of one class in nbgrader's database and ``autograded`` folder."""

    def __init__(self, db_url: str, course_folder: Path, patience: float = _PATIENCE) -> None:
        self._url, self._folder, self._patience = db_url, course_folder, patience
        self._engine: sa.Engine | None = None
        self._book: Any = None

    # ---------------------------------------------------------------------------------------------------- reading

    def knows(self, assignment: str, source: Source) -> bool:
        """Whether the gradebook has this assignment with these graded cells and points."""
        graded = [cell for cell in source.cells if "points" in cell.metadata.get("nbgrader", {})]
        wanted = {cell.id: cell.points for cell in graded}
        return {name: float(points) for name, points in self._read(_CELLS, assignment, source.notebook)} == wanted

    def marks(self, assignment: str, notebook: str) -> dict[str, dict[str, float | None]]:
        """Automatic scores by student and graded cell."""
        marks: dict[str, dict[str, float | None]] = {}
        for student, cell, score in self._read(_MARKS, assignment, notebook):
            marks.setdefault(student, {})[cell] = score
        return marks

    def _read(self, query: sa.TextClause, assignment: str, notebook: str) -> list[Any]:
        def rows() -> list[Any]:
            self._engine = self._engine or sa.create_engine(self._url)
            with self._engine.connect() as connection:
                return list(connection.execute(query, {"assignment": assignment, "notebook": notebook}))

        try:
            return self._patiently(rows)
        except sa.exc.SQLAlchemyError as error:
            if "no such table" in str(error) or "UndefinedTable" in type(getattr(error, "orig", None)).__name__:
                return []  # an empty gradebook: nothing is released yet
            raise self._unreachable(error) from None

    # ---------------------------------------------------------------------------------------------------- writing

    def write(self, record: Record, keep: Callable[[dict[str, float]], None]) -> None:
        """Enter the scores of a record, and lay its notebook where formgrader looks for it.

        ``keep`` is given the marks by hand that no longer hold, because the answer they were given for has changed; it
        is called before they go. The notebook comes last: as long as it is missing, a rerun writes both again.

        Raises:
            GradebookError: the gradebook is out of reach or doesn't know the assignment.
        """
        from nbgrader.api import MissingEntry

        before = self._graded_notebook(record)
        try:
            self._patiently(lambda: self._enter(record, before, keep))
        except sa.exc.SQLAlchemyError as error:
            raise self._unreachable(error) from None
        except MissingEntry:
            raise GradebookError(
                _(
                    "成绩册里没有作业 {assignment} 现在的题目，成绩没有写入。已评好的记录都保存着："
                    "再运行一次 course grade {assignment}，会先登记题目，再补写成绩。"
                ).format(assignment=record.assignment)
            ) from None
        self._lay_out(record)

    def _enter(self, record: Record, before: dict[str, Any] | None, keep: Callable[[dict[str, float]], None]) -> None:
        """One transaction: nbgrader's own ``add_submission`` would commit a submission that has no scores yet."""
        from nbgrader import utils
        from nbgrader.api import MissingEntry

        book = self._open_book()
        try:
            try:
                submission = book.find_submission(record.assignment, record.student)
            except MissingEntry:
                submission = _new_submission(book, record)
            if record.submitted:
                submission.timestamp = utils.parse_utc(record.submitted)
            superseded = _fill(_notebook(submission, record), record, before)
            if superseded:
                keep(superseded)
            book.db.commit()
        except BaseException:
            book.db.rollback()
            raise

    def _open_book(self) -> Any:
        """nbgrader's gradebook. Never a new one: without tables, as after a loss, it knows no assignment."""
        if self._book is None:
            from nbgrader.api import Gradebook as Book
            from nbgrader.api import MissingEntry

            self._engine = self._engine or sa.create_engine(self._url)
            if not sa.inspect(self._engine).has_table("assignment"):
                raise MissingEntry("assignment")
            self._book = Book(self._url)
        return self._book

    def _patiently(self, work: Callable[[], Any]) -> Any:
        """Do it; while the database is locked or away, wait and do it again."""
        until, pause = time.monotonic() + self._patience, 0.05
        while True:
            try:
                return work()
            except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.IntegrityError) as error:
                # IntegrityError: another writer entered the same student first.
                if "no such table" in str(error) or time.monotonic() > until:
                    raise
                self.close()
                time.sleep(pause)
                pause = min(2 * pause, 2)

    def _unreachable(self, error: Exception) -> GradebookError:
        """Without the address: it may hold a password."""
        lines = str(getattr(error, "orig", None) or error).strip().splitlines()
        reason = lines[0][:300] if lines else type(error).__name__
        secret = _password(self._url)
        return GradebookError(
            _(
                "成绩册读不了或写不了（{reason}）。已评好的记录都保存着：数据库恢复后再运行一次，只补写成绩，不会重新评分。"
            ).format(reason=reason.replace(secret, "***") if secret else reason)
        )

    def close(self) -> None:
        if self._book is not None:
            self._book.close()
            self._book = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    # --------------------------------------------------------------------------------------- the autograded folder

    def has_notebook(self, record: Record) -> bool:
        """Whether the notebook of this very record lies in the folder, with the secret of the newest submission."""
        place, secret = self._place(record), self._secret(record)
        try:
            return place.read_bytes() == _file(record) and (not secret or secret == secret_of(place.parent))
        except OSError:
            return False

    def _secret(self, record: Record) -> bytes:
        """What the submission says about its way back; somebody who hands in the same once more gets another."""
        return secret_of(self._folder / "submitted" / record.student / record.assignment)

    def _place(self, record: Record) -> Path:
        return self._folder / "autograded" / record.student / record.assignment / f"{record.notebook}.ipynb"

    def _graded_notebook(self, record: Record) -> dict[str, Any] | None:
        """The notebook that was graded before; None if there is none."""
        try:
            return json.loads(self._place(record).read_bytes())
        except (OSError, ValueError):
            return None

    def _lay_out(self, record: Record) -> None:
        place = self._place(record)
        for folder in (place.parent.parent, place.parent):
            if folder.is_symlink():
                folder.unlink()
        place.parent.mkdir(parents=True, exist_ok=True)
        for stale in place.parent.glob(".crm-*"):  # half-written when the power failed
            stale.unlink()
        # nbgrader releases feedback to nobody at all if one student's folder lacks one of these two.
        replace_file(place.parent / "timestamp.txt", record.submitted.encode())
        secret = self._secret(record) or secret_of(place.parent) or secrets.token_hex(64).encode()
        replace_file(place.parent / SECRET_FILE, secret)
        replace_file(place, _file(record), 0o444, durable=True)


def _file(record: Record) -> bytes:
    """The executed notebook as it lies in the folder."""
    return msgspec.json.format(msgspec.json.encode(record.document), indent=1)


def _password(url: str) -> str:
    try:
        return str(sa.make_url(url).password or "")
    except sa.exc.ArgumentError:
        return url


def _new_submission(book: Any, record: Record) -> Any:
    """A submission with a place for each score and comment of the assignment, as nbgrader makes it; not committed."""
    from nbgrader.api import Comment, Grade, Student, SubmittedAssignment, SubmittedNotebook

    with book.db.no_autoflush:
        student = book.db.get(Student, record.student) or Student(id=record.student)
        submission = SubmittedAssignment(assignment=book.find_assignment(record.assignment), student=student)
        for notebook in submission.assignment.notebooks:
            place = SubmittedNotebook(notebook=notebook, assignment=submission)
            for cell in (*notebook.grade_cells, *notebook.task_cells):
                Grade(cell_id=cell.id, notebook=place)
            for cell in (*notebook.solution_cells, *notebook.task_cells):
                Comment(cell_id=cell.id, notebook=place)
    book.db.add(submission)
    book.db.flush()
    return submission


def _notebook(submission: Any, record: Record) -> Any:
    """The place of the record's scores. nbgrader's MissingEntry if the gradebook knows another set of cells."""
    from nbgrader.api import MissingEntry

    known = {cell["metadata"]["nbgrader"]["grade_id"] for cell in record.document["cells"] if _is_known(cell)}
    for notebook in submission.notebooks:
        if notebook.name == record.notebook and {entry.name for entry in _entries(notebook)} <= known:
            return notebook
    raise MissingEntry(record.notebook)


def _is_known(cell: dict[str, Any]) -> bool:
    return "nbgrader" in cell.get("metadata", {})


def _entries(notebook: Any) -> list[Any]:
    return [*notebook.grades, *notebook.comments]


def _fill(notebook: Any, record: Record, before: dict[str, Any] | None) -> dict[str, float]:
    """Scores and comments as nbgrader's own SaveAutoGrades gives them; marks by hand that no longer hold."""
    from nbformat import from_dict
    from nbgrader import utils

    cells = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in from_dict(record.document).cells
        if "nbgrader" in cell.metadata
    }
    scores = {test.cell: test.score for test in record.tests}
    doubtful = {test.cell for test in record.tests if test.fault}
    changed = _changed_answers(record, before)
    superseded = {}
    for grade in notebook.grades:
        cell = cells[grade.name]
        grade.auto_score = scores[grade.name] if grade.name in scores else utils.determine_grade(cell)[0]
        if grade.manual_score is not None and (grade.name in changed or (grade.name in scores and changed)):
            # A person's mark was for another answer: it must not stand for this one.
            superseded[grade.name] = grade.manual_score
            grade.manual_score = None
        unsettled = grade.auto_score is None or grade.manual_score is not None or grade.name in doubtful
        grade.needs_manual_grade = bool(unsettled or (record.look and not record.cells))
    for comment in notebook.comments:
        cell = cells[comment.name]
        empty = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell) or not cell.source.strip()
        comment.auto_comment = _("没有作答。") if empty and not utils.is_task(cell) else None
    return superseded


def _changed_answers(record: Record, before: dict[str, Any] | None) -> set[str]:
    """Ids of the answer cells whose text is another than in the notebook graded before."""
    if before is None:
        return set()
    return {cell for cell, text in _answers(record.document).items() if _answers(before).get(cell) != text}


def _answers(document: dict[str, Any]) -> dict[str, str]:
    answers = {}
    for cell in document.get("cells", []):
        known = cell.get("metadata", {}).get("nbgrader", {})
        if known.get("solution"):
            source = cell.get("source", "")
            answers[known["grade_id"]] = source if isinstance(source, str) else "".join(source)
    return answers
