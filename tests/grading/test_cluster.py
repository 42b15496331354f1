"""A real Dask scheduler with two real workers: same scores as here, nothing lost when one of them dies."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder import runner
from autograder.cluster import Cluster
from autograder.runner import Backend
from autograder.session import Job
from crmlab.errors import CourseError
from crmlab.paths import course_root
from tests.grading.conftest import RIGHT
from tests.grading.tiny import ASSIGNMENT, LIMITS, TinyClass, source
from tests.waiting import eventually


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def dask(*arguments: str, **environment: str) -> Iterator[psutil.Process]:
    """A process of Dask's that ends with its children."""
    quiet = {"DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False"}
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        cwd=course_root(), env={**os.environ, **quiet, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    whole = psutil.Process(process.pid)
    try:
        yield whole
    finally:
        for one in [*whole.children(recursive=True), whole] if whole.is_running() else []:
            one.kill()
        process.wait()


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    """The address of a scheduler without workers."""
    port = free_port()
    with dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"):
        yield f"tcp://127.0.0.1:{port}"


def worker(address: str, **environment: str) -> Any:
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
    return dask("worker", address, *options, **environment)


@contextmanager
def connected(address: str, workers: int) -> Iterator[Cluster]:
    """A backend, as soon as so many workers are there."""

    def there() -> Cluster | None:
        try:
            found = Cluster(address)
        except CourseError:
            return None
        if found.workers == workers:
            return found
        found.close()
        return None

    backend = eventually(there)
    yield backend
    backend.close()


def test_a_scheduler_without_workers_is_told(empty: str):
    with pytest.raises(CourseError, match="还没有评分机") as caught:
        eventually(lambda: Cluster(empty) if _answers(empty) else None)
    assert len(str(caught.value)) < 300


def _answers(address: str) -> bool:
    host, port = address.removeprefix("tcp://").split(":")
    with socket.socket() as one:
        return one.connect_ex((host, int(port))) == 0


def test_two_workers_give_the_scores_of_this_machine_and_a_killed_one_takes_nothing_along(
    empty: str, school: TinyClass, rooms: Backend
):
    for number in range(5, 9):
        school.hand_in(f"student{number:02}", x="(__import__('time').sleep(0.4), base + 1)[1]")
    right = RIGHT | {f"student{number:02}": (2, 1) for number in range(5, 9)}
    with worker(empty) as victim, worker(empty), connected(empty, 2) as backend:

        def kill(student: str, done: int, total: int) -> None:
            if done == 2:
                house = [one.pid for one in victim.children(recursive=True)]
                assert house, "this worker has graded too"
                victim.kill()
                eventually(lambda: not any(psutil.pid_exists(one) and _lives(one) for one in house))

        summary = school.grade(backend, progress=kill)
        assert (summary.failed, len(summary.graded)) == ({}, 8)
        school.assert_finished(right)
        assert not school.grade(backend).graded
    here = school.grade(rooms, force=True)
    assert {record.student: record.score for record in here.graded} == {
        record.student: record.score for record in summary.graded
    }
    assert {record.student: record.cells[0].cell for record in summary.graded} == dict.fromkeys(right, "data")


def _lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_workers_with_another_version_are_told(empty: str, tmp_path: Path):
    """This worker finds another course at the place that it takes for the course's."""
    with worker(empty, CRM_COURSE_ROOT=str(tmp_path)), pytest.raises(CourseError, match="版本与这台机器不同") as caught:
        eventually(lambda: _refused(empty))
    assert len(str(caught.value)) < 400


def _refused(address: str) -> Cluster | None:
    """Raises what a cluster with workers has to say."""
    try:
        return Cluster(address)
    except CourseError as error:
        if "还没有评分机" in str(error):
            return None
        raise


def test_a_scheduler_that_dies_is_told_for_what_was_in_hand(school: TinyClass):
    school.hand_in("student01", x="(__import__('time').sleep(5), base + 1)[1]")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard") as scheduler:  # noqa: SIM117
        with worker(address), connected(address, 1) as backend:
            job = runner.make_job(school.desk, ASSIGNMENT, "student01", source(), LIMITS)
            future = backend.submit(job)
            scheduler.kill()
            error = future.exception(timeout=120)
    assert isinstance(error, CourseError)
    assert "连接断了" in str(error)


def test_a_scheduler_out_of_reach_is_told_without_the_password():
    with pytest.raises(CourseError, match="连不上 Dask 调度器") as caught:
        Cluster(f"tcp://teacher:gEheim77@127.0.0.1:{free_port()}")
    assert "gEheim77" not in str(caught.value)
    with pytest.raises(CourseError, match=r"连不上 Dask 调度器 127\.0\.0\.1:"):
        Cluster(f"127.0.0.1:{free_port()}")
    with pytest.raises(CourseError, match="连不上 Dask 调度器"):
        Cluster("nonsense://" + "x" * 1000)


def test_the_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CourseError, match=re.escape("pip install '.[cluster]'")):
        Cluster("tcp://127.0.0.1:8786")


def test_words_of_a_broken_worker_are_bounded():
    backend = object.__new__(Cluster)
    told = backend._told(RuntimeError("x" * 10_000))
    assert isinstance(told, CourseError)
    assert len(str(told)) < 300


def test_a_job_travels_as_it_is(school: TinyClass):
    from distributed.protocol import deserialize, serialize

    job = runner.make_job(school.desk, ASSIGNMENT, "student01", source(), LIMITS)
    back: Job = deserialize(*serialize(job))
    assert back == job
