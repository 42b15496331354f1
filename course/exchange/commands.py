"""``course received`` and ``course receipt``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from crmlab.i18n import _


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("received", help=_("列出收到的全部提交：时间、是否迟交、内容指纹、回执编号。"))(list_received)
    app.command("receipt", help=_("核对一份提交回执的真假，并检查保存的内容有没有变。"))(check_receipt)


def list_received(
    assignment: Annotated[str, typer.Argument(help=_("作业编号，例如 a04-segmentation。"))],
    student: Annotated[str | None, typer.Option(help=_("只看这位学生。"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("输出 JSON，供其他程序读取。"))] = False,
) -> None:
    from course.exchange import may_take_in, received, take_in
    from course.exchange.register import refused
    from course.hub.classroom import Classroom

    classroom = Classroom.here()
    if may_take_in(classroom):
        take_in(classroom)
    found = received(classroom, assignment, student)
    notes = [note for note in refused(classroom, assignment) if student in (None, note.student)]
    if as_json:
        typer.echo(json.dumps(_plain(found, notes), ensure_ascii=False, indent=1))
        return
    _print_table(found)
    for note in notes:
        typer.echo(_("没有收下　{student}：{reason}").format(student=note.student, reason=note.refused))
    typer.echo(
        _("作业 {assignment}：{students} 人交了 {count} 份。").format(
            assignment=assignment, students=len({one.student for one in found}), count=len(found)
        )
    )


def _plain(found: list[Any], notes: list[Any]) -> dict[str, Any]:
    taken = [
        {
            "student": one.student,
            "time": one.time.isoformat(),
            "late": one.late,
            "digest": one.digest,
            "size": one.size,
            "folder": str(one.folder),
            "receipt": one.receipt.number if one.receipt else None,
        }
        for one in found
    ]
    return {
        "received": taken,
        "refused": [{"student": note.student, "time": note.time, "reason": note.refused} for note in notes],
    }


def _print_table(found: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from course.exchange.receipts import BEIJING, shown_size

    table = Table(header_style="bold")
    for heading in (_("学号"), _("姓名"), _("提交时间"), _("迟交"), _("大小"), _("内容指纹"), _("回执编号")):
        table.add_column(heading, overflow="fold")
    late = {None: "-", False: "", True: _("迟交")}
    for one in found:
        table.add_row(
            one.student,
            one.receipt.title if one.receipt else "",
            one.time.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            late[one.late],
            shown_size(one.size),
            one.digest[:12],
            one.receipt.number if one.receipt else _("存根丢失"),
        )
    console = Console(markup=False)
    (console if console.is_terminal else Console(width=120, markup=False)).print(table)


def check_receipt(
    receipt: Annotated[str, typer.Argument(metavar=_("编号|文件"), help=_("回执编号，或者学生给的回执文件。"))],
) -> None:
    from course.exchange import verify
    from course.exchange.receipts import as_text, read_key
    from course.hub.classroom import Classroom

    classroom, file = Classroom.here(), Path(receipt)
    text = file.read_bytes()[: 2**20].decode("utf-8", "replace") if file.is_file() else receipt
    verdict = verify(classroom, text)
    typer.echo(verdict.sentence)
    if verdict.receipt is not None:
        typer.echo("\n" + as_text(read_key(classroom), verdict.receipt))
    if not verdict.genuine:
        raise typer.Exit(1)
