"""``python -m course.desk``: the desk as a service that the hub starts. The hub says by the environment where."""

import asyncio
import logging
import os
from contextlib import suppress
from urllib.parse import urlsplit

from course.desk.application import application
from course.desk.handlers import Signed
from course.hub.classroom import Classroom
from course.operations import pages as health


async def serve() -> None:
    """Serve until the process is ended."""
    place, prefix = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]), os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    classroom = Classroom.here()
    desk = application(classroom, prefix, health.handlers(classroom, Signed, prefix))
    desk.listen(place.port or 0, place.hostname or "127.0.0.1", max_body_size=64 * 1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve())
