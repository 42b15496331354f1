"""The desk's pages and buttons: who may do what, what is refused, and that nothing of a name takes effect."""

import csv
import http.cookies
import io
import json
import re
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import quote, urlencode

import pytest
from tornado.httpclient import HTTPResponse
from tornado.testing import AsyncHTTPTestCase
from tornado.web import Application

from course.desk import jobs
from course.desk.application import application
from course.desk.handlers import Signed
from course.desk.service import roles, service
from course.desk.state import read_state
from course.hub.classroom import Classroom
from tests.desk import ASSIGNMENT, NOON, PREFIX, Person, School, cookie, enter, gradebook, pretend_auth
from tests.desk import school as make_school

HOSTILE = "<script>alert(1)</script>"
PAGES = (f"{PREFIX}crm/", f"{PREFIX}crm/jobs", f"{PREFIX}crm/marks.csv", f"{PREFIX}crm/{ASSIGNMENT}/of/s1")
POSTS = (*(f"{PREFIX}crm/{ASSIGNMENT}/do/{action}" for action in jobs.ACTIONS), f"{PREFIX}crm/{ASSIGNMENT}/due")


class DeskCase(AsyncHTTPTestCase):
    """A desk with two sections, an instructor, a grader, and students with hostile names."""

    @pytest.fixture(autouse=True)
    def _class(self, classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.classroom = classroom
        classroom.of("crm-2").create()
        self.school: School = make_school(classroom, monkeypatch)
        self.school.people += [
            Person("helper", "李助教", "grader"),
            Person("other", "", "instructor", ("crm-2",)),
            Person("s1", HOSTILE),
            Person("s2", "=HYPERLINK(1)"),
            Person("s3", "张三"),
        ]
        gradebook(classroom)
        self.started: list[tuple[str, str, str, str]] = []
        monkeypatch.setattr(Signed, "_hub_auth", pretend_auth())
        monkeypatch.setattr(jobs, "start", self._start)

    def _start(self, room: Classroom, assignment: str, action: str, by: str) -> tuple[jobs.Job, bool]:
        self.started.append((room.section, assignment, action, by))
        return jobs.Job(assignment, action, by, "2026-11-20T04:00:00+00:00"), len(self.started) == 1

    def get_app(self) -> Application:
        return application(self.classroom, PREFIX)

    def ask(self, path: str, user: str | None = "teacher", **options: Any) -> HTTPResponse:
        headers = options.pop("headers", {})
        if user:
            headers["Cookie"] = cookie(self._app, user)
        return self.fetch(path, headers=headers, follow_redirects=False, **options)

    def post(self, path: str, user: str = "teacher", **fields: str) -> HTTPResponse:
        """As a form of the page does it: with the cookie and the token that came with the page."""
        page = self.ask(f"{PREFIX}crm/" if user != "other" else f"{PREFIX}crm-2/", user)
        cookies = http.cookies.SimpleCookie(page.headers["Set-Cookie"])
        token = cookies["_xsrf"].value
        headers = {
            "Cookie": f"{cookie(self._app, user)}; _xsrf={token}",
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "navigate",
        }
        body = urlencode({"_xsrf": token, **fields})
        return self.fetch(path, method="POST", body=body, headers=headers, follow_redirects=False)


class TestWhoMayEnter(DeskCase):
    def test_strangers_are_sent_to_the_hubs_login(self) -> None:
        for page in (PREFIX, *PAGES):
            answer = self.ask(page, user=None)
            assert answer.code == 302
            assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?")

    def test_a_script_of_strangers_is_not_sent_anywhere(self) -> None:
        answer = self.ask(f"{PREFIX}crm/jobs", user=None, headers={"Sec-Fetch-Mode": "cors"})
        assert answer.code == 403

    def test_students_and_staff_of_other_sections_are_refused_everywhere(self) -> None:
        for user in ("s1", "other", "nobody"):
            for page in PAGES:
                answer = self.ask(page, user)
                assert answer.code == 403, (user, page)
                assert b"s2" not in answer.body

    def test_the_class_list_decides_anew_at_every_request(self) -> None:
        assert self.ask(f"{PREFIX}crm/", "helper").code == 200
        self.school.people = [person for person in self.school.people if person.name != "helper"]
        assert self.ask(f"{PREFIX}crm/", "helper").code == 403

    def test_a_user_without_the_hubs_scope_is_refused(self) -> None:
        Signed._hub_auth.access_scopes = {"access:services!service=another"}
        assert self.ask(f"{PREFIX}crm/").code == 403

    def test_the_front_page_leads_to_the_own_section(self) -> None:
        assert self.ask(PREFIX).headers["Location"] == f"{PREFIX}crm/"
        assert self.ask(PREFIX, "other").headers["Location"] == f"{PREFIX}crm-2/"
        assert self.ask(PREFIX, "s1").code == 403

    def test_sections_that_do_not_exist_are_refused_like_those_of_others(self) -> None:
        for section in ("crm-9", "crm-2"):
            assert self.ask(f"{PREFIX}{section}/").code == 403

    def test_odd_addresses_are_nothing(self) -> None:
        for path in (
            "CRM/",
            "..%2f..%2fsecrets/",
            "crm/../../secrets",
            "_/../service.py",
            "_/nothing.js",
        ):
            assert self.ask(PREFIX + path).code in (403, 404), path
        assert self.post(f"{PREFIX}crm/{ASSIGNMENT}/do/delete").code == 404
        assert self.post(f"{PREFIX}crm/a99-nothing/do/collect").code == 404
        assert self.ask(f"{PREFIX}crm/{ASSIGNMENT}/of/{quote('../../secrets', safe='')}").code == 404
        assert self.started == []


class TestButtons(DeskCase):
    def test_a_button_starts_the_command_of_that_name(self) -> None:
        for action in jobs.ACTIONS:
            answer = self.post(f"{PREFIX}crm/{ASSIGNMENT}/do/{action}")
            assert answer.code == 303
        assert self.started == [("crm", ASSIGNMENT, action, "teacher") for action in jobs.ACTIONS]

    def test_a_second_press_leads_to_the_running_job(self) -> None:
        path = f"{PREFIX}crm/{ASSIGNMENT}/do/grade"
        assert self.post(path).headers["Location"] == f"{PREFIX}crm/#{ASSIGNMENT}"
        assert self.post(path).headers["Location"] == f"{PREFIX}crm/?notice=busy#{ASSIGNMENT}"
        assert "已有任务在进行" in self.ask(f"{PREFIX}crm/?notice=busy").body.decode()

    def test_releasing_again_is_asked_first(self) -> None:
        (self.classroom.outbound / ASSIGNMENT).mkdir(parents=True)
        path = f"{PREFIX}crm/{ASSIGNMENT}/do/release"
        asked = self.post(path)
        assert (asked.code, self.started) == (200, [])
        assert "已经发布过" in asked.body.decode()
        assert self.post(path, confirmed="yes").code == 303
        assert len(self.started) == 1

    def test_a_grader_may_collect_and_grade_and_nothing_that_students_see(self) -> None:
        codes = {path.rsplit("/", 1)[1]: self.post(path, "helper", due="2026-12-01 23:59").code for path in POSTS}
        assert codes == {"release": 403, "collect": 303, "grade": 303, "feedback": 403, "due": 403}
        assert [action for _section, _name, action, _by in self.started] == ["collect", "grade"]
        assert read_state(self.classroom).assignment(ASSIGNMENT).due is None
        page = self.ask(f"{PREFIX}crm/", "helper").body.decode()
        # Of each assignment: release, feedback, due date and its button.
        forbidden = re.findall(r"<(?:button|input)[^>]* disabled", page)
        assert len(forbidden) == 4 * len(read_state(self.classroom).assignments)
        assert "您是助教" in page

    def test_students_and_others_can_press_nothing(self) -> None:
        for path in POSTS:
            assert self.post(path, "other").code == 403
        assert self.started == []

    def test_a_post_without_the_pages_token_is_refused(self) -> None:
        for path in POSTS:
            for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-origin"}):
                assert self.ask(path, method="POST", body="", headers=dict(headers)).code == 403
        assert self.started == []

    def test_a_post_from_another_site_is_refused_though_it_has_the_token(self) -> None:
        page = self.ask(f"{PREFIX}crm/")
        token = http.cookies.SimpleCookie(page.headers["Set-Cookie"])["_xsrf"].value
        for site in ("cross-site", "same-site", "none"):
            headers = {"Cookie": f"{cookie(self._app, 'teacher')}; _xsrf={token}", "Sec-Fetch-Site": site}
            body = urlencode({"_xsrf": token})
            assert self.fetch(POSTS[1], method="POST", body=body, headers=headers).code == 403
        assert self.started == []

    def test_no_get_changes_anything(self) -> None:
        for path in POSTS:
            assert self.ask(f"{path}?confirmed=yes").code == 405
        assert self.started == []

    def test_the_due_date_is_set_and_taken_away(self) -> None:
        path = f"{PREFIX}crm/{ASSIGNMENT}/due"
        assert self.post(path, due="2026-12-01T23:59").code == 303
        assert "截止 2026-12-01 23:59" in self.ask(f"{PREFIX}crm/").body.decode()
        refused = self.post(path, due="<b>morgen</b>")
        assert refused.code == 400
        assert "&lt;b&gt;morgen" in refused.body.decode()
        assert self.post(path, due="").code == 303
        assert "没有截止时间" in self.ask(f"{PREFIX}crm/").body.decode()

    def test_the_way_back_is_never_taken_from_the_request(self) -> None:
        answer = self.post(f"{PREFIX}crm/{ASSIGNMENT}/do/collect?next=//evil.example", next="//evil.example")
        assert answer.headers["Location"] == f"{PREFIX}crm/#{ASSIGNMENT}"
        notice = self.ask(f"{PREFIX}crm/?notice={quote(HOSTILE)}").body.decode()
        assert HOSTILE not in notice


class TestWhatIsShown(DeskCase):
    def _grade_some(self) -> None:
        for student, scores in {"s1": [5.0, 4.5], "s2": [3.0, None]}.items():
            self.school.hand_in(student)
            self.school.collect(student)
            enter(self.classroom, student, scores)  # type: ignore[arg-type]
        self.school.hand_in("s3", NOON + timedelta(hours=1))

    def test_nothing_of_a_name_takes_effect_in_the_page(self) -> None:
        self._grade_some()
        for path in (PAGES[0], PAGES[3]):
            page = self.ask(path).body.decode()
            assert HOSTILE not in page
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page

    def test_the_page_runs_no_script_but_its_own_and_is_kept_nowhere(self) -> None:
        answer = self.ask(f"{PREFIX}crm/")
        page = answer.body.decode()
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
        assert not re.search(r"\son\w+=|style=|https?://", page)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert "unsafe" not in policy

    def test_script_and_style_are_served(self) -> None:
        for file in ("desk.js", "theme.js", "desk.css"):
            answer = self.ask(f"{PREFIX}_/{file}", user=None)
            assert answer.code == 200
            assert "http" not in answer.body.decode()

    def test_the_marks_open_in_a_spreadsheet_and_compute_nothing(self) -> None:
        self._grade_some()
        answer = self.ask(f"{PREFIX}crm/marks.csv")
        assert answer.body.startswith(b"\xef\xbb\xbf")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="marks-crm.csv"'
        table = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
        # Two columns of the student, three of each assignment (a04 is the first), the total.
        assert {len(row) for row in table} == {3 + 3 * len(read_state(self.classroom).assignments)}
        assert [*table[1][:5], table[1][-1]] == ["s1", HOSTILE, "9.5", "2026-11-20 12:00", "", "9.5"]
        assert [*table[2][:5], table[2][-1]] == ["s2", "'=HYPERLINK(1)", "3", "2026-11-20 12:00", "待人工评阅", "3"]
        assert [*table[3][:5], table[3][-1]] == ["s3", "张三", "", "2026-11-20 13:00", "有新提交，尚未回收", ""]

    def test_all_submissions_of_a_student_are_listed_newest_first(self) -> None:
        self.school.hand_in("s3", NOON)
        self.school.hand_in("s3", NOON + timedelta(hours=1))
        page = self.ask(f"{PREFIX}crm/{ASSIGNMENT}/of/s3").body.decode()
        assert re.findall(r"<td>(2026-11-20 \d\d:\d\d:\d\d)", page) == ["2026-11-20 13:00:00", "2026-11-20 12:00:00"]

    def test_formgrader_of_the_first_section_is_on_the_own_server_of_others_on_a_named_one(self) -> None:
        self.school.people[0] = Person("teacher", "王老师", "instructor", ("crm", "crm-2"))
        assert "/hub/spawn/teacher?next=%2Fuser%2Fteacher%2Fformgrader" in self.ask(f"{PREFIX}crm/").body.decode()
        second = self.ask(f"{PREFIX}crm-2/").body.decode()
        assert "/hub/spawn/teacher/crm-2?next=%2Fuser%2Fteacher%2Fcrm-2%2Fformgrader" in second

    def test_jobs_are_told_as_json_and_as_a_stream(self) -> None:
        folder = self.classroom.hub / "jobs" / "crm" / ASSIGNMENT / "20261120T040000.000000-grade"
        folder.mkdir(parents=True)
        about = {"assignment": ASSIGNMENT, "action": "grade", "by": HOSTILE, "began": "2026-11-20T04:00:00+00:00"}
        (folder / "job.json").write_text(json.dumps(about))
        (folder / "progress.jsonl").write_text('{"done": 1, "total": 3, "student": "s1"}\n{"done": 2, "to')
        job = json.loads(self.ask(f"{PREFIX}crm/jobs").body)[ASSIGNMENT]
        assert job["state"] == "interrupted"
        assert "会接着评" in job["html"]
        assert HOSTILE not in job["html"]
        with mock.patch("course.desk.handlers.STREAM_SECONDS", 1):
            stream = self.ask(f"{PREFIX}crm/jobs", headers={"Accept": "text/event-stream"})
        first, *rest = stream.body.decode().split("\n\n")
        assert json.loads(first.removeprefix("data: "))[ASSIGNMENT] == job
        assert set(rest) == {":", ""}  # nothing new, said once


def test_the_hub_gives_the_desk_no_rights_and_lets_in_staff_only(classroom: Classroom) -> None:
    classroom.of("crm-2").create()
    (role,) = roles(classroom)
    assert role["groups"] == ["staff-crm", "staff-crm-2"]
    assert role["scopes"] == ["access:services!service=desk"]
    entry = service(classroom, 8123)
    assert entry["url"] == "http://127.0.0.1:8123"
    assert "roles" not in entry
    assert "token" not in json.dumps(entry)
