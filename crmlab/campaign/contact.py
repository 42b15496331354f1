"""How often is too often? A cap on messages, and what answers do as messages pile up.

Both count messages of whole days in a sliding window: "7 days" are the day itself and the 6 before it.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.i18n import _


def frequency_cap(
    sends: pd.DataFrame, cap: int, days: int = 7, *, customer: str = "customer_id", date: str = "sent_at"
) -> pd.Series:
    """Which messages may go out if nobody is to get more than ``cap`` within ``days`` days.

    Day by day, a message goes out if fewer than ``cap`` messages *went out* to that customer on this and the
    ``days`` - 1 days before; messages of one day in the order of the rows.

    Parameters
    ----------
    sends : DataFrame, one row a planned message
    cap : most messages, at least 1
    days : length of the sliding window in days
    customer, date : names of the columns

    Returns
    -------
    Series ``allowed`` (bool), index of ``sends``.

    >>> plan = pd.DataFrame({"customer_id": "C1", "sent_at": ["2025-12-01", "2025-12-02", "2025-12-04", "2025-12-08"]})
    >>> frequency_cap(plan, cap=2).to_list()
    [True, True, False, True]
    """
    cap = inputs.whole(cap, "cap", low=1)
    days = inputs.whole(days, "days", low=1)
    codes, day = _contacts(sends, customer, date)
    allowed = np.zeros(len(codes), dtype=bool)
    recent: deque[int] = deque()
    before = -1
    for row in np.lexsort((day, codes)).tolist():
        if codes[row] != before:
            before = codes[row]
            recent.clear()
        while recent and recent[0] <= day[row] - days:
            recent.popleft()
        if len(recent) < cap:
            recent.append(day[row])
            allowed[row] = True
    return pd.Series(allowed, index=sends.index, name="allowed")


def saturation(
    sends: pd.DataFrame,
    days: int = 7,
    most: int = 5,
    *,
    customer: str = "customer_id",
    date: str = "sent_at",
    outcomes: Sequence[str] = ("clicked", "unsubscribed"),
) -> pd.DataFrame:
    """Answers to a message by the number of messages the customer had got in the days before.

    Mind who gets many messages: mostly the active customers, who click more anyway. Compare within groups of equal
    activity, or the fatigue hides.

    Parameters
    ----------
    sends : DataFrame, one row a message
    days : messages of this many days count (earlier ones of the same day too)
    most : this many or more messages go into one row
    customer, date : names of the columns
    outcomes : names of columns of 0 / 1 or False / True

    Returns
    -------
    DataFrame, index ``earlier`` (0, 1, ..., most; only those that occur), ``sends`` and the mean of each outcome (0-1).

    >>> log = pd.DataFrame({"customer_id": "C1", "sent_at": ["2025-12-01", "2025-12-02", "2025-12-20"],
    ...                     "clicked": [True, False, True], "unsubscribed": False})
    >>> saturation(log)["clicked"].to_dict()
    {0: 1.0, 1: 0.0}
    """
    days = inputs.whole(days, "days", low=1)
    most = inputs.whole(most, "most", low=1)
    codes, day = _contacts(sends, customer, date)
    inputs.frame(sends, _("触达记录"), outcomes)
    order = np.lexsort((day, codes))
    # One number a row: customers lie so far apart that a window never reaches the neighbour.
    place = (codes * (np.ptp(day) + days + 1) + day - day.min())[order]
    earlier = np.empty(len(order), dtype="int64")
    earlier[order] = np.arange(len(order)) - np.searchsorted(place, place - days, side="right")
    values = {name: inputs.numbers(sends, name, low=0, high=1) for name in outcomes}
    groups = pd.DataFrame(values).groupby(pd.Series(np.minimum(earlier, most), name="earlier"))
    return pd.concat([groups.size().rename("sends"), groups.mean()], axis=1)


def _contacts(sends: Any, customer: str, date: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Customers as codes and days as numbers."""
    inputs.frame(sends, _("触达记录"), (customer, date))
    codes, _ids = pd.factorize(inputs.ids(sends, customer))
    return codes, inputs.days(sends, date).to_numpy().astype("datetime64[D]").astype("int64")
