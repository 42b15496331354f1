"""The three exercises of chapter 05.

====================== ========================================================================
delivered              ex-05-1: win buyers from two rivals, :func:`delivered_value`
sensitivity            ex-05-2: what a customer may cost and which lever pays, :func:`clv_sensitivity`
alive                  ex-05-3: who is still a customer, :func:`alive_or_not`
====================== ========================================================================

Each is a plain ``evaluate_…`` function, tested by itself, and a maker of the widget around it. Assumptions about people
and prices are constants there and are told in the exercise: they are assumptions, not facts of any market.
"""

from crmlab.widgets.value.alive import alive_or_not
from crmlab.widgets.value.delivered import delivered_value
from crmlab.widgets.value.sensitivity import clv_sensitivity

__all__ = ["alive_or_not", "clv_sensitivity", "delivered_value"]
