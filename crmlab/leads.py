"""Leads: the MAN rule, a card of points, a model that learns from history, and whom to call first.

MAN: a buyer needs money (M), authority to decide (A) and a need (N); a small letter says it is missing. Labels and
advice for the eight combinations are those of the Chinese sales textbooks.

A model for scoring leads must be trained on what was known *when the lead came*. What is written down only after the
outcome (the reason of a loss, the day of the contract) predicts it perfectly and helps nobody: see :func:`leak_signs`.
How good a score is (:func:`auc`, :func:`precision_at`, :func:`calibration_table`) is measured by :mod:`crmlab.scoring`.

Sources: S. Kaufman, S. Rosset, C. Perlich and O. Stitelman, "Leakage in Data Mining", *ACM Transactions on Knowledge
Discovery from Data* 6 (4), 2012; N. Siddiqi, *Credit Risk Scorecards*, Wiley, 2006 (points from log odds).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import auc, calibration_table, precision_at, rank_auc, same_rows, zero_one

__all__ = [
    "MAN_RULE",
    "LeadModel",
    "LeadScore",
    "Man",
    "auc",
    "calibration_table",
    "call_list",
    "leak_signs",
    "man",
    "outcome",
    "precision_at",
    "split_by_time",
    "triage",
]


# -------------------------------------------------------------------------------------------------------- MAN rule


@dataclass(frozen=True)
class Man:
    """One of the eight combinations of money, authority and need.

    Attributes:
        code: capital letter = has it, small = lacks it, for example "M+A+n".
        label: what such a lead is called.
        advice: what to do.
        priority: 1 call now, 2 reach out with a plan, 3 watch and nurture, 4 stop.

    >>> man(True, True, True).priority
    1
    """

    code: str
    label: str
    advice: str
    priority: int


_NURTURE = _("可接触，长期观察、培养，使之具备另外的条件")
MAN_RULE = {
    rule.code: rule
    for rule in (
        Man("M+A+N", _("有望客户"), _("理想的销售对象：马上联系"), 1),
        Man("M+A+n", _("可接触客户"), _("可接触，配上熟练的推销技术，有成功的希望"), 2),
        Man("M+a+N", _("可接触客户"), _("可接触，设法找到有决定权的人"), 2),
        Man("m+A+N", _("可接触客户"), _("可接触，调查其经营状况和信用，考虑给予融资"), 2),
        Man("m+a+N", _("待培养客户"), _NURTURE, 3),
        Man("m+A+n", _("待培养客户"), _NURTURE, 3),
        Man("M+a+n", _("待培养客户"), _NURTURE, 3),
        Man("m+a+n", _("非客户"), _("停止接触"), 4),
    )
}


def man(money: bool, authority: bool, need: bool) -> Man:
    """The combination of a lead that has or lacks money, authority and need.

    Parameters
    ----------
    money, authority, need : True if the lead has it (bool, or 0 / 1)

    Returns
    -------
    Man, one of :data:`MAN_RULE`

    >>> man(money=True, authority=False, need=True).code, man(1, 0, 1).advice
    ('M+a+N', '可接触，设法找到有决定权的人')
    """
    has = [_truth(value, name) for value, name in ((money, "money"), (authority, "authority"), (need, "need"))]
    return MAN_RULE[_code(*has)]


def triage(
    table: pd.DataFrame,
    thresholds: float | Mapping[str, float] = 6,
    *,
    money: str = "money_score",
    authority: str = "authority_score",
    need: str = "need_score",
) -> pd.DataFrame:
    """MAN combination of every lead from its marks: a mark of at least the threshold counts as "has it".

    Parameters
    ----------
    table : DataFrame, one row a lead
    thresholds : one number for all three marks, or a dict by column name
    money, authority, need : names of the columns with the marks

    Returns
    -------
    DataFrame, same index as ``table``, with ``code``, ``label``, ``advice`` (text) and ``priority`` (1 first, 4 last).

    Raises
    ------
    CourseError : a mark is missing (nobody has talked with the lead yet: leave such rows out) or no number.

    >>> marks = pd.DataFrame({"money_score": [8, 2], "authority_score": [6, 3], "need_score": [5, 9]})
    >>> triage(marks)["code"].to_list()
    ['M+A+n', 'm+a+N']
    """
    columns = (money, authority, need)
    inputs.frame(table, _("线索表"), columns)
    limits = _limits(thresholds, columns)
    has = [inputs.numbers(table, column).to_numpy() >= limits[column] for column in columns]
    rules = [MAN_RULE[_code(*row)] for row in zip(*has, strict=True)]
    return pd.DataFrame([vars(rule) for rule in rules], index=table.index)


def _truth(value: Any, name: str) -> bool:
    if not isinstance(value, (bool, np.bool_, int, np.integer)) or value not in (0, 1):
        raise CourseError(
            _("{name} 应是 True（有）或 False（没有），现在是 {value}").format(name=name, value=inputs.shown(value))
        )
    return bool(value)


def _code(money: bool, authority: bool, need: bool) -> str:
    pairs = ((money, "M", "m"), (authority, "A", "a"), (need, "N", "n"))
    return "+".join(yes if has else no for has, yes, no in pairs)


def _limits(thresholds: Any, columns: Sequence[str]) -> dict[str, float]:
    if not isinstance(thresholds, Mapping):
        return dict.fromkeys(columns, inputs.number(thresholds, "thresholds"))
    for column in columns:
        if column not in thresholds:
            raise CourseError(_("thresholds 里缺少列 {column} 的界限：三列都要写").format(column=column))
    return {column: inputs.number(thresholds[column], f"thresholds[{column}]") for column in columns}


# ------------------------------------------------------------------------------------------------- a card of points


@dataclass(frozen=True)
class LeadScore:
    """A lead score by rule: points for each answer, added up.

    Attributes:
        card: by column, either points by value, ``{"老客户转介绍": 20, "短视频": 0}``, or steps of a number,
            ``[(0, 0), (20_000, 10), (80_000, 20)]``: from 20,000 on 10 points, from 80,000 on 20; below the first
            step, and for a missing number, 0 points.

    >>> card = LeadScore({"source": {"展会": 10, "短视频": 2}, "budget": [(0, 0), (20_000, 15)]})
    >>> card.score(pd.DataFrame({"source": ["展会", "短视频"], "budget": [30_000, None]})).to_list()
    [25.0, 2.0]
    """

    card: Mapping[str, Mapping[Any, float] | Sequence[tuple[float, float]]]

    def points(self, table: pd.DataFrame) -> pd.DataFrame:
        """Points of every lead by column of the card, same index as ``table``."""
        if not isinstance(self.card, Mapping) or not self.card:
            raise CourseError(_("记分卡是空的：请写成 {{列名: 各档的分数}}").format())
        inputs.frame(table, _("线索表"), self.card)
        return pd.DataFrame({column: self._of(table, column, rule) for column, rule in self.card.items()}).set_axis(
            table.index
        )

    def score(self, table: pd.DataFrame) -> pd.Series:
        """Sum of the points of every lead, Series ``score``, same index as ``table``."""
        return self.points(table).sum(axis=1).rename("score")

    @staticmethod
    def _of(table: pd.DataFrame, column: str, rule: Any) -> NDArray[np.float64]:
        if isinstance(rule, Mapping):
            values = inputs.column(table, column)
            known = values.isin(list(rule))
            if not known.all():
                row = int((~known).idxmax())
                raise CourseError(
                    _("记分卡里没有列 {column} 的“{value}”（第 {row} 行）：请给它定分数").format(
                        column=column, value=values[row], row=row + 1
                    )
                )
            return values.map(dict(rule)).astype("float64").to_numpy()
        steps = inputs.matrix(rule, _("列 {column} 的档次").format(column=column))
        if steps.shape[1] != 2 or (np.diff(steps[:, 0]) <= 0).any():
            raise CourseError(_("列 {column} 的档次应写成 (起点, 分数)，起点由小到大").format(column=column))
        values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
        place = np.searchsorted(steps[:, 0], values, side="right")
        return np.where(np.isnan(values), 0.0, np.append(0.0, steps[:, 1])[np.where(np.isnan(values), 0, place)])


# ------------------------------------------------------------------------------------------------ honest history


def outcome(
    leads: pd.DataFrame,
    as_of: Any,
    *,
    within: int = 120,
    created: str = "created_at",
    won_at: str = "won_at",
) -> pd.Series:
    """Was the lead won within so many days of its coming? Missing for leads that are not yet that old.

    Parameters
    ----------
    leads : DataFrame, one row a lead; ``won_at`` is missing for leads without a win
    as_of : date-like, the day at whose end the data were taken; within : days
    created, won_at : names of the columns

    Returns
    -------
    Series ``won`` of pandas' ``boolean`` (True, False, <NA>), same index. Train on ``known = won.notna()`` only.

    >>> days = pd.to_datetime(["2025-01-01", "2025-01-01", "2025-12-01"])
    >>> leads = pd.DataFrame({"created_at": days, "won_at": pd.to_datetime(["2025-02-01", None, None])})
    >>> outcome(leads, "2025-12-31").to_list()
    [True, False, <NA>]
    """
    inputs.frame(leads, _("线索表"), (created, won_at))
    days = inputs.whole(within, "within", low=1)
    end = inputs.day(as_of, "as_of") + pd.Timedelta(days=1)
    came = inputs.days(leads, created)
    won = pd.to_datetime(leads[won_at].reset_index(drop=True)).where(lambda at: at < end)
    took = (won.dt.normalize() - came).dt.days
    result = (took <= days).astype("boolean")
    return result.mask(came + pd.Timedelta(days=days) >= end).rename("won").set_axis(leads.index)


def split_by_time(
    table: pd.DataFrame, share: float = 0.7, *, date: str = "created_at"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The earlier ``share`` of the rows to learn from, the later ones to test on, both in the order of time.

    A random split lets the model learn from the future of its test cases; a sales team never can.

    Parameters
    ----------
    table : DataFrame; share : 0-1; date : name of the column of time

    >>> days = pd.DataFrame({"created_at": pd.to_datetime(["2025-03-01", "2025-01-01", "2025-02-01"])})
    >>> [len(part) for part in split_by_time(days)]
    [2, 1]
    """
    inputs.frame(table, _("线索表"), (date,))
    part = inputs.number(share, "share", above=0, below=1)
    order = np.argsort(inputs.days(table, date).to_numpy(), kind="stable")
    cut = min(max(round(part * len(table)), 1), len(table) - 1)
    if len(table) < 2:
        raise CourseError(_("只有 1 行，分不成训练和检验两部分：请使用更多线索"))
    return table.iloc[order[:cut]], table.iloc[order[cut:]]


def leak_signs(
    table: pd.DataFrame, outcome: ArrayLike | pd.Series, columns: Sequence[str] | None = None, *, limit: float = 0.85
) -> pd.DataFrame:
    """Columns that know too much: each is asked alone how well it tells winners from the others.

    A single honest attribute rarely reaches an AUC above 0.75. One near 1 was most likely written down after the
    outcome, or exists only for winners. High values are no proof: ask when the column is filled in.

    Parameters
    ----------
    table : DataFrame of candidate features; outcome : 0 / 1 per row, no missing ones
    columns : which to ask; without it all; limit : AUC from which a column is suspect

    Returns
    -------
    DataFrame, index column, most suspect first, with ``auc_value`` (of the value itself, in the better direction),
    ``auc_missing`` (of "is missing or empty"), ``suspect``.

    >>> table = pd.DataFrame({"fee": [9.0, None, 8.0, None], "pages": [3, 4, 5, 2]})
    >>> leak_signs(table, [1, 0, 1, 0])["suspect"].to_dict()
    {'fee': True, 'pages': False}
    """
    inputs.frame(table, _("线索表"), columns or ())
    (won,) = same_rows(table.index, outcome=zero_one(outcome, "outcome"))
    top = inputs.number(limit, "limit", low=0.5, high=1)
    rows = {}
    for column in columns or table.columns:
        values = table[column].reset_index(drop=True)
        missing = values.isna() | (values.astype(object) == "")
        # Where a value is missing it says nothing by itself: only the rows that have one are compared.
        told = ~missing.to_numpy()
        both = 0 < won[told].sum() < told.sum()
        alone = _best_auc(_ordered(values[told], won[told]), won[told]) if both else 0.5
        rows[column] = (alone, _best_auc(missing.to_numpy(dtype=float), won))
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["auc_value", "auc_missing"])
    found["suspect"] = found.max(axis=1) >= top
    worst = found[["auc_value", "auc_missing"]].max(axis=1).sort_values(ascending=False, kind="stable").index
    return found.loc[worst].rename_axis("column")


def _ordered(values: pd.Series, won: NDArray[np.float64]) -> NDArray[np.float64]:
    """The column as numbers: days and numbers as they are, words by their share of winners in the *other* half.

    With the rates of its own half a column of names, each there once, would look all-knowing.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.astype("int64").to_numpy(dtype=float)
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=float)
    words, half = values.astype(str).reset_index(drop=True), np.arange(len(values)) % 2
    rates = [pd.Series(won[half == part]).groupby(words[half == part].to_numpy()).mean() for part in (0, 1)]
    known = np.where(half == 0, words.map(rates[1]), words.map(rates[0]))
    return np.where(np.isnan(known), won.mean(), known)


# -------------------------------------------------------------------------------------------------------- the model


class LeadModel:
    """Logistic regression for lead scoring: words become 0/1 columns, numbers are standardised, a ridge keeps it calm.

    The chance to win is p = 1 / (1 + exp(−(b₀ + Σ bⱼ·zⱼ))). Coefficients are fitted by scikit-learn with the penalty
    Σ bⱼ² / (2·C); standard errors come from the curvature of the penalised likelihood. The first class of a word in
    the order of the alphabet is the base; a missing number counts as the mean of the training data, and a column
    ``… 缺失`` tells that it was missing.

    Parameters
    ----------
    features : names of the columns to learn from, all known when the lead came
    C : strength of belief in the data: small = coefficients near 0

    Attributes
    ----------
    params_ : dict of coefficients (log odds per standard deviation, or per class), first ``const``
    summary : DataFrame with ``coef``, ``odds_ratio``, ``std_err``, ``z``, ``p_value``
    log_likelihood_ : of the training data, without the penalty

    >>> table = pd.DataFrame({"pages": [1, 2, 3, 4, 5, 6], "source": list("aabbab")})
    >>> model = LeadModel(["pages", "source"]).fit(table, [0, 0, 1, 0, 1, 1])
    >>> model.predict(table).round(1).between(0, 1).all(), list(model.params_)
    (np.True_, ['const', 'pages', 'source=b'])
    """

    def __init__(self, features: Sequence[str], C: float = 1.0) -> None:
        if isinstance(features, str) or not list(features):
            raise CourseError(_('features 应是列名的列表，例如 ["source", "budget"]'))
        self.features = list(features)
        self.C = inputs.number(C, "C", above=0)

    def fit(self, table: pd.DataFrame, outcome: ArrayLike | pd.Series) -> "LeadModel":
        """Learn from the leads in ``table`` whose ``outcome`` (0 / 1, True / False) is known; returns self."""
        from sklearn.linear_model import LogisticRegression

        inputs.frame(table, _("线索表"), self.features)
        (won,) = same_rows(table.index, outcome=zero_one(outcome, "outcome", both=True))
        self._plan = {name: _plan(table, name) for name in self.features}
        design = self._design(table)
        solver = LogisticRegression(C=self.C, max_iter=1000, tol=1e-8).fit(design.to_numpy(), won)
        self._beta = np.append(solver.intercept_, solver.coef_[0])
        self.params_ = dict(zip(["const", *design.columns], self._beta.tolist(), strict=True))
        chance = self.predict(table).to_numpy()
        self.log_likelihood_ = float(np.log(np.where(won == 1, chance, 1 - chance)).sum())
        self._errors = _standard_errors(design.to_numpy(), chance, self.C)
        return self

    @property
    def summary(self) -> pd.DataFrame:
        """Coefficients with odds ratios, standard errors, z and two-sided p, index as ``params_``."""
        self._fitted()
        from scipy.special import ndtr

        z = self._beta / self._errors
        columns = {
            "coef": self._beta,
            "odds_ratio": np.exp(self._beta),
            "std_err": self._errors,
            "z": z,
            "p_value": 2 * ndtr(-np.abs(z)),
        }
        return pd.DataFrame(columns, index=pd.Index(self.params_, name="feature"))

    def predict(self, table: pd.DataFrame) -> pd.Series:
        """Chance to win of every lead, Series ``probability`` (0-1), same index as ``table``."""
        return pd.Series(1 / (1 + np.exp(-self._odds(table))), index=table.index, name="probability")

    def score(self, table: pd.DataFrame, *, base: float = 50, pdo: float = 10) -> pd.Series:
        """Points on a scale people can read: ``base`` at even odds, ``pdo`` more for twice the odds.

        score = base + pdo / ln 2 · log odds; a Series ``score``, same index as ``table``.
        """
        step = inputs.number(pdo, "pdo", above=0) / np.log(2)
        return pd.Series(inputs.number(base, "base") + step * self._odds(table), index=table.index, name="score")

    def _fitted(self) -> None:
        if not hasattr(self, "_beta"):
            raise CourseError(_("模型还没有训练：请先调用 fit(线索表, 结果)"))

    def _odds(self, table: pd.DataFrame) -> NDArray[np.float64]:
        self._fitted()
        inputs.frame(table, _("线索表"), self.features)
        return self._beta[0] + self._design(table).to_numpy() @ self._beta[1:]

    def _design(self, table: pd.DataFrame) -> pd.DataFrame:
        columns: dict[str, NDArray[np.float64]] = {}
        for name in self.features:
            plan, values = self._plan[name], table[name].reset_index(drop=True)
            if plan["classes"] is not None:
                text = values.astype(str)
                columns |= {f"{name}={kind}": (text == kind).to_numpy(float) for kind in plan["classes"][1:]}
                continue
            numbers = pd.to_numeric(values, errors="coerce").astype("float64")
            columns[name] = ((numbers - plan["mean"]) / plan["sd"]).fillna(0.0).to_numpy()
            if plan["gaps"]:
                columns[_("{name} 缺失").format(name=name)] = numbers.isna().to_numpy(float)
        return pd.DataFrame(columns)


def _plan(table: pd.DataFrame, name: str) -> dict[str, Any]:
    """How a column becomes numbers, learnt from the training data alone."""
    values = table[name]
    if pd.api.types.is_numeric_dtype(values):  # also True / False
        numbers = values.astype("float64")
        sd = float(numbers.std(ddof=0))
        if not np.isfinite(sd):
            raise CourseError(_("列 {column} 没有一个数：请从 features 里去掉").format(column=name))
        return {"classes": None, "mean": float(numbers.mean()), "sd": sd or 1.0, "gaps": bool(numbers.isna().any())}
    if pd.api.types.is_datetime64_any_dtype(values):
        raise CourseError(_("列 {column} 是日期：请先换成天数或月份，再放进 features").format(column=name))
    classes = sorted(inputs.column(table, name).astype(str).unique())
    if len(classes) > max(30, len(table) // 10):
        raise CourseError(
            _("列 {column} 有 {n} 种不同的文字，像是编号或姓名：请从 features 里去掉，或先归成几类").format(
                column=name, n=len(classes)
            )
        )
    return {"classes": classes}


def _standard_errors(design: NDArray, chance: NDArray, strength: float) -> NDArray[np.float64]:
    """Roots of the diagonal of (XᵀWX + I/C)⁻¹, W = p(1 − p); the constant is not penalised."""
    x = np.column_stack([np.ones(len(design)), design])
    information = (x * (chance * (1 - chance))[:, None]).T @ x
    information[1:, 1:] += np.eye(x.shape[1] - 1) / strength
    return np.sqrt(np.diag(np.linalg.inv(information)))


# ---------------------------------------------------------------------------------------------------- whom to call


def call_list(scores: pd.Series, capacity: int) -> pd.Index:
    """Ids of the ``capacity`` leads with the highest scores, best first; ties in the order of the ids.

    Parameters
    ----------
    scores : Series, index lead id; capacity : how many calls can be made

    >>> call_list(pd.Series({"L2": 5, "L1": 5, "L3": 9}), 2).to_list()
    ['L3', 'L1']
    """
    if not isinstance(scores, pd.Series):
        raise CourseError(_("scores 应是以线索编号为索引的 Series，现在是 {kind}").format(kind=type(scores).__name__))
    inputs.vector(scores, "scores")
    calls = inputs.whole(capacity, "capacity", low=0)
    return scores.sort_index().sort_values(ascending=False, kind="stable").index[:calls]


def _best_auc(points: NDArray, won: NDArray) -> float:
    """AUC in the better direction; ½ where one class is missing."""
    if not 0 < won.sum() < len(won):
        return 0.5
    found = rank_auc(points, won)
    return max(found, 1 - found)
