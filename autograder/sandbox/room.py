"""A room: what a fork of the zygote does to itself before foreign code runs in it.

Two processes. The *doorkeeper* leaves the zygote's namespaces, forks the *inmate* into them, and stays outside to
interrupt it, to watch its memory, to close the room, and to report how it ended. The inmate is process 1 of its own
PID namespace: when it dies, everything it started dies.
"""

import contextlib
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Literal, NoReturn

import msgspec
import psutil

from autograder.sandbox import linux
from autograder.sandbox.limits import MIB, Limits
from autograder.sandbox.places import HOST_PROC, PLACE, folders

_STUDENT = 1000
_CLOSED = linux.MS_NOSUID | linux.MS_NODEV  # no mount of a room gives rights or devices
_TICK, _WEIGH = 0.1, 5  # seconds between looks at the room; every how many of them its memory is measured
_MOST_LOST = 3  # times the room's seconds: as long as a busy machine is waited for


class Leaving(msgspec.Struct):
    """How a room ended, told by its doorkeeper: trusted, unlike anything said inside.

    Attributes:
        code: exit code, or minus the signal.
        cpu_seconds: CPU time of the inmate and what it waited for, and of the doorkeeper.
        memory_mib: highest memory of the room seen, shared pages counted in part.
        reason: why the doorkeeper closed it, if it did.
    """

    code: int
    cpu_seconds: float
    memory_mib: float
    reason: Literal["", "memory", "asked"]


def live(door: socket.socket, limits: Limits, walls: bool, inmate: Callable[[], None]) -> None:
    """In a fork of the zygote: build the room, run ``inmate`` in it, keep the door; then report and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    linux.die_with_parent()
    os.setsid()  # Linux shares the processors out by session: a room full of processes gets no more than another
    uid, gid = os.getuid(), os.getgid()
    place = PLACE if walls else tempfile.mkdtemp(prefix="crm-room-")
    if walls:
        linux.unshare(linux.ALL_NAMESPACES & ~linux.CLONE_NEWNS)  # the doorkeeper goes on seeing the house's /proc
        linux.map_ids(_STUDENT, uid, gid)
    child = os.fork()
    if child == 0:
        door.close()
        run_and_end(lambda: _settle_and_run(place, limits, walls, inmate))
    left = _keep_door(door, child, limits)
    if not walls:
        shutil.rmtree(place, ignore_errors=True)
    door.sendall(msgspec.msgpack.encode(left))


def run_and_end(work: Callable[[], None]) -> NoReturn:
    """Run and end the process, whatever happens: no fork may fall back into the code of the process it came from."""
    code = 70
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


# -------------------------------------------------------------------------------------------------- the inmate


def _settle_and_run(place: str, limits: Limits, walls: bool, inmate: Callable[[], None]) -> None:
    linux.die_with_parent()
    os.setsid()  # not the doorkeeper's, whom it must not keep from running
    if walls:
        _furnish(limits)
    for folder in ("home", "work"):
        os.mkdir(f"{place}/{folder}")
    os.environ["HOME"] = f"{place}/home"
    os.chdir(f"{place}/work")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    _limit(limits)
    if walls:
        linux.drop_privileges()
        linux.landlock((PLACE, "/dev/shm"))
        linux.seccomp()
    inmate()


def _furnish(limits: Limits) -> None:
    """Own /tmp and /dev/shm, own /proc; the machine's stays out of sight. The rest is read-only already."""
    linux.unshare(linux.CLONE_NEWNS)
    linux.make_mounts_private()
    with _kept([folder for folder in folders() if folder.startswith(f"{PLACE}/")]):
        linux.mount("tmpfs", PLACE, _CLOSED, f"size={limits.scratch},nr_inodes=20000,mode=700")
    try:
        linux.mount("proc", "/proc", _CLOSED | linux.MS_NOEXEC)
    except OSError:  # a container that hides parts of /proc: better none than the zygote's
        linux.mount("tmpfs", "/proc", _CLOSED, "size=4k,mode=555")
    linux.mount("tmpfs", HOST_PROC, _CLOSED, "size=4k,mode=555")
    linux.mount("tmpfs", "/dev/shm", _CLOSED, f"size={limits.scratch},nr_inodes=1000,mode=700")


@contextlib.contextmanager
def _kept(shown: list[str]) -> Iterator[None]:
    """What must stay in sight although a mount will cover it, for a course that lies in /tmp itself."""
    held = {folder: os.open(folder, os.O_PATH) for folder in shown}
    yield
    tops = {f"{PLACE}/{folder.split('/')[2]}" for folder in shown} - set(shown)
    for top in tops:
        os.mkdir(top)
        linux.mount("tmpfs", top, _CLOSED, "size=64k,mode=755")
    for folder, descriptor in held.items():
        os.makedirs(folder)
        linux.bind(f"/proc/self/fd/{descriptor}", folder)
        os.close(descriptor)
    for top in tops:
        linux.mount("tmpfs", top, _CLOSED | linux.MS_REMOUNT | linux.MS_RDONLY)


def _limit(limits: Limits) -> None:
    """Limits of each process. The address space counts what the zygote brought along, so that comes on top."""
    inherited = psutil.Process().memory_info().vms if os.path.exists("/proc/self/statm") else 4096 * MIB
    linux.limit(resource.RLIMIT_AS, inherited + limits.memory)
    linux.limit(resource.RLIMIT_CPU, limits.cpu_seconds)
    linux.limit(resource.RLIMIT_NPROC, limits.processes)
    linux.limit(resource.RLIMIT_FSIZE, limits.file)
    linux.limit(resource.RLIMIT_NOFILE, limits.open_files)
    linux.limit(resource.RLIMIT_CORE, 0)


# ---------------------------------------------------------------------------------------------- the doorkeeper


def _keep_door(door: socket.socket, child: int, limits: Limits) -> Leaving:
    """Obey the driver (``i`` interrupt, ``l`` tell the time lost, ``k`` or nobody there any more: close) until the
    inmate has ended.
    """
    started, ended = time.monotonic(), os.pidfd_open(child)
    poll = select.poll()
    for source in (door.fileno(), ended):
        poll.register(source, select.POLLIN)
    reason: Literal["", "memory", "asked"] = ""
    highest, ticks = 0.0, 0
    while True:
        ready = {source for source, _ in poll.poll(_TICK * 1000)}
        if ended in ready:
            break
        if door.fileno() in ready:
            order = door.recv(1)
            if order == b"i":
                os.kill(child, signal.SIGINT)
                continue
            if order == b"l":
                lost = _lost(child, time.monotonic() - started)
                door.sendall(msgspec.msgpack.encode(min(lost, _MOST_LOST * limits.seconds)))
                continue
            reason = reason or "asked"
            os.kill(child, signal.SIGKILL)
            poll.unregister(door.fileno())
        ticks += 1
        if ticks % _WEIGH == 1:
            highest = max(highest, _memory(child))
        if _resident(child) > limits.memory and _memory(child) > limits.memory:
            reason, highest = "memory", max(highest, _memory(child))
            os.kill(child, signal.SIGKILL)
    _pid, status, usage = os.wait4(child, 0)
    own = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime + own.ru_utime + own.ru_stime
    return Leaving(os.waitstatus_to_exitcode(status), cpu, highest / MIB, reason)


def _room(child: int) -> list[psutil.Process]:
    try:
        inmate = psutil.Process(child)
        return [inmate, *inmate.children(recursive=True)]
    except psutil.Error:
        return []


def _lost(child: int, seconds: float) -> float:
    """Of the ``seconds`` of a room those in which it wanted to run and the machine ran others.

    What processes of the room wait for each other does not count.
    """
    waited = max((_waited(process.pid) for process in _room(child)), default=0.0)
    return max(0.0, min(waited, seconds - _sum(child, lambda process: sum(process.cpu_times()[:4]))))


def _waited(pid: int) -> float:
    """Seconds that a process stood in the queue for a processor (Linux: Documentation/scheduler/sched-stats.rst)."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[1]) / 1e9
    return 0.0


def _resident(child: int) -> float:
    """Bytes in memory, shared ones counted for each process: quick, and never too little."""
    return _sum(child, lambda process: process.memory_info().rss)


def _memory(child: int) -> float:
    """Bytes in memory, shared ones counted in part."""
    return _sum(child, lambda process: process.memory_full_info().pss)


def _sum(child: int, measure: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for process in _room(child):
        with contextlib.suppress(psutil.Error):  # it has just ended
            total += measure(process)
    return total
