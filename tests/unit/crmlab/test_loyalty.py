"""Loyalty: kinds by definition, IFRS 15 to the digit, points that are never lost from the books."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import loyalty
from crmlab.errors import CourseError
from crmlab.loyalty import PointsProgramme

LAW = settings(max_examples=40, deadline=None)
CLUB = PointsProgramme(earn_rate=0.1, point_value=1, redemption=0.95, expiry_months=None)


# ------------------------------------------------------------------------------------------------ kinds and measures


def test_four_kinds_and_a_value_on_the_line_is_high():
    kinds = loyalty.loyalty_type([7, 7, 6.9, 6.9], [6, 5.9, 6, 5.9], attitude_cut=7, behaviour_cut=6)
    assert kinds.tolist() == ["忠诚", "潜在忠诚", "虚假忠诚", "不忠诚"]
    assert kinds.cat.categories.tolist() == ["不忠诚", "虚假忠诚", "潜在忠诚", "忠诚"]
    assert kinds.cat.ordered
    assert kinds.name == "loyalty"


@pytest.mark.parametrize(
    ("attitude", "behaviour", "kind"),
    [(8, 8, "忠诚"), (8, 1, "潜在忠诚"), (1, 8.0, "虚假忠诚"), (np.int64(1), 1, "不忠诚")],
)
def test_single_numbers_give_the_name(attitude, behaviour, kind):
    assert loyalty.loyalty_type(attitude, behaviour, attitude_cut=7, behaviour_cut=6) == kind


def test_series_are_matched_by_index():
    attitude = pd.Series([9, 1], index=["C1", "C2"])
    kinds = loyalty.loyalty_type(attitude, pd.Series([1, 9], index=["C2", "C1"]), 5, 5)
    assert kinds.to_dict() == {"C1": "忠诚", "C2": "不忠诚"}
    assert loyalty.loyalty_type([9, 1], pd.Series([1, 9], index=["C1", "C2"]), 5, 5).index.tolist() == ["C1", "C2"]


def test_errors_about_kinds():
    with pytest.raises(TypeError):
        loyalty.loyalty_type(8, 8)  # thresholds are never assumed
    with pytest.raises(CourseError, match="attitude 与 behaviour 的索引不一致"):
        loyalty.loyalty_type(pd.Series([1], index=["A"]), pd.Series([1], index=["B"]), 5, 5)
    with pytest.raises(CourseError, match="attitude 第 2 个值 nan 不是有限的数"):
        loyalty.loyalty_type([1, None], [1, 2], 5, 5)
    with pytest.raises(CourseError, match="behaviour 应有 2 个数，现在有 1 个"):
        loyalty.loyalty_type([1, 2], [1], 5, 5)
    with pytest.raises(CourseError, match="attitude_cut 应是一个有限的数，现在是 '高'"):
        loyalty.loyalty_type([1], [1], "高", 5)


@LAW
@given(
    st.lists(st.tuples(st.integers(1, 10), st.integers(0, 30)), min_size=1, max_size=30),
    st.integers(1, 10),
    st.integers(0, 30),
)
def test_more_liking_and_more_buying_never_lower_the_kind(rows, attitude_cut, behaviour_cut):
    attitude, behaviour = (np.array(column) for column in zip(*rows, strict=True))
    kinds = loyalty.loyalty_type(attitude, behaviour, attitude_cut, behaviour_cut)
    higher = loyalty.loyalty_type(attitude + 1, behaviour + 1, attitude_cut, behaviour_cut)
    assert (higher.cat.codes >= kinds.cat.codes).all()
    assert (kinds.isin(["忠诚", "潜在忠诚"]) == (attitude >= attitude_cut)).all()


def test_reason_for_spurious_loyalty():
    scores = pd.DataFrame(
        {"price": [5, 4, 2, 5], "monopoly": [1, 5, 3, 5], "incentive": [2, 2, 3, 1]}, index=["C1", "C2", "C3", "C4"]
    )
    reasons = loyalty.spurious_reason(scores, cut=4)
    assert reasons.to_dict() == {"C1": "价格", "C2": "垄断", "C3": "原因不明", "C4": "垄断"}
    assert reasons.cat.categories.tolist() == ["垄断", "惰性", "价格", "激励", "原因不明"]
    with pytest.raises(CourseError, match="至少一列：monopoly、inertia、price、incentive"):
        loyalty.spurious_reason(pd.DataFrame({"habit": [1]}), cut=4)
    with pytest.raises(CourseError, match="列 price 第 2 行是空值"):
        loyalty.spurious_reason(pd.DataFrame({"price": [1, None]}), cut=4)


def test_share_of_wallet():
    assert loyalty.share_of_wallet(300, 1200) == 0.25
    shares = loyalty.share_of_wallet(pd.Series([50, 0.0], index=["C1", "C2"]), [200, 0])
    assert shares["C1"] == 0.25
    assert np.isnan(shares["C2"])
    assert shares.name == "share_of_wallet"
    with pytest.raises(CourseError, match="第 2 位客户在本店花了 30，却多于全部花费 20"):
        loyalty.share_of_wallet([10, 30], [10, 20])
    with pytest.raises(CourseError, match="own 第 1 个值是 -1，应不小于 0"):
        loyalty.share_of_wallet(-1, 5)


def test_repurchase_rate():
    bought = pd.DataFrame(
        [
            ("C1", "2025-01-01"),
            ("C1", "2025-01-01"),  # twice on one day is one purchase day
            ("C2", "2025-01-01"),
            ("C2", "2025-01-31"),
            ("C3", "2025-01-01"),
            ("C3", "2025-02-20"),
            ("C4", "2025-02-25"),
        ],
        columns=["customer_id", "date"],
    )
    assert loyalty.repurchase_rate(bought) == 0.5
    # Within 30 days: C4 was watched for 0 days and is left out; of C1, C2, C3 only C2 came back in time.
    assert loyalty.repurchase_rate(bought, window=30) == pytest.approx(1 / 3)
    with pytest.raises(CourseError, match="没有一位客户被观察满 90 天"):
        loyalty.repurchase_rate(bought, window=90)


# ----------------------------------------------------------------------------------------------------------- IFRS 15


def test_ifrs_15_example_52():
    """Customers buy for 100,000, earn 10,000 points worth 1 each, 9,500 are expected to be redeemed."""
    assert CLUB.earn(100_000) == 10_000
    split = CLUB.allocate(100_000)
    assert split.standalone_points == pytest.approx(9_500)
    assert (round(split.product), round(split.points)) == (91_324, 8_676)
    table = CLUB.liability(100_000, redeemed=[4_500, 4_000], expected=[9_500, 9_700])
    assert table["revenue"].round().tolist() == [4_110, 3_493]
    assert table["liability"].round().tolist() == [4_566, 1_073]
    assert table["opening"].round().tolist() == [0, 4_566]
    assert table["deferred"].round().tolist() == [8_676, 0]


@pytest.mark.parametrize(("estimate", "last"), [(9_900, 3_552), (9_200, 4_140)])
def test_a_raised_and_a_lowered_estimate(estimate, last):
    """The same facts with 97 %: 91,000 and 9,000 when the shares are rounded to whole percents, then 4,175."""
    club = PointsProgramme(earn_rate=0.1, point_value=1, redemption=0.97)
    split = club.allocate(100_000)
    assert (round(split.product, -3), round(split.points, -3)) == (91_000, 9_000)
    table = club.liability(100_000, redeemed=[0, 4_500, 4_000], expected=[9_700, 9_700, estimate])
    scale = 9_000 / split.points
    assert (table["revenue"] * scale).round().tolist() == [0, 4_175, last]


def test_default_estimate_and_given_points():
    table = CLUB.liability([1_000, 2_000], [50, 200])
    assert table["expected"].tolist() == pytest.approx([95, 285])
    assert table["liability"].iloc[-1] == pytest.approx(3_000 * 285 / 3_285 * (1 - 250 / 285))
    assert CLUB.liability(1_000, [50], points=100)["deferred"][1] == CLUB.allocate(1_000, points=100).points
    assert CLUB.liability([0, 1_000], [0, 50])["revenue"].tolist() == pytest.approx([0, 1_000 * 95 / 1_095 * 50 / 95])


@LAW
@given(
    st.lists(st.tuples(st.integers(0, 50_000), st.floats(0, 1)), min_size=1, max_size=6),
    st.floats(0.2, 1),
    st.floats(0, 1),
)
def test_liability_is_never_negative_and_the_account_balances(rows, redemption, haste):
    club = PointsProgramme(earn_rate=1, point_value=0.01, redemption=redemption)
    sales = [1_000 + s for s, _r in rows]
    expected = np.cumsum([club.earn(s) for s in sales]) * redemption
    used = np.maximum.accumulate(expected * haste * np.array([r for _s, r in rows]))
    table = club.liability(sales, np.diff(used, prepend=0), expected)
    assert (table["liability"] >= -1e-6).all()
    assert (table["opening"] + table["deferred"] - table["revenue"]).to_numpy() == pytest.approx(table["liability"])
    assert table["deferred"].to_numpy() == pytest.approx([club.allocate(s).points for s in sales])
    less = club.liability(sales, np.diff(used, prepend=0) * 0.5, expected)
    assert (less["liability"] >= table["liability"] - 1e-6).all(), "more redeemed, less owed"


@LAW
@given(st.integers(1, 10**6), st.floats(0.05, 0.95))
def test_the_price_is_split_without_rest_and_more_redemption_defers_more(sales, redemption):
    low = PointsProgramme(redemption=redemption).allocate(sales)
    high = PointsProgramme(redemption=redemption + 0.05).allocate(sales)
    assert low.product + low.points == pytest.approx(sales)
    assert high.points >= low.points >= 0


def test_errors_about_the_liability():
    with pytest.raises(CourseError, match="第 2 期累计已兑换 8500 分，多于预计总兑换 8000 分：请调高 expected"):
        CLUB.liability(100_000, [4_500, 4_000], [9_500, 8_000])
    with pytest.raises(CourseError, match="第 1 期预计总兑换 12000 分，多于已发放的 10000 分"):
        CLUB.liability(100_000, [4_500], 12_000)
    with pytest.raises(CourseError, match="expected 应有 2 个数，现在有 1 个"):
        CLUB.liability(100_000, [1, 2], [9_500])
    with pytest.raises(CourseError, match="redeemed 第 2 个值是 -1，应不小于 0"):
        CLUB.liability(100_000, [1, -1])
    with pytest.raises(CourseError, match="sales 应大于 0，现在是 0"):
        CLUB.allocate(0)


# ------------------------------------------------------------------------------------------------------- earn, burn


def test_earning_whole_points_with_multipliers():
    club = PointsProgramme(earn_rate=1, tiers={"金卡": 1.5, "黑卡": 2})
    amounts = pd.Series([99.99, 100, 10], index=["O1", "O2", "O3"])
    assert club.earn(amounts, tier=["金卡", "黑卡", "普通"]).to_dict() == {"O1": 149, "O2": 200, "O3": 10}
    assert club.earn(amounts, tier="黑卡").tolist() == [199, 200, 20]
    assert club.earn(33.4) == 33
    assert PointsProgramme(earn_rate=0.1).earn(70) == 7, "0.1 × 70 is 7.000000000000001, 0.29 × 100 is 28.99999"
    assert PointsProgramme(earn_rate=0.29).earn(100) == 29
    assert club.worth(1_500) == pytest.approx(15)
    assert club.breakage == pytest.approx(0.2)
    with pytest.raises(CourseError, match="tier 应有 3 个，与 amount 一样多，现在有 1 个"):
        club.earn(amounts, tier=["金卡"])
    with pytest.raises(CourseError, match="amount 第 1 个值是 -5，应不小于 0"):
        club.earn(-5)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"earn_rate": 0}, "earn_rate 应大于 0，现在是 0"),
        ({"redemption": 1.2}, "redemption 应"),
        ({"expiry_months": 0}, "expiry_months 应不小于 1，现在是 0"),
        ({"tiers": {"金卡": -1}}, "等级 金卡 的倍数 应不小于 0，现在是 -1"),
        ({"point_value": "一分"}, "point_value 应是一个有限的数"),
    ],
)
def test_errors_about_rules(rules, words):
    with pytest.raises(CourseError, match=words):
        PointsProgramme(**rules)


def test_expiry_dates():
    assert PointsProgramme(expiry_months=6).expires("2025-08-31") == pd.Timestamp("2026-02-28")
    assert PointsProgramme(expiry_months=None).expires("2025-08-31") is None


def test_burning_takes_what_expires_first():
    lots = pd.DataFrame(
        {"date": ["2025-03-01", "2025-01-01", "2025-02-01", "2025-09-01"], "points": [50, 100, 30, 500]}
    )
    club = PointsProgramme(expiry_months=6)
    left = club.burn(lots, 110, "2025-06-30")
    assert left["date"].dt.strftime("%m-%d").tolist() == ["02-01", "03-01"]
    assert left["points"].tolist() == [20, 50]
    # On 1 July the batch of 1 January is gone, that of September not yet there.
    assert club.burn(lots, 80, "2025-07-01").empty
    assert PointsProgramme(expiry_months=None).burn(lots, 180, "2026-01-01")["points"].tolist() == [500]
    with pytest.raises(CourseError, match="2025-07-01 要兑换 81 分，当天有效积分只有 80 分"):
        club.burn(lots, 81, "2025-07-01")


# ------------------------------------------------------------------------------------------------------------ ledger


def orders(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "date", "amount"])


def redemptions(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "date", "points"])


def test_ledger_worked_by_hand():
    bought = orders(("C2", "2025-01-10", 80.5), ("C1", "2025-01-10", 300.0), ("C1", "2025-03-10", 100.0))
    used = redemptions(("C1", "2025-07-10", 40), ("C1", "2025-02-01", 100))
    table = PointsProgramme(expiry_months=6).ledger(bought, used, until="2025-09-10")
    assert table[["customer_id", "kind", "points", "balance"]].to_numpy().tolist() == [
        ["C1", "earn", 300, 300],
        ["C1", "burn", -100, 200],
        ["C1", "earn", 100, 300],
        ["C1", "expire", -200, 100],  # 10 July, before the redemption of that day
        ["C1", "burn", -40, 60],
        ["C1", "expire", -60, 0],
        ["C2", "earn", 80, 80],
        ["C2", "expire", -80, 0],
    ]
    assert table["date"].iloc[3] == pd.Timestamp("2025-07-10")
    facts = loyalty.points_summary(table)
    assert facts[["earned", "burned", "expired", "balance"]].tolist() == [480, 140, 340, 0]
    assert facts["breakage"] == pytest.approx(340 / 480)


def test_ledger_ends_with_the_data_unless_told_otherwise():
    bought = orders(("C1", "2025-01-10", 300.0), ("C1", "2025-08-10", 10.0))
    club = PointsProgramme(expiry_months=6)
    assert club.ledger(bought)["kind"].tolist() == ["earn", "expire", "earn"]
    assert club.ledger(bought, until="2025-06-01")["kind"].tolist() == ["earn"]
    assert club.ledger(bought, redemptions(), until="2025-06-01")["balance"].tolist() == [300]
    assert PointsProgramme(expiry_months=None).ledger(bought)["balance"].tolist() == [300, 310]
    assert np.isnan(loyalty.points_summary(club.ledger(bought, until="2025-06-01"))["breakage"])


def test_orders_below_one_point_leave_an_empty_ledger():
    table = PointsProgramme().ledger(orders(("C1", "2025-01-10", 0.5)))
    assert table.empty
    assert table["points"].dtype == table["balance"].dtype == "int64"


def test_ledger_knows_tiers_and_other_column_names():
    bought = pd.DataFrame({"member": ["M1"], "day": ["2025-01-10"], "paid": [100.0], "level": ["金卡"]})
    table = PointsProgramme(tiers={"金卡": 2}).ledger(
        bought, customer="member", date="day", amount="paid", tier="level"
    )
    assert table.columns.tolist() == ["member", "day", "kind", "points", "balance"]
    assert table["points"].tolist() == [200]


def test_errors_about_the_ledger():
    club, bought = PointsProgramme(), orders(("C1", "2025-01-10", 300.0))
    with pytest.raises(CourseError, match="兑换表第 2 行：2025-03-01 要兑换 250 分，当天有效积分只有 200 分"):
        club.ledger(bought, redemptions(("C1", "2025-02-01", 100), ("C1", "2025-03-01", 250)))
    with pytest.raises(CourseError, match=r"列 points 第 1 行是 10\.5：兑换的积分应是整数"):
        club.ledger(bought, redemptions(("C1", "2025-02-01", 10.5)))
    with pytest.raises(CourseError, match="列 amount 第 1 行是 -3，应不小于 0"):
        club.ledger(orders(("C1", "2025-01-10", -3.0)))
    with pytest.raises(CourseError, match="订单表缺少列 date"):
        club.ledger(bought.drop(columns="date"))
    with pytest.raises(CourseError, match="积分流水缺少列 kind"):
        loyalty.points_summary(bought.assign(points=1))


DAY_ONE = pd.Timestamp("2025-01-01")


@LAW
@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 400), st.integers(0, 300)), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 300)), max_size=2),
    st.sampled_from([1, 3, None]),
    st.randoms(),
)
def test_points_are_conserved_and_balances_never_negative(bought, wanted, months, random):
    club = PointsProgramme(expiry_months=months)
    table = orders(*((c, DAY_ONE + pd.Timedelta(days=d), a) for c, d, a in bought))
    used = redemptions()
    for day, points in sorted(wanted):
        more = pd.concat([used, redemptions(("A", DAY_ONE + pd.Timedelta(days=day), points))])
        try:
            club.ledger(table, more, until="2026-12-31")
            used = more
        except CourseError:
            continue
    moves = club.ledger(table, used, until="2026-12-31")
    if moves.empty:
        assert table["amount"].sum() == 0
        return
    facts = loyalty.points_summary(moves)
    assert facts["earned"] == table["amount"].sum()
    assert facts["earned"] == facts["burned"] + facts["expired"] + facts["balance"]
    assert facts["burned"] == used["points"].sum()
    assert (moves["balance"] >= 0).all()
    assert (moves.groupby("customer_id")["points"].cumsum() == moves["balance"]).all()
    if months:
        assert facts["balance"] == 0, "a year later everything has been used or lost"
    order = list(range(len(table)))
    random.shuffle(order)
    again = club.ledger(table.iloc[order], used, until="2026-12-31")
    sums = [frame.groupby(["customer_id", "date", "kind"])["points"].sum() for frame in (moves, again)]
    pd.testing.assert_series_equal(*sums)


@LAW
@given(st.lists(st.tuples(st.integers(0, 150), st.integers(1, 300)), min_size=1, max_size=12), st.integers(1, 400))
def test_burn_and_ledger_agree(lots, points):
    club = PointsProgramme(expiry_months=3)
    table = orders(*(("A", DAY_ONE + pd.Timedelta(days=d), a) for d, a in lots))
    batches = table.rename(columns={"amount": "points"})
    now = "2025-05-31"
    try:
        left = club.burn(batches, points, now)["points"].sum()
    except CourseError:
        with pytest.raises(CourseError, match="有效积分只有"):
            club.ledger(table, redemptions(("A", now, points)), until=now)
        return
    assert club.ledger(table, redemptions(("A", now, points)), until=now)["balance"].iloc[-1] == left


# -------------------------------------------------------------------------------------------------------- economics


def test_programme_economics_worked_by_hand():
    club = PointsProgramme(earn_rate=1, point_value=0.01, redemption=0.8)
    result = club.evaluate(1_000_000, margin=0.25, uplift=0.1, running_cost=20_000, reward_cost=0.75)
    assert result.effective_discount == pytest.approx(0.008)
    assert result.cost == pytest.approx(1_100_000 * 0.008 * 0.75 + 20_000)
    assert result.extra_margin == pytest.approx(25_000)
    assert result.profit == pytest.approx(25_000 - 26_600)
    assert result.break_even_uplift == pytest.approx((0.006 + 0.02) / (0.25 - 0.006))


@LAW
@given(st.floats(0.02, 0.9), st.floats(0, 50_000), st.floats(0, 1))
def test_at_the_break_even_uplift_the_profit_is_zero(margin, running_cost, reward_cost):
    club = PointsProgramme()
    need = club.evaluate(1_000_000, margin, running_cost=running_cost, reward_cost=reward_cost).break_even_uplift
    result = club.evaluate(1_000_000, margin, uplift=need, running_cost=running_cost, reward_cost=reward_cost)
    assert result.profit == pytest.approx(0, abs=1e-4)
    assert need >= 0


def test_no_growth_can_pay_for_a_discount_above_the_margin():
    assert PointsProgramme(point_value=0.5, redemption=1).evaluate(100, margin=0.3).break_even_uplift == np.inf
    with pytest.raises(CourseError, match="margin 应在 0 到 1 之间，现在是 30"):
        PointsProgramme().evaluate(100, margin=30)
