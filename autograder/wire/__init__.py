"""Plain data on its way between the student's process and the judge's.

The student's side writes (:func:`encode`), the judge's reads (:func:`decode`). Numbers, texts, containers, times, arrays
and tables arrive as they were; of a figure or widget arrives what can be seen (:mod:`~autograder.wire.views`); a
function stays where it is and is called from afar; anything else arrives as an :class:`Opaque` that bears the name of
its type and can do nothing.

A message is two byte strings: a *body*, msgpack that must fit the closed set of structs in
:mod:`~autograder.wire.nodes`, and the *numbers* of all arrays, one after the other, little-endian.

The peer is hostile. The reader looks nothing up by a name that the peer sends, gives its bytes to no parser of a rich
format, and pays for every object out of a budget before it takes the memory. The writer runs among the student's
objects: it goes by ``type(x)`` and the methods of the base classes, never by what an object says about itself.

To read on: limits, nodes, views; then writer and reader, which mirror each other method by method.
"""

from autograder.wire.calls import answer_call
from autograder.wire.describe import describe
from autograder.wire.limits import (
    MAX_BITS,
    MAX_BODY,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_KINDS,
    MAX_MESSAGE,
    MAX_POINTS,
    WireError,
)
from autograder.wire.reader import decode, decode_outcome
from autograder.wire.views import Axes, Bar, Fields, Figure, Function, Line, Opaque, Points, RemoteError, Widget
from autograder.wire.writer import encode, encode_outcome

__all__ = [
    "MAX_BITS", "MAX_BODY", "MAX_BYTES", "MAX_DEPTH", "MAX_ITEMS", "MAX_KINDS", "MAX_MESSAGE", "MAX_POINTS",
    "Axes", "Bar", "Fields", "Figure", "Function", "Line", "Opaque", "Points", "RemoteError", "Widget", "WireError",
    "answer_call", "decode", "decode_outcome", "describe", "encode", "encode_outcome",
]  # fmt: skip
