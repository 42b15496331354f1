"""The visual language of the course: one palette, one Chinese font, one message a figure.

====================== ========================================================================
style                  palette, font, :func:`show`, :func:`new_figure`, labels
segmentation           the figures of chapter 04
value                  the figures of chapter 05
satisfaction           the figures of chapter 07
====================== ========================================================================

Figure makers take pandas objects and return a ``Figure`` that belongs to no window and needs no closing;
:func:`show` displays it with a text for those who cannot see it.
"""

from crmlab.plots.satisfaction import (
    grade_bands,
    ipa_map,
    kano_map,
    loyalty_mix,
    path_intervals,
    satisfaction_curve,
    weight_dots,
)
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
from crmlab.plots.value import (
    cohort_age,
    cohort_triangle,
    holdout_by_frequency,
    life_cycle,
    margin_timing,
    profit_curve,
    silence,
    survival_forecast,
    tracking,
    value_intervals,
    value_map,
)

__all__ = [
    "BLUE", "GREEN", "GREY", "GRID", "INK", "MUTED", "ORANGE", "PALE", "PALETTE", "PAPER", "PURPLE", "RED", "SKY",
    "YELLOW", "budget_curves", "cluster_scatter", "cohort_age", "cohort_triangle", "elbow", "figure_html",
    "grade_bands", "halo", "holdout_by_frequency", "ipa_map", "kano_map", "legend", "life_cycle", "lorenz_curve",
    "loyalty_mix", "margin_timing", "new_figure", "note", "pareto_curve", "path_intervals", "percent", "plain",
    "profit_curve", "rfm_histograms", "satisfaction_curve", "segment_bars", "shares", "show", "silence",
    "survival_forecast", "tier_bars", "tracking", "value_intervals", "value_map", "weight_dots", "yuan",
]  # fmt: skip
