"""The class list: names, passwords, and who may read them."""

import json
import stat
from pathlib import Path

import pytest

from course.hub.classroom import Classroom
from course.hub.people import ALPHABET, PASSWORD_LENGTH, enrol, new_password, password_is_right, read_class_list
from crmlab.errors import CourseError


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    room = Classroom(tmp_path / "class")
    room.create()
    return room


def test_passwords_are_random_long_and_readable() -> None:
    passwords = {new_password() for _number in range(200)}
    assert len(passwords) == 200
    assert PASSWORD_LENGTH >= 12
    assert not set("0o1il") & set(ALPHABET)
    assert all(set(password) <= set(ALPHABET) and len(password) == PASSWORD_LENGTH for password in passwords)


def test_more_students_keep_the_earlier_ones(classroom: Classroom) -> None:
    first = enrol(classroom, 2)
    assert list(first) == ["teacher", "student01", "student02"]
    assert list(enrol(classroom, 3)) == ["student03"]
    assert enrol(classroom, 1) == {}
    people = read_class_list(classroom.passwords)
    assert list(people) == ["teacher", "student01", "student02", "student03"]
    assert all(password_is_right(people, name, password) for name, password in first.items())
    assert {name: person.role for name, person in people.items()}["teacher"] == "instructor"


def test_only_the_right_password_is_right(classroom: Classroom) -> None:
    passwords = enrol(classroom, 2)
    people = read_class_list(classroom.passwords)
    assert not password_is_right(people, "student01", passwords["student02"])
    assert not password_is_right(people, "student01", "")
    assert not password_is_right(people, "nobody", passwords["student01"])


def test_no_plain_password_is_in_the_class_list(classroom: Classroom) -> None:
    passwords = enrol(classroom, 2)
    text = classroom.passwords.read_text("utf-8")
    assert not any(password in text for password in passwords.values())
    for file in (classroom.passwords, classroom.credentials, classroom.cookie_secret, classroom.proxy_token):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_credentials_may_be_deleted(classroom: Classroom) -> None:
    enrol(classroom, 1)
    classroom.credentials.unlink()
    new = enrol(classroom, 2)
    lines = classroom.credentials.read_text("utf-8").splitlines()
    assert lines[1:] == [f"student02\t{new['student02']}"]


def test_deleted_entry_gets_a_new_password(classroom: Classroom) -> None:
    before = enrol(classroom, 1)
    entries = json.loads(classroom.passwords.read_text("utf-8"))
    del entries["student01"]
    classroom.passwords.write_text(json.dumps(entries), "utf-8")
    after = enrol(classroom, 1)
    assert list(after) == ["student01"]
    assert after["student01"] != before["student01"]


def test_damaged_class_list_is_kept(classroom: Classroom) -> None:
    enrol(classroom, 1)
    classroom.passwords.write_text("{half", "utf-8")
    with pytest.raises(CourseError, match="读不出来"):
        enrol(classroom, 1)
    assert classroom.passwords.read_text("utf-8") == "{half"
