"""The receiver: takes submissions in, all the time, in all sections. ``python -m course.exchange.receiver``.

The hub runs it as a service; a server without a hub can run it by itself. A second one does no harm.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from course.exchange.intake import Intake
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _

PAUSE, BUSY_PAUSE, BUSY = 0.5, 0.05, 2.0
"""Seconds between two rounds; shorter for ``BUSY`` seconds after a submission: before a due date one follows another."""
AFTER_A_FAILURE = 10.0
"""Seconds until a section is looked at again whose round failed as a whole, as on a full disk."""

log = logging.getLogger("course.exchange")


class Receiver:
    """Looks after all sections of a class."""

    def __init__(self, classroom: Classroom) -> None:
        self._classroom = classroom
        self._intakes: dict[str, Intake] = {}
        self._failed: dict[str, float] = {}

    def round(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Take in what waits, and say how many. One section's misfortune, whatever it is, does not touch the others."""
        taken = 0
        for section in self._classroom.sections():
            if self._failed.get(section, 0.0) > time.monotonic():
                continue
            try:
                taken += len(self._intake(section).run(stop))
            except CourseError as error:
                self._rest(section)
                log.error("%s", error)
            except Exception:
                self._rest(section)
                log.exception(_("教学班 {section} 这一轮没有收成，稍后再试").format(section=section))
        return taken

    def _intake(self, section: str) -> Intake:
        if section not in self._intakes:
            self._intakes[section] = Intake(self._classroom.of(section))
        return self._intakes[section]

    def _rest(self, section: str) -> None:
        self._failed[section] = time.monotonic() + AFTER_A_FAILURE


def main() -> None:
    """Run until SIGTERM or SIGINT, or until the process that started it is gone; what is begun is finished."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="[%(asctime)s] %(levelname)s %(message)s")
    ended, parent = threading.Event(), os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: ended.set())
    receiver = Receiver(Classroom.here())
    log.info(_("开始收取提交：{folder}").format(folder=Classroom.here().exchange))
    busy = 0.0
    while not ended.is_set() and os.getppid() == parent:
        try:
            if receiver.round(ended.is_set):
                busy = time.monotonic() + BUSY
        except OSError as error:
            log.error("%s", error)  # the class's folder itself is out of reach: it may come back
        ended.wait(BUSY_PAUSE if time.monotonic() < busy else PAUSE)
    log.info(_("停止收取提交"))


if __name__ == "__main__":
    main()
