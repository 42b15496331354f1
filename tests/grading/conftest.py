"""Tiny classes, and the process that grades them."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.runner import Backend
from crmlab.paths import course_root
from tests.grading.tiny import TinyClass

STUDENTS = {"student01": {}, "student02": {"x": "7"}, "student03": {"y": "9"}, "student04": {}}
RIGHT = {"student01": (2, 1), "student02": (0, 1), "student03": (2, 0), "student04": (2, 1)}


os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by name


def fill(school: TinyClass) -> TinyClass:
    for student, answers in STUDENTS.items():
        school.hand_in(student, **answers)
    return school


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook that knows the assignment and no student: making one takes a second, copying it none."""
    school = TinyClass(tmp_path_factory.mktemp("registered"))
    school.register()
    return school.database


@pytest.fixture
def school(tmp_path: Path, registered: Path) -> TinyClass:
    """A class of four with a gradebook in SQLite."""
    school = fill(TinyClass(tmp_path))
    shutil.copy(registered, school.database)
    return school


@pytest.fixture(scope="session")
def rooms() -> Iterator[Backend]:
    """Two real workers on one warm house."""
    backend = Backend(2)
    yield backend
    backend.close()


class Grader:
    """A grading process. ``told`` is its summary, ``said`` what it wrote to stderr."""

    def __init__(self, school: TinyClass, *options: str) -> None:
        command = [sys.executable, "-m", "tests.grading.driver", str(school.folder), *options]
        self.process = subprocess.Popen(
            command, cwd=course_root(), env={**os.environ, "TINY_DB": school.db_url},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def end(self) -> "Grader":
        out, self.said = self.process.communicate(timeout=180)
        self.code = self.process.returncode
        self.told: dict[str, Any] = json.loads(out) if out else {}
        return self


@pytest.fixture
def start() -> Iterator[Callable[..., Grader]]:
    """Start a grading process; none outlives the test."""
    started: list[Grader] = []

    def begin(school: TinyClass, *options: str) -> Grader:
        started.append(Grader(school, *options))
        return started[-1]

    yield begin
    for grader in started:
        grader.process.kill()
        grader.process.wait()


def until(happened: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait for something to happen and return it."""
    end = time.monotonic() + seconds
    while not (result := happened()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return result
