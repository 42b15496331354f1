"""Taking submissions in: from the drop boxes into ``received/``, where they stay for ever.

One process at a time does it. A submission passes through four steps, each of which leaves a trace that a later run
goes on from, wherever the one before was killed:

1. the contents are read, and written to a folder of their own under ``received/<section>/.taking``;
2. the receipt's staff copy is written: from now on number, time and place of this submission are settled;
3. the folder gets its name in ``received/<section>/``, and the student the receipt;
4. the folder in the drop box is removed.

The receipt's number follows from the folder's name and contents, so the same submission never gets two.
"""

import contextlib
import errno
import logging
import os
import re
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from autograder.files import replace_file
from course.exchange import receipts
from course.exchange.boxes import locked, open_boxes, opened, put, waiting
from course.exchange.contents import (
    OPEN_FOLDER,
    SECRET_FILE,
    TIMESTAMP_FILE,
    Contents,
    Unacceptable,
    read_folder,
    shown,
    sync_folder,
    write_folder,
)
from course.exchange.duedates import due_date
from course.exchange.naming import TIME, SubmissionName, is_plain, parse, time_of
from course.exchange.receipts import Receipt
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _

log = logging.getLogger("course.exchange")

MOST_SUBMISSIONS = 100
"""Most submissions of one assignment by one student: 100 times 50 MB are 5 GB, more than any honest one needs."""
MOST_REFUSALS = 20
"""Most notes about refused submissions that a student's folder keeps; the newest stay."""
PATIENCE = 30.0
"""Seconds until a folder that could not be taken in, by a fault of this machine, is tried again."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SECRET = re.compile(rb"[0-9a-f]{128}")


class DiskFull(CourseError):  # noqa: N818 (the name says what is wrong)
    """There is no room for submissions. They wait in the drop boxes."""


def may_take_in(classroom: Classroom) -> bool:
    """Whether this process can take submissions in: it runs outside all walls, as the account of the class."""
    return os.access(classroom.receipt_key, os.R_OK)


def take_in(classroom: Classroom) -> list[Receipt]:
    """Take in what lies in the drop boxes of the section. Returns the receipts; refusals are told to the students.

    Raises:
        CourseError: the key is out of reach, or the disk is full. What is not taken in stays where it is.
    """
    return Intake(classroom).run()


class Intake:
    """Takes in the submissions of one section, as often as :meth:`run` is called."""

    def __init__(self, classroom: Classroom) -> None:
        self.classroom = classroom
        self._key = receipts.read_key(classroom)
        self._folder = classroom.received
        self._temporary = classroom.received / ".taking"
        self._later: dict[tuple[str, str], float] = {}
        self._counts: Counter[tuple[str, str]] | None = None
        self._titles: dict[str, str] | None = None
        for folder in (self._folder, self._temporary, self._folder / ".receipts"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def run(self, stop: Callable[[], bool] = lambda: False) -> list[Receipt]:
        """One round: everything that waits now and has not failed a moment ago. ``stop`` ends it between two of them.

        Raises:
            DiskFull: there is no room.
        """
        now = time.monotonic()
        self._later = {item: until for item, until in self._later.items() if until > now}
        if all(item in self._later for item in waiting(self.classroom)):
            return []
        with locked(self._folder / ".lock"):
            self._clear()
            self._counts = self._titles = None  # others may have changed what they are made from
            items = [item for item in waiting(self.classroom) if item not in self._later]
            settled = (self._settle(*item) for item in items if not stop())
            return [receipt for receipt in settled if receipt is not None]

    def _clear(self) -> None:
        """Remove what a run left that was killed: whoever holds the lock is the only one who writes there."""
        for folder in self._temporary.iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def _settle(self, student: str, name: str) -> Receipt | None:
        """Take one folder in, or refuse it, or leave it for later: whatever it is, the others come to their turn."""
        try:
            with opened(self.classroom.drop_box(student)) as box:
                try:
                    return self._take(box, student, name)
                except Unacceptable as reason:
                    self._refuse(box, student, name, str(reason))
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_SPACE:
                raise DiskFull(
                    _("磁盘已满，{folder} 写不下了；提交都还在投递箱里，腾出空间后会自动收取。").format(
                        folder=self._folder
                    )
                ) from None
            self._later[student, name] = time.monotonic() + PATIENCE
            log.exception(_("没有收成 {student}/{name}，稍后再试").format(student=student, name=shown(name)))
        return None

    def _take(self, box: int, student: str, name: str) -> Receipt | None:
        claimed = self._claimed(student, name)
        try:
            source = os.open(name, OPEN_FOLDER, dir_fd=box)
        except FileNotFoundError:
            return None  # the student took it back
        except OSError:
            raise Unacceptable(_("{name} 不是普通文件夹。").format(name=shown(name))) from None
        try:
            contents = read_folder(source)
            receipt, files = self._made_out(student, name, claimed.assignment, contents)
            receipt = receipts.kept(self.classroom, receipt.number, self._key) or self._room_for(receipt)
            self._keep(receipt, files)
            self._deliver(receipt)
            _remove(box, name, source)
        finally:
            os.close(source)
        log.info(_line(receipt))
        return receipt

    def _claimed(self, student: str, name: str) -> SubmissionName:
        """What the name says. Of that, only the assignment counts, and only if it is released."""
        claimed = parse(name) if is_plain(student) else None
        if claimed is None:
            raise Unacceptable(_("{name} 不是用“提交”按钮或 nbgrader submit 交来的。").format(name=shown(name)))
        released = self.classroom.outbound / claimed.assignment
        if not released.is_dir() or released.is_symlink():
            raise Unacceptable(
                _("作业 {assignment} 没有发布，或者已经收回；请核对是不是交错了教学班。").format(
                    assignment=shown(claimed.assignment)
                )
            )
        return claimed

    def _made_out(
        self, student: str, name: str, assignment: str, contents: Contents
    ) -> tuple[Receipt, dict[str, bytes]]:
        """The receipt for these contents, and the files to keep: the student's, with a time and a secret to trust."""
        secret, notes = contents.own.get(SECRET_FILE, b""), []
        if not _SECRET.fullmatch(secret):
            secret = secrets.token_hex(64).encode()
            notes.append(_("提交里没有有效的反馈凭据，反馈页可能取不回来；用“提交”按钮重新交一次就好。"))
        when = time_of(min(contents.changed, time.time_ns()))
        number = receipts.number_of(self._key, self.classroom.section, student, name, contents.digest)
        due = due_date(self.classroom, assignment)
        receipt = Receipt(
            number=number,
            section=self.classroom.section,
            student=student,
            title=self._title(student),
            assignment=assignment,
            time=when,
            due=due.strftime(TIME) if due else "",
            late=is_late(when, due),
            digest=contents.digest,
            files=tuple((path, len(content)) for path, content in sorted(contents.files.items())),
            box=name,
            folder=str(SubmissionName(student, assignment, when, number)),
            notes=tuple(notes),
        )
        return receipt, {**contents.files, TIMESTAMP_FILE: when.encode(), SECRET_FILE: secret}

    def _title(self, student: str) -> str:
        if self._titles is None:
            self._titles = titles(self.classroom)
        return self._titles.get(student, "")

    def _room_for(self, receipt: Receipt) -> Receipt:
        """``receipt``, unless its student has handed in far too often."""
        if self._counts is None:
            names = filter(None, map(parse, os.listdir(self._folder)))
            self._counts = Counter((name.student, name.assignment) for name in names)
        self._counts[receipt.student, receipt.assignment] += 1
        if self._counts[receipt.student, receipt.assignment] > MOST_SUBMISSIONS:
            raise Unacceptable(
                _("作业 {assignment} 已经提交了 {most} 次，不能再交；需要再交时请找老师。").format(
                    assignment=receipt.assignment, most=MOST_SUBMISSIONS
                )
            )
        return receipt

    def _keep(self, receipt: Receipt, files: dict[str, bytes]) -> None:
        """Steps 1 to 3. A run that was killed may have done any of them."""
        final = self._folder / receipt.folder
        if final.is_dir():
            return
        files[TIMESTAMP_FILE] = receipt.time.encode()
        temporary = self._temporary / secrets.token_hex(8)
        try:
            write_folder(temporary, files)
            stub = receipts.kept_file(self.classroom, receipt.number)
            replace_file(stub, receipts.as_json(self._key, receipt), 0o600, durable=True)
            os.rename(temporary, final)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(self._folder)

    def _deliver(self, receipt: Receipt) -> None:
        """Lay the receipt into the student's folder. Its owner may have made a mess of it: the staff's copy holds."""
        try:
            open_boxes(self.classroom, [receipt.student])
            folder, name = self.classroom.receipts_of(receipt.student), receipts.file_name(receipt)
            put(folder, f"{name}.txt", receipts.as_text(self._key, receipt).encode("utf-8", "replace"))
            put(folder, f"{name}.json", receipts.as_json(self._key, receipt))  # last: it says that both are there
        except OSError as error:
            if error.errno in NO_SPACE:
                raise
            log.warning(
                _("{student} 的回执 {number} 放不进他的文件夹（{reason}）；存根已经保存。").format(
                    student=receipt.student, number=receipt.number, reason=error.strerror
                )
            )

    # ------------------------------------------------------------------------------------------------------ refusing

    def _refuse(self, box: int, student: str, name: str, reason: str) -> None:
        """Tell the student why, and hide the folder: it stays in the drop box, and belongs to the student."""
        status = os.stat(name, dir_fd=box, follow_symlinks=False)
        when = time_of(min(status.st_ctime_ns, time.time_ns()))
        claimed = parse(name)
        number = receipts.number_of(self._key, self.classroom.section, student, name, "refused", when)
        self._deliver(
            Receipt(
                number=number,
                section=self.classroom.section,
                student=student,
                title=self._title(student),
                assignment=claimed.assignment if claimed else "",
                time=when,
                box=os.fsencode(name).decode("utf-8", "replace"),
                refused=reason,
            )
        )
        os.rename(name, f".refused-{number}", src_dir_fd=box, dst_dir_fd=box)
        self._forget_old_refusals(student)
        log.warning(_("没有收下 {student}/{name}：{reason}").format(student=student, name=shown(name), reason=reason))

    def _forget_old_refusals(self, student: str) -> None:
        folder = self.classroom.receipts_of(student)
        with contextlib.suppress(OSError), opened(folder) as place:
            names = [name for name in os.listdir(place) if name.startswith("refused-")]
            ages = {name: os.stat(name, dir_fd=place, follow_symlinks=False).st_mtime_ns for name in names}
            for name in sorted(names, key=lambda name: ages[name])[: -2 * MOST_REFUSALS]:
                os.unlink(name, dir_fd=place)


def _remove(box: int, name: str, source: int) -> None:
    """Step 4. The folder is hidden first: half of it must not be taken for another submission."""
    hidden = f".taken-{secrets.token_hex(8)}"
    os.rename(name, hidden, src_dir_fd=box, dst_dir_fd=box)
    if os.stat(hidden, dir_fd=box, follow_symlinks=False).st_ino != os.fstat(source).st_ino:
        os.rename(hidden, name, src_dir_fd=box, dst_dir_fd=box)  # another folder stands there now: its turn comes
        return
    try:
        shutil.rmtree(hidden, dir_fd=box)
    except (OSError, RecursionError) as error:
        log.debug("%s stays in the drop box: %s", hidden, error)  # hidden, and its owner's to remove


def _line(receipt: Receipt) -> str:
    state = {None: "", False: _("，按时"), True: _("，迟交")}[receipt.late]
    return _("收下 {section} {assignment} {student}：{number}，{count} 个文件，{size}{state}").format(
        section=receipt.section,
        assignment=receipt.assignment,
        student=receipt.student,
        number=receipt.number,
        count=len(receipt.files),
        size=receipts.shown_size(receipt.size),
        state=state,
    )


def titles(classroom: Classroom) -> dict[str, str]:
    """Names of people by student id. No submission waits for a class list that can't be read."""
    try:
        from course.people import read_people

        return {name: person.title for name, person in read_people(classroom).items()}
    except CourseError as error:
        log.warning("%s", error)
        return {}


def is_late(time: str, due: datetime | None) -> bool | None:
    """Whether a submission of this time is late; None if there is no due date."""
    return None if due is None else datetime.strptime(time, TIME).replace(tzinfo=UTC) > due
