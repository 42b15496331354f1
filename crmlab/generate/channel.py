"""A year of a drinks brand and its distributors, some of whom sell outside their territory (窜货).

Every carton bears a code; a consumer who scans it tells where the carton was really sold. Distributors order for the
demand of their own city; a few let goods flow to other cities in one of three ways, and some honest ones look as if
they did. Why they do it follows B. Bergen, J. B. Heide and S. Dutta, "Managing Gray Markets through Tolerance of
Violations", *Managerial and Decision Economics* 19 (3), 1998: price differences between territories and rebates on
volume pay for it.
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
Texts = NDArray[np.object_]

START, AS_OF = np.datetime64("2025-01-01"), np.datetime64("2025-12-31")
DAYS = 365
DEADLINES = (np.datetime64("2025-06-30"), np.datetime64("2025-12-31"))  # rebates are settled each half-year

# Kinds of distributors; the first three divert goods, the next three are honest and look odd
PATTERNS = ("price", "rebate", "quiet", "border", "promotion", "clearance", "normal")
DIVERTS = ("price", "rebate", "quiet")
PATTERN_SHARE = (0.05, 0.05, 0.034, 0.067, 0.05, 0.034)
# Share of the goods found in another city: (to neighbours, further away)
LEAKS = {
    "price": (0.10, 0.38),
    "rebate": (0.05, 0.03),  # of the usual goods; of the goods bought for the rebate see REBATE_DUMPED
    "quiet": (0.25, 0.01),
    "border": (0.115, 0.005),
    "promotion": (0.02, 0.01),
    "clearance": (0.02, 0.01),
    "normal": (0.02, 0.01),
}
REBATE_DUMPED = 0.85
PRICE_CUT = {"price": 0.82, "rebate": 0.85, "clearance": 0.80}  # retail price against the guide price
ALERT = 0.88  # of the guide price: below it a price is watched

# (boxes in the half-year from which it counts, share of the whole purchase paid back)
REBATE_TIERS = ((0, 0.0), (1000, 0.01), (2000, 0.02), (3500, 0.03), (5500, 0.05), (8000, 0.07))
_ZONES = (("扶持区", 0.92), ("标准区", 1.0), ("成熟区", 1.06))
_CITIES = (
    "云岭", "东湾", "南浦", "北辰", "西岭", "临江", "望海", "青禾", "白鹭", "长汀口", "沙溪", "松原里",
    "石桥", "柳河", "平川", "安渡", "桐岭", "金沙湾", "鹤塘", "梅岭", "兰溪口", "丰泽里", "海棠", "龙首",
)  # fmt: skip
_PRODUCTS = (
    ("冰柠茶 500ml×15", 38.0), ("茉莉蜜茶 500ml×15", 36.0), ("气泡水 480ml×15", 48.0), ("乌龙茶 500ml×15", 42.0),
    ("椰子水 330ml×24", 96.0), ("功能饮料 250ml×24", 84.0), ("果汁 1L×6", 54.0), ("矿泉水 550ml×24", 26.0),
)  # fmt: skip
_GUIDE = 1.45  # guide price in shops against the price of the firm
_SEASON = np.array([1.10, 0.85, 0.85, 0.92, 1.02, 1.15, 1.28, 1.25, 1.05, 0.90, 0.80, 0.95])
_SHIPMENTS = 60  # a distributor a year
_SCANS = 2.6  # a shipment


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says, one value a distributor (arrays of equal length).

    Attributes:
        distributor_id: in the order of the table ``distributors``.
        pattern: one of :data:`PATTERNS`.
        diverts: whether the distributor lets goods flow out of the territory on purpose.
        diverted_share: expected share of the year's boxes that is sold in another city (travel of consumers included).

    >>> int(generate(1, 12)[1].frame()["diverts"].sum())
    3
    """

    distributor_id: Texts
    pattern: Texts
    diverts: Bools
    diverted_share: Floats

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a distributor, index distributor_id.

        >>> len(generate(1, 12)[1].frame())
        12
        """
        return pd.DataFrame(vars(self)).set_index("distributor_id")


@dataclass(frozen=True)
class _Map:
    """Cities on a grid: ``zone`` of each, ``near`` (n, n) says which share a border."""

    zone: Ints
    near: Bools
    demand: Floats  # boxes a month


@dataclass(frozen=True)
class _Firms:
    city: Ints
    pattern: Texts
    demand: Floats  # boxes a month in the own territory


@dataclass(frozen=True)
class _Shipments:
    """By date; ``dumped`` marks goods bought only to reach a rebate."""

    firm: Ints
    day: Ints
    product: Ints
    boxes: Ints
    promotion: Ints  # row of the promotions table, -1 for none
    dumped: Bools


def generate(seed: int, distributors: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The brand's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        distributors: how many (about 60 shipments and 160 scans each).
        first_number: number in the id of the first distributor.

    Returns:
        regions, distributors, candidates, products, rebates, promotions, shipments, scans by name, and the truth.

    >>> sorted(generate(1, 12)[0])[:3]
    ['candidates', 'distributors', 'products']
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(7)]
    land = _map(streams[0], int(np.clip(distributors * 2 // 5, 6, len(_CITIES))))
    firms = _firms(streams[1], land, distributors)
    promotions = _promotions(streams[2], firms)
    shipments = _shipments(streams[3], firms, promotions)
    ids = numbered("D", first_number, distributors, 3)
    shipment_ids = numbered("S", 1, len(shipments.firm))
    tables = {
        "regions": _region_table(land),
        "distributors": _distributor_table(streams[4], land, firms, ids),
        "candidates": _candidate_table(streams[5], distributors),
        "products": _product_table(),
        "rebates": pd.DataFrame(REBATE_TIERS, columns=["from_boxes", "rate"]),
        "promotions": _promotion_table(promotions, ids),
        "shipments": _shipment_table(land, firms, shipments, promotions, ids, shipment_ids),
        "scans": _scan_table(streams[6], land, firms, shipments, promotions, shipment_ids),
    }
    return tables, _truth(firms, shipments, ids)


def _map(rng: np.random.Generator, cities: int) -> _Map:
    across = 4
    place = np.column_stack(np.divmod(np.arange(cities), across))
    near = np.abs(place[:, None] - place[None]).sum(axis=2) == 1
    zone = rng.permutation(np.arange(cities) % len(_ZONES))
    return _Map(zone, near, np.round(1500 * np.exp(0.35 * rng.standard_normal(cities))))


def _firms(rng: np.random.Generator, land: _Map, count: int) -> _Firms:
    cities = len(land.zone)
    city = np.sort(np.concatenate([np.tile(np.arange(cities), count // cities), rng.permutation(cities)])[:count])
    weight = rng.gamma(6, 1, count)
    share = weight / np.bincount(city, weight, cities)[city]
    pattern = np.full(count, "normal", dtype=object)
    for name, part in zip(PATTERNS, PATTERN_SHARE, strict=False):
        free = np.flatnonzero(pattern == "normal")
        # Who pays little has a reason to sell where the price is high.
        odds = np.where(land.zone[city[free]] == 0, 4.0, 1.0) if name in DIVERTS else np.ones(len(free))
        pattern[rng.choice(free, max(1, round(part * count)), replace=False, p=odds / odds.sum())] = name
    return _Firms(city, pattern, land.demand[city] * share)


def _promotions(rng: np.random.Generator, firms: _Firms) -> pd.DataFrame:
    """Price cuts that the firm agreed to: small ones for a few, large ones in June for those who will look odd."""
    rows = []
    for firm, pattern in enumerate(firms.pattern):
        if pattern == "promotion":
            rows.append((firm, "节庆促销", 150 + int(rng.integers(0, 8)), 28, 0.10, 2.6))
        elif pattern == "clearance":
            rows.append((firm, "临期清仓", int(rng.integers(60, 240)), 45, 0.20, 1.5))
        elif rng.random() < 0.3:
            rows.append((firm, "新品推广", int(rng.integers(10, 330)), 21, 0.05, 1.3))
    frame = pd.DataFrame(rows, columns=["firm", "kind", "start", "days", "price_cut", "lift"])
    frame.insert(0, "promotion_id", numbered("K", 1, len(frame), 3))
    start = START + frame["start"].to_numpy()
    end = np.minimum(start + frame["days"].to_numpy() - 1, AS_OF)
    return frame.assign(starts_on=start.astype("datetime64[us]"), ends_on=end.astype("datetime64[us]"))


def _shipments(rng: np.random.Generator, firms: _Firms, promotions: pd.DataFrame) -> _Shipments:
    count = rng.poisson(_SHIPMENTS, len(firms.city))
    firm = np.repeat(np.arange(len(count)), count)
    day = rng.integers(0, DAYS, len(firm))
    outflow = np.array([sum(LEAKS[name]) for name in firms.pattern])
    usual = firms.demand * 12 / _SHIPMENTS / (1 - np.where(np.isin(firms.pattern, DIVERTS), outflow, 0.0))
    boxes = usual[firm] * _SEASON[_month(day)] * rng.gamma(9, 1 / 9, len(firm))
    promotion = np.full(len(firm), -1)
    for row, (owner, start, days, lift) in enumerate(
        promotions[["firm", "start", "days", "lift"]].itertuples(index=False)
    ):
        inside = (firm == owner) & (day >= start) & (day < start + days)
        promotion[inside] = row
        boxes[inside] *= lift
    usual_part = _Shipments(firm, day, rng.integers(0, len(_PRODUCTS), len(firm)),
                            np.maximum(np.rint(boxes), 1).astype(np.int64), promotion, np.zeros(len(firm), bool))  # fmt: skip
    return _joined(usual_part, _chasing(rng, firms, usual_part))


def _chasing(rng: np.random.Generator, firms: _Firms, usual: _Shipments) -> _Shipments:
    """What the chasers of rebates buy in the last 18 days of each half-year: enough to reach a higher tier."""
    steps = np.array([boxes for boxes, _rate in REBATE_TIERS])
    pieces = []
    for owner in np.flatnonzero(firms.pattern == "rebate"):
        for deadline in DEADLINES:
            last = int((deadline - START).astype(int))
            first = 0 if last < 200 else int((DEADLINES[0] - START).astype(int)) + 1
            volume = int(usual.boxes[(usual.firm == owner) & (usual.day >= first) & (usual.day <= last)].sum())
            goal = next((int(step) for step in steps if step >= 1.3 * volume), round(1.4 * volume))
            extra = min(goal - volume, volume)  # nobody can pay for more than as much again
            parts = np.maximum(np.rint(extra * rng.dirichlet(np.full(5, 4.0))), 1).astype(np.int64)
            pieces.append((np.full(5, owner), last - rng.integers(0, 18, 5), rng.integers(0, len(_PRODUCTS), 5), parts))
    firm, day, product, boxes = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return _Shipments(firm, day, product, boxes, np.full(len(firm), -1), np.ones(len(firm), bool))


def _joined(first: _Shipments, second: _Shipments) -> _Shipments:
    both = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in vars(first)}
    order = np.lexsort((both["product"], both["firm"], both["day"]))
    return _Shipments(**{name: values[order] for name, values in both.items()})


def _month(day: Ints) -> Ints:
    return ((START + day).astype("datetime64[M]") - START.astype("datetime64[M]")).astype(np.int64)


def _found(rng: np.random.Generator, land: _Map, home: Ints, near: Floats, far: Floats) -> Ints:
    """Where each carton is scanned: at home, in a neighbouring city, or (rather where prices are high) further away."""
    dear = np.array([factor for _name, factor in _ZONES])[land.zone] ** 12
    draw = rng.random(len(home))
    next_door = land.near[home] * 1.0
    away = ~land.near[home] * dear
    away[np.arange(len(home)), home] = 0.0
    weight = np.where((draw < near)[:, None], next_door, away)
    pick = (np.cumsum(weight, axis=1) < rng.random(len(home))[:, None] * weight.sum(axis=1)[:, None]).sum(axis=1)
    return np.where(draw < near + far, pick, home)


def _scan_table(
    rng: np.random.Generator, land: _Map, firms: _Firms, goods: _Shipments, promotions: pd.DataFrame, ids: Texts
) -> pd.DataFrame:
    size = goods.boxes / goods.boxes.mean()
    scans = rng.poisson(_SCANS * np.sqrt(size))  # a large shipment is scanned more often, but not in proportion
    row = np.repeat(np.arange(len(scans)), scans)
    day = goods.day[row] + 4 + np.floor(rng.gamma(2, 12, len(row))).astype(np.int64)
    row, day = row[day < DAYS], day[day < DAYS]
    firm, kind = goods.firm[row], firms.pattern[goods.firm[row]]
    leaks = np.array([LEAKS[name] for name in kind])
    dumped = goods.dumped[row]
    near = np.where(dumped, 0.6 * REBATE_DUMPED, leaks[:, 0])
    far = np.where(dumped, 0.4 * REBATE_DUMPED, leaks[:, 1])
    home = firms.city[firm]
    city = _found(rng, land, home, near, far)
    price = _prices(rng, goods, promotions, row, kind, city != home)
    order = np.lexsort((row, day))
    return pd.DataFrame(
        {
            "scan_id": numbered("Q", 1, len(order), 6),
            "scanned_on": (START + day[order]).astype("datetime64[us]"),
            "shipment_id": ids[row[order]],
            "region": _names(land)[city[order]],
            "price": price[order],
        }
    )


def _prices(
    rng: np.random.Generator,
    goods: _Shipments,
    promotions: pd.DataFrame,
    row: Ints,
    kind: Texts,
    strange: Bools,
) -> Floats:
    """Shop price of each scanned carton, yuan; missing where the consumer didn't tell (two in five)."""
    guide = np.array([price for _name, price in _PRODUCTS])[goods.product[row]] * _GUIDE
    factor = np.ones(len(row))
    factor[strange & (kind == "price")] = PRICE_CUT["price"]
    factor[goods.dumped[row]] = PRICE_CUT["rebate"]
    cleared = (kind == "clearance") & (goods.promotion[row] >= 0)
    factor[cleared] = PRICE_CUT["clearance"]
    promoted = (kind == "promotion") & (goods.promotion[row] >= 0)
    factor[promoted] = 1 - 0.5 * promotions["price_cut"].to_numpy()[goods.promotion[row]][promoted]
    price = guide * factor * np.exp(0.035 * rng.standard_normal(len(row)))
    return np.where(rng.random(len(row)) < 0.6, np.round(price, 1), np.nan)


def _names(land: _Map) -> Texts:
    return np.array([name + "市" for name in _CITIES[: len(land.zone)]], dtype=object)


def _region_table(land: _Map) -> pd.DataFrame:
    names = _names(land)
    zones = [_ZONES[zone] for zone in land.zone]
    return pd.DataFrame(
        {
            "region": names,
            "zone": [name for name, _factor in zones],
            "price_factor": [factor for _name, factor in zones],
            "neighbours": ["、".join(names[row]) for row in land.near],
            "monthly_demand": land.demand.astype(np.int64),
        }
    )


def _promotion_table(promotions: pd.DataFrame, ids: Texts) -> pd.DataFrame:
    table = promotions.assign(distributor_id=ids[promotions["firm"]])
    return table[["promotion_id", "distributor_id", "kind", "starts_on", "ends_on", "price_cut"]]


def _indicators(rng: np.random.Generator, count: int) -> dict[str, NDArray]:
    """What the scorecard of distributors judges; a firm that is strong in one thing tends to be strong in others."""
    strength = rng.standard_normal(count)

    def mark(tie: float) -> Ints:
        mixed = tie * strength + np.sqrt(1 - tie**2) * rng.standard_normal(count)
        return np.clip(np.rint(70 + 11 * mixed), 30, 98).astype(np.int64)

    return {
        "credit_score": mark(0.4),
        "outlets": np.clip(np.rint(260 * np.exp(0.45 * strength + 0.3 * rng.standard_normal(count))), 20, 2000).astype(
            np.int64
        ),
        "warehouse_m2": np.rint(900 * np.exp(0.4 * strength + 0.4 * rng.standard_normal(count)) / 10).astype(np.int64)
        * 10,
        "vehicles": 2 + rng.poisson(np.exp(1.4 + 0.35 * strength)),
        "sales_staff": 3 + rng.poisson(np.exp(2.0 + 0.3 * strength)),
        "cooperation_score": mark(-0.2),
        # The strong ask for more: days of credit and margin are costs to the brand.
        "credit_days": np.rint(np.clip(35 + 9 * strength + 8 * rng.standard_normal(count), 7, 90)).astype(np.int64),
        "margin_asked": np.round(np.clip(0.12 + 0.02 * strength + 0.015 * rng.standard_normal(count), 0.05, 0.22), 2),
    }


def _distributor_table(rng: np.random.Generator, land: _Map, firms: _Firms, ids: Texts) -> pd.DataFrame:
    count = len(ids)
    survey = firms.demand * np.exp(0.08 * rng.standard_normal(count))
    return pd.DataFrame(
        {
            "distributor_id": ids,
            "name": company_names(rng, count, ("商贸", "食品", "饮料", "供应链")),
            "region": _names(land)[firms.city],
            "signed_on": (START - rng.integers(200, 4200, count)).astype("datetime64[us]"),
            "local_demand": np.rint(survey).astype(np.int64),
            **_indicators(rng, count),
        }
    )


def _candidate_table(rng: np.random.Generator, distributors: int) -> pd.DataFrame:
    """Firms that apply for a new city; fewer of them in a draw for one student."""
    count = 12 if distributors >= 60 else 8
    return pd.DataFrame(
        {
            "candidate_id": numbered("N", 1, count, 2),
            "name": company_names(rng, count, ("商贸", "食品", "供应链")),
            **_indicators(rng, count),
        }
    )


def _product_table() -> pd.DataFrame:
    price = np.array([price for _name, price in _PRODUCTS])
    return pd.DataFrame(
        {
            "product_id": numbered("P", 1, len(_PRODUCTS), 2),
            "name": [name for name, _price in _PRODUCTS],
            "list_price": price,
            "guide_price": np.round(price * _GUIDE, 1),
            "alert_price": np.round(price * _GUIDE * ALERT, 1),
        }
    )


def _shipment_table(
    land: _Map, firms: _Firms, goods: _Shipments, promotions: pd.DataFrame, ids: Texts, shipment_ids: Texts
) -> pd.DataFrame:
    factor = np.array([factor for _name, factor in _ZONES])[land.zone[firms.city[goods.firm]]]
    cuts = np.append(promotions["price_cut"].to_numpy(), 0.0)
    listed = np.array([price for _name, price in _PRODUCTS])[goods.product]
    labels = np.append(promotions["promotion_id"].to_numpy(dtype=object), "")
    return pd.DataFrame(
        {
            "shipment_id": shipment_ids,
            "shipped_on": (START + goods.day).astype("datetime64[us]"),
            "distributor_id": ids[goods.firm],
            "product_id": numbered("P", 1, len(_PRODUCTS), 2)[goods.product],
            "boxes": goods.boxes,
            "unit_price": np.round(listed * factor * (1 - cuts[goods.promotion]), 2),
            "promotion_id": labels[goods.promotion],
        }
    )


def _truth(firms: _Firms, goods: _Shipments, ids: Texts) -> Truth:
    share = np.array([sum(LEAKS[name]) for name in firms.pattern])
    boxes = np.bincount(goods.firm, goods.boxes, len(ids))
    dumped = np.bincount(goods.firm, goods.boxes * goods.dumped, len(ids)) / boxes
    return Truth(
        distributor_id=ids,
        pattern=firms.pattern,
        diverts=np.isin(firms.pattern, DIVERTS),
        diverted_share=share * (1 - dumped) + REBATE_DUMPED * dumped,
    )


RECIPE = Recipe(generate=generate, seed=20260909, size=60, drawn=30, as_of=pd.Timestamp(AS_OF))
