"""The exercises of the chapters in a real JupyterLab: used with mouse and keyboard, as a student does."""

import os
import re
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from course.hub.preflight import free_ports
from crmlab.paths import course_root

pytestmark = pytest.mark.browser

SECOND = 1000
CHAPTER = "04-segmentation"
CONFIG = course_root() / "course" / "hub" / "server_config.py"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab as students have it, without a hub; gives the address of the chapter."""
    home = tmp_path_factory.mktemp("home")
    (home / f"{CHAPTER}.ipynb").write_bytes((course_root() / "chapters" / f"{CHAPTER}.ipynb").read_bytes())
    port, token = free_ports(1)[0], secrets.token_urlsafe(24)
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", f"--config={CONFIG}", f"--port={port}", "--no-browser", "--allow-root",
         "--ServerApp.port_retries=0", f"--ServerApp.root_dir={home}"],
        env=os.environ | {"JUPYTER_TOKEN": token, "CRM_ROLE": "student", "CRM_STUDENT_ID": "student01",
                          "JUPYTER_RUNTIME_DIR": str(home / ".run"), "HOME": str(home)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server)
        yield f"http://127.0.0.1:{port}/lab/tree/{CHAPTER}.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: int = 60) -> None:
    import time

    for _ in range(seconds * 5):
        assert server.poll() is None, "JupyterLab did not start"
        try:
            urllib.request.urlopen(url, timeout=5)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"JupyterLab did not answer in {seconds} s")


@pytest.fixture(scope="module")
def page(chromium: Browser, lab: str) -> Iterator[Page]:
    """The chapter, run from top to bottom."""
    context = chromium.new_context(locale="zh-CN", viewport={"width": 1300, "height": 1000})
    page = context.new_page()
    page.goto(lab)
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| 空闲", timeout=90 * SECOND)
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^运行$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^运行所有单元格")).first.click()
    # The notebook draws cells as they come into view: the last one shows that all have run.
    page.wait_for_timeout(2 * SECOND)
    status = page.locator(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator")
    expect(status).to_have_attribute("data-status", "idle", timeout=120 * SECOND)
    yield page
    context.close()


def in_view(page: Page, wanted: Locator) -> Locator:
    """Scroll down until it is there: JupyterLab doesn't draw cells that are out of view."""
    for _ in range(120):
        if wanted.count():
            break
        page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer").hover()
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(150)
    wanted.first.scroll_into_view_if_needed()
    return wanted


def exercise(page: Page, number: int) -> Locator:
    """The box of an exercise."""
    return in_view(page, page.locator(".crm-exercise", has=page.locator(f"h4:has-text('ex-04-{number}')")))


def top_of(page: Page) -> None:
    page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer").evaluate("e => e.scrollTop = 0")


def slide(box: Locator, label: str, value: int) -> None:
    """Type a number into the readout of a slider, as the hint below the controls says."""
    row = box.locator(".crm-control", has=box.page.locator(f".widget-label:has-text('{label}')"))
    readout = row.locator(".widget-readout")
    readout.click()
    readout.press("Control+a")
    readout.press_sequentially(str(value))
    readout.press("Enter")


def verdict(box: Locator, kind: str) -> Locator:
    found = box.locator(f".crm-verdict.crm-{kind}")
    expect(found).to_be_visible(timeout=15 * SECOND)
    return found


def test_cut_points_from_poor_to_good_with_the_keyboard(page, screenshots):
    top_of(page)
    box = exercise(page, 1)
    expect(verdict(box, "poor")).to_contain_text("打不完")
    handle = box.locator(".noUi-handle").first
    handle.focus()
    for _ in range(6):
        handle.press("ArrowRight")
    expect(box.locator(".widget-readout").first).to_have_text("90")
    slide(box, "M：至少花过多少", 1050)
    slide(box, "F：至少买过几次", 4)
    expect(verdict(box, "good")).to_contain_text("电话用足了")
    box.screenshot(path=screenshots / "exercise-04-1.png")
    box.get_by_role("button", name="重新开始").click()
    expect(verdict(box, "poor")).to_contain_text("打不完")


def test_kmeans_by_steps(page, screenshots):
    box = exercise(page, 2)
    expect(verdict(box, "poor")).to_contain_text("还没有分群")
    box.get_by_role("button", name="下一步").click()
    expect(verdict(box, "fair")).to_contain_text("还没走到头")
    box.get_by_role("button", name="走到收敛").click()
    expect(verdict(box, "poor")).to_contain_text("几乎只有钱")
    box.get_by_role("button", name="取对数并标准化").click()
    slide(box, "群数 k", 4)
    box.get_by_role("button", name="走到收敛").click()
    expect(verdict(box, "good")).to_contain_text("第 4 群")
    box.screenshot(path=screenshots / "exercise-04-2.png")


def test_care_plan(page, screenshots):
    box = exercise(page, 3)
    expect(verdict(box, "poor")).to_contain_text("往普通挪一点")
    for label, value in {"VIP": 15_000, "普通": 10_000, "休眠": 5_000, "对照组": 8}.items():
        slide(box, label, value)
    expect(verdict(box, "good")).to_contain_text("边际相等")
    box.screenshot(path=screenshots / "exercise-04-3.png")
    slide(box, "休眠", 9_000)
    expect(verdict(box, "poor")).to_contain_text("超支 4,000 元")


def test_narrow_window_keeps_everything_inside(page, screenshots):
    page.keyboard.press("Control+b")  # without the side bar, as on a phone
    page.set_viewport_size({"width": 400, "height": 900})
    page.wait_for_timeout(SECOND)
    top_of(page)
    box = exercise(page, 1)
    width = box.evaluate("e => e.scrollWidth - e.clientWidth")
    box.screenshot(path=screenshots / "exercise-04-1-narrow.png")
    page.set_viewport_size({"width": 1300, "height": 1000})
    assert width <= 1


def test_quiz_answers_at_once(page):
    quiz = in_view(page, page.locator(".crm-quiz"))
    first = quiz.locator("fieldset").first
    expect(first.locator(".crm-why:visible")).to_have_count(0)
    first.get_by_label("甲，因为他最近刚来过").check()
    expect(first.locator(".crm-why-right")).to_be_visible()
    first.get_by_label("一样高").check()
    expect(first.locator(".crm-why-wrong:visible")).to_have_count(1)
    expect(first.locator(".crm-why-right")).to_be_hidden()


def test_pictures_are_of_use(screenshots: Path):
    for name in ("exercise-04-1", "exercise-04-2", "exercise-04-3"):
        assert (screenshots / f"{name}.png").stat().st_size > 20_000
