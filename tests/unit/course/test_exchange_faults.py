"""Killed programs, full disks, hostile folders and crowds: no submission is lost, doubled or mixed up."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nbgrader.exchange import ExchangeError

from course.exchange import intake, naming, open_boxes, receipts, received, take_in, verify
from course.exchange.boxes import waiting
from course.exchange.intake import DiskFull, Intake
from course.exchange.receiver import Receiver
from course.hub.classroom import Classroom
from tests.exchanging import A1, NOTEBOOK, fetch, home, plugin, release, submit

ANNA, BEN = "student01", "student02"
TOUCHING = ("open", "mkdir", "write", "fsync", "rename", "replace", "unlink", "rmdir")
"""What changes a disk, in Python."""


@pytest.fixture(autouse=True)
def _no_power_fails_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk proves nothing where processes are killed, and machines are not."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture
def room(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    monkeypatch.chdir(classroom.folder)
    open_boxes(classroom, [ANNA, BEN])
    release(classroom)
    for student in (ANNA, BEN):
        fetch(classroom, student)
        (home(classroom, student) / "crm" / A1 / NOTEBOOK).write_text(f"work of {student}")
    return classroom


def lay(room: Classroom, student: str, number: int = 0, name: str | None = None) -> Path:
    """A folder in a drop box, made by hand."""
    name = name or str(naming.SubmissionName(student, A1, "2026-11-22 08:00:00.000000 UTC", f"by-hand-{number}"))
    folder = room.drop_box(student) / name
    folder.mkdir()
    (folder / NOTEBOOK).write_text(f"{student} {number}")
    return folder


def visible(room: Classroom) -> list[tuple[str, str]]:
    return list(waiting(room))


def refusals(room: Classroom, student: str) -> list[str]:
    return [note.refused for note in receipts.issued_to(room, student) if note.refused]


# --- killed in the middle --------------------------------------------------------------------------------------------


def in_child(work: Callable[[], object], die_at: int | None = None) -> int:
    """Run ``work`` in a process that is killed when it is about to touch the disk for the ``die_at``-th time.

    Returns how often it did; -1 if it was killed.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            touched = killed_at(die_at)
            work()
            os.write(writable, str(len(touched)).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        told = pipe.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return -1
    assert os.WEXITSTATUS(status) == 0
    return int(told)


def killed_at(moment: int | None) -> list[str]:
    touched: list[str] = []

    def watched(name: str, call: Any) -> Any:
        def touch(*arguments: Any, **options: Any) -> Any:
            if moment is not None and len(touched) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            touched.append(name)
            return call(*arguments, **options)

        return touch

    for name in TOUCHING:
        setattr(os, name, watched(name, getattr(os, name)))
    return touched


def test_a_receiver_killed_anywhere_loses_and_doubles_nothing(room: Classroom) -> None:
    lay(room, BEN)
    moments = in_child(lambda: take_in(room))
    assert moments > 20
    for number in range(moments):
        lay(room, ANNA, number)
        assert in_child(lambda: take_in(room), die_at=number) == -1
        take_in(room)
        assert visible(room) == []
        kept = received(room, A1, ANNA)
        assert len(kept) == number + 1
        assert {(one.folder / NOTEBOOK).read_text() for one in kept} == {f"{ANNA} {n}" for n in range(number + 1)}
    own = [receipt.number for receipt in receipts.issued_to(room, ANNA)]
    assert sorted(own) == sorted(one.receipt.number for one in kept if one.receipt)
    assert all(verify(room, number).genuine for number in own)
    assert len(list((room.received / ".receipts").glob("*.json"))) == moments + 1
    assert list((room.received / ".taking").iterdir()) == []


def test_a_sender_killed_anywhere_sends_all_or_nothing(room: Classroom) -> None:
    os.chdir(home(room, ANNA))
    submit(room, ANNA)  # the first time makes folders
    moments = in_child(plugin(room, "Submit", ANNA, A1).start)
    assert moments > 15
    take_in(room)
    for file in [*room.received.iterdir(), *(home(room, ANNA) / ".cache" / "crm").iterdir()]:
        shutil.rmtree(file, ignore_errors=True)
    for number in range(moments):
        (home(room, ANNA) / "crm" / A1 / NOTEBOOK).write_text(f"version {number}")
        assert in_child(plugin(room, "Submit", ANNA, A1).start, die_at=number) == -1
        take_in(room)
        plugin(room, "List", ANNA, A1).start()  # the tab puts right what is left
        kept = received(room, A1, ANNA)
        assert all(re.fullmatch(r"version \d+", (one.folder / NOTEBOOK).read_text()) for one in kept)
        copies = [folder.name for folder in (home(room, ANNA) / ".cache" / "crm").glob("*") if folder.is_dir()]
        boxes = [one.receipt.box.rpartition("+")[0] for one in kept if one.receipt]
        assert sorted(copies) == sorted(boxes)  # what was sent, and nothing else, is on the student's list
    assert 0 < len(received(room, A1, ANNA)) < moments
    assert [path.name for path in room.drop_box(ANNA).iterdir()] == [".lock"]


def test_what_is_still_being_sent_is_left_alone(room: Classroom) -> None:
    half = lay(room, ANNA, name=".sending-half")
    lay(room, BEN)
    assert [receipt.student for receipt in take_in(room)] == [BEN]
    assert half.is_dir()


def test_the_receiver_ends_when_told_and_goes_on_after_a_kill(room: Classroom) -> None:
    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "course.exchange.receiver"]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])

    submit(room, ANNA)
    first = start()
    try:
        assert first.stderr is not None
        while f"收下 crm {A1} {ANNA}" not in first.stderr.readline():
            assert first.poll() is None
        first.kill()
        submit(room, ANNA)
        second = start()
        try:
            assert second.stderr is not None
            while f"收下 crm {A1} {ANNA}" not in second.stderr.readline():
                assert second.poll() is None
            second.terminate()
            assert "停止收取提交" in second.stderr.read()
            assert second.wait(30) == 0
        finally:
            second.kill()
            second.wait()
    finally:
        first.kill()
        first.wait()
    assert len(received(room, A1)) == 2


# --- crowds ----------------------------------------------------------------------------------------------------------


def together(*works: Callable[[], object]) -> None:
    """Each in a process of its own, at the same time."""
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work()
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(works)


def test_many_who_take_in_at_once_take_each_submission_once(room: Classroom) -> None:
    for number in range(12):
        lay(room, (ANNA, BEN)[number % 2], number)
    together(*[lambda: take_in(room)] * 4)
    assert visible(room) == []
    texts = sorted((one.folder / NOTEBOOK).read_text() for one in received(room, A1))
    assert texts == sorted(f"{(ANNA, BEN)[number % 2]} {number}" for number in range(12))


def test_two_programs_of_one_student_send_both(room: Classroom) -> None:
    senders = [plugin(room, "Submit", ANNA, A1) for _number in range(3)]
    together(*[sender.start for sender in (os.chdir(home(room, ANNA)), *senders)[1:]])
    take_in(room)
    assert len(received(room, A1, ANNA)) == 3
    copies = [folder for folder in (home(room, ANNA) / ".cache" / "crm").iterdir() if not folder.name.startswith(".")]
    assert len(copies) == 3


def test_who_waits_too_long_for_another_program_is_told(room: Classroom, monkeypatch: Any) -> None:
    from course.exchange.boxes import locked

    monkeypatch.setattr("course.exchange.plugins.submit.LOCK_SECONDS", 0.0)
    with locked(room.drop_box(ANNA) / ".lock"), pytest.raises(ExchangeError, match="另一次提交还没有结束"):
        submit(room, ANNA)


def test_hidden_names_do_not_crowd_out_a_submission(room: Classroom, monkeypatch: Any) -> None:
    monkeypatch.setattr("course.exchange.boxes.MOST_NAMES", 2)
    for number in range(5):
        (room.drop_box(ANNA) / f".refused-{number}").mkdir()
        lay(room, ANNA, number)
    assert [len(take_in(room)) for _round in range(4)] == [2, 2, 1, 0]


def test_the_same_folder_laid_again_is_the_same_submission(room: Classroom) -> None:
    lay(room, ANNA)
    (first,) = take_in(room)
    lay(room, ANNA)
    (second,) = take_in(room)
    assert first == second
    assert len(received(room, A1)) == 1
    (lay(room, ANNA) / NOTEBOOK).write_text("another text under the same name")
    take_in(room)
    assert len(received(room, A1)) == 2


# --- a full disk -----------------------------------------------------------------------------------------------------


def test_on_a_full_disk_all_waits_and_is_taken_later(room: Classroom, monkeypatch: Any) -> None:
    def full(_handle: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    lay(room, ANNA)
    lay(room, BEN)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(DiskFull, match="提交都还在投递箱里"):
            take_in(room)
    assert len(visible(room)) == 2
    assert received(room, A1) == []
    assert len(take_in(room)) == 2


def test_a_full_disk_in_one_section_does_not_end_the_receiver(room: Classroom, monkeypatch: Any) -> None:
    receiver, rounds = Receiver(room), []
    monkeypatch.setattr(Intake, "run", lambda _intake, _stop: rounds.append(1) or (_ for _ in ()).throw(DiskFull("x")))
    receiver.round()
    receiver.round()
    assert len(rounds) == 1  # it rests before it tries again


def test_a_fault_of_the_machine_is_tried_again_later(room: Classroom, monkeypatch: Any) -> None:
    lay(room, ANNA)
    lay(room, BEN)
    desk = Intake(room)
    real = intake.read_folder

    def faulty(folder: int) -> Any:
        contents = real(folder)
        if ANNA.encode() in contents.files[NOTEBOOK]:
            raise OSError(errno.EIO, "Input/output error")
        return contents

    with monkeypatch.context() as patch:
        patch.setattr(intake, "read_folder", faulty)
        assert [receipt.student for receipt in desk.run()] == [BEN]
        assert desk.run() == []
    assert [student for student, _name in visible(room)] == [ANNA]
    later = time.monotonic() + intake.PATIENCE + 1
    monkeypatch.setattr(intake.time, "monotonic", lambda: later)
    assert [receipt.student for receipt in desk.run()] == [ANNA]


# --- hostile folders -------------------------------------------------------------------------------------------------


def deep(folder: Path) -> None:
    """Deeper than Python can recurse, and than a path can be long."""
    here = os.open(folder, os.O_RDONLY)
    for _level in range(1500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def undeep(folder: Path) -> None:
    subprocess.run(["rm", "-rf", folder], check=True)


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link to a file of the system": (lambda place: (place / "x.ipynb").symlink_to("/etc/passwd"), "不是普通文件"),
    "a link to another home": (
        lambda place: (place / "x").symlink_to(place.parents[4] / "homes" / BEN),
        "不是普通文件",
    ),
    "a link for the timestamp": (lambda place: (place / "timestamp.txt").symlink_to("/etc/passwd"), "不是普通文件"),
    "a pipe": (lambda place: os.mkfifo(place / "x"), "不是普通文件"),
    "a thousand files": (lambda place: [(place / f"{n}").touch() for n in range(1000)], "超过 200 个"),
    "a bottomless tree": (deep, "嵌套超过 8 层"),
    "a sparse giant": (lambda place: os.truncate(place / NOTEBOOK, 2**40), "超过 10 MB"),
    "a name of control characters": (lambda place: (place / "a\x1b[2Jb\n").touch(), "不能显示的字符"),
    "a name that is no text": (
        lambda place: (Path(os.fsdecode(bytes(place) + b"/\xff\xfe"))).touch(),
        "不能显示的字符",
    ),
    "nothing": (lambda place: (place / NOTEBOOK).unlink(), "没有文件"),
    "a giant for a secret": (lambda place: (place / "submission_secret.txt").write_bytes(bytes(11 * 2**20)), "超过"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_folder_is_refused_and_stops_nobody(room: Classroom, kind: str) -> None:
    make, reason = HOSTILE[kind]
    folder = lay(room, ANNA)
    make(folder)
    lay(room, BEN)
    try:
        assert [receipt.student for receipt in take_in(room)] == [BEN]
        assert visible(room) == []
        (told,) = refusals(room, ANNA)
        assert reason in told
        assert received(room, A1, ANNA) == []
        assert len(list(room.drop_box(ANNA).glob(".refused-*"))) == 1  # it stays its owner's
        assert take_in(room) == []
    finally:
        undeep(room.drop_box(ANNA))


ODD = {
    "a file": lambda box: (box / f"{ANNA}+{A1}+2026+x").touch(),
    "a link to another's drop box": lambda box: (box / f"{ANNA}+{A1}+2026+x").symlink_to(box.parent / BEN),
    "a pipe": lambda box: os.mkfifo(box / f"{ANNA}+{A1}+2026+x"),
    "a folder with any name": lambda box: (box / "homework").mkdir(),
    "an assignment that is not released": lambda box: (box / f"{ANNA}+a9+2026+x").mkdir(),
    "a path for an assignment": lambda box: (box / f"{ANNA}+..+2026+x").mkdir(),
    "no text": lambda box: Path(os.fsdecode(bytes(box) + b"/\xff+a1+2026+x")).mkdir(),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_submission_is_refused_and_followed_nowhere(room: Classroom, kind: str) -> None:
    lay(room, BEN)
    ODD[kind](room.drop_box(ANNA))
    (receipt,) = take_in(room)
    assert receipt.student == BEN
    assert visible(room) == []
    assert len(refusals(room, ANNA)) == 1
    assert sorted(one.name for one in room.received.iterdir() if not one.name.startswith(".")) == [receipt.folder]


def test_a_folder_that_changes_while_it_is_read_is_taken_as_it_was_read(room: Classroom, monkeypatch: Any) -> None:
    folder, real = lay(room, ANNA), intake.read_folder

    def swapped(handle: int) -> Any:
        contents = real(handle)
        folder.rename(folder.with_name(".away"))
        lay(room, ANNA).joinpath("more.txt").touch()
        return contents

    with monkeypatch.context() as patch:
        patch.setattr(intake, "read_folder", swapped)
        (first,) = take_in(room)
    assert [name for name, _size in first.files] == [NOTEBOOK]
    (second,) = take_in(room)  # what stands there now is another submission
    assert [name for name, _size in second.files] == ["more.txt", NOTEBOOK]


def test_a_folder_taken_back_in_time_is_no_fault(room: Classroom, monkeypatch: Any) -> None:
    folder = lay(room, ANNA)
    monkeypatch.setattr(Intake, "_claimed", lambda *_arguments: shutil.rmtree(folder))
    assert take_in(room) == []


def test_a_mess_in_the_receipts_folder_harms_its_owner_alone(room: Classroom) -> None:
    lay(room, ANNA)
    (first,) = take_in(room)
    for file in room.receipts_of(ANNA).iterdir():
        file.unlink()
        file.mkdir()
    lay(room, ANNA)
    assert take_in(room) == [first]
    shutil.rmtree(room.receipts_of(ANNA))
    room.receipts_of(ANNA).symlink_to(room.secrets)
    lay(room, ANNA, 1)
    assert len(take_in(room)) == 1
    assert not list(room.secrets.glob("*.txt"))
    assert visible(room) == []


def test_only_the_newest_notes_about_refusals_stay(room: Classroom, monkeypatch: Any) -> None:
    monkeypatch.setattr(intake, "MOST_REFUSALS", 3)
    lay(room, ANNA)
    take_in(room)
    for number in range(6):
        (room.drop_box(ANNA) / f"odd-{number}").mkdir()
        take_in(room)
    assert [reason.split()[0] for reason in refusals(room, ANNA)] == ["odd-3", "odd-4", "odd-5"]
    assert len(list(room.receipts_of(ANNA).glob("*.txt"))) == 4  # receipts stay for ever


def test_a_submission_without_a_secret_gets_one_and_is_told(room: Classroom) -> None:
    (lay(room, ANNA) / "submission_secret.txt").write_text("../../secrets/people.json")
    (receipt,) = take_in(room)
    secret = (room.received / receipt.folder / "submission_secret.txt").read_text()
    assert re.fullmatch("[0-9a-f]{128}", secret)
    assert "反馈凭据" in receipt.notes[0]
    good = "0123456789abcdef" * 8
    (lay(room, BEN) / "submission_secret.txt").write_text(good)
    (receipt,) = take_in(room)
    assert (room.received / receipt.folder / "submission_secret.txt").read_text() == good
    assert receipt.notes == ()


def test_kept_submissions_are_for_the_account_of_the_class_alone(room: Classroom) -> None:
    os.chmod(lay(room, ANNA) / NOTEBOOK, 0o4777)
    (receipt,) = take_in(room)
    kept = room.received / receipt.folder
    assert [oct(path.stat().st_mode)[-4:] for path in (kept, kept / NOTEBOOK)] == ["0700", "0600"]


# --- names -----------------------------------------------------------------------------------------------------------

PLAIN = st.text(min_size=1, max_size=30).filter(naming.is_plain)


@given(PLAIN, PLAIN, st.integers(0, 4 * 10**18), st.from_regex(r"[A-Za-z0-9_=-]{1,64}", fullmatch=True))
def test_a_name_is_read_as_it_was_written(student: str, assignment: str, moment: int, mark: str) -> None:
    name = naming.SubmissionName(student, assignment, naming.time_of(moment), mark)
    assume(len(os.fsencode(str(name))) <= 255)
    assert naming.parse(str(name)) == name
    assert abs(name.moment.timestamp() * 1e9 - moment) < 2000


@given(st.one_of(st.text(), st.text("ab+./~ \n*\x00\udcff", max_size=30), st.lists(st.text(max_size=9)).map("+".join)))
def test_no_name_leads_out_of_its_folder_or_matches_others(text: str) -> None:
    name = naming.parse(text)
    if name is not None:
        assert str(name) == text
        for part in (name.student, name.assignment, name.time, name.mark):
            assert part not in (".", "..", "")
            assert not set(part) & set("+/\\*?[]\0\n")
            assert not part.startswith(".")


@pytest.mark.parametrize(
    "name",
    ["", "a", "a+b", "a+b+c", "a+b+c+d+e", "a++c+d", "../a+b+c+d", "a+../b+c+d", ".a+b+c+d", "a+b+c+d.html", "a+b+c+" + "d" * 65,
     "-a+b+c+d", "a\n+b+c+d", " a+b+c+d", "a*+b+c+d", "\udcff+b+c+d"],
)  # fmt: skip
def test_what_is_no_name_is_none(name: str) -> None:
    assert naming.parse(name) is None
