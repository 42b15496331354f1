"""What a path model says, before any data: latents, their items, the arrows between them. Checked, and as arrays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

Links = NDArray[np.bool_]


@dataclass(frozen=True)
class Design:
    """A path model of k items and l latents.

    Attributes
    ----------
    items, latents : their names, in order
    member : (k, l), True where the item belongs to the latent
    inner : (l, l), True where the column's latent drives the row's
    formative : (l,), True for mode B

    Examples
    --------
    >>> model = design({"质量": ["满意"]}, {"质量": ["q1", "q2"], "满意": ["s1"]}, "A")
    >>> model.items, model.block_names, model.pairs(model.inner)
    (['q1', 'q2', 's1'], ['质量', '质量', '满意'], [('质量', '满意')])
    """

    items: list[str]
    latents: list[str]
    member: Links
    inner: Links
    formative: Links

    @property
    def block_of(self) -> NDArray[np.intp]:
        """(k,), the place of each item's latent."""
        return self.member.argmax(axis=1)

    @property
    def block_names(self) -> list[str]:
        """The latent of each item."""
        return [self.latents[j] for j in self.block_of]

    @property
    def driven(self) -> Links:
        """(l,), True for latents that have a cause."""
        return np.logical_or.reduce(self.inner, axis=1)

    @property
    def linked(self) -> Links:
        """(l, l), True where the column's latent reaches the row's, directly or through others."""
        size = len(self.latents)
        return np.linalg.matrix_power(self.inner + np.eye(size), size) > np.eye(size)

    def pairs(self, links: Links) -> list[tuple[str, str]]:
        """(cause, effect) of every True in ``links``, in the order of the causes."""
        return [(self.latents[cause], self.latents[effect]) for cause, effect in np.argwhere(links.T)]

    def block(self, j: int | np.signedinteger) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Index of the rows and columns of latent ``j``'s items in a (k, k) matrix."""
        at = np.flatnonzero(self.member[:, j])
        return at[:, None], at[None, :]


def design(paths: Any, blocks: Any, modes: Any) -> Design:
    """The design that ``paths``, ``blocks`` and ``modes`` of ``PLSPathModel`` describe.

    Raises
    ------
    CourseError : a latent without items or without path, a column in two blocks, an unknown name, a circle.

    Examples
    --------
    >>> design([("质量", "满意")], {"质量": ["q1"], "满意": ["s1"]}, {"质量": "B"}).formative
    array([ True, False])
    """
    if not isinstance(blocks, Mapping) or not blocks:
        raise CourseError(_('blocks 应是字典：潜变量 → 它的列，例如 {{"满意": ["sat1", "sat2"]}}').format())
    lists = {name: [columns] if isinstance(columns, str) else list(columns) for name, columns in blocks.items()}
    for name, columns in lists.items():
        if not columns:
            raise CourseError(_("潜变量 {name} 没有一列：请至少给它一道题").format(name=name))
    items = [column for columns in lists.values() for column in columns]
    repeated = next((column for column in items if items.count(column) > 1), None)
    if repeated is not None:
        raise CourseError(_("列 {column} 在 blocks 里出现了不止一次：每道题只能属于一个潜变量").format(column=repeated))
    latents = list(lists)
    member = np.array([[column in lists[name] for name in latents] for column in items])
    return Design(items, latents, member, _links(paths, latents), _formative(modes, latents))


def _links(paths: Any, latents: list[str]) -> Links:
    inner = np.zeros((len(latents), len(latents)), dtype=bool)
    for cause, effect in _pairs(paths):
        for name in (cause, effect):
            if name not in latents:
                raise CourseError(
                    _("paths 里的潜变量 {name} 不在 blocks 里：blocks 有 {have}").format(
                        name=name, have=_("、").join(map(str, latents))
                    )
                )
        inner[latents.index(effect), latents.index(cause)] = True
    lonely = ~(inner.any(axis=0) | inner.any(axis=1))
    if lonely.any():
        raise CourseError(
            _("潜变量 {name} 没有连到任何路径：请在 paths 里写上它，或从 blocks 里去掉").format(
                name=latents[int(np.argmax(lonely))]
            )
        )
    _refuse_circles(inner, latents)
    return inner


def _refuse_circles(inner: Links, latents: list[str]) -> None:
    left = np.ones(len(latents), dtype=bool)
    while left.any():  # take away the latents that nothing left drives; in a circle there is none
        free = left & ~(inner & left).any(axis=1)
        if not free.any():
            names = _("、").join(str(latents[j]) for j in np.flatnonzero(left))
            raise CourseError(_("paths 里有回路，涉及 {names}：路径只能从原因走向结果").format(names=names))
        left &= ~free


def _pairs(paths: Any) -> list[tuple[Any, Any]]:
    """(cause, effect) of every path, from any of the three ways to write them."""
    if isinstance(paths, pd.DataFrame):
        if list(paths.index) != list(paths.columns) or not paths.isin([0, 1]).all(axis=None):
            raise CourseError(_("paths 表应是方阵，行名与列名相同，格子里只有 0 和 1（1 表示列影响行）"))
        return [(paths.columns[j], paths.index[i]) for i, j in np.argwhere(paths.to_numpy() == 1)]
    if isinstance(paths, Mapping):
        return [(cause, effect) for cause, effects in paths.items() for effect in _listed(effects)]
    pairs = [tuple(_listed(pair)) for pair in _listed(paths)]
    if any(len(pair) != 2 for pair in pairs):
        raise CourseError(_("paths 应是字典（原因 → 结果的列表）、(原因, 结果) 的列表，或 0/1 方阵"))
    return [(pair[0], pair[1]) for pair in pairs]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def _formative(modes: Any, latents: list[str]) -> Links:
    if isinstance(modes, Sequence) and not isinstance(modes, str):
        if len(modes) != len(latents):
            raise CourseError(
                _("modes 应给每个潜变量一个 A 或 B：潜变量有 {n} 个，现在写了 {found} 个").format(
                    n=len(latents), found=len(modes)
                )
            )
        modes = dict(zip(latents, modes, strict=True))
    given = modes if isinstance(modes, Mapping) else dict.fromkeys(latents, modes)
    unknown = [str(name) for name in given if name not in latents]
    if unknown:
        raise CourseError(_("modes 里的 {names} 不是 blocks 里的潜变量").format(names=_("、").join(unknown)))
    return np.array([inputs.choice(given.get(name, "A"), "modes", ("A", "B")) == "B" for name in latents])
