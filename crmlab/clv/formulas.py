"""Customer lifetime value by formula: a constant margin, a constant retention rate, a discount rate.

Textbooks use one name for three formulas that differ in when money comes in; see :func:`simple_clv`.
Source: S. Gupta & D. R. Lehmann, "Customers as Assets", *Journal of Interactive Marketing* 17 (1), 2003, 9-24;
P. D. Berger & N. I. Nasr, "Customer Lifetime Value: Marketing Models and Applications", *Journal of Interactive
Marketing* 12 (1), 1998, 17-30.
"""

from typing import Any

import numpy as np

from crmlab import inputs
from crmlab.clv.fitting import Floats, broadcast, like
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["CONVENTIONS", "monthly_rate", "simple_clv"]

CONVENTIONS = ("renewal", "advance", "arrears")
_BOUNDS: dict[str, dict[str, Any]] = {"margin": {}, "retention": {"low": 0, "high": 1}, "discount": {"low": 0}}


def simple_clv(
    margin: Any, retention: Any, discount: Any, convention: str = "renewal", horizon: int | None = None
) -> Any:
    """Discounted margins of one customer who stays from period to period with probability ``retention``.

    ========= ============================================ ==================== ==================
    convention first margin                                endless              share of ``margin``
    ========= ============================================ ==================== ==================
    renewal   one period from now, if the customer stays   m·r / (1 + d − r)    Σ rᵗ / (1+d)ᵗ, t = 1, 2, ...
    advance   today                                        m·(1+d) / (1+d−r)    Σ rᵗ / (1+d)ᵗ, t = 0, 1, ...
    arrears   one period from now, for certain             m / (1 + d − r)      Σ rᵗ⁻¹ / (1+d)ᵗ, t = 1, 2, ...
    ========= ============================================ ==================== ==================

    What it cost to win the customer is left out of all three. The course uses ``renewal``.

    Parameters
    ----------
    margin : yuan a period; number or Series, as the next two
    retention : probability to stay for one more period, 0-1
    discount : discount rate a period, not negative (0.10 = 10 %); same period as ``retention``
    convention : one of :data:`CONVENTIONS`
    horizon : count the margins of so many periods only; None: all

    Returns
    -------
    Yuan, float or Series as the arguments.

    Raises
    ------
    CourseError : a rate out of bounds (a percentage instead of a share, say), or an endless sum (r = 1 and d = 0).

    >>> round(simple_clv(100, 0.8, 0.1), 2)
    266.67
    >>> round(simple_clv(100, 0.8, 0.1, convention="advance"), 2)
    366.67
    >>> round(simple_clv(100, 0.8, 0.1, horizon=5), 2)
    212.41
    """
    inputs.choice(convention, "convention", CONVENTIONS)
    given = broadcast(margin=margin, retention=retention, discount=discount)
    for name, bounds in _BOUNDS.items():
        inputs.vector(np.ravel(given[name]), name, **bounds)
    ratio = given["retention"] / (1 + given["discount"])
    first = {"renewal": ratio, "advance": np.ones_like(ratio), "arrears": 1 / (1 + given["discount"])}[convention]
    return like(given["margin"] * first * _periods(ratio, horizon), "clv", margin, retention, discount)


def monthly_rate(annual: float) -> float:
    """The monthly rate that compounds to ``annual`` in twelve months: (1 + d)^(1/12) − 1, not d / 12.

    >>> round(monthly_rate(0.10), 6)
    0.007974
    """
    return (1 + inputs.number(annual, "annual", above=-1)) ** (1 / 12) - 1


def _periods(ratio: Floats, horizon: int | None) -> Floats:
    """1 + ratio + ratio² + ..., ``horizon`` terms or all."""
    if horizon is None:
        if np.any(ratio >= 1):
            raise CourseError(_("retention 为 1 且 discount 为 0 时价值无穷大：请给出 horizon，或用小于 1 的保持率"))
        return 1 / (1 - ratio)
    periods = inputs.whole(horizon, "horizon", low=1)
    steps = np.arange(periods)
    return np.power.outer(ratio, steps).sum(axis=-1)
