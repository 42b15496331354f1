"""What a hostile peer or a lying object might try beyond damaged bytes: each attempt comes to nothing."""

import dataclasses
import fractions
import importlib
import math
import sys

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import wire
from autograder.wire import nodes


def message(node, numbers=b""):
    """The bytes of a message that a hostile peer made by hand."""
    return msgspec.msgpack.encode([msgspec.msgpack.encode(node), numbers])


def told(data):
    """What a report says of a message: what it holds, or why it cannot be read. Nothing else may be raised."""
    try:
        return wire.describe(wire.decode(data, lambda _handle, reply: reply))
    except wire.WireError as error:
        return f"WireError {error}"


def never(*_args, **_kwargs):
    raise AssertionError("code of the peer's choice ran")


# --- structs that are well formed and mean harm ---------------------------------------------------------------------

TAGS = sorted(kind.__struct_config__.tag for kind in nodes.Node.__subclasses__())
words = st.sampled_from(["", "a", "U", "O", "S", "<f8", "|b1", "<M8[s]", "str", "string", "ns", "D", "kind", "NA"])
numbers = st.sampled_from([0, 1, -1, 2, 2**62, 2**63 - 1, -(2**63)])
leaves = st.none() | st.booleans() | numbers | words | st.floats() | st.binary(max_size=3)
structs = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=5).flatmap(lambda parts: st.sampled_from(TAGS).map(lambda tag: [tag, *parts]))
    ),
    max_leaves=15,
)


@given(structs, st.binary(max_size=32))
def test_any_struct_is_a_value_that_can_be_described_or_a_wire_error(struct, numbers):
    assert told(message(struct, numbers)).encode()


FIELDS = {
    nodes.ArrayNode: [["<f8", [2]], ["|b1", [16]], ["<M8[s]", [2]], ["<m8[9Y]", [1, 2]], ["<f2", [8]]],
    nodes.StampNode: [[place, unit, zone] for place in (2**63 - 1, -(2**63)) for unit in ("s", "ns") for zone in ("UTC", 9)],
    nodes.PeriodNode: [[place, freq] for place in (2**63 - 1, -(2**63)) for freq in ("D", "Y", "9M", "0D", "W-XXX", "zzz")],
    nodes.DeltaNode: [[[2**40]], [[1] * 7], [[]]],
    nodes.DateTimeNode: [[[1, 1, 1], zone, 0] for zone in ("Asia/Shanghai", 10**12, -86399, "America", "localtime")],
    nodes.DecimalNode: [["sNaN"], ["Infinity"], ["1e9999999999999999999"], ["x"], ["1_0"]],
    nodes.IntervalNode: [[None, 1, "left"], ["a", "b", "both"], [2, 1, "left"], [math.nan, 1, "right"]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "parts"),
    [(kind, parts) for kind, variants in FIELDS.items() for parts in variants],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_extreme_parts_are_a_value_or_a_wire_error_also_inside_a_set_and_a_column(kind, parts):
    struct = [kind.__struct_config__.tag, *parts]
    for whole in (struct, [3, [struct]], [29, None, [27, None, 0, 1, 1], [19, "O", [1], [struct]]]):
        assert told(message(whole, bytes(16)))


def nested_categories(levels):
    body = msgspec.msgpack.encode([20, "str", ["a"]])
    for _level in range(levels):
        body = b"\x94\x16\x93\x12\xa3|i1\x91\x01\x93\x1a\xc0" + body + b"\xc2"
    return msgspec.msgpack.encode([body, bytes(levels)])


TEXTS = [19, "U", [2000], ["x" * 10_000, *[""] * 1999]]
REFUSED = {
    "texts that widen many arrays": message([1, [TEXTS] * 100]),
    "bytes that widen many arrays": message([1, [[19, "S", [2000], [[42, b"x" * 10_000], *[[42, b""]] * 1999]]] * 100]),
    "empty sets": message([1, [[3, []]] * 460_000]),
    "unit of no length": message([18, "<M8[0s]", [1]], bytes(8)),
    "categories of categories": nested_categories(2000),
    "table of pandas by its word": message([16, "X", ["_typ"], ["dataframe"]]),
    "address for ctypes": message([16, "X", ["_as_parameter_"], [4096]]),
    "file that is no time zone": message([11, [2024, 1, 1], "tzdata.zi", 0]),
    "package that is no time zone": message([11, [2024, 1, 1], "evil/zone", 0]),
    "failure inside a list": message([1, [[41, "X", ""]]]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_greed_and_protocols_are_refused(name):
    with pytest.raises(wire.WireError):
        wire.decode(REFUSED[name])


def test_no_time_zone_makes_the_judge_import_a_package_of_the_peers_choice(monkeypatch):
    wire.decode(message([11, [2024, 1, 1], "UTC", 0]))  # reads the list of zones
    loaded = set(sys.modules)
    monkeypatch.setattr(importlib, "import_module", never)
    for zone in ("evil/zone", "antigravity/x", "a/b/c", "../x", "/etc/passwd", "America"):
        with pytest.raises(wire.WireError, match="time zone"):
            wire.decode(message([11, [2024, 1, 1], zone, 0]))
    assert set(sys.modules) == loaded


def test_no_field_of_an_object_is_a_method_of_the_peers():
    arrived = wire.decode(message([16, "float", ["sqrt", "mean", "n"], [[39, 0], [39, 1], 5]]), never)
    assert [type(arrived.sqrt), type(arrived.mean)] == [type(arrived.sqrt)] * 2
    assert isinstance(arrived.sqrt, wire.Opaque)
    assert arrived.n == 5
    with pytest.raises(TypeError):
        np.sqrt(np.array([arrived], dtype=object))


# --- students' objects ----------------------------------------------------------------------------------------------


armed: list[bool] = []  # while a test runs; NumPy and pandas look at the traps when the table below is made


@dataclasses.dataclass
class Trap:
    x: int = 1

    def __getattribute__(self, name):
        if armed:
            raise SystemExit("trap")
        return object.__getattribute__(self, name)


@pytest.fixture
def traps():
    armed.append(True)
    yield
    armed.clear()


def lying(base, *names):
    """A subclass of ``base`` whose attributes ``names`` give a dataclass that ends the process when it is read."""
    return type("Liar", (base,), {name: property(lambda _self: Trap()) for name in names})


broken_fraction = fractions.Fraction(1, 2)
broken_fraction._numerator = Trap()  # type: ignore[misc]
LIARS = {
    "interval": lying(pd.Interval, "closed", "left", "right")(0, 1),
    "stamp": lying(pd.Timestamp, "unit", "tzinfo")(2024, 1, 2),
    "index": object.__new__(lying(pd.Index, "names", "name", "array")),
    "fraction": broken_fraction,
    "array of traps": np.array([Trap(), 1], dtype=object),
    "column of traps": pd.Series([Trap(), 1], dtype=object),
    "frame of traps": pd.DataFrame({"a": [Trap()]}, dtype=object),
    "lists of traps": [Trap(), (Trap(), {Trap.__name__: Trap()})],
    "key": {lying(tuple, "x")([1]): Trap()},
    "own order of bases": type("Order", (type,), {"mro": lambda cls: [cls, object]})("X", (list,), {})([1]),
}


@pytest.mark.parametrize("name", LIARS)
@pytest.mark.usefixtures("traps")
def test_no_object_makes_the_writer_raise_and_what_it_writes_can_be_read(name):
    assert wire.describe(wire.decode(wire.encode(LIARS[name])))


@pytest.mark.usefixtures("traps")
def test_what_a_struct_cannot_hold_makes_the_whole_answer_opaque(monkeypatch):
    monkeypatch.setattr("autograder.wire.writer.figure_seen", lambda _figure: Trap())
    from matplotlib.figure import Figure

    arrived = wire.decode(wire.encode(Figure()))
    assert isinstance(arrived, wire.Opaque)
    assert (type(arrived).__name__, arrived.reason) == ("Figure", "broken")


def test_an_array_of_many_dimensions_arrives():
    assert wire.decode(wire.encode(np.zeros((1,) * 64))).shape == (1,) * 64


def test_the_width_of_texts_counts_for_the_writer_too():
    wide = np.array(["x" * 1000, *[""] * 3000])
    assert wire.decode(wire.encode([wide])).pop().tolist() == wide.tolist()
    arrived = wire.decode(wire.encode([wide] * 3))
    assert (type(arrived).__name__, arrived.reason) == ("list", "large")
