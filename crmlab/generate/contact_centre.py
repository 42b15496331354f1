"""A firm's contact centre in the last quarter of 2025: calls by the half-hour, agents, tickets, e-mail list.

Calls come in a Poisson process whose rate follows hour, weekday, holidays and promotions, times a gamma factor of the
day and one of the half-hour: counts vary more than Poisson counts, as L. Brown et al. found ("Statistical Analysis of a
Telephone Call Center", *Journal of the American Statistical Association* 100, 2005). Callers hang up after an
exponential patience; handling times are lognormal (same source). Who answers follows from a roster that is the same on
every day, whatever the demand: that is what a staffing model is to mend. Calls are answered in the order of arrival.

The e-mail list is made of sources of unlike quality; its keeper never removes dead addresses and enters unsubscribes
only on the first of the next month.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate.people import person_names
from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

AS_OF = pd.Timestamp("2025-12-31")
OPENS, CLOSES = 8, 22  # o'clock
SLOTS = 2 * (CLOSES - OPENS)  # half-hours a day
HALF_HOUR = 1800  # seconds

# Calls
CALLS = 38.0  # a half-hour, mean of an ordinary day
PATIENCE = 140.0  # seconds, mean
HANDLING, HANDLING_CV = 225.0, 0.8  # seconds
DAY_CV, SLOT_CV = 0.08, 0.06  # of the gamma factors
WEEKDAYS = np.array([1.28, 1.08, 1.00, 0.97, 0.98, 0.88, 0.81])  # Monday first
# fmt: off
PROFILE = np.array([  # the half-hours of a day
    0.45, 0.65, 0.95, 1.20, 1.40, 1.50, 1.45, 1.25, 1.05, 0.95, 0.95, 1.05, 1.25, 1.35,
    1.35, 1.30, 1.20, 1.10, 0.95, 0.85, 0.75, 0.75, 0.85, 0.95, 1.00, 0.90, 0.70, 0.45,
])
# fmt: on
# Days unlike others: factor, and what the log notes
EVENTS = {
    "2025-11-11": (1.90, "双11"),
    "2025-11-12": (1.60, "双11"),
    "2025-11-13": (1.30, "双11"),
    "2025-12-12": (1.70, "双12"),
    "2025-12-13": (1.40, "双12"),
} | {f"2025-10-{day:02d}": (0.70, "国庆中秋") for day in range(1, 9)}
WORKED_SATURDAY = pd.Timestamp("2025-10-11")  # made up for the holiday: a day like a Friday
OUTAGE = pd.Timestamp("2025-12-16 14:00"), pd.Timestamp("2025-12-16 16:00")
DETAIL = pd.Timestamp("2025-12-15")  # the day of the table calls, a Monday

# Roster: the same every day
SHIFTS = {"早班": (8.0, 16.5), "中班": (10.0, 18.5), "晚班": (13.5, 22.0)}
_MEALS = {"早班": 12.0, "中班": 12.0, "晚班": 18.0}  # half of a shift eats at this time, half 30 minutes later
_PER_SHIFT = 7  # each has two days off a week: five are planned every day
_TRAINING = (2, 15.0, 16.0, 3)  # weekday, from, to, how many of the middle shift
_ABSENT = 0.05
_GRACE = 600  # seconds after closing in which the last waiting calls are still answered
_TEXT_AGENTS = 9

# Tickets
_TICKETS = 45.0  # a day
_CHANNELS, _CHANNEL_WEIGHTS = ("电话", "在线", "微信", "邮件"), (0.30, 0.35, 0.25, 0.10)
_RESPONSE = np.array([0.4, 1.5, 8.0, 150.0])  # minutes, median of the channel
_TOPICS = ("物流查询", "退换货", "产品咨询", "投诉", "发票", "账户")
_TOPIC_WEIGHTS = (0.27, 0.24, 0.19, 0.14, 0.09, 0.07)
_FIRST_CONTACT = np.array([1.6, 0.5, 1.4, -0.9, 1.2, 1.0])  # log-odds of being solved at once, by topic
_COMPLAINT = 3
_SENIOR_DAYS = 730  # who has been there for two years gets the complaints first
_SENIOR_PULL = 12.0
_SENIOR_SKILL = 0.6  # their lead in true quality

# E-mail list
_MAILINGS = 13
_SOURCES = ("官网注册", "下单勾选", "线下活动", "历史导入")
_SOURCE_WEIGHTS = (0.35, 0.30, 0.15, 0.20)
_DEAD = np.array([0.004, 0.010, 0.050, 0.160])  # addresses that do not exist
_OPENS = np.array([0.34, 0.24, 0.17, 0.06])
_UNSUBSCRIBES = np.array([0.0015, 0.0030, 0.0060, 0.0100])
_COMPLAINS = np.array([0.0001, 0.0003, 0.0010, 0.0040])
_CONFIRMED = np.array([1.0, 0.45, 0.20, 0.0])
_IMPORTED, _IMPORTED_ON = 3, pd.Timestamp("2024-03-15")  # the old system's addresses came in on one day
_TALLIES = ("sent", "delivered", "hard_bounced", "soft_bounced", "opened", "clicked")
_SUBSCRIBERS = 40  # for each day of calls
_SUBJECTS = (
    "国庆出游清单", "换季上新", "会员积分到期提醒", "秋日好物", "双11预售", "双11加场",
    "晒单有礼", "感恩回馈", "冬季护理指南", "双12预告", "双12返场", "年终账单", "跨年礼单",
)  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says, one value a half-hour (arrays of equal length).

    Attributes:
        interval_id: in the order of the intervals table.
        expected: calls to expect from hour, weekday and calendar alone.
        rate: mean of the Poisson count: ``expected`` times the factors of the day and of the half-hour.
        patience: mean patience of callers, seconds.
        handling: mean handling time, seconds.

    >>> generate(1, 28)[1].frame()["handling"].unique().tolist()
    [225.0]
    """

    interval_id: NDArray[np.object_]
    expected: Floats
    rate: Floats
    patience: Floats
    handling: Floats

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a half-hour, index interval_id."""
        return pd.DataFrame(vars(self)).set_index("interval_id")


@dataclass(frozen=True)
class _Team:
    """Agents, phone first; ``shift`` is a row number of SHIFTS, -1 for those who answer texts."""

    ids: NDArray[np.object_]
    names: NDArray[np.object_]
    shift: Ints
    off: Ints  # weekday of the first of two days off
    tenure: Ints  # days
    skill: Floats  # true quality, mean 0, standard deviation nearly 1
    pace: Floats  # factor of the handling time, mean 1

    @property
    def phone(self) -> Ints:
        return np.flatnonzero(self.shift >= 0)


@dataclass(frozen=True)
class _Calls:
    """Calls in the order of arrival; seconds from midnight; agent -1 for those who hung up."""

    day: Ints
    second: Floats
    wait: Ints
    handling: Ints
    agent: Ints

    @property
    def slot(self) -> Ints:
        return self.day * SLOTS + ((self.second - OPENS * 3600) // HALF_HOUR).astype(np.int64)


def generate(seed: int, days: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The tables of the centre and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        days: how many days up to 2025-12-31; at least 17, so that the day told in detail is among them.
        first_number: number in the ids of the first half-hour, agent, ticket and subscriber.

    Returns:
        intervals, agents, calls, tickets, subscribers, mailings by name, and the truth.

    >>> tables, truth = generate(1, 28)
    >>> len(tables["intervals"]), len(tables["mailings"]), round(truth.frame()["patience"].iloc[0])
    (784, 13, 140)
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(7)]
    dates = pd.date_range(end=AS_OF, periods=days)
    team = _team(streams[0], first_number)
    on_phones, planned = _rosters(streams[1], team, dates)
    expected, rate = _rates(streams[2], dates)
    calls = _calls(streams[3], team, on_phones, np.where(_closed(dates), 0.0, rate))
    ids = numbered("I", first_number, len(rate), 5)
    mailings, subscribers = _list(streams[5], _SUBSCRIBERS * days, first_number)
    tables = {
        "intervals": _interval_table(calls, dates, ids, on_phones, planned),
        "agents": _agent_table(streams[6], team),
        "calls": _call_table(calls, dates, team),
        "tickets": _tickets(streams[4], team, dates, expected, first_number),
        "subscribers": subscribers,
        "mailings": mailings,
    }
    same = np.ones(len(rate))
    return tables, Truth(ids, expected, rate, PATIENCE * same, HANDLING * same)


# ---------------------------------------------------------------------------------------------------------- people


def _team(rng: np.random.Generator, first_number: int) -> _Team:
    phone = len(SHIFTS) * _PER_SHIFT
    count = phone + _TEXT_AGENTS
    senior = np.arange(count) % 5 < 2  # in every group
    tenure = np.where(senior, _SENIOR_DAYS + rng.gamma(1.2, 500.0, count), rng.uniform(30, _SENIOR_DAYS, count))
    tenure = tenure.astype(np.int64)
    tenure[rng.choice(np.flatnonzero(~senior), 3, replace=False)] = rng.integers(5, 29, 3)  # the latest recruits
    skill = rng.normal(0, 1, count)
    for group, mean in ((senior, _SENIOR_SKILL), (~senior, 0.0)):  # the same lead of the experienced in every draw
        skill[group] = mean + 0.8 * (skill[group] - skill[group].mean()) / skill[group].std()
    pace = np.exp(-0.06 * np.log(tenure / 500) + rng.normal(0, 0.07, count))
    pace[:phone] /= pace[:phone].mean()
    shift = np.append(np.arange(phone) // _PER_SHIFT, np.full(_TEXT_AGENTS, -1))
    return _Team(
        ids=numbered("G", first_number, count, 3),
        names=person_names(rng, count),
        shift=shift,
        off=np.arange(count) % _PER_SHIFT,
        tenure=tenure,
        skill=skill - skill.mean(),
        pace=pace,
    )


@dataclass(frozen=True)
class _Duty:
    """One agent's day on the phones: from, to, and the gaps in between; seconds from midnight."""

    agent: int
    start: float
    end: float
    gaps: tuple[tuple[float, float], ...]

    def slots(self) -> Bools:
        """In which half-hours the agent is on the phones."""
        moment = OPENS * 3600 + HALF_HOUR * np.arange(SLOTS)
        there = (moment >= self.start) & (moment < self.end)
        for start, end in self.gaps:
            there &= ~((moment >= start) & (moment < end))
        return there


def _rosters(rng: np.random.Generator, team: _Team, dates: pd.DatetimeIndex) -> tuple[list[list[_Duty]], Ints]:
    """Who is on the phones on each day; and how many the plan had in each half-hour, meals and absence not counted."""
    duties, planned = [], []
    for date in dates:
        present, plan = [], np.zeros(SLOTS, dtype=np.int64)
        trained = 0
        for agent in team.phone:
            if (date.weekday() - team.off[agent]) % 7 < 2:
                continue
            name, (start, end) = list(SHIFTS.items())[team.shift[agent]]
            meal = _MEALS[name] + 0.5 * (agent % 2)
            gaps = [(meal, meal + 0.5)]
            weekday, since, until, places = _TRAINING
            if name == "中班" and date.weekday() == weekday and trained < places:
                gaps.append((since, until))
                trained += 1
            duty = _Duty(agent, 3600 * start, 3600 * end, tuple((3600 * a, 3600 * b) for a, b in gaps))
            plan += _Duty(agent, duty.start, duty.end, ()).slots()
            if rng.random() >= _ABSENT:
                present.append(duty)
        duties.append(present)
        planned.append(plan)
    return duties, np.concatenate(planned)


# ----------------------------------------------------------------------------------------------------------- calls


def _rates(rng: np.random.Generator, dates: pd.DatetimeIndex) -> tuple[Floats, Floats]:
    """Calls to expect in each half-hour: by the calendar, and with the factors nobody can foresee."""
    weekday = np.where(dates == WORKED_SATURDAY, 4, dates.day_of_week)
    event = np.array([EVENTS.get(f"{date:%Y-%m-%d}", (1.0, ""))[0] for date in dates])
    expected = CALLS * np.outer(event * WEEKDAYS[weekday], PROFILE / PROFILE.mean())
    day = rng.gamma(DAY_CV**-2, DAY_CV**2, len(dates))
    slot = rng.gamma(SLOT_CV**-2, SLOT_CV**2, expected.shape)
    return expected.ravel(), (expected * day[:, None] * slot).ravel()


def _starts(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Start of every half-hour."""
    offsets = pd.to_timedelta(OPENS * 60 + 30 * np.arange(SLOTS), unit="min")
    return pd.DatetimeIndex((dates.to_numpy()[:, None] + offsets.to_numpy()).ravel())


def _closed(dates: pd.DatetimeIndex) -> Bools:
    """Half-hours of the outage, when no call came through."""
    starts = _starts(dates)
    return np.asarray((starts >= OUTAGE[0]) & (starts < OUTAGE[1]))


def _calls(rng: np.random.Generator, team: _Team, duties: list[list[_Duty]], rate: Floats) -> _Calls:
    slot = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    within = OPENS * 3600 + HALF_HOUR * (slot % SLOTS + rng.random(len(slot)))
    order = np.lexsort((within, slot // SLOTS))
    day, second = (slot // SLOTS)[order], within[order]
    patience = rng.exponential(PATIENCE, len(slot))
    spread = np.sqrt(np.log1p(HANDLING_CV**2))
    handling = HANDLING * np.exp(rng.normal(-(spread**2) / 2, spread, len(slot)))
    wait, agent = np.zeros(len(slot)), np.full(len(slot), -1)
    edges = np.searchsorted(day, np.arange(len(duties) + 1))
    for duty, first, last in zip(duties, edges[:-1], edges[1:], strict=True):
        part = slice(first, last)
        wait[part], agent[part] = _answer(duty, second[part], patience[part], handling[part], team.pace)
    took = np.where(agent >= 0, np.maximum(np.rint(handling * team.pace[agent]), 10), 0)
    return _Calls(day, second, np.ceil(wait).astype(np.int64), took.astype(np.int64), agent)


def _answer(
    duties: list[_Duty], second: Floats, patience: Floats, handling: Floats, pace: Floats
) -> tuple[list[float], list[int]]:
    """Wait and agent of each call of a day; the agent who has been idle longest takes the next call."""
    closing = CLOSES * 3600.0
    by_agent = {duty.agent: duty for duty in duties}
    free = [(duty.start, duty.agent) for duty in duties]
    heapq.heapify(free)
    waits, agents = [], []
    for arrival, patient, time in zip(second.tolist(), patience.tolist(), handling.tolist(), strict=True):
        while free:
            moment, agent = free[0]
            duty, start = by_agent[agent], max(moment, arrival)
            back = next((b for a, b in duty.gaps if a <= start < b), None)
            if start >= duty.end + _GRACE * (duty.end == closing):
                heapq.heappop(free)
            elif back is not None:
                heapq.heapreplace(free, (back, agent))
            else:
                break
        if free and start - arrival <= patient:
            heapq.heapreplace(free, (start + time * pace[agent], agent))
            waits.append(start - arrival)
            agents.append(int(agent))
        else:
            waits.append(patient)
            agents.append(-1)
    return waits, agents


def _interval_table(
    calls: _Calls, dates: pd.DatetimeIndex, ids: NDArray[np.object_], duties: list[list[_Duty]], planned: Ints
) -> pd.DataFrame:
    count = len(ids)
    answered = calls.agent >= 0
    offered, taken = np.bincount(calls.slot, minlength=count), np.bincount(calls.slot, answered, count)
    quick = np.bincount(calls.slot, answered & (calls.wait <= 20), count)
    with np.errstate(invalid="ignore"):
        wait = np.bincount(calls.slot, calls.wait, count) / offered
        handling = np.bincount(calls.slot, calls.handling, count) / taken
    events = [EVENTS.get(f"{date:%Y-%m-%d}", (1.0, ""))[1] for date in dates]
    note = np.where(_closed(dates), "系统升级", np.repeat(np.array(events, dtype=object), SLOTS))
    return pd.DataFrame(
        {
            "interval_id": ids,
            "starts_at": _starts(dates).astype("datetime64[us]"),
            "offered": offered,
            "answered": taken.astype(np.int64),
            "abandoned": (offered - taken).astype(np.int64),
            "answered_20s": quick.astype(np.int64),
            "mean_wait": wait.round(2),
            "mean_handling": handling.round(2),
            "agents_scheduled": planned,
            "agents_on_duty": np.concatenate([sum((d.slots() for d in day), np.zeros(SLOTS, int)) for day in duties]),
            "note": note,
        }
    )


def _call_table(calls: _Calls, dates: pd.DatetimeIndex, team: _Team) -> pd.DataFrame:
    shown = np.flatnonzero(np.asarray(dates == DETAIL)[calls.day])
    second, agent = calls.second[shown].astype(np.int64), calls.agent[shown]
    handling = pd.Series(calls.handling[shown], dtype="Int64").mask(agent < 0)
    return pd.DataFrame(
        {
            "call_id": numbered("K", 1, len(shown), 5),
            "arrived_at": np.datetime64(DETAIL, "us") + (second // 60).astype("timedelta64[m]"),
            "arrived_second": second,
            "wait_seconds": calls.wait[shown],
            "outcome": np.where(agent >= 0, "接通", "放弃").astype(object),
            "agent_id": np.where(agent >= 0, team.ids[agent], ""),
            "handling_seconds": handling,
        }
    )


def _agent_table(rng: np.random.Generator, team: _Team) -> pd.DataFrame:
    checked = np.clip(82 + 5 * team.skill + rng.normal(0, 3, len(team.ids)), 40, 100).round(2)
    names = np.array([*SHIFTS, "日班"], dtype=object)
    return pd.DataFrame(
        {
            "agent_id": team.ids,
            "name": team.names,
            "skill": np.where(team.shift >= 0, "电话", "文字").astype(object),
            "shift": names[team.shift],
            "hired_on": (AS_OF - pd.to_timedelta(team.tenure, unit="D")).astype("datetime64[us]"),
            "quality_score": np.where(team.tenure < 30, np.nan, checked),
        }
    )


# --------------------------------------------------------------------------------------------------------- tickets


def _tickets(
    rng: np.random.Generator, team: _Team, dates: pd.DatetimeIndex, expected: Floats, first_number: int
) -> pd.DataFrame:
    load = expected.reshape(len(dates), SLOTS).mean(axis=1) / CALLS
    day = np.repeat(np.arange(len(dates)), rng.poisson(_TICKETS * load))
    channel = rng.choice(len(_CHANNELS), len(day), p=_CHANNEL_WEIGHTS)
    minute = _created(rng, channel)
    order = np.lexsort((minute, day))
    day, channel, minute = day[order], channel[order], minute[order]
    topic = rng.choice(len(_TOPICS), len(day), p=_TOPIC_WEIGHTS)
    agent = _assigned(rng, team, channel, topic)
    left = (len(dates) - day) * 1440 - minute  # minutes until the data were taken
    return pd.DataFrame(
        {
            "ticket_id": numbered("T", first_number, len(day), 6),
            "created_at": dates.to_numpy().astype("datetime64[us]")[day] + minute.astype("timedelta64[m]"),
            "channel": np.array(_CHANNELS, dtype=object)[channel],
            "topic": np.array(_TOPICS, dtype=object)[topic],
            "agent_id": team.ids[agent],
            **_outcomes(rng, team.skill[agent], channel, topic, _response(rng, channel, minute), left),
        }
    )


def _outcomes(
    rng: np.random.Generator, skill: Floats, channel: Ints, topic: Ints, response: Floats, left: Ints
) -> dict[str, object]:
    """How each ticket ended, as far as it had by the day the data were taken."""
    count = len(skill)
    at_once = rng.random(count) < 1 / (1 + np.exp(-_FIRST_CONTACT[topic] - 0.5 * skill))
    later = rng.lognormal(np.log(1300), 0.9, count)
    resolved = response + np.where(at_once, rng.lognormal(np.log(8), 0.6, count), later)
    reopened = ~at_once & (rng.random(count) < 0.22)
    slow = np.log(response / _RESPONSE[channel]).clip(-1.5, 3)
    mood = 4.45 + 0.42 * skill - 0.9 * ~at_once - 0.6 * reopened - 0.9 * (topic == _COMPLAINT) - 0.22 * slow
    score = np.clip(np.rint(mood + rng.normal(0, 0.75, count)), 1, 5).astype(np.int64)
    pending = resolved > left
    # Strong feelings answer the question for a score more often.
    silent = (rng.random(count) > 0.15 + 0.12 * np.abs(score - 3)) | pending
    return {
        "first_response_minutes": np.where(response > left, np.nan, response.round(2)),
        "resolved_minutes": np.where(pending, np.nan, resolved.round(2)),
        "first_contact": at_once & ~pending,
        "reopened": reopened & ~pending,
        "csat": pd.Series(score, dtype="Int64").mask(silent),
    }


def _created(rng: np.random.Generator, channel: Ints) -> Ints:
    """Minute of the day: calls and chats while the centre is open, messages and mails at any hour."""
    hours = np.repeat(PROFILE, 30)
    open_minutes = OPENS * 60 + rng.choice(len(hours), len(channel), p=hours / hours.sum())
    awake = np.repeat([0.25, 0.1, 0.1, 0.6, 1.0, 1.0, 1.2, 1.0, 0.9, 1.1, 1.5, 1.3], 120)
    any_minutes = rng.choice(len(awake), len(channel), p=awake / awake.sum())
    return np.where(channel < 2, open_minutes, any_minutes)


def _assigned(rng: np.random.Generator, team: _Team, channel: Ints, topic: Ints) -> Ints:
    """Who gets the ticket: phone tickets the phone agents, texts the others; complaints go to the experienced."""
    pull = np.where(team.tenure >= _SENIOR_DAYS, _SENIOR_PULL, 1.0)
    agent = np.zeros(len(channel), dtype=np.int64)
    for phone in (True, False):
        group = np.flatnonzero((team.shift >= 0) == phone)
        for complaint in (True, False):
            rows = ((channel == 0) == phone) & ((topic == _COMPLAINT) == complaint)
            weight = pull[group] if complaint else 1 / np.sqrt(pull[group])
            agent[rows] = rng.choice(group, rows.sum(), p=weight / weight.sum())
    return agent


def _response(rng: np.random.Generator, channel: Ints, minute: Ints) -> Floats:
    """Minutes to the first answer; what comes at night waits for the morning."""
    quick = _RESPONSE[channel] * rng.lognormal(0, 0.8, len(channel))
    night = np.where(minute < OPENS * 60, OPENS * 60 - minute, (24 + OPENS) * 60 - minute)
    closed = (minute < OPENS * 60) | (minute >= CLOSES * 60)
    return np.maximum(quick + np.where(closed, night, 0), 0.02)


# ---------------------------------------------------------------------------------------------------- e-mail list


def _list(rng: np.random.Generator, count: int, first_number: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weekly mailings and what each subscriber did: tables mailings and subscribers."""
    sent_on = pd.date_range(end=AS_OF, periods=_MAILINGS, freq="W-TUE").astype("datetime64[us]")
    source = rng.choice(len(_SOURCES), count, p=_SOURCE_WEIGHTS)
    joined = (AS_OF - pd.to_timedelta(np.rint(rng.beta(0.9, 1.6, count) * 1400), unit="D")).astype("datetime64[us]")
    joined = joined.where(source != _IMPORTED, _IMPORTED_ON)
    confirmed = rng.random(count) < _CONFIRMED[source]
    rows, did = _send_all(rng, sent_on, source, joined.to_numpy())
    mailings = pd.DataFrame(rows)
    mailings.insert(0, "mailing_id", numbered("M", 1, _MAILINGS, 2))
    mailings.insert(1, "sent_on", sent_on)
    mailings.insert(2, "subject", np.array(_SUBJECTS, dtype=object))
    subscribers = {
        "subscriber_id": numbered("S", first_number, count, 5),
        "source": np.array(_SOURCES, dtype=object)[source],
        "joined_on": joined,
        "confirmed": confirmed,
        **did,
    }
    return mailings, pd.DataFrame(subscribers)


def _send_all(
    rng: np.random.Generator, sent_on: pd.DatetimeIndex, source: Ints, joined: NDArray[np.datetime64]
) -> tuple[list[dict[str, int]], dict[str, NDArray[np.generic]]]:
    """Every mailing in turn: its counts, and the sums and dates of each subscriber."""
    dead = rng.random(len(source)) < _DEAD[source]
    likes = rng.beta(3 * _OPENS[source], 3 * (1 - _OPENS[source]))
    left = np.full(len(source), np.datetime64("NaT"), dtype="datetime64[us]")
    opened, complained, late = left.copy(), np.zeros(len(source), dtype=bool), np.zeros(len(source), dtype=np.int64)
    tally = {name: np.zeros(len(source), dtype=np.int64) for name in _TALLIES}
    rows = []
    for date in sent_on:
        day, entered = np.datetime64(date, "us"), np.datetime64(date.replace(day=1), "us")
        to = ~(left < entered) & (joined <= day)  # unsubscribes are entered on the first of the month
        done = _mail(rng, to, dead, likes, source)
        done["unsubscribed"] &= np.isnat(left)
        for name in tally:
            tally[name] += done[name]
        late += to & (left < day)
        left[done["unsubscribed"]], opened[done["opened"]] = day, day
        complained |= done["complaints"]
        rows.append({name: int(hit.sum()) for name, hit in done.items()})
    last = {"last_opened_on": opened, "unsubscribed_on": left, "sent_after_unsubscribe": late, "complained": complained}
    return rows, {**tally, **last}


def _mail(rng: np.random.Generator, to: Bools, dead: Bools, likes: Floats, source: Ints) -> dict[str, Bools]:
    """What becomes of one mailing, subscriber by subscriber."""
    luck = rng.random((5, len(to)))
    hard = to & dead
    soft = to & ~dead & (luck[0] < 0.012)
    delivered = to & ~hard & ~soft
    opened = delivered & (luck[1] < likes)
    return {
        "sent": to,
        "delivered": delivered,
        "hard_bounced": hard,
        "soft_bounced": soft,
        "opened": opened,
        "clicked": opened & (luck[2] < 0.16),
        "unsubscribed": delivered & (luck[3] < _UNSUBSCRIBES[source]),
        "complaints": delivered & (luck[4] < _COMPLAINS[source]),
    }


RECIPE = Recipe(generate=generate, seed=20260111, size=91, drawn=28, as_of=AS_OF)
