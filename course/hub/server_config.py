"""Configuration of one user's Jupyter server, by role (``CRM_ROLE``). Read by ``jupyterhub-singleuser --config``."""

import os
import socket
from pathlib import Path
from typing import Any

from jupyter_server import serverapp

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (the loader of the file provides it)

ROLE = os.environ.get("CRM_ROLE", "student")
LAB = Path(__file__).resolve().parent / "lab"

# JupyterLab in Chinese; nothing is fetched from outside.
EDITION = LAB / ("student" if ROLE == "student" else "instructor")
c.LabApp.app_settings_dir = str(EDITION)
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.LabServerApp.app_settings_dir = str(EDITION)

# The way in: a socket that the spawner opened outside the walls and handed in. There is no port to listen at behind them.
# A server on a cluster (course.hub.kubernetes) has no such socket, and listens at its pod's port.
c.ServerApp.sock = ""
if listener := os.environ.pop("CRM_LISTENER", ""):

    def handed_in(*_place: Any, **_mode: Any) -> socket.socket:
        ear = socket.socket(fileno=int(listener))
        ear.set_inheritable(False)
        ear.setblocking(False)
        return ear

    serverapp.bind_unix_socket = handed_in
    c.ServerApp.sock = "/handed-in.sock"  # a name for messages

# Making and grading assignments is the instructor's. The Lab side is switched off in lab/student/page_config.json.
GRADES = ROLE != "student"
c.ServerApp.jpserver_extensions = {
    "nbgrader.server_extensions.assignment_list": True,
    "nbgrader.server_extensions.validate_assignment": True,
    "nbgrader.server_extensions.course_list": GRADES,
    "nbgrader.server_extensions.formgrader": GRADES,
    "notebook": False,  # one interface is enough; this one is English
    "jupyter_lsp": False,  # looks for language servers at each start, with npm, and finds none
}

# The account is the one that runs the class; in a container that is root.
c.ServerApp.allow_root = True

# JupyterHub forbids frames altogether; formgrader stands in a frame of its own page.
c.ServerApp.tornado_settings = {"headers": {"Content-Security-Policy": "frame-ancestors 'self'"}}

# Sockets in the file system: no other account of this machine can reach a kernel. Not KernelManager: nbgrader's own
# kernels, which Validate starts in this process, would take a relative path and never answer.
c.ServerKernelManager.transport = "ipc"

# Light caps: a forgotten kernel gives its memory back; a print in an endless loop doesn't freeze the browser.
c.MappingKernelManager.cull_idle_timeout = 2 * 3600
c.MappingKernelManager.cull_interval = 300
c.ZMQChannelsWebsocketConnection.iopub_data_rate_limit = 20_000_000
c.ServerApp.max_body_size = 64 * 1024 * 1024
