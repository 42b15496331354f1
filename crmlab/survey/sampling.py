"""How many people to ask, how sure one can then be, and how to spread the interviews over the strata.

Sources: W. G. Cochran, *Sampling Techniques*, 3rd ed., Wiley, 1977 (sample size, finite populations, allocation);
R. V. Krejcie and D. W. Morgan, "Determining sample size for research activities", *Educational and Psychological
Measurement* 30 (3), 1970, 607-610.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import z_value

Floats = NDArray[np.float64]


def sample_size_proportion(
    p: float = 0.5,
    margin: float = 0.05,
    level: float = 0.95,
    population: int | None = None,
    *,
    design_effect: float = 1.0,
    response_rate: float = 1.0,
    rounding: str = "up",
) -> int:
    """People needed to know a share to within ± ``margin``.

    n₀ = deff · z² p (1 − p) / margin²; in a population of N, n = n₀ / (1 + (n₀ − 1) / N); rounded, then divided
    by the expected response rate. p = ½ is the worst case.

    Parameters
    ----------
    p : expected share, between 0 and 1
    margin : half the width of the interval, as a share (.05 = 5 percentage points)
    level : confidence, e.g. .95
    population : size of the population; None if it is very large
    design_effect : variance relative to simple random sampling; cluster samples (whole classes) need more than 1
    response_rate : share of the invited who will answer, above 0; the result is then the number to invite
    rounding : "up" (at least this precise) or "nearest", as tables such as that of Krejcie and Morgan do
        (N = 500: 217.49 gives 218 rounded up, 217 in their table)

    Raises
    ------
    CourseError : a number out of its bounds, or more people to invite than there are.

    Examples
    --------
    >>> sample_size_proportion(), sample_size_proportion(population=1000)
    (385, 278)
    """
    p = inputs.number(p, "p", above=0, below=1)
    return _size(p * (1 - p), margin, level, population, design_effect, response_rate, rounding)


def sample_size_mean(
    sd: float,
    margin: float,
    level: float = 0.95,
    population: int | None = None,
    *,
    design_effect: float = 1.0,
    response_rate: float = 1.0,
    rounding: str = "up",
) -> int:
    """People needed to know a mean to within ± ``margin``: n₀ = deff · (z sd / margin)², else as for a share.

    Parameters
    ----------
    sd : expected standard deviation (from a pretest; on a scale from a to b at most (b − a) / 2)
    margin : half the width of the interval, in the unit of ``sd``
    level, population, design_effect, response_rate, rounding : as in :func:`sample_size_proportion`

    Examples
    --------
    >>> sample_size_mean(sd=2, margin=0.2)
    385
    """
    sd = inputs.number(sd, "sd", above=0)
    return _size(sd**2, margin, level, population, design_effect, response_rate, rounding)


def _size(
    variance: float,
    margin: float,
    level: float,
    population: int | None,
    design_effect: float,
    response_rate: float,
    rounding: str,
) -> int:
    margin = inputs.number(margin, "margin", above=0)
    effect = inputs.number(design_effect, "design_effect", above=0)
    rate = inputs.number(response_rate, "response_rate", above=0, high=1)
    rounding = inputs.choice(rounding, "rounding", ("up", "nearest"))
    needed = effect * z_value(level) ** 2 * variance / margin**2
    people = None if population is None else inputs.whole(population, "population", low=1)
    if people is not None:
        needed = min(needed / (1 + (needed - 1) / people), people)
    # 12 digits: 100.00000000000001 is 100 people.
    answers = math.floor(needed + 0.5) if rounding == "nearest" else math.ceil(round(needed, 12))
    whole = math.ceil(round(max(answers, 1) / rate, 12))
    if people is not None and whole > people:
        raise CourseError(
            _("要邀请 {n} 人，总体却只有 {people} 人：请放宽 margin，或设法提高回答率").format(n=whole, people=people)
        )
    return whole


def margin_of_error(
    n: int,
    p: float = 0.5,
    level: float = 0.95,
    population: int | None = None,
    *,
    sd: float | None = None,
    design_effect: float = 1.0,
) -> float:
    """Half the width of the confidence interval from ``n`` answers: z √(deff · s² / n · (N − n) / (N − 1)).

    It tells what chance does to a random sample. It says nothing about people who could not or would not answer.

    Parameters
    ----------
    n : number of answers
    p : share, s² = p (1 − p); ignored if ``sd`` is given
    level, population, design_effect : as in :func:`sample_size_proportion`
    sd : standard deviation, for the margin of a mean

    Returns
    -------
    float, as a share, or in the unit of ``sd``.

    Examples
    --------
    >>> round(margin_of_error(385), 3), round(margin_of_error(278, population=1000), 3)
    (0.05, 0.05)
    """
    n = inputs.whole(n, "n", low=1)
    share = inputs.number(p, "p", low=0, high=1)
    variance = share * (1 - share) if sd is None else inputs.number(sd, "sd", low=0) ** 2
    finite = 1.0
    if population is not None:
        people = inputs.whole(population, "population", low=n)
        finite = (people - n) / (people - 1) if people > 1 else 0.0
    effect = inputs.number(design_effect, "design_effect", above=0)
    return z_value(level) * math.sqrt(effect * variance / n * finite)


def allocate(n: int, sizes: Any, sd: Any = None) -> pd.Series:
    """How many of ``n`` interviews go to each stratum.

    Proportional: n_h = n N_h / N. With ``sd``, Neyman's: n_h = n N_h S_h / Σ N S, more to where opinions differ more,
    which makes the overall mean as precise as n interviews can. A stratum is never asked more people than it has; what
    is left over goes to the others. Whole numbers by largest remainder, so they sum to n.

    Parameters
    ----------
    n : interviews, at most the population
    sizes : people by stratum (Series, dict or list)
    sd : standard deviation by stratum, same order (Series and dict: same names)

    Returns
    -------
    Series ``n`` of whole numbers by stratum (1, 2, ... for a list).

    Raises
    ------
    CourseError : more interviews than people, names of ``sd`` and ``sizes`` that differ, all sd 0.

    Examples
    --------
    >>> allocate(100, {"本科": 9000, "研究生": 3000}).to_dict()
    {'本科': 75, '研究生': 25}
    >>> allocate(100, {"本科": 9000, "研究生": 3000}, sd={"本科": 1, "研究生": 2}).to_dict()
    {'本科': 60, '研究生': 40}
    """
    people = by_stratum(sizes, "sizes", low=1)
    n = inputs.whole(n, "n", low=1, high=float(people.sum()))
    demand = people if sd is None else people * _same_strata(by_stratum(sd, "sd", low=0), people)
    if not demand.sum() > 0:
        raise CourseError(_("sd 全是 0：没有差异的总体不需要按差异分配，请去掉 sd"))
    share = _capped(float(n), demand.to_numpy(), people.to_numpy())
    return pd.Series(_whole_parts(share, people.to_numpy()), index=people.index, name="n")


def by_stratum(values: Any, name: str, low: float) -> pd.Series:
    """Numbers of at least ``low`` by stratum, from a Series or dict, or from a list (strata 1, 2, ...).

    >>> by_stratum([9000, 3000], "sizes", low=1).to_dict()
    {1: 9000.0, 2: 3000.0}
    """
    series = pd.Series(values) if isinstance(values, (pd.Series, Mapping)) else None
    checked = inputs.vector(values if series is None else series, name, low=low)
    index = pd.Index(range(1, len(checked) + 1)) if series is None else series.index
    if not index.is_unique:
        raise CourseError(
            _("{name} 里的层 {value} 出现了不止一次：每层一个数").format(name=name, value=index[index.duplicated()][0])
        )
    return pd.Series(checked, index=index)


def _same_strata(sd: pd.Series, people: pd.Series) -> pd.Series:
    if set(sd.index) != set(people.index):
        raise CourseError(
            _("sd 的层（{sd}）与 sizes 的层（{sizes}）不同：请用同样的名字").format(
                sd=_("、").join(map(str, sd.index)), sizes=_("、").join(map(str, people.index))
            )
        )
    return sd.reindex(people.index)


def _capped(n: float, demand: Floats, most: Floats) -> Floats:
    """n shared out by demand, nobody above ``most``; once all demand is met, the rest by what room is left."""
    share = np.zeros(len(demand))
    while n - share.sum() > 1e-9:
        room = most - share
        wish = np.where(room > 1e-9, demand, 0.0)
        wish = wish if wish.sum() > 0 else room
        share += np.minimum(room, (n - share.sum()) * wish / wish.sum())
    return share


def _whole_parts(share: Floats, most: Floats) -> NDArray[np.int64]:
    """Largest remainder: round down, then one more to those who lost most by it."""
    share = np.round(share, 9)
    parts = np.floor(share)
    missing = round(share.sum() - parts.sum())
    order = np.argsort(np.where(parts < most, parts - share, np.inf), kind="stable")
    parts[order[:missing]] += 1
    return parts.astype(np.int64)
