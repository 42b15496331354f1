"""Handing in: from a student's home into the student's drop box."""

import errno
import os
import secrets
import time
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeSubmit
from traitlets import Float

from course.exchange import student_side
from course.exchange.boxes import locked, opened
from course.exchange.contents import SECRET_FILE, TIMESTAMP_FILE, Contents, Unacceptable, read_folder
from course.exchange.plugins.room import InClassroom
from course.exchange.receipts import Receipt
from crmlab.errors import CourseError
from crmlab.i18n import _

POLL = 0.1
LOCK_SECONDS = 30.0
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Submit(InClassroom, ExchangeSubmit):
    """nbgrader's, whole or not at all, into a drop box that no other student sees; then it waits for the receipt."""

    receipt_timeout = Float(10.0, help="Seconds to wait for the receipt. It comes later too.").tag(config=True)

    @property
    def inbound_path(self) -> str:
        return str(self.classroom.drop_box(self.student))

    @inbound_path.setter
    def inbound_path(self, _common_inbound_folder: str) -> None:
        """nbgrader's class sets what is right for its own layout, and then only reads."""

    def init_dest(self) -> None:
        if not os.path.isdir(self.inbound_path):
            self.fail(
                _("{student} 在教学班 {section} 没有投递箱；请重新启动自己的服务器，还不行就告诉老师。").format(
                    student=self.student, section=self.coursedir.course_id
                )
            )
        super().init_dest()

    def init_release(self) -> None:
        if not (self.classroom.outbound / self.coursedir.assignment_id).is_dir():
            self.fail(_("作业 {name} 没有发布，或者已经收回，不能提交。").format(name=self.coursedir.assignment_id))
        super().init_release()

    def copy_files(self) -> None:
        self.init_release()
        contents = self._read()
        self.check_filename_diff()
        side = student_side.StudentSide(self.classroom, self.student, Path(self.cache_path))
        problem = self._send(side, contents)
        if problem:
            self.fail(_("没有提交：{reason}").format(reason=problem))
        self._tell(side, contents.digest)

    def _send(self, side: student_side.StudentSide, contents: Contents) -> str:
        """Why nothing was sent; empty if it was."""
        own = {TIMESTAMP_FILE: self.timestamp.encode(), SECRET_FILE: secrets.token_hex(64).encode()}
        try:
            with locked(Path(self.inbound_path) / ".lock", LOCK_SECONDS):
                side.tidy()
                side.send(self.assignment_filename, contents.files | own)
        except CourseError as error:
            return str(error)
        except OSError as error:
            if error.errno in NO_SPACE:
                return _("磁盘已满。请删去不用的文件，再提交；还是不行就告诉老师。")
            return _("{reason}。请再试一次，还是不行就告诉老师。").format(reason=error.strerror)
        return ""

    def _read(self) -> Contents:
        try:
            with opened(Path(self.src_path)) as folder:
                return read_folder(folder, leave_out=self.coursedir.ignore)
        except Unacceptable as error:
            reason: Any = error
        except OSError as error:
            reason = error.strerror
        return self.fail(_("没有提交：{reason}").format(reason=reason))

    # ------------------------------------------------------------------------------------------------ the receipt

    def _tell(self, side: student_side.StudentSide, digest: str) -> None:
        receipt = self._wait(side)
        self._lay_receipts(side)
        if receipt is None:
            self.log.warning(
                _(
                    "作业 {name} 已经完整地放进投递箱，课堂收取后会给回执；下次刷新作业列表时，回执会出现在“{folder}”文件夹里。"
                ).format(name=self.coursedir.assignment_id, folder=student_side.receipts_folder())
            )
            return
        if receipt.refused:
            side.forget(self.assignment_filename)
            self.fail(_("没有收下：{reason}").format(reason=receipt.refused))
        if receipt.digest != digest:
            self.log.error(_("回执上的内容指纹和提交的不一样；请再提交一次，并告诉老师。"))
        self.log.info(
            _("已收到作业 {name}，回执编号 {number}{late}；回执在“{folder}”文件夹里。").format(
                name=receipt.assignment,
                number=receipt.number,
                late=_("（迟交）") if receipt.late else "",
                folder=student_side.receipts_folder(),
            )
        )

    def _wait(self, side: student_side.StudentSide) -> Receipt | None:
        until = time.monotonic() + self.receipt_timeout
        while (receipt := side.receipt_for(self.assignment_filename)) is None and time.monotonic() < until:
            time.sleep(POLL)
        return receipt

    def _lay_receipts(self, side: student_side.StudentSide) -> None:
        try:
            side.lay_receipts(Path(self.assignment_dir))
        except OSError as error:
            self.log.warning(_("回执没能放进你的文件夹（{reason}）；课堂有存根。").format(reason=error.strerror))
