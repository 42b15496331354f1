"""What each test may ask for and must forget, told from the instructor's notebook alone; and what the linter says."""

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import contract, linter, wire
from autograder.contract import Role, Source
from crmlab.errors import CourseError
from crmlab.paths import course_root

PAGE = course_root() / "book" / "test-authors.md"
FLAGS = {
    "given": {"locked": True},
    "solution": {"solution": True},
    "test": {"grade": True, "locked": True},
    "manual": {"grade": True, "solution": True},
    "task": {"task": True, "locked": True},
}


def raw(kind: str, source: str, number: int, points: float = 1.0, cell_type: str = "code") -> dict[str, Any]:
    """A cell of a notebook file; ``kind`` "loose" has no role of nbgrader."""
    flags = dict.fromkeys(("grade", "locked", "solution", "task"), False) | FLAGS.get(kind, {})
    graded = {**flags, "grade_id": f"c{number}"} | ({"points": points} if flags["grade"] or flags["task"] else {})
    metadata = {"nbgrader": graded} if kind != "loose" else {}
    return {"cell_type": cell_type, "id": f"c{number}", "metadata": metadata, "source": source.splitlines(True)}


def book(*cells: tuple[str, str], points: float = 1.0) -> Source:
    made = [raw(kind, source, number, points) for number, (kind, source) in enumerate(cells)]
    return contract.read({"cells": made, "metadata": {}}, "work")


def asked(*cells: tuple[str, str]) -> tuple[str, ...]:
    """What the last cell asks for."""
    return book(*cells).cells[-1].asks


@pytest.fixture(scope="module")
def a04() -> Source:
    path = course_root() / "assignments" / "a04-segmentation" / "segmentation.ipynb"
    return contract.read(json.loads(path.read_text(encoding="utf-8")), "segmentation")


# --- reading ----------------------------------------------------------------------------------------------------------


def test_every_cell_of_a04_has_its_role(a04: Source) -> None:
    assert [cell.id for cell in a04.tests] == [f"a04-{n}-test" for n in range(1, 7)]
    assert a04.cell("a04-data").role is Role.GIVEN
    assert a04.cell("a04-1-solution").role is Role.SOLUTION
    assert a04.cell("a04-7-memo").role is Role.MANUAL
    assert a04.cell("a04-title").role is Role.TEXT
    assert "a04-7-guide" not in {cell.id for cell in a04.cells}
    assert (a04.points, a04.cell("a04-7-memo").points) == (22, 3)
    assert a04.cell("a04-1-test").objectives == ("CO4", "CO5")
    assert contract.HIDDEN_BEGIN in a04.cell("a04-1-test").source
    with pytest.raises(KeyError):
        a04.cell("a04-9-test")


@pytest.mark.parametrize(
    ("kind", "cell_type", "role"),
    [
        ("given", "code", Role.GIVEN),
        ("loose", "code", Role.GIVEN),
        ("solution", "code", Role.SOLUTION),
        ("solution", "markdown", Role.MANUAL),
        ("test", "code", Role.TEST),
        ("manual", "code", Role.MANUAL),
        ("manual", "markdown", Role.MANUAL),
        ("task", "markdown", Role.MANUAL),
        ("given", "markdown", Role.TEXT),
        ("given", "raw", Role.TEXT),
    ],
)
def test_role_follows_nbgraders_flags(kind: str, cell_type: str, role: Role) -> None:
    source = contract.read({"cells": [raw(kind, "x", 0, 1, cell_type)], "metadata": {}}, "work")
    assert source.cells[0].role is role


def test_digest_changes_with_what_a_score_depends_on_and_with_nothing_else() -> None:
    def digest(solution: str = "x = 1", test: str = "assert x", points: float = 1, text: str = "题") -> str:
        cells = [raw("solution", solution, 0), raw("test", test, 1, points), raw("given", text, 2, 1, "markdown")]
        return contract.read({"cells": cells, "metadata": {}}, "work").digest

    assert digest() == digest(text="题目") == digest(solution="x = 2")
    assert len({digest(), digest(test="assert x > 0"), digest(points=2), digest(solution="import x")}) == 4


def test_cell_that_is_not_python_is_told_with_its_line() -> None:
    with pytest.raises(CourseError, match="单元格 c1 第 2 行"):
        book(("solution", "x = 1"), ("test", "assert x\nassert x ="))
    with pytest.raises(CourseError, match="没有 cells"):
        contract.read({}, "work")


def test_solution_may_speak_ipython() -> None:
    assert asked(("solution", "%matplotlib inline\nx = 1\nfiles = !ls"), ("test", "assert x, files")) == ("files", "x")
    assert asked(("solution", "%%time\nx = 1"), ("test", "assert x")) == ("x",)


# --- asks and forgets -------------------------------------------------------------------------------------------------


def test_tests_of_a04_ask_for_what_they_read(a04: Source) -> None:
    assert {cell.id: cell.asks for cell in a04.tests} == {
        "a04-1-test": ("purchases",),
        "a04-2-test": ("purchases", "rfm_table"),
        "a04-3-test": ("rfm_table", "scores", "segments"),
        "a04-4-test": ("abc", "gini", "rfm_table", "top20_share"),
        "a04-5-test": ("rfm_table", "tier", "tier_table"),
        "a04-6-test": ("clusters", "k", "profile", "rfm_table", "silhouette"),
    }
    assert all(not cell.forgets for cell in a04.cells)


SOLVED = ("solution", "a = 1\nb = 2\ndef f(x): return x\nimport math\nclass C: pass")


@pytest.mark.parametrize(
    ("test", "asks"),
    [
        ("a", ("a",)),
        ("math, C", ()),
        ("f(a)", ("a", "f")),
        ("a = 3\na", ()),
        ("a, b = b, 1\na", ("b",)),
        ("a += 1", ("a",)),
        ("[a for a in [1]]", ()),
        ("[x for x in [1] if x < a]", ("a",)),
        ("sum(b for a in [1])", ("b",)),
        ("g = lambda a: a + b", ("b",)),
        ("def g(a, *b): return a, b\ng(1)", ()),
        ("def g(): return a", ()),
        ("def g(): return a\ng()", ("a",)),
        ("def g(x=a): return b", ("a",)),
        ("def g():\n    def h(): return a\n    return h\ng()()", ("a",)),
        ("def g():\n    a = 1\n    return lambda: a\ng()()", ()),
        ("def g(): return h()\ndef h(): return b\n[g]", ("b",)),
        ("def g():\n    global a\n    a = 3\ng()\na", ("a",)),
        ("print(f'{a:.2f} {b!r}')", ("a", "b")),
        ("print(*a, **b)", ("a", "b")),
        ("if b: a = 1\na", ("a", "b")),
        ("if b: a = 1\nelse: a = 2\na", ("b",)),
        ("for a in [1]: a", ()),
        ("for a in []: pass\na", ("a",)),
        ("for i in [1, 2]:\n    if i > 1: g()\n    def g(): return a", ("a",)),
        ("while True:\n    a = 1\n    break\na", ("a",)),
        ("with f(1) as a: pass\na", ("f",)),
        ("try: a = f(1)\nexcept Exception: pass\na", ("a", "f")),
        ("try: pass\nfinally: a = 1\na", ()),
        ("match b:\n    case [a]: a\na", ("a", "b")),
        ("class D:\n    a = 1\n    c = a, b", ("b",)),
        ("class D:\n    def m(self): return a\nD().m()", ("a",)),
        ("del a\na", ("a",)),
        ("import numpy as a\na", ()),
        ("g = {'x': lambda: a}\ng['x']()", ("a",)),
        ("g = {}\ndef h(): return a\ng['x'] = h\ng", ("a",)),
        ("g = []\ndef h(): return a\ng.append(h)\ng", ("a",)),
        ("from functools import cache\n@cache\ndef g(): return a", ("a",)),
        ("import pandas as pd\npd.DataFrame().query('x > @a')", ("a",)),
        ("(a := 3)", ()),
    ],
)
def test_what_a_test_asks_for(test: str, asks: tuple[str, ...]) -> None:
    assert asked(SOLVED, ("test", test)) == asks


def test_helpers_of_earlier_tests_ask_at_the_place_where_they_are_used() -> None:
    helper = ("test", "def own(): return a if right else b\nright = 1\nown_too = own")
    assert asked(SOLVED, helper) == ("a", "b")  # `own_too` might have been called
    assert asked(helper, SOLVED, ("test", "own()")) == ("a", "b")
    assert asked(helper, SOLVED, ("test", "own_too()")) == ("a", "b")
    assert asked(helper, SOLVED, ("test", "a = b = 1\nown()")) == ()
    assert asked(SOLVED, ("solution", "def own(): return 1"), ("test", "own()")) == ("own",)


def test_given_value_after_a_solution_is_the_trusted_one() -> None:
    assert asked(SOLVED, ("given", "a = 5"), ("test", "a, b")) == ("b",)
    assert asked(("given", "a = 5"), SOLVED, ("test", "a")) == ("a",)
    assert asked(("given", "a = 5"), ("test", "a"), SOLVED) == ()


def test_test_that_may_stop_early_leaves_the_answer_to_the_next() -> None:
    assert asked(SOLVED, ("test", "assert b\na = 5"), ("test", "a")) == ("a",)


def test_trusted_value_that_a_solution_replaced_is_forgotten_once() -> None:
    source = book(
        ("given", "a = 0\nimport math"), ("solution", "a = 1\nimport math\nc = 2"), ("test", "a"), ("test", "a = 1")
    )
    assert [cell.forgets for cell in source.cells] == [(), (), ("a",), ()]
    again = book(("test", "a = 0"), ("solution", "a = 1"), ("given", "a = 2"), ("test", "a"))
    assert [cell.forgets for cell in again.cells] == [(), (), ("a",), ()]


def test_name_that_a_function_binds_by_global_is_forgotten_too() -> None:
    helper = ("test", "def g():\n    global a\n    a = 2\ng()")
    source = book(("solution", "a = 1"), helper, ("solution", "a = 3"), ("test", "a"))
    assert source.cells[-1].forgets == ("a",)


class Bench(dict):
    """Globals of the judge: trusted names, and behind them the answers of the place."""

    answers: dict[str, Any]

    def __missing__(self, name: str) -> Any:
        return self.answers[name]


START = "a = b = t = u = 1\nf = lambda: t\nrules = [f]"
STUDENTS = [
    "a = {n}",
    "b = a + {n}",
    "t = {n} + b",
    "u = b",
    "for t in range({n}): pass",
    "if b > {n}: u = b\nelse: u = 0",
]
TRUSTED = ["t = {n}", "t = u + a", "if a > {n}: t = b", "f = lambda: u * a", "def f(): return t + b"]
TESTS = [
    *TRUSTED,
    *("note(a)", "note(t)", "note(f())", "rules.append(f)", "note([g() for g in rules])", "note(f'{{t}} {{u}}')"),
    *("def f():\n    global u\n    u = {n}\n    return a", "for u in [t, a]: note(u)", "assert a < {n}", "g = f"),
    "try: note(g())\nexcept NameError: note('?')",
]


def code(lines: list[str]) -> st.SearchStrategy[str]:
    statement = st.builds(lambda line, n: line.format(n=n), st.sampled_from(lines), st.integers(1, 9))
    return st.lists(statement, min_size=1, max_size=4).map("\n".join)


def run(source: str, names: dict[str, Any], seen: list[Any]) -> None:
    names["note"] = seen.append
    with contextlib.suppress(AssertionError):
        exec(source, names)


CELLS = st.one_of(
    st.tuples(st.just("solution"), code(STUDENTS)),
    st.tuples(st.just("test"), code(TESTS)),
    st.tuples(st.just("given"), code(TRUSTED)),
)


@given(st.lists(CELLS, max_size=8))
def test_two_rooms_see_what_one_kernel_sees(cells: list[tuple[str, str]]) -> None:
    """Names that tests bind (t, u) are never read by solutions: that tests can't speak to students is the point."""
    source = book(("given", START), *cells, ("test", "note(a), note(t), note(u), note(f())"))
    kernel: dict[str, Any] = {}
    student: dict[str, Any] = {}
    judge = Bench()
    in_kernel: list[Any] = []
    in_judge: list[Any] = []
    for cell in source.cells:
        run(cell.source, kernel, in_kernel if cell.role is Role.TEST else [])
        if cell.role is not Role.TEST:
            run(cell.source, student, [])
        if cell.trusted:
            for name in cell.forgets:
                judge.pop(name, None)
            judge.answers = {name: student[name] for name in cell.asks if name in student}
            run(cell.source, judge, in_judge if cell.role is Role.TEST else [])
    assert in_judge == in_kernel


# --- the linter -------------------------------------------------------------------------------------------------------


def told(*cells: tuple[str, str], points: float = 1.0) -> list[tuple[str, int, str]]:
    return [tuple(flaw) for flaw in linter.lint(book(*cells, points=points))]


def test_a04_has_no_flaw(a04: Source) -> None:
    assert linter.lint(a04) == []


SOLUTION = (
    "from sklearn.cluster import KMeans\nfrom dataclasses import dataclass\n"
    "a = {'x': 1}\nfig = model = clock = KMeans(2)\n"
    "def f(x): return x\nclass Point: pass\n@dataclass\nclass Deal:\n    margin: float\ndeal = Deal(3)"
)
NAMED = "import numpy as np\nimport inspect\nimport matplotlib.pyplot as plt\nfrom autograder import checks\n"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("KMeans(2)", "`KMeans`，它由答题单元格导入，传不过来；请在这里自己导入"),
        ("assert isinstance(a, Point)", "`Point`，它是答题单元格里定义的类"),
        ("model.predict([[1]])", "自带属性 `predict`"),
        ("fig.axes[0].get_xlabel()", "自带属性 `get_xlabel`"),
        ("a['t'].paid", '若是列，请写成 ["paid"]'),
        ("globals()['a']", "`globals`，它只看得到评分进程自己"),
        ("locals()", "`locals`"),
        ("vars()", "`vars`"),
        ("get_ipython()", "`get_ipython`"),
        ("In[1]", "`In`"),
        ("Out[1]", "`Out`"),
        ("_ == 3", "`_`"),
        ("open('x.csv')", "`open`"),
        ("input()", "`input`"),
        ("exec('a')", "`exec`"),
        ("eval('a')", "`eval`"),
        ("plt.gcf()", "`gcf`，学生画的图不在评分进程里"),
        ("plt.gca().get_title()", "`gca`"),
        ("inspect.getsource(f)", "答案的源代码"),
        ("np.mean = None", "给 `np.mean` 赋值只改了评分这一边"),
        ("del np.linalg.norm", "给 `np.linalg.norm` 赋值"),
        ("np.zeros(3).query('x > @a')", "字符串里的 `@a`"),
        ("%matplotlib inline", "IPython 的 % 与 ! 命令"),
        ("files = !ls", "IPython 的 % 与 ! 命令"),
        ("try: f(1)\nexcept ValueError: pass", "请写 except Exception"),
        ("nobody + 1", "`nobody`，在它之前没有任何单元格给它赋值"),
        ("late + 1", "`late`，在它之前没有任何单元格给它赋值"),
        ("def g(): return nobody", "`nobody`"),
        ("score.part(1, a, '')", "没有新建 checks.Score"),
        ("score.compare(1, a, a, otherwise='')", "没有新建 checks.Score"),
        ("score.total", "没有新建 checks.Score"),
        ("checks.Score(1)", "最后一行却不是它的 total"),
        ("checks.Score(2).total", "checks.Score(2) 与这一格的分值 1 不一致"),
    ],
)
def test_each_flaw_is_told_at_its_line(line: str, part: str) -> None:
    start = NAMED + ("score = None\n" if line.startswith("score") else "")
    found = told(("solution", SOLUTION), ("test", start + line), ("solution", "late = 1"))
    assert [(cell, at) for cell, at, _sentence in found] == [("c1", start.count("\n") + 1)]
    assert part in found[0][2]


@pytest.mark.parametrize(
    "line",
    [
        "from sklearn.cluster import KMeans\nKMeans(2)",
        "a.items(), a['x'].sum(), a['x'].dt.days, f(1).anything",
        "fig.axes[0].lines[0].x, fig.title, fig.value",
        "deal.margin",
        "for _ in range(3): print(_)",
        "model = f(1)\nmodel.predict(1)",
        "[model.predict(1) for model in [f(1)]]",
        "def g(model): return model.predict(late)\ng(f(1))",
        "np.zeros(3).compare(a), 'a@b.com', 'x > @limit'",
        "try: f(1)\nexcept Exception as error: error.args",
        "np.random.default_rng(1).random()",
        "s = checks.Score(1)\ns.part(1, True, '')\ns.total",
        "from math import *\nsqrt(2)",
        "import numpy\ntable = f(1)\ntable.columns = ['x']",
    ],
)
def test_what_works_is_not_told(line: str) -> None:
    assert told(("solution", SOLUTION), ("test", NAMED + line), ("solution", "late = 1")) == []


def test_code_cell_without_a_role_is_told() -> None:
    assert [(cell, line) for cell, line, _s in told(("loose", "x = 1"), ("given", "y = 1"))] == [("c0", 1)]


def test_given_cell_may_build_on_answers() -> None:
    cells = ("solution", "a = 1"), ("given", "b = a + 1"), ("test", "assert b == 2")
    assert told(*cells) == []
    assert [cell.asks for cell in book(*cells).cells] == [(), ("a",), ()]


def test_visible_half_must_stand_alone() -> None:
    hidden = f"{contract.HIDDEN_BEGIN}\nlimit = 3\ndef near(x): return abs(x - limit) < 1\n{contract.HIDDEN_END}\n"
    found = told(("solution", "a = 1"), ("test", f"{hidden}assert a\nassert near(a)"), ("test", "assert a < limit"))
    assert [(cell, line) for cell, line, _s in found] == [("c1", 6), ("c2", 1)]
    assert "`near`，它只在隐藏测试里赋值" in found[0][2]
    broken = f"if a:\n{contract.HIDDEN_BEGIN}\n    assert a\n{contract.HIDDEN_END}"
    assert "去掉隐藏测试以后" in told(("solution", "a = 1"), ("test", broken))[0][2]


# --- the page for authors ---------------------------------------------------------------------------------------------

ROLES = {"给定": "given", "答题": "solution", "测试": "test"}
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def example(text: str) -> Source:
    """The cells of an example: each begins at a line ``# 给定``, ``# 答题`` or ``# 测试``."""
    parts = re.split(r"^# (给定|答题|测试)\n", text, flags=re.MULTILINE)[1:]
    points = re.search(r"Score\((\d+)\)", text)
    cells = [(ROLES[head], body) for head, body in zip(parts[::2], parts[1::2], strict=True)]
    return book(*cells, points=float(points[1]) if points else 1)


def across(value: Any) -> Any:
    """The value as the judge gets it."""
    kept: list[Any] = []

    def keep(function: Any) -> int:
        kept.append(function)
        return len(kept) - 1

    return wire.decode(wire.encode(value, keep), lambda handle, data: wire.answer_call(kept[handle], data, keep))


def test_page_has_examples_of_both_kinds() -> None:
    assert sum("✗" in text for text in EXAMPLES) == 2
    assert len(EXAMPLES) == 6


@pytest.mark.parametrize("text", EXAMPLES)
def test_linter_says_of_each_example_what_stands_beside_it(text: str) -> None:
    source = example(text)
    wanted = [
        (cell.id, number, line.partition("# ✗ ")[2])
        for cell in source.cells
        for number, line in enumerate(cell.source.splitlines(), 1)
        if "# ✗ " in line
    ]
    found = linter.lint(source)
    assert [flaw[:2] for flaw in found] == [flaw[:2] for flaw in wanted], found
    for flaw, (_cell, _line, part) in zip(found, wanted, strict=True):
        assert part in flaw.message


@pytest.mark.parametrize("text", [text for text in EXAMPLES if "✗" not in text])
def test_examples_that_are_right_give_all_points_across_the_wire(text: str, capsys: pytest.CaptureFixture) -> None:
    student: dict[str, Any] = {}
    judge = Bench()
    for cell in example(text).cells:
        if cell.role is Role.TEST:
            judge.answers = {name: across(student[name]) for name in cell.asks}
            head, _newline, last = re.sub(r"### .*\n?", "", cell.source).rstrip().rpartition("\n")
            exec(head, judge)
            assert eval(last, judge) == cell.points
        else:
            exec(cell.source, student)
            if cell.trusted:
                exec(cell.source, judge)
    assert "✗" not in capsys.readouterr().out
