"""Checks that records of orders and of complaints share: points in time, and rows that contradict themselves."""

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["moments", "refuse_row"]


def moments(values: pd.Series, name: str, *, gaps: bool = False) -> pd.Series:
    """A column as points in time without time zone, with a fresh index 0, 1, ...

    Parameters
    ----------
    values : text or times
    name : what the column is called, for the message
    gaps : missing values, also empty text, may stand (not yet delivered, not yet answered)

    Raises
    ------
    CourseError : at the first value that is no time or, without ``gaps``, missing; rows counted from 1.

    Examples
    --------
    >>> moments(pd.Series(["2025-03-02 18:00", ""]), "delivered_at", gaps=True).to_list()
    [Timestamp('2025-03-02 18:00:00'), NaT]
    """
    values = values.reset_index(drop=True)
    found = pd.to_datetime(values, errors="coerce", format="mixed")
    empty = values.isna() | values.eq("")
    bad = found.isna() & ~(empty & gaps)
    bad |= values.map(lambda value: isinstance(value, (int, float, np.number)) and value == value)  # no nanoseconds
    if bad.any():
        row = int(np.argmax(bad.to_numpy()))
        raise CourseError(
            _("列 {column} 第 {row} 行的 {value} 不是时间：请写成 2025-12-31 18:00 这样的形式").format(
                column=name, row=row + 1, value=inputs.shown(values[row])
            )
        )
    return found.dt.tz_localize(None)


def refuse_row(bad: pd.Series, name: str, what: str) -> None:
    """A CourseError about the first row that is ``bad``, if there is one.

    Examples
    --------
    >>> refuse_row(pd.Series([False, True]), "units_shipped", "多于订购的数量")
    Traceback (most recent call last):
    crmlab.errors.CourseError: 列 units_shipped 第 2 行多于订购的数量：请改正或去掉这一行
    """
    if bad.any():
        raise CourseError(
            _("列 {column} 第 {row} 行{what}：请改正或去掉这一行").format(
                column=name, row=int(np.argmax(bad.to_numpy())) + 1, what=what
            )
        )
