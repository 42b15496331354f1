"""What goes together, and what to recommend next: baskets, association rules, item-item neighbours.

Recommendations are judged as they are used: learn from the purchases before a day, predict those from that day on, and
compare with the simplest rival, the list of best sellers.

Sources: R. Agrawal, R. Srikant, "Fast Algorithms for Mining Association Rules", *VLDB*, 1994; J. Han, J. Pei, Y. Yin,
"Mining Frequent Patterns without Candidate Generation", *SIGMOD*, 2000 (FP-growth, as in mlxtend); B. Sarwar et al.,
"Item-Based Collaborative Filtering Recommendation Algorithms", *WWW*, 2001; M. Deshpande, G. Karypis, "Item-Based Top-N
Recommendation Algorithms", *ACM Transactions on Information Systems* 22 (1), 2004, 143-177.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.data import SOLD, Tables
from crmlab.errors import CourseError
from crmlab.i18n import _

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_DIGITS = 12  # scores are compared after rounding: two ways to add up the same likeness must tie
_CHUNK = 1000  # customers scored at a time, so that memory does not grow with their number


# ------------------------------------------------------------------------------------------------------ purchases


def lines(tables: Tables) -> pd.DataFrame:
    """What each customer bought and kept, line by line; cancelled orders and returned pieces left out.

    Parameters
    ----------
    tables : the tables of a shop, with ``orders`` and ``items``

    Returns
    -------
    DataFrame ``customer_id``, ``order_id``, ``product_id``, ``date`` (midnight), ``quantity`` (pieces kept, at
    least 1), in the order of the items table.

    Raises
    ------
    CourseError : not the tables of a shop.

    >>> from crmlab import data
    >>> lines(data.draw("ecommerce", "demo")).columns.to_list()
    ['customer_id', 'order_id', 'product_id', 'date', 'quantity']
    """
    if not isinstance(tables, Tables) or not {"orders", "items"} <= set(tables):
        raise CourseError(_('lines 需要整个数据集（含 orders 与 items 两张表），例如 lines(load("ecommerce"))。'))
    orders = tables["orders"]
    sold = orders.loc[orders["status"].isin(SOLD), ["order_id", "customer_id", "ordered_at"]]
    items = tables["items"].merge(sold, on="order_id")
    kept = items.assign(
        quantity=items["quantity"] - items["returned_quantity"], date=items["ordered_at"].dt.normalize()
    )
    columns = ["customer_id", "order_id", "product_id", "date", "quantity"]
    return kept.loc[kept["quantity"] > 0, columns].reset_index(drop=True)


# --------------------------------------------------------------------------------------------- baskets and rules


def baskets(purchases: pd.DataFrame, *, basket: str = "order_id", item: str = "product_id") -> pd.DataFrame:
    """One row a basket, one column an item, True where the basket holds the item (once or often).

    Parameters
    ----------
    purchases : DataFrame, one row an item in a basket, in any order
    basket, item : names of the columns; a basket may be an order, or all a customer ever bought

    Returns
    -------
    DataFrame of bool, index the baskets and columns the items, both sorted.

    >>> baskets(pd.DataFrame({"order_id": [1, 1, 2], "product_id": ["茶", "杯", "茶"]})).astype(int).to_numpy().tolist()
    [[1, 1], [0, 1]]
    """
    held, rows, columns = _incidence(purchases, basket, item)
    return pd.DataFrame(held.toarray() > 0, index=pd.Index(rows, name=basket), columns=pd.Index(columns, name=item))


def frequent_itemsets(table: pd.DataFrame, min_support: float = 0.01, max_size: int | None = None) -> pd.DataFrame:
    """Sets of items that are often bought together (FP-growth).

    support = baskets that hold the whole set / all baskets.

    Parameters
    ----------
    table : as made by :func:`baskets`
    min_support : least support, above 0, up to 1
    max_size : most items of a set; None for any number

    Returns
    -------
    DataFrame ``items`` (text, joined by 、), ``size``, ``support`` (0-1), ``count`` (baskets), by falling support, then
    by size and items; empty when no set is frequent enough.

    Raises
    ------
    CourseError : not such a table, or a support out of bounds.

    >>> bought = pd.DataFrame({"order_id": [1, 1, 2, 2, 3], "product_id": ["茶", "杯", "茶", "杯", "茶"]})
    >>> frequent_itemsets(baskets(bought), 0.5)[["items", "count"]].values.tolist()
    [['茶', 3], ['杯', 2], ['杯、茶', 2]]
    """
    found = _mined(table, min_support, max_size)
    sets = pd.DataFrame(
        {
            "items": found["itemsets"].map(_told).astype("str"),
            "size": found["itemsets"].map(len).astype("int64"),
            "support": found["support"].astype("float64"),
        }
    )
    sets["count"] = (sets["support"] * len(table)).round().astype("int64")
    return sets.sort_values(["support", "size", "items"], ascending=[False, True, True], ignore_index=True)


def rules(
    table: pd.DataFrame,
    min_support: float = 0.01,
    min_confidence: float = 0.0,
    min_lift: float = 0.0,
    max_size: int | None = None,
) -> pd.DataFrame:
    """Rules "who buys A also buys B", with the usual measures.

    support = P(A and B); confidence = P(B | A); lift = confidence / P(B), 1 if A and B are independent;
    leverage = P(A and B) - P(A) P(B); conviction = (1 - P(B)) / (1 - confidence), infinite for a rule without
    exception. A high confidence may only say that everybody buys B: look at the lift.

    Parameters
    ----------
    table : as made by :func:`baskets`
    min_support, min_confidence, min_lift : rules below are left out
    max_size : most items of A and B together; None for any number

    Returns
    -------
    DataFrame ``antecedent``, ``consequent`` (texts, items joined by 、), ``support``, ``confidence``, ``lift``,
    ``leverage``, ``conviction``, by falling lift, then confidence, support, antecedent and consequent.

    >>> bought = pd.DataFrame({"order_id": [1, 1, 2, 2, 3, 4], "product_id": ["茶", "杯", "茶", "杯", "茶", "碗"]})
    >>> best = rules(baskets(bought), 0.5).iloc[0]
    >>> best["antecedent"], best["consequent"], round(float(best["lift"]), 2)
    ('杯', '茶', 1.33)
    """
    from mlxtend.frequent_patterns import association_rules

    least = inputs.number(min_confidence, "min_confidence", low=0, high=1)
    min_lift = inputs.number(min_lift, "min_lift", low=0)
    sets = _mined(table, min_support, max_size)
    measures = ["support", "confidence", "lift", "leverage", "conviction"]
    if not (sets["itemsets"].map(len) > 1).any():
        return pd.DataFrame(columns=["antecedent", "consequent", *measures]).astype(
            {"antecedent": "str", "consequent": "str", **dict.fromkeys(measures, "float64")}
        )
    with np.errstate(all="ignore"):  # a rule without exception divides by zero on the way
        found = association_rules(sets, metric="confidence", min_threshold=least)
    found = found[found["lift"] >= min_lift]
    tidy = pd.DataFrame(
        {
            "antecedent": found["antecedents"].map(_told).astype("str"),
            "consequent": found["consequents"].map(_told).astype("str"),
            **{name: found[name].astype("float64") for name in measures},
        }
    )
    order = ["lift", "confidence", "support", "antecedent", "consequent"]
    # Rounded keys: equal measures that differ in the last binary digit are a tie, broken by name.
    keys = tidy.assign(**tidy[order[:3]].round(_DIGITS)).sort_values(order, ascending=[False] * 3 + [True] * 2)
    return tidy.loc[keys.index].reset_index(drop=True)


def _mined(table: Any, min_support: Any, max_size: Any) -> pd.DataFrame:
    from mlxtend.frequent_patterns import fpgrowth

    inputs.frame(table, _("购物篮表"))
    if not all(pd.api.types.is_bool_dtype(kind) for kind in table.dtypes):
        raise CourseError(_("购物篮表的每一列都应是 True / False：请用 baskets(…) 得到的表"))
    least = inputs.number(min_support, "min_support", above=0, high=1)
    most = None if max_size is None else inputs.whole(max_size, "max_size", low=1)
    return fpgrowth(table, min_support=least, use_colnames=True, max_len=most)


def _told(items: frozenset[Any]) -> str:
    return _("、").join(sorted(map(str, items)))


def _incidence(purchases: Any, row: str, column: str) -> tuple[Any, Any, Any]:
    """A sparse table of 0 and 1 with its row and column ids, both sorted."""
    from scipy.sparse import csr_array

    inputs.frame(purchases, _("购买明细"), (row, column))
    row_codes, rows = pd.factorize(inputs.ids(purchases, row), sort=True)
    column_codes, columns = pd.factorize(inputs.ids(purchases, column), sort=True)
    pairs = np.unique(np.column_stack([row_codes, column_codes]), axis=0)
    held = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(rows), len(columns)))
    return held, rows, columns


# ------------------------------------------------------------------------------------------------- recommenders


class _Recommender:
    """What both recommenders share: who owns what, and the top of a list of scores."""

    customers_: pd.Index
    items_: pd.Index
    _held: Any

    def _learn(self, purchases: Any, customer: str, item: str) -> None:
        held, customers, items = _incidence(purchases, customer, item)
        self._held = held
        self.customers_ = pd.Index(customers, name=customer)
        self.items_ = pd.Index(items, name=item)

    def _scores(self, rows: Ints) -> Floats:
        """Score of every item for the customers of these rows, shape (rows, items)."""
        raise NotImplementedError

    def _tops(self, rows: Ints, n: int) -> Iterator[tuple[Ints, Floats]]:
        """For each customer the items (as numbers) worth recommending, best first, and their scores."""
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            scores = np.round(self._scores(chunk), _DIGITS)
            scores[self._held[chunk].toarray() > 0] = 0.0
            # Items stand sorted by id, so a stable sort breaks ties by id.
            best = np.argsort(-scores, axis=1, kind="stable")[:, :n]
            for line, order in zip(scores, best, strict=True):
                good = order[line[order] > 0]
                yield good, line[good]

    def recommend(self, customer: Any, n: int = 10) -> pd.Series:
        """The best items that the customer does not own yet.

        Returns
        -------
        Series ``score``, index the items, best first, ties by id; fewer than ``n`` if fewer have a score above 0.

        Raises
        ------
        CourseError : not fitted, or a customer without a purchase in the data fitted.

        >>> bought = pd.DataFrame({"customer_id": ["甲", "甲", "乙"], "product_id": ["茶", "杯", "茶"]})
        >>> Popularity().fit(bought).recommend("乙").to_dict()
        {'杯': 1.0}
        """
        n = inputs.whole(n, "n", low=1)
        row = _place(self, "customers_", customer, _("客户"))
        good, scores = next(self._tops(np.array([row]), n))
        return pd.Series(scores, index=self.items_[good], name="score")


def _place(model: _Recommender, index: str, wanted: Any, what: str) -> int:
    if not hasattr(model, index):
        raise CourseError(_("模型还没有训练：请先运行 fit(购买明细)"))
    known: pd.Index = getattr(model, index)
    if wanted not in known:
        raise CourseError(
            _("训练数据里没有{what} {value}：请检查编号（例如 {example}），没有记录的只能推荐畅销品").format(
                what=what, value=inputs.shown(wanted), example=known[0]
            )
        )
    return int(known.get_loc(wanted))


class Popularity(_Recommender):
    """The rival to beat: recommends to everybody what most customers bought, leaving out what they own.

    Attributes after :meth:`fit`
    ----------------------------
    buyers_ : Series, number of customers who bought each item, index sorted by item

    >>> bought = pd.DataFrame({"customer_id": ["甲", "甲", "乙"], "product_id": ["茶", "杯", "茶"]})
    >>> Popularity().fit(bought).buyers_.to_dict()
    {'杯': 1, '茶': 2}
    """

    buyers_: pd.Series

    def fit(self, purchases: pd.DataFrame, *, customer: str = "customer_id", item: str = "product_id") -> Self:
        """Count the buyers of each item (one row of ``purchases`` a customer and item; repeats count once)."""
        self._learn(purchases, customer, item)
        count = np.asarray(self._held.sum(axis=0)).astype("int64")
        self.buyers_ = pd.Series(count, index=self.items_, name="buyers")
        return self

    def _scores(self, rows: Ints) -> Floats:
        return np.tile(self.buyers_.to_numpy(dtype="float64"), (len(rows), 1))


class ItemItem(_Recommender):
    """Item-item collaborative filtering: "who bought what you bought also bought ...".

    Two items are alike as far as the same customers bought them:
    s(i, j) = n_ij / (√(n_i n_j) + shrinkage), n_i the buyers of i, n_ij those of both; without shrinkage the cosine of
    the two columns of the table customer x item (0 / 1). Each item keeps its ``k`` nearest (ties by id); the score of j
    for a customer is the sum of s(i, j) over the items i owned that have j among their k nearest.

    Parameters
    ----------
    k : neighbours kept for each item
    shrinkage : not negative; pulls down the likeness of items with few buyers, which a single customer can make

    Attributes after :meth:`fit`
    ----------------------------
    similarity_ : DataFrame items x items, row i holds the k nearest of i, all else 0
    buyers_ : Series, number of customers who bought each item

    >>> bought = pd.DataFrame({"customer_id": ["甲", "甲", "乙", "乙", "丙"],
    ...                        "product_id": ["茶", "杯", "茶", "杯", "茶"]})
    >>> ItemItem().fit(bought).recommend("丙").round(3).to_dict()
    {'杯': 0.816}
    """

    buyers_: pd.Series

    def __init__(self, k: int = 20, shrinkage: float = 0.0) -> None:
        self.k = inputs.whole(k, "k", low=1)
        self.shrinkage = inputs.number(shrinkage, "shrinkage", low=0)

    def fit(self, purchases: pd.DataFrame, *, customer: str = "customer_id", item: str = "product_id") -> Self:
        """Find the nearest neighbours of each item.

        Parameters
        ----------
        purchases : DataFrame, one row a purchase of an item by a customer; repeats count once
        customer, item : names of the columns
        """
        self._learn(purchases, customer, item)
        both = (self._held.T @ self._held).tocoo()
        count = np.asarray(self._held.sum(axis=0))
        self.buyers_ = pd.Series(count.astype("int64"), index=self.items_, name="buyers")
        i, j = both.coords
        likeness = both.data / (np.sqrt(count[i] * count[j]) + self.shrinkage)
        self._near = self._nearest(i, j, likeness)
        return self

    def _nearest(self, i: Ints, j: Ints, likeness: Floats) -> Any:
        """The k most similar others of each item, as a sparse table."""
        from scipy.sparse import csr_array

        others = i != j
        i, j, likeness = i[others], j[others], likeness[others]
        order = np.lexsort((j, -np.round(likeness, _DIGITS), i))
        i, j, likeness = i[order], j[order], likeness[order]
        rank = np.arange(len(i)) - np.searchsorted(i, i)
        kept = rank < self.k
        size = len(self.items_)
        return csr_array((likeness[kept], (i[kept], j[kept])), shape=(size, size))

    @property
    def similarity_(self) -> pd.DataFrame:
        """Likeness of each item (row) to its k nearest (columns); 0 for all others."""
        return pd.DataFrame(self._near.toarray(), index=self.items_, columns=self.items_)

    def similar(self, item: Any, n: int = 10) -> pd.Series:
        """The items most like this one.

        Returns
        -------
        Series ``similarity``, index the items, best first, ties by id; at most k.

        Raises
        ------
        CourseError : not fitted, or an item nobody bought.

        >>> bought = pd.DataFrame({"customer_id": ["甲", "甲", "乙"], "product_id": ["茶", "杯", "茶"]})
        >>> ItemItem(shrinkage=1).fit(bought).similar("茶").round(3).to_dict()
        {'杯': 0.414}
        """
        n = inputs.whole(n, "n", low=1)
        row = self._near[[_place(self, "items_", item, _("商品"))]].toarray()[0]
        order = np.argsort(-np.round(row, _DIGITS), kind="stable")[:n]
        return pd.Series(row, index=self.items_, name="similarity").iloc[order[row[order] > 0]]

    def _scores(self, rows: Ints) -> Floats:
        return (self._held[rows] @ self._near).toarray()


# --------------------------------------------------------------------------------------------------- evaluation


def evaluate(
    models: Any,
    purchases: pd.DataFrame,
    cutoff: Any,
    n: int = 10,
    *,
    customer: str = "customer_id",
    item: str = "product_id",
    date: str = "date",
) -> pd.DataFrame:
    """How well recommenders foresee what customers buy next, by a split in time.

    Each model is fitted on the purchases before ``cutoff`` and recommends ``n`` items to each customer who bought
    before and, from ``cutoff`` on, bought at least one *new* item (not owned before, but known). A split at random would
    let the model learn from the future.

    Parameters
    ----------
    models : an :class:`ItemItem` or :class:`Popularity`, or a dict of several by name; they are left as they are
    purchases : DataFrame, one row a purchase of an item by a customer
    cutoff : date-like, first day of the test
    n : length of the lists
    customer, item, date : names of the columns

    Returns
    -------
    DataFrame, one row a model: ``customers`` (tested), ``hit_rate`` (share with at least one hit), ``precision``
    (hits / n), ``recall`` (hits / new items of the customer), ``mrr`` (1 / place of the first hit, else 0), these as means over
    customers; ``coverage`` (share of all items that were recommended to somebody), ``popularity`` (mean share of all
    customers who own a recommended item: high means only best sellers).

    Raises
    ------
    CourseError : no purchase before or after the cutoff, or nobody who bought something new.

    >>> bought = pd.DataFrame({"customer_id": ["甲", "甲", "乙", "丙", "乙"],
    ...                        "product_id": ["茶", "杯", "茶", "杯", "杯"],
    ...                        "date": ["2025-01-01"] * 4 + ["2025-03-01"]})
    >>> evaluate(ItemItem(), bought, "2025-02-01", n=1).loc["ItemItem", ["hit_rate", "mrr"]].to_list()
    [1.0, 1.0]
    """
    n = inputs.whole(n, "n", low=1)
    named = models if isinstance(models, Mapping) else {type(models).__name__: models}
    for name, model in named.items():
        if not isinstance(model, _Recommender):
            raise CourseError(
                _("模型 {name} 应是 ItemItem 或 Popularity，现在是 {kind}").format(name=name, kind=type(model).__name__)
            )
    before, after = _split(purchases, cutoff, customer, item, date)
    rows = {
        name: _judged(copy(model).fit(before, customer=customer, item=item), after, n) for name, model in named.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _split(purchases: Any, cutoff: Any, customer: str, item: str, date: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    inputs.frame(purchases, _("购买明细"), (customer, item, date))
    first_day = inputs.day(cutoff, _("切分日"))
    late = (inputs.days(purchases, date) >= first_day).to_numpy()
    if late.all() or not late.any():
        raise CourseError(
            _("切分日 {day:%Y-%m-%d} {side}没有购买：请改用数据起止之间的一天").format(
                day=first_day, side=_("之前") if late.all() else _("当天及之后")
            )
        )
    return purchases[~late], purchases[late]


def _judged(model: _Recommender, after: pd.DataFrame, n: int) -> dict[str, float]:
    """The measures of one fitted model. A pair of customer and item is one number: row x items + column."""
    width = len(model.items_)
    row = model.customers_.get_indexer(after[model.customers_.name])
    column = model.items_.get_indexer(after[model.items_.name])
    known = (row >= 0) & (column >= 0)
    owned = model._held.tocoo().coords
    new = np.setdiff1d(row[known] * width + column[known], owned[0] * width + owned[1])
    if not len(new):
        raise CourseError(_("切分日之后没有老客户买过新商品，无法评估：请把切分日提前"))
    rows, wanted = np.unique(new // width, return_counts=True)
    tops = [top for top, _scores in model._tops(rows, n)]
    shown = np.concatenate(tops)
    sizes = [len(top) for top in tops]
    place = np.concatenate([np.arange(1, size + 1) for size in sizes])
    reader = np.repeat(np.arange(len(rows)), sizes)
    hit = np.isin(rows[reader] * width + shown, new)
    found = np.bincount(reader[hit], minlength=len(rows))
    best = np.zeros(len(rows))
    np.maximum.at(best, reader[hit], 1 / place[hit])
    owners = np.asarray(model._held.sum(axis=0)) / len(model.customers_)
    return {
        "customers": len(rows),
        "hit_rate": float((found > 0).mean()),
        "precision": float(found.mean() / n),
        "recall": float((found / wanted).mean()),
        "mrr": float(best.mean()),
        "coverage": len(np.unique(shown)) / width,
        "popularity": float(owners[shown].mean()) if len(shown) else float("nan"),
    }
