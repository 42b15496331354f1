"""A tiny assignment, a class that hands it in, and a backend that grades without running anything."""

import json
import re
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from nbgrader.api import Gradebook, SubmittedAssignment

from autograder import contract, submission
from autograder.records import Record, TestRun
from autograder.runner import Desk, Summary, grade_class
from autograder.sandbox.limits import MIB, Limits
from autograder.session import Job
from autograder.store import Store

ASSIGNMENT, NOTEBOOK = "t01-tiny", "tiny"
LIMITS = Limits(cell_seconds=20, seconds=60, memory=512 * MIB)
MEMO = "先给重要客户打电话。"


def cell(name: str, text: str, kind: str = "code", **flags: Any) -> dict[str, Any]:
    known = {"grade": False, "grade_id": name, "locked": False, "schema_version": 3, "solution": False, "task": False}
    metadata = {"nbgrader": {**known, **flags, "cell_type": kind}} if flags else {}
    extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": metadata, "source": text, **extra}


def document(
    x: str = "base + 1", y: str = "10", memo: str = MEMO, base: int = 2, before_test: str = ""
) -> dict[str, Any]:
    """The notebook with these answers; the defaults are the instructor's."""
    cells = [
        cell("title", "# 作业", "markdown"),
        cell("data", f"base = {base}", locked=True),
        cell("one", f"x = {x}", solution=True),
        cell("one-test", f"{before_test}assert x == base + 1", grade=True, locked=True, points=2),
        cell("two", f"y = {y}", solution=True),
        cell("two-test", "assert y == 10", grade=True, locked=True, points=1),
        cell("memo", memo, "markdown", grade=True, points=3, solution=True),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def source(**changes: Any) -> contract.Source:
    return contract.read(document(**changes), NOTEBOOK)


@dataclass
class TinyClass:
    """A class in a folder with a gradebook that knows the assignment."""

    folder: Path
    db_url: str = ""
    patience: float = 3

    def __post_init__(self) -> None:
        self.db_url = self.db_url or f"sqlite:///{self.folder / 'course' / 'gradebook.db'}"
        (self.folder / "course" / "submitted").mkdir(parents=True, exist_ok=True)

    @property
    def desk(self) -> Desk:
        return Desk(self.folder / "course", self.folder / "records", self.db_url, self.patience)

    @property
    def store(self) -> Store:
        return Store(self.desk.records)

    @property
    def database(self) -> Path:
        return self.desk.course / "gradebook.db"

    def hand_in(self, student: str, when: str = "2026-11-22 08:00:00.000000 UTC", **answers: Any) -> Path:
        folder = self.desk.course / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{NOTEBOOK}.ipynb").write_text(json.dumps(document(**answers)), "utf-8")
        (folder / "timestamp.txt").write_text(when)
        return folder / f"{NOTEBOOK}.ipynb"

    def register(self) -> None:
        """Enter the assignment's cells and points, as nbgrader does when it makes the students' version."""
        with Gradebook(self.db_url) as book:
            book.update_or_create_assignment(ASSIGNMENT)
            book.update_or_create_notebook(NOTEBOOK, ASSIGNMENT)
            for raw in document()["cells"]:
                known = raw["metadata"].get("nbgrader", {})
                place = (raw["id"], NOTEBOOK, ASSIGNMENT)
                if known.get("grade"):
                    book.update_or_create_grade_cell(*place, max_score=known["points"], cell_type=raw["cell_type"])
                if known.get("solution"):
                    book.update_or_create_solution_cell(*place)

    def grade(self, backend: Any, **options: Any) -> Summary:
        return grade_class(self.desk, ASSIGNMENT, options.pop("source", source()), backend, limits=LIMITS, **options)

    def notebook(self, student: str) -> Path:
        return self.desk.course / "autograded" / student / ASSIGNMENT / f"{NOTEBOOK}.ipynb"

    @property
    def recorded(self) -> list[str]:
        """Students with a record."""
        return sorted(path.name for path in (self.store.folder / ASSIGNMENT).glob("*") if path.is_dir())

    def records(self) -> dict[str, list[Record]]:
        return {name: self.store.history(ASSIGNMENT, name) for name in self.recorded}

    def mark_by_hand(self, student: str, name: str, mark: float) -> None:
        with Gradebook(self.db_url) as book:
            book.find_grade(name, NOTEBOOK, ASSIGNMENT, student).manual_score = mark
            book.db.commit()

    def marks(self) -> dict[str, dict[str, float | None]]:
        """Automatic scores in the gradebook, read with nbgrader; fails if a submission or a score is there twice."""
        marks: dict[str, dict[str, float | None]] = {}
        with Gradebook(self.db_url) as book:
            for entry in book.db.query(SubmittedAssignment).all():
                assert entry.student.id not in marks, "a submission twice"
                (notebook,) = entry.notebooks
                names = [grade.name for grade in notebook.grades]
                assert sorted(names) == ["memo", "one-test", "two-test"]
                assert sorted(comment.name for comment in notebook.comments) == ["memo", "one", "two"]
                marks[entry.student.id] = {grade.name: grade.auto_score for grade in notebook.grades}
        return marks

    def assert_finished(self, right: dict[str, tuple[float, float]], records: int = 1) -> None:
        """Nothing lost, nothing doubled: ``right`` gives the scores of the two tests for each student."""
        found = {name: (marks["one-test"], marks["two-test"]) for name, marks in self.marks().items()}
        assert found == right
        kept = self.records()
        assert {name: len(history) for name, history in kept.items()} == dict.fromkeys(right, records)
        for name, history in kept.items():
            wanted = self.store.with_document(history[-1]).document
            assert json.loads(self.notebook(name).read_bytes()) == wanted
        assert not list(self.folder.rglob(".crm-*")), "half-written files are left over"


# ----------------------------------------------------------------------------------------------- a fake backend


def fake_record(job: Job) -> Record:
    """What the two rooms would find, read off the source text."""
    try:
        handed_in = submission.read(job.content or b"")
        findings = list(job.findings)
    except submission.UnreadableSubmission as error:
        handed_in, findings = submission.Submission(()), [*job.findings, str(error)]
    rebuilt = submission.rebuild(job.source, handed_in, contract.STUBS)
    text = "\n".join(one.source for one in rebuilt.cells)
    scores = {"one-test": 2.0 * ("x = base + 1" in text), "two-test": 1.0 * bool(re.search(r"^y = 10$", text, re.M))}
    return Record(
        assignment=job.assignment, student=job.student, notebook=job.source.notebook, made_from=job.made_from,
        submitted=job.submitted, graded=datetime.now(UTC).isoformat(), findings=findings,
        look=[] if handed_in.pieces else ["提交的文件读不出来"], cells=[],
        tests=[TestRun(c.id, c.points, scores[c.id], 0.1, {}, "") for c in job.source.tests],
        seconds=0.1, cpu_seconds=0.1, memory_mib=1, document=submission.document(rebuilt, job.source, {}, {}),
    )  # fmt: skip


@dataclass
class Fake:
    """Grades when it is waited for, one by one; counts what is in hand."""

    workers: int = 2
    judge: Callable[[Job], Record] = fake_record
    submitted: list[str] = field(default_factory=list)

    def submit(self, job: Job) -> Future[bytes]:
        self.submitted.append(job.student)
        future: Future[bytes] = Future()
        try:
            future.set_result(msgspec.json.encode(self.judge(job)))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        pass
