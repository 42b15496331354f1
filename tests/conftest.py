"""Settings of all tests, and what many of them need."""

from pathlib import Path

import pytest
from hypothesis import settings

from course.hub.classroom import Classroom

# A busy machine must not fail a test: time is measured in tests/bench alone.
settings.register_profile("course", deadline=None)
settings.load_profile("course")


@pytest.fixture
def classroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """An empty classroom; all that runs here takes it for the class of this course."""
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path / "class"))
    room = Classroom.here()
    room.create()
    return room
