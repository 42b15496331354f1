"""The judge's side: a message of a hostile peer becomes a value, or a :class:`WireError`."""

import functools
import math
import re
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from autograder.wire import nodes
from autograder.wire.limits import COST_OF_COLUMN, COST_OF_OBJECT, COST_OF_PANDAS, MAX_BODY, MAX_BYTES, WireError
from autograder.wire.names import clean, safe_name
from autograder.wire.nodes import DTYPE
from autograder.wire.plain_reader import PLAIN_READERS, PlainReader, Read, zone
from autograder.wire.views import Axes, Figure, Function, RemoteError, Widget
from autograder.wire.writer import encode

Call = Callable[[int, bytes], bytes]
"""Carries a call to the student's process: handle and arguments, back comes the reply."""

_FREQ = re.compile(r"[0-9]{0,6}[A-Za-z]{1,3}(-[A-Z]{3})?", re.ASCII)

_message_decoder = msgspec.msgpack.Decoder(nodes.Message)
_value_decoder = msgspec.msgpack.Decoder(nodes.Wire)
_outcome_decoder = msgspec.msgpack.Decoder(nodes.Wire | nodes.FailureNode)


class Reader(PlainReader):
    """Adds NumPy, pandas, drawings and widgets."""

    def reader_of(self, kind: type) -> Read:
        return _READERS[kind]

    # NumPy

    def take(self, name: str, count: int) -> np.ndarray:
        """The next ``count`` numbers, as a copy that can be written to."""
        if not DTYPE.fullmatch(name):
            raise WireError("dtype")
        dtype = np.dtype(name)
        size = count * dtype.itemsize  # Python integers: no overflow
        if size > len(self.rest):
            raise WireError("numbers are missing")
        part, self.rest = self.rest[:size], self.rest[size:]
        if dtype.kind == "b":  # a boolean byte other than 0 and 1 would be neither True nor False
            return np.frombuffer(part, dtype=np.uint8) != 0
        return np.frombuffer(part, dtype=dtype).copy()

    def scalar(self, node: nodes.NumberNode) -> Any:
        return self.take(node.dtype, 1)[0]

    def numbers(self, node: nodes.ArrayNode) -> np.ndarray:
        return self.take(node.dtype, _count(node.shape)).reshape(node.shape)

    def items(self, node: nodes.ItemsNode) -> np.ndarray:
        items = self.values(node.items)
        if len(items) != _count(node.shape):
            raise WireError("shape")
        if node.kind == "O":
            return np.fromiter(items, dtype=object, count=len(items)).reshape(node.shape)
        kind = str if node.kind == "U" else bytes
        if any(type(item) is not kind for item in items):
            raise WireError("items")
        width = max(1, *map(len, items)) if items else 1
        dtype = np.dtype(f"{node.kind}{width}")
        self.spend(0, dtype.itemsize * len(items))  # all as wide as the longest: one long text would multiply
        return np.array(items, dtype=dtype).reshape(node.shape)

    # pandas

    def vector(self, node: nodes.Vector) -> Any:
        """A one-dimensional array of NumPy or pandas."""
        self.spend(COST_OF_COLUMN)
        array = _VECTOR_READERS[type(node)](self, node)
        self.spend(len(array))
        if array.ndim != 1:
            raise WireError("not a column")
        return array

    def strings(self, node: nodes.StringsNode) -> Any:
        return pd.array(np.array(node.values, dtype=object), dtype=node.dtype)

    def masked(self, node: nodes.MaskedNode) -> Any:
        values, mask = self.numbers(node.values), self.numbers(node.mask)
        kinds = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
        return kinds.get(values.dtype.kind, pd.arrays.IntegerArray)(values, mask)

    def category(self, node: nodes.CategoryNode) -> Any:
        codes = self.numbers(node.codes)
        return pd.Categorical.from_codes(codes, categories=self.index(node.categories), ordered=node.ordered)

    def times(self, node: nodes.TimesNode) -> Any:
        values = self.numbers(node.values)
        if values.dtype.kind != "M":
            raise WireError("moments")
        return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(zone(node.zone)).array

    def periods(self, node: nodes.PeriodsNode) -> Any:
        ordinals = self.numbers(node.ordinals)
        if ordinals.dtype != np.int64:
            raise WireError("ordinals")
        return pd.arrays.PeriodArray(ordinals, dtype=pd.PeriodDtype(_freq(node.freq)))

    def intervals(self, node: nodes.IntervalsNode) -> Any:
        left = self.vector(node.left)
        return pd.arrays.IntervalArray.from_arrays(pd.Index(left), pd.Index(self.vector(node.right)), node.closed)

    def index(self, node: nodes.AnyIndex) -> Any:
        self.spend(COST_OF_PANDAS)
        if isinstance(node, nodes.RangeIndexNode):
            name = self.value(node.name)
            return pd.RangeIndex(self.range_(nodes.RangeNode(node.start, node.stop, node.step)), name=name)
        if isinstance(node, nodes.MultiIndexNode):
            names = self.values(node.names)
            levels = [_as_index(self.vector(level)) for level in node.levels]
            return pd.MultiIndex(levels, [self.numbers(codes) for codes in node.codes], names=names)
        name = self.value(node.name)
        return _as_index(self.vector(node.values), name)

    def series(self, node: nodes.SeriesNode) -> pd.Series:
        self.spend(COST_OF_PANDAS)
        name, index = self.value(node.name), self.index(node.index)
        return self.column(node.values, index, name)

    def column(self, node: nodes.Vector, index: Any, name: Any = None) -> pd.Series:
        values = self.vector(node)
        if len(values) != len(index):
            raise WireError("length")
        return pd.Series(values, index=index, name=name, dtype=values.dtype, copy=False)

    def frame(self, node: nodes.FrameNode) -> pd.DataFrame:
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

    def stamp(self, node: nodes.StampNode) -> Any:
        stamp = pd.Timestamp(np.datetime64(node.value, node.unit))
        return stamp if node.zone is None else stamp.tz_localize("UTC").tz_convert(zone(node.zone))

    def pandas_timedelta(self, node: nodes.TimedeltaNode) -> Any:
        return pd.Timedelta(np.timedelta64(node.value, node.unit))

    def period(self, node: nodes.PeriodNode) -> Any:
        return pd.Period(ordinal=node.ordinal, freq=_freq(node.freq))

    def interval(self, node: nodes.IntervalNode) -> Any:
        left = self.value(node.left)
        return pd.Interval(left, self.value(node.right), node.closed)

    def missing(self, node: nodes.MissingNode) -> Any:
        return pd.NA if node.kind == "NA" else pd.NaT

    # drawings and widgets

    def figure(self, node: nodes.FigureNode) -> Figure:
        return node.figure

    def axes(self, node: nodes.AxesNode) -> Axes:
        return node.axes

    def widget(self, node: nodes.WidgetNode) -> Widget:
        self.spend(COST_OF_OBJECT)
        children = [self.value(child) for child in node.children]  # in the order in which they were written
        return Widget(safe_name(node.kind), self.value(node.value), node.description, children)


def _count(shape: list[int]) -> int:
    if any(length < 0 for length in shape):
        raise WireError("shape")
    return math.prod(shape)


def _freq(freq: str) -> str:
    if not _FREQ.fullmatch(freq):
        raise WireError("frequency")
    return freq


def _as_index(values: Any, name: Any = None) -> Any:
    return pd.Index(values, dtype=values.dtype, name=name, tupleize_cols=False)


_VECTOR_READERS: dict[type, Read] = {
    nodes.ArrayNode: Reader.numbers,
    nodes.ItemsNode: Reader.items,
    nodes.StringsNode: Reader.strings,
    nodes.MaskedNode: Reader.masked,
    nodes.CategoryNode: Reader.category,
    nodes.TimesNode: Reader.times,
    nodes.PeriodsNode: Reader.periods,
    nodes.IntervalsNode: Reader.intervals,
}
_READERS: dict[type, Read] = PLAIN_READERS | {
    nodes.NumberNode: Reader.scalar,
    nodes.ArrayNode: Reader.numbers,
    nodes.ItemsNode: Reader.items,
    nodes.StringsNode: Reader.vector,
    nodes.MaskedNode: Reader.vector,
    nodes.CategoryNode: Reader.vector,
    nodes.TimesNode: Reader.vector,
    nodes.PeriodsNode: Reader.vector,
    nodes.IntervalsNode: Reader.vector,
    nodes.IndexNode: Reader.index,
    nodes.RangeIndexNode: Reader.index,
    nodes.MultiIndexNode: Reader.index,
    nodes.SeriesNode: Reader.series,
    nodes.FrameNode: Reader.frame,
    nodes.StampNode: Reader.stamp,
    nodes.TimedeltaNode: Reader.pandas_timedelta,
    nodes.PeriodNode: Reader.period,
    nodes.IntervalNode: Reader.interval,
    nodes.MissingNode: Reader.missing,
    nodes.FigureNode: Reader.figure,
    nodes.AxesNode: Reader.axes,
    nodes.WidgetNode: Reader.widget,
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
    if isinstance(result, nodes.FailureNode):
        raise RemoteError(safe_name(result.kind), result.message)
    return result


def _ask(call: Call, handle: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return decode_outcome(call(handle, encode((args, kwargs))), call)


def _decode(data: bytes, decoder: Any, call: Call | None) -> Any:
    if len(data) > MAX_BYTES:
        raise WireError("too many bytes")
    try:
        message = _message_decoder.decode(data)
        if len(message.body) > MAX_BODY:
            raise WireError("too long a body")
        node = decoder.decode(message.body)
        reader = Reader(message.numbers, call and (lambda handle: Function(functools.partial(_ask, call, handle))))
        value = node if isinstance(node, nodes.FailureNode) else reader.value(node)
    except WireError:
        raise
    except Exception as error:  # NumPy and pandas check what they are given, and raise what they like
        raise WireError(f"{type(error).__name__}: {clean(str(error), 200)}") from None
    if len(reader.rest):
        raise WireError("numbers are left over")
    return value
