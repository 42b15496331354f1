"""ex-05-2: what a new customer may cost, and which of three offers is worth its price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from crmlab import inputs, plots
from crmlab.clv import CONVENTIONS, monthly_rate, simple_clv
from crmlab.i18n import _
from crmlab.widgets.kit import Exercise, Result, Verdict, choice, slider

RENEWAL, ADVANCE, ARREARS = FIRST_MONEY = (_("一年后，续约才有"), _("今天就有"), _("一年后，一定有"))
"""When the first margin comes in; in the order of :data:`crmlab.clv.CONVENTIONS`."""
CONTRACT = 3
"""Years after which the contract ends, and the customer with it."""
YEARS = (1, CONTRACT, 10, None)
HORIZONS = (_("1 年"), _("3 年"), _("10 年"), _("无限期"))
BY_YEAR, BY_MONTH, CARELESS = UNITS = (_("按年"), _("按月，都折成复利"), _("按月，贴现率除以 12、保持率照搬"))
MARGIN, RETENTION, DISCOUNT = LEVERS = (_("毛利"), _("保持率"), _("贴现率"))
SWING = 0.10
"""Each input up and down by this share of itself: the tornado."""
RETENTION_UP, DISCOUNT_DOWN = 0.05, 0.02
CUSTOMERS = 400
"""New customers a channel can bring."""
PRICES = (0.25, 0.55, 0.80, 0.95, 1.10, 1.35, 1.80, 2.40)
"""What the channels ask for a customer, as shares of what one is worth under the contract."""
GOAL, FAIR = 0.98, 0.85
_ROUNDING = 1.02  # a cap may be rounded up so much


@dataclass(frozen=True)
class Deal:
    """The situation of the exercise: yearly figures, and how the margin offer lifts them.

    >>> deal = Deal.of(400, 0.75, 0.10)
    >>> deal.margin_up, round(deal.worth(), 1)
    (0.16, 585.5)
    """

    margin: float
    retention: float
    discount: float
    margin_up: float

    @classmethod
    def of(cls, margin: float, retention: float, discount: float) -> "Deal":
        """A margin offer that is worth more than the retention offer while the contract lasts, and less without an end."""
        given = inputs.number(margin, "margin", above=0), inputs.number(retention, "retention", above=0, below=1)
        rate = inputs.number(discount, "discount", low=DISCOUNT_DOWN)
        better = min(given[1] + RETENTION_UP, (1 + given[1]) / 2)
        under, endless = (
            simple_clv(1, better, rate, horizon=years) / simple_clv(1, given[1], rate, horizon=years) - 1
            for years in (CONTRACT, None)
        )
        return cls(*given, rate, max(round(under + 0.3 * (endless - under), 2), np.ceil(100 * under) / 100))

    def improved(self, lever: str) -> "Deal":
        """The same with one offer taken."""
        changed = {
            MARGIN: {"margin": self.margin * (1 + self.margin_up)},
            RETENTION: {"retention": min(self.retention + RETENTION_UP, (1 + self.retention) / 2)},
            DISCOUNT: {"discount": self.discount - DISCOUNT_DOWN},
        }[lever]
        return Deal(**{**vars(self), **changed})

    def worth(self, first: str = RENEWAL, horizon: str = HORIZONS[1], unit: str = BY_YEAR) -> float:
        """CLV (yuan) by one way of reckoning; by default the one that fits the contract."""
        years = YEARS[HORIZONS.index(horizon)]
        convention = CONVENTIONS[FIRST_MONEY.index(first)]
        if unit == BY_YEAR:
            return float(simple_clv(self.margin, self.retention, self.discount, convention, years))
        retention, rate = (
            (self.retention, self.discount / 12)
            if unit == CARELESS
            else (self.retention ** (1 / 12), monthly_rate(self.discount))
        )
        return float(simple_clv(self.margin / 12, retention, rate, convention, None if years is None else 12 * years))


def tornado(deal: Deal, **reckoning: str) -> pd.DataFrame:
    """Change of CLV (share) when each input alone goes down and up by a tenth of itself; columns ``down``, ``up``.

    A retention rate stops at 1.

    >>> tornado(Deal.of(400, 0.75, 0.10), horizon="无限期").round(3).loc["保持率"].to_list()
    [-0.259, 0.4]
    """
    base = deal.worth(**reckoning)
    rows = {}
    for lever, field in zip(LEVERS, ("margin", "retention", "discount"), strict=True):
        value = getattr(deal, field)
        top = 0.999 if field == "retention" else np.inf
        rows[lever] = [
            Deal(**{**vars(deal), field: min(value * (1 + sign * SWING), top)}).worth(**reckoning) / base - 1
            for sign in (-1, 1)
        ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["down", "up"])


def offers(deal: Deal, **reckoning: str) -> pd.Series:
    """What each offer adds to CLV (yuan).

    >>> offers(Deal.of(400, 0.75, 0.10)).round(1).to_dict()
    {'毛利': 93.7, '保持率': 70.9, '贴现率': 19.2}
    """
    base = deal.worth(**reckoning)
    return pd.Series({lever: deal.improved(lever).worth(**reckoning) - base for lever in LEVERS})


def channels(deal: Deal) -> pd.Series:
    """Price (yuan a customer) of the channels through which new customers can be won, dearest last.

    >>> channels(Deal.of(400, 0.75, 0.10)).to_list()[:3]
    [150.0, 320.0, 470.0]
    """
    prices = pd.Series(PRICES) * deal.worth()
    grain = _grain(deal)
    return (prices / grain).round().mul(grain).set_axis(range(1, len(PRICES) + 1))


def _grain(deal: Deal) -> float:
    """A round step (yuan) for prices: a fiftieth of what a customer is worth, at most."""
    most = deal.worth() / 50
    size = 10 ** np.floor(np.log10(most))
    return float(size * max(step for step in (1, 2, 5) if step * size <= most))


def campaign_profit(prices: pd.Series, worth: float, cap: float) -> float:
    """Yuan earned by buying at every channel that asks no more than ``cap`` for a customer worth ``worth``.

    >>> campaign_profit(pd.Series([100, 300, 500]), worth=400, cap=450)  # 400 customers each
    160000.0
    """
    return float(CUSTOMERS * (worth - prices[prices <= cap]).sum())


# ------------------------------------------------------------------------------------------------------ the verdict


def evaluate_sensitivity(deal: Deal, first: str, horizon: str, unit: str, lever: str, cap: float) -> Result:
    """What a way of reckoning, an offer taken and a price cap earn under the contract.

    Args:
        deal: :meth:`Deal.of`.
        first: one of :data:`FIRST_MONEY`; horizon: of :data:`HORIZONS`; unit: of :data:`UNITS`; lever: of :data:`LEVERS`.
        cap: most that a new customer may cost, yuan.

    >>> result = evaluate_sensitivity(Deal.of(400, 0.75, 0.10), ADVANCE, "无限期", BY_YEAR, RETENTION, cap=1_600)
    >>> result.verdict, result.headline
    ('poor', '买下 8 个渠道的客户，合同期里一共亏 55,684 元。')
    """
    reckoning = {"first": first, "horizon": horizon, "unit": unit}
    prices, worth = channels(deal), deal.improved(lever).worth()
    bought = prices[prices <= cap]
    earned = campaign_profit(prices, worth, cap)
    best = max(campaign_profit(prices, value, value) for value in (deal.improved(one).worth() for one in LEVERS))
    mine = deal.improved(lever).worth(**reckoning)
    gains = offers(deal, **reckoning)
    numbers = {
        _("你算出的 CLV"): plots.yuan(mine),
        **{_("{lever}报价加").format(lever=one): plots.yuan(gain) for one, gain in gains.items()},
        _("买下的渠道"): _("{n} / {all} 个").format(n=len(bought), all=len(prices)),
        _("合同期里赚到"): plots.yuan(earned),
        _("相当于最多能赚的"): plots.percent(earned / best),
    }
    slips = [*_first_slip(deal, first), *_horizon_slip(deal, horizon), *_unit_slip(deal, unit)]
    reasons = [*slips, *_lever_reason(deal, lever), *_cap_reasons(prices, worth, cap, mine)]
    ratio, unfounded = earned / best, cap > mine * _ROUNDING
    verdict: Verdict = "good" if ratio >= GOAL and not slips and not unfounded else "fair" if ratio >= FAIR else "poor"
    headline = _("买下 {n} 个渠道的客户，合同期里一共{outcome} {earned}。").format(
        n=len(bought), outcome=_("赚") if earned >= 0 else _("亏"), earned=plots.yuan(abs(earned))
    )
    return Result(verdict, headline, reasons, numbers)


def _first_slip(deal: Deal, first: str) -> list[str]:
    """The conventions mixed up."""
    extra = deal.worth(first=first) - deal.worth()
    if first == ADVANCE:
        return [
            _(
                "你让第一笔毛利今天就到账，那是 m(1+d)/(1+d−r) 的约定：三年多算 {extra}。"
                "这份合同签约时一分不收，满一年续约的人才带来第一笔。"
            ).format(extra=plots.yuan(extra))
        ]
    if first == ARREARS:
        return [
            _(
                "你让第一年末的毛利一定到账，那是 m/(1+d−r) 的约定：第一年就走的 {gone} 也算了钱，三年多算 {extra}。"
            ).format(gone=plots.percent(1 - deal.retention), extra=plots.yuan(extra))
        ]
    return []


def _horizon_slip(deal: Deal, horizon: str) -> list[str]:
    """More or fewer years than the contract has."""
    gap = deal.worth(horizon=horizon) - deal.worth()
    if gap > 0:
        return [
            _("合同三年到期，你的“{horizon}”把到期以后的 {gap}也数了进来，占你的 CLV 的 {share}。").format(
                horizon=horizon, gap=plots.yuan(gap), share=plots.percent(gap / deal.worth(horizon=horizon))
            )
        ]
    if gap < 0:
        return [_("只数第一年，漏掉了后两年的 {gap}。").format(gap=plots.yuan(-gap))]
    return []


def _unit_slip(deal: Deal, unit: str) -> list[str]:
    """Rates of one period used for another."""
    if unit == CARELESS:
        return [
            _(
                "保持率 {r} 是一年的。照搬到每个月，一年后只剩 {left}：CLV 缩到 {worth}。"
                "年率折成月率要开 12 次方；贴现率除以 12 也不对，复利一年会变成 {rate}。"
            ).format(
                r=plots.percent(deal.retention), left=plots.percent(deal.retention**12, 1),
                worth=plots.yuan(deal.worth(unit=unit)), rate=plots.percent((1 + deal.discount / 12) ** 12 - 1, 1),
            )
        ]  # fmt: skip
    if unit == BY_MONTH:
        return [
            _(
                "换算没有错，用错了地方：按月算等于每个月都收到一笔毛利，年中走的人也交了几个月。"
                "合同一年结一次，按月会多算 {extra}。"
            ).format(extra=plots.yuan(deal.worth(unit=unit) - deal.worth()))
        ]
    return []


def _lever_reason(deal: Deal, lever: str) -> list[str]:
    """The offer taken against the best one, under the contract."""
    gains = offers(deal)
    best = str(gains.idxmax())
    if lever == best:
        second = str(gains.drop(best).idxmax())
        return [
            _(
                "你买的“{best}”给每位客户加 {most}，比“{second}”多 {more}：比报价要看同样的钱换来多少，不看谁更敏感。"
            ).format(
                best=best, most=plots.yuan(gains[best]), second=second, more=plots.yuan(gains[best] - gains[second])
            )
        ]
    told = _("三份报价一样贵，合同期里“{lever}”给每位客户加 {mine}，“{best}”加 {most}。").format(
        lever=lever, mine=plots.yuan(gains[lever]), best=best, most=plots.yuan(gains[best])
    )
    if lever == RETENTION:
        told += _(
            "图上保持率最宽，比的是各动 10 %；报价不是各动 10 %。保持率的好处又大半在三年以后，无限期公式里它才领先。"
        )
    if lever == DISCOUNT:
        told += _("三年不长，钱的早晚差得不多。")
    return [told]


def _cap_reasons(prices: pd.Series, worth: float, cap: float, mine: float) -> list[str]:
    """Channels bought at a loss, or left though they pay."""
    losing, left = prices[(prices <= cap) & (prices > worth)], prices[(prices > cap) & (prices < worth)]
    told = []
    if len(losing):
        told.append(
            _(
                "你的上限 {cap}放进了 {n} 个亏钱的渠道：最贵的要 {price}，客户在合同期里带不回这么多，每位倒贴 {loss}。"
            ).format(
                cap=plots.yuan(cap),
                n=len(losing),
                price=plots.yuan(losing.max()),
                loss=plots.yuan(losing.max() - worth),
            )
        )
    if len(left):
        told.append(
            _("你的上限 {cap}挡住了 {n} 个还赚钱的渠道：要价 {price}的客户，还能赚 {gain}。").format(
                cap=plots.yuan(cap), n=len(left), price=plots.yuan(left.max()), gain=plots.yuan(worth - left.max())
            )
        )
    if cap > mine * _ROUNDING:
        told.append(_("上限比你自己算出的 CLV（{mine}）还高。").format(mine=plots.yuan(mine)))
    if not told:
        told.append(_("上限开在客户的价值上：再贵一档的渠道亏钱，便宜的一个没有落下。"))
    return told


# ------------------------------------------------------------------------------------------------------- the widget


def _figure(deal: Deal, values: Mapping[str, Any]) -> tuple[Figure, str]:
    reckoning = {name: values[name] for name in ("first", "horizon", "unit")}
    swings, gains = tornado(deal, **reckoning), offers(deal, **reckoning)
    widest = str(swings.abs().max(axis=1).idxmax())
    title = _("各动 10 %，{widest}动得最多；三份报价里，{best}加得最多").format(widest=widest, best=gains.idxmax())
    figure, (left, right) = plots.new_figure(title, width=6.8, height=3.9, columns=2)
    _draw_tornado(left, swings)
    mine = deal.improved(values["lever"]).worth(**reckoning)
    _draw_channels(right, channels(deal), values["cap"], mine)
    alt = _("左：三个数各动 10 % 时 CLV 的变化，{swings}。右：八个渠道的要价，上限 {cap}，你算出的 CLV {mine}").format(
        swings=_("，").join(
            f"{lever} {plots.percent(row['down'], 1)} / {plots.percent(row['up'], 1)}"
            for lever, row in swings.iterrows()
        ),
        cap=plots.yuan(values["cap"]),
        mine=plots.yuan(mine),
    )
    return figure, alt


def _draw_tornado(ax: Axes, swings: pd.DataFrame) -> None:
    rows = swings.loc[swings.abs().max(axis=1).sort_values().index]
    place = np.arange(len(rows))
    reach = 1.5 * rows.abs().to_numpy().max()
    gap = 0.03 * reach
    for column, colour, label in (("down", plots.ORANGE, _("减 10 %")), ("up", plots.BLUE, _("加 10 %"))):
        ax.barh(place, rows[column], 0.55, color=colour, label=label)
        for y, value in enumerate(rows[column]):
            side, shift = ("left", gap) if value >= 0 else ("right", -gap)
            ax.text(value + shift, y, plots.percent(value, 1), ha=side, va="center", fontsize=9.5)
    ax.axvline(0, color=plots.INK, lw=1)
    ax.set_yticks(place, [str(name) for name in rows.index], fontsize=10.5, color=plots.INK)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(PercentFormatter(1, 0))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.set(xlim=(-reach, reach), xlabel=_("CLV 的变化"))
    plots.legend(ax, ((plots.ORANGE, _("减 10 %")), (plots.BLUE, _("加 10 %"))))


def _draw_channels(ax: Axes, prices: pd.Series, cap: float, mine: float) -> None:
    bought = prices <= cap
    ax.bar(prices.index, prices, 0.62, color=[plots.GREEN if taken else plots.PALE for taken in bought])
    top = 1.12 * max(prices.max(), cap, mine)
    close = abs(cap - mine) < 0.08 * top
    for value, other, text, colour in ((cap, mine, _("上限"), plots.INK), (mine, cap, _("你算出的 CLV"), plots.RED)):
        ax.axhline(value, color=colour, lw=1.4, ls="-" if colour == plots.INK else (0, (4, 2)))
        below = close and (value < other or (value == other and colour == plots.RED))
        plots.note(ax, text, (0.45, value), (0, -8 if below else 8), ha="left", fontsize=9.5, color=colour)
    ax.set_xticks(list(prices.index))
    ax.set(ylim=(0, top), xlabel=_("渠道（绿色：买下）"), ylabel=_("一位新客户的要价（元）"))
    ax.yaxis.set_major_formatter(FuncFormatter(plots.plain))
    ax.grid(axis="x", visible=False)


def clv_sensitivity(margin: float, retention: float, discount: float = 0.10) -> Exercise:
    """Exercise ex-05-2.

    Args:
        margin: yuan a year; retention: probability to stay for another year; discount: yearly discount rate.

    >>> exercise = clv_sensitivity(400, 0.75)
    >>> exercise.result.verdict
    'poor'
    >>> exercise.move(first=RENEWAL, horizon="3 年", lever=MARGIN, cap=690)
    >>> exercise.result.headline
    '买下 5 个渠道的客户，合同期里一共赚 50.2 万元。'
    """
    deal = Deal.of(margin, retention, discount)
    grain = _grain(deal)
    top = float(np.ceil(1.1 * channels(deal).max() / grain) * grain)
    naive = deal.improved(RETENTION).worth(ADVANCE, HORIZONS[-1])
    sizes = {
        MARGIN: _("毛利 +{x}").format(x=plots.percent(deal.margin_up)),
        RETENTION: _("保持率 +{x:g} 个百分点").format(
            x=round(100 * (deal.improved(RETENTION).retention - deal.retention), 1)
        ),
        DISCOUNT: _("贴现率 −{x:.0f} 个百分点").format(x=100 * DISCOUNT_DOWN),
    }
    return Exercise(
        title=_("ex-05-2　CLV 对哪个数最敏感"),
        task=_(
            "一家单位请你的店给员工办福利卡，合同三年，到期不续。每位员工每年带来毛利 {m}，年保持率 {r}，年贴现率 {d}；"
            "签约时不收钱，满一年还在的人结第一笔，一年一次。八个渠道各能带来 {n} 位员工，每位要价不同。"
            "还有三份一样贵的报价，只能买一份：{offers}。"
            "选好算法和报价，定一位新客户最多花多少钱，让合同期里赚到的达到最多的 {goal}。"
        ).format(
            m=plots.yuan(deal.margin), r=plots.percent(deal.retention, 1), d=plots.percent(deal.discount), n=CUSTOMERS,
            offers=_("、").join(sizes.values()), goal=plots.percent(GOAL),
        ),
        controls={
            "first": choice(_("第一笔毛利"), FIRST_MONEY, ADVANCE),
            "horizon": choice(_("算多少年"), HORIZONS, HORIZONS[-1]),
            "unit": choice(_("按什么期"), UNITS, BY_YEAR),
            "lever": choice(_("买哪一份报价"), [(size, lever) for lever, size in sizes.items()], RETENTION),
            "cap": slider(_("一位新客户最多花"), min(top, grain * round(naive / grain)), 0, top, grain, _("元")),
        },
        evaluate=lambda **values: evaluate_sensitivity(deal, **values),
        draw=lambda values, result: _figure(deal, values),
    )  # fmt: skip
