"""The hub's proxy: its way to the book, and the gate in front of each server (``gate.mjs``)."""

import hmac
from pathlib import Path
from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy
from traitlets import validate

GATE = Path(__file__).with_name("gate.mjs")
OWNER_COOKIE = "crm-owner"


def let_owner_in(handler: Any, name: str) -> None:
    """Give a browser that has just logged in the cookie with which the gate lets it through to the user's servers.

    Only below the user's own path: nobody else's server ever sees it.
    """
    mark = hmac.digest(handler.proxy.auth_token.encode(), f"owner:{name}".encode(), "sha256").hex()
    place = f"{handler.base_url}user/{name}/"
    handler._set_cookie(OWNER_COOKIE, mark, encrypted=False, path=place, expires_days=30, samesite="Lax")


class CourseProxy(ConfigurableHTTPProxy):
    """Keeps the configured extra routes (``/book/``) when the proxy had to be started anew.

    JupyterHub itself brings back the routes of hub, users and services at once, and the extra ones only at the next
    periodic check, minutes later.
    """

    @validate("extra_routes")
    def _validate_extra_routes(self, proposal: Any) -> dict[str, str]:
        """As they are. JupyterHub's own check knows no address of a Unix socket."""
        return dict(proposal.value)

    async def restore_routes(self, *args: Any) -> None:
        await super().restore_routes(*args)
        for routespec, target in self.extra_routes.items():
            await self.add_route(routespec, target, {"extra": True})
