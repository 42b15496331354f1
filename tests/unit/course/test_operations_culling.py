"""Idle servers are stopped, others are not; also where the hub listens on a Unix socket."""

import asyncio
import json
import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.scopes import scope_definitions
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket
from tornado.web import Application, RequestHandler

from course.operations.culling import SocketResolver, culler_role, culler_service, idle_seconds
from crmlab.errors import CourseError


class FakeHub:
    """The part of the hub's API that the culler uses."""

    def __init__(self) -> None:
        self.stopped: list[str] = []
        self.tokens: set[str] = set()
        self.asked = asyncio.Event()

    def application(self) -> Application:
        hub = self

        class Handler(RequestHandler):
            def get(self, path: str) -> None:
                hub.tokens.add(self.request.headers["Authorization"])
                users = [hub.user("idle", 3000), hub.user("busy", 10)]
                self.finish(json.dumps(users) if path == "users" else '{"version": "6.1.1"}')

            def delete(self, path: str) -> None:
                hub.stopped.append(path)
                hub.asked.set()
                self.set_status(204)

        return Application([(r"/hub/api/?(.*)", Handler)])

    @staticmethod
    def user(name: str, idle: float) -> dict[str, Any]:
        last = (datetime.now(UTC) - timedelta(seconds=idle)).isoformat()
        server = {"name": "", "ready": True, "pending": None, "url": "/", "last_activity": last, "started": last}
        return {"name": name, "admin": False, "servers": {"": server}}


@pytest.mark.parametrize("by", ["socket", "port"])
def test_the_idle_server_is_stopped_and_the_other_is_not(by: str, tmp_path: Path) -> None:
    async def play() -> FakeHub:
        hub = FakeHub()
        server = HTTPServer(hub.application())
        if by == "socket":
            path = tmp_path / "hub.sock"
            server.add_socket(bind_unix_socket(str(path)))
            url = f"http+unix://{str(path).replace('/', '%2F')}/hub/api"
        else:
            server.listen(0, "127.0.0.1")
            (listening,) = server._sockets.values()
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/hub/api"
        service = culler_service(url, timeout=600)
        environment = os.environ | service["environment"] | {"JUPYTERHUB_API_TOKEN": "of the service"}
        process = await asyncio.create_subprocess_exec(*service["command"], cwd=service["cwd"], env=environment)
        try:
            await asyncio.wait_for(hub.asked.wait(), 60)
        finally:
            process.terminate()
            await process.wait()
            server.stop()
        return hub

    hub = asyncio.run(play())
    assert hub.stopped == ["users/idle/server"]
    assert hub.tokens == {"token of the service"}


def test_the_service_may_see_and_stop_servers_and_nothing_else() -> None:
    role = culler_role()
    assert role["services"] == [culler_service("http://127.0.0.1/hub/api")["name"]]
    assert role["scopes"] == ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    assert set(role["scopes"]) <= scope_definitions.keys()


def test_no_token_stands_on_the_command_line() -> None:
    command = culler_service("http://127.0.0.1/hub/api", 3600)["command"]
    assert command[:3] == [sys.executable, "-m", "course.operations.culling"]
    assert command[3:] == ["--url=http://127.0.0.1/hub/api", "--timeout=3600", "--cull-every=600"]


def test_every_name_is_the_socket() -> None:
    resolver = SocketResolver(path="/run/hub.sock")
    assert asyncio.run(resolver.resolve("hub", 80)) == [(socket.AF_UNIX, "/run/hub.sock")]


def test_how_long_a_server_may_idle_is_a_setting() -> None:
    assert idle_seconds({}) == 3600
    assert idle_seconds({"CRM_IDLE_MINUTES": "90"}) == 5400
    for wrong in ("0", "-5", "soon", "nan", "inf"):
        with pytest.raises(CourseError, match="CRM_IDLE_MINUTES"):
            idle_seconds({"CRM_IDLE_MINUTES": wrong})
