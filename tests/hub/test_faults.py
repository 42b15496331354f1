"""What breaks in the middle of a lesson: each time the work is there, and the class comes back by itself."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autograder.sandbox.bubblewrap import BWRAP
from course.exchange import received
from course.hub.up import class_processes
from tests.classes import RunningClass, a_class
from tests.hub.client import Client, client
from tests.waiting import eventually

ASSIGNMENT = "a04-segmentation"
SUBMIT = f"nbgrader submit {ASSIGNMENT} --course crm"
GIB = 2**30

pytestmark = pytest.mark.hub


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClass]:
    with a_class(tmp_path_factory.mktemp("class")) as started:
        yield started


@pytest.fixture(scope="module")
def student(running: RunningClass) -> Client:
    user = client(running, "student01")
    user.start_server()
    assert ASSIGNMENT in user.terminal(f"nbgrader fetch_assignment {ASSIGNMENT} --course crm; ls crm")
    return user


def program(running: RunningClass, pattern: str) -> psutil.Process:
    """The one process of the class whose command matches."""
    found = [
        process for process in class_processes(running.classroom) if re.search(pattern, " ".join(process.cmdline()))
    ]
    roots = [process for process in found if process.ppid() not in {other.pid for other in found}]
    assert len(roots) == 1, [process.cmdline() for process in roots]
    return roots[0]


def answers(user: Client) -> bool:
    try:
        return user.hub_api("GET", f"/users/{user.name}").status_code == 200
    except OSError:
        return False


def receipts(running: RunningClass, name: str) -> list[str]:
    return [
        submission.receipt.number for submission in received(running.classroom, ASSIGNMENT, name) if submission.receipt
    ]


def test_a_killed_hub_comes_back_and_finds_the_servers_at_work(running: RunningClass, student: Client) -> None:
    """A kernel keeps what it holds; who is logged in stays logged in; nobody has to do anything."""
    server = program(running, "keeper.py")
    kernel = student.server("POST", "/api/kernels", json={"name": "python3"}).json()["id"]
    program(running, r"-m jupyterhub -f").kill()
    assert running.process.stdout
    assert running.process.stdout.readline().startswith("JupyterHub 意外停止，正在重新启动")
    assert running.process.stdout.readline().strip() == "JupyterHub 已恢复。"
    eventually(lambda: answers(student))
    assert program(running, "keeper.py").pid == server.pid
    eventually(lambda: student.server("GET", "/api/status").status_code == 200)
    assert student.server("GET", f"/api/kernels/{kernel}").status_code == 200
    other = client(running, "student02")
    assert other.start_server() > 0


def test_a_killed_proxy_comes_back(running: RunningClass, student: Client) -> None:
    os.kill(int((running.classroom.hub / "proxy.pid").read_text()), signal.SIGKILL)
    with pytest.raises(OSError):  # noqa: PT011 (whichever: for seconds nobody answers)
        student.server("GET", "/api/status")
    eventually(lambda: answers(student))
    assert student.server("GET", "/api/status").status_code == 200


def test_a_killed_server_is_told_and_starts_again_with_all_files(running: RunningClass, student: Client) -> None:
    student.terminal("echo mine > ~/notes.txt")
    keepers = [p for p in class_processes(running.classroom) if "keeper.py" in " ".join(p.cmdline())]
    own = [p for p in keepers if p.environ()["JUPYTERHUB_USER"] == "student01"]
    for process in own:
        process.kill()
    eventually(lambda: not student.hub_api("GET", "/users/student01").json()["servers"])
    page = student.session.get(f"{running.url}/user/student01/lab").content.decode()
    assert "学习环境没有在运行" in page
    assert "你的文件都在" in page
    student.start_server()
    assert "mine" in student.terminal("cat ~/notes.txt")


def test_a_receiver_killed_in_the_middle_loses_nothing(running: RunningClass, student: Client) -> None:
    """While there is none, work lies safely in the drop box; the hub starts another one, and the receipt comes."""
    before = receipts(running, "student01")
    receiver = program(running, "course.exchange.receiver")
    receiver.suspend()
    said = student.terminal(SUBMIT)
    assert "回执" in said
    assert receipts(running, "student01") == before
    receiver.kill()
    eventually(lambda: len(receipts(running, "student01")) == len(before) + 1)
    assert receipts(running, "student01")[-1] in student.terminal("nbgrader list > /dev/null 2>&1; ls 回执")


def test_a_submission_killed_in_the_middle_is_none_and_the_next_one_is_whole(
    running: RunningClass, student: Client
) -> None:
    before = receipts(running, "student01")
    student.terminal(f"head -c 9000000 /dev/urandom | base64 -w0 | head -c 9000000 > crm/{ASSIGNMENT}/big.txt")
    student.terminal(
        f"for s in 0.6 0.8 1.0 1.2 1.4; do timeout -s KILL $s {SUBMIT}; done > /dev/null 2>&1; rm crm/{ASSIGNMENT}/big.txt"
    )
    assert "已收到作业" in student.terminal(SUBMIT)
    found = received(running.classroom, ASSIGNMENT, "student01")
    assert len(found) > len(before)
    assert all((submission.folder / "segmentation.ipynb").stat().st_size for submission in found)
    assert not (found[-1].folder / "big.txt").exists()
    box = running.classroom.drop_box("student01")
    assert [path.name for path in box.iterdir() if not path.name.startswith(".lock")] == []


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(tmp_path: Path) -> None:
    """The class lies on a small disk of its own, which a student fills."""
    folder = tmp_path / "class"
    folder.mkdir()
    disk = (str(BWRAP), "--dev-bind", "/", "/", "--size", str(GIB + GIB // 4), "--tmpfs", str(folder), "--")
    with a_class(folder, students=1, before=disk, seen_from_inside=True) as running:
        student = client(running, "student01")
        student.start_server()
        student.terminal(f"nbgrader fetch_assignment {ASSIGNMENT} --course crm; echo draft > draft.txt")
        student.terminal("cat /dev/zero > big1 2>/dev/null; cat /dev/zero > big2 2>/dev/null; df -h .")
        refused = student.terminal(SUBMIT)
        assert "磁盘" in refused
        saved = student.server(
            "PUT", "/api/contents/draft.txt", json={"type": "file", "format": "text", "content": "x" * 9000}
        )
        assert saved.status_code >= 500
        assert "draft" in student.terminal("cat draft.txt")
        student.terminal("rm big1 big2")
        assert "已收到作业" in student.terminal(SUBMIT)
        assert len(received(running.classroom, ASSIGNMENT, "student01")) == 1
