"""Customer value: formulas, histories, the models against published results and against independent formulas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, gammaln, hyp2f1

from crmlab import data, realdata
from crmlab.clv import (
    CONVENTIONS,
    BetaGeoNBD,
    GammaGamma,
    ParetoNBD,
    ShiftedBetaGeometric,
    clv,
    cohorts,
    holdout_from_orders,
    monthly_rate,
    simple_clv,
    summary_from_orders,
)
from crmlab.clv.btyd import Histories
from crmlab.errors import CourseError

HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]
MODELS = {
    BetaGeoNBD: {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    ParetoNBD: {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
}
POSITIVE = st.floats(0.05, 20)
RATES = st.floats(0, 0.99)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return realdata.cdnow()


@pytest.fixture(scope="module")
def cdnow(orders: pd.DataFrame) -> pd.DataFrame:
    return summary_from_orders(orders, "1997-09-30")


@pytest.fixture(scope="module", params=MODELS)
def fitted(request: pytest.FixtureRequest, cdnow: pd.DataFrame) -> BetaGeoNBD | ParetoNBD:
    return request.param().fit(cdnow)


@st.composite
def histories(draw: st.DrawFn) -> dict[str, float]:
    T = draw(st.floats(0.5, 100))
    x = draw(st.integers(0, 40))
    return {"x": x, "t_x": T * draw(st.floats(0.01, 1)) if x else 0.0, "T": T}


# --- formulas ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("convention", "value"), [("renewal", 266.67), ("advance", 366.67), ("arrears", 333.33)])
def test_three_conventions(convention: str, value: float) -> None:
    assert simple_clv(100, 0.8, 0.1, convention=convention) == pytest.approx(value, abs=0.005)


def test_renewal_is_the_default() -> None:
    assert simple_clv(margin=100, retention=0.8, discount=0.1) == simple_clv(100, 0.8, 0.1, "renewal")


@pytest.mark.parametrize("convention", CONVENTIONS)
@given(margin=st.floats(-500, 500), retention=RATES, discount=st.floats(0.01, 1))
def test_a_long_horizon_nears_the_endless_sum(
    convention: str, margin: float, retention: float, discount: float
) -> None:
    endless = simple_clv(margin, retention, discount, convention)
    assert simple_clv(margin, retention, discount, convention, horizon=3000) == pytest.approx(endless, abs=1e-6)


@given(retention=RATES, discount=st.floats(0.01, 1), horizon=st.integers(1, 30))
def test_conventions_differ_by_when_the_first_margin_comes(retention: float, discount: float, horizon: int) -> None:
    renewal, advance, arrears = (simple_clv(1, retention, discount, kind, horizon) for kind in CONVENTIONS)
    assert advance == pytest.approx(arrears * (1 + discount))
    assert renewal == pytest.approx(arrears * retention)


def test_formula_takes_columns() -> None:
    margins = pd.Series([100.0, 200.0], index=["C1", "C2"])
    found = simple_clv(margins, 0.8, 0.1)
    assert found.index.to_list() == ["C1", "C2"]
    assert found.to_list() == pytest.approx([266.667, 533.333], abs=1e-3)
    assert simple_clv([100, 200], [0.8, 0.5], 0.1).tolist() == pytest.approx([266.667, 166.667], abs=1e-3)


def test_monthly_rate_compounds() -> None:
    assert (1 + monthly_rate(0.12)) ** 12 == pytest.approx(1.12)
    assert monthly_rate(0.12) < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((100, 80, 0.1), r"retention 第 1 个值是 80，应在 0 到 1 之间"),
        ((100, 0.8, -0.1), r"discount 第 1 个值是 -0\.1，应不小于 0"),
        ((100, 1, 0), r"retention 为 1 且 discount 为 0"),
        ((100, 0.8, 0.1, "end"), r"convention 应是 renewal、advance、arrears 之一，现在是 'end'"),
        ((100, 0.8, 0.1, "renewal", 0), r"horizon 应不小于 1，现在是 0"),
        (([100, "两百"], 0.8, 0.1), r"margin 应是一个数或一列数"),
        (([1, 2, 3], [0.8, 0.7], 0.1), r"长短不一（margin 3、retention 2、discount 1）"),
    ],
)
def test_bad_input_of_the_formula(arguments: tuple, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        simple_clv(*arguments)


def test_bad_annual_rate() -> None:
    with pytest.raises(CourseError, match=r"annual 应大于 -1，现在是 -1"):
        monthly_rate(-1)


# --- histories --------------------------------------------------------------------------------------------


def test_cdnow_panel(cdnow: pd.DataFrame, orders: pd.DataFrame) -> None:
    assert len(cdnow) == 2357
    assert (cdnow["x"] > 0).sum() == 946
    assert cdnow["x"].sum() == 2457
    assert holdout_from_orders(orders, "1997-09-30", "1998-06-30")["purchases"].sum() == 1882


def test_history_of_one_customer() -> None:
    orders = pd.DataFrame(
        {
            "customer_id": ["C1"] * 5 + ["C2"],
            "date": ["2025-01-08", "2025-01-01", "2025-01-08 09:30", "2025-01-22", "2025-03-01", "2025-02-01"],
            "amount": [10.0, 99.0, 20.0, 60.0, 500.0, 7.0],
        }
    )
    found = summary_from_orders(orders, "2025-02-05")
    assert found.loc["C1", ["x", "t_x", "T"]].to_list() == [2, 3.0, 5.0]
    assert found.loc["C1", "monetary"] == 45.0  # (10 + 20) and 60; not the first purchase, nor what came later
    assert found.loc["C2", ["x", "t_x"]].to_list() == [0, 0]
    assert np.isnan(found.loc["C2", "monetary"])
    assert summary_from_orders(orders, "2025-02-05", days_per_period=1).loc["C1", "T"] == 35
    later = holdout_from_orders(orders, "2025-02-05", "2025-03-31")
    assert later.loc["C1"].to_list() == [1, 500.0]
    assert later.loc["C2"].to_list() == [0, 0.0]


def test_row_order_does_not_matter(orders: pd.DataFrame, cdnow: pd.DataFrame) -> None:
    shuffled = orders.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(summary_from_orders(shuffled, "1997-09-30"), cdnow)


def test_cohorts_of_the_shop() -> None:
    buys = data.purchases(data.load("ecommerce"))
    table = cohorts(buys, "Q")
    assert table[0].sum() == buys["customer_id"].nunique()
    assert table.iloc[0].notna().all()
    assert table.iloc[-1].notna().sum() == 1
    share = table.div(table[0], axis=0)
    assert (share.loc[:, 1:].stack().dropna() <= 1).all()
    assert cohorts(buys, "Q", "amount").sum().sum() == pytest.approx(buys["amount"].sum())


def test_a_cohort_without_customers_is_left_out() -> None:
    orders = pd.DataFrame(
        {"customer_id": ["C1", "C2", "C1"], "date": ["2025-01-05", "2025-03-05", "2025-03-09"], "amount": [1.0, 2, 4]}
    )
    table = cohorts(orders, "M", "amount")
    assert table.index.astype(str).to_list() == ["2025-01", "2025-03"]
    assert table.loc["2025-01"].to_list() == [1.0, 0.0, 4.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": [1.0, -5.0]}, r"列 amount 第 2 行是 -5，应不小于 0"),
        ({"date": ["2025-01-01", "昨天"]}, r"列 date 第 2 行的 '昨天' 不是日期"),
        ({"customer_id": ["C1", None]}, r"列 customer_id 第 2 行是空值"),
    ],
)
def test_unsound_orders(change: dict, message: str) -> None:
    sound = {"customer_id": ["C1", "C2"], "date": ["2025-01-01", "2025-01-02"], "amount": [1.0, 2.0]}
    with pytest.raises(CourseError, match=message):
        summary_from_orders(pd.DataFrame(sound | change), "2025-02-01")


def test_wrong_days(orders: pd.DataFrame) -> None:
    with pytest.raises(CourseError, match=r"截止日 1990-01-01 之前没有一笔购买"):
        summary_from_orders(orders, "1990-01-01")
    with pytest.raises(CourseError, match=r"until（1997-01-01）应晚于 cutoff（1997-09-30）"):
        holdout_from_orders(orders, "1997-09-30", "1997-01-01")
    with pytest.raises(CourseError, match=r"period 应是 M、Q、Y 之一，现在是 'W'"):
        cohorts(orders, "W")


# --- BG/NBD and Pareto/NBD against print ------------------------------------------------------------------


def test_bg_nbd_on_cdnow(cdnow: pd.DataFrame) -> None:
    model = BetaGeoNBD().fit(cdnow)
    for name, value in {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}.items():
        assert model.params_[name] == pytest.approx(value, abs=2e-3), name
    assert model.log_likelihood_ == pytest.approx(-9582.4, abs=0.05)
    assert model.n_ == 2357
    assert model.expected_purchases(39, x=2, t_x=30.43, T=38.86) == pytest.approx(1.226, abs=1e-3)
    assert model.p_alive(x=2, t_x=30.43, T=38.86) == pytest.approx(0.7266, abs=1e-3)


def test_pareto_nbd_on_cdnow(cdnow: pd.DataFrame) -> None:
    model = ParetoNBD().fit(cdnow["x"], cdnow["t_x"], cdnow["T"])
    for name, value, near in [("r", 0.553, 5e-3), ("alpha", 10.578, 5e-3), ("s", 0.606, 5e-3), ("beta", 11.669, 0.01)]:
        assert model.params_[name] == pytest.approx(value, abs=near), name
    assert model.log_likelihood_ == pytest.approx(-9595.0, abs=0.05)


def test_the_likelihood_is_highest_at_the_fit(fitted: BetaGeoNBD | ParetoNBD, cdnow: pd.DataFrame) -> None:
    assert fitted.log_likelihood(cdnow) == pytest.approx(fitted.log_likelihood_, abs=1e-6)
    for name, value in fitted.params_.items():
        for factor in (0.97, 1.03):
            other = type(fitted)(fitted.params_ | {name: value * factor})
            assert other.log_likelihood(cdnow["x"], cdnow["t_x"], cdnow["T"]) < fitted.log_likelihood_


def test_forecast_of_the_holdout(fitted: BetaGeoNBD | ParetoNBD, cdnow: pd.DataFrame) -> None:
    ahead = fitted.expected_purchases(39, cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert ahead.index.equals(cdnow.index)
    # Both models fall short of the 1,882 purchases by about an eighth, and rank the customers well.
    assert 1600 < ahead.sum() < 1700
    later = holdout_from_orders(realdata.cdnow(), "1997-09-30", "1998-06-30")["purchases"]
    by_x = pd.DataFrame({"ahead": ahead, "later": later}).groupby(cdnow["x"].clip(upper=7)).mean()
    assert by_x["ahead"].is_monotonic_increasing
    assert by_x.corr().loc["ahead", "later"] > 0.97


def test_agrees_with_the_reference_library(cdnow: pd.DataFrame) -> None:
    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    few = cdnow.drop_duplicates(["x", "t_x", "T"])[["x", "t_x", "T"]].astype(float)
    columns = [few[name].to_numpy() for name in few]
    for ours, theirs, alive in [
        (BetaGeoNBD, BetaGeoFitter(), "conditional_probability_alive"),
        (ParetoNBD, ParetoNBDFitter(), "conditional_probability_alive"),
    ]:
        theirs.params_ = pd.Series(MODELS[ours])
        model = ours(MODELS[ours])
        assert model.p_alive(*columns) == pytest.approx(np.asarray(getattr(theirs, alive)(*columns)), abs=1e-8)
        expected = np.asarray(theirs.conditional_expected_number_of_purchases_up_to_time(39, *columns))
        assert model.expected_purchases(39, *columns) == pytest.approx(expected, rel=1e-6)


# --- laws of the models -----------------------------------------------------------------------------------


def pareto_log_likelihood(params: dict, x: float, t_x: float, T: float) -> float:
    """The closed form with two hypergeometric functions (Fader & Hardie, 2005, note on the Pareto/NBD)."""
    r, alpha, s, beta = (params[name] for name in ParetoNBD.NAMES)
    low, other = min(alpha, beta), s + 1 if alpha >= beta else r + x
    gap, k = abs(alpha - beta), r + s + x

    def part(t: float) -> float:
        return hyp2f1(k, other, k + 1, gap / (low + gap + t)) / (low + gap + t) ** k

    leave = s / k * (part(t_x) - part(T))
    stay = 1 / ((alpha + T) ** (r + x) * (beta + T) ** s)
    return gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(stay + leave)


@given(params=st.fixed_dictionaries(dict.fromkeys(ParetoNBD.NAMES, st.floats(0.2, 8))), history=histories())
def test_quadrature_equals_the_hypergeometric_form(params: dict, history: dict) -> None:
    table = pd.DataFrame([history]).astype(float)
    likelihood = ParetoNBD()._likelihood(Histories.collapse(table))
    assert likelihood(np.array([params[name] for name in ParetoNBD.NAMES]))[0] == pytest.approx(
        pareto_log_likelihood(params, **history), rel=1e-6, abs=1e-6
    )


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=30)
@given(params=st.lists(st.floats(0.1, 10), min_size=4, max_size=4), rows=st.lists(histories(), min_size=1, max_size=5))
def test_gradient_is_the_slope_of_the_likelihood(model: type, params: list[float], rows: list[dict]) -> None:
    likelihood = model()._likelihood(Histories.collapse(pd.DataFrame(rows).astype(float)))
    point = np.array(params)
    slopes = [(likelihood(point + step)[0] - likelihood(point - step)[0]) / 2e-5 for step in np.diag(np.full(4, 1e-5))]
    assert likelihood(point)[1] == pytest.approx(slopes, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("model", MODELS)
@given(history=histories(), t=st.floats(0, 60), values=st.lists(POSITIVE, min_size=4, max_size=4))
def test_probabilities_and_expectations_stay_in_bounds(
    model: type, history: dict, t: float, values: list[float]
) -> None:
    found = model(dict(zip(model.NAMES, values, strict=True)))
    assert 0 <= found.p_alive(**history) <= 1
    soon, later = found.expected_purchases(t, **history), found.expected_purchases(t + 5, **history)
    assert 0 <= soon <= later + 1e-9


@pytest.mark.parametrize("model", MODELS)
def test_a_recent_purchase_speaks_for_being_active(model: type) -> None:
    found = model(MODELS[model])
    alive = found.p_alive(3, [5.0, 20.0, 38.0], 39)
    assert np.all(np.diff(alive) > 0)
    # Long silence says more about one who used to buy often.
    assert found.p_alive(20, 15.0, 39) < found.p_alive(2, 15.0, 39)


def test_without_a_repeat_purchase_bg_nbd_calls_everybody_active() -> None:
    model = BetaGeoNBD(MODELS[BetaGeoNBD])
    assert model.p_alive(0, 0, 39) == 1
    assert ParetoNBD(MODELS[ParetoNBD]).p_alive(0, 0, 39) < 1


@pytest.mark.parametrize(("model", "at_one"), [(BetaGeoNBD, "a"), (ParetoNBD, "s")])
def test_expectation_has_no_gap_where_the_formula_has(model: type, at_one: str) -> None:
    below, there, above = (
        model(MODELS[model] | {at_one: value}).expected_purchases(39, 2, 30.0, 39.0) for value in (0.999, 1.0, 1.001)
    )
    assert min(below, above) < there < max(below, above)


@pytest.mark.parametrize("model", MODELS)
def test_new_customers_buy_as_the_simulation_says(model: type) -> None:
    found = model(MODELS[model])
    simulated = found.simulate(np.full(200_000, 52.0), seed=3)
    assert simulated["x"].mean() == pytest.approx(found.expected_purchases(52), rel=0.02)
    assert (simulated["t_x"] <= simulated["T"]).all()
    assert (simulated.loc[simulated["x"] == 0, "t_x"] == 0).all()
    pd.testing.assert_frame_equal(simulated, found.simulate(np.full(200_000, 52.0), seed=3))


@pytest.mark.parametrize("model", MODELS)
def test_parameters_come_back_from_many_simulated_customers(model: type) -> None:
    times = pd.Series(np.random.default_rng(1).uniform(50, 100, 60_000))
    found = model().fit(model(MODELS[model]).simulate(times, seed=2))
    bounds = found.summary
    for name, value in MODELS[model].items():
        row = bounds.loc[name]
        assert abs(np.log(value / row["estimate"])) < 3 * row["se"] / row["estimate"], name


def test_the_start_from_a_sample_ends_where_the_whole_search_ends() -> None:
    table = BetaGeoNBD(MODELS[BetaGeoNBD]).simulate(np.full(40_000, 60.0), seed=4)
    quick = BetaGeoNBD().fit(table)
    whole = BetaGeoNBD()._maximise(
        BetaGeoNBD()._likelihood(Histories.collapse(table)), np.array([0.7, 20.0, 0.7, 0.7]), len(table)
    )
    assert quick.log_likelihood_ == pytest.approx(whole.log_likelihood_, abs=1e-3)
    assert list(quick.params_.values()) == pytest.approx(list(whole.params_.values()), rel=2e-3)


def test_histories_without_repeats_are_taken_one_by_one() -> None:
    times = np.random.default_rng(6).uniform(30, 60, 20_000)
    table = BetaGeoNBD(MODELS[BetaGeoNBD]).simulate(times, seed=6)
    assert len(Histories.collapse(table).n) == len(table)
    weekly = BetaGeoNBD(MODELS[BetaGeoNBD]).simulate(np.full(20_000, 52.0), seed=6).round(0)
    found = Histories.collapse(weekly)
    assert found.n.sum() == len(weekly)
    assert len(found.n) == len(weekly.drop_duplicates())


def test_order_of_customers_does_not_matter(fitted: BetaGeoNBD | ParetoNBD, cdnow: pd.DataFrame) -> None:
    again = type(fitted)().fit(cdnow.sample(frac=1, random_state=2))
    assert list(again.params_.values()) == pytest.approx(list(fitted.params_.values()), rel=1e-4)


def test_time_unit_scales_the_rates_only(cdnow: pd.DataFrame) -> None:
    days = cdnow.assign(t_x=cdnow["t_x"] * 7, T=cdnow["T"] * 7)
    weekly, daily = BetaGeoNBD().fit(cdnow).params_, BetaGeoNBD().fit(days).params_
    assert daily["alpha"] == pytest.approx(7 * weekly["alpha"], rel=1e-3)
    assert daily["b"] == pytest.approx(weekly["b"], rel=1e-3)


def test_standard_errors_are_those_of_the_information_matrix(cdnow: pd.DataFrame) -> None:
    found = BetaGeoNBD().fit(cdnow).summary
    # From the Hessian of the reference library (standard errors of r, alpha, a, b).
    assert found["se"].to_list() == pytest.approx([0.0126, 0.378, 0.186, 0.705], rel=0.01)
    assert (found["lower"] < found["estimate"]).all()
    assert (found["estimate"] < found["upper"]).all()


# --- parameters by hand, bad histories --------------------------------------------------------------------


def test_parameters_by_hand_and_forms_of_the_answer() -> None:
    model = BetaGeoNBD()
    with pytest.raises(CourseError, match=r"还没有参数：请先 fit"):
        model.p_alive(1, 2, 3)
    model.params_ = MODELS[BetaGeoNBD]
    assert isinstance(model.p_alive(1, 2.0, 3.0), float)
    assert model.p_alive([1, 2], 2.0, 3.0).shape == (2,)
    assert model.params_ == MODELS[BetaGeoNBD]
    model.params_["r"] = 9  # a copy: the model stays as it is
    assert model.params_["r"] == 0.243
    assert repr(model) == "<BetaGeoNBD：r=0.243, alpha=4.414, a=0.793, b=2.426>"
    assert repr(BetaGeoNBD()) == "<BetaGeoNBD：还没有拟合>"
    with pytest.raises(CourseError, match=r"没有标准误"):
        _ = model.summary
    with pytest.raises(CourseError, match=r"没有可比较的观察值"):
        model.plot()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"r": 1, "alpha": 2}, r"键为 r、alpha、a、b"),
        ({"r": 1, "alpha": 2, "a": 0, "b": 1}, r"a 应大于 0，现在是 0"),
        ([1, 2, 3, 4], r"应是字典"),
    ],
)
def test_bad_parameters(params: object, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        BetaGeoNBD(params)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"x": 1.5}, r"第 2 位客户的x 是 1\.5，重复购买次数应是整数"),
        ({"t_x": 50.0}, r"第 2 位客户的t_x 是 50，晚于观察结束 T = 39"),
        ({"x": 0}, r"第 2 位客户的x 是 0，t_x 却是 10：没有重复购买时 t_x 应为 0"),
        ({"T": np.nan}, r"列 T 第 2 行是空值"),
        ({"x": -1}, r"列 x 第 2 行是 -1，应不小于 0"),
    ],
)
def test_impossible_histories(row: dict, message: str) -> None:
    table = pd.DataFrame([{"x": 1, "t_x": 10.0, "T": 39.0}] * 3).astype(float)
    for column, value in row.items():
        table.loc[1, column] = value
    with pytest.raises(CourseError, match=message):
        ParetoNBD().fit(table)


def test_fit_says_what_is_missing(cdnow: pd.DataFrame) -> None:
    with pytest.raises(CourseError, match=r"购买历史缺少列 T"):
        BetaGeoNBD().fit(cdnow[["x", "t_x"]])
    with pytest.raises(CourseError, match=r"请给出 x、t_x、T 三列"):
        BetaGeoNBD().fit(cdnow["x"])
    with pytest.raises(CourseError, match=r"t_x 应有 2357 个数，现在有 3 个"):
        BetaGeoNBD().fit(cdnow["x"], [1, 2, 3], cdnow["T"])
    with pytest.raises(CourseError, match=r"没有一位客户有重复购买"):
        BetaGeoNBD().fit([0, 0], [0, 0], [9, 9])


def test_customers_who_are_all_alike_determine_nothing() -> None:
    with pytest.raises(CourseError, match=r"GammaGamma 在这些数据上没有确定的参数"):
        GammaGamma().fit([2] * 30, [50.0] * 30)
    constant = ShiftedBetaGeometric().fit([1000, 500, 250, 125])  # everybody leaves with the same probability
    assert constant.retention([1, 9]) == pytest.approx([0.5, 0.5], abs=1e-3)
    assert constant.summary["se"].isna().all()


def test_impossible_predictions() -> None:
    model = ParetoNBD(MODELS[ParetoNBD])
    with pytest.raises(CourseError, match=r"t 应是不小于 0 的数，现在有 -1"):
        model.expected_purchases(-1, 1, 2, 3)
    with pytest.raises(CourseError, match=r"t_x 晚于 T"):
        model.p_alive(1, 9, 3)


def test_figures_of_the_models(fitted: BetaGeoNBD | ParetoNBD, cdnow: pd.DataFrame) -> None:
    (ax,) = fitted.plot().axes
    observed, expected = ([bar.get_height() for bar in bars] for bars in ax.containers)
    assert sum(observed) == 2357
    assert observed[0] == 1411
    assert expected[0] == pytest.approx(1411, rel=0.03)
    assert "1,411 位" in fitted.plot().get_suptitle()
    spend = GammaGamma().fit(cdnow).plot()
    assert spend.get_suptitle().startswith("一半客户平均每次消费不超过 27 元，模型认为是 2")
    assert spend.axes[0].lines[0].get_ydata().sum() == pytest.approx(946, rel=0.03)
    survival = ShiftedBetaGeometric().fit(HIGH_END).plot()
    assert survival.get_suptitle() == "7 期后还剩 49%，模型预测 14 期后还剩 35%"
    assert survival.axes[0].lines[0].get_ydata()[12] == pytest.approx(37.8, abs=0.1)


# --- gamma-gamma ------------------------------------------------------------------------------------------


def test_gamma_gamma_on_cdnow(cdnow: pd.DataFrame) -> None:
    model = GammaGamma().fit(cdnow)
    assert model.n_ == 946
    assert model.params_["p"] == pytest.approx(6.25, abs=0.01)
    assert model.params_["q"] == pytest.approx(3.74, abs=0.01)
    assert model.params_["gamma"] == pytest.approx(15.445, abs=0.015)
    assert model.log_likelihood_ == pytest.approx(-4055.92, abs=0.05)
    assert model.correlation_ == pytest.approx(0.11, abs=0.01)
    repeaters = cdnow[cdnow["x"] > 0]
    by_columns = GammaGamma().fit(repeaters["x"], repeaters["monetary"])
    assert by_columns.params_ == pytest.approx(model.params_, rel=1e-6)


@given(x=st.integers(1, 50), mean=st.floats(1, 500))
def test_expected_spend_lies_between_own_and_common_mean(x: int, mean: float) -> None:
    model = GammaGamma({"p": 6.25, "q": 3.74, "gamma": 15.44})
    common = model.expected_spend()
    found = model.expected_spend(x, mean)
    assert min(mean, common) - 1e-9 <= found <= max(mean, common) + 1e-9
    assert abs(model.expected_spend(x + 1, mean) - mean) <= abs(found - mean) + 1e-9


def test_expected_spend_without_purchases_takes_a_missing_mean() -> None:
    model = GammaGamma({"p": 6.25, "q": 3.74, "gamma": 15.44})
    found = model.expected_spend(pd.Series([0, 2], index=["C1", "C2"]), pd.Series([np.nan, 40.0], index=["C1", "C2"]))
    assert found["C1"] == pytest.approx(6.25 * 15.44 / 2.74)
    assert found["C2"] == pytest.approx(6.25 * (15.44 + 80) / (12.5 + 2.74))


def test_parameters_of_spend_come_back() -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(1, 8, 40_000)
    mean = rng.gamma(6.0 * x) / x / rng.gamma(4.0, 1 / 90, 40_000)
    found = GammaGamma().fit(x, mean).summary
    for name, value in {"p": 6.0, "q": 4.0, "gamma": 90.0}.items():
        assert abs(found.loc[name, "estimate"] - value) < 3 * found.loc[name, "se"], name


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1, 2], None), r"请给出 x 与 monetary 两列"),
        (([0, 1], [5.0, 6.0]), r"有重复购买的客户不足 2 位"),
        (([1, 2, 1], [5.0, -6.0, 1.0]), r"列 monetary 第 2 行是 -6，应大于 0"),
        (([1, 2, 1], [5.0, np.nan, 1.0]), r"列 monetary 第 2 行是空值"),
    ],
)
def test_unsound_spend(columns: tuple, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        GammaGamma().fit(*columns)


def test_bad_questions_about_spend() -> None:
    with pytest.raises(CourseError, match=r"q = 0\.5 不大于 1"):
        GammaGamma({"p": 6, "q": 0.5, "gamma": 15}).expected_spend(0)
    with pytest.raises(CourseError, match=r"x 与 monetary 都应是不小于 0 的数"):
        GammaGamma({"p": 6, "q": 3, "gamma": 15}).expected_spend(2, -1)
    with pytest.raises(CourseError, match=r"没有可比较的观察值"):
        GammaGamma({"p": 6, "q": 3, "gamma": 15}).plot()


# --- shifted beta-geometric -------------------------------------------------------------------------------


def test_sbg_high_end() -> None:
    model = ShiftedBetaGeometric().fit(HIGH_END)
    assert model.params_["alpha"] == pytest.approx(0.668, abs=2e-3)
    assert model.params_["beta"] == pytest.approx(3.806, abs=2e-3)
    assert 100 * model.survival(12) == pytest.approx(37.8, abs=0.1)


def test_sbg_regular() -> None:
    model = ShiftedBetaGeometric().fit(pd.Series(REGULAR))
    assert model.params_["alpha"] == pytest.approx(0.704, abs=2e-3)
    assert model.params_["beta"] == pytest.approx(1.182, abs=2e-3)


def test_shares_give_the_same_parameters_as_counts() -> None:
    shares = ShiftedBetaGeometric().fit([100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1])
    assert shares.params_ == pytest.approx(ShiftedBetaGeometric().fit(HIGH_END).params_, rel=1e-4)


@given(alpha=POSITIVE, beta=POSITIVE)
def test_survival_falls_and_retention_rises(alpha: float, beta: float) -> None:
    model = ShiftedBetaGeometric({"alpha": alpha, "beta": beta})
    curve = model.survival(np.arange(30))
    assert curve[0] == pytest.approx(1)
    assert np.all(np.diff(curve) < 0)
    retention = model.retention(np.arange(1, 30))
    assert np.all(np.diff(retention) > 0)
    assert curve[1:] == pytest.approx(np.cumprod(retention))


@settings(max_examples=40)
@given(alpha=st.floats(0.3, 5), beta=st.floats(0.3, 5), n=st.integers(1, 10), discount=st.floats(0.05, 0.5))
def test_derl_is_the_discounted_sum_of_survival(alpha: float, beta: float, n: int, discount: float) -> None:
    model = ShiftedBetaGeometric({"alpha": alpha, "beta": beta})
    t = np.arange(n, n + 2000)
    terms = model.survival(t) / model.survival(n - 1) * (1 + discount) ** -(t - float(n))
    assert model.derl(n, discount) == pytest.approx(terms.sum(), rel=1e-6)
    assert model.expected_lifetime(discount) == pytest.approx(1 + model.derl(1, discount) / (1 + discount), rel=1e-6)


def test_loyal_survivors_are_worth_more() -> None:
    model = ShiftedBetaGeometric().fit(HIGH_END)
    worth = model.derl(pd.Series([1, 2, 3, 4], index=list("abcd")), 0.1)
    assert worth.is_monotonic_increasing
    assert worth.index.to_list() == list("abcd")


@pytest.mark.parametrize(
    ("survivors", "message"),
    [
        ([1000, 900], r"至少要有 3 个数"),
        ([1000, 900, 950], r"第 3 个数 950 大于前一个数"),
        ([1000, 1000, 1000], r"没有客户流失"),
        ([1000, "多", 800], r"survivors 第 2 个值 '多' 不是有限的数"),
    ],
)
def test_unsound_survivors(survivors: list, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        ShiftedBetaGeometric().fit(survivors)


def test_bad_questions_about_survival() -> None:
    model = ShiftedBetaGeometric({"alpha": 0.668, "beta": 3.806})
    with pytest.raises(CourseError, match=r"t 第 1 个值是 -1，应不小于 0"):
        model.survival(-1)
    with pytest.raises(CourseError, match=r"n 第 1 个值是 0，应不小于 1"):
        model.derl(0, 0.1)
    with pytest.raises(CourseError, match=r"discount 应大于 0，现在是 0"):
        model.derl(1, 0)
    with pytest.raises(CourseError, match=r"没有可比较的观察值"):
        model.plot()


def test_sbg_likelihood_is_that_of_the_paper() -> None:
    model = ShiftedBetaGeometric().fit(HIGH_END)
    a, b = model.params_.values()
    lost = -np.diff(HIGH_END)
    terms = [n * (betaln(a + 1, b + t) - betaln(a, b)) for t, n in enumerate(lost)]
    assert model.log_likelihood_ == pytest.approx(sum(terms) + 491 * (betaln(a, b + 7) - betaln(a, b)))


# --- all together -----------------------------------------------------------------------------------------


def test_clv_by_hand(cdnow: pd.DataFrame) -> None:
    model, spend = BetaGeoNBD().fit(cdnow), GammaGamma().fit(cdnow)
    table = clv(model, spend, cdnow, months=2, discount=0.21, margin=0.3, periods_per_month=4)
    customer = cdnow.index[cdnow["x"] > 2][0]
    x, t_x, T, monetary = cdnow.loc[customer]
    first, both = (model.expected_purchases(weeks, x, t_x, T) for weeks in (4, 8))
    value = 0.3 * spend.expected_spend(x, monetary) * (first / 1.21 ** (1 / 12) + (both - first) / 1.21 ** (2 / 12))
    assert table.loc[customer, "clv"] == pytest.approx(value)
    assert table.loc[customer, "purchases"] == pytest.approx(both)
    assert table.index.equals(cdnow.index)
    assert table.notna().all().all()


def test_clv_in_the_shop_whose_truth_is_known() -> None:
    """Fitted on the first year and a half, the forecast ranks customers as the next half year does."""
    shop = data.load("ecommerce")
    buys = data.purchases(shop)
    summary = summary_from_orders(buys, "2025-06-30")
    table = clv(ParetoNBD().fit(summary), GammaGamma().fit(summary), summary, months=6)
    later = holdout_from_orders(buys, "2025-06-30", "2025-12-31")
    assert table["purchases"].sum() == pytest.approx(later["purchases"].sum(), rel=0.25)
    top = table["clv"].rank(pct=True) > 0.8
    assert later.loc[top, "amount"].sum() > 0.55 * later["amount"].sum()


def test_clv_grows_with_the_horizon_and_falls_with_the_discount(cdnow: pd.DataFrame) -> None:
    model, spend = BetaGeoNBD(MODELS[BetaGeoNBD]), GammaGamma({"p": 6.25, "q": 3.74, "gamma": 15.44})
    year, two, dear = (
        clv(model, spend, cdnow, months=months, discount=rate)["clv"]
        for months, rate in [(12, 0.1), (24, 0.1), (12, 0.5)]
    )
    assert (two > year).all()
    assert (dear < year).all()


def test_bad_input_of_clv(cdnow: pd.DataFrame) -> None:
    model, spend = BetaGeoNBD(MODELS[BetaGeoNBD]), GammaGamma({"p": 6.25, "q": 3.74, "gamma": 15.44})
    with pytest.raises(CourseError, match=r"购买历史缺少列 monetary"):
        clv(model, spend, cdnow.drop(columns="monetary"))
    with pytest.raises(CourseError, match=r"margin 应在 0 到 1 之间，现在是 30"):
        clv(model, spend, cdnow, margin=30)
    with pytest.raises(CourseError, match=r"months 应是整数，现在是 1\.5"):
        clv(model, spend, cdnow, months=1.5)  # type: ignore[arg-type]
