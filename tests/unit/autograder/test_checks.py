"""The vocabulary of test cells: forms are told in one sentence, contents are compared fairly, parts add up."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import checks

KEYS = ["C1", "C2", "C3"]


def money(**options):
    return pd.Series([3.0, 1.0, 2.0], index=pd.Index(KEYS, name="customer_id"), **options)


# --- form -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([1, 2], "应当是 DataFrame，现在是 list"),
        (pd.DataFrame({"a": [1]}), "缺少列 b"),
        (pd.DataFrame({"a": [1.0, np.nan], "b": [1, 2]}), "列 a 里有缺失值"),
        (pd.DataFrame({"a": [1, 2], "b": [1, 2]}), "应当有 3 行，现在有 2 行"),
    ],
)
def test_frame_names_the_fault(value, told):
    with pytest.raises(checks.FormError, match=told):
        checks.frame(value, "answer", columns=["a", "b"], rows=3)


def test_columns_may_be_named_by_numbers():
    with pytest.raises(checks.FormError, match="缺少列 1；"):
        checks.frame(pd.DataFrame({0: [1.0]}), "t", columns=[0, 1])


def test_frame_takes_its_key_as_index_or_column():
    table = pd.DataFrame({"customer_id": KEYS, "x": [1, 2, 3]})
    checks.frame(table, "t", columns=["x"], index="customer_id")
    checks.frame(table.set_index("customer_id"), "t", columns=["x"], index="customer_id")
    with pytest.raises(checks.FormError, match="重复"):
        checks.frame(pd.concat([table, table]), "t", columns=["x"], index="customer_id")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"C1": "A"}, "应当是 Series，现在是 dict"),
        (pd.Series(["A", None]), "1 个缺失值"),
        (pd.Series(["A", "B"], index=["C1", "C1"]), "索引有重复"),
        (pd.Series(["A", "D"]), "不认识的取值 D"),
        (pd.Series(["A"]), "应当有 2 行，现在有 1 行"),
    ],
)
def test_series_names_the_fault(value, told):
    with pytest.raises(checks.FormError, match=told):
        checks.series(value, "abc", rows=2, among=["A", "B", "C"])


@pytest.mark.parametrize(
    ("value", "told"),
    [("many", "应当是一个数"), (63, "在 0 与 1 之间，现在是 63"), (float("nan"), "在 0 与 1 之间")],
)
def test_number_names_the_fault(value, told):
    with pytest.raises(checks.FormError, match=told):
        checks.number(value, "share", 0, 1)


def test_number_words_its_bounds():
    with pytest.raises(checks.FormError, match="不小于 0"):
        checks.number(-1, "n", low=0)
    with pytest.raises(checks.FormError, match="等于 4"):
        checks.number(3, "n", 4, 4)
    checks.number(np.float64(0.5), "n", 0, 1)


def test_text_counts_characters_without_space():
    checks.text("客户 关系\n管理", "memo", least=6, most=6)
    with pytest.raises(checks.FormError, match="现在有 2 字"):
        checks.text("客户", "memo", least=150, most=300)


# --- content ----------------------------------------------------------------


@pytest.mark.parametrize(
    "mine",
    [
        money(),
        money().iloc[::-1],
        money().astype(object),
        money().round().astype("int64"),
        money().to_dict(),
        money() * (1 + 1e-9),
        pd.Series([3.0, 1.0, 2.0], index=pd.CategoricalIndex(KEYS)),
    ],
    ids=["same", "other order", "objects", "integers", "dict", "rounding", "categorical index"],
)
def test_right_in_another_way(mine):
    assert checks.same(mine, money())


@pytest.mark.parametrize(
    "mine",
    [money() + 0.01, money().head(2), pd.concat([money(), money()]), None, "3", [3.0, 1.0, 2.0], object(), pd.NA],
)
def test_wrong_is_wrong_and_never_raises(mine):
    assert not checks.same(mine, money())


def test_labels_dates_and_frames():
    labels = pd.Series(["A", "B"], index=[1, 2])
    assert checks.same(labels.astype("category"), labels)
    assert checks.same(pd.Series([" Ａ", "B"], index=[1, 2]), labels)
    days = pd.Series(pd.to_datetime(["2025-01-01", "2025-01-02"]))
    assert checks.same(pd.Series(["2025-01-01", "2025-01-02"]), days)
    table = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    assert checks.same(table.assign(more=0)[["more", "b", "a"]], table)
    assert not checks.same(table[["a"]], table)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30, unique=True), st.randoms())
def test_row_order_never_matters(values, random):
    right = pd.Series(values, index=[f"C{i}" for i in range(len(values))])
    order = list(right.index)
    random.shuffle(order)
    assert checks.same(right[order], right)


def test_score_adds_parts_and_names_slips(capsys):
    score = checks.Score(4)
    score.compare(2, money(), money(), otherwise="—")
    score.compare(1, money() * 2, money(), slips=[checks.Slip(money() * 2, "算了两遍", 0.5)], otherwise="—")
    score.compare(1, money() * 3, money(), also=[money() * 4], otherwise="不对")
    assert score.total == 2.5
    assert type(score.total) is float
    told = capsys.readouterr().out
    assert "✓ 2/2" in told
    assert "◐ 0.5/1  算了两遍" in told
    assert "✗ 0/1  不对" in told


def test_another_right_answer_gets_all():
    score = checks.Score(1)
    score.compare(1, money() * 4, money(), also=[money() * 4], otherwise="—")
    assert score.total == 1


def test_later_parts_build_on_what_is_right_or_has_a_name():
    score = checks.Score(4)
    slip = checks.Slip(12.0, "忘了乘毛利率", 0.5)
    assert score.compare(1, 3.0000001, 3.0, otherwise="—") == 3.0000001
    assert score.compare(1, 12, 3.0, slips=[slip], otherwise="—") == 12
    assert score.compare(1, 7, 3.0, slips=[slip], otherwise="—") == 3.0
    assert score.compare(1, 4, 3.0, also=[4], otherwise="—") == 4
    assert score.total == 2.5


def test_a_tolerance_holds_for_all_answers_of_a_part():
    score = checks.Score(3)
    slip = checks.Slip(50.0, "另一种约定", 0.5)
    for mine in (101, 202, 50.5):
        score.compare(1, mine, 100, also=[200], slips=[slip], otherwise="不对", rtol=0.02)
    assert score.total == 2.5


def test_parts_must_make_up_the_task():
    score = checks.Score(2)
    score.part(1, True, "")
    with pytest.raises(AssertionError, match="offer 1"):
        _ = score.total
    with pytest.raises(AssertionError, match="offer 3"):
        score.part(2, True, "")
