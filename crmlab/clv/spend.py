"""How much customers spend on a purchase: the gamma-gamma model.

Source: P. S. Fader, B. G. S. Hardie & K. L. Lee, "RFM and CLV: Using Iso-Value Curves for Customer Base Analysis",
*Journal of Marketing Research* 42 (4), 2005, 415-430.
"""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from scipy.special import gammaln, psi

from crmlab import inputs
from crmlab.clv.fitting import Floats, MaximumLikelihood, broadcast, like
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GammaGamma"]

_REPEATS = 20  # simulated panels behind the expected curve of a figure


class GammaGamma(MaximumLikelihood):
    """Spend on a purchase varies around a customer's own mean (shape p); the means vary over customers (q, gamma).

    It assumes that spend has nothing to do with how often a customer buys: look at ``correlation_`` before you trust it.

    Attributes
    ----------
    params_ : p, q (shapes), gamma (scale, yuan)
    correlation_ : float, Pearson correlation of ``x`` and ``monetary`` over the customers fitted

    >>> model = GammaGamma({"p": 6.25, "q": 3.74, "gamma": 15.44})  # CDNOW, dollars
    >>> round(model.expected_spend(x=0, monetary=0), 1), round(model.expected_spend(x=4, monetary=60), 1)
    (35.2, 57.6)
    """

    NAMES = ("p", "q", "gamma")
    correlation_: float
    _observed: pd.DataFrame

    def fit(self, x: Any, monetary: Any = None) -> Self:
        """Maximum likelihood over the customers with x > 0.

        Parameters
        ----------
        x : purchases behind each mean, or a DataFrame with the columns x and monetary as
            :func:`crmlab.clv.summary_from_orders` makes it; customers with x = 0 have no mean and are left out
        monetary : mean spend on those purchases, yuan, above 0

        Raises
        ------
        CourseError : a column is missing or unsound, or fewer than two customers are left.
        """
        table = _spends(x, monetary)
        x, mean = table["x"].to_numpy(), table["monetary"].to_numpy()
        self._observed, self.correlation_ = table, float(table["x"].corr(table["monetary"]))
        values, place = np.unique(x, return_inverse=True)
        count = np.bincount(place).astype(float)
        log_mean, log_total = np.log(mean), np.log(x * mean)

        def log_likelihood(params: Floats) -> tuple[float, Floats]:
            p, q, gamma = params
            log_all = np.log(gamma + x * mean)
            value = count @ (gammaln(p * values + q) - gammaln(p * values)) - len(x) * gammaln(q)
            value += len(x) * q * np.log(gamma) + p * (x @ log_total) - log_mean.sum() - (p * x + q) @ log_all
            slope = count * psi(p * values + q)
            gradient = np.array(
                [
                    values @ (slope - count * psi(p * values)) + x @ (log_total - log_all),
                    slope.sum() - len(x) * (psi(q) - np.log(gamma)) - log_all.sum(),
                    len(x) * q / gamma - ((p * x + q) / (gamma + x * mean)).sum(),
                ]
            )
            return float(value), gradient

        return self._maximise(log_likelihood, np.array([2.0, 3.0, mean.mean()]), len(x))

    def expected_spend(self, x: Any = 0, monetary: Any = 0) -> Any:
        """Expected spend on a purchase, yuan: between the customer's own mean and that of all.

        p (γ + x·m) / (p·x + q − 1): the more purchases, the more the customer's own mean weighs. Where x is 0,
        ``monetary`` does not matter and may be missing.

        Raises
        ------
        CourseError : q ≤ 1 (the mean of the model does not exist for x = 0), or a value below 0.
        """
        p, q, gamma = self.params_.values()
        given = broadcast(x=x, monetary=monetary)
        own = np.where(given["x"] == 0, 0.0, given["monetary"])
        if not np.all(given["x"] >= 0) or not np.all(own >= 0):
            raise CourseError(_("x 与 monetary 都应是不小于 0 的数：请检查空值和负数"))
        if q <= 1 and np.any(given["x"] * p + q <= 1):
            raise CourseError(
                _("q = {q:.3g} 不大于 1，没有购买记录的客户没有期望值：请只对 x > 0 的客户计算").format(q=q)
            )
        return like(p * (gamma + given["x"] * own) / (p * given["x"] + q - 1), "expected_spend", x, monetary)

    def plot(self) -> "Figure":
        """Mean spend of the customers fitted: observed, and as the model expects it of customers with as many purchases."""
        from crmlab import plots

        if self._objective is None:
            raise CourseError(_("参数是直接设定的，没有可比较的观察值：请先用数据 fit(…)"))
        p, q, gamma = self.params_.values()
        rng = np.random.default_rng(0)
        x = np.repeat(self._observed["x"].to_numpy(), _REPEATS)
        expected = rng.gamma(p * x) / x / rng.gamma(q, 1 / gamma, len(x))
        observed = self._observed["monetary"]
        figure, (ax,) = plots.new_figure(
            _("一半客户平均每次消费不超过 {observed:,.0f} 元，模型认为是 {expected:,.0f} 元").format(
                observed=observed.median(), expected=np.median(expected)
            )
        )
        bins = np.linspace(0, observed.quantile(0.99), 31)
        ax.hist(observed, bins=bins.tolist(), color=plots.SKY, label=_("实际"))
        count, _edges = np.histogram(expected, bins=bins)
        ax.plot((bins[1:] + bins[:-1]) / 2, count / _REPEATS, color=plots.RED, label=_("模型预期"))
        ax.set_xlabel(_("平均每次消费（元）"))
        ax.set_ylabel(_("客户数（人）"))
        ax.legend()
        return figure


def _spends(x: Any, monetary: Any) -> pd.DataFrame:
    """Customers with purchases and their means, checked."""
    if isinstance(x, pd.DataFrame):
        table = inputs.frame(x, _("购买历史"), ("x", "monetary"))
    elif monetary is None:
        raise CourseError(_("请给出 x 与 monetary 两列，或一张含这两列的表（见 summary_from_orders）"))
    else:
        table = pd.DataFrame({"x": np.asarray(x, dtype=float), "monetary": np.asarray(monetary, dtype=float)})
    table = table[inputs.numbers(table, "x", low=0).to_numpy() > 0]
    if len(table) < 2:
        raise CourseError(_("有重复购买的客户不足 2 位：模型无从估计"))
    return pd.DataFrame({"x": inputs.numbers(table, "x"), "monetary": inputs.numbers(table, "monetary", above=0)})
