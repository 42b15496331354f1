"""Palette, font and the parts that figures share.

Importing this module registers Noto Sans SC (it comes as a file in the wheel ``zhplot``) and sets Matplotlib's defaults.
"""

import base64
import html
import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib import font_manager, patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmlab.errors import CourseError
from crmlab.i18n import _

FONT = "Noto Sans SC"

# The hues of Okabe and Ito (2008), calmed: neighbours differ in lightness too, so they stay apart for readers who
# confuse red and green, and in grey print.
PALETTE = ("#2b6ca3", "#e39b3b", "#1f9a83", "#c2553d", "#7fb4d8", "#8d6aa8", "#c9b23f", "#7a8794")
BLUE, ORANGE, GREEN, RED, SKY, PURPLE, YELLOW, GREY = PALETTE
INK = "#22303c"
MUTED = "#5f6c78"
GRID = "#e6e8e8"
PAPER = "#fbfbf8"
PALE = "#cfd6da"

DPI = 200  # pixels an inch in the file; shown at half of that, sharp on dense screens
CSS_PIXELS = 100  # pixels of the page an inch

_STYLE = {
    "font.family": [FONT, "DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.unicode_minus": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titlecolor": INK,
    "axes.titlepad": 8,
    "axes.edgecolor": PALE,
    "axes.linewidth": 0.8,
    "axes.facecolor": PAPER,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=PALETTE),
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "figure.facecolor": PAPER,
    "figure.figsize": (7.2, 4.0),
    "figure.dpi": CSS_PIXELS,
    "savefig.facecolor": PAPER,
    "savefig.dpi": DPI,
    "lines.linewidth": 2.2,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
}


def _register() -> None:
    spec = find_spec(
        "zhplot"
    )  # finds the folder without running the package, which would change Matplotlib its own way
    folder = Path(spec.origin).parent if spec and spec.origin else None
    font = folder / "fonts" / "NotoSansSC-Regular.ttf" if folder else None
    if font is None or not font.is_file():
        raise CourseError(_("找不到中文字体 NotoSansSC-Regular.ttf：请在课程目录运行 make setup 安装 zhplot"))
    font_manager.fontManager.addfont(str(font))
    mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]


_register()


# ---------------------------------------------------------------- display


def figure_html(figure: Figure, alt: str) -> str:
    """The figure as one piece of HTML: a PNG in the page itself, at most as wide as the page.

    >>> figure, (ax,) = new_figure("销售额逐月上升", width=3, height=2)
    >>> page = figure_html(figure, "一月 3 万元，二月 5 万元")
    >>> page[page.index("alt=") : page.index(" src=")]
    'alt="一月 3 万元，二月 5 万元"'
    """
    if not isinstance(alt, str) or not alt.strip():
        raise CourseError(_("图缺少替代文字 alt：请用一句话写出图里最重要的信息，让看不到图的人也能读懂"))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    width = round(figure.get_size_inches()[0] * CSS_PIXELS)
    return (
        f'<figure style="margin:.6em 0;max-width:{width}px">'
        f'<img alt="{html.escape(alt.strip(), quote=True)}" src="data:image/png;base64,{data}" width="{width}" '
        'style="display:block;max-width:100%;height:auto;border-radius:8px;background:' + PAPER + '"></figure>'
    )


def show(figure: Figure, alt: str) -> None:
    """Display ``figure`` with the text ``alt`` for readers who cannot see it, and close it.

    The output is HTML that looks the same in JupyterLab and in the published book, on light and dark pages.

    >>> figure, (ax,) = new_figure("销售额逐月上升", width=3, height=2)
    >>> show(figure, "一月 3 万元，二月 5 万元")  # a notebook shows the HTML, a plain console prints both forms
    {'text/html': '<figure ...', 'text/plain': '一月 3 万元，二月 5 万元'}
    """
    from IPython.display import display

    display({"text/html": figure_html(figure, alt), "text/plain": alt.strip()}, raw=True)
    if figure.number if hasattr(figure, "number") else None:  # made by pyplot, which would show it a second time
        import matplotlib.pyplot as plt

        plt.close(figure)


# ---------------------------------------------------------------- shared parts


def new_figure(title: str, width: float = 7.2, height: float = 4.0, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure in the course's style: ``title`` says the message, left and bold.

    >>> figure, (left, right) = new_figure("老客买得多，新客来得快", columns=2)
    >>> figure.get_suptitle()
    '老客买得多，新客来得快'
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1, wspace=0.06)  # type: ignore[union-attr, call-arg]
    text = figure.suptitle(title, x=0.018, ha="left", fontsize=12.5, color=INK)
    # The font has one weight; a thin outline of its own colour makes it bold.
    text.set_path_effects([patheffects.withStroke(linewidth=0.7, foreground=INK)])
    axes = figure.subplots(1, columns, squeeze=False)[0]
    return figure, list(axes)


def percent(value: float, digits: int = 0) -> str:
    """0.614 as ``61%``.

    >>> percent(0.614), percent(0.614, digits=1)
    ('61%', '61.4%')
    """
    return f"{100 * value:.{digits}f}%"


def yuan(value: float) -> str:
    """12345.6 as ``12,346 元``, 1234567 as ``123.5 万元``.

    >>> yuan(12_345.6), yuan(1_234_567)
    ('12,346 元', '123.5 万元')
    """
    return _("{x:,.1f} 万元").format(x=value / 1e4) if abs(value) >= 1e5 else _("{x:,.0f} 元").format(x=value)


def plain(value: float, _position: int = 0) -> str:
    """A tick label without an exponent, for a ``FuncFormatter``.

    >>> plain(12_000), plain(0.5)
    ('12,000', '0.5')
    """
    return f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:g}"


def halo(artist: Any) -> None:
    """A rim in the colour of the paper, so that lines do not cut a text or a mark.

    >>> figure, (ax,) = new_figure("留住率逐年上升")
    >>> halo(ax.text(0, 0, "第三年"))
    """
    artist.set_path_effects([patheffects.withStroke(linewidth=3, foreground=PAPER)])


def note(ax: Axes, text: str, xy: tuple[float, float], offset: tuple[float, float], **style: Any) -> None:
    """A direct label, ``offset`` points from ``xy``, on a halo so that lines do not cut it.

    >>> figure, (ax,) = new_figure("留住率逐年上升")
    >>> note(ax, "第三年", (3, 0.8), (8, 0))
    >>> ax.texts[0].get_text()
    '第三年'
    """
    style = {"fontsize": 9.5, "color": INK, "va": "center", **style}
    halo(ax.annotate(text, xy, offset, textcoords="offset points", annotation_clip=False, **style))


def legend(ax: Axes, entries: tuple[tuple[str, str], ...]) -> None:
    """Colour words above the left edge of the plot, in reading order.

    >>> figure, (ax,) = new_figure("老客买得多")
    >>> legend(ax, ((BLUE, "老客"), (SKY, "新客")))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['老客', '新客']
    """
    from matplotlib.patches import Patch

    ax.legend(
        handles=[Patch(color=colour, label=label) for colour, label in entries],
        loc="lower left", bbox_to_anchor=(-0.005, 0.985), ncols=len(entries),
        handlelength=0.9, handleheight=0.9, columnspacing=1.4, borderpad=0.2, fontsize=9.5,
    )  # fmt: skip


def shares(ax: Axes, x: str, y: str) -> None:
    """Both axes from 0 to 100 %.

    >>> figure, (ax,) = new_figure("收入集中")
    >>> shares(ax, "累计客户占比", "累计消费占比")
    >>> ax.get_xlabel()
    '累计客户占比'
    """
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=x, ylabel=y)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, 0))
        axis.set_ticks(np.arange(0, 1.01, 0.2).tolist())
