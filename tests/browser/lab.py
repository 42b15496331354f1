"""The exercises of a chapter in a JupyterLab as students have it, without a hub: run, found and used.

A module that tests the exercises of a chapter names it ``CHAPTER`` and takes the fixture ``page``.
"""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect

from course.hub.preflight import free_ports
from crmlab.paths import course_root
from tests.browser.window import new_window
from tests.classes import status
from tests.waiting import PATIENCE, eventually

SECOND = 1000
CONFIG = course_root() / "course" / "hub" / "server_config.py"


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs: its root, its address, and the token that opens it."""

    home: Path
    url: str
    token: str

    @contextmanager
    def opened(self, browser: Browser, chapter: str) -> Iterator[Page]:
        """The page of a chapter's exercises and quiz, all of which have run."""
        nbformat.write(exercises_of(chapter), self.home / f"{chapter}.ipynb")
        context = new_window(browser, viewport={"width": 1300, "height": 1000})
        page = context.new_page()
        page.goto(f"{self.url}/lab/workspaces/{chapter}/tree/{chapter}.ipynb?token={self.token}")
        run_all(page)
        yield page
        context.close()


def exercises_of(chapter: str) -> nbformat.NotebookNode:
    """A chapter's exercises and its quiz; the code that leads to each of them in one silent cell before it.

    A browser draws that several times quicker than the whole chapter, which is read in test_class and test_book.
    """
    notebook = nbformat.read(course_root() / "chapters" / f"{chapter}.ipynb", as_version=4)
    cells, before = [], []
    for cell in notebook.cells:
        if any(tag == "quiz" or tag.startswith("ex-") for tag in cell.metadata.get("tags", [])):
            cells += [nbformat.v4.new_code_cell("\n".join(["%%capture", *before])), cell]
            before = []
        elif cell.cell_type == "code":
            before.append(cell.source)
    notebook.cells = cells
    return notebook


@contextmanager
def serving_lab(home: Path) -> Iterator[Lab]:
    """A JupyterLab whose root is ``home``."""
    port, token = free_ports(1)[0], secrets.token_urlsafe(24)
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", f"--config={CONFIG}", f"--port={port}", "--no-browser", "--allow-root",
         "--ServerApp.port_retries=0", f"--ServerApp.root_dir={home}"],
        env=os.environ | {"JUPYTER_TOKEN": token, "CRM_ROLE": "student", "CRM_STUDENT_ID": "student01",
                          "JUPYTER_RUNTIME_DIR": str(home / ".run"), "HOME": str(home)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        eventually(lambda: server.poll() is not None or status(f"http://127.0.0.1:{port}/api?token={token}") == 200)
        assert server.poll() is None, "JupyterLab did not start"
        yield Lab(home, f"http://127.0.0.1:{port}", token)
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def run_all(page: Page) -> None:
    """The menu's command, and wait until all cells have run."""
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| 空闲")
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^运行$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^运行所有单元格")).first.click()
    all_have_run(page.locator(".jp-NotebookPanel"))


def all_have_run(panel: Locator) -> None:
    """Wait until the cells that were just ordered to run have run. Before the first has begun, all looks idle, too."""
    prompts = panel.locator(".jp-CodeCell .jp-InputPrompt")
    expect(prompts.filter(has_text=re.compile(r"\[[\d*]+\]")).first).to_be_attached()
    expect(panel.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute("data-status", "idle")


def in_view(page: Page, wanted: Locator) -> Locator:
    """Scroll down until it is there, and again from the top: JupyterLab doesn't draw cells that are out of view."""
    for step in range(600):
        if wanted.count():
            break
        if step % 120 == 119:
            top_of(page)
        page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer").hover()
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(150)
    wanted.first.scroll_into_view_if_needed()
    return wanted


def exercise(page: Page, name: str) -> Locator:
    """The box of an exercise, e.g. ex-04-1. Further down the page than the last one, or after :func:`top_of`."""
    return in_view(page, page.locator(".crm-exercise", has=page.locator(f"h4:has-text('{name}')")))


def top_of(page: Page) -> None:
    page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer").evaluate("e => e.scrollTop = 0")


def control(box: Locator, label: str) -> Locator:
    """Of the controls with these words in their label, those in sight."""
    return box.locator(".crm-control:visible", has=box.page.locator(f".widget-label:has-text('{label}')"))


def slide(box: Locator, label: str, value: float) -> None:
    """Type a number into the readout of a slider, as the hint below the controls says."""
    readout = control(box, label).locator(".widget-readout")
    readout.click()
    readout.press("Control+a")
    readout.press_sequentially(str(value))
    readout.press("Enter")


def choose(box: Locator, name: str) -> None:
    """Press one of the buttons of a choice, or of the actions."""
    # An icon before the word, a character for private use, is part of the button's name.
    box.get_by_role("button", name=re.compile(rf"^[\ue000-\uf8ff\s]*{re.escape(name)}$")).click()


def verdict(box: Locator, kind: str) -> Locator:
    found = box.locator(f".crm-verdict.crm-{kind}")
    expect(found).to_be_visible()
    return found


def overflow(page: Page, name: str, picture: Path) -> float:
    """By how many pixels an exercise is too wide for a window of 400; its picture is kept."""
    page.keyboard.press("Control+b")  # without the side bar, as on a phone
    page.set_viewport_size({"width": 400, "height": 900})
    page.wait_for_timeout(SECOND)
    top_of(page)
    box = exercise(page, name)
    width = box.evaluate("e => e.scrollWidth - e.clientWidth")
    box.screenshot(path=picture)
    page.set_viewport_size({"width": 1300, "height": 1000})
    page.keyboard.press("Control+b")
    return float(width)
