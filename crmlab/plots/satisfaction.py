"""Figures of chapter 07: loyalty, weights, path coefficients, grades, quadrants, Kano."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from crmlab import loyalty, satisfaction
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PALE,
    PAPER,
    RED,
    SKY,
    legend,
    new_figure,
    note,
    percent,
)

_PANEL = (265, 225)  # about the size of one quadrant panel, points
# Where a name may stand: points right of and above its mark, and how much of it lies to the left of that.
_WAYS = (
    (7, 0, 0), (-7, 0, 1), (6, 9, 0), (6, -9, 0), (-6, 9, 1), (-6, -9, 1), (0, 13, 0.5), (0, -13, 0.5),
)  # fmt: skip
_FEW = 5  # a mean of fewer customers is no point of the curve
_KIND_COLOURS = (PALE, ORANGE, SKY, BLUE)  # in the order of loyalty.TYPES: the risk stands out
_CLASS_COLOURS = {"A": GREEN, "O": BLUE, "M": RED, "I": GREY, "R": ORANGE, "Q": PALE}


def _frame(frame: Any, columns: tuple[str, ...], maker: str) -> pd.DataFrame:
    missing = [c for c in columns if not isinstance(frame, pd.DataFrame) or c not in frame.columns]
    if missing or frame.empty:
        raise CourseError(
            _("{maker} 要一张含有列 {columns} 的表，至少一行，现在缺少 {missing}").format(
                maker=maker, columns=_("、").join(columns), missing=_("、").join(missing) or _("数据")
            )
        )
    return frame


# ------------------------------------------------------------------------------------------------------------- loyalty


def satisfaction_curve(points: pd.DataFrame, zone: satisfaction.IndifferenceZone, loyalty_name: str) -> Figure:
    """Mean loyalty by satisfaction, and the zone in which satisfaction hardly moves it.

    Parameters
    ----------
    points : one row a customer, ``satisfaction`` and ``loyalty``
    zone : what :func:`crmlab.satisfaction.indifference_zone` found in them
    loyalty_name : what was asked, with its scale, for the axis

    >>> points = pd.DataFrame({"satisfaction": np.repeat(range(1, 11), 6), "loyalty": np.repeat(range(10), 6)})
    >>> zone = satisfaction.IndifferenceZone(low=5, high=8, slopes=(1.0, 0.2, 1.2), r_squared=0.7)
    >>> satisfaction_curve(points, zone, "推荐意愿（0～10）").get_suptitle()
    '5.0 到 8.0 分之间，满意每高 1 分，忠诚只高 0.20 分'
    """
    rows = _frame(points, ("satisfaction", "loyalty"), "satisfaction_curve").astype(float)
    figure, (ax,) = new_figure(
        _("{low:.1f} 到 {high:.1f} 分之间，满意每高 1 分，忠诚只高 {slope:.2f} 分").format(
            low=zone.low, high=zone.high, slope=zone.slopes[1]
        ),
        height=4.2,
    )
    ax.axvspan(zone.low, zone.high, color=SKY, alpha=0.22, lw=0)
    means = rows.groupby("satisfaction")["loyalty"].agg(["mean", "size"])
    ax.scatter(means.index, means["mean"], s=12 + 3 * means["size"], color=BLUE, alpha=0.45, lw=0, zorder=3)
    known = means[means["size"] >= _FEW] if (means["size"] >= _FEW).any() else means
    x = np.array([known.index.min(), zone.low, zone.high, known.index.max()])
    y = _three_lines(rows, zone)
    ax.plot(x, y(x), color=INK, lw=2, zorder=4)
    middles = (x[:-1] + x[1:]) / 2
    for at, slope in zip(middles, zone.slopes, strict=True):
        note(ax, _("斜率 {slope:.2f}").format(slope=slope), (at, float(y(at))), (8, -14), fontsize=9.5)
    note(
        ax, _("质量不敏感区"), (middles[1], 1), (0, -12), ha="center", color=MUTED,
        xycoords=("data", "axes fraction"),
    )  # fmt: skip
    ax.set(xlim=(1, 10.15), xlabel=_("满意度（1～10 分）；点越大，人越多"), ylabel=loyalty_name)
    return figure


def _three_lines(rows: pd.DataFrame, zone: satisfaction.IndifferenceZone) -> Any:
    """The joined lines with the zone's slopes, at the height that fits the customers best."""
    left, middle, right = zone.slopes

    def rise(x: Any) -> Any:
        return (
            left * np.minimum(x, zone.low)
            + middle * np.clip(x - zone.low, 0, zone.high - zone.low)
            + (right * np.maximum(x - zone.high, 0))
        )

    start = float((rows["loyalty"] - rise(rows["satisfaction"].to_numpy())).mean())
    return lambda x: start + rise(x)


def loyalty_mix(kinds: pd.DataFrame) -> Figure:
    """What share of each group is loyal, latent, spurious or neither.

    Parameters
    ----------
    kinds : numbers or shares, one row a group, columns the kinds of :func:`crmlab.loyalty.loyalty_type`

    >>> kinds = pd.DataFrame({"不忠诚": [2], "虚假忠诚": [4], "潜在忠诚": [1], "忠诚": [3]}, index=["云砚"])
    >>> loyalty_mix(kinds).get_suptitle()
    '云砚的虚假忠诚最多：占它的机主 40%'
    """
    rows = _frame(kinds, loyalty.TYPES, "loyalty_mix")[list(loyalty.TYPES)]
    shares = rows.div(rows.sum(axis=1), axis=0).iloc[::-1]
    worst = shares[loyalty.SPURIOUS].idxmax()
    figure, (ax,) = new_figure(
        _("{name}的虚假忠诚最多：占它的机主 {share}").format(
            name=worst, share=percent(shares.loc[worst, loyalty.SPURIOUS])
        ),
        height=0.52 * len(shares) + 1.35,
    )
    start = pd.Series(0.0, index=shares.index)
    for kind, colour in zip(reversed(loyalty.TYPES), reversed(_KIND_COLOURS), strict=True):
        ax.barh(shares.index.astype(str), shares[kind], left=start, color=colour, height=0.62, ec=PAPER, lw=1.2)
        for place, (value, left) in enumerate(zip(shares[kind], start, strict=True)):
            if value >= 0.05:
                ax.text(
                    left + value / 2, place, percent(value), ha="center", va="center", fontsize=9,
                    color=PAPER if colour == BLUE else INK,
                )  # fmt: skip
        start = start + shares[kind]
    legend(ax, tuple(zip(reversed(_KIND_COLOURS), reversed(loyalty.TYPES), strict=True)))
    _bars_only(ax)
    ax.set(xlim=(0, 1), xlabel=_("占本品牌机主的比例"))
    ax.xaxis.set_major_formatter(PercentFormatter(1, 0))
    return figure


# -------------------------------------------------------------------------------------------------- weights and paths


def weight_dots(weights: pd.DataFrame) -> Figure:
    """Weights of the same indicators by several methods, the most important first (columns: methods, sums 1).

    >>> weights = pd.DataFrame({"直接": [0.7, 0.3], "AHP": [0.6, 0.4]}, index=["准时", "价格"])
    >>> weight_dots(weights).get_suptitle()
    '哪种方法都把准时排第一：权重 60%～70%'
    """
    rows = _frame(weights, (), "weight_dots")
    rows = rows.loc[rows.mean(axis=1).sort_values().index]
    top, lowest, highest = rows.index[-1], percent(rows.iloc[-1].min()), percent(rows.iloc[-1].max())
    share = lowest if lowest == highest else _("{low}～{high}").format(low=lowest, high=highest)
    same = (rows.idxmax() == top).all()
    figure, (ax,) = new_figure(
        _("哪种方法都把{name}排第一：权重 {share}").format(name=top, share=share)
        if same
        else _("平均起来{name}最重要：权重 {share}").format(name=top, share=share),
        height=0.36 * len(rows) + 1.5,
    )
    at = np.arange(len(rows))
    ax.hlines(at, rows.min(axis=1), rows.max(axis=1), color=PALE, lw=5, zorder=1)
    methods = tuple(zip((BLUE, ORANGE, GREEN, RED), rows.columns, strict=False))
    for (colour, method), mark in zip(methods, "osD^", strict=False):
        ax.scatter(rows[method], at, color=colour, marker=mark, s=46, ec=PAPER, lw=0.8, zorder=3)
    legend(ax, tuple((colour, str(method)) for colour, method in methods))
    ax.set_yticks(at, [str(name) for name in rows.index])
    _bars_only(ax)
    ax.set(xlim=(0, None), xlabel=_("权重"))
    ax.xaxis.set_major_locator(MultipleLocator(0.05))
    ax.xaxis.set_major_formatter(PercentFormatter(1, 0))
    return figure


def path_intervals(paths: pd.DataFrame, truth: pd.Series | None = None) -> Figure:
    """Path coefficients with their bootstrap intervals, and the true ones where the data's maker tells.

    Parameters
    ----------
    paths : one row a path, ``estimate``, ``low``, ``high`` (:meth:`PLSPathModel.bootstrap`, rows ``path``)
    truth : true coefficients by the same names

    >>> paths = pd.DataFrame({"estimate": [0.4, 0.1], "low": [0.3, -0.1], "high": [0.5, 0.2]}, index=["a -> b", "c -> b"])
    >>> path_intervals(paths).get_suptitle()
    '2 条路径里，有 1 条的区间跨过 0'
    """
    rows = _frame(paths, ("estimate", "low", "high"), "path_intervals").iloc[::-1]
    crossing = (rows["low"] <= 0) & (rows["high"] >= 0)
    figure, (ax,) = new_figure(
        _("{n} 条路径里，有 {k} 条的区间跨过 0").format(n=len(rows), k=int(crossing.sum())),
        height=max(0.3 * len(rows) + 1.4, 2.6),
    )
    at = np.arange(len(rows))
    ax.axvline(0, color=MUTED, lw=1)
    for place, (low, high, value, grey) in enumerate(
        zip(rows["low"], rows["high"], rows["estimate"], crossing, strict=True)
    ):
        colour = GREY if grey else BLUE
        ax.plot([low, high], [place, place], color=colour, lw=2.4)
        ax.plot([value], [place], "o", color=colour, ms=6, mec=PAPER, mew=1)
    entries = [(BLUE, _("估计与 95% 自助区间")), (GREY, _("区间跨过 0"))]
    if truth is not None:
        ax.scatter(truth.reindex(rows.index), at, marker="|", s=130, lw=2.2, color=RED, zorder=5)
        entries.append((RED, _("真值（生成程序）")))
    legend(ax, tuple(entries))
    ax.set_yticks(at, [str(name).replace("->", "→") for name in rows.index])
    _bars_only(ax)
    ax.set(xlabel=_("路径系数（原因高 1 个标准差，结果高几个标准差）"))
    return figure


# ------------------------------------------------------------------------------------------------------------- grades


def grade_bands(scores: pd.DataFrame) -> Figure:
    """Satisfaction indices with their intervals on the five grades.

    Parameters
    ----------
    scores : one row a brand, ``index`` (0-100), ``low``, ``high``

    >>> scores = pd.DataFrame({"index": [72.0, 60.0], "low": [69, 58], "high": [75, 62]}, index=["云砚", "青隼"])
    >>> grade_bands(scores).get_suptitle()
    '2 个品牌里，有 1 个的区间跨了等级'
    """
    rows = _frame(scores, ("index", "low", "high"), "grade_bands").sort_values("index")
    unsure = satisfaction.grade(rows["low"]).astype(str) != satisfaction.grade(rows["high"]).astype(str)
    figure, (ax,) = new_figure(
        _("{n} 个品牌里，有 {k} 个的区间跨了等级").format(n=len(rows), k=int(unsure.sum())),
        height=0.46 * len(rows) + 1.5,
    )
    edges = (0, 31, 51, 71, 91, 100)
    left = max(0, 10 * np.floor(rows["low"].min() / 10 - 1))
    for place, (start, end, name) in enumerate(zip(edges, edges[1:], satisfaction.GRADES, strict=False)):
        ax.axvspan(start, end, color=SKY, alpha=(0.0, 0.12)[place % 2], lw=0)
        if end > left:
            note(
                ax, name, ((max(start, left) + end) / 2, 1), (0, 9), ha="center", color=MUTED,
                xycoords=("data", "axes fraction"),
            )  # fmt: skip
    at = np.arange(len(rows))
    ax.hlines(at, rows["low"], rows["high"], color=[ORANGE if u else BLUE for u in unsure], lw=3)
    ax.scatter(rows["index"], at, s=52, color=[ORANGE if u else BLUE for u in unsure], ec=PAPER, lw=1, zorder=3)
    for place, value in enumerate(rows["index"]):
        note(ax, f"{value:.1f}", (value, place), (0, 11), ha="center")
    ax.set_yticks(at, [str(name) for name in rows.index])
    _bars_only(ax)
    ax.set(xlim=(left, 100), ylim=(-0.6, len(rows) - 0.35), xlabel=_("满意度指数（0～100）与 95% 区间"))
    return figure


# ----------------------------------------------------------------------------------------------------- what to improve


def ipa_map(table: pd.DataFrame) -> Figure:
    """Performance against importance, twice: as customers state it, and as satisfaction follows it.

    Parameters
    ----------
    table : one row an attribute, ``importance`` (stated), ``performance``, ``derived`` (correlation of performance
        with satisfaction)

    >>> table = pd.DataFrame(
    ...     {"importance": [4.5, 3.2], "performance": [3.0, 4.0], "derived": [0.4, 0.6]}, index=["续航", "外观"]
    ... )
    >>> ipa_map(table).get_suptitle()
    '2 项属性换一种重要性，就换了象限'
    """
    rows = _frame(table, ("importance", "performance", "derived"), "ipa_map")
    stated = satisfaction.ipa(rows["importance"], rows["performance"])
    derived = satisfaction.ipa(rows["derived"], rows["performance"])
    moved = stated["quadrant"].astype(str) != derived["quadrant"].astype(str)
    figure, axes = new_figure(
        _("{k} 项属性换一种重要性，就换了象限").format(k=int(moved.sum())), width=9.2, height=4.5, columns=2
    )
    panels = (
        (stated, _("直接问出来的重要性"), _("重要性（1～5 分）")),
        (derived, _("推算出来的重要性"), _("重要性（表现与满意度的相关系数）")),
    )
    for ax, (found, title, label) in zip(axes, panels, strict=True):
        _quadrants(ax, found, moved)
        ax.set_title(title)
        ax.set(xlabel=_("表现（1～5 分）"), ylabel=label)
    return figure


def _quadrants(ax: Axes, found: pd.DataFrame, moved: pd.Series) -> None:
    x, y = found["performance"], found["importance"]
    ax.axvline(x.mean(), color=MUTED, lw=1, ls=(0, (3, 2)))
    ax.axhline(y.mean(), color=MUTED, lw=1, ls=(0, (3, 2)))
    ax.scatter(x, y, s=44, color=[ORANGE if m else BLUE for m in moved], ec=PAPER, lw=1, zorder=3)
    ax.margins(x=0.24, y=0.2)
    _labels(ax, list(found.index.astype(str)), x.to_numpy(), y.to_numpy())
    keep, work, low, over = satisfaction.QUADRANTS
    corners = ((0.98, 0.97, keep), (0.02, 0.97, work), (0.02, 0.03, low), (0.98, 0.03, over))
    for across, up, name in corners:
        ax.text(
            across, up, name, transform=ax.transAxes, ha="left" if across < 0.5 else "right",
            va="bottom" if up < 0.5 else "top", fontsize=9.5, color=RED if name == work else MUTED,
        )  # fmt: skip


def _labels(ax: Axes, names: list[str], x: np.ndarray, y: np.ndarray) -> None:
    """A name beside each point, where it hides the fewest points and names already set."""
    wide, high = _PANEL[0] / np.diff(ax.get_xlim())[0], _PANEL[1] / np.diff(ax.get_ylim())[0]
    at = np.column_stack([x * wide, y * high])  # about where they stand on the page, in points
    boxes = [(a - 4, a + 4, b - 4, b + 4) for a, b in at]
    for place in np.argsort(-y, kind="stable"):
        (a, b), length = at[place], 9 * len(names[place])
        spots = [
            (a + over - length * back, a + over + length * (1 - back), b + up - 6, b + up + 6)
            for over, up, back in _WAYS
        ]
        best = min(range(len(_WAYS)), key=lambda way: sum(_meet(spots[way], box) for box in boxes))
        boxes.append(spots[best])
        over, up, back = _WAYS[best]
        side = "center" if back == 0.5 else "right" if back else "left"
        note(ax, names[place], (x[place], y[place]), (over, up), ha=side, fontsize=9)


def _meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]


def kano_map(table: pd.DataFrame) -> Figure:
    """Features by how much having them pleases and how much lacking them hurts (:func:`crmlab.satisfaction.kano`).

    Features that most do not want, or answer without sense, are left out: better and worse say nothing of them.

    >>> there = pd.DataFrame({"快充": [1, 1, 1, 3], "不死机": [2, 3, 1, 2]})
    >>> not_there = pd.DataFrame({"快充": [3, 4, 5, 3], "不死机": [5, 5, 5, 5]})
    >>> kano_map(satisfaction.kano(there, not_there)).get_suptitle()
    '缺了最伤人的是不死机，有了最讨喜的是快充'
    """
    rows = _frame(table, ("class", "name", "better", "worse"), "kano_map")
    wanted = rows[~rows["class"].isin(["R", "Q"])]  # of what is unwanted the two coefficients say nothing
    rows = wanted if len(wanted) else rows
    worst, best = rows["worse"].idxmin(), rows["better"].idxmax()
    figure, (ax,) = new_figure(
        _("{name}：有了最讨喜，缺了也最伤人").format(name=best)
        if worst == best
        else _("缺了最伤人的是{worst}，有了最讨喜的是{best}").format(worst=worst, best=best),
        height=4.6,
    )
    ax.axvline(0.5, color=MUTED, lw=1, ls=(0, (3, 2)))
    ax.axhline(0.5, color=MUTED, lw=1, ls=(0, (3, 2)))
    for feature, row in rows.iterrows():
        x, y = -row["worse"], row["better"]
        ax.plot([x], [y], "o", ms=8, color=_CLASS_COLOURS[row["class"]], mec=PAPER, mew=1)
        right = x > 0.7
        note(ax, str(feature), (x, y), (-9 if right else 9, 0), ha="right" if right else "left")
    for (across, up), kind in zip(((0.02, 0.98), (0.98, 0.98), (0.02, 0.02), (0.98, 0.02)), "AOIM", strict=True):
        ax.text(
            across, up, satisfaction.KANO_CLASSES[kind], transform=ax.transAxes, color=MUTED, fontsize=9.5,
            ha="left" if across < 0.5 else "right", va="bottom" if up < 0.5 else "top",
        )  # fmt: skip
    shown = [kind for kind in satisfaction.KANO_CLASSES if kind in set(rows["class"])]
    legend(ax, tuple((_CLASS_COLOURS[kind], satisfaction.KANO_CLASSES[kind]) for kind in shown))
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel=_("没有它有多糟：−Worse（0～1）"), ylabel=_("有了它有多好：Better（0～1）"))
    return figure


def _bars_only(ax: Axes) -> None:
    """Names on the left in full ink; no lines across."""
    ax.tick_params(axis="y", labelsize=10, labelcolor=INK)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
