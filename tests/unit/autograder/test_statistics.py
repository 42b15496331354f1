"""Statistics of a class: each figure against one worked out by hand."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from autograder import records as kept
from autograder import report, statistics
from autograder.records import CellRun, Fingerprint, Record, TestRun

POINTS = {"a-1": 2.0, "a-2": 4.0, "a-3": 4.0}
STUB = "# 在这里写你的代码\nraise NotImplementedError"


def cell(name: str, source: str = "x = 1", **marks) -> dict:
    return {"id": name, "cell_type": "code", "source": source, "metadata": {"nbgrader": marks} if marks else {}}


def notebook(sources: dict[str, str]) -> dict:
    cells = [cell("a-data", "import pandas", solution=False, grade=False)]
    for task in POINTS:
        cells += [
            cell(f"{task}-solution", sources.get(task, "x = 1"), solution=True, grade=False),
            cell(f"own-{task}", "extra()"),
            cell(f"{task}-test", "", solution=False, grade=True, grade_id=f"{task}-test"),
        ]
    return {"cells": [cell for cell in cells if cell["id"] != "own-a-2" or "own" in sources]}


def record(student: str, scores, *, hints=(), stopped=None, fault="", look=(), cells=(), sources=None, seconds=1.0):
    tests = [
        TestRun(
            f"{task}-test",
            points,
            score,
            seconds,
            {},
            "",
            [kept.TestPart(points, 0, hint) for name, hint in hints if name == task],
            stopped=(stopped or {}).get(task, ""),
            fault=fault if task == "a-1" else "",
        )
        for (task, points), score in zip(POINTS.items(), scores, strict=True)
    ]
    made_from = Fingerprint(student, "t", "d", "e")
    document = notebook(sources or {})
    return Record("a", student, "n", made_from, "", "", [], list(look), list(cells), tests, 1, 1, 1, document)


CLASS = {"ann": (2, 4, 1), "bob": (2, 3, 2), "cat": (1, 2, 3), "dan": (0, 1, 0)}


@pytest.fixture
def small() -> statistics.Statistics:
    return statistics.statistics([record(name, scores) for name, scores in CLASS.items()])


def test_difficulty_spread_and_shares_of_a_small_class(small):
    row = small.tasks.loc["a-1"]
    assert (row["n"], row["points"], row["mean"]) == (4, 2, 1.25)
    assert row["p"] == pytest.approx((1 + 1 + 0.5 + 0) / 4)
    assert row["sd"] == pytest.approx(math.sqrt((2 * 0.375**2 + 0.125**2 + 0.625**2) / 3))
    assert (row["zero"], row["full"]) == (0.25, 0.5)
    assert list(small.tasks.index) == ["a-1", "a-2", "a-3"]


def test_discrimination_leaves_the_task_itself_out(small):
    scores = np.array(list(CLASS.values()), dtype=float)
    for place, task in enumerate(POINTS):
        rest = np.delete(scores, place, axis=1).sum(axis=1)
        assert small.tasks.loc[task, "discrimination"] == pytest.approx(np.corrcoef(scores[:, place], rest)[0, 1])


def test_upper_lower_compares_the_ends_of_the_class():
    share = pd.Series([1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0.0])
    total = pd.Series(range(11, 0, -1))
    # 27 % of 11 is 3: the best have 1, 1, 1, the weakest 1, 0, 0
    assert statistics.upper_lower(share, total) == pytest.approx(1 - 1 / 3)


def test_upper_lower_shares_the_border_among_ties():
    # one place in each group; in the upper one two students tie for it, with shares 1 and 0
    share, total = pd.Series([1.0, 0.0, 0.25]), pd.Series([5, 5, 1])
    assert statistics.upper_lower(share, total) == pytest.approx(0.5 - 0.25)


def test_alpha_by_hand(small):
    # variances 0.9167, 1.6667, 1.6667; sums 7, 7, 6, 1 have variance 8.25
    by_hand = 3 / 2 * (1 - (11 / 12 + 5 / 3 + 5 / 3) / 8.25)
    assert small.overall.loc[0, "alpha"] == pytest.approx(by_hand)


def test_overall_and_histogram(small):
    row = small.overall.iloc[0]
    assert (row["students"], row["counted"], row["tasks"], row["points"]) == (4, 4, 3, 10)
    assert (row["mean"], row["median"], row["min"], row["max"]) == (5.25, 6.5, 1, 7)
    assert (row["q1"], row["q3"]) == (4.75, 7)
    assert row["sd"] == pytest.approx(math.sqrt(8.25))
    assert small.histogram["students"].tolist() == [0, 1, 0, 0, 0, 0, 1, 2, 0, 0]


def test_nothing_is_claimed_where_nothing_varies():
    found = statistics.statistics([record(name, (2, 2, 2)) for name in "abc"])
    assert found.tasks["discrimination"].isna().all()
    assert found.tasks["d"].tolist() == [0, 0, 0]
    assert math.isnan(found.overall.loc[0, "alpha"])
    assert found.to_dict()["tasks"][0]["discrimination"] is None


def test_one_student_has_a_score_but_no_spread():
    found = statistics.statistics([record("ann", (2, 4, 1))])
    assert found.tasks.loc["a-1", "p"] == 1
    assert found.tasks[["sd", "discrimination", "d"]].isna().all(axis=None)
    assert found.overall.loc[0, "median"] == 7


def test_nobody_gives_empty_tables_and_a_page():
    found = statistics.statistics([])
    assert len(found.tasks) == len(found.misconceptions) == len(found.stops) == len(found.people) == 0
    assert found.overall.loc[0, "students"] == 0
    assert json.loads(json.dumps(found.to_dict()))["overall"]["mean"] is None
    assert "还没有可以统计的成绩" in report.page(found, [], "空")


def test_a_hint_told_twice_to_a_student_counts_once():
    hints = [("a-1", "方向反了"), ("a-1", "方向反了"), ("a-3", "并列")]
    found = statistics.statistics(
        [record("ann", (1, 4, 1), hints=hints), record("bob", (1, 4, 1), hints=hints[:1]), record("cat", (2, 4, 4))]
    )
    rows = found.misconceptions.itertuples(index=False)
    assert [(row.task, row.hint, row.students) for row in rows] == [("a-1", "方向反了", 2), ("a-3", "并列", 1)]
    assert found.misconceptions["share"].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_a_part_with_all_its_points_is_no_misconception():
    full = record("ann", (2, 4, 4))
    full.tests[0].parts = [kept.TestPart(2, 2, "")]
    assert statistics.statistics([full]).misconceptions.empty


def test_the_five_most_frequent_stops_are_told():
    reasons = ["缺少列"] * 3 + ["应当是 Series"] * 2 + ["一", "二", "三", "四"]
    found = statistics.statistics([record(f"s{i}", (1, 0, 1), stopped={"a-2": why}) for i, why in enumerate(reasons)])
    assert found.stops["students"].tolist() == [3, 2, 1, 1, 1]
    assert found.stops["reason"].tolist()[:2] == ["缺少列", "应当是 Series"]
    assert set(found.stops["task"]) == {"a-2"}


def test_time_is_that_of_the_cells_between_two_tests():
    def runs(first, own, second):
        return [
            CellRun("a-data", 100, "ok"),
            CellRun("a-1-solution", first, "ok"),
            CellRun("own-a-1", own, "error"),
            CellRun("a-2-solution", second, "ok"),
            CellRun("a-3-solution", 0, "not run"),
        ]

    found = statistics.statistics(
        [
            record("ann", (2, 4, 1), cells=runs(1, 1, 5), seconds=0.5),
            record("bob", (2, 4, 1), cells=runs(3, 1, 7), seconds=1.5),
        ]
    )
    row = found.tasks.loc["a-1"]
    assert (row["cell_median"], row["test_median"]) == (3, 1)
    assert (row["cell_p95"], row["test_p95"]) == pytest.approx((3.9, 1.45))
    assert found.tasks.loc["a-2", "cell_median"] == 6
    assert math.isnan(found.tasks.loc["a-3", "cell_median"])


@pytest.mark.parametrize(
    ("sources", "note", "unanswered"),
    [
        ({"a-2": STUB}, "NotImplementedError: ", 1),
        ({"a-2": "  \n"}, "", 1),
        ({"a-2": STUB + " "}, "died", 1),  # as released
        ({"a-2": STUB, "own": "yes"}, "NotImplementedError: ", 0),  # answered in a cell of the student's own
        ({"a-2": "1 / 0"}, "ZeroDivisionError: ", 0),
    ],
)
def test_who_left_a_task_as_it_came_did_not_answer(sources, note, unanswered):
    runs = [CellRun("a-2-solution", 1, "error", note)]
    found = statistics.statistics([record("ann", (2, 0, 1), cells=runs, sources=sources)], {"a-2-solution": STUB})
    assert found.tasks["unanswered"].tolist() == [0, unanswered, 0]


def test_a_faulty_test_counts_in_no_figure_but_is_named():
    sound = [record(name, scores) for name, scores in CLASS.items()]
    found = statistics.statistics(
        [*sound, record("eve", (0, 0, 0), fault="测试超时"), record("fay", (2, 4, 4), look=["看"])]
    )
    assert found.overall.loc[0, ["students", "counted", "need_person"]].tolist() == [6, 5, 2]
    assert found.people["student"].tolist() == ["eve", "fay"]
    assert found.people["reasons"].tolist() == [("a-1-test: 测试超时",), ("看",)]
    assert found.tasks["n"].tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    ("p", "r", "unanswered", "words"),
    [
        (0.2, 0.5, 0, ["很难", "只有"]),
        (0.95, 0.5, 0, ["很易", "只有"]),
        (0.5, 0.1, 0, ["区分度低", "只有"]),
        (0.5, -0.4, 0, ["核对参考答案", "只有"]),
        (0.5, 0.5, 0.5, ["没有作答", "只有"]),
        (0.5, 0.5, 0, []),
        (math.nan, math.nan, 0, []),
    ],
)
def test_advice_follows_the_usual_rules(p, r, unanswered, words):
    none = pd.DataFrame(columns=["hint", "students", "share"])
    told = statistics.advice({"p": p, "discrimination": r, "unanswered": unanswered, "n": 10}, none)
    assert len(told) == len(words)
    assert all(word in sentence for word, sentence in zip(words, told, strict=True))


def test_a_cell_that_a_person_grades_is_a_task_of_its_own():
    document = {
        "cells": [
            cell("one", solution=True, grade=False),
            cell("memo", solution=True, grade=True, grade_id="a-memo"),
            cell("t", solution=False, grade=True, grade_id="a-1-test"),
            cell("own-late"),
        ]
    }
    assert statistics.task_of_cells(document) == {"one": "a-1", "memo": "a-memo"}


scores = st.tuples(st.integers(0, 4), st.integers(0, 8), st.integers(0, 8)).map(lambda t: tuple(x / 2 for x in t))


@settings(max_examples=40)
@given(st.lists(scores, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_order_of_records_changes_nothing(rows, random):
    records = [record(f"s{i:02}", row) for i, row in enumerate(rows)]
    first = statistics.statistics(records).to_dict()
    random.shuffle(records)
    assert statistics.statistics(records).to_dict() == first


@settings(max_examples=40)
@given(st.lists(scores, min_size=1, max_size=12))
def test_shares_and_correlations_stay_in_their_bounds(rows):
    found = statistics.statistics([record(f"s{i:02}", row) for i, row in enumerate(rows)])
    assert found.tasks[["p", "zero", "full", "unanswered"]].stack().between(0, 1).all()
    assert found.tasks[["discrimination", "d"]].stack().dropna().between(-1 - 1e-9, 1 + 1e-9).all()
    assert found.histogram["students"].sum() == len(rows)
    assert found.overall.loc[0, "mean"] * len(rows) == pytest.approx(sum(map(sum, rows)))


def test_to_dict_is_plain_data(small):
    told = json.loads(json.dumps(small.to_dict(), allow_nan=False))
    assert [task["task"] for task in told["tasks"]] == list(POINTS)
    assert told["tasks"][0]["advice"] == list(small.tasks.loc["a-1", "advice"])


def test_tables_show_texts_as_they_are():
    """What a student named a column neither colours nor steers the terminal."""
    rows = [record(name, (0, 1, 2), stopped={"a-1": "列 [red]x[/red]\x1b[2J 缺"}) for name in "ab"]
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for table in statistics.tables(statistics.statistics(rows)):
        console.print(table)
    text = console.export_text()
    assert "[red]x[/red]" in text
    assert "\x1b[2J" not in text
    assert "测试为什么停下" in text


HOSTILE = "<script>alert(1)</script><img src=x onerror=y>"


def test_page_escapes_every_text_and_asks_the_network_for_nothing():
    rows = [
        record(
            f"{i}{HOSTILE}",
            (0, 1, i),
            hints=[("a-1", HOSTILE)],
            stopped={"a-2": HOSTILE},
            look=[HOSTILE],
        )
        for i in range(3)
    ]
    page = report.page(statistics.statistics(rows), [], HOSTILE)
    assert "<script" not in page
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;") >= 9
    assert "http:" not in page
    assert "https:" not in page
    assert page.count('src="data:image/svg+xml;base64,') == page.count("<img ") == 3


def test_page_of_the_same_class_is_the_same(small):
    assert report.page(small, [], "作业") == report.page(small, [], "作业")
