"""Sound input, or one sentence that says what is wrong, where, and what to do.

Every function of the course library takes its arguments through these checks, so that a student who passes a wrong
column meets the same words everywhere.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = [
    "choice",
    "column",
    "day",
    "days",
    "frame",
    "ids",
    "matrix",
    "moments",
    "number",
    "numbers",
    "series",
    "shown",
    "vector",
    "whole",
]


def shown(value: Any) -> str:
    """A value as a message tells it: text in quotes, numbers bare.

    >>> shown(np.float64("inf")), shown("六")
    ('inf', "'六'")
    """
    return repr(value) if isinstance(value, str) else str(value)


# ------------------------------------------------------------------------------------------------------ one value


def number(
    value: Any,
    name: str,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    above: float = -np.inf,
    below: float = np.inf,
) -> float:
    """``value`` as a float with ``low <= value <= high`` and ``above < value < below``.

    Args:
        value: what the caller was given.
        name: name of the argument, as the message tells it.

    Raises:
        CourseError: no finite number, or out of bounds.

    >>> number(0.1, "discount", low=0)
    0.1
    """
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not np.isfinite(value):
        raise CourseError(_("{name} 应是一个有限的数，现在是 {value}").format(name=name, value=shown(value)))
    if not (low <= value <= high and above < value < below):
        raise CourseError(
            _("{name} 应{bounds}，现在是 {value}").format(
                name=name, bounds=_bounds(low, high, above, below), value=shown(value)
            )
        )
    return float(value)


def whole(value: Any, name: str, *, low: float = -np.inf, high: float = np.inf) -> int:
    """``value`` as an int between ``low`` and ``high``; 3.0 counts as whole.

    Raises:
        CourseError: no whole number, or out of bounds.

    >>> whole(14.0, "agents", low=1)
    14
    """
    found = number(value, name, low=low, high=high)
    if found != int(found):
        raise CourseError(_("{name} 应是整数，现在是 {value}").format(name=name, value=shown(value)))
    return int(found)


def choice(value: Any, name: str, allowed: Sequence[str]) -> str:
    """``value`` if it is one of ``allowed``.

    Raises:
        CourseError: something else; the message lists what is allowed.

    >>> choice("path", "scheme", ("path", "centroid"))
    'path'
    """
    if not isinstance(value, str) or value not in allowed:
        raise CourseError(
            _("{name} 应是 {allowed} 之一，现在是 {value}").format(
                name=name, allowed=_("、").join(allowed), value=shown(value)
            )
        )
    return value


def day(value: Any, name: str) -> pd.Timestamp:
    """A date-like value as the midnight at its start.

    Raises:
        CourseError: missing, a bare number, or no date.

    >>> day("2025-12-31 18:00", "截止日")
    Timestamp('2025-12-31 00:00:00')
    """
    try:
        if isinstance(value, (bool, int, float, np.number)):  # pandas would read a number as nanoseconds since 1970
            raise ValueError(value)
        found = pd.Timestamp(value)
    except (ValueError, TypeError) as error:
        raise CourseError(
            _('{name} {value!r} 不是日期：请写成 "2025-12-31" 这样的形式').format(name=name, value=value)
        ) from error
    if pd.isna(found):
        raise CourseError(_('{name}是空值：请写成 "2025-12-31" 这样的形式').format(name=name))
    return found.tz_localize(None).normalize()


# --------------------------------------------------------------------------------------------------- lists, matrices


def series(values: Any, name: str) -> pd.Series:
    """A list, array or Series of anything, as a Series; one that came in keeps its index.

    Raises:
        CourseError: no such column, but a text, a dict or a table.

    >>> series(["有房", None], "feature").to_list()
    ['有房', nan]
    """
    if isinstance(values, (str, bytes, dict, pd.DataFrame)) or np.ndim(values) != 1:
        raise CourseError(
            _("{name} 应是一列值（列表或 Series），现在是 {kind}").format(name=name, kind=type(values).__name__)
        )
    return values if isinstance(values, pd.Series) else pd.Series(values)


def vector(
    values: Any,
    name: str,
    *,
    length: int | None = None,
    low: float = -np.inf,
    high: float = np.inf,
    above: float = -np.inf,
    below: float = np.inf,
) -> NDArray[np.float64]:
    """A list, Series or array of finite numbers within the bounds, as a float array of shape (n,).

    Raises:
        CourseError: empty, of another length, not one-dimensional, or a value (named by its position from 1) that is
            missing, no number or out of bounds.

    >>> vector([8, 7, 6], "means", low=1, high=10)
    array([8., 7., 6.])
    """
    if isinstance(values, (str, bytes, dict, pd.DataFrame)) or np.ndim(values) != 1:
        raise CourseError(
            _("{name} 应是一列数（列表、Series 或一维数组），现在是 {kind}").format(
                name=name, kind=type(values).__name__
            )
        )
    raw = pd.Series(values).reset_index(drop=True)
    if raw.empty:
        raise CourseError(_("{name} 是空的，没有一个数：请检查前面的筛选条件").format(name=name))
    if length is not None and len(raw) != length:
        raise CourseError(
            _("{name} 应有 {length} 个数，现在有 {found} 个").format(name=name, length=length, found=len(raw))
        )
    found = _sound(
        raw,
        _("{name} 第 {row} 个值 {value} 不是有限的数：请先改正或去掉"),
        _("{name} 第 {row} 个值是 {value:g}，应{bounds}：请改正"),
        name,
        (low, high, above, below),
    )
    return found.to_numpy()


def matrix(values: Any, name: str, *, square: bool = False) -> NDArray[np.float64]:
    """A table of finite numbers (nested list, array or DataFrame) as a float array of shape (rows, columns).

    Raises:
        CourseError: not two-dimensional, empty, ragged, not square when asked, or a cell that is no finite number.

    >>> matrix([[1, 2], [0.5, 1]], "判断矩阵", square=True).shape
    (2, 2)
    """
    try:
        found = np.asarray(values, dtype=float)
    except (ValueError, TypeError) as error:
        raise CourseError(_("{name} 应是每行一样长、每格一个数的表：请检查各行").format(name=name)) from error
    if found.ndim != 2 or not found.size:
        raise CourseError(_("{name} 应是两维的表，现在的形状是 {shape}").format(name=name, shape=found.shape))
    if square and found.shape[0] != found.shape[1]:
        raise CourseError(
            _("{name} 应是方阵，现在有 {rows} 行 {columns} 列").format(
                name=name, rows=found.shape[0], columns=found.shape[1]
            )
        )
    bad = np.argwhere(~np.isfinite(found))
    if len(bad):
        row, place = bad[0]
        raise CourseError(
            _("{name} 第 {row} 行第 {column} 列的 {value} 不是有限的数：请改正").format(
                name=name, row=row + 1, column=place + 1, value=found[row, place]
            )
        )
    return found


# ------------------------------------------------------------------------------------------------------------ frames


def frame(value: Any, what: str, columns: Iterable[str] = ()) -> pd.DataFrame:
    """``value`` if it is a DataFrame with rows and with each of ``columns`` exactly once.

    Args:
        value: what the caller was given.
        what: what the table is, as the message tells it (for example "购买记录").

    Raises:
        CourseError: no DataFrame, no row, a column is missing or there twice.

    >>> frame(pd.DataFrame({"x": [1]}), "购买记录", ["x"]).shape
    (1, 1)
    """
    if not isinstance(value, pd.DataFrame):
        raise CourseError(_("{what}应是 DataFrame，现在是 {kind}").format(what=what, kind=type(value).__name__))
    for name in columns:
        if name not in value.columns:
            raise CourseError(
                _("{what}缺少列 {column}：现有的列是 {have}").format(
                    what=what, column=name, have=_("、").join(map(str, value.columns)) or _("（没有列）")
                )
            )
        if (value.columns == name).sum() > 1:
            raise CourseError(_("{what}里有不止一列叫 {column}：请先改名或去掉一列").format(what=what, column=name))
    if value.empty:
        raise CourseError(_("{what}是空的，没有一行数据：请检查前面的筛选条件").format(what=what))
    return value


def column(table: pd.DataFrame, name: str) -> pd.Series:
    """A column without gaps, with a fresh index 0, 1, ...

    Raises:
        CourseError: at the first missing value, rows counted from 1.

    >>> column(pd.DataFrame({"x": ["a", "b"]}, index=[7, 9]), "x").to_list()
    ['a', 'b']
    """
    values = table[name].reset_index(drop=True)
    missing = values.isna()
    if missing.any():
        raise CourseError(
            _("列 {column} 第 {row} 行是空值：请先补上，或用 dropna() 去掉这一行").format(
                column=name, row=missing.idxmax() + 1
            )
        )
    return values


def numbers(
    table: pd.DataFrame,
    name: str,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    above: float = -np.inf,
    below: float = np.inf,
) -> pd.Series:
    """A column as finite floats within the bounds, with a fresh index 0, 1, ...

    Raises:
        CourseError: at the first value that is missing, no finite number, or out of bounds.

    >>> numbers(pd.DataFrame({"x": ["1", 2]}), "x", low=0).to_list()
    [1.0, 2.0]
    """
    return _sound(
        column(table, name),
        _("列 {name} 第 {row} 行的 {value} 不是有限的数：请先改正或去掉这一行"),
        _("列 {name} 第 {row} 行是 {value:g}，应{bounds}：请改正或去掉这一行"),
        name,
        (low, high, above, below),
    )


def ids(table: pd.DataFrame, name: str, *, unique: bool = False) -> pd.Series:
    """A column of ids that can be sorted: a categorical would sort by the order of its categories.

    Raises:
        CourseError: a gap, ids of mixed types, or (if ``unique``) an id that stands twice.

    >>> ids(pd.DataFrame({"customer_id": ["C2", "C1"]}), "customer_id", unique=True).to_list()
    ['C2', 'C1']
    """
    values = column(table, name)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if pd.api.types.infer_dtype(values).startswith("mixed"):
        raise CourseError(
            _("列 {column} 混有不同类型的编号，无法排序：请统一成文字，例如 astype(str)").format(column=name)
        )
    if unique:
        _refuse(
            values, values.duplicated(), _("列 {name} 第 {row} 行的 {value} 重复出现：每个编号只能有一行"), name=name
        )
    return values


def moments(table: pd.DataFrame, name: str, *, gaps: bool = False) -> pd.Series:
    """A column of points in time without time zone, with a fresh index 0, 1, ...

    Args:
        table: DataFrame that holds the column.
        name: the column.
        gaps: missing values and empty text may stand (not yet delivered, not yet answered) and become NaT.

    Raises:
        CourseError: numbers, mixed time zones, a value that is no time, or (without ``gaps``) a missing one.

    >>> moments(pd.DataFrame({"at": ["2025-06-18 20:00", ""]}), "at", gaps=True).to_list()
    [Timestamp('2025-06-18 20:00:00'), NaT]
    """
    values = table[name].reset_index(drop=True) if gaps else column(table, name)
    if pd.api.types.is_numeric_dtype(values) and values.notna().any():
        raise CourseError(
            _(
                "列 {column} 是数字，不是日期，例如第 1 行的 {value}：请先用 pd.to_datetime() 并写明 format 来转换"
            ).format(column=name, value=values.iloc[0])
        )
    is_dates = pd.api.types.is_datetime64_any_dtype(values)
    try:
        found = pd.to_datetime(values, errors="coerce", format=None if is_dates else "ISO8601")
    except ValueError as error:
        raise CourseError(_("列 {column} 混有不同时区的时间：请先统一时区").format(column=name)) from error
    bare = values.isna() | values.eq("") if gaps else False
    _refuse(
        values,
        found.isna() & ~pd.Series(bare, index=values.index),
        _("列 {name} 第 {row} 行的 {value} 不是日期：请写成 2025-12-31 或 2025-12-31 18:00 这样的形式"),
        name=name,
    )
    return found.dt.tz_localize(None)


def days(table: pd.DataFrame, name: str) -> pd.Series:
    """A column of dates as midnights without time zone, with a fresh index 0, 1, ...

    Raises:
        CourseError: as :func:`moments`, a gap included.

    >>> days(pd.DataFrame({"date": ["2025-06-18 20:00"]}), "date")[0]
    Timestamp('2025-06-18 00:00:00')
    """
    return moments(table, name).dt.normalize()


def _sound(
    values: pd.Series, no_number: str, outside: str, name: str, bounds: tuple[float, float, float, float]
) -> pd.Series:
    """The values as finite floats within ``bounds`` (low, high, above, below); else one of the two messages."""
    found = pd.to_numeric(values, errors="coerce").astype("float64")
    _refuse(values, ~np.isfinite(found), no_number, name=name)
    _refuse(found, ~_inside(found, *bounds), outside, name=name, bounds=_bounds(*bounds))
    return found


def _inside(values: pd.Series, low: float, high: float, above: float, below: float) -> pd.Series:
    return (values >= low) & (values <= high) & (values > above) & (values < below)


def _bounds(low: float, high: float, above: float, below: float) -> str:
    """The bounds in words: 在 0 到 1 之间 / 大于 0 / …"""
    if np.isfinite(low) and np.isfinite(high):
        return _("在 {low:g} 到 {high:g} 之间").format(low=low, high=high)
    told = [
        (low, _("不小于 {bound:g}")),
        (high, _("不大于 {bound:g}")),
        (above, _("大于 {bound:g}")),
        (below, _("小于 {bound:g}")),
    ]
    return _(" 且").join(words.format(bound=bound) for bound, words in told if np.isfinite(bound))


def _refuse(values: pd.Series, bad: pd.Series, message: str, **words: Any) -> None:
    """A CourseError about the first bad value, if there is one."""
    if bad.any():
        row = int(np.argmax(bad.to_numpy()))
        value = values.iloc[row]
        shown_value = value if isinstance(value, (float, np.floating)) and "value:g" in message else shown(value)
        raise CourseError(message.format(row=row + 1, value=shown_value, **words))
