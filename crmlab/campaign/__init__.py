"""Marketing campaigns: did it work, for whom, how deep to go, and when it is too early to look.

==================== ===============================================================================================
before               how many people a test needs: :func:`sample_size`, :func:`power`, :func:`minimal_effect`
meanwhile            why not to stop at the first success: :func:`peeking`, :func:`boundaries`,
                     :func:`crossing_probability`
after                is the split sound: :func:`sample_ratio`; did it work: :func:`ab_test`, :func:`mean_test`,
                     :func:`compare_variants`
how deep?            :func:`lift`, :func:`profit_curve`, :func:`roi`
for whom?            :class:`UpliftModel`, :func:`qini`, :func:`uplift_curve`, :func:`uplift_by_decile`
how often?           :func:`frequency_cap`, :func:`saturation`
==================== ===============================================================================================

``lift`` is :func:`crmlab.scoring.lift_table`, by the name that campaigns use for it.
"""

from crmlab.campaign.contact import frequency_cap, saturation
from crmlab.campaign.experiment import (
    ABTest,
    MeanTest,
    SampleRatio,
    ab_test,
    compare_variants,
    mean_test,
    sample_ratio,
)
from crmlab.campaign.planning import minimal_effect, power, sample_size
from crmlab.campaign.sequential import RULES, Peeking, boundaries, crossing_probability, peeking
from crmlab.campaign.targeting import ProfitCurve, Return, profit_curve, roi
from crmlab.campaign.uplift import KINDS, Qini, UpliftModel, qini, uplift_by_decile, uplift_curve
from crmlab.scoring import lift_table as lift

__all__ = [
    "KINDS",
    "RULES",
    "ABTest",
    "MeanTest",
    "Peeking",
    "ProfitCurve",
    "Qini",
    "Return",
    "SampleRatio",
    "UpliftModel",
    "ab_test",
    "boundaries",
    "compare_variants",
    "crossing_probability",
    "frequency_cap",
    "lift",
    "mean_test",
    "minimal_effect",
    "peeking",
    "power",
    "profit_curve",
    "qini",
    "roi",
    "sample_ratio",
    "sample_size",
    "saturation",
    "uplift_by_decile",
    "uplift_curve",
]
