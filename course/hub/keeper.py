"""Keeps one user's server: starts it, watches its memory, ends all of it. Run as a file, with the standard library.

``keeper.py MEMORY GROUP -- COMMAND``: bytes the server's processes may hold together (0: don't watch) and a control
group to enter (``-``: none). It lives in a session of its own and outlives the hub, so a hub that had to start anew
finds its servers at work. When it is told to end, or killed, bubblewrap and everything behind its walls end with it.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

WATCH_SECONDS = 2
LOG_BYTES = 16 * 2**20
PAGE = os.sysconf("SC_PAGE_SIZE")


def main(memory: int, group: str, command: list[str]) -> int:
    if group != "-":
        Path(group, "cgroup.procs").write_text(str(os.getpid()))
    # Inherited: the socket at which the server is reached.
    server = subprocess.Popen(command, close_fds=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log = threading.Thread(target=write_log, args=(server.stdout,), daemon=True)
    log.start()

    def end(_number: int, _frame: object) -> None:
        server.kill()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while True:
        try:
            code = server.wait(WATCH_SECONDS if memory else None)
            log.join(1)  # the last words
            return code
        except subprocess.TimeoutExpired:
            watch(server.pid, memory)


def write_log(output: Any) -> None:
    """Copy what the server prints into its log. What a student prints without end begins the log anew."""
    written = 0
    while text := output.read1(2**16):
        if written > LOG_BYTES:
            written = 0
            with suppress(OSError):
                os.ftruncate(1, 0)
        written += len(text)
        with suppress(OSError):  # a full disk loses lines; the server writes on
            os.write(1, text)


def watch(root: int, memory: int) -> None:
    """If the processes below ``root`` hold more than ``memory`` bytes, kill the one that holds most."""
    held = {pid: private_bytes(pid) for pid in descendants(root)}
    if sum(held.values()) <= memory:
        return
    # What forked processes still share was counted for each of them. The exact sum takes its time, so it comes second.
    held = {pid: proportional_bytes(pid) for pid in held}
    if sum(held.values()) <= memory:
        return
    greediest = max(held, key=lambda pid: held[pid])
    print(f"{time.strftime('%F %T')} memory limit of {memory >> 20} MiB: ended process {greediest}", flush=True)
    with suppress(OSError):  # gone by itself
        os.kill(greediest, signal.SIGKILL)


def descendants(root: int) -> list[int]:
    """The processes below ``root``."""
    found, open_ends = [], [root]
    while open_ends:
        below = children(open_ends.pop())
        found += below
        open_ends += below
    return found


def children(pid: int) -> list[int]:
    """The children of a process, as the kernel lists them; none if it is gone.

    Where the kernel has no such list, all processes are looked at, which is dear in a large class.
    """
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    if not os.path.exists(f"/proc/self/task/{threading.get_native_id()}/children"):
        everybody = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
        return [other for other in everybody if parent_of(other) == pid]
    found: list[int] = []
    for thread in threads:
        with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as listed:
            found += map(int, listed.read().split())
    return found


def parent_of(pid: int) -> int:
    """The parent of a process, 0 if it is gone. A name may hold spaces and brackets: the last one ends it."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return int(stat.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def private_bytes(pid: int) -> int:
    """Bytes that a process holds for itself: what is resident less what it shares with others."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            _size, resident, shared, *_rest = statm.read().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * PAGE


def proportional_bytes(pid: int) -> int:
    """Bytes that a process holds, those that it shares with others divided among them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
            known = dict(line.split()[:2] for line in rollup if line.startswith("Pss"))
        return int(known["Pss_Anon:"]) * 1024
    except (OSError, ValueError, KeyError):
        return private_bytes(pid)  # gone, or a kernel that doesn't tell


if __name__ == "__main__":
    code = main(int(sys.argv[1]), sys.argv[2], sys.argv[4:])
    sys.exit(code if code >= 0 else 128 - code)
