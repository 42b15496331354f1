"""Concentration: ABC by the share before the customer, Lorenz, Gini; laws and borders."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab import pareto
from crmlab.errors import CourseError

values = (
    st.lists(st.integers(0, 10**6), min_size=1, max_size=60)
    .filter(lambda x: sum(x) > 0)
    .map(lambda x: pd.Series([v / 100 for v in x], index=[f"C{i:03d}" for i in range(len(x))]))
)


def test_abc_looks_at_the_share_before():
    money = pd.Series({"big": 85.0, "mid": 10.0, "low": 5.0})
    assert pareto.abc_classes(money).to_dict() == {"big": "A", "mid": "B", "low": "C"}


def test_abc_border_belongs_to_the_next_class():
    money = pd.Series({"a": 50.0, "b": 30.0, "c": 15.0, "d": 5.0})
    assert pareto.abc_classes(money).to_dict() == {"a": "A", "b": "A", "c": "B", "d": "C"}


def test_abc_breaks_ties_by_id():
    money = pd.Series(10.0, index=list("JIHGFEDCBA"))
    classes = pareto.abc_classes(money)
    assert "".join(classes.sort_index()) == "AAAAAAAABB"


def test_logistics_rule_of_thumb():
    """5 % of customers with 80 % of the profit, 15 % with 15 %, 80 % with 5 %: the three classes."""
    profit = pd.Series([16.0] * 5 + [1.0] * 15 + [0.0625] * 80)
    assert pareto.abc_classes(profit).value_counts().to_dict() == {"A": 5, "B": 15, "C": 80}
    assert pareto.top_share(profit, 0.05) == pytest.approx(0.8)


@given(values, st.randoms())
def test_order_never_matters(money, random):
    order = list(money.index)
    random.shuffle(order)
    pd.testing.assert_series_equal(pareto.abc_classes(money[order]).sort_index(), pareto.abc_classes(money))
    assert pareto.gini(money[order]) == pytest.approx(pareto.gini(money))


@given(values)
def test_laws_of_concentration(money):
    gini, n = pareto.gini(money), len(money)
    assert -1e-12 <= gini <= (n - 1) / n + 1e-12
    assert pareto.gini(money * 7) == pytest.approx(gini)
    curve = pareto.lorenz(money)
    assert (np.diff(curve["value"]) >= -1e-12).all()
    assert (curve["value"] <= curve["customers"] + 1e-12).all()
    area = np.trapezoid(curve["value"], curve["customers"])
    assert 1 - 2 * area == pytest.approx(gini, abs=1e-9)
    assert pareto.top_share(money, 0.3) >= 0.3 - 1e-9


def test_known_values():
    assert pareto.gini(pd.Series([1.0, 1.0, 1.0])) == pytest.approx(0)
    assert pareto.gini(pd.Series([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.75)
    assert pareto.gini(pd.Series([1.0, 2.0, 3.0])) == pytest.approx(2 / 9)


@pytest.mark.parametrize(
    ("damaged", "told"),
    [
        (pd.Series({"a": 1.0, "b": -2.0}), "客户 b 的数值是负数"),
        (pd.Series({"a": 1.0, "b": None}), "客户 b 的数值 nan 不是"),
        (pd.Series([1.0, 2.0], index=["a", "a"]), "客户 a 出现了不止一次"),
        (pd.Series([0.0, 0.0]), "都是 0"),
        (pd.Series(dtype=float), "没有一个客户"),
        (pd.DataFrame({"x": [1]}), "请选一列"),
    ],
)
def test_bad_values_are_told(damaged, told):
    with pytest.raises(CourseError, match=told):
        pareto.abc_classes(damaged)


@pytest.mark.parametrize("cuts", [(0.95, 0.8), (0, 0.5), (0.8, 1), ("a", "b"), 0.8, None, (0.8,)])
def test_bad_cuts_are_told(cuts):
    with pytest.raises(CourseError, match="cuts"):
        pareto.abc_classes(pd.Series([1.0, 2.0]), cuts)


@pytest.mark.parametrize("share", [0, 1, 20, "x"])
def test_bad_share_is_told(share):
    with pytest.raises(CourseError, match="share"):
        pareto.top_share(pd.Series([1.0, 2.0]), share)
