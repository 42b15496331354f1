"""nbgrader of this course: on the command line, in the hub's servers, in ``course up``. What is not set is default."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbgrader
from nbgrader.converters import GenerateAssignment, GenerateFeedback

from autograder.contract import STUBS
from autograder.nbgrader_steps import HideTests, StripInstructorCells, autograde_with
from course.exchange import configure as configure_exchange
from course.hub.classroom import Classroom
from course.hub.nbgrader_links import RewriteLinks
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (the loader of the file provides it)
classroom = Classroom.here()

c.CourseDirectory.course_id = classroom.section
c.CourseDirectory.source_directory = "assignments"
user = os.environ.get("JUPYTERHUB_USER", "")
if os.environ.get("CRM_ROLE") == "student":
    # Accounts of the system tell nothing about who is who: a class may run all servers under one.
    c.CourseDirectory.student_id = user
    if "," in os.environ.get("CRM_SECTIONS", ""):
        c.CourseDirectory.course_id = ""  # all of them: the list of assignments lets the student choose
else:
    # Gradebook and submissions belong to the class, not to the folder in which a command is typed. formgrader links
    # into the course's folder, so on a server it is seen from the home.
    c.CourseDirectory.root = str(classroom.home(user) / classroom.section if user else classroom.course)
    c.CourseDirectory.db_url = classroom.db_url

    def grade(assignment: str, students: Sequence[str], force: bool) -> Any:
        from course import grading  # takes a second, and most programs grade nothing

        if os.environ.get("CRM_GRADE_AT_DESK"):
            raise CourseError(_("这个班以 root 运行，教师的服务器里建不起隔离环境；请在工作台上点“评分”，再回到这里。"))
        return grading.grade(assignment, students=students, force=force, classroom=classroom)

    autograde_with(grade)

c.Exchange.root = str(classroom.exchange)
# The exchange keeps UTC: it writes a zone's name, and reads "CST" back as no zone at all, eight hours off.
c.NbGraderAPI.timezone = "Asia/Shanghai"  # what formgrader shows, and takes for a due date
configure_exchange(c)

c.GenerateAssignment.preprocessors = [
    StripInstructorCells,
    RewriteLinks,
    *GenerateAssignment.preprocessors.default(),
]
# Feedback says what failed; the hidden tests stay hidden, for they serve again.
c.GenerateFeedback.preprocessors = [HideTests, *GenerateFeedback.preprocessors.default()]
# Feedback and formgrader show what students wrote and what their code printed: nothing of it may run there.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "autograder.nbgrader_steps.harmless_markdown",
    "clean_html": "autograder.outputs.harmless_html",
}
c.FormgradeExtension.debug = False  # else its page shows this configuration, the gradebook's password included
# Their pages take MathJax from the book instead of a CDN; feedback speaks Chinese; all else in them is nbgrader's.
c.HTMLExporter.template_file = "page.html.j2"
c.HTMLExporter.extra_template_basedirs = [
    str(course_root() / "course/hub/jupyter/nbconvert/templates"),
    str(Path(nbgrader.__file__).parent / "server_extensions/formgrader/templates"),
]
# The Validate button runs a student's notebook on that student's own server, and shows what its tests say.
c.Execute.timeout = 120  # seconds a cell; the default of 30 is short for k-means on a busy machine

# What students read.
c.ClearSolutions.code_stub = {"python": STUBS["python"]}
c.ClearSolutions.text_stub = STUBS["markdown"]
c.Execute.error_on_timeout = {
    "ename": "CellTimeoutError",
    "evalue": "这个单元格运行超时，已被中止",
    "traceback": ["CellTimeoutError: 这个单元格运行超时，已被中止；请检查是否有死循环。"],
}
c.Validator.changed_warning = "有 {num_changed} 个测试单元格被改动过！现在通过的测试，评分时不一定能通过。"
c.Validator.type_changed_warning = "有 {num_changed} 个单元格的类型被改动过！现在通过的测试，评分时不一定能通过。"
c.Validator.failed_warning = "有 {num_failed} 个单元格没有通过！现在提交的话拿不到满分。"
c.Validator.passed_warning = "有 {num_passed} 个单元格通过了。"
