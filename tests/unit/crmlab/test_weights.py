"""Weights: the published examples, the laws of each method, and errors that name the cell."""

from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import weights
from crmlab.errors import CourseError

# The published example: four indicators on Saaty's scale.
FOUR = [[1, 4, 3, 7], [1 / 4, 1, 1 / 3, 3], [1 / 3, 3, 1, 5], [1 / 7, 1 / 3, 1 / 5, 1]]
CONTRADICTORY = [[1, 2, 1 / 8, 3], [1 / 2, 1, 2, 4], [8, 1 / 2, 1, 5], [1 / 3, 1 / 4, 1 / 5, 1]]
SCALE = [1 / k for k in range(9, 1, -1)] + list(range(1, 10))


def from_upper(upper: list[float]) -> np.ndarray:
    """The reciprocal matrix with ``upper`` above the diagonal, row by row."""
    n = round((1 + np.sqrt(1 + 8 * len(upper))) / 2)
    matrix = np.eye(n)
    for (i, j), value in zip(combinations(range(n), 2), upper, strict=True):
        matrix[i, j], matrix[j, i] = value, 1 / value
    return matrix


reciprocal = st.integers(1, 7).flatmap(
    lambda n: st.lists(st.sampled_from(SCALE), min_size=n * (n - 1) // 2, max_size=n * (n - 1) // 2).map(
        lambda upper: from_upper(upper) if upper else np.ones((1, 1))
    )
)
positive = st.lists(st.floats(0.05, 50), min_size=1, max_size=10)


# --- AHP: published results -------------------------------------------------------------------------------


def test_published_four_by_four():
    result = weights.ahp(FOUR)
    np.testing.assert_allclose(result.weights, [0.548, 0.127, 0.270, 0.056], atol=1e-3)
    assert result.cr == pytest.approx(0.044, abs=1e-3)
    assert result.ci == pytest.approx((result.lambda_max - 4) / 3)
    assert result.ri == 0.90
    assert result.consistent is True


@pytest.mark.parametrize(
    ("upper", "expected", "ci"),
    [  # computed with AHPy 2.1; its table of RI differs for n = 3 to 6, so the CI is compared
        ([4, 3, 7, 1 / 3, 3, 5], [0.54756924, 0.12655528, 0.26994992, 0.05592555], 0.03947267),
        ([3, 5, 3], [0.63698557, 0.25828499, 0.10472943], 0.01925555),
        (
            [2, 3, 5, 4, 1 / 2, 2, 3, 1 / 3, 1 / 4, 1, 1 / 2, 1 / 5, 1 / 2, 1 / 6, 1 / 3],
            [0.26434727, 0.10485540, 0.06346541, 0.05315613, 0.13870932, 0.37546646],
            0.06561206,
        ),
        (
            [1 / 2, 4, 3, 3, 7, 5, 5, 1 / 2, 1 / 3, 1],  # choosing a place for the holidays, see below
            [0.26360349, 0.47583538, 0.05381460, 0.09806829, 0.10867824],
            0.01802110,
        ),
    ],
)
def test_same_as_ahpy(upper, expected, ci):
    result = weights.ahp(from_upper(upper))
    np.testing.assert_allclose(result.weights, expected, atol=2e-8)
    assert result.ci == pytest.approx(ci, abs=2e-8)


def test_holiday_example_as_printed():
    """λmax 5.073, CI .018, CR .016 (RI 1.12): choosing a place for the holidays, Jiang Qiyuan, 数学模型."""
    result = weights.ahp(from_upper([1 / 2, 4, 3, 3, 7, 5, 5, 1 / 2, 1 / 3, 1]))
    assert result.lambda_max == pytest.approx(5.073, abs=2e-3)
    assert result.cr == pytest.approx(0.016, abs=5e-4)
    np.testing.assert_allclose(result.weights, [0.263, 0.475, 0.055, 0.099, 0.110], atol=2e-3)


@pytest.mark.parametrize(
    ("n", "ri"), [(3, 0.58), (4, 0.90), (5, 1.12), (6, 1.24), (7, 1.32), (8, 1.41), (9, 1.45), (10, 1.49)]
)
def test_random_index(n, ri):
    matrix = np.ones((n, n))
    matrix[0, 1], matrix[1, 0] = 2, 1 / 2
    result = weights.ahp(matrix)
    assert result.ri == ri
    assert result.cr == pytest.approx((result.lambda_max - n) / (n - 1) / ri)
    assert result.cr > 0


def test_one_and_two_indicators_are_always_consistent():
    one, two = weights.ahp([[1]]), weights.ahp([[1, 9], [1 / 9, 1]])
    assert (one.cr, one.ci, one.weights.to_list()) == (0, 0, [1])
    assert (two.cr, two.ci) == (0, 0)
    np.testing.assert_allclose(two.weights, [0.9, 0.1])


def test_names_are_kept_and_lists_count_from_one():
    names = ["价格", "外观", "性能", "续航"]
    named = weights.ahp(pd.DataFrame(FOUR, index=names, columns=names))
    assert named.weights.index.to_list() == names
    assert named.matrix.loc["价格", "续航"] == 7
    assert named.weights.name == "weight"
    assert weights.ahp(FOUR).weights.index.to_list() == [1, 2, 3, 4]
    headed = weights.ahp(pd.DataFrame(FOUR, columns=names))
    pd.testing.assert_series_equal(headed.weights, named.weights)
    rows_mixed = pd.DataFrame(FOUR, index=names, columns=names).loc[names[::-1]]
    pd.testing.assert_series_equal(weights.ahp(rows_mixed).weights, named.weights)


@pytest.mark.parametrize("make", [list, np.array, pd.DataFrame, lambda m: tuple(map(tuple, m))])
def test_any_kind_of_table(make):
    np.testing.assert_allclose(np.asarray(weights.ahp(make(FOUR)).weights), weights.ahp(FOUR).weights)


def test_fractions_and_rounded_reciprocals_are_understood():
    thirds = [[1, 3], [Fraction(1, 3), 1]]
    np.testing.assert_allclose(weights.ahp(thirds).weights, [0.75, 0.25])
    typed = np.round(FOUR, 3)
    typed_short = np.round(FOUR, 2)
    for matrix in (typed, typed_short):
        np.testing.assert_allclose(weights.ahp(matrix).weights, weights.ahp(FOUR).weights, rtol=1e-12)


def test_the_matrix_given_is_left_alone():
    matrix = np.round(FOUR, 2)
    before = matrix.copy()
    weights.ahp(matrix).worst_judgements()
    np.testing.assert_array_equal(matrix, before)


# --- AHP: laws --------------------------------------------------------------------------------------------


@given(reciprocal)
def test_weights_are_positive_and_sum_to_one(matrix):
    result = weights.ahp(matrix)
    assert result.weights.sum() == pytest.approx(1)
    assert (result.weights > 0).all()
    assert result.lambda_max >= len(matrix) - 1e-9
    assert result.cr >= 0
    assert result.consistent == (result.cr < 0.10)


@given(reciprocal, st.randoms())
def test_permuted_indicators_get_permuted_weights(matrix, random):
    order = list(range(len(matrix)))
    random.shuffle(order)
    plain, mixed = weights.ahp(matrix), weights.ahp(matrix[np.ix_(order, order)])
    np.testing.assert_allclose(mixed.weights.to_numpy(), plain.weights.to_numpy()[order], atol=1e-9)
    assert mixed.cr == pytest.approx(plain.cr, abs=1e-9)


@given(positive)
def test_consistent_judgements_give_back_their_weights(true):
    true = np.array(true)
    result = weights.ahp(true[:, None] / true[None, :])
    np.testing.assert_allclose(result.weights, true / true.sum(), rtol=1e-6)
    assert result.cr == pytest.approx(0, abs=1e-9)
    assert np.allclose(result.worst_judgements()["disagreement"], 1)


@settings(max_examples=40)
@given(reciprocal)
def test_weights_solve_the_eigenvalue_equation(matrix):
    result = weights.ahp(matrix)
    np.testing.assert_allclose(matrix @ result.weights, result.lambda_max * result.weights, rtol=1e-6)


# --- AHP: repair, groups ----------------------------------------------------------------------------------


def test_the_planted_contradiction_is_named():
    result = weights.ahp(CONTRADICTORY)
    assert not result.consistent
    table = result.worst_judgements()
    assert len(table) == 6
    assert table["disagreement"].is_monotonic_decreasing
    worst = table.iloc[0]
    assert (worst["first"], worst["second"], worst["judgement"], worst["suggested"]) == (1, 3, 0.125, 2.0)
    assert worst["implied"] == pytest.approx(result.weights[1] / result.weights[3])
    assert worst["disagreement"] == pytest.approx(worst["implied"] / worst["judgement"])
    repaired = np.array(CONTRADICTORY)
    repaired[0, 2], repaired[2, 0] = 2, 1 / 2
    assert worst["cr_after"] == pytest.approx(weights.ahp(repaired).cr)
    assert weights.ahp(repaired).consistent
    assert result.worst_judgements(2).equals(table.head(2))


def test_advice_names_judgement_and_remedy():
    assert weights.ahp(FOUR).advice() == "CR = 0.044 < 0.10：判断一致，权重可以使用"
    told = weights.ahp(CONTRADICTORY).advice()
    assert "CR = 0.452 ≥ 0.10" in told
    assert "1 对 3 = 1/8" in told
    assert "约 2，若只改这一处，CR 变为 0.088" in told


def test_summary_ranks_the_most_important_first():
    assert weights.ahp(FOUR).summary["rank"].to_list() == [1, 3, 2, 4]


def test_pair_without_way_around_keeps_its_value():
    table = weights.ahp([[1, 5], [1 / 5, 1]]).worst_judgements()
    assert table[["judgement", "suggested", "disagreement"]].iloc[0].to_list() == pytest.approx([5, 5, 1])


@settings(max_examples=40)
@given(st.lists(st.lists(st.sampled_from(SCALE), min_size=6, max_size=6), min_size=1, max_size=5))
def test_group_is_the_geometric_mean_and_stays_reciprocal(uppers):
    matrices = [from_upper(upper) for upper in uppers]
    group = weights.group_matrix(matrices).to_numpy()
    np.testing.assert_allclose(group, np.prod(matrices, axis=0) ** (1 / len(matrices)))
    np.testing.assert_allclose(group * group.T, 1)


def test_group_counts_members_as_told_and_aligns_names():
    ab = pd.DataFrame([[1, 8], [1 / 8, 1]], index=["a", "b"], columns=["a", "b"])
    ba = pd.DataFrame([[1, 1], [1, 1]], index=["b", "a"], columns=["b", "a"])
    assert weights.group_matrix([ab, ba], importance=[2, 1]).loc["a", "b"] == pytest.approx(4)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: weights.group_matrix([]), "没有一个判断矩阵"),
        (lambda: weights.group_matrix([FOUR, [[1]]]), "第 2 个判断矩阵的指标与第 1 个不同"),
        (lambda: weights.group_matrix([FOUR], importance=[1, 2]), "importance 应有 1 个数，现在有 2 个"),
    ],
)
def test_bad_groups_are_told(call, told):
    with pytest.raises(CourseError, match=told):
        call()


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        ([[1, 3], [0.5, 1]], r"第 1 行第 2 列（1 对 2）是 3，与它对称的第 2 行第 1 列是 0.5：两者应互为倒数"),
        ([[1, 3], [0.4, 1]], "应互为倒数"),
        ([[1, 0], [0, 1]], r"第 1 行第 2 列（1 对 2）是 0，应大于 0"),
        ([[1, 2], [-0.5, 1]], r"第 2 行第 1 列（2 对 1）是 -0.5，应大于 0"),
        ([[1, 2], [0.5, 2]], r"第 2 行第 2 列（2 对 2）是 2，应为 1"),
        ([[1, 2, 3], [0.5, 1, 2]], "应是方阵，现在有 2 行 3 列"),
        ([[1, np.nan], [0.5, 1]], "第 1 行第 2 列的 nan 不是有限的数"),
        ([[1, "高"], [0.5, 1]], "应是每行一样长、每格一个数的表"),
        ([1, 2], "应是两维的表"),
        (np.ones((11, 11)), "判断矩阵有 11 个指标，最多 10 个"),
        (pd.DataFrame([[1, 3], [0.5, 1]], ["价格", "性能"], ["价格", "性能"]), "价格 对 性能"),
        (
            pd.DataFrame([[1, 3], [1 / 3, 1]], ["价格", "性能"], ["价格", "外观"]),
            "行名（价格、性能）与列名（价格、外观）",
        ),
        (pd.DataFrame([[1, 3], [1 / 3, 1]], columns=["价格", "价格"]), "不止一列叫 价格"),
    ],
)
def test_bad_matrices_are_told(matrix, told):
    with pytest.raises(CourseError, match=told):
        weights.ahp(matrix)


# --- judgements in a list ---------------------------------------------------------------------------------

TOLD = pd.DataFrame(
    [("性能", "续航", "性能", 3), ("性能", "外观", "性能", 5), ("续航", "外观", "", 1)],
    columns=["first", "second", "winner", "intensity"],
)


def test_judgements_become_a_matrix():
    matrix = weights.judgement_matrix(TOLD)
    names = ["性能", "续航", "外观"]
    expected = pd.DataFrame([[1, 3, 5], [1 / 3, 1, 1], [1 / 5, 1, 1]], index=names, columns=names, dtype=float)
    pd.testing.assert_frame_equal(matrix, expected)
    turned = TOLD.assign(first=TOLD["second"], second=TOLD["first"])
    pd.testing.assert_frame_equal(weights.judgement_matrix(turned, indicators=names), expected)
    missing_is_a_tie = TOLD.assign(winner=["性能", "性能", None])
    pd.testing.assert_frame_equal(weights.judgement_matrix(missing_is_a_tie), expected)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda f: f.drop(columns="winner"), "判断表缺少列 winner"),
        (lambda f: f.iloc[:2], "3 个指标应有 3 次两两比较，还缺 1 次，例如 续航 与 外观"),
        (lambda f: pd.concat([f, f.iloc[:1]]), r"性能 与 续航 比较了两次（第 1 个和第 4 个）"),
        (lambda f: f.assign(winner=["性能", "价格", ""]), "列 winner 第 2 行是 '价格'：应是这一对里的 性能 或 外观"),
        (lambda f: f.assign(intensity=[3, 12, 1]), "列 intensity 第 2 行是 12，应在 1 到 9 之间"),
        (lambda f: f.assign(intensity=[3, 5, 4]), "列 intensity 第 3 行是 4，但没有写谁更重要"),
        (lambda f: f.assign(second=["性能", "外观", "外观"]), "第 1 个比较是 性能 与它自己"),
    ],
)
def test_bad_judgements_are_told(damage, told):
    with pytest.raises(CourseError, match=told):
        weights.judgement_matrix(damage(TOLD))


def test_unknown_indicator_is_told():
    with pytest.raises(CourseError, match="比较里的指标 外观 不在 indicators 里"):
        weights.judgement_matrix(TOLD, indicators=["性能", "续航"])


# --- hierarchy --------------------------------------------------------------------------------------------


def test_weights_of_two_levels_multiply():
    top = pd.DataFrame([[1, 3], [1 / 3, 1]], index=["产品", "服务"], columns=["产品", "服务"])
    product = pd.DataFrame(from_upper([2, 4, 3]), index=list("abc"), columns=list("abc"))
    found = weights.hierarchy(top, {"产品": product, "服务": {"d": 3, "e": 1}})
    local = weights.ahp(product)
    np.testing.assert_allclose(found.weights[["a", "b", "c"]], 0.75 * local.weights)
    assert found.weights[["d", "e"]].to_dict() == {"d": pytest.approx(0.1875), "e": pytest.approx(0.0625)}
    assert found.weights.sum() == pytest.approx(1)
    assert found.cr == pytest.approx(local.cr), "only one matrix of three or more"
    assert found.consistent
    assert found.table["criterion"].to_list() == ["产品"] * 3 + ["服务"] * 2


def test_alternatives_under_every_criterion_collect_their_parts():
    found = weights.hierarchy({"价格": 3, "性能": 1}, {"价格": {"甲": 1, "乙": 1}, "性能": weights.ahp([[1]])})
    assert found.weights.to_dict() == {"甲": 0.375, "乙": 0.375, 1: 0.25}
    shop = weights.hierarchy({"价格": 3, "性能": 1}, {"价格": {"甲": 1, "乙": 1}, "性能": {"甲": 1, "乙": 3}})
    assert shop.weights.to_dict() == {"甲": 0.4375, "乙": 0.5625}


def test_total_consistency_ratio_is_weighted():
    first, second = from_upper([3, 5, 3]), from_upper([1, 2, 2, 3, 4, 1])
    found = weights.hierarchy({"x": 1, "y": 3}, {"x": first, "y": second})
    a, b = weights.ahp(first), weights.ahp(second)
    assert found.cr == pytest.approx((0.25 * a.ci + 0.75 * b.ci) / (0.25 * 0.58 + 0.75 * 0.90))


def test_local_weights_may_come_from_paired_comparison():
    local = weights.paired_comparison([("a", "b")])
    assert weights.hierarchy({"x": 1}, {"x": local}).weights.to_dict() == {"a": 1, "b": 0}


@pytest.mark.parametrize(
    ("criteria", "local", "told"),
    [
        ({"x": 1, "y": 1}, {"x": {"a": 1}}, "准则 y 下没有指标"),
        ({"x": 1}, {"x": {"a": 1}, "z": {"b": 1}}, "第二层的 z 不在准则里"),
        ({"x": 1}, {"x": {"a": 0}}, "权重全是 0"),
        ({"x": 1}, {"x": {"a": -1}}, "权重 第 1 个值是 -1，应不小于 0"),
    ],
)
def test_bad_hierarchies_are_told(criteria, local, told):
    with pytest.raises(CourseError, match=told):
        weights.hierarchy(criteria, local)


# --- direct comparison ------------------------------------------------------------------------------------


def test_direct_comparison_by_hand():
    assert weights.direct_comparison([1, 2, 5]).to_dict() == {1: 0.125, 2: 0.25, 3: 0.625}
    named = weights.direct_comparison(pd.Series({"外观": 1, "性能": 3}))
    assert named.to_dict() == {"外观": 0.25, "性能": 0.75}
    assert named.name == "weight"


@given(positive, st.floats(0.1, 10))
def test_only_ratios_count(multiples, factor):
    plain = weights.direct_comparison(multiples)
    assert plain.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights.direct_comparison(np.array(multiples) * factor), plain)
    np.testing.assert_allclose(plain * np.sum(multiples), multiples)


@pytest.mark.parametrize(
    ("multiples", "told"),
    [
        ([1, 0, 2], "倍数 第 2 个值是 0，应大于 0"),
        ([1, None], "倍数 第 2 个值 nan 不是有限的数"),
        ([], "倍数 是空的"),
        ("123", "应是一列数"),
        (pd.Series([1, 2], index=["价格", "价格"]), "指标 价格 出现了不止一次"),
    ],
)
def test_bad_multiples_are_told(multiples, told):
    with pytest.raises(CourseError, match=told):
        weights.direct_comparison(multiples)


# --- paired comparison ------------------------------------------------------------------------------------

WINS = [("性能", "续航"), ("性能", "价格"), ("价格", "外观"), ("性能", "外观"), ("续航", "外观")]


def test_paired_comparison_by_hand():
    """Four indicators, six pairs: 3 + 1.5 + 1.5 + 0."""
    found = weights.paired_comparison(WINS, ties=[("续航", "价格")])
    assert found.to_dict() == {"性能": 0.5, "续航": 0.25, "价格": 0.25, "外观": 0}
    ordered = weights.paired_comparison(WINS, ties=[("续航", "价格")], indicators=["外观", "价格", "续航", "性能"])
    assert ordered.to_dict() == found.to_dict()
    assert ordered.index.to_list() == ["外观", "价格", "续航", "性能"]


def test_matrix_list_and_frame_agree():
    names = ["性能", "续航", "价格", "外观"]
    matrix = pd.DataFrame(
        [["—", 1, 1, 1], [0, "—", 0.5, 1], [0, 0.5, "—", 1], [0, 0, 0, "—"]], index=names, columns=names
    )
    told = pd.DataFrame(
        [(a, b, a) for a, b in WINS] + [("续航", "价格", "")],
        columns=["first", "second", "winner"],
    )
    expected = weights.paired_comparison(WINS, ties=[("续航", "价格")])
    pd.testing.assert_series_equal(weights.paired_comparison(matrix), expected)
    pd.testing.assert_series_equal(weights.paired_comparison(told), expected)
    turned = told.assign(first=told["second"], second=told["first"])
    pd.testing.assert_series_equal(weights.paired_comparison(turned)[names], expected)
    plain = [[0, 1, 1, 1], [0, 0, 0.5, 1], [0, 0.5, 0, 1], [0, 0, 0, 0]]
    assert weights.paired_comparison(plain).to_dict() == {1: 0.5, 2: 0.25, 3: 0.25, 4: 0}
    assert weights.paired_comparison(np.array(plain), indicators=names).to_dict() == expected.to_dict()


@given(st.permutations(list("abcde")))
def test_a_strict_order_gives_n_minus_rank(order):
    n = len(order)
    found = weights.paired_comparison(list(combinations(order, 2)))
    np.testing.assert_allclose(found[order], [2 * (n - 1 - place) / (n * (n - 1)) for place in range(n)])


@given(st.lists(st.sampled_from([0, 0.5, 1]), min_size=10, max_size=10), st.randoms())
def test_scores_sum_to_the_number_of_pairs(upper, random):
    matrix = np.zeros((5, 5))
    matrix[np.triu_indices(5, 1)] = upper
    matrix += np.tril(1 - matrix.T, -1)
    found = weights.paired_comparison(matrix)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found * 10, matrix.sum(axis=1))
    order = list(range(5))
    random.shuffle(order)
    mixed = weights.paired_comparison(matrix[np.ix_(order, order)])
    np.testing.assert_allclose(mixed.to_numpy(), found.to_numpy()[order])


def test_two_numbered_pairs_are_read_as_a_matrix():
    assert weights.paired_comparison([(0, 1), (0, 0)]).to_dict() == {1: 1, 2: 0}
    assert weights.paired_comparison([(2, 1), (2, 3), (1, 3)]).round(3).to_dict() == {2: 0.667, 1: 0.333, 3: 0}


@pytest.mark.parametrize(
    ("results", "told"),
    [
        (WINS, "4 个指标应有 6 次两两比较，还缺 1 次，例如 续航 与 价格"),
        ([*WINS, ("续航", "性能")], r"续航 与 性能 比较了两次（第 1 个和第 6 个）"),
        ([("性能", "性能")], "第 1 个比较是 性能 与它自己"),
        ([("a", "b", "c")], r"第 1 个比较是 \('a', 'b', 'c'\)：应写成（胜者, 败者）"),
        (["ab"], "第 1 个比较是 'ab'"),
        ([], "没有一次比较"),
        ([[0, 1], [1, 0]], "1 对 2 记了 1，2 对 1 记了 1：应一个记 1、另一个记 0"),
        ([[0, 0.3], [0.7, 0]], "1 对 2 记了 0.3"),
        (np.ones((2, 3)), "应是方阵"),
        (np.ones(3), "应是两维的表"),
        ([[0]], "只有 1 个指标"),
        ("性能>续航", "现在是 str"),
        ({"a": 1}, "现在是 dict"),
        (5, "现在是 int"),
        (
            pd.DataFrame({"first": ["a"], "second": ["b"], "winner": ["c"]}),
            "列 winner 第 1 行是 'c'：应是这一对里的 a 或 b",
        ),
    ],
)
def test_bad_comparisons_are_told(results, told):
    with pytest.raises(CourseError, match=told):
        weights.paired_comparison(results)


def test_names_must_fit_the_matrix():
    with pytest.raises(CourseError, match="indicators 有 3 个名字，比较矩阵有 2 个指标"):
        weights.paired_comparison([[0, 1], [0, 0]], indicators=["a", "b", "c"])


def test_every_order_of_names_gives_the_same_weights():
    wins = [("a", "b"), ("b", "c"), ("a", "c")]
    for order in permutations(wins):
        assert weights.paired_comparison(list(order))[["a", "b", "c"]].to_list() == pytest.approx([2 / 3, 1 / 3, 0])
