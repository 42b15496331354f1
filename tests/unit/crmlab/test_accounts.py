"""Key accounts: scorecard, portfolio, concentration, profit and warning signs, by hand and by law."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from crmlab import accounts, channel
from crmlab.errors import CourseError

# --- scorecard --------------------------------------------------------------------------------------------


TABLE = pd.DataFrame({"revenue": [10, 30, 20], "cost": [5, 5, 1]}, index=["A1", "A2", "A3"])


def test_scorecard_by_hand():
    table = accounts.scorecard(TABLE, {"revenue": 3, "cost": 1}, {"cost": "cost"})
    assert table["revenue"].to_list() == [0, 75, 37.5]
    assert table["cost"].to_list() == [0, 0, 25]
    assert table["total"].to_list() == [0, 75, 62.5]
    assert table["rank"].to_list() == [3, 1, 2]


def test_scorecard_is_the_distributor_score_in_points():
    weights, directions, targets = {"revenue": 2, "cost": 3}, {"cost": "cost"}, {"revenue": 40, "cost": 2}
    for options in ({}, {"method": "target", "targets": targets}):
        points = accounts.scorecard(TABLE, weights, directions, **options)
        share = channel.score_distributors(TABLE, weights, directions, **options)
        assert points["total"].to_numpy() == pytest.approx(100 * share["total"].to_numpy())
        assert points["rank"].equals(share["rank"])


def test_key_accounts_are_the_best_share_rounded_up_and_ties_go_by_id():
    scores = pd.Series({"A3": 50.0, "A1": 50.0, "A2": 90.0, "A4": 10.0})
    assert accounts.key_accounts(scores, share=0.5)["key"].to_dict() == {
        "A3": False,
        "A1": True,
        "A2": True,
        "A4": False,
    }
    assert accounts.key_accounts(scores, share=0.3)["key"].sum() == 2
    assert accounts.key_accounts(scores, share=0.25)["key"].sum() == 1
    assert accounts.key_accounts(scores, share=1)["key"].all()


def test_turnover_alone_may_pick_others():
    scores = pd.Series({"A1": 90.0, "A2": 10.0})
    table = accounts.key_accounts(scores, share=0.5, values=pd.Series({"A1": 5, "A2": 95}))
    assert table["abc"].to_dict() == {"A1": "C", "A2": "A"}
    assert "abc" not in accounts.key_accounts(scores)
    with pytest.raises(CourseError, match="scores 应是以客户编号为索引"):
        accounts.key_accounts([1, 2])
    with pytest.raises(CourseError, match=r"share 应.*大于 0，现在是 0"):
        accounts.key_accounts(scores, share=0)


# --- portfolio --------------------------------------------------------------------------------------------


POINTS = pd.DataFrame(
    {"attractiveness": [80, 60, 40, 20], "strength": [70, 10, 80, 40], "turnover": [10, 20, 30, 40]}, index=list("abcd")
)


def test_the_four_fields():
    found = accounts.portfolio(POINTS)
    assert found.cut == (50, 50)
    assert found.table["quadrant"].to_list() == ["战略客户", "明星客户", "维持客户", "精简客户"]
    assert found.table.loc["b", "advice"].startswith("选择性投入")
    assert found.summary["accounts"].to_list() == [1, 1, 1, 1]


def test_at_the_cross_hair_is_high():
    table = pd.DataFrame({"attractiveness": [50, 49.9], "strength": [50, 50]})
    assert accounts.portfolio(table, cut=50).table["quadrant"].to_list() == ["战略客户", "维持客户"]
    assert accounts.portfolio(table, cut=(40, 60)).table["quadrant"].to_list() == ["明星客户", "明星客户"]


def test_median_and_size():
    found = accounts.portfolio(POINTS.assign(strength=[1, 2, 3, 100]), cut="median", size="turnover")
    assert found.cut == (50, 2.5)
    assert found.summary["size"].to_dict() == {"战略客户": 0, "明星客户": 30, "维持客户": 70, "精简客户": 0}
    assert found.summary["size_share"].sum() == pytest.approx(1)
    empty = accounts.portfolio(POINTS.assign(turnover=0), size="turnover")
    assert (empty.summary["size_share"] == 0).all()


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=20), st.randoms())
def test_every_account_has_one_field_whatever_the_order(rows, random):
    table = pd.DataFrame(rows, columns=["attractiveness", "strength"])
    found = accounts.portfolio(table)
    assert found.summary["accounts"].sum() == len(rows)
    order = list(table.index)
    random.shuffle(order)
    assert accounts.portfolio(table.loc[order]).table.loc[table.index, "quadrant"].equals(found.table["quadrant"])


def test_portfolio_figure_and_errors():
    figure = accounts.portfolio(POINTS, size="turnover").plot()
    assert isinstance(figure, Figure)
    assert figure.get_suptitle() == "战略客户 1 家，占 10%"
    assert {text.get_text() for text in figure.axes[0].texts} == {"战略客户", "明星客户", "维持客户", "精简客户"}
    assert isinstance(accounts.portfolio(POINTS.assign(turnover=0), size="turnover").plot(), Figure)
    with pytest.raises(CourseError, match="客户表缺少列 strength"):
        accounts.portfolio(POINTS.drop(columns="strength"))
    with pytest.raises(CourseError, match="cut 应是 mean、median 之一，现在是 'mode'"):
        accounts.portfolio(POINTS, cut="mode")
    with pytest.raises(CourseError, match="cut 应有 2 个数，现在有 3 个"):
        accounts.portfolio(POINTS, cut=(1, 2, 3))
    with pytest.raises(CourseError, match="列 strength 第 2 行是空值"):
        accounts.portfolio(POINTS.assign(strength=[1, None, 2, 3]))


# --- concentration ----------------------------------------------------------------------------------------


def test_concentration_by_hand():
    found = accounts.concentration(pd.Series({"A1": 20, "A2": 50, "A3": 30}), top=[1, 2, 9])
    assert found.hhi == pytest.approx(0.38)
    assert found.effective == pytest.approx(1 / 0.38)
    assert found.top.to_dict() == {1: 0.5, 2: 0.8, 9: 1}
    assert found.largest == "A2"


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any))
def test_hhi_lies_between_equal_and_one(values):
    found = accounts.concentration(values)
    assert 1 / len(values) - 1e-9 <= found.hhi <= 1 + 1e-9
    assert found.top.is_monotonic_increasing
    assert accounts.concentration([3 * value for value in values]).hhi == pytest.approx(found.hhi)


def test_equal_accounts_are_as_many_as_they_are():
    assert accounts.concentration([7] * 8).effective == pytest.approx(8)


def test_concentration_errors():
    with pytest.raises(CourseError, match="所有客户的数值都是 0"):
        accounts.concentration([0, 0])
    with pytest.raises(CourseError, match="values 第 2 个值是 -1"):
        accounts.concentration([1, -1])
    with pytest.raises(CourseError, match="top 应不小于 1，现在是 0"):
        accounts.concentration([1], top=[0])


# --- profit -----------------------------------------------------------------------------------------------


COSTED = pd.DataFrame(
    {"revenue_2025": [100.0, 200, 0], "gross_margin_2025": [30.0, 40, 0]}
    | {name: [1.0, 10, 2] for name in accounts.COSTS},
    index=["A1", "A2", "A3"],
)


def test_profitability_by_hand():
    table = accounts.profitability(COSTED)
    assert list(table.index) == ["A1", "A2", "A3"], "most profitable first; a tie keeps its order"
    assert table["cost_to_serve"].to_list() == [5, 50, 10]
    assert table["profit"].to_list() == [25, -10, -10]
    assert table["return_on_sales"].to_list()[:2] == [0.25, -0.05]
    assert np.isnan(table.loc["A3", "return_on_sales"])
    with pytest.raises(CourseError, match="列 visit_cost 第 1 行是 -1，应不小于 0"):
        accounts.profitability(COSTED.assign(visit_cost=-1))


def test_whale_curve_by_hand():
    whale = accounts.whale_curve([-30, 50, 0, 30])
    assert whale.total == 50
    assert whale.curve["profit"].to_list() == [0, 1, 1.6, 1.6, 1]
    assert whale.curve["accounts"].to_list() == [0, 0.25, 0.5, 0.75, 1]
    assert (whale.peak, whale.peak_at, whale.destroyed) == (1.6, 0.5, 30)


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=30))
def test_laws_of_the_whale(profit):
    whale = accounts.whale_curve(profit)
    total = sum(profit)
    scale = total if total > 0 else 1
    assert whale.curve["profit"].max() == pytest.approx(whale.peak)
    assert whale.peak - whale.curve["profit"].iloc[-1] == pytest.approx(whale.destroyed / scale)
    assert whale.curve["accounts"].iloc[-1] == 1
    if total > 0:
        assert whale.curve["profit"].iloc[-1] == pytest.approx(1)
        assert whale.peak >= 1 - 1e-9
    bends = whale.curve["profit"].diff().dropna().diff().dropna()
    assert (bends <= 1e-9).all(), "the curve never bends upwards"


def test_whale_figure_tells_the_loss():
    assert (
        accounts.whale_curve([50, 30, -30]).plot().get_suptitle() == "前 67% 的客户赚到利润的 160%，其余的又赔掉 30 元"
    )
    assert accounts.whale_curve([-5, -1]).plot().get_suptitle() == "客户合起来没有利润"


# --- warning signs ----------------------------------------------------------------------------------------


AS_OF = "2025-12-31"
FIRMS = pd.DataFrame(
    {
        "account_id": ["A1", "A2", "A3", "A4", "A5"],
        "share_of_wallet_2024": [0.5, 0.6, 0.4, 0.5, 0.0],
        "share_of_wallet_2025": [0.5, 0.3, 0.4, 0.3, 0.1],
    }
)


def orders() -> pd.DataFrame:
    """A1 steady; A2 buys half as often from July on; A3 school: two times a year; A4 steady but bigger; A5 new."""
    rows = [("A1", day, 100.0) for day in pd.date_range("2024-01-15", "2025-12-31", freq="30D")]
    rows += [("A2", day, 100.0) for day in pd.date_range("2024-01-10", "2025-06-30", freq="20D")]
    rows += [("A2", day, 60.0) for day in pd.date_range("2025-07-10", "2025-12-31", freq="50D")]
    rows += [
        ("A3", day, 500.0) for year in ("2024", "2025") for day in pd.date_range(f"{year}-08-20", periods=5, freq="5D")
    ]
    rows += [
        ("A4", day, 100.0 + 50 * (day.year == 2025)) for day in pd.date_range("2024-01-05", "2025-12-31", freq="15D")
    ]
    rows += [("A5", pd.Timestamp("2025-12-20"), 10.0)]
    return pd.DataFrame(rows, columns=["account_id", "ordered_on", "amount"])


CONTACTS = pd.DataFrame(
    {
        "account_id": ["A1", "A4", "A2", "A3"],
        "left_on": pd.to_datetime([None, "2025-10-01", "2025-03-01", "2026-01-05"]),
    }
)


def warn(**options) -> pd.DataFrame:
    return accounts.warning_signs(orders(), FIRMS, AS_OF, **options)


def test_signs_by_hand():
    table = warn(contacts=CONTACTS)
    assert list(table.index)[:2] == ["A2", "A4"]
    assert table.loc["A2", "wallet_change"] == pytest.approx(-0.5)
    assert table.loc["A2", "orders_ratio"] == pytest.approx(4 / 9)
    assert table.loc["A2", "turnover_ratio"] == pytest.approx(240 / 900)
    assert table.loc["A2", ["wallet_falls", "orders_fall", "contact_left"]].to_list() == [True, True, False]
    assert table.loc["A4", ["wallet_falls", "orders_fall", "contact_left"]].to_list() == [True, False, True]
    assert table.loc["A4", "turnover_ratio"] > 1.4, "turnover grows while the share of wallet falls"
    assert table["at_risk"].to_dict() == {"A2": True, "A4": True, "A1": False, "A3": False, "A5": False}


def test_a_school_that_is_silent_as_every_autumn_is_not_lost():
    row = warn().loc["A3"]
    assert row["silent_days"] > 100
    assert row["orders_ratio"] == 1
    assert row["signs"] == 0


def test_a_new_account_has_no_base_for_a_comparison():
    row = warn().loc["A5"]
    assert row[["wallet_change", "orders_ratio", "turnover_ratio"]].isna().all()
    assert row["silent_days"] == 11
    assert row["signs"] == 0


def test_an_account_that_never_ordered_is_told_as_missing():
    table = accounts.warning_signs(orders().query("account_id != 'A1'"), FIRMS, AS_OF)
    assert np.isnan(table.loc["A1", "silent_days"])
    assert table.loc["A1", "signs"] == 0


def test_limits_move_the_verdict():
    assert warn(limits=accounts.WarningLimits(needed=1))["at_risk"].sum() == 2
    assert warn(limits=accounts.WarningLimits(wallet=0.45, needed=1))["at_risk"].sum() == 1
    assert warn(contacts=CONTACTS, limits=accounts.WarningLimits(needed=3))["at_risk"].sum() == 0


def test_orders_after_the_as_of_day_are_not_seen():
    late = pd.concat(
        [
            orders(),
            pd.DataFrame({"account_id": "A2", "ordered_on": pd.date_range("2026-01-01", periods=9), "amount": 1.0}),
        ]
    )
    pd.testing.assert_frame_equal(accounts.warning_signs(late, FIRMS, AS_OF), warn())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: accounts.warning_signs(orders()[orders()["ordered_on"] > "2025-06-01"], FIRMS, AS_OF), "没有截止日一年以前的订单.*一年零 180 天"),
        (lambda: accounts.warning_signs(orders(), FIRMS.assign(share_of_wallet_2025=[50, 1, 1, 1, 1]), AS_OF), "列 share_of_wallet_2025 第 1 行是 50，应在 0 到 1"),
        (lambda: accounts.warning_signs(orders(), pd.concat([FIRMS, FIRMS]), AS_OF), "列 account_id 第 6 行的 'A1' 重复"),
        (lambda: accounts.warning_signs(orders().drop(columns="amount"), FIRMS, AS_OF), "订单表缺少列 amount"),
        (lambda: warn(contacts=CONTACTS.drop(columns="left_on")), "联系人表缺少列 left_on"),
        (lambda: warn(limits=accounts.WarningLimits(needed=4)), "needed 应在 1 到 3"),
    ],
)  # fmt: skip
def test_warning_errors(call, words):
    with pytest.raises(CourseError, match=words):
        call()


# --- plans ------------------------------------------------------------------------------------------------


def test_plan_by_hand():
    """Year 1: 10 points × 1,000,000 × 25 % = 25,000; year 2: 50,000; cost 10,000 a year and 20,000 at the start."""
    plan = accounts.plan_value(1_000_000, 0.3, 0.5, margin=0.25, yearly_cost=10_000, investment=20_000, years=2)
    assert plan.years["share"].to_list() == pytest.approx([0.4, 0.5])
    assert plan.years["extra_margin"].to_list() == pytest.approx([25_000, 50_000])
    assert float(plan) == pytest.approx(-20_000 + 15_000 / 1.1 + 40_000 / 1.21)
    assert plan.years["discounted"].sum() - 20_000 == pytest.approx(plan.npv)


def test_at_the_break_even_chance_the_plan_is_worth_nothing():
    options = {"margin": 0.25, "yearly_cost": 10_000, "investment": 20_000, "years": 3}
    chance = accounts.plan_value(1_000_000, 0.3, 0.5, **options).break_even
    assert accounts.plan_value(1_000_000, 0.3, 0.5, **options, chance=chance).npv == pytest.approx(0, abs=1e-6)


def test_a_plan_without_gain_has_no_break_even():
    assert np.isnan(accounts.plan_value(100, 0.5, 0.5, margin=0.2, yearly_cost=1).break_even)
    with pytest.raises(CourseError, match="share_target 应在 0 到 1 之间，现在是 50"):
        accounts.plan_value(100, 0.5, 50, margin=0.2, yearly_cost=1)
