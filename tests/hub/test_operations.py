"""A real class is looked after: idle servers stop, health tells the truth, a backup is made while all are at work."""

import signal
from collections.abc import Iterator

import pytest

from course.hub.up import class_processes
from course.operations import archive, health
from course.operations.backup import backup
from course.operations.restore import restore
from tests.classes import RunningClass, a_class
from tests.hub.client import client
from tests.waiting import eventually

IDLE_SECONDS = 12

pytestmark = pytest.mark.hub


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClass]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_IDLE_MINUTES", str(IDLE_SECONDS / 60))
        with a_class(tmp_path_factory.mktemp("class"), students=1) as started:
            yield started


def check(running: RunningClass, name: str) -> health.Check:
    (found,) = (one for one in health.examine(running.classroom) if one.name == name)
    return found


def test_a_running_class_is_told_to_be_well(running: RunningClass) -> None:
    levels = {one.name: one.level for one in health.examine(running.classroom)}
    assert [levels[name] for name in ("hub", "submissions", "gradebooks", "walls", "logs")] == ["ok"] * 5


def test_an_idle_server_is_stopped_and_starts_again(running: RunningClass) -> None:
    student = client(running, "student01")
    student.start_server()
    assert [row[0] for row in check(running, "servers").details] == ["student01"]
    eventually(lambda: "" not in student.hub_api("GET", "/users/student01").json()["servers"])
    assert check(running, "servers").details == []
    student.start_server()


def test_a_backup_is_made_while_the_class_is_at_work(running: RunningClass) -> None:
    path = backup(running.classroom).path
    manifest = archive.check(path)
    assert manifest.remarks.keys() <= {f"{archive.CLASS}/hub/hub.log"}
    assert f"{archive.CLASS}/hub/jupyterhub.sqlite" in manifest.entries
    with pytest.raises(ValueError, match="正在运行"):
        restore(path, running.classroom)


def test_a_proxy_that_does_not_answer_is_told_and_so_is_its_return(running: RunningClass) -> None:
    (proxy,) = (
        one for one in class_processes(running.classroom) if "configurable-http-proxy" in " ".join(one.cmdline())
    )
    proxy.send_signal(signal.SIGSTOP)
    try:
        assert check(running, "hub").level == "error"
    finally:
        proxy.send_signal(signal.SIGCONT)
    eventually(lambda: check(running, "hub").level == "ok")


def test_no_token_is_in_the_log(running: RunningClass) -> None:
    text = running.classroom.log.read_text("utf-8")
    assert "student01" in text
    for name in ("cookie_secret", "proxy_token", "receipt_key"):
        assert (running.classroom.secrets / name).read_text("utf-8").strip() not in text
    assert running.classroom.log.stat().st_mode & 0o777 == 0o600
