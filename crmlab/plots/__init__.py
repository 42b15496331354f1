"""The visual language of the course: one palette, one Chinese font, one message a figure.

====================== ========================================================================
style                  palette, font, :func:`show`, :func:`new_figure`, labels
segmentation           the figures of chapter 04
====================== ========================================================================

Figure makers take pandas objects and return a ``Figure`` that belongs to no window and needs no closing;
:func:`show` displays it with a text for those who cannot see it.
"""

from crmlab.plots.segmentation import (
    budget_curves,
    cluster_scatter,
    elbow,
    lorenz_curve,
    pareto_curve,
    rfm_histograms,
    segment_bars,
    tier_bars,
)
from crmlab.plots.style import (
    BLUE,
    GREEN,
    GREY,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PALE,
    PALETTE,
    PAPER,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    figure_html,
    halo,
    legend,
    new_figure,
    note,
    percent,
    plain,
    shares,
    show,
    yuan,
)

__all__ = [
    "BLUE", "GREEN", "GREY", "GRID", "INK", "MUTED", "ORANGE", "PALE", "PALETTE", "PAPER", "PURPLE", "RED", "SKY", "YELLOW",
    "budget_curves", "cluster_scatter", "elbow", "figure_html", "halo", "legend", "lorenz_curve", "new_figure", "note",
    "pareto_curve", "percent", "plain", "rfm_histograms", "segment_bars", "shares", "show", "tier_bars", "yuan",
]  # fmt: skip
