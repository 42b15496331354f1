"""Logging in at an OAuth provider: a real hub, and a provider of our own on this machine."""

import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from course.hub.classroom import write_private
from course.people import members, read_people
from tests.logging_in import SmallHub, new_class, small_hub, told

pytestmark = pytest.mark.hub


class Provider(ThreadingHTTPServer):
    """Lets in whoever ``claims`` describes, without asking."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.claims: dict[str, object] = {}
        self.codes: set[str] = set()
        self.tokens: dict[str, dict[str, object]] = {}


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        if self.path.startswith("/authorize"):
            code = secrets.token_hex(8)
            self.server.codes.add(code)
            self.send_response(302)
            back = urlencode({"code": code, "state": query["state"]})
            self.send_header("Location", f"{query['redirect_uri']}?{back}")
            self.end_headers()
        else:
            token = self.headers["Authorization"].split()[-1]
            self.answer(self.server.tokens.get(token))

    def do_POST(self) -> None:
        form = {
            key: values[0]
            for key, values in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()
        }
        right = form["client_id"] == "crm" and form["client_secret"] == "s3cret" and form["code"] in self.server.codes
        if not right:
            return self.answer(None)
        self.server.codes.remove(form["code"])
        token = secrets.token_hex(8)
        self.server.tokens[token] = self.server.claims
        return self.answer({"access_token": token, "token_type": "Bearer"})

    def answer(self, content: object) -> None:
        self.send_response(200 if content is not None else 401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    server = Provider()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


SETTINGS = """
method = "oauth"

[oauth]
title = "某某学院统一身份认证"
authorize_url = "{url}/authorize"
token_url = "{url}/token"
userdata_url = "{url}/userinfo"
client_id = "crm"
client_secret = "s3cret"
scope = ["openid", "profile"]
student_id = ["school", "student_number"]
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[SmallHub]:
    classroom = new_class(tmp_path_factory.mktemp("oauth") / "class")
    members.add(classroom, "2023001", "王小明", "student", ["crm"])
    members.add(classroom, "2023002", "", "student", ["crm"])
    members.add(classroom, "2023009", "", "student", ["crm"])
    members.remove(classroom, ["2023009"])
    write_private(classroom.secrets / "login.toml", SETTINGS.format(url=provider.url))
    with small_hub(classroom) as running:
        yield running


def come(hub: SmallHub, provider: Provider, number: object) -> tuple[requests.Response, str | None]:
    provider.claims = {"sub": "u-1", "preferred_username": "2023002", "school": {"student_number": number}}
    browser = hub.browser()
    answer = browser.page("/hub/oauth_login")
    return answer, browser.user()


def test_the_log_in_page_sends_to_the_school(hub: SmallHub) -> None:
    page = hub.browser().page("/hub/login").text
    assert "用某某学院统一身份认证登录" in page
    assert "/hub/oauth_login" in page
    assert 'type="password"' not in page


@pytest.mark.parametrize("number", ["2023001", 2023001, " 2023001 "])
def test_the_student_number_decides_who_it_is(hub: SmallHub, provider: Provider, number: object) -> None:
    answer, user = come(hub, provider, number)
    assert (answer.status_code, user) == (200, "2023001")


def test_groups_come_from_the_class_list(hub: SmallHub, provider: Provider) -> None:
    provider.claims = {"school": {"student_number": "2023001"}, "groups": ["staff", "staff-crm", "admin"]}
    browser = hub.browser()
    browser.page("/hub/oauth_login")
    assert browser.page("/hub/api/user").json()["groups"] == ["students-crm"]
    assert browser.page("/hub/api/user").json()["admin"] is False


@pytest.mark.parametrize("number", ["2023777", "2023009", "../teacher"])
def test_who_is_not_on_the_list_is_told_so(hub: SmallHub, provider: Provider, number: str) -> None:
    answer, user = come(hub, provider, number)
    assert (answer.status_code, user) == (403, None)
    assert told(answer) == f"账号 {number} 不在班级名单里，请联系老师。"
    assert list(read_people(hub.classroom)) == ["2023001", "2023002"]


@pytest.mark.parametrize("number", [None, "", True, ["2023001"], {"id": "2023001"}])
def test_without_a_student_number_nothing_else_is_taken_for_it(
    hub: SmallHub, provider: Provider, number: object
) -> None:
    answer, user = come(hub, provider, number)
    assert (answer.status_code, user) == (403, None)
    assert told(answer) == "学校的登录服务没有给出学号，请联系老师。"


def test_a_way_back_that_was_not_begun_here_is_refused(hub: SmallHub, provider: Provider) -> None:
    provider.claims = {"school": {"student_number": "2023001"}}
    attacker, victim = hub.browser(), hub.browser()
    there = attacker.page("/hub/oauth_login", allow_redirects=False).headers["Location"]
    back = attacker.get(there, allow_redirects=False).headers["Location"]
    assert victim.get(back).status_code == 400
    assert victim.user() is None
    forged = f"{hub.url}/hub/oauth_callback?code=made-up&state={parse_qs(urlsplit(back).query)['state'][0]}"
    assert not attacker.get(forged).ok
    assert attacker.user() is None
    assert "登录没有完成" in told(victim.get(back))


def test_own_passwords_have_no_pages(hub: SmallHub) -> None:
    assert hub.browser().page("/hub/invitation").status_code == 404
    assert hub.browser().page("/hub/password").status_code == 404


def test_who_is_removed_is_out(hub: SmallHub, provider: Provider) -> None:
    assert come(hub, provider, "2023002")[1] == "2023002"
    members.remove(hub.classroom, ["2023002"])
    answer, user = come(hub, provider, "2023002")
    assert (answer.status_code, user) == (403, None)
    members.add(hub.classroom, "2023002", "", None, ["crm"])
