"""One class of attackers and one of odd honest students, each graded once, in one batch, by the same grader."""

import hashlib
import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from autograder import session
from autograder.gradebook import Gradebook
from autograder.runner import Backend, Summary, grade_class
from autograder.sandbox.limits import MIB, Limits
from autograder.store import Store
from course import grading
from crmlab.paths import course_root
from tests.security.attacks import ATTACKS, SHOWN
from tests.security.honest import HONEST
from tests.security.scene import (
    AGAIN,
    ASSIGNMENT,
    BYSTANDERS,
    NOTEBOOK,
    Canaries,
    Graded,
    Scene,
    notebook,
    plain_a04,
    plant_in_gradebook,
    scene,
    with_canaries,
)
from tests.waiting import PATIENCE

LIMITS = Limits(
    cell_seconds=10, grace_seconds=8, seconds=60, cpu_seconds=40, memory=512 * MIB, processes=64,
    scratch=64 * MIB, file=64 * MIB,
)  # fmt: skip
"""Small ones, so that what never ends ends soon."""


@pytest.fixture(scope="session")
def backend() -> Iterator[Backend]:
    backend = Backend(workers=4)
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory, backend: Backend) -> Iterator[Graded]:
    canaries = Canaries()
    with scene(tmp_path_factory.mktemp("attacked"), with_canaries(plain_a04(), canaries), canaries) as built:
        plant_in_gradebook(built)
        for student in BYSTANDERS:
            built.hand_in(student, notebook(built.source, after=f"mine = '{canaries.friend}'"))
        _first_hand_in(built, backend)
        for attack in ATTACKS:
            attack.lay(built)
        with _short_judge():
            before, memory = fingerprints(built), _peak()
            summary = grade_class(built.desk, ASSIGNMENT, built.source, backend, limits=LIMITS)
            memory, after = _peak() - memory, fingerprints(built)
        graded = _gathered(built, summary, [attack.student for attack in ATTACKS if attack.threat in SHOWN])
        graded.before, graded.after, graded.memory_grown = before, after, memory
        graded.rooms_left, graded.manual = _rooms_left(), _manual_marks(built)
        yield graded


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory, backend: Backend) -> Iterator[Graded]:
    with scene(tmp_path_factory.mktemp("honest"), plain_a04(), Canaries()) as built:
        for student in HONEST:
            student.lay(built)
        yield _gathered(built, grade_class(built.desk, ASSIGNMENT, built.source, backend))


def _first_hand_in(built: Scene, backend: Backend) -> None:
    """Four who did well at first, one with a mark by hand, and then hand in something else."""
    for student in AGAIN:
        built.hand_in(student, notebook(built.source))
    first = grade_class(built.desk, ASSIGNMENT, built.source, backend, AGAIN, limits=LIMITS)
    assert [record.score for record in first.records] == [24.0] * len(AGAIN)
    from nbgrader.api import Gradebook as Book

    with Book(built.classroom.db_url) as book:
        grade = book.find_grade("a04-7-memo", NOTEBOOK, ASSIGNMENT, "t13-marked")
        grade.manual_score, grade.needs_manual_grade = 3.0, False
        book.db.commit()
    emptied = dict.fromkeys(("a04-1", "a04-2", "a04-3", "a04-4", "a04-5", "a04-6", "a04-8"), "")

    def empty_memo(document: dict[str, Any]) -> None:
        next(cell for cell in document["cells"] if cell["id"] == "a04-7-memo")["source"] = ""

    built.hand_in("t13-emptied", notebook(built.source, emptied, edit=empty_memo))
    built.hand_in("t13-marked", notebook(built.source, edit=empty_memo))
    built.hand_in("t13-crashed", notebook(built.source, before="import os; os.kill(os.getpid(), 11); os._exit(1)"))
    built.hand_in("t13-lost", b"\x00\x01")


def _manual_marks(built: Scene) -> dict[str, float | None]:
    from nbgrader.api import Gradebook as Book

    with Book(built.classroom.db_url) as book:
        grade = book.find_grade("a04-7-memo", NOTEBOOK, ASSIGNMENT, "t13-marked")
        return {"score": grade.manual_score, "open": float(grade.needs_manual_grade)}


def _gathered(built: Scene, summary: Summary, pages_of: Sequence[str] = ()) -> Graded:
    store = Store(built.desk.records)
    records = {record.student: store.with_document(record) for record in summary.records}
    if pages_of:
        grading.feedback(ASSIGNMENT, pages_of, release=False)
    pages = built.classroom.course.glob(f"feedback/*/{ASSIGNMENT}/{NOTEBOOK}.html")
    book = Gradebook(built.desk.db_url, built.desk.course)
    marks = book.marks(ASSIGNMENT, NOTEBOOK)
    book.close()
    return Graded(built, summary, records, {page.parts[-3]: page.read_text("utf-8") for page in pages}, marks)


@contextmanager
def _short_judge() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "JUDGE_LIMITS", msgspec.structs.replace(session.JUDGE_LIMITS, cell_seconds=15))
        yield


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _rooms_left() -> list[str]:
    """What still runs under the zygote; the last rooms get a moment to close."""
    until = time.monotonic() + PATIENCE
    while True:
        below = psutil.Process().children(recursive=True)
        houses = {process.pid for process in below if process.name() == "bwrap"}
        zygotes = [process for process in below if process.ppid() in houses and process.pid not in houses]
        newest = max(zygotes, key=psutil.Process.create_time)  # other tests may have left theirs open
        rooms = newest.children(recursive=True)
        if not rooms or time.monotonic() > until:
            return [str(process) for process in rooms]
        time.sleep(0.2)


def fingerprints(built: Scene) -> dict[str, str]:
    """What no submission may change: sources, data, library, grader, packages, secrets, the work of others."""
    root = course_root()
    found = {}
    for folder in ("assignments", "datasets", "crmlab", "autograder", "course"):
        found |= {folder: _digest(path for path in (root / folder).rglob("*") if "__pycache__" not in path.parts)}
    found["submitted"] = _digest((built.classroom.course / "submitted").rglob("*"))
    found["planted"] = _digest(Path(file) for file in built.world["files"])
    found["secrets"] = _digest(built.classroom.secrets.iterdir())
    packages = Path(pytest.__file__).parents[1]
    stats = [(entry.path, entry.stat(follow_symlinks=False).st_size) for entry in _walk(packages)]
    found["packages"] = hashlib.sha256(repr(sorted(stats)).encode()).hexdigest()
    return found


def _digest(paths: Any) -> str:
    total = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        total.update(f"{path} {len(content)} {path.is_symlink()}".encode() + content)
    return total.hexdigest()


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "__pycache__":
                yield from _walk(Path(entry.path))
        else:
            yield entry
