"""How good is a score, and how sure is a share?

One set of measures for everything that is predicted of customers: who churns, who buys, who pays back, which lead is
won. The score comes first (any number, the higher the likelier), the outcome second: 1 if it happened, 0 if not.

Columns belong together by one rule (:func:`same_rows`). Lists and arrays go by position. The first Series, or the table
that a column belongs to, sets the order; every other Series must have the same labels and is put into that order.
Customers of equal score are never told apart, so that the order of the rows does not matter.

Sources: J. A. Hanley, B. J. McNeil, "The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC)
Curve", *Radiology* 143 (1), 1982, 29-36; S. A. Neslin, S. Gupta, W. Kamakura, J. Lu, C. H. Mason, "Defection Detection:
Measuring and Understanding the Predictive Accuracy of Customer Churn Models", *Journal of Marketing Research* 43 (2),
2006, 204-211 (lift); L. C. Thomas, D. B. Edelman, J. N. Crook, *Credit Scoring and Its Applications*, SIAM, 2002 (KS);
G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", *Monthly Weather Review* 78 (1), 1950, 1-3;
E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", *Journal of the American
Statistical Association* 22 (158), 1927, 209-212 (interval).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = [
    "KS",
    "auc",
    "brier",
    "by_threshold",
    "calibration_table",
    "ece",
    "ks",
    "lift_table",
    "part_sizes",
    "precision_at",
    "rank_auc",
    "roc",
    "same_rows",
    "wilson",
    "z_value",
    "zero_one",
]

Floats = NDArray[np.float64]

_DIGITS = 12  # gaps are compared after rounding: two equal ones must tie

# ---------------------------------------------------------------------------------------- does it rank well?


def roc(score: Any, outcome: Any) -> pd.DataFrame:
    """The ROC curve: for every threshold the shares of both kinds that score at or above it.

    Parameters
    ----------
    score, outcome : as in :func:`auc`

    Returns
    -------
    DataFrame, columns ``threshold`` (falling, first infinite), ``fpr`` (false alarms ÷ all to whom it did not happen),
    ``tpr`` (hits ÷ all to whom it happened); one row a distinct score, from 0, 0 to 1, 1.

    >>> roc([0.9, 0.6, 0.6, 0.1], [1, 1, 0, 0])["tpr"].tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    scores, outcomes = _pair(score, outcome, both=True)
    curve = by_threshold(scores, events=outcomes)
    hits, alarms = curve["events"], curve["customers"] - curve["events"]
    return pd.DataFrame({"threshold": curve["threshold"], "fpr": alarms / alarms.max(), "tpr": hits / hits.max()})


def auc(score: Any, outcome: Any) -> float:
    """Area under the ROC curve: chance that one to whom it happened scores higher than one to whom it did not.

    ½ is guessing, 1 perfect; ties count half. (Mann-Whitney: AUC = (R − n₁(n₁ + 1)/2) / (n₁ n₀), R the sum of the
    mid-ranks of the n₁ to whom it happened.)

    Parameters
    ----------
    score : numbers, one a customer, on any scale: the higher, the likelier
    outcome : 1 (or True) if it happened, 0 if not, of the same customers

    Raises
    ------
    CourseError : other values than 0 and 1, only one of them, or columns that do not belong together.

    >>> auc([0.9, 0.6, 0.6, 0.1], [1, 1, 0, 0])
    0.875
    """
    return rank_auc(*_pair(score, outcome, both=True))


def rank_auc(scores: Floats, outcomes: Floats) -> float:
    """:func:`auc` of arrays that are known to be sound and to hold both kinds.

    >>> rank_auc(np.array([3.0, 2.0, 1.0]), np.array([1.0, 0.0, 0.0]))
    1.0
    """
    rank = pd.Series(scores).rank().to_numpy()
    n1 = outcomes.sum()
    return float((rank[outcomes == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(outcomes) - n1)))


@dataclass(frozen=True)
class KS:
    """The Kolmogorov-Smirnov distance of a score; made by :func:`ks`.

    Attributes:
        value: the greatest gap, 0-1.
        cutoff: the score up to which it is reached: cut between this score and the next higher one.

    >>> float(KS(0.5, 560.0))
    0.5
    """

    value: float
    cutoff: float

    def __float__(self) -> float:
        return self.value


def ks(score: Any, outcome: Any) -> KS:
    """Greatest gap between the shares of both kinds that score at or below a value, whichever is ahead.

    Parameters
    ----------
    score, outcome : as in :func:`auc`

    Returns
    -------
    KS : the gap (also by ``float()``) and where it is; the lowest such score if there are several

    >>> ks([500, 520, 560, 600, 640], [1, 0, 1, 0, 0])
    KS(value=0.6666666666666666, cutoff=560.0)
    """
    curve = roc(score, outcome)
    gap = (curve["tpr"] - curve["fpr"]).abs().to_numpy()[:-1]  # above a cutoff it is as wide as up to it
    place = len(gap) - 1 - int(np.argmax(gap[::-1].round(_DIGITS)))
    return KS(float(gap[place]), float(curve["threshold"].iloc[place + 1]))


def lift_table(score: Any, outcome: Any, bins: int = 10) -> pd.DataFrame:
    """Lift: customers sorted by score, highest first, in equal parts; how often it happened in each part.

    Lift of a part = its rate / rate of all. Those of equal score share what happened to them evenly.

    Parameters
    ----------
    score, outcome : as in :func:`auc`; one kind alone will do
    bins : number of parts, 1 to the number of customers; 10 gives deciles

    Returns
    -------
    DataFrame, index ``bin`` 1 (highest scores) .. bins: ``customers``, ``events`` (to how many it happened; fractions
    where equal scores share), ``rate`` (0-1), ``lift`` (row 1 of ten is the top-decile lift), ``share`` (of the
    customers so far), ``gain`` (share of all events so far), ``cumulative_lift`` (gain / share). Lifts and gains are
    missing when it happened to nobody.

    Raises
    ------
    CourseError : other values than 0 and 1, fewer customers than parts, or columns that do not belong together.

    >>> lift_table([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 1], bins=2)[["rate", "cumulative_lift"]].round(2).values.tolist()
    [[1.0, 1.33], [0.5, 1.0]]
    """
    scores, outcomes = _pair(score, outcome)
    sizes = part_sizes(len(scores), bins)
    curve = by_threshold(scores, events=outcomes)
    reached = np.append(0, np.cumsum(sizes))
    found = np.interp(reached, curve["customers"], curve["events"])  # cuts through equal scores in proportion
    events, share = np.diff(found), reached[1:] / len(scores)
    gain = found[1:] / (found[-1] or np.nan)
    table = {
        "customers": sizes,
        "events": events,
        "rate": events / sizes,
        "lift": events / sizes / (outcomes.mean() or np.nan),
        "share": share,
        "gain": gain,
        "cumulative_lift": gain / share,
    }
    return pd.DataFrame(table, index=pd.RangeIndex(1, len(sizes) + 1, name="bin"))


def precision_at(score: Any, outcome: Any, k: int) -> float:
    """Share of those to whom it happened among the ``k`` highest scores; ties count with their expected share.

    Parameters
    ----------
    score, outcome : as in :func:`auc`; one kind alone will do
    k : how many can be called, 1 to the number of customers

    >>> precision_at([0.9, 0.8, 0.4, 0.1], [1, 0, 1, 0], k=2)
    0.5
    """
    scores, outcomes = _pair(score, outcome)
    top = inputs.whole(k, "k", low=1, high=len(scores))
    edge = np.sort(scores)[-top]
    above, tied = scores > edge, scores == edge
    return float((outcomes[above].sum() + outcomes[tied].mean() * (top - above.sum())) / top)


# --------------------------------------------------------------------------------------- does 30 % mean 30 %?


def calibration_table(probability: Any, outcome: Any, bins: int = 10, *, strategy: str = "quantile") -> pd.DataFrame:
    """Does 30 % mean 30 %? Mean prediction against what happened, by groups of similar prediction.

    Parameters
    ----------
    probability : 0-1, one a customer
    outcome : 1 (or True) if it happened, 0 if not, of the same customers
    bins : number of groups; fewer appear where many predictions are equal or none falls into a group
    strategy : "quantile": groups of equal size; "uniform": of equal width (0-0.1, 0.1-0.2, ...)

    Returns
    -------
    DataFrame, index ``bin`` from 1 (lowest), columns ``customers``, ``predicted`` (mean probability), ``observed``
    (share to whom it happened), ``low``, ``high`` (95 % Wilson interval of the observed share).

    >>> calibration_table([0.1, 0.1, 0.8, 0.8], [0, 0, 1, 0], bins=2)[["predicted", "observed"]].to_dict("list")
    {'predicted': [0.1, 0.8], 'observed': [0.0, 0.5]}
    """
    chance, outcomes = _chances(probability, outcome)
    count = inputs.whole(bins, "bins", low=1)
    if inputs.choice(strategy, "strategy", ("quantile", "uniform")) == "quantile":
        group = pd.qcut(pd.Series(chance), count, labels=False, duplicates="drop").fillna(0).to_numpy()
    else:  # rounded, so that 0.3 * 10 made of binary fractions still reaches 3
        group = np.minimum(np.floor(np.round(chance * count, 9)), count - 1)
    cells = pd.DataFrame({"predicted": chance, "observed": outcomes}).groupby(group)
    table = cells.mean()
    table.insert(0, "customers", cells.size())
    table["low"], table["high"] = wilson(cells["observed"].sum(), table["customers"])
    return table.set_axis(pd.RangeIndex(1, len(table) + 1, name="bin"))


def brier(probability: Any, outcome: Any) -> float:
    """Brier score: mean of (probability − outcome)²; 0 is perfect, the base rate b alone for everybody gives b (1 − b).

    Parameters
    ----------
    probability, outcome : as in :func:`calibration_table`

    >>> round(brier([0.9, 0.2], [1, 0]), 3)
    0.025
    """
    chance, outcomes = _chances(probability, outcome)
    return float(np.mean((chance - outcomes) ** 2))


def ece(probability: Any, outcome: Any, bins: int = 10, *, strategy: str = "quantile") -> float:
    """Expected calibration error: mean of |observed − predicted| over the groups of :func:`calibration_table`, by size.

    Parameters
    ----------
    probability, outcome, bins, strategy : as in :func:`calibration_table`

    >>> round(ece([0.1, 0.1, 0.8, 0.8], [0, 0, 1, 0], bins=2), 3)
    0.2
    """
    table = calibration_table(probability, outcome, bins, strategy=strategy)
    return float(np.average((table["observed"] - table["predicted"]).abs(), weights=table["customers"]))


# -------------------------------------------------------------------------------------- how sure is a share?


def z_value(level: float) -> float:
    """How many standard errors an interval of the given confidence reaches to either side.

    >>> round(z_value(0.95), 3)
    1.96
    """
    return NormalDist().inv_cdf((1 + inputs.number(level, "level", above=0, below=1)) / 2)


def wilson(successes: Any, n: Any, level: float = 0.95) -> tuple[Any, Any]:
    """Wilson's interval of a share: unlike p ± z · s.e. it stays within 0-1 and holds for small counts.

    With p = successes / n: (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n).

    Parameters
    ----------
    successes, n : counts, one number each or columns of equal length; one number goes with every row of a column
    level : confidence of the interval (two-sided), above 0, below 1

    Returns
    -------
    (low, high) : floats for two numbers; else arrays, or Series if ``successes`` is one; missing where ``n`` is 0

    Raises
    ------
    CourseError : negative counts, more successes than n, columns that do not belong together.

    >>> low, high = wilson(1, 10)
    >>> round(low, 4), round(high, 4)
    (0.0179, 0.4042)
    >>> wilson([0, 5], 10)[0].round(4).tolist()
    [0.0, 0.2366]
    """
    z = z_value(level)
    won, trials = _counts(successes, n)
    size = np.where(trials > 0, trials, np.nan)
    share = won / size
    centre = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2)) / (1 + z**2 / size)
    # Rounding must not push an end beyond the share itself.
    low, high = np.clip(centre - half, 0, share), np.clip(centre + half, share, 1)
    if np.ndim(successes) == np.ndim(n) == 0:
        return float(low[0]), float(high[0])
    if isinstance(successes, pd.Series):
        return pd.Series(low, successes.index, name="low"), pd.Series(high, successes.index, name="high")
    return low, high


def _counts(successes: Any, n: Any) -> list[Floats]:
    shape = np.shape(successes) or np.shape(n) or (1,)
    columns = {"successes": successes, "n": n}
    won, trials = same_rows(**{name: x if np.ndim(x) else np.full(shape, x) for name, x in columns.items()})
    inputs.vector(won, "successes", low=0)
    if (won > trials).any():
        row = int(np.argmax(won > trials))
        raise CourseError(
            _("successes 第 {row} 个值是 {won:g}，多于 n 的 {n:g}：请检查两者是否写反了").format(
                row=row + 1, won=won[row], n=trials[row]
            )
        )
    return [won, trials]


# ----------------------------------------------------------------------- what the measures, here and elsewhere, share


def same_rows(index: pd.Index | None = None, /, **columns: Any) -> list[Floats]:
    """Columns of the same customers as floats, row by row: see the rule at the top of the module.

    Parameters
    ----------
    index : of the table that the columns belong to, if there is one
    columns : lists, arrays or Series by the name that a message tells

    Raises
    ------
    CourseError : a gap, different lengths, or Series with different labels.

    >>> same_rows(score=pd.Series({"C1": 0.2, "C2": 0.7}), outcome=pd.Series({"C2": 1, "C1": 0}))
    [array([0.2, 0.7]), array([0., 1.])]
    """
    found = {name: inputs.vector(values, name) for name, values in columns.items()}
    length = len(next(iter(found.values()))) if index is None else len(index)
    other = f" {next(iter(columns))} " if index is None else _("表的各行")
    for name, values in columns.items():
        if len(found[name]) != length:
            raise CourseError(
                _("{name} 有 {found} 个值，应有 {length} 个，与{other}一一对应：请先对齐").format(
                    name=name, found=len(found[name]), length=length, other=other
                )
            )
        if isinstance(values, pd.Series):
            index = values.index if index is None else index
            found[name] = found[name][_places(values.index, index, name)]
    return list(found.values())


def _places(given: pd.Index, wanted: pd.Index, name: str) -> Any:
    """Where in ``given`` each label of ``wanted`` stands; both are of one length."""
    if given.equals(wanted):
        return slice(None)
    if given.is_unique and wanted.is_unique:
        places = given.get_indexer(wanted)
        if (places >= 0).all():
            return places
    raise CourseError(
        _(
            "{name} 的索引与前面的对不上：应是同一批、不重复的编号，请先用 reindex 对齐，或都用 to_numpy() 按位置对应"
        ).format(name=name)
    )


def zero_one(values: Any, name: str, *, both: bool = False) -> Any:
    """``values`` as they are, if each is 1 (it happened) or 0 (it did not); with ``both`` each must occur.

    Raises
    ------
    CourseError : names the first other value by its position from 1.

    >>> zero_one([True, 0, 1], "outcome")
    [True, 0, 1]
    """
    found = inputs.vector(values, name)
    wrong = ~np.isin(found, (0, 1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CourseError(
            _(
                "{name} 第 {row} 个值是 {value:g}，应是 1（发生）或 0（没有发生）：请先换成 1 和 0，也看看参数的顺序是否写反了"
            ).format(name=name, row=row + 1, value=found[row])
        )
    if both and found.min() == found.max():
        raise CourseError(_("{name} 全是 {value:g}：1 和 0 都要有，才能比较").format(name=name, value=found[0]))
    return values


def by_threshold(scores: Floats, /, **columns: Floats) -> pd.DataFrame:
    """Sums down the ranking: how many score at or above each threshold, from nobody to all, and what they add up to.

    Parameters
    ----------
    scores, columns : sound arrays of one length

    Returns
    -------
    DataFrame, one row a distinct score: ``threshold`` (falling, first infinite), ``customers``, the sum of each column.

    >>> by_threshold(np.array([0.9, 0.6, 0.6]), events=np.array([1.0, 1.0, 0.0]))
       threshold  customers  events
    0        inf          0     0.0
    1        0.9          1     1.0
    2        0.6          3     2.0
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # equal scores come over it together
    table = {"threshold": np.append(np.inf, scores[order][last]), "customers": np.append(0, last + 1)}
    sums = {name: np.append(0.0, np.cumsum(values[order])[last]) for name, values in columns.items()}
    return pd.DataFrame(table | sums)


def part_sizes(count: int, bins: Any) -> NDArray[np.int64]:
    """Sizes of ``bins`` parts of ``count`` customers, as equal as can be, larger ones first.

    Raises
    ------
    CourseError : no whole number from 1, or fewer customers than parts.

    >>> part_sizes(10, 4)
    array([3, 3, 2, 2])
    """
    parts = inputs.whole(bins, "bins", low=1)
    if count < parts:
        raise CourseError(_("只有 {count} 位客户，分不成 {bins} 份：请减小 bins").format(count=count, bins=parts))
    return count // parts + (np.arange(parts) < count % parts)


def _pair(score: Any, outcome: Any, *, both: bool = False) -> list[Floats]:
    return same_rows(score=score, outcome=zero_one(outcome, "outcome", both=both))


def _chances(probability: Any, outcome: Any) -> list[Floats]:
    inputs.vector(probability, "probability", low=0, high=1)
    return same_rows(probability=probability, outcome=zero_one(outcome, "outcome"))
