"""``course status``, ``marks`` and ``due``: the desk at the command line."""

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from course.cli import CourseGroup
from course.desk import marks
from course.desk.commands import add_to
from course.hub.classroom import Classroom
from tests.desk import ASSIGNMENT, NOON, Person, School, enter, gradebook
from tests.desk import school as make_school

app = typer.Typer(cls=CourseGroup)
add_to(app)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def school(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> School:
    """Three students: one graded, one who waits for a person and was late, one who has not begun."""
    made = make_school(classroom, monkeypatch)
    made.people += [Person("s1", "张三"), Person("s2", "[/red]=1+1"), Person("s3", "=1+1")]
    gradebook(classroom)
    run("due", ASSIGNMENT, "2026-11-20 12:30")
    for student, scores, time in (("s1", [5.0, 4.5], NOON), ("s2", [3.0, None], NOON + timedelta(hours=1))):
        made.hand_in(student, time)
        made.collect(student, time)
        enter(classroom, student, scores, time)  # type: ignore[arg-type]
    return made


def test_status_lists_assignments_as_the_desk_does(school: School) -> None:
    told = run("status")
    assert told.exit_code == 0
    (line,) = [line for line in told.stdout.splitlines() if ASSIGNMENT in line]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == [
        ASSIGNMENT, "给你的客户分级", "待人工评阅", "2026-11-20 12:30", "2", "2", "1", "2", "1", "0", "6.25/25",
    ]  # fmt: skip


def test_status_of_an_assignment_lists_its_students(school: School) -> None:
    told = run("status", ASSIGNMENT).stdout
    rows = {line.split("│")[1].strip(): line for line in told.splitlines() if line.startswith("│")}
    assert list(rows) == ["s1", "s2", "s3"]
    assert "已评完" in rows["s1"]
    assert all(part in rows["s2"] for part in ("[/red]=1+1", "待人工评阅", "2026-11-20 13:00", "迟交"))
    assert "未领取" in rows["s3"]


def test_status_for_programs(school: School) -> None:
    told = json.loads(run("status", "--json").stdout)
    (assignment,) = [entry for entry in told["assignments"] if entry["id"] == ASSIGNMENT]
    assert (told["section"], told["students"], assignment["state"]) == ("crm", 3, "manual")
    assert assignment["due"] == "2026-11-20T04:30:00+00:00"
    assert assignment["works"]["s2"]["late"] is True


def test_marks_as_a_table_and_for_programs(school: School) -> None:
    table = run("marks", ASSIGNMENT).stdout
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")] for line in table.splitlines() if line.startswith("│")
    ]
    assert rows == [["s1", "张三", "9.5", "9.5"], ["s2", "[/red]=1+1", "3*", "3"], ["s3", "=1+1", "", ""]]
    told = json.loads(run("marks", "--json").stdout)
    assert [(row["student"], row["total"]) for row in told] == [("s1", 9.5), ("s2", 3.0), ("s3", None)]
    assert told[1]["assignments"][ASSIGNMENT] == {
        "score": 3.0,
        "late": True,
        "manual": True,
        "submitted": "2026-11-20T05:00:00+00:00",
    }


def test_marks_as_a_file(school: School, tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    assert run("marks", ASSIGNMENT, "--csv", str(path)).exit_code == 0
    assert path.stat().st_mode & 0o077 == 0
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert rows[0][:3] == ["学号", "姓名", f"{ASSIGNMENT} 给你的客户分级（满分 25）"]
    assert rows[2] == ["s2", "[/red]=1+1", "3", "2026-11-20 13:00", "迟交；待人工评阅", "3"]
    assert rows[3][1] == "'=1+1"
    refused = run("marks", "--csv", str(tmp_path / "no" / "marks.csv"))
    assert refused.exit_code == 1
    assert "写不了" in refused.output


def test_due_is_set_shown_and_taken_away(school: School) -> None:
    assert run("due", ASSIGNMENT).stdout == f"{ASSIGNMENT} 的截止时间是 2026-11-20 12:30（北京时间）。\n"
    assert "2026-12-01 23:59" in run("due", ASSIGNMENT, "2026-12-01 23:59").stdout
    assert run("due", ASSIGNMENT, "--none").stdout == f"{ASSIGNMENT} 没有截止时间。\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("due", ASSIGNMENT, "明天"), "看不懂截止时间“明天”"),
        (("due", ASSIGNMENT, "2026-12-01 23:59", "--none"), "只能写一个"),
        (("due", "a99"), "没有作业 a99"),
        (("status", "a99"), "没有作业 a99"),
        (("marks", "a99"), "没有作业 a99"),
    ],
)
def test_what_is_wrong_is_one_sentence(school: School, words: tuple[str, ...], sentence: str) -> None:
    told = run(*words)
    assert told.exit_code == 1
    assert sentence in told.output
    assert len(told.output.splitlines()) == 1


@given(st.text())
def test_no_text_becomes_a_formula(text: str) -> None:
    safe = marks.harmless(text)
    assert not safe.lstrip(" ").startswith(marks.FORMULA)
    assert safe.endswith(text)
