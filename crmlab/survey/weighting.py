"""Weights that give the sample the make-up of the population, and what they cost.

Sources: W. E. Deming and F. F. Stephan, "On a least squares adjustment of a sampled frequency table when the expected
marginal totals are known", *Annals of Mathematical Statistics* 11 (4), 1940, 427-444 (raking); L. Kish, *Survey
Sampling*, Wiley, 1965 (design effect).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.survey.sampling import by_stratum


def poststratify(
    sample: pd.DataFrame, population: pd.DataFrame, by: str | Sequence[str], size: str = "size"
) -> pd.Series:
    """Weights that give each cell of the sample its share of the population: w = (N_h / N) / (n_h / n).

    Corrects who answers as far as the cells explain it. If within a cell the satisfied answer more often, no weight
    made of cells can know.

    Parameters
    ----------
    sample : DataFrame, one row a respondent
    population : DataFrame, one row a cell, with the columns ``by`` and its number of people
    by : column or columns that make the cells, in both tables
    size : column of ``population`` with the number of people

    Returns
    -------
    Series ``weight`` with the index of ``sample``, mean 1. Use: ``np.average(y, weights=w)``.

    Raises
    ------
    CourseError : a cell of the population without respondent (merge cells), or respondents of an unknown cell.

    Examples
    --------
    >>> sample = pd.DataFrame({"gender": ["女", "女", "女", "男"]})
    >>> campus = pd.DataFrame({"gender": ["女", "男"], "size": [500, 500]})
    >>> poststratify(sample, campus, "gender").round(3).to_list()
    [0.667, 0.667, 0.667, 2.0]
    """
    cells = [by] if isinstance(by, str) else list(by)
    inputs.frame(sample, _("样本"), cells)
    inputs.frame(population, _("总体表"), [*cells, size])
    people = _cell_sizes(population, cells, size)
    mine = _cell_keys(sample, cells)
    counts = mine.value_counts()
    _every_cell(people, counts, mine)
    factor = (people / people.sum()) / (counts.reindex(people.index) / len(sample))
    return pd.Series(mine.map(factor).to_numpy(dtype=float), index=sample.index, name="weight")


def rake(
    sample: pd.DataFrame, margins: Mapping[str, Any], *, tolerance: float = 1e-8, most_rounds: int = 500
) -> pd.Series:
    """Weights that meet the population's totals on several columns at once, when only the margins are known.

    Iterative proportional fitting: scale the weights to the first margin, then to the second, and so on, round after
    round, until all are met (Deming and Stephan, 1940).

    Parameters
    ----------
    sample : DataFrame, one row a respondent
    margins : {column: people, or share, by value of that column} (Series or dict)
    tolerance : largest difference of shares that is let pass
    most_rounds : rounds after which to give up

    Returns
    -------
    Series ``weight`` with the index of ``sample``, mean 1.

    Raises
    ------
    CourseError : a value without respondents, a respondent with an unknown value, or no convergence.

    Examples
    --------
    >>> sample = pd.DataFrame({"gender": ["女", "女", "女", "男"], "grade": [1, 1, 2, 2]})
    >>> weights = rake(sample, {"gender": {"女": 0.5, "男": 0.5}, "grade": {1: 400, 2: 600}})
    >>> weights.round(3).to_list()
    [0.8, 0.8, 0.4, 2.0]
    """
    inputs.frame(sample, _("样本"), margins.keys())
    codes, targets = [], []
    for name, wanted in margins.items():
        people = by_stratum(wanted if isinstance(wanted, pd.Series) else dict(wanted), name, low=0)
        people = people[people > 0]
        values = inputs.column(sample, name)
        _every_cell(people, values.value_counts(), values)
        codes.append(people.index.get_indexer(values))
        targets.append((people / people.sum()).to_numpy())
    weights = np.full(len(sample), 1 / len(sample))
    for _round in range(inputs.whole(most_rounds, "most_rounds", low=1)):
        for code, target in zip(codes, targets, strict=True):
            weights = weights * (target / np.bincount(code, weights, len(target)))[code]
        off = [np.abs(np.bincount(c, weights, len(t)) - t).max() for c, t in zip(codes, targets, strict=True)]
        if max(off) <= tolerance:
            return pd.Series(weights * len(sample), index=sample.index, name="weight")
    raise CourseError(
        _("加权 {n} 轮后仍不能同时满足各边际：样本里有的组合可能没有人，请合并小类").format(n=most_rounds)
    )


def design_effect(weights: Any) -> float:
    """How much unequal weights cost (Kish): deff = n Σ w² / (Σ w)²; n / deff answers of equal weight know as much.

    Parameters
    ----------
    weights : one a respondent, not negative

    Examples
    --------
    >>> round(design_effect([1, 1, 1, 3]), 3)
    1.333
    """
    w = inputs.vector(weights, "weights", low=0)
    if not w.sum() > 0:
        raise CourseError(_("weights 全是 0：至少要有一个大于 0"))
    return float(len(w) * np.sum(w**2) / w.sum() ** 2)


def _cell_keys(table: pd.DataFrame, cells: list[str]) -> pd.Series:
    """One key a row: the value, or the tuple of values, of the columns."""
    columns = [inputs.column(table, name).astype(object) for name in cells]
    return columns[0] if len(cells) == 1 else pd.Series(list(zip(*columns, strict=True)), dtype=object)


def _cell_sizes(population: pd.DataFrame, cells: list[str], size: str) -> pd.Series:
    people = inputs.numbers(population, size, low=0).groupby(_cell_keys(population, cells), sort=False).sum()
    if not people.sum() > 0:
        raise CourseError(_("列 {column} 全是 0：总体里没有人").format(column=size))
    return people[people > 0]


def _every_cell(people: pd.Series, counts: pd.Series, mine: pd.Series) -> None:
    for cell in people.index:
        if not counts.get(cell, 0):
            raise CourseError(_("总体里的 {cell} 在样本里一个人也没有：请与相近的类合并").format(cell=_cell_name(cell)))
    unknown = ~mine.isin(list(people.index))
    if unknown.any():
        row = int(np.argmax(unknown.to_numpy()))
        raise CourseError(
            _("样本第 {row} 行的 {cell} 不在总体里：请检查写法").format(row=row + 1, cell=_cell_name(mine.iloc[row]))
        )


def _cell_name(cell: Any) -> str:
    return "×".join(map(str, cell)) if isinstance(cell, tuple) else str(cell)
