"""What befalls processes, disks, databases and clocks: nothing is lost, nothing doubled, a rerun finishes the job.

Processes are really killed, disks really full, databases really locked. Only clocks are told, not turned.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from nbgrader.api import Gradebook as Book

from autograder import session
from autograder.gradebook import GradebookError
from autograder.messages import Ask, RunCell
from autograder.records import Record
from autograder.runner import Backend
from autograder.session import Job
from autograder.store import key_of
from crmlab.errors import CourseError
from crmlab.paths import course_root
from tests.grading import driver
from tests.grading.conftest import RIGHT, Grader
from tests.grading.tiny import ASSIGNMENT, NOTEBOOK, Fake, TinyClass, fake_record, source
from tests.waiting import eventually

Start = Callable[..., Grader]
SLOW = "(__import__('time').sleep(1), base + 1)[1]"


def times(school: TinyClass) -> dict[str, str]:
    """When each student's newest record was made: it must not be made again."""
    return {name: history[-1].graded for name, history in school.records().items() if history}


# ------------------------------------------------------------------------------------- the grader is killed


FIRST_RUN = [name for name in driver.POINTS if name != "after-superseded"]


@pytest.mark.parametrize("point", [f"{name}:{number}" for name in FIRST_RUN for number in (1, 3)])
def test_grader_killed_in_a_first_run(school: TinyClass, start: Start, point: str):
    assert start(school, "--die-at", point).end().code == -9
    recorded = times(school)
    again = school.grade(backend := Fake())
    assert again.failed == {}
    assert set(backend.submitted) == RIGHT.keys() - recorded.keys()
    assert recorded.items() <= times(school).items()
    school.assert_finished(RIGHT)


@pytest.mark.parametrize("point", driver.POINTS)
def test_grader_killed_when_a_resubmission_supersedes_a_mark(school: TinyClass, start: Start, point: str):
    """The new notebook has the scores of the old one: only the answer in words has changed."""
    school.grade(Fake())
    school.mark_by_hand("student01", "memo", 2.5)
    school.mark_by_hand("student02", "memo", 1.5)
    school.hand_in("student01", memo="改过的回答")
    assert start(school, "--die-at", f"{point}:1").end().code == -9
    school.grade(Fake())
    assert "改过的回答" in school.notebook("student01").read_text("utf-8")
    with Book(school.db_url) as book:
        assert book.find_grade("memo", NOTEBOOK, ASSIGNMENT, "student01").manual_score is None
        assert book.find_grade("memo", NOTEBOOK, ASSIGNMENT, "student02").manual_score == 1.5
    kept = school.desk.records / ASSIGNMENT / "student01" / "superseded-marks.jsonl"
    assert [json.loads(line)["marks"] for line in kept.read_text().splitlines()] == [{"memo": 2.5}]
    assert not list(school.folder.rglob(".crm-*"))
    assert not school.grade(backend := Fake()).entered
    assert backend.submitted == []


@pytest.mark.parametrize("all_of_it", [False, True], ids=["grader", "power cut"])
def test_grader_killed_in_mid_batch_takes_its_rooms_along(
    school: TinyClass, start: Start, rooms: Backend, all_of_it: bool
):
    for student in ("student03", "student04"):
        school.hand_in(student, x="(__import__('time').sleep(2), base + 1)[1]")
    grader = start(school, "--real", "--workers", "2")
    eventually(lambda: len(times(school)) >= 1)
    whole = psutil.Process(grader.process.pid)
    descendants = whole.children(recursive=True)
    assert len(descendants) >= 3, "bubblewrap, zygote and rooms"
    for one in [whole, *(descendants if all_of_it else [])]:
        with contextlib.suppress(psutil.NoSuchProcess):  # gone with the one before
            one.kill()
    assert grader.end().code == -9
    eventually(lambda: not any(_runs(one) for one in descendants))
    recorded = times(school)
    school.grade(rooms)
    assert recorded.items() <= times(school).items()
    school.assert_finished(RIGHT | {"student03": (2, 1)})


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_two_graders_at_once(school: TinyClass, start: Start):
    first = start(school, "--pause-at", "after-record:1")
    eventually((school.folder / "paused").exists)
    with pytest.raises(CourseError, match=f"正在评分（进程 {first.process.pid}）"):
        school.grade(backend := Fake())
    assert backend.submitted == []
    first.process.kill()
    first.process.join()
    recorded = times(school)
    assert len(recorded) == 1
    school.grade(Fake())
    assert recorded.items() <= times(school).items()
    school.assert_finished(RIGHT)


def test_two_assignments_may_be_graded_at_once(school: TinyClass, start: Start):
    """The other one enters a student whom this one has just looked for in vain."""
    grader = start(school, "--pause-at", "before-flush:1")
    eventually((school.folder / "paused").exists)
    with Book(school.db_url) as book:
        for student in RIGHT:
            book.add_student(student)
    (school.folder / "paused").unlink()
    assert grader.end().code == 0, grader.said
    school.assert_finished(RIGHT)


# ------------------------------------------------------------------------------------------ a room is killed


def victim(backend: Backend, who: str) -> psutil.Process:
    """A process of the house, of which one room is open."""
    assert backend._house._process is not None
    outer = psutil.Process(backend._house._process.pid)
    if who == "bubblewrap":
        return outer
    zygote = next(one for one in outer.children(recursive=True) if "autograder.sandbox.zygote" in one.cmdline()[3:5])
    if who == "zygote":
        return zygote
    doorkeeper, inmate = eventually(lambda: _open_room(zygote))
    return doorkeeper if who == "doorkeeper" else inmate


def _open_room(zygote: psutil.Process) -> tuple[psutil.Process, psutil.Process] | None:
    """Doorkeeper and inmate; doorkeepers of earlier rooms may still be going."""
    for doorkeeper in zygote.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            for inmate in doorkeeper.children():
                return doorkeeper, inmate
    return None


def kill_at(stage: str, kill: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    if stage == "test":
        ask = session._JudgesPart._ask

        def watched(self: Any, room: Any, cell: Any, order: Any) -> Any:
            if cell.id == "one-test":
                threading.Timer(0.3, kill).start()
            return ask(self, room, cell, order)

        monkeypatch.setattr(session._JudgesPart, "_ask", watched)
        return
    tell = session._StudentsPart._tell

    def watched_tell(self: Any, message: Any, descriptor: int | None = None) -> None:
        tell(self, message, descriptor)
        if (
            isinstance(message, Ask)
            if stage == "answers"
            else isinstance(message, RunCell) and "sleep" in message.source
        ):
            kill()

    monkeypatch.setattr(session._StudentsPart, "_tell", watched_tell)


@pytest.mark.parametrize(
    ("stage", "who"),
    [
        ("cell", "inmate"), ("cell", "doorkeeper"), ("cell", "zygote"), ("cell", "bubblewrap"),
        ("answers", "inmate"), ("answers", "doorkeeper"),
        ("test", "inmate"), ("test", "doorkeeper"), ("test", "zygote"),
    ],
)  # fmt: skip
def test_room_killed_from_outside_costs_no_point(
    school: TinyClass, rooms: Backend, monkeypatch: pytest.MonkeyPatch, stage: str, who: str
):
    killed: list[int] = []

    def kill() -> None:
        if not killed:
            process = victim(rooms, who)
            killed.append(process.pid)
            process.kill()

    kill_at(stage, kill, monkeypatch)
    school.hand_in("student01", x=SLOW)
    slow = source(before_test="import time; time.sleep(1)\n")
    summary = school.grade(rooms, source=slow, students=["student01"])
    assert len(killed) == 1
    assert summary.failed == {}
    (record,) = summary.graded
    assert (record.score, record.look, {cell.status for cell in record.cells}) == (3, [], {"ok"})
    school.assert_finished({"student01": (2, 1)})


def test_a_submission_whose_room_is_killed_each_time_gets_its_score(
    school: TinyClass, rooms: Backend, monkeypatch: pytest.MonkeyPatch
):
    """Or one that eats the machine's memory would keep an earlier good score."""
    school.grade(rooms, students=["student01"])
    school.hand_in("student01", x=SLOW, memo="第二次提交")
    kill_at("cell", lambda: victim(rooms, "inmate").kill(), monkeypatch)
    summary = school.grade(rooms, students=["student01"])
    assert summary.failed == {}
    (record,) = summary.graded
    assert (record.score, record.cells[1].status) == (0, "died")
    assert school.marks()["student01"]["one-test"] == 0


# --------------------------------------------------------------------------------------------------- the disk


@pytest.mark.parametrize(
    ("folder", "room", "sentence"),
    [
        ("records", 20, "评分停在这里"),
        ("course/autograded", 12, "评分停在这里"),
        ("course", 24, "已评好的记录都保存着"),
    ],
)
def test_full_disk(school: TinyClass, folder: str, room: int, sentence: str):
    """``room``: KiB that are free when grading begins."""
    place = school.folder / folder
    place.mkdir(exist_ok=True)
    inside = f"""
        set -e
        cp -a "{place}" "{school.folder}/before"
        used=$(du -sk --apparent-size "{place}" | cut -f1); [ "{folder}" = course ] || used=0
        mount -t tmpfs -o size=$((used + {room}))k tmpfs "{place}"
        cp -a "{school.folder}/before/." "{place}/"
        grade() {{ "{sys.executable}" -m tests.grading.driver "{school.folder}" --patience 1; }}
        grade && exit 7
        find "{school.folder}" -name "{"?" * 32}.json" > "{school.folder}/kept"
        mount -o remount,size=64m "{place}"
        grade
        cp -a "{place}" "{school.folder}/after"
    """
    namespace = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    done = subprocess.run(
        [*namespace, "bash", "-c", inside], cwd=course_root(), capture_output=True, text=True, timeout=300,
        env={**os.environ, "TINY_DB": school.db_url},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first = done.stderr.strip().splitlines()
    assert len(first) == 1
    assert sentence in first[0]
    shutil.rmtree(place)
    shutil.move(school.folder / "after", place)
    kept = (school.folder / "kept").read_text().splitlines()
    told = json.loads(done.stdout)
    assert len(told["graded"]) == len(RIGHT) - len(kept) < len(RIGHT) or folder == "course"
    assert not set(told["graded"]) & {Path(path).parent.name for path in kept}
    shutil.rmtree(school.folder / "before")
    school.assert_finished(RIGHT)


# ----------------------------------------------------------------------------------------------- the gradebook


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process holds the gradebook."""
    program = (
        "import sqlite3, sys; book = sqlite3.connect(sys.argv[1]); book.execute('BEGIN EXCLUSIVE'); "
        "print(flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(database)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    yield
    holder.kill()
    holder.wait()
    holder.stdout.close()


def test_a_locked_gradebook_is_waited_for(school: TinyClass, start: Start):
    grader = start(school, "--pause-at", "after-record:2", "--patience", "60")
    eventually((school.folder / "paused").exists)
    with locked(school.database):
        (school.folder / "paused").unlink()
        time.sleep(1)
        assert grader.process.is_alive()
    assert grader.end().code == 0, grader.said
    school.assert_finished(RIGHT)


def test_a_gradebook_locked_for_good_costs_no_record(school: TinyClass, start: Start):
    grader = start(school, "--pause-at", "after-record:2", "--patience", "1")
    eventually((school.folder / "paused").exists)
    with locked(school.database):
        (school.folder / "paused").unlink()
        assert grader.end().code == 1
        assert grader.said.splitlines() == [
            "成绩册读不了或写不了（database is locked）。"
            "已评好的记录都保存着：数据库恢复后再运行一次，只补写成绩，不会重新评分。"
        ]
    recorded = times(school)
    assert recorded.keys() == RIGHT.keys()
    again = school.grade(backend := Fake())
    assert (backend.submitted, len(again.entered), len(again.unchanged)) == ([], 3, 1)
    assert times(school) == recorded
    school.assert_finished(RIGHT)


def test_an_older_backup_of_the_gradebook(school: TinyClass):
    school.grade(Fake(), students=["student01", "student02"])
    backup = school.database.read_bytes()
    school.grade(Fake())
    recorded = times(school)
    school.database.write_bytes(backup)
    again = school.grade(backend := Fake())
    assert {record.student for record in again.entered} == {"student03", "student04"}
    assert (backend.submitted, times(school)) == ([], recorded)
    school.assert_finished(RIGHT)


@pytest.mark.parametrize("damage", ["cut off", "garbled", "emptied"])
def test_a_damaged_gradebook(school: TinyClass, registered: Path, damage: str):
    school.grade(Fake())
    recorded, content = times(school), school.database.read_bytes()
    school.database.write_bytes(
        {"cut off": content[: len(content) // 3], "garbled": b"x" * 9000, "emptied": b""}[damage]
    )
    with pytest.raises(GradebookError, match="已评好的记录都保存着"):
        school.grade(Fake())
    shutil.copy(registered, school.database)
    again = school.grade(backend := Fake())
    assert (len(again.entered), backend.submitted, times(school)) == (4, [], recorded)
    school.assert_finished(RIGHT)


@pytest.mark.parametrize("what", ["deleted", "an older backup"])
def test_a_gradebook_lost_in_mid_batch(school: TinyClass, start: Start, registered: Path, what: str):
    """The process may go on writing into the file that is no more; the rerun enters it all again."""
    grader = start(school, "--pause-at", "after-notebook:2")
    eventually((school.folder / "paused").exists)
    school.database.unlink()
    if what == "an older backup":
        shutil.copy(registered, school.database)
    (school.folder / "paused").unlink()
    grader.end()
    assert times(school).keys() == RIGHT.keys(), grader.said
    recorded = times(school)
    shutil.copy(registered, school.database)
    school.grade(backend := Fake())
    assert (backend.submitted, times(school)) == ([], recorded)
    school.assert_finished(RIGHT)


# ------------------------------------------------------------------------------------------ records and folders


def test_a_lost_folder_of_notebooks(school: TinyClass):
    school.grade(Fake())
    school.mark_by_hand("student01", "memo", 2)
    shutil.rmtree(school.desk.course / "autograded")
    again = school.grade(backend := Fake())
    assert (backend.submitted, len(again.entered)) == ([], 4)
    school.assert_finished(RIGHT)
    with Book(school.db_url) as book:
        assert book.find_grade("memo", NOTEBOOK, ASSIGNMENT, "student01").manual_score == 2


@pytest.mark.parametrize("suffix", [".json", ".ipynb"])
def test_a_cut_off_record_is_made_again_alone(school: TinyClass, suffix: str):
    school.grade(Fake())
    recorded = times(school)
    (record,) = school.store.history(ASSIGNMENT, "student02")
    path = (school.desk.records / ASSIGNMENT / "student02" / key_of(record.made_from)).with_suffix(suffix)
    path.write_bytes(path.read_bytes()[:-20])
    school.grade(backend := Fake())
    assert backend.submitted == ["student02"]
    assert times(school)["student01"] == recorded["student01"]
    school.assert_finished(RIGHT)


def test_lost_records_are_made_again_and_nothing_is_doubled(school: TinyClass):
    school.grade(Fake())
    shutil.rmtree(school.desk.records)
    assert len(school.grade(Fake()).graded) == 4
    school.assert_finished(RIGHT)


def test_a_cut_off_submission_is_mended_by_the_next(school: TinyClass, rooms: Backend):
    path = school.hand_in("student04")
    path.write_bytes(path.read_bytes()[:300])
    summary = school.grade(rooms)
    assert (summary.failed, [record.student for record in summary.look]) == ({}, ["student04"])
    school.assert_finished(RIGHT | {"student04": (0, 0)})
    school.hand_in("student04")
    assert [record.student for record in school.grade(rooms).graded] == ["student04"]
    assert school.marks()["student04"] == {"one-test": 2, "two-test": 1, "memo": None}


# ------------------------------------------------------------------------------------------------- the clock


def test_a_clock_that_was_wrong_decides_nothing(school: TinyClass):
    """Graded in 2099, says the first record; what holds is told by content, not by time."""

    def in_2099(job: Job) -> Record:
        return msgspec.structs.replace(fake_record(job), graded="2099-01-01T00:00:00+00:00")

    school.hand_in("student01", when="2098-01-01 00:00:00.000000 UTC", x="7")
    school.grade(Fake(judge=in_2099))
    school.hand_in("student01", when="2026-11-22 08:00:00.000000 UTC")
    assert [record.student for record in school.grade(Fake()).graded] == ["student01"]
    assert school.marks()["student01"]["one-test"] == 2
    assert len(school.grade(backend := Fake()).unchanged) == 4
    assert backend.submitted == []
    with Book(school.db_url) as book:
        assert book.find_submission(ASSIGNMENT, "student01").timestamp.year == 2026


def test_a_gradebook_is_whole_after_all_this(school: TinyClass, start: Start):
    start(school, "--die-at", "before-commit:3").end()
    school.grade(Fake())
    with sqlite3.connect(school.database) as book:
        assert book.execute("PRAGMA integrity_check").fetchone() == ("ok",)
