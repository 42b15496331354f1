"""What the desk sets going: the commands of ``course``, each in a process of its own, and how far they are.

A job is a folder ``hub/jobs/<section>/<assignment>/<time>-<action>/`` with ``job.json`` (what, by whom, since when),
``progress.jsonl`` (what it tells on its way, its end in the last line), ``said.txt`` and ``errors.txt``.

A job holds the lock of its assignment from before its process starts until it has told its end or its process is gone,
however that went: the lock is taken here, and handed over as an open file. So there is one job at a time for an
assignment, and a job that has no end and no lock was interrupted. That holds across restarts of the desk: a job outlives
it.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.files import replace_file
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

ACTIONS = {
    "release": lambda: _("发布"),
    "collect": lambda: _("回收"),
    "grade": lambda: _("评分"),
    "feedback": lambda: _("生成并发回反馈"),
}
"""What can be done with an assignment: the command of ``course``, and what people call it."""

PROGRESS = "CRM_PROGRESS"
"""Environment variable: the file in which a command tells how far it is, a JSON object a line."""
LOCK = "CRM_JOB_LOCK"
"""Environment variable: the open file by which a job holds its lock."""
PROGRAM = (sys.executable, "-m", "course.desk.work")
KEPT = 20  # finished jobs of an assignment
WAIT_SECONDS = 2  # for a lock that somebody only looks at


@dataclass(frozen=True)
class Job:
    """A job as it stands. ``state``: ``running``, ``done``, ``failed`` or ``interrupted``. Times are ISO, UTC.

    ``total`` is None as long as it is unknown, ``failed`` says by student why there is no score, ``look`` whom a person
    should look at, ``counts`` what a grading did with how many.
    """

    assignment: str
    action: str
    by: str
    began: str
    state: str = "running"
    done: int = 0
    total: int | None = None
    student: str = ""
    message: str = ""
    ended: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    look: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def start(classroom: Classroom, assignment: str, action: str, by: str) -> tuple[Job, bool]:
    """Start a job, unless one of this assignment is running. Returns the job that runs now, and whether it is new.

    Raises:
        CourseError: the class's folder can't be written.
    """
    place = _place(classroom, assignment)
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        until = time.monotonic() + WAIT_SECONDS
        while (lock := _take(place)) is None:
            running = latest(classroom, assignment)
            if running and running.state == "running":
                return running, False
            if time.monotonic() > until:
                raise CourseError(_("作业 {name} 的任务还没有放手，请稍后再试。").format(name=assignment))
            time.sleep(0.02)
        try:
            folder = _new_folder(place, assignment, action, by)
            _launch(classroom, folder, lock)
        finally:
            os.close(lock)  # the process has its own handle of it
    except OSError as error:
        raise CourseError(
            _("任务没有启动：写不了 {folder}（{reason}）。").format(folder=place, reason=error.strerror)
        ) from None
    return _read(folder, place), True


def latest(classroom: Classroom, assignment: str) -> Job | None:
    """The newest job of an assignment; None if there never was one."""
    place = _place(classroom, assignment)
    folders = _folders(place)
    return _read(folders[-1], place) if folders else None


def _place(classroom: Classroom, assignment: str) -> Path:
    return classroom.hub / "jobs" / classroom.section / assignment


def _folders(place: Path) -> list[Path]:
    return sorted(path.parent for path in place.glob("*/job.json"))


def _new_folder(place: Path, assignment: str, action: str, by: str) -> Path:
    for old in _folders(place)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    began = datetime.now(UTC)
    folder = place / f"{began:%Y%m%dT%H%M%S.%f}-{action}"
    folder.mkdir(mode=0o700)
    about = {"assignment": assignment, "action": action, "by": by, "began": began.isoformat(timespec="seconds")}
    replace_file(folder / "job.json", json.dumps(about, ensure_ascii=False).encode(), mode=0o600)
    return folder


def _launch(classroom: Classroom, folder: Path, lock: int) -> None:
    """The process of a job: the desk's environment without the hub's tokens, a session of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTERHUB_")}
    environment = inherited | {
        "CRM_CLASSROOM": str(classroom.folder),
        "CRM_SECTION": classroom.section,
        PROGRESS: str(folder / "progress.jsonl"),
        LOCK: str(lock),
    }
    with _private(folder / "said.txt") as said, _private(folder / "errors.txt") as errors:
        process = subprocess.Popen(
            [*PROGRAM, str(folder)],
            cwd=course_root(),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=errors,
            pass_fds=[lock],
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie


@contextmanager
def _private(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _take(place: Path) -> int | None:
    """The lock as an open file; None if a job has it."""
    return _locked(place, fcntl.LOCK_EX)


def _is_locked(place: Path) -> bool:
    handle = _locked(place, fcntl.LOCK_SH)
    if handle is None:
        return True
    os.close(handle)
    return False


def _locked(place: Path, kind: int) -> int | None:
    handle = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


# -------------------------------------------------------------------------------------------------------- reading


def _read(folder: Path, place: Path) -> Job:
    """The job in ``folder``. Whether the lock is held is asked first: an end that comes in between is then seen."""
    held = _is_locked(place)
    about = json.loads((folder / "job.json").read_bytes())
    told: dict[str, Any] = {}
    for line in _lines(folder / "progress.jsonl"):
        told |= line
    known = {name: told[name] for name in ("done", "total", "student", "failed", "look", "counts") if name in told}
    job = Job(**about, **known)
    if "code" not in told:
        return _with(job, state="running") if held else _with(job, state="interrupted", message=_interrupted(job))
    state = "done" if told["code"] == 0 else "failed"
    # A grading that told its outcome went through, though some submissions may have no score.
    message = _outcome(job) if job.counts or not told.get("message") else told["message"]
    return _with(job, state=state, ended=told["ended"], message=message)


def _with(job: Job, **changes: Any) -> Job:
    return Job(**(asdict(job) | changes))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a progress file; one that is being written is not yet one."""
    try:
        content = path.read_bytes()
    except OSError:
        return
    for line in content.splitlines(keepends=True):
        if line.endswith(b"\n"):
            try:
                yield dict(json.loads(line))
            except (ValueError, TypeError):
                continue


def _interrupted(job: Job) -> str:
    if job.action == "grade":
        return _("评分中断了。已评好的都保存着：再按一次“评分”，会接着评。")
    return _("任务中断了；再做一次即可，已完成的部分不受影响。")


def _outcome(job: Job) -> str:
    """One sentence for a job that went well, or for a grading that could not grade everybody."""
    if job.action == "grade":
        counts = job.counts
        parts = [
            _("新评 {count} 份").format(count=counts.get("graded", 0)),
            _("补写成绩 {count} 份").format(count=counts["entered"]) if counts.get("entered") else "",
            _("没有变化 {count} 份").format(count=counts["unchanged"]) if counts.get("unchanged") else "",
            _("需要人看 {count} 份").format(count=len(job.look)) if job.look else "",
            _("没有评成 {count} 份").format(count=len(job.failed)) if job.failed else "",
        ]
        return _("评分完成：{parts}。").format(parts=_("，").join(part for part in parts if part))
    if job.action == "feedback":
        return _("已生成并发回 {count} 份反馈。").format(count=job.total or 0)
    return _("已发布，学生现在可以领取。") if job.action == "release" else _("回收完成。")
