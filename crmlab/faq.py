"""Search in a list of frequently asked questions, in Chinese, and how good it is.

Chinese has no blanks between words, so the first decision is what a *term* is: a word (cut by jieba), two neighbouring
characters (bigram, which needs no dictionary and forgives wrong cuts), or both. Entries are then ranked by BM25.

Sources: S. Robertson & H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", *Foundations and Trends
in Information Retrieval* 3 (4), 2009, 333-389; S. Robertson, H. Zaragoza & M. Taylor, "Simple BM25 Extension to
Multiple Weighted Fields", *CIKM*, 2004; E. M. Voorhees, "The TREC-8 Question Answering Track Report", 1999 (mean
reciprocal rank).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import chinese, inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

METHODS = ("words", "bigram", "hybrid")

_RUN = re.compile(r"[\u4e00-\u9fff]+|[a-z0-9]+")


def tokens(text: str, method: str = "words", synonyms: Any = None) -> list[str]:
    """The terms of a text, in order, repeats kept; full width becomes half width, capitals small letters.

    Parameters
    ----------
    text : question, answer or query
    method : "words" (jieba, without words like 的 and 怎么), "bigram" (pairs of neighbouring characters; letters and
        digits stay whole), "hybrid" (both, so that words of two characters count double)
    synonyms : dict from a customer's word to the standard word, or DataFrame with ``word`` and ``standard``; replaced
        in the text before it is cut, the longest first

    >>> tokens("我的APP闪退了"), tokens("怎么退钱", "bigram", {"退钱": "退款"})
    (['app', '闪退'], ['退款'])
    """
    inputs.choice(method, "method", METHODS)
    if not isinstance(text, str):
        raise CourseError(_("要搜索的应是一段文字，现在是 {value}").format(value=inputs.shown(text)))
    return _terms(text, method, _replacer(_pairs(synonyms)))


def _terms(text: str, method: str, replace: Any) -> list[str]:
    plain = replace(unicodedata.normalize("NFKC", text).lower())
    words = [] if method == "bigram" else [word for word in _cutter().lcut(plain) if _RUN.fullmatch(word)]
    return [
        term for term in (*words, *([] if method == "words" else _bigrams(plain))) if term not in chinese.STOP_WORDS
    ]


def _bigrams(text: str) -> list[str]:
    found: list[str] = []
    for run in _RUN.findall(chinese.ASKING.sub(" ", text)):
        whole = run[0] < chinese.FIRST_IDEOGRAPH or len(run) == 1
        found += [run] if whole else [run[at : at + 2] for at in range(len(run) - 1)]
    return found


@cache
def _cutter() -> Any:
    """jieba with the words of the trade, loaded once, when first needed (about a second).

    The dictionary is read directly: jieba's own loader would leave a cache file in the temporary folder and write to
    the error stream.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42 has invalid escapes in its source
        import jieba

    cutter = jieba.Tokenizer()
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True
    for word in chinese.TRADE_WORDS.split():
        cutter.add_word(word)
    return cutter


def _pairs(synonyms: Any) -> dict[str, str]:
    """The synonym table as a dict, checked."""
    if synonyms is None:
        return {}
    if isinstance(synonyms, pd.DataFrame):
        inputs.frame(synonyms, _("同义词表"), ("word", "standard"))
        columns = (inputs.column(synonyms, name).astype(str) for name in ("word", "standard"))
        synonyms = dict(zip(*columns, strict=True))
    if not isinstance(synonyms, Mapping) or not all(
        isinstance(word, str) and word.strip() for pair in synonyms.items() for word in pair
    ):
        raise CourseError(
            _('同义词表应是 {{"退钱": "退款"}} 这样的字典，或含有 word 与 standard 两列的表，词不能是空的')
        )
    return {word.lower(): standard.lower() for word, standard in synonyms.items()}


def _replacer(pairs: dict[str, str]) -> Any:
    """Replaces every word by its standard word; a standard word already there is left alone (券 within 优惠券)."""
    if not pairs:
        return lambda text: text
    known = {standard: standard for standard in pairs.values()} | pairs
    pattern = re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True))))
    return lambda text: pattern.sub(lambda found: known[found.group()], text)


class FaqSearch:
    """BM25 over questions and answers.

    score(entry) = Σ over the query's different terms of idf · tf (k1 + 1) / (tf + k1 (1 − b + b · length / mean length))
    with idf = ln(1 + (N − df + ½) / (df + ½)), tf = title_weight · count in the question + count in the answer, and
    length the sum of an entry's tf. The 1 in idf keeps terms of more than half of the entries from counting against.

    Parameters
    ----------
    method : what a term is, see :func:`tokens`
    k1 : how much repeats of a term count; 0: not at all
    b : how much long entries are held back, 0 to 1
    title_weight : weight of a term in the question against one in the answer; 0 searches answers only
    synonyms : as for :func:`tokens`; applied to entries and queries alike

    Attributes
    ----------
    terms_ : DataFrame, index term: ``df`` (entries with the term) and ``idf``

    >>> faq = pd.DataFrame({"faq_id": ["F1", "F2"], "question": ["怎样开发票？", "怎样退款？"], "answer": ["点发票。", "点售后。"]})
    >>> FaqSearch().fit(faq).search("我要退款")[["faq_id", "matched"]].values.tolist()
    [['F2', '退款']]
    """

    terms_: pd.DataFrame

    def __init__(
        self,
        method: str = "words",
        *,
        k1: float = 1.2,
        b: float = 0.75,
        title_weight: float = 2.0,
        synonyms: Any = None,
    ) -> None:
        self.method = inputs.choice(method, "method", METHODS)
        self.k1 = inputs.number(k1, "k1", low=0)
        self.b = inputs.number(b, "b", low=0, high=1)
        self.title_weight = inputs.number(title_weight, "title_weight", low=0)
        self._replace = _replacer(_pairs(synonyms))

    def fit(self, faq: pd.DataFrame, *, id: str = "faq_id", question: str = "question", answer: str = "answer") -> Self:
        """Indexes the entries.

        Parameters
        ----------
        faq : DataFrame, one row an entry
        id, question, answer : names of the columns
        """
        from scipy.sparse import csc_array

        inputs.frame(faq, _("FAQ 表"), (id, question, answer))
        self._ids = inputs.ids(faq, id, unique=True).to_numpy()
        self._questions = inputs.column(faq, question).astype(str).to_numpy()
        answers = inputs.column(faq, answer).astype(str)
        bags = [self._bag(*texts) for texts in zip(self._questions, answers, strict=True)]
        words = sorted({term for bag in bags for term in bag})
        self._place = {term: place for place, term in enumerate(words)}
        row = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
        place = np.array([self._place[term] for bag in bags for term in bag], dtype=int)
        tf = np.array([count for bag in bags for count in bag.values()], dtype=float)
        length = np.bincount(row, tf, len(bags))
        df = np.bincount(place, minlength=len(words))
        idf = np.log1p((len(bags) - df + 0.5) / (df + 0.5))
        held_back = 1 - self.b + self.b * length / max(length.mean(), 1e-12)
        weight = idf[place] * tf * (self.k1 + 1) / (tf + self.k1 * held_back[row])
        self._weights = csc_array((weight, (row, place)), shape=(len(bags), len(words)))
        self.terms_ = pd.DataFrame({"df": df, "idf": idf}, index=pd.Index(words, name="term"))
        self._unseen = float(np.log1p((len(bags) + 0.5) / 0.5))
        return self

    def search(self, query: str, n: int = 3, *, floor: float = 0.0) -> pd.DataFrame:
        """The best entries for a query.

        Parameters
        ----------
        query : what the customer typed
        n : at most so many
        floor : least ``coverage`` (0-1); above 0 the search may say "no answer", which beats a wrong one

        Returns
        -------
        DataFrame, index ``rank`` from 1, columns ``faq_id``, ``question``, ``score``, ``coverage`` (share of the query's
        idf that the entry contains, 0-1), ``matched`` (terms, joined by 、). Entries without any common term are left
        out; ties keep the order of the table.
        """
        terms, score, coverage = self._scores(query)
        most = inputs.whole(n, "n", low=1)
        inputs.number(floor, "floor", low=0, high=1)
        order = np.argsort(-score, kind="stable")
        order = order[(score[order] > 0) & (coverage[order] >= floor)][:most]
        rows = {
            "faq_id": self._ids[order],
            "question": self._questions[order],
            "score": score[order],
            "coverage": coverage[order],
            "matched": [_("、").join(self._matched(terms, entry)) for entry in order],
        }
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(order) + 1, name="rank"))

    def _bag(self, question: str, answer: str) -> dict[str, float]:
        """Weighted count of each term of one entry."""
        bag: Counter[str] = Counter()
        for text, weight in ((question, self.title_weight), (answer, 1.0)):
            for term in _terms(text, self.method, self._replace):
                bag[term] += weight  # type: ignore[assignment]
        return {term: count for term, count in bag.items() if count > 0}

    def _scores(self, query: str) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
        """The query's different terms; score and coverage of every entry."""
        if not hasattr(self, "terms_"):
            raise CourseError(_("还没有建立索引：请先调用 fit(faq)"))
        if not isinstance(query, str):
            raise CourseError(_("要搜索的应是一段文字，现在是 {value}").format(value=inputs.shown(query)))
        terms = list(dict.fromkeys(_terms(query, self.method, self._replace)))
        places = [self._place[term] for term in terms if term in self._place]
        idf = self.terms_["idf"].to_numpy()[places]
        hits = self._weights[:, places].toarray()
        total = idf.sum() + self._unseen * (len(terms) - len(places))
        coverage = (hits > 0) @ idf / total if total else np.zeros(len(self._ids))
        return terms, hits.sum(axis=1), coverage

    def _matched(self, terms: list[str], entry: int) -> list[str]:
        return [term for term in terms if term in self._place and self._weights[entry, self._place[term]] > 0]


# --------------------------------------------------------------------------------------------------------- evaluation


@dataclass(frozen=True)
class SearchQuality:
    """How well a search answers queries whose right entry is known.

    Attributes
    ----------
    hit1, hit3 : share of the answerable queries (0-1) whose right entry comes first / among the first three
    mrr : mean of 1 / rank of the right entry, 0 where it is not found
    rejected : share of the queries without an answer for which nothing was returned; missing if there are none
    queries : DataFrame, one row a query: ``query``, ``faq_id`` (right one, "" for none), ``found`` (first one, "" for
        none), ``rank`` (of the right one, missing if not found), ``coverage`` (of the first one)

    >>> faq = pd.DataFrame({"faq_id": ["F1", "F2"], "question": ["开发票", "退款"], "answer": ["发票", "售后"]})
    >>> quality = evaluate(FaqSearch().fit(faq), pd.DataFrame({"query": ["我要退款", "天气"], "faq_id": ["F2", ""]}))
    >>> quality.hit1, quality.mrr, quality.rejected
    (1.0, 1.0, 1.0)
    """

    hit1: float
    hit3: float
    mrr: float
    rejected: float
    queries: pd.DataFrame

    @property
    def failures(self) -> pd.DataFrame:
        """The queries whose first entry is not the right one (or that got one although none is right)."""
        return self.queries[self.queries["found"] != self.queries["faq_id"]]


def evaluate(
    search: FaqSearch,
    queries: pd.DataFrame,
    *,
    query: str = "query",
    answer: str = "faq_id",
    floor: float = 0.0,
) -> SearchQuality:
    """Hit@1, hit@3 and mean reciprocal rank of a search.

    Parameters
    ----------
    search : fitted
    queries : DataFrame, one row a query, with the right entry's id, "" where no entry answers it
    query, answer : names of the columns
    floor : least coverage, as for :meth:`FaqSearch.search`

    Raises
    ------
    CourseError : a right entry is not in the FAQ.

    >>> faq = pd.DataFrame({"faq_id": ["F1", "F2"], "question": ["开发票", "退发票"], "answer": ["发票", "售后"]})
    >>> evaluate(FaqSearch().fit(faq), pd.DataFrame({"query": ["发票怎么退"], "faq_id": ["F2"]})).hit3
    1.0
    """
    inputs.frame(queries, _("查询表"), (query, answer))
    texts, right = inputs.column(queries, query), inputs.column(queries, answer).astype(str)
    inputs.number(floor, "floor", low=0, high=1)
    rows = [_judged(search, text, wanted, floor) for text, wanted in zip(texts, right, strict=True)]
    table = pd.DataFrame(rows, columns=["query", "faq_id", "found", "rank", "coverage"]).set_axis(queries.index)
    known = set(search._ids.tolist())
    strange = ~table["faq_id"].isin([*known, ""])
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise CourseError(
            _("列 {column} 第 {row} 行的 {value} 不在 FAQ 里：没有答案的查询请写成空文字").format(
                column=answer, row=row + 1, value=inputs.shown(table["faq_id"].iloc[row])
            )
        )
    table["rank"] = table["rank"].astype("Int64")
    rank = table.loc[table["faq_id"] != "", "rank"].astype("float64").fillna(np.inf)
    none = table.loc[table["faq_id"] == "", "found"]
    return SearchQuality(
        hit1=float((rank == 1).mean()),
        hit3=float((rank <= 3).mean()),
        mrr=float((1 / rank).mean()),
        rejected=float((none == "").mean()),
        queries=table,
    )


def _judged(search: FaqSearch, text: str, wanted: str, floor: float) -> tuple[str, str, str, int | None, float]:
    """One query's row: the first entry found and the rank of the right one."""
    score, coverage = search._scores(text)[1:]
    order = np.argsort(-score, kind="stable")
    order = order[(score[order] > 0) & (coverage[order] >= floor)]
    ids = search._ids[order].astype(str).tolist()
    first, best = (ids[0], float(coverage[order[0]])) if ids else ("", 0.0)
    return text, wanted, first, ids.index(wanted) + 1 if wanted in ids else None, best


def tune(faq: pd.DataFrame, queries: pd.DataFrame, **grid: Any) -> pd.DataFrame:
    """Quality of every combination of settings, the best mean reciprocal rank first.

    Tune on one half of the queries and judge on the other: the best of many settings looks better than it is.

    Parameters
    ----------
    faq, queries : as for :meth:`FaqSearch.fit` and :func:`evaluate`
    grid : lists of values for arguments of :class:`FaqSearch`, for example ``method=["words", "bigram"], b=[0, 0.75]``

    Returns
    -------
    DataFrame, the settings (synonyms as 有 / 无) and ``hit1``, ``hit3``, ``mrr``.

    >>> faq = pd.DataFrame({"faq_id": ["F1", "F2"], "question": ["开发票", "退款"], "answer": ["发票", "售后"]})
    >>> queries = pd.DataFrame({"query": ["我要退款"], "faq_id": ["F2"]})
    >>> tune(faq, queries, method=["words", "bigram"])[["method", "mrr"]].values.tolist()
    [['words', 1.0], ['bigram', 1.0]]
    """
    allowed = ("method", "k1", "b", "title_weight", "synonyms")
    for name, values in grid.items():
        inputs.choice(name, _("要调的参数"), allowed)
        if not isinstance(values, (list, tuple, np.ndarray, range)) or not len(values):
            raise CourseError(_("{name} 应是要试的几个值的列表，例如 [0, 0.75]").format(name=name))
    rows = []
    for values in product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        quality = evaluate(FaqSearch(**settings).fit(faq), queries)
        if "synonyms" in settings:
            settings["synonyms"] = _("无") if settings["synonyms"] is None else _("有")
        rows.append(settings | {"hit1": quality.hit1, "hit3": quality.hit3, "mrr": quality.mrr})
    return pd.DataFrame(rows).sort_values("mrr", ascending=False, kind="stable").reset_index(drop=True)
