"""A class as the desk sees it: people, a gradebook, submissions; without a hub and without grading anything."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from jupyterhub.services.auth import HubOAuth
from tornado.web import Application, create_signed_value

from course.hub.classroom import Classroom
from course.hub.release import own_programs_first

ASSIGNMENT = "a04-segmentation"
NOTEBOOK = "segmentation"
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai."""
SECRET = "ab" * 64


@dataclass(frozen=True)
class Person:
    name: str
    title: str = ""
    role: str = "student"
    sections: tuple[str, ...] = ("crm",)


@dataclass
class School:
    """What the desk's sources say; tests fill it."""

    classroom: Classroom
    people: list[Person] = field(default_factory=list)

    def enrol(self, *names: str, title: str = "学生") -> None:
        self.people += [Person(name, f"{title}{number}") for number, name in enumerate(names, start=1)]

    def hand_in(self, student: str, time: datetime = NOON, assignment: str = ASSIGNMENT) -> None:
        """A submission that was taken in, as a folder; its receipt is lost."""
        self.fetch(student, assignment)
        number = f"{len(list(self.classroom.received.glob('*'))):04d}"
        stamp = time.strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        (self.classroom.received / f"{student}+{assignment}+{stamp}+7KQ2-M4XD-{number}").mkdir(parents=True)

    def fetch(self, student: str, assignment: str = ASSIGNMENT) -> None:
        (self.classroom.home(student) / self.classroom.section / assignment).mkdir(parents=True, exist_ok=True)

    def collect(self, student: str, time: datetime = NOON, assignment: str = ASSIGNMENT) -> None:
        folder = self.classroom.course / "submitted" / student / assignment
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "timestamp.txt").write_text(time.strftime("%Y-%m-%d %H:%M:%S.%f UTC"))

    def graded(self, student: str, assignment: str = ASSIGNMENT) -> Path:
        """Lay the graded notebook where nbgrader has it; returns its path."""
        folder = self.classroom.course / "autograded" / student / assignment
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "submission_secret.txt").write_text(SECRET)
        path = folder / f"{NOTEBOOK}.ipynb"
        path.write_text(json.dumps({"cells": []}))
        return path

    def hand_back(self, student: str) -> Path:
        from nbgrader.utils import notebook_hash

        folder = self.classroom.feedback_for(student)
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / f"{notebook_hash(secret=SECRET, notebook_id=NOTEBOOK)}.html"
        page.write_text("feedback")
        return page


def school(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> School:
    """An empty school in ``classroom``, whose people are a list."""
    made = School(classroom, [Person("teacher", "王老师", "instructor")])
    students = lambda room: [p for p in made.people if p.role == "student" and room.section in p.sections]  # noqa: E731
    staff = lambda room: [p for p in made.people if p.role != "student" and room.section in p.sections]  # noqa: E731
    monkeypatch.setattr("course.people.students_of", students)
    monkeypatch.setattr("course.people.staff_of", staff)
    monkeypatch.setattr("course.people.read_people", lambda room: {person.name: person for person in made.people})
    return made


def gradebook(classroom: Classroom, assignments: tuple[str, ...] = (ASSIGNMENT,), cells: int = 2) -> None:
    """A gradebook that knows the assignments, each with ``cells`` graded cells of 5 points."""
    (classroom.course / "gradebook.db").write_bytes(_gradebook(classroom.section, assignments, cells))


@cache
def _gradebook(section: str, assignments: tuple[str, ...], cells: int) -> bytes:
    """Made once for all tests: it takes seconds."""
    with TemporaryDirectory() as folder:
        room = Classroom(Path(folder), section)
        room.create()
        _fill(room, assignments, cells)
        return (room.course / "gradebook.db").read_bytes()


def _fill(classroom: Classroom, assignments: tuple[str, ...], cells: int) -> None:
    from nbgrader import api

    with _open(classroom) as book:
        for name in assignments:
            assignment = book.add_assignment(name)
            notebook = api.Notebook(name=NOTEBOOK, assignment=assignment)
            for number in range(cells):
                book.db.add(
                    api.GradeCell(name=f"{name}-{number}-test", notebook=notebook, max_score=5.0, cell_type="code")
                )
        book.db.commit()


def enter(
    classroom: Classroom,
    student: str,
    scores: list[float | None],
    time: datetime = NOON,
    *,
    assignment: str = ASSIGNMENT,
    extension: timedelta | None = None,
) -> None:
    """Scores of a submission by cell; None waits for a person."""
    from nbgrader import api

    with _open(classroom) as book:
        book.update_or_create_student(student)
        entry = book.add_submission(assignment, student)
        entry.timestamp, entry.extension = time.replace(tzinfo=None), extension
        grades = sorted(entry.notebooks[0].grades, key=lambda grade: grade.name)
        for grade, score in zip(grades, scores, strict=True):
            grade.auto_score, grade.needs_manual_grade = score, score is None
        assert isinstance(entry, api.SubmittedAssignment)
        book.db.commit()


def _open(classroom: Classroom) -> Any:
    from nbgrader.api import Gradebook

    own_programs_first()
    return Gradebook(classroom.db_url, course_id=classroom.section)


# ------------------------------------------------------------------------------------------- the desk without a hub


class PretendAuth(HubOAuth):
    """The hub's log-in, but for the question whose token it is: the token is the user's name."""

    def user_for_token(self, token: str, use_cache: bool = True, session_id: str = "", *, sync: bool = True) -> Any:
        async def answer() -> dict[str, Any]:
            return {"name": token, "kind": "user", "scopes": ["access:services!service=desk"], "groups": []}

        return self._call_coroutine(sync, answer)


PREFIX = "/services/desk/"


def pretend_auth() -> PretendAuth:
    return PretendAuth(
        api_token="token",
        api_url="http://127.0.0.1:9/hub/api",  # nobody answers there
        base_url=PREFIX,
        oauth_client_id="service-desk",
        access_scopes={"access:services!service=desk"},
    )


def cookie(app: Application, user: str) -> str:
    """The cookie of somebody who has logged in."""
    value = create_signed_value(app.settings["cookie_secret"], "service-desk", user)
    return f"service-desk={value.decode()}"
