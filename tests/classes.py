"""A real class to test with, started as ``make up`` starts it."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from autograder.sandbox.bubblewrap import BWRAP
from course.hub.classroom import Classroom
from course.hub.preflight import free_ports
from course.hub.up import class_processes
from tests.waiting import PATIENCE

WITHOUT_RIGHTS = (str(BWRAP), "--dev-bind", "/", "/", "--unshare-user", "--uid", "1234", "--gid", "1234", "--")
"""In front of a command: run it as an account that has no rights over others, whoever runs the tests."""


@dataclass
class RunningClass:
    """A class started as ``make up`` starts it."""

    process: subprocess.Popen[str]
    classroom: Classroom
    port: int
    seconds: float
    output: str
    inside: psutil.Process
    """The command itself, should something stand in front of it."""
    hosts: set[str] = field(default_factory=set)
    """Every host that a browser asked for anything."""

    def note(self, url: str) -> None:
        if urlsplit(url).scheme.startswith(("http", "ws")):
            self.hosts.add(urlsplit(url).netloc)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def passwords(self) -> dict[str, str]:
        lines = self.classroom.credentials.read_text("utf-8").splitlines()
        return dict(line.split("\t") for line in lines if "\t" in line)

    def stop(self, number: int = signal.SIGINT) -> str:
        """As Ctrl-C does. Returns what was still printed."""
        self.inside.send_signal(number)
        rest, _errors = self.process.communicate(timeout=PATIENCE)
        return rest


def course_up(folder: Path, port: int, students: int = 3, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """The command of ``make up``, for a class of its own in ``folder``. ``before``: see :data:`WITHOUT_RIGHTS`."""
    command = [*before, str(Path(sys.executable).with_name("course")), "up"]
    command += ["--students", str(students), "--port", str(port)]
    environment = os.environ | {"CRM_CLASSROOM": str(folder), "PYTHONUNBUFFERED": "1", "COLUMNS": "120"}
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def start_class(folder: Path, port: int, students: int = 3, before: Sequence[str] = ()) -> RunningClass:
    """Start a class and wait until it says that it is ready."""
    began = time.monotonic()
    process = course_up(folder, port, students, before)
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("账号与初始密码存于"):
            break
    assert process.poll() is None, "".join(lines)
    inside = psutil.Process(process.pid)
    if before:
        (inside,) = inside.children()
    seconds = time.monotonic() - began
    return RunningClass(process, Classroom(folder.resolve()), port, seconds, "".join(lines), inside)


@contextmanager
def a_class(
    folder: Path, students: int = 3, before: Sequence[str] = (), seen_from_inside: bool = False
) -> Iterator[RunningClass]:
    """A class on a free port, stopped at the end whatever happened.

    ``seen_from_inside``: its folder is looked at as the class sees it, which may have another disk there.
    """
    running = start_class(folder, free_ports(1)[0], students, before)
    if seen_from_inside:
        running.classroom = Classroom(Path(f"/proc/{running.inside.pid}/root{folder}"))
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


def status(url: str) -> int:
    """The HTTP status of an address; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def processes_left(classroom: Classroom) -> list[str]:
    return [" ".join(process.cmdline()) for process in class_processes(classroom)]
