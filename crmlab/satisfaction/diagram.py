"""The picture of a path model: latents as ellipses, causes left of their effects, arrows with coefficients.

No plotting library of the course draws such diagrams, so the layout is found here: each latent stands in the column
that its longest chain of causes asks for, and the heights are searched for the picture in which no arrow runs through a
latent, few cross, and none hides another.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

# All lengths in inches.
_COLUMN = 1.5  # from one column of latents to the next
_LEVEL = 0.72  # from one height to the next
_LEVELS = 6  # heights to choose from, if no column holds more latents
_TALL = 0.29  # half the height of an ellipse
_CLEAR = 0.1  # between an arrow and a latent that it passes
_STARTS = 24  # the search begins at so many arrangements and keeps the best
_WEAK = 0.1  # a coefficient below this is drawn in grey


@dataclass(frozen=True)
class _Graph:
    names: list[str]
    columns: NDArray[np.intp]
    wide: Array  # half the width of each ellipse
    arrows: NDArray[np.intp]  # (arrows, 2): cause, effect


def path_diagram(paths: pd.DataFrame, r_squared: pd.Series) -> "Figure":
    """Path diagram of an estimated model.

    Parameters
    ----------
    paths : DataFrame, latents × latents, coefficient of the column's latent on the row's; 0 where there is no path
    r_squared : Series, latents that have a cause

    Returns
    -------
    Figure. Blue arrows raise, red ones lower their effect; the thicker, the stronger; grey ones are below 0.1.

    Examples
    --------
    >>> paths = pd.DataFrame({"质量": [0, 0.8], "满意": [0, 0]}, index=["质量", "满意"])
    >>> figure = path_diagram(paths, pd.Series({"满意": 0.64}))
    >>> figure.get_suptitle()
    '质量 对 满意 的直接影响最大：0.80'
    """
    from crmlab import plots

    graph = _graph(paths)
    at = _arrange(graph)
    strength = [float(paths.iloc[effect, cause]) for cause, effect in graph.arrows]
    most = int(np.argmax(np.abs(strength)))
    cause, effect = graph.arrows[most]
    left, right = (at[:, 0] - graph.wide).min() - 0.1, (at[:, 0] + graph.wide).max() + 0.1
    bottom, top = at[:, 1].min() - _TALL - 0.1, at[:, 1].max() + _TALL + 0.1
    figure, (ax,) = plots.new_figure(
        _("{cause} 对 {effect} 的直接影响最大：{value:.2f}").format(
            cause=graph.names[cause], effect=graph.names[effect], value=strength[most]
        ),
        width=max(right - left + 0.3, 4.6),
        height=top - bottom + 0.75,
    )
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.axis("off")
    _draw_arrows(ax, graph, at, strength)
    for name, (x, y), wide in zip(graph.names, at, graph.wide, strict=True):
        _draw_latent(ax, name, x, y, wide, r_squared.get(name))
    return figure


# ------------------------------------------------------------------------------------------------------------ drawing


def _draw_latent(ax: "Axes", name: str, x: float, y: float, wide: float, r_squared: float | None) -> None:
    from matplotlib.patches import Ellipse

    from crmlab import plots

    ax.add_patch(Ellipse((x, y), 2 * wide, 2 * _TALL, facecolor="white", edgecolor=plots.BLUE, lw=1.4, zorder=3))
    lift = 0 if r_squared is None else 0.075
    ax.text(x, y + lift, name, ha="center", va="center", fontsize=10.5, color=plots.INK, zorder=4)
    if r_squared is not None:
        ax.text(x, y - 0.115, f"R² {r_squared:.2f}", ha="center", va="center", fontsize=8, color=plots.MUTED, zorder=4)


def _draw_arrows(ax: "Axes", graph: _Graph, at: Array, strength: list[float]) -> None:
    from crmlab import plots

    ends = [_trimmed(at, graph.wide, *arrow) for arrow in graph.arrows]
    for (start, end), value in zip(ends, strength, strict=True):
        colour = plots.GREY if abs(value) < _WEAK else plots.BLUE if value > 0 else plots.RED
        style = {
            "arrowstyle": "-|>,head_width=0.22,head_length=0.4",
            "color": colour,
            "lw": 0.9 + 3 * min(abs(value), 1),
            "shrinkA": 0,
            "shrinkB": 0,
        }
        ax.annotate("", (end[0], end[1]), (start[0], start[1]), arrowprops=style, zorder=2)
    for (x, y), value in zip(_label_places(graph, at, ends), strength, strict=True):
        box = {"boxstyle": "round,pad=0.12", "facecolor": plots.PAPER, "edgecolor": "none"}
        ax.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=9, color=plots.INK, bbox=box, zorder=5)


def _trimmed(at: Array, wide: Array, cause: int, effect: int) -> tuple[Array, Array]:
    """Start and end of an arrow, from the edge of one ellipse to the edge of the other."""
    step = at[effect] - at[cause]
    ends = []
    for node, direction in ((cause, step), (effect, -step)):
        reach = 1 / np.hypot(direction[0] / (wide[node] + 0.03), direction[1] / (_TALL + 0.03))
        ends.append(at[node] + reach * direction)
    return ends[0], ends[1]


def _label_places(graph: _Graph, at: Array, ends: list[tuple[Array, Array]]) -> list[Array]:
    """A point on each arrow where its number is far from the other arrows, numbers and latents."""
    spread = np.linspace(0, 1, 41)[:, None]
    lines = [start + spread * (end - start) for start, end in ends]
    sides = np.column_stack([graph.wide, np.zeros(len(at))])
    places: list[Array] = []
    for i, line in enumerate(lines):
        others = np.concatenate(
            [*(other for j, other in enumerate(lines) if j != i), *(p[None] for p in places), at - sides, at + sides]
        )
        inner = line[10:31]
        gap = inner[:, None] - others[None]
        room = np.hypot(gap[..., 0] / 1.8, gap[..., 1]).min(axis=1)  # a number is wider than tall
        middle = 0.1 * np.abs(np.linspace(-1, 1, len(inner)))
        places.append(inner[int(np.argmax(np.minimum(room, 0.3) - middle))])
    return places


# ------------------------------------------------------------------------------------------------------------- layout


def _graph(paths: pd.DataFrame) -> _Graph:
    links = paths.to_numpy() != 0
    columns = np.zeros(len(paths), dtype=int)
    for _step in range(len(paths)):  # longest chain of causes
        columns = np.array([max((columns[cause] + 1 for cause in np.flatnonzero(row)), default=0) for row in links])
    names = [str(name) for name in paths.index]
    # A Chinese character is as wide as the type is tall, a Latin letter about half.
    ems = [sum(1.0 if ord(letter) > 255 else 0.56 for letter in name) for name in names]
    wide = np.maximum(0.073 * np.array(ems) + 0.2, 0.46)
    return _Graph(names, columns, wide, np.argwhere(links.T))


def _arrange(graph: _Graph) -> Array:
    """Position (latents, 2) of each latent: columns are given, heights are searched one latent at a time."""
    fullest = int(np.bincount(graph.columns).max())
    heights = max(_LEVELS, fullest)
    # A full column sends steep arrows: more room to the next one keeps them off the neighbours.
    x = graph.columns * (max(_COLUMN, 2 * graph.wide.max() + 0.58) + 0.3 * max(0, fullest - 3))
    rng = np.random.default_rng(0)
    best, least = np.zeros(len(x), dtype=int), np.inf
    for _start in range(_STARTS):
        levels, cost, before = rng.integers(heights, size=len(x)), np.inf, np.nan
        while cost != before:
            before = cost
            for node in range(len(x)):
                trials = np.repeat(levels[None], heights, axis=0)
                trials[:, node] = np.arange(heights)
                costs = _clutter(graph, x, trials)
                levels, cost = trials[int(np.argmin(costs))], float(costs.min())
        if cost < least:
            best, least = levels, cost
    return np.column_stack([x, best * _LEVEL])


def _clutter(graph: _Graph, x: Array, levels: NDArray[np.intp]) -> Array:
    """How unclear arrangements are; levels: (trials, latents)."""
    at = np.stack([np.broadcast_to(x, levels.shape), levels * _LEVEL], axis=-1)  # (trials, latents, 2)
    a, b = np.triu_indices(len(x), 1)
    stacked = ((graph.columns[a] == graph.columns[b]) & (levels[:, a] == levels[:, b])).sum(axis=1)
    rise = np.abs(at[:, graph.arrows[:, 0], 1] - at[:, graph.arrows[:, 1], 1]).sum(axis=1)
    height = np.ptp(levels, axis=1)
    return 60 * stacked + 30 * _touches(graph, at) + _conflicts(graph, at) + 0.12 * height + 0.02 * rise


def _touches(graph: _Graph, at: Array) -> Array:
    """How much arrows run into latents that they do not belong to, (trials,)."""
    start, end = at[:, graph.arrows[:, 0]], at[:, graph.arrows[:, 1]]
    points = start[:, :, None] + np.linspace(0, 1, 25)[:, None] * (end - start)[:, :, None]
    axes = np.column_stack([graph.wide + _CLEAR, np.full(len(graph.wide), _TALL + _CLEAR)])
    gap = (points[:, :, :, None] - at[:, None, None]) / axes  # (trials, arrows, 25, latents, 2)
    near = np.sqrt(np.square(gap).sum(axis=-1).min(axis=2))  # below 1 the arrow touches
    near[:, np.arange(len(graph.arrows))[:, None], graph.arrows] = np.inf
    return np.clip(1.15 - near, 0, None).sum(axis=(1, 2))


def _conflicts(graph: _Graph, at: Array) -> Array:
    """1 for each two arrows that cross, up to 4 for two that leave or reach a latent side by side; (trials,)."""
    one, two = np.triu_indices(len(graph.arrows), 1)
    (p, q), (r, s) = graph.arrows[one].T, graph.arrows[two].T
    apart = (p != r) & (p != s) & (q != r) & (q != s)
    first, second, third, fourth = (at[:, index[apart]] for index in (p, q, r, s))
    crossing = (_side(first, second, third) != _side(first, second, fourth)) & (
        _side(third, fourth, first) != _side(third, fourth, second)
    )
    shared = np.where((p == r) | (p == s), p, q)[~apart]
    ends = at[:, (p + q)[~apart] - shared] - at[:, shared], at[:, (r + s)[~apart] - shared] - at[:, shared]
    cross = ends[0][..., 0] * ends[1][..., 1] - ends[0][..., 1] * ends[1][..., 0]
    angle = np.abs(np.arctan2(cross, (ends[0] * ends[1]).sum(axis=-1)))
    return crossing.sum(axis=1) + 4 * np.clip(1 - angle / 0.3, 0, None).sum(axis=1)


def _side(a: Array, b: Array, c: Array) -> NDArray[np.bool_]:
    ahead, across = b - a, c - a
    return ahead[..., 0] * across[..., 1] > ahead[..., 1] * across[..., 0]
