"""Surveys: printed tables of sample sizes, laws of sampling and weighting, and what screening finds and leaves alone."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import survey
from crmlab.errors import CourseError
from crmlab.survey import Item, Questionnaire

# --- questionnaire ----------------------------------------------------------------------------------------

GOOD = Questionnaire(
    "校园笔记本电脑满意度",
    [
        Item("这台电脑运行流畅", "硬件"),
        Item("屏幕看着舒服", "硬件"),
        Item("这台电脑容易卡顿", "硬件", reverse=True),
        Item("售后人员处理问题及时", "服务"),
        Item("售后人员待人温和", "服务"),
        Item("维修网点容易找到", "服务"),
    ],
)


def test_a_sound_draft_gets_no_remark():
    assert GOOD.check().empty
    assert list(GOOD.check().columns) == ["item", "problem", "found", "advice"]


@pytest.mark.parametrize(
    ("text", "problem", "found"),
    [
        ("外观和性能都让我满意", "一题问两件事", "和"),
        ("价格、售后让我满意", "一题问两件事", "、"),
        ("维修以及时间安排合适", "一题问两件事", "以及"),
        ("大家都说好的品牌值得买", "诱导", "大家都"),
        ("我不认为它不好用", "双重否定", "不认为它不"),
        ("我不得不换电脑", "双重否定", "不得不"),
        ("我经常联系售后", "频率含糊", "经常"),
        ("客服总是很耐心", "说得绝对", "总是"),
        ("请填写您的手机号", "涉及隐私", "手机号"),
        ("我愿意给出高的 NPS", "可能看不懂的缩写", "NPS"),
        ("这台电脑" + "很" * 30, "题目太长", "34 个字"),
    ],
)
def test_wording_is_marked(text, problem, found):
    draft = Questionnaire("x", [*GOOD.items, Item(text, "服务")])
    assert draft.check()[["item", "problem", "found"]].to_numpy().tolist() == [[7, problem, found]]
    assert draft.check()["advice"].str.len().min() > 5


@pytest.mark.parametrize("text", ["您是不是毕业班学生", "未来一年我不会换品牌", "屏幕颜色柔和", "我参与过维修评价"])
def test_harmless_wording_is_left_alone(text):
    assert Questionnaire("x", [*GOOD.items, Item(text, "服务")]).check().empty


def test_design_is_marked():
    short = Questionnaire(
        "x", [Item("好用", "硬件"), Item("好用", "硬件", reverse=True), Item("耐用", "寿命", reverse=True)]
    )
    marks = short.check(most=2)[["item", "problem", "found"]].to_numpy().tolist()
    assert marks == [
        [0, "题目重复", "好用"],
        [0, "题目太少", "硬件：2 题"],
        [0, "题目太少", "寿命：1 题"],
        [0, "全是反向题", "寿命"],
        [0, "问卷太长", "3 题"],
    ]
    assert "没有反向题" in Questionnaire("x", GOOD.items[:2]).check()["problem"].to_list()


def test_draft_shows_scale_and_hides_structure():
    text = GOOD.text()
    assert "1 非常不同意　2 不同意　3 说不清　4 同意　5 非常同意" in text
    assert "3. 这台电脑容易卡顿" in text
    assert "硬件" not in text
    assert GOOD.frame["reverse"].to_list() == [False, False, True, False, False, False]
    assert GOOD.frame["item"].to_list() == [1, 2, 3, 4, 5, 6]


def test_scales():
    assert list(survey.likert(7, "satisfied").values()) == [
        "很不满意",
        "不满意",
        "不太满意",
        "一般",
        "比较满意",
        "满意",
        "很满意",
    ]
    assert survey.likert()[1] == "非常不同意"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: survey.likert(6), "points 应是 5 或 7（奇数才有中间项），现在是 6"),
        (lambda: survey.likert(5, "like"), "wording 应是 agree、satisfied 之一，现在是 'like'"),
        (lambda: Questionnaire("x", []), "问卷没有一道题"),
        (lambda: Questionnaire("x", [GOOD.items[0], "好用"]), "第 2 题应是写明题目与维度的 Item，现在是 '好用'"),
        (lambda: Questionnaire("x", [Item(" ", "硬件")]), "第 1 题"),
    ],
)
def test_bad_drafts_are_told(call, told):
    with pytest.raises(CourseError, match=told):
        call()


def test_reverse_coding_turns_and_turns_back():
    raw = pd.DataFrame({"a": [1, 5, None], "b": [2, 3, 4]})
    turned = survey.reverse_code(raw, ["a"])
    assert turned["a"].to_list()[:2] == [5, 1]
    assert math.isnan(turned["a"][2])
    assert turned["b"].to_list() == [2, 3, 4]
    pd.testing.assert_frame_equal(survey.reverse_code(turned, "a"), raw)
    assert survey.reverse_code(raw, "b", high=10)["b"].to_list() == [9, 8, 7]


def test_wrong_scale_is_told():
    raw = pd.DataFrame({"a": [1, 9], "b": ["好", 2]})
    with pytest.raises(CourseError, match=r"列 a 第 2 行的 9.* 不在 1 到 5 之间"):
        survey.reverse_code(raw, "a")
    with pytest.raises(CourseError, match="列 b 第 1 行的 '好' 不在 1 到 5 之间"):
        survey.reverse_code(raw, "b")
    with pytest.raises(CourseError, match="答卷缺少列 c"):
        survey.reverse_code(raw, "c")


# --- simulation -------------------------------------------------------------------------------------------


def test_opinions_have_the_moments_asked_for():
    found = survey.simulate_likert(20_000, 3, mean=[3, 4, 2], sd=[1, 0.5, 2], correlation=0.4, seed=1)
    np.testing.assert_allclose(found.opinions.mean(), [3, 4, 2], atol=0.05)
    np.testing.assert_allclose(found.opinions.std(), [1, 0.5, 2], rtol=0.03)
    correlations = found.opinions.corr().to_numpy()
    np.testing.assert_allclose(correlations[np.triu_indices(3, 1)], 0.4, atol=0.03)
    assert found.answers.index.to_list()[:2] == [1, 2]


def test_answers_are_the_rounded_opinions_within_the_scale():
    found = survey.simulate_likert(500, 2, mean=[3, 6], points=5, seed=2)
    np.testing.assert_array_equal(found.answers, np.clip(np.floor(found.opinions + 0.5), 1, 5))
    assert found.answers["q2"].mean() < 5, "the end of the scale cuts off"
    assert set(found.kind) == {"认真"}


def test_correlation_matrix_is_obeyed():
    matrix = [[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]]
    found = survey.simulate_likert(20_000, ["a", "b", "c"], correlation=matrix, seed=3).opinions.corr()
    assert found.loc["a", "b"] == pytest.approx(0.8, abs=0.02)
    assert found.loc["a", "c"] == pytest.approx(0, abs=0.03)


def test_reverse_items_mirror_and_yes_sayers_lift_both():
    plain = survey.simulate_likert(20_000, ["a", "b"], mean=3, correlation=0.6, points=9, reverse=["b"], seed=4)
    yes = survey.simulate_likert(
        20_000, ["a", "b"], mean=3, correlation=0.6, points=9, reverse="b", acquiescence=0.5, seed=4
    )
    assert plain.answers.corr().loc["a", "b"] < -0.4
    assert plain.answers["b"].mean() == pytest.approx(7, abs=0.05)
    lift = yes.answers.mean() - plain.answers.mean()
    np.testing.assert_allclose(lift, [0.5, 0.5], atol=0.05)
    turned = (yes.answers["a"] + 10 - yes.answers["b"]) / 2
    assert turned.mean() == pytest.approx(3, abs=0.05), "half the items turned: agreement cancels out"


def test_careless_people_are_as_many_as_asked_and_do_as_named():
    found = survey.simulate_likert(1001, 8, careless=0.2, seed=5)
    counts = found.kind.value_counts()
    assert counts.to_dict() == {"认真": 801, "直线作答": 100, "随机作答": 100}
    assert (found.answers[found.kind == "直线作答"].nunique(axis=1) == 1).all()
    assert (found.answers[found.kind == "随机作答"].nunique(axis=1) > 1).mean() > 0.95
    np.testing.assert_allclose(found.answers[found.kind == "随机作答"].mean().mean(), 3, atol=0.2)


def test_same_seed_same_people():
    first, second, other = (survey.simulate_likert(50, 3, careless=0.1, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first.answers, second.answers)
    assert not first.answers.equals(other.answers)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"correlation": -0.9}, "不可能同时成立"),
        ({"correlation": [[1, 0.5], [0.5, 1]]}, "correlation 应是 3 × 3 的相关矩阵"),
        ({"mean": [1, 2]}, "mean 应有 3 个数，现在有 2 个"),
        ({"sd": -1}, "sd 应不小于 0，现在是 -1"),
        ({"reverse": ["q9"]}, "反向题 q9 不在题目里"),
        ({"careless": 1.2}, "careless 应在 0 到 1 之间"),
        ({"items": ["a", "a"]}, "互不相同的题名"),
        ({"points": 1}, "points 应在 2 到 11 之间"),
    ],
)
def test_bad_simulations_are_told(arguments, told):
    with pytest.raises(CourseError, match=told):
        survey.simulate_likert(**({"n": 10, "items": 3} | arguments))


# --- sample size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("margin", "level", "n"),
    [(0.05, 0.95, 385), (0.03, 0.95, 1068), (0.05, 0.99, 664), (0.05, 0.90, 271), (0.1, 0.95, 97), (0.01, 0.95, 9604)],
)
def test_well_known_sample_sizes(margin, level, n):
    assert survey.sample_size_proportion(0.5, margin, level) == n


# Krejcie and Morgan (1970), table 1: rounded to the nearest, chi-square 3.841.
TABLE = {
    10: 10, 20: 19, 30: 28, 40: 36, 50: 44, 100: 80, 150: 108, 200: 132, 300: 169, 400: 196, 500: 217, 600: 234,
    700: 248, 800: 260, 900: 269, 1000: 278, 1500: 306, 2000: 322, 3000: 341, 5000: 357, 10_000: 370, 20_000: 377,
    50_000: 381,
}  # fmt: skip


@pytest.mark.parametrize(("people", "n"), TABLE.items())
def test_krejcie_and_morgan(people, n):
    assert survey.sample_size_proportion(population=people, rounding="nearest") == n
    assert survey.sample_size_proportion(population=people) in (n, n + 1)


def test_mean_design_effect_and_response():
    assert survey.sample_size_mean(2, 0.2) == 385
    assert survey.sample_size_mean(15, 3) == 97
    assert survey.sample_size_proportion(design_effect=2) == 769
    assert survey.sample_size_proportion(response_rate=0.25) == 1540
    assert survey.sample_size_proportion(0.1, 0.05) == 139
    assert survey.sample_size_proportion(margin=0.9) == 2
    assert survey.sample_size_mean(1, 50, population=100) == 1


@settings(max_examples=80)
@given(st.integers(2, 100_000), st.floats(0.02, 0.98), st.floats(0.01, 0.2), st.floats(1, 3))
def test_margin_of_the_size_found_is_the_margin_asked(people, p, margin, effect):
    n = survey.sample_size_proportion(p, margin, population=people, design_effect=effect)
    assert 1 <= n <= people
    assert survey.margin_of_error(n, p, population=people, design_effect=effect) <= margin * (1 + 1e-9)
    if n > 2:
        fewer = survey.margin_of_error(n - 1, p, population=people, design_effect=effect)
        assert fewer > margin * (1 - 1e-9)


@settings(max_examples=40)
@given(st.integers(1, 5000), st.integers(1, 5000))
def test_more_answers_never_widen_the_margin(first, second):
    few, many = sorted((first, second))
    assert survey.margin_of_error(many) <= survey.margin_of_error(few)
    assert survey.margin_of_error(few, population=5000) <= survey.margin_of_error(few)


def test_margins_by_hand():
    assert survey.margin_of_error(400) == pytest.approx(1.959964 * 0.5 / 20, rel=1e-6)
    assert survey.margin_of_error(100, sd=2) == pytest.approx(0.391993, rel=1e-5)
    assert survey.margin_of_error(50, population=50) == 0
    assert survey.margin_of_error(1, population=1) == 0


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: survey.sample_size_proportion(p=1), "p 应大于 0 且小于 1，现在是 1"),
        (lambda: survey.sample_size_proportion(margin=0), "margin 应大于 0，现在是 0"),
        (lambda: survey.sample_size_proportion(level=95), "level 应大于 0 且小于 1，现在是 95"),
        (lambda: survey.sample_size_proportion(response_rate=0), "response_rate"),
        (lambda: survey.sample_size_proportion(rounding="down"), "rounding 应是 up、nearest 之一"),
        (lambda: survey.sample_size_proportion(population=300, response_rate=0.2), "要邀请 845 人，总体却只有 300 人"),
        (lambda: survey.sample_size_mean(0, 1), "sd 应大于 0"),
        (lambda: survey.margin_of_error(100, population=50), "population 应不小于 100，现在是 50"),
    ],
)
def test_bad_sizes_are_told(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# --- allocation -------------------------------------------------------------------------------------------

strata = st.lists(st.integers(1, 500), min_size=1, max_size=8)


@settings(max_examples=80)
@given(strata, st.floats(0, 1))
def test_proportional_allocation_is_exact_to_one(sizes, share):
    n = max(1, int(share * sum(sizes)))
    found = survey.allocate(n, sizes)
    assert found.sum() == n
    assert (found.to_numpy() <= sizes).all()
    assert (abs(found - n * np.array(sizes) / sum(sizes)) < 1).all()


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(1, 500), st.floats(0.01, 5)), min_size=1, max_size=8), st.floats(0, 1))
def test_neyman_fills_no_stratum_over_its_size(pairs, share):
    sizes, sd = map(np.array, zip(*pairs, strict=True))
    n = max(1, int(share * sizes.sum()))
    found = survey.allocate(n, sizes, sd)
    assert found.sum() == n
    assert (found.to_numpy() <= sizes).all()


def test_neyman_beats_proportional():
    sizes, sd = np.array([5000, 3000, 2000]), np.array([1.0, 2.0, 6.0])

    def variance(parts: pd.Series) -> float:
        return float(np.sum((sizes / sizes.sum() * sd) ** 2 / parts.to_numpy()))

    proportional, neyman = survey.allocate(300, sizes), survey.allocate(300, sizes, sd)
    assert proportional.to_list() == [150, 90, 60]
    assert neyman.to_list() == [65, 78, 157]
    assert variance(neyman) < 0.7 * variance(proportional)


def test_small_stratum_is_taken_whole_and_the_rest_shared():
    found = survey.allocate(100, {"a": 10, "b": 500, "c": 500}, sd={"c": 1, "b": 1, "a": 100})
    assert found.to_dict() == {"a": 10, "b": 45, "c": 45}
    assert survey.allocate(12, {"a": 10, "b": 5}, sd={"a": 1, "b": 0}).to_dict() == {"a": 10, "b": 2}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: survey.allocate(11, [5, 5]), "n 应在 1 到 10 之间，现在是 11"),
        (lambda: survey.allocate(1, [5, 0]), "sizes 第 2 个值是 0，应不小于 1"),
        (lambda: survey.allocate(1, {"a": 5}, sd={"b": 1}), "sd 的层（b）与 sizes 的层（a）不同"),
        (lambda: survey.allocate(1, [5, 5], sd=[0, 0]), "sd 全是 0"),
        (lambda: survey.allocate(1, pd.Series([5, 5], index=["a", "a"])), "sizes 里的层 a 出现了不止一次"),
    ],
)
def test_bad_allocations_are_told(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# --- non-response -----------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.01, 1)), min_size=2, max_size=40))
def test_bias_is_covariance_over_mean_propensity(people):
    y, chance = map(np.array, zip(*people, strict=True))
    expected = np.mean((y - y.mean()) * (chance - chance.mean())) / chance.mean()
    assert survey.nonresponse_bias(y, chance) == pytest.approx(expected, abs=1e-9)
    assert survey.nonresponse_bias(y, np.full(len(y), 0.3)) == pytest.approx(0, abs=1e-9)


@pytest.fixture(scope="module")
def campus() -> np.ndarray:
    return np.random.default_rng(1).normal(7, 1.5, 20_000)


def test_larger_samples_shrink_spread_not_bias(campus):
    table = survey.bias_simulation(campus, slope=0.6, response_rate=0.3, repeats=300, seed=1)
    assert table.index.to_list() == [100, 400, 1600]
    np.testing.assert_allclose(table["truth"], campus.mean())
    np.testing.assert_allclose(table["bias"], table["expected_bias"], atol=0.06)
    assert table["expected_bias"].iloc[0] == pytest.approx(0.59, abs=0.03)
    np.testing.assert_allclose(table["answered"] / table.index, 0.3, atol=0.01)
    np.testing.assert_allclose(table["sd"].to_numpy()[:-1] / table["sd"].to_numpy()[1:], 2, rtol=0.2)
    np.testing.assert_allclose(table["rmse"] ** 2, table["bias"] ** 2 + table["sd"] ** 2)
    assert table["coverage"].is_monotonic_decreasing
    assert table["coverage"].iloc[-1] < 0.01


def test_without_tie_there_is_no_bias_and_the_interval_holds(campus):
    table = survey.bias_simulation(campus, slope=0, repeats=400, invited=[200], seed=2)
    assert abs(table["bias"].iloc[0]) < 0.03
    assert table["expected_bias"].iloc[0] == pytest.approx(0, abs=1e-9)
    assert table["coverage"].iloc[0] == pytest.approx(0.95, abs=0.03)
    against = survey.bias_simulation(campus, slope=-0.6, repeats=100, invited=[200], seed=2)
    assert against["bias"].iloc[0] < -0.4


def test_a_survey_has_at_least_two_answers(campus):
    table = survey.bias_simulation(campus, response_rate=0.001, invited=[10], repeats=50, seed=3)
    assert 2 <= table["answered"].iloc[0] < 2.1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"values": [5] * 20}, "values 全都一样"),
        ({"invited": [21]}, "invited 应在 10 到 20 之间，现在是 21"),
        ({"response_rate": 1}, "response_rate 应大于 0 且小于 1"),
        ({"repeats": 1}, "repeats 应不小于 2"),
    ],
)
def test_bad_bias_simulations_are_told(arguments, told):
    with pytest.raises(CourseError, match=told):
        survey.bias_simulation(**({"values": range(20), "invited": [10], "repeats": 2} | arguments))


# --- screening --------------------------------------------------------------------------------------------

ANSWERS = pd.DataFrame(
    {
        "q1": [5, 4, 3, 4, 5],
        "q2": [5, 5, 4, 5, 1],
        "q3": [5, 2, 3, 2, 5],
        "q4": [5, 4, 2, 4, None],
    },
    index=list("abcde"),
)


def test_each_sign_is_found_where_it_is():
    found = survey.screen(
        ANSWERS,
        seconds=[5, 30, 7, 40, 60],
        reverse={"q3": "q1"},
        attention=pd.Series([True, True, False, True, True]),
    )
    assert found["straight"].to_list() == [True, False, False, False, False]
    assert found["fast"].to_list() == [True, False, True, False, False]
    assert found["contradiction"].to_list() == [True, False, False, False, True]
    assert found["duplicate"].to_list() == [False, False, False, True, False]
    assert found["attention"].to_list() == [False, False, True, False, False]
    assert found["signs"].to_list() == [3, 0, 2, 1, 1]
    assert found["reason"].to_dict() == {
        "a": "连续 4 题选同一个答案；4 题只用了 5 秒；正反两问相差 4 分",
        "b": "",
        "c": "4 题只用了 7 秒；没有答对注意力检测题",
        "d": "与前面的一份答卷完全相同",
        "e": "正反两问相差 4 分",
    }


def test_only_checks_that_can_be_made_are_reported():
    assert list(survey.screen(ANSWERS).columns) == ["straight", "duplicate", "signs", "reason"]


def test_thresholds_are_the_callers():
    assert survey.screen(ANSWERS, longest=4)["straight"].sum() == 1
    assert survey.screen(ANSWERS.iloc[:, :2], longest=2)["straight"].to_list() == [True] + [False] * 4
    assert survey.screen(ANSWERS, seconds=[9] * 5, fastest=3)["fast"].all()
    assert survey.screen(ANSWERS, reverse={"q3": "q1"}, gap=0.1)["contradiction"].to_list() == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_missing_answers_end_runs_and_contradict_nobody():
    gaps = pd.DataFrame({"a": [3, None], "b": [3, None], "c": [None, None], "d": [3, None]}, dtype="Int64")
    found = survey.screen(gaps, longest=3, reverse={"d": "c"})
    assert found["signs"].to_list() == [0, 0]
    empty = survey.screen(pd.concat([gaps, gaps.iloc[1:]]))
    assert empty["duplicate"].to_list() == [False, False, False], "an empty sheet copies nobody"
    unsure = survey.screen(gaps, attention=pd.Series([True, None], dtype="boolean"))
    assert unsure["attention"].to_list() == [False, True]


def test_screening_finds_careless_people_and_spares_honest_ones():
    names = [f"q{k}" for k in range(1, 21)]
    people = survey.simulate_likert(2000, names, correlation=0.4, careless=0.1, reverse=["q5", "q15"], seed=6)
    found = survey.screen(people.answers, reverse={"q5": "q4", "q15": "q14"})
    assert found["straight"][people.kind == "直线作答"].all()
    assert found["straight"][people.kind == "认真"].mean() < 0.01
    assert (
        found["contradiction"][people.kind == "随机作答"].mean()
        > 3 * found["contradiction"][people.kind == "认真"].mean()
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"high": 4}, "列 q1 第 1 行的 5 不在 1 到 4 之间"),
        ({"seconds": [1, 2]}, "seconds 应有 5 个数，现在有 2 个"),
        ({"attention": [True]}, "attention 应有 5 个值，现在有 1 个"),
        ({"attention": [1, 0, 1, 0, 1]}, "attention 应写明每人是否答对"),
        ({"reverse": {"q9": "q1"}}, "答卷缺少列 q9"),
        ({"longest": 1}, "longest 应不小于 2"),
    ],
)
def test_bad_screenings_are_told(arguments, told):
    with pytest.raises(CourseError, match=told):
        survey.screen(ANSWERS, **arguments)


# --- weighting --------------------------------------------------------------------------------------------

SAMPLE = pd.DataFrame(
    {"gender": ["女"] * 6 + ["男"] * 4, "grade": [1, 1, 1, 1, 2, 2, 1, 2, 2, 2]}, index=range(100, 110)
)
CAMPUS = pd.DataFrame({"gender": ["女", "女", "男", "男"], "grade": [1, 2, 1, 2], "size": [200, 100, 300, 400]})


def test_cell_weights_restore_the_population():
    weights = survey.poststratify(SAMPLE, CAMPUS, ["gender", "grade"])
    shares = weights.groupby([SAMPLE["gender"], SAMPLE["grade"]]).sum() / 10
    assert shares.to_dict() == pytest.approx({("女", 1): 0.2, ("女", 2): 0.1, ("男", 1): 0.3, ("男", 2): 0.4})
    assert weights.mean() == pytest.approx(1)
    assert weights.index.equals(SAMPLE.index)
    by_gender = survey.poststratify(SAMPLE, CAMPUS, "gender")
    assert by_gender.round(4).to_list() == [0.5] * 6 + [1.75] * 4


def test_raking_meets_every_margin():
    weights = survey.rake(SAMPLE, {"gender": {"女": 300, "男": 700}, "grade": pd.Series({1: 0.5, 2: 0.5})})
    for column, expected in (("gender", {"女": 0.3, "男": 0.7}), ("grade", {1: 0.5, 2: 0.5})):
        assert (weights.groupby(SAMPLE[column]).sum() / 10).to_dict() == pytest.approx(expected, abs=1e-6)
    assert weights.mean() == pytest.approx(1)
    odds = weights.groupby([SAMPLE["gender"], SAMPLE["grade"]]).first()
    ratio = odds["女", 1] * odds["男", 2] / (odds["女", 2] * odds["男", 1])
    assert ratio == pytest.approx(1, abs=1e-6), "weights are a product of one factor a margin"


@settings(max_examples=40)
@given(st.lists(st.integers(1, 50), min_size=3, max_size=3))
def test_raking_on_one_column_is_poststratification(people):
    sample = pd.DataFrame({"brand": list("aabccc")})
    population = pd.DataFrame({"brand": list("abc"), "size": people})
    raked = survey.rake(sample, {"brand": dict(zip("abc", people, strict=True))})
    np.testing.assert_allclose(raked, survey.poststratify(sample, population, "brand"), rtol=1e-6)


def test_weights_remove_bias_that_cells_explain(campus):
    rng = np.random.default_rng(5)
    senior = rng.random(len(campus)) < 0.4
    y = campus - 1.0 * senior
    answered = rng.random(len(campus)) < np.where(senior, 0.1, 0.3)
    sample = pd.DataFrame({"senior": senior[answered]})
    population = pd.DataFrame({"senior": [True, False], "size": [senior.sum(), (~senior).sum()]})
    weights = survey.poststratify(sample, population, "senior")
    assert y[answered].mean() - y.mean() > 0.15
    assert np.average(y[answered], weights=weights) == pytest.approx(y.mean(), abs=0.06)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=30))
def test_design_effect_is_one_plus_squared_variation(weights):
    w = np.array(weights)
    assert survey.design_effect(w) == pytest.approx(1 + w.var() / w.mean() ** 2)
    assert survey.design_effect(w * 7) == pytest.approx(survey.design_effect(w))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda: survey.poststratify(SAMPLE[SAMPLE["gender"] == "女"], CAMPUS, ["gender", "grade"]),
            "总体里的 男×1 在样本里一个人也没有：请与相近的类合并",
        ),
        (lambda: survey.poststratify(SAMPLE, CAMPUS[:2], "gender"), "样本第 7 行的 男 不在总体里"),
        (lambda: survey.poststratify(SAMPLE, CAMPUS.assign(size=0), "gender"), "列 size 全是 0"),
        (lambda: survey.poststratify(SAMPLE, CAMPUS, "brand"), "样本缺少列 brand"),
        (lambda: survey.rake(SAMPLE, {"grade": {1: 1, 2: 1, 3: 1}}), "总体里的 3 在样本里一个人也没有"),
        (lambda: survey.rake(SAMPLE, {"grade": {1: 1}}), "样本第 5 行的 2 不在总体里"),
        (lambda: survey.design_effect([0, 0]), "weights 全是 0"),
        (
            lambda: survey.rake(
                pd.DataFrame({"a": [1, 2], "b": [1, 2]}), {"a": {1: 1, 2: 1}, "b": {1: 1, 2: 3}}, most_rounds=20
            ),
            "加权 20 轮后仍不能同时满足",
        ),
    ],
)
def test_bad_weightings_are_told(call, told):
    with pytest.raises(CourseError, match=told):
        call()
