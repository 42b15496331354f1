"""Who is in the class: names, roles, passwords.

``passwords.json`` is the class list: for each name a role, a salt and a scrypt hash. ``credentials.txt`` holds the
passwords in plain text so that the instructor can hand them out, and may be deleted. To give somebody a new password,
delete the name's entry in ``passwords.json`` and start the class again.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from course.hub.classroom import INSTRUCTOR, Classroom, write_private
from crmlab.errors import CourseError
from crmlab.i18n import _

Role = Literal["instructor", "student"]

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""No i, l, o, 0, 1: a password is read from paper."""
PASSWORD_LENGTH = 14
"""31 characters to the power of 14: 69 bits, more than scrypt's cost factor has to make up for."""
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True)
class Person:
    """One entry of the class list."""

    role: Role
    salt: str
    hash: str


def read_class_list(path: Path) -> dict[str, Person]:
    """The people of the class by name, instructor first; empty if there is no list yet.

    :raises CourseError: if the file is damaged (it is never replaced: the passwords would be lost).
    """
    if not path.exists():
        return {}
    try:
        return {name: Person(**entry) for name, entry in json.loads(path.read_text("utf-8")).items()}
    except (ValueError, TypeError, AttributeError):
        raise CourseError(
            _("班级名单 {path} 读不出来；请从备份恢复它，或删除它以重新生成全部密码。").format(path=path)
        ) from None


def enrol(classroom: Classroom, students: int) -> dict[str, str]:
    """See to it that the instructor and ``students`` students are on the list; nobody is taken off it.

    Returns the passwords of those who are new, by name. They are added to ``credentials.txt`` too.
    """
    people = read_class_list(classroom.passwords)
    wanted: dict[str, Role] = {INSTRUCTOR: "instructor"}
    wanted |= {student_name(number): "student" for number in range(1, students + 1)}
    passwords = {name: new_password() for name in wanted if name not in people}
    if not passwords:
        return {}
    for name, password in passwords.items():
        people[name] = _person(wanted[name], password)
    # The plain text first: a hash whose password nobody knows would lock its owner out.
    _append_credentials(classroom.credentials, passwords)
    entries = {name: asdict(people[name]) for name in sorted(people, key=lambda name: (name != INSTRUCTOR, name))}
    write_private(classroom.passwords, json.dumps(entries, indent=1))
    return passwords


def student_name(number: int) -> str:
    """``student01``, ``student02`` … ``student100``."""
    return f"student{number:02d}"


def new_password() -> str:
    """A random password that can be read from paper and typed."""
    return "".join(secrets.choice(ALPHABET) for _place in range(PASSWORD_LENGTH))


def password_is_right(people: dict[str, Person], name: str, password: str) -> bool:
    """Whether ``password`` is the password of ``name``. Takes as long for a name that is not on the list."""
    person = people.get(name)
    known = person or Person("student", "00" * 16, "00" * SCRYPT["dklen"])
    right = hmac.compare_digest(_hash(password, known.salt), known.hash)
    return right and person is not None


def _person(role: Role, password: str) -> Person:
    salt = secrets.token_hex(16)
    return Person(role, salt, _hash(password, salt))


def _hash(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode("utf-8"), salt=bytes.fromhex(salt), **SCRYPT).hex()


def _append_credentials(path: Path, passwords: dict[str, str]) -> None:
    known = path.read_text("utf-8") if path.exists() else _("# 账号与初始密码。发放之后可以删除本文件。\n")
    lines = "".join(f"{name}\t{password}\n" for name, password in passwords.items())
    write_private(path, known + lines)
