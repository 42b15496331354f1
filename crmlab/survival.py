"""How long customers stay: Kaplan-Meier curve, median, restricted mean, log-rank test.

A customer who is still there has a duration too: it is *censored*, the true one is longer. Leaving such customers out,
or taking their duration for a full one, makes every answer too short.

S(t) = Π (1 − dᵢ/nᵢ) over the times tᵢ ≤ t, with dᵢ customers lost at tᵢ and nᵢ at risk just before. At a tie losses
come before censorings: who is censored at tᵢ still counts among the nᵢ.

Sources: E. L. Kaplan & P. Meier, "Nonparametric Estimation from Incomplete Observations", *Journal of the American
Statistical Association* 53 (282), 1958, 457-481; M. Greenwood, *The Natural Duration of Cancer*, HMSO, 1926 (the
standard error); N. Mantel, "Evaluation of survival data and two new rank order statistics arising in its
consideration", *Cancer Chemotherapy Reports* 50 (3), 1966, 163-170 (log-rank).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import z_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
INTERVALS = ("log-log", "plain")
_HALF = 1e-9  # a product of fractions that should be one half may come out as 0.5000000000000001


def kaplan_meier(duration: Any, event: Any, *, level: float = 0.95, interval: str = "log-log") -> pd.DataFrame:
    """The Kaplan-Meier estimate of the share still there after each time.

    Parameters
    ----------
    duration : how long each customer was there (months, days, ...), not negative; list, array or Series
    event : 1 or True if the customer was lost then, 0 or False if still there when last seen (censored)
    level : of the pointwise confidence interval
    interval : "log-log" (default: stays within 0 and 1) or "plain" (S ± z·se, cut at 0 and 1)

    Returns
    -------
    DataFrame, index ``time``: 0 and every different duration, ascending; columns
    ``survival`` (S after that time), ``at_risk`` (just before it), ``events``, ``censored`` (int),
    ``se`` (Greenwood: S²·Σ d/(n(n−d)), its root; 0 where S is 0, as for a share), ``lower``, ``upper``.

    Raises
    ------
    CourseError : lists of different length, a missing or negative duration, an event other than 0 and 1.

    >>> kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0])[["survival", "at_risk", "events", "censored"]]
          survival  at_risk  events  censored
    time
    0.0       1.00        4       0         0
    2.0       0.75        4       1         0
    3.0       0.50        3       1         1
    5.0       0.50        1       0         1
    """
    z = z_value(level)
    inputs.choice(interval, "interval", INTERVALS)
    times, lost = _durations(duration, event)
    grid = np.unique(np.append(times, 0.0))
    place = np.searchsorted(grid, times)
    events = np.bincount(place, lost, len(grid))
    leaving = np.bincount(place, minlength=len(grid))
    at_risk = leaving[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(events / (at_risk * (at_risk - events))))  # standard error of log S
        se = np.where(survival > 0, survival * spread, 0.0)
    lower, upper = _band(survival, spread, z, interval)
    return pd.DataFrame(
        {
            "survival": survival,
            "at_risk": at_risk.astype("int64"),
            "events": events.astype("int64"),
            "censored": (leaving - events).astype("int64"),
            "se": se,
            "lower": lower,
            "upper": upper,
        },
        index=pd.Index(grid, name="time"),
    )


def median_survival(curve: pd.DataFrame) -> float:
    """The first time at which at most half are left; NaN if the curve never falls that low.

    NaN is an answer: more than half were still there when the data end, so the median is not known yet.

    >>> median_survival(kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0]))
    3.0
    """
    survival = _curve(curve)["survival"]
    reached = survival <= 0.5 + _HALF
    return float(survival.index[reached.argmax()]) if reached.any() else float("nan")


def survival_at(curve: pd.DataFrame, t: Any) -> Any:
    """S(t), the curve read as steps; ``t`` a number or a list.

    Beyond the last duration nothing is known, unless nobody was left: NaN there.

    Returns
    -------
    float, or a Series with index t.

    >>> survival_at(kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0]), 2.9)
    0.75
    """
    survival = _curve(curve)["survival"]
    single = np.ndim(t) == 0
    times = np.array([inputs.number(t, "t", low=0)]) if single else inputs.vector(t, "t", low=0)
    found = survival.to_numpy()[np.searchsorted(survival.index, times, side="right") - 1]
    found = np.where((times > survival.index[-1]) & (found > 0), np.nan, found)
    return float(found[0]) if single else pd.Series(found, index=pd.Index(times, name="time"), name="survival")


def restricted_mean(curve: pd.DataFrame, until: float | None = None) -> float:
    """Mean time there within the first ``until``: the area under the curve.

    The unrestricted mean needs the end of the curve, which censored data do not show; a restricted mean ("of the first
    24 months a customer stays 18.3") is known and is what a subscription earns.

    Parameters
    ----------
    curve : as made by :func:`kaplan_meier`
    until : horizon; by default the last duration

    Raises
    ------
    CourseError : the horizon lies beyond the data.

    >>> restricted_mean(kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0]), until=4)
    3.25
    """
    survival = _curve(curve)["survival"]
    last = float(survival.index[-1])
    end = last if until is None else inputs.number(until, "until", above=0)
    if end > last and survival.iloc[-1] > 0:
        raise CourseError(
            _("until = {until:g} 超出了数据：最长的时长是 {last:g}，之后的留存未知，请用不超过它的期限").format(
                until=end, last=last
            )
        )
    edges = np.append(np.minimum(survival.index.to_numpy(dtype=float), end), end)
    return float(survival.to_numpy() @ np.diff(edges))


# -------------------------------------------------------------------------------------------------------- log-rank


@dataclass(frozen=True, eq=False)
class LogRank:
    """Result of :func:`log_rank`.

    Attributes:
        statistic: (O − E)ᵀ V⁻¹ (O − E), chi-square distributed if all groups have the same curve.
        df: degrees of freedom, number of compared groups − 1.
        p_value: chance of a statistic at least as large if all curves were the same.
        table: one row a group: ``customers``, ``observed`` and ``expected`` losses (expected if all had one curve).

    >>> log_rank([1, 2, 3, 4], [1, 1, 1, 1], list("aabb")).df
    1
    """

    statistic: float
    df: int
    p_value: float
    table: pd.DataFrame


def log_rank(duration: Any, event: Any, group: Any) -> LogRank:
    """Do the groups stay equally long? Log-rank test for two or more groups.

    At each time with a loss, every group is expected to lose in proportion to its customers at risk; the sums of
    observed minus expected losses are compared with their (hypergeometric) covariance.

    Parameters
    ----------
    duration, event : as for :func:`kaplan_meier`
    group : group of each customer, same length

    Returns
    -------
    LogRank with ``statistic``, ``df``, ``p_value``, ``table``.

    Raises
    ------
    CourseError : bad durations or events, a missing group, fewer than two groups, no loss at all.

    >>> test = log_rank([6, 7, 9, 1, 2, 3], [1, 1, 0, 1, 1, 1], ["new"] * 3 + ["old"] * 3)
    >>> round(test.statistic, 3), round(test.p_value, 3)
    (5.052, 0.025)
    """
    from scipy.stats import chi2

    times, lost = _durations(duration, event)
    codes, names = _groups(group, len(times))
    if not lost.any():
        raise CourseError(_("event 全是 0：没有一位客户流失，无法比较各组"))
    moments = np.unique(times[lost])
    # Row: a time with losses; column: a group.
    last_seen = _count(np.searchsorted(moments, times, side="right"), codes, len(moments) + 1, len(names))
    at_risk = last_seen[:0:-1].cumsum(axis=0)[::-1]
    losses = _count(np.searchsorted(moments, times[lost]), codes[lost], len(moments), len(names))
    n, d = at_risk.sum(axis=1), losses.sum(axis=1)
    share = at_risk / n[:, None]
    observed, expected = losses.sum(axis=0), d @ share
    spread = d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag(spread @ share) - (share.T * spread) @ share
    gap = observed - expected
    # One group is redundant, and a group without anyone at risk has no variance: the pseudo-inverse minds both, if
    # what rounding leaves of their zeros counts as zero.
    statistic = max(0.0, float(gap @ np.linalg.pinv(covariance, rcond=1e-10, hermitian=True) @ gap))
    df = int((expected > 0).sum()) - 1
    table = pd.DataFrame(
        {"customers": np.bincount(codes), "observed": observed, "expected": expected},
        index=pd.Index(names, name="group"),
    )
    return LogRank(statistic, df, float(chi2.sf(statistic, df)) if df else 1.0, table)


# ------------------------------------------------------------------------------------------------------------ plot


def plot(curves: pd.DataFrame | Mapping[str, pd.DataFrame], *, unit: str = "", title: str = "") -> "Figure":
    """Survival curves as steps with their confidence bands, and below them how many are at risk.

    Parameters
    ----------
    curves : one curve of :func:`kaplan_meier`, or several by name ({"月付": …, "年付": …})
    unit : unit of time, as the axis tells it ("月")
    title : the message; by default what the medians say

    >>> figure = plot(kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0]), unit="月")
    >>> figure.get_suptitle()
    '一半客户在 3 月内流失'
    """
    from matplotlib.ticker import PercentFormatter

    from crmlab import plots

    named = {"": curves} if isinstance(curves, pd.DataFrame) else dict(curves)
    if not named:
        raise CourseError(_("curves 是空的：请至少给一条 kaplan_meier 曲线"))
    for curve in named.values():
        _curve(curve)
    figure, (ax,) = plots.new_figure(title or _message(named, unit), height=3.9 + 0.28 * len(named))
    for (name, curve), colour in zip(named.items(), plots.PALETTE, strict=False):
        ax.fill_between(curve.index, curve["lower"], curve["upper"], step="post", color=colour, alpha=0.15, lw=0)
        ax.step(curve.index, curve["survival"], where="post", color=colour)
        end = (float(curve.index[-1]), float(curve["survival"].iloc[-1]))
        ax.annotate(name, end, (7, 0), textcoords="offset points", va="center", color=colour, fontsize=10.5)
    ax.axhline(0.5, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
    last = max(float(curve.index[-1]) for curve in named.values())
    ax.set(xlim=(0, last), ylim=(0, 1.02), ylabel=_("仍在的客户"))
    ax.yaxis.set_major_formatter(PercentFormatter(1, 0))
    _at_risk_rows(ax, named, unit)
    return figure


def _at_risk_rows(ax: "Axes", named: dict[str, pd.DataFrame], unit: str) -> None:
    """Numbers at risk under the ticks, one row a curve: where few are left, the curve says little."""
    from crmlab import plots

    ticks = [tick for tick in ax.get_xticks() if 0 <= tick <= ax.get_xlim()[1]]
    ax.set_xticks(ticks)
    rows = ["  ".join(filter(None, (name, _("在险人数")))) for name in named]
    for row, (label, curve, colour) in enumerate(zip(rows, named.values(), plots.PALETTE, strict=False)):
        y = -36 - 15 * row
        style: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8.5, "color": colour, "va": "top"}
        across = ax.get_xaxis_transform()
        for tick in ticks:
            count = _still_at_risk(curve, tick)
            ax.annotate(f"{count:,}", (tick, 0), (0, y), xycoords=across, ha="center", annotation_clip=False, **style)
        ax.annotate(label, (0, 0), (-26, y), xycoords="axes fraction", ha="right", annotation_clip=False, **style)
    ax.set_xlabel(_("时间（{unit}）").format(unit=unit) if unit else _("时间"), labelpad=4)


def _still_at_risk(curve: pd.DataFrame, t: float) -> int:
    later = curve.index >= t
    return int(curve["at_risk"][later].iloc[0]) if later.any() else 0


def _message(named: dict[str, pd.DataFrame], unit: str) -> str:
    medians = {name: median_survival(curve) for name, curve in named.items()}
    if len(named) > 1:
        known = {name: f"{m:g}" if m == m else _("未到") for name, m in medians.items()}
        told = _("、").join(_("{name} {median}").format(name=name, median=median) for name, median in known.items())
        return (
            _("中位留存时间（{unit}）：{told}").format(unit=unit, told=told)
            if unit
            else _("中位留存时间：{told}").format(told=told)
        )
    (median,) = medians.values()
    if median != median:
        return _("到数据结束时，仍有一半以上的客户在")
    return _("一半客户在 {median:g} {unit}内流失").format(median=median, unit=unit)


# ---------------------------------------------------------------------------------------------------------- checks


def _durations(duration: Any, event: Any) -> tuple[Floats, NDArray[np.bool_]]:
    times = inputs.vector(duration, "duration", low=0)
    flags = inputs.vector(event, "event", length=len(times))
    odd = (flags != 0) & (flags != 1)
    if odd.any():
        row = int(np.argmax(odd))
        raise CourseError(
            _("event 第 {row} 个值是 {value:g}：只能是 1（已流失）或 0（仍在，删失）").format(
                row=row + 1, value=flags[row]
            )
        )
    return times, flags == 1


def _groups(group: Any, count: int) -> tuple[NDArray[np.intp], list[Any]]:
    """Number of each customer's group, and the names of the groups, sorted."""
    if np.ndim(group) != 1 or isinstance(group, (str, pd.DataFrame)):
        raise CourseError(_("group 应是一列组名，现在是 {kind}").format(kind=type(group).__name__))
    labels = inputs.ids(pd.DataFrame({"group": pd.Series(group).reset_index(drop=True)}), "group")
    if len(labels) != count:
        raise CourseError(
            _("group 有 {found} 个值，duration 有 {count} 个：应一样多").format(found=len(labels), count=count)
        )
    codes, names = pd.factorize(labels, sort=True)
    if len(names) < 2:
        raise CourseError(_("group 里只有一组 {name}：比较至少要两组").format(name=inputs.shown(names[0])))
    return codes, list(names)


def _count(rows: NDArray[np.intp], columns: NDArray[np.intp], height: int, width: int) -> NDArray[np.int64]:
    """How many customers fall in each cell of a table."""
    return np.bincount(rows * width + columns, minlength=height * width).reshape(height, width)


def _curve(curve: Any) -> pd.DataFrame:
    return inputs.frame(curve, _("留存曲线"), ["survival", "at_risk"])


def _band(survival: Floats, spread: Floats, z: float, interval: str) -> tuple[Floats, Floats]:
    """Pointwise interval; where S is 1 or 0 there is no variance to see and the interval is the point."""
    inner = (survival > 0) & (survival < 1)
    s, e = np.where(inner, survival, 0.5), np.where(inner, spread, 0.0)
    if interval == "plain":
        lower, upper = np.clip(s - z * s * e, 0, 1), np.clip(s + z * s * e, 0, 1)
    else:
        width = np.exp(z * e / -np.log(s))
        lower, upper = s**width, s ** (1 / width)
    return np.where(inner, lower, survival), np.where(inner, upper, survival)
