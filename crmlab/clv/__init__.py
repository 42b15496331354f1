"""What a customer is worth: formulas, probability models of purchases and spend, valuation.

====================== ========================================================================
formulas               margin, retention, discount: :func:`simple_clv`
history                from orders to ``x``, ``t_x``, ``T``, ``monetary``; holdout; cohorts
contract               customers with a contract: :class:`ShiftedBetaGeometric`
btyd                   customers without: :class:`BetaGeoNBD`, :class:`ParetoNBD`
spend                  yuan a purchase: :class:`GammaGamma`
valuation              all together: :func:`clv`
====================== ========================================================================
"""

from crmlab.clv.btyd import BetaGeoNBD, ParetoNBD
from crmlab.clv.contract import ShiftedBetaGeometric
from crmlab.clv.formulas import CONVENTIONS, monthly_rate, simple_clv
from crmlab.clv.history import cohorts, holdout_from_orders, summary_from_orders
from crmlab.clv.spend import GammaGamma
from crmlab.clv.valuation import clv

__all__ = [
    "CONVENTIONS",
    "BetaGeoNBD",
    "GammaGamma",
    "ParetoNBD",
    "ShiftedBetaGeometric",
    "clv",
    "cohorts",
    "holdout_from_orders",
    "monthly_rate",
    "simple_clv",
    "summary_from_orders",
]
