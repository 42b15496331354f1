"""What this course adds to nbgrader's own steps. Switched on in ``nbgrader_config.py``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbgrader.preprocessors import Execute, NbGraderPreprocessor

INSTRUCTOR_TAG = "instructor"
STUDENT_VARIABLE = "CRM_STUDENT_ID"
"""Read by :func:`crmlab.data.student_id`."""


class StripInstructorCells(NbGraderPreprocessor):
    """Leaves teachers' cells (tag ``instructor``) out of what students get. Runs before all others."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        nb.cells = [cell for cell in nb.cells if INSTRUCTOR_TAG not in cell.metadata.get("tags", [])]
        return nb, resources


class ExecuteAsStudent(Execute):
    """Runs a submission with its student's id in the environment.

    Every student works on data of their own, drawn by their id; tests recompute the right answers on the same data.
    """

    def preprocess(self, nb: Any, resources: dict[str, Any], *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with variable(STUDENT_VARIABLE, resources["nbgrader"]["student"]):
            return super().preprocess(nb, resources, *args, **kwargs)


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """The environment variable ``name`` is ``value`` for a while, then what it was."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
