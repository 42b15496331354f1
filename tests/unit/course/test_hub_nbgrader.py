"""nbgrader's steps of this course, and the release of an assignment."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.hub.classroom import FIRST_ASSIGNMENT, Classroom
from course.hub.nbgrader_links import RewriteLinks
from course.hub.release import is_released, register_students, release, source_version
from course.people import Person
from crmlab.errors import CourseError

PEOPLE = {"student01": "", "2026001": "王芳"}


def test_links_lead_into_the_book() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("[RFM](term:rfm)"), new_code_cell("# [RFM](term:rfm)")])
    text, code = RewriteLinks().preprocess(notebook, {})[0].cells
    assert 'href="/book/book/glossary.html#term-rfm"' in text.source
    assert code.source == "# [RFM](term:rfm)"


def test_release_makes_the_students_version(classroom: Classroom) -> None:
    assert not is_released(FIRST_ASSIGNMENT, classroom)
    folder = release(FIRST_ASSIGNMENT)
    assert folder == classroom.exchange / "crm" / "outbound" / FIRST_ASSIGNMENT
    assert is_released(FIRST_ASSIGNMENT, classroom)
    notebook = nbformat.read(next(folder.glob("*.ipynb")), as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    for hidden in ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "](chapter:", "](term:"):
        assert hidden not in text
    assert "# 在这里写你的代码" in text
    assert not any("instructor" in cell.metadata.get("tags", []) for cell in notebook.cells)
    release(FIRST_ASSIGNMENT)  # again, over the first


def test_unknown_assignment_is_one_sentence(classroom: Classroom) -> None:
    with pytest.raises(CourseError, match="找不到作业 a99-nothing"):
        release("a99-nothing")


def test_source_version_is_stable() -> None:
    assert source_version(FIRST_ASSIGNMENT) == source_version(FIRST_ASSIGNMENT)


def test_gradebook_knows_the_students(classroom: Classroom) -> None:
    from nbgrader.api import Gradebook

    for _time in range(2):
        register_students([Person(name, title, "student", ("crm",)) for name, title in PEOPLE.items()], classroom)
    with Gradebook(f"sqlite:///{classroom.course / 'gradebook.db'}") as gradebook:
        assert {student.id: student.last_name for student in gradebook.students} == {
            "student01": "学生",
            "2026001": "王芳",
        }
