"""Servers that nobody uses give their memory back: jupyterhub-idle-culler as a service of the hub.

``python -m course.operations.culling`` is its program with one thing added: it reaches a hub that listens on a Unix
socket (``http+unix://``), which Tornado's client can't by itself.
"""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from tornado.netutil import Resolver

from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

NAME = "idle-culler"
HOUR = 3600


def culler_service(api_url: str, timeout: int | None = None) -> dict[str, Any]:
    """The service for ``JupyterHub.services``.

    :param api_url: the hub's API, ``http://…/hub/api`` or ``http+unix://%2F…%2Fhub.sock/hub/api``.
    :param timeout: seconds without activity after which a server is stopped; what :func:`idle_seconds` says if None.
        A running cell is activity.
    """
    timeout = idle_seconds() if timeout is None else timeout
    return {
        "name": NAME,
        "command": [sys.executable, "-m", "course.operations.culling", f"--url={api_url}", *_pace(timeout)],
        "environment": {"CRM_CLASS_PROCESS": os.environ.get("CRM_CLASS_PROCESS", "")},
        "cwd": str(course_root()),
        "display": False,
    }


def idle_seconds(environ: Mapping[str, str] = os.environ) -> int:
    """How long a server may idle: an hour, or what ``CRM_IDLE_MINUTES`` says.

    :raises CourseError: if that is no number of minutes.
    """
    wanted = environ.get("CRM_IDLE_MINUTES")
    if not wanted:
        return HOUR
    try:
        seconds = 60 * float(wanted)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= 365 * 24 * HOUR:
        raise CourseError(
            _("CRM_IDLE_MINUTES 是学习环境闲置多少分钟后停止，应当是正数，例如 60；现在是 {found}。").format(
                found=wanted
            )
        )
    return int(seconds)


def _pace(timeout: int) -> list[str]:
    """Look often enough that nobody stays on for half as long again, and at least every ten minutes."""
    return [f"--timeout={timeout}", f"--cull-every={max(1, min(600, timeout // 4))}"]


def culler_role() -> dict[str, Any]:
    """What the service may do, for ``JupyterHub.load_roles``: see who is active, stop servers; nothing else."""
    return {
        "name": NAME,
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": [NAME],
    }


class SocketResolver(Resolver):
    """Every host name is the one Unix socket."""

    def initialize(self, path: str) -> None:
        self.path = path

    async def resolve(self, host: str, port: int, family: Any = socket.AF_UNSPEC) -> list[tuple[int, Any]]:
        return [(socket.AF_UNIX, self.path)]


def plain_url(url: str) -> str:
    """The URL for Tornado's client; one of a Unix socket becomes plain HTTP, and the socket the way to every host."""
    parts = urlsplit(url)
    if parts.scheme != "http+unix":
        return url
    Resolver.configure(SocketResolver, path=unquote(parts.netloc))
    return parts._replace(scheme="http", netloc="hub").geturl()


def main(arguments: list[str]) -> None:
    from jupyterhub_idle_culler import IdleCuller

    flag = "--url="
    IdleCuller.launch_instance(
        [flag + plain_url(word.removeprefix(flag)) if word.startswith(flag) else word for word in arguments]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
