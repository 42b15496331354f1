"""``course grade``, ``regrade``, ``feedback`` and what is told about them: the class's desk, handed to the grader."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from autograder import contract
from autograder.gradebook import Gradebook
from autograder.records import Record, TestRun
from autograder.runner import Backend, Desk, Summary, grade_class, handed_in
from autograder.store import Store
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root


def desk(classroom: Classroom) -> Desk:
    return Desk(classroom.course, classroom.records, classroom.db_url)


def instructors_copy(assignment: str) -> contract.Source:
    """The assignment as the grader reads it, links by id turned into addresses as in the release.

    Raises:
        CourseError: there is no such assignment, or its notebook can't be read.
    """
    folder = course_root() / "assignments" / assignment
    found = sorted(folder.glob("*.ipynb")) if assignment not in ("", ".", "..") else []
    if len(found) != 1:
        raise CourseError(
            _("作业 {name} 应当有一个 notebook，{folder} 里有 {count} 个；作业编号写对了吗？").format(
                name=assignment, folder=folder, count=len(found)
            )
        )
    try:
        document = json.loads(found[0].read_bytes())
    except ValueError as error:
        raise CourseError(_("{file} 不是完整的 notebook（{error}）。").format(file=found[0], error=error)) from None
    _rewrite_links(document)
    return contract.read(document, found[0].stem)


def _rewrite_links(document: dict[str, Any]) -> None:
    from course import links
    from course.hub.materials import BOOK_URL
    from course.model import load

    known = links.targets(load())
    for cell in document["cells"]:
        if cell["cell_type"] == "markdown":
            text = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            cell["source"] = links.rewrite(text, BOOK_URL, known)


# -------------------------------------------------------------------------------------------------------- grading


def grade(
    assignment: str,
    *,
    students: Sequence[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    force: bool = False,
    trust: bool = False,
    classroom: Classroom | None = None,
) -> Summary:
    """Grade the submissions of an assignment that are new or changed.

    Args:
        workers: submissions graded side by side on this machine; None for as many as it has cores.
        scheduler: address of a Dask scheduler whose workers grade instead; without ``workers``, what ``CRM_SCHEDULER``
            says is taken if None.
        trust: no walls.

    Raises:
        CourseError: unknown assignment or student, no submissions, no walls, gradebook out of reach.
    """
    classroom = classroom or Classroom.here()
    source = instructors_copy(assignment)
    place = desk(classroom)
    chosen = _chosen(place, assignment, students)
    ensure_in_gradebook(assignment, source, place)
    if workers is None:
        scheduler = scheduler or os.environ.get("CRM_SCHEDULER")
    with _backend(workers, scheduler, trust) as backend, _bar(_("评分")) as tick:
        tell(done=0, total=len(chosen))
        summary = grade_class(place, assignment, source, backend, chosen, force=force, progress=tick)
    kinds = {"graded": summary.graded, "entered": summary.entered, "unchanged": summary.unchanged}
    tell(
        counts={kind: len(records) for kind, records in kinds.items()},
        look={record.student: record.look for record in summary.look},
        failed=summary.failed,
    )
    return summary


def _chosen(place: Desk, assignment: str, students: Sequence[str] | None) -> Sequence[str]:
    """``students``, all of whom handed in; everybody who did if None."""
    known = handed_in(place, assignment)
    for student in students or ():
        if student not in known:
            raise CourseError(
                _("没有收到 {student} 的作业 {assignment}；请核对学号，或先回收作业。").format(
                    student=student, assignment=assignment
                )
            )
    return known if students is None else students


def ensure_in_gradebook(assignment: str, source: contract.Source, place: Desk) -> None:
    """See to it that the gradebook knows the assignment's cells and points as they stand now."""
    book = Gradebook(place.db_url, place.course)
    try:
        if book.knows(assignment, source):
            return
    finally:
        book.close()
    from course.hub.release import make_version

    make_version(assignment)


@contextmanager
def _backend(workers: int | None, scheduler: str | None, trust: bool) -> Iterator[Any]:
    if scheduler:
        from autograder.cluster import Cluster

        backend: Any = Cluster(scheduler)
    else:
        backend = Backend(workers or len(os.sched_getaffinity(0)), walls=not trust)
    try:
        yield backend
    finally:
        backend.close()


def tell(**facts: Any) -> None:
    """A line of JSON for the program that watches this one, in the file that ``CRM_PROGRESS`` names; nothing else."""
    if path := os.environ.get("CRM_PROGRESS"):
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(facts, ensure_ascii=False) + "\n")


@contextmanager
def _bar(doing: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar where someone watches, else a line now and then."""
    if os.environ.get("CRM_PROGRESS"):
        yield lambda student, done, total: tell(student=student, done=done, total=total)
        return
    console = Console(stderr=True)
    if not sys.stderr.isatty():

        def line(_student: str, done: int, total: int) -> None:
            if done == total or done % max(1, total // 10) == 0:
                print(
                    _("{doing} {done}/{total}").format(doing=doing, done=done, total=total), file=sys.stderr, flush=True
                )

        yield line
        return
    columns = (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[student]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(doing, total=None, student="")
        yield lambda student, done, total: progress.update(task, completed=done, total=total, student=student)


# --------------------------------------------------------------------------------------------------- what is told


def summary_tables(summary: Summary) -> Iterator[Table | str]:
    """The closing table, who needs a person, who failed and why."""
    table = Table(header_style="bold")
    for heading in (_("结果"), _("份数"), _("说明")):
        table.add_column(heading, justify="right" if heading == _("份数") else "left", overflow="fold")
    table.add_row(_("已评分"), str(len(summary.graded)), _marks_line(summary.graded))
    table.add_row(_("补写成绩"), str(len(summary.entered)), _("以前评过，成绩册里缺") if summary.entered else "")
    table.add_row(
        _("没有变化"), str(len(summary.unchanged)), _("提交、测试、数据和环境都没有变") if summary.unchanged else ""
    )
    table.add_row(_("需要人看"), str(len(summary.look)), _names([record.student for record in summary.look]))
    table.add_row(_("没有评成"), str(len(summary.failed)), _names(list(summary.failed)))
    yield table
    for record in summary.look:
        for reason in record.look:
            yield _("需要人看　{student}：{reason}").format(student=record.student, reason=reason)
    for student, reason in summary.failed.items():
        yield _("没有评成　{student}：{reason}").format(student=student, reason=reason)


def _marks_line(records: list[Record]) -> str:
    if not records:
        return ""
    scores = [record.score for record in records]
    return _("自动评分满分 {points:g}，平均 {mean:.1f}，最低 {low:g}，最高 {high:g}").format(
        points=records[0].points, mean=sum(scores) / len(scores), low=min(scores), high=max(scores)
    )


def _names(names: list[str], most: int = 6) -> str:
    shown = _("、").join(names[:most])
    return shown if len(names) <= most else _("{names} 等").format(names=shown)


def as_json(summary: Summary) -> str:
    """The outcome for other programs."""
    kinds = {"graded": summary.graded, "entered": summary.entered, "unchanged": summary.unchanged}
    outcome: dict[str, Any] = {kind: [_brief(record) for record in records] for kind, records in kinds.items()}
    outcome["failed"] = summary.failed
    return json.dumps(outcome, ensure_ascii=False, indent=1)


def _brief(record: Record) -> dict[str, Any]:
    brief = msgspec.to_builtins(record)
    del brief["document"]
    return {**brief, "score": record.score}


def explain(record: Record) -> Iterator[Table | str]:
    """What ran, what each test saw, time and memory; how it was graded before."""
    yield _("{student} · {assignment}　自动评分 {score:g}/{points:g}").format(
        student=record.student, assignment=record.assignment, score=record.score, points=record.points
    )
    yield _(
        "提交于 {submitted}，评分于 {graded}；用时 {seconds:.1f} 秒，CPU {cpu:.1f} 秒，内存 {memory:.0f} MiB"
    ).format(
        submitted=record.submitted or _("（无时间）"),
        graded=record.graded,
        seconds=record.seconds,
        cpu=record.cpu_seconds,
        memory=record.memory_mib,
    )
    for sentence in [*record.findings, *record.look]:
        yield f"• {sentence}"
    cells = Table(_("学生的单元格"), _("状态"), _("秒"), _("说明"), header_style="bold")
    for cell in record.cells:
        cells.add_row(cell.cell, _STATUS[cell.status](), f"{cell.seconds:.2f}", cell.note)
    yield cells
    tests = Table(_("测试"), _("得分"), _("秒"), _("收到的答案"), _("学生读到的"), header_style="bold")
    for test in record.tests:
        answers = "\n".join(f"{name}：{what}" for name, what in test.answers.items())
        tests.add_row(test.cell, f"{test.score:g}/{test.points:g}", f"{test.seconds:.2f}", answers, _told(test))
    yield tests
    for old in Store(Classroom.here().records).history(record.assignment, record.student):
        if old.made_from != record.made_from:
            yield _("另有一份记录：{graded} 评得 {score:g} 分").format(graded=old.graded, score=old.score)


_STATUS: dict[str, Callable[[], str]] = {
    "ok": lambda: _("正常"),
    "error": lambda: _("报错"),
    "timeout": lambda: _("超时"),
    "died": lambda: _("退出"),
    "not run": lambda: _("没有运行"),
}


def _told(test: TestRun) -> str:
    lines = [test.told.strip()]
    if test.fault:
        lines.append(_("测试本身出错：{fault}").format(fault=test.fault))
    return "\n".join(line for line in lines if line)


# ------------------------------------------------------------------------------------------------------- regrading


def changes(summary: Summary) -> Table:
    """What regrading changed: student, old and new score, tasks that differ."""
    table = Table(_("学生"), _("原来"), _("现在"), _("变化的题"), header_style="bold")
    for record in summary.graded:
        before = {cell: score or 0.0 for cell, score in summary.before.get(record.student, {}).items()}
        if not before:
            table.add_row(record.student, "-", f"{record.score:g}", _("第一次评分"))
            continue
        differ = [(t.cell, before.get(t.cell, 0.0), t.score) for t in record.tests if before.get(t.cell) != t.score]
        if differ:
            old = sum(before.get(test.cell, 0.0) for test in record.tests)
            tasks = "\n".join(f"{cell} {was:g} → {score:g}" for cell, was, score in differ)
            table.add_row(record.student, f"{old:g}", f"{record.score:g}", tasks)
    return table


# -------------------------------------------------------------------------------------------------------- feedback


def feedback(assignment: str, students: Sequence[str] | None = None, *, release: bool = True) -> list[str]:
    """Write the feedback pages of what is graded and, unless told otherwise, hand them back.

    Returns the students.

    Raises:
        CourseError: nothing is graded, or nbgrader can't write a page.
    """
    from course.hub.release import must_succeed, nbgrader_api

    place = desk(Classroom.here())
    graded = sorted(path.parent.name for path in (place.course / "autograded").glob(f"*/{assignment}"))
    chosen = [student for student in graded if students is None or student in students]
    missing = sorted(set(students or ()) - set(graded))
    if missing or not chosen:
        raise CourseError(
            _("作业 {name} 还没有评分：{who}；请先运行 course grade {name}。").format(
                name=assignment, who=_names(missing) or _("全体学生")
            )
        )
    api = nbgrader_api()
    with _bar(_("反馈")) as tick:
        for number, student in enumerate(chosen, start=1):
            must_succeed(api.generate_feedback(assignment, student, force=True), assignment, _("生成反馈"))
            if release:
                must_succeed(api.release_feedback(assignment, student), assignment, _("发回反馈"))
            tick(student, number, len(chosen))
    return chosen
