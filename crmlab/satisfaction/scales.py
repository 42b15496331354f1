"""Is the questionnaire sound? Reliability and validity of multi-item scales.

Sources: L. J. Cronbach, "Coefficient alpha and the internal structure of tests", *Psychometrika* 16 (3), 1951, 297-334;
C. Fornell, D. F. Larcker, "Evaluating Structural Equation Models with Unobservable Variables and Measurement Error",
*Journal of Marketing Research* 18 (1), 1981, 39-50 (composite reliability, average variance extracted);
J. Henseler, C. M. Ringle, M. Sarstedt, "A new criterion for assessing discriminant validity in variance-based
structural equation modeling", *Journal of the Academy of Marketing Science* 43 (1), 2015, 115-135 (HTMT);
H. F. Kaiser, "An index of factorial simplicity", *Psychometrika* 39 (1), 1974, 31-36 (KMO); M. S. Bartlett, "Tests of
significance in factor analysis", *British Journal of Psychology, Statistical Section* 3 (2), 1950, 77-85.

Standard deviations and variances have ddof 1. A respondent who left out an item is left out (listwise deletion).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

Array = NDArray[np.float64]


# ------------------------------------------------------------------------------------------------------- reliability


def cronbach_alpha(
    items: Any, reverse: Iterable[Any] = (), low: float | None = None, high: float | None = None
) -> float:
    """Cronbach's alpha of the items of one scale: ``k/(k−1) · (1 − Σ s²ᵢ / s²_total)``, raw, ddof 1.

    Parameters
    ----------
    items : DataFrame or two-dimensional array, one row a respondent, one column an item; answers may be missing
        (the respondent is left out)
    reverse : names of the items worded the other way round; they are turned before anything else is computed
    low, high : ends of the scale, if answers off it shall be refused. Turning needs neither: alpha is the same for
        ``low + high − x`` and for ``−x``.

    Returns
    -------
    float, at most 1; it can be negative, which mostly means that a reversed item was forgotten.

    Raises
    ------
    CourseError : fewer than two items or complete respondents, an answer is no number or off the scale, an unknown
        item in ``reverse``, or nobody differs from anybody.

    Examples
    --------
    >>> answers = pd.DataFrame({"x1": [4, 3, 5, 2, 4], "x2": [4, 2, 5, 2, 5], "x3": [2, 3, 1, 5, None]})
    >>> round(cronbach_alpha(answers, reverse=["x3"], low=1, high=5), 4)
    0.9698
    """
    return _alpha(_scale(items, reverse, low, high).cov().to_numpy())


def item_analysis(
    items: Any, reverse: Iterable[Any] = (), low: float | None = None, high: float | None = None
) -> pd.DataFrame:
    """Which item weakens the scale? One row an item; parameters as for :func:`cronbach_alpha`.

    Returns
    -------
    DataFrame, index the items, columns ``mean`` and ``sd`` (as answered, before turning),
    ``item_total`` (correlation of the item with the sum of the others; below .3 is weak; missing if the item or the
    others never vary),
    ``alpha_if_deleted`` (alpha of the others: if it is above the alpha of all, the item does not belong; missing for
    a scale of two items).

    Examples
    --------
    >>> answers = pd.DataFrame({"x1": [4, 3, 5, 2, 4], "x2": [4, 2, 5, 2, 5], "x3": [3, 4, 3, 3, 4]})
    >>> item_analysis(answers).round(3)
        mean     sd  item_total  alpha_if_deleted
    x1   3.6  1.140       0.832            -0.080
    x2   3.6  1.517       0.808            -0.133
    x3   3.4  0.548      -0.071             0.925
    """
    scale = _scale(items, reverse, low, high)
    cov = scale.cov().to_numpy()
    answered = scale * np.where(scale.columns.isin(list(reverse)), -1, 1)
    k = len(cov)
    rest = cov.sum(axis=0) - np.diag(cov)  # covariance of each item with the sum of the others
    rest_variance = cov.sum() - 2 * cov.sum(axis=0) + np.diag(cov)
    spread = np.sqrt(np.diag(cov) * rest_variance)
    without = [_alpha(np.delete(np.delete(cov, i, 0), i, 1)) if k > 2 else np.nan for i in range(k)]
    return pd.DataFrame(
        {
            "mean": answered.mean(),
            "sd": answered.std(),
            "item_total": np.divide(rest, spread, out=np.full(k, np.nan), where=spread > 0),
            "alpha_if_deleted": without,
        },
        index=scale.columns,
    )


def composite_reliability(loadings: Any) -> float:
    """Composite reliability (Dillon-Goldstein's ρ) of one construct: ``(Σλ)² / ((Σλ)² + Σ(1 − λ²))``.

    Parameters
    ----------
    loadings : standardised loadings λ of its items, −1 to 1 (for example ``model.outer_.loc[items, "loading"]``)

    Returns
    -------
    float, 0 to 1; .7 and more is commonly asked for.

    Examples
    --------
    >>> round(composite_reliability([0.8, 0.8, 0.8]), 4)
    0.8421
    """
    found = inputs.vector(loadings, "loadings", low=-1, high=1)
    common = found.sum() ** 2
    noise = float(np.sum(1 - found**2))
    if common + noise <= 0:
        raise CourseError(_("loadings 一正一负正好抵消，组合信度没有定义：请先把反向题反向计分"))
    return float(common / (common + noise))


def average_variance_extracted(loadings: Any) -> float:
    """Average variance extracted (AVE) of one construct: the mean of its squared standardised loadings.

    Parameters
    ----------
    loadings : standardised loadings of its items, −1 to 1

    Returns
    -------
    float, 0 to 1; .5 and more means that the items hold more of the construct than of noise. Discriminant validity
    after Fornell and Larcker: AVE exceeds the squared correlation with every other construct.

    Examples
    --------
    >>> round(average_variance_extracted([0.8, 0.7, 0.6]), 4)
    0.4967
    """
    return float(np.mean(inputs.vector(loadings, "loadings", low=-1, high=1) ** 2))


# ---------------------------------------------------------------------------------------------------------- validity


def htmt(items: pd.DataFrame, blocks: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Heterotrait-monotrait ratio of correlations: do two constructs measure different things?

    Mean absolute correlation between the items of two constructs, over the geometric mean of the mean absolute
    correlations within each. Below .85 (strict) or .90 the two are told apart.

    Parameters
    ----------
    items : DataFrame, one row a respondent
    blocks : construct → its columns, at least two each

    Returns
    -------
    DataFrame, constructs × constructs, symmetric, 1 on the diagonal.

    Raises
    ------
    CourseError : a construct has fewer than two items, or a column is missing, no number, or never varies.

    Examples
    --------
    >>> answers = pd.DataFrame({"q1": [1, 2, 3, 4], "q2": [2, 1, 3, 4], "s1": [4, 1, 3, 2], "s2": [3, 1, 4, 2]})
    >>> htmt(answers, {"质量": ["q1", "q2"], "服务": ["s1", "s2"]}).round(3)
           质量     服务
    质量  1.000  0.312
    服务  0.312  1.000
    """
    lists = {name: list(columns) for name, columns in blocks.items()}
    for name, columns in lists.items():
        if len(columns) < 2:
            raise CourseError(
                _("潜变量 {name} 只有 {n} 道题：HTMT 要求每个潜变量至少两道题").format(name=name, n=len(columns))
            )
    inputs.frame(items, _("调查数据"), [column for columns in lists.values() for column in columns])
    r = _correlations(_scale(items[[c for columns in lists.values() for c in columns]])).abs()
    within = {name: (r.loc[c, c].to_numpy().sum() - len(c)) / (len(c) * (len(c) - 1)) for name, c in lists.items()}
    ratio = pd.DataFrame(1.0, index=list(lists), columns=list(lists))
    for a in lists:
        for b in lists:
            if a != b:
                ratio.loc[a, b] = r.loc[lists[a], lists[b]].to_numpy().mean() / np.sqrt(within[a] * within[b])
    return ratio


@dataclass(frozen=True)
class Adequacy:
    """What :func:`kmo_bartlett` found.

    Attributes
    ----------
    kmo : Kaiser-Meyer-Olkin measure of all items, 0 to 1 (.6 is the usual least, .8 is good)
    by_item : Series, the measure of each item
    chi_square, df, p : Bartlett's test that no item correlates with any other

    Examples
    --------
    >>> float(Adequacy(kmo=0.82, by_item=pd.Series({"x1": 0.82}), chi_square=120.5, df=3, p=1e-9))
    0.82
    """

    kmo: float
    by_item: pd.Series
    chi_square: float
    df: int
    p: float

    def __float__(self) -> float:
        return self.kmo


def kmo_bartlett(items: Any) -> Adequacy:
    """Is a factor analysis of these items worth while? KMO measure and Bartlett's test of sphericity.

    KMO = Σr² / (Σr² + Σq²) over all pairs, with r the correlations and q the partial correlations given all other
    items. Bartlett: χ² = −(n − 1 − (2k + 5)/6) · ln|R| with k(k − 1)/2 degrees of freedom.

    Parameters
    ----------
    items : DataFrame or two-dimensional array, one row a respondent, one column an item

    Returns
    -------
    Adequacy with ``kmo``, ``by_item``, ``chi_square``, ``df``, ``p``; ``float(result)`` is the KMO.

    Raises
    ------
    CourseError : as :func:`cronbach_alpha`; or an item follows exactly from the others.

    Examples
    --------
    >>> answers = pd.DataFrame({"x1": [4, 3, 5, 2, 4, 1], "x2": [4, 2, 5, 2, 5, 1], "x3": [3, 3, 4, 1, 4, 2]})
    >>> result = kmo_bartlett(answers)
    >>> round(result.kmo, 3), round(result.chi_square, 2), result.df
    (0.737, 10.33, 3)
    """
    from scipy.special import chdtrc

    scale = _scale(items)
    correlations = _correlations(scale)
    r = correlations.to_numpy()
    n, k = scale.shape
    if n <= k or np.linalg.matrix_rank(r) < k:
        raise CourseError(
            _("有题目可以由其他题目精确算出，或答卷数 {n} 不多于题目数 {k}：请去掉重复的题目或增加答卷").format(
                n=n, k=k
            )
        )
    inverse = np.linalg.inv(r)
    partial = inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    r2, q2 = (np.square(m - np.diag(np.diag(m))) for m in (r, partial))
    df = k * (k - 1) // 2
    chi_square = -(n - 1 - (2 * k + 5) / 6) * np.linalg.slogdet(r)[1]
    return Adequacy(
        kmo=float(r2.sum() / (r2.sum() + q2.sum())),
        by_item=pd.Series(r2.sum(axis=0) / (r2 + q2).sum(axis=0), index=scale.columns, name="kmo"),
        chi_square=float(chi_square),
        df=df,
        p=float(chdtrc(df, chi_square)),
    )


# ------------------------------------------------------------------------------------------------------------ shared


def _alpha(cov: Array) -> float:
    k, total = len(cov), cov.sum()
    if total <= 1e-12 * np.trace(cov) or k < 2:
        raise CourseError(_("所有人的总分都相同，信度没有定义：请检查是否漏了反向计分，或答卷是否都一样"))
    return float(k / (k - 1) * (1 - np.trace(cov) / total))


def _correlations(scale: pd.DataFrame) -> pd.DataFrame:
    flat = scale.columns[np.ptp(scale.to_numpy(), axis=0) == 0]
    if len(flat):
        raise CourseError(
            _("列 {column} 的答案全是 {value:g}，没有差异，算不出相关系数：请去掉这一列").format(
                column=flat[0], value=scale[flat[0]].iloc[0]
            )
        )
    return scale.corr()


def _scale(
    items: Any, reverse: Iterable[Any] = (), low: float | None = None, high: float | None = None
) -> pd.DataFrame:
    """The answers of the complete respondents as floats, reversed items turned (x → −x)."""
    table = inputs.frame(_table(items), _("量表数据"))
    inputs.frame(table, _("量表数据"), table.columns)
    least = -np.inf if low is None else inputs.number(low, "low")
    most = np.inf if high is None else inputs.number(high, "high", above=least)
    found = pd.DataFrame({item: _answers(table, item, least, most) for item in table.columns})
    turned = [reverse] if isinstance(reverse, str) else list(reverse)
    unknown = [str(item) for item in turned if item not in found.columns]
    if unknown:
        raise CourseError(
            _("reverse 里的 {items} 不在量表里：现有的题目是 {have}").format(
                items=_("、").join(unknown), have=_("、").join(map(str, found.columns))
            )
        )
    found = found.dropna()
    if found.shape[1] < 2 or len(found) < 2:
        raise CourseError(
            _("量表有 {k} 道题、{n} 份完整答卷：至少要有两道题、两份完整答卷").format(k=found.shape[1], n=len(found))
        )
    found[turned] = -found[turned]
    return found


def _table(items: Any) -> pd.DataFrame:
    if isinstance(items, pd.DataFrame):
        return items
    try:
        answers = np.asarray(items, dtype=float)
    except (ValueError, TypeError) as error:
        raise CourseError(_("量表数据应是 DataFrame，或每行一样长的数字表：请检查各行")) from error
    if answers.ndim != 2:
        raise CourseError(_("量表数据应是两维的表（一行一份答卷，一列一道题），现在是 {n} 维").format(n=answers.ndim))
    return pd.DataFrame(answers)


def _answers(table: pd.DataFrame, item: Any, low: float, high: float) -> pd.Series:
    """One item as floats with gaps; a filler takes the place of the gaps while the answers are checked."""
    present = table[item].notna()
    filler = next((bound for bound in (low, high) if np.isfinite(bound)), 0.0)
    filled = table[item].astype(object).where(present, filler).to_frame(item)
    return inputs.numbers(filled, item, low=low, high=high).where(present.to_numpy())
