"""course.yml: what it says of the course, and what is said when it is wrong."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from course.model import MINUTES_PER_HOUR, Course, CourseFileError, load
from crmlab.errors import CourseError
from crmlab.paths import course_root

SOURCE = course_root() / "course.yml"


@pytest.fixture(scope="module")
def course() -> Course:
    return load(SOURCE)


# ------------------------------------------------------------------------------------------------ the real course

HOURS = {
    "ecommerce-16": [1, 2, 2, 2, 1, 2, 2, 2, 1, 1],
    "marketing-48": [4, 6, 4, 6, 4, 4, 4, 16],
    "logistics-45": [4, 4, 4, 2, 6, 8, 4, 4, 4],
    "retention-6": [1, 2, 1, 2],
}
SECTIONS_OF_04 = [
    "为什么要给客户分级",
    "ABC 分析与帕累托法则",
    "RFM：三个数看懂一位客户",
    "RFM 打分与八类客户",
    "VIP、普通与休眠：客户金字塔",
    "换一把尺子：按价值、反应、忠诚、规模与信用细分",
    "k 均值聚类",
    "选 k 与聚类画像",
    "分级之后：差异化的关怀方案",
    "公平与合规",
]


def test_shape(course: Course) -> None:
    assert [o.id for o in course.objectives] == ["CO1", "CO2", "CO3", "CO4", "CO5"]
    assert {o.expected for o in course.objectives} == {Decimal("0.65")}
    assert [c.number for c in course.chapters] == [f"{n:02d}" for n in range(1, 14)]
    assert all(8 <= len(c.sections) <= 14 for c in course.chapters)
    assert [a.chapter for a in course.assignments] == [c.id for c in course.chapters]
    assert course.track().id == course.default_track == "marketing-48"


def test_hours_of_tracks(course: Course) -> None:
    assert {t.id: [u.hours for u in t.units] for t in course.tracks} == HOURS
    assert {t.id: t.contingency for t in course.tracks if t.contingency} == {"logistics-45": 5}
    assert {t.id: t.credits for t in course.tracks if t.credits} == {"ecommerce-16": 1, "logistics-45": 3}


def test_marks_are_exact(course: Course) -> None:
    shares = {t.id: {m.title: w for m, w in t.mark_leaves()} for t in course.tracks}
    assert all(sum(leaves.values()) == 1 for leaves in shares.values())
    assert shares["ecommerce-16"]["笔记"] == Decimal("0.04")
    assert shares["ecommerce-16"]["期末考试"] == Decimal("0.6")
    assert [m.weight * 100 for m in course.track("logistics-45").marks] == [10, 15, 10, 5, 15, 15, 15, 10, 5]
    assert shares["marketing-48"] == {"作业": Decimal("0.5"), "练习": Decimal("0.2"), "综合实训": Decimal("0.3")}


def test_chapter_04(course: Course) -> None:
    chapter = course.chapter("04-segmentation")
    assert [s.title for s in chapter.sections] == SECTIONS_OF_04
    assert [s.id for s in chapter.sections if s.short] == ["04-1", "04-2", "04-3", "04-4", "04-5", "04-9"]
    assert [e.sections for e in chapter.exercises] == [("04-4",), ("04-7", "04-8"), ("04-9",)]
    assignment = course.assignment("a04-segmentation")
    assert [(t.points, t.grading) for t in assignment.tasks] == [
        *((points, "auto") for points in (3, 4, 4, 3, 4, 4)),
        (3, "rubric"),
    ]


def test_tracks_pick_sections(course: Course) -> None:
    short, full = course.track("ecommerce-16"), course.track("marketing-48")
    assert [s.id for s in course.sections_of(short) if s.id.startswith("04")] == [
        "04-1", "04-2", "04-3", "04-4", "04-5", "04-9",
    ]  # fmt: skip
    assert {c.number for c in course.chapters_of(short)} == {f"{n:02d}" for n in range(1, 13)}
    assert {s.id for s in course.sections_of(full)} == {s.id for c in course.chapters for s in c.sections}
    assert [c.number for c in course.chapters_of(course.track("retention-6"))] == ["07", "08", "04", "06"]
    assert "ex-04-2" not in {e.id for e in course.exercises_of(short)}
    assert len(course.exercises_of(full)) == sum(len(c.exercises) for c in course.chapters)


def test_units_hold_their_sections(course: Course) -> None:
    for track in course.tracks:
        for unit in track.units:
            minutes = sum(s.minutes for s in course.unit_sections(track, unit))
            assert 0 < minutes <= unit.hours * MINUTES_PER_HOUR
        due = [a.id for u in track.units for a in course.assignments_for(track, u)]
        assert sorted(due) == sorted(track.assignments)


def test_lookup_names_the_nearest(course: Course) -> None:
    assert course.chapter_of("ex-04-1").id == course.chapter_of("04-10").id == "04-segmentation"
    with pytest.raises(CourseError, match=r"章 04-segmentaton.*04-segmentation"):
        course.chapter("04-segmentaton")
    with pytest.raises(CourseError, match=r"方案 marketing.*marketing-48"):
        course.track("marketing")


# --------------------------------------------------------------------------------------------------- damaged files


def damaged(folder: Path, old: str, new: str) -> tuple[Path, str]:
    """A copy of course.yml with the first ``old`` replaced, and its text."""
    text = SOURCE.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new, 1)
    path = folder / "course.yml"
    path.write_text(text, encoding="utf-8")
    return path, text


def line_of(text: str, marker: str) -> int:
    assert marker in text
    return text.count("\n", 0, text.index(marker)) + 1


CASES = {
    "unknown key": (
        "    subtitle: Segmentation and Tiering",
        "    subtitel: Segmentation and Tiering",
        "    subtitel:",
        ["不认识的键 subtitel", "subtitle", "请改正"],
    ),
    "unknown key at the top": ("subtitle: CRM in Practice", "subtitle: CRM\nlanguages: en", "languages:", ["language"]),
    "unknown key in a mark": (
        "{title: 笔记, weight: 0.10,",
        "{title: 笔记, wieght: 0.1, weight: 0.10,",
        "wieght",
        ["不认识的键 wieght", "weight"],
    ),
    "missing key": ("    subtitle: CRM Concepts\n", "", "  - id: 01-crm-concepts", ["缺少键 subtitle", "补上"]),
    "missing chapter": (
        "covers: [02-identify-develop]",
        "covers: [02-identify-develp]",
        "covers: [02-identify-develp]",
        ["章 02-identify-develp 不存在", "02-identify-develop"],
    ),
    "missing section": ("09-5, 09-6]", "09-5, 09-66]", "09-66]", ["节 09-66 不存在"]),
    "missing prerequisite": (
        "prerequisites: [03-customer-information]",
        "prerequisites: [03-customer-info]",
        "prerequisites: [03-customer-info]",
        ["章 03-customer-info 不存在", "03-customer-information"],
    ),
    "later prerequisite": (
        "prerequisites: [03-customer-information]",
        "prerequisites: [13-capstone]",
        "prerequisites: [13-capstone]",
        ["04-segmentation", "13-capstone", "排在它之后"],
    ),
    "weights": (
        "{title: 期末考试, weight: 0.60,",
        "{title: 期末考试, weight: 0.55,",
        "    marks:\n      - title: 平时成绩",
        ["ecommerce-16", "0.95", "不是 1"],
    ),
    "weights below": (
        "{title: 笔记, weight: 0.10,",
        "{title: 笔记, weight: 0.20,",
        "        parts:\n          - {title: 笔记",
        ["平时成绩", "1.1", "不是 1"],
    ),
    "negative weight": (
        "{title: 笔记, weight: 0.10,",
        "{title: 笔记, weight: -0.10,",
        "weight: -0.10",
        ["weight", "-0.1", "大于 0"],
    ),
    "source and parts": (
        "        weight: 0.40\n        parts:",
        "        weight: 0.40\n        source: exam\n        parts:",
        "      - title: 平时成绩",
        ["平时成绩", "parts", "source"],
    ),
    "unknown source": ("source: exam}", "source: test}", "source: test}", ["source", "test", "exam", "manual"]),
    "duplicate chapter id": (
        "  - id: 02-identify-develop",
        "  - id: 01-crm-concepts",
        "  - id: 01-crm-concepts\n    title: 识别",
        ["01-crm-concepts", "重复"],
    ),
    "duplicate track": (
        "  - id: logistics-45",
        "  - id: marketing-48",
        "  - id: marketing-48\n    title: 物流",
        ["方案编号 marketing-48", "重复"],
    ),
    "section out of place": ("- id: 04-10", "- id: 04-11", "- id: 04-11", ["04-11", "04-10"]),
    "bad chapter id": (
        "  - id: 04-segmentation",
        "  - id: 4-Segmentation",
        "  - id: 4-Segmentation",
        ["4-Segmentation", "编号规则", "04-segmentation"],
    ),
    "bad section id": ("- id: 04-10", "- id: 04-x", "- id: 04-x", ["04-x", "编号规则", "04-1"]),
    "unknown objective": (
        "        objectives: [CO5]\n        topics: [分级的公平",
        "        objectives: [CO7]\n        topics: [分级的公平",
        "        objectives: [CO7]",
        ["课程目标 CO7 不存在"],
    ),
    "objective not of the chapter": (
        "        objectives: [CO5]\n        topics: [分级的公平",
        "        objectives: [CO2]\n        topics: [分级的公平",
        "        objectives: [CO2]\n        topics: [分级的公平",
        ["04-10", "CO2", "04-segmentation"],
    ),
    "unknown assignment": (
        "    assignment: a04-segmentation",
        "    assignment: a04-segments",
        "    assignment: a04-segments",
        ["作业 a04-segments 不存在", "a04-segmentation"],
    ),
    "unknown assignment of a track": (
        "    assignments: [a08-retention]",
        "    assignments: [a08-retain]",
        "    assignments: [a08-retain]",
        ["作业 a08-retain 不存在", "a08-retention"],
    ),
    "assignment of another chapter": (
        "    chapter: 04-segmentation",
        "    chapter: 05-customer-value",
        "    chapter: 05-customer-value",
        ["a04-segmentation", "05-customer-value"],
    ),
    "exercise in another chapter": (
        "sections: [04-4]",
        "sections: [05-4]",
        "sections: [05-4]",
        ["ex-04-1", "05-4", "别的章"],
    ),
    "unknown exercise in marks": ("items: [ex-06-2]", "items: [ex-06-9]", "items: [ex-06-9]", ["练习 ex-06-9 不存在"]),
    "item that the track lacks": (
        "items: [a05-clv]",
        "items: [a09-accounts]",
        "items: [a09-accounts]",
        ["a09-accounts", "logistics-45"],
    ),
    "items of a manual mark": (
        "source: exam}",
        "source: exam, items: [a01-concepts]}",
        "source: exam, items",
        ["期末考试", "items"],
    ),
    "hours of a track": (
        "      - title: 概述\n        hours: 4",
        "      - title: 概述\n        hours: 5",
        "    hours: 48",
        ["marketing-48", "49", "48", "学时"],
    ),
    "too much for a unit": (
        "      - title: 认识CRM\n        hours: 1\n        covers: [01-crm-concepts]",
        "      - title: 认识CRM\n        hours: 1\n        covers: [01-crm-concepts, 01-4]",
        "        hours: 1\n        covers: [01-crm-concepts, 01-4]",
        ["认识CRM", "48 分钟", "45 分钟"],
    ),
    "taught twice": (
        "covers: [09-1, 09-2,",
        "covers: [09-1, 09-1,",
        "covers: [09-1, 09-1,",
        ["ecommerce-16", "又教了一次 09-1"],
    ),
    "points of an assignment": (
        "    minutes: 80\n    points: 25\n    objectives: [CO1, CO4, CO5]\n    tasks:\n      - id: a04-1",
        "    minutes: 80\n    points: 26\n    objectives: [CO1, CO4, CO5]\n    tasks:\n      - id: a04-1",
        "    points: 26",
        ["a04-segmentation", "25", "26"],
    ),
    "minutes of a chapter": (
        "    status: written\n    minutes: 90",
        "    status: written\n    minutes: 60",
        "    minutes: 60\n    datasets: [ecommerce]\n    prerequisites: [03",
        ["04-segmentation", "77", "60"],
    ),
    "unknown default track": (
        "default_track: marketing-48",
        "default_track: marketing-84",
        "default_track:",
        ["方案 marketing-84 不存在", "marketing-48"],
    ),
    "project without a project": (
        "    project: 为一家企业做一次完整的客户保持：从忠诚管理、分层维护、投诉处理到系统应用\n",
        "",
        "- {title: 项目成果",
        ["项目成果", "project"],
    ),
    "bad id in a unit": (
        "covers: [02-identify-develop]",
        "covers: [02_identify]",
        "covers: [02_identify]",
        ["covers", "02_identify", "04-segmentation / 04-1"],
    ),
    "bad item": (
        "items: [ex-06-2]",
        "items: [exercise2]",
        "items: [exercise2]",
        ["items", "a04-segmentation / ex-04-1"],
    ),
    "unknown status": ("    status: written", "    status: done", "    status: done", ["done", "written、planned"]),
    "not a number": ("    hours: 48", "    hours: many", "    hours: many", ["hours", "many", "整数"]),
    "not a decimal": ("weight: 0.60,", "weight: most,", "weight: most,", ["weight", "most", "数"]),
    "not a list": ("assignments: [a08-retention]", "assignments: a08-retention", "assignments: a08-", ["列表"]),
    "not a switch": ("    short: true\n    units", "    short: maybe\n    units", "short: maybe", ["maybe", "true"]),
    "no value": ("    prerequisites: []", "    prerequisites:", "    prerequisites:\n", ["prerequisites", "空的"]),
    "no units": (
        "    units:\n      - title: 忠",
        "    units: []\n    x:\n      - title: 忠",
        "units: []",
        ["units", "空的"],
    ),
    "not YAML": ("title: 客户关系管理实务", "title: [客户", "subtitle:", ["YAML"]),
    "unknown task of an ability": (
        "assessed: [a07-7]",
        "assessed: [a07-9]",
        "assessed: [a07-9]",
        ["任务 a07-9 不存在"],
    ),
    "ability with a part that serves another objective": (
        "exercised: [ex-05-3]",
        "exercised: [ex-04-1]",
        "exercised: [ex-04-1]",
        ["ex-04-1", "没有课程目标 CO1", "统一"],
    ),
    "ability that nobody assesses": (
        "assessed: [a07-2, a07-3]",
        "assessed: []",
        "assessed: []",
        ["assessed", "空的"],
    ),
    "key twice": ("language: zh-CN", "language: zh-CN\nlanguage: en", "language: en", ["YAML", "language"]),
}


@pytest.mark.parametrize(("old", "new", "marker", "parts"), CASES.values(), ids=CASES.keys())
def test_damage_is_told_with_line_and_remedy(tmp_path: Path, old: str, new: str, marker: str, parts: list[str]) -> None:
    path, text = damaged(tmp_path, old, new)
    with pytest.raises(CourseFileError) as caught:
        load(path)
    told = [str(finding) for finding in caught.value.findings]
    here = [sentence for sentence in told if sentence.startswith(f"course.yml:{line_of(text, marker)}: ")]
    assert any(all(part in sentence for part in parts) for sentence in here), told
    assert all("\n" not in sentence for sentence in told)
    assert str(caught.value) == "\n".join(told)


def test_one_mistake_is_told_once(tmp_path: Path) -> None:
    for old, new in (
        ("subtitle: Segmentation and Tiering", "subtitle: Segmentation and Tiering\n    colour: red"),
        ("subtitle: Segmentation and Tiering", "subtitel: Segmentation and Tiering"),
        ("{title: 期末考试, weight: 0.60,", "{title: 期末考试, weight: 0.55,"),
        ("covers: [02-identify-develop]", "covers: [02-identify-develp]"),
    ):
        path, _text = damaged(tmp_path, old, new)
        with pytest.raises(CourseFileError) as caught:
            load(path)
        assert len(caught.value.findings) == 1, str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path, _text = damaged(tmp_path, "    hours: 48", "    hours: 50")
    path.write_text(path.read_text("utf-8").replace("0.60, source: exam", "0.50, source: exam"), encoding="utf-8")
    with pytest.raises(CourseFileError) as caught:
        load(path)
    assert len(caught.value.findings) == 2


def test_missing_or_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"找不到 .*course\.yml"):
        load(tmp_path / "course.yml")
    (tmp_path / "course.yml").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match=r"course\.yml:1: .*没有内容"):
        load(tmp_path / "course.yml")
    (tmp_path / "course.yml").write_bytes("课程".encode("gb18030"))
    with pytest.raises(CourseError, match=r"course\.yml:1: .*UTF-8"):
        load(tmp_path / "course.yml")


def test_loading_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "course.yml"
    shutil.copy(SOURCE, path)
    before = path.read_bytes()
    load(path)
    assert path.read_bytes() == before


def test_a_chapter_taken_out_is_told_once(tmp_path: Path) -> None:
    """Not as thirteen wrong numbers: one sentence, at the chapter that follows."""
    text = (course_root() / "course.yml").read_text("utf-8")
    start, end = text.index("  - id: 05-customer-value"), text.index("  - id: 06-service-quality")
    file = tmp_path / "course.yml"
    file.write_text(text[:start] + text[end:], "utf-8")
    with pytest.raises(CourseFileError) as told:
        load(file)
    line = text[:start].count("\n") + 1
    assert str(told.value) == f"course.yml:{line}: 06-service-quality 之前缺少第 05 章，请补上它"
