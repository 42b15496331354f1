"""Class lists as schools export them: what comes in is what stands there, or a line says what is wrong."""

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.hub.classroom import Classroom
from course.people import members, read_people, store
from course.people.importing import ListError, import_list, read_list
from course.people.model import fault_in_name, fault_in_title, login_name
from crmlab.errors import CourseError

PLAIN = "学号,姓名\n00123,王小明\n2023002,李雷\n"
TWO = [("00123", "王小明"), ("2023002", "李雷")]


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    classroom = Classroom(tmp_path / "class")
    classroom.create()
    return classroom


def found(path: Path) -> list[tuple[str, str]]:
    return [(row.name, row.title) for row in read_list(path, "crm")[0]]


def faults(path: Path) -> list[str]:
    with pytest.raises(ListError) as caught:
        read_list(path, "crm")
    return caught.value.faults


def outcome(path: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Who is in a list, and what is told of it."""
    try:
        return found(path), []
    except ListError as error:
        return [], error.faults
    except CourseError as error:
        return [], [str(error)]


def table(path: Path, *rows: list[Any], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell, shown in (formats or {}).items():
        book.active[cell].number_format = shown
    book.save(path)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "，"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends(tmp_path: Path, encoding: str, separator: str, ending: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(PLAIN.replace(",", separator).replace("\n", ending).encode(encoding))
    assert found(path) == TWO


@pytest.mark.parametrize(
    "header",
    [
        "学号,姓名",
        "账号,学生姓名",
        "ID,Name",
        "student id,full name",
        "Student_ID, Student Name ",
        "工号*,名字",
        "\ufeff学号,姓名",
    ],
)
def test_headings_in_both_languages(tmp_path: Path, header: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(PLAIN.replace("学号,姓名", header), "utf-8")
    assert found(path) == TWO


def test_titles_above_blank_lines_and_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    text = "2026 春 客户关系管理,,,\n\n序号,学号,行政班,姓名,角色,教学班\n1,00123,营销2201,王小明,,\n,,,,,\n2,ZHANG,,张老师,教师,crm、crm-2\n"
    path.write_text(text, "utf-8")
    rows, ignored = read_list(path, "crm-9")
    assert [(row.name, row.title, row.role, row.sections) for row in rows] == [
        ("00123", "王小明", None, ("crm-9",)),
        ("zhang", "张老师", "instructor", ("crm", "crm-2")),
    ]
    assert ignored == ["序号", "行政班"]


def test_every_fault_is_told_with_its_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    lines = [
        "学号,姓名,角色,教学班",
        "2023001,王小明,学生,crm",
        "2023 002,李雷,学生,crm",
        ",韩梅梅,学生,crm",
        "2023004,=1+1,班长,营销1班",
        "",
        "2023005,a\u202eb,,",
        "2023001,又是我,,",
        "=A1,x,,",
    ]
    path.write_text("\n".join(lines), "utf-8")
    assert faults(path) == [
        "第 3 行「学号」：“2023 002”不能作账号：只能用英文字母、数字和 . _ -，开头和结尾是字母或数字，最多 32 个字符（大写会改成小写）。",
        "第 4 行「学号」：没有填写。",
        "第 5 行「姓名」：是公式，请改成它的值。",
        "第 5 行「角色」：没有“班长”这个角色，可以写：学生、助教、教师。",
        "第 5 行「教学班」：“营销1班”不能作教学班编号，请用小写英文字母、数字和连字符，例如 crm-2。",
        "第 7 行「姓名」：“a\\u202eb”含有看不见的控制字符，请重新输入。",
        "第 8 行「学号」：2023001 在第 2 行已经有了；同一个人在几个教学班，请写在同一格里，用顿号隔开。",
        "第 9 行「学号」：是公式，请改成它的值。",
    ]


def test_nothing_comes_in_with_a_fault(room: Classroom, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(PLAIN + "李,x\n", "utf-8")
    with pytest.raises(ListError, match="有 1 处要改，没有导入任何人"):
        import_list(room, path)
    assert read_people(room) == {}


def test_a_thousand_faults_are_told_shortly(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("学号\n" + "李\n" * 1000, "utf-8")
    with pytest.raises(ListError) as caught:
        read_list(path, "crm")
    assert len(str(caught.value).splitlines()) == 52
    assert str(caught.value).endswith("……还有 950 处。")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "找不到标题行"),
        ("姓名,班级\n王小明,一班\n".encode(), "找不到标题行"),
        ("学号,姓名\n".encode(), "标题行下面没有人"),
        ("学号,账号\n1,2\n".encode(), "说的是同一样东西"),
        (b"\xff\xff\xff\x00\x01", "认不出"),
        ('学号,姓名\n1,"王\n2,李\n'.encode(), "引号不成对"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧版 Excel"),
        (b"PK\x03\x04 not really", "不是完好的 Excel"),
    ],
    ids=["empty", "no number", "nobody", "twice", "bytes", "quote", "xls", "zip"],
)
def test_what_is_no_list_is_told_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(CourseError, match=sentence):
        read_list(path, "crm")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="读不到文件"):
        read_list(tmp_path / "none.csv", "crm")


def test_excel_numbers_texts_and_zeros(tmp_path: Path) -> None:
    rows = [["学号", "姓名"], ["00123", "甲"], [2023002, "乙"], [124, "丙"], [2023004.0, "丁"], [None, None]]
    path = table(tmp_path / "list.xlsx", *rows, formats={"A4": "00000"})
    assert found(path) == [("00123", "甲"), ("2023002", "乙"), ("00124", "丙"), ("2023004", "丁")]


def test_excel_faults_are_told_with_excels_line(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["学号"], ["=A1"], [1234567890123456], [1.5], [date(2026, 3, 1)], [True], ["#N/A"]]
    path = table(tmp_path / "list.xlsx", *rows)
    assert [fault.split("。")[0] for fault in faults(path)][:5] == [
        "第 2 行「学号」：是公式，请改成它的值",
        "第 3 行「学号」：超过 15 位，Excel 已经改动了末尾几位；请把这一列设为文本，重新填写",
        "第 4 行「学号」：是小数，请检查",
        "第 5 行「学号」：是日期或逻辑值，请把这一格设为文本再填写",
        "第 6 行「学号」：是日期或逻辑值，请把这一格设为文本再填写",
    ]
    assert faults(path)[5].startswith("第 7 行「学号」：")


def test_text_that_exports_protect_from_excel(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('学号,姓名\n"=""00123""",王小明\n="2023002",李雷\n', "utf-8")
    assert found(path) == TWO


def test_whatever_stands_in_a_cell_comes_in_exactly_or_is_told(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"

    @given(st.text(st.characters(codec="utf-8"), max_size=70), st.text(st.characters(codec="utf-8"), max_size=70))
    def law(name: str, title: str) -> None:
        text = io.StringIO()
        csv.writer(text).writerows([["学号", "姓名"], [name, title]])
        path.write_text(text.getvalue(), "utf-8", newline="")
        rows, told = outcome(path)
        protected = name.strip().startswith('="') or title.strip().startswith('="')
        reasons = [fault_in_name(login_name(name)), fault_in_title(title.strip())]
        formula = name.strip().startswith("=") or title.strip().startswith("=")
        if not name.strip() and not title.strip():
            assert told
        elif any(reasons) or (formula and not protected):
            assert told
            assert all(re.match(r"第 [23] 行「(学号|姓名)」：", line) for line in told) or protected
        elif not protected:
            assert (rows, told) == ([(login_name(name), title.strip())], [])

    law()


def test_whatever_bytes_a_file_has_it_is_read_or_told(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"

    @given(st.binary(max_size=300), st.sampled_from(["学号,姓名\n".encode(), "学号,姓名\n".encode("gbk"), b""]))
    def law(content: bytes, header: bytes) -> None:
        path.write_bytes(header + content)
        rows, told = outcome(path)
        assert rows or told
        assert not [row for row in rows if fault_in_name(row[0]) or fault_in_title(row[1])]

    law()


# --- what an import does ----------------------------------------------------------------------------------------------


def bring(room: Classroom, tmp_path: Path, text: str, **options: bool) -> dict[str, str]:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")
    return {change.name: change.kind for change in import_list(room, path, **options).changes}


def test_a_second_list_adds_and_changes_and_removes_nobody(room: Classroom, tmp_path: Path) -> None:
    assert bring(room, tmp_path, PLAIN) == {"00123": "added", "2023002": "added"}
    assert bring(room, tmp_path, PLAIN) == {"00123": "unchanged", "2023002": "unchanged"}
    second = bring(room, tmp_path, "学号,姓名\n2023002,李蕾\n2023003,韩梅梅\n")
    assert second == {"2023002": "changed", "2023003": "added", "00123": "missing"}
    assert {name: person.title for name, person in read_people(room).items()} == {
        "00123": "王小明", "2023002": "李蕾", "2023003": "韩梅梅",
    }  # fmt: skip


def test_a_dry_run_tells_the_same_and_changes_nothing(room: Classroom, tmp_path: Path) -> None:
    bring(room, tmp_path, PLAIN)
    before = room.people.read_bytes()
    second = "学号,姓名,教学班\n2023003,韩梅梅,crm-2\n2023002,李雷,crm\n"
    dry = bring(room, tmp_path, second, dry_run=True, remove_missing=True)
    assert room.people.read_bytes() == before
    assert room.sections() == ["crm"]
    assert bring(room, tmp_path, second, remove_missing=True) == dry
    assert dry == {"2023003": "added", "2023002": "unchanged", "00123": "removed"}
    assert room.sections() == ["crm", "crm-2"]


def test_a_list_of_one_section_leaves_the_others_alone(room: Classroom, tmp_path: Path) -> None:
    bring(room, tmp_path, "学号,教学班\ns1,crm\ns2,crm\ns3,crm-2\ns4,crm、crm-2\n")
    members.add(room, "zhang", "", "instructor", ["crm"])
    assert bring(room, tmp_path, "学号,教学班\ns1,crm\n", remove_missing=True) == {
        "s1": "unchanged", "s2": "removed", "s4": "removed",
    }  # fmt: skip
    assert {name: person.sections for name, person in read_people(room).items()} == {
        "zhang": ("crm",), "s1": ("crm",), "s3": ("crm-2",), "s4": ("crm-2",),
    }  # fmt: skip


def test_a_blank_role_changes_no_role_and_passwords_stay(room: Classroom, tmp_path: Path) -> None:
    members.add(room, "00123", "", "grader", ["crm"])
    code = members.invite(room, ["00123"])[0].code
    members.activate(room, "00123", code, "koala-tram-seventy")
    assert bring(room, tmp_path, PLAIN)["00123"] == "changed"
    assert read_people(room)["00123"].role == "grader"
    assert members.password_is_right(room, "00123", "koala-tram-seventy")


def test_a_class_of_five_hundred_comes_in(room: Classroom, tmp_path: Path) -> None:
    bring(room, tmp_path, "学号,姓名\n" + "".join(f"2023{n:04},学生{n}\n" for n in range(500)))
    codes = members.invite(room, members.uninvited(room))
    assert len({code.code for code in codes}) == 500
    assert len(store.accounts(room)) == 500
