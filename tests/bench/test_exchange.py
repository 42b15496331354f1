"""The rush before a due date: 200 students hand in at once, while the receiver takes in."""

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from autograder.files import digest_of
from course import grading
from course.exchange import open_boxes, received, verify
from course.exchange.boxes import waiting
from course.exchange.student_side import StudentSide
from course.hub.classroom import Classroom
from crmlab.paths import course_root
from tests.bench.conftest import seconds
from tests.exchanging import fetch, home, release, submit
from tests.handed_in import notebook

A04, FILE = "a04-segmentation", "segmentation.ipynb"
STORM, SENDERS, CLASS = 200, 4, 500


@pytest.fixture
def receiver(classroom: Classroom) -> Iterator[Any]:
    """The service as the hub starts it."""
    with (classroom.folder / "receiver.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "course.exchange.receiver"], stderr=log, cwd=course_root())
    yield process
    process.terminate()
    assert process.wait(60) == 0


def send(work: tuple[Classroom, list[str]]) -> list[float]:
    """Submit for each of these students, one after the other; seconds from the click to the receipt."""
    room, students = work
    took = []
    for student in students:
        started = time.perf_counter()
        submit(room, student, A04, wait=60)
        took.append(time.perf_counter() - started)
    return took


def test_a_storm_of_200_submissions_loses_and_mixes_up_nothing(classroom: Classroom, receiver: Any, note: Any) -> None:
    source = grading.instructors_copy(A04)
    document = notebook(source)
    release(classroom, {FILE: json.dumps(document)}, A04)
    students = [f"student{number:03}" for number in range(STORM)]
    open_boxes(classroom, students)
    sent = {}
    for student in students:
        fetch(classroom, student, A04)
        own = json.dumps(document, ensure_ascii=False).replace("在这里", f"{student} 在这里") + f"\n{' ' * len(sent)}"
        (home(classroom, student) / "crm" / A04 / FILE).write_text(own, "utf-8")
        sent[student] = digest_of({FILE: own.encode()})
    assert len(set(sent.values())) == STORM

    started = time.perf_counter()
    with get_context("fork").Pool(SENDERS) as pool:
        works = [(classroom, students[number::SENDERS]) for number in range(SENDERS)]
        took = sorted(itertools.chain.from_iterable(pool.map(send, works)))
    whole = time.perf_counter() - started

    kept = received(classroom, A04)
    assert {one.student: one.digest for one in kept} == sent
    assert len(kept) == STORM
    assert all(one.receipt and verify(classroom, one.receipt.number).genuine for one in kept)
    for student in students:
        side = StudentSide(classroom, student, home(classroom, student) / ".cache" / "crm")
        copies = [file.read_bytes() for file in (home(classroom, student) / ".cache" / "crm").glob(f"*/{FILE}")]
        assert [digest_of({FILE: copy}) for copy in copies] == [sent[student]]
        (receipt,) = [one.receipt for one in kept if one.student == student]
        assert receipt is not None
        assert side.receipt_for(receipt.box) == receipt
    note(
        f"{STORM} submissions of a04 by {SENDERS} processes, each waiting for its receipt",
        f"a submission: p50 {statistics.median(took):.2f} s, p95 {took[int(0.95 * STORM)]:.2f} s",
        f"{whole:.1f} s",
        "≤ 60 s, all kept",
    )
    assert whole <= 60


def test_looking_into_500_empty_boxes_is_cheap(classroom: Classroom, note: Any) -> None:
    open_boxes(classroom, [f"student{number:03}" for number in range(CLASS)])
    assert list(waiting(classroom)) == []
    one = seconds(lambda: list(waiting(classroom)), 20)
    share = 2 * one
    note(f"a look into {CLASS} empty drop boxes", "twice a second", f"{one * 1000:.1f} ms, {share:.1%} CPU", "≤ 10 %")
    assert share <= 0.1


def plain(root: Path, student: str, assignment: str) -> Any:
    """nbgrader's own class, all students' work in one folder."""
    from nbgrader.auth import Authenticator
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange.default import ExchangeSubmit
    from traitlets.config import Config

    c = Config()
    c.Exchange.root, c.Exchange.cache, c.Exchange.assignment_dir = str(root), str(root / "cache"), str(root / student)
    c.CourseDirectory.course_id, c.CourseDirectory.student_id = "crm", student
    c.CourseDirectory.assignment_id = assignment
    return ExchangeSubmit(coursedir=CourseDirectory(config=c), authenticator=Authenticator(config=c), config=c)


def test_safe_handing_in_costs_little_more_than_plain(classroom: Classroom, tmp_path: Path, note: Any) -> None:
    release(classroom, {FILE: json.dumps(notebook(grading.instructors_copy(A04)))}, A04)
    open_boxes(classroom, ["student1"])
    fetch(classroom, "student1", A04)
    for folder in ("inbound", "outbound"):
        (tmp_path / "plain" / "crm" / folder).mkdir(parents=True)
    shutil.copytree(classroom.outbound / A04, tmp_path / "plain" / "crm" / "outbound" / A04)
    shutil.copytree(classroom.outbound / A04, tmp_path / "plain" / "student1" / A04)
    os.chmod(tmp_path / "plain", 0o777)
    theirs = seconds(lambda: plain(tmp_path / "plain", "student1", A04).start(), 20)
    ours = seconds(lambda: submit(classroom, "student1", A04), 20)
    note(
        "handing in, plain nbgrader against this course's (synced to the disk, whole or not at all)",
        f"{theirs * 1000:.1f} ms, {ours * 1000:.1f} ms",
        f"{ours / theirs:.1f}×",
        "< 0.5 s",
    )
    assert ours < 0.5
