"""What the judge gets for things that are not plain data, and what of a figure goes into it."""

import dataclasses
import types
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from autograder.wire.limits import MAX_POINTS
from autograder.wire.names import clean

Reason = Literal["kind", "large", "deep", "cyclic", "broken"]


class RemoteError(Exception):
    """A function of the student raised; ``kind`` is the name of the exception's type, ``message`` its text."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class Opaque:
    """Something that does not cross. Its type bears the name of the student's type; it equals only itself.

    Attributes:
        reason: "kind" (such things never cross), "large", "deep", "cyclic", "broken" (reading it failed).
    """

    __slots__ = ("reason",)

    def __init__(self, reason: Reason) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Fields(types.SimpleNamespace):
    """An instance of a dataclass: its fields as attributes. Its type bears the name of the student's class."""


class Function:
    """A function that stays in the student's process. A call sends the arguments and decodes what comes back.

    :raises RemoteError: if the student's function raises.
    :raises WireError: if the reply is malformed.
    """

    __slots__ = ("_send",)

    def __init__(self, send: Callable[[tuple[Any, ...], dict[str, Any]], Any]) -> None:
        self._send = send

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._send(args, kwargs)

    def __repr__(self) -> str:
        return "<Function>"


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a plot, in data units; categories and dates are numbers as Matplotlib sees them."""

    x: list[float]
    y: list[float]
    label: str


@dataclasses.dataclass(frozen=True)
class Bar:
    """A bar: ``x`` is its middle on the axis it stands on, ``height`` its length, ``width`` its thickness."""

    x: float
    height: float
    width: float
    label: str
    horizontal: bool


@dataclasses.dataclass(frozen=True)
class Points:
    """The points of one scatter."""

    x: list[float]
    y: list[float]
    label: str


@dataclasses.dataclass(frozen=True)
class Axes:
    """What can be seen in one coordinate system."""

    title: str
    xlabel: str
    ylabel: str
    lines: list[Line]
    bars: list[Bar]
    points: list[Points]
    texts: list[str]
    xticklabels: list[str]
    yticklabels: list[str]
    legend: list[str]


@dataclasses.dataclass(frozen=True)
class Figure:
    """A Matplotlib figure; ``title`` is that of the whole figure."""

    title: str
    axes: list[Axes]


@dataclasses.dataclass(frozen=True)
class Widget:
    """A widget; ``kind`` is the name of its class, ``value`` is None where it has none."""

    kind: str
    value: Any
    description: str
    children: list["Widget"]


def figure_seen(figure: Any) -> Figure:
    """What can be seen of a Matplotlib figure."""
    return Figure(clean(figure.get_suptitle()), [axes_seen(axes) for axes in figure.axes])


def axes_seen(axes: Any) -> Axes:
    """What can be seen of Matplotlib axes."""
    legend = axes.get_legend()
    offsets = [(cloud, np.ma.asarray(cloud.get_offsets())) for cloud in axes.collections if hasattr(cloud, "get_sizes")]
    return Axes(
        title=clean(next(filter(None, map(axes.get_title, ("center", "left", "right"))), "")),
        xlabel=clean(axes.get_xlabel()),
        ylabel=clean(axes.get_ylabel()),
        lines=[Line(_floats(x.get_xdata()), _floats(x.get_ydata()), clean(x.get_label())) for x in axes.get_lines()],
        bars=[bar for group in axes.containers for bar in _bars_seen(group)][:MAX_POINTS],
        points=[Points(_floats(xy[:, 0]), _floats(xy[:, 1]), clean(cloud.get_label())) for cloud, xy in offsets],
        texts=_texts(axes.texts),
        xticklabels=_texts(axes.get_xticklabels()),
        yticklabels=_texts(axes.get_yticklabels()),
        legend=_texts(legend.get_texts()) if legend else [],
    )


def _texts(artists: Any) -> list[str]:
    return [clean(artist.get_text()) for artist in list(artists)[:MAX_POINTS]]


def _bars_seen(group: Any) -> list[Bar]:
    """The bars of one call of ``bar``, ``barh`` or ``hist``; none if the group is of another kind."""
    if not hasattr(group, "patches"):
        return []
    label, flat = clean(group.get_label()), getattr(group, "orientation", None) == "horizontal"
    bars = []
    for patch in group.patches[:MAX_POINTS]:
        x, y, width, height = map(float, (patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()))
        bars.append(
            Bar(y + height / 2, width, height, label, True) if flat else Bar(x + width / 2, height, width, label, False)
        )
    return bars


def _floats(values: Any) -> list[float]:
    return np.ma.filled(np.ma.asarray(values, dtype=float), np.nan).ravel()[:MAX_POINTS].tolist()
