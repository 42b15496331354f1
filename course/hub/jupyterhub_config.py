"""Configuration of the hub. ``course.hub.up`` starts it and says by environment variables where things are."""

import os
import sys
from pathlib import Path

from course.hub.classroom import Classroom
from course.hub.people import read_class_list
from course.hub.preflight import NODE, PROXY_SCRIPT
from course.hub.spawner import deliver_first
from crmlab.paths import course_root

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (the loader of the file provides it)

HERE = Path(__file__).resolve().parent
classroom = Classroom.here()
BOOK_PORT = os.environ["CRM_BOOK_PORT"]

# Loopback only. TLS and the outside belong to a web server in front.
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['CRM_PORT']}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['CRM_HUB_PORT']}/"
c.JupyterHub.template_paths = [str(HERE / "templates")]
c.JupyterHub.db_url = f"sqlite:///{classroom.hub / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(classroom.cookie_secret)
c.JupyterHub.concurrent_spawn_limit = 8

c.JupyterHub.proxy_class = "course.hub.proxy.CourseProxy"
c.ConfigurableHTTPProxy.command = [str(NODE), str(course_root() / PROXY_SCRIPT)]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['CRM_PROXY_API_PORT']}"
c.ConfigurableHTTPProxy.auth_token = classroom.proxy_token.read_text("utf-8").strip()
c.ConfigurableHTTPProxy.pid_file = str(classroom.hub / "proxy.pid")
c.Proxy.extra_routes = {"/book/": f"http://127.0.0.1:{BOOK_PORT}"}

c.JupyterHub.services = [
    {
        "name": "book",
        "command": [sys.executable, "-m", "course.hub.book_server", BOOK_PORT, os.environ["CRM_BOOK"]],
        "environment": {"CRM_CLASS_PROCESS": os.environ["CRM_CLASS_PROCESS"]},
        "cwd": str(course_root()),
        "display": False,
    }
]

c.JupyterHub.authenticator_class = "course.hub.auth.ClassListAuthenticator"
c.ClassListAuthenticator.class_list = str(classroom.passwords)
c.Authenticator.allowed_users = set(read_class_list(classroom.passwords))

# The one place that decides how servers are kept apart.
c.JupyterHub.spawner_class = os.environ.get("CRM_SPAWNER", "course.hub.spawner.ClassSpawner")
c.SimpleLocalProcessSpawner.home_dir_template = str(classroom.homes / "{username}")
c.Spawner.notebook_dir = str(classroom.homes / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = [f"--config={HERE / 'server_config.py'}"]
c.Spawner.default_url = "/lab"
c.Spawner.pre_spawn_hook = deliver_first
c.Spawner.http_timeout = 60
# A server has nothing to ask at its end: notebooks are saved by the browser.
c.LocalProcessSpawner.interrupt_timeout = 5
c.LocalProcessSpawner.term_timeout = 5
