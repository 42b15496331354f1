"""``course people``."""

import csv
import re
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from course.cli import CourseGroup
from course.hub.classroom import Classroom
from course.people import commands, members, read_people

LIST = "学号,姓名,班主任,教学班\n2023001,王小明,张,crm\n2023002,李雷,张,crm-2\n"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setattr(commands, "_register", lambda classroom, sections: None)  # nbgrader takes seconds
    app = typer.Typer(cls=CourseGroup)
    commands.add_to(app)
    app.command("other")(lambda: None)
    return app


def run(app: typer.Typer, *arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["people", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def listed(app: typer.Typer, classroom: Classroom, tmp_path: Path) -> Path:
    path = tmp_path / "名单.csv"
    path.write_text(LIST, "utf-8")
    return path


def test_a_list_comes_in(app: typer.Typer, classroom: Classroom, listed: Path) -> None:
    dry = run(app, "import", listed, "--dry-run")
    assert "试运行，什么也没有改：新加 2 人，有改动 0 人，没有变 0 人，名单里没有 0 人，退出 0 人。" in dry
    assert read_people(classroom) == {}
    done = run(app, "import", listed)
    assert "已导入：新加 2 人" in done
    assert "新的教学班：crm-2。" in done
    assert "没有读的列：班主任。" in done
    assert list(read_people(classroom)) == ["2023001", "2023002"]


def test_faults_are_told_and_the_command_fails(app: typer.Typer, classroom: Classroom, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("学号\n李\n", "utf-8")
    output = run(app, "import", path, code=1)
    assert "第 2 行「学号」：“李”不能作账号" in output
    assert read_people(classroom) == {}


def test_invitations_are_written_for_the_owner_only(app: typer.Typer, classroom: Classroom, listed: Path) -> None:
    run(app, "import", listed)
    out = listed.with_name("邀请码.csv")
    told = run(app, "invite", "--all", "--out", out, "--address", "https://crm.example.edu.cn/")
    assert "2 个邀请码写在" in told
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert [row["姓名"] for row in rows] == ["王小明", "李雷"]
    assert rows[0]["链接"] == f"https://crm.example.edu.cn/hub/invitation#2023001:{rows[0]['邀请码']}"
    assert rows[0]["邀请码"] not in told
    assert members.activate(classroom, "2023001", rows[0]["邀请码"], "koala-tram-seventy")
    assert "已经存在" in run(app, "invite", "--all", "--out", out, code=1)


def test_only_who_has_no_password_is_invited(app: typer.Typer, classroom: Classroom, listed: Path) -> None:
    run(app, "import", listed)
    assert "要邀请谁" in run(app, "invite", code=1)
    assert "2023002" not in run(app, "invite", "--section", "crm")
    code = re.search(r"(\w{4}-){3}\w{4}", run(app, "invite", "2023001"))
    assert code
    assert members.activate(classroom, "2023001", code[0], "koala-tram-seventy")
    assert "已经设置过密码" in run(app, "invite", "2023001", code=1)
    assert "没有要邀请的人" in run(app, "invite", "--section", "crm")


def test_reset_gives_a_new_code(app: typer.Typer, classroom: Classroom) -> None:
    run(app, "add", "2023009", "--title", "赵六")
    code = re.search(r"(\w{4}-){3}\w{4}", run(app, "reset", "2023009"))
    assert code
    assert members.activate(classroom, "2023009", code[0], "koala-tram-seventy")
    assert "班级名单里没有 nobody" in run(app, "reset", "nobody", code=1)


def test_one_person_at_a_time(app: typer.Typer, classroom: Classroom) -> None:
    assert run(app, "add", "Zhang", "--title", "张老师", "--role", "教师") == "zhang 在名单里：教师，教学班 crm。\n"
    assert run(app, "add", "zhang", "--section", "crm-2") == "zhang 在名单里：教师，教学班 crm、crm-2。\n"
    assert "没有“班长”这个角色" in run(app, "add", "x", "--role", "班长", code=1)
    assert "不能作账号" in run(app, "add", "a b", code=1)
    assert "张老师" in run(app, "list", "--section", "crm-2")
    assert run(app, "remove", "zhang") == "已移除 zhang；他们的文件和成绩都还在。\n"
    assert "共 0 人。" in run(app, "list")
    assert "已移除" in run(app, "list", "--removed")


def test_behind_the_walls_the_list_is_out_of_reach(
    app: typer.Typer, classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_ROLE", "instructor")
    assert "名单不能在学习环境里管理" in run(app, "list", code=1)


def test_students_are_put_into_the_gradebooks_of_their_sections(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    members.add(classroom, "2023001", "王小明", "student", ["crm", "crm-2"])
    members.add(classroom, "chen", "", "grader", ["crm"])
    known: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(
        "course.hub.release.register_students",
        lambda students, room: known.append((room.section, [student.name for student in students])),
    )
    commands._register(classroom, {"crm", "crm-2"})
    assert known == [("crm", ["2023001"]), ("crm-2", ["2023001"])]
