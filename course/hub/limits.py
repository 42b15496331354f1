"""How much a user's server may use, and who sees to it.

Where the class may divide its control group (``Delegate=yes`` in its systemd unit), the kernel limits memory,
processes and CPU of each server as a whole. Elsewhere :mod:`course.hub.keeper` watches the memory, and the processes
are limited one by one.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from crmlab.errors import CourseError
from crmlab.i18n import _

MIB = 2**20
_CONTROLLERS = ("cpu", "memory", "pids")
_MOUNT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Limits:
    """Limits of one server.

    memory: bytes of all its processes together. processes: processes and threads together.
    open_files: descriptors of a process. file: bytes of one file. scratch: bytes of its /tmp, and again of /dev/shm.
    """

    memory: int = 2048 * MIB
    processes: int = 512
    open_files: int = 4096
    file: int = 1024 * MIB
    scratch: int = 512 * MIB

    def entrance(self, account: int | None, home: Path, materials: Path, forbid: bool) -> str:
        """What :mod:`course.hub.enter` must know, as one argument."""
        return json.dumps(
            asdict(self) | {"account": account, "home": str(home), "materials": str(materials), "forbid": forbid}
        )


def limits_for(staff: bool) -> Limits:
    """The limits of a student's or of a staff member's server. ``CRM_MEMORY`` (MiB) sets a student's memory.

    :raises CourseError: if ``CRM_MEMORY`` is no number, or too small for a server to start.
    """
    if staff:
        return Limits(memory=4096 * MIB, processes=2048)
    wanted = os.environ.get("CRM_MEMORY")
    if not wanted:
        return Limits()
    if not wanted.isdecimal() or int(wanted) < 512:
        raise CourseError(
            _("CRM_MEMORY 是每位学生可用的内存（MiB），应当是不小于 512 的整数，现在是 {found}。").format(found=wanted)
        )
    return replace(Limits(), memory=int(wanted) * MIB)


# --------------------------------------------------------------------------------------------------- control groups


def own_group() -> Path | None:
    """The control group (v2) of this process, if this account may divide it."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
            if line.startswith("0::/"):
                group = _MOUNT / line.removeprefix("0::/")
                if can_divide(group) and (os.getuid() != 0 or is_delegated(group)):
                    return group
    return None


def is_delegated(group: Path) -> bool:
    """Whether systemd left the group to its service. The superuser may write to any, which is no leave to do so."""
    for attribute in ("trusted.delegate", "user.delegate"):
        with suppress(OSError):
            if os.getxattr(group, attribute) == b"1":
                return True
    return False


def can_divide(group: Path) -> bool:
    """Whether children of ``group`` can be made and limited."""
    try:
        available = (group / "cgroup.controllers").read_text("utf-8").split()
    except OSError:
        return False
    return set(_CONTROLLERS) <= set(available) and os.access(group, os.W_OK)


def divide(group: Path) -> None:
    """Prepare ``group`` for children with limits: processes may live in leaves only, so those in it move to one."""
    leaf = group / "class"
    leaf.mkdir(exist_ok=True)
    for pid in (group / "cgroup.procs").read_text("utf-8").split():
        with suppress(ProcessLookupError):
            (leaf / "cgroup.procs").write_text(pid, "utf-8")
    (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in _CONTROLLERS), "utf-8")


def make_group(parent: Path, name: str, limits: Limits, staff: bool) -> Path:
    """The control group of one server, with its limits. The shares of CPU count only when CPU is short."""
    group = parent / name
    group.mkdir(exist_ok=True)
    settings = {
        "memory.max": limits.memory,
        "memory.swap.max": 0,
        "pids.max": limits.processes,
        "cpu.weight": 200 if staff else 100,
    }
    for file, value in settings.items():
        with suppress(FileNotFoundError):  # a machine without swap accounting
            (group / file).write_text(str(value), "utf-8")
    return group
