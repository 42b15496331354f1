"""A small real hub for tests of logging in: the pages and rights of a class, and nothing behind them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from course.hub import preflight
from course.hub.classroom import Classroom
from crmlab.paths import course_root

CONFIG = """
import sys
from pathlib import Path
from course.hub.classroom import Classroom
from course.hub.preflight import NODE, PROXY_SCRIPT
from course.people.hub import configure
from crmlab.paths import course_root

c = get_config()
classroom = Classroom.here()
configure(c, classroom)
c.JupyterHub.bind_url = "http://127.0.0.1:{port}/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}/"
c.JupyterHub.template_paths = [str(course_root() / "course/hub/templates")]
c.JupyterHub.db_url = f"sqlite:///{{classroom.hub / 'jupyterhub.sqlite'}}"
c.JupyterHub.cookie_secret_file = str(classroom.cookie_secret)
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(classroom.homes / "{{username}}")
c.Spawner.cmd = [sys.executable, str(classroom.hub / "server.py")]
c.ConfigurableHTTPProxy.command = [str(NODE), str(course_root() / PROXY_SCRIPT)]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.auth_token = classroom.proxy_token.read_text().strip()
c.ConfigurableHTTPProxy.pid_file = str(classroom.hub / "proxy.pid")
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.services = [
    {{
        "name": "desk",
        "url": "http://127.0.0.1:{desk_port}/",
        "command": [sys.executable, str(classroom.hub / "server.py")],
        "oauth_no_confirm": True,
        "api_token": "{token}",
    }}
]
"""


SERVER = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
HTTPServer((url.hostname, url.port), Page).serve_forever()
"""
"""Stands for a user's server and for the desk: it answers, and does nothing."""


class SmallHub:
    """Where a hub runs, and browsers for it."""

    def __init__(self, classroom: Classroom, port: int, hub_port: int, process: subprocess.Popen[bytes]) -> None:
        self.classroom = classroom
        self.url = f"http://127.0.0.1:{port}"
        self.behind_proxy = f"http://127.0.0.1:{hub_port}"
        self.process = process
        self.passwords: dict[str, str] = {}

    def browser(self) -> "Browser":
        return Browser(self.url)

    def token(self, name: str, password: str) -> str:
        """An API token that a user made on the hub's own pages."""
        browser = self.browser()
        browser.log_in(name, password)
        xsrf = {"X-XSRFToken": browser.cookies["_xsrf"]}
        answer = browser.post(f"{self.url}/hub/api/users/{name}/tokens", json={"note": "Server at /"}, headers=xsrf)
        return str(answer.json()["token"])

    def whose(self, token: str) -> int:
        """The status of a request with a token."""
        headers = {"Authorization": f"token {token}"}
        return requests.get(f"{self.url}/hub/api/user", headers=headers, timeout=30).status_code

    @property
    def log(self) -> str:
        return self.classroom.log.read_text("utf-8")


class Browser(requests.Session):
    """Keeps cookies and follows redirects; every form is sent with the page's own token."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.url = url

    def request(self, *arguments: object, **options: object) -> requests.Response:
        answer = super().request(*arguments, timeout=30, **options)  # type: ignore[arg-type]
        answer.encoding = "utf-8"  # the pages say so in themselves
        return answer

    def page(self, path: str, **options: object) -> requests.Response:
        return self.get(self.url + path, **options)  # type: ignore[arg-type]

    def fill(self, path: str, fields: dict[str, str]) -> requests.Response:
        """Open the page of a form and send the form."""
        token = re.search(r'name="_xsrf" value="([^"]+)"', self.page(path).text)
        assert token, "the page has no form"
        data = {"_xsrf": token[1], **fields}
        return self.post(self.url + path, data=data)

    def log_in(self, name: str, password: str) -> requests.Response:
        return self.fill("/hub/login", {"username": name, "password": password})

    def user(self) -> str | None:
        """Who the hub says this is; None for a stranger."""
        answer = self.page("/hub/home", allow_redirects=False)
        found = re.search(r'user: "([^"]+)"', answer.text)
        return found[1] if answer.status_code == 200 and found else None


def told(answer: requests.Response) -> str:
    """The sentence in the red box of a page; empty if there is none."""
    found = re.search(r'class="login_error[^>]*>([^<]*)<', answer.text)
    return found[1] if found else ""


@contextmanager
def small_hub(classroom: Classroom, **environment: str) -> Iterator[SmallHub]:
    """Run a hub for the classroom until the block ends."""
    hub_port, api_port, desk_port, port = preflight.free_ports(4)
    config = classroom.hub / "jupyterhub_config.py"
    text = CONFIG.format(port=port, hub_port=hub_port, api_port=api_port, desk_port=desk_port, token="t" * 64)
    config.write_text(text, "utf-8")
    (classroom.hub / "server.py").write_text(SERVER, "utf-8")
    known = {"CRM_CLASSROOM": str(classroom.folder), "PYTHONPATH": str(course_root())}
    with classroom.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=classroom.hub,
            env=os.environ | known | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    running = SmallHub(classroom, port, hub_port, process)
    try:
        _wait(running)
        yield running
    finally:
        process.terminate()
        process.wait(30)


def _wait(hub: SmallHub) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and hub.process.poll() is None:
        with suppress(requests.ConnectionError):
            if hub.browser().page("/hub/api").ok:
                return
        time.sleep(0.1)
    raise AssertionError(f"the hub did not start:\n{hub.log}")


def new_class(folder: Path) -> Classroom:
    classroom = Classroom(folder)
    classroom.create()
    return classroom
