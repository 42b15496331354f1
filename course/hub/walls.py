"""The walls around a user's server: what it may see, and the bubblewrap command that shows it just that.

Inside the walls everything lies at the path that it has outside; there is only much less. :func:`sights` is the one
list of what a role may see; a cluster's volumes are made from the same list (:mod:`course.hub.kubernetes`).

A server has its own user, process, IPC, host-name, network and mount namespaces. It listens on a Unix socket in its
own runtime folder and reaches the hub through another one, so there is no port of this machine to talk to. Students'
servers make no namespaces of their own; staff's may, because grading builds its walls inside.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import bubblewrap
from course.hub.classroom import Classroom
from course.hub.limits import Limits
from course.people import Person
from crmlab.paths import course_root

FOR_ALL = ("crmlab", "autograder", "course", "datasets", "nbgrader_config.py")
"""Parts of the course that every server sees."""

FOR_STAFF = ("assignments", "book", "chapters", "course.yml", "_config.yml", "requirements.lock")
"""What staff see besides: the sources, solutions and hidden tests included."""

_SCRATCH = ("/tmp", "/dev/shm")
"""Folders of which every server has an own, empty one."""

HIDDEN = "/hidden"
"""Where staff's servers have the machine's /proc, under an empty folder that lies on top of it."""

STAFF_ACCOUNT = 1000
"""The account that staff's servers see themselves as; outside it is the one that runs the class."""

FIRST_STUDENT_ACCOUNT = 200_000
"""When the superuser runs the class, students get accounts of their own from here on."""


@dataclass(frozen=True)
class Sight:
    """A file or folder that may be seen."""

    path: Path
    writable: bool = False


def is_staff(person: Person) -> bool:
    return person.role != "student"


def grades_inside() -> bool:
    """Whether grading can build its walls inside a staff member's server.

    It needs a /proc of its own, in which the superuser's files stay the superuser's, whatever namespace looks at them:
    where the class is run by the superuser, staff would come out as such. There grading is left to desk and command.
    """
    return os.getuid() != 0


def sights(classroom: Classroom, person: Person) -> list[Sight]:
    """What the person's server sees of the course and the class, besides Python; what lies on top comes later."""
    parts = FOR_ALL + (FOR_STAFF if is_staff(person) else ())
    seen = [Sight(course_root() / part) for part in parts]
    edition = "student" if person.role == "student" else "instructor"
    seen += [Sight(classroom.materials / edition), Sight(classroom.home(person.name), writable=True)]
    for section in person.sections:
        seen += _of_section(classroom.of(section), person)
    return seen


def _of_section(classroom: Classroom, person: Person) -> list[Sight]:
    if is_staff(person):
        folders = (classroom.course, classroom.records, classroom.received, classroom.exchange / classroom.section)
        return [Sight(folder, writable=True) for folder in folders]
    return [
        Sight(classroom.outbound),
        Sight(classroom.drop_box(person.name), writable=True),
        Sight(classroom.feedback_for(person.name)),
        Sight(classroom.receipts_of(person.name)),
    ]


def command(
    seen: Sequence[Sight], runtime: Path, hub: Path, passwd: Path, limits: Limits, *, staff: bool, network: bool
) -> list[str]:
    """The command that runs what follows it behind walls.

    runtime: the server's own folder for sockets, writable. hub: the folder with the hub's socket.
    passwd: shown as /etc/passwd. network: share the machine's network instead of having an empty one.
    """
    options = ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    options += ["--hostname", "classroom", *_account_options(staff)]
    options += [] if network else ["--unshare-net"]
    options += [*bubblewrap.system(), "--ro-bind", str(passwd), "/etc/passwd"]
    if network:
        options += [
            "--ro-bind-try",
            "/etc/resolv.conf",
            "/etc/resolv.conf",
            "--ro-bind-try",
            "/etc/hosts",
            "/etc/hosts",
        ]
    # The kernel's settings belong to the superuser, and so does what is started by the superuser without any rights.
    options += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]
    if staff and grades_inside():
        # For the walls inside: the kernel allows a new /proc only where a whole one is mounted. Nobody gets to see it.
        options += ["--bind", "/proc", f"{HIDDEN}/proc", "--perms", "0000", "--tmpfs", HIDDEN]
    for folder in _SCRATCH:
        options += ["--perms", "1777", "--size", str(limits.scratch), "--tmpfs", folder]
    all_of = [*map(Sight, map(Path, sorted(bubblewrap.python()))), *seen, Sight(hub), Sight(runtime, writable=True)]
    closed = _ways_through_scratch(all_of)
    for folder in closed:
        options += ["--perms", "0755", "--size", "65536", "--tmpfs", folder]
    for sight in all_of:
        options += bubblewrap.shown(str(sight.path), sight.writable)
    for folder in (*closed, "/"):
        options += ["--remount-ro", folder]
    return [str(bubblewrap.BWRAP), *options, "--"]


def _ways_through_scratch(seen: Sequence[Sight]) -> list[str]:
    """The topmost folders of what lies in the machine's /tmp: whoever can write there could rename them, and with them
    Python and the course under the feet of the server; mounted and read-only they stay.
    """
    tops = {
        str(Path(folder, sight.path.relative_to(folder).parts[0]))
        for sight in seen
        for folder in _SCRATCH
        if sight.path.is_relative_to(folder)
    }
    return sorted(tops - {str(sight.path) for sight in seen})


def _account_options(staff: bool) -> list[str]:
    if staff:
        return ["--unshare-user", "--uid", str(STAFF_ACCOUNT), "--gid", str(STAFF_ACCOUNT)]
    if os.getuid() == 0:
        # The superuser needs no user namespace, and the server must be able to become its student's account.
        return ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return ["--unshare-user", "--disable-userns"]


def entrance(limits: Limits, account: int | None, home: Path, materials: Path, trusted: bool) -> list[str]:
    """The first program behind the walls; it prepares the home and becomes the command that follows."""
    settings = limits.entrance(account, home, materials, forbid=not trusted)
    return [sys.executable, "-I", "-m", "course.hub.enter", settings, "--"]
