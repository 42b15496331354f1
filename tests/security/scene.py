"""A class under attack: a real classroom in a temporary folder, with canaries wherever no submission may look.

The assignment is a04 with canaries in its hidden tests and an eighth task whose answer is a function: a function is the
only thing that sees something of a test, its arguments.
"""

import copy
import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from autograder import contract
from autograder.contract import Source
from autograder.records import Record
from autograder.runner import Desk, Summary
from course.hub.classroom import Classroom
from course.hub.release import make_version
from crmlab.paths import course_root
from tests import handed_in

ASSIGNMENT, NOTEBOOK = "a04-segmentation", "segmentation"
FULL = {"a04-1": 3.0, "a04-2": 4.0, "a04-3": 4.0, "a04-4": 3.0, "a04-5": 4.0, "a04-6": 4.0, "a04-8": 2.0}
"""Points of each task."""


def canary() -> str:
    return f"CANARY-{secrets.token_hex(6)}"


@dataclass(frozen=True)
class Canaries:
    """What must be seen nowhere. ``paid`` is the argument of a hidden test, ``given`` what it expects for it."""

    comment: str = field(default_factory=canary)
    constant: str = field(default_factory=canary)
    friend: str = field(default_factory=canary)
    gradebook: str = field(default_factory=canary)
    records: str = field(default_factory=canary)
    environment: str = field(default_factory=canary)
    home: str = field(default_factory=canary)
    address: str = field(default_factory=canary)
    assignments: str = field(default_factory=canary)
    memory: str = field(default_factory=canary)
    file: str = field(default_factory=canary)
    paid: str = "73194258"
    given: str = "3659712"

    def seen_in(self, text: str) -> list[str]:
        return [name for name, value in vars(self).items() if value in text]


# ---------------------------------------------------------------------------------------------------- the assignment


def with_canaries(document: dict[str, Any], canaries: Canaries) -> dict[str, Any]:
    """a04 with canaries in the hidden tests and task 8."""
    document = copy.deepcopy(document)
    cells = document["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["id"].endswith("-test"):
            begin = "### BEGIN HIDDEN TESTS\n"
            secret = f"# {canaries.comment}\nWITNESS = '{canaries.constant}'\n"
            source = source.replace(begin, begin + secret, 1)
        cell["source"] = source
    after = next(place for place, cell in enumerate(cells) if cell["id"] == "a04-6-test") + 1
    cells[after:after] = [
        _code("a04-8-solution", _EIGHTH, solution=True),
        _code("a04-8-test", _EIGHTH_TEST.format(comment=canaries.comment, paid=canaries.paid), points=FULL["a04-8"]),
    ]
    return document


_EIGHTH = """### BEGIN SOLUTION
def voucher(paid):
    return round(paid * 0.05, 2)
### END SOLUTION
"""
_EIGHTH_TEST = """checks.number(voucher(100.0), "voucher(100)", low=0)
### BEGIN HIDDEN TESTS
# {comment}
score = checks.Score(2)
score.compare(1, voucher({paid}.25), round({paid}.25 * 0.05, 2), otherwise="金额大时不对。")
score.compare(1, voucher(0.0), 0.0, otherwise="没有消费时不对。")
score.total
### END HIDDEN TESTS
"""


def _code(name: str, source: str, *, solution: bool = False, points: float | None = None) -> dict[str, Any]:
    known = {"grade_id": name, "schema_version": 3, "locked": not solution, "solution": solution, "task": False}
    known |= {"grade": points is not None, **({"points": points} if points is not None else {})}
    return {
        "cell_type": "code", "id": name, "metadata": {"nbgrader": known}, "source": source,
        "execution_count": None, "outputs": [],
    }  # fmt: skip


def plain_a04() -> dict[str, Any]:
    return json.loads((course_root() / "assignments" / ASSIGNMENT / f"{NOTEBOOK}.ipynb").read_bytes())


# ---------------------------------------------------------------------------------------------------- submissions


def cell_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(cell for cell in document["cells"] if cell["id"] == name)


def own(source: str, kind: str = "code") -> dict[str, Any]:
    """A cell that a student adds."""
    more = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": secrets.token_hex(4), "metadata": {}, "source": source, **more}


Edit = Callable[[dict[str, Any]], None]


def notebook(
    source: Source,
    answers: Mapping[str, str] | None = None,
    before: str = "",
    after: str = "",
    edit: Edit | None = None,
) -> dict[str, Any]:
    """A submission: ``answers`` by task in place of right ones, own cells behind the given one and at the end."""
    document = handed_in.notebook(source)
    for task, code in (answers or {}).items():
        cell_of(document, f"{task}-solution")["source"] = code
    if before:
        given = next(place for place, cell in enumerate(document["cells"]) if cell["id"] == "a04-data")
        document["cells"].insert(given + 1, own(before))
    if after:
        document["cells"].append(own(after))
    if edit:
        edit(document)
    return document


# ---------------------------------------------------------------------------------------------------- the classroom


@dataclass
class Scene:
    """A classroom, what lies in it, and the ears outside that must hear nothing."""

    classroom: Classroom
    source: Source
    canaries: Canaries
    world: dict[str, Any]
    heard: list[str]

    @property
    def desk(self) -> Desk:
        return Desk(self.classroom.course, self.classroom.records, self.classroom.db_url)

    def folder(self, student: str) -> Path:
        return self.classroom.course / "submitted" / student / ASSIGNMENT

    def hand_in(self, student: str, document: dict[str, Any] | bytes) -> None:
        folder = self.folder(student)
        folder.mkdir(parents=True, exist_ok=True)
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        (folder / f"{NOTEBOOK}.ipynb").write_bytes(content)
        (folder / "timestamp.txt").write_text(handed_in.STAMP)


@contextmanager
def scene(folder: Path, document: dict[str, Any], canaries: Canaries) -> Iterator[Scene]:
    """Build the classroom, plant the canaries, listen; the environment of this process is the grader's."""
    with pytest.MonkeyPatch.context() as patch, _ears(folder) as (doors, heard):
        home = folder / "home"
        home.mkdir()
        (home / "letter.txt").write_text(canaries.home)
        patch.setenv("HOME", str(home))
        patch.setenv("CANARY_TOKEN", canaries.environment)
        patch.setenv("CRM_CLASSROOM", str(folder / "classroom"))
        patch.delenv("CRM_DB_URL", raising=False)
        classroom = Classroom.here()
        classroom.create()
        _plant(classroom, folder, document, canaries)
        make_version(ASSIGNMENT)
        files = [
            home / "letter.txt", classroom.records / "kept.json", classroom.secrets / "db_url", folder / "secret.txt",
            classroom.course / "assignments" / ASSIGNMENT / f"{NOTEBOOK}.ipynb",
            classroom.course / "assignments" / "marks.csv",
            course_root() / "assignments" / ASSIGNMENT / f"{NOTEBOOK}.ipynb",
            classroom.course / "submitted" / "friend" / ASSIGNMENT / f"{NOTEBOOK}.ipynb",
        ]  # fmt: skip
        world = doors | {
            "files": [str(file) for file in files],
            "folders": [str(folder), str(classroom.folder), str(classroom.course), str(course_root()), str(home)],
            "root": str(course_root()),
            "token": secrets.token_hex(8),
        }
        yield Scene(classroom, contract.read(document, NOTEBOOK), canaries, world, heard)


def _plant(classroom: Classroom, folder: Path, document: dict[str, Any], canaries: Canaries) -> None:
    sources = folder / "assignments"
    (sources / ASSIGNMENT).mkdir(parents=True)
    (sources / ASSIGNMENT / f"{NOTEBOOK}.ipynb").write_text(json.dumps(document))
    (sources / "marks.csv").write_text(canaries.assignments)
    link = classroom.course / "assignments"
    link.unlink()
    link.symlink_to(sources)
    (classroom.records / "kept.json").write_text(canaries.records)
    gradebook = classroom.course / f"gradebook-{canaries.address}.db"
    (classroom.secrets / "db_url").write_text(f"sqlite:///{gradebook}")
    (folder / "secret.txt").write_text(canaries.file)


def plant_in_gradebook(built: Scene) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(built.classroom.db_url) as book:
        book.update_or_create_student("friend", last_name=built.canaries.gradebook)


@contextmanager
def _ears(folder: Path) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Sockets of this machine that a break-out would reach: TCP, UDP, in the file system, abstract."""
    heard: list[str] = []
    name = f"ears-{secrets.token_hex(4)}"
    path = str(folder / "socket")
    tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    local, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    tcp.bind(("127.0.0.1", 0))
    udp.bind(("127.0.0.1", 0))
    local.bind(path)
    abstract.bind("\0" + name)
    for ear in (tcp, local, abstract):
        ear.listen()
    done = threading.Event()

    def listen(kind: str, ear: socket.socket) -> None:
        ear.settimeout(0.2)
        while not done.is_set():
            try:
                heard.append(f"{kind}: {ear.recvfrom(100) if kind == 'udp' else ear.accept()}")
            except TimeoutError:
                continue

    kinds = {"tcp": tcp, "udp": udp, "local": local, "abstract": abstract}
    threads = [threading.Thread(target=listen, args=pair, daemon=True) for pair in kinds.items()]
    for thread in threads:
        thread.start()
    try:
        yield {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "local": path, "abstract": name}, heard
    finally:
        done.set()
        for thread in threads:
            thread.join()
        for ear in kinds.values():
            ear.close()


# ---------------------------------------------------------------------------------------------------- the outcome

BYSTANDERS = ("friend", "honest1", "zoe")
AGAIN = ("t13-crashed", "t13-emptied", "t13-lost", "t13-marked")


@dataclass
class Graded:
    """What came of a class."""

    scene: Scene
    summary: Summary
    records: dict[str, Record]
    feedback: dict[str, str]
    marks: dict[str, dict[str, float | None]]
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    rooms_left: list[str] = field(default_factory=list)
    memory_grown: float = 0.0  # MiB, of the grader itself
    manual: dict[str, float | None] = field(default_factory=dict)

    def points(self, student: str) -> dict[str, float]:
        """Points by task."""
        return {test.cell.removesuffix("-test"): test.score for test in self.records[student].tests}

    def outputs(self, student: str) -> str:
        """All that the executed notebook shows."""
        cells = self.records[student].document["cells"]
        return json.dumps([cell.get("outputs", []) for cell in cells], ensure_ascii=False)

    def report(self, student: str) -> str:
        """All that the record says in words, to students and to teachers."""
        record = msgspec.to_builtins(self.records[student])
        del record["document"]
        return json.dumps(record, ensure_ascii=False)
