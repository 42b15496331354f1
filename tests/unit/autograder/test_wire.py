"""What crosses between the student's process and the judge: plain things arrive as they were, nothing else does."""

import collections
import dataclasses
import datetime as dt
import decimal
import fractions
import functools
import math
import random
import subprocess
import sys
import zoneinfo

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from hypothesis.extra import pandas as pdst

from autograder import wire

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")


def there(value, **options):
    """``value`` as it arrives."""
    return wire.decode(wire.encode(value, **options))


def message(node, numbers=b""):
    """The bytes of a message that a hostile peer made by hand."""
    return msgspec.msgpack.encode([msgspec.msgpack.encode(node), numbers])


def same(left, right):
    """Equality of types and contents all the way down; NaN equals NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left.items()), list(right.items()))
    if isinstance(left, set | frozenset):  # a NaN within is equal to nothing
        return sorted(map(repr, left)) == sorted(map(repr, right))
    return left == right or (left != left and right != right)


# --- plain data -----------------------------------------------------------------------------------------------------

keys = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
keys = keys | st.tuples(keys, keys)
scalars = (
    keys
    | st.integers(-(2**200), 2**200)
    | st.complex_numbers(allow_nan=False)
    | st.datetimes()
    | st.datetimes(timezones=st.sampled_from([SHANGHAI, dt.UTC, dt.timezone(dt.timedelta(hours=-3))]))
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.text(st.characters())
)
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.frozensets(keys, max_size=3)
        | st.sets(keys, max_size=3)
    ),
    max_leaves=20,
)


@given(plain)
def test_nested_plain_data_arrives_as_it_was(value):
    assert same(there(value), value)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, 0, -1, 2**63 - 1, 2**64 - 1, 2**64, -(2**63) - 1, 2**4095, -(2**4095), math.inf, math.nan),
        *("", "客户", "\ud800 lone", "\0", b"", b"\xff\x00", 1 + 2j, [], (), {}, set(), frozenset({1}), range(3, 9, 2)),
        *([1, [2, (3, {"a": {4}})]], {(1, "a"): 2, frozenset({1}): 3, None: 4}, [2**70, "a", b"b", None]),
        *(dt.date(2024, 2, 29), dt.datetime(2024, 1, 2, 3, 4, 5, 6, fold=1), dt.time(23, 59, tzinfo=dt.UTC)),
        *(
            dt.datetime(2024, 7, 1, tzinfo=SHANGHAI),
            dt.timedelta(-3, 5, 7),
            decimal.Decimal("1.10"),
            decimal.Decimal("NaN"),
        ),
        *(fractions.Fraction(-3, 7), pd.NaT, pd.NA, range(type("Mine", (int,), {})(3)), range(True)),
    ],
)
def test_each_plain_thing_arrives_as_it_was(value):
    arrived = there(value)
    assert repr(arrived) == repr(value)
    assert type(arrived) is type(value)


def test_time_zones_and_the_second_of_two_equal_clock_times_are_kept():
    autumn = dt.datetime(2024, 11, 3, 1, 30, tzinfo=zoneinfo.ZoneInfo("America/New_York"), fold=1)
    assert there(autumn).utcoffset() == dt.timedelta(hours=-5)
    assert there(dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))).utcoffset() == dt.timedelta(
        hours=8
    )


Pair = collections.namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.defaultdict(list, {"a": [1]}), {"a": [1]}),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (Pair(1, [2]), (1, [2])),
        (type("Mine", (int,), {})(7), 7),
        (type("Mine", (str,), {})("文"), "文"),
        (type("Mine", (float,), {})(0.5), 0.5),
        (type("Mine", (list,), {})([1, 2]), [1, 2]),
        (type("Mine", (bytes,), {})(b"a"), b"a"),
        (type("Mine", (dt.datetime,), {})(2024, 1, 2), dt.datetime(2024, 1, 2)),
        (np.str_("a"), "a"),
    ],
)
def test_subclasses_arrive_as_the_plain_thing_that_they_hold(value, arrives):
    assert same(there(value), arrives)


def test_an_ordered_dict_keeps_its_own_order():
    value = collections.OrderedDict(a=1, b=2)
    value.move_to_end("a")
    assert list(there(value)) == ["b", "a"]


@dataclasses.dataclass
class Customer:
    name: str
    spend: list[float]
    __array_interface__: object = None


def test_a_dataclass_arrives_as_its_fields_without_protocols():
    arrived = there(Customer("甲", [1.0], {"data": (0, False)}))
    assert type(arrived).__name__ == "Customer"
    assert isinstance(arrived, wire.Fields)
    assert vars(arrived) == {"name": "甲", "spend": [1.0]}


# --- NumPy ----------------------------------------------------------------------------------------------------------

number_dtypes = (
    npst.boolean_dtypes()
    | npst.integer_dtypes()
    | npst.unsigned_integer_dtypes()
    | npst.floating_dtypes(sizes=(16, 32, 64))
    | npst.complex_number_dtypes(sizes=(64, 128))
    | npst.datetime64_dtypes()
    | npst.timedelta64_dtypes()
)


@given(npst.arrays(number_dtypes | npst.unicode_string_dtypes(max_len=5), npst.array_shapes(min_dims=0, min_side=0)))
def test_arrays_arrive_as_they_were(array):
    arrived = there(array)
    np.testing.assert_array_equal(arrived, array)
    assert arrived.shape == array.shape
    assert arrived.dtype.kind == array.dtype.kind
    if array.dtype.kind != "U":
        assert arrived.dtype == array.dtype.newbyteorder("<")
    assert arrived.flags.writeable


@given(npst.arrays(number_dtypes, ()))
def test_numpy_scalars_keep_their_type(array):
    scalar = array[()]
    arrived = there(scalar)
    assert type(arrived) is type(scalar)
    np.testing.assert_array_equal(arrived, scalar)


def test_arrays_of_objects_and_views_arrive():
    array = np.empty((2, 2), dtype=object)
    array[:] = [[1, "a"], [None, [2, 3]]]
    assert there(array).tolist() == array.tolist()
    base = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(there(base[::-1, ::2]), base[::-1, ::2])
    np.testing.assert_array_equal(there(base.T.astype(">i4")), base.T)
    np.testing.assert_array_equal(there(np.array([b"a", b"bc"])), np.array([b"a", b"bc"]))
    assert there(np.longdouble(1.5)) == 1.5


@pytest.mark.parametrize("value", [np.zeros(2, dtype="i4,f8"), np.ma.masked_array([1, 2], [True, False])])
def test_structured_and_masked_arrays_do_not_cross(value):
    assert type(there(value)).__name__ == type(value).__name__
    assert isinstance(there(value), wire.Opaque)


# --- pandas ---------------------------------------------------------------------------------------------------------

N = 4
days = pd.date_range("2024-01-30", periods=N, freq="D", name="day")
COLUMNS = {
    "int8": pd.array(np.arange(N, dtype="i1")),
    "uint64": np.array([0, 1, 2**63, 2**64 - 1], dtype="u8"),
    "float": np.array([0.1, np.nan, np.inf, -0.0]),
    "float32": np.arange(N, dtype="f4"),
    "complex": np.array([1j, 2, 3, 4]),
    "bool": np.array([True, False, True, True]),
    "str": pd.array(["甲", "", np.nan, "b"], dtype="str"),
    "string": pd.array(["甲", None, "c", "d"], dtype="string"),
    "Int64": pd.array([1, None, 3, 2**62], dtype="Int64"),
    "UInt8": pd.array([1, None, 3, 255], dtype="UInt8"),
    "Float64": pd.array([0.5, None, 1, 2], dtype="Float64"),
    "boolean": pd.array([True, None, False, True], dtype="boolean"),
    "category": pd.Categorical(["低", "高", None, "低"], categories=["低", "中", "高"], ordered=True),
    "category of intervals": pd.cut(pd.Series([1.0, 2, 3, 4]), 2).array,
    "category of days": pd.Categorical(days),
    "datetime s": days.as_unit("s").array,
    "datetime ns": days.as_unit("ns").array,
    "datetime zone": days.tz_localize("Asia/Shanghai").array,
    "datetime UTC": days.tz_localize("UTC").array,
    "datetime offset": days.tz_localize(dt.timezone(dt.timedelta(hours=5, minutes=30))).array,
    "datetime NaT": pd.array(pd.DatetimeIndex(["2024", None, "2025", "2026"])),
    "timedelta": pd.timedelta_range("1h", periods=N).array,
    "timedelta ms": pd.timedelta_range("1h", periods=N, unit="ms").array,
    "period M": pd.period_range("2024-01", periods=N, freq="M").array,
    "period Q": pd.period_range("2024-01", periods=N, freq="Q-MAR").array,
    "interval": pd.interval_range(0, 4).array,
    "interval float": pd.arrays.IntervalArray.from_breaks([0.0, 0.5, 1, 2, 9], closed="left"),
    "interval zone": pd.interval_range(days.tz_localize("Asia/Shanghai")[0], periods=N, freq="D").array,
    "object": pd.Series(["a", 1, None, [1, 2]], dtype=object).array,
    "object texts": pd.Series(["a", "b", "c", "d"], dtype=object).array,
    "object dates": pd.Series([dt.date(2024, 1, day) for day in range(1, 5)], dtype=object).array,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_every_dtype_arrive_as_they_were(name):
    series = pd.Series(COLUMNS[name], name=name)
    pd.testing.assert_series_equal(there(series), series, check_freq=False)
    frame = pd.DataFrame({"a": series, "b": range(N), "c": series})
    pd.testing.assert_frame_equal(there(frame), frame, check_freq=False)


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in ("object",)])
def test_an_index_of_every_dtype_arrives_as_it_was(name):
    index = pd.Index(COLUMNS[name], name=("key", name))
    pd.testing.assert_index_equal(there(index), index, exact=True)
    frame = pd.DataFrame({"a": range(N)}, index=index)
    pd.testing.assert_frame_equal(there(frame), frame, check_freq=False)
    pd.testing.assert_frame_equal(there(frame.T), frame.T, check_freq=False)


def test_the_whole_frame_at_once_arrives():
    frame = pd.DataFrame(COLUMNS, index=days)
    pd.testing.assert_frame_equal(there(frame), frame, check_freq=False)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(2, 12, 3, name="n"),
        pd.MultiIndex.from_product([["a", "b"], days[:2]], names=["letter", None]),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 1), (None, 2), ("b", np.nan)]),
        pd.MultiIndex.from_arrays([pd.CategoricalIndex(["x", "y"]), pd.PeriodIndex(["2024", "2025"], freq="Y")]),
        pd.Index([(1, 2), (3, 4)], tupleize_cols=False),
        pd.Index([]),
    ],
    ids=repr,
)
def test_ranges_and_levels_arrive(index):
    pd.testing.assert_index_equal(there(index), index, exact=True)
    frame = pd.DataFrame(1.5, index=index, columns=index)
    pd.testing.assert_frame_equal(there(frame), frame, check_freq=False)


def test_frames_with_columns_twice_without_rows_and_without_columns_arrive():
    twice = pd.DataFrame([[1, "a", 2.5]], columns=["x", "x", "y"])
    for frame in (twice, twice.iloc[:0], twice.iloc[:, :0], pd.DataFrame(), pd.DataFrame({"s": []})):
        pd.testing.assert_frame_equal(there(frame), frame)


def test_a_subclass_of_a_frame_arrives_as_a_plain_frame_of_its_data():
    class Liar(pd.DataFrame):
        @property
        def columns(self):
            return pd.Index(["recency"])

        def items(self):
            return iter([])

        def __len__(self):
            return 812

    class LiarSeries(pd.Series):
        to_numpy = tolist = property(lambda self: 1 / 0)

        def __len__(self):
            return 812

    arrived = there(Liar({"a": [1, 2]}))
    assert type(arrived) is pd.DataFrame
    pd.testing.assert_frame_equal(arrived, pd.DataFrame({"a": [1, 2]}))
    pd.testing.assert_series_equal(there(LiarSeries([1, 2], name="s")), pd.Series([1, 2], name="s"))


def test_sparse_becomes_dense_and_arrow_becomes_objects():
    sparse = pd.Series(pd.arrays.SparseArray([0.0, 0, 1]))
    pd.testing.assert_series_equal(there(sparse), pd.Series([0.0, 0, 1]))
    arrow = pd.Series([dt.date(2024, 1, 1), None], dtype="date32[pyarrow]")
    assert there(arrow)[0] == dt.date(2024, 1, 1)


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2024-01-02 03:04:05.123456789"),
        pd.Timestamp("2024-01-02", tz="Asia/Shanghai").as_unit("s"),
        pd.Timedelta("1D 2us"),
        pd.Period("2024Q3", freq="Q-DEC"),
        pd.Interval(0, 1.5, closed="both"),
        pd.Interval(pd.Timestamp("2024"), pd.Timestamp("2025")),
    ],
    ids=repr,
)
def test_pandas_scalars_arrive_as_they_were(value):
    arrived = there(value)
    assert arrived == value
    assert repr(arrived) == repr(value)
    assert getattr(arrived, "unit", None) == getattr(value, "unit", None)


frames = pdst.data_frames(
    columns=[
        pdst.column("n", dtype="int64"),
        pdst.column("x", dtype="float64"),
        pdst.column("t", dtype="datetime64[ns]"),
        pdst.column("s", elements=st.text(max_size=5), dtype=object),
        pdst.column("b", dtype=bool),
    ],
    index=pdst.indexes(dtype="int64") | pdst.range_indexes(),
)


@given(frames)
def test_frames_arrive_as_they_were(frame):
    pd.testing.assert_frame_equal(there(frame), frame)


@given(st.lists(plain, max_size=5))
def test_columns_of_objects_arrive_as_they_were(values):
    column = pd.Series(index=range(len(values)), dtype=object)
    for place, value in enumerate(values):
        column.array[place] = value
    assert same(there(column).tolist(), column.tolist())


# --- figures and widgets --------------------------------------------------------------------------------------------


@pytest.fixture
def figure():
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle("一览")
    left, right = figure.subplots(1, 2)
    left.plot([0, 1, 2], [3, np.nan, 5], label="花费")
    left.set(title="左", xlabel="月", ylabel="元")
    left.legend()
    left.scatter([1, 2], [3, 4], label="点")
    left.text(0, 0, "注")
    right.bar(["甲", "乙"], [10, 20], width=0.5, label="柱")
    right.barh([0], [7], height=0.4)
    return figure


def test_a_figure_arrives_as_what_is_seen(figure):
    arrived = there(figure)
    assert isinstance(arrived, wire.Figure)
    assert arrived.title == "一览"
    left, right = arrived.axes
    assert (left.title, left.xlabel, left.ylabel, left.texts, left.legend) == ("左", "月", "元", ["注"], ["花费"])
    assert same(left.lines, [wire.Line([0, 1, 2], left.lines[0].y, "花费")])
    assert same(left.lines[0].y, [3.0, math.nan, 5.0])
    assert left.points == [wire.Points([1, 2], [3, 4], "点")]
    assert [(bar.x, bar.height, bar.label) for bar in right.bars[:2]] == [(0, 10, "柱"), (1, 20, "柱")]
    assert right.bars[2] == wire.Bar(0, 7, 0.4, right.bars[2].label, True)
    assert right.xticklabels == ["甲", "乙"]


@pytest.mark.parametrize("place", ["left", "center", "right"])
def test_a_title_is_seen_wherever_the_style_puts_it(place):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.set_title("收入", loc=place)
    assert there(axes).title == "收入"


def test_axes_arrive_alone_and_an_array_of_them_as_a_list(figure):
    assert there(figure.axes[0]).title == "左"
    assert [axes.title for axes in there(np.array(figure.axes))] == ["左", ""]


def test_points_of_a_figure_are_capped(figure):
    figure.axes[0].plot(np.arange(wire.MAX_POINTS + 5))
    assert len(there(figure).axes[0].lines[-1].x) == wire.MAX_POINTS


def test_widgets_arrive_as_a_tree():
    import ipywidgets

    slider = ipywidgets.IntSlider(value=3, description="折扣")
    arrived = there(ipywidgets.VBox([slider, ipywidgets.Button(description="算")]))
    assert arrived == wire.Widget(
        "VBox", None, "", [wire.Widget("IntSlider", 3, "折扣", []), wire.Widget("Button", None, "算", [])]
    )


# --- functions ------------------------------------------------------------------------------------------------------


class Student:
    """The other side of a channel: keeps functions, answers calls."""

    def __init__(self):
        self.functions = []

    def keep(self, function):
        self.functions.append(function)
        return len(self.functions) - 1

    def call(self, handle, data):
        return wire.answer_call(self.functions[handle], data, self.keep)

    def send(self, value):
        return wire.decode(wire.encode(value, self.keep), self.call)


def test_functions_are_called_remotely_with_plain_data_both_ways():
    student = Student()
    add = student.send(lambda a, *, b: a + b)
    assert callable(add)
    assert add(1, b=2) == 3
    pd.testing.assert_frame_equal(add(pd.DataFrame({"a": [1]}), b=1), pd.DataFrame({"a": [2]}))
    table = student.send({"max": max, "bound": [1, 2].count, "partial": functools.partial(pow, 2), "ufunc": np.sqrt})
    assert (table["max"]([1, 5]), table["bound"](2), table["partial"](5), table["ufunc"](4.0)) == (5, 1, 32, 2.0)


def test_a_function_may_return_a_function():
    make = Student().send(lambda k: lambda x: k * x)
    assert make(3)(4) == 12


class NastyError(Exception):
    def __str__(self):
        raise SystemExit


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("坏 \ud800"), "ValueError", "坏 ?"),
        (SystemExit(3), "SystemExit", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (NastyError(), "NastyError", ""),
        (KeyError("x" * 5000), "KeyError", "'" + "x" * 1999),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exception_of_the_student_is_a_remote_error(error, kind, text):
    def fail():
        raise error

    with pytest.raises(wire.RemoteError) as caught:
        Student().send(fail)()
    assert (caught.value.kind, caught.value.message) == (kind, text)


def test_a_function_without_a_way_to_call_it_is_opaque():
    assert type(there(len)).__name__ == "builtin_function_or_method"
    assert isinstance(wire.decode(wire.encode(len, lambda _function: 0)), wire.Opaque)


def test_a_reply_that_is_not_a_message_is_a_wire_error():
    function = wire.decode(wire.encode(len, lambda _function: 7), lambda _handle, _data: b"\xc1")
    with pytest.raises(wire.WireError):
        function()


@pytest.mark.parametrize("arguments", [1, (1, 2), [[], {}]])
def test_only_arguments_make_a_call(arguments):
    with pytest.raises(wire.WireError):
        wire.answer_call(len, wire.encode(arguments))


def test_a_failure_does_not_pass_for_a_value():
    with pytest.raises(wire.WireError):
        wire.decode(wire.encode_outcome(ValueError("x")))


# --- liars ----------------------------------------------------------------------------------------------------------


def never(*_args, **_kwargs):
    raise AssertionError("the writer called a method of the student's")


def _liar(*bases, **space):
    return type("Liar", bases, space)


class Meta(type):
    __name__ = property(never)
    __mro__ = property(never)
    __instancecheck__ = __subclasscheck__ = __getattribute__ = never
    __eq__ = __hash__ = never


SPECIAL = (
    *("eq", "ne", "len", "iter", "getitem", "contains", "float", "int", "index", "complex", "bool", "repr", "str"),
    *("format", "getattribute", "getattr", "array", "reduce", "reduce_ex", "bytes", "abs", "copy"),
)
USUAL = ("items", "keys", "values", "copy", "tolist", "isoformat", "as_tuple")
everything = dict.fromkeys((*(f"__{name}__" for name in SPECIAL), *USUAL), never) | {"__hash__": object.__hash__}

LIARS = {
    "class says DataFrame": _liar(object, __class__=property(lambda _self: pd.DataFrame))(),
    "class raises": _liar(object, __class__=property(never))(),
    "everything raises": _liar(object, **everything)(),
    "endless len and iter": _liar(object, __len__=lambda _s: 2**62, __iter__=lambda s: s, __next__=lambda _s: 1)(),
    "always equal": _liar(object, __eq__=lambda *_a: True, __hash__=None)(),
    "float raises": _liar(object, __float__=never)(),
    "array interface": _liar(object, __array_interface__={"data": (1, False), "shape": (9,), "typestr": "<i8"})(),
    "array raises": _liar(object, __array__=never)(),
    "any attribute": _liar(object, __getattr__=lambda self, _name: self)(),
    "metaclass": Meta("Liar", (), {})(),
    "callable": _liar(object, __call__=never)(),
    "says dataclass": _liar(object, __dataclass_fields__=5)(),
    "pickles": _liar(object, __reduce__=lambda _self: (exit, ()))(),
}


@pytest.mark.parametrize("name", LIARS)
def test_a_liar_is_opaque_under_its_own_name(name):
    liar = LIARS[name]
    for arrived in (there(liar), there([1, liar, "a"])[1], there(pd.Series([1, liar], dtype=object))[1]):
        assert isinstance(arrived, wire.Opaque)
        assert type(arrived).__name__ == "Liar"
        assert arrived.reason == "kind"


@pytest.mark.parametrize(
    ("base", "arguments", "arrives"),
    [
        (int, (5,), 5),
        (float, (0.5,), 0.5),
        (str, ("文",), "文"),
        (bytes, (b"a",), b"a"),
        (complex, (1j,), 1j),
        (list, ([1, 2],), [1, 2]),
        (tuple, ([1, 2],), (1, 2)),
        (set, ([1],), {1}),
        (frozenset, ([1],), frozenset({1})),
        (dict, ({"a": 1},), {"a": 1}),
        (collections.OrderedDict, (), {}),
        (dt.date, (2024, 1, 2), dt.date(2024, 1, 2)),
        (dt.timedelta, (3,), dt.timedelta(3)),
        (decimal.Decimal, ("1.5",), decimal.Decimal("1.5")),
        (np.ndarray, ((2, 0),), np.empty((2, 0))),
    ],
)
def test_a_liar_that_is_a_known_kind_arrives_as_what_it_holds(base, arguments, arrives):
    arrived = there(_liar(base, **everything)(*arguments))
    assert type(arrived) is type(arrives)
    np.testing.assert_array_equal(arrived, arrives)


def test_what_fails_while_it_is_read_leaves_its_neighbours_whole():
    class Broken:
        @property
        def x(self):
            raise SystemExit

        __dataclass_fields__ = {"a": None, "x": None}  # noqa: RUF012
        a = np.arange(5)

    first, broken, last = there([np.arange(3), Broken(), np.arange(4)])
    assert broken.reason == "broken"
    assert (first.tolist(), last.tolist()) == ([0, 1, 2], [0, 1, 2, 3])


def test_a_time_zone_of_the_students_own_making_is_not_asked():
    zone = type("Zone", (dt.tzinfo,), {"utcoffset": never, "dst": never, "tzname": never})()
    assert there([dt.datetime(2024, 1, 1, tzinfo=zone)])[0].reason == "broken"


def test_keys_that_would_not_hash_arrive_opaque():
    key = type("Key", (list,), {"__hash__": object.__hash__})([1])
    arrived = there({key: 1, "b": np.arange(2)})
    assert [type(found).__name__ for found in arrived] == ["Key", "str"]
    assert arrived["b"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (pd.DataFrame, "type"),
        (Meta, "type"),
        (sys, "module"),
        (pd.Grouper(key="a"), "Grouper"),
        (object(), "object"),
        ((x for x in ()), "generator"),
        (type("客户 分群!", (), {})(), "客户分群"),
        (type("1", (), {})(), "object"),
        (type("class", (), {})(), "object"),
        (type("长" * 100, (), {})(), "长" * 60),
    ],
)
def test_an_opaque_thing_bears_the_name_of_its_type(value, name):
    arrived = there(value)
    assert isinstance(arrived, wire.Opaque)
    assert type(arrived).__name__ == name
    assert repr(arrived) == f"<{name}>"


def test_an_opaque_thing_is_nothing_but_itself():
    one, other = there([object(), object()])
    assert one == one
    assert one != other
    assert one not in (0, 1, "", None)
    for use in (iter, len, float, int, list):
        with pytest.raises(TypeError):
            use(one)


# --- limits ---------------------------------------------------------------------------------------------------------


def nested(depth):
    value = []
    for _level in range(depth - 1):
        value = [value]
    return value


cycle: list = []
cycle.append({"me": cycle})


@pytest.mark.parametrize(
    ("value", "name", "reason"),
    [
        (nested(21), "list", "deep"),
        (nested(5000), "list", "deep"),
        (cycle, "list", "cyclic"),
        (np.broadcast_to(np.float64(1), 2**40), "ndarray", "large"),
        (np.zeros(wire.MAX_BYTES // 8), "ndarray", "large"),
        ("x" * (wire.MAX_BODY + 1), "str", "large"),
        (["x" * 2**20] * 1000, "list", "large"),
        ([0] * (wire.MAX_ITEMS + 1), "list", "large"),
        (functools.reduce(lambda inner, _n: [inner] * 3000, range(3), 0), "list", "large"),
        (range(10**12), "range", "large"),
        (pd.RangeIndex(10**12), "RangeIndex", "large"),
        (pd.DataFrame(index=pd.RangeIndex(10**12)), "DataFrame", "large"),
        (2**4096, "int", "large"),
        (decimal.Decimal("1e100000"), "Decimal", "large"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_what_is_beyond_a_limit_arrives_opaque_with_the_reason(value, name, reason):
    arrived = there(value)
    assert isinstance(arrived, wire.Opaque)
    assert (type(arrived).__name__, arrived.reason) == (name, reason)


def test_what_is_within_the_limits_arrives():
    assert there(nested(20)) == nested(20)
    assert len(there(np.zeros(wire.MAX_BYTES // 8 - 1000))) == wire.MAX_BYTES // 8 - 1000
    shared = [1]
    assert there([shared, shared]) == [[1], [1]]


# --- hostile bytes --------------------------------------------------------------------------------------------------


def outcome(data):
    """What decoding came to: never anything but a value or a WireError."""
    try:
        return wire.describe(wire.decode(data, lambda _handle, reply: reply))
    except wire.WireError:
        return "WireError"


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_random_bytes_are_a_value_or_a_wire_error(body, numbers):
    assert outcome(body)
    assert outcome(msgspec.msgpack.encode([body, numbers]))


RICH = [
    pd.DataFrame(COLUMNS, index=days),
    pd.Series(range(4), index=pd.MultiIndex.from_product([[1, 2], ["a", "b"]])),
    {"a": [1, (2.5, "文"), {3}], "b": decimal.Decimal("1.5"), "c": fractions.Fraction(1, 3), "d": 2**99},
    [
        np.arange(3),
        np.float32(1),
        np.array(["a"]),
        pd.Timestamp("2024", tz="UTC"),
        pd.Period("2024", "M"),
        len,
        object(),
    ],
    [wire.Fields, Customer("a", []), dt.datetime(2024, 1, 1, tzinfo=SHANGHAI), pd.Interval(0, 1), range(5), "\ud800"],
]


@pytest.mark.parametrize("value", RICH, ids=range(len(RICH)))
def test_damaged_messages_are_a_value_or_a_wire_error(value):
    whole = wire.encode(value, lambda _function: 1)
    assert outcome(whole) != "WireError"
    chance = random.Random(20240101)
    for _trial in range(400):
        data = bytearray(whole)
        for _flip in range(chance.choice([1, 1, 1, 2, 5])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        assert outcome(bytes(data))
    for end in range(0, len(whole), max(1, len(whole) // 200)):
        assert outcome(whole[:end]) == "WireError"
    assert outcome(whole + b"\0") == "WireError"


NAN_LIST = b"\x92\x01\x91"  # the head of a ListNode of one item
HOSTILE = {
    "deep lists": msgspec.msgpack.encode([NAN_LIST * 500_000 + b"\xc0", b""]),
    "deep within msgpack's limit": msgspec.msgpack.encode([NAN_LIST * 60 + b"\xc0", b""]),
    "untyped depth": b"\x91" * 10**6,
    "promises 4 G items": msgspec.msgpack.encode([b"\x92\x01\xdd\xff\xff\xff\xff", b""]),
    "promises 4 GB": b"\x92\xc6\xff\xff\xff\xff",
    "not UTF-8": message(b"\xa2\xff\xfe")[:-1],
    "unknown tag": message([99, []]),
    "no tag": message([[]]),
    "map": message({"type": 1}),
    "huge shape": message([18, "<f8", [2**62, 2**62]]),
    "huge empty shape": message([18, "<f8", [0, 2**62, 2**62]]),
    "negative shape": message([18, "<f8", [-1, -8]], b"0" * 64),
    "short numbers": message([18, "<f8", [2]], b"0" * 15),
    "long numbers": message([18, "<f8", [2]], b"0" * 17),
    "numbers used twice": message([1, [[18, "<f8", [2]], [18, "<f8", [2]]]], b"0" * 16),
    "object dtype": message([18, "|O", [1]], b"0" * 8),
    "structured dtype": message([18, "i4,f8", [1]], b"0" * 12),
    "void dtype": message([18, "|V8", [1]], b"0" * 8),
    "wide texts": message([19, "U", [100_000], ["x" * 100_000] + [""] * 99_999]),
    "number among texts": message([19, "U", [1], [1]]),
    "list as key": message([5, [[1, []]], [1]]),
    "keys without values": message([5, ["a", "b"], [1]]),
    "long range": message([6, 0, 10**12, 1]),
    "range without step": message([6, 0, 1, 0]),
    "long integer": message([7, "9" * 1300]),
    "very long integer": message([7, "9" * 10**6]),
    "large exponent": message([14, "1e999999"]),
    "fraction by zero": message([15, "1", "0"]),
    "no such day": message([10, [2023, 2, 29]]),
    "zone is a path": message([11, [2024, 1, 1], "../../etc/passwd", 0]),
    "zone of 99 hours": message([11, [2024, 1, 1], 99 * 3600, 0]),
    "protocol as field": message([16, "X", ["__array_interface__"], [1]]),
    "class as field": message([16, "X", ["__class__"], [1]]),
    "index shorter than the Series": message([29, None, [27, None, 0, 3, 1], [18, "<f8", [2]]], b"0" * 16),
    "columns of two lengths": message(
        [30, [27, None, 0, 2, 1], [27, None, 0, 2, 1], [[18, "<f8", [2]], [18, "<f8", [1]]]], b"0" * 24
    ),
    "more columns than names": message([30, [27, None, 0, 1, 1], [27, None, 0, 0, 1], [[18, "<f8", [0]]] * 2]),
    "a table as column": message([29, None, [27, None, 0, 1, 1], [18, "<f8", [1, 1]]], b"0" * 8),
    "codes without category": message([22, [18, "|i1", [1]], [27, None, 0, 1, 1], False], b"\x09"),
    "category twice": message([22, [18, "|i1", [0]], [26, None, [20, "str", ["a", "a"]]], False]),
    "codes without level": message([28, [None], [[20, "str", ["a"]]], [[18, "|i1", [1]]]], b"\x07"),
    "strange frequency": message([24, [18, "<i8", [1]], "__import__('os')"], b"0" * 8),
    "mask of another length": message([21, [18, "<i8", [1]], [18, "|b1", [2]]], b"0" * 10),
    "unhashable name": message([29, [1, []], [27, None, 0, 0, 1], [18, "<f8", [0]]]),
    "many empty frames": message(
        [1, [[30, [27, None, 0, 0, 1], [27, None, 0, 0, 1], []]] * 200_000],
    ),
    "many empty Series": message([1, [[29, None, [27, None, 0, 0, 1], [18, "<f8", [0]]]] * 200_000]),
    "long body": msgspec.msgpack.encode([b"\xc0" * (wire.MAX_BODY + 1), b""]),
    "long message": b"\0" * (wire.MAX_BYTES + 1),
    "three parts": msgspec.msgpack.encode([b"\xc0", b"", b""]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_a_wire_error(name):
    with pytest.raises(wire.WireError):
        wire.decode(HOSTILE[name])


GREEDY = """
import re, msgspec
from autograder import wire
def peak():  # MiB; getrusage would count the process that started this one
    return int(re.search("VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
before = peak()
for item in (b"\\x94\\x10\\xa1x\\x90\\x90", b"\\x92\\x03\\x90"):  # dataclasses, sets
    n = wire.MAX_BODY // 4 // len(item)
    try:
        wire.decode(msgspec.msgpack.encode([b"\\x92\\x01\\xdd" + n.to_bytes(4, "big") + item * n, b""]))
    except wire.WireError:
        pass
print(peak() - before)
"""


def test_hostile_bytes_take_little_memory():
    ran = subprocess.run([sys.executable, "-c", GREEDY], capture_output=True, text=True, check=True)
    assert 50 < float(ran.stdout) < 200


def test_boolean_bytes_are_true_or_false():
    assert wire.decode(message([18, "|b1", [3]], b"\0\x02\xff")).view("u1").tolist() == [0, 1, 1]


def test_many_type_names_make_few_classes():
    arrived = wire.decode(message([1, [[40, f"K{n}", "kind"] for n in range(1000)]]))
    assert len({type(one) for one in arrived}) <= wire.MAX_KINDS + 1


def test_decoding_imports_nothing_and_looks_up_no_name(monkeypatch):
    names = ["os.system", "builtins.exec", "antigravity", "subprocess.Popen", "numpy.ndarray"]
    nodes = [[40, name, "kind"] for name in names] + [[16, name, ["a"], [1]] for name in names]
    nodes += [[38, name, None, "", []] for name in names]
    loaded = set(sys.modules)
    monkeypatch.setattr("builtins.__import__", never)
    arrived = wire.decode(message([1, nodes]))
    monkeypatch.undo()
    assert set(sys.modules) == loaded
    assert {type(one).__mro__[1] for one in arrived} == {wire.Opaque, wire.Fields, object}
    assert {type(one).__name__ for one in arrived[:5]} == {
        *("ossystem", "builtinsexec", "antigravity", "subprocessPopen", "numpyndarray")
    }


def test_the_module_loads_no_plotting_and_no_widgets():
    program = "import sys, autograder.wire; print({'matplotlib', 'ipywidgets'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


# --- for reports ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pd.DataFrame({"a": [1, 2]}), "DataFrame，2 行 × 1 列"),
        (pd.Series([1, 2]), "Series，2 个值"),
        (pd.Index([1]), "索引，1 个值"),
        (np.zeros((3, 4)), "数组，形状 3 × 4"),
        (3.14, "数 3.14"),
        (10**500, "数 1000000000000000000000000000000000000000"),
        (np.float64(2), "数 2"),
        (True, "True"),
        (None, "None"),
        ("客户", "文字，2 字"),
        ([1, 2], "列表，2 项"),
        ((1,), "元组，1 项"),
        ({1}, "集合，1 项"),
        ({"a": 1}, "字典，1 个键"),
        (dt.date(2024, 1, 1), "date"),
        (object(), "不能传递的对象 object"),
        (cycle, "包含自身而不能传递的对象 list"),
        (nested(30), "嵌套太深而不能传递的对象 list"),
        (range(10**12), "太大而不能传递的对象 range"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_are_described_in_a_few_words(value, words):
    assert wire.describe(there(value)) == words


def test_figures_functions_and_widgets_are_described(figure):
    assert wire.describe(there(figure)) == "图，2 个坐标系"
    assert wire.describe(there(figure.axes[0])) == "一个坐标系"
    assert wire.describe(Student().send(len)) == "函数"
    assert wire.describe(wire.Widget("Button", None, "", [])) == "控件 Button"
