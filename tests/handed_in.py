"""Submissions of an assignment as students hand them in: the release, with answers in its slots."""

import copy
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from autograder import submission
from autograder.contract import STUBS, Role, Source
from course.hub.classroom import Classroom

STAMP = "2026-11-22 08:00:00.000000 UTC"
Answer = str | Callable[[str], str]


def notebook(source: Source, answers: Mapping[str, Answer] | None = None) -> dict[str, Any]:
    """The released notebook with the reference solution in every slot, but for ``answers``.

    ``answers``: by task, whole cells or what makes them from the reference.
    """
    answers = answers or {}
    cells = []
    for cell in source.cells:
        text = submission.released(cell, STUBS)
        if submission.is_slot(cell):
            text = reference(cell.source)
            answer = answers.get(cell.id.rpartition("-")[0])
            if answer is not None and cell.role is Role.SOLUTION:
                text = answer(text) if callable(answer) else answer
        code = {"outputs": [], "execution_count": None} if cell.kind == "code" else {}
        cells.append(
            {"cell_type": cell.kind, "id": cell.id, "metadata": copy.deepcopy(cell.metadata), "source": text, **code}
        )
    return {"cells": cells, "metadata": copy.deepcopy(source.metadata), "nbformat": 4, "nbformat_minor": 5}


def reference(text: str) -> str:
    """A solution cell without the lines that mark its solution."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(("### BEGIN", "### END")))


def hand_in(classroom: Classroom, assignment: str, student: str, document: Mapping[str, Any], name: str) -> Path:
    """Lay a submission where ``collect`` lays it."""
    folder = classroom.course / "submitted" / student / assignment
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "timestamp.txt").write_text(STAMP)
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(document, ensure_ascii=False))
    return path


def mixed_answers(right: Mapping[str, list[tuple]], wrong: Mapping[str, list[tuple]]) -> Iterator[dict[str, Answer]]:
    """Endless answer sheets: every second one the reference, the others with a wrong and a differently-right task."""
    mistakes = itertools.cycle([(task, row[1]) for task, rows in wrong.items() for row in rows])
    others = itertools.cycle([(task, row[1]) for task, rows in right.items() for row in rows])
    while True:
        yield {}
        yield dict([next(others), next(mistakes)])
