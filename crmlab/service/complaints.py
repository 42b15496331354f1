"""How complaints are handled: what they are about, how promptly and how well they are settled, what making good keeps.

Conventions: money in yuan, rates and probabilities as shares between 0 and 1.

Source: M. A. McCollough & S. G. Bharadwaj, "The Recovery Paradox", in *Marketing Theory and Applications*, AMA, 1992.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.pareto import abc_classes
from crmlab.service.records import refuse_row

__all__ = [
    "STEPS",
    "Handling",
    "Paradox",
    "Recovery",
    "complaint_pareto",
    "five_steps",
    "recovery",
    "recovery_paradox",
    "response_kpis",
    "step_coverage",
]

_STEP_NAMES = {
    "listen": _("倾听"),
    "empathise": _("共情"),
    "apologise": _("致歉"),
    "solve": _("解决"),
    "follow_up": _("回访"),
}
STEPS = tuple(_STEP_NAMES)


@dataclass(frozen=True)
class Recovery:
    """Whether making good pays, made by :func:`recovery`.

    Attributes
    ----------
    retained : expected value kept, (p_with − p_without) · CLV
    cost : compensation + handling
    value : retained − cost
    break_even : rise of the probability of staying that just pays the cost, cost / CLV
    most_compensation : the most compensation that still pays (not below 0)

    Examples
    --------
    >>> recovery(clv=800, p_without=0.4, p_with=0.7, compensation=100, handling=20).most_compensation
    220.0
    """

    retained: float
    cost: float
    value: float
    break_even: float
    most_compensation: float

    @property
    def worth_it(self) -> bool:
        """The value kept covers the cost."""
        return self.value >= 0

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True)
class Paradox:
    """Recovered customers against customers who never had a problem, made by :func:`recovery_paradox`.

    Attributes
    ----------
    recovered, untroubled : the two means
    difference : recovered − untroubled
    low, high : confidence interval of the difference (Welch)
    p_value : two-sided
    holds : the whole interval lies above 0: after recovery customers are *more* satisfied than if nothing had happened

    Examples
    --------
    >>> recovery_paradox([5, 5, 4, 5, 5, 4], [4, 3, 4, 4, 3, 4]).holds
    True
    """

    recovered: float
    untroubled: float
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def holds(self) -> bool:
        return self.low > 0


@dataclass(frozen=True)
class Handling:
    """How a complaint was handled, judged by the five steps, made by :func:`five_steps`.

    Attributes
    ----------
    coverage : share of the five steps that were taken, 0-1
    order : share of the pairs of taken steps that came in the right order, 0-1 (1 if fewer than two were taken)
    missing : Chinese names of the steps left out, in the right order

    Examples
    --------
    >>> five_steps(["apologise", "listen", "solve"]).missing
    ('共情', '回访')
    """

    coverage: float
    order: float
    missing: tuple[str, ...]

    @property
    def score(self) -> float:
        """0-100: four fifths for coverage, one fifth for the order of what was done."""
        return 100 * self.coverage * (0.8 + 0.2 * self.order)


def recovery(*, clv: float, p_without: float, p_with: float, compensation: float, handling: float = 0.0) -> Recovery:
    """What a compensation costs, and what it keeps.

    value = (p_with − p_without) · CLV − compensation − handling

    Parameters
    ----------
    clv : what the customer is still worth if staying (yuan)
    p_without, p_with : probability of staying without and with the recovery
    compensation, handling : cost (yuan)

    Examples
    --------
    >>> round(recovery(clv=800, p_without=0.4, p_with=0.7, compensation=100, handling=20).value, 2)
    120.0
    """
    clv = inputs.number(clv, "clv", above=0)
    p_without = inputs.number(p_without, "p_without", low=0, high=1)
    p_with = inputs.number(p_with, "p_with", low=0, high=1)
    compensation = inputs.number(compensation, "compensation", low=0)
    handling = inputs.number(handling, "handling", low=0)
    retained = (p_with - p_without) * clv
    cost = compensation + handling
    most = max(0.0, round(retained - handling, 6))
    return Recovery(retained, cost, retained - cost, cost / clv, most)


def recovery_paradox(recovered: Any, untroubled: Any, *, level: float = 0.95) -> Paradox:
    """Are customers whose complaint was handled well more satisfied than those who never had a problem?

    Difference of the means with Welch's interval; works for marks (1-5) and for yes/no (repurchased or not). The
    groups choose themselves: customers who complain are not a random sample, so this compares and does not prove.

    Parameters
    ----------
    recovered, untroubled : marks of the two groups, at least two each; missing values must be dropped before
    level : confidence level

    Examples
    --------
    >>> round(recovery_paradox([5, 5, 4, 5, 5, 4], [4, 3, 4, 4, 3, 4]).difference, 2)
    1.0
    """
    from scipy.stats import ttest_ind

    groups = _marks(recovered, "recovered"), _marks(untroubled, "untroubled")
    share = inputs.number(level, "level", above=0, below=1)
    first, second = (float(group.mean()) for group in groups)
    if all(np.ptp(group) == 0 for group in groups):  # no spread, no doubt
        gap = first - second
        return Paradox(first, second, gap, gap, gap, float(gap == 0))
    test = ttest_ind(*groups, equal_var=False)
    interval = test.confidence_interval(share)
    return Paradox(first, second, first - second, float(interval.low), float(interval.high), float(test.pvalue))


def complaint_pareto(tickets: pd.DataFrame, by: str = "kind", *, weight: str | None = None) -> pd.DataFrame:
    """Kinds of complaint from the most frequent on, with cumulative shares.

    Parameters
    ----------
    tickets : DataFrame, one row a complaint
    by : column with the kind (or cause, product, ...)
    weight : column to add up instead of counting (compensation paid, severity)

    Returns
    -------
    DataFrame indexed by kind (ties by name): ``total``, ``share``, ``cumulative`` (0-1) and ``vital``: among the few
    kinds that make up 80 % (class A of :func:`crmlab.pareto.abc_classes`).

    Examples
    --------
    >>> tickets = pd.DataFrame({"kind": ["质量"] * 7 + ["物流"] * 2 + ["价格"]})
    >>> complaint_pareto(tickets)["vital"].to_dict()
    {'质量': True, '物流': True, '价格': False}
    """
    inputs.frame(tickets, _("投诉表"), [by, weight] if weight else [by])
    amounts = inputs.numbers(tickets, weight, low=0) if weight else pd.Series(1, index=range(len(tickets)))
    totals = amounts.groupby(inputs.ids(tickets, by)).sum().sort_index().sort_values(ascending=False, kind="stable")
    if not totals.sum():
        raise CourseError(_("列 {column} 合计是 0：没有可以分配的占比").format(column=weight))
    return pd.DataFrame(
        {
            "total": totals,
            "share": totals / totals.sum(),
            "cumulative": totals.cumsum() / totals.sum(),
            "vital": abc_classes(totals) == "A",
        }
    ).rename_axis(by)


def response_kpis(
    tickets: pd.DataFrame,
    *,
    by: str | None = None,
    response_target: float = 60.0,
    resolve_target: float = 48.0,
    created: str = "created_at",
    responded: str = "first_response_at",
    resolved: str = "resolved_at",
) -> pd.Series | pd.DataFrame:
    """How promptly complaints are answered and settled.

    Medians and quantiles, because a few stuck tickets pull a mean far up. A ticket that has no answer yet counts as
    missing the target; leaving it out would reward not answering.

    Parameters
    ----------
    tickets : DataFrame, one row a complaint
    by : column to group by (handler, channel, ...)
    response_target : minutes to the first response; resolve_target : hours to the solution
    created, responded, resolved : columns of points in time; the last two may be missing

    Returns
    -------
    Series ``kpi`` (with ``by`` a DataFrame, one row a group): ``tickets``, ``response_median``, ``response_p90``
    (minutes), ``response_on_target``, ``resolve_median``, ``resolve_p90`` (hours), ``resolve_on_target``,
    ``open_rate`` (share without solution).

    Examples
    --------
    >>> tickets = pd.DataFrame({
    ...     "created_at": ["2025-05-01 09:00", "2025-05-01 10:00"],
    ...     "first_response_at": ["2025-05-01 09:20", "2025-05-01 12:00"], "resolved_at": ["2025-05-02 09:00", None]})
    >>> response_kpis(tickets)[["response_median", "response_on_target", "resolve_on_target", "open_rate"]].to_list()
    [70.0, 0.5, 0.5, 0.5]
    """
    inputs.frame(tickets, _("投诉表"), [created, responded, resolved, *([by] if by else [])])
    limits = {
        "response": inputs.number(response_target, "response_target", above=0),
        "resolve": inputs.number(resolve_target, "resolve_target", above=0),
    }
    start = inputs.moments(tickets, created)
    answer, end = (inputs.moments(tickets, name, gaps=True) for name in (responded, resolved))
    times = pd.DataFrame(
        {"response": (answer - start).dt.total_seconds() / 60, "resolve": (end - start).dt.total_seconds() / 3600}
    )
    for column, name in (("response", responded), ("resolve", resolved)):
        refuse_row(times[column] < 0, name, _("的时间早于受理时间"))
    if by is None:
        return _response_kpis(times, limits).rename("kpi")
    return times.groupby(inputs.ids(tickets, by)).apply(_response_kpis, limits)


def five_steps(record: Iterable[str]) -> Handling:
    """How much of 倾听-共情-致歉-解决-回访 a handling contains, and whether in this order.

    Parameters
    ----------
    record : the steps taken, in the order in which they were taken: ids of :data:`STEPS` or their Chinese names; of a
        step taken twice the first time counts

    Raises
    ------
    CourseError : something that is no step

    Examples
    --------
    >>> five_steps(["倾听", "共情", "致歉", "解决", "回访"]).score
    100.0
    """
    if isinstance(record, str):
        raise CourseError(_("record 应是一串步骤的列表，例如 ['倾听', '致歉']，现在是一段文字"))
    known = {step: step for step in STEPS} | {name: step for step, name in _STEP_NAMES.items()}
    taken = dict.fromkeys(known[inputs.choice(step, _("步骤"), tuple(known))] for step in record)
    pairs = [STEPS.index(early) < STEPS.index(late) for early, late in combinations(taken, 2)]
    missing = tuple(name for step, name in _STEP_NAMES.items() if step not in taken)
    return Handling(len(taken) / len(STEPS), float(np.mean(pairs)) if pairs else 1.0, missing)


def step_coverage(tickets: pd.DataFrame, steps: Sequence[str] = STEPS) -> pd.Series:
    """Share of the five steps that each handling record contains.

    Parameters
    ----------
    tickets : DataFrame with a column of true / false (or 1 / 0) for each step

    Returns
    -------
    Series ``coverage``, 0-1, index that of ``tickets``.

    Examples
    --------
    >>> step_coverage(pd.DataFrame([[True, True, False, True, False]], columns=list(STEPS))).to_list()
    [0.6]
    """
    inputs.frame(tickets, _("投诉表"), steps)
    done = pd.DataFrame({step: inputs.numbers(tickets, step, low=0, high=1) for step in steps})
    return done.mean(axis=1).set_axis(tickets.index).rename("coverage")


def _marks(values: Any, name: str) -> NDArray[np.float64]:
    found = inputs.vector(values, name)
    if len(found) < 2:
        raise CourseError(_("{name} 只有 {n} 个值，比较均值至少要 2 个：请补充").format(name=name, n=len(found)))
    return found


def _response_kpis(times: pd.DataFrame, limits: dict[str, float]) -> pd.Series:
    found = {"tickets": float(len(times))}
    for column, limit in limits.items():
        found[f"{column}_median"] = times[column].median()
        found[f"{column}_p90"] = times[column].quantile(0.9)
        found[f"{column}_on_target"] = (times[column] <= limit).mean()
    found["open_rate"] = times["resolve"].isna().mean()
    return pd.Series(found)
