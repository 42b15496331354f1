"""A Chinese online shop over two years, generated from known behaviour.

Purchasing follows the Pareto/NBD idea (Schmittlein, Morrison & Colombo, 1987): while active, a customer buys
in a Poisson process with an own rate, and drops out after an exponential time; rates and drop-out hazards are
gamma distributed. Spend follows the gamma-gamma idea (Fader, Hardie & Lee, 2005): each customer has an own mean
order value, around which single orders vary. Attitude is a trait of its own, only loosely tied to the purchase
rate, so that all four kinds of loyalty occur; it drives reviews, referrals and answers to promotions.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate import catalogue, reviews, seasons
from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LOYALTY = ("none", "spurious", "latent", "loyal")  # 2 * (high attitude) + (high behaviour)

# Purchasing (time in days)
_RATE_SHAPE, _RATE_MEAN = 0.9, 0.0226
_HAZARD_SHAPE, _HAZARD_SCALE = 0.75, 330.0  # half of the customers are gone after about 500 days
_HIGH_RATE = 0.018  # purchases a day: behaviour counts as loyal from about 7 a year
_FIRST_DAY_SHARE, _FIRST_DELAY = 0.6, 10.0  # buys on the day of joining, else this mean delay
_FOREVER = 36_500.0  # days: no drop-out within a century
# Spend (yuan an order)
_SPEND_SHAPE, _SPEND_SCALE, _ORDER_SHAPE = 3.2, 330.0, 3.0
# Attitude and what follows from it
_ATTITUDE_RATE_TIE = 0.35  # correlation of attitude with log purchase rate
_SENSITIVITY = np.array([1.2, 1.7, 0.6, 0.4])  # to promotions, by LOYALTY
# Customers
_REGIONS = ("华东", "华南", "华北", "华中", "西南", "东北", "西北")
_REGION_WEIGHTS = (0.34, 0.18, 0.15, 0.13, 0.10, 0.06, 0.04)
_AGES = ("18-24", "25-34", "35-44", "45-54", "55+")
_AGE_EDGES = (-0.95, 0.05, 0.75, 1.35)  # of a score that rises with spend
_CHANNELS = ("自然搜索", "短视频", "直播间", "社交分享", "线下活动")
_CHANNEL_WEIGHTS = (0.34, 0.24, 0.18, 0.15, 0.09)
_NEVER_BUYS = np.array([0.08, 0.16, 0.14, 0.12, 0.20])
_REFERRED, _REFERRED_SHARE = "老客推荐", 0.14
# Orders
_SAME_DAY = (0.035, 0.25, 0.05)  # chance of a second order that day: most people, add-on buyers, their share
_CANCELLED = 0.035
_EXTRA_LINES = 0.75
_PRICE_STEP = 0.1
_MOST_PIECES = ((300.0, 2), (100.0, 3), (0.0, 6))  # of one product in an order, from this price on
_WHOLE_ORDER_RETURNED, _SERIAL_RETURNERS = 0.015, 0.04
# Reviews and referrals
_REVIEW_SHARE = 0.26
_REWARD, _REWARD_IN_PROMOTION = 20.0, 30.0


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says, one value a customer (arrays of equal length).

    Attributes:
        customer_id: in the order of the customers table.
        rate: purchases a day while active, outside promotions; 0 for those who never buy.
        dropout: when the customer left for good (may lie after the data end); NaT for those who never buy.
        loyalty: "loyal", "latent", "spurious" or "none" (attitude x behaviour).
        attitude: liking of the shop, mean 0, standard deviation 1.
        spend: mean order value before discounts, yuan.
        sensitivity: answer to promotions, average customer about 1.

    >>> truth = generate(seed=1, customers=200)[1]
    >>> truth.frame().groupby("loyalty")["attitude"].mean().gt(0).to_dict()
    {'latent': True, 'loyal': True, 'none': False, 'spurious': False}
    """

    customer_id: NDArray[np.object_]
    rate: Floats
    dropout: NDArray[np.datetime64]
    loyalty: NDArray[np.object_]
    attitude: Floats
    spend: Floats
    sensitivity: Floats

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a customer, index customer_id."""
        return pd.DataFrame(vars(self)).set_index("customer_id")


@dataclass(frozen=True)
class _People:
    """Customers in the order of joining; days count from the opening of the shop."""

    joined: Ints
    first: Ints  # day of the first purchase; seasons.DAYS for those who never buy
    leaves: Floats
    rate: Floats
    spend: Floats
    attitude: Floats
    loyalty: Ints
    channel: Ints
    favourite: Ints

    @property
    def buys(self) -> Bools:
        return self.first < seasons.DAYS

    @property
    def sensitivity(self) -> Floats:
        return _SENSITIVITY[self.loyalty]


@dataclass(frozen=True)
class _Orders:
    """Orders by time; ``minute`` counts from the opening of the shop, ``promotion`` is -1 for none."""

    customer: Ints
    minute: Ints
    promotion: Ints
    cancelled: Bools

    @property
    def day(self) -> Ints:
        return self.minute // 1440


@dataclass(frozen=True)
class _Lines:
    """Order lines by order; ``order`` and ``product`` are row numbers."""

    order: Ints
    number: Ints
    product: Ints
    category: Ints
    quantity: Ints
    price: Floats
    discount: Floats
    returned: Ints


def generate(seed: int, customers: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The shop's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        customers: how many customers join in the two years (about 8 orders each).
        first_number: number in the id of the first customer.

    Returns:
        customers, products, orders, items, reviews, referrals by name, and the truth.

    >>> tables, truth = generate(seed=1, customers=200)
    >>> list(tables)
    ['customers', 'products', 'orders', 'items', 'reviews', 'referrals']
    >>> tables["customers"]["customer_id"].iloc[-1], truth.customer_id[-1]
    ('C00200', 'C00200')
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)]
    people = _people(streams[0], customers)
    ids = numbered("C", first_number, customers, 5)
    orders = _orders(streams[1], people)
    lines = _lines(streams[2], people, orders)
    referrer = _referrers(streams[3], people)
    order_ids = numbered("O", 1, len(orders.minute), 6)
    products = catalogue.products()
    tables = {
        "customers": _customer_table(streams[4], people, ids, referrer),
        "products": products,
        "orders": _order_table(orders, lines, ids, order_ids),
        "items": _item_table(lines, order_ids, products),
        "reviews": _review_table(streams[5], people, orders, lines, ids, order_ids, products),
        "referrals": _referral_table(people, ids, referrer),
    }
    return tables, _truth(people, ids)


def _dates(days: Ints) -> NDArray[np.datetime64]:
    return (seasons.START + days).astype("datetime64[us]")


def _people(rng: np.random.Generator, count: int) -> _People:
    joined = np.sort(rng.choice(seasons.DAYS, count, p=_joining_weights()))
    rate = rng.gamma(_RATE_SHAPE, _RATE_MEAN / _RATE_SHAPE, count)
    hazard = rng.gamma(_HAZARD_SHAPE, 1 / _HAZARD_SCALE, count)
    life = np.minimum(rng.exponential(1, count) / np.maximum(hazard, 1e-9), _FOREVER)
    habit = np.log(rate)
    habit = (habit - habit.mean()) / habit.std()
    attitude = _ATTITUDE_RATE_TIE * habit + np.sqrt(1 - _ATTITUDE_RATE_TIE**2) * rng.standard_normal(count)
    channel = rng.choice(len(_CHANNELS), count, p=_CHANNEL_WEIGHTS)
    delay = np.where(rng.random(count) < _FIRST_DAY_SHARE, 0, rng.exponential(_FIRST_DELAY, count))
    first = np.minimum(joined + delay.astype(np.int64), seasons.DAYS)
    first[rng.random(count) < _NEVER_BUYS[channel]] = seasons.DAYS
    return _People(
        joined=joined,
        first=first,
        leaves=first + life,
        rate=rate,
        spend=_SPEND_SCALE / rng.gamma(_SPEND_SHAPE, 1, count),
        attitude=attitude,
        loyalty=2 * (attitude > 0).astype(np.int64) + (rate > _HIGH_RATE),
        channel=channel,
        favourite=rng.integers(0, len(catalogue.CATEGORIES), count),
    )


def _joining_weights() -> Floats:
    """Chance of each day to be the day of joining: strong at the opening, lifted by promotions."""
    opening = 0.55 + np.exp(-np.arange(seasons.DAYS) / 150)
    weights = opening * (seasons.base_demand() + seasons.promotion_days()[1])
    return weights / weights.sum()


def _arrivals(rng: np.random.Generator, people: _People, rate: Floats, demand: Floats) -> tuple[Ints, Ints]:
    """Repeat purchases (customer, day): a Poisson process whose clock runs with the demand of the day."""
    clock = np.concatenate([[0.0], np.cumsum(demand)])
    days = np.arange(seasons.DAYS + 1)
    start = np.interp(people.first + 1, days, clock)
    end = np.maximum(np.interp(people.leaves, days, clock), start)
    customer = np.repeat(np.arange(len(rate)), rng.poisson(rate * (end - start)))
    moment = start[customer] + (end - start)[customer] * rng.random(len(customer))
    return customer, np.searchsorted(clock, moment, side="right") - 1


def _orders(rng: np.random.Generator, people: _People) -> _Orders:
    promotion_of, pull = seasons.promotion_days()
    buyers = np.flatnonzero(people.buys)
    usual, usual_day = _arrivals(rng, people, people.rate, seasons.base_demand())
    lured, lured_day = _arrivals(rng, people, people.rate * people.sensitivity, pull)
    customer = np.concatenate([buyers, usual, lured])
    day = np.concatenate([people.first[buyers], usual_day, lured_day])
    came_for_it = np.arange(len(customer)) >= len(customer) - len(lured)
    hour = rng.choice(24, len(customer), p=seasons.HOUR_WEIGHTS)
    minute = day * 1440 + hour * 60 + rng.integers(0, 60, len(customer))
    uses = came_for_it | (rng.random(len(customer)) < 0.3 + 0.25 * people.sensitivity[customer])
    promotion = np.where(uses, promotion_of[day], -1)

    again, later = _same_day(rng, customer, minute, len(people.joined))
    customer = np.concatenate([customer, customer[again]])
    promotion = np.concatenate([promotion, promotion[again]])
    minute = np.concatenate([minute, later])
    order = np.lexsort((customer, minute))
    return _Orders(customer[order], minute[order], promotion[order], rng.random(len(order)) < _CANCELLED)


def _same_day(rng: np.random.Generator, customer: Ints, minute: Ints, people: int) -> tuple[Ints, Ints]:
    """Which orders are followed by another one before midnight, and when: something was forgotten."""
    usual, addicted, share = _SAME_DAY
    chance = np.where(rng.random(people) < share, addicted, usual)[customer]
    again = np.flatnonzero(rng.random(len(customer)) < chance)
    midnight = (minute[again] // 1440 + 1) * 1440
    return again, np.minimum(minute[again] + rng.integers(3, 240, len(again)), midnight - 1)


def _lines(rng: np.random.Generator, people: _People, orders: _Orders) -> _Lines:
    count = 1 + rng.poisson(_EXTRA_LINES + 0.35 * (orders.promotion >= 0))
    order = np.repeat(np.arange(len(count)), count)
    start = np.cumsum(count) - count
    value = people.spend[orders.customer] * rng.gamma(_ORDER_SHAPE, 1 / _ORDER_SHAPE, len(count))
    weight = rng.gamma(2.0, 1.0, len(order))
    target = value[order] * weight / np.add.reduceat(weight, start)[order]
    product, category = _choose(rng, people.favourite[orders.customer[order]], target)
    price = _price(rng, product, orders.day[order])
    most = np.select([price >= floor for floor, _ in _MOST_PIECES], [pieces for _, pieces in _MOST_PIECES])
    quantity = np.clip(np.rint(target / price), 1, most).astype(np.int64)
    rates = np.array([promotion.discount for promotion in seasons.PROMOTIONS] + [0.0])
    discount = np.where(rng.random(len(order)) < 0.88, rates[orders.promotion[order]], 0.0)
    returned = _returned(rng, people, orders, order, category, quantity)
    number = np.arange(len(order)) - start[order] + 1
    return _Lines(order, number, product, category, quantity, price, discount, returned)


def _choose(rng: np.random.Generator, favourite: Ints, target: Floats) -> tuple[Ints, Ints]:
    """A product near the price that is to be spent, half of the time from the favourite category."""
    place, edges = catalogue.shelves()
    category = np.where(
        rng.random(len(target)) < 0.5, favourite, rng.integers(0, len(catalogue.CATEGORIES), len(target))
    )
    band = (target[:, None] >= edges[category]).sum(axis=1)
    rank = np.searchsorted(catalogue.popularity(), rng.random(len(target)), side="right")
    return place[category, band, np.minimum(rank, catalogue.PER_BAND - 1)], category


def _price(rng: np.random.Generator, product: Ints, day: Ints) -> Floats:
    """Price of the day: the list price, moved a little in some weeks, in whole tenths of a yuan.

    Whole tenths and discounts in whole tenths keep every amount a whole number of fen.
    """
    listed = catalogue.products().list_price.to_numpy()
    weeks = rng.normal(0, 0.03, (len(listed), seasons.DAYS // 7 + 1))
    factor = 1 + np.clip(weeks, -0.09, 0.06)[product, day // 7]
    return np.round(np.rint(listed[product] * factor / _PRICE_STEP) * _PRICE_STEP, 2)


def _returned(
    rng: np.random.Generator, people: _People, orders: _Orders, order: Ints, category: Ints, quantity: Ints
) -> Ints:
    """Pieces sent back: whole orders or single lines; a few customers return far more than others."""
    factor = np.where(rng.random(len(people.joined)) < _SERIAL_RETURNERS, 5.0, 0.85)[orders.customer]
    whole = (rng.random(len(factor)) < _WHOLE_ORDER_RETURNED * factor)[order]
    single = rng.random(len(order)) < catalogue.RETURN_RATES[category] * factor[order]
    pieces = np.where(whole, quantity, np.where(single, rng.integers(1, quantity + 1), 0))
    return np.where(orders.cancelled[order], 0, pieces)


def _status(orders: _Orders, lines: _Lines) -> NDArray[np.object_]:
    """What the lines say about the order: completed, partly_returned, returned; or cancelled before sending."""
    back = np.bincount(lines.order, lines.returned, len(orders.minute))
    sent = np.bincount(lines.order, lines.quantity, len(orders.minute))
    status = np.select([orders.cancelled, back == 0, back < sent], [3, 0, 1], 2)
    return np.array(["completed", "partly_returned", "returned", "cancelled"], dtype=object)[status]


def _referrers(rng: np.random.Generator, people: _People) -> Ints:
    """Who brought each customer (row number, -1 for nobody): someone who bought before, rather with liking."""
    order = np.argsort(people.first, kind="stable")
    reach = np.cumsum(np.exp(0.9 * people.attitude[order]) * people.buys[order])
    earlier = np.searchsorted(people.first[order], people.joined, side="left")
    referred = (rng.random(len(order)) < _REFERRED_SHARE) & (earlier > 0)
    pick = rng.random(len(order)) * reach[np.maximum(earlier, 1) - 1]
    return np.where(referred, order[np.minimum(np.searchsorted(reach, pick), len(order) - 1)], -1)


def _customer_table(
    rng: np.random.Generator, people: _People, ids: NDArray[np.object_], referrer: Ints
) -> pd.DataFrame:
    count = len(ids)
    rich = np.log(people.spend)
    age = 0.4 * (rich - rich.mean()) / rich.std() + 0.9 * rng.standard_normal(count)
    channel = np.where(referrer >= 0, _REFERRED, np.array(_CHANNELS, dtype=object)[people.channel])
    consent = rng.random(count) < 1 / (1 + np.exp(-0.5 - 0.7 * people.attitude))
    return pd.DataFrame(
        {
            "customer_id": ids,
            "region": np.array(_REGIONS, dtype=object)[rng.choice(len(_REGIONS), count, p=_REGION_WEIGHTS)],
            "age_band": np.array(_AGES, dtype=object)[np.searchsorted(_AGE_EDGES, age)],
            "channel": channel,
            "member_since": _dates(people.joined),
            "marketing_consent": consent,
        }
    )


def _order_table(
    orders: _Orders, lines: _Lines, ids: NDArray[np.object_], order_ids: NDArray[np.object_]
) -> pd.DataFrame:
    names = np.array([promotion.name for promotion in seasons.PROMOTIONS] + [""], dtype=object)
    return pd.DataFrame(
        {
            "order_id": order_ids,
            "customer_id": ids[orders.customer],
            "ordered_at": _dates(np.zeros(1, dtype=np.int64)) + orders.minute.astype("timedelta64[m]"),
            "status": _status(orders, lines),
            "promotion": names[orders.promotion],
        }
    )


def _item_table(lines: _Lines, order_ids: NDArray[np.object_], products: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order_id": order_ids[lines.order],
            "line_no": lines.number,
            "product_id": products.product_id.to_numpy(dtype=object)[lines.product],
            "quantity": lines.quantity,
            "unit_price": lines.price,
            "discount": lines.discount,
            "returned_quantity": lines.returned,
        }
    )


def _reviewed(rng: np.random.Generator, people: _People, orders: _Orders) -> Ints:
    """Which orders get a review: strong feelings write more; cancelled orders can't be reviewed."""
    feeling = np.abs(people.attitude[orders.customer])
    return np.flatnonzero((rng.random(len(feeling)) < _REVIEW_SHARE * (0.6 + 0.5 * feeling)) & ~orders.cancelled)


def _stars(rng: np.random.Generator, liking: Floats, product: Ints, returned: Bools) -> Ints:
    """Stars from liking of the shop, the product's own quality (same in every draw) and a return."""
    quality = np.random.default_rng(1111).normal(0, 0.45, len(catalogue.products()))
    mishap = rng.random(len(liking)) < 0.07
    noise = rng.normal(0, 0.85, len(liking))
    mood = 4.6 + 0.55 * liking + quality[product] - 1.8 * returned - 2.8 * mishap + noise
    return np.clip(np.rint(mood), 1, 5).astype(np.int64)


def _review_table(
    rng: np.random.Generator,
    people: _People,
    orders: _Orders,
    lines: _Lines,
    ids: NDArray[np.object_],
    order_ids: NDArray[np.object_],
    products: pd.DataFrame,
) -> pd.DataFrame:
    order = _reviewed(rng, people, orders)
    start = np.searchsorted(lines.order, order)
    size = np.searchsorted(lines.order, order, side="right") - start
    line = start + (rng.random(len(order)) * size).astype(np.int64)
    day = orders.day[order] + 2 + rng.geometric(0.25, len(order))
    seen = day < seasons.DAYS
    order, line, day = order[seen], line[seen], day[seen]
    stars = _stars(rng, people.attitude[orders.customer[order]], lines.product[line], lines.returned[line] > 0)
    by_day = np.argsort(day, kind="stable")
    order, line, day, stars = order[by_day], line[by_day], day[by_day], stars[by_day]
    return pd.DataFrame(
        {
            "review_id": numbered("R", 1, len(order), 6),
            "order_id": order_ids[order],
            "product_id": products.product_id.to_numpy(dtype=object)[lines.product[line]],
            "customer_id": ids[orders.customer[order]],
            "stars": stars,
            "text": reviews.texts(rng, stars, lines.product[line]),
            "reviewed_at": _dates(day),
        }
    )


def _referral_table(people: _People, ids: NDArray[np.object_], referrer: Ints) -> pd.DataFrame:
    """A referral is recorded on the day the new customer joins and rewarded once that customer buys."""
    referred = np.flatnonzero(referrer >= 0)
    in_promotion = seasons.promotion_days()[0][people.joined[referred]] >= 0
    reward = np.where(in_promotion, _REWARD_IN_PROMOTION, _REWARD) * people.buys[referred]
    return pd.DataFrame(
        {
            "referrer_id": ids[referrer[referred]],
            "referred_id": ids[referred],
            "referred_at": _dates(people.joined[referred]),
            "reward": reward,
        }
    )


def _truth(people: _People, ids: NDArray[np.object_]) -> Truth:
    dropout = _dates(np.zeros(1, dtype=np.int64)) + (people.leaves * 86_400).astype("timedelta64[s]")
    return Truth(
        customer_id=ids,
        rate=np.where(people.buys, people.rate, 0.0),
        dropout=np.where(people.buys, dropout, np.datetime64("NaT")),
        loyalty=np.array(LOYALTY, dtype=object)[people.loyalty],
        attitude=people.attitude,
        spend=people.spend,
        sensitivity=people.sensitivity,
    )


RECIPE = Recipe(generate=generate, seed=20260104, size=5000, drawn=1000, as_of=pd.Timestamp(seasons.AS_OF))
