"""Customer satisfaction: indices, scales, gaps, quadrants, and the path model behind ACSI and ECSI.

======================== ============================================================================================
one number               :func:`csi`, :func:`grade`, :func:`nps`
is the scale sound?      :func:`cronbach_alpha`, :func:`item_analysis`, :func:`composite_reliability`,
                         :func:`average_variance_extracted`, :func:`htmt`, :func:`kmo_bartlett`
what to improve?         :func:`servqual`, :func:`kano`, :func:`ipa`, :func:`indifference_zone`
why are they satisfied?  :class:`PLSPathModel`
======================== ============================================================================================
"""

from crmlab.satisfaction.diagnosis import (
    DIMENSIONS,
    KANO_CLASSES,
    QUADRANTS,
    IndifferenceZone,
    Servqual,
    indifference_zone,
    ipa,
    kano,
    servqual,
)
from crmlab.satisfaction.indices import GRADES, NetPromoterScore, csi, grade, nps
from crmlab.satisfaction.pls import PLSPathModel
from crmlab.satisfaction.scales import (
    Adequacy,
    average_variance_extracted,
    composite_reliability,
    cronbach_alpha,
    htmt,
    item_analysis,
    kmo_bartlett,
)

__all__ = [
    "DIMENSIONS",
    "GRADES",
    "KANO_CLASSES",
    "QUADRANTS",
    "Adequacy",
    "IndifferenceZone",
    "NetPromoterScore",
    "PLSPathModel",
    "Servqual",
    "average_variance_extracted",
    "composite_reliability",
    "cronbach_alpha",
    "csi",
    "grade",
    "htmt",
    "indifference_zone",
    "ipa",
    "item_analysis",
    "kano",
    "kmo_bartlett",
    "nps",
    "servqual",
]
