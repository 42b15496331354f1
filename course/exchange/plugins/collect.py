"""Collecting: from ``received/`` into nbgrader's ``submitted`` folder."""

import os
import shutil
from typing import Any

from nbgrader.exchange.default import ExchangeCollect

from course.exchange.intake import may_take_in, take_in
from course.exchange.plugins.room import InClassroom
from crmlab.errors import CourseError


class Collect(InClassroom, ExchangeCollect):
    """nbgrader's, reading where the receiver put what it took in."""

    @property
    def inbound_path(self) -> str:
        return str(self.classroom.received)

    @inbound_path.setter
    def inbound_path(self, _common_inbound_folder: str) -> None:
        """nbgrader's class sets what is right for its own layout, and then only reads."""

    def init_src(self) -> None:
        if self.coursedir.course_id and may_take_in(self.classroom):
            try:
                take_in(self.classroom)
            except CourseError as error:
                self.log.warning("%s", error)  # what was taken in before can be collected all the same
        super().init_src()

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy whole or not at all: half a submission with its timestamp would pass for the collected one."""
        temporary = os.path.join(os.path.dirname(dest), f".collecting-{os.path.basename(dest)}")
        shutil.rmtree(temporary, ignore_errors=True)
        super().do_copy(src, temporary)
        os.rename(temporary, dest)
