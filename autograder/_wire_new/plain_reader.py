class PlainReader:
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
        if id(type(node)) in PLAIN:
            return node
        if self.depth > MAX_DEPTH:
            raise WireError("too deep")
        self.depth += 1
        result = _READERS[type(node)](self, node)
        self.depth -= 1
        return result

    def values(self, nodes: list[Any]) -> list[Any]:
        self.spend(len(nodes))
        return nodes if set(map(id, map(type, nodes))) <= PLAIN else [self.value(node) for node in nodes]

    def kind(self, base: type, name: str) -> Any:
        """A class called ``name``; after many the rest are "object"."""
        name = safe_name(name)
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
        if not all(map(is_field_name, node.names)):
            raise WireError("name of a field")
        return self.kind(Fields, node.kind)(**dict(zip(node.names, self.values(node.values), strict=True)))

    def function(self, node: FunctionNode) -> Any:
        return self.kind(Opaque, "function")("kind") if self.call is None else Function(node.handle, self.call)

    def opaque(self, node: OpaqueNode) -> Opaque:
        return self.kind(Opaque, node.kind)(node.reason)


def _integer(digits: str) -> int:
    value = int(digits)
    if value.bit_length() > MAX_BITS:
        raise WireError("long integer")
    return value


def _zone(zone: Zone) -> dt.tzinfo | None:
    if isinstance(zone, str):
        if not _ZONE.fullmatch(zone):
            raise WireError("time zone")
        return zoneinfo.ZoneInfo(zone)
    return None if zone is None else dt.timezone(dt.timedelta(seconds=zone)) if zone else dt.UTC
