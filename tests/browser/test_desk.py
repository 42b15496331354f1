"""The desk in a browser, behind a real hub: every button, from the release to the marks."""

import csv
import io
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from course.desk import jobs
from course.exchange import take_in
from course.grading import instructors_copy
from course.hub.classroom import Classroom
from course.hub.preflight import free_ports
from course.people import enrol
from tests import handed_in
from tests.browser.window import new_window
from tests.classes import status
from tests.waiting import eventually

pytestmark = [pytest.mark.hub, pytest.mark.browser]
ASSIGNMENT = "a04-segmentation"
STUDENTS = 4
STAMP = "2026-11-20 04:00:00.000000 UTC"


@dataclass
class Hub:
    """A running hub with the desk."""

    classroom: Classroom
    port: int
    password: str
    hosts: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def desk(self) -> str:
        return f"{self.url}/services/desk/"

    def enter(self, chromium: Browser, user: str, width: int = 1300) -> Page:
        """A browser of the user's own, logged in, at the desk."""
        context = new_window(chromium, viewport={"width": width, "height": 900}, accept_downloads=True)
        context.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        page = context.new_page()
        page.goto(self.desk)
        page.get_by_label("账号").fill(user)
        page.get_by_label("密码").fill(self.password)
        page.get_by_role("button", name="登录").click()
        return page


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_CLASSROOM", str(folder / "class"))
        classroom = Classroom.here()
        classroom.create()
        enrol(classroom, STUDENTS)
        home = classroom.home("teacher")
        home.mkdir()
        (home / classroom.section).symlink_to(classroom.course)  # as the spawner shows it
        ports, password = free_ports(4), secrets.token_hex(8)
        patch.setenv("TEST_PORTS", " ".join(map(str, ports)))
        patch.setenv("TEST_PASSWORD", password)
        with (folder / "hub.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(Path(__file__).with_name("desk_hub.py"))],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            )
        try:
            running = Hub(classroom, ports[0], password)
            _wait(running, process, folder / "hub.log")
            yield running
        finally:
            process.terminate()
            process.wait(60)


def _wait(hub: Hub, process: subprocess.Popen[bytes], log: Path) -> None:
    eventually(lambda: process.poll() is not None or status(f"{hub.desk}_/desk.css") == 200)
    assert process.poll() is None, log.read_text("utf-8")


def card(page: Page) -> Locator:
    return page.locator(f"#{ASSIGNMENT}")


def press(page: Page, button: str, outcome: str = "完成") -> Locator:
    """Press a button of the assignment and wait for the end of the job."""
    card(page).get_by_role("button", name=button, exact=True).click()
    job = card(page).locator(".job")
    expect(job.locator("strong")).to_have_text("发布" if button == "重新发布" else button)
    expect(job.locator(".pill")).to_have_text(outcome)
    return job


def hand_in(classroom: Classroom) -> None:
    """Every student's work, one of them with mistakes, taken in through the drop boxes."""
    source = instructors_copy(ASSIGNMENT)
    wrong = {"a04-6": "raise ValueError"}
    for number in range(1, STUDENTS + 1):
        student = f"student{number:02d}"
        document = handed_in.notebook(source, wrong if number == 2 else None)
        folder = classroom.drop_box(student) / f"{student}+{ASSIGNMENT}+{STAMP}+{secrets.token_hex(8)}"
        folder.mkdir(parents=True)
        (folder / "timestamp.txt").write_text(STAMP)
        (folder / "submission_secret.txt").write_text(secrets.token_hex(64))
        (folder / "segmentation.ipynb").write_text(json.dumps(document, ensure_ascii=False))
    taken = take_in(classroom)
    assert [receipt.refused for receipt in taken] == [""] * STUDENTS


def test_a_term_of_one_assignment_at_the_desk(hub: Hub, chromium: Browser) -> None:
    page = hub.enter(chromium, "teacher")
    expect(page.get_by_role("heading", name="教师工作台")).to_be_visible()
    assert page.url.endswith("/services/desk/crm/")
    state = card(page).locator(".title .pill")
    expect(state).to_have_text("未发布")

    press(page, "发布")
    expect(state).to_have_text("已发布")
    card(page).get_by_role("button", name="重新发布").click()
    page.get_by_role("dialog").get_by_role("button", name="取消").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    card(page).locator("summary", has_text="截止时间").click()
    card(page).locator("input[name=due]").fill("2026-12-01T23:59")
    card(page).get_by_role("button", name="保存").click()
    expect(card(page)).to_contain_text("截止 2026-12-01 23:59")

    hand_in(hub.classroom)
    page.reload()
    expect(state).to_have_text("有新提交")
    press(page, "回收")
    expect(state).to_have_text("待评分")

    _grade(page, hub, chromium)
    expect(state).to_have_text("待人工评阅")
    rows = page.locator("tr[data-find]")
    expect(rows).to_have_count(STUDENTS)
    shown = dict(zip(rows.locator("th").all_inner_texts(), rows.locator(".score").all_inner_texts(), strict=True))
    assert shown == dict.fromkeys(sorted(shown), "22") | {"student02": "18"}  # all but the task that a person marks

    press(page, "生成并发回反馈")
    assert len(list(hub.classroom.feedback_for("student01").glob("*.html"))) == 1
    expect(card(page).locator(".figures")).to_contain_text(re.compile(rf"反馈\s*{STUDENTS}"))

    with page.expect_download() as download:
        page.get_by_role("link", name="下载成绩").click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert [(row[0], row[2]) for row in table[1:3]] == [("student01", "22"), ("student02", "18")]
    assert hub.hosts == {f"127.0.0.1:{hub.port}"}  # nothing comes from elsewhere


def _grade(page: Page, hub: Hub, chromium: Browser) -> None:
    """Grading with its bar, seen from two windows, through a reload and a second press."""
    card(page).get_by_role("button", name="评分", exact=True).click()
    job = card(page).locator(".job")
    expect(job.locator("progress")).to_be_visible()
    expect(job.locator(".figure")).to_have_text(re.compile(rf"\d/{STUDENTS}"))
    page.reload()
    expect(job.locator("strong")).to_have_text("评分")
    expect(job.locator(".pill")).to_have_text("完成")
    expect(job).to_contain_text(f"新评 {STUDENTS} 份")
    assert len(list((hub.classroom.hub / "jobs" / "crm" / ASSIGNMENT).glob("*-grade"))) == 1


def test_students_are_not_let_in(hub: Hub, chromium: Browser) -> None:
    page = hub.enter(chromium, "student01")
    for address in ("", "crm/", "crm/jobs", "crm/marks.csv", f"crm/{ASSIGNMENT}/of/student02"):
        answer = page.goto(hub.desk + address)
        assert answer is not None
        assert answer.status == 403, address
        assert "student02" not in page.content()


def test_formgrader_opens_from_the_desk_in_a_window_of_its_own(hub: Hub, chromium: Browser) -> None:
    page = hub.enter(chromium, "teacher")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="打开 Formgrader").click()
    formgrader = opened.value
    expect(formgrader.get_by_role("heading", name="Manage Assignments")).to_be_visible()
    expect(formgrader.get_by_text(ASSIGNMENT, exact=True).first).to_be_visible()
    assert "/user/teacher/formgrader" in formgrader.url


def test_the_health_page_hangs_at_the_desk(hub: Hub, chromium: Browser) -> None:
    page = hub.enter(chromium, "teacher")
    page.get_by_role("link", name="运行状况").click()
    expect(page).to_have_url(f"{hub.desk}health")
    expect(page.locator("body")).to_contain_text(re.compile("一切正常|可以上课|马上处理"))
    student = hub.enter(chromium, "student01")
    answer = student.goto(f"{hub.desk}health")
    assert answer is not None
    assert answer.status == 403


def test_a_job_that_died_is_told_and_can_be_done_again(
    hub: Hub, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PROGRAM", (sys.executable, "-c", "import time; time.sleep(600)"))
    jobs.start(hub.classroom, ASSIGNMENT, "collect", "teacher")
    (process,) = [child for child in psutil.Process().children() if "time.sleep(600)" in " ".join(child.cmdline())]
    page = hub.enter(chromium, "teacher")
    job = card(page).locator(".job")
    expect(job.locator(".pill")).to_have_text("进行中")
    card(page).get_by_role("button", name="评分", exact=True).click()
    expect(page.get_by_text("已有任务在进行")).to_be_visible()
    process.kill()
    expect(job.locator(".pill")).to_have_text("中断")
    press(page, "回收")
