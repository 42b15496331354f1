"""A real class to test with, and its pages as a teacher or a student uses them."""

import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from course.hub.classroom import FIRST_SECTION
from tests.browser.lab import all_have_run
from tests.browser.window import new_window
from tests.classes import RunningClass

ASSIGNMENT = "a04-segmentation"
NOTEBOOK = "segmentation"
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"


# --- pages -----------------------------------------------------------------------------------------------------------


@dataclass
class Album:
    """Numbered pictures of a play: ``class-01-login.png``."""

    folder: Path
    taken: list[str] = field(default_factory=list)

    def take(self, page: Page, title: str) -> None:
        self.taken.append(title)
        page.wait_for_timeout(400)  # a dialog fades in
        page.screenshot(path=self.folder / f"class-{len(self.taken):02d}-{title}.png")

    def clear(self) -> None:
        """Pictures of an earlier run would tell of another play."""
        for picture in self.folder.glob("class-*.png"):
            picture.unlink()


@dataclass
class Desk:
    """One user's JupyterLab in a browser of their own."""

    page: Page
    url: str
    user: str

    def menu(self, menu: str, item: str) -> None:
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}")).first.click()

    def open(self, path: str) -> Locator:
        """Open a notebook; returns its panel when the kernel is ready."""
        self.page.goto(f"{self.url}/user/{self.user}/lab/tree/{path}")
        panel = self.page.locator(PANEL)
        expect(panel).to_be_visible()
        # The sign in the panel says idle before there is a kernel; the status bar doesn't.
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("| 空闲")
        return panel

    def run_all(self) -> None:
        self.menu("运行", "运行所有单元格")
        all_have_run(self.page.locator(PANEL))
        self.save()

    def run_through(self, cells: int) -> None:
        """Run the first ``cells`` cells of the open notebook, one after the other, with the keyboard."""
        self.page.locator(f"{PANEL} .jp-Cell").first.click()
        self.page.keyboard.press("Escape")
        for _cell in range(cells):
            self.page.keyboard.press("Shift+Enter")
            self.page.wait_for_timeout(100)
        all_have_run(self.page.locator(PANEL))

    def save(self) -> None:
        self.page.keyboard.press("Control+s")
        expect(self.page.locator(".jp-mod-current.jp-mod-dirty")).to_have_count(0)

    def validate(self) -> Locator:
        """Press Validate; returns the dialog with the result."""
        self.page.locator(PANEL).get_by_role("button", name="Validate").click()
        dialog = self.page.locator(".jp-Dialog", has=self.page.locator(".validation-success, .validation-failed"))
        expect(dialog.or_(self.page.locator(".nbgrader-validate-dialog"))).to_be_visible()
        return dialog

    def close_dialog(self) -> None:
        self.page.locator(".jp-Dialog .jp-mod-accept").click()

    def assignments(self) -> Locator:
        """The list of assignments, freshly opened."""
        self.menu("Nbgrader", "Assignment List")
        widget = self.page.locator("#nbgrader-assignment-list")
        expect(widget.locator("#released_assignments_list")).to_be_visible()
        return widget


def log_in(browser: Browser, running: RunningClass, user: str) -> Page:
    """A new browser session at the log-in page, with name and password filled in."""
    context = new_window(browser, viewport={"width": 1400, "height": 900})
    context.on("request", lambda request: running.note(request.url))
    page = context.new_page()
    page.goto(running.url + "/")
    page.get_by_label("账号").fill(user)
    page.get_by_label("密码").fill(running.passwords[user])
    return page


def enter(browser: Browser, running: RunningClass, user: str) -> Desk:
    """Log in and wait for JupyterLab."""
    page = log_in(browser, running, user)
    page.get_by_role("button", name="登录").click()
    expect(page.locator(".jp-DirListing-item", has_text="开始.md")).to_be_visible()
    return Desk(page, running.url, user)


@dataclass
class Formgrader:
    """nbgrader's formgrader in the instructor's JupyterLab."""

    desk: Desk

    @property
    def frame(self) -> FrameLocator:
        return self.desk.page.frame_locator("#formgrader-iframe iframe, iframe[src*=formgrader]").first

    def open(self) -> None:
        self.desk.menu("Nbgrader", "Formgrader$")
        expect(self.frame.get_by_role("heading", name="Manage Assignments")).to_be_visible()

    def go(self, place: str) -> None:
        """Follow a link of the column at the left."""
        self.frame.get_by_role("link", name=place, exact=True).first.click()
        expect(self.frame.get_by_role("heading", name=place)).to_be_visible()

    def assignment(self, action: str) -> None:
        """Press the button of an assignment: ``assign``, ``release``, ``collect``, ``generate-feedback`` …"""
        self._press(self.frame.locator("tr", has=self.frame.get_by_text(ASSIGNMENT, exact=True)), action)

    def submission(self, student: str, action: str) -> None:
        """Press the button of a student's submission: ``autograde`` …"""
        self._press(self.frame.locator("tr", has=self.frame.get_by_text(student, exact=True)), action)

    def _press(self, row: Locator, action: str) -> None:
        row.locator(f"td.{action} a").click()
        modal = self.frame.locator(".modal.in")
        expect(modal.locator(".modal-title")).to_have_text(re.compile("Success|Error"))
        assert modal.locator(".modal-title").inner_text() == "Success", modal.inner_text()
        modal.locator(".modal-footer button").click()
        expect(self.frame.locator(".modal")).to_have_count(0)


# --- answers ---------------------------------------------------------------------------------------------------------


def solutions(source: Path) -> dict[str, str]:
    """The reference answers of an assignment's source notebook, by grade id."""
    answers = {}
    for cell in json.loads(source.read_text("utf-8"))["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("solution"):
            lines = "".join(cell["source"]).splitlines()
            answers[mark["grade_id"]] = "\n".join(
                line for line in lines if "# BEGIN SOLUTION" not in line and "# END SOLUTION" not in line
            )
    return answers


def write_answers(notebook: Path, answers: dict[str, str]) -> None:
    """Put answers into a fetched assignment, as typing them would."""
    document: dict[str, Any] = json.loads(notebook.read_text("utf-8"))
    for cell in document["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell["source"] = answers[grade_id]
    notebook.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")


def fetched(running: RunningClass, user: str) -> Path:
    """Where nbgrader lays the assignment in a student's home."""
    return running.classroom.home(user) / FIRST_SECTION / ASSIGNMENT / f"{NOTEBOOK}.ipynb"


def hidden_lines(source: Path) -> set[str]:
    """The telling lines that stand only in an assignment's hidden tests: what no student may read."""
    region = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
    code = all_code(source)
    hidden = {line.strip() for found in region.findall(code) for line in found.splitlines()}
    open_to_all = {line.strip() for line in region.sub("", code).splitlines()}
    return {line for line in hidden - open_to_all if len(line) > 30}


def all_code(notebook: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(notebook.read_text("utf-8"))["cells"])


def visible_text(page: Path) -> str:
    """The text of an HTML file, tags left out."""
    return html.unescape(re.sub(r"<[^>]*>", "", page.read_text("utf-8")))
