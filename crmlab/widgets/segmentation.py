"""The three exercises of chapter 04: cut points, k-means step by step, the care budget.

Each exercise is a plain ``evaluate_…`` function, tested by itself, and a maker of the widget around it. Assumptions
about people's answers are constants here and are told in the exercise: they are assumptions, not facts of any market.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from crmlab import clusters, plots, rfm, tiers
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.widgets.kit import Exercise, Result, Verdict, choice, slider

Array = clusters.Array

# ------------------------------------------------------------------------------- ex-04-1: cut points for a call list

CALLS = 400
SILENCE = (60, 120, 300, 480)
"""Days without a purchase at which the chance that a call brings a customer back changes."""
COMEBACK = (0.0, 0.08, 0.20, 0.08, 0.02)
"""That chance, in each stretch of :data:`SILENCE`: before 60 days a customer comes anyway."""
HABIT = ((1, 0.3), (2, 0.7), (4, 1.0))
"""Factor on the chance from this many purchases on: who came often comes back more easily."""
CALL_LIST = rfm.SEGMENTS[2]  # R low, F high, M high
LIST_FAIR, LIST_GOAL = 0.75, 0.93  # of what the best list keeps


def saved_by_call(table: pd.DataFrame) -> pd.Series:
    """Money (yuan) a call is expected to keep: chance to come back × past spend; by customer.

    >>> table = pd.DataFrame({"recency": [30, 200, 200], "frequency": [9, 9, 1], "monetary": [1000, 1000, 1000]})
    >>> saved_by_call(table).to_list()  # would come anyway; comes back with 20 %; 0.3 of that, bought once
    [0.0, 200.0, 60.0]
    """
    chance = np.asarray(COMEBACK)[np.searchsorted(SILENCE, table["recency"], side="left")]
    starts, factors = zip(*HABIT, strict=True)
    habit = np.asarray(factors)[np.searchsorted(starts, table["frequency"], side="right") - 1]
    return pd.Series(chance * habit * table["monetary"], index=table.index)


def cut(table: pd.DataFrame, recency: float, frequency: float, monetary: float) -> pd.Series:
    """The eight segments by fixed cut points: recent if recency ≤, frequent if frequency ≥, valuable if monetary ≥.

    >>> table = pd.DataFrame({"recency": [30, 200], "frequency": [1, 9], "monetary": [90, 1000]}, index=["C1", "C2"])
    >>> cut(table, recency=90, frequency=3, monetary=500).to_dict()
    {'C1': '一般发展客户', 'C2': '重要保持客户'}
    """
    return rfm.name_segments(
        table["recency"] <= recency, table["frequency"] >= frequency, table["monetary"] >= monetary
    )


def best_call_list(table: pd.DataFrame, calls: int = CALLS) -> float:
    """The most money (yuan) that a list of at most ``calls`` customers, made by three cut points, can keep.

    For given cut points of R and F every further customer adds something, so the best list takes the biggest spenders
    among them: only R and F have to be searched.

    >>> table = pd.DataFrame({"recency": [30, 200, 200], "frequency": [9, 9, 1], "monetary": [1000, 1000, 1000]})
    >>> best_call_list(table, calls=1)
    200.0
    """
    gain = saved_by_call(table)
    best = 0.0
    for recency in range(30, 365, 10):
        for frequency in range(1, 21):
            able = (table["recency"] > recency) & (table["frequency"] >= frequency)
            biggest = table.loc[able, "monetary"].nlargest(calls).index
            best = max(best, float(gain[biggest].sum()))
    return best


def evaluate_cut_points(
    table: pd.DataFrame,
    recency: float,
    frequency: float,
    monetary: float,
    *,
    calls: int = CALLS,
    best: float | None = None,
) -> Result:
    """What the call list made by these cut points is worth.

    Args:
        table: ``rfm`` table.
        recency, frequency, monetary: cut points (days, purchases, yuan) of :func:`cut`.
        calls: how many customers can be called.
        best: :func:`best_call_list`, if it is known already.

    >>> table = pd.DataFrame({"recency": [30, 200, 200], "frequency": [9, 9, 1], "monetary": [1000, 1000, 1000]})
    >>> evaluate_cut_points(table, recency=90, frequency=3, monetary=500, calls=1, best=200.0).headline
    '打 1 个电话，预计留住 200 元。'
    """
    best = best_call_list(table, calls) if best is None else best
    chosen = table[cut(table, recency, frequency, monetary) == CALL_LIST]
    size = len(chosen)
    gain = saved_by_call(chosen)
    # Too long a list is called until the time is up: whom that reaches is chance.
    reached = float(gain.sum()) * min(1.0, calls / size) if size else 0.0
    ratio = reached / best if best else 0.0
    numbers = {
        _("名单人数"): _("{size:,} 人（最多 {calls}）").format(size=size, calls=calls),
        _("名单的历史消费"): plots.yuan(float(chosen["monetary"].sum())),
        _("预计留住"): plots.yuan(reached),
        _("相当于最好名单的"): plots.percent(ratio),
    }
    if not size:
        reason = _("没有人同时满足三个条件：金额 ≥ {m:,.0f} 元、次数 ≥ {f:.0f}、超过 {r:.0f} 天没来。").format(
            m=monetary, f=frequency, r=recency
        )
        return Result("poor", _("名单是空的。"), [reason], numbers)
    reasons = _list_reasons(chosen, calls, recency, frequency, monetary)
    if size > calls:
        headline = _("名单有 {size:,} 人，打不完：先轮到谁，全凭运气。").format(size=size)
        return Result("poor", headline, reasons, numbers)
    headline = _("打 {size:,} 个电话，预计留住 {gain}。").format(size=size, gain=plots.yuan(reached))
    return Result(
        "good" if ratio >= LIST_GOAL else "fair" if ratio >= LIST_FAIR else "poor", headline, reasons, numbers
    )


def _list_reasons(chosen: pd.DataFrame, calls: int, recency: float, frequency: float, monetary: float) -> list[str]:
    size = len(chosen)
    soon = int((chosen["recency"] <= SILENCE[0]).sum())
    late = int((chosen["recency"] > SILENCE[-1]).sum())
    once = int((chosen["frequency"] < HABIT[-1][0]).sum())
    reasons = []
    if size > calls:
        reasons.append(
            _("比能打的多 {extra:,} 人。三个切点里，收紧哪一个损失最小？先看金额（现在 {m:,.0f} 元）。").format(
                extra=size - calls, m=monetary
            )
        )
    elif size < 0.9 * calls:
        reasons.append(_("还有 {left:,} 个电话没用上：某个切点太严了。").format(left=calls - size))
    else:
        reasons.append(_("电话用足了：{size:,} / {calls}。").format(size=size, calls=calls))
    if soon:
        reasons.append(
            _("{n:,} 人在 {days} 天之内刚来过，只是还没轮到下一次，这些电话白打；你的 R 切点是 {r:.0f} 天。").format(
                n=soon, days=SILENCE[0], r=recency
            )
        )
    if late > 0.15 * size:
        reasons.append(
            _("{n:,} 人已经 {days} 天以上没来，多半叫不回：三个切点管不到“太久”，这是固定规则的短处。").format(
                n=late, days=SILENCE[-1]
            )
        )
    if once > 0.1 * size:
        reasons.append(
            _("{n:,} 人买过不到 {least} 次，没有养成习惯，难叫回；你的 F 切点是 {f:.0f} 次。").format(
                n=once, least=HABIT[-1][0], f=frequency
            )
        )
    return reasons


def rfm_cut_points(table: pd.DataFrame, calls: int = CALLS) -> Exercise:
    """Exercise ex-04-1 on an ``rfm`` table.

    >>> from crmlab import data
    >>> shop = data.draw("ecommerce", "demo")
    >>> exercise = rfm_cut_points(rfm.rfm(data.purchases(shop), shop.as_of))
    >>> exercise.move(recency=60, frequency=4)
    >>> exercise.result.headline
    '打 135 个电话，预计留住 32,375 元。'
    """
    rfm.check_table(table)
    best = best_call_list(table, calls)

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        facts = rfm.summary(table, cut(table, **values))
        alt = _("八类客户的人数占比和消费占比；{name} {share}，占消费 {money}").format(
            name=CALL_LIST,
            share=plots.percent(facts.loc[CALL_LIST, "share"], 1),
            money=plots.percent(facts.loc[CALL_LIST, "revenue_share"], 1),
        )
        return plots.segment_bars(facts, highlight=(CALL_LIST,)), alt

    chances = _("，").join(
        _("{start}–{end} 天叫回 {chance}").format(start=start, end=end, chance=plots.percent(chance))
        for (start, end), chance in zip(pairwise(SILENCE), COMEBACK[1:-1], strict=True)
    )
    return Exercise(
        title=_("ex-04-1　电话打给谁：调整 RFM 切点"),
        task=_(
            "电话打给“{name}”（很久没来、来得勤、花得多），最多 {calls} 个。调三个切点，让预计留住的金额达到最好名单的 {goal}。"
            "假设：沉默 {soon} 天以内的人本来就会来，电话没有用；{chances}，更久 {last}；"
            "只买过一次的人只按 {once} 算，两三次的按 {twice} 算；叫回来就留住与过去相同的金额。"
        ).format(
            name=CALL_LIST,
            calls=calls,
            goal=plots.percent(LIST_GOAL),
            soon=SILENCE[0],
            chances=chances,
            last=plots.percent(COMEBACK[-1]),
            once=plots.percent(HABIT[0][1]),
            twice=plots.percent(HABIT[1][1]),
        ),
        controls={
            "recency": slider(_("R：超过多少天没来算“低”"), 30, 10, 360, 10, _("天")),
            "frequency": slider(_("F：至少买过几次算“高”"), 2, 1, 20, 1, _("次")),
            "monetary": slider(_("M：至少花过多少算“高”"), 500, 100, 5000, 50, _("元")),
        },
        evaluate=lambda **values: evaluate_cut_points(table, **values, calls=calls, best=best),
        draw=draw,
    )


# ------------------------------------------------------------------------------------- ex-04-2: k-means step by step

RAW, SCALED, LOGGED = SCALES = (_("原始数值"), _("只标准化"), _("取对数并标准化"))
STARTS = 10
SMALLEST = 0.05
FEWEST, MOST = 3, 6  # clusters for which a shop can run a plan each
MOST_STEPS = 300


class KMeansRuns:
    """Lloyd's algorithm on one table, remembered by its choices, so that stepping is instant.

    >>> table = pd.DataFrame({"recency": [200, 220, 7, 9], "frequency": [1, 1, 9, 8], "monetary": [60, 80, 900, 950]})
    >>> runs = KMeansRuns(table)
    >>> [round(step.inertia, 2) for step in runs.steps(2, LOGGED, seed=1)]
    [nan, 0.09, 0.05, 0.05]
    """

    def __init__(self, table: pd.DataFrame) -> None:
        rfm.check_table(table)
        self.table = table.sort_index()
        self.points = lru_cache(maxsize=len(SCALES))(self._points)
        self.steps = lru_cache(maxsize=64)(self._steps)
        self.best = lru_cache(maxsize=64)(self._best)
        self.silhouette = lru_cache(maxsize=64)(self._silhouette)

    def _points(self, scale: str) -> Array:
        """The customers as the algorithm sees them, (n, 3)."""
        return clusters.features(self.table, log=scale == LOGGED, scale=scale != RAW).to_numpy()

    def _steps(self, k: int, scale: str, seed: int) -> list[clusters.LloydStep]:
        return clusters.lloyd(self.points(scale), k, seed, MOST_STEPS)

    def _best(self, k: int, scale: str) -> float:
        """Lowest final inertia of several starts."""
        return min(self.steps(k, scale, seed)[-1].inertia for seed in range(1, STARTS + 1))

    def _silhouette(self, k: int, scale: str, seed: int) -> float:
        labels = self.steps(k, scale, seed)[-1].labels
        assert labels is not None
        return clusters.silhouette(self.points(scale), labels)

    def state(self, k: int, scale: str, seed: int, step: int) -> clusters.LloydStep:
        """The moment after so many steps, or the last one."""
        steps = self.steps(k, scale, seed)
        return steps[min(step, len(steps) - 1)]

    def in_units(self, centers: Array, scale: str) -> pd.DataFrame:
        """Centres in days, times and yuan, index 1..k."""
        raw = self.table[list(rfm.MEASURES)].astype(float)
        base = np.log1p(raw) if scale == LOGGED else raw
        back = centers if scale == RAW else centers * base.std(ddof=0).to_numpy() + base.mean().to_numpy()
        back = np.expm1(back) if scale == LOGGED else back
        return pd.DataFrame(back, columns=list(rfm.MEASURES), index=pd.RangeIndex(1, len(back) + 1))


def evaluate_kmeans(runs: KMeansRuns, k: int, scale: str, seed: int, step: int) -> Result:
    """Whether a manager can use these clusters.

    Args:
        runs: the table and what was computed on it.
        k: number of clusters; scale: one of :data:`SCALES`; seed: of the start; step: how far to go.

    >>> table = pd.DataFrame({"recency": [200, 220, 7, 9], "frequency": [1, 1, 9, 8], "monetary": [60, 80, 900, 950]})
    >>> runs = KMeansRuns(table)
    >>> print(*evaluate_kmeans(runs, k=2, scale=RAW, seed=1, step=9).reasons)
    你用了原始数值：金额占总方差的 94.7%，距离里几乎只有钱，R 和 F 没有发言权。
    """
    state = runs.state(k, scale, seed, step)
    numbers = {_("步数"): str(state.number)}
    if state.labels is None:
        reason = _("按“下一步”：先把每位客户分给最近的中心，再把中心移到群内的平均位置。")
        return Result("poor", _("{k} 个中心随机落在 {k} 位客户身上，还没有分群。").format(k=k), [reason], numbers)
    sizes = np.bincount(state.labels, minlength=k)
    numbers |= {
        _("惯量"): f"{state.inertia:,.0f}",
        _("各群人数"): _("、").join(f"{size:,}" for size in sizes),
    }
    if not state.converged:
        moved = _("刚分配完，接着移动中心") if state.number % 2 else _("中心移动了，有人会改投更近的中心")
        return Result("fair", _("还没走到头：{moved}。").format(moved=moved), [], numbers)
    numbers[_("平均轮廓系数")] = f"{runs.silhouette(k, scale, seed):.2f}"
    flaws = _flaws(runs, k, scale, seed, sizes)
    if flaws:
        verdict, reasons = flaws
        return Result(verdict, _("走到头了，但这个分群还不好用。"), reasons, numbers)
    return Result("good", _("走到头了，经理可以照着它分派工作。"), _portraits(runs, state.labels, k), numbers)


def _flaws(runs: KMeansRuns, k: int, scale: str, seed: int, sizes: np.ndarray) -> tuple[Verdict, list[str]] | None:
    """Why converged clusters are of little use: verdict and reasons; None if there is nothing to say."""
    if scale == RAW:
        variance = runs.table[list(rfm.MEASURES)].var()
        share = plots.percent(float(variance["monetary"] / variance.sum()), 1)
        return "poor", [
            _("你用了原始数值：金额占总方差的 {share}，距离里几乎只有钱，R 和 F 没有发言权。").format(share=share)
        ]
    reasons = []
    smallest = sizes.min() / sizes.sum()
    if smallest < SMALLEST:
        reasons.append(
            _("最小的一群只有 {n:,} 人（{share}），撑不起一套方案。").format(
                n=int(sizes.min()), share=plots.percent(smallest, 1)
            )
        )
    if scale == SCALED:
        reasons.append(_("你没有取对数：几位大客户把尺度拉长，多数人挤成一团。"))
    if k < FEWEST:
        reasons.append(_("两群只分出“热”和“冷”，这用一条 R 的线就做得到。"))
    if k > MOST:
        reasons.append(_("{k} 群要 {k} 套方案，一线记不住，相邻两群的做法也说不出差别。").format(k=k))
    best = runs.best(k, scale)
    reached = runs.steps(k, scale, seed)[-1].inertia
    if reached > 1.02 * best:
        reasons.append(
            _("停在了不好的位置：惯量比 {starts} 个起点里最好的高 {more}。换一个起点再走。").format(
                starts=STARTS, more=plots.percent(reached / best - 1, 1)
            )
        )
    return ("fair", reasons) if reasons else None


def _portraits(runs: KMeansRuns, labels: np.ndarray, k: int) -> list[str]:
    """One sentence a cluster, in days, times and yuan."""
    facts = rfm.summary(runs.table, pd.Series(labels + 1, index=runs.table.index))
    return [
        _(
            "第 {number} 群：{people} 的客户，{money} 的消费；多在 {r:.0f} 天前来过，买过 {f:.0f} 次，共花 {m:,.0f} 元。"
        ).format(
            number=number,
            people=plots.percent(row["share"]),
            money=plots.percent(row["revenue_share"]),
            r=row["recency"],
            f=row["frequency"],
            m=row["monetary"],
        )
        for number, row in facts.iterrows()
    ]


def kmeans_steps(table: pd.DataFrame) -> Exercise:
    """Exercise ex-04-2 on an ``rfm`` table.

    >>> from crmlab import data
    >>> shop = data.draw("ecommerce", "demo")
    >>> exercise = kmeans_steps(rfm.rfm(data.purchases(shop), shop.as_of))
    >>> exercise.result.headline
    '2 个中心随机落在 2 位客户身上，还没有分群。'
    >>> exercise.move(step=1)
    >>> exercise.result.headline
    '还没走到头：刚分配完，接着移动中心。'
    """
    runs = KMeansRuns(table)

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        choices = {name: values[name] for name in ("k", "scale", "seed")}
        state = runs.state(**choices, step=values["step"])
        labels = None if state.labels is None else pd.Series(state.labels + 1, index=runs.table.index)
        past = [s.centers for s in runs.steps(**choices) if s.number < state.number and s.number % 2 == 0]
        figure = plots.cluster_scatter(
            runs.table,
            labels,
            centers=runs.in_units(state.centers, values["scale"]),
            trails=[runs.in_units(centers, values["scale"]) for centers in past],
            title=_("第 {step} 步，{k} 个中心（黑线是走过的路）").format(step=state.number, k=values["k"]),
        )
        return figure, _("客户按最近购买天数和金额画成散点，{k} 个中心；{headline}").format(
            k=values["k"], headline=result.headline
        )

    def last(values: dict[str, Any]) -> dict[str, Any]:
        return {"step": len(runs.steps(values["k"], values["scale"], values["seed"])) - 1}

    def next_step(values: dict[str, Any]) -> dict[str, Any]:
        return {"step": min(values["step"] + 1, last(values)["step"])}

    return Exercise(
        title=_("ex-04-2　一步一步做 k 均值"),
        task=_(
            "得到一个经理能用的分群：走到收敛；R、F、M 都有发言权；每群至少占 {share}；{fewest}～{most} 群；不停在坏的位置上。"
            "先用现在的设置走到头，看看错在哪里。"
        ).format(share=plots.percent(SMALLEST), fewest=FEWEST, most=MOST),
        controls={
            "k": slider(_("群数 k"), 2, 2, 8, 1),
            "scale": choice(_("怎样放平尺度"), SCALES, RAW),
            "seed": slider(_("起点（随机种子）"), 1, 1, STARTS, 1),
            "step": slider(_("走到第几步"), 0, 0, MOST_STEPS, 1),
        },
        evaluate=lambda **values: evaluate_kmeans(runs, **values),
        draw=draw,
        actions={_("下一步"): next_step, _("走到收敛"): last},
    )


# ---------------------------------------------------------------------------------------- ex-04-3: the care budget

BUDGET = 30_000
MARGIN = 0.30
YEARS = 2.0
LEAST_PER_HEAD = 2.0
HOLDOUT = (5, 15)
PLAN_FAIR, PLAN_GOAL = 0.9, 0.97  # of what the best plan keeps


@dataclass(frozen=True)
class Response:
    """How a tier answers to care: of ``ceiling`` (share of the yearly margin that care can keep at most), a spend of
    ``scale`` yuan a head gets 63 %, twice that 86 %.

    >>> vip = Response(ceiling=0.10, scale=20)
    >>> round(float(vip.ceiling * (1 - np.exp(-20 / vip.scale))), 4)  # 63 % of the ceiling at 20 yuan a head
    0.0632
    """

    ceiling: float
    scale: float


RESPONSES = {tiers.VIP: Response(0.10, 20), tiers.ORDINARY: Response(0.12, 6), tiers.DORMANT: Response(0.08, 4)}


def tier_margins(table: pd.DataFrame, window: int = 180) -> pd.DataFrame:
    """``customers`` and yearly ``margin`` (yuan) of each tier.

    >>> table = pd.DataFrame({"recency": [5, 40, 60, 70, 300], "frequency": [9, 2, 1, 1, 1],
    ...                       "monetary": [4000, 400, 300, 100, 200]})
    >>> tier_margins(table, window=180)
          customers  margin
    tier
    VIP           1   600.0
    普通            3   120.0
    休眠            1    30.0
    """
    facts = rfm.summary(table, tiers.tiers(table, window))
    if (facts["customers"] == 0).any():
        raise CourseError(_("有一级一个客户也没有，没法分预算：请换一个休眠窗口或使用更多客户。"))
    return pd.DataFrame({"customers": facts["customers"], "margin": facts["revenue"] * MARGIN / YEARS})


def kept(margins: pd.DataFrame, tier: str, spend: Any, holdout: float) -> Any:
    """Yearly margin (yuan) kept by spending ``spend`` yuan on a tier of which ``holdout`` per cent get no care.

    >>> margins = pd.DataFrame({"customers": [100, 500, 400], "margin": [60_000, 50_000, 10_000]}, index=tiers.TIERS)
    >>> kept(margins, tiers.VIP, [0, 2_000, 4_000], holdout=0).round().tolist()
    [0.0, 3793.0, 5188.0]
    """
    response, share = RESPONSES[tier], 1 - holdout / 100
    people = margins.loc[tier, "customers"] * share
    return (
        margins.loc[tier, "margin"]
        * share
        * response.ceiling
        * (1 - np.exp(-np.asarray(spend) / people / response.scale))
    )


def last_yuan(margins: pd.DataFrame, tier: str, spend: float, holdout: float) -> float:
    """What the last yuan spent on a tier brings back (yuan).

    >>> margins = pd.DataFrame({"customers": [100, 500, 400], "margin": [60_000, 50_000, 10_000]}, index=tiers.TIERS)
    >>> [round(last_yuan(margins, tiers.VIP, spend, holdout=0), 2) for spend in (0, 2_000, 4_000)]
    [3.0, 1.1, 0.41]
    """
    return float(kept(margins, tier, spend + 1, holdout) - kept(margins, tier, spend, holdout))


def best_plan(margins: pd.DataFrame, holdout: float, budget: float = BUDGET) -> dict[str, float]:
    """The split (yuan by tier) that keeps most, with the least care for ordinary customers secured.

    >>> margins = pd.DataFrame({"customers": [100, 500, 400], "margin": [60_000, 50_000, 10_000]}, index=tiers.TIERS)
    >>> {tier: round(float(spend), -2) for tier, spend in best_plan(margins, holdout=10, budget=5_000).items()}
    {'VIP': 2400.0, '普通': 2600.0, '休眠': 0.0}
    """
    from scipy.optimize import minimize

    floor = LEAST_PER_HEAD * margins.loc[tiers.ORDINARY, "customers"]
    found = minimize(
        lambda x: (
            -sum(float(kept(margins, tier, 1000 * part, holdout)) for tier, part in zip(tiers.TIERS, x, strict=True))
        ),
        x0=np.full(3, budget / 3000),
        bounds=[(floor / 1000 if tier == tiers.ORDINARY else 0, budget / 1000) for tier in tiers.TIERS],
        constraints=[{"type": "ineq", "fun": lambda x: budget / 1000 - x.sum()}],
    )
    return dict(zip(tiers.TIERS, 1000 * found.x, strict=True))


def evaluate_care_plan(
    margins: pd.DataFrame, vip: float, ordinary: float, dormant: float, holdout: float, budget: float = BUDGET
) -> Result:
    """What a split of the budget keeps.

    Args:
        margins: :func:`tier_margins`.
        vip, ordinary, dormant: yuan a year for each tier; holdout: per cent of each tier that gets no care.

    >>> margins = pd.DataFrame({"customers": [100, 500, 400], "margin": [60_000, 50_000, 10_000]}, index=tiers.TIERS)
    >>> plan = evaluate_care_plan(margins, vip=4_000, ordinary=500, dormant=500, holdout=10, budget=5_000)
    >>> plan.verdict, plan.headline
    ('poor', '一年多保住毛利 5,939 元，花了 5,000 元。')
    >>> print(plan.reasons[-1])
    你给VIP的最后 1 元只换回 0.33 元，给普通的能换回 1.66 元：往普通挪一点，总数就会变大。
    """
    plan = dict(zip(tiers.TIERS, (vip, ordinary, dormant), strict=True))
    spent = sum(plan.values())
    gain = sum(float(kept(margins, tier, spend, holdout)) for tier, spend in plan.items())
    # Measured against the best with a proper test group, so that leaving it out is no way to look better.
    proper = min(max(holdout, HOLDOUT[0]), HOLDOUT[1])
    best = best_plan(margins, proper, budget)
    ratio = gain / sum(float(kept(margins, tier, spend, proper)) for tier, spend in best.items())
    ends = {tier: last_yuan(margins, tier, spend, holdout) for tier, spend in plan.items()}
    numbers = {
        _("已分配"): _("{spent:,.0f} / {budget:,.0f} 元").format(spent=spent, budget=budget),
        _("多保住的毛利"): plots.yuan(gain),
        _("最后 1 元换回"): _("；").join(_("{tier} {x:.2f} 元").format(tier=tier, x=x) for tier, x in ends.items()),
        _("相当于最好方案的"): plots.percent(ratio),
    }
    if spent > budget:
        over = _("超支 {over:,.0f} 元：先从最后 1 元换回最少的{tier}那里收回来。").format(
            over=spent - budget, tier=min(ends, key=lambda tier: ends[tier])
        )
        return Result("poor", _("预算不够。"), [over], numbers)
    flaws, notes = _care_reasons(margins, plan, ends, holdout, budget - spent)
    verdict: Verdict = "poor" if ratio < PLAN_FAIR else "fair" if flaws or ratio < PLAN_GOAL else "good"
    headline = _("一年多保住毛利 {gain}，花了 {spent}。").format(gain=plots.yuan(gain), spent=plots.yuan(spent))
    return Result(verdict, headline, [*flaws, *notes], numbers)


def _care_reasons(
    margins: pd.DataFrame, plan: dict[str, float], ends: dict[str, float], holdout: float, left: float
) -> tuple[list[str], list[str]]:
    """What keeps the plan from being good, and what the numbers say about it."""
    flaws, notes = [], []
    a_head = plan[tiers.ORDINARY] / margins.loc[tiers.ORDINARY, "customers"]
    if a_head < LEAST_PER_HEAD:
        flaws.append(
            _(
                "普通客户人均只有 {x:.1f} 元，低于 {least:.0f} 元的基本关怀：他们人数最多，感到被怠慢的代价不在曲线里。"
            ).format(x=a_head, least=LEAST_PER_HEAD)
        )
    if holdout < HOLDOUT[0]:
        flaws.append(_("对照组只有 {h:.0f} %：年底说不清这笔钱到底换回了多少。").format(h=holdout))
    elif holdout > HOLDOUT[1]:
        flaws.append(_("对照组占了 {h:.0f} %：为了测量，放弃了太多客户。").format(h=holdout))
    low, high = min(ends, key=lambda tier: ends[tier]), max(ends, key=lambda tier: ends[tier])
    if ends[high] > 1.25 * ends[low]:
        notes.append(
            _(
                "你给{low}的最后 1 元只换回 {x:.2f} 元，给{high}的能换回 {y:.2f} 元：往{high}挪一点，总数就会变大。"
            ).format(low=low, x=ends[low], high=high, y=ends[high])
        )
    else:
        notes.append(_("三级的最后 1 元换回的钱差不多，挪来挪去都不会更好：这就是边际相等。"))
    if left > 0.03 * BUDGET:
        notes.append(_("还有 {left:,.0f} 元没有分出去。").format(left=left))
    return flaws, notes


def care_plan(table: pd.DataFrame, window: int = 180) -> Exercise:
    """Exercise ex-04-3 on an ``rfm`` table; ``window`` in days separates the dormant.

    >>> from crmlab import data
    >>> shop = data.draw("ecommerce", "demo")
    >>> exercise = care_plan(rfm.rfm(data.purchases(shop), shop.as_of))
    >>> exercise.move(vip=10_000, ordinary=10_000, dormant=10_000, holdout=10)
    >>> exercise.result.headline
    '一年多保住毛利 13,431 元，花了 30,000 元。'
    """
    rfm.check_table(table)
    margins = tier_margins(table, window)
    names = dict(zip(tiers.TIERS, ("vip", "ordinary", "dormant"), strict=True))

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        spend = np.linspace(0, BUDGET, 61)
        curves = {
            tier: pd.DataFrame({"spend": spend, "gain": kept(margins, tier, spend, values["holdout"])})
            for tier in tiers.TIERS
        }
        chosen = {tier: values[name] for tier, name in names.items()}
        alt = _("三级客户的响应曲线，圆点是现在的投入：") + _("，").join(
            _("{tier} {spend:,.0f} 元").format(tier=tier, spend=spend) for tier, spend in chosen.items()
        )
        return plots.budget_curves(curves, chosen), alt

    assumed = _("；").join(
        _("{tier}最多保住 {ceiling}，人均 {scale:g} 元时达到其中的 63 %").format(
            tier=tier, ceiling=plots.percent(answer.ceiling), scale=answer.scale
        )
        for tier, answer in RESPONSES.items()
    )
    return Exercise(
        title=_("ex-04-3　关怀预算怎么分"),
        task=_(
            "一年 {budget:,.0f} 元，分给三级客户，让多保住的毛利达到最好方案的 {goal}，同时普通客户人均不少于 {least:.0f} 元，"
            "留 {low}～{high} % 的人作对照（不给关怀，用来测量效果）。假设：毛利率 {margin}；关怀能多保住的年毛利，{assumed}。"
        ).format(
            goal=plots.percent(PLAN_GOAL), budget=BUDGET, least=LEAST_PER_HEAD, low=HOLDOUT[0], high=HOLDOUT[1], margin=plots.percent(MARGIN),
            assumed=assumed,
        ),
        controls={
            "vip": slider(_("VIP"), 26_000, 0, BUDGET, 500, _("元")),
            "ordinary": slider(_("普通"), 2_000, 0, BUDGET, 500, _("元")),
            "dormant": slider(_("休眠"), 2_000, 0, BUDGET, 500, _("元")),
            "holdout": slider(_("对照组"), 0, 0, 30, 1, "%"),
        },
        evaluate=lambda **values: evaluate_care_plan(margins, **values),
        draw=draw,
    )  # fmt: skip
