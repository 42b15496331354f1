"""The generated distributors: the tables agree, three kinds of diversion are there, and three kinds of innocence."""

import numpy as np
import pandas as pd
import pytest

from crmlab import channel, data
from crmlab.generate import channel as generator

RECIPE = generator.RECIPE
DEADLINES = ("2025-06-30", "2025-12-31")


@pytest.fixture(scope="module")
def brand() -> data.Tables:
    return data.load("channel")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return data.truth("channel")


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_brand(request: pytest.FixtureRequest) -> data.Tables:
    return data.load("channel") if request.param == "published" else data.draw("channel", request.param)


def found(brand, limits: channel.Limits | None = None) -> pd.DataFrame:
    tables = brand if isinstance(brand, dict) else {name: brand[name] for name in brand}
    alert = tables["products"].set_index("product_id")["alert_price"]
    return channel.diversion_signs(
        tables["shipments"], tables["scans"], tables["distributors"], alert, DEADLINES, limits or channel.Limits()
    )


# --- the tables agree -------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(brand):
    tables, _truth = generator.generate(RECIPE.seed, RECIPE.size)
    for table in brand:
        pd.testing.assert_frame_equal(brand[table], tables[table].astype(brand[table].dtypes), check_exact=True)


def test_the_same_student_gets_the_same_and_another_one_others():
    one, again, other = (data.draw("channel", student) for student in ("s01", "s01", "s02"))
    for table in one:
        pd.testing.assert_frame_equal(one[table], again[table])
    assert not set(one.distributors["distributor_id"]) & set(other.distributors["distributor_id"])
    described = {resource["name"]: resource["schema"]["fields"] for resource in data.package("channel")["resources"]}
    for table in other:
        assert list(other[table].columns) == [field["name"] for field in described[table]]


def test_keys_and_times(any_brand):
    firms, goods, seen = any_brand.distributors, any_brand.shipments, any_brand.scans
    assert set(firms["region"]) <= set(any_brand.regions["region"])
    assert set(goods["distributor_id"]) == set(firms["distributor_id"])
    assert set(goods["product_id"]) <= set(any_brand.products["product_id"])
    assert set(seen["region"]) <= set(any_brand.regions["region"])
    shipped = seen["shipment_id"].map(goods.set_index("shipment_id")["shipped_on"])
    assert (seen["scanned_on"] > shipped).all(), "nobody scans before the goods are sent"
    assert seen["scanned_on"].max() <= any_brand.as_of
    assert goods["shipped_on"].is_monotonic_increasing
    assert set(any_brand.promotions["distributor_id"]) <= set(firms["distributor_id"])


def test_promotions_hold_for_their_owner_and_time(any_brand):
    goods = any_brand.shipments.merge(any_brand.promotions, on="promotion_id", suffixes=("", "_of"))
    assert len(goods) > 10
    assert (goods["distributor_id"] == goods["distributor_id_of"]).all()
    assert goods["shipped_on"].between(goods["starts_on"], goods["ends_on"]).all()


def test_neighbours_are_mutual(any_brand):
    near = {row.region: set(row.neighbours.split("、")) for row in any_brand.regions.itertuples()}
    assert all(home in near[other] for home, others in near.items() for other in others)
    assert all(home not in others for home, others in near.items())


def test_prices(any_brand):
    goods = any_brand.shipments.merge(any_brand.products, on="product_id")
    goods = goods.merge(any_brand.distributors, on="distributor_id").merge(any_brand.regions, on="region")
    cut = goods["promotion_id"].map(any_brand.promotions.set_index("promotion_id")["price_cut"]).fillna(0)
    expected = goods["list_price"] * goods["price_factor"] * (1 - cut)
    assert goods["unit_price"].to_numpy() == pytest.approx(expected.to_numpy(), abs=0.006)
    assert (any_brand.products["alert_price"] < any_brand.products["guide_price"]).all()
    assert 0.35 < any_brand.scans["price"].isna().mean() < 0.45


# --- the mechanism ----------------------------------------------------------------------------------------


def test_counts_of_each_kind_are_the_same_for_every_student():
    for size, expected in ((60, (3, 3, 2, 4, 3, 2)), (30, (2, 2, 1, 2, 2, 1))):
        for seed in (1, 2, 3):
            counts = generator.generate(seed, size)[1].frame()["pattern"].value_counts()
            assert tuple(counts[list(generator.PATTERNS[:-1])]) == expected


def test_planted_shares_come_back_from_the_scans(brand, truth):
    seen = found(brand)
    kinds = truth.loc[seen.index, "pattern"]
    share = (seen["out_share"] * seen["scans"]).groupby(kinds).sum() / seen["scans"].groupby(kinds).sum()
    for kind in ("price", "quiet", "border", "normal"):
        assert share[kind] == pytest.approx(sum(generator.LEAKS[kind]), abs=0.06), kind
    assert 0.02 < share["normal"] < 0.05


def test_goods_bought_for_the_rebate_end_elsewhere(brand, truth):
    chasers = truth.index[truth["pattern"] == "rebate"]
    goods = brand.shipments[brand.shipments["distributor_id"].isin(chasers)]
    rush = goods["shipped_on"].between("2025-06-13", "2025-06-30")
    home = brand.distributors.set_index("distributor_id")["region"]
    seen = brand.scans.merge(goods.assign(rush=rush), on="shipment_id")
    out = seen["region"] != seen["distributor_id"].map(home)
    assert out[seen["rush"]].mean() > 0.5
    assert out[~seen["rush"] & (seen["shipped_on"] < "2025-12-01")].mean() < 0.2
    half = goods[goods["shipped_on"] <= "2025-06-30"]
    reached = half.groupby("distributor_id")["boxes"].sum()
    before = half[~rush.loc[half.index]].groupby("distributor_id")["boxes"].sum()
    steps = brand.rebates["from_boxes"].to_numpy()
    climbed = np.searchsorted(steps, reached, "right") > np.searchsorted(steps, before.reindex(reached.index), "right")
    assert climbed.sum() >= 2, "most of them reach a higher tier by it"


def test_diverters_sit_where_goods_are_cheap(truth):
    cheap = []
    for seed in range(12):
        tables, known = generator.generate(seed, 30)
        zone = tables["distributors"].merge(tables["regions"], on="region")["zone"]
        cheap.append(pd.crosstab(known.frame()["diverts"].to_numpy(), zone.to_numpy(), normalize="index")["扶持区"])
    mean = pd.concat(cheap, axis=1).mean(axis=1)
    assert mean[True] > 1.4 * mean[False]


def test_the_candidates_are_worth_a_quarrel(any_brand):
    table = any_brand.candidates.set_index("candidate_id")
    indicators = ["credit_score", "outlets", "warehouse_m2", "vehicles", "sales_staff", "cooperation_score", "credit_days", "margin_asked"]  # fmt: skip
    share = channel.win_share(table, indicators, {"credit_days": "cost", "margin_asked": "cost"}, draws=4000)
    assert share.max() < 0.9, "no candidate wins whatever the weights"
    assert (share > 0.03).sum() >= 2


# --- detection, and the traps of the card -----------------------------------------------------------------


def test_two_signs_find_most_and_accuse_few(brand, truth):
    result = channel.evaluate(found(brand)["suspect"], truth["diverts"])
    assert result.precision == 1
    assert result.recall == 0.75
    assert set(truth.loc[result.missed, "pattern"]) == {"quiet"}


def test_the_difficulty_is_alike_for_all_students():
    results = []
    for seed in range(8):
        tables, known = generator.generate(seed, 30)
        results.append(channel.evaluate(found(tables)["suspect"], known.frame()["diverts"]))
    assert np.mean([result.recall for result in results]) > 0.8
    assert np.mean([result.precision for result in results]) > 0.85
    assert min(result.recall for result in results) >= 0.6
    assert min(result.precision for result in results) >= 0.7


def test_a_naive_share_accuses_border_towns(brand, truth):
    naive = channel.evaluate(found(brand)["out_share"] > 0.1, truth["diverts"])
    assert naive.recall == 1
    assert set(truth.loc[naive.accused, "pattern"]) == {"border"}
    assert len(naive.accused) >= 2


def test_what_is_scanned_over_the_border_lies_next_door(brand, truth):
    near = {row.region: set(row.neighbours.split("、")) for row in brand.regions.itertuples()}
    home = brand.distributors.set_index("distributor_id")["region"]
    seen = brand.scans.merge(brand.shipments[["shipment_id", "distributor_id"]], on="shipment_id")
    seen["home"] = seen["distributor_id"].map(home)
    out = seen[seen["region"] != seen["home"]]
    beside = pd.Series([row.region in near[row.home] for row in out.itertuples()], index=out.index)
    by_kind = beside.groupby(out["distributor_id"].map(truth["pattern"])).mean()
    assert by_kind["border"] > 0.85
    assert by_kind["price"] < 0.4


def test_promoted_and_cleared_goods_stay_at_home(brand, truth):
    table = found(brand)
    kinds = truth.loc[table.index, "pattern"]
    assert table.loc[kinds == "promotion", "spike"].max() > 1.5
    assert table.loc[kinds.isin(["promotion", "clearance"]), "out_share"].max() < 0.08
    alert = brand.products.set_index("product_id")["alert_price"]
    seen = brand.scans.dropna(subset="price").merge(brand.shipments, on="shipment_id")
    low = seen["price"] < seen["product_id"].map(alert)
    cleared = seen["distributor_id"].map(truth["pattern"]) == "clearance"
    agreed = seen["promotion_id"] != ""
    assert low[cleared & agreed].mean() > 0.9
    assert low[cleared & ~agreed].mean() < 0.05


def test_the_december_rush_is_not_scanned_yet(brand):
    goods = brand.shipments.set_index("shipment_id")["shipped_on"]
    counts = brand.scans["shipment_id"].value_counts().reindex(goods.index).fillna(0)
    assert counts[goods >= "2025-12-10"].mean() < 0.3 * counts[goods < "2025-11-01"].mean()


def test_truth_is_in_no_file(brand, truth):
    assert not {column for table in brand for column in brand[table]} & set(truth.columns)
    assert truth["diverts"].equals(truth["pattern"].isin(generator.DIVERTS).rename("diverts"))
