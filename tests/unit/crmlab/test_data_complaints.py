"""The generated complaints: texts that can be read and classified, and a mechanism that can be found in the tables."""

import re
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from crmlab import data, service
from crmlab.generate import complaints
from crmlab.generate.recipe import Truth

RECIPE = complaints.RECIPE
Made = tuple[dict[str, pd.DataFrame], Truth]
drawn = cache(data.draw)


@pytest.fixture(scope="module")
def shop() -> data.Tables:
    return data.load("complaints")


@pytest.fixture(scope="module")
def made() -> Made:
    return RECIPE.generate(RECIPE.seed, RECIPE.size, 1)


@pytest.fixture(scope="module")
def truth(made: Made) -> pd.DataFrame:
    return made[1].frame()


@pytest.fixture(scope="module", params=["published", "s01", "s02"])
def any_shop(request: pytest.FixtureRequest, shop: data.Tables) -> data.Tables:
    """The published tickets, and draws that must be alike in shape and difficulty."""
    return shop if request.param == "published" else drawn("complaints", request.param)


def minutes(tickets: pd.DataFrame) -> pd.Series:
    return (tickets["first_response_at"] - tickets["created_at"]).dt.total_seconds() / 60


def drivers(tickets: pd.DataFrame) -> pd.DataFrame:
    """What the card says drives satisfaction, from the published columns alone; index ticket_id."""
    fair = tickets["amount"] * tickets["severity"].map({1: 0.10, 2: 0.35, 3: 1.00})
    table = {
        "doubling": np.log2(minutes(tickets) / 60).clip(-3, 4),
        "steps": service.step_coverage(tickets),
        "fairness": np.sqrt((tickets["compensation"] / fair).clip(upper=1)),
        "severity": tickets["severity"] - 1,
    }
    return pd.DataFrame(table).set_axis(tickets["ticket_id"])


# --- the tables agree -------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(shop: data.Tables, made: Made) -> None:
    tables, _truth = made
    for table in shop:
        pd.testing.assert_frame_equal(shop[table], tables[table].astype(shop[table].dtypes), check_exact=True)


def test_files_are_sound(shop: data.Tables) -> None:
    assert len(shop.tickets) == RECIPE.size


def test_students_get_other_complaints(shop: data.Tables) -> None:
    one, two = (drawn("complaints", student) for student in ("s01", "s02"))
    assert len(one.tickets) == len(two.tickets) == RECIPE.drawn
    assert len(set(one.tickets["text"]) & set(two.tickets["text"])) < 0.03 * RECIPE.drawn
    assert not set(one.tickets["ticket_id"]) & set(shop.tickets["ticket_id"])


def test_times_keys_and_gaps(any_shop: data.Tables) -> None:
    tickets = any_shop.tickets
    assert tickets["created_at"].is_monotonic_increasing
    assert set(tickets["handler_id"]) <= set(any_shop.handlers["handler_id"])
    assert minutes(tickets).min() >= 1
    settled = tickets["resolved_at"].notna()
    assert (tickets["resolved_at"] > tickets["first_response_at"])[settled].all()
    assert tickets["resolved_at"].max() < any_shop.as_of + pd.Timedelta(days=1)
    assert ((tickets["outcome"] == "open") == ~settled).all()
    assert (tickets.loc[~settled, "compensation"] == 0).all()
    assert (tickets.loc[~settled, "root_cause"] == "").all()
    assert tickets.loc[~settled, "satisfaction_after"].isna().all()
    assert tickets["repurchased_90d"].isna().equals(tickets["created_at"].dt.normalize() >= "2025-10-03")
    assert (tickets.loc[tickets["channel"] == "12315转办", "severity"] >= 2).all()


# --- the texts --------------------------------------------------------------------------------------------


def test_each_kind_has_many_clauses() -> None:
    every_flaw = [
        clause for goods in complaints._GOODS.values() for _price, said in goods.values() for clause in said.split()
    ]
    for kind, parts in complaints._SAID.items():
        clauses = " ".join(parts).split() + (every_flaw if kind == "质量" else [])
        assert len(set(clauses)) == len(clauses) >= 60, kind


def test_no_sentence_dominates(any_shop: data.Tables) -> None:
    texts = any_shop.tickets["text"]
    assert texts.nunique() > 0.97 * len(texts)
    for kind, rows in any_shop.tickets.groupby("kind"):
        # Clauses without their numbers: the skeletons.
        clauses = Counter(
            re.sub(r"\d+", "0", clause)
            for text in rows["text"]
            for clause in set(re.split("[，。！…～：]", text))
            if len(clause) > 5
        )
        assert len(clauses) >= 60, kind
        assert clauses.most_common(1)[0][1] < 0.2 * len(rows), (kind, clauses.most_common(1))


def test_texts_vary_in_length_and_say_whole_things(any_shop: data.Tables) -> None:
    texts = any_shop.tickets["text"]
    length = texts.str.len()
    assert length.quantile(0.1) < 27
    assert length.quantile(0.9) > 65
    assert length.between(4, 160).all()
    assert not texts.str.contains(r"[{}\s]|，，|。。|谢谢.*谢谢").any()


def test_texts_fit_their_goods_and_places() -> None:
    tables, _truth = complaints.generate(5, 3000)
    tickets = tables["tickets"]
    food = tickets.loc[tickets["category"] == "生鲜食品", "text"]
    assert not food.str.contains("送修|保修|延保|维修|吊牌|尺码|全新").any()
    staff = tickets.loc[tickets["text"].str.contains("收银员|导购|服务台"), "text"]
    alone = staff[~staff.str.contains("另外|还有|顺便|再说|更气的是")]
    assert len(alone) > 20
    assert not alone.str.contains("App上|小程序里|网上商城|直播买的").any()
    deposit = tickets.loc[tickets["text"].str.contains("定金退给我"), "text"]
    assert deposit.str.contains("定金付了").all()


def test_kinds_can_be_told_from_texts_but_not_perfectly(any_shop: data.Tables) -> None:
    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), max_features=6000)
    model = make_pipeline(grams, SGDClassifier(loss="log_loss", alpha=3e-5, random_state=0))  # logistic regression
    accuracy = cross_val_score(model, any_shop.tickets["text"], any_shop.tickets["kind"], cv=3).mean()
    most_frequent = any_shop.tickets["kind"].value_counts(normalize=True).iloc[0]
    assert most_frequent < 0.4
    assert 0.75 < accuracy < 0.97


def test_a_few_labels_are_wrong(shop: data.Tables, truth: pd.DataFrame) -> None:
    wrong = shop.tickets.set_index("ticket_id")["kind"] != truth["kind"]
    assert 0.025 < wrong.mean() < 0.055


# --- how many, of what ------------------------------------------------------------------------------------


def test_sizes_and_shares(any_shop: data.Tables) -> None:
    tickets = any_shop.tickets
    pareto = service.complaint_pareto(tickets)
    assert set(pareto.index) == set(complaints.KINDS)
    assert pareto.index[0] == "质量"
    assert pareto["share"].min() > 0.06
    severity = tickets["severity"].value_counts(normalize=True)
    assert severity[1] > severity[2] - 0.06 > severity[3]
    assert 0.09 < severity[3] < 0.2
    assert len(any_shop.peers) == len(tickets) // 2
    assert len(any_shop.sales) == 72


def test_november_is_no_worse_once_sales_are_counted(shop: data.Tables) -> None:
    tickets = shop.tickets[shop.tickets["product"] != complaints.BATCH_PRODUCT]
    count = tickets.groupby(tickets["created_at"].dt.month).size()
    orders = shop.sales.groupby(shop.sales["month"].dt.month)["orders"].sum()
    assert count.idxmax() == 11
    assert count[11] > 1.6 * count.median()
    rate = count / orders
    assert abs(rate[11] / rate.drop(11).mean() - 1) < 0.2


def test_the_bad_batch_shows_in_autumn(any_shop: data.Tables) -> None:
    tickets = any_shop.tickets
    quality = tickets[(tickets["kind"] == "质量") & (tickets["category"] == "小家电")]
    autumn = quality["created_at"].between("2025-09-08", "2025-11-01")
    per_day = autumn.sum() / 54
    before = (~autumn).sum() / (365 - 54)
    assert per_day > 8 * before
    hot = quality[autumn]
    assert (hot["product"] == complaints.BATCH_PRODUCT).mean() > 0.8
    assert hot["text"].str.contains("H2507").sum() >= 4
    other = tickets[(tickets["kind"] == "质量") & (tickets["category"] != "小家电")]
    assert not other["text"].str.contains("H2507").any()


def test_handlers_saw_single_flaws_first(shop: data.Tables, truth: pd.DataFrame) -> None:
    tickets = shop.tickets.set_index("ticket_id")
    batch = truth["cause"] == complaints.BATCH_CAUSE
    assert batch.sum() == round(0.06 * RECIPE.size)
    entered, early = tickets["root_cause"], tickets["created_at"] < complaints.BATCH_KNOWN
    assert set(entered[batch & early]) <= {"个别瑕疵", ""}
    assert set(entered[batch & ~early]) <= {complaints.BATCH_CAUSE, ""}
    assert (batch & early).sum() > 30
    assert not (entered[~batch] == complaints.BATCH_CAUSE).any()


def test_a_handful_complain_again_and_again(any_shop: data.Tables) -> None:
    counts = any_shop.tickets["customer_id"].value_counts()
    assert counts.iloc[0] >= 5
    assert (counts >= 5).sum() < 0.02 * len(counts)


# --- handling and what came of it -------------------------------------------------------------------------


def test_effects_on_satisfaction_can_be_recovered(shop: data.Tables, truth: pd.DataFrame) -> None:
    """Exactly on what was felt; a little flatter on the marks that were given, rounded and not by all."""
    causes = drivers(shop.tickets)
    felt = sm.OLS(truth["satisfaction"], sm.add_constant(causes)).fit()
    planted = {"const": complaints.EFFECTS["base"], **{name: complaints.EFFECTS[name] for name in causes}}
    settled = shop.tickets["resolved_at"].notna().to_numpy()
    felt = sm.OLS(truth["satisfaction"][settled], sm.add_constant(causes[settled])).fit()
    for name, size in planted.items():
        assert abs(felt.params[name] - size) < 3.5 * felt.bse[name], (name, felt.params[name], size)
    given = shop.tickets.set_index("ticket_id")["satisfaction_after"].astype(float).dropna()
    marks = sm.OLS(given, sm.add_constant(causes.loc[given.index])).fit()
    for name in causes:
        assert marks.params[name] / planted[name] == pytest.approx(1, abs=0.25)
    assert 0.5 < marks.rsquared < 0.85


def test_effects_show_in_every_draw(any_shop: data.Tables) -> None:
    causes = drivers(any_shop.tickets)
    given = any_shop.tickets.set_index("ticket_id")["satisfaction_after"].astype(float).dropna()
    fit = sm.OLS(given, sm.add_constant(causes.loc[given.index])).fit()
    assert (fit.pvalues[list(causes)] < 0.001).all()
    assert (np.sign(fit.params[list(causes)]) == [-1, 1, 1, -1]).all()


def excellent(tickets: pd.DataFrame) -> pd.Series:
    causes = drivers(tickets).set_axis(tickets.index)
    return (causes["steps"] >= 0.8) & (causes["doubling"] <= 0) & (causes["fairness"] >= 0.7)


def test_recovery_paradox_holds_only_for_mild_complaints(shop: data.Tables) -> None:
    tickets = shop.tickets[shop.tickets["satisfaction_after"].notna()]
    well, peers = tickets[excellent(tickets)], shop.peers["satisfaction"]
    by_severity = {
        level: service.recovery_paradox(rows["satisfaction_after"].astype(float), peers)
        for level, rows in well.groupby("severity")
    }
    assert by_severity[1].holds
    assert by_severity[1].difference > 0.2
    assert not by_severity[2].holds
    assert by_severity[3].high < -0.5
    usual = service.recovery_paradox(tickets["satisfaction_after"].astype(float), peers)
    assert usual.high < -0.8, "on the whole a complaint leaves a mark"


def test_buying_again_follows_satisfaction(any_shop: data.Tables) -> None:
    known = any_shop.tickets.dropna(subset=["satisfaction_after", "repurchased_90d"])
    again = known["repurchased_90d"].astype(float).groupby(known["satisfaction_after"].clip(2, 4)).mean()
    assert again.is_monotonic_increasing
    assert again.iloc[-1] > again.iloc[0] + 0.2
    by_tier = any_shop.peers.groupby("tier")["repurchased_90d"].mean()
    assert by_tier["VIP"] > by_tier["新客"]


def test_repurchase_coefficient(shop: data.Tables, truth: pd.DataFrame) -> None:
    tickets = shop.tickets.set_index("ticket_id")
    known = tickets["repurchased_90d"].notna()
    tier = pd.get_dummies(tickets["tier"], dtype=float)[["VIP", "新客"]]
    causes = sm.add_constant(pd.concat([truth["satisfaction"] - 3, tier], axis=1)[known])
    fit = sm.Logit(tickets.loc[known, "repurchased_90d"].astype(float), causes).fit(disp=0)
    planted = {"const": -0.55, "satisfaction": 0.8, "VIP": 0.6, "新客": -0.5}
    for name, size in planted.items():
        assert abs(fit.params[name] - size) < 3.5 * fit.bse[name]


def test_able_handlers_get_the_hard_cases(shop: data.Tables, truth: pd.DataFrame) -> None:
    tickets = shop.tickets.set_index("ticket_id").join(truth[["skill", "coverage"]])
    assert tickets.groupby("severity")["skill"].mean().diff().dropna().iloc[-1] > 0.3
    assert np.corrcoef(tickets["skill"], tickets["coverage"])[0, 1] > 0.4
    given = tickets.dropna(subset=["satisfaction_after"])
    given = given.assign(satisfaction_after=given["satisfaction_after"].astype(float))
    raw = sm.OLS(given["satisfaction_after"], sm.add_constant(given["skill"])).fit().params["skill"]
    fair = sm.OLS(given["satisfaction_after"], sm.add_constant(given[["skill", "severity"]])).fit().params["skill"]
    assert fair > 1.2 * raw, "comparing handlers without the case mix is unfair to the able"


def test_compensation_looks_harmful_until_severity_is_held(shop: data.Tables) -> None:
    given = shop.tickets.dropna(subset=["satisfaction_after"])
    satisfaction = given["satisfaction_after"].astype(float)
    share = given["compensation"] / given["amount"]
    assert np.corrcoef(share, satisfaction)[0, 1] < 0.08
    for level, rows in given.groupby("severity"):
        assert np.corrcoef(share[rows.index], satisfaction[rows.index])[0, 1] > 0.15, level


def test_nights_stretch_the_first_response(any_shop: data.Tables) -> None:
    kpis = service.response_kpis(any_shop.tickets)
    assert 15 < kpis["response_median"] < 45
    assert minutes(any_shop.tickets).mean() > 3 * kpis["response_median"]
    assert 0.005 < kpis["open_rate"] < 0.06
    hour = any_shop.tickets["created_at"].dt.hour
    night = minutes(any_shop.tickets)[(hour >= 22) | (hour < 9)]
    assert night.median() > 5 * kpis["response_median"]


def test_who_answers_feels_strongly(shop: data.Tables, truth: pd.DataFrame) -> None:
    answered = shop.tickets.set_index("ticket_id")["satisfaction_after"].notna()
    assert 0.5 < answered.mean() < 0.65
    strength = (truth["satisfaction"] - 3).abs()
    assert strength[answered].mean() > strength[~answered].mean() + 0.05


def test_truth_is_in_no_file(shop: data.Tables, truth: pd.DataFrame) -> None:
    columns = {column for table in shop for column in shop[table]}
    hidden = set(truth.columns) - {"kind", "satisfaction"}
    assert not columns & hidden
    assert truth["satisfaction"].nunique() == RECIPE.size, "what was felt, not the mark that was given"
