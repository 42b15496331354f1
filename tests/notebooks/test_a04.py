"""The tests of a04-segmentation, tested: full marks for what is right, the right loss for what is wrong."""

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.a04_answers import RIGHT, WRONG
from tests.notebooks.playing import Assignment

STUDENT, FRIEND = "student01", "student02"


@pytest.fixture(autouse=True)
def student(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_STUDENT_ID", STUDENT)


@pytest.fixture(scope="module")
def a04() -> Assignment:
    return Assignment("a04-segmentation/segmentation.ipynb")


def cases(answers: dict[str, list[tuple]]) -> Iterator:
    for task, rows in answers.items():
        for row in rows:
            yield pytest.param(task, *row[1:], id=f"{task}: {row[0]}")


def code_of(a04: Assignment, task: str, code) -> str:
    return code(a04.solution(task)) if callable(code) else code


@pytest.mark.parametrize("who", [STUDENT, FRIEND, "20251234", "zhang.san"])
def test_reference_gets_everything(a04, who, monkeypatch):
    monkeypatch.setenv("CRM_STUDENT_ID", who)
    for task, verdict in a04.play({}).items():
        assert verdict.points == verdict.of, f"{task}: {verdict.told}"


def test_untouched_release_gets_nothing(a04):
    stub = "raise NotImplementedError"
    verdicts = a04.play(dict.fromkeys(a04.tasks, stub))
    assert {task: verdict.points for task, verdict in verdicts.items()} == dict.fromkeys(a04.tasks, 0.0)


def test_every_task_has_enough_cases(a04):
    for task in a04.tasks:
        assert len(WRONG[task]) >= 4, task
        assert len(RIGHT[task]) >= 2, task


@pytest.mark.parametrize(("task", "code", "points", "told"), cases(WRONG))
def test_misconception_loses_its_points_and_is_named(a04, task, code, points, told):
    verdict = a04.play({task: code_of(a04, task, code)}, until=task)[task]
    assert told in verdict.told
    assert verdict.points == pytest.approx(points, abs=0.011), verdict.told
    assert verdict.points < verdict.of


@pytest.mark.parametrize(("task", "code"), cases(RIGHT))
def test_right_in_another_way_gets_everything(a04, task, code):
    verdict = a04.play({task: code_of(a04, task, code)}, until=task)[task]
    assert verdict.points == verdict.of, verdict.told


def test_an_early_slip_costs_its_own_points_only(a04):
    """Orders counted with returned goods: later tasks follow from the student's own purchases and keep their points."""
    code = WRONG["a04-1"][3][1]
    verdicts = a04.play({"a04-1": code_of(a04, "a04-1", code)})
    assert verdicts["a04-1"].points < verdicts["a04-1"].of
    assert all(verdict.points == verdict.of for task, verdict in verdicts.items() if task != "a04-1"), verdicts


def test_a_friends_answers_score_under_a_fifth(a04, monkeypatch):
    names = {
        "a04-1": ["purchases"],
        "a04-2": ["rfm_table"],
        "a04-3": ["scores", "segments"],
        "a04-4": ["abc", "top20_share", "gini"],
        "a04-5": ["tier", "tier_table"],
        "a04-6": ["k", "clusters", "silhouette", "profile"],
    }
    monkeypatch.setenv("CRM_STUDENT_ID", FRIEND)
    a04.play({})
    friend = a04.namespace
    monkeypatch.setenv("CRM_STUDENT_ID", STUDENT)
    verdicts = a04.play(
        {task: lambda mine, keys=keys: mine.update({key: friend[key] for key in keys}) for task, keys in names.items()}
    )
    earned = sum(verdict.points for verdict in verdicts.values())
    assert earned < 0.2 * sum(verdict.of for verdict in verdicts.values()), verdicts


def test_hints_never_show_an_answer(a04):
    """A hint is fixed text: no number of the right answer is printed beside it."""
    for task, rows in WRONG.items():
        for _, code, _, _ in rows[:2]:
            told = a04.play({task: code_of(a04, task, code)}, until=task)[task].told
            right = a04.namespace["right"]
            assert f"{right.rfm['monetary'].sum():.0f}" not in told


def test_the_grader_gives_the_same_points_and_feedback_shows_no_hidden_test(a04, tmp_path: Path, monkeypatch):
    """What these tests measure in one process is what the grader writes into the gradebook, cell by cell."""
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path / "class"))
    from course.hub.classroom import Classroom
    from course.hub.release import nbgrader_api, release

    classroom = Classroom.here()
    classroom.create()
    released = nbformat.read(next(release("a04-segmentation").glob("*.ipynb")), as_version=4)
    answers = {
        "reference": {},
        "untouched": dict.fromkeys(a04.tasks, "raise NotImplementedError"),
        "slips": {task: code_of(a04, task, rows[0][1]) for task, rows in WRONG.items()},
    }
    for student, chosen in answers.items():
        folder = classroom.course / "submitted" / student / "a04-segmentation"
        folder.mkdir(parents=True)
        submission = released.copy()
        submission.cells = [nbformat.NotebookNode(cell) for cell in released.cells]
        for cell in submission.cells if student != "untouched" else []:
            task, _, kind = cell["id"].rpartition("-")
            if kind == "solution":
                cell.source = chosen.get(task, a04.solution(task))
        nbformat.write(submission, folder / a04.path.name)
    api = nbgrader_api()
    assert api.autograde("a04-segmentation", "*")["success"]
    for student, chosen in answers.items():
        monkeypatch.setenv("CRM_STUDENT_ID", student)
        expected = {task: verdict.points for task, verdict in a04.play(chosen).items()}
        notebook = api.gradebook.find_submission_notebook("segmentation", "a04-segmentation", student)
        found = {
            grade.name.removesuffix("-test"): grade.auto_score for grade in notebook.grades if "test" in grade.name
        }
        assert found == pytest.approx(expected), student
    assert api.generate_feedback("a04-segmentation", "slips", force=True)["success"]
    page = next((classroom.course / "feedback" / "slips").rglob("*.html")).read_text("utf-8")
    assert "recency" in page
    for secret in ("adjusted_rand_score", "own_purchases", "def reference", "checks.Slip"):
        assert secret not in page


def test_points_and_ids_are_whole(a04):
    graded = [cell for cell in a04.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(cell.metadata.nbgrader.points for cell in graded) == 25
    assert len({cell.metadata.nbgrader.grade_id for cell in graded}) == len(graded) == 7
    assert nbformat.validate(nbformat.read(a04.path, as_version=4)) is None
    assert "CRM_STUDENT_ID" in os.environ
