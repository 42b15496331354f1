"""A gradebook on PostgreSQL is in the backup, and comes back with it; what it held meanwhile is kept beside."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from course.hub.classroom import Classroom, write_private
from course.operations import databases, health
from course.operations.archive import DATABASES
from course.operations.backup import backup
from course.operations.restore import restore
from crmlab.errors import CourseError
from tests.grading.postgres import Postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def room(server: Postgres, classroom: Classroom) -> Classroom:
    """A class whose two sections have a gradebook each on the server."""
    with _at(server.url()) as connection:
        for name in ("grades_crm", "grades_crm-2"):
            connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}"'))
            connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    write_private(classroom.secrets / "db_url", server.url("grades_{section}"))
    for section, mark in (("crm", 1), ("crm-2", 2)):
        classroom.of(section).create()
        with _at(classroom.of(section).db_url) as connection:
            connection.execute(sa.text("CREATE TABLE grade (mark INTEGER)"))
            connection.execute(sa.text(f"INSERT INTO grade VALUES ({mark})"))
    return classroom


def _at(url: str) -> sa.Connection:
    return sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool).connect()


def marks(room: Classroom) -> list[int]:
    with _at(room.db_url) as connection:
        return sorted(connection.execute(sa.text("SELECT mark FROM grade")).scalars())


def test_gradebooks_on_a_server_come_back(room: Classroom, tmp_path: Path) -> None:
    done = backup(room)
    assert {f"{DATABASES}/crm.pgdump", f"{DATABASES}/crm-2.pgdump"} <= done.manifest.entries.keys()
    with _at(room.db_url) as connection:
        connection.execute(sa.text("INSERT INTO grade VALUES (100)"))
    with _at(room.of("crm-2").db_url) as connection:
        connection.execute(sa.text("DROP TABLE grade"))

    restored = restore(done.path, room)
    assert restored.loaded == ["crm", "crm-2"]
    assert (marks(room), marks(room.of("crm-2"))) == ([1], [2])

    (kept,) = tmp_path.glob("class.before-*.crm.pgdump")
    assert kept.stat().st_mode & 0o777 == 0o600
    databases.load(sa.make_url(room.db_url), kept)
    assert marks(room) == [1, 100]


def test_the_server_is_asked_for_its_health(room: Classroom) -> None:
    assert health.gradebooks(health.Patient(room)).level == "ok"


def test_without_its_server_there_is_no_backup_and_the_password_is_not_told(room: Classroom, server: Postgres) -> None:
    write_private(room.secrets / "db_url", f"postgresql+psycopg://teacher:{server.password}@127.0.0.1:1/grades")
    with pytest.raises(CourseError, match="pg_dump 没有成功") as told:
        backup(room)
    assert server.password not in str(told.value)
    assert not list(room.folder.with_name("class-backups").iterdir())


def test_gradebooks_come_back_together_or_not_at_all(room: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup(room).path
    for section, mark in (("crm", 10), ("crm-2", 20)):
        with _at(room.of(section).db_url) as connection:
            connection.execute(sa.text(f"UPDATE grade SET mark = {mark}"))
    real = databases.load

    def fail(url: sa.URL, source: Path) -> None:
        if source.name == "crm-2.pgdump":
            raise CourseError("no room")
        real(url, source)

    monkeypatch.setattr(databases, "load", fail)
    with pytest.raises(CourseError, match="no room"):
        restore(path, room)
    assert (marks(room), marks(room.of("crm-2"))) == ([10], [20])


def test_a_restore_that_can_not_reach_the_server_changes_nothing(
    room: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = backup(room).path
    (room.homes / "after.txt").write_text("still here")
    monkeypatch.setenv("CRM_DB_URL", "postgresql+psycopg://teacher@127.0.0.1:1/grades")
    with pytest.raises(CourseError):
        restore(path, room)
    assert (room.homes / "after.txt").read_text() == "still here"
