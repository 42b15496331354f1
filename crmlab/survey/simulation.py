"""Simulated people fill in a questionnaire: what they think, what they tick, and who does not read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Simulated:
    """Answers of simulated people, and what they really thought.

    Attributes
    ----------
    answers : DataFrame of whole numbers, one row a respondent (index 1, 2, ...), one column an item
    opinions : DataFrame of the same shape: the opinion behind each answer, on the scale but not rounded or cut off,
        higher = more of what is measured, also for reverse items
    kind : Series: 认真, 直线作答 (always the same number) or 随机作答

    Examples
    --------
    >>> simulate_likert(200, 4, careless=0.1, seed=1).kind.value_counts().to_dict()
    {'认真': 180, '直线作答': 10, '随机作答': 10}
    """

    answers: pd.DataFrame
    opinions: pd.DataFrame
    kind: pd.Series


def simulate_likert(
    n: int,
    items: int | Sequence[str],
    *,
    mean: Any = 3.5,
    sd: Any = 1.0,
    correlation: Any = 0.5,
    points: int = 5,
    reverse: Iterable[str] = (),
    acquiescence: float = 0.0,
    careless: float = 0.0,
    seed: int = 0,
) -> Simulated:
    """Likert answers of ``n`` people: normal opinions, cut at 1.5, 2.5, ... into the numbers 1 to ``points``.

    Opinion = mean + sd · z, z normal with the given correlations. On a reverse item people answer to
    (1 + points − opinion). Who likes to say yes adds a little to *every* answer, whichever way the item is turned;
    that is what reverse items are for. The ends of the scale cut opinions off, so the mean of the answers lies nearer
    to the middle, and their correlation lower, than those of the opinions.

    Parameters
    ----------
    n : number of people
    items : number of items (named q1, q2, ...) or their names
    mean, sd : of the opinions, one number or one an item
    correlation : between the opinions on any two items, one number (from −1/(k−1) to 1) or a k × k matrix
    points : steps of the scale, 2 to 11
    reverse : names of the reverse items
    acquiescence : mean tendency to say yes, in steps of the scale; people differ in it (exponential)
    careless : share of people, 0 to 1, who do not read: half of them straight-line, half answer at random
    seed : the same seed gives the same people

    Returns
    -------
    Simulated with ``answers``, ``opinions``, ``kind``.

    Raises
    ------
    CourseError : correlations that cannot occur together, lengths that do not fit, an unknown reverse item.

    Examples
    --------
    >>> simulate_likert(1000, ["q1", "q2"], mean=[4, 2], seed=7).answers.mean().round(1).to_dict()
    {'q1': 3.9, 'q2': 2.0}
    """
    n, points = inputs.whole(n, "n", low=1), inputs.whole(points, "points", low=2, high=11)
    names = _item_names(items)
    flipped = {reverse} if isinstance(reverse, str) else set(reverse)
    share = inputs.number(careless, "careless", low=0, high=1)
    yes = inputs.number(acquiescence, "acquiescence", low=0)
    root = _root(correlation, len(names))
    turned = np.array([name in flipped for name in names])
    if unknown := flipped - set(names):
        raise CourseError(_("反向题 {name} 不在题目里").format(name=min(unknown)))
    rng = np.random.default_rng(inputs.whole(seed, "seed", low=0))
    z = rng.standard_normal((n, len(names))) @ root.T
    opinions = _per_item(mean, "mean", len(names)) + _per_item(sd, "sd", len(names), low=0) * z
    said = np.where(turned, 1 + points - opinions, opinions) + yes * rng.exponential(1, (n, 1))
    answers = np.clip(np.floor(said + 0.5), 1, points).astype(np.int64)
    careless_people = rng.permutation(n)[: round(share * n)]
    straight, random = np.array_split(careless_people, 2)
    answers[straight] = rng.integers(1, points + 1, (len(straight), 1))
    answers[random] = rng.integers(1, points + 1, (len(random), len(names)))
    kind = pd.Series(_("认真"), index=range(n), name="kind", dtype=object)
    kind.iloc[straight], kind.iloc[random] = _("直线作答"), _("随机作答")
    index = pd.RangeIndex(1, n + 1, name="respondent")
    return Simulated(
        pd.DataFrame(answers, index=index, columns=names),
        pd.DataFrame(opinions, index=index, columns=names),
        kind.set_axis(index),
    )


def _item_names(items: Any) -> list[str]:
    if _is_number(items):
        return [f"q{k}" for k in range(1, inputs.whole(items, "items", low=1) + 1)]
    names = list(items)
    if not names or len(set(names)) < len(names):
        raise CourseError(_("items 应是题数，或一列互不相同的题名，现在是 {value!r}").format(value=items))
    return names


def _root(correlation: Any, k: int) -> Floats:
    """A matrix R with R Rᵀ = the correlation matrix."""
    if _is_number(correlation):
        value = inputs.number(correlation, "correlation", low=-1, high=1)
        matrix = np.full((k, k), value)
        np.fill_diagonal(matrix, 1.0)
    else:
        matrix = inputs.matrix(correlation, "correlation", square=True)
        if len(matrix) != k or not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1):
            raise CourseError(_("correlation 应是 {k} × {k} 的相关矩阵：对称，对角线为 1").format(k=k))
    values, vectors = np.linalg.eigh(matrix)
    if values.min() < -1e-9:
        raise CourseError(_("这样的相关系数不可能同时成立（相关矩阵不是半正定的）：请减小绝对值，或检查正负号"))
    return vectors * np.sqrt(np.clip(values, 0, None))


def _per_item(value: Any, name: str, k: int, low: float = -np.inf) -> Floats:
    if _is_number(value):
        return np.full(k, inputs.number(value, name, low=low))
    return inputs.vector(value, name, length=k, low=low)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number))
