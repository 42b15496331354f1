"""The student's side of what Python itself knows: numbers, texts, containers, times, dataclasses."""

import datetime as dt
import decimal
import fractions
import functools
import types
import zoneinfo
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from autograder.wire import nodes
from autograder.wire.limits import COST_OF_OBJECT, MAX_BITS, MAX_BYTES, MAX_DEPTH, MAX_ITEMS
from autograder.wire.names import is_field_name, mro, safe_type_name
from autograder.wire.nodes import PLAIN
from autograder.wire.views import Reason

_space = type.__dict__["__dict__"].__get__  # of a class; its metaclass may lie

_DAY_PARTS = ("year", "month", "day")
_CLOCK_PARTS = ("hour", "minute", "second", "microsecond")
_DELTA_PARTS = ("days", "seconds", "microseconds")
_UNHASHABLE = (
    *(nodes.ListNode, nodes.SetNode, nodes.DictNode, nodes.FieldsNode, nodes.ArrayNode, nodes.ItemsNode),
    *(nodes.StringsNode, nodes.MaskedNode, nodes.CategoryNode, nodes.TimesNode, nodes.PeriodsNode),
    *(nodes.IntervalsNode, nodes.IndexNode, nodes.RangeIndexNode, nodes.MultiIndexNode, nodes.SeriesNode),
    *(nodes.FrameNode, nodes.FigureNode, nodes.AxesNode, nodes.WidgetNode),
)
"""What arrives for these cannot be the key of a dictionary."""

Keep = Callable[[Callable[..., Any]], int]
"""Stores a function for later calls and returns its handle."""
Write = Callable[[Any, Any], nodes.Wire]
"""A method of a writer."""


class BeyondError(Exception):
    """The whole value is beyond a limit."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def opaque(value: Any, reason: Reason = "kind") -> nodes.OpaqueNode:
    return nodes.OpaqueNode(safe_type_name(value), reason)


class PlainWriter:
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

    def writer_of(self, kind: type) -> Write:
        """How things of this type are written."""
        raise NotImplementedError

    def spend(self, items: int, size: int = 0) -> None:
        self.items_left -= items
        self.bytes_left -= size
        if self.items_left < 0 or self.bytes_left < 0:
            raise BeyondError("large")

    def value(self, value: Any) -> nodes.Wire:
        """The struct of ``value``: an OpaqueNode if it does not cross or reading it fails."""
        kind = type(value)
        if id(kind) in PLAIN:
            return self.careful_scalar(value) if self.careful else value
        if len(self.path) >= MAX_DEPTH:
            raise BeyondError("deep")
        if id(value) in self.path:
            raise BeyondError("cyclic")
        self.path.add(id(value))
        written = len(self.chunks)
        try:
            return self.writer_of(kind)(self, value)
        except BeyondError:
            raise
        except MemoryError:
            raise BeyondError("large") from None
        except BaseException:  # whatever an object of the student's raises, it must not stop the others
            del self.chunks[written:]
            return opaque(value, "broken")
        finally:
            self.path.discard(id(value))

    def careful_scalar(self, value: Any) -> nodes.Wire:
        if type(value) is int and not -(2**63) <= value < 2**64:
            return nodes.IntNode(str(value)) if value.bit_length() <= MAX_BITS else nodes.OpaqueNode("int", "large")
        if type(value) is str:
            try:
                value.encode()
            except UnicodeEncodeError:
                return nodes.TextNode(value.encode("utf-8", "surrogatepass"))
        return value

    def values(self, values: list[Any]) -> list[nodes.Wire]:
        """The structs of the items of an exact list."""
        self.spend(len(values))
        kinds = set(map(id, map(type, values)))
        if id(str) in kinds:
            self.spend(0, sum(len(item) for item in values if type(item) is str))
        if kinds <= PLAIN and not self.careful:
            return values
        return [self.value(item) for item in values]

    def keys(self, values: list[Any]) -> list[nodes.Wire]:
        """The same for items that the judge's process must hash; one that it could not arrives opaque."""
        if set(map(id, map(type, values))) <= PLAIN:
            return self.values(values)
        self.spend(len(values))
        return [self.key(value) for value in values]

    def key(self, value: Any) -> nodes.Wire:
        written = len(self.chunks)
        node = self.value(value)
        if _hashable(node):
            return node
        del self.chunks[written:]
        return opaque(value)

    # builtin kinds; the methods of the base class, because a subclass may override its own

    def int_(self, value: Any) -> nodes.Wire:
        return self.careful_scalar(int.__int__(value)) if self.careful else int.__int__(value)

    def float_(self, value: Any) -> nodes.Wire:
        return float.__float__(value)

    def str_(self, value: Any) -> nodes.Wire:
        return self.careful_scalar(str.__str__(value)) if self.careful else str.__str__(value)

    def bytes_(self, value: Any) -> nodes.Wire:
        self.spend(0, bytes.__len__(value))
        return nodes.BytesNode(bytes.__getitem__(value, slice(None)))

    def complex_(self, value: Any) -> nodes.Wire:
        value = complex.__complex__(value)
        return nodes.ComplexNode(value.real, value.imag)

    def list_(self, value: Any) -> nodes.Wire:
        return nodes.ListNode(self.values(list.__getitem__(value, slice(None))))

    def tuple_(self, value: Any) -> nodes.Wire:
        return nodes.TupleNode(self.values(list(tuple.__iter__(value))))

    def set_(self, value: Any) -> nodes.Wire:
        self.spend(COST_OF_OBJECT)
        return nodes.SetNode(self.keys(list(set.__iter__(value))))

    def frozenset_(self, value: Any) -> nodes.Wire:
        self.spend(COST_OF_OBJECT)
        return nodes.FrozenSetNode(self.keys(list(frozenset.__iter__(value))))

    def dict_(self, value: Any, base: type[dict] = dict) -> nodes.Wire:
        pairs = list(base.items(value))
        return nodes.DictNode(self.keys([key for key, _item in pairs]), self.values([item for _key, item in pairs]))

    def ordered_dict(self, value: Any) -> nodes.Wire:
        return self.dict_(value, OrderedDict)  # the order of its items is its own, not the order of the dict below

    def range_(self, value: Any) -> nodes.Wire:
        bounds = [int.__int__(bound) for bound in (value.start, value.stop, value.step)]
        if not all(-(2**62) < bound < 2**62 for bound in bounds) or len(value) > MAX_ITEMS:
            return opaque(value, "large")
        return nodes.RangeNode(*bounds)

    def date(self, value: Any) -> nodes.Wire:
        return nodes.DateNode(_parts(dt.date, value, _DAY_PARTS))

    def datetime(self, value: Any) -> nodes.Wire:
        [zone, fold] = _parts(dt.datetime, value, ("tzinfo", "fold"))
        return nodes.DateTimeNode(_parts(dt.datetime, value, _DAY_PARTS + _CLOCK_PARTS), zone_of(zone), fold)

    def time(self, value: Any) -> nodes.Wire:
        [zone, fold] = _parts(dt.time, value, ("tzinfo", "fold"))
        return nodes.TimeNode(_parts(dt.time, value, _CLOCK_PARTS), zone_of(zone), fold)

    def timedelta(self, value: Any) -> nodes.Wire:
        return nodes.DeltaNode(_parts(dt.timedelta, value, _DELTA_PARTS))

    def decimal_(self, value: Any) -> nodes.Wire:
        digits = decimal.Decimal.__str__(value)
        finite = decimal.Decimal.is_finite(value)
        if len(digits) > 1300 or (finite and abs(decimal.Decimal.adjusted(value)) > MAX_BITS):
            return opaque(value, "large")
        return nodes.DecimalNode(digits)

    def fraction(self, value: Any) -> nodes.Wire:
        numerator, denominator = _parts(fractions.Fraction, value, ("numerator", "denominator"))
        if max(abs(numerator), denominator).bit_length() > MAX_BITS:
            return opaque(value, "large")
        return nodes.FractionNode(str(numerator), str(denominator))

    def dataclass(self, value: Any) -> nodes.Wire:
        declared = next(_space(base)["__dataclass_fields__"] for base in mro(type(value)) if is_dataclass(base))
        names = [str.__str__(name) for name in dict.keys(declared) if is_field_name(name)]
        self.spend(COST_OF_OBJECT)
        return nodes.FieldsNode(
            safe_type_name(value), names, self.values([object.__getattribute__(value, name) for name in names])
        )

    def function(self, value: Any) -> nodes.Wire:
        return opaque(value) if self.keep is None else nodes.FunctionNode(self.keep(value))

    def opaque(self, value: Any) -> nodes.Wire:
        return opaque(value)


def _parts(base: type, value: Any, names: tuple[str, ...]) -> list[Any]:
    """Attributes of ``value`` as its base class ``base`` keeps them."""
    return [getattr(base, name).__get__(value) for name in names]


def zone_of(zone: Any) -> nodes.Zone:
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


def _hashable(node: nodes.Wire) -> bool:
    if isinstance(node, nodes.TupleNode | nodes.FrozenSetNode):
        return all(map(_hashable, node.items))
    return not isinstance(node, _UNHASHABLE)


def is_dataclass(base: type) -> bool:
    return type(_space(base).get("__dataclass_fields__")) is dict


PLAIN_WRITERS: dict[type, Write] = {
    int: PlainWriter.int_,
    float: PlainWriter.float_,
    str: PlainWriter.str_,
    bytes: PlainWriter.bytes_,
    complex: PlainWriter.complex_,
    list: PlainWriter.list_,
    tuple: PlainWriter.tuple_,
    set: PlainWriter.set_,
    frozenset: PlainWriter.frozenset_,
    dict: PlainWriter.dict_,
    OrderedDict: PlainWriter.ordered_dict,
    range: PlainWriter.range_,
    dt.date: PlainWriter.date,
    dt.datetime: PlainWriter.datetime,
    dt.time: PlainWriter.time,
    dt.timedelta: PlainWriter.timedelta,
    decimal.Decimal: PlainWriter.decimal_,
    fractions.Fraction: PlainWriter.fraction,
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
        ),
        PlainWriter.function,
    ),
}
