"""The secure grader against plain nbgrader, against the bare cells, and against itself with more work and workers."""

import contextlib
import gc
import io
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder.messages import Enter, Ran, RunCell, pack, unpack
from autograder.records import Record
from autograder.runner import Backend, Summary, grade_class
from autograder.sandbox.house import House, Room
from autograder.sandbox.limits import Limits
from autograder.session import grade
from course import grading
from course.hub.classroom import Classroom
from crmlab.paths import course_root
from tests.bench.conftest import seconds
from tests.handed_in import hand_in, mixed_answers, notebook
from tests.notebooks.a04_answers import RIGHT, WRONG

A04 = "a04-segmentation"
CLASS, MANY, FEW, STOCK = 100, 1000, 10, 8


@pytest.fixture(scope="module", autouse=True)
def one_thread_each() -> Iterator[None]:
    """As in the rooms, for a fair floor."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def source() -> Any:
    return grading.instructors_copy(A04)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as house:
        house.open("student", Limits()).leave()
        yield house


def fill(classroom: Classroom, source: Any, count: int) -> list[str]:
    """A class that hands in a04, half of it without a mistake."""
    names = [f"student{number:04}" for number in range(count)]
    for name, answers in zip(names, mixed_answers(RIGHT, WRONG), strict=False):
        hand_in(classroom, A04, name, notebook(source, answers), source.notebook)
    grading.ensure_in_gradebook(A04, source, grading.desk(classroom))
    return names


def graded(classroom: Classroom, source: Any, workers: int, students: list[str] | None = None) -> tuple[Summary, float]:
    """The class graded by a new backend, its start included; seconds."""
    started = time.perf_counter()
    backend = Backend(workers)
    try:
        summary = grade_class(grading.desk(classroom), A04, source, backend, students)
    finally:
        backend.close()
    assert not summary.failed
    return summary, time.perf_counter() - started


# ----------------------------------------------------------------------------------------- against plain nbgrader


STOCK_PROGRAM = """
import os, sys, time
from nbgrader.apps.nbgraderapp import NbGraderApp
from traitlets.config import Config
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
config = Config()
config.CourseDirectory.root, config.CourseDirectory.course_id = sys.argv[1], "crm"
config.Execute.timeout = 120
api = NbGraderAPI(config=config)
started = time.perf_counter()
for student in sys.argv[2:]:
    os.environ["CRM_STUDENT_ID"] = student
    result = api.autograde("a04-segmentation", student)
    assert result["success"], result
print(time.perf_counter() - started)
"""


def stock_seconds(classroom: Classroom, students: list[str], folder: Path) -> float:
    """Seconds of plain ``nbgrader autograde`` for these students, one process, without its own start."""
    shutil.copytree(classroom.course, folder, symlinks=True)
    shutil.rmtree(folder / "autograded", ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-c", STOCK_PROGRAM, str(folder), *students],
        check=True, capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1])


def test_a_class_of_100_is_graded_eight_times_faster_than_by_nbgrader(classroom, source, tmp_path: Path, note: Any):
    students = fill(classroom, source, CLASS)
    summary, ours = graded(classroom, source, workers=2)
    assert len(summary.graded) == CLASS
    stock = stock_seconds(classroom, students[:STOCK], tmp_path / "stock") / STOCK
    ratio = stock / (ours / CLASS)
    note(
        f"grading {CLASS} submissions of a04, 2 workers, against plain nbgrader",
        f"{stock:.2f} s, {ours / CLASS:.3f} s a submission; {ours:.0f} s in all with the start",
        f"{ratio:.1f}×",
        "≥ 8×, aim 12×",
    )
    command = [sys.executable, "-m", "course.cli", "grade", A04, "--json"]
    again = seconds(lambda: subprocess.run(command, check=True, capture_output=True, cwd=course_root()), 2)
    told = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=course_root()).stdout)
    note("… and again, nothing changed", "the command from start to end", f"{again:.2f} s", "< 2 s")
    assert len(told["unchanged"]) == CLASS
    assert ratio >= 8
    assert again < 2


# --------------------------------------------------------------------------------------------- against the floor


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def floor_seconds(source: Any, document: dict[str, Any], student: str) -> float:
    """CPU seconds of the same cells, tests included, exec'd in this warm process."""
    os.environ["CRM_STUDENT_ID"] = student
    texts = {cell["id"]: cell["source"] for cell in document["cells"]}
    names: dict[str, Any] = {"__name__": "__main__"}
    started = cpu()
    for cell in source.cells:
        if cell.kind == "code":
            text = cell.source if cell.trusted else texts[cell.id]
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(text, cell.id, "exec"), names)
    return cpu() - started


def test_overhead_above_the_bare_cells(classroom, source, house: House, note: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRM_STUDENT_ID", "bench")
    students = fill(classroom, source, 20)
    desk = grading.desk(classroom)
    from autograder.gradebook import Gradebook
    from autograder.runner import make_job
    from autograder.store import Store

    book, store = Gradebook(desk.db_url, desk.course), Store(desk.records)
    floors, rooms, drivers, writers, cells = [], [], [], [], []
    gc.collect()
    gc.freeze()  # this process holds what the floor needs; the grader's own is small, and so are its collections
    for student, answers in zip(students, mixed_answers(RIGHT, WRONG), strict=False):
        floors.append(floor_seconds(source, notebook(source, answers), student))
        started = cpu()
        record = grade(make_job(desk, A04, student, source, Limits()), house)
        drivers.append(cpu() - started)
        rooms.append(record.cpu_seconds)
        cells.append(sum(cell.seconds for cell in record.cells) + sum(test.seconds for test in record.tests))
        started = cpu()
        store.save(record)
        book.write(record, lambda _marks: None)
        writers.append(cpu() - started)
    book.close()
    floor, room, driver, writer, cell = (statistics.median(found) for found in (floors, rooms, drivers, writers, cells))
    over = room + driver + writer - floor
    note(
        "CPU of a submission above the bare cells",
        f"bare {floor:.3f} s; rooms {room:.3f} s (cells and tests {cell:.3f}, fork, walls and end {room - cell:.3f}), "
        f"driver {driver:.3f}, record and gradebook {writer:.3f}",
        f"{over:.3f} s",
        "≤ 0.3 s",
    )
    assert over <= 0.3


def test_start_of_a_room(house: House, note: Any):
    took = []
    for _ in range(40):
        started = time.perf_counter()
        room = house.open("student", Limits())
        room.channel.send(pack(Enter("bench", 1, {})))
        unpack(room.channel.receive(30))
        room.channel.send(pack(RunCell("pass", 1)))
        assert isinstance(unpack(room.channel.receive(30)), Ran)
        took.append(time.perf_counter() - started)
        room.leave()
    middle = statistics.median(took) * 1000
    note(
        "a walled student process, from the zygote to the end of its first cell",
        f"{max(took) * 1000:.0f} ms at most",
        f"{middle:.0f} ms",
        "< 80 ms",
    )
    assert middle < 80


def test_a_room_beside_one_full_of_processes(house: House, note: Any):
    """Forty that never rest in one room, one cell in another: where Linux shares out by session, a half is left to it."""
    limits = Limits(memory=512 * 2**20)
    neighbour, room = (_entered(house.open("student", limits)) for _ in range(2))
    cell = pack(RunCell("import time\nstart = time.process_time()\nwhile time.process_time() < start + 1: pass", 1))

    def cell_seconds() -> float:
        return seconds(lambda: (room.channel.send(cell), room.channel.receive(300)), times=1)

    alone = cell_seconds()
    forks = "import os\nfor _ in range(40):\n    if os.fork() == 0:\n        while True: pass\nwhile True: pass"
    neighbour.channel.send(pack(RunCell(forks, 1)))
    time.sleep(2)
    crowded = cell_seconds()
    neighbour.leave()
    room.leave()
    note(
        "a cell beside a room of 40 processes",
        f"alone {alone:.2f} s, beside them {crowded:.2f} s",
        f"{crowded / alone:.1f} x",
        "≤ 4 x",
    )
    assert crowded / alone <= 4


def _entered(room: Room) -> Room:
    room.channel.send(pack(Enter("bench", 1, {})))
    room.channel.receive(60)
    return room


# ------------------------------------------------------------------------------------------ more workers, more work


def test_memory_of_a_running_submission(classroom, source, note: Any):
    """Pages shared with the zygote count once: what the tree holds above an idle house, for each submission in hand."""
    students = fill(classroom, source, 12)
    backend = Backend(2)
    try:
        grade_class(grading.desk(classroom), A04, source, backend, students[:2])
        idle, peak = tree_memory(), 0.0
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.05):
                peak = max(peak, tree_memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        grade_class(grading.desk(classroom), A04, source, backend, students[2:])
        done.set()
        watcher.join()
    finally:
        backend.close()
    each = (peak - idle) / 2
    note(
        "memory of a running submission",
        f"house idle {idle:.0f} MiB, two running {peak:.0f} MiB",
        f"{each:.0f} MiB",
        "< 250 MiB",
    )
    assert each < 250


def tree_memory() -> float:
    """MiB of all processes of the house, shared pages counted in part."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20


def test_two_workers_do_twice_the_work(classroom, source, note: Any):
    students = fill(classroom, source, 60)
    rates = {}
    for workers, chosen in ((1, students[:20]), (2, students[20:])):
        backend = Backend(workers)
        try:
            warm = chosen[:2]
            grade_class(grading.desk(classroom), A04, source, backend, warm)
            started = time.perf_counter()
            grade_class(grading.desk(classroom), A04, source, backend, chosen[2:])
            rates[workers] = (len(chosen) - 2) / (time.perf_counter() - started)
        finally:
            backend.close()
    note(
        "2 workers against 1",
        f"{rates[1]:.2f}, {rates[2]:.2f} submissions a second",
        f"{rates[2] / rates[1]:.2f}×",
        "≥ 1.8×",
    )
    assert rates[2] / rates[1] >= 1.8


def test_a_thousand_cost_no_more_each_than_ten(classroom, source, note: Any):
    students = fill(classroom, source, MANY + FEW)
    backend = Backend(2)
    desk = grading.desk(classroom)
    try:
        grade_class(desk, A04, source, backend, students[:2])  # warm
        started = time.perf_counter()
        grade_class(desk, A04, source, backend, students[2:FEW])
        few = (time.perf_counter() - started) / (FEW - 2)
        before = psutil.Process().memory_info().rss
        started = time.perf_counter()
        summary = grade_class(desk, A04, source, backend, students[FEW:])
        many = (time.perf_counter() - started) / MANY
        grown = (psutil.Process().memory_info().rss - before) / 2**20
    finally:
        backend.close()
    assert len(summary.graded) == MANY
    assert all(record.score == 22 for record in itertools.islice(summary.records, 0, None, 2))
    note(
        f"{MANY} submissions in one go, each against one of {FEW}",
        f"{few:.3f} s, {many:.3f} s; the grader grew by {grown:.0f} MiB",
        f"{many / few:.2f}×",
        "≤ 1.2×",
    )
    assert many / few <= 1.2
    assert grown < 250


def test_similar_work_in_a_class_of_100(classroom, source, house: House, note: Any):
    from autograder import contract, similar, submission
    from autograder.runner import make_job

    students = fill(classroom, source, 8)
    desk = grading.desk(classroom)
    some = [grade(make_job(desk, A04, student, source, Limits()), house) for student in students]
    records: list[Record] = []
    for number, record in zip(range(CLASS), itertools.cycle(some), strict=False):
        copied = json.loads(json.dumps(record.document))
        for cell in copied["cells"]:
            if cell["id"].endswith("-solution"):
                cell["source"] += "\n" + "\n".join(
                    f"v{number}_{k} = [{number} * {k} + i for i in range({k})]" for k in range(6)
                )
        records.append(
            Record(
                **{
                    **{name: getattr(record, name) for name in Record.__struct_fields__},
                    "student": f"s{number}",
                    "document": copied,
                }
            )
        )
    given = {cell.id: submission.released(cell, contract.STUBS) for cell in source.cells if submission.is_slot(cell)}
    took = seconds(lambda: similar.similar(records, given), 2)
    note(f"similar work among {CLASS} submissions", "", f"{took:.1f} s", "< 10 s")
    assert took < 10
