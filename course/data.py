"""Building and checking the data sets: what ``course data build`` and ``course data check`` do.

The schema is kept by hand in ``datasets/<name>/datapackage.json``; a build writes the tables beside it and
enters what only a build knows: as-of date, seed, number of main units, rows, size and SHA-256 of each file.
The tables of columns in the data card (``README.md``) are made from the schema too.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Column, Table

from autograder.files import digest, replace_file
from course.model import Course
from crmlab import data, generate
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

_MOST_PROBLEMS = 8  # of one file: more would hide the first
_WHOLE_FILE = ("scheme-error", "encoding-error", "byte-count", "row-count", "hash-count")  # told before single cells
CARD_MARKS = ("<!-- tables: written by course data build -->", "<!-- /tables -->")
_FORMATS = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%d %H:%M"}
_REASONS = {
    "row-count": _("行数与 datapackage.json 不符"),
    "byte-count": _("字节数与 datapackage.json 不符"),
    "hash-count": _("内容与 datapackage.json 中的校验值不符"),
    "scheme-error": _("文件无法读取"),
    "encoding-error": _("有不是 UTF-8 的字节"),
    "source-error": _("文件没有内容或不成表"),
    "type-error": _("值的类型不对"),
    "constraint-error": _("值违反约束"),
    "primary-key": _("主键重复"),
    "foreign-key": _("外键在被引用的表中不存在"),
    "unique-error": _("值应唯一却重复"),
    "missing-cell": _("缺少单元格"),
    "extra-cell": _("多出单元格"),
    "missing-label": _("缺少列"),
    "extra-label": _("多出列"),
    "incorrect-label": _("列名与约定不符"),
}


def build(name: str, folder: Path | None = None) -> dict[str, int]:
    """Generates a data set anew: CSV files and ``datapackage.json``, the same bytes every time.

    Args:
        name: name of the data set.
        folder: where to write; the data set's own folder by default.

    Returns:
        Rows written by table.

    Raises:
        CourseError: unknown name, no readable data card, or the folder can't be written.
    """
    if name not in generate.NAMES:
        raise CourseError(
            _("数据集“{name}”没有生成程序，可以生成的有：{known}。").format(
                name=name, known=_("、").join(generate.NAMES)
            )
        )
    recipe, described = generate.recipe(name), data.package(name)
    tables, _truth = recipe.generate(recipe.seed, recipe.size, 1)
    described |= {"as_of": f"{recipe.as_of:%Y-%m-%d}", "seed": recipe.seed, "size": recipe.size}
    home = course_root() / "datasets" / name
    files: dict[str, bytes] = {}
    for resource in described["resources"]:
        content = csv_bytes(tables[resource["name"]], resource["schema"])
        resource["rows"] = len(tables[resource["name"]])
        resource |= {"bytes": len(content), "hash": f"sha256:{digest(content)}"}
        files[resource["path"]] = content
    files["README.md"] = card(home / "README.md", described).encode()
    files["datapackage.json"] = (json.dumps(described, ensure_ascii=False, indent=2) + "\n").encode()
    for file, content in files.items():
        _write((folder or home) / file, content)
    return {table: len(frame) for table, frame in tables.items()}


def catalogue(course: Course) -> Table:
    """A line for each data set: what it is, its tables, its size, the chapters that use it."""
    headings = (_("数据集"), _("内容"), _("表（行）"), _("MB"), _("使用的章"))
    table = Table(*(Column(heading, overflow="fold") for heading in headings), show_lines=True)
    for name in data.names():
        described = data.package(name)
        resources = described["resources"]
        chapters = [chapter.id[:2] for chapter in course.chapters if name in chapter.datasets]
        table.add_row(
            name,
            described["title"],
            _("， ").join(f"{resource['name']}\N{NO-BREAK SPACE}{resource['rows']:,}" for resource in resources),
            f"{sum(resource['bytes'] for resource in resources) / 1e6:.1f}",
            _("、").join(chapters),
        )
    return table


def csv_bytes(frame: pd.DataFrame, schema: dict[str, Any]) -> bytes:
    """A table as CSV: columns of the schema, money with two decimals, ISO dates, UTF-8, LF."""
    columns = {field["name"]: _text(frame[field["name"]], field["type"]) for field in schema["fields"]}
    return pd.DataFrame(columns).to_csv(index=False, lineterminator="\n").encode()


def _text(column: pd.Series, kind: str) -> pd.Series:
    if kind == "number":
        return column.map("{:.2f}".format, na_action="ignore")
    if kind == "boolean":
        return column.map({True: "true", False: "false"})
    if kind in _FORMATS:
        return column.dt.strftime(_FORMATS[kind])
    return column


def card(path: Path, described: dict[str, Any]) -> str:
    """The data card with its section on tables and columns written anew from the schema."""
    begin, end = CARD_MARKS
    try:
        before, rest = path.read_text(encoding="utf-8").split(begin)
        _old, after = rest.split(end)
    except (OSError, ValueError) as error:
        raise CourseError(
            _("数据卡 {path} 无法读取，或其中没有成对的标记 {begin} 与 {end}；请从课程仓库恢复这个文件。").format(
                path=path, begin=begin, end=end
            )
        ) from error
    tables = "\n\n".join(_card_table(resource) for resource in described["resources"])
    return f"{before}{begin}\n\n{tables}\n\n{end}{after}"


def _card_table(resource: dict[str, Any]) -> str:
    heading = _("### {title} `{path}`（{rows:,} 行）").format(**resource)
    rows = [
        f"| `{field['name']}` | {field['type']} | {field['description']} |" for field in resource["schema"]["fields"]
    ]
    head = [_("| 列 | 类型 | 含义 |"), "|---|---|---|"]
    return "\n".join([heading, "", resource["description"], "", *head, *rows])


def _write(path: Path, content: bytes) -> None:
    """Writes in one step: an interrupted build leaves no half file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise CourseError(
            _("无法写入 {path}（{error}），请检查磁盘空间和目录权限。").format(path=path, error=error.strerror)
        ) from error


def faults_of_description(described: Any) -> list[str]:
    """What Frictionless has against a ``datapackage.json``, and what a build should have entered; the data are not read."""
    from frictionless import FrictionlessException, Package

    if not isinstance(described, dict):
        raise TypeError(described)
    try:
        errors = list(Package.metadata_validate(described))
    except FrictionlessException as error:  # a type that it doesn't know
        errors = [error.error]
    faults = [_("{note}，请改正").format(note=error.note) for error in errors]
    for resource in [] if faults else described["resources"]:
        lacking = {"bytes", "hash", "rows", "path"} - resource.keys()
        if lacking:
            message = _("{resource} 缺少 {keys}，请运行 course data build {name}")
            faults.append(
                message.format(resource=resource["name"], keys=_("、").join(sorted(lacking)), name=described["name"])
            )
    return faults


def validate(name: str, folder: Path | None = None) -> list[str]:
    """Holds the files of a data set against its ``datapackage.json`` with Frictionless.

    Checks size, SHA-256, columns, types, constraints, primary and foreign keys.

    Args:
        name: name of the data set.
        folder: where the files lie; the data set's own folder by default.

    Returns:
        One sentence a problem with file, row and column; empty when all is well.

    Raises:
        CourseError: unknown name, or no readable ``datapackage.json``.
    """
    from frictionless import Package, system  # takes seconds to import, and a build does not need it

    described = data.package(name)
    place = folder or course_root() / "datasets" / name
    with system.use_context(trusted=True):  # an absolute basepath is ours
        report = Package.from_descriptor(described, basepath=str(place)).validate()
    return _sentences(report)


def _sentences(report: Any) -> list[str]:
    found = [_sentence("datapackage.json", error) for error in report.errors]
    for task in report.tasks:
        errors = sorted(task.errors, key=lambda error: error.type not in _WHOLE_FILE)
        found += [_sentence(task.place, error) for error in errors[:_MOST_PROBLEMS]]
        if len(errors) > _MOST_PROBLEMS:
            found.append(_("{file}：还有更多问题，改正以上各处后请再检查一次。").format(file=task.place))
    return found


def _sentence(file: str, error: Any) -> str:
    row, column = getattr(error, "row_number", None), getattr(error, "field_name", None)
    where = file
    if row:
        where += _(" 第 {row} 行").format(row=row)
    if column:
        where += _(" 列 {column}").format(column=column)
    reason = _REASONS.get(error.type, error.title)
    if error.note:
        return _("{where}：{reason}（{note}）。").format(where=where, reason=reason, note=error.note)
    return _("{where}：{reason}。").format(where=where, reason=reason)
