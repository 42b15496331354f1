"""Partial least squares path modelling: the method behind ACSI, ECSI and most national satisfaction indices.

Latent variables (image, expectation, quality, value, satisfaction, loyalty, …) are weighted sums of their items. The
weights alternate between two views of each latent until both agree: from outside, the sum of its items; from inside,
the sum of the latents it is linked to. Everything the algorithm needs is the covariance matrix of the items, so it runs
on stacks of such matrices too: that makes the bootstrap quick.

Conventions are those of the R package `plspm` (G. Sanchez, L. Trinchera, G. Russolillo): standard deviations with
ddof 0, start from equal weights, latents of mean 0 and variance 1, stop when the squared change of all weights is below
``tol``.

Sources: M. Tenenhaus, V. Esposito Vinzi, Y.-M. Chatelin, C. Lauro, "PLS path modeling", *Computational Statistics &
Data Analysis* 48 (1), 2005, 159-205; J.-B. Lohmöller, *Latent Variable Path Modeling with Partial Least Squares*,
Physica-Verlag, 1989; C. Fornell et al., "The American Customer Satisfaction Index", *Journal of Marketing* 60 (4), 1996,
7-18 (the index of 0 to 100).
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.satisfaction import algorithm
from crmlab.satisfaction.algorithm import Array, Estimate
from crmlab.satisfaction.design import Design, Links, design

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMES = ("path", "centroid", "factorial")
SCALES = ((1, 5), (1, 7), (1, 10), (0, 10), (0, 100))
_CELLS = 4_000_000  # numbers of resampled answers held in memory at a time


class PLSPathModel:
    """A path model with latent variables, estimated by partial least squares.

    Parameters
    ----------
    paths : which latent drives which, without circles: dict cause → list of effects; or pairs (cause, effect); or a
        square DataFrame of 0 and 1 with 1 where the column drives the row (as in the R package ``plspm``)
    blocks : dict latent → list of its columns; its order is the order of the latents everywhere
    modes : "A" (reflective: the items mirror the latent) or "B" (formative: the items make it up), for all, or a dict
        latent → mode, or a list in the order of the blocks
    scheme : inner weights: "path" (causes by regression, effects by correlation), "centroid" (sign of the
        correlation), "factorial" (the correlation)
    scaled : standardise the items (True), or centre them only (False: right if all share one scale and their variances
        mean something)
    low, high : ends of the answering scale, for the indices; by default the narrowest of 1-5, 1-7, 1-10, 0-10, 0-100
        that holds every answer
    tol, max_iter : stop when the squared change of the weights, summed over the items, is below ``tol``

    Attributes after :meth:`fit`
    ----------------------------
    outer_ : DataFrame, index the items: ``block``, ``weight`` (of the treated item in the latent), ``loading``
        (correlation with the latent), ``communality`` (its square), ``redundancy`` (communality × R² of the latent)
    crossloadings_ : DataFrame, correlations of items with all latents
    scores_ : DataFrame, one row a respondent, one column a latent, mean 0, variance 1 (ddof 0)
    paths_ : DataFrame, latents × latents, path coefficient of the column's latent on the row's latent, 0 if no path
    r_squared_ : Series, latents that have a cause
    inner_ : DataFrame, one row a path ("cause -> effect"): ``from``, ``to``, ``estimate``, ``std_error``, ``t``, ``p``
        (ordinary least squares on the scores; :meth:`bootstrap` does not lean on its assumptions)
    effects_ : DataFrame, one row a pair that is linked: ``from``, ``to``, ``direct``, ``indirect``, ``total``
    unidimensionality_ : DataFrame, index the latents: ``mode``, ``items``, ``alpha`` (Cronbach's, of the standardised
        items), ``rho`` (Dillon-Goldstein's), ``eig_1``, ``eig_2`` (first eigenvalues of the block's correlations: one
        latent if only the first is above 1). Missing where it says nothing: alpha and rho of mode B and of one item.
    gof_ : float, goodness of fit: √(mean communality over the blocks of two items or more × mean R²)
    iterations_ : int

    Signs: a latent points the way most of its items do (at a tie, as the item with the strongest correlation).

    Raises
    ------
    CourseError : the model contradicts itself (circle, unknown latent, a column in two blocks, …), an answer is missing
        or no number, an item never varies, items of a formative block are collinear, or the weights do not settle.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> quality = rng.normal(size=200)
    >>> satisfaction = 0.8 * quality + 0.6 * rng.normal(size=200)
    >>> answers = pd.DataFrame(
    ...     {f"{name}{i}": (7 + 1.5 * latent + rng.normal(size=200)).round().clip(1, 10)
    ...      for name, latent in (("质量", quality), ("满意", satisfaction)) for i in (1, 2, 3)})
    >>> model = PLSPathModel({"质量": ["满意"]},
    ...                      {name: [f"{name}{i}" for i in (1, 2, 3)] for name in ("质量", "满意")}).fit(answers)
    >>> model.summary[["alpha", "ave", "r_squared", "index"]].round(3)
        alpha    ave  r_squared   index
    质量  0.787  0.701        NaN  63.909
    满意  0.838  0.755      0.377  64.079
    >>> round(float(model.paths_.loc["满意", "质量"]), 3), round(model.gof_, 3)
    (0.614, 0.524)
    """

    outer_: pd.DataFrame
    crossloadings_: pd.DataFrame
    scores_: pd.DataFrame
    paths_: pd.DataFrame
    r_squared_: pd.Series
    inner_: pd.DataFrame
    effects_: pd.DataFrame
    unidimensionality_: pd.DataFrame
    gof_: float
    iterations_: int

    def __init__(
        self,
        paths: Any,
        blocks: Mapping[str, Iterable[str]],
        modes: str | Mapping[str, str] = "A",
        scheme: str = "path",
        scaled: bool = True,
        *,
        low: float | None = None,
        high: float | None = None,
        tol: float = 1e-6,
        max_iter: int = 300,
    ) -> None:
        self._design = design(paths, blocks, modes)
        self.scheme = inputs.choice(scheme, "scheme", SCHEMES)
        self.scaled = bool(scaled)
        self.tol = inputs.number(tol, "tol", above=0)
        self.max_iter = inputs.whole(max_iter, "max_iter", low=1)
        if (low is None) != (high is None):
            raise CourseError(_("low 和 high 要么都写，要么都不写：它们是量表的最低分和最高分"))
        self.low = None if low is None else inputs.number(low, "low")
        self.high = None if high is None or self.low is None else inputs.number(high, "high", above=self.low)

    # ------------------------------------------------------------------------------------------------------- fitting

    def fit(self, data: pd.DataFrame) -> Self:
        """Estimate the model from answers, one row a respondent; columns that are in no block are left alone."""
        model = self._design
        answers = _answers(data, model, self.low, self.high)
        spread = answers.std(axis=0)
        treated = (answers - answers.mean(axis=0)) / (spread if self.scaled else 1.0)
        cov = treated.T @ treated / len(treated)
        _check_blocks(cov, model)
        weights, iterations, change = self._weigh(cov)
        if not change < self.tol:
            raise CourseError(
                _(
                    "迭代 {n} 次权重仍未稳定（平方变化 {change:.2g}，要求小于 {tol:g}）：请检查各潜变量的题目是否同方向、潜变量之间是否真的相关，或增大 max_iter"
                ).format(n=iterations, change=float(change), tol=self.tol)
            )
        found = algorithm.estimate(cov, weights, model)
        _check_causes(found.correlations, model)
        self.iterations_ = iterations
        self._answers = pd.DataFrame(answers, index=data.index, columns=model.items)
        self._spread, self._estimate = spread, found
        self.scores_ = pd.DataFrame(treated @ found.weights, index=data.index, columns=model.latents)
        self._tabulate(cov)
        return self

    def _weigh(self, cov: Array) -> tuple[Array, int, Array]:
        return algorithm.outer_weights(cov, self._design, self.scheme, self.tol, self.max_iter)

    def _tabulate(self, cov: Array) -> None:
        model, found = self._design, self._estimate
        self.crossloadings_ = pd.DataFrame(found.crossloadings, index=model.items, columns=model.latents)
        self.paths_ = pd.DataFrame(found.paths, index=model.latents, columns=model.latents)
        self.r_squared_ = pd.Series(found.r_squared, index=model.latents, name="r_squared")[model.driven]
        communality = found.loadings**2
        self.outer_ = pd.DataFrame(
            {
                "block": model.block_names,
                "weight": found.weights.sum(axis=1),
                "loading": found.loadings,
                "communality": communality,
                "redundancy": communality * found.r_squared[model.block_of],
            },
            index=model.items,
        )
        self.inner_ = _inner_table(found, model, len(self.scores_))
        self.effects_ = _effects_table(found, model)
        self.unidimensionality_ = _unidimensionality(cov, model)
        shared = model.member.sum(axis=0)[model.block_of] > 1  # an item alone in its block is its latent
        fit = communality[shared].mean() * self.r_squared_.mean() if shared.any() else np.nan
        self.gof_ = float(np.sqrt(fit))

    def _fitted(self) -> None:
        if not hasattr(self, "outer_"):
            raise CourseError(_("模型还没有估计：请先调用 fit(data)"))

    # ------------------------------------------------------------------------------------------------------- results

    @property
    def summary(self) -> pd.DataFrame:
        """One row a latent: mode, number of items, reliability, validity, R² and index.

        Columns of ``unidimensionality_``, then ``communality`` and ``redundancy`` (means over the items), ``ave``
        (average variance extracted; mode A), ``r_squared``, ``r_squared_adj`` (missing if nothing drives the latent),
        ``index`` (0 to 100; missing if the scale is unknown).
        """
        self._fitted()
        latents = self._design.latents
        table = self.unidimensionality_.copy()
        means = self.outer_.groupby("block")[["communality", "redundancy"]].mean().reindex(latents)
        table[["communality", "redundancy"]] = means
        table["ave"] = means["communality"].mask(self._design.formative)
        table["r_squared"] = self.r_squared_
        n, causes = len(self.scores_), self._design.inner.sum(axis=1)
        table["r_squared_adj"] = 1 - (1 - table["r_squared"]) * (n - 1) / (n - causes - 1)
        table["index"] = self.indices_ if self._ends() else np.nan
        return table

    @property
    def indices_by_respondent_(self) -> pd.DataFrame:
        """Index of 0 to 100 of each latent for each respondent, in the form of ACSI and ECSI.

        ``100 (Σ w̃·x − Σ w̃·low) / Σ w̃·(high − low)`` with w̃ the weights of the answers as given (unstandardised).
        An item with a negative weight counts from the other end of the scale, so that 0 and 100 are always the least
        and the most that can be answered.
        """
        self._fitted()
        ends = self._ends()
        if ends is None:
            raise CourseError(
                _("答案在 {least:g} 到 {most:g} 之间，看不出量表的两端：请在 PLSPathModel 里写明 low= 和 high=").format(
                    least=self._answers.min(axis=None), most=self._answers.max(axis=None)
                )
            )
        low, high = ends
        raw = self._estimate.weights / (self._spread[:, None] if self.scaled else 1.0)
        share = (self._answers.to_numpy() - low) / (high - low)
        least = np.minimum(raw, 0).sum(axis=0)  # where the items of negative weight stand at ``high``
        return pd.DataFrame(
            100 * (share @ raw - least) / np.abs(raw).sum(axis=0),
            index=self._answers.index,
            columns=self._design.latents,
        )

    @property
    def indices_(self) -> pd.Series:
        """Index of 0 to 100 of each latent: the mean of ``indices_by_respondent_``."""
        return self.indices_by_respondent_.mean().rename("index")

    def _ends(self) -> tuple[float, float] | None:
        if self.low is not None and self.high is not None:
            return self.low, self.high
        least, most = self._answers.min(axis=None), self._answers.max(axis=None)
        return next(((low, high) for low, high in SCALES if low <= least and most <= high), None)

    def bootstrap(self, n: int = 200, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
        """How sure are the estimates? Refit on ``n`` samples of the respondents, drawn with replacement.

        Each resample's latents are turned to the side of the fitted ones (their loadings agree in sign); resamples that
        cannot be estimated (an item without variance, weights that do not settle) are left out.

        Parameters
        ----------
        n : number of resamples
        seed : of the draws; the same seed gives the same table
        level : of the percentile interval, 0 to 1

        Returns
        -------
        DataFrame, index (``kind``, ``name``) with the kinds path, total (effect), r_squared, weight, loading; columns
        ``estimate`` (of the fit), ``mean``, ``std_error``, ``t`` (estimate / std_error), ``low``, ``high``.
        ``result.attrs["resamples"]`` is the number of resamples used.
        """
        self._fitted()
        n = inputs.whole(n, "n", low=2)
        seed = inputs.whole(seed, "seed", low=0)
        level = inputs.number(level, "level", above=0, below=1)
        names, fitted = _statistics(self._estimate, self._design)
        draws = self._resample(n, np.random.default_rng(seed))
        if len(draws) < 2:
            raise CourseError(_("自助样本几乎都估计不出来：答卷太少或有题目几乎没有差异，请增加答卷或去掉这样的题目"))
        spread = draws.std(axis=0, ddof=1)
        table = pd.DataFrame(
            {
                "estimate": fitted,
                "mean": draws.mean(axis=0),
                "std_error": spread,
                "t": np.divide(fitted, spread, out=np.full(len(fitted), np.nan), where=spread > 1e-12),
                "low": np.quantile(draws, (1 - level) / 2, axis=0),
                "high": np.quantile(draws, (1 + level) / 2, axis=0),
            },
            index=pd.MultiIndex.from_tuples(names, names=["kind", "name"]),
        )
        table.attrs["resamples"] = len(draws)
        return table

    def _resample(self, n: int, rng: np.random.Generator) -> Array:
        """Statistics of the usable resamples, shape (resamples, statistics)."""
        answers = self._answers.to_numpy()
        rows, columns = answers.shape
        at_a_time = max(1, _CELLS // (rows * columns))
        draws = []
        for start in range(0, n, at_a_time):
            drawn = answers[rng.integers(rows, size=(min(at_a_time, n - start), rows))]
            drawn = drawn - drawn.mean(axis=1, keepdims=True)
            cov = np.swapaxes(drawn, 1, 2) @ drawn / rows
            spread = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
            varied = (spread > 1e-9 * self._spread).all(axis=1)
            cov, spread = cov[varied], spread[varied]
            if self.scaled:
                cov = cov / (spread[:, :, None] * spread[:, None, :])
            weights, _iterations, change = self._weigh(cov)
            settled = change < self.tol
            found = algorithm.estimate(cov[settled], weights[settled], self._design, like=self._estimate.loadings)
            draws.append(_statistics(found, self._design)[1])
        return np.concatenate(draws)

    def plot(self) -> "Figure":
        """The path diagram: latents with their R², arrows with their coefficients, thicker where stronger."""
        from crmlab.satisfaction.diagram import path_diagram

        self._fitted()
        return path_diagram(self.paths_, self.r_squared_)

    def __repr__(self) -> str:
        latents = ", ".join(map(str, self._design.latents))
        return f"PLSPathModel({latents}; scheme={self.scheme!r}, scaled={self.scaled})"


# ------------------------------------------------------------------------------------------------------------- checks


def _answers(data: Any, model: Design, low: float | None, high: float | None) -> Array:
    """The items as floats, shape (respondents, items), each with some variance."""
    inputs.frame(data, _("调查数据"), model.items)
    least, most = -np.inf if low is None else low, np.inf if high is None else high
    answers = np.column_stack([inputs.numbers(data, item, low=least, high=most) for item in model.items])
    needed = int(model.inner.sum(axis=1).max()) + 2
    if len(answers) < needed:
        raise CourseError(
            _("只有 {n} 份答卷，这个模型至少要 {needed} 份：请增加答卷").format(n=len(answers), needed=needed)
        )
    flat = np.ptp(answers, axis=0) == 0
    if flat.any():
        at = int(np.argmax(flat))
        raise CourseError(
            _("列 {column} 的答案全是 {value:g}，没有差异，进不了模型：请去掉这一列").format(
                column=model.items[at], value=answers[0, at]
            )
        )
    return answers


def _check_blocks(cov: Array, model: Design) -> None:
    for j, name in enumerate(model.latents):
        block = cov[model.block(j)]
        told = {"name": name, "items": _("、").join(str(model.items[i]) for i in np.flatnonzero(model.member[:, j]))}
        if block.sum() <= 1e-12 * np.trace(block):
            raise CourseError(_("潜变量 {name} 的题目 {items} 一正一反、正好抵消：请先把反向题反向计分").format(**told))
        if model.formative[j] and np.linalg.matrix_rank(block, hermitian=True) < len(block):
            raise CourseError(
                _(
                    "潜变量 {name} 是形成型（mode B），但它的题目 {items} 完全共线，权重不能确定：请去掉重复的题目，或改用 mode A"
                ).format(**told)
            )


def _check_causes(r: Array, model: Design) -> None:
    for effect in np.flatnonzero(model.driven):
        causes = np.flatnonzero(model.inner[effect])
        if np.linalg.matrix_rank(r[np.ix_(causes, causes)], tol=1e-9, hermitian=True) < len(causes):
            raise CourseError(
                _("{effect} 的原因 {causes} 完全共线，路径系数不能确定：请合并内容重复的潜变量").format(
                    effect=model.latents[effect], causes=_("、").join(str(model.latents[j]) for j in causes)
                )
            )


# ------------------------------------------------------------------------------------------------------------- tables


def _arrow(cause: str, effect: str) -> str:
    return f"{cause} -> {effect}"


def _pick(matrix: Array, links: Links) -> Array:
    """Entries of (…, effect, cause) where ``links`` is True, in the order of ``Design.pairs``."""
    return np.swapaxes(matrix, -1, -2)[..., links.T]


def _statistics(found: Estimate, model: Design) -> tuple[list[tuple[str, str]], Array]:
    """Names (kind, name) and values (…, statistics) of everything the bootstrap looks at."""
    parts = (
        ("path", [_arrow(*pair) for pair in model.pairs(model.inner)], _pick(found.paths, model.inner)),
        ("total", [_arrow(*pair) for pair in model.pairs(model.linked)], _pick(found.total, model.linked)),
        ("r_squared", [model.latents[j] for j in np.flatnonzero(model.driven)], found.r_squared[..., model.driven]),
        ("weight", model.items, found.weights.sum(axis=-1)),
        ("loading", model.items, found.loadings),
    )
    names = [(kind, name) for kind, some, _values in parts for name in some]
    return names, np.concatenate([values for _kind, _names, values in parts], axis=-1)


def _effects_table(found: Estimate, model: Design) -> pd.DataFrame:
    pairs = model.pairs(model.linked)
    direct, total = _pick(found.paths, model.linked), _pick(found.total, model.linked)
    return pd.DataFrame(
        {
            "from": [cause for cause, _effect in pairs],
            "to": [effect for _cause, effect in pairs],
            "direct": direct,
            "indirect": total - direct,
            "total": total,
        },
        index=[_arrow(*pair) for pair in pairs],
    )


def _inner_table(found: Estimate, model: Design, n: int) -> pd.DataFrame:
    """The regressions of the scores: these have variance 1, so coefficients and errors follow from correlations."""
    from scipy.special import stdtr

    rows = {}
    for effect in np.flatnonzero(model.driven):
        causes = np.flatnonzero(model.inner[effect])
        freedom = n - len(causes) - 1
        among = np.linalg.inv(found.correlations[np.ix_(causes, causes)])
        noise = max(1 - found.r_squared[effect], 0.0) / freedom
        for cause, share in zip(causes, np.diag(among), strict=True):
            slope, error = found.paths[effect, cause], np.sqrt(noise * share)
            t = slope / error if error > 0 else np.copysign(np.inf, slope)
            pair = model.latents[cause], model.latents[effect]
            rows[_arrow(*pair)] = (*pair, slope, error, t, 2 * stdtr(freedom, -abs(t)))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["from", "to", "estimate", "std_error", "t", "p"])


def _unidimensionality(cov: Array, model: Design) -> pd.DataFrame:
    rows = {}
    for j, name in enumerate(model.latents):
        block = cov[model.block(j)]
        spread = np.sqrt(np.diag(block))
        r, k = block / np.outer(spread, spread), len(block)
        values, vectors = np.linalg.eigh(r)
        first = vectors[:, -1] * np.sqrt(values[-1])  # correlations of the items with their first component
        reflective = k > 1 and not model.formative[j]
        rows[name] = {
            "mode": "B" if model.formative[j] else "A",
            "items": k,
            # Reported as 0 if negative (items that point in opposite directions), as in the R package.
            "alpha": max(0.0, k / (k - 1) * (1 - k / r.sum())) if reflective else np.nan,
            "rho": first.sum() ** 2 / (first.sum() ** 2 + k - (first**2).sum()) if reflective else np.nan,
            "eig_1": values[-1],
            "eig_2": values[-2] if k > 1 else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index")
