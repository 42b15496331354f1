"""Distributors: scores by hand, rebates with their jumps, signs of diversion with the chance of being wrong."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from crmlab import channel
from crmlab.errors import CourseError

TABLE = pd.DataFrame(
    {"outlets": [100, 300, 200], "credit_days": [30, 60, 45], "credit": [80, 80, 80]}, index=["甲", "乙", "丙"]
)
COSTS = {"credit_days": "cost"}


# --- scores -----------------------------------------------------------------------------------------------


def test_minmax_by_hand():
    table = channel.score_distributors(TABLE, {"outlets": 3, "credit_days": 1}, COSTS)
    assert table["outlets"].to_list() == [0, 1, 0.5]
    assert table["credit_days"].to_list() == [1, 0, 0.5]
    assert table["total"].to_list() == [0.25, 0.75, 0.5]
    assert table["rank"].to_list() == [3, 1, 2]


def test_target_by_hand():
    targets = {"outlets": 200, "credit_days": 45}
    table = channel.score_distributors(TABLE, {"outlets": 1, "credit_days": 1}, COSTS, method="target", targets=targets)
    assert table["outlets"].to_list() == [0.5, 1, 1]
    assert table["credit_days"].to_list() == [1, 0.75, 1]
    assert table["rank"].to_list() == [3, 2, 1]


def test_equal_totals_share_the_better_rank():
    table = channel.score_distributors(TABLE, {"credit": 1})
    assert table["rank"].to_list() == [1, 1, 1]
    assert table["total"].to_list() == [1, 1, 1]


numbers = st.lists(st.tuples(*[st.integers(0, 50)] * 3), min_size=2, max_size=8)


@settings(max_examples=50, deadline=None)
@given(numbers, st.tuples(*[st.integers(1, 9)] * 3), st.randoms())
def test_laws_of_the_score(rows, weights, random):
    table = pd.DataFrame(rows, columns=list("abc"), index=[f"D{number}" for number in range(len(rows))])
    weight = dict(zip("abc", weights, strict=True))
    found = channel.score_distributors(table, weight, {"c": "cost"})
    assert found[["a", "b", "c", "total"]].to_numpy().min() >= 0
    assert found[["a", "b", "c", "total"]].to_numpy().max() <= 1 + 1e-12
    order = list(table.index)
    random.shuffle(order)
    shuffled = channel.score_distributors(table.loc[order], weight, {"c": "cost"})
    pd.testing.assert_frame_equal(shuffled.loc[table.index], found)
    scaled = channel.score_distributors(
        table * 7 + 3, {name: 5 * value for name, value in weight.items()}, {"c": "cost"}
    )
    assert scaled["total"].to_numpy() == pytest.approx(found["total"].to_numpy()), "units and scale of weights are free"
    better = table.assign(a=table["a"] + 1 * (table.index == "D0"))
    assert channel.score_distributors(better, weight, {"c": "cost"}).loc["D0", "rank"] <= found.loc["D0", "rank"]


def test_leaving_one_out_may_turn_the_order_with_minmax_but_not_with_targets():
    """B beats C only as long as A, weak in y, stretches that scale."""
    table = pd.DataFrame({"x": [10, 4, 0], "y": [0, 9, 12]}, index=list("ABC"))
    weights = {"x": 1, "y": 1}
    every = channel.score_distributors(table, weights)["total"]
    without = channel.score_distributors(table.drop("A"), weights)["total"]
    assert every["B"] > every["C"]
    assert without["B"] == without["C"] == 0.5
    targets = {"x": 10, "y": 12}
    fixed = [channel.score_distributors(part, weights, method="target", targets=targets)["total"]
             for part in (table, table.drop("A"))]  # fmt: skip
    assert fixed[0][["B", "C"]].equals(fixed[1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: channel.score_distributors(TABLE, {}), "weights 应是 {指标列名: 权重}，至少一个"),
        (lambda: channel.score_distributors(TABLE, ["outlets"]), "weights 应是"),
        (lambda: channel.score_distributors(TABLE, {"outlets": 0}), "weights 全是 0"),
        (lambda: channel.score_distributors(TABLE, {"outlets": -1}), r"weights\[outlets\] 应不小于 0，现在是 -1"),
        (lambda: channel.score_distributors(TABLE, {"staff": 1}), "评分表缺少列 staff"),
        (lambda: channel.score_distributors(TABLE, {"outlets": 1}, COSTS), "credit_days 没有权重"),
        (lambda: channel.score_distributors(TABLE, {"outlets": 1}, {"outlets": "low"}), r"directions\[outlets\] 应是 benefit、cost 之一"),
        (lambda: channel.score_distributors(TABLE, {"outlets": 1}, method="topsis"), "method 应是 minmax、target"),
        (lambda: channel.score_distributors(TABLE, {"outlets": 1}, method="target"), "targets 里缺少 outlets"),
        (lambda: channel.score_distributors(TABLE.assign(outlets=[1, "多", 3]), {"outlets": 1}), "列 outlets 第 2 行的 '多'"),
        (lambda: channel.weight_path(TABLE, {"outlets": 1}, vary="outlets"), "除了 outlets 没有别的指标"),
        (lambda: channel.weight_path(TABLE, {"outlets": 1}, vary="staff"), "vary 应是 outlets 之一"),
        (lambda: channel.weight_path(TABLE, {"outlets": 1, "credit": 1}, vary="credit", at=[2]), "at 第 1 个值是 2"),
    ],
)  # fmt: skip
def test_score_errors(call, words):
    with pytest.raises(CourseError, match=words):
        call()


# --- sensitivity ------------------------------------------------------------------------------------------


def test_weight_path_runs_from_without_to_nothing_but():
    weights = {"outlets": 2, "credit_days": 1, "credit": 1}
    path = channel.weight_path(TABLE, weights, COSTS, vary="outlets")
    assert len(path) == 21
    assert path.loc[0.0].to_list() == [1, 0.5, 0.75], "the others keep their ratio"
    assert path.loc[1.0].to_list() == [0, 1, 0.5]
    now = channel.score_distributors(TABLE, weights, COSTS)["total"]
    assert path.loc[0.5].to_list() == pytest.approx(now.to_list())


def test_win_share_of_two_opposites_is_a_half_each():
    found = channel.win_share(TABLE.drop("丙"), ["outlets", "credit_days"], COSTS, draws=20_000)
    assert found["甲"] == pytest.approx(0.5, abs=0.015)
    assert found.sum() == pytest.approx(1)


def test_win_share_knows_the_area_of_three_weights():
    """乙 wins where its lead in outlets outweighs its lag in both others: w₁ > ½, a quarter of the triangle."""
    table = pd.DataFrame({"a": [0, 1], "b": [1, 0], "c": [1, 0]}, index=["甲", "乙"])
    found = channel.win_share(table, ["a", "b", "c"], draws=40_000, seed=5)
    assert found["乙"] == pytest.approx(0.25, abs=0.01)
    pd.testing.assert_series_equal(found, channel.win_share(table, ["a", "b", "c"], draws=40_000, seed=5))


def test_twins_share_their_wins():
    found = channel.win_share(pd.DataFrame({"a": [2, 2, 1], "b": [3, 3, 1]}, index=list("XYZ")), ["a", "b"], draws=50)
    assert found.to_dict() == {"X": 0.5, "Y": 0.5, "Z": 0}


# --- rebates ----------------------------------------------------------------------------------------------


TIERS = pd.DataFrame({"from_boxes": [0, 1000, 3000], "rate": [0.0, 0.02, 0.05]})


@pytest.mark.parametrize(
    ("boxes", "on_all", "by_step"),
    [(0, 0, 0), (999, 0, 0), (1000, 200, 0), (2000, 400, 200), (3000, 1500, 400), (4000, 2000, 900)],
)
def test_rebates_by_hand(boxes, on_all, by_step):
    assert channel.rebate(boxes, TIERS, 10) == pytest.approx(on_all)
    assert channel.rebate(boxes, TIERS, 10, whole=False) == pytest.approx(by_step)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 5000))
def test_only_the_rebate_on_all_jumps(one, two):
    low, high = sorted((one, two))
    for whole in (True, False):
        assert channel.rebate(low, TIERS, 10, whole=whole) <= channel.rebate(high, TIERS, 10, whole=whole) + 1e-9
    step = channel.rebate(high, TIERS, 10, whole=False) - channel.rebate(low, TIERS, 10, whole=False)
    assert step <= 0.05 * 10 * (high - low) + 1e-6


def test_the_jump_pays_for_a_loss_on_the_last_boxes():
    found = channel.rebate_jump(2800, TIERS, 10)
    assert found["gap"] == 200
    assert found["gain"] == 1500 - 560
    assert found["loss_per_box"] == pytest.approx(4.7)
    assert found["loss_share"] == pytest.approx(0.47)
    assert channel.rebate_jump(2999, TIERS, 10)["loss_share"] > 1, "the last box could be given away"
    assert channel.rebate_jump(3000, TIERS, 10).isna().all()
    assert channel.rebate_jump(0, TIERS, 0)["gain"] == 0
    assert np.isnan(channel.rebate_jump(0, TIERS, 0)["loss_share"])


@pytest.mark.parametrize(
    ("tiers", "words"),
    [
        (TIERS.iloc[1:], "返利表的列 from_boxes 应从 0 开始"),
        (TIERS.iloc[[0, 2, 1]], "逐级增大"),
        (TIERS.assign(rate=[0, 2, 5]), "列 rate 第 2 行是 2，应在 0 到 1 之间"),
        (TIERS.drop(columns="rate"), "返利表缺少列 rate"),
    ],
)
def test_rebate_errors(tiers, words):
    with pytest.raises(CourseError, match=words):
        channel.rebate(10, tiers, 10)


# --- diversion --------------------------------------------------------------------------------------------


DEADLINES = ["2025-06-30", "2025-12-31"]
FIRMS = pd.DataFrame(
    {"distributor_id": ["D1", "D2", "D3"], "region": ["东", "西", "南"], "local_demand": [100, 100, 100]}
)


def shipments(extra: int = 0) -> pd.DataFrame:
    """Each firm ships 100 boxes on the 15th and the 25th of each month; D3 ``extra`` more on 06-25."""
    rows = [
        (f"{firm}-{month:02d}-{day}", f"2025-{month:02d}-{day}", firm, "P1", 50 + extra * (firm == "D3" and (month, day) == (6, 25)))
        for firm in FIRMS["distributor_id"]
        for month in range(1, 13)
        for day in (15, 25)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["shipment_id", "shipped_on", "distributor_id", "product_id", "boxes"])


def scans(**outside: int) -> pd.DataFrame:
    """100 scans a firm, the first ``outside[firm]`` of them in 北, at 8 yuan; at home at 12."""
    home = FIRMS.set_index("distributor_id")["region"]
    rows = [
        (f"{firm}-{1 + number % 12:02d}-15", "北" if number < outside.get(firm, 0) else home[firm], 8.0 if number < outside.get(firm, 0) else 12.0)
        for firm in home.index
        for number in range(100)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["shipment_id", "region", "price"])


def signs(goods=None, found=None, limits=channel.Limits(), alert=10.0) -> pd.DataFrame:  # noqa: B008
    goods = shipments() if goods is None else goods
    found = scans() if found is None else found
    return channel.diversion_signs(goods, found, FIRMS, {"P1": alert}, DEADLINES, limits)


def test_honest_distributors_show_no_sign():
    table = signs()
    assert (table["signs"] == 0).all()
    assert (table["out_share"] == 0).all()
    assert (table["spike"] == 1).all()
    assert (table["excess"] == 1).all()
    assert (table["evidence"] == "没有明显迹象").all()
    assert table["low_share"].isna().all()


def test_goods_found_cheap_in_another_region():
    table = signs(found=scans(D2=40))
    assert table.index[0] == "D2"
    row = table.loc["D2"]
    assert row["out_share"] == 0.4
    assert row["out_low"] == pytest.approx(proportion_confint(40, 100, alpha=0.1, method="wilson")[0])
    assert row["low_share"] == 1
    assert row["suspect"]
    assert row["evidence"] == "40% 的扫码在区域外；区域外 100% 的售价低于预警价"
    assert signs(found=scans(D2=40), alert=7.0).loc["D2", "signs"] == 1, "the same prices are not low for a low alert"


def test_few_scans_prove_nothing():
    few = scans(D2=2).groupby(scans()["shipment_id"].str[:2]).head(2)
    row = signs(found=few, limits=channel.Limits(out_share=0.5)).loc["D2"]
    assert row["out_share"] == 1
    assert not row["out"], "two of two may be chance"
    assert np.isnan(row["low_share"]), "two prices are too few"
    assert signs(found=few, limits=channel.Limits(least_prices=2)).loc["D2", "low_share"] == 1


def test_a_distributor_nobody_scanned_has_no_share():
    row = signs(found=scans()[:100]).loc["D2"]
    assert row["scans"] == 0
    assert np.isnan(row["out_share"])
    assert not row["out"]


def test_a_share_just_over_the_limit_is_not_beyond_chance():
    assert not signs(found=scans(D2=18)).loc["D2", "out"]
    assert signs(found=scans(D2=24)).loc["D2", "out"]


def test_a_rush_before_the_deadline():
    row = signs(goods=shipments(extra=900)).loc["D3"]
    late = (900 + 4 * 50) / (900 + 24 * 50)
    assert row["spike"] == pytest.approx(late / (4 * 50 / 1200))
    assert row["rush"]
    assert row["excess"] == pytest.approx(2100 / 1200)
    assert row["evidence"] == "结算日前的进货是同行的 3.1 倍；全年进货是当地需求的 1.8 倍"


def test_a_season_that_all_share_is_nobodys_fault():
    goods = shipments()
    june = goods["shipped_on"].str.startswith("2025-06")
    table = signs(goods=goods.assign(boxes=goods["boxes"].mask(june, 400)))
    assert (table["spike"] == 1).all()
    assert not table["rush"].any()


def test_more_signs_needed_accuse_fewer():
    goods, found = shipments(extra=900), scans(D2=40, D3=5)
    counts = [signs(goods, found, channel.Limits(needed=needed))["suspect"].sum() for needed in (1, 2, 3, 4)]
    assert counts == [2, 2, 1, 0]


def test_row_order_does_not_matter():
    goods, found = shipments(extra=900), scans(D2=40)
    shuffled = signs(goods.sample(frac=1, random_state=1), found.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled, signs(goods, found))


def test_a_distributor_without_goods_is_no_suspect():
    goods = shipments()
    table = signs(goods=goods[goods["distributor_id"] != "D3"], found=scans()[:200])
    assert table.loc["D3", "signs"] == 0
    assert table.loc["D3", "excess"] == 0
    assert np.isnan(table.loc["D3", "spike"])


def test_no_goods_before_a_deadline_give_no_spike():
    goods = shipments()
    january = goods["shipped_on"].str[5:7] == "01"
    assert signs(goods=goods[january], found=scans()[scans()["shipment_id"].str[3:5] == "01"])["spike"].isna().all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: signs(goods=shipments().assign(distributor_id="D9")), "发货表列 distributor_id 第 1 行的 'D9' 在经销商表里没有"),
        (lambda: signs(found=scans().assign(shipment_id="X")), "扫码表列 shipment_id 第 1 行的 'X' 在发货表里没有"),
        (lambda: channel.diversion_signs(shipments(), scans(), FIRMS, {"P2": 1}, DEADLINES), "product_id 第 1 行的 'P1' 在alert_prices里没有"),
        (lambda: channel.diversion_signs(shipments(), scans(), FIRMS, {"P1": 1}, []), "deadlines 是空的"),
        (lambda: channel.diversion_signs(shipments(), scans(), FIRMS, {"P1": 1}, ["年底"]), "deadlines '年底' 不是日期"),
        (lambda: channel.diversion_signs(shipments(), scans(), FIRMS.assign(local_demand=0), {"P1": 1}, DEADLINES), "列 local_demand 第 1 行是 0，应大于 0"),
        (lambda: signs(limits=channel.Limits(needed=5)), "needed 应在 1 到 4 之间"),
        (lambda: signs(limits=channel.Limits(confidence=0.2)), "confidence"),
        (lambda: signs(goods=shipments().drop(columns="boxes")), "发货表缺少列 boxes"),
    ],
)  # fmt: skip
def test_diversion_errors(call, words):
    with pytest.raises(CourseError, match=words):
        call()


# --- against the truth ------------------------------------------------------------------------------------


def test_precision_and_recall_by_hand():
    said = pd.Series({"D1": True, "D2": True, "D3": False, "D4": True})
    real = pd.Series({"D4": True, "D3": True, "D2": False, "D1": True})
    result = channel.evaluate(said, real)
    assert result.precision == pytest.approx(2 / 3)
    assert result.recall == pytest.approx(2 / 3)
    assert result.f1 == pytest.approx(2 / 3)
    assert result.accused == ["D2"]
    assert result.missed == ["D3"]


def test_without_suspects_or_culprits_the_rates_are_missing():
    nobody = pd.Series({"D1": False})
    result = channel.evaluate(nobody, nobody)
    assert np.isnan([result.precision, result.recall, result.f1]).all()


def test_evaluate_wants_the_same_distributors():
    one, other = pd.Series({"D1": True}), pd.Series({"D2": True})
    with pytest.raises(CourseError, match="编号不一致，例如 D1"):
        channel.evaluate(one, other)
    with pytest.raises(CourseError, match="truth 应是以经销商编号为索引"):
        channel.evaluate(one, [True])


def test_three_kinds_of_conflict():
    assert list(channel.CONFLICTS) == ["水平冲突", "垂直冲突", "多渠道冲突"]
    assert "窜货" in channel.CONFLICTS["水平冲突"]
