"""The generated accounts: the tables agree, the planted behaviour comes back, credit follows the coefficients told."""

import numpy as np
import pandas as pd
import pytest

from crmlab import accounts, channel, data
from crmlab.generate import accounts as generator

RECIPE = generator.RECIPE
AS_OF = RECIPE.as_of
NEXT_YEAR = pd.Timestamp("2025-01-01")


@pytest.fixture(scope="module")
def firm() -> data.Tables:
    return data.load("accounts")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return data.truth("accounts")


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_firm(request: pytest.FixtureRequest) -> data.Tables:
    return data.load("accounts") if request.param == "published" else data.draw("accounts", request.param)


# --- the tables agree -------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(firm):
    tables, _truth = generator.generate(RECIPE.seed, RECIPE.size)
    for table in firm:
        pd.testing.assert_frame_equal(firm[table], tables[table].astype(firm[table].dtypes), check_exact=True)


def test_the_same_student_gets_the_same_and_another_one_others():
    one, again, other = (data.draw("accounts", student) for student in ("s01", "s01", "s02"))
    for table in one:
        pd.testing.assert_frame_equal(one[table], again[table])
    assert not set(one.accounts["account_id"]) & set(other.accounts["account_id"])
    assert len(one.accounts) == len(other.accounts) == RECIPE.drawn
    assert len(one.credit_history) == len(other.credit_history) == 2000


def test_keys_and_times(any_firm):
    ids = set(any_firm.accounts["account_id"])
    assert set(any_firm.orders["account_id"]) <= ids
    assert set(any_firm.contacts["account_id"]) == ids
    assert any_firm.payments["order_id"].equals(any_firm.orders["order_id"])
    assert any_firm.orders["ordered_on"].is_monotonic_increasing
    assert any_firm.orders["ordered_on"].between("2024-01-01", "2025-12-31").all()
    due = any_firm.payments["due_on"] - any_firm.orders["ordered_on"]
    assert (due == pd.Timedelta(days=30)).all()
    paid = any_firm.payments["paid_on"]
    assert (paid.dropna() > any_firm.orders.loc[paid.notna(), "ordered_on"]).all()
    assert paid.max() <= AS_OF


def test_revenue_is_the_sum_of_the_orders(any_firm):
    year = any_firm.orders["ordered_on"].dt.year
    for name in (2024, 2025):
        sums = any_firm.orders[year == name].groupby("account_id")["amount"].sum()
        told = any_firm.accounts.set_index("account_id")[f"revenue_{name}"]
        assert told.to_numpy() == pytest.approx(sums.reindex(told.index).fillna(0).to_numpy(), abs=0.006)


# --- the mechanism ----------------------------------------------------------------------------------------


def test_shares_of_wallet_are_told_within_their_error(firm, truth):
    table = firm.accounts.set_index("account_id")
    for year in (2024, 2025):
        error = table[f"share_of_wallet_{year}"] - truth[f"wallet_{year}"]
        assert abs(error.mean()) < 0.01
        assert 0.02 < error.std() < 0.03
    ratio = table["revenue_2025"].sum() / (table["potential_2025"] * truth["wallet_2025"]).sum()
    assert ratio == pytest.approx(1, abs=0.06)


def test_counts_of_each_kind_are_planned():
    for seed in (1, 2):
        counts = generator.generate(seed, 120)[1].frame()["pattern"].value_counts()
        assert counts[list(generator.PATTERNS[:-1])].to_list() == [10, 6, 10, 14, 12]


def test_whale_and_concentration(any_firm):
    table = any_firm.accounts.set_index("account_id")
    whale = accounts.whale_curve(accounts.profitability(table)["profit"])
    assert whale.total > 0
    assert 1.05 < whale.peak < 1.8
    assert 0.65 < whale.peak_at < 0.9
    top = accounts.concentration(table["revenue_2025"], top=[len(table) // 5]).top.iloc[0]
    assert 0.5 < top < 0.75


def test_some_of_the_largest_lose_money(firm):
    table = accounts.profitability(firm.accounts.set_index("account_id"))
    largest = table["revenue"].nlargest(20).index
    assert (table.loc[largest, "profit"] < 0).sum() >= 2
    assert table["profit"].idxmin() in largest


def test_default_follows_the_six_cs(truth):
    """Planted log odds against those that a logit finds in many draws of accounts."""
    import statsmodels.api as sm

    tables = [generator.generate(seed, 800)[0]["accounts"] for seed in range(5)]
    table = pd.concat(tables, ignore_index=True)
    x = table[list(generator.SIX_C)] - 70.0
    model = sm.Logit(table["defaulted_2025"].astype(int), sm.add_constant(x)).fit(disp=0)
    planted = np.array([generator.ACCOUNT_LOGIT[name] for name in ("intercept", *generator.SIX_C)])
    assert (np.abs(model.params.to_numpy() - planted) < 3.3 * model.bse.to_numpy()).all()
    assert abs(model.params["character"]) > abs(model.params["collateral"])


def test_the_credit_file_follows_its_coefficients():
    import statsmodels.api as sm

    pieces = [generator._credit_history(np.random.default_rng(seed))[0] for seed in range(5)]
    table = pd.concat(pieces, ignore_index=True)
    classes = {
        f"{name}={kind}": (table[name] == kind).astype(float)
        for name, effect in generator.CREDIT_CLASSES.items()
        for kind, value in effect.items()
        if value != 0
    }
    values = {name: table[name] - centre for name, centre in generator.CREDIT_CENTRE.items()}
    x = sm.add_constant(pd.DataFrame(classes | values))
    model = sm.Logit(table["defaulted"].astype(int), x).fit(disp=0)
    planted = {"const": generator.CREDIT_LOGIT["intercept"]}
    planted |= {f"{name}={kind}": value for name, effect in generator.CREDIT_CLASSES.items() for kind, value in effect.items() if value}  # fmt: skip
    planted |= {name: generator.CREDIT_LOGIT[name] for name in values}
    gap = (model.params - pd.Series(planted)).abs()
    assert (gap < 3.3 * model.bse).all()
    assert model.bse["capacity"] < 0.12


def test_the_credit_file_suits_a_scorecard(any_firm):
    table = any_firm.credit_history
    assert len(table) == 2000
    assert 0.13 < table["defaulted"].mean() < 0.22
    assert table.notna().all(axis=None)
    worse = table.groupby("character")["defaulted"].mean()
    assert worse["多次逾期"] > worse["偶有逾期"] > worse["按时还款"]
    third = pd.qcut(table["capacity"], 3, labels=False)
    assert table.groupby(third)["defaulted"].mean().is_monotonic_decreasing
    leak = table.loc[table["defaulted"], "collection_calls"].min()
    assert leak >= 2, "calls of the collectors follow the default"
    assert table.loc[~table["defaulted"], "collection_calls"].mean() < 0.3


def test_bad_payers_have_weak_character(firm):
    late = (firm.payments["paid_on"] - firm.payments["due_on"]).dt.days
    by = late.groupby(firm.orders["account_id"]).mean()
    table = firm.accounts.set_index("account_id")
    assert np.corrcoef(by.reindex(table.index).fillna(by.mean()), table["character"])[0, 1] < -0.4
    overdue = firm.payments["paid_on"].isna() & (firm.payments["due_on"] < AS_OF - pd.Timedelta(days=60))
    share = overdue.groupby(firm.orders["account_id"]).any().reindex(table.index)
    assert share[table["defaulted_2025"]].mean() > 0.8
    assert share[~table["defaulted_2025"]].mean() < 0.15


# --- early warning, and the traps of the card -------------------------------------------------------------


def test_two_signs_of_three_find_those_at_risk(firm, truth):
    table = accounts.warning_signs(firm.orders, firm.accounts, AS_OF, firm.contacts)
    result = channel.evaluate(table["at_risk"], truth["at_risk"])
    assert result.precision > 0.85
    assert result.recall > 0.8


def test_the_difficulty_is_alike_for_all_students():
    results = []
    for seed in range(6):
        tables, known = generator.generate(seed, 120)
        table = accounts.warning_signs(tables["orders"], tables["accounts"], AS_OF, tables["contacts"])
        results.append(channel.evaluate(table["at_risk"], known.frame()["at_risk"]))
    assert np.mean([result.precision for result in results]) > 0.85
    assert np.mean([result.recall for result in results]) > 0.7
    assert min(result.recall for result in results) > 0.5


def test_turnover_alone_misleads(firm, truth):
    table = firm.accounts.set_index("account_id")
    fell = table["revenue_2025"] < 0.8 * table["revenue_2024"]
    naive = channel.evaluate(fell, truth["at_risk"])
    assert naive.precision < 0.5
    assert set(truth.loc[naive.accused, "pattern"]) >= {"downturn"}
    hidden = truth["pattern"] == "hidden"
    assert (table.loc[hidden, "revenue_2025"] / table.loc[hidden, "revenue_2024"]).median() > 1
    falls = table["share_of_wallet_2025"] / table["share_of_wallet_2024"]
    assert falls[hidden].median() < 0.7
    assert falls[truth["pattern"] == "downturn"].median() > 0.95


def test_schools_are_silent_between_the_terms(firm, truth):
    last = (AS_OF - firm.orders.groupby("account_id")["ordered_on"].max()).dt.days
    seasonal = truth["pattern"] == "seasonal"
    assert last[seasonal[seasonal].index].median() > 45
    assert last[truth.index[truth["pattern"] == "stable"]].median() < 30
    assert (firm.accounts.set_index("account_id")["industry"] == "教育机构").equals(seasonal.rename("industry"))
    months = firm.orders.merge(firm.accounts[["account_id", "industry"]], on="account_id").query(
        "industry == '教育机构'"
    )
    assert months["ordered_on"].dt.month.isin([2, 3, 8, 9]).mean() > 0.7


def test_supporters_leave_before_the_account_does(firm, truth):
    gone = firm.contacts.assign(gone=firm.contacts["left_on"].notna()).groupby("account_id")["gone"].mean()
    assert gone[truth.index[truth["at_risk"]]].mean() > 2.5 * gone[truth.index[~truth["at_risk"]]].mean()
    assert firm.contacts.groupby("account_id")["role"].first().eq("采购者").all(), "each account has a buyer"


def test_not_yet_due_is_not_overdue(any_firm):
    unpaid = any_firm.payments["paid_on"].isna()
    young = any_firm.payments["due_on"] > AS_OF
    assert (unpaid & young).sum() > 0.3 * unpaid.sum()


def test_truth_is_in_no_file(firm, truth):
    assert not {column for table in firm for column in firm[table]} & set(truth.columns)
    assert truth["at_risk"].equals(truth["pattern"].isin(generator.AT_RISK).rename("at_risk"))
    assert truth.loc[truth["at_risk"], "fades_on"].notna().all()
    assert truth.loc[~truth["at_risk"], "fades_on"].isna().all()
    known = generator.generate(RECIPE.seed, RECIPE.size)[1].applicants
    assert known.mean() == pytest.approx(firm.credit_history["defaulted"].mean(), abs=0.02)
