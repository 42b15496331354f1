"""A student's file is never overwritten."""

import json
from pathlib import Path

import pytest

from autograder.files import digest
from course.hub.delivery import MANIFEST, beside_name, deliver, deliver_edition
from course.hub.materials import WELCOME, materials, write_editions
from crmlab.paths import course_root

NAME = "chapters/04-segmentation.ipynb"
V1, V2, V3 = ({NAME: text} for text in (b"one", b"two", b"three"))
MINE = b"mine"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    deliver(tmp_path, V1)
    return tmp_path


def files(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def beside(version: dict[str, bytes]) -> str:
    return beside_name(NAME, digest(version[NAME]))


def test_new_home_gets_everything(home: Path) -> None:
    assert files(home) == V1


def test_untouched_file_is_replaced_by_the_newer_version(home: Path) -> None:
    assert deliver(home, V2) == [home / NAME]
    assert files(home) == V2


def test_changed_file_stays_and_the_newer_version_is_laid_beside(home: Path) -> None:
    (home / NAME).write_bytes(MINE)
    assert deliver(home, V1) == []
    deliver(home, V2)
    assert files(home) == {NAME: MINE, beside(V2): b"two"}
    assert "新版" in beside(V2)
    assert deliver(home, V2) == []


def test_untouched_copy_beside_gives_way_to_the_next(home: Path) -> None:
    (home / NAME).write_bytes(MINE)
    deliver(home, V2)
    deliver(home, V3)
    assert files(home) == {NAME: MINE, beside(V3): b"three"}


def test_changed_copy_beside_stays(home: Path) -> None:
    (home / NAME).write_bytes(MINE)
    deliver(home, V2)
    (home / beside(V2)).write_bytes(b"mine, too")
    deliver(home, V3)
    assert files(home) == {NAME: MINE, beside(V2): b"mine, too", beside(V3): b"three"}


def test_deleted_file_comes_back_only_in_a_newer_version(home: Path) -> None:
    (home / NAME).unlink()
    deliver(home, V1)
    assert files(home) == {}
    deliver(home, V2)
    assert files(home) == V2


@pytest.mark.parametrize("manifest", ["", "{half", "[]", '{"a": 1}', '{"a": {"b": 2}}'])
def test_damaged_manifest_loses_nothing(home: Path, manifest: str) -> None:
    (home / NAME).write_bytes(MINE)
    (home / MANIFEST).write_text(manifest)
    deliver(home, V2)
    assert files(home) == {NAME: MINE, beside(V2): b"two"}
    json.loads((home / MANIFEST).read_text())


def test_nothing_is_written_through_a_link(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (home / NAME).unlink()
    (home / "chapters").rmdir()
    (home / "chapters").symlink_to(elsewhere, target_is_directory=True)
    deliver(home, V2)
    assert list(elsewhere.iterdir()) == []


def test_editions() -> None:
    """Students get no teachers' cells; links lead into the book; both roles get a welcome."""
    student, instructor = materials("student"), materials("instructor")
    assert set(student) == set(instructor) == {WELCOME, *(f"chapters/{path.name}" for path in chapters())}
    for chapter in chapters():
        name = f"chapters/{chapter.name}"
        tags = [tag for cell in json.loads(student[name])["cells"] for tag in cell["metadata"].get("tags", [])]
        assert "instructor" not in tags
        assert b"](term:" not in student[name]
    assert student[NAME] != instructor[NAME]
    assert b"/book/book/glossary.html#term-" in student[NAME]
    assert materials("student") == student


def test_editions_lie_in_folders_and_reach_homes_from_there(tmp_path: Path) -> None:
    (tmp_path / "editions/student/chapters").mkdir(parents=True)
    (tmp_path / "editions/student/chapters/99-gone.ipynb").write_text("of an earlier course")
    write_editions(tmp_path / "editions")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "editions").rglob("*")}
    deliver_edition(tmp_path / "home", tmp_path / "editions/student")
    assert files(tmp_path / "home") == materials("student")
    write_editions(tmp_path / "editions")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "editions").rglob("*")} == before


def chapters() -> list[Path]:
    return sorted((course_root() / "chapters").glob("*.ipynb"))
