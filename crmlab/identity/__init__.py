"""Which records are the same person: clean them, pair them, weigh the evidence, merge them without losing anything.

====================== =================================================================================
cleaning               values in their normal form, data quality: :func:`clean`, :func:`profile`
pairs                  which pairs to look at, what that loses: :func:`candidate_pairs`
likeness               field by field, 0 to 1: :func:`similarity`
evidence               one score a pair: :func:`weighted_score`, :class:`FellegiSunter`
decision               same person or not, and how often that is right: :func:`match`, :func:`evaluate`
golden                 one record a person: :func:`merge`
====================== =================================================================================

A missing value is no evidence, neither for nor against: it is left out, never read as "different".
"""

from crmlab.identity.cleaning import (
    CLEANERS,
    clean,
    clean_address,
    clean_date,
    clean_email,
    clean_gender,
    clean_name,
    clean_phone,
    clean_region,
    profile,
)
from crmlab.identity.decision import MATCH, REVIEW, Quality, clusters, evaluate, match, sweep
from crmlab.identity.evidence import LEVELS, NEAR, WEIGHTS, FellegiSunter, weighted_score
from crmlab.identity.golden import RULES, Merged, merge
from crmlab.identity.likeness import SCORERS, similarity
from crmlab.identity.pairs import BLOCKS, blocking_report, candidate_pairs, pairs_of

__all__ = [
    "BLOCKS",
    "CLEANERS",
    "LEVELS",
    "MATCH",
    "NEAR",
    "REVIEW",
    "RULES",
    "SCORERS",
    "WEIGHTS",
    "FellegiSunter",
    "Merged",
    "Quality",
    "blocking_report",
    "candidate_pairs",
    "clean",
    "clean_address",
    "clean_date",
    "clean_email",
    "clean_gender",
    "clean_name",
    "clean_phone",
    "clean_region",
    "clusters",
    "evaluate",
    "match",
    "merge",
    "pairs_of",
    "profile",
    "similarity",
    "sweep",
    "weighted_score",
]
