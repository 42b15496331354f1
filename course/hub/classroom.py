"""Where a class lies on this machine, and the secrets it keeps.

Everything of a class is in one folder, ``classroom/`` of the course or the one that ``CRM_CLASSROOM`` names. Only the
account that runs the class can enter it (0700): that is the outer wall. The walls between users stand in
:mod:`course.hub.walls`: inside them a user finds things at the same paths, only fewer.

A class has one hub, one list of people, one folder of homes, and one or more *sections* (teaching groups), each a
course of its own for nbgrader, with its own gradebook, staff and exchange.
"""

import json
import os
import re
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.files import replace_file
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

FIRST_SECTION = "crm"
INSTRUCTOR = "teacher"
FIRST_ASSIGNMENT = "a04-segmentation"


@dataclass(frozen=True)
class Classroom:
    """The paths of one class, seen from one of its sections."""

    folder: Path
    section: str = FIRST_SECTION

    @classmethod
    def here(cls) -> "Classroom":
        """The class of this course and its first section, or those that ``CRM_CLASSROOM`` and ``CRM_SECTION`` name."""
        folder = Path(os.environ.get("CRM_CLASSROOM") or course_root() / "classroom").resolve()
        return cls(folder, section_id(os.environ.get("CRM_SECTION") or FIRST_SECTION))

    def of(self, section: str) -> "Classroom":
        """The same class, seen from another section.

        :raises CourseError: if that can be no section's name.
        """
        return replace(self, section=section_id(section))

    def sections(self) -> list[str]:
        """The sections that exist, by name; the first section first."""
        found = [folder.name for folder in (self.folder / "courses").glob("*") if folder.is_dir()]
        return sorted(found, key=lambda name: (name != FIRST_SECTION, name))

    @property
    def secrets(self) -> Path:
        """Cookie secret, proxy token, key of the receipts, people and their passwords. 0700."""
        return self.folder / "secrets"

    @property
    def people(self) -> Path:
        """The class list, with hashes of passwords; see :mod:`course.people`."""
        return self.secrets / "people.json"

    @property
    def credentials(self) -> Path:
        """Names and passwords in plain text, for handing out. The owner may delete it."""
        return self.secrets / "credentials.txt"

    @property
    def cookie_secret(self) -> Path:
        return self.secrets / "cookie_secret"

    @property
    def proxy_token(self) -> Path:
        return self.secrets / "proxy_token"

    @property
    def receipt_key(self) -> Path:
        """The key that signs receipts of submissions."""
        return self.secrets / "receipt_key"

    @property
    def hub(self) -> Path:
        """The hub's database, logs and notes about what is done. 0700."""
        return self.folder / "hub"

    @property
    def log(self) -> Path:
        return self.hub / "hub.log"

    @property
    def lock(self) -> Path:
        return self.hub / "up.lock"

    @property
    def state(self) -> Path:
        """What ``up`` has done already (JSON), so that a second start can skip it."""
        return self.hub / "state.json"

    @property
    def exchange(self) -> Path:
        """nbgrader's exchange folder, of all sections."""
        return self.folder / "exchange"

    @property
    def outbound(self) -> Path:
        """What is released in this section, a folder an assignment; read-only for students."""
        return self.exchange / self.section / "outbound"

    def drop_box(self, student: str) -> Path:
        """Where a student's submissions are laid. Only that student can see it, and may write there."""
        return self.exchange / self.section / "inbound" / student

    def feedback_for(self, student: str) -> Path:
        """Feedback for one student, who alone can read it."""
        return self.exchange / self.section / "feedback" / student

    def receipts_of(self, student: str) -> Path:
        """Receipts of a student's submissions, who alone can read them."""
        return self.exchange / self.section / "receipts" / student

    @property
    def received(self) -> Path:
        """Every submission that was ever taken in. Staff only."""
        return self.folder / "received" / self.section

    @property
    def materials(self) -> Path:
        """The chapters as each role gets them, a folder a role; read-only for all servers."""
        return self.folder / "materials"

    @property
    def homes(self) -> Path:
        return self.folder / "homes"

    def home(self, user: str) -> Path:
        """The home of ``user``, which is the root of that user's server."""
        return self.homes / user

    @property
    def course(self) -> Path:
        """nbgrader's course folder of this section."""
        return self.folder / "courses" / self.section

    @property
    def records(self) -> Path:
        """What grading left behind: the records of every graded submission of this section. 0700."""
        return self.folder / "grading" / self.section

    @property
    def db_url(self) -> str:
        """Address of nbgrader's gradebook: what ``CRM_DB_URL`` or ``secrets/db_url`` says, else SQLite beside the course.

        ``{section}`` in it stands for the section. The address of a server holds a password: it is never printed.
        """
        file = self.secrets / "db_url"
        stored = file.read_text("utf-8").strip() if file.is_file() else ""
        named = os.environ.get("CRM_DB_URL") or stored
        return named.replace("{section}", self.section) or f"sqlite:///{self.course / 'gradebook.db'}"

    def create(self) -> None:
        """Make what is missing; nothing that exists is changed except a folder that others could enter."""
        for folder in (self.folder, self.secrets, self.hub, self.records, self.received, self.homes):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        for folder in (self.exchange, self.course, self.materials):
            folder.mkdir(parents=True, exist_ok=True)
        for file in (self.cookie_secret, self.proxy_token, self.receipt_key):
            if not file.exists():
                write_private(file, secrets.token_hex(32))
        self._link_assignments()

    def _link_assignments(self) -> None:
        """``courses/crm/assignments`` shows the sources where they stand, so that an edit there is an edit of the course."""
        link, target = self.course / "assignments", course_root() / "assignments"
        if link.is_symlink() and link.readlink() != target:
            link.unlink()
        if not link.is_symlink():
            link.symlink_to(target, target_is_directory=True)

    def recall(self, key: str) -> Any:
        """What :meth:`remember` noted under ``key``; None if nothing, or if the note can't be read."""
        try:
            return json.loads(self.state.read_text("utf-8")).get(key)
        except (OSError, ValueError, AttributeError):
            return None

    def remember(self, key: str, value: Any) -> None:
        """Note ``value`` (JSON) under ``key`` for the next start."""
        try:
            notes = dict(json.loads(self.state.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            notes = {}
        notes[key] = value
        write_private(self.state, json.dumps(notes, ensure_ascii=False, indent=1))


def section_id(name: str) -> str:
    """``name`` if it can be a section's name.

    :raises CourseError: if not: names become folders and addresses.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise CourseError(_("教学班编号 {name} 不能用：请用小写英文字母、数字和连字符，例如 crm-2。").format(name=name))
    return name


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    replace_file(path, text.encode("utf-8"), mode=0o600)
