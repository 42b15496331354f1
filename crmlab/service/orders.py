"""How well orders are fulfilled: availability, operational performance, reliability, the perfect order.

Conventions: times of orders in days, rates as shares between 0 and 1.

Sources: D. J. Bowersox, D. J. Closs & M. B. Cooper, *Supply Chain Logistics Management*, McGraw-Hill, 2002
(availability, operational performance, reliability, perfect order); R. H. Ballou, *Business Logistics/Supply Chain
Management*, 5th ed., Pearson, 2004 (order cycle).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.service.records import refuse_row

__all__ = ["kpi_definitions", "order_kpis", "perfect_order", "seven_rights"]

_UNFULFILLED = ("cancelled", "processing")  # orders that nobody could have delivered yet
_CORE = ("ordered_at", "promised_at", "delivered_at", "units_ordered", "units_shipped")

# What the columns of an order table hold; "" is not checked.
_COLUMNS = {
    "order_id": "", "status": "", "ordered_at": "moment", "promised_at": "moment", "delivered_at": "moment",
    "lines_ordered": "number", "lines_complete": "number", "units_ordered": "number", "units_shipped": "number",
    "damaged_units": "number", "wrong_units": "number", "wrong_address": "flag", "service": "", "service_used": "",
    "signed_by_recipient": "flag", "quoted": "number", "billed": "number", "special_request": "flag",
    "special_handled": "flag", "recovery_hours": "",
}  # fmt: skip

# id: (ability, name, definition); the order is that of the results.
_KPIS = {
    "orders": (_("规模"), _("订单数"), _("已发货的订单数；已取消和待发货的不计")),
    "stockout_rate": (_("可得性"), _("缺货率"), _("没有发足的订单行数 ÷ 订单行数")),
    "line_fill_rate": (_("可得性"), _("行满足率"), _("一次发足的订单行数 ÷ 订单行数 = 1 − 缺货率")),
    "unit_fill_rate": (_("可得性"), _("供应比率"), _("实发件数 ÷ 订购件数")),
    "order_fill_rate": (_("可得性"), _("订单完成率"), _("所有商品一次发足的订单数 ÷ 订单数")),
    "cycle_time_mean": (_("作业表现·速度"), _("平均订单周期"), _("签收时间 − 下单时间的均值，天")),
    "cycle_time_p95": (_("作业表现·速度"), _("订单周期 95% 分位数"), _("95% 的订单不超过的天数")),
    "on_time_rate": (_("作业表现·速度"), _("准时率"), _("签收不晚于承诺时间的订单数 ÷ 已到期可判断的订单数")),
    "cycle_time_sd": (_("作业表现·一致性"), _("订单周期标准差"), _("天，除以 n − 1")),
    "cycle_time_cv": (_("作业表现·一致性"), _("订单周期变异系数"), _("标准差 ÷ 均值，越小越稳定")),
    "flexibility_rate": (_("作业表现·灵活性"), _("特殊要求满足率"), _("办到特殊要求的订单数 ÷ 有特殊要求的签收订单数")),
    "recovery_rate": (_("作业表现·故障恢复"), _("及时恢复率"), _("在时限内补救好的订单数 ÷ 缺、损、错的已签收订单数")),
    "accuracy_rate": (_("可靠性"), _("准确率"), _("没有错发的签收订单数 ÷ 签收订单数")),
    "damage_rate": (_("可靠性"), _("货损率"), _("破损件数 ÷ 签收订单的实发件数")),
    "perfect_order_rate": (_("综合"), _("完美订单率"), _("能判断的各项“合适”全部做到的订单数 ÷ 可判断的订单数")),
}


class _Right(NamedTuple):
    """One of the 7R: what it needs, says, and how an order table shows whether it was met."""

    name: str
    columns: tuple[str, ...]
    condition: str
    met: Callable[[pd.DataFrame], pd.Series]


_RIGHTS = {
    "time": _Right(
        _("合适的时间"),
        ("delivered_at", "promised_at"),
        _("签收不晚于承诺时间"),
        lambda orders: orders["delivered_at"] <= orders["promised_at"],
    ),
    "place": _Right(
        _("合适的地点"), ("wrong_address",), _("没有送错地址"), lambda orders: orders["wrong_address"] == 0
    ),
    "price": _Right(
        _("合适的价格"),
        ("quoted", "billed"),
        _("账单与报价一致"),
        lambda orders: (orders["billed"] - orders["quoted"]).abs() < 0.005,  # half a fen
    ),
    "channel": _Right(
        _("合适的渠道"),
        ("service", "service_used"),
        _("按约定的运输方式送达"),
        lambda orders: orders["service_used"] == orders["service"],
    ),
    "customer": _Right(
        _("合适的客户"),
        ("signed_by_recipient",),
        _("由约定的收货人签收"),
        lambda orders: orders["signed_by_recipient"] == 1,
    ),
    "product": _Right(
        _("合适的产品或服务"),
        ("damaged_units", "wrong_units"),
        _("没有破损，没有错发"),
        lambda orders: (orders["damaged_units"] == 0) & (orders["wrong_units"] == 0),
    ),
    "need": _Right(
        _("合适的需求"),
        ("units_ordered", "units_shipped"),
        _("数量发足，特殊要求办到"),
        lambda orders: (orders["units_shipped"] >= orders["units_ordered"]) & ~_request_refused(orders),
    ),
}


def kpi_definitions() -> pd.DataFrame:
    """What each number of :func:`order_kpis` means: ability (curriculum), Chinese name, definition; index its id.

    Examples
    --------
    >>> kpi_definitions().loc["unit_fill_rate", "definition"]
    '实发件数 ÷ 订购件数'
    """
    return pd.DataFrame.from_dict(_KPIS, orient="index", columns=["ability", "name", "definition"]).rename_axis("kpi")


def seven_rights() -> pd.DataFrame:
    """The 7R as measurable conditions: Chinese name, needed columns, condition; index the column of ``perfect_order``.

    Examples
    --------
    >>> seven_rights().loc["price", "condition"]
    '账单与报价一致'
    """
    return pd.DataFrame(_RIGHTS.values(), index=pd.Index(_RIGHTS, name="right")).drop(columns="met")


def order_kpis(
    orders: pd.DataFrame,
    lines: pd.DataFrame | None = None,
    *,
    by: str | Sequence[str] | None = None,
    as_of: Any = None,
    recovery_target: float = 48.0,
    **columns: str,
) -> pd.Series | pd.DataFrame:
    """Logistics service ability from order records: availability, operation, reliability (:func:`kpi_definitions`).

    Orders whose ``status`` is ``cancelled`` or ``processing`` are left out. Needed are the columns ordered_at,
    promised_at, delivered_at (missing: not yet delivered), units_ordered and units_shipped; a number whose columns
    are not in the table is left out.

    Parameters
    ----------
    orders : DataFrame, one row an order
    lines : order lines with order_id, units_ordered, units_shipped; if given, lines and units are counted from them
    by : column or columns to group by (warehouse, carrier, month, ...)
    as_of : moment at which the data were taken; undelivered orders promised before it then count as late. Without it
        only delivered orders are judged, and a warehouse that never delivers looks punctual.
    recovery_target : hours within which a short, damaged or wrong order must have been put right
    **columns : other names of columns, for example ``ordered_at="下单时间"``

    Returns
    -------
    Series ``kpi`` indexed by the ids of :func:`kpi_definitions`; with ``by`` a DataFrame, one row a group.

    Raises
    ------
    CourseError : a column is missing or wrong, delivery before the order, more shipped than ordered.

    Examples
    --------
    >>> orders = pd.DataFrame({
    ...     "ordered_at": ["2025-03-01 09:00", "2025-03-01 10:00"], "promised_at": ["2025-03-03", "2025-03-03"],
    ...     "delivered_at": ["2025-03-02 09:00", "2025-03-04 10:00"], "units_ordered": [10, 10],
    ...     "units_shipped": [10, 8]})
    >>> order_kpis(orders).loc[["unit_fill_rate", "order_fill_rate", "on_time_rate", "cycle_time_mean"]].to_list()
    [0.9, 0.5, 0.5, 2.0]
    """
    target = inputs.number(recovery_target, "recovery_target", above=0)
    keys = [by] if isinstance(by, str) else list(by or [])
    table, shipped = _orders(orders, columns, keys)
    table = table[shipped]
    if lines is not None:
        table = _counted_from_lines(table, lines)
    facts = _facts(table, as_of, target)
    if not keys:
        return _kpis(facts).rename("kpi")
    groups = [orders[key].reset_index(drop=True)[shipped] for key in keys]
    return facts.groupby(groups, observed=True, dropna=False).apply(_kpis)


def perfect_order(orders: pd.DataFrame, **columns: str) -> pd.DataFrame:
    """Which of the 7R each delivered order met (:func:`seven_rights`); a perfect order met all that can be judged.

    Parameters
    ----------
    orders : DataFrame as for :func:`order_kpis`; a right whose columns are not there is left out
    **columns : other names of columns

    Returns
    -------
    DataFrame of bool, one row a delivered order (index order_id if there is such a column, else the row index), a
    column for each right, last column ``perfect``. Its means are the rates.

    Examples
    --------
    >>> orders = pd.DataFrame({
    ...     "order_id": ["O1", "O2"], "ordered_at": "2025-03-01", "promised_at": "2025-03-03",
    ...     "delivered_at": ["2025-03-02", "2025-03-04"], "units_ordered": 10, "units_shipped": [10, 10]})
    >>> perfect_order(orders)["perfect"].to_dict()
    {'O1': True, 'O2': False}
    """
    table, shipped = _orders(orders, columns, [])
    delivered = shipped & table["delivered_at"].notna()
    index = pd.Index(table["order_id"]) if "order_id" in table else orders.index
    return _rights(table)[delivered].set_axis(index[delivered])


def _orders(orders: Any, columns: dict[str, str], keys: Sequence[str]) -> tuple[pd.DataFrame, pd.Series]:
    """The orders with the standard names, checked, and which of them were shipped; index 0, 1, ..."""
    names = _column_names(orders, columns, keys)
    table = pd.DataFrame({name: orders[given] for name, given in names.items()}).reset_index(drop=True)
    shipped = ~table["status"].isin(_UNFULFILLED) if "status" in table else pd.Series(True, index=table.index)
    if not shipped.any():
        raise CourseError(_("订单表里没有一张已发货的订单：请检查 status 列和前面的筛选条件"))
    for name, given in names.items():
        kind = _COLUMNS[name]
        if kind == "moment":
            table[name] = inputs.moments(orders, given, gaps=name == "delivered_at")
        elif kind:
            # What was not shipped may lack numbers: they are not looked at.
            column = pd.DataFrame({given: table[name].where(shipped, 0)})
            table[name] = inputs.numbers(column, given, low=0, high=1 if kind == "flag" else np.inf)
    early = table["delivered_at"] < table["ordered_at"]
    refuse_row(early, names["delivered_at"], _("的签收时间早于下单时间"))
    for done, asked in (("units_shipped", "units_ordered"), ("lines_complete", "lines_ordered")):
        if {done, asked} <= set(table):
            refuse_row(table[done] > table[asked], names[done], _("多于订购的数量"))
    return table, shipped


def _column_names(orders: Any, columns: dict[str, str], keys: Sequence[str]) -> dict[str, str]:
    """What the columns of the course are called in the order table; those that are not there are left out."""
    for name in columns:
        if name not in _COLUMNS:
            raise CourseError(
                _("没有叫 {name} 的列参数，可以写的有：{known}").format(name=name, known=_("、").join(_COLUMNS))
            )
    names = {name: columns.get(name, name) for name in _COLUMNS}
    inputs.frame(orders, _("订单表"), [*(names[name] for name in (*_CORE, *columns)), *keys])
    return {name: given for name, given in names.items() if given in orders.columns}


def _counted_from_lines(table: pd.DataFrame, lines: Any) -> pd.DataFrame:
    if "order_id" not in table:
        raise CourseError(_("要按订单行统计，订单表须有列 order_id：请补上，或不传 lines"))
    inputs.frame(lines, _("订单行表"), ("order_id", "units_ordered", "units_shipped"))
    counted = pd.DataFrame(
        {
            "order_id": inputs.ids(lines, "order_id"),
            "units_ordered": inputs.numbers(lines, "units_ordered", low=0),
            "units_shipped": inputs.numbers(lines, "units_shipped", low=0),
        }
    )
    refuse_row(counted["units_shipped"] > counted["units_ordered"], "units_shipped", _("多于订购的数量"))
    counted["lines_complete"] = counted["units_shipped"] >= counted["units_ordered"]
    sums = counted.groupby("order_id").sum().assign(lines_ordered=counted.groupby("order_id").size())
    lost = ~table["order_id"].isin(sums.index)
    if lost.any():
        raise CourseError(
            _("订单 {id} 在订单行表里一行也没有：请检查 order_id").format(id=table.loc[lost, "order_id"].iloc[0])
        )
    return table.assign(**{name: table["order_id"].map(sums[name]) for name in sums})


def _rights(table: pd.DataFrame) -> pd.DataFrame:
    """A column of bool for each right that the columns can show, and ``perfect``."""
    met = pd.DataFrame({name: right.met(table) for name, right in _RIGHTS.items() if set(right.columns) <= set(table)})
    return met.assign(perfect=met.all(axis=1))


def _request_refused(table: pd.DataFrame) -> pd.Series:
    if not {"special_request", "special_handled"} <= set(table):
        return pd.Series(False, index=table.index)
    return (table["special_request"] == 1) & (table["special_handled"] == 0)


def _facts(table: pd.DataFrame, as_of: Any, recovery_target: float) -> pd.DataFrame:
    """The orders, with what each adds to the numbers."""
    delivered = table["delivered_at"].notna()
    complete = table["units_shipped"] >= table["units_ordered"]
    rights = _rights(table)
    facts = table.assign(
        delivered=delivered,
        judged=delivered if as_of is None else delivered | (table["promised_at"] < _moment(as_of)),
        cycle=(table["delivered_at"] - table["ordered_at"]).dt.total_seconds() / 86_400,
        on_time=rights["time"],
        perfect=rights["perfect"],
        complete=complete,
    )
    if {"recovery_hours", "damaged_units", "wrong_units"} <= set(table):
        fault = delivered & (~complete | (table["damaged_units"] > 0) | (table["wrong_units"] > 0))
        recovered = fault & (pd.to_numeric(table["recovery_hours"]) <= recovery_target)
        facts = facts.assign(fault=fault, recovered=recovered)
    return facts


def _moment(as_of: Any) -> pd.Timestamp:
    """The end of the day, if only a day is given."""
    day = inputs.day(as_of, "as_of")
    moment = pd.Timestamp(as_of).tz_localize(None)
    return day + pd.Timedelta(days=1) if moment == day else moment


def _kpis(facts: pd.DataFrame) -> pd.Series:
    done = facts[facts["delivered"]]
    judged = facts.loc[facts["judged"], ["on_time", "perfect"]].mean()
    cycle = done["cycle"]
    found = {
        "orders": float(len(facts)),
        "unit_fill_rate": _share(facts["units_shipped"], facts["units_ordered"]),
        "order_fill_rate": facts["complete"].mean(),
        "cycle_time_mean": cycle.mean(),
        "cycle_time_p95": cycle.quantile(0.95),
        "on_time_rate": judged["on_time"],
        "cycle_time_sd": cycle.std(),
        "cycle_time_cv": cycle.std() / cycle.mean() if cycle.any() else np.nan,
        "perfect_order_rate": judged["perfect"],
    }
    if {"lines_ordered", "lines_complete"} <= set(facts):
        found["line_fill_rate"] = _share(facts["lines_complete"], facts["lines_ordered"])
        found["stockout_rate"] = 1 - found["line_fill_rate"]
    if {"special_request", "special_handled"} <= set(facts):
        found["flexibility_rate"] = done.loc[done["special_request"] == 1, "special_handled"].mean()
    if "fault" in facts:
        found["recovery_rate"] = _share(facts["recovered"], facts["fault"])
    if "wrong_units" in facts:
        found["accuracy_rate"] = (done["wrong_units"] == 0).mean()
    if "damaged_units" in facts:
        found["damage_rate"] = _share(done["damaged_units"], done["units_shipped"])
    return pd.Series({name: float(found[name]) for name in _KPIS if name in found})


def _share(part: pd.Series, whole: pd.Series) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else np.nan
