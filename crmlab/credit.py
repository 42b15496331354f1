"""How far a customer can be trusted with credit: the 6C scorecard of experts, and the scorecard learned from data.

Conventions: ``bad`` is 1 (or True) for who did not pay. WOE = ln(share of the goods / share of the bads) of a bin, so a
bin with *positive* WOE is *safer* than average; IV = Σ (share of goods − share of bads) · WOE. Scores rise with
safety.

Sources: N. Siddiqi, *Credit Risk Scorecards: Developing and Implementing Intelligent Credit Scoring*, Wiley, 2006
(WOE, information value, scaling of points); L. C. Thomas, D. B. Edelman & J. N. Crook, *Credit Scoring and Its
Applications*, SIAM, 2002 (KS, Gini, population stability).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs, scoring
from crmlab.errors import CourseError
from crmlab.i18n import _

# ----------------------------------------------------------------------------------------------------------------- 6C

SIX_C = {
    "character": _("品格"),
    "capacity": _("能力"),
    "capital": _("资本"),
    "collateral": _("抵押"),
    "condition": _("环境"),
    "continuity": _("连续性"),
}
GRADES = ("A", "B", "C", "D", "E")
CUTS = (85.0, 70.0, 60.0, 50.0)  # from here on A, B, C, D
VETOES = {"character": 40.0, "capacity": 30.0}  # below: grade E, whatever the rest
TERMS = pd.DataFrame(
    {
        "days": [60, 45, 30, 15, 0],
        "factor": [1.0, 0.8, 0.5, 0.3, 0.0],
        "advice": [
            _("优先授信，按年复核"),
            _("正常授信，半年复核"),
            _("小额授信，按季复核"),
            _("要求担保或部分预付，按月复核"),
            _("款到发货，不授信"),
        ],
    },
    index=pd.Index(GRADES, name="grade"),
)


def six_c(
    table: pd.DataFrame,
    weights: Mapping[str, float] | None = None,
    *,
    vetoes: Mapping[str, float] | None = None,
    cuts: Sequence[float] = CUTS,
    purchases: str | None = None,
) -> pd.DataFrame:
    """6C score, grade A-E and terms of credit of each customer.

    score = Σ w · points / Σ w. The grade is the highest whose cut the score reaches. A customer below a veto is E: no
    amount of capital makes up for who will not pay. Credit line = factor × monthly purchases × days / 30, with days and
    factor of the grade from :data:`TERMS`.

    Parameters
    ----------
    table : DataFrame, one row a customer, with the points (0-100) ``character`` 品格, ``capacity`` 能力, ``capital`` 资本,
        ``collateral`` 抵押, ``condition`` 环境, ``continuity`` 连续性
    weights : weight of each of the six (not negative, not all 0); equal by default
    vetoes : least points for some of the six, by default :data:`VETOES`; ``{}`` for none
    cuts : least score of A, B, C, D, falling
    purchases : column of monthly purchases (yuan), to get credit lines

    Returns
    -------
    DataFrame, same index: ``score`` (0-100), ``grade`` (ordered categorical, A best), ``veto`` (the veto that struck,
    "" for none), ``days``, ``advice`` and, with ``purchases``, ``credit_line`` (yuan).

    >>> firms = pd.DataFrame([[90, 80, 70, 60, 80, 82], [35, 90, 90, 90, 90, 90]], columns=list(SIX_C))
    >>> six_c(firms.assign(monthly=[100_000, 100_000]), purchases="monthly")[["score", "grade", "credit_line"]]
       score grade  credit_line
    0  77.00     B     120000.0
    1  80.83     E          0.0
    """
    inputs.frame(table, _("6C 评分表"), SIX_C)
    points = pd.DataFrame({name: inputs.numbers(table, name, low=0, high=100) for name in SIX_C})
    weight = _six_weights(weights)
    # Rounded, so that a score of 70 made of binary fractions still reaches 70.
    score = (points @ weight / weight.sum()).round(10)
    veto = _vetoed(points, VETOES if vetoes is None else vetoes)
    grade = np.where(veto != "", len(GRADES) - 1, (score.to_numpy()[:, None] < _falling(cuts)).sum(axis=1))
    terms = TERMS.iloc[grade]
    result = pd.DataFrame(
        {
            "score": score.round(2),
            "grade": pd.Categorical.from_codes(grade, list(GRADES), ordered=True),
            "veto": veto,
            "days": terms["days"].to_numpy(),
            "advice": terms["advice"].to_numpy(),
        }
    )
    if purchases is not None:
        monthly = inputs.numbers(inputs.frame(table, _("6C 评分表"), [purchases]), purchases, low=0)
        result["credit_line"] = (terms["factor"].to_numpy() * monthly * terms["days"].to_numpy() / 30).round(2)
    return result.set_axis(table.index)


def _six_weights(weights: Mapping[str, float] | None) -> pd.Series:
    if weights is None:
        return pd.Series(1.0, list(SIX_C))
    if set(weights) != set(SIX_C):
        raise CourseError(
            _("weights 应恰好给出六项 {names} 的权重，现在是 {have}").format(
                names=_("、").join(SIX_C), have=_("、").join(map(str, weights)) or _("（没有）")
            )
        )
    found = pd.Series(inputs.vector(list(weights.values()), "weights", low=0), list(weights))
    if not found.sum() > 0:
        raise CourseError(_("weights 全是 0：至少给一项大于 0 的权重"))
    return found[list(SIX_C)]


def _vetoed(points: pd.DataFrame, vetoes: Mapping[str, float]) -> NDArray[np.object_]:
    text = np.full(len(points), "", dtype=object)
    for name, least in vetoes.items():
        inputs.choice(name, "vetoes", tuple(SIX_C))
        below = points[name].to_numpy() < inputs.number(least, f"vetoes[{name!r}]", low=0, high=100)
        text[below & (text == "")] = _("{name}低于 {least:g} 分").format(name=SIX_C[name], least=least)
    return text


def _falling(cuts: Sequence[float]) -> NDArray[np.float64]:
    found = inputs.vector(cuts, "cuts", length=len(GRADES) - 1, low=0, high=100)
    if not (np.diff(found) < 0).all():
        raise CourseError(_("cuts 应是 A、B、C、D 四级的最低分，由高到低，现在是 {cuts}").format(cuts=list(cuts)))
    return found


# ----------------------------------------------------------------------------------------------------------- WOE and IV

MISSING = _("缺失")
_STRENGTHS = ((0.02, _("无预测力")), (0.1, _("弱")), (0.3, _("中等")), (0.5, _("强")), (np.inf, _("强得可疑")))


def woe_from_counts(good: Any, bad: Any, labels: Any = None, *, adjustment: float = 0.5) -> pd.DataFrame:
    """WOE and IV of bins whose goods and bads are already counted.

    Parameters
    ----------
    good, bad : counts (not negative) by bin, equal length
    labels : names of the bins
    adjustment : added to both counts of a bin that lacks goods or bads, for its WOE alone, since ln 0 has no value;
        bins with both are not touched

    Returns
    -------
    DataFrame, one row a bin: ``n``, ``good``, ``bad``, ``good_share``, ``bad_share`` (of all goods, of all bads),
    ``bad_rate``, ``woe`` (positive: safer than average), ``iv`` (the bin's part; their sum is the IV).

    >>> woe_from_counts([80, 20], [10, 10], ["有房", "无房"])[["bad_rate", "woe", "iv"]].round(3).values.tolist()
    [[0.111, 0.47, 0.141], [0.333, -0.916, 0.275]]
    """
    goods = inputs.vector(good, "good", low=0)
    bads = inputs.vector(bad, "bad", length=len(goods), low=0)
    extra = inputs.number(adjustment, "adjustment", above=0)
    if not (goods.sum() > 0 and bads.sum() > 0):
        raise CourseError(_("好客户和坏客户都要有：全是一种就没有可比的"))
    if ((goods + bads) == 0).any():
        row = int(np.argmax(goods + bads == 0))
        raise CourseError(_("第 {row} 箱没有一个客户：请与相邻的箱合并").format(row=row + 1))
    add = np.where((goods == 0) | (bads == 0), extra, 0.0)
    good_share, bad_share = (goods + add) / goods.sum(), (bads + add) / bads.sum()
    weight = np.log(good_share / bad_share)
    table = pd.DataFrame(
        {
            "n": goods + bads,
            "good": goods,
            "bad": bads,
            "good_share": goods / goods.sum(),
            "bad_share": bads / bads.sum(),
            "bad_rate": bads / (goods + bads),
            "woe": weight,
            "iv": (good_share - bad_share) * weight,
        }
    )
    names = range(1, len(goods) + 1) if labels is None else list(labels)
    if len(names) != len(goods):
        raise CourseError(_("labels 应有 {n} 个名字，现在有 {found} 个").format(n=len(goods), found=len(names)))
    return table.set_axis(pd.Index(names, name="bin"))


def woe(feature: Any, bad: Any, *, bins: int | Sequence[float] = 5, adjustment: float = 0.5) -> pd.DataFrame:
    """WOE table of one feature; missing values are a bin of their own, since not to answer tells something too.

    Parameters
    ----------
    feature : Series or list. Numbers are cut; anything else is taken as categories.
    bad : 1 / True for who did not pay, same length
    bins : number of bins with equally many customers (fewer where values tie), or the inner edges, rising; a bin
        takes in its upper edge, (a, b], and is left out if nobody falls into it
    adjustment : as for :func:`woe_from_counts`

    Returns
    -------
    DataFrame as from :func:`woe_from_counts`, bins in rising order, 缺失 last.

    >>> woe([20, 25, 35, 50, None], [1, 0, 0, 0, 1], bins=[30])[["good", "bad"]]
                good  bad
    bin
    (-inf, 30]     1    1
    (30, inf]      2    0
    缺失           0    1
    """
    values = _values(feature)
    labels = _bads(bad, len(values))
    return _woe_table(_cut(values, _edges(values, bins)), labels, adjustment)


def iv(feature: Any, bad: Any, *, bins: int | Sequence[float] = 5, adjustment: float = 0.5) -> float:
    """Information value of one feature: Σ (share of goods − share of bads) · WOE; 0 if it tells nothing.

    >>> round(iv(["有房"] * 90 + ["无房"] * 30, [1] * 10 + [0] * 80 + [1] * 10 + [0] * 20), 3)
    0.416
    """
    return float(woe(feature, bad, bins=bins, adjustment=adjustment)["iv"].sum())


def iv_strength(value: float) -> str:
    """Siddiqi's words for an information value: below .02 无预测力, .1 弱, .3 中等, .5 强, from there on 强得可疑.

    >>> iv_strength(0.15), iv_strength(0.9)
    ('中等', '强得可疑')
    """
    found = inputs.number(value, "IV", low=0)
    return next(word for top, word in _STRENGTHS if found < top)


def iv_table(table: pd.DataFrame, bad: Any, *, bins: int = 5, adjustment: float = 0.5) -> pd.DataFrame:
    """The information value of every column, the most telling first.

    Returns
    -------
    DataFrame, index feature: ``iv``, ``strength``, ``bins`` (how many), ``missing`` (share).

    >>> iv_table(pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 2, 1, 2]}), [0, 0, 1, 1], bins=2)["strength"].to_dict()
    {'a': '强得可疑', 'b': '无预测力'}
    """
    inputs.frame(table, _("特征表"))
    found = {name: woe(table[name], bad, bins=bins, adjustment=adjustment) for name in table}
    result = pd.DataFrame(
        {
            "iv": {name: float(part["iv"].sum()) for name, part in found.items()},
            "strength": {name: iv_strength(float(part["iv"].sum())) for name, part in found.items()},
            "bins": {name: len(part) for name, part in found.items()},
            "missing": table.isna().mean(),
        }
    ).rename_axis("feature")
    return result.sort_values("iv", ascending=False, kind="stable")


def _values(feature: Any) -> pd.Series:
    values = inputs.series(feature, "feature").reset_index(drop=True)
    return values.astype(object) if isinstance(values.dtype, pd.CategoricalDtype) else values


def _bads(bad: Any, count: int) -> NDArray[np.float64]:
    if pd.api.types.infer_dtype(pd.Series(bad)) == "string":
        raise CourseError(_('bad 应是 1 / 0 或 True / False，现在是文字：请写成比较，例如 table["Status"] == "bad"'))
    found = inputs.vector(bad, "bad", length=count, low=0, high=1)
    if not np.isin(found, (0, 1)).all() or found.min() == found.max():
        raise CourseError(_("bad 应是 1（坏）或 0（好），并且两种客户都要有"))
    return found


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _edges(values: pd.Series, bins: Any) -> NDArray[np.float64] | None:
    """All edges from −inf to inf of a numeric feature; None for categories."""
    if not _is_number(values):
        return None
    if np.ndim(bins) == 0:
        count = inputs.whole(bins, "bins", low=2, high=50)
        inner = _quantiles(np.sort(values.astype(float).dropna().to_numpy()), count)
    else:
        inner = inputs.vector(bins, "bins")
        if not (np.diff(inner) > 0).all():
            raise CourseError(_("bins 的分箱边界应由小到大、没有重复，现在是 {bins}").format(bins=list(bins)))
    return np.concatenate([[-np.inf], inner, [np.inf]])


def _quantiles(ordered: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Inner edges of ``count`` equal parts; where values tie, parts of less than half an equal share are joined."""
    if not len(ordered):
        return np.array([])
    places = np.floor(np.linspace(0, 1, count + 1)[1:-1] * (len(ordered) - 1)).astype(int)
    kept, taken, least = [], 0.0, 0.5 / count
    for edge in np.unique(ordered[places]).tolist():  # values that occur, so that no bin is empty
        below = float(np.searchsorted(ordered, edge, side="right")) / len(ordered)
        if below - taken >= least and 1 - below >= least:
            kept.append(edge)
            taken = below
    return np.array(kept)


def _cut(values: pd.Series, edges: NDArray[np.float64] | None) -> pd.Series:
    """The bin of each value as an ordered categorical, 缺失 last."""
    if edges is None:
        known = sorted(values.dropna().astype(str).unique())
        return pd.Series(
            pd.Categorical(values.astype(object).map(str, na_action="ignore").fillna(MISSING), [*known, MISSING])
        )
    names = [f"({low:.10g}, {high:.10g}]" for low, high in pairwise(edges.tolist())]
    codes = np.searchsorted(edges[1:-1], values.astype(float).to_numpy(), side="left")
    codes = np.where(values.isna(), len(names), codes)
    return pd.Series(pd.Categorical.from_codes(codes, [*names, MISSING]))


def _woe_table(cells: pd.Series, bad: NDArray[np.float64], adjustment: float) -> pd.DataFrame:
    counts = pd.DataFrame({"bad": bad, "good": 1 - bad}).groupby(cells, observed=True).sum()
    table = woe_from_counts(counts["good"], counts["bad"], counts.index.astype(str), adjustment=adjustment)
    return table.astype(dict.fromkeys(("n", "good", "bad"), "int64"))


# ------------------------------------------------------------------------------------------------------------ scorecard


class Scorecard:
    """A points table for daily use, made from a logistic regression on WOE (Siddiqi, 2006).

    With ln(odds of bad) = a + Σ β · WOE, factor = pdo / ln 2 and offset = base_score − factor · ln(base_odds),

        points of a bin = −(β · WOE + a / n) · factor + offset / n,   n features,

    rounded to whole points; a customer's score is their sum. ``pdo`` points more double the odds good : bad.

    Parameters
    ----------
    pdo : points that double the odds
    base_score, base_odds : score at which good : bad is ``base_odds`` to 1
    bins : number of bins of a numeric feature, or a dict with number or edges for some features (the others 5)

    Attributes
    ----------
    params_ : dict, ``const`` and β of each feature; β near −1 is healthy, above 0 contradicts the feature's own WOE
    points_ : DataFrame, index (feature, bin): ``n``, ``bad_rate``, ``woe``, ``points``
    iv_ : Series, information value of each feature
    log_likelihood_ : of the logistic regression
    factor_, offset_ : of the scale

    >>> table = pd.DataFrame({"home": ["有房"] * 90 + ["无房"] * 30})
    >>> card = Scorecard().fit(table, [1] * 10 + [0] * 80 + [1] * 10 + [0] * 20)
    >>> card.points_["points"].to_list(), card.score(table).unique().tolist()
    ([507, 547], [547, 507])
    """

    params_: dict[str, float]
    points_: pd.DataFrame
    iv_: pd.Series
    log_likelihood_: float

    def __init__(
        self,
        pdo: float = 20,
        base_score: float = 600,
        base_odds: float = 50,
        bins: int | Mapping[str, int | Sequence[float]] = 5,
    ) -> None:
        self.pdo = inputs.number(pdo, "pdo", above=0)
        self.base_score = inputs.number(base_score, "base_score")
        self.base_odds = inputs.number(base_odds, "base_odds", above=0)
        self.bins = bins
        self.factor_ = self.pdo / np.log(2)
        self.offset_ = self.base_score - self.factor_ * np.log(self.base_odds)

    def fit(self, table: pd.DataFrame, bad: Any) -> Self:
        """Bins, WOE, regression and points from past customers.

        Parameters
        ----------
        table : DataFrame, one row a customer, the features as columns (numbers or categories, gaps allowed)
        bad : 1 / True for who did not pay
        """
        import statsmodels.api as sm

        inputs.frame(table, _("特征表"))
        labels = _bads(bad, len(table))
        self._edges, self._woe = {}, {}
        for name in table:
            values = _values(table[name])
            self._edges[name] = _edges(values, self.bins.get(name, 5) if isinstance(self.bins, Mapping) else self.bins)
            self._woe[name] = _woe_table(_cut(values, self._edges[name]), labels, 0.5)
            if len(self._woe[name]) < 2:
                raise CourseError(_("列 {column} 只有一种取值，分不出好坏：请去掉这一列").format(column=name))
        design = sm.add_constant(self.transform(table).reset_index(drop=True))
        self._model = _logit(sm, labels, design)
        self.params_ = {str(name): float(value) for name, value in self._model.params.items()}
        self.log_likelihood_ = float(self._model.llf)
        self.iv_ = pd.Series({name: float(part["iv"].sum()) for name, part in self._woe.items()}, name="iv")
        self.points_ = pd.concat({name: self._points(name) for name in self._woe}, names=["feature", "bin"])
        self._train = pd.DataFrame({"score": self.score(table).to_numpy(), "bad": labels})
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Every value replaced by the WOE of its bin; a bin never seen in :meth:`fit` gets 0, the average."""
        return self._looked_up(table, {name: part["woe"] for name, part in self._woe.items()}, 0.0)

    def score(self, table: pd.DataFrame) -> pd.Series:
        """Score of each customer: the sum of whole points; a bin never seen gets the points of WOE 0."""
        self._fitted()
        points = {name: self.points_.loc[name, "points"] for name in self._woe}
        neutral = round(self._share())
        return self._looked_up(table, points, neutral).sum(axis=1).astype("int64").rename("score")

    def p_bad(self, table: pd.DataFrame) -> pd.Series:
        """Probability of bad (0-1) from the regression, without the rounding of points."""
        from scipy.special import expit

        self._fitted()
        woes = self.transform(table)
        line = self.params_["const"] + sum(self.params_[name] * woes[name] for name in woes)
        return pd.Series(expit(line), table.index, name="p_bad")

    @property
    def summary(self) -> pd.DataFrame:
        """Coefficient, standard error, p-value, IV and range of points of each feature."""
        self._fitted()
        points = self.points_["points"].groupby(level="feature", sort=False)
        return pd.DataFrame(
            {
                "coefficient": self._model.params.drop("const"),
                "std_error": self._model.bse.drop("const"),
                "p_value": self._model.pvalues.drop("const"),
                "iv": self.iv_,
                "least_points": points.min(),
                "most_points": points.max(),
            }
        ).loc[list(self._woe)].rename_axis("feature")  # fmt: skip

    def plot(self) -> Any:
        """The scores of goods and bads among the customers of :meth:`fit`, with KS and Gini."""
        from crmlab import plots

        self._fitted()
        found = discrimination(self._train["score"], self._train["bad"])
        figure, (ax,) = plots.new_figure(
            _("在 {cut:.0f} 分处，好坏客户分得最开：KS = {ks:.2f}").format(cut=found.cutoff, ks=found.ks)
        )
        edges = np.histogram_bin_edges(self._train["score"], bins=30).tolist()
        for value, colour, label in ((0, plots.BLUE, _("好客户")), (1, plots.RED, _("坏客户"))):
            scores = self._train.loc[self._train["bad"] == value, "score"]
            ax.hist(scores, bins=edges, density=True, color=colour, alpha=0.55, label=label)
        ax.axvline(found.cutoff, color=plots.INK, lw=1, ls=(0, (3, 2)))
        ax.set(xlabel=_("信用分"), ylabel=_("密度"))
        ax.legend(title=_("Gini = {gini:.2f}").format(gini=found.gini))
        return figure

    def _points(self, name: str) -> pd.DataFrame:
        table = self._woe[name]
        exact = self._share() - self.params_[name] * table["woe"] * self.factor_
        return table[["n", "bad_rate", "woe"]].assign(points=exact.round().astype("int64"))

    def _share(self) -> float:
        """Points of a bin with WOE 0: this feature's part of constant and offset."""
        return (self.offset_ - self.factor_ * self.params_["const"]) / len(self._woe)

    def _looked_up(self, table: pd.DataFrame, values: Mapping[str, pd.Series], unseen: float) -> pd.DataFrame:
        inputs.frame(table, _("特征表"), self._woe)
        found = {
            name: _cut(table[name].reset_index(drop=True), self._edges[name])
            .astype(object)
            .map(values[name])
            .fillna(unseen)
            for name in self._woe
        }
        return pd.DataFrame(found).astype(float).set_axis(table.index)

    def _fitted(self) -> None:
        if not hasattr(self, "points_"):
            raise CourseError(_("模型还没有拟合：请先调用 fit(table, bad)"))


def _logit(sm: Any, labels: NDArray[np.float64], design: pd.DataFrame) -> Any:
    import warnings

    from statsmodels.tools import sm_exceptions

    try:
        with warnings.catch_warnings():
            for kind in (sm_exceptions.PerfectSeparationWarning, sm_exceptions.ConvergenceWarning):
                warnings.simplefilter("error", kind)
            return sm.Logit(labels, design).fit(disp=0, maxiter=100)
    except np.linalg.LinAlgError as error:
        raise CourseError(_("逻辑回归算不出来：有两列说的是同一件事，请去掉一列")) from error
    except (sm_exceptions.PerfectSeparationWarning, sm_exceptions.ConvergenceWarning) as error:
        raise CourseError(
            _("逻辑回归不收敛：这些列把好坏客户完全分开了，请检查有没有一列是事后才知道的，或增加客户")
        ) from error


# --------------------------------------------------------------------------------------------------- how good is a score


@dataclass(frozen=True)
class Discrimination:
    """How well a score tells good from bad.

    Attributes
    ----------
    auc : chance (0-1) that a good customer scores higher than a bad one, ties count half
    gini : 2 · auc − 1 (accuracy ratio)
    ks : greatest gap between the shares of bads and of goods at or below a score (0-1)
    cutoff : the score of that gap

    >>> discrimination([1, 2, 3, 4], [1, 1, 0, 0]).gini
    1.0
    """

    auc: float
    gini: float
    ks: float
    cutoff: float


def discrimination(score: Any, bad: Any) -> Discrimination:
    """AUC, Gini and KS of a score (higher is safer).

    >>> found = discrimination([500, 520, 560, 600, 640], [1, 0, 1, 0, 0])
    >>> round(found.auc, 4), round(found.ks, 4), found.cutoff
    (0.8333, 0.6667, 560.0)
    """
    scores, bads = scoring.same_rows(score=score, bad=bad)
    bads = _bads(bads, len(scores))
    auc, gap = scoring.auc(scores, 1 - bads), scoring.ks(scores, bads)
    return Discrimination(auc, 2 * auc - 1, gap.value, gap.cutoff)


def psi_table(expected: Any, actual: Any, *, bins: int | Sequence[float] = 10) -> pd.DataFrame:
    """Shares of two groups of customers by bin and each bin's part of the PSI.

    Parameters
    ----------
    expected, actual : values of one score or feature then (when the scorecard was made) and now
    bins : as for :func:`woe`; the edges come from ``expected``

    Returns
    -------
    DataFrame, index bin: ``expected``, ``actual`` (shares) and ``psi``. An empty share is taken as half a customer.

    >>> psi_table([1, 2, 3, 4], [3, 4, 4, 4], bins=[2])["psi"].round(3).to_list()
    [0.52, 0.347]
    """
    then, now = _values(expected), _values(actual)
    if then.empty or now.empty:
        raise CourseError(_("expected 与 actual 都至少要有一个值"))
    edges = _edges(then, bins)
    counts = pd.DataFrame(
        {name: _cut(values, edges).astype(str).value_counts() for name, values in (("expected", then), ("actual", now))}
    ).fillna(0)
    order = [
        name for name in _cut(pd.concat([then, now], ignore_index=True), edges).cat.categories if name in counts.index
    ]
    counts = counts.loc[order].rename_axis("bin")
    shares = counts / counts.sum()
    sound = counts.clip(lower=0.5) / counts.sum()
    part = (sound["actual"] - sound["expected"]) * np.log(sound["actual"] / sound["expected"])
    return shares.assign(psi=part)


def psi(expected: Any, actual: Any, *, bins: int | Sequence[float] = 10) -> float:
    """Population stability index: Σ (actual − expected) · ln(actual / expected) over the shares by bin.

    Rule of thumb: below .1 the customers are still the same, .1 to .25 look closer, above .25 build the card anew.

    >>> psi(range(100), range(100))
    0.0
    """
    return float(psi_table(expected, actual, bins=bins)["psi"].sum())
