"""A user without a browser: logs in at the hub, starts the server, runs things in its terminal and its kernels."""

import json
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import websocket

from tests.classes import RunningClass
from tests.waiting import PATIENCE

START_SECONDS = 900


@dataclass
class Client:
    """One user's session at a class."""

    url: str
    name: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False  # no proxy of the machine

    # --- the hub ---

    def log_in(self, password: str) -> requests.Response:
        """The answer to the log-in form; its address is the hub's home when the password was right."""
        self.session.get(f"{self.url}/hub/login")
        form = {"username": self.name, "password": password, "_xsrf": self.xsrf("/hub/")}
        return self.session.post(f"{self.url}/hub/login", params={"next": "/hub/home"}, data=form)

    def xsrf(self, path: str = "/hub/") -> str:
        """The token that forms and requests under ``path`` must carry."""
        found = [cookie for cookie in self.session.cookies if cookie.name == "_xsrf" and cookie.path == path]
        return str(found[0].value) if found else ""

    def hub_api(self, method: str, path: str, **given: Any) -> requests.Response:
        headers = {"X-XSRFToken": self.xsrf("/hub/"), "Referer": f"{self.url}/hub/home"}
        return self.session.request(method, f"{self.url}/hub/api{path}", headers=headers, **given)

    def start_server(self) -> float:
        """Start the user's server and log in at it. Returns the seconds until it answered."""
        began = time.monotonic()
        answer = self.hub_api("POST", f"/users/{self.name}/server")
        assert answer.status_code in (201, 202, 400), answer.text
        self.wait_for_server()
        page = self.session.get(f"{self.url}/user/{self.name}/lab")  # through the hub's OAuth, for the server's cookie
        assert page.status_code == 200, page.text[:300]
        return time.monotonic() - began

    def wait_for_server(self, server: str = "") -> None:
        """Until the hub says that the server is ready."""
        deadline = time.monotonic() + START_SECONDS
        while not self.hub_api("GET", f"/users/{self.name}").json()["servers"].get(server, {}).get("ready"):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def stop_server(self) -> None:
        self.hub_api("DELETE", f"/users/{self.name}/server")

    # --- the server ---

    def server(self, method: str, path: str, **given: Any) -> requests.Response:
        """A request to the user's own server."""
        base = f"/user/{self.name}"
        headers = {"X-XSRFToken": self.xsrf(f"{base}/"), "Referer": f"{self.url}{base}/lab"}
        return self.session.request(method, f"{self.url}{base}{path}", headers=headers, **given)

    def socket(self, path: str) -> websocket.WebSocket:
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.session.cookies)
        place = urlsplit(self.url).netloc
        return websocket.create_connection(
            f"ws://{place}/user/{self.name}{path}", cookie=cookies, origin=self.url, timeout=PATIENCE
        )

    def terminal(self, command: str, seconds: float = PATIENCE) -> str:
        """What a command prints in a terminal of the user's JupyterLab."""
        name = self.server("POST", "/api/terminals").json()["name"]
        end = uuid.uuid4().hex
        said = ""
        with closing(self.socket(f"/terminals/websocket/{name}")) as line:
            line.send(json.dumps(["stdin", f"{command}\nprintf '%s%s\\n' {end[:9]} {end[9:]}\n"]))
            deadline = time.monotonic() + seconds
            while end not in said and (text := _next(line, deadline)):
                kind, *content = json.loads(text)
                said += content[0] if kind == "stdout" else ""
        self.server("DELETE", f"/api/terminals/{name}")
        assert end in said, said[-500:]
        return said.replace(end, "")

    def notebook(self, code: str, seconds: float = 300) -> str:
        """What a cell prints in a new kernel, its error included."""
        kernel = self.server("POST", "/api/kernels", json={"name": "python3"}).json()["id"]
        request = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "version": "5.3",
            "username": "",
            "session": "s",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        said = ""
        with closing(self.socket(f"/api/kernels/{kernel}/channels")) as line:
            message = {"header": request, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            line.send(json.dumps(message))
            deadline = time.monotonic() + seconds
            heard = []
            while text := _next(line, deadline):
                message = json.loads(text)
                heard.append(f"{message['msg_type']} {str(message['content'])[:80]}")
                if message["parent_header"].get("msg_id") != request["msg_id"]:
                    continue
                body = message["content"]
                said += body.get("text", "") if message["msg_type"] == "stream" else ""
                said += "\n".join(body.get("traceback", [])) if message["msg_type"] == "error" else ""
                if body.get("execution_state") == "idle":  # the last word, after everything that was printed
                    break
            else:
                raise AssertionError(f"the kernel of {self.name} did not end the cell; heard: {heard[-9:]}")
        self.server("DELETE", f"/api/kernels/{kernel}")
        return said


def _next(line: websocket.WebSocket, deadline: float) -> str:
    """The next message; empty when the deadline has passed. A ping of the server is no message."""
    while (left := deadline - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            kind, data = line.recv_data(control_frame=True)
        except websocket.WebSocketTimeoutException:
            break
        if kind in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY):
            return str(data, "utf-8")
    return ""


def client(running: RunningClass, name: str) -> Client:
    """A user of a class, logged in."""
    user = Client(running.url, name)
    answer = user.log_in(running.passwords[name])
    assert answer.url.endswith("/hub/home"), answer.text[:300]
    return user
