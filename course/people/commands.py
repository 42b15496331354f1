"""``course people``: the class list from the command line."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    from course.hub.classroom import Classroom
    from course.people.importing import Report
    from course.people.members import Code

people_app = typer.Typer(help=_("班级名单：导入、邀请、重设密码。"), no_args_is_help=True)

SectionOption = Annotated[str | None, typer.Option("--section", help=_("教学班编号，例如 crm-2。"))]
DaysOption = Annotated[float, typer.Option("--days", min=0.01, max=365, help=_("邀请码几天内有效。"))]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", envvar="CRM_ADDRESS", help=_("学生打开课堂的网址，写进链接里。")),
]
NamesArgument = Annotated[list[str] | None, typer.Argument(metavar=_("[账号]..."), help=_("账号，可以写几个。"))]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.add_typer(people_app, name="people")


@people_app.command("import", help=_("导入班级名单（CSV 或 .xlsx）；有一处错误就一个人也不导入。"))
def import_people(
    file: Annotated[Path, typer.Argument(help=_("名单文件，标题行要有“学号”，可以有“姓名”“角色”“教学班”。"))],
    section: SectionOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("只检查并显示会有什么变化。"))] = False,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help=_("名单里没有的学生退出该教学班；作业都会留着。"))
    ] = False,
) -> None:
    from course.people.importing import import_list

    classroom = _classroom(section)
    report = import_list(classroom, file, dry_run=dry_run, remove_missing=remove_missing)
    _show_report(report, dry_run)
    if not dry_run:
        _register(classroom, {name for change in report.changes for name in change.after.sections})


@people_app.command("list", help=_("列出班级里的人和账号的状态。"))
def list_people(
    section: SectionOption = None,
    removed: Annotated[bool, typer.Option("--removed", help=_("也列出已移除的人。"))] = False,
) -> None:
    from course.people.importing import role_word
    from course.people.members import state_of
    from course.people.store import accounts

    rows = [
        (name, account.title, role_word(account.role), "、".join(account.sections), state_of(account))
        for name, account in sorted(accounts(_classroom(section)).items())
        if (removed or not account.removed) and (section is None or section in account.sections)
    ]
    _table((_("账号"), _("姓名"), _("角色"), _("教学班"), _("状态")), rows)
    typer.echo(_("共 {count} 人。").format(count=len(rows)))


@people_app.command("add", help=_("加一个人，或者改他的姓名、角色，让他加入教学班。"))
def add_person(
    name: Annotated[str, typer.Argument(metavar=_("账号"), help=_("学号或工号。"))],
    title: Annotated[str, typer.Option("--title", help=_("姓名。"))] = "",
    role: Annotated[str | None, typer.Option("--role", help=_("学生、助教、教师；新人不写就是学生。"))] = None,
    section: SectionOption = None,
) -> None:
    from course.people.importing import ROLE_WORDS, role_word
    from course.people.members import add

    if role is not None and role.lower() not in ROLE_WORDS:
        raise CourseError(_("没有“{role}”这个角色，可以写：学生、助教、教师。").format(role=role))
    classroom = _classroom(section)
    person = add(classroom, name, title, ROLE_WORDS[role.lower()] if role else None, [classroom.section])
    classroom.create()
    _register(classroom, {classroom.section})
    typer.echo(
        _("{name} 在名单里：{role}，教学班 {sections}。").format(
            name=person.name, role=role_word(person.role), sections="、".join(person.sections)
        )
    )


@people_app.command("remove", help=_("不再让这些人登录；他们的作业都会留着。"))
def remove_people(names: Annotated[list[str], typer.Argument(metavar=_("账号..."), help=_("账号。"))]) -> None:
    from course.people.members import remove

    gone = remove(_classroom(None), names)
    typer.echo(_("已移除 {names}；他们的文件和成绩都还在。").format(names="、".join(gone)))


@people_app.command("invite", help=_("发邀请码，给还没有密码的人。"))
def invite_people(
    names: NamesArgument = None,
    section: SectionOption = None,
    everybody: Annotated[bool, typer.Option("--all", help=_("所有还没有密码的人。"))] = False,
    out: Annotated[Path | None, typer.Option("--out", help=_("写成 CSV 文件，只有你能读。"))] = None,
    days: DaysOption = 14,
    address: AddressOption = None,
) -> None:
    from course.people.members import invite, uninvited

    classroom = _classroom(section)
    if not (names or section or everybody):
        raise CourseError(_("要邀请谁？请写账号，或者 --section 教学班，或者 --all。"))
    chosen = names or uninvited(classroom, section)
    if not chosen:
        typer.echo(_("没有要邀请的人：大家都已经设置密码。"))
        return
    if out is not None:
        _check_free(out)
    _hand_out(classroom, invite(classroom, chosen, days), out, address)


@people_app.command("reset", help=_("作废一个人的密码和所有登录，发一个新的邀请码。"))
def reset_person(
    name: Annotated[str, typer.Argument(metavar=_("账号"), help=_("账号。"))],
    days: DaysOption = 14,
    address: AddressOption = None,
) -> None:
    from course.people.members import reset

    classroom = _classroom(None)
    _hand_out(classroom, [reset(classroom, name, days)], None, address)


# --- help ------------------------------------------------------------------------------------------------------------


def _classroom(section: str | None) -> "Classroom":
    from course.hub.classroom import Classroom

    if "CRM_ROLE" in os.environ:
        raise CourseError(_("名单不能在学习环境里管理；请用运行课堂的账号，在服务器的终端里执行这条命令。"))
    classroom = Classroom.here()
    if not classroom.secrets.is_dir():
        classroom.create()
    return classroom.of(section) if section else classroom


def _register(classroom: "Classroom", sections: Iterable[str]) -> None:
    """Put the students of sections into their gradebooks."""
    from course.hub.release import register_students
    from course.people.members import students_of

    for section in sorted(sections):
        of_section = classroom.of(section)
        register_students(students_of(of_section), of_section)


def _show_report(report: "Report", dry_run: bool) -> None:
    from course.people.importing import role_word

    rows = [
        (
            _kinds()[change.kind],
            change.name,
            change.title,
            role_word(change.after.role),
            "、".join(change.after.sections),
        )
        for change in report.changes
        if change.kind != "unchanged"
    ]
    if rows:
        _table((_("变化"), _("账号"), _("姓名"), _("角色"), _("教学班")), rows)
    counts = [_("{what} {count} 人").format(what=word, count=report.count(kind)) for kind, word in _kinds().items()]
    typer.echo((_("试运行，什么也没有改：") if dry_run else _("已导入：")) + _("，").join(counts) + _("。"))
    if report.new_sections:
        typer.echo(_("新的教学班：{sections}。").format(sections="、".join(report.new_sections)))
    if report.ignored:
        typer.echo(_("没有读的列：{columns}。").format(columns="、".join(report.ignored)))
    if report.count("missing"):
        typer.echo(_("名单里没有的人仍在班里；要让他们退出，请加 --remove-missing。"))
    if not dry_run and report.count("added"):
        typer.echo(_("下一步：course people invite --all --out 邀请码.csv"))


def _kinds() -> dict[Any, str]:
    return {
        "added": _("新加"),
        "changed": _("有改动"),
        "unchanged": _("没有变"),
        "missing": _("名单里没有"),
        "removed": _("退出"),
    }


def _check_free(out: Path) -> None:
    if out.exists():
        raise CourseError(_("文件 {path} 已经存在；请换一个文件名。").format(path=out))


def _hand_out(classroom: "Classroom", codes: "list[Code]", out: Path | None, address: str | None) -> None:
    from course.people.handouts import rows, write

    found = rows(classroom, codes, address)
    if out is None:
        _table(found[0], found[1:])
        return
    write(out, found)
    typer.echo(_("{count} 个邀请码写在 {path}，只有你能读；发放之后请删除。").format(count=len(codes), path=out))


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console = console if console.is_terminal else Console(width=160)
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    console.print(table, highlight=False, markup=False)
