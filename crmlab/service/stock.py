"""How much to stock for an uncertain demand: once (newsvendor), or again and again (safety stock).

Conventions: money in yuan, service levels as shares between 0 and 1. The *cycle service level* is the chance that
stock lasts through a cycle, F(Q); the *fill rate* is the share of demand served from stock, 1 − E[lost] / E[demand].
They are different numbers, and mixing them up is the classic mistake.

Sources: G. Cachon & C. Terwiesch, *Matching Supply with Demand*, McGraw-Hill, 2013 (newsvendor, loss function, fill
rate); R. H. Ballou, *Business Logistics/Supply Chain Management*, 5th ed., Pearson, 2004 (safety stock with an
uncertain lead time).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Newsvendor", "inventory_costs", "newsvendor", "safety_stock", "unit_normal_loss"]

_SLACK = 1e-12  # 8 days of 10 must reach a critical ratio of 0.8 although binary fractions miss it by a hair


def unit_normal_loss(z: Any) -> Any:
    """Standard normal loss function: what is missing on average when stock stands z standard deviations above demand.

    L(z) = φ(z) − z [1 − Φ(z)]; expected lost sales are σ L(z) with z = (Q − μ) / σ.

    Parameters
    ----------
    z : number, or list, array or Series of numbers

    Returns
    -------
    float, or an array of the shape of ``z``.

    Examples
    --------
    >>> round(unit_normal_loss(0), 4), round(unit_normal_loss(1), 4)
    (0.3989, 0.0833)
    """
    from scipy.special import ndtr

    points = inputs.number(z, "z") if np.ndim(z) == 0 else inputs.vector(z, "z")
    with np.errstate(over="ignore"):  # exp(-inf) is 0, as it should be
        loss = np.exp(-np.square(points) / 2) / np.sqrt(2 * np.pi) - points * ndtr(np.negative(points))
    # Far to the right both terms are tiny and nearly equal: their difference must not fall below 0.
    loss = np.maximum(loss, 0.0)
    return float(loss) if np.ndim(loss) == 0 else loss


@dataclass(frozen=True, eq=False)
class Newsvendor:
    """How much to order once for an uncertain demand, made by :func:`newsvendor`.

    Attributes
    ----------
    underage, overage : cost of a unit too few and of a unit too many
    mean, sd : of demand (of a sample: divided by n, the sample is taken as the whole distribution)
    demand : probability of each demand value (Series indexed by value), or None for normal demand
    critical_ratio : cu / (cu + co)
    quantity : least Q with F(Q) ≥ critical ratio; for normal demand the quantile, a real number
    units : least whole Q with F(Q) ≥ critical ratio

    Examples
    --------
    >>> order = newsvendor(underage=0.50, overage=0.15, mean=11.73, sd=4.74)
    >>> order.summary.round(3).loc["units", ["service_level", "fill_rate"]].to_list()
    [0.816, 0.959]
    """

    underage: float
    overage: float
    mean: float
    sd: float
    demand: pd.Series | None
    critical_ratio: float
    quantity: float
    units: int

    def at(self, quantity: float) -> pd.Series:
        """What an order of ``quantity`` leads to.

        Returns
        -------
        Series with ``service_level`` (cycle service level, F(Q)), ``fill_rate`` (1 − E[lost] / E[demand]),
        ``expected_lost``, ``expected_leftover`` (units), ``expected_cost`` (cu · lost + co · leftover).
        """
        level, lost = _outcome(self, inputs.number(quantity, "quantity", low=0))
        leftover = quantity - self.mean + lost
        return pd.Series(
            {
                "service_level": level,
                "fill_rate": 1 - lost / self.mean,
                "expected_lost": lost,
                "expected_leftover": leftover,
                "expected_cost": self.underage * lost + self.overage * leftover,
            },
            name=quantity,
        )

    @property
    def service_level(self) -> float:
        """Cycle service level at ``quantity``: the chance that nothing is missing."""
        return float(self.at(self.quantity)["service_level"])

    @property
    def fill_rate(self) -> float:
        """Fill rate at ``quantity``: the share of demand that is served."""
        return float(self.at(self.quantity)["fill_rate"])

    @property
    def expected_lost(self) -> float:
        """Expected lost sales at ``quantity``, in units."""
        return float(self.at(self.quantity)["expected_lost"])

    @property
    def expected_leftover(self) -> float:
        """Expected units left over at ``quantity``."""
        return float(self.at(self.quantity)["expected_leftover"])

    @property
    def expected_cost(self) -> float:
        """Expected cost of mismatch at ``quantity``, cu · lost + co · leftover."""
        return float(self.at(self.quantity)["expected_cost"])

    @property
    def summary(self) -> pd.DataFrame:
        """The order as a real number and in whole units, with what each leads to."""
        rows = {name: self.at(getattr(self, name)) for name in ("quantity", "units")}
        table = pd.DataFrame(rows).T
        table.insert(0, "order", [self.quantity, float(self.units)])
        return table

    def __float__(self) -> float:
        return float(self.quantity)

    def plot(self) -> "Figure":
        """Expected cost over the order quantity, with its minimum."""
        from crmlab import plots

        span = 3 * max(self.sd, 0.05 * self.mean)
        steps = np.linspace(max(0.0, self.quantity - span), self.quantity + span, 121)
        costs = [self.at(step)["expected_cost"] for step in steps]
        figure, (ax,) = plots.new_figure(
            _("订 {q:,.1f} 件最省：缺货与剩余的期望成本合计 {cost:,.2f} 元").format(
                q=self.quantity, cost=self.expected_cost
            )
        )
        ax.plot(steps, costs, color=plots.BLUE)
        ax.plot([self.quantity], [self.expected_cost], "o", color=plots.RED, ms=8)
        ax.set(xlabel=_("订货量（件）"), ylabel=_("期望成本（元）"))
        return figure


def newsvendor(
    *,
    underage: float,
    overage: float,
    mean: float | None = None,
    sd: float | None = None,
    demand: Any = None,
    probability: Any = None,
) -> Newsvendor:
    """The order quantity that balances too little against too much: least Q with F(Q) ≥ cu / (cu + co).

    Parameters
    ----------
    underage : cost of a unit too few, cu > 0 (usually price − cost)
    overage : cost of a unit left over, co > 0 (usually cost − salvage value)
    mean, sd : of normal demand (units); sd may be 0: demand is certain
    demand : instead of mean and sd, past demands (list, array, Series), each as likely as the others, or the possible
        demands if ``probability`` is given
    probability : probability of each value of ``demand``, summing to 1

    Returns
    -------
    Newsvendor : ``quantity``, ``units``, ``critical_ratio``, and what the order leads to. A normal quantile below 0
        gives an order of 0.

    Raises
    ------
    CourseError : a cost is not positive; neither or both of (mean, sd) and demand; probabilities that don't sum to 1.

    Examples
    --------
    >>> order = newsvendor(underage=0.50, overage=0.15, mean=11.73, sd=4.74)
    >>> round(order.critical_ratio, 3), round(order.quantity, 2), order.units
    (0.769, 15.22, 16)
    >>> newsvendor(underage=4, overage=1, demand=[10, 20, 30, 40, 50]).quantity
    40.0
    """
    cu = inputs.number(underage, "underage", above=0)
    co = inputs.number(overage, "overage", above=0)
    given = [value is not None for value in (mean, sd, demand)]
    if given not in ([True, True, False], [False, False, True]):
        raise CourseError(_("newsvendor 要么给 mean 和 sd（正态需求），要么给 demand（历史需求）：请只给一种"))
    ratio = cu / (cu + co)
    if demand is None:
        if probability is not None:
            raise CourseError(_("probability 是 demand 各个取值的概率：请同时给出 demand，或去掉 probability"))
        mean, sd = inputs.number(mean, "mean", above=0), inputs.number(sd, "sd", low=0)
        sd = sd if sd > _SLACK * mean else 0.0  # beyond the resolution of floats demand is certain
        quantity = max(0.0, float(_normal_quantile(ratio)) * sd + mean)
        return Newsvendor(cu, co, mean, sd, None, ratio, quantity, int(np.ceil(quantity - 1e-9)))
    shares = _distribution(demand, probability)
    values = shares.index.to_numpy(dtype=float)
    centre = float(values @ shares)
    spread = float(np.sqrt(np.square(values - centre) @ shares))
    reached = np.searchsorted(shares.cumsum(), ratio - _SLACK)  # the first value with F ≥ ratio
    quantity = float(values[min(reached, len(values) - 1)])
    return Newsvendor(cu, co, centre, spread, shares, ratio, quantity, int(np.ceil(quantity)))


def safety_stock(
    service_level: float, *, sd: float, lead_time: float = 1.0, mean: float = 0.0, sd_lead_time: float = 0.0
) -> float:
    """Stock beyond expected demand that a cycle service level asks for.

    SS = z √(L σ_d² + μ_d² σ_L²), z the standard normal quantile of the service level. The reorder point is
    μ_d L + SS.

    Parameters
    ----------
    service_level : cycle service level, between 0 and 1 (0.5 asks for none, less for a negative one)
    sd : standard deviation of demand a period
    lead_time : mean lead time, in the same periods
    mean : mean demand a period; needed only if the lead time varies
    sd_lead_time : standard deviation of the lead time

    Returns
    -------
    float, units

    Examples
    --------
    >>> round(safety_stock(0.95, sd=20, lead_time=4), 1)
    65.8
    """
    level = inputs.number(service_level, "service_level", above=0, below=1)
    return float(_normal_quantile(level)) * _sd_over_lead_time(sd, lead_time, mean, sd_lead_time)


def inventory_costs(
    levels: Any,
    *,
    mean: float,
    sd: float,
    lot: float,
    holding: float,
    lead_time: float = 1.0,
    sd_lead_time: float = 0.0,
    order_cost: float = 0.0,
) -> pd.DataFrame:
    """What each cycle service level costs a period: the convex cost side of :func:`optimal_service_level`.

    Parameters
    ----------
    levels : cycle service levels, each between 0 and 1
    mean, sd : demand a period
    lot : units ordered at a time
    holding : cost of holding a unit for a period
    lead_time, sd_lead_time : lead time, in periods
    order_cost : cost of placing one order

    Returns
    -------
    DataFrame, one row a level: ``level``, ``safety_stock``, ``reorder_point``, ``fill_rate`` = 1 − σ_L L(z) / lot,
    ``cost`` = holding (lot / 2 + safety stock) + order_cost · mean / lot.

    Examples
    --------
    >>> table = inventory_costs([0.90, 0.95, 0.99], mean=100, sd=20, lot=500, holding=2)
    >>> table.round(1)["cost"].to_list()
    [551.3, 565.8, 593.1]
    """
    shares = inputs.vector(levels, "levels", above=0, below=1)
    lot = inputs.number(lot, "lot", above=0)
    holding, order_cost = inputs.number(holding, "holding", low=0), inputs.number(order_cost, "order_cost", low=0)
    mean = inputs.number(mean, "mean", above=0)
    sigma = _sd_over_lead_time(sd, lead_time, mean, sd_lead_time)
    z = _normal_quantile(shares)
    safety = z * sigma
    return pd.DataFrame(
        {
            "level": shares,
            "safety_stock": safety,
            "reorder_point": mean * lead_time + safety,
            "fill_rate": 1 - sigma * unit_normal_loss(z) / lot,
            "cost": holding * (lot / 2 + safety) + order_cost * mean / lot,
        }
    )


def _normal_quantile(share: Any) -> Any:
    from scipy.special import ndtri

    return ndtri(share)


def _sd_over_lead_time(sd: float, lead_time: float, mean: float, sd_lead_time: float) -> float:
    sd, lead_time = inputs.number(sd, "sd", low=0), inputs.number(lead_time, "lead_time", low=0)
    mean, sd_lead_time = inputs.number(mean, "mean", low=0), inputs.number(sd_lead_time, "sd_lead_time", low=0)
    return float(np.sqrt(lead_time * sd**2 + mean**2 * sd_lead_time**2))


def _distribution(demand: Any, probability: Any) -> pd.Series:
    """Probability of each demand value, index ascending."""
    values = inputs.vector(demand, "demand", low=0)
    if not values.any():
        raise CourseError(_("demand 全是 0：没有需求就没有订货的问题，请检查数据"))
    if probability is None:
        weights = np.full(len(values), 1 / len(values))
    else:
        weights = inputs.vector(probability, "probability", length=len(values), low=0, high=1)
        if abs(weights.sum() - 1) > 1e-6:
            raise CourseError(_("probability 之和应是 1，现在是 {total:g}：请改正").format(total=weights.sum()))
    return pd.Series(weights, index=pd.Index(values, name="demand"), name="probability").groupby(level=0).sum()


def _outcome(order: Newsvendor, quantity: float) -> tuple[float, float]:
    """Cycle service level and expected lost sales of an order."""
    if order.demand is not None:
        values = order.demand.index.to_numpy(dtype=float)
        weights = order.demand.to_numpy()
        return float(weights[values <= quantity].sum()), float(np.maximum(values - quantity, 0) @ weights)
    if order.sd == 0:
        return float(quantity >= order.mean), max(order.mean - quantity, 0.0)
    from scipy.special import ndtr

    z = (quantity - order.mean) / order.sd
    return float(ndtr(z)), order.sd * unit_normal_loss(z)
