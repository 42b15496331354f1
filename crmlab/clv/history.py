"""From orders to what the value models need: histories, what came after, cohorts."""

from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["cohorts", "holdout_from_orders", "summary_from_orders"]

_DAYS_PER_WEEK = 7.0


def summary_from_orders(
    orders: pd.DataFrame,
    cutoff: Any,
    *,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    days_per_period: float = _DAYS_PER_WEEK,
) -> pd.DataFrame:
    """The purchase history of every customer, as the probability models want it.

    Time runs from a customer's first purchase; several orders on one day are one purchase. Orders after ``cutoff`` are
    left out (they are the holdout). Mind the words: ``t_x`` is *not* the recency of RFM, and ``x`` is one less than its
    frequency.

    Parameters
    ----------
    orders : DataFrame, one row an order, in any order (for example ``crmlab.data.purchases(shop)``)
    cutoff : date-like, last day observed
    customer, date, amount : names of the columns
    days_per_period : length of the time unit in days; 7: weeks

    Returns
    -------
    DataFrame, one row a customer who bought until ``cutoff``, index sorted by customer id, with
    ``x`` (int, repeat purchases: purchase days after the first),
    ``t_x`` (float, from the first to the last purchase, 0 if there is only one),
    ``T`` (float, from the first purchase to ``cutoff``),
    ``monetary`` (float, mean spend on a repeat purchase day, yuan; missing where x is 0).

    Raises
    ------
    CourseError : a column is missing or unsound, or nobody bought until ``cutoff``.

    >>> orders = pd.DataFrame({
    ...     "customer_id": ["C1", "C1", "C1", "C2"], "amount": [20.0, 30, 50, 9],
    ...     "date": ["2025-01-01", "2025-01-15", "2025-01-29", "2025-02-01"]})
    >>> summary_from_orders(orders, "2025-02-05")
                 x  t_x         T  monetary
    customer_id
    C1           2  4.0  5.000000      40.0
    C2           0  0.0  0.571429       NaN
    """
    unit = inputs.number(days_per_period, "days_per_period", above=0)
    end = inputs.day(cutoff, "cutoff")
    days = _purchase_days(orders, customer, date, amount)
    days = days[days["day"] <= end]
    if days.empty:
        raise CourseError(_("截止日 {cutoff:%Y-%m-%d} 之前没有一笔购买：请改用更晚的截止日").format(cutoff=end))
    groups = days.groupby("customer")
    first, last = groups["day"].min(), groups["day"].max()
    x = groups.size() - 1
    opening = groups["amount"].first()  # rows run by customer and day
    spent = groups["amount"].sum() - opening
    return pd.DataFrame(
        {
            "x": x,
            "t_x": (last - first).dt.days / unit,
            "T": (end - first).dt.days / unit,
            "monetary": (spent / x.where(x > 0)).round(6),
        }
    ).rename_axis(customer)


def holdout_from_orders(
    orders: pd.DataFrame,
    cutoff: Any,
    until: Any,
    *,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
) -> pd.DataFrame:
    """What the customers known at ``cutoff`` did after it: what a forecast is held against.

    Returns
    -------
    DataFrame, one row a customer who bought until ``cutoff``, index sorted by customer id, with ``purchases`` (int,
    purchase days after ``cutoff`` up to ``until``) and ``amount`` (float, spend on them, yuan).

    >>> orders = pd.DataFrame({
    ...     "customer_id": ["C1", "C1", "C2"], "amount": [20.0, 30, 9],
    ...     "date": ["2025-01-01", "2025-02-15", "2025-01-09"]})
    >>> holdout_from_orders(orders, "2025-01-31", "2025-03-31")
                 purchases  amount
    customer_id
    C1                   1    30.0
    C2                   0     0.0
    """
    start, end = inputs.day(cutoff, "cutoff"), inputs.day(until, "until")
    if end <= start:
        raise CourseError(
            _("until（{until:%Y-%m-%d}）应晚于 cutoff（{cutoff:%Y-%m-%d}）").format(until=end, cutoff=start)
        )
    days = _purchase_days(orders, customer, date, amount)
    known = np.sort(days.loc[days["day"] <= start, "customer"].unique())
    after = days[(days["day"] > start) & (days["day"] <= end)].groupby("customer")["amount"]
    found = pd.DataFrame({"purchases": after.size(), "amount": after.sum().round(6)})
    found = found.reindex(pd.Index(known, name=customer), fill_value=0)
    return found.astype({"purchases": "int64", "amount": "float64"})


def cohorts(
    orders: pd.DataFrame,
    period: str = "M",
    measure: str = "customers",
    *,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
) -> pd.DataFrame:
    """Customers grouped by the period of their first purchase, followed period by period.

    Parameters
    ----------
    period : "M" month, "Q" quarter, "Y" year
    measure : "customers" (how many bought in that period) or "amount" (what they spent, yuan)

    Returns
    -------
    DataFrame, one row a cohort (index ``cohort``), one column an age (0, 1, 2, ... periods after the first purchase);
    missing where the data end before a cohort reaches that age. ``table.div(table[0], axis=0)`` gives shares.

    >>> orders = pd.DataFrame({
    ...     "customer_id": ["C1", "C1", "C2"], "amount": [20.0, 30, 9],
    ...     "date": ["2025-01-01", "2025-02-15", "2025-02-09"]})
    >>> cohorts(orders).astype("Int64")
    age      0     1
    cohort
    2025-01  1     1
    2025-02  1  <NA>
    """
    inputs.choice(period, "period", ("M", "Q", "Y"))
    inputs.choice(measure, "measure", ("customers", "amount"))
    days = _purchase_days(orders, customer, date, amount)
    when = days["day"].dt.to_period(period)
    cohort = when.groupby(days["customer"]).transform("min")
    number = when.astype("int64") - cohort.astype("int64")  # periods count on from 1970
    cells = days.groupby([cohort.rename("cohort"), number.rename("age")])
    found = (cells["customer"].nunique() if measure == "customers" else cells["amount"].sum()).unstack()
    everyone = pd.period_range(cohort.min(), when.max(), freq=period, name="cohort")
    ages = pd.RangeIndex(len(everyone), name="age")
    table = found.reindex(index=everyone, columns=ages).fillna(0.0)
    seen = np.add.outer(np.arange(len(everyone)), np.arange(len(everyone))) < len(everyone)
    return table.where(seen)[lambda rows: rows[0] > 0]


def _purchase_days(orders: pd.DataFrame, customer: str, date: str, amount: str) -> pd.DataFrame:
    """One row a customer and day with the day's spend, sorted by both."""
    inputs.frame(orders, _("购买记录"), (customer, date, amount))
    rows = pd.DataFrame(
        {
            "customer": inputs.ids(orders, customer),
            "day": inputs.days(orders, date),
            "amount": inputs.numbers(orders, amount, low=0),
        }
    )
    # A fixed order of addition: the same rows in another order give the same float.
    rows = rows.sort_values(["customer", "day", "amount"])
    return rows.groupby(["customer", "day"], as_index=False)["amount"].sum()
