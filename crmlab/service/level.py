"""Which service level pays: what better service brings, against what it costs.

Source: R. H. Ballou, *Business Logistics/Supply Chain Management*, 5th ed., Pearson, 2004 (optimal service level).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ServiceOptimum", "optimal_service_level"]


@dataclass(frozen=True, eq=False)
class ServiceOptimum:
    """The service level with the highest net contribution, made by :func:`optimal_service_level`.

    Attributes
    ----------
    level : the best service level, in the unit of the levels given
    profit : contribution − cost there
    contribution, cost : margin · sales, and service cost, there
    at_edge : the best level is the lowest or highest of those looked at: look further
    curve : DataFrame ``level``, ``cost``, ``sales``, ``contribution``, ``profit``, ``marginal_contribution``,
        ``marginal_cost`` (per unit of level, over the step from the row before; missing in the first row)

    Examples
    --------
    >>> best = optimal_service_level([80, 90, 95, 99], cost=[10, 14, 20, 40], sales=[60, 75, 83, 88])
    >>> best.marginals.to_numpy().tolist()
    [[1.6, 1.2], [1.25, 5.0]]
    """

    level: float
    profit: float
    contribution: float
    cost: float
    at_edge: bool
    curve: pd.DataFrame

    @property
    def marginals(self) -> pd.DataFrame:
        """What the step up to the best level brings and costs, and what the next step would (per unit of level).

        Below the optimum a step brings more than it costs, above it less; with smooth curves the two meet there.
        """
        row = int(np.argmax(self.curve["profit"].to_numpy()))
        steps = self.curve[["marginal_contribution", "marginal_cost"]].reindex([row, row + 1])
        return steps.set_axis(["up_to", "beyond"])

    def __float__(self) -> float:
        return float(self.level)

    def plot(self) -> "Figure":
        """Contribution, service cost and profit over the service level."""
        from crmlab import plots

        figure, (ax,) = plots.new_figure(
            _("服务水平 {level:g} 时净贡献最大：{profit}").format(
                level=round(self.level, 4), profit=plots.yuan(self.profit)
            )
        )
        curves = (("contribution", _("销售贡献"), plots.GREEN), ("cost", _("服务成本"), plots.ORANGE))
        for column, name, colour in (*curves, ("profit", _("净贡献"), plots.BLUE)):
            ax.plot(self.curve["level"], self.curve[column], color=colour, label=name)
        ax.axvline(self.level, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        ax.plot([self.level], [self.profit], "o", color=plots.RED, ms=8)
        ax.set(xlabel=_("服务水平"), ylabel=_("元"))
        ax.legend()
        return figure


def optimal_service_level(
    levels: Any,
    cost: Any = "cost",
    sales: Any = "sales",
    *,
    margin: float = 1.0,
    level: str = "level",
) -> ServiceOptimum:
    """The service level at which contribution − service cost is highest.

    Better service sells more, by less and less (concave), and costs more, by more and more (convex). The best level
    is where one step more would cost what it brings: marginal contribution = marginal cost. It is hardly ever 100 %.

    Parameters
    ----------
    levels : a table (DataFrame) with the columns named by ``level``, ``cost`` and ``sales``; or a list of levels with
        lists of the same length as ``cost`` and ``sales``; or a list of levels of which only the lowest and the
        highest count, with two functions of the level as ``cost`` and ``sales`` (the parametric form)
    margin : contribution per yuan of sales; 1 if ``sales`` is contribution already

    Returns
    -------
    ServiceOptimum. Of several equally good levels the lowest.

    Raises
    ------
    CourseError : fewer than two levels, a level that stands twice, lists of different lengths, gaps.

    Examples
    --------
    Ballou's example: revenue 0.5 √SL, cost 0.00055 SL², SL in percent.

    >>> best = optimal_service_level([1, 100], lambda s: 0.00055 * s**2, lambda s: 0.5 * s**0.5)
    >>> round(best.level, 1)
    37.2
    """
    margin = inputs.number(margin, "margin", above=0)
    if callable(cost) or callable(sales):
        table = _smooth_curve(levels, cost, sales, margin)
    else:
        table = _service_table(levels, cost, sales, level)
    if len(table) < 2:
        raise CourseError(_("至少要比较两个服务水平，现在只有 {n} 个：请补充").format(n=len(table)))
    curve = _with_marginals(table.sort_values("level", ignore_index=True), margin)
    best = int(np.argmax(curve["profit"].to_numpy()))
    row = curve.loc[best]
    return ServiceOptimum(
        level=float(row["level"]),
        profit=float(row["profit"]),
        contribution=float(row["contribution"]),
        cost=float(row["cost"]),
        at_edge=best in (0, len(curve) - 1),
        curve=curve,
    )


def _service_table(levels: Any, cost: Any, sales: Any, level: str) -> pd.DataFrame:
    if isinstance(levels, pd.DataFrame):
        inputs.frame(levels, _("服务水平表"), (level, cost, sales))
        names = {"level": level, "cost": cost, "sales": sales}
        table = pd.DataFrame({name: inputs.numbers(levels, column) for name, column in names.items()})
    else:
        found = inputs.vector(levels, "levels")
        size = len(found)
        columns = {
            "cost": inputs.vector(cost, "cost", length=size),
            "sales": inputs.vector(sales, "sales", length=size),
        }
        table = pd.DataFrame({"level": found, **columns})
    inputs.ids(table, "level", unique=True)
    return table


def _smooth_curve(levels: Any, cost: Any, sales: Any, margin: float) -> pd.DataFrame:
    """201 levels between the lowest and the highest, and the exact optimum among them."""
    from scipy.optimize import minimize_scalar

    if not (callable(cost) and callable(sales)):
        raise CourseError(_("cost 和 sales 应同为函数，或同为与 levels 等长的一列数：请统一"))
    found = inputs.vector(levels, "levels")
    grid = np.linspace(found.min(), found.max(), 201 if found.min() < found.max() else 1)

    def loss(at: float) -> float:
        return float(cost(at)) - margin * float(sales(at))

    best = int(np.argmin([loss(at) for at in grid]))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    exact = minimize_scalar(loss, bounds=around, method="bounded", options={"xatol": 1e-9 * max(np.ptp(grid), 1e-9)})
    if exact.fun < loss(grid[best]):
        grid = np.insert(grid, np.searchsorted(grid, exact.x), exact.x)
    values = {name: _evaluated(function, grid, name) for name, function in (("cost", cost), ("sales", sales))}
    return pd.DataFrame({"level": grid, **values})


def _evaluated(function: Callable[[float], float], grid: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    values = np.array([float(function(at)) for at in grid])
    if not np.isfinite(values).all():
        at = grid[np.argmin(np.isfinite(values))]
        raise CourseError(
            _("{name} 在服务水平 {level:g} 处不是有限的数：请缩小 levels 的范围").format(name=name, level=at)
        )
    return values


def _with_marginals(table: pd.DataFrame, margin: float) -> pd.DataFrame:
    contribution = margin * table["sales"]
    step = table["level"].diff()
    return table.assign(
        contribution=contribution,
        profit=contribution - table["cost"],
        marginal_contribution=contribution.diff() / step,
        marginal_cost=table["cost"].diff() / step,
    )
