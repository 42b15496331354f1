"""Settings of all tests, and what many of them need."""

from pathlib import Path

import pytest
from hypothesis import settings

from course.hub.classroom import Classroom

# A busy machine must not fail a test: time is measured in tests/bench alone.
settings.register_profile("course", deadline=None)
settings.load_profile("course")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With ``--dist loadgroup`` the tests of a file share a worker and what they set up, unless they say otherwise."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture
def classroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """An empty classroom; all that runs here takes it for the class of this course."""
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path / "class"))
    room = Classroom.here()
    room.create()
    return room
