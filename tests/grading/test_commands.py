"""The commands of grading as a teacher types them, on a class of three with a04."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from course import grading
from course.cli import app
from course.hub.classroom import Classroom
from tests.handed_in import hand_in, notebook
from tests.notebooks.a04_answers import WRONG

A04 = "a04-segmentation"
SLIP = {"a04-2": WRONG["a04-2"][0][1], "a04-4": "1 / 0"}


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """student01 made no mistake, student02 two, student03's file is cut off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_CLASSROOM", str(tmp_path_factory.mktemp("class")))
        classroom, source = Classroom.here(), grading.instructors_copy(A04)
        classroom.create()
        hand_in(classroom, A04, "student01", notebook(source), source.notebook)
        hand_in(classroom, A04, "student02", notebook(source, SLIP), source.notebook)
        cut = hand_in(classroom, A04, "student03", notebook(source), source.notebook)
        cut.write_bytes(cut.read_bytes()[:5000])
        yield classroom


@pytest.fixture(scope="module")
def course() -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture(scope="module")
def graded(classroom: Classroom, course) -> Result:
    """The first grading: everything else stands on it."""
    return course("grade", A04, "--workers", "2")


def test_the_closing_table_says_who_needs_a_person(graded):
    assert graded.exit_code == 0, graded.output
    assert re.search(r"已评分 *│ *3 │ 自动评分满分 22，平均 13\.\d，最低 0，最高 22", graded.stdout)
    assert "需要人看　student03：提交的文件读不出来" in graded.stdout


def test_what_has_not_changed_is_not_run_again(graded, course):
    told = json.loads(course("grade", A04, "--json").stdout)
    assert [record["student"] for record in told["unchanged"]] == ["student01", "student02", "student03"]
    assert (told["graded"], told["failed"]) == ([], {})
    assert [record["score"] for record in told["unchanged"]][0::2] == [22.0, 0.0]


def test_explain_tells_what_ran_and_what_each_test_saw(graded, course):
    told = course("grade", A04, "--explain", "student02").stdout
    assert re.search(r"student02 · a04-segmentation　自动评分 18\.25/22", told), told
    assert re.search(r"a04-4-solution *│ 报错 .*ZeroDivisionError", told)
    assert re.search(r"a04-2-test *│ 3\.25/4", told)
    assert "rfm_table：DataFrame，" in told
    assert "算到了数据的最后一天" in told
    assert "abc：没有" in told
    assert re.search(r"CPU \d+\.\d 秒，内存 \d+", told.replace("\n", ""))


def test_regrading_lists_whose_marks_changed(graded, course, classroom, monkeypatch):
    source = grading.instructors_copy(A04)

    def kinder(assignment: str):
        cells = tuple(
            cell
            if cell.id != "a04-2-test"
            else type(cell)(**{**vars(cell), "source": cell.source.replace("score.total", "4.0")})
            for cell in source.cells
        )
        return type(source)(source.notebook, cells, source.metadata, "another digest")

    with monkeypatch.context() as patch:
        patch.setattr(grading, "instructors_copy", kinder)
        told = course("regrade", A04, "--student", "student02").stdout
    assert re.search(r"student02 *│ *18\.25 *│ *19 *│ a04-2-test 3\.25 → 4", told), told
    back = json.loads(course("grade", A04, "--json").stdout)
    assert [record["student"] for record in back["entered"]] == ["student02"]
    assert back["graded"] == []
    assert "评得 19 分" in course("grade", A04, "--explain", "student02").stdout


def test_the_report_counts_misconceptions_and_writes_a_page(graded, course, classroom):
    told = course("report", A04)
    assert told.exit_code == 0, told.output
    page = classroom.records / A04 / "report.html"
    assert str(page) in told.stdout.replace("\n", "")
    assert "算到了数据的最后一天" in page.read_text("utf-8")
    found = json.loads(course("report", A04, "--json").stdout)
    assert found["statistics"]["overall"]["students"] == 3
    assert [(pair["first"], pair["second"]) for pair in found["similar"]] == [("student01", "student02")]


def test_feedback_is_written_for_everyone(graded, course, classroom):
    told = course("feedback", A04, "--no-release")
    assert "已生成 3 份反馈，还没有发回" in told.stdout, told.output
    pages = sorted(classroom.course.glob(f"feedback/*/{A04}/*.html"))
    assert [page.parent.parent.name for page in pages] == ["student01", "student02", "student03"]
    text = pages[1].read_text("utf-8")
    assert "算到了数据的最后一天" in text
    for secret in ("own_purchases", "checks.Slip", str(Path(__file__).parents[2])):
        assert secret not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["grade", "a99-nothing"], "a99-nothing"),
        (["grade", ".."], "应当有一个 notebook"),
        (["grade", A04, "--student", "nobody"], "没有收到 nobody 的作业"),
        (["feedback", A04, "--student", "nobody"], "还没有评分：nobody"),
        (["grade", A04, "--scheduler", "tcp://127.0.0.1:9"], "127.0.0.1:9"),
    ],
)
def test_bad_input_gets_one_sentence(graded, course, words, told):
    result = course(*words)
    assert result.exit_code == 1
    assert told in result.output
    assert "Traceback" not in result.output


def test_before_anybody_handed_in(course, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path))
    for words in (["grade", A04], ["report", A04], ["feedback", A04]):
        result = course(*words)
        assert result.exit_code == 1
        assert "还没有" in result.output
