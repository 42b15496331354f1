"""Play an assignment's source notebook in this process: put in other answers, read what the tests give.

Plain ``exec`` in one namespace: what nbgrader does with a kernel, some hundred times quicker. That both agree is
tested in test_assignments.py.
"""

import ast
import contextlib
import io
import os
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from crmlab.paths import course_root

Answer = str | Callable[[dict[str, Any]], None]
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION\n?", re.DOTALL)


@dataclass(frozen=True)
class Verdict:
    """What one test cell said: points earned, points offered, what the student reads."""

    points: float
    of: float
    told: str


class Assignment:
    """The source notebook of an assignment."""

    def __init__(self, path: str) -> None:
        self.path: Path = course_root() / "assignments" / path
        self.cells = nbformat.read(self.path, as_version=4).cells
        self._rewind()

    def solution(self, task: str) -> str:
        """The reference code of a task, without markers."""
        cell = next(cell for cell in self.cells if cell["id"] == f"{task}-solution")
        match = SOLUTION.search(cell.source)
        assert match, f"{task} has no solution region"
        return match[1]

    @property
    def tasks(self) -> list[str]:
        return [cell["id"].removesuffix("-test") for cell in self.cells if cell["id"].endswith("-test")]

    def play(self, answers: Mapping[str, Answer]) -> dict[str, Verdict]:
        """Run the notebook with ``answers`` (code, or a function of the namespace) in place of the reference."""
        namespace: dict[str, Any] = {"__name__": "__main__"}
        verdicts: dict[str, Verdict] = {}
        for cell in self.cells:
            if cell.cell_type != "code":
                continue
            task, _, kind = cell["id"].rpartition("-")
            if kind == "test":
                verdicts[task] = run_test(cell.source, float(cell.metadata.nbgrader.points), namespace)
            elif kind == "solution":
                self._answer(answers.get(task, self.solution(task)), namespace)
            else:
                run(cell.source, namespace)
        self.namespace = namespace
        return verdicts

    def try_one(self, task: str, answer: Answer) -> Verdict:
        """What ``task``'s test says to an answer that follows the reference solutions of the tasks before.

        These are played once and kept; the answer is tried in a forked process, and spoils nothing. Cheapest in the
        order of the tasks.
        """
        if self.tasks.index(task) < self._next:
            self._rewind()
        while self._next < self.tasks.index(task):
            self._advance(self.tasks[self._next], self.solution(self.tasks[self._next]))
            self._next += 1
        return forked(lambda: self._advance(task, answer))

    def _rewind(self) -> None:
        self._kept: dict[str, Any] = {"__name__": "__main__"}
        self._next, self._place = 0, 0

    def _advance(self, task: str, answer: Answer) -> Verdict:
        """Play the cells from the present place up to the test of ``task``."""
        while True:
            cell = self.cells[self._place]
            self._place += 1
            if cell.cell_type != "code":
                continue
            if cell["id"] == f"{task}-test":
                return run_test(cell.source, float(cell.metadata.nbgrader.points), self._kept)
            if cell["id"] == f"{task}-solution":
                self._answer(answer, self._kept)
            else:
                run(cell.source, self._kept)

    def _answer(self, answer: Answer, namespace: dict[str, Any]) -> None:
        if callable(answer):
            answer(namespace)
            return
        # A student's error stops this cell only; the tests then say what is missing.
        with contextlib.suppress(Exception):
            run(answer, namespace)


def run(source: str, namespace: dict[str, Any]) -> tuple[Any, str]:
    """Execute a cell; the value of its last expression and what it printed."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), namespace)
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace) if last else None
    return value, printed.getvalue()


def run_test(source: str, offered: float, namespace: dict[str, Any]) -> Verdict:
    """Points as nbgrader counts them: an error is 0, a number is that many, no value is all."""
    try:
        value, told = run(source, namespace)
    except Exception as error:
        return Verdict(0.0, offered, f"{type(error).__name__}: {error}")
    return Verdict(offered if value is None else float(value), offered, told)


def forked(work: Callable[[], Verdict]) -> Verdict:
    """What ``work`` returns in a copy of this process."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        try:
            with os.fdopen(theirs, "wb") as out:
                pickle.dump(work(), out)
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as said:
        told = said.read()
    os.waitpid(child, 0)
    assert told, "the copy of this process died"
    verdict: Verdict = pickle.loads(told)
    return verdict
