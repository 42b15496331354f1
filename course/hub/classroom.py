"""Where a class lies on this machine, and the secrets it keeps.

Everything of a class is in one folder, ``classroom/`` of the course or the one that ``CRM_CLASSROOM`` names. Only the
account that runs the class can enter it (0700): that is the outer wall. Walls between users inside come with another
spawner and another exchange; the paths stay.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.files import replace_file
from crmlab.paths import course_root

COURSE_ID = "crm"
INSTRUCTOR = "teacher"
FIRST_ASSIGNMENT = "a04-segmentation"


@dataclass(frozen=True)
class Classroom:
    """The paths of one class."""

    folder: Path

    @classmethod
    def here(cls) -> "Classroom":
        """The class of this course, or the one that ``CRM_CLASSROOM`` names."""
        return cls(Path(os.environ.get("CRM_CLASSROOM") or course_root() / "classroom").resolve())

    @property
    def secrets(self) -> Path:
        """Cookie secret, proxy token, passwords. 0700."""
        return self.folder / "secrets"

    @property
    def passwords(self) -> Path:
        """The class list with hashed passwords."""
        return self.secrets / "passwords.json"

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
        """nbgrader's exchange folder."""
        return self.folder / "exchange"

    @property
    def homes(self) -> Path:
        return self.folder / "homes"

    def home(self, user: str) -> Path:
        """The home of ``user``, which is the root of that user's server."""
        return self.homes / user

    @property
    def course(self) -> Path:
        """nbgrader's course folder; inside the instructor's home, because formgrader links into it."""
        return self.home(INSTRUCTOR) / COURSE_ID

    @property
    def records(self) -> Path:
        """What grading left behind: the records of every graded submission. 0700."""
        return self.folder / "grading"

    @property
    def db_url(self) -> str:
        """Address of nbgrader's gradebook: what ``CRM_DB_URL`` or ``secrets/db_url`` says, else SQLite beside the course.

        The address of a server holds a password: it is never printed.
        """
        file = self.secrets / "db_url"
        stored = file.read_text("utf-8").strip() if file.is_file() else ""
        return os.environ.get("CRM_DB_URL") or stored or f"sqlite:///{self.course / 'gradebook.db'}"

    def create(self) -> None:
        """Make what is missing; nothing that exists is changed except a folder that others could enter."""
        for folder in (self.folder, self.secrets, self.hub, self.records):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        for folder in (self.exchange, self.course):
            folder.mkdir(parents=True, exist_ok=True)
        for file in (self.cookie_secret, self.proxy_token):
            if not file.exists():
                write_private(file, secrets.token_hex(32))
        self._link_assignments()

    def _link_assignments(self) -> None:
        """``crm/assignments`` shows the sources where they stand, so that an edit there is an edit of the course."""
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


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    replace_file(path, text.encode("utf-8"), mode=0o600)
