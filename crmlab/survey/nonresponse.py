"""What it does to a result that some answer and others do not.

Source: J. Bethlehem, "Reduction of nonresponse bias through regression estimation", *Journal of Official Statistics*
4 (3), 1988, 251-260.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import z_value

Floats = NDArray[np.float64]


def nonresponse_bias(values: Any, propensity: Any) -> float:
    """How far the respondents' mean lies from the truth, however many are asked: cov(propensity, y) / mean propensity.

    Bethlehem (1988): no bias comes from few answers as such, only from answering being tied to what is asked.

    Parameters
    ----------
    values : y of everybody in the population
    propensity : chance of each to answer, above 0, at most 1

    Returns
    -------
    float, in the unit of y.

    Examples
    --------
    >>> nonresponse_bias([4, 10], [0.2, 0.6])
    1.5
    """
    y = inputs.vector(values, "values")
    chance = inputs.vector(propensity, "propensity", length=len(y), above=0, high=1)
    return float(np.average(y, weights=chance) - y.mean())


def bias_simulation(
    values: Any,
    *,
    slope: float = 0.5,
    response_rate: float = 0.3,
    invited: Sequence[int] = (100, 400, 1600),
    repeats: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Many surveys of the same population, small and large, while answering depends on satisfaction.

    The chance to answer is logistic in the standardised value, with ``slope`` > 0: the satisfied rather answer, < 0:
    the dissatisfied, 0: no matter. Larger samples shrink the spread but not the bias; the confidence interval becomes
    narrower around the wrong number and covers the truth ever more rarely.

    Parameters
    ----------
    values : satisfaction of everybody in the population
    slope : change of the log odds to answer with one standard deviation of satisfaction
    response_rate : mean chance to answer, between 0 and 1
    invited : how many are invited, drawn at random without putting back, for each size of survey
    repeats : surveys of each size
    level : of the confidence intervals
    seed : the same seed gives the same surveys

    Returns
    -------
    DataFrame, one row a size, index ``invited``: ``answered`` (mean number), ``estimate`` (mean over surveys),
    ``truth``, ``bias`` (estimate − truth), ``expected_bias`` (from :func:`nonresponse_bias`), ``sd`` (of the
    estimates), ``rmse`` (√(bias² + sd²)), ``coverage`` (share of intervals that hold the truth).

    Raises
    ------
    CourseError : everybody is equally satisfied, or more invited than there are people.

    Examples
    --------
    >>> everybody = np.random.default_rng(1).normal(7, 1.5, 10_000)
    >>> bias_simulation(everybody, slope=0.5, repeats=200)[["bias", "sd"]].round(1)
             bias   sd
    invited
    100       0.5  0.3
    400       0.5  0.1
    1600      0.5  0.1
    """
    y = inputs.vector(values, "values")
    if np.ptp(y) == 0:
        raise CourseError(_("values 全都一样：满意度没有差异，也就没有偏差可看"))
    sizes = [inputs.whole(n, "invited", low=10, high=len(y)) for n in invited]
    surveys, z = inputs.whole(repeats, "repeats", low=2), z_value(level)
    chance = _propensities(
        y, inputs.number(slope, "slope"), inputs.number(response_rate, "response_rate", above=0, below=1)
    )
    rng = np.random.default_rng(inputs.whole(seed, "seed", low=0))
    rows = [_surveys(rng, y, chance, n, surveys, z) for n in sizes]
    table = pd.DataFrame(rows, index=pd.Index(sizes, name="invited"))
    bias, truth = table["estimate"] - y.mean(), y.mean()
    return table.assign(
        truth=truth, bias=bias, expected_bias=nonresponse_bias(y, chance), rmse=np.hypot(bias, table["sd"])
    )[["answered", "estimate", "truth", "bias", "expected_bias", "sd", "rmse", "coverage"]]


def _propensities(y: Floats, slope: float, rate: float) -> Floats:
    """Chances to answer, logistic in the standardised y, with the mean ``rate`` (found by halving an interval)."""
    tilt = slope * (y - y.mean()) / y.std()
    low, high = -50.0 - np.abs(tilt).max(), 50.0 + np.abs(tilt).max()
    for _step in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(1 / (1 + np.exp(-middle - tilt))) < rate else (low, middle)
    return 1 / (1 + np.exp(-middle - tilt))


def _surveys(rng: np.random.Generator, y: Floats, chance: Floats, n: int, repeats: int, z: float) -> dict[str, float]:
    means, sizes, covered = np.empty(repeats), np.empty(repeats), np.empty(repeats)
    for survey in range(repeats):
        asked = rng.choice(len(y), n, replace=False)
        reluctance = rng.random(n) / chance[asked]
        # Those below 1 answer; at least two do: nobody publishes a survey with one answer.
        answered = asked[reluctance <= max(1.0, np.partition(reluctance, 1)[1])]
        got = y[answered]
        half = z * got.std(ddof=1) / np.sqrt(len(got))
        means[survey], sizes[survey], covered[survey] = got.mean(), len(got), abs(got.mean() - y.mean()) <= half
    return {"answered": sizes.mean(), "estimate": means.mean(), "sd": means.std(ddof=1), "coverage": covered.mean()}
