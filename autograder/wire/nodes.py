"""The closed set of structs that a body may consist of. msgspec refuses everything else.

A struct is an array on the wire, its tag first. Tags are never used again for something else.
"""

import re
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from autograder.wire.limits import MAX_MESSAGE
from autograder.wire.views import Axes, Figure, Reason

Zone: TypeAlias = str | int | None  # name of a time zone, seconds east of UTC, or none
Name: TypeAlias = Annotated[str, Meta(max_length=200)]
Digits: TypeAlias = Annotated[str, Meta(max_length=1300)]
Unit: TypeAlias = Literal["s", "ms", "us", "ns"]
Parts: TypeAlias = Annotated[list[int], Meta(max_length=7)]
Shape: TypeAlias = Annotated[list[int], Meta(max_length=64)]


class Node(Struct, array_like=True, gc=False, forbid_unknown_fields=True):
    """Base of the structs."""


class ListNode(Node, tag=1):
    items: list["Wire"]


class TupleNode(Node, tag=2):
    items: list["Wire"]


class SetNode(Node, tag=3):
    items: list["Wire"]


class FrozenSetNode(Node, tag=4):
    items: list["Wire"]


class DictNode(Node, tag=5):
    keys: list["Wire"]
    values: list["Wire"]


class RangeNode(Node, tag=6):
    start: int
    stop: int
    step: int


class IntNode(Node, tag=7):
    """An integer beyond 64 bits."""

    digits: Digits


class TextNode(Node, tag=8):
    """A text with lone surrogates, which UTF-8 does not have."""

    data: bytes


class BytesNode(Node, tag=42):
    data: bytes


class ComplexNode(Node, tag=9):
    real: float
    imag: float


class DateNode(Node, tag=10):
    parts: Parts


class DateTimeNode(Node, tag=11):
    parts: Parts
    zone: Zone
    fold: int


class TimeNode(Node, tag=12):
    parts: Parts
    zone: Zone
    fold: int


class DeltaNode(Node, tag=13):
    parts: Parts


class DecimalNode(Node, tag=14):
    digits: Digits


class FractionNode(Node, tag=15):
    numerator: Digits
    denominator: Digits


class FieldsNode(Node, tag=16):
    kind: Name
    names: list[Name]
    values: list["Wire"]


class NumberNode(Node, tag=17):
    """A NumPy scalar; its bytes are in the numbers."""

    dtype: Name


class ArrayNode(Node, tag=18):
    """An array of numbers, booleans or times; its bytes are in the numbers."""

    dtype: Name
    shape: Shape


class ItemsNode(Node, tag=19):
    """An array of texts ("U"), bytes ("S") or objects ("O")."""

    kind: Literal["U", "S", "O"]
    shape: Shape
    items: list["Wire"]


class StringsNode(Node, tag=20):
    """A pandas column of texts; None is missing."""

    dtype: Literal["str", "string"]
    values: list[str | None]


class MaskedNode(Node, tag=21):
    """A nullable pandas column."""

    values: ArrayNode
    mask: ArrayNode


class CategoryNode(Node, tag=22):
    codes: ArrayNode
    categories: "IndexNode | RangeIndexNode"
    ordered: bool


class TimesNode(Node, tag=23):
    """Moments in a time zone, as UTC."""

    values: ArrayNode
    zone: str | int


class PeriodsNode(Node, tag=24):
    ordinals: ArrayNode
    freq: Name


class IntervalsNode(Node, tag=25):
    left: "ArrayNode | TimesNode"
    right: "ArrayNode | TimesNode"
    closed: Literal["left", "right", "both", "neither"]


class IndexNode(Node, tag=26):
    name: "Wire"
    values: "Vector"


class RangeIndexNode(Node, tag=27):
    name: "Wire"
    start: int
    stop: int
    step: int


class MultiIndexNode(Node, tag=28):
    names: list["Wire"]
    levels: list["Vector"]
    codes: list[ArrayNode]


class SeriesNode(Node, tag=29):
    name: "Wire"
    index: "AnyIndex"
    values: "Vector"


class FrameNode(Node, tag=30):
    columns: "AnyIndex"
    index: "AnyIndex"
    values: list["Vector"]


class StampNode(Node, tag=31):
    value: int
    unit: Unit
    zone: Zone


class TimedeltaNode(Node, tag=32):
    value: int
    unit: Unit


class PeriodNode(Node, tag=33):
    ordinal: int
    freq: Name


class IntervalNode(Node, tag=34):
    left: "Wire"
    right: "Wire"
    closed: Literal["left", "right", "both", "neither"]


class MissingNode(Node, tag=35):
    kind: Literal["NaT", "NA"]


class FigureNode(Node, tag=36):
    figure: Figure


class AxesNode(Node, tag=37):
    axes: Axes


class WidgetNode(Node, tag=38):
    kind: Name
    value: "Wire"
    description: str
    children: list["WidgetNode"]


class FunctionNode(Node, tag=39):
    handle: int


class OpaqueNode(Node, tag=40):
    kind: Name
    reason: Reason


class FailureNode(Node, tag=41):
    """A call ended with an exception. Stands only at the top of a reply."""

    kind: Name
    message: Annotated[str, Meta(max_length=MAX_MESSAGE)]


class Message(Struct, array_like=True, forbid_unknown_fields=True):
    body: bytes
    numbers: bytes


Vector: TypeAlias = (
    ArrayNode | ItemsNode | StringsNode | MaskedNode | CategoryNode | TimesNode | PeriodsNode | IntervalsNode
)
AnyIndex: TypeAlias = IndexNode | RangeIndexNode | MultiIndexNode
Wire: TypeAlias = (
    bool | int | float | str
    | ListNode | TupleNode | SetNode | FrozenSetNode | DictNode | RangeNode | IntNode | TextNode | BytesNode
    | ComplexNode | DateNode | DateTimeNode | TimeNode | DeltaNode | DecimalNode | FractionNode | FieldsNode
    | NumberNode | ArrayNode | ItemsNode | StringsNode | MaskedNode | CategoryNode | TimesNode | PeriodsNode
    | IntervalsNode | IndexNode | RangeIndexNode | MultiIndexNode | SeriesNode | FrameNode | StampNode
    | TimedeltaNode | PeriodNode | IntervalNode | MissingNode | FigureNode | AxesNode | WidgetNode | FunctionNode
    | OpaqueNode | None
)  # fmt: skip


# Types by their id: a metaclass of the student's may lie in __eq__ and __hash__, which a set of types would ask.
PLAIN = frozenset(map(id, (type(None), bool, int, float, str)))
"""Types that stand in a body as they are."""
DTYPE = re.compile(
    r"[|<](b1|[iu][1248]|f[248]|c8|c16)|<[mM]8(\[([1-9][0-9]{0,5})?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?", re.ASCII
)
"""dtypes whose arrays cross as bytes."""
