"""Campaigns: published numbers, cases worked by hand, laws, and errors that say what to do."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from crmlab import campaign
from crmlab.errors import CourseError


def told(function, *arguments, **options) -> str:
    with pytest.raises(CourseError) as caught:
        function(*arguments, **options)
    return str(caught.value)


# ----------------------------------------------------------------------------------------------------- A/B tests


def test_published_z_keeps_the_sign_of_a_minus_b():
    result = campaign.ab_test(5, 83, 12, 99)
    assert result.z == pytest.approx(-1.408, abs=1e-3)
    assert result.p_value == pytest.approx(0.159, abs=1e-3)
    assert not result.significant
    assert result.difference == pytest.approx(12 / 99 - 5 / 83)
    assert result.relative_lift == pytest.approx((12 / 99) / (5 / 83) - 1)


def test_intervals_by_hand():
    result = campaign.ab_test(100, 1000, 150, 1000, level=0.90)
    half = 1.644854 * math.sqrt(0.1 * 0.9 / 1000 + 0.15 * 0.85 / 1000)
    assert result.interval == pytest.approx((0.05 - half, 0.05 + half), abs=1e-7)
    spread = 1.644854 * math.sqrt(0.9 / 100 + 0.85 / 150)
    assert result.relative_interval == pytest.approx(
        (1.5 * math.exp(-spread) - 1, 1.5 * math.exp(spread) - 1), abs=1e-6
    )
    assert result.significant
    table = result.summary
    assert table["estimate"].to_list() == pytest.approx([0.05, 0.5])
    assert table["low"].iloc[0] == result.interval[0]


def test_z_squared_is_pearsons_chi_square():
    from scipy.stats import chi2_contingency

    result = campaign.ab_test(30, 400, 51, 380)
    found = chi2_contingency([[30, 370], [51, 329]], correction=False)
    assert result.z**2 == pytest.approx(found.statistic)
    assert result.p_value == pytest.approx(found.pvalue)


@pytest.mark.parametrize("count", [0, 50])
def test_nobody_or_everybody_converted_is_no_difference(count):
    result = campaign.ab_test(count, 50, count, 50)
    assert (result.z, result.p_value, result.difference) == (0, 1, 0)
    assert not result.significant


def test_relative_lift_is_missing_without_conversions_in_a():
    result = campaign.ab_test(0, 100, 10, 100)
    assert math.isnan(result.relative_lift)
    assert math.isnan(result.relative_interval[0])
    assert campaign.ab_test(10, 100, 0, 100).relative_lift == -1


def test_a_p_value_of_exactly_the_threshold_is_not_significant():
    result = campaign.ab_test(5, 83, 12, 99)
    assert not replace(result, p_value=0.05).significant
    assert replace(result, p_value=0.05 - 1e-9).significant


groups = st.tuples(st.integers(1, 500), st.integers(0, 500)).map(lambda pair: (min(pair), max(pair)))


@given(groups, groups)
def test_swapping_the_groups_turns_the_sign(a, b):
    forth, back = campaign.ab_test(*a, *b), campaign.ab_test(*b, *a)
    assert forth.z == pytest.approx(-back.z)
    assert forth.p_value == pytest.approx(back.p_value)
    assert forth.difference == pytest.approx(-back.difference)
    assert forth.interval[0] == pytest.approx(-back.interval[1])
    assert 0 <= forth.p_value <= 1
    assert forth.interval[0] <= forth.difference <= forth.interval[1]
    low, high = forth.relative_interval
    if a[0] and b[0]:
        assert low - 1e-12 <= forth.relative_lift <= high + 1e-12
        assert (1 + low) * (1 + back.relative_interval[1]) == pytest.approx(1)
    else:
        assert math.isnan(low)
        assert math.isnan(high)


def test_numpy_and_float_counts_are_taken():
    assert campaign.ab_test(np.int64(5), 83.0, np.float64(12), np.int32(99)) == campaign.ab_test(5, 83, 12, 99)


def test_bad_counts_are_told():
    assert "conversions_b 是 120，多于 n_b 的 100" in told(campaign.ab_test, 5, 100, 120, 100)
    assert "n_a 应" in told(campaign.ab_test, 0, 0, 1, 10)
    assert "conversions_a 应是整数，现在是 2.5" in told(campaign.ab_test, 2.5, 10, 1, 10)
    assert "level" in told(campaign.ab_test, 1, 10, 1, 10, level=95)


def test_means_as_welch():
    from scipy.stats import ttest_ind

    a, b = [12, 0, 30, 18], pd.Series([25, 31, 0, 44], index=list("wxyz"))
    result = campaign.mean_test(a, b)
    found = ttest_ind(b, a, equal_var=False)
    assert result.t == pytest.approx(-found.statistic)
    assert result.difference == 10
    assert result.interval == pytest.approx(tuple(found.confidence_interval(0.95)))
    assert (result.mean_a, result.mean_b) == (15, 25)
    assert not result.significant
    assert result.p_value == pytest.approx(found.pvalue)
    assert campaign.mean_test([1, 2, 3] * 9, [7, 8, 9] * 9).significant


def test_bad_means_are_told():
    assert "b 只有 1 个数" in told(campaign.mean_test, [1, 2], [3])
    assert "没有波动" in told(campaign.mean_test, [1, 1], [3, 3])
    assert "a 第 2 个值 nan" in told(campaign.mean_test, [1, None], [3, 4])


def test_holm_by_hand():
    visitors = pd.Series(1000, index=["对照", "甲", "乙", "丙"])
    conversions = pd.Series([100, 128, 131, 104], index=visitors.index)
    table = campaign.compare_variants(conversions, visitors)
    assert table.index.to_list() == ["甲", "乙", "丙"]
    p = [campaign.ab_test(100, 1000, x, 1000).p_value for x in (128, 131, 104)]
    assert p[1] < p[0] < p[2]
    assert table["p_value"].to_list() == pytest.approx(p)
    assert table["p_adjusted"].to_list() == pytest.approx([max(3 * p[1], 2 * p[0]), 3 * p[1], p[2]])
    # Alone 甲 would be significant at 5 %, among three comparisons it is not.
    assert p[0] < 0.05 < table.loc["甲", "p_adjusted"]
    assert table["difference"].to_list() == pytest.approx([0.028, 0.031, 0.004])
    bonferroni = campaign.compare_variants(conversions, visitors, method="bonferroni")
    assert bonferroni["p_adjusted"].to_list() == pytest.approx([3 * p[0], 3 * p[1], 1])


def test_control_may_stand_anywhere():
    table = campaign.compare_variants([90, 50, 55], [1000, 1000, 1000], control=1)
    assert table.index.to_list() == [0, 2]
    assert table["difference"].to_list() == pytest.approx([0.04, 0.005])
    assert table["significant"].to_list() == [True, False]


def test_bad_variants_are_told():
    assert "只有 1 个版本" in told(campaign.compare_variants, [5], [10])
    assert "visitors 应有 2 个数，现在有 1 个" in told(campaign.compare_variants, [5, 6], [10])
    assert "method 应是 holm、bonferroni 之一" in told(campaign.compare_variants, [5, 6], [10, 10], method="none")
    assert "control" in told(campaign.compare_variants, [5, 6], [10, 10], control=2)


def test_sample_ratio_mismatch_as_published():
    """Kohavi, Tang and Xu (2020): 821,588 against 815,482 users has a p value of 1.8E-6."""
    found = campaign.sample_ratio([821_588, 815_482])
    assert found.p_value == pytest.approx(1.8e-6, abs=0.05e-6)
    assert found.mismatch
    assert found.df == 1


def test_sample_ratio_uses_the_plan():
    counts = pd.Series([900, 100], index=["coupon", "control"])
    assert campaign.sample_ratio(counts).mismatch
    found = campaign.sample_ratio(counts, planned=[9, 1])
    assert (found.chi2, found.p_value, found.mismatch) == (0, 1, False)
    assert found.table.loc["control"].to_dict() == {"planned": 0.1, "expected": 100, "observed": 100}
    assert campaign.sample_ratio([10, 20, 30]).chi2 == pytest.approx(10)


def test_bad_ratios_are_told():
    assert "至少要有两组" in told(campaign.sample_ratio, [100])
    assert "planned 应有 2 个数，与组数相同，现在有 3 个" in told(campaign.sample_ratio, [5, 6], [1, 1, 1])
    assert "planned 第 1 个值是 0" in told(campaign.sample_ratio, [5, 6], [0, 1])


# ----------------------------------------------------------------------------------------------- size of a test


@pytest.mark.parametrize(
    ("p1", "p2", "power", "n"),
    [(0.50, 0.75, 0.90, 77), (0.50, 0.75, 0.80, 58), (0.05, 0.06, 0.80, 8158), (0.10, 0.12, 0.80, 3841)],
)
def test_sample_sizes_of_power_prop_test(p1, p2, power, n):
    assert campaign.sample_size(p1, p2, power=power) == n
    assert campaign.sample_size(p2, p1, power=power) == n


def test_power_and_effect_of_power_prop_test():
    assert campaign.power(50, 0.50, 0.75) == pytest.approx(0.740, abs=5e-4)
    assert campaign.minimal_effect(50, 0.50, power=0.90) == pytest.approx(0.8026 - 0.5, abs=5e-5)


rates = st.integers(1, 99).map(lambda percent: percent / 100)


@given(rates, rates, st.sampled_from([0.7, 0.8, 0.9]), st.sampled_from([0.01, 0.05, 0.1]))
def test_the_sample_size_is_the_least_that_reaches_the_power(p1, p2, wanted, alpha):
    if p1 == p2:
        p2 = p1 / 2
    n = campaign.sample_size(p1, p2, wanted, alpha)
    assert campaign.power(n, p1, p2, alpha) >= wanted - 1e-9
    if n > 1:
        assert campaign.power(n - 1, p1, p2, alpha) < wanted


@given(st.integers(50, 100_000), rates.filter(lambda p: p < 0.8))
def test_the_minimal_effect_is_found_with_just_the_power(n, p1):
    effect = campaign.minimal_effect(n, p1)
    assert 0 < effect < 1 - p1
    assert campaign.power(n, p1, p1 + effect) == pytest.approx(0.8, abs=1e-6)


def test_bad_designs_are_told():
    assert "p1 与 p2 都是 0.1" in told(campaign.sample_size, 0.1, 0.1)
    assert "p2" in told(campaign.sample_size, 0.1, 1.2)
    assert "power" in told(campaign.sample_size, 0.1, 0.2, power=0.05)
    assert "每组 3 人太少" in told(campaign.minimal_effect, 3, 0.9)
    assert "n 应" in told(campaign.power, 0, 0.1, 0.2)


# ------------------------------------------------------------------------------------------------------ peeking


@pytest.mark.parametrize(
    ("looks", "rate"), [(1, 0.05), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248)]
)
def test_false_alarms_of_repeated_looks_as_in_armitage(looks, rate):
    assert campaign.crossing_probability([1.959964] * looks) == pytest.approx(rate, abs=5e-4)


@pytest.mark.parametrize(("looks", "constant"), [(2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413), (10, 2.555)])
def test_pocock_constants(looks, constant):
    assert campaign.boundaries(looks).to_numpy() == pytest.approx(constant, abs=5e-4)


@pytest.mark.parametrize(("looks", "constant"), [(2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040), (10, 2.087)])
def test_obrien_fleming_constants(looks, constant):
    bounds = campaign.boundaries(looks, rule="obrien_fleming")
    assert bounds.iloc[-1] == pytest.approx(constant, abs=6e-4)
    assert bounds.iloc[0] == pytest.approx(constant * math.sqrt(looks), abs=3e-3)
    assert bounds.is_monotonic_decreasing


@pytest.mark.parametrize("rule", ["pocock", "obrien_fleming"])
@pytest.mark.parametrize("alpha", [0.01, 0.1])
def test_boundaries_spend_exactly_alpha(rule, alpha):
    assert campaign.crossing_probability(campaign.boundaries(7, alpha, rule)) == pytest.approx(alpha, abs=1e-9)


def test_one_look_is_the_usual_test():
    for rule in campaign.RULES:
        assert campaign.boundaries(1, rule=rule).to_list() == pytest.approx([1.959964])
    assert campaign.boundaries(4, rule="none").to_list() == pytest.approx([1.959964] * 4)


def test_simulated_peeking_agrees_with_the_exact_rates():
    result = campaign.peeking(looks=10, visitors=2000, rate=0.1, simulations=20_000, seed=3)
    last = result.table.iloc[-1]
    assert result.false_positive_rate == last["none"] == pytest.approx(0.193, abs=0.012)
    assert last["pocock"] == pytest.approx(0.05, abs=0.006)
    assert last["obrien_fleming"] == pytest.approx(0.05, abs=0.006)
    assert result.table["at_this_look"].to_numpy() == pytest.approx(0.05, abs=0.008)
    assert result.table["none"].iloc[4] == pytest.approx(0.142, abs=0.01)
    assert result.table["visitors"].to_list() == [2000 * look for look in range(1, 11)]
    for rule in campaign.RULES:
        assert result.table[rule].is_monotonic_increasing
    assert result.table.equals(campaign.peeking(10, 2000, 0.1, simulations=20_000, seed=3).table)


def test_a_real_effect_is_found_with_the_planned_power():
    n = campaign.sample_size(0.10, 0.12)
    result = campaign.peeking(1, n, 0.10, 0.12, simulations=20_000)
    assert result.table["none"].iloc[0] == pytest.approx(0.8, abs=0.01)
    assert campaign.peeking(2, 10, 1e-9, simulations=50).false_positive_rate == 0


def test_bad_peeking_is_told():
    assert "looks" in told(campaign.peeking, looks=0)
    assert "rule 应是 none、pocock、obrien_fleming 之一" in told(campaign.boundaries, 5, rule="haybittle")
    assert "simulations" in told(campaign.peeking, simulations=10**6)
    assert "critical 第 2 个值是 0" in told(campaign.crossing_probability, [2, 0])


# ------------------------------------------------------------------------------------------ profit, return


customers = st.lists(st.tuples(st.integers(-5, 5), st.booleans(), st.booleans()), min_size=12, max_size=60).filter(
    lambda rows: {True, False} == {row[1] for row in rows}
)


@settings(max_examples=25)
@given(customers, st.randoms())
def test_curves_do_not_depend_on_the_order_of_rows(rows, random):
    shuffled = random.sample(rows, len(rows))
    first, second = (
        campaign.profit_curve([r[0] for r in data], [int(r[2]) for r in data], 10, 1).curve for data in (rows, shuffled)
    )
    pd.testing.assert_frame_equal(first, second)
    one, two = (
        campaign.qini([r[0] for r in data], [int(r[1]) for r in data], [int(r[2]) for r in data])
        for data in (rows, shuffled)
    )
    pd.testing.assert_frame_equal(one.curve, two.curve)
    assert one.coefficient == pytest.approx(two.coefficient)


def test_profit_by_hand():
    result = campaign.profit_curve([0.9, 0.7, 0.5, 0.1], [1, 0, 1, 0], value=10, contact_cost=3, fixed_cost=2)
    assert result.curve["profit"].to_list() == [0, 5, 2, 9, 6]
    assert (result.customers, result.share, result.profit) == (3, 0.75, 9)


def test_nobody_is_contacted_when_every_depth_loses():
    result = campaign.profit_curve([0.9, 0.5], [1, 0], value=10, contact_cost=3, fixed_cost=20)
    assert (result.customers, result.profit) == (0, 0)


def test_expected_profit_stops_where_a_contact_no_longer_pays():
    """Contact while probability x value > cost: 0.2 x 10 > 1.5 > 0.1 x 10."""
    result = campaign.profit_curve(pd.Series([0.05, 0.5, 0.2, 0.1]), None, value=10, contact_cost=1.5)
    assert result.customers == 2
    assert result.profit == pytest.approx(7 - 3)


def test_profit_of_uplift_may_fall_with_depth():
    result = campaign.profit_curve([3, 2, 1], [0.4, 0.1, -0.3], value=100, contact_cost=5)
    assert result.curve["profit"].to_list() == pytest.approx([0, 35, 40, 5])
    assert result.customers == 2


def test_equal_depths_take_the_cheaper():
    assert campaign.profit_curve([2, 1], [1, 1], value=0.3, contact_cost=0.3).customers == 0


def test_return_by_hand():
    result = campaign.roi(120, 1000, 40, 500, value=50, contact_cost=1, reward=10, fixed_cost=300)
    assert result.incremental == 120 - 1000 * 40 / 500
    assert result.cost == 1000 + 1200 + 300
    assert result.margin == 2000
    assert result.profit == -500
    assert float(result) == result.roi == -0.2
    assert result.naive_roi == pytest.approx((6000 - 2500) / 2500)
    assert result.lift == pytest.approx(1.5)
    assert math.isnan(campaign.roi(1, 10, 0, 10, value=1, contact_cost=1).lift)


def test_bad_money_is_told():
    assert "contact_cost" in told(campaign.profit_curve, [1, 2], [0, 1], 10, -1)
    assert "成本合计是 0" in told(campaign.roi, 1, 10, 1, 10, value=5, contact_cost=0)
    assert "responses 是 11，多于 n 的 10" in told(campaign.roi, 11, 10, 1, 10, value=5, contact_cost=1)
    assert "score 第 1 个值是 1.2" in told(campaign.profit_curve, [1.2, 0.5], None, 10, 1)
    assert "response 有 2 个值，应有 3 个，与 score 一一对应" in told(campaign.profit_curve, [1, 2, 3], [0, 1], 10, 1)


# ------------------------------------------------------------------------------------------------------- uplift


def example():
    """A reference case; scikit-uplift 0.5.1 gives 0.1837193439 and a last value of 7.2105263158."""
    rng = np.random.default_rng(7)
    treated = rng.integers(0, 2, 200)
    score = np.round(rng.normal(size=200), 1)
    y = (rng.random(200) < 0.2 + 0.2 * treated * (score > 0) - 0.1 * treated * (score < -1)).astype(int)
    return score, treated, y


def test_qini_agrees_with_scikit_uplift():
    result = campaign.qini(*example())
    assert result.normalised == pytest.approx(0.1837193439121672)
    assert result.curve["incremental"].iloc[-1] == pytest.approx(7.210526315789473)
    assert result.curve["incremental"].iloc[:6].to_list() == [0, 0, 0, 0, 1, 0]
    assert float(result) == result.coefficient


def test_uplift_curve_agrees_with_scikit_uplift():
    table = campaign.uplift_curve(*example())
    assert table["customers"].iloc[:6].to_list() == [0, 1, 2, 3, 5, 6]
    assert table["incremental"].iloc[-1] == pytest.approx(13.734335839598998)
    assert table["incremental"].iloc[4] == pytest.approx(1.6666666666666667)
    assert table["random"].iloc[-1] == table["incremental"].iloc[-1]


def test_qini_by_hand():
    result = campaign.qini([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1])
    assert result.curve["incremental"].to_list() == [0, 1, 1, 1, 0]
    assert result.coefficient == pytest.approx(0.75 / 2)
    assert result.normalised == 1
    assert campaign.uplift_curve([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1])["uplift"].iloc[2:].to_list() == [1, 0.5, 0]


def test_qini_with_several_customers_of_one_score_by_hand():
    # best block: 2 treated (1 buys), 1 control (0 buy): 1 - 0 = 1; all: 3 treated (1), 2 control (1): 1 - 1 * 3 / 2
    result = campaign.qini([9, 9, 9, 1, 1], [1, 1, 0, 1, 0], [1, 0, 0, 0, 1])
    assert result.curve["incremental"].to_list() == [0, 1, -0.5]
    assert result.curve["random"].to_list() == pytest.approx([0, -0.3, -0.5])
    assert result.coefficient == pytest.approx((0.6 * 1.3 / 2 + 0.4 * 1.3 / 2) / 3)


@settings(max_examples=25)
@given(customers)
def test_one_score_for_all_gains_nothing(rows):
    treated, y = [int(r[1]) for r in rows], [int(r[2]) for r in rows]
    assert campaign.qini([1] * len(rows), treated, y).coefficient == 0


@settings(max_examples=25)
@given(customers)
def test_curves_run_from_nobody_to_the_average_effect(rows):
    score, treated, y = ([int(row[place]) for row in rows] for place in range(3))
    arm, bought = np.array(treated), np.array(y)
    effect = bought[arm == 1].mean() - bought[arm == 0].mean()
    result = campaign.qini(score, treated, y)
    assert result.curve["incremental"].iloc[0] == 0
    assert result.curve["incremental"].iloc[-1] == pytest.approx(effect * arm.sum())
    best = campaign.qini(bought * (2 * arm - 1), treated, y)
    assert best.normalised == pytest.approx(1) or math.isnan(best.normalised)
    table = campaign.uplift_curve(score, treated, y)
    assert table["uplift"].iloc[-1] == pytest.approx(effect)
    assert table["share"].iloc[[0, -1]].to_list() == [0, 1]
    parts = campaign.uplift_by_decile(score, treated, y, bins=4)
    assert parts["treated"].sum() == arm.sum()
    assert parts["control"].sum() == (1 - arm).sum()


def test_deciles_by_hand_with_ties_in_the_order_of_the_index():
    score = pd.Series([1, 1, 1, 1], index=list("dcba"))
    table = campaign.uplift_by_decile(score, [1, 0, 1, 0], [0, 1, 1, 0], bins=2)
    assert table["rate_treated"].to_list() == [1, 0]
    assert table["rate_control"].to_list() == [0, 1]
    assert table["uplift"].to_list() == [1, -1]
    lonely = campaign.uplift_by_decile([4, 3, 2, 1], [1, 1, 0, 0], [1, 0, 0, 1], bins=2)
    assert lonely["uplift"].isna().all()
    assert lonely["control"].to_list() == [0, 2]


def crowd(n=6000, share=0.5):
    """Uplift 0.3 for fans, -0.1 for the others; the base rate depends on age."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame({"fan": rng.random(n) < 0.4, "town": rng.choice(["甲", "乙"], n), "age": rng.normal(40, 9, n)})
    treated = (rng.random(n) < share).astype(int)
    uplift = np.where(X["fan"], 0.3, -0.1)
    y = rng.random(n) < np.clip(0.2 + 0.01 * (X["age"] - 40), 0.12, 0.5) + treated * uplift
    return X.set_index(pd.Index([f"C{i}" for i in range(n)])), treated, y.to_numpy(), uplift


@pytest.mark.parametrize("kind", campaign.KINDS)
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_uplift_models_find_who_answers_at_any_split(kind, share):
    X, treated, y, uplift = crowd(share=share)
    model = campaign.UpliftModel(kind).fit(X[:4000], treated[:4000], y[:4000])
    found = model.predict(X[4000:])
    assert found.index.equals(X.index[4000:])
    assert np.corrcoef(found, uplift[4000:])[0, 1] > 0.9
    assert found[X["fan"]].mean() == pytest.approx(0.3, abs=0.06)
    assert found[~X["fan"]].mean() == pytest.approx(-0.1, abs=0.06)
    assert campaign.qini(found, treated[4000:], y[4000:]).coefficient > 0.02
    assert model.average_effect_ == pytest.approx(
        y[:4000][treated[:4000] == 1].mean() - y[:4000][treated[:4000] == 0].mean()
    )


def test_summary_of_a_fitted_model():
    X, treated, y, _uplift = crowd(2000)
    model = campaign.UpliftModel().fit(X, treated, y)
    value = model.summary["value"]
    assert value["customers"] == 2000
    assert value["share_negative"] == pytest.approx((model.uplift_ < 0).mean())
    assert value["p10"] <= value["median"] <= value["p90"]
    assert set(model.models_) == {"treated", "control"}
    assert set(campaign.UpliftModel("class_transformation").fit(X, treated, y).models_) == {"transformed"}


def test_another_learner_is_taken_and_left_unfitted():
    from sklearn.tree import DecisionTreeClassifier

    X, treated, y, _uplift = crowd(2000)
    tree = DecisionTreeClassifier(max_depth=1, random_state=0)
    model = campaign.UpliftModel(learner=tree).fit(X, treated, y)
    assert model.uplift_.nunique() <= 4
    assert not hasattr(tree, "tree_")


def test_bad_uplift_input_is_told():
    X, treated, y, _uplift = crowd(50)
    model = campaign.UpliftModel()
    assert "还没有训练" in told(model.predict, X)
    assert "kind 应是 two_model、class_transformation 之一" in told(campaign.UpliftModel, "s-learner")
    assert "没有对照组" in told(model.fit, X, np.ones(50), y)
    assert "没有试验组" in told(campaign.qini, [1, 2], [0, 0], [1, 0])
    assert "试验组里的 y 全是 0" in told(model.fit, X, treated, np.where(treated == 1, 0, y))
    assert "对照组里的 y 全是 1" in told(model.fit, X, treated, np.where(treated == 0, 1, y))
    assert "treated 有 49 个值，应有 50 个，与表的各行一一对应" in told(model.fit, X, treated[:49], y)
    assert "列 day 是日期" in told(model.fit, X.assign(day=pd.Timestamp("2025-12-31")), treated, y)
    assert "列 age 第 3 行是空值" in told(model.fit, X.assign(age=X["age"].where(X.index != "C2")), treated, y)
    assert "特征表缺少列 town" in told(model.fit(X, treated, y).predict, X.drop(columns="town"))
    assert "treated 第 1 个值是 3，应是 1（发生）或 0（没有发生）" in told(campaign.qini, [1, 2], [3, 0], [1, 0])
    assert "只有 2 位客户，分不成 10 份" in told(campaign.uplift_by_decile, [1, 2], [1, 0], [1, 0])


def test_series_of_the_same_customers_are_matched_and_of_others_refused():
    score, treated, y = (pd.Series(column) for column in example())
    expected = campaign.qini(score, treated, y).coefficient
    assert campaign.qini(score, treated[::-1], y.sample(frac=1, random_state=1)).coefficient == expected
    assert "y 的索引与前面的对不上" in told(campaign.qini, score, treated, y.set_axis(range(1, 201)))
    X, arm, bought, _uplift = crowd(500)
    y = pd.Series(bought, index=X.index)
    model, turned = (campaign.UpliftModel().fit(X, arm, outcome) for outcome in (y, y[::-1]))
    assert turned.average_effect_ == model.average_effect_
    assert "y 的索引与前面的对不上" in told(campaign.UpliftModel().fit, X, arm, y.reset_index(drop=True))


# ------------------------------------------------------------------------------------------- frequency of contact


def sends(*rows, **columns):
    return pd.DataFrame(rows, columns=["customer_id", "sent_at"]).assign(**columns)


def test_frequency_cap_by_hand():
    plan = sends(
        ("B", "2025-12-01 09:00"),
        ("A", "2025-12-08"),
        ("A", "2025-12-01"),
        ("A", "2025-12-02"),
        ("A", "2025-12-02 20:00"),
        ("A", "2025-12-03"),
    ).set_index(pd.Index(list("uvwxyz")))
    assert campaign.frequency_cap(plan, 2).to_dict() == {
        "u": True, "v": True, "w": True, "x": True, "y": False, "z": False,
    }  # fmt: skip
    assert campaign.frequency_cap(plan, 1, days=1).to_list() == [True, True, True, True, False, True]


planned = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 30)), min_size=1, max_size=40)


@settings(max_examples=40)
@given(planned, st.integers(1, 3), st.integers(1, 10))
def test_no_window_ever_holds_more_than_the_cap(rows, cap, days):
    start = pd.Timestamp("2025-12-01")
    plan = sends(*((who, start + pd.Timedelta(days=day)) for who, day in rows))
    allowed = campaign.frequency_cap(plan, cap, days)
    out = pd.DataFrame(rows, columns=["who", "day"])[allowed.to_numpy()]
    for _who, group in out.groupby("who"):
        for day in range(31):
            assert group["day"].between(day - days + 1, day).sum() <= cap
    # Nothing is held back without need: a refused message met a full window.
    for place in np.flatnonzero(~allowed.to_numpy()):
        who, day = rows[place]
        assert out[out["who"] == who]["day"].between(day - days + 1, day).sum() == cap


def test_saturation_by_hand():
    log = sends(
        ("A", "2025-12-01"), ("A", "2025-12-04"), ("A", "2025-12-07"), ("A", "2025-12-14"), ("B", "2025-12-02"),
        clicked=[1, 0, 0, 1, 0], unsubscribed=[False, False, True, False, False],
    )  # fmt: skip
    table = campaign.saturation(log)
    assert table.index.to_list() == [0, 1, 2]
    assert table["sends"].to_list() == [3, 1, 1]
    assert table["clicked"].to_list() == pytest.approx([2 / 3, 0, 0])
    assert table["unsubscribed"].to_list() == [0, 0, 1]
    assert campaign.saturation(log, most=1)["sends"].to_list() == [3, 2]
    assert campaign.saturation(log, days=8, outcomes=["clicked"]).columns.to_list() == ["sends", "clicked"]
    assert campaign.saturation(log, days=8)["sends"].to_dict() == {0: 2, 1: 2, 2: 1}


@given(planned, st.integers(1, 10))
def test_saturation_counts_as_a_loop_would(rows, days):
    start = pd.Timestamp("2025-12-01")
    log = sends(*((who, start + pd.Timedelta(days=day)) for who, day in rows), clicked=0)
    counted = [
        sum(w == who and day - days < d <= day and (d, j) < (day, i) for j, (w, d) in enumerate(rows))
        for i, (who, day) in enumerate(rows)
    ]
    table = campaign.saturation(log, days, most=99, outcomes=["clicked"])
    assert table["sends"].to_dict() == pd.Series(counted).value_counts().to_dict()


def test_bad_contacts_are_told():
    log = sends(("A", "2025-12-01"), ("A", "昨天"), clicked=[0, 2])
    assert "cap" in told(campaign.frequency_cap, log, 0)
    assert "列 sent_at 第 2 行的 '昨天' 不是日期" in told(campaign.frequency_cap, log, 1)
    assert "触达记录缺少列 unsubscribed" in told(campaign.saturation, log.iloc[:1])
    assert "列 clicked 第 2 行是 2" in told(campaign.saturation, log.assign(sent_at="2025-12-01"), outcomes=["clicked"])
    assert "触达记录应是 DataFrame" in told(campaign.frequency_cap, [1], 1)


# -------------------------------------------------------------------------------------------------------- plots


def test_every_figure_says_its_message():
    X, treated, y, _uplift = crowd(1500)
    model = campaign.UpliftModel().fit(X, treated, y)
    qini = campaign.qini(model.uplift_, treated, y)
    figures = {
        "B 比 A 高 6.1 个百分点：区间含 0": campaign.ab_test(5, 83, 12, 99),
        "B 比 A 低 5.0 个百分点：区间不含 0": campaign.ab_test(100, 500, 75, 500, level=0.8),
        "看 5 次，误报从 5% 涨到": campaign.peeking(5, simulations=500),
        "联系前 75% 的客户最赚，利润 9 元": campaign.profit_curve([4, 3, 2, 1], [1, 0, 1, 0], 10, 3, 2),
        "怎么选都亏": campaign.profit_curve([4, 3], [1, 0], 1, 3),
        f"Qini 系数 {qini.coefficient:.3f}": qini,
        f"预计 {(model.uplift_ < 0).mean():.0%} 的客户": model,
    }
    for message, result in figures.items():
        figure = result.plot()
        assert isinstance(figure, Figure)
        assert message in figure._suptitle.get_text()
        figure.draw_without_rendering()
