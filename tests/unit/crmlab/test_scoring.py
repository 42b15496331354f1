"""How good is a score: published numbers, other libraries, cases worked by hand, laws, and errors that say what to do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

from crmlab import campaign, churn, leads, scoring
from crmlab.errors import CourseError

LAW = settings(max_examples=40, deadline=None)


@st.composite
def scored(draw, min_size=2, max_size=40):
    """Scores with many ties, and outcomes of which each kind occurs."""
    n = draw(st.integers(min_size, max_size))
    score = draw(st.lists(st.integers(0, 10).map(lambda k: k / 10), min_size=n, max_size=n))
    outcome = [1, 0, *draw(st.lists(st.integers(0, 1), min_size=n - 2, max_size=n - 2))]
    return score, outcome


def told(function, *arguments, **options) -> str:
    with pytest.raises(CourseError) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_topics_share_one_set_of_measures():
    for name in ("auc", "brier", "calibration_table", "ece", "lift_table", "roc"):
        assert getattr(churn, name) is getattr(scoring, name)
    for name in ("auc", "calibration_table", "precision_at"):
        assert getattr(leads, name) is getattr(scoring, name)
    assert campaign.lift is scoring.lift_table


# -------------------------------------------------------------------------------------------------------- ranking


def test_auc_of_the_ct_images_as_published():
    """Hanley & McNeil (1982), Table I: ratings 1-5 of 58 normal and 51 abnormal images, area 0.893."""
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    rating = np.repeat([1, 2, 3, 4, 5] * 2, [*normal, *abnormal])
    assert scoring.auc(rating, np.repeat([0, 1], [58, 51])) == pytest.approx(0.893, abs=5e-4)


def test_auc_worked_by_hand():
    # It happened at .9 and .4, not at .4, .3, .1: of six pairs five are right and one is a tie.
    assert scoring.auc([0.9, 0.4, 0.4, 0.3, 0.1], [1, 1, 0, 0, 0]) == pytest.approx(5.5 / 6)
    assert scoring.auc((3, 1), np.array([True, False])) == 1


@LAW
@given(scored())
def test_auc_is_the_chance_to_score_higher(case):
    score, outcome = (np.array(column) for column in case)
    pairs = score[outcome == 1][:, None] - score[outcome == 0][None, :]
    area = scoring.auc(score, outcome)
    assert area == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    assert area == pytest.approx(roc_auc_score(outcome, score))
    assert scoring.auc(-score, outcome) == pytest.approx(1 - area)
    assert scoring.auc(score**3, outcome) == pytest.approx(area), "only the order counts"
    curve = scoring.roc(score, outcome)
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(area)


@LAW
@given(scored())
def test_roc_is_that_of_scikit_learn(case):
    score, outcome = case
    fpr, tpr, thresholds = roc_curve(outcome, score, drop_intermediate=False)
    curve = scoring.roc(score, outcome)
    assert curve["fpr"].to_numpy() == pytest.approx(fpr)
    assert curve["tpr"].to_numpy() == pytest.approx(tpr)
    assert (curve["threshold"].to_numpy() == thresholds).all()
    assert curve.iloc[-1][["fpr", "tpr"]].tolist() == [1, 1]


def test_ks_worked_by_hand():
    assert scoring.ks([1, 2, 3, 4], [1, 1, 0, 0]) == scoring.KS(1.0, 2.0)
    assert scoring.ks([1, 2, 3, 4], [0, 0, 1, 1]) == scoring.KS(1.0, 2.0), "whichever kind is ahead"
    assert scoring.ks([5, 5, 5], [0, 1, 0]) == scoring.KS(0.0, 5.0), "one score for all tells nothing"
    assert scoring.ks([1, 2, 3, 4], [1, 0, 1, 0]) == scoring.KS(0.5, 1.0), "the lowest of equal gaps"


@LAW
@given(scored())
def test_ks_is_that_of_scipy_and_is_reached_at_its_cutoff(case):
    score, outcome = (np.array(column) for column in case)
    found = scoring.ks(score, outcome)
    assert float(found) == pytest.approx(ks_2samp(score[outcome == 1], score[outcome == 0]).statistic)
    below = [(score[outcome == kind] <= found.cutoff).mean() for kind in (0, 1)]
    assert abs(below[0] - below[1]) == pytest.approx(found.value)


def test_lift_worked_by_hand():
    score = [0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    table = scoring.lift_table(score, [1, 1, 0, 1, 0, 0, 0, 1, 0, 0], bins=5)
    assert table.index.to_list() == [1, 2, 3, 4, 5]
    assert table["customers"].to_list() == [2] * 5
    assert table["events"].to_list() == [2, 1, 0, 1, 0]
    assert table["rate"].to_list() == [1, 0.5, 0, 0.5, 0]
    assert table["lift"].to_list() == [2.5, 1.25, 0, 1.25, 0]
    assert table["share"].to_list() == pytest.approx([0.2, 0.4, 0.6, 0.8, 1])
    assert table["gain"].to_list() == [0.5, 0.75, 0.75, 1, 1]
    assert table["cumulative_lift"].to_list() == pytest.approx([2.5, 1.875, 1.25, 1.25, 1])


def test_parts_of_a_number_that_cannot_be_divided():
    assert scoring.lift_table(range(10), [0, 1] * 5, bins=4)["customers"].to_list() == [3, 3, 2, 2]
    assert scoring.lift_table([2, 1], [1, 0], bins=1)["lift"].to_list() == [1]


def test_equal_scores_share_what_happened():
    table = scoring.lift_table([1, 1, 1, 1], [1, 0, 0, 1], bins=2)
    assert table["events"].to_list() == [1, 1]
    assert table["lift"].to_list() == [1, 1]
    # Three of score 5, one of them an event; two fall into the first part, one into the second.
    assert scoring.lift_table([5, 5, 5, 1], [1, 0, 0, 1], bins=2)["events"].to_list() == pytest.approx([2 / 3, 4 / 3])


def test_lift_is_missing_when_it_happened_to_nobody_and_1_when_to_all():
    nobody = scoring.lift_table([3, 2, 1], [0, 0, 0], bins=3)
    assert nobody[["lift", "gain", "cumulative_lift"]].isna().all(axis=None)
    assert nobody["rate"].to_list() == [0, 0, 0]
    assert scoring.lift_table([3, 2, 1], [1, 1, 1], bins=3)["lift"].to_list() == [1, 1, 1]


@LAW
@given(scored(min_size=3), st.randoms())
def test_lift_laws(case, random):
    rows = list(zip(*case, strict=True))
    bins = random.randint(1, len(rows))
    table = scoring.lift_table(*case, bins)
    assert table["gain"].iloc[-1] == pytest.approx(1)
    assert table["events"].sum() == pytest.approx(sum(case[1]))
    assert (table["lift"] * table["customers"]).sum() == pytest.approx(len(rows)), "lift is 1 on average"
    assert table["customers"].max() - table["customers"].min() <= 1
    random.shuffle(rows)
    pd.testing.assert_frame_equal(scoring.lift_table(*zip(*rows, strict=True), bins), table)


def test_precision_counts_ties_with_their_share():
    assert scoring.precision_at([4, 3, 2, 1], [1, 0, 1, 0], k=3) == pytest.approx(2 / 3)
    assert scoring.precision_at([9, 5, 5, 5], [1, 0, 0, 1], k=2) == pytest.approx((1 + 1 / 3) / 2)
    assert "k 应在 1 到 2 之间，现在是 3" in told(scoring.precision_at, [1, 2], [1, 0], k=3)


@LAW
@given(scored())
def test_precision_of_the_first_part_is_its_rate_and_that_of_all_the_rate_of_all(case):
    score, outcome = case
    assert scoring.precision_at(score, outcome, len(score)) == pytest.approx(np.mean(outcome))
    top = scoring.lift_table(score, outcome, bins=2).loc[1]
    assert scoring.precision_at(score, outcome, top["customers"]) == pytest.approx(top["rate"])


# ---------------------------------------------------------------------------------------------------- calibration


def test_calibration_worked_by_hand():
    chance = [0.1] * 10 + [0.4] * 10
    outcome = [1] + [0] * 9 + [1] * 6 + [0] * 4
    for strategy in ("quantile", "uniform"):
        table = scoring.calibration_table(chance, outcome, strategy=strategy)
        assert table["customers"].to_list() == [10, 10]
        assert table["predicted"].to_list() == pytest.approx([0.1, 0.4])
        assert table["observed"].to_list() == pytest.approx([0.1, 0.6])
        # Wilson's intervals of 1 in 10 and 6 in 10, as tabulated
        assert table[["low", "high"]].to_numpy().ravel() == pytest.approx([0.0179, 0.4042, 0.3127, 0.8318], abs=1e-4)
        assert scoring.ece(chance, outcome, strategy=strategy) == pytest.approx(0.1)
    assert scoring.brier(chance, outcome) == pytest.approx((0.81 + 9 * 0.01 + 6 * 0.36 + 4 * 0.16) / 20)


def test_groups_of_equal_size_lowest_first():
    table = scoring.calibration_table([0.1, 0.9, 0.2, 0.3, 0.8], [0, 1, 0, 1, 0], bins=2)
    assert table["customers"].to_list() == [3, 2]
    assert table["predicted"].to_list() == pytest.approx([0.2, 0.85])
    assert table["observed"].to_list() == pytest.approx([1 / 3, 0.5])
    assert table.index.to_list() == [1, 2]


def test_groups_of_equal_width_hold_their_lower_edge():
    table = scoring.calibration_table([0.0, 0.1, 0.3, 1.0], [0, 1, 0, 1], strategy="uniform")
    assert table["customers"].to_list() == [1, 1, 1, 1]
    assert scoring.calibration_table([0.3, 0.3], [1, 1])["customers"].to_list() == [2], "one kind and one score will do"


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_calibration_is_that_of_scikit_learn(strategy):
    rng = np.random.default_rng(8)
    chance = rng.beta(2, 3, 1000)
    outcome = (rng.random(1000) < chance**2).astype(int)
    observed, predicted = calibration_curve(outcome, chance, n_bins=7, strategy=strategy)
    table = scoring.calibration_table(chance, outcome, bins=7, strategy=strategy)
    assert table["observed"].to_numpy() == pytest.approx(observed)
    assert table["predicted"].to_numpy() == pytest.approx(predicted)
    weights = table["customers"] / 1000
    assert scoring.ece(chance, outcome, 7, strategy=strategy) == pytest.approx(weights @ np.abs(observed - predicted))


@LAW
@given(scored(), st.sampled_from(["quantile", "uniform"]))
def test_calibration_laws(case, strategy):
    chance, outcome = case
    table = scoring.calibration_table(chance, outcome, strategy=strategy)
    assert table["customers"].sum() == len(chance)
    assert (table["customers"] * table["observed"]).sum() == pytest.approx(sum(outcome))
    assert (table["customers"] * table["predicted"]).sum() == pytest.approx(sum(chance))
    assert table["predicted"].is_monotonic_increasing
    assert table["observed"].between(table["low"], table["high"]).all()
    assert scoring.brier(chance, outcome) == pytest.approx(brier_score_loss(outcome, chance))
    assert 0 <= scoring.ece(chance, outcome, strategy=strategy) <= 1
    turned = scoring.calibration_table(chance[::-1], outcome[::-1], strategy=strategy)
    pd.testing.assert_frame_equal(turned, table)


# ---------------------------------------------------------------------------------------------- how sure is a share


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_as_published(successes, n, low, high):
    """R. G. Newcombe, "Two-Sided Confidence Intervals for the Single Proportion", Statistics in Medicine 17, 1998."""
    assert scoring.wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@LAW
@given(st.integers(0, 400), st.integers(1, 400), st.sampled_from([0.5, 0.8, 0.95, 0.999]))
def test_wilson_is_that_of_statsmodels_and_holds_the_share(successes, more, level):
    n = successes + more - 1 or 1
    successes = min(successes, n)
    low, high = scoring.wilson(successes, n, level)
    assert (low, high) == pytest.approx(proportion_confint(successes, n, alpha=1 - level, method="wilson"), abs=1e-12)
    assert 0 <= low <= successes / n <= high <= 1
    assert scoring.wilson(n - successes, n, level) == pytest.approx((1 - high, 1 - low))
    wider = scoring.wilson(successes, n, (1 + level) / 2)
    assert wider[0] <= low + 1e-12
    assert wider[1] >= high - 1e-12


def test_wilson_of_columns():
    low, high = scoring.wilson([0, 1, 10], (10, 10, 10))
    assert isinstance(low, np.ndarray)
    assert (low[1], high[1]) == scoring.wilson(1, 10)
    assert (low[0], high[2]) == (0, 1)
    assert scoring.wilson([0, 1, 10], 10)[0].tolist() == low.tolist(), "one n for all"
    assert scoring.wilson(1, [10, 20])[1].tolist() == [scoring.wilson(1, 10)[1], scoring.wilson(1, 20)[1]]


def test_wilson_of_series_keeps_the_index_and_is_missing_without_cases():
    won = pd.Series({"甲": 3, "乙": 0})
    low, high = scoring.wilson(won, pd.Series({"乙": 0, "甲": 5}))
    assert (low.name, high.name) == ("low", "high")
    assert (low["甲"], high["甲"]) == scoring.wilson(3, 5)
    assert np.isnan(low["乙"])
    assert np.isnan(high["乙"])


def test_bad_counts_are_told():
    assert "successes 第 2 个值是 6，多于 n 的 5：请检查两者是否写反了" in told(scoring.wilson, [1, 6], [5, 5])
    assert "successes 第 1 个值是 -1，应不小于 0" in told(scoring.wilson, -1, 5)
    assert "n 有 1 个值，应有 2 个，与 successes 一一对应" in told(scoring.wilson, [1, 2], [5])
    assert "level 应大于 0" in told(scoring.wilson, 1, 5, level=95)
    assert "n 第 1 个值 'x' 不是有限的数" in told(scoring.wilson, 1, "x")


# --------------------------------------------------------------------------------------- columns that belong together


@LAW
@given(scored(), st.randoms())
def test_series_of_the_same_customers_are_matched_by_label(case, random):
    ids = [f"C{place:03d}" for place in range(len(case[0]))]
    score, outcome = (pd.Series(column, index=ids) for column in case)
    random.shuffle(ids)
    shuffled = outcome.loc[ids]
    assert scoring.auc(score, shuffled) == scoring.auc(*case)
    assert scoring.precision_at(score.loc[ids], outcome, 1) == scoring.precision_at(*case, 1)
    assert scoring.brier(score, shuffled) == pytest.approx(scoring.brier(*case))
    assert scoring.auc(score.to_list(), outcome) == scoring.auc(*case), "lists go by position"


def test_the_table_or_the_first_series_sets_the_order():
    a, b = pd.Series({"C1": 1.0, "C2": 2.0}), pd.Series({"C2": 20.0, "C1": 10.0})
    assert [found.tolist() for found in scoring.same_rows(pd.Index(["C2", "C1"]), a=a, b=b)] == [[2, 1], [20, 10]]
    assert [found.tolist() for found in scoring.same_rows(x=[5, 6], b=b, a=a)] == [[5, 6], [20, 10], [2, 1]]
    twice = pd.Series([1, 0], index=["C1", "C1"])
    assert scoring.same_rows(a=twice, b=twice)[1].tolist() == [1, 0], "the same index, though its labels repeat"


def test_columns_of_other_customers_are_refused():
    score = pd.Series([0.1, 0.2], index=["A", "B"])
    for index in (["A", "C"], ["B", "B"], [0, 1]):
        assert "outcome 的索引与前面的对不上：应是同一批、不重复的编号" in told(
            scoring.auc, score, pd.Series([0, 1], index=index)
        )
    assert "outcome 有 2 个值，应有 3 个，与 score 一一对应：请先对齐" in told(scoring.auc, [0.1, 0.2, 0.3], [0, 1])
    assert "y 有 3 个值，应有 2 个，与表的各行一一对应" in told(scoring.same_rows, score.index, y=[1, 0, 1])


def test_errors_about_scores_and_outcomes():
    assert "outcome 第 1 个值是 0.3，应是 1（发生）或 0（没有发生）：请先换成 1 和 0，也看看参数的顺序" in told(
        scoring.auc, [1, 0], [0.3, 0.2]
    )
    assert "outcome 第 2 个值是 2，应是 1" in told(scoring.lift_table, [1, 2, 3], [0, 2, 1], bins=2)
    for measure in (scoring.auc, scoring.roc, scoring.ks):
        assert "outcome 全是 1：1 和 0 都要有，才能比较" in told(measure, [1, 2], [1, 1])
    assert "score 第 2 个值 nan 不是有限的数" in told(scoring.auc, [1, np.nan], [1, 0])
    assert "probability 第 2 个值是 1.5，应在 0 到 1 之间" in told(scoring.brier, [0.5, 1.5], [0, 1])
    assert "strategy 应是 quantile、uniform 之一" in told(scoring.ece, [0.1, 0.2], [0, 1], strategy="equal")
    assert "只有 2 位客户，分不成 10 份：请减小 bins" in told(scoring.lift_table, [0.1, 0.2], [0, 1])
    assert "bins 应不小于 1，现在是 0" in told(scoring.lift_table, [0.1, 0.2], [0, 1], bins=0)


def test_sums_down_the_ranking():
    table = scoring.by_threshold(
        np.array([5.0, 9.0, 5.0]), events=np.array([1.0, 0.0, 1.0]), money=np.array([3.0, 4, 5])
    )
    assert table["threshold"].to_list() == [np.inf, 9, 5]
    assert table["customers"].to_list() == [0, 1, 3]
    assert table["events"].to_list() == [0, 0, 2]
    assert table["money"].to_list() == [0, 4, 12]
