"""What to improve: service gaps, kinds of features, quadrants, and where satisfaction does not pay.

Sources: A. Parasuraman, V. A. Zeithaml, L. L. Berry, "SERVQUAL: A Multiple-Item Scale for Measuring Consumer
Perceptions of Service Quality", *Journal of Retailing* 64 (1), 1988, 12-40; N. Kano, N. Seraku, F. Takahashi, S. Tsuji,
"Attractive Quality and Must-Be Quality", *Hinshitsu* 14 (2), 1984, 147-156; C. Berger et al., "Kano's Methods for
Understanding Customer-Defined Quality", *Center for Quality of Management Journal* 2 (4), 1993, 3-36 (better, worse);
J. A. Martilla, J. C. James, "Importance-Performance Analysis", *Journal of Marketing* 41 (1), 1977, 77-79;
J. L. Heskett, T. O. Jones, G. W. Loveman, W. E. Sasser, L. A. Schlesinger, "Putting the Service-Profit Chain to Work",
*Harvard Business Review* 72 (2), 1994, 164-174 (zones of defection, indifference, affection).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

DIMENSIONS = {_("有形性"): 4, _("可靠性"): 5, _("响应性"): 4, _("保证性"): 4, _("移情性"): 5}
"""The five dimensions of SERVQUAL in the order of the questionnaire, with their numbers of items."""

KANO_CLASSES = {
    "M": _("必备型"),
    "O": _("期望型"),
    "A": _("魅力型"),
    "I": _("无差异型"),
    "R": _("反向型"),
    "Q": _("可疑回答"),
}
"""Names of Kano's classes, in the order that breaks ties."""

# rows: answer to the functional question, columns: to the dysfunctional one; like, must-be, neutral, live-with, dislike
_KANO_TABLE = np.array([list("QAAAO"), list("RIIIM"), list("RIIIM"), list("RIIIM"), list("RRRRQ")])

_KANO_WORDS = {
    **dict.fromkeys((_("喜欢"), _("很喜欢"), _("我很喜欢")), 1),
    **dict.fromkeys((_("理应如此"), _("理所当然"), _("它理应如此")), 2),
    **dict.fromkeys((_("无所谓"), _("我无所谓")), 3),
    **dict.fromkeys((_("能忍受"), _("可以忍受"), _("勉强接受"), _("我能忍受")), 4),
    **dict.fromkeys((_("不喜欢"), _("很不喜欢"), _("我很不喜欢")), 5),
}

QUADRANTS = (_("继续保持"), _("重点改进"), _("低优先"), _("过度供给"))


# ---------------------------------------------------------------------------------------------------------- SERVQUAL


@dataclass(frozen=True)
class Servqual:
    """What :func:`servqual` found; gaps are perception − expectation, so negative means short of what was expected.

    Attributes
    ----------
    items : DataFrame, index the items, columns ``dimension``, ``perception``, ``expectation``, ``gap`` (means)
    dimensions : DataFrame, index the dimensions, columns ``perception``, ``expectation``, ``gap`` (means of the items),
        ``weight`` (adding up to 1)
    overall : float, the weighted mean of the dimensions' gaps

    Examples
    --------
    >>> table = pd.DataFrame()
    >>> float(Servqual(items=table, dimensions=table, overall=-0.7))
    -0.7
    """

    items: pd.DataFrame
    dimensions: pd.DataFrame
    overall: float

    def __float__(self) -> float:
        return self.overall


def servqual(perception: Any, expectation: Any, weights: Any = None, *, dimensions: Any = None) -> Servqual:
    """Gaps between the service perceived and expected, P − E, by item, by dimension and overall.

    Item: mean of P − E over the respondents. Dimension: mean of its items. Overall: Σ weight · gap of the dimension.

    Parameters
    ----------
    perception, expectation : answers (DataFrame, one row a respondent, one column an item) or item means (list, Series);
        both with the same items. Items with the same names in both are matched by name, others by position.
    weights : importance of each dimension (list in their order, or Series or dict by name), made to add up to 1;
        equal by default
    dimensions : item → dimension (dict or Series), for an instrument of one's own. By default the 22 items of SERVQUAL
        in their order: 有形性 4, 可靠性 5, 响应性 4, 保证性 4, 移情性 5.

    Returns
    -------
    Servqual with ``items``, ``dimensions``, ``overall``; ``float(result)`` is the overall gap.

    Raises
    ------
    CourseError : the two sides have different items, an answer is missing or no number, an item has no dimension, or a
        dimension has no weight.

    Examples
    --------
    >>> result = servqual([5] * 4 + [4] * 18, [6] * 22, weights=[11, 32, 22, 19, 16])
    >>> result.dimensions["gap"].to_list(), round(result.overall, 2)
    ([-1.0, -2.0, -2.0, -2.0, -2.0], -1.89)
    """
    perceived, expected = _means(perception, _("感知评分")), _means(expectation, _("期望评分"))
    if len(perceived) != len(expected):
        raise CourseError(
            _("感知评分有 {p} 道题，期望评分有 {e} 道题：两份问卷的题目应一一对应").format(
                p=len(perceived), e=len(expected)
            )
        )
    if set(perceived.index) == set(expected.index):
        expected = expected.reindex(perceived.index)
    items = pd.DataFrame(
        {
            "dimension": _dimension_of(perceived.index, dimensions),
            "perception": perceived,
            "expectation": expected.to_numpy(),
            "gap": perceived - expected.to_numpy(),
        },
        index=perceived.index,
    )
    table = items.groupby("dimension", sort=False)[["perception", "expectation", "gap"]].mean()
    table["weight"] = _shares(weights, table.index)
    return Servqual(items=items, dimensions=table, overall=float(table["gap"] @ table["weight"]))


def _means(values: Any, what: str) -> pd.Series:
    """Item means, from answers or as given; items without names are numbered from 1."""
    if isinstance(values, dict):
        values = pd.Series(values)
    if np.ndim(values) == 2:
        table = inputs.frame(pd.DataFrame(values), what)
        inputs.frame(table, what, table.columns)
        found = pd.Series({item: inputs.numbers(table, item).mean() for item in table.columns})
    else:
        found = pd.Series(inputs.vector(values, what), values.index if isinstance(values, pd.Series) else None)
    if not isinstance(values, pd.Series | pd.DataFrame):
        return found.set_axis(range(1, len(found) + 1))
    if not found.index.is_unique:
        repeated = found.index[found.index.duplicated()][0]
        raise CourseError(_("{what}里 {name} 出现了不止一次：每道题只能有一个数").format(what=what, name=repeated))
    return found


def _dimension_of(items: pd.Index, dimensions: Any) -> list[str]:
    if dimensions is None:
        names = [name for name, size in DIMENSIONS.items() for _item in range(size)]
        if len(items) != len(names):
            raise CourseError(
                _("问卷有 {n} 道题，不是 SERVQUAL 的 22 道：请用 dimensions= 写明每道题属于哪个维度").format(
                    n=len(items)
                )
            )
        return names
    mapping = dict(dimensions)
    lost = [str(item) for item in items if item not in mapping]
    if lost:
        raise CourseError(_("dimensions 里没有写明题目 {items} 属于哪个维度").format(items=_("、").join(lost)))
    return [mapping[item] for item in items]


def _shares(weights: Any, names: pd.Index) -> np.ndarray:
    """Weights of the dimensions, made to add up to 1."""
    if weights is None:
        return np.full(len(names), 1 / len(names))
    if isinstance(weights, Mapping) or (
        isinstance(weights, pd.Series) and not isinstance(weights.index, pd.RangeIndex)
    ):
        given = pd.Series(weights)
        if set(given.index) != set(names) or not given.index.is_unique:
            raise CourseError(
                _("weights 应给每个维度一个权重：{names}，现在写的是 {given}").format(
                    names=_("、").join(map(str, names)), given=_("、").join(map(str, given.index))
                )
            )
        weights = given.reindex(names)
    found = inputs.vector(weights, "weights", length=len(names), low=0)
    if found.sum() <= 0:
        raise CourseError(_("weights 全是 0：至少要有一个维度的权重大于 0"))
    return found / found.sum()


# -------------------------------------------------------------------------------------------------------------- Kano


def kano(functional: Any, dysfunctional: Any) -> pd.DataFrame:
    """Kano class of each feature from paired questions: if it is there? and if it is not?

    ============= ==== ======= ======= ========= =======
    there \\ not   like must-be neutral live-with dislike
    ============= ==== ======= ======= ========= =======
    like          Q    A       A       A         O
    must-be       R    I       I       I         M
    neutral       R    I       I       I         M
    live-with     R    I       I       I         M
    dislike       R    R       R       R         Q
    ============= ==== ======= ======= ========= =======

    Parameters
    ----------
    functional, dysfunctional : answers to the two questions, 1-5 = 喜欢, 理应如此, 无所谓, 能忍受, 不喜欢, or these
        words. DataFrames with one row a respondent and one column a feature (same columns, same rows), or one list or
        Series for a single feature.

    Returns
    -------
    DataFrame, one row a feature: counts ``A``, ``O``, ``M``, ``I``, ``R``, ``Q``; ``class`` (the largest count; ties
    go to M, then O, A, I, R, Q) and its ``name``; ``better`` = (A + O)/(A + O + M + I), how much having it pleases
    (0 to 1); ``worse`` = −(O + M)/(A + O + M + I), how much lacking it hurts (−1 to 0). Both are missing if nobody
    answered A, O, M or I.

    Raises
    ------
    CourseError : different features or numbers of respondents, or an answer that is not one of the five.

    Examples
    --------
    >>> there = pd.DataFrame({"快充": [1, 1, 1, 3], "不死机": ["理应如此", "无所谓", "喜欢", "理应如此"]})
    >>> not_there = pd.DataFrame({"快充": [3, 4, 5, 3], "不死机": ["不喜欢"] * 4})
    >>> kano(there, not_there)[["A", "O", "M", "I", "class", "name", "better", "worse"]]
         A  O  M  I class name  better  worse
    快充   2  1  0  1     A  魅力型    0.75  -0.25
    不死机  0  1  3  0     M  必备型    0.25  -1.00
    """
    yes, no = _features(functional, _("正向问题")), _features(dysfunctional, _("反向问题"))
    if set(yes.columns) != set(no.columns) or len(yes) != len(no):
        raise CourseError(
            _(
                "正向问题有 {rows} 行、列 {columns}，反向问题有 {rows2} 行、列 {columns2}：两张表的人和功能应一一对应"
            ).format(
                rows=len(yes),
                columns=_("、").join(map(str, yes.columns)),
                rows2=len(no),
                columns2=_("、").join(map(str, no.columns)),
            )
        )
    rows = {
        feature: _kano_row(
            _KANO_TABLE[_kano_answers(yes, feature, _("正向问题")), _kano_answers(no, feature, _("反向问题"))]
        )
        for feature in yes.columns
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _kano_row(found: np.ndarray) -> dict[str, Any]:
    count = {letter: int((found == letter).sum()) for letter in "AOMIRQ"}
    largest = max(KANO_CLASSES, key=lambda letter: count[letter])  # max keeps the first of equals
    base = sum(count[letter] for letter in "AOMI")
    return {
        **count,
        "class": largest,
        "name": KANO_CLASSES[largest],
        "better": (count["A"] + count["O"]) / base if base else np.nan,
        "worse": -(count["O"] + count["M"]) / base if base else np.nan,
    }


def _features(values: Any, what: str) -> pd.DataFrame:
    if isinstance(values, pd.DataFrame):
        table = inputs.frame(values, what)
        return inputs.frame(table, what, table.columns)
    if np.ndim(values) == 2:
        return inputs.frame(pd.DataFrame(values), what)
    column = pd.Series(values)
    # Two Series of one feature may bear different names ("q1+", "q1−"): by position they are the same feature.
    return inputs.frame(column.rename(0).to_frame(), what)


def _kano_answers(table: pd.DataFrame, feature: Any, what: str) -> np.ndarray:
    """Answers of one feature as 0 to 4."""
    values = inputs.column(table, feature)
    words = values.map(lambda answer: _KANO_WORDS.get(answer.strip(), answer) if isinstance(answer, str) else answer)
    codes = pd.to_numeric(words, errors="coerce")
    bad = ~codes.isin([1, 2, 3, 4, 5])
    if bad.any():
        row = int(np.argmax(bad))
        raise CourseError(
            _(
                "{what}列 {column} 第 {row} 行的 {value} 不是五种答案之一：请用 1 到 5，或 喜欢、理应如此、无所谓、能忍受、不喜欢"
            ).format(what=what, column=feature, row=row + 1, value=inputs.shown(values[row]))
        )
    return codes.to_numpy(dtype=int) - 1


# --------------------------------------------------------------------------------------------------------------- IPA


def ipa(importance: Any, performance: Any) -> pd.DataFrame:
    """Importance-performance analysis: which attribute needs work first.

    The cross-hair stands at the grand means of the two columns; at or above it is high.

    ========== ============ ===========
    importance performance  quadrant
    ========== ============ ===========
    high       high         继续保持
    high       low          重点改进
    low        low          低优先
    low        high         过度供给
    ========== ============ ===========

    Parameters
    ----------
    importance, performance : one number an attribute (Series, dict, list), or the answers themselves (DataFrame, one row
        a respondent, one column an attribute; then the column means). Attributes with names are matched by name.

    Returns
    -------
    DataFrame, index the attributes, columns ``importance``, ``performance``, ``quadrant`` (categorical, names of
    :data:`QUADRANTS`). The cross-hair is ``result[["importance", "performance"]].mean()``.

    Raises
    ------
    CourseError : different attributes, or a value that is missing or no number.

    Examples
    --------
    >>> ipa({"续航": 9, "价格": 8, "外观": 5, "预装软件": 4}, {"续航": 5, "价格": 8, "外观": 8, "预装软件": 4})
          importance  performance quadrant
    续航           9.0          5.0     重点改进
    价格           8.0          8.0     继续保持
    外观           5.0          8.0     过度供给
    预装软件         4.0          4.0      低优先
    """
    wanted, given = _means(importance, _("重要性")), _means(performance, _("表现"))
    same = set(wanted.index) == set(given.index)
    if len(wanted) != len(given) or not (same or _unnamed(importance) or _unnamed(performance)):
        raise CourseError(
            _("重要性的属性是 {a}，表现的属性是 {b}：两边应是同样的属性").format(
                a=_("、").join(map(str, wanted.index)), b=_("、").join(map(str, given.index))
            )
        )
    index = given.index if _unnamed(importance) else wanted.index
    values = given.reindex(wanted.index) if same else given
    table = pd.DataFrame({"importance": wanted.to_numpy(), "performance": values.to_numpy()}, index=index)
    # The mean of equal numbers may come out a hair above them.
    high = table >= table.mean() - 1e-9 * (1 + table.abs().mean())
    code = np.select(
        [high["importance"] & high["performance"], high["importance"], ~high["performance"]], [0, 1, 2], default=3
    )
    table["quadrant"] = pd.Categorical.from_codes(code, categories=list(QUADRANTS))
    return table


def _unnamed(values: Any) -> bool:
    return not isinstance(values, pd.Series | pd.DataFrame | dict)


# ------------------------------------------------------------------------------------------- satisfaction and loyalty


@dataclass(frozen=True)
class IndifferenceZone:
    """What :func:`indifference_zone` found.

    Attributes
    ----------
    low, high : satisfaction at which the zone begins and ends
    slopes : how much loyalty rises with one point of satisfaction below, inside and above the zone
    r_squared : share of the variance of loyalty that the three lines explain, 0 to 1

    Examples
    --------
    >>> IndifferenceZone(low=5, high=8, slopes=(0.9, 0.1, 1.2), r_squared=0.7).slopes[1]
    0.1
    """

    low: float
    high: float
    slopes: tuple[float, float, float]
    r_squared: float


def indifference_zone(satisfaction: Any, loyalty: Any) -> IndifferenceZone:
    """Where satisfaction hardly moves loyalty: the zone of indifference (质量不敏感区).

    Three joined straight lines are fitted by least squares; the two bends are chosen among the observed values of
    satisfaction (at most 41 of them, evenly spread) so that the sum of squares is least while the middle line is less
    than half as steep as either side, and both sides rise.

    Parameters
    ----------
    satisfaction, loyalty : two numbers a customer (lists or Series of the same length), at least four different values
        of satisfaction

    Returns
    -------
    IndifferenceZone with ``low``, ``high``, ``slopes``, ``r_squared``.

    Raises
    ------
    CourseError : too few values, different lengths, a missing value, or no flat middle anywhere.

    Examples
    --------
    >>> satisfaction = list(range(1, 11))
    >>> loyalty = [1, 2, 3, 4, 4.1, 4.2, 4.3, 5.3, 6.3, 7.3]
    >>> zone = indifference_zone(satisfaction, loyalty)
    >>> zone.low, zone.high, [round(slope, 3) for slope in zone.slopes]
    (4.0, 7.0, [1.0, 0.1, 1.0])
    """
    x = inputs.vector(satisfaction, _("满意度"))
    y = inputs.vector(loyalty, _("忠诚度"), length=len(x))
    inner = np.unique(x)[1:-1]
    if len(inner) < 2 or np.ptp(y) == 0:
        raise CourseError(_("满意度至少要有四个不同的值、忠诚度不能全都相同，才看得出哪一段平：请使用更多客户的数据"))
    knots = np.unique(inner[np.linspace(0, len(inner) - 1, min(len(inner), 41)).round().astype(int)])
    best: tuple[float, IndifferenceZone] | None = None
    for i, low in enumerate(knots):
        for high in knots[i + 1 :]:
            terms = np.column_stack([np.ones_like(x), x, np.maximum(x - low, 0), np.maximum(x - high, 0)])
            coefficients = np.linalg.lstsq(terms, y, rcond=None)[0]
            left, middle, right = np.cumsum(coefficients[1:])
            error = float(np.sum((y - terms @ coefficients) ** 2))
            if 2 * abs(middle) < min(left, right) and (best is None or error < best[0]):
                fit = 1 - error / float(np.sum((y - y.mean()) ** 2))
                best = error, IndifferenceZone(float(low), float(high), (float(left), float(middle), float(right)), fit)
    if best is None:
        raise CourseError(_("没有哪一段满意度比两边平缓一半以上：这份数据里看不到质量不敏感区"))
    return best[1]
