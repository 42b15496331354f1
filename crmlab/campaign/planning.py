"""How many people does a test of two rates need, and what can it find with those there are?

Groups of equal size, a two-sided test at the level alpha.

Source: J. L. Fleiss, *Statistical Methods for Rates and Proportions*, Wiley, 1981.
"""

import math
from statistics import NormalDist
from typing import Any

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _


def sample_size(p1: float, p2: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """People needed in *each* group to find the difference between two rates.

    n = (z(1 - α/2) √(2 p̄ q̄) + z(power) √(p1 q1 + p2 q2))² / (p1 - p2)², p̄ = (p1 + p2) / 2, rounded up.

    Source: Fleiss (1981), without continuity correction; the same formula as ``power.prop.test`` of R.

    Parameters
    ----------
    p1, p2 : rates of the control and of the variant, between 0 and 1, different
    power : chance to find the difference if it is there; larger than alpha
    alpha : two-sided rate of false alarms

    Raises
    ------
    CourseError : a rate, the power or alpha out of bounds, or p1 = p2.

    >>> sample_size(0.50, 0.75, power=0.90)
    77
    >>> sample_size(0.05, 0.06)
    8158
    """
    gap, pooled, unpooled = _design(p1, p2)
    alpha = inputs.number(alpha, "alpha", above=0, below=1)
    power = inputs.number(power, "power", above=alpha, below=1)
    root = (_critical(alpha) * pooled + NormalDist().inv_cdf(power) * unpooled) / gap
    return math.ceil(round(root**2, 9))


def power(n: float, p1: float, p2: float, alpha: float = 0.05) -> float:
    """Chance (0-1) that a test with ``n`` people in each group finds the difference between two rates.

    Φ((√n |p1 - p2| - z(1 - α/2) √(2 p̄ q̄)) / √(p1 q1 + p2 q2)): the inverse of :func:`sample_size`. The chance of a
    significant result in the wrong direction is left out, as usual.

    >>> round(power(50, 0.50, 0.75), 3)
    0.74
    """
    return _power(inputs.number(n, "n", low=1), p1, p2, inputs.number(alpha, "alpha", above=0, below=1))


def _power(n: float, p1: float, p2: float, alpha: float) -> float:
    gap, pooled, unpooled = _design(p1, p2)
    return NormalDist().cdf((math.sqrt(n) * gap - _critical(alpha) * pooled) / unpooled)


def minimal_effect(n: float, p1: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest rise over the rate ``p1`` that a test with ``n`` people in each group finds with the given power.

    Returns
    -------
    float, p2 - p1 > 0 (absolute: 0.01 is one percentage point).

    Raises
    ------
    CourseError : no rate below 1 is far enough from ``p1``: the groups are too small.

    >>> round(minimal_effect(50, 0.50, power=0.90), 3)
    0.303
    """
    from scipy.optimize import brentq

    p1 = inputs.number(p1, "p1", above=0, below=1)
    alpha = inputs.number(alpha, "alpha", above=0, below=1)
    power = inputs.number(power, "power", above=alpha, below=1)
    n = inputs.number(n, "n", low=1)

    def surplus(effect: float) -> float:
        return _power(n, p1, p1 + effect, alpha) - power

    least, most = min(1e-9, (1 - p1) / 4), (1 - p1) * (1 - 1e-9)
    if surplus(most) < 0:
        raise CourseError(
            _("每组 {n:g} 人太少：基准转化率 {p1:g} 时，再大的提升也达不到 {power:g} 的功效，请增加人数").format(
                n=n, p1=p1, power=power
            )
        )
    return float(brentq(surplus, least, most, xtol=1e-12))


def _design(p1: Any, p2: Any) -> tuple[float, float, float]:
    """|p1 - p2|, √(2 p̄ q̄), √(p1 q1 + p2 q2) of two checked rates."""
    p1 = inputs.number(p1, "p1", above=0, below=1)
    p2 = inputs.number(p2, "p2", above=0, below=1)
    if p1 == p2:
        raise CourseError(_("p1 与 p2 都是 {p1:g}：没有差别可检验，请写出想要发现的转化率").format(p1=p1))
    mean = (p1 + p2) / 2
    return abs(p1 - p2), math.sqrt(2 * mean * (1 - mean)), math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))


def _critical(alpha: float) -> float:
    """z(1 - α/2); taken from the lower tail, where a small alpha loses no digits."""
    return -NormalDist().inv_cdf(alpha / 2)
