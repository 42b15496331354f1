"""The exercises of chapter 07: what a good, a fair and a poor decision is told, and that the goals can be reached."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import data, loyalty, satisfaction, weights
from crmlab.errors import CourseError
from crmlab.widgets import satisfaction as practice
from crmlab.widgets.kit import Exercise, Result
from crmlab.widgets.satisfaction import curve, pairwise, quadrant, sorter
from crmlab.widgets.satisfaction.answers import clean_answers


def told(result: Result) -> str:
    return " ".join([result.headline, *result.reasons])


@pytest.fixture(scope="module")
def laptops():
    return data.load("laptop-survey")


@pytest.fixture(scope="module")
def points(laptops) -> pd.DataFrame:
    clean = clean_answers(laptops)
    return pd.DataFrame({"satisfaction": clean["satisfied"], "loyalty": clean["nps"]})


# --- ex-07-1 ----------------------------------------------------------------

OUTLIER = ("性能", "外观")
LOOKS = {("续航", "外观"): -4, ("价格", "外观"): -3, ("售后", "外观"): -3, ("便携", "外观"): -3}
BATTERY = {("续航", "价格"): 1, ("续航", "售后"): 1, ("续航", "便携"): 1}


@pytest.fixture(scope="module")
def judge(laptops) -> pairwise.Opinion:
    rows = laptops.judgements[laptops.judgements["judge_id"] == "J10"]
    return pairwise.Opinion.of(pairwise.told_steps(rows))


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({}, "poor", "性能对外观填的是 1/9，按全部判断求出的权重却是 0.8 倍"),
        ({OUTLIER: 2}, "good", "只重想了 1 处，还是你的意见"),
        ({OUTLIER: 5}, "good", "外观的权重从 21.2%（第 1 位）变成 5.0%（第 6 位）"),
        ({OUTLIER: 8}, "good", "真正的调查里，改不改、怎么改，由评判人本人说了算"),
        ({OUTLIER: 5, ("续航", "性能"): -1}, "good", "只重想了 2 处"),
        ({OUTLIER: 0}, "fair", "改成 1 是说两样一样重要"),
        ({OUTLIER: 1}, "fair", "方向对了，强弱还差着"),
        ({OUTLIER: -1}, "poor", "方向反了：1/2 是说外观更重要"),
        ({OUTLIER: -5}, "poor", "CR = 0.377，矛盾有随机乱填的 38%"),
        ({OUTLIER: 5, ("价格", "便携"): -3}, "fair", "那是说两样差不多"),
        ({OUTLIER: 5} | dict(list(BATTERY.items())[:2]), "fair", "你改了 3 处，改 1 处就够"),
        ({OUTLIER: 5} | BATTERY, "poor", "你改了 4 处，改 1 处就够"),
        ({("续航", "外观"): 0}, "poor", "却没有碰性能对外观 = 1/9"),
        (LOOKS, "poor", "那是让多数判断去迁就一个"),
        (LOOKS, "poor", "没有改的那一处，现在一个顶几个"),
    ],
)
def test_pairwise(judge, change, verdict, words):
    result = pairwise.evaluate_pairwise(judge, {**judge.steps, **change})
    assert words in told(result)
    assert result.verdict == verdict


def test_all_equal_is_consistent_and_says_nothing(judge):
    result = pairwise.evaluate_pairwise(judge, dict.fromkeys(judge.steps, 0))
    assert result.numbers["CR"] == "0.000"
    assert result.verdict == "poor"
    assert "权重最大与最小只差 1.0 倍" in told(result)


def test_numbers_are_those_of_the_library(judge, laptops):
    rows = laptops.judgements[laptops.judgements["judge_id"] == "J10"]
    expected = weights.ahp(weights.judgement_matrix(rows))
    assert pairwise.solve(judge.steps).cr == pytest.approx(expected.cr)
    assert np.allclose(pairwise.solve(judge.steps).matrix, expected.matrix)
    numbers = pairwise.evaluate_pairwise(judge, judge.steps).numbers
    assert (numbers["λmax"], numbers["CI"], numbers["CR"]) == ("9.006", "0.601", "0.485")
    assert judge.needed == [OUTLIER]


def test_a_judge_with_more_contradictions_may_change_more():
    experts = data.load("logistics").judgements
    rows = experts[experts["expert"] == "E6"].rename(columns={"preferred": "winner", "strength": "intensity"})
    opinion = pairwise.Opinion.of(pairwise.told_steps(rows))
    assert len(opinion.steps) == 36
    assert opinion.allowed == len(opinion.needed) + 1 == 6


def test_consistent_judge_is_no_exercise(laptops):
    with pytest.raises(CourseError, match=r"CR = 0\.029，没有要修的矛盾"):
        practice.pairwise_matrix(laptops.judgements[laptops.judgements["judge_id"] == "J01"])


def test_judgement_off_the_scale_is_told():
    rows = pd.DataFrame({"first": ["a"], "second": ["b"], "winner": ["a"], "intensity": [2.5]})
    with pytest.raises(CourseError, match=r"判断 2\.5 不在 1～9 标度上"):
        pairwise.told_steps(rows)


@given(st.integers(-8, 8))
def test_places_of_the_scale_come_back(step):
    assert pairwise.step_of(pairwise.ratio(step)) == step
    assert pairwise.ratio(step) * pairwise.ratio(-step) == pytest.approx(1)


@settings(max_examples=30)
@given(st.lists(st.integers(-8, 8), min_size=6, max_size=6))
def test_the_judgements_to_think_over_suffice(steps):
    """Whatever four indicators are told, thinking over the pairs named makes them consistent."""
    told_first = dict(zip(combinations("abcd", 2), steps, strict=True))
    pairs = pairwise.fixes(told_first)
    assert len(set(pairs)) == len(pairs)
    assert bool(pairs) == (not pairwise.solve(told_first).consistent)


def test_pairwise_shows_only_the_pairs_of_one_indicator(laptops):
    exercise = practice.pairwise_matrix(laptops.judgements[laptops.judgements["judge_id"] == "J10"])
    for name in ("续航", "外观"):
        exercise.move(row=name)
        shown = [c.description for c in exercise.controls.values() if c.layout.display is None]
        assert len(shown) == 6
        assert all(name in label for label in shown[1:])


# --- ex-07-2 ----------------------------------------------------------------


@pytest.fixture(scope="module")
def rows(laptops) -> pd.DataFrame:
    return sorter.lettered(practice.behaviour_rows(laptops))


KINDS = dict(
    zip(sorter.LETTERS, ["忠诚", "垄断", "潜在忠诚", "价格", "不忠诚", "原因不明", "忠诚", "惰性", "潜在忠诚", "激励"],
        strict=True)
)  # fmt: skip


def sorted_as(rows, **changes) -> Result:
    return sorter.evaluate_sorting(rows, "甲", **(KINDS | changes))


def test_rows_are_of_the_survey(laptops, rows):
    clean = clean_answers(laptops)
    owners = laptops.respondents.set_index("respondent_id")
    for _letter, row in rows.iterrows():
        who = row["customer_id"]
        assert row["bought"] == owners.at[who, "same_brand_items"]
        assert row["attitude"] == clean.loc[who, ["loyalty1", "loyalty2"]].mean()
        assert row["recommend"] == clean.at[who, "nps"]
    assert rows["customer_id"].is_unique


def test_kinds_are_the_librarys(rows):
    assert sorter.true_kinds(rows).to_dict() == KINDS
    assert (KINDS["庚"], rows.at["庚", "attitude"], rows.at["庚", "bought"]) == ("忠诚", 7.0, 2)  # on both lines


@pytest.mark.parametrize("student", ["s1", "s2", "s3"])
def test_a_students_own_survey_has_the_ten_too(student):
    kinds = sorter.true_kinds(practice.behaviour_rows(data.draw("laptop-survey", student)))
    assert kinds.to_list() == list(KINDS.values())


@pytest.mark.parametrize("case", sorter.CASES)
def test_reasons_add_up(case):
    for bought in range(3, 9):
        counts = sorter.reasons(bought, case.why)
        assert counts.sum() == bought
        assert (counts >= 0).all()


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "good", "十位全分对了；对症去待他们，明年毛利 1,281 元"),
        ({}, "good", "常买的 7 位里只有 2 位忠诚"),
        ({"乙": "忠诚"}, "good", "乙满意在 7 分以上，态度却不到"),
        ({"乙": "忠诚", "丁": "忠诚", "辛": "忠诚"}, "fair", "乙、丁、辛买得多，你都算成忠诚"),
        ({"甲": "价格", "庚": "垄断"}, "fair", "甲、庚喜欢又常买，就是忠诚"),
        ({"己": "激励", "辛": "垄断"}, "fair", "己没有一种原因占到一半"),
        ({"癸": "惰性", "辛": "垄断"}, "fair", "癸你选“惰性”：态度 6 分 ＜ 7，一年 4 件 ≥ 2，是虚假忠诚，因为激励（4 件里 3 件“为了积分赠品”，过半）"),
        ({"己": "垄断", "丁": "激励"}, "fair", "己你选“垄断”：态度 5 分 ＜ 7，一年 4 件 ≥ 2，是虚假忠诚，原因不明"),
        ({"丙": "不忠诚", "壬": "不忠诚"}, "fair", "丙你选“不忠诚”：态度 7.5 分 ≥ 7，一年 1 件 ＜ 2，是潜在忠诚"),
        ({"戊": "潜在忠诚", "乙": "价格"}, "fair", "戊满意在 7 分以上，态度却不到"),
        (dict.fromkeys("乙丁己辛癸", "忠诚"), "poor", "十位里分对 5 位"),
    ],
)  # fmt: skip
def test_sorting(rows, changes, verdict, words):
    result = sorted_as(rows, **changes)
    assert words in told(result)
    assert result.verdict == verdict


def test_nothing_is_told_before_all_are_decided(rows):
    result = sorted_as(rows, 癸="未定")
    assert result.headline == "还有 1 位没有定：癸。都定了才揭晓。"
    assert "忠诚" not in told(result)
    assert "分对" not in result.numbers


def test_buying_much_taken_for_loyalty_costs_what_the_answers_say(rows):
    """乙, spurious for want of a shop: 3 purchases, of which 0.7 stay if met and 0.2 if not."""
    lost = sorter.next_year("垄断", 3, "垄断") - sorter.next_year("垄断", 3, "忠诚")
    assert lost == pytest.approx(60 * 3 * (0.7 - 0.2) - (30 - 5))
    assert f"不对症，明年少 {lost:.0f} 元" in told(sorted_as(rows, 乙="忠诚"))


@given(st.sampled_from(sorter.KINDS), st.integers(3, 8), st.sampled_from(sorter.KINDS))
def test_who_is_known_is_never_treated_better_by_a_mistake(kind, bought, chosen):
    if kind != loyalty.LATENT:
        assert sorter.next_year(kind, bought, chosen) <= sorter.next_year(kind, bought, kind)


def test_sorter_shows_one_owner_at_a_time(laptops):
    exercise = practice.loyalty_sorter(practice.behaviour_rows(laptops))
    shown = [name for name, control in exercise.controls.items() if control.layout.display is None]
    assert shown == ["customer", "d0"]
    exercise.move(customer="癸")
    assert exercise.controls["d9"].layout.display is None
    assert exercise.controls["d0"].layout.display == "none"


def test_sorter_wants_its_rows(laptops):
    with pytest.raises(CourseError, match="行为表有 4 行，练习要 10 行"):
        practice.loyalty_sorter(practice.behaviour_rows(laptops).head(4))


# --- ex-07-3 ----------------------------------------------------------------


@pytest.fixture(scope="module")
def attributes(laptops) -> pd.DataFrame:
    return practice.attribute_table(laptops)


@pytest.fixture(scope="module")
def yardstick(attributes) -> quadrant.Yardstick:
    return quadrant.Yardstick.of(attributes)


NOTHING = dict.fromkeys(
    ["性能", "屏幕", "续航", "散热与噪声", "便携", "外观", "接口", "售后服务", "价格", "扩展升级"], 0
)
GOOD = NOTHING | {"续航": 30, "散热与噪声": 15, "外观": 25, "接口": 10, "售后服务": 20}


@pytest.mark.parametrize(
    ("plan", "verdict", "words"),
    [
        (GOOD, "good", "喜欢这台电脑的人可能看什么都顺眼"),
        (NOTHING | {"续航": 35, "散热与噪声": 20, "外观": 20, "售后服务": 25}, "good", "看三样一起"),
        (NOTHING | {"价格": 40, "续航": 20, "性能": 20, "散热与噪声": 20}, "poor", "价格上的 40 万元只换回 0.00 分"),
        (NOTHING | {"外观": 60, "续航": 40}, "poor", "你给外观的最后 5 万元换回 0.022 分，放到售后服务" ),
        (NOTHING | {"屏幕": 50, "性能": 50}, "poor", "屏幕已有 4.10 分，离满分只剩 0.90"),
        (dict.fromkeys(NOTHING, 10), "poor", "你撒得差不多平"),
        (NOTHING | {"续航": 60}, "poor", "还有 40 万元没有分：放在"),
        (NOTHING | {"续航": 60, "价格": 40}, "poor", "你给价格的最后 5 万元换回 0.000 分，放到"),
        (GOOD | {"屏幕": 30}, "poor", "超支 30 万元：先从屏幕收"),
        (NOTHING, "poor", "还有 100 万元没有分"),
        (NOTHING | {"扩展升级": 60, "接口": 40}, "poor", "扩展升级上的 60 万元只换回"),
    ],
)  # fmt: skip
def test_ipa(attributes, yardstick, plan, verdict, words):
    result = quadrant.evaluate_ipa(attributes, yardstick, plan)
    assert words in told(result)
    assert result.verdict == verdict


def test_stated_importance_alone_does_not_reach_the_goal(attributes, yardstick):
    asked = quadrant.best_plan(attributes.assign(effect=attributes["importance"]))
    result = quadrant.evaluate_ipa(attributes, yardstick, asked)
    assert result.verdict == "fair"
    assert result.numbers["只照直接问来分，得"] == result.numbers["满意度预计提高"]


def test_attribute_table_is_the_chapters(attributes, laptops):
    assert attributes["derived"].idxmax() == "外观"
    assert attributes["importance"].idxmax() == "价格"
    one = clean_answers(laptops)["satisfied"]
    battery = laptops.importance[laptops.importance["attribute"] == "续航"].set_index("respondent_id")["performance"]
    battery = battery[battery.index.isin(one.index)]
    assert attributes.at["续航", "derived"] == pytest.approx(battery.corr(one[battery.index]))


def test_effect_is_not_given_to_a_mere_companion(laptops):
    """Satisfaction follows the first attribute alone; the second only goes with it, and still correlates."""
    satisfied = clean_answers(laptops)["satisfied"].dropna()
    companion = satisfied / 2 + np.random.default_rng(1).normal(size=len(satisfied))
    asked = [
        pd.DataFrame({"respondent_id": satisfied.index, "attribute": name, "importance": 4.0, "performance": values})
        for name, values in (("主因", satisfied / 2), ("陪衬", companion))
    ]
    made = SimpleNamespace(respondents=laptops.respondents, answers=laptops.answers, importance=pd.concat(asked))
    table = practice.attribute_table(made)
    assert np.allclose(table["effect"], [2, 0], atol=1e-8)
    assert table.at["陪衬", "derived"] > 0.4


@settings(max_examples=40)
@given(st.lists(st.integers(0, 12), min_size=10, max_size=10))
def test_no_plan_within_the_budget_beats_the_best(attributes, yardstick, steps):
    plan = dict(zip(NOTHING, (5 * step for step in steps), strict=True))
    if sum(plan.values()) <= quadrant.BUDGET:
        assert quadrant.lifted(attributes, plan).sum() <= yardstick.best + 1e-9


@given(st.floats(0, 60), st.floats(0, 60))
def test_more_money_lifts_more_but_never_above_five(attributes, less, more):
    low, high = sorted([less, more])
    gains = [quadrant.gained(attributes, dict.fromkeys(NOTHING, money)) for money in (low, high)]
    assert (gains[0] <= gains[1] + 1e-12).all()
    assert (attributes["performance"] + gains[1] < 5).all()


def test_ipa_needs_an_attribute_that_matters(attributes):
    with pytest.raises(CourseError, match="没有一项的 effect 大于 0"):
        practice.ipa_quadrant(attributes.assign(effect=0.0))
    with pytest.raises(CourseError, match="effect"):
        practice.ipa_quadrant(attributes.drop(columns="effect"))


# --- ex-07-4 ----------------------------------------------------------------


@pytest.fixture(scope="module")
def markets(points) -> dict[str, curve.Market]:
    scores = points["satisfaction"].to_numpy()
    curves = {curve.SURVEY: curve.survey_curve(points), **curve.ASSUMED}
    return {name: curve.Market(one, scores) for name, one in curves.items()}


def lifts(below=0.0, inside=0.0, near=0.0, above=0.0) -> dict[str, float]:
    return {"below": below, "inside": inside, "near": near, "above": above}


EVEN = lifts(0.5, 0.5, 0.5, 0.5)
PLANS = {curve.SURVEY: lifts(below=1, above=1), curve.MONOPOLY: lifts(), curve.RIVALRY: lifts(above=2)}


@pytest.mark.parametrize(
    ("market", "plan", "verdict", "words"),
    [
        (curve.SURVEY, PLANS[curve.SURVEY], "good", "曲线比的是不同的人，不是同一个人的前后"),
        (curve.SURVEY, EVEN, "poor", "区内靠下 255 人每人提高 0.5 分：花 4,708 元，忠诚只多 58.0 分，值 4,639 元，亏 69 元"),
        (curve.SURVEY, lifts(inside=2), "poor", "区上 459 人，你给每人提高 0 分"),
        (curve.SURVEY, lifts(above=0.5), "poor", "区下 127 人，你给每人提高 0 分"),
        (curve.SURVEY, lifts(below=1, above=0.5), "fair", "区上 459 人，你给每人提高 0.5 分"),
        (curve.SURVEY, lifts(above=1.5), "poor", "这份调查超支 3,462 元：先从每元换回最少的区上收"),
        (curve.MONOPOLY, lifts(), "good", "这里怎么花都几乎没有净得"),
        (curve.MONOPOLY, lifts(below=0.5), "good", "没有别家可去，不满意的人也留着"),
        (curve.MONOPOLY, lifts(above=0.5), "fair", "亏 2,137 元"),
        (curve.MONOPOLY, EVEN, "poor", "同样的满意度照强竞争的曲线只剩 3.7 分"),
        (curve.RIVALRY, PLANS[curve.RIVALRY], "good", "强竞争里满意 8 分的人，忠诚也只有 3.1 分"),
        (curve.RIVALRY, EVEN, "poor", "亏 5,335 元"),
        (curve.RIVALRY, lifts(inside=1), "poor", "区上 368 人，你给每人提高 0 分"),
    ],
)  # fmt: skip
def test_curve(markets, market, plan, verdict, words):
    result = curve.evaluate_curve(markets, market, {**PLANS, market: plan})
    assert words in told(result)
    assert result.verdict == verdict


def test_all_markets_must_be_decided(markets):
    plans = {**PLANS, curve.MONOPOLY: EVEN}
    assert curve.evaluate_curve(markets, curve.SURVEY, plans).verdict == "fair"
    assert "还要定：独家经营" in told(curve.evaluate_curve(markets, curve.SURVEY, plans))
    assert curve.evaluate_curve(markets, curve.MONOPOLY, plans).verdict == "poor"
    assert "这份调查 24,269 元、独家经营 0 元、强竞争 24,582 元" in told(
        curve.evaluate_curve(markets, curve.SURVEY, PLANS)
    )


def test_surveys_curve_has_the_librarys_zone(points, markets):
    zone = satisfaction.indifference_zone(points["satisfaction"], points["loyalty"])
    found = markets[curve.SURVEY].curve
    assert (found.low, found.high, found.slopes) == (zone.low, zone.high, zone.slopes)
    assert found(points["satisfaction"]).mean() == pytest.approx(points["loyalty"].mean())


@pytest.mark.parametrize("name", list(curve.ASSUMED))
def test_assumed_curves_have_the_zone_they_claim(name):
    one = curve.ASSUMED[name]
    x = np.arange(1, 10.01, 0.5)
    zone = satisfaction.indifference_zone(x, one(x))
    assert (zone.low, zone.high) == (one.low, one.high)
    assert zone.slopes == pytest.approx(one.slopes)
    assert one(x).min() >= 0
    assert one(x).max() <= 10


@settings(max_examples=40)
@given(st.sampled_from(curve.MARKETS), st.lists(st.integers(0, 6), min_size=4, max_size=4))
def test_no_plan_within_the_budget_nets_more_than_the_best(markets, name, steps):
    plan = lifts(*(step / 2 for step in steps))
    one = markets[name]
    if one.plan(plan)["cost"].sum() <= curve.BUDGET:
        assert one.net(plan) <= one.net(one.best) + 1e-6


@given(st.lists(st.floats(1, 10), min_size=1, max_size=30), st.sampled_from([0.5, 1.0, 3.0]))
def test_everybody_is_in_one_group_and_nobody_above_ten(scores, lift):
    table = curve.effects(curve.ASSUMED[curve.RIVALRY], np.array(scores), lift)
    assert table["people"].sum() == len(scores)
    assert table["points"].sum() <= lift * len(scores) + 1e-9
    assert table["points"].sum() <= sum(10 - score for score in scores) + 1e-9


# --- all four ---------------------------------------------------------------


@pytest.fixture(scope="module")
def exercises(laptops, points) -> dict[str, Exercise]:
    one = laptops.judgements[laptops.judgements["judge_id"] == "J10"]
    return {
        "ex-07-1": practice.pairwise_matrix(one),
        "ex-07-2": practice.loyalty_sorter(practice.behaviour_rows(laptops)),
        "ex-07-3": practice.ipa_quadrant(practice.attribute_table(laptops)),
        "ex-07-4": practice.loyalty_curve(points),
    }


OPENINGS = {
    "ex-07-1": "CR = 0.485",
    "ex-07-2": "还有 10 位没有定",
    "ex-07-3": "是最好方案的 52%",
    "ex-07-4": "是最好方案的 56%",
}


@pytest.mark.parametrize("name", list(OPENINGS))
def test_opening_is_not_the_goal_and_reset_leads_back(exercises, name):
    exercise = exercises[name]
    assert exercise.result.verdict == "poor"
    assert OPENINGS[name] in exercise.result.headline
    opening = exercise.values
    moved = {"ex-07-1": {"p8": 5}, "ex-07-2": {"d0": "忠诚"}, "ex-07-3": {"a8": 0}, "ex-07-4": {"m0_above": 1.0}}[name]
    exercise.move(**moved)
    assert exercise.values != opening
    panel = exercise.children[1].children[0]
    next(button for button in panel.children[-2].children if button.description == "重新开始").click()
    assert exercise.values == opening


@pytest.mark.parametrize("name", list(OPENINGS))
def test_figure_has_words_for_those_who_cannot_see_it(exercises, name):
    page = exercises[name]._figure.value
    assert 'alt="' in page
    assert OPENINGS[name] in page[page.index('alt="') : page.index(" src=")]
