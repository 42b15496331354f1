"""Jobs of the desk: one at a time for an assignment, followed while they run, told from their files alone."""

import json
import os
import signal
import sys
from collections.abc import Callable

import psutil
import pytest

from course import grading
from course.desk import jobs
from course.hub.classroom import Classroom
from tests.desk import ASSIGNMENT
from tests.waiting import eventually

WAIT = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
(folder / "progress.jsonl").write_text('{"done": 1, "total": 3, "student": "s1"}\\n')
while not (folder / "go").exists():
    time.sleep(0.01)
with (folder / "progress.jsonl").open("a") as stream:
    stream.write('{"done": 3, "total": 3}\\n{"code": 0, "message": "", "ended": "2026-11-20T04:00:00+00:00"}\\n')
"""
SHOW = "import os; print(os.getpid(), *sorted(os.environ))"


def program(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(jobs, "PROGRAM", (sys.executable, "-c", script))


def until(classroom: Classroom, true: Callable[[jobs.Job], bool]) -> jobs.Job:
    def found() -> jobs.Job | None:
        job = jobs.latest(classroom, ASSIGNMENT)
        return job if job and true(job) else None

    return eventually(found)


def folder_of(classroom: Classroom) -> str:
    return max(str(path) for path in (classroom.hub / "jobs" / "crm" / ASSIGNMENT).glob("*-*"))


def test_a_job_is_followed_to_its_end(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, WAIT)
    assert jobs.latest(classroom, ASSIGNMENT) is None
    job, new = jobs.start(classroom, ASSIGNMENT, "feedback", "teacher")
    assert (new, job.action, job.by, job.state) == (True, "feedback", "teacher", "running")
    half = until(classroom, lambda job: job.done == 1)
    assert (half.state, half.total, half.student) == ("running", 3, "s1")
    open(f"{folder_of(classroom)}/go", "w").close()
    end = until(classroom, lambda job: job.state != "running")
    assert (end.state, end.done, end.message) == ("done", 3, "已生成并发回 3 份反馈。")


def test_a_second_start_is_shown_the_job_that_runs(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, WAIT)
    first, _new = jobs.start(classroom, ASSIGNMENT, "grade", "teacher")
    second, new = jobs.start(classroom, ASSIGNMENT, "collect", "helper")
    assert (second.action, second.by, second.began, new) == ("grade", "teacher", first.began, False)
    other, new = jobs.start(classroom, "a05-clv", "grade", "helper")
    assert (other.assignment, new) == ("a05-clv", True)
    for path in (classroom.hub / "jobs").glob("*/*/*-grade"):
        (path / "go").touch()
    until(classroom, lambda job: job.state == "done")


def test_a_job_whose_process_was_killed_is_interrupted_and_can_be_started_again(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(monkeypatch, f"import os, time; print(os.getpid(), flush=True)\n{WAIT}")
    jobs.start(classroom, ASSIGNMENT, "grade", "teacher")
    until(classroom, lambda job: job.done == 1)
    with open(f"{folder_of(classroom)}/said.txt") as said:
        os.kill(int(said.read()), signal.SIGKILL)
    job = until(classroom, lambda job: job.state != "running")
    assert job.state == "interrupted"
    assert "会接着评" in job.message
    again, new = jobs.start(classroom, ASSIGNMENT, "grade", "teacher")
    assert (again.state, new) == ("running", True)
    open(f"{folder_of(classroom)}/go", "w").close()
    until(classroom, lambda job: job.state == "done")


def test_a_job_gets_none_of_the_hubs_tokens_and_its_files_are_private(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    program(monkeypatch, SHOW)
    jobs.start(classroom.of("crm-2"), ASSIGNMENT, "collect", "teacher")
    place = classroom.hub / "jobs" / "crm-2" / ASSIGNMENT
    (said,) = place.glob("*/said.txt")
    names = eventually(said.read_text).split()
    assert "CRM_SECTION" in names
    assert not [name for name in names if name.startswith("JUPYTERHUB_")]
    assert {path.stat().st_mode & 0o077 for path in place.rglob("*")} == {0}


def test_a_commands_error_is_told_as_it_is_in_a_terminal(classroom: Classroom) -> None:
    jobs.start(classroom, "a99-nothing", "release", "teacher")
    eventually(lambda: (job := jobs.latest(classroom, "a99-nothing")) and job.state != "running")
    job = jobs.latest(classroom, "a99-nothing")
    assert job is not None
    assert job.state == "failed"
    assert job.message.startswith("找不到作业 a99-nothing：")


def test_old_jobs_are_cleared_away(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "")
    monkeypatch.setattr(jobs, "KEPT", 2)
    for _time in range(4):
        jobs.start(classroom, ASSIGNMENT, "collect", "teacher")
        until(classroom, lambda job: job.state == "interrupted")
    assert len(list((classroom.hub / "jobs" / "crm" / ASSIGNMENT).glob("*-collect"))) == 3


@pytest.mark.parametrize(
    ("told", "state", "message"),
    [
        ({"counts": {"graded": 3, "entered": 0, "unchanged": 0}, "code": 0}, "done", "评分完成：新评 3 份。"),
        (
            {"counts": {"graded": 1, "unchanged": 2}, "failed": {"s1": "坏了"}, "look": {"s2": ["看"]}, "code": 1},
            "failed",
            "评分完成：新评 1 份，没有变化 2 份，需要人看 1 份，没有评成 1 份。",
        ),
        ({"code": 1, "message": "没有隔离。"}, "failed", "没有隔离。"),
        ({"done": 2, "total": 3}, "interrupted", "评分中断了。已评好的都保存着：再按一次“评分”，会接着评。"),
    ],
)
def test_the_end_of_a_grading_in_words(classroom: Classroom, told: dict, state: str, message: str) -> None:
    folder = classroom.hub / "jobs" / "crm" / ASSIGNMENT / "20261120T040000.000000-grade"
    folder.mkdir(parents=True)
    about = {"assignment": ASSIGNMENT, "action": "grade", "by": "teacher", "began": "2026-11-20T04:00:00+00:00"}
    (folder / "job.json").write_text(json.dumps(about))
    ending = {"ended": "2026-11-20T04:01:00+00:00"} if "code" in told else {}
    (folder / "progress.jsonl").write_text(json.dumps(told | ending) + "\n{half a li")
    job = jobs.latest(classroom, ASSIGNMENT)
    assert job is not None
    assert (job.state, job.message) == (state, message)


def test_commands_tell_their_progress_to_the_desk_only_when_it_asks(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(jobs.PROGRESS, raising=False)
    with grading._bar("评分") as tick:
        tick("s1", 1, 2)
    assert "评分 1/2" in capsys.readouterr().err
    monkeypatch.setenv(jobs.PROGRESS, str(tmp_path / "progress"))
    with grading._bar("评分") as tick:
        tick("s1", 1, 2)
    assert json.loads((tmp_path / "progress").read_text()) == {"student": "s1", "done": 1, "total": 2}
    assert capsys.readouterr().err == ""


def test_a_job_that_has_told_its_end_is_in_nobodys_way_though_its_process_is_still_there(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine, where Python takes seconds to go."""
    program(
        monkeypatch,
        "import os, sys, time; from pathlib import Path; from course.desk.work import main\n"
        "main(Path(sys.argv[1])); Path(sys.argv[1], 'there').write_text(str(os.getpid())); time.sleep(600)",
    )
    jobs.start(classroom, ASSIGNMENT, "collect", "teacher")
    until(classroom, lambda job: job.state != "running")
    (there,) = eventually(lambda: list(classroom.hub.rglob("there")))
    process = psutil.Process(int(eventually(there.read_text)))
    program(monkeypatch, "pass")
    try:
        _job, new = jobs.start(classroom, ASSIGNMENT, "collect", "teacher")
        assert new
        assert process.is_running()
    finally:
        process.kill()
