"""Logging in by a launch from an LTI 1.3 platform: a real hub, and a platform of our own on this machine."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from course.hub.classroom import write_private
from course.people import members
from tests.logging_in import Browser, SmallHub, new_class, small_hub, told
from tests.waiting import PATIENCE

pytestmark = pytest.mark.hub

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
ISSUER = "https://moodle.example.edu"


class Platform(ThreadingHTTPServer):
    """Shows its public key, and signs launches."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keys)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.other_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def keys(self) -> dict[str, object]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "k1", "use": "sig", "alg": "RS256"}]}

    def claims(self, nonce: str, number: str, target: str) -> dict[str, object]:
        now = int(time.time())
        return {
            "iss": ISSUER,
            "aud": "crm-tool",
            "sub": "platform-user-17",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            CLAIM + "version": "1.3.0",
            CLAIM + "message_type": "LtiResourceLinkRequest",
            CLAIM + "deployment_id": "1",
            CLAIM + "target_link_uri": target,
            CLAIM + "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"],
            CLAIM + "resource_link": {"id": "r1"},
            CLAIM + "lis": {"person_sourcedid": number},
        }

    def sign(self, claims: dict[str, object], key: object = None, algorithm: str = "RS256") -> str:
        return jwt.encode(claims, key or self.key, algorithm=algorithm, headers={"kid": "k1"})  # type: ignore[arg-type]


class Keys(BaseHTTPRequestHandler):
    server: Platform

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(self.server.keys()).encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    server = Platform()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[SmallHub]:
    classroom = new_class(tmp_path_factory.mktemp("lti") / "class")
    members.add(classroom, "2023001", "王小明", "student", ["crm"])
    settings = f"""
method = "lti"

[lti]
title = "学校的 Moodle"
issuer = "{ISSUER}"
client_id = "crm-tool"
authorize_url = "{platform.url}/authorize"
jwks_url = "{platform.url}/jwks"
"""
    write_private(classroom.secrets / "login.toml", settings)
    with small_hub(classroom) as running:
        yield running


class Launch:
    """A browser that came from the platform: the first step is done, the second is up to the test."""

    def __init__(self, hub: SmallHub, platform: Platform, number: str = "2023001") -> None:
        self.hub = hub
        self.browser: Browser = hub.browser()
        started = self.browser.post(
            f"{hub.url}/hub/lti13/oauth_login",
            data={"iss": ISSUER, "login_hint": "17", "target_link_uri": f"{hub.url}/hub/home", "client_id": "crm-tool"},
            allow_redirects=False,
        )
        assert started.headers["Location"].startswith(f"{platform.url}/authorize?")
        self.asked = {key: values[0] for key, values in parse_qs(urlsplit(started.headers["Location"]).query).items()}
        self.claims = platform.claims(self.asked["nonce"], number, f"{hub.url}/hub/home")

    def finish(self, token: str, state: str | None = None) -> tuple[requests.Response, str | None]:
        data = {"id_token": token, "state": state or self.asked["state"]}
        return self.browser.post(self.asked["redirect_uri"], data=data), self.browser.user()


def test_a_launch_logs_the_right_person_in(hub: SmallHub, platform: Platform) -> None:
    launch = Launch(hub, platform)
    assert (launch.asked["response_mode"], launch.asked["client_id"]) == ("form_post", "crm-tool")
    answer, user = launch.finish(platform.sign(launch.claims))
    assert (answer.status_code, user) == (200, "2023001")
    # The platform calls this person an instructor; the class list decides.
    assert launch.browser.page("/hub/api/user").json()["groups"] == ["students-crm"]


def test_the_log_in_page_sends_to_the_platform(hub: SmallHub) -> None:
    page = hub.browser().page("/hub/login").text
    assert "请先进入学校的 Moodle" in page
    assert "<form" not in page


def test_who_is_not_on_the_list_is_told_so(hub: SmallHub, platform: Platform) -> None:
    launch = Launch(hub, platform, "2023999")
    answer, user = launch.finish(platform.sign(launch.claims))
    assert (answer.status_code, told(answer), user) == (403, "账号 2023999 不在班级名单里，请联系老师。", None)


def test_without_a_student_number_the_platforms_own_id_is_not_taken(hub: SmallHub, platform: Platform) -> None:
    launch = Launch(hub, platform)
    launch.claims |= {CLAIM + "lis": {}, "sub": "2023001", "email": "2023001"}
    answer, user = launch.finish(platform.sign(launch.claims))
    assert (answer.status_code, told(answer), user) == (403, "学校的登录服务没有给出学号，请联系老师。", None)


@pytest.mark.parametrize(
    "forged",
    [
        {"aud": "another-tool"},
        {"aud": ["crm-tool", "another-tool"]},
        {"iss": "https://evil.example.com"},
        {"exp": 1_000_000_000},
        {"iat": 1_000_000_000},
        {"nonce": "another"},
        {CLAIM + "version": "1.1"},
        {CLAIM + "message_type": "Other"},
    ],
    ids=lambda forged: next(iter(forged)).removeprefix(CLAIM),
)
def test_a_launch_meant_otherwise_is_refused(hub: SmallHub, platform: Platform, forged: dict[str, object]) -> None:
    launch = Launch(hub, platform)
    answer, user = launch.finish(platform.sign(launch.claims | forged))
    assert (answer.status_code, user) in [(400, None), (401, None)]
    assert told(answer).startswith("登录没有完成")


def test_a_wrong_signature_is_refused(hub: SmallHub, platform: Platform) -> None:
    launch = Launch(hub, platform)
    answer, user = launch.finish(platform.sign(launch.claims, platform.other_key))
    assert (answer.status_code, user) == (400, None)
    launch = Launch(hub, platform)
    answer, user = launch.finish(jwt.encode(launch.claims, None, algorithm="none", headers={"kid": "k1"}))
    assert (answer.status_code, user) == (400, None)
    launch = Launch(hub, platform)
    answer, user = launch.finish(platform.sign(launch.claims, "k" * 64, "HS256"))
    assert (answer.status_code, user) == (400, None)


def test_a_launch_counts_once(hub: SmallHub, platform: Platform) -> None:
    launch = Launch(hub, platform)
    token = platform.sign(launch.claims)
    stolen = dict(launch.browser.cookies)
    assert launch.finish(token)[1] == "2023001"
    # Again from the same browser, from one with the stolen cookies, and from one without.
    thief = Launch(hub, platform)
    thief.asked, thief.browser.cookies = launch.asked, requests.cookies.cookiejar_from_dict(stolen)
    answer, user = thief.finish(token)
    assert (answer.status_code, told(answer), user) == (400, "这个登录链接已经用过，请回到课程平台重新点一次。", None)
    launch.browser.page("/hub/logout")
    assert (launch.finish(token)[0].status_code, launch.browser.user()) == (400, None)
    bare = Launch(hub, platform)
    bare.browser.cookies.clear()
    assert bare.finish(platform.sign(bare.claims))[0].status_code == 400


def test_another_browsers_state_is_refused(hub: SmallHub, platform: Platform) -> None:
    victim, attacker = Launch(hub, platform), Launch(hub, platform)
    answer, user = victim.finish(platform.sign(attacker.claims), attacker.asked["state"])
    assert (answer.status_code, user) == (400, None)
    answer, user = victim.finish(platform.sign(attacker.claims), victim.asked["state"])
    assert (answer.status_code, user) == (400, None)


def test_with_tls_the_platforms_own_post_brings_the_cookies_along(hub: SmallHub) -> None:
    started = requests.post(
        f"{hub.behind_proxy}/hub/lti13/oauth_login",
        data={"iss": ISSUER, "login_hint": "17", "target_link_uri": f"{hub.url}/hub/home", "client_id": "crm-tool"},
        headers={"X-Forwarded-Proto": "https"},
        allow_redirects=False,
        timeout=PATIENCE,
    )
    cookies = [one for one in started.raw.headers.getlist("Set-Cookie") if one.startswith("lti13authenticator-")]
    assert len(cookies) == 2
    assert all("SameSite=None" in cookie and "Secure" in cookie and "HttpOnly" in cookie for cookie in cookies)
