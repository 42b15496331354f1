"""What a server may see, as a list: nothing of others, nothing of the class's secrets, whatever people are called."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.hub import limits, walls
from course.hub.classroom import Classroom
from course.people import Person
from crmlab.errors import CourseError
from crmlab.paths import course_root

ROOM = Classroom(Path("/srv/class"))
NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,30}", fullmatch=True)
SECTIONS = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True), min_size=1, max_size=3, unique=True)


def seen(role: str, *sections: str, name: str = "li") -> dict[Path, bool]:
    person = Person(name, "", role, sections or ("crm",))  # type: ignore[arg-type]
    return {sight.path: sight.writable for sight in walls.sights(ROOM, person)}


@given(NAMES, SECTIONS)
def test_a_student_sees_nothing_of_the_class_but_own_folders(name: str, sections: list[str]) -> None:
    found = {
        path: writable
        for path, writable in seen("student", *sections, name=name).items()
        if path.is_relative_to("/srv/class")
    }
    own = {ROOM.home(name): True, ROOM.materials / "student": False}
    for section in sections:
        there = ROOM.of(section)
        own |= {there.outbound: False, there.drop_box(name): True}
        own |= {there.feedback_for(name): False, there.receipts_of(name): False}
    assert found == own


def test_a_student_sees_no_sources_and_can_change_nothing_of_the_course() -> None:
    course = {
        path.relative_to(course_root()).as_posix(): w
        for path, w in seen("student").items()
        if path.is_relative_to(course_root())
    }
    assert course == dict.fromkeys(("crmlab", "autograder", "course", "datasets", "nbgrader_config.py"), False)


@pytest.mark.parametrize("role", ["instructor", "grader"])
def test_staff_see_their_sections_and_no_other(role: str) -> None:
    found = seen(role, "crm-2")
    assert found[ROOM.of("crm-2").course]
    assert found[ROOM.of("crm-2").received]
    assert not found[course_root() / "assignments"]
    assert ROOM.course not in found


@pytest.mark.parametrize("role", ["student", "grader", "instructor"])
def test_nobody_sees_secrets_the_hub_or_a_folder_above_them(role: str) -> None:
    for path in seen(role):
        for hidden in (ROOM.secrets, ROOM.hub, ROOM.home("wang"), ROOM.of("other").course):
            assert not hidden.is_relative_to(path)
            assert not path.is_relative_to(hidden)


def test_a_students_server_has_an_empty_network_and_no_namespaces_of_its_own() -> None:
    command = walls.command([], Path("/r"), Path("/h"), Path("/p"), limits.Limits(), staff=False, network=False)
    assert "--unshare-net" in command
    assert "--disable-userns" in command or "--cap-drop" in command
    assert not [option for option in command if "resolv.conf" in option]


def test_memory_of_a_student_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_MEMORY", "1024")
    assert limits.limits_for(staff=False).memory == 2**30
    for wrong in ("64", "1G", "-5"):
        monkeypatch.setenv("CRM_MEMORY", wrong)
        with pytest.raises(CourseError, match="不小于 512"):
            limits.limits_for(staff=False)


def test_a_group_is_divided_and_its_children_are_limited(tmp_path: Path) -> None:
    """The files of a control group (v2), as the kernel shows them."""
    for name, text in {"cgroup.controllers": "cpu io memory pids", "cgroup.procs": "41\n42\n"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "class").mkdir()
    assert limits.can_divide(tmp_path)
    limits.divide(tmp_path)
    assert (tmp_path / "class/cgroup.procs").read_text() == "42"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    group = limits.make_group(tmp_path, "li", limits.Limits(memory=2**30, processes=99), staff=False)
    told = {path.name: path.read_text() for path in group.iterdir()}
    assert told == {"memory.max": str(2**30), "memory.swap.max": "0", "pids.max": "99", "cpu.weight": "100"}


def test_a_group_without_controllers_is_not_divided(tmp_path: Path) -> None:
    assert not limits.can_divide(tmp_path)
    (tmp_path / "cgroup.controllers").write_text("hugetlb")
    assert not limits.can_divide(tmp_path)


def test_a_group_that_systemd_did_not_delegate_is_not_the_superusers_to_divide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not limits.is_delegated(tmp_path)
    monkeypatch.setattr(limits.os, "getxattr", lambda _path, name: b"1" if name == "user.delegate" else b"0")
    assert limits.is_delegated(tmp_path)
