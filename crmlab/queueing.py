"""How many agents a contact centre needs: Erlang B, Erlang C, Erlang A, staffing of an interval and of a day.

All three models have Poisson arrivals with rate λ, exponential service with mean ``service_time`` and N agents; the
offered load is A = λ · service_time (erlangs). They differ in what becomes of a call that finds every agent busy:
it is lost (B), it waits as long as it takes (C), it waits until its patience ends (A; patience is exponential).
**One time unit throughout**: calls a second with seconds, calls a minute with minutes.

Sources: A. K. Erlang, "Solution of some Problems in the Theory of Probabilities of Significance in Automatic Telephone
Exchanges", *Elektroteknikeren* 13, 1917 (B, C); C. Palm, "Research on telephone traffic carried by full availability
groups", *Tele* 1, 1957 (A); S. Zeltyn & A. Mandelbaum, "Call Centers with Impatient Customers: Many-Server Asymptotics
of the M/M/n+G Queue", *Queueing Systems* 51, 2005, 361-402 (the wait in Erlang A); S. Halfin & W. Whitt, "Heavy-Traffic
Limits for Queues with Many Exponential Servers", *Operations Research* 29 (3), 1981, 567-588 (square-root staffing).
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
COUNTED = ("offered", "answered", "patient")

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_NEGLIGIBLE = 45.0  # e^-45 is 3e-20: beyond that the density of the wait adds nothing a float could hold
_MOST_AGENTS = 1_000_000


# ------------------------------------------------------------------------------------------------------- Erlang B


def erlang_b(load: Any, agents: Any) -> Any:
    """Erlang B: the share of calls that find all lines busy and are lost.

    B(A, 0) = 1; B(A, n) = A·B(A, n−1) / (n + A·B(A, n−1)). The recursion stays within 0 and 1 where the textbook
    fraction of powers and factorials overflows.

    Parameters
    ----------
    load : offered load in erlangs, not negative; a number or a list of them
    agents : number of agents (lines), whole and not negative; a number or a list of them

    Returns
    -------
    float, or an array if one of the arguments is a list (both lists: pairwise).

    Raises
    ------
    CourseError : negative or missing load, agents not whole.

    >>> round(erlang_b(4.461, 10), 4)
    0.01
    >>> erlang_b(2, [0, 1, 2]).round(4).tolist()
    [1.0, 0.6667, 0.4]
    """
    loads = _several(load, "load", inputs.number, low=0)
    lines = _several(agents, "agents", inputs.whole, low=0, high=_MOST_AGENTS)
    if loads.ndim and lines.ndim and loads.shape != lines.shape:
        raise CourseError(
            _("load 有 {loads} 个数，agents 有 {agents} 个：两个都是列表时应一样长").format(
                loads=len(loads), agents=len(lines)
            )
        )
    loads, lines = np.broadcast_arrays(loads, lines)
    blocked = np.ones(loads.shape)
    found = blocked.copy()
    for n in range(1, int(lines.max(initial=0)) + 1):
        blocked = loads * blocked / (n + loads * blocked)
        found = np.where(lines >= n, blocked, found)
    return float(found) if found.ndim == 0 else found


def erlang_b_load(blocking: float, agents: int) -> float:
    """The offered load (erlangs) that ``agents`` lines carry with a share ``blocking`` of calls lost.

    The inverse of :func:`erlang_b` in its first argument, to about twelve digits.

    >>> round(erlang_b_load(0.01, 10), 3)
    4.461
    """
    from scipy.optimize import brentq

    share = inputs.number(blocking, "blocking", above=0, below=1)
    lines = inputs.whole(agents, "agents", low=1, high=_MOST_AGENTS)
    most = lines / (1 - share)  # the carried load A(1 - B) is less than the number of lines
    return float(brentq(lambda load: _blocking(load, lines) - share, 0, most, xtol=1e-13, rtol=1e-13))


def erlang_b_agents(load: float, blocking: float = 0.01) -> int:
    """The least number of lines with which at most a share ``blocking`` of calls is lost.

    >>> erlang_b_agents(12, blocking=0.01)
    20
    """
    erlangs = inputs.number(load, "load", low=0)
    most = inputs.number(blocking, "blocking", above=0, below=1)
    return _least(lambda lines: _blocking(erlangs, lines) <= most, low=0)


def _blocking(load: float, agents: int) -> float:
    """Erlang B for two plain numbers, without checks: thousands of calls of the search go through here."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


# ------------------------------------------------------------------------------------------------------- Erlang C


@dataclass(frozen=True)
class ErlangC:
    """M/M/N: every caller waits until an agent is free.

    Pw = B / (1 − ρ(1 − B)) with B = Erlang B and ρ = A/N; the wait of those who wait is exponential with mean
    service_time / (N − A), hence SL(t) = 1 − Pw·exp(−(N − A)·t/service_time) and ASA = Pw·service_time/(N − A).

    Parameters
    ----------
    arrival_rate : λ, calls a time unit, not negative
    service_time : mean handling time, in the same time unit
    agents : N, more than the offered load

    Attributes
    ----------
    load : A = λ · service_time, erlangs
    p_wait : Pw, probability that a call has to wait
    asa : average speed of answer: mean wait of all calls, time units
    mean_delay : mean wait of those calls that have to wait
    occupancy : A/N, share of their time that agents are busy
    queue_length : mean number of waiting calls

    Raises
    ------
    CourseError : N ≤ A. The queue then grows without end and no long-run figure exists.

    >>> queue = ErlangC(arrival_rate=100 / 1800, service_time=180, agents=14)   # 100 calls in 30 min; seconds
    >>> round(queue.p_wait, 4), round(queue.asa, 2), round(queue.service_level(20), 4)
    (0.1741, 7.84, 0.8884)
    """

    arrival_rate: float
    service_time: float
    agents: int

    def __post_init__(self) -> None:
        _check_queue(self)
        if _unstable(self.load, self.agents):
            raise CourseError(
                _(
                    "{agents} 名坐席接不住 {load:.4g} 爱尔兰的话务量：队伍会越排越长，没有稳定的指标；至少要 {least} 名坐席"
                ).format(agents=self.agents, load=self.load, least=_least_stable(self.load))
            )

    @property
    def load(self) -> float:
        return self.arrival_rate * self.service_time

    @cached_property
    def p_wait(self) -> float:
        blocked = _blocking(self.load, self.agents)
        return blocked / (1 - self.occupancy * (1 - blocked))

    @property
    def occupancy(self) -> float:
        return self.load / self.agents

    @property
    def mean_delay(self) -> float:
        return self.service_time / (self.agents - self.load)

    @property
    def asa(self) -> float:
        return self.p_wait * self.mean_delay

    @property
    def queue_length(self) -> float:
        return self.arrival_rate * self.asa

    def service_level(self, t: Any) -> Any:
        """Share of calls answered within ``t`` (a number or a list; not negative): float or array.

        >>> ErlangC(2, 1, 3).service_level([0, 1]).round(3).tolist()
        [0.556, 0.836]
        """
        times = _several(t, "t", inputs.number, low=0)
        found = 1 - self.p_wait * np.exp(-times / self.mean_delay)
        return found if found.ndim else float(found)

    def wait_quantile(self, q: float) -> float:
        """The wait that a share ``q`` of calls does not exceed; 0 if so many do not wait at all.

        >>> queue = ErlangC(2, 1, 3)
        >>> round(queue.service_level(queue.wait_quantile(0.9)), 6)
        0.9
        """
        share = inputs.number(q, "q", low=0, below=1)
        return max(0.0, self.mean_delay * math.log(self.p_wait / (1 - share))) if self.p_wait else 0.0


# ------------------------------------------------------------------------------------------------------- Erlang A


@dataclass(frozen=True)
class ErlangA:
    """M/M/N+M: a waiting caller hangs up when an exponential patience ends. Stable for any number of agents.

    Let θ = 1/patience, μ = 1/service_time, and V the wait of a caller who would never hang up ("offered wait"). Then
    P(V > 0) = λJ/(E + λJ), and on V > 0 its density is proportional to exp(λ(1 − e^{−θs})/θ − Nμs), where J is the
    integral of that function over s > 0 and E = 1/B(A, N−1). Every figure is an integral over this density: a caller
    who meets the wait s is still there with probability e^{−θs}. The integrals are done by Gauss-Legendre quadrature to
    about twelve digits, also where sums over the states of the chain would run over millions of terms.

    Parameters
    ----------
    arrival_rate, service_time, agents : as for :class:`ErlangC`, but N may be less than the offered load (N ≥ 1)
    patience : mean time a caller is ready to wait, same time unit; about mean wait of all calls ÷ share abandoned

    Attributes
    ----------
    load : A = λ · service_time, erlangs
    p_wait : probability that no agent is free when a call comes
    p_abandon : share of all calls that hang up
    asa : mean wait of the *answered* calls (who hang up has no speed of answer)
    mean_wait : mean time in queue of all calls, answered or not; mean_wait = p_abandon · patience
    occupancy : A(1 − p_abandon)/N
    queue_length : mean number of waiting calls, λ · mean_wait

    >>> queue = ErlangA(arrival_rate=48, service_time=1, agents=50, patience=2)   # minutes
    >>> round(queue.p_abandon, 3), round(60 * queue.mean_wait, 1), round(queue.occupancy, 2)
    (0.031, 3.7, 0.93)
    """

    arrival_rate: float
    service_time: float
    agents: int
    patience: float

    def __post_init__(self) -> None:
        _check_queue(self)
        object.__setattr__(self, "patience", inputs.number(self.patience, "patience", above=0))

    @property
    def load(self) -> float:
        return self.arrival_rate * self.service_time

    @cached_property
    def p_wait(self) -> float:
        return self._mean(np.ones_like)

    @cached_property
    def p_abandon(self) -> float:
        return self._mean(lambda s: -np.expm1(-s / self.patience))

    @property
    def mean_wait(self) -> float:
        return self.p_abandon * self.patience

    @cached_property
    def asa(self) -> float:
        return self._mean(lambda s: s * self._stays(s)) / (1 - self.p_abandon)

    @property
    def occupancy(self) -> float:
        return self.load * (1 - self.p_abandon) / self.agents

    @property
    def queue_length(self) -> float:
        return self.arrival_rate * self.mean_wait

    def service_level(self, t: Any, counted: str = "offered") -> Any:
        """Share of calls answered within ``t``; float, or array for a list of times.

        Parameters
        ----------
        t : time, not negative; a number or a list
        counted : what is divided by, for practice varies:
            "offered" — all calls (default; who hangs up counts as not served),
            "answered" — only answered calls (flatters a centre that drives callers away),
            "patient" — all calls but those who hung up within ``t`` (they gave the centre no chance).

        >>> queue = ErlangA(100 / 1800, 180, 10, patience=120)
        >>> [round(queue.service_level(20, counted), 3) for counted in COUNTED]
        [0.64, 0.742, 0.684]
        """
        inputs.choice(counted, "counted", COUNTED)
        times = _several(t, "t", inputs.number, low=0)
        idle = 1 - self.p_wait
        answered = np.array([idle + self._mean(self._stays, until=time) for time in times.ravel()])
        if counted == "answered":
            answered = answered / (1 - self.p_abandon)
        elif counted == "patient":
            left = [self._hung_up_within(time) for time in times.ravel()]
            answered = answered / (1 - np.array(left))
        return answered.reshape(times.shape) if times.ndim else float(answered[0])

    def _hung_up_within(self, t: float) -> float:
        """Share of calls that hang up within t: patience R < t and R < V."""
        early = self._mean(lambda s: -np.expm1(-s / self.patience), until=t)
        return early + self._mean(np.ones_like, since=t) * -math.expm1(-t / self.patience)

    def _stays(self, s: Floats) -> Floats:
        return np.exp(-s / self.patience)

    def _log_density(self, s: Any) -> Any:
        """Logarithm of the density of the offered wait, 0 at s = 0, up to its constant factor."""
        came = -self.arrival_rate * self.patience * np.expm1(-s / self.patience)
        return came - self.agents / self.service_time * s

    @cached_property
    def _support(self) -> tuple[float, float, float]:
        """Where the log-concave density matters: left end, mode, right end."""
        from scipy.optimize import brentq

        mode = self.patience * max(0.0, math.log(max(self.load, 1e-300) / self.agents))
        floor = self._log_density(mode) - _NEGLIGIBLE

        def above(s: float) -> float:
            return self._log_density(s) - floor

        left = brentq(above, 0, mode) if above(0) < 0 else 0.0
        width = self.service_time / self.agents
        while above(mode + width) > 0:
            width *= 2
        return left, mode, brentq(above, mode, mode + width)

    @cached_property
    def _total(self) -> float:
        """E/λ + J, in units of the density at its mode."""
        blocked = _blocking(self.load, self.agents - 1)
        if not self.arrival_rate * blocked:
            return math.inf  # a call that waits is too rare for a float
        idle = math.exp(min(-self._log_density(self._support[1]) - math.log(self.arrival_rate * blocked), 700))
        return idle + self._integral(np.ones_like, 0, math.inf)

    def _mean(self, of: Callable[[Floats], Floats], since: float = 0, until: float = math.inf) -> float:
        """Mean of a function of the offered wait V over calls with since < V ≤ until (other calls count as 0)."""
        return self._integral(of, since, until) / self._total

    def _integral(self, of: Callable[[Floats], Floats], since: float, until: float) -> float:
        left, mode, right = self._support
        peak = self._log_density(mode)
        # Callers may hang up long before agents get free: their e^{−θs} then needs a panel of its own.
        ends = (left, mode, min(mode + _NEGLIGIBLE * self.patience, right), right)
        total = 0.0
        for low, high in itertools.pairwise(ends):
            low, high = max(low, since), min(high, until)
            if high > low:
                s = low + (high - low) * (1 + _NODES) / 2
                total += (high - low) / 2 * float(_WEIGHTS @ (of(s) * np.exp(self._log_density(s) - peak)))
        return total


# ------------------------------------------------------------------------------------------------------- staffing


@dataclass(frozen=True)
class Staffing:
    """How many agents an interval needs, and what service they give.

    Attributes:
        agents: least number on the phones with which all targets are met.
        scheduled: how many to put on the roster, so that after shrinkage so many are on the phones.
        service_level: share of all calls answered within the target time, with ``agents``.
        asa: mean wait of the answered calls, time units.
        occupancy: share of their time that agents are busy.
        p_wait: probability that a call has to wait.
        p_abandon: share of calls that hang up; 0 if no patience was given (Erlang C).
        curve: the same figures for numbers of agents around the chosen one, index ``agents``.
        target, within: the service that was asked for.
        arrival_rate, service_time, patience: of the calls.

    >>> staff(100 / 1800, 180, target=0.8, within=20).agents
    14
    """

    agents: int
    scheduled: int
    service_level: float
    asa: float
    occupancy: float
    p_wait: float
    p_abandon: float
    target: float
    within: float
    arrival_rate: float
    service_time: float
    patience: float | None

    @property
    def curve(self) -> pd.DataFrame:
        queue = _model(self.arrival_rate, self.service_time, self.patience)
        low = max(1, self.agents - 5)
        rows = {}
        for agents in range(low, self.agents + 6):
            try:
                rows[agents] = _figures(queue(agents), self.within)
            except CourseError:  # too few agents for a queue without hanging up: no figure, not a zero
                rows[agents] = dict.fromkeys(_FIGURES, math.nan)
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("agents")

    def plot(self) -> "Figure":
        """Service level and occupancy against the number of agents, the chosen number marked."""
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        from crmlab import plots

        curve = self.curve
        title = _("{n} 名坐席刚好达标：{level} 的来电在时限内接起").format(
            n=self.agents, level=plots.percent(self.service_level)
        )
        figure, (ax,) = plots.new_figure(title, height=4.2)
        ax.plot(curve.index, curve["service_level"], "-o", color=plots.BLUE, ms=5)
        ax.plot(curve.index, curve["occupancy"], "-o", color=plots.ORANGE, ms=5)
        ax.axhline(self.target, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
        ax.plot([self.agents], [self.service_level], "o", ms=11, mfc=plots.PAPER, mec=plots.BLUE, mew=2.5, zorder=5)
        for column, name, colour in (
            ("service_level", _("服务水平"), plots.BLUE),
            ("occupancy", _("占用率"), plots.ORANGE),
        ):
            last = (float(curve.index[-1]), float(curve[column].iloc[-1]))
            ax.annotate(name, last, (9, 0), textcoords="offset points", va="center", color=colour, fontsize=10.5)
        start = (curve["service_level"].first_valid_index(), self.target)
        goal = _("目标 {target}").format(target=plots.percent(self.target))
        ax.annotate(goal, start, (-8, 5), textcoords="offset points", fontsize=9.5, color=plots.MUTED)
        ax.set(xlabel=_("在线坐席（人）"), ylim=(0, 1.04))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_formatter(PercentFormatter(1, 0))
        return figure


_FIGURES = ("service_level", "asa", "occupancy", "p_wait", "p_abandon")


def staff(
    arrival_rate: float,
    service_time: float,
    target: float = 0.8,
    within: float = 20,
    shrinkage: float = 0,
    patience: float | None = None,
    max_occupancy: float | None = None,
) -> Staffing:
    """The least number of agents that answers a share ``target`` of calls within ``within``.

    Then, for a share s of paid time in which agents are not on the phones (breaks, training, absence),
    ``scheduled = ceil(N / (1 − s))``: dividing, not multiplying by 1 + s.

    Parameters
    ----------
    arrival_rate : λ, calls a time unit; service_time, within, patience : in the same unit (20 means 20 *seconds* only
        if the rate is calls a second)
    target : service level to reach, between 0 and 1: answered within ``within`` ÷ all calls
    shrinkage : 0 to below 1
    patience : mean patience of callers; without it nobody hangs up (Erlang C), with it Erlang A is used
    max_occupancy : if given, agents are added until occupancy is not above it

    Returns
    -------
    Staffing; at least one agent, also if no call comes.

    Raises
    ------
    CourseError : a rate, time or share out of its bounds.

    >>> plan = staff(100 / 1800, 180, target=0.8, within=20, shrinkage=0.3)
    >>> plan.agents, plan.scheduled, round(plan.occupancy, 3)
    (14, 20, 0.714)
    """
    goal = inputs.number(target, "target", above=0, below=1)
    limit = inputs.number(within, "within", low=0)
    lost = inputs.number(shrinkage, "shrinkage", low=0, below=1)
    busiest = 1.0 if max_occupancy is None else inputs.number(max_occupancy, "max_occupancy", above=0, high=1)
    model = _model(arrival_rate, service_time, patience)
    load = inputs.number(arrival_rate, "arrival_rate", low=0) * inputs.number(service_time, "service_time", above=0)

    def enough(agents: int) -> bool:
        queue = model(agents)
        return queue.service_level(limit) >= goal and queue.occupancy <= busiest + 1e-12

    agents = _least(enough, low=_least_stable(load) if patience is None else 1)
    return Staffing(
        agents=agents,
        scheduled=_with_shrinkage(agents, lost),
        **_figures(model(agents), limit),
        target=goal,
        within=limit,
        arrival_rate=arrival_rate,
        service_time=service_time,
        patience=patience,
    )


def staff_day(
    intervals: pd.DataFrame,
    *,
    offered: str = "offered",
    handling: str = "mean_handling",
    on_duty: str | None = None,
    minutes: float = 30,
    target: float = 0.8,
    within: float = 20,
    shrinkage: float = 0,
    patience: float | None = None,
    max_occupancy: float | None = None,
) -> pd.DataFrame:
    """Agents needed in each interval of a day; with ``on_duty`` also what the present roster is short of.

    Each interval is treated as if it had run for long at its rate, independent of its neighbours: good where handling
    takes minutes and intervals half an hour; where an interval is overloaded its queue runs on into the next.

    Parameters
    ----------
    intervals : DataFrame, one row an interval
    offered : column with the calls that came in (number, may be a forecast such as 42.5)
    handling : column with the mean handling time, **seconds**
    on_duty : column with the agents now on the phones; optional
    minutes : length of an interval
    target, within, shrinkage, patience, max_occupancy : as for :func:`staff`, times in **seconds**

    Returns
    -------
    DataFrame, index as ``intervals``, columns ``load`` (erlangs), ``agents``, ``scheduled``, ``service_level``, ``asa``
    (seconds), ``occupancy``; with ``on_duty`` also ``on_duty``, ``gap`` (on duty − needed: negative is short) and
    ``level_on_duty``, the service level to expect of the present roster (without ``patience`` missing where it cannot
    keep up).

    >>> day = pd.DataFrame({"offered": [100, 40], "mean_handling": [180, 180], "on_duty": [12, 9]}, ["9:00", "9:30"])
    >>> staff_day(day, on_duty="on_duty")[["load", "agents", "on_duty", "gap"]]
          load  agents  on_duty  gap
    9:00  10.0      14       12   -2
    9:30   4.0       7        9    2
    """
    columns = [offered, handling, *([on_duty] if on_duty else [])]
    inputs.frame(intervals, _("时段表"), columns)
    seconds = 60 * inputs.number(minutes, "minutes", above=0)
    rates = inputs.numbers(intervals, offered, low=0) / seconds
    times = inputs.numbers(intervals, handling, above=0)
    plans = [
        staff(rate, time, target, within, shrinkage, patience, max_occupancy)
        for rate, time in zip(rates, times, strict=True)
    ]
    shown = ("agents", "scheduled", "service_level", "asa", "occupancy")
    table = pd.DataFrame([{name: getattr(plan, name) for name in shown} for plan in plans], columns=list(shown))
    table.insert(0, "load", rates * times)
    if on_duty:
        people = inputs.numbers(intervals, on_duty, low=0).astype("int64")
        table["on_duty"], table["gap"] = people, people - table["agents"]
        table["level_on_duty"] = [
            _level(rate, time, int(n), patience, within) for rate, time, n in zip(rates, times, people, strict=True)
        ]
    return table.set_axis(intervals.index)


def square_root_agents(load: float, beta: float = 1.0) -> int:
    """Square-root staffing: the load and a safety of ``beta`` times its root, ceil(A + β√A).

    Twice the load needs less than twice the agents: the safety grows with the root only. β buys quality: the chance to
    wait tends to :func:`halfin_whitt` (β) for large loads.

    >>> [square_root_agents(load) for load in (10, 100, 1000)]
    [14, 110, 1032]
    """
    erlangs = inputs.number(load, "load", low=0)
    safety = inputs.number(beta, "beta", low=0) * math.sqrt(erlangs)
    return max(1, math.ceil(round(erlangs + safety, 9)))


def halfin_whitt(beta: float) -> float:
    """The chance to wait under square-root staffing in the limit of large loads: 1 / (1 + β·Φ(β)/φ(β)).

    >>> round(halfin_whitt(1), 4), round(ErlangC(1000, 1, 1032).p_wait, 4)
    (0.2234, 0.2231)
    """
    b = inputs.number(beta, "beta", low=0, high=30)
    return 1 / (1 + b * (1 + math.erf(b / math.sqrt(2))) / 2 * math.sqrt(2 * math.pi) * math.exp(b * b / 2))


def _model(arrival_rate: float, service_time: float, patience: float | None) -> Callable[[int], Any]:
    if patience is None:
        return lambda agents: ErlangC(arrival_rate, service_time, agents)
    return lambda agents: ErlangA(arrival_rate, service_time, agents, patience)


def _figures(queue: Any, within: float) -> dict[str, float]:
    return {
        "service_level": queue.service_level(within),
        "asa": queue.asa,
        "occupancy": queue.occupancy,
        "p_wait": queue.p_wait,
        "p_abandon": getattr(queue, "p_abandon", 0.0),
    }


def _level(rate: float, time: float, agents: int, patience: float | None, within: float) -> float:
    """The service level of a given number of agents; missing where a queue without hanging up is not stable."""
    if agents == 0:
        return 0.0 if rate else 1.0
    if patience is None and _unstable(rate * time, agents):
        return math.nan
    return _model(rate, time, patience)(agents).service_level(within)


def _with_shrinkage(agents: int, shrinkage: float) -> int:
    """ceil(N / (1 − s)), where 9 / (1 − 0.1) is 10 and not 10.000000000000002."""
    return math.ceil(round(agents / (1 - shrinkage), 9))


def _unstable(load: float, agents: int) -> bool:
    return load >= agents * (1 - 1e-12)  # 100/30 * 3 is ten erlangs, whatever the last bit says


def _least_stable(load: float) -> int:
    return math.floor(load * (1 + 1e-12)) + 1


def _least(enough: Callable[[int], bool], low: int) -> int:
    """The least whole number from ``low`` on that is enough: steps that double, then halving."""
    step, high = 1, low
    while not enough(high):
        low, high, step = high + 1, high + step, 2 * step
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _check_queue(queue: Any) -> None:
    """Checked, plain numbers in a frozen model."""
    object.__setattr__(queue, "arrival_rate", inputs.number(queue.arrival_rate, "arrival_rate", low=0))
    object.__setattr__(queue, "service_time", inputs.number(queue.service_time, "service_time", above=0))
    object.__setattr__(queue, "agents", inputs.whole(queue.agents, "agents", low=1, high=_MOST_AGENTS))


def _several(values: Any, name: str, check: Callable[..., float], **bounds: Any) -> Floats:
    """A number or a list of numbers, each checked, as an array with 0 or 1 dimensions."""
    if np.ndim(values) == 0:
        return np.asarray(check(values, name, **bounds), dtype=float)
    found = inputs.vector(values, name, **bounds)
    if check is inputs.whole:
        for value in found:
            inputs.whole(value, name)
    return found
