"""ex-05-1: three sellers, three kinds of buyers, and the delivered value that decides between them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from crmlab import plots
from crmlab.i18n import _
from crmlab.widgets.kit import Exercise, Result, Verdict, slider

VALUES = {"product": _("产品"), "service": _("服务"), "personnel": _("人员"), "image": _("形象")}
COSTS = {"time": _("时间"), "energy": _("体力"), "psychic": _("精神")}
LEVERS = VALUES | COSTS
"""What money can be spent on; the eighth lever, the price, is cut in yuan a piece."""

YOU, CHEAP, BRAND = SELLERS = (_("你"), _("省省店"), _("名匠店"))
THRIFTY, BUSY, CHOOSY = KINDS = (_("实惠型"), _("省心型"), _("讲究型"))
BUYERS = pd.Series([4_000, 4_000, 2_000], index=list(KINDS))
"""Households that buy a water purifier this year."""
PRICE_WEIGHT = pd.Series([1.2, 1.0, 0.8], index=list(KINDS))
"""How heavy a yuan of price weighs, in yuan of the other values."""
WORTH = pd.DataFrame(
    {
        THRIFTY: [240, 140, 60, 60, 80, 80, 120],
        BUSY: [220, 400, 160, 60, 380, 280, 300],
        CHOOSY: [600, 260, 240, 560, 140, 120, 240],
    },
    index=list(LEVERS),
)
"""Yuan that the best conceivable level of each lever is worth to a buyer of each kind."""
SCALE = pd.Series([24, 16, 14, 24, 14, 12, 10], index=list(LEVERS))
"""Ten thousand yuan that bring a lever to 63 % of its best level; twice that: 86 %."""
BASE = 4_600.0
"""Yuan: what clean water at home is worth, whoever sells the machine."""
RIVALS = pd.DataFrame(
    {CHEAP: [0.40, 0.20, 0.15, 0.15, 0.25, 0.20, 0.15], BRAND: [0.85, 0.60, 0.65, 0.95, 0.40, 0.40, 0.65]},
    index=list(LEVERS),
)
"""Levels, 0-1, that the rivals have reached."""
PRICE = pd.Series({YOU: 3_000.0, CHEAP: 2_400.0, BRAND: 3_200.0})
UNIT_COST = 2_350.0
BUDGET = 80
"""Ten thousand yuan a year."""
MOST_CUT = 400
TASTE = 120.0
"""Yuan: spread of personal taste within a kind (extreme value distribution, so that shares have the logit form)."""
_STEP = 50.0  # yuan off the price, to try what more or less would do
_PANEL = 1_800.0  # yuan between the zero lines of the figure: room for the widest bars
SHARE_GOAL, PROFIT_FAIR, PROFIT_GOAL = 0.30, 0.80, 0.95

Plan = Mapping[str, float]
Floats = NDArray[np.float64]
_WORTH, _RIVALS, _WEIGHT = WORTH.T.to_numpy(float), RIVALS.to_numpy(float), PRICE_WEIGHT.to_numpy(float)


def levels(plan: Plan) -> Floats:
    """How far each lever is pulled, 0-1, by ``plan`` (ten thousand yuan by lever): the first money moves most.

    >>> levels({"product": 24, "service": 32}).round(2).tolist()
    [0.63, 0.86, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    spent = np.array([plan.get(name, 0.0) for name in LEVERS])
    return np.asarray(1 - np.exp(-spent / SCALE.to_numpy()))


def _scales(plan: Plan, cut: float) -> tuple[Floats, Floats, Floats]:
    """Value, price and effort (yuan), each (kinds, sellers): arrays, because the search for the best plan needs thousands."""
    reached = np.column_stack([levels(plan), _RIVALS])
    tag = np.array([PRICE[YOU] - cut, PRICE[CHEAP], PRICE[BRAND]])
    value = BASE + _WORTH[:, : len(VALUES)] @ reached[: len(VALUES)]
    effort = _WORTH[:, len(VALUES) :] @ (1 - reached[len(VALUES) :])
    return value, np.outer(_WEIGHT, tag), effort


def _choices(delivered: Floats) -> Floats:
    """Share of each seller within each kind: logit, from the delivered values."""
    weight = np.exp((delivered - delivered.max(axis=1, keepdims=True)) / TASTE)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def balance(plan: Plan, cut: float) -> pd.DataFrame:
    """What each seller offers to each kind of buyer, in the buyer's yuan.

    Index (kind, seller); columns ``value`` (product, service, personnel, image), ``price``, ``effort`` (cost of time,
    energy and worry), ``delivered`` (value less both costs) and ``share`` (0-1, of the kind's buyers).
    Everybody takes the seller with the highest delivered value in their own eyes; tastes differ within a kind.

    >>> balance({}, cut=0).loc[(BUSY, YOU), ["value", "price", "effort", "delivered"]].to_list()
    [4600.0, 3000.0, 960.0, 640.0]
    """
    value, price, effort = _scales(plan, cut)
    delivered = value - price - effort
    columns = {"value": value, "price": price, "effort": effort, "delivered": delivered, "share": _choices(delivered)}
    index = pd.MultiIndex.from_product([KINDS, SELLERS], names=["kind", "seller"])
    return pd.DataFrame({name: part.ravel() for name, part in columns.items()}, index=index)


def sold(plan: Plan, cut: float) -> float:
    """Machines that you sell in the year.

    >>> round(sold({"time": 20, "service": 20}, cut=0))
    97
    """
    value, price, effort = _scales(plan, cut)
    return float(_choices(value - price - effort)[:, 0] @ BUYERS.to_numpy())


def profit(plan: Plan, cut: float) -> float:
    """Profit (ten thousand yuan) of the year: margin on what is sold, less the budget spent.

    >>> round(profit({"time": 20, "service": 20}, cut=0), 1)
    -33.7
    """
    return sold(plan, cut) * float(PRICE[YOU] - cut - UNIT_COST) / 1e4 - sum(plan.values())


@lru_cache(maxsize=1)
def best_plan() -> tuple[dict[str, float], float]:
    """The plan (ten thousand yuan by lever) and the price cut (yuan) that earn most within the budget.

    >>> plan, cut = best_plan()
    >>> round(profit(plan, cut), 1), max(plan, key=plan.get)
    (105.8, 'service')
    """
    from scipy.optimize import minimize

    start = np.append(np.full(len(LEVERS), BUDGET / len(LEVERS)), 100.0) / 10  # of one size, for the search
    found = minimize(
        lambda z: -profit(dict(zip(LEVERS, 10 * z[:-1], strict=True)), 100 * z[-1]),
        x0=start,
        bounds=[(0, BUDGET / 10)] * len(LEVERS) + [(0, MOST_CUT / 100)],
        constraints=[{"type": "ineq", "fun": lambda z: BUDGET / 10 - z[:-1].sum()}],
    )
    return dict(zip(LEVERS, (10 * found.x[:-1]).tolist(), strict=True)), float(100 * found.x[-1])


def last_money(plan: Plan, cut: float) -> pd.Series:
    """What the last ten thousand yuan on each lever bring in margin (ten thousand yuan), before they are paid for.

    >>> last_money({"time": 20}, cut=0).round(2)[["time", "image"]].to_list()
    [0.03, 0.02]
    """
    now = profit(plan, cut)
    more = {name: profit({**plan, name: plan.get(name, 0) + 1}, cut) - now + 1 for name in LEVERS}
    return pd.Series(more)


def evaluate_delivered_value(cut: float, **plan: float) -> Result:
    """Who buys from you under this plan, and what it earns.

    Args:
        cut: yuan off the price; plan: ten thousand yuan by lever (:data:`LEVERS`).

    >>> result = evaluate_delivered_value(cut=0, product=40, image=40)
    >>> result.verdict, result.headline
    ('poor', '卖出 47 台，占 0.5%，亏 77.0 万元。')
    >>> print(result.reasons[1])
    省心型（4,000 户）大多选省省店：对他们，你的让渡价值低 770 元；最吃亏的是价格 600 元、时间 95 元。
    """
    scales = balance(plan, cut)
    won = scales["share"].xs(YOU, level="seller")
    machines, earned, spent = sold(plan, cut), profit(plan, cut), sum(plan.values())
    share, ratio = machines / BUYERS.sum(), earned / profit(*best_plan())
    numbers = {
        _("已投入"): _("{spent:g} / {budget} 万元").format(spent=spent, budget=BUDGET),
        _("市场份额"): plots.percent(share, 1),
        _("利润"): _("{x:.1f} 万元").format(x=earned),
        _("相当于最高利润的"): plots.percent(ratio),
        **{_("{kind}选你的").format(kind=kind): plots.percent(won[kind]) for kind in KINDS},
    }
    gains = last_money(plan, cut)
    if spent > BUDGET:
        over = _("超支 {over:g} 万元：“{lever}”的最后 1 万元只换回 {x:.1f} 万元毛利，先从那里收回来。").format(
            over=spent - BUDGET, **_weakest(plan, gains)
        )
        return Result("poor", _("预算不够。"), [over], numbers)
    goal = share >= SHARE_GOAL
    verdict: Verdict = "good" if goal and ratio >= PROFIT_GOAL else "fair" if ratio >= PROFIT_FAIR else "poor"
    headline = _("卖出 {sold:,.0f} 台，占 {share}，{outcome} {x:.1f} 万元。").format(
        sold=machines, share=plots.percent(share, 1), outcome=_("赚") if earned >= 0 else _("亏"), x=abs(earned)
    )
    lost = [_gap(kind, plan, scales) for kind in KINDS if won[kind] < 0.5]
    if verdict == "good":
        praise = _("你没有讨好每一类人：钱花在省心型最在意、对手又最弱的地方，再用一点让利压过省省店的低价。")
        return Result(verdict, headline, [praise, *lost], numbers)
    return Result(verdict, headline, [*lost, *_price_reason(plan, cut), *_money_reasons(plan, gains)], numbers)


def _weakest(plan: Plan, gains: pd.Series) -> dict[str, Any]:
    """The lever, among those that get money, whose last ten thousand yuan bring least."""
    name = str(gains[[name for name in LEVERS if plan.get(name, 0) >= 1]].idxmin())
    return {"lever": LEVERS[name], "x": gains[name]}


def _money_reasons(plan: Plan, gains: pd.Series) -> list[str]:
    """Where money is badly spent."""
    told = []
    amounts = [plan.get(name, 0.0) for name in LEVERS]
    best = gains.max()
    if sum(amounts) > 0.7 * BUDGET and max(amounts) - min(amounts) <= 3:
        told.append(_("你把钱撒得差不多平：每一样都不突出，三类买主都能在别家找到更合意的。"))
    if not any(plan.get(name, 0) for name in COSTS):
        told.append(_("时间、体力、精神上你一分没花：买主付出的不只是钱，总成本一点没降。"))
    if max(amounts) >= 1:
        weak = _weakest(plan, gains)
        if best > 1.5 * weak["x"]:
            told.append(
                _("“{lever}”的最后 1 万元只换回 {x:.1f} 万元毛利，放到“{high}”能换回 {y:.1f} 万元。").format(
                    **weak, high=LEVERS[str(gains.idxmax())], y=best
                )
            )
    if BUDGET - sum(amounts) > 0.1 * BUDGET and best > 1:
        told.append(_("还有 {left:g} 万元没有用。").format(left=BUDGET - sum(amounts)))
    return told


def _against(kind: str, plan: Plan, scales: pd.DataFrame) -> tuple[str, pd.Series]:
    """Your strongest rival for this kind, and how far you are ahead (yuan) in each of the eight parts."""
    rival = str(scales.loc[kind, "delivered"].drop(YOU).idxmax())
    ahead = WORTH[kind].to_numpy() * (levels(plan) - RIVALS[rival].to_numpy())
    price = scales.loc[(kind, rival), "price"] - scales.loc[(kind, YOU), "price"]
    parts = {**dict(zip(LEVERS.values(), ahead, strict=True)), _("价格"): price}
    return rival, pd.Series({name: parts[name] for name in (*VALUES.values(), _("价格"), *COSTS.values())})


def _gap(kind: str, plan: Plan, scales: pd.DataFrame) -> str:
    """Who wins this kind, by how much, and in what you are weakest against them."""
    rival, ahead = _against(kind, plan, scales)
    short = -ahead.sum()
    worst = -ahead[ahead < -10].nsmallest(2)
    told = _("{kind}（{n:,} 户）大多选{rival}：对他们，你的让渡价值低 {short:,.0f} 元").format(
        kind=kind, n=BUYERS[kind], rival=rival, short=short
    )
    if short < 0:
        told = _("{kind}（{n:,} 户）还没有一半选你：你的让渡价值只高 {more:,.0f} 元，挡不住口味的差别").format(
            kind=kind, n=BUYERS[kind], more=-short
        )
    if worst.empty:
        return told + _("。")
    parts = _("、").join(_("{part} {lag:,.0f} 元").format(part=name, lag=lag) for name, lag in worst.items())
    return told + _("；最吃亏的是{parts}。").format(parts=parts)


def _price_reason(plan: Plan, cut: float) -> list[str]:
    """What the last 50 yuan off the price did, or the next 50 would do."""
    if cut + _STEP <= MOST_CUT and profit(plan, cut + _STEP) > profit(plan, cut) + 1:
        more = sold(plan, cut + _STEP) - sold(plan, cut)
        return [
            _("再让 50 元能多卖 {n:,.0f} 台，利润还会多 {x:.1f} 万元：价格也是总成本的一部分。").format(
                n=more, x=profit(plan, cut + _STEP) - profit(plan, cut)
            )
        ]
    if cut < _STEP or profit(plan, cut - _STEP) <= profit(plan, cut):
        return []
    now, before = sold(plan, cut), sold(plan, cut - _STEP)
    return [
        _(
            "让利的最后 50 元多卖了 {more:,.0f} 台，多赚 {won:.1f} 万元；可本来就会买的 {before:,.0f} 台每台也少收 50 元，"
            "少了 {paid:.1f} 万元：份额是拿利润换的。"
        ).format(
            more=now - before, won=(now - before) * (PRICE[YOU] - cut - UNIT_COST) / 1e4, before=before,
            paid=before * _STEP / 1e4,
        )
    ]  # fmt: skip


def _figure(plan: Plan, cut: float) -> tuple[Figure, str]:
    """For each kind: how far you are ahead of your strongest rival, part by part."""
    scales = balance(plan, cut)
    shares = scales["share"].unstack().loc[list(KINDS)]
    mine = [kind for kind in KINDS if shares.loc[kind].idxmax() == YOU]
    title = _("{mine}选你的最多").format(mine=_("、").join(mine)) if mine else _("三类买主都更愿意选别家")
    figure, (ax,) = plots.new_figure(title, width=6.6, height=4.4)
    told = []
    for number, kind in enumerate(KINDS):
        rival, ahead = _against(kind, plan, scales)
        total = ahead.sum()
        gap = _("比{rival}{more} {x:,.0f} 元").format(
            rival=rival, more=_("高") if total >= 0 else _("低"), x=abs(total)
        )
        share = _("{kind} {share} 选你").format(kind=kind, share=plots.percent(shares.loc[kind, YOU]))
        _draw_parts(ax, ahead, number * _PANEL)
        ax.text(number * _PANEL, -1.25, f"{share}\n{gap}", ha="center", va="center", fontsize=11, linespacing=1.4)
        told.append(_("，").join((share, gap)))
    names = [*VALUES.values(), _("价格"), *COSTS.values()]
    ax.set_yticks(range(len(names)), names, fontsize=11, color=plots.INK)
    ax.set(ylim=(len(names) - 0.4, -2.0), xlim=(-0.52 * _PANEL, 2.5 * _PANEL), xticks=[])
    ax.set_xlabel(_("与最强的对手相比，你多给买主多少（元）：蓝色占优，橙色吃亏"))
    ax.grid(visible=False)
    return figure, _("三类买主眼里，你与最强对手的让渡价值之差：") + _("；").join(told)


def _draw_parts(ax: Axes, ahead: pd.Series, zero: float) -> None:
    """One kind's bars around its own zero line: all in one plot, which is drawn faster than three."""
    ax.barh(range(len(ahead)), ahead, 0.66, left=zero, color=[plots.BLUE if x >= 0 else plots.ORANGE for x in ahead])
    for y, x in enumerate(ahead):
        side, shift = ("right", -20) if x < 0 else ("left", 20)
        ax.text(zero + x + shift, y, f"{x:+,.0f}", ha=side, va="center", fontsize=9.5)
    ax.plot([zero, zero], [-0.5, len(ahead) - 0.5], color=plots.INK, lw=1)


def delivered_value() -> Exercise:
    """Exercise ex-05-1; needs no data.

    >>> exercise = delivered_value()
    >>> exercise.result.headline
    '卖出 1,572 台，占 15.7%，赚 25.2 万元。'
    """

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        plan = {name: values[name] for name in LEVERS}
        return _figure(plan, values["cut"])

    unit = _("万元")
    even = BUDGET // len(LEVERS)
    return Exercise(
        title=_("ex-05-1　让渡价值天平"),
        task=_(
            "你和{cheap}、{brand}卖同一种净水器，每位买主选自己心里让渡价值（总价值减总成本）最高的一家。"
            "把一年 {budget} 万元分到四种价值和三种非货币成本上，再定每台让利多少，让市场份额达到 {share}，"
            "利润达到最高利润的 {goal}。假设：{buyers}；你的标价 {price:,.0f} 元，成本 {cost:,.0f} 元，"
            "{cheap}卖 {low:,.0f} 元，{brand}卖 {high:,.0f} 元；实惠型把 1 元钱看成 {w1:g} 元，讲究型看成 {w3:g} 元；"
            "每一项投入越多，再加 1 万元的作用越小；同一类人口味也有差别。"
        ).format(
            cheap=CHEAP, brand=BRAND, budget=BUDGET, share=plots.percent(SHARE_GOAL), goal=plots.percent(PROFIT_GOAL),
            buyers=_("、").join(_("{kind} {n:,} 户").format(kind=kind, n=n) for kind, n in BUYERS.items()), price=PRICE[YOU], cost=UNIT_COST,
            low=PRICE[CHEAP], high=PRICE[BRAND], w1=PRICE_WEIGHT[THRIFTY], w3=PRICE_WEIGHT[CHOOSY],
        ),
        controls={
            **{name: slider(label, even, 0, 40, 1, unit) for name, label in LEVERS.items()},
            "cut": slider(_("货币成本：每台让利"), 0, 0, MOST_CUT, 10, _("元")),
        },
        evaluate=evaluate_delivered_value,
        draw=draw,
    )  # fmt: skip
