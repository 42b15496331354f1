"""Calls of the judge's, answered in the student's process."""

from collections.abc import Callable
from typing import Any

from autograder.wire.limits import WireError
from autograder.wire.plain_writer import Keep
from autograder.wire.reader import decode
from autograder.wire.writer import encode_outcome


def answer_call(function: Callable[..., Any], data: bytes, keep: Keep | None = None) -> bytes:
    """Runs one remote call in the student's process: the reply to the arguments ``data``.

    :raises WireError: if ``data`` are not arguments. An exception of the function, even SystemExit, is a reply.
    """
    arguments = decode(data)
    match arguments:
        case (tuple() as args, dict() as kwargs):
            try:
                outcome = function(*args, **kwargs)
            except BaseException as error:
                outcome = error
            return encode_outcome(outcome, keep)
    raise WireError("not the arguments of a call")
