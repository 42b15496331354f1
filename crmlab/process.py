"""A business process before and after its redesign, simulated case by case.

A process is a row of stages. A stage is one step, or several: those that the case needs are done side by side, and it
goes on when all are done; steps for different cases (simple ones, hard ones) are branches. A step needs one person of
a resource for a random time; cases wait in the order in which they came. A check may send a case back. Simulation
answers what a drawing cannot: how long cases *wait*.

Comparisons use common random numbers: before and after the redesign the same cases come at the same moments and a step
that both processes have takes equally long for the same case, so that the difference shows the redesign and not luck.

Sources: M. Hammer & J. Champy, *Reengineering the Corporation*, HarperBusiness, 1993; M. Dumas, M. La Rosa,
J. Mendling & H. A. Reijers, *Fundamentals of Business Process Management*, 2nd ed., Springer, 2018 (redesign
heuristics, simulation); A. M. Law, *Simulation Modeling and Analysis*, 5th ed., McGraw-Hill, 2015 (warm-up,
replications, common random numbers).
"""

import itertools
import zlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
DISTRIBUTIONS = ("exponential", "lognormal", "fixed")
_CV = 0.6  # coefficient of variation of lognormal times: office work varies less than exponential
_MOST_REWORK = 0.9
MEASURES = {
    "cycle": _("历时（分钟）"),
    "cycle_p90": _("历时的 90% 分位（分钟）"),
    "waiting": _("等待（分钟）"),
    "work": _("作业（分钟）"),
    "rework": _("重做的步骤（次/件）"),
    "in_time": _("按时办结"),
    "work_cost": _("作业成本（元/件）"),
}


@dataclass(frozen=True)
class Step:
    """One step of a process.

    Parameters
    ----------
    name : what is done
    resource : who does it, one of the resources of the process
    minutes : mean time it takes
    distribution : of that time: "exponential", "lognormal" (coefficient of variation 0.6) or "fixed"
    rework : chance, 0 to 0.9, that the case is sent back after this step
    back_to : the step it is sent back to; by default this one
    cases : (low, high): which cases need the step. Each case has a fixed difficulty, uniform between 0 (easiest) and 1;
        the step is done if low ≤ difficulty < high. (0, 1), the default, means all cases; (0.7, 1) the hardest 30 %.

    >>> Step("审核", "主管", 10, rework=0.1, back_to="登记").distribution
    'exponential'
    """

    name: str
    resource: str
    minutes: float
    distribution: str = "exponential"
    rework: float = 0.0
    back_to: str = ""
    cases: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise CourseError(_("步骤的 name 应是文字，现在是 {name!r}").format(name=self.name))
        what = _("步骤 {step} 的 {part}")
        inputs.number(self.minutes, what.format(step=self.name, part="minutes"), above=0)
        inputs.choice(self.distribution, what.format(step=self.name, part="distribution"), DISTRIBUTIONS)
        inputs.number(self.rework, what.format(step=self.name, part="rework"), low=0, high=_MOST_REWORK)
        low, high = inputs.vector(self.cases, what.format(step=self.name, part="cases"), length=2, low=0, high=1)
        if low >= high:
            raise CourseError(
                _("步骤 {step} 的 cases 应由小到大，例如 (0, 0.7)，现在是 ({low:g}, {high:g})").format(
                    step=self.name, low=low, high=high
                )
            )

    def needed(self, difficulty: float) -> bool:
        """Whether a case of this difficulty needs the step.

        >>> Step("专家处理", "专家", 30, cases=(0.7, 1)).needed(0.4)
        False
        """
        return self.cases[0] <= difficulty < self.cases[1]

    def times(self, uniform: Floats) -> Floats:
        """Times of the step for uniform random numbers.

        >>> Step("登记", "客服", 5, "fixed").times(np.array([0.2, 0.9])).tolist()
        [5.0, 5.0]
        """
        if self.distribution == "fixed":
            return np.full(len(uniform), float(self.minutes))
        if self.distribution == "exponential":
            return -self.minutes * np.log1p(-uniform)
        from scipy.special import ndtri

        spread = np.sqrt(np.log1p(_CV**2))
        return self.minutes * np.exp(spread * ndtri(np.maximum(uniform, 1e-300)) - spread**2 / 2)


Stage = tuple[Step, ...]


@dataclass(frozen=True)
class Process:
    """A process: its stages, who works in it, how many cases come.

    Parameters
    ----------
    name : name of the process
    steps : steps in order; a tuple of steps is a stage: branches, or steps done side by side
    resources : how many people of each resource, {"客服": 3, "主管": 1}
    arrivals : cases an hour; they come at random (Poisson)
    wages : yuan an hour of each resource; optional, 0 for those not named

    Raises
    ------
    CourseError : a step's resource is unknown, two steps have one name, a step is sent back to what does not come
        before it, rework in a step done beside others, ...

    The methods :meth:`merge`, :meth:`side_by_side`, :meth:`without`, :meth:`triage`, :meth:`with_people` express usual
    redesigns; each returns a new process.

    >>> before = Process("退货", [Step("登记", "客服", 5), Step("审核", "主管", 8)], {"客服": 2, "主管": 1}, arrivals=6)
    >>> [step.name for step in before.merge(["登记", "审核"], "一次办结", "客服", 9).all_steps]
    ['一次办结']
    """

    name: str
    steps: Sequence[Step | tuple[Step, ...]]
    resources: Mapping[str, int]
    arrivals: float
    wages: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.steps, (str, Step)) or not self.steps:
            raise CourseError(_("流程 {process} 的 steps 应是步骤的列表，至少一步").format(process=self.name))
        inputs.number(self.arrivals, "arrivals", above=0)
        for resource, people in self.resources.items():
            inputs.whole(people, _("资源 {name} 的人数").format(name=resource), low=1)
        for resource, wage in self.wages.items():
            inputs.number(wage, _("资源 {name} 的时薪").format(name=resource), low=0)
        problem = next(_problems(self), None)
        if problem:
            raise CourseError(_("流程 {process}：{problem}").format(process=self.name, problem=problem))

    @property
    def stages(self) -> list[Stage]:
        """The stages, each a tuple of one or more steps."""
        return [stage if isinstance(stage, tuple) else (stage,) for stage in self.steps]

    @property
    def all_steps(self) -> list[Step]:
        """The steps one after the other."""
        return [step for stage in self.stages for step in stage]

    # ---- redesigns

    def merge(
        self, names: Sequence[str], name: str, resource: str, minutes: float | None = None, rework: float = 0.0
    ) -> "Process":
        """One person does several steps at one go (case manager); by default in the sum of their times."""
        steps = [self._step(found) for found in names]
        if not steps:
            raise CourseError(_("merge 至少要一个步骤名"))
        total = sum(step.minutes for step in steps) if minutes is None else minutes
        merged = Step(name, resource, total, steps[0].distribution, rework)
        return self._swap({names[0]: merged} | dict.fromkeys(names[1:]))

    def side_by_side(self, *names: str) -> "Process":
        """Several steps are done at the same time, where the first of them stood."""
        together = tuple(self._step(name) for name in names)
        if len(together) < 2:
            raise CourseError(_("side_by_side 至少要两个步骤名"))
        return self._swap({names[0]: together} | dict.fromkeys(names[1:]))

    def without(self, name: str) -> "Process":
        """A step is dropped, with the rework it caused."""
        self._step(name)
        return self._swap({name: None})

    def triage(self, name: str, easy: float, minutes: float, resource: str | None = None) -> "Process":
        """The easiest share ``easy`` of the cases takes a short step of ``minutes``, the others the old step.

        The short step sends nothing back. ``resource`` gives it to somebody else of the process.
        """
        old = self._step(name)
        cut = inputs.number(easy, "easy", above=0, below=1)
        fast = Step(
            _("{step}（简易）").format(step=name), resource or old.resource, minutes, old.distribution, cases=(0, cut)
        )
        return self._swap({name: (fast, replace(old, cases=(cut, 1.0)))})

    def with_people(self, resource: str, people: int) -> "Process":
        """So many people of a resource (not so many more)."""
        return replace(self, resources={**self.resources, resource: people})

    def _step(self, name: str) -> Step:
        for step in self.all_steps:
            if step.name == name:
                return step
        known = _("、").join(step.name for step in self.all_steps)
        raise CourseError(_("流程里没有步骤 {name}，现有的是 {known}").format(name=name, known=known))

    def _swap(self, new: Mapping[str, Any]) -> "Process":
        """Steps replaced by name: None drops a step, a tuple of steps joins the stage."""
        steps: list[Any] = []
        for stage in self.stages:
            kept = [new.get(step.name, step) for step in stage]
            flat = [step for part in kept if part for step in (part if isinstance(part, tuple) else (part,))]
            if flat:
                steps.append(flat[0] if len(flat) == 1 else tuple(flat))
        here = {step.name for stage in steps for step in (stage if isinstance(stage, tuple) else (stage,))}
        return replace(self, steps=[_keep_way_back(stage, here) for stage in steps])

    def plot(self) -> "Figure":
        """The process map: a lane for each resource, arrows for the flow, dashed arrows for rework."""
        return _map(self)


def _keep_way_back(stage: Any, here: set[str]) -> Any:
    """If the step to which cases went back is gone, they go back to the check itself."""
    if isinstance(stage, tuple):
        return tuple(_keep_way_back(step, here) for step in stage)
    return replace(stage, back_to="") if stage.back_to and stage.back_to not in here else stage


def _problems(process: Process) -> Generator[str, None, None]:
    """What is wrong with the steps, in their order."""
    seen: list[str] = []
    for stage in process.stages:
        for step in stage:
            if not isinstance(step, Step):
                yield _("steps 里的 {value!r} 不是 Step").format(value=step)
            elif step.name in seen:
                yield _("有两个步骤都叫 {name}：请改名").format(name=step.name)
            elif step.resource not in process.resources:
                known = _("、").join(process.resources)
                yield _("步骤 {name} 要的资源 {resource} 不在 resources 里（现有 {known}）").format(
                    name=step.name, resource=step.resource, known=known
                )
            elif step.rework and any(_meet(step, other) for other in stage if other is not step):
                yield _("并行的步骤 {name} 不能有返工：请把检查放在并行之后").format(name=step.name)
            elif step.back_to and step.back_to not in [*seen, step.name]:
                yield _("步骤 {name} 退回的 {back} 不在它前面").format(name=step.name, back=step.back_to)
            else:
                seen.append(step.name)


def _meet(a: Step, b: Step) -> bool:
    """Whether some cases need both steps."""
    return isinstance(b, Step) and max(a.cases[0], b.cases[0]) < min(a.cases[1], b.cases[1])


# ------------------------------------------------------------------------------------------------------ simulation


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a simulated process did.

    Attributes:
        process: what was simulated.
        log: event log of the measured cases, one row a visit to a step: ``replication``, ``case``, ``step``,
            ``resource``, ``ready`` (when the case came to the step), ``start``, ``end`` (minutes).
        cases: one row a case: ``replication``, ``case``, ``arrive``, ``leave``, ``cycle`` (leave − arrive), ``waiting``
            (sum over its visits), ``work``, ``rework`` (visits beyond the first to a step), ``work_cost`` (yuan).
        resources: one row a resource: ``people``, ``utilisation`` (busy share of the measured time), ``wait`` (mean
            minutes before a step).
        promise: minutes within which a case should be done, or None.

    >>> desk = Process("咨询", [Step("答复", "客服", 5)], {"客服": 1}, arrivals=6)
    >>> result = simulate(desk, hours=50, replications=2, seed=1)
    >>> result.log.columns.to_list()
    ['replication', 'case', 'step', 'resource', 'ready', 'start', 'end']
    """

    process: Process
    log: pd.DataFrame
    cases: pd.DataFrame
    resources: pd.DataFrame
    promise: float | None

    @cached_property
    def replications(self) -> pd.DataFrame:
        """Each measure in each replication, one row a replication."""
        groups = self.cases.groupby("replication")
        table = groups[["cycle", "waiting", "work", "rework", "work_cost"]].mean()
        table["cycle_p90"] = groups["cycle"].quantile(0.9)
        if self.promise is not None:
            table["in_time"] = (self.cases["cycle"] <= self.promise).groupby(self.cases["replication"]).mean()
        return table[[measure for measure in MEASURES if measure in table]]

    @property
    def summary(self) -> pd.DataFrame:
        """Mean of each measure with its 95 % interval over the replications: columns ``mean``, ``low``, ``high``."""
        return _with_interval(self.replications)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row a step: ``visits`` a case, mean ``wait`` and ``work`` (minutes) a visit."""
        timed = self.log.assign(wait=self.log["start"] - self.log["ready"], work=self.log["end"] - self.log["start"])
        groups = timed.groupby("step")
        table = groups[["wait", "work"]].mean()
        table.insert(0, "visits", groups.size() / len(self.cases))
        return table.reindex([step.name for step in self.process.all_steps])


def simulate(
    process: Process,
    hours: float = 160,
    replications: int = 20,
    seed: int = 0,
    *,
    warm_up: float | None = None,
    promise: float | None = None,
) -> Simulation:
    """Run the process several times, each time with other cases.

    The process starts empty; cases that come during the warm-up fill it and are not measured. All measured cases are
    followed until they leave.

    Parameters
    ----------
    process : what to run
    hours : measured working time of a replication
    replications : how often, at least 2: the interval of a mean comes from them
    seed : the same seed gives the same cases, whatever the process
    warm_up : hours before measuring; by default a fifth of ``hours``
    promise : minutes within which a case should be done; adds the measure ``in_time``

    Returns
    -------
    Simulation

    >>> desk = Process("咨询", [Step("答复", "客服", 5)], {"客服": 1}, arrivals=6)
    >>> simulate(desk, hours=400, replications=10, seed=1).summary.loc["work"].round(1).to_list()
    [5.0, 4.9, 5.1]
    """
    if not isinstance(process, Process):
        raise CourseError(_("process 应是 Process，现在是 {kind}").format(kind=type(process).__name__))
    measured = 60 * inputs.number(hours, "hours", above=0)
    start = measured / 5 if warm_up is None else 60 * inputs.number(warm_up, "warm_up", low=0)
    times = inputs.whole(replications, "replications", low=2)
    inputs.whole(seed, "seed", low=0)
    limit = None if promise is None else inputs.number(promise, "promise", above=0)
    visits, came = [], []
    for replication in range(times):
        run = _Run(process, start + measured, (int(seed), replication))
        visits.append(run.log().assign(replication=replication))
        came.append(pd.DataFrame({"replication": replication, "case": run.numbers, "arrive": run.arrive}))
    log, arrived = pd.concat(visits, ignore_index=True), pd.concat(came, ignore_index=True)
    resources = _use(log, process, start, start + measured, times)
    arrived = arrived[arrived["arrive"] >= start]
    if arrived.empty:
        raise CourseError(_("{hours:g} 小时里没有一件业务：请加长 hours 或提高 arrivals").format(hours=hours))
    log = log.merge(arrived[["replication", "case"]])[["replication", "case", *_LOG]]
    return Simulation(process, log, _cases(log, arrived, process), resources, limit)


_LOG = ("step", "resource", "ready", "start", "end")


class _Run:
    """One replication: cases drawn first, then sent through the process."""

    def __init__(self, process: Process, minutes: float, seed: tuple[int, int]) -> None:
        self.process, self.seed = process, seed
        rng = self._stream("arrivals", 0)
        gaps = rng.exponential(60 / process.arrivals, 64 + int(2 * minutes * process.arrivals / 60))
        arrive = gaps.cumsum()
        while arrive[-1] < minutes:  # more came than twice the expected: only where few are expected
            arrive = np.append(arrive, arrive[-1] + rng.exponential(60 / process.arrivals))
        self.arrive = arrive[arrive < minutes]
        self.numbers = np.arange(len(self.arrive))
        self.difficulty = self._stream("difficulty", 0).random(len(self.arrive))
        self._drawn: dict[tuple[str, int], tuple[list[float], list[bool]]] = {}
        self._rows: list[tuple[Any, ...]] = []

    def log(self) -> pd.DataFrame:
        import simpy

        self.env = simpy.Environment()
        self.pools = {name: simpy.Resource(self.env, int(n)) for name, n in self.process.resources.items()}
        stages = self.process.stages
        place = {step.name: number for number, stage in enumerate(stages) for step in stage}
        self.env.process(self._arrivals(stages, place))
        self.env.run()
        return pd.DataFrame(self._rows, columns=["case", *_LOG])

    def _arrivals(self, stages: list[Stage], place: dict[str, int]) -> Generator[Any, None, None]:
        for number, moment in enumerate(self.arrive.tolist()):
            yield self.env.timeout(moment - self.env.now)
            self.env.process(self._case(number, stages, place))

    def _case(self, number: int, stages: list[Stage], place: dict[str, int]) -> Generator[Any, None, None]:
        difficulty = float(self.difficulty[number])
        visits: dict[str, int] = {}
        stage = 0
        while stage < len(stages):
            steps = [step for step in stages[stage] if step.needed(difficulty)]
            here, stage = stage, stage + 1
            for step in steps:
                visits[step.name] = visits.get(step.name, -1) + 1
            if len(steps) == 1:
                (step,) = steps
                yield from self._visit(number, step, visits[step.name])
                if self._draw(step, visits[step.name])[1][number]:
                    stage = place[step.back_to] if step.back_to else here
            elif steps:
                yield self.env.all_of([self.env.process(self._visit(number, s, visits[s.name])) for s in steps])

    def _visit(self, number: int, step: Step, visit: int) -> Generator[Any, None, None]:
        ready = self.env.now
        with self.pools[step.resource].request() as turn:
            yield turn
            start = self.env.now
            yield self.env.timeout(self._draw(step, visit)[0][number])
        self._rows.append((number, step.name, step.resource, ready, start, self.env.now))

    def _draw(self, step: Step, visit: int) -> tuple[list[float], list[bool]]:
        """Times and send-backs of all cases at their first, second, ... visit to a step.

        Drawn by the name of the step and the number of the visit, so that another process with this step has the same.
        """
        key = (step.name, visit)
        if key not in self._drawn:
            rng = self._stream(step.name, visit)
            times = step.times(rng.random(len(self.arrive)))
            self._drawn[key] = times.tolist(), (rng.random(len(self.arrive)) < step.rework).tolist()
        return self._drawn[key]

    def _stream(self, name: str, visit: int) -> np.random.Generator:
        return np.random.default_rng([*self.seed, zlib.crc32(name.encode()), visit])


def _cases(log: pd.DataFrame, arrived: pd.DataFrame, process: Process) -> pd.DataFrame:
    pay = log["resource"].map({name: process.wages.get(name, 0.0) / 60 for name in process.resources})
    work = log["end"] - log["start"]
    keys = [log["replication"], log["case"]]
    parts = pd.DataFrame(
        {
            "leave": log["end"].groupby(keys).max(),
            "waiting": (log["start"] - log["ready"]).groupby(keys).sum(),
            "work": work.groupby(keys).sum(),
            "rework": log.duplicated(["replication", "case", "step"]).groupby(keys).sum(),
            "work_cost": (work * pay).groupby(keys).sum(),
        }
    )
    table = arrived.join(parts, on=["replication", "case"])
    # A case that needs no step at all leaves as it comes.
    table["leave"] = table["leave"].fillna(table["arrive"])
    table.insert(4, "cycle", table["leave"] - table["arrive"])
    return table.fillna(0.0).reset_index(drop=True)


def _use(log: pd.DataFrame, process: Process, start: float, end: float, replications: int) -> pd.DataFrame:
    """How busy each resource was within the measured time."""
    busy = (log["end"].clip(start, end) - log["start"].clip(start, end)).groupby(log["resource"]).sum()
    wait = (log["start"] - log["ready"])[log["ready"] >= start].groupby(log["resource"]).mean()
    people = pd.Series(dict(process.resources), dtype="int64").rename_axis("resource")
    paid = people * (end - start) * replications
    return pd.DataFrame(
        {
            "people": people,
            "utilisation": busy.reindex(people.index).fillna(0.0) / paid,
            "wait": wait.reindex(people.index).fillna(0.0),
        }
    )


def _with_interval(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over the replications and its 95 % t interval."""
    from scipy.special import stdtrit

    reach = stdtrit(len(rows) - 1, 0.975) * rows.std() / np.sqrt(len(rows))
    return pd.DataFrame({"mean": rows.mean(), "low": rows.mean() - reach, "high": rows.mean() + reach})


# ------------------------------------------------------------------------------------------------------ comparison


@dataclass(frozen=True, eq=False)
class Comparison:
    """Before and after.

    Attributes:
        before, after: the two simulations.
        table: one row a measure: ``before``, ``after`` (means), ``difference`` (after − before), ``low`` and ``high``
            (95 % interval of the difference, paired by replication), ``change`` (difference ÷ before).

    >>> desk = Process("咨询", [Step("答复", "客服", 5)], {"客服": 1}, arrivals=8)
    >>> compare(desk, desk.with_people("客服", 2), hours=80, seed=1).table.loc["waiting", "change"] < -0.5
    np.True_
    """

    before: Simulation
    after: Simulation
    table: pd.DataFrame

    def plot(self) -> "Figure":
        """Change of each measure with its interval, in per cent of before."""
        return _change(self)


def compare(
    before: Process,
    after: Process,
    hours: float = 160,
    replications: int = 20,
    seed: int = 0,
    *,
    warm_up: float | None = None,
    promise: float | None = None,
) -> Comparison:
    """Simulate two processes with common random numbers and compare them replication by replication.

    Parameters as for :func:`simulate`. An interval of the difference that does not hold 0 speaks for a real change.

    >>> old = Process("退款", [Step("登记", "客服", 4), Step("复核", "主管", 5)], {"客服": 1, "主管": 1}, arrivals=9)
    >>> new = old.without("复核")
    >>> result = compare(old, new, hours=80, replications=10, seed=3)
    >>> result.table.loc["work", "difference"].round(1)
    np.float64(-5.0)
    """
    settings: dict[str, Any] = {"warm_up": warm_up, "promise": promise}
    first = simulate(before, hours, replications, seed, **settings)
    second = simulate(after, hours, replications, seed, **settings)
    gap = _with_interval(second.replications - first.replications)
    table = pd.DataFrame({"before": first.replications.mean(), "after": second.replications.mean()})
    table["difference"], table["low"], table["high"] = gap["mean"], gap["low"], gap["high"]
    table["change"] = table["difference"] / table["before"].where(table["before"] != 0)
    return Comparison(first, second, table.rename_axis("measure"))


# ---------------------------------------------------------------------------------------------------------- plots


def _change(result: Comparison) -> "Figure":
    from matplotlib.ticker import PercentFormatter

    from crmlab import plots

    rows = result.table[result.table["change"].notna()].iloc[::-1]
    cycle = result.table.loc["cycle"]
    title = _("改造后平均历时从 {old:.0f} 分钟变为 {new:.0f} 分钟").format(old=cycle["before"], new=cycle["after"])
    figure, (ax,) = plots.new_figure(title, height=0.5 * len(rows) + 1.3)
    ax.axvline(0, color=plots.MUTED, lw=1)
    for at, (measure, row) in enumerate(rows.iterrows()):
        better = (row["change"] < 0) != (measure == "in_time")
        sure = row["low"] > 0 or row["high"] < 0
        colour = (plots.GREEN if better else plots.RED) if sure else plots.GREY
        low, high = row["low"] / row["before"], row["high"] / row["before"]
        ax.plot([low, high], [at, at], color=colour, lw=2.2)
        ax.plot([row["change"]], [at], "o", color=colour, ms=8, mec=plots.PAPER, mew=1.5)
        text = f"{row['change']:+.0%}".replace("-", "−")
        ax.annotate(text, (row["change"], at), (0, 8), textcoords="offset points", ha="center", fontsize=9.5)
    ax.set_yticks(range(len(rows)), [MEASURES[str(measure)] for measure in rows.index])
    ax.tick_params(axis="y", labelsize=10, labelcolor=plots.INK)
    ax.set(ylim=(-0.6, len(rows) - 0.3), xlabel=_("变化（占改造前的比例），横线为 95% 区间"))
    ax.margins(x=0.12)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(PercentFormatter(1, 0))
    return figure


_BOX = (0.72, 0.5)  # width and height of a step in the map, where columns are 1 apart
_ROW = 0.72  # from one step to the next below it in the same lane


def _map(process: Process) -> "Figure":
    from crmlab import plots

    stages = process.stages
    place, lanes = _places(stages)
    height = sum(top - bottom for top, bottom in lanes.values())
    title = _("{name}：{count} 个步骤，经 {people} 个岗位").format(
        name=process.name, count=len(process.all_steps), people=len(lanes)
    )
    figure, (ax,) = plots.new_figure(title, width=max(7.2, 1.35 * len(stages) + 2.6), height=1.15 * height + 0.9)
    _lanes(ax, process, lanes)
    begin, finish = (0.15, place[stages[0][0].name][1]), (len(stages) + 0.85, place[stages[-1][0].name][1])
    columns = [[begin], *[[place[step.name] for step in stage] for stage in stages], [finish]]
    for number, (left, right) in enumerate(itertools.pairwise(columns)):
        for a, b in itertools.product(left, right):
            _arrow(ax, a, b, start=number == 0, end=number == len(stages))
    for step in process.all_steps:
        _box(ax, step, place[step.name])
        if step.rework:
            _way_back(ax, place[step.name], place[step.back_to or step.name], step.rework)
    for (x, y), name, width in ((begin, _("开始"), 1.2), (finish, _("结束"), 3)):
        ax.plot([x], [y], "o", ms=15, mfc=plots.PAPER, mec=plots.INK, mew=width, zorder=4)
        ax.annotate(name, (x, y), (0, -19), textcoords="offset points", ha="center", fontsize=8.5, color=plots.MUTED)
    ax.set(xlim=(-0.62, len(stages) + 1.15), ylim=(-height, 0), xticks=[], yticks=[])
    ax.grid(visible=False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    return figure


def _places(stages: list[Stage]) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]:
    """Where each step stands, and top and bottom of each lane: columns are stages, lanes are resources."""
    used = dict.fromkeys(step.resource for stage in stages for step in stage)
    mates = {name: [[step for step in stage if step.resource == name] for stage in stages] for name in used}
    place, lanes, top = {}, {}, 0.0
    for name, columns in mates.items():
        bottom = top - 1 - _ROW * (max(map(len, columns)) - 1)
        lanes[name] = (top, bottom)
        for x, steps in enumerate(columns, start=1):
            for row, step in enumerate(steps):
                place[step.name] = (float(x), (top + bottom) / 2 + _ROW * ((len(steps) - 1) / 2 - row))
        top = bottom
    return place, lanes


def _lanes(ax: "Axes", process: Process, lanes: dict[str, tuple[float, float]]) -> None:
    from crmlab import plots

    for number, (name, (top, bottom)) in enumerate(lanes.items()):
        ax.axhspan(bottom, top, color=plots.GRID if number % 2 else "#f3f4f2", lw=0, zorder=0)
        ax.text(
            -0.55, (top + bottom) / 2, _("{name}\n{people} 人").format(name=name, people=process.resources[name]),
            va="center", fontsize=10, color=plots.INK, linespacing=1.5,
        )  # fmt: skip


def _box(ax: "Axes", step: Step, at: tuple[float, float]) -> None:
    from matplotlib.patches import FancyBboxPatch

    from crmlab import plots

    (x, y), (width, height) = at, _BOX
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2 + 0.05, y - height / 2 + 0.05), width - 0.1, height - 0.1, boxstyle="round,pad=0.05",
            fc="white", ec=plots.BLUE, lw=1.4, zorder=3,
        )
    )  # fmt: skip
    low, high = step.cases
    size = min(10.0, 64 / len(step.name))
    ax.text(x, y + 0.07, step.name, ha="center", va="center", fontsize=size, color=plots.INK, zorder=4)
    minutes = _("{minutes:g} 分钟").format(minutes=step.minutes)
    ax.text(x, y - 0.12, minutes, ha="center", va="center", fontsize=8, color=plots.MUTED, zorder=4)
    if high - low < 1:
        share = _("{share:.0%} 的业务").format(share=high - low)
        ax.text(x, y - height / 2 - 0.04, share, ha="center", va="top", fontsize=8, color=plots.MUTED, zorder=4)


def _arrow(ax: "Axes", a: tuple[float, float], b: tuple[float, float], *, start: bool, end: bool) -> None:
    """From the right edge of one box to the left edge of the next; circles are smaller than boxes."""
    from crmlab import plots

    ax.annotate(
        "", (b[0] - (0.1 if end else _BOX[0] / 2), b[1]), (a[0] + (0.1 if start else _BOX[0] / 2), a[1]), zorder=2,
        arrowprops={"arrowstyle": "-|>", "color": plots.MUTED, "lw": 1.2, "shrinkA": 0, "shrinkB": 1},
    )  # fmt: skip


def _way_back(ax: "Axes", a: tuple[float, float], b: tuple[float, float], share: float) -> None:
    """A dashed arrow over the boxes, from the top of the check to the top of the step where work starts again."""
    from crmlab import plots

    top, loop = _BOX[1] / 2, a == b
    start, end = (a[0] + (0.2 if loop else 0), a[1] + top), (b[0] - (0.2 if loop else 0), b[1] + top)
    bend = "arc3,rad=0.5" if loop else "arc3,rad=0.3"
    style = {"arrowstyle": "-|>", "color": plots.RED, "lw": 1.2, "ls": (0, (3, 2)), "connectionstyle": bend}
    ax.annotate("", end, start, arrowprops={**style, "shrinkA": 0, "shrinkB": 0}, zorder=5)
    ax.annotate(
        _("返工 {share:.0%}").format(share=share), (a[0], a[1] + top), (0, 17) if loop else (5, 9),
        textcoords="offset points", ha="center" if loop else "left", fontsize=8.5, color=plots.RED, zorder=5,
    )  # fmt: skip
