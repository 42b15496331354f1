"""The generated logistics firm: its tables agree, and the planted mechanism can be found in them."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmlab import data, service
from crmlab.generate import logistics
from crmlab.generate.recipe import Truth

RECIPE = logistics.RECIPE
SURVEY_STARTS = pd.Timestamp(logistics.START) + pd.Timedelta(days=logistics.SURVEY[0])

Made = tuple[dict[str, pd.DataFrame], Truth]
drawn = cache(data.draw)


@pytest.fixture(scope="module")
def firm() -> data.Tables:
    return data.load("logistics")


@pytest.fixture(scope="module")
def made() -> Made:
    return RECIPE.generate(RECIPE.seed, RECIPE.size, 1)


@pytest.fixture(scope="module")
def truth(made: Made) -> pd.DataFrame:
    return made[1].frame()


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_firm(request: pytest.FixtureRequest, firm: data.Tables) -> data.Tables:
    """The published firm, and draws that must be alike in shape and difficulty."""
    return firm if request.param == "published" else drawn("logistics", request.param)


def in_peak(orders: pd.DataFrame) -> pd.Series:
    days = orders["ordered_at"].dt.normalize()
    return pd.concat([days.between(first, last) for first, last in logistics.PEAKS], axis=1).any(axis=1)


def profit(firm: data.Tables) -> pd.Series:
    gain = (firm.orders["billed"] - firm.orders["cost"]).groupby(firm.orders["customer_id"]).sum()
    return gain.reindex(firm.customers["customer_id"], fill_value=0.0)


def honest(firm: data.Tables, truth: pd.DataFrame) -> pd.DataFrame:
    answers = firm.satisfaction.set_index("customer_id").join(truth)
    return answers[answers["answer"] == "honest"]


# --- the tables agree -------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(firm: data.Tables, made: Made) -> None:
    tables, _truth = made
    for table in firm:
        pd.testing.assert_frame_equal(firm[table], tables[table].astype(firm[table].dtypes), check_exact=True)


def test_files_are_sound_and_small(firm: data.Tables) -> None:
    assert len(firm.customers) == RECIPE.size
    assert sum(resource["bytes"] for resource in data.package("logistics")["resources"]) < 2_500_000


def test_students_get_other_customers_of_the_same_firm(firm: data.Tables) -> None:
    one, two = (drawn("logistics", student) for student in ("s01", "s02"))
    assert not one.orders["billed"].head(500).equals(two.orders["billed"].head(500))
    assert not set(one.customers["customer_id"]) & set(firm.customers["customer_id"])
    pd.testing.assert_frame_equal(one.goods, two.goods)
    assert [list(one[table].columns) for table in one] == [list(two[table].columns) for table in two]


def test_keys_and_sums(any_firm: data.Tables) -> None:
    orders, lines = any_firm.orders.set_index("order_id"), any_firm.order_lines
    assert set(orders["customer_id"]) <= set(any_firm.customers["customer_id"])
    assert set(any_firm.satisfaction["customer_id"]) <= set(orders["customer_id"])
    assert not lines.duplicated(["order_id", "line_no"]).any()
    sums = lines.groupby("order_id")[["units_ordered", "units_shipped"]].sum()
    pd.testing.assert_frame_equal(sums, orders[["units_ordered", "units_shipped"]].sort_index(), check_names=False)
    size = lines.groupby("order_id").size()
    full = (lines["units_shipped"] == lines["units_ordered"]).groupby(lines["order_id"]).sum()
    assert (orders["lines_ordered"] == size).all()
    assert (orders["lines_complete"] == full).all()
    from_lines = service.order_kpis(any_firm.orders, lines)
    assert from_lines.to_dict() == pytest.approx(service.order_kpis(any_firm.orders).to_dict())


def test_time_runs_forward_and_status_says_how_far(any_firm: data.Tables) -> None:
    orders = any_firm.orders
    assert orders["ordered_at"].is_monotonic_increasing
    assert (orders["shipped_at"].dropna() >= orders["ordered_at"][orders["shipped_at"].notna()]).all()
    assert (orders["delivered_at"].dropna() > orders["shipped_at"][orders["delivered_at"].notna()]).all()
    assert (orders["promised_at"] > orders["ordered_at"]).all()
    assert orders["delivered_at"].max() < any_firm.as_of + pd.Timedelta(days=1)
    assert orders["delivered_at"].dt.hour.dropna().between(8, 19).all(), "nobody signs at night"
    status = orders["status"]
    assert (orders["delivered_at"].notna() == (status == "delivered")).all()
    assert (orders["shipped_at"].notna() == status.isin(["delivered", "in_transit"])).all()
    assert (orders.loc[status.isin(["processing", "cancelled"]), "units_shipped"] == 0).all()
    since = orders["customer_id"].map(any_firm.customers.set_index("customer_id")["customer_since"])
    assert (orders["ordered_at"] >= since).all()


def test_recovery_only_where_something_went_wrong(any_firm: data.Tables) -> None:
    orders = any_firm.orders[any_firm.orders["status"] == "delivered"]
    short = orders["units_shipped"] < orders["units_ordered"]
    fault = short | (orders["damaged_units"] > 0) | (orders["wrong_units"] > 0)
    assert orders.loc[~fault, "recovery_hours"].isna().all()
    assert 0.08 < orders.loc[fault, "recovery_hours"].isna().mean() < 0.2, "some faults are never put right"
    assert (orders[["damaged_units", "wrong_units"]].max(axis=1) <= orders["units_shipped"]).all()
    assert not (orders["special_handled"] & ~orders["special_request"]).any()


# --- orders and customers ---------------------------------------------------------------------------------


def test_size_and_service_level(any_firm: data.Tables) -> None:
    orders = len(any_firm.orders) / len(any_firm.customers)
    assert 17 < orders < 30
    kpis = service.order_kpis(any_firm.orders, as_of=any_firm.as_of)
    assert 0.89 < kpis["on_time_rate"] < 0.95
    assert 0.91 < kpis["order_fill_rate"] < 0.95
    assert kpis["order_fill_rate"] < kpis["line_fill_rate"] < kpis["unit_fill_rate"]
    assert 0.70 < kpis["perfect_order_rate"] < 0.83
    assert kpis["perfect_order_rate"] < min(kpis["on_time_rate"], kpis["order_fill_rate"])


def test_profit_is_spread_as_the_curriculum_says(any_firm: data.Tables) -> None:
    gain = profit(any_firm).sort_values(ascending=False)
    count, total = len(gain), gain.sum()
    top, next_ = gain.iloc[: round(0.05 * count)].sum(), gain.iloc[round(0.05 * count) : round(0.20 * count)].sum()
    assert 0.72 < top / total < 0.87
    assert 0.09 < next_ / total < 0.21
    assert 0.03 < 1 - (top + next_) / total < 0.09


def test_a_few_customers_lose_money(any_firm: data.Tables, truth: pd.DataFrame, firm: data.Tables) -> None:
    losing = profit(any_firm) < 0
    assert 0.005 < losing.mean() < 0.07
    margin = truth.loc[profit(firm)[profit(firm) < 0].index]
    assert set(margin["tier"]) == {"常规"}
    assert margin["margin"].max() < 0.05


def test_one_warehouse_fails_in_the_peak_and_the_year_hides_it(any_firm: data.Tables) -> None:
    orders = any_firm.orders.assign(peak=in_peak(any_firm.orders))
    kpis = service.order_kpis(orders, by=["peak", "warehouse"])
    weak, others = logistics.WEAK_WAREHOUSE, [name for name in logistics.WAREHOUSES if name != logistics.WEAK_WAREHOUSE]
    assert kpis.loc[(True, weak), "on_time_rate"] < 0.6
    assert kpis.loc[True].loc[others, "on_time_rate"].min() > 0.8
    quiet = kpis.loc[False]
    assert quiet["on_time_rate"].max() - quiet["on_time_rate"].min() < 0.07
    assert kpis.loc[(True, weak), "order_fill_rate"] < kpis.loc[True].loc[others, "order_fill_rate"].min() - 0.05
    assert service.order_kpis(orders, by="warehouse").loc[weak, "on_time_rate"] > 0.75


def test_orders_peak_in_june_and_november(firm: data.Tables) -> None:
    daily = firm.orders.groupby(firm.orders["ordered_at"].dt.normalize()).size()
    peak = np.array([in_peak(pd.DataFrame({"ordered_at": daily.index})).to_numpy()]).ravel()
    assert 1.6 < daily[peak].mean() / daily[~peak].mean() < 2.3
    assert daily["2025-01-28":"2025-02-02"].mean() < 0.5 * daily["2025-02-10":"2025-02-28"].mean()
    weekday = daily.groupby(daily.index.dayofweek).mean()
    assert weekday[6] < 0.6 * weekday[1]


def test_one_carrier_is_cheap_and_careless(any_firm: data.Tables) -> None:
    delivered = any_firm.orders[any_firm.orders["status"] == "delivered"]
    damaged = (delivered["damaged_units"] > 0).groupby(delivered["carrier"]).mean()
    bad = logistics.CARELESS_CARRIER
    assert damaged[bad] > 2 * damaged.drop(bad).max()
    assert 0.04 < damaged[bad] < 0.09


def test_small_customers_use_the_careless_carrier_more(firm: data.Tables, truth: pd.DataFrame) -> None:
    orders = firm.orders
    share = (orders["carrier"] == logistics.CARELESS_CARRIER).groupby(orders["customer_id"].map(truth["tier"])).mean()
    assert share["常规"] > 0.36 > 0.20 > share["关键"]


def test_open_orders_hide_lateness(firm: data.Tables) -> None:
    """Leaving out what is overdue makes the rate better: the direction, and that such orders exist."""
    orders = firm.orders
    overdue = (orders["status"] == "in_transit") & (orders["promised_at"] < firm.as_of + pd.Timedelta(days=1))
    assert overdue.sum() >= 3
    december = orders[orders["ordered_at"] >= "2025-12-20"]
    told = service.order_kpis(december)["on_time_rate"]
    assert service.order_kpis(december, as_of=firm.as_of)["on_time_rate"] < told


# --- satisfaction -----------------------------------------------------------------------------------------


def test_experience_in_the_truth_is_that_of_the_orders(firm: data.Tables, truth: pd.DataFrame) -> None:
    seen = firm.orders[firm.orders["delivered_at"] < SURVEY_STARTS]
    delay = (seen["delivered_at"] - seen["promised_at"]).dt.total_seconds() / 3600
    groups = seen["customer_id"]
    pd.testing.assert_series_equal(
        delay.clip(lower=0).groupby(groups).mean(), truth["late_hours"].dropna().sort_index(), check_names=False
    )
    damaged = (seen["damaged_units"] > 0).groupby(groups).mean()
    pd.testing.assert_series_equal(damaged, truth["damaged_share"].dropna().sort_index(), check_names=False)


@pytest.mark.parametrize("indicator", logistics.INDICATORS)
def test_effects_of_experience_can_be_recovered(firm: data.Tables, truth: pd.DataFrame, indicator: str) -> None:
    """Marks are rounded and cut off at 1 and 10, so the slopes come out a little flatter than they were planted."""
    answers = honest(firm, truth)
    effects = {cause: size for cause, size in logistics.EFFECTS[indicator].items() if cause not in ("base", "team")}
    causes = answers[list(effects)].fillna({"request_share": 0.85, "recovery_hours": 24.0})
    mark = answers[f"performance_{indicator}"].astype(float).dropna()
    fit = sm.OLS(mark, sm.add_constant(causes.loc[mark.index])).fit()
    for cause, size in effects.items():
        assert abs(fit.params[cause] - size) < 3.5 * fit.bse[cause] + 0.15 * abs(size), (cause, fit.params[cause], size)
        assert np.sign(fit.params[cause]) == np.sign(size)


def test_late_hours_hurt_more_than_early_hours_help(firm: data.Tables, truth: pd.DataFrame) -> None:
    answers = honest(firm, truth)
    mark = answers["performance_on_time"].astype(float).dropna()
    fit = sm.OLS(mark, sm.add_constant(answers.loc[mark.index, ["late_hours", "early_hours"]])).fit()
    assert -fit.params["late_hours"] > 3 * fit.params["early_hours"] > 0


def test_account_teams_differ(firm: data.Tables, truth: pd.DataFrame) -> None:
    answers = honest(firm, truth).join(firm.customers.set_index("customer_id")["team"])
    staff = answers["performance_staff"].astype(float).groupby(answers["team"]).mean()
    assert staff["一组"] - staff["三组"] == pytest.approx(1.0, abs=0.35)


def test_derived_weights_follow_the_true_ones_and_stated_price_does_not(firm: data.Tables, truth: pd.DataFrame) -> None:
    answers = honest(firm, truth)
    marks = answers[[f"performance_{name}" for name in logistics.INDICATORS]].astype(float).dropna()
    fit = sm.OLS(answers.loc[marks.index, "overall"].astype(float), sm.add_constant(marks)).fit()
    derived = fit.params.iloc[1:].set_axis(logistics.INDICATORS)
    assert derived.idxmax() in ("on_time", "accuracy")
    assert abs(derived - logistics.WEIGHTS).max() < 0.13
    assert fit.rsquared > 0.4
    stated = answers[[f"importance_{name}" for name in logistics.INDICATORS]].astype(float).mean()
    stated = stated.set_axis(logistics.INDICATORS).rank(ascending=False)
    assert stated["on_time"] == 1
    assert stated["price"] == 2, "everybody says that price matters"
    assert pd.Series(logistics.WEIGHTS, logistics.INDICATORS).rank(ascending=False)["price"] >= 6


def test_will_to_stay_is_flat_in_the_middle(firm: data.Tables, truth: pd.DataFrame) -> None:
    answers = honest(firm, truth)
    gap, stay = answers["satisfaction"] - 7.2, answers["repurchase"].astype(float)
    fit = sm.OLS(stay, sm.add_constant(pd.DataFrame({"gap": gap, "cube": gap**3}))).fit()
    assert fit.params["cube"] > 0.05
    assert fit.pvalues["cube"] < 0.01


def test_silence_is_not_random(truth: pd.DataFrame, any_firm: data.Tables) -> None:
    answered = (truth["answer"] != "")[truth["satisfaction"].notna()]
    known = truth.loc[answered.index, "satisfaction"]
    assert known[answered].mean() > known[~answered].mean() + 0.15
    assert 0.7 < len(any_firm.satisfaction) / len(any_firm.customers) < 0.93


def test_dishonest_answers_can_be_found(firm: data.Tables, truth: pd.DataFrame) -> None:
    answers = firm.satisfaction.set_index("customer_id")
    marks = answers.drop(columns=["answered_at", "seconds"])
    kind = truth.loc[answers.index, "answer"]
    straight = marks.nunique(axis=1) == 1
    assert (kind[straight] == "straight").all()
    assert (kind == "straight").sum() == straight.sum() >= 5
    filled = kind == "filled_in"
    assert filled.sum() >= 5
    assert (marks[filled] >= 9).all(axis=None)
    evening = answers["answered_at"].dt.hour == 21
    assert (evening == filled).all()
    assert (
        answers.loc[kind != "honest", "seconds"].max() <= 70 < answers.loc[kind == "honest", "seconds"].quantile(0.05)
    )


def test_marks_stay_on_their_scales_and_some_are_missing(any_firm: data.Tables) -> None:
    answers = any_firm.satisfaction
    items = answers.filter(regex="^(importance|performance)_")
    assert items.shape[1] == 18
    assert items.min(axis=None) >= 1
    assert items.max(axis=None) <= 10
    assert 0.01 < items.isna().mean(axis=None) < 0.05
    assert answers["recommend"].between(0, 10).all()
    assert answers["answered_at"].is_monotonic_increasing


# --- experts ----------------------------------------------------------------------------------------------


def matrix(judgements: pd.DataFrame) -> np.ndarray:
    """The judgement matrix of one expert."""
    place = {name: row for row, name in enumerate(logistics.INDICATORS)}
    found = np.ones((9, 9))
    for first, second, preferred, strength in judgements.drop(columns="expert").itertuples(index=False):
        ratio = 1 / strength if preferred == second else float(strength)
        found[place[first], place[second]], found[place[second], place[first]] = ratio, 1 / ratio
    return found


def consistency(found: np.ndarray) -> tuple[np.ndarray, float]:
    values, vectors = np.linalg.eig(found)
    best = int(np.argmax(values.real))
    weights = np.abs(vectors[:, best].real)
    return weights / weights.sum(), (values[best].real - 9) / 8 / 1.45


def test_experts_know_the_weights_but_one_contradicts_himself(any_firm: data.Tables) -> None:
    found = {name: consistency(matrix(rows)) for name, rows in any_firm.judgements.groupby("expert")}
    assert len(found) == 7
    assert any_firm.judgements.groupby("expert").size().eq(36).all()
    bad = {name for name, (_weights, ratio) in found.items() if ratio >= 0.10}
    assert bad == {"E6"}
    mean = np.mean([weights for name, (weights, _ratio) in found.items() if name != "E6"], axis=0)
    assert np.abs(mean - logistics.WEIGHTS).max() < 0.04


def test_multiples_start_at_one_and_lead_to_the_weights(any_firm: data.Tables) -> None:
    table = any_firm.multiples.pivot(index="expert", columns="indicator", values="multiple")[list(logistics.INDICATORS)]
    assert (table.min(axis=1) == 1).all()
    weights = table.div(table.sum(axis=1), axis=0).mean()
    assert abs(weights - logistics.WEIGHTS).max() < 0.04


# --- the front store --------------------------------------------------------------------------------------


def test_stock_sells_what_there_is(any_firm: data.Tables) -> None:
    stock = any_firm.stock
    assert (stock["sold"] == stock[["demand", "opening"]].min(axis=1)).all()
    assert stock.groupby("sku").size().eq(365).all()
    fresh = stock["sku"].map(any_firm.goods.set_index("sku")["fresh"])
    short = (stock["sold"] < stock["demand"]).groupby(stock["sku"]).mean()
    assert short[any_firm.goods.set_index("sku")["fresh"]].min() > 0.3, "sales of fresh goods understate demand"
    assert (stock["sold"] < stock["demand"])[~fresh].mean() < 0.06


def test_demand_has_its_planted_mean_and_shape(firm: data.Tables) -> None:
    demand = firm.stock.pivot(index="date", columns="sku", values="demand")
    planted = pd.DataFrame(logistics.GOODS).set_index(firm.goods["sku"])
    assert (demand.mean() / planted[8]).between(0.85, 1.12).all()
    assert (demand["G12"] == 0).mean() > 0.75, "intermittent"
    assert demand["G03"].var() / demand["G03"].mean() == pytest.approx(1, abs=0.25), "Poisson"
    weekend = demand.index.dayofweek >= 5
    assert demand.loc[weekend, "G04"].mean() > 1.6 * demand.loc[~weekend, "G04"].mean()
    assert demand["G10"].iloc[-90:].mean() > 1.4 * demand["G10"].iloc[:90].mean(), "growing"


def test_bread_is_the_newsvendor_of_the_textbook(firm: data.Tables) -> None:
    bread, sample = firm.goods.iloc[0], firm.stock.loc[firm.stock["sku"] == "G01", "demand"]
    costs = {"underage": bread["price"] - bread["cost"], "overage": bread["cost"] - bread["salvage"]}
    normal = service.newsvendor(**costs, mean=float(sample.mean()), sd=float(sample.std()))
    assert normal.critical_ratio == pytest.approx(0.769, abs=1e-3)
    assert normal.quantity == pytest.approx(15.22, abs=0.6)
    assert abs(service.newsvendor(**costs, demand=sample).units - normal.units) <= 1


# --- truth ------------------------------------------------------------------------------------------------


def test_truth_is_in_no_file(firm: data.Tables, truth: pd.DataFrame) -> None:
    columns = {column for table in firm for column in firm[table]}
    assert not columns & (set(truth.columns) - {"recovery_hours"}), "hours of one order are told, of a customer not"
    assert truth["tier"].value_counts().to_dict() == {"常规": 320, "合适": 60, "关键": 20}
    for table in firm:
        for column in firm[table].select_dtypes("str"):
            assert not firm[table][column].isin(logistics.TIERS).any()
