"""Copies of databases that are in use: SQLite by its online backup, PostgreSQL by its own programs."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _

SUFFIXES = (".db", ".sqlite", ".sqlite3")
COMPANIONS = ("-journal", "-wal", "-shm")
"""What SQLite lays beside a database in use."""
PATIENCE = 30
"""Seconds to wait for a database that is locked."""


def is_sqlite(file: Path) -> bool:
    """Whether a file of the class (never one of a student: SQLite follows what stands in a journal) is a database."""
    if not file.name.endswith(SUFFIXES) or file.is_symlink():
        return False
    with file.open("rb") as content:
        return content.read(16) == b"SQLite format 3\0"


def copy_sqlite(source: Path, target: Path) -> None:
    """A copy as of one moment, while others write.

    :raises CourseError: if the database stays locked, or is damaged beyond copying.
    """
    until = time.monotonic() + PATIENCE

    def give_up(_status: int, remaining: int, _pages: int) -> None:
        if remaining and time.monotonic() > until:
            raise sqlite3.OperationalError("database is locked")

    try:
        with closing(_open(source)) as database, closing(sqlite3.connect(target)) as copy:
            database.backup(copy, progress=give_up, sleep=0.02)
    except sqlite3.Error as error:
        raise CourseError(
            _("数据库 {file} 复制不了（{reason}）；请稍后再试，仍然不行就先停止课堂。").format(
                file=source, reason=error
            )
        ) from None


def damage(file: Path) -> str | None:
    """What is wrong with an SQLite database, in its own words; None if nothing is."""
    try:
        with closing(_open(file)) as database:
            found = [row[0] for row in database.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        return str(error)
    return None if found == ["ok"] else "; ".join(found)


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=PATIENCE)


# ----------------------------------------------------------------------------------------------------- PostgreSQL


def servers(classroom: Classroom) -> dict[str, URL]:
    """Gradebooks that lie on a PostgreSQL server, by section; sections that share one are named once."""
    found: dict[str, URL] = {}
    for section in classroom.sections():
        url = make_url(classroom.of(section).db_url)
        if url.get_backend_name() == "postgresql" and url not in found.values():
            found[section] = url
    return found


def dump(url: URL, target: Path) -> None:
    """One consistent copy of a database, in PostgreSQL's own compressed format."""
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def load(url: URL, source: Path) -> None:
    """Put a copy back, all of it or nothing; what is in the database now is replaced."""
    _run("pg_restore", url, "--clean", "--if-exists", "--no-owner", "--single-transaction", str(source))


def _run(program: str, url: URL, *arguments: str) -> None:
    """Run one of PostgreSQL's programs. The password goes by a file: a command line is everybody's to read."""
    if not shutil.which(program):
        raise CourseError(
            _("成绩册在 PostgreSQL 里，备份和恢复要用 {program}；请安装它（apt install postgresql-client）。").format(
                program=program
            )
        )
    with _password_file(url) as environment:
        command = [program, "--no-password", *_place(url), *arguments]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise CourseError(_("{program} 没有成功：{reason}").format(program=program, reason=last))


def _place(url: URL) -> list[str]:
    options = {"host": url.host, "port": url.port, "username": url.username, "dbname": url.database}
    return [f"--{name}={value}" for name, value in options.items() if value]


@contextmanager
def _password_file(url: URL) -> Iterator[dict[str, str]]:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="crm-pgpass-") as file:  # 0600
        fields = (url.host or "*", str(url.port or "*"), url.database or "*", url.username or "*", url.password or "")
        file.write(":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + "\n")
        file.flush()
        yield os.environ | {"PGPASSFILE": file.name, "PGCONNECT_TIMEOUT": "15"}
