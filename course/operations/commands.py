"""``course backup``, ``restore``, ``health``, ``upgrade``. What they need is imported when they are called."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from crmlab.i18n import _

if TYPE_CHECKING:
    from course.operations.archive import Manifest
    from course.operations.health import Check

MOST_TOLD = 20
EXIT = {"ok": 0, "warning": 1, "error": 2}


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("backup", help=_("备份整个班：作业、成绩册、提交、账号，合成一个文件；上课时也可以做。"))(back_up)
    app.command("restore", help=_("从备份恢复整个班；现有的班级文件夹会移到旁边，不会覆盖。"))(restore_class)
    app.command("health", help=_("看看班级运行得怎样、要做什么；退出码 0 正常，1 注意，2 出错。"))(show_health)
    app.command("upgrade", help=_("更新课程之后运行：先备份，再把班级转到新版本；学生写的东西不变。"))(upgrade_class)


def back_up(
    target: Annotated[
        Path | None, typer.Argument(help=_("放备份的文件夹，或 .tar.gz 文件名；不写就放在班级文件夹旁边。"))
    ] = None,
    keep: Annotated[int | None, typer.Option(min=1, help=_("只留最近几份；不写就全留着。"))] = None,
    check: Annotated[Path | None, typer.Option(metavar="FILE", help=_("不备份，只检查这个备份文件。"))] = None,
) -> None:
    from course.hub.classroom import Classroom
    from course.operations import archive
    from course.operations.backup import backup

    if check is not None:
        with _watch(check, _("检查备份")) as watch:
            manifest = archive.check(check, watch)
        typer.echo(_("备份 {path} 完好。").format(path=check))
        _tell(manifest)
        return
    with _bar(_("备份")) as progress:
        done = backup(Classroom.here(), target, keep, progress)
    typer.echo(_("已备份到 {path}（{size}）。").format(path=done.path, size=_megabytes(done.path.stat().st_size)))
    _tell(done.manifest)
    for old in done.removed:
        typer.echo(_("删去了旧备份 {path}。").format(path=old))


def restore_class(
    file: Annotated[Path, typer.Argument(help=_("备份文件。"))],
    into: Annotated[Path | None, typer.Option(metavar="FOLDER", help=_("恢复成这个班级文件夹；不写就是原处。"))] = None,
) -> None:
    from course.hub.classroom import Classroom
    from course.operations.restore import restore

    classroom = Classroom(into.absolute()) if into else Classroom.here()
    with _watch(file, _("恢复")) as watch:
        done = restore(file, classroom, watch)
    if done.laid_aside:
        typer.echo(_("原来的班级文件夹移到了 {path}；确认无误后可以删除。").format(path=done.laid_aside))
    typer.echo(_("已恢复到 {folder}。").format(folder=done.folder))
    _tell(done.manifest)
    for section in done.loaded:
        typer.echo(
            _("教学班 {section} 的成绩册已放回 PostgreSQL；放回前的样子存在班级文件夹旁边。").format(section=section)
        )
    for name, when in sorted(done.waiting.items()):
        typer.echo(
            _("提交 {name} 在备份时还没有收；它的文件写于 {when:%Y-%m-%d %H:%M:%S}，收下后的时间会晚于此。").format(
                name=_harmless(name), when=when
            )
        )


def show_health(
    as_json: Annotated[bool, typer.Option("--json", help=_("输出 JSON，供监控程序读取。"))] = False,
) -> None:
    from course.hub.classroom import Classroom
    from course.operations import health

    checks = health.examine(Classroom.here())
    if as_json:
        typer.echo(health.as_json(checks))
    else:
        _show(checks)
    raise typer.Exit(EXIT[health.worst(checks)])


def upgrade_class() -> None:
    from course.hub.classroom import Classroom
    from course.operations.upgrade import upgrade

    with _bar(_("升级前备份")) as progress:
        saved, done = upgrade(Classroom.here(), progress)
    if saved:
        typer.echo(_("升级前的备份：{path}").format(path=saved))
    for sentence in done or [_("已是最新，没有要转换的")]:
        typer.echo(f"• {sentence}")
    typer.echo(_("现在可以启动课堂：make up 或 systemctl start crm-class。"))


# ---------------------------------------------------------------------------------------------------- what is shown


def _tell(manifest: "Manifest") -> None:
    """What is in a backup, and what is not."""
    typer.echo(
        _("备份时间 {made}，{count} 个文件，共 {size}。").format(
            made=manifest.made, count=manifest.files, size=_megabytes(manifest.size)
        )
    )
    for kind, notes in ((_("没有备份"), manifest.left_out), (_("注意"), manifest.remarks)):
        for name, why in list(notes.items())[:MOST_TOLD]:
            typer.echo(f"{kind}　{_harmless(name)}：{why}", err=True)
        if len(notes) > MOST_TOLD:
            typer.echo(_("{kind}　另有 {count} 个").format(kind=kind, count=len(notes) - MOST_TOLD), err=True)


def _harmless(name: str) -> str:
    """A name that a student chose, as a terminal may show it."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in name)


def _megabytes(size: int) -> str:
    return _("{size:.1f} MB").format(size=size / 2**20)


def _show(checks: "list[Check]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    signs = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        table.add_row(signs[check.level], Text(check.title), Text(check.says))
        if check.remedy:
            table.add_row("", "", Text(f"→ {check.remedy}", style="dim"))
    console = Console()
    (console if console.is_terminal else Console(width=100)).print(table)


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of bytes where someone watches."""
    with _progress() as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=max(done, total))


@contextmanager
def _watch(path: Path, title: str) -> Iterator[Callable[[IO[bytes]], IO[bytes]]]:
    """A bar that follows how far a file is read."""
    with _progress() as progress:
        yield lambda file: progress.wrap_file(file, path.stat().st_size, description=title)


def _progress() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
