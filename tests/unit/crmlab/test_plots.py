"""Figures: every Chinese character has a glyph, texts stay inside, an alt text is compulsory."""

import io
import itertools
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from crmlab import clusters, data, loyalty, plots, rfm, satisfaction, tiers
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


def satisfaction_figures():
    points = pd.DataFrame({"satisfaction": np.repeat(range(1, 11), 6), "loyalty": np.repeat(range(10), 6)})
    zone = satisfaction.IndifferenceZone(low=5, high=8, slopes=(1.0, 0.2, 1.2), r_squared=0.7)
    brands = ["云砚", "栎舟", "青隼"]
    kinds = pd.DataFrame([[95, 74, 59, 113], [145, 21, 71, 28], [138, 17, 26, 11]], brands, loyalty.TYPES)
    names = ["续航", "散热与噪声", "售后服务", "价格"]
    weights = pd.DataFrame({"直接比较": [0.4, 0.3, 0.2, 0.1], "AHP": [0.35, 0.3, 0.2, 0.15]}, index=names)
    paths = pd.DataFrame(
        {"estimate": [0.4, 0.1], "low": [0.3, -0.1], "high": [0.5, 0.2]}, ["价值 -> 满意", "期望 -> 满意"]
    )
    scores = pd.DataFrame({"index": [71.1, 68.4, 12.0], "low": [69.4, 66.0, 5.0], "high": [72.9, 70.0, 19.0]}, brands)
    attributes = pd.DataFrame(
        {"importance": [4.4, 4.35, 4.3, 4.5], "performance": [2.95, 3.0, 3.1, 3.8], "derived": [0.4, 0.4, 0.36, 0.0]},
        index=names,
    )
    answers = pd.DataFrame({"快充": [1, 1, 1, 3], "不死机": [2, 3, 1, 2], "推广软件": [5, 5, 5, 5]})
    without = pd.DataFrame({"快充": [3, 4, 5, 3], "不死机": [5, 5, 5, 5], "推广软件": [1, 2, 3, 1]})
    return {
        "satisfaction_curve": plots.satisfaction_curve(points, zone, "推荐意愿（0～10 分）"),
        "loyalty_mix": plots.loyalty_mix(kinds),
        "weight_dots": plots.weight_dots(weights),
        "path_intervals": plots.path_intervals(paths, pd.Series({"期望 -> 满意": 0.0, "价值 -> 满意": 0.4})),
        "grade_bands": plots.grade_bands(scores),
        "ipa_map": plots.ipa_map(attributes),
        "kano_map": plots.kano_map(satisfaction.kano(answers, without)),
    }


def value_figures():
    sellers = pd.DataFrame({"quality": [1.1, 1.0, 0.9], "price": [1.1, 1.05, 0.85]}, index=["禾木生活", "甲店", "乙店"])
    ages = pd.DataFrame({"active": [1, 0.56, 0.47], "each": [520, 342, 279], "buyer": [520, 615, 588]})
    shares = pd.DataFrame([[1, 0.58, 0.49], [1, 0.6, np.nan], [1, np.nan, np.nan]], ["2025Q1", "2025Q2", "2025Q3"])
    weeks = pd.Index([0, 26, 52])
    groups = ["0", "1～3", "4+"]
    limits = pd.DataFrame({"value": [242, 373], "low": [220, 335], "high": [264, 410]}, ["12 个月", "24 个月"])
    model = pd.Series([0, 480, 945], index=weeks)
    return {
        "value_map": plots.value_map(sellers),
        "life_cycle": plots.life_cycle(),
        "cohort_age": plots.cohort_age(ages),
        "profit_curve": plots.profit_curve(pd.Series([90, 40, 20, 10, -30])),
        "margin_timing": plots.margin_timing(100, 0.8, 0.1),
        "cohort_triangle": plots.cohort_triangle(shares),
        "survival_forecast": plots.survival_forecast(
            pd.Series([1, 0.9, 0.83, 0.78]), {"sBG": [1, 0.9, 0.83, 0.77], "常数保持率": [1, 0.9, 0.81, 0.73]}, known=1
        ),
        "silence": plots.silence(
            {"常买": pd.Series([1, 0.3, 0.001], index=weeks), "少买": pd.Series([1, 0.9, 0.8], index=weeks)}
        ),
        "tracking": plots.tracking(pd.Series([0, 500, 900], index=weeks), {"BG/NBD": model}, cutoff=26),
        "holdout_by_frequency": plots.holdout_by_frequency(
            pd.Series([0.7, 1.5, 6.0], index=groups),
            {
                "BG/NBD": pd.Series([0.9, 1.5, 6.1], index=groups),
                "Pareto/NBD": pd.Series([0.75, 1.5, 6.1], index=groups),
            },
        ),
        "value_intervals": plots.value_intervals(limits, price=300),
    }


def test_every_figure_draws_without_a_missing_glyph_and_inside_its_edges(table):
    for name, figure in (figures(table) | value_figures() | satisfaction_figures()).items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "Glyph … missing from font" is a warning
            figure.savefig(io.BytesIO(), dpi=40)  # laid out and drawn only now: it belongs to no window
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
    with pytest.raises(CourseError, match=r"ipa_map 要一张含有列 .*缺少 derived"):
        plots.ipa_map(pd.DataFrame({"importance": [1.0], "performance": [2.0]}))


def test_titles_say_what_the_figures_show():
    shown = {name: figure.get_suptitle() for name, figure in satisfaction_figures().items()}
    assert shown["loyalty_mix"] == "云砚的虚假忠诚最多：占它的机主 22%"
    assert shown["path_intervals"] == "2 条路径里，有 1 条的区间跨过 0"
    assert shown["grade_bands"] == "3 个品牌里，有 1 个的区间跨了等级"
    assert shown["kano_map"] == "缺了最伤人的是不死机，有了最讨喜的是快充"


def test_titles_of_value_figures_say_what_they_show():
    shown = {name: figure.get_suptitle() for name, figure in value_figures().items()}
    assert shown["value_map"] == "禾木生活高出公平线最多"
    assert shown["profit_curve"] == "赚钱的客户带来 123% 的利润，20% 的客户把其中一部分赔掉"
    assert shown["survival_forecast"] == "只看前 1 期，sBG 预测得最近"
    assert shown["silence"] == "同样沉默 52 周：“常买”还在的可能不到 1%，“少买”还有 80%"
    assert shown["tracking"] == "到第 52 周，BG/NBD 的累计预测高 5.0%"
    assert shown["holdout_by_frequency"] == "按 x 分组看：BG/NBD 对 x = 0 的客户高估 29%"
    assert shown["value_intervals"] == "2 组里有 1 组连下限都高于报价 300 元"


def test_each_convention_is_drawn_from_its_first_margin():
    bars = [ax.patches for ax in value_figures()["margin_timing"].axes]
    assert [part[0].get_x() + part[0].get_width() / 2 for part in bars] == [1, 0, 1]
    assert [part[0].get_height() for part in bars] == pytest.approx([100 * 0.8 / 1.1, 100, 100 / 1.1])


def test_what_has_not_happened_stays_empty_in_the_triangle():
    texts = [text.get_text() for text in value_figures()["cohort_triangle"].axes[0].texts]
    assert sorted(texts) == ["100%", "100%", "100%", "49%", "58%", "60%"]


def test_unwanted_features_are_not_drawn():
    ax = satisfaction_figures()["kano_map"].axes[0]
    assert "推广软件" not in {text.get_text() for text in ax.texts}


def test_the_three_lines_have_the_slopes_of_the_zone():
    line = satisfaction_figures()["satisfaction_curve"].axes[0].lines[0]
    assert np.diff(line.get_ydata()) / np.diff(line.get_xdata()) == pytest.approx([1.0, 0.2, 1.2])


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
