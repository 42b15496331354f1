"""What readers, students and teachers wait for."""

from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from course import model
from course.hub.preflight import free_ports
from crmlab import data, rfm
from crmlab.paths import course_root
from tests.bench.conftest import seconds
from tests.browser.classroom import start_class


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


def test_rfm_beats_loops(shop, note: Any):
    purchases = data.purchases(shop)
    loops, library = (
        seconds(lambda: rfm_by_loops(purchases, shop.as_of)),
        seconds(lambda: rfm.rfm(purchases, shop.as_of)),
    )
    note(
        f"RFM of {len(purchases):,} purchases, loops against the library",
        f"{loops:.3f} s, {library:.3f} s",
        f"{loops / library:.1f}×",
        "> 2×",
    )
    assert loops / library > 2


def test_cost_grows_no_faster_than_the_data(shop, note: Any):
    purchases = data.purchases(shop)
    copies = [purchases.assign(customer_id=purchases["customer_id"] + f"-{n}") for n in range(8)]
    eightfold = pd.concat(copies, ignore_index=True)
    small, large = (seconds(lambda f=frame: rfm.score(rfm.rfm(f, shop.as_of))) for frame in (purchases, eightfold))
    note("RFM scores of 8 times the purchases", f"{small:.3f} s, {large:.3f} s", f"{large / small:.1f}×", "< 12×")
    assert large / small < 12


def test_draw_is_cheaper_than_two_loads(shop, note: Any):
    draw, load = (seconds(lambda: data.draw("ecommerce", "bench")), seconds(lambda: data.load("ecommerce")))
    note("ecommerce: draw for a student against load", f"{draw:.3f} s, {load:.3f} s", f"{draw / load:.2f}×", "< 2×")
    assert draw / load < 2


def test_second_book_is_five_times_faster(tmp_path: Path, note: Any):
    from course.book.build import build_book

    build = lambda: build_book(out=tmp_path / "book")  # noqa: E731
    first, second = seconds(build, times=1), seconds(build, times=1)
    note("book, first and second build", f"{first:.1f} s, {second:.1f} s", f"{first / second:.0f}×", "> 5×")
    assert first / second > 5


@pytest.mark.parametrize("chapter", [chapter.id for chapter in model.load().written_chapters()])
def test_a_chapter_runs_within_a_minute(chapter: str, note: Any):
    path = course_root() / "chapters" / f"{chapter}.ipynb"
    client = NotebookClient(nbformat.read(path, as_version=4), timeout=120, kernel_name="python3")
    whole = seconds(lambda: client.execute(cwd=str(path.parent)), times=1)
    note(f"{chapter} from top to bottom", "with the start of the kernel", f"{whole:.1f} s", "< 60 s")
    assert whole < 60


def test_second_start_of_a_class(tmp_path: Path, note: Any):
    folder, port = tmp_path / "class", free_ports(1)[0]
    starts = []
    for _ in range(2):
        running = start_class(folder, port)
        starts.append(running.seconds)
        running.stop()
    note("class, second start", f"first {starts[0]:.1f} s", f"{starts[1]:.1f} s", "< 20 s")
    assert starts[1] < 20
