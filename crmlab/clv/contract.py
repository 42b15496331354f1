"""How long customers with a contract stay: the shifted-beta-geometric model.

Sources: P. S. Fader & B. G. S. Hardie, "How to Project Customer Retention", *Journal of Interactive Marketing* 21 (1),
2007, 76-90; the same, "Customer-Base Valuation in a Contractual Setting: The Perils of Ignoring Heterogeneity",
*Marketing Science* 29 (1), 2010, 85-93.
"""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import betaln, hyp2f1, psi

from crmlab import inputs
from crmlab.clv.fitting import Floats, MaximumLikelihood, broadcast, like
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ShiftedBetaGeometric"]


class ShiftedBetaGeometric(MaximumLikelihood):
    """At each renewal a customer leaves with an own probability θ; θ is beta (alpha, beta) distributed.

    Nobody's θ changes, yet the retention rate of a cohort rises from period to period: those who leave easily leave
    first.

    >>> model = ShiftedBetaGeometric().fit([1000, 869, 743, 653, 593, 551, 517, 491])  # "High End"
    >>> model
    <ShiftedBetaGeometric：alpha=0.6681, beta=3.806>
    >>> round(100 * model.survival(12), 1)
    37.8
    """

    NAMES = ("alpha", "beta")
    _survivors: Floats

    def fit(self, survivors: Any) -> Self:
        """Maximum likelihood from one cohort.

        Parameters
        ----------
        survivors : customers still there after 0, 1, 2, ... periods (list or Series)

        Raises
        ------
        CourseError : fewer than three counts, a count that grows, or nobody left.
        """
        alive = inputs.vector(survivors, "survivors", low=0)
        if len(alive) < 3:
            raise CourseError(_("survivors 至少要有 3 个数：0、1、2 期之后各剩多少客户"))
        lost = -np.diff(alive)
        if np.any(lost < 0):
            row = int(np.argmax(lost < 0)) + 1
            raise CourseError(
                _("survivors 第 {row} 个数 {value:g} 大于前一个数：同一批客户只会越来越少，请检查").format(
                    row=row + 1, value=alive[row]
                )
            )
        if alive[-1] == alive[0]:
            raise CourseError(_("survivors 里没有客户流失：模型无从估计"))
        self._survivors = alive
        t = np.arange(1, len(alive))
        last = len(alive) - 1

        def log_likelihood(params: Floats) -> tuple[float, Floats]:
            a, b = params
            value = lost @ betaln(a + 1, b + t - 1) + alive[-1] * betaln(a, b + last) - alive[0] * betaln(a, b)
            # The derivative of log B(u, v) by u is ψ(u) − ψ(u + v).
            both = lost @ psi(a + b + t) + alive[-1] * psi(a + b + last) - alive[0] * psi(a + b)
            by_a = lost.sum() * psi(a + 1) + alive[-1] * psi(a) - alive[0] * psi(a) - both
            by_b = lost @ psi(b + t - 1) + alive[-1] * psi(b + last) - alive[0] * psi(b) - both
            return float(value), np.array([by_a, by_b])

        return self._maximise(log_likelihood, np.array([1.0, 1.0]), round(alive[0]))

    def survival(self, t: Any) -> Any:
        """Share (0-1) of a cohort that is still there after ``t`` periods: B(α, β + t) / B(α, β)."""
        a, b = self.params_.values()
        return like(np.exp(betaln(a, b + _count("t", t)) - betaln(a, b)), "survival", t)

    def retention(self, t: Any) -> Any:
        """Share (0-1) of those there after ``t`` − 1 periods who stay for the t-th: (β + t − 1) / (α + β + t − 1)."""
        a, b = self.params_.values()
        periods = _count("t", t, low=1)
        return like((b + periods - 1) / (a + b + periods - 1), "retention", t)

    def derl(self, n: Any, discount: float) -> Any:
        """Discounted expected residual lifetime of a customer in the ``n``-th period, just before the n-th renewal.

        Σ S(t) / S(n−1) / (1 + d)^(t − n), t = n, n+1, ...
        = (β+n−1) / (α+β+n−1) · ₂F₁(1, β+n; α+β+n; 1/(1+d)) (Fader & Hardie 2010): the coming renewal counts in full.
        Times the net margin a period it is the residual value of the customer.

        Parameters
        ----------
        n : period the customer is in, 1, 2, ... (n − 1 renewals made)
        discount : discount rate a period, above 0

        Returns
        -------
        Discounted periods, float or in the form of ``n``.
        """
        a, b = self.params_.values()
        rate = inputs.number(discount, "discount", above=0)
        period = _count("n", n, low=1)
        series = hyp2f1(1, b + period, a + b + period, 1 / (1 + rate))
        return like((b + period - 1) / (a + b + period - 1) * series, "derl", n)

    def expected_lifetime(self, discount: float) -> float:
        """Discounted expected lifetime of a new customer, the first period in full: Σ S(t) / (1 + d)^t, t = 0, 1, ..."""
        a, b = self.params_.values()
        return float(hyp2f1(1, b, a + b, 1 / (1 + inputs.number(discount, "discount", above=0))))

    def plot(self) -> "Figure":
        """Survival of the cohort: observed, and the fitted curve to twice its age."""
        from crmlab import plots

        if self._objective is None:
            raise CourseError(_("参数是直接设定的，没有可比较的观察值：请先用数据 fit(…)"))
        seen = self._survivors / self._survivors[0]
        times = np.arange(2 * len(seen) - 1)
        figure, (ax,) = plots.new_figure(
            _("{seen} 期后还剩 {now:.0f}%，模型预测 {ahead} 期后还剩 {then:.0f}%").format(
                seen=len(seen) - 1, now=100 * seen[-1], ahead=times[-1], then=100 * self.survival(times[-1])
            )
        )
        ax.axvspan(len(seen) - 1, times[-1], color=plots.PALE, alpha=0.35, lw=0)
        ax.plot(times, 100 * self.survival(times), color=plots.BLUE, label=_("模型（灰底部分是预测）"))
        ax.plot(range(len(seen)), 100 * seen, "o", color=plots.ORANGE, label=_("实际"))
        ax.set_ylim(0, 104)
        ax.set_xlabel(_("期数"))
        ax.set_ylabel(_("仍在的客户（%）"))
        ax.legend()
        return figure


def _count(name: str, value: Any, low: int = 0) -> Floats:
    found = broadcast(**{name: value})[name]
    inputs.vector(np.ravel(found), name, low=low)
    return found
