"""Loyalty: kinds, measures, and the points programme that is to foster it, with its accounts.

Kinds: attitude × behaviour. High in both: loyal 忠诚; attitude only: latent 潜在忠诚 (情感型, would like to but does not
buy); behaviour only: spurious 虚假忠诚 (行为型, buys for want of choice, by habit, for the price or the points); neither:
不忠诚. Some textbooks draw the lines elsewhere, so the thresholds must be given; a value equal to the threshold is high.

Points: a point promises a later discount, so a sale with points is two sales. IFRS 15 splits the price between them in
proportion to their stand-alone prices, points at the value that is expected to be redeemed (1 − breakage), and turns
the points' part into revenue as points are redeemed.

Sources: A. S. Dick, K. Basu, "Customer Loyalty: Toward an Integrated Conceptual Framework", *Journal of the Academy of
Marketing Science* 22 (2), 1994, 99-113; IASB, *IFRS 15 Revenue from Contracts with Customers*, 2014, paragraphs
B39-B46 and Illustrative Example 52 (IE267-IE270).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = [
    "Allocation",
    "Economics",
    "PointsProgramme",
    "loyalty_type",
    "points_summary",
    "repurchase_rate",
    "share_of_wallet",
    "spurious_reason",
]

# 2 * (attitude high) + (behaviour high)
NONE, SPURIOUS, LATENT, LOYAL = TYPES = (_("不忠诚"), _("虚假忠诚"), _("潜在忠诚"), _("忠诚"))
REASONS = {"monopoly": _("垄断"), "inertia": _("惰性"), "price": _("价格"), "incentive": _("激励")}
UNKNOWN = _("原因不明")
EARN, BURN, EXPIRE = KINDS = ("earn", "burn", "expire")


# ------------------------------------------------------------------------------------------------ kinds and measures


def loyalty_type(attitude: Any, behaviour: Any, attitude_cut: float, behaviour_cut: float) -> pd.Series | str:
    """Kind of loyalty of each customer from attitude and behaviour.

    Parameters
    ----------
    attitude : scores of liking (e.g. 1-10), one a customer, or one number
    behaviour : measure of buying (times a year, share of wallet, ...), the same customers, or one number
    attitude_cut, behaviour_cut : thresholds; a value >= the threshold is high

    Returns
    -------
    Series ``loyalty``, an ordered categorical 不忠诚 < 虚假忠诚 < 潜在忠诚 < 忠诚, index of ``attitude`` (two Series are
    matched by index); for two single numbers the name alone.

    Raises
    ------
    CourseError : a value is no number, or the two do not describe the same customers.

    >>> loyalty_type([9, 9, 3, 3], [8, 1, 8, 1], attitude_cut=7, behaviour_cut=6).tolist()
    ['忠诚', '潜在忠诚', '虚假忠诚', '不忠诚']
    >>> loyalty_type(7, 6, 7, 6)
    '忠诚'
    """
    cuts = inputs.number(attitude_cut, "attitude_cut"), inputs.number(behaviour_cut, "behaviour_cut")
    if np.ndim(attitude) == 0 and np.ndim(behaviour) == 0:
        likes = inputs.number(attitude, "attitude") >= cuts[0]
        buys = inputs.number(behaviour, "behaviour") >= cuts[1]
        return TYPES[2 * likes + buys]
    likes, buys, index = _pair(attitude, behaviour, names=("attitude", "behaviour"))
    codes = 2 * (likes >= cuts[0]).astype(int) + (buys >= cuts[1])
    return pd.Series(pd.Categorical.from_codes(codes, list(TYPES), ordered=True), index=index, name="loyalty")


def spurious_reason(scores: pd.DataFrame, cut: float) -> pd.Series:
    """Why somebody without liking keeps buying: the strongest of four reasons, if it reaches the threshold.

    Parameters
    ----------
    scores : DataFrame, one row a customer, any of the columns ``monopoly`` (no other seller within reach), ``inertia``
        (too much trouble to change), ``price`` (buys when it is cheap), ``incentive`` (buys for points and presents),
        all on one scale
    cut : lowest score that counts as a reason

    Returns
    -------
    Series ``reason``, a categorical of 垄断, 惰性, 价格, 激励, 原因不明 (no score reaches the threshold); of equal scores
    the first in this order wins. Index of ``scores``.

    >>> spurious_reason(pd.DataFrame({"monopoly": [2, 1], "price": [5, 2]}), cut=4).tolist()
    ['价格', '原因不明']
    """
    inputs.frame(scores, _("原因评分表"))
    known = [name for name in REASONS if name in scores.columns]
    if not known:
        raise CourseError(_("原因评分表要有这些列中的至少一列：{columns}").format(columns=_("、").join(REASONS)))
    values = pd.DataFrame({name: inputs.numbers(scores, name) for name in known})
    names = values.idxmax(axis=1).map(REASONS).where(values.max(axis=1) >= inputs.number(cut, "cut"), UNKNOWN)
    kinds = pd.Categorical(names, categories=[*REASONS.values(), UNKNOWN])
    return pd.Series(kinds, index=scores.index, name="reason")


def share_of_wallet(own: Any, total: Any) -> Any:
    """Share of a customer's spending in the category that comes to us: own ÷ total, 0-1.

    Parameters
    ----------
    own : spending here; total : spending in the category everywhere, at least ``own``; yuan, numbers or one a customer

    Returns
    -------
    float for two numbers, else Series ``share_of_wallet`` (missing where the customer spends nothing anywhere). The
    share of all customers together is ``share_of_wallet(own.sum(), total.sum())``, not the mean of the shares.

    >>> share_of_wallet(300, 1200)
    0.25
    """
    single = np.ndim(own) == 0 and np.ndim(total) == 0
    columns = ([own], [total]) if single else (own, total)
    ours, all_of_it, index = _pair(*columns, names=("own", "total"), low=0)
    over = ours > all_of_it
    if over.any():
        row = int(np.argmax(over))
        raise CourseError(
            _("第 {row} 位客户在本店花了 {own:g}，却多于全部花费 {total:g}：total 应包含 own，请核对").format(
                row=row + 1, own=ours[row], total=all_of_it[row]
            )
        )
    shares = np.divide(ours, all_of_it, out=np.full(len(ours), np.nan), where=all_of_it > 0)
    return float(shares[0]) if single else pd.Series(shares, index=index, name="share_of_wallet")


def repurchase_rate(
    purchases: pd.DataFrame, *, window: int | None = None, customer: str = "customer_id", date: str = "date"
) -> float:
    """Share of the buyers who bought again on a later day (0-1).

    Parameters
    ----------
    purchases : DataFrame, one row a purchase; several on one day count once
    window : days after the first purchase within which the second must come; without it, any time. Buyers whose
        window was not over on the last day of the data are left out then
    customer, date : names of the columns

    >>> bought = pd.DataFrame({"customer_id": ["C1", "C1", "C2"], "date": ["2025-01-01", "2025-03-01", "2025-01-05"]})
    >>> repurchase_rate(bought)
    0.5
    """
    table = inputs.frame(purchases, _("购买记录"), (customer, date))
    rows = pd.DataFrame({"customer": inputs.ids(table, customer), "day": inputs.days(table, date)}).drop_duplicates()
    first = rows.groupby("customer")["day"].min()
    later = rows[rows["day"] > rows["customer"].map(first)]
    wait = (later.groupby("customer")["day"].min() - first).dt.days
    if window is None:
        return float(wait.notna().mean())
    span = inputs.whole(window, "window", low=1)
    watched = (rows["day"].max() - first).dt.days >= span
    if not watched.any():
        raise CourseError(_("没有一位客户被观察满 {window} 天：请缩短 window").format(window=span))
    return float((wait <= span)[watched].mean())


# ------------------------------------------------------------------------------------------------------------ points


@dataclass(frozen=True)
class Allocation:
    """A sale with points, split by relative stand-alone prices (yuan); made by :meth:`PointsProgramme.allocate`.

    Attributes
    ----------
    product : part of the price that is revenue at once
    points : part that is a contract liability until the points are redeemed
    standalone_points : what the points are worth by themselves: points × value × expected redemption

    >>> PointsProgramme(earn_rate=1, point_value=0.01, redemption=1.0).allocate(101).points
    1.0
    """

    product: float
    points: float
    standalone_points: float


@dataclass(frozen=True)
class Economics:
    """What a programme costs and must bring in, yuan; made by :meth:`PointsProgramme.evaluate`.

    Attributes
    ----------
    effective_discount : what a yuan of sales gives back in points that are redeemed, 0-1
    cost : points and running cost
    extra_margin : margin of the additional sales
    profit : extra_margin − cost
    break_even_uplift : growth of sales from which the programme pays; infinite if no growth can

    >>> PointsProgramme(earn_rate=1, point_value=0.01, redemption=0.8).evaluate(1000, margin=0.3).effective_discount
    0.008
    """

    effective_discount: float
    cost: float
    extra_margin: float
    profit: float
    break_even_uplift: float


@dataclass(frozen=True)
class PointsProgramme:
    """Rules of a points programme.

    Attributes
    ----------
    earn_rate : points a yuan of purchase
    point_value : yuan of discount that a point gives when redeemed
    expiry_months : a point earned on a day is gone on the same day that many months later; None: never
    redemption : share of the points earned that is expected to be redeemed one day, above 0, at most 1
    tiers : multiplier of the earn rate by membership tier, e.g. ``{"金卡": 1.5}``; others earn once

    >>> club = PointsProgramme(earn_rate=0.1, point_value=1, redemption=0.95)
    >>> club.earn(100_000), round(club.breakage, 2)
    (10000, 0.05)
    >>> club.liability(100_000, redeemed=[4_500, 4_000], expected=[9_500, 9_700])[["revenue", "liability"]].round()
            revenue  liability
    period
    1        4110.0     4566.0
    2        3493.0     1073.0
    """

    earn_rate: float = 1.0
    point_value: float = 0.01
    expiry_months: int | None = 12
    redemption: float = 0.8
    tiers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inputs.number(self.earn_rate, "earn_rate", above=0)
        inputs.number(self.point_value, "point_value", above=0)
        inputs.number(self.redemption, "redemption", above=0, high=1)
        if self.expiry_months is not None:
            inputs.whole(self.expiry_months, "expiry_months", low=1)
        for tier, factor in self.tiers.items():
            inputs.number(factor, _("等级 {tier} 的倍数").format(tier=tier), low=0)

    @property
    def breakage(self) -> float:
        """Share of the points earned that is expected never to be redeemed: 1 − redemption."""
        return 1 - self.redemption

    def earn(self, amount: Any, tier: Any = None) -> Any:
        """Points for a purchase, or for each of several: whole points, fractions fall away.

        Parameters
        ----------
        amount : yuan, 0 or more: a number, or one a purchase
        tier : tier of the buyer, or one a purchase

        Returns
        -------
        int, or Series ``points`` (int) with the index of ``amount``.

        >>> PointsProgramme(tiers={"金卡": 1.5}).earn([99.9, 100.0], tier=["普通", "金卡"]).tolist()
        [99, 150]
        """
        single = np.ndim(amount) == 0
        money = inputs.vector([amount] if single else amount, "amount", low=0)
        names: list[Any] = list(tier) if tier is not None and not isinstance(tier, str) else [tier] * len(money)
        if len(names) != len(money):
            raise CourseError(
                _("tier 应有 {length} 个，与 amount 一样多，现在有 {found} 个").format(
                    length=len(money), found=len(names)
                )
            )
        factor = np.array([self.tiers.get(name, 1.0) for name in names])
        # Rounding first: 100000 × 0.1 must not become 9999.999999 and lose a point
        points = np.floor(np.round(money * self.earn_rate * factor, 6)).astype("int64")
        index = amount.index if isinstance(amount, pd.Series) else None
        return int(points[0]) if single else pd.Series(points, index=index, name="points")

    def worth(self, points: Any) -> float:
        """Discount in yuan that points give when redeemed.

        >>> PointsProgramme().worth(500)
        5.0
        """
        return inputs.number(points, "points", low=0) * self.point_value

    def expires(self, earned: Any) -> pd.Timestamp | None:
        """Day on which points earned on a day are gone; None if never.

        >>> PointsProgramme(expiry_months=6).expires("2025-08-31")
        Timestamp('2026-02-28 00:00:00')
        """
        day = inputs.day(earned, _("积分日期"))
        return None if self.expiry_months is None else day + pd.DateOffset(months=int(self.expiry_months))

    def burn(self, lots: pd.DataFrame, points: int, date: Any) -> pd.DataFrame:
        """Redeem points: those that expire first go first.

        Parameters
        ----------
        lots : DataFrame, one row a batch: ``date`` on which it was earned, ``points`` left of it
        points : how many are redeemed, 1 or more
        date : day of redemption; batches that have expired by then, and later ones, do not count

        Returns
        -------
        DataFrame ``date``, ``points``: the batches that still hold points after it, earliest first.

        Raises
        ------
        CourseError : fewer points than that are valid on the day.

        >>> lots = pd.DataFrame({"date": ["2025-01-01", "2025-03-01"], "points": [100, 50]})
        >>> PointsProgramme().burn(lots, 120, "2025-06-01")["points"].tolist()
        [30]
        """
        inputs.frame(lots, _("积分批次表"), ("date", "points"))
        held = pd.DataFrame({"date": inputs.days(lots, "date"), "points": inputs.numbers(lots, "points", low=0)})
        day, wanted = inputs.day(date, _("兑换日期")), inputs.whole(points, "points", low=1)
        valid = held[(held["date"] <= day) & (self._expiry(held["date"]) > day)].sort_values("date", kind="stable")
        if wanted > valid["points"].sum():
            raise CourseError(_short(wanted, valid["points"].sum(), day))
        before = valid["points"].cumsum() - valid["points"]
        taken = (wanted - before).clip(lower=0).clip(upper=valid["points"])
        rest = valid.assign(points=(valid["points"] - taken).astype("int64"))
        return rest[rest["points"] > 0].reset_index(drop=True)

    def ledger(
        self,
        orders: pd.DataFrame,
        redemptions: pd.DataFrame | None = None,
        *,
        until: Any = None,
        customer: str = "customer_id",
        date: str = "date",
        amount: str = "amount",
        points: str = "points",
        tier: str | None = None,
    ) -> pd.DataFrame:
        """Every movement of points: earned with orders, burned, expired; the earliest points go first.

        Within a day points expire first, then are earned, then burned. Always: earned = burned + expired + balance.

        Parameters
        ----------
        orders : DataFrame, one row an order: customer, date, amount in yuan (and the tier, if ``tier`` names a column)
        redemptions : DataFrame, one row a redemption: customer, date, points (1 or more)
        until : day at whose end the account is drawn up, by default the last day of the two tables; later rows of them
            are left out
        customer, date, amount, points, tier : names of the columns

        Returns
        -------
        DataFrame by customer and day: customer, date, ``kind`` ("earn", "burn", "expire"), ``points`` (int, negative
        for burn and expire), ``balance`` (int, after the movement).

        Raises
        ------
        CourseError : a column is missing or unsound, or a redemption takes more points than there are.

        >>> orders = pd.DataFrame({"customer_id": ["C1"], "date": ["2025-01-10"], "amount": [300.0]})
        >>> used = pd.DataFrame({"customer_id": ["C1"], "date": ["2025-02-01"], "points": [100]})
        >>> PointsProgramme(expiry_months=6).ledger(orders, used, until="2025-12-31")[["kind", "points"]].values.tolist()
        [['earn', 300], ['burn', -100], ['expire', -200]]
        """
        earned = _movements(orders, _("订单表"), customer, date, amount, low=0)
        tiers = inputs.column(orders, tier) if tier else None
        earned["points"] = self.earn(earned["points"], tiers)
        parts = [earned.assign(step=1), self._expiring(earned).assign(step=0)]
        if redemptions is not None and len(redemptions):
            parts.append(_redeemed(redemptions, customer, date, points).assign(step=2))
        last = (
            inputs.day(until, "until")
            if until is not None
            else max(p["date"].max() for p in parts if p["step"].iloc[0])
        )
        rows = pd.concat(parts)
        rows = rows[rows["date"] <= last].sort_values(["customer", "date", "step", "row"], kind="stable")
        return _book(rows).rename(columns={"customer": customer, "date": date, "points": points})

    def allocate(self, sales: float, points: float | None = None) -> Allocation:
        """IFRS 15: the price of a sale split between the goods and the points that come with it.

        In proportion to the stand-alone prices: the goods at ``sales``, the points at points × value × expected
        redemption. The product is revenue at once, the points' part waits.

        Parameters
        ----------
        sales : price paid, yuan, which is also what the goods cost without points, above 0
        points : points given with it; by default :meth:`earn` of ``sales``

        >>> split = PointsProgramme(earn_rate=0.1, point_value=1, redemption=0.95).allocate(100_000)
        >>> round(split.product), round(split.points)
        (91324, 8676)
        """
        price = inputs.number(sales, "sales", above=0)
        given = self.earn(price) if points is None else inputs.number(points, "points", low=0)
        alone = given * self.point_value * self.redemption
        part = price * alone / (price + alone)
        return Allocation(product=price - part, points=part, standalone_points=alone)

    def liability(self, sales: Any, redeemed: Any, expected: Any = None, *, points: Any = None) -> pd.DataFrame:
        """IFRS 15: the contract liability from period to period, with catch-up when the estimate changes.

        With A the price allocated to all points so far, R the points redeemed so far and E the points expected to be
        redeemed in all, the cumulative revenue is A · R / E. A new estimate E changes what has been earned up to now;
        the difference falls into the period of the new estimate. A itself is never reopened. The points of all periods
        are one pool.

        Parameters
        ----------
        sales : yuan: one number, sold in the first period, or one a period
        redeemed : points redeemed *in* each period, shape (n,)
        expected : E as estimated at the end of each period: one number or one a period; by default the points given so
            far × ``redemption``
        points : points given, like ``sales``; by default :meth:`earn` of the sales

        Returns
        -------
        DataFrame, index ``period`` 1..n, columns ``redeemed``, ``expected`` (points), ``opening`` + ``deferred`` −
        ``revenue`` = ``liability`` (yuan).

        Raises
        ------
        CourseError : more points redeemed than expected, or more expected than given.

        >>> club = PointsProgramme(earn_rate=0.1, point_value=1, redemption=0.95)
        >>> club.liability(100_000, [4_500, 4_000], [9_500, 9_700])["revenue"].round().tolist()
        [4110.0, 3493.0]
        """
        used = inputs.vector(redeemed, "redeemed", low=0)
        sold = _per_period(sales, "sales", len(used))
        given = self.earn(sold).to_numpy() if points is None else _per_period(points, "points", len(used))
        issued = given.cumsum()
        total = issued * self.redemption if expected is None else _every_period(expected, "expected", len(used))
        _check_estimate(used.cumsum(), total, issued)
        alone = given * self.point_value * self.redemption
        deferred = np.divide(sold * alone, sold + alone, out=np.zeros(len(sold)), where=sold > 0)
        share = np.divide(used.cumsum(), total, out=np.zeros(len(used)), where=total > 0)
        revenue = np.diff(deferred.cumsum() * share, prepend=0.0)
        closing = deferred.cumsum() * (1 - share)
        opening = np.concatenate([[0.0], closing[:-1]])
        columns = {"redeemed": used, "expected": total, "opening": opening, "deferred": deferred}
        index = pd.RangeIndex(1, len(used) + 1, name="period")
        return pd.DataFrame({**columns, "revenue": revenue, "liability": closing}, index=index)

    def evaluate(
        self, sales: float, margin: float, *, uplift: float = 0.0, running_cost: float = 0.0, reward_cost: float = 1.0
    ) -> Economics:
        """Does the programme pay? Everybody gets points, but only additional sales bring additional margin.

        With S sales without the programme, u their growth, m the margin, d the effective discount (earn rate × value of
        a point × redemption × reward_cost) and F the running cost: profit = S u m − S (1 + u) d − F, which is 0 at
        u* = (d + F / S) / (m − d).

        Parameters
        ----------
        sales : S, yuan a year without the programme, above 0
        margin : m, share of sales, 0-1
        uplift : u, growth of sales through the programme: 0.05 for 5 %
        running_cost : F, yuan a year
        reward_cost : what a yuan of redeemed points costs the firm: 1 as a price cut, less if paid in own goods

        >>> club = PointsProgramme(earn_rate=1, point_value=0.01, redemption=0.8)
        >>> round(club.evaluate(1_000_000, margin=0.25, running_cost=20_000).break_even_uplift, 4)
        0.1157
        """
        base, growth = inputs.number(sales, "sales", above=0), inputs.number(uplift, "uplift", low=-1)
        share, fixed = (
            inputs.number(margin, "margin", low=0, high=1),
            inputs.number(running_cost, "running_cost", low=0),
        )
        given = self.earn_rate * self.point_value * self.redemption
        price = given * inputs.number(reward_cost, "reward_cost", low=0)
        cost, extra = base * (1 + growth) * price + fixed, base * growth * share
        need = (price + fixed / base) / (share - price) if share > price else float("inf")
        return Economics(
            effective_discount=given, cost=cost, extra_margin=extra, profit=extra - cost, break_even_uplift=need
        )

    def _expiry(self, days: pd.Series) -> pd.Series:
        if self.expiry_months is None:
            return pd.Series(pd.Timestamp("2262-01-01"), index=days.index)
        return days + pd.DateOffset(months=int(self.expiry_months))

    def _expiring(self, earned: pd.DataFrame) -> pd.DataFrame:
        """Points that reach their last day, added up by customer and day."""
        due = earned.assign(date=self._expiry(earned["date"]))
        return due.groupby(["customer", "date"], as_index=False).agg(points=("points", "sum"), row=("row", "first"))


def points_summary(ledger: pd.DataFrame, *, points: str = "points", kind: str = "kind") -> pd.Series:
    """What became of all points: earned = burned + expired + balance.

    Parameters
    ----------
    ledger : DataFrame as made by :meth:`PointsProgramme.ledger`

    Returns
    -------
    Series ``earned``, ``burned``, ``expired``, ``balance`` (points) and ``breakage``, expired ÷ (burned + expired): of
    the points whose fate is known, the share that was lost (missing if none).

    >>> moves = pd.DataFrame({"kind": ["earn", "burn", "expire"], "points": [300, -100, -50]})
    >>> points_summary(moves).to_dict()
    {'earned': 300.0, 'burned': 100.0, 'expired': 50.0, 'balance': 150.0, 'breakage': 0.333...}
    """
    inputs.frame(ledger, _("积分流水"), (points, kind))
    sums = inputs.numbers(ledger, points).groupby(inputs.column(ledger, kind)).sum().reindex(list(KINDS), fill_value=0)
    known = sums[BURN] + sums[EXPIRE]
    return pd.Series(
        {
            "earned": sums[EARN],
            "burned": -sums[BURN],
            "expired": -sums[EXPIRE],
            "balance": sums.sum(),
            "breakage": sums[EXPIRE] / known if known else np.nan,
        },
        name="points",
    )


# ----------------------------------------------------------------------------------------------------------- helpers


def _pair(a: Any, b: Any, *, names: tuple[str, str], low: float = -np.inf) -> tuple[Any, Any, pd.Index | None]:
    """Two columns of the same customers as arrays, and the index of the first Series among them."""
    if isinstance(a, pd.Series) and isinstance(b, pd.Series) and not a.index.equals(b.index):
        if not a.index.is_unique or not b.index.is_unique or set(a.index) != set(b.index):
            raise CourseError(
                _("{a} 与 {b} 的索引不一致：两列应是同一批客户，请先用 loc 或 reindex 对齐").format(
                    a=names[0], b=names[1]
                )
            )
        b = b.reindex(a.index)
    first = inputs.vector(a, names[0], low=low)
    second = inputs.vector(b, names[1], length=len(first), low=low)
    return first, second, next((x.index for x in (a, b) if isinstance(x, pd.Series)), None)


def _movements(table: Any, what: str, customer: str, date: str, value: str, low: float) -> pd.DataFrame:
    inputs.frame(table, what, (customer, date, value))
    return pd.DataFrame(
        {
            "customer": inputs.ids(table, customer),
            "date": inputs.days(table, date),
            "points": inputs.numbers(table, value, low=low),
            "row": np.arange(len(table)),
        }
    )


def _redeemed(table: Any, customer: str, date: str, points: str) -> pd.DataFrame:
    burned = _movements(table, _("兑换表"), customer, date, points, low=1)
    broken = burned["points"] % 1 != 0
    if broken.any():
        row = int(np.argmax(broken))
        raise CourseError(
            _("列 {column} 第 {row} 行是 {value:g}：兑换的积分应是整数").format(
                column=points, row=row + 1, value=burned["points"][row]
            )
        )
    return burned


def _book(rows: pd.DataFrame) -> pd.DataFrame:
    """Run through sorted movements; FIFO needs no queue: points fall due in the order in which they were earned.

    Of the ``due`` points whose time is over, those not yet ``used`` are lost.
    """
    entries: list[tuple[Any, Any, str, int, int]] = []
    owner: Any = None
    earned = used = due = 0
    for customer, day, points, row, step in zip(
        rows["customer"], rows["date"], rows["points"].astype("int64"), rows["row"], rows["step"], strict=True
    ):
        if customer != owner:
            owner, earned, used, due = customer, 0, 0, 0
        change = points
        if step == 0:
            due += points
            change = -max(due - used, 0)
        elif step == 2:
            change = -points
            if points > earned - used:
                raise CourseError(_("兑换表第 {row} 行：").format(row=row + 1) + _short(points, earned - used, day))
        earned, used = (earned + change, used) if step == 1 else (earned, used - change)
        if change:
            entries.append((customer, day, (EXPIRE, EARN, BURN)[step], change, earned - used))
    table = pd.DataFrame(entries, columns=["customer", "date", "kind", "points", "balance"])
    # Without a single movement pandas could not know the types
    return table.astype({"date": rows["date"].dtype, "points": "int64", "balance": "int64"})


def _short(wanted: float, held: float, day: pd.Timestamp) -> str:
    return _("{day:%Y-%m-%d} 要兑换 {wanted:g} 分，当天有效积分只有 {held:g} 分：请减少兑换的积分").format(
        day=day, wanted=wanted, held=held
    )


def _per_period(values: Any, name: str, periods: int) -> Any:
    """One value a period; a single one belongs to the first period."""
    if np.ndim(values):
        return inputs.vector(values, name, length=periods, low=0)
    return np.array([inputs.number(values, name, low=0), *np.zeros(periods - 1)])


def _every_period(values: Any, name: str, periods: int) -> Any:
    """One value a period; a single one holds in every period."""
    if np.ndim(values):
        return inputs.vector(values, name, length=periods, low=0)
    return np.full(periods, inputs.number(values, name, low=0))


def _check_estimate(used: Any, total: Any, issued: Any) -> None:
    """Redeemed so far <= expected in all <= given so far, in every period."""
    slack = 1e-9 * (1 + issued)  # 10000 × 0.97 is not exactly 9700
    for period, (r, e, g, tiny) in enumerate(zip(used, total, issued, slack, strict=True), start=1):
        if r > e + tiny:
            raise CourseError(
                _(
                    "第 {period} 期累计已兑换 {used:g} 分，多于预计总兑换 {total:g} 分：请调高 expected，并检查 redeemed 是否应是当期数"
                ).format(period=period, used=r, total=e)
            )
        if e > g + tiny:
            raise CourseError(
                _("第 {period} 期预计总兑换 {total:g} 分，多于已发放的 {given:g} 分：请调低 expected").format(
                    period=period, total=e, given=g
                )
            )
