"""Who uses how much: the sizes of homes, counted now and then, and the memory of users' servers, counted now."""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

from course.hub.classroom import Classroom, write_private
from course.operations import reading

FRESH = 1800
"""Seconds for which counted homes are good: counting reads every folder of the class."""
USER = "JUPYTERHUB_USER"


@dataclass(frozen=True)
class Server:
    """A user's running server with its kernels. memory: bytes, shared ones divided among those who share them."""

    user: str
    processes: int
    memory: int


def home_sizes(classroom: Classroom, fresh: float = FRESH) -> dict[str, int]:
    """Bytes on the disk by user, the most first. Counted anew when the last count is older than ``fresh`` seconds."""
    note = classroom.hub / "sizes.json"
    with suppress(OSError, ValueError):
        if time.time() - note.stat().st_mtime < fresh:
            return dict(json.loads(note.read_text("utf-8")))
    sizes = {name: _size(classroom, name) for name in _names(classroom)}
    ordered = dict(sorted(sizes.items(), key=lambda entry: -entry[1]))
    with suppress(OSError):  # a full disk is what is to be told, not a reason not to tell
        write_private(note, json.dumps(ordered, ensure_ascii=True))
    return ordered


def _names(classroom: Classroom) -> list[str]:
    with suppress(OSError), os.scandir(classroom.homes) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


def _size(classroom: Classroom, user: str) -> int:
    return sum(found.status.st_blocks * 512 for found in reading.walk(classroom.home(user)))


def servers(processes: list[psutil.Process]) -> list[Server]:
    """The servers among the class's processes, the greatest first."""
    held: dict[str, list[int]] = {}
    for process in processes:
        with suppress(psutil.Error, OSError):
            if user := process.environ().get(USER):
                held.setdefault(user, []).append(_memory(process))
    found = [Server(user, len(sizes), sum(sizes)) for user, sizes in held.items()]
    return sorted(found, key=lambda server: -server.memory)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def class_processes(classroom: Classroom) -> list[psutil.Process]:
    """All processes of the class: they carry its folder in their environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get("CRM_CLASS_PROCESS") == str(classroom.folder):
                found.append(process)
    return found
