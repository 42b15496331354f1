"""``course status``, ``course marks``, ``course due``: the desk at the command line."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crmlab.errors import CourseError
from crmlab.i18n import _

JsonOption = Annotated[bool, typer.Option("--json", help=_("输出 JSON，供其他程序读取。"))]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("status", help=_("各份作业到了哪一步；写上作业编号，就列出每位学生。"))(show_status)
    app.command("marks", help=_("成绩表：每位学生每份作业的得分、迟交、待人工评阅和合计。"))(show_marks)
    app.command("due", help=_("查看、设定或取消作业的截止时间（北京时间）。"))(set_due_date)


def show_status(
    assignment: Annotated[str | None, typer.Argument(help=_("作业编号；不写就是全部作业。"))] = None,
    as_json: JsonOption = False,
) -> None:
    from course.desk import state
    from course.hub.classroom import Classroom

    current = state.read_state(Classroom.here(), [assignment] if assignment else None)
    if as_json:
        _write_json(_status(current))
    elif assignment:
        _print(_table_of_students(current))
    else:
        _print(_table_of_assignments(current))


def show_marks(
    assignments: Annotated[list[str] | None, typer.Argument(help=_("作业编号；不写就是全部作业。"))] = None,
    csv: Annotated[Path | None, typer.Option(help=_("写成 CSV 文件，Excel 能直接打开。"))] = None,
    as_json: JsonOption = False,
) -> None:
    from autograder.files import replace_file
    from course.desk import marks, state
    from course.hub.classroom import Classroom

    current = state.read_state(Classroom.here(), assignments or None)
    if csv:
        try:
            replace_file(csv, marks.as_csv(current), mode=0o600)
        except OSError as error:
            raise CourseError(_("写不了 {file}（{reason}）。").format(file=csv, reason=error.strerror)) from None
        typer.echo(_("{count} 位学生的成绩已写进 {file}。").format(count=len(current.students), file=csv), err=as_json)
    if as_json:
        _write_json(list(marks.rows(current)))
    elif not csv:
        _print(_table_of_marks(current))


def set_due_date(
    assignment: Annotated[str, typer.Argument(help=_("作业编号，例如 a04-segmentation。"))],
    when: Annotated[str | None, typer.Argument(help=_("北京时间，例如 2026-12-01 23:59；不写就是查看。"))] = None,
    none: Annotated[bool, typer.Option("--none", help=_("取消截止时间。"))] = False,
) -> None:
    from course.desk import due, state
    from course.hub.classroom import Classroom

    classroom = Classroom.here()
    if when and none:
        raise CourseError(_("截止时间和 --none 只能写一个。"))
    if when or none:
        due.set_due(classroom, assignment, due.parse_due(when) if when else None)
    current = state.read_state(classroom, [assignment]).assignments[0].due
    if current:
        typer.echo(_("{name} 的截止时间是 {due}（北京时间）。").format(name=assignment, due=state.local(current)))
    else:
        typer.echo(_("{name} 没有截止时间。").format(name=assignment))


# ------------------------------------------------------------------------------------------------------- the tables


def _table_of_assignments(current: Any) -> Any:
    from course.desk import marks, state

    table = _table(_("作业"), _("名称"), _("状态"), _("截止"))
    for heading in (_("领取"), _("提交"), _("迟交"), _("已评"), _("待人工"), _("反馈"), _("平均")):
        table.add_column(heading, justify="right")
    for assignment in current.assignments:
        counts = assignment.counts
        table.add_row(
            assignment.id,
            assignment.title,
            state.STATES[assignment.state](),
            state.local(assignment.due),
            *(str(counts[kind]) for kind in ("fetched", "submitted", "late", "graded", "manual", "feedback")),
            f"{marks.number(assignment.mean) or '-'}/{marks.number(assignment.points)}",
        )
    table.caption = _("教学班 {section}，{count} 位学生").format(section=current.section, count=len(current.students))
    return table


def _table_of_students(current: Any) -> Any:
    from course.desk import marks, pages, state

    assignment = current.assignments[0]
    table = _table(_("学号"), _("姓名"), _("状态"), _("提交时间"), _("次数"), _("得分"), _("说明"))
    for student in current.students:
        work = assignment.works[student.name]
        table.add_row(
            student.name,
            student.title,
            pages.STAGES[work.stage](),
            state.local(work.submitted),
            str(work.submissions or ""),
            marks.number(work.score),
            _("；").join(marks.remarks(work)),
        )
    table.caption = _("{name}，满分 {points}，截止：{due}").format(
        name=assignment.id, points=marks.number(assignment.points), due=state.local(assignment.due) or _("没有")
    )
    return table


def _table_of_marks(current: Any) -> Any:
    from course.desk import marks

    table = _table(_("学号"), _("姓名"))
    for assignment in current.assignments:
        table.add_column(f"{assignment.id.split('-')[0]}/{marks.number(assignment.points)}", justify="right")
    table.add_column(_("合计"), justify="right")
    for student in current.students:
        works = [assignment.works[student.name] for assignment in current.assignments]
        scores = [marks.number(work.score) + ("*" if marks.remarks(work) else "") for work in works]
        table.add_row(student.name, student.title, *scores, marks.number(marks.total(current, student.name)))
    table.caption = _("* 迟交、待评分或待人工评阅；详情见 course status 作业编号")
    return table


def _table(*headings: str) -> Any:
    from rich.table import Table

    return Table(*headings, header_style="bold")


def _print(table: Any) -> None:
    """A table as wide as the terminal; all of it where the output goes elsewhere."""
    from rich.console import Console

    console = Console(markup=False, highlight=False)  # names are text, whatever brackets they hold
    if not console.is_terminal:
        console.width = 160
    console.print(table)


# ------------------------------------------------------------------------------------------------ for other programs


def _status(current: Any) -> dict[str, Any]:
    return {
        "section": current.section,
        "students": len(current.students),
        "assignments": [
            {
                "id": assignment.id,
                "title": assignment.title,
                "points": assignment.points,
                "state": assignment.state,
                "released": assignment.released,
                "due": assignment.due.isoformat() if assignment.due else None,
                "counts": assignment.counts,
                "mean": assignment.mean,
                "works": {
                    student: {
                        "stage": work.stage,
                        "submitted": work.submitted.isoformat() if work.submitted else None,
                        "submissions": work.submissions,
                        "late": work.late,
                        "score": work.score,
                        "manual": work.manual,
                        "feedback": work.feedback,
                    }
                    for student, work in assignment.works.items()
                },
            }
            for assignment in current.assignments
        ],
    }


def _write_json(content: Any) -> None:
    import json

    typer.echo(json.dumps(content, ensure_ascii=False, indent=1))
