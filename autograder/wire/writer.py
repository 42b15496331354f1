"""The student's side: any object becomes a message."""

import sys
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from autograder.wire import nodes
from autograder.wire.limits import (
    COST_OF_COLUMN,
    COST_OF_OBJECT,
    COST_OF_PANDAS,
    MAX_BODY,
    MAX_BYTES,
    MAX_ITEMS,
    MAX_MESSAGE,
)
from autograder.wire.names import clean, mro, safe_type_name
from autograder.wire.nodes import DTYPE
from autograder.wire.plain_writer import (
    PLAIN_WRITERS,
    BeyondError,
    Keep,
    PlainWriter,
    Write,
    is_dataclass,
    opaque,
    zone_of,
)
from autograder.wire.views import Reason, axes_seen, figure_seen

_encoder = msgspec.msgpack.Encoder()


class Writer(PlainWriter):
    """Adds NumPy, pandas, drawings and widgets."""

    def writer_of(self, kind: type) -> Write:
        if id(kind) in _WRITERS_BY_ID:
            return _WRITERS_BY_ID[id(kind)]
        bases = mro(kind)
        for module, name, write in _IF_LOADED:
            loaded = getattr(sys.modules.get(module), name, None)
            if any(base is loaded for base in bases):
                return write
        for base in bases:
            if id(base) in _WRITERS_BY_ID:
                return _WRITERS_BY_ID[id(base)]
        return Writer.dataclass if any(map(is_dataclass, bases)) else Writer.opaque

    # NumPy

    def numbers(self, array: np.ndarray) -> nodes.ArrayNode:
        """An array of a kind that crosses as bytes.

        :raises TypeError: if it is of another kind.
        """
        if array.dtype.char in "gG":  # long double: its width is the machine's own
            array = array.astype("c16" if array.dtype.char == "G" else "f8")
        name = array.dtype.newbyteorder("<").str
        if not DTYPE.fullmatch(name):
            raise TypeError(name)
        self.spend(1, array.size * array.dtype.itemsize)
        self.chunks.append(array.astype(name, copy=False).tobytes())
        return nodes.ArrayNode(name, list(array.shape))

    def scalar(self, value: Any) -> nodes.Wire:
        return nodes.NumberNode(self.numbers(np.asarray(value)).dtype)

    def ndarray(self, value: Any) -> nodes.Wire:
        array = np.ndarray.view(value, np.ndarray)
        if array.dtype.kind not in "USO":
            return self.numbers(array) if array.dtype.kind in "biufcmM" else opaque(value)
        self.spend(0, array.nbytes)  # texts of one array are all as wide as the longest
        items = array.ravel().tolist()
        if items and array.dtype.kind == "O" and all(self.writer_of(type(item)) is Writer.axes for item in items):
            return nodes.ListNode(self.values(array.tolist()))
        return nodes.ItemsNode(array.dtype.kind, list(array.shape), self.values(items))

    # pandas

    def vector(self, array: Any) -> nodes.Vector:
        """The values of a column or index: an array of NumPy or of pandas."""
        self.spend(COST_OF_COLUMN + len(array))
        write = _VECTORS.get(type(array.dtype))
        if write is not None:
            return write(self, array)
        flat = np.asarray(array)
        if flat.dtype.kind in "biufcmM":
            return self.numbers(flat)
        return nodes.ItemsNode("O", [len(flat)], self.values(flat.astype(object).tolist()))

    def strings(self, array: Any) -> nodes.Vector:
        values = array.to_numpy(dtype=object, na_value=None).tolist()
        self.spend(0, sum(map(len, filter(None, values))))
        if self.careful:
            values = [None if text is None else clean(text, MAX_BYTES) for text in values]
        return nodes.StringsNode("string" if array.dtype.na_value is pd.NA else "str", values)

    def masked(self, array: Any) -> nodes.Vector:
        return nodes.MaskedNode(self.numbers(array._data), self.numbers(array._mask))

    def category(self, array: Any) -> nodes.Vector:
        codes = self.numbers(array.codes)
        categories = self.index(array.categories)
        if isinstance(categories, nodes.MultiIndexNode):  # pandas makes none of these
            raise TypeError("categories")
        return nodes.CategoryNode(codes, categories, bool(array.ordered))

    def times(self, array: Any) -> nodes.Vector:
        try:
            zone = zone_of(array.dtype.tz)
        except TypeError:
            zone = 0  # the same moments, told in UTC
        return nodes.TimesNode(self.numbers(array.asi8.view(f"M8[{array.dtype.unit}]")), 0 if zone is None else zone)

    def periods(self, array: Any) -> nodes.Vector:
        return nodes.PeriodsNode(self.numbers(array.asi8), array.freqstr)

    def intervals(self, array: Any) -> nodes.Vector:
        left, right = self.vector(array.left.array), self.vector(array.right.array)
        if isinstance(left, nodes.ArrayNode | nodes.TimesNode) and isinstance(right, nodes.ArrayNode | nodes.TimesNode):
            return nodes.IntervalsNode(left, right, array.dtype.closed)
        raise TypeError("bounds")

    def index(self, index: Any) -> nodes.AnyIndex:
        self.spend(COST_OF_PANDAS)
        if isinstance(index, pd.RangeIndex):
            if len(index) > MAX_ITEMS:
                raise BeyondError("large")
            return nodes.RangeIndexNode(self.key(index.name), index.start, index.stop, index.step)
        if isinstance(index, pd.MultiIndex):
            names = self.keys(list(index.names))
            levels = [self.vector(level.array) for level in index.levels]
            return nodes.MultiIndexNode(names, levels, [self.numbers(np.asarray(codes)) for codes in index.codes])
        return nodes.IndexNode(self.key(index.name), self.vector(index.array))

    def series(self, value: Any) -> nodes.Wire:
        series = _plain_pandas(pd.Series, value)
        self.spend(COST_OF_PANDAS)
        return nodes.SeriesNode(self.key(series.name), self.index(series.index), self.vector(series.array))

    def frame(self, value: Any) -> nodes.Wire:
        frame = _plain_pandas(pd.DataFrame, value)
        self.spend(COST_OF_PANDAS)
        columns, index = self.index(frame.columns), self.index(frame.index)
        return nodes.FrameNode(columns, index, [self.vector(column.array) for _label, column in frame.items()])

    def stamp(self, value: Any) -> nodes.Wire:
        return nodes.StampNode(int(value.asm8.view("i8")), value.unit, zone_of(value.tzinfo))

    def pandas_timedelta(self, value: Any) -> nodes.Wire:
        return nodes.TimedeltaNode(int(value.asm8.view("i8")), value.unit)

    def period(self, value: Any) -> nodes.Wire:
        return nodes.PeriodNode(value.ordinal, value.freqstr)

    def interval(self, value: Any) -> nodes.Wire:
        return nodes.IntervalNode(self.value(value.left), self.value(value.right), value.closed)

    def missing(self, value: Any) -> nodes.Wire:
        return nodes.MissingNode("NA" if value is pd.NA else "NaT")

    # drawings and widgets

    def figure(self, value: Any) -> nodes.Wire:
        return nodes.FigureNode(figure_seen(value))

    def axes(self, value: Any) -> nodes.Wire:
        return nodes.AxesNode(axes_seen(value))

    def widget(self, value: Any) -> nodes.Wire:
        self.spend(COST_OF_OBJECT)
        children = [self.value(child) for child in getattr(value, "children", ())]
        return nodes.WidgetNode(
            safe_type_name(value),
            self.value(getattr(value, "value", None)),
            clean(getattr(value, "description", "")),
            [child for child in children if isinstance(child, nodes.WidgetNode)],
        )


def _plain_pandas(base: type, value: Any) -> Any:
    """A Series or frame of a subclass as a plain one of its data."""
    if type(value) is base:
        return value
    data = object.__getattribute__(value, "_mgr")
    plain = base._from_mgr(data, data.axes)  # type: ignore[attr-defined]
    if base is pd.Series:
        plain.name = object.__getattribute__(value, "_name")
    return plain


_WRITERS: dict[type, Write] = PLAIN_WRITERS | {
    np.bool_: Writer.scalar,
    np.number: Writer.scalar,
    np.datetime64: Writer.scalar,
    np.ma.MaskedArray: Writer.opaque,
    np.ndarray: Writer.ndarray,
    np.ufunc: Writer.function,
    pd.DataFrame: Writer.frame,
    pd.Series: Writer.series,
    pd.Index: Writer.index,
    pd.Timestamp: Writer.stamp,
    pd.Timedelta: Writer.pandas_timedelta,
    pd.Period: Writer.period,
    pd.Interval: Writer.interval,
    type(pd.NaT): Writer.missing,
    type(pd.NA): Writer.missing,
}
_WRITERS_BY_ID = {id(kind): write for kind, write in _WRITERS.items()}
_VECTORS: dict[type, Callable[[Writer, Any], nodes.Vector]] = {
    pd.StringDtype: Writer.strings,
    pd.CategoricalDtype: Writer.category,
    pd.DatetimeTZDtype: Writer.times,
    pd.PeriodDtype: Writer.periods,
    pd.IntervalDtype: Writer.intervals,
    pd.BooleanDtype: Writer.masked,
    **{
        type(pd.api.types.pandas_dtype(name)): Writer.masked
        for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64")
    },
}
_IF_LOADED: list[tuple[str, str, Write]] = [
    ("matplotlib.figure", "Figure", Writer.figure),
    ("matplotlib.axes", "Axes", Writer.axes),
    ("ipywidgets", "Widget", Writer.widget),
]


def encode(value: Any, keep: Keep | None = None) -> bytes:
    """``value`` as a message. Raises for no value: what does not cross is written as an :class:`Opaque`.

    keep: stores a function for later calls and returns its handle; without it functions do not cross.
    """
    return _encode(lambda writer: writer.value(value), value, keep)


def _encode(write: Callable[[Writer], Any], value: Any, keep: Keep | None) -> bytes:
    reason: Reason = "broken"
    for careful in (False, True):
        writer = Writer(keep, careful)
        try:
            body = _encoder.encode(write(writer))
            if len(body) <= MAX_BODY:
                message = _encoder.encode(nodes.Message(body, b"".join(writer.chunks)))
                if len(message) <= MAX_BYTES:
                    return message
            reason = "large"
            break
        except (OverflowError, UnicodeEncodeError):
            continue
        except BeyondError as beyond:
            reason = beyond.reason
            break
        except MemoryError:
            reason = "large"
            break
        except BaseException:  # a liar among pandas' subclasses put its own object into a struct, and msgspec read it
            break
    return _encoder.encode(nodes.Message(_encoder.encode(opaque(value, reason)), b""))


def encode_outcome(outcome: Any, keep: Keep | None = None) -> bytes:
    """The reply to a call: the value returned, or the exception raised."""
    if not any(base is BaseException for base in mro(type(outcome))):
        return encode(outcome, keep)
    try:
        message = clean(str(outcome), MAX_MESSAGE)
    except BaseException:  # its __str__ is the student's
        message = ""
    return _encode(lambda writer: nodes.FailureNode(safe_type_name(outcome), message), outcome, None)
