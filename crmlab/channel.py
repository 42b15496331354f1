"""Distributors: choose them by a scorecard, see what rebates drive them to, find goods sold out of territory (窜货).

A sign is no proof. Consumers travel, border towns shop next door, an agreed promotion lifts the orders of a month. So
each sign asks for more than chance, several signs are put together, and the evidence is shown beside the verdict; how
many honest distributors a rule accuses is part of its result (:func:`evaluate`).

On prices: to fix the resale price of independent dealers, or a lowest one, is forbidden in China unless the firm proves
that competition is not harmed (反垄断法, 2022, art. 18). Prices serve here to find goods of unknown way, not to punish a cheap seller.

Sources: C.-L. Hwang and K. Yoon, *Multiple Attribute Decision Making*, Springer, 1981 (weighted sums of normalised
indicators); B. Bergen, J. B. Heide and S. Dutta, "Managing Gray Markets through Tolerance of Violations", *Managerial
and Decision Economics* 19 (3), 1998.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import wilson

__all__ = [
    "BENEFIT",
    "CONFLICTS",
    "COST",
    "Evaluation",
    "Limits",
    "diversion_signs",
    "evaluate",
    "rebate",
    "rebate_jump",
    "score_distributors",
    "weight_path",
    "win_share",
]

BENEFIT, COST = "benefit", "cost"
CONFLICTS = {
    _("水平冲突"): _("同一层的成员之间：两家经销商争同一片区域、同一批终端，窜货是最常见的一种"),
    _("垂直冲突"): _("上下游之间：厂家与经销商、经销商与零售商在价格、回款、库存、服务上的分歧"),
    _("多渠道冲突"): _("不同渠道之间：网店、直供商超与经销商卖同样的货给同样的顾客"),
}
_DIGITS = 12  # totals are ranked after rounding: two equal sums must tie


# -------------------------------------------------------------------------------------------------------- choosing


def score_distributors(
    table: pd.DataFrame,
    weights: Mapping[str, float],
    directions: Mapping[str, str] | None = None,
    *,
    method: str = "minmax",
    targets: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Weighted total of normalised indicators, and the rank it gives.

    * ``minmax``: (x − min) / (max − min), for a cost indicator (max − x) / (max − min). All depends on who takes part:
      leaving out the weakest candidate can change the order of the others. An indicator on which all agree gives 1.
    * ``target``: x / target, for a cost target / x, at most 1. Depends on nobody else.

    Parameters
    ----------
    table : DataFrame, one row a distributor, index its id
    weights : importance by column, not negative; they are divided by their sum
    directions : ``"benefit"`` (more is better, the default) or ``"cost"`` (less is better) by column
    method : "minmax" or "target"; targets : wanted value (> 0) by column, for "target"

    Returns
    -------
    DataFrame, index as ``table``, with the normalised indicators (0-1), ``total`` (0-1) and ``rank`` (1 best; equal
    totals share the better rank).

    Raises
    ------
    CourseError : unknown column or direction, no positive weight, a value that is no number, a missing target.

    >>> table = pd.DataFrame({"outlets": [100, 300], "credit_days": [30, 60]}, index=["甲", "乙"])
    >>> score_distributors(table, {"outlets": 3, "credit_days": 2}, {"credit_days": "cost"})["total"].to_dict()
    {'甲': 0.4, '乙': 0.6}
    """
    share = _shares(weights)
    normal = _normalised(table, share.index, directions or {}, method, targets or {})
    total = (normal * share).sum(axis=1)
    return normal.assign(total=total, rank=total.round(_DIGITS).rank(method="min", ascending=False).astype("int64"))


def weight_path(
    table: pd.DataFrame,
    weights: Mapping[str, float],
    directions: Mapping[str, str] | None = None,
    *,
    vary: str,
    at: ArrayLike | None = None,
    method: str = "minmax",
    targets: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Totals of all distributors while the weight of one indicator goes from 0 to 1, the others keeping their ratios.

    Parameters
    ----------
    table, weights, directions, method, targets : as in :func:`score_distributors`
    vary : the indicator whose weight changes; at : weights to try, 0-1 (0, 0.05, … 1 without it)

    Returns
    -------
    DataFrame, index ``weight``, one column a distributor with its total; ``idxmax(axis=1)`` names the winner.

    >>> table = pd.DataFrame({"outlets": [100, 300], "credit_days": [30, 60]}, index=["甲", "乙"])
    >>> path = weight_path(table, {"outlets": 1, "credit_days": 1}, {"credit_days": "cost"}, vary="outlets", at=[0.2, 0.8])
    >>> path.idxmax(axis=1).to_list()
    ['甲', '乙']
    """
    share = _shares(weights)
    inputs.choice(vary, "vary", list(share.index))
    tried = np.linspace(0, 1, 21) if at is None else inputs.vector(at, "at", low=0, high=1)
    rest = share.drop(vary)
    if not rest.sum() > 0:
        raise CourseError(_("除了 {vary} 没有别的指标有权重：至少再给一个指标大于 0 的权重").format(vary=vary))
    normal = _normalised(table, share.index, directions or {}, method, targets or {})
    others = (normal[rest.index] * (rest / rest.sum())).sum(axis=1).to_numpy()
    totals = tried[:, None] * normal[vary].to_numpy() + (1 - tried[:, None]) * others
    return pd.DataFrame(totals, index=pd.Index(tried, name="weight"), columns=table.index)


def win_share(
    table: pd.DataFrame,
    indicators: Iterable[str],
    directions: Mapping[str, str] | None = None,
    *,
    draws: int = 10_000,
    seed: int = 0,
    method: str = "minmax",
    targets: Mapping[str, float] | None = None,
) -> pd.Series:
    """Share of all possible weights under which each distributor comes first.

    Weights are drawn evenly from all that sum to 1 (Dirichlet with all parameters 1). Who wins under nearly all of
    them wins whatever the committee quarrels about; who wins under a few wins by the choice of weights.

    Parameters
    ----------
    table, directions, method, targets : as in :func:`score_distributors`
    indicators : columns to use; draws, seed : of the simulation

    Returns
    -------
    Series ``win_share`` (0-1, sums to 1; a tie is divided), index as ``table``.

    >>> table = pd.DataFrame({"a": [1, 2], "b": [5, 9]}, index=["甲", "乙"])
    >>> win_share(table, ["a", "b"]).to_dict()
    {'甲': 0.0, '乙': 1.0}
    """
    share = _shares(dict.fromkeys(indicators, 1.0))
    normal = _normalised(table, share.index, directions or {}, method, targets or {})
    count = inputs.whole(draws, "draws", low=1)
    rng = np.random.default_rng(inputs.whole(seed, "seed", low=0))
    totals = (rng.dirichlet(np.ones(len(share)), count) @ normal.to_numpy().T).round(_DIGITS)
    first = totals == totals.max(axis=1, keepdims=True)
    return pd.Series((first / first.sum(axis=1, keepdims=True)).mean(axis=0), index=table.index, name="win_share")


def _shares(weights: Any) -> pd.Series:
    if not isinstance(weights, (Mapping, pd.Series)) or not len(weights):
        raise CourseError(_("weights 应是 {{指标列名: 权重}}，至少一个指标").format())
    share = pd.Series({name: inputs.number(value, f"weights[{name}]", low=0) for name, value in weights.items()})
    if not share.sum() > 0:
        raise CourseError(_("weights 全是 0：至少给一个指标大于 0 的权重"))
    return share / share.sum()


def _normalised(
    table: Any, names: pd.Index, directions: Mapping[str, str], method: str, targets: Mapping[str, float]
) -> pd.DataFrame:
    """Indicators on 0-1, 1 best, index as ``table``."""
    inputs.frame(table, _("评分表"), names)
    inputs.choice(method, "method", ("minmax", "target"))
    for name in directions:
        if name not in names:
            raise CourseError(
                _("directions 里的 {name} 没有权重：请在 weights 里写上它，或从 directions 里去掉").format(name=name)
            )
    found = {}
    for name in names:
        cost = inputs.choice(directions.get(name, BENEFIT), f"directions[{name}]", (BENEFIT, COST)) == COST
        if method == "minmax":
            found[name] = _minmax(inputs.numbers(table, name).to_numpy(), cost)
        else:
            if name not in targets:
                raise CourseError(_("targets 里缺少 {name} 的目标值：用 target 法时每个指标都要有").format(name=name))
            goal = inputs.number(targets[name], f"targets[{name}]", above=0)
            values = inputs.numbers(table, name, low=0).to_numpy()
            found[name] = _to_target(values, goal, cost)
    return pd.DataFrame(found, index=table.index)


def _minmax(values: NDArray, cost: bool) -> NDArray[np.float64]:
    low, high = values.min(), values.max()
    if low == high:
        return np.ones(len(values))
    return (high - values) / (high - low) if cost else (values - low) / (high - low)


def _to_target(values: NDArray, goal: float, cost: bool) -> NDArray[np.float64]:
    return np.minimum(goal / np.maximum(values, goal), 1.0) if cost else np.minimum(values / goal, 1.0)


# --------------------------------------------------------------------------------------------------------- rebates


def rebate(
    volume: float,
    tiers: pd.DataFrame,
    price: float,
    *,
    whole: bool = True,
    start: str = "from_boxes",
    rate: str = "rate",
) -> float:
    """Rebate on a purchase, yuan: by steps of volume, on the whole purchase or only on what lies within each step.

    Parameters
    ----------
    volume : boxes bought; price : yuan a box
    tiers : DataFrame with ``start`` (boxes from which the step counts, ascending, first 0) and ``rate`` (0-1)
    whole : True = the rate of the step reached is paid on all boxes (so each step is a jump), False = only on the
        boxes beyond the start of each step (no jump)

    Returns
    -------
    float, yuan

    >>> tiers = pd.DataFrame({"from_boxes": [0, 1000], "rate": [0.0, 0.02]})
    >>> rebate(999, tiers, 50), rebate(1000, tiers, 50), rebate(1500, tiers, 50, whole=False)
    (0.0, 1000.0, 500.0)
    """
    boxes = inputs.number(volume, "volume", low=0)
    money = inputs.number(price, "price", low=0)
    starts, rates = _tiers(tiers, start, rate)
    if whole:
        return float(boxes * money * rates[np.searchsorted(starts, boxes, side="right") - 1])
    inside = np.clip(boxes - starts, 0, np.append(np.diff(starts), np.inf))
    return float((inside * rates).sum() * money)


def rebate_jump(
    volume: float, tiers: pd.DataFrame, price: float, *, start: str = "from_boxes", rate: str = "rate"
) -> pd.Series:
    """What the next step of a rebate on the whole purchase is worth, and what loss a box can bear to reach it.

    With 4 % to gain on everything bought so far, a distributor who lacks few boxes may sell those far below cost in
    somebody else's city and still win: the year-end rebate pays for the diversion.

    Parameters
    ----------
    volume, tiers, price, start, rate : as in :func:`rebate`

    Returns
    -------
    Series ``gap`` (boxes to the next step), ``gain`` (yuan more rebate on reaching it), ``loss_per_box`` (yuan a box
    that may be lost on the gap before nothing is won), ``loss_share`` (that loss / price; above 1 the boxes could be
    given away). All missing on the top step.

    >>> tiers = pd.DataFrame({"from_boxes": [0, 1000], "rate": [0.0, 0.02]})
    >>> rebate_jump(900, tiers, 50).to_dict()
    {'gap': 100.0, 'gain': 1000.0, 'loss_per_box': 10.0, 'loss_share': 0.2}
    """
    starts, rates = _tiers(tiers, start, rate)
    names = ["gap", "gain", "loss_per_box", "loss_share"]
    now = rebate(volume, tiers, price, start=start, rate=rate)
    if volume >= starts[-1]:
        return pd.Series(np.nan, index=names)
    step = int(np.searchsorted(starts, volume, side="right"))
    gap = starts[step] - volume
    gain = starts[step] * price * rates[step] - now
    return pd.Series([gap, gain, gain / gap, gain / gap / price if price else np.nan], index=names)


def _tiers(tiers: Any, start: str, rate: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    inputs.frame(tiers, _("返利表"), (start, rate))
    starts = inputs.numbers(tiers, start, low=0).to_numpy()
    if starts[0] != 0 or (np.diff(starts) <= 0).any():
        raise CourseError(_("返利表的列 {column} 应从 0 开始、逐级增大：请按起点排好").format(column=start))
    return starts, inputs.numbers(tiers, rate, low=0, high=1).to_numpy()


# ------------------------------------------------------------------------------------------------------- diversion


@dataclass(frozen=True)
class Limits:
    """When a sign counts. Stricter limits accuse fewer, and miss more.

    Attributes:
        out_share: share of scans outside the territory that must be exceeded beyond chance.
        confidence: of that test (one-sided Wilson bound).
        low_share: share of the priced scans outside the territory that lie below the alert price.
        least_prices: fewer priced scans outside prove nothing.
        spike: shipments before the deadlines against the usual, as a multiple of the median distributor's.
        days: length of the time before a deadline.
        excess: boxes shipped in the year against the demand of the territory.
        needed: how many of the four signs make a suspect.

    >>> Limits().needed
    2
    """

    out_share: float = 0.15
    confidence: float = 0.95
    low_share: float = 0.3
    least_prices: int = 5
    spike: float = 2.0
    days: int = 20
    excess: float = 1.3
    needed: int = 2


def diversion_signs(
    shipments: pd.DataFrame,
    scans: pd.DataFrame,
    distributors: pd.DataFrame,
    alert_prices: pd.Series | Mapping[str, float],
    deadlines: Sequence[Any],
    limits: Limits = Limits(),
) -> pd.DataFrame:
    """Four signs of diversion for each distributor, with the evidence, most suspect first.

    1. out of territory: the share of scans in another region is above ``limits.out_share`` beyond chance (lower
       Wilson bound);
    2. low price: among the scans outside with a known price, the share below the alert price;
    3. spike: share of the year's boxes shipped in the ``limits.days`` days up to the deadlines of the rebate, divided
       by what an even flow would give, against the median distributor (so a season is nobody's fault);
    4. excess: boxes shipped against the demand of the own territory.

    Parameters
    ----------
    shipments : DataFrame with ``shipment_id``, ``shipped_on``, ``distributor_id``, ``product_id``, ``boxes``
    scans : DataFrame with ``shipment_id``, ``region`` (where found), ``price`` (yuan, may be missing)
    distributors : DataFrame with ``distributor_id``, ``region`` (territory), ``local_demand`` (boxes a month)
    alert_prices : yuan by product id; deadlines : days at whose end a rebate is settled
    limits : :class:`Limits`

    Returns
    -------
    DataFrame, index distributor id, with ``scans``, ``out_share``, ``out_low`` (bound), ``low_share``, ``spike``,
    ``excess``, the four signs ``out``, ``low_price``, ``rush``, ``oversold`` (bool), ``signs`` (0-4), ``suspect``
    (bool) and ``evidence`` (a sentence in Chinese). What cannot be computed is missing, and is no sign.

    Raises
    ------
    CourseError : a column is missing or bad, a scan of an unknown shipment, an unknown distributor or product.

    >>> from crmlab import data
    >>> firm = data.load("channel")
    >>> alert = firm.products.set_index("product_id")["alert_price"]
    >>> found = diversion_signs(firm.shipments, firm.scans, firm.distributors, alert, ["2025-06-30", "2025-12-31"])
    >>> bool(found["signs"].is_monotonic_decreasing)
    True
    """
    firms = _firms(distributors)
    goods = _goods(shipments, firms)
    found = _scanned(scans, goods, firms, alert_prices)
    table = pd.DataFrame(index=firms.index)
    table["scans"] = found.groupby("distributor_id").size().reindex(firms.index, fill_value=0)
    outside = found[found["out"]]
    out = outside.groupby("distributor_id").size().reindex(firms.index, fill_value=0)
    table["out_share"] = _divided(out, table["scans"])
    # The share lies above the lower end of the interval of level 2c - 1 with confidence c.
    sure = inputs.number(limits.confidence, "confidence", above=0.5, below=1)
    table["out_low"] = wilson(out, table["scans"], 2 * sure - 1)[0]
    priced = outside[outside["price"].notna()].groupby("distributor_id")["low"]
    enough = priced.size().reindex(firms.index, fill_value=0) >= limits.least_prices
    table["low_share"] = priced.mean().reindex(firms.index).where(enough)
    table["spike"] = _spikes(goods, firms.index, deadlines, limits.days)
    years = goods["shipped_on"].dt.to_period("M").nunique() / 12
    table["excess"] = goods.groupby("distributor_id")["boxes"].sum().reindex(firms.index, fill_value=0) / (
        12 * years * firms["local_demand"]
    )
    return _judged(table, limits)


def _firms(distributors: pd.DataFrame) -> pd.DataFrame:
    inputs.frame(distributors, _("经销商表"), ("distributor_id", "region", "local_demand"))
    ids = inputs.ids(distributors, "distributor_id", unique=True)
    columns = {
        "region": inputs.column(distributors, "region").astype(str).to_numpy(),
        "local_demand": inputs.numbers(distributors, "local_demand", above=0).to_numpy(),
    }
    return pd.DataFrame(columns, index=pd.Index(ids, name="distributor_id")).sort_index()


def _goods(shipments: pd.DataFrame, firms: pd.DataFrame) -> pd.DataFrame:
    names = ("shipment_id", "shipped_on", "distributor_id", "product_id", "boxes")
    inputs.frame(shipments, _("发货表"), names)
    goods = pd.DataFrame(
        {
            "shipment_id": inputs.ids(shipments, "shipment_id", unique=True),
            "shipped_on": inputs.days(shipments, "shipped_on"),
            "distributor_id": inputs.ids(shipments, "distributor_id"),
            "product_id": inputs.ids(shipments, "product_id"),
            "boxes": inputs.numbers(shipments, "boxes", low=0),
        }
    )
    _known(goods["distributor_id"], firms.index, _("发货表"), "distributor_id", _("经销商表"))
    return goods


def _scanned(scans: pd.DataFrame, goods: pd.DataFrame, firms: pd.DataFrame, alert: Any) -> pd.DataFrame:
    """Scans with whose goods they were, whether found outside the territory, and whether below the alert price."""
    inputs.frame(scans, _("扫码表"), ("shipment_id", "region", "price"))
    codes = inputs.ids(scans, "shipment_id")
    _known(codes, pd.Index(goods["shipment_id"]), _("扫码表"), "shipment_id", _("发货表"))
    found = goods.set_index("shipment_id").loc[codes].reset_index()
    limit = pd.Series(alert).astype("float64")
    _known(found["product_id"], limit.index, _("发货表"), "product_id", "alert_prices")
    found["price"] = pd.to_numeric(scans["price"].reset_index(drop=True), errors="coerce").astype("float64")
    found["out"] = inputs.column(scans, "region").astype(str) != found["distributor_id"].map(firms["region"])
    found["low"] = found["price"] < found["product_id"].map(limit)
    return found


def _known(values: pd.Series, index: pd.Index, table: str, column: str, where: str) -> None:
    strange = ~values.isin(index)
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise CourseError(
            _("{table}列 {column} 第 {row} 行的 {value} 在{where}里没有：请补上，或去掉这一行").format(
                table=table, column=column, row=row + 1, value=inputs.shown(values.iloc[row]), where=where
            )
        )


def _spikes(goods: pd.DataFrame, firms: pd.Index, deadlines: Sequence[Any], days: int) -> pd.Series:
    """Boxes in the days up to a deadline against an even flow, divided by the median over all distributors."""
    length = inputs.whole(days, "days", low=1)
    ends = [inputs.day(value, "deadlines") for value in deadlines]
    if not ends:
        raise CourseError(_('deadlines 是空的：请给出返利结算日，例如 ["2025-06-30", "2025-12-31"]'))
    on = goods["shipped_on"]
    late = pd.Series(False, index=goods.index)
    for end in ends:
        late |= (on > end - pd.Timedelta(days=length)) & (on <= end)
    boxes = goods.groupby("distributor_id")["boxes"].sum()
    share = (goods["boxes"] * late).groupby(goods["distributor_id"]).sum() / boxes
    usual = share.median()
    return (share / usual if usual > 0 else share * np.nan).reindex(firms)


def _judged(table: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    table = table.assign(
        out=table["out_low"] > limits.out_share,
        low_price=table["low_share"] > limits.low_share,
        rush=table["spike"] > limits.spike,
        oversold=table["excess"] > limits.excess,
    )
    table["signs"] = table[["out", "low_price", "rush", "oversold"]].sum(axis=1).astype("int64")
    table["suspect"] = table["signs"] >= inputs.whole(limits.needed, "needed", low=1, high=4)
    table["evidence"] = [_evidence(row) for _id, row in table.iterrows()]
    return table.sort_values(["signs", "out_share"], ascending=False, kind="stable")


def _evidence(row: pd.Series) -> str:
    told = (
        (row["out"], _("{share:.0%} 的扫码在区域外"), row["out_share"]),
        (row["low_price"], _("区域外 {share:.0%} 的售价低于预警价"), row["low_share"]),
        (row["rush"], _("结算日前的进货是同行的 {share:.1f} 倍"), row["spike"]),
        (row["oversold"], _("全年进货是当地需求的 {share:.1f} 倍"), row["excess"]),
    )
    parts = [words.format(share=value) for yes, words, value in told if yes]
    return _("；").join(parts) or _("没有明显迹象")


def _divided(top: pd.Series, bottom: pd.Series) -> pd.Series:
    return (top / bottom.where(bottom > 0)).astype("float64")


@dataclass(frozen=True)
class Evaluation:
    """How well a list of suspects meets the truth, made by :func:`evaluate`.

    Attributes:
        precision: share of the suspects who did it (missing without suspects).
        recall: share of those who did it that are among the suspects (missing if nobody did).
        f1: harmonic mean of both.
        accused: ids of honest ones on the list, sorted.
        missed: ids of those who did it and are not on the list, sorted.

    >>> evaluate(pd.Series({"D1": True, "D2": True}), pd.Series({"D1": True, "D2": False})).precision
    0.5
    """

    precision: float
    recall: float
    f1: float
    accused: list
    missed: list


def evaluate(suspect: pd.Series, truth: pd.Series) -> Evaluation:
    """Precision and recall of the suspects against what really happened.

    Parameters
    ----------
    suspect, truth : Series of True / False, index distributor id; the same ids in any order

    Returns
    -------
    Evaluation

    >>> result = evaluate(pd.Series({"D1": True, "D2": False}), pd.Series({"D2": True, "D1": True}))
    >>> result.precision, result.recall, result.missed
    (1.0, 0.5, ['D2'])
    """
    for name, series in (("suspect", suspect), ("truth", truth)):
        if not isinstance(series, pd.Series) or not series.index.is_unique:
            raise CourseError(_("{name} 应是以经销商编号为索引、编号不重复的 Series").format(name=name))
    lost = suspect.index.symmetric_difference(truth.index)
    if len(lost):
        raise CourseError(_("suspect 与 truth 的编号不一致，例如 {value}：两边应是同一批经销商").format(value=lost[0]))
    said, real = suspect.astype(bool), truth.reindex(suspect.index).astype(bool)
    hits = int((said & real).sum())
    precision = hits / said.sum() if said.any() else float("nan")
    recall = hits / real.sum() if real.any() else float("nan")
    total = int(said.sum() + real.sum())
    return Evaluation(
        float(precision),
        float(recall),
        2 * hits / total if total else float("nan"),
        sorted(suspect.index[said & ~real]),
        sorted(suspect.index[real & ~said]),
    )
