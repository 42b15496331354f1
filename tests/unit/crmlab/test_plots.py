"""Figures: every Chinese character has a glyph, texts stay inside, an alt text is compulsory."""

import itertools
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from crmlab import clusters, data, plots, rfm, tiers
from crmlab.errors import CourseError
from crmlab.widgets import segmentation


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    shop = data.draw("ecommerce", "plots")
    return rfm.rfm(data.purchases(shop), shop.as_of)


def figures(table):
    model = clusters.KMeansSegments(4).fit(table)
    margins = segmentation.tier_margins(table)
    spend = pd.Series(range(0, 30_001, 3_000), dtype=float)
    curves = {
        tier: pd.DataFrame({"spend": spend, "gain": segmentation.kept(margins, tier, spend, 5)}) for tier in tiers.TIERS
    }
    return {
        "rfm_histograms": plots.rfm_histograms(table),
        "segment_bars": plots.segment_bars(rfm.summary(table, rfm.segment(rfm.score(table)))),
        "pareto_curve": plots.pareto_curve(table["monetary"]),
        "lorenz_curve": plots.lorenz_curve(table["monetary"]),
        "elbow": plots.elbow(clusters.choose_k(table, range(2, 5))),
        "cluster_scatter": plots.cluster_scatter(table, model.labels_),
        "tier_bars": plots.tier_bars(rfm.summary(table, tiers.tiers(table, 180))),
        "budget_curves": plots.budget_curves(curves, dict.fromkeys(tiers.TIERS, 10_000.0)),
    }


def test_every_figure_draws_without_a_missing_glyph_and_inside_its_edges(table):
    for name, figure in figures(table).items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "Glyph … missing from font" is a warning
            figure.canvas.draw()
        box = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert box.x0 > -0.05, name
        assert box.y0 > -0.05, name
        assert box.x1 < width + 0.05, name
        assert box.y1 < height + 0.05, name


def test_html_is_one_picture_with_its_text():
    page = plots.figure_html(plots.new_figure("题")[0], '曲线 "A" 在上')
    assert re.search(r'<img alt="曲线 &quot;A&quot; 在上" src="data:image/png;base64,[A-Za-z0-9+/=]+"', page)
    assert "max-width:100%" in page


def test_the_same_figure_gives_the_same_bytes(table):
    one, two = (plots.figure_html(plots.pareto_curve(table["monetary"]), "曲线") for _ in range(2))
    assert one == two


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_alt_is_compulsory(alt):
    with pytest.raises(CourseError, match="替代文字"):
        plots.figure_html(plots.new_figure("题")[0], alt)


def test_wrong_tables_are_told():
    with pytest.raises(CourseError, match=r"rfm\.summary"):
        plots.segment_bars(pd.DataFrame({"x": [1]}))
    with pytest.raises(CourseError, match="choose_k"):
        plots.elbow(pd.DataFrame())


def test_numbers_read_well():
    assert plots.percent(0.614) == "61%"
    assert plots.percent(0.0614, 1) == "6.1%"
    assert plots.yuan(12345.6) == "12,346 元"
    assert plots.yuan(1234567) == "123.5 万元"


def test_wrong_labels_are_told(table):
    with pytest.raises(CourseError, match="编号"):
        plots.cluster_scatter(table, rfm.segment(rfm.score(table)))


# Machado, Oliveira and Fernandes (2009): how linear RGB looks to a reader without red or without green cones.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def lab(colour: str, blindness: str) -> np.ndarray:
    """CIE L*a*b* of a colour as seen with that colour vision."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(BLINDNESS[blindness]) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ seen / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_colours_stay_apart_for_colour_blind_readers(blindness):
    seen = [lab(colour, blindness) for colour in plots.PALETTE[:4]]
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(apart) > 20
