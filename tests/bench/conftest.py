"""One table of everything that was measured, printed at the end of the run."""

import time
from collections.abc import Callable

import pytest
from rich.console import Console
from rich.table import Table

ROWS: list[tuple[str, str, str, str]] = []


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The best of some runs."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


@pytest.fixture(scope="session")
def note() -> Callable[[str, str, str, str], None]:
    """``note(what, measured, result, bar)`` enters a row."""
    return lambda *row: ROWS.append(row)


def pytest_terminal_summary() -> None:
    table = Table("what", "measured", "result", "bar", title="tests/bench")
    for row in ROWS:
        table.add_row(*row)
    Console(width=150).print(table)
