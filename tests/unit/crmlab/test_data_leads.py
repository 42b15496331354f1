"""The generated leads: the tables agree, the planted behaviour can be found again, the traps of the card are there."""

import numpy as np
import pandas as pd
import pytest

from crmlab import data, funnel, leads
from crmlab.generate import leads as generator

RECIPE = generator.RECIPE
AS_OF = RECIPE.as_of
END = AS_OF + pd.Timedelta(days=1)
AFTERWARDS = ["stage", "status", "closed_at", "amount", "monthly_fee", "lost_reason", "credit_checked"]


@pytest.fixture(scope="module")
def firm() -> data.Tables:
    return data.load("leads")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return data.truth("leads")


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_firm(request: pytest.FixtureRequest) -> data.Tables:
    return data.load("leads") if request.param == "published" else data.draw("leads", request.param)


def rates(firm: data.Tables, mature: int = 120) -> pd.DataFrame:
    return funnel.conversion(firm.stage_history, AS_OF, mature=mature)


# --- the tables agree -------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(firm):
    tables, _truth = generator.generate(RECIPE.seed, RECIPE.size)
    for table in firm:
        pd.testing.assert_frame_equal(firm[table], tables[table].astype(firm[table].dtypes), check_exact=True)


def test_the_same_student_gets_the_same_and_another_one_others():
    one, again, other = (data.draw("leads", student) for student in ("s01", "S01 ", "s02"))
    for table in one:
        pd.testing.assert_frame_equal(one[table], again[table])
    assert not set(one.leads["lead_id"]) & set(other.leads["lead_id"])
    assert {table: list(one[table].columns) for table in one} == {table: list(other[table].columns) for table in other}


def test_keys(any_firm):
    ids = any_firm.leads["lead_id"]
    assert ids.is_unique
    assert set(any_firm.stage_history["lead_id"]) == set(ids)
    assert set(any_firm.activities["lead_id"]) <= set(ids)
    assert set(any_firm.leads["salesperson_id"]) <= set(any_firm.salespeople["salesperson_id"])
    assert set(any_firm.channel_costs["source"]) == set(generator.SOURCES)
    assert len(any_firm.channel_costs) == 18 * len(generator.SOURCES)


def test_the_history_says_what_the_leads_say(any_firm):
    history, table = any_firm.stage_history, any_firm.leads.set_index("lead_id")
    assert history["entered_at"].is_monotonic_increasing
    assert history["entered_at"].max() < END
    last = history.groupby("lead_id")["stage"].last()
    assert last.reindex(table.index).equals(table["stage"].rename("stage"))
    first = history.groupby("lead_id")["entered_at"].first()
    assert (first.reindex(table.index) == table["created_at"]).all()
    closed = history[history["stage"].isin(["成交", "输单"])].set_index("lead_id")["entered_at"]
    assert closed.reindex(table.index).equals(table["closed_at"].rename("entered_at"))
    place = history["stage"].map({name: rank for rank, name in enumerate([*generator.STAGES, generator.LOST])})
    assert (place.groupby(history["lead_id"]).diff().dropna() > 0).all(), "a lead never goes back"


def test_status_and_money_agree(any_firm):
    table = any_firm.leads
    won = table["status"] == "won"
    assert (table.loc[won, "stage"] == "成交").all()
    assert (table.loc[table["status"] == "lost", "stage"] == "输单").all()
    assert table.loc[won, ["amount", "monthly_fee", "closed_at"]].notna().all(axis=None)
    assert table.loc[~won, ["amount", "monthly_fee"]].isna().all(axis=None)
    assert ((table["lost_reason"] == "") == (table["status"] != "lost")).all()


def test_activities_lie_within_the_life_of_the_lead(any_firm):
    table = any_firm.leads.set_index("lead_id")
    at, owner = any_firm.activities["happened_at"], any_firm.activities["lead_id"]
    assert at.is_monotonic_increasing
    assert (at >= owner.map(table["created_at"])).all()
    assert (at <= owner.map(table["closed_at"]).fillna(END)).all()
    last = at.groupby(owner).max().reindex(table.index)
    assert last.equals(table["last_activity_at"].rename("happened_at"))
    never = table["first_response_minutes"].isna()
    assert table.loc[never, ["money_score", "authority_score", "need_score"]].isna().all(axis=None)
    assert not set(table.index[never]) & set(owner)
    assert 0.02 < never.mean() < 0.07


# --- the mechanism ----------------------------------------------------------------------------------------


def test_size_and_shape(any_firm):
    table = any_firm.leads
    assert len(table) in (600, 3000)
    assert 0.07 < (table["status"] == "won").mean() < 0.14
    assert 0.05 < (table["status"] == "open").mean() < 0.11
    assert rates(any_firm)["overall"].iloc[-1] == pytest.approx(0.125, abs=0.035)


def test_the_quote_is_where_it_leaks(firm):
    table = rates(firm)
    assert table["step"].idxmin() == "方案报价"
    assert funnel.leak(table, 1000, 30_000)["value"].idxmax() == "方案报价"


def test_the_three_traits_and_the_speed_drive_the_first_step(truth, firm):
    """The planted coefficients come back from a logit on the true traits of the leads that were answered."""
    import statsmodels.api as sm

    table = firm.leads.set_index("lead_id")
    old = table["first_response_minutes"].notna() & (table["created_at"] < AS_OF - pd.Timedelta(days=90))
    reached = firm.stage_history.loc[firm.stage_history["stage"] == "合格线索", "lead_id"]
    speed = np.log(table.loc[old, "first_response_minutes"].astype(float) / 60 / 1.5)
    x = truth.loc[table.index[old], ["money", "authority", "need"]].assign(speed=speed)
    model = sm.Logit(table.index[old].isin(reached).astype(int), sm.add_constant(x)).fit(disp=0)
    planted = [generator.STEP_BASE[0], *generator.STEP_EFFECT[:, 0], generator.SPEED_EFFECT]
    assert (np.abs(model.params.to_numpy() - planted) < 3.3 * model.bse.to_numpy()).all()
    assert model.bse.max() < 0.1


def test_the_true_chance_is_calibrated(truth):
    table = leads.calibration_table(truth["win_probability"], truth["wins"], bins=5)
    error = np.sqrt(table["predicted"] * (1 - table["predicted"]) / table["customers"])
    assert (np.abs(table["observed"] - table["predicted"]) < 3.3 * error + 1e-3).all()
    assert leads.auc(truth["win_probability"], truth["wins"]) > 0.8


def test_sellers_judge_man_rightly_more_often_than_not(firm, truth):
    talked = firm.leads.dropna(subset="money_score").set_index("lead_id")
    real = truth.loc[talked.index]
    for trait in ("money", "authority", "need"):
        right = ((talked[f"{trait}_score"] >= 6) == (real[trait] > 0)).mean()
        assert 0.78 < right < 0.92
    triage = leads.triage(talked)
    won = real["wins"].groupby(triage["priority"]).mean()
    assert won.is_monotonic_decreasing
    assert won[1] > 5 * won[4]


FEATURES = ["source", "customer_type", "timeline", "pages_viewed", "asked_quote", "money_score", "authority_score", "need_score"]  # fmt: skip


def held_out(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Predicted chance and outcome of the later leads, learnt from the earlier ones."""
    table = table.assign(won_at=table["closed_at"].where(table["status"] == "won"))
    table["won"] = leads.outcome(table, AS_OF, within=90)
    train, test = leads.split_by_time(table[table["won"].notna() & table["money_score"].notna()])
    model = leads.LeadModel(FEATURES).fit(train, train["won"].astype(int))
    return model.predict(test), test["won"].astype(int)


def test_a_model_without_leaks_ranks_well(firm):
    chance, won = held_out(firm.leads)
    assert 0.72 < leads.auc(chance, won) < 0.88
    assert leads.precision_at(chance, won, len(won) // 10) > 2.5 * won.mean()
    table = leads.calibration_table(chance, won, bins=4)
    assert (table["observed"] - table["predicted"]).abs().max() < 0.08


def test_the_model_works_for_students_too():
    found = [held_out(data.draw("leads", f"s{number:02d}").leads) for number in range(1, 7)]
    areas = [leads.auc(chance, won) for chance, won in found]
    assert 0.7 < np.mean(areas) < 0.88
    assert min(areas) > 0.55, "about sixteen wins to test on: an AUC has a standard error of 0.07"


# --- the traps of the card --------------------------------------------------------------------------------


def test_recent_leads_pull_the_rate_down_and_decided_ones_alone_push_it(firm, truth):
    real = truth["wins"].mean()
    assert rates(firm, mature=0)["overall"].iloc[-1] < real - 0.01
    recent = firm.leads[firm.leads["created_at"] >= AS_OF - pd.Timedelta(days=75)]
    settled = recent[recent["status"] != "open"]
    assert abs(rates(firm)["overall"].iloc[-1] - real) < 0.01
    assert (recent["status"] == "won").mean() < 0.6 * real, "most of the recent wins are still to come"
    assert len(settled) < 0.75 * len(recent)
    curve = funnel.win_curve(firm.stage_history, AS_OF)["won"]
    assert curve.iloc[-1] == pytest.approx(real, abs=0.01)


def test_losing_takes_longer_than_moving_on(any_firm):
    table = funnel.time_in_stage(any_firm.stage_history, AS_OF)
    assert (table["median_lost"] > 1.7 * table["median_moved"]).all()


def test_columns_written_afterwards_know_too_much(any_firm):
    table = any_firm.leads[any_firm.leads["created_at"] < AS_OF - pd.Timedelta(days=120)]
    found = leads.leak_signs(table.drop(columns=["lead_id", "closed_at"]), (table["status"] == "won").astype(int))
    suspects = set(found.index[found["suspect"]])
    assert suspects == set(AFTERWARDS) - {"closed_at"}
    contacts = any_firm.activities["lead_id"].value_counts().reindex(table["lead_id"]).fillna(0)
    assert leads.auc(contacts.to_numpy(), table["status"] == "won") > 0.75


def test_cheap_leads_are_not_cheap_customers(firm):
    table = firm.leads.assign(won=firm.leads["status"] == "won")
    cost = funnel.cac(firm.channel_costs, table, monthly="monthly_fee", margin=0.6)
    assert cost["cost_per_lead"].idxmin() == "短视频"
    assert cost["cac"].idxmin() != "短视频"
    assert cost["payback_months"].idxmax() in ("展会", "搜索广告", "短视频")
    assert cost.loc["短视频", "payback_months"] > 2 * cost.loc["老客户转介绍", "payback_months"]
    assert table.groupby("source")["won"].mean().idxmax() == "老客户转介绍"


def test_open_deals_are_worth_less_than_their_stage_says(firm, truth):
    table = firm.leads[firm.leads["status"] == "open"]
    chance = funnel.chances(firm.stage_history, AS_OF, mature=120)
    by_stage = funnel.forecast(table, rates(firm))
    by_age = funnel.forecast(table.assign(p=table["lead_id"].map(chance)), chance="p")
    real = float((table["expected_amount"] * table["lead_id"].map(truth["wins"])).sum())
    assert by_stage.naive > 3.5 * real
    assert by_stage.expected > 1.3 * real
    assert by_age.low < real < by_age.high
    stalled = table["lead_id"].map(truth["stalled"])
    assert stalled.sum() > 20
    assert chance[table.loc[stalled, "lead_id"]].mean() < 0.5 * chance[table.loc[~stalled, "lead_id"]].mean()


def test_fast_answers_went_to_better_leads(firm, truth):
    """Who compares fast with slow without more ado finds too strong an effect of speed."""
    table = firm.leads.dropna(subset="first_response_minutes").set_index("lead_id")
    fast = table["first_response_minutes"] < table["first_response_minutes"].median()
    assert table.loc[fast, "expected_amount"].median() > 1.1 * table.loc[~fast, "expected_amount"].median()
    need = truth.loc[table.index, "need"]
    assert need[fast].mean() > need[~fast].mean()


def test_truth_is_in_no_file(firm, truth):
    assert not {column for table in firm for column in firm[table]} & set(truth.columns)
    assert set(truth["man"]) == set(leads.MAN_RULE)
    assert truth.loc[truth["wins"], "won_on"].notna().all()
    assert not (truth["wins"] & truth["stalled"]).any()
