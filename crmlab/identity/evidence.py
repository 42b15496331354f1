"""One score a pair from the likeness of its fields: weights made by hand, or weights that the data give.

Sources: I. P. Fellegi & A. B. Sunter, "A Theory for Record Linkage", *Journal of the American Statistical
Association* 64 (328), 1969, 1183-1210; W. E. Winkler, "Using the EM Algorithm for Weight Computation in the
Fellegi-Sunter Model of Record Linkage", *Proceedings of the Section on Survey Research Methods*, American
Statistical Association, 1988, 667-671.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

WEIGHTS = {"name": 3.0, "gender": 0.5, "birth": 3.0, "phone": 4.0, "email": 4.0, "city": 0.5, "address": 2.0}


def weighted_score(likeness: pd.DataFrame, weights: Mapping[str, float] | None = None) -> pd.Series:
    """One score from 0 to 1 a pair: the weighted mean of the likeness of the fields that both records have.

    Parameters
    ----------
    likeness : DataFrame as made by :func:`similarity`
    weights : weight of each field (not negative, not all 0); by default :data:`WEIGHTS`, other fields 1

    Returns
    -------
    Series ``score``, same index; 0 where no field can be compared.

    >>> pair = pd.DataFrame({"left": ["R1"], "right": ["R2"], "name": [1.0], "phone": [0.5], "email": [np.nan]})
    >>> weighted_score(pair, {"name": 1, "phone": 3, "email": 4}).to_list()
    [0.625]
    """
    fields = _fields(likeness)
    if weights is None:
        weights = {field: WEIGHTS.get(field, 1.0) for field in fields}
    inputs.frame(fields, _("相似度表"), weights)
    weight = inputs.vector(list(weights.values()), "weights", low=0)
    if not weight.sum() > 0:
        raise CourseError(_("weights 全是 0：至少给一列大于 0 的权重"))
    used = fields[list(weights)]
    mass = used.notna().to_numpy() @ weight
    total = used.fillna(0).to_numpy() @ weight
    return pd.Series(np.divide(total, mass, out=np.zeros(len(mass)), where=mass > 0), likeness.index, name="score")


LEVELS = (_("不同"), _("相近"), _("相同"))
NEAR = {"name": 0.6, "birth": 0.7, "phone": 0.8, "email": 0.8, "address": 0.6}  # from here on two values are 相近
_EQUAL = 0.999
_EXTRA = 0.5  # pairs added to each level: one never seen among the matches is unlikely, not impossible


class FellegiSunter:
    """Evidence for "same person" as a sum of weights, after Fellegi & Sunter.

    Each field of a pair is 相同 (same), 相近 (near) or 不同 (different). With m = P(level | same person) and
    u = P(level | different persons) the level weighs log2(m / u), and the weights add up because the fields are taken
    as independent given the truth. A missing field weighs 0. A rare agreement (phone) weighs more than a common one
    (gender), which is what hand-made weights try to say.

    Parameters
    ----------
    near : likeness from which two values are 相近, for each field; by default :data:`NEAR`, other fields .8

    Attributes
    ----------
    params_ : DataFrame, index (field, level), columns ``m`` and ``u``
    prior_ : share of same persons among the pairs
    log_likelihood_ : of the levels under the mixture (natural logarithm)
    iterations_ : steps of EM, 0 if fitted from labels

    >>> same, other = [1.0, 1.0, 0.9], [0.0, 0.9, 0.0]
    >>> pairs = pd.DataFrame({"left": range(6), "right": range(6, 12), "phone": same + other, "name": same[::-1] + other})
    >>> model = FellegiSunter().fit(pairs, [True, True, True, False, False, False])
    >>> bool(model.score(pairs)[:3].min() > model.score(pairs)[3:].max())
    True
    """

    params_: pd.DataFrame
    prior_: float
    log_likelihood_: float
    iterations_: int

    def __init__(self, near: Mapping[str, float] | None = None) -> None:
        self.near = NEAR if near is None else dict(near)
        for field, cut in self.near.items():
            inputs.number(cut, f"near[{field!r}]", above=0, below=1)

    def fit(
        self, likeness: pd.DataFrame, same: Any = None, *, prior: float | None = None, max_iterations: int = 500
    ) -> Self:
        """m and u from labelled pairs, or by EM (Winkler, 1988) where nobody knows the truth.

        Parameters
        ----------
        likeness : DataFrame as made by :func:`similarity`
        same : whether each pair is the same person (True / False); without it EM estimates m, u and the share of matches
        prior : share of matches among the pairs to be judged; by default the share in ``same``, which is wrong
            if the labelled pairs were picked by hand
        max_iterations : of EM

        A probability is (count + ½) / (all + 3 · ½), so that no weight is infinite. EM splits the pairs into the two
        groups that explain the levels best; it finds the matches only if strangers are among the pairs too.
        """
        fields = _fields(likeness)
        levels, self._names = self._levels(fields), list(fields.columns)
        patterns, which, counts = np.unique(levels, axis=0, return_inverse=True, return_counts=True)
        hits = np.stack([patterns == level for level in range(len(LEVELS))], axis=-1).astype(float)
        if same is None:
            m, u, share = self._em(hits, counts.astype(float), max_iterations)
        else:
            labels = _labels(same, len(likeness))
            matches = np.asarray(np.bincount(which.ravel(), labels, len(patterns)), dtype=float)
            m, u = _probabilities(hits, matches), _probabilities(hits, counts - matches)
            share, self.iterations_ = float(labels.mean()), 0
        self.prior_ = share if prior is None else inputs.number(prior, "prior", above=0, below=1)
        self.log_likelihood_ = float(counts @ np.logaddexp(*_log_joint(hits, m, u, self.prior_)))
        index = pd.MultiIndex.from_product([self._names, LEVELS], names=["field", "level"])
        self.params_ = pd.DataFrame({"m": m.ravel(), "u": u.ravel()}, index=index)
        seen = np.einsum("pfl,p->fl", hits, counts)
        self._pairs = pd.Series(seen.ravel().astype(int), index=index)
        return self

    @property
    def summary(self) -> pd.DataFrame:
        """m, u, weight log2(m / u) and number of pairs of every level of every field."""
        self._fitted()
        weight = np.log2(self.params_["m"] / self.params_["u"])
        return self.params_.assign(weight=weight, pairs=self._pairs)

    def score(self, likeness: pd.DataFrame) -> pd.Series:
        """The match weight of each pair in bits: Σ log2(m / u); above 0 the evidence speaks for the same person."""
        self._fitted()
        inputs.frame(likeness, _("相似度表"), self._names)
        levels = self._levels(_fields(likeness[["left", "right", *self._names]]))
        weight = self.summary["weight"].to_numpy().reshape(len(self._names), len(LEVELS))
        picked = np.where(levels >= 0, weight[np.arange(len(self._names)), levels], 0.0)
        return pd.Series(picked.sum(axis=1), likeness.index, name="score")

    def probability(self, likeness: pd.DataFrame) -> pd.Series:
        """Probability (0-1) that each pair is the same person: prior odds × 2^score, as odds."""
        from scipy.special import expit

        odds = np.log(self.prior_ / (1 - self.prior_)) + self.score(likeness) * np.log(2)
        return pd.Series(expit(odds), likeness.index, name="probability")

    def plot(self) -> Any:
        """Bars of the weights: what agreement and disagreement on each field is worth."""
        from crmlab import plots

        seen = self.summary["weight"].where(self._pairs > 0)  # gender is never 相近: no bar
        table = seen.unstack()[list(LEVELS)].loc[self._names[::-1]]
        figure, (ax,) = plots.new_figure(
            _("“{field}”相同最有说服力").format(field=table[LEVELS[-1]].idxmax()), height=0.5 * len(table) + 1.6
        )
        at = np.arange(len(table))
        for shift, level, colour in zip((-0.27, 0, 0.27), LEVELS, (plots.RED, plots.SKY, plots.BLUE), strict=True):
            ax.barh(at + shift, table[level], height=0.25, color=colour, label=level)
        ax.axvline(0, color=plots.INK, lw=1)
        ax.set_yticks(at, list(table.index))
        ax.set_xlabel(_("权重 log2(m/u)，比特"))
        ax.grid(axis="y", visible=False)
        ax.legend(loc="lower left", bbox_to_anchor=(-0.005, 1.0), ncols=3)
        return figure

    def _levels(self, fields: pd.DataFrame) -> NDArray[np.int64]:
        """0 different, 1 near, 2 same, −1 missing; shape (pairs, fields)."""
        cuts = np.array([self.near.get(field, 0.8) for field in fields])
        values = fields.to_numpy()
        levels = (values >= cuts).astype(int) + (values >= np.maximum(cuts, _EQUAL))
        return np.where(np.isnan(values), -1, levels)

    def _em(
        self, hits: NDArray[np.float64], counts: NDArray[np.float64], max_iterations: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Expectation and maximisation in turn over the distinct patterns, until the likelihood stands still."""
        fields = hits.shape[1]
        m, u = np.tile([0.1, 0.1, 0.8], (fields, 1)), np.tile([0.8, 0.1, 0.1], (fields, 1))
        share, before = 0.2, -np.inf
        for step in range(1, inputs.whole(max_iterations, "max_iterations", low=1) + 1):
            match, other = _log_joint(hits, m, u, share)
            both = np.logaddexp(match, other)
            likelihood = float(counts @ both)
            self.iterations_ = step
            if abs(likelihood - before) < 1e-9 * abs(likelihood):
                break
            before = likelihood
            expected = counts * np.exp(match - both)
            m, u = _probabilities(hits, expected), _probabilities(hits, counts - expected)
            share = float((expected.sum() + _EXTRA) / (counts.sum() + 2 * _EXTRA))
        return m, u, share

    def _fitted(self) -> None:
        if not hasattr(self, "params_"):
            raise CourseError(_("模型还没有拟合：请先调用 fit(likeness)"))


def _probabilities(hits: NDArray[np.float64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each level, shape (fields, levels), patterns weighted by ``mass``; missing levels count nowhere."""
    counts = np.einsum("pfl,p->fl", hits, mass) + _EXTRA
    return counts / counts.sum(axis=1, keepdims=True)


def _log_joint(
    hits: NDArray[np.float64], m: NDArray[np.float64], u: NDArray[np.float64], share: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln P(pattern, same person) and ln P(pattern, different persons)."""
    return (
        np.log(share) + np.einsum("pfl,fl->p", hits, np.log(m)),
        np.log1p(-share) + np.einsum("pfl,fl->p", hits, np.log(u)),
    )


def _labels(same: Any, count: int) -> NDArray[np.float64]:
    labels = inputs.vector(same, "same", length=count)
    if not np.isin(labels, (0, 1)).all() or labels.min() == labels.max():
        raise CourseError(_("same 应是 True / False（或 1 / 0），并且两种都要有：每对记录是不是同一个人"))
    return labels


def _fields(likeness: pd.DataFrame) -> pd.DataFrame:
    """The columns of a likeness table that are fields, checked to be 0-1 or missing."""
    inputs.frame(likeness, _("相似度表"), ("left", "right"))
    fields = likeness.drop(columns=["left", "right"])
    if not len(fields.columns):
        raise CourseError(_("相似度表里只有 left 和 right，没有可比较的列：请先用 similarity() 算出各列的相似度"))
    for column in fields:
        numbers = pd.to_numeric(fields[column], errors="coerce")
        bad = (fields[column].notna() & ~numbers.between(0, 1)).to_numpy()
        if bad.any():
            row = int(bad.argmax())
            raise CourseError(
                _("列 {column} 第 {row} 行的 {value} 不是 0 到 1 之间的相似度：请先用 similarity() 计算").format(
                    column=column, row=row + 1, value=inputs.shown(fields[column].iloc[row])
                )
            )
    return fields.astype(float)
