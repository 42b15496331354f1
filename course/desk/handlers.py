"""The desk's requests. Each one is let in anew: by the hub's scope, and by the class list of the very section."""

import asyncio
import json
import logging
from http import HTTPStatus
from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from course.desk import due, jobs, marks, pages
from course.desk.state import known_assignment, read_state
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _

log = logging.getLogger("course.desk")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TICK_SECONDS = 0.5
STREAM_SECONDS = 60
"""After which a stream ends and the browser asks again: then it is checked anew who asks."""

NOTICES = {
    "busy": lambda: _("这份作业已有任务在进行，进度见下；等它结束再试。"),
    "due": lambda: _("截止时间已保存。"),
    "no-due": lambda: _("截止时间已取消。"),
}


def log_request(handler: RequestHandler) -> None:
    """Only what failed, and without the query: a log-in's code stands there."""
    if handler.get_status() >= 500:
        log.error("%s %s %s", handler.get_status(), handler.request.method, handler.request.path)


class Guarded(RequestHandler):
    """Headers of every answer, and errors in words."""

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    @property
    def classroom(self) -> Classroom:
        return self.settings["classroom"]

    @property
    def prefix(self) -> str:
        return self.settings["desk_prefix"]

    @property
    def base_url(self) -> str:
        """Where the hub's addresses begin, e.g. ``/``."""
        return self.prefix.removesuffix("services/desk/")

    def render_page(self, template: str, **values: Any) -> None:
        page = self.settings["templates"].get_template(template)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page.render(prefix=self.prefix, base_url=self.base_url, **values))

    def write_error(self, status_code: int, **details: Any) -> None:
        error = (details.get("exc_info") or (None, None, None))[1]
        sentence = error.sentence if isinstance(error, RefusedError) else _explain(status_code)
        self.render_page("error.html", status=status_code, message=sentence)


class RefusedError(HTTPError):
    """A request that is not done, with the sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status)
        self.sentence = sentence


def _explain(status: int) -> str:
    if status == HTTPStatus.FORBIDDEN:
        return _("您没有权限打开这个页面；如果刚才能打开，请刷新后重新登录。")
    if status == HTTPStatus.NOT_FOUND:
        return _("没有这个页面；请检查网址。")
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _("浏览器发来的请求不完整；请返回上一页再试。")
    return _("工作台出错了；请稍后再试，仍然不行时请查看 hub.log。")


# ---------------------------------------------------------------------------------------------------- who is asking


class Callback(HubOAuthCallbackHandler):
    """The end of the log-in at the hub."""


class Assets(StaticFileHandler):
    """Style and script of the desk; nothing of the class."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")


class Signed(HubOAuthenticated, Guarded):
    """Somebody whom the hub lets in. ``current_user`` is the hub's description of them."""

    async def prepare(self) -> None:
        if self.request.method == "POST":
            _refuse_other_sites(self.request.headers.get("Sec-Fetch-Site"))
        await self.hub_auth.get_user(self, sync=False)  # asks the hub here, and not while the loop waits
        if self.current_user:
            return
        if self.request.method != "GET" or self.request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
            raise HTTPError(HTTPStatus.FORBIDDEN)
        self.redirect(self.get_login_url())

    @property
    def user(self) -> str:
        return str(self.current_user["name"])

    def role_in(self, classroom: Classroom) -> str | None:
        """The user's role in a section, as the class list says now; None if it is none of the staff's."""
        from course.people import staff_of

        roles = {person.name: person.role for person in staff_of(classroom)}
        return roles.get(self.user)

    def own_sections(self) -> list[str]:
        """The sections whose staff the user belongs to."""
        return [name for name in self.classroom.sections() if self.role_in(self.classroom.of(name))]


def _refuse_other_sites(site: str | None) -> None:
    """Browsers say from where a request comes; those that say nothing still need the token of the form."""
    if site not in (None, "same-origin"):
        raise HTTPError(HTTPStatus.FORBIDDEN)


class Staff(Signed):
    """Staff of the section that the address names: ``section`` is its classroom, ``role`` the user's role there."""

    section: Classroom
    role: str

    async def prepare(self) -> None:
        await super().prepare()
        if self._finished:
            return
        try:
            self.section = self.classroom.of(self.path_args[0])
        except CourseError:
            raise HTTPError(HTTPStatus.NOT_FOUND) from None
        # The same answer for a section of others and for one that does not exist.
        exists = self.section.section in self.classroom.sections()
        role = self.role_in(self.section) if exists else None
        if role is None:
            raise RefusedError(HTTPStatus.FORBIDDEN, _("您不是这个教学班的教师或助教。"))
        self.role = role

    def allow(self, action: str) -> None:
        """
        Raises:
            RefusedError: the action is the instructor's, and the user is not.
        """
        if action in pages.INSTRUCTORS_ONLY and self.role != "instructor":
            raise RefusedError(HTTPStatus.FORBIDDEN, _("助教不能发布作业、发回反馈、改截止时间；请找主讲教师。"))

    def check_assignment(self, name: str) -> str:
        """``name`` if ``course.yml`` has it as written."""
        try:
            return known_assignment(name).id
        except CourseError as error:
            raise RefusedError(HTTPStatus.NOT_FOUND, str(error)) from None

    def back(self, notice: str = "", assignment: str = "") -> None:
        """To the section's page, at the assignment."""
        query = f"?notice={notice}" if notice else ""
        self.redirect(f"{self.prefix}{self.section.section}/{query}#{assignment}", status=HTTPStatus.SEE_OTHER)

    def render_staff(self, template: str, **values: Any) -> None:
        self.render_page(
            template,
            user=self.user,
            role=self.role,
            section=self.section.section,
            sections=self.own_sections(),
            xsrf=self.xsrf_token.decode(),
            **values,
        )


# ------------------------------------------------------------------------------------------------------- the pages


class Nothing(Signed):
    """An address that means nothing, for people who are logged in."""

    def get(self) -> None:
        raise HTTPError(HTTPStatus.NOT_FOUND)

    post = get


class FrontPage(Signed):
    """To the user's first section."""

    def get(self) -> None:
        own = self.own_sections()
        if not own:
            raise RefusedError(HTTPStatus.FORBIDDEN, _("工作台只对教师和助教开放。"))
        self.redirect(f"{self.prefix}{own[0]}/")


class SectionPage(Staff):
    """The section's assignments and students."""

    async def get(self, section: str) -> None:
        from course.people import read_people

        if not self.request.path.endswith("/"):
            self.redirect(f"{self.prefix}{section}/", permanent=False)
            return
        try:
            state = await asyncio.to_thread(read_state, self.section)
        except CourseError as error:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None
        person = read_people(self.classroom)[self.user]
        notice = NOTICES.get(self.get_query_argument("notice", ""))
        self.render_staff(
            "section.html",
            state=state,
            jobs=_current(self.section, [assignment.id for assignment in state.assignments]),
            formgrader=pages.formgrader(self.base_url, self.user, section, person.sections[0]),
            notice=notice() if notice else "",
        )


class Submissions(Staff):
    """Every submission of one student, with the receipts."""

    async def get(self, _section: str, assignment: str, student: str) -> None:
        from course.exchange import received

        self.check_assignment(assignment)
        state = await asyncio.to_thread(read_state, self.section, [assignment])
        person = next((person for person in state.students if person.name == student), None)
        if person is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, _("这个教学班里没有这位学生。"))
        taken = await asyncio.to_thread(received, self.section, assignment, student)
        self.render_staff(
            "submissions.html",
            assignment=state.assignments[0],
            student=person,
            taken=sorted(taken, key=lambda submission: submission.time, reverse=True),
        )


class Marks(Staff):
    """The marks of the section as a file."""

    async def get(self, section: str) -> None:
        state = await asyncio.to_thread(read_state, self.section)
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="marks-{section}.csv"')
        self.finish(marks.as_csv(state))


# ----------------------------------------------------------------------------------------------------- the buttons


class Act(Staff):
    """Starts a job. If one of this assignment is running, the page shows that one."""

    async def post(self, _section: str, assignment: str, action: str) -> None:
        self.check_assignment(assignment)
        if action not in jobs.ACTIONS:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        self.allow(action)
        released = (self.section.outbound / assignment).is_dir()
        if action == "release" and released and self.get_body_argument("confirmed", "") != "yes":
            self.render_staff("confirm.html", assignment=known_assignment(assignment))
            return
        try:
            _job, new = await asyncio.to_thread(jobs.start, self.section, assignment, action, self.user)
        except CourseError as error:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None
        self.back("" if new else "busy", assignment)


class Due(Staff):
    """Sets the due date, or takes it away when the field is empty."""

    async def post(self, _section: str, assignment: str) -> None:
        self.check_assignment(assignment)
        self.allow("due")
        text = self.get_body_argument("due", "").strip()
        try:
            when = due.parse_due(text) if text else None
            await asyncio.to_thread(due.set_due, self.section, assignment, when)
        except CourseError as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None
        self.back("due" if when else "no-due", assignment)


class Jobs(Staff):
    """The newest job of each assignment: once as JSON, or as a stream of events while the page is open."""

    async def get(self, _section: str) -> None:
        if "text/event-stream" not in self.request.headers.get("Accept", ""):
            self.finish(self._views())
            return
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("X-Accel-Buffering", "no")
        told = None
        for _tick in range(int(STREAM_SECONDS / TICK_SECONDS)):
            views = await asyncio.to_thread(self._views)
            if views != told:
                told = views
                self.write(f"data: {json.dumps(views, ensure_ascii=False)}\n\n")
            else:
                self.write(":\n\n")  # notices a browser that has gone
            try:
                await self.flush()
            except StreamClosedError:
                return
            await asyncio.sleep(TICK_SECONDS)

    def _views(self) -> dict[str, Any]:
        box = self.settings["templates"].get_template("job.html")
        return pages.job_views(self.section, _current(self.section), box)


def _current(section: Classroom, wanted: list[str] | None = None) -> dict[str, jobs.Job]:
    """The newest job of each assignment that ever had one."""
    place = section.hub / "jobs" / section.section
    names = wanted if wanted is not None else sorted(folder.name for folder in place.glob("*"))
    found = {name: jobs.latest(section, name) for name in names}
    return {name: job for name, job in found.items() if job is not None}
