"""Listing what is released and what was handed in, as the Assignments tab of JupyterLab and ``nbgrader list`` show it."""

import hashlib
import os
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeList
from nbgrader.utils import notebook_hash

from course.exchange.boxes import locked
from course.exchange.contents import SECRET_FILE
from course.exchange.plugins.room import InClassroom
from course.exchange.student_side import StudentSide
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _


class ListAssignments(InClassroom, ExchangeList):
    """nbgrader's; submissions are those in ``received/``, feedback is in a folder for each student."""

    def init_dest(self) -> None:
        self._catch_up()
        super().init_dest()
        if self.inbound:
            course, student, assignment = (
                part or "*"
                for part in (self.coursedir.course_id, self.coursedir.student_id, self.coursedir.assignment_id)
            )
            received = Path(self.root).parent / "received"
            self.assignments = sorted(map(str, received.glob(f"{course}/{student}+{assignment}+*")))

    def _catch_up(self) -> None:
        """Put right what a killed program left, and lay receipts into the home that came after their student had gone."""
        if self.coursedir.student_id == "*":
            return  # staff: they have no drop box, and perhaps not even an account with a name
        exchange = Path(self.root)
        for box in exchange.glob(f"{self.coursedir.course_id or '*'}/inbound/{self.student}"):
            room = Classroom(exchange.parent, box.parent.parent.name)
            side = StudentSide(room, self.student, Path(self.cache) / room.section)
            try:
                with locked(box / ".lock", 0):
                    side.tidy()
                side.lay_receipts(Path(self.assignment_dir))
            except (CourseError, OSError) as error:
                self.log.info("Not now: %s", error)  # a submission is under way, or the disk is full: the list goes on

    def parse_assignment(self, assignment: str) -> dict[str, Any]:
        if self.inbound:
            folder = Path(assignment)
            assignment = os.path.join(self.root, folder.parent.name, "inbound", folder.name)
        return super().parse_assignment(assignment)

    def parse_assignments(self) -> list[dict[str, Any]]:
        found = super().parse_assignments()
        for group in found:
            for submission in group.get("submissions", []):
                self._look_for_feedback(submission)
        return found

    def _look_for_feedback(self, submission: dict[str, Any]) -> None:
        """What nbgrader's class says about feedback, for the folder where it lies here."""
        folder = Path(self.root) / submission["course_id"] / "feedback" / submission["student_id"]
        try:
            secret = (Path(submission["path"]) / SECRET_FILE).read_text("ascii")
        except (OSError, ValueError):
            return
        notebooks = submission["notebooks"]
        for notebook in notebooks:
            name = notebook_hash(secret=secret, notebook_id=notebook["notebook_id"])
            page, local = _checksum(folder / f"{name}.html"), notebook["local_feedback_path"]
            notebook["has_exchange_feedback"] = bool(page)
            notebook["feedback_updated"] = bool(page and local) and page != _checksum(Path(local))
        submission["has_exchange_feedback"] = bool(notebooks) and all(n["has_exchange_feedback"] for n in notebooks)
        submission["feedback_updated"] = any(notebook["feedback_updated"] for notebook in notebooks)

    def remove_files(self) -> list[dict[str, Any]]:
        if self.inbound:
            self.fail(_("收到的提交永久保存，不能用 nbgrader 删除。"))
        return super().remove_files()


def _checksum(page: Path) -> str:
    """Empty if there is no such page."""
    try:
        return hashlib.sha256(page.read_bytes()).hexdigest()
    except OSError:
        return ""
