"""The judge's side of what Python itself knows: numbers, texts, containers, times, dataclasses."""

import datetime as dt
import decimal
import fractions
import functools
import zoneinfo
from collections.abc import Callable
from typing import Any

from autograder.wire import nodes
from autograder.wire.limits import COST_OF_OBJECT, MAX_BITS, MAX_BYTES, MAX_DEPTH, MAX_ITEMS, MAX_KINDS, WireError
from autograder.wire.names import is_field_name, safe_name
from autograder.wire.nodes import PLAIN
from autograder.wire.views import Fields, Function, Opaque

Read = Callable[[Any, Any], Any]
"""A method of a reader."""


class PlainReader:
    """Builds values from structs that hostile bytes were decoded to."""

    def __init__(self, numbers: bytes, function: Callable[[int], Function] | None) -> None:
        self.rest = memoryview(numbers)
        self.make_function = function
        self.depth = 0
        self.items_left = MAX_ITEMS
        self.bytes_left = MAX_BYTES
        self.kinds: dict[tuple[type, str], type] = {}

    def reader_of(self, kind: type) -> Read:
        """How structs of this type are read."""
        raise NotImplementedError

    def spend(self, items: int, size: int = 0) -> None:
        """Pays for objects, before they are made. size: bytes beyond those that came."""
        self.items_left -= items
        self.bytes_left -= size
        if self.items_left < 0 or self.bytes_left < 0:
            raise WireError("too many items")

    def value(self, node: Any) -> Any:
        if id(type(node)) in PLAIN:
            return node
        if self.depth > MAX_DEPTH:
            raise WireError("too deep")
        self.depth += 1
        result = self.reader_of(type(node))(self, node)
        self.depth -= 1
        return result

    def values(self, items: list[Any]) -> list[Any]:
        self.spend(len(items))
        return items if set(map(id, map(type, items))) <= PLAIN else [self.value(node) for node in items]

    def kind(self, base: type, name: str) -> Any:
        """A class called ``name``; after many the rest are "object"."""
        name = safe_name(name)
        if (base, name) not in self.kinds:
            if len(self.kinds) >= MAX_KINDS:
                name = "object"
            space = {"__module__": base.__module__} | ({"__slots__": ()} if base is Opaque else {})
            self.kinds.setdefault((base, name), type(name, (base,), space))
        return self.kinds[base, name]

    # builtin kinds

    def list_(self, node: nodes.ListNode) -> list[Any]:
        return self.values(node.items)

    def tuple_(self, node: nodes.TupleNode) -> tuple[Any, ...]:
        return tuple(self.values(node.items))

    def set_(self, node: nodes.SetNode) -> set[Any]:
        self.spend(COST_OF_OBJECT)
        return set(self.values(node.items))

    def frozenset_(self, node: nodes.FrozenSetNode) -> frozenset[Any]:
        self.spend(COST_OF_OBJECT)
        return frozenset(self.values(node.items))

    def dict_(self, node: nodes.DictNode) -> dict[Any, Any]:
        keys = self.values(node.keys)
        return dict(zip(keys, self.values(node.values), strict=True))

    def range_(self, node: nodes.RangeNode) -> range:
        result = range(node.start, node.stop, node.step)
        if len(result) > MAX_ITEMS:
            raise WireError("long range")
        return result

    def int_(self, node: nodes.IntNode) -> int:
        return _integer(node.digits)

    def text(self, node: nodes.TextNode) -> str:
        return node.data.decode("utf-8", "surrogatepass")

    def bytes_(self, node: nodes.BytesNode) -> bytes:
        return node.data

    def complex_(self, node: nodes.ComplexNode) -> complex:
        return complex(node.real, node.imag)

    def date(self, node: nodes.DateNode) -> dt.date:
        return dt.date(*node.parts)

    def datetime(self, node: nodes.DateTimeNode) -> dt.datetime:
        return dt.datetime(*node.parts, tzinfo=zone(node.zone), fold=node.fold)  # type: ignore[arg-type, misc]

    def time(self, node: nodes.TimeNode) -> dt.time:
        return dt.time(*node.parts, tzinfo=zone(node.zone), fold=node.fold)  # type: ignore[arg-type, misc]

    def timedelta(self, node: nodes.DeltaNode) -> dt.timedelta:
        return dt.timedelta(*node.parts)

    def decimal_(self, node: nodes.DecimalNode) -> decimal.Decimal:
        value = decimal.Decimal(node.digits)
        if value.is_finite() and abs(value.adjusted()) > MAX_BITS:
            raise WireError("large exponent")
        return value

    def fraction(self, node: nodes.FractionNode) -> fractions.Fraction:
        return fractions.Fraction(_integer(node.numerator), _integer(node.denominator))

    def fields(self, node: nodes.FieldsNode) -> Fields:
        self.spend(COST_OF_OBJECT)
        if not all(map(is_field_name, node.names)):
            raise WireError("name of a field")
        # A function as a field would be a method of the student's: np.sqrt of an array of objects calls their .sqrt()
        values = [self.no_function() if type(value) is Function else value for value in self.values(node.values)]
        return self.kind(Fields, node.kind)(**dict(zip(node.names, values, strict=True)))

    def function(self, node: nodes.FunctionNode) -> Any:
        return self.no_function() if self.make_function is None else self.make_function(node.handle)

    def no_function(self) -> Opaque:
        return self.kind(Opaque, "function")("kind")

    def opaque(self, node: nodes.OpaqueNode) -> Opaque:
        return self.kind(Opaque, node.kind)(node.reason)


def _integer(digits: str) -> int:
    value = int(digits)
    if value.bit_length() > MAX_BITS:
        raise WireError("long integer")
    return value


@functools.cache
def _zones() -> set[str]:
    return zoneinfo.available_timezones()


def zone(told: nodes.Zone) -> dt.tzinfo | None:
    if isinstance(told, str):
        if told not in _zones():  # zoneinfo would open a file and import a package of that name
            raise WireError("time zone")
        return zoneinfo.ZoneInfo(told)
    return None if told is None else dt.timezone(dt.timedelta(seconds=told)) if told else dt.UTC


PLAIN_READERS: dict[type, Read] = {
    nodes.ListNode: PlainReader.list_,
    nodes.TupleNode: PlainReader.tuple_,
    nodes.SetNode: PlainReader.set_,
    nodes.FrozenSetNode: PlainReader.frozenset_,
    nodes.DictNode: PlainReader.dict_,
    nodes.RangeNode: PlainReader.range_,
    nodes.IntNode: PlainReader.int_,
    nodes.TextNode: PlainReader.text,
    nodes.BytesNode: PlainReader.bytes_,
    nodes.ComplexNode: PlainReader.complex_,
    nodes.DateNode: PlainReader.date,
    nodes.DateTimeNode: PlainReader.datetime,
    nodes.TimeNode: PlainReader.time,
    nodes.DeltaNode: PlainReader.timedelta,
    nodes.DecimalNode: PlainReader.decimal_,
    nodes.FractionNode: PlainReader.fraction,
    nodes.FieldsNode: PlainReader.fields,
    nodes.FunctionNode: PlainReader.function,
    nodes.OpaqueNode: PlainReader.opaque,
}
