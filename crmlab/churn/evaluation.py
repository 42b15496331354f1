"""How good a churn score is: does it rank the customers well, and does 30 % mean 30 %?

Sources: J. A. Hanley, B. J. McNeil, "The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC)
Curve", *Radiology* 143 (1), 1982, 29-36; S. A. Neslin, S. Gupta, W. Kamakura, J. Lu, C. H. Mason, "Defection Detection:
Measuring and Understanding the Predictive Accuracy of Customer Churn Models", *Journal of Marketing Research* 43 (2),
2006, 204-211 (lift); G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", *Monthly Weather
Review* 78 (1), 1950, 1-3; E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
*Journal of the American Statistical Association* 22 (158), 1927, 209-212 (interval); J. C. Platt, "Probabilistic
Outputs for Support Vector Machines", in *Advances in Large Margin Classifiers*, MIT Press, 2000 (sigmoid calibration);
B. Zadrozny, C. Elkan, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates", *KDD*, 2002,
694-699 (isotonic calibration).
"""

from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.churn.checks import Array, pair
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = [
    "Z95",
    "auc",
    "brier",
    "by_threshold",
    "calibrate",
    "calibration_table",
    "ece",
    "lift_table",
    "rank_auc",
    "roc",
]

Z95 = 1.959963984540054  # 97.5 % quantile of the standard normal
_TINY = 1e-6  # probabilities are kept this far from 0 and 1 before their logit is taken


def roc(p: Any, y: Any) -> pd.DataFrame:
    """The ROC curve: for every threshold the share of stayers and of churners at or above it.

    Returns
    -------
    DataFrame, columns ``threshold`` (falling, first infinite), ``fpr`` (false alarms ÷ stayers) and ``tpr`` (hits ÷
    churners); one row a distinct score, from 0, 0 to 1, 1.

    >>> roc([0.9, 0.6, 0.6, 0.1], [1, 1, 0, 0])["tpr"].tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    counts = by_threshold(*pair(p, y))
    hits, alarms = counts["churners"], counts["contacted"] - counts["churners"]
    return pd.DataFrame(
        {"threshold": counts["threshold"], "fpr": alarms / alarms.iloc[-1], "tpr": hits / hits.iloc[-1]}
    )


def by_threshold(scores: Array, labels: Array) -> pd.DataFrame:
    """How many score at or above each threshold, from nobody to all, and how many of them churn.

    >>> by_threshold(np.array([0.9, 0.6, 0.6]), np.array([1, 1, 0]))
       threshold  contacted  churners
    0        inf          0         0
    1        0.9          1         1
    2        0.6          3         2
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # equal scores come over it together
    return pd.DataFrame(
        {
            "threshold": np.append(np.inf, scores[order][last]),
            "contacted": np.append(0, last + 1),
            "churners": np.append(0, np.cumsum(labels[order])[last]).astype("int64"),
        }
    )


def auc(p: Any, y: Any) -> float:
    """Area under the ROC curve: chance that a random churner has a higher score than a random stayer, ties ½.

    (Mann-Whitney: AUC = (R − n₁(n₁ + 1)/2) / (n₁ n₀), R the sum of the mid-ranks of the n₁ churners.)

    Parameters
    ----------
    p : scores, one a customer: any numbers, higher = more likely to churn
    y : 1 churned, 0 stayed

    Raises
    ------
    CourseError : labels that are not 0 / 1, or only one class.

    >>> auc([0.9, 0.6, 0.6, 0.1], [1, 1, 0, 0])
    0.875
    """
    return rank_auc(*pair(p, y))


def rank_auc(scores: Array, labels: Array) -> float:
    """AUC of arrays that are known to be sound.

    >>> rank_auc(np.array([3, 2, 1]), np.array([1, 0, 0]))
    1.0
    """
    rank = pd.Series(scores).rank().to_numpy()
    n1 = labels.sum()
    return float((rank[labels == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(labels) - n1)))


def lift_table(p: Any, y: Any, bins: int = 10) -> pd.DataFrame:
    """Lift: customers sorted by score, highest first, in equal parts; how often each part churned.

    Equal scores are put in the order of the index (of the rows, for lists), so the table does not depend on chance.

    Parameters
    ----------
    p, y : as in :func:`auc`
    bins : number of parts, 1 to the number of customers; 10 gives deciles

    Returns
    -------
    DataFrame, index ``bin`` 1..bins (1 = highest scores), columns ``customers``, ``churners`` (int), ``rate`` (0-1),
    ``lift`` (rate ÷ overall rate; row 1 is the top-decile lift), ``cum_customers``, ``gain`` (cumulative shares of the
    customers and of the churners, 0-1), ``cum_lift``.

    >>> lift_table([0.9, 0.8, 0.2, 0.1], [1, 0, 1, 0], bins=2)[["lift", "gain"]].to_dict("list")
    {'lift': [1.0, 1.0], 'gain': [0.5, 1.0]}
    """
    scores, labels = pair(p, y)
    parts = inputs.whole(bins, "bins", low=1)
    if parts > len(scores):
        raise CourseError(_("只有 {n} 位客户，分不成 {bins} 份：请减小 bins").format(n=len(scores), bins=parts))
    ids = pd.Series(p).index
    by_id = ids.argsort() if isinstance(p, pd.Series) and ids.is_unique else np.arange(len(scores))
    order = by_id[np.argsort(-scores[by_id], kind="stable")]
    part = np.arange(len(order)) * parts // len(order)
    size, churners = np.bincount(part), np.bincount(part, labels[order])
    rate, gain, share = churners / size, churners.cumsum() / churners.sum(), size.cumsum() / size.sum()
    table = {
        "customers": size,
        "churners": churners.astype("int64"),
        "rate": rate,
        "lift": rate / labels.mean(),
        "cum_customers": share,
        "gain": gain,
        "cum_lift": gain / share,
    }
    return pd.DataFrame(table, index=pd.RangeIndex(1, parts + 1, name="bin"))


def calibration_table(p: Any, y: Any, bins: int = 10, *, strategy: str = "quantile") -> pd.DataFrame:
    """Does 30 % mean 30 %? Mean prediction against observed churn, by groups of similar prediction.

    Parameters
    ----------
    p : probabilities 0-1, one a customer
    y : 1 churned, 0 stayed
    bins : number of groups; fewer appear where many predictions are equal or none falls into a group
    strategy : "quantile": groups of equal size; "uniform": of equal width (0-0.1, 0.1-0.2, ...)

    Returns
    -------
    DataFrame, index ``bin`` from 1, columns ``n``, ``predicted`` (mean p), ``observed`` (share of churners), ``low``,
    ``high`` (95 % Wilson interval of the observed share).

    >>> calibration_table([0.1, 0.1, 0.8, 0.8], [0, 0, 1, 0], bins=2)[["n", "predicted", "observed"]].to_dict("list")
    {'n': [2, 2], 'predicted': [0.1, 0.8], 'observed': [0.0, 0.5]}
    """
    scores, labels = pair(p, y, probability=True, both=False)
    count = inputs.whole(bins, "bins", low=1)
    if inputs.choice(strategy, "strategy", ("quantile", "uniform")) == "quantile":
        group = pd.qcut(pd.Series(scores), count, labels=False, duplicates="drop").fillna(0).to_numpy()
    else:
        group = np.minimum(np.floor(np.round(scores * count, 9)), count - 1)
    cells = pd.DataFrame({"p": scores, "y": labels}).groupby(group)
    table = pd.DataFrame({"n": cells.size(), "predicted": cells["p"].mean(), "observed": cells["y"].mean()})
    low, high = _wilson(table["observed"], table["n"])
    return table.assign(low=low, high=high).set_axis(pd.RangeIndex(1, len(table) + 1, name="bin"))


def _wilson(share: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """95 % interval of a share of n: unlike p ± z·s.e. it stays within 0-1 and holds for small n."""
    z2 = Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * np.sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return (centre - half).clip(lower=0), (centre + half).clip(upper=1)


def brier(p: Any, y: Any) -> float:
    """Brier score: mean of (p − y)²; 0 is perfect, base rate × (1 − base rate) what the base rate alone gives.

    >>> round(brier([0.9, 0.2], [1, 0]), 3)
    0.025
    """
    scores, labels = pair(p, y, probability=True, both=False)
    return float(np.mean((scores - labels) ** 2))


def ece(p: Any, y: Any, bins: int = 10, *, strategy: str = "quantile") -> float:
    """Expected calibration error: mean of |observed − predicted| over the groups of :func:`calibration_table`, by size.

    >>> ece([0.1, 0.1, 0.8, 0.8], [0, 0, 1, 0], bins=2)
    0.2
    """
    table = calibration_table(p, y, bins, strategy=strategy)
    gap = (table["observed"] - table["predicted"]).abs()
    return round(float((table["n"] * gap).sum() / table["n"].sum()), 12)


def calibrate(p: Any, y: Any, new: Any = None, *, method: str = "platt") -> pd.Series:
    """Probabilities set right by what happened: learn the correction from ``p`` and ``y``, apply it to ``new``.

    Learn it on rows that the model was not fitted to.

    Parameters
    ----------
    p, y : probabilities and outcomes (1 / 0) to learn from
    new : probabilities to correct; ``p`` itself by default
    method : "platt": σ(a + b·logit p), keeps the ranking (b > 0), enough for some hundred rows;
        "isotonic": any rising step function, wants some thousand rows, makes ties

    Returns
    -------
    Series ``p`` of the corrected probabilities, index as ``new``.

    >>> calibrate([0.2, 0.2, 0.8, 0.8], [0, 0, 1, 0], method="isotonic").tolist()
    [0.0, 0.0, 0.5, 0.5]
    """
    scores, labels = pair(p, y, probability=True)
    given = p if new is None else new
    target = inputs.vector(given, "new", low=0, high=1)
    if inputs.choice(method, "method", ("platt", "isotonic")) == "isotonic":
        from sklearn.isotonic import IsotonicRegression

        fixed = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, labels).predict(target)
    else:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(_logit(scores), labels)
        fixed = model.predict_proba(_logit(target))[:, 1]
    return pd.Series(fixed, index=given.index if isinstance(given, pd.Series) else None, name="p")


def _logit(p: Array) -> Array:
    """Log odds as one column; certainty is taken for near certainty."""
    kept = np.clip(p, _TINY, 1 - _TINY)
    return np.log(kept / (1 - kept))[:, None]
