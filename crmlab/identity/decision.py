"""From scores to persons: which pairs are one person, which records belong together, and how often that is right.

Source: P. Christen, *Data Matching*, Springer, 2012, chapters 6 and 7 (classification, quality over pairs).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.identity.pairs import pair_index

MATCH, REVIEW = _("同一人"), _("人工核对")


def match(likeness: pd.DataFrame, score: Any, threshold: float, review: float | None = None) -> pd.DataFrame:
    """The pairs whose score reaches the threshold, best first.

    Parameters
    ----------
    likeness : DataFrame with ``left`` and ``right``
    score : one number a pair, higher is more alike
    threshold : from here on a pair is the same person
    review : pairs from here to the threshold go to a human; at most ``threshold``, by default none do

    Returns
    -------
    DataFrame, columns ``left``, ``right``, ``score``, ``decision`` (同一人 or 人工核对).

    >>> pairs = pd.DataFrame({"left": ["R1", "R1", "R2"], "right": ["R2", "R3", "R3"]})
    >>> match(pairs, [0.9, 0.6, 0.1], 0.8, review=0.5)["decision"].to_list()
    ['同一人', '人工核对']
    """
    inputs.frame(likeness, _("记录对"), ("left", "right"))
    scores = inputs.vector(score, "score", length=len(likeness))
    threshold = inputs.number(threshold, "threshold")
    lowest = threshold if review is None else inputs.number(review, "review", high=threshold)
    table = likeness[["left", "right"]].assign(score=scores, decision=np.where(scores >= threshold, MATCH, REVIEW))
    return table[scores >= lowest].sort_values("score", ascending=False, kind="stable").reset_index(drop=True)


def clusters(pairs: pd.DataFrame, ids: Any) -> pd.Series:
    """The person of each record: records joined by pairs, directly or through others.

    Mind the chain: if A = B and B = C then A = C, even where A and C look nothing alike. One wrong pair can weld two
    families together, so look at the largest groups.

    Parameters
    ----------
    pairs : DataFrame with ``left`` and ``right``: the same person (rows that :func:`match` marked 人工核对 are left out)
    ids : all record ids, each once

    Returns
    -------
    Series ``person``, index record id: G00001, G00002, ... in the order of ``ids``.

    >>> clusters(pd.DataFrame({"left": ["R1"], "right": ["R3"]}), ["R1", "R2", "R3"]).to_dict()
    {'R1': 'G00001', 'R2': 'G00002', 'R3': 'G00001'}
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    index = pd.Index(inputs.ids(pd.DataFrame({"record_id": list(ids)}), "record_id", unique=True), name="record_id")
    if not isinstance(pairs, pd.DataFrame) or not {"left", "right"} <= set(pairs.columns):
        raise CourseError(_("记录对应是含有 left 与 right 两列的 DataFrame"))
    kept = pairs[pairs["decision"] != REVIEW] if "decision" in pairs else pairs
    ends = [index.get_indexer(kept[side]) for side in ("left", "right")]
    for side, rows in zip(("left", "right"), ends, strict=True):
        if (rows < 0).any():
            raise CourseError(
                _("记录对中的 {value} 不在 ids 里：请把全部记录的编号都传进来").format(
                    value=kept[side].iloc[rows.argmin()]
                )
            )
    graph = coo_array((np.ones(len(kept)), tuple(ends)), shape=(len(index), len(index)))
    labels = connected_components(graph, directed=False)[1]
    order = pd.factorize(labels)[0]
    return pd.Series([f"G{number + 1:05d}" for number in order], index=index, name="person")


@dataclass(frozen=True)
class Quality:
    """How well found pairs meet the true ones.

    Attributes
    ----------
    precision : right / found (missing if nothing was found): how often a merge was right
    recall : right / true: how many duplicates were found
    f1 : harmonic mean of the two; 0 if nothing is right
    found, true, right : numbers of pairs

    >>> Quality(precision=0.5, recall=1.0, f1=2 / 3, found=2, true=1, right=1).recall
    1.0
    """

    precision: float
    recall: float
    f1: float
    found: int
    true: int
    right: int


def evaluate(found: Any, true: Any) -> Quality:
    """Precision, recall and F1 over pairs.

    Parameters
    ----------
    found, true : pairs as a DataFrame with ``left`` and ``right``, or the person of each record as a Series
        (then all pairs it implies)

    >>> found = pd.DataFrame({"left": ["R2", "R1"], "right": ["R1", "R4"]})
    >>> evaluate(found, pd.Series({"R1": "P1", "R2": "P1", "R3": "P1", "R4": "P2"}))
    Quality(precision=0.5, recall=0.333..., f1=0.4, found=2, true=3, right=1)
    """
    left, right = pair_index(found), pair_index(true)
    return _quality(len(left), len(right), int(left.isin(right).sum()))


def sweep(likeness: pd.DataFrame, score: Any, true: Any, thresholds: Any = None) -> pd.DataFrame:
    """Precision, recall and F1 at many thresholds: the trade between wrong merges and missed duplicates.

    Parameters
    ----------
    likeness, score : as for :func:`match`
    true : as for :func:`evaluate`; with pairs that blocking lost, so that recall tells the whole loss
    thresholds : numbers, by default 101 evenly from the lowest to the highest score

    Returns
    -------
    DataFrame, index ``threshold``, columns ``found``, ``right``, ``precision`` (missing where nothing is found),
    ``recall``, ``f1``.

    >>> pairs = pd.DataFrame({"left": ["R1", "R1"], "right": ["R2", "R3"]})
    >>> sweep(pairs, [0.9, 0.4], pairs.head(1), [0.3, 0.8])[["precision", "recall"]].values.tolist()
    [[0.5, 1.0], [1.0, 1.0]]
    """
    inputs.frame(likeness, _("记录对"), ("left", "right"))
    scores = inputs.vector(score, "score", length=len(likeness))
    cuts = (
        np.linspace(scores.min(), scores.max(), 101) if thresholds is None else inputs.vector(thresholds, "thresholds")
    )
    truth = pair_index(true)
    right = pair_index(likeness, keep_repeats=True).isin(truth)
    rows = [_quality(int((scores >= cut).sum()), len(truth), int((right & (scores >= cut)).sum())) for cut in cuts]
    table = pd.DataFrame([vars(row) for row in rows], index=pd.Index(cuts, name="threshold"))
    return table[["found", "right", "precision", "recall", "f1"]]


def _quality(found: int, true: int, right: int) -> Quality:
    precision = right / found if found else np.nan
    recall = right / true if true else np.nan
    f1 = 2 * right / (found + true) if right else 0.0
    return Quality(precision, recall, f1, found, true, right)
