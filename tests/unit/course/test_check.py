"""``course check``: a sound tree passes; each fault is told with file, line, what is wrong and what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from autograder.files import digest
from course import check, notebooks
from course import data as building
from course.cli import app
from course.model import Assignment, Chapter, Course, Finding, Task, load
from course.notebooks import Json
from crmlab.paths import course_root

CHAPTER = "chapters/04-segmentation.ipynb"
QUIZ = "chapters/04-segmentation.quiz.toml"
ASSIGNMENT = "assignments/a04-segmentation/work.ipynb"


# --------------------------------------------------------------------------- a sound tree, made from course.yml


def cell(kind: str, cell_id: str, source: str, tags: tuple[str, ...] = (), **metadata: Any) -> Json:
    made: Json = {"cell_type": kind, "id": cell_id, "metadata": metadata, "source": source.splitlines(keepends=True)}
    if tags:
        made["metadata"] = {**metadata, "tags": list(tags)}
    return {**made, "outputs": [], "execution_count": None} if kind == "code" else made


def save(path: Path, cells: list[Json]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"cells": cells, "metadata": notebooks.METADATA, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(notebooks.dumps(data), encoding="utf-8")


def chapter_cells(chapter: Chapter) -> list[Json]:
    cells = [cell("markdown", "title", f"# 第 {int(chapter.number)} 章　{chapter.title}\n\n*{chapter.subtitle}*")]
    for section in chapter.sections:
        cells.append(cell("markdown", f"sec-{section.id}", f"## {section.title}\n\n先看数。", (f"sec-{section.id}",)))
        for exercise in chapter.exercises:
            if exercise.sections[0] == section.id:
                cells.append(cell("code", exercise.id, "show()", (exercise.id,)))
    cells.append(cell("code", "quiz", "quiz.show()", ("quiz", "hide-input")))
    cells.append(cell("markdown", "notes", "讨论要点", ("instructor",)))
    return cells


def task_cells(task: Task) -> list[Json]:
    crm = {"objectives": list(task.objectives)}
    graded = {"grade": True, "locked": True, "points": task.points, "schema_version": 3, "task": False}
    if task.grading == "rubric":
        meta = {**graded, "grade_id": f"{task.id}-text", "solution": True, "locked": False}
        guide = cell("markdown", f"{task.id}-guide", "评分指南", ("instructor",))
        return [cell("markdown", f"{task.id}-text", "写在这里", nbgrader=meta, crm=crm), guide]
    meta = {**graded, "grade_id": f"{task.id}-test", "solution": False}
    answer = {**graded, "grade": False, "locked": False, "grade_id": f"{task.id}-solution", "solution": True}
    tests = f"assert x\n{check.HIDDEN_BEGIN}\nassert x == 1\n{check.HIDDEN_END}"
    solution = cell("code", f"{task.id}-solution", "x = 1", nbgrader=answer)
    return [solution, cell("code", f"{task.id}-test", tests, nbgrader=meta, crm=crm)]


def assignment_cells(assignment: Assignment) -> list[Json]:
    intro = [cell("markdown", "intro", f"# {assignment.title}")]
    return intro + [made for task in assignment.tasks for made in task_cells(task)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course without a fault: the real course.yml and the least that it asks for."""
    text = (course_root() / "course.yml").read_text(encoding="utf-8")
    (tmp_path / "course.yml").write_text(text, encoding="utf-8")
    course = load(tmp_path / "course.yml")
    for chapter in course.written_chapters():
        save(tmp_path / "chapters" / f"{chapter.id}.ipynb", chapter_cells(chapter))
        (tmp_path / "chapters" / f"{chapter.id}.quiz.toml").write_text('[[items]]\nask = "?"\n' * 6, encoding="utf-8")
    for name in {name for chapter in course.chapters for name in chapter.datasets}:
        write_dataset(tmp_path / "datasets" / name)
    for assignment in course.assignments:
        if assignment.written:
            save(tmp_path / "assignments" / assignment.id / "work.ipynb", assignment_cells(assignment))
    book = tmp_path / "book"
    book.mkdir()
    entry = "- {id: rfm, zh: RFM, en: RFM, definition: 三个数, chapter: 04-segmentation}\n"
    (book / "glossary.yml").write_text(entry, encoding="utf-8")
    (book / "references.bib").write_text("@book{hughes1994strategic, title = {T}}\n", encoding="utf-8")
    return tmp_path


def write_dataset(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = b"order_id\n1\n2\n"
    (folder / "orders.csv").write_bytes(content)
    field = {"name": "order_id", "type": "integer", "description": "订单编号"}
    resource = {"name": "orders", "path": "orders.csv", "title": "订单", "description": "每行一张订单。"}
    resource |= {"bytes": len(content), "hash": f"sha256:{digest(content)}", "rows": 2, "schema": {"fields": [field]}}
    described = {"name": folder.name, "resources": [resource]}
    (folder / "datapackage.json").write_text(json.dumps(described, indent=2), encoding="utf-8")
    begin, end = building.CARD_MARKS
    (folder / "README.md").write_text(f"# 数据卡\n\n{begin}{end}\n", encoding="utf-8")
    (folder / "README.md").write_text(building.card(folder / "README.md", described), encoding="utf-8")


def told(root: Path) -> list[str]:
    return [str(finding) for finding in check.findings(root)[1]]


def edit(root: Path, file: str, change: Callable[[list[Json]], Any]) -> None:
    """Change the cells of a notebook of the tree."""
    path = root / file
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data["cells"])
    path.write_text(notebooks.dumps(data), encoding="utf-8")


def find(cells: list[Json], cell_id: str) -> Json:
    return next(c for c in cells if c["id"] == cell_id)


def test_sound_tree_passes(root: Path) -> None:
    assert told(root) == []


# ---------------------------------------------------------------------------------------------- faults of a notebook


def put(cell_id: str, **values: Any) -> Callable[[list[Json]], Any]:
    """Set keys of a cell."""
    return lambda cells: find(cells, cell_id).update(values)


def put_meta(cell_id: str, **values: Any) -> Callable[[list[Json]], Any]:
    """Set keys of a cell's metadata."""
    return lambda cells: find(cells, cell_id)["metadata"].update(values)


def grade(cell_id: str, **values: Any) -> Callable[[list[Json]], Any]:
    """Set keys of a cell's nbgrader metadata."""
    return lambda cells: find(cells, cell_id)["metadata"]["nbgrader"].update(values)


def drop(cell_id: str) -> Callable[[list[Json]], Any]:
    return lambda cells: cells.remove(find(cells, cell_id))


def swap(first: str, second: str) -> Callable[[list[Json]], Any]:
    def change(cells: list[Json]) -> None:
        i, j = cells.index(find(cells, first)), cells.index(find(cells, second))
        cells[i], cells[j] = cells[j], cells[i]

    return change


OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["1"]}
LONG = "\n".join(f"x{n} = {n}" for n in range(16))

# file, change, the source or cell id on whose cell the line must fall ("" = line 1), parts of the sentence
NOTEBOOK_FAULTS: dict[str, tuple[str, Callable[[list[Json]], Any], str, list[str]]] = {
    "outputs": (CHAPTER, put("ex-04-1", outputs=[OUTPUT]), "ex-04-1", ["带着输出", f"course strip {CHAPTER}"]),
    "execution count": (CHAPTER, put("ex-04-1", execution_count=7), "ex-04-1", ["运行序号", "course strip"]),
    "duplicate cell id": (CHAPTER, put("notes", id="quiz"), "讨论要点", ["quiz", "重复", "course strip"]),
    "missing cell id": (CHAPTER, lambda c: find(c, "notes").pop("id"), "讨论要点", ["没有合格的 id", "course strip"]),
    "odd metadata": (CHAPTER, put_meta("notes", collapsed=True), "notes", ["collapsed", "course strip"]),
    "absolute path": (CHAPTER, put("ex-04-1", source=["read('/home/li/x.csv')"]), "ex-04-1", ["/home/li/x.csv"]),
    "long cell": (CHAPTER, put("ex-04-1", source=[LONG]), "ex-04-1", ["16 行", "15 行", "拆开"]),
    "unknown term": (CHAPTER, put("notes", source=["[x](term:rmf)"]), "notes", ["term:rmf", "book/glossary.yml"]),
    "unknown citation": (
        CHAPTER,
        put("notes", source=["[x](cite:no2020)"]),
        "notes",
        ["cite:no2020", "references.bib"],
    ),
    "unknown chapter": (CHAPTER, put("notes", source=["[x](chapter:14-x)"]), "notes", ["chapter:14-x", "course.yml"]),
    "title not first": (CHAPTER, swap("title", "sec-04-1"), "sec-04-1", ["第一个单元格", "客户细分与分级"]),
    "wrong heading": (CHAPTER, put("sec-04-4", source=["## 打分"]), "sec-04-4", ["04-4", "RFM 打分与八类客户", "打分"]),
    "no heading": (CHAPTER, put("sec-04-4", source=["打分"]), "sec-04-4", ["04-4", "没有标题"]),
    "missing section": (CHAPTER, drop("sec-04-10"), "", ["sec-04-10", "补上"]),
    "sections out of order": (CHAPTER, swap("sec-04-5", "sec-04-6"), "sec-04-6", ["04-6", "应当是 04-5"]),
    "unknown section": (CHAPTER, put_meta("notes", tags=["instructor", "sec-04-11"]), "notes", ["sec-04-11"]),
    "section twice": (CHAPTER, put_meta("notes", tags=["instructor", "sec-04-1"]), "notes", ["sec-04-1", "两次"]),
    "missing exercise": (CHAPTER, drop("ex-04-3"), "", ["ex-04-3", "补上"]),
    "exercise elsewhere": (CHAPTER, swap("ex-04-1", "sec-04-6"), "ex-04-1", ["ex-04-1", "04-4", "04-5"]),
    "exercise not code": (CHAPTER, put("ex-04-1", cell_type="markdown"), "ex-04-1", ["ex-04-1", "代码单元格"]),
    "unknown exercise": (CHAPTER, put_meta("quiz", tags=["quiz", "ex-04-9"]), "quiz", ["ex-04-9", "course.yml"]),
    "no quiz cell": (CHAPTER, drop("quiz"), "", ["quiz", "自测"]),
    "no teachers' cell": (CHAPTER, drop("notes"), "", ["instructor"]),
    "points": (ASSIGNMENT, grade("a04-2-test", points=5), "a04-2-test", ["a04-2", "5 分", "4 分"]),
    "no points": (ASSIGNMENT, grade("a04-2-test", points=None), "a04-2-test", ["a04-2-test", "没有分值"]),
    "foreign grade id": (ASSIGNMENT, grade("a04-2-test", grade_id="test-2"), "a04-2-test", ["test-2", "a04-1-test"]),
    "grade id without more": (ASSIGNMENT, grade("a04-2-test", grade_id="a04-2"), "a04-2-test", ["a04-2 不属于"]),
    "grade id twice": (ASSIGNMENT, grade("a04-2-test", grade_id="a04-1-test"), "a04-2-test", ["a04-1-test", "重复"]),
    "no objectives": (
        ASSIGNMENT,
        lambda c: find(c, "a04-2-test")["metadata"].pop("crm"),
        "a04-2-test",
        ["a04-2-test", "没有课程目标", '"CO1", "CO4"'],
    ),
    "other objectives": (
        ASSIGNMENT,
        put_meta("a04-2-test", crm={"objectives": ["CO5"]}),
        "a04-2-test",
        ['["CO5"]', '["CO1", "CO4"]'],
    ),
    "no hidden tests": (ASSIGNMENT, put("a04-2-test", source=["assert x"]), "a04-2-test", ["a04-2", "隐藏测试"]),
    "open hidden tests": (
        ASSIGNMENT,
        put("a04-2-test", source=[check.HIDDEN_BEGIN]),
        "a04-2-test",
        ["a04-2-test", "成对"],
    ),
    "code cell without a role": (
        ASSIGNMENT,
        lambda c: c.append(cell("code", "loose", "x")),
        "loose",
        ["loose 第 1 行", "没有 nbgrader 的角色"],
    ),
    "test that is not Python": (ASSIGNMENT, put("a04-2-test", source=["assert ("]), "", ["a04-2-test", "语法错误"]),
    "auto graded by hand": (ASSIGNMENT, grade("a04-2-test", solution=True), "a04-2-test", ["a04-2", "自动评分"]),
    "rubric graded by tests": (ASSIGNMENT, grade("a04-7-text", solution=False), "a04-7-text", ["a04-7", "人工评分"]),
    "no marking guide": (ASSIGNMENT, drop("a04-7-guide"), "a04-7-text", ["a04-7", "评分指南", "a04-7-"]),
    "outputs of an assignment": (ASSIGNMENT, put("a04-2-test", outputs=[OUTPUT]), "a04-2-test", ["带着输出"]),
}


@pytest.mark.parametrize(("file", "change", "at", "parts"), NOTEBOOK_FAULTS.values(), ids=NOTEBOOK_FAULTS.keys())
def test_notebook_fault(root: Path, file: str, change: Callable[[list[Json]], Any], at: str, parts: list[str]) -> None:
    edit(root, file, change)
    found = [f for f in check.findings(root)[1] if all(part in f.message for part in parts)]
    assert found, told(root)
    assert all(f.file == file for f in found)
    assert any(here(root, f, at) for f in found), found


def test_test_that_reaches_for_what_cannot_cross_is_told_with_file_and_line(root: Path) -> None:
    bad = f"assert x\n{check.HIDDEN_BEGIN}\nassert x < y\nassert x == 1 and globals()\n{check.HIDDEN_END}"
    edit(root, ASSIGNMENT, put("a04-2-test", source=bad.splitlines(keepends=True)))
    lines = [line_in(root / ASSIGNMENT, text) for text in ("assert x < y", "and globals()")]
    assert told(root) == [
        f"{ASSIGNMENT}:{lines[0]}: 单元格 a04-2-test 第 3 行："
        "这一格用到 `y`，在它之前没有任何单元格给它赋值；请检查拼写和单元格的顺序",
        f"{ASSIGNMENT}:{lines[1]}: 单元格 a04-2-test 第 4 行："
        "测试用到 `globals`，它只看得到评分进程自己；请直接用答案的名字",
    ]


def here(root: Path, finding: Finding, at: str) -> bool:
    """Whether the finding's line falls inside the cell with this id (or text); on line 1 for ``""``."""
    if not at:
        return finding.line == 1
    notebook = notebooks.read(root / finding.file)
    for wanted, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        if wanted.id == at or at in wanted.source:
            last = notebook.line(following) if following else notebook.text.count("\n") + 1
            return notebook.line(wanted) <= finding.line < last
    return False


def test_missing_task_is_told_at_course_yml(root: Path) -> None:
    edit(root, ASSIGNMENT, drop("a04-3-test"))
    (sentence,) = told(root)
    line = line_in(root / "course.yml", "- id: a04-3\n")
    assert sentence.startswith(f"course.yml:{line}: 任务 a04-3 没有评分单元格")


def test_plumbing_may_be_long(root: Path) -> None:
    edit(root, CHAPTER, put("quiz", source=[LONG]))
    edit(root, CHAPTER, put("ex-04-1", source=["# 说明\n" * 20, "\n" * 20, "x = 1"]))
    assert told(root) == []


def test_links_and_paths_that_are_fine(root: Path) -> None:
    text = "[RFM](term:rfm) [H](cite:hughes1994strategic) [4](chapter:04-segmentation) [5](chapter:05-customer-value)"
    more = "\n\n`[x](term:y)` 1/2 https://example.org/home/x 7/24 A/B 收入/data/成本 ../datasets/x /book/"
    edit(root, CHAPTER, put("notes", source=[text + more]))
    assert told(root) == []


@pytest.mark.parametrize("path", ["/home/a/b", "/Users/a", "/tmp/x.csv", r"C:\data\x.csv", "file:///etc/x", "/root/x"])
def test_absolute_paths(path: str) -> None:
    assert check.ABSOLUTE.findall(f"read('{path}')") == [path]


def test_notebook_cut_in_half(root: Path) -> None:
    for file in (CHAPTER, ASSIGNMENT):
        path = root / file
        text = path.read_text(encoding="utf-8")
        path.write_text(text[: len(text) // 2], encoding="utf-8")
    sentences = told(root)
    assert len(sentences) == 2
    assert all("JSON" in s and "恢复" in s for s in sentences)


# -------------------------------------------------------------------------------------------------- faults of the tree


def line_in(path: Path, marker: str) -> int:
    text = path.read_text(encoding="utf-8")
    return text.count("\n", 0, text.index(marker)) + 1


def test_written_chapter_without_notebook(root: Path) -> None:
    (root / CHAPTER).unlink()
    (sentence,) = told(root)
    line = line_in(root / "course.yml", "- id: 04-segmentation\n")
    assert sentence.startswith(f"course.yml:{line}: 04-segmentation 标为 written")
    assert CHAPTER in sentence
    assert "planned" in sentence


def test_written_assignment_without_notebook(root: Path) -> None:
    (root / ASSIGNMENT).unlink()
    (sentence,) = told(root)
    assert "a04-segmentation 标为 written" in sentence


def test_planned_chapter_with_notebook(root: Path) -> None:
    save(root / "chapters" / "13-capstone.ipynb", [])
    line = line_in(root / "course.yml", "- id: 13-capstone\n")
    (sentence,) = told(root)
    assert sentence.startswith("chapters/13-capstone.ipynb:1: ")
    assert f"course.yml 第 {line} 行" in sentence
    assert "planned" in sentence


@pytest.mark.parametrize(
    "file", ["chapters/99-none.ipynb", "chapters/99-none.quiz.toml", "assignments/a99-none/x.ipynb", "datasets/none/x"]
)
def test_orphan(root: Path, file: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}", encoding="utf-8")
    name = file if file.startswith("chapters") else str(Path(file).parent)
    assert any(s.startswith(f"{name}:1: ") and "删去" in s for s in told(root)), told(root)


def test_quiz_file(root: Path) -> None:
    path = root / QUIZ
    path.write_text('[[items]]\nask = "?"\n' * 5, encoding="utf-8")
    (sentence,) = told(root)
    assert sentence == f"{QUIZ}:1: 只有 5 题，请补到至少 6 题"
    path.write_text("[[items]]\nask = 'a\n", encoding="utf-8")
    (sentence,) = told(root)
    assert sentence.startswith(f"{QUIZ}:2: 不是有效的 TOML")
    path.unlink()
    (sentence,) = told(root)
    assert sentence.startswith("course.yml:")
    assert QUIZ in sentence


def test_dataset_cut_in_half(root: Path) -> None:
    (root / "datasets/ecommerce/orders.csv").write_bytes(b"order_")
    (sentence,) = told(root)
    assert sentence.startswith("datasets/ecommerce/orders.csv:1: 有 6 字节")
    assert "13" in sentence
    assert "course data build ecommerce" in sentence


def test_dataset_with_one_byte_changed(root: Path) -> None:
    path = root / "datasets/faq/orders.csv"
    path.write_bytes(path.read_bytes().replace(b"1", b"7"))
    (sentence,) = told(root)
    assert sentence.startswith("datasets/faq/orders.csv:1: 内容与 datapackage.json 的校验值不符")
    assert "course data build faq" in sentence


def test_data_card(root: Path) -> None:
    path = root / "datasets/faq/README.md"
    path.write_text(path.read_text(encoding="utf-8").replace("订单编号", "编号"), encoding="utf-8")
    (sentence,) = told(root)
    assert sentence.startswith("datasets/faq/README.md:1: 数据卡里的表与 datapackage.json 不一致")
    path.unlink()
    (sentence,) = told(root)
    assert sentence.startswith("datasets/faq/README.md:1: 数据卡 ")


def test_description_of_a_dataset(root: Path) -> None:
    path = root / "datasets/faq/datapackage.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    described["resources"][0].pop("hash")
    path.write_text(json.dumps(described), encoding="utf-8")
    (sentence,) = told(root)
    assert sentence.startswith("datasets/faq/datapackage.json:1: orders 缺少 hash，请运行 course data build faq")
    described["resources"][0]["schema"]["fields"][0]["type"] = 7
    path.write_text(json.dumps(described), encoding="utf-8")
    (sentence,) = told(root)
    assert sentence == 'datasets/faq/datapackage.json:1: field type "7" is not supported，请改正'


def test_dataset_files(root: Path) -> None:
    folder = root / "datasets/ecommerce"
    (folder / "orders.csv").rename(folder / "other.csv")
    first, second = told(root)
    assert first.startswith(f"datasets/ecommerce/datapackage.json:{line_in(folder / 'datapackage.json', 'orders.csv')}")
    assert "orders.csv 不存在" in first
    assert second.startswith("datasets/ecommerce/other.csv:1: ")
    (folder / "datapackage.json").write_text("{", encoding="utf-8")
    (sentence,) = told(root)
    assert sentence.startswith("datasets/ecommerce/datapackage.json:1: ")
    (folder / "datapackage.json").unlink()
    (sentence,) = told(root)
    assert "course data build ecommerce" in sentence


def test_links_of_pages_and_glossary(root: Path) -> None:
    (root / "book" / "home.md").write_text("# 首页\n\n[x](term:none)\n", encoding="utf-8")
    (root / "book" / "glossary.yml").write_text(
        "- {id: rfm, zh: RFM, en: RFM, definition: 三个数, chapter: 44-x}\n", encoding="utf-8"
    )
    first, second = told(root)
    assert first.startswith("book/glossary.yml:1: ")
    assert "44-x" in first
    assert second.startswith("book/home.md:3: ")
    assert "term:none" in second


def test_missing_glossary_is_told_once(root: Path) -> None:
    (root / "book" / "glossary.yml").unlink()
    (sentence,) = told(root)
    assert sentence.startswith("book/glossary.yml:1: 找不到")


def test_objective_that_nobody_exercises(root: Path) -> None:
    path = root / "course.yml"
    text = path.read_text(encoding="utf-8")
    objective = "  - id: CO6\n    title: 新目标\n    text: 能够做新的事\n    indicators: ['5.4']\n"
    path.write_text(text.replace("\nchapters:\n", f"\n{objective}\nchapters:\n", 1), encoding="utf-8")
    sentences = told(root)
    line = line_in(path, "- id: CO6")
    assert [s.startswith(f"course.yml:{line}: 课程目标 CO6 没有任何") for s in sentences] == [True] * 3


def test_catalogue_out_of_date(root: Path) -> None:
    for package in ("crmlab", "autograder", "course"):
        (root / package).mkdir()
    (root / "crmlab" / "x.py").write_text('_("新消息")\n', encoding="utf-8")
    (sentence,) = told(root)
    assert sentence.startswith("crmlab/locale/crm.pot:1: ")
    assert "course messages" in sentence


# --------------------------------------------------------------------------------------------------------- the command


def run(root: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env={"CRM_COURSE_ROOT": str(root), "COLUMNS": "80"})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_command_reports_every_track(root: Path) -> None:
    course: Course = load(root / "course.yml")
    code, output = run(root, "check")
    assert code == 0
    assert output.rstrip().endswith("检查通过，没有发现问题。")
    for track in course.tracks:
        assert f"{track.id}　{track.title}　{track.hours} 学时" in output
        for unit in track.units:
            assert unit.title in output
    for objective in course.objectives:
        assert f"{objective.id} {objective.title}" in output
    planned = course.planned_chapters()
    assert f"尚未写成的章：{len(planned)}" in output
    assert all(f"  {chapter.id}　{chapter.title}" in output for chapter in planned)


def test_report_fits_100_columns(root: Path) -> None:
    _code, output = run(root, "check")
    assert max(cell_len(line) for line in output.splitlines()) <= 100
    assert "…" not in output


def test_report_counts_what_is_written(root: Path) -> None:
    _code, output = run(root, "check")
    row = next(line for line in output.splitlines() if "管理客户信息" in line)
    assert "6/11" in row  # of the short sections of chapters 03 and 04, those of 04
    assert "2/2" in row or "2/" in row
    assert "a04" in row
    assert "a03（待写）" in row


def test_report_tells_where_each_ability_is_taught_exercised_and_assessed(root: Path) -> None:
    _code, output = run(root, "check")
    rows = [line for line in output.splitlines() if line.startswith("│ 写出满意度测评报告") or "IDIC" in line]
    assert [[cell.strip() for cell in row.strip("│").split("│")] for row in rows] == [
        ["说明 IDIC 模型", "01-9（待写）", "ex-01-2（待写）", "a01（待写）"],
        ["写出满意度测评报告", "07-13", "07 课堂", "a07-7"],
    ]


def test_command_fails_with_the_findings(root: Path) -> None:
    edit(root, CHAPTER, put("ex-04-1", execution_count=7))
    code, output = run(root, "check")
    assert code == 1
    assert "检查发现 1 处问题" in output
    assert any(line.startswith(f"{CHAPTER}:") for line in output.splitlines())


def test_command_with_a_wrong_course_yml(root: Path) -> None:
    path = root / "course.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("title:", "titel:", 1), encoding="utf-8")
    code, output = run(root, "check")
    assert code == 1
    assert f"course.yml:{line_in(path, 'titel:')}: 不认识的键 titel，是不是想写 title？请改正" in output
    assert "检查发现 1 处问题" in output
    path.unlink()
    code, output = run(root, "check")
    assert code == 1
    assert "找不到" in output


def test_strip_command_mends_what_check_finds(root: Path) -> None:
    edit(root, CHAPTER, put("ex-04-1", execution_count=7, outputs=[OUTPUT]))
    edit(root, ASSIGNMENT, put_meta("intro", collapsed=True))
    code, output = run(root, "strip")
    assert code == 0
    assert output.count("已整理") == 2
    assert told(root) == []
    assert run(root, "strip", str(root / CHAPTER)) == (0, "")
    code, output = run(root, "strip", str(root / "none.ipynb"))
    assert code == 1
    assert "none.ipynb" in output


def test_messages_command(root: Path) -> None:
    for package in ("crmlab", "autograder", "course"):
        (root / package).mkdir()
    (root / "crmlab" / "x.py").write_text('_("新消息")\n', encoding="utf-8")
    assert run(root, "messages") == (0, "已更新 crmlab/locale/crm.pot\n")
    assert run(root, "messages") == (0, "crmlab/locale/crm.pot 已是最新\n")
    assert told(root) == []


def test_the_real_tree() -> None:
    assert told(course_root()) == []
