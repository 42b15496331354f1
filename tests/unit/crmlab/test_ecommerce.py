"""The generated shop: its tables agree with each other, and its customers behave as the data card says."""

import numpy as np
import pandas as pd
import pytest

from crmlab import data
from crmlab.generate import catalogue, ecommerce, reviews, seasons

RECIPE = ecommerce.RECIPE


@pytest.fixture(scope="module")
def shop() -> data.Tables:
    return data.load("ecommerce")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return ecommerce.generate(RECIPE.seed, RECIPE.size)[1].frame()


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_shop(request: pytest.FixtureRequest) -> data.Tables:
    """The published shop, and draws that must be alike in shape and difficulty."""
    return data.load("ecommerce") if request.param == "published" else data.draw("ecommerce", request.param)


def by_customer(shop: data.Tables) -> pd.DataFrame:
    groups = data.purchases(shop).groupby("customer_id")
    table = groups.agg(
        last=("date", "max"), orders=("order_id", "size"), days=("date", "nunique"), money=("amount", "sum")
    )
    return table.assign(recency=(shop.as_of - table["last"]).dt.days, money=table["money"].round(2))


# --- the tables agree -------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(shop: data.Tables) -> None:
    tables, _truth = ecommerce.generate(RECIPE.seed, RECIPE.size)
    for table in shop:
        pd.testing.assert_frame_equal(shop[table], tables[table].astype(shop[table].dtypes), check_exact=True)


def test_another_seed_gives_another_shop(shop: data.Tables) -> None:
    other, _truth = ecommerce.generate(RECIPE.seed + 1, RECIPE.size)
    assert not other["orders"]["customer_id"].equals(shop.orders["customer_id"])
    assert other["products"]["name"].tolist() == shop.products["name"].tolist()


def test_keys(any_shop: data.Tables) -> None:
    customers = set(any_shop.customers["customer_id"])
    products = set(any_shop.products["product_id"])
    orders = set(any_shop.orders["order_id"])
    assert len(customers) == len(any_shop.customers)
    assert len(orders) == len(any_shop.orders)
    assert not any_shop.items.duplicated(["order_id", "line_no"]).any()
    assert set(any_shop.items["order_id"]) == orders, "an order without lines, or a line without order"
    assert set(any_shop.items["product_id"]) <= products
    assert set(any_shop.orders["customer_id"]) <= customers
    assert set(any_shop.referrals["referrer_id"]) | set(any_shop.referrals["referred_id"]) <= customers
    bought = any_shop.items.merge(any_shop.orders, on="order_id")[["order_id", "product_id", "customer_id"]]
    reviewed = any_shop.reviews[["order_id", "product_id", "customer_id"]]
    assert len(reviewed.merge(bought.drop_duplicates())) == len(reviewed), "a review of what was not bought"


def test_time_runs_forward(any_shop: data.Tables) -> None:
    joined = any_shop.customers.set_index("customer_id")["member_since"]
    orders = any_shop.orders
    assert (orders["ordered_at"] >= orders["customer_id"].map(joined)).all()
    assert orders["ordered_at"].is_monotonic_increasing
    assert orders["ordered_at"].min() >= pd.Timestamp(seasons.START)
    assert orders["ordered_at"].max() < any_shop.as_of + pd.Timedelta(days=1)
    ordered = any_shop.reviews["order_id"].map(orders.set_index("order_id")["ordered_at"])
    assert (any_shop.reviews["reviewed_at"] > ordered).all()
    assert any_shop.reviews["reviewed_at"].max() <= any_shop.as_of
    referrals = any_shop.referrals
    first = orders.groupby("customer_id")["ordered_at"].min()
    assert (referrals["referred_at"] == referrals["referred_id"].map(joined)).all()
    assert (referrals["referrer_id"].map(first) < referrals["referred_at"]).all(), "nobody recommends before buying"


def test_status_says_what_the_lines_say(any_shop: data.Tables) -> None:
    lines = any_shop.items.groupby("order_id")[["quantity", "returned_quantity"]].sum()
    orders = any_shop.orders.set_index("order_id").join(lines)
    back, sent = orders["returned_quantity"], orders["quantity"]
    assert (any_shop.items["returned_quantity"] <= any_shop.items["quantity"]).all()
    assert (back[orders["status"].isin(["completed", "cancelled"])] == 0).all()
    assert (back[orders["status"] == "returned"] == sent[orders["status"] == "returned"]).all()
    partly = orders["status"] == "partly_returned"
    assert back[partly].between(1, sent[partly] - 1).all()
    assert not set(any_shop.reviews["order_id"]) & set(orders.index[orders["status"] == "cancelled"])


def test_discounts_come_from_promotions(any_shop: data.Tables) -> None:
    lines = any_shop.items.merge(any_shop.orders, on="order_id")
    rates = {promotion.name: promotion.discount for promotion in seasons.PROMOTIONS} | {"": 0.0}
    assert ((lines["discount"] == 0) | (lines["discount"] == lines["promotion"].map(rates))).all()
    used = any_shop.orders[any_shop.orders["promotion"] == "双11"]["ordered_at"]
    assert set(used.dt.strftime("%m-%d")) <= {"10-31", *(f"11-{day:02d}" for day in range(1, 12))}


def test_every_amount_is_whole_fen(any_shop: data.Tables) -> None:
    items = any_shop.items
    fen = 100 * items["unit_price"] * (1 - items["discount"])
    np.testing.assert_allclose(fen, fen.round(), atol=1e-6)
    listed = items["product_id"].map(any_shop.products.set_index("product_id")["list_price"])
    assert (items["unit_price"] / listed).between(0.85, 1.15).all()
    assert (items["unit_price"] != listed).any()


# --- the shape of the shop --------------------------------------------------------------------------------


def test_size(shop: data.Tables) -> None:
    assert len(shop.customers) == 5000
    assert 38_000 <= len(shop.orders) <= 42_000


def test_a_draw_is_a_fifth_of_the_shop() -> None:
    sizes = [len(data.draw("ecommerce", f"s{number}").orders) for number in range(10)]
    assert min(sizes) > 6_500
    assert max(sizes) < 9_500
    assert 7_500 < np.mean(sizes) < 8_500


def test_concentration_and_dormancy(any_shop: data.Tables) -> None:
    table = by_customer(any_shop)
    money = table["money"].sort_values(ascending=False)
    assert 0.60 < money.iloc[: round(0.2 * len(money))].sum() / money.sum() < 0.75
    assert 0.35 < (table["recency"] > 180).mean() < 0.47
    assert 0.10 < 1 - len(table) / len(any_shop.customers) < 0.19, "members who never bought"
    assert 0.18 < (table["days"] == 1).mean() < 0.32
    returned = any_shop.orders["status"].isin(["returned", "partly_returned"]).mean()
    assert 0.05 < returned < 0.10
    assert 0.02 < (any_shop.orders["status"] == "cancelled").mean() < 0.05


def test_misconceptions_show_in_the_data(any_shop: data.Tables) -> None:
    """Counting orders as days, or cancelled orders as purchases, must change many customers' numbers."""
    table = by_customer(any_shop)
    assert (table["orders"] > table["days"]).mean() > 0.2
    valid = any_shop.orders["status"].isin(["completed", "partly_returned"])
    last = any_shop.orders.groupby("customer_id")["ordered_at"].max().dt.normalize()
    assert (~valid).sum() > 300
    assert (last.reindex(table.index) > table["last"]).mean() > 0.03
    assert table["days"].duplicated(keep=False).mean() > 0.9, "ties in frequency are common"
    assert table["money"].duplicated(keep=False).mean() < 0.15, "ties in money are not"


def test_seasons(shop: data.Tables) -> None:
    months = shop.orders.groupby(shop.orders["ordered_at"].dt.to_period("M")).size()
    for year in ("2024", "2025"):
        of_year = months[months.index.year == int(year)]
        assert of_year.idxmax() == pd.Period(f"{year}-11")
        assert of_year[f"{year}-06"] > 1.3 * max(of_year[f"{year}-05"], of_year[f"{year}-07"])
    daily = shop.orders.groupby(shop.orders["ordered_at"].dt.normalize()).size()
    assert daily.idxmax() == pd.Timestamp("2025-11-11")
    assert daily["2025-01-28":"2025-02-02"].mean() < 0.6 * daily["2025-02-10":"2025-02-28"].mean()
    hours = shop.orders["ordered_at"].dt.hour.value_counts(normalize=True)
    assert hours.idxmax() in (20, 21, 22)
    assert hours.loc[[2, 3, 4]].sum() < 0.03


def test_products_have_a_long_tail(shop: data.Tables) -> None:
    assert len(shop.products) == 320
    assert shop.products["name"].is_unique
    sold = shop.items.groupby("product_id")["quantity"].sum().reindex(shop.products["product_id"]).fillna(0)
    assert 0.5 < sold.nlargest(64).sum() / sold.sum() < 0.75
    rates = shop.items.assign(back=shop.items["returned_quantity"] > 0).merge(shop.products, on="product_id")
    by_category = rates.groupby("category")["back"].mean()
    assert by_category.idxmax() == "服饰鞋包"
    assert by_category["服饰鞋包"] > 3 * by_category["食品"]


# --- truth ------------------------------------------------------------------------------------------------


def test_truth_is_in_no_file(shop: data.Tables, truth: pd.DataFrame) -> None:
    columns = {column for table in shop for column in shop[table]}
    assert not columns & set(truth.columns)
    for table in shop:
        for column in shop[table].select_dtypes("str"):
            assert not shop[table][column].isin(ecommerce.LOYALTY).any()


def test_truth_explains_what_is_seen(shop: data.Tables, truth: pd.DataFrame) -> None:
    table = by_customer(shop)
    first = data.purchases(shop).groupby("customer_id")["date"].min()
    known = truth.loc[table.index]
    gone = known["dropout"].clip(upper=shop.as_of + pd.Timedelta(days=1))
    active = ((gone - first).dt.total_seconds() / 86_400).clip(lower=1)
    long = active > 180
    observed = (table["days"] - 1)[long] / active[long]
    assert np.corrcoef(observed, known["rate"][long])[0, 1] > 0.85
    # Nobody buys after having left, but for a second order on the last day.
    assert (table["last"] <= known["dropout"]).all()
    mean_order = (table["money"] / table["orders"])[table["orders"] > 5]
    assert np.corrcoef(np.log(mean_order), np.log(known["spend"].loc[mean_order.index]))[0, 1] > 0.85
    never = truth[truth["rate"] == 0]
    assert never["dropout"].isna().all()
    assert not set(never.index) & set(shop.orders["customer_id"])


def test_rates_and_spend_are_independent(truth: pd.DataFrame) -> None:
    """What the gamma-gamma model of spend supposes."""
    buyers = truth[truth["rate"] > 0]
    assert abs(np.corrcoef(np.log(buyers["rate"]), np.log(buyers["spend"]))[0, 1]) < 0.05


def test_four_kinds_of_loyalty_act_differently(shop: data.Tables, truth: pd.DataFrame) -> None:
    assert set(truth["loyalty"]) == set(ecommerce.LOYALTY)
    assert truth["loyalty"].value_counts(normalize=True).min() > 0.1
    stars = shop.reviews.groupby(shop.reviews["customer_id"].map(truth["loyalty"]))["stars"].mean()
    assert min(stars["loyal"], stars["latent"]) > max(stars["spurious"], stars["none"]) + 0.4
    lured = (shop.orders["promotion"] != "").groupby(shop.orders["customer_id"].map(truth["loyalty"])).mean()
    assert lured["spurious"] > lured["none"] > lured["loyal"]
    referrers = shop.referrals["referrer_id"].map(truth["attitude"])
    assert referrers.mean() > 0.4


# --- reviews ----------------------------------------------------------------------------------------------


def test_review_texts_follow_the_stars(shop: data.Tables) -> None:
    texts = shop.reviews["text"]
    share = shop.reviews["stars"].value_counts(normalize=True)
    assert 0.45 < share[5] < 0.6
    assert share[1] > 0.02
    assert texts.nunique() > 0.7 * len(texts)
    assert texts.str.len().between(4, 80).all()
    assert (texts == reviews.SILENT).sum() > 100
    assert (shop.reviews["stars"][texts == reviews.SILENT] == 5).all()
    assert not texts[shop.reviews["stars"] >= 4].str.contains("差评|非常失望|退款|不推荐").any()
    assert not texts[shop.reviews["stars"] <= 2].str.contains("好评|很满意|还会再来").any()


@pytest.mark.parametrize("stars", [1, 5])
def test_extreme_stars_never_contradict_themselves(stars: int) -> None:
    rng = np.random.default_rng(1)
    products = rng.integers(0, 320, 2000)
    written = "".join(reviews.texts(rng, np.full(2000, stars), products))
    praise = ("性价比很高", "发货快", "客服耐心", "包装严实")
    blame = ("等了十天才到", "推脱", "压扁", "感觉被坑")
    assert not any(phrase in written for phrase in (praise if stars == 1 else blame))
    assert all(phrase in written for phrase in (blame if stars == 1 else praise))


def test_every_product_can_be_reviewed() -> None:
    count = len(catalogue.products())
    written = reviews.texts(np.random.default_rng(0), np.full(count, 3), np.arange(count))
    assert all(isinstance(text, str) and text.strip("，。！") for text in written)
