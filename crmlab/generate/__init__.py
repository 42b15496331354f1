"""Seeded generators of the course's data sets, with known truth.

A generator takes a seed and gives the same tables every time, and beside them the truth that no file holds.
``RECIPES`` says how each data set is made: the one that is published and the one that is drawn for a student.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crmlab.generate import ecommerce, seasons

__all__ = ["RECIPES", "Recipe", "ecommerce"]


@dataclass(frozen=True)
class Recipe:
    """How a data set is made.

    Attributes:
        generate: ``generate(seed, customers, first_number) -> (tables, truth)``.
        seed: seed of the published data set.
        customers: customers in the published data set.
        drawn_customers: customers in the tables drawn for one student.
        as_of: day at whose end the data were taken.
    """

    generate: Callable[[int, int, int], tuple[dict[str, pd.DataFrame], Any]]
    seed: int
    customers: int
    drawn_customers: int
    as_of: pd.Timestamp


RECIPES = {
    "ecommerce": Recipe(
        generate=ecommerce.generate,
        seed=20260104,
        customers=5000,
        drawn_customers=1000,
        as_of=pd.Timestamp(seasons.AS_OF),
    ),
}
