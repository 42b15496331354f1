"""The sales funnel: how many leads move on at each stage, how fast, where they leak, what will come out.

A funnel is judged on leads that had time: of those who came last week hardly anyone can have bought yet, so a rate
that counts them is too low; a rate that counts only decided leads is wrong too, because losing takes another time than
winning. Here leads enter a rate once they are ``mature`` days old, and durations of leads that are still open count as
"longer than" (right-censored).

Source: E. L. Kaplan and P. Meier, "Nonparametric Estimation from Incomplete Observations", *Journal of the American
Statistical Association* 53 (282), 1958 (open leads).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlab import inputs, survival
from crmlab.errors import CourseError
from crmlab.generate.leads import LOST, STAGES  # values of data, not messages
from crmlab.i18n import _
from crmlab.scoring import wilson

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "LOST",
    "STAGES",
    "Forecast",
    "Trend",
    "cac",
    "chances",
    "conversion",
    "forecast",
    "leak",
    "plot",
    "time_in_stage",
    "trend",
    "velocity",
    "win_curve",
    "win_rates",
]

# --------------------------------------------------------------------------------------------------- what happened


def conversion(
    history: pd.DataFrame,
    as_of: Any,
    *,
    mature: int = 0,
    stages: Sequence[str] = STAGES,
    lost: str = LOST,
    lead: str = "lead_id",
    stage: str = "stage",
    entered: str = "entered_at",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many leads reached each stage, and what share moved on.

    A lead that reached a stage counts for all stages before it, also for one that nobody wrote down. Rates are of the
    leads that came at least ``mature`` days before ``as_of``; what lies after ``as_of`` is not seen.

    Parameters
    ----------
    history : DataFrame, one row each time a lead comes to a stage (or is lost), in any order
    as_of : date-like, the day at whose end the data were taken
    mature : days a lead must be old to be counted; 0 counts all, also those that had no time to buy
    stages : names of the stages, first to last; ``lost`` : name of the row that says the lead was given up
    lead, stage, entered : names of the columns
    confidence : of the Wilson interval of each step (:func:`crmlab.scoring.wilson`), 0-1

    Returns
    -------
    DataFrame, index the stages in their order, with ``leads`` (reached this stage), ``advanced`` (reached the next
    one), ``lost`` and ``open`` (still in this stage), ``step`` = advanced / leads with its interval ``low``, ``high``
    (missing for the last stage), ``overall`` = leads / leads of the first stage.

    Raises
    ------
    CourseError : a column is missing or bad, a stage is unknown, or no lead is old enough.

    >>> rows = [("L1", "线索", "2025-01-01"), ("L1", "成交", "2025-01-09"), ("L2", "线索", "2025-01-02")]
    >>> history = pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at"])
    >>> conversion(history, "2025-06-30", stages=["线索", "成交"])["step"].to_list()
    [0.5, nan]
    """
    inputs.number(confidence, "confidence", above=0, below=1)
    times = _times(history, as_of, stages, lost, lead, stage, entered)
    old = _mature(times, as_of, mature)
    reached = _furthest(times.loc[old, list(stages)])
    given_up = times.loc[old, lost].notna().to_numpy()
    ranks = np.arange(len(stages))
    leads = (reached[:, None] >= ranks).sum(axis=0)
    ends = reached[:, None] == ranks
    advanced = np.append(leads[1:], 0)
    low, high = wilson(advanced[:-1], leads[:-1], confidence)
    last = len(stages) - 1
    gone = (ends & given_up[:, None]).sum(axis=0)
    return pd.DataFrame(
        {
            "leads": leads,
            "advanced": advanced,
            "lost": np.where(ranks == last, 0, gone),
            "open": np.where(ranks == last, 0, ends.sum(axis=0) - gone),
            "step": np.append(_ratio(advanced[:-1], leads[:-1]), np.nan),
            "low": np.append(low, np.nan),
            "high": np.append(high, np.nan),
            "overall": leads / leads[0],
        },
        index=pd.Index(list(stages), name="stage"),
    )


def time_in_stage(
    history: pd.DataFrame,
    as_of: Any,
    *,
    stages: Sequence[str] = STAGES,
    lost: str = LOST,
    lead: str = "lead_id",
    stage: str = "stage",
    entered: str = "entered_at",
) -> pd.DataFrame:
    """Days that leads spend in each stage, those still in it counted as "longer than until now".

    Parameters
    ----------
    history, as_of, stages, lost, lead, stage, entered : as in :func:`conversion`

    Returns
    -------
    DataFrame, index the stages but the last, with ``left`` (leads that moved on or were lost), ``open``,
    ``median_moved`` (median days of those that moved on), ``median_lost`` (of those lost), ``median`` (Kaplan-Meier
    median of leaving the stage in either way, open ones right-censored; missing if fewer than half have left).

    >>> rows = [("L1", "线索", "2025-01-01"), ("L1", "成交", "2025-01-09"), ("L2", "线索", "2025-01-02")]
    >>> history = pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at"])
    >>> time_in_stage(history, "2025-06-30", stages=["线索", "成交"])["median_moved"].to_list()
    [8.0]
    """
    times = _times(history, as_of, stages, lost, lead, stage, entered)
    end = _end(as_of)
    rows = []
    for place, name in enumerate(stages[:-1]):
        here = times[times[name].notna()]
        # A stage may be skipped: the next moment written down ends this one.
        onward = here[list(stages[place + 1 :])].min(axis=1)
        left = onward.fillna(here[lost])
        days = (left.fillna(end) - here[name]).dt.total_seconds().to_numpy() / 86_400
        moved, gone = onward.notna().to_numpy(), left.notna().to_numpy()
        rows.append(
            (gone.sum(), (~gone).sum(), _median(days[moved]), _median(days[gone & ~moved]), _half_gone(days, gone))
        )
    columns = ["left", "open", "median_moved", "median_lost", "median"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(list(stages[:-1]), name="stage"))


def win_curve(
    history: pd.DataFrame,
    as_of: Any,
    *,
    stages: Sequence[str] = STAGES,
    lost: str = LOST,
    lead: str = "lead_id",
    stage: str = "stage",
    entered: str = "entered_at",
) -> pd.DataFrame:
    """Share of leads that reached the last stage within t days of the first, young leads included.

    Kaplan-Meier on the time to the win: a lead without a win is censored at its age, lost or not, for a lost lead
    stays in the group that will not buy. The curve uses every lead for as long as it was watched, and needs no cut-off
    ``mature``.

    Returns
    -------
    DataFrame, index ``days`` (of the wins), with ``won`` (share of leads, 0-1), ``low``, ``high`` (95 %, log-log).

    >>> rows = [("L1", "线索", "2025-01-01"), ("L1", "成交", "2025-01-09"), ("L2", "线索", "2025-01-02")]
    >>> history = pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at"])
    >>> win_curve(history, "2025-06-30", stages=["线索", "成交"])["won"].to_dict()
    {8.0: 0.5}
    """
    times = _times(history, as_of, stages, lost, lead, stage, entered)
    start = times[list(stages)].min(axis=1)
    won = times[stages[-1]].notna().to_numpy()
    if not won.any():
        raise CourseError(_("还没有一条线索走到“{stage}”：请用更早的数据，或换一个终点").format(stage=stages[-1]))
    days = (times[stages[-1]].fillna(_end(as_of)) - start).dt.total_seconds().to_numpy() / 86_400
    curve = survival.kaplan_meier(days, won)
    wins = curve[curve["events"] > 0]
    return pd.DataFrame(
        {"won": 1 - wins["survival"], "low": 1 - wins["upper"], "high": 1 - wins["lower"]},
        index=pd.Index(wins.index, name="days"),
    )


def velocity(opportunities: float, win_rate: float, average_deal: float, cycle: float) -> float:
    """Sales velocity: what the funnel brings a day, opportunities × win rate × average deal ÷ cycle length.

    Parameters
    ----------
    opportunities : number in work at the same time; win_rate : share of them won, 0-1
    average_deal : yuan; cycle : days from opportunity to win

    Returns
    -------
    float, yuan a day (a week if ``cycle`` is in weeks).

    >>> velocity(40, 0.25, 30_000, 60)
    5000.0
    """
    return (
        inputs.number(opportunities, "opportunities", low=0)
        * inputs.number(win_rate, "win_rate", low=0, high=1)
        * inputs.number(average_deal, "average_deal", low=0)
        / inputs.number(cycle, "cycle", above=0)
    )


# ------------------------------------------------------------------------------------------------ where it leaks


def leak(rates: ArrayLike | pd.Series, leads: float, average_deal: float, *, points: float = 0.05) -> pd.DataFrame:
    """What it is worth to lift the conversion of one stage, the others staying as they are.

    Value = leads × (product of the step rates with one of them raised by ``points``) × average deal, less the value
    without the lift. The same *points* are worth most where the rate is lowest; the same *percentage* would be worth
    the same everywhere. A rate is not raised above 1.

    Parameters
    ----------
    rates : step rates 0-1, one a stage (list or Series; a table from :func:`conversion` works too)
    leads : how many enter; average_deal : yuan; points : lift, 0.05 = five percentage points

    Returns
    -------
    DataFrame, one row a stage, with ``step``, ``lifted``, ``extra_wins``, ``value`` (yuan).

    >>> leak([0.5, 0.2], 1000, 10_000, points=0.1)["value"].round().to_list()
    [200000.0, 500000.0]
    """
    step = _steps(rates)
    leads = inputs.number(leads, "leads", low=0)
    deal = inputs.number(average_deal, "average_deal", low=0)
    rise = inputs.number(points, "points", above=0, high=1)
    lifted = np.minimum(step.to_numpy() + rise, 1.0)
    others = np.array([np.prod(np.delete(step.to_numpy(), place)) for place in range(len(step))])
    extra = leads * others * (lifted - step.to_numpy())
    return pd.DataFrame(
        {"step": step.to_numpy(), "lifted": lifted, "extra_wins": extra, "value": extra * deal}, index=step.index
    )


def cac(
    costs: pd.DataFrame,
    leads: pd.DataFrame,
    *,
    source: str = "source",
    cost: str = "cost",
    won: str = "won",
    monthly: str | None = None,
    margin: float = 1.0,
) -> pd.DataFrame:
    """Customer acquisition cost by source, and the months until the margin has paid it back.

    CAC = cost ÷ customers won; payback = CAC ÷ (mean monthly revenue of a new customer × margin). Costs and customers
    must belong together: a campaign whose leads are still open looks dearer than it is.

    Parameters
    ----------
    costs : DataFrame with ``source`` and ``cost`` (yuan; several rows a source are added)
    leads : DataFrame, one row a lead, with ``source``, ``won`` (True for those who became customers) and, if payback
        is wanted, the column ``monthly`` (yuan a month of those won)
    margin : share of monthly revenue that is left after the cost of goods, 0-1

    Returns
    -------
    DataFrame, index source, with ``cost``, ``leads``, ``customers``, ``cost_per_lead``, ``cac`` (missing for a source
    without customers) and with ``monthly`` also ``monthly_margin`` and ``payback_months``.

    >>> costs = pd.DataFrame({"source": ["展会"], "cost": [9000.0]})
    >>> leads = pd.DataFrame({"source": ["展会"] * 3, "won": [True, False, True], "fee": [500, None, 1000]})
    >>> cac(costs, leads, monthly="fee", margin=0.4)[["cac", "payback_months"]].iloc[0].to_list()
    [4500.0, 15.0]
    """
    inputs.frame(costs, _("费用表"), (source, cost))
    inputs.frame(leads, _("线索表"), (source, won) if monthly is None else (source, won, monthly))
    share = inputs.number(margin, "margin", above=0, high=1)
    spent = inputs.numbers(costs, cost, low=0).groupby(inputs.ids(costs, source)).sum()
    rows = pd.DataFrame({"source": inputs.ids(leads, source), "won": inputs.numbers(leads, won, low=0, high=1) > 0})
    unpaid = sorted(set(rows["source"]) - set(spent.index))
    if unpaid:
        raise CourseError(
            _("费用表里没有来源“{source}”：请补上它的费用（没有花钱就写 0），否则算不出获客成本").format(
                source=unpaid[0]
            )
        )
    counted = rows.groupby("source")["won"].agg(["size", "sum"]).reindex(spent.index, fill_value=0)
    table = pd.DataFrame({"cost": spent, "leads": counted["size"], "customers": counted["sum"]})
    table["cost_per_lead"] = _ratio(table["cost"], table["leads"])
    table["cac"] = _ratio(table["cost"], table["customers"])
    if monthly is not None:
        earned = inputs.numbers(leads[leads[won].to_numpy(dtype=bool)], monthly, low=0)
        by = rows.loc[rows["won"], "source"].reset_index(drop=True)
        table["monthly_margin"] = (earned.groupby(by).mean() * share).reindex(table.index)
        table["payback_months"] = _ratio(table["cac"], table["monthly_margin"])
    return table.rename_axis(source)


# ------------------------------------------------------------------------------------------------- what will come


def win_rates(rates: ArrayLike | pd.Series) -> pd.Series:
    """Chance to win from each stage: product of the step rates from there on; 1 in the last stage.

    Parameters
    ----------
    rates : a table from :func:`conversion`, or the step rates 0-1 of all stages but the last

    >>> win_rates([0.5, 0.4]).to_list()
    [0.2, 0.4, 1.0]
    """
    step = _steps(rates)
    chance = np.append(np.cumprod(step.to_numpy()[::-1])[::-1], 1.0)
    index = rates.index if isinstance(rates, pd.DataFrame) else pd.RangeIndex(len(chance))
    return pd.Series(chance, index=index, name="win_rate")


def chances(
    history: pd.DataFrame,
    as_of: Any,
    *,
    mature: int = 0,
    stages: Sequence[str] = STAGES,
    lost: str = LOST,
    lead: str = "lead_id",
    stage: str = "stage",
    entered: str = "entered_at",
) -> pd.Series:
    """Chance to win of each open lead by its stage and by how long it has been there.

    A lead that has stayed in a stage for a days is compared with those earlier leads (``mature`` days old) that also
    stayed there for more than a days: of them, what share was won in the end? A deal that nobody has moved for months
    is worth far less than the rate of its stage says. A stay longer than all earlier ones gives 0.

    Parameters
    ----------
    history, as_of, mature, stages, lost, lead, stage, entered : as in :func:`conversion`

    Returns
    -------
    Series ``win_chance`` (0-1), index lead id, one value an open lead (neither lost nor in the last stage).

    >>> rows = [("L1", "线索", "2025-01-01"), ("L1", "成交", "2025-01-09"), ("L2", "线索", "2025-06-28")]
    >>> history = pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at"])
    >>> chances(history, "2025-06-30", mature=30, stages=["线索", "成交"]).to_dict()
    {'L2': 1.0}
    """
    times = _times(history, as_of, stages, lost, lead, stage, entered)
    past = times[_mature(times, as_of, mature)]
    won = past[stages[-1]].notna().to_numpy()
    open_now = times[times[lost].isna() & times[stages[-1]].isna()]
    place = _furthest(open_now[list(stages)])
    found = pd.Series(np.nan, index=open_now.index.rename(lead), name="win_chance")
    for rank, name in enumerate(stages[:-1]):
        onward = past[[*stages[rank + 1 :], lost]].min(axis=1).fillna(_end(as_of))
        # Leads that skipped this stage say nothing about it; NaT makes their stay missing, never "longer".
        stay = (onward - past[name]).dt.total_seconds().to_numpy()
        age = (_end(as_of) - open_now.loc[place == rank, name]).dt.total_seconds().to_numpy()
        longer = stay[None, :] > age[:, None]
        found[place == rank] = np.nan_to_num(_ratio((longer & won).sum(axis=1), longer.sum(axis=1)))
    return found


@dataclass(frozen=True)
class Forecast:
    """What the open deals will bring, made by :func:`forecast`; ``float()`` gives the expected value.

    Attributes:
        naive: sum of all open amounts, yuan: what comes if nothing is lost.
        expected: amounts weighted with the chance to win of their stage, yuan.
        low, high: bounds of the interval, yuan.
        level: share of the draws between the bounds.
        by_stage: DataFrame, index stage, with ``deals``, ``amount``, ``win_rate`` (expected / amount), ``expected``.
        draws: outcome of each simulated future, yuan, shape (draws,).

    >>> float(forecast(pd.DataFrame({"stage": ["谈判"], "expected_amount": [1000]}), pd.Series({"谈判": 0.4})))
    400.0
    """

    naive: float
    expected: float
    low: float
    high: float
    level: float
    by_stage: pd.DataFrame
    draws: NDArray[np.float64] = field(repr=False)

    def __float__(self) -> float:
        return self.expected

    def plot(self) -> "Figure":
        """The simulated outcomes, with the expected value, the interval and the naive sum."""
        from crmlab import plots

        figure, (ax,) = plots.new_figure(
            _("全部成交能有 {naive}，更可能只有 {expected}").format(
                naive=plots.yuan(self.naive), expected=plots.yuan(self.expected)
            ),
            height=3.4,
        )
        ax.hist(self.draws / 1e4, bins=40, color=plots.SKY)
        ax.axvspan(self.low / 1e4, self.high / 1e4, color=plots.BLUE, alpha=0.12, lw=0)
        ax.axvline(self.expected / 1e4, color=plots.BLUE)
        ax.axvline(self.naive / 1e4, color=plots.RED, ls=(0, (3, 2)))
        ax.set(xlabel=_("未来成交额（万元）：虚线是不打折扣的总和"), yticks=[])
        return figure


def forecast(
    pipeline: pd.DataFrame,
    rates: pd.DataFrame | pd.Series | None = None,
    *,
    chance: str | None = None,
    amount: str = "expected_amount",
    stage: str = "stage",
    draws: int = 10_000,
    level: float = 0.9,
    seed: int = 0,
) -> Forecast:
    """Value of the open deals: naive sum, sum weighted by stage, and an interval by simulation.

    In each simulated future every deal is won with the chance of its stage, or not at all: a pipeline of three large
    deals is far less certain than one of three hundred small ones with the same expected value. Given a table of
    :func:`conversion`, the step rates themselves are uncertain too: each future draws them anew from their posterior
    Beta(advanced + ½, not advanced + ½).

    Parameters
    ----------
    pipeline : DataFrame, one row an open deal, with ``amount`` (yuan) and ``stage``
    rates : table from :func:`conversion`, or Series of the chance to win (0-1) by stage
    chance : name of a column of ``pipeline`` with the chance to win of each deal (for example from :func:`chances`),
        instead of ``rates``
    draws : simulated futures; level : share of them inside the interval, 0-1; seed : of the simulation

    Returns
    -------
    Forecast

    Raises
    ------
    CourseError : a deal is in a stage without a rate, an amount is negative.

    >>> deals = pd.DataFrame({"stage": ["谈判", "商机"], "expected_amount": [50_000, 30_000]})
    >>> result = forecast(deals, pd.Series({"商机": 0.2, "谈判": 0.6}))
    >>> result.naive, result.expected
    (80000.0, 36000.0)
    """
    if (rates is None) == (chance is None):
        raise CourseError(_("请给出 rates（各阶段的转化表或成交概率）或 chance（每笔商机成交概率的列名），二者选一"))
    inputs.frame(pipeline, _("商机表"), (stage, amount) if chance is None else (stage, amount, chance))
    inputs.whole(draws, "draws", low=1)
    inputs.number(level, "level", above=0, below=1)
    rng = np.random.default_rng(inputs.whole(seed, "seed", low=0))
    money = inputs.numbers(pipeline, amount, low=0).to_numpy()
    names = inputs.column(pipeline, stage)
    if chance is None:
        by_rate = win_rates(rates) if isinstance(rates, pd.DataFrame) else _chances(rates)
        order, place = by_rate.index, _places(names, by_rate, stage)
        odds = by_rate.to_numpy()[place]
        drawn = _drawn_rates(rng, rates, draws)[:, place] if isinstance(rates, pd.DataFrame) else odds[None, :]
    else:
        place, order = pd.factorize(names, sort=False)
        odds = inputs.numbers(pipeline, chance, low=0, high=1).to_numpy()
        drawn = odds[None, :]
    totals = _futures(rng, money, drawn, draws)
    low, high = np.quantile(totals, [(1 - level) / 2, (1 + level) / 2])
    by_stage = _by_stage(money, money * odds, place, pd.Index(order, name="stage"))
    return Forecast(float(money.sum()), float(money @ odds), float(low), float(high), level, by_stage, totals)


@dataclass(frozen=True)
class Trend:
    """A forecast of a series from its own past, made by :func:`trend`; ``float()`` gives the next period.

    Attributes:
        fitted: what would have been forecast for each period from the periods before it (Series, as the input).
        forecast: the periods after the last, shape (horizon,).
        mae: mean absolute error of ``fitted``, in the unit of the series.

    >>> float(trend([10, 12, 14], method="linear"))
    16.0
    """

    fitted: pd.Series
    forecast: NDArray[np.float64]
    mae: float

    def __float__(self) -> float:
        return float(self.forecast[0])


def trend(
    values: ArrayLike | pd.Series,
    *,
    method: str = "moving_average",
    window: int = 3,
    alpha: float = 0.3,
    horizon: int = 1,
) -> Trend:
    """Quantitative trend forecast by one of the three methods of the textbooks.

    * ``moving_average``: mean of the last ``window`` values.
    * ``exponential``: F₁ = x₁, Fₜ₊₁ = α·xₜ + (1 − α)·Fₜ.
    * ``linear``: least-squares line through the values (``fitted`` lies on that line, not on lines of the past).

    The first two are flat beyond the next period: they follow a trend with delay.

    Parameters
    ----------
    values : numbers in the order of time; window, alpha : of the first two methods; horizon : periods ahead

    Returns
    -------
    Trend

    >>> float(trend([100, 110, 120, 130], window=3)), float(trend([100, 110, 120], method="exponential", alpha=0.5))
    (120.0, 112.5)
    """
    inputs.choice(method, "method", ("moving_average", "exponential", "linear"))
    series = pd.Series(values) if isinstance(values, pd.Series) else pd.Series(inputs.vector(values, "values"))
    known = inputs.vector(series, "values")
    ahead = inputs.whole(horizon, "horizon", low=1)
    if method == "linear":
        fitted, after = _line(known, ahead)
    else:
        level = _smoothed(pd.Series(known), method, window, alpha)
        fitted, after = level.shift(1).to_numpy(copy=True), np.full(ahead, level.iloc[-1])
        if method == "exponential":
            fitted[0] = known[0]
    used = ~np.isnan(fitted) if method == "linear" else (~np.isnan(fitted)) & (np.arange(len(known)) > 0)
    mae = float(np.abs(known - fitted)[used].mean()) if used.any() else float("nan")
    return Trend(pd.Series(fitted, index=series.index, name="fitted"), after, mae)


def plot(table: pd.DataFrame) -> "Figure":
    """The funnel as bars: leads that reached each stage, and the step rate between two stages.

    Parameters
    ----------
    table : as made by :func:`conversion`

    >>> rows = [("L1", "线索", "2025-01-01"), ("L1", "成交", "2025-01-09"), ("L2", "线索", "2025-01-02")]
    >>> history = pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at"])
    >>> len(plot(conversion(history, "2025-06-30", stages=["线索", "成交"])).axes)
    1
    """
    inputs.frame(table, _("转化表"), ("leads", "step", "overall"))
    from crmlab import plots

    step = table["step"].iloc[:-1]
    worst = step.idxmin()
    place = list(table.index).index(worst)
    figure, (ax,) = plots.new_figure(
        _("“{a}”到“{b}”漏得最多：只有 {rate} 走下去").format(
            a=worst, b=table.index[place + 1], rate=plots.percent(step.min())
        ),
        height=0.62 * len(table) + 0.7,
    )
    at = np.arange(len(table))[::-1]
    colours = [plots.BLUE if row != place + 1 else plots.RED for row in range(len(table))]
    ax.barh(at, table["leads"], left=-table["leads"] / 2, height=0.58, color=colours)
    for y, (name, row) in zip(at, table.iterrows(), strict=True):
        text = _("{name}  {n:,}（{share}）").format(
            name=name, n=int(row["leads"]), share=plots.percent(row["overall"], 1)
        )
        ax.annotate(text, (table["leads"].max() / 2, y), (10, 0), textcoords="offset points", va="center", fontsize=10)
    for y, rate in zip(at[:-1], step, strict=True):
        ax.annotate(plots.percent(rate), (0, y - 0.5), ha="center", va="center", fontsize=9, color=plots.MUTED)
    ax.set(xlim=(-table["leads"].max() / 2, table["leads"].max() * 0.95), xticks=[], yticks=[])
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.grid(visible=False)
    return figure


# ----------------------------------------------------------------------------------------------------------- parts


def _end(as_of: Any) -> pd.Timestamp:
    return inputs.day(as_of, "as_of") + pd.Timedelta(days=1)


def _times(
    history: pd.DataFrame, as_of: Any, stages: Sequence[str], lost: str, lead: str, stage: str, entered: str
) -> pd.DataFrame:
    """When each lead first came to each stage: one row a lead, one column a stage and one for ``lost``."""
    inputs.frame(history, _("阶段记录"), (lead, stage, entered))
    names = list(stages)
    if len(names) < 2 or len(set(names)) < len(names):
        raise CourseError(_("stages 应是至少两个互不相同的阶段，按先后排列，现在是 {stages}").format(stages=names))
    places = inputs.column(history, stage).astype(str)
    strange = ~places.isin([*names, lost])
    if strange.any():
        row = int(strange.idxmax())
        raise CourseError(
            _("列 {column} 第 {row} 行的阶段“{value}”不在 stages 里：请改正，或在 stages 里按先后写上它").format(
                column=stage, row=row + 1, value=places[row]
            )
        )
    inputs.days(history, entered)  # for its words about what is no date; the time of day is wanted below
    when = pd.to_datetime(history[entered].reset_index(drop=True), format="ISO8601").dt.tz_localize(None)
    rows = pd.DataFrame({"lead": inputs.ids(history, lead), "stage": places, "when": when})
    rows = rows[rows["when"] < _end(as_of)]
    if rows.empty:
        raise CourseError(_("截止日 {as_of} 之前没有一条阶段记录：请检查截止日").format(as_of=as_of))
    first = rows.groupby(["lead", "stage"])["when"].min().unstack()
    return first.reindex(columns=[*names, lost]).astype("datetime64[us]")


def _mature(times: pd.DataFrame, as_of: Any, mature: int) -> NDArray[np.bool_]:
    days = inputs.whole(mature, "mature", low=0)
    came = times.min(axis=1)
    old = (came < _end(as_of) - pd.Timedelta(days=days)).to_numpy()
    if not old.any():
        raise CourseError(
            _("没有一条线索在截止日前满 {days} 天，最早的一条是 {first:%Y-%m-%d}：请减小 mature").format(
                days=days, first=came.min()
            )
        )
    return old


def _furthest(times: pd.DataFrame) -> NDArray[np.int64]:
    """Rank of the latest stage each lead reached; a lead whose rows name no stage but the loss was in the first."""
    known = times.notna().to_numpy()
    ranks = np.where(known, np.arange(known.shape[1]), 0)
    return ranks.max(axis=1)


def _ratio(top: Any, bottom: Any) -> NDArray[np.float64]:
    """top / bottom, missing where nothing can be divided."""
    above, below = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _median(days: NDArray) -> float:
    return float(np.median(days)) if len(days) else float("nan")


def _half_gone(days: NDArray, gone: NDArray) -> float:
    """Kaplan-Meier median; missing if half of the leads have not left yet."""
    return survival.median_survival(survival.kaplan_meier(days, gone)) if len(days) else float("nan")


def _steps(rates: Any) -> pd.Series:
    """Step rates 0-1 with the names of their stages, from a table of :func:`conversion` or from numbers."""
    if isinstance(rates, pd.DataFrame):
        inputs.frame(rates, _("转化表"), ("step",))
        rates = rates["step"].iloc[:-1]
    known = inputs.vector(rates, "rates", low=0, high=1)
    return pd.Series(known, index=rates.index if isinstance(rates, pd.Series) else None, name="step")


def _chances(rates: Any) -> pd.Series:
    if not isinstance(rates, pd.Series):
        raise CourseError(
            _("rates 应是 conversion 的结果，或以阶段为索引的成交概率（Series），现在是 {kind}").format(
                kind=type(rates).__name__
            )
        )
    return pd.Series(inputs.vector(rates, "rates", low=0, high=1), index=rates.index)


def _places(names: pd.Series, chance: pd.Series, column: str) -> NDArray[np.int64]:
    place = chance.index.get_indexer(names)
    if (place < 0).any():
        row = int((place < 0).argmax())
        raise CourseError(
            _("列 {column} 第 {row} 行的阶段“{value}”没有成交概率：请补上，或先去掉已经输单的行").format(
                column=column, row=row + 1, value=names[row]
            )
        )
    return place


def _drawn_rates(rng: np.random.Generator, table: pd.DataFrame, draws: int) -> NDArray[np.float64]:
    """Chances to win by stage, shape (draws, stages): step rates drawn from their Beta posterior (Jeffreys)."""
    inputs.frame(table, _("转化表"), ("leads", "advanced"))
    moved = table["advanced"].to_numpy()[:-1]
    stayed = table["leads"].to_numpy()[:-1] - moved
    step = rng.beta(moved + 0.5, stayed + 0.5, (draws, len(moved)))
    return np.concatenate([np.cumprod(step[:, ::-1], axis=1)[:, ::-1], np.ones((draws, 1))], axis=1)


def _futures(rng: np.random.Generator, money: NDArray, odds: NDArray, draws: int) -> NDArray[np.float64]:
    """Total of the deals won in each simulated future; in blocks, so that memory stays small."""
    totals = np.empty(draws)
    block = max(1, 2_000_000 // len(money))
    for start in range(0, draws, block):
        stop = min(start + block, draws)
        rates = odds[start:stop] if len(odds) > 1 else odds
        totals[start:stop] = (rng.random((stop - start, len(money))) < rates) @ money
    return totals


def _by_stage(money: NDArray, expected: NDArray, place: NDArray, stages: pd.Index) -> pd.DataFrame:
    """Deals, amount and expected value of each stage; the rate is the amount-weighted chance to win."""
    table = pd.DataFrame({"deals": 1, "amount": money, "expected": expected}).groupby(place).sum()
    table = table.reindex(range(len(stages)), fill_value=0).set_axis(stages)
    table.insert(2, "win_rate", _ratio(table["expected"], table["amount"]))
    return table


def _smoothed(values: pd.Series, method: str, window: int, alpha: float) -> pd.Series:
    """Level after each value: the forecast for the period that follows it."""
    if method == "exponential":
        return values.ewm(alpha=inputs.number(alpha, "alpha", above=0, high=1), adjust=False).mean()
    return values.rolling(inputs.whole(window, "window", low=1, high=len(values))).mean()


def _line(values: NDArray, horizon: int) -> tuple[NDArray, NDArray]:
    if len(values) < 2:
        raise CourseError(_("只有 1 个数，画不出趋势线：linear 至少需要 2 个数"))
    time = np.arange(len(values) + horizon)
    slope, start = np.polyfit(time[: len(values)], values, 1)
    line = start + slope * time
    return line[: len(values)], line[len(values) :].round(9)
