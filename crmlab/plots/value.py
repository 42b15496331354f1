"""Figures of chapter 05: perceived value, life cycle, profit, cohorts, survival, back-test, value with its uncertainty."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from crmlab import inputs
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
    halo,
    new_figure,
    note,
    percent,
    plain,
    yuan,
)

_MODEL_STYLES = ((ORANGE, "-"), (GREEN, (0, (5, 1.5))), (RED, (0, (1.5, 1.2))))


def value_map(sellers: pd.DataFrame, price_weight: float = 0.4) -> Figure:
    """Gale's map: relative price against relative quality (1 = mean of the market), with the line of fair value.

    Parameters
    ----------
    sellers : DataFrame, index the seller, columns ``quality`` and ``price``, both relative
    price_weight : weight of price in the choice, 0-1; it sets the slope of the line

    >>> sellers = pd.DataFrame({"quality": [1.1, 0.9], "price": [1.0, 1.0]}, index=["甲店", "乙店"])
    >>> value_map(sellers).get_suptitle()
    '甲店高出公平线最多'
    """
    inputs.frame(sellers, _("卖家表"), ("quality", "price"))
    weight = inputs.number(price_weight, "price_weight", above=0, below=1)
    slope = weight / (1 - weight)
    surplus = sellers["quality"] - 1 - slope * (sellers["price"] - 1)
    figure, (ax,) = new_figure(_("{name}高出公平线最多").format(name=surplus.idxmax()), width=6.0, height=4.4)
    reach = 1.25 * max(float((sellers - 1).abs().to_numpy().max()), 0.1)
    line = np.array([1 - reach, 1 + reach])
    ax.plot(line, 1 + slope * (line - 1), color=MUTED, lw=1.2)
    ax.fill_between(line, 1 + slope * (line - 1), 1 + reach, color=SKY, alpha=0.18, lw=0)
    for name, seller in sellers.iterrows():
        better = surplus[name] > 0
        ax.plot(seller["price"], seller["quality"], "o", ms=11, color=BLUE if better else GREY, mec=PAPER, mew=1.5)
        note(ax, str(name), (seller["price"], seller["quality"]), (10, 0))
    note(ax, _("公平线以上：物超所值"), (1 - reach * 0.95, 1 + reach * 0.88), (0, 0), color=MUTED)
    note(ax, _("公平线"), (1 - reach * 0.5, 1 - slope * reach * 0.5), (4, -12), color=MUTED)
    ax.set(xlim=(1 - reach, 1 + reach), ylim=(1 - reach, 1 + reach))
    ax.set(xlabel=_("相对价格（市场平均 = 1）"), ylabel=_("相对感知质量（市场平均 = 1）"))
    return figure


def life_cycle() -> Figure:
    """The four phases of a relationship, and where the three patterns of early decline leave it. A sketch, no data.

    >>> [text.get_text() for text in life_cycle().axes[0].texts][:4]
    ['考察期', '形成期', '稳定期', '退化期']
    """
    figure, (ax,) = new_figure(_("关系可以在任何一期提前退化（示意图，没有刻度）"), height=4.0)
    time = np.linspace(0, 10, 400)
    level = 0.06 + 0.94 / (1 + np.exp(-1.9 * (time - 3.1))) - 0.95 / (1 + np.exp(-2.2 * (time - 8.6)))
    edges = (0, 1.9, 4.3, 7.6, 10)
    for number, name in enumerate((_("考察期"), _("形成期"), _("稳定期"), _("退化期"))):
        left, right = edges[number : number + 2]
        if number % 2 == 0:
            ax.axvspan(left, right, color=PALE, alpha=0.3, lw=0)
        ax.text((left + right) / 2, 1.12, name, ha="center", fontsize=10.5, color=INK)
    ends = ((1.5, _("早期流产")), (3.3, _("中途夭折")), (5.4, _("提前退出")))
    for (end, name), (colour, dash) in zip(ends, _MODEL_STYLES, strict=True):
        at = float(np.interp(end, time, level))
        fall = np.linspace(0, 0.9, 40)
        ax.plot(end + fall, at * (1 - (fall / 0.9) ** 1.5), color=colour, ls=dash, lw=1.9)
        note(ax, name, (end + 0.62, at * 0.45), (6, 3))
    ax.plot(time, level, color=BLUE, lw=2.6)
    note(ax, _("长久保持"), (6.7, 0.97), (0, -12))
    ax.set(xlim=(0, 10), ylim=(0, 1.22), xticks=[], yticks=[], xlabel=_("关系持续的时间"), ylabel=_("交易额"))
    ax.grid(visible=False)
    return figure


def cohort_age(table: pd.DataFrame) -> Figure:
    """The same customers by age: how many still buy, and what they spend.

    Parameters
    ----------
    table : DataFrame, index the age (spans since the first purchase), columns ``active`` (share 0-1), ``each`` (yuan a
        customer of the start) and ``buyer`` (yuan a customer who bought in that span)

    >>> table = pd.DataFrame({"active": [1, 0.5], "each": [500, 300], "buyer": [500, 600]})
    >>> cohort_age(table).get_suptitle()
    '还在买的人从 100% 降到 50%，人均消费跟着降'
    """
    inputs.frame(table, _("会龄表"), ("active", "each", "buyer"))
    first, last = table["active"].iloc[0], table["active"].iloc[-1]
    title = _("还在买的人从 {first} 降到 {last}，人均消费跟着降").format(first=percent(first), last=percent(last))
    figure, (left, right) = new_figure(title, width=8.2, height=3.5, columns=2)
    place = np.arange(len(table))
    left.bar(place, table["active"], 0.62, color=SKY)
    for at, share in zip(place, table["active"], strict=True):
        note(left, percent(share), (float(at), float(share)), (0, 7), ha="center")
    left.set_title(_("这一段里买过的人"))
    left.yaxis.set_major_formatter(PercentFormatter(1, 0))
    left.set_ylim(0, 1.12)
    series = (("buyer", GREEN, _("每位买过的人")), ("each", BLUE, _("每位起初的客户")))
    for column, colour, name in series:
        right.plot(place, table[column], "-o", color=colour, ms=6, mec=PAPER, mew=1.2)
        note(right, name, (place[-1], table[column].iloc[-1]), (0, 12), ha="right")
    right.set_title(_("消费额（元）"))
    right.set_ylim(0, 1.15 * table[["each", "buyer"]].to_numpy().max())
    right.yaxis.set_major_formatter(FuncFormatter(plain))
    for ax in (left, right):
        ax.set_xticks(place, [str(age) for age in table.index])
        ax.set_xlabel(table.index.name or _("会龄"))
        ax.grid(axis="x", visible=False)
    return figure


def profit_curve(contribution: pd.Series) -> Figure:
    """Cumulative contribution, best customers first; it turns down where customers cost more than they bring.

    >>> profit_curve(pd.Series([50.0, 60, -10])).get_suptitle()
    '赚钱的客户带来 110% 的利润，33% 的客户把其中一部分赔掉'
    """
    ranked = np.sort(inputs.vector(contribution, "contribution"))[::-1]
    share = np.concatenate([[0], np.cumsum(ranked) / ranked.sum()])
    people = np.linspace(0, 1, len(share))
    top, losers = float(share.max()), float((ranked < 0).mean())
    digits = 1 if losers < 0.1 or top < 1.01 else 0
    title = _("赚钱的客户带来 {top} 的利润，{losers} 的客户把其中一部分赔掉").format(
        top=percent(top, digits), losers=percent(losers, digits)
    )
    figure, (ax,) = new_figure(title, height=3.8)
    ax.axhline(1, color=MUTED, lw=1, ls=(0, (3, 2)))
    ax.fill_between(people, share, color=SKY, alpha=0.3, lw=0)
    ax.plot(people, share, color=BLUE)
    fifth = float(np.interp(0.2, people, share))
    ax.plot([0.2], [fifth], "o", color=BLUE, ms=7, mec=PAPER, mew=1.5)
    note(ax, _("最赚钱的 20% 客户 → {share}").format(share=percent(fifth)), (0.2, fifth), (12, -10))
    if losers:
        ax.axvspan(1 - losers, 1, color=RED, alpha=0.25, lw=0)
        note(ax, _("贡献为负"), (1 - losers, 0.5), (-6, 0), ha="right", color=RED)
    ax.set(xlim=(0, 1), ylim=(0, max(1.08, 1.05 * top)))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, 0))
    ax.set(xlabel=_("累计客户占比（贡献从高到低）"), ylabel=_("累计利润占比"))
    return figure


def margin_timing(margin: float, retention: float, discount: float, years: int = 8) -> Figure:
    """What each convention counts: expected discounted margin of each year, and the endless sum.

    >>> [ax.get_title("left") for ax in margin_timing(100, 0.8, 0.1).axes]
    ['renewal：266.67', 'advance：366.67', 'arrears：333.33']
    """
    from crmlab.clv import CONVENTIONS, simple_clv  # with SciPy, which no other figure needs

    title = _("同样的 m、r、d，差别只在第一笔毛利何时到、是否一定到")
    figure, axes = new_figure(title, width=8.6, height=3.3, columns=3)
    ratio = retention / (1 + discount)
    first = {
        "renewal": (1, margin * ratio, _("一年后，留下才有")),
        "advance": (0, margin, _("今天，一定有")),
        "arrears": (1, margin / (1 + discount), _("一年后，一定有")),
    }
    colours = dict(zip(CONVENTIONS, (BLUE, ORANGE, GREEN), strict=True))
    for ax, convention in zip(axes, CONVENTIONS, strict=True):
        start, amount, words = first[convention]
        when = np.arange(start, years + 1)
        ax.bar(when, amount * ratio ** (when - start), 0.7, color=colours[convention])
        total = simple_clv(margin, retention, discount, convention)
        ax.set_title(f"{convention}：{total:,.2f}")
        note(ax, words, (start, amount), (8, 6), fontsize=9)
        ax.set(xlim=(-0.7, years + 0.7), ylim=(0, 1.18 * margin), xlabel=_("第几年末"))
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.grid(axis="x", visible=False)
    axes[0].set_ylabel(_("期望毛利的现值（元）"))
    return figure


def cohort_triangle(table: pd.DataFrame, *, share: bool = True, title: str = "") -> Figure:
    """A cohort table as a triangle of coloured cells, one row a cohort, one column an age.

    Parameters
    ----------
    table : as :func:`crmlab.clv.cohorts` makes it, divided by the column 0
    share : cells are shares (shown as percent); else yuan
    title : the message; without it the retention of the first period

    >>> table = pd.DataFrame({0: [1, 1.0], 1: [0.6, np.nan]}, index=["2025Q1", "2025Q2"])
    >>> cohort_triangle(table).get_suptitle()
    '横着看是会龄，竖着看是批次：第 1 期还在买的人占 60%～60%'
    """
    inputs.frame(table, _("同期群表"), tuple(table.columns[:1]))
    second = table.iloc[:, min(1, table.shape[1] - 1)].dropna()
    words = _("横着看是会龄，竖着看是批次：第 1 期还在买的人占 {low}～{high}").format(
        low=percent(second.min()), high=percent(second.max())
    )
    figure, (ax,) = new_figure(title or words, height=0.38 * len(table) + 1.25)
    values = table.to_numpy(dtype=float)
    later = values[:, 1:][np.isfinite(values[:, 1:])]
    low, high = (later.min(), later.max()) if later.size else (0.0, 1.0)
    colours = LinearSegmentedColormap.from_list("pale_to_blue", [PAPER, SKY, BLUE])
    span = max(high - low, 1e-9)
    ax.imshow(values, cmap=colours, vmin=low - 0.35 * span, vmax=high + 0.35 * span, aspect="auto")
    for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True):
        value = values[row, column]
        dark = value > low + 0.75 * span
        text = percent(value) if share else f"{value:,.0f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if dark else INK)
    ax.set_yticks(np.arange(len(table)), [str(name) for name in table.index])
    ax.set_xticks(np.arange(table.shape[1]), [str(age) for age in table.columns])
    ax.set(xlabel=_("会龄（首购后第几期）"), ylabel=_("首购批次"))
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return figure


def survival_forecast(observed: pd.Series, forecasts: Mapping[str, Any], known: int, title: str = "") -> Figure:
    """Share of a cohort still there: observed, and forecast from its first periods.

    Parameters
    ----------
    observed : shares (0-1) after 0, 1, 2, ... periods
    forecasts : name → shares for the same periods (at most three)
    known : the last period the forecasts were allowed to see

    >>> observed = pd.Series([1, 0.9, 0.82, 0.77])
    >>> survival_forecast(observed, {"sBG": [1, 0.9, 0.82, 0.76]}, known=2).axes[0].get_ylabel()
    '仍在籍的会员占比'
    """
    seen = inputs.vector(observed, "observed", low=0, high=1)
    names = list(forecasts)
    miss = {name: float(np.asarray(forecasts[name])[-1] - seen[-1]) for name in names}
    best = min(names, key=lambda name: abs(miss[name]))
    words = _("只看前 {known} 期，{best} 预测得最近").format(known=known, best=best)
    figure, (ax,) = new_figure(title or words, height=3.9)
    when = np.arange(len(seen))
    ax.axvspan(known, when[-1], color=PALE, alpha=0.3, lw=0)
    for name, (colour, dash) in zip(names, _MODEL_STYLES, strict=False):
        ax.plot(when, np.asarray(forecasts[name]), color=colour, ls=dash)
        note(ax, name, (when[-1], float(np.asarray(forecasts[name])[-1])), (9, 0))
    ax.plot(when, seen, "o", color=BLUE, ms=6, mec=PAPER, mew=1)
    note(ax, _("实际"), (known // 2, float(seen[known // 2])), (10, 8))
    note(ax, _("预测的部分"), (known, 0.04), (8, 0), color=MUTED)
    ax.set(
        xlim=(-0.03 * when[-1], 1.22 * when[-1]), ylim=(0, 1.04), xlabel=_("期数（月）"), ylabel=_("仍在籍的会员占比")
    )
    _ticks_until(ax, float(when[-1]))
    ax.yaxis.set_major_formatter(PercentFormatter(1, 0))
    return figure


def silence(curves: Mapping[str, pd.Series], title: str = "") -> Figure:
    """P(alive) as a customer stays silent: one curve a purchase history.

    Parameters
    ----------
    curves : name → Series of P(alive) (0-1), index weeks since the last purchase (at most four)

    >>> weeks = [0, 10, 20]
    >>> often, rarely = pd.Series([1, 0.5, 0.1], index=weeks), pd.Series([1, 0.9, 0.8], index=weeks)
    >>> silence({"常买": often, "少买": rarely}).get_suptitle()
    '同样沉默 20 周：“常买”还在的可能只剩 10%，“少买”还有 80%'
    """
    names = list(curves)
    last = {name: float(curves[name].iloc[-1]) for name in names}
    low, high = min(names, key=last.__getitem__), max(names, key=last.__getitem__)
    words = _("同样沉默 {weeks:g} 周：“{low}”还在的可能{little}，“{high}”还有 {much}").format(
        weeks=curves[low].index[-1], low=low, little=_little(last[low]), high=high, much=percent(last[high])
    )
    figure, (ax,) = new_figure(title or words, height=3.9)
    ax.axhline(0.5, color=MUTED, lw=1, ls=(0, (3, 2)))
    for name, colour in zip(names, PALETTE, strict=False):
        curve = curves[name]
        ax.plot(curve.index, curve, color=colour)
        note(ax, name, (float(curve.index[-1]), float(curve.iloc[-1])), (7, 0))
    right = max(float(curve.index[-1]) for curve in curves.values())
    ax.set(xlim=(0, 1.26 * right), ylim=(-0.03, 1.06), xlabel=_("沉默的时间 T − t_x（周）"), ylabel=_("P(alive)"))
    _ticks_until(ax, right)
    ax.yaxis.set_major_formatter(PercentFormatter(1, 0))
    return figure


def tracking(observed: pd.Series, forecasts: Mapping[str, pd.Series], cutoff: float, title: str = "") -> Figure:
    """Cumulative repeat purchases week by week: what happened, and what the models expect.

    Parameters
    ----------
    observed : cumulative repeat purchases, index the week
    forecasts : name → cumulative expectation, same weeks (at most three)
    cutoff : last week of the calibration period

    >>> weeks = [0, 26, 52]
    >>> real, model = pd.Series([0, 500, 900], index=weeks), pd.Series([0, 490, 945], index=weeks)
    >>> tracking(real, {"BG/NBD": model}, cutoff=26).get_suptitle()
    '到第 52 周，BG/NBD 的累计预测高 5.0%'
    """
    final = float(observed.iloc[-1])
    miss = {name: float(curve.iloc[-1]) / final - 1 for name, curve in forecasts.items()}
    worst = max(miss, key=lambda name: abs(miss[name]))
    words = _("到第 {week:g} 周，{name} 的累计预测{side} {miss}").format(
        week=observed.index[-1],
        name=worst,
        side=_("高") if miss[worst] > 0 else _("低"),
        miss=percent(abs(miss[worst]), 1),
    )
    figure, (ax,) = new_figure(title or words, height=4.0)
    ax.axvspan(cutoff, float(observed.index[-1]), color=PALE, alpha=0.3, lw=0)
    ax.plot(observed.index, observed, color=BLUE, lw=3.2, alpha=0.85, label=_("实际"))
    for (name, curve), (colour, dash) in zip(forecasts.items(), _MODEL_STYLES, strict=False):
        ax.plot(curve.index, curve, color=colour, ls=dash, lw=1.8, label=name)
    ax.legend(loc="upper left")
    note(ax, _("留出期"), (cutoff, 0.05 * final), (8, 0), color=MUTED)
    ax.set(ylim=(0, None), xlabel=_("周"), ylabel=_("累计重复购买（次）"))
    ax.yaxis.set_major_formatter(FuncFormatter(plain))
    ax.margins(x=0)
    return figure


def holdout_by_frequency(actual: pd.Series, forecasts: Mapping[str, pd.Series], title: str = "") -> Figure:
    """Mean purchases in the holdout by number of repeat purchases before it: real, and forecast.

    Parameters
    ----------
    actual : mean purchases, index the group of ``x``
    forecasts : name → mean expectation, same index (at most three)

    >>> actual = pd.Series([0.7, 2.0], index=["0", "1+"])
    >>> holdout_by_frequency(actual, {"BG/NBD": pd.Series([0.9, 2.1], index=["0", "1+"])}).get_suptitle()
    '按 x 分组看：BG/NBD 对 x = 0 的客户高估 29%'
    """
    worst_name, worst_group, worst = "", "", 0.0
    for name, curve in forecasts.items():
        off = curve / actual - 1
        group = off.abs().idxmax()
        if abs(off[group]) > abs(worst):
            worst_name, worst_group, worst = name, str(group), float(off[group])
    words = _("按 x 分组看：{name} 对 x = {group} 的客户{side} {off}").format(
        name=worst_name, group=worst_group, side=_("高估") if worst > 0 else _("低估"), off=percent(abs(worst))
    )
    figure, (ax,) = new_figure(title or words, height=3.9)
    place = np.arange(len(actual))
    ax.bar(place, actual, 0.62, color=SKY, label=_("实际"))
    marks = zip(forecasts.items(), _MODEL_STYLES, "oDs", (-0.16, 0.16, 0.0), strict=False)
    for (name, curve), (colour, _dash), mark, aside in marks:
        ax.plot(place + aside, curve, mark, color=colour, ms=7, mec=PAPER, mew=1, label=name)
    ax.set_xticks(place, [str(group) for group in actual.index])
    ax.set(xlabel=_("校准期的重复购买次数 x"), ylabel=_("留出期人均购买（次）"))
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper left")
    return figure


def value_intervals(table: pd.DataFrame, price: float, title: str = "") -> Figure:
    """What a new customer is worth, with 95 % intervals, against what one is asked to pay.

    Parameters
    ----------
    table : DataFrame, index the group, columns ``value``, ``low``, ``high`` (yuan)
    price : yuan asked for a customer

    >>> table = pd.DataFrame({"value": [300], "low": [280], "high": [330]}, index=["短视频"])
    >>> value_intervals(table, price=260).get_suptitle()
    '1 组里有 1 组连下限都高于报价 260 元'
    """
    inputs.frame(table, _("价值表"), ("value", "low", "high"))
    words = _("{all} 组里有 {some} 组连下限都高于报价 {price}").format(
        all=len(table), some=int((table["low"] > price).sum()), price=yuan(price)
    )
    figure, (ax,) = new_figure(title or words, height=0.5 * len(table) + 1.3)
    rows = table.iloc[::-1]
    for place, (_name, row) in enumerate(rows.iterrows()):
        _interval(ax, place, row, price)
    ax.axvline(price, color=RED, lw=1.4, ls=(0, (4, 2)))
    note(ax, _("报价 {price}").format(price=yuan(price)), (price, len(rows) - 0.45), (5, 0), color=RED)
    ax.set_yticks(np.arange(len(rows)), [str(name) for name in rows.index])
    ax.tick_params(axis="y", labelsize=10, labelcolor=INK)
    ax.set(ylim=(-0.6, len(rows) - 0.2), xlim=(0, 1.18 * max(float(table["high"].max()), price)))
    ax.set_xlabel(_("一位新客户的价值（元，横线为 95% 区间）"))
    ax.grid(axis="y", visible=False)
    return figure


def _interval(ax: Axes, place: int, row: pd.Series, price: float) -> None:
    colour = GREEN if row["low"] > price else RED if row["high"] < price else ORANGE
    ax.plot([row["low"], row["high"]], [place, place], color=colour, lw=3)
    (mark,) = ax.plot([row["value"]], [place], "o", color=colour, ms=9, mec=PAPER, mew=1.5)
    halo(mark)
    note(ax, f"{row['value']:,.0f}", (row["value"], place), (0, 13), ha="center")


def _little(share: float) -> str:
    """A small share in words: it never reads as nothing."""
    return _("只剩 {share}").format(share=percent(share)) if share >= 0.005 else _("不到 1%")


def _ticks_until(ax: Axes, last: float) -> None:
    """No ticks in the room that the labels at the ends of the lines take."""
    ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= last])
