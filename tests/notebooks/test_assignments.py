"""The tests of every written assignment, tested: full marks for what is right, the right loss for what is wrong."""

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import nbformat
import numpy as np
import pandas as pd
import pytest

from course import model
from crmlab.paths import course_root
from tests.notebooks.playing import Assignment

STUDENT, FRIEND = "student01", "student02"
STUDENTS = [STUDENT, FRIEND, "20251234", "zhang.san"]
WRITTEN = {entry.id: entry for entry in model.load().assignments if entry.status == "written"}
ANSWERS = {name: importlib.import_module(f"tests.notebooks.{name[:3]}_answers") for name in WRITTEN}


class Tried(Assignment):
    """An assignment with the answers to it that are known."""

    def __init__(self, name: str) -> None:
        super().__init__(next((course_root() / "assignments" / name).glob("*.ipynb")))
        self.name, self.answers, self.entry = name, ANSWERS[name], WRITTEN[name]

    def code(self, task: str, code) -> str:
        return code(self.solution(task)) if callable(code) else code


@pytest.fixture(autouse=True)
def student(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_STUDENT_ID", STUDENT)


@pytest.fixture
def work(name: str) -> Tried:
    return tried(name)


@cache
def tried(name: str) -> Tried:
    return Tried(name)


def cases(kind: str) -> Iterator:
    for name, answers in ANSWERS.items():
        for task, rows in getattr(answers, kind).items():
            for row in rows:
                yield pytest.param(name, task, *row[1:], id=f"{task}: {row[0]}")


each = pytest.mark.parametrize("name", ANSWERS)


@pytest.mark.parametrize("who", STUDENTS)
@each
def test_reference_gets_everything(work, who, monkeypatch):
    monkeypatch.setenv("CRM_STUDENT_ID", who)
    for task, verdict in work.play({}).items():
        assert verdict.points == verdict.of, f"{task}: {verdict.told}"


@each
def test_untouched_release_gets_nothing(work):
    verdicts = work.play(dict.fromkeys(work.tasks, "raise NotImplementedError"))
    assert {task: verdict.points for task, verdict in verdicts.items()} == dict.fromkeys(work.tasks, 0.0)


@each
def test_every_task_has_enough_cases(work):
    for task in work.tasks:
        assert len(work.answers.WRONG[task]) >= 4, task
        assert len(work.answers.RIGHT[task]) >= 2, task


@pytest.mark.parametrize(("name", "task", "code", "points", "told"), cases("WRONG"))
def test_misconception_loses_its_points_and_is_named(work, task, code, points, told):
    verdict = work.try_one(task, work.code(task, code))
    assert told in verdict.told
    assert verdict.points == pytest.approx(points, abs=0.011), verdict.told
    assert verdict.points < verdict.of


@pytest.mark.parametrize(("name", "task", "code"), cases("RIGHT"))
def test_right_in_another_way_gets_everything(work, task, code):
    verdict = work.try_one(task, work.code(task, code))
    assert verdict.points == verdict.of, verdict.told


@each
def test_an_early_slip_costs_its_own_points_only(work):
    """Later tasks follow from the student's own earlier result and keep their points."""
    early, slip = work.answers.EARLY
    code = next(row[1] for row in work.answers.WRONG[early] if row[0] == slip)
    verdicts = work.play({early: work.code(early, code)})
    assert verdicts[early].points < verdicts[early].of
    assert all(verdict.points == verdict.of for task, verdict in verdicts.items() if task != early), verdicts


@each
def test_a_friends_answers_score_under_a_fifth(work, monkeypatch):
    monkeypatch.setenv("CRM_STUDENT_ID", FRIEND)
    work.play({})
    friend = work.namespace
    monkeypatch.setenv("CRM_STUDENT_ID", STUDENT)
    assert set(work.answers.PRODUCTS) == set(work.tasks)
    verdicts = work.play(
        {
            task: lambda mine, keys=keys: mine.update({key: friend[key] for key in keys})
            for task, keys in work.answers.PRODUCTS.items()
        }
    )
    earned = sum(verdict.points for verdict in verdicts.values())
    assert earned < 0.2 * sum(verdict.of for verdict in verdicts.values()), verdicts


@each
def test_hints_never_show_an_answer(work):
    """A hint is fixed text: no number of the right answer is printed beside it."""
    right = work.play({}) and work.namespace
    products = [right[name] for names in work.answers.PRODUCTS.values() for name in names]
    secrets = {text for product in products for text in telling(product)}
    assert secrets
    for task, rows in work.answers.WRONG.items():
        for _name, code, _points, _told in rows[:2]:
            told = work.try_one(task, work.code(task, code)).told
            assert not [secret for secret in secrets if secret in told]


def telling(product) -> Iterator[str]:
    """Numbers long enough that they stand in a hint only if an answer was printed."""
    if isinstance(product, pd.DataFrame | pd.Series):
        product = product.to_numpy().ravel()[:20]
    for value in np.ravel(np.asarray(list(product.values()) if isinstance(product, dict) else product, dtype=object)):
        if isinstance(value, float | np.floating) and not float(value).is_integer():
            text = f"{value:.4g}"
            if len(text.strip("-0").replace(".", "")) >= 3:
                yield text


@each
def test_the_grader_gives_the_same_points_and_feedback_shows_no_hidden_test(work, tmp_path: Path, monkeypatch):
    """What these tests measure in one process is what the grader writes into the gradebook, cell by cell."""
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path / "class"))
    from course.hub.classroom import Classroom
    from course.hub.release import nbgrader_api, release

    classroom = Classroom.here()
    classroom.create()
    released = nbformat.read(next(release(work.name).glob("*.ipynb")), as_version=4)
    answers = {
        "reference": {},
        "untouched": dict.fromkeys(work.tasks, "raise NotImplementedError"),
        "slips": {task: work.code(task, rows[0][1]) for task, rows in work.answers.WRONG.items()},
    }
    for student, chosen in answers.items():
        folder = classroom.course / "submitted" / student / work.name
        folder.mkdir(parents=True)
        submission = released.copy()
        submission.cells = [nbformat.NotebookNode(cell) for cell in released.cells]
        for cell in submission.cells if student != "untouched" else []:
            task, _, kind = cell["id"].rpartition("-")
            if kind == "solution":
                cell.source = chosen.get(task, work.solution(task))
        nbformat.write(submission, folder / work.path.name)
    api = nbgrader_api()
    assert api.autograde(work.name, "*")["success"]
    for student, chosen in answers.items():
        monkeypatch.setenv("CRM_STUDENT_ID", student)
        expected = {task: verdict.points for task, verdict in work.play(chosen).items()}
        notebook = api.gradebook.find_submission_notebook(work.path.stem, work.name, student)
        found = {
            grade.name.removesuffix("-test"): grade.auto_score for grade in notebook.grades if "test" in grade.name
        }
        assert found == pytest.approx(expected), student
    assert api.generate_feedback(work.name, "slips", force=True)["success"]
    page = next((classroom.course / "feedback" / "slips").rglob("*.html")).read_text("utf-8")
    assert work.entry.tasks[0].title in page
    for secret in ("def reference", "checks.Slip", "checks.Score", "score.compare", "score.part"):
        assert secret not in page


@each
def test_points_and_ids_are_whole(work):
    graded = [cell for cell in work.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(cell.metadata.nbgrader.points for cell in graded) == work.entry.points
    assert len({cell.metadata.nbgrader.grade_id for cell in graded}) == len(graded) == len(work.entry.tasks)
    assert nbformat.validate(nbformat.read(work.path, as_version=4)) is None


def test_answers_are_known_to_every_written_assignment():
    assert all(isinstance(answers, ModuleType) for answers in ANSWERS.values())
    assert set(ANSWERS) == {folder.name for folder in (course_root() / "assignments").iterdir() if folder.is_dir()}
