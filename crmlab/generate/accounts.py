"""Business customers of a supplier of industrial and office goods over two years, and an older file of credit cases.

Each account buys a share (share of wallet) of what it needs. Most are steady; a few take their orders elsewhere bit by
bit, some of them hidden by their own growth; others buy little because the season or their trade is down, and mean no
harm. Costs to serve grow with how demanding an account is, not with what it pays: so some large ones lose money
(R. S. Kaplan and V. G. Narayanan, "Measuring and Managing Customer Profitability", *Journal of Cost Management* 15 (5),
2001). Credit follows a logistic rule in the six Cs with the coefficients told here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate.people import company_names, person_names, phones
from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

START, AS_OF = np.datetime64("2024-01-01"), np.datetime64("2025-12-31")
DAYS = 731
YEAR = 366  # days of 2024

PATTERNS = ("fading", "hidden", "downturn", "seasonal", "growing", "stable")
PATTERN_SHARE = (0.08, 0.05, 0.08, 0.12, 0.10)  # the rest is stable
AT_RISK = ("fading", "hidden")
_INDUSTRIES = ("机械制造", "电子制造", "医疗机构", "连锁零售", "物流仓储", "建筑工程")
_SEASONAL = "教育机构"  # buys before the two terms of the school year
_REGIONS = ("华东", "华南", "华北", "华中", "西南")
_POTENTIAL_MEDIAN, _POTENTIAL_SPREAD = 420_000.0, 1.15  # yuan a year
_ORDER_SHAPE, _AMOUNT_SHAPE = 5.0, 10.0  # regularity of orders, of their amounts
_FEWER = 0.6  # how much of a change in the share of wallet shows in the number of orders
_TERM = 30  # days to pay

# The six Cs of an account, marks 0-100 given at the end of 2024; log odds of default in 2025 per mark from 70
SIX_C = ("character", "capacity", "capital", "collateral", "condition", "continuity")
ACCOUNT_LOGIT = {
    "intercept": -3.1,
    "character": -0.055,
    "capacity": -0.045,
    "capital": -0.030,
    "collateral": -0.015,
    "condition": -0.025,
    "continuity": -0.020,
}

# Credit file: log odds of default = intercept + effect of the class, or effect x (value - centre)
CREDIT_LOGIT = {"intercept": -2.35, "capacity": -0.90, "capital": 3.2, "continuity": -0.07}
CREDIT_CENTRE = {"capacity": 1.3, "capital": 0.5, "continuity": 6.0}
CREDIT_CLASSES = {
    "character": {"按时还款": 0.0, "偶有逾期": 0.8, "多次逾期": 1.9, "没有记录": 0.6},
    "collateral": {"房产抵押": -0.6, "存货或设备抵押": 0.0, "第三方保证": 0.1, "无抵押": 0.5},
    "condition": {"上行": -0.4, "平稳": 0.0, "下行": 0.6},
}
_CREDIT_SHARE = {"character": (0.55, 0.22, 0.09, 0.14), "collateral": (0.25, 0.2, 0.2, 0.35), "condition": (0.25, 0.5, 0.25)}  # fmt: skip
_APPLICANTS = 2000  # the file is the same size in a draw: a scorecard needs cases

_ROLES = ("使用者", "影响者", "采购者", "决策者", "把关者")  # the buying centre of Webster & Wind (1972)
_TITLES = {
    "使用者": ("车间主任", "行政主管", "设备科长"),
    "影响者": ("技术工程师", "质量经理"),
    "采购者": ("采购员", "采购经理"),
    "决策者": ("总经理", "分管副总"),
    "把关者": ("总经理助理", "前台主管"),
}


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says, one value an account (arrays of equal length).

    Attributes:
        account_id: in the order of the table ``accounts``.
        pattern: one of :data:`PATTERNS`.
        at_risk: whether the account is on its way to another supplier.
        fades_on: when that began; NaT for the others.
        wallet_2024, wallet_2025: true share of the account's needs that it buys here, whole year, 0-1.
        default_probability: of 2025, by the six Cs.
        applicants: true chance of default of each case of the credit file (Series, index applicant_id).

    >>> generate(1, 20)[1].frame().query("pattern == 'hidden'")["at_risk"].all()
    np.True_
    """

    account_id: Texts
    pattern: Texts
    at_risk: Bools
    fades_on: NDArray[np.datetime64]
    wallet_2024: Floats
    wallet_2025: Floats
    default_probability: Floats
    applicants: pd.Series

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row an account, index account_id.

        >>> len(generate(1, 20)[1].frame())
        20
        """
        columns = {name: values for name, values in vars(self).items() if name != "applicants"}
        return pd.DataFrame(columns).set_index("account_id")


@dataclass(frozen=True)
class _Accounts:
    """Accounts in the order of their numbers; ``wallet`` and ``needs`` are paths by day, shape (n, 731)."""

    pattern: Texts
    industry: Texts
    size: Floats  # log potential, standardised
    needs: Floats  # yuan a year, at the level of that day
    wallet: Floats
    interval: Floats  # days between two orders
    fades: Ints  # day, DAYS for never
    demanding: Floats
    six_c: Ints  # (n, 6)
    defaulted: Bools
    default_probability: Floats


@dataclass(frozen=True)
class _Orders:
    account: Ints
    day: Ints
    amount: Floats


def generate(seed: int, accounts: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The supplier's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        accounts: how many (about 24 orders each in two years).
        first_number: number in the id of the first account.

    Returns:
        accounts, orders, payments, contacts, credit_history by name, and the truth.

    >>> sorted(generate(1, 20)[0])
    ['accounts', 'contacts', 'credit_history', 'orders', 'payments']
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)]
    people = _accounts(streams[0], accounts)
    orders = _orders(streams[1], people)
    ids = numbered("A", first_number, accounts, 4)
    order_ids = numbered("O", 1, len(orders.day))
    history, chance = _credit_history(streams[5])
    tables = {
        "accounts": _account_table(streams[2], people, orders, ids),
        "orders": _order_table(orders, ids, order_ids),
        "payments": _payment_table(streams[3], people, orders, order_ids),
        "contacts": _contact_table(streams[4], people, ids),
        "credit_history": history,
    }
    return tables, _truth(people, ids, chance)


def _dates(days: Ints) -> NDArray[np.datetime64]:
    return (START + days).astype("datetime64[us]")


def _accounts(rng: np.random.Generator, count: int) -> _Accounts:
    size = rng.standard_normal(count)
    share = np.maximum(1, np.round(np.array(PATTERN_SHARE) * count).astype(int))
    pattern = np.full(count, "stable", dtype=object)
    pattern[rng.permutation(count)[: share.sum()]] = np.repeat(np.array(PATTERNS[:-1], dtype=object), share)
    industry = np.array(_INDUSTRIES, dtype=object)[rng.integers(0, len(_INDUSTRIES), count)]
    industry[pattern == "seasonal"] = _SEASONAL
    fades = np.where(pattern == "fading", rng.integers(YEAR + 60, YEAR + 190, count), DAYS)
    fades = np.where(pattern == "hidden", rng.integers(YEAR - 60, YEAR + 90, count), fades)
    six_c, chance = _six_c(rng, count)
    return _Accounts(
        pattern=pattern,
        industry=industry,
        size=size,
        needs=_needs(rng, pattern, size, fades),
        wallet=_wallets(rng, pattern, fades),
        interval=np.clip(28 * np.exp(-0.35 * size + 0.35 * rng.standard_normal(count)), 6, 90),
        fades=fades,
        demanding=np.clip(np.exp(0.7 * rng.standard_normal(count) - 0.2), 0.25, 4.0),
        six_c=six_c,
        defaulted=rng.random(count) < chance,
        default_probability=chance,
    )


def _needs(rng: np.random.Generator, pattern: Texts, size: Floats, fades: Ints) -> Floats:
    """What each account needs, yuan a year by day: growth of its own, a slump in its trade, or strong growth."""
    base = _POTENTIAL_MEDIAN * np.exp(_POTENTIAL_SPREAD * size)
    growth = np.where(pattern == "growing", 0.25, 0.03) + 0.04 * rng.standard_normal(len(size))
    day = np.arange(DAYS)
    path = base[:, None] * np.exp(growth[:, None] * day / 365)
    slump = 1 - 0.42 * np.clip((day - YEAR + 60) / 120, 0, 1)
    boom = 1 + 1.1 * np.clip((day - fades[:, None] + 60) / 200, 0, 1)
    path = np.where((pattern == "downturn")[:, None], path * slump, path)
    return np.where((pattern == "hidden")[:, None], path * boom, path)


def _wallets(rng: np.random.Generator, pattern: Texts, fades: Ints) -> Floats:
    """Share of the needs bought here by day: steady, rising, or (from ``fades`` on) falling."""
    risk = np.isin(pattern, AT_RISK)
    start = rng.beta(4, 5, len(pattern))
    start = np.clip(np.where(risk, 0.35 + 0.6 * start, start), 0.06, 0.92)
    keeps = np.where(pattern == "fading", rng.uniform(0.08, 0.3, len(pattern)), rng.uniform(0.45, 0.6, len(pattern)))
    fall = np.clip((np.arange(DAYS) - fades[:, None]) / 110, 0, 1)
    rise = np.where(pattern == "growing", 0.12, 0.0)[:, None] * np.arange(DAYS) / DAYS
    return np.clip(start[:, None] * (1 - fall * (1 - keeps[:, None])) + rise, 0.02, 0.97)


def _six_c(rng: np.random.Generator, count: int) -> tuple[Ints, Floats]:
    """Marks from 0 to 100 on the six Cs, tied by a common soundness, and the chance of default they give."""
    mixed = 0.55 * rng.standard_normal(count)[:, None] + 0.84 * rng.standard_normal((count, len(SIX_C)))
    marks = np.clip(np.rint(70 + 12 * mixed), 0, 100).astype(np.int64)
    odds = ACCOUNT_LOGIT["intercept"] + (marks - 70) @ np.array([ACCOUNT_LOGIT[name] for name in SIX_C])
    return marks, 1 / (1 + np.exp(-odds))


def _season(pattern: Texts) -> Floats:
    """Demand of each day of the two years around 1: schools buy before the terms, all slow down at New Year."""
    month = (START + np.arange(DAYS)).astype("datetime64[M]").astype(int) % 12
    usual = np.array([0.95, 0.6, 1.1, 1.05, 1.0, 1.05, 1.0, 1.0, 1.05, 1.0, 1.1, 1.1])
    school = np.array([0.15, 2.2, 2.4, 0.4, 0.2, 0.4, 0.3, 3.0, 2.4, 0.3, 0.15, 0.1])
    return np.where((pattern == "seasonal")[:, None], school[month], usual[month])


def _orders(rng: np.random.Generator, people: _Accounts) -> _Orders:
    """Orders at fairly regular times (gamma gaps) on a clock that runs with season and loyalty."""
    loyal = people.wallet / people.wallet[:, :1]
    pace = _season(people.pattern) * loyal**_FEWER  # a falling share shows in fewer orders, and in smaller ones
    clock = np.concatenate([np.zeros((len(pace), 1)), np.cumsum(pace, axis=1)], axis=1)
    most = int(clock[:, -1].max() / people.interval.min()) + 40
    ticks = people.interval[:, None] * np.cumsum(rng.gamma(_ORDER_SHAPE, 1 / _ORDER_SHAPE, (len(pace), most)), axis=1)
    account, place = np.nonzero(ticks < clock[:, -1:])
    day = np.concatenate(
        [np.searchsorted(clock[row], ticks[row][ticks[row] < clock[row, -1]]) - 1 for row in range(len(pace))]
    )
    usual = people.needs[account, day] * people.wallet[account, 0] * people.interval[account] / 365
    usual *= loyal[account, day] ** (1 - _FEWER)
    amount = np.round(usual * rng.gamma(_AMOUNT_SHAPE, 1 / _AMOUNT_SHAPE, len(day)), 2)
    order = np.lexsort((place, account, day))
    return _Orders(account[order], day[order], np.maximum(amount, 50.0)[order])


def _account_table(rng: np.random.Generator, people: _Accounts, orders: _Orders, ids: Texts) -> pd.DataFrame:
    count = len(ids)
    second = orders.day >= YEAR
    revenue = [np.bincount(orders.account, orders.amount * part, count).astype(float) for part in (~second, second)]
    number = np.bincount(orders.account[second], minlength=count)
    wallet = [people.wallet[:, :YEAR].mean(axis=1), people.wallet[:, YEAR:].mean(axis=1)]
    guess = [np.round(np.clip(share + 0.025 * rng.standard_normal(count), 0.01, 0.99), 2) for share in wallet]
    return pd.DataFrame(
        {
            "account_id": ids,
            "name": company_names(rng, count, ("机械", "电子", "贸易", "工程", "实业", "供应链", "服务")),
            "industry": people.industry,
            "region": np.array(_REGIONS, dtype=object)[rng.choice(5, count, p=(0.4, 0.2, 0.18, 0.13, 0.09))],
            "employees": np.maximum(
                np.rint(180 * np.exp(0.8 * people.size + 0.4 * rng.standard_normal(count))), 5
            ).astype(np.int64),
            "since": (START - rng.integers(30, 4000, count)).astype("datetime64[us]"),
            "revenue_2024": np.round(revenue[0], 2),
            "revenue_2025": np.round(revenue[1], 2),
            **_costs(rng, people, revenue[1], number),
            "potential_2025": np.round(people.needs[:, YEAR:].mean(axis=1), -3),
            "share_of_wallet_2024": guess[0],
            "share_of_wallet_2025": guess[1],
            **_marks(rng, people, guess[1]),
            **{name: people.six_c[:, place] for place, name in enumerate(SIX_C)},
            "credit_limit": np.round(np.maximum(revenue[0] / 6, 10_000), -3),
            "defaulted_2025": people.defaulted,
        }
    )


def _costs(rng: np.random.Generator, people: _Accounts, revenue: Floats, orders: NDArray) -> dict[str, Floats]:
    """Gross margin and the costs to serve of 2025, yuan: large buyers press the price, demanding ones cost time."""
    count = len(revenue)
    rate = np.clip(0.26 - 0.022 * people.size - 0.02 * np.log(people.demanding), 0.08, 0.4)
    rate = np.clip(rate + 0.025 * rng.standard_normal(count), 0.05, 0.45)
    demand = people.demanding

    def noise() -> Floats:
        return rng.gamma(12, 1 / 12, count)

    costs = {
        "gross_margin_2025": revenue * rate,
        "visit_cost": 5000 * demand * np.exp(0.35 * people.size) * noise(),
        "order_cost": 160 * orders * noise(),
        "service_cost": (2500 + 0.03 * revenue) * demand**1.6 * noise(),
        "logistics_cost": 0.05 * revenue * demand**0.8 * noise(),
        "return_cost": 0.02 * revenue * demand**1.5 * noise(),
    }
    return {name: np.round(values, 2) for name, values in costs.items()}


def _marks(rng: np.random.Generator, people: _Accounts, wallet: Floats) -> dict[str, Ints]:
    """Marks 0-100 of the account team for attractiveness and for the own position against rivals."""
    count = len(wallet)

    def mark(centre: Floats | float) -> Ints:
        return np.clip(np.rint(centre + 10 * rng.standard_normal(count)), 5, 98).astype(np.int64)

    growth = np.log(people.needs[:, YEAR:].mean(axis=1) / people.needs[:, :YEAR].mean(axis=1))
    return {
        "growth_score": mark(58 + 90 * growth),
        "reference_score": mark(52 + 11 * people.size),
        "openness_score": mark(64 - 14 * np.log(people.demanding)),
        "relationship_score": mark(40 + 45 * wallet),
        "product_fit_score": mark(45 + 35 * wallet),
        "service_score": mark(52 + 20 * wallet),
    }


def _order_table(orders: _Orders, ids: Texts, order_ids: Texts) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order_id": order_ids,
            "account_id": ids[orders.account],
            "ordered_on": _dates(orders.day),
            "amount": orders.amount,
        }
    )


def _payment_table(rng: np.random.Generator, people: _Accounts, orders: _Orders, order_ids: Texts) -> pd.DataFrame:
    """One invoice an order: paid about the due day, later by those of weak character, never by some who default."""
    character = people.six_c[orders.account, 0]
    late = 12 * np.exp((65 - character) / 25) * rng.gamma(1.2, 1.0, len(orders.day)) - 12
    due = orders.day + _TERM
    paid = np.maximum(due + np.rint(late).astype(np.int64), orders.day + 1)
    stops = rng.integers(YEAR + 30, YEAR + 270, len(people.defaulted))
    never = people.defaulted[orders.account] & (orders.day >= stops[orders.account] - _TERM)
    seen = (paid < DAYS) & ~never
    return pd.DataFrame(
        {
            "order_id": order_ids,
            "due_on": _dates(due),
            "paid_on": np.where(seen, _dates(paid), np.datetime64("NaT")),
        }
    )


def _contact_table(rng: np.random.Generator, people: _Accounts, ids: Texts) -> pd.DataFrame:
    """Who is who in the buying centre; in accounts at risk the supporters leave, and visits get rare."""
    risk = np.isin(people.pattern, AT_RISK)
    count = 2 + rng.poisson(np.clip(1.2 + 0.6 * people.size, 0.2, 4))
    account = np.repeat(np.arange(len(ids)), count)
    first = np.concatenate([[True], account[1:] != account[:-1]])
    role = np.where(first, 2, rng.integers(0, len(_ROLES), len(account)))
    roles = np.array(_ROLES, dtype=object)[role]
    mood = people.wallet[account, -1] * 2 - 0.7 + 0.8 * rng.standard_normal(len(account))
    left = rng.random(len(account)) < np.where(risk[account], 0.28, 0.07)
    silent = rng.exponential(np.where(risk[account], 75.0, 35.0))
    talked = np.clip(DAYS - 1 - silent, YEAR - 200, DAYS - 1).astype(np.int64)
    gone = rng.integers(YEAR, DAYS, len(account))
    return pd.DataFrame(
        {
            "contact_id": numbered("P", 1, len(account), 4),
            "account_id": ids[account],
            "name": person_names(rng, len(account)),
            "role": roles,
            "title": [_TITLES[name][pick % len(_TITLES[name])] for name, pick in zip(roles, gone, strict=True)],
            "phone": phones(rng, len(account)),
            "attitude": np.array(["反对", "中立", "支持"], dtype=object)[np.searchsorted((-0.7, 0.35), mood)],
            "last_contact_on": _dates(np.where(left, np.minimum(talked, gone), talked)),
            "left_on": np.where(left, _dates(gone), np.datetime64("NaT")),
        }
    )


def _credit_history(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.Series]:
    """Small firms that were given credit up to 2024, and whether they paid it back within the year."""
    count = _APPLICANTS
    classes = {
        name: rng.choice(np.array(list(effect), dtype=object), count, p=_CREDIT_SHARE[name])
        for name, effect in CREDIT_CLASSES.items()
    }
    values = {
        "capacity": np.round(np.clip(1.35 * np.exp(0.4 * rng.standard_normal(count)), 0.2, 6), 2),
        "capital": np.round(rng.beta(5, 4.6, count), 2),
        "continuity": np.round(np.clip(rng.gamma(1.8, 3.4, count), 0.5, 30), 1),
    }
    odds = np.full(count, CREDIT_LOGIT["intercept"])
    for name, effect in CREDIT_CLASSES.items():
        odds += np.array([effect[value] for value in classes[name]])
    for name, centre in CREDIT_CENTRE.items():
        odds += CREDIT_LOGIT[name] * (np.asarray(values[name]) - centre)
    chance = 1 / (1 + np.exp(-odds))
    defaulted = rng.random(count) < chance
    ids = numbered("K", 1, count, 4)
    # Calls of the collectors follow a default: whoever scores with them looks into the future.
    calls = np.where(defaulted, 2 + rng.poisson(4, count), rng.poisson(0.15, count))
    table = pd.DataFrame(
        {
            "applicant_id": ids,
            "granted_on": (np.datetime64("2021-01-01") + np.sort(rng.integers(0, 1460, count))).astype(
                "datetime64[us]"
            ),
            "amount": np.round(80_000 * np.exp(0.7 * rng.standard_normal(count)), -3),
            "character": classes["character"],
            "capacity": values["capacity"],
            "capital": values["capital"],
            "collateral": classes["collateral"],
            "condition": classes["condition"],
            "continuity": values["continuity"],
            "collection_calls": calls,
            "defaulted": defaulted,
        }
    )
    return table, pd.Series(chance, index=pd.Index(ids, name="applicant_id"), name="default_probability")


def _truth(people: _Accounts, ids: Texts, applicants: pd.Series) -> Truth:
    fades = _dates(np.minimum(people.fades, DAYS))
    return Truth(
        account_id=ids,
        pattern=people.pattern,
        at_risk=np.isin(people.pattern, AT_RISK),
        fades_on=np.where(people.fades < DAYS, fades, np.datetime64("NaT")),
        wallet_2024=people.wallet[:, :YEAR].mean(axis=1),
        wallet_2025=people.wallet[:, YEAR:].mean(axis=1),
        default_probability=people.default_probability,
        applicants=applicants,
    )


RECIPE = Recipe(generate=generate, seed=20260910, size=300, drawn=120, as_of=pd.Timestamp(AS_OF))
