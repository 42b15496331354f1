"""The gradebook says what nbgrader's own steps would have said, and a person's marks are never lost."""

import json
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import pytest
from nbgrader.api import Comment, Grade, MissingEntry
from nbgrader.api import Gradebook as Book
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import compute_checksum
from traitlets.config import Config

from autograder import runner
from autograder.contract import STUBS
from autograder.gradebook import Gradebook, GradebookError
from autograder.records import Record
from autograder.session import Job
from tests.grading.conftest import RIGHT
from tests.grading.tiny import ASSIGNMENT, NOTEBOOK, Fake, TinyClass, fake_record, source


def rows(school: TinyClass) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Grades and comments in the gradebook by student and cell."""
    with Book(school.db_url) as book:
        grades = {
            (grade.notebook.student.id, grade.name): (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for grade in book.db.query(Grade)
        }
        comments = {(c.notebook.student.id, c.name): c.auto_comment for c in book.db.query(Comment)}
        return grades, comments


def released(document: dict[str, Any]) -> dict[str, Any]:
    """As in a release: solution cells carry the checksum of their stub."""
    document = json.loads(json.dumps(document))
    for raw in document["cells"]:
        known = raw["metadata"].get("nbgrader", {})
        if known.get("solution"):
            answer, raw["source"] = raw["source"], STUBS["python" if raw["cell_type"] == "code" else "markdown"]
            known["checksum"] = compute_checksum(nbformat.from_dict(raw))
            raw["source"] = answer
    return document


def test_grades_and_comments_equal_nbgraders_own(school: TinyClass, tmp_path: Path):
    """nbgrader's SaveAutoGrades, run on the same executed notebooks into another gradebook, writes the same rows."""
    school.hand_in("student02", x="7", memo=STUBS["markdown"])

    def with_score_shown(job: Job) -> Record:
        record = fake_record(job)
        document = released(record.document)
        for test in record.tests:
            (raw,) = (raw for raw in document["cells"] if raw["id"] == test.cell)
            shown = {"text/plain": f"{test.score:g}"}
            raw["outputs"] = [{"output_type": "execute_result", "data": shown, "metadata": {}, "execution_count": None}]
        return msgspec.structs.replace(record, document=document)

    school.grade(Fake(judge=with_score_shown))
    other = TinyClass(tmp_path / "other")
    other.register()
    with Book(other.db_url) as book:
        for student in RIGHT:
            book.add_student(student)
            book.add_submission(ASSIGNMENT, student)
    for student in RIGHT:
        resources = {
            "nbgrader": {"student": student, "assignment": ASSIGNMENT, "notebook": NOTEBOOK, "db_url": other.db_url}
        }
        document = nbformat.from_dict(json.loads(school.notebook(student).read_bytes()))
        SaveAutoGrades(config=Config()).preprocess(document, resources)
    ours, nbgraders = rows(school), rows(other)
    assert ours[0] == nbgraders[0]
    assert ours[1].keys() == nbgraders[1].keys()
    assert {key for key, said in ours[1].items() if said} == {key for key, said in nbgraders[1].items() if said}
    assert {said for said in ours[1].values() if said} == {"没有作答。"}


def test_an_emptied_answer_is_no_answer_either(school: TinyClass):
    school.hand_in("student01", memo=" ")
    school.grade(Fake())
    _grades, comments = rows(school)
    assert {key for key, said in comments.items() if said} == {("student01", "memo")}


def test_written_answers_wait_for_a_person_and_tests_do_not(school: TinyClass):
    school.grade(Fake())
    grades, _comments = rows(school)
    assert {grade[2] for (_student, name), grade in grades.items() if name == "memo"} == {True}
    assert {grade[2] for (_student, name), grade in grades.items() if name != "memo"} == {False}


def test_a_doubtful_test_waits_for_a_person(school: TinyClass):
    def judge(job: Job) -> Record:
        record = fake_record(job)
        record.tests[0].fault = "检查这个答案时评分进程意外结束。"
        return record

    school.grade(Fake(judge=judge), students=["student01"])
    grades, _comments = rows(school)
    assert grades["student01", "one-test"][2] is True
    assert grades["student01", "two-test"][2] is False


def test_a_mark_by_hand_stays_while_the_answer_stays(school: TinyClass):
    school.grade(Fake())
    school.mark_by_hand("student01", "memo", 2.5)
    school.grade(Fake(), force=True)
    assert rows(school)[0]["student01", "memo"][1] == 2.5
    assert not list(school.desk.records.rglob("superseded-marks.jsonl"))


def test_a_mark_for_another_answer_is_put_out_of_force_and_kept(school: TinyClass):
    school.grade(Fake())
    school.mark_by_hand("student01", "memo", 2.5)
    school.mark_by_hand("student02", "memo", 3)
    school.hand_in("student01", memo="改过的回答")
    school.grade(Fake())
    grades, _comments = rows(school)
    assert grades["student01", "memo"] == (None, None, True)
    assert grades["student02", "memo"][1] == 3
    (kept,) = school.desk.records.rglob("superseded-marks.jsonl")
    assert kept.parent.name == "student01"
    assert [json.loads(line)["marks"] for line in kept.read_text().splitlines()] == [{"memo": 2.5}]


def test_a_mark_on_a_test_ends_when_any_answer_changes(school: TinyClass):
    school.grade(Fake())
    school.mark_by_hand("student02", "one-test", 1)
    school.hand_in("student02", x="8")
    school.grade(Fake())
    assert rows(school)[0]["student02", "one-test"][:2] == (0, None)


def test_submission_time_is_the_exchanges(school: TinyClass):
    school.hand_in("student01", when="2031-01-02 03:04:05.000000 UTC")
    school.grade(Fake())
    with Book(school.db_url) as book:
        assert book.find_submission(ASSIGNMENT, "student01").timestamp.isoformat() == "2031-01-02T03:04:05"


def test_it_knows_the_assignment_only_with_these_points(school: TinyClass):
    book = Gradebook(school.db_url, school.desk.course)
    assert book.knows(ASSIGNMENT, source())
    assert not book.knows("t02", source())
    with Book(school.db_url) as other:
        other.find_grade_cell("one-test", NOTEBOOK, ASSIGNMENT).max_score = 5
        other.db.commit()
    assert not book.knows(ASSIGNMENT, source())
    book.close()


def test_an_assignment_that_is_not_registered_is_told_and_the_record_kept(school: TinyClass):
    school.database.unlink()
    with pytest.raises(GradebookError, match="会先登记题目，再补写成绩"):
        school.grade(Fake())
    assert len(school.records()) == 4
    assert not school.database.exists() or school.database.stat().st_size == 0
    school.database.unlink(missing_ok=True)
    school.register()
    entered = school.grade(backend := Fake()).entered
    assert {record.student for record in entered} == set(RIGHT)
    assert backend.submitted == []
    school.assert_finished(RIGHT)


def test_a_submission_with_a_broken_write_is_not_in_the_gradebook(school: TinyClass):
    """One transaction: all of a submission or nothing of it."""

    def judge(job: Job) -> Record:
        record = fake_record(job)
        record.tests[1].score = {}  # type: ignore[assignment]  # no database takes this
        return record

    book = Gradebook(school.db_url, school.desk.course, patience=0)
    job = runner.make_job(school.desk, ASSIGNMENT, "student01", source(), runner.Limits())
    with pytest.raises(GradebookError):
        book.write(judge(job), lambda marks: None)
    book.close()
    with Book(school.db_url) as other, pytest.raises(MissingEntry):
        other.find_submission(ASSIGNMENT, "student01")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://teacher:gEheim77@127.0.0.1:1/marks",
        "mysqlx://teacher:gEheim77@host/marks",
        "postgresql+psycopg//teacher:gEheim77",
        "postgresql+psycopg://teacher:gEheim77@127.0.0.1:1/marks?gEheim77=1",
    ],
)
def test_no_password_in_a_message(tmp_path: Path, address: str):
    school = TinyClass(tmp_path, address, patience=0)
    school.hand_in("student01")
    with pytest.raises(GradebookError) as caught:
        school.grade(Fake())
    assert "gEheim77" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert caught.value.__suppress_context__
