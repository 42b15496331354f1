"""How unevenly value is spread over customers: ABC classes, Lorenz curve, Gini coefficient.

Sources: M. O. Lorenz, "Methods of Measuring the Concentration of Wealth", *Publications of the American
Statistical Association* 9 (70), 1905, 209-219; C. Gini, *Variabilità e mutabilità*, 1912.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

CLASSES = ("A", "B", "C")
_DIGITS = 12  # shares are compared after rounding: eight tenths must not be 0.7999999999999999


def abc_classes(values: pd.Series, cuts: tuple[float, float] = (0.8, 0.95)) -> pd.Series:
    """Class A, B or C of every customer.

    Customers are sorted by value, highest first, ties by id. A customer is A while the cumulative share of value
    *before* that customer is below ``cuts[0]``, B below ``cuts[1]``, else C; so the customer who carries the sum over
    80 % still belongs to A.

    Parameters
    ----------
    values : Series of value per customer (yuan, not negative), index customer id
    cuts : two shares, 0 < first < second < 1

    Returns
    -------
    Series ``abc``, an ordered categorical A, B, C, same index and order as ``values``.

    >>> abc_classes(pd.Series({"C1": 4, "C2": 70, "C3": 20, "C4": 6})).to_dict()  # before them: 96, 0, 70, 90 %
    {'C1': 'C', 'C2': 'A', 'C3': 'A', 'C4': 'B'}
    """
    series = _values(values)
    first, second = _cuts(cuts)
    ranked = series.sort_index().sort_values(ascending=False, kind="stable")
    before = (ranked.cumsum().shift(fill_value=0.0) / ranked.sum()).round(_DIGITS)
    codes = (before >= first).astype(int) + (before >= second).astype(int)
    classes = pd.Categorical.from_codes(codes.to_numpy(), categories=list(CLASSES), ordered=True)
    return pd.Series(classes, index=ranked.index, name="abc").reindex(series.index)


def lorenz(values: pd.Series) -> pd.DataFrame:
    """The Lorenz curve: what share of all value the poorest share of customers holds.

    Returns
    -------
    DataFrame with n + 1 rows, columns ``customers`` and ``value``: cumulative shares (0-1) from the customer with the
    least value on, first row 0, 0, last row 1, 1.

    >>> lorenz(pd.Series([50, 10, 30, 10]))
       customers  value
    0       0.00    0.0
    1       0.25    0.1
    2       0.50    0.2
    3       0.75    0.5
    4       1.00    1.0
    """
    amounts = np.sort(_values(values).to_numpy())
    total = np.concatenate([[0.0], np.cumsum(amounts)])
    return pd.DataFrame({"customers": np.linspace(0, 1, len(total)), "value": total / total[-1]})


def gini(values: pd.Series) -> float:
    """Gini coefficient: 0 if all customers are worth the same, near 1 if one holds everything.

    G = Σ (2i − n − 1) xᵢ / (n Σ xᵢ), x sorted ascending, i = 1..n: twice the area between the diagonal and the
    Lorenz curve. With n customers its largest possible value is (n − 1) / n.

    >>> gini(pd.Series([25, 25, 25, 25])), gini(pd.Series([0, 0, 0, 100]))
    (0.0, 0.75)
    """
    amounts = np.sort(_values(values).to_numpy())
    n = len(amounts)
    return float(np.sum((2 * np.arange(1, n + 1) - n - 1) * amounts) / (n * amounts.sum()))


def top_share(values: pd.Series, share: float = 0.2) -> float:
    """Share of all value (0-1) that the top ``share`` of customers holds.

    Read off the Lorenz curve, between two customers by straight line, so that a fifth of 5,003 customers needs
    no rounding.

    >>> top_share(pd.Series([80, 5, 5, 5, 5]), 0.2)
    0.8
    """
    if not _is_number(share) or not 0 < share < 1:
        raise CourseError(_("share 应在 0 和 1 之间，例如 0.2，现在是 {share!r}").format(share=share))
    curve = lorenz(values)
    return float(1 - np.interp(1 - share, curve["customers"], curve["value"]))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _cuts(cuts: Any) -> tuple[float, float]:
    if (
        not isinstance(cuts, Sequence | np.ndarray)
        or len(cuts) != 2
        or not all(map(_is_number, cuts))
        or not 0 < cuts[0] < cuts[1] < 1
    ):
        raise CourseError(
            _("cuts 应是两个由小到大、在 0 和 1 之间的数，例如 (0.8, 0.95)，现在是 {cuts!r}").format(cuts=cuts)
        )
    return float(cuts[0]), float(cuts[1])


def _values(values: Any) -> pd.Series:
    """Checked values as floats, index kept; a CourseError names the first bad customer."""
    if isinstance(values, pd.DataFrame):
        raise CourseError(_('这里要一列数值（Series），现在是整张表：请选一列，例如 table["monetary"]'))
    raw = pd.Series(values)
    if raw.empty:
        raise CourseError(_("没有一个客户的数值：请检查前面的筛选条件"))
    if not raw.index.is_unique:
        raise CourseError(_("客户 {id} 出现了不止一次：请先按客户汇总").format(id=raw.index[raw.index.duplicated()][0]))
    series = pd.to_numeric(raw, errors="coerce").astype("float64")
    bad = ~np.isfinite(series)
    if bad.any():
        row = bad.idxmax()
        raise CourseError(
            _("客户 {id} 的数值 {value} 不是有限的数：请先补上或去掉").format(id=row, value=inputs.shown(raw[row]))
        )
    if (series < 0).any():
        row = (series < 0).idxmax()
        raise CourseError(
            _("客户 {id} 的数值是负数 {value:g}：累计占比只对不小于 0 的数有意义").format(id=row, value=series[row])
        )
    if series.sum() <= 0:
        raise CourseError(_("所有客户的数值都是 0：没有可以分配的占比"))
    return series
