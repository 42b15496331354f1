"""Did it work? Two rates, two means, several variants, and the check that the split itself is sound.

A is the control or the old version, B the new one. Tests are two-sided. A difference is B - A, so that a gain is
positive; the statistics ``z`` and ``t`` keep the sign of A - B, as in the textbooks' example 5/83 against 12/99
(z = -1.408).

Sources: R. Kohavi, D. Tang, Y. Xu, *Trustworthy Online Controlled Experiments*, Cambridge University Press, 2020;
D. Katz, J. Baptista, S. P. Azen, M. C. Pike, "Obtaining Confidence Intervals for the Risk Ratio in Cohort Studies",
*Biometrics* 34, 1978, 469-474 (interval of the relative lift); B. L. Welch, "The Generalization of 'Student's' Problem
when Several Different Population Variances Are Involved", *Biometrika* 34, 1947, 28-35; S. Holm, "A Simple Sequentially
Rejective Multiple Test Procedure", *Scandinavian Journal of Statistics* 6, 1979, 65-70.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Interval = tuple[float, float]


@dataclass(frozen=True)
class ABTest:
    """Two conversion rates compared; made by :func:`ab_test`.

    Attributes:
        rate_a, rate_b: conversion rates, 0-1.
        n_a, n_b: people in each group.
        z: (pA - pB) / s.e. with the pooled rate.
        p_value: two-sided.
        difference: pB - pA, 0-1.
        interval: of the difference, from the unpooled standard error.
        relative_lift: (pB - pA) / pA; missing (nan) when nobody in A converted.
        relative_interval: of the relative lift, from the normal interval of ln(pB / pA); missing when a group has
            no conversion.
        level: confidence level of the intervals.

    >>> ab_test(50, 1000, 80, 1000).significant
    True
    """

    rate_a: float
    rate_b: float
    n_a: int
    n_b: int
    z: float
    p_value: float
    difference: float
    interval: Interval
    relative_lift: float
    relative_interval: Interval
    level: float

    @property
    def significant(self) -> bool:
        """Whether the p value lies below 1 - level. The unpooled interval may, in rare cases, tell otherwise."""
        return _below(self.p_value, self.level)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a quantity: ``estimate``, ``low``, ``high``."""
        rows = {
            _("差值（B − A）"): (self.difference, *self.interval),
            _("相对提升"): (self.relative_lift, *self.relative_interval),
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "low", "high"])

    def plot(self) -> "Figure":
        """The difference with its interval against the line of no difference."""
        from crmlab import plots

        low, high = self.interval
        told = _("区间不含 0") if low > 0 or high < 0 else _("区间含 0，还不能下结论")
        title = _("B 比 A {sign}{difference} 个百分点：{told}").format(
            sign=_("高 ") if self.difference >= 0 else _("低 "),
            difference=f"{100 * abs(self.difference):.1f}",
            told=told,
        )
        figure, (ax,) = plots.new_figure(title, height=2.2)
        ax.axvline(0, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        ax.plot([low, high], [0, 0], color=plots.BLUE, lw=5, alpha=0.45)
        ax.plot([self.difference], [0], "o", color=plots.BLUE, ms=10)
        ax.xaxis.set_major_formatter(lambda x, _place: f"{100 * x:g}")
        ax.set(
            yticks=[], ylim=(-1, 1), xlabel=_("转化率之差 B − A（百分点），{level:.0%} 区间").format(level=self.level)
        )
        ax.margins(x=0.15)
        return figure


def ab_test(conversions_a: float, n_a: float, conversions_b: float, n_b: float, level: float = 0.95) -> ABTest:
    """Two-sided z test of two conversion rates with the pooled standard error.

    z = (pA - pB) / √(p q (1/nA + 1/nB)), p = (xA + xB) / (nA + nB), q = 1 - p: negative when B is better. If nobody, or
    everybody, converted in both groups there is nothing to tell apart: z = 0, p value 1.

    The interval of pB - pA uses √(pA qA / nA + pB qB / nB); that of the relative lift is
    exp(ln(pB / pA) ± z √(qA / xA + qB / xB)) - 1.

    Parameters
    ----------
    conversions_a, n_a : whole numbers, people of group A (control) who converted, and all of them
    conversions_b, n_b : the same of group B (new)
    level : confidence level, 0-1

    Raises
    ------
    CourseError : no whole number, a group without people, or more conversions than people.

    >>> result = ab_test(5, 83, 12, 99)
    >>> round(result.z, 3), round(result.p_value, 3), round(result.difference, 3)
    (-1.408, 0.159, 0.061)
    """
    x_a, size_a = conversion_counts(conversions_a, n_a, ("conversions_a", "n_a"))
    x_b, size_b = conversion_counts(conversions_b, n_b, ("conversions_b", "n_b"))
    level = inputs.number(level, "level", above=0, below=1)
    p_a, p_b = x_a / size_a, x_b / size_b
    pooled = (x_a + x_b) / (size_a + size_b)
    error = math.sqrt(pooled * (1 - pooled) * (1 / size_a + 1 / size_b))
    z = (p_a - p_b) / error if error > 0 else 0.0
    reach = -NormalDist().inv_cdf((1 - level) / 2)
    half = reach * math.sqrt(p_a * (1 - p_a) / size_a + p_b * (1 - p_b) / size_b)
    return ABTest(
        rate_a=p_a,
        rate_b=p_b,
        n_a=size_a,
        n_b=size_b,
        z=z,
        p_value=math.erfc(abs(z) / math.sqrt(2)),
        difference=p_b - p_a,
        interval=(p_b - p_a - half, p_b - p_a + half),
        relative_lift=p_b / p_a - 1 if x_a else math.nan,
        relative_interval=_relative_interval(x_a, size_a, x_b, size_b, reach),
        level=level,
    )


def conversion_counts(conversions: Any, n: Any, names: tuple[str, str]) -> tuple[int, int]:
    """The people of a group who converted, and all of them, as whole numbers that fit together.

    Raises
    ------
    CourseError : no whole number, a group without people, or more conversions than people; ``names`` tells of which
        arguments.

    >>> conversion_counts(5.0, 83, ("conversions_a", "n_a"))
    (5, 83)
    """
    size = inputs.whole(n, names[1], low=1)
    count = inputs.whole(conversions, names[0], low=0)
    if count > size:
        raise CourseError(
            _("{converted} 是 {count}，多于 {all} 的 {size}：转化人数不能多于总人数，请检查两个数是否写反").format(
                converted=names[0], count=count, all=names[1], size=size
            )
        )
    return count, size


def _relative_interval(x_a: int, n_a: int, x_b: int, n_b: int, reach: float) -> Interval:
    if not x_a or not x_b:
        return math.nan, math.nan
    ratio = (x_b / n_b) / (x_a / n_a)
    half = reach * math.sqrt(1 / x_a - 1 / n_a + 1 / x_b - 1 / n_b)
    return ratio * math.exp(-half) - 1, ratio * math.exp(half) - 1


def _below(p_value: float, level: float) -> bool:
    return bool(p_value < round(1 - level, 12))  # 1 - 0.95 is a little more than 0.05


@dataclass(frozen=True)
class MeanTest:
    """Two means compared; made by :func:`mean_test`.

    Attributes:
        mean_a, mean_b: means of the groups.
        t: Welch's statistic, sign of A - B.
        df: its degrees of freedom (Welch and Satterthwaite).
        p_value: two-sided.
        difference: mean B - mean A.
        interval: of the difference.
        level: confidence level of the interval.

    >>> mean_test([1, 2, 3], [3, 4, 5]).difference
    2.0
    """

    mean_a: float
    mean_b: float
    t: float
    df: float
    p_value: float
    difference: float
    interval: Interval
    level: float

    @property
    def significant(self) -> bool:
        """Whether the p value lies below 1 - level."""
        return _below(self.p_value, self.level)


def mean_test(a: Any, b: Any, level: float = 0.95) -> MeanTest:
    """Welch's t test of two means, for example of spend a head; the groups may vary differently.

    t = (x̄A - x̄B) / √(s²A / nA + s²B / nB). Put those who bought nothing in as 0: leaving them out compares buyers,
    whom the campaign itself has chosen.

    Parameters
    ----------
    a, b : numbers of the customers of each group, at least two each
    level : confidence level, 0-1

    Raises
    ------
    CourseError : a gap, a group with one value, or no variation at all.

    >>> result = mean_test([12, 0, 30, 18], [25, 31, 0, 44])
    >>> round(result.t, 3), round(result.df, 2)
    (-0.897, 5.27)
    """
    groups = inputs.vector(a, "a"), inputs.vector(b, "b")
    level = inputs.number(level, "level", above=0, below=1)
    for name, values in zip("ab", groups, strict=True):
        if len(values) < 2:
            raise CourseError(_("{name} 只有 1 个数，算不出波动：每组至少要 2 个数").format(name=name))
    if not any(np.ptp(values) for values in groups):
        raise CourseError(_("两组里的数各自都相同，没有波动，无法检验：请检查取数"))
    from scipy.stats import ttest_ind

    found = ttest_ind(*groups, equal_var=False)
    flipped = found.confidence_interval(level)
    mean_a, mean_b = (float(values.mean()) for values in groups)
    return MeanTest(
        mean_a=mean_a,
        mean_b=mean_b,
        t=float(found.statistic),
        df=float(found.df),
        p_value=float(found.pvalue),
        difference=mean_b - mean_a,
        interval=(-float(flipped.high), -float(flipped.low)),
        level=level,
    )


def compare_variants(
    conversions: Any, visitors: Any, control: int = 0, level: float = 0.95, method: str = "holm"
) -> pd.DataFrame:
    """Several variants, each against the control, with p values adjusted for their number.

    Three comparisons at 5 % each raise a false alarm in up to 14 %; Holm's step-down method keeps all of them together
    at 5 %.

    Parameters
    ----------
    conversions, visitors : whole numbers by variant, same order; the index of a Series names the variants
    control : position of the control, from 0
    level : 1 - level is the rate of false alarms of all comparisons together
    method : "holm" or "bonferroni"

    Returns
    -------
    DataFrame, one row a variant without the control: ``rate``, ``difference`` (to the control), ``low``, ``high``
    (unadjusted interval), ``z``, ``p_value``, ``p_adjusted``, ``significant``.

    Raises
    ------
    CourseError : lists of different length, no variant, or counts that :func:`ab_test` refuses.

    >>> table = compare_variants([50, 55, 90], [1000, 1000, 1000])
    >>> table["p_adjusted"].round(4).to_list(), table["significant"].to_list()
    ([0.6162, 0.0009], [False, True])
    """
    from statsmodels.stats.multitest import multipletests

    names = conversions.index if isinstance(conversions, pd.Series) else pd.RangeIndex(np.size(conversions))
    counts = inputs.vector(conversions, "conversions", low=0)
    sizes = inputs.vector(visitors, "visitors", length=len(counts), low=1)
    if len(counts) < 2:
        raise CourseError(_("只有 1 个版本，没有可以比较的：请给出对照和至少一个新版本"))
    control = inputs.whole(control, "control", low=0, high=len(counts) - 1)
    inputs.choice(method, "method", ("holm", "bonferroni"))
    others = [place for place in range(len(counts)) if place != control]
    tests = [ab_test(counts[control], sizes[control], counts[place], sizes[place], level) for place in others]
    rejected, adjusted, *_rest = multipletests([test.p_value for test in tests], alpha=1 - level, method=method)
    return pd.DataFrame(
        {
            "rate": [test.rate_b for test in tests],
            "difference": [test.difference for test in tests],
            "low": [test.interval[0] for test in tests],
            "high": [test.interval[1] for test in tests],
            "z": [test.z for test in tests],
            "p_value": [test.p_value for test in tests],
            "p_adjusted": adjusted,
            "significant": rejected,
        },
        index=names[others].rename("variant"),
    )


@dataclass(frozen=True)
class SampleRatio:
    """Whether the groups came out in the planned ratio; made by :func:`sample_ratio`.

    Attributes:
        table: index group, columns ``planned`` (share), ``expected``, ``observed``.
        chi2: Pearson's statistic, Σ (observed - expected)² / expected.
        df: groups - 1.
        p_value: chance of a split at least as odd if the assignment works.
        mismatch: p value below ``alpha``: do not read the result, find the fault first.

    >>> sample_ratio([1000, 1010]).mismatch
    False
    """

    table: pd.DataFrame
    chi2: float
    df: int
    p_value: float
    mismatch: bool


def sample_ratio(counts: Any, planned: Any = None, alpha: float = 0.001) -> SampleRatio:
    """Chi-square check for a sample ratio mismatch (SRM) between planned and observed group sizes.

    The threshold is strict (.001) because the check is made for every experiment, and a fault in assignment or logging
    makes groups of thousands differ by far more than chance.

    Source: A. Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", *KDD*, 2019.

    Parameters
    ----------
    counts : whole numbers, people found in each group
    planned : planned ratio of the groups in any unit ([1, 1] or [50, 50] or [0.5, 0.5]); None for equal parts
    alpha : threshold of the p value

    >>> found = sample_ratio([821_588, 815_482])
    >>> round(found.chi2, 2), found.mismatch
    (22.77, True)
    """
    observed = inputs.vector(counts, "counts", low=0)
    if len(observed) < 2 or observed.sum() == 0:
        raise CourseError(_("counts 至少要有两组，而且不能全是 0，现在是 {counts}").format(counts=list(counts)))
    plan = np.ones(len(observed)) if planned is None else inputs.vector(planned, "planned", above=0)
    if len(plan) != len(observed):
        raise CourseError(
            _("planned 应有 {length} 个数，与组数相同，现在有 {found} 个").format(length=len(observed), found=len(plan))
        )
    alpha = inputs.number(alpha, "alpha", above=0, below=1)
    from scipy.special import chdtrc

    share = plan / plan.sum()
    expected = share * observed.sum()
    chi2 = float(((observed - expected) ** 2 / expected).sum())
    p_value = float(chdtrc(len(observed) - 1, chi2))
    names = counts.index if isinstance(counts, pd.Series) else pd.RangeIndex(len(observed), name="group")
    table = pd.DataFrame({"planned": share, "expected": expected, "observed": observed.astype("int64")}, index=names)
    return SampleRatio(table, chi2, len(observed) - 1, p_value, p_value < alpha)
