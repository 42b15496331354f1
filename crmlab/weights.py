"""Weights of indicators: direct comparison, paired comparison, and the analytic hierarchy process (AHP).

Three ways to say how much each indicator counts, from the plainest to the most demanding; every one gives weights
that sum to 1. Direct comparison asks for multiples of the least important indicator, paired comparison (对偶比较法)
asks of each pair only which one counts more, AHP asks of each pair also how many times more, and can therefore tell
whether the answers agree with each other.

Sources: T. L. Saaty, "A scaling method for priorities in hierarchical structures", *Journal of Mathematical
Psychology* 15 (3), 1977, 234-281, and *The Analytic Hierarchy Process*, McGraw-Hill, 1980 (scale, eigenvector,
consistency); J. Aczél and T. L. Saaty, "Procedures for synthesizing ratio judgements", *Journal of Mathematical
Psychology* 27 (1), 1983, 93-102 (why a group's judgements are joined by the geometric mean).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = [
    "RANDOM_INDEX",
    "AHPResult",
    "Hierarchy",
    "ahp",
    "direct_comparison",
    "group_matrix",
    "hierarchy",
    "judgement_matrix",
    "paired_comparison",
]

# CI of random matrices of n indicators; other editions print slightly different values.
RANDOM_INDEX = {1: 0.0, 2: 0.0, 3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24, 7: 1.32, 8: 1.41, 9: 1.45, 10: 1.49}
ACCEPTED = 0.10  # judgements are consistent enough while CR is below
_SCALE = np.array([1 / k for k in range(9, 1, -1)] + [float(k) for k in range(1, 10)])  # 1/9 ... 1 ... 9
_ROUNDED = 0.05  # .33 for 1/3 or .13 for 1/8 is a rounded reciprocal; .4 for 1/3 is a mistake


# ------------------------------------------------------------------------------------------------- direct and paired


def direct_comparison(multiples: Any) -> pd.Series:
    """Weights by direct comparison (直接比较法): the least important indicator is 1, the others are multiples of it.

    w_i = m_i / Σ m. Only ratios count, so multiples of some other indicator give the same weights.

    Parameters
    ----------
    multiples : Series or dict by indicator, or a list; all above 0

    Returns
    -------
    Series ``weight`` by indicator (1, 2, ... for a list), sum 1.

    Raises
    ------
    CourseError : nothing given, a multiple is missing, not a number, or not above 0, an indicator stands twice.

    Examples
    --------
    >>> direct_comparison({"外观": 1, "续航": 2, "性能": 5}).to_dict()
    {'外观': 0.125, '续航': 0.25, '性能': 0.625}
    """
    given = pd.Series(multiples) if isinstance(multiples, Mapping) else multiples
    values = inputs.vector(given, _("倍数"), above=0)
    return _normalised(values, _names_of(given, len(values)))


def paired_comparison(
    results: Any,
    *,
    ties: Iterable[tuple[Any, Any]] = (),
    indicators: Sequence[Any] | None = None,
    first: str = "first",
    second: str = "second",
    winner: str = "winner",
) -> pd.Series:
    """Weights by paired comparison (对偶比较法): each of the n(n−1)/2 pairs is judged exactly once.

    The more important indicator of a pair scores 1, the other 0, a tie ½ each; w = score / Σ score, and
    Σ score = n(n−1)/2. Mind that an indicator that loses every pair gets weight 0 although somebody thought it worth
    a question: that is how the method is defined, and one reason why AHP asks "how many times".

    Parameters
    ----------
    results : one of
        a square matrix (DataFrame, array, nested list) of 1, ½, 0: row against column; the diagonal, an indicator
        against itself, is no pair and is not read;
        a list of pairs ``(winner, loser)``, ties apart in ``ties``;
        a DataFrame with the columns ``first``, ``second``, ``winner``; an empty ``winner`` is a tie.
    ties : pairs that were judged equal (with a list of pairs)
    indicators : names, and the order of the result; needed only if the order of appearance does not please
    first, second, winner : names of the columns (with a DataFrame of judgements)

    Returns
    -------
    Series ``weight`` by indicator, sum 1.

    Raises
    ------
    CourseError : a pair is missing, judged twice, or its two scores do not sum to 1.

    Examples
    --------
    >>> paired_comparison([("性能", "续航"), ("性能", "外观"), ("续航", "外观")]).round(3).to_dict()
    {'性能': 0.667, '续航': 0.333, '外观': 0.0}
    >>> paired_comparison([[0, 1, 0.5], [0, 0, 0.5], [0.5, 0.5, 0]]).round(3).to_list()
    [0.5, 0.167, 0.333]
    """
    if isinstance(results, pd.DataFrame) and {first, second, winner} <= set(results.columns):
        inputs.frame(results, _("判断表"), (first, second, winner))
        rows = zip(results[first], results[second], _winners(results, first, second, winner), strict=True)
        return _weigh_pairs([(a, b, 0.5 if won is None else float(won == a)) for a, b, won in rows], indicators)
    if _is_matrix(results):
        return _weigh_scores(results, indicators)
    wins = [(*_pair(pair, place), 1.0) for place, pair in enumerate(results, 1)]
    draws = [(*_pair(pair, place), 0.5) for place, pair in enumerate(ties, 1)]
    return _weigh_pairs(wins + draws, indicators)


def _is_matrix(results: Any) -> bool:
    """Square and of numbers. Two pairs of numbered indicators look the same, but never are all pairs of something."""
    if isinstance(results, (pd.DataFrame, np.ndarray)):
        return True
    if isinstance(results, (str, bytes, Mapping)) or not isinstance(results, Iterable):
        raise CourseError(
            _("成对比较的结果应是方阵、（胜者, 败者）的列表或判断表，现在是 {kind}").format(kind=type(results).__name__)
        )
    rows = list(results)
    return bool(rows) and all(
        isinstance(row, (Sequence, np.ndarray))
        and len(row) == len(rows)
        and all(isinstance(cell, (int, float, np.number)) for cell in row)
        for row in rows
    )


def _weigh_scores(results: Any, indicators: Sequence[Any] | None) -> pd.Series:
    table, names = _labelled(results)
    cells = np.array(table, dtype=object)
    if cells.ndim == 2:
        np.fill_diagonal(cells, 0.0)  # whatever stands there: blank, a dash, ½
    scores = inputs.matrix(cells, _("比较矩阵"), square=True)
    names = names or _numbers(len(scores))
    for i, j in combinations(range(len(scores)), 2):
        if scores[i, j] not in (0, 0.5, 1) or scores[i, j] + scores[j, i] != 1:
            raise CourseError(
                _(
                    "比较矩阵里 {first} 对 {second} 记了 {a:g}，{second} 对 {first} 记了 {b:g}："
                    "应一个记 1、另一个记 0，相同则各记 0.5"
                ).format(first=names[i], second=names[j], a=scores[i, j], b=scores[j, i])
            )
    return _normalised(_at_least_two(scores).sum(axis=1), _renamed(names, indicators))


def _weigh_pairs(judged: list[tuple[Any, Any, float]], indicators: Sequence[Any] | None) -> pd.Series:
    """Weights from (a, b, score of a), each pair once."""
    names = list(dict.fromkeys(name for a, b, _score in judged for name in (a, b)))
    names = _ordered(names, indicators)
    _each_pair_once([(a, b) for a, b, _score in judged], names)
    scores = dict.fromkeys(names, 0.0)
    for a, b, score in judged:
        scores[a] += score
        scores[b] += 1 - score
    return _normalised(np.array(list(scores.values())), pd.Index(names))


def _pair(pair: Any, place: int) -> tuple[Any, Any]:
    if isinstance(pair, (str, bytes)) or not isinstance(pair, Iterable) or len(found := list(pair)) != 2:
        raise CourseError(
            _("第 {row} 个比较是 {value!r}：应写成（胜者, 败者）两个指标，相同的放进 ties").format(
                row=place, value=pair
            )
        )
    return found[0], found[1]


def _ordered(names: list[Any], indicators: Sequence[Any] | None) -> list[Any]:
    if indicators is None:
        return names
    unknown = [name for name in names if name not in list(indicators)]
    if unknown:
        raise CourseError(_("比较里的指标 {name} 不在 indicators 里：请检查写法，或把它补进去").format(name=unknown[0]))
    return list(indicators)


def _each_pair_once(pairs: list[tuple[Any, Any]], names: list[Any]) -> None:
    """A CourseError if a pair is missing or judged twice, or an indicator meets itself."""
    seen: dict[frozenset[Any], int] = {}
    for place, (a, b) in enumerate(pairs, 1):
        if a == b:
            raise CourseError(_("第 {row} 个比较是 {name} 与它自己：应是两个不同的指标").format(row=place, name=a))
        if (before := seen.setdefault(frozenset((a, b)), place)) != place:
            raise CourseError(
                _(
                    "{a} 与 {b} 比较了两次（第 {before} 个和第 {row} 个）：每一对只比较一次；若是几个人的判断，请先按人分开"
                ).format(a=a, b=b, before=before, row=place)
            )
    if not pairs:
        raise CourseError(_("没有一次比较：请至少给出一对指标的判断"))
    lacking = [(a, b) for a, b in combinations(names, 2) if frozenset((a, b)) not in seen]
    if lacking:
        a, b = lacking[0]
        raise CourseError(
            _("{n} 个指标应有 {wanted} 次两两比较，还缺 {lacking} 次，例如 {a} 与 {b}：请补上").format(
                n=len(names), wanted=len(names) * (len(names) - 1) // 2, lacking=len(lacking), a=a, b=b
            )
        )


def _winners(judgements: pd.DataFrame, first: str, second: str, winner: str) -> list[Any]:
    """Who wins each judgement, None for a tie; a CourseError if it is neither of the two."""
    won = [None if pd.isna(name) or name == "" else name for name in judgements[winner]]
    pairs = zip(judgements[first], judgements[second], won, strict=True)
    for row, (a, b, name) in enumerate(pairs, 1):
        if name is not None and name not in (a, b):
            raise CourseError(
                _("列 {column} 第 {row} 行是 {value}：应是这一对里的 {a} 或 {b}，同样重要则留空").format(
                    column=winner, row=row, value=inputs.shown(name), a=a, b=b
                )
            )
    return won


# --------------------------------------------------------------------------------------------------------------- AHP


@dataclass(frozen=True, eq=False)
class AHPResult:
    """Weights from one judgement matrix, and whether its judgements agree with each other.

    Attributes
    ----------
    matrix : the judgement matrix with exact reciprocals, DataFrame n × n
    weights : Series ``weight`` by indicator, sum 1: the principal eigenvector
    lambda_max : the principal eigenvalue; n if all judgements agree, else larger
    ci : consistency index (λmax − n) / (n − 1); 0 for n ≤ 2
    cr : consistency ratio CI / RI; 0 for n ≤ 2

    Examples
    --------
    >>> result = ahp([[1, 3], [1 / 3, 1]])
    >>> result.cr, result.consistent
    (0.0, True)
    """

    matrix: pd.DataFrame
    weights: pd.Series
    lambda_max: float
    ci: float
    cr: float

    @property
    def consistent(self) -> bool:
        """Whether CR < .10: the weights may be used; else some judgements should be thought over."""
        return self.cr < ACCEPTED

    @property
    def ri(self) -> float:
        """Random index of n: the mean CI of matrices filled at random from the scale."""
        return RANDOM_INDEX[len(self.weights)]

    @property
    def summary(self) -> pd.DataFrame:
        """Weight and rank (1 the most important) of each indicator."""
        return pd.DataFrame({"weight": self.weights, "rank": self.weights.rank(ascending=False, method="min")}).astype(
            {"rank": "int64"}
        )

    def worst_judgements(self, count: int | None = None) -> pd.DataFrame:
        """The judgements that agree least with all the others, the worst first: where to think again.

        In a consistent matrix a_ij = w_i / w_j, so e_ij = a_ij · w_j / w_i is 1. The further it lies from 1, in
        either direction, the more that judgement contradicts the rest (Saaty, 1980).

        Parameters
        ----------
        count : how many rows; all n(n−1)/2 by default

        Returns
        -------
        DataFrame, one row a pair: ``first``, ``second``, ``judgement`` (a_ij as given), ``implied`` (w_i / w_j, what
        the weights say), ``disagreement`` (max(e, 1/e), 1 = none), ``suggested`` (the value of the 1-9 scale nearest
        to what all the *other* judgements imply), ``cr_after`` (CR if only this judgement were changed to it).

        A better number is no reason to change an opinion: show the row to the person who judged, and ask.

        Examples
        --------
        >>> result = ahp([[1, 2, 1 / 8, 3], [1 / 2, 1, 2, 4], [8, 1 / 2, 1, 5], [1 / 3, 1 / 4, 1 / 5, 1]])
        >>> result.worst_judgements(1)[["first", "second", "judgement", "suggested"]].values.tolist()
        [[1, 3, 0.125, 2.0]]
        """
        names, a, w = list(self.weights.index), self.matrix.to_numpy(), self.weights.to_numpy()
        rows = []
        for i, j in combinations(range(len(w)), 2):
            error = a[i, j] * w[j] / w[i]
            better = _nearest_on_scale(_without(a, i, j))
            rows.append(
                {
                    "first": names[i],
                    "second": names[j],
                    "judgement": a[i, j],
                    "implied": w[i] / w[j],
                    "disagreement": max(error, 1 / error),
                    "suggested": better,
                    "cr_after": _solve(_replaced(a, i, j, better))[3],
                }
            )
        columns = ["first", "second", "judgement", "implied", "disagreement", "suggested", "cr_after"]
        table = pd.DataFrame(rows, columns=columns).astype({"first": object, "second": object})
        table = table.sort_values("disagreement", ascending=False, kind="stable")
        return table.head(count if count is None else inputs.whole(count, "count", low=1)).reset_index(drop=True)

    def advice(self) -> str:
        """One sentence about consistency and, where it fails, the judgement to think over first.

        Examples
        --------
        >>> ahp([[1, 3], [1 / 3, 1]]).advice()
        'CR = 0.000 < 0.10：判断一致，权重可以使用'
        """
        if self.consistent:
            return _("CR = {cr:.3f} < 0.10：判断一致，权重可以使用").format(cr=self.cr)
        pairs = self.worst_judgements()
        worst = pairs.loc[pairs["cr_after"].idxmin()]  # the single change that helps most
        return _(
            "CR = {cr:.3f} ≥ 0.10：判断前后矛盾。请先重新考虑“{first} 对 {second} = {judgement}”："
            "其余判断合起来意味着约 {suggested}，若只改这一处，CR 变为 {after:.3f}"
        ).format(
            cr=self.cr,
            first=worst["first"],
            second=worst["second"],
            judgement=_as_fraction(worst["judgement"]),
            suggested=_as_fraction(worst["suggested"]),
            after=worst["cr_after"],
        )


def ahp(matrix: Any) -> AHPResult:
    """Weights by the analytic hierarchy process: the principal eigenvector of a judgement matrix.

    a_ij says how many times as important indicator i is as indicator j, on the scale 1, 3, 5, 7, 9 (equal, slightly,
    clearly, strongly, extremely more important; even numbers between; 1/3, 1/5, ... the other way round).
    A w = λmax w, CI = (λmax − n) / (n − 1), CR = CI / RI; the judgements are accepted if CR < .10.

    Parameters
    ----------
    matrix : n × n, 1 ≤ n ≤ 10 (RI is not tabulated beyond): DataFrame, array or nested list; positive, 1 on the
        diagonal, a_ji = 1 / a_ij. Reciprocals typed with two or three digits (.33, .333) are taken as exact: of the
        two numbers the larger one counts, the other becomes its reciprocal.

    Returns
    -------
    AHPResult with ``weights``, ``lambda_max``, ``ci``, ``cr``, ``consistent``; weights carry the names of a
    DataFrame, else 1, 2, ....

    Raises
    ------
    CourseError : not square, more than 10 indicators, a cell that is no positive number, two cells that are not
        reciprocal, rows and columns with different names.

    Examples
    --------
    >>> result = ahp([[1, 4, 3, 7], [1 / 4, 1, 1 / 3, 3], [1 / 3, 3, 1, 5], [1 / 7, 1 / 3, 1 / 5, 1]])
    >>> result.weights.round(3).to_list(), round(result.cr, 3)
    ([0.548, 0.127, 0.27, 0.056], 0.044)
    """
    table, names = _labelled(matrix)
    cells = inputs.matrix(table, _("判断矩阵"), square=True)
    names = names or _numbers(len(cells))
    exact = _reciprocal(cells, names)
    if len(exact) > max(RANDOM_INDEX):
        raise CourseError(
            _(
                "判断矩阵有 {n} 个指标，最多 10 个：更多时平均随机一致性指标没有公认的值，人也难以判断一致，请先把指标分组、分两层比较"
            ).format(n=len(exact))
        )
    weights, lambda_max, ci, cr = _solve(exact)
    index = pd.Index(names)
    return AHPResult(
        matrix=pd.DataFrame(exact, index=index, columns=index),
        weights=pd.Series(weights, index=index, name="weight"),
        lambda_max=lambda_max,
        ci=ci,
        cr=cr,
    )


def judgement_matrix(
    judgements: pd.DataFrame,
    *,
    first: str = "first",
    second: str = "second",
    winner: str = "winner",
    intensity: str = "intensity",
    indicators: Sequence[Any] | None = None,
) -> pd.DataFrame:
    """The judgement matrix of one person from a list of judgements, one row a pair.

    Parameters
    ----------
    judgements : DataFrame, each of the n(n−1)/2 pairs exactly once
    first, second : columns with the two indicators
    winner : column with the more important one, empty if they are equal
    intensity : column with the value on the scale, 1 to 9: how many times as important the winner is
    indicators : order of the matrix; by default the order of appearance

    Returns
    -------
    DataFrame n × n with names, ready for :func:`ahp`.

    Raises
    ------
    CourseError : a pair is missing or there twice, the winner is neither of the two, the intensity lies outside 1-9
        or is not 1 for equal indicators.

    Examples
    --------
    >>> told = pd.DataFrame({"first": ["性能"], "second": ["价格"], "winner": ["价格"], "intensity": [4]})
    >>> judgement_matrix(told).loc["性能", "价格"]
    np.float64(0.25)
    """
    inputs.frame(judgements, _("判断表"), (first, second, winner, intensity))
    won = _winners(judgements, first, second, winner)
    strength = inputs.numbers(judgements, intensity, low=1, high=9)
    pairs = list(zip(judgements[first], judgements[second], strict=True))
    names = _ordered(list(dict.fromkeys(name for pair in pairs for name in pair)), indicators)
    _each_pair_once(pairs, names)
    table = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for row, ((a, b), name, value) in enumerate(zip(pairs, won, strength, strict=True), 1):
        if name is None and value != 1:
            raise CourseError(
                _("列 {column} 第 {row} 行是 {value:g}，但没有写谁更重要：同样重要应记 1，否则请填列 {winner}").format(
                    column=intensity, row=row, value=value, winner=winner
                )
            )
        table.loc[a, b] = 1 / value if name == b else value
        table.loc[b, a] = value if name == b else 1 / value
    return table


def group_matrix(matrices: Iterable[Any], importance: Any = None) -> pd.DataFrame:
    """One judgement matrix for a group: the geometric mean, cell by cell, of its members' matrices.

    The geometric mean keeps reciprocity: the group's view of i against j is the inverse of its view of j against i.
    The arithmetic mean does not (of 1/5 and 5 it makes 2.6 both ways).

    Parameters
    ----------
    matrices : judgement matrices of the members, all with the same indicators
    importance : how much each member counts, positive; equal by default

    Returns
    -------
    DataFrame n × n, ready for :func:`ahp`.

    Raises
    ------
    CourseError : no matrix, different indicators, or a matrix that :func:`ahp` would refuse.

    Examples
    --------
    >>> group_matrix([[[1, 5], [1 / 5, 1]], [[1, 1 / 5], [5, 1]]]).to_numpy().tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    members = [ahp(matrix).matrix for matrix in matrices]
    if not members:
        raise CourseError(_("没有一个判断矩阵：请至少给出一位成员的判断"))
    names = members[0].index
    for place, member in enumerate(members, 1):
        if set(member.index) != set(names):
            raise CourseError(_("第 {row} 个判断矩阵的指标与第 1 个不同：所有成员应比较同样的指标").format(row=place))
    shares = (
        np.ones(len(members))
        if importance is None
        else inputs.vector(importance, "importance", length=len(members), above=0)
    )
    logs = np.array([np.log(member.loc[names, names].to_numpy()) for member in members])
    return pd.DataFrame(np.exp(np.average(logs, axis=0, weights=shares)), index=names, columns=names)


# --------------------------------------------------------------------------------------------------------- hierarchy


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Weights over two levels.

    Attributes
    ----------
    table : DataFrame, one row an indicator under a criterion: ``criterion``, ``indicator``, ``criterion_weight``,
        ``local`` (weight within its criterion), ``weight`` (their product)
    cr : consistency ratio of the whole second level, Σ w CI / Σ w RI over the criteria; a criterion whose local
        weights were given directly counts as consistent and is left out

    Examples
    --------
    >>> hierarchy({"产品": 0.75, "服务": 0.25}, {"产品": {"性能": 3, "续航": 1}, "服务": {"维修": 1}}).cr
    0.0
    """

    table: pd.DataFrame
    cr: float

    @cached_property
    def weights(self) -> pd.Series:
        """Weight of each indicator, sum 1; one that stands under several criteria (as the alternatives of a choice
        do) collects its parts."""
        return self.table.groupby("indicator", sort=False)["weight"].sum()

    @property
    def consistent(self) -> bool:
        """Whether the CR of the second level is below .10."""
        return self.cr < ACCEPTED


def hierarchy(criteria: Any, local: Mapping[Any, Any]) -> Hierarchy:
    """Weights of all indicators of a two-level hierarchy: weight of the criterion × local weight of the indicator.

    Parameters
    ----------
    criteria : judgement matrix of the criteria, an AHPResult, or weights (Series, dict; normalised)
    local : by criterion, the same for the indicators (or alternatives) below it

    Returns
    -------
    Hierarchy with ``table``, ``weights``, ``cr``, ``consistent``.

    Raises
    ------
    CourseError : a criterion without indicators, or indicators of an unknown criterion.

    Examples
    --------
    >>> two_levels = hierarchy(
    ...     {"产品": 0.75, "服务": 0.25},
    ...     {"产品": pd.DataFrame([[1, 3], [1 / 3, 1]], ["性能", "续航"], ["性能", "续航"]), "服务": {"维修": 1}},
    ... )
    >>> two_levels.weights.round(4).to_dict()
    {'性能': 0.5625, '续航': 0.1875, '维修': 0.25}
    """
    top, _result = _weights_of(criteria)
    _same_names(top.index, local)
    rows, ci, ri = [], 0.0, 0.0
    for criterion, weight in top.items():
        below, result = _weights_of(local[criterion])
        if result is not None:
            ci += weight * result.ci
            ri += weight * result.ri
        rows += [(criterion, name, weight, share, weight * share) for name, share in below.items()]
    columns = ["criterion", "indicator", "criterion_weight", "local", "weight"]
    return Hierarchy(table=pd.DataFrame(rows, columns=columns), cr=ci / ri if ri > 0 else 0.0)


def _weights_of(given: Any) -> tuple[pd.Series, AHPResult | None]:
    if isinstance(given, AHPResult):
        return given.weights, given
    if isinstance(given, (pd.Series, Mapping)):
        series = pd.Series(given)
        values = inputs.vector(series, _("权重"), low=0)  # the last in a paired comparison has weight 0
        if not values.sum() > 0:
            raise CourseError(_("权重全是 0：至少要有一个大于 0"))
        return _normalised(values, _names_of(series, len(values))), None
    result = ahp(given)
    return result.weights, result


def _same_names(criteria: pd.Index, local: Mapping[Any, Any]) -> None:
    for name in criteria:
        if name not in local:
            raise CourseError(_("准则 {name} 下没有指标：请在第二层给出它的判断矩阵或权重").format(name=name))
    for name in local:
        if name not in criteria:
            raise CourseError(_("第二层的 {name} 不在准则里：请检查写法").format(name=name))


# ------------------------------------------------------------------------------------------------------------- parts


def _solve(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float, float]:
    """Weights, λmax, CI and CR of an exactly reciprocal matrix."""
    n = len(matrix)
    values, vectors = np.linalg.eig(matrix)
    principal = int(np.argmax(values.real))  # by Perron's theorem real, simple, with a vector of one sign
    vector = np.abs(vectors[:, principal].real)
    lambda_max = float(values[principal].real)
    # λmax ≥ n for every reciprocal matrix; what floating point takes away from it is no inconsistency.
    ci = max(lambda_max - n, 0.0) / (n - 1) if n > 2 else 0.0
    return vector / vector.sum(), lambda_max, ci, ci / RANDOM_INDEX[n] if n > 2 else 0.0


def _reciprocal(a: NDArray[np.float64], names: list[Any]) -> NDArray[np.float64]:
    """The matrix with exact reciprocals; a CourseError at the first cell that cannot be right."""
    for i, j in np.argwhere(a <= 0):
        _refuse_cell(names, i, j, _("是 {value:g}，应大于 0：写 3、1/3 这样的倍数").format(value=a[i, j]))
    for i, value in enumerate(np.diag(a)):
        if abs(value - 1) > 1e-9:
            _refuse_cell(names, i, i, _("是 {value:g}，应为 1：指标与自己同样重要").format(value=value))
    for i, j in combinations(range(len(a)), 2):
        if abs(a[i, j] * a[j, i] - 1) > _ROUNDED:
            told = _("是 {value:g}，与它对称的第 {row} 行第 {column} 列是 {other:g}：两者应互为倒数")
            _refuse_cell(names, i, j, told.format(value=a[i, j], row=j + 1, column=i + 1, other=a[j, i]))
    return np.where(a >= a.T, a, 1 / a.T)


def _refuse_cell(names: list[Any], i: int, j: int, what: str) -> NoReturn:
    raise CourseError(
        _("判断矩阵第 {row} 行第 {column} 列（{first} 对 {second}）{what}").format(
            row=i + 1, column=j + 1, first=names[i], second=names[j], what=what
        )
    )


def _without(a: NDArray[np.float64], i: int, j: int) -> float:
    """What the other judgements imply for i against j: the geometric mean of the ways around, a_ik · a_kj."""
    around = [k for k in range(len(a)) if k not in (i, j)]
    return float(np.exp(np.mean(np.log(a[i, around] * a[around, j])))) if around else float(a[i, j])


def _nearest_on_scale(value: float) -> float:
    return float(_SCALE[np.argmin(np.abs(np.log(_SCALE / value)))])


def _replaced(a: NDArray[np.float64], i: int, j: int, value: float) -> NDArray[np.float64]:
    changed = a.copy()
    changed[i, j], changed[j, i] = value, 1 / value
    return changed


def _as_fraction(value: float) -> str:
    return f"{value:.3g}" if value >= 1 else f"1/{1 / value:.3g}"


def _labelled(matrix: Any) -> tuple[Any, list[Any]]:
    """The matrix with its rows in the order of its columns, and the names of the indicators (none unless a frame)."""
    if not isinstance(matrix, pd.DataFrame):
        return matrix, []
    names = list(matrix.columns)
    if len(set(names)) < len(names):
        twice = matrix.columns[matrix.columns.duplicated()][0]
        raise CourseError(_("判断矩阵里不止一列叫 {name}：请先改名").format(name=twice))
    if list(matrix.index) == names or isinstance(matrix.index, pd.RangeIndex):
        return matrix, names
    if set(matrix.index) != set(names) or len(matrix) != len(names):
        raise CourseError(
            _("判断矩阵的行名（{rows}）与列名（{columns}）不同：应是同样的指标").format(
                rows=_("、").join(map(str, matrix.index)), columns=_("、").join(map(str, names))
            )
        )
    return matrix.loc[names], names


def _numbers(count: int) -> list[Any]:
    return list(range(1, count + 1))


def _names_of(given: Any, count: int) -> pd.Index:
    if not isinstance(given, pd.Series):
        return pd.Index(_numbers(count))
    if not given.index.is_unique:
        twice = given.index[given.index.duplicated()][0]
        raise CourseError(_("指标 {name} 出现了不止一次：每个指标只能有一个数").format(name=twice))
    return given.index


def _renamed(names: list[Any], indicators: Sequence[Any] | None) -> pd.Index:
    if indicators is None:
        return pd.Index(names)
    if len(indicators) != len(names):
        raise CourseError(
            _("indicators 有 {found} 个名字，比较矩阵有 {wanted} 个指标：个数应相同").format(
                found=len(indicators), wanted=len(names)
            )
        )
    return pd.Index(indicators)


def _at_least_two(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(scores) < 2:
        raise CourseError(_("只有 1 个指标，没有可以比较的一对：请至少给出 2 个指标"))
    return scores


def _normalised(values: NDArray[np.float64], names: pd.Index) -> pd.Series:
    return pd.Series(values / values.sum(), index=names, name="weight")
