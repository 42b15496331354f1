"""Customer data that others may see: pseudonyms, masks, k-anonymity, and the attack that shows whether it was enough.

A pseudonym replaces the name; the birthday, the sex and the town beside it may still point at one person. Such columns
are *quasi-identifiers*; rows that agree on all of them form a *class*.

Sources: L. Sweeney, "k-Anonymity: A Model for Protecting Privacy", *International Journal of Uncertainty, Fuzziness
and Knowledge-Based Systems* 10 (5), 2002, 557-570; P. Samarati, "Protecting Respondents' Identities in Microdata
Release", *IEEE Transactions on Knowledge and Data Engineering* 13 (6), 2001, 1010-1027; A. Machanavajjhala et al.,
"l-Diversity: Privacy beyond k-Anonymity", *ACM Transactions on Knowledge Discovery from Data* 1 (1), 2007; N. Li,
T. Li & S. Venkatasubramanian, "t-Closeness", *ICDE*, 2007; 《中华人民共和国个人信息保护法》(2021).
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

Step = Callable[[pd.Series], pd.Series]  # one level of a hierarchy: the column in, the coarser column out

# --------------------------------------------------------------------------------------------------------- pseudonyms


def pseudonym(values: Any, key: str | bytes, *, length: int = 16) -> pd.Series:
    """Stable pseudonyms: the first ``length`` hexadecimal digits of HMAC-SHA256 under a secret key.

    The same value gets the same pseudonym, so tables can still be joined; without the key nobody can go back, not even
    by trying all phone numbers (compare :func:`crack_hash`). Keep the key apart from the data: who holds both holds the
    names. By law the result is still personal information (去标识化, not 匿名化).

    Parameters
    ----------
    values : list or Series of ids; missing stays missing
    key : the secret, at least 16 characters; there is no default, and none must ever stand in a notebook
    length : 8 to 64 hexadecimal digits

    Returns
    -------
    Series of text, same index.

    Raises
    ------
    CourseError : no key or a short one; two values with the same pseudonym (take a greater ``length``).

    >>> pseudonym(["16112345678", "16112345678", None], key="only-for-the-doctest").to_list()
    ['4cfb8c611c1e21c6', '4cfb8c611c1e21c6', nan]
    """
    series = inputs.series(values, "values")
    secret = key.encode() if isinstance(key, str) else key
    if not isinstance(secret, bytes) or len(secret) < 16:
        raise CourseError(_("key 应是至少 16 个字符的密钥：请随机生成（例如 secrets.token_hex(16)），并与数据分开保管"))
    digits = inputs.whole(length, "length", low=8, high=64)
    names = {
        value: hmac.new(secret, str(value).encode(), hashlib.sha256).hexdigest()[:digits] for value in _known(series)
    }
    if len(set(names.values())) < len({str(value) for value in names}):
        raise CourseError(_("有两个不同的值得到了同一个假名：请加大 length，现在是 {length}").format(length=digits))
    return series.map(names).astype("str")


def plain_hash(values: Any) -> pd.Series:
    """SHA-256 without a key, as hexadecimal text: how *not* to make pseudonyms.

    >>> plain_hash(["16112345678"])[0][:12]
    '0fd943c7585b'
    """
    series = inputs.series(values, "values")
    return series.map({value: _sha256(str(value)) for value in _known(series)}).astype("str")


def crack_hash(hashes: Any, candidates: Iterable[str]) -> pd.Series:
    """What stands behind plain hashes, found by hashing every candidate: phone numbers are few enough.

    An eleven-digit mobile number has less than 10^10 possibilities (1, then 3 to 9, then nine digits); at a million hashes
    a second one core has tried them all within two hours.

    Parameters
    ----------
    hashes : list or Series made by :func:`plain_hash`
    candidates : what to try, for example ``phone_space("1611234")``

    Returns
    -------
    Series of text, same index; missing where no candidate fits.

    >>> crack_hash(plain_hash(["16112345678", "16412345678"]), phone_space("1611234")).to_list()
    ['16112345678', nan]
    """
    series = inputs.series(hashes, "hashes")
    wanted = set(_known(series))
    found = {digest: text for text in candidates if (digest := _sha256(str(text))) in wanted}
    return series.map(found).astype("str")


def phone_space(prefix: str, length: int = 11) -> Iterable[str]:
    """All numbers of ``length`` digits that begin with ``prefix``, in order.

    >>> numbers = list(phone_space("161123456"))
    >>> len(numbers), numbers[-1]
    (100, '16112345699')
    """
    free = inputs.whole(length, "length", low=1, high=20) - len(str(prefix))
    if not str(prefix).isdigit() or not 0 <= free <= 8:
        raise CourseError(
            _("prefix 应是数字，并且最多留下 8 位待试，现在是 {prefix}（留下 {free} 位）").format(
                prefix=prefix, free=free
            )
        )
    return (f"{prefix}{number:0{free}d}" if free else str(prefix) for number in range(10**free))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# ------------------------------------------------------------------------------------------------------------- masks


def _mask_email(text: str) -> str:
    name, _at, host = text.partition("@")
    return f"{name[:1]}***@{host}" if host else "***"


_MASKS: dict[str, Callable[[str], str]] = {
    "name": lambda text: text[:1] + "*" * max(len(text) - 1, 1),
    "phone": lambda text: f"{text[:3]}****{text[-4:]}" if len(text) >= 11 else "*" * len(text),
    "email": _mask_email,
    "address": lambda text: text[:3] + "*" * 6,
}


def mask(values: Any, kind: str) -> pd.Series:
    """Values with the middle hidden, for screens and print-outs where a human must still recognise the customer.

    A mask is for eyes, not for publishing: 张* with a birthday and a town is quickly found again.

    Parameters
    ----------
    values : list or Series of text; missing stays missing
    kind : "name" (张*), "phone" (161****5678), "email" (l***@example.com) or "address" (first three characters)

    >>> mask(["张伟", "欧阳娜娜"], "name").to_list(), mask(["16112345678"], "phone")[0]
    (['张*', '欧***'], '161****5678')
    """
    series = inputs.series(values, "values")
    hide = _MASKS[inputs.choice(kind, "kind", tuple(_MASKS))]
    return series.map({value: hide(str(value)) for value in _known(series)}).astype("str")


# ----------------------------------------------------------------------------------------------------- generalisation


def by_band(width: int, origin: int = 0) -> Step:
    """A step that puts numbers into bands of ``width``: 34 → 30-39.

    >>> by_band(10)(pd.Series([34, 40])).to_list()
    ['30-39', '40-49']
    """
    size = inputs.whole(width, "width", low=1)

    def band(values: pd.Series) -> pd.Series:
        low = (pd.to_numeric(values) - origin) // size * size + origin
        bands = [None if pd.isna(x) else f"{int(x)}-{int(x) + size - 1}" for x in low]
        return pd.Series(bands, values.index, dtype="str")

    return band


def by_month(values: pd.Series) -> pd.Series:
    """Dates by month: 1990-05-03 → 1990-05.

    >>> by_month(pd.Series(pd.to_datetime(["1990-05-03"]))).to_list()
    ['1990-05']
    """
    return pd.to_datetime(values).dt.strftime("%Y-%m").astype("str")


def by_year(width: int = 1) -> Step:
    """A step that puts dates into years or spans of years: 1990-05-03 → 1990, or 1990-1994 with ``width`` 5.

    >>> days = pd.Series(pd.to_datetime(["1990-05-03", None]))
    >>> by_year()(days).to_list(), by_year(5)(days).to_list()
    (['1990', nan], ['1990-1994', nan])
    """
    size = inputs.whole(width, "width", low=1)

    def span(values: pd.Series) -> pd.Series:
        days = pd.to_datetime(values)
        return days.dt.strftime("%Y").astype("str") if size == 1 else by_band(size)(days.dt.year)

    return span


def by_prefix(length: int) -> Step:
    """A step that keeps the first ``length`` characters: 310000 → 31*.

    >>> by_prefix(2)(pd.Series(["310000"])).to_list()
    ['31*']
    """
    keep = inputs.whole(length, "length", low=1)
    return lambda values: (values.str[:keep] + "*").astype("str")


def by_parent(parents: Mapping[str, str]) -> Step:
    """A step up a tree: city → province → region, by a table of parents.

    Raises (when used)
    ------------------
    CourseError : a value has no parent.

    >>> by_parent({"杭州": "浙江", "宁波": "浙江"})(pd.Series(["宁波", "杭州"])).to_list()
    ['浙江', '浙江']
    """

    def parent(values: pd.Series) -> pd.Series:
        orphan = values[values.notna() & ~values.isin(list(parents))]
        if len(orphan):
            raise CourseError(
                _("列 {column} 的 {value} 在上级对照表里没有上级：请补上这一项").format(
                    column=values.name, value=inputs.shown(orphan.iloc[0])
                )
            )
        return values.map(parents).astype("str")

    return parent


def hidden(values: pd.Series) -> pd.Series:
    """The last step: everything is ``*``.

    >>> hidden(pd.Series(["男", "女"])).to_list()
    ['*', '*']
    """
    return pd.Series("*", values.index, dtype="str")


# -------------------------------------------------------------------------------------------------------- k-anonymity


@dataclass(frozen=True)
class Anonymity:
    """How well rows hide among their likes.

    Attributes
    ----------
    k : size of the smallest class: everybody hides among at least k
    l : smallest number of different sensitive values in a class; None without a sensitive column
    t : greatest distance of a class's sensitive values from those of the whole table (total variation, 0-1), or None
    classes : DataFrame, one row a class, smallest first: the quasi-identifiers, ``size``, and with a sensitive column
        ``values`` (how many different ones) and ``distance``
    rows : number of rows

    >>> k_anonymity(pd.DataFrame({"city": ["杭州", "杭州", "宁波"]}), ["city"]).k
    1
    """

    k: int
    l: int | None  # noqa: E741 - the name of the field
    t: float | None
    classes: pd.DataFrame
    rows: int

    def share_below(self, k: int) -> float:
        """Share of rows (0-1) in classes of fewer than ``k``; ``share_below(2)`` are the unique ones.

        >>> k_anonymity(pd.DataFrame({"city": ["杭州", "杭州", "宁波", "宁波"]}), ["city"]).share_below(3)
        1.0
        """
        size = self.classes["size"]
        return float(size[size < inputs.whole(k, "k", low=1)].sum() / self.rows)


def k_anonymity(table: pd.DataFrame, quasi: Sequence[str], sensitive: str | None = None) -> Anonymity:
    """k, and on request l and t, of a table that is to be published.

    k-anonymity hides *who* a row is, not *what* is known of the class: if all five women of a class take the same
    medicine (l = 1), finding the class is enough.

    Parameters
    ----------
    table : DataFrame, one row a person (merge duplicates first: two rows of one person are not two persons)
    quasi : the quasi-identifiers; a missing value counts as a value of its own
    sensitive : column of what must not be learned about a person, with a few different values

    >>> table = pd.DataFrame({"age": ["30-39"] * 2 + ["40-49"] * 2, "ill": ["是", "否", "是", "是"]})
    >>> found = k_anonymity(table, ["age"], "ill")
    >>> found.k, found.l, found.t
    (2, 1, 0.25)
    """
    columns = _quasi(table, quasi)
    sizes = table.groupby(columns, dropna=False, sort=True, observed=True).size().rename("size").reset_index()
    least, farthest = None, None
    if sensitive is not None:
        inputs.frame(table, _("要发布的表"), [sensitive])
        sizes = sizes.merge(_diversity(table, columns, sensitive), on=columns)
        least, farthest = int(sizes["values"].min()), float(sizes["distance"].max())
    classes = sizes.sort_values("size", kind="stable").reset_index(drop=True)
    return Anonymity(int(classes["size"].min()), least, farthest, classes, len(table))


def _diversity(table: pd.DataFrame, columns: list[str], sensitive: str) -> pd.DataFrame:
    """For each class the number of different sensitive values and ½ Σ |share in the class − share in the table|."""
    inputs.column(table, sensitive)
    counts = table.groupby(columns, dropna=False, observed=True)[sensitive].value_counts().unstack(fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    overall = counts.sum() / counts.to_numpy().sum()
    distance = (shares - overall).abs().sum(axis=1) / 2
    return pd.DataFrame({"values": (counts > 0).sum(axis=1), "distance": distance.round(12)}).reset_index()


def suppress(table: pd.DataFrame, quasi: Sequence[str], k: int) -> pd.DataFrame:
    """The table without the rows whose class is smaller than ``k``; the rest is k-anonymous.

    >>> suppress(pd.DataFrame({"city": ["杭州", "杭州", "宁波"]}), ["city"], 2)["city"].to_list()
    ['杭州', '杭州']
    """
    size = _class_sizes(table, _quasi(table, quasi))
    return table[size >= inputs.whole(k, "k", low=1)]


@dataclass(frozen=True)
class Generalised:
    """A table made k-anonymous, and what that cost.

    Attributes
    ----------
    table : the rows that may be published, quasi-identifiers generalised
    levels : level chosen for each column, 0 as it was
    loss : mean of level / highest level, 0 (untouched) to 1 (all hidden) (Sweeney's 1 − Prec)
    suppressed : share of rows left out (0-1)
    k : smallest class of what remains

    >>> made = generalise_to(pd.DataFrame({"age": [31, 38, 44, 47]}), 2, {"age": [by_band(10), hidden]})
    >>> made.levels, made.loss, made.k
    ({'age': 1}, 0.5, 2)
    """

    table: pd.DataFrame
    levels: dict[str, int]
    loss: float
    suppressed: float
    k: int


def generalise_to(
    table: pd.DataFrame, k: int, hierarchies: Mapping[str, Sequence[Step]], *, max_suppressed: float = 0.0
) -> Generalised:
    """The least generalisation of the quasi-identifiers that makes the table k-anonymous.

    All combinations of levels are tried in the order of their loss (Σ level / highest level; ties: the fewest rows
    left out), each column as a whole (full-domain generalisation, Samarati 2001).

    Parameters
    ----------
    table : DataFrame, one row a person
    k : wanted size of the smallest class
    hierarchies : for each quasi-identifier the steps from fine to coarse, each applied to the *original* column;
        level 0, the column as it is, comes first by itself
    max_suppressed : share of rows (0-1) that may be left out instead of coarsening everything for a few odd ones

    Raises
    ------
    CourseError : even the coarsest levels don't reach k: add :func:`hidden` as last step, or allow more suppression.

    >>> people = pd.DataFrame({"city": ["杭州", "宁波", "杭州", "宁波"], "sex": ["男", "男", "女", "女"]})
    >>> generalise_to(people, 2, {"city": [by_parent({"杭州": "浙江", "宁波": "浙江"})], "sex": []}).table["city"].to_list()
    ['浙江', '浙江', '浙江', '浙江']
    """
    wanted = inputs.whole(k, "k", low=1)
    most = inputs.number(max_suppressed, "max_suppressed", low=0, below=1)
    columns = _quasi(table, list(hierarchies))
    versions = {name: [table[name], *(step(table[name]) for step in hierarchies[name])] for name in columns}
    codes = {name: [pd.factorize(v, use_na_sentinel=False)[0] for v in steps] for name, steps in versions.items()}
    choices = [(_loss(levels, versions), levels) for levels in product(*(range(len(v)) for v in versions.values()))]
    best: tuple[float, float, tuple[int, ...]] | None = None
    for loss, levels in sorted(choices):
        if best is not None and loss > best[0]:
            break
        size = _sizes_of_codes([codes[name][level] for name, level in zip(columns, levels, strict=True)])
        below = float((size < wanted).mean())
        if below <= most and below < 1 and (best is None or below < best[1]):
            best = (loss, below, levels)
    if best is None:
        raise CourseError(
            _("泛化到最粗一级也达不到 k = {k}：请在层级最后加上 hidden，或放宽 max_suppressed").format(k=wanted)
        )
    loss, below, levels = best
    chosen = dict(zip(columns, levels, strict=True))
    published = suppress(
        table.assign(**{name: versions[name][level] for name, level in chosen.items()}), columns, wanted
    )
    return Generalised(published, chosen, loss, below, int(_class_sizes(published, columns).min()))


def _loss(levels: tuple[int, ...], versions: Mapping[str, Sequence[pd.Series]]) -> float:
    parts = [level / (len(steps) - 1) for level, steps in zip(levels, versions.values(), strict=True) if len(steps) > 1]
    return round(sum(parts) / max(len(versions), 1), 12)


def _sizes_of_codes(codes: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Size of each row's class, from one integer code a column."""
    key = np.zeros(len(codes[0]), dtype=np.int64)
    for code in codes:
        key = pd.factorize(key * (int(code.max()) + 1) + code)[0]
    return np.bincount(key)[key]


def _class_sizes(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    return table.groupby(columns, dropna=False, observed=True)[columns[0]].transform("size")


def _quasi(table: Any, quasi: Sequence[str]) -> list[str]:
    if isinstance(quasi, str) or not len(quasi):
        raise CourseError(
            _('准标识列应是至少一列的列名清单，例如 ["gender", "birth"]，现在是 {quasi!r}').format(quasi=quasi)
        )
    inputs.frame(table, _("要发布的表"), quasi)
    return list(quasi)


# ------------------------------------------------------------------------------------------------------------- attack


@dataclass(frozen=True)
class Linkage:
    """What someone learns who lays a list with names beside the published table.

    Attributes
    ----------
    links : DataFrame, one row a re-identified row: ``published`` and ``outside`` (index labels of the two tables)
    share : share of the published rows (0-1) that got a name
    outside_share : share of the outside list (0-1) that was found

    >>> linkage = reidentify(pd.DataFrame({"birth": [1990]}), pd.DataFrame({"birth": [1990]}), ["birth"])
    >>> isinstance(linkage, Linkage), linkage.share
    (True, 1.0)
    """

    links: pd.DataFrame
    share: float
    outside_share: float


def reidentify(published: pd.DataFrame, outside: pd.DataFrame, on: Sequence[str]) -> Linkage:
    """The linkage attack: rows whose combination of ``on`` stands exactly once in each table are the same person.

    Exactly once in both is what the attacker *believes*; if the outside list is not complete, some links are wrong,
    which protects nobody who is linked rightly. Rows with a missing value are not linked.

    Parameters
    ----------
    published : DataFrame without names
    outside : DataFrame with names, from a leak or from the open web
    on : columns in both, with values written the same way

    >>> published = pd.DataFrame({"birth": ["1990-05", "1990-05", "1985-01"], "city": ["杭州", "杭州", "宁波"]})
    >>> outside = pd.DataFrame({"name": ["王芳", "李娜"], "birth": ["1990-05", "1985-01"], "city": ["杭州", "宁波"]})
    >>> reidentify(published, outside, ["birth", "city"]).links.values.tolist()
    [[2, 1]]
    """
    columns = _quasi(published, on)
    inputs.frame(outside, _("外部名单"), columns)
    sides = []
    for name, table in (("published", published), ("outside", outside)):
        rows = table[columns].astype(str).where(table[columns].notna()).assign(**{name: table.index})
        rows = rows.dropna(subset=columns)
        sides.append(rows[~rows.duplicated(columns, keep=False)])
    links = sides[0].merge(sides[1], on=columns)[["published", "outside"]]
    return Linkage(links, len(links) / len(published), len(links) / len(outside))


# --------------------------------------------------------------------------------------------------------- the law

ARTICLES = {
    6: _("目的明确、合理，限于实现处理目的的最小范围"),
    13: _("有同意，或有履行合同、法定义务等其他合法性基础"),
    19: _("保存期限为实现处理目的所必要的最短时间"),
    29: _("处理敏感个人信息应当取得个人的单独同意"),
    47: _("目的已实现或保存期限已届满，应当主动删除"),
}
_CONSENT = _("同意")


def check_register(
    register: pd.DataFrame,
    as_of: Any,
    needs: pd.DataFrame | None = None,
    *,
    field: str = "field",
    purpose: str = "purpose",
    basis: str = "legal_basis",
) -> pd.DataFrame:
    """What in a firm's register of processing contradicts the Personal Information Protection Law (PIPL).

    A first look, not legal advice: it finds what can be read off the register. Beside the articles told here, article
    28 says what is sensitive, 51 asks for safety measures such as de-identification, 57 for notice after a leak, 73
    tells de-identified from anonymous.

    Parameters
    ----------
    register : DataFrame, one row a field and purpose: ``field``, ``purpose``, ``legal_basis``, ``sensitive`` (bool),
        ``separate_consent`` (bool), ``held`` and ``consented`` (persons), ``retention_until`` (date, missing if nobody set one)
    as_of : day of the check
    needs : DataFrame with ``purpose`` and ``field``: which fields each purpose needs; without it that is not checked

    Returns
    -------
    DataFrame, one row a problem: the row of the register (counted from 1), ``field``, ``purpose``, ``article``,
    ``rule``, ``finding``; empty if all is well.

    >>> register = pd.DataFrame({
    ...     "field": ["身份证号"], "purpose": ["订单履行"], "legal_basis": ["履行合同所必需"], "sensitive": [False],
    ...     "separate_consent": [False], "held": [10], "consented": [0], "retention_until": ["2026-12-31"]})
    >>> needs = pd.DataFrame({"purpose": ["订单履行"], "field": ["姓名"]})
    >>> check_register(register, "2025-12-31", needs)[["row", "article"]].values.tolist()
    [[1, 6]]
    """
    columns = (field, purpose, basis, "sensitive", "separate_consent", "held", "consented", "retention_until")
    inputs.frame(register, _("处理登记表"), columns)
    today = inputs.day(as_of, _("检查日"))
    table = register.reset_index(drop=True)
    short = inputs.numbers(table, "held", low=0) > inputs.numbers(table, "consented", low=0)
    unlimited = table["retention_until"].isna()
    until = inputs.days(
        table.assign(retention_until=table["retention_until"].mask(unlimited, today)), "retention_until"
    )
    asked = table[basis] == _CONSENT
    alone = table["separate_consent"].astype(bool)
    problems = (
        (6, ~_needed(table, needs, field, purpose), _("这一目的用不到这一项，不应收集")),
        (13, asked & short, _("以同意为依据，但有人没有同意")),
        (19, unlimited, _("没有定下保存期限")),
        (29, asked & table["sensitive"].astype(bool) & ~alone, _("敏感信息没有单独同意")),
        (47, until < today, _("保存期限已过，尚未删除")),
    )
    rows = [(row + 1, article, words) for article, bad, words in problems for row in table.index[bad]]
    found = pd.DataFrame(sorted(rows), columns=["row", "article", "finding"])
    return found.assign(
        field=table[field].iloc[found["row"] - 1].to_numpy(),
        purpose=table[purpose].iloc[found["row"] - 1].to_numpy(),
        rule=found["article"].map(ARTICLES),
    )[["row", "field", "purpose", "article", "rule", "finding"]]


def _needed(table: pd.DataFrame, needs: pd.DataFrame | None, field: str, purpose: str) -> pd.Series:
    if needs is None:
        return pd.Series(True, table.index)
    inputs.frame(needs, _("目的与必要字段对照表"), ("purpose", "field"))
    allowed = set(zip(needs["purpose"], needs["field"], strict=True))
    return pd.Series([pair in allowed for pair in zip(table[purpose], table[field], strict=True)], table.index)


def may_contact(
    customers: pd.DataFrame, *, consent: str = "marketing_consent", consent_at: str = "consent_at"
) -> pd.Series:
    """Who may get advertisements: consent given, and provable by its date (PIPL articles 13, 14).

    Parameters
    ----------
    customers : DataFrame with the answer (bool) and the date it was given (missing: cannot be proved)

    Returns
    -------
    Series of bool ``may_contact``, same index.

    >>> table = pd.DataFrame({"marketing_consent": [True, True, False], "consent_at": ["2025-01-01", None, None]})
    >>> may_contact(table).to_list()
    [True, False, False]
    """
    inputs.frame(customers, _("客户表"), (consent, consent_at))
    agreed = inputs.column(customers, consent).astype(bool).to_numpy()
    return pd.Series(agreed & customers[consent_at].notna().to_numpy(), customers.index, name="may_contact")


def _known(series: pd.Series) -> list[Any]:
    return series.dropna().unique().tolist()
