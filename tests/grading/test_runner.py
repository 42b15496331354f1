"""What is graded again and what is not; how much is in hand; what is told."""

import json
import re
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from autograder import runner
from autograder.records import Record
from autograder.sandbox.house import SandboxError
from autograder.session import HouseError, Job
from crmlab.errors import CourseError
from tests.grading.conftest import RIGHT
from tests.grading.tiny import ASSIGNMENT, Fake, TinyClass, fake_record, source


def names(records: list[Record]) -> list[str]:
    return sorted(record.student for record in records)


def test_first_run_grades_all_and_second_none(school: TinyClass):
    first = school.grade(Fake())
    assert names(first.graded) == sorted(RIGHT)
    school.assert_finished(RIGHT)
    second, idle = school.grade(backend := Fake()), backend
    assert (names(second.graded), names(second.entered), names(second.unchanged)) == ([], [], sorted(RIGHT))
    assert idle.submitted == []


def test_changed_submission_alone_is_graded_again(school: TinyClass):
    school.grade(Fake())
    school.hand_in("student02")
    again = school.grade(Fake())
    assert names(again.graded) == ["student02"]
    assert names(again.unchanged) == ["student01", "student03", "student04"]
    assert school.marks()["student02"] == {"one-test": 2, "two-test": 1, "memo": None}


def test_return_to_an_earlier_version_enters_its_record_without_running_it(school: TinyClass):
    """Both versions have the same scores: only the notebook tells them apart."""
    school.grade(Fake())
    first = school.notebook("student01").read_bytes()
    school.hand_in("student01", memo="换一种说法")
    school.grade(Fake())
    assert school.notebook("student01").read_bytes() != first
    school.hand_in("student01", when="2026-11-23 09:30:00.000000 UTC")
    again = school.grade(backend := Fake())
    assert (names(again.entered), backend.submitted) == (["student01"], [])
    assert school.notebook("student01").read_bytes() == first
    assert (school.notebook("student01").parent / "timestamp.txt").read_text().startswith("2026-11-23")


@pytest.mark.parametrize("changed", ["data_version", "environment"])
def test_changed_data_or_environment_grades_all_again(school: TinyClass, changed: str, monkeypatch: pytest.MonkeyPatch):
    school.grade(Fake())
    monkeypatch.setattr(runner, changed, lambda: "another")
    assert names(school.grade(Fake()).graded) == sorted(RIGHT)
    school.assert_finished(RIGHT, records=2)


def test_changed_tests_grade_all_again(school: TinyClass):
    school.grade(Fake())
    assert names(school.grade(Fake(), source=source(base=3)).graded) == sorted(RIGHT)


def test_changed_prose_grades_nobody_again(school: TinyClass):
    school.grade(Fake())
    assert names(school.grade(Fake(), source=source(memo="另一份参考答案")).graded) == []


def test_force_grades_again_what_is_recorded(school: TinyClass):
    school.grade(Fake())
    assert names(school.grade(Fake(), force=True, students=["student03"]).graded) == ["student03"]
    school.assert_finished(RIGHT)


@pytest.mark.parametrize("workers", [1, 3])
def test_jobs_in_hand_are_bounded(workers: int):
    made = 0

    def jobs() -> Any:
        nonlocal made
        while made < 40:
            made += 1
            yield made

    taken = 0
    for _outcome in runner._stream(jobs(), _Counting(workers)):  # type: ignore[arg-type]
        assert made - taken <= 2 * workers
        taken += 1
    assert (made, taken) == (40, 40)


class _Counting(Fake):
    def submit(self, job: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(job)
        return future


def test_a_job_that_fails_is_reported_and_the_batch_goes_on(school: TinyClass):
    def judge(job: Job) -> Record:
        if job.student == "student02":
            raise HouseError("隔离环境没有打开。")
        return fake_record(job)

    summary = school.grade(Fake(judge=judge))
    assert summary.failed == {"student02": "隔离环境没有打开。"}
    assert names(summary.graded) == ["student01", "student03", "student04"]
    assert names(school.grade(Fake()).graded) == ["student02"]
    school.assert_finished(RIGHT)


def test_no_walls_stop_the_batch_at_once(school: TinyClass):
    def judge(job: Job) -> Record:
        raise SandboxError("建不起隔离环境")

    with pytest.raises(SandboxError, match="建不起隔离环境"):
        school.grade(backend := Fake(1, judge=judge))
    assert len(backend.submitted) <= 2
    assert school.records() == {}


def test_progress_is_told_once_for_each_student(school: TinyClass):
    school.grade(Fake(), students=["student01", "student02"])
    calls: list[tuple[str, int, int]] = []
    school.grade(Fake(), progress=lambda *call: calls.append(call))
    assert sorted(call[0] for call in calls) == sorted(RIGHT)
    assert [call[1:] for call in calls] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_summary_holds_no_notebooks(school: TinyClass):
    assert all(record.document == {} for record in school.grade(Fake()).records)
    assert all(record.document == {} for record in school.grade(Fake()).records)


def test_nobody_handed_in_is_told(tmp_path):
    with pytest.raises(CourseError, match="还没有收到提交"):
        TinyClass(tmp_path).grade(Fake())


def test_a_cut_off_notebook_scores_zero_until_it_comes_whole(school: TinyClass):
    whole = school.hand_in("student01").read_bytes()
    place = school.hand_in("student01")
    place.write_bytes(whole[: len(whole) // 2])
    cut = school.grade(Fake())
    assert [record.score for record in cut.records] == [0, 1, 2, 3]
    assert names(cut.look) == ["student01"]
    place.write_bytes(whole)
    school.grade(Fake())
    assert school.marks()["student01"] == {"one-test": 2, "two-test": 1, "memo": None}


def test_outcome_of_a_worker_is_a_record_as_json(school: TinyClass, monkeypatch: pytest.MonkeyPatch):
    job = runner.make_job(school.desk, ASSIGNMENT, "student02", source(), runner.Limits())
    monkeypatch.setattr(runner, "grade", lambda job, house, patient: fake_record(job))
    record = msgspec.json.decode(runner.grade_job(job, house=object()), type=Record)  # type: ignore[arg-type]
    assert (record.student, record.score) == ("student02", 1)


def test_a_machine_that_breaks_down_is_tried_three_times(school: TinyClass, monkeypatch: pytest.MonkeyPatch):
    """The last time without patience: a submission that makes the machine kill it gets its score."""
    job = runner.make_job(school.desk, ASSIGNMENT, "student01", source(), runner.Limits())
    tries: list[bool] = []

    def grade(job: Job, house: Any, patient: bool) -> Record:
        tries.append(patient)
        if patient:
            raise HouseError("被杀死了")
        return fake_record(job)

    monkeypatch.setattr(runner, "grade", grade)
    assert json.loads(runner.grade_job(job, house=object()))["student"] == "student01"  # type: ignore[arg-type]
    assert tries == [True, True, False]


def test_a_worker_with_another_version_refuses(school: TinyClass, monkeypatch: pytest.MonkeyPatch):
    job = runner.make_job(school.desk, ASSIGNMENT, "student01", source(), runner.Limits())
    monkeypatch.setattr(runner, "environment", lambda: "another")
    with pytest.raises(CourseError, match=re.escape("课程版本与发起评分的机器不同")):
        runner.grade_job(job)
