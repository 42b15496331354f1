"""A chain store's paid membership club over two years, generated from known behaviour.

Leaving follows the shifted beta-geometric idea (Fader & Hardie, 2007): at each renewal a member leaves with an own
probability, beta distributed over members, so that churn falls with tenure although nobody changes. Three things move
it, on the logit scale: a complaint that was never resolved, the first renewal at the raised price, points that
expired. A member makes up his mind two months before the renewal and is seen less from then on: the warning signs.

One month the club sent a coupon to a random half of its monthly members. Whoever got it, the other fate is known too:
both are computed from the same random numbers, which tells sure things, persuadables, lost causes and sleeping dogs.

Source: P. S. Fader, B. G. S. Hardie, "How to Project Customer Retention", *Journal of Interactive Marketing* 21 (1),
2007, 76-90.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

START, END = np.datetime64("2024-01-01"), np.datetime64("2025-12-31")
DAYS = int((END - START).astype(int)) + 1
MONTH = 30.4375  # days
_MONTHS = 28  # renewals looked at: those of two years and the next months, whose signs are seen before the end
UPLIFT_TYPES = ("sure_thing", "persuadable", "lost_cause", "sleeping_dog")

# Leaving: beta distribution of the chance at one renewal, by plan
THETA_MONTHLY, THETA_ANNUAL = (1.0, 9.0), (1.2, 2.8)
_ANNUAL_SHARE = 0.25
# What moves it (log odds)
COMPLAINT, PRICE_RISE, EXPIRED = 1.5, 0.8, 0.6
LOOK_BACK = 60  # days before the decision in which a complaint or an expiry counts
EXPIRED_POINTS = 300  # lost within that time: enough to notice
PRICE_DAY = np.datetime64("2025-04-01")  # announced two months before
_LEAD = 2  # months between decision and renewal
_VIGOUR = (0.55, 0.25)  # of purchases, logins, opened messages: first and second month after the decision
# Coupon
OFFER_DAY, OFFER_END, OFFER_YUAN = np.datetime64("2025-07-01"), np.datetime64("2025-09-30"), 30
OFFER_EFFECT = {"auto_renew": 0.8, "sensitive": -2.2, "other": -1.0}  # log odds of leaving
# Points: one a yuan, a hundred for a yuan, gone after six months
POINTS_PER_YUAN, POINT_VALUE, EXPIRY_MONTHS = 1.0, 0.01, 6
_LEAST_BURN = 200
_NEVER_REDEEMS, _REDEMPTIONS = 0.4, 0.22  # share of members; times a month for the others
# Purchases, logins, contacts (a month)
_RATE_SHAPE, _RATE = 1.5, 0.63
_LOGIN_SHAPE, _LOGINS = 2.0, 5.0
_SPEND, _SPEND_SPREAD, _ORDER_SPREAD = 140.0, 0.45, 0.5  # yuan an order; standard deviations of the logarithm
_SEASON = np.array([1.35, 0.85, 0.95, 0.95, 1.0, 1.15, 0.95, 0.95, 1.0, 1.0, 1.3, 1.1])
_COMPLAINTS, _INQUIRIES, _UNRESOLVED = 0.05, 0.06, 0.45
_EXIT_CALLS, _REASON_KNOWN = 0.7, 0.92
_MESSAGE_DAYS = np.arange(4, DAYS, 9)
# Who they are
_AGES, _AGE_WEIGHTS = ("18-24", "25-34", "35-44", "45-54", "55+"), (0.13, 0.31, 0.28, 0.17, 0.11)
_CITIES, _CITY_WEIGHTS = ("一线", "新一线", "二线", "三线及以下"), (0.2, 0.27, 0.28, 0.25)
_CHANNELS, _CHANNEL_WEIGHTS = ("门店", "小程序", "短视频", "老会员推荐"), (0.42, 0.26, 0.18, 0.14)
_STABILITY = np.array([0.1, 0.0, -0.5, 0.6])  # by channel: members brought by a member stay longer
_HABIT = 0.5  # weight of the purchase rate in stability
_TIERS, _TIER_EDGES = ("普通", "银卡", "金卡"), (800.0, 2500.0)  # yuan in the last 365 days
_COMPLAINT_TOPICS = ("商品质量", "配送延误", "退款慢", "服务态度", "优惠未兑现")
_INQUIRY_TOPICS = ("积分规则", "续费方式", "活动咨询", "订单查询", "门店信息")
_EXIT_TOPICS = ("用得少", "觉得贵", "服务不满意", "搬家", "不愿说明")
_FOREVER = 10**6  # a day that never comes


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says, one value a member (arrays of equal length).

    Attributes:
        customer_id: in the order of the members table.
        theta: chance to leave at one renewal when nothing special happens.
        purchase_rate: purchases a month while the member has not decided to leave, average season.
        decided_at: day on which the member made up his mind to leave, also if the end of the data came first; NaT if
            never.
        uplift_type: for the members of the coupon test one of UPLIFT_TYPES, by what would have happened until the end
            of the test with and without it; "" for the others.
        effect: of the coupon on the log odds of leaving at a renewal; missing outside the test.
        uplift: chance to leave in the test without the coupon less that with it; missing outside the test.

    >>> generate(1, 50)[1].frame().columns[:2].tolist()
    ['theta', 'purchase_rate']
    """

    customer_id: NDArray[np.object_]
    theta: Floats
    purchase_rate: Floats
    decided_at: NDArray[np.datetime64]
    uplift_type: NDArray[np.object_]
    effect: Floats
    uplift: Floats

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a member, index customer_id."""
        return pd.DataFrame(vars(self)).set_index("customer_id")


@dataclass(frozen=True)
class _People:
    """Members in the order of joining; days count from :data:`START`."""

    joined: Ints
    due: Ints  # shape (n, months): day of the k-th renewal month, column 0 the day of joining
    annual: Bools
    auto_renew: Bools
    age: Ints
    city: Ints
    channel: Ints
    rate: Floats
    logins: Floats
    spend: Floats
    opens: Floats
    theta: Floats

    @property
    def effect(self) -> Floats:
        """Of the coupon: it reminds those whose fee is taken silently, and wins those who count their money."""
        sensitive = (self.age <= 1) | (self.city == 3)
        effect = np.where(sensitive, OFFER_EFFECT["sensitive"], OFFER_EFFECT["other"])
        return np.where(self.auto_renew, OFFER_EFFECT["auto_renew"], effect)


@dataclass(frozen=True)
class _Events:
    """Things that happen to members, each with a random ``mark`` (0-1) that decides whether it really does."""

    member: Ints
    day: Ints
    mark: Floats

    def only(self, keep: Bools) -> "_Events":
        return _Events(self.member[keep], self.day[keep], self.mark[keep])


@dataclass(frozen=True)
class _Fate:
    """When each member leaves: with the coupon (column 1) and without it (column 0), and what really happens."""

    renewal: Ints  # shape (n, 2): the renewal at which the member leaves, -1 for none
    treated: Bools
    in_test: Bools
    chance: Floats  # shape (n, 2): to leave during the test
    due: Ints

    @property
    def really(self) -> Ints:
        return np.where(self.treated, self.renewal[:, 1], self.renewal[:, 0])

    def day(self, renewal: Ints, before: int = 0) -> Ints:
        """Day of a renewal, or of that ``before`` months earlier; never, if there is none."""
        return _renewal_day(self.due, renewal, before)

    @property
    def left(self) -> Ints:
        return self.day(self.really)

    def vigour(self, member: Ints, day: Ints) -> Floats:
        """How lively a member is on a day: 1, less once he has decided, 0 once he has left.

        Until the coupon is sent the two worlds are one.
        """
        world = self.treated[member] & (day >= _day(OFFER_DAY))
        levels = [self._vigour(self.renewal[:, w], member, day) for w in (0, 1)]
        return np.where(world, levels[1], levels[0])

    def _vigour(self, renewal: Ints, member: Ints, day: Ints) -> Floats:
        steps = [day >= self.day(renewal, before)[member] for before in range(_LEAD + 1)]
        return np.select(steps, [0.0, *_VIGOUR[::-1]], 1.0)


def _renewal_day(due: Ints, renewal: Ints, before: int = 0) -> Ints:
    at = np.take_along_axis(due, np.maximum(renewal - before, 0)[:, None], 1)[:, 0]
    return np.where(renewal < 0, _FOREVER, at)


def generate(seed: int, members: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The club's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        members: how many join in the two years.
        first_number: number in the id of the first member.

    Returns:
        members, purchases, points, activity, contacts, offers by name, and the truth.

    >>> list(generate(1, 50)[0])
    ['members', 'purchases', 'points', 'activity', 'contacts', 'offers']
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(9)]
    people = _people(streams[0], members)
    buys = _arrivals(streams[1], people, people.rate, _SEASON)
    amount = _amounts(streams[2], people, buys)
    burns = _redemptions(streams[3], people)
    complaints = _arrivals(streams[4], people, np.full(members, _COMPLAINTS))
    push = _push(people, buys, amount, burns, complaints)
    fate = _fate(streams[5], people, push)
    ids = numbered("M", first_number, members)
    happen = buys.mark < fate.vigour(buys.member, buys.day)
    burns = burns.only(burns.mark < fate.vigour(burns.member, burns.day))
    bought, paid = buys.only(happen), amount[happen]
    tables = {
        "members": _member_table(streams[6], people, fate, bought, paid, ids),
        "purchases": _purchase_table(bought, paid, ids),
        "points": _point_table(bought, paid, burns, ids),
        "activity": _activity_table(streams[7], people, fate, ids),
        "contacts": _contact_table(streams[8], people, fate, complaints, ids),
        "offers": _offer_table(streams[8], people, fate, ids),
    }
    return tables, _truth(people, fate, ids)


def _day(date: np.datetime64) -> int:
    return int((date - START).astype(int))


def _dates(days: Ints) -> NDArray[np.datetime64]:
    """Dates of days; a day after the end of the data is not yet known."""
    return np.where(days < DAYS, START + np.minimum(days, DAYS), np.datetime64("NaT")).astype("datetime64[us]")


def _plus_months(days: Ints, months: int | Ints) -> Ints:
    """The same day of the month so many months later, or the last day of a shorter month."""
    date = START + days
    month = date.astype("datetime64[M]")
    target = month + months
    begin, after = target.astype("datetime64[D]"), (target + 1).astype("datetime64[D]")
    day = np.minimum(begin + (date - month.astype("datetime64[D]")), after - 1)
    return (day - START).astype(np.int64)


def _people(rng: np.random.Generator, count: int) -> _People:
    wave = 0.6 + 1.3 * np.exp(-np.arange(DAYS) / 150)
    joined = np.sort(rng.choice(DAYS, count, p=wave / wave.sum()))
    channel = rng.choice(len(_CHANNELS), count, p=_CHANNEL_WEIGHTS)
    rate = rng.gamma(_RATE_SHAPE, _RATE / _RATE_SHAPE, count)
    habit = np.log(rate)
    habit = (habit - habit.mean()) / habit.std()
    stability = _HABIT * habit + _STABILITY[channel] + 0.8 * rng.standard_normal(count)
    annual = rng.random(count) < _ANNUAL_SHARE
    theta = np.empty(count)
    for plan, shape in ((annual, THETA_ANNUAL), (~annual, THETA_MONTHLY)):
        theta[plan] = _ranked(-stability[plan], rng.beta(*shape, plan.sum()))
    return _People(
        joined=joined,
        due=_plus_months(joined[:, None], np.arange(_MONTHS)[None, :]),
        annual=annual,
        auto_renew=rng.random(count) < np.where(annual, 0.5, 0.25),
        age=rng.choice(len(_AGES), count, p=_AGE_WEIGHTS),
        city=rng.choice(len(_CITIES), count, p=_CITY_WEIGHTS),
        channel=channel,
        rate=rate,
        logins=rng.gamma(_LOGIN_SHAPE, _LOGINS / _LOGIN_SHAPE, count) * np.exp(0.25 * habit),
        spend=_SPEND * np.exp(_SPEND_SPREAD * rng.standard_normal(count)),
        opens=rng.beta(2.0, 3.0, count),
        theta=theta,
    )


def _ranked(scores: Floats, values: Floats) -> Floats:
    """``values`` dealt out in the order of ``scores``: keeps their distribution, ties them to the scores."""
    dealt = np.empty(len(values))
    dealt[np.argsort(scores, kind="stable")] = np.sort(values)
    return dealt


def _arrivals(rng: np.random.Generator, people: _People, rate: Floats, season: Floats | None = None) -> _Events:
    """What would happen to members who never left: Poisson with ``rate`` a month, by member and day."""
    month = (START + np.arange(DAYS)).astype("datetime64[M]").astype(int) % 12
    demand = np.ones(DAYS) if season is None else season[month]
    clock = np.concatenate([[0.0], np.cumsum(demand)])
    since = clock[people.joined]
    member = np.repeat(np.arange(len(rate)), rng.poisson(rate / MONTH * (clock[-1] - since)))
    moment = since[member] + (clock[-1] - since[member]) * rng.random(len(member))
    day = np.minimum(np.searchsorted(clock, moment, side="right") - 1, DAYS - 1)
    order = np.lexsort((day, member))
    return _Events(member[order], day[order], rng.random(len(order)))


def _amounts(rng: np.random.Generator, people: _People, buys: _Events) -> Floats:
    noise = np.exp(_ORDER_SPREAD * rng.standard_normal(len(buys.day)) - _ORDER_SPREAD**2 / 2)
    return np.maximum(np.round(people.spend[buys.member] * noise, 1), 5.0)


def _redemptions(rng: np.random.Generator, people: _People) -> _Events:
    """Days on which a member would redeem: whole hundreds of what he has, if that is worth it."""
    count = len(people.joined)
    rate = np.where(rng.random(count) < _NEVER_REDEEMS, 0.0, rng.gamma(2.0, _REDEMPTIONS / 2.0, count))
    return _arrivals(rng, people, rate)


def _ledger(buys: _Events, amount: Floats, burns: _Events) -> NDArray[np.int64]:
    """Movements of points, shape (movements, 4): member, day, step (0 expire, 1 earn, 2 burn), points.

    The earliest points go first, so of the points whose time is over those not used up to now are lost.
    """
    points = np.floor(amount * POINTS_PER_YUAN).astype(np.int64)
    ends = _plus_months(buys.day, EXPIRY_MONTHS)
    member = np.concatenate([buys.member, buys.member, burns.member])
    day = np.concatenate([ends, buys.day, burns.day])
    step = np.repeat([0, 1, 2], [len(ends), len(ends), len(burns.day)])
    value = np.concatenate([points, points, np.zeros(len(burns.day), dtype=np.int64)])
    order = np.lexsort((step, day, member))
    moves: list[tuple[int, int, int, int]] = []
    owner = -1
    earned = used = due = 0
    rows = zip(*(column[order].tolist() for column in (member, day, step, value)), strict=True)
    for person, when, kind, change in rows:
        if person != owner:
            owner, earned, used, due = person, 0, 0, 0
        if kind == 1:
            earned += change
        else:
            due += change
            whole = (earned - used) // 100 * 100
            change = max(due - used, 0) if kind == 0 else whole if whole >= _LEAST_BURN else 0
            used += change
        if change and when < DAYS:
            moves.append((person, when, kind, change))
    return np.array(moves, dtype=np.int64).reshape(-1, 4)


def _recently(member: Ints, day: Ints, value: Floats | Ints, people: _People) -> Floats:
    """Sum of ``value`` in the days before each decision, shape of ``people.due``; column k: decision for renewal k."""
    decision = people.due[:, np.maximum(np.arange(people.due.shape[1]) - _LEAD, 0)]
    width = 10 * DAYS  # keeps the members apart on one axis; decisions may lie after the end of the data
    order = np.lexsort((day, member))
    place = (member * width + day)[order]
    total = np.concatenate([[0.0], np.cumsum(value[order])])
    base = np.arange(len(decision))[:, None] * width
    until = np.searchsorted(place, base + decision, side="right")
    since = np.searchsorted(place, base + np.maximum(decision - LOOK_BACK, -1), side="right")
    return total[until] - total[since]


def _push(people: _People, buys: _Events, amount: Floats, burns: _Events, complaints: _Events) -> Floats:
    """What moves the log odds of leaving at each renewal, shape of ``people.due``.

    Computed as if everybody stayed: up to his decision a member lives as one who stays.
    """
    bad = complaints.mark < _UNRESOLVED
    angry = _recently(complaints.member[bad], complaints.day[bad], np.ones(bad.sum()), people) > 0
    lost = _ledger(buys, amount, burns)
    lost = lost[lost[:, 2] == 0]
    sorry = _recently(lost[:, 0], lost[:, 1], lost[:, 3], people) >= EXPIRED_POINTS
    return COMPLAINT * angry + EXPIRED * sorry + PRICE_RISE * _first_at_new_price(people)


def _renews(people: _People) -> Bools:
    """Which months are renewals: every one, or every twelfth."""
    month = np.arange(people.due.shape[1])
    return (month > 0) & (~people.annual[:, None] | (month % 12 == 0))


def _first_at_new_price(people: _People) -> Bools:
    dearer = _renews(people) & (people.due >= _day(PRICE_DAY))
    return dearer & (dearer.cumsum(axis=1) == 1) & (people.joined < _day(PRICE_DAY))[:, None]


def _fate(rng: np.random.Generator, people: _People, push: Floats) -> _Fate:
    base = np.log(people.theta / (1 - people.theta))[:, None] + push
    in_window = (people.due > _day(OFFER_DAY)) & (people.due <= _day(OFFER_END))
    renews, luck = _renews(people), rng.random(people.due.shape)
    renewal, chance = [], []
    for effect in (np.zeros(len(base)), people.effect):
        hazard = 1 / (1 + np.exp(-base - effect[:, None] * in_window))
        leaves = renews & (luck < hazard)
        renewal.append(np.where(leaves.any(axis=1), leaves.argmax(axis=1), -1))
        chance.append(1 - np.prod(np.where(renews & in_window, 1 - hazard, 1.0), axis=1))
    stays = _renewal_day(people.due, renewal[0]) > _day(OFFER_DAY)
    in_test = ~people.annual & (people.joined < _day(OFFER_DAY)) & stays
    invited = rng.permutation(np.flatnonzero(in_test))
    treated = np.zeros(len(base), dtype=bool)
    treated[invited[: len(invited) // 2]] = True
    return _Fate(np.column_stack(renewal), treated, in_test, np.column_stack(chance), people.due)


def _pick(rng: np.random.Generator, names: tuple[str, ...], count: int) -> NDArray[np.object_]:
    return np.array(names, dtype=object)[rng.integers(0, len(names), count)]


def _member_table(
    rng: np.random.Generator, people: _People, fate: _Fate, bought: _Events, paid: Floats, ids: NDArray[np.object_]
) -> pd.DataFrame:
    left = fate.left
    gone = left < DAYS
    last_year = bought.day > np.minimum(left, DAYS - 1)[bought.member] - 365
    spent = np.bincount(bought.member[last_year], paid[last_year], len(ids))
    reason = np.where(gone, _pick(rng, _EXIT_TOPICS, len(ids)), _pick(rng, _INQUIRY_TOPICS, len(ids)))
    known = rng.random(len(ids)) < np.where(gone, _REASON_KNOWN, 0.35)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "joined_at": _dates(people.joined),
            "left_at": _dates(left),
            "plan": np.where(people.annual, "annual", "monthly").astype(object),
            "auto_renew": people.auto_renew,
            "age_band": np.array(_AGES, dtype=object)[people.age],
            "city_tier": np.array(_CITIES, dtype=object)[people.city],
            "channel": np.array(_CHANNELS, dtype=object)[people.channel],
            "tier": np.array(_TIERS, dtype=object)[np.searchsorted(_TIER_EDGES, spent, side="right")],
            "status": np.where(gone, "left", "active").astype(object),
            "last_contact_reason": np.where(known, reason, ""),
        }
    )


def _purchase_table(bought: _Events, paid: Floats, ids: NDArray[np.object_]) -> pd.DataFrame:
    order = np.lexsort((bought.member, bought.day))
    return pd.DataFrame(
        {"customer_id": ids[bought.member[order]], "date": _dates(bought.day[order]), "amount": paid[order]}
    )


def _point_table(bought: _Events, paid: Floats, burns: _Events, ids: NDArray[np.object_]) -> pd.DataFrame:
    """By member and day; what a member still had when leaving runs out at its time."""
    moves = _ledger(bought, paid, burns)
    kinds = np.array(["expire", "earn", "burn"], dtype=object)
    table = pd.DataFrame(
        {
            "customer_id": ids[moves[:, 0]],
            "date": _dates(moves[:, 1]),
            "kind": kinds[moves[:, 2]],
            "points": np.where(moves[:, 2] == 1, moves[:, 3], -moves[:, 3]),
        }
    )
    # Purchases of one day lose their points on one day: one line in the account
    expired = table["kind"].eq("expire")
    lost = table[expired].groupby(["customer_id", "date", "kind"], as_index=False, sort=False)["points"].sum()
    step = {"expire": 0, "earn": 1, "burn": 2}
    table = pd.concat([table[~expired], lost], ignore_index=True)
    order = np.lexsort((table["kind"].map(step), table["date"], table["customer_id"]))
    return table.iloc[order].reset_index(drop=True)


def _activity_table(rng: np.random.Generator, people: _People, fate: _Fate, ids: NDArray[np.object_]) -> pd.DataFrame:
    """One row a member and calendar month of membership, dated on the last day of the month."""
    months = (START + np.arange(DAYS)).astype("datetime64[M]").astype(np.int64)
    months -= months[0]
    width = months[-1] + 1
    logins = _arrivals(rng, people, people.logins)
    logins = logins.only(logins.mark < fate.vigour(logins.member, logins.day))
    member, sent = (grid.ravel() for grid in np.meshgrid(np.arange(len(ids)), _MESSAGE_DAYS, indexing="ij"))
    got = (sent >= people.joined[member]) & (sent < fate.left[member])
    member, sent = member[got], sent[got]
    opened = rng.random(len(sent)) < people.opens[member] * fate.vigour(member, sent)
    counts = [
        np.bincount(who * width + months[day], minlength=len(ids) * width)
        for who, day in ((logins.member, logins.day), (member, sent), (member[opened], sent[opened]))
    ]
    first, last = months[people.joined], months[np.minimum(fate.left, DAYS) - 1]
    who, month = (grid.ravel() for grid in np.meshgrid(np.arange(len(ids)), np.arange(width), indexing="ij"))
    here = (month >= first[who]) & (month <= last[who])
    ends = (START.astype("datetime64[M]") + month[here] + 1).astype("datetime64[D]") - 1
    columns = dict(zip(("logins", "received", "opened"), (count[here] for count in counts), strict=True))
    return pd.DataFrame({"customer_id": ids[who[here]], "date": ends.astype("datetime64[us]"), **columns})


def _contact_table(
    rng: np.random.Generator, people: _People, fate: _Fate, complaints: _Events, ids: NDArray[np.object_]
) -> pd.DataFrame:
    complaints = complaints.only(complaints.day < fate.left[complaints.member])
    asked = _arrivals(rng, people, np.full(len(ids), _INQUIRIES))
    asked = asked.only(asked.mark < fate.vigour(asked.member, asked.day))
    exits = np.flatnonzero((fate.left < DAYS - 4) & (rng.random(len(ids)) < _EXIT_CALLS))
    after = fate.left[exits] + rng.integers(0, 4, len(exits))
    solved = complaints.day + rng.integers(1, 13, len(complaints.day))
    topics = (_COMPLAINT_TOPICS, complaints.day), (_INQUIRY_TOPICS, asked.day), (_EXIT_TOPICS, exits)
    table = pd.DataFrame(
        {
            "customer_id": ids[np.concatenate([complaints.member, asked.member, exits])],
            "date": _dates(np.concatenate([complaints.day, asked.day, after])),
            "kind": np.repeat(["complaint", "inquiry", "exit"], [len(x) for _names, x in topics]).astype(object),
            "topic": np.concatenate([_pick(rng, names, len(x)) for names, x in topics]),
            "resolved_at": _dates(
                np.concatenate([np.where(complaints.mark < _UNRESOLVED, _FOREVER, solved), asked.day, after])
            ),
        }
    ).sort_values(["date", "customer_id"], kind="stable", ignore_index=True)
    table.insert(0, "contact_id", numbered("K", 1, len(table)))
    return table


def _offer_table(rng: np.random.Generator, people: _People, fate: _Fate, ids: NDArray[np.object_]) -> pd.DataFrame:
    invited = np.flatnonzero(fate.in_test)
    treated = fate.treated[invited]
    day = _day(OFFER_DAY) + rng.integers(1, 60, len(invited))
    wants = treated & (rng.random(len(invited)) < 0.25 + 0.6 * people.opens[invited])
    uses = wants & (rng.random(len(invited)) < fate.vigour(invited, day))
    return pd.DataFrame(
        {
            "customer_id": ids[invited],
            "sent_at": _dates(np.full(len(invited), _day(OFFER_DAY))),
            "group": np.where(treated, "treatment", "control").astype(object),
            "coupon": np.where(treated, OFFER_YUAN, 0),
            "used_at": _dates(np.where(uses, day, _FOREVER)),
        }
    )


def _truth(people: _People, fate: _Fate, ids: NDArray[np.object_]) -> Truth:
    ends = np.column_stack([fate.day(fate.renewal[:, world]) <= _day(OFFER_END) for world in (0, 1)])
    # stays both ways; leaves only without the coupon; leaves both ways; leaves only with it
    kind = np.select([~ends.any(1), ends[:, 0] & ~ends[:, 1], ends.all(1)], [0, 1, 2], 3)
    decided = fate.day(fate.really, _LEAD)
    return Truth(
        customer_id=ids,
        theta=people.theta,
        purchase_rate=people.rate,
        decided_at=_dates(np.where(decided < DAYS, decided, _FOREVER)),
        uplift_type=np.where(fate.in_test, np.array(UPLIFT_TYPES, dtype=object)[kind], ""),
        effect=np.where(fate.in_test, people.effect, np.nan),
        uplift=np.where(fate.in_test, fate.chance[:, 0] - fate.chance[:, 1], np.nan),
    )


RECIPE = Recipe(generate=generate, seed=20260708, size=3000, drawn=800, as_of=pd.Timestamp(END))
