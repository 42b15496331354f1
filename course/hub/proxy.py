"""The hub's proxy, and its way to the book."""

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy


class CourseProxy(ConfigurableHTTPProxy):
    """Keeps the configured extra routes (``/book/``) when the proxy had to be started anew.

    JupyterHub itself brings back the routes of hub, users and services at once, and the extra ones only at the next
    periodic check, minutes later.
    """

    async def restore_routes(self, *args: Any) -> None:
        await super().restore_routes(*args)
        for routespec, target in self.extra_routes.items():
            await self.add_route(routespec, target, {"extra": True})
