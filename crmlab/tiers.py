"""Three tiers of customers: VIP, ordinary, dormant."""

import numpy as np
import pandas as pd

from crmlab import rfm
from crmlab.errors import CourseError
from crmlab.i18n import _

VIP, ORDINARY, DORMANT = TIERS = (_("VIP"), _("普通"), _("休眠"))


def tiers(table: pd.DataFrame, window: int, vip_share: float = 0.2) -> pd.Series:
    """The tier of every customer.

    Dormant: no purchase within the last ``window`` days (recency > window). VIP: among the others, the top
    ``vip_share`` by monetary value. Ordinary: everybody else. Customers who tie in value are ranked in the order of
    their ids (``rank(method="first")`` after sorting by id) and a VIP's rank lies above the (1 − ``vip_share``)
    quantile of the ranks, as in :func:`crmlab.rfm.score`.

    Parameters
    ----------
    table : DataFrame with ``recency`` (days) and ``monetary`` (yuan), index customer id
    window : days, not negative
    vip_share : share of the customers who are not dormant, between 0 and 1

    Returns
    -------
    Series ``tier``, an ordered categorical of :data:`TIERS`, same index and order as ``table``.

    >>> table = pd.DataFrame({"recency": [10, 20, 30, 40, 300], "monetary": [90, 500, 80, 70, 9000]},
    ...                      index=["C1", "C2", "C3", "C4", "C5"])
    >>> tiers(table, window=180, vip_share=0.25).to_dict()
    {'C1': '普通', 'C2': 'VIP', 'C3': '普通', 'C4': '普通', 'C5': '休眠'}
    """
    rfm.check_table(table, ("recency", "monetary"))
    _check_number(window, "window")
    _check_number(vip_share, "vip_share")
    if window < 0:
        raise CourseError(_("window 是 {window:g} 天：窗口不能是负数，请写一个不小于 0 的天数").format(window=window))
    if not 0 < vip_share < 1:
        raise CourseError(_("vip_share 应在 0 和 1 之间，例如 0.2，现在是 {share!r}").format(share=vip_share))
    active = table.loc[table["recency"] <= window, "monetary"].sort_index()
    rank = active.rank(method="first")
    edge = 1 + (len(active) - 1) * (1 - vip_share)
    vips = active.index[rank > edge + 1e-9]
    tier = pd.Series(DORMANT, index=table.index, dtype=object)
    tier.loc[active.index] = ORDINARY
    tier.loc[vips] = VIP
    return pd.Series(pd.Categorical(tier, categories=list(TIERS), ordered=True), index=table.index, name="tier")


def _check_number(value: object, name: str) -> None:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not np.isfinite(value):  # type: ignore[call-overload]
        raise CourseError(_("{name} 应是一个数，现在是 {value!r}").format(name=name, value=value))
