"""The four exercises of chapter 07.

====================== ========================================================================
pairwise               ex-07-1: mend a judge's contradiction, :func:`pairwise_matrix`
sorter                 ex-07-2: which kind of loyalty, :func:`loyalty_sorter`, :func:`behaviour_rows`
quadrant               ex-07-3: what to improve first, :func:`ipa_quadrant`, :func:`attribute_table`
curve                  ex-07-4: whom to please in which market, :func:`loyalty_curve`
answers                the survey as the exercises use it: screened, reversed items turned
====================== ========================================================================

Each is a plain ``evaluate_…`` function, tested by itself, and a maker of the widget around it. Assumptions about people
and prices are constants there and are told in the exercise: they are assumptions, not facts of any market.
"""

from crmlab.widgets.satisfaction.curve import loyalty_curve
from crmlab.widgets.satisfaction.pairwise import pairwise_matrix
from crmlab.widgets.satisfaction.quadrant import attribute_table, ipa_quadrant
from crmlab.widgets.satisfaction.sorter import behaviour_rows, loyalty_sorter

__all__ = [
    "attribute_table",
    "behaviour_rows",
    "ipa_quadrant",
    "loyalty_curve",
    "loyalty_sorter",
    "pairwise_matrix",
]
