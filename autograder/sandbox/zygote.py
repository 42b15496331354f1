"""The warm process that rooms are forked from. Runs inside the house: ``python -P -m autograder.sandbox.zygote FD walls``.

It has imported what students and tests use, so that a room opens in milliseconds. It holds no secret: no test, no
submission, no mark; what is in its memory every student may see.
"""

import gc
import importlib
import os
import signal
import socket
import sys
import warnings

import msgspec

from autograder.sandbox import linux, room
from autograder.sandbox.channel import Channel
from autograder.sandbox.limits import Limits

NOBODY = 65534
WARM = (
    "IPython", "ipywidgets", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "numpy", "pandas",
    "pandas.io.formats.style", "scipy.optimize", "scipy.special", "scipy.stats", "sklearn.cluster", "sklearn.decomposition",
    "sklearn.ensemble", "sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection", "sklearn.pipeline",
    "sklearn.preprocessing", "sklearn.tree", "autograder.checks", "autograder.wire",
    "crmlab.data", "crmlab.plots",
)  # fmt: skip


class Request(msgspec.Struct):
    """Open a room; the channel of its inmate and its door ride along.

    kind: "student" or "judge".
    """

    kind: str
    limits: Limits


def main(control: socket.socket, walls: bool) -> None:
    """Warm up, say so, and open rooms until the house is closed."""
    if walls and os.getuid() == 0:  # the superuser is above some limits
        linux.become(NOBODY)
    warm_up()
    control.send(b"ready")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a doorkeeper
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(control, 4096, 2)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            request = msgspec.msgpack.decode(message, type=Request)
            room.run_and_end(lambda: _open(request, walls, *descriptors))  # noqa: B023 (it never returns)
        for descriptor in descriptors:
            os.close(descriptor)


def _open(request: Request, walls: bool, channel: int, door: int) -> None:
    module = importlib.import_module(f"autograder.{request.kind}")
    inmate = lambda: module.main(Channel(socket.socket(fileno=channel)), request.limits)  # noqa: E731
    room.live(socket.socket(fileno=door), request.limits, walls, inmate)


def warm_up() -> None:
    """Import, and do once what is slow only the first time."""
    import crmlab

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in (*WARM, *(f"crmlab.{name}" for name in crmlab.__all__)):
            importlib.import_module(name)
        for name in ("student", "judge"):
            importlib.import_module(f"autograder.{name}").warm_up()
    gc.collect()
    gc.freeze()  # pages that the collector doesn't touch stay shared


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2] == "walls")
