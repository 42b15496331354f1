"""Buy till you die: how often customers without a contract will buy again, and whether they are still there.

Both models take from each customer ``x`` (repeat purchases), ``t_x`` (time of the last one) and ``T`` (time observed),
counted from the first purchase. While active, a customer buys in a Poisson process; the rates are gamma distributed
over customers (shape r, rate alpha). They differ in how customers leave:

- BG/NBD: after each repeat purchase with an own probability, beta (a, b) distributed;
- Pareto/NBD: at any time, with an own hazard, gamma distributed (shape s, rate beta).

Sources: D. C. Schmittlein, D. G. Morrison & R. Colombo, "Counting Your Customers: Who Are They and What Will They Do
Next?", *Management Science* 33 (1), 1987, 1-24; P. S. Fader, B. G. S. Hardie & K. L. Lee, "'Counting Your Customers' the
Easy Way: An Alternative to the Pareto/NBD Model", *Marketing Science* 24 (2), 2005, 275-284.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from scipy.special import gammaln, hyp2f1, psi

from crmlab import inputs
from crmlab.clv.fitting import Floats, MaximumLikelihood, Objective, broadcast, like
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BetaGeoNBD", "ParetoNBD"]

COLUMNS = ("x", "t_x", "T")
_MOST_SHOWN = 7  # repeat purchases told apart in a figure
_REPEATS = 20  # simulated panels behind the expected bars of a figure
_NODES, _WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(32))
_NODES = _NODES + 0.5  # of Gauss-Legendre quadrature on the interval 0 to 1
_REACH = 36.0  # exp(-36) falls below the precision of a float
_BLOCK = 8192  # numbers worked on at once: what fits into the cache of a processor
_NEAR_ONE = 1e-6
_SAMPLE = 10_000  # customers whose optimum is a good start for many more
_WORTH = 0.01  # share of repeated histories from which it is worth looking for them


class BuyTillYouDie(MaximumLikelihood, ABC):
    """What BG/NBD and Pareto/NBD have in common.

    >>> issubclass(BetaGeoNBD, BuyTillYouDie)
    True
    """

    _observed: pd.DataFrame | None = None

    def fit(self, x: Any, t_x: Any = None, T: Any = None) -> Self:
        """Maximum likelihood.

        Parameters
        ----------
        x : repeat purchases of each customer (whole numbers), or a DataFrame with the columns x, t_x and T, as
            :func:`crmlab.clv.summary_from_orders` makes it
        t_x : time from the first to the last purchase, 0 if x is 0
        T : time from the first purchase to the end of observation, same unit

        Raises
        ------
        CourseError : a column is missing or of another length; a value is missing, no number or impossible
            (x not whole, t_x after T, x = 0 with t_x > 0); nobody bought again.
        """
        table = _histories(x, t_x, T)
        if not (table["x"] > 0).any():
            raise CourseError(_("没有一位客户有重复购买（x 全是 0）：模型无从估计，请延长观察期或换一批客户"))
        self._observed = table
        likelihood = self._likelihood(Histories.collapse(table))
        start = np.where([name in ("alpha", "beta") for name in self.NAMES], table["T"].mean() / 3, 0.7)
        every = len(table) // _SAMPLE
        few = table.iloc[:: every or 1]
        sample = (self._likelihood(Histories.collapse(few)), len(few)) if every > 1 else None
        return self._maximise(likelihood, start, len(table), sample)

    def expected_purchases(self, t: Any, x: Any = 0, t_x: Any = 0, T: Any = 0) -> Any:
        """Expected number of purchases in the next ``t`` time units, given the history.

        Without a history (x = t_x = T = 0): of a new customer after the first purchase.

        Returns
        -------
        float, array or Series, as the arguments.
        """
        given = _checked(t=t, x=x, t_x=t_x, T=T)
        return like(self._expected(**given), "expected_purchases", x, t_x, T, t)

    def p_alive(self, x: Any, t_x: Any, T: Any) -> Any:
        """Probability (0-1) that a customer with this history is still active at T; the form of the arguments."""
        return like(self._alive(**_checked(x=x, t_x=t_x, T=T)), "p_alive", x, t_x, T)

    def log_likelihood(self, x: Any, t_x: Any = None, T: Any = None) -> float:
        """Log-likelihood of the present parameters for these customers; arguments as for :meth:`fit`."""
        histories = Histories.collapse(_histories(x, t_x, T))
        return float(self._likelihood(histories)(np.array(list(self.params_.values())))[0])

    def simulate(self, T: Any, seed: int = 0) -> pd.DataFrame:
        """Histories of customers drawn from the model, one a value of ``T``.

        Returns
        -------
        DataFrame with the columns ``x``, ``t_x``, ``T``, index like ``T``.
        """
        times = pd.Series(inputs.vector(T, "T", low=0), index=T.index if isinstance(T, pd.Series) else None)
        x, t_x = self._draw(np.random.default_rng(seed), times.to_numpy())
        return pd.DataFrame({"x": x, "t_x": t_x, "T": times})

    def plot(self) -> "Figure":
        """Customers by number of repeat purchases: observed, and as the fitted model expects it.

        Raises
        ------
        CourseError : the parameters were set by hand, so there is nothing to compare with.
        """
        from crmlab import plots

        if self._observed is None:
            raise CourseError(_("参数是直接设定的，没有可比较的观察值：请先用数据 fit(…)"))
        times = np.repeat(self._observed["T"].to_numpy(), _REPEATS)
        observed, expected = (_by_purchases(frame["x"]) for frame in (self._observed, self.simulate(times)))
        figure, (ax,) = plots.new_figure(
            _("没有再来的客户有 {observed:,.0f} 位，模型预期 {expected:,.0f} 位").format(
                observed=observed.iloc[0], expected=expected.iloc[0] / _REPEATS
            )
        )
        place = np.arange(len(observed))
        ax.bar(place - 0.2, observed, 0.38, color=plots.BLUE, label=_("实际"))
        ax.bar(place + 0.2, expected / _REPEATS, 0.38, color=plots.ORANGE, label=_("模型预期"))
        ax.set_xticks(place, observed.index)
        ax.set_xlabel(_("重复购买次数"))
        ax.set_ylabel(_("客户数（人）"))
        ax.grid(axis="x", visible=False)
        ax.legend()
        return figure

    @abstractmethod
    def _likelihood(self, histories: "Histories") -> Objective:
        """Log-likelihood and gradient as a function of the parameters."""

    @abstractmethod
    def _expected(self, t: Floats, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Expected purchases in the next ``t``."""

    @abstractmethod
    def _alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Probability of being active at ``T``."""

    @abstractmethod
    def _draw(self, rng: np.random.Generator, T: Floats) -> tuple[Floats, Floats]:
        """Random ``x`` and ``t_x`` of customers observed for ``T``."""


class BetaGeoNBD(BuyTillYouDie):
    """The BG/NBD model of Fader, Hardie & Lee (2005).

    Parameters r, alpha (gamma distribution of the purchase rate, in purchases a time unit) and a, b (beta distribution of
    the probability to leave after a repeat purchase). A customer who never bought again has had no occasion to leave:
    for x = 0 the probability of being active is 1.

    >>> model = BetaGeoNBD({"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259})  # CDNOW, weeks
    >>> round(model.expected_purchases(39, x=2, t_x=30.43, T=38.86), 3)
    1.226
    >>> round(model.p_alive(x=2, t_x=30.43, T=38.86), 4)
    0.7266
    """

    NAMES = ("r", "alpha", "a", "b")

    def _likelihood(self, histories: "Histories") -> Objective:
        """Customers with x = 0 need nothing but their T."""
        # What depends on x alone is computed once for each different x.
        values, place = np.unique(histories.x, return_inverse=True)
        count = np.bincount(place, weights=histories.n).astype(float)
        again = np.maximum(values, 1) - 1
        once = histories.T[histories.x == 0], histories.n[histories.x == 0]
        blocks = [(part, place[part]) for part in histories.blocks(histories.x > 0)]

        def log_likelihood(params: Floats) -> tuple[float, Floats]:
            r, alpha, a, b = params
            value, gradient = _of_x(params, values, count)
            log_T, weight = np.log(alpha + once[0]), once[1]
            value -= float(r * (weight @ log_T))
            gradient[:2] -= weight @ log_T, r * (weight @ (1 / (alpha + once[0])))
            log_odds = np.log(a / (b + again))
            for part, kind in blocks:
                x, n = histories.x[part], histories.n[part]
                until_T, until_last = alpha + histories.T[part], alpha + histories.t_x[part]
                log_T = np.log(until_T)
                gap = log_T - np.log(until_last)
                left = log_odds[kind] + (r + x) * gap  # log odds of having left
                small = np.exp(-np.abs(left))
                gone = n * (np.where(left > 0, 1, small) / (1 + small))
                value += n @ (np.maximum(left, 0) + np.log1p(small) - (r + x) * log_T)
                stay = (r + x) / until_T
                gradient += (
                    gone @ gap - n @ log_T,
                    gone @ (stay - (r + x) / until_last) - n @ stay,
                    gone.sum() / a,
                    -(gone @ (1 / (b + again))[kind]),
                )
            return value, gradient

        return log_likelihood

    def _alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        r, alpha, a, b = self.params_.values()
        again = np.maximum(x, 1) - 1
        log_odds = np.log(a / (b + again)) + (r + x) * np.log((alpha + T) / (alpha + t_x))
        return np.where(x > 0, 1 / (1 + np.exp(np.minimum(log_odds, 700))), 1.0)

    def _expected(self, t: Floats, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """The hypergeometric function of the paper is turned by Euler's transformation, which keeps the numbers small."""
        r, alpha, a, b = self.params_.values()
        if abs(a - 1) < _NEAR_ONE:  # the limit exists, the formula does not
            a += _NEAR_ONE
        z = t / (alpha + T + t)
        stays = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, z)
        return (a + b + x - 1) / (a - 1) * (1 - stays) * self._alive(x, t_x, T)

    def _draw(self, rng: np.random.Generator, T: Floats) -> tuple[Floats, Floats]:
        r, alpha, a, b = self.params_.values()
        wanted = rng.poisson(rng.gamma(r, 1 / alpha, len(T)) * T)  # purchases if nobody left
        leaves = rng.geometric(np.clip(rng.beta(a, b, len(T)), 1e-12, 1))
        x = np.minimum(wanted, leaves)
        # The x-th of the uniformly spread purchases is beta distributed.
        return x.astype(float), np.where(x > 0, rng.beta(np.maximum(x, 1), wanted - x + 1) * T, 0.0)


def _of_x(params: Floats, x: Floats, count: Floats) -> tuple[float, Floats]:
    """The part of the BG/NBD log-likelihood in which t_x and T do not occur, and its gradient."""
    r, alpha, a, b = params
    n = count.sum()
    value = count @ (gammaln(r + x) + gammaln(b + x) - gammaln(a + b + x))
    value += n * (r * np.log(alpha) - gammaln(r) + gammaln(a + b) - gammaln(b))
    both = count @ psi(a + b + x) - n * psi(a + b)
    gradient = np.array(
        [
            count @ psi(r + x) + n * (np.log(alpha) - psi(r)),
            n * r / alpha,
            -both,
            count @ psi(b + x) - n * psi(b) - both,
        ]
    )
    return float(value), gradient


class ParetoNBD(BuyTillYouDie):
    """The Pareto/NBD model of Schmittlein, Morrison & Colombo (1987).

    Parameters r, alpha (gamma distribution of the purchase rate) and s, beta (gamma distribution of the hazard of leaving).

    The likelihood is the sum of "still active at T" and "left at y, between t_x and T":
    (α+T)^-(r+x) (β+T)^-s + s ∫ (α+y)^-(r+x) (β+y)^-(s+1) dy, times Γ(r+x) α^r β^s / Γ(r). The integral, usually written
    with a hypergeometric function, is taken by Gauss-Legendre quadrature, exact to the precision of floats, because then
    its gradient costs next to nothing.

    >>> model = ParetoNBD({"r": 0.5533, "alpha": 10.578, "s": 0.6060, "beta": 11.669})  # CDNOW, weeks
    >>> round(model.p_alive(x=2, t_x=30.43, T=38.86), 3)
    0.869
    """

    NAMES = ("r", "alpha", "s", "beta")

    def _likelihood(self, histories: "Histories") -> Objective:
        values, place = np.unique(histories.x, return_inverse=True)
        count = np.bincount(place, weights=histories.n)
        customers = count.sum()
        blocks = list(histories.blocks(size=_BLOCK // len(_NODES)))

        def log_likelihood(params: Floats) -> tuple[float, Floats]:
            r, alpha, s, beta = params
            value = count @ gammaln(r + values)
            value += customers * (r * np.log(alpha) + s * np.log(beta) - gammaln(r))
            gradient = np.array(
                [
                    count @ psi(r + values) + customers * (np.log(alpha) - psi(r)),
                    customers * r / alpha,
                    customers * np.log(beta),
                    customers * s / beta,
                ]
            )
            for part in blocks:
                n = histories.n[part]
                log_sum, slopes, _alive = _stay_or_leave(params, *histories.rows(part))
                value += n @ log_sum
                gradient += slopes @ n
            return float(value), gradient

        return log_likelihood

    def _alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        params = np.array(list(self.params_.values()))
        flat = [column.ravel() for column in (x, t_x, T)]
        alive = [
            _stay_or_leave(params, *(column[start : start + _BLOCK] for column in flat))[2]
            for start in range(0, x.size, _BLOCK)
        ]
        return np.concatenate(alive).reshape(x.shape)

    def _expected(self, t: Floats, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """The formula of the paper; expm1 keeps it whole where s is near 1."""
        r, alpha, s, beta = self.params_.values()
        log_ratio = np.log((beta + T) / (beta + T + t))
        power = s - 1 if abs(s - 1) > _NEAR_ONE else _NEAR_ONE
        return self._alive(x, t_x, T) * (r + x) * (beta + T) / (alpha + T) * -np.expm1(power * log_ratio) / power

    def _draw(self, rng: np.random.Generator, T: Floats) -> tuple[Floats, Floats]:
        r, alpha, s, beta = self.params_.values()
        rate, hazard = rng.gamma(r, 1 / alpha, len(T)), rng.gamma(s, 1 / beta, len(T))
        active = np.minimum(rng.exponential(1, len(T)) / np.maximum(hazard, 1e-300), T)
        x = rng.poisson(rate * active)
        # The last of x uniformly spread purchases.
        return x.astype(float), np.where(x > 0, active * rng.random(len(T)) ** (1 / np.maximum(x, 1)), 0.0)


def _stay_or_leave(params: Floats, x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, Floats, Floats]:
    """For each history log(active at T + left before), its gradient (4, n), and the probability of being active."""
    r, alpha, s, beta = params
    log_aT, log_bT = np.log(alpha + T), np.log(beta + T)
    stay = -(r + x) * log_aT - s * log_bT
    log_left, share, y = _left(params, x, t_x, T)
    top = np.maximum(stay, log_left)
    log_sum = top + np.log(np.exp(stay - top) + np.exp(log_left - top))
    alive, gone = np.exp(stay - log_sum), np.exp(log_left - log_sum)
    left_a, left_b = alpha + y, beta + y
    slopes = np.array(
        [
            -alive * log_aT - gone * (share * np.log(left_a)).sum(axis=1),
            -(r + x) * (alive / (alpha + T) + gone * (share / left_a).sum(axis=1)),
            -alive * log_bT + gone * (1 / s - (share * np.log(left_b)).sum(axis=1)),
            -alive * s / (beta + T) - gone * (s + 1) * (share / left_b).sum(axis=1),
        ]
    )
    return log_sum, slopes, alive


def _left(params: Floats, x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, Floats, Floats]:
    """log of s ∫ (α+y)^-(r+x) (β+y)^-(s+1) dy from t_x to T, and where (y) the integral comes from (share).

    The variable is u = log((c+y) / (c+t_x)), c the smaller of α and β: in it the integrand is smooth, for its poles lie far
    from the real axis. It falls steeply for frequent buyers, so it is taken only as far as it matters.

    Returns
    -------
    Arrays of shape (n,), (n, nodes), (n, nodes).
    """
    r, alpha, s, beta = params
    (low, low_power), (high, high_power) = sorted([(alpha, r + x), (beta, s + 1)], key=lambda pair: pair[0])
    end = np.minimum(T, (high + t_x) * np.exp(np.minimum(_REACH / high_power, 50)) - high)
    width = np.log((low + end) / (low + t_x))
    width = np.where(low_power > 1, np.minimum(width, _REACH / np.maximum(low_power - 1, 1e-9)), width)
    u = width[:, None] * _NODES
    y = (low + t_x)[:, None] * np.exp(u) - low
    log_high = np.log(high + t_x)
    falls = np.reshape(low_power - 1, (-1, 1)) * u + np.reshape(high_power, (-1, 1)) * (
        np.log(high + y) - log_high[:, None]
    )
    density = np.exp(-falls) * _WEIGHTS
    total = density.sum(axis=1)
    log_left = (
        np.log(s * np.maximum(width * total, 1e-300)) - (low_power - 1) * np.log(low + t_x) - high_power * log_high
    )
    return np.where(width > 0, log_left, -np.inf), density / total[:, None], y


@dataclass(frozen=True)
class Histories:
    """Customers with the same history stand in one row: the likelihood costs what the different ones cost.

    ``x``, ``t_x``, ``T``: float arrays of shape (different histories,); ``n``: customers with each.

    >>> table = pd.DataFrame({"x": [2.0, 0, 2], "t_x": [30.4, 0, 30.4], "T": [38.9, 38.9, 38.9]})
    >>> Histories.collapse(table).n.tolist()
    [1.0, 2.0]
    """

    x: Floats
    t_x: Floats
    T: Floats
    n: Floats

    @classmethod
    def collapse(cls, table: pd.DataFrame) -> Self:
        columns = np.array([table[name].to_numpy(dtype=float) for name in COLUMNS])
        never = columns[0] == 0  # most customers: they differ in T alone
        return cls(*np.concatenate([_different(columns[:, never]), _different(columns[:, ~never])], axis=1))

    def rows(self, part: Any) -> tuple[Floats, Floats, Floats]:
        return self.x[part], self.t_x[part], self.T[part]

    def blocks(self, where: Any = True, size: int = _BLOCK) -> Iterator[Any]:
        """Index arrays of at most ``size`` histories each, together those that ``where`` picks."""
        picked = np.flatnonzero(np.broadcast_to(where, self.x.shape))
        for start in range(0, len(picked), size):
            yield picked[start : start + size]


def _different(columns: Floats) -> Floats:
    """The different histories among columns x, t_x, T of shape (3, n), with their number as a fourth row."""
    customers = columns.shape[1]
    few = pd.DataFrame(columns[:, :: customers // _SAMPLE or 1].T)
    if customers > _SAMPLE and few.duplicated().mean() < _WORTH:
        return np.vstack([columns, np.ones(customers)])  # time runs on without steps: next to nobody shares a history
    code = np.zeros(customers, dtype=np.int64)
    for column in columns:
        place, levels = pd.factorize(column)
        code, _levels = pd.factorize(code * len(levels) + place)
    row = np.empty(code.max(initial=-1) + 1, dtype=np.int64)
    row[code] = np.arange(customers)  # any customer with this history stands for all
    return np.vstack([columns[:, row], np.bincount(code)])


def _histories(x: Any, t_x: Any, T: Any) -> pd.DataFrame:
    """The three columns as floats, checked; index like that of the argument."""
    if isinstance(x, pd.DataFrame):
        table = inputs.frame(x, _("购买历史"), COLUMNS)
    else:
        if t_x is None or T is None:
            raise CourseError(_("请给出 x、t_x、T 三列，或一张含这三列的表（见 summary_from_orders）"))
        columns = {"x": x, "t_x": t_x, "T": T}
        length = len(inputs.vector(x, "x"))
        columns = {name: inputs.vector(column, name, length=length) for name, column in columns.items()}
        table = pd.DataFrame(columns)
    checked = pd.DataFrame({name: inputs.numbers(table, name, low=0) for name in COLUMNS})
    _refuse(checked, (checked["x"] % 1 != 0).to_numpy(), _("x 是 {x:g}，重复购买次数应是整数"))
    _refuse(checked, (checked["t_x"] > checked["T"]).to_numpy(), _("t_x 是 {t_x:g}，晚于观察结束 T = {T:g}"))
    odd = ((checked["x"] == 0) & (checked["t_x"] > 0)).to_numpy()
    _refuse(checked, odd, _("x 是 0，t_x 却是 {t_x:g}：没有重复购买时 t_x 应为 0"))
    return checked


def _checked(**given: Any) -> dict[str, Floats]:
    """Arguments of a prediction as arrays of one shape, each possible."""
    found = broadcast(**given)
    for name, values in found.items():
        if np.any(~np.isfinite(values)) or np.any(values < 0):
            bad = values[~np.isfinite(values) | (values < 0)].ravel()[0]
            raise CourseError(_("{name} 应是不小于 0 的数，现在有 {value}").format(name=name, value=bad))
    if "t_x" in found and np.any(found["t_x"] > found["T"]):
        raise CourseError(_("有客户的 t_x 晚于 T：最后一次购买不能在观察结束之后"))
    return found


def _refuse(table: pd.DataFrame, bad: Any, message: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        reason = message.format(**table.iloc[row].to_dict())
        raise CourseError(_("第 {row} 位客户的{reason}：请检查这一行").format(row=row + 1, reason=reason))


def _by_purchases(x: pd.Series) -> pd.Series:
    """Customers by number of repeat purchases, the last group open."""
    labels = [*map(str, range(_MOST_SHOWN)), f"{_MOST_SHOWN}+"]
    counts = x.clip(upper=_MOST_SHOWN).astype(int).value_counts().reindex(range(_MOST_SHOWN + 1), fill_value=0)
    return counts.set_axis(pd.Index(labels))
