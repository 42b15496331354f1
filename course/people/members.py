"""Who is in the class, and every change to that."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from course.hub.classroom import INSTRUCTOR, Classroom, section_id, write_private
from course.people import secret
from course.people.model import ROLES, Account, Person, Role, fault_in_name, fault_in_title, login_name
from course.people.store import Accounts, accounts, editing
from crmlab.errors import CourseError
from crmlab.i18n import _

DEMO = re.compile(r"student\d{2,}")


@dataclass(frozen=True)
class Code:
    """An invitation for handing out; the only place where the code is in plain text."""

    person: Person
    code: str
    expires: float


def read_people(classroom: Classroom) -> dict[str, Person]:
    """Everybody who may log in, by name; instructors first, then graders, then students.

    :raises CourseError: if the class list is damaged.
    """
    present = [(name, account) for name, account in accounts(classroom).items() if not account.removed]
    present.sort(key=lambda entry: (ROLES.index(entry[1].role), entry[0]))
    return {name: person(name, account) for name, account in present}


def students_of(classroom: Classroom) -> list[Person]:
    """The students of the classroom's section, by name."""
    return [one for one in read_people(classroom).values() if one.role == "student" and _is_in(one, classroom)]


def staff_of(classroom: Classroom) -> list[Person]:
    """Instructors and graders of the classroom's section."""
    return [one for one in read_people(classroom).values() if one.role != "student" and _is_in(one, classroom)]


def person(name: str, account: Account) -> Person:
    return Person(name, account.title, account.role, account.sections, account.number)


def _is_in(one: Person, classroom: Classroom) -> bool:
    return classroom.section in one.sections


# --- joining and leaving ---------------------------------------------------------------------------------------------


def enrol(classroom: Classroom, students: int) -> dict[str, str]:
    """See to it that a class to try things out has a teacher and ``students`` students; nobody is taken off the list.

    A real class list gets no such students: only the teacher is added, if it has no instructor yet. Returns the
    passwords of those who are new, by name; they are added to ``credentials.txt`` too.
    """
    with editing(classroom) as people:
        names = _wanted(people, students)
        passwords = {name: secret.random_password() for name in names}
        if passwords:
            # The plain text first: a hash whose password nobody knows would lock its owner out.
            _append_credentials(classroom, passwords)
        for name, password in passwords.items():
            role: Role = "instructor" if name == INSTRUCTOR else "student"
            people[name] = Account(next_number(people), role, (classroom.section,), password=secret.hashed(password))
    return passwords


def _wanted(people: Accounts, students: int) -> list[str]:
    real = any(not DEMO.fullmatch(name) and name != INSTRUCTOR for name in people)
    instructed = any(account.role == "instructor" and not account.removed for account in people.values())
    wanted = [] if instructed else [INSTRUCTOR]
    wanted += [] if real else [f"student{number:02d}" for number in range(1, students + 1)]
    return [name for name in wanted if name not in people]


def add(classroom: Classroom, name: str, title: str, role: Role | None, sections: Iterable[str]) -> Person:
    """Put one person on the list, or change what it says of somebody who is on it; sections are added.

    :raises CourseError: if name, title or a section can't be used.
    """
    name = login_name(name)
    for fault in (fault_in_name(name), fault_in_title(title)):
        if fault:
            raise CourseError(_("{fault}。").format(fault=fault))
    wanted = [section_id(section) for section in sections]
    with editing(classroom) as people:
        people[name] = joined(people, name, title, role, wanted)
    return person(name, people[name])


def joined(people: Accounts, name: str, title: str, role: Role | None, sections: Iterable[str]) -> Account:
    """The entry of somebody who joins sections, new on the list or not. An empty title or role changes nothing."""
    known = people.get(name)
    if known is None:
        return Account(next_number(people), role or "student", tuple(dict.fromkeys(sections)), title)
    before = () if known.removed else known.sections
    changed = msgspec.structs.replace(
        known,
        title=title or known.title,
        role=role or known.role,
        sections=tuple(dict.fromkeys([*before, *sections])),
        removed=False,
    )
    return _without_access(changed) if changed.role != known.role else changed


def left(account: Account, sections: Iterable[str]) -> Account:
    """The entry of somebody who leaves sections; who is in none any more is removed."""
    gone = set(sections)
    remaining = tuple(section for section in account.sections if section not in gone)
    if not remaining:
        return removed(account)
    return _without_access(msgspec.structs.replace(account, sections=remaining))


def removed(account: Account) -> Account:
    """The entry of somebody who may not log in any more. Work stays; a return begins with an invitation."""
    return _without_access(msgspec.structs.replace(account, removed=True, password=None, invitation=None))


def _without_access(account: Account) -> Account:
    return msgspec.structs.replace(account, session=account.session + 1, access=account.access + 1)


def remove(classroom: Classroom, names: Iterable[str]) -> list[str]:
    """Let these people log in no more; their work is kept. Returns the names.

    :raises CourseError: if one is not on the list; then nobody is removed.
    """
    with editing(classroom) as people:
        chosen = [present(people, name) for name in names]
        for name in chosen:
            people[name] = removed(people[name])
    return chosen


def next_number(people: Accounts) -> int:
    return max((account.number for account in people.values()), default=-1) + 1


def present(people: Accounts, name: str) -> str:
    """The name as it stands on the list.

    :raises CourseError: if nobody there has it.
    """
    name = login_name(name)
    if name not in people or people[name].removed:
        raise CourseError(_("班级名单里没有 {name}；用 course people list 查看全部账号。").format(name=name))
    return name


def _append_credentials(classroom: Classroom, passwords: dict[str, str]) -> None:
    path = classroom.credentials
    known = path.read_text("utf-8") if path.exists() else _("# 账号与初始密码。发放之后可以删除本文件。\n")
    write_private(path, known + "".join(f"{name}\t{password}\n" for name, password in passwords.items()))


# --- invitations and passwords ---------------------------------------------------------------------------------------


def uninvited(classroom: Classroom, section: str | None = None) -> list[str]:
    """Names of those who have no password yet, of one section or all."""
    people = accounts(classroom)
    everybody = read_people(classroom).values()
    chosen = [one.name for one in everybody if section is None or section in one.sections]
    return [name for name in chosen if people[name].password is None]


def invite(classroom: Classroom, names: Iterable[str], days: float = secret.DAYS) -> list[Code]:
    """A new code for each of these people; their earlier ones are void.

    :raises CourseError: if somebody is not on the list or has a password already; then nobody gets a code.
    """
    codes = {login_name(name): secret.new_code() for name in names}
    with editing(classroom) as people:
        for name, code in codes.items():
            if people[present(people, name)].password is not None:
                raise CourseError(
                    _("{name} 已经设置过密码，不能再邀请；忘记密码请用 course people reset {name}。").format(name=name)
                )
            people[name] = msgspec.structs.replace(people[name], invitation=secret.invitation(code, days))
    return [_code(people, name, code) for name, code in codes.items()]


def reset(classroom: Classroom, name: str, days: float = secret.DAYS) -> Code:
    """Void a person's password, end the person's sessions and servers, and make a new code.

    :raises CourseError: if the person is not on the list.
    """
    code = secret.new_code()
    with editing(classroom) as people:
        name = present(people, name)
        without = msgspec.structs.replace(people[name], password=None, invitation=secret.invitation(code, days))
        people[name] = _without_access(without)
    return _code(people, name, code)


def _code(people: Accounts, name: str, code: str) -> Code:
    known = people[name].invitation
    assert known is not None
    return Code(person(name, people[name]), code, known.expires)


def password_is_right(classroom: Classroom, name: str, password: str) -> bool:
    """Whether it is the person's password. Takes as long for a name that is not on the list."""
    known = accounts(classroom).get(name)
    return secret.matches(password, known.password if known and not known.removed else None)


def code_is_right(classroom: Classroom, name: str, code: str) -> bool:
    known = accounts(classroom).get(name)
    return secret.code_is_good(code, known.invitation if known and not known.removed else None)


def activate(classroom: Classroom, name: str, code: str, password: str) -> bool:
    """Set the first password of somebody who has the code, which is void then; False if the code is not good."""
    hashed = secret.hashed(password)
    with editing(classroom) as people:
        # Asked again under the lock: of two who use a code at once, one comes too late.
        good = name in people and secret.code_is_good(code, people[name].invitation)
        if good:
            people[name] = msgspec.structs.replace(people[name], password=hashed, invitation=None)
    return good


def change_password(classroom: Classroom, name: str, password: str) -> None:
    """Set a new password; the person's other sessions end, the servers run on."""
    hashed = secret.hashed(password)
    with editing(classroom) as people:
        account = people[present(people, name)]
        people[name] = msgspec.structs.replace(account, password=hashed, session=account.session + 1)


def state_of(account: Account) -> str:
    """Where a person stands on the way in, in a word."""
    if account.removed:
        return _("已移除")
    if account.password:
        return _("已设密码")
    if account.invitation is None:
        return _("未邀请")
    return _("已邀请") if time.time() < account.invitation.expires else _("邀请已过期")
