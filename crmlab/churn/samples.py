"""The table to learn from: what was known about each customer on a day, and who left after it.

Source: S. Kaufman, S. Rosset, C. Perlich, O. Stitelman, "Leakage in Data Mining", *ACM Transactions on Knowledge
Discovery from Data* 6 (4), 2012 (what is learned from must be known before what is predicted).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.churn.checks import Array, spells
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["features", "label", "label_members", "time_split"]


def features(
    events: pd.DataFrame,
    cutoff: Any,
    *,
    windows: Sequence[int] = (30, 90, 180),
    joined: pd.Series | None = None,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    kind: str | None = None,
) -> pd.DataFrame:
    """What was known about each customer at the cutoff: only rows dated before it are used.

    For every kind of event, with w one of the ``windows`` (days before the cutoff):

    ``recency``     days from the last event to the cutoff; ``tenure`` if there was none
    ``count_w``     number of events in the last w days
    ``amount_w``    sum of their amounts (money, points, logins of a month, ...), if the kind has amounts
    ``trend``       (a − b) / (a + b), a and b the last window and the one before it (the shortest w; amounts if the
                    kind has them, else counts): −1 fell silent, 0 unchanged, 1 new

    and once ``tenure``, days since joining (or since the first event). With ``kind`` the names are led by the kind:
    ``purchase_recency``, ``complaint_count_90``.

    Parameters
    ----------
    events : DataFrame, one row an event, any order; tables of different kinds are put together with ``pd.concat``
    cutoff : day at whose start the features are taken
    windows : lengths in days, ascending
    joined : Series of joining dates by customer id. Its customers who joined before the cutoff make up the rows, also
        those without any event; without it, the customers with an event before the cutoff
    customer, date, amount, kind : names of the columns; the column ``amount`` may be absent or have gaps

    Returns
    -------
    DataFrame of floats without gaps, one row a customer, index customer id, sorted.

    Raises
    ------
    CourseError : a column is missing or unsound, or nothing lies before the cutoff.

    >>> log = pd.DataFrame({"customer_id": ["C1", "C1", "C1"], "date": ["2025-05-02", "2025-06-21", "2025-07-01"],
    ...                     "amount": [80.0, 60.0, 999.0]})
    >>> features(log, "2025-07-01", windows=[30]).loc["C1"].to_dict()
    {'tenure': 60.0, 'recency': 10.0, 'count_30': 1.0, 'amount_30': 60.0, 'trend': -0.142857...}
    """
    at, spans = inputs.day(cutoff, _("截止日")), _windows(windows)
    log = _event_log(events, customer, date, amount, kind)
    past = log[log["day"] < at]
    tenure = _tenure(past, at, joined).rename_axis(customer)
    # Customers as row numbers: adding up by number is ten times faster than by name
    past = past.assign(row=tenure.index.get_indexer(past["customer"]), age=(at - past["day"]).dt.days)
    past = past[past["row"] >= 0]
    parts: list[pd.Series | pd.DataFrame] = [tenure]
    for name in sorted(log["kind"].unique()):
        has_amounts = log.loc[log["kind"] == name, "amount"].notna().any()
        part = _one_kind(past[past["kind"] == name], tenure, spans, has_amounts)
        parts.append(part.add_prefix(f"{name}_") if kind is not None else part)
    return pd.concat(parts, axis=1).astype("float64")


def _windows(windows: Any) -> list[int]:
    spans = [int(w) for w in inputs.vector(list(windows), "windows", low=1)]
    if spans != sorted(set(spans)):
        raise CourseError(_("windows 应由小到大、互不相同，现在是 {windows}").format(windows=list(windows)))
    return spans


def _event_log(events: Any, customer: str, date: str, amount: str | None, kind: str | None) -> pd.DataFrame:
    """The events with fixed names: customer, day, amount (may be missing), kind."""
    table = inputs.frame(events, _("事件表"), [customer, date, *([kind] if kind else [])])
    log = pd.DataFrame({"customer": inputs.ids(table, customer), "day": inputs.days(table, date)})
    log["kind"] = inputs.ids(table, kind) if kind else ""
    if amount is None or amount not in table.columns:
        return log.assign(amount=np.nan)
    given = table[amount].notna().to_numpy()
    checked = inputs.numbers(table[[amount]].astype(object).fillna(0.0), amount)
    return log.assign(amount=checked.where(given))


def _tenure(past: pd.DataFrame, at: pd.Timestamp, joined: pd.Series | None) -> pd.Series:
    """Days since joining of the customers known at the cutoff, index sorted."""
    if joined is None:
        first = past.groupby("customer")["day"].min()
    else:
        table = pd.DataFrame({"customer_id": joined.index.to_numpy(), "joined": joined.to_numpy()})
        first = pd.Series(
            inputs.days(table, "joined").to_numpy(), index=pd.Index(inputs.ids(table, "customer_id", unique=True))
        ).sort_index()
        first = first[first < at]
    if first.empty:
        raise CourseError(_("截止日 {day:%Y-%m-%d} 以前没有任何客户：请改用更晚的截止日").format(day=at))
    return (at - first).dt.days.rename("tenure")


def _one_kind(past: pd.DataFrame, tenure: pd.Series, spans: list[int], has_amounts: bool) -> pd.DataFrame:
    """The features of one kind of event, from its rows of ``past``: ``row`` of the customer, ``age``, ``amount``."""
    row, age, amount = (past[column].to_numpy() for column in ("row", "age", "amount"))
    once, paid = np.ones(len(past)), np.nan_to_num(amount)

    def total(low: int, high: int, weights: Array) -> Array:
        inside = (age > low) & (age <= high)
        return np.bincount(row[inside], weights[inside], len(tenure)).astype(float).round(6)

    recency = tenure.to_numpy(dtype=float, copy=True)
    np.minimum.at(recency, row, age)
    columns = {"recency": recency}
    for span in spans:
        columns[f"count_{span}"] = total(0, span, once)
        if has_amounts:
            columns[f"amount_{span}"] = total(0, span, paid)
    weights, short = paid if has_amounts else once, spans[0]
    now, before = total(0, short, weights), total(short, 2 * short, weights)
    both = np.abs(now) + np.abs(before)
    columns["trend"] = np.divide(now - before, both, out=np.zeros(len(tenure)), where=both > 0)
    return pd.DataFrame(columns, index=tenure.index)


def label(
    events: pd.DataFrame,
    cutoff: Any,
    horizon: int,
    *,
    until: Any = None,
    customer: str = "customer_id",
    date: str = "date",
) -> pd.Series:
    """Non-contractual label: 1 if a customer who had bought before does not buy from the cutoff on for ``horizon`` days.

    Parameters
    ----------
    events : DataFrame, one row a purchase
    cutoff : first day that the label looks at
    horizon : days, at least 1
    until : last day that the data cover; by default the day of the last event
    customer, date : names of the columns

    Returns
    -------
    Series ``churn`` (int, 1 or 0), index customer id, sorted: those with an event before the cutoff.

    Raises
    ------
    CourseError : the horizon reaches beyond the data (nobody could yet have come back), or no event before the cutoff.

    >>> log = pd.DataFrame({"customer_id": ["C1", "C2", "C1"], "date": ["2025-01-05", "2025-01-06", "2025-02-10"]})
    >>> label(log, "2025-02-01", 10).to_dict()
    {'C1': 0, 'C2': 1}
    """
    log = _event_log(events, customer, date, None, None)
    at, end = _future(cutoff, horizon, log["day"].max() if until is None else until)
    known = np.sort(log.loc[log["day"] < at, "customer"].unique())
    if not len(known):
        raise CourseError(_("截止日 {day:%Y-%m-%d} 以前没有任何事件：请改用更晚的截止日").format(day=at))
    back = log.loc[(log["day"] >= at) & (log["day"] < end), "customer"].unique()
    return pd.Series((~np.isin(known, back)).astype("int64"), index=pd.Index(known, name=customer), name="churn")


def label_members(
    members: pd.DataFrame,
    cutoff: Any,
    horizon: int,
    *,
    until: Any = None,
    customer: str = "customer_id",
    joined: str = "joined_at",
    left: str = "left_at",
) -> pd.Series:
    """Contractual label: 1 if a member who is active at the cutoff leaves within ``horizon`` days from it.

    Active: joined before the cutoff and not left before it. The others get no label: who has left cannot be warned.

    Parameters
    ----------
    members : DataFrame, one row a member, ``left`` missing for those who stay
    cutoff, horizon : as in :func:`label`
    until : last day that the data cover, to make sure that the horizon ends within them; unchecked by default
    customer, joined, left : names of the columns

    Returns
    -------
    Series ``churn`` (int, 1 or 0), index customer id, sorted.

    >>> club = pd.DataFrame({"customer_id": ["M1", "M2", "M3"], "joined_at": ["2025-01-01"] * 3,
    ...                      "left_at": ["2025-06-10", None, "2025-03-01"]})
    >>> label_members(club, "2025-06-01", 30).to_dict()
    {'M1': 1, 'M2': 0}
    """
    table = inputs.frame(members, _("会员表"), (customer, joined, left))
    ids = inputs.ids(table, customer, unique=True)
    since, gone = spells(table[joined], table[left])
    at, end = _future(cutoff, horizon, until)
    active = (since < at) & (gone >= at)
    if not active.any():
        raise CourseError(_("截止日 {day:%Y-%m-%d} 没有一位在籍会员：请换一个截止日").format(day=at))
    index = pd.Index(ids[active], name=customer)
    return pd.Series((gone < end)[active].astype("int64").to_numpy(), index=index, name="churn").sort_index()


def _future(cutoff: Any, horizon: int, until: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First day of the label's window and the day after its last."""
    at, days = inputs.day(cutoff, _("截止日")), inputs.whole(horizon, "horizon", low=1)
    end = at + pd.Timedelta(days=days)
    if until is not None and end - pd.Timedelta(days=1) > (last := inputs.day(until, "until")):
        raise CourseError(
            _(
                "标签要看到 {end:%Y-%m-%d}，数据只到 {last:%Y-%m-%d}：还没发生的事会被误当成流失，请提前截止日或缩短 horizon"
            ).format(end=end - pd.Timedelta(days=1), last=last)
        )
    return at, end


def time_split(
    table: pd.DataFrame, at: Any, horizon: int, *, date: str = "cutoff"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and later rows to test on, as time would have it.

    A row with cutoff c is labelled only at c + ``horizon``. To be learned from at ``at`` its label must be complete by
    then: training rows have c + horizon <= at, test rows c >= at; rows in between are left out of both.

    Parameters
    ----------
    table : DataFrame with a column of cutoff days, one row a customer and cutoff
    at : day on which the model is built
    horizon : days that the label looks ahead
    date : name of the column

    Returns
    -------
    train, test : DataFrames with the index of ``table``

    >>> rows = pd.DataFrame({"cutoff": ["2025-01-01", "2025-03-01", "2025-04-01"]})
    >>> [len(part) for part in time_split(rows, "2025-04-01", 60)]
    [1, 1]
    """
    days = inputs.days(inputs.frame(table, _("样本表"), (date,)), date)
    now, gap = inputs.day(at, "at"), pd.Timedelta(days=inputs.whole(horizon, "horizon", low=1))
    train, test = (days + gap <= now).to_numpy(), (days >= now).to_numpy()
    for rows, name in ((train, _("训练")), (test, _("测试"))):
        if not rows.any():
            raise CourseError(
                _(
                    "以 {day:%Y-%m-%d} 切分后没有{part}样本：列 {column} 从 {first:%Y-%m-%d} 到 {last:%Y-%m-%d}，请换一天"
                ).format(day=now, part=name, column=date, first=days.min(), last=days.max())
            )
    return table[train], table[test]
