"""Serves the built book under ``/book/``: a process of its own, so that readers don't slow the hub down.

``python -m course.hub.book_server SOCKET FOLDER``; the hub's proxy is the way in. A port instead of a socket where the
proxy is on another machine.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket
from tornado.web import Application, RedirectHandler, StaticFileHandler


class BookHandler(StaticFileHandler):
    """Static files that a browser asks for again, so that a rebuilt book shows at once (a 304 costs little)."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "frame-ancestors 'self'")


def application(folder: Path) -> Application:
    """The book in ``folder`` at ``/book/``."""
    return Application(
        [
            (r"/book", RedirectHandler, {"url": "/book/"}),
            (r"/book/(.*)", BookHandler, {"path": str(folder), "default_filename": "index.html"}),
        ],
        log_function=lambda handler: None,  # a line a picture would fill the hub's log
    )


async def serve(place: str, folder: Path) -> None:
    """Serve until the process is ended, at a Unix socket or at a port of all addresses."""
    server = HTTPServer(application(folder))
    if place.isdecimal():
        server.listen(int(place))
    else:
        server.add_socket(bind_unix_socket(place))
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
