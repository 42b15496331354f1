"""The judge's room: runs the instructor's tests on what the student handed over.

The instructor's own cells run here too, so that ``pd``, ``data`` or ``AS_OF`` in a test are the instructor's. A name
that a test reads and the instructor hasn't set is an *answer*: it is opened when it is first read, and arrives as
plain data whatever it was.
"""

import ast
import builtins
import contextlib
import io
import traceback
import warnings
from collections.abc import Mapping
from typing import Any

import pandas as pd

from autograder import checks, wire
from autograder.messages import Call, Enter, Outcome, Ran, Ready, RunGiven, RunTest, Verdict, pack, unpack
from autograder.records import TestPart
from autograder.sandbox.channel import Channel, ChannelClosedError
from autograder.sandbox.limits import Limits
from autograder.student import settle
from autograder.wire.names import clean
from crmlab.errors import CourseError
from crmlab.i18n import _

TEST_FILE = "<test>"
MOST_TOLD = 20_000


class Bench(dict[str, Any]):
    """The names of the tests: the instructor's, and behind them the student's answers.

    A dictionary whose missing names are asked for works as the globals of ``exec``; functions that a test defines look
    names up here as well.
    """

    def __init__(self, channel: Channel) -> None:
        super().__init__(__name__="__main__", __builtins__=__builtins__)
        self._channel = channel
        self._asks: frozenset[str] = frozenset()
        self._sealed: Mapping[str, bytes] = {}
        self._opened: dict[str, Any] = {}
        self.seen: dict[str, str] = {}

    def lay_out(self, cell: RunGiven) -> None:
        """Make the answers for the next cell available, forget older ones."""
        for name, value in self._opened.items():
            if self.get(name) is value:  # else a test has put its own in its place, which stays
                del self[name]
        for name in cell.forgets:
            self.pop(name, None)
        self._asks, self._sealed = frozenset(cell.asks), cell.answers
        self._opened, self.seen = {}, {}

    def __missing__(self, name: str) -> Any:
        if name not in self._asks:
            raise KeyError(name)
        if name not in self._sealed:
            self.seen[name] = _("没有")
            raise checks.FormError(
                _("找不到 `{name}`：请检查变量名的拼写；如果它前面的单元格报了错，先改正那里。").format(name=name)
            )
        try:
            value = wire.decode(self._sealed[name], self._call)
        except wire.WireError as error:
            self.seen[name] = _("读不出来（{reason}）").format(reason=error)
            raise checks.FormError(_("`{name}` 读不出来，不能评分。").format(name=name)) from None
        self.seen[name] = wire.describe(value)
        self._opened[name] = self[name] = value
        return value

    def _call(self, handle: int, arguments: bytes) -> bytes:
        self._channel.send(pack(Call(handle, arguments)))
        answer = unpack(self._channel.receive())
        assert isinstance(answer, Outcome)
        if not answer.sealed:
            raise checks.FormError(_("函数没有在规定的时间内返回结果。"))
        return answer.sealed


def warm_up() -> None:
    """In the zygote: open an answer with a time zone, for which the list of all zones is read once."""
    wire.decode(wire.encode(pd.Timestamp("2025-01-01", tz="Asia/Shanghai")))


def main(channel: Channel, _limits: Limits) -> None:
    """In the room: obey the driver until it is gone."""
    bench = Bench(channel)
    while True:
        try:
            message = unpack(channel.receive())
        except ChannelClosedError:
            return
        if isinstance(message, Enter):
            settle(message)
            channel.send(pack(Ready()))
        elif isinstance(message, RunTest):
            channel.send(pack(_judge(message, bench)))
        elif isinstance(message, RunGiven):
            channel.send(pack(Ran(_run_given(message, bench))))


def _run_given(cell: RunGiven, bench: Bench) -> str:
    bench.lay_out(cell)
    try:
        _execute(cell.source, bench, io.StringIO())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _execute(source: str, bench: Bench, printed: io.StringIO) -> Any:
    """Run a cell; the value of its last expression."""
    tree = ast.parse(source, TEST_FILE)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(tree, TEST_FILE, "exec"), bench)
        if isinstance(last, ast.Expr):
            return eval(compile(ast.Expression(last.value), TEST_FILE, "eval"), bench)
        return None


def _judge(test: RunTest, bench: Bench) -> Verdict:
    bench.lay_out(test)
    checks.Score.made.clear()
    printed, stopped, fault, score = io.StringIO(), "", "", 0.0
    try:
        score, fault = _points(_execute(test.source, bench, printed), test.points)
    except CourseError as error:  # the visible half of the test, or an answer that is missing
        stopped = str(error)
    except wire.RemoteError as error:
        stopped = _("你的函数报错了（{error}）。请先在自己的单元格里把它试通。").format(error=_told_kind(error))
    except AssertionError as error:
        stopped = str(error) or _("答案没有通过检查。")
    except Exception as error:
        stopped = _("这一题的答案没法检查：请核对它的类型和内容。")
        fault = _where(error)
    parts = [
        TestPart(offered, earned, clean(hint)) for made in checks.Score.made for offered, earned, hint in made.parts
    ]
    told = clean(printed.getvalue() + stopped, MOST_TOLD)
    return Verdict(score, told, dict(bench.seen), parts, clean(stopped), clean(fault))


def _told_kind(error: wire.RemoteError) -> str:
    """Of a student's exception only the name, and only Python's own: the rest could carry what the test called with."""
    kind = getattr(builtins, error.kind, None)
    return error.kind if isinstance(kind, type) and issubclass(kind, BaseException) else "Exception"


def _points(value: Any, offered: float) -> tuple[float, str]:
    """Points by nbgrader's rule: a number is that many, anything else without an error is all of them.

    The rule is the book of record's; a value that is no score is told, because its author meant something else.
    """
    if value is None:
        return offered, ""
    try:
        points = float(value)
    except (TypeError, ValueError):
        return offered, _("测试的最后一个表达式不是分数。")
    if not 0 <= points <= offered:
        return 0.0, _("测试给出了 {points} 分，应当在 0 与 {offered} 之间。").format(points=points, offered=offered)
    return points, ""


def _where(error: Exception) -> str:
    """Kind, message and line of an error inside a test, for the instructor."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TEST_FILE]
    return _("测试第 {line} 行：{kind}：{message}").format(
        line=lines[-1] if lines else "?", kind=type(error).__name__, message=str(error)[:500]
    )
