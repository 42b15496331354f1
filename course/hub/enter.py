"""The first program behind a server's walls: becomes the student's account, prepares the home, runs the server.

``python -m course.hub.enter SETTINGS -- COMMAND``; what touches a home is done here, inside its owner's walls and
with its owner's rights, so a link laid in it leads nowhere that its owner can't go anyway.
"""

import json
import os
import resource
import sys
from pathlib import Path

from autograder.sandbox import linux
from course.hub.delivery import deliver_edition


def main(settings: dict[str, object], command: list[str]) -> None:
    account = settings["account"]
    if isinstance(account, int):
        linux.become(account)
    _limit(settings)
    home = Path(str(settings["home"]))
    try:
        deliver_edition(home, Path(str(settings["materials"])))
    except OSError as error:  # a full disk keeps nobody from their work
        print(f"chapters were not delivered: {error}", flush=True)
    os.chdir(home)
    if settings["forbid"]:
        linux.drop_privileges()
        linux.seccomp(network=True)
    os.execv(command[0], command)


def _limit(settings: dict[str, object]) -> None:
    limits = {
        resource.RLIMIT_NPROC: settings["processes"],
        resource.RLIMIT_NOFILE: settings["open_files"],
        resource.RLIMIT_FSIZE: settings["file"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        linux.limit(kind, int(str(value)))
    if settings["forbid"]:
        os.nice(5)  # the hub and the teacher's grading come first


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[3:])
