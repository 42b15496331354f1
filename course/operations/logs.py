"""The hub's log: no secret in it, no other account can read it, and it never fills the disk.

Hub, proxy and services inherit one pipe as stdout and stderr. At its other end stands a small process of its own,
``python -m course.operations.logs FILE``, which goes on reading when ``course up`` dies, and ends when the last writer
has. It takes secrets and control characters out of every line before anything touches the disk.
"""

import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, BinaryIO

from crmlab.paths import course_root

SIZE = 10 * 2**20
"""Bytes of one file; the next line begins a new one."""
KEEP = 5
"""Older files beside it, ``hub.log.1`` the newest."""
LONGEST = 8 * 2**10
"""Bytes of one line; what comes after them is dropped."""

_GONE = "[…]"
_KEYS = "access_token|refresh_token|id_token|token|code|password|passwd|client_secret|secret|_xsrf|ticket"
_SECRETS = (
    # ?token=… in an address, token=… in a form
    (re.compile(rf"\b((?:{_KEYS})=)[^\s&\"'<>;,)]+", re.IGNORECASE), rf"\1{_GONE}"),
    # Authorization and Cookie, in a header or in a printed dictionary
    (
        re.compile(
            r"((?:proxy-)?authorization['\"]?\s*[:=,]\s*(?:b(?=['\"]))?['\"]?)(?:(?:token|bearer|basic)\s+)?[^\s'\",}]+",
            re.I,
        ),
        rf"\1{_GONE}",
    ),
    (re.compile(r"((?:set-)?cookie['\"]?\s*[:=]\s*(?:b(?=['\"]))?['\"]?)[^'\"]+", re.IGNORECASE), rf"\1{_GONE}"),
    (re.compile(r"\b((?:token|bearer|basic)\s+)[A-Za-z0-9+/_.~=-]{16,}", re.IGNORECASE), rf"\1{_GONE}"),
    # JUPYTERHUB_API_TOKEN=…, "password": "…"
    (
        re.compile(
            r"(\b\w*(?:token|secret|password)['\"]?\s*[:=]\s*(?:b(?=['\"]))?['\"]?)(?!\[…\])[^\s'\",}&]+", re.IGNORECASE
        ),
        rf"\1{_GONE}",
    ),
    # postgresql://teacher:…@host
    (re.compile(r"(\w://[^\s:/@]+:)[^\s/]+@"), rf"\1{_GONE}@"),
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def scrub(line: str) -> str:
    """The line without tokens, passwords and cookies, and without characters that a terminal obeys.

    >>> scrub("302 GET /hub/login?next=%2F&token=0123456789abcdef (::ffff:127.0.0.1)")
    '302 GET /hub/login?next=%2F&token=[…] (::ffff:127.0.0.1)'
    """
    line = _CONTROL.sub("", line)
    for pattern, instead in _SECRETS:
        line = pattern.sub(instead, line)
    return line


class PrivateRotatingFile(RotatingFileHandler):
    """Python's rotating log file, readable by its owner only.

    While a class is started anew, the log's old reader still serves the last words of the old one: each looks whether
    the other has begun a new file.
    """

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            if self.stream and not os.path.samestat(os.fstat(self.stream.fileno()), os.stat(self.baseFilename)):
                self.stream.close()
                self.stream = self._open()
        super().emit(record)

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.baseFilename, flags, 0o600)
        os.fchmod(handle, 0o600)
        return os.fdopen(handle, "a", encoding="utf-8", errors="replace")


def lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a stream, however long: one without an end must not take up the memory."""
    while piece := stream.readline(LONGEST):
        line = piece
        while not piece.endswith(b"\n") and (piece := stream.readline(LONGEST)):
            pass
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def write(stream: BinaryIO, path: Path, size: int = SIZE, keep: int = KEEP) -> None:
    """Copy a stream into the log until it ends. A full disk loses lines, it stops nobody: the stream is read on."""
    logging.raiseExceptions = False
    file = PrivateRotatingFile(path, maxBytes=size, backupCount=keep, encoding="utf-8", errors="replace")
    for line in lines(stream):
        file.emit(logging.makeLogRecord({"msg": scrub(line)}))
    file.close()


@contextmanager
def private_log(path: Path, size: int = SIZE, keep: int = KEEP) -> Iterator[IO[bytes]]:
    """A file to give to a process as stdout and stderr: what is written there lands in the rotating log ``path``.

    Its reader is none of the class's processes: it must outlive them, and does by seconds only.
    """
    command = [sys.executable, "-m", "course.operations.logs", str(path), str(size), str(keep)]
    reader = subprocess.Popen(
        command,
        cwd=course_root(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert reader.stdin
    with reader.stdin as pipe:
        yield pipe


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with the last writer, so that no last word is lost
    write(sys.stdin.buffer, Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
