"""The membership club: its tables agree, the planted mechanism can be found in them, and the traps are there."""

import numpy as np
import pandas as pd
import pytest

from crmlab import churn, data, loyalty
from crmlab.generate import membership

RECIPE = membership.RECIPE
DRIVERS = ["complaint", "price", "expired"]


@pytest.fixture(scope="module")
def club() -> data.Tables:
    return data.load("membership")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return data.truth("membership")


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_club(request: pytest.FixtureRequest) -> data.Tables:
    return data.load("membership") if request.param == "published" else data.draw("membership", request.param)


def event_log(club: data.Tables, cutoff: str) -> pd.DataFrame:
    """All that happens to a member as one long table; a complaint is open if nobody had solved it by the cutoff."""
    logins = club.activity[["customer_id", "date"]].assign(kind="login", amount=club.activity["logins"])
    contacts = club.contacts[club.contacts["kind"] != "exit"]
    is_open = (contacts["kind"] == "complaint") & ~(contacts["resolved_at"] < cutoff)
    contacts = contacts[["customer_id", "date"]].assign(kind=contacts["kind"].mask(is_open, "open"))
    return pd.concat([club.purchases.assign(kind="purchase"), contacts, logins], ignore_index=True)


def snapshot(club: data.Tables, cutoff: str, horizon: int = 60) -> tuple[pd.DataFrame, pd.Series]:
    members = club.members.set_index("customer_id")
    X = churn.features(event_log(club, cutoff), cutoff, windows=(28, 56, 112), joined=members["joined_at"], kind="kind")
    y = churn.label_members(club.members, cutoff, horizon, until=club.as_of)
    return X.loc[y.index].assign(annual=(members["plan"] == "annual").astype(float)), y


def renewals(club: data.Tables) -> pd.DataFrame:
    """One row a renewal that fell due: what had happened two months before, and whether the member left at it."""
    members = club.members
    parts = []
    for month in range(1, 24):
        due = members["joined_at"] + pd.DateOffset(months=month)
        there = (due <= club.as_of) & ~(members["left_at"] < due)
        there &= (members["plan"] == "monthly") | (month % 12 == 0)
        decision = members["joined_at"] + pd.DateOffset(months=max(month - 2, 0))
        left = (members["left_at"] == due).astype(int)
        parts.append(members.assign(month=month, due=due, decision=decision, leaves=left)[there])
    table = pd.concat(parts, ignore_index=True).sort_values(["customer_id", "month"], ignore_index=True)
    open_complaints = club.contacts[(club.contacts["kind"] == "complaint") & club.contacts["resolved_at"].isna()]
    lost = club.points[club.points["kind"] == "expire"].assign(weight=lambda t: -t["points"])
    table["complaint"] = recently(table, open_complaints.assign(weight=1)) > 0
    table["expired"] = recently(table, lost) >= membership.EXPIRED_POINTS
    raised = table["due"] >= membership.PRICE_DAY
    table["price"] = raised & (raised.groupby(table["customer_id"]).cumsum() == 1)
    table["price"] &= table["joined_at"] < membership.PRICE_DAY
    return table.astype(dict.fromkeys(DRIVERS, float))


def recently(table: pd.DataFrame, events: pd.DataFrame) -> pd.Series:
    pairs = table.reset_index()[["index", "customer_id", "decision"]].merge(events, on="customer_id")
    age = (pairs["decision"] - pairs["date"]).dt.days
    sums = pairs[(age >= 0) & (age < membership.LOOK_BACK)].groupby("index")["weight"].sum()
    return sums.reindex(table.index, fill_value=0)


@pytest.fixture(scope="module")
def due(club: data.Tables, truth: pd.DataFrame) -> pd.DataFrame:
    """The renewals of all who got no coupon, with their true chance to leave."""
    table = renewals(club)
    got = table["customer_id"].isin(club.offers.loc[club.offers["group"] == "treatment", "customer_id"])
    in_test = got & (table["due"] > membership.OFFER_DAY) & (table["due"] <= membership.OFFER_END)
    return table[~in_test].assign(theta=lambda t: t["customer_id"].map(truth["theta"]))


# ------------------------------------------------------------------------------------------------- the tables agree


def test_draws_differ_in_members_and_not_in_shape() -> None:
    one, other = (data.draw("membership", student) for student in ("s01", "s02"))
    again = data.draw("membership", "S01")
    for table in one:
        pd.testing.assert_frame_equal(one[table], again[table])
        assert (one[table].dtypes == other[table].dtypes).all()
        assert not one[table].equals(other[table])
    assert len(one.members) == len(other.members) == RECIPE.drawn
    assert not set(one.members["customer_id"]) & set(data.load("membership").members["customer_id"])


def test_keys_and_time(any_club: data.Tables) -> None:
    members = any_club.members.set_index("customer_id")
    assert members.index.is_unique
    for table in ("purchases", "points", "activity", "contacts", "offers"):
        assert any_club[table]["customer_id"].isin(members.index).all()
    for table in ("purchases", "activity"):
        when, who = any_club[table]["date"], any_club[table]["customer_id"]
        first, last = who.map(members["joined_at"]), who.map(members["left_at"])
        assert (when >= first).all()
        month_end = pd.offsets.MonthEnd(0) if table == "activity" else pd.Timedelta(0)
        assert not (when > last + month_end).any(), "nothing after leaving"
    assert not (any_club.purchases["date"] == any_club.purchases["customer_id"].map(members["left_at"])).any()
    assert (any_club.activity["opened"] <= any_club.activity["received"]).all()
    assert any_club.activity["date"].dt.is_month_end.all()
    assert not (any_club.contacts["resolved_at"] < any_club.contacts["date"]).any()


def test_members_leave_on_a_renewal_day(any_club: data.Tables) -> None:
    gone = any_club.members.dropna(subset="left_at")
    months = (gone["left_at"].dt.to_period("M") - gone["joined_at"].dt.to_period("M")).map(lambda gap: gap.n)
    due = pd.Series([a + pd.DateOffset(months=k) for a, k in zip(gone["joined_at"], months, strict=True)], gone.index)
    assert (due == gone["left_at"]).all()
    assert (months >= 1).all()
    assert (months[gone["plan"] == "annual"] == 12).all()


def test_the_points_programme_of_the_card_gives_the_ledger_to_the_point(any_club: data.Tables) -> None:
    club = loyalty.PointsProgramme(
        earn_rate=membership.POINTS_PER_YUAN,
        point_value=membership.POINT_VALUE,
        expiry_months=membership.EXPIRY_MONTHS,
    )
    burned = any_club.points[any_club.points["kind"] == "burn"].assign(points=lambda t: -t["points"])
    ledger = club.ledger(any_club.purchases, burned, until=any_club.as_of)
    pd.testing.assert_frame_equal(ledger.drop(columns="balance"), any_club.points, check_dtype=False)
    assert (ledger["balance"] >= 0).all()
    assert (burned["points"] % 100 == 0).all()
    facts = loyalty.points_summary(ledger)
    assert 0.5 < facts["breakage"] < 0.75


def test_truth_is_in_no_file(club: data.Tables, truth: pd.DataFrame) -> None:
    assert truth.index.tolist() == club.members["customer_id"].tolist()
    assert not {column for table in club for column in club[table]} & set(truth.columns)
    for table in club:
        for column in club[table].select_dtypes("str"):
            assert not club[table][column].isin(membership.UPLIFT_TYPES).any()


# ------------------------------------------------------------------------------------------- the mechanism is found


def test_churn_falls_with_tenure_as_in_the_shifted_beta_geometric(due: pd.DataFrame) -> None:
    """With α = 1, β = 9 the survival is 9 / (9 + t); complaints take a little more away."""
    monthly = due[(due["plan"] == "monthly") & (due["due"] < membership.PRICE_DAY)]
    hazard = monthly.groupby("month")["leaves"].mean()
    survival = (1 - hazard).cumprod()
    _alpha, beta = membership.THETA_MONTHLY
    for month, tolerance in ((3, 0.03), (6, 0.04), (12, 0.06)):
        assert survival[month] == pytest.approx(beta / (beta + month), abs=tolerance)
    early, late = (monthly.loc[monthly["month"].between(*span), "leaves"].mean() for span in ((1, 3), (7, 14)))
    assert late < 0.8 * early
    first_year = due.loc[(due["plan"] == "annual") & (due["month"] == 12), "leaves"].mean()
    assert 0.30 < first_year < 0.47  # mean of the beta distribution .30, raised by the dearer fee


def test_theta_is_beta_distributed(truth: pd.DataFrame, club: data.Tables) -> None:
    annual = (club.members["plan"] == "annual").to_numpy()
    for plan, (a, b) in ((annual, membership.THETA_ANNUAL), (~annual, membership.THETA_MONTHLY)):
        theta = truth["theta"][plan]
        assert theta.mean() == pytest.approx(a / (a + b), abs=0.02)
        assert theta.var() == pytest.approx(a * b / ((a + b) ** 2 * (a + b + 1)), rel=0.15)


def test_planted_effects_are_recovered_within_three_standard_errors(due: pd.DataFrame) -> None:
    import statsmodels.api as sm

    design = sm.add_constant(due[DRIVERS])
    offset = np.log(due["theta"] / (1 - due["theta"]))
    fit = sm.GLM(due["leaves"], design, family=sm.families.Binomial(), offset=offset).fit()
    planted = {
        "const": 0,
        "complaint": membership.COMPLAINT,
        "price": membership.PRICE_RISE,
        "expired": membership.EXPIRED,
    }
    for name, value in planted.items():
        assert abs(fit.params[name] - value) < 3 * fit.bse[name], name
    assert (fit.params[DRIVERS] > 2 * fit.bse[DRIVERS]).all(), "each effect is there to be seen"


def test_without_the_person_expired_points_look_harmless(due: pd.DataFrame) -> None:
    """The card's warning: much expires for those who buy much, and they are the ones who stay."""
    monthly = due[(due["plan"] == "monthly") & (due["month"] > 6)]
    rate = monthly.groupby("expired")["leaves"].mean()
    chance = monthly.groupby("expired")["theta"].mean()
    assert rate[1.0] < 1.25 * rate[0.0]
    assert chance[1.0] < 0.8 * chance[0.0]


def test_the_price_rise_shows_in_the_month(club: data.Tables) -> None:
    rates = churn.churn_by_period(club.members["joined_at"], club.members["left_at"])["churn_rate"]
    assert rates["2025-04"] > 1.3 * max(rates["2025-03"], rates["2025-05"])
    assert rates["2024-06":].between(0.025, 0.11).all()


def test_members_fall_silent_two_months_before_they_leave(club: data.Tables) -> None:
    activity = club.activity.merge(club.members, on="customer_id")
    activity["to_go"] = (activity["left_at"].dt.to_period("M") - activity["date"].dt.to_period("M")).map(
        lambda gap: getattr(gap, "n", -1)
    )
    old = activity[activity["date"].dt.to_period("M") > activity["joined_at"].dt.to_period("M") + 2]
    logins = old[old["left_at"].notna()].groupby("to_go")["logins"].mean()
    usual = logins.loc[4:6].mean()
    assert logins[1] < 0.55 * usual
    assert logins[2] < 0.85 * usual
    assert logins[3] == pytest.approx(usual, rel=0.15)


def test_decisions_come_before_leaving(club: data.Tables, truth: pd.DataFrame) -> None:
    members = club.members.set_index("customer_id")
    lead = (members["left_at"] - truth["decided_at"]).dt.days.dropna()
    assert len(lead) == members["left_at"].notna().sum()
    assert lead.between(28, 62).all()
    assert (truth["decided_at"].notna() & members["left_at"].isna()).sum() > 20, "some have decided and not yet left"


def test_who_stays(club: data.Tables, truth: pd.DataFrame) -> None:
    monthly = (club.members["plan"] == "monthly").to_numpy()
    by_channel = truth["theta"][monthly].groupby(club.members["channel"].to_numpy()[monthly]).mean()
    assert by_channel.idxmin() == "老会员推荐"
    assert by_channel.idxmax() == "短视频"
    assert np.corrcoef(np.log(truth["purchase_rate"][monthly]), np.log(truth["theta"][monthly]))[0, 1] < -0.3


# ------------------------------------------------------------------------------------------------ warning and traps


@pytest.fixture(scope="module")
def warned(club: data.Tables) -> tuple[churn.ChurnModel, pd.DataFrame, pd.Series]:
    """A model of four earlier cutoffs, and the customers of a later one."""
    cutoffs = ["2025-01-01", "2025-03-01", "2025-05-01", "2025-07-01"]
    parts = [snapshot(club, cutoff) for cutoff in cutoffs]
    X, y = pd.concat([p[0] for p in parts], keys=cutoffs), pd.concat([p[1] for p in parts], keys=cutoffs)
    return churn.ChurnModel().fit(X, y), *snapshot(club, "2025-11-01")


def test_an_honest_model_warns_rather_well(warned) -> None:
    model, X, y = warned
    assert 0.70 < model.score(X, y) < 0.90
    table = model.summary
    assert table.loc["login_amount_28", "coef"] < -0.3
    assert table.loc["login_amount_28", "p"] < 0.001
    assert churn.lift_table(model.predict_proba(X), y)["lift"].iloc[0] > 2
    p = model.predict_proba(X)
    assert churn.ece(p, y) < 0.05
    assert p.mean() == pytest.approx(y.mean(), abs=0.04)


def test_signs_of_the_features_are_those_of_the_mechanism(club: data.Tables) -> None:
    parts = [
        snapshot(club, cutoff) for cutoff in ("2025-02-01", "2025-04-01", "2025-06-01", "2025-08-01", "2025-10-01")
    ]
    X = pd.concat([p[0] for p in parts], ignore_index=True)
    y = pd.concat([p[1] for p in parts], ignore_index=True)
    few = X[
        [
            "purchase_count_28",
            "login_amount_28",
            "login_trend",
            "open_count_112",
            "complaint_count_112",
            "tenure",
            "annual",
        ]
    ]
    table = churn.ChurnModel().fit(few, y).summary
    signs = {"purchase_count_28": -1, "login_amount_28": -1, "open_count_112": 1, "tenure": -1, "annual": -1}
    for name, sign in signs.items():
        assert sign * table.loc[name, "z"] > 2, name
    assert abs(table.loc["complaint_count_112", "z"]) < 2.5, "a complaint that was settled drives nobody away"


def test_columns_written_after_leaving_give_themselves_away(club: data.Tables) -> None:
    X, y = snapshot(club, "2025-11-01")
    members = club.members.set_index("customer_id").loc[y.index]
    leaked = churn.ChurnModel().fit(X.assign(status=(members["status"] == "left").astype(float)), y)
    assert leaked.auc_ > 0.97
    report = churn.check_leakage(members.join(X), y, cutoff="2025-11-01")
    assert set(report.index) == {"left_at", "status", "last_contact_reason"}
    assert report.loc["last_contact_reason", "auc"] > 0.95
    assert churn.check_leakage(X, y, cutoff="2025-11-01").empty


def test_exit_calls_and_expiries_come_after_leaving(club: data.Tables) -> None:
    left = club.members.set_index("customer_id")["left_at"]
    exits = club.contacts[club.contacts["kind"] == "exit"]
    assert len(exits) > 0.5 * left.notna().sum()
    assert (exits["date"] >= exits["customer_id"].map(left)).all()
    after = club.points[club.points["date"] > club.points["customer_id"].map(left)]
    assert len(after) > 1000
    assert set(after["kind"]) == {"expire"}


def test_contract_and_behaviour_are_two_kinds_of_churn(club: data.Tables) -> None:
    silent = churn.lapsed(club.purchases, club.as_of, 90)
    members = club.members.set_index("customer_id")
    staying = members.index[members["left_at"].isna() & (members["joined_at"] < "2025-07-01")]
    assert 0.05 < silent.reindex(staying, fill_value=True).mean() < 0.35


# ------------------------------------------------------------------------------------------------------- the coupon


@pytest.fixture(scope="module")
def trial(club: data.Tables, truth: pd.DataFrame) -> pd.DataFrame:
    table = club.offers.merge(club.members, on="customer_id").join(truth, on="customer_id")
    return table.assign(leaves=(table["left_at"] <= membership.OFFER_END).astype(float))


def difference(table: pd.DataFrame) -> tuple[float, float]:
    """Churn of the treated less that of the controls, and its standard error."""
    cells = table.groupby("group")["leaves"].agg(["mean", "size"])
    error = np.sqrt((cells["mean"] * (1 - cells["mean"]) / cells["size"]).sum())
    return cells["mean"]["treatment"] - cells["mean"]["control"], error


def test_the_coupon_effect_lies_within_its_interval(trial: pd.DataFrame) -> None:
    found, error = difference(trial)
    kinds = trial["uplift_type"].value_counts(normalize=True)
    really = kinds["sleeping_dog"] - kinds["persuadable"]
    assert abs(found - really) < 1.96 * error
    assert abs(found + trial["uplift"].mean()) < 1.96 * error
    assert found + 1.96 * error < 0, "the coupon keeps members, and the trial can tell"


def test_the_average_hides_two_opposite_effects(trial: pd.DataFrame) -> None:
    silent, error = difference(trial[trial["auto_renew"]])
    assert silent > 1.96 * error, "reminded of the fee, some leave"
    awake, error = difference(trial[~trial["auto_renew"]])
    assert awake < -0.08
    uplift = trial.groupby("auto_renew")["uplift"].mean()
    assert uplift[False] > 0.05 > 0 > uplift[True]


def test_uplift_types_are_what_happened(trial: pd.DataFrame) -> None:
    left = trial.groupby(["uplift_type", "group"])["leaves"].agg(["min", "max"])
    expected = {
        ("sure_thing", "control"): 0,
        ("sure_thing", "treatment"): 0,
        ("persuadable", "control"): 1,
        ("persuadable", "treatment"): 0,
        ("lost_cause", "control"): 1,
        ("lost_cause", "treatment"): 1,
        ("sleeping_dog", "control"): 0,
        ("sleeping_dog", "treatment"): 1,
    }
    assert set(left.index) == set(expected)
    for cell, value in expected.items():
        assert left.loc[cell].tolist() == [value, value]


def test_groups_were_drawn_by_lot(trial: pd.DataFrame, club: data.Tables) -> None:
    sizes = trial["group"].value_counts()
    assert abs(sizes["treatment"] - sizes["control"]) <= 1
    june = club.activity[club.activity["date"] == "2025-06-30"].set_index("customer_id")["logins"]
    logins = trial["customer_id"].map(june)
    for value in (logins, trial["theta"], trial["auto_renew"].astype(float)):
        groups = value.groupby(trial["group"]).agg(["mean", "var", "size"])
        gap = groups["mean"].diff().iloc[1] / np.sqrt((groups["var"] / groups["size"]).sum())
        assert abs(gap) < 2.5
    assert (trial["plan"] == "monthly").all()


def test_comparing_users_with_non_users_flatters_the_coupon(trial: pd.DataFrame) -> None:
    treated = trial[trial["group"] == "treatment"]
    naive = treated.groupby(treated["used_at"].notna())["leaves"].mean()
    found, _error = difference(trial)
    assert naive[True] - naive[False] < found - 0.03
    assert trial.loc[trial["group"] == "control", "used_at"].isna().all()
    assert (treated["used_at"].dropna() > pd.Timestamp(membership.OFFER_DAY)).all()


# ----------------------------------------------------------------------------------------------- the same difficulty


@pytest.mark.parametrize("student", ["s01", "s02", "s03", "s04", "s05"])
def test_every_student_gets_the_same_problem(student: str) -> None:
    club = data.draw("membership", student)
    assert 0.42 < club.members["left_at"].notna().mean() < 0.56
    assert 150 < len(club.offers) < 300
    rates = churn.churn_by_period(club.members["joined_at"], club.members["left_at"])["churn_rate"]
    assert 0.035 < rates["2025-01":].mean() < 0.075
    parts = [snapshot(club, cutoff) for cutoff in ("2025-03-01", "2025-05-01", "2025-07-01")]
    X, y = pd.concat([p[0] for p in parts]), pd.concat([p[1] for p in parts])
    later = snapshot(club, "2025-11-01")
    columns = ["login_amount_28", "login_amount_56", "purchase_count_28", "open_count_112", "annual"]
    model = churn.ChurnModel().fit(X[columns].reset_index(drop=True), y.reset_index(drop=True))
    assert 0.62 < model.score(*later) < 0.92
