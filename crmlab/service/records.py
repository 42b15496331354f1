"""The check that records of orders and of complaints share: rows that contradict themselves."""

import numpy as np
import pandas as pd

from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["refuse_row"]


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
