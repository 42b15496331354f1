"""nbgrader of this course: on the command line, in the hub's servers, in ``course up``. What is not set is default."""

import os
from pathlib import Path

import nbgrader
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.preprocessors import ClearHiddenTests, Execute

from autograder.contract import STUBS
from autograder.nbgrader_steps import ExecuteAsStudent, StripInstructorCells
from course.hub.classroom import COURSE_ID, Classroom
from course.hub.nbgrader_links import RewriteLinks
from crmlab.paths import course_root

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (the loader of the file provides it)
classroom = Classroom.here()

c.CourseDirectory.course_id = COURSE_ID
c.CourseDirectory.source_directory = "assignments"
if os.environ.get("CRM_ROLE") == "student":
    # All servers run under one account, so nbgrader can't tell students apart by the system's user name.
    c.CourseDirectory.student_id = os.environ["JUPYTERHUB_USER"]
else:
    # Gradebook and submissions belong to the class, not to the folder in which a command is typed.
    c.CourseDirectory.root = str(classroom.course)
    c.CourseDirectory.db_url = classroom.db_url

c.Exchange.root = str(classroom.exchange)
c.Exchange.path_includes_course = True  # ~/crm/a04-segmentation
# The exchange keeps UTC: it writes a zone's name, and reads "CST" back as no zone at all, eight hours off.
c.NbGraderAPI.timezone = "Asia/Shanghai"  # what formgrader shows, and takes for a due date
# The owner of a submission's folder is the one account, never the student: the check would call everyone a cheat.
# So the name on a submission is what the student's server says. A spawner and an exchange with walls make it proof.
c.ExchangeCollect.check_owner = False

c.GenerateAssignment.preprocessors = [
    StripInstructorCells,
    RewriteLinks,
    *GenerateAssignment.preprocessors.default(),
]
c.Autograde.autograde_preprocessors = [
    ExecuteAsStudent if step is Execute else step for step in Autograde.autograde_preprocessors.default()
]
# Feedback says what failed; the hidden tests stay hidden, for they serve again.
c.GenerateFeedback.preprocessors = [ClearHiddenTests, *GenerateFeedback.preprocessors.default()]
# Their pages take MathJax from the book instead of a CDN; all else in them is nbgrader's.
c.HTMLExporter.extra_template_basedirs = [
    str(course_root() / "course/hub/jupyter/nbconvert/templates"),
    str(Path(nbgrader.__file__).parent / "server_extensions/formgrader/templates"),
]
c.Execute.timeout = 120  # seconds a cell; the default of 30 is short for k-means on a busy machine

# What students read.
c.ClearSolutions.code_stub = {"python": STUBS["python"]}
c.ClearSolutions.text_stub = STUBS["markdown"]
c.OverwriteCells.missing_cell_notification = "提交的文件里缺少这个单元格（{cell_id}），评分时已补回。\n\n"
c.Execute.error_on_timeout = {
    "ename": "CellTimeoutError",
    "evalue": "这个单元格运行超时，已被中止",
    "traceback": ["CellTimeoutError: 这个单元格运行超时，已被中止；请检查是否有死循环。"],
}
c.Validator.changed_warning = "有 {num_changed} 个测试单元格被改动过！现在通过的测试，评分时不一定能通过。"
c.Validator.type_changed_warning = "有 {num_changed} 个单元格的类型被改动过！现在通过的测试，评分时不一定能通过。"
c.Validator.failed_warning = "有 {num_failed} 个单元格没有通过！现在提交的话拿不到满分。"
c.Validator.passed_warning = "有 {num_passed} 个单元格通过了。"
