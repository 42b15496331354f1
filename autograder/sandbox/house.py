"""The house: bubblewrap around the zygote, and the way into its rooms.

What can be seen inside: the system's programs and libraries, Python with the course's packages, ``crmlab``,
``autograder`` and the data sets, all read-only. What can't: the network, assignments and their tests, the gradebook,
submissions, home folders, the environment of the grader.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

import msgspec

from autograder.sandbox.bubblewrap import BWRAP, all_shown, system
from autograder.sandbox.channel import Channel
from autograder.sandbox.limits import Limits
from autograder.sandbox.places import HOST_PROC, folders
from autograder.sandbox.room import Leaving
from autograder.sandbox.zygote import Request
from crmlab.errors import CourseError
from crmlab.i18n import _

_START_SECONDS, _LEAVE_SECONDS = 180, 60
_ENVIRONMENT = {
    "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "USER": "student",
    "LOGNAME": "student",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "IPYTHONDIR": "/tmp/ipython",
    # One thread a process: rooms run side by side, and a fork of threads is a broken fork.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS"), "1"),
}


class SandboxError(CourseError):
    """The walls can't be built here."""


class Room:
    """The driver's hold on a room: ``channel`` to the inmate, the door to the doorkeeper."""

    def __init__(self, channel: Channel, door: socket.socket) -> None:
        self.channel, self._door = channel, door
        self._left: Leaving | None = None
        self.lost_as_known = 0.0

    def interrupt(self) -> None:
        self._order(b"i")

    def lost(self) -> float:
        """Seconds in which the room wanted to run and the machine ran others, up to now."""
        if self._left is None:
            self._order(b"l")
            said = self._hear(_LEAVE_SECONDS)
            if isinstance(said, float):
                self.lost_as_known = said
        return self.lost_as_known

    def leave(self, patience: float = 0) -> Leaving | None:
        """Close the room and hear how it ended; None if the doorkeeper was killed.

        ``patience``: seconds in which the inmate may end by itself, before the doorkeeper is told to close.
        """
        if self._door.fileno() != -1:
            if patience:
                self._listen(patience)
            if self._left is None:
                self._order(b"k")
                self._listen(_LEAVE_SECONDS)
            self._door.close()
            self.channel.close()
        return self._left

    def _listen(self, seconds: float) -> None:
        """Wait for the room's end; a time that was asked for may come late, before it."""
        while isinstance(self._hear(seconds), float):
            pass

    def _hear(self, seconds: float) -> float | Leaving | None:
        try:
            self._door.settimeout(seconds)
            said = msgspec.msgpack.decode(self._door.recv(4096), type=float | Leaving)
        except (OSError, msgspec.DecodeError):
            return None
        if isinstance(said, Leaving):
            self._left = said
        return said

    def _order(self, order: bytes) -> None:
        with contextlib.suppress(OSError):
            self._door.send(order)


class Deadline:
    """So many seconds from now, by a clock that stands still while one of the rooms wants to run and the machine runs
    others.

    What was lost before the deadline was set is given as well if nobody asked yet: asking costs time, and being too
    patient costs no points.
    """

    def __init__(self, seconds: float, *rooms: Room) -> None:
        self._rooms, self._lost = rooms, sum(room.lost_as_known for room in rooms)
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until it may have passed; 0 or less when it has."""
        left = self._until - time.monotonic()
        if left > 0:
            return left
        lost = sum(room.lost() for room in self._rooms)
        self._until += lost - self._lost
        self._lost = lost
        return self._until - time.monotonic()


def receive(channel: Channel, *deadlines: Deadline) -> bytes:
    """The next message. Raises TimeoutError when one of the deadlines has passed, and as the channel does."""
    while (left := min(deadline.left() for deadline in deadlines)) > 0:
        with contextlib.suppress(TimeoutError):
            return channel.receive(left)
    raise TimeoutError


class House:
    """A zygote behind bubblewrap. ``walls=False`` forks without any wall: for submissions one trusts, and only if
    someone said so.

    Starts when the first room is opened, and again if it was killed. Rooms may be opened from several threads.
    """

    def __init__(self, walls: bool = True) -> None:
        self._walls = walls
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def open(self, kind: str, limits: Limits) -> Room:
        """A new room. Raises SandboxError where walls can't be built."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            try:
                return self._ask(kind, limits)
            except OSError:  # the zygote was killed since the last room
                self._start()
                return self._ask(kind, limits)

    def _ask(self, kind: str, limits: Limits) -> Room:
        assert self._control is not None
        channel, inmate_end = Channel.pair()
        door, keeper_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with inmate_end, keeper_end:
            request = msgspec.msgpack.encode(Request(kind, limits))
            socket.send_fds(self._control, [request], [inmate_end.fileno(), keeper_end.fileno()])
        return Room(channel, door)

    def close(self) -> None:
        with self._lock:
            self._stop()

    def __enter__(self) -> "House":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _start(self) -> None:
        """Warm up a zygote and try a room: walls that can't be built must be known before a student's code runs."""
        self._stop()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        walls = "walls" if self._walls else "trusted"
        program = [sys.executable, "-P", "-m", "autograder.sandbox.zygote", str(theirs.fileno()), walls]
        with tempfile.TemporaryFile() as errors, theirs:
            self._process = subprocess.Popen(
                [*(bubblewrap() if self._walls else ()), *program],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                env=_ENVIRONMENT, start_new_session=True,
            )  # fmt: skip
            theirs.close()
            if not self._is_ready():
                self._stop()
                errors.seek(0)
                raise SandboxError(_reason(errors.read()[-4000:].decode("utf-8", "replace")))

    def _is_ready(self) -> bool:
        assert self._control is not None
        self._control.settimeout(_START_SECONDS)
        try:
            if self._control.recv(64) != b"ready":
                return False
            self._control.settimeout(None)
            room = self._ask("student", Limits())
            room.channel.close()  # an inmate to whom nobody talks goes
            left = room.leave(patience=_LEAVE_SECONDS)
        except OSError:
            return False
        return left is not None and left.code == 0

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _reason(text: str) -> str:
    last = text.strip().splitlines()[-1] if text.strip() else _("没有说明原因")
    return _(
        "这台机器上建不起隔离环境（{reason}），因此没有运行任何学生代码。"
        "多数情况下是系统不允许普通用户使用用户命名空间：请管理员运行 sysctl -w kernel.unprivileged_userns_clone=1 "
        "或 sysctl -w kernel.apparmor_restrict_unprivileged_userns=0；"
        "只有完全信任全部提交时，才可以加上 --trust-submissions 不隔离运行。"
    ).format(reason=last)


# ----------------------------------------------------------------------------------------------------- bubblewrap


def bubblewrap() -> list[str]:
    """The command that puts a program into the house."""
    command = [str(BWRAP), "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    command += ["--unshare-uts", "--hostname", "classroom"]
    if os.getuid() == 0:
        # The superuser needs no user namespace, and the zygote must be able to become nobody.
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"]
    command += [*system(), "--perms", "1777", "--tmpfs", "/tmp", *all_shown(folders())]
    command += ["--proc", "/proc", "--bind", "/proc", HOST_PROC, "--dev", "/dev"]
    return [*command, "--chdir", "/tmp", "--remount-ro", "/", "--"]
