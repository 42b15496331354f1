"""The hub's proxy, and its way to the book."""

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy
from traitlets import validate


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
