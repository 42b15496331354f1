"""How alike two records are, field by field: 0 (nothing alike) to 1 (equal), missing where either side is missing.

Source: P. Christen, *Data Matching*, Springer, 2012, chapter 5 (comparison of text).
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA, Indel

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _


def _edits(left: pd.Series, right: pd.Series) -> NDArray[np.float64]:
    """1 − edits / length of the longer; swapping two neighbours is one edit, as typing errors go."""
    return process.cpdist(left.tolist(), right.tolist(), scorer=OSA.normalized_similarity, dtype=np.float64)


def _shared(left: pd.Series, right: pd.Series) -> NDArray[np.float64]:
    """2 × characters in common, in order / all characters: forgives what one side left out."""
    return process.cpdist(left.tolist(), right.tolist(), scorer=Indel.normalized_similarity, dtype=np.float64)


def _same(left: pd.Series, right: pd.Series) -> NDArray[np.float64]:
    return (left.to_numpy() == right.to_numpy()).astype(float)


SCORERS: dict[str, Callable[[pd.Series, pd.Series], NDArray[np.float64]]] = {
    "name": _edits,
    "gender": _same,
    "birth": _edits,
    "phone": _edits,
    "email": _edits,
    "city": _same,
    "address": _shared,
}


def similarity(
    records: pd.DataFrame,
    pairs: pd.DataFrame,
    fields: Sequence[str] | None = None,
    *,
    id: str = "record_id",
) -> pd.DataFrame:
    """How alike the two records of each pair are, field by field.

    Parameters
    ----------
    records : DataFrame, one row a record, cleaned
    pairs : DataFrame with the record ids ``left`` and ``right``
    fields : columns to compare; by default those of :data:`SCORERS` that are there. Names, phones, e-mails and
        birthdays by edits (optimal string alignment: a swap of neighbours is one edit), addresses by characters in
        common, gender and city by equality; other columns by edits.

    Returns
    -------
    DataFrame, columns ``left``, ``right`` and one a field: 0 (nothing alike) to 1 (equal), missing where either
    record has no value. Same index as ``pairs``.

    >>> records = pd.DataFrame({"record_id": ["R1", "R2"], "name": ["王小芳", "王晓芳"], "phone": ["16112345678", None]})
    >>> similarity(records, pd.DataFrame({"left": ["R1"], "right": ["R2"]})).round(2).values.tolist()
    [['R1', 'R2', 0.67, nan]]
    """
    inputs.frame(records, _("客户记录"), [id, *(fields or ())])
    inputs.frame(pairs, _("记录对"), ("left", "right"))
    used = [field for field in SCORERS if field in records.columns] if fields is None else list(fields)
    table = records.set_axis(inputs.ids(records, id, unique=True).to_numpy())
    unknown = ~pairs[["left", "right"]].isin(table.index)
    if unknown.to_numpy().any():
        row, side = np.argwhere(unknown.to_numpy())[0]
        raise CourseError(
            _("记录对第 {row} 行的 {value} 不在客户记录里：请用同一张表产生记录对").format(
                row=row + 1, value=pairs[["left", "right"]].iloc[row, side]
            )
        )
    compared = {field: _compare(table[field], pairs, SCORERS.get(field, _edits)) for field in used}
    return pairs[["left", "right"]].assign(**compared)


def _compare(
    values: pd.Series, pairs: pd.DataFrame, scorer: Callable[[pd.Series, pd.Series], NDArray[np.float64]]
) -> NDArray[np.float64]:
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.dt.strftime("%Y%m%d")
    left, right = values.loc[pairs["left"]], values.loc[pairs["right"]]
    known = left.notna().to_numpy() & right.notna().to_numpy()
    likeness = np.full(len(pairs), np.nan)
    likeness[known] = scorer(left[known].astype(str), right[known].astype(str))
    return likeness
