"""Figures of chapter 04: RFM, concentration, clusters, tiers, care budget."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from crmlab import pareto, rfm
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
    PALETTE,
    PAPER,
    RED,
    SKY,
    legend,
    new_figure,
    note,
    percent,
    plain,
    shares,
    yuan,
)


def _frame(frame: Any, columns: tuple[str, ...], maker: str) -> pd.DataFrame:
    missing = [c for c in columns if not isinstance(frame, pd.DataFrame) or c not in frame.columns]
    if missing or frame.empty:
        raise CourseError(
            _("{maker} 要一张含有列 {columns} 的表，至少一行：请先用 {source} 算出来").format(
                maker=maker,
                columns=_("、").join(columns),
                source="clusters.choose_k()" if maker == "elbow" else "rfm.summary()",
            )
        )
    return frame


def rfm_histograms(table: pd.DataFrame) -> Figure:
    """Three histograms with their medians: days since, number of, and yuan of purchases (``rfm`` table).

    >>> table = pd.DataFrame({"recency": [5, 30, 200], "frequency": [9, 2, 1], "monetary": [1500, 180, 60]})
    >>> rfm_histograms(table).get_suptitle()
    '一半客户最多买过 2 次，花费不超过 180 元'
    """
    rfm.check_table(table)
    middle = table[list(rfm.MEASURES)].median()
    figure, axes = new_figure(
        _("一半客户最多买过 {times:,.0f} 次，花费不超过 {money}").format(
            times=middle["frequency"], money=yuan(middle["monetary"])
        ),
        width=8.4,
        height=3.4,
        columns=3,
    )
    panels = (
        ("recency", _("R 最近一次购买"), _("距今天数"), _("{x:,.0f} 天"), BLUE),
        ("frequency", _("F 购买次数"), _("次"), _("{x:,.0f} 次"), GREEN),
        ("monetary", _("M 累计消费"), _("元（对数刻度）"), _("{x:,.0f} 元"), ORANGE),
    )
    for ax, (measure, name, unit, median, colour) in zip(axes, panels, strict=True):
        _histogram(ax, table[measure].astype(float), measure, colour)
        ax.set_title(name)
        ax.set_xlabel(unit)
        ax.grid(axis="x", visible=False)
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.yaxis.set_major_formatter(FuncFormatter(plain))
        ax.margins(y=0.16)
        ax.axvline(middle[measure], color=INK, lw=1, ls=(0, (3, 2)))
        late = measure == "recency" and middle[measure] > 0.6 * table[measure].max()
        note(
            ax,
            _("中位数 {value}").format(value=median.format(x=middle[measure])),
            (middle[measure], ax.get_ylim()[1]),
            (-5 if late else 5, -7),
            ha="right" if late else "left",
        )
    axes[0].set_ylabel(_("客户数（人）"))
    return figure


def _histogram(ax: Axes, values: pd.Series, measure: str, colour: str) -> None:
    style: dict[str, Any] = {"color": colour, "alpha": 0.85, "edgecolor": PAPER, "linewidth": 0.6}
    if measure == "monetary":
        low, high = max(values[values > 0].min(), 1) if (values > 0).any() else 1, max(values.max(), 10)
        ax.hist(values.clip(lower=low), bins=np.geomspace(low, high * 1.001, 31).tolist(), **style)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(plain))
        ax.xaxis.set_minor_formatter(FuncFormatter(lambda *_args: ""))
    elif measure == "frequency":
        top = int(max(values.quantile(0.99), 5))  # the few beyond are gathered in the last bar
        shown = values.clip(upper=top)
        ax.hist(shown, bins=(np.arange(shown.min(), top + 2) - 0.5).tolist(), **style)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        if (values > top).any():
            ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _p: f"≥{top}" if round(x) == top else f"{x:.0f}"))
            ax.set_xticks([*(t for t in ax.get_xticks() if shown.min() <= t < 0.9 * top), top])
    else:
        ax.hist(values, bins=30, **style)


def segment_bars(summary: pd.DataFrame, highlight: tuple[str, ...] = ()) -> Figure:
    """Share of customers beside share of revenue for each segment (``rfm.summary(table, rfm.segment(scores))``).

    ``highlight`` names segments drawn in full colour; the others step back.

    >>> summary = pd.DataFrame({"share": [0.2, 0.8], "revenue_share": [0.6, 0.4]}, index=["老客", "新客"])
    >>> segment_bars(summary, highlight=("老客",)).get_suptitle()
    '老客：20% 的客户，60% 的消费'
    """
    rows = _frame(summary, ("share", "revenue_share"), "segment_bars").iloc[::-1]
    star = rows["revenue_share"].idxmax()
    figure, (ax,) = new_figure(
        _("{name}：{people} 的客户，{money} 的消费").format(
            name=star, people=percent(rows.loc[star, "share"]), money=percent(rows.loc[star, "revenue_share"])
        ),
        height=0.46 * len(rows) + 1.15,
    )
    at = np.arange(len(rows))
    strong = [not highlight or name in highlight for name in rows.index]
    for column, colour, shift in (("share", SKY, 0.19), ("revenue_share", BLUE, -0.19)):
        bars = ax.barh(at + shift, rows[column], height=0.36, color=colour)
        for bar, full, value in zip(bars, strong, rows[column], strict=True):
            bar.set_alpha(1 if full else 0.35)
            ax.annotate(
                percent(value, 1), (value, bar.get_y() + bar.get_height() / 2), (4, -0.5),
                textcoords="offset points", va="center", fontsize=8.5, color=INK if full else MUTED,
            )  # fmt: skip
    ax.set_yticks(at, [str(name) for name in rows.index])
    ax.tick_params(axis="y", labelsize=10, labelcolor=INK)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(PercentFormatter(1, 0))
    ax.set_xlim(0, max(rows["share"].max(), rows["revenue_share"].max()) * 1.12 + 1e-9)
    legend(ax, ((SKY, _("占客户数")), (BLUE, _("占消费额"))))
    return figure


def pareto_curve(values: pd.Series) -> Figure:
    """Cumulative share of value, best customers first, with the classes A, B and C (Series of value per customer).

    >>> pareto_curve(pd.Series([80, 5, 5, 5, 5])).get_suptitle()
    '最好的 20% 客户带来 80% 的消费'
    """
    classes = pareto.abc_classes(values)
    ranked = np.sort(pd.Series(values).to_numpy(dtype=float))[::-1]
    share = np.concatenate([[0], np.cumsum(ranked) / ranked.sum()])
    people = np.linspace(0, 1, len(share))
    top = pareto.top_share(values, 0.2)
    figure, (ax,) = new_figure(_("最好的 20% 客户带来 {share} 的消费").format(share=percent(top)), height=4.2)
    ends = classes.value_counts(normalize=True).reindex(list(pareto.CLASSES)).cumsum().to_numpy()
    start = 0.0
    for name, end, colour in zip(pareto.CLASSES, ends, (BLUE, SKY, PALE), strict=True):
        inside = (people >= start - 1e-12) & (people <= end + 1e-12)
        ax.fill_between(people[inside], share[inside], color=colour, alpha=0.35, lw=0)
        if end - start > 0.04:
            ax.annotate(
                _("{name} 类\n{share} 的客户").format(name=name, share=percent(end - start)), ((start + end) / 2, 0.09),
                ha="center", va="center", fontsize=9.5, color=INK, linespacing=1.5,
            )  # fmt: skip
        start = end
    ax.plot(people, share, color=BLUE)
    ax.plot([0, 0.2, 0.2], [top, top, 0], color=MUTED, lw=1, ls=(0, (3, 2)))
    ax.plot([0.2], [top], "o", color=BLUE, ms=7, mec=PAPER, mew=1.5)
    note(ax, _("20% 的客户 → {share} 的消费").format(share=percent(top)), (0.2, top), (12, -9))
    shares(ax, _("累计客户占比（消费从高到低）"), _("累计消费占比"))
    return figure


def lorenz_curve(values: pd.Series) -> Figure:
    """The Lorenz curve against the line of equality, with the Gini coefficient (Series of value per customer).

    >>> lorenz_curve(pd.Series([50, 10, 30, 10])).get_suptitle()
    '消费较少的一半客户，只占 20% 的消费'
    """
    curve = pareto.lorenz(values)
    g = pareto.gini(values)
    half = float(np.interp(0.5, curve["customers"], curve["value"]))
    figure, (ax,) = new_figure(
        _("消费较少的一半客户，只占 {share} 的消费").format(share=percent(half)), width=5.6, height=5.0
    )
    ax.fill_between(curve["customers"], curve["value"], curve["customers"], color=SKY, alpha=0.35, lw=0)
    ax.plot([0, 1], [0, 1], color=MUTED, lw=1.2)
    ax.plot(curve["customers"], curve["value"], color=BLUE)
    ax.plot([0.5], [half], "o", color=BLUE, ms=7, mec=PAPER, mew=1.5)
    ax.annotate(
        _("人人相同"), (0.3, 0.3), (0, 9), textcoords="offset points", rotation=45, rotation_mode="anchor",
        transform_rotates_text=True, ha="center", fontsize=9.5, color=MUTED,
    )  # fmt: skip
    note(ax, _("后 50% 的客户\n{share} 的消费").format(share=percent(half, 1)), (0.5, half), (-10, 18), ha="right")
    note(
        ax,
        _("基尼系数 {g:.2f}\n＝ 阴影面积 × 2").format(g=g),
        (0.97, 0.12),
        (0, 0),
        ha="right",
        linespacing=1.5,
        fontsize=10,
    )
    shares(ax, _("累计客户占比（消费从低到高）"), _("累计消费占比"))
    ax.set_aspect("equal")
    return figure


def elbow(choices: pd.DataFrame) -> Figure:
    """Inertia and silhouette for each number of clusters (``clusters.choose_k``).

    >>> choices = pd.DataFrame({"inertia": [90, 40, 35], "silhouette": [0.35, 0.52, 0.41]}, index=[2, 3, 4])
    >>> elbow(choices).get_suptitle()
    '轮廓系数在 k = 3 时最高；组内平方和只会一路下降'
    """
    _frame(choices, ("inertia", "silhouette"), "elbow")
    best = choices["silhouette"].idxmax()
    figure, axes = new_figure(
        _("轮廓系数在 k = {k} 时最高；组内平方和只会一路下降").format(k=best), width=8.2, height=3.5, columns=2
    )
    panels = (("inertia", _("组内平方和：看拐点"), GREY), ("silhouette", _("轮廓系数：越高分得越开"), BLUE))
    for ax, (column, name, colour) in zip(axes, panels, strict=True):
        ax.plot(choices.index, choices[column], "-o", color=colour, ms=6, mec=PAPER, mew=1.2)
        ax.set_title(name)
        ax.set_xlabel(_("群数 k"))
        ax.set_xticks(list(choices.index))
        ax.grid(axis="x", visible=False)
    axes[0].set_ylim(0, choices["inertia"].max() * 1.08)
    axes[0].yaxis.set_major_formatter(FuncFormatter(plain))
    axes[1].margins(x=0.08, y=0.18)
    axes[1].plot([best], [choices.loc[best, "silhouette"]], "o", color=RED, ms=9, mec=PAPER, mew=1.5)
    right = best > choices.index.to_numpy().mean()
    note(
        axes[1], f"k = {best}，{choices.loc[best, 'silhouette']:.2f}", (best, choices.loc[best, "silhouette"]),
        (-10 if right else 10, 4), ha="right" if right else "left",
    )  # fmt: skip
    return figure


def cluster_scatter(
    table: pd.DataFrame,
    labels: pd.Series | None,
    *,
    centers: pd.DataFrame | None = None,
    trails: list[pd.DataFrame] | None = None,
    title: str = "",
) -> Figure:
    """Customers by recency (days) and monetary value (yuan, log scale), coloured by cluster.

    Parameters
    ----------
    table : ``rfm`` table; labels : cluster 1..k of each customer, or None before the first assignment
    centers : frame with ``recency`` and ``monetary``, index 1..k; without it the median customer of each cluster
    trails : earlier ``centers``, oldest first, drawn as the way each centre has come
    title : the message; without it the number of clusters

    >>> table = pd.DataFrame({"recency": [200, 220, 7, 9], "frequency": [1, 1, 9, 8], "monetary": [60, 80, 900, 950]})
    >>> figure = cluster_scatter(table, pd.Series([2, 2, 1, 1]), title="常客和过客")
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_yscale()
    ('R 最近一次购买距今（天）', 'log')
    """
    rfm.check_table(table)
    if labels is not None:
        labels = rfm.aligned(table, labels)
        if not pd.api.types.is_numeric_dtype(labels):
            raise CourseError(
                _("cluster_scatter 的 labels 应是群的编号 1、2、3…，现在有 {value!r}：名字请先换成编号").format(
                    value=labels.iloc[0]
                )
            )
    if centers is None:
        if labels is None:
            raise CourseError(_("cluster_scatter 需要 labels 或 centers：请先分群"))
        centers = table.groupby(labels)[["recency", "monetary"]].median()
    figure, (ax,) = new_figure(title or _("{k} 群客户，各占一块地方").format(k=len(centers)), height=4.6)
    floor = max(float(table["monetary"].clip(lower=1).min()), 1.0)
    colours = [PALE] * len(table) if labels is None else [PALETTE[(int(c) - 1) % len(PALETTE)] for c in labels]
    ax.scatter(
        table["recency"], table["monetary"].clip(lower=floor), c=colours, s=12 if len(table) > 800 else 20,
        alpha=0.5, lw=0, rasterized=True,
    )  # fmt: skip
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(FuncFormatter(plain))
    ax.yaxis.set_minor_formatter(FuncFormatter(lambda *_args: ""))
    ax.set(xlabel=_("R 最近一次购买距今（天）"), ylabel=_("M 累计消费（元，对数刻度）"))
    ax.margins(x=0.03, y=0.06)
    for number, center in centers.iterrows():
        _center(ax, int(str(number)), center, [past.loc[number] for past in trails or []])
    return figure


def _center(ax: Axes, number: int, center: pd.Series, past: list[pd.Series]) -> None:
    colour = PALETTE[(number - 1) % len(PALETTE)]
    if past:
        way = pd.DataFrame([*past, center])
        ax.plot(way["recency"], way["monetary"].clip(lower=1), color=INK, lw=1.1, alpha=0.75, zorder=4)
    at = (center["recency"], max(center["monetary"], 1))
    ax.plot(*at, "o", ms=22, color=PAPER, zorder=5)  # a pale rim keeps the ring off the cloud of its own colour
    ax.plot(*at, "o", ms=17, mfc=PAPER, mec=colour, mew=3, zorder=6)
    text = ax.annotate(str(number), at, ha="center", va="center_baseline", color=INK, fontsize=11.5, zorder=7)
    text.set_path_effects([patheffects.withStroke(linewidth=0.7, foreground=INK)])


def tier_bars(summary: pd.DataFrame) -> Figure:
    """Two bars of 100 %: the tiers' shares of customers and of revenue (``rfm.summary(table, tiers)``).

    >>> summary = pd.DataFrame({"share": [0.1, 0.6, 0.3], "revenue_share": [0.5, 0.4, 0.1]}, index=["VIP", "普通", "休眠"])
    >>> tier_bars(summary).get_suptitle()
    'VIP 只占客户的 10%，却占消费的 50%'
    """
    rows = _frame(summary, ("share", "revenue_share"), "tier_bars")
    first = rows.index[0]
    figure, (ax,) = new_figure(
        _("{name} 只占客户的 {people}，却占消费的 {money}").format(
            name=first, people=percent(rows.loc[first, "share"]), money=percent(rows.loc[first, "revenue_share"])
        )
        if rows.loc[first, "revenue_share"] > rows.loc[first, "share"]
        else _("各层客户的人数占比和消费占比"),
        height=2.5,
    )
    colours = (BLUE, SKY, PALE, *PALETTE[1:])
    for at, column in ((1, "share"), (0, "revenue_share")):
        left = 0.0
        for position, (name, value) in enumerate(rows[column].items()):
            colour = colours[position % len(colours)]
            ax.barh(at, value, left=left, height=0.62, color=colour, edgecolor=PAPER, linewidth=1.5)
            if value > 0.05:
                ax.text(
                    left + value / 2, at, f"{name}\n{percent(value)}", ha="center", va="center", fontsize=9.5,
                    color="white" if colour == BLUE else INK, linespacing=1.35,
                )  # fmt: skip
            left += value
    ax.set_yticks([1, 0], [_("客户数"), _("消费额")])
    ax.tick_params(axis="y", labelsize=10.5, labelcolor=INK)
    ax.set(xlim=(0, 1), xticks=[])
    ax.grid(visible=False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    return figure


def budget_curves(curves: dict[str, pd.DataFrame], chosen: dict[str, float]) -> Figure:
    """What each group gives back for the money spent on it, and where the reader's choice stands.

    Parameters
    ----------
    curves : for each group a DataFrame with ``spend`` and ``gain`` (yuan), spend ascending
    chosen : yuan spent on each group

    >>> spend = np.linspace(0, 20_000, 41)
    >>> vip = pd.DataFrame({"spend": spend, "gain": 30_000 * (1 - np.exp(-spend / 8_000))})
    >>> ax = budget_curves({"VIP": vip}, chosen={"VIP": 5_000}).axes[0]
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('一年的投入（万元）', '多保住的毛利（万元）')
    """
    figure, (ax,) = new_figure(_("越往右越平：同一群客户，多花的钱换回的越来越少"), height=4.2)
    labels = []
    for (name, curve), colour in zip(curves.items(), PALETTE, strict=False):
        ax.plot(curve["spend"], curve["gain"], color=colour, lw=2)
        gain = float(np.interp(chosen[name], curve["spend"], curve["gain"]))
        ax.plot([chosen[name]], [gain], "o", ms=10, color=colour, mec=PAPER, mew=1.8, zorder=5)
        labels.append((float(curve["gain"].iloc[-1]), name, colour))
    right = max(float(curve["spend"].iloc[-1]) for curve in curves.values())
    top = max(gain for gain, _name, _colour in labels)
    ax.set(xlim=(0, right), ylim=(0, top * 1.08))
    level = -np.inf
    for gain, name, colour in sorted(labels):
        level = max(gain, level + 0.075 * top)  # labels at the line's end, pushed apart where lines meet
        text = ax.annotate(name, (right, level), (8, 0), textcoords="offset points", va="center", fontsize=10.5)
        text.set_color(INK)
        ax.annotate("●", (right, level), (8, 0), textcoords="offset points", va="center", color=colour, fontsize=8)
        text.set_position((20, 0))
    low = min(float(curve["spend"].iloc[0]) for curve in curves.values())
    edge = np.linspace(low, right, 2)
    ax.plot(edge, edge, color=MUTED, lw=1, ls=(0, (3, 2)), zorder=1)
    at = 0.62 * min(right, top)  # inside the plot also where no group can give back its cost
    note(ax, _("换回 = 投入"), (at, at), (6, -10), color=MUTED)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda x, _p: f"{x / 1e4:g}"))
    ax.set(xlabel=_("一年的投入（万元）"), ylabel=_("多保住的毛利（万元）"))
    return figure
