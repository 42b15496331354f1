"""A class of the first release opens under this one, and keeps everything."""

import fcntl
import hashlib
import json
import os
import sqlite3
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from jupyterhub import orm
from nbgrader.api import Gradebook
from nbgrader.utils import make_unique_key, notebook_hash
from sqlalchemy import create_engine
from typer.testing import CliRunner

from course.exchange import received
from course.hub import preflight
from course.hub.classroom import Classroom
from course.operations import commands, upgrade
from course.operations.upgrade import LAYOUT, layout_of, migrate, move_all, upgrade_databases
from course.people import read_people
from course.people.members import password_is_right
from crmlab.errors import CourseError
from tests.midterm import snapshot

app = typer.Typer()
commands.add_to(app)

WHEN = "2026-09-20 08:00:00.123456 UTC"
NEWER = "2026-09-21 09:30:00.000000 UTC"
SECRET = "ab" * 64
HOME = {"开始.md": "# 开始", "chapters/04.ipynb": '{"mine": true}', "crm/a04/work.ipynb": '{"answers": 1}'}


def lay(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """A class as the first release leaves it, with work in every corner."""
    folder = tmp_path / "class"
    monkeypatch.setenv("CRM_CLASSROOM", str(folder))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader calls alembic by name
    salt = "00112233445566778899aabbccddeeff"
    entry = hashlib.scrypt(b"open sesame", salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32).hex()
    person = {"role": "student", "salt": salt, "hash": entry}
    lay(folder / "secrets", {"passwords.json": json.dumps({"student01": person, "teacher": person | {"role": "instructor"}})})  # fmt: skip
    lay(folder / "hub", {"state.json": json.dumps({"gradebook": ["student01"], "runtime": "/tmp/crm-x"})})
    lay(folder / "homes/student01", HOME)
    course = folder / "homes/teacher/crm"
    lay(course, {"submitted/student01/a04/work.ipynb": "1", "autograded/student01/a04/work.ipynb": "2", "gradebook.db": "marks"})  # fmt: skip
    (course / "assignments").symlink_to("/somewhere/assignments")
    lay(folder / "homes/teacher", {"mine.md": "notes"})
    lay(folder / "grading", {"a04/student01/0123.json": "{}", "a04/student01/0123.ipynb": "{}"})
    inbound = folder / "exchange/crm/inbound"
    lay(inbound / f"student01+a04+{WHEN}+abc", {"work.ipynb": "first", "timestamp.txt": WHEN})
    lay(inbound / f"student01+a04+{NEWER}+def", {"work.ipynb": "second", "timestamp.txt": NEWER, "submission_secret.txt": SECRET})  # fmt: skip
    lay(folder / "exchange/crm/outbound/a04", {"work.ipynb": "released"})
    first = inbound / f"student01+a04+{WHEN}+abc" / "work.ipynb"
    key = make_unique_key("crm", "a04", "work", "student01", WHEN)
    pages = {notebook_hash(str(first), key): "old page", notebook_hash(secret=SECRET, notebook_id="work"): "page"}
    lay(folder / "exchange/crm/feedback", {f"{name}.html": text for name, text in pages.items()} | {"0" * 32 + ".html": "?"})  # fmt: skip
    return Classroom.here()


def test_a_class_of_the_first_release_keeps_everything(old: Classroom) -> None:
    assert layout_of(old) == 1
    told = migrate(old)
    assert len(told) == 5
    assert layout_of(old) == LAYOUT

    assert (old.course / "gradebook.db").read_text() == "marks"
    assert (old.course / "submitted/student01/a04/work.ipynb").read_text() == "1"
    assert (old.course / "autograded/student01/a04/work.ipynb").read_text() == "2"
    assert not (old.home("teacher") / "crm").exists()
    assert (old.home("teacher") / "mine.md").read_text() == "notes"
    assert (old.records / "a04/student01/0123.json").read_text() == "{}"
    assert os.listdir(old.folder / "grading") == ["crm"]
    assert (old.outbound / "a04/work.ipynb").read_text() == "released"
    for name, text in HOME.items():
        assert (old.home("student01") / name).read_text("utf-8") == text
    assert sorted(page.read_text() for page in old.feedback_for("student01").glob("*.html")) == ["old page", "page"]
    (nobodys,) = (old.exchange / "crm/feedback").glob("*.html")
    assert nobodys.read_text() == "?"


def test_old_submissions_are_found_with_their_times(old: Classroom) -> None:
    migrate(old)
    sent = received(old, "a04")
    assert [str(one.time.replace(tzinfo=None)) for one in sent] == [WHEN.removesuffix(" UTC"), "2026-09-21 09:30:00"]
    assert [(one.folder / "work.ipynb").read_text() for one in sent] == ["first", "second"]


def test_passwords_stay_good(old: Classroom) -> None:
    migrate(old)
    assert {name: person.role for name, person in read_people(old).items()} == {"teacher": "instructor", "student01": "student"}  # fmt: skip
    assert password_is_right(old, "student01", "open sesame")
    assert not password_is_right(old, "student01", "guess")


def test_a_second_time_changes_nothing(old: Classroom) -> None:
    migrate(old)
    before = snapshot(old.folder, ("courses/crm/gradebook.db",))
    assert migrate(old) == []
    assert snapshot(old.folder, ("courses/crm/gradebook.db",)) == before


def test_folders_that_the_new_release_has_made_already_are_no_obstacle(old: Classroom) -> None:
    """``course up`` of this release makes its folders before anything else."""
    old.create()
    (old.course / "gradebook.db").write_text("new")
    migrate(old)
    assert (old.course / "gradebook.db").read_text() == "new"
    assert (old.course / "gradebook.db.old").read_text() == "marks"
    assert (old.course / "submitted/student01/a04/work.ipynb").read_text() == "1"
    assert (old.course / "assignments").is_symlink()


@pytest.mark.parametrize("stop_after", range(0, 14, 2))
def test_stopped_anywhere_it_goes_on(old: Classroom, stop_after: int, monkeypatch: Any) -> None:
    real, count = Path.rename, 0

    def rename(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count > stop_after:
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        try:
            migrate(old)
            finished = True
        except KeyboardInterrupt:
            finished = False
    assert finished == (layout_of(old) == LAYOUT)
    migrate(old)
    assert len(received(old, "a04")) == 2
    assert (old.course / "gradebook.db").read_text() == "marks"
    assert len(list(old.feedback_for("student01").glob("*.html"))) == 2
    assert (old.records / "a04/student01/0123.ipynb").exists()
    assert layout_of(old) == LAYOUT


def test_a_new_class_has_nothing_to_migrate(classroom: Classroom) -> None:
    assert migrate(classroom) == []
    assert classroom.recall("layout") == LAYOUT


def test_a_class_of_a_later_release_is_left_alone(classroom: Classroom) -> None:
    classroom.remember("layout", LAYOUT + 1)
    with pytest.raises(CourseError, match="更新的课程版本"):
        migrate(classroom)


def test_moving_never_replaces(tmp_path: Path) -> None:
    lay(tmp_path / "old", {"a": "old a", "b/c": "old c", "b/d": "old d", "e/f": "deep"})
    lay(tmp_path / "new", {"a": "new a", "a.old": "taken", "b/c": "new c", "e": "a file"})
    assert move_all(tmp_path / "old", tmp_path / "new")
    found = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {
        "new/a": "new a",
        "new/a.old": "taken",
        "new/a.old2": "old a",
        "new/b/c": "new c",
        "new/b/c.old": "old c",
        "new/b/d": "old d",
        "new/e": "a file",
        "new/e.old/f": "deep",
    }
    assert not move_all(tmp_path / "old", tmp_path / "new")


# --- databases and the command ---------------------------------------------------------------------------------------


def old_databases(room: Classroom) -> None:
    """Databases as older versions of JupyterHub and nbgrader made them."""
    hub = room.hub / "jupyterhub.sqlite"
    orm.Base.metadata.create_all(create_engine(f"sqlite:///{hub}"))
    with closing(sqlite3.connect(hub)) as database:
        database.executescript(
            "ALTER TABLE spawners DROP COLUMN display_name;"
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
            "INSERT INTO alembic_version VALUES ('ff1860e38070');"
        )
    with Gradebook(room.db_url) as book:
        book.add_student("student01")
    with closing(sqlite3.connect(room.course / "gradebook.db")) as database:
        database.executescript(
            "DROP TABLE assignment; DROP TABLE course;"
            "CREATE TABLE assignment (id VARCHAR(32) PRIMARY KEY, name VARCHAR(128) NOT NULL, duedate DATETIME);"
            "UPDATE alembic_version SET version_num = '282d30a0218e';"
        )


def columns(file: Path, table: str) -> set[str]:
    with closing(sqlite3.connect(file)) as database:
        return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def test_databases_of_older_versions_get_what_they_lack(classroom: Classroom, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    old_databases(classroom)
    assert len(upgrade_databases(classroom)) == 2
    assert "display_name" in columns(classroom.hub / "jupyterhub.sqlite", "spawners")
    assert "course_id" in columns(classroom.course / "gradebook.db", "assignment")
    with Gradebook(classroom.db_url) as book:
        assert [student.id for student in book.students] == ["student01"]
    assert upgrade_databases(classroom) == []


def test_a_database_that_can_not_be_upgraded_is_one_sentence(classroom: Classroom) -> None:
    (classroom.course / "gradebook.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(CourseError, match="数据库打不开"):
        upgrade_databases(classroom)


def test_the_command_backs_up_first(old: Classroom, monkeypatch: Any) -> None:
    (old.home("teacher") / "crm/gradebook.db").unlink()  # it was no database
    monkeypatch.setattr(preflight, "node_packages_missing", lambda _root: True)
    monkeypatch.setattr(preflight, "install_node_packages", lambda _root: None)
    result = CliRunner().invoke(app, ["upgrade"])
    assert result.exit_code == 0, result.output
    (saved,) = old.folder.with_name("class-backups").iterdir()
    assert f"升级前的备份：{saved}" in result.output
    assert "网页组件更新了" in result.output
    with tarfile.open(saved) as tar:
        assert "classroom/secrets/passwords.json" in tar.getnames()
    assert layout_of(old) == LAYOUT


def test_a_running_class_is_not_upgraded(old: Classroom, monkeypatch: Any) -> None:
    monkeypatch.setattr(upgrade, "backup", lambda *_arguments, **_more: pytest.fail("backed up"))
    with old.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CourseError, match="正在运行，不能升级"):
            upgrade.upgrade(old)
    assert layout_of(old) == 1
