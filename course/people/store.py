"""``secrets/people.json``: the class list on disk.

Hub and command line write it, one at a time, whole or not at all. It is read from memory as long as the file is the
same, because in the first minute of a lesson everybody logs in at once.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from autograder.files import replace_file
from course.hub.classroom import FIRST_SECTION, INSTRUCTOR, Classroom
from course.people.model import Account, Role, Secret
from crmlab.errors import CourseError
from crmlab.i18n import _

VERSION = 1
OLD_LIST = "passwords.json"
"""Class list of an older version: name -> role, salt, hash. Same hash, so the passwords stay good."""

Accounts = dict[str, Account]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    people: Accounts


_cache: dict[Path, tuple[tuple[int, int, int], Accounts]] = {}


def accounts(classroom: Classroom) -> Accounts:
    """All entries by name, removed people too, in the order in which they joined; {} without a list. Not to be changed.

    :raises CourseError: if the file is damaged.
    """
    try:
        found = stamp(classroom)
    except FileNotFoundError:
        return _older_list(classroom)
    known = _cache.get(classroom.people)
    if known is None or known[0] != found:
        # Stamped before it is read: a newer file read under an older stamp is only read once more.
        known = _cache[classroom.people] = (found, _read(classroom.people))
    return known[1]


def stamp(classroom: Classroom) -> tuple[int, int, int]:
    """Changes whenever the list does; each write makes a new file.

    :raises FileNotFoundError: if there is no list.
    """
    status = classroom.people.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


@contextmanager
def editing(classroom: Classroom) -> Iterator[Accounts]:
    """The entries, to be changed; written when the block ends without an error. One writer at a time.

    :raises CourseError: if the file is damaged (it is never replaced: the passwords would be lost).
    """
    handle = os.open(classroom.secrets / "people.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        before = accounts(classroom)
        after = dict(before)
        yield after
        if after != before or not classroom.people.exists():
            _write(classroom, after)
    finally:
        os.close(handle)


def _read(path: Path) -> Accounts:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
        if file.version != VERSION:
            raise CourseError(
                _("班级名单 {path} 是版本 {found}，这个程序只认识版本 {known}；请用与它同一版本的程序。").format(
                    path=path, found=file.version, known=VERSION
                )
            )
    except msgspec.MsgspecError:
        raise CourseError(_damaged(path)) from None
    return dict(sorted(file.people.items(), key=lambda entry: entry[1].number))


def _write(classroom: Classroom, people: Accounts) -> None:
    content = msgspec.json.format(msgspec.json.encode(_File(VERSION, people)), indent=1)
    replace_file(classroom.people, content, mode=0o600, durable=True)
    old = classroom.secrets / OLD_LIST
    if old.exists():
        old.replace(old.with_suffix(".json.taken-over"))


def _older_list(classroom: Classroom) -> Accounts:
    """The people of an older version's list, in the first section; it is replaced by the first change."""
    path = classroom.secrets / OLD_LIST
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text("utf-8"))
        roles: dict[str, Role] = {name: entry["role"] for name, entry in entries.items()}
        secrets = {name: Secret(entry["salt"], entry["hash"]) for name, entry in entries.items()}
    except (ValueError, TypeError, AttributeError, KeyError):
        raise CourseError(_damaged(path)) from None
    names = sorted(entries, key=lambda name: (name != INSTRUCTOR, name))
    return {
        name: Account(number, roles[name], (FIRST_SECTION,), password=secrets[name])
        for number, name in enumerate(names)
    }


def _damaged(path: Path) -> str:
    return _("班级名单 {path} 读不出来；里面有全部密码，请不要删除，从备份恢复它。").format(path=path)
