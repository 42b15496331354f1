"""How many customers leave.

Two kinds of leaving. With a contract the day of leaving is known: churn is the share of those active at the start of
a period who leave in it, new joins left out. Without a contract nobody says goodbye: a customer counts as lapsed after
a declared window without purchase.

Sources: P. S. Fader & B. G. S. Hardie, "How to Project Customer Retention", *Journal of Interactive Marketing* 21 (1),
2007, 76-90 (retention of a cohort under contract); D. C. Schmittlein, D. G. Morrison, R. Colombo, "Counting Your
Customers: Who Are They and What Will They Do Next?", *Management Science* 33 (1), 1987, 1-24 (customers without one).
"""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.churn.checks import NEVER, spells
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["annual_rate", "churn_by_period", "churn_rate", "lapsed", "monthly_rate", "retention_table"]


def churn_rate(active_at_start: Any, lost: Any) -> float:
    """Churn rate of one period: lost in the period ÷ active at its start.

    Those who joined during the period stand neither above nor below the line, even if they left again.

    Parameters
    ----------
    active_at_start : number of customers active when the period begins, above 0
    lost : how many *of these* left before its end

    Returns
    -------
    float, 0 to 1.

    Raises
    ------
    CourseError : no number, negative, or more lost than there were.

    >>> churn_rate(7043, 1869)
    0.2653698...
    """
    start = inputs.number(active_at_start, "active_at_start", above=0)
    gone = inputs.number(lost, "lost", low=0)
    if gone > start:
        raise CourseError(
            _("lost（{lost:g}）多于期初客户数（{start:g}）：期内新加入又离开的客户不计入，请先剔除").format(
                lost=gone, start=start
            )
        )
    return gone / start


def annual_rate(monthly: Any) -> float:
    """Yearly churn from a constant monthly churn: 1 − (1 − m)¹², not 12 m.

    >>> round(annual_rate(0.05), 4)
    0.4596
    """
    return 1 - (1 - inputs.number(monthly, "monthly", low=0, high=1)) ** 12


def monthly_rate(annual: Any) -> float:
    """Constant monthly churn that gives a yearly churn: 1 − (1 − a)^(1/12).

    >>> round(monthly_rate(0.4596), 4)
    0.05
    """
    return float(1 - (1 - inputs.number(annual, "annual", low=0, high=1)) ** (1 / 12))


def churn_by_period(joined: Any, left: Any, periods: Any = "M") -> pd.DataFrame:
    """Contractual churn of each period.

    A member is active at the start ``s`` of a period if joined < s and not left before s; ``left`` is the first day
    without membership, so leaving on day s belongs to the period that begins at s.

    Parameters
    ----------
    joined : dates of joining, one a member
    left : dates of leaving in the same order, missing for those who are still members
    periods : "M", "Q", "Y" (from the first joining to the last day seen), a PeriodIndex, or the n + 1 ascending dates
        that bound n periods; a last month that has only begun shows too little churn

    Returns
    -------
    DataFrame, one row a period, index the period (or its first day), columns ``active_at_start``, ``joined``,
    ``lost`` (of those active at the start), ``left_again`` (joined and left within the period), ``active_at_end``
    (int) and ``churn_rate`` (0-1, missing while nobody was active at the start).

    Raises
    ------
    CourseError : a date is no date, a member left before joining, or the periods are not ascending.

    >>> table = churn_by_period(["2025-01-10", "2025-01-20", "2025-02-03"], ["2025-02-15", None, "2025-02-20"])
    >>> table.loc["2025-02"].to_dict()
    {'active_at_start': 2.0, 'joined': 1.0, 'lost': 1.0, 'left_again': 1.0, 'active_at_end': 1.0, 'churn_rate': 0.5}
    """
    since, until = spells(joined, left)
    index, edges = _edges(periods, since, until)
    rows = []
    for begin, end in pairwise(edges):
        active, new = (since < begin) & (until >= begin), (since >= begin) & (since < end)
        gone = until < end
        rows.append(
            (active.sum(), new.sum(), (active & gone).sum(), (new & gone).sum(), ((active | new) & ~gone).sum())
        )
    columns = ["active_at_start", "joined", "lost", "left_again", "active_at_end"]
    table = pd.DataFrame(rows, index=index, columns=columns)
    return table.assign(churn_rate=table["lost"] / table["active_at_start"].where(table["active_at_start"] > 0))


def _edges(periods: Any, since: pd.Series, until: pd.Series) -> tuple[pd.Index, list[pd.Timestamp]]:
    """Index of the periods and the n + 1 days that bound them."""
    if isinstance(periods, str):
        inputs.choice(periods, "periods", ("M", "Q", "Y"))
        periods = pd.period_range(since.min(), pd.concat([since, until[until < NEVER]]).max(), freq=periods)
    if isinstance(periods, pd.PeriodIndex):
        return periods, [*periods.start_time, periods[-1].end_time.normalize() + pd.Timedelta(days=1)]
    edges = inputs.days(pd.DataFrame({"periods": list(periods)}), "periods")
    if len(edges) < 2 or not edges.is_monotonic_increasing or not edges.is_unique:
        raise CourseError(_('periods 应是 "M"、"Q"、"Y" 之一，或至少两个由早到晚、互不相同的日期'))
    return pd.DatetimeIndex(edges[:-1], name="start"), list(edges)


def retention_table(joined: Any, left: Any, until: Any, freq: str = "M") -> pd.DataFrame:
    """Cohort retention: of those who joined in one period, the share still members k months after joining.

    Month k counts from each member's own day of joining. A cell is missing unless the *whole* cohort has been watched
    that long on ``until``: otherwise late joiners, who had no time to leave, would embellish it.

    Parameters
    ----------
    joined, left : as in :func:`churn_by_period`
    until : last day that the data cover
    freq : "M", "Q" or "Y": how joining dates are gathered into cohorts

    Returns
    -------
    DataFrame, one row a cohort (PeriodIndex), columns ``customers`` (int) and 0, 1, 2, ... (share 0-1).

    Raises
    ------
    CourseError : as in :func:`churn_by_period`; somebody joined after ``until``.

    >>> retention_table(["2025-01-05", "2025-01-20"], ["2025-02-05", None], "2025-03-31")
             customers    0    1    2
    joined
    2025-01          2  1.0  0.5  0.5
    """
    since, gone = spells(joined, left)
    last = inputs.day(until, "until")
    if (since > last).any():
        row = int(np.argmax(since > last))
        raise CourseError(
            _("第 {row} 位客户的加入日期 {value:%Y-%m-%d} 晚于 until {last:%Y-%m-%d}：请改用更晚的 until").format(
                row=row + 1, value=since[row], last=last
            )
        )
    cohort = since.dt.to_period(inputs.choice(freq, "freq", ("M", "Q", "Y"))).rename("joined")
    sizes = since.groupby(cohort).size().rename("customers")
    shares: dict[int, pd.Series] = {}
    for k in range(1 + (last.to_period("M") - since.min().to_period("M")).n):
        birthday = since + pd.DateOffset(months=k)
        seen = (birthday <= last).groupby(cohort).all()
        if not seen.any():
            break
        shares[k] = (gone > birthday).groupby(cohort).mean().where(seen) if k else seen.map({True: 1.0})
    return pd.concat([sizes, pd.DataFrame(shares)], axis=1)


def lapsed(
    purchases: pd.DataFrame, as_of: Any, window: int, *, customer: str = "customer_id", date: str = "date"
) -> pd.Series:
    """Non-contractual churn: no purchase in the last ``window`` days (recency > window).

    The window is a choice, to be declared; a probability model gives the other answer, P(alive) < 0.5
    (``crmlab.clv``).

    Parameters
    ----------
    purchases : DataFrame, one row a purchase
    as_of : day from which recency counts back; later purchases are not looked at
    window : days, at least 1
    customer, date : names of the columns

    Returns
    -------
    Series ``lapsed`` (bool), index customer id, sorted.

    >>> bought = pd.DataFrame({"customer_id": ["C1", "C2"], "date": ["2025-12-01", "2025-06-01"]})
    >>> lapsed(bought, "2025-12-31", 90).to_dict()
    {'C1': False, 'C2': True}
    """
    table = inputs.frame(purchases, _("购买记录"), (customer, date))
    days, ids = inputs.days(table, date), inputs.ids(table, customer)
    last, window = inputs.day(as_of, _("截止日")), inputs.whole(window, "window", low=1)
    seen = days <= last
    if not seen.any():
        raise CourseError(_("截止日 {day:%Y-%m-%d} 以前没有一次购买：请改用更晚的截止日").format(day=last))
    latest = days[seen].groupby(ids[seen]).max()
    return ((last - latest).dt.days > window).rename("lapsed").rename_axis(customer)
