"""``course upgrade``, and the steps that bring the folder of an older release to the present layout.

:func:`migrate` is called at each start of a class as well. A step moves things by renaming, never over something that
is there, and can be run again wherever it was stopped; the number of the layout is noted when a step is done.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from course.hub import preflight
from course.hub.classroom import FIRST_SECTION, INSTRUCTOR, Classroom
from course.operations.backup import Progress, backup
from course.operations.running import stopped
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

LAYOUT = 2
"""The layout of this release."""
NOTE = "layout"
"""Its key in ``hub/state.json``."""


def layout_of(classroom: Classroom) -> int:
    """The layout of the class's folder; that of this release if there is no class yet.

    The first release noted none. What tells it is its course folder in the instructor's home, or its class list.
    """
    noted = classroom.recall(NOTE)
    if isinstance(noted, int):
        return noted
    old = (classroom.home(INSTRUCTOR) / FIRST_SECTION, classroom.secrets / "passwords.json")
    return 1 if any(os.path.lexists(path) for path in old) else LAYOUT


def migrate(classroom: Classroom) -> list[str]:
    """Bring the folder to the layout of this release. Returns what was done, a sentence each.

    :raises CourseError: if it is of a later release, or something stands in the way.
    """
    layout = layout_of(classroom)
    if layout > LAYOUT:
        raise CourseError(
            _("班级 {folder} 属于更新的课程版本（布局 {found}，本版本到 {known}）；请更新课程后再启动。").format(
                folder=classroom.folder, found=layout, known=LAYOUT
            )
        )
    done: list[str] = []
    for number in range(layout, LAYOUT):
        done += _STEPS[number](classroom)
        classroom.remember(NOTE, number + 1)
    if classroom.hub.is_dir() and classroom.recall(NOTE) != LAYOUT:
        classroom.remember(NOTE, LAYOUT)
    return done


# ------------------------------------------------------------------------------------------------------- from 1 to 2


def _sections(classroom: Classroom) -> list[str]:
    """One section becomes one of several, and each student gets a drop box, receipts and feedback of their own."""
    classroom = classroom.of(FIRST_SECTION)
    moves = [
        (classroom.home(INSTRUCTOR) / FIRST_SECTION, classroom.course, _("课程文件夹和成绩册")),
        (classroom.folder / "grading", classroom.records, _("评分记录")),
    ]
    done = [
        _("{what}移到了 {place}").format(what=what, place=new.relative_to(classroom.folder))
        for old, new, what in moves
        if move_all(old, new)
    ]
    if count := _submissions(classroom):
        done.append(_("{count} 份提交移到了 {place}").format(count=count, place=f"received/{FIRST_SECTION}"))
    if count := _feedback(classroom):
        done.append(_("{count} 份反馈移到了学生各自的文件夹").format(count=count))
    return done + _people(classroom)


def move_all(old: Path, new: Path) -> bool:
    """Move what is in ``old`` into ``new``, which may be inside ``old``. Whether there was anything.

    Folders that are in both are merged. A link that is in both is dropped in ``old``: ``course up`` makes it. A file
    that is in both stays, as ``<name>.old``.
    """
    if old.is_symlink() or not old.is_dir():
        return False
    new.mkdir(parents=True, exist_ok=True, mode=0o700)
    moved = False
    for item in sorted(old.iterdir()):
        if item == new:
            continue
        moved = True
        target = new / item.name
        if not os.path.lexists(target):
            item.rename(target)
        elif item.is_symlink() and target.is_symlink():
            item.unlink()
        elif item.is_dir() and target.is_dir() and not item.is_symlink() and not target.is_symlink():
            move_all(item, target)
        else:
            item.rename(_free_name(target))
    if not new.is_relative_to(old):
        old.rmdir()
    return moved


def _free_name(path: Path) -> Path:
    number, free = 1, path.with_name(f"{path.name}.old")
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.old{number}")
    return free


def _submissions(classroom: Classroom) -> int:
    """nbgrader laid submissions flat, as ``<student>+<assignment>+<time>+<random>``; a student's name has no plus."""
    old = classroom.exchange / FIRST_SECTION / "inbound"
    found = sorted(path for path in old.glob("*+*+*") if path.is_dir() and not path.is_symlink())
    for path in found:
        target = classroom.received / path.name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.rename(_free_name(target) if os.path.lexists(target) else target)
    return len(found)


def _feedback(classroom: Classroom) -> int:
    """Pages lay flat under a hash of notebook and submission. What belongs to nobody known stays where it is."""
    old = classroom.exchange / FIRST_SECTION / "feedback"
    pages = [path for path in old.glob("*.html") if path.is_file() and not path.is_symlink()]
    owners = _owners_of_feedback(classroom) if pages else {}
    moved = 0
    for page in pages:
        student = owners.get(page.stem)
        target = classroom.feedback_for(student) / page.name if student else None
        if target and not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            page.rename(target)
            moved += 1
    return moved


def _owners_of_feedback(classroom: Classroom) -> dict[str, str]:
    """The student by the hash that nbgrader gave the feedback of each submission's notebook."""
    from nbgrader.utils import make_unique_key, notebook_hash

    owners = {}
    for folder in classroom.received.glob("*+*+*"):
        student, assignment, when = folder.name.split("+")[:3]
        secret = folder / "submission_secret.txt"
        for notebook in folder.glob("*.ipynb"):
            key = make_unique_key(FIRST_SECTION, assignment, notebook.stem, student, when)
            owners[notebook_hash(str(notebook), key)] = student
            if secret.is_file():
                owners[notebook_hash(secret=secret.read_text("utf-8"), notebook_id=notebook.stem)] = student
    return owners


def _people(classroom: Classroom) -> list[str]:
    """The class list of the first release becomes one of :mod:`course.people`; the passwords stay."""
    from course.people.store import editing

    if not (classroom.secrets / "passwords.json").exists():
        return []
    with editing(classroom) as people:
        return [_("班级名单（{count} 人）转成了新的格式，密码不变").format(count=len(people))]


_STEPS: dict[int, Callable[[Classroom], list[str]]] = {1: _sections}


# --------------------------------------------------------------------------------------------------------- databases


def upgrade_databases(classroom: Classroom) -> list[str]:
    """Bring the tables of the hub and of all gradebooks to the installed versions. Returns what was changed.

    :raises CourseError: if one can't be brought there.
    """
    from jupyterhub import dbutil as hub
    from nbgrader import dbutil as nbgrader

    done = []
    if _upgrade(f"sqlite:///{classroom.hub / 'jupyterhub.sqlite'}", hub.ALEMBIC_DIR, hub.write_alembic_ini):
        done.append(_("JupyterHub 的数据库升级了"))
    for section in classroom.sections():
        if _upgrade(classroom.of(section).db_url, nbgrader.ALEMBIC_DIR, _nbgrader_settings):
            done.append(_("教学班 {section} 的成绩册升级了").format(section=section))
    return done


def _nbgrader_settings(file: str, url: str) -> None:
    from nbgrader.dbutil import write_alembic_ini

    write_alembic_ini(file, url.replace("%", "%%"))  # jupyterhub's does this itself


def _upgrade(url: str, steps: str, write_settings: Callable[[str, str], None]) -> bool:
    """Run the steps that a database lacks. Whether there were any; a database that is not there yet lacks none."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
        return False
    if _revision(url) in (None, _newest(steps)):
        return False
    # A process of its own: alembic's settings change the logging of the process that reads them.
    with tempfile.TemporaryDirectory(prefix="crm-upgrade-") as folder:
        settings = str(Path(folder, "alembic.ini"))
        write_settings(settings, url)
        command = [sys.executable, "-c", "from alembic.config import main; main()", "-c", settings, "upgrade", "head"]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or [""])[-1]
        raise CourseError(_("数据库升级没有成功：{reason}。备份已在升级之前做好。").format(reason=last))
    return True


def _revision(url: str) -> str | None:
    """The number of the newest step that a database has; None if it is empty."""
    import sqlalchemy as sa
    from alembic.runtime.migration import MigrationContext

    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except sa.exc.SQLAlchemyError as error:
        raise CourseError(_("数据库打不开（{kind}），没有升级。").format(kind=type(error).__name__)) from None


def _newest(steps: str) -> str | None:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(steps).get_current_head()


# ------------------------------------------------------------------------------------------------------ the command


def upgrade(classroom: Classroom, progress: Progress = lambda _done, _all: None) -> tuple[Path | None, list[str]]:
    """Bring a stopped class to this release, after a backup. Returns the backup, if there is a class, and what was done.

    What students wrote stays: new editions of chapters come at the next start, beside what was changed.

    :raises CourseError: the class runs, or a step failed.
    """
    root, saved, done = course_root(), None, []
    with stopped(classroom, _("升级")):
        if classroom.hub.is_dir():
            saved = backup(classroom, progress=progress).path
            done += migrate(classroom)
            done += upgrade_databases(classroom)
        if preflight.node_packages_missing(root):
            preflight.install_node_packages(root)
            done.append(_("网页组件更新了"))
    return saved, done
