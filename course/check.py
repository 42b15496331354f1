"""``course check``: everything that exists, held against ``course.yml``.

:func:`findings` returns what is wrong, each with file, line and remedy; :func:`report` prints, per track, what is
taught, exercised and assessed, and which chapters are still to be written.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from autograder import contract, linter
from autograder.contract import HIDDEN_BEGIN, HIDDEN_END
from autograder.files import digest
from course import data, links, messages, notebooks
from course.model import (
    Assignment,
    Chapter,
    Course,
    CourseFileError,
    Exercise,
    Finding,
    Lines,
    Objective,
    Section,
    Task,
    Track,
    load_with_lines,
)
from course.notebooks import INSTRUCTOR, Cell, Notebook
from crmlab.errors import CourseError
from crmlab.i18n import _

CODE_LINES = 15
QUIZ_ITEMS = 6
ABSOLUTE = re.compile(
    r"""(?<![\w.:/~-])/(?:home|Users|root|tmp|var|mnt|opt|etc|srv|usr|work|workspace|content|data)/[^\s"'`)]*"""
    r"""|\b[A-Za-z]:\\[^\s"'`)]*|file://[^\s"'`)]*"""
)


@dataclass(frozen=True)
class Context:
    """What every check needs: the course, where its entries stand, the tree, the targets of links."""

    root: Path
    course: Course
    lines: Lines
    targets: links.Targets

    def entry(self, part_id: str, message: str) -> Finding:
        """A finding at the entry with this id in ``course.yml``."""
        return Finding(self.lines.file, self.lines.of(part_id), message)


def findings(root: Path) -> tuple[Course | None, list[Finding]]:
    """The course (``None`` when ``course.yml`` itself is wrong) and everything that is wrong in the tree."""
    try:
        course, lines = load_with_lines(root / "course.yml")
    except CourseFileError as error:
        return None, list(error.findings)
    targets, found = _targets(root, course)
    context = Context(root, course, lines, targets)
    for check in (_coverage, _chapters, _assignments, _datasets, _pages, _orphans, _catalogue):
        found.extend(check(context))
    return course, sorted(set(found))


def _targets(root: Path, course: Course) -> tuple[links.Targets, list[Finding]]:
    """What links may point at; a glossary or bibliography that can't be read counts as empty and is told once."""
    found: list[Finding] = []
    glossary: dict[str, links.Term] = {}
    references: Iterable[str] = ()
    chapters = frozenset(chapter.id for chapter in course.chapters)
    try:
        glossary, lines = links.load_glossary_with_lines(root / links.GLOSSARY)
        found.extend(_glossary(glossary, lines, chapters))
    except CourseFileError as error:
        found.extend(error.findings)
    except ValueError as error:
        found.append(Finding(links.GLOSSARY, 1, str(error)))
    try:
        references = links.load_references(root / links.REFERENCES)
    except CourseFileError as error:
        found.extend(error.findings)
    except ValueError as error:
        found.append(Finding(links.REFERENCES, 1, str(error)))
    return links.Targets(glossary, frozenset(references), chapters, frozenset()), found


def _glossary(glossary: dict[str, links.Term], lines: Lines, chapters: frozenset[str]) -> Iterator[Finding]:
    for term in glossary.values():
        if term.chapter is not None and term.chapter not in chapters:
            message = _("术语 {term} 的 chapter {chapter} 不在 course.yml 里，请改为已有的章").format(
                term=term.id, chapter=term.chapter
            )
            yield Finding(links.GLOSSARY, lines.of(term.id), message)


# ----------------------------------------------------------------------------------------------- the whole course


def _coverage(context: Context) -> Iterator[Finding]:
    """Each objective is taught, exercised and assessed somewhere."""
    course = context.course
    for objective in course.objectives:
        taught = (section.objectives for chapter in course.chapters for section in chapter.sections)
        exercised = (exercise.objectives for chapter in course.chapters for exercise in chapter.exercises)
        for what, served in ((_("节"), taught), (_("练习"), exercised), (_("任务"), _assessed(course))):
            if not any(objective.id in names for names in served):
                message = _("课程目标 {objective} 没有任何{what}，请在 course.yml 里安排").format(
                    objective=objective.id, what=what
                )
                yield context.entry(objective.id, message)


def _assessed(course: Course) -> Iterator[Sequence[str]]:
    """Objectives of tasks, and of assignments still to be written."""
    for assignment in course.assignments:
        if not assignment.tasks:
            yield assignment.objectives
        for task in assignment.tasks:
            yield task.objectives


def _orphans(context: Context) -> Iterator[Finding]:
    """Notebooks, quizzes, assignments and data sets that ``course.yml`` doesn't know, or calls planned."""
    chapters = {chapter.id: chapter for chapter in context.course.chapters}
    folder = context.root / "chapters"
    for path in sorted([*folder.glob("*.ipynb"), *folder.glob("*.quiz.toml")]):
        name = path.name.removesuffix(".ipynb").removesuffix(".quiz.toml")
        yield from _declared(context, path, chapters.get(name))
    assignments = {assignment.id: assignment for assignment in context.course.assignments}
    for path in _folders(context.root / "assignments"):
        yield from _declared(context, path, assignments.get(path.name))
    datasets = {name for chapter in context.course.chapters for name in chapter.datasets}
    for path in _folders(context.root / "datasets"):
        if path.name not in datasets:
            message = _("没有一章使用这个数据集，请写进某章的 datasets 或删去")
            yield Finding(_relative(context, path), 1, message)


def _declared(context: Context, path: Path, entry: Chapter | Assignment | None) -> Iterator[Finding]:
    if entry is None:
        message = _("course.yml 里没有它，请写进 course.yml、改名或删去")
        yield Finding(_relative(context, path), 1, message)
    elif not entry.written:
        message = _("course.yml 第 {line} 行把它标为 planned（待写），文件却在，请把 status 改为 written").format(
            line=context.lines.of(entry.id)
        )
        yield Finding(_relative(context, path), 1, message)


def _folders(parent: Path) -> list[Path]:
    return sorted(p for p in parent.glob("*") if p.is_dir() and not p.name.startswith((".", "_")))


def _relative(context: Context, path: Path) -> str:
    return path.relative_to(context.root).as_posix()


def _catalogue(context: Context) -> Iterator[Finding]:
    if (context.root / "crmlab").is_dir() and not messages.is_current(context.root):
        yield Finding(messages.CATALOGUE, 1, _("与源代码里的消息不一致，请运行 course messages"))


def _pages(context: Context) -> Iterator[Finding]:
    """Links of the book's own pages."""
    for path in sorted((context.root / "book").rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        for link in links.find(text):
            if not context.targets.knows(link):
                line = text.count("\n", 0, link.start) + 1
                yield Finding(_relative(context, path), line, links.unknown_sentence(link))


# ------------------------------------------------------------------------------------------------------- chapters


def _chapters(context: Context) -> Iterator[Finding]:
    for chapter in context.course.chapters:
        if not chapter.written:
            continue
        path = context.root / "chapters" / f"{chapter.id}.ipynb"
        if not path.is_file():
            message = _("{chapter} 标为 written，却没有 {file}，请写出它或改回 planned").format(
                chapter=chapter.id, file=_relative(context, path)
            )
            yield context.entry(chapter.id, message)
            continue
        yield from _quiz_file(context, chapter)
        try:
            notebook = notebooks.read(path, _relative(context, path))
        except CourseFileError as error:
            yield from error.findings
            continue
        yield from _notebook(context, notebook)
        for check in (_title, _sections, _exercises, _quiz_cell, _teachers_cells, _length):
            yield from check(notebook, chapter)


def _notebook(context: Context, notebook: Notebook) -> Iterator[Finding]:
    """What holds for every notebook: its form, no absolute path, links that lead somewhere."""
    yield from notebooks.form_findings(notebook)
    for cell in notebook.cells:
        for match in ABSOLUTE.finditer(cell.source):
            message = _("单元格 {cell} 写了绝对路径 {path}，换一台机器就找不到，请改用 crmlab 的函数或相对路径").format(
                cell=cell.name, path=match[0]
            )
            yield notebook.finding(cell, message, match[0])
        for link in links.find(cell.source) if cell.kind == "markdown" else ():
            if not context.targets.knows(link):
                yield notebook.finding(cell, links.unknown_sentence(link), link.written)


def _title(notebook: Notebook, chapter: Chapter) -> Iterator[Finding]:
    first = notebook.cells[0] if notebook.cells else None
    heading = _heading(first) if first is not None and first.kind == "markdown" else None
    if heading is None or chapter.title not in heading:
        message = _("第一个单元格应当是标题“{title}”，请把标题单元格移到最前").format(title=chapter.title)
        yield notebook.finding(first, message) if first else Finding(notebook.file, 1, message)


def _heading(cell: Cell) -> str | None:
    """The text of the heading that a markdown cell begins with."""
    match = re.match(r"\s*#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*(?:\n|$)", cell.source)
    return match[1] if match else None


def _tagged(notebook: Notebook, prefix: str) -> list[tuple[str, Cell]]:
    """(id, cell) of each tag of this family, in order: ``sec-04-1`` gives ``04-1``, ``ex-04-1`` stays."""
    found = []
    for cell in notebook.cells:
        for tag in cell.tags:
            if re.match(rf"{prefix}-\d", tag):
                found.append((tag.removeprefix("sec-"), cell))
    return found


def _sections(notebook: Notebook, chapter: Chapter) -> Iterator[Finding]:
    """One heading for each section, with its title, in the order of ``course.yml``."""
    marked = _tagged(notebook, "sec")
    known = {section.id: section for section in chapter.sections}
    yield from _once(notebook, chapter, [section.id for section in chapter.sections], marked, "sec-")
    for name, cell in marked:
        section = known.get(name)
        if section and (cell.kind != "markdown" or _heading(cell) != section.title):
            message = _("节 {id} 的标题应当是“{title}”，这里是“{found}”，请与 course.yml 统一").format(
                id=name, title=section.title, found=_heading(cell) or _("（没有标题）")
            )
            yield notebook.finding(cell, message)
    order = [name for name, _cell in marked if name in known]
    wanted = sorted(order, key=list(known).index)
    for (name, cell), expected in zip([m for m in marked if m[0] in known], wanted, strict=True):
        if name != expected:
            message = _("节 {id} 的位置不对，这里应当是 {expected}，请按 course.yml 的顺序排").format(
                id=name, expected=expected
            )
            yield notebook.finding(cell, message)
            return


def _once(
    notebook: Notebook, chapter: Chapter, wanted: Sequence[str], marked: Sequence[tuple[str, Cell]], prefix: str
) -> Iterator[Finding]:
    """Each wanted id is carried by one cell, and no cell carries another."""
    counts = Counter(name for name, _cell in marked)
    for name in wanted:
        if not counts[name]:
            message = _("{chapter} 缺少带标签 {tag} 的单元格，请补上它或从 course.yml 删去").format(
                chapter=chapter.id, tag=prefix + name
            )
            yield Finding(notebook.file, 1, message)
    seen: set[str] = set()
    for name, cell in marked:
        if name not in wanted:
            message = _("标签 {tag} 在 course.yml 的 {chapter} 里没有，请改标签或写进 course.yml").format(
                tag=prefix + name, chapter=chapter.id
            )
            yield notebook.finding(cell, message)
        elif name in seen:
            yield notebook.finding(cell, _("标签 {tag} 用了两次，请只留一处").format(tag=prefix + name))
        seen.add(name)


def _exercises(notebook: Notebook, chapter: Chapter) -> Iterator[Finding]:
    """One code cell for each exercise, inside one of its sections."""
    marked = _tagged(notebook, "ex")
    known: dict[str, Exercise] = {exercise.id: exercise for exercise in chapter.exercises}
    yield from _once(notebook, chapter, list(known), marked, "")
    starts = [(cell.index, name) for name, cell in _tagged(notebook, "sec")]
    for name, cell in marked:
        if cell.kind != "code":
            yield notebook.finding(cell, _("练习 {id} 应当是代码单元格，请把标签移到显示它的代码上").format(id=name))
        home = max((start for start in starts if start[0] < cell.index), default=(0, ""))[1]
        if name in known and home not in known[name].sections:
            message = _("练习 {id} 属于节 {sections}，这里却在 {home}，请移动它或改 course.yml").format(
                id=name, sections=_("、").join(known[name].sections), home=home or _("第一节之前")
            )
            yield notebook.finding(cell, message)


def _quiz_cell(notebook: Notebook, chapter: Chapter) -> Iterator[Finding]:
    cells = [cell for cell in notebook.cells if "quiz" in cell.tags]
    if not cells:
        message = _("{chapter} 没有带标签 quiz 的单元格，请加上自测").format(chapter=chapter.id)
        yield Finding(notebook.file, 1, message)
    for cell in cells:
        if cell.kind != "code":
            yield notebook.finding(cell, _("标签 quiz 应当在显示自测的代码单元格上，请移动它"))


def _quiz_file(context: Context, chapter: Chapter) -> Iterator[Finding]:
    path = context.root / "chapters" / f"{chapter.id}.quiz.toml"
    file = _relative(context, path)
    if not path.is_file():
        message = _("{chapter} 没有自测题 {file}，请写出至少 {least} 题").format(
            chapter=chapter.id, file=file, least=QUIZ_ITEMS
        )
        yield context.entry(chapter.id, message)
        return
    try:
        text = path.read_text(encoding="utf-8")
        quiz = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))  # without one it is the end of the file
        yield Finding(
            file, int(line[1]) if line else max(1, len(text.splitlines())), _("不是有效的 TOML，请检查引号和方括号")
        )
        return
    items = len(quiz.get("items", []))
    if items < QUIZ_ITEMS:
        message = _("只有 {items} 题，请补到至少 {least} 题").format(items=items, least=QUIZ_ITEMS)
        yield Finding(file, 1, message)


def _teachers_cells(notebook: Notebook, chapter: Chapter) -> Iterator[Finding]:
    if not any(INSTRUCTOR in cell.tags for cell in notebook.cells):
        message = _("{chapter} 没有带标签 instructor 的教师单元格，请写讨论要点、板书和常见错误").format(
            chapter=chapter.id
        )
        yield Finding(notebook.file, 1, message)


def _length(notebook: Notebook, _chapter: Chapter) -> Iterator[Finding]:
    """One idea a cell: short code, but for plumbing that readers don't see."""
    for cell in notebook.cells:
        if cell.kind != "code" or "hide-input" in cell.tags:
            continue
        lines = sum(1 for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#"))
        if lines > CODE_LINES:
            message = _("单元格 {cell} 有 {lines} 行代码，超过 {most} 行，请拆开或移进 crmlab").format(
                cell=cell.name, lines=lines, most=CODE_LINES
            )
            yield notebook.finding(cell, message)


# ---------------------------------------------------------------------------------------------------- assignments


def _assignments(context: Context) -> Iterator[Finding]:
    for assignment in context.course.assignments:
        if not assignment.written:
            continue
        folder = context.root / "assignments" / assignment.id
        paths = sorted(folder.glob("*.ipynb"))
        if not paths:
            message = _(
                "作业 {name} 标为 written（已写成），{folder} 里却没有 notebook，请写出它或改回 planned"
            ).format(name=assignment.id, folder=_relative(context, folder))
            yield context.entry(assignment.id, message)
            continue
        try:
            sources = [notebooks.read(path, _relative(context, path)) for path in paths]
        except CourseFileError as error:
            yield from error.findings
            continue
        for notebook in sources:
            yield from _notebook(context, notebook)
            yield from _grade_ids(notebook)
            yield from _tests(notebook)
        yield from _graded(context, assignment, sources)


def _grade_ids(notebook: Notebook) -> Iterator[Finding]:
    """nbgrader's ids are unique, its hidden regions closed, its points numbers."""
    seen: set[str] = set()
    for cell in notebook.cells:
        begun, ended = cell.source.count(HIDDEN_BEGIN), cell.source.count(HIDDEN_END)
        if begun != ended:
            message = _("单元格 {cell} 的隐藏测试没有成对的 BEGIN 与 END，请补全").format(cell=cell.name)
            yield notebook.finding(cell, message, HIDDEN_BEGIN)
        grade_id = cell.nbgrader.get("grade_id")
        if grade_id is None:
            continue
        if grade_id in seen:
            yield notebook.finding(cell, _("grade_id {id} 重复，请换一个").format(id=grade_id), grade_id)
        seen.add(grade_id)


def _tests(notebook: Notebook) -> Iterator[Finding]:
    """Tests reach only for what crosses from the student's process to theirs."""
    try:
        flaws = linter.lint(contract.read(notebook.data, Path(notebook.file).stem))
    except CourseError as error:
        yield Finding(notebook.file, 1, str(error))
        return
    cells = {str(cell.nbgrader.get("grade_id") or cell.id): cell for cell in notebook.cells}
    for flaw in flaws:
        cell = cells[flaw.cell]
        message = _("单元格 {cell} 第 {line} 行：{flaw}").format(cell=cell.name, line=flaw.line, flaw=flaw.message)
        yield notebook.finding(cell, message, "".join(cell.source.splitlines()[flaw.line - 1 : flaw.line]) or None)


def _graded(context: Context, assignment: Assignment, sources: Sequence[Notebook]) -> Iterator[Finding]:
    """Graded cells and tasks of ``course.yml`` agree: ids, points, objectives, way of grading."""
    cells = [(notebook, cell) for notebook in sources for cell in notebook.cells if cell.nbgrader.get("grade")]
    by_task: dict[str, list[tuple[Notebook, Cell]]] = {task.id: [] for task in assignment.tasks}
    for notebook, cell in cells:
        grade_id = str(cell.nbgrader.get("grade_id"))
        task_id = "-".join(grade_id.split("-")[:2])
        if task_id not in by_task or not grade_id.startswith(f"{task_id}-"):
            message = _("评分单元格 {id} 不属于 course.yml 的任何任务，请以任务编号开头，例如 {example}").format(
                id=grade_id, example=f"{assignment.tasks[0].id}-test"
            )
            yield notebook.finding(cell, message, grade_id)
            continue
        by_task[task_id].append((notebook, cell))
    for task in assignment.tasks:
        yield from _task(context, task, by_task[task.id], sources)


def _task(
    context: Context, task: Task, cells: Sequence[tuple[Notebook, Cell]], sources: Sequence[Notebook]
) -> Iterator[Finding]:
    if not cells:
        message = _("任务 {task} 没有评分单元格，请加上 grade_id 以 {task}- 开头的单元格").format(task=task.id)
        yield context.entry(task.id, message)
        return
    for notebook, cell in cells:
        yield from _graded_cell(notebook, cell, task)
    points = [cell.nbgrader.get("points") for _notebook, cell in cells]
    total = sum(value for value in points if isinstance(value, int | float))
    if total != task.points:
        notebook, cell = cells[0]
        message = _(
            "任务 {task} 的评分单元格共 {total:g} 分，course.yml 第 {line} 行写的是 {points} 分，请统一"
        ).format(task=task.id, total=total, line=context.lines.of(task.id), points=task.points)
        yield notebook.finding(cell, message, cell.nbgrader["grade_id"])
    yield from (_auto if task.grading == "auto" else _rubric)(task, cells, sources)


def _graded_cell(notebook: Notebook, cell: Cell, task: Task) -> Iterator[Finding]:
    grade_id = cell.nbgrader["grade_id"]
    points = cell.nbgrader.get("points")
    if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
        message = _("评分单元格 {id} 没有分值，请在 nbgrader 元数据里写 points").format(id=grade_id)
        yield notebook.finding(cell, message, grade_id)
    crm = cell.metadata.get("crm")
    objectives = crm.get("objectives") if isinstance(crm, dict) else None
    if objectives is None:
        message = _("评分单元格 {id} 没有课程目标，请在元数据里写 crm: {wanted}").format(
            id=grade_id, wanted=json.dumps({"objectives": list(task.objectives)})
        )
        yield notebook.finding(cell, message, grade_id)
    elif objectives != list(task.objectives):
        message = _("评分单元格 {id} 的课程目标是 {found}，course.yml 写的是 {wanted}，请统一").format(
            id=grade_id, found=json.dumps(objectives), wanted=json.dumps(list(task.objectives))
        )
        yield notebook.finding(cell, message, grade_id)


def _auto(task: Task, cells: Sequence[tuple[Notebook, Cell]], _sources: Sequence[Notebook]) -> Iterator[Finding]:
    """Graded by tests, some of them hidden."""
    notebook, first = cells[0]
    for notebook, cell in cells:
        if cell.kind != "code" or cell.nbgrader.get("solution") or cell.nbgrader.get("task"):
            message = _("任务 {task} 是自动评分，单元格 {id} 却要人工评分，请统一").format(
                task=task.id, id=cell.nbgrader["grade_id"]
            )
            yield notebook.finding(cell, message)
    if not any(HIDDEN_BEGIN in cell.source for _notebook, cell in cells):
        message = _("任务 {task} 没有隐藏测试，请在 {begin} 与 {end} 之间写上").format(
            task=task.id, begin=HIDDEN_BEGIN, end=HIDDEN_END
        )
        yield notebook.finding(first, message)


def _rubric(task: Task, cells: Sequence[tuple[Notebook, Cell]], sources: Sequence[Notebook]) -> Iterator[Finding]:
    """Graded by a person, who finds a marking guide in the teachers' layer."""
    notebook, first = cells[0]
    if not any(cell.nbgrader.get("solution") or cell.nbgrader.get("task") for _notebook, cell in cells):
        message = _("任务 {task} 由教师评分，请把它的单元格设为人工评分（grade 与 solution 都为 true）").format(
            task=task.id
        )
        yield notebook.finding(first, message)
    guides = (c for source in sources for c in source.cells if INSTRUCTOR in c.tags)
    if not any((guide.id or "").startswith(f"{task.id}-") for guide in guides):
        message = _("任务 {task} 没有评分指南，请加一个标签为 instructor、id 以 {task}- 开头的单元格").format(
            task=task.id
        )
        yield notebook.finding(first, message)


# ------------------------------------------------------------------------------------------------------- data sets


def _datasets(context: Context) -> Iterator[Finding]:
    """Data sets that chapters use, written or planned, and those that exist: described, whole, with their cards."""
    users = {name: chapter for chapter in context.course.chapters for name in chapter.datasets}
    present = {path.name for path in _folders(context.root / "datasets")}
    for name in sorted(users.keys() | present):
        folder = context.root / "datasets" / name
        package = folder / "datapackage.json"
        file = _relative(context, package)
        if not package.is_file():
            message = _("数据集 {name} 没有 {file}，请运行 course data build {name}").format(name=name, file=file)
            yield context.entry(users[name].id, message) if name in users else Finding(file, 1, message)
            continue
        text = package.read_text(encoding="utf-8")
        try:
            described = json.loads(text)
            faults = data.faults_of_description(described)
        except (ValueError, TypeError):
            faults = [_("不是完整的 datapackage.json，请从版本库恢复")]
        if faults:
            yield from (Finding(file, 1, fault) for fault in faults)
            continue
        yield from _files(context, folder, described["resources"], text)
        yield from _card(context, folder, described)


def _files(context: Context, folder: Path, resources: list[dict[str, Any]], text: str) -> Iterator[Finding]:
    for resource in resources:
        path = folder / resource["path"]
        file = _relative(context, path)
        if not path.is_file():
            line = text.count("\n", 0, text.find(f'"{path.name}"')) + 1
            message = _("列出的 {resource} 不存在，请运行 course data build {name}").format(
                resource=path.name, name=folder.name
            )
            yield Finding(_relative(context, folder / "datapackage.json"), line, message)
        elif path.stat().st_size != resource["bytes"]:
            message = _("有 {found} 字节，datapackage.json 记的是 {size}，文件不完整，请运行 course data build {name}")
            yield Finding(file, 1, message.format(found=path.stat().st_size, size=resource["bytes"], name=folder.name))
        elif resource["hash"] != f"sha256:{digest(path.read_bytes())}":
            message = _("内容与 datapackage.json 的校验值不符，文件被改动过，请运行 course data build {name}")
            yield Finding(file, 1, message.format(name=folder.name))
    declared = {resource["path"] for resource in resources}
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")]):
        if path.name not in declared:
            message = _("datapackage.json 里没有这个文件，请列入或删去")
            yield Finding(_relative(context, path), 1, message)


def _card(context: Context, folder: Path, described: dict[str, Any]) -> Iterator[Finding]:
    """The data card is there, and its tables are those of the schema."""
    path = folder / "README.md"
    try:
        current = data.card(path, described)
    except CourseError as error:
        yield Finding(_relative(context, path), 1, str(error))
        return
    if path.read_text(encoding="utf-8") != current:
        message = _("数据卡里的表与 datapackage.json 不一致，请运行 course data build {name}")
        yield Finding(_relative(context, path), 1, message.format(name=folder.name))


# --------------------------------------------------------------------------------------------------------- report


def report(course: Course, console: Console) -> None:
    """Print, per track, what is taught, exercised and assessed; then the chapters still to be written."""
    for track in course.tracks:
        title = _("{id}　{title}　{hours} 学时").format(id=track.id, title=track.title, hours=track.hours)
        console.print()
        console.print(title, style="bold")
        console.print(_units_table(course, track))
        console.print(_objectives_table(course, track))
    for objective in course.objectives:
        if objective.abilities:
            console.print()
            console.print(
                _("{id}　{title}：每项能力落实在哪里").format(id=objective.id, title=objective.title), style="bold"
            )
            console.print(_abilities_table(course, objective))
    planned = course.planned_chapters()
    console.print()
    console.print(_("尚未写成的章：{count}").format(count=len(planned)), style="bold")
    for chapter in planned:
        console.print(f"  {chapter.id}　{chapter.title}", highlight=False)


def _table(*headings: str) -> Table:
    """A table whose first column is text and whose others are short; nothing is ever cut off."""
    table = Table(header_style="bold", expand=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", justify="left" if place == 0 else "right", no_wrap=False)
    return table


def _units_table(course: Course, track: Track) -> Table:
    table = _table(_("单元"), _("学时"), _("章"), _("节 已写/计划"), _("练习"), _("任务"), _("作业"))
    for number, unit in enumerate(track.units, start=1):
        sections = course.unit_sections(track, unit)
        assignments = course.assignments_for(track, unit)
        table.add_row(
            f"{number} {unit.title}",
            str(unit.hours),
            ", ".join(dict.fromkeys(course.chapter_of(section.id).number for section in sections)),
            _of(course, sections),
            _of(course, course.exercises_in(sections)),
            str(sum(len(a.tasks) for a in assignments if a.written)),
            ", ".join(_short(a) for a in assignments) or "-",
        )
    if track.contingency:
        table.add_row(_("机动"), str(track.contingency), "-", "-", "-", "-", "-")
    sections = course.sections_of(track)
    table.add_section()
    table.add_row(
        _("合计"),
        str(track.hours),
        str(len(course.chapters_of(track))),
        _of(course, sections),
        _of(course, course.exercises_of(track)),
        str(sum(len(a.tasks) for a in course.assignments_of(track) if a.written)),
        str(len(track.assignments)),
    )
    return table


def _short(assignment: Assignment) -> str:
    number = assignment.id.partition("-")[0]
    return number if assignment.written else _("{number}（待写）").format(number=number)


def _of(course: Course, parts: Iterable[Section | Exercise]) -> str:
    """``written/declared``"""
    written = [course.chapter_of(part.id).written for part in parts]
    return f"{sum(written)}/{len(written)}"


def _objectives_table(course: Course, track: Track) -> Table:
    table = _table(_("课程目标"), _("节 已写/计划"), _("练习"), _("任务"), _("待写作业"), _("分值"))
    for objective in course.objectives:
        sections = [section for section in course.sections_of(track) if objective.id in section.objectives]
        exercises = [exercise for exercise in course.exercises_of(track) if objective.id in exercise.objectives]
        tasks, planned = _assessments(course, track, objective)
        table.add_row(
            f"{objective.id} {objective.title}",
            _of(course, sections),
            _of(course, exercises),
            str(len(tasks)),
            str(planned),
            str(sum(task.points for task in tasks)),
        )
    return table


def _assessments(course: Course, track: Track, objective: Objective) -> tuple[list[Task], int]:
    """Written tasks that serve an objective, and how many planned assignments are to serve it."""
    assignments = course.assignments_of(track)
    tasks = [t for a in assignments if a.written for t in a.tasks if objective.id in t.objectives]
    return tasks, sum(1 for a in assignments if not a.written and objective.id in a.objectives)


def _abilities_table(course: Course, objective: Objective) -> Table:
    """Where each ability is taught, exercised and assessed; in brackets what is not written yet."""
    table = _table(_("能力"), _("教"), _("练"), _("考"))
    for ability in objective.abilities:
        places = (ability.taught, ability.exercised, ability.assessed)
        table.add_row(ability.text, *(", ".join(_place(course, name) for name in names) for names in places))
    return table


def _place(course: Course, name: str) -> str:
    """The id of a section, exercise or task; of a chapter, its group task in class."""
    assignment = next((a for a in course.assignments if name == a.id or name in {task.id for task in a.tasks}), None)
    if assignment is not None:
        return name if assignment.written else _("{number}（待写）").format(number=name.partition("-")[0])
    chapters = {chapter.id: chapter for chapter in course.chapters}
    shown = _("{number} 课堂").format(number=name[:2]) if name in chapters else name
    written = (chapters.get(name) or course.chapter_of(name)).written
    return shown if written else _("{number}（待写）").format(number=shown)
