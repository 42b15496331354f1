"""What is wrong with a class is said, with what to do; what is well is not made to look wrong."""

import asyncio
import fcntl
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import typer
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler
from typer.testing import CliRunner

from course.exchange import open_boxes
from course.hub.classroom import Classroom
from course.operations import commands, health, usage
from course.operations.backup import last_backup
from course.operations.health import Check, Patient
from course.operations.pages import handlers, page
from course.operations.running import port_of
from course.people import enrol
from crmlab.errors import CourseError

app = typer.Typer()
commands.add_to(app)

STUDENT = "student01"


@pytest.fixture
def patient(classroom: Classroom) -> Patient:
    return Patient(classroom)


@pytest.fixture
def running(classroom: Classroom) -> Iterator[Any]:
    """The class's lock, held as ``course up`` holds it; to be called with a port."""
    with classroom.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def at(port: int) -> None:
            lock.write(json.dumps({"pid": os.getpid(), "port": port}))
            lock.flush()

        yield at


def room_on_disk(monkeypatch: Any, free: int, total: int = 100 * health.GIB) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"total": total, "free": free}))


# --- machine ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("free", "level"), [(50, "ok"), (8, "warning"), (2, "error"), (0.5, "error")])
def test_a_disk_that_fills_is_told_in_time(patient: Patient, monkeypatch: Any, free: float, level: str) -> None:
    room_on_disk(monkeypatch, int(free * health.GIB))
    found = health.disk(patient)
    assert found.level == level
    assert bool(found.remedy) == (level != "ok")


def test_who_uses_most_stands_first(patient: Patient) -> None:
    for user, size in (("student01", 10_000), ("student02", 300_000), ("student03", 100)):
        patient.classroom.home(user).mkdir()
        (patient.classroom.home(user) / "data").write_bytes(b"x" * size)
    (patient.classroom.home("student03") / "root").symlink_to("/")
    assert [user for user, _size in health.disk(patient).details] == ["student02", "student01", "student03"]


def test_homes_are_counted_now_and_then_only(classroom: Classroom) -> None:
    classroom.home("student01").mkdir()
    first = usage.home_sizes(classroom)
    (classroom.home("student01") / "data").write_bytes(b"x" * 100_000)
    assert usage.home_sizes(classroom) == first
    assert usage.home_sizes(classroom, fresh=0)["student01"] > first["student01"]


@pytest.mark.parametrize(("available", "level"), [(0.5, "ok"), (0.1, "warning"), (0.01, "error")])
def test_memory(patient: Patient, monkeypatch: Any, available: float, level: str) -> None:
    now = type("Memory", (), {"total": 16 * health.GIB, "available": int(available * 16 * health.GIB)})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: now)
    assert health.memory(patient).level == level


def test_load(patient: Patient, monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for load, level in ((1.0, "ok"), (9.0, "warning")):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (0, load, 0))
        assert health.load(patient).level == level


def test_a_clock_that_went_back_is_an_error(patient: Patient, monkeypatch: Any) -> None:
    monkeypatch.setattr(health, "_clock_is_synchronised", lambda: True)
    patient.classroom.log.touch()
    assert health.clock(patient).level == "ok"
    os.utime(patient.classroom.log, (time.time() + 3600, time.time() + 3600))
    assert health.clock(patient).level == "error"
    monkeypatch.setattr(health, "_clock_is_synchronised", lambda: False)
    patient.classroom.log.unlink()
    assert health.clock(patient).level == "warning"


def test_a_system_without_user_namespaces_is_an_error(patient: Patient, monkeypatch: Any, tmp_path: Path) -> None:
    assert health.walls(patient).level == "ok"
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o700)
    monkeypatch.setattr(health, "BWRAP", refusing)
    found = health.walls(patient)
    assert found.level == "error"
    assert "No permissions" in found.says


# --- service ---------------------------------------------------------------------------------------------------------


class FakeProxy:
    """Answers as the proxy does whose hub is well, or gone."""

    def __init__(self, status: int) -> None:
        class Answer(RequestHandler):
            def get(self) -> None:
                self.set_status(status)

        self.application = Application([(r"/hub/health", Answer)])


def hub_check(patient: Patient, running: Any, status: int | None) -> Check:
    async def look() -> Check:
        server = HTTPServer(FakeProxy(status or 200).application)
        server.listen(0, "127.0.0.1")
        (listening,) = server._sockets.values()
        running(listening.getsockname()[1])
        if status is None:
            server.stop()
        return await asyncio.to_thread(health.hub, patient)

    return asyncio.run(look())


@pytest.mark.parametrize(
    ("status", "level", "says"), [(200, "ok", "都正常"), (503, "error", "503"), (None, "error", "没有回应")]
)
def test_hub_and_proxy_are_told_apart(
    patient: Patient, running: Any, status: int | None, level: str, says: str
) -> None:
    found = hub_check(patient, running, status)
    assert found.level == level
    assert says in found.says


def test_a_class_that_is_not_open_is_no_error(patient: Patient) -> None:
    assert health.hub(patient).level == "warning"
    assert port_of(patient.classroom) is None


def test_a_class_that_is_just_starting_is_no_error(patient: Patient, running: Any) -> None:
    assert port_of(patient.classroom) == 0
    assert "正在启动" in health.hub(patient).says


def test_memory_of_servers_by_user(patient: Patient) -> None:
    environment = os.environ | {"CRM_CLASS_PROCESS": str(patient.classroom.folder), "JUPYTERHUB_USER": STUDENT}
    program = "x = bytearray(60_000_000); print('ready', flush=True); input()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout
        assert server.stdin
        server.stdout.readline()
        (found,) = usage.servers(patient.processes)
        server.stdin.close()
    assert (found.user, found.processes) == (STUDENT, 1)
    assert 60_000_000 < found.memory < 200_000_000


# --- the work --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "level"), [(0, "ok"), (2, "warning"), (20, "error")])
def test_a_submission_that_nobody_takes_is_told(patient: Patient, monkeypatch: Any, minutes: float, level: str) -> None:
    open_boxes(patient.classroom, [STUDENT])
    (patient.classroom.drop_box(STUDENT) / "student01+a1+2026-11-22 08:00:00.000000 UTC+abc").mkdir()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60 * minutes)
    found = health.submissions(patient)
    assert found.level == level
    assert "1 份" in found.says


def test_a_running_class_without_a_receiver_is_an_error(patient: Patient, running: Any) -> None:
    running(8000)
    environment = os.environ | {"CRM_CLASS_PROCESS": str(patient.classroom.folder)}
    command = [sys.executable, "-c", "print('ready', flush=True); input()", health.RECEIVER]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as receiver:
        assert receiver.stdout
        assert receiver.stdin
        receiver.stdout.readline()
        assert health.submissions(patient).level == "ok"
        receiver.stdin.close()
    assert health.submissions(Patient(patient.classroom)).level == "error"


def test_an_empty_drop_box_is_well(patient: Patient) -> None:
    open_boxes(patient.classroom, [STUDENT])
    assert health.submissions(patient).level == "ok"


def test_a_damaged_gradebook_is_an_error_and_is_not_touched(patient: Patient) -> None:
    file = patient.classroom.course / "gradebook.db"
    assert health.gradebooks(patient).level == "ok"
    with closing(sqlite3.connect(file)) as database:
        database.executescript("CREATE TABLE grade (a); CREATE INDEX one ON grade (a);")
        database.executemany("INSERT INTO grade VALUES (?)", [(str(number) * 50,) for number in range(2000)])
        database.commit()
    assert health.gradebooks(patient).level == "ok"
    content = bytearray(file.read_bytes())
    content[8192:40960] = bytes(40960 - 8192)
    file.write_bytes(content)
    found = health.gradebooks(patient)
    assert found.level == "error"
    assert file.read_bytes() == content


def test_a_gradebook_on_a_server_out_of_reach_tells_no_password(patient: Patient, monkeypatch: Any) -> None:
    monkeypatch.setenv("CRM_DB_URL", "postgresql+psycopg://teacher:s3cret@127.0.0.1:1/grades")
    found = health.gradebooks(patient)
    assert found.level == "error"
    assert "s3cret" not in json.dumps(found.__dict__)


@pytest.mark.parametrize(
    ("hours", "left_out", "level"), [(1, 0, "ok"), (1, 2, "warning"), (48, 0, "warning"), (200, 0, "error")]
)
def test_an_old_backup_is_told(patient: Patient, hours: float, left_out: int, level: str) -> None:
    made = datetime.now(UTC) - timedelta(hours=hours)
    note = {"made": made.isoformat(), "path": "/backups/x.tar.gz", "size": 1000, "left_out": left_out}
    last_backup(patient.classroom).write_text(json.dumps(note))
    assert health.backups(patient).level == level


def test_no_backup_yet_is_told_and_no_error(patient: Patient) -> None:
    assert health.backups(patient).level == "warning"


# --- all of it -------------------------------------------------------------------------------------------------------


def test_a_check_that_fails_itself_hides_no_other(classroom: Classroom, monkeypatch: Any) -> None:
    def broken(_patient: Patient) -> Check:
        raise RuntimeError("oh")

    monkeypatch.setattr(health, "ALL", (broken, health.backups))
    first, second = health.examine(classroom)
    assert (first.level, second.name) == ("error", "backups")
    assert "RuntimeError：oh" in first.says


@pytest.mark.parametrize(("levels", "code"), [(["ok", "ok"], 0), (["ok", "warning"], 1), (["error", "warning"], 2)])
def test_the_exit_code_is_that_of_the_worst(
    classroom: Classroom, monkeypatch: Any, levels: list[health.Level], code: int
) -> None:
    checks = [Check(str(number), "标题", level, "如何", "怎么办") for number, level in enumerate(levels)]
    monkeypatch.setattr(health, "examine", lambda _classroom: checks)
    shown = CliRunner().invoke(app, ["health"])
    told = CliRunner().invoke(app, ["health", "--json"])
    assert (shown.exit_code, told.exit_code) == (code, code)
    assert "→ 怎么办" in shown.output
    report = json.loads(told.output)
    assert report["level"] == ["ok", "warning", "error"][code]
    assert [check["level"] for check in report["checks"]] == levels


def test_every_check_of_a_new_class_says_a_sentence(classroom: Classroom) -> None:
    found = health.examine(classroom)
    assert [check.name for check in found] == [check.__name__ for check in health.ALL]
    for check in found:
        assert check.says.endswith("。")
        assert bool(check.remedy) == (check.level != "ok")


def test_without_a_class_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="没有班级"):
        health.examine(Classroom(tmp_path / "nothing"))


# --- the page --------------------------------------------------------------------------------------------------------


def ask(classroom: Classroom, user: str | None, path: str) -> HTTPResponse:
    """A request to the desk's pages by somebody whom the hub let in, or by nobody."""

    class Base(RequestHandler):
        def get_current_user(self) -> Any:
            return {"name": user} if user else None

    async def fetch() -> HTTPResponse:
        server = HTTPServer(Application(handlers(classroom, Base, "/services/desk/"), login_url="/hub/login"))
        server.listen(0, "127.0.0.1")
        (listening,) = server._sockets.values()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/services/desk/{path}"
        try:
            return await AsyncHTTPClient().fetch(url, raise_error=False, follow_redirects=False)
        finally:
            server.stop()

    return asyncio.run(fetch())


def test_the_pages_are_for_staff_only(classroom: Classroom) -> None:
    enrol(classroom, 1)
    for path in ("health", "health.json"):
        assert ask(classroom, "teacher", path).code == 200
        assert ask(classroom, STUDENT, path).code == 403
        assert ask(classroom, "stranger", path).code == 403
        assert ask(classroom, None, path).code == 302
    assert json.loads(ask(classroom, "teacher", "health.json").body)["checks"]


def test_the_page_runs_no_script_and_shows_names_as_text(classroom: Classroom) -> None:
    enrol(classroom, 1)
    answer = ask(classroom, "teacher", "health")
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; frame-ancestors 'none'",
        answer.headers["Content-Security-Policy"],
    )
    hostile = Check("disk", "磁盘", "warning", "<script>alert(1)</script>", "<b>", [("<img src=x>", "1")])
    text = page([hostile]).decode("utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
