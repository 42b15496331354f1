"""How a data set is made: the one that is published and the one that is drawn for a student."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Recipe", "Truth", "numbered"]


class Truth(Protocol):
    """What a generator knows and no file says.

    >>> from crmlab.generate import recipe
    >>> tables, truth = recipe("ecommerce").generate(1, 100, 1)
    >>> truth.frame().index.equals(pd.Index(tables["customers"]["customer_id"]))
    True
    """

    def frame(self) -> pd.DataFrame:
        """The truth as a table, one row a unit (customer, pair, shipment, ...), index its id."""


@dataclass(frozen=True)
class Recipe:
    """How a data set is made.

    Attributes:
        generate: ``generate(seed, size, first_number) -> (tables, truth)``; the same arguments give the same tables.
        seed: seed of the published data set.
        size: number of main units (customers, orders, ...: the data card says which) in the published data set.
        drawn: number of main units in the tables drawn for one student.
        as_of: day at whose end the data were taken.

    >>> from crmlab.generate import recipe
    >>> recipe("ecommerce").size
    5000
    """

    generate: Callable[[int, int, int], tuple[dict[str, pd.DataFrame], Truth]]
    seed: int
    size: int
    drawn: int
    as_of: pd.Timestamp


def numbered(prefix: str, first: int, count: int, width: int = 5) -> NDArray[np.object_]:
    """Ids that run from ``first``: a prefix and a number of at least ``width`` digits, shape (count,).

    >>> numbered("C", 1, 2).tolist()
    ['C00001', 'C00002']
    """
    return np.array([f"{prefix}{number:0{width}d}" for number in range(first, first + count)], dtype=object)
