"""Grades a tiny class in a process of its own, so that a test can do to it what befalls real ones.

``python -m tests.grading.driver FOLDER [--real] [--die-at POINT:N | --pause-at POINT:N]``; most tests fork it instead
from a process that has imported all this already.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from autograder import store
from autograder.gradebook import Gradebook
from autograder.runner import Backend
from autograder.store import Store
from crmlab.errors import CourseError
from tests.grading.tiny import Fake, TinyClass

POINTS: dict[str, tuple[Any, str, str]] = {
    "before-record": (Store, "save", "before"),
    "half-record": (store, "replace_file", "after"),  # its first call of a record writes the notebook
    "after-record": (Store, "save", "after"),
    "after-superseded": (Store, "keep_superseded", "after"),
    "before-commit": (Gradebook, "_enter", "before"),
    "before-flush": (Session, "flush", "before"),  # a new student's, its first call
    "after-commit": (Gradebook, "_enter", "after"),
    "after-notebook": (Gradebook, "_lay_out", "after"),
}


def at(point: str, act: Callable[[], None]) -> None:
    """Have ``act`` done at the n-th time a point is passed."""
    name, number = point.split(":")
    holder, function, when = POINTS[name]
    original, passed = getattr(holder, function), 0

    def watched(*args: Any, **options: Any) -> Any:
        nonlocal passed
        passed += 1
        if when == "before" and passed == int(number):
            act()
        result = original(*args, **options)
        if when == "after" and passed == int(number):
            act()
        return result

    setattr(holder, function, watched)


def forked(arguments: list[str], db_url: str, out: str) -> None:
    """As a process of its own that has just been forked: what it says goes to files."""
    os.setsid()
    for descriptor, kind in ((1, "told"), (2, "said")):
        os.dup2(os.open(f"{out}.{kind}", os.O_WRONLY | os.O_CREAT), descriptor)
    os.environ["TINY_DB"] = db_url
    main(arguments)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patience", type=float, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--die-at", default="")
    parser.add_argument("--pause-at", default="")
    options = parser.parse_args(arguments)
    if options.die_at:
        at(options.die_at, lambda: os.kill(os.getpid(), signal.SIGKILL))
    if options.pause_at:
        at(options.pause_at, lambda: _pause(options.folder / "paused"))
    backend: Any = Backend(options.workers) if options.real else Fake(options.workers)
    try:
        summary = TinyClass(options.folder, os.environ.get("TINY_DB", ""), options.patience).grade(
            backend, force=options.force
        )
    except CourseError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    finally:
        backend.close()
    kinds = {"graded": summary.graded, "entered": summary.entered, "unchanged": summary.unchanged}
    told = {kind: sorted(record.student for record in records) for kind, records in kinds.items()}
    print(json.dumps({**told, "failed": summary.failed}), flush=True)


def _pause(sign: Path) -> None:
    """Say so and go on when the sign is taken away."""
    sign.touch()
    while sign.exists():
        time.sleep(0.02)


if __name__ == "__main__":
    main()
