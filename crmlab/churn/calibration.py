"""Probabilities set right by what happened.

How good they are before and after tell :func:`crmlab.scoring.calibration_table`, :func:`~crmlab.scoring.ece` and
:func:`~crmlab.scoring.brier`.

Sources: J. C. Platt, "Probabilistic Outputs for Support Vector Machines", in *Advances in Large Margin Classifiers*, MIT
Press, 2000 (sigmoid calibration); B. Zadrozny, C. Elkan, "Transforming Classifier Scores into Accurate Multiclass
Probability Estimates", *KDD*, 2002, 694-699 (isotonic calibration).
"""

from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.churn.checks import Array
from crmlab.scoring import same_rows, zero_one

__all__ = ["calibrate"]

_TINY = 1e-6  # probabilities are kept this far from 0 and 1 before their logit is taken


def calibrate(probability: Any, outcome: Any, new: Any = None, *, method: str = "platt") -> pd.Series:
    """Probabilities set right by what happened: learn the correction from the two columns, apply it to ``new``.

    Learn it on rows that the model was not fitted to.

    Parameters
    ----------
    probability, outcome : probabilities, and 1 / 0 of the same customers, to learn from
    new : probabilities to correct; those of ``probability`` by default
    method : "platt": σ(a + b·logit p), keeps the ranking (b > 0), enough for some hundred rows;
        "isotonic": any rising step function, wants some thousand rows, makes ties

    Returns
    -------
    Series ``p`` of the corrected probabilities, index as ``new``.

    >>> calibrate([0.2, 0.2, 0.8, 0.8], [0, 0, 1, 0], method="isotonic").tolist()
    [0.0, 0.0, 0.5, 0.5]
    """
    inputs.vector(probability, "probability", low=0, high=1)
    chance, outcomes = same_rows(probability=probability, outcome=zero_one(outcome, "outcome", both=True))
    given = probability if new is None else new
    target = inputs.vector(given, "new", low=0, high=1)
    if inputs.choice(method, "method", ("platt", "isotonic")) == "isotonic":
        from sklearn.isotonic import IsotonicRegression

        fixed = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(chance, outcomes).predict(target)
    else:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(_logit(chance), outcomes)
        fixed = model.predict_proba(_logit(target))[:, 1]
    return pd.Series(fixed, index=given.index if isinstance(given, pd.Series) else None, name="p")


def _logit(p: Array) -> Array:
    """Log odds as one column; certainty is taken for near certainty."""
    kept = np.clip(p, _TINY, 1 - _TINY)
    return np.log(kept / (1 - kept))[:, None]
