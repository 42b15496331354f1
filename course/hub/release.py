"""Releasing an assignment: the students' version is made from the source and laid into the exchange."""

import os
import sys
from pathlib import Path
from typing import Any

from autograder.files import digest_of
from course.hub.classroom import FIRST_SECTION, Classroom
from course.people import Person, read_people, students_of
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

RULES = ("nbgrader_config.py", "autograder/contract.py", "autograder/nbgrader_steps.py", "course/hub/nbgrader_links.py")
"""Files of the course that shape a release besides the assignment itself."""


def release(assignment_id: str, classroom: Classroom | None = None) -> Path:
    """Generate the students' version of an assignment and release it; an earlier release is replaced.

    Returns the folder in the exchange.

    :raises CourseError: if there is no such assignment, or nbgrader refuses it.
    """
    classroom = classroom or Classroom.here()
    api = make_version(assignment_id)
    must_succeed(api.release_assignment(assignment_id), assignment_id, _("发布"))
    classroom.remember(f"released:{classroom.section}:{assignment_id}", source_version(assignment_id))
    return classroom.outbound / assignment_id


def make_version(assignment_id: str) -> Any:
    """Make the students' version, and enter the assignment's cells and points in the gradebook. Returns nbgrader's API.

    :raises CourseError: if nbgrader refuses it.
    """
    _check_source(assignment_id)
    api = nbgrader_api()
    must_succeed(api.generate_assignment(assignment_id), assignment_id, _("发布"))
    return api


def is_released(assignment_id: str, classroom: Classroom) -> bool:
    """Whether the exchange holds what the source would give now."""
    released = classroom.outbound / assignment_id
    return released.is_dir() and classroom.recall(f"released:{classroom.section}:{assignment_id}") == source_version(
        assignment_id
    )


def source_version(assignment_id: str) -> str:
    """Fingerprint of an assignment's source folder and of the rules of release."""
    root = course_root()
    folder = root / "assignments" / assignment_id
    files = sorted(path for path in folder.rglob("*") if path.is_file() and ".ipynb_checkpoints" not in path.parts)
    shaping = [*files, *(root / rule for rule in RULES)]
    return digest_of({path.relative_to(root).as_posix(): path.read_bytes() for path in shaping})


def open_sections(classroom: Classroom) -> None:
    """Make the folders of each section that somebody on the class list is in, and enter its students in its gradebook."""
    for section in {FIRST_SECTION}.union(*(person.sections for person in read_people(classroom).values())):
        there = classroom.of(section)
        there.create()
        students = students_of(there)
        known = [[person.name, person.title] for person in students]
        if there.recall(f"gradebook:{section}") != known:
            register_students(students, there)
            there.remember(f"gradebook:{section}", known)


def register_students(students: list[Person], classroom: Classroom) -> None:
    """See to it that the gradebook knows these students, so that formgrader shows them before they submit."""
    from nbgrader.api import Gradebook

    own_programs_first()
    with Gradebook(classroom.db_url) as gradebook:
        for student in students:
            # formgrader writes "last name, first name"; "None, None" helps nobody.
            gradebook.update_or_create_student(
                student.name, last_name=student.title or _("学生"), first_name=student.name.removeprefix("student")
            )


def _check_source(assignment_id: str) -> None:
    folder = course_root() / "assignments" / assignment_id
    if not any(folder.glob("*.ipynb")):
        raise CourseError(
            _("找不到作业 {name}：文件夹 {folder} 里没有 notebook。").format(name=assignment_id, folder=folder)
        )


def nbgrader_api() -> Any:
    """nbgrader's own interface, configured by nbgrader_config.py. Imported late: it takes a second."""
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import Config, PyFileConfigLoader

    own_programs_first()
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course_root())).load_config()
    config.merge(Config({"ExchangeReleaseAssignment": {"force": True}}))
    return NbGraderAPI(config=config)


def own_programs_first() -> None:
    """nbgrader calls ``alembic`` by name when it makes a gradebook; the environment need not be activated here."""
    own = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)
    if path.split(os.pathsep)[0] != own:
        os.environ["PATH"] = own + os.pathsep + path


def must_succeed(result: dict[str, Any], assignment_id: str, doing: str) -> None:
    """Nothing if nbgrader did it; else its reason in one sentence.

    :raises CourseError: if it didn't.
    """
    if result["success"]:
        return
    log = result.get("log", "") + result.get("error", "")
    if "there are submissions associated" in log or "Cannot add or remove cells" in log:
        raise CourseError(
            _("作业 {name} 已有学生提交，题目的单元格不能再增删；已发布的版本保持不变。").format(name=assignment_id)
        )
    lines = [line for line in log.splitlines() if line.strip()]
    reason = next((line for line in lines if "ERROR" in line or "FATAL" in line), lines[-1] if lines else "")
    raise CourseError(
        _("作业 {name} {doing}没有成功：{reason}").format(name=assignment_id, doing=doing, reason=reason.strip())
    )
