"""Satisfaction in one number: the customer satisfaction index, its grade, the net promoter score.

Sources: C. Fornell, M. D. Johnson, E. W. Anderson, J. Cha, B. E. Bryant, "The American Customer Satisfaction Index:
Nature, Purpose, and Findings", *Journal of Marketing* 60 (4), 1996, 7-18; F. F. Reichheld, "The One Number You Need to
Grow", *Harvard Business Review* 81 (12), 2003, 46-54. The grade bands are those of the course.
"""

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import z_value

GRADES = (_("很不满意"), _("不满意"), _("基本满意"), _("满意"), _("很满意"))
_GRADE_STARTS = (31, 51, 71, 91)  # a score belongs to the lower band until it reaches the next one's first integer

_PROMOTER = 9
_PASSIVE = 7


# ------------------------------------------------------------------------------------------------------------- index


def csi(ratings: Any, weights: Any, *, low: float = 1, high: float = 10) -> float:
    """Customer satisfaction index of 0 to 100, in the form of the ACSI.

    ``100 (Σ w·x̄ − Σ w·low) / ((high − low) Σ w)``; on the scale 1 to 10: ``100 (Σ w·x̄ − Σ w) / (9 Σ w)``.
    The weights need not add up to 1.

    Parameters
    ----------
    ratings : what the customers answered: the mean of each item (list, array, Series, dict), or the answers themselves
        (DataFrame or two-dimensional array, one row a respondent, one column an item; then x̄ is the column's mean)
    weights : weight of each item, not negative, in the unit of the answers (unstandardised). A Series or dict with
        names goes to the items of the same names, anything else by position.
    low, high : ends of the answering scale

    Returns
    -------
    float, 0 when all answer ``low``, 100 when all answer ``high``.

    Raises
    ------
    CourseError : an answer or mean is missing or off the scale, a weight is negative, names or lengths differ.

    Examples
    --------
    >>> round(csi([8, 7, 6], [0.3885, 0.3190, 0.2925]), 2)
    67.73
    >>> answers = pd.DataFrame({"总体": [9, 7], "期望": [8, 6], "理想": [7, 5]})
    >>> round(csi(answers, {"期望": 0.3190, "理想": 0.2925, "总体": 0.3885}), 2)
    67.73
    """
    low = inputs.number(low, "low")
    high = inputs.number(high, "high", above=low)
    means = _item_means(ratings, low, high)
    weight = _weights_of(weights, means.index)
    return float(100 * (weight @ (means.to_numpy() - low)) / ((high - low) * weight.sum()))


def _item_means(ratings: Any, low: float, high: float) -> pd.Series:
    """The mean of each item, from means or from answers, index the items' names."""
    if isinstance(ratings, dict):
        ratings = pd.Series(ratings)
    if np.ndim(ratings) == 2:
        answers = inputs.frame(pd.DataFrame(ratings), _("评分表"))
        return pd.Series({item: inputs.numbers(answers, item, low=low, high=high).mean() for item in answers.columns})
    means = inputs.vector(ratings, "ratings", low=low, high=high)
    return pd.Series(means, index=ratings.index if isinstance(ratings, pd.Series) else None)


def _weights_of(weights: Any, items: pd.Index) -> np.ndarray:
    """The weights in the order of ``items``: by name where both sides have names, else by position."""
    if isinstance(weights, dict):
        weights = pd.Series(weights)
    named = isinstance(weights, pd.Series) and not isinstance(weights.index, pd.RangeIndex)
    if named and not isinstance(items, pd.RangeIndex):
        lost = [str(item) for item in items.symmetric_difference(weights.index)]
        if lost or not weights.index.is_unique:
            raise CourseError(
                _("weights 与评分的题目对不上：{items}。每道题要有且只有一个同名的权重").format(
                    items=_("、").join(lost) or _("权重的名字有重复")
                )
            )
        weights = weights.reindex(items)
    found = inputs.vector(weights, "weights", length=len(items), low=0)
    if found.sum() <= 0:
        raise CourseError(_("weights 全是 0：至少要有一道题的权重大于 0"))
    return found


# ------------------------------------------------------------------------------------------------------------- grade


@overload
def grade(score: float) -> str: ...
@overload
def grade(score: pd.Series | np.ndarray | list | tuple) -> pd.Series: ...
def grade(score: Any) -> str | pd.Series:
    """The grade of a satisfaction score of 0 to 100, one of :data:`GRADES`.

    很不满意 0-30, 不满意 31-50, 基本满意 51-70, 满意 71-90, 很满意 91-100. A score between two bands belongs to the
    lower one until it reaches the next integer: 30.5 is 很不满意, 31 is 不满意.

    Parameters
    ----------
    score : one number, or many (list, array, Series)

    Returns
    -------
    str for one number; for many a Series ``grade``, ordered categorical with all five names, index as given.

    Raises
    ------
    CourseError : a score is missing or not in 0 to 100.

    Examples
    --------
    >>> grade(67.73), grade(30.5), grade(31)
    ('基本满意', '很不满意', '不满意')
    >>> grade(pd.Series([95, 70.9], index=["甲", "乙"])).to_list()
    ['很满意', '基本满意']
    """
    if np.ndim(score) == 0:
        return GRADES[int(_band(inputs.number(score, _("满意度得分"), low=0, high=100)))]
    values = inputs.vector(score, _("满意度得分"), low=0, high=100)
    names = pd.Categorical.from_codes(_band(values), categories=list(GRADES), ordered=True)
    return pd.Series(names, index=score.index if isinstance(score, pd.Series) else None, name="grade")


def _band(score: Any) -> Any:
    # An index that is 31 on paper may come out of the computer as 30.999999999999996.
    return np.searchsorted(_GRADE_STARTS, np.round(score, 9), side="right")


# --------------------------------------------------------------------------------------------------------------- NPS


@dataclass(frozen=True)
class NetPromoterScore:
    """What :func:`nps` found.

    Attributes
    ----------
    nps : 100 (p − d), −100 to 100, unrounded
    se : its standard error, in the same points: 100 √([p + d − (p − d)²] / n)
    promoters, passives, detractors : numbers of respondents who answered 9-10, 7-8, 0-6
    n : all of them

    Examples
    --------
    >>> result = NetPromoterScore(nps=33.3, se=4.1, promoters=162, passives=108, detractors=54, n=324)
    >>> float(result)
    33.3
    """

    nps: float
    se: float
    promoters: int
    passives: int
    detractors: int
    n: int

    def __float__(self) -> float:
        return self.nps

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval ``nps ± z·se`` (normal approximation), kept within −100 and 100."""
        reach = z_value(level) * self.se
        return max(-100.0, self.nps - reach), min(100.0, self.nps + reach)


def nps(scores: Any) -> NetPromoterScore:
    """Net promoter score of the answers to "how likely are you to recommend us?", 0 to 10.

    Promoters answer 9 or 10, passives 7 or 8, detractors 0 to 6; NPS = 100 (p − d), with p and d their shares.

    Parameters
    ----------
    scores : list, array or Series of whole numbers 0 to 10, one a respondent

    Returns
    -------
    NetPromoterScore with ``nps``, ``se``, ``promoters``, ``passives``, ``detractors``, ``n`` and ``interval(level)``;
    ``float(result)`` is the score.

    Raises
    ------
    CourseError : an answer (named by its position) is missing, not whole or not in 0 to 10.

    Examples
    --------
    >>> result = nps([10] * 162 + [8] * 108 + [3] * 54)
    >>> round(result.nps, 2), round(result.se, 2)
    (33.33, 4.14)
    >>> [round(end, 1) for end in result.interval()]
    [25.2, 41.4]
    """
    answers = inputs.vector(scores, _("推荐意愿"), low=0, high=10)
    broken = answers != np.floor(answers)
    if broken.any():
        row = int(np.argmax(broken))
        raise CourseError(
            _("推荐意愿第 {row} 个值是 {value:g}，应是 0 到 10 的整数：请用每个人的原始答案，不要用平均分").format(
                row=row + 1, value=answers[row]
            )
        )
    n = len(answers)
    promoters = int((answers >= _PROMOTER).sum())
    detractors = int((answers < _PASSIVE).sum())
    p, d = promoters / n, detractors / n
    variance = max(p + d - (p - d) ** 2, 0.0) / n
    return NetPromoterScore(
        nps=100 * (promoters - detractors) / n,
        se=float(100 * np.sqrt(variance)),
        promoters=promoters,
        passives=n - promoters - detractors,
        detractors=detractors,
        n=n,
    )
