"""Logging in by the class list, on a real hub: pages, limits, invitations, sessions, rights."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from course.people import enrol, members
from tests.logging_in import SmallHub, new_class, small_hub, told
from tests.waiting import eventually

pytestmark = pytest.mark.hub

GOOD = "koala-tram-seventy"
WRONG = "账号或密码不正确，请再试一次。"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHub]:
    folder: Path = tmp_path_factory.mktemp("log-in")
    classroom = new_class(folder / "class")
    passwords = enrol(classroom, 14)
    members.add(classroom, "grader1", "", "grader", ["crm-2"])
    with small_hub(classroom) as running:
        running.passwords = passwords
        yield running


def invited(hub: SmallHub, name: str) -> str:
    members.add(hub.classroom, name, "钱七", "student", ["crm"])
    return members.invite(hub.classroom, [name])[0].code


def accept(hub: SmallHub, name: str, code: str, password: str = GOOD) -> tuple[requests.Response, str | None]:
    browser = hub.browser()
    fields = {"username": name, "code": code, "new": password, "again": password}
    return browser.fill("/hub/invitation", fields), browser.user()


def test_the_right_password_opens_the_hub(hub: SmallHub) -> None:
    browser = hub.browser()
    assert browser.user() is None
    answer = browser.log_in("student01", hub.passwords["student01"])
    assert (answer.status_code, answer.url, browser.user()) == (200, f"{hub.url}/hub/home", "student01")


def test_names_may_be_written_as_people_write_them(hub: SmallHub) -> None:
    browser = hub.browser()
    browser.log_in(" ＳＴＵＤＥＮＴ０１ ", hub.passwords["student01"])
    assert browser.user() == "student01"


@pytest.mark.parametrize("name", ["student02", "nobody", "", "../student02", "学生", "a" * 5000])
def test_a_stranger_gets_the_same_answer_whatever_the_name(hub: SmallHub, name: str) -> None:
    browser = hub.browser()
    answer = browser.log_in(name, "not the password")
    assert (answer.status_code, told(answer), browser.user()) == (403, WRONG, None)


def test_a_form_of_another_site_is_refused(hub: SmallHub) -> None:
    fields = {"username": "student01", "password": hub.passwords["student01"], "_xsrf": "forged"}
    browser = hub.browser()
    answer = browser.post(f"{hub.url}/hub/login", data=fields)
    assert (answer.status_code, told(answer), browser.user()) == (403, "页面放得太久了，请再试一次。", None)


def test_after_five_wrong_guesses_even_the_right_one_waits(hub: SmallHub) -> None:
    known, stranger = hub.browser(), hub.browser()
    known.log_in("student03", hub.passwords["student03"])
    known.page("/hub/logout")
    for number in range(5):
        # Neither header makes the guesses come from somewhere else.
        stranger.headers.update({"X-Forwarded-For": f"10.0.0.{number}", "X-Real-Ip": f"10.0.0.{number}"})
        answer = stranger.log_in("student03", f"guess {number}")
        assert (answer.status_code, told(answer)) == (403, WRONG)
    refused = stranger.log_in("student03", hub.passwords["student03"])
    assert (refused.status_code, told(refused)) == (429, "错误次数太多，请等 1 分钟再试。")
    assert refused.headers["Retry-After"] == "60"
    # The owner's own browser is known, and nobody else's guesses keep it out.
    known.log_in("student03", hub.passwords["student03"])
    assert known.user() == "student03"


def test_codes_can_be_guessed_no_more_often_than_passwords(hub: SmallHub) -> None:
    code = invited(hub, "guessed")
    assert [accept(hub, "guessed", f"code {n}")[0].status_code for n in range(5)] == [403] * 5
    assert accept(hub, "guessed", code)[0].status_code == 429


def test_an_invitation_sets_the_first_password_and_is_void_then(hub: SmallHub) -> None:
    code = invited(hub, "2023001")
    assert accept(hub, "2023001", code.upper().replace("-", " "))[1] == "2023001"
    browser = hub.browser()
    browser.log_in("2023001", GOOD)
    assert browser.user() == "2023001"
    again, user = accept(hub, "2023001", code, "another-koala-tram")
    assert (again.status_code, user) == (403, None)
    assert told(again) == "账号或邀请码不正确，或者邀请码已经用过、过期。需要新的邀请码请联系老师。"


def test_a_refused_password_leaves_the_invitation_good(hub: SmallHub) -> None:
    code = invited(hub, "2023002")
    for password, sentence in [
        ("short", "密码太短：至少 10 个字符，现在是 5 个。"),
        ("x2023002-koala", "密码里不要出现账号或姓名。"),
        ("钱七koala-tram-seventy", "密码里不要出现账号或姓名。"),
        ("1234567890", "这个密码太容易猜到；"),
    ]:
        answer, user = accept(hub, "2023002", code, password)
        assert (answer.status_code, user) == (400, None)
        assert told(answer).startswith(sentence)
    browser = hub.browser()
    fields = {"username": "2023002", "code": code, "new": GOOD, "again": GOOD + "x"}
    assert told(browser.fill("/hub/invitation", fields)) == "两次输入的新密码不一样，请重新输入。"
    assert accept(hub, "2023002", code)[1] == "2023002"


def test_an_invitation_expires(hub: SmallHub) -> None:
    members.add(hub.classroom, "late", "", "student", ["crm"])
    code = members.invite(hub.classroom, ["late"], days=0)[0].code
    assert accept(hub, "late", code)[0].status_code == 403


def test_an_invitation_is_for_one_account(hub: SmallHub) -> None:
    code = invited(hub, "2023003")
    invited(hub, "2023004")
    assert accept(hub, "2023004", code)[0].status_code == 403


def test_a_new_password_ends_all_other_sessions_and_no_server(hub: SmallHub) -> None:
    old = hub.passwords["student05"]
    here, elsewhere = hub.browser(), hub.browser()
    here.log_in("student05", old)
    elsewhere.log_in("student05", old)
    token = hub.token("student05", old)
    start_server(hub, here, "student05")
    form = {"old": old, "new": GOOD, "again": GOOD}
    assert told(here.fill("/hub/password", form | {"old": "wrong"})) == "现在的密码不正确，请再试一次。"
    assert told(here.fill("/hub/password", form | {"new": "student05xyz", "again": "student05xyz"})).startswith(
        "密码里"
    )
    assert "密码已修改" in here.fill("/hub/password", form).text
    assert (here.user(), elsewhere.user(), hub.whose(token)) == ("student05", None, 403)
    assert (told(elsewhere.log_in("student05", old)), elsewhere.user()) == (WRONG, None)
    elsewhere.log_in("student05", GOOD)
    assert elsewhere.user() == "student05"
    time.sleep(3)  # the hub looks at the list once more
    assert here.user() == "student05"
    assert server_runs(here, "student05")


def test_the_password_page_is_for_those_who_are_logged_in(hub: SmallHub) -> None:
    browser = hub.browser()
    assert browser.page("/hub/password").url.startswith(f"{hub.url}/hub/login")
    fields = {"old": "", "new": GOOD, "again": GOOD}
    assert browser.post(f"{hub.url}/hub/password", data=fields).status_code == 403


def test_a_reset_ends_sessions_tokens_and_servers_at_once(hub: SmallHub) -> None:
    password = hub.passwords["student06"]
    browser = hub.browser()
    browser.log_in("student06", password)
    token = hub.token("student06", password)
    assert hub.whose(token) == 200
    start_server(hub, browser, "student06")
    pid = server_process(hub, "student06")
    code = members.reset(hub.classroom, "student06").code
    eventually(lambda: browser.user() is None)
    assert hub.whose(token) == 403
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    assert told(hub.browser().log_in("student06", password)) == WRONG
    assert accept(hub, "student06", code)[1] == "student06"


def test_who_is_removed_is_out_and_comes_back_only_by_invitation(hub: SmallHub) -> None:
    password = hub.passwords["student07"]
    browser = hub.browser()
    browser.log_in("student07", password)
    (hub.classroom.home("student07")).mkdir(exist_ok=True)
    (hub.classroom.home("student07") / "work.ipynb").write_text("{}")
    members.remove(hub.classroom, ["student07"])
    eventually(lambda: browser.user() is None)
    assert told(hub.browser().log_in("student07", password)) == WRONG
    members.add(hub.classroom, "student07", "", None, ["crm"])
    assert told(hub.browser().log_in("student07", password)) == WRONG
    assert accept(hub, "student07", members.invite(hub.classroom, ["student07"])[0].code)[1] == "student07"
    assert (hub.classroom.home("student07") / "work.ipynb").read_text() == "{}"


def test_students_see_nobody_else_and_staff_only_their_desk(hub: SmallHub) -> None:
    student, teacher = hub.browser(), hub.browser()
    student.log_in("student08", hub.passwords["student08"])
    teacher.log_in("teacher", hub.passwords["teacher"])
    for browser in (student, teacher):
        paths = ("users", "groups", "services", "proxy", "info", "users/student01", "users/student01/tokens")
        answers = {path: browser.page(f"/hub/api/{path}").status_code for path in paths}
        assert set(answers.values()) <= {403, 404}, answers
        assert browser.page("/hub/admin").status_code == 403
        assert browser.page("/hub/api/user").json()["admin"] is False
    desk = "/hub/api/oauth2/authorize?client_id=service-desk&response_type=code&state=s"
    desk += "&redirect_uri=%2Fservices%2Fdesk%2Foauth_callback"
    assert student.page(desk, allow_redirects=False).status_code == 403
    entered = teacher.page(desk, allow_redirects=False)
    assert entered.status_code == 302
    assert entered.headers["Location"].startswith("/services/desk/oauth_callback?code=")


def test_groups_follow_the_class_list(hub: SmallHub) -> None:
    browser = hub.browser()
    browser.log_in("student09", hub.passwords["student09"])
    assert browser.page("/hub/api/user").json()["groups"] == ["students-crm"]
    members.add(hub.classroom, "student09", "", None, ["crm-2"])
    both = ["students-crm", "students-crm-2"]
    eventually(lambda: sorted(browser.page("/hub/api/user").json()["groups"]) == both)


def test_a_smaller_role_counts_at_once(hub: SmallHub) -> None:
    code = members.invite(hub.classroom, ["grader1"])[0].code
    assert accept(hub, "grader1", code)[1] == "grader1"
    browser = hub.browser()
    browser.log_in("grader1", GOOD)
    assert sorted(browser.page("/hub/api/user").json()["groups"]) == ["staff", "staff-crm-2"]
    members.add(hub.classroom, "grader1", "", "student", ["crm-2"])
    eventually(lambda: browser.user() is None)
    browser.log_in("grader1", GOOD)
    assert browser.page("/hub/api/user").json()["groups"] == ["students-crm-2"]


def test_no_secret_is_in_the_log(hub: SmallHub) -> None:
    code = invited(hub, "2023005")
    assert accept(hub, "2023005", code)[1] == "2023005"
    log = hub.log
    assert "User logged in: 2023005" in log
    assert not [secret for secret in (code, code.replace("-", ""), GOOD, *hub.passwords.values()) if secret in log]


# --- help ------------------------------------------------------------------------------------------------------------


def start_server(hub: SmallHub, browser: requests.Session, name: str) -> None:
    hub.classroom.home(name).mkdir(exist_ok=True)
    browser.get(f"{hub.url}/hub/home")
    answer = browser.post(f"{hub.url}/hub/api/users/{name}/server", headers={"X-XSRFToken": browser.cookies["_xsrf"]})
    assert answer.status_code in (201, 202)
    eventually(lambda: server_runs(browser, name))


def server_runs(browser: requests.Session, name: str) -> bool:
    answer = browser.get(f"{browser.url}/hub/api/users/{name}")  # type: ignore[attr-defined]
    return bool(answer.json()["servers"].get("", {}).get("ready"))


def server_process(hub: SmallHub, name: str) -> int:
    for status in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = status.read_bytes()
        except OSError:
            continue
        if f"JUPYTERHUB_USER={name}\0".encode() in environment and str(hub.classroom.folder).encode() in environment:
            return int(status.parent.name)
    raise AssertionError(re.escape(f"no server of {name}"))
