"""Configuration of a small hub with nothing but the desk: everybody logs in with one password."""

import os
import sys
from pathlib import Path

from course.desk.service import roles, service
from course.hub.classroom import Classroom
from course.hub.preflight import NODE, PROXY_SCRIPT
from course.people import read_people
from crmlab.paths import course_root

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (the loader of the file provides it)
classroom = Classroom.here()
people = read_people(classroom)
PORT, HUB_PORT, API_PORT, DESK_PORT = os.environ["TEST_PORTS"].split()

c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{HUB_PORT}/"
c.JupyterHub.db_url = f"sqlite:///{classroom.hub / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(classroom.cookie_secret)
c.JupyterHub.template_paths = [str(course_root() / "course/hub/templates")]
c.ConfigurableHTTPProxy.command = [str(NODE), str(course_root() / PROXY_SCRIPT)]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{API_PORT}"
c.ConfigurableHTTPProxy.auth_token = classroom.proxy_token.read_text("utf-8").strip()
c.ConfigurableHTTPProxy.pid_file = str(classroom.hub / "proxy.pid")
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["TEST_PASSWORD"]
c.Authenticator.allowed_users = set(people)
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.services = [service(classroom, int(DESK_PORT))]
c.JupyterHub.load_groups = {
    f"staff-{section}": {
        "users": [person.name for person in people.values() if person.role != "student" and section in person.sections]
    }
    for section in classroom.sections()
}
c.JupyterHub.load_roles = roles(classroom)
# Formgrader on the teacher's own server, as plain as can be.
c.SimpleLocalProcessSpawner.home_dir_template = str(classroom.homes / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser", "--allow-root"]
c.Spawner.environment = {
    "CRM_CLASSROOM": str(classroom.folder),
    "CRM_ROLE": "instructor",
    "JUPYTER_CONFIG_PATH": str(course_root()),
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}
