"""Fetching assignments and feedback into a student's home."""

import os
import shutil
import time

from nbgrader.exchange.default import ExchangeFetchAssignment, ExchangeFetchFeedback

from course.exchange.plugins.room import InClassroom
from crmlab.i18n import _

ATTEMPTS, PAUSE = 5, 0.2
"""An assignment that is released anew while it is fetched is fetched again; seconds in between."""


class FetchAssignment(InClassroom, ExchangeFetchAssignment):
    """nbgrader's, whole or not at all."""

    def do_copy(self, src: str, dest: str) -> None:
        if os.path.isdir(dest):
            super().do_copy(src, dest)  # replaces what is missing, file by file
            return
        temporary = os.path.join(os.path.dirname(dest), f".fetching-{os.path.basename(dest)}")
        for attempt in range(ATTEMPTS):
            time.sleep(PAUSE if attempt else 0)
            shutil.rmtree(temporary, ignore_errors=True)
            if self._copy_unchanged(src, temporary):
                os.rename(temporary, dest)
                return
        self.fail(_("作业 {name} 正在重新发布；请过一会儿再领取。").format(name=os.path.basename(dest)))

    def _copy_unchanged(self, src: str, dest: str) -> bool:
        """Whether the copy is of one release: a new one is another folder of the same name."""
        try:
            before = os.stat(src).st_ino
            shutil.copytree(src, dest, ignore=shutil.ignore_patterns(*self.coursedir.ignore))
            return os.stat(src).st_ino == before
        except (FileNotFoundError, shutil.Error) as error:
            self.log.warning("%s", error)
            return False


class FetchFeedback(InClassroom, ExchangeFetchFeedback):
    """nbgrader's, reading the student's own feedback folder."""

    @property
    def outbound_path(self) -> str:
        return str(self.classroom.feedback_for(self.student))

    @outbound_path.setter
    def outbound_path(self, _common_feedback_folder: str) -> None:
        """nbgrader's class sets what is right for its own layout, and then only reads."""
