"""What is known of a person, and which names a person may have."""

import re
import unicodedata
from typing import Literal, get_args

import msgspec

from crmlab.i18n import _

Role = Literal["instructor", "grader", "student"]
ROLES: tuple[Role, ...] = get_args(Role)

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")
"""Log-in names become folders, addresses and parts of nbgrader's file names (which are split at ``+``)."""

TITLE_LENGTH = 60


class Person(msgspec.Struct, frozen=True):
    """One person of the class as the other packages see it; nothing secret."""

    name: str
    title: str
    role: Role
    sections: tuple[str, ...]
    number: int = 0
    """Counts people in the order in which they joined; never changes and is never given to somebody else."""


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A salted scrypt hash, both in hexadecimal."""

    salt: str
    hash: str


class Invitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hash of a code that is good for one use until ``expires`` (seconds since 1970)."""

    digest: str
    expires: float


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of ``people.json``. Removed people stay in it, so that number and history are not lost."""

    number: int
    role: Role
    sections: tuple[str, ...]
    title: str = ""
    password: Secret | None = None
    invitation: Invitation | None = None
    removed: bool = False
    session: int = 0
    """Raised when all sessions of the person must end."""
    access: int = 0
    """Raised when the person's running servers must end too: reset, removal, fewer rights."""

    @property
    def epoch(self) -> str:
        """Which sessions are good: those that began in this epoch."""
        return f"{self.session}.{self.access}."


def login_name(text: str) -> str:
    """A name as people write it (upper case, full-width digits, blanks around it), as the class list has it."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def fault_in_name(name: str) -> str | None:
    """Why ``name`` can be no log-in name; None if it can."""
    if NAME.fullmatch(name):
        return None
    return _(
        "“{name}”不能作账号：只能用英文字母、数字和 . _ -，开头和结尾是字母或数字，最多 32 个字符（大写会改成小写）"
    ).format(name=printable(name))


def fault_in_title(title: str) -> str | None:
    """Why ``title`` can be no person's name; None if it can."""
    if len(title) > TITLE_LENGTH:
        return _("姓名有 {length} 个字符，最多 {most} 个").format(length=len(title), most=TITLE_LENGTH)
    if title[:1] in tuple("=+-@"):
        # Marks go out as tables, and Excel would take such a name for a formula.
        return _("姓名不能以 {first} 开头").format(first=title[0])
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp") for character in title):
        return _("“{title}”含有看不见的控制字符，请重新输入").format(title=printable(title))
    return None


def printable(text: str) -> str:
    """``text`` for a message: short, and nothing in it that acts on a terminal."""
    seen = "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
    return seen if len(seen) <= 40 else seen[:40] + "…"
