"""How deep to go: profit by depth, and what the campaign brought in the end.

Customers are ranked by score, highest first; those of equal score are one block, so that the order of the rows never
matters.

Source: F. Provost, T. Fawcett, *Data Science for Business*, O'Reilly, 2013 (profit curves). The return on a
campaign counts against a control group, as in Kohavi, Tang and Xu (see `experiment.py`).
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab import inputs
from crmlab.campaign.experiment import conversion_counts
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import by_threshold, same_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEN = 6  # decimals that profits are compared at: less is the noise of binary fractions


@dataclass(frozen=True)
class ProfitCurve:
    """Profit by the number of customers contacted; made by :func:`profit_curve`.

    Attributes:
        curve: columns ``customers`` (contacted, from 0), ``share``, ``responses``, ``profit`` (yuan); one row a
            different score, first row nobody: no campaign, no cost.
        customers: the most profitable number to contact (the least one among equals).
        share: the same as a share of all.
        profit: profit there, yuan; 0 when it is best to contact nobody.

    >>> profit_curve([0.9, 0.5, 0.1], [1, 1, 0], value=10, contact_cost=2).customers
    2
    """

    curve: pd.DataFrame
    customers: int
    share: float
    profit: float

    def plot(self) -> "Figure":
        """Profit by depth, with the optimum."""
        from crmlab import plots

        title = (
            _("联系前 {share:.0%} 的客户最赚，利润 {profit}").format(share=self.share, profit=plots.yuan(self.profit))
            if self.customers
            else _("怎么选都亏：这次活动不该做")
        )
        figure, (ax,) = plots.new_figure(title)
        ax.axhline(0, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        ax.plot(self.curve["share"], self.curve["profit"], color=plots.BLUE)
        ax.plot([self.share], [self.profit], "o", color=plots.RED, ms=9)
        ax.xaxis.set_major_formatter(lambda x, _place: f"{100 * x:g}%")
        ax.set(xlim=(0, 1), xlabel=_("联系的客户占比（得分从高到低）"), ylabel=_("利润（元）"))
        return figure


def profit_curve(score: Any, response: Any, value: float, contact_cost: float, fixed_cost: float = 0.0) -> ProfitCurve:
    """Profit when the best 0, 1, 2, ... customers by score are contacted.

    profit(k) = value · responses among the best k - contact_cost · k - fixed_cost for k > 0; profit(0) = 0.

    Parameters
    ----------
    score : numbers, the higher the earlier
    response : 0 or 1 of the same customers (what came of it), a number (extra orders each, may be negative: then
        the curve is about uplift), or None: the score is a probability and the curve is the *expected* profit
    value : margin of one response, yuan
    contact_cost : cost of one contact, yuan
    fixed_cost : cost of the campaign if it is run at all, yuan

    Raises
    ------
    CourseError : different lengths, a gap, a negative cost; without response a score outside 0-1.

    >>> best = profit_curve([0.8, 0.4, 0.05], None, value=10, contact_cost=1, fixed_cost=2)
    >>> best.customers, round(best.profit, 2)
    (2, 8.0)
    """
    value = inputs.number(value, "value", low=0)
    contact_cost = inputs.number(contact_cost, "contact_cost", low=0)
    fixed_cost = inputs.number(fixed_cost, "fixed_cost", low=0)
    if response is None:
        scores = responses = inputs.vector(score, "score", low=0, high=1)
    else:
        scores, responses = same_rows(score=score, response=response)
    curve = by_threshold(scores, responses=responses).drop(columns="threshold")
    customers = curve["customers"]
    curve.insert(1, "share", customers / len(scores))
    curve["profit"] = value * curve["responses"] - contact_cost * customers - fixed_cost * (customers > 0)
    best = curve.loc[curve["profit"].round(_FEN).idxmax()]
    return ProfitCurve(curve, int(best["customers"]), float(best["share"]), float(best["profit"]))


@dataclass(frozen=True)
class Return:
    """What a campaign brought, by comparison with its control group; made by :func:`roi`.

    Attributes:
        lift: response rate of the target group / that of the control group.
        incremental: responses that came because of the campaign.
        margin: incremental responses x value, yuan.
        cost: contacts, rewards and fixed cost, yuan.
        profit: margin - cost.
        roi: profit / cost.
        naive_roi: what it would be if every response in the target group were put down to the campaign.

    >>> roi(120, 1000, 40, 500, value=50, contact_cost=1).incremental
    40.0
    """

    lift: float
    incremental: float
    margin: float
    cost: float
    profit: float
    roi: float
    naive_roi: float

    def __float__(self) -> float:
        return self.roi


def roi(
    responses: float,
    n: float,
    control_responses: float,
    control_n: float,
    *,
    value: float,
    contact_cost: float,
    reward: float = 0.0,
    fixed_cost: float = 0.0,
) -> Return:
    """Return on a campaign: extra margin over the control group, less all cost, per yuan of cost.

    incremental = responses - n · control rate; cost = n · contact_cost + responses · reward + fixed_cost. The reward
    (a coupon) goes to *every* buyer of the target group, also to those who would have bought anyway.

    Parameters
    ----------
    responses, n : buyers in the target group, and all of it
    control_responses, control_n : the same of the control group
    value : margin of one response before the reward, yuan
    contact_cost, reward, fixed_cost : yuan a contact, a response, the campaign

    Raises
    ------
    CourseError : counts that do not fit, a negative amount, or no cost at all.

    >>> result = roi(120, 1000, 40, 500, value=50, contact_cost=1)
    >>> result.profit, result.roi, result.naive_roi
    (1000.0, 1.0, 5.0)
    """
    found, size = conversion_counts(responses, n, ("responses", "n"))
    base, base_size = conversion_counts(control_responses, control_n, ("control_responses", "control_n"))
    amounts = {"value": value, "contact_cost": contact_cost, "reward": reward, "fixed_cost": fixed_cost}
    yuan = {name: inputs.number(amount, name, low=0) for name, amount in amounts.items()}
    cost = size * yuan["contact_cost"] + found * yuan["reward"] + yuan["fixed_cost"]
    if cost == 0:
        raise CourseError(_("成本合计是 0，算不出投资回报率：请填写 contact_cost、reward 或 fixed_cost"))
    extra = found - size * base / base_size
    margin = extra * yuan["value"]
    return Return(
        lift=(found / size) / (base / base_size) if base else math.nan,
        incremental=extra,
        margin=margin,
        cost=cost,
        profit=margin - cost,
        roi=(margin - cost) / cost,
        naive_roi=(found * yuan["value"] - cost) / cost,
    )
