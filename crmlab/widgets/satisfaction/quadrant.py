"""ex-07-3: ten attributes, one budget; stated against derived importance, and what is left to gain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crmlab import inputs, plots, satisfaction
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.widgets.kit import Exercise, Result, Verdict, choice, slider
from crmlab.widgets.satisfaction.answers import clean_answers

BUDGET, STEP, MOST = 100, 5, 60
"""Yuan × 10,000: to spend, by which steps, and at most on one attribute."""
BEST = 5.0
COSTS = {
    _("性能"): 45.0, _("屏幕"): 35.0, _("续航"): 30.0, _("散热与噪声"): 25.0, _("便携"): 45.0, _("外观"): 50.0, _("接口"): 10.0,
    _("售后服务"): 20.0, _("价格"): 60.0, _("扩展升级"): 20.0,
}  # fmt: skip
"""10,000 yuan that close 63 % of an attribute's distance to 5; :data:`USUAL` for any other."""
USUAL = 30.0
GOAL, FAIR = 0.95, 0.80  # of what the best plan brings
WEAK = 0.10  # correlation below which an attribute hardly goes with satisfaction
CEILING = 4.0
STATED, DERIVED = AXES = (_("直接问"), _("推算"))
START = {_("价格"): 40, _("续航"): 20, _("性能"): 20, _("散热与噪声"): 20}


def attribute_table(laptops: Any) -> pd.DataFrame:
    """The attributes of the survey: ``importance`` and ``performance`` (means, 1-5), ``derived``, ``effect``.

    ``derived`` is the correlation of an attribute's performance with satisfaction; ``effect`` how many points of
    satisfaction (1-10) go with one point of it *while the other attributes stay*, by least squares on all of them
    together: who likes his computer rates everything higher, and a correlation counts that again for each attribute.

    >>> from crmlab import data
    >>> attribute_table(data.load("laptop-survey")).loc[["续航", "价格"]].round(2).to_numpy().tolist()
    [[4.44, 2.95, 0.43, 0.36], [4.5, 3.8, -0.02, 0.0]]
    """
    clean = clean_answers(laptops)
    asked = laptops.importance[laptops.importance["respondent_id"].isin(clean.index)]
    table = asked.groupby("attribute", sort=False)[["importance", "performance"]].mean()
    rated = asked.pivot(index="respondent_id", columns="attribute", values="performance")[table.index]
    satisfied = clean["satisfied"].reindex(rated.index)
    whole = rated.notna().all(axis=1) & satisfied.notna()
    terms = np.column_stack([np.ones(whole.sum()), rated[whole]])
    return table.assign(
        derived=rated.corrwith(satisfied), effect=np.linalg.lstsq(terms, satisfied[whole], rcond=None)[0][1:]
    )


def gained(table: pd.DataFrame, spend: Mapping[str, float]) -> pd.Series:
    """Points of performance each attribute gains by ``spend`` (10,000 yuan): (5 − now) · (1 − e^(−spend / cost)).

    >>> table = pd.DataFrame({"performance": [3.0, 4.5]}, index=["续航", "屏幕"])
    >>> gained(table, {"续航": 30, "屏幕": 35}).round(2).to_dict()  # the same 63 %, of 2 points and of half a point
    {'续航': 1.26, '屏幕': 0.32}
    """
    money = pd.Series(spend, dtype=float).reindex(table.index, fill_value=0.0)
    costs = pd.Series({name: COSTS.get(name, USUAL) for name in table.index})
    return (BEST - table["performance"]) * (1 - np.exp(-money / costs))


def lifted(table: pd.DataFrame, spend: Mapping[str, float]) -> pd.Series:
    """Points of satisfaction (1-10) by attribute; a negative effect counts as none.

    >>> table = pd.DataFrame({"performance": [3.0, 3.0], "effect": [0.4, -0.1]}, index=["续航", "价格"])
    >>> lifted(table, {"续航": 30, "价格": 60}).round(2).to_dict()
    {'续航': 0.51, '价格': 0.0}
    """
    return gained(table, spend) * table["effect"].clip(lower=0)


def next_step(table: pd.DataFrame, spend: Mapping[str, float]) -> pd.Series:
    """Points of satisfaction that one more step of money on each attribute would bring; nothing beyond the most.

    >>> table = pd.DataFrame({"performance": [3.0, 3.0], "effect": [0.4, 0.1]}, index=["续航", "接口"])
    >>> next_step(table, {"续航": 20, "接口": 60}).round(3).to_dict()
    {'续航': 0.063, '接口': 0.0}
    """
    more = {name: spend.get(name, 0) + STEP for name in table.index}
    gain = lifted(table, more) - lifted(table, spend)
    return gain.where([amount <= MOST for amount in more.values()], 0.0)


def best_plan(table: pd.DataFrame) -> dict[str, int]:
    """The split of the budget that lifts satisfaction most: step by step to where the next one brings most.

    That is the best of all, since on every attribute each step brings less than the one before.

    >>> table = pd.DataFrame({"performance": [3.0, 4.6], "effect": [0.4, 0.4]}, index=["续航", "屏幕"])
    >>> best_plan(table)
    {'续航': 60, '屏幕': 40}
    """
    plan = dict.fromkeys(table.index, 0)
    for _step in range(BUDGET // STEP):
        plan[next_step(table, plan).idxmax()] += STEP
    return plan


@dataclass(frozen=True)
class Yardstick:
    """Points of satisfaction that the best plan brings, and the plan that were best if stated importance were the effect.

    >>> table = pd.DataFrame({"importance": [4.0, 4.5], "performance": 3.0, "effect": [0.4, 0.0]}, index=["续航", "价格"])
    >>> yardstick = Yardstick.of(table)
    >>> round(yardstick.best, 2), round(yardstick.by_asking, 2)  # part of the second's budget goes to the price
    (0.77, 0.62)
    """

    best: float
    by_asking: float

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        if not (table["effect"] > 0).any():
            raise CourseError(_("属性表里没有一项的 effect 大于 0：这份数据里看不出哪一项与满意有关"))
        asked = table.assign(effect=table["importance"])
        return cls(*(float(lifted(table, best_plan(known)).sum()) for known in (table, asked)))


# ------------------------------------------------------------------------------------------------------ the verdict


def evaluate_ipa(table: pd.DataFrame, yardstick: Yardstick, plan: Mapping[str, float]) -> Result:
    """What a split of the budget brings.

    Args:
        table: :func:`attribute_table`; yardstick: of the same table; plan: 10,000 yuan by attribute.

    >>> table = pd.DataFrame({"importance": [4.4, 4.5, 4.2], "performance": [3.0, 3.8, 4.4], "derived": [0.4, 0, 0.3],
    ...                       "effect": [0.4, 0.0, 0.2]}, index=["续航", "价格", "屏幕"])
    >>> evaluate_ipa(table, Yardstick.of(table), {"续航": 40, "价格": 60, "屏幕": 0}).reasons[0]
    '价格上的 60 万元只换回 0.00 分：直接问它有 4.50 分重要，可评分的高低与满意几乎无关（相关 0.00）。'
    """
    spent = sum(plan.values())
    gain = lifted(table, plan)
    share = float(gain.sum()) / yardstick.best
    ahead = next_step(table, plan)
    numbers = {
        _("已分配"): _("{spent:.0f} / {budget} 万元").format(spent=spent, budget=BUDGET),
        _("满意度预计提高"): _("{x:.2f} 分").format(x=gain.sum()),
        _("只照直接问来分，得"): _("{x:.2f} 分").format(x=yardstick.by_asking),
        _("相当于最好方案的"): plots.percent(share),
    }
    if spent > BUDGET:
        over = _("超支 {over:.0f} 万元：先从{name}收，那里的最后 {step} 万元只换回 {x:.3f} 分。").format(
            over=spent - BUDGET, name=(last := _last_step(table, plan)).idxmin(), step=STEP, x=last.min()
        )
        return Result("poor", _("预算不够。"), [over], numbers)
    verdict: Verdict = "good" if share >= GOAL else "fair" if share >= FAIR else "poor"
    headline = _("花 {spent:.0f} 万元，满意度预计提高 {gain:.2f} 分，是最好方案的 {share}。").format(
        spent=spent, gain=gain.sum(), share=plots.percent(share)
    )
    reasons = [*_wasted(table, plan, gain), *_balance(table, plan, ahead, BUDGET - spent, verdict)]
    if verdict == "good":
        reasons += _doubt(table, gain)
    return Result(verdict, headline, reasons, numbers)


def _last_step(table: pd.DataFrame, plan: Mapping[str, float]) -> pd.Series:
    """What the last step of money brings, of the attributes that get any."""
    paid = [name for name, money in plan.items() if money > 0]
    less = pd.Series({name: lifted(table, {name: max(plan[name] - STEP, 0)})[name] for name in paid}, dtype=float)
    return lifted(table, plan)[paid] - less


def _wasted(table: pd.DataFrame, plan: Mapping[str, float], gain: pd.Series) -> list[str]:
    """Money on what does not move satisfaction, and on what is nearly at the top."""
    told = []
    for name, money in plan.items():
        row = table.loc[name]
        if money >= STEP and row["derived"] < WEAK:
            told.append(
                _(
                    "{name}上的 {money:.0f} 万元只换回 {x:.2f} 分：直接问它有 {stated:.2f} 分重要，可评分的高低与满意几乎无关（相关 {r:.2f}）。"
                ).format(name=name, money=money, x=gain[name], stated=row["importance"], r=row["derived"] + 0.0)
            )
        elif money >= 3 * STEP and row["performance"] >= CEILING:
            told.append(
                _(
                    "{name}已有 {now:.2f} 分，离满分只剩 {room:.2f}：{money:.0f} 万元换回 {x:.2f} 分，再好也加不上去了。"
                ).format(name=name, now=row["performance"], room=BEST - row["performance"], money=money, x=gain[name])
            )
    return told


def _balance(
    table: pd.DataFrame, plan: Mapping[str, float], ahead: pd.Series, left: float, verdict: Verdict
) -> list[str]:
    """Where the next money would do most, and how the plan is spread."""
    told = []
    amounts = pd.Series(plan)
    if left >= STEP:
        told.append(
            _("还有 {left:.0f} 万元没有分：放在{name}上，每 {step} 万元还能换 {x:.3f} 分。").format(
                left=left, name=ahead.idxmax(), step=STEP, x=ahead.max()
            )
        )
    if len(amounts) > 2 and amounts.min() > 0 and amounts.max() - amounts.min() <= 2 * STEP:
        told.append(_("你撒得差不多平：十项都动一点，哪一项都没有动到客户看得出来。"))
    last = _last_step(table, plan)
    if len(last) and verdict != "good" and ahead.max() > 1.5 * last.min():
        told.append(
            _("你给{low}的最后 {step} 万元换回 {x:.3f} 分，放到{high}能换回 {y:.3f} 分（它现在 {now:.2f} 分，相关 {r:.2f}）。").format(
                low=last.idxmin(), step=STEP, x=last.min(), high=ahead.idxmax(), y=ahead.max(),
                now=table.loc[ahead.idxmax(), "performance"], r=table.loc[ahead.idxmax(), "derived"],
            )
        )  # fmt: skip
    return told


def _doubt(table: pd.DataFrame, gain: pd.Series) -> list[str]:
    """What a good plan still rests on."""
    most = gain.idxmax()
    return [
        _("改哪几项，看三样一起：与满意的联系、离满分多远、每分要多少钱。缺一样都会挑错。"),
        _(
            "提高的 {all:.2f} 分里，{name}占 {x:.2f} 分，靠的是相关（{r:.2f}）：喜欢这台电脑的人可能看什么都顺眼。"
            "如果只有一半是因果，这份方案就只有 {half:.2f} 分；先在一款机型上试，再全面改。"
        ).format(
            all=gain.sum(), name=most, x=gain[most], r=table.loc[most, "derived"], half=gain.sum() - gain[most] / 2
        ),
    ]


# ------------------------------------------------------------------------------------------------------- the widget


def _figure(table: pd.DataFrame, plan: Mapping[str, float], axis: str) -> Figure:
    column = "importance" if axis == STATED else "derived"
    title = (
        _("直接问：几乎样样都重要")
        if axis == STATED
        else _("推算：与满意最相关的是{name}").format(name=table["derived"].idxmax())
    )
    figure, (ax,) = plots.new_figure(title, width=6.6, height=4.7)
    after = table["performance"] + gained(table, plan)
    ax.axvline(table["performance"].mean(), color=plots.MUTED, lw=1, ls=(0, (3, 2)))
    ax.axhline(table[column].mean(), color=plots.MUTED, lw=1, ls=(0, (3, 2)))
    ax.hlines(table[column], table["performance"], after, color=plots.SKY, lw=4)
    ax.plot(table["performance"], table[column], "o", mfc=plots.PAPER, mec=plots.GREY, ms=9)
    paid = [plan.get(name, 0) > 0 for name in table.index]
    ax.plot(after[paid], table[column][paid], "o", color=plots.BLUE, ms=9)
    ax.set_xlim(table["performance"].min() - 0.7, BEST + 0.15)
    ax.margins(y=0.16)
    _names(ax, table, column, plan)
    keep, work, low, over = satisfaction.QUADRANTS
    for across, up, name in ((0.98, 0.98, keep), (0.02, 0.98, work), (0.02, 0.02, low), (0.98, 0.02, over)):
        ax.text(
            across, up, name, transform=ax.transAxes, ha="left" if across < 0.5 else "right",
            va="bottom" if up < 0.5 else "top", fontsize=9.5, color=plots.RED if name == work else plots.MUTED,
        )  # fmt: skip
    ax.set_xlabel(_("表现（1～5 分）：空心圈是现在，蓝点是花钱之后"))
    ax.set_ylabel(_("直接问的重要性（1～5 分）") if axis == STATED else _("推算的重要性（与满意的相关）"))
    return figure


def _names(ax: Axes, table: pd.DataFrame, column: str, plan: Mapping[str, float]) -> None:
    """Names on the outer side of the marks, pushed apart where those of one side stand at the same height."""
    left = table["performance"] < table["performance"].mean()
    after = table["performance"] + gained(table, plan)
    line = 0.05 * np.ptp(ax.get_ylim())
    for side, x, offset, align in ((left, table["performance"], -8, "right"), (~left, after, 8, "left")):
        height = np.inf
        for name, wanted in table.loc[side, column].sort_values(ascending=False).items():
            height = min(height - line, wanted)
            money = plan.get(str(name), 0)
            told = _("{name} {money:.0f} 万").format(name=name, money=money) if money else str(name)
            plots.note(ax, told, (x[name], height), (offset, 0), ha=align, fontsize=9.5,
                       color=plots.INK if money else plots.MUTED)  # fmt: skip


def ipa_quadrant(importance: pd.DataFrame) -> Exercise:
    """Exercise ex-07-3 on :func:`attribute_table`.

    >>> from crmlab import data
    >>> exercise = ipa_quadrant(attribute_table(data.load("laptop-survey")))
    >>> exercise.result.verdict
    'poor'
    """
    inputs.frame(importance, _("属性表"), ("importance", "performance", "derived", "effect"))
    yardstick = Yardstick.of(importance)
    keys = {f"a{place}": str(name) for place, name in enumerate(importance.index)}

    def plan(values: Mapping[str, Any]) -> dict[str, float]:
        return {name: values[key] for key, name in keys.items()}

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        spent = _("、").join(_("{name} {x:.0f} 万元").format(name=name, x=x) for name, x in plan(values).items() if x)
        return _figure(importance, plan(values), values["axis"]), _(
            "重要性与表现图，纵轴是{axis}的重要性。投入：{spent}。{headline}"
        ).format(axis=values["axis"], spent=spent or _("没有"), headline=result.headline)

    return Exercise(
        title=_("ex-07-3　IPA 象限里先改哪一项"),
        task=_(
            "{budget} 万元改进这款电脑，分给十项属性，让满意度（1～10 分）的预计提高达到最好方案的 {goal}。开始时的分法照着“直接问”的重要性。"
            "假设：花到“成本”那么多，一项能补上它离 5 分的 63 %，花两倍补上 86 %；成本（万元）：{costs}；"
            "表现每高 1 分，满意提高多少，由十项一起回归得到，当作因果用。"
        ).format(
            budget=BUDGET, goal=plots.percent(GOAL),
            costs=_("、").join(f"{name} {COSTS.get(name, USUAL):g}" for name in keys.values()),
        ),
        controls={
            "axis": choice(_("图的纵轴用哪一种重要性"), AXES, STATED),
            **{key: slider(name, START.get(name, 0), 0, MOST, STEP, _("万元")) for key, name in keys.items()},
        },
        evaluate=lambda **values: evaluate_ipa(importance, yardstick, plan(values)),
        draw=draw,
    )  # fmt: skip
