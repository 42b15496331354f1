"""What a test cell of an assignment is written with.

A test cell has two halves. The visible half checks the *form* of an answer and stops with one sentence::

    checks.frame(rfm_table, "rfm_table", index="customer_id", columns=["recency", "frequency", "monetary"])

The hidden half checks the *content* and gives partial credit; its last line is the score, as nbgrader wants it::

    score = checks.Score(4)
    score.compare(1.5, rfm_table["recency"], right["recency"],
                  slips=[checks.Slip(to_data_end, "…用错了截止日…", credit=0.5)], otherwise="…")
    score.total

A :class:`Slip` is a wrong answer that has a name: what the student would get by a known misconception. The student
reads its hint, never the value expected. Answers are compared by content: row order, column order, number types and
the container (Series, frame column, dict) do not matter.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from crmlab.errors import CourseError
from crmlab.i18n import _

RTOL = 1e-6
"""Relative tolerance of :meth:`Score.compare`: differences of rounding order pass, another formula does not."""


class FormError(CourseError):
    """An answer has the wrong form; the message says which name, what is wrong and what is wanted."""


# --- the visible half: form ------------------------------------------------------------------------------------------


def frame(value: Any, name: str, *, columns: Sequence[Any], index: str | None = None, rows: int | None = None) -> None:
    """``value`` is a DataFrame with these columns (more are allowed), no missing value in them, no key twice.

    ``index`` names the key, which may stand as the index or as a column. ``rows`` is the number of rows wanted.
    """
    if not isinstance(value, pd.DataFrame):
        raise FormError(_("`{name}` 应当是 DataFrame，现在是 {kind}。").format(name=name, kind=type(value).__name__))
    table = keyed(value, index) if index else value
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise FormError(
            _("`{name}` 缺少列 {missing}；现有的列是 {found}。请检查列名的拼写。").format(
                name=name, missing="、".join(map(str, missing)), found="、".join(map(str, value.columns))
            )
        )
    holes = [column for column in columns if table[column].isna().any()]
    if holes:
        raise FormError(
            _("`{name}` 的列 {holes} 里有缺失值；合并表时是否漏掉了一些键？").format(name=name, holes="、".join(holes))
        )
    _check_length(table, name, rows)


def series(value: Any, name: str, *, rows: int | None = None, among: Iterable[Any] | None = None) -> None:
    """``value`` is a Series without missing values and without a key twice; ``among`` lists the values allowed."""
    if not isinstance(value, pd.Series):
        raise FormError(_("`{name}` 应当是 Series，现在是 {kind}。").format(name=name, kind=type(value).__name__))
    if value.isna().any():
        raise FormError(
            _("`{name}` 里有 {n} 个缺失值；每位客户都要有一个取值。").format(name=name, n=int(value.isna().sum()))
        )
    if value.index.has_duplicates:
        raise FormError(_("`{name}` 的索引有重复；每位客户只能出现一次。").format(name=name))
    if among is not None:
        allowed = list(among)
        strange = [str(item) for item in value.unique() if item not in allowed]
        if strange:
            raise FormError(
                _("`{name}` 里出现了不认识的取值 {strange}；只能用 {allowed}。").format(
                    name=name, strange="、".join(strange[:5]), allowed="、".join(map(str, allowed))
                )
            )
    _check_length(value, name, rows)


def number(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> None:
    """``value`` is one finite number (Python or NumPy) with ``low <= value <= high``."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise FormError(
            _("`{name}` 应当是一个数，现在是 {kind}。").format(name=name, kind=type(value).__name__)
        ) from None
    if not math.isfinite(found) or not low <= found <= high:
        raise FormError(
            _("`{name}` 应当{bounds}，现在是 {found:g}。想一想它的含义和单位。").format(
                name=name, bounds=_bounds(low, high), found=found
            )
        )


def _bounds(low: float, high: float) -> str:
    if low == high:
        return _("等于 {low:g}").format(low=low)
    if math.isinf(high):
        return _("是不小于 {low:g} 的数").format(low=low)
    return _("在 {low:g} 与 {high:g} 之间").format(low=low, high=high)


def text(value: Any, name: str, *, least: int, most: int) -> None:
    """``value`` is a string of ``least`` to ``most`` characters, white space left out."""
    if not isinstance(value, str):
        raise FormError(_("`{name}` 应当是一段文字，现在是 {kind}。").format(name=name, kind=type(value).__name__))
    length = sum(not character.isspace() for character in value)
    if not least <= length <= most:
        raise FormError(
            _("`{name}` 应当有 {least}～{most} 字，现在有 {length} 字。").format(
                name=name, least=least, most=most, length=length
            )
        )


def _check_length(value: pd.DataFrame | pd.Series, name: str, rows: int | None) -> None:
    if rows is not None and len(value) != rows:
        raise FormError(
            _("`{name}` 应当有 {rows} 行，现在有 {found} 行。先数一数该有几位客户、几笔订单。").format(
                name=name, rows=rows, found=len(value)
            )
        )


def keyed(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """``table`` indexed by ``key``, wherever the student keeps it (column or index).

    :raises FormError: if ``key`` is neither, or a key stands twice.
    """
    if key in table.columns:
        table = table.set_index(key)
    elif table.index.name not in (key, None):
        raise FormError(_("找不到键 `{key}`：它应当是索引或一列。").format(key=key))
    if table.index.has_duplicates:
        raise FormError(_("键 `{key}` 有重复：同一个值出现了不止一行。").format(key=key))
    return table


# --- the hidden half: content ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slip:
    """A wrong answer with a name.

    value: what the misconception gives, in the form of the answer.
    hint: what the student reads; names the likely cause, not the answer.
    credit: the share of the part's points that is still earned, 0 to 1.
    """

    value: Any
    hint: str
    credit: float = 0.0


@dataclass
class Score:
    """The points of one task, earned in parts. Prints a line a part; ``total`` is the score."""

    points: float
    parts: list[tuple[float, float, str]] = field(default_factory=list, init=False)  # offered, earned, hint
    made: ClassVar[list["Score"]] = []  # all scores of this process: the judge reads their parts

    def __post_init__(self) -> None:
        Score.made.append(self)

    def part(self, points: float, passed: bool, hint: str, *, credit: float = 0.0) -> None:
        """``points`` if passed, else the share ``credit`` of them and the hint."""
        share = 1.0 if bool(passed) else credit
        self.parts.append((points, share * points, "" if share == 1 else hint))
        if self._offered > self.points + 1e-9:
            raise AssertionError(f"parts offer {self._offered} points, the task has {self.points}")
        mark = "✓" if share == 1 else "◐" if share else "✗"
        line = f"{mark} {share * points:g}/{points:g}"
        print(line if share == 1 else f"{line}  {hint}")

    def compare(
        self,
        points: float,
        mine: Any,
        right: Any,
        *,
        also: Iterable[Any] = (),
        slips: Iterable[Slip] = (),
        otherwise: str,
        rtol: float = RTOL,
    ) -> Any:
        """``points`` if ``mine`` equals ``right`` or one of ``also``, answers that are right in another way.

        Else what the first slip that it equals earns, with that slip's hint; else nothing, with the hint ``otherwise``.
        Where answers and slips are dear to compute, give generators: they are asked no further than needed.

        Returns what later parts may build on: ``mine``, if it is right or has the name of a slip, for then it comes from
        this student's own data; else ``right``.
        """
        if any(same(mine, answer, rtol) for answer in chain((right,), also)):
            self.part(points, True, "")
            return mine
        slip = next((slip for slip in slips if same(mine, slip.value, rtol)), None)
        if slip is None:
            self.part(points, False, otherwise)
            return right
        self.part(points, False, slip.hint, credit=slip.credit)
        return mine

    @property
    def total(self) -> float:
        """Points earned, rounded to 0.01: the last expression of a test cell."""
        if abs(self._offered - self.points) > 1e-9:
            raise AssertionError(f"parts offer {self._offered} points, the task has {self.points}")
        return round(float(sum(earned for _offered, earned, _hint in self.parts)), 2)

    @property
    def _offered(self) -> float:
        return sum(offered for offered, _earned, _hint in self.parts)


def same(mine: Any, right: Any, rtol: float = RTOL) -> bool:
    """Whether two answers have the same content.

    Numbers within ``rtol``; texts after Unicode NFKC and trimming; mappings, Series and frames by key, whatever
    their order (a frame may have more columns than wanted). An answer that can't be read as the wanted kind is just
    not the same: this never raises on a student's value.
    """
    try:
        return _same(mine, right, rtol)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return False


def _same(mine: Any, right: Any, rtol: float) -> bool:
    if isinstance(right, pd.DataFrame):
        columns = (_same(mine[column], right[column], rtol) for column in right.columns)
        return isinstance(mine, pd.DataFrame) and all(columns)
    if isinstance(right, pd.Series):
        return _same_series(pd.Series(mine), right, rtol)
    if isinstance(right, Mapping):
        return _same_series(pd.Series(dict(mine)), pd.Series(dict(right)), rtol)
    if isinstance(right, str):
        return _plain(mine) == _plain(right)
    return bool(np.isclose(float(mine), float(right), rtol=rtol, atol=rtol))


def _same_series(mine: pd.Series, right: pd.Series, rtol: float) -> bool:
    if len(mine) != len(right) or mine.index.has_duplicates:
        return False
    if not mine.index.equals(right.index):
        places = mine.index.get_indexer(right.index)
        if (places < 0).any():
            return False
        mine = mine.iloc[places]
    if pd.api.types.is_datetime64_any_dtype(right):
        return bool((pd.to_datetime(mine).to_numpy() == right.to_numpy()).all())
    if pd.api.types.is_numeric_dtype(right):
        numbers = pd.to_numeric(mine).to_numpy(dtype=float)
        return bool(np.isclose(numbers, right.to_numpy(dtype=float), rtol=rtol, atol=rtol).all())
    return [_plain(item) for item in mine] == [_plain(item) for item in right]


def _plain(value: Any) -> str:
    return unicodedata.normalize("NFKC", str(value)).strip()
