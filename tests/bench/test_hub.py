"""A lesson begins: forty students at once log in, fetch a04, run its reference solution, hand it in."""

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from course.exchange import received
from course.hub.up import class_processes
from crmlab.paths import course_root
from tests.browser.classroom import solutions
from tests.classes import RunningClass, a_class
from tests.hub.client import Client

STUDENTS = 40
ASSIGNMENT = "a04-segmentation"
PLACE = f"/api/contents/crm/{ASSIGNMENT}/segmentation.ipynb"
RUN = """
import json, os
os.chdir("crm/a04-segmentation")
shell = get_ipython()
cells = [cell for cell in json.load(open("segmentation.ipynb"))["cells"] if cell["cell_type"] == "code"]
failed = [number for number, cell in enumerate(cells) if not shell.run_cell("".join(cell["source"])).success]
print("ran", len(cells), "failed", failed)
"""


@dataclass
class Times:
    """Seconds of one student's steps."""

    log_in: float
    start: float
    run: float
    hand_in: float


def measured(work: object) -> float:
    began = time.monotonic()
    work()  # type: ignore[operator]
    return time.monotonic() - began


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


def one_student(running: RunningClass, name: str, answers: dict[str, str]) -> Times:
    """What a student does in the first minutes, through the hub's proxy."""
    user = Client(running.url, name)
    log_in = measured(lambda: user.log_in(running.passwords[name]))
    start = user.start_server()
    action = {"course_id": "crm", "assignment_id": ASSIGNMENT}
    assert user.server("POST", "/assignments/fetch", json=action, timeout=600).json()["success"]
    document = user.server("GET", PLACE, timeout=600).json()["content"]
    for cell in document["cells"]:
        cell["source"] = answers.get(cell["metadata"].get("nbgrader", {}).get("grade_id"), cell["source"])
    saved = user.server("PUT", PLACE, json={"type": "notebook", "format": "json", "content": document}, timeout=600)
    assert saved.status_code == 200
    began = time.monotonic()
    said = user.notebook(RUN, seconds=900)
    run = time.monotonic() - began
    assert "failed []" in said, said
    began = time.monotonic()
    assert user.server("POST", "/assignments/submit", json=action, timeout=600).json()["success"]
    return Times(log_in, start, run, time.monotonic() - began)


def idle_memory(running: RunningClass) -> float:
    """MiB of one student's server, shared pages counted once: all of them together, divided."""
    total = 0
    for process in class_processes(running.classroom):
        try:
            if process.environ().get("CRM_ROLE") == "student":
                total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20 / STUDENTS


@pytest.mark.timeout(1800)
def test_forty_students_at_once(tmp_path: Path, note) -> None:  # type: ignore[no-untyped-def]
    answers = solutions(course_root() / "assignments" / ASSIGNMENT / "segmentation.ipynb")
    with a_class(tmp_path / "class", students=STUDENTS) as running:
        names = [f"student{number:02d}" for number in range(1, STUDENTS + 1)]
        began = time.monotonic()
        with ThreadPoolExecutor(STUDENTS) as pool:
            times = list(pool.map(lambda name: one_student(running, name, answers), names))
        total = time.monotonic() - began
        found = received(running.classroom, ASSIGNMENT)
        memory = idle_memory(running)
        for name in names:
            (own,) = [submission for submission in found if submission.student == name]
            text = json.loads((own.folder / "segmentation.ipynb").read_text("utf-8"))
            handed = {
                cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell["source"]) for cell in text["cells"]
            }
            assert {key: handed[key] for key in answers} == answers
    for title, values in {
        "log in": [t.log_in for t in times],
        "start a server": [t.start for t in times],
        "run a04": [t.run for t in times],
        "hand in, receipt included": [t.hand_in for t in times],
    }.items():
        spread = f"p50 {percentile(values, 50):.1f} s, p95 {percentile(values, 95):.1f} s"
        note("hub", f"{STUDENTS} students at once: {title}", spread, "")
    note("hub", "memory of an idle student's server", f"{memory:.0f} MiB", "")
    note(
        "hub",
        f"{STUDENTS} students from log-in to receipt",
        f"{total:.0f} s, {len(found)} received",
        "900 s, none lost",
    )
    assert len(found) == STUDENTS
    assert total < 900
