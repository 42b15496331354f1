"""What grading one submission left behind: the record. Plain data, kept as JSON, never changed afterwards."""

from typing import Any, Literal

from msgspec import Struct, field

CellStatus = Literal["ok", "error", "timeout", "died", "not run"]


class CellRun(Struct):
    """One code cell that ran in the student's room.

    Attributes:
        cell: id of the cell in the graded notebook.
        seconds: wall time.
        status: "error" is an exception of the student's code; "timeout" and "died" ended the room, so that the
            cells after it are "not run".
        note: for "error", name and message of the exception; for "timeout", "died", "not run" why. May be empty.
    """

    cell: str
    seconds: float
    status: CellStatus
    note: str = ""


class TestPart(Struct):
    """One part of a task's score: points offered and earned, and the hint that was told if not all were."""

    offered: float
    earned: float
    hint: str = ""

    __test__ = False  # not a class of pytest


class TestRun(Struct):
    """One test cell that ran in the judge's room.

    Attributes:
        cell: grade id, e.g. "a04-2-test".
        points: points offered.
        score: points earned.
        seconds: wall time.
        answers: what the test asked for and what arrived, in few words: {"rfm_table": "DataFrame，812 行 × 3 列"}.
        told: what the student reads.
        parts: the parts of the score, empty if the test stopped before it scored.
        stopped: the sentence that stopped the test (form of an answer, answer missing), empty if it scored.
        fault: why the *test* or the judge failed; a person must look. Empty if all went well.
    """

    cell: str
    points: float
    score: float
    seconds: float
    answers: dict[str, str]
    told: str
    parts: list[TestPart] = field(default_factory=list)
    stopped: str = ""
    fault: str = ""

    __test__ = False  # not a class of pytest


class Fingerprint(Struct, frozen=True):
    """What a score depends on, each as a SHA-256: same four, same score."""

    submission: str
    tests: str
    data: str
    environment: str


class Record(Struct):
    """The outcome of grading one submission once.

    Attributes:
        assignment, student, notebook: e.g. "a04-segmentation", "student01", "segmentation".
        made_from: what went in.
        submitted: when it was handed in, as its timestamp file says (ISO, UTC); empty if there is none.
        graded: when it was graded (ISO, UTC).
        findings: what was noticed in the file or while it ran: Chinese sentences for the instructor.
        look: why a person should look before the score counts; empty if nobody needs to.
        cells, tests: what ran.
        seconds: wall time; cpu_seconds: CPU time of both rooms; memory_mib: highest memory of the student's room.
        document: the executed notebook (nbformat 4.5), tests with hidden parts included: for the gradebook only.
    """

    assignment: str
    student: str
    notebook: str
    made_from: Fingerprint
    submitted: str
    graded: str
    findings: list[str]
    look: list[str]
    cells: list[CellRun]
    tests: list[TestRun]
    seconds: float
    cpu_seconds: float
    memory_mib: float
    document: dict[str, Any]

    @property
    def points(self) -> float:
        """Points that all tests offer."""
        return sum(test.points for test in self.tests)

    @property
    def score(self) -> float:
        """Points of all tests."""
        return round(sum(test.score for test in self.tests), 2)
