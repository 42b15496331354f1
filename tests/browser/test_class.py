"""The class on a real hub, in a real browser: from release to feedback, and from start to stop."""

import json
import os
import re
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from course.hub.classroom import FIRST_SECTION
from course.hub.preflight import free_ports
from crmlab.paths import course_root
from tests.browser.classroom import (
    ASSIGNMENT,
    NOTEBOOK,
    Album,
    Desk,
    Formgrader,
    all_code,
    enter,
    fetched,
    hidden_lines,
    log_in,
    solutions,
    visible_text,
    write_answers,
)
from tests.classes import WITHOUT_RIGHTS, RunningClass, a_class, course_up, processes_left, start_class, status
from tests.waiting import PATIENCE, eventually

SOURCE = course_root() / "assignments" / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
CHAPTER = "chapters/04-segmentation.ipynb"
PWN = "alert('pwn')"
HOSTILE = f"""方案：$x^2$ $\\href{{javascript:{PWN}}}{{y}}$ $\\mmlToken{{mi}}[href="javascript:{PWN}"]{{z}}$ [去](javascript:{PWN})
<script>{PWN}</script><img src="x" onerror="{PWN}"><svg onload="{PWN}"></svg><iframe srcdoc="<script>{PWN}</script>"></iframe>
"""
"""What somebody writes who wants a script to run on the teacher's screen."""

pytestmark = pytest.mark.hub


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClass]:
    """As most colleges will run it: by an account without rights."""
    with a_class(tmp_path_factory.mktemp("class"), before=WITHOUT_RIGHTS) as started:
        yield started


@pytest.fixture(scope="module")
def album(screenshots: Path) -> Album:
    pictures = Album(screenshots)
    pictures.clear()
    return pictures


# --- the play --------------------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.timeout(1500)
def test_from_release_to_feedback(chromium: Browser, running: RunningClass, album: Album) -> None:
    teacher = release(chromium, running, album)
    first = use_chapter(chromium, running, album)
    answers = solutions(SOURCE)
    hand_in(first, running, album, answers, right=True)
    second = enter(chromium, running, "student02")
    hand_in(second, running, album, {**without_last_code_answer(answers), list(answers)[-1]: HOSTILE}, right=False)
    third = enter(chromium, running, "student03")
    hand_in(third, running, album, {}, right=False)
    grade(teacher, album)
    check_marks(running)
    look_at_desk(teacher, running, album)
    for desk in (first, second, third):
        read_feedback(desk, running, album)
    assert running.hosts == {urlsplit(running.url).netloc}


def release(chromium: Browser, running: RunningClass, album: Album) -> Formgrader:
    """The instructor withdraws what ``up`` released, makes the students' version anew and releases it."""
    page = log_in(chromium, running, "teacher")
    album.take(page, "login")
    page.close()
    desk = enter(chromium, running, "teacher")
    formgrader = Formgrader(desk)
    formgrader.open()
    album.take(desk.page, "formgrader-released")
    formgrader.assignment("release")  # the same button withdraws
    outbound = running.classroom.exchange / FIRST_SECTION / "outbound" / ASSIGNMENT
    assert not outbound.exists()
    formgrader.assignment("assign")
    formgrader.assignment("release")
    text = (outbound / f"{NOTEBOOK}.ipynb").read_text("utf-8")
    assert not [line for line in hidden_lines(SOURCE) if line in all_code(outbound / f"{NOTEBOOK}.ipynb")]
    for secret in ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "评分指南", "chapter:04-segmentation"):
        assert secret not in text
    return formgrader


def use_chapter(chromium: Browser, running: RunningClass, album: Album) -> Desk:
    """A student opens chapter 04 in a Chinese JupyterLab and uses the first widget with the keyboard alone."""
    desk = enter(chromium, running, "student01")
    expect(desk.page.locator("#jp-MainMenu")).to_contain_text("文件")
    desk.page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
    expect(desk.page.locator(".lm-Menu-itemLabel", has_text="Assignment List")).to_be_visible()
    expect(desk.page.locator(".lm-Menu-itemLabel", has_text="Formgrader")).to_have_count(0)
    desk.page.keyboard.press("Escape")
    album.take(desk.page, "lab")
    panel = desk.open(CHAPTER)
    album.take(desk.page, "chapter")
    desk.run_through(first_exercise(running.classroom.home("student01") / CHAPTER) + 1)
    exercise = panel.locator(".crm-exercise").first
    verdict = exercise.locator(".crm-verdict")
    expect(verdict).to_be_visible()
    expect(verdict).to_have_class(re.compile("crm-poor"))
    verdict.evaluate("element => element.scrollIntoView({block: 'center'})")  # it is drawn anew at every step
    album.take(desk.page, "widget-before")
    picture = exercise.locator(".crm-result img").first
    exercise.get_by_role("slider").last.focus()
    for _step in range(40):
        if "crm-poor" not in (verdict.get_attribute("class") or ""):
            break
        shown = picture.get_attribute("src") or ""
        desk.page.keyboard.press("ArrowRight")
        expect(picture).not_to_have_attribute("src", shown)
        desk.page.wait_for_timeout(400)  # the verdict follows the picture
    expect(verdict).to_have_class(re.compile("crm-fair|crm-good"))
    verdict.evaluate("element => element.scrollIntoView({block: 'center'})")  # it is drawn anew at every step
    album.take(desk.page, "widget-after")
    desk.save()
    return desk


def first_exercise(notebook: Path) -> int:
    """The place of the first cell that shows an exercise."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return next(
        place
        for place, cell in enumerate(cells)
        if any(tag.startswith("ex-") for tag in cell["metadata"].get("tags", []))
    )


def hand_in(desk: Desk, running: RunningClass, album: Album, answers: dict[str, str], *, right: bool) -> None:
    """Fetch, answer, run, validate, submit."""
    listed = desk.assignments()
    if right:
        album.take(desk.page, "fetch")
    listed.locator("#released_assignments_list").get_by_role("button", name="Fetch").click()
    expect(listed.locator("#fetched_assignments_list")).to_contain_text(ASSIGNMENT)
    write_answers(fetched(running, desk.user), answers)
    desk.open(f"{FIRST_SECTION}/{ASSIGNMENT}/{NOTEBOOK}.ipynb")
    desk.run_all()
    desk.validate()
    album.take(desk.page, "validate-right" if right else "validate-wrong")
    expect(desk.page.locator(".validation-success" if right else ".validation-failed").first).to_be_visible()
    desk.close_dialog()
    listed = desk.assignments()
    listed.locator("#fetched_assignments_list").get_by_role("button", name="Submit").click()
    expect(listed.locator("#submitted_assignments_list")).to_contain_text(ASSIGNMENT)
    if right:
        album.take(desk.page, "submitted")


def without_last_code_answer(answers: dict[str, str]) -> dict[str, str]:
    """The answers of somebody who left the last programming task as it was."""
    *kept, last, _memo = answers
    assert last.endswith("-solution")
    return {grade_id: answers[grade_id] for grade_id in kept}


def grade(formgrader: Formgrader, album: Album) -> None:
    """Collect, autograde, look, give feedback."""
    page, frame = formgrader.desk.page, formgrader.frame
    formgrader.assignment("collect")
    frame.locator("td.num-submissions a").click()
    expect(frame.locator("td.status")).to_have_text(["needs autograding"] * 3)
    for student in ("student01", "student02", "student03"):
        formgrader.submission(student, "autograde")
    expect(frame.locator("tr", has_text="student01").locator("td.status")).to_have_text("needs manual grading")
    album.take(page, "autograded")
    formgrader.go("Manual Grading")
    frame.get_by_role("link", name=ASSIGNMENT).click()
    frame.get_by_role("link", name=NOTEBOOK).click()
    expect(frame.get_by_role("link", name=re.compile("Submission #1"))).to_be_visible()
    album.take(page, "formgrader-submissions")
    assert sorted(look_at_submission(formgrader, number, album) for number in (1, 2, 3)) == [False, False, True]
    formgrader.go("Manage Assignments")
    formgrader.assignment("generate-feedback")
    formgrader.assignment("release-feedback")


def look_at_submission(formgrader: Formgrader, number: int, album: Album) -> bool:
    """Open a submission for grading by hand; nothing of the student's runs. Returns whether it is the hostile one."""
    page, frame = formgrader.desk.page, formgrader.frame
    dialogs: list[str] = []
    page.once("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    frame.get_by_role("link", name=re.compile(f"Submission #{number}")).click()
    expect(frame.locator(".nbgrader_cell")).to_have_count(13)
    hostile = frame.get_by_text("方案：")
    is_hostile = hostile.count() > 0
    if is_hostile:
        expect(frame.locator("mjx-container")).to_have_count(3)
        hostile.scroll_into_view_if_needed()
        expect(frame.locator("[href^=javascript], #notebook-container :is(script, iframe, svg)")).to_have_count(0)
    album.take(page, f"formgrader-submission-{number}")
    assert dialogs == []
    frame.get_by_role("link", name=NOTEBOOK, exact=True).first.click()
    return is_hostile


def check_marks(running: RunningClass) -> None:
    """What the gradebook says, by nbgrader's own interface."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{running.classroom.course / 'gradebook.db'}") as gradebook:
        right, wrong, nothing = (
            {grade.name: grade for grade in gradebook.find_submission_notebook(NOTEBOOK, ASSIGNMENT, student).grades}
            for student in ("student01", "student02", "student03")
        )
        tasks = [name for name, grade in right.items() if grade.cell.cell_type == "code"]
        memo = next(name for name in right if name not in tasks)
        assert {name: right[name].auto_score for name in tasks} == {name: right[name].max_score for name in tasks}
        assert right[memo].needs_manual_grade
        assert right[memo].auto_score is None
        assert {name: wrong[name].auto_score for name in tasks[:-1]} == {
            name: wrong[name].max_score for name in tasks[:-1]
        }
        assert wrong[tasks[-1]].auto_score == 0
        assert {nothing[name].auto_score for name in tasks} == {0}


def look_at_desk(formgrader: Formgrader, running: RunningClass, album: Album) -> None:
    """The instructor's desk knows what happened in formgrader."""
    page = formgrader.desk.page.context.new_page()
    page.goto(f"{running.url}/services/desk/")
    for student in ("student01", "student02", "student03"):
        expect(page.locator("body")).to_contain_text(student)
    album.take(page, "instructors-desk")
    page.close()


def read_feedback(desk: Desk, running: RunningClass, album: Album) -> None:
    """Fetch the feedback and open it in JupyterLab. It says the score, and nothing of the hidden tests."""
    page, listed = desk.page, desk.assignments()
    with page.expect_response(re.compile(r"/assignments(\?|$)")):  # else its answer may come after the feedback's
        listed.get_by_title("Refresh assignments list").click()
    listed.get_by_role("button", name="Fetch Feedback").click()
    listed.get_by_text("view feedback").click()
    page.locator(".jp-DirListing-item", has_text=f"{NOTEBOOK}.html").dblclick()
    feedback = page.frame_locator(".jp-HTMLViewer iframe")
    expect(feedback.get_by_text("a04-6-test").first).to_be_visible()
    album.take(page, f"feedback-{desk.user}")
    (file,) = fetched(running, desk.user).parent.rglob(f"{NOTEBOOK}.html")
    text = visible_text(file)
    assert not [line for line in hidden_lines(SOURCE) if line in text]


# --- start and stop --------------------------------------------------------------------------------------------------


def test_second_up_says_that_the_class_is_running(running: RunningClass) -> None:
    second = course_up(running.classroom.folder, free_ports(1)[0])
    output, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 1
    assert output.strip().startswith(f"这个班级已经在运行：{running.url}/")
    assert len(output.strip().splitlines()) == 1


@pytest.mark.browser
def test_wrong_password_is_refused_in_chinese(chromium: Browser, running: RunningClass) -> None:
    page = log_in(chromium, running, "student03")
    page.get_by_label("密码").fill("student03")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_have_text("账号或密码不正确，请再试一次。")
    page.close()


def test_book_is_back_when_the_proxy_had_to_start_anew(running: RunningClass) -> None:
    proxy = int((running.classroom.hub / "proxy.pid").read_text())
    os.kill(proxy, signal.SIGKILL)
    eventually(lambda: status(running.url + "/book/") == 200)
    assert int((running.classroom.hub / "proxy.pid").read_text()) != proxy
    assert status(running.url + "/hub/login") == 200


def test_only_the_owner_can_read_secrets(running: RunningClass) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in running.classroom.secrets.iterdir()}
    assert set(modes) == {
        "cookie_secret",
        "credentials.txt",
        "people.json",
        "people.lock",
        "proxy_token",
        "receipt_key",
    }
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(running.classroom.secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE(running.classroom.folder.stat().st_mode) == 0o700


def test_no_secret_is_in_a_log(running: RunningClass) -> None:
    logs = "".join(path.read_text("utf-8") for path in running.classroom.hub.glob("*.log*"))
    assert "JupyterHub is now running" in logs
    secrets = [running.classroom.cookie_secret.read_text(), running.classroom.proxy_token.read_text()]
    for secret in [*secrets, *running.passwords.values()]:
        assert secret not in logs


@pytest.fixture
def start() -> Iterator[Callable[..., RunningClass]]:
    """Start classes that are stopped at the end of the test."""
    started: list[RunningClass] = []

    def start_one(folder: Path, port: int, students: int = 3) -> RunningClass:
        started.append(start_class(folder, port, students))
        return started[-1]

    yield start_one
    for class_ in started:
        if class_.process.poll() is None:
            class_.stop()


@pytest.mark.timeout(600)
def test_start_stop_and_what_survives(start: Callable[..., RunningClass], tmp_path: Path) -> None:
    """One class through its life: first start, stop, second start, a killed ``up``, a third start."""
    folder, port = tmp_path / "class", free_ports(1)[0]
    first = start(folder, port)
    passwords = first.passwords
    shown = first.output + first.stop()
    assert all(password in shown for password in passwords.values())
    assert first.process.returncode == 0
    assert processes_left(first.classroom) == []

    chapter = first.classroom.home("student01") / CHAPTER
    chapter.parent.mkdir(parents=True)
    chapter.write_text("mine", "utf-8")
    second = start(folder, port, students=4)
    assert chapter.read_text("utf-8") == "mine"
    assert second.passwords.items() > passwords.items()
    assert set(second.passwords) - set(passwords) == {"student04"}

    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    assert processes_left(second.classroom) != []
    third = start(folder, port)
    shown = third.output + third.stop(signal.SIGTERM)
    assert not any(password in shown for password in passwords.values())
    assert third.process.returncode == 0
    assert processes_left(third.classroom) == []


def test_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = course_up(tmp_path / "class", port)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert output.strip() == f"端口 {port} 已被别的程序占用；请关闭它，或换一个，例如 make up PORT={port + 1}。"


def test_folder_that_cannot_be_written_is_one_sentence() -> None:
    process = course_up(Path("/proc/class"), free_ports(1)[0])  # where even root can make no folder
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert output.strip().startswith("不能写入班级文件夹")
