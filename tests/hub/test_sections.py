"""Two sections side by side in one class, brought in while it is running; from invitation to marks."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.classes import RunningClass, a_class
from tests.hub.client import Client

ASSIGNMENT = "a04-segmentation"
LIST = """学号,姓名,角色,教学班
t2,周老师,教师,crm crm-2
2026001,王芳,学生,crm-2
"""

pytestmark = pytest.mark.hub


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClass]:
    with a_class(tmp_path_factory.mktemp("class"), students=1) as started:
        yield started


def course(running: RunningClass, *arguments: str) -> str:
    """What a command of ``course`` says about the running class."""
    known = os.environ | {"CRM_CLASSROOM": str(running.classroom.folder)}
    done = subprocess.run([sys.executable, "-m", "course.cli", *arguments], env=known, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def accept(running: RunningClass, name: str, code: str, password: str) -> Client:
    """Accept an invitation as its page does, and log in with the new password."""
    user = Client(running.url, name)
    page = f"{running.url}/hub/invitation"
    user.session.get(page)
    form = {"username": name, "code": code, "new": password, "again": password, "_xsrf": user.xsrf("/hub/")}
    assert user.session.post(page, data=form).status_code == 200
    user.session.cookies.clear()
    assert user.log_in(password).url.endswith("/hub/home")
    return user


@pytest.fixture(scope="module")
def people(running: RunningClass, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Client]:
    """The teacher of both sections and a student of the second, with the passwords they chose."""
    folder = tmp_path_factory.mktemp("lists")
    (folder / "list.csv").write_text(LIST, "gb18030")
    course(running, "people", "import", str(folder / "list.csv"))
    course(running, "people", "invite", "t2", "2026001", "--out", str(folder / "codes.csv"))
    with Path(folder / "codes.csv").open(encoding="utf-8-sig", newline="") as codes:
        rows = list(csv.reader(codes))
    found = {
        name: next(cell for cell in row if cell.count("-") == 3)
        for row in rows
        for name in row
        if name in LIST and name in ("t2", "2026001")
    }
    return {name: accept(running, name, code, f"很长的 long pass for {name[::-1]} 47") for name, code in found.items()}


def test_a_student_of_the_second_section_fetches_and_hands_in_there(
    running: RunningClass, people: dict[str, Client]
) -> None:
    course(running, "--section", "crm-2", "release", ASSIGNMENT)
    student = people["2026001"]
    student.start_server()
    said = student.terminal(
        f"nbgrader list; nbgrader fetch_assignment {ASSIGNMENT}; nbgrader submit {ASSIGNMENT}; ls ~"
    )
    assert f"crm-2 {ASSIGNMENT}" in said
    assert f"crm {ASSIGNMENT}" not in said
    assert "已收到作业" in said


def test_marks_of_a_section_are_its_own(running: RunningClass, people: dict[str, Client]) -> None:
    course(running, "--section", "crm-2", "collect", ASSIGNMENT)
    course(running, "--section", "crm-2", "grade", ASSIGNMENT)
    second = json.loads(course(running, "--section", "crm-2", "marks", "--json"))
    first = json.loads(course(running, "marks", "--json"))
    assert "2026001" in json.dumps(second)
    assert "王芳" in json.dumps(second, ensure_ascii=False)
    assert "2026001" not in json.dumps(first)
    assert "student01" not in json.dumps(second)


def test_the_teacher_of_both_has_a_formgrader_for_each(running: RunningClass, people: dict[str, Client]) -> None:
    """The second one is a named server, which sees the second gradebook."""
    teacher = people["t2"]
    assert teacher.hub_api("POST", "/users/t2/servers/crm-2").status_code in (201, 202)
    teacher.wait_for_server("crm-2")
    page = teacher.session.get(f"{running.url}/user/t2/crm-2/formgrader/")
    assert page.status_code == 200, page.text[:300]
    listed = teacher.session.get(f"{running.url}/user/t2/crm-2/formgrader/api/assignments").json()
    assert {entry["name"]: entry["num_submissions"] for entry in listed}[ASSIGNMENT] == 1


def test_a_section_that_is_not_theirs_is_refused(running: RunningClass, people: dict[str, Client]) -> None:
    student = people["2026001"]
    student.hub_api("POST", "/users/2026001/servers/crm")
    assert "crm" not in student.hub_api("GET", "/users/2026001").json()["servers"]
    desk = student.session.get(f"{running.url}/services/desk/crm-2/")
    assert desk.status_code == 403
