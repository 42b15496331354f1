"""Configuration of the hub. ``course.hub.up`` starts it and says by environment variables where things are."""

import os
import sys
from pathlib import Path
from typing import Any

from course.desk import service as desk
from course.hub.classroom import Classroom
from course.hub.preflight import NODE, PROXY_SCRIPT
from course.hub.proxy import GATE
from course.hub.spawner import socket_url
from course.operations.culling import culler_role, culler_service
from course.operations.tls import tls_settings
from course.people.hub import configure as configure_people
from crmlab.paths import course_root

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (the loader of the file provides it)

HERE = Path(__file__).resolve().parent
RUNTIME = Path(os.environ["CRM_RUNTIME_DIR"])
classroom = Classroom.here()

entrance = tls_settings()
PORT = int(os.environ["CRM_PORT"])

c.JupyterHub.bind_url = entrance.url(PORT)
c.JupyterHub.ssl_key, c.JupyterHub.ssl_cert = str(entrance.key or ""), str(entrance.certificate or "")
# Hub, proxy's interface, book and servers listen on sockets in a folder that only this account can enter, so nothing
# but the proxy's own port can be talked to from elsewhere on the machine.
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = socket_url(RUNTIME / "hub" / "hub.sock")
c.JupyterHub.hub_socket_mode = 0o666  # in a folder nobody else enters; students' servers may have own accounts
c.JupyterHub.template_paths = [str(HERE / "templates")]
c.JupyterHub.db_url = f"sqlite:///{classroom.hub / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(classroom.cookie_secret)
c.JupyterHub.concurrent_spawn_limit = 0  # nobody is turned away: the spawner has a queue

c.JupyterHub.proxy_class = "course.hub.proxy.CourseProxy"
c.ConfigurableHTTPProxy.command = [str(NODE), "--import", str(GATE), str(course_root() / PROXY_SCRIPT)]
c.ConfigurableHTTPProxy.api_url = socket_url(RUNTIME / "proxy-api.sock")
c.ConfigurableHTTPProxy.auth_token = classroom.proxy_token.read_text("utf-8").strip()
c.ConfigurableHTTPProxy.pid_file = str(classroom.hub / "proxy.pid")
c.Proxy.extra_routes = {"/book/": socket_url(RUNTIME / "book.sock")}


def small_service(name: str, *program: str) -> dict[str, Any]:
    """A process that the hub starts, and starts again when it ends."""
    known = {name: os.environ[name] for name in ("CRM_CLASS_PROCESS", "CRM_CLASSROOM")}
    command = [sys.executable, "-m", *program]
    return {"name": name, "command": command, "environment": known, "cwd": str(course_root()), "display": False}


c.JupyterHub.services = [
    small_service("book", "course.hub.book_server", str(RUNTIME / "book.sock"), os.environ["CRM_BOOK"]),
    small_service("receiver", "course.exchange.receiver"),
    desk.service(classroom, int(os.environ["CRM_DESK_PORT"])),
    culler_service(c.JupyterHub.hub_connect_url + "/hub/api"),
]
configure_people(c, classroom)
c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, culler_role()]

c.JupyterHub.spawner_class = "course.hub.spawner.ClassSpawner"
c.ClassSpawner.walls = not os.environ.get("CRM_TRUST_USERS")
c.Spawner.notebook_dir = str(classroom.homes / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = [f"--config={HERE / 'server_config.py'}"]
c.Spawner.default_url = "/lab"
c.Spawner.http_timeout = 180  # a machine on which a class is being graded is slow, not broken
c.Spawner.start_timeout = 900  # seconds, the wait in the queue included
# A teacher of several sections has a server for each; the spawner refuses all other names.
c.JupyterHub.allow_named_servers = True
# A server has nothing to ask at its end: notebooks are saved by the browser.
c.LocalProcessSpawner.interrupt_timeout = 5
c.LocalProcessSpawner.term_timeout = 5
