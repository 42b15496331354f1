"""Service: published newsvendor and loss values, order indicators by hand, the optimum of service, complaints."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import service
from crmlab.errors import CourseError

# ------------------------------------------------------------------------------------------------- how much to stock


def test_newsvendor_published():
    order = service.newsvendor(underage=0.50, overage=0.15, mean=11.73, sd=4.74)
    assert order.critical_ratio == pytest.approx(0.769, abs=5e-4)
    assert order.quantity == pytest.approx(15.22, abs=0.01)
    assert order.units == 16
    assert float(order) == order.quantity
    assert order.service_level == pytest.approx(order.critical_ratio)
    assert order.at(16)["service_level"] >= order.critical_ratio > order.at(15)["service_level"]


@pytest.mark.parametrize(
    ("z", "loss"),
    [(0, 0.3989), (1, 0.0833), (-1, 1.0833), (0.5, 0.1978), (1.5, 0.0293), (2, 0.0085), (3, 0.00038), (-3, 3.00038)],
)
def test_unit_normal_loss_table(z, loss):
    assert service.unit_normal_loss(z) == pytest.approx(loss, abs=5e-5)


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series])
def test_unit_normal_loss_takes_any_vector(kind):
    assert service.unit_normal_loss(kind([0, 1])) == pytest.approx([0.398942, 0.083315], abs=1e-6)
    assert service.unit_normal_loss(np.float64(0)) == service.unit_normal_loss(0)
    assert service.unit_normal_loss(40) == 0


def test_outcome_of_an_order_by_hand():
    """O'Neill's Hammer 3/2 wetsuit (Cachon & Terwiesch): N(3192, 1181), Q 4196 → z .85, L(.85) = .1100."""
    order = service.newsvendor(underage=80, overage=20, mean=3192, sd=1181)
    at = order.at(4196)
    assert order.critical_ratio == 0.8
    assert at["expected_lost"] == pytest.approx(130, abs=1)
    assert at["expected_leftover"] == pytest.approx(4196 - 3192 + 130, abs=1)
    assert at["fill_rate"] == pytest.approx(0.959, abs=1e-3)
    assert at["expected_cost"] == pytest.approx(80 * at["expected_lost"] + 20 * at["expected_leftover"])
    assert at["service_level"] == pytest.approx(0.8023, abs=1e-4)


def test_properties_are_those_at_the_quantity():
    order = service.newsvendor(underage=5, overage=2, mean=100, sd=30)
    at = order.at(order.quantity)
    for name in at.index:
        assert getattr(order, name) == at[name]
    assert order.summary.loc["quantity", "order"] == order.quantity
    assert order.summary.loc["units", "expected_cost"] == order.at(order.units)["expected_cost"]


def test_certain_demand_needs_no_reserve():
    order = service.newsvendor(underage=1, overage=9, mean=12.5, sd=0)
    assert (order.quantity, order.units) == (12.5, 13)
    assert (order.fill_rate, order.service_level, order.expected_lost, order.expected_cost) == (1, 1, 0, 0)
    assert order.at(10)["service_level"] == 0
    assert order.at(10)["fill_rate"] == pytest.approx(0.8)


def test_no_negative_order():
    assert service.newsvendor(underage=1, overage=99, mean=1, sd=10).quantity == 0


def test_empirical_demand_takes_the_least_sufficient_value():
    # cu .7, co .3: the ratio is 0.7 only up to binary noise, and F(7) = 7/10 must suffice.
    order = service.newsvendor(underage=0.7, overage=0.3, demand=range(1, 11))
    assert (order.quantity, order.units) == (7, 7)
    assert order.mean == pytest.approx(5.5)
    assert order.sd == pytest.approx(np.std(np.arange(1, 11)))
    assert order.service_level == pytest.approx(0.7)
    assert order.expected_lost == pytest.approx(0.6)  # (1 + 2 + 3) / 10
    assert order.expected_leftover == pytest.approx(2.1)  # (6 + 5 + 4 + 3 + 2 + 1) / 10
    assert order.fill_rate == pytest.approx(1 - 0.6 / 5.5)


def test_demand_with_probabilities():
    """Christmas trees, a table of five demands: cu 3, co 2, ratio .6."""
    table = {"demand": [10, 20, 30, 40, 50], "probability": [0.1, 0.2, 0.4, 0.2, 0.1]}
    order = service.newsvendor(underage=3, overage=2, **table)
    assert (order.critical_ratio, order.quantity, order.mean) == (0.6, 30, pytest.approx(30))
    assert order.expected_lost == pytest.approx(0.2 * 10 + 0.1 * 20)
    repeated = service.newsvendor(underage=3, overage=2, demand=[10, 20, 20, 30, 30, 30, 30, 40, 40, 50])
    assert repeated.expected_cost == pytest.approx(order.expected_cost)


def test_fractional_demand_is_ordered_in_whole_units():
    order = service.newsvendor(underage=1, overage=1, demand=[1.2, 2.4, 3.6])
    assert (order.quantity, order.units) == (2.4, 3)


def test_probabilities_that_sum_to_a_little_less_still_reach_every_ratio():
    order = service.newsvendor(underage=1e8, overage=1, demand=[1, 2, 3], probability=[0.2, 0.2999998, 0.5])
    assert order.quantity == 3


costs = st.floats(0.05, 50)


@given(costs, costs, st.floats(1, 500), st.floats(0, 0.3))
def test_no_other_quantity_costs_less(cu, co, mean, cv):
    order = service.newsvendor(underage=cu, overage=co, mean=mean, sd=cv * mean)
    for factor in (0.8, 0.99, 1.01, 1.2):
        assert order.at(factor * order.quantity)["expected_cost"] >= order.expected_cost - 1e-9 * mean * max(cu, co)
    assert order.units >= order.quantity - 1e-6
    assert order.fill_rate <= 1


@given(costs, costs, st.lists(st.integers(0, 40), min_size=1, max_size=40).filter(any))
def test_least_whole_number_rule_on_samples(cu, co, sample):
    order = service.newsvendor(underage=cu, overage=co, demand=sample)
    cheapest = min(order.at(q)["expected_cost"] for q in range(max(sample) + 1))
    assert order.expected_cost == pytest.approx(cheapest, abs=1e-9 * max(cu, co))
    assert order.quantity in sample
    # lost sales and leftovers balance: Q = mean − lost + leftover
    assert order.quantity == pytest.approx(order.mean - order.expected_lost + order.expected_leftover)


@settings(max_examples=40)
@given(costs, costs, st.floats(1, 500), st.floats(0.01, 0.3), st.floats(1.01, 3))
def test_dearer_shortage_never_orders_less(cu, co, mean, cv, factor):
    less = service.newsvendor(underage=cu, overage=co, mean=mean, sd=cv * mean)
    more = service.newsvendor(underage=factor * cu, overage=co, mean=mean, sd=cv * mean)
    assert more.quantity >= less.quantity
    assert more.fill_rate >= less.fill_rate - 1e-12


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"underage": 0, "overage": 1, "mean": 1, "sd": 1}, "underage 应大于 0，现在是 0"),
        ({"underage": 1, "overage": -2, "mean": 1, "sd": 1}, "overage 应大于 0，现在是 -2"),
        ({"underage": 1, "overage": 1, "mean": 1, "sd": -1}, "sd 应不小于 0，现在是 -1"),
        ({"underage": 1, "overage": 1, "mean": 1}, "要么给 mean 和 sd（正态需求），要么给 demand"),
        ({"underage": 1, "overage": 1}, "请只给一种"),
        ({"underage": 1, "overage": 1, "mean": 1, "sd": 1, "demand": [1]}, "请只给一种"),
        ({"underage": 1, "overage": 1, "sd": 1, "demand": [1]}, "请只给一种"),
        ({"underage": 1, "overage": 1, "mean": 1, "sd": 1, "probability": [1]}, "probability 是 demand 各个取值的概率"),
        ({"underage": 1, "overage": 1, "demand": [1, -3]}, "demand 第 2 个值是 -3，应不小于 0"),
        ({"underage": 1, "overage": 1, "demand": [0, 0]}, "demand 全是 0"),
        ({"underage": 1, "overage": 1, "demand": [1, 2], "probability": [0.5, 0.4]}, "之和应是 1，现在是 0.9"),
        ({"underage": 1, "overage": 1, "demand": [1, 2], "probability": [1]}, "probability 应有 2 个数，现在有 1 个"),
    ],
)
def test_newsvendor_errors(given_, words):
    with pytest.raises(CourseError) as error:
        service.newsvendor(**given_)
    assert words in str(error.value)


def test_safety_stock_by_hand():
    assert service.safety_stock(0.95, sd=20, lead_time=4) == pytest.approx(1.64485 * 40, abs=0.01)
    assert service.safety_stock(0.5, sd=20) == 0
    both = service.safety_stock(0.98, sd=30, lead_time=9, mean=100, sd_lead_time=1.5)
    assert both == pytest.approx(2.05375 * np.sqrt(9 * 900 + 10_000 * 2.25), abs=0.01)
    with pytest.raises(CourseError, match="service_level 应大于 0 且小于 1，现在是 1"):
        service.safety_stock(1, sd=20)


def test_inventory_costs_rise_ever_faster():
    levels = np.arange(0.90, 0.999, 0.01)
    table = service.inventory_costs(levels, mean=100, sd=20, lot=500, holding=2, lead_time=4, order_cost=50)
    assert table.loc[5, "safety_stock"] == pytest.approx(65.8, abs=0.05)
    assert table.loc[5, "reorder_point"] == pytest.approx(465.8, abs=0.05)
    assert table.loc[5, "cost"] == pytest.approx(2 * (250 + 65.79) + 50 * 100 / 500, abs=0.05)
    assert table.loc[5, "fill_rate"] == pytest.approx(1 - 40 * 0.02089 / 500, abs=1e-5)
    assert (table["cost"].diff().dropna() > 0).all()
    assert (table["cost"].diff().diff().dropna() > 0).all()
    assert (table["fill_rate"] > table["level"]).all(), "cycle service level is not fill rate"
    with pytest.raises(CourseError, match="levels 第 2 个值是 1"):
        service.inventory_costs([0.9, 1], mean=100, sd=20, lot=500, holding=2)


# ------------------------------------------------------------------------------------------- which service level pays


def test_ballou_optimum():
    """SL* = (0.5 / (4 · 0.00055))^(2/3) = 37.2 %: marginal revenue equals marginal cost there."""
    best = service.optimal_service_level([1, 100], lambda s: 0.00055 * s**2, lambda s: 0.5 * s**0.5)
    assert best.level == pytest.approx((0.5 / (4 * 0.00055)) ** (2 / 3), abs=1e-3)
    assert float(best) == best.level
    assert best.profit == pytest.approx(0.5 * 37.24**0.5 - 0.00055 * 37.24**2, abs=1e-6)
    steps = best.marginals
    assert steps.loc["up_to", "marginal_contribution"] >= steps.loc["up_to", "marginal_cost"]
    assert steps.loc["beyond", "marginal_contribution"] <= steps.loc["beyond", "marginal_cost"]
    assert steps.loc["beyond", "marginal_cost"] == pytest.approx(0.25 / np.sqrt(best.level), rel=0.01)
    assert not best.at_edge


def test_best_level_of_a_table_in_any_order():
    table = pd.DataFrame({"sl": [0.99, 0.8, 0.95, 0.9], "spend": [40, 10, 20, 14], "sold": [352, 240, 332, 300]})
    best = service.optimal_service_level(table, cost="spend", sales="sold", margin=0.25, level="sl")
    assert (best.level, best.profit, best.contribution, best.cost) == (0.95, 63, 83, 20)
    assert best.curve["level"].to_list() == [0.8, 0.9, 0.95, 0.99]
    assert best.marginals.loc["up_to"].to_list() == pytest.approx([160, 120])
    lists = service.optimal_service_level(
        table["sl"].to_list(), cost=tuple(table["spend"]), sales=table["sold"].to_numpy(), margin=0.25
    )
    pd.testing.assert_frame_equal(lists.curve, best.curve)


def test_optimum_at_the_end_of_the_table_is_told():
    best = service.optimal_service_level([90, 95, 99], cost=[1, 2, 3], sales=[10, 20, 30])
    assert (best.level, best.at_edge) == (99, True)
    assert best.marginals.loc["beyond"].isna().all()


def test_equally_good_levels_give_the_lowest():
    assert service.optimal_service_level([90, 95, 99], cost=[1, 2, 9], sales=[10, 11, 12]).level == 90


@settings(max_examples=40)
@given(st.floats(0.2, 0.9), st.floats(1.2, 4), st.floats(0.1, 10), st.floats(0.1, 10))
def test_power_curves_meet_their_closed_form(p, q, a, c):
    expected = (a * p / (c * q)) ** (1 / (q - p))
    bounds = [0.2 * expected, 5 * expected]
    best = service.optimal_service_level(bounds, lambda s: c * s**q, lambda s: a * s**p)
    assert best.level == pytest.approx(expected, rel=1e-3)
    assert (best.curve["profit"] <= best.profit).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0.9], [1], [2]), "至少要比较两个服务水平，现在只有 1 个"),
        (([0.9, 0.9], [1, 2], [2, 3]), "列 level 第 2 行的 0.9 重复出现"),
        (([0.9, 0.95], [1], [2, 3]), "cost 应有 2 个数，现在有 1 个"),
        (([0.9, 0.95], lambda s: s, [2, 3]), "cost 和 sales 应同为函数"),
        (([0.9, 1.0], lambda s: 1 / (1 - s) if s < 1 else np.inf, lambda s: s), "cost 在服务水平 1 处不是有限的数"),
        ((pd.DataFrame({"level": [1, 2], "cost": [1, 2]}),), "服务水平表缺少列 sales：现有的列是 level、cost"),
        ((pd.DataFrame({"level": [1, 2], "cost": [1, None], "sales": 3}),), "列 cost 第 2 行是空值"),
        (([0.9, 0.9], lambda s: s, lambda s: s), "至少要比较两个服务水平，现在只有 1 个"),
    ],
)
def test_optimum_errors(arguments, words):
    with pytest.raises(CourseError) as error:
        service.optimal_service_level(*arguments)
    assert words in str(error.value)


# ------------------------------------------------------------------------------------- how well orders are fulfilled

ORDERS = pd.DataFrame(
    {
        "order_id": ["O1", "O2", "O3", "O4", "O5", "O6"],
        "warehouse": ["东", "东", "西", "西", "西", "东"],
        "status": ["delivered", "delivered", "delivered", "delivered", "in_transit", "cancelled"],
        "ordered_at": "2025-03-01 08:00",
        "promised_at": ["2025-03-03 08:00"] * 4 + ["2025-03-05 08:00"] * 2,
        "delivered_at": ["2025-03-02 08:00", "2025-03-03 08:00", "2025-03-05 08:00", "2025-03-03 07:00", None, None],
        "lines_ordered": [2, 1, 3, 2, 2, 1],
        "lines_complete": [2, 1, 2, 2, 2, 0],
        "units_ordered": [10, 20, 30, 20, 20, 5],
        "units_shipped": [10, 20, 26, 20, 20, 0],
        "damaged_units": [0, 1, 0, 0, 0, 0],
        "wrong_units": [0, 0, 0, 2, 0, 0],
        "wrong_address": [False, False, False, False, False, False],
        "service": "标准",
        "service_used": ["标准", "标准", "经济", "标准", "标准", "标准"],
        "signed_by_recipient": [True, True, False, True, False, False],
        "quoted": 30.0,
        "billed": [30.0, 30.0, 30.0, 35.0, 30.0, 30.0],
        "special_request": [True, False, True, False, True, False],
        "special_handled": [True, False, False, False, True, False],
        "recovery_hours": [None, 12.0, 50.0, None, None, None],
    }
)


def test_order_kpis_by_hand():
    kpis = service.order_kpis(ORDERS)
    expected = {
        "orders": 5,
        "stockout_rate": 1 / 10,
        "line_fill_rate": 9 / 10,
        "unit_fill_rate": 96 / 100,
        "order_fill_rate": 4 / 5,
        "cycle_time_mean": (1 + 2 + 4 + 47 / 24) / 4,
        "cycle_time_p95": np.quantile([1, 2, 4, 47 / 24], 0.95),
        "on_time_rate": 3 / 4,
        "cycle_time_sd": np.std([1, 2, 4, 47 / 24], ddof=1),
        "cycle_time_cv": np.std([1, 2, 4, 47 / 24], ddof=1) / np.mean([1, 2, 4, 47 / 24]),
        "flexibility_rate": 1 / 2,
        "recovery_rate": 1 / 3,
        "accuracy_rate": 3 / 4,
        "damage_rate": 1 / 76,
        "perfect_order_rate": 1 / 4,
    }
    assert kpis.to_dict() == pytest.approx(expected)
    assert list(kpis.index) == list(service.kpi_definitions().index)
    assert kpis.name == "kpi"


def test_overdue_orders_count_as_late_once_the_moment_is_known():
    assert service.order_kpis(ORDERS, as_of="2025-03-06")["on_time_rate"] == 3 / 5
    assert service.order_kpis(ORDERS, as_of="2025-03-05")["on_time_rate"] == 3 / 5, "a day is taken to its end"
    assert service.order_kpis(ORDERS, as_of="2025-03-05 07:00")["on_time_rate"] == 3 / 4
    assert service.order_kpis(ORDERS, as_of="2025-03-06")["perfect_order_rate"] == 1 / 5


def test_order_kpis_by_group_agree_with_the_groups_alone():
    table = service.order_kpis(ORDERS, by="warehouse")
    assert table.index.to_list() == ["东", "西"]
    assert table.index.name == "warehouse"
    for name, rows in ORDERS.groupby("warehouse"):
        assert table.loc[name].to_dict() == pytest.approx(service.order_kpis(rows).to_dict(), nan_ok=True)
    assert service.order_kpis(ORDERS, by=["warehouse", "service"]).index.to_list() == [("东", "标准"), ("西", "标准")]


def test_few_columns_give_the_numbers_they_can():
    core = ORDERS[["ordered_at", "promised_at", "delivered_at", "units_ordered", "units_shipped"]][:4]
    kpis = service.order_kpis(core)
    assert list(kpis.index) == [
        "orders", "unit_fill_rate", "order_fill_rate", "cycle_time_mean", "cycle_time_p95", "on_time_rate",
        "cycle_time_sd", "cycle_time_cv", "perfect_order_rate",
    ]  # fmt: skip
    assert kpis["perfect_order_rate"] == 0.75, "on time and complete: all that can be judged"


def test_columns_may_have_other_names():
    chinese = ORDERS.rename(columns={"ordered_at": "下单时间", "units_shipped": "实发"})
    kpis = service.order_kpis(chinese, ordered_at="下单时间", units_shipped="实发")
    assert kpis.to_dict() == pytest.approx(service.order_kpis(ORDERS).to_dict())
    assert service.perfect_order(chinese, ordered_at="下单时间", units_shipped="实发")["perfect"].sum() == 1


def test_counts_come_from_the_lines_if_there_are_any():
    lines = pd.DataFrame(
        {
            "order_id": ["O1", "O2", "O3", "O3", "O4", "O5"],
            "units_ordered": [10, 20, 20, 10, 20, 20],
            "units_shipped": [10, 20, 16, 10, 20, 20],
        }
    )
    plain = ORDERS.drop(columns=["lines_ordered", "lines_complete"])
    kpis = service.order_kpis(plain, lines)
    assert kpis["stockout_rate"] == pytest.approx(1 / 6)
    assert kpis["unit_fill_rate"] == pytest.approx(0.96)
    assert kpis["order_fill_rate"] == pytest.approx(0.8)


def test_nothing_delivered_gives_gaps_not_errors():
    kpis = service.order_kpis(ORDERS.iloc[4:5])
    assert kpis["orders"] == 1
    assert kpis[["cycle_time_mean", "on_time_rate", "damage_rate", "recovery_rate"]].isna().all()


def test_perfect_order_shows_each_right():
    met = service.perfect_order(ORDERS)
    assert met.columns.to_list() == [*service.seven_rights().index, "perfect"]
    assert met.index.to_list() == ["O1", "O2", "O3", "O4"]
    failed = {order: [right for right in met if not met.loc[order, right]] for order in met.index}
    assert failed == {
        "O1": [],
        "O2": ["product", "perfect"],
        "O3": ["time", "channel", "customer", "need", "perfect"],
        "O4": ["price", "product", "perfect"],
    }
    moved = service.perfect_order(ORDERS.assign(wrong_address=[True, *[False] * 5]))
    assert not moved.loc["O1", "place"]


def test_kpis_ignore_row_order_index_and_the_form_of_times():
    shuffled = ORDERS.iloc[[3, 0, 5, 2, 4, 1]].set_axis([7] * 6)
    typed = shuffled.assign(
        ordered_at=pd.to_datetime(shuffled["ordered_at"]), delivered_at=shuffled["delivered_at"].fillna("")
    )
    assert service.order_kpis(typed).to_dict() == pytest.approx(service.order_kpis(ORDERS).to_dict())


def test_numbers_of_unshipped_orders_are_not_looked_at():
    gap = ORDERS.assign(units_shipped=[10, 20, 26, 20, 20, None])
    assert service.order_kpis(gap)["unit_fill_rate"] == 0.96


rates = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50), st.integers(-72, 72)), min_size=1, max_size=30)


@given(rates)
def test_rates_keep_their_laws(rows):
    ordered = pd.Timestamp("2025-05-01")
    frame = pd.DataFrame(
        {
            "ordered_at": ordered,
            "promised_at": ordered + pd.Timedelta(hours=72),
            "delivered_at": [ordered + pd.Timedelta(hours=72 + delay) for *_counts, delay in rows],
            "units_ordered": [asked for asked, *_rest in rows],
            "units_shipped": [min(asked, sent) for asked, sent, _delay in rows],
        }
    )
    kpis = service.order_kpis(frame)
    rates = kpis[["unit_fill_rate", "order_fill_rate", "on_time_rate", "perfect_order_rate"]]
    assert rates.between(0, 1).all()
    assert kpis["perfect_order_rate"] <= min(kpis["order_fill_rate"], kpis["on_time_rate"])
    assert kpis["perfect_order_rate"] >= kpis["order_fill_rate"] + kpis["on_time_rate"] - 1 - 1e-12
    assert kpis["cycle_time_p95"] >= kpis["cycle_time_mean"] - 3 * 144 / 24


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"delivered_at": ["2025-02-01"] * 6}, "列 delivered_at 第 1 行的签收时间早于下单时间"),
        ({"units_shipped": [10, 21, 26, 20, 20, 0]}, "列 units_shipped 第 2 行多于订购的数量"),
        ({"lines_complete": [2, 1, 4, 2, 2, 0]}, "列 lines_complete 第 3 行多于订购的数量"),
        ({"damaged_units": [0, 0, 0, -1, 0, 0]}, "列 damaged_units 第 4 行是 -1，应不小于 0"),
        ({"units_ordered": [10, None, 30, 20, 20, 5]}, "列 units_ordered 第 2 行是空值"),
        ({"wrong_address": [0, 0, 2, 0, 0, 0]}, "列 wrong_address 第 3 行是 2，应在 0 到 1 之间"),
        ({"promised_at": ["2025-03-03"] * 2 + ["后天"] * 4}, "列 promised_at 第 3 行的 '后天' 不是日期"),
        ({"ordered_at": ["2025-03-01"] * 5 + [None]}, "列 ordered_at 第 6 行是空值"),
        ({"ordered_at": range(6)}, "列 ordered_at 第 1 行的 0 不是日期"),
        ({"status": "cancelled"}, "订单表里没有一张已发货的订单"),
    ],
)
def test_order_errors(change, words):
    frame = ORDERS.assign(
        **{column: pd.Series(values, index=ORDERS.index, dtype=object) for column, values in change.items()}
    )
    with pytest.raises(CourseError) as error:
        service.order_kpis(frame)
    assert words in str(error.value)


def test_errors_name_columns_and_orders():
    lines = pd.DataFrame({"order_id": ["O1"], "units_ordered": [5], "units_shipped": [6]})
    with pytest.raises(CourseError, match="列 units_shipped 第 1 行多于订购的数量"):
        service.order_kpis(ORDERS, lines)
    with pytest.raises(CourseError, match="订单 O2 在订单行表里一行也没有"):
        service.order_kpis(ORDERS, lines.assign(units_shipped=5))
    with pytest.raises(CourseError, match="订单表须有列 order_id"):
        service.order_kpis(ORDERS.drop(columns="order_id"), lines)
    with pytest.raises(CourseError, match="订单表缺少列 promised_at"):
        service.order_kpis(ORDERS.drop(columns="promised_at"))
    with pytest.raises(CourseError, match="订单表缺少列 实发"):
        service.order_kpis(ORDERS, units_shipped="实发")
    with pytest.raises(CourseError, match="没有叫 unit 的列参数，可以写的有：order_id、status"):
        service.order_kpis(ORDERS, unit="units")
    with pytest.raises(CourseError, match="recovery_target 应大于 0"):
        service.order_kpis(ORDERS, recovery_target=0)


def test_definitions_cover_the_three_abilities():
    abilities = service.kpi_definitions()["ability"].str.split("·").str[0]
    assert set(abilities) == {"规模", "可得性", "作业表现", "可靠性", "综合"}
    assert len(service.seven_rights()) == 7


# -------------------------------------------------------------------------------------- how complaints are handled


def test_recovery_by_hand():
    case = service.recovery(clv=800, p_without=0.4, p_with=0.7, compensation=100, handling=20)
    assert case.retained == pytest.approx(240)
    assert case.cost == 120
    assert case.value == float(case) == pytest.approx(120)
    assert case.break_even == 0.15
    assert case.most_compensation == 220
    assert case.worth_it
    assert not service.recovery(clv=100, p_without=0.6, p_with=0.7, compensation=30).worth_it
    assert service.recovery(clv=100, p_without=0.7, p_with=0.6, compensation=0).most_compensation == 0
    with pytest.raises(CourseError, match=r"p_with 应在 0 到 1 之间，现在是 1.2"):
        service.recovery(clv=100, p_without=0.6, p_with=1.2, compensation=30)


@given(st.floats(1, 1e5), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e3))
def test_most_compensation_just_pays(clv, low, high, handling):
    case = service.recovery(clv=clv, p_without=low, p_with=high, compensation=0, handling=handling)
    if case.most_compensation > 0:
        limit = service.recovery(
            clv=clv, p_without=low, p_with=high, compensation=case.most_compensation, handling=handling
        )
        assert limit.value == pytest.approx(0, abs=1e-5)
    else:
        assert case.value <= 1e-5


def test_paradox_is_welch():
    from scipy.stats import ttest_ind

    first, second = [5, 4, 5, 3, 5, 4, 5], [4, 3, 4, 4, 2, 5]
    found = service.recovery_paradox(pd.Series(first), np.array(second))
    test = ttest_ind(first, second, equal_var=False)
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))
    assert (found.recovered, found.untroubled) == pytest.approx((31 / 7, 22 / 6))
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert found.p_value == pytest.approx(test.pvalue)
    assert not found.holds
    assert service.recovery_paradox(first, second, level=0.5).holds


def test_paradox_without_spread_and_too_small():
    same = service.recovery_paradox([5, 5], [4, 4])
    assert (same.difference, same.low, same.high, same.p_value, same.holds) == (1, 1, 1, 0, True)
    with pytest.raises(CourseError, match="untroubled 只有 1 个值，比较均值至少要 2 个"):
        service.recovery_paradox([5, 5], [4])


TICKETS = pd.DataFrame(
    {
        "kind": ["质量", "质量", "物流", "价格", "质量"],
        "handler": ["甲", "甲", "乙", "乙", "乙"],
        "paid": [0, 10, 100, 20, 0],
        "created_at": "2025-05-01 09:00",
        "first_response_at": ["2025-05-01 09:30", "2025-05-01 10:00", "2025-05-01 12:00", None, "2025-05-01 09:10"],
        "resolved_at": ["2025-05-02 09:00", "2025-05-03 09:00", "2025-05-06 09:00", None, "2025-05-01 21:00"],
    }
)


def test_pareto_by_count_and_by_money():
    table = service.complaint_pareto(TICKETS)
    assert table.index.to_list() == ["质量", "价格", "物流"], "ties by name"
    assert table["total"].to_list() == [3, 1, 1]
    assert table["cumulative"].to_list() == pytest.approx([0.6, 0.8, 1])
    assert table["vital"].to_list() == [True, True, False], "the carrying kind belongs to the vital few"
    money = service.complaint_pareto(TICKETS, "handler", weight="paid")
    assert money["share"].to_dict() == pytest.approx({"乙": 120 / 130, "甲": 10 / 130})
    with pytest.raises(CourseError, match="列 paid 合计是 0"):
        service.complaint_pareto(TICKETS.assign(paid=0), weight="paid")
    with pytest.raises(CourseError, match="投诉表缺少列 cause"):
        service.complaint_pareto(TICKETS, "cause")


@given(st.lists(st.sampled_from("甲乙丙丁戊"), min_size=1, max_size=50))
def test_pareto_shares_sum_to_one_and_fall(kinds):
    table = service.complaint_pareto(pd.DataFrame({"kind": kinds}))
    assert table["share"].sum() == pytest.approx(1)
    assert table["share"].is_monotonic_decreasing
    assert table["vital"].iloc[0]


def test_response_kpis_by_hand():
    kpis = service.response_kpis(TICKETS)
    assert kpis.to_dict() == pytest.approx(
        {
            "tickets": 5,
            "response_median": 45,
            "response_p90": np.quantile([30, 60, 180, 10], 0.9),
            "response_on_target": 3 / 5,
            "resolve_median": 36,
            "resolve_p90": np.quantile([24, 48, 120, 12], 0.9),
            "resolve_on_target": 3 / 5,
            "open_rate": 1 / 5,
        }
    )
    table = service.response_kpis(TICKETS.set_axis(list("abcde")), by="handler", response_target=30)
    assert table["response_on_target"].to_dict() == pytest.approx({"甲": 0.5, "乙": 1 / 3})
    with pytest.raises(CourseError, match="列 resolved_at 第 2 行的时间早于受理时间"):
        service.response_kpis(TICKETS.assign(resolved_at=["2025-05-01 10:00", "2025-04-30", None, None, None]))
    with pytest.raises(CourseError, match="列 created_at 是数字，不是日期，例如第 1 行的 5"):
        service.response_kpis(TICKETS.assign(created_at=5))


def test_five_steps_coverage_and_order():
    full = service.five_steps(service.STEPS)
    assert (full.coverage, full.order, full.missing, full.score) == (1, 1, (), 100)
    hasty = service.five_steps(["解决", "致歉", "解决", "倾听"])
    assert hasty.coverage == 0.6
    assert hasty.order == 0
    assert hasty.missing == ("共情", "回访")
    assert hasty.score == pytest.approx(48)
    assert service.five_steps([]).score == 0
    assert service.five_steps(["solve"]).order == 1
    with pytest.raises(CourseError, match="步骤 应是 listen、empathise、apologise、solve、follow_up、倾听、共情"):
        service.five_steps(["道歉"])
    with pytest.raises(CourseError, match="record 应是一串步骤的列表"):
        service.five_steps("倾听")


@given(st.permutations(service.STEPS))
def test_reversing_the_order_reverses_the_order_share(steps):
    assert service.five_steps(steps).order + service.five_steps(steps[::-1]).order == pytest.approx(1)


def test_step_coverage_of_a_table():
    rows = pd.DataFrame([[True, True, True, True, True], [1, 0, 0, 1, 0]], columns=list(service.STEPS), index=[4, 9])
    coverage = service.step_coverage(rows)
    assert coverage.to_dict() == pytest.approx({4: 1, 9: 0.4})
    assert coverage.name == "coverage"
    with pytest.raises(CourseError, match="列 solve 第 2 行是 2，应在 0 到 1 之间"):
        service.step_coverage(rows.assign(solve=[1, 2]))


# ------------------------------------------------------------------------------------------------------------ figures


def test_figures_say_the_result():
    order = service.newsvendor(underage=0.50, overage=0.15, mean=11.73, sd=4.74)
    assert "订 15.2 件最省" in order.plot().get_suptitle()
    best = service.optimal_service_level([90, 95, 99], cost=[10, 20, 50], sales=[100, 130, 140])
    figure = best.plot()
    assert "服务水平 95 时净贡献最大：110 元" in figure.get_suptitle()
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["销售贡献", "服务成本", "净贡献"]
