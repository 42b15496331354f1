"""Speed as ratios within one run, and the few limits that a reader waits for: ``make bench`` prints them."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from course import model
from course.hub.preflight import free_ports
from crmlab import data, rfm
from crmlab.paths import course_root
from tests.browser.classroom import start_class


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The best of some runs."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


@pytest.fixture(scope="module")
def shop() -> data.Tables:
    return data.load("ecommerce")


def rfm_by_loops(purchases: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, tuple[int, int, float]]:
    """What RFM costs without groupby: the yardstick."""
    last: dict[str, pd.Timestamp] = {}
    days: dict[str, set[pd.Timestamp]] = {}
    money: dict[str, float] = {}
    for customer, date, amount in zip(purchases["customer_id"], purchases["date"], purchases["amount"], strict=True):
        last[customer] = max(last.get(customer, date), date)
        days.setdefault(customer, set()).add(date)
        money[customer] = money.get(customer, 0.0) + amount
    return {key: ((as_of - last[key]).days, len(days[key]), money[key]) for key in last}


def test_rfm_beats_loops(shop):
    purchases = data.purchases(shop)
    loops, library = (
        seconds(lambda: rfm_by_loops(purchases, shop.as_of)),
        seconds(lambda: rfm.rfm(purchases, shop.as_of)),
    )
    print(
        f"\nRFM of {len(purchases):,} purchases: loops {loops:.3f} s, library {library:.3f} s, {loops / library:.1f}×"
    )
    assert loops / library > 2


def test_cost_grows_no_faster_than_the_data(shop):
    purchases = data.purchases(shop)
    copies = [purchases.assign(customer_id=purchases["customer_id"] + f"-{n}") for n in range(8)]
    eightfold = pd.concat(copies, ignore_index=True)
    small, large = (seconds(lambda f=frame: rfm.score(rfm.rfm(f, shop.as_of))) for frame in (purchases, eightfold))
    print(f"\nRFM scores of 8 times the purchases: {large / small:.1f}× the time")
    assert large / small < 12


def test_draw_is_cheaper_than_two_loads(shop):
    draw, load = (seconds(lambda: data.draw("ecommerce", "bench")), seconds(lambda: data.load("ecommerce")))
    print(f"\ndraw for one student {draw:.3f} s, load {load:.3f} s, {draw / load:.2f}×")
    assert draw / load < 2


def test_import_is_light():
    def run(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    light, heavy = seconds(run("import crmlab")), seconds(run("import pandas, matplotlib.pyplot, sklearn.cluster"))
    print(f"\nimport crmlab {light:.2f} s, the scientific stack {heavy:.2f} s, {heavy / light:.1f}×")
    assert heavy / light > 3


def test_second_book_is_five_times_faster(tmp_path: Path):
    from course.book.build import build_book

    build = lambda: build_book(out=tmp_path / "book")  # noqa: E731
    first, second = seconds(build, times=1), seconds(build, times=1)
    print(f"\nbook: first {first:.1f} s, second {second:.1f} s, {first / second:.0f}×")
    assert first / second > 5


@pytest.mark.parametrize("chapter", [chapter.id for chapter in model.load().written_chapters()])
def test_a_chapter_runs_within_a_minute(chapter: str):
    path = course_root() / "chapters" / f"{chapter}.ipynb"
    client = NotebookClient(nbformat.read(path, as_version=4), timeout=120, kernel_name="python3")
    whole = seconds(lambda: client.execute(cwd=str(path.parent)), times=1)
    print(f"\n{chapter}: {whole:.1f} s from top to bottom, with the start of the kernel")
    assert whole < 60


def test_second_start_of_a_class(tmp_path: Path):
    folder, port = tmp_path / "class", free_ports(1)[0]
    starts = []
    for _ in range(2):
        running = start_class(folder, port)
        starts.append(running.seconds)
        running.stop()
    print(f"\nclass: first start {starts[0]:.1f} s, second {starts[1]:.1f} s")
    assert starts[1] < 20
