"""The desk as a Tornado application."""

import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from tornado.web import Application

from course.desk import handlers, pages
from course.hub.classroom import Classroom

HERE = Path(__file__).parent


def application(classroom: Classroom, prefix: str, extra_handlers: Sequence[tuple[Any, ...]] = ()) -> Application:
    """The desk below ``prefix``, e.g. ``/services/desk/``.

    Args:
        extra_handlers: further routes, their patterns with the prefix, such as the health page. They come first.
    """
    section, assignment, student = r"([a-z0-9][a-z0-9-]*)", r"([a-z0-9][a-z0-9-]*)", r"([^/]+)"
    return Application(
        [
            *extra_handlers,
            (prefix, handlers.FrontPage),
            (f"{prefix}oauth_callback", handlers.Callback),
            (f"{prefix}_/(.*)", handlers.Assets, {"path": str(HERE / "static")}),
            (f"{prefix}{section}/?", handlers.SectionPage),
            (f"{prefix}{section}/jobs", handlers.Jobs),
            (f"{prefix}{section}/marks.csv", handlers.Marks),
            (f"{prefix}{section}/{assignment}/due", handlers.Due),
            (f"{prefix}{section}/{assignment}/do/([a-z]+)", handlers.Act),
            (f"{prefix}{section}/{assignment}/of/{student}", handlers.Submissions),
            (r".*", handlers.Nothing),
        ],
        classroom=classroom,
        desk_prefix=prefix,
        templates=_templates(),
        cookie_secret=_cookie_secret(classroom),
        xsrf_cookies=True,
        xsrf_cookie_kwargs={"samesite": "Strict", "httponly": True, "secure": _behind_tls()},
        log_function=handlers.log_request,
    )


def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    templates.globals.update(pages.HELPERS)
    return templates


def _cookie_secret(classroom: Classroom) -> bytes:
    """Made from the class's own secret: who is at the desk stays there when the desk is started anew."""
    return hmac.digest(classroom.cookie_secret.read_bytes(), b"course.desk", hashlib.sha256)


def _behind_tls() -> bool:
    return urlsplit(os.environ.get("JUPYTERHUB_PUBLIC_URL", "")).scheme == "https"
