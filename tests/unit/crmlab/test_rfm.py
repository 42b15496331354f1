"""RFM: the course's definitions to the letter, laws that hold for any data, errors that say what to do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab import rfm
from crmlab.errors import CourseError

AS_OF = "2025-12-31"


def purchases(*rows: tuple[str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    return frame.assign(date=pd.to_datetime(frame["date"]))


SMALL = purchases(
    ("C2", "2025-12-31", 10.0),
    ("C1", "2025-12-01", 20.0),
    ("C1", "2025-12-01", 5.0),
    ("C1", "2025-11-01", 1.5),
)


def test_definitions():
    table = rfm.rfm(SMALL, AS_OF)
    assert table.loc["C1"].to_dict() == {"recency": 30, "frequency": 2, "monetary": 26.5}
    assert table.loc["C2"].to_dict() == {"recency": 0, "frequency": 1, "monetary": 10}
    assert list(table.index) == ["C1", "C2"]
    assert table.index.name == "customer_id"


def test_time_of_day_does_not_matter():
    evening = SMALL.assign(date=SMALL["date"] + pd.Timedelta(hours=23, minutes=59))
    pd.testing.assert_frame_equal(rfm.rfm(evening, AS_OF), rfm.rfm(SMALL, AS_OF))


@pytest.mark.parametrize(
    "same",
    [
        lambda f: f.assign(date=f["date"].dt.strftime("%Y-%m-%d")),
        lambda f: f.assign(date=[day.date() for day in f["date"]]),
        lambda f: f.assign(date=f["date"].dt.tz_localize("Asia/Shanghai")),
        lambda f: f.assign(customer_id=pd.Categorical(f["customer_id"], categories=["C2", "C1"])),
        lambda f: f.set_axis([0] * len(f)),
    ],
)
def test_other_ways_to_write_the_same_purchases(same):
    pd.testing.assert_frame_equal(rfm.rfm(same(SMALL), AS_OF), rfm.rfm(SMALL, AS_OF), check_index_type=False)


rows = st.lists(
    st.tuples(
        st.sampled_from([f"C{i}" for i in range(12)]),
        st.dates(pd.Timestamp("2024-01-01").date(), pd.Timestamp("2025-12-31").date()),
        st.integers(1, 99_999).map(lambda fen: fen / 100),
    ),
    min_size=1,
    max_size=60,
)


@given(rows, st.randoms())
def test_row_order_never_matters(data, random):
    frame = purchases(*data)
    order = list(frame.index)
    random.shuffle(order)
    pd.testing.assert_frame_equal(rfm.rfm(frame.loc[order], AS_OF), rfm.rfm(frame, AS_OF), check_exact=True)


@given(rows)
def test_totals_are_kept(data):
    frame = purchases(*data)
    table = rfm.rfm(frame, AS_OF)
    assert table["monetary"].sum() == pytest.approx(frame["amount"].sum())
    assert len(table) == frame["customer_id"].nunique()
    assert (table["recency"] >= 0).all()
    assert (table["frequency"] >= 1).all()


tables = (
    st.integers(10, 80)
    .flatmap(
        lambda n: st.tuples(
            *(st.lists(st.integers(0, high), min_size=n, max_size=n) for high in (700, 5, 1000)),
        )
    )
    .map(
        lambda columns: pd.DataFrame(
            dict(zip(rfm.MEASURES, columns, strict=True)), index=[f"C{i:03d}" for i in range(len(columns[0]))]
        )
    )
)


@given(tables, st.randoms())
def test_scores_are_fifths_whatever_the_ties_and_the_order(table, random):
    scores = rfm.score(table)
    for column in rfm.SCORES:
        sizes = scores[column].value_counts()
        assert set(sizes.index) == {1, 2, 3, 4, 5}
        assert sizes.max() - sizes.min() <= 1
    order = list(table.index)
    random.shuffle(order)
    pd.testing.assert_frame_equal(rfm.score(table.loc[order]).sort_index(), scores.sort_index())


@given(tables)
def test_better_never_scores_lower(table):
    scores = rfm.score(table)
    for measure, column, sign in zip(rfm.MEASURES, rfm.SCORES, (-1, 1, 1), strict=True):
        ordered = pd.concat([sign * table[measure], scores[column]], axis=1).sort_values([measure, column])
        best_so_far = ordered.groupby(measure)[column].max().cummax()
        assert (ordered.groupby(measure)[column].min()[1:].to_numpy() >= best_so_far[:-1].to_numpy() - 1e-9).all()


def test_ties_are_broken_by_id():
    table = pd.DataFrame({"recency": 1, "frequency": 1, "monetary": 1.0}, index=list("EDCBA"))
    assert rfm.score(table)["f"].to_dict() == {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}
    assert rfm.score(table)["r"].to_dict() == {"A": 5, "B": 4, "C": 3, "D": 2, "E": 1}


def test_eight_names():
    combinations = pd.DataFrame(
        [(5, 4, 5), (4, 3, 4), (3, 5, 4), (1, 1, 5), (5, 5, 3), (4, 1, 1), (2, 4, 3), (3, 3, 3)],
        columns=["r", "f", "m"],
    )
    assert list(rfm.segment(combinations)) == list(rfm.SEGMENTS)


def test_summary_shares_add_up():
    table = rfm.rfm(SMALL, AS_OF)
    facts = rfm.summary(table, pd.Series({"C2": "b", "C1": "a"}))
    assert facts["share"].sum() == pytest.approx(1)
    assert facts.loc["a", "revenue_share"] == pytest.approx(26.5 / 36.5)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda f: f.drop(columns="amount"), "缺少列 amount"),
        (lambda f: f.iloc[:0], "空的"),
        (lambda f: f.assign(amount=[1, None, 2, 3]), "列 amount 第 2 行是空值"),
        (lambda f: f.assign(amount=["1", "x", "2", "3"]), "列 amount 第 2 行的 'x' 不是有限的数"),
        (lambda f: f.assign(date=[20251231] * 4), "是数字，不是日期"),
        (
            lambda f: f.assign(date=["2025-12-31", "昨天", "2025-12-01", "2025-11-01"]),
            "列 date 第 2 行的 '昨天' 不是日期",
        ),
        (lambda f: f.assign(date=pd.Timestamp("2026-01-02")), "晚于截止日 2025-12-31"),
        (lambda f: list(f), "应是 DataFrame"),
        (lambda f: f.assign(amount=[1, 2, -3, 4]), "列 amount 第 3 行是负数 -3：退款"),
        (lambda f: f.assign(amount=[1, 2, np.inf, 4]), "列 amount 第 3 行的 inf 不是有限的数"),
        (lambda f: f.assign(customer_id=["C1", 2, "C1", 3]), "混有不同类型的编号"),
        (lambda f: f.assign(date=["2025-01-01T00:00+08:00", "2025-01-01T00:00+00:00"] * 2), "不同时区"),
        (lambda f: pd.concat([f, f["amount"]], axis=1), "不止一列叫 amount"),
    ],
)
def test_bad_purchases_are_told(damage, told):
    with pytest.raises(CourseError, match=told):
        rfm.rfm(damage(SMALL), AS_OF)


@pytest.mark.parametrize("as_of", ["昨天", 20251231, None])
def test_bad_as_of_is_told(as_of):
    with pytest.raises(CourseError, match="截止日"):
        rfm.rfm(SMALL, as_of)


def test_bad_scores_are_told():
    table = pd.DataFrame({"recency": [1, 2], "frequency": [1, 1], "monetary": [1.0, 2.0]})
    with pytest.raises(CourseError, match="只有 2 位客户"):
        rfm.score(table)
    with pytest.raises(CourseError, match="bins"):
        rfm.score(table, bins=1)
    with pytest.raises(CourseError, match="负数"):
        rfm.score(table.assign(recency=[-1, 2]))
    with pytest.raises(CourseError, match="列 r 第 1 行的 '高' 不是"):
        rfm.segment(pd.DataFrame({"r": ["高"], "f": [1], "m": [1]}))
    with pytest.raises(CourseError, match="没有分组"):
        rfm.summary(table, pd.Series({0: "a"}))


def test_the_library_takes_the_shop():
    from crmlab import data

    shop = data.load("ecommerce")
    table = rfm.rfm(data.purchases(shop), shop.as_of)
    assert len(table) == 4289
    assert np.isclose(table["monetary"].sum(), data.purchases(shop)["amount"].sum())
