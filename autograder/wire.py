"""Plain data on its way between the student's process and the judge's.

A message is two byte strings: a *body*, msgpack that must fit a closed set of tagged structs, and the *numbers* of all
arrays, one after the other, little-endian. The peer is hostile: nothing is looked up by a name that it sends, no
parser of a rich format reads its bytes, every length is checked before memory is taken. What does not cross arrives as
an :class:`Opaque` that bears the name of its type and can do nothing.

The writer runs among the student's objects. It goes by ``type(x)`` and the methods of the base classes, never by what
an object says about itself.
"""

import dataclasses
import datetime as dt
import decimal
import fractions
import functools
import keyword
import math
import re
import sys
import types
import zoneinfo
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
import numpy as np
import pandas as pd
from msgspec import Meta, Struct

from crmlab.i18n import _

MAX_BYTES = 32 * 2**20
"""Longest message."""
MAX_BODY = 8 * 2**20
"""Longest body. A byte of it may become some sixty bytes of Python objects, a byte of numbers stays a byte."""
MAX_ITEMS = 5_000_000
"""Most items in one message, and the longest ``range``."""
MAX_DEPTH = 20
"""Deepest nesting of containers."""
MAX_BITS = 4096
"""Longest integer; also the largest decimal exponent."""
MAX_POINTS = 10_000
"""Most points that are told of one line, group of bars or cloud of a figure."""
MAX_MESSAGE = 2000
"""Most characters of the message of an exception."""
COST_OF_PANDAS = 500
"""Items that a Series, frame or index counts for: small on the wire, kilobytes in memory."""
MAX_KINDS = 100
"""Most type names in one message: each becomes a class."""

Call = Callable[[int, bytes], bytes]
Keep = Callable[[Callable[..., Any]], int]
Reason = Literal["kind", "large", "deep", "cyclic", "broken"]


class WireError(ValueError):
    """Bytes that are not a message: malformed, oversized or inconsistent."""


class RemoteError(Exception):
    """A function of the student raised; ``kind`` is the name of the exception's type, ``message`` its text."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


# --- what arrives for things that are not plain data ---------------------------------------------------------------


class Opaque:
    """Something that does not cross. Its type bears the name of the student's type; it equals only itself.

    Attributes:
        reason: "kind" (such things never cross), "large", "deep", "cyclic", "broken" (reading it failed).
    """

    __slots__ = ("reason",)

    def __init__(self, reason: Reason) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Fields(types.SimpleNamespace):
    """An instance of a dataclass: its fields as attributes. Its type bears the name of the student's class."""


class Function:
    """A function that stays in the student's process. A call sends the arguments and decodes what comes back.

    :raises RemoteError: if the student's function raises.
    :raises WireError: if the reply is malformed.
    """

    __slots__ = ("_call", "_handle")

    def __init__(self, handle: int, call: Call) -> None:
        self._handle = handle
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return decode_outcome(self._call(self._handle, encode((args, kwargs))), self._call)

    def __repr__(self) -> str:
        return "<Function>"


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a plot, in data units; categories and dates are numbers as Matplotlib sees them."""

    x: list[float]
    y: list[float]
    label: str


@dataclasses.dataclass(frozen=True)
class Bar:
    """A bar: ``x`` is its middle on the axis it stands on, ``height`` its length, ``width`` its thickness."""

    x: float
    height: float
    width: float
    label: str
    horizontal: bool


@dataclasses.dataclass(frozen=True)
class Points:
    """The points of one scatter."""

    x: list[float]
    y: list[float]
    label: str


@dataclasses.dataclass(frozen=True)
class Axes:
    """What can be seen in one coordinate system."""

    title: str
    xlabel: str
    ylabel: str
    lines: list[Line]
    bars: list[Bar]
    points: list[Points]
    texts: list[str]
    xticklabels: list[str]
    yticklabels: list[str]
    legend: list[str]


@dataclasses.dataclass(frozen=True)
class Figure:
    """A Matplotlib figure; ``title`` is that of the whole figure."""

    title: str
    axes: list[Axes]


@dataclasses.dataclass(frozen=True)
class Widget:
    """A widget; ``kind`` is the name of its class, ``value`` is None where it has none."""

    kind: str
    value: Any
    description: str
    children: list["Widget"]


# --- the structs of the body ---------------------------------------------------------------------------------------

Zone: TypeAlias = str | int | None  # name of a time zone, seconds east of UTC, or none
Name: TypeAlias = Annotated[str, Meta(max_length=200)]
Digits: TypeAlias = Annotated[str, Meta(max_length=1300)]
Unit: TypeAlias = Literal["s", "ms", "us", "ns"]
Parts: TypeAlias = Annotated[list[int], Meta(max_length=7)]
Shape: TypeAlias = Annotated[list[int], Meta(max_length=32)]


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
_PLAIN = frozenset(map(id, (type(None), bool, int, float, str)))
_UNHASHABLE = (
    ListNode, SetNode, DictNode, FieldsNode, ArrayNode, ItemsNode, IndexNode, RangeIndexNode, MultiIndexNode,
    SeriesNode, FrameNode, FigureNode, AxesNode, WidgetNode, StringsNode, MaskedNode, CategoryNode, TimesNode,
    PeriodsNode, IntervalsNode,
)  # fmt: skip
_DTYPE = re.compile(
    r"[|<](b1|[iu][1248]|f[248]|c8|c16)|<[mM]8(\[[1-9]?[0-9]{0,5}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?", re.ASCII
)
_FREQ = re.compile(r"[0-9]{0,6}[A-Za-z]{1,3}(-[A-Z]{3})?", re.ASCII)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,3}", re.ASCII)
_DAY_PARTS = ("year", "month", "day")
_CLOCK_PARTS = ("hour", "minute", "second", "microsecond")
_DELTA_PARTS = ("days", "seconds", "microseconds")

_encoder = msgspec.msgpack.Encoder()
_message_decoder = msgspec.msgpack.Decoder(Message)
_value_decoder = msgspec.msgpack.Decoder(Wire)
_outcome_decoder = msgspec.msgpack.Decoder(Wire | FailureNode)


# --- the writer ----------------------------------------------------------------------------------------------------


class _BeyondError(Exception):
    """The whole value is beyond a limit."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


_mro = type.__dict__["__mro__"].__get__  # a metaclass may lie about both
_type_name = type.__dict__["__name__"].__get__


def _safe_name(name: str) -> str:
    """``name`` as an identifier of at most 60 characters, else "object"."""
    kept = re.sub(r"\W", "", name)[:60]
    return kept if kept.isidentifier() and not keyword.iskeyword(kept) else "object"


def _clean(text: Any, most: int = 1000) -> str:
    """``text`` as a plain string that UTF-8 can hold."""
    return str.__str__(text)[:most].encode("utf-8", "replace").decode()


def _opaque(value: Any, reason: Reason = "kind") -> OpaqueNode:
    return OpaqueNode(_safe_name(_type_name(type(value))), reason)


class _Writer:
    """Turns one value into structs.

    careful: look at each text and integer. Else those that msgpack cannot hold make the encoder raise, and all is
    written again with care: nearly no value has one, and looking costs more than writing.
    """

    def __init__(self, keep: Keep | None, careful: bool) -> None:
        self.keep = keep
        self.careful = careful
        self.chunks: list[bytes] = []
        self.path: set[int] = set()
        self.items_left = MAX_ITEMS
        self.bytes_left = MAX_BYTES - 1024

    def spend(self, items: int, size: int = 0) -> None:
        self.items_left -= items
        self.bytes_left -= size
        if self.items_left < 0 or self.bytes_left < 0:
            raise _BeyondError("large")

    def value(self, value: Any) -> Wire:
        """The struct of ``value``: an OpaqueNode if it does not cross or reading it fails."""
        kind = type(value)
        if id(kind) in _PLAIN:
            return self.careful_scalar(value) if self.careful else value
        if len(self.path) >= MAX_DEPTH:
            raise _BeyondError("deep")
        if id(value) in self.path:
            raise _BeyondError("cyclic")
        self.path.add(id(value))
        written = len(self.chunks)
        try:
            return _writer_of(kind)(self, value)
        except _BeyondError:
            raise
        except MemoryError:
            raise _BeyondError("large") from None
        except BaseException:  # whatever an object of the student's raises, it must not stop the others
            del self.chunks[written:]
            return _opaque(value, "broken")
        finally:
            self.path.discard(id(value))

    def careful_scalar(self, value: Any) -> Wire:
        if type(value) is int and not -(2**63) <= value < 2**64:
            return IntNode(str(value)) if value.bit_length() <= MAX_BITS else OpaqueNode("int", "large")
        if type(value) is str:
            try:
                value.encode()
            except UnicodeEncodeError:
                return TextNode(value.encode("utf-8", "surrogatepass"))
        return value

    def values(self, values: list[Any]) -> list[Wire]:
        """The structs of the items of an exact list."""
        self.spend(len(values))
        kinds = set(map(id, map(type, values)))
        if id(str) in kinds:
            self.spend(0, sum(len(item) for item in values if type(item) is str))
        if kinds <= _PLAIN and not self.careful:
            return values
        return [self.value(item) for item in values]

    def keys(self, values: list[Any]) -> list[Wire]:
        """The same for items that the judge's process must hash; one that it could not arrives opaque."""
        if set(map(id, map(type, values))) <= _PLAIN:
            return self.values(values)
        self.spend(len(values))
        return [self.key(value) for value in values]

    def key(self, value: Any) -> Wire:
        written = len(self.chunks)
        node = self.value(value)
        if _hashable(node):
            return node
        del self.chunks[written:]
        return _opaque(value)

    # builtin kinds; the methods of the base class, because a subclass may override its own

    def int_(self, value: Any) -> Wire:
        return self.careful_scalar(int.__int__(value)) if self.careful else int.__int__(value)

    def float_(self, value: Any) -> Wire:
        return float.__float__(value)

    def str_(self, value: Any) -> Wire:
        return self.careful_scalar(str.__str__(value)) if self.careful else str.__str__(value)

    def bytes_(self, value: Any) -> Wire:
        self.spend(0, bytes.__len__(value))
        return BytesNode(bytes.__getitem__(value, slice(None)))

    def complex_(self, value: Any) -> Wire:
        value = complex.__complex__(value)
        return ComplexNode(value.real, value.imag)

    def list_(self, value: Any) -> Wire:
        return ListNode(self.values(list.__getitem__(value, slice(None))))

    def tuple_(self, value: Any) -> Wire:
        return TupleNode(self.values(list(tuple.__iter__(value))))

    def set_(self, value: Any) -> Wire:
        return SetNode(self.keys(list(set.__iter__(value))))

    def frozenset_(self, value: Any) -> Wire:
        return FrozenSetNode(self.keys(list(frozenset.__iter__(value))))

    def dict_(self, value: Any, base: type[dict] = dict) -> Wire:
        pairs = list(base.items(value))
        return DictNode(self.keys([key for key, _item in pairs]), self.values([item for _key, item in pairs]))

    def ordered_dict(self, value: Any) -> Wire:
        return self.dict_(value, OrderedDict)  # the order of its items is its own, not the order of the dict below

    def range_(self, value: Any) -> Wire:
        bounds = [int.__int__(bound) for bound in (value.start, value.stop, value.step)]
        if not all(-(2**62) < bound < 2**62 for bound in bounds) or len(value) > MAX_ITEMS:
            return _opaque(value, "large")
        return RangeNode(*bounds)

    def date(self, value: Any) -> Wire:
        return DateNode(_parts(dt.date, value, _DAY_PARTS))

    def datetime(self, value: Any) -> Wire:
        [zone, fold] = _parts(dt.datetime, value, ("tzinfo", "fold"))
        return DateTimeNode(_parts(dt.datetime, value, _DAY_PARTS + _CLOCK_PARTS), _zone_of(zone), fold)

    def time(self, value: Any) -> Wire:
        [zone, fold] = _parts(dt.time, value, ("tzinfo", "fold"))
        return TimeNode(_parts(dt.time, value, _CLOCK_PARTS), _zone_of(zone), fold)

    def timedelta(self, value: Any) -> Wire:
        return DeltaNode(_parts(dt.timedelta, value, _DELTA_PARTS))

    def decimal_(self, value: Any) -> Wire:
        digits = decimal.Decimal.__str__(value)
        finite = decimal.Decimal.is_finite(value)
        if len(digits) > 1300 or (finite and abs(decimal.Decimal.adjusted(value)) > MAX_BITS):
            return _opaque(value, "large")
        return DecimalNode(digits)

    def fraction(self, value: Any) -> Wire:
        numerator, denominator = _parts(fractions.Fraction, value, ("numerator", "denominator"))
        if max(abs(numerator), denominator).bit_length() > MAX_BITS:
            return _opaque(value, "large")
        return FractionNode(str(numerator), str(denominator))

    def dataclass(self, value: Any) -> Wire:
        declared = next(vars(base)["__dataclass_fields__"] for base in _mro(type(value)) if _is_dataclass(base))
        names = [str.__str__(name) for name in dict.keys(declared) if _is_field_name(name)]
        self.spend(10)
        kind = _safe_name(_type_name(type(value)))
        return FieldsNode(kind, names, self.values([object.__getattribute__(value, name) for name in names]))

    def function(self, value: Any) -> Wire:
        return _opaque(value) if self.keep is None else FunctionNode(self.keep(value))

    def opaque(self, value: Any) -> Wire:
        return _opaque(value)

    # NumPy

    def numbers(self, array: np.ndarray) -> ArrayNode:
        """An array of a kind that crosses as bytes.

        :raises TypeError: if it is of another kind.
        """
        if array.dtype.char in "gG":  # long double: its width is the machine's own
            array = array.astype("c16" if array.dtype.char == "G" else "f8")
        name = array.dtype.newbyteorder("<").str
        if not _DTYPE.fullmatch(name):
            raise TypeError(name)
        self.spend(1, array.size * array.dtype.itemsize)
        self.chunks.append(array.astype(name, copy=False).tobytes())
        return ArrayNode(name, list(array.shape))

    def scalar(self, value: Any) -> Wire:
        return NumberNode(self.numbers(np.asarray(value)).dtype)

    def ndarray(self, value: Any) -> Wire:
        array = np.ndarray.view(value, np.ndarray)
        if array.dtype.kind not in "USO":
            return self.numbers(array) if array.dtype.kind in "biufcmM" else _opaque(value)
        if array.nbytes > MAX_BYTES:
            raise _BeyondError("large")
        items = array.ravel().tolist()
        if items and array.dtype.kind == "O" and all(_writer_of(type(item)) is _Writer.axes for item in items):
            return ListNode(self.values(array.tolist()))
        return ItemsNode(array.dtype.kind, list(array.shape), self.values(items))

    # pandas

    def vector(self, array: Any) -> Vector:
        """The values of a column or index: an array of NumPy or of pandas."""
        self.spend(COST_OF_PANDAS // 5 + len(array))
        write = _VECTORS.get(type(array.dtype))
        if write is not None:
            return write(self, array)
        flat = np.asarray(array)
        if flat.dtype.kind in "biufcmM":
            return self.numbers(flat)
        return ItemsNode("O", [len(flat)], self.values(flat.astype(object).tolist()))

    def strings(self, array: Any) -> Vector:
        values = array.to_numpy(dtype=object, na_value=None).tolist()
        self.spend(0, sum(map(len, filter(None, values))))
        if self.careful:
            values = [None if text is None else _clean(text, MAX_BYTES) for text in values]
        return StringsNode("string" if array.dtype.na_value is pd.NA else "str", values)

    def masked(self, array: Any) -> Vector:
        return MaskedNode(self.numbers(array._data), self.numbers(array._mask))

    def category(self, array: Any) -> Vector:
        codes = self.numbers(array.codes)
        categories = self.index(array.categories)
        if isinstance(categories, MultiIndexNode):  # pandas makes none of these
            raise TypeError("categories")
        return CategoryNode(codes, categories, bool(array.ordered))

    def times(self, array: Any) -> Vector:
        try:
            zone = _zone_of(array.dtype.tz)
        except TypeError:
            zone = 0  # the same moments, told in UTC
        return TimesNode(self.numbers(array.asi8.view(f"M8[{array.dtype.unit}]")), 0 if zone is None else zone)

    def periods(self, array: Any) -> Vector:
        return PeriodsNode(self.numbers(array.asi8), array.freqstr)

    def intervals(self, array: Any) -> Vector:
        left, right = self.vector(array.left.array), self.vector(array.right.array)
        if not isinstance(left, ArrayNode | TimesNode) or not isinstance(right, ArrayNode | TimesNode):
            raise TypeError("bounds")
        return IntervalsNode(left, right, array.dtype.closed)

    def index(self, index: Any) -> AnyIndex:
        self.spend(COST_OF_PANDAS)
        if isinstance(index, pd.RangeIndex):
            if len(index) > MAX_ITEMS:
                raise _BeyondError("large")
            return RangeIndexNode(self.key(index.name), index.start, index.stop, index.step)
        if isinstance(index, pd.MultiIndex):
            names = self.keys(list(index.names))
            levels = [self.vector(level.array) for level in index.levels]
            return MultiIndexNode(names, levels, [self.numbers(np.asarray(codes)) for codes in index.codes])
        return IndexNode(self.key(index.name), self.vector(index.array))

    def series(self, value: Any) -> Wire:
        series = _plain_pandas(pd.Series, value)
        self.spend(COST_OF_PANDAS)
        return SeriesNode(self.key(series.name), self.index(series.index), self.vector(series.array))

    def frame(self, value: Any) -> Wire:
        frame = _plain_pandas(pd.DataFrame, value)
        self.spend(COST_OF_PANDAS)
        columns, index = self.index(frame.columns), self.index(frame.index)
        return FrameNode(columns, index, [self.vector(column.array) for _label, column in frame.items()])

    def stamp(self, value: Any) -> Wire:
        return StampNode(int(value.asm8.view("i8")), value.unit, _zone_of(value.tzinfo))

    def pandas_timedelta(self, value: Any) -> Wire:
        return TimedeltaNode(int(value.asm8.view("i8")), value.unit)

    def period(self, value: Any) -> Wire:
        return PeriodNode(value.ordinal, value.freqstr)

    def interval(self, value: Any) -> Wire:
        return IntervalNode(self.value(value.left), self.value(value.right), value.closed)

    def missing(self, value: Any) -> Wire:
        return MissingNode("NA" if value is pd.NA else "NaT")

    # drawings and widgets

    def figure(self, value: Any) -> Wire:
        return FigureNode(Figure(_clean(value.get_suptitle()), [_axes_seen(axes) for axes in value.axes]))

    def axes(self, value: Any) -> Wire:
        return AxesNode(_axes_seen(value))

    def widget(self, value: Any) -> Wire:
        nodes = [self.value(child) for child in getattr(value, "children", ())]
        return WidgetNode(
            _safe_name(_type_name(type(value))),
            self.value(getattr(value, "value", None)),
            _clean(getattr(value, "description", "")),
            [node for node in nodes if isinstance(node, WidgetNode)],
        )


def _parts(base: type, value: Any, names: tuple[str, ...]) -> list[Any]:
    """Attributes of ``value`` as its base class ``base`` keeps them."""
    return [getattr(base, name).__get__(value) for name in names]


def _zone_of(zone: Any) -> Zone:
    """:raises TypeError: for a time zone of the student's own making."""
    if zone is None:
        return None
    if type(zone) is zoneinfo.ZoneInfo and zone.key is not None:
        return zone.key
    if type(zone) is dt.timezone:
        offset = zone.utcoffset(None)
        if not offset.microseconds:
            return offset.days * 86400 + offset.seconds
    raise TypeError("time zone")


def _plain_pandas(base: type, value: Any) -> Any:
    """A Series or frame of a subclass as a plain one of its data."""
    if type(value) is base:
        return value
    data = object.__getattribute__(value, "_mgr")
    plain = base._from_mgr(data, data.axes)  # type: ignore[attr-defined]
    if base is pd.Series:
        plain.name = object.__getattribute__(value, "_name")
    return plain


def _hashable(node: Wire) -> bool:
    if isinstance(node, TupleNode | FrozenSetNode):
        return all(map(_hashable, node.items))
    return not isinstance(node, _UNHASHABLE)


def _is_dataclass(base: type) -> bool:
    return type(type.__dict__["__dict__"].__get__(base).get("__dataclass_fields__")) is dict


def _is_field_name(name: str) -> bool:
    """Names with two underscores are protocols: NumPy would follow an ``__array_interface__`` to any address."""
    return name.isidentifier() and not name.startswith("__") and len(name) <= 100


def _floats(values: Any) -> list[float]:
    return np.ma.filled(np.ma.asarray(values, dtype=float), np.nan).ravel()[:MAX_POINTS].tolist()


def _axes_seen(axes: Any) -> Axes:
    legend = axes.get_legend()
    offsets = [(cloud, np.ma.asarray(cloud.get_offsets())) for cloud in axes.collections if hasattr(cloud, "get_sizes")]
    return Axes(
        title=_clean(axes.get_title()),
        xlabel=_clean(axes.get_xlabel()),
        ylabel=_clean(axes.get_ylabel()),
        lines=[Line(_floats(x.get_xdata()), _floats(x.get_ydata()), _clean(x.get_label())) for x in axes.get_lines()],
        bars=[bar for group in axes.containers for bar in _bars_seen(group)][:MAX_POINTS],
        points=[Points(_floats(xy[:, 0]), _floats(xy[:, 1]), _clean(cloud.get_label())) for cloud, xy in offsets],
        texts=_texts(axes.texts),
        xticklabels=_texts(axes.get_xticklabels()),
        yticklabels=_texts(axes.get_yticklabels()),
        legend=_texts(legend.get_texts()) if legend else [],
    )


def _texts(artists: Any) -> list[str]:
    return [_clean(artist.get_text()) for artist in list(artists)[:MAX_POINTS]]


def _bars_seen(group: Any) -> list[Bar]:
    """The bars of one call of ``bar``, ``barh`` or ``hist``; none if the group is of another kind."""
    if not hasattr(group, "patches"):
        return []
    label, flat = _clean(group.get_label()), getattr(group, "orientation", None) == "horizontal"
    bars = []
    for patch in group.patches[:MAX_POINTS]:
        x, y, width, height = map(float, (patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()))
        bars.append(
            Bar(y + height / 2, width, height, label, True) if flat else Bar(x + width / 2, height, width, label, False)
        )
    return bars


Write = Callable[[_Writer, Any], Wire]
_KINDS: dict[type, Write] = {
    int: _Writer.int_,
    float: _Writer.float_,
    str: _Writer.str_,
    bytes: _Writer.bytes_,
    complex: _Writer.complex_,
    list: _Writer.list_,
    tuple: _Writer.tuple_,
    set: _Writer.set_,
    frozenset: _Writer.frozenset_,
    dict: _Writer.dict_,
    OrderedDict: _Writer.ordered_dict,
    range: _Writer.range_,
    dt.date: _Writer.date,
    dt.datetime: _Writer.datetime,
    dt.time: _Writer.time,
    dt.timedelta: _Writer.timedelta,
    decimal.Decimal: _Writer.decimal_,
    fractions.Fraction: _Writer.fraction,
    np.bool_: _Writer.scalar,
    np.number: _Writer.scalar,
    np.datetime64: _Writer.scalar,
    np.ma.MaskedArray: _Writer.opaque,
    np.ndarray: _Writer.ndarray,
    pd.DataFrame: _Writer.frame,
    pd.Series: _Writer.series,
    pd.Index: _Writer.index,
    pd.Timestamp: _Writer.stamp,
    pd.Timedelta: _Writer.pandas_timedelta,
    pd.Period: _Writer.period,
    pd.Interval: _Writer.interval,
    type(pd.NaT): _Writer.missing,
    type(pd.NA): _Writer.missing,
    **dict.fromkeys(
        (
            types.FunctionType,
            types.BuiltinFunctionType,
            types.MethodType,
            types.MethodDescriptorType,
            types.MethodWrapperType,
            types.WrapperDescriptorType,
            functools.partial,
            type(functools.lru_cache(len)),
            np.ufunc,
        ),
        _Writer.function,
    ),
}
_KINDS_BY_ID = {id(kind): write for kind, write in _KINDS.items()}
_VECTORS: dict[type, Callable[[_Writer, Any], Vector]] = {
    pd.StringDtype: _Writer.strings,
    pd.CategoricalDtype: _Writer.category,
    pd.DatetimeTZDtype: _Writer.times,
    pd.PeriodDtype: _Writer.periods,
    pd.IntervalDtype: _Writer.intervals,
    pd.BooleanDtype: _Writer.masked,
    **{
        type(pd.api.types.pandas_dtype(name)): _Writer.masked
        for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64")
    },
}
_IF_LOADED: list[tuple[str, str, Write]] = [
    ("matplotlib.figure", "Figure", _Writer.figure),
    ("matplotlib.axes", "Axes", _Writer.axes),
    ("ipywidgets", "Widget", _Writer.widget),
]


def _writer_of(kind: type) -> Write:
    """How things of this type are written."""
    if id(kind) in _KINDS_BY_ID:
        return _KINDS_BY_ID[id(kind)]
    bases = _mro(kind)
    for module, name, write in _IF_LOADED:
        loaded = getattr(sys.modules.get(module), name, None)
        if any(base is loaded for base in bases):
            return write
    for base in bases:
        if id(base) in _KINDS_BY_ID:
            return _KINDS_BY_ID[id(base)]
    return _Writer.dataclass if any(map(_is_dataclass, bases)) else _Writer.opaque


def encode(value: Any, keep: Keep | None = None) -> bytes:
    """``value`` as a message. Raises for no value: what does not cross is written as an :class:`Opaque`.

    keep: stores a function for later calls and returns its handle; without it functions do not cross.
    """
    return _encode(lambda writer: writer.value(value), value, keep)


def _encode(write: Callable[[_Writer], Any], value: Any, keep: Keep | None) -> bytes:
    reason: Reason = "broken"
    for careful in (False, True):
        writer = _Writer(keep, careful)
        try:
            body = _encoder.encode(write(writer))
            if len(body) <= MAX_BODY:
                message = _encoder.encode(Message(body, b"".join(writer.chunks)))
                if len(message) <= MAX_BYTES:
                    return message
            reason = "large"
            break
        except (OverflowError, UnicodeEncodeError):
            continue
        except _BeyondError as beyond:
            reason = beyond.reason
            break
        except MemoryError:
            reason = "large"
            break
        except Exception:  # a struct was given what msgpack does not take
            break
    return _encoder.encode(Message(_encoder.encode(_opaque(value, reason)), b""))


def encode_outcome(outcome: Any, keep: Keep | None = None) -> bytes:
    """The reply to a call: the value returned, or the exception raised."""
    if not any(base is BaseException for base in _mro(type(outcome))):
        return encode(outcome, keep)
    try:
        message = _clean(str(outcome), MAX_MESSAGE)
    except BaseException:  # its __str__ is the student's
        message = ""
    return _encode(lambda writer: FailureNode(_safe_name(_type_name(type(outcome))), message), outcome, None)


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


# --- the reader ----------------------------------------------------------------------------------------------------


class _Reader:
    """Builds values from structs that hostile bytes were decoded to."""

    def __init__(self, numbers: bytes, call: Call | None) -> None:
        self.rest = memoryview(numbers)
        self.call = call
        self.depth = 0
        self.items_left = MAX_ITEMS
        self.kinds: dict[tuple[type, str], type] = {}

    def spend(self, items: int) -> None:
        self.items_left -= items
        if self.items_left < 0:
            raise WireError("too many items")

    def value(self, node: Any) -> Any:
        if id(type(node)) in _PLAIN:
            return node
        if self.depth > MAX_DEPTH:
            raise WireError("too deep")
        self.depth += 1
        result = _READERS[type(node)](self, node)
        self.depth -= 1
        return result

    def values(self, nodes: list[Any]) -> list[Any]:
        self.spend(len(nodes))
        return nodes if set(map(id, map(type, nodes))) <= _PLAIN else [self.value(node) for node in nodes]

    def kind(self, base: type, name: str) -> Any:
        """A class called ``name``; after many the rest are "object"."""
        name = _safe_name(name)
        if (base, name) not in self.kinds:
            if len(self.kinds) >= MAX_KINDS:
                name = "object"
            space = {"__slots__": (), "__module__": __name__} if base is Opaque else {"__module__": __name__}
            self.kinds.setdefault((base, name), type(name, (base,), space))
        return self.kinds[base, name]

    # builtin kinds

    def list_(self, node: ListNode) -> list[Any]:
        return self.values(node.items)

    def tuple_(self, node: TupleNode) -> tuple[Any, ...]:
        return tuple(self.values(node.items))

    def set_(self, node: SetNode) -> set[Any]:
        return set(self.values(node.items))

    def frozenset_(self, node: FrozenSetNode) -> frozenset[Any]:
        return frozenset(self.values(node.items))

    def dict_(self, node: DictNode) -> dict[Any, Any]:
        keys = self.values(node.keys)
        return dict(zip(keys, self.values(node.values), strict=True))

    def range_(self, node: RangeNode) -> range:
        result = range(node.start, node.stop, node.step)
        if len(result) > MAX_ITEMS:
            raise WireError("long range")
        return result

    def int_(self, node: IntNode) -> int:
        return _integer(node.digits)

    def text(self, node: TextNode) -> str:
        return node.data.decode("utf-8", "surrogatepass")

    def bytes_(self, node: BytesNode) -> bytes:
        return node.data

    def complex_(self, node: ComplexNode) -> complex:
        return complex(node.real, node.imag)

    def date(self, node: DateNode) -> dt.date:
        return dt.date(*node.parts)

    def datetime(self, node: DateTimeNode) -> dt.datetime:
        return dt.datetime(*node.parts, tzinfo=_zone(node.zone), fold=node.fold)  # type: ignore[arg-type, misc]

    def time(self, node: TimeNode) -> dt.time:
        return dt.time(*node.parts, tzinfo=_zone(node.zone), fold=node.fold)  # type: ignore[arg-type, misc]

    def timedelta(self, node: DeltaNode) -> dt.timedelta:
        return dt.timedelta(*node.parts)

    def decimal_(self, node: DecimalNode) -> decimal.Decimal:
        value = decimal.Decimal(node.digits)
        if value.is_finite() and abs(value.adjusted()) > MAX_BITS:
            raise WireError("large exponent")
        return value

    def fraction(self, node: FractionNode) -> fractions.Fraction:
        return fractions.Fraction(_integer(node.numerator), _integer(node.denominator))

    def fields(self, node: FieldsNode) -> Fields:
        self.spend(10)
        if not all(map(_is_field_name, node.names)):
            raise WireError("name of a field")
        return self.kind(Fields, node.kind)(**dict(zip(node.names, self.values(node.values), strict=True)))

    def function(self, node: FunctionNode) -> Any:
        return self.kind(Opaque, "function")("kind") if self.call is None else Function(node.handle, self.call)

    def opaque(self, node: OpaqueNode) -> Opaque:
        return self.kind(Opaque, node.kind)(node.reason)

    # NumPy

    def take(self, name: str, count: int) -> np.ndarray:
        """The next ``count`` numbers, as a copy that can be written to."""
        if not _DTYPE.fullmatch(name):
            raise WireError("dtype")
        dtype = np.dtype(name)
        size = count * dtype.itemsize  # Python integers: no overflow
        if size > len(self.rest):
            raise WireError("numbers are missing")
        part, self.rest = self.rest[:size], self.rest[size:]
        if dtype.kind == "b":  # a boolean byte other than 0 and 1 would be neither True nor False
            return np.frombuffer(part, dtype=np.uint8) != 0
        return np.frombuffer(part, dtype=dtype).copy()

    def scalar(self, node: NumberNode) -> Any:
        return self.take(node.dtype, 1)[0]

    def numbers(self, node: ArrayNode) -> np.ndarray:
        return self.take(node.dtype, _count(node.shape)).reshape(node.shape)

    def items(self, node: ItemsNode) -> np.ndarray:
        items = self.values(node.items)
        if len(items) != _count(node.shape):
            raise WireError("shape")
        if node.kind == "O":
            return np.fromiter(items, dtype=object, count=len(items)).reshape(node.shape)
        kind = str if node.kind == "U" else bytes
        if any(type(item) is not kind for item in items):
            raise WireError("items")
        width = max(map(len, items), default=0)
        if 4 * width * len(items) > 4 * MAX_BYTES:  # as wide as the longest: one long text would multiply
            raise WireError("wide items")
        return np.array(items, dtype=f"{node.kind}{max(width, 1)}").reshape(node.shape)

    # pandas

    def vector(self, node: Vector) -> Any:
        """A one-dimensional array of NumPy or pandas."""
        self.spend(COST_OF_PANDAS // 5)
        array = _VECTOR_READERS[type(node)](self, node)
        self.spend(len(array))
        if array.ndim != 1:
            raise WireError("not a column")
        return array

    def strings(self, node: StringsNode) -> Any:
        return pd.array(np.array(node.values, dtype=object), dtype=node.dtype)

    def masked(self, node: MaskedNode) -> Any:
        values, mask = self.numbers(node.values), self.numbers(node.mask)
        kinds = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
        return kinds.get(values.dtype.kind, pd.arrays.IntegerArray)(values, mask)

    def category(self, node: CategoryNode) -> Any:
        codes = self.numbers(node.codes)
        return pd.Categorical.from_codes(codes, categories=self.index(node.categories), ordered=node.ordered)

    def times(self, node: TimesNode) -> Any:
        values = self.numbers(node.values)
        if values.dtype.kind != "M":
            raise WireError("moments")
        return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(_zone(node.zone)).array

    def periods(self, node: PeriodsNode) -> Any:
        ordinals = self.numbers(node.ordinals)
        if ordinals.dtype != np.int64:
            raise WireError("ordinals")
        return pd.arrays.PeriodArray(ordinals, dtype=pd.PeriodDtype(_freq(node.freq)))

    def intervals(self, node: IntervalsNode) -> Any:
        left = self.vector(node.left)
        return pd.arrays.IntervalArray.from_arrays(pd.Index(left), pd.Index(self.vector(node.right)), node.closed)

    def index(self, node: AnyIndex) -> Any:
        self.spend(COST_OF_PANDAS)
        if isinstance(node, RangeIndexNode):
            name = self.value(node.name)
            return pd.RangeIndex(self.range_(RangeNode(node.start, node.stop, node.step)), name=name)
        if isinstance(node, MultiIndexNode):
            names = self.values(node.names)
            levels = [_as_index(self.vector(level)) for level in node.levels]
            return pd.MultiIndex(levels, [self.numbers(codes) for codes in node.codes], names=names)
        name = self.value(node.name)
        return _as_index(self.vector(node.values), name)

    def series(self, node: SeriesNode) -> pd.Series:
        self.spend(COST_OF_PANDAS)
        name, index = self.value(node.name), self.index(node.index)
        return self.column(node.values, index, name)

    def column(self, node: Vector, index: Any, name: Any = None) -> pd.Series:
        values = self.vector(node)
        if len(values) != len(index):
            raise WireError("length")
        return pd.Series(values, index=index, name=name, dtype=values.dtype, copy=False)

    def frame(self, node: FrameNode) -> pd.DataFrame:
        self.spend(COST_OF_PANDAS)
        columns, index = self.index(node.columns), self.index(node.index)
        if len(columns) != len(node.values):
            raise WireError("columns")
        data = {}
        for place, vector in enumerate(node.values):
            values = self.vector(vector)
            if len(values) != len(index):
                raise WireError("length")
            # pandas would guess the type of an array of objects anew, but not that of a Series
            data[place] = pd.Series(values, index=index, dtype=object) if values.dtype == object else values
        frame = pd.DataFrame(data, index=index)
        frame.columns = columns
        return frame

    def stamp(self, node: StampNode) -> Any:
        stamp = pd.Timestamp(np.datetime64(node.value, node.unit))
        return stamp if node.zone is None else stamp.tz_localize("UTC").tz_convert(_zone(node.zone))

    def pandas_timedelta(self, node: TimedeltaNode) -> Any:
        return pd.Timedelta(np.timedelta64(node.value, node.unit))

    def period(self, node: PeriodNode) -> Any:
        return pd.Period(ordinal=node.ordinal, freq=_freq(node.freq))

    def interval(self, node: IntervalNode) -> Any:
        left = self.value(node.left)
        return pd.Interval(left, self.value(node.right), node.closed)

    def missing(self, node: MissingNode) -> Any:
        return pd.NA if node.kind == "NA" else pd.NaT

    # drawings and widgets

    def figure(self, node: FigureNode) -> Figure:
        return node.figure

    def axes(self, node: AxesNode) -> Axes:
        return node.axes

    def widget(self, node: WidgetNode) -> Widget:
        self.spend(10)
        children = [self.value(child) for child in node.children]  # in the order in which they were written
        return Widget(_safe_name(node.kind), self.value(node.value), node.description, children)


def _integer(digits: str) -> int:
    value = int(digits)
    if value.bit_length() > MAX_BITS:
        raise WireError("long integer")
    return value


def _count(shape: list[int]) -> int:
    if any(length < 0 for length in shape):
        raise WireError("shape")
    return math.prod(shape)


def _zone(zone: Zone) -> dt.tzinfo | None:
    if isinstance(zone, str):
        if not _ZONE.fullmatch(zone):
            raise WireError("time zone")
        return zoneinfo.ZoneInfo(zone)
    return None if zone is None else dt.timezone(dt.timedelta(seconds=zone)) if zone else dt.UTC


def _freq(freq: str) -> str:
    if not _FREQ.fullmatch(freq):
        raise WireError("frequency")
    return freq


def _as_index(values: Any, name: Any = None) -> Any:
    return pd.Index(values, dtype=values.dtype, name=name, tupleize_cols=False)


_VECTOR_READERS: dict[type, Callable[[_Reader, Any], Any]] = {
    ArrayNode: _Reader.numbers,
    ItemsNode: _Reader.items,
    StringsNode: _Reader.strings,
    MaskedNode: _Reader.masked,
    CategoryNode: _Reader.category,
    TimesNode: _Reader.times,
    PeriodsNode: _Reader.periods,
    IntervalsNode: _Reader.intervals,
}
_READERS: dict[type, Callable[[_Reader, Any], Any]] = {
    ListNode: _Reader.list_,
    TupleNode: _Reader.tuple_,
    SetNode: _Reader.set_,
    FrozenSetNode: _Reader.frozenset_,
    DictNode: _Reader.dict_,
    RangeNode: _Reader.range_,
    IntNode: _Reader.int_,
    TextNode: _Reader.text,
    BytesNode: _Reader.bytes_,
    ComplexNode: _Reader.complex_,
    DateNode: _Reader.date,
    DateTimeNode: _Reader.datetime,
    TimeNode: _Reader.time,
    DeltaNode: _Reader.timedelta,
    DecimalNode: _Reader.decimal_,
    FractionNode: _Reader.fraction,
    FieldsNode: _Reader.fields,
    NumberNode: _Reader.scalar,
    ArrayNode: _Reader.numbers,
    ItemsNode: _Reader.items,
    **dict.fromkeys((StringsNode, MaskedNode, CategoryNode, TimesNode, PeriodsNode, IntervalsNode), _Reader.vector),
    **dict.fromkeys((IndexNode, RangeIndexNode, MultiIndexNode), _Reader.index),
    SeriesNode: _Reader.series,
    FrameNode: _Reader.frame,
    StampNode: _Reader.stamp,
    TimedeltaNode: _Reader.pandas_timedelta,
    PeriodNode: _Reader.period,
    IntervalNode: _Reader.interval,
    MissingNode: _Reader.missing,
    FigureNode: _Reader.figure,
    AxesNode: _Reader.axes,
    WidgetNode: _Reader.widget,
    FunctionNode: _Reader.function,
    OpaqueNode: _Reader.opaque,
}


def decode(data: bytes, call: Call | None = None) -> Any:
    """The value of a message from a hostile peer.

    call: ``call(handle, arguments) -> reply`` carries the calls of a :class:`Function`; without it functions arrive
        opaque.

    :raises WireError: if the bytes are malformed, oversized or inconsistent; nothing else.
    """
    return _decode(data, _value_decoder, call)


def decode_outcome(data: bytes, call: Call | None = None) -> Any:
    """The value in the reply to a call.

    :raises RemoteError: if the reply is an exception.
    :raises WireError: if the bytes are malformed, oversized or inconsistent.
    """
    result = _decode(data, _outcome_decoder, call)
    if isinstance(result, FailureNode):
        raise RemoteError(_safe_name(result.kind), result.message)
    return result


def _decode(data: bytes, decoder: Any, call: Call | None) -> Any:
    if len(data) > MAX_BYTES:
        raise WireError("too many bytes")
    try:
        message = _message_decoder.decode(data)
        if len(message.body) > MAX_BODY:
            raise WireError("too long a body")
        node = decoder.decode(message.body)
        reader = _Reader(message.numbers, call)
        value = node if isinstance(node, FailureNode) else reader.value(node)
    except WireError:
        raise
    except Exception as error:  # NumPy and pandas check what they are given, and raise what they like
        raise WireError(f"{type(error).__name__}: {str(error)[:200]}") from None
    if len(reader.rest):
        raise WireError("numbers are left over")
    return value


# --- for reports ---------------------------------------------------------------------------------------------------


def describe(value: Any) -> str:
    """A few words on a decoded value, e.g. "DataFrame，812 行 × 4 列"."""
    if isinstance(value, pd.DataFrame):
        return _("DataFrame，{rows} 行 × {columns} 列").format(rows=len(value), columns=value.shape[1])
    if isinstance(value, pd.Series):
        return _("Series，{n} 个值").format(n=len(value))
    if isinstance(value, pd.Index):
        return _("索引，{n} 个值").format(n=len(value))
    if isinstance(value, np.ndarray):
        return _("数组，形状 {shape}").format(shape=" × ".join(map(str, value.shape)) or "()")
    if isinstance(value, str):
        return _("文字，{n} 字").format(n=len(value))
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | float | complex | np.number):
        return _("数 {number}").format(number=_short(value))
    return _describe_container(value)


def _short(number: Any) -> str:
    """A number in at most some twelve characters; a huge integer as a power of ten."""
    try:
        return f"{number:.6g}"
    except (OverflowError, TypeError, ValueError):
        return str(number)[:40]


def _describe_container(value: Any) -> str:
    match value:
        case list():
            return _("列表，{n} 项").format(n=len(value))
        case tuple():
            return _("元组，{n} 项").format(n=len(value))
        case set() | frozenset():
            return _("集合，{n} 项").format(n=len(value))
        case dict():
            return _("字典，{n} 个键").format(n=len(value))
        case Function():
            return _("函数")
        case Figure():
            return _("图，{n} 个坐标系").format(n=len(value.axes))
        case Axes():
            return _("一个坐标系")
        case Widget():
            return _("控件 {kind}").format(kind=value.kind)
        case Opaque():
            return _describe_opaque(value)
    return type(value).__name__


def _describe_opaque(value: Opaque) -> str:
    kind = type(value).__name__
    match value.reason:
        case "large":
            return _("太大而不能传递的对象 {kind}").format(kind=kind)
        case "deep":
            return _("嵌套太深而不能传递的对象 {kind}").format(kind=kind)
        case "cyclic":
            return _("包含自身而不能传递的对象 {kind}").format(kind=kind)
        case "broken":
            return _("读取时出错的对象 {kind}").format(kind=kind)
    return _("不能传递的对象 {kind}").format(kind=kind)
