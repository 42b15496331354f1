"""Churn: how many customers leave, who is likely to, and whom it pays to contact.

====================== ========================================================================
measures               how many leave, with a contract and without: :func:`churn_by_period`
samples                what was known on a day, and who left after it: :func:`features`
leakage                which columns seem to know the future: :func:`check_leakage`
model                  who is likely to leave: :class:`ChurnModel`
calibration            probabilities set right by what happened: :func:`calibrate`
threshold              from which score on a contact pays: :func:`best_threshold`
====================== ========================================================================

Time has one rule here. A cutoff is the start of a day: features use only rows *before* it, labels only rows *from it
on*. How good a score is (:func:`auc`, :func:`roc`, :func:`lift_table`) and whether 30 % means 30 %
(:func:`calibration_table`, :func:`ece`, :func:`brier`) is measured as everywhere in the course, by
:mod:`crmlab.scoring`: the score comes first, the outcome second (1 = churned, 0 = stayed).
"""

from crmlab.churn.calibration import calibrate
from crmlab.churn.leakage import check_leakage
from crmlab.churn.measures import annual_rate, churn_by_period, churn_rate, lapsed, monthly_rate, retention_table
from crmlab.churn.model import ChurnModel
from crmlab.churn.samples import features, label, label_members, time_split
from crmlab.churn.threshold import ThresholdChoice, best_threshold, theoretical_threshold
from crmlab.scoring import auc, brier, calibration_table, ece, lift_table, roc

__all__ = [
    "ChurnModel",
    "ThresholdChoice",
    "annual_rate",
    "auc",
    "best_threshold",
    "brier",
    "calibrate",
    "calibration_table",
    "check_leakage",
    "churn_by_period",
    "churn_rate",
    "ece",
    "features",
    "label",
    "label_members",
    "lapsed",
    "lift_table",
    "monthly_rate",
    "retention_table",
    "roc",
    "theoretical_threshold",
    "time_split",
]
