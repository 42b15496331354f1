"""Recommendations: toy shops worked by hand, laws, and an honest look at the generated shop."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import data, recommend
from crmlab.errors import CourseError


def told(function, *arguments, **options) -> str:
    with pytest.raises(CourseError) as caught:
        function(*arguments, **options)
    return str(caught.value)


def bought(*baskets: str, date: str = "2025-01-01") -> pd.DataFrame:
    """Customers 1, 2, ... and the items (letters) of each."""
    rows = [(f"C{number}", item) for number, items in enumerate(baskets, 1) for item in items]
    return pd.DataFrame(rows, columns=["customer_id", "product_id"]).assign(date=date)


@pytest.fixture(scope="module")
def shop() -> data.Tables:
    return data.load("ecommerce")


@pytest.fixture(scope="module")
def shop_lines(shop: data.Tables) -> pd.DataFrame:
    return recommend.lines(shop)


# ------------------------------------------------------------------------------------------------------ purchases


def test_lines_are_what_was_kept(shop: data.Tables, shop_lines: pd.DataFrame):
    assert (shop_lines["quantity"] > 0).all()
    assert set(shop_lines["customer_id"]) <= set(data.purchases(shop)["customer_id"])
    prices = shop.items.drop_duplicates(["order_id", "product_id"], keep=False)
    rows = shop_lines.merge(prices[["order_id", "product_id", "unit_price", "discount"]])
    paid = (rows["unit_price"] * (1 - rows["discount"]) * rows["quantity"]).groupby(rows["order_id"]).sum()
    twice = set(shop.items.loc[shop.items.duplicated(["order_id", "product_id"]), "order_id"])
    whole = data.purchases(shop).set_index("order_id")["amount"].drop(list(twice), errors="ignore")
    np.testing.assert_allclose(paid.reindex(whole.index), whole, atol=0.005)


def test_lines_need_a_shop():
    assert "需要整个数据集" in told(recommend.lines, pd.DataFrame({"x": [1]}))


# --------------------------------------------------------------------------------------------- baskets and rules

# Ten baskets: bread 6, butter 5, both 4; milk 8.
MARKET = bought("BPM", "BPM", "BPM", "BPM", "BM", "BM", "PM", "M", "X", "X")


def market() -> pd.DataFrame:
    return recommend.baskets(MARKET, basket="customer_id")


def test_baskets_hold_each_item_once():
    twice = pd.concat([MARKET, MARKET.iloc[:5]]).sample(frac=1, random_state=1)
    table = recommend.baskets(twice, basket="customer_id")
    pd.testing.assert_frame_equal(table, market())
    assert table.index.to_list() == sorted(f"C{number}" for number in range(1, 11))
    assert table.columns.to_list() == list("BMPX")
    assert table.sum().to_dict() == {"B": 6, "M": 8, "P": 5, "X": 2}
    assert table.dtypes.eq(bool).all()


def test_frequent_itemsets_by_hand():
    table = recommend.frequent_itemsets(market(), 0.4)
    assert table["items"].to_list() == ["M", "B", "B、M", "P", "M、P", "B、P", "B、M、P"]
    assert table["count"].to_list() == [8, 6, 6, 5, 5, 4, 4]
    assert table["support"].to_list() == pytest.approx([0.8, 0.6, 0.6, 0.5, 0.5, 0.4, 0.4])
    assert table["size"].to_list() == [1, 1, 2, 1, 2, 2, 3]
    assert recommend.frequent_itemsets(market(), 0.4, max_size=1)["items"].to_list() == ["M", "B", "P"]
    assert recommend.frequent_itemsets(market(), 1.0).empty


def test_rules_by_hand():
    table = recommend.rules(market(), 0.4, max_size=2).set_index(["antecedent", "consequent"])
    rule = table.loc[("P", "B")]
    assert rule["support"] == pytest.approx(0.4)
    assert rule["confidence"] == pytest.approx(0.8)
    assert rule["lift"] == pytest.approx(0.8 / 0.6)
    assert rule["leverage"] == pytest.approx(0.4 - 0.5 * 0.6)
    assert rule["conviction"] == pytest.approx((1 - 0.6) / (1 - 0.8))
    assert math.isinf(table.loc[("B", "M"), "conviction"])
    assert len(table) == 6


def test_rules_come_by_lift_and_equal_ones_by_name():
    table = recommend.rules(market(), 0.4, max_size=2)
    assert (table["antecedent"] + table["consequent"]).to_list() == ["PB", "BP", "BM", "PM", "MB", "MP"]
    assert (recommend.rules(market(), 0.4, min_lift=1.3)["lift"] >= 1.3).all()
    assert (recommend.rules(market(), 0.4, min_confidence=1)["confidence"] == 1).all()


def test_no_rule_is_an_empty_table_with_its_columns():
    table = recommend.rules(market(), 0.7)
    assert table.empty
    assert table.columns.to_list()[:2] == ["antecedent", "consequent"]
    assert recommend.rules(market(), 0.4, min_lift=9).empty


baskets_drawn = st.lists(st.text("ABCDE", min_size=1, max_size=5), min_size=2, max_size=15)


@settings(max_examples=40)
@given(baskets_drawn)
def test_measures_of_every_rule_follow_from_counts(drawn):
    table = recommend.baskets(bought(*drawn), basket="customer_id")
    n = len(table)
    found = recommend.rules(table, 1 / n, max_size=2)
    for rule in found.itertuples():
        a, b = table[rule.antecedent], table[rule.consequent]
        assert rule.support == pytest.approx((a & b).mean())
        assert rule.confidence == pytest.approx((a & b).sum() / a.sum())
        assert rule.lift == pytest.approx((a & b).mean() / (a.mean() * b.mean()))
    pairs = sum((table[i] & table[j]).any() for i in table for j in table if i != j)
    assert len(found) == pairs


def test_bad_baskets_are_told():
    assert "True / False" in told(recommend.rules, market().astype(int))
    assert "min_support" in told(recommend.frequent_itemsets, market(), 0)
    assert "购买明细缺少列 order_id" in told(recommend.baskets, MARKET)
    assert "列 product_id 第 2 行是空值" in told(
        recommend.baskets, MARKET.assign(product_id=MARKET["product_id"].where(MARKET.index != 1)), basket="customer_id"
    )
    assert "购物篮表应是 DataFrame" in told(recommend.rules, [True])


def test_categories_of_the_shop_go_together_over_a_life_not_in_an_order(shop, shop_lines):
    """Orders are small, so categories crowd each other out of one order; over time customers mix them."""
    rows = shop_lines.merge(shop.products, on="product_id")
    in_order = recommend.rules(recommend.baskets(rows, item="category"), 0.005, max_size=2)
    in_life = recommend.rules(recommend.baskets(rows, basket="customer_id", item="category"), 0.05, max_size=2)
    assert len(in_order) == len(in_life) == 8 * 7
    assert in_order["lift"].max() < 1
    assert in_life["lift"].min() > 1


# ------------------------------------------------------------------------------------------------- recommenders

# A 4 buyers, B 3, C 2, D 1; AB 3, AC 1, BC 1, CD 1
TOY = bought("AB", "AB", "ABC", "A", "CD")


def test_likeness_is_the_cosine_by_hand():
    model = recommend.ItemItem().fit(TOY)
    assert model.buyers_.to_dict() == {"A": 4, "B": 3, "C": 2, "D": 1}
    assert model.similarity_.loc["A", "B"] == pytest.approx(3 / math.sqrt(12))
    assert model.similar("A").to_dict() == pytest.approx({"B": 3 / math.sqrt(12), "C": 1 / math.sqrt(8)})
    assert model.similar("C").index.to_list() == ["D", "B", "A"]
    assert model.similar("C", n=1).to_dict() == pytest.approx({"D": 1 / math.sqrt(2)})
    assert np.diag(model.similarity_).max() == 0


def test_likeness_agrees_with_scikit_learn():
    from sklearn.metrics.pairwise import cosine_similarity

    table = recommend.baskets(TOY, basket="customer_id")
    expected = cosine_similarity(table.T.astype(float))
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(recommend.ItemItem().fit(TOY).similarity_, expected, atol=1e-12)


def test_shrinkage_pulls_down_what_one_customer_made():
    model = recommend.ItemItem(shrinkage=2).fit(TOY)
    assert model.similar("C").to_dict() == pytest.approx(
        {"B": 1 / (math.sqrt(6) + 2), "A": 1 / (math.sqrt(8) + 2), "D": 1 / (math.sqrt(2) + 2)}
    )
    likeness = [recommend.ItemItem(shrinkage=s).fit(TOY).similarity_.loc["C", "D"] for s in (0, 2, 9)]
    assert likeness == sorted(likeness, reverse=True)


def test_recommendation_by_hand():
    model = recommend.ItemItem().fit(TOY)
    assert model.recommend("C5").to_dict() == pytest.approx({"B": 1 / math.sqrt(6), "A": 1 / math.sqrt(8)})
    assert model.recommend("C1").to_dict() == pytest.approx({"C": 1 / math.sqrt(8) + 1 / math.sqrt(6)})
    assert model.recommend("C4", n=1).index.to_list() == ["B"]


def test_only_the_k_nearest_of_an_owned_item_are_recommended():
    model = recommend.ItemItem(k=1).fit(TOY)
    assert (model.similarity_ > 0).sum(axis=1).to_list() == [1, 1, 1, 1]
    assert model.recommend("C4").index.to_list() == ["B"]
    assert model.recommend("C1").empty  # the nearest of A is B, that of B is A: both owned


def test_equal_scores_come_by_id():
    model = recommend.ItemItem().fit(bought("AZ", "AY", "AX", "A"))
    assert model.recommend("C4").index.to_list() == ["X", "Y", "Z"]
    assert model.recommend("C4", n=2).index.to_list() == ["X", "Y"]
    assert recommend.ItemItem(k=1).fit(bought("AZ", "AY", "A")).similar("A").index.to_list() == ["Y"]


def test_popularity_by_hand():
    model = recommend.Popularity().fit(TOY)
    assert model.buyers_.to_dict() == {"A": 4, "B": 3, "C": 2, "D": 1}
    assert model.recommend("C5").to_dict() == {"A": 4, "B": 3}
    assert model.recommend("C4", n=2).index.to_list() == ["B", "C"]


@settings(max_examples=40)
@given(baskets_drawn, st.randoms())
def test_nothing_owned_is_recommended_and_row_order_never_matters(drawn, random):
    frame = bought(*drawn)
    order = list(range(len(frame)))
    random.shuffle(order)
    for kind in (recommend.ItemItem(k=3, shrinkage=1), recommend.Popularity()):
        model = kind.fit(frame)
        lists = {name: model.recommend(name, 4) for name in model.customers_}
        for name, scores in lists.items():
            assert not set(scores.index) & set(drawn[int(name[1:]) - 1])
            assert (scores > 0).all()
            assert scores.is_monotonic_decreasing
        again = kind.fit(pd.concat([frame.iloc[order], frame.iloc[:1]]))
        for name, scores in lists.items():
            pd.testing.assert_series_equal(again.recommend(name, 4), scores)


@settings(max_examples=40)
@given(baskets_drawn)
def test_likeness_lies_in_0_to_1_and_is_mutual(drawn):
    likeness = recommend.ItemItem(k=9).fit(bought(*drawn)).similarity_.to_numpy()
    assert ((likeness >= 0) & (likeness <= 1 + 1e-12)).all()
    np.testing.assert_allclose(likeness, likeness.T)


def test_bad_questions_are_told():
    model = recommend.ItemItem()
    assert "还没有训练" in told(model.recommend, "C1")
    assert "还没有训练" in told(recommend.Popularity().recommend, "C1")
    model.fit(TOY)
    assert "训练数据里没有客户 'C9'：请检查编号（例如 C1）" in told(model.recommend, "C9")
    assert "训练数据里没有商品 'Q'" in told(model.similar, "Q")
    assert "k 应" in told(recommend.ItemItem, k=0)
    assert "shrinkage 应" in told(recommend.ItemItem, shrinkage=-1)
    assert "n 应" in told(model.recommend, "C1", n=0)


# --------------------------------------------------------------------------------------------------- evaluation


def test_evaluation_by_hand():
    """C4 buys B (first of its list) and D (not on it), C1 buys C; C2 buys again what it owns, C9 is new."""
    later = pd.DataFrame(
        [("C4", "B"), ("C4", "D"), ("C1", "C"), ("C1", "C"), ("C2", "A"), ("C9", "A"), ("C4", "neu")],
        columns=["customer_id", "product_id"],
    ).assign(date="2025-02-01")
    table = recommend.evaluate(
        {"像": recommend.ItemItem(), "热": recommend.Popularity()}, pd.concat([TOY, later]), "2025-02-01", n=2
    )
    near = table.loc["像"]
    assert near["customers"] == 2
    assert near["hit_rate"] == 1
    assert near["precision"] == pytest.approx((0.5 + 0.5) / 2)
    assert near["recall"] == pytest.approx((1 / 2 + 1) / 2)
    assert near["mrr"] == 1
    assert near["coverage"] == pytest.approx(2 / 4)  # B and C
    assert near["popularity"] == pytest.approx((0.6 + 0.4 + 0.4) / 3)  # B, C for C4; C for C1
    assert table.loc["热", "coverage"] == pytest.approx(3 / 4)  # B, C for C4; C, D for C1


def test_a_later_hit_counts_less():
    later = bought("", "", "", "C", date="2025-02-01")
    table = recommend.evaluate(recommend.Popularity(), pd.concat([TOY, later]), "2025-01-15", n=3)
    assert table.loc["Popularity", "mrr"] == 0.5
    assert table.loc["Popularity", "hit_rate"] == 1
    missed = recommend.evaluate(recommend.Popularity(), pd.concat([TOY, later]), "2025-01-15", n=1)
    assert missed.loc["Popularity", ["hit_rate", "recall", "mrr"]].to_list() == [0, 0, 0]


def test_models_are_left_as_they_are():
    model = recommend.ItemItem()
    recommend.evaluate(model, pd.concat([TOY, bought("C", date="2025-02-01")]), "2025-02-01")
    assert not hasattr(model, "items_")


def test_lists_without_any_recommendation_count_as_misses():
    frame = pd.concat([bought("A", "B"), bought("B", date="2025-02-01")])
    row = recommend.evaluate(recommend.ItemItem(), frame, "2025-02-01").loc["ItemItem"]
    assert row["hit_rate"] == row["coverage"] == 0
    assert math.isnan(row["popularity"])


@pytest.mark.parametrize("cutoff", ["2025-07-01", "2025-10-01"])
def test_neighbours_beat_best_sellers_in_the_shop(shop_lines: pd.DataFrame, cutoff: str):
    """They do, because customers keep to a category and a price; and they show far more of the shelf."""
    models = {"neighbours": recommend.ItemItem(), "best sellers": recommend.Popularity()}
    table = recommend.evaluate(models, shop_lines, cutoff)
    near, best = table.loc["neighbours"], table.loc["best sellers"]
    assert near["customers"] == best["customers"] > 1500
    assert near["hit_rate"] > best["hit_rate"] + 0.1
    assert near["recall"] > 1.5 * best["recall"]
    assert near["mrr"] > 1.3 * best["mrr"]
    assert near["coverage"] > 0.6 > 0.2 > best["coverage"]
    assert near["popularity"] < best["popularity"]


def test_bad_evaluations_are_told():
    frame = pd.concat([TOY, bought("C", date="2025-02-01")])
    model = recommend.Popularity()
    assert "切分日 2026-01-01 当天及之后没有购买" in told(recommend.evaluate, model, frame, "2026-01-01")
    assert "切分日 2024-01-01 之前没有购买" in told(recommend.evaluate, model, frame, "2024-01-01")
    assert "没有老客户买过新商品" in told(
        recommend.evaluate, model, pd.concat([TOY, bought("A", date="2025-02-01")]), "2025-02-01"
    )
    assert "模型 list 应是 ItemItem 或 Popularity，现在是 list" in told(
        recommend.evaluate, [model], frame, "2025-02-01"
    )
    assert "购买明细缺少列 date" in told(recommend.evaluate, model, frame.drop(columns="date"), "2025-02-01")
