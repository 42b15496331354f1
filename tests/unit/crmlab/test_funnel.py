"""The funnel: textbook formulas by hand, honest cohorts, laws that hold for any history, errors that name the row."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from statsmodels.stats.proportion import proportion_confint

from crmlab import funnel
from crmlab.errors import CourseError

AS_OF = "2025-06-30"
STAGES = ("线索", "商机", "成交")


def history(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at"])


SMALL = history(
    ("L1", "线索", "2025-01-01 10:00"), ("L1", "商机", "2025-01-05 10:00"), ("L1", "成交", "2025-01-25 10:00"),
    ("L2", "线索", "2025-01-02"), ("L2", "商机", "2025-01-04"), ("L2", "输单", "2025-02-03"),
    ("L3", "线索", "2025-01-03"), ("L3", "输单", "2025-01-13"),
    ("L4", "线索", "2025-02-01"), ("L4", "商机", "2025-02-11"),
    ("L5", "线索", "2025-06-29"),
)  # fmt: skip


def convert(frame: pd.DataFrame = SMALL, as_of: str = AS_OF, **options) -> pd.DataFrame:
    return funnel.conversion(frame, as_of, stages=STAGES, **options)


def says(*parts: str):
    """A pattern that finds the parts in this order."""
    return "(?s)" + ".*".join(parts)


# --- conversion -------------------------------------------------------------------------------------------


def test_counts_and_rates_by_hand():
    table = convert()
    assert table["leads"].to_list() == [5, 3, 1]
    assert table["advanced"].to_list() == [3, 1, 0]
    assert table["lost"].to_list() == [1, 1, 0]
    assert table["open"].to_list() == [1, 1, 0]
    assert table["step"].to_list()[:2] == [0.6, 1 / 3]
    assert np.isnan(table["step"].iloc[-1])
    assert table["overall"].to_list() == [1, 0.6, 0.2]
    assert list(table.index) == list(STAGES)


def test_young_leads_are_left_out_of_an_honest_rate():
    table = convert(mature=30)
    assert table["leads"].to_list() == [4, 3, 1]
    assert table.loc["线索", "open"] == 0
    assert table["overall"].iloc[-1] == 0.25


def test_what_lies_after_the_as_of_day_is_not_seen():
    assert convert(as_of="2025-01-24")["leads"].to_list() == [3, 2, 0]
    assert convert(as_of="2025-01-25")["leads"].to_list() == [3, 2, 1], "the as-of day counts up to its end"


def test_a_skipped_stage_counts_as_passed():
    table = convert(history(("L1", "线索", "2025-01-01"), ("L1", "成交", "2025-01-09")))
    assert table["leads"].to_list() == [1, 1, 1]


def test_a_lead_known_only_by_its_loss_was_in_the_first_stage():
    table = convert(history(("L1", "输单", "2025-01-01"), ("L2", "线索", "2025-01-01")))
    assert table["leads"].to_list() == [2, 0, 0]
    assert table.loc["线索", ["lost", "open"]].to_list() == [1, 1]
    assert np.isnan(table.loc["商机", "step"])
    assert np.isnan(table.loc["商机", "low"])


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_interval_is_wilsons(confidence: float):
    table = convert(confidence=confidence)
    low, high = proportion_confint(3, 5, alpha=1 - confidence, method="wilson")
    assert table.loc["线索", ["low", "high"]].to_list() == pytest.approx([low, high])


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.integers(0, 300)), min_size=1, max_size=25), st.randoms()
)
def test_laws_of_the_funnel(leads, random):
    rows = []
    for number, (reached, lost, start) in enumerate(leads):
        first = pd.Timestamp("2024-06-01") + pd.Timedelta(days=start)
        rows += [(f"L{number}", STAGES[step], first + pd.Timedelta(days=3 * step)) for step in range(reached)]
        if lost and reached < 3:
            rows.append((f"L{number}", "输单", first + pd.Timedelta(days=30)))
    table = convert(history(*rows))
    assert table["leads"].is_monotonic_decreasing
    assert (table["advanced"] + table["lost"] + table["open"]).iloc[:-1].equals(table["leads"].iloc[:-1])
    assert table["low"].dropna().le(table["step"].dropna()).all()
    assert table["high"].dropna().ge(table["step"].dropna()).all()
    assert table["overall"].iloc[-1] == pytest.approx(table["step"].iloc[:-1].fillna(0).prod())
    random.shuffle(rows)
    pd.testing.assert_frame_equal(convert(history(*rows)), table)


# --- time -------------------------------------------------------------------------------------------------


def test_days_in_a_stage_by_hand():
    table = funnel.time_in_stage(SMALL, AS_OF, stages=STAGES)
    assert table["left"].to_list() == [4, 2]
    assert table["open"].to_list() == [1, 1]
    assert table["median_moved"].to_list() == [4, 20]
    assert table["median_lost"].to_list() == [10, 30]
    assert table["median"].to_list() == [10, 30], "first day on which at most half are still there"


def test_a_stage_that_nobody_left_has_no_median():
    table = funnel.time_in_stage(history(("L1", "线索", "2025-01-01")), AS_OF, stages=STAGES)
    assert table["median"].isna().all()
    assert table["median_moved"].isna().all()


def test_open_leads_pull_the_median_up():
    rows = [(f"L{n}", "线索", "2025-01-01") for n in range(5)] + [(f"L{n}", "商机", "2025-01-03") for n in range(2)]
    table = funnel.time_in_stage(history(*rows), AS_OF, stages=STAGES)
    assert table.loc["线索", "median_moved"] == 2
    assert np.isnan(table.loc["线索", "median"]), "three of five are still there"


def test_win_curve_counts_young_leads_for_the_time_they_were_watched():
    curve = funnel.win_curve(SMALL, AS_OF, stages=STAGES)
    assert curve["won"].to_dict() == {24.0: 0.25}, "L5 was watched for two days only and says nothing about day 24"
    assert curve.loc[24.0, "low"] < 0.25 < curve.loc[24.0, "high"]


def test_win_curve_needs_a_win():
    with pytest.raises(CourseError, match="还没有一条线索走到“成交”"):
        funnel.win_curve(SMALL[SMALL["stage"] != "成交"], AS_OF, stages=STAGES)


def test_velocity_formula():
    assert funnel.velocity(40, 0.25, 30_000, 60) == 5000
    assert funnel.velocity(np.int64(10), 1, 100.0, 1) == 1000
    with pytest.raises(CourseError, match=says("cycle", "大于 0", "现在是 0")):
        funnel.velocity(1, 0.5, 1, 0)
    with pytest.raises(CourseError, match=says("win_rate", "0 到 1", "现在是 25")):
        funnel.velocity(1, 25, 1, 1)


# --- leak -------------------------------------------------------------------------------------------------


def test_leak_by_hand():
    table = funnel.leak([0.5, 0.2, 0.8], 1000, 10_000, points=0.1)
    assert table["lifted"].to_list() == pytest.approx([0.6, 0.3, 0.9])
    assert table["extra_wins"].to_list() == pytest.approx([16, 40, 10])
    assert table["value"].to_list() == pytest.approx([160_000, 400_000, 100_000])


def test_leak_reads_a_conversion_table():
    table = funnel.leak(convert(), 90, 100)
    assert table["step"].to_dict() == {"线索": 0.6, "商机": 1 / 3}
    assert table.loc["商机", "value"] == pytest.approx(90 * 0.6 * 0.05 * 100)


@given(st.lists(st.floats(0.05, 0.9), min_size=2, max_size=6), st.floats(0.01, 0.1))
def test_the_lowest_rate_is_worth_most_to_lift(rates, points):
    table = funnel.leak(rates, 100, 100, points=points)
    best = table["value"].max()
    assert table.loc[table["step"].idxmin(), "value"] == pytest.approx(best)
    assert (table["value"] >= 0).all()


def test_a_rate_is_never_lifted_above_one():
    table = funnel.leak([0.98, 0.5], 100, 1, points=0.05)
    assert table["lifted"].iloc[0] == 1
    assert table["extra_wins"].iloc[0] == pytest.approx(1)


# --- acquisition cost -------------------------------------------------------------------------------------


COSTS = pd.DataFrame({"source": ["展会", "短视频", "展会"], "cost": [4000.0, 900.0, 2000.0]})
LEADS = pd.DataFrame(
    {"source": ["展会", "展会", "短视频", "短视频"], "won": [True, True, False, False], "fee": [200, 400, None, None]}
)


def test_cac_by_hand():
    table = funnel.cac(COSTS, LEADS, monthly="fee", margin=0.5)
    assert table.loc["展会"].to_dict() == {
        "cost": 6000, "leads": 2, "customers": 2, "cost_per_lead": 3000, "cac": 3000,
        "monthly_margin": 150, "payback_months": 20,
    }  # fmt: skip
    assert table.loc["短视频", "cost_per_lead"] == 450
    assert table.loc["短视频", ["cac", "monthly_margin", "payback_months"]].isna().all()
    assert "payback_months" not in funnel.cac(COSTS, LEADS)


def test_a_source_without_costs_is_asked_for():
    with pytest.raises(CourseError, match=says("费用表里没有来源“短视频”", "写 0")):
        funnel.cac(COSTS[COSTS["source"] == "展会"], LEADS)
    with pytest.raises(CourseError, match=says("费用表", "缺少列 cost")):
        funnel.cac(COSTS.drop(columns="cost"), LEADS)


# --- forecast ---------------------------------------------------------------------------------------------


PIPELINE = pd.DataFrame({"stage": ["商机", "线索", "商机"], "expected_amount": [100, 200, 300]})
RATES = pd.Series({"线索": 0.1, "商机": 0.5, "成交": 1.0})


def test_win_rates_are_products_of_what_lies_ahead():
    assert funnel.win_rates([0.5, 0.4]).to_list() == [0.2, 0.4, 1]
    assert funnel.win_rates(convert()).to_dict() == pytest.approx({"线索": 0.2, "商机": 1 / 3, "成交": 1})


def test_forecast_by_hand():
    result = funnel.forecast(PIPELINE, RATES, draws=2000)
    assert result.naive == 600
    assert float(result) == result.expected == 220
    assert result.by_stage["deals"].to_dict() == {"线索": 1, "商机": 2, "成交": 0}
    assert result.by_stage["win_rate"].to_dict() == pytest.approx(
        {"线索": 0.1, "商机": 0.5, "成交": np.nan}, nan_ok=True
    )
    assert set(np.unique(result.draws)) <= {0, 100, 200, 300, 400, 500, 600}
    assert result.draws.mean() == pytest.approx(220, rel=0.05)
    assert result.low <= result.expected <= result.high


def test_forecast_is_the_same_for_the_same_seed():
    one, two, other = (funnel.forecast(PIPELINE, RATES, seed=seed, draws=100) for seed in (1, 1, 2))
    assert np.array_equal(one.draws, two.draws)
    assert not np.array_equal(one.draws, other.draws)


def test_many_small_deals_are_surer_than_few_large_ones():
    def spread(count: int) -> float:
        deals = pd.DataFrame({"stage": ["商机"] * count, "expected_amount": [9000 / count] * count})
        result = funnel.forecast(deals, RATES, draws=4000)
        return result.high - result.low

    assert spread(3) > 2 * spread(300)


def test_uncertain_step_rates_widen_the_interval():
    deals = pd.DataFrame({"stage": ["商机"] * 200, "expected_amount": [10.0] * 200})
    table = convert()
    known = funnel.forecast(deals, funnel.win_rates(table))
    unsure = funnel.forecast(deals, table)
    assert unsure.expected == known.expected
    assert unsure.high - unsure.low > 3 * (known.high - known.low)


def test_forecast_from_chances_of_each_deal():
    deals = PIPELINE.assign(p=[0.0, 1.0, 0.5])
    result = funnel.forecast(deals, chance="p", draws=500)
    assert result.expected == 350
    assert set(np.unique(result.draws)) == {200, 500}
    assert result.by_stage["expected"].to_dict() == {"商机": 150, "线索": 200}


def test_forecast_holds_with_more_draws_than_one_block():
    deals = pd.concat([PIPELINE] * 400, ignore_index=True)
    result = funnel.forecast(deals, RATES, draws=3000)
    assert len(result.draws) == 3000
    assert result.draws.mean() == pytest.approx(400 * 220, rel=0.01)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: funnel.forecast(PIPELINE), "rates.*chance.*二者选一"),
        (lambda: funnel.forecast(PIPELINE, RATES, chance="p"), "二者选一"),
        (lambda: funnel.forecast(PIPELINE, [0.1, 0.5]), "conversion 的结果.*现在是 list"),
        (lambda: funnel.forecast(PIPELINE, RATES.drop("线索")), "列 stage 第 2 行的阶段“线索”没有成交概率"),
        (lambda: funnel.forecast(PIPELINE.assign(expected_amount=[1, -5, 2]), RATES), "expected_amount 第 2 行是 -5"),
        (lambda: funnel.forecast(PIPELINE, RATES, level=1), "level.*小于 1"),
        (lambda: funnel.forecast(PIPELINE.assign(p=[1, 2, 0]), chance="p"), "列 p 第 2 行是 2"),
    ],
)
def test_forecast_errors(change, words):
    with pytest.raises(CourseError, match=words):
        change()


def test_chance_falls_with_the_stay():
    """Ten earlier leads: five won after 10 days, five lost after 40; who stays beyond 10 days is never won."""
    rows = []
    for number in range(10):
        end = ("成交", 10) if number < 5 else ("输单", 40)
        rows += [(f"L{number}", "线索", pd.Timestamp("2025-01-01")),
                 (f"L{number}", end[0], pd.Timestamp("2025-01-01") + pd.Timedelta(days=end[1]))]  # fmt: skip
    rows += [("N1", "线索", pd.Timestamp("2025-06-25")), ("N2", "线索", pd.Timestamp("2025-06-10")),
             ("N3", "线索", pd.Timestamp("2025-03-25"))]  # fmt: skip
    found = funnel.chances(history(*rows), AS_OF, mature=100, stages=("线索", "成交"))
    assert found.to_dict() == {"N1": 0.5, "N2": 0.0, "N3": 0.0}
    assert found.index.name == "lead_id"


def test_chances_are_given_for_open_leads_only():
    assert set(funnel.chances(SMALL, AS_OF, mature=30, stages=STAGES).index) == {"L4", "L5"}


# --- trend ------------------------------------------------------------------------------------------------


def test_moving_average_by_hand():
    result = funnel.trend([100, 110, 120, 130], window=3, horizon=2)
    assert result.forecast.tolist() == [120, 120]
    assert result.fitted.to_list()[3] == 110
    assert result.mae == 20
    assert float(result) == 120


def test_exponential_smoothing_by_hand():
    result = funnel.trend([100, 110, 120], method="exponential", alpha=0.5)
    assert result.fitted.to_list() == [100, 100, 105]
    assert float(result) == 112.5
    assert result.mae == pytest.approx((10 + 15) / 2)


def test_exponential_smoothing_agrees_with_statsmodels():
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    values = np.array([3.0, 5, 9, 20, 12, 17, 13, 22])
    model = SimpleExpSmoothing(values, initialization_method="known", initial_level=3.0).fit(0.3, optimized=False)
    assert float(funnel.trend(values, method="exponential", alpha=0.3)) == pytest.approx(model.forecast(1)[0])


@given(st.floats(-100, 100), st.floats(-5, 5), st.integers(2, 30))
def test_a_straight_line_goes_on_straight(start, slope, count):
    values = pd.Series(start + slope * np.arange(count), index=range(10, 10 + count))
    result = funnel.trend(values, method="linear", horizon=3)
    assert result.forecast == pytest.approx(start + slope * np.arange(count, count + 3), abs=1e-6)
    assert result.mae == pytest.approx(0, abs=1e-6)
    assert list(result.fitted.index) == list(values.index)


@given(st.lists(st.floats(0, 1000), min_size=3, max_size=20), st.floats(0.05, 1))
def test_a_smoothed_forecast_stays_within_what_was_seen(values, alpha):
    for options in ({"method": "exponential", "alpha": alpha}, {"window": 3}):
        found = float(funnel.trend(values, **options))
        assert min(values) - 1e-6 <= found <= max(values) + 1e-6


def test_one_value_has_no_error_and_no_line():
    assert np.isnan(funnel.trend([5], window=1).mae)
    with pytest.raises(CourseError, match="至少需要 2 个数"):
        funnel.trend([5], method="linear")
    with pytest.raises(CourseError, match=says("method", "arima")):
        funnel.trend([5], method="arima")
    with pytest.raises(CourseError, match=says("window", "1 到 2", "现在是 3")):
        funnel.trend([5, 6], window=3)


# --- errors and figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: convert(SMALL.assign(stage=["线索", "意向", *SMALL["stage"][2:]])), "列 stage 第 2 行的阶段“意向”不在"),
        (lambda: convert(SMALL.drop(columns="stage")), "阶段记录缺少列 stage"),
        (lambda: convert(SMALL.assign(entered_at=["上周", *SMALL["entered_at"][1:]])), "列 entered_at 第 1 行的 '上周' 不是日期"),
        (lambda: convert(SMALL.assign(lead_id=[None, *SMALL["lead_id"][1:]])), "列 lead_id 第 1 行是空值"),
        (lambda: convert(as_of="2020-01-01"), "截止日 2020-01-01 之前没有一条阶段记录"),
        (lambda: convert(mature=9999), "没有一条线索在截止日前满 9999 天.*2025-01-01.*减小 mature"),
        (lambda: convert(mature=-1), "mature 应不小于 0"),
        (lambda: convert(confidence=1.5), "confidence"),
        (lambda: funnel.conversion(SMALL, AS_OF, stages=["线索"]), "至少两个互不相同的阶段"),
        (lambda: funnel.conversion(SMALL, AS_OF, stages=["线索", "线索"]), "至少两个互不相同的阶段"),
        (lambda: funnel.leak([0.5, 1.2], 1, 1), "rates 第 2 个值是 1.2"),
    ],
)  # fmt: skip
def test_errors_say_where_and_what_to_do(change, words):
    with pytest.raises(CourseError, match=words):
        change()


def test_nothing_given_is_changed():
    kept = SMALL.copy(deep=True)
    convert(mature=30)
    funnel.chances(SMALL, AS_OF, mature=30, stages=STAGES)
    pd.testing.assert_frame_equal(SMALL, kept)


def test_figures_tell_their_message():
    figure = funnel.plot(convert())
    assert isinstance(figure, Figure)
    assert figure.get_suptitle() == "“商机”到“成交”漏得最多：只有 33% 走下去"
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "商机  3（60.0%）" in texts
    assert "60%" in texts
    told = funnel.forecast(PIPELINE, RATES, draws=100).plot().get_suptitle()
    assert told == "全部成交能有 600 元，更可能只有 220 元"
