"""What driver, student's room and judge's room say to each other. Everything is plain data; answers are sealed bytes
that only :mod:`autograder.wire` opens, in the judge's room."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from autograder.records import TestPart


class Message(Struct, tag=True):
    """Anything said."""


# ------------------------------------------------------------------------------------------- said by the driver


class Enter(Message):
    """First word to each room: whose work it is, the seed of chance, files that lie beside the notebook."""

    student: str
    seed: int
    files: dict[str, bytes]


class RunCell(Message):
    """Run this code as cell ``number``."""

    source: str
    number: int


class Ask(Message):
    """Hand over these answers as they stand now. A descriptor comes along: the line on which functions stay callable."""

    names: tuple[str, ...]


class RunGiven(Message):
    """Run a cell of the instructor's.

    forgets: names whose trusted value is outdated. asks: names that may be asked for. answers: what was handed over.
    """

    source: str
    forgets: tuple[str, ...]
    asks: tuple[str, ...]
    answers: dict[str, bytes]


class RunTest(RunGiven):
    """Run a test that is worth ``points``."""

    points: float


class Call(Message):
    """Call the student's function ``handle``; judge to driver, driver to student's room."""

    handle: int
    arguments: bytes


class Outcome(Message):
    """What a call gave, sealed; empty if nobody answers any more."""

    sealed: bytes


# -------------------------------------------------------------------------------------------- said in the rooms


class Ready(Message):
    """The room is furnished and may be spoken to."""


Shelf = Annotated[dict[str, str], Meta(max_length=50)]
Lines = Annotated[list[str], Meta(max_length=5000)]


class Shown(Message):
    """An output of the running cell, as in a notebook file, without metadata.

    Its form is closed: a message of empty lists would fill sixty times its length in the driver's memory.
    """

    output: Annotated[dict[str, str | int | Lines | Shelf | None], Meta(max_length=10)]


class Ran(Message):
    """A cell has ended. ``error`` is "" or name and message of the exception."""

    error: str


class Answers(Message):
    """The answers asked for, sealed; names that don't exist are missing. ``calls``: some of them are functions."""

    sealed: Annotated[dict[str, bytes], Meta(max_length=1000)]
    calls: bool


class Verdict(Message):
    """What a test found; fields as in :class:`autograder.records.TestRun`."""

    score: float
    told: str
    answers: dict[str, str]
    parts: list[TestPart]
    stopped: str
    fault: str


AnyMessage = Enter | RunCell | Ask | RunGiven | RunTest | Call | Outcome | Ready | Shown | Ran | Answers | Verdict
_decoder = msgspec.msgpack.Decoder(AnyMessage)
_students = msgspec.msgpack.Decoder(Ready | Shown | Ran | Answers | Outcome)


def pack(message: Message) -> bytes:
    return msgspec.msgpack.encode(message)


def unpack(data: bytes) -> Message:
    """The message; raises msgspec.DecodeError or ValidationError on anything else."""
    return _decoder.decode(data)


def unpack_from_student(data: bytes) -> Message:
    """The same for what comes out of a student's room: only what may be said there, and nothing that swells."""
    return _students.decode(data)
