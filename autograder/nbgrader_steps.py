"""What this course puts in the place of nbgrader's own steps. Switched on in ``nbgrader_config.py``."""

import glob
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbgrader.apps.api
import nbgrader.apps.autogradeapp
import nbgrader.converters
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbgrader.converters import Autograde, NbGraderException
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

from autograder.contract import INSTRUCTOR_TAG
from autograder.outputs import harmless_html
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from autograder.runner import Summary  # slow to import, and most programs grade nothing

Grade = Callable[[str, Sequence[str], bool], "Summary"]
"""Grades an assignment's submissions: its name, the students, whether to grade again what is recorded."""


class StripInstructorCells(NbGraderPreprocessor):
    """Leaves teachers' cells (tag ``instructor``) out of what students get. Runs before all others."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        nb.cells = [cell for cell in nb.cells if INSTRUCTOR_TAG not in cell.metadata.get("tags", [])]
        return nb, resources


class HideTests(ClearHiddenTests):
    """Takes the hidden part out of tests, and leaves alone what students wrote: a marker there must not stop feedback."""

    def preprocess_cell(self, cell: Any, resources: dict[str, Any], cell_index: int) -> tuple[Any, dict[str, Any]]:
        if is_grade(cell) and not is_solution(cell):
            return super().preprocess_cell(cell, resources, cell_index)
        return cell, resources


class SecureAutograde(Autograde):
    """nbgrader's autograding, done by this course's grader: students' code runs behind walls, apart from the tests."""

    grade: Grade

    def start(self) -> None:
        """Grade the submissions that were asked for.

        Raises:
            NbGraderException: a submission could not be graded, or none could. The sentence says why.
        """
        assignment = self.coursedir.assignment_id
        try:
            summary = type(self).grade(assignment, self._students(), self.force)
        except CourseError as error:
            self._fail(str(error))
        for record in summary.look:
            for reason in record.look:
                self.log.warning(_("需要人看　{student}：{reason}").format(student=record.student, reason=reason))
        if summary.failed:
            self._fail(
                "\n".join(
                    _("没有评成　{student}：{reason}").format(student=student, reason=reason)
                    for student, reason in summary.failed.items()
                )
            )

    def _students(self) -> list[str]:
        """Whose submissions the options ``--student`` and ``--student-exclude`` match."""
        course = self.coursedir
        folders = glob.glob(self._format_source(course.assignment_id, course.student_id))
        excluded = {name.strip() for name in course.student_id_exclude.split(",")}
        students = sorted({Path(folder).parent.name for folder in folders} - excluded)
        if not students:
            self._fail(_("没有找到作业 {assignment} 的提交；请先回收作业。").format(assignment=course.assignment_id))
        return students

    def _fail(self, sentence: str) -> Any:
        self.log.error(sentence)
        raise NbGraderException(sentence)


def autograde_with(grade: Grade) -> None:
    """From now on all of nbgrader (formgrader's button, ``nbgrader autograde``, its API) grades with ``grade``.

    A patch, because nbgrader has no setting for the class that autogrades: both programs import it by name.
    """
    SecureAutograde.grade = staticmethod(grade)
    for module in (nbgrader.converters, nbgrader.apps.api, nbgrader.apps.autogradeapp):
        module.Autograde = SecureAutograde


def harmless_markdown(text: str) -> str:
    """nbconvert's filter ``markdown2html`` for the pages of nbgrader, which let HTML in Markdown through as it is."""
    return harmless_html(MarkdownWithMath(IPythonRenderer(escape=False, exclude_anchor_links=True)).render(text))
