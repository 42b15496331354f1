"""Key accounts: who they are, what they earn, how much hangs on them, and who is about to leave.

Portfolio: R. Fiocca, "Account Portfolio Analysis for Strategy Development", *Industrial Marketing Management* 11 (1),
1982; M. McDonald, T. Millman and B. Rogers, "Key Account Management: Theory, Practice and Challenges", *Journal of
Marketing Management* 13 (8), 1997: attractiveness of the account against the strength of the relationship; names of the
fields (strategic, star, status, streamline): M. McDonald and D. Woodburn, *Key Account Management*, 2nd ed.,
Butterworth-Heinemann, 2007. Profit:
R. S. Kaplan and V. G. Narayanan, "Measuring and Managing Customer Profitability", *Journal of Cost Management* 15 (5),
2001: cost to serve and the whale curve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlab import inputs, pareto
from crmlab.channel import score_distributors
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "QUADRANTS",
    "Concentration",
    "Plan",
    "Portfolio",
    "Quadrant",
    "WarningLimits",
    "WhaleCurve",
    "concentration",
    "key_accounts",
    "plan_value",
    "portfolio",
    "profitability",
    "scorecard",
    "warning_signs",
    "whale_curve",
]

COSTS = ("visit_cost", "order_cost", "service_cost", "logistics_cost", "return_cost")


# ------------------------------------------------------------------------------------------------ who is a key account


def scorecard(
    table: pd.DataFrame,
    weights: Mapping[str, float],
    directions: Mapping[str, str] | None = None,
    *,
    method: str = "minmax",
    targets: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Weighted score of every account from 0 to 100 by the factors that make a customer a key account.

    The same sum of normalised indicators as :func:`crmlab.channel.score_distributors` (parameters there), × 100.

    Returns
    -------
    DataFrame, index as ``table``, with the points of each indicator (its weight × 0-100), ``total``, ``rank``.

    >>> table = pd.DataFrame({"revenue": [10, 30], "growth": [8, 2]}, index=["A1", "A2"])
    >>> scorecard(table, {"revenue": 3, "growth": 1})["total"].to_dict()
    {'A1': 25.0, 'A2': 75.0}
    """
    scored = score_distributors(table, weights, directions, method=method, targets=targets)
    share = pd.Series(dict(weights), dtype="float64")
    points = 100 * scored[share.index] * (share / share.sum())
    return points.assign(total=points.sum(axis=1), rank=scored["rank"])


def key_accounts(scores: pd.Series, *, share: float = 0.2, values: pd.Series | None = None) -> pd.DataFrame:
    """The key accounts: best ``share`` of the scores; and whether turnover alone would have picked them (class A).

    Parameters
    ----------
    scores : Series of scores, index account id; share : of the accounts, 0-1, rounded up
    values : Series of turnover (yuan), the same accounts; without it no ABC class is told

    Returns
    -------
    DataFrame, index as ``scores``, with ``score``, ``key`` (bool; ties by id) and with ``values`` also ``abc``.

    >>> scores = pd.Series({"A1": 80.0, "A2": 55.0, "A3": 30.0})
    >>> key_accounts(scores, share=0.3, values=pd.Series({"A1": 1, "A2": 9, "A3": 1}))["abc"].to_dict()
    {'A1': 'B', 'A2': 'A', 'A3': 'B'}
    """
    if not isinstance(scores, pd.Series) or not scores.index.is_unique:
        raise CourseError(_("scores 应是以客户编号为索引、编号不重复的 Series"))
    known = pd.Series(inputs.vector(scores, "scores"), index=scores.index)
    part = inputs.number(share, "share", above=0, high=1)
    best = (
        known.sort_index().sort_values(ascending=False, kind="stable").index[: int(np.ceil(part * len(known) - 1e-9))]
    )
    table = pd.DataFrame({"score": known, "key": known.index.isin(best)})
    if values is not None:
        table["abc"] = pareto.abc_classes(values).reindex(known.index)
    return table


# --------------------------------------------------------------------------------------------------------- portfolio


@dataclass(frozen=True)
class Quadrant:
    """A field of the portfolio: its name and what to do with accounts in it.

    >>> QUADRANTS["high", "high"].name
    '战略客户'
    """

    name: str
    advice: str


QUADRANTS = {  # (attractiveness, strength)
    ("high", "high"): Quadrant(_("战略客户"), _("重点投入：专门团队、联合规划，共同开发产品和流程")),
    ("high", "low"): Quadrant(_("明星客户"), _("选择性投入：找准需求与决策人，争取份额；看得到进展才加码")),
    ("low", "high"): Quadrant(_("维持客户"), _("稳住关系、控制成本：保持服务水平，不再追加投入")),
    ("low", "low"): Quadrant(_("精简客户"), _("降低服务成本：转为标准服务、网上下单，或重新谈条件")),
}


@dataclass(frozen=True)
class Portfolio:
    """Accounts in the four fields, made by :func:`portfolio`.

    Attributes:
        table: DataFrame, index account id, with ``attractiveness``, ``strength``, ``size``, ``quadrant``, ``advice``.
        cut: where the cross-hair stands: (attractiveness, strength).
        summary: DataFrame, index quadrant, with ``accounts``, ``size``, ``size_share`` (0-1).

    >>> table = pd.DataFrame({"attractiveness": [80, 20], "strength": [70, 30]}, index=["A1", "A2"])
    >>> portfolio(table).table["quadrant"].to_dict()
    {'A1': '战略客户', 'A2': '精简客户'}
    """

    table: pd.DataFrame
    cut: tuple[float, float]
    summary: pd.DataFrame

    def plot(self) -> "Figure":
        """Bubbles by size on attractiveness (up) and strength (right), coloured by quadrant."""
        from crmlab import plots

        rows = self.table
        first = self.summary.iloc[0]
        figure, (ax,) = plots.new_figure(
            _("{name} {n} 家，占 {share}").format(
                name=self.summary.index[0], n=int(first["accounts"]), share=plots.percent(first["size_share"])
            ),
            height=5.0,
        )
        names = [quadrant.name for quadrant in QUADRANTS.values()]
        colours = dict(zip(names, (plots.BLUE, plots.ORANGE, plots.GREEN, plots.GREY), strict=True))
        area = 30 + 500 * rows["size"] / rows["size"].max() if rows["size"].max() > 0 else 60.0
        ax.scatter(rows["strength"], rows["attractiveness"], s=area, c=rows["quadrant"].map(colours), alpha=0.6, lw=0)
        ax.axhline(self.cut[0], color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        ax.axvline(self.cut[1], color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        for (up, right), quadrant in QUADRANTS.items():
            at = (0.99 if right == "high" else 0.01, 0.98 if up == "high" else 0.02)
            ax.text(
                *at, quadrant.name, transform=ax.transAxes, color=colours[quadrant.name], fontsize=11,
                ha="right" if right == "high" else "left", va="top" if up == "high" else "bottom",
            )  # fmt: skip
        ax.set(xlabel=_("我方的相对实力"), ylabel=_("客户吸引力"))
        ax.margins(0.08)
        return figure


def portfolio(
    table: pd.DataFrame,
    *,
    attractiveness: str = "attractiveness",
    strength: str = "strength",
    size: str | None = None,
    cut: str | float | tuple[float, float] = "mean",
) -> Portfolio:
    """Each account in one of four fields by how attractive it is and how strong we are there against rivals.

    At or above the cross-hair counts as high. The cross-hair stands at the mean of each axis, at the median, or where
    the reader puts it: a mean moves when accounts come and go, a fixed one (50 of 100) does not.

    Parameters
    ----------
    table : DataFrame, one row an account, index its id
    attractiveness, strength : columns, any scale; size : column of turnover (yuan); without it all count 1
    cut : "mean", "median", one number for both axes, or (attractiveness, strength)

    Returns
    -------
    Portfolio

    >>> table = pd.DataFrame({"attractiveness": [80, 20, 60], "strength": [70, 80, 10]}, index=["A1", "A2", "A3"])
    >>> portfolio(table, cut=50).summary["accounts"].to_dict()
    {'战略客户': 1, '明星客户': 1, '维持客户': 1, '精简客户': 0}
    """
    inputs.frame(table, _("客户表"), (attractiveness, strength) if size is None else (attractiveness, strength, size))
    up, right = inputs.numbers(table, attractiveness), inputs.numbers(table, strength)
    volume = pd.Series(1.0, index=up.index) if size is None else inputs.numbers(table, size, low=0)
    cross = _cross(cut, up, right)
    fields = [
        QUADRANTS["high" if a >= cross[0] else "low", "high" if s >= cross[1] else "low"]
        for a, s in zip(up, right, strict=True)
    ]
    names = [quadrant.name for quadrant in QUADRANTS.values()]
    columns = {
        "attractiveness": up.to_numpy(),
        "strength": right.to_numpy(),
        "size": volume.to_numpy(),
        "quadrant": pd.Categorical([field.name for field in fields], categories=names, ordered=True),
        "advice": [field.advice for field in fields],
    }
    placed = pd.DataFrame(columns, index=table.index)
    cells = placed.groupby("quadrant", observed=False)["size"].agg(accounts="size", size="sum")
    total = cells["size"].sum()
    cells["size_share"] = cells["size"] / total if total > 0 else 0.0
    return Portfolio(placed, cross, cells.set_axis(pd.Index(names, name="quadrant")))


def _cross(cut: Any, up: pd.Series, right: pd.Series) -> tuple[float, float]:
    if isinstance(cut, str):
        inputs.choice(cut, "cut", ("mean", "median"))
        return float(up.agg(cut)), float(right.agg(cut))
    pair = inputs.vector(cut, "cut", length=2) if np.ndim(cut) == 1 else [inputs.number(cut, "cut")] * 2
    return float(pair[0]), float(pair[1])


# ------------------------------------------------------------------------------------------------------ dependence


@dataclass(frozen=True)
class Concentration:
    """How much hangs on a few accounts, made by :func:`concentration`.

    Attributes:
        hhi: Herfindahl-Hirschman index Σ shareᵢ², 1/n (all equal) to 1 (one account); × 10,000 in the usual points.
        effective: 1 / hhi: as many equal accounts would be as concentrated.
        top: Series of cumulative share (0-1) of the largest 1, 5, 10 … accounts, index their number.
        largest: id of the largest account.

    >>> concentration(pd.Series({"A1": 50, "A2": 30, "A3": 20})).hhi
    0.38
    """

    hhi: float
    effective: float
    top: pd.Series
    largest: Any


def concentration(values: pd.Series, top: Sequence[int] = (1, 5, 10)) -> Concentration:
    """Concentration of turnover (or margin, not negative) on few accounts.

    Parameters
    ----------
    values : Series of yuan, index account id; top : how many largest accounts to add up

    Returns
    -------
    Concentration

    >>> concentration(pd.Series([5, 3, 2], index=["A1", "A2", "A3"]), top=[1, 2]).top.to_dict()
    {1: 0.5, 2: 0.8}
    """
    amounts = inputs.vector(values, "values", low=0)
    if amounts.sum() <= 0:
        raise CourseError(_("所有客户的数值都是 0：没有可以分配的占比"))
    index = values.index if isinstance(values, pd.Series) else pd.RangeIndex(len(amounts))
    share = pd.Series(amounts / amounts.sum(), index=index).sort_index().sort_values(ascending=False, kind="stable")
    counts = [inputs.whole(count, "top", low=1) for count in top]
    sums = pd.Series([share.iloc[:count].sum() for count in counts], index=pd.Index(counts, name="top"), name="share")
    hhi = float((share**2).sum())
    return Concentration(round(hhi, 12), 1 / hhi, sums.round(12), share.index[0])


# ------------------------------------------------------------------------------------------------------------ profit


def profitability(
    table: pd.DataFrame,
    *,
    revenue: str = "revenue_2025",
    margin: str = "gross_margin_2025",
    costs: Sequence[str] = COSTS,
) -> pd.DataFrame:
    """What each account earns: gross margin less everything it costs to serve it.

    Parameters
    ----------
    table : DataFrame, one row an account, index its id (the columns of ``accounts`` fit)
    revenue, margin : columns in yuan; costs : columns of the costs to serve, yuan, not negative

    Returns
    -------
    DataFrame, index as ``table``, most profitable first, with ``revenue``, ``gross_margin``, ``cost_to_serve``,
    ``profit`` (yuan) and ``return_on_sales`` = profit / revenue (missing without revenue).

    >>> table = pd.DataFrame({"r": [100.0, 200.0], "m": [30.0, 40.0], "visits": [5.0, 60.0]}, index=["A1", "A2"])
    >>> profitability(table, revenue="r", margin="m", costs=["visits"])["profit"].to_dict()
    {'A1': 25.0, 'A2': -20.0}
    """
    inputs.frame(table, _("客户表"), (revenue, margin, *costs))
    sales = inputs.numbers(table, revenue, low=0).to_numpy()
    gross = inputs.numbers(table, margin).to_numpy()
    serving = np.sum([inputs.numbers(table, cost, low=0).to_numpy() for cost in costs], axis=0)
    profit = gross - serving
    found = pd.DataFrame(
        {
            "revenue": sales,
            "gross_margin": gross,
            "cost_to_serve": serving,
            "profit": profit,
            "return_on_sales": np.divide(profit, sales, out=np.full(len(sales), np.nan), where=sales > 0),
        },
        index=table.index,
    )
    return found.iloc[np.argsort(-profit, kind="stable")]


@dataclass(frozen=True)
class WhaleCurve:
    """Cumulative profit, most profitable accounts first, made by :func:`whale_curve`.

    Attributes:
        curve: DataFrame with n + 1 rows: ``accounts`` (cumulative share, 0-1) and ``profit`` (cumulative, as a
            multiple of the total profit; yuan if ``total`` is not positive).
        total: profit of all accounts, yuan.
        peak: highest point of the curve: 1.4 = the profitable accounts earn 140 % of what is left in the end.
        peak_at: share of accounts (0-1) at the peak: those that earn anything.
        destroyed: yuan that the accounts beyond the peak lose.

    >>> whale_curve([50, 30, -30]).peak
    1.6
    """

    curve: pd.DataFrame
    total: float
    peak: float
    peak_at: float
    destroyed: float

    def plot(self) -> "Figure":
        """The whale: cumulative profit over the accounts, with its peak."""
        from matplotlib.ticker import PercentFormatter

        from crmlab import plots

        share = self.total > 0
        title = _("前 {at} 的客户赚到利润的 {peak}，其余的又赔掉 {loss}").format(
            at=plots.percent(self.peak_at), peak=plots.percent(self.peak), loss=plots.yuan(self.destroyed)
        )
        figure, (ax,) = plots.new_figure(title if share else _("客户合起来没有利润"), height=4.0)
        ax.plot(self.curve["accounts"], self.curve["profit"], color=plots.BLUE)
        ax.plot([self.peak_at], [self.peak], "o", color=plots.RED, ms=8, mec=plots.PAPER, mew=1.5)
        ax.axhline(self.curve["profit"].iloc[-1], color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        ax.xaxis.set_major_formatter(PercentFormatter(1, 0))
        if share:
            ax.yaxis.set_major_formatter(PercentFormatter(1, 0))
        ax.set(xlim=(0, 1), xlabel=_("累计客户占比（利润从高到低）"), ylabel=_("累计利润"))
        return figure


def whale_curve(profit: ArrayLike | pd.Series) -> WhaleCurve:
    """The whale curve of customer profit: how much the losing accounts eat of what the others earn.

    Parameters
    ----------
    profit : yuan of each account, may be negative

    Returns
    -------
    WhaleCurve

    >>> curve = whale_curve(pd.Series({"A1": 50, "A2": 30, "A3": -30, "A4": 0}))
    >>> curve.total, curve.peak_at, curve.destroyed
    (50.0, 0.5, 30.0)
    """
    amounts = np.sort(inputs.vector(profit, "profit"))[::-1]
    total = float(amounts.sum())
    cumulative = np.concatenate([[0.0], np.cumsum(amounts)])
    scale = total if total > 0 else 1.0
    winners = int((amounts > 0).sum())
    curve = pd.DataFrame({"accounts": np.arange(len(cumulative)) / len(amounts), "profit": cumulative / scale})
    return WhaleCurve(
        curve,
        total,
        float(cumulative[winners] / scale),
        winners / len(amounts),
        float(-amounts[amounts < 0].sum()),
    )


# ----------------------------------------------------------------------------------------------------- early warning


@dataclass(frozen=True)
class WarningLimits:
    """When a sign of a coming loss counts.

    Attributes:
        wallet: fall of the share of wallet within a year, as a share of last year's.
        orders: number of orders of the last ``days`` against the same days a year before.
        days: length of the time compared, and of the time in which a contact must have left.
        least: fewer orders a year before are no base for a comparison.
        needed: how many of the three signs make an account "at risk".

    >>> WarningLimits().days
    180
    """

    wallet: float = 0.25
    orders: float = 0.65
    days: int = 180
    least: int = 3
    needed: int = 2


def warning_signs(
    orders: pd.DataFrame,
    accounts: pd.DataFrame,
    as_of: Any,
    contacts: pd.DataFrame | None = None,
    limits: WarningLimits = WarningLimits(),
    *,
    account: str = "account_id",
    date: str = "ordered_on",
    amount: str = "amount",
    wallet: tuple[str, str] = ("share_of_wallet_2024", "share_of_wallet_2025"),
    left: str = "left_on",
) -> pd.DataFrame:
    """Accounts that may be on their way to another supplier.

    Three signs: the share of wallet falls; fewer orders than in the same days a year before; a contact has left.
    Comparing with the same season keeps a school, which buys twice a year, from being called lost each autumn. The
    turnover is told but is no sign: it falls when the customer's own business is down, and holds while a growing
    customer gives all that is new to somebody else.

    Parameters
    ----------
    orders : DataFrame, one row an order, at least a year and ``limits.days`` back
    accounts : DataFrame, one row an account, with the two columns ``wallet`` (0-1, last year and this)
    as_of : date-like, the day at whose end the data were taken
    contacts : DataFrame, one row a person, ``left`` missing for those still there; without it the sign is never set
    limits : :class:`WarningLimits`

    Returns
    -------
    DataFrame, index account id, most signs first, with ``wallet_change`` (relative), ``orders_ratio``,
    ``turnover_ratio`` (missing without a base), ``silent_days`` (since the last order; missing without any), the signs
    ``wallet_falls``, ``orders_fall``, ``contact_left``, then ``signs`` (0-3) and ``at_risk``.

    >>> from crmlab import data
    >>> firm = data.load("accounts")
    >>> found = warning_signs(firm.orders, firm.accounts, firm.as_of, firm.contacts)
    >>> bool(0.05 < found["at_risk"].mean() < 0.2)
    True
    """
    inputs.frame(accounts, _("客户表"), (account, *wallet))
    end = inputs.day(as_of, "as_of")
    span = pd.Timedelta(days=inputs.whole(limits.days, "days", low=1))
    ids = pd.Index(inputs.ids(accounts, account, unique=True), name=account)
    before, now = (inputs.numbers(accounts, column, low=0, high=1).set_axis(ids) for column in wallet)
    table = pd.DataFrame({"wallet_change": (now - before) / before.where(before > 0)})
    bought = _bought(orders, end, span, account, date, amount).reindex(ids)
    past = bought[["orders_before", "amount_before"]].fillna(0)
    base = past["orders_before"] >= limits.least
    table["orders_ratio"] = bought["orders_now"].fillna(0) / past["orders_before"].where(base)
    table["turnover_ratio"] = bought["amount_now"].fillna(0) / past["amount_before"].where(
        base & past["amount_before"].gt(0)
    )
    table["silent_days"] = (end - bought["last"]).dt.days
    table["wallet_falls"] = table["wallet_change"] <= -limits.wallet
    table["orders_fall"] = table["orders_ratio"] <= limits.orders
    table["contact_left"] = ids.isin(_lost_contacts(contacts, end, span, account, left))
    table["signs"] = table[["wallet_falls", "orders_fall", "contact_left"]].sum(axis=1).astype("int64")
    table["at_risk"] = table["signs"] >= inputs.whole(limits.needed, "needed", low=1, high=3)
    return table.sort_values(["signs", "wallet_change"], ascending=[False, True], kind="stable")


def _bought(
    orders: pd.DataFrame, end: pd.Timestamp, span: pd.Timedelta, account: str, date: str, amount: str
) -> pd.DataFrame:
    """Orders and money of each account in the time up to ``end`` and in the same days a year before; its last order."""
    inputs.frame(orders, _("订单表"), (account, date, amount))
    columns = {
        "account": inputs.ids(orders, account),
        "day": inputs.days(orders, date),
        "amount": inputs.numbers(orders, amount),
    }
    rows = pd.DataFrame(columns)
    rows = rows[rows["day"] <= end]
    year_ago = end - pd.Timedelta(days=365)
    if rows.empty or rows["day"].min() > year_ago:
        raise CourseError(
            _("订单表没有截止日一年以前的订单：要和去年同期相比，至少需要一年零 {days} 天的订单").format(days=span.days)
        )
    parts = {"now": rows["day"] > end - span, "before": (rows["day"] > year_ago - span) & (rows["day"] <= year_ago)}
    found = pd.DataFrame({"last": rows.groupby("account")["day"].max()})
    for name, part in parts.items():
        cells = rows[part].groupby("account")["amount"]
        found[f"orders_{name}"], found[f"amount_{name}"] = cells.size(), cells.sum()
    return found


def _lost_contacts(
    contacts: pd.DataFrame | None, end: pd.Timestamp, span: pd.Timedelta, account: str, left: str
) -> pd.Series:
    if contacts is None:
        return pd.Series([], dtype=object)
    inputs.frame(contacts, _("联系人表"), (account, left))
    went = pd.to_datetime(contacts[left])
    return contacts.loc[(went > end - span) & (went <= end), account]


# ---------------------------------------------------------------------------------------------------------- planning


@dataclass(frozen=True)
class Plan:
    """What an account plan is worth, made by :func:`plan_value`; ``float()`` gives the net present value.

    Attributes:
        npv: yuan today.
        years: DataFrame, index year 1, 2, …, with ``share`` (of wallet), ``extra_margin`` (yuan, times the chance of
            success), ``cost``, ``discounted`` (extra margin − cost, in yuan of today).
        break_even: chance of success (0-1 and beyond) at which the plan is worth 0.

    >>> float(plan_value(1000, 0.2, 0.4, margin=0.5, yearly_cost=0, years=1, discount=0.0, chance=0.5))
    50.0
    """

    npv: float
    years: pd.DataFrame
    break_even: float

    def __float__(self) -> float:
        return self.npv


def plan_value(
    potential: float,
    share_now: float,
    share_target: float,
    *,
    margin: float,
    yearly_cost: float,
    investment: float = 0.0,
    years: int = 3,
    discount: float = 0.1,
    chance: float = 1.0,
) -> Plan:
    """Value of a plan that raises the share of wallet from ``share_now`` to ``share_target`` in equal steps.

    Year t: share = share_now + (share_target − share_now) · t / years; extra margin = potential × (share − share_now)
    × margin × chance. NPV = −investment + Σ (extra margin − yearly_cost) / (1 + discount)ᵗ.

    Parameters
    ----------
    potential : what the account needs a year, yuan; share_now, share_target : shares of wallet, 0-1
    margin : share of turnover left after the cost of goods, 0-1; yearly_cost, investment : of the plan, yuan
    years : length; discount : a year; chance : that the plan succeeds, 0-1

    Returns
    -------
    Plan

    >>> plan = plan_value(1_000_000, 0.3, 0.5, margin=0.25, yearly_cost=10_000, investment=20_000, years=2, discount=0.1)
    >>> round(plan.npv, 2), round(plan.break_even, 3)
    (26694.21, 0.583)
    """
    need = inputs.number(potential, "potential", low=0)
    now = inputs.number(share_now, "share_now", low=0, high=1)
    goal = inputs.number(share_target, "share_target", low=0, high=1)
    rate = inputs.number(margin, "margin", low=0, high=1)
    cost = inputs.number(yearly_cost, "yearly_cost", low=0)
    spent = inputs.number(investment, "investment", low=0)
    count = inputs.whole(years, "years", low=1)
    interest = inputs.number(discount, "discount", above=-1)
    odds = inputs.number(chance, "chance", low=0, high=1)
    time = np.arange(1, count + 1)
    share = now + (goal - now) * time / count
    sure = need * (share - now) * rate
    factor = (1 + interest) ** -time.astype(float)
    table = pd.DataFrame(
        {"share": share, "extra_margin": sure * odds, "cost": cost, "discounted": (sure * odds - cost) * factor},
        index=pd.Index(time, name="year"),
    )
    gain, burden = float(sure @ factor), spent + cost * float(factor.sum())
    return Plan(gain * odds - burden, table, burden / gain if gain > 0 else float("nan"))
