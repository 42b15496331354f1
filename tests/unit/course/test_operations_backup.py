"""A class that was backed up comes back as it was: nothing lost, nothing added, nobody's wall breached."""

import io
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from course.exchange import receipts, received
from course.hub.classroom import Classroom
from course.operations import archive, commands, databases, reading
from course.operations.archive import CLASS, Entry, Manifest, Writer
from course.operations.backup import backup, default_folder, last_backup
from course.operations.restore import restore
from course.people.members import password_is_right
from crmlab.errors import CourseError
from tests import midterm
from tests.grading import tiny

LEFT = (
    *(f"homes/{student}/.cache" for student in (midterm.ANNA, midterm.BEN, midterm.CARL)),
    *("hub/jupyterhub.sqlite", "hub/backup.json", "hub/backup.lock", "received/crm/.taking", "received/crm/.lock"),
)
"""What a backup leaves out, and what changes by it."""

_DAMAGED = "不完整或已损坏"

app = typer.Typer()
commands.add_to(app)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """Half a term costs some seconds to hold: it is held once, and copied."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("held") / "class"
        patch.setenv("CRM_CLASSROOM", str(folder))
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader calls alembic by name
        yield folder, midterm.make(Classroom(folder))


@pytest.fixture
def room(held: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    subprocess.run(["cp", "-a", "--sparse=always", held[0], tmp_path / "class"], check=True)
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path / "class"))
    return Classroom.here()


@pytest.fixture
def passwords(held: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return held[1]


def contents(path: Path) -> dict[str, bytes]:
    """What an archive holds, read with Python's tarfile; files with holes left out."""
    with tarfile.open(path) as tar:
        plain = [one for one in tar if one.isreg() and one.size < 2**30]
        return {one.name: tar.extractfile(one).read() for one in plain}  # type: ignore[union-attr]


# --- the whole way -----------------------------------------------------------------------------------------------


def test_a_class_destroyed_in_mid_term_comes_back_as_it_was(room: Classroom, passwords: dict[str, str]) -> None:
    before, marks_before = midterm.snapshot(room.folder, LEFT), midterm.marks(room)
    assert marks_before[midterm.ANNA]["memo"] == (None, midterm.MARK)
    path = backup(room).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    shutil.rmtree(room.folder)

    done = restore(path, room)
    assert done.laid_aside is None
    assert midterm.snapshot(room.folder, LEFT) == before
    assert midterm.marks(room) == marks_before
    assert all(password_is_right(room, name, password) for name, password in passwords.items())
    sent = received(room, tiny.ASSIGNMENT)
    assert sorted(one.student for one in sent) == [midterm.ANNA, midterm.BEN]
    for student in midterm.ANSWERS:
        (page,) = room.feedback_for(student).glob("*.html")
        assert page.read_text("utf-8") == f"<p>{student}</p>"
    assert sorted(path.parent.iterdir()) == [path]
    assert not list(room.folder.parent.glob("class.*"))


def test_the_hub_forgets_which_servers_ran_and_nothing_else(room: Classroom) -> None:
    path = backup(room).path
    restore(path, room)
    with closing(sqlite3.connect(room.hub / "jupyterhub.sqlite")) as database:
        assert database.execute("SELECT name FROM users").fetchall() == [(midterm.ANNA,)]
        assert database.execute("SELECT server_id, state FROM spawners").fetchall() == [(None, None)]
        assert database.execute("SELECT count(*) FROM servers").fetchone() == (0,)


def test_gnu_tar_reads_a_backup(room: Classroom, tmp_path: Path) -> None:
    path = backup(room).path
    (tmp_path / "by hand").mkdir()
    subprocess.run(["tar", "-xzf", path, "-C", tmp_path / "by hand"], check=True, stderr=subprocess.DEVNULL)
    there = midterm.snapshot(tmp_path / "by hand" / CLASS, LEFT)
    here = midterm.snapshot(room.folder, LEFT)
    assert there.keys() == here.keys()
    # GNU tar keeps whole seconds of these archives.
    assert {name: (one[0], one[-1]) for name, one in there.items()} == {
        name: (one[0], one[-1]) for name, one in here.items()
    }


def test_what_is_not_in_a_backup_is_told(room: Classroom) -> None:
    result = CliRunner().invoke(app, ["backup"])
    assert result.exit_code == 0
    assert f"没有备份　classroom/homes/{midterm.CARL}/pipe：不是普通文件" in result.output
    assert "\x1b" not in result.output
    note = json.loads(last_backup(room).read_text("utf-8"))
    assert note["left_out"] == 1
    (path,) = default_folder(room).iterdir()
    assert (note["path"], note["size"]) == (str(path), path.stat().st_size)


def test_links_are_stored_as_links(room: Classroom) -> None:
    manifest = backup(room).manifest
    link = manifest.entries[f"{CLASS}/homes/{midterm.CARL}/everything"]
    assert (link.kind, link.target) == ("link", "/")
    assert not any("/everything/" in name for name in manifest.entries)


def test_a_file_with_holes_takes_the_room_of_what_is_in_it(room: Classroom) -> None:
    done = backup(room)
    entry = done.manifest.entries[f"{CLASS}/homes/{midterm.CARL}/terabyte"]
    assert entry.size == 2**40
    assert archive.stored_size(entry) < 2**20
    shutil.rmtree(room.folder)
    restore(done.path, room)
    assert (room.home(midterm.CARL) / "terabyte").stat().st_blocks * 512 < 2**20


def test_no_file_runs_with_its_owners_rights_after_a_restore(room: Classroom) -> None:
    path = backup(room).path
    restore(path, room)
    assert stat.S_IMODE((room.home(midterm.CARL) / "run.sh").stat().st_mode) == 0o755


def test_owners_come_back_when_the_superuser_restores(tmp_path: Path, monkeypatch: Any) -> None:
    path, given = tmp_path / "owned.tar.gz", {}
    with path.open("wb") as file:
        writer = Writer(file, Manifest("", {}))
        writer.add(CLASS, Entry("folder", mode=0o700, uid=1001, gid=1001))
        empty = archive.fingerprint(io.BytesIO(b""), None, 0)
        writer.add(f"{CLASS}/work", Entry("file", uid=200_003, gid=200_003, sha256=empty), io.BytesIO(b""))
        writer.add(f"{CLASS}/link", Entry("link", uid=200_004, gid=200_004, target="/etc/passwd"))
        writer.close()

    def give(place: Path, uid: int, gid: int, *, follow_symlinks: bool) -> None:
        assert not follow_symlinks
        given[place.name] = (uid, gid)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", give)
    restore(path, Classroom(tmp_path / "class"))
    assert given == {CLASS: (1001, 1001), "work": (200_003, 200_003), "link": (200_004, 200_004)}


# --- while the class is at work ----------------------------------------------------------------------------------


def test_a_gradebook_that_is_being_written_is_of_one_moment(room: Classroom) -> None:
    """A writer moves points from one cell to another, in transactions: the sum never changes."""
    gradebook = room.course / "gradebook.db"
    with closing(sqlite3.connect(gradebook)) as database:
        database.execute("CREATE TABLE till (box INTEGER PRIMARY KEY, points INTEGER, filling BLOB)")
        database.executemany("INSERT INTO till VALUES (?, 10, ?)", [(box, b"x" * 4000) for box in range(200)])
        database.commit()
    over, moved = threading.Event(), []

    def move() -> None:
        numbers = random.Random(1)
        with closing(sqlite3.connect(gradebook, timeout=60)) as database:
            database.execute("PRAGMA synchronous = OFF")
            while not over.is_set():
                one, other = numbers.sample(range(200), 2)
                database.execute("UPDATE till SET points = points - 1 WHERE box = ?", [one])
                database.execute("UPDATE till SET points = points + 1 WHERE box = ?", [other])
                database.commit()
                moved.append(one)

    writer = threading.Thread(target=move)
    writer.start()
    try:
        paths = [backup(room, default_folder(room) / f"{number}.tar.gz").path for number in range(3)]
    finally:
        over.set()
        writer.join()
    assert moved
    for path in paths:
        copy = room.folder.parent / "copy.db"
        copy.write_bytes(contents(path)[f"{CLASS}/courses/crm/gradebook.db"])
        assert databases.damage(copy) is None
        with closing(sqlite3.connect(copy)) as database:
            assert database.execute("SELECT sum(points), count(*) FROM till").fetchone() == (2000, 200)


def test_no_submission_that_was_in_before_is_missing(room: Classroom) -> None:
    """Students hand in and the receiver takes in, while backups are made."""
    from course.exchange import take_in

    over = threading.Event()
    failures: list[BaseException] = []

    def receive() -> None:
        while not over.is_set():
            try:
                take_in(room)
            except BaseException as error:
                failures.append(error)

    receiver = threading.Thread(target=receive)
    receiver.start()
    try:
        made = []
        for number in range(6):
            midterm.hand_in(room, midterm.ANNA if number % 2 else midterm.BEN, {"x": str(number)}, take=False)
            made.append((number, backup(room, default_folder(room) / f"{number}.tar.gz").path))
    finally:
        over.set()
        receiver.join()
    assert not failures
    for number, path in made:
        held = contents(path)
        works = [text.decode() for name, text in held.items() if name.endswith(midterm.FILE) and ("/received/" in name or "/inbound/" in name)]  # fmt: skip
        for earlier in range(number + 1):
            assert any(f'"x = {earlier}"' in text for text in works)
        # Every receipt in it has its submission in it.
        for name, text in held.items():
            if "/received/crm/.receipts/" in name and name.endswith(".json"):
                folder = json.loads(text)["receipt"]["folder"]
                assert any(f"/received/crm/{folder}/" in other for other in held)


def test_what_waits_in_a_drop_box_is_taken_in_first_so_its_time_is_kept(room: Classroom) -> None:
    midterm.hand_in(room, midterm.CARL, {}, take=False)
    (waiting,) = (one for one in room.drop_box(midterm.CARL).iterdir() if "+" in one.name)
    came = datetime.fromtimestamp(waiting.stat().st_ctime, UTC)
    path = backup(room).path
    shutil.rmtree(room.folder)
    assert restore(path, room).waiting == {}
    (kept,) = received(room, tiny.ASSIGNMENT, midterm.CARL)
    assert abs((kept.time - came).total_seconds()) < 5


def test_a_full_disk_of_the_class_does_not_keep_it_from_a_backup(room: Classroom, monkeypatch: Any) -> None:
    midterm.hand_in(room, midterm.CARL, {}, take=False)

    def full(_room: Classroom) -> None:
        raise CourseError("磁盘已满")

    monkeypatch.setattr("course.exchange.take_in", full)
    path = backup(room).path
    restored = restore(path, room)
    assert [name.split("/")[0] for name in restored.waiting] == [midterm.CARL]


def test_a_file_that_never_stands_still_is_in_and_told(room: Classroom, monkeypatch: Any) -> None:
    busy = room.home(midterm.ANNA) / "busy.log"
    busy.write_text("line\n")
    real = reading.fingerprint

    def slow(file: Any, *rest: Any) -> str:
        if os.path.samestat(os.fstat(file.fileno()), busy.stat()):
            with busy.open("a") as more:
                more.write("line\n")
        return real(file, *rest)

    monkeypatch.setattr(reading, "fingerprint", slow)
    done = backup(room)
    name = f"{CLASS}/homes/{midterm.ANNA}/busy.log"
    assert list(done.manifest.remarks) == [name]
    assert contents(done.path)[name].startswith(b"line\n")
    archive.check(done.path)


def test_two_backups_at_once_are_refused(room: Classroom) -> None:
    import fcntl

    with (room.hub / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CourseError, match="另一次备份正在进行"):
            backup(room)


# --- hostile homes -----------------------------------------------------------------------------------------------


def test_a_student_cannot_lead_the_backup_out_of_the_home(room: Classroom, monkeypatch: Any) -> None:
    """A folder becomes a link between the look and the opening."""
    home, looks = room.home(midterm.BEN), []
    (home / "trap").mkdir()
    secret = room.secrets / "cookie_secret"
    (home / "file").write_text("mine")
    real = os.open

    def swap(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        looks.append(path)
        if looks.count("trap") == 2 and not (home / "trap").is_symlink():  # the first look only counts
            (home / "trap").rmdir()
            (home / "trap").symlink_to(room.secrets)
        if path == "file" and not (home / "file").is_symlink():
            (home / "file").unlink()
            (home / "file").symlink_to(secret)
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", swap)
    manifest = backup(room).manifest
    monkeypatch.undo()
    above = f"{CLASS}/homes/{midterm.BEN}"
    assert {f"{above}/trap", f"{above}/file"} <= manifest.left_out.keys()
    assert not any(name.startswith(f"{above}/trap/") for name in manifest.entries)


def test_a_bottomless_tree_is_told_and_stops_nobody(room: Classroom) -> None:
    place = os.open(room.home(midterm.BEN), os.O_RDONLY)
    for _depth in range(reading.DEEPEST + 50):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    manifest = backup(room).manifest
    assert sum(name.endswith("/d") for name in manifest.left_out) == 1
    assert sum(name.endswith("/d") for name in manifest.entries) == reading.DEEPEST - 1


def test_students_databases_are_never_opened(room: Classroom, monkeypatch: Any) -> None:
    """A journal names files that SQLite would delete."""
    opened: list[Path] = []
    real = databases.copy_sqlite

    def note(source: Path, target: Path) -> None:
        opened.append(source)
        real(source, target)

    monkeypatch.setattr(databases, "copy_sqlite", note)
    home = room.home(midterm.CARL)
    (home / "shop.db-journal").write_bytes(b"journal")
    done = backup(room)
    assert sorted(opened) == [room.course / "gradebook.db", room.hub / "jupyterhub.sqlite"]
    assert contents(done.path)[f"{CLASS}/homes/{midterm.CARL}/shop.db-journal"] == b"journal"


# --- where it goes -----------------------------------------------------------------------------------------------


def test_old_backups_make_room_and_only_those_of_this_class(room: Classroom) -> None:
    folder = default_folder(room)
    folder.mkdir()
    old = [folder / f"class-2026010{day}-030000.tar.gz" for day in range(1, 5)]
    others = [folder / "other-20250101-030000.tar.gz", folder / "class-before-exam.tar.gz", folder / "notes.txt"]
    for file in [*old, *others]:
        file.touch()
    (folder / ".class-20260101-010101.tar.gz.partial").touch()
    done = backup(room, keep=3)
    assert done.removed == old[:2]
    assert sorted(folder.iterdir()) == sorted([*old[2:], *others, done.path])


def test_nothing_is_overwritten_and_nothing_half_is_left(room: Classroom, monkeypatch: Any, tmp_path: Path) -> None:
    there = tmp_path / "there.tar.gz"
    there.write_text("precious")
    with pytest.raises(CourseError, match="已经存在"):
        backup(room, there)
    assert there.read_text() == "precious"

    def full(*_arguments: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Writer, "close", full)
    with pytest.raises(CourseError, match="No space left"):
        backup(room)
    assert list(default_folder(room).iterdir()) == []
    assert not last_backup(room).exists()


def test_a_backup_does_not_go_into_what_it_backs_up(room: Classroom) -> None:
    with pytest.raises(CourseError, match="不能放在班级文件夹"):
        backup(room, room.folder / "backups")


def test_without_a_class_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="没有班级"):
        backup(Classroom(tmp_path / "nothing"))


# --- restoring ---------------------------------------------------------------------------------------------------


def test_a_living_class_is_laid_aside_not_overwritten(room: Classroom) -> None:
    path = backup(room).path
    (room.home(midterm.ANNA) / "after.txt").write_text("written after the backup")
    before = midterm.snapshot(room.folder, ("hub/up.lock",))
    result = CliRunner().invoke(app, ["restore", str(path)])
    assert result.exit_code == 0, result.output
    (aside,) = room.folder.parent.glob("class.before-*")
    assert f"原来的班级文件夹移到了 {aside}" in result.output
    assert midterm.snapshot(aside, ("hub/up.lock",)) == before
    assert not (room.home(midterm.ANNA) / "after.txt").exists()


def test_a_running_class_is_not_restored(room: Classroom) -> None:
    import fcntl

    path = backup(room).path
    before = midterm.snapshot(room.folder)
    with room.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CourseError, match="正在运行，不能恢复"):
            restore(path, room)
    assert midterm.snapshot(room.folder, ("hub/up.lock",)) == before


def test_a_class_can_be_restored_beside_the_first(room: Classroom, tmp_path: Path) -> None:
    path = backup(room).path
    result = CliRunner().invoke(app, ["restore", str(path), "--into", str(tmp_path / "second")])
    assert result.exit_code == 0, result.output
    assert midterm.marks(Classroom(tmp_path / "second")) == midterm.marks(room)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A little archive, quick to spoil."""
    path = tmp_path / "small.tar.gz"
    with path.open("wb") as file:
        writer = Writer(file, Manifest("2026-11-22T08:00:00+00:00", {}))
        writer.add(CLASS, Entry("folder", mode=0o700))
        for number in range(20):
            content = random.Random(number).randbytes(300)
            entry = Entry("file", size=300, sha256=archive.fingerprint(io.BytesIO(content), None, 300))
            writer.add(f"{CLASS}/{number}", entry, io.BytesIO(content))
        writer.close()
    return path


@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_wrong_bit_is_noticed_or_harmless(where: float, bit: int, tmp_path_factory: Any) -> None:
    """The few bits of a gzip header that mean nothing may be wrong."""
    path = tmp_path_factory.mktemp("bits") / "small.tar.gz"
    content = bytearray(_small_bytes())
    content[int(where * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        assert archive.check(path) == _small_manifest()
    except CourseError as error:
        told = str(error)
    else:
        told = _DAMAGED
    assert _DAMAGED in told
    assert "\n" not in told


@given(share=st.floats(0, 1, exclude_max=True))
def test_an_archive_cut_off_is_noticed_wherever_it_ends(share: float, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("cut") / "small.tar.gz"
    content = _small_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CourseError, match="不完整或已损坏"):
        archive.check(path)


def _small_manifest() -> Manifest:
    manifest = Manifest("2026-11-22T08:00:00+00:00", {})
    manifest.entries[CLASS] = Entry("folder", mode=0o700)
    manifest.entries[f"{CLASS}/a"] = Entry("file", size=5, sha256=archive.fingerprint(io.BytesIO(b"bytes"), None, 5))
    return manifest


def _small_bytes() -> bytes:
    made = io.BytesIO()
    wanted = _small_manifest()
    writer = Writer(made, Manifest(wanted.made, {}))
    for name, entry in wanted.entries.items():
        writer.add(name, entry, io.BytesIO(b"bytes") if entry.kind == "file" else None)
    writer.close()
    return made.getvalue()


def test_a_damaged_backup_changes_nothing(room: Classroom) -> None:
    path = backup(room).path
    before = midterm.snapshot(room.folder)
    path.write_bytes(path.read_bytes()[:-2000])
    result = CliRunner().invoke(app, ["restore", str(path)], catch_exceptions=True)
    assert isinstance(result.exception, CourseError)
    assert "什么都没有改动" in str(result.exception)
    assert midterm.snapshot(room.folder) == before
    assert not list(room.folder.parent.glob("class.*"))
    assert CliRunner().invoke(app, ["backup", "--check", str(path)]).exit_code == 1


def test_a_whole_backup_passes_the_check(room: Classroom) -> None:
    path = backup(room).path
    result = CliRunner().invoke(app, ["backup", "--check", str(path)])
    assert result.exit_code == 0
    assert f"备份 {path} 完好" in result.output


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("/tmp/outside", tarfile.REGTYPE, ""),
        ("classroom/../../outside", tarfile.REGTYPE, ""),
        ("classroom/./x", tarfile.REGTYPE, ""),
        ("elsewhere/x", tarfile.REGTYPE, ""),
        ("classroom/hard", tarfile.LNKTYPE, "/etc/passwd"),
        ("classroom/device", tarfile.CHRTYPE, ""),
        ("classroom/pipe", tarfile.FIFOTYPE, ""),
    ],
)
def test_a_forged_archive_writes_nothing_anywhere(name: str, kind: bytes, target: str, tmp_path: Path) -> None:
    """Even if its manifest agrees."""
    path = tmp_path / "forged.tar.gz"
    manifest = Manifest("", {}, {name: Entry("file", sha256=archive.fingerprint(io.BytesIO(b""), None, 0))})
    with tarfile.open(path, "w:gz") as tar:
        for info, content in ((tarfile.TarInfo(name), b""), (tarfile.TarInfo(archive.MANIFEST), manifest.dumps())):
            info.size = len(content)
            if info.name == name:
                info.type, info.linkname = kind, target
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(CourseError, match="不完整或已损坏"):
        restore(path, Classroom(tmp_path / "class"))
    assert sorted(tmp_path.iterdir()) == [path]


def test_nothing_is_ever_written_through_a_link(tmp_path: Path) -> None:
    """An archive with a link where a folder is needed: a manifest may say so, the disk refuses."""
    path = tmp_path / "forged.tar.gz"
    empty = archive.fingerprint(io.BytesIO(b""), None, 0)
    with path.open("wb") as file:
        writer = Writer(file, Manifest("", {}))
        writer.add(CLASS, Entry("folder", mode=0o700))
        writer.add(f"{CLASS}/x", Entry("link", target=str(tmp_path / "outside")))
        writer.add(f"{CLASS}/x/y", Entry("file", sha256=empty), io.BytesIO(b""))
        writer.close()
    (tmp_path / "outside").mkdir()
    with pytest.raises(CourseError):
        restore(path, Classroom(tmp_path / "class"))
    assert list((tmp_path / "outside").iterdir()) == []
    assert not (tmp_path / "class").exists()


def test_a_restore_that_does_not_fit_is_refused_before_it_begins(small: Path, tmp_path: Path, monkeypatch: Any) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    with pytest.raises(CourseError, match="恢复需要"):
        restore(small, Classroom(tmp_path / "class"))
    assert sorted(tmp_path.iterdir()) == [small]


def test_a_disk_that_gives_other_bytes_is_noticed(small: Path, tmp_path: Path, monkeypatch: Any) -> None:
    real = os.sync

    def spoil() -> None:
        real()
        (file,) = tmp_path.glob("class.restoring-*/classroom/7")
        file.write_bytes(b"?" * 300)

    monkeypatch.setattr(os, "sync", spoil)
    with pytest.raises(CourseError, match="磁盘可能有故障"):
        restore(small, Classroom(tmp_path / "class"))
    assert sorted(tmp_path.iterdir()) == [small]


def test_a_missing_archive_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="找不到备份文件"):
        restore(tmp_path / "none.tar.gz", Classroom(tmp_path / "class"))


def test_passwords_of_a_database_server_are_on_no_command_line(tmp_path: Path, monkeypatch: Any) -> None:
    """``pg_dump`` is a script here that notes what it was given."""
    noted = tmp_path / "noted"
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "$@" > {noted}\ncat "$PGPASSFILE" >> {noted}\nstat -c %a "$PGPASSFILE" >> {noted}\nenv >> {noted}.env\n')  # fmt: skip
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    url = databases.make_url("postgresql+psycopg://teacher:pa%3Ass%5Cw0rd@db.example:6543/grades")
    databases.dump(url, tmp_path / "dump")
    arguments, password, mode = noted.read_text().splitlines()
    assert arguments.startswith("--no-password --host=db.example --port=6543 --username=teacher --dbname=grades ")
    assert password == r"db.example:6543:grades:teacher:pa\:ss\\w0rd"
    assert mode == "600"
    assert "w0rd" not in (tmp_path / "noted.env").read_text()


def test_receipts_are_still_genuine(room: Classroom) -> None:
    from course.exchange import verify

    path = backup(room).path
    restore(path, room)
    texts = [file.read_text("utf-8") for file in room.receipts_of(midterm.ANNA).iterdir() if file.suffix == ".txt"]
    assert texts
    assert all(verify(room, text).genuine for text in texts)
    assert receipts.read_key(room)
