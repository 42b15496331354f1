"""What the hub must know of the desk: its service and who may enter. For ``jupyterhub_config.py``."""

import json
import os
import sys
from typing import Any

from course.hub.classroom import Classroom
from course.hub.preflight import HOST
from crmlab.paths import course_root

NAME = "desk"
HANDED_ON = ("CRM_CLASS_PROCESS", "CRM_COURSE_ROOT", "CRM_DB_URL", "CRM_RUNTIME_DIR")
"""Settings of the hub's own process that the desk and its jobs need too."""


def service(classroom: Classroom, port: int) -> dict[str, Any]:
    """The entry of the desk in ``c.JupyterHub.services``; it listens at ``port`` of the loopback address."""
    handed_on = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    return {
        "name": NAME,
        "url": f"http://{HOST}:{port}",
        "command": [sys.executable, "-m", "course.desk"],
        "cwd": str(course_root()),
        "environment": {
            **handed_on,
            "CRM_CLASSROOM": str(classroom.folder),
            "LANG": "C.UTF-8",
            # A form on another site sends no cookie of the desk; a link to it does.
            "JUPYTERHUB_COOKIE_OPTIONS": json.dumps({"samesite": "Lax"}),
        },
        "oauth_no_confirm": True,
        "display": False,
    }


def roles(classroom: Classroom) -> list[dict[str, Any]]:
    """For ``c.JupyterHub.load_roles``: the staff of each section may enter. The desk itself may ask the hub nothing."""
    return [
        {
            "name": "desk-access",
            "description": "May open the instructor's desk, which asks the class list once more for each section.",
            "scopes": [f"access:services!service={NAME}"],
            "groups": [f"staff-{section}" for section in classroom.sections()],
        }
    ]
