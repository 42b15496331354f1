"""The generated campaigns: tables that agree, effects that can be recovered, and the traps of the data card."""

import numpy as np
import pandas as pd
import pytest

from crmlab import campaign, data
from crmlab.generate import campaign as generator

RECIPE = generator.RECIPE
FEATURES = ["recency", "frequency", "monetary", "category", "region", "age_band", "app_user", "past_responses"]


@pytest.fixture(scope="module")
def published() -> data.Tables:
    return data.load("campaign")


@pytest.fixture(scope="module")
def truth() -> generator.Truth:
    return generator.generate(RECIPE.seed, RECIPE.size)[1]


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_tests(request: pytest.FixtureRequest) -> data.Tables:
    """The published tables, and draws that must be alike in shape and difficulty."""
    return data.load("campaign") if request.param == "published" else data.draw("campaign", request.param)


def people(tables: data.Tables, which: str) -> pd.DataFrame:
    """Assignment, answer and features of the customers of one campaign."""
    rows = tables.assignments.merge(tables.responses, on=["campaign_id", "customer_id"])
    return rows[rows["campaign_id"] == which].merge(tables.customers, on="customer_id")


def compared(rows: pd.DataFrame, control: str, arm: str) -> campaign.ABTest:
    groups = rows.groupby("arm")["converted"].agg(["sum", "size"])
    return campaign.ab_test(*groups.loc[control], *groups.loc[arm])


def looks(tables: data.Tables) -> pd.DataFrame:
    """z of each page test (row) after each day (column), from cumulative counts."""
    daily = tables.email_daily.set_index(["campaign_id", "variant", "day"])[["visitors", "conversions"]]
    total = daily.groupby(level=["campaign_id", "variant"]).cumsum().unstack("variant")
    z = [campaign.ab_test(r["conversions", "A"], r["visitors", "A"], r["conversions", "B"], r["visitors", "B"]).z
         for _name, r in total.iterrows()]  # fmt: skip
    return pd.Series(z, index=total.index).unstack("day")


# --- the tables agree -------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(published: data.Tables) -> None:
    tables, _truth = generator.generate(RECIPE.seed, RECIPE.size)
    for table in published:
        made = tables[table][published[table].columns].astype(published[table].dtypes)
        pd.testing.assert_frame_equal(published[table], made, check_exact=True)


def test_another_seed_gives_other_customers_with_other_ids() -> None:
    one, two = data.draw("campaign", "s01"), data.draw("campaign", "s02")
    assert list(one) == list(two)
    assert len(one.customers) == len(two.customers) == RECIPE.drawn
    assert not one.customers["recency"].equals(two.customers["recency"])
    assert one.customers["customer_id"].iloc[0] != two.customers["customer_id"].iloc[0]


def test_names_of_page_tests_are_different(published: data.Tables) -> None:
    assert published.campaigns["name"].is_unique
    assert (published.campaigns["kind"] == "页面测试").sum() == 30


def test_keys(any_tests: data.Tables) -> None:
    customers = any_tests.customers.set_index("customer_id")
    keys = ["campaign_id", "customer_id"]
    assert customers.index.is_unique
    assert not any_tests.assignments.duplicated(keys).any()
    pd.testing.assert_frame_equal(any_tests.assignments[keys], any_tests.responses[keys])
    arms = any_tests.arms.set_index(["campaign_id", "arm"])
    assert set(map(tuple, any_tests.assignments[["campaign_id", "arm"]].to_numpy())) == set(arms.index)
    assert np.allclose(arms["planned_share"].groupby("campaign_id").sum(), 1)
    asked = customers.loc[pd.concat([any_tests.assignments["customer_id"], any_tests.touches["customer_id"]])]
    assert asked["marketing_consent"].all(), "nobody is written to without consent"
    days = any_tests.touches["sent_at"].dt.normalize()
    assert not pd.concat([any_tests.touches["customer_id"], days], axis=1).duplicated().any()


def test_answers_are_possible(any_tests: data.Tables) -> None:
    rows = any_tests.assignments.merge(any_tests.responses, on=["campaign_id", "customer_id"]).merge(
        any_tests.arms, on=["campaign_id", "arm"]
    )
    assert rows["visited"][rows["converted"]].all()
    assert ((rows["spend"] > 0) == rows["converted"]).all()
    assert rows["converted"][rows["coupon_used"]].all()
    assert not rows["coupon_used"][rows["coupon_value"] == 0].any()
    control = rows["arm"] == "control"
    assert rows["sent_at"].isna().equals(control)
    assert not rows["unsubscribed"][control].any()


def test_who_unsubscribes_is_left_alone(any_tests: data.Tables) -> None:
    gone = any_tests.responses[any_tests.responses["unsubscribed"]]
    for left, later in (("CP01", ["CP02", "CP03"]), ("CP02", ["CP03"])):
        names = set(gone.loc[gone["campaign_id"] == left, "customer_id"])
        after = any_tests.assignments[any_tests.assignments["campaign_id"].isin(later)]
        assert names
        assert not names & set(after["customer_id"])
    assert not set(gone["customer_id"]) & set(any_tests.touches["customer_id"])
    last = any_tests.touches.groupby("customer_id")["unsubscribed"].agg(["sum", "last"])
    assert (last["sum"] == last["last"]).all()
    assert last["sum"].sum() > 10


# --- the effects ------------------------------------------------------------------------------------------


def test_the_average_effect_lies_in_the_interval(published: data.Tables, truth: generator.Truth) -> None:
    rows = people(published, "CP01")
    result = compared(rows, "control", "coupon_20")
    real = truth.frame()["uplift"].loc[rows["customer_id"]].mean()
    assert result.interval[0] < real < result.interval[1]
    assert result.significant
    assert 0.08 < real < 0.13


def test_intervals_cover_the_effect_about_as_often_as_they_say() -> None:
    covered = []
    for seed in range(40):
        tables, truth = generator.generate(seed, RECIPE.drawn)
        rows = people(data.Tables("campaign", RECIPE.as_of, tables), "CP01")
        low, high = compared(rows, "control", "coupon_20").interval
        covered.append(low < truth.frame()["uplift"].loc[rows["customer_id"]].mean() < high)
    assert 0.88 <= np.mean(covered) <= 1


def test_drawn_campaigns_find_the_coupon(any_tests: data.Tables) -> None:
    result = compared(people(any_tests, "CP01"), "control", "coupon_20")
    assert result.significant
    assert 0.05 < result.difference < 0.16
    assert 0.10 < result.rate_a < 0.24


def test_what_is_seen_is_one_of_the_two_potential_outcomes(published: data.Tables, truth: generator.Truth) -> None:
    rows = people(published, "CP01").set_index("customer_id")
    known = truth.frame().loc[rows.index]
    seen = np.where(rows["arm"] == "control", known["buys_alone"], known["buys_with_coupon"])
    assert (rows["converted"] == seen).all()
    table = truth.frame().groupby("kind")[["buys_alone", "buys_with_coupon"]].mean()
    assert table.astype(int).to_dict("index") == {
        "persuadable": {"buys_alone": 0, "buys_with_coupon": 1},
        "sure_thing": {"buys_alone": 1, "buys_with_coupon": 1},
        "lost_cause": {"buys_alone": 0, "buys_with_coupon": 0},
        "sleeping_dog": {"buys_alone": 1, "buys_with_coupon": 0},
    }
    frame = truth.frame()
    np.testing.assert_allclose(frame["uplift"], frame["p_with_coupon"] - frame["p_alone"])
    share = frame["kind"].value_counts(normalize=True)
    assert share.min() > 0.03
    assert frame["kind"].eq("persuadable").mean() == pytest.approx(
        (frame["uplift"] + frame["p_alone"]).mean() - frame["kind"].eq("sure_thing").mean(), abs=0.02
    )


@pytest.mark.parametrize("kind", campaign.KINDS)
def test_an_uplift_model_finds_the_persuadables(published: data.Tables, truth: generator.Truth, kind: str) -> None:
    rows = people(published, "CP01").set_index("customer_id")
    treated, half = rows["arm"] == "coupon_20", np.random.default_rng(0).random(len(rows)) < 0.5
    model = campaign.UpliftModel(kind).fit(rows.loc[half, FEATURES], treated[half], rows.loc[half, "converted"])
    score = model.predict(rows.loc[~half, FEATURES])
    qini = campaign.qini(score, treated[~half], rows.loc[~half, "converted"])
    real = truth.frame()["uplift"].loc[score.index]
    assert np.corrcoef(score, real)[0, 1] > 0.6
    assert qini.coefficient > 0.03
    # Even the true uplift does not rank much better: the rest is chance.
    assert qini.coefficient > 0.6 * campaign.qini(real, treated[~half], rows.loc[~half, "converted"]).coefficient
    parts = campaign.uplift_by_decile(score, treated[~half], rows.loc[~half, "converted"], bins=5)["uplift"]
    assert parts.iloc[0] > 0.25
    assert parts.iloc[-1] < 0
    kinds = truth.frame()["kind"].loc[score.index]
    assert score[kinds == "persuadable"].mean() > score.mean() > score[kinds == "sleeping_dog"].mean()


def test_a_response_model_is_not_an_uplift_model(published: data.Tables) -> None:
    """Who buys most is mostly who buys anyway: ranking by the chance to buy gains next to nothing."""
    from sklearn.linear_model import LogisticRegression

    rows = people(published, "CP01")
    treated = rows["arm"] == "coupon_20"
    plain = ["recency", "frequency", "monetary"]
    control = rows[~treated]
    model = LogisticRegression(max_iter=2000).fit(np.log(control[plain]), control["converted"])
    chance = model.predict_proba(np.log(rows[plain]))[:, 1]
    assert campaign.qini(chance, treated, rows["converted"]).coefficient < 0
    assert campaign.lift(chance[~treated], control["converted"].astype(int))["lift"].iloc[0] > 2


def test_drawn_campaigns_let_a_model_learn(any_tests: data.Tables) -> None:
    rows = people(any_tests, "CP01").set_index("customer_id")
    treated = rows["arm"] == "coupon_20"
    halves = np.arange(len(rows)) % 2
    score = pd.Series(0.0, index=rows.index)
    for part in (0, 1):
        fit, use = halves != part, halves == part
        model = campaign.UpliftModel().fit(rows.loc[fit, FEATURES], treated[fit], rows.loc[fit, "converted"])
        score[use] = model.predict(rows.loc[use, FEATURES])
    assert campaign.qini(score, treated, rows["converted"]).coefficient > 0.01


def test_the_best_depth_lies_between_none_and_all(published: data.Tables, truth: generator.Truth) -> None:
    rows = people(published, "CP01")
    frame = truth.frame().loc[rows["customer_id"]]
    value = generator.MARGIN * rows.loc[rows["converted"], "spend"].mean()
    coupons = 20 * (frame["p_with_coupon"] * 0.8)
    gain = (frame["uplift"] * value - coupons) / value
    best = campaign.profit_curve(frame["uplift"].to_numpy(), gain.to_numpy(), value, 0.5)
    assert 0.3 < best.share < 0.7
    assert best.profit > 2 * best.curve["profit"].iloc[-1] > 0


# --- the traps --------------------------------------------------------------------------------------------


def test_coupon_users_are_no_control_group(any_tests: data.Tables) -> None:
    rows = people(any_tests, "CP01")
    group = rows[rows["arm"] == "coupon_20"]
    used = group["coupon_used"]
    naive = group.loc[used, "spend"].mean() - group.loc[~used, "spend"].mean()
    real = campaign.mean_test(rows.loc[rows["arm"] == "control", "spend"], group["spend"]).difference
    assert naive > 4 * real
    assert group.loc[used, "past_responses"].mean() > 1.3 * group.loc[~used, "past_responses"].mean()
    counts = rows.groupby("arm")["converted"].agg(["sum", "size"])
    result = campaign.roi(
        *counts.loc["coupon_20"], *counts.loc["control"], value=60, contact_cost=0.5, reward=20 * used.sum() / counts.loc["coupon_20", "sum"],
    )  # fmt: skip
    assert result.naive_roi > result.roi + 1


def test_the_lost_rows_of_one_campaign_are_found(any_tests: data.Tables) -> None:
    counts = any_tests.assignments.groupby(["campaign_id", "arm"]).size()
    planned = any_tests.arms.set_index(["campaign_id", "arm"])["planned_share"]
    for name, mismatch in (("CP01", False), ("CP02", False), ("CP03", True)):
        assert campaign.sample_ratio(counts[name], planned[name].loc[counts[name].index]).mismatch is mismatch
    rows = people(any_tests, "CP03")
    seen = rows.groupby("arm")["recency"].mean()
    assert seen["brand_sms"] < 0.75 * seen["control"]
    kept = rows[rows["recency"] <= 60]
    assert not campaign.sample_ratio(kept["arm"].value_counts()).mismatch


def test_the_lost_rows_feign_an_effect(published: data.Tables) -> None:
    rows = people(published, "CP03")
    assert compared(rows, "control", "brand_sms").significant
    kept = compared(rows[rows["recency"] <= 60], "control", "brand_sms")
    assert not kept.significant
    assert abs(kept.difference) < 0.5 * compared(rows, "control", "brand_sms").difference


def test_several_variants(published: data.Tables) -> None:
    counts = people(published, "CP02").groupby("arm")["converted"].agg(["sum", "size"])
    counts = counts.loc[["control", "reminder", "coupon_10", "coupon_20"]]
    table = campaign.compare_variants(counts["sum"], counts["size"])
    assert table["significant"].to_dict() == {"reminder": False, "coupon_10": False, "coupon_20": True}
    assert table["difference"].is_monotonic_increasing
    low, high = table["low"], table["high"]
    for arm, strength in (("reminder", 0.1), ("coupon_10", 0.5), ("coupon_20", 1.0)):
        assert low[arm] < strength * 0.105 < high[arm]


def test_peeking_finds_effects_that_are_not_there(published: data.Tables, truth: generator.Truth) -> None:
    z = looks(published)
    none = z[truth.tests["effect"] == "none"].abs() > 1.96
    assert len(none) == 26
    assert none.any(axis=1).sum() >= 5
    assert none[14].sum() <= 2
    bounds = campaign.boundaries(14)
    assert (z[truth.tests["effect"] == "none"].abs() > bounds.to_numpy()).any(axis=1).sum() <= 2
    real = z[truth.tests["effect"] == "real"]
    assert len(real) == 3
    assert (real[14] < -1.96).all(), "B is better, so z of A - B is negative"


def test_peeking_in_many_sets_agrees_with_the_exact_rate() -> None:
    ever = last = count = 0
    for seed in range(12):
        tables, truth = generator.generate(seed, 50)
        z = looks(data.Tables("campaign", RECIPE.as_of, tables))
        none = z[truth.tests["effect"] == "none"].abs() > 1.959964
        ever, last, count = ever + none.any(axis=1).sum(), last + none[14].sum(), count + len(none)
    assert ever / count == pytest.approx(campaign.crossing_probability([1.959964] * 14), abs=0.06)
    assert last / count == pytest.approx(0.05, abs=0.03)


def test_the_novelty_wears_off(any_tests: data.Tables) -> None:
    name = any_tests.campaigns.loc[any_tests.campaigns["name"].str.contains("抽奖转盘"), "campaign_id"].item()
    daily = any_tests.email_daily[any_tests.email_daily["campaign_id"] == name]
    halves = daily.assign(late=daily["day"] > 7).groupby(["late", "variant"])[["conversions", "visitors"]].sum()
    rate = halves["conversions"] / halves["visitors"]
    assert rate[False, "B"] / rate[False, "A"] > 1.15
    assert rate[True, "B"] / rate[True, "A"] < 1.15
    assert looks(any_tests).loc[name, 3] < -1.96


def test_messages_tire_but_the_plain_table_hides_it(published: data.Tables) -> None:
    plain = campaign.saturation(published.touches)
    rows = published.touches.merge(published.customers[["customer_id", "frequency"]], on="customer_id")
    active = campaign.saturation(rows[rows["frequency"] >= 5])
    drop = [1 - table["clicked"].iloc[-1] / table["clicked"].iloc[0] for table in (plain, active)]
    assert drop[1] > drop[0] + 0.1
    assert plain["unsubscribed"].iloc[-1] > 8 * plain["unsubscribed"].iloc[0]
    assert active["unsubscribed"].iloc[-1] > 5 * active["unsubscribed"].iloc[0]
    allowed = campaign.frequency_cap(published.touches, cap=2)
    assert 0.6 < allowed.mean() < 0.9
    assert published.touches["unsubscribed"][~allowed].mean() > 2 * published.touches["unsubscribed"][allowed].mean()


def test_truth_is_in_no_file(published: data.Tables, truth: generator.Truth) -> None:
    columns = {column for table in published for column in published[table]}
    assert not columns & (set(truth.frame().columns) - {"kind"})
    assert not set(published.campaigns["kind"]) & set(generator.KINDS)
    assert data.truth("campaign").equals(truth.frame())
