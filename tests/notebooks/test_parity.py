"""For honest work the grader of this course and nbgrader's own give the same, cell by cell."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbgrader.converters.autograde import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade
from traitlets.config import Config

from course.hub.classroom import FIRST_SECTION, Classroom
from tests.notebooks.a04_answers import RIGHT, WRONG
from tests.notebooks.playing import Assignment

ASSIGNMENT, NOTEBOOK = "a04-segmentation", "segmentation"
MEMO = "a04-7-memo"


class Cell(NamedTuple):
    """What a gradebook says about one graded cell, or about the comment on an answer."""

    score: float | None
    most: float | None
    by_hand: bool
    commented: bool


# --- the class ---------------------------------------------------------------------------------------------------


def answers_of_a_class(a04: Assignment) -> dict[str, dict[str, str]]:
    """By student the answers by task: every right one that a04 knows and a wrong one of each task.

    CRM_EVERY_CASE takes every wrong one.

    Not here: a student who gives a name of the tests (``AS_OF``) another meaning. nbgrader's tests then count with the
    student's value and give 0; here they count with their own.
    """

    def whole(task: str, code: Any) -> str:
        return code(a04.solution(task)) if callable(code) else code

    reference = {task: a04.solution(task) for task in a04.tasks}
    answers = {"untouched": {}, "reference": {**reference, MEMO: "先保持 VIP：他们 20 % 的人占了 60 % 的钱。"}}
    for n in range(max(map(len, RIGHT.values()))):
        answers[f"right{n}"] = {task: whole(task, rows[n % len(rows)][1]) for task, rows in RIGHT.items()}
    for n in range(max(map(len, WRONG.values())) if os.environ.get("CRM_EVERY_CASE") else 1):
        answers[f"wrong{n}"] = {task: whole(task, rows[n % len(rows)][1]) for task, rows in WRONG.items()}
    answers["late-crash"] = {**reference, "a04-1": f"{reference['a04-1']}\n1 / 0"}
    answers["early-crash"] = {**reference, "a04-1": "purchases = shop.order"}
    answers["some-missing"] = {task: reference[task] for task in ("a04-1", "a04-2", "a04-4", "a04-6")}
    return answers


def hand_in(classroom: Classroom, released: Path, student: str, answers: dict[str, str]) -> None:
    """The released notebook with these answers, and with cells of the student's own among them."""
    notebook = nbformat.read(released, as_version=4)
    cells = []
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        answer = answers.get(grade_id.removesuffix("-solution"))
        if answer is not None and not grade_id.endswith("-test"):
            cell.source = answer
        cells.append(cell)
        if student == "reference":
            cells.append(nbformat.v4.new_code_cell("import math\nprint(f'{math.tau:.3f}')\n_"))
            cells.append(nbformat.v4.new_markdown_cell("我的笔记"))
    notebook.cells = cells
    folder = classroom.course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{NOTEBOOK}.ipynb")
    (folder / "timestamp.txt").write_text("2025-10-08 08:00:00.000000 UTC")


# --- two ways to grade it ----------------------------------------------------------------------------------------


class ExecuteAsStudent(Execute):
    """nbgrader's own step; a student's data are told by an environment variable."""

    def preprocess(self, nb: Any, resources: Any, *args: Any, **kwargs: Any) -> Any:
        with variable("CRM_STUDENT_ID", resources["nbgrader"]["student"]):
            return super().preprocess(nb, resources, *args, **kwargs)


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        yield


def grade_with_stock_nbgrader(classroom: Classroom) -> None:
    config = Config()
    config.CourseDirectory.course_id = FIRST_SECTION
    config.CourseDirectory.root = str(classroom.course)
    config.CourseDirectory.db_url = classroom.db_url
    config.CourseDirectory.assignment_id = ASSIGNMENT
    config.Autograde.autograde_preprocessors = [
        ExecuteAsStudent if step is Execute else step for step in Autograde.autograde_preprocessors.default()
    ]
    config.Execute.timeout = 120
    Autograde(coursedir=CourseDirectory(config=config), config=config).start()


def gradebook(classroom: Classroom) -> dict[tuple[str, str], Cell]:
    """By student and cell."""
    from nbgrader.api import Gradebook

    with Gradebook(classroom.db_url) as book:
        found = {}
        for notebook in book.notebook_submissions(NOTEBOOK, ASSIGNMENT):
            for grade in notebook.grades:
                score = (grade.auto_score, grade.max_score, grade.needs_manual_grade, False)
                found[notebook.student.id, grade.name] = Cell(*score)
            for comment in notebook.comments:
                key = notebook.student.id, f"{comment.name} (comment)"
                found[key] = Cell(None, None, False, comment.auto_comment is not None)
        return found


def warned(classroom: Classroom) -> set[tuple[str, str]]:
    """Tests to which nbgrader gave 0 because something warned on stderr: its fault, and no measure of ours."""
    cells = set()
    for file in (classroom.course / "autograded").glob(f"*/{ASSIGNMENT}/{NOTEBOOK}.ipynb"):
        for cell in nbformat.read(file, as_version=4).cells:
            if is_grade(cell) and any(output.get("name") == "stderr" for output in cell.get("outputs", [])):
                cells.add((file.parts[-3], cell.metadata.nbgrader.grade_id))
    return cells


@pytest.mark.timeout(900)
def test_every_cell_gets_what_plain_nbgrader_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path / "ours"))
    from course.grading import grade
    from course.hub.release import release

    ours = Classroom.here()
    ours.create()
    released = release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb"
    answers = answers_of_a_class(Assignment(f"{ASSIGNMENT}/{NOTEBOOK}.ipynb"))
    for student, chosen in answers.items():
        hand_in(ours, released, student, chosen)
    stock = Classroom(tmp_path / "stock")
    shutil.copytree(ours.folder, stock.folder, symlinks=True)

    summary = grade(ASSIGNMENT, classroom=ours)
    assert not summary.failed
    grade_with_stock_nbgrader(stock)

    mine, theirs, left_out = gradebook(ours), gradebook(stock), warned(stock)
    assert mine.keys() == theirs.keys()
    assert {student for student, _cell in mine} == answers.keys()
    compared = mine.keys() - left_out
    print(f"{len(compared)} cells of {len(answers)} students compared, {len(left_out)} left out")
    assert {key: (mine[key], theirs[key]) for key in compared if mine[key] != theirs[key]} == {}
    assert "CRM_STUDENT_ID" not in os.environ or os.environ["CRM_STUDENT_ID"] not in answers
    scores = {cell.score for (_student, name), cell in mine.items() if name.endswith("-test")}
    assert len(scores) >= 10  # many kinds of partial credit are among them
    assert left_out == set()
