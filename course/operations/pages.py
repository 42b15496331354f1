"""The health page at the instructor's desk, and the same as JSON."""

import asyncio
import base64
import hashlib
import re
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tornado.template import Loader
from tornado.web import HTTPError, RequestHandler, authenticated

from course.hub.classroom import Classroom
from course.operations import health
from course.people import read_people
from crmlab.errors import CourseError
from crmlab.i18n import _

FRESH = 10
"""Seconds for which an examination is good: a page that many look at costs no more than one."""


class Examiner:
    """Examines the class in a thread, one examination at a time."""

    def __init__(self, classroom: Classroom) -> None:
        self._classroom = classroom
        self._lock = asyncio.Lock()
        self._found: list[health.Check] = []
        self._when = -float(FRESH)

    async def checks(self) -> list[health.Check]:
        async with self._lock:
            if time.monotonic() - self._when >= FRESH:
                self._found = await asyncio.to_thread(self._examine)
                self._when = time.monotonic()
            return self._found

    def _examine(self) -> list[health.Check]:
        try:
            return health.examine(self._classroom)
        except CourseError as error:
            return [health.Check("class", _("班级"), "error", str(error))]


class HealthRequest(RequestHandler):
    """A look at the class's health. The desk's handler class, mixed in by :func:`handlers`, says who asks."""

    def initialize(self, classroom: Classroom, examiner: Examiner) -> None:
        self._classroom, self._examiner = classroom, examiner

    async def checks(self) -> list[health.Check]:
        """:raises HTTPError: if who asks is none of the staff."""
        person = read_people(self._classroom).get(str(self.current_user["name"]))
        if person is None or person.role == "student":
            raise HTTPError(HTTPStatus.FORBIDDEN)
        return await self._examiner.checks()

    def answer(self, content: str | bytes, kind: str) -> None:
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(content)


class HealthPage(HealthRequest):
    @authenticated
    async def get(self) -> None:
        content = page(await self.checks())
        self.set_header("Content-Security-Policy", policy(content))
        self.answer(content, "text/html")


class HealthJson(HealthRequest):
    @authenticated
    async def get(self) -> None:
        self.answer(health.as_json(await self.checks()), "application/json")


def handlers(classroom: Classroom, base: type[RequestHandler], prefix: str = "/") -> list[tuple[Any, ...]]:
    """Tornado handlers of ``health`` and ``health.json`` below ``prefix``, for staff.

    :param base: the desk's handler class; its ``current_user`` is the hub's description of who asks.
    """
    shared = {"classroom": classroom, "examiner": Examiner(classroom)}
    below = re.escape(prefix)
    return [
        (below + "health", type("DeskHealthPage", (HealthPage, base), {}), shared),
        (below + r"health\.json", type("DeskHealthJson", (HealthJson, base), {}), shared),
    ]


def page(checks: list[health.Check]) -> bytes:
    """The page, complete in itself."""
    template = Loader(str(Path(__file__).parent)).load("health.html")
    level = health.worst(checks)
    return template.generate(
        checks=sorted(checks, key=lambda check: -health.LEVELS.index(check.level)),
        level=level,
        headline={"ok": _("一切正常"), "warning": _("可以上课，有事要办"), "error": _("需要马上处理")}[level],
        words={"ok": _("正常"), "warning": _("注意"), "error": _("出错")},
    )


def policy(content: bytes) -> str:
    """What a browser may do with the page: show it, in its own style. Scripts are none of it."""
    (style,) = re.findall(rb"<style>(.*?)</style>", content, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
