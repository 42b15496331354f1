"""ex-07-4: three markets, one budget each: whose satisfaction to lift, and whether to spend at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crmlab import inputs, plots, satisfaction
from crmlab.i18n import _
from crmlab.widgets.kit import Exercise, Result, Verdict, choice, slider

BUDGET = 25_000
"""Yuan, in each market."""
WORTH = 80.0
"""Yuan of margin that a point of loyalty is worth, a customer and year."""
EFFORT = 6.0
"""From s points on, a point more of satisfaction costs this × s yuan: the higher, the dearer."""
NEAR = 1.0  # points below the upper bend that count as near
LIFTS = (0, 3, 0.5)
GOAL, FAIR = 0.90, 0.60  # of what the best plan nets
IDLE = 1_000.0
"""Yuan: where no plan nets this much, the right decision is to keep the money; a plan may waste no more either."""
GROUPS = {"below": _("区下"), "inside": _("区内靠下"), "near": _("区内靠上"), "above": _("区上")}
SURVEY, MONOPOLY, RIVALRY = MARKETS = (_("这份调查"), _("独家经营"), _("强竞争"))


@dataclass(frozen=True)
class Curve:
    """Loyalty (0-10) as a function of satisfaction (1-10): three joined lines.

    low, high: the zone of indifference; slopes below, in and above it; start: loyalty at satisfaction 1.

    >>> curve = Curve(low=4, high=8, slopes=(0.5, 0.1, 2.0), start=1.0)
    >>> curve(np.array([1, 4, 8, 10])).tolist()
    [1.0, 2.5, 2.9, 6.9]
    """

    low: float
    high: float
    slopes: tuple[float, float, float]
    start: float

    def __call__(self, x: Any) -> Any:
        left, middle, right = self.slopes
        bent = np.clip(x - self.low, 0, self.high - self.low)
        return self.start + left * (np.minimum(x, self.low) - 1) + middle * bent + right * np.maximum(x - self.high, 0)


# Shapes after Jones and Sasser (1995), who draw them without numbers; the numbers are assumptions.
ASSUMED = {
    MONOPOLY: Curve(low=3, high=9, slopes=(0.3, 0.05, 0.2), start=7.5),
    RIVALRY: Curve(low=4, high=8, slopes=(0.5, 0.15, 3.0), start=1.0),
}


def survey_curve(points: pd.DataFrame) -> Curve:
    """The survey's own curve: zone and slopes by :func:`crmlab.satisfaction.indifference_zone`, height by the mean.

    >>> points = pd.DataFrame({"satisfaction": range(1, 11), "loyalty": [1, 2, 3, 4, 4.1, 4.2, 4.3, 5.3, 6.3, 7.3]})
    >>> curve = survey_curve(points)
    >>> curve.low, curve.high, round(curve.start, 2)
    (4.0, 7.0, 1.0)
    """
    zone = satisfaction.indifference_zone(points["satisfaction"], points["loyalty"])
    level = Curve(zone.low, zone.high, zone.slopes, 0.0)
    return Curve(zone.low, zone.high, zone.slopes, float((points["loyalty"] - level(points["satisfaction"])).mean()))


def group_of(curve: Curve, score: Any) -> np.ndarray:
    """Where on the curve customers stand: ``below``, ``inside``, ``near`` (at most 1 point under the upper bend), ``above``.

    >>> group_of(Curve(4, 8, (0.5, 0.1, 2.0), 1.0), [3, 4, 7, 8]).tolist()
    ['below', 'inside', 'near', 'above']
    """
    near = max(curve.low, curve.high - NEAR)
    return np.array(list(GROUPS))[np.searchsorted([curve.low, near, curve.high], score, side="right")]


def effects(curve: Curve, scores: np.ndarray, lift: float) -> pd.DataFrame:
    """What lifting everybody by ``lift`` points brings, at most to 10: by group.

    Columns: ``people``, ``points`` (of satisfaction), ``cost`` (yuan), ``gain`` (points of loyalty).

    >>> effects(Curve(4, 8, (0.5, 0.1, 2.0), 1.0), np.array([3.0, 8, 9.5]), 1).loc["above"].round(2).to_list()
    [2.0, 1.5, 80.25, 3.0]
    """
    after = np.minimum(scores + lift, 10)
    table = pd.DataFrame(
        {
            "people": 1.0, "points": after - scores, "cost": EFFORT / 2 * (after**2 - scores**2),
            "gain": curve(after) - curve(scores),
        }
    )  # fmt: skip
    return table.groupby(group_of(curve, scores)).sum().reindex(list(GROUPS), fill_value=0.0)


class Market:
    """A curve and the customers on it.

    >>> market = Market(Curve(4, 8, (0.5, 0.1, 2.0), 1.0), np.array([3.0, 8, 8, 9.5]))
    >>> round(market.net({"below": 0, "inside": 0, "near": 0, "above": 1}))
    269
    """

    def __init__(self, curve: Curve, scores: np.ndarray) -> None:
        self.curve, self.scores = curve, scores
        low, high, step = LIFTS
        self.lifts = np.arange(low, high + step / 2, step)
        self.tables = {float(lift): effects(curve, scores, lift) for lift in self.lifts}

    def plan(self, lifts: Mapping[str, float]) -> pd.DataFrame:
        """``people``, ``cost``, ``gain`` by group, each lifted by its own points."""
        return pd.DataFrame({group: self.tables[float(lift)].loc[group] for group, lift in lifts.items()}).T

    def net(self, lifts: Mapping[str, float]) -> float:
        """Worth of the gained loyalty less the cost, yuan."""
        table = self.plan(lifts)
        return WORTH * table["gain"].sum() - table["cost"].sum()

    @property
    def best(self) -> dict[str, float]:
        """The plan within the budget that nets most."""
        return _best(self)


@lru_cache(maxsize=16)
def _best(market: Market) -> dict[str, float]:
    cost, gain = ([[market.tables[float(lift)].loc[group, column] for lift in market.lifts] for group in GROUPS]
                  for column in ("cost", "gain"))  # fmt: skip
    plans = np.array(list(product(range(len(market.lifts)), repeat=len(GROUPS))))
    rows = np.arange(len(GROUPS))
    spent, won = np.array(cost)[rows, plans].sum(axis=1), np.array(gain)[rows, plans].sum(axis=1)
    net = np.where(spent <= BUDGET, WORTH * won - spent, -np.inf)
    return dict(zip(GROUPS, market.lifts[plans[net.argmax()]].tolist(), strict=True))


# ------------------------------------------------------------------------------------------------------ the verdict


def evaluate_curve(markets: Mapping[str, Market], market: str, lifts: Mapping[str, Mapping[str, float]]) -> Result:
    """What the plans for all markets bring; the one looked at in detail.

    Args:
        markets: by name; market: the one looked at; lifts: by market and group, points a customer.

    >>> markets = {"强竞争": Market(ASSUMED[RIVALRY], np.repeat([5.0, 7.5, 9], [100, 100, 100]))}
    >>> spread = evaluate_curve(markets, "强竞争", {"强竞争": dict.fromkeys(GROUPS, 0.5)})
    >>> spread.verdict, spread.headline
    ('poor', '强竞争：花 6,675 元，换回忠诚 165 分，净得 6,525 元，是最好方案的 12%。')
    >>> print(spread.reasons[0])
    区内靠下 100 人每人提高 0.5 分：花 1,575 元，忠诚只多 7.5 分，值 600 元，亏 975 元。他们的分数上，满意每高 1 分要换来 0.39 分忠诚才保本，这一步只换来 0.15 分。
    """
    states = {name: _state(one, lifts[name]) for name, one in markets.items()}
    one, plan = markets[market], markets[market].plan(lifts[market])
    spent, net = plan["cost"].sum(), one.net(lifts[market])
    numbers = {
        _("花了"): _("{spent:,.0f} / {budget:,.0f} 元").format(spent=spent, budget=BUDGET),
        _("忠诚多了"): _("{x:,.0f} 分").format(x=plan["gain"].sum()),
        _("净得"): plots.yuan(net),
        _("不敏感区"): _("{low:.1f}～{high:.1f} 分").format(low=one.curve.low, high=one.curve.high),
        _("现在的平均忠诚"): f"{one.curve(one.scores).mean():.1f}",
    }
    todo = [name for name, state in states.items() if state != "good"]
    if spent > BUDGET:
        reasons = [
            _("{market}超支 {over:,.0f} 元：先从每元换回最少的{group}收。").format(
                market=market, over=spent - BUDGET, group=GROUPS[_worst_group(plan)]
            )
        ]
        return Result("poor", _("预算不够。"), reasons, numbers)
    verdict: Verdict = "good" if not todo else "fair" if states[market] == "good" else states[market]
    reasons = [*_losing(plan, lifts[market]), *_missing(one, lifts[market], states[market]), *_lesson(markets, market)]
    if not todo:
        reasons.append(_together(markets, lifts))
    elif states[market] == "good":
        reasons.append(_("这个市场定好了；还要定：{names}。").format(names=_("、").join(todo)))
    return Result(verdict, _headline(one, market, spent, plan["gain"].sum(), net), reasons, numbers)


def _state(market: Market, lifts: Mapping[str, float]) -> Verdict:
    spent, net, best = market.plan(lifts)["cost"].sum(), market.net(lifts), market.net(market.best)
    if spent > BUDGET:
        return "poor"
    if best < IDLE:  # nothing to win here: what counts is not to lose
        return "good" if net > -IDLE else "fair" if net > -5 * IDLE else "poor"
    return "good" if net >= GOAL * best else "fair" if net >= FAIR * best else "poor"


def _headline(market: Market, name: str, spent: float, gain: float, net: float) -> str:
    told = _("{name}：花 {spent:,.0f} 元，换回忠诚 {gain:,.0f} 分，净得 {net:,.0f} 元").format(
        name=name, spent=spent, gain=gain, net=net + 0.0
    )
    best = market.net(market.best)
    if best < IDLE:
        return told + _("；这里怎么花都几乎没有净得。")
    return told + _("，是最好方案的 {share}。").format(share=plots.percent(max(net, 0) / best))


def _worst_group(plan: pd.DataFrame) -> str:
    paid = plan[plan["cost"] > 0]
    return str((paid["gain"] / paid["cost"]).idxmin())


def _losing(plan: pd.DataFrame, lifts: Mapping[str, float]) -> list[str]:
    """Groups on whom money is lost, and why."""
    told = []
    for group, row in plan.iterrows():
        loss = row["cost"] - WORTH * row["gain"]
        if loss <= 0:
            continue
        told.append(
            _(
                "{group} {n:,.0f} 人每人提高 {lift:g} 分：花 {cost:,.0f} 元，忠诚只多 {gain:,.1f} 分，值 {worth:,.0f} 元，亏 {loss:,.0f} 元。"
                "他们的分数上，满意每高 1 分要换来 {need:.2f} 分忠诚才保本，这一步只换来 {got:.2f} 分。"
            ).format(
                group=GROUPS[str(group)], n=row["people"], lift=lifts[str(group)], cost=row["cost"], gain=row["gain"],
                worth=WORTH * row["gain"], loss=loss, need=row["cost"] / WORTH / row["points"],
                got=row["gain"] / row["points"],
            )
        )  # fmt: skip
    return told


def _missing(market: Market, lifts: Mapping[str, float], state: Verdict) -> list[str]:
    """Where money would bring more than where it goes now."""
    best = market.best
    if state == "good" or market.net(best) < IDLE:
        return []
    short = [group for group in GROUPS if lifts[group] < best[group]]
    told = []
    for group in short:
        row = market.tables[best[group]].loc[group]
        told.append(
            _("{group} {n:,.0f} 人，你给每人提高 {lift:g} 分：在他们身上，每 100 元换回忠诚 {rate:.1f} 分，值 {worth:,.0f} 元。").format(
                group=GROUPS[group], n=row["people"], lift=lifts[group], rate=100 * row["gain"] / row["cost"],
                worth=100 * WORTH * row["gain"] / row["cost"],
            )
        )  # fmt: skip
    if not short:
        told.append(_("钱花多了：再提高下去，每分要的钱多过它值的。"))
    return told


def _lesson(markets: Mapping[str, Market], market: str) -> list[str]:
    """What the shape of this market's curve means."""
    one = markets[market]
    if market == MONOPOLY:
        rival = markets[RIVALRY].curve(one.scores).mean() if RIVALRY in markets else np.nan
        return [
            _(
                "没有别家可去，不满意的人也留着：平均忠诚 {now:.1f} 分不是喜欢换来的。哪天来了对手，同样的满意度照强竞争的曲线"
                "只剩 {rival:.1f} 分；要花钱，得算那一天的账，不是今天的。"
            ).format(now=one.curve(one.scores).mean(), rival=rival)
        ]
    if market == RIVALRY:
        return [
            _("强竞争里满意 {high:g} 分的人，忠诚也只有 {at:.1f} 分：“满意”留不住人，只有很满意才留得住。").format(
                high=one.curve.high, at=float(one.curve(one.curve.high))
            )
        ]
    inside = (one.scores >= one.curve.low) & (one.scores < one.curve.high)
    return [
        _(
            "这份调查有 {share} 的人在不敏感区里，那里每高 1 分只多 {slope:.2f} 分忠诚。曲线比的是不同的人，不是同一个人的前后："
            "真要照此花钱，先在一部分人身上试，再跟踪他们。"
        ).format(share=plots.percent(inside.mean()), slope=one.curve.slopes[1])
    ]


def _together(markets: Mapping[str, Market], lifts: Mapping[str, Mapping[str, float]]) -> str:
    """What the plans for all markets show side by side."""
    spent = _("、").join(
        _("{name} {money:,.0f} 元").format(name=name, money=one.plan(lifts[name])["cost"].sum())
        for name, one in markets.items()
    )
    return _("客户一样满意，花法却不同：{spent}。先看曲线的形状，再决定提高谁、要不要提高。").format(spent=spent)


# ------------------------------------------------------------------------------------------------------- the widget


def _figure(markets: Mapping[str, Market], market: str, lifts: Mapping[str, float]) -> Figure:
    one = markets[market]
    low, high = one.curve.low, one.curve.high
    title = _("{market}：{low:.1f} 到 {high:.1f} 分之间，满意每高 1 分，忠诚只多 {slope:.2f} 分").format(
        market=market, low=low, high=high, slope=one.curve.slopes[1]
    )
    figure, (left, right) = plots.new_figure(title, width=6.6, height=3.9, columns=2)
    x = np.linspace(1, 10, 181)
    counts, edges = np.histogram(one.scores, bins=np.arange(0.75, 10.5, 0.5))
    left.axvspan(low, high, color=plots.GRID, lw=0, zorder=0)
    left.bar(edges[:-1] + 0.25, 2.2 * counts / counts.max(), width=0.42, color=plots.SKY, zorder=1)
    for name, other in markets.items():
        shown = name == market
        left.plot(x, other.curve(x), color=plots.BLUE if shown else plots.GREY, lw=2.6 if shown else 1.2)
        plots.note(
            left, name, (4.6, float(other.curve(4.6))), (-4, 9), ha="right", color=plots.BLUE if shown else plots.MUTED
        )
    left.set(xlim=(1, 10.3), ylim=(0, 10.2), xlabel=_("满意度（1～10 分）"), ylabel=_("忠诚（0～10 分）"))
    left.set_title(_("灰带是不敏感区，蓝柱是客户多少"))
    _bars(right, one.plan(lifts))
    return figure


def _bars(ax: Axes, plan: pd.DataFrame) -> None:
    """By group, what is spent and what the loyalty is worth."""
    places = np.arange(len(plan))[::-1]
    ax.barh(places + 0.19, WORTH * plan["gain"], height=0.36, color=plots.BLUE)
    ax.barh(places - 0.19, plan["cost"], height=0.36, color=plots.ORANGE)
    for place, (worth, cost) in zip(places, zip(WORTH * plan["gain"], plan["cost"], strict=True), strict=True):
        plots.note(ax, f"{worth:,.0f}", (worth, place + 0.19), (4, 0), fontsize=8.5)
        plots.note(ax, f"{cost:,.0f}", (cost, place - 0.19), (4, 0), fontsize=8.5)
    labels = [_("{group}\n{n:,.0f} 人").format(group=GROUPS[str(g)], n=n) for g, n in plan["people"].items()]
    ax.set_yticks(places, labels)
    ax.tick_params(axis="y", labelsize=10, labelcolor=plots.INK)
    ax.set_xlim(0, 1.25 * max(1000, WORTH * plan["gain"].max(), plan["cost"].max()))
    ax.set_xticks([])
    ax.grid(visible=False)
    ax.set_xlabel(_("元"))
    plots.legend(ax, ((plots.BLUE, _("换回的忠诚值")), (plots.ORANGE, _("花的钱"))))


def loyalty_curve(points: pd.DataFrame) -> Exercise:
    """Exercise ex-07-4 on ``satisfaction`` (1-10) and ``loyalty`` (0-10), one row a customer.

    >>> points = pd.DataFrame({"satisfaction": [3, 4, 5, 6, 7, 8, 9, 10] * 20, "loyalty": [2, 4, 6, 6, 7, 7, 8, 10] * 20})
    >>> exercise = loyalty_curve(points)
    >>> exercise.result.headline
    '这份调查：花 2,625 元，换回忠诚 80 分，净得 3,746 元，是最好方案的 26%。'
    """
    table = inputs.frame(points, _("满意与忠诚表"), ("satisfaction", "loyalty"))[["satisfaction", "loyalty"]].dropna()
    scores = inputs.numbers(table, "satisfaction", low=1, high=10).to_numpy()
    markets = {name: Market(curve, scores) for name, curve in {SURVEY: survey_curve(table), **ASSUMED}.items()}
    keys = {f"m{place}_{group}": (name, group) for place, name in enumerate(MARKETS) for group in GROUPS}

    def lifts(values: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        return {
            name: {group: float(values[key]) for key, (owner, group) in keys.items() if owner == name}
            for name in MARKETS
        }

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        name = values["market"]
        return _figure(markets, name, lifts(values)[name]), _(
            "左图是{market}的满意—忠诚曲线和不敏感区，右图是四组客户各花多少、换回多少。{headline}"
        ).format(market=name, headline=result.headline)

    low, high, step = LIFTS
    return Exercise(
        title=_("ex-07-4　不同市场的满意—忠诚曲线"),
        task=_(
            "三个市场，客户的满意度都与这份调查相同，每处最多花 {budget:,} 元。为每个市场定：四组客户每人提高几分，净得达到最好方案的 {goal}"
            "（几乎没有净得的市场，别亏过 {idle:,.0f} 元）。三个都定好才算达到。假设：一分忠诚一年值 {worth:.0f} 元；从 s 分再提高 1 分要 {effort:g}×s 元；"
            "“这份调查”的曲线由数据估出，另两条的形状取自文献、数字是假设。"
        ).format(budget=BUDGET, goal=plots.percent(GOAL), idle=IDLE, worth=WORTH, effort=EFFORT),
        controls={
            "market": choice(_("看哪个市场"), MARKETS, SURVEY),
            **{
                key: slider(_("{market}，{group}：每人提高").format(group=_label(markets[name].curve, group), market=name),
                            0.5, low, high, step, _("分"))
                for key, (name, group) in keys.items()
            },
        },
        evaluate=lambda **values: evaluate_curve(markets, values["market"], lifts(values)),
        draw=draw,
        visible=lambda values: ["market", *(key for key, (name, _group) in keys.items() if name == values["market"])],
    )  # fmt: skip


def _label(curve: Curve, group: str) -> str:
    """The group with the scores that belong to it."""
    near = max(curve.low, curve.high - NEAR)
    ends = {"below": (1, curve.low), "inside": (curve.low, near), "near": (near, curve.high), "above": (curve.high, 10)}
    return _("{group} {a:.1f}～{b:.1f} 分").format(group=GROUPS[group], a=ends[group][0], b=ends[group][1])
