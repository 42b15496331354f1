"""The help pages and the search log: entries are sound, clicks follow the planted cascade, search finds what it should."""

import numpy as np
import pandas as pd
import pytest

from crmlab import data, faq
from crmlab.generate import faq as made

RECIPE = made.RECIPE


@pytest.fixture(scope="module")
def shop() -> data.Tables:
    return data.load("faq")


@pytest.fixture(scope="module")
def many() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Queries and truth of many drawn logs together, to see chances clearly."""
    logs = [made.generate(seed, 400, 1 + 1000 * seed) for seed in range(25)]
    return pd.concat([tables["queries"] for tables, _t in logs]), pd.concat([truth.frame() for _t, truth in logs])


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_shop(request: pytest.FixtureRequest) -> data.Tables:
    return data.load("faq") if request.param == "published" else data.draw("faq", request.param)


# --- files ----------------------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(shop: data.Tables) -> None:
    tables, _truth = made.generate(RECIPE.seed, RECIPE.size)
    for table in shop:
        pd.testing.assert_frame_equal(shop[table], tables[table].astype(shop[table].dtypes), check_exact=True)


def test_draws_share_the_entries_and_differ_in_queries() -> None:
    one, other = data.draw("faq", "s01"), data.draw("faq", "s02")
    fixed = ["faq_id", "category", "question", "answer", "updated_at"]
    pd.testing.assert_frame_equal(one.faq[fixed], other.faq[fixed])
    assert not one.faq["views"].equals(other.faq["views"])
    assert len(set(one.queries["query"]) & set(other.queries["query"])) < 110
    assert len(one.queries) == len(other.queries) == RECIPE.drawn
    assert not set(one.queries["query_id"]) & set(other.queries["query_id"])


def test_keys(any_shop: data.Tables) -> None:
    known = set(any_shop.faq["faq_id"])
    assert any_shop.queries["query_id"].is_unique
    assert any_shop.queries["query"].is_unique
    assert set(any_shop.queries["faq_id"]) <= known | {""}
    assert set(any_shop.queries["clicked_id"]) <= known | {""}
    assert ((any_shop.queries["clicked_id"] == "") == any_shop.queries["clicked_rank"].isna()).all()
    assert any_shop.queries["asked_at"].is_monotonic_increasing
    assert (any_shop.faq["helpful"] <= any_shop.faq["votes"]).all()
    assert (any_shop.faq["votes"] <= any_shop.faq["views"]).all()


# --- entries --------------------------------------------------------------------------------------------------


def test_entries_are_balanced_different_and_of_sensible_length(shop: data.Tables) -> None:
    entries = shop.faq
    assert entries["category"].value_counts().to_dict() == dict.fromkeys(entries["category"].unique(), 16)
    assert len(entries) == 160
    assert entries["question"].is_unique
    assert entries["answer"].is_unique
    assert entries["question"].str.len().between(7, 24).all()
    assert entries["answer"].str.len().between(18, 90).all()
    assert entries["question"].str.endswith("？").all()
    assert entries["answer"].str.endswith("。").all()
    pairs = [set(text) for text in entries["question"]]
    alike = max(len(a & b) / len(a | b) for i, a in enumerate(pairs) for b in pairs[:i])
    assert alike < 0.75, "two questions nearly the same"


def test_no_real_firm_is_named() -> None:
    text = made._ENTRIES + made._UNANSWERED + made._SYNONYMS
    for firm in ("微信", "支付宝", "淘宝", "京东", "拼多多", "抖音", "顺丰", "菜鸟", "银联", "花呗"):
        assert firm not in text


def test_every_entry_has_its_ways_of_asking() -> None:
    entries, asked = made._stock()
    assert asked["query"].is_unique
    assert asked.groupby("row").size().between(3, 5).all()
    assert asked["row"].nunique() == len(entries)
    unanswered = [query for line in made._UNANSWERED.strip().splitlines() for query in line.split(" / ")]
    assert len(set(unanswered)) == len(unanswered) >= 50
    assert not set(unanswered) & set(asked["query"])


def test_views_are_uneven(shop: data.Tables) -> None:
    views = shop.faq["views"].sort_values(ascending=False)
    assert 0.35 < views.iloc[:32].sum() / views.sum() < 0.65
    first = shop.faq.groupby("category").head(4)["views"].mean()
    assert first > 1.8 * shop.faq.groupby("category").tail(4)["views"].mean()


# --- queries --------------------------------------------------------------------------------------------------


def test_kinds_and_slips_come_at_their_rates(many: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    queries, truth = many
    shares = truth["kind"].value_counts(normalize=True)
    for kind, share in zip(made.KINDS, (0.44, 0.48, 0.08), strict=True):
        assert shares[kind] == pytest.approx(share, abs=0.005)
    assert ((queries["faq_id"] == "").to_numpy() == (truth["kind"] == "无答案").to_numpy()).all()
    assert 0.06 < truth["typo"].mean() < 0.14
    wrong = {slip for _right, slip in made._SLIPS}
    assert queries.loc[truth["typo"].to_numpy(), "query"].map(lambda text: any(slip in text for slip in wrong)).all()


def test_clicks_follow_the_cascade(many: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Chances of a click on the first entry, right or wrong, and of reading on, found again from the log."""
    queries, truth = many
    clicked = queries["clicked_rank"].fillna(0).to_numpy(dtype=int)
    shown, read = truth["shown"].to_numpy(), truth["read"].to_numpy()
    right_first = shown == 1
    assert (clicked[right_first] == 1).mean() == pytest.approx(0.9, abs=0.015)
    assert (clicked[~right_first] == 1).mean() == pytest.approx(0.12, abs=0.015)
    went_on = read[(clicked == 0) | (clicked > 1)] > 1
    assert went_on.mean() == pytest.approx(0.72, abs=0.02)
    third = shown == 3
    assert (clicked[third] == 3).mean() == pytest.approx(0.72**2 * 0.88**2 * 0.9, abs=0.06)


def test_satisfaction_depends_on_what_was_clicked(many: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    queries, _truth = many
    none = queries["clicked_id"] == ""
    right = ~none & (queries["clicked_id"] == queries["faq_id"])
    satisfied = queries["satisfied"]
    assert satisfied[right].mean() == pytest.approx(0.88, abs=0.015)
    assert satisfied[~none & ~right].mean() == pytest.approx(0.12, abs=0.03)
    assert satisfied[none].mean() == pytest.approx(0.05, abs=0.015)


def test_clicks_are_not_the_answers(shop: data.Tables) -> None:
    """Judged by clicks the old search looks better than it is."""
    answerable = shop.queries[shop.queries["faq_id"] != ""]
    shown_first = data.truth("faq").loc[answerable["query_id"], "shown"].to_numpy() == 1
    clicked = answerable[answerable["clicked_id"] != ""]
    assert (clicked["clicked_rank"] == 1).mean() > shown_first.mean() + 0.1
    assert (clicked["clicked_id"] != clicked["faq_id"]).mean() > 0.04


# --- search ---------------------------------------------------------------------------------------------------


def hit1(shop: data.Tables, method: str, *, synonyms: bool) -> float:
    search = faq.FaqSearch(method, synonyms=shop.synonyms if synonyms else None).fit(shop.faq)
    return faq.evaluate(search, shop.queries).hit1


def test_the_baseline_is_realistic_and_can_be_improved(any_shop: data.Tables) -> None:
    words = hit1(any_shop, "words", synonyms=False)
    assert 0.50 < words < 0.70
    assert hit1(any_shop, "hybrid", synonyms=False) > words
    assert hit1(any_shop, "words", synonyms=True) > words + 0.07
    best = hit1(any_shop, "hybrid", synonyms=True)
    assert words + 0.1 < best < 0.88


def test_colloquial_queries_are_the_hard_ones(shop: data.Tables) -> None:
    kind = data.truth("faq")["kind"].loc[shop.queries["query_id"]].to_numpy()
    search = faq.FaqSearch().fit(shop.faq)
    near, loose = (faq.evaluate(search, shop.queries[kind == name]).hit1 for name in ("原话", "口语"))
    assert near > 0.85
    assert 0.15 < loose < 0.45


def test_a_floor_turns_wrong_answers_into_silence(shop: data.Tables) -> None:
    search = faq.FaqSearch("hybrid", synonyms=shop.synonyms).fit(shop.faq)
    loose, strict = (faq.evaluate(search, shop.queries, floor=floor) for floor in (0, 0.3))
    assert strict.rejected > loose.rejected + 0.2
    assert strict.hit1 < loose.hit1


def test_tuning_on_one_half_flatters(shop: data.Tables) -> None:
    half = shop.queries.iloc[::2]
    table = faq.tune(shop.faq, half, method=["words", "bigram"], title_weight=[1, 3], synonyms=[None, shop.synonyms])
    assert table["synonyms"].iloc[0] == "有"
    assert np.ptp(table["mrr"]) > 0.08


def test_synonyms_lead_to_words_of_the_entries(shop: data.Tables) -> None:
    pages = (shop.faq["question"] + shop.faq["answer"]).str.cat()
    assert shop.synonyms["word"].is_unique
    assert (shop.synonyms["word"] != shop.synonyms["standard"]).all()
    known = shop.synonyms["standard"].map(lambda word: all(sign in pages.lower() for sign in word))
    assert known.all()
    assert set(shop.synonyms["kind"]) == {"口语", "上位词", "错字"}
