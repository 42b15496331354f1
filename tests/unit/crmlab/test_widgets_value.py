"""The exercises of chapter 05: what a good, a fair and a poor decision is told, and that the goals can be reached."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import clv, data
from crmlab.errors import CourseError
from crmlab.widgets import value
from crmlab.widgets.kit import Exercise, Result
from crmlab.widgets.value import alive, delivered, sensitivity

WEEKS = 26


def told(result: Result) -> str:
    return " ".join([result.headline, *result.reasons])


# --- ex-05-1 ----------------------------------------------------------------

GOOD_PLAN = {"product": 10, "service": 19, "personnel": 6, "image": 0, "time": 17, "energy": 13, "psychic": 14}
EVEN = dict.fromkeys(delivered.LEVERS, 11)
NOTHING = dict.fromkeys(delivered.LEVERS, 0)


@pytest.mark.parametrize(
    ("plan", "cut", "verdict", "words"),
    [
        (GOOD_PLAN, 120, "good", "没有讨好每一类人"),
        (GOOD_PLAN, 0, "fair", "再让 50 元"),
        (GOOD_PLAN, 400, "poor", "份额是拿利润换的"),
        (EVEN, 0, "poor", "撒得差不多平"),
        (NOTHING, 400, "poor", "总成本一点没降"),
        (NOTHING | {"product": 40, "image": 40}, 0, "poor", "亏 77.0 万元"),
        (NOTHING | {"product": 20, "service": 20, "personnel": 20, "image": 20}, 0, "poor", "买主付出的不只是钱"),
        (GOOD_PLAN | {"image": 20}, 120, "poor", "超支 19 万元"),
        (GOOD_PLAN | {"service": 0}, 120, "poor", "放到“服务”能换回"),
        (GOOD_PLAN | {"psychic": 0}, 120, "poor", "还有 15 万元没有用"),
    ],
)
def test_delivered_value(plan, cut, verdict, words):
    result = delivered.evaluate_delivered_value(cut, **plan)
    assert words in told(result)
    assert result.verdict == verdict


def test_who_loses_a_kind_learns_to_whom_and_in_what():
    reasons = delivered.evaluate_delivered_value(120, **GOOD_PLAN).reasons
    assert (
        "讲究型（2,000 户）大多选名匠店：对他们，你的让渡价值低 531 元；最吃亏的是形象 532 元、产品 306 元。" in reasons
    )


def test_delivered_value_is_total_value_less_all_costs():
    scales = delivered.balance(GOOD_PLAN, 120)
    assert np.allclose(scales["delivered"], scales["value"] - scales["price"] - scales["effort"])
    mine = scales.loc[(delivered.BUSY, delivered.YOU)]
    worth, level = delivered.WORTH[delivered.BUSY], delivered.levels(GOOD_PLAN)
    assert mine["value"] == pytest.approx(4_600 + worth.iloc[:4] @ level[:4])
    assert mine["price"] == 2_880
    assert mine["effort"] == pytest.approx(worth.iloc[4:] @ (1 - level[4:]))


def test_the_parts_of_a_lead_add_up():
    scales = delivered.balance(GOOD_PLAN, 120)
    for kind in delivered.KINDS:
        rival, ahead = delivered._against(kind, GOOD_PLAN, scales)
        assert rival != delivered.YOU
        assert len(ahead) == 8
        lead = scales.loc[(kind, delivered.YOU), "delivered"] - scales.loc[(kind, rival), "delivered"]
        assert ahead.sum() == pytest.approx(lead)


@given(st.lists(st.floats(0, 40), min_size=7, max_size=7), st.floats(0, delivered.MOST_CUT))
@settings(max_examples=30)
def test_laws_of_the_market(spend, cut):
    plan = dict(zip(delivered.LEVERS, spend, strict=True))
    scales = delivered.balance(plan, cut)
    assert scales["share"].groupby(level="kind").sum().to_numpy() == pytest.approx(1)
    shares = scales["share"].unstack().loc[list(delivered.KINDS), delivered.YOU]
    assert delivered.sold(plan, cut) == pytest.approx(shares @ delivered.BUYERS)
    assert delivered.sold({**plan, "time": plan["time"] + 1}, cut) >= delivered.sold(plan, cut)
    assert delivered.sold(plan, cut + 10) >= delivered.sold(plan, cut)


def test_no_plan_within_the_budget_beats_the_best():
    best = delivered.profit(*delivered.best_plan())
    assert sum(delivered.best_plan()[0].values()) <= delivered.BUDGET + 1e-6
    rng = np.random.default_rng(5)
    for _ in range(300):
        plan = dict(zip(delivered.LEVERS, rng.dirichlet(np.full(7, 0.7)) * delivered.BUDGET, strict=True))
        assert delivered.profit(plan, rng.uniform(0, delivered.MOST_CUT)) <= best + 1e-6


def test_best_plan_spends_where_the_last_money_brings_the_same():
    plan, cut = delivered.best_plan()
    gains = delivered.last_money(plan, cut)[[name for name in plan if plan[name] > 1]]
    assert gains.max() / gains.min() < 1.15


# --- ex-05-2 ----------------------------------------------------------------


@pytest.fixture(scope="module")
def deal() -> sensitivity.Deal:
    return sensitivity.Deal.of(400, 0.75, 0.10)


RIGHT = {"first": sensitivity.RENEWAL, "horizon": "3 年", "unit": sensitivity.BY_YEAR, "lever": sensitivity.MARGIN}


@pytest.mark.parametrize(
    ("change", "cap", "verdict", "words"),
    [
        ({}, 670, "good", "上限开在客户的价值上"),
        ({}, 670, "good", "给每位客户加 94 元，比“保持率”多 23 元"),
        ({"first": sensitivity.ADVANCE}, 670, "fair", "第一笔毛利今天就到账"),
        ({"first": sensitivity.ARREARS}, 670, "fair", "第一年就走的 25% 也算了钱"),
        ({"horizon": "无限期"}, 670, "fair", "把到期以后的 272 元也数了进来，占你的 CLV 的 32%"),
        ({"horizon": "10 年"}, 670, "fair", "合同三年到期"),
        ({"horizon": "1 年"}, 270, "poor", "漏掉了后两年的 313 元"),
        ({"unit": sensitivity.BY_MONTH}, 670, "fair", "按月会多算"),
        ({"unit": sensitivity.CARELESS}, 110, "poor", "一年后只剩 3.2%"),
        ({"lever": sensitivity.RETENTION}, 650, "fair", "报价不是各动 10 %"),
        ({"lever": sensitivity.DISCOUNT}, 600, "poor", "钱的早晚差得不多"),
        ({}, 1_470, "poor", "放进了 3 个亏钱的渠道"),
        ({}, 400, "poor", "挡住了 3 个还赚钱的渠道"),
        ({}, 780, "fair", "比你自己算出的 CLV（679 元）还高"),
    ],
)
def test_sensitivity(deal, change, cap, verdict, words):
    result = sensitivity.evaluate_sensitivity(deal, **RIGHT | change, cap=cap)
    assert words in told(result)
    assert result.verdict == verdict


def test_the_value_is_that_of_the_library():
    deal = sensitivity.Deal.of(100, 0.8, 0.1)
    endless = {first: deal.worth(first, "无限期") for first in sensitivity.FIRST_MONEY}
    assert [round(x, 2) for x in endless.values()] == [266.67, 366.67, 333.33]  # the published ones, in this order
    assert deal.worth() == pytest.approx(100 * (0.8 / 1.1 + 0.64 / 1.21 + 0.512 / 1.331))


def test_months_compound_to_the_year(deal):
    months = [(0.75 ** (t / 12)) / 1.1 ** (t / 12) for t in range(1, 37)]
    assert deal.worth(unit=sensitivity.BY_MONTH) == pytest.approx(400 / 12 * sum(months))
    careless = [0.75**t / (1 + 0.1 / 12) ** t for t in range(1, 37)]
    assert deal.worth(unit=sensitivity.CARELESS) == pytest.approx(400 / 12 * sum(careless))


@given(st.floats(1, 1e5), st.floats(0.3, 0.95), st.floats(0.02, 0.25))
@settings(max_examples=30)
def test_for_any_customer_the_margin_offer_wins_now_and_retention_without_an_end(margin, retention, discount):
    deal = sensitivity.Deal.of(margin, retention, discount)
    assert sensitivity.offers(deal).idxmax() == sensitivity.MARGIN
    assert sensitivity.offers(deal, horizon="无限期").idxmax() == sensitivity.RETENTION
    assert sensitivity.tornado(deal).abs().max(axis=1).idxmax() == sensitivity.RETENTION


@pytest.mark.parametrize("cap", range(0, 3_000, 150))
def test_no_cap_earns_more_than_the_value_itself(deal, cap):
    prices, worth = sensitivity.channels(deal), deal.improved(sensitivity.MARGIN).worth()
    assert sensitivity.campaign_profit(prices, worth, cap) <= sensitivity.campaign_profit(prices, worth, worth)


@pytest.mark.parametrize(("margin", "retention"), [(12, 0.5), (400, 0.75), (86.3, 0.62), (25_000, 0.9)])
def test_goal_can_be_reached_with_the_slider(margin, retention):
    exercise = value.clv_sensitivity(margin, retention)
    assert exercise.result.verdict == "poor"
    cap = exercise.controls["cap"]
    worth = sensitivity.Deal.of(margin, retention, 0.10).improved(sensitivity.MARGIN).worth()
    exercise.move(**RIGHT, cap=worth // cap.step * cap.step)
    assert exercise.result.verdict == "good"


@pytest.mark.parametrize(
    ("given_values", "words"),
    [
        ((0, 0.8, 0.1), "margin"),
        ((400, 1.0, 0.1), "retention"),
        ((400, 80, 0.1), "retention"),
        ((400, 0.8, 0), "discount"),
    ],
)
def test_sensitivity_refuses(given_values, words):
    with pytest.raises(CourseError, match=words):
        value.clv_sensitivity(*given_values)


# --- ex-05-3 ----------------------------------------------------------------


@pytest.fixture(scope="module")
def shop() -> tuple[clv.BetaGeoNBD, pd.DataFrame, pd.Series]:
    orders = data.purchases(data.load("ecommerce"))
    histories = clv.summary_from_orders(orders, "2025-06-30")
    came = clv.holdout_from_orders(orders, "2025-06-30", "2025-12-31")["purchases"]
    return clv.BetaGeoNBD().fit(histories), histories, came


@pytest.fixture(scope="module")
def known(shop) -> pd.DataFrame:
    return alive.knowledge(*shop, WEEKS)


@pytest.fixture(scope="module")
def cases(known) -> pd.DataFrame:
    return alive.pick_cases(known)


def decide(known, cases, decisions, aid=alive.BARE) -> Result:
    named = {f"d{i}": decision for i, decision in enumerate(decisions)}
    return alive.evaluate_alive(known, cases, WEEKS, "甲", aid, **named)


def best(cases) -> list[str]:
    return [str(alive.expected_loss(p).idxmin()) for p in cases["p_again"]]


def letter(cases, kind) -> str:
    return str(cases.index[cases["kind"] == kind][0])


@pytest.mark.parametrize(
    ("decision", "verdict", "words"),
    [
        (alive.KEEP, "poor", "100% 是 BG/NBD 的规定"),
        (alive.CALL, "poor", "电话只该打给心里没底的人"),
        (alive.DROP, "poor", "没有复购只是还没来得及"),
        (alive.KEEP, "poor", "空当已是平时的 10 倍"),
        (alive.DROP, "poor", "10 元问清楚比猜便宜"),
        (alive.KEEP, "poor", "还在的人也可能 26 周里一次不来"),
    ],
)
def test_the_same_for_all_is_poor(known, cases, decision, verdict, words):
    result = decide(known, cases, [decision] * 8)
    assert result.verdict == verdict
    assert words in told(result)


def test_best_decisions_are_good_and_bad_luck_is_told_as_such(known, cases):
    result = decide(known, cases, best(cases))
    assert result.verdict == "good"
    assert "你分开对待，对" in result.reasons[0]
    assert "乙的 P(alive) 是 100%，你没有上当" in result.reasons[1]
    (luck,) = [reason for reason in result.reasons if "运气不好" in reason]
    assert luck.startswith(letter(cases, alive.UNLUCKY))
    assert "100 位这样的客户里有 12 位会如此" in luck


def test_good_luck_does_not_make_a_decision_right(known, cases):
    decisions = best(cases)
    place = list(cases["kind"]).index(alive.UNLUCKY)
    decisions[place] = alive.DROP
    result = decide(known, cases, decisions)
    (reason,) = [reason for reason in result.reasons if "那是碰巧" in reason]
    assert reason.startswith(f"{cases.index[place]}选“不再维护”")
    assert "预期损失 53 元，“照常维护”只要 2 元" in reason


def test_alive_by_half_is_named_as_a_rule(known, cases):
    result = decide(known, cases, [alive.KEEP if p >= 0.5 else alive.DROP for p in cases["p_alive"]])
    assert result.verdict == "fair"
    assert "P(alive) 过半就留" in told(result)
    assert "这类人连模型也看高了" in told(result)


def test_nothing_is_given_away_before_all_are_decided(known, cases):
    result = decide(known, cases, [alive.KEEP] * 7 + [alive.OPEN])
    assert (result.verdict, result.headline) == ("poor", "还有 1 位没有定：辛。八位都定了才揭晓。")
    assert set(result.numbers) == {"客户", "复购", "平均多久来一次", "沉默了"}
    assert "97%" in decide(known, cases, [alive.OPEN] * 8, alive.AIDED).numbers["P(alive)"]


def test_the_pair_has_the_same_silence_and_another_rhythm(cases):
    rare, gone = (cases.loc[letter(cases, kind)] for kind in (alive.RARE, alive.FREQUENT_GONE))
    assert abs(rare["silence"] - gone["silence"]) < 1
    assert rare["gap"] > 4 * gone["gap"]
    assert rare["p_alive"] > 0.8
    assert gone["p_alive"] < 0.2


def test_cases_are_all_different_and_do_not_depend_on_row_order(known, cases):
    assert cases["customer_id"].is_unique
    assert sorted(cases["kind"]) == list(range(8))
    assert alive.pick_cases(known.sample(frac=1, random_state=3)).equals(cases)


def test_chance_to_come_again(shop, known):
    model, histories, came = shop
    assert (known["p_again"] <= known["p_alive"]).all()
    soon = alive.knowledge(model, histories, came, 1e-4)["p_again"]
    expected = model.expected_purchases(1e-4, histories["x"], histories["t_x"], histories["T"])
    assert np.allclose(soon / expected, 1, rtol=1e-3)  # in so short a time nobody buys twice
    ever = alive.knowledge(model, histories, came, 1e12)["p_again"]
    assert np.allclose(ever, known["p_alive"], atol=1e-5)


def test_chance_to_come_again_is_that_of_the_model():
    """Among simulated customers as many come again as the formula says."""
    model = clv.BetaGeoNBD({"r": 0.66, "alpha": 3.59, "a": 0.39, "b": 5.47})
    rng = np.random.default_rng(1)
    rate, leave = rng.gamma(0.66, 1 / 3.59, 20_000), rng.beta(0.39, 5.47, 20_000)
    times = np.cumsum(rng.exponential(1 / rate[:, None], (20_000, 200)), axis=1)
    stays = rng.geometric(leave)  # leaves after so many repeat purchases
    real = np.arange(200) < stays[:, None]
    x = ((times <= 50) & real).sum(axis=1)
    again = ((times > 50) & (times <= 76) & real).any(axis=1)
    t_x = np.where(x > 0, times[np.arange(20_000), np.maximum(x, 1) - 1], 0)
    histories = pd.DataFrame({"x": x, "t_x": t_x, "T": 50.0})
    known = alive.knowledge(model, histories, pd.Series(again.astype(int)), 26)
    for low, high in [(0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1)]:
        part = known[known["p_again"].between(low, high)]
        assert part["p_again"].mean() == pytest.approx((part["came"] > 0).mean(), abs=0.025)


@given(st.floats(0, 1))
def test_expected_loss_is_the_mean_of_the_real_one(p):
    loss = alive.expected_loss(p)
    for decision in (alive.KEEP, alive.CALL, alive.DROP):
        mean = p * alive.real_loss(decision, 1) + (1 - p) * alive.real_loss(decision, 0)
        assert loss[decision] == pytest.approx(mean)
    assert alive.is_sound(str(loss.idxmin()), p)


def test_a_call_pays_between_a_sixth_and_a_half():
    assert [str(alive.expected_loss(p).idxmin()) for p in (0.16, 0.17, 0.49, 0.51)] == [
        alive.DROP, alive.CALL, alive.CALL, alive.KEEP,
    ]  # fmt: skip


def test_alive_refuses(shop, known):
    model, histories, came = shop
    with pytest.raises(CourseError, match="holdout 里没有"):
        alive.knowledge(model, histories, came.iloc[1:], WEEKS)
    with pytest.raises(CourseError, match="BetaGeoNBD，现在是 ParetoNBD"):
        alive.knowledge(clv.ParetoNBD({"r": 1, "alpha": 1, "s": 1, "beta": 1}), histories, came, WEEKS)
    with pytest.raises(CourseError, match="t_x"):
        alive.knowledge(model, histories.drop(columns="t_x"), came, WEEKS)
    with pytest.raises(CourseError, match="找不到“买得勤、沉默了两三个月”的一位"):
        alive.pick_cases(known[known["x"] != 0].query("silence < 5"))


# --- the widgets ------------------------------------------------------------


@pytest.fixture(params=["delivered", "sensitivity", "alive"])
def exercise(request, shop) -> Exercise:
    makers = {
        "delivered": value.delivered_value,
        "sensitivity": lambda: value.clv_sensitivity(400, 0.75),
        "alive": lambda: value.alive_or_not(*shop),
    }
    return makers[request.param]()


def press(exercise: Exercise, name: str) -> None:
    panel = exercise.children[1].children[0]
    buttons = next(child for child in panel.children if "crm-buttons" in child._dom_classes).children
    next(button for button in buttons if button.description == name).click()


def test_opening_state_shows_figure_and_verdict_and_is_not_yet_good(exercise):
    assert exercise.result.verdict == "poor"
    assert "data:image/png" in exercise._figure.value
    assert 'role="status"' in exercise._verdict.value
    assert exercise.result.numbers


def test_reset_brings_the_opening_state_back(exercise):
    opening = exercise._verdict.value, exercise._figure.value
    start = exercise.values
    last = {name: c._options_values[-1] if hasattr(c, "options") else c.max for name, c in exercise.controls.items()}
    exercise.move(**last)
    assert exercise._verdict.value != opening[0]
    press(exercise, "重新开始")
    assert exercise.values == start
    assert (exercise._verdict.value, exercise._figure.value) == opening


def test_one_customer_at_a_time_is_decided(shop, cases):
    exercise = value.alive_or_not(*shop)
    exercise.move(**{f"d{i}": decision for i, decision in enumerate(best(cases)[:-1])}, customer="庚")
    press(exercise, "下一位")
    (shown,) = [name for name, c in exercise.controls.items() if name[0] == "d" and c.layout.display != "none"]
    exercise.controls[shown].value = best(cases)[-1]
    press(exercise, "下一位")
    assert exercise.values["customer"] == "甲"
    assert exercise.result.verdict == "good"
    alt = exercise._figure.value[exercise._figure.value.index("alt=") :]
    assert "丁 照常维护，88%，没有再来" in alt


def test_numbers_of_the_alive_widget_follow_the_customer_looked_at(shop):
    exercise = value.alive_or_not(*shop)
    exercise.move(customer="乙", aid=alive.AIDED)
    assert exercise.result.numbers["平均多久来一次"] == "只买过一次"
    assert exercise.result.numbers["P(alive)"] == "100%"
    assert exercise.result.reasons == ["乙：70.4 周前买过一次，此后没有再来。模型给出 P(alive) = 100%。"]
