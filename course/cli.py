"""The command ``course``. Each command is a thin function; what it needs is imported when it is called."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from course.desk import commands as desk
from course.exchange import commands as exchange
from course.operations import commands as operations
from course.people import commands as people
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

WIDTH = 100


class CourseGroup(TyperGroup):
    """Tells a :class:`CourseError` as one sentence and exits with 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            typer.echo(f"{error}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=CourseGroup,
    help=_("《客户关系管理实务》：检查、数据、成书、开班。"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def choose_section(
    section: Annotated[
        str | None, typer.Option(envvar="CRM_SECTION", help=_("教学班编号；不写就是第一个教学班 crm。"))
    ] = None,
) -> None:
    if section:
        os.environ["CRM_SECTION"] = section  # also for the programs that a command starts


# ------------------------------------------------------------------------------------------------ the description


@app.command(help=_("对照 course.yml 检查全部内容，按方案列出已教、已练、已考的和缺的。"))
def check() -> None:
    from rich.console import Console

    from course import check as checker

    console = Console()
    console = Console(width=min(WIDTH, console.width) if console.is_terminal else WIDTH)
    course, found = checker.findings(course_root())
    if course is not None:
        checker.report(course, console)
    typer.echo()
    for finding in found:
        typer.echo(str(finding))
    if found:
        typer.echo(_("检查发现 {count} 处问题。").format(count=len(found)))
        raise typer.Exit(1)
    typer.echo(_("检查通过，没有发现问题。"))


@app.command(help=_("去掉 notebook 的输出和多余信息，整理成入库的样子。"))
def strip(
    paths: Annotated[list[Path] | None, typer.Argument(help=_("notebook 文件；不写就是全部章和作业。"))] = None,
) -> None:
    from course import notebooks

    root = course_root()
    chosen = paths or sorted([*root.glob("chapters/*.ipynb"), *root.glob("assignments/*/*.ipynb")])
    for path in chosen:
        if not path.is_file():
            raise CourseError(_("找不到 notebook {path}，请检查文件名").format(path=path))
        if notebooks.strip(path):
            typer.echo(_("已整理 {path}").format(path=path))


@app.command(help=_("重写消息目录 crmlab/locale/crm.pot。"))
def messages() -> None:
    from course import messages as catalogue

    changed = catalogue.update(course_root())
    typer.echo((_("已更新 {file}") if changed else _("{file} 已是最新")).format(file=catalogue.CATALOGUE))


# -------------------------------------------------------------------------------------------------------- the data

data_app = typer.Typer(help=_("生成和检查数据集。"), no_args_is_help=True)
app.add_typer(data_app, name="data")

DatasetArgument = Annotated[list[str] | None, typer.Argument(help=_("数据集名称，例如 ecommerce；不写就是全部。"))]


@data_app.command("list", help=_("列出全部数据集：内容、大小、哪些章使用。"))
def list_data() -> None:
    from rich.console import Console

    from course import model
    from course.data import catalogue

    Console().print(catalogue(model.load()))


@data_app.command("build", help=_("重新生成数据集，每次逐字节相同。"))
def build_data(names: DatasetArgument = None) -> None:
    from course.data import build

    for name in _each(names, _("生成")):
        sizes = _("、").join(_("{table} {rows} 行").format(table=t, rows=n) for t, n in build(name).items())
        typer.echo(_("{name}：{sizes}").format(name=name, sizes=sizes))


@data_app.command("check", help=_("检查数据集是否完整、合乎约定。"))
def check_data(names: DatasetArgument = None) -> None:
    from course.data import validate

    sound = True
    for name in _each(names, _("检查")):
        problems = validate(name)
        for problem in problems:
            typer.echo(_("{name}：{problem}").format(name=name, problem=problem))
        if not problems:
            typer.echo(_("数据集 {name} 完好。").format(name=name))
        sound &= not problems
    if not sound:
        raise typer.Exit(1)


def _each(names: list[str] | None, doing: str) -> Iterator[str]:
    """The data sets by name, all if none is named, with a bar where someone watches."""
    from rich.console import Console
    from rich.progress import track

    from crmlab import generate

    wanted = names or list(generate.NAMES)
    yield from track(wanted, doing, console=Console(stderr=True), disable=len(wanted) < 2 or not sys.stderr.isatty())


# -------------------------------------------------------------------------------------------------------- the book


@app.command(help=_("把课程做成网站。"))
def book(
    track: Annotated[str | None, typer.Option(help=_("方案编号；不写就是默认方案。"))] = None,
    edition: Annotated[str, typer.Option(help=_("student 学生版，instructor 教师版。"))] = "student",
) -> None:
    from course.book.build import build_book

    build_book(track, edition=edition)


# ------------------------------------------------------------------------------------------------------- the class


@app.command("up", help=_("启动本机的课堂：成书、发布作业、开启 JupyterHub。"))
def start_class(
    students: Annotated[int, typer.Option(envvar="STUDENTS", help=_("还没有班级名单时，练习账号的人数。"))] = 3,
    port: Annotated[int, typer.Option(envvar="PORT", help=_("JupyterHub 的端口。"))] = 8000,
    trust_users: Annotated[
        bool, typer.Option("--trust-users", help=_("用户之间不隔离；只用于自己的电脑、彼此信任的人。"))
    ] = False,
) -> None:
    from course.hub.up import up

    up(students=students, port=port, trust_users=trust_users)


@app.command("release", help=_("生成学生版作业并发放。"))
def release_assignment(
    assignment: Annotated[str, typer.Argument(help=_("作业编号，例如 a04-segmentation。"))],
) -> None:
    from course.hub.release import release

    release(assignment)


# -------------------------------------------------------------------------------------------------------- grading

AssignmentArgument = Annotated[str, typer.Argument(help=_("作业编号，例如 a04-segmentation。"))]
StudentOption = Annotated[list[str] | None, typer.Option("--student", help=_("只评这位学生；可以写多次。"))]
WorkersOption = Annotated[int | None, typer.Option(min=1, help=_("同时评几份；不写就是本机的核数。"))]
SchedulerOption = Annotated[str | None, typer.Option(help=_("Dask 调度器地址，例如 tcp://10.0.0.5:8786。"))]
JsonOption = Annotated[bool, typer.Option("--json", help=_("输出 JSON，供其他程序读取。"))]
TrustOption = Annotated[
    bool, typer.Option("--trust-submissions", help=_("不隔离，直接运行学生的代码；只在完全信任全部提交时使用。"))
]


@app.command("collect", help=_("回收学生提交的作业。"))
def collect_submissions(assignment: AssignmentArgument) -> None:
    from course.hub.release import must_succeed, nbgrader_api

    must_succeed(nbgrader_api().collect(assignment), assignment, _("回收"))


@app.command("grade", help=_("评分：只评新交的和有变化的，成绩写入 nbgrader 的成绩册。"))
def grade_assignment(
    assignment: AssignmentArgument,
    student: StudentOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    force: Annotated[bool, typer.Option(help=_("没有变化的也重新评。"))] = False,
    explain: Annotated[str | None, typer.Option(metavar="ID", help=_("详细说明这位学生的评分。"))] = None,
    as_json: JsonOption = False,
    trust: TrustOption = False,
) -> None:
    from course import grading

    chosen = [explain] if explain else student
    summary = grading.grade(assignment, students=chosen, workers=workers, scheduler=scheduler, force=force, trust=trust)
    if as_json:
        typer.echo(grading.as_json(summary))
    elif explain and summary.records:
        _print(*grading.explain(summary.records[0]))
    else:
        _print(*grading.summary_tables(summary))
    if summary.failed:
        raise typer.Exit(1)


@app.command("regrade", help=_("全部重新评分，列出谁的分数变了；改正测试之后使用。"))
def regrade_assignment(
    assignment: AssignmentArgument,
    student: StudentOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    as_json: JsonOption = False,
    trust: TrustOption = False,
) -> None:
    from course import grading

    summary = grading.grade(assignment, students=student, workers=workers, scheduler=scheduler, force=True, trust=trust)
    if as_json:
        typer.echo(grading.as_json(summary))
    else:
        _print(grading.changes(summary), *grading.summary_tables(summary))
    if summary.failed:
        raise typer.Exit(1)


@app.command("feedback", help=_("生成反馈页并发回给学生。"))
def give_feedback(
    assignment: AssignmentArgument,
    student: StudentOption = None,
    release: Annotated[bool, typer.Option(help=_("生成后发回给学生。"))] = True,
) -> None:
    from course import grading

    students = grading.feedback(assignment, student, release=release)
    typer.echo(
        (_("已生成并发回 {count} 份反馈。") if release else _("已生成 {count} 份反馈，还没有发回。")).format(
            count=len(students)
        )
    )


@app.command("report", help=_("作业分析：每题的难度、区分度、常见误解、用时，以及相似的作业。"))
def report_on(
    assignment: AssignmentArgument,
    least: Annotated[float, typer.Option(min=0.1, max=1, help=_("相同部分占较短一份的多少，才列为相似。"))] = 0.6,
    as_json: JsonOption = False,
) -> None:
    from autograder import similar, statistics
    from course import reporting

    found, pairs, path = reporting.make(assignment, least)
    if as_json:
        typer.echo(reporting.as_json(found, pairs))
        return
    _print(*statistics.tables(found), similar.table(pairs))
    typer.echo(_("带图的页面：{path}").format(path=path))


def _print(*parts: Any) -> None:
    """Tables and sentences, as wide as the terminal."""
    from rich.console import Console

    console = Console()
    console = console if console.is_terminal else Console(width=WIDTH)
    for part in parts:
        console.print(part, highlight=False, markup=False)


for package in (people, exchange, desk, operations):
    package.add_to(app)


if __name__ == "__main__":
    app()
