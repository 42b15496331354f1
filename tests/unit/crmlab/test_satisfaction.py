"""Satisfaction: published and cross-checked numbers, laws that hold for any answers, errors that say what to do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import CourseError
from crmlab.satisfaction import (
    DIMENSIONS,
    GRADES,
    QUADRANTS,
    NetPromoterScore,
    PLSPathModel,
    average_variance_extracted,
    composite_reliability,
    cronbach_alpha,
    csi,
    grade,
    htmt,
    indifference_zone,
    ipa,
    item_analysis,
    kano,
    kmo_bartlett,
    nps,
    servqual,
)

PATHS = {
    "IMAG": ["EXPE", "SAT", "LOY"],
    "EXPE": ["QUAL", "VAL", "SAT"],
    "QUAL": ["VAL", "SAT"],
    "VAL": ["SAT"],
    "SAT": ["LOY"],
}
SIZES = {"IMAG": 3, "EXPE": 3, "QUAL": 3, "VAL": 2, "SAT": 3, "LOY": 2}
BLOCKS = {name: [f"{name.lower()}{i + 1}" for i in range(size)] for name, size in SIZES.items()}


def survey(n: int = 120, seed: int = 2005) -> pd.DataFrame:
    """Answers of 1 to 10 from an ECSI-like model; items of one latent differ in variance and in noise."""
    rng = np.random.default_rng(seed)
    latent: dict[str, np.ndarray] = {}
    columns = {}
    for name in SIZES:
        causes = [cause for cause, effects in PATHS.items() if name in effects]
        latent[name] = sum((latent[cause] for cause in causes), np.zeros(n)) * 0.45 + rng.normal(size=n)
    for name, size in SIZES.items():
        for i in range(size):
            noise = rng.normal(size=n)
            answer = 6.5 + (1.0 + 0.4 * i) * latent[name] + (1 + 0.3 * i) * noise
            columns[f"{name.lower()}{i + 1}"] = answer.round().clip(1, 10).astype(int)
    return pd.DataFrame(columns)


SURVEY = survey()
IMAGE = SURVEY[BLOCKS["IMAG"]]


def pls(**options) -> PLSPathModel:
    return PLSPathModel(PATHS, BLOCKS, **options)


# ---------------------------------------------------------------------------------------------------------------- CSI


@pytest.mark.parametrize(
    ("ratings", "weights"),
    [
        ([8, 7, 6], [0.3885, 0.3190, 0.2925]),
        ((8.0, 7.0, 6.0), (0.3885, 0.3190, 0.2925)),
        (np.array([8, 7, 6]), np.array([388.5, 319.0, 292.5])),
        (pd.Series([8, 7, 6]), pd.Series([0.3885, 0.3190, 0.2925])),
        (pd.Series({"a": 8, "b": 7, "c": 6}), pd.Series({"c": 0.2925, "b": 0.3190, "a": 0.3885})),
        ({"a": 8, "b": 7, "c": 6}, {"c": 0.2925, "a": 0.3885, "b": 0.3190}),
        (pd.DataFrame({"a": [7, 9], "b": [7, 7], "c": [5, 7]}), {"b": 0.3190, "a": 0.3885, "c": 0.2925}),
        ([[7, 7, 5], [9, 7, 7]], [0.3885, 0.3190, 0.2925]),
        (pd.DataFrame({"a": [7, 9], "b": [7, 7], "c": [5, 7]}), pd.Series([0.3885, 0.3190, 0.2925])),
    ],
)
def test_published_acsi_number_from_every_way_to_write_it(ratings, weights):
    assert csi(ratings, weights) == pytest.approx(67.7333, abs=1e-4)
    assert isinstance(csi(ratings, weights), float)


def test_csi_on_another_scale():
    assert csi([4, 3], [1, 3], low=1, high=5) == pytest.approx(100 * (3 + 3 * 2) / (4 * 4))


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(1, 10), st.floats(0.01, 5)), min_size=1, max_size=8),
    st.floats(0.1, 100),
)
def test_csi_stays_within_0_and_100_and_knows_only_the_ratio_of_weights(pairs, factor):
    means, weights = (np.array(side) for side in zip(*pairs, strict=True))
    index = csi(means, weights)
    assert -1e-9 <= index <= 100 + 1e-9
    assert csi(means, factor * weights) == pytest.approx(index)
    assert csi(means[::-1], weights[::-1]) == pytest.approx(index)
    assert csi([1] * len(means), weights) == 0
    assert csi([10] * len(means), weights) == pytest.approx(100)


@pytest.mark.parametrize(
    ("ratings", "weights", "told"),
    [
        ([8, 11], [1, 1], "ratings 第 2 个值是 11，应在 1 到 10 之间"),
        (pd.DataFrame({"a": [8, 7], "b": [3, 0]}), [1, 1], "列 b 第 2 行是 0，应在 1 到 10 之间"),
        (pd.DataFrame({"a": [8, 7], "b": [3, None]}), [1, 1], "列 b 第 2 行是空值"),
        ([8, 7], [1, -1], "weights 第 2 个值是 -1，应不小于 0"),
        ([8, 7], [0, 0], "weights 全是 0"),
        ([8, 7], [1], "weights 应有 2 个数，现在有 1 个"),
        ({"a": 8, "b": 7}, {"a": 1, "c": 1}, "weights 与评分的题目对不上：b、c"),
        ({"a": 8, "b": 7}, pd.Series([1, 1, 1], index=["a", "b", "b"]), "权重的名字有重复"),
    ],
)
def test_csi_names_what_is_wrong(ratings, weights, told):
    with pytest.raises(CourseError) as error:
        csi(ratings, weights)
    assert told in str(error.value)


def test_csi_refuses_a_scale_turned_round():
    with pytest.raises(CourseError, match="high 应大于 10，现在是 1"):
        csi([5], [1], low=10, high=1)


# --------------------------------------------------------------------------------------------------------------- grade


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (0, "很不满意"), (30, "很不满意"), (30.99, "很不满意"), (31, "不满意"), (50.5, "不满意"), (51, "基本满意"),
        (67.73, "基本满意"), (70.999, "基本满意"), (71, "满意"), (90.9, "满意"), (91, "很满意"), (100, "很满意"),
        (np.float64(31 - 1e-13), "不满意"), (np.int64(71), "满意"),
    ],
)  # fmt: skip
def test_grade_of_one_score(score, name):
    assert grade(score) == name


def test_grades_of_many_keep_index_and_order_of_the_bands():
    grades = grade(pd.Series([95, 30.5, 71], index=["c", "a", "b"]))
    assert grades.to_dict() == {"c": "很满意", "a": "很不满意", "b": "满意"}
    assert list(grades.cat.categories) == list(GRADES)
    assert grades.min() == "很不满意"
    assert grade([60, 20]).tolist() == ["基本满意", "很不满意"]


@settings(max_examples=25)
@given(st.lists(st.floats(0, 100), min_size=2, max_size=30))
def test_a_higher_score_never_has_a_lower_grade(scores):
    assert grade(sorted(scores)).cat.codes.is_monotonic_increasing


@pytest.mark.parametrize("score", [-0.1, 100.1, float("nan")])
def test_grade_refuses_what_is_no_score(score):
    with pytest.raises(CourseError, match="满意度得分"):
        grade(score)
    with pytest.raises(CourseError, match="满意度得分 第 2 个值"):
        grade([50, score])


# ----------------------------------------------------------------------------------------------------------------- NPS


def test_published_nps():
    result = nps([9] * 100 + [10] * 62 + [7] * 50 + [8] * 58 + [0] * 4 + [6] * 50)
    assert (result.promoters, result.passives, result.detractors, result.n) == (162, 108, 54, 324)
    assert float(result) == result.nps == pytest.approx(100 / 3)
    assert result.se == pytest.approx(4.14, abs=0.005)
    assert result.interval() == pytest.approx((100 / 3 - 1.959964 * result.se, 100 / 3 + 1.959964 * result.se))
    assert result.interval(0.9) == pytest.approx((100 / 3 - 1.644854 * result.se, 100 / 3 + 1.644854 * result.se))


@settings(max_examples=25)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
def test_nps_laws(answers):
    result = nps(answers)
    assert -100 <= result.nps <= 100
    assert result.promoters + result.passives + result.detractors == result.n == len(answers)
    assert nps(answers[::-1]) == result
    coded = 100 * np.select([np.array(answers) >= 9, np.array(answers) <= 6], [1, -1], 0)
    assert result.nps == pytest.approx(coded.mean())
    assert result.se == pytest.approx(coded.std() / np.sqrt(len(answers)), abs=1e-6)
    low, high = result.interval()
    assert -100 <= low <= result.nps <= high <= 100


def test_nps_is_unrounded_and_frozen():
    result = nps(pd.Series([10.0, 9, 3], index=[5, 6, 7]))
    assert result.nps == 100 / 3
    with pytest.raises(AttributeError):
        result.nps = 0
    assert NetPromoterScore(-100, 0, 0, 0, 3, 3).interval() == (-100, -100)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([10, 11], "推荐意愿 第 2 个值是 11，应在 0 到 10 之间"),
        ([10, 8.5], "推荐意愿第 2 个值是 8.5，应是 0 到 10 的整数"),
        ([10, None], "推荐意愿 第 2 个值 nan 不是有限的数"),
        ([], "推荐意愿 是空的"),
    ],
)
def test_nps_names_the_bad_answer(answers, told):
    with pytest.raises(CourseError) as error:
        nps(answers)
    assert told in str(error.value)


# --------------------------------------------------------------------------------------------------------- reliability


def test_alpha_by_hand():
    items = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 4, 4], "c": [1, 3, 2, 4]})
    s2 = [5 / 3, 4 / 3, 5 / 3]
    total = np.var([4, 7, 9, 12], ddof=1)
    assert cronbach_alpha(items) == pytest.approx(3 / 2 * (1 - sum(s2) / total))
    assert cronbach_alpha(items.to_numpy()) == cronbach_alpha(items.to_numpy().tolist()) == cronbach_alpha(items)


def test_alpha_agrees_with_pingouin():
    # pingouin 0.7.0: cronbach_alpha(...)[0]
    assert cronbach_alpha(IMAGE) == pytest.approx(0.7243647570587011, abs=1e-12)


def test_alpha_leaves_out_incomplete_respondents():
    gappy = IMAGE.astype("Int64").copy()
    gappy.iloc[3, 0] = gappy.iloc[7, 2] = None
    assert cronbach_alpha(gappy) == pytest.approx(cronbach_alpha(IMAGE.drop(index=[3, 7])))
    assert cronbach_alpha(gappy, low=1, high=10) == cronbach_alpha(gappy)


def test_reversed_items_are_turned_before_anything_else():
    turned = IMAGE.assign(imag2=11 - IMAGE["imag2"])
    assert cronbach_alpha(turned, reverse=["imag2"], low=1, high=10) == pytest.approx(cronbach_alpha(IMAGE))
    assert cronbach_alpha(turned, reverse="imag2") == pytest.approx(cronbach_alpha(IMAGE))
    assert cronbach_alpha(turned) < 0 < cronbach_alpha(IMAGE)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.5, 20))
def test_alpha_laws(seed, k, factor):
    rng = np.random.default_rng(seed)
    items = pd.DataFrame(rng.normal(size=(20, k)) + rng.normal(size=(20, 1)))
    alpha = cronbach_alpha(items)
    assert alpha <= 1
    assert cronbach_alpha(items.sample(frac=1, random_state=seed)) == pytest.approx(alpha)
    assert cronbach_alpha(factor * items + 3) == pytest.approx(alpha)
    assert cronbach_alpha(items, reverse=list(items)) == pytest.approx(alpha)
    assert cronbach_alpha(pd.concat([items[0]] * k, axis=1).set_axis(range(k), axis=1)) == pytest.approx(1)


def test_item_analysis_finds_the_item_that_does_not_belong():
    rng = np.random.default_rng(1)
    items = IMAGE.assign(noise=rng.integers(1, 11, len(IMAGE)))
    table = item_analysis(items)
    assert list(table.index) == [*BLOCKS["IMAG"], "noise"]
    assert table.loc["noise", "alpha_if_deleted"] == pytest.approx(cronbach_alpha(IMAGE))
    assert table["alpha_if_deleted"].idxmax() == table["item_total"].idxmin() == "noise"
    for item in items:
        rest = items.drop(columns=item).sum(axis=1)
        assert table.loc[item, "item_total"] == pytest.approx(items[item].corr(rest))
    pd.testing.assert_series_equal(table["mean"], items.mean(), check_names=False)
    pd.testing.assert_series_equal(table["sd"], items.std(), check_names=False)


def test_item_analysis_shows_reversed_items_as_answered():
    turned = IMAGE.assign(imag2=11 - IMAGE["imag2"])
    table = item_analysis(turned, reverse=["imag2"])
    assert table.loc["imag2", "mean"] == pytest.approx(turned["imag2"].mean())
    assert table.loc["imag2", "item_total"] == pytest.approx(item_analysis(IMAGE).loc["imag2", "item_total"])


def test_of_two_items_none_can_be_deleted():
    assert item_analysis(IMAGE[["imag1", "imag2"]])["alpha_if_deleted"].isna().all()


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ({"imag2": "很好"}, {}, "列 imag2 第 1 行的 '很好' 不是有限的数"),
        ({"imag2": 12}, {"high": 10}, "列 imag2 第 1 行是 12，应不大于 10"),
        ({"imag2": 0}, {"low": 1, "high": 10}, "列 imag2 第 1 行是 0，应在 1 到 10 之间"),
        ({}, {"reverse": ["imag9"]}, "reverse 里的 imag9 不在量表里：现有的题目是 imag1、imag2、imag3"),
        ({"imag1": np.nan}, {}, "量表有 3 道题、0 份完整答卷"),
        ({"imag1": 5, "imag2": 5, "imag3": 5}, {}, "所有人的总分都相同，信度没有定义"),
    ],
)
def test_alpha_names_what_is_wrong(change, options, told):
    with pytest.raises(CourseError) as error:
        cronbach_alpha(IMAGE.assign(**change), **options)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([[1, 2], [3]], "每行一样长的数字表"),
        ([1, 2, 3], "应是两维的表（一行一份答卷，一列一道题），现在是 1 维"),
        (IMAGE[["imag1"]], "量表有 1 道题"),
        (IMAGE.iloc[:0], "量表数据是空的"),
    ],
)
def test_alpha_wants_a_table(items, told):
    with pytest.raises(CourseError) as error:
        cronbach_alpha(items)
    assert told in str(error.value)


# ------------------------------------------------------------------------------------------------------------ validity


def test_composite_reliability_and_ave_by_hand():
    loadings = pd.Series([0.9, 0.8, 0.7])
    assert composite_reliability(loadings) == pytest.approx(2.4**2 / (2.4**2 + 0.19 + 0.36 + 0.51))
    assert average_variance_extracted(loadings) == pytest.approx((0.81 + 0.64 + 0.49) / 3)
    assert composite_reliability([1, 1]) == average_variance_extracted([-1, 1]) == 1
    with pytest.raises(CourseError, match=r"loadings 第 1 个值是 1\.2"):
        composite_reliability([1.2])
    with pytest.raises(CourseError, match="一正一负正好抵消"):
        composite_reliability([1, -1])


def test_htmt_by_hand_and_symmetric():
    blocks = {name: BLOCKS[name] for name in ("IMAG", "VAL")}
    table = htmt(SURVEY, blocks)
    r = SURVEY.corr().abs()
    between = r.loc[BLOCKS["IMAG"], BLOCKS["VAL"]].to_numpy().mean()
    image = np.mean([r.loc["imag1", "imag2"], r.loc["imag1", "imag3"], r.loc["imag2", "imag3"]])
    assert table.loc["IMAG", "VAL"] == pytest.approx(between / np.sqrt(image * r.loc["val1", "val2"]))
    assert table.loc["VAL", "IMAG"] == table.loc["IMAG", "VAL"]
    assert np.diag(table).tolist() == [1, 1]


def test_htmt_is_one_when_both_constructs_are_the_same():
    both = pd.concat([IMAGE, IMAGE.add_suffix("_again")], axis=1)
    rng = np.random.default_rng(0)
    noisy = pd.DataFrame({f"x{i}": rng.normal(size=4000) + rng.normal(size=4000) * 0 for i in range(4)})
    latent = rng.normal(size=4000)
    noisy = noisy.add(latent, axis=0)
    assert htmt(noisy, {"a": ["x0", "x1"], "b": ["x2", "x3"]}).loc["a", "b"] == pytest.approx(1, abs=0.05)
    assert htmt(both, {"a": list(IMAGE), "b": list(IMAGE.add_suffix("_again"))}).loc["a", "b"] > 1


def test_htmt_names_what_is_wrong():
    with pytest.raises(CourseError, match="潜变量 LOY 只有 1 道题"):
        htmt(SURVEY, {"IMAG": BLOCKS["IMAG"], "LOY": ["loy1"]})
    with pytest.raises(CourseError, match="列 imag1 的答案全是 7，没有差异"):
        htmt(SURVEY.assign(imag1=7), {"IMAG": BLOCKS["IMAG"], "LOY": BLOCKS["LOY"]})
    with pytest.raises(CourseError, match="调查数据缺少列 loy3"):
        htmt(SURVEY, {"IMAG": BLOCKS["IMAG"], "LOY": ["loy1", "loy3"]})


def test_kmo_and_bartlett_agree_with_factor_analyzer():
    # factor_analyzer 0.5.1: calculate_kmo, calculate_bartlett_sphericity
    result = kmo_bartlett(SURVEY)
    assert float(result) == result.kmo == pytest.approx(0.8725232691217172, abs=1e-10)
    assert result.by_item["imag1"] == pytest.approx(0.86533783, abs=1e-8)
    assert result.by_item["loy2"] == pytest.approx(0.80050033, abs=1e-8)
    assert result.chi_square == pytest.approx(955.5763774530701, abs=1e-8)
    assert result.df == 16 * 15 // 2
    assert result.p == pytest.approx(3.084518478921261e-130, rel=1e-6)


def test_kmo_refuses_items_that_follow_from_others():
    with pytest.raises(CourseError, match="可以由其他题目精确算出"):
        kmo_bartlett(IMAGE.assign(total=IMAGE.sum(axis=1)))
    with pytest.raises(CourseError, match="答卷数 3 不多于题目数 3"):
        kmo_bartlett(pd.DataFrame({"a": [1, 2, 4], "b": [2, 1, 1], "c": [1, 3, 1]}))


# ------------------------------------------------------------------------------------------------------------ SERVQUAL


def test_servqual_of_22_items_in_their_order():
    perception = [5] * 4 + [4] * 5 + [6] * 4 + [3] * 4 + [5] * 5
    result = servqual(perception, [6] * 22, weights=[10, 30, 25, 20, 15])
    assert result.dimensions["gap"].to_dict() == {
        "有形性": -1, "可靠性": -2, "响应性": 0, "保证性": -3, "移情性": -1,
    }  # fmt: skip
    assert float(result) == result.overall == pytest.approx(-0.1 - 0.6 - 0 - 0.6 - 0.15)
    assert servqual(perception, [6] * 22).overall == pytest.approx(-7 / 5)
    assert result.items["dimension"].value_counts(sort=False).to_dict() == DIMENSIONS
    assert result.items.loc[5, "gap"] == -2
    assert list(result.items.index) == list(range(1, 23))


def test_servqual_of_answers_by_name_and_by_position():
    perceived = pd.DataFrame({"快": [5, 6], "准": [4, 4], "美": [7, 6]})
    expected = pd.DataFrame({"美": [5, 5], "准": [7, 6], "快": [6, 6]})
    own = {"快": "响应", "准": "响应", "美": "有形"}
    result = servqual(perceived, expected, {"有形": 1, "响应": 3}, dimensions=own)
    assert result.items["gap"].to_dict() == {"快": -0.5, "准": -2.5, "美": 1.5}
    assert result.dimensions.loc["响应"].to_dict() == {
        "perception": 4.75, "expectation": 6.25, "gap": -1.5, "weight": 0.75,
    }  # fmt: skip
    assert float(result) == pytest.approx(0.75 * -1.5 + 0.25 * 1.5)
    renamed = expected[["快", "准", "美"]].set_axis(["e1", "e2", "e3"], axis=1)
    by_position = servqual(perceived, renamed, pd.Series([3, 1]), dimensions=pd.Series(own))
    assert by_position.overall == pytest.approx(result.overall)


@settings(max_examples=25)
@given(st.lists(st.integers(1, 7), min_size=22, max_size=22), st.lists(st.integers(1, 7), min_size=22, max_size=22))
def test_servqual_is_antisymmetric_and_bounded(one, two):
    there, back = servqual(one, two).overall, servqual(two, one).overall
    assert there == pytest.approx(-back)
    assert -6 <= there <= 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([5] * 22, [5] * 21), "感知评分有 22 道题，期望评分有 21 道题"),
        (([5] * 3, [5] * 3), "问卷有 3 道题，不是 SERVQUAL 的 22 道"),
        (([5] * 22, [5] * 22, [1] * 4), "weights 应有 5 个数，现在有 4 个"),
        (([5] * 22, [5] * 22, [0] * 5), "weights 全是 0"),
        (([5] * 22, [5] * 22, {"有形性": 1}), "weights 应给每个维度一个权重：有形性、可靠性、响应性、保证性、移情性"),
        ((pd.Series([5, 5], index=["a", "a"]), [5, 5]), "感知评分里 a 出现了不止一次"),
        ((pd.DataFrame({"a": [5, None]}), pd.DataFrame({"a": [5, 5]})), "列 a 第 2 行是空值"),
    ],
)
def test_servqual_names_what_is_wrong(arguments, told):
    with pytest.raises(CourseError) as error:
        servqual(*arguments)
    assert told in str(error.value)


def test_servqual_wants_a_dimension_for_every_item():
    with pytest.raises(CourseError, match="没有写明题目 b 属于哪个维度"):
        servqual({"a": 5, "b": 4}, {"a": 5, "b": 6}, dimensions={"a": "甲"})


# ---------------------------------------------------------------------------------------------------------------- Kano


def test_kano_table_cell_by_cell():
    rows = ["QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ"]
    for there in range(5):
        for lacking in range(5):
            assert kano([there + 1], [lacking + 1])["class"].iloc[0] == rows[there][lacking]


def test_kano_better_and_worse_by_hand():
    # 3 × A, 2 × O, 1 × M, 2 × I, 1 × R, 1 × Q
    there = [1, 1, 1, 1, 1, 2, 3, 4, 5, 5]
    lacking = [2, 3, 4, 5, 5, 5, 3, 2, 2, 5]
    row = kano(there, lacking).iloc[0]
    assert row[["A", "O", "M", "I", "R", "Q"]].tolist() == [3, 2, 1, 2, 1, 1]
    assert (row["class"], row["name"]) == ("A", "魅力型")
    assert row["better"] == pytest.approx(5 / 8)
    assert row["worse"] == pytest.approx(-3 / 8)


@pytest.mark.parametrize(
    ("pairs", "winner"),
    [
        ([(2, 5), (1, 5), (1, 3), (3, 3)], "M"),
        ([(1, 5), (1, 3), (3, 3)], "O"),
        ([(1, 3), (3, 3)], "A"),
        ([(3, 3), (5, 1)], "I"),
        ([(5, 1), (1, 1)], "R"),
    ],
)
def test_kano_ties_go_to_the_class_that_hurts_most(pairs, winner):
    assert kano(*zip(*pairs, strict=True))["class"].iloc[0] == winner


def test_kano_words_and_columns_in_any_order():
    there = pd.DataFrame({"甲": ["喜欢", "我很喜欢"], "乙": ["理所当然", " 理应如此"]}, index=[4, 9])
    lacking = pd.DataFrame({"乙": ["很不喜欢", "不喜欢"], "甲": ["无所谓", "勉强接受"]}, index=[4, 9])
    table = kano(there, lacking)
    assert table["class"].to_dict() == {"甲": "A", "乙": "M"}
    numbers = kano(pd.DataFrame({"甲": [1, 1], "乙": [2, 2]}), pd.DataFrame({"甲": [3, 4], "乙": [5, 5]}))
    pd.testing.assert_frame_equal(table, numbers)
    pd.testing.assert_frame_equal(kano([[1, 2], [1, 2]], [[3, 5], [4, 5]]).set_axis(["甲", "乙"]), numbers)
    assert kano(pd.Series([1], name="q+"), pd.Series([5], name="q-")).loc[0, "class"] == "O"


answers = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=40)


@settings(max_examples=25)
@given(answers)
def test_kano_laws(pairs):
    row = kano(*zip(*pairs, strict=True)).iloc[0]
    assert row[list("AOMIRQ")].sum() == len(pairs)
    assert row[row["class"]] == row[list("AOMIRQ")].max()
    if row[list("AOMI")].sum():
        assert 0 <= row["better"] <= 1
        assert -1 <= row["worse"] <= 0
    else:
        assert np.isnan(row["better"])
        assert np.isnan(row["worse"])


@pytest.mark.parametrize(
    ("there", "lacking", "told"),
    [
        (pd.DataFrame({"甲": [1, 6]}), pd.DataFrame({"甲": [1, 1]}), "正向问题列 甲 第 2 行的 6 不是五种答案之一"),
        (
            pd.DataFrame({"甲": [1, 1]}),
            pd.DataFrame({"甲": [1, "一般"]}),
            "反向问题列 甲 第 2 行的 '一般' 不是五种答案之一",
        ),
        (pd.DataFrame({"甲": [1]}), pd.DataFrame({"乙": [1]}), "正向问题有 1 行、列 甲，反向问题有 1 行、列 乙"),
        ([1, 2], [1], "正向问题有 2 行"),
        (pd.DataFrame({"甲": [1, None]}), pd.DataFrame({"甲": [1, 1]}), "列 甲 第 2 行是空值"),
    ],
)
def test_kano_names_what_is_wrong(there, lacking, told):
    with pytest.raises(CourseError) as error:
        kano(there, lacking)
    assert told in str(error.value)


# ----------------------------------------------------------------------------------------------------------------- IPA


def test_ipa_quadrants_and_cross_hair():
    table = ipa(pd.Series({"a": 9, "b": 8, "c": 5, "d": 4}), pd.Series({"d": 4, "c": 8, "b": 8, "a": 5}))
    assert table["quadrant"].to_dict() == {"a": "重点改进", "b": "继续保持", "c": "过度供给", "d": "低优先"}
    assert table[["importance", "performance"]].mean().tolist() == [6.5, 6.25]
    assert list(table["quadrant"].cat.categories) == list(QUADRANTS)


def test_on_the_cross_hair_is_high():
    assert ipa([5, 5, 5], [1, 2, 3])["quadrant"].tolist() == ["重点改进", "继续保持", "继续保持"]
    assert set(ipa([0.1] * 3, [0.7] * 3)["quadrant"]) == {"继续保持"}  # whose mean is a hair above 0.1


def test_ipa_of_answers_and_of_mixed_inputs():
    performance = pd.DataFrame({"a": [5, 5], "b": [7, 9]})
    table = ipa(pd.DataFrame({"b": [2, 4], "a": [8, 8]}), performance)
    assert table.loc["a"].tolist() == [8, 5, "重点改进"]
    pd.testing.assert_frame_equal(ipa([8, 3], performance), table.loc[["a", "b"]])
    assert ipa({"a": 8, "b": 3}, [5, 8]).loc["b", "quadrant"] == "过度供给"


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=2, max_size=12), st.randoms())
def test_ipa_does_not_know_the_order_of_the_attributes(pairs, random):
    table = ipa(*(pd.Series(side, index=[f"x{i}" for i in range(len(pairs))]) for side in zip(*pairs, strict=True)))
    order = list(table.index)
    random.shuffle(order)
    again = ipa(table.loc[order, "importance"], table["performance"])
    assert again["quadrant"].to_dict() == table["quadrant"].to_dict()


def test_ipa_wants_the_same_attributes():
    with pytest.raises(CourseError, match="重要性的属性是 a、b，表现的属性是 a、c"):
        ipa({"a": 1, "b": 2}, {"a": 1, "c": 2})
    with pytest.raises(CourseError, match="两边应是同样的属性"):
        ipa([1, 2], [1, 2, 3])


# ------------------------------------------------------------------------------------------- satisfaction and loyalty


def test_indifference_zone_finds_the_flat_middle():
    rng = np.random.default_rng(3)
    x = rng.uniform(1, 10, 600)
    y = 2 + 0.8 * x - 0.75 * np.maximum(x - 4, 0) + 0.9 * np.maximum(x - 7.5, 0) + rng.normal(0, 0.2, 600)
    zone = indifference_zone(x, pd.Series(y))
    assert zone.low == pytest.approx(4, abs=0.3)
    assert zone.high == pytest.approx(7.5, abs=0.3)
    assert zone.slopes == pytest.approx((0.8, 0.05, 0.95), abs=0.1)
    assert 0.9 < zone.r_squared < 1


def test_indifference_zone_says_when_there_is_none():
    with pytest.raises(CourseError, match="看不到质量不敏感区"):
        indifference_zone([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])
    with pytest.raises(CourseError, match="看不到质量不敏感区"):
        indifference_zone([1, 2, 3, 4, 5, 6], [6, 5, 3, 3, 2, 1])
    with pytest.raises(CourseError, match="至少要有四个不同的值"):
        indifference_zone([1, 2, 3, 3], [1, 2, 3, 4])
    with pytest.raises(CourseError, match="忠诚度 应有 4 个数，现在有 3 个"):
        indifference_zone([1, 2, 3, 4], [1, 2, 3])


# ------------------------------------------------------------------------------------------------ path model, numbers

# plspm 0.5.7 (Python port, checked by its authors against R's plspm) on the same answers, standardised beforehand with
# ddof 0 where scaled: weight of sat1, weight of imag3, loading of loy2, path QUAL → SAT, total effect IMAG → LOY,
# R² of SAT, goodness of fit. "mixed": IMAG and QUAL formative.
REFERENCE = {
    ("centroid", "A", True): (0.372267, 0.397612, 0.923882, 0.215188, 0.395160, 0.554784, 0.471987),
    ("centroid", "A", False): (0.117699, 0.253737, 0.942113, 0.252048, 0.396648, 0.545478, 0.460924),
    ("centroid", "B", True): (0.408905, 0.337844, 0.964702, 0.225720, 0.428764, 0.569677, 0.473046),
    ("centroid", "B", False): (0.196617, 0.148806, 0.964704, 0.225722, 0.428766, 0.569677, 0.473046),
    ("centroid", "mixed", True): (0.372552, 0.334667, 0.922477, 0.231080, 0.417797, 0.556592, 0.471186),
    ("centroid", "mixed", False): (0.118414, 0.157072, 0.939829, 0.247557, 0.419339, 0.543416, 0.463116),
    ("factorial", "A", True): (0.373166, 0.395404, 0.923391, 0.215417, 0.394397, 0.555042, 0.471929),
    ("factorial", "A", False): (0.117909, 0.253154, 0.941645, 0.252211, 0.396092, 0.545628, 0.460778),
    ("factorial", "B", True): (0.418585, 0.336939, 0.963951, 0.226294, 0.428302, 0.571089, 0.473175),
    ("factorial", "B", False): (0.201238, 0.148433, 0.963975, 0.226307, 0.428312, 0.571091, 0.473176),
    ("factorial", "mixed", True): (0.373143, 0.331241, 0.922248, 0.232508, 0.416985, 0.557435, 0.471277),
    ("factorial", "mixed", False): (0.118469, 0.155992, 0.939683, 0.249528, 0.418599, 0.544348, 0.463115),
    ("path", "A", True): (0.371833, 0.395331, 0.922482, 0.215514, 0.394141, 0.555004, 0.471901),
    ("path", "A", False): (0.117122, 0.253124, 0.940864, 0.252357, 0.395859, 0.545549, 0.460720),
    ("path", "B", True): (0.401364, 0.336699, 0.963199, 0.227722, 0.428030, 0.570681, 0.473191),
    ("path", "B", False): (0.192915, 0.148341, 0.963237, 0.227746, 0.428044, 0.570683, 0.473192),
    ("path", "mixed", True): (0.371755, 0.331076, 0.921810, 0.232615, 0.416857, 0.557402, 0.471260),
    ("path", "mixed", False): (0.117712, 0.155952, 0.939390, 0.249677, 0.418520, 0.544291, 0.463068),
}


@pytest.mark.parametrize(("scheme", "mode", "scaled"), REFERENCE)
def test_path_model_agrees_with_plspm(scheme, mode, scaled):
    modes = {"IMAG": "B", "QUAL": "B"} if mode == "mixed" else mode
    model = pls(modes=modes, scheme=scheme, scaled=scaled).fit(SURVEY)
    found = (
        model.outer_.loc["sat1", "weight"],
        model.outer_.loc["imag3", "weight"],
        model.outer_.loc["loy2", "loading"],
        model.paths_.loc["SAT", "QUAL"],
        model.effects_.loc["IMAG -> LOY", "total"],
        model.r_squared_["SAT"],
        model.gof_,
    )
    assert found == pytest.approx(REFERENCE[scheme, mode, scaled], abs=1e-6)


def test_tables_agree_with_plspm():
    model = pls(scheme="centroid", scaled=False).fit(SURVEY)
    block = model.unidimensionality_.loc["IMAG", ["alpha", "rho", "eig_1", "eig_2"]]
    assert block.tolist() == pytest.approx([0.743294, 0.853981, 1.983346, 0.565736], abs=1e-6)
    row = model.inner_.loc["QUAL -> SAT", ["estimate", "std_error", "t", "p"]]
    assert row.tolist() == pytest.approx([0.252048, 0.07386, 3.412516, 0.000889], abs=1e-6)
    assert (model.inner_.loc["QUAL -> SAT", "from"], model.inner_.loc["QUAL -> SAT", "to"]) == ("QUAL", "SAT")


def test_scores_have_mean_0_variance_1_and_follow_from_the_weights():
    model = pls().fit(SURVEY.set_axis(range(500, 500 + len(SURVEY))))
    assert model.scores_.index[0] == 500
    np.testing.assert_allclose(model.scores_.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(model.scores_.std(ddof=0), 1)
    treated = (SURVEY - SURVEY.mean()) / SURVEY.std(ddof=0)
    by_hand = treated[BLOCKS["SAT"]] @ model.outer_.loc[BLOCKS["SAT"], "weight"]
    np.testing.assert_allclose(model.scores_["SAT"], by_hand)
    np.testing.assert_allclose(
        model.crossloadings_.loc["loy1"],
        [SURVEY["loy1"].corr(model.scores_[name].set_axis(SURVEY.index)) for name in BLOCKS],
    )


def test_effects_add_up_along_the_arrows():
    model = pls().fit(SURVEY)
    b = model.paths_
    by_hand = b.loc["EXPE", "IMAG"] * (b.loc["QUAL", "EXPE"] * b.loc["VAL", "QUAL"] + b.loc["VAL", "EXPE"])
    row = model.effects_.loc["IMAG -> VAL"]
    assert row["direct"] == 0
    assert row["indirect"] == row["total"] == pytest.approx(by_hand)
    assert set(model.effects_.query("direct != 0").index) == set(model.inner_.index)
    assert len(model.effects_) == 15
    assert "LOY -> SAT" not in model.effects_.index


def test_goodness_of_fit_and_summary_by_hand():
    model = PLSPathModel(
        {"QUAL": ["SAT"], "SAT": ["LOY"]},
        {"QUAL": BLOCKS["QUAL"], "SAT": BLOCKS["SAT"], "LOY": "loy1"},
        modes=["B", "A", "A"],
    ).fit(SURVEY)
    shared = model.outer_[model.outer_["block"] != "LOY"]
    assert model.gof_ == pytest.approx(np.sqrt(shared["communality"].mean() * model.r_squared_.mean()))
    table = model.summary
    assert list(table.index) == ["QUAL", "SAT", "LOY"]
    assert table.loc["SAT", "communality"] == pytest.approx(model.outer_.loc[BLOCKS["SAT"], "communality"].mean())
    assert table.loc["SAT", "ave"] == table.loc["SAT", "communality"]
    assert table.loc["SAT", "redundancy"] == pytest.approx(table.loc["SAT", "ave"] * model.r_squared_["SAT"])
    assert table.loc["QUAL", ["alpha", "rho", "ave", "r_squared"]].isna().all()
    assert table.loc["LOY", ["alpha", "rho", "eig_2"]].isna().all()
    assert table.loc["LOY", "eig_1"] == pytest.approx(1)
    assert table.loc["LOY", "r_squared_adj"] == pytest.approx(1 - (1 - model.r_squared_["LOY"]) * 119 / 118)
    assert table.loc["SAT", "index"] == pytest.approx(model.indices_["SAT"])
    assert table["mode"].tolist() == ["B", "A", "A"]


def test_single_items_have_no_goodness_of_fit():
    model = PLSPathModel({"a": "b"}, {"a": ["imag1"], "b": ["sat1"]}).fit(SURVEY)
    assert np.isnan(model.gof_)
    assert model.paths_.loc["b", "a"] == pytest.approx(SURVEY["imag1"].corr(SURVEY["sat1"]))


# ------------------------------------------------------------------------------------------------ path model, indices


@pytest.mark.parametrize("scaled", [True, False])
def test_indices_are_the_csi_of_unstandardised_weights(scaled):
    model = pls(scaled=scaled).fit(SURVEY)
    for name, items in BLOCKS.items():
        weights = model.outer_.loc[items, "weight"] / (SURVEY[items].std(ddof=0) if scaled else 1)
        assert model.indices_[name] == pytest.approx(csi(SURVEY[items], weights))
    each = model.indices_by_respondent_
    assert each.min(axis=None) >= 0
    assert each.max(axis=None) <= 100
    row = model.outer_.loc[BLOCKS["LOY"], "weight"] / (SURVEY[BLOCKS["LOY"]].std(ddof=0) if scaled else 1)
    assert each.loc[5, "LOY"] == pytest.approx(csi(SURVEY.loc[5, BLOCKS["LOY"]], row))


def test_the_scale_of_the_indices_is_found_or_given():
    base = pls().fit(SURVEY).indices_
    pd.testing.assert_series_equal(pls(low=1, high=10).fit(SURVEY).indices_, base)
    shifted = pls().fit(SURVEY - 1).indices_  # 0 to 9: read as 0 to 10
    pd.testing.assert_series_equal(shifted, base * 0.9)
    with pytest.raises(CourseError, match="答案在 -9 到 0 之间，看不出量表的两端"):
        _ = pls().fit(SURVEY - 10).indices_
    assert pls().fit(SURVEY - 10).summary["index"].isna().all()
    pd.testing.assert_series_equal(pls(low=-9, high=0).fit(SURVEY - 10).indices_, base)


def test_an_item_worded_the_other_way_round_counts_from_the_other_end():
    turned = SURVEY.assign(sat2=11 - SURVEY["sat2"])
    model, base = pls().fit(turned), pls().fit(SURVEY)
    assert model.outer_.loc["sat2", "loading"] < 0 < model.outer_.loc["sat1", "loading"]
    # The start from equal weights is another one, so the two fits agree to the tolerance only.
    assert model.indices_["SAT"] == pytest.approx(base.indices_["SAT"], abs=0.1)


# --------------------------------------------------------------------------------------------------- path model, laws


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from(["path", "centroid", "factorial"]), st.sampled_from("AB"))
def test_laws_of_the_path_model(seed, scheme, mode):
    data = survey(80, seed)
    model = pls(scheme=scheme, modes=mode, max_iter=1000).fit(data)
    assert model.r_squared_.between(0, 1).all()
    assert model.outer_["loading"].abs().max() <= 1 + 1e-9
    assert model.indices_.between(0, 100).all()
    votes = np.sign(model.outer_["loading"]).groupby(model.outer_["block"]).sum()
    assert (votes >= 0).all()
    again = pls(scheme=scheme, modes=mode, max_iter=1000).fit(data.sample(frac=1, random_state=1) * 3 + 5)
    pd.testing.assert_frame_equal(again.outer_, model.outer_)


def test_every_way_to_write_the_paths_gives_the_same_model():
    matrix = pd.DataFrame(0, index=list(BLOCKS), columns=list(BLOCKS))
    for cause, effects in PATHS.items():
        matrix.loc[effects, cause] = 1
    pairs = [(cause, effect) for cause, effects in PATHS.items() for effect in effects]
    base = pls().fit(SURVEY).paths_
    for paths in (matrix, pairs, matrix.astype(bool)):
        pd.testing.assert_frame_equal(PLSPathModel(paths, BLOCKS).fit(SURVEY).paths_, base)
    assert list(base.index) == list(base.columns) == list(BLOCKS)
    assert (base.ne(0) == matrix.eq(1)).all(axis=None)


def test_a_tie_of_signs_goes_to_the_stronger_item():
    rng = np.random.default_rng(5)
    latent = rng.normal(size=300)
    data = pd.DataFrame(
        {
            "gnp": latent + 0.3 * rng.normal(size=300),
            "farm": -4 * latent + 6 * rng.normal(size=300),
            "order": latent + rng.normal(size=300),
        }
    )
    model = PLSPathModel({"dev": ["stable"]}, {"dev": ["gnp", "farm"], "stable": ["order"]}).fit(data)
    assert model.outer_.loc["gnp", "loading"] > 0.9
    assert model.outer_.loc["farm", "loading"] < 0
    assert model.paths_.loc["stable", "dev"] > 0


def test_fit_changes_nothing_it_was_given_and_repr_says_what_it_is():
    before = SURVEY.copy()
    model = pls(scheme="factorial", scaled=False)
    assert model.fit(SURVEY.assign(name="x")) is model
    pd.testing.assert_frame_equal(SURVEY, before)
    assert repr(model) == "PLSPathModel(IMAG, EXPE, QUAL, VAL, SAT, LOY; scheme='factorial', scaled=False)"
    assert model.iterations_ == 4


# --------------------------------------------------------------------------------------------- path model, bootstrap


def test_bootstrap_agrees_with_refitting_each_resample():
    model = pls().fit(SURVEY)
    table = model.bootstrap(5, seed=11)
    rows = np.random.default_rng(11).integers(120, size=(5, 120))
    refits = [pls().fit(SURVEY.iloc[chosen].reset_index(drop=True)) for chosen in rows]
    paths = [fit.paths_.loc["SAT", "QUAL"] for fit in refits]
    assert table.loc[("path", "QUAL -> SAT"), "mean"] == pytest.approx(np.mean(paths), abs=1e-3)
    assert table.loc[("path", "QUAL -> SAT"), "std_error"] == pytest.approx(np.std(paths, ddof=1), abs=1e-3)
    loadings = [fit.outer_.loc["imag3", "loading"] for fit in refits]
    assert table.loc[("loading", "imag3"), "mean"] == pytest.approx(np.mean(loadings), abs=1e-3)


@pytest.mark.parametrize(("scaled", "modes"), [(True, "A"), (False, {"IMAG": "B"})])
def test_bootstrap_table(scaled, modes):
    model = pls(scaled=scaled, modes=modes).fit(SURVEY)
    table = model.bootstrap(300, seed=1)
    assert table.attrs["resamples"] == 300
    counts = table.groupby(level="kind", sort=False).size().to_dict()
    assert counts == {"path": 10, "total": 15, "r_squared": 5, "weight": 16, "loading": 16}
    np.testing.assert_allclose(table.loc["loading", "estimate"], model.outer_["loading"])
    np.testing.assert_allclose(table.loc["weight", "estimate"], model.outer_["weight"])
    np.testing.assert_allclose(table.loc["r_squared", "estimate"], model.r_squared_)
    assert table.loc[("total", "IMAG -> LOY"), "estimate"] == model.effects_.loc["IMAG -> LOY", "total"]
    assert (table["low"] <= table["mean"]).all()
    assert (table["mean"] <= table["high"]).all()
    # Close to the error of least squares, which takes the scores as given.
    ratio = table.loc["path", "std_error"] / model.inner_["std_error"].reindex(table.loc["path"].index)
    assert ratio.between(0.6, 1.6).all()
    pd.testing.assert_frame_equal(model.bootstrap(300, seed=1), table)
    narrow = model.bootstrap(300, seed=1, level=0.5)
    assert ((narrow["high"] - narrow["low"]) < (table["high"] - table["low"])).all()


def test_large_surveys_are_resampled_in_portions(monkeypatch):
    model = pls().fit(SURVEY)
    whole = model.bootstrap(7, seed=2)
    monkeypatch.setattr("crmlab.satisfaction.pls._CELLS", 3 * SURVEY.size)
    portions = model.bootstrap(7, seed=2)
    assert portions.attrs["resamples"] == 7
    np.testing.assert_allclose(portions["mean"], whole["mean"], atol=1e-3)


def test_resamples_without_variance_are_left_out():
    rare = pd.DataFrame({"a": [0] * 11 + [1], "b": [1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 9]})
    model = PLSPathModel({"x": ["y"]}, {"x": ["a"], "y": ["b"]}).fit(rare)
    used = model.bootstrap(200, seed=0).attrs["resamples"]
    assert 100 < used < 160  # the odd one out is drawn with probability 1 − (11/12)^12 = .65
    assert model.bootstrap(200, seed=0).loc[("loading", "a"), "std_error"] == pytest.approx(0, abs=1e-12)
    assert np.isnan(model.bootstrap(200, seed=0).loc[("loading", "a"), "t"])


def test_bootstrap_says_when_nothing_can_be_estimated():
    rare = pd.DataFrame({"a": [0] * 39 + [1], "b": list(range(40))})
    model = PLSPathModel({"x": ["y"]}, {"x": ["a"], "y": ["b"]}).fit(rare)
    with pytest.raises(CourseError, match="自助样本几乎都估计不出来"):
        model.bootstrap(2, seed=0)


# -------------------------------------------------------------------------------------------------- path model, picture


def overlaps(figure) -> list[tuple[str, str]]:
    """Texts of the diagram that cover one another."""
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.axes[0].texts if text.get_text()]
    return [
        (one, two)
        for i, (one, box) in enumerate(boxes)
        for two, other in boxes[i + 1 :]
        if box.shrunk(0.9, 0.75).overlaps(other.shrunk(0.9, 0.75))
    ]


CHINESE = {
    "IMAG": "企业形象", "EXPE": "顾客预期", "QUAL": "感知质量", "VAL": "感知价值", "SAT": "满意", "LOY": "忠诚",
}  # fmt: skip


@pytest.mark.parametrize("names", [CHINESE, {name: name for name in CHINESE}])
def test_path_diagram_shows_every_number_and_covers_none(names):
    model = PLSPathModel(
        {names[cause]: [names[effect] for effect in effects] for cause, effects in PATHS.items()},
        {names[name]: items for name, items in BLOCKS.items()},
    ).fit(SURVEY)
    figure = model.plot()
    texts = [text.get_text() for text in figure.axes[0].texts]
    for value in model.inner_["estimate"]:
        assert f"{value:.2f}" in texts
    for name, value in model.r_squared_.items():
        assert name in texts
        assert f"R² {value:.2f}" in texts
    assert overlaps(figure) == []
    strongest = model.inner_.loc[model.inner_["estimate"].idxmax()]
    assert figure.get_suptitle().startswith(f"{strongest['from']} 对 {strongest['to']} 的直接影响最大")


def test_path_diagram_of_many_drivers_and_of_a_negative_path():
    data = SURVEY.assign(loy1=11 - SURVEY["loy1"])
    blocks = {item: [item] for item in data if item[:4] in ("imag", "expe", "qual")} | {
        "SAT": ["sat1"],
        "LOY": ["loy1"],
    }
    drivers = [name for name in blocks if name not in ("SAT", "LOY")]
    model = PLSPathModel({name: ["SAT"] for name in drivers} | {"SAT": ["LOY"]}, blocks).fit(data)
    figure = model.plot()
    assert overlaps(figure) == []
    assert f"{model.paths_.loc['LOY', 'SAT']:.2f}" in [text.get_text() for text in figure.axes[0].texts]
    assert model.paths_.loc["LOY", "SAT"] < 0


# --------------------------------------------------------------------------------------------------- path model, errors

TWO = {"质量": ["qual1", "qual2"], "满意": ["sat1", "sat2"]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (({"质量": ["满意"]}, {}), "blocks 应是字典"),
        (({"质量": ["满意"]}, {"质量": [], "满意": ["sat1"]}), "潜变量 质量 没有一列"),
        (({"质量": ["满意"]}, {"质量": ["qual1"], "满意": ["qual1"]}), "列 qual1 在 blocks 里出现了不止一次"),
        (({"质量": ["忠诚"]}, TWO), "paths 里的潜变量 忠诚 不在 blocks 里：blocks 有 质量、满意"),
        (({"质量": ["满意"]}, {**TWO, "忠诚": ["loy1"]}), "潜变量 忠诚 没有连到任何路径"),
        (({"质量": ["满意"], "满意": ["质量"]}, TWO), "paths 里有回路，涉及 质量、满意"),
        (([("质量", "满意", "忠诚")], TWO), "paths 应是字典（原因 → 结果的列表）"),
        (("质量", TWO), "paths 应是字典（原因 → 结果的列表）"),
        ((pd.DataFrame({"质量": [0, 2], "满意": [0, 0]}, index=["质量", "满意"]), TWO), "paths 表应是方阵"),
        ((pd.DataFrame({"质量": [0, 1]}), TWO), "paths 表应是方阵"),
        (({"质量": ["满意"]}, TWO, "C"), "modes 应是 A、B 之一，现在是 'C'"),
        (({"质量": ["满意"]}, TWO, {"忠诚": "B"}), "modes 里的 忠诚 不是 blocks 里的潜变量"),
        (({"质量": ["满意"]}, TWO, ["A"]), "modes 应给每个潜变量一个 A 或 B：潜变量有 2 个，现在写了 1 个"),
        (({"质量": ["满意"]}, TWO, "A", "pca"), "scheme 应是 path、centroid、factorial 之一，现在是 'pca'"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused(arguments, told):
    with pytest.raises(CourseError) as error:
        PLSPathModel(*arguments)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"low": 1}, "low 和 high 要么都写，要么都不写"),
        ({"low": 10, "high": 1}, "high 应大于 10，现在是 1"),
        ({"tol": 0}, "tol 应大于 0，现在是 0"),
        ({"max_iter": 0}, "max_iter"),
    ],
)
def test_options_out_of_bounds_are_refused(options, told):
    with pytest.raises(CourseError) as error:
        pls(**options)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ({"sat2": np.nan}, {}, "列 sat2 第 1 行是空值"),
        ({"sat2": "满意"}, {}, "列 sat2 第 1 行的 '满意' 不是有限的数"),
        ({"sat2": 7}, {}, "列 sat2 的答案全是 7，没有差异"),
        ({"sat2": 11}, {"low": 1, "high": 10}, "列 sat2 第 1 行是 11，应在 1 到 10 之间"),
        ({"sat2": 11 - SURVEY["sat1"]}, {}, "潜变量 满意 的题目 sat1、sat2 一正一反、正好抵消"),
        ({"sat2": SURVEY["sat1"]}, {"modes": "B"}, "潜变量 满意 是形成型（mode B），但它的题目 sat1、sat2 完全共线"),
    ],
)
def test_answers_that_cannot_be_fitted_are_named(change, options, told):
    with pytest.raises(CourseError) as error:
        PLSPathModel({"质量": ["满意"]}, TWO, **options).fit(SURVEY.assign(**change))
    assert told in str(error.value)


def test_other_reasons_why_a_fit_stops():
    model = PLSPathModel({"质量": ["满意"]}, TWO)
    with pytest.raises(CourseError, match="调查数据缺少列 sat2"):
        model.fit(SURVEY.drop(columns="sat2"))
    with pytest.raises(CourseError, match="只有 2 份答卷，这个模型至少要 3 份"):
        model.fit(SURVEY.head(2))
    with pytest.raises(CourseError, match=r"迭代 1 次权重仍未稳定（平方变化 .*，要求小于 1e-06）"):
        pls(max_iter=1).fit(SURVEY)
    twins = {"a": ["imag1"], "b": ["again"], "c": ["sat1"]}
    with pytest.raises(CourseError, match="c 的原因 a、b 完全共线"):
        PLSPathModel({"a": "c", "b": "c"}, twins).fit(SURVEY.assign(again=SURVEY["imag1"]))


@pytest.mark.parametrize(
    "ask", [lambda m: m.summary, lambda m: m.indices_, lambda m: m.bootstrap(), lambda m: m.plot()]
)
def test_results_wait_for_the_fit(ask):
    with pytest.raises(CourseError, match="请先调用 fit"):
        ask(pls())
