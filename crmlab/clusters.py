"""k-means segments of customers on recency, frequency and monetary value.

Sources: S. P. Lloyd, "Least Squares Quantization in PCM", *IEEE Transactions on Information Theory* 28 (2), 1982,
129-137 (the algorithm); P. J. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of
cluster analysis", *Journal of Computational and Applied Mathematics* 20, 1987, 53-65 (the silhouette).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmlab import rfm
from crmlab.errors import CourseError
from crmlab.i18n import _

Array = npt.NDArray[np.float64]
SILHOUETTE_SAMPLE = (
    2_000  # the silhouette compares every pair: beyond this a fixed sample is as good and 6 times faster
)


def features(table: pd.DataFrame, *, log: bool = True, scale: bool = True) -> pd.DataFrame:
    """R, F and M made comparable: ``log(1 + x)``, then mean 0 and standard deviation 1 (ddof 0).

    Without the logarithm a few big spenders stretch the axis; without the scaling the measure with the largest numbers
    (yuan) decides alone. A measure that is the same for all customers becomes 0.

    Parameters
    ----------
    table : DataFrame as made by ``crmlab.rfm.rfm``
    log, scale : leave a step out, to see what happens

    Returns
    -------
    DataFrame, columns ``recency``, ``frequency``, ``monetary``, same index as ``table``.

    >>> table = pd.DataFrame({"recency": [99, 9, 0], "frequency": [2, 2, 2], "monetary": [0, 9, 99]})
    >>> features(table).round(2)
       recency  frequency  monetary
    0     1.22        0.0     -1.22
    1     0.00        0.0      0.00
    2    -1.22        0.0      1.22
    """
    rfm.check_table(table)
    points = table[list(rfm.MEASURES)].astype("float64")
    points = np.log1p(points) if log else points
    return (points - points.mean()) / _spread(points) if scale else points


def _spread(points: pd.DataFrame) -> pd.Series:
    spread = points.std(ddof=0)
    return spread.mask(spread < 1e-12, 1.0)


class KMeansSegments:
    """k-means on :func:`features`; clusters are numbered from the one with the highest mean monetary value.

    Parameters
    ----------
    k : number of clusters, at least 2
    seed : of the ten random starts, of which the best is kept

    Attributes after :meth:`fit`
    ----------------------------
    labels_ : Series ``cluster`` (int, 1..k), index as the table
    centers_ : DataFrame, index 1..k, the centres in days, times and yuan. They are means of logarithms turned back,
        so nearer to a typical customer than to the arithmetic mean.
    inertia_ : float, sum of squared distances to the centres, in standardised units
    silhouette_ : float, -1 to 1, mean over customers (over a fixed sample of 2,000 if there are more)

    >>> table = pd.DataFrame({"recency": [200, 220, 7, 9], "frequency": [1, 1, 9, 8], "monetary": [60, 80, 900, 950]})
    >>> segments = KMeansSegments(k=2).fit(table)
    >>> segments.labels_.to_list()
    [2, 2, 1, 1]
    >>> segments.profile()["median_recency"].to_list()
    [8.0, 210.0]
    """

    labels_: pd.Series
    centers_: pd.DataFrame
    inertia_: float
    silhouette_: float

    def __init__(self, k: int, seed: int = 0) -> None:
        self.k = k
        self.seed = seed

    def fit(self, table: pd.DataFrame) -> Self:
        """Find the clusters of ``table`` (as made by ``crmlab.rfm.rfm``)."""
        from sklearn.cluster import KMeans

        points = features(table.sort_index() if isinstance(table, pd.DataFrame) else table)
        check_k(self.k, points)
        _check_seed(self.seed)
        model = KMeans(n_clusters=self.k, random_state=self.seed, n_init=10).fit(points.to_numpy())
        ordered = table.loc[points.index]
        number = _by_monetary(ordered["monetary"], model.labels_)
        found = pd.Series(number[model.labels_], index=points.index, name="cluster")
        self.labels_ = found.reindex(table.index)
        self.centers_ = _original_units(model.cluster_centers_[np.argsort(number)], ordered)
        self.inertia_ = float(model.inertia_)
        self.silhouette_ = silhouette(points.to_numpy(), model.labels_)
        self._table = table.copy()
        return self

    def profile(self) -> pd.DataFrame:
        """Who is in each cluster.

        Returns
        -------
        DataFrame, index ``cluster`` 1..k, columns ``customers``, ``share``, ``revenue_share`` (0-1), and for each of
        ``recency`` (days), ``frequency`` (times), ``monetary`` (yuan) the ``mean_`` and the ``median_``.
        """
        if not hasattr(self, "labels_"):
            raise CourseError(_("还没有分群：请先调用 fit(table)"))
        facts = rfm.summary(self._table, self.labels_)
        cells = self._table.groupby(self.labels_)
        columns = {}
        for measure in rfm.MEASURES:
            columns[f"mean_{measure}"] = cells[measure].mean()
            columns[f"median_{measure}"] = facts[measure]
        return pd.concat([facts[["customers", "share", "revenue_share"]], pd.DataFrame(columns)], axis=1)

    def __repr__(self) -> str:
        return f"KMeansSegments(k={self.k}, seed={self.seed})"


def choose_k(table: pd.DataFrame, ks: Iterable[int] = range(2, 9), seed: int = 0) -> pd.DataFrame:
    """Inertia and silhouette for several numbers of clusters.

    Returns
    -------
    DataFrame, index ``k``, columns ``inertia`` (falls with every k: look for the bend) and ``silhouette`` (the higher,
    the better the clusters are apart). Neither knows what a manager can act on.

    >>> from crmlab import data
    >>> shop = data.draw("ecommerce", "demo")
    >>> table = rfm.rfm(data.purchases(shop), shop.as_of)
    >>> choose_k(table, range(2, 5)).round({"inertia": 0, "silhouette": 2})
       inertia  silhouette
    k
    2   1227.0        0.44
    3    910.0        0.35
    4    725.0        0.35
    """
    if not isinstance(ks, Iterable):
        raise CourseError(_("ks 应是一串群数，例如 range(2, 9)，现在是 {ks!r}").format(ks=ks))
    fits = {k: KMeansSegments(k, seed).fit(table) for k in ks}
    if not fits:
        raise CourseError(_("ks 是空的：请给出要比较的群数，例如 range(2, 9)"))
    rows = {k: {"inertia": fit.inertia_, "silhouette": fit.silhouette_} for k, fit in fits.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")


def silhouette(points: Array, labels: npt.NDArray[Any], seed: int = 0) -> float:
    """Mean silhouette; over a fixed sample of 2,000 if there are more points; nan if there is one cluster only.

    >>> points = np.array([[0, 0], [0, 1], [5, 0], [5, 1]])
    >>> round(silhouette(points, np.array([0, 0, 1, 1])), 2)  # 1 - 1 / 5.05: the own group is near, the other far
    0.8
    """
    from sklearn.metrics import silhouette_score

    if len(points) > SILHOUETTE_SAMPLE:
        chosen = np.sort(np.random.default_rng(seed).choice(len(points), SILHOUETTE_SAMPLE, replace=False))
        points, labels = points[chosen], labels[chosen]
    groups = len(np.unique(labels))
    return float(silhouette_score(points, labels)) if 1 < groups < len(points) else float("nan")


def check_k(k: Any, points: pd.DataFrame) -> None:
    """Raise a CourseError unless ``points`` can be cut into ``k`` clusters.

    >>> check_k(3, pd.DataFrame({"monetary": [60, 60, 900, 900]}))
    Traceback (most recent call last):
        ...
    crmlab.errors.CourseError: 只有 2 种不同的客户，分不成 3 群：请减小 k 或使用更多客户
    """
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 2:
        raise CourseError(_("群数 k 应是不小于 2 的整数，现在是 {k!r}").format(k=k))
    different = len(points.drop_duplicates())
    if different <= k:
        raise CourseError(_("只有 {n} 种不同的客户，分不成 {k} 群：请减小 k 或使用更多客户").format(n=different, k=k))


def _check_seed(seed: Any) -> None:
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise CourseError(_("随机种子 seed 应是不小于 0 的整数，现在是 {seed!r}").format(seed=seed))


def _by_monetary(monetary: pd.Series, labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """New number (1..k) of each label: highest mean monetary first."""
    means = monetary.groupby(labels).mean().sort_values(ascending=False, kind="stable")
    number = np.empty(len(means), dtype="int64")
    number[means.index.to_numpy()] = np.arange(1, len(means) + 1)
    return number


def _original_units(centers: Array, table: pd.DataFrame) -> pd.DataFrame:
    logs = np.log1p(table[list(rfm.MEASURES)].astype("float64"))
    back = np.expm1(centers * _spread(logs).to_numpy() + logs.mean().to_numpy())
    return pd.DataFrame(back, columns=list(rfm.MEASURES), index=pd.RangeIndex(1, len(back) + 1, name="cluster"))


@dataclass(frozen=True)
class LloydStep:
    """One moment of Lloyd's algorithm.

    number : 0 at the start; odd = every customer has just been assigned to the nearest centre, even = every centre has
        just moved to the mean of its customers
    centers : (k, d) array
    labels : (n,) ints 0..k-1, the nearest centre at the last assignment; None before the first
    inertia : sum of squared distances of customers to their centres; nan before the first assignment
    converged : the last assignment changed nothing, so no further step will

    >>> last = lloyd(np.array([[1.0], [2.0], [8.0], [9.0]]), k=2)[-1]
    >>> sorted(last.centers.ravel().tolist()), last.inertia, last.converged
    ([1.5, 8.5], 1.0, True)
    """

    number: int
    centers: Array
    labels: npt.NDArray[np.int64] | None
    inertia: float
    converged: bool


def lloyd_start(points: Array, k: int, seed: int = 0) -> LloydStep:
    """Centres on ``k`` different customers drawn at random (Forgy's start, so that the seed matters).

    >>> start = lloyd_start(np.array([[1.0], [2.0], [8.0], [9.0]]), k=2, seed=1)
    >>> start.centers.tolist(), start.labels is None
    ([[2.0], [8.0]], True)
    """
    distinct = np.unique(points, axis=0)
    check_k(k, pd.DataFrame(distinct))
    chosen = np.random.default_rng(seed).choice(len(distinct), k, replace=False)
    return LloydStep(0, distinct[chosen], None, float("nan"), False)


def lloyd_step(points: Array, state: LloydStep) -> LloydStep:
    """The next moment: assign after a start or an update, update after an assignment.

    >>> points = np.array([[1.0], [2.0], [8.0], [9.0]])
    >>> assigned = lloyd_step(points, LloydStep(0, np.array([[1.0], [2.0]]), None, float("nan"), False))
    >>> assigned.labels.tolist()
    [0, 1, 1, 1]
    >>> lloyd_step(points, assigned).centers.round(2).tolist()
    [[1.0], [6.33]]
    """
    if state.converged:
        return state
    if state.number % 2 == 0:
        return _assign(points, state)
    assert state.labels is not None
    centers = _means(points, state.labels, state.centers)
    inertia = float(_squared(points, centers)[np.arange(len(points)), state.labels].sum())
    return LloydStep(state.number + 1, centers, state.labels, inertia, False)


def lloyd(points: Array, k: int, seed: int = 0, max_steps: int = 200) -> list[LloydStep]:
    """All moments from the start to convergence (or ``max_steps``).

    >>> [round(step.inertia, 1) for step in lloyd(np.array([[1.0], [2.0], [8.0], [9.0]]), k=2, seed=1)]
    [nan, 2.0, 1.0, 1.0]
    """
    states = [lloyd_start(points, k, seed)]
    while not states[-1].converged and len(states) <= max_steps:
        states.append(lloyd_step(points, states[-1]))
    return states


def _assign(points: Array, state: LloydStep) -> LloydStep:
    distances = _squared(points, state.centers)
    labels = distances.argmin(axis=1)
    same = state.labels is not None and np.array_equal(labels, state.labels)
    return LloydStep(state.number + 1, state.centers, labels, float(distances.min(axis=1).sum()), same)


def _means(points: Array, labels: npt.NDArray[np.int64], centers: Array) -> Array:
    """Mean of each cluster; a cluster that lost all its customers restarts at the point farthest from its centre."""
    moved = centers.copy()
    for cluster in range(len(centers)):
        members = points[labels == cluster]
        if len(members):
            moved[cluster] = members.mean(axis=0)
        else:
            moved[cluster] = points[_squared(points, centers).min(axis=1).argmax()]
    return moved


def _squared(points: Array, centers: Array) -> Array:
    """Squared distances, (n, k)."""
    return np.asarray(((points[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2))
