"""What all exchange classes of this course share: whose exchange it is, and who asks."""

import os
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import Exchange
from nbgrader.utils import get_username

from course.hub.classroom import Classroom
from crmlab.i18n import _


class InClassroom(Exchange):
    """nbgrader's exchange, laid out as :class:`~course.hub.classroom.Classroom` says."""

    @property
    def classroom(self) -> Classroom:
        """The class in whose folder the exchange lies, seen from the section that is asked for."""
        return Classroom(Path(self.root).parent, self.coursedir.course_id)

    @property
    def student(self) -> str:
        """Whose program this is. The hub says it; the name of the account if nobody does, as with plain nbgrader."""
        said = self.coursedir.student_id
        return said if said != "*" else get_username()

    def ensure_root(self) -> None:
        """nbgrader wants a folder that everybody can write to. Here nobody needs that."""
        if not os.path.isdir(self.root):
            self.fail(_("找不到课堂的交换文件夹 {folder}；请告诉老师。").format(folder=self.root))

    def ensure_directory(self, path: str, mode: int) -> None:
        """Like nbgrader's, but only the account of the class may write there."""
        if not os.path.isdir(path):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode & 0o755)

    def _assignment_not_found(self, src_path: str, other_path: str) -> Any:
        self.fail(
            _("找不到 {path}；作业编号和教学班写对了吗？作业发布了吗？").format(
                path=os.path.join(*Path(src_path).parts[-2:])
            )
        )
