"""One golden record a person, merged without losing anything."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.i18n import _
from crmlab.identity.pairs import persons_of

RULES = ("newest", "oldest", "longest", "strictest", "sum")


@dataclass(frozen=True)
class Merged:
    """One golden record a person, and what did not get into it.

    Attributes
    ----------
    golden : DataFrame, index person; the columns of the records, ``records`` (how many) and ``record_ids`` (joined by 、)
    lost : DataFrame with ``person``, ``record_id``, ``column``, ``value``, ``kept``: every value that differs
        from the one kept (the date of update and what was summed apart). Nothing a customer ever told is thrown away unseen.

    >>> merged = merge(
    ...     pd.DataFrame({"record_id": ["R1"], "name": ["王芳"], "updated_at": ["2025-01-01"]}), pd.Series({"R1": "P1"})
    ... )
    >>> isinstance(merged, Merged), len(merged.lost)
    (True, 0)
    """

    golden: pd.DataFrame
    lost: pd.DataFrame


def merge(
    records: pd.DataFrame,
    persons: pd.Series,
    *,
    id: str = "record_id",
    updated: str = "updated_at",
    rules: Mapping[str, str] | None = None,
) -> Merged:
    """The golden record of each person: column by column the newest value that is not empty.

    Parameters
    ----------
    records : DataFrame, one row a record (better cleaned)
    persons : Series, the person of each record, index record id (:func:`clusters`)
    id, updated : columns of record ids and of dates of last update
    rules : another rule for some columns: "newest"; "oldest" (customer since); "longest" (the fullest address);
        "strictest" (the least value: of two answers on consent, no beats yes); "sum" (spend in several shops)

    >>> records = pd.DataFrame(
    ...     {"record_id": ["R1", "R2"], "phone": ["16112345678", "16187654321"], "email": ["a@example.com", ""],
    ...      "updated_at": ["2024-05-01", "2025-05-01"]}
    ... )
    >>> merged = merge(records, pd.Series({"R1": "P1", "R2": "P1"}))
    >>> merged.golden.loc["P1", ["phone", "email"]].to_list(), merged.lost["value"].to_list()
    (['16187654321', 'a@example.com'], ['16112345678'])
    """
    inputs.frame(records, _("客户记录"), (id, updated, *(rules or ())))
    names = inputs.ids(records, id, unique=True)
    person = persons_of(names, persons).to_numpy()
    newest_last = np.lexsort((names.rank(), inputs.days(records, updated)))
    table = records.drop(columns=id).set_axis(names.to_numpy()).iloc[newest_last]
    table = table.mask(table == "")  # an empty text is no value
    who = pd.Series(person[newest_last], index=table.index, name="person")
    rule = dict.fromkeys(table.columns, "newest") | dict(rules or {})
    golden = pd.DataFrame({column: _survivor(table[column], who, rule[column]) for column in table})
    grouped = names.groupby(person)
    told = [column for column in table if column != updated and rule[column] != "sum"]
    lost = _lost(table[told], who, golden)
    golden = golden.assign(records=grouped.size(), record_ids=grouped.agg(_("、").join))
    return Merged(golden.rename_axis("person"), lost)


def _survivor(values: pd.Series, person: pd.Series, rule: str) -> pd.Series:
    """One value a person; rows come oldest first, and ``last`` and ``first`` pass over missing values."""
    inputs.choice(rule, "rules", RULES)
    if rule == "longest":
        order = np.argsort(values.astype(str).str.len().to_numpy(dtype=float, na_value=0), kind="stable")
        values, person = values.iloc[order], person.iloc[order]
    groups = values.groupby(person)
    return {"oldest": groups.first, "strictest": groups.min, "sum": groups.sum}.get(rule, groups.last)()


def _lost(table: pd.DataFrame, person: pd.Series, golden: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for column in table:
        kept = golden[column].reindex(person).set_axis(table.index)
        gone = table[column].notna() & (table[column] != kept)
        rows = pd.DataFrame({"person": person, "value": table[column].astype(object), "kept": kept.astype(object)})
        parts.append(rows[gone].assign(column=column).rename_axis("record_id").reset_index())
    lost = pd.concat(parts)[["person", "record_id", "column", "value", "kept"]]
    return lost.sort_values(["person", "record_id"], kind="stable").reset_index(drop=True)
