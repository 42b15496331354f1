"""What is wrong with the tests of an assignment before any student has handed in: ``course check`` tells it.

Tests run in a process of their own, and answers reach it as plain data (``book/test-authors.md``). A test that reaches
for more than that fails for everybody, or loses its score. Here that is told while the test is being written.
"""

import ast
import builtins
import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import crmlab
from autograder import wire
from autograder.contract import HIDDEN_BEGIN, HIDDEN_END, Cell, Flow, Read, Role, Source, View, parse, views
from crmlab.errors import CourseError
from crmlab.i18n import _

NOWHERE = {"globals", "locals", "vars", "open", "input", "exec", "eval", "get_ipython", "In", "Out", "_", "__", "___"}
"""Names that mean the process they run in: in the judge's there is no student, no notebook and no file."""

CURRENT_FIGURE = {"gcf", "gca", "get_fignums"}
SOURCE_READERS = {"getsource", "getsourcelines", "getsourcefile", "getfile", "getmodule"}
HIDDEN = re.compile(rf"{HIDDEN_BEGIN}.*?{HIDDEN_END}", re.DOTALL)
PLAIN = (
    *(pd.DataFrame, pd.Series, pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval, pd.Index, pd.MultiIndex),
    *(pd.RangeIndex, pd.CategoricalIndex, pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex, pd.IntervalIndex),
    *(np.ndarray, np.float64, np.int64, str, int, float, complex, Decimal, Fraction, list, tuple, set, dict, range),
    *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
)


class Flaw(NamedTuple):
    """``line`` counts from 1 within the cell."""

    cell: str
    line: int
    message: str


def lint(source: Source) -> list[Flaw]:
    """Everything in the tests that cannot work once they run away from the student's code, in order."""
    book = _Book(tuple(views(source.cells)), source.cells)
    found = [flaw for place, cell in enumerate(source.cells) for flaw in _cell(book, place, cell)]
    found.extend(_hidden_names(source, book))
    order = {cell.id: place for place, cell in enumerate(source.cells)}
    return sorted(set(found), key=lambda flaw: (order[flaw.cell], flaw.line, flaw.message))


def _cell(book: "_Book", place: int, cell: Cell) -> Iterator[Flaw]:
    if cell.kind == "code" and not _has_role(cell):
        message = _("这一格没有 nbgrader 的角色，学生可以改它，评分时却按原样运行；请锁定它，或设为答题或测试")
        yield Flaw(cell.id, 1, message)
    if not cell.trusted:
        return
    magic = _magic(cell)
    if magic:
        yield Flaw(cell.id, magic, _("测试和给定的代码里不能用 IPython 的 % 与 ! 命令；请写成普通的 Python"))
    for line, message in _names(book, place, skip={"get_ipython"} if magic else set()):
        yield Flaw(cell.id, line, message)
    if cell.role is Role.TEST:
        module = parse(cell)
        for line, message in (
            *_attributes(book, place, module),
            *_reaching(book, place, module),
            *_score(cell, module),
        ):
            yield Flaw(cell.id, line, message)


def _has_role(cell: Cell) -> bool:
    graded = cell.metadata.get("nbgrader", {})
    return any(graded.get(flag) for flag in ("grade", "solution", "locked", "task"))


def _magic(cell: Cell) -> int | None:
    """The line where the cell stops being plain Python."""
    try:
        ast.parse(cell.source)
    except SyntaxError as error:
        return error.lineno or 1
    return None


# --- names ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Book:
    """All cells with their views, and what is bound anywhere: the body of a function may run after any of them."""

    views: tuple[View, ...]
    cells: Sequence[Cell]

    def _flows(self, trusted: bool) -> Iterator[Flow]:
        return (view.flow for view, cell in zip(self.views, self.cells, strict=True) if cell.trusted == trusted)

    @property
    def trusted(self) -> set[str]:
        return {name for flow in self._flows(True) for name in flow.binds}

    @property
    def imported(self) -> set[str]:
        return {name for flow in self._flows(True) for name, kinds in flow.binds.items() if "import" in kinds}

    @property
    def answers(self) -> set[str]:
        return {name for flow in self._flows(False) for name, kinds in flow.binds.items() if "value" in kinds}

    @property
    def barred(self) -> dict[str, str]:
        return {name: min(kinds) for flow in self._flows(False) for name, kinds in flow.binds.items()}

    @property
    def fields(self) -> set[str]:
        """Fields of the dataclasses that solutions define."""
        return {name for cell in self.cells if cell.role is Role.SOLUTION for name in _fields(parse(cell))}

    @property
    def star(self) -> bool:
        return any(flow.star for flow in self._flows(True))

    def known(self, place: int, read: Read) -> bool:
        """Whether what is read here is there by then: trusted, or an answer."""
        view = self.views[place]
        if read.own or read.name in view.answers | view.trusted | view.flow.binds.keys():
            return True
        return read.late and read.name in self.answers | self.trusted

    def answered(self, place: int) -> set[tuple[int, int]]:
        """Places (line, column) of the cell where an answer is read, and surely nothing else of that name."""
        view = self.views[place]
        here = view.answers - (view.trusted - view.forgets)
        later = self.answers - self.trusted
        reads = (read for read in view.flow.reads if not read.own and not read.quoted)
        return {(read.line, read.column) for read in reads if read.name in (later if read.late else here)}


def _names(book: _Book, place: int, skip: set[str]) -> Iterator[tuple[int, str]]:
    """Names that mean nothing in the judge's process."""
    view, test = book.views[place], book.cells[place].role is Role.TEST
    for read in view.flow.reads:
        if read.quoted:
            if read.name in view.answers and not read.own:
                yield (
                    read.line,
                    _("字符串里的 `@{name}` 找不到学生的答案；请写成普通的比较，不用 query").format(name=read.name),
                )
        elif read.name in skip or book.known(place, read):
            continue
        elif read.name in NOWHERE:
            if test:
                message = _("测试用到 `{name}`，它只看得到评分进程自己；请直接用答案的名字")
                yield read.line, message.format(name=read.name)
        elif not hasattr(builtins, read.name) and not book.star:
            yield read.line, _unknown(book, read.name)


def _unknown(book: _Book, name: str) -> str:
    kind = book.barred.get(name)
    if kind == "import":
        return _("这一格用到 `{name}`，它由答题单元格导入，传不过来；请在这里自己导入").format(name=name)
    if kind == "class":
        return _(
            "这一格用到 `{name}`，它是答题单元格里定义的类，传不过来，也不能用 isinstance 判断；请检查函数的结果或数值"
        ).format(name=name)
    return _("这一格用到 `{name}`，在它之前没有任何单元格给它赋值；请检查拼写和单元格的顺序").format(name=name)


def _hidden_names(source: Source, book: _Book) -> Iterator[Flaw]:
    """The visible half must stand alone: it is all that a student's Validate runs."""
    cells = []
    for cell in source.cells:
        visible = replace(cell, source=HIDDEN.sub(lambda match: "\n" * match[0].count("\n"), cell.source))
        try:
            if cell.kind == "code":
                parse(visible)
        except CourseError:
            yield Flaw(cell.id, 1, _("去掉隐藏测试以后，这一格不能运行；请让可见的部分自成一体"))
            return
        cells.append(visible)
    alone = _Book(tuple(views(cells)), cells)
    for place, cell in enumerate(cells):
        reads = alone.views[place].flow.reads if cell.role is Role.TEST else ()
        for read in reads:
            if read.name in book.trusted and not alone.known(place, read) and not hasattr(builtins, read.name):
                message = _("可见的测试用到 `{name}`，它只在隐藏测试里赋值，学生点 Validate 会出错；请把它移出来")
                yield Flaw(cell.id, read.line, message.format(name=read.name))


# --- objects ----------------------------------------------------------------------------------------------------------


@cache
def described() -> frozenset[str]:
    """What the descriptions of figures and widgets tell: the names of their fields."""
    kinds = (wire.Figure, wire.Axes, wire.Line, wire.Bar, wire.Points, wire.Widget)
    return frozenset(each.name for kind in kinds for each in fields(kind))


@cache
def plain() -> frozenset[str]:
    """Attributes that some kind of answer has once it has crossed."""
    return described().union(name for kind in PLAIN for name in dir(kind) if not name.startswith("_"))


def _is_dataclass(node: ast.ClassDef) -> bool:
    makers = (maker.func if isinstance(maker, ast.Call) else maker for maker in node.decorator_list)
    return any(_last_name(maker) == "dataclass" for maker in makers)


@cache
def library_fields() -> frozenset[str]:
    """Fields of the dataclasses of ``crmlab``: their instances cross."""
    sources = (path.read_text(encoding="utf-8") for path in sorted(Path(crmlab.__file__).parent.rglob("*.py")))
    return frozenset(name for source in sources for name in _fields(ast.parse(source)))


def _fields(module: ast.Module) -> Iterator[str]:
    """Fields of dataclasses."""
    for node in ast.walk(module):
        for statement in node.body if isinstance(node, ast.ClassDef) and _is_dataclass(node) else ():
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                yield statement.target.id


def _attributes(book: _Book, place: int, module: ast.Module) -> Iterator[tuple[int, str]]:
    """Attributes that no answer has after it has crossed."""
    answered = book.answered(place)
    for node in ast.walk(module):
        if not isinstance(node, ast.Attribute) or _at(_root(node.value)) not in answered:
            continue
        if node.attr not in plain() and node.attr not in book.fields | library_fields():
            message = _(
                '传得过来的数据都不自带属性 `{attribute}`：若是列，请写成 ["{attribute}"]；'
                "若是模型之类的对象，它传不过来，请让学生交出函数或预测结果"
            )
            yield node.lineno, message.format(attribute=node.attr)


def _root(node: ast.expr) -> ast.expr:
    """What an element, or a field of a description, was taken from."""
    while isinstance(node, ast.Subscript) or (isinstance(node, ast.Attribute) and node.attr in described()):
        node = node.value
    return node


def _at(node: ast.expr) -> tuple[int, int] | None:
    return (node.lineno, node.col_offset) if isinstance(node, ast.Name) else None


def _reaching(book: _Book, place: int, module: ast.Module) -> Iterator[tuple[int, str]]:
    """Ways round the answers: the current figure, a function's source, a changed module."""
    answered, imported = book.answered(place), book.imported
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and node.attr in CURRENT_FIGURE:
            message = _("测试用到 `{name}`，学生画的图不在评分进程里；请让学生把图赋给一个名字，再检查这个答案")
            yield node.lineno, message.format(name=node.attr)
        elif isinstance(node, ast.Call) and _last_name(node.func) in SOURCE_READERS:
            if any(_at(argument) in answered for argument in node.args):
                yield node.lineno, _("测试要读答案的源代码，它传不过来；请调用函数，检查它的结果")
        elif isinstance(node, ast.Try) and not _catches_all(node) and _calls(node.body, answered):
            yield (
                node.lineno,
                _("学生函数里的错误传过来不再是原来的类型，这里接不住；请写 except Exception 并看它的 kind"),
            )
        elif isinstance(node, ast.Attribute) and (changed := _changed(node)).partition(".")[0] in imported:
            message = _("给 `{name}` 赋值只改了评分这一边，学生的代码看不到；请把要换的东西作为参数传给学生的函数")
            yield node.lineno, message.format(name=changed)


def _catches_all(node: ast.Try) -> bool:
    return any(each.type is None or _last_name(each.type) in ("Exception", "BaseException") for each in node.handlers)


def _calls(statements: Iterable[ast.stmt], answered: set[tuple[int, int]]) -> bool:
    """Whether an answer is called in these statements."""
    nodes = (node for statement in statements for node in ast.walk(statement))
    return any(isinstance(node, ast.Call) and _at(_root(node.func)) in answered for node in nodes)


def _changed(node: ast.Attribute) -> str:
    """``pd.read_csv`` if that is what the node assigns to or deletes."""
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return ast.unparse(node) if isinstance(root, ast.Name) and not isinstance(node.ctx, ast.Load) else ""


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


# --- the score --------------------------------------------------------------------------------------------------------


def _score(cell: Cell, module: ast.Module) -> Iterator[tuple[int, str]]:
    """Points in parts are stated by the last expression of the cell, and are those of the cell."""
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    made = [call for call in calls if _last_name(call.func) == "Score"]
    last = module.body[-1] if module.body else None
    states = isinstance(last, ast.Expr) and isinstance(last.value, ast.Attribute) and last.value.attr == "total"
    if made and last and not states:
        yield last.lineno, _("用了 checks.Score，最后一行却不是它的 total，得分会丢；请把 score.total 写在最后一行")
    parts = [call.lineno for call in calls if _gives_part(call)]
    if not made and (parts or states):
        message = _("测试分步给分，这一格却没有新建 checks.Score，得分会丢；请在这一格写 score = checks.Score(分值)")
        yield min(parts, default=last.lineno if last else 1), message
    for call in made:
        points = _number(call.args)
        if points is not None and points != cell.points:
            message = _("checks.Score({points:g}) 与这一格的分值 {wanted:g} 不一致，请统一")
            yield call.lineno, message.format(points=points, wanted=cell.points)


def _gives_part(call: ast.Call) -> bool:
    """A call of ``Score.part`` or ``Score.compare``; pandas has another ``compare``."""
    named = {keyword.arg for keyword in call.keywords}
    name = _last_name(call.func) if isinstance(call.func, ast.Attribute) else ""
    return (name == "part" and len(call.args) >= 2) or (name == "compare" and "otherwise" in named)


def _number(arguments: Iterable[ast.expr]) -> float | None:
    first = next(iter(arguments), None)
    value = first.value if isinstance(first, ast.Constant) else None
    return float(value) if isinstance(value, int | float) else None
