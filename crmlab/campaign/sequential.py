"""When it is too early to look: what looking every day does to false alarms, and boundaries that allow for it.

Sources: P. Armitage, C. K. McPherson, B. C. Rowe, "Repeated Significance Tests on Accumulating Data", *Journal of the
Royal Statistical Society A* 132, 1969, 235-244; S. J. Pocock, "Group Sequential Methods in the Design and Analysis of
Clinical Trials", *Biometrika* 64, 1977, 191-199; P. C. O'Brien, T. R. Fleming, "A Multiple Testing Procedure for
Clinical Trials", *Biometrics* 35, 1979, 549-556.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

RULES = ("none", "pocock", "obrien_fleming")
_NODES = 160  # of the quadrature behind a boundary: the published constants are met to four decimals


def crossing_probability(critical: Any) -> float:
    """Exact chance that a test without any effect is "significant" at one of its equally spaced looks.

    The z values of the looks are those of a normal random walk: z_k = S_k / √k. The chance to stay within the bounds
    is integrated look by look, as Armitage, McPherson and Rowe did in 1969.

    Parameters
    ----------
    critical : critical |z| of each look, all positive

    >>> [round(crossing_probability([1.96] * looks), 3) for looks in (1, 2, 5, 10)]
    [0.05, 0.083, 0.142, 0.193]
    """
    bounds = inputs.vector(critical, "critical", above=0) * np.sqrt(np.arange(1, np.size(critical) + 1))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    density = _bell(bounds[0] * nodes)
    for before, now in pairwise(bounds):
        steps = _bell(now * nodes[:, None] - before * nodes[None, :])
        density = steps @ (before * weights * density)
    return float(1 - bounds[-1] * weights @ density)


def _bell(z: Floats) -> Floats:
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def boundaries(looks: int, alpha: float = 0.05, rule: str = "pocock") -> pd.Series:
    """Critical |z| of each of several equally spaced looks that together raise ``alpha`` false alarms.

    "none": z(1 - α/2) every time, what peeking does; together far more than alpha. "pocock": one constant C for all
    looks. "obrien_fleming": C √(K / k) at look k of K: hard to cross early, nearly the usual test at the end.

    Parameters
    ----------
    looks : number of looks K, 1 to 100
    alpha : two-sided rate of false alarms
    rule : one of :data:`RULES`

    Returns
    -------
    Series ``critical``, index ``look`` = 1..K.

    >>> float(boundaries(5).iloc[0].round(3)), boundaries(5, rule="obrien_fleming").round(2).to_list()
    (2.413, [4.56, 3.23, 2.63, 2.28, 2.04])
    """
    from scipy.optimize import brentq

    looks = inputs.whole(looks, "looks", low=1, high=100)
    alpha = inputs.number(alpha, "alpha", above=1e-6, below=0.5)
    inputs.choice(rule, "rule", RULES)
    index = pd.RangeIndex(1, looks + 1, name="look")
    shape = np.sqrt(looks / index.to_numpy()) if rule == "obrien_fleming" else np.ones(looks)
    constant = -NormalDist().inv_cdf(alpha / 2)
    if rule != "none" and looks > 1:
        constant = brentq(lambda c: crossing_probability(c * shape) - alpha, constant, 2 * constant + 2)
    return pd.Series(constant * shape, index=index, name="critical")


@dataclass(frozen=True)
class Peeking:
    """What looking again and again does; made by :func:`peeking`.

    Attributes:
        table: index ``look``; columns ``visitors`` (of each group so far), ``at_this_look`` (share of the experiments
            significant at exactly this look), and the share called significant at this look or before under each rule:
            ``none`` (peeking), ``pocock``, ``obrien_fleming``.
        alpha: nominal rate of false alarms.

    >>> peeking(looks=5, simulations=2000).table.shape
    (5, 5)
    """

    table: pd.DataFrame
    alpha: float

    @property
    def false_positive_rate(self) -> float:
        """Share of all experiments that were called significant at some look without any correction."""
        return float(self.table["none"].iloc[-1])

    def plot(self) -> "Figure":
        """Share called significant so far, by look, under each rule."""
        from crmlab import plots

        title = _("看 {looks} 次，误报从 {alpha:.0%} 涨到 {rate:.0%}").format(
            looks=len(self.table), alpha=self.alpha, rate=self.false_positive_rate
        )
        figure, (ax,) = plots.new_figure(title)
        names = (_("每次都按原标准看"), _("Pocock 边界"), _("O'Brien–Fleming 边界"))
        for rule, name, colour in zip(RULES, names, (plots.RED, plots.BLUE, plots.GREEN), strict=True):
            ax.plot(self.table.index, self.table[rule], "o-", ms=4, color=colour, label=name)
        ax.axhline(self.alpha, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        ax.yaxis.set_major_formatter(lambda y, _place: f"{100 * y:g}%")
        ax.set(xlabel=_("第几次查看"), ylabel=_("已判为“显著”的试验占比"), ylim=(0, None))
        ax.legend()
        return figure


def peeking(
    looks: int = 10,
    visitors: int = 1000,
    rate: float = 0.05,
    rate_b: float | None = None,
    alpha: float = 0.05,
    simulations: int = 5000,
    seed: int = 0,
) -> Peeking:
    """Simulates A/B tests that are looked at every day, by default A/A tests in which nothing differs.

    Parameters
    ----------
    looks : number of looks (days), 1 to 100
    visitors : people of each group between two looks
    rate : conversion rate of A
    rate_b : conversion rate of B; None for the same as A (an A/A test: whatever is found is a false alarm)
    alpha : two-sided rate of false alarms of a single look
    simulations : number of experiments, at most 100,000
    seed : of the random numbers

    >>> result = peeking(looks=5, simulations=20_000)
    >>> result.table[["none", "pocock"]].iloc[-1].round(2).to_list()
    [0.14, 0.05]
    """
    looks = inputs.whole(looks, "looks", low=1, high=100)
    alpha = inputs.number(alpha, "alpha", above=1e-6, below=0.5)
    each = inputs.whole(visitors, "visitors", low=1)
    rates = [inputs.number(rate, "rate", above=0, below=1)]
    rates.append(rates[0] if rate_b is None else inputs.number(rate_b, "rate_b", above=0, below=1))
    count = inputs.whole(simulations, "simulations", low=1, high=100_000)
    rng = np.random.default_rng(inputs.whole(seed, "seed", low=0))
    found = [rng.binomial(each, p, (count, looks)).cumsum(axis=1) for p in rates]
    size = each * np.arange(1, looks + 1)
    z = np.abs(_pooled_z(found[0], found[1], size))
    crossed = {rule: z > boundaries(looks, alpha, rule).to_numpy() for rule in RULES}
    table = pd.DataFrame({"visitors": size, "at_this_look": crossed["none"].mean(axis=0)})
    for rule in RULES:
        table[rule] = np.maximum.accumulate(crossed[rule], axis=1).mean(axis=0)
    return Peeking(table.set_axis(pd.RangeIndex(1, looks + 1, name="look")), alpha)


def _pooled_z(x_a: Any, x_b: Any, n: Any) -> Floats:
    """z of many tests with equal groups; 0 where nobody or everybody converted."""
    pooled = (x_a + x_b) / (2 * n)
    error = np.sqrt(pooled * (1 - pooled) * 2 / n)
    return np.divide((x_a - x_b) / n, error, out=np.zeros(np.shape(error)), where=error > 0)
