"""What the files of this package share: sound spells of membership, and scores with labels of the same customers."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["NEVER", "matched", "outcomes", "pair", "spells"]

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


def matched(values: Any, index: pd.Index, name: str) -> Any:
    """A Series put into the order of ``index``; anything else as it is.

    >>> matched(pd.Series({"C1": 0, "C2": 1}), pd.Index(["C2", "C1"]), "y").to_list()
    [1, 0]
    """
    if not isinstance(values, pd.Series) or values.index.equals(index):
        return values
    if not values.index.is_unique or not index.is_unique or len(index.difference(values.index)):
        raise CourseError(
            _("{name} 的索引与另一列不一致：两者应是同一批客户，请先用 loc 或 reindex 对齐").format(name=name)
        )
    return values.reindex(index)


def outcomes(y: Any, *, length: int | None = None, both: bool = True) -> Array:
    """Labels as an array of 0.0 and 1.0; with ``both`` each must occur.

    >>> outcomes([True, False, True])
    array([1., 0., 1.])
    """
    found = inputs.vector(y, "y", length=length)
    bad = ~np.isin(found, (0, 1))
    if bad.any():
        row = int(np.argmax(bad))
        raise CourseError(
            _("y 第 {row} 个值是 {value:g}，应是 1（流失）或 0（留下）；p 在前，y 在后，请看是否写反了").format(
                row=row + 1, value=found[row]
            )
        )
    if both and found.min() == found.max():
        raise CourseError(_("y 全是 {value:g}：流失的和留下的客户都要有，才能比较").format(value=found[0]))
    return found


def pair(p: Any, y: Any, *, probability: bool = False, both: bool = True) -> tuple[Array, Array]:
    """Scores and labels of the same customers, two Series matched by index; with ``both`` each class must occur.

    >>> pair(pd.Series({"C1": 0.2, "C2": 0.7}), pd.Series({"C2": 1, "C1": 0}))
    (array([0.2, 0.7]), array([0., 1.]))
    """
    bounds = {"low": 0, "high": 1} if probability else {}
    scores = inputs.vector(p, "p", **bounds)
    if isinstance(p, pd.Series):
        y = matched(y, p.index, "y")
    return scores, outcomes(y, length=len(scores), both=both)
