"""Eighteen months of sales leads of a firm that sells campus and office equipment, generated from known behaviour.

Every lead has money, authority and need of its own (three traits, mean 0, standard deviation 1, shifted by the source
it came from). They, and how soon somebody calls back (Oldroyd, McElheran & Elkington, "The Short Life of Online Sales
Leads", *Harvard Business Review* 89 (3), 2011), decide by a logistic rule at each stage whether the lead moves on. To
lose a lead takes longer than to move it on, and some are never closed by anybody: who counts only what is decided
counts too many wins.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate.people import company_names, person_names
from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

STAGES = ("线索", "合格线索", "商机", "方案报价", "谈判", "成交")
LOST = "输单"
START, AS_OF = np.datetime64("2024-07-01"), np.datetime64("2025-12-31")
DAYS = int((AS_OF - START).astype(int)) + 1

# Sources: share of leads, mean of (money, authority, need), yuan a lead, yuan a month whatever comes
SOURCES = ("官网咨询", "搜索广告", "短视频", "展会", "电话外呼", "老客户转介绍", "渠道伙伴")
SOURCE_SHARE = np.array([0.19, 0.20, 0.22, 0.12, 0.11, 0.09, 0.07])
SOURCE_TRAITS = np.array(
    [[0.0, 0.0, 0.2], [0.0, -0.1, 0.1], [-0.5, -0.4, -0.3], [0.3, 0.3, 0.0],
     [0.1, 0.0, -0.6], [0.4, 0.4, 0.5], [0.4, 0.1, 0.3]]
)  # fmt: skip
_COST_A_LEAD = np.array([30.0, 210.0, 38.0, 260.0, 70.0, 150.0, 240.0])
_COST_A_MONTH = np.array([1200.0, 0.0, 600.0, 3000.0, 900.0, 0.0, 0.0])  # for a firm of the published size

# Moving on to the next stage: log odds = base + traits @ effect, and at the first step the speed of the answer
STEP_BASE = np.array([0.55, 0.45, 0.70, -0.30, 1.10])
STEP_EFFECT = np.array([[0.35, 0.30, 0.35, 0.65, 0.35], [0.25, 0.35, 0.35, 0.45, 0.60], [0.80, 0.65, 0.35, 0.25, 0.15]])
SPEED_EFFECT = -0.30  # on the log odds of the first step, per unit of log(hours until the first answer / 1.5)
STALLED = 0.05  # of all that become an opportunity: neither won nor lost, forgotten in the system
_DAYS_ON = np.array([2.0, 7.0, 8.0, 11.0, 9.0])  # medians
_DAYS_LOST = np.array([9.0, 18.0, 22.0, 26.0, 24.0])
_DAYS_SPREAD = 0.6
# Answering
_MEDIAN_HOURS, _HOURS_SPREAD = 1.5, 1.2
_NEVER_ANSWERED = 0.04
# Customers and deals
_TYPES = ("学校", "企业", "个人")
_TYPE_SHARE = np.array(
    [[0.3, 0.4, 0.3], [0.2, 0.5, 0.3], [0.08, 0.17, 0.75], [0.5, 0.48, 0.02],
     [0.35, 0.6, 0.05], [0.4, 0.5, 0.1], [0.55, 0.45, 0.0]]
)  # fmt: skip
_DEAL_MEDIAN, _DEAL_SPREAD = np.array([52_000.0, 27_000.0, 5_200.0]), 0.65
_PRODUCTS = ("打印复印一体机", "智能投影", "电子白板", "笔记本电脑", "会议平板", "网络机房设备")
_FOR_HOME = (0, 1, 3)  # rows of _PRODUCTS that a private person buys
_REGIONS = ("华东", "华南", "华北", "华中", "西南")
_POSITIONS = ("普通员工", "使用部门负责人", "采购主管", "校长或总经理")
_TIMELINES = ("说不清", "半年内", "三个月内", "一个月内")
_KINDS, _KIND_SHARE = ("电话", "微信", "邮件", "上门拜访", "产品演示"), (0.38, 0.28, 0.14, 0.12, 0.08)
_REASONS = ("价格太高", "选择了竞争对手", "预算取消", "联系不上", "需求不匹配")
_MONTHLY_FEE = 0.012  # of the deal, for service and consumables, each month
_SHOPS = ("教育", "科技", "贸易", "文化", "电子", "印务")


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says, one value a lead (arrays of equal length).

    Attributes:
        lead_id: in the order of the table ``leads``.
        money, authority, need: the traits, mean about 0, standard deviation about 1; above 0 the lead has it.
        man: the combination, capital letter = has it, for example "M+A+n".
        win_probability: chance to be won in the end, as it stood once the lead was answered.
        wins: whether the lead is won in the end (perhaps after the data end).
        won_on: when; NaT for those never won.
        stalled: forgotten in the system: stays open and is never won.

    >>> generate(1, 50)[1].frame()["man"].str.upper().unique().tolist()
    ['M+A+N']
    """

    lead_id: Texts
    money: Floats
    authority: Floats
    need: Floats
    man: Texts
    win_probability: Floats
    wins: Bools
    won_on: NDArray[np.datetime64]
    stalled: Bools

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a lead, index lead_id.

        >>> len(generate(1, 50)[1].frame())
        50
        """
        return pd.DataFrame(vars(self)).set_index("lead_id")


@dataclass(frozen=True)
class _Leads:
    """Leads in the order of their coming; time in minutes from the start."""

    created: Ints
    source: Ints
    kind: Ints
    traits: Floats  # (n, 3)
    deal: Floats  # expected, yuan
    seller: Ints
    hours: Floats  # until the first answer; infinite for never


@dataclass(frozen=True)
class _Course:
    """How each lead goes on: ``entered`` (n, 6) minutes at which it comes to a stage, infinite if never."""

    entered: Floats
    lost: Floats  # minute at which it is given up, infinite if never
    chance: Floats
    stalled: Bools

    @property
    def end(self) -> float:
        return DAYS * 1440.0

    @property
    def last(self) -> Ints:
        """The latest stage reached within the data."""
        return (self.entered < self.end).sum(axis=1) - 1


def generate(seed: int, leads: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The firm's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        leads: how many leads come in the eighteen months.
        first_number: number in the id of the first lead.

    Returns:
        leads, stage_history, activities, channel_costs, salespeople by name, and the truth.

    >>> generate(1, 50)[0]["leads"]["stage"].isin([*STAGES, LOST]).all()
    np.True_
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)]
    sellers = max(4, leads // 300)
    people = _leads(streams[0], leads, sellers)
    course = _course(streams[1], people)
    ids = numbered("L", first_number, leads)
    activities = _activity_table(streams[2], people, course, ids)
    tables = {
        "leads": _lead_table(streams[3], people, course, ids, activities),
        "stage_history": _history_table(course, ids),
        "activities": activities,
        "channel_costs": _cost_table(streams[4], people),
        "salespeople": _seller_table(streams[5], sellers),
    }
    return tables, _truth(people, course, ids)


def _moment(minutes: Floats | Ints) -> NDArray[np.datetime64]:
    """Minutes from the start as times; infinite gives NaT."""
    known = np.isfinite(minutes)
    whole = np.where(known, minutes, 0).astype(np.int64).astype("timedelta64[m]")
    return np.where(known, START.astype("datetime64[m]") + whole, np.datetime64("NaT")).astype("datetime64[us]")


def _leads(rng: np.random.Generator, count: int, sellers: int) -> _Leads:
    day = np.arange(DAYS)
    weekday = (START + day).astype("datetime64[D]").view("int64") % 7  # 1970-01-01 was a Thursday
    weight = (0.75 + 0.5 * day / DAYS) * np.where(np.isin(weekday, (2, 3)), 0.35, 1.0)  # a growing firm, quiet weekends
    created = rng.choice(DAYS, count, p=weight / weight.sum()) * 1440 + rng.integers(8 * 60, 21 * 60, count)
    created = np.sort(created)
    source = rng.choice(len(SOURCES), count, p=SOURCE_SHARE)
    kind = (rng.random(count)[:, None] > np.cumsum(_TYPE_SHARE[source], axis=1)[:, :2]).sum(axis=1)
    deal = _DEAL_MEDIAN[kind] * np.exp(_DEAL_SPREAD * rng.standard_normal(count))
    seller = rng.integers(0, sellers, count)
    pace = rng.normal(0, 0.5, sellers)[seller] - 0.25 * (np.log(deal) - np.log(20_000)) - 0.5 * (source == 5)
    hours = np.clip(_MEDIAN_HOURS * np.exp(pace + _HOURS_SPREAD * rng.standard_normal(count)), 2 / 60, 240)
    hours[rng.random(count) < _NEVER_ANSWERED] = np.inf
    return _Leads(
        created=created,
        source=source,
        kind=kind,
        traits=SOURCE_TRAITS[source] + rng.standard_normal((count, 3)),
        deal=np.maximum(np.round(deal, -2), 800.0),
        seller=seller,
        hours=hours,
    )


def _step_chance(people: _Leads) -> Floats:
    """Chance (n, 5) to move on from each stage; nobody moves on unless answered."""
    odds = STEP_BASE + people.traits @ STEP_EFFECT
    answered = np.isfinite(people.hours)
    odds[:, 0] += SPEED_EFFECT * np.log(np.where(answered, people.hours, _MEDIAN_HOURS) / _MEDIAN_HOURS)
    chance = 1 / (1 + np.exp(-odds))
    chance[~answered, 0] = 0.0
    return chance


def _course(rng: np.random.Generator, people: _Leads) -> _Course:
    chance = _step_chance(people)
    count, steps = chance.shape
    on = _DAYS_ON * np.exp(_DAYS_SPREAD * rng.standard_normal((count, steps)))
    away = _DAYS_LOST * np.exp(_DAYS_SPREAD * rng.standard_normal((count, steps)))
    waiting = np.where(np.isfinite(people.hours), people.hours, 0) / 24
    on[:, 0] += waiting
    away[:, 0] += waiting
    passes = rng.random((count, steps)) < chance
    stalled = rng.random(count) < STALLED
    stop = rng.integers(2, steps, count)  # the stage in which a stalled lead is forgotten
    entered = np.full((count, steps + 1), np.inf)
    entered[:, 0] = people.created
    lost = np.full(count, np.inf)
    for step in range(steps):
        here = np.isfinite(entered[:, step])
        forgotten = here & stalled & (stop == step)
        moves = here & passes[:, step] & ~forgotten
        entered[moves, step + 1] = (entered[:, step] + np.ceil(on[:, step] * 1440))[moves]
        leaves = here & ~moves & ~forgotten
        lost[leaves] = (entered[:, step] + np.ceil(away[:, step] * 1440))[leaves]
    forgotten = ~np.isfinite(lost) & ~np.isfinite(entered[:, -1])
    return _Course(entered, lost, chance, forgotten)


def _proxies(rng: np.random.Generator, people: _Leads) -> dict[str, NDArray]:
    """What the form and the visit to the website tell about money, authority and need."""
    money, authority, need = people.traits.T
    count = len(money)
    rank = np.searchsorted((-0.7, 0.2, 1.1), authority + 0.6 * rng.standard_normal(count))
    position = np.where(people.kind == 2, "本人", np.array(_POSITIONS, dtype=object)[rank])
    budget = np.round(people.deal * np.exp(-0.1 + 0.45 * money + 0.25 * rng.standard_normal(count)), -2)
    budget[rng.random(count) < 0.22] = np.nan
    when = np.searchsorted((-0.8, 0.1, 1.0), need + 0.6 * rng.standard_normal(count))
    return {
        "position": position,
        "budget": budget,
        "timeline": np.array(_TIMELINES, dtype=object)[when],
        "pages_viewed": 1 + rng.poisson(np.exp(1.1 + 0.35 * need)),
        "asked_quote": rng.random(count) < 1 / (1 + np.exp(0.9 - 0.9 * need)),
    }


def _judgement(rng: np.random.Generator, people: _Leads) -> dict[str, pd.api.extensions.ExtensionArray]:
    """The seller's marks after the first talk, 0 to 10: 6 and more means "has it", with errors."""
    marks = 5.5 + 2 * people.traits + 1.1 * rng.standard_normal(people.traits.shape)
    marks = np.clip(np.rint(marks), 0, 10)
    marks[people.created + people.hours * 60 >= DAYS * 1440] = np.nan  # nobody has talked with them yet
    names = ("money_score", "authority_score", "need_score")
    return {name: pd.array(marks[:, place], dtype="Int64") for place, name in enumerate(names)}


def _lead_table(
    rng: np.random.Generator, people: _Leads, course: _Course, ids: Texts, activities: pd.DataFrame
) -> pd.DataFrame:
    count = len(ids)
    won = course.entered[:, -1] < course.end
    lost = course.lost < course.end
    home = people.kind == 2
    product = np.where(home, np.array(_FOR_HOME)[rng.integers(0, 3, count)], rng.integers(0, len(_PRODUCTS), count))
    amount = np.where(won, np.round(people.deal * np.exp(-0.06 + 0.15 * rng.standard_normal(count)), -1), np.nan)
    minutes = np.ceil(people.hours * 60)
    seen = people.created + minutes < course.end
    last = activities.groupby("lead_id")["happened_at"].max().reindex(ids)
    reason = np.array(_REASONS, dtype=object)[_reasons(rng, people)]
    return pd.DataFrame(
        {
            "lead_id": ids,
            "created_at": _moment(people.created),
            "source": np.array(SOURCES, dtype=object)[people.source],
            "customer_type": np.array(_TYPES, dtype=object)[people.kind],
            "name": np.where(home, person_names(rng, count), _organisations(rng, people)),
            "region": np.array(_REGIONS, dtype=object)[rng.choice(5, count, p=(0.35, 0.2, 0.2, 0.15, 0.1))],
            "product": np.array(_PRODUCTS, dtype=object)[product],
            "expected_amount": people.deal,
            **_proxies(rng, people),
            "salesperson_id": numbered("S", 1, int(people.seller.max()) + 1, 2)[people.seller],
            "first_response_minutes": pd.array(np.where(seen, minutes, np.nan), dtype="Int64"),
            **_judgement(rng, people),
            "stage": np.where(lost, LOST, np.array(STAGES, dtype=object)[course.last]),
            "status": np.where(won, "won", np.where(lost, "lost", "open")),
            "closed_at": _moment(np.where(won, course.entered[:, -1], np.where(lost, course.lost, np.inf))),
            "amount": amount,
            "monthly_fee": np.round(_MONTHLY_FEE * amount * rng.gamma(8, 1 / 8, count), 2),
            "lost_reason": np.where(lost, reason, ""),
            "credit_checked": (course.last >= 4) & (rng.random(count) < 0.9),
            "last_activity_at": last.to_numpy(),
        }
    )


def _organisations(rng: np.random.Generator, people: _Leads) -> Texts:
    """Schools and firms: invented names; so many leads that a firm may come twice, as in life."""
    count = len(people.kind)
    firms = company_names(rng, min(count, 1500), _SHOPS)
    firms = firms[rng.integers(0, len(firms), count)]
    stem = np.array([name[:4] for name in firms], dtype=object)
    ending = np.array(["中学", "小学", "职业学院", "实验学校", "幼儿园"], dtype=object)[rng.integers(0, 5, count)]
    return np.where(people.kind == 0, stem + ending, firms)


def _reasons(rng: np.random.Generator, people: _Leads) -> Ints:
    """Why a lead was lost, as the seller writes it: the weakest trait speaks loudest, and guessing is common."""
    weakest = people.traits.argmin(axis=1)
    by_trait = np.array([[0.45, 0.15, 0.3, 0.05, 0.05], [0.1, 0.4, 0.1, 0.35, 0.05], [0.1, 0.1, 0.1, 0.3, 0.4]])
    draw = rng.random(len(weakest))[:, None] > np.cumsum(by_trait[weakest], axis=1)
    return np.minimum(draw.sum(axis=1), len(_REASONS) - 1)


def _history_table(course: _Course, ids: Texts) -> pd.DataFrame:
    """One row each time a lead comes to a stage or is given up, in the order of time."""
    times = np.column_stack([course.entered, course.lost])
    lead, place = np.nonzero(times < course.end)
    names = np.array([*STAGES, LOST], dtype=object)
    order = np.lexsort((place, lead, times[lead, place]))
    return pd.DataFrame(
        {
            "lead_id": ids[lead[order]],
            "stage": names[place[order]],
            "entered_at": _moment(times[lead[order], place[order]]),
        }
    )


def _activity_table(rng: np.random.Generator, people: _Leads, course: _Course, ids: Texts) -> pd.DataFrame:
    """Calls, messages, visits: the first is the answer, the others fall within the stages that were gone through."""
    answer = people.created + np.ceil(people.hours * 60)
    left = np.column_stack([course.entered[:, 1:], np.full(len(ids), np.inf)])
    left = np.minimum(np.minimum(left, course.lost[:, None]), course.end)
    lead, stage = np.nonzero(course.entered[:, :-1] < course.end)
    begin = np.maximum(course.entered[lead, stage], answer[lead])
    room = np.maximum(left[lead, stage] - begin, 0)
    busy = np.minimum(room, 45 * 1440)  # nobody calls a forgotten lead
    more = rng.poisson(0.35 + busy / 1440 / 16) * (room > 0)
    row = np.repeat(np.arange(len(lead)), more)
    at = begin[row] + busy[row] * rng.random(len(row))
    answered = np.flatnonzero(answer < course.end)
    who = np.concatenate([answered, lead[row]])
    at = np.floor(np.concatenate([answer[answered], at]))
    kind = rng.choice(len(_KINDS), len(who), p=_KIND_SHARE)
    kind[: len(answered)] = 0
    order = np.lexsort((who, at))
    return pd.DataFrame(
        {
            "activity_id": numbered("T", 1, len(order), 6),
            "lead_id": ids[who[order]],
            "happened_at": _moment(at[order]),
            "kind": np.array(_KINDS, dtype=object)[kind[order]],
        }
    )


def _cost_table(rng: np.random.Generator, people: _Leads) -> pd.DataFrame:
    """What each source cost in each month."""
    months = np.arange(START.astype("datetime64[M]"), AS_OF.astype("datetime64[M]") + 1)
    month = (START + people.created // 1440).astype("datetime64[M]") - months[0]
    leads = np.zeros((len(months), len(SOURCES)))
    np.add.at(leads, (month.astype(int), people.source), 1)
    scale = len(people.created) / 3000
    noise = rng.gamma(40, 1 / 40, leads.shape)
    cost = (_COST_A_MONTH * scale + _COST_A_LEAD * leads) * noise
    return pd.DataFrame(
        {
            "month": np.repeat(months.astype("datetime64[us]"), len(SOURCES)),
            "source": np.tile(np.array(SOURCES, dtype=object), len(months)),
            "cost": np.round(cost, 2).ravel(),
        }
    )


def _seller_table(rng: np.random.Generator, sellers: int) -> pd.DataFrame:
    hired = START - rng.integers(60, 2500, sellers)
    return pd.DataFrame(
        {
            "salesperson_id": numbered("S", 1, sellers, 2),
            "name": person_names(rng, sellers),
            "hired_on": hired.astype("datetime64[us]"),
        }
    )


def _truth(people: _Leads, course: _Course, ids: Texts) -> Truth:
    has = people.traits > 0
    letters = np.where(has, np.array(["M", "A", "N"]), np.array(["m", "a", "n"]))
    won = course.entered[:, -1]
    # A stalled lead is lost for good in one of three stages; the chance counts that too.
    alive: Floats = course.chance.prod(axis=1) * (1 - STALLED)
    return Truth(
        lead_id=ids,
        money=people.traits[:, 0],
        authority=people.traits[:, 1],
        need=people.traits[:, 2],
        man=np.array(["+".join(row) for row in letters], dtype=object),
        win_probability=alive,
        wins=np.isfinite(won),
        won_on=_moment(won),
        stalled=course.stalled,
    )


RECIPE = Recipe(generate=generate, seed=20260302, size=3000, drawn=600, as_of=pd.Timestamp(AS_OF))
