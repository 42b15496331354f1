"""A class that exchanges work through nbgrader's own classes, configured as nbgrader_config.py does."""

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbgrader.apps.api import NbGraderAPI
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from traitlets.config import Config

from course.exchange import configure
from course.hub.classroom import Classroom

A1, NOTEBOOK = "a1", "work.ipynb"

SETTINGS = """
from course.exchange import configure
c = get_config()
configure(c)
c.Exchange.root = {root!r}
c.Exchange.cache = {cache!r}
c.Submit.receipt_timeout = 0
c.CourseDirectory.course_id = {course!r}
c.CourseDirectory.student_id = {student!r}
"""


def home(room: Classroom, student: str) -> Path:
    folder = room.home(student)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settings_file(room: Classroom, student: str, course: str) -> None:
    """What a student's server reads."""
    place = home(room, student)
    text = SETTINGS.format(root=str(room.exchange), cache=str(place / ".cache"), student=student, course=course)
    (place / "nbgrader_config.py").write_text(text, "utf-8")


def config(room: Classroom, student: str = "*", **sections: Mapping[str, Any]) -> Config:
    c = Config()
    configure(c)
    c.Exchange.root = str(room.exchange)
    c.CourseDirectory.course_id = room.section
    if student == "*":
        c.CourseDirectory.root = str(room.course)
        c.CourseDirectory.db_url = room.db_url
        c.ExchangeReleaseAssignment.force = True
    else:
        c.CourseDirectory.student_id = student
        c.Exchange.assignment_dir = str(home(room, student))
        c.Exchange.cache = str(home(room, student) / ".cache")
        c.Submit.receipt_timeout = 0.0
    c.merge(Config(sections))
    return c


def api(room: Classroom, **sections: Mapping[str, Any]) -> NbGraderAPI:
    """What formgrader and ``course`` work with."""
    return NbGraderAPI(config=config(room, **sections))


def release(room: Classroom, files: Mapping[str, str] | None = None, assignment: str = A1) -> None:
    folder = room.course / "release" / assignment
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in (files or {NOTEBOOK: "{}"}).items():
        (folder / name).write_text(text, "utf-8")
    result = api(room).release_assignment(assignment)
    assert result["success"], result


def plugin(room: Classroom, kind: str, student: str, assignment: str, **sections: Mapping[str, Any]) -> Any:
    """One of nbgrader's exchange classes for one student, made as JupyterLab's tab makes it."""
    c = config(room, student, **sections)
    c.CourseDirectory.assignment_id = assignment
    return getattr(ExchangeFactory(config=c), kind)(
        coursedir=CourseDirectory(config=c), authenticator=Authenticator(config=c), config=c
    )


def fetch(room: Classroom, student: str, assignment: str = A1) -> None:
    plugin(room, "FetchAssignment", student, assignment).start()


def submit(room: Classroom, student: str, assignment: str = A1, wait: float = 0.0, at: str = "") -> None:
    """``at``: what the student's program says about the time."""
    sender = plugin(room, "Submit", student, assignment, Submit={"receipt_timeout": wait})
    if at:
        sender.set_timestamp = lambda: setattr(sender, "timestamp", at)
    with contextlib.chdir(home(room, student)):
        sender.start()


def collected(room: Classroom, student: str, assignment: str = A1) -> Path:
    return room.course / "submitted" / student / assignment
