"""The checks that every function of the library shares: what passes, and what the student is told."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab import inputs
from crmlab.errors import CourseError


@given(st.floats(-1e6, 1e6))
def test_a_number_within_its_bounds_comes_back(value: float) -> None:
    assert inputs.number(value, "x", low=-1e6, high=1e6) == value


@pytest.mark.parametrize("value", [None, "3", True, float("nan"), float("inf"), [1], np.datetime64("2025-01-01")])
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(CourseError, match=r"^x 应是一个有限的数，现在是 "):
        inputs.number(value, "x")


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"low": 0, "high": 1}, "在 0 到 1 之间"),
        ({"low": 6}, "不小于 6"),
        ({"high": 4}, "不大于 4"),
        ({"above": 5}, "大于 5"),
        ({"above": 5, "below": 9}, "大于 5 且小于 9"),
    ],
)
def test_bounds_in_words(bounds: dict, words: str) -> None:
    with pytest.raises(CourseError) as caught:
        inputs.number(5, "x", **bounds)
    assert str(caught.value) == f"x 应{words}，现在是 5"


def test_whole_numbers() -> None:
    assert inputs.whole(np.int64(7), "n") == 7
    assert isinstance(inputs.whole(3.0, "n"), int)
    with pytest.raises(CourseError, match=r"n 应是整数，现在是 2\.5"):
        inputs.whole(2.5, "n")
    with pytest.raises(CourseError, match=r"n 应不小于 1，现在是 0"):
        inputs.whole(0, "n", low=1)


def test_choice() -> None:
    assert inputs.choice("a", "kind", ("a", "b")) == "a"
    for wrong in ("c", 1, None):
        with pytest.raises(CourseError, match=r"kind 应是 a、b 之一，现在是 "):
            inputs.choice(wrong, "kind", ("a", "b"))


@pytest.mark.parametrize("value", ["2025-12-31", pd.Timestamp("2025-12-31 23:59"), np.datetime64("2025-12-31")])
def test_days_lose_their_hours(value: object) -> None:
    assert inputs.day(value, "as_of") == pd.Timestamp("2025-12-31")


@pytest.mark.parametrize(
    ("value", "message"),
    [("年底", r"不是日期：请写成"), (20251231, r"不是日期"), (None, r"是空值"), (pd.NaT, r"是空值")],
)
def test_what_is_no_day(value: object, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        inputs.day(value, "as_of")


@pytest.mark.parametrize(
    "values", [[1, 2.5], (1, 2.5), np.array([1, 2.5]), pd.Series([1, 2.5], index=["a", "b"]), ["1", "2.5"]]
)
def test_vectors_of_all_kinds(values: object) -> None:
    assert inputs.vector(values, "x").tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], r"x 是空的，没有一个数"),
        ("12", r"x 应是一列数（列表、Series 或一维数组），现在是 str"),
        ([[1, 2]], r"x 应是一列数"),
        ({"a": 1}, r"x 应是一列数.*现在是 dict"),
        (5, r"x 应是一列数.*现在是 int"),
        ([1, None], r"x 第 2 个值 .* 不是有限的数"),
        ([1, "多"], r"x 第 2 个值 '多' 不是有限的数：请先改正或去掉"),
        ([1, 2, 30], r"x 第 3 个值是 30，应在 0 到 10 之间：请改正"),
    ],
)
def test_bad_vectors(values: object, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        inputs.vector(values, "x", low=0, high=10)


def test_vector_of_another_length() -> None:
    with pytest.raises(CourseError, match=r"w 应有 3 个数，现在有 2 个"):
        inputs.vector([1, 2], "w", length=3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1, 2], [3]], r"判断矩阵 应是每行一样长、每格一个数的表"),
        ([1, 2], r"应是两维的表，现在的形状是 \(2,\)"),
        ([[]], r"应是两维的表"),
        ([[1, 2, 3], [4, 5, 6]], r"应是方阵，现在有 2 行 3 列"),
        ([[1, 2], [np.nan, 1]], r"第 2 行第 1 列的 nan 不是有限的数"),
        ([["多", 1], [1, 1]], r"每格一个数"),
    ],
)
def test_bad_matrices(values: object, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        inputs.matrix(values, "判断矩阵", square=True)


def test_matrix_from_a_frame() -> None:
    assert inputs.matrix(pd.DataFrame({"a": [1, 2, 3]}), "x").shape == (3, 1)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1], r"订单应是 DataFrame，现在是 list"),
        (pd.DataFrame({"b": [1]}), r"订单缺少列 a：现有的列是 b"),
        (pd.DataFrame(), r"订单缺少列 a：现有的列是 （没有列）"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"订单里有不止一列叫 a"),
        (pd.DataFrame({"a": []}), r"订单是空的，没有一行数据"),
    ],
)
def test_bad_frames(value: object, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        inputs.frame(value, "订单", ["a"])


def test_columns_keep_the_callers_index_away() -> None:
    table = pd.DataFrame({"a": ["1", 2.5]}, index=[9, 4])
    assert inputs.numbers(table, "a").to_dict() == {0: 1.0, 1: 2.5}
    assert table.index.to_list() == [9, 4]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1, None], r"列 a 第 2 行是空值"),
        ([1, "多"], r"列 a 第 2 行的 '多' 不是有限的数"),
        ([1, -2], r"列 a 第 2 行是 -2，应不小于 0：请改正或去掉这一行"),
        ([1, np.inf], r"列 a 第 2 行的 inf 不是有限的数"),
    ],
)
def test_bad_numbers(column: list, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        inputs.numbers(pd.DataFrame({"a": column}), "a", low=0)


def test_ids() -> None:
    table = pd.DataFrame({"a": pd.Categorical(["C2", "C1", "C2"], categories=["C2", "C1"])})
    assert inputs.ids(table, "a").sort_values().to_list() == ["C1", "C2", "C2"]
    with pytest.raises(CourseError, match=r"列 a 第 3 行的 'C2' 重复出现"):
        inputs.ids(table, "a", unique=True)
    with pytest.raises(CourseError, match=r"列 a 混有不同类型的编号"):
        inputs.ids(pd.DataFrame({"a": ["C1", 2]}), "a")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([20250101, 20250102], r"列 a 是数字，不是日期，例如第 1 行的 20250101"),
        (["2025-01-01", "明天"], r"列 a 第 2 行的 '明天' 不是日期"),
        (["2025-01-01", None], r"列 a 第 2 行是空值"),
        (["2025-01-01T00:00+08:00", "2025-01-01T00:00+09:00"], r"列 a 混有不同时区的时间"),
    ],
)
def test_bad_dates(column: list, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        inputs.days(pd.DataFrame({"a": column}), "a")


def test_dates_become_midnights_without_zone() -> None:
    table = pd.DataFrame({"a": ["2025-06-18T20:00+08:00", "2025-06-19T01:00+08:00"]})
    assert inputs.days(table, "a").to_list() == [pd.Timestamp("2025-06-18"), pd.Timestamp("2025-06-19")]


def test_points_in_time_may_be_missing_where_that_is_said() -> None:
    table = pd.DataFrame({"a": ["2025-06-18 20:00", "", None], "b": [pd.NaT, pd.Timestamp("2025-01-01 09:30"), pd.NaT]})
    assert inputs.moments(table, "a", gaps=True).to_list() == [pd.Timestamp("2025-06-18 20:00"), pd.NaT, pd.NaT]
    assert inputs.moments(table, "b", gaps=True)[1] == pd.Timestamp("2025-01-01 09:30")
    with pytest.raises(CourseError, match=r"列 a 第 3 行是空值"):
        inputs.moments(table, "a")
    with pytest.raises(CourseError, match=r"列 a 第 2 行的 '' 不是日期"):
        inputs.moments(table.head(2), "a")
    with pytest.raises(CourseError, match=r"列 a 第 1 行的 '下午' 不是日期：请写成 2025-12-31 或 2025-12-31 18:00"):
        inputs.moments(pd.DataFrame({"a": ["下午", None]}), "a", gaps=True)
