"""Configuration of the hub. ``course.hub.up`` starts it and says by environment variables where things are."""

import os
import sys
from pathlib import Path

from course.hub.classroom import Classroom
from course.hub.people import read_class_list
from course.hub.preflight import NODE, PROXY_SCRIPT
from course.hub.spawner import socket_url
from crmlab.paths import course_root

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (the loader of the file provides it)

HERE = Path(__file__).resolve().parent
RUNTIME = Path(os.environ["CRM_RUNTIME_DIR"])
classroom = Classroom.here()

# Hub, proxy's interface, book and servers listen on sockets in a folder that only this account can enter, so nothing
# but the proxy's own port can be talked to from elsewhere on the machine.
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['CRM_PORT']}/"
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = socket_url(RUNTIME / "hub" / "hub.sock")
c.JupyterHub.hub_socket_mode = (
    0o666  # behind a folder nobody else enters; students' servers may have accounts of their own
)
c.JupyterHub.template_paths = [str(HERE / "templates")]
c.JupyterHub.db_url = f"sqlite:///{classroom.hub / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(classroom.cookie_secret)
c.JupyterHub.concurrent_spawn_limit = 8

c.JupyterHub.proxy_class = "course.hub.proxy.CourseProxy"
c.ConfigurableHTTPProxy.command = [str(NODE), str(course_root() / PROXY_SCRIPT)]
c.ConfigurableHTTPProxy.api_url = socket_url(RUNTIME / "proxy-api.sock")
c.ConfigurableHTTPProxy.auth_token = classroom.proxy_token.read_text("utf-8").strip()
c.ConfigurableHTTPProxy.pid_file = str(classroom.hub / "proxy.pid")
c.Proxy.extra_routes = {"/book/": socket_url(RUNTIME / "book.sock")}

c.JupyterHub.services = [
    {
        "name": "book",
        "command": [sys.executable, "-m", "course.hub.book_server", str(RUNTIME / "book.sock"), os.environ["CRM_BOOK"]],
        "environment": {"CRM_CLASS_PROCESS": os.environ["CRM_CLASS_PROCESS"]},
        "cwd": str(course_root()),
        "display": False,
    }
]

c.JupyterHub.authenticator_class = "course.hub.auth.ClassListAuthenticator"
c.ClassListAuthenticator.class_list = str(classroom.passwords)
c.Authenticator.allowed_users = set(read_class_list(classroom.passwords))

c.JupyterHub.spawner_class = "course.hub.spawner.ClassSpawner"
c.ClassSpawner.walls = not os.environ.get("CRM_TRUST_USERS")
c.Spawner.notebook_dir = str(classroom.homes / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = [f"--config={HERE / 'server_config.py'}"]
c.Spawner.default_url = "/lab"
c.Spawner.http_timeout = 60
# A teacher of several sections has a server for each; the spawner refuses all other names.
c.JupyterHub.allow_named_servers = True
# A server has nothing to ask at its end: notebooks are saved by the browser.
c.LocalProcessSpawner.interrupt_timeout = 5
c.LocalProcessSpawner.term_timeout = 5
