"""Figures: every Chinese character has a glyph, texts stay inside, an alt text is compulsory."""

import re
import warnings

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
