"""What happens at the student's end of a drop box, with the student's own rights.

nbgrader keeps a copy of each submission in the student's home: its list of submissions and the way back of feedback
hang on it. So a submission is complete when it lies in the drop box *and* that copy in its place; a program that is
killed in between is put right by the next one.
"""

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from autograder.files import replace_file
from course.exchange.contents import sync_folder, write_folder
from course.exchange.receipts import Receipt, file_name, issued_to, shown_time
from course.hub.classroom import Classroom
from crmlab.i18n import _

SENDING, TAKEN = ".sending-", ".taken-"


def receipts_folder() -> str:
    """The folder of a student's home that receipts are laid into."""
    return _("回执")


class StudentSide:
    """One student's drop box, copies and receipts in one section. ``cache``: nbgrader's folder of copies."""

    def __init__(self, classroom: Classroom, student: str, cache: Path) -> None:
        self.classroom, self.student, self._cache = classroom, student, cache
        self._box = classroom.drop_box(student)

    def send(self, name: str, files: Mapping[str, bytes]) -> None:
        """Lay a submission into the drop box; only when it is complete it gets its name. The lock must be held.

        Raises:
            OSError: nothing is sent.
        """
        self._cache.mkdir(parents=True, exist_ok=True)
        copy, sent = self._cache / f"{SENDING}{name}", self._box / f"{SENDING}{name}"
        try:
            write_folder(copy, files)
            write_folder(sent, files)
            os.rename(sent, self._box / name)
        except BaseException:
            for folder in (copy, sent):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        sync_folder(self._box)
        os.rename(copy, self._copy(name))
        sync_folder(self._cache)

    def _copy(self, name: str) -> Path:
        """nbgrader's name for the copy is without the random part."""
        return self._cache / name.rpartition("+")[0]

    def tidy(self) -> None:
        """Put right what programs left that were killed. The lock must be held: nobody else is sending."""
        for folder in self._cache.glob(f"{SENDING}*"):
            name = folder.name.removeprefix(SENDING)
            # In this order: the receipt is there before the folder goes from the drop box.
            if (self._box / name).is_dir() or self.receipt_for(name) is not None:
                os.rename(folder, self._copy(name))
            else:
                shutil.rmtree(folder, ignore_errors=True)
        for pattern in (SENDING, TAKEN):
            for folder in self._box.glob(f"{pattern}*"):
                shutil.rmtree(folder, ignore_errors=True)

    def forget(self, name: str) -> None:
        """Remove the copy of a submission that was refused: it is none."""
        shutil.rmtree(self._copy(name), ignore_errors=True)

    def receipt_for(self, name: str) -> Receipt | None:
        """The receipt or refusal of the folder ``name`` of the drop box, if it has come."""
        return next((receipt for receipt in issued_to(self.classroom, self.student) if receipt.box == name), None)

    def lay_receipts(self, home: Path) -> None:
        """Copy the receipts that are not there yet into the student's home, where they can be opened and sent on.

        Raises:
            OSError: they can't be written.
        """
        folder = home / receipts_folder()
        receipts = issued_to(self.classroom, self.student)
        if not receipts:
            return
        folder.mkdir(exist_ok=True)
        there = " ".join(os.listdir(folder))
        for receipt in receipts:
            if receipt.number not in there:
                with contextlib.suppress(FileNotFoundError):  # an old refusal that was forgotten meanwhile
                    text = (self.classroom.receipts_of(self.student) / f"{file_name(receipt)}.txt").read_bytes()
                    replace_file(folder / _home_name(receipt), text)


def _home_name(receipt: Receipt) -> str:
    """``a04-segmentation 2026-11-22 16.00.03 7KQ2-M4XD-9TRP.txt``: sorted by time, without colons."""
    name = f"{receipt.assignment} {shown_time(receipt.time).replace(':', '.')} {receipt.number}.txt"
    return _("没有收下 {name}").format(name=name) if receipt.refused else name
