"""What the curves over customers share: columns that belong together, and sums down the ranking by score.

Customers are ranked by score, highest first; those of equal score are one block, so that the order of the rows never
matters.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

Floats = NDArray[np.float64]


def same_rows(index: pd.Index | None = None, /, **columns: Any) -> list[Floats]:
    """The columns as floats of one length; Series must also agree in their index, or rows would be mixed up.

    Parameters
    ----------
    index : of the table ``X`` that the columns belong to, if there is one
    columns : lists, arrays or Series by the name that a message tells

    Raises
    ------
    CourseError : a gap, different lengths, or Series in different order.

    >>> same_rows(score=[0.9, 0.1], y=[True, False])
    [array([0.9, 0.1]), array([1., 0.])]
    """
    found = {name: inputs.vector(values, name) for name, values in columns.items()}
    first = next(iter(found)) if index is None else "X"
    length = len(found[first]) if index is None else len(index)
    for name, values in columns.items():
        if len(found[name]) != length:
            raise CourseError(
                _("{name} 有 {found} 个值，{first} 有 {length} 个：应是同一批客户，请对齐").format(
                    name=name, found=len(found[name]), first=first, length=length
                )
            )
        if isinstance(values, pd.Series):
            index = values.index if index is None else index
            if not values.index.equals(index):
                raise CourseError(
                    _("{name} 的索引与前面的不同，客户会错位：请用 reindex 对齐，或都用 to_numpy() 按位置对应").format(
                        name=name
                    )
                )
    return list(found.values())


def zero_one(values: Floats, name: str) -> None:
    """Refuses anything but 0 and 1.

    Raises
    ------
    CourseError : names the first other value by its position from 1.

    >>> zero_one(np.array([1.0, 0.0]), "y")
    """
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CourseError(
            _("{name} 第 {row} 个值是 {value:g}，应是 0 或 1（False 或 True）：请先换成 0 和 1").format(
                name=name, row=row + 1, value=values[row]
            )
        )


def part_sizes(count: int, bins: Any) -> NDArray[np.int64]:
    """Sizes of ``bins`` parts of ``count`` customers, as equal as can be, larger ones first.

    Raises
    ------
    CourseError : no whole number of 2 to 100 parts, or fewer customers than parts.

    >>> part_sizes(10, 4)
    array([3, 3, 2, 2])
    """
    bins = inputs.whole(bins, "bins", low=2, high=100)
    if count < bins:
        raise CourseError(
            _("只有 {count} 位客户，分不成 {bins} 份：请减小 bins 或使用更多客户").format(count=count, bins=bins)
        )
    return count // bins + (np.arange(bins) < count % bins)


def running_sums(scores: Floats, *columns: Floats) -> Floats:
    """Sums of the columns down the ranking, (blocks + 1, columns): one row a different score, first row zeros.

    >>> running_sums(np.array([5.0, 9.0, 5.0]), np.ones(3), np.array([1.0, 0.0, 1.0]))
    array([[0., 0.],
           [1., 0.],
           [3., 2.]])
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    ends = np.append(np.flatnonzero(ranked[:-1] != ranked[1:]), len(ranked) - 1)
    sums = np.cumsum(np.column_stack(columns)[order], axis=0)[ends]
    return np.vstack([np.zeros(len(columns)), sums])
