"""RFM: when a customer last bought (recency), how often (frequency), for how much (monetary).

Source: A. M. Hughes, *Strategic Database Marketing*, Probus, 1994: customers are sorted by each of the three
measures and cut into five equal parts. Names of the eight segments: the usage of Chinese textbooks.

Mind the words: here recency counts backwards from the as-of date. The probability models of chapter 5 call
"recency" the time between the first and the last purchase, and leave the first purchase out of "frequency".
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

MEASURES = ("recency", "frequency", "monetary")
SCORES = ("r", "f", "m")
BINS = 5
HIGH = 4  # a score of 4 or 5 lies above 3, the mean of the scores 1 to 5

SEGMENTS = (
    _("重要价值客户"),
    _("重要发展客户"),
    _("重要保持客户"),
    _("重要挽留客户"),
    _("一般价值客户"),
    _("一般发展客户"),
    _("一般保持客户"),
    _("一般挽留客户"),
)


def rfm(
    purchases: pd.DataFrame,
    as_of: Any,
    *,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
) -> pd.DataFrame:
    """Recency, frequency and monetary value of every customer who bought.

    Parameters
    ----------
    purchases : DataFrame, one row a purchase, in any order (for example ``crmlab.data.purchases(shop)``)
    as_of : date-like, the day from which recency counts back; no purchase may be later
    customer, date, amount : names of the columns

    Returns
    -------
    DataFrame, one row a customer, index sorted by customer id, with
    ``recency`` (int, days from the last purchase to ``as_of``),
    ``frequency`` (int, number of different purchase days),
    ``monetary`` (float, sum of the amounts, in the unit of ``amount``: yuan).

    Raises
    ------
    CourseError : a column is missing, empty or of the wrong type, or a purchase lies after ``as_of``.

    >>> bought = pd.DataFrame({"customer_id": ["C1", "C1", "C2"], "amount": [80, 120, 50],
    ...                        "date": ["2025-12-01", "2025-12-20", "2025-11-01"]})
    >>> rfm(bought, "2025-12-31")
                 recency  frequency  monetary
    customer_id
    C1                11          2     200.0
    C2                60          1      50.0
    """
    inputs.frame(purchases, _("购买记录"), (customer, date, amount))
    last_day = inputs.day(as_of, _("截止日"))
    rows = pd.DataFrame(
        {
            "customer": inputs.ids(purchases, customer),
            "day": inputs.days(purchases, date),
            "amount": inputs.numbers(purchases, amount),
        }
    )
    refund = rows["amount"] < 0
    if refund.any():
        row = refund.idxmax()
        raise CourseError(
            _("列 {column} 第 {row} 行是负数 {value:g}：退款请从原订单里扣除，否则退款那天会被当成购买日").format(
                column=amount, row=row + 1, value=rows.loc[row, "amount"]
            )
        )
    late = rows["day"] > last_day
    if late.any():
        row = late.idxmax()
        raise CourseError(
            _(
                "列 {column} 第 {row} 行的日期 {value:%Y-%m-%d} 晚于截止日 {as_of:%Y-%m-%d}：请先筛掉截止日之后的购买，或改用更晚的截止日"
            ).format(column=date, row=row + 1, value=rows.loc[row, "day"], as_of=last_day)
        )
    codes, ids = pd.factorize(rows["customer"], sort=True)
    # A fixed order of addition: the same rows in another order give the same float.
    order = np.lexsort((rows["amount"], rows["day"], codes))
    groups = rows.iloc[order].groupby(codes[order], sort=True)
    return pd.DataFrame(
        {
            "recency": (last_day - groups["day"].max()).dt.days.astype("int64"),
            "frequency": groups["day"].nunique().astype("int64"),
            # Six decimals: far below a fen, enough to drop the noise of binary fractions that would split ties.
            "monetary": groups["amount"].sum().round(6),
        }
    ).set_axis(pd.Index(ids, name=customer))


def score(table: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """Scores from 1 to ``bins`` on each measure; the best, and the most recent, get ``bins``.

    Customers are sorted by id, ranked by the measure (ties in the order of their ids, ``rank(method="first")``)
    and the ranks are cut into ``bins`` equal parts with ``pandas.qcut``; for recency the labels run backwards.
    Equal parts of *ranks*, because equal parts of the raw values do not exist where many customers tie
    (half of a shop's customers bought once).

    Parameters
    ----------
    table : DataFrame as made by :func:`rfm`
    bins : number of parts, 2 to 10

    Returns
    -------
    DataFrame, columns ``r``, ``f``, ``m`` (int), same index and order as ``table``.

    >>> table = pd.DataFrame({"recency": [3, 90, 20, 200, 40], "frequency": [1, 1, 7, 2, 4],
    ...                       "monetary": [60, 90, 800, 950, 300]}, index=["C1", "C2", "C3", "C4", "C5"])
    >>> score(table)
        r  f  m
    C1  5  1  1
    C2  2  2  2
    C3  4  5  4
    C4  1  3  5
    C5  3  4  3
    """
    check_table(table)
    if not isinstance(bins, (int, np.integer)) or isinstance(bins, bool) or not 2 <= bins <= 10:
        raise CourseError(_("bins 应是 2 到 10 的整数，现在是 {bins!r}").format(bins=bins))
    if len(table) < bins:
        raise CourseError(
            _("只有 {n} 位客户，分不成 {bins} 档：请减小 bins 或使用更多客户").format(n=len(table), bins=bins)
        )
    ordered = table.sort_index()
    up = list(range(1, bins + 1))
    labels = {"recency": up[::-1], "frequency": up, "monetary": up}
    scores = {
        short: pd.qcut(ordered[measure].rank(method="first"), bins, labels=labels[measure]).astype("int64")
        for short, measure in zip(SCORES, MEASURES, strict=True)
    }
    return pd.DataFrame(scores).reindex(table.index)


def segment(scores: pd.DataFrame, high: int = HIGH) -> pd.Series:
    """The name of each customer's segment, one of :data:`SEGMENTS`.

    A score of at least ``high`` is high. 重要 / 一般 says whether M is high; the rest of the name says

    ====== ====== ====
    R      F      name
    ====== ====== ====
    high   high   价值
    high   low    发展
    low    high   保持
    low    low    挽留
    ====== ====== ====

    Parameters
    ----------
    scores : DataFrame with the columns ``r``, ``f``, ``m``
    high : lowest score that counts as high; 4 for scores 1 to 5 (above their mean, 3)

    Returns
    -------
    Series ``segment``, an ordered categorical with all eight names, same index as ``scores``.

    >>> scores = pd.DataFrame({"r": [5, 1, 4], "f": [5, 4, 2], "m": [5, 5, 2]}, index=["C1", "C2", "C3"])
    >>> segment(scores).to_dict()
    {'C1': '重要价值客户', 'C2': '重要保持客户', 'C3': '一般发展客户'}
    """
    inputs.frame(scores, _("评分表"), SCORES)
    return name_segments(*(inputs.numbers(scores, column).set_axis(scores.index) >= high for column in SCORES))


def name_segments(recent: pd.Series, frequent: pd.Series, valuable: pd.Series) -> pd.Series:
    """The segment of each customer from three yes/no Series: R high, F high, M high.

    >>> table = pd.DataFrame({"recency": [12, 200], "frequency": [1, 8], "monetary": [90, 2600]}, index=["C1", "C2"])
    >>> name_segments(table["recency"] <= 30, table["frequency"] >= 3, table["monetary"] >= 1000).to_dict()
    {'C1': '一般发展客户', 'C2': '重要保持客户'}
    """
    code = 4 * (~valuable).astype(int) + 2 * (~recent).astype(int) + (~frequent).astype(int)
    values = pd.Categorical.from_codes(code.to_numpy(), categories=list(SEGMENTS), ordered=True)
    return pd.Series(values, index=recent.index, name="segment")


def summary(table: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Size, worth and typical member of each group of customers.

    Parameters
    ----------
    table : DataFrame as made by :func:`rfm`
    groups : Series with the group of each customer (segments, tiers, clusters), same customers as ``table``

    Returns
    -------
    DataFrame, one row a group, columns ``customers``, ``share`` (of customers, 0-1), ``revenue`` (sum of monetary),
    ``revenue_share`` (0-1), ``recency``, ``frequency``, ``monetary`` (medians; missing for an empty group).
    Groups come in the order of the categories if ``groups`` is categorical, else sorted.

    >>> table = pd.DataFrame({"recency": [5, 9, 90], "frequency": [6, 2, 1], "monetary": [600, 200, 200]})
    >>> summary(table, pd.Series(["老客", "老客", "新客"]))[["customers", "revenue_share", "recency"]]
        customers  revenue_share  recency
    新客          1            0.2     90.0
    老客          2            0.8      7.0
    """
    check_table(table)
    groups = aligned(table, groups)
    cells = table.groupby(groups, sort=True, observed=False)
    revenue = cells["monetary"].sum()
    total = float(table["monetary"].sum())
    size = cells.size()
    return pd.DataFrame(
        {
            "customers": size,
            "share": size / len(table),
            "revenue": revenue,
            "revenue_share": revenue / total if total > 0 else 0.0,
            **{measure: cells[measure].median() for measure in MEASURES},
        }
    )


def aligned(table: pd.DataFrame, groups: pd.Series) -> pd.Series:
    """``groups`` in the row order of ``table``; a CourseError if a customer has no group.

    >>> table = pd.DataFrame({"monetary": [600, 200]}, index=["C1", "C2"])
    >>> aligned(table, pd.Series(["普通", "VIP"], index=["C2", "C1"])).to_list()
    ['VIP', '普通']
    """
    if not isinstance(groups, pd.Series):
        raise CourseError(_("分组应是以客户编号为索引的 Series，现在是 {kind}").format(kind=type(groups).__name__))
    if not groups.index.is_unique:
        raise CourseError(
            _("分组里客户 {value} 出现了不止一次：每位客户只能属于一组").format(value=_first_repeat(groups))
        )
    lost = table.index.difference(groups.index, sort=False)
    if len(lost):
        raise CourseError(
            _("有 {n} 位客户没有分组，例如 {value}：分组的索引应与 RFM 表相同").format(n=len(lost), value=lost[0])
        )
    return groups.reindex(table.index)


def check_table(table: Any, needs: Iterable[str] = MEASURES) -> None:
    """Raise a CourseError unless ``table`` has one row a customer and sound numbers in the columns ``needs``.

    >>> check_table(pd.DataFrame({"recency": [12, -3]}), needs=["recency"])
    Traceback (most recent call last):
        ...
    crmlab.errors.CourseError: 列 recency 第 2 行是负数 -3：这一列不应小于 0
    """
    inputs.frame(table, _("RFM 表"), tuple(needs))
    if not table.index.is_unique:
        raise CourseError(
            _("RFM 表里客户 {value} 出现了不止一次：索引应是客户编号，每位客户一行").format(value=_first_repeat(table))
        )
    for column in needs:
        numbers = inputs.numbers(table, column)
        if (numbers < 0).any():
            row = numbers.lt(0).idxmax()
            raise CourseError(
                _("列 {column} 第 {row} 行是负数 {value:g}：这一列不应小于 0").format(
                    column=column, row=row + 1, value=numbers[row]
                )
            )


def _first_repeat(frame: pd.Series | pd.DataFrame) -> Any:
    return frame.index[frame.index.duplicated()][0]
