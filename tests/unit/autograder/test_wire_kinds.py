"""One table: every kind of struct, a thing that is written as it, and how that arrives."""

import dataclasses
import datetime as dt
from decimal import Decimal
from fractions import Fraction

import ipywidgets
import msgspec
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from autograder import wire
from autograder.wire import nodes


@dataclasses.dataclass
class Customer:
    name: str
    spend: float
    _hidden: int = 0


day = pd.Timestamp("2024-01-30")
zoned = pd.date_range(day, periods=2, tz="Asia/Shanghai", unit="us")
figure = Figure()
figure.suptitle("一览")
axes = figure.subplots()
SEEN = wire.Axes(axes.get_title(), "", "", [], [], [], [], *[[f"{n / 5:.1f}" for n in range(6)]] * 2, [])

CROSSES = {
    nodes.ListNode: [1, 2.5, "a", None, True],
    nodes.TupleNode: (1, "a"),
    nodes.SetNode: {7},
    nodes.FrozenSetNode: frozenset({7}),
    nodes.DictNode: {"a": 1, (2, 3): [4]},
    nodes.RangeNode: range(3, 9, 2),
    nodes.IntNode: 2**80,
    nodes.TextNode: "\ud800",
    nodes.BytesNode: b"\xff\0",
    nodes.ComplexNode: 1 + 2j,
    nodes.DateNode: dt.date(2024, 2, 29),
    nodes.DateTimeNode: dt.datetime(2024, 2, 29, 1, 2, 3, 4, dt.UTC),
    nodes.TimeNode: dt.time(1, 2, 3, 4),
    nodes.DeltaNode: dt.timedelta(-1, 2, 3),
    nodes.DecimalNode: Decimal("1.10"),
    nodes.FractionNode: Fraction(-3, 7),
    nodes.NumberNode: np.float32(0.5),
    nodes.ArrayNode: np.array([[1, 2]], dtype="i2"),
    nodes.ItemsNode: np.array(["a", "客户"]),
    nodes.StringsNode: pd.array(["a", None], dtype="string"),
    nodes.MaskedNode: pd.array([1, None], dtype="Int64"),
    nodes.CategoryNode: pd.Categorical(["a", "b"], categories=["b", "a"], ordered=True),
    nodes.TimesNode: zoned.array,
    nodes.PeriodsNode: pd.period_range("2024", periods=2, freq="Q").array,
    nodes.IntervalsNode: pd.interval_range(0, 2).array,
    nodes.IndexNode: pd.Index([1, 5], name="n"),
    nodes.RangeIndexNode: pd.RangeIndex(2, 8, 3, name="n"),
    nodes.MultiIndexNode: pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None]),
    nodes.SeriesNode: pd.Series([1.5, 2], index=["a", "客户"], name="s"),
    nodes.FrameNode: pd.DataFrame({"a": [1], "b": ["客户"]}),
    nodes.StampNode: day,
    nodes.TimedeltaNode: pd.Timedelta("1D 2us"),
    nodes.PeriodNode: pd.Period("2024Q3", freq="Q"),
    nodes.IntervalNode: pd.Interval(0, 1.5, closed="both"),
    nodes.MissingNode: pd.NA,
}
"""Things that arrive as they were."""

SHOWN = {
    nodes.FieldsNode: (Customer("甲", 2.5), "Customer(name='甲', spend=2.5)"),
    nodes.FigureNode: (figure, repr(wire.Figure("一览", [SEEN]))),
    nodes.AxesNode: (axes, repr(SEEN)),
    nodes.WidgetNode: (
        ipywidgets.IntSlider(value=3, description="折扣"),
        repr(wire.Widget("IntSlider", 3, "折扣", [])),
    ),
    nodes.FunctionNode: (len, "<Function>"),
    nodes.OpaqueNode: (object(), "<object>"),
}
"""Things of which another thing arrives: that, as text."""


def sent(value):
    """The bytes of ``value``; a pandas array crosses as the values of an index."""
    if isinstance(value, pd.api.extensions.ExtensionArray):
        value = pd.Index(value)
    return wire.encode(value, lambda _function: 0)


def struct_of(data):
    """The struct that a message consists of."""
    body, _numbers = msgspec.msgpack.decode(data)
    return msgspec.msgpack.decode(body, type=nodes.Wire)


@pytest.mark.parametrize("kind", CROSSES, ids=lambda kind: kind.__name__)
def test_what_crosses_arrives_as_it_was(kind):
    value, data = CROSSES[kind], sent(CROSSES[kind])
    struct, arrived = struct_of(data), wire.decode(data)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        struct, arrived = struct.values, arrived.array
    assert type(struct) is kind
    assert type(arrived) is type(value)
    assert repr(arrived) == repr(value)
    assert getattr(arrived, "dtype", None) == getattr(value, "dtype", None)


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_of_anything_else_arrives_what_can_be_seen(kind):
    value, shown = SHOWN[kind]
    data = sent(value)
    assert type(struct_of(data)) is kind
    assert repr(wire.decode(data, lambda _handle, reply: reply)) == shown


def test_the_table_names_every_struct():
    assert {*CROSSES, *SHOWN} == {*nodes.Node.__subclasses__()} - {nodes.FailureNode}
