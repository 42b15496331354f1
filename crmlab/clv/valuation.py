"""The value of customers without a contract: purchases from one model, spend from another, discounted."""

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.clv.btyd import COLUMNS, BuyTillYouDie
from crmlab.clv.formulas import monthly_rate
from crmlab.clv.spend import GammaGamma
from crmlab.i18n import _

__all__ = ["clv"]

_WEEKS_PER_MONTH = 365.25 / 12 / 7


def clv(
    model: BuyTillYouDie,
    spend: GammaGamma,
    summary: pd.DataFrame,
    *,
    months: int = 12,
    discount: float = 0.10,
    margin: float = 1.0,
    periods_per_month: float = _WEEKS_PER_MONTH,
) -> pd.DataFrame:
    """Expected discounted margin of each customer over the coming months.

    Σ margin · spend · (E[Y(m)] − E[Y(m − 1)]) / (1 + d)^m over the months m = 1, 2, ...: purchases of a month count at its
    end, and the monthly rate d compounds to the annual one, (1 + annual)^(1/12) − 1.

    Parameters
    ----------
    model : fitted BetaGeoNBD or ParetoNBD
    spend : fitted GammaGamma
    summary : DataFrame with x, t_x, T and monetary, as :func:`crmlab.clv.summary_from_orders` makes it
    months : how far to look ahead
    discount : annual discount rate (0.10 = 10 %)
    margin : share of spend that is margin, 0-1
    periods_per_month : time units of the model in a month; 4.348 for weeks

    Returns
    -------
    DataFrame, index of ``summary``: ``p_alive`` (0-1), ``purchases`` (expected over the months), ``spend`` (expected yuan a
    purchase), ``clv`` (yuan).

    Raises
    ------
    CourseError : a column is missing or unsound, or a number out of bounds.

    >>> from crmlab.clv import BetaGeoNBD
    >>> model = BetaGeoNBD({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> spend = GammaGamma({"p": 6.25, "q": 3.74, "gamma": 15.44})
    >>> summary = pd.DataFrame({"x": [2], "t_x": [30.43], "T": [38.86], "monetary": [40.0]}, index=["C1"])
    >>> clv(model, spend, summary, months=12, margin=0.3).round(2)
        p_alive  purchases  spend   clv
    C1     0.73       1.56  39.14  17.5
    """
    inputs.frame(summary, _("购买历史"), (*COLUMNS, "monetary"))
    horizon = inputs.whole(months, "months", low=1)
    share = inputs.number(margin, "margin", low=0, high=1)
    unit = inputs.number(periods_per_month, "periods_per_month", above=0)
    rate = monthly_rate(inputs.number(discount, "discount", low=0))
    history = {name: summary[name] for name in COLUMNS}
    ahead = np.array([model.expected_purchases(unit * month, **history) for month in range(1, horizon + 1)])
    by_month = np.diff(ahead, axis=0, prepend=0.0)
    discounted = (1 + rate) ** -np.arange(1.0, horizon + 1) @ by_month
    per_purchase = spend.expected_spend(summary["x"], summary["monetary"])
    return pd.DataFrame(
        {
            "p_alive": model.p_alive(**history),
            "purchases": ahead[-1],
            "spend": per_purchase,
            "clv": share * per_purchase * discounted,
        },
        index=summary.index,
    )
