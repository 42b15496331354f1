"""The instructor's notebook as the grader reads it: who wrote which cell, and which answers each test may ask for.

Student code and tests run in two processes that share nothing. So it must be known *before* anything runs which
answers a test needs: they are sent out at the place of the test, as plain data. :func:`read` finds them in the
instructor's notebook alone; nothing in a submission can change them.

An **answer** is a name that a solution cell binds at module level, but for imports and classes, which cannot cross.
A test that reads a name gets the trusted value if a test or a given cell bound it after the last solution cell that
does, else the student's answer. What is found here errs on one side: a name too many is only sent in vain.
"""

import ast
import copy
import dis
import hashlib
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import CodeType
from typing import Any, NamedTuple

from crmlab.errors import CourseError
from crmlab.i18n import _

INSTRUCTOR_TAG = "instructor"
"""Tag of teachers' cells, which no student gets and no grader runs."""

STUBS = {
    "python": _('# 在这里写你的代码\nraise NotImplementedError("这里还没有代码：请先完成这一题")'),
    "markdown": _("在这里写下你的回答"),
}
"""What students get in place of a solution."""

HIDDEN_BEGIN, HIDDEN_END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


class Role(StrEnum):
    """Who wrote a cell and what becomes of it."""

    TEXT = "text"
    """The instructor's prose."""
    GIVEN = "given"
    """The instructor's code, not graded."""
    SOLUTION = "solution"
    """The student's code; in the source, the reference solution."""
    TEST = "test"
    """The instructor's test, graded by running it."""
    MANUAL = "manual"
    """An answer that a person grades: the student's text or code, or a task cell of nbgrader."""


@dataclass(frozen=True)
class Cell:
    """One cell of the instructor's notebook.

    Attributes:
        id: nbgrader's grade id, else the cell id.
        role, kind: ``kind`` is "code", "markdown" or "raw".
        source: the whole text; of a test with its hidden parts and the lines that mark them.
        metadata: as it stands in the file.
        points: points offered; 0 if it is not graded.
        objectives: course objectives, e.g. ("CO4",).
        asks: of a test or given cell: the answers that it may read, sorted.
        forgets: of a test or given cell: names that trusted cells may have bound before and that a solution cell has
            bound since. Before the cell runs they must go, else it would see the old trusted value.
    """

    id: str
    role: Role
    kind: str
    source: str
    metadata: dict[str, Any]
    points: float = 0
    objectives: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    forgets: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether the judge runs it."""
        return self.role in (Role.GIVEN, Role.TEST) and self.kind == "code"


@dataclass(frozen=True)
class Source:
    """The instructor's notebook without teachers' cells.

    Attributes:
        notebook: stem of its file, e.g. "segmentation".
        cells: in order.
        metadata: the notebook's.
        digest: SHA-256 of all that a score depends on; prose and metadata of front ends are not in it.
    """

    notebook: str
    cells: tuple[Cell, ...]
    metadata: dict[str, Any]
    digest: str

    @property
    def tests(self) -> tuple[Cell, ...]:
        """Tests in the order in which they run."""
        return tuple(cell for cell in self.cells if cell.role is Role.TEST)

    @property
    def points(self) -> float:
        """Points of all tests."""
        return sum(cell.points for cell in self.tests)

    def cell(self, cell_id: str) -> Cell:
        """The cell with this id; KeyError if there is none."""
        for cell in self.cells:
            if cell.id == cell_id:
                return cell
        raise KeyError(cell_id)


def read(document: dict[str, Any], notebook: str) -> Source:
    """The instructor's version of a notebook (parsed .ipynb), ready for grading.

    Raises:
        CourseError: if it has no cells, or a code cell is not Python.
    """
    if not isinstance(document.get("cells"), list):
        raise CourseError(_("{notebook} 不是 notebook（没有 cells），请从版本库恢复").format(notebook=notebook))
    kept = [raw for raw in document["cells"] if INSTRUCTOR_TAG not in raw.get("metadata", {}).get("tags", [])]
    cells = [_cell(raw, place) for place, raw in enumerate(kept)]
    asked = tuple(
        replace(cell, asks=tuple(sorted(view.asks)), forgets=tuple(sorted(view.forgets)))
        for cell, view in zip(cells, views(cells), strict=True)
    )
    return Source(notebook, asked, document.get("metadata", {}), _digest(notebook, asked))


def _cell(raw: dict[str, Any], place: int) -> Cell:
    metadata = raw.get("metadata", {})
    graded, source, kind = metadata.get("nbgrader", {}), raw.get("source", ""), str(raw.get("cell_type"))
    return Cell(
        id=str(graded.get("grade_id") or raw.get("id") or f"cell-{place}"),
        role=_role(kind, graded),
        kind=kind,
        source="".join(source) if isinstance(source, list) else str(source),
        metadata=metadata,
        points=float(graded.get("points") or 0) if graded.get("grade") or graded.get("task") else 0,
        objectives=tuple(metadata.get("crm", {}).get("objectives", ())),
    )


def _role(kind: str, graded: dict[str, Any]) -> Role:
    """By nbgrader's flags. A solution in markdown is never code to run, even if it carries no points."""
    if graded.get("task") or (graded.get("solution") and (graded.get("grade") or kind != "code")):
        return Role.MANUAL
    if kind != "code":
        return Role.TEXT
    if graded.get("solution"):
        return Role.SOLUTION
    return Role.TEST if graded.get("grade") else Role.GIVEN


def _digest(notebook: str, cells: Iterable[Cell]) -> str:
    """Trusted cells count with their text; the reference solution only by the names that tests ask for."""
    facts = [
        (cell.id, cell.role, cell.kind, cell.points, cell.asks, cell.forgets, cell.source if cell.trusted else "")
        for cell in cells
        if cell.role is not Role.TEXT
    ]
    return hashlib.sha256(json.dumps([notebook, facts]).encode()).hexdigest()


# --- what a cell sees of the names around it --------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """What one cell sees when it runs.

    Attributes:
        flow: what the cell itself reads and binds; nothing for a cell that isn't code.
        asks, forgets: as of :class:`Cell`.
        answers: names that the student may have bound last.
        trusted: names that trusted cells may have bound before this cell.
        barred: names that only the student's imports and classes bound before it → "import" or "class".
    """

    flow: "Flow"
    asks: frozenset[str]
    forgets: frozenset[str]
    answers: frozenset[str]
    trusted: frozenset[str]
    barred: dict[str, str]


def views(cells: Sequence[Cell]) -> Iterator[View]:
    """The view of each cell, in order.

    A test may stop anywhere, so a name that it binds may still be the student's in the next test; only a given cell
    that asks for nothing surely gets to its end.
    """
    answers: set[str] = set()
    stale: set[str] = set()
    held: set[str] = set()
    barred: dict[str, str] = {}
    carried: dict[str, set[str]] = {}
    for cell in cells:
        flow = Flow({} if not cell.trusted else carried)
        if cell.kind == "code":
            flow.run(parse(cell))
        asks = flow.asked & answers if cell.trusted else set()
        forgets = stale & held if cell.trusted else set()
        before = frozenset(answers), frozenset(held), dict(barred)
        yield View(flow, frozenset(asks), frozenset(forgets), *before)
        if cell.trusted:
            held |= flow.binds.keys()
            stale.clear()
            if cell.role is Role.GIVEN and not asks:
                answers -= flow.bound
        else:
            values = {name for name, kinds in flow.binds.items() if "value" in kinds}
            answers |= values
            stale |= values
            barred |= {name: min(kinds) for name, kinds in flow.binds.items() if "value" not in kinds}


def parse(cell: Cell) -> ast.Module:
    """The cell as Python; what only IPython understands (``%matplotlib inline``) is turned into Python first.

    Raises:
        CourseError: if it is not Python.
    """
    source = cell.source
    if source.lstrip().startswith("%%"):
        source = "\n" + source.lstrip().partition("\n")[2]  # %%time and the like: names are bound all the same
    try:
        return _python(source)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # slow to import, seldom needed

        try:
            return _python(TransformerManager().transform_cell(source))
        except SyntaxError as error:
            raise CourseError(
                _("单元格 {cell} 第 {line} 行有语法错误，请先让它能运行").format(cell=cell.id, line=error.lineno or 1)
            ) from None


def _python(source: str) -> ast.Module:
    """The parsed source; compiled once, because only the compiler sees a ``return`` out of place."""
    module = ast.parse(source)
    _code(module.body)
    return module


# --- what a cell reads and binds --------------------------------------------------------------------------------------

LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
AT_ONCE = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}
QUOTED = re.compile(r"@([^\W\d]\w*)")  # table.query("recency > @limit") reads limit
FILLERS = {"append", "add", "extend", "insert", "update", "setdefault", "register"}


class Read(NamedTuple):
    """One reading of a global name.

    ``late``: in the body of a function, hence not before it is called. ``own``: the cell itself has surely bound the
    name by then. ``quoted``: as ``@name`` in a string, as pandas' ``query`` reads it.
    """

    name: str
    line: int
    column: int
    late: bool = False
    own: bool = False
    quoted: bool = False


@dataclass
class Flow:
    """What a cell reads and binds, followed statement by statement.

    Python's own compiler says what is global: comprehensions, closures, ``global`` and f-strings need no second
    opinion here. ``carried`` is shared by all trusted cells: name → names that using its value may read, because the
    value is a function, or something that holds one.

    Attributes:
        reads: every reading, in order.
        asked: names read without the cell having bound them for sure, functions called later included.
        binds: names that the cell may bind → how: "import", "class" or "value".
        bound: names that it has surely bound at its end.
        star: whether ``from … import *`` binds names that can't be known.
    """

    carried: dict[str, set[str]]
    reads: list[Read] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    binds: dict[str, set[str]] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)
    star: bool = False

    def run(self, module: ast.Module) -> None:
        """Follow the statements of a cell."""
        self.bound = self._block(module.body, self.bound, surely=True)

    def _block(self, statements: Iterable[ast.stmt], before: set[str], surely: bool = False) -> set[str]:
        """Follow a block; returns what is surely bound after it. ``surely``: it is run to its end."""
        bound = set(before)
        for statement in statements:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self._function(statement, bound)
            elif isinstance(statement, ast.Match) or (hasattr(statement, "body") and not _is_class(statement)):
                bound = self._compound(statement, bound)
            elif not isinstance(statement, ast.Break | ast.Continue):
                self._simple(statement, bound, surely)
        return bound

    def _function(self, statement: ast.FunctionDef | ast.AsyncFunctionDef, bound: set[str]) -> None:
        """A definition reads its defaults and annotations now, its body when somebody uses its name."""
        head = copy.copy(statement)
        head.body = [ast.Pass()]
        now = [statement] if statement.decorator_list else [head]
        self._read(_code(now), bound)
        whole = _code([statement])
        late = [read for read in _reads(whole) if read.late]
        if not statement.decorator_list:
            self.reads.extend(late)
        self.carried.setdefault(statement.name, set()).update(read.name for read in late)
        self._bind(whole, bound, "value")

    def _simple(self, statement: ast.stmt, bound: set[str], surely: bool) -> None:
        code = _code([statement])
        used = self._read(code, bound)
        kind = "value"
        if isinstance(statement, ast.Import | ast.ImportFrom):
            kind = "import"
            self.star |= any(alias.name == "*" for alias in statement.names)
        elif isinstance(statement, ast.ClassDef):
            kind = "class"
        for name in self._bind(code, bound, kind):
            self.carried[name] = set(used) if surely else used | self.carried.get(name, set())
        for name in _filled(statement):
            self.carried.setdefault(name, set()).update(used)

    def _compound(self, statement: ast.stmt, bound: set[str]) -> set[str]:
        """Blocks that may not run, or not to their end, bind nothing for sure; two branches bind what both bind."""
        head, blocks = _split(statement)
        inside = set(bound)
        used = self._read(head, inside)
        for name in self._bind(head, inside, "value"):
            self.carried.setdefault(name, set()).update(used)
        after = [self._block(block, inside) for block in blocks]
        if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            self._block(blocks[0], inside)  # what the first round defines, the second may call
        if isinstance(statement, ast.If):
            return after[0] & after[1]
        if isinstance(statement, ast.Try | ast.TryStar):
            return bound | (after[-1] if statement.finalbody else set())
        return inside if isinstance(statement, ast.With | ast.AsyncWith) else bound

    def _read(self, code: CodeType, bound: set[str]) -> set[str]:
        """Note what the code reads; returns what a value made by it may read later."""
        later: set[str] = set()
        for read in _reads(code):
            self.reads.append(read._replace(own=read.name in bound))
            reached = self._reach(read.name)
            self.asked |= ({read.name} | reached) - bound
            later |= reached | ({read.name} if read.late else set())
        return later

    def _reach(self, name: str) -> set[str]:
        """Names that using this one may read, through any number of functions."""
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            new = self.carried.get(waiting.pop(), set()) - reached
            reached |= new
            waiting.extend(new)
        return reached

    def _bind(self, code: CodeType, bound: set[str], kind: str) -> list[str]:
        """Note what the code binds at module level; returns these names. ``global`` in a function may bind, too."""
        names = [str(step.argval) for step in dis.get_instructions(code) if step.opname == "STORE_NAME"]
        for name in names:
            self.binds.setdefault(name, set()).add(kind)
        for name in _globals_bound(code):
            self.binds.setdefault(name, set()).add("value")
        bound.update(names)
        bound -= {str(step.argval) for step in dis.get_instructions(code) if step.opname == "DELETE_NAME"}
        return names


def _is_class(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ClassDef)


def _code(statements: Sequence[ast.stmt]) -> CodeType:
    module = ast.fix_missing_locations(ast.Module(list(statements), []))
    made = compile(module, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    assert isinstance(made, CodeType)
    return made


def _reads(code: CodeType, late: bool = False) -> Iterator[Read]:
    """Global names that the code reads, in order; bodies of functions in it are read late."""
    in_class = code.co_name != "<module>" and not code.co_flags & inspect.CO_OPTIMIZED
    local: set[str] = {"__name__", "__annotations__"}
    for step in dis.get_instructions(code):
        place = step.positions
        line, column = (place.lineno or 1, place.col_offset or 0) if place else (1, 0)
        if step.opname in LOADS and step.argval not in local:
            yield Read(str(step.argval), line, column, late)
        elif step.opname == "STORE_NAME" and in_class:
            local.add(str(step.argval))
        elif step.opname == "LOAD_CONST" and isinstance(step.argval, str):
            yield from (Read(name, line, column, late, quoted=True) for name in QUOTED.findall(step.argval))
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            body = bool(inner.co_flags & inspect.CO_OPTIMIZED) and inner.co_name not in AT_ONCE
            yield from _reads(inner, late or body)


def _globals_bound(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname == "STORE_GLOBAL":
            yield str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals_bound(inner)


def _split(statement: ast.stmt) -> tuple[CodeType, list[list[ast.stmt]]]:
    """The head of a compound statement, with empty blocks; and its blocks."""
    head: Any = copy.copy(statement)
    blocks: list[list[ast.stmt]] = []
    for part in ("handlers", "cases"):
        if members := getattr(head, part, None):
            blocks.extend(member.body for member in members)
            setattr(head, part, [_emptied(member) for member in members])
    for part in ("body", "orelse", "finalbody"):
        if hasattr(head, part):
            blocks.insert(0, head.body) if part == "body" else blocks.append(getattr(head, part))
            setattr(head, part, [ast.Pass()] if getattr(head, part) else [])
    return _code([head]), blocks


def _emptied(member: Any) -> Any:
    empty = copy.copy(member)
    empty.body = [ast.Pass()]
    return empty


def _filled(statement: ast.stmt) -> Iterator[str]:
    """Names of containers that the statement puts something into: ``rules["a"] = f``, ``rules.append(f)``."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = [target for target in statement.targets if not isinstance(target, ast.Name)]
    elif isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
        targets = [call.func] if isinstance(call.func, ast.Attribute) and call.func.attr in FILLERS else []
    for target in targets:
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id
