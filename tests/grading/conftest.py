"""Tiny classes, and the process that grades them."""

import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.runner import Backend
from tests.grading import driver
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


_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.grading.driver"])


class Grader:
    """A grading process. ``told`` is its summary, ``said`` what it wrote to stderr, ``code`` its exit code."""

    def __init__(self, school: TinyClass, *options: str) -> None:
        self._out = school.folder / f"grader-{time.monotonic_ns()}"
        arguments = ([str(school.folder), *options], school.db_url, str(self._out))
        self.process = _processes.Process(target=driver.forked, args=arguments)
        self.process.start()

    def end(self) -> "Grader":
        self.process.join(180)
        self.code = self.process.exitcode
        out, self.said = (self._out.with_suffix(suffix).read_text("utf-8") for suffix in (".told", ".said"))
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
        grader.process.join()
