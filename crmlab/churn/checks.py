"""What the files of this package share: sound spells of membership."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["NEVER", "spells"]

Array = NDArray[np.float64]

NEVER = pd.Timestamp("2262-01-01")  # stands for "has not left"


def spells(joined: Any, left: Any) -> tuple[pd.Series, pd.Series]:
    """Days of joining and leaving, :data:`NEVER` for those who stay; rows in the given order.

    >>> since, until = spells(["2025-01-10", "2025-02-03"], ["2025-02-15", None])
    >>> (until < NEVER).tolist()
    [True, False]
    """
    raw, given = pd.Series(joined).reset_index(drop=True), pd.Series(left).reset_index(drop=True)
    if len(raw) != len(given):
        raise CourseError(_("joined 有 {a} 个日期，left 有 {b} 个：两列应一一对应").format(a=len(raw), b=len(given)))
    table = inputs.frame(pd.DataFrame({"joined": raw, "left": _filled(given)}), _("会员表"))
    since, until = inputs.days(table, "joined"), inputs.days(table, "left")
    early = until < since
    if early.any():
        row = int(np.argmax(early))
        raise CourseError(
            _("第 {row} 位客户的离开日期 {left:%Y-%m-%d} 早于加入日期 {joined:%Y-%m-%d}：请先核对").format(
                row=row + 1, left=until[row], joined=since[row]
            )
        )
    return since, until


def _filled(left: pd.Series) -> pd.Series:
    """The days of leaving, :data:`NEVER` in the gaps, in the type that the others have."""
    if pd.api.types.is_datetime64_any_dtype(left):
        return left.dt.tz_localize(None).fillna(NEVER)
    return left.astype(object).where(left.notna(), f"{NEVER:%Y-%m-%d}")
