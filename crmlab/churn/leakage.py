"""Which columns seem to know the future.

Source: S. Kaufman, S. Rosset, C. Perlich, O. Stitelman, "Leakage in Data Mining", *ACM Transactions on Knowledge
Discovery from Data* 6 (4), 2012.
"""

from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.churn.checks import Array
from crmlab.i18n import _
from crmlab.scoring import rank_auc, same_rows, zero_one

__all__ = ["check_leakage"]

_SMALLEST_GROUP = 2  # a fresh half needs this many rows of a category before its churn rate counts


def check_leakage(features: pd.DataFrame, label: Any, *, cutoff: Any = None, limit: float = 0.95) -> pd.DataFrame:
    """Columns that seem to know the future.

    Two signs. A date on or after the cutoff. And a column that alone tells churners from stayers too well: its AUC
    (turned round if below ½) reaches ``limit``; whether a value is *missing* is tried too, and text is replaced by the
    churn rate that the other half of the rows has for it. A sign is no proof: look when the column was written.

    Parameters
    ----------
    features : DataFrame, one row a customer: numbers, dates, text, gaps allowed
    label : 1 and 0 of the same customers
    cutoff : day of the features; without it dates are not checked
    limit : AUC from which a single column is suspect, above 0.5

    Returns
    -------
    DataFrame, one row a suspect column (index ``column``; none if all seems clean), columns ``auc`` (missing where the
    date is the sign) and ``reason``; highest AUC last, dates first.

    >>> X = pd.DataFrame({"recency": [3, 40, 8, 51, 20, 5], "exit_call": [0, 1, 0, 1, 1, 0]})
    >>> check_leakage(X, pd.Series([0, 1, 0, 1, 1, 0]), limit=0.999)["auc"].to_dict()
    {'recency': 1.0, 'exit_call': 1.0}
    """
    inputs.frame(features, _("特征表"))
    bound = inputs.number(limit, "limit", above=0.5, high=1)
    at = None if cutoff is None else inputs.day(cutoff, _("截止日"))
    (y,) = same_rows(features.index, label=zero_one(label, "label", both=True))
    signs = [(name, *sign) for name in features.columns if (sign := _sign(features[name], y, at, bound)) is not None]
    report = pd.DataFrame(signs, columns=["column", "auc", "reason"]).set_index("column")
    return report.sort_values("auc", na_position="first", kind="stable")


def _sign(values: pd.Series, y: Array, at: pd.Timestamp | None, limit: float) -> tuple[float, str] | None:
    """AUC and reason if the column is suspect."""
    latest = _latest(values)
    if at is not None and latest is not None and latest >= at:
        return np.nan, _("有截止日及以后的日期（最晚 {day:%Y-%m-%d}）：截止日那天还不可能知道").format(day=latest)
    told = _alone(values, y)
    if told >= limit:
        return told, _("单凭这一列 AUC 就达到 {auc:.3f}：好得不真实，请查清它是什么时候写进去的").format(auc=told)
    return None


def _latest(values: pd.Series) -> pd.Timestamp | None:
    """The latest date of a column of dates (also dates kept as objects), None for other columns."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        if pd.api.types.infer_dtype(values, skipna=True) not in ("date", "datetime"):
            return None
        values = pd.to_datetime(values)
    latest = values.max()
    return None if pd.isna(latest) else latest.tz_localize(None)


def _alone(values: pd.Series, y: Array) -> float:
    """How well one column tells churners from stayers: the larger AUC of its values and of its gaps."""
    gaps = values.isna().to_numpy()
    if _latest(values) is not None or gaps.all():
        scores = np.zeros(len(y))  # the day itself is checked against the cutoff; its gaps are tried below
    elif pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        scores = np.where(gaps, np.nanmedian(numbers), numbers)
    else:
        scores = _other_half(values.astype(str).reset_index(drop=True), y)
    return max(max(a, 1 - a) for a in (rank_auc(scores, y), rank_auc(gaps.astype(float), y)))


def _other_half(text: pd.Series, y: Array) -> Array:
    """For each row the churn rate of its text among the rows of the other half; the overall rate if too rare there.

    The row's own label must not tell on itself: a column of ids would look like a perfect predictor.
    """
    # Halves within each class, so that the overall rate is the same in both
    half = pd.Series(y).groupby(y).cumcount() % 2
    scores = np.full(len(y), y.mean())
    for one in (0, 1):
        other = pd.Series(y)[half != one].groupby(text[half != one]).agg(["mean", "size"])
        rates = other.loc[other["size"] >= _SMALLEST_GROUP, "mean"]
        here = (half == one).to_numpy()
        scores[here] = text[here].map(rates).fillna(y.mean()).to_numpy()
    return scores
