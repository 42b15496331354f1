"""Service ability: how much to stock, which service level pays, how orders are fulfilled, how complaints are handled.

=============================== =====================================================================================
how much to stock?              :func:`newsvendor`, :func:`unit_normal_loss`, :func:`safety_stock`,
                                :func:`inventory_costs`
which service level pays?       :func:`optimal_service_level`
how well are orders fulfilled?  :func:`order_kpis`, :func:`kpi_definitions`, :func:`perfect_order`,
                                :func:`seven_rights`
what are complaints about?      :func:`complaint_pareto`
how well are they handled?      :func:`response_kpis`, :func:`five_steps`, :func:`step_coverage`
does making good pay?           :func:`recovery`, :func:`recovery_paradox`
=============================== =====================================================================================
"""

from crmlab.service.complaints import (
    STEPS,
    Handling,
    Paradox,
    Recovery,
    complaint_pareto,
    five_steps,
    recovery,
    recovery_paradox,
    response_kpis,
    step_coverage,
)
from crmlab.service.level import ServiceOptimum, optimal_service_level
from crmlab.service.orders import kpi_definitions, order_kpis, perfect_order, seven_rights
from crmlab.service.stock import Newsvendor, inventory_costs, newsvendor, safety_stock, unit_normal_loss

__all__ = [
    "STEPS",
    "Handling",
    "Newsvendor",
    "Paradox",
    "Recovery",
    "ServiceOptimum",
    "complaint_pareto",
    "five_steps",
    "inventory_costs",
    "kpi_definitions",
    "newsvendor",
    "optimal_service_level",
    "order_kpis",
    "perfect_order",
    "recovery",
    "recovery_paradox",
    "response_kpis",
    "safety_stock",
    "seven_rights",
    "step_coverage",
    "unit_normal_loss",
]
