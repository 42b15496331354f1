"""Tiers: dormant first, VIP among the rest, the border day still counts as active."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.errors import CourseError
from crmlab.tiers import DORMANT, ORDINARY, VIP, tiers


def people(recency, monetary):
    return pd.DataFrame({"recency": recency, "monetary": monetary}, index=[f"C{i:03d}" for i in range(len(recency))])


def test_dormant_comes_first():
    """The biggest spender of all is dormant, and the top fifth is taken among the others."""
    table = people([181, 180, 0, 0, 0, 0], [1000.0, 50, 40, 30, 20, 10])
    assert list(tiers(table, 180)) == [DORMANT, VIP, ORDINARY, ORDINARY, ORDINARY, ORDINARY]


def test_ties_go_to_the_later_id():
    assert list(tiers(people([0] * 5, [7.0] * 5), 30)) == [ORDINARY] * 4 + [VIP]


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 9)), min_size=1, max_size=60), st.integers(0, 700))
def test_laws(rows, window):
    table = people([r for r, _ in rows], [float(m) for _, m in rows])
    tier = tiers(table, window)
    active = table["recency"] <= window
    assert ((tier == DORMANT) == ~active).all()
    vip = (tier == VIP).sum()
    assert abs(vip - 0.2 * active.sum()) < 1
    if vip and (tier == ORDINARY).any():
        assert table["monetary"][tier == VIP].min() >= table["monetary"][tier == ORDINARY].max()
    pd.testing.assert_series_equal(tiers(table.iloc[::-1], window).sort_index(), tier)


def test_everybody_dormant_is_an_answer():
    assert set(tiers(people([9, 9], [1.0, 2.0]), 3)) == {DORMANT}


@pytest.mark.parametrize(
    ("options", "told"),
    [({"window": -1}, "负数"), ({"window": "半年"}, "window"), ({"window": 9, "vip_share": 20}, "vip_share")],
)
def test_bad_rules_are_told(options, told):
    with pytest.raises(CourseError, match=told):
        tiers(people([1, 2], [1.0, 2.0]), **options)


def test_bad_tables_are_told():
    with pytest.raises(CourseError, match="缺少列 recency"):
        tiers(pd.DataFrame({"monetary": [1.0]}), 9)
