"""A class in mid-term: work fetched, handed in, graded, marked by hand and given back, and what else a term leaves."""

import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jupyterhub import orm

from autograder.runner import grade_class
from course import grading
from course.exchange import open_boxes, take_in
from course.hub.classroom import Classroom
from course.people import enrol, students_of
from tests import exchanging
from tests.grading import tiny

FILE = f"{tiny.NOTEBOOK}.ipynb"
ANNA, BEN, CARL = "student01", "student02", "student03"
ANSWERS: dict[str, dict[str, Any]] = {ANNA: {}, BEN: {"x": "7"}}
"""Who handed in what; the third student has only fetched."""
MARK = 2.5


def make(classroom: Classroom) -> dict[str, str]:
    """Hold half a term. Returns the passwords."""
    classroom.create()
    passwords = enrol(classroom, 3)
    open_boxes(classroom, [person.name for person in students_of(classroom)])
    exchanging.release(classroom, {FILE: json.dumps(tiny.document())}, tiny.ASSIGNMENT)
    for student in (ANNA, BEN, CARL):
        exchanging.fetch(classroom, student, tiny.ASSIGNMENT)
    for student, answers in ANSWERS.items():
        hand_in(classroom, student, answers)
    _grade(classroom)
    _give_back(classroom)
    _clutter(classroom)
    _fill_hub(classroom.hub / "jupyterhub.sqlite")
    return passwords


def hand_in(classroom: Classroom, student: str, answers: dict[str, Any], take: bool = True) -> None:
    work = classroom.home(student) / "crm" / tiny.ASSIGNMENT / FILE
    work.write_text(json.dumps(tiny.document(**answers)), "utf-8")
    exchanging.submit(classroom, student, tiny.ASSIGNMENT)
    if take:
        take_in(classroom)


def _grade(classroom: Classroom) -> None:
    assert exchanging.api(classroom).collect(tiny.ASSIGNMENT)["success"]
    school = _School(classroom)
    school.register()
    summary = grade_class(grading.desk(classroom), tiny.ASSIGNMENT, tiny.source(), tiny.Fake(), limits=tiny.LIMITS)
    assert len(summary.graded) == len(ANSWERS)
    school.mark_by_hand(ANNA, "memo", MARK)


class _School(tiny.TinyClass):
    """The helper of the grader's tests, on this class's gradebook."""

    def __init__(self, classroom: Classroom) -> None:
        self.folder, self.db_url, self.patience = classroom.folder, classroom.db_url, 3


def marks(classroom: Classroom) -> dict[str, dict[str, tuple[float | None, float | None]]]:
    """Automatic and manual scores in the gradebook, by student and cell."""
    engine = sa.create_engine(classroom.db_url)
    query = sa.text(
        """
        SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score, grade.manual_score
        FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
        JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
        JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
        """
    )
    found: dict[str, dict[str, tuple[float | None, float | None]]] = {}
    with engine.connect() as connection:
        for student, cell, auto, manual in connection.execute(query):
            found.setdefault(student, {})[cell] = (auto, manual)
    engine.dispose()
    return found


def _give_back(classroom: Classroom) -> None:
    for student in ANSWERS:
        folder = classroom.course / "feedback" / student / tiny.ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{tiny.NOTEBOOK}.html").write_text(f"<p>{student}</p>", "utf-8")
        for name in ("timestamp.txt", "submission_secret.txt"):
            (folder / name).write_bytes((exchanging.collected(classroom, student, tiny.ASSIGNMENT) / name).read_bytes())
    assert exchanging.api(classroom).release_feedback(tiny.ASSIGNMENT)["success"]


def _clutter(classroom: Classroom) -> None:
    """What students do to their homes."""
    home = classroom.home(CARL)
    (home / "笔记 📓.md").write_text("客户", "utf-8")
    (home / "no\udcffname\n\x1b[31m").write_bytes(b"\0\xff")
    (home / "everything").symlink_to("/")
    (home / "gone").symlink_to(classroom.secrets / "nothing")
    (home / "locked").mkdir()
    (home / "locked" / "inside.txt").write_text("1")
    (home / "locked").chmod(0o500)
    (home / "run.sh").write_text("#!/bin/sh\n")
    (home / "run.sh").chmod(0o4755)
    (home / "empty").mkdir()
    (home / ".cache").mkdir()
    (home / ".cache" / "thing").write_bytes(b"x" * 1000)
    os.mkfifo(home / "pipe")
    with (home / "terabyte").open("wb") as file:
        file.write(b"begin")
        file.seek(2**39)
        file.write(b"middle")
        file.truncate(2**40)
    with closing(sqlite3.connect(home / "shop.db")) as database:
        database.execute("CREATE TABLE customers (name)")


def _fill_hub(file: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{file}")
    orm.Base.metadata.create_all(engine)
    with sa.orm.Session(engine) as session:
        user = orm.User(name=ANNA)
        server = orm.Server(port=4321)
        session.add_all([user, orm.Spawner(user=user, server=server, state={"pid": 1}, name="")])
        session.commit()
    engine.dispose()


def snapshot(folder: Path, leave_out: tuple[str, ...] = ()) -> dict[str, tuple[Any, ...]]:
    """All that is below a folder: kind, mode, content, time; of a file with holes only its ends."""
    found: dict[str, tuple[Any, ...]] = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            key, status = str(path.relative_to(folder)), path.lstat()
            if key in leave_out or any(key.startswith(f"{one}/") for one in leave_out):
                continue
            if path.is_symlink():
                found[key] = ("link", os.readlink(path))
            elif stat.S_ISDIR(status.st_mode):
                found[key] = ("folder", stat.S_IMODE(status.st_mode) & 0o777)
            elif stat.S_ISREG(status.st_mode):
                found[key] = ("file", stat.S_IMODE(status.st_mode) & 0o777, status.st_mtime_ns, _content(path))
    return found


def _content(path: Path) -> Any:
    """The bytes; of a gradebook what it says, for a copy counts its own changes; of a file with holes its ends."""
    if path.name == "gradebook.db":
        with closing(sqlite3.connect(path)) as database:
            return list(database.iterdump())
    return _ends(path) if path.stat().st_size > 2**30 else path.read_bytes()


def _ends(path: Path) -> tuple[bytes, ...]:
    with path.open("rb") as file:
        parts = []
        for place in (0, 2**39 - 3, 2**40 - 10):
            file.seek(place)
            parts.append(file.read(20))
    return tuple(parts)
