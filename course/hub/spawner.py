"""How a user's server is started: a plain process of the account that runs the class.

This is the replaceable part: ``CRM_SPAWNER`` names another class, and :func:`environment` and :func:`deliver_first`
serve any of them.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner

from course.hub.classroom import Classroom
from course.hub.materials import deliver, materials
from course.hub.people import Role, read_class_list
from crmlab.errors import CourseError
from crmlab.paths import course_root


class ClassSpawner(SimpleLocalProcessSpawner):
    """One process a user. No walls: who can run Python here can read what the account can read."""

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        return super().user_env(env) | environment(Classroom.here(), self.user.name)


def environment(classroom: Classroom, user: str) -> dict[str, str]:
    """What a user's server and kernels must know; no secrets.

    Kernels talk through sockets in the runtime folder, whose path must be short (107 bytes), so it is not in the home.
    """
    return {
        "CRM_ROLE": role_of(classroom, user),
        "CRM_COURSE_ROOT": str(course_root()),
        "CRM_CLASSROOM": str(classroom.folder),
        "CRM_CLASS_PROCESS": os.environ["CRM_CLASS_PROCESS"],
        "JUPYTER_RUNTIME_DIR": str(Path(os.environ["CRM_RUNTIME_DIR"]) / user),
        "JUPYTER_CONFIG_PATH": str(course_root()),  # nbgrader_config.py lies there
        "JUPYTER_PATH": str(Path(__file__).resolve().parent / "jupyter"),  # formgrader's pages without a CDN
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "LANG": "C.UTF-8",
    }


def role_of(classroom: Classroom, user: str) -> Role:
    """The role of ``user`` on the class list; a name that is not on it has a student's rights."""
    person = read_class_list(classroom.passwords).get(user)
    return person.role if person else "student"


async def deliver_first(spawner: Any) -> None:
    """Hook before a server starts: lay the newest chapters into the home.

    A broken chapter or a full disk keeps nobody from their work: it is told in the hub's log.
    """
    classroom, user = Classroom.here(), spawner.user.name
    try:
        newest = await asyncio.to_thread(materials, role_of(classroom, user))
        await asyncio.to_thread(deliver, classroom.home(user), newest)
    except (CourseError, OSError) as error:
        spawner.log.error("Chapters were not delivered to %s: %s", user, error)
