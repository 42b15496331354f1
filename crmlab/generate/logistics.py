"""A third-party logistics firm and its business customers in 2025, generated from known behaviour.

Each order is processed by a warehouse, moved by a carrier and delivered before or after the promised moment. What a
customer went through in its orders drives its answers in the yearly survey: nine indicators, each answering to one
measurable experience with the coefficients of :data:`EFFECTS`; the whole answers to the nine with :data:`WEIGHTS`.
Late hours weigh much more than early hours, the asymmetry of V. Mittal, W. T. Ross & P. M. Baldasare, "The Asymmetric
Impact of Negative and Positive Attribute-Level Performance on Overall Satisfaction and Repurchase Intentions",
*Journal of Marketing* 62 (1), 1998. The front store's daily demand is drawn from the distributions of :data:`GOODS`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate.people import company_names
from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

START = np.datetime64("2025-01-01")
AS_OF = np.datetime64("2025-12-31")  # last day, included
DAYS = int((AS_OF - START).astype(int)) + 1
SURVEY = (341, 358)  # first and last day of the survey, counted from the start: 8 to 25 December

# Customers: share of customers, mean orders a year, mean fee of an order (yuan), margin (mean, standard deviation).
TIERS = ("关键", "合适", "常规")
_TIER_SHARE = np.array([0.05, 0.15, 0.80])
_ORDERS_A_YEAR = np.array([165.0, 46.0, 12.0])
_FEE = np.array([1500.0, 480.0, 190.0])
_MARGIN = np.array([[0.20, 0.02], [0.145, 0.03], [0.09, 0.05]])  # a few of the small ones lose money
_REGIONS = ("华东", "华南", "华北", "华中", "西南")
_REGION_WEIGHTS = (0.36, 0.22, 0.18, 0.14, 0.10)
_INDUSTRIES = ("食品", "日化", "家电", "服装", "医药", "配件")
_INDUSTRY_LETTERS = "ABCDEF"  # first letter of an item code
_FRAGILE = np.array([0.9, 0.9, 1.7, 0.6, 1.0, 0.9])  # damage by industry
TEAMS = ("一组", "二组", "三组")

# Warehouses: the third one breaks down in the peak seasons.
WAREHOUSES = ("云岭仓", "东湾仓", "白鹭仓", "北辰仓")
WEAK_WAREHOUSE = "白鹭仓"
_NEAREST = np.array([1, 2, 3, 0, 0])  # warehouse by region
_WEAK = 2
_PEAK_PROCESSING, _WEAK_PROCESSING = 1.25, 2.6  # factors on the hours from order to shipment in a peak
_PEAK_FAULTS, _WEAK_FAULTS = 1.3, 4.5  # factors on short lines and wrong picks in a peak
PEAKS = (("2025-06-01", "2025-06-20"), ("2025-10-28", "2025-11-15"))
_PEAK_DEMAND, _HOLIDAY, _HOLIDAY_DEMAND = 1.9, ("2025-01-27", "2025-02-03"), 0.3
_WEEKDAY = np.array([1.15, 1.15, 1.12, 1.12, 1.15, 0.75, 0.5])  # Monday first

# Carriers: the last one is cheap and careless. Price factor, hours factor, share of orders with damage.
CARRIERS = ("望海速运", "青禾快运", "松原专线")
CARELESS_CARRIER = "松原专线"
_CARRIER_WEIGHTS = np.array([[0.50, 0.35, 0.15], [0.36, 0.36, 0.28], [0.26, 0.32, 0.42]])  # by tier
_CARRIER_PRICE, _CARRIER_HOURS = np.array([1.06, 1.0, 0.84]), np.array([0.95, 1.0, 1.05])
DAMAGE_RATES = np.array([0.012, 0.016, 0.060])
# Services: share, price factor, hours factor, promised days near and far.
_SERVICES = ("标准", "加急", "冷链")
_SERVICE_SHARE = (0.72, 0.18, 0.10)
_SERVICE_PRICE, _SERVICE_HOURS = np.array([1.0, 1.45, 1.7]), np.array([1.0, 0.55, 0.85])
_PROMISED_DAYS = np.array([[2, 4], [1, 2], [2, 3]])
_PROMISED_HOUR = 18
_LOST = 0.004  # of all orders: never arrive, and stay "in transit"

INDICATORS = ("packing", "order_speed", "breakage", "on_time", "accuracy", "safety", "staff", "price", "problem")
_QUESTIONS = (
    ("包装", "货物包装完好、适合运输"),
    ("订单处理及时性", "从下单到发货的时间"),
    ("货损率", "货物在途和装卸中的破损"),
    ("准时率", "按承诺时间送达"),
    ("准确率", "品种、数量与订单一致"),
    ("安全性", "货物不丢失、不送错、不被冒领"),
    ("人员素质", "客服与送货人员的态度和专业"),
    ("价格", "运费与服务相称"),
    ("问题处理及时性", "出了差错之后补救的速度"),
)
WEIGHTS = np.array([0.07, 0.12, 0.12, 0.21, 0.15, 0.09, 0.06, 0.08, 0.10])  # of the indicators in the whole
# Experience of a customer -> effect on one indicator (points on the scale of 1 to 10 a unit).
EFFECTS = {
    "packing": {"base": 8.3, "damaged_share": -9.0},
    "order_speed": {"base": 9.0, "processing_hours": -0.10},
    "breakage": {"base": 8.6, "damaged_share": -18.0},
    "on_time": {"base": 7.9, "late_hours": -0.36, "early_hours": 0.05},
    "accuracy": {"base": 8.8, "fault_share": -9.0},
    "safety": {"base": 8.5, "astray_share": -8.0},
    "staff": {"base": 6.2, "request_share": 1.6, "team": 1.0},
    "price": {"base": 11.8, "price_index": -5.0},
    "problem": {"base": 8.4, "recovery_hours": -0.028},
}
TEAM_EFFECT = np.array([0.5, 0.0, -0.5])
_HALO, _NOISE, _OVERALL_NOISE = 0.45, 0.55, 0.35
_LOST_CAUSE_HOURS = 120.0  # a problem that was never put right feels like this
_STATED_PRICE = 2.2  # everybody says that price matters; what they do says otherwise
_STRAIGHT, _FILLED_IN = 0.04, 0.03  # shares of thoughtless answers, and of answers filled in by an account team
_EXPERTS, _CARELESS_EXPERT = 7, 6

# The front store: name, price, cost, salvage, fresh, lead time (days), holding (yuan a unit and day), kind, mean, sd.
GOODS = (
    ("现烤面包", 8.0, 7.5, 7.35, True, 1, 0.02, "normal", 11.73, 4.74),
    ("鲜切水果", 16.0, 9.0, 2.0, True, 1, 0.05, "normal", 34.0, 8.0),
    ("鲜牛奶", 12.0, 8.5, 4.0, True, 1, 0.03, "poisson", 46.0, 46.0**0.5),
    ("沙拉盒", 22.0, 12.0, 1.0, True, 1, 0.05, "weekend", 18.0, 6.0),
    ("豆腐", 5.0, 3.0, 0.5, True, 1, 0.02, "poisson", 27.0, 27.0**0.5),
    ("鲜花束", 39.0, 22.0, 5.0, True, 1, 0.10, "weekend", 7.0, 3.5),
    ("瓶装水", 24.0, 18.0, 18.0, False, 4, 0.01, "normal", 60.0, 15.0),
    ("抽纸", 29.0, 22.0, 22.0, False, 5, 0.02, "promotion", 40.0, 12.0),
    ("洗衣液", 45.0, 34.0, 34.0, False, 7, 0.03, "normal", 21.0, 7.0),
    ("大米", 59.0, 48.0, 48.0, False, 6, 0.03, "trend", 25.0, 6.0),
    ("电热毯", 129.0, 88.0, 60.0, False, 10, 0.08, "winter", 6.0, 3.0),
    ("净水滤芯", 168.0, 110.0, 110.0, False, 14, 0.10, "intermittent", 1.2, 2.4),
)


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says: one row a customer.

    Attributes:
        table: index customer_id; ``tier`` (by plan), ``margin`` (of the fee), the experiences up to the survey that
            drive satisfaction (``late_hours``, ``damaged_share``, ...; missing without a delivered order),
            ``satisfaction`` (before rounding, on 1-10) and ``answer``: "honest", "straight" (thoughtless), "filled_in"
            (by the account team) or "" (no answer).

    >>> from crmlab.generate import recipe
    >>> recipe("logistics").generate(1, 40, 1)[1].frame()["tier"].value_counts().to_dict()
    {'常规': 32, '合适': 6, '关键': 2}
    """

    table: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a customer, index customer_id."""
        return self.table.copy()


@dataclass(frozen=True)
class _Customers:
    tier: Ints
    joined: Ints  # days from the start of 2025; below 0 for older contracts
    region: Ints
    industry: Ints
    team: Ints
    fee: Floats
    margin: Floats
    price_index: Floats


@dataclass(frozen=True)
class _Orders:
    """Orders by time; moments in minutes from the start of 2025."""

    customer: Ints
    ordered: Ints
    promised: Ints
    shipped: Ints
    delivered: Ints
    warehouse: Ints
    carrier: Ints
    service: Ints
    used: Ints
    cancelled: Bools
    peak: Bools

    @property
    def status(self) -> Ints:
        """0 delivered, 1 in transit, 2 processing, 3 cancelled."""
        end = DAYS * 1440
        return np.select([self.cancelled, self.shipped >= end, self.delivered >= end], [3, 2, 1], 0)


@dataclass(frozen=True)
class _Lines:
    order: Ints
    item: NDArray[np.object_]
    ordered: Ints
    shipped: Ints


@dataclass(frozen=True)
class _Faults:
    """What went wrong, order by order."""

    short: Bools
    damaged: Ints
    wrong: Ints
    address: Bools
    stranger: Bools
    request: Bools
    handled: Bools
    recovery: Floats  # hours; missing without a fault, or if it was never put right
    billing: Floats  # factor on the quoted fee

    @property
    def any(self) -> Bools:
        return self.short | (self.damaged > 0) | (self.wrong > 0)


def generate(seed: int, customers: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The firm's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        customers: how many business customers (about 22 orders each).
        first_number: number in the id of the first customer.

    Returns:
        customers, orders, order_lines, indicators, satisfaction, judgements, multiples, goods, stock by name, and the
        truth.

    >>> tables, truth = generate(1, 40, 1)
    >>> list(tables)[:3]
    ['customers', 'orders', 'order_lines']
    """
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(9)]
    people = _customers(rngs[0], customers)
    ids = numbered("K", first_number, customers, 5)
    orders = _orders(rngs[1], people)
    lines = _lines(rngs[2], people, orders)
    faults = _faults(rngs[3], people, orders, lines)
    lived = _experience(people, orders, faults)
    answers, truth = _survey(rngs[4], people, lived, ids)
    judgements, multiples = _experts(rngs[5])
    order_ids = numbered("D", 1, len(orders.customer), 6)
    tables = {
        "customers": _customer_table(rngs[6], people, ids),
        "orders": _order_table(rngs[7], people, orders, lines, faults, ids, order_ids),
        "order_lines": _line_table(lines, order_ids),
        "indicators": _indicator_table(),
        "satisfaction": answers,
        "judgements": judgements,
        "multiples": multiples,
        "goods": _goods_table(),
        "stock": _stock_table(rngs[8]),
    }
    return tables, Truth(truth)


# ------------------------------------------------------------------------------------------------ customers, orders


def _customers(rng: np.random.Generator, count: int) -> _Customers:
    size = np.maximum(np.rint(_TIER_SHARE * count), 1).astype(np.int64)
    size[2] = count - size[0] - size[1]
    tier = rng.permutation(np.repeat(np.arange(3), size))
    # Three quarters have been customers since before this year; no key customer is new.
    joined = np.where(
        (rng.random(count) < 0.75) | (tier == 0), -rng.integers(1, 1400, count), rng.integers(0, 240, count)
    )
    margin = rng.normal(_MARGIN[tier, 0], _MARGIN[tier, 1])
    price_index = np.exp(rng.normal(0, 0.10, count))
    return _Customers(
        tier=tier,
        joined=joined,
        region=rng.choice(len(_REGIONS), count, p=_REGION_WEIGHTS),
        industry=rng.integers(0, len(_INDUSTRIES), count),
        team=rng.integers(0, len(TEAMS), count),
        fee=_FEE[tier] * np.exp(rng.normal(-0.03, 0.25, count)) * price_index,
        margin=margin,
        price_index=price_index,
    )


def _day(date: str) -> int:
    return int((np.datetime64(date) - START).astype(int))


def _in_peak(day: Ints) -> Bools:
    return np.any([(day >= _day(first)) & (day <= _day(last)) for first, last in PEAKS], axis=0)


def _demand() -> Floats:
    """Orders by day, in ordinary days: weekdays, two peaks, a quiet Spring Festival."""
    days = np.arange(DAYS)
    demand = _WEEKDAY[(days + 2) % 7]  # 2025-01-01 was a Wednesday
    demand = demand * np.where(_in_peak(days), _PEAK_DEMAND, 1.0)
    return demand * np.where((days >= _day(_HOLIDAY[0])) & (days <= _day(_HOLIDAY[1])), _HOLIDAY_DEMAND, 1.0)


def _orders(rng: np.random.Generator, people: _Customers) -> _Orders:
    clock = np.concatenate([[0.0], np.cumsum(_demand())])
    begin = clock[np.clip(people.joined, 0, DAYS)]
    rate = _ORDERS_A_YEAR[people.tier] * rng.gamma(6.0, 1 / 6.0, len(people.tier)) / clock[-1]
    customer = np.repeat(np.arange(len(rate)), rng.poisson(rate * (clock[-1] - begin)))
    moment = begin[customer] + (clock[-1] - begin[customer]) * rng.random(len(customer))
    day = np.searchsorted(clock, moment, side="right") - 1
    ordered = day * 1440 + (60 * np.clip(rng.normal(13.2, 2.9, len(day)), 7.5, 20.5)).astype(np.int64)
    by_time = np.lexsort((customer, ordered))
    return _moved(rng, people, customer[by_time], ordered[by_time])


def _moved(rng: np.random.Generator, people: _Customers, customer: Ints, ordered: Ints) -> _Orders:
    """Which way each order went, and when."""
    count, region = len(customer), people.region[customer]
    near = rng.random(count) < 0.8
    warehouse = np.where(near, _NEAREST[region], (_NEAREST[region] + rng.integers(1, 4, count)) % len(WAREHOUSES))
    edges = np.cumsum(_CARRIER_WEIGHTS, axis=1)[people.tier[customer], :2]
    carrier = (rng.random(count)[:, None] >= edges).sum(axis=1)
    service = rng.choice(len(_SERVICES), count, p=_SERVICE_SHARE)
    peak = _in_peak(ordered // 1440)
    downgraded = (service > 0) & (rng.random(count) < np.where(peak, 0.10, 0.02))
    used = np.where(downgraded, 0, service)
    slow = np.where(peak, np.where(warehouse == _WEAK, _WEAK_PROCESSING, _PEAK_PROCESSING), 1.0)
    processing = 15.0 * slow * np.exp(rng.normal(-0.08, 0.40, count)) * np.where(service == 1, 0.55, 1.0)
    road = (
        np.where(near, 20.0, 52.0)
        * _SERVICE_HOURS[used]
        * _CARRIER_HOURS[carrier]
        * np.exp(rng.normal(-0.06, 0.34, count))
    )
    shipped = ordered + (60 * processing).astype(np.int64)
    delivered = _by_day(rng, shipped + (60 * road).astype(np.int64))
    promised = (ordered // 1440 + _PROMISED_DAYS[service, 1 - near.astype(np.int64)]) * 1440 + _PROMISED_HOUR * 60
    cancelled = rng.random(count) < 0.015
    delivered = np.where(rng.random(count) < _LOST, 2 * DAYS * 1440, delivered)  # on its way for good
    return _Orders(customer, ordered, promised, shipped, delivered, warehouse, carrier, service, used, cancelled, peak)


def _by_day(rng: np.random.Generator, minute: Ints) -> Ints:
    """Nobody signs at night: what comes between 20:00 and 8:00 is delivered the next morning."""
    of_day = minute % 1440
    morning = minute - of_day + 8 * 60 + rng.integers(0, 150, len(minute))
    return np.where(of_day >= 20 * 60, morning + 1440, np.where(of_day < 8 * 60, morning, minute))


def _lines(rng: np.random.Generator, people: _Customers, orders: _Orders) -> _Lines:
    count = 1 + rng.poisson(1.15, len(orders.customer))
    order = np.repeat(np.arange(len(count)), count)
    customer = orders.customer[order]
    ordered = 1 + rng.poisson(people.fee[customer] / 22 * rng.gamma(2.0, 0.5, len(order)))
    own = rng.random(len(order)) < 0.85
    letter = np.where(own, people.industry[customer], rng.integers(0, len(_INDUSTRIES), len(order)))
    number = 1 + (119 * rng.random(len(order)) ** 2).astype(np.int64)
    item = np.array(
        [f"{_INDUSTRY_LETTERS[kind]}{code:03d}" for kind, code in zip(letter, number, strict=True)], dtype=object
    )
    short = rng.random(len(order)) < 0.028 * _trouble(orders)[order]
    shipped = np.where(short, (ordered * rng.uniform(0.0, 0.9, len(order))).astype(np.int64), ordered)
    return _Lines(order, item, ordered, np.where(orders.status[order] >= 2, 0, shipped))


def _trouble(orders: _Orders) -> Floats:
    """Factor on short lines and wrong picks."""
    return np.where(orders.peak, np.where(orders.warehouse == _WEAK, _WEAK_FAULTS, _PEAK_FAULTS), 1.0)


def _faults(rng: np.random.Generator, people: _Customers, orders: _Orders, lines: _Lines) -> _Faults:
    count = len(orders.customer)
    open_, customer = orders.status > 0, orders.customer
    asked, sent = (np.bincount(lines.order, units, count).astype(np.int64) for units in (lines.ordered, lines.shipped))
    breaks = rng.random(count) < DAMAGE_RATES[orders.carrier] * _FRAGILE[people.industry[customer]]
    damaged = np.where(breaks & ~open_, np.minimum(1 + rng.poisson(0.06 * sent), sent), 0)
    mixed = rng.random(count) < 0.013 * _trouble(orders)
    wrong = np.where(mixed & ~open_, np.minimum(1 + rng.poisson(1.0, count), sent), 0)
    bad_days = orders.peak & (orders.warehouse == _WEAK)
    request = rng.random(count) < 0.13
    short = (sent < asked) & ~open_
    fault = short | (damaged > 0) | (wrong > 0)
    hours = 30 * np.exp(rng.normal(-0.2, 0.65, count)) * np.array([0.8, 1.0, 1.35])[people.team[customer]]
    overcharged = rng.random(count) < 0.016
    return _Faults(
        short=short,
        damaged=damaged,
        wrong=wrong,
        address=(rng.random(count) < 0.006) & ~open_,
        stranger=(rng.random(count) < 0.018) & ~open_,
        request=request,
        handled=request & ~open_ & (rng.random(count) < np.where(bad_days, 0.55, 0.88)),
        recovery=np.where(fault & (rng.random(count) < 0.86), np.round(hours, 2), np.nan),
        billing=np.where(overcharged, 1 + rng.uniform(0.03, 0.25, count), 1.0),
    )


# -------------------------------------------------------------------------------------------------------- the survey


def _experience(people: _Customers, orders: _Orders, faults: _Faults) -> pd.DataFrame:
    """What each customer went through in the orders delivered before the survey: one row a customer."""
    seen = (orders.status == 0) & (orders.delivered < SURVEY[0] * 1440)
    delay = (orders.delivered - orders.promised) / 60
    recovery = np.where(np.isnan(faults.recovery), _LOST_CAUSE_HOURS, faults.recovery)
    customer, size = orders.customer[seen], len(people.tier)

    def mean(values: NDArray[np.generic], among: Bools | None = None) -> Floats:
        rows = np.ones(len(customer), bool) if among is None else among[seen]
        sums = np.bincount(customer[rows], values[seen][rows].astype(float), size)
        counts = np.bincount(customer[rows], minlength=size)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    return pd.DataFrame(
        {
            "orders": np.bincount(customer, minlength=size),
            "late_hours": mean(np.maximum(delay, 0)),
            "early_hours": mean(np.maximum(-delay, 0)),
            "processing_hours": mean((orders.shipped - orders.ordered) / 60),
            "damaged_share": mean(faults.damaged > 0),
            "fault_share": mean(faults.short | (faults.wrong > 0)),
            "astray_share": mean(faults.address | faults.stranger),
            "request_share": mean(faults.handled, faults.request),
            "recovery_hours": mean(recovery, faults.any),
            "price_index": people.price_index,
            "team": TEAM_EFFECT[people.team],
        }
    )


# What a customer without such a case expects to happen.
_UNTRIED = {"request_share": 0.85, "recovery_hours": 24.0}


def _performance(rng: np.random.Generator, lived: pd.DataFrame) -> Floats:
    """How each customer sees each indicator, before rounding, shape (customers, 9)."""
    known = lived.fillna(_UNTRIED).fillna(0.0)  # who had no delivery does not answer
    expected = np.column_stack(
        [
            effects["base"] + sum(rate * known[cause].to_numpy() for cause, rate in effects.items() if cause != "base")
            for effects in EFFECTS.values()
        ]
    )
    halo = rng.normal(0, _HALO, (len(lived), 1))
    return expected + halo + rng.normal(0, _NOISE, expected.shape)


def _scale(values: Floats, low: int = 1) -> Ints:
    return np.clip(np.rint(values), low, 10).astype(np.int64)


def _survey(
    rng: np.random.Generator, people: _Customers, lived: pd.DataFrame, ids: NDArray[np.object_]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers to the questionnaire, and the truth about each customer."""
    count = len(ids)
    seen = _performance(rng, lived)
    overall = seen @ WEIGHTS + rng.normal(0, _OVERALL_NOISE, count)
    # The dissatisfied and the small ones answer less often.
    ready = 1 / (1 + np.exp(-(1.3 + 0.55 * (overall - 7.2) + np.array([1.2, 0.5, 0.0])[people.tier])))
    answers = (lived["orders"].to_numpy() > 0) & (rng.random(count) < ready)
    fate = rng.random(count)
    kind = np.select(
        [~answers, fate < _STRAIGHT, fate < _STRAIGHT + _FILLED_IN], ["", "straight", "filled_in"], "honest"
    )
    frame = _answers(rng, seen, overall, kind.astype(object))
    frame.insert(0, "customer_id", ids)
    truth = lived.drop(columns="team").assign(satisfaction=np.where(lived["orders"] > 0, overall, np.nan), answer=kind)
    truth.insert(0, "tier", np.array(TIERS, dtype=object)[people.tier])
    truth.insert(1, "margin", people.margin)
    frame = frame[answers].sort_values(["answered_at", "customer_id"], ignore_index=True)
    return frame, truth.set_axis(pd.Index(ids, name="customer_id"))


def _answers(rng: np.random.Generator, seen: Floats, overall: Floats, kind: NDArray[np.object_]) -> pd.DataFrame:
    count, honest = len(kind), kind == "honest"
    stated = 4.8 + 5.0 * WEIGHTS / WEIGHTS.max()
    stated[INDICATORS.index("price")] += _STATED_PRICE
    importance = _scale(stated + rng.normal(0, 0.4, (count, 1)) + rng.normal(0, 0.8, (count, 9)))
    whole = np.column_stack([overall, overall - 0.3, overall - 0.9]) + rng.normal(0, 0.45, (count, 3)) * [0.5, 1, 1]
    # Zone of indifference: around 7 a little more or less satisfaction hardly moves the will to stay.
    gap = overall - 7.2
    stay = 6.6 + 0.45 * gap + 0.13 * gap**3 + rng.normal(0, 0.6, count)
    recommend = 6.9 + 1.35 * gap + rng.normal(0, 0.8, count)
    marks = np.column_stack([importance, _scale(seen), _scale(whole), _scale(stay), _scale(recommend, 0)])
    same = rng.integers(5, 11, count)[:, None]
    marks = np.where((kind == "straight")[:, None], same, marks)
    marks = np.where((kind == "filled_in")[:, None], 10 - (rng.random(marks.shape) < 0.12), marks)
    frame = pd.DataFrame(marks, columns=[*_columns("importance"), *_columns("performance"), *_WHOLE]).astype("Int64")
    blank = rng.random((count, 18)) < np.where(np.arange(18) % 9 == INDICATORS.index("price"), 0.06, 0.02)
    frame.iloc[:, :18] = frame.iloc[:, :18].mask(blank & honest[:, None])
    seconds = np.where(honest, np.exp(rng.normal(5.5, 0.35, count)), rng.uniform(18, 70, count)).astype(np.int64)
    return frame.assign(answered_at=_answer_times(rng, kind == "filled_in"), seconds=seconds)


_WHOLE = ["overall", "against_expectation", "against_ideal", "repurchase", "recommend"]


def _columns(kind: str) -> list[str]:
    return [f"{kind}_{name}" for name in INDICATORS]


def _answer_times(rng: np.random.Generator, filled_in: Bools) -> NDArray[np.datetime64]:
    """Customers answer all day long on all days; those filled in by a team stand within one evening hour."""
    count = len(filled_in)
    day = rng.integers(SURVEY[0], SURVEY[1] + 1, count)
    minute = day * 1440 + rng.integers(8 * 60, 19 * 60, count)
    evening = SURVEY[1] * 1440 + 21 * 60 + rng.integers(0, 60, count)
    return _moment(np.where(filled_in, evening, minute))


def _experts(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judgements of experts who know the weights, more or less: pairs on Saaty's scale, and multiples of the least."""
    first, second = np.triu_indices(len(INDICATORS), 1)
    names, pairs, multiples = np.array(INDICATORS, dtype=object), [], []
    for expert in range(_EXPERTS):
        careless = expert == _CARELESS_EXPERT - 1
        view = WEIGHTS * np.exp(rng.normal(0, 0.15, len(WEIGHTS)))
        ratio = view[first] / view[second] * np.exp(rng.normal(0, 1.1 if careless else 0.08, len(first)))
        strength = np.clip(np.rint(np.maximum(ratio, 1 / ratio)), 1, 9).astype(np.int64)
        preferred = np.where(strength == 1, "", np.where(ratio > 1, names[first], names[second]))
        pair = {"first": names[first], "second": names[second], "preferred": preferred, "strength": strength}
        pairs.append(pd.DataFrame({"expert": f"E{expert + 1}", **pair}))
        times = np.round(view / view.min() * 2) / 2
        multiples.append(pd.DataFrame({"expert": f"E{expert + 1}", "indicator": names, "multiple": times}))
    return pd.concat(pairs, ignore_index=True), pd.concat(multiples, ignore_index=True)


# --------------------------------------------------------------------------------------------------- the front store


def _goods_table() -> pd.DataFrame:
    columns = ["name", "price", "cost", "salvage", "fresh", "lead_days", "holding", "kind", "mean", "sd"]
    table = pd.DataFrame(GOODS, columns=columns).drop(columns=["kind", "mean", "sd"])
    table.insert(0, "sku", numbered("G", 1, len(GOODS), 2))
    return table


def _stock_table(rng: np.random.Generator) -> pd.DataFrame:
    """Demand, stock in the morning and sales of each good on each day."""
    frames = []
    for sku, (*_facts, fresh, lead, _holding, kind, mean, sd) in zip(
        numbered("G", 1, len(GOODS), 2), GOODS, strict=True
    ):
        wanted = np.maximum(np.rint(_daily_demand(rng, kind, mean, sd)), 0).astype(np.int64)
        if fresh:  # bought anew every morning, by feel: about the mean
            opening = np.maximum(np.rint(mean * rng.normal(1.02, 0.04, DAYS)), 1).astype(np.int64)
        else:
            opening = _replenished(wanted, reorder=int(mean * (lead + 1.5)), lot=int(np.ceil(mean * 10)), lead=lead)
        day = START + np.arange(DAYS)
        frame = {"sku": sku, "date": day.astype("datetime64[us]"), "demand": wanted, "opening": opening}
        frames.append(pd.DataFrame(frame).assign(sold=np.minimum(wanted, opening)))
    return pd.concat(frames, ignore_index=True)


def _daily_demand(rng: np.random.Generator, kind: str, mean: float, sd: float) -> Floats:
    days = np.arange(DAYS)
    if kind == "poisson":
        return rng.poisson(mean, DAYS).astype(float)
    if kind == "intermittent":  # nothing on four days of five, then several at once
        return np.where(rng.random(DAYS) < 0.2, 1 + rng.poisson(mean / 0.2 - 1, DAYS), 0).astype(float)
    weekend = (days + 2) % 7 >= 5
    season = {
        "weekend": np.where(weekend, 1.5, 0.8),
        "promotion": np.where(_in_peak(days), 2.0, 0.88),
        "trend": np.linspace(0.7, 1.3, DAYS),
        "winter": 1 + 0.95 * np.cos(2 * np.pi * (days - 10) / 365),
    }.get(kind, np.ones(DAYS))
    return rng.normal(mean * season, sd * np.sqrt(season))


def _replenished(wanted: Ints, reorder: int, lot: int, lead: int) -> Ints:
    """Stock each morning under a reorder point: a lot is ordered when stock and orders fall below it."""
    opening, due = np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted) + lead + 1, dtype=np.int64)
    stock, on_order = reorder + lot // 2, 0
    for day, asked in enumerate(wanted):
        stock, on_order = stock + due[day], on_order - due[day]
        opening[day] = stock
        stock -= min(asked, stock)
        if stock + on_order <= reorder:
            due[day + lead] += lot
            on_order += lot
    return opening


# ------------------------------------------------------------------------------------------------------------ tables


def _moment(minute: NDArray[np.integer]) -> NDArray[np.datetime64]:
    return START.astype("datetime64[us]") + minute.astype("timedelta64[m]")


def _indicator_table() -> pd.DataFrame:
    table = pd.DataFrame(_QUESTIONS, columns=["name", "question"])
    table.insert(0, "indicator", INDICATORS)
    return table


def _customer_table(rng: np.random.Generator, people: _Customers, ids: NDArray[np.object_]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ids,
            "name": company_names(rng, len(ids), ("食品", "日用品", "电器", "服饰", "医药", "汽配")),
            "industry": np.array(_INDUSTRIES, dtype=object)[people.industry],
            "region": np.array(_REGIONS, dtype=object)[people.region],
            "team": np.array(TEAMS, dtype=object)[people.team],
            "customer_since": (START + people.joined).astype("datetime64[us]"),
        }
    )


def _order_table(
    rng: np.random.Generator,
    people: _Customers,
    orders: _Orders,
    lines: _Lines,
    faults: _Faults,
    ids: NDArray[np.object_],
    order_ids: NDArray[np.object_],
) -> pd.DataFrame:
    count, customer, status = len(order_ids), orders.customer, orders.status
    far = orders.warehouse != _NEAREST[people.region[customer]]
    quoted = people.fee[customer] * rng.gamma(8.0, 1 / 8.0, count) * np.where(far, 1.2, 0.95)
    quoted = np.round(quoted * _SERVICE_PRICE[orders.service] * _CARRIER_PRICE[orders.carrier], 2)
    cost = np.round(quoted * (1 - people.margin[customer]) * rng.normal(1, 0.04, count), 2)
    moments = {"ordered_at": _moment(orders.ordered), "promised_at": _moment(orders.promised)}
    moments["shipped_at"] = np.where(status < 2, _moment(orders.shipped), np.datetime64("NaT", "us"))
    moments["delivered_at"] = np.where(status < 1, _moment(orders.delivered), np.datetime64("NaT", "us"))
    sums = [np.bincount(lines.order, values, count).astype(np.int64) for values in (
        np.ones(len(lines.order)), (lines.shipped >= lines.ordered), lines.ordered, lines.shipped)]  # fmt: skip
    named: dict[str, tuple[tuple[str, ...], Ints]] = {
        "status": (("delivered", "in_transit", "processing", "cancelled"), status)
    }
    named |= {"warehouse": (WAREHOUSES, orders.warehouse), "carrier": (CARRIERS, orders.carrier)}
    named |= {"service": (_SERVICES, orders.service), "service_used": (_SERVICES, orders.used)}
    return pd.DataFrame(
        {
            "order_id": order_ids,
            "customer_id": ids[customer],
            **{column: np.array(names, dtype=object)[codes] for column, (names, codes) in named.items()},
            **moments,
            **dict(zip(("lines_ordered", "lines_complete", "units_ordered", "units_shipped"), sums, strict=True)),
            "damaged_units": faults.damaged,
            "wrong_units": faults.wrong,
            "wrong_address": faults.address,
            "signed_by_recipient": (status == 0) & ~faults.stranger,
            "special_request": faults.request,
            "special_handled": faults.handled,
            "recovery_hours": faults.recovery,
            "quoted": quoted,
            "billed": np.where(status == 3, 0.0, np.round(quoted * faults.billing, 2)),
            "cost": np.where(status == 3, 0.0, cost),
        }
    )


def _line_table(lines: _Lines, order_ids: NDArray[np.object_]) -> pd.DataFrame:
    start = np.searchsorted(lines.order, np.arange(len(order_ids)))
    return pd.DataFrame(
        {
            "order_id": order_ids[lines.order],
            "line_no": np.arange(len(lines.order)) - start[lines.order] + 1,
            "item": lines.item,
            "units_ordered": lines.ordered,
            "units_shipped": lines.shipped,
        }
    )


RECIPE = Recipe(generate=generate, seed=20260205, size=400, drawn=120, as_of=pd.Timestamp("2025-12-31"))
