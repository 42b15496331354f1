"""What lies where inside the house and its rooms."""

from autograder.sandbox.bubblewrap import python
from crmlab.paths import course_root

SHOWN = ("crmlab", "autograder", "datasets")
"""Folders of the course that are seen inside."""

PLACE = "/tmp"
"""The room's own folder; in it ``work``, where cells run, and ``home``."""

HOST_PROC = "/host-proc"
"""Where the house shows the machine's /proc: without one in sight the kernel allows no new one. Hidden in rooms."""


def folders() -> list[str]:
    """Python, its packages, and the parts of the course that may be seen; system folders are seen anyway."""
    return sorted(python() | {str(course_root() / name) for name in SHOWN})
