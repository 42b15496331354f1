"""From which score on it pays to contact a customer.

Sources: C. Elkan, "The Foundations of Cost-Sensitive Learning", *IJCAI*, 2001, 973-978 (threshold); S. A. Neslin, S.
Gupta, W. Kamakura, J. Lu, C. H. Mason, "Defection Detection: Measuring and Understanding the Predictive Accuracy of
Customer Churn Models", *Journal of Marketing Research* 43 (2), 2006, 204-211 (profit of a churn campaign).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab import inputs
from crmlab.i18n import _
from crmlab.scoring import by_threshold, same_rows, zero_one

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ThresholdChoice", "best_threshold", "theoretical_threshold"]


def theoretical_threshold(
    contact_cost: float, value_saved: float, success_rate: float = 1.0, *, incentive: float = 0.0
) -> float:
    """The churn probability from which a contact pays: t* = (c + δ) / (γ V + δ (1 − γ)).

    A churner who is contacted is kept with chance γ, is then worth V and takes the incentive δ; a churner who is not
    kept takes none; a customer who would have stayed takes it gladly. So a contact of a customer with churn
    probability p brings p γ (V − δ) − (1 − p) δ − c, and that is above 0 for p > t*. Without incentive t* = c / (γ V).
    Above 1: contacting never pays.

    Parameters
    ----------
    contact_cost : c, cost of one contact, 0 or more
    value_saved : V, margin that a kept customer brings, above 0
    success_rate : γ, share of the contacted churners who stay because of it, above 0, at most 1
    incentive : δ, cost of the present that goes with it

    >>> theoretical_threshold(10, 200, 0.25)
    0.2
    """
    cost, gain = _economics(contact_cost, value_saved, success_rate, incentive)
    return cost / gain


@dataclass(frozen=True)
class ThresholdChoice:
    """From which score on it pays to contact a customer; made by :func:`best_threshold`.

    Attributes
    ----------
    threshold : contact everybody with a score >= threshold; infinite if contacting nobody is best
    profit : of the campaign at that threshold, in the unit of the costs
    contacted : how many customers that are
    theoretical : the threshold that costs alone give, right for calibrated probabilities (:func:`theoretical_threshold`)
    curve : DataFrame ``threshold`` (falling), ``contacted``, ``churners``, ``profit``

    >>> best_threshold([0.9, 0.5, 0.1], [1, 1, 0], contact_cost=10, value_saved=100, success_rate=0.5).contacted
    2
    """

    threshold: float
    profit: float
    contacted: int
    theoretical: float
    curve: pd.DataFrame

    def plot(self) -> "Figure":
        """Profit against the number of customers contacted, with the best choice."""
        from crmlab import plots

        figure, (ax,) = plots.new_figure(
            _("联系得分最高的 {n:,} 位客户，利润最高：{profit}").format(
                n=self.contacted, profit=plots.yuan(self.profit)
            )
        )
        ax.plot(self.curve["contacted"], self.curve["profit"], color=plots.BLUE)
        ax.plot([self.contacted], [self.profit], "o", ms=9, color=plots.RED, mec=plots.PAPER, mew=1.5)
        ax.axhline(0, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        ax.set(xlabel=_("联系的客户数（按流失概率从高到低）"), ylabel=_("挽留活动的利润（元）"))
        return figure


def best_threshold(
    score: Any,
    outcome: Any,
    contact_cost: float,
    value_saved: float,
    success_rate: float = 1.0,
    *,
    incentive: float = 0.0,
) -> ThresholdChoice:
    """Profit of contacting everybody with a score >= t, for every t, and the best t.

    With k contacted, of whom b would churn (Neslin et al., 2006, fixed cost left out, written with counts):
    profit = b [γ V + δ (1 − γ)] − k (c + δ). Among equal profits the one with the fewest contacts wins. The
    outcomes are of customers whom nobody had contacted.

    Parameters
    ----------
    score, outcome : as in :func:`crmlab.scoring.auc`, 1 = churned; one kind alone will do
    contact_cost, value_saved, success_rate, incentive : c, V, γ, δ as in :func:`theoretical_threshold`

    Returns
    -------
    ThresholdChoice

    >>> choice = best_threshold([0.9, 0.5, 0.1], [1, 1, 0], contact_cost=10, value_saved=100, success_rate=0.5)
    >>> choice.threshold, choice.profit, choice.theoretical
    (0.5, 80.0, 0.2)
    """
    scores, outcomes = same_rows(score=score, outcome=zero_one(outcome, "outcome"))
    curve = by_threshold(scores, churners=outcomes).rename(columns={"customers": "contacted"})
    curve["churners"] = curve["churners"].astype("int64")
    cost, gain = _economics(contact_cost, value_saved, success_rate, incentive)
    curve["profit"] = (curve["churners"] * gain - curve["contacted"] * cost).round(9)
    best = curve.loc[curve["profit"].idxmax()]
    return ThresholdChoice(
        threshold=float(best["threshold"]),
        profit=float(best["profit"]),
        contacted=int(best["contacted"]),
        theoretical=cost / gain,
        curve=curve,
    )


def _economics(contact_cost: Any, value_saved: Any, success_rate: Any, incentive: Any) -> tuple[float, float]:
    """What every contact costs, c + δ, and what it brings if the customer would churn, γ V + δ (1 − γ)."""
    c = inputs.number(contact_cost, "contact_cost", low=0)
    value = inputs.number(value_saved, "value_saved", above=0)
    gamma = inputs.number(success_rate, "success_rate", above=0, high=1)
    delta = inputs.number(incentive, "incentive", low=0)
    return c + delta, gamma * value + delta * (1 - gamma)
