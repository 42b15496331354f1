"""The exercises of chapter 04: what a good, a fair and a poor decision is told, and that the goals can be reached."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlab import data, rfm, tiers
from crmlab.errors import CourseError
from crmlab.widgets import segmentation as seg
from crmlab.widgets.kit import Exercise


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    shop = data.load("ecommerce")
    return rfm.rfm(data.purchases(shop), shop.as_of)


@pytest.fixture(scope="module")
def best(table) -> float:
    return seg.best_call_list(table)


@pytest.fixture(scope="module")
def runs(table) -> seg.KMeansRuns:
    return seg.KMeansRuns(table)


@pytest.fixture(scope="module")
def margins(table) -> pd.DataFrame:
    return seg.tier_margins(table)


# --- ex-04-1 ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("recency", "frequency", "monetary", "verdict", "told"),
    [
        (30, 2, 500, "poor", "打不完"),
        (90, 4, 1050, "good", "电话用足了"),
        (120, 4, 1000, "fair", "还有 47 个电话没用上"),
        (60, 4, 3000, "poor", "某个切点太严了"),
    ],
)
def test_cut_points(table, best, recency, frequency, monetary, verdict, told):
    result = seg.evaluate_cut_points(table, recency, frequency, monetary, best=best)
    assert result.verdict == verdict
    assert told in " ".join([result.headline, *result.reasons])


@pytest.mark.parametrize(
    ("recency", "frequency", "told"), [(10, 4, "刚来过"), (240, 4, "天以上没来"), (90, 1, "没有养成习惯")]
)
def test_cut_points_name_the_loose_one(table, best, recency, frequency, told):
    result = seg.evaluate_cut_points(table, recency, frequency, 600, best=best)
    assert any(told in reason for reason in result.reasons)


def test_an_empty_list_is_told(table):
    recent = table[table["recency"] <= 60]
    result = seg.evaluate_cut_points(recent, 90, 4, 1000, best=1.0)
    assert (result.verdict, result.headline) == ("poor", "名单是空的。")
    assert "没有人同时满足" in result.reasons[0]


def test_no_list_beats_the_best(table, best):
    rng = np.random.default_rng(4)
    for _ in range(60):
        cuts = rng.integers(1, 36) * 10, rng.integers(1, 21), rng.integers(2, 101) * 50
        result = seg.evaluate_cut_points(table, *map(float, cuts), best=best)
        assert float(result.numbers["相当于最好名单的"].rstrip("%")) <= 100


def test_chance_to_come_back_changes_at_its_borders():
    days = [0, 60, 61, 120, 121, 300, 301, 480, 481]
    people = pd.DataFrame({"recency": days, "frequency": 4, "monetary": 100.0})
    assert seg.saved_by_call(people).round(6).tolist() == [0, 0, 8, 8, 20, 20, 8, 8, 2]
    habits = pd.DataFrame({"recency": 200, "frequency": [1, 2, 3, 4, 9], "monetary": 100.0})
    assert seg.saved_by_call(habits).round(6).tolist() == [6, 14, 14, 20, 20]


# --- ex-04-2 ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "scale", "step", "verdict", "told"),
    [
        (2, seg.RAW, 0, "poor", "还没有分群"),
        (2, seg.RAW, 999, "poor", "几乎只有钱"),
        (4, seg.LOGGED, 1, "fair", "接着移动中心"),
        (4, seg.LOGGED, 2, "fair", "改投更近的中心"),
        (2, seg.LOGGED, 999, "fair", "热"),
        (8, seg.LOGGED, 999, "fair", "8 套方案"),
        (4, seg.SCALED, 999, "fair", "没有取对数"),
        (4, seg.LOGGED, 999, "good", "第 4 群"),
    ],
)
def test_kmeans(runs, k, scale, step, verdict, told):
    result = seg.evaluate_kmeans(runs, k, scale, 1, step)
    assert result.verdict == verdict
    assert told in " ".join([result.headline, *result.reasons])


def test_some_start_ends_in_a_bad_place_and_is_told_so(runs):
    results = [seg.evaluate_kmeans(runs, 3, seg.LOGGED, seed, 999) for seed in range(1, seg.STARTS + 1)]
    assert {"good", "fair"} <= {result.verdict for result in results}
    assert any("换一个起点" in reason for result in results for reason in result.reasons)


@pytest.mark.parametrize("scale", seg.SCALES)
def test_inertia_never_rises_and_every_run_ends(runs, scale):
    for k in range(2, 9):
        for seed in (1, 5, 10):
            steps = runs.steps(k, scale, seed)
            inertia = [state.inertia for state in steps[1:]]
            assert all(a >= b * (1 - 1e-9) for a, b in itertools.pairwise(inertia))
            assert steps[-1].converged


def test_centres_come_back_in_days_times_yuan(runs, table):
    for scale in seg.SCALES:
        centers = runs.in_units(runs.steps(4, scale, 1)[-1].centers, scale)
        assert (centers >= -1e-6).all(axis=None)
        assert (centers.max() <= table.max() + 1e-6).all()


# --- ex-04-3 ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "verdict", "told"),
    [
        ((26_000, 2_000, 2_000, 0), "poor", "往普通挪一点"),
        ((15_000, 10_000, 5_000, 10), "good", "边际相等"),
        ((15_000, 10_000, 5_000, 0), "fair", "说不清"),
        ((15_000, 10_000, 5_000, 30), "poor", "放弃了太多客户"),
        ((15_000, 10_000, 8_000, 5), "poor", "超支 3,000 元"),
        ((18_000, 4_000, 8_000, 5), "fair", "低于 2 元的基本关怀"),
        ((13_500, 9_000, 4_500, 5), "fair", "没有分出去"),
    ],
)
def test_care_plan(margins, plan, verdict, told):
    result = seg.evaluate_care_plan(margins, *plan)
    assert result.verdict == verdict
    assert told in " ".join([result.headline, *result.reasons])


@pytest.mark.parametrize("holdout", [5, 10, 15])
def test_best_plan_reaches_the_goal(margins, holdout):
    best = seg.best_plan(margins, holdout)
    assert sum(best.values()) == pytest.approx(seg.BUDGET, abs=1)
    rounded = [spend // 500 * 500 for spend in best.values()]  # what the sliders can be set to
    assert seg.evaluate_care_plan(margins, *rounded, holdout).verdict == "good"


def test_at_the_best_plan_the_last_yuan_bring_the_same(margins):
    best = seg.best_plan(margins, 5)
    ends = [seg.last_yuan(margins, tier, spend, 5) for tier, spend in best.items()]
    assert max(ends) / min(ends) < 1.02


def test_a_tier_without_customers_is_told(table):
    with pytest.raises(CourseError, match="一个客户也没有"):
        seg.tier_margins(table[table["recency"] <= 180])


# --- the widgets ------------------------------------------------------------


@pytest.mark.parametrize("make", [seg.rfm_cut_points, seg.kmeans_steps, seg.care_plan])
def test_opening_state_shows_figure_and_verdict_and_is_not_yet_good(table, make):
    exercise: Exercise = make(table)
    assert exercise.result.verdict != "good"
    assert "data:image/png" in exercise._figure.value
    assert 'role="status"' in exercise._verdict.value


def test_a_control_changes_the_verdict_and_reset_brings_it_back(table):
    exercise = seg.rfm_cut_points(table)
    before = exercise._verdict.value
    exercise.move(recency=90, frequency=4, monetary=1050)
    assert exercise.result.verdict == "good"
    exercise.controls["monetary"].value = 5000
    assert exercise.result.verdict != "good"
    reset = [child for child in exercise.children[1].children[0].children if hasattr(child, "children")][-1].children[
        -1
    ]
    reset.click()
    assert exercise._verdict.value == before


def test_buttons_step_through_kmeans(table):
    exercise = seg.kmeans_steps(table)
    panel = exercise.children[1].children[0]
    step, run, _reset = next(child.children for child in panel.children if hasattr(child, "children"))
    step.click()
    assert exercise.values["step"] == 1
    exercise.move(k=4, scale=seg.LOGGED, step=0)
    run.click()
    assert exercise.result.verdict == "good"


def test_tiers_of_the_plan_are_those_of_the_library(margins):
    assert list(margins.index) == list(tiers.TIERS)
