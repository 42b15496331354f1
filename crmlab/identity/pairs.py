"""Pairs of records: those worth a closer look, and those known to be one person.

A pair is a row with the ids ``left`` and ``right``; its order has no meaning.

Source: P. Christen, *Data Matching*, Springer, 2012, chapters 4 and 7 (blocking, its reduction and its recall).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

Blocks = Mapping[str, Callable[[pd.DataFrame], pd.Series]] | Sequence[str]

# Two records of one person nearly always share one of these. The last, wide key rarely finds a match by itself; it brings
# in strangers, from whom EM learns what strangers look like.
BLOCKS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "phone": lambda records: records["phone"].str[-8:],
    "email": lambda records: records["email"],
    "name": lambda records: records["name"].where(records["name"].str.len() > 1),
    "birth": lambda records: records["birth"],
    "home": lambda records: records["name"].str[:1] + records["city"],
}
_BLOCK_COLUMNS = {"home": ("name", "city")}


def candidate_pairs(
    records: pd.DataFrame, blocks: Blocks | None = None, *, id: str = "record_id", max_block: int = 100
) -> pd.DataFrame:
    """Pairs worth a closer look: those that share at least one blocking key.

    All n(n − 1)/2 pairs of 4,000 records are eight million; blocking looks at a few thousand. What it leaves out is
    lost for good, so hold it against known pairs with :func:`blocking_report`.

    Parameters
    ----------
    records : DataFrame, one row a record, cleaned (:func:`clean`)
    blocks : names of columns, or a function of the records for each key; by default :data:`BLOCKS` (last eight digits
        of the phone, e-mail, name, birthday, family name with city), as far as the columns are there. A missing key pairs
        with nothing.
    id : column of record ids, each once
    max_block : keys that more records share are passed over: they are fillers, not evidence

    Returns
    -------
    DataFrame, columns ``left``, ``right`` (ids, in the order of the records) and ``found_by`` (keys, joined by 、).

    >>> records = pd.DataFrame({"record_id": ["R1", "R2", "R3"], "phone": ["16112345678", "16112345678", "16400000001"]})
    >>> candidate_pairs(records, ["phone"]).values.tolist()
    [['R1', 'R2', 'phone']]
    """
    keys = _keys(records, blocks, id)
    inputs.whole(max_block, "max_block", low=2)
    found = {name: _block_pairs(key, max_block)[0] for name, key in keys.items()}
    return _named_pairs(found, inputs.ids(records, id, unique=True).to_numpy())


def blocking_report(
    records: pd.DataFrame,
    persons: pd.Series,
    blocks: Blocks | None = None,
    *,
    id: str = "record_id",
    max_block: int = 100,
) -> pd.DataFrame:
    """What each blocking key costs and what it keeps.

    Parameters
    ----------
    persons : Series, the known person of each record, index record id

    Returns
    -------
    DataFrame, one row a key and a last row 合计 for all together: ``pairs`` (int, proposed), ``reduction`` (share
    of all n(n − 1)/2 pairs that need no look), ``recall`` (share of the true pairs kept), ``skipped`` (records whose
    key is shared by more than ``max_block``).

    >>> records = pd.DataFrame({"record_id": ["R1", "R2", "R3"], "phone": ["16112345678", "16112345678", None]})
    >>> persons = pd.Series({"R1": "P1", "R2": "P1", "R3": "P1"})
    >>> blocking_report(records, persons, ["phone"]).loc["合计", ["pairs", "recall"]].round(3).to_list()
    [1.0, 0.333]
    """
    keys = _keys(records, blocks, id)
    inputs.whole(max_block, "max_block", low=2)
    names = inputs.ids(records, id, unique=True)
    true = pair_index(pairs_of(persons_of(names, persons)))
    possible = len(records) * (len(records) - 1) / 2

    def measures(found: Mapping[str, NDArray[np.int64]], skipped: int) -> dict[str, float]:
        pairs = _named_pairs(found, names.to_numpy())
        return {
            "pairs": len(pairs),
            "reduction": 1 - len(pairs) / possible if possible else np.nan,
            "recall": true.isin(pair_index(pairs)).mean() if len(true) else np.nan,
            "skipped": skipped,
        }

    per_key = {name: _block_pairs(key, max_block) for name, key in keys.items()}
    rows = {name: measures({name: pairs}, skipped) for name, (pairs, skipped) in per_key.items()}
    every = {name: pairs for name, (pairs, _skipped) in per_key.items()}
    rows[_("合计")] = measures(every, sum(skipped for _pairs, skipped in per_key.values()))
    return pd.DataFrame.from_dict(rows, orient="index")


def pairs_of(persons: pd.Series) -> pd.DataFrame:
    """All pairs of records that belong to the same person.

    Parameters
    ----------
    persons : Series, the person of each record, index record id

    >>> pairs_of(pd.Series({"R1": "P1", "R2": "P2", "R3": "P1"})).values.tolist()
    [['R1', 'R3']]
    """
    if not isinstance(persons, pd.Series):
        raise CourseError(
            _("persons 应是以记录编号为索引、以人的编号为值的 Series，现在是 {kind}").format(
                kind=type(persons).__name__
            )
        )
    rows, _skipped = _block_pairs(persons.reset_index(drop=True), len(persons) + 2)
    ids = persons.index.to_numpy()
    return pd.DataFrame({"left": ids[rows[:, 0]], "right": ids[rows[:, 1]]})


def _keys(records: pd.DataFrame, blocks: Blocks | None, id: str) -> dict[str, pd.Series]:
    inputs.frame(records, _("客户记录"), [id])
    if blocks is None:
        have = set(records.columns)
        blocks = {name: make for name, make in BLOCKS.items() if have.issuperset(_BLOCK_COLUMNS.get(name, (name,)))}
    if not len(blocks):
        raise CourseError(
            _("客户记录里没有可以用来分块的列（{need}）：请用 blocks 指明").format(need=_("、").join(BLOCKS))
        )
    if isinstance(blocks, Mapping):
        return {name: make(records).reset_index(drop=True) for name, make in blocks.items()}
    inputs.frame(records, _("客户记录"), blocks)
    return {name: records[name].reset_index(drop=True) for name in blocks}


def _block_pairs(key: pd.Series, max_block: int) -> tuple[NDArray[np.int64], int]:
    """Row numbers of pairs with the same key, shape (pairs, 2), and how many rows were passed over."""
    block = pd.DataFrame({"key": key, "row": np.arange(len(key))}).dropna()
    size = block.groupby("key")["row"].transform("size")
    block, skipped = block[size.between(2, max_block)], int((size > max_block).sum())
    pairs = block.merge(block, on="key")[["row_x", "row_y"]].to_numpy()
    return pairs[pairs[:, 0] < pairs[:, 1]], skipped


def _named_pairs(found: Mapping[str, NDArray[np.int64]], ids: NDArray[Any]) -> pd.DataFrame:
    """The pairs of all keys, each once, with the keys that found it."""
    table = pd.concat(
        [pd.DataFrame(pairs, columns=["left", "right"]).assign(found_by=name) for name, pairs in found.items()]
    )
    table = table.groupby(["left", "right"], as_index=False)["found_by"].agg(_("、").join)
    return table.assign(left=ids[table["left"].to_numpy(dtype=int)], right=ids[table["right"].to_numpy(dtype=int)])


def persons_of(ids: pd.Series, persons: Any) -> pd.Series:
    """The person of each of ``ids``, in their order; a CourseError if a record has none.

    >>> persons_of(pd.Series(["R2", "R1"]), pd.Series({"R1": "P1", "R2": "P2"})).to_list()
    ['P2', 'P1']
    """
    if not isinstance(persons, pd.Series) or not persons.index.is_unique:
        raise CourseError(_("persons 应是以记录编号为索引的 Series，每条记录出现一次"))
    found = persons.reindex(ids.to_numpy())
    if found.isna().any():
        raise CourseError(
            _("记录 {id} 没有对应的人：persons 的索引应包含每条记录的编号").format(id=found.index[found.isna()][0])
        )
    return found


def pair_index(pairs: Any, *, keep_repeats: bool = False) -> pd.MultiIndex:
    """Pairs as (smaller id, larger id), so that R2-R1 is R1-R2; a Series of persons stands for all pairs it implies.

    >>> pair_index(pd.DataFrame({"left": ["R2", "R1"], "right": ["R1", "R2"]})).to_list()
    [('R1', 'R2')]
    """
    if isinstance(pairs, pd.Series):
        pairs = pairs_of(pairs)
    if not isinstance(pairs, pd.DataFrame) or not {"left", "right"} <= set(pairs.columns):
        raise CourseError(
            _("这里要含有 left 与 right 两列的记录对，或以记录编号为索引的 Series，现在是 {kind}").format(
                kind=type(pairs).__name__
            )
        )
    left, right = pairs["left"].astype(str).to_numpy(), pairs["right"].astype(str).to_numpy()
    swap = left > right
    index = pd.MultiIndex.from_arrays([np.where(swap, right, left), np.where(swap, left, right)])
    return index if keep_repeats else index.unique()
