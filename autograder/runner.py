"""A class, graded: submissions collected, graded side by side, recorded, entered in the gradebook by one writer.

Local threads or a Dask cluster do the grading with the same function, :func:`grade_job`; each process has one house.
What is recorded is not run again, so that a batch that was stopped goes on where it stood.
"""

import contextlib
import fcntl
import hashlib
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import msgspec

from autograder import submission
from autograder.contract import Source
from autograder.files import digest, digest_of
from autograder.gradebook import Gradebook, GradebookError
from autograder.records import Fingerprint, Record
from autograder.sandbox.house import House, SandboxError
from autograder.sandbox.limits import Limits
from autograder.session import HouseError, Job, grade
from autograder.store import Store
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

_ATTEMPTS = 3  # gradings of one submission when the machine, not the submission, breaks down
_AHEAD = 2  # submissions in hand for each worker: memory stays bounded whatever the class's size
MOST_BESIDE = 16 * 2**20
"""Bytes of files beside a notebook."""


@dataclass(frozen=True)
class Desk:
    """Where a class's work lies.

    course: nbgrader's course folder, with ``submitted/<student>/<assignment>``. records: the records of grading.
    db_url: the gradebook. patience: seconds to wait for a gradebook that is locked or restarting.
    """

    course: Path
    records: Path
    db_url: str
    patience: float = 60


Marks = dict[str, dict[str, float | None]]


@dataclass
class Summary:
    """What came of a run: students by outcome. ``failed`` gives the reason: these have no new score.

    ``before``: the automatic scores in the gradebook when the run began, by student and graded cell.
    """

    before: Marks = field(default_factory=dict)
    graded: list[Record] = field(default_factory=list)
    entered: list[Record] = field(default_factory=list)  # recorded earlier, missing in the gradebook
    unchanged: list[Record] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def records(self) -> list[Record]:
        return sorted([*self.graded, *self.entered, *self.unchanged], key=lambda record: record.student)

    @property
    def look(self) -> list[Record]:
        """Records that a person should look at before they count."""
        return [record for record in self.records if record.look]


Progress = Callable[[str, int, int], None]
"""Called with the student just finished, the number done and the number to do."""


class Backend:
    """Local threads on one house. Another backend has the same two methods."""

    def __init__(self, workers: int, walls: bool = True) -> None:
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="grade")
        self._house = House(walls)

    def submit(self, job: Job) -> Future[bytes]:
        return self._pool.submit(grade_job, job, self._house)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._house.close()


def grade_job(job: Job, house: House | None = None) -> bytes:
    """Grade one submission: the record as JSON. Runs in a local thread or on a worker of a cluster.

    Raises:
        SandboxError: this machine has no walls. HouseError, OSError: they broke down again and again.
    """
    if job.made_from.environment != environment():
        raise CourseError(_("这台评分机上的课程版本与发起评分的机器不同，请先在两边安装同一版本。"))
    for attempt in itertools.count(1):
        try:
            return msgspec.json.encode(grade(job, house or _own_house(), patient=attempt < _ATTEMPTS))
        except (HouseError, SandboxError, OSError):
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError


_lock = threading.Lock()
_house: House | None = None


def _own_house() -> House:
    """The house of this process."""
    global _house
    with _lock:
        _house = _house or House()
        return _house


# ------------------------------------------------------------------------------------------------------ the batch


def grade_class(
    desk: Desk,
    assignment: str,
    source: Source,
    backend: Backend,
    students: Sequence[str] | None = None,
    *,
    force: bool = False,
    limits: Limits | None = None,
    progress: Progress = lambda *_: None,
) -> Summary:
    """Grade what is new, enter what is missing in the gradebook, leave the rest alone.

    A gradebook that goes away in the middle stops no grading: records are kept, a rerun enters them.

    Args:
        students: only these; all who handed in if None.
        force: grade again what is recorded.

    Raises:
        CourseError: another grading of this assignment is running; no submissions; no walls here; the gradebook or
            the folders can't be written.
    """
    book = Gradebook(desk.db_url, desk.course, desk.patience)
    with _told_plainly(), _alone(desk, assignment), contextlib.closing(book):
        names = list(students) if students is not None else handed_in(desk, assignment)
        batch = _Batch(desk, assignment, source, limits or Limits(), force, book, names, progress)
        for job, outcome in _stream(batch.jobs(), backend):
            batch.take(job, outcome)
    if batch.gone:
        raise batch.gone
    return batch.summary


class _Batch:
    """One run over a class. ``gone`` says why the gradebook went away: from then on records are only kept."""

    def __init__(
        self,
        desk: Desk,
        assignment: str,
        source: Source,
        limits: Limits,
        force: bool,
        book: Gradebook,
        names: list[str],
        progress: Progress,
    ) -> None:
        self._make_job = partial(make_job, desk, assignment, source=source, limits=limits)
        self._store, self._book, self._force = Store(desk.records), book, force
        self._names, self._progress, self._done = names, progress, itertools.count(1)
        self.summary = Summary(before=book.marks(assignment, source.notebook))
        self.gone: GradebookError | None = None

    def jobs(self) -> Iterator[Job]:
        """What has to run; what is recorded is dealt with on the way."""
        for name in self._names:
            job = self._make_job(name)
            record = None if self._force else self._store.find(job.assignment, name, job.made_from)
            if record is None:
                yield job
                continue
            if is_entered(record, self.summary.before.get(name)) and self._book.has_notebook(record):
                self.summary.unchanged.append(_brief(record))
            else:
                self._enter(msgspec.structs.replace(record, submitted=job.submitted))
                self.summary.entered.append(_brief(record))
            self._finish(name)

    def take(self, job: Job, outcome: bytes | Exception) -> None:
        """Keep and enter what came of a job."""
        if isinstance(outcome, SandboxError):
            raise outcome
        if isinstance(outcome, Exception):
            self.summary.failed[job.student] = str(outcome)
        else:
            record = msgspec.json.decode(outcome, type=Record)
            self._store.save(record)
            self._enter(record)
            self.summary.graded.append(_brief(record))
        self._finish(job.student)

    def _enter(self, record: Record) -> None:
        if self.gone:
            return
        try:
            self._book.write(record, partial(self._store.keep_superseded, record))
        except GradebookError as error:
            self.gone = error

    def _finish(self, student: str) -> None:
        self._progress(student, next(self._done), len(self._names))


def _brief(record: Record) -> Record:
    """Without the notebook: a class's would fill the memory."""
    return msgspec.structs.replace(record, document={})


@contextlib.contextmanager
def _told_plainly() -> Iterator[None]:
    """A disk that is full or read-only, told in one sentence."""
    try:
        yield
    except OSError as error:
        raise CourseError(
            _(
                "读写不了 {file}（{reason}），评分停在这里。已评好的记录都保存着：问题解决后再运行一次，会接着评，不会重复。"
            ).format(file=error.filename or _("文件"), reason=error.strerror or type(error).__name__)
        ) from None


def _stream(jobs: Iterable[Job], backend: Backend) -> Iterator[tuple[Job, bytes | Exception]]:
    """Outcomes as they come, with a bounded number of submissions in hand."""
    running: dict[Future[bytes], Job] = {}
    waiting = iter(jobs)
    try:
        while True:
            for job in itertools.islice(waiting, _AHEAD * backend.workers - len(running)):
                running[backend.submit(job)] = job
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(future)
                error = future.exception()
                if error is not None and not isinstance(error, Exception):
                    raise error
                yield job, error or future.result()
    finally:
        for future in running:
            future.cancel()


def is_entered(record: Record, marks: dict[str, float | None] | None) -> bool:
    """Whether the gradebook holds the scores of this record."""
    return marks is not None and all(marks.get(test.cell) == test.score for test in record.tests)


@contextlib.contextmanager
def _alone(desk: Desk, assignment: str) -> Iterator[None]:
    """One grading of an assignment at a time; the lock dies with its owner."""
    folder = desk.records / assignment
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "grading.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CourseError(
                _("作业 {assignment} 正在评分（进程 {process}）；请等它结束，或先停止它。").format(
                    assignment=assignment, process=lock.read().strip() or "?"
                )
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        for stale in folder.glob("*/.crm-*"):  # half-written when the power failed
            stale.unlink()
        yield


# -------------------------------------------------------------------------------------------------- what goes in


def handed_in(desk: Desk, assignment: str) -> list[str]:
    """Students with a submission of this assignment.

    Raises:
        CourseError: nobody handed in.
    """
    found = sorted(path.parent.name for path in (desk.course / "submitted").glob(f"*/{assignment}") if path.is_dir())
    if not found:
        raise CourseError(
            _("作业 {assignment} 还没有收到提交（{folder} 里没有）；请先回收作业。").format(
                assignment=assignment, folder=desk.course / "submitted"
            )
        )
    return found


def make_job(desk: Desk, assignment: str, student: str, source: Source, limits: Limits) -> Job:
    """Collect one submission. A file that can't be taken is a job too: its findings say why, its score will be 0."""
    folder = desk.course / "submitted" / student / assignment
    content: bytes | None = None
    findings: tuple[str, ...] = ()
    try:
        collected = submission.collect_bytes(folder, source.notebook)
        content, findings = collected.content, collected.findings
    except submission.UnreadableSubmission as error:
        findings = (str(error),)
    beside = _beside(course_root() / "assignments" / assignment)
    return Job(
        assignment=assignment,
        student=student,
        source=source,
        content=content,
        findings=findings,
        files=beside,
        submitted=submission.submitted_at(folder),
        made_from=Fingerprint(
            submission=digest_of({"notebook": content or b"", "findings": "\n".join(findings).encode()}),
            tests=digest(
                msgspec.json.encode([source.digest, limits, sorted((k, digest(v)) for k, v in beside.items())])
            ),
            data=data_version(),
            environment=environment(),
        ),
        limits=limits,
    )


def _beside(folder: Path) -> dict[str, bytes]:
    """The instructor's files beside the notebook, e.g. a table that the assignment reads."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".ipynb"]
    shown = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if "/." not in path.as_posix()}
    if sum(map(len, shown.values())) > MOST_BESIDE:
        raise CourseError(_("{folder} 里随作业发放的文件超过 16 MiB，请放进 datasets/。").format(folder=folder))
    return shown


@cache
def data_version() -> str:
    """Fingerprint of all data sets: their descriptions hold the hash of every table."""
    paths = sorted((course_root() / "datasets").glob("*/datapackage.json"))
    return digest_of({path.parent.name: path.read_bytes() for path in paths})


_SCORING = ("checks", "contract", "judge", "messages", "outputs", "sandbox", "session", "student", "submission", "wire")
"""Modules of the grader that a score depends on; who writes reports differently need not grade again."""


@cache
def environment() -> str:
    """Fingerprint of what a score may depend on besides: Python, the packages, the library, the grader."""
    root = course_root()
    code = [*(root / "crmlab").rglob("*.py"), root / "requirements.lock"]
    for name in _SCORING:
        module = root / "autograder" / name
        code += module.rglob("*.py") if module.is_dir() else [module.with_suffix(".py")]
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in code}
    return hashlib.sha256((sys.version + digest_of(files)).encode()).hexdigest()
