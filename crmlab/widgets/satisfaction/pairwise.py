"""ex-07-1: a judge contradicts himself; mend it without making his opinion another one."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Self

import ipywidgets as widgets
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from crmlab import plots, weights
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.weights import AHPResult
from crmlab.widgets.kit import Exercise, Result, Verdict, choice

Pair = tuple[str, str]
Steps = Mapping[Pair, int]
"""Judgements: pair → place on the scale."""

TOP = 8  # steps from "equally important" to 9 times
SPARE = 1  # judgements that may be changed beyond those it takes
CLOSE = 2.0  # a changed judgement may differ from what the weights say by this factor
FLAT = 1.5  # heaviest : lightest indicator, below which the weights say nothing
SHADES = LinearSegmentedColormap.from_list("disagreement", [plots.PAPER, "#f6dcb4", plots.ORANGE, "#9c4a1c"])


def ratio(step: int) -> float:
    """The judgement at a place of the scale: 0 is equal, 2 three times as important, -2 one third.

    >>> ratio(0), ratio(2), ratio(-3)
    (1.0, 3.0, 0.25)
    """
    return float(step + 1) if step >= 0 else 1 / (1 - step)


def fraction(step: int) -> str:
    """The same as one says it.

    >>> fraction(8), fraction(-2)
    ('9', '1/3')
    """
    return str(step + 1) if step >= 0 else f"1/{1 - step}"


def step_of(judgement: float) -> int:
    """Place on the scale of a judgement, whole or the inverse of a whole number.

    >>> step_of(3), step_of(1 / 3), step_of(1)
    (2, -2, 0)
    """
    step = round(judgement) - 1 if judgement >= 1 else 1 - round(1 / judgement)
    if not np.isclose(ratio(step), judgement) or abs(step) > TOP:
        raise CourseError(
            _("判断 {value:g} 不在 1～9 标度上：intensity 应是 1 到 9 的整数，请先改正判断表").format(value=judgement)
        )
    return step


def told_steps(judgements: pd.DataFrame) -> dict[Pair, int]:
    """One judge's opinion: pair → place on the scale, pairs in the order of the matrix.

    >>> told = pd.DataFrame({"first": ["性能"], "second": ["外观"], "winner": ["外观"], "intensity": [9]})
    >>> told_steps(told)
    {('性能', '外观'): -8}
    """
    table = weights.judgement_matrix(judgements)
    return {(a, b): step_of(table.loc[a, b]) for a, b in combinations(table.index, 2)}


def solve(steps: Steps) -> AHPResult:
    """AHP of the judgements.

    >>> round(solve({("性能", "价格"): 2, ("性能", "外观"): 8, ("价格", "外观"): 2}).cr, 3)
    0.0
    """
    names = list(dict.fromkeys(name for pair in steps for name in pair))
    table = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for (a, b), step in steps.items():
        table.loc[a, b], table.loc[b, a] = ratio(step), ratio(-step)
    return weights.ahp(table)


def fixes(steps: Steps) -> list[Pair]:
    """Pairs that must be thought over, one after another the one that helps most, until CR < 0.10.

    >>> fixes({("性能", "价格"): 2, ("性能", "外观"): -4, ("价格", "外观"): 2})
    [('性能', '外观')]
    """
    present, found = dict(steps), []
    while not (result := solve(present)).consistent:
        rest = [
            row for row in result.worst_judgements().to_dict("records") if (row["first"], row["second"]) not in found
        ]
        best = min(rest, key=lambda row: row["cr_after"])
        pair = (best["first"], best["second"])
        found.append(pair)
        present[pair] = step_of(best["suggested"])
    return found


@dataclass(frozen=True)
class Opinion:
    """What a judge told at first: his judgements, their AHP, and the pairs to think over (:func:`fixes`).

    >>> opinion = Opinion.of({("性能", "价格"): 2, ("性能", "外观"): -4, ("价格", "外观"): 2})
    >>> opinion.needed, opinion.allowed
    ([('性能', '外观')], 2)
    """

    steps: Steps
    result: AHPResult
    needed: list[Pair]

    @classmethod
    def of(cls, steps: Steps) -> Self:
        return cls(steps, solve(steps), fixes(steps))

    @property
    def allowed(self) -> int:
        """How many judgements may be changed."""
        return len(self.needed) + SPARE


# ------------------------------------------------------------------------------------------------------ the verdict


def evaluate_pairwise(opinion: Opinion, now: Steps) -> Result:
    """Whether the judgements agree by now, and whether they are still this judge's.

    Args:
        opinion: as it was told; now: the same pairs as they stand.

    >>> before = {("性能", "价格"): 2, ("性能", "外观"): -4, ("价格", "外观"): 2}
    >>> opinion = Opinion.of(before)
    >>> evaluate_pairwise(opinion, before).headline
    'CR = 1.585，矛盾有随机乱填的 158%，权重不能用。'
    >>> evaluate_pairwise(opinion, before | {("性能", "外观"): 8}).verdict
    'good'
    """
    before = opinion.steps
    result = solve(now)
    changed = [pair for pair in now if now[pair] != before[pair]]
    table = result.worst_judgements().set_index(["first", "second"])
    worst = table.index[0]
    numbers = {
        "λmax": f"{result.lambda_max:.3f}",
        "CI": f"{result.ci:.3f}",
        "CR": f"{result.cr:.3f}",
        _("改动"): _("{n} 处，共 {steps} 格").format(
            n=len(changed), steps=sum(abs(now[pair] - before[pair]) for pair in changed)
        ),
        _("与其余判断差得最远"): _("{a}对{b}，{x:.1f} 倍").format(
            a=worst[0], b=worst[1], x=table.loc[worst, "disagreement"]
        ),
    }
    if not result.consistent:
        return _inconsistent(opinion, now, changed, result.cr, table, numbers)
    flat = _is_flat(opinion, result)
    flaws = _flaws(opinion, now, changed, result, table)
    verdict: Verdict = "poor" if flat or len(changed) > opinion.allowed + 1 else "fair" if flaws else "good"
    headline = (
        _("CR = {cr:.3f} < 0.10，只重想了 {n} 处，还是你的意见。")
        if verdict == "good"
        else _("CR = {cr:.3f} < 0.10，可是这份意见还交不出去。")
    )
    notes = [] if flat else _moves(opinion, result, bool(_evasion(opinion, now, changed)))
    return Result(verdict, headline.format(cr=result.cr, n=len(changed)), [*flaws, *notes], numbers)


def _inconsistent(
    opinion: Opinion, now: Steps, changed: list[Pair], cr: float, table: pd.DataFrame, numbers: dict[str, str]
) -> Result:
    """Judgements that still contradict each other."""
    headline = _("CR = {cr:.3f}，矛盾有随机乱填的 {share}，权重不能用。").format(cr=cr, share=plots.percent(cr))
    if not changed:
        worst = table.index[0]
        told = _(
            "先看颜色最深的一格：{a}对{b}填的是 {given}，按全部判断求出的权重却是 {implied:.1f} 倍。"
            "它和你其余的判断，哪一边才是你的意思？"
        ).format(a=worst[0], b=worst[1], given=fraction(now[worst]), implied=table.loc[worst, "implied"])
        return Result("poor", headline, [told], numbers)
    reasons = [*_evasion(opinion, now, changed), *_unlike(now, changed, table)]
    return Result("poor", headline, reasons or [_("方向对了，还要再重想一处。")], numbers)


def _evasion(opinion: Opinion, now: Steps, changed: list[Pair]) -> list[str]:
    """Told to whom changes many judgements to suit the one that contradicts them all."""
    left = [pair for pair in opinion.needed if now[pair] == opinion.steps[pair]]
    others = [pair for pair in changed if pair not in opinion.needed]
    if not left or not others:
        return []
    (a, b), given = left[0], fraction(now[left[0]])
    return [
        _("你改了 {n} 处，却没有碰{a}对{b} = {given}：那是让多数判断去迁就一个。先问哪一个是少数。").format(
            n=len(others), a=a, b=b, given=given
        )
    ]


def _unlike(now: Steps, changed: list[Pair], table: pd.DataFrame) -> list[str]:
    """Changed judgements that the others do not bear out."""
    suggested = {pair: step_of(table.loc[pair, "suggested"]) for pair in changed}
    return [
        _off(pair, now[pair], suggested[pair])
        for pair in changed
        if table.loc[pair, "disagreement"] >= CLOSE and now[pair] != suggested[pair]
    ]


def _off(pair: Pair, step: int, suggested: int) -> str:
    a, b = pair
    told = _("{a}对{b}你改成了 {mine}，其余判断合起来意味着约 {others}。").format(
        a=a, b=b, mine=fraction(step), others=fraction(suggested)
    )
    if step == 0:
        return told + _("改成 1 是说两样一样重要，不是“没有意见”。")
    if step * suggested < 0:
        return told + _("方向反了：{x} 是说{more}更重要。").format(x=fraction(step), more=b if step < 0 else a)
    return told + (_("方向对了，强弱还差着。") if suggested else _("那是说两样差不多。"))


def _is_flat(opinion: Opinion, result: AHPResult) -> bool:
    """Whether an opinion that told indicators apart no longer does."""
    first, weighed = opinion.result.weights, result.weights
    return bool(weighed.max() < FLAT * weighed.min() and first.max() >= FLAT * first.min())


def _flaws(opinion: Opinion, now: Steps, changed: list[Pair], result: AHPResult, table: pd.DataFrame) -> list[str]:
    """Why consistent judgements are no longer this judge's opinion."""
    told = _evasion(opinion, now, changed)
    if _is_flat(opinion, result):
        told.append(
            _("权重最大与最小只差 {x:.1f} 倍：全说一样重要，CR 当然小，可也等于什么都没说。").format(
                x=result.weights.max() / result.weights.min()
            )
        )
    elif not told and len(changed) > opinion.allowed:
        told.append(
            _("你改了 {n} 处，改 {k} 处就够：改得越多，越像重填了一份。把不必改的改回去。").format(
                n=len(changed), k=len(opinion.needed)
            )
        )
    return [*told, *_unlike(now, changed, table)]


def _moves(opinion: Opinion, result: AHPResult, evaded: bool) -> list[str]:
    """What the changes do to the weights."""
    first, now = opinion.result.summary, result.summary
    name = (now["weight"] - first["weight"]).abs().idxmax()
    told = _("{name}的权重从 {was}（第 {r0} 位）变成 {now}（第 {r1} 位）：").format(
        name=name, was=plots.percent(first.at[name, "weight"], 1), r0=first.at[name, "rank"],
        now=plots.percent(now.at[name, "weight"], 1), r1=now.at[name, "rank"],
    )  # fmt: skip
    if evaded:
        return [told + _("没有改的那一处，现在一个顶几个。")]
    return [
        told + _("先前是那一处矛盾在左右它。"),
        _("CR 小只说明前后一致，不说明判断对。真正的调查里，改不改、怎么改，由评判人本人说了算。"),
    ]


# ------------------------------------------------------------------------------------------------------- the widget


def _figure(opinion: Opinion, now: Steps, row: str) -> Figure:
    result = solve(now)
    title = _("CR = {cr:.3f}，{told}").format(
        cr=result.cr, told=_("前后一致") if result.consistent else _("前后矛盾（要小于 0.10）")
    )
    figure, (left, right) = plots.new_figure(title, width=6.6, height=3.9, columns=2)
    _matrix(left, opinion.steps, now, result, row)
    _weights(right, opinion.result.weights, result.weights)
    return figure


def _matrix(ax: Axes, before: Steps, now: Steps, result: AHPResult, row: str) -> None:
    """The judgements; the darker a cell, the further it lies from what the weights say."""
    names, n = list(result.weights.index), len(result.weights)
    w = result.weights.to_numpy()
    disagreement = np.abs(np.log(result.matrix.to_numpy() * w[None, :] / w[:, None]))
    ax.imshow(disagreement, cmap=SHADES, vmin=0, vmax=np.log(8))
    for i in range(n):
        for j in range(n):
            pair, sign = ((names[i], names[j]), 1) if i <= j else ((names[j], names[i]), -1)
            step = 0 if i == j else sign * now[pair]
            changed = i != j and now[pair] != before[pair]
            ax.text(
                j, i, fraction(step), ha="center", va="center", fontsize=11 if n <= 7 else 8.5,
                color=plots.PAPER if disagreement[i, j] > np.log(5) else plots.INK if i != j else plots.MUTED,
            )  # fmt: skip
            if changed:
                ax.add_patch(_frame(j, i))
    ax.set_xticks(range(n), names)
    ax.set_yticks(range(n), [_("▸ {name}").format(name=name) if name == row else name for name in names])
    ax.tick_params(labelsize=10, labelcolor=plots.INK, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xlabel(_("行比列重要几倍；颜色越深越矛盾，蓝框是改过的"))


def _frame(x: int, y: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, fill=False, ec=plots.BLUE, lw=2)


def _weights(ax: Axes, first: pd.Series, now: pd.Series) -> None:
    places = np.arange(len(now))[::-1]
    ax.hlines(places, first, now, color=plots.PALE, lw=3)
    ax.plot(first, places, "o", mfc=plots.PAPER, mec=plots.GREY, ms=8, label=_("原来"))
    ax.plot(now, places, "o", color=plots.BLUE, ms=8, label=_("现在"))
    for place, weight in zip(places, now, strict=True):
        plots.note(ax, plots.percent(weight), (weight, place), (0, 11), ha="center", fontsize=9)
    ax.set_yticks(places, list(now.index))
    ax.tick_params(axis="y", labelsize=10, labelcolor=plots.INK)
    ax.set_xlim(0, 1.15 * max(first.max(), now.max()))
    ax.set_ylim(-0.6, len(now) - 0.3)
    ax.xaxis.set_major_formatter(lambda x, _place: plots.percent(x))
    ax.set_xlabel(_("权重"))
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.985), ncols=2, fontsize=9.5, handletextpad=0.2)


def _scale(pair: Pair, step: int) -> widgets.Widget:
    """Saaty's scale from 1/9 to 9."""
    label = _("{a}的重要性是{b}的几倍").format(a=pair[0], b=pair[1])
    return widgets.SelectionSlider(
        options=[(fraction(place), place) for place in range(-TOP, TOP + 1)], value=step, description=label,
        tooltip=label, continuous_update=False, style={"description_width": "initial"}, layout={"width": "auto"},
    )  # fmt: skip


def pairwise_matrix(judgements: pd.DataFrame) -> Exercise:
    """Exercise ex-07-1 on one judge's rows of ``laptops.judgements``, a judge whose CR is not below 0.10.

    >>> from crmlab import data
    >>> told = data.load("laptop-survey").judgements
    >>> exercise = pairwise_matrix(told[told["judge_id"] == "J10"])
    >>> exercise.result.headline
    'CR = 0.485，矛盾有随机乱填的 48%，权重不能用。'
    """
    opinion = Opinion.of(told_steps(judgements))
    if opinion.result.consistent:
        raise CourseError(
            _("这位评判人的 CR = {cr:.3f}，没有要修的矛盾：请换一位 CR ≥ 0.10 的").format(cr=opinion.result.cr)
        )
    names = list(opinion.result.weights.index)
    keys = {f"p{place}": pair for place, pair in enumerate(opinion.steps)}

    def now(values: Mapping[str, Any]) -> dict[Pair, int]:
        return {pair: values[key] for key, pair in keys.items()}

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        weighed = _("、").join(f"{name} {plots.percent(w)}" for name, w in solve(now(values)).weights.items())
        return _figure(opinion, now(values), values["row"]), _("判断矩阵与权重：{weights}。{headline}").format(
            weights=weighed, headline=result.headline
        )

    return Exercise(
        title=_("ex-07-1　两两判断与一致性比率"),
        task=_(
            "你就是这位评判人：{n} 个判断因为自相矛盾被退了回来。重想一遍，让 CR < 0.10，而且还是你的意见：最多改 {most} 处；"
            "改过的判断与权重推出来的倍数相差不到 {close:g} 倍。"
            "滑块从 1/9 到 9：3 是前者重要 3 倍，1/3 是后者重要 3 倍，1 是一样重要。先选一个指标，下面就是与它有关的判断。"
        ).format(n=len(keys), most=opinion.allowed, close=CLOSE),
        controls={
            "row": choice(_("看哪个指标"), names, names[0]),
            **{key: _scale(pair, opinion.steps[pair]) for key, pair in keys.items()},
        },
        evaluate=lambda **values: evaluate_pairwise(opinion, now(values)),
        draw=draw,
        visible=lambda values: ["row", *(key for key, pair in keys.items() if values["row"] in pair)],
    )
