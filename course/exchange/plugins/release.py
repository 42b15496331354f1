"""Releasing assignments and feedback to students."""

import ctypes
import os
import shutil
from glob import glob
from pathlib import Path

from nbgrader.exchange.default import ExchangeReleaseAssignment, ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash

from course.exchange.boxes import open_boxes, put
from course.exchange.contents import SECRET_FILE, sync_folder
from course.exchange.plugins.room import InClassroom
from crmlab.i18n import _

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


class ReleaseAssignment(InClassroom, ExchangeReleaseAssignment):
    """nbgrader's, in one step: a student who is fetching gets the old release or the new one, never half of both."""

    def ensure_root(self) -> None:
        os.makedirs(self.root, exist_ok=True)

    dest_path: str

    def copy_files(self) -> None:
        final = Path(self.dest_path)
        if final.is_dir() and not self.force:
            self.fail(
                _("作业 {name} 已经发布过；要用新的一份换掉它，请加上 --force。").format(
                    name=self.coursedir.assignment_id
                )
            )
        new = final.with_name(f".new-{final.name}")
        shutil.rmtree(new, ignore_errors=True)
        self.dest_path = str(new)
        super().copy_files()
        self.dest_path = str(final)
        _put_in_place(new, final)


def _put_in_place(new: Path, final: Path) -> None:
    """Give the folder ``new`` the name ``final``. What had it stays beside it until the next time, for who reads it."""
    previous = final.with_name(f".previous-{final.name}")
    if final.exists():
        shutil.rmtree(previous, ignore_errors=True)
        if _exchange(new, final):
            os.rename(new, previous)
        else:  # a file system that can't: for a moment there is no release, and who fetches tries again
            os.rename(final, previous)
            os.rename(new, final)
    else:
        os.rename(new, final)
    sync_folder(final.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step (renameat2, which Python lacks). Whether the system can."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = (os.fsencode(one), os.fsencode(other))
    return swap is not None and swap(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0


class ReleaseFeedback(InClassroom, ExchangeReleaseFeedback):
    """Lays each page into the folder of the student whose work it is about."""

    def init_dest(self) -> None:
        if not self.coursedir.course_id:
            self.fail(_("没有说是哪个教学班；请加上 --course。"))

    def copy_files(self) -> None:
        """What lacks its way back is told, and keeps nobody else from their feedback."""
        excluded, failed = set(self.coursedir.student_id_exclude.split(",")), []
        for page in map(Path, sorted(glob(os.path.join(self.src_path, "*.html")))):
            student = page.parent.parent.name
            if student in excluded:
                continue
            try:
                secret = (page.parent / SECRET_FILE).read_text("ascii")
            except (OSError, ValueError):
                self.log.error(
                    _("{student} 的反馈没有发回：{folder} 里没有 {file}；请重新收取、评分、生成反馈。").format(
                        student=student, folder=page.parent, file=SECRET_FILE
                    )
                )
                continue
            try:
                self._hand_back(student, page, secret)
            except OSError as error:
                failed.append(f"{student} ({error.strerror})")
        if failed:
            self.fail(_("这些学生的反馈没有发回：{students}").format(students=", ".join(failed)))

    def _hand_back(self, student: str, page: Path, secret: str) -> None:
        folder = self.classroom.feedback_for(student)
        if not folder.is_dir():
            open_boxes(self.classroom, [student])
        put(folder, f"{notebook_hash(secret=secret, notebook_id=page.stem)}.html", page.read_bytes())
        self.log.info(
            _("已把 {assignment} 的反馈发回给 {student}（{notebook}）").format(
                assignment=self.coursedir.assignment_id, student=student, notebook=page.stem
            )
        )
