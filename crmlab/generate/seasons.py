"""The shop's calendar: promotions, and how much is bought on which day and at which hour."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

START = np.datetime64("2024-01-01")  # the shop opens: every customer's first purchase is in the data
AS_OF = np.datetime64("2025-12-31")  # last day, included
DAYS = int((AS_OF - START).astype(int)) + 1

# Share of purchases by hour of day: a lunch break and a long evening.
_HOURS = np.array([2, 1, 0.5, 0.3, 0.3, 0.5, 1, 2, 3, 4.5, 5.5, 5.5, 6, 5.5, 4.5, 4.5, 4.5, 4, 4.5, 6, 8, 9, 7.5, 4.5])
HOUR_WEIGHTS = _HOURS / _HOURS.sum()

_MONTH = np.array([1.02, 0.92, 0.98, 0.98, 1.02, 1.02, 0.94, 0.96, 1.03, 1.05, 1.06, 1.02])
_WEEKDAY = np.array([0.96, 0.95, 0.96, 0.97, 1.03, 1.08, 1.05])  # Monday first
# Couriers rest around the Spring Festival (first days of the lunar year: 2024-02-10 and 2025-01-29).
_HOLIDAYS = (("2024-02-08", "2024-02-15"), ("2025-01-27", "2025-02-03"))
_HOLIDAY_DEMAND = 0.35


@dataclass(frozen=True)
class Promotion:
    """A promotion: its days (both included), its discount as a fraction, and its pull.

    ``pull`` is the additional demand on a day of the promotion, in ordinary days, for a customer of average
    sensitivity; the opening day pulls 1.5 times and the last day 3 times as much.

    >>> singles_day = next(promotion for promotion in PROMOTIONS if promotion.name == "双11")
    >>> singles_day.first, singles_day.last, singles_day.discount
    ('2024-10-31', '2024-11-11', 0.3)
    """

    name: str
    first: str
    last: str
    discount: float
    pull: float


_SEASONAL = (
    Promotion("年货节", "2024-01-15", "2024-02-04", 0.2, 0.40),
    Promotion("三八节", "2024-03-05", "2024-03-08", 0.1, 0.60),
    Promotion("618", "2024-06-01", "2024-06-18", 0.2, 1.10),
    Promotion("开学季", "2024-08-25", "2024-09-03", 0.1, 0.40),
    Promotion("双11", "2024-10-31", "2024-11-11", 0.3, 2.00),
    Promotion("双12", "2024-12-10", "2024-12-12", 0.2, 0.90),
    Promotion("年货节", "2025-01-05", "2025-01-23", 0.2, 0.40),
    Promotion("三八节", "2025-03-05", "2025-03-08", 0.1, 0.60),
    Promotion("618", "2025-06-01", "2025-06-18", 0.2, 1.10),
    Promotion("开学季", "2025-08-25", "2025-09-03", 0.1, 0.40),
    Promotion("双11", "2025-10-31", "2025-11-11", 0.3, 2.00),
    Promotion("双12", "2025-12-10", "2025-12-12", 0.2, 0.90),
)
# The 8th of every month; where it falls into a seasonal promotion, the seasonal one counts.
_MEMBER_DAYS = tuple(
    Promotion("会员日", f"{month}-08", f"{month}-08", 0.1, 0.20)
    for month in np.arange("2024-01", "2026-01", dtype="datetime64[M]").astype(str)
)
PROMOTIONS = (*_MEMBER_DAYS, *_SEASONAL)


def day_number(date: str) -> int:
    """Days from the opening of the shop to an ISO date.

    >>> day_number("2024-01-01"), day_number("2024-02-01")
    (0, 31)
    """
    return int((np.datetime64(date) - START).astype(int))


@cache
def base_demand() -> NDArray[np.float64]:
    """Demand without promotions by day, mean 1: month, weekday, Spring Festival."""
    days = START + np.arange(DAYS)
    month = days.astype("datetime64[M]").astype(int) % 12
    weekday = (days.astype("datetime64[D]").astype(int) + 3) % 7  # 1970-01-01 was a Thursday
    demand = _MONTH[month] * _WEEKDAY[weekday]
    for first, last in _HOLIDAYS:
        demand[day_number(first) : day_number(last) + 1] *= _HOLIDAY_DEMAND
    demand = demand / demand.mean()
    demand.flags.writeable = False
    return demand


@cache
def promotion_days() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The promotion of each day (index in ``PROMOTIONS``, -1 for none) and its additional demand."""
    which = np.full(DAYS, -1)
    pull = np.zeros(DAYS)
    for index, promotion in enumerate(PROMOTIONS):
        first, last = day_number(promotion.first), day_number(promotion.last)
        which[first : last + 1] = index
        pull[first : last + 1] = promotion.pull
        if last > first:
            pull[first] *= 1.5
            pull[last] *= 3
    which.flags.writeable = pull.flags.writeable = False
    return which, pull
