"""Settings of all tests, and what many of them need."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from course.hub.classroom import Classroom

# A busy machine must not fail a test: time is measured in tests/bench alone. The same examples each time; new ones,
# twenty times as many, with `pytest --hypothesis-profile explore`.
settings.register_profile("course", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("course")


def pytest_configure(config: pytest.Config) -> None:
    """Linux shares the processors out by session: a worker that holds a browser's clock must get its own share."""
    if hasattr(config, "workerinput"):
        os.setsid()


LONGEST_FIRST = (
    "browser/test_class.py",
    "security/test_attacks.py",
    "security/test_intrusion.py",
    "hub/test_faults.py",
    "grading/test_faults.py",
    "browser/test_desk.py",
    "hub/",
    "grading/",
    "browser/",
    "security/",
    "notebooks/",
)
"""Where files are shared out among processes: what takes long and mostly waits, so that no processor is idle later."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        name = item.path.relative_to(Path(__file__).parent).as_posix()
        return next((place for place, start in enumerate(LONGEST_FIRST) if name.startswith(start)), len(LONGEST_FIRST))

    items.sort(key=turn)


@pytest.fixture
def classroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """An empty classroom; all that runs here takes it for the class of this course."""
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path / "class"))
    room = Classroom.here()
    room.create()
    return room
