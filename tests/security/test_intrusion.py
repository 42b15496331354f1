"""A student against the others and the class: every attempt of :mod:`tests.security.intrusions`, in a real class.

The class runs once by the tests' own account (the superuser in most places: students get accounts of their own) and
once by an account without rights. Everything that must stay out of reach carries a canary. Each attempt must come back
with nothing but the words of a wall; no canary may turn up anywhere; nothing of others may be changed.
"""

import base64
import ctypes
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from course.exchange import verify
from course.hub.classroom import Classroom
from course.people import members
from crmlab.paths import course_root
from tests.classes import WITHOUT_RIGHTS, RunningClass, a_class
from tests.hub.client import Client, client
from tests.security import intrusions
from tests.security.intrusions import ATTEMPTS, FORGED_LINE, HTTP, NOTEBOOK, PWNED, TERMINAL

ME, VICTIM = "student02", "student01"
MEMORY = "900"
"""MiB a student's server may hold in these classes: enough for all probes, little for this machine."""

CASES = [(name, way) for name, attempt in ATTEMPTS.items() for way in attempt.through]


@dataclass
class Invaded:
    """A class after all attempts."""

    running: RunningClass
    canaries: dict[str, str]
    plan: dict[str, Any]
    student: Client
    neighbour: Client
    teacher: Client
    servers_token: str = ""
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    neighbour_answers: set[int] = field(default_factory=set)

    @property
    def home(self) -> Path:
        return self.running.classroom.home(ME)

    def anybody(self, name: str = "") -> Client:
        return Client(self.running.url, name)


MODES = {"without-rights": WITHOUT_RIGHTS}
"""Who runs the class. ``make intrusions`` sets CRM_EVERY_MODE and tries the account of the tests, too."""
if os.environ.get("CRM_EVERY_MODE"):
    MODES |= {"as-this-account": ()}


@pytest.fixture(scope="module", params=MODES.values(), ids=list(MODES))
def invaded(request: pytest.FixtureRequest) -> Iterator[Invaded]:
    folder = Path(tempfile.mkdtemp(prefix="intrusion-", dir="/var/tmp"))  # not /tmp, of which each server has its own
    try:
        with pytest.MonkeyPatch.context() as patch, _planted_in_system() as planted:
            patch.setenv("CRM_MEMORY", MEMORY)
            patch.setenv("CRM_TEST_CANARY", planted["environment"])
            folder.chmod(0o755)
            with a_class(folder / "class", before=request.param) as running:
                yield _invade(running, planted)
    finally:
        shutil.rmtree(folder)


def _invade(running: RunningClass, planted: dict[str, str]) -> Invaded:
    with ThreadPoolExecutor() as several:
        student, neighbour, teacher = several.map(lambda name: client(running, name), (ME, VICTIM, "teacher"))
        list(several.map(Client.start_server, (student, neighbour, teacher)))
    canaries = planted | _plant(running.classroom)
    scene = Invaded(running, canaries, {}, student, neighbour, teacher)
    scene.plan = _plan(scene)
    scene.before = _fingerprints(running.classroom)
    with _asking(scene):
        for way in (NOTEBOOK, TERMINAL):  # the last thing that is laid down in the terminal bends every later kernel
            scene.found[way] = _from_inside(scene, way)
    scene.found[HTTP] = intrusions.run(HTTP, scene)
    student.stop_server()
    student.start_server()  # with the student's own settings and packages
    scene.found[HTTP]["loot"] += student.server("GET", "/api/contents").text
    scene.after = _fingerprints(running.classroom)
    return scene


# ------------------------------------------------------------------------------------------------------- planting


@contextmanager
def _planted_in_system() -> Iterator[dict[str, str]]:
    """Canaries outside the class: shared memory of two kinds, an abstract socket, the environment."""
    names = ("environment", "shm", "system-v", "socket")
    canaries = {name: f"canary-{secrets.token_hex(12)}" for name in names}
    shared = Path("/dev/shm", SHARED)
    shared.write_text(canaries["shm"])
    libc = ctypes.CDLL(None)
    libc.shmat.restype = ctypes.c_void_p
    segment = libc.shmget(KEY, 4096, 0o1666)
    ctypes.memmove(libc.shmat(segment, None, 0), canaries["system-v"].encode(), 31)
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind(f"\0{SHARED}")
        ear.listen()
        try:
            yield canaries
        finally:
            shared.unlink()
            libc.shmctl(segment, 0, None)


SHARED, KEY = f"crm-intrusion-{os.getpid()}", 0x43524D00 + os.getpid() % 256


def _plant(classroom: Classroom) -> dict[str, str]:
    """Canaries in what is others': kind → canary. Their files are open to all accounts: only walls protect them."""
    places = _places(classroom)
    canaries = {kind: f"canary-{secrets.token_hex(12)}" for kind in (*places, "gradebook", "hub database")}
    for kind, path in places.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [], "x": canaries[kind]})
        )
        path.chmod(0o644)
    with classroom.log.open("a") as log:
        log.write(canaries["hub log"] + "\n")
    from nbgrader.api import Gradebook

    with Gradebook(classroom.db_url) as book:
        book.update_or_create_student(VICTIM, last_name=canaries["gradebook"])
    for file in classroom.secrets.iterdir():
        if file.name not in ("people.json", "credentials.txt") and len(file.read_text()) > 20:
            canaries[file.name] = file.read_text().strip()
    members.add(classroom, "student04", "<script>alert(1)</script>", "student", [classroom.section])
    people = json.loads(classroom.people.read_text())
    canaries["people.json"] = re.findall(r'"hash": ?"([0-9a-f]{32,})"', json.dumps(people))[0]
    for line in classroom.credentials.read_text().splitlines():
        name, _tab, password = line.partition("\t")
        if password and name != ME:
            canaries[f"password of {name}"] = password
    return canaries | _of_the_course() | _of_processes()


def _places(classroom: Classroom) -> dict[str, Path]:
    section = classroom.exchange / classroom.section
    return {
        "draft": classroom.home(VICTIM) / "draft.ipynb",
        "drop box": classroom.drop_box(VICTIM) / ".sending-secret/segmentation.ipynb",
        "received": classroom.received
        / f"{VICTIM}+a04-segmentation+2026-01-01 00:00:00.000000 UTC+x/segmentation.ipynb",
        "feedback": classroom.feedback_for(VICTIM) / "page.html",
        "receipt": classroom.receipts_of(VICTIM) / "A.json",
        "record": classroom.records / f"{VICTIM}.json",
        "submitted": classroom.course / f"submitted/{VICTIM}/a04-segmentation/segmentation.ipynb",
        "teacher's home": classroom.home("teacher") / "exam.ipynb",
        "hub log": classroom.hub / "kept.log",
        "server log": classroom.hub / f"servers/{VICTIM}.log.1",
        "other section": section.parent / "crm-2/outbound/exam/exam.ipynb",
    }


def _of_the_course() -> dict[str, str]:
    """Lines of hidden tests and of teachers' cells, which nobody else may have."""
    source = json.loads((course_root() / "assignments/a04-segmentation/segmentation.ipynb").read_text())
    text = "\n".join("".join(cell["source"]) for cell in source["cells"])
    hidden = text.split("### BEGIN HIDDEN TESTS")[1].split("### END HIDDEN TESTS")[0].splitlines()
    chapter = json.loads((course_root() / "chapters/04-segmentation.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in chapter["cells"] if "instructor" in cell["metadata"].get("tags", [])]
    lines = {
        "hidden tests": max(hidden, key=len).strip(),
        "teachers' cell": max(cells[0].splitlines(), key=len).strip(),
    }
    assert all(len(line) > 30 for line in lines.values())
    return lines


def _of_processes() -> dict[str, str]:
    """The tokens that other servers and the hub's services hold."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            known = process.environ()
            owner = known.get("JUPYTERHUB_USER") or known.get("JUPYTERHUB_SERVICE_NAME") or ""
            if known.get("CRM_TEST_CANARY") or owner:
                for name in ("JUPYTERHUB_API_TOKEN", "CONFIGPROXY_AUTH_TOKEN"):
                    if known.get(name) and owner != ME:
                        found[f"{name} of {owner}"] = known[name]
    return found


def _plan(scene: Invaded) -> dict[str, Any]:
    """What the attacker knows: everything but the canaries themselves, which are there encoded, to be looked for."""
    classroom = scene.running.classroom
    runtime = str(classroom.recall("runtime"))
    outside = [
        process.pid
        for process in psutil.process_iter()
        if _environment(process).get("CRM_CLASS_PROCESS") == str(classroom.folder)
    ]
    targets = [
        *(path for kind, path in _places(classroom).items() if kind != "hub log"), classroom.people, classroom.credentials,
        classroom.cookie_secret, classroom.receipt_key, classroom.log, classroom.hub / "jupyterhub.sqlite",
        classroom.course / "gradebook.db", course_root() / "assignments/a04-segmentation/segmentation.ipynb",
        course_root() / "chapters/04-segmentation.ipynb", classroom.materials / "instructor/chapters/04-segmentation.ipynb",
        Path("/etc/shadow"), Path("/root/.bashrc"),
    ]  # fmt: skip
    assert all(path.exists() for path in targets[:-2])
    addresses = [
        found.address for all_of in psutil.net_if_addrs().values() for found in all_of if found.family == socket.AF_INET
    ]
    scene.servers_token = next(
        known["JUPYTERHUB_API_TOKEN"]
        for process in psutil.process_iter()
        if (known := _environment(process)).get("JUPYTERHUB_USER") == ME
        and known.get("CRM_CLASSROOM") == str(classroom.folder)
    )
    return {
        "me": ME, "victim": VICTIM, "class": str(classroom.folder), "home": str(classroom.home(ME)), "runtime": runtime,
        "exchange": str(classroom.exchange / classroom.section), "section": classroom.section, "code": str(course_root()),
        "targets": [str(path) for path in targets], "pids": outside, "shared": SHARED, "key": KEY,
        "port": scene.running.port, "desk_port": _desk_port(classroom), "addresses": addresses,
        "victims_socket": f"{runtime}/sockets/{VICTIM}.sock", "accounts": [os.getuid(), 200_001, 200_003],
        # The kernel counts nobody's processes against the superuser, not even without rights in a user namespace.
        "uncounted": os.getuid() == 0 and classroom.home(ME).stat().st_uid == 0,
        "canaries": [base64.b64encode(canary.encode()).decode() for canary in scene.canaries.values()],
    }  # fmt: skip


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except psutil.Error:
        return {}


def _desk_port(classroom: Classroom) -> int:
    for process in psutil.process_iter():
        known = _environment(process)
        if known.get("CRM_CLASSROOM") == str(classroom.folder) and known.get("JUPYTERHUB_SERVICE_NAME") == "desk":
            return int(known["JUPYTERHUB_SERVICE_URL"].rpartition(":")[2].strip("/"))
    raise AssertionError("there is no desk")


# ------------------------------------------------------------------------------------------------------ attempting


def _from_inside(scene: Invaded, way: str) -> dict[str, Any]:
    """Run the attempts of one way in the student's own server."""
    home = scene.home
    program = Path(intrusions.__file__).read_text("utf-8")
    for name, text in (("intrusions.py", program), ("plan.json", json.dumps(scene.plan))):
        laid = scene.student.server(
            "PUT", f"/api/contents/{name}", json={"type": "file", "format": "text", "content": text}
        )
        assert laid.status_code in (200, 201), laid.text
    words = ["intrusions.py", way, "plan.json", f"found-{way}.json"]
    if way == TERMINAL:
        said = scene.student.terminal(f"cd {home} && python {' '.join(words)}", seconds=120)
    else:
        said = scene.student.notebook(
            f"import runpy, sys\nsys.argv = {words}\nrunpy.run_path(sys.argv[0], run_name='__main__')"
        )
    result = home / words[-1]
    assert result.exists(), said[-3000:]
    found: dict[str, Any] = json.loads(result.read_text("utf-8"))
    result.unlink()
    found["loot"] += said
    return found


@contextmanager
def _asking(scene: Invaded) -> Iterator[None]:
    """Ask the neighbour's server all the while: whatever is tried, it must go on answering."""
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.5):
            scene.neighbour_answers.add(scene.neighbour.server("GET", "/api/status").status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        ended.set()
        asking.join()


def _fingerprints(classroom: Classroom) -> dict[str, str]:
    """What no attempt may change."""
    section = classroom.exchange / classroom.section
    root = course_root()
    parts: dict[str, list[Path]] = {
        "secrets": [classroom.secrets], "course": [classroom.course], "records": [classroom.records],
        "outbound": [section / "outbound"], "materials": [classroom.materials],
        "others' boxes": [section / kind / VICTIM for kind in ("inbound", "feedback", "receipts")],
        "others' homes": [classroom.home(VICTIM) / "draft.ipynb", classroom.home("teacher") / "exam.ipynb"],
        "code": [root / name for name in ("course", "crmlab", "autograder", "assignments", "chapters", "nbgrader_config.py")],
    }  # fmt: skip
    return {name: _digest(folders) for name, folders in parts.items()}


def _digest(folders: list[Path]) -> str:
    total = hashlib.sha256()
    for folder in folders:
        for path in [folder, *sorted(folder.rglob("*"))]:
            if "__pycache__" in path.parts or path.name.endswith((".pyc", "-journal")):
                continue
            status = path.lstat()
            total.update(f"{path} {stat.filemode(status.st_mode)} {status.st_uid}".encode())
            total.update(path.read_bytes() if stat.S_ISREG(status.st_mode) else b"")
    return total.hexdigest()


# ----------------------------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize(("name", "way"), CASES, ids=[f"{name}-{way}" for name, way in CASES])
def test_attempt_meets_a_wall(invaded: Invaded, name: str, way: str) -> None:
    words = invaded.found[way].get(name, [])
    assert words, "the attempt gave no answer"
    assert set(words) <= ATTEMPTS[name].walls


def test_there_are_enough_attempts_from_terminal_notebook_and_web() -> None:
    ways = [way for _name, way in CASES]
    assert len(ATTEMPTS) >= 60
    assert min(ways.count(way) for way in (TERMINAL, NOTEBOOK, HTTP)) >= 20


@pytest.mark.parametrize("way", [TERMINAL, NOTEBOOK, HTTP])
def test_no_canary_came_out(invaded: Invaded, way: str) -> None:
    loot = invaded.found[way]["loot"]
    assert len(loot) > 1000
    assert [kind for kind, canary in invaded.canaries.items() if canary in loot] == []


def test_no_canary_lies_where_the_student_can_read(invaded: Invaded) -> None:
    classroom = invaded.running.classroom
    own = [classroom.home(ME), classroom.drop_box(ME), classroom.feedback_for(ME), classroom.receipts_of(ME)]
    own += [*classroom.received.glob(f"{ME}+*"), classroom.outbound, classroom.materials / "student"]
    content = [
        path.read_bytes() for folder in own for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
    ]
    assert len(content) > 20
    everything = b"\0".join(content)
    assert [kind for kind, canary in invaded.canaries.items() if canary.encode() in everything] == []


def test_the_canaries_were_really_there(invaded: Invaded) -> None:
    """Nothing would come out of an empty cage either."""
    classroom = invaded.running.classroom
    for kind, path in _places(classroom).items():
        assert invaded.canaries[kind] in path.read_text(), kind
    assert invaded.canaries["gradebook"].encode() in (classroom.course / "gradebook.db").read_bytes()
    assert invaded.canaries["cookie_secret"] == classroom.cookie_secret.read_text().strip()
    assert len([kind for kind in invaded.canaries if "TOKEN" in kind]) >= 4


def test_nothing_of_others_is_changed(invaded: Invaded) -> None:
    assert invaded.after == invaded.before


def test_everything_received_counts_for_the_one_who_sent_it(invaded: Invaded) -> None:
    received = invaded.running.classroom.received
    names = {
        folder.name.partition("+")[0] for folder in received.iterdir() if "+" in folder.name and "+x" not in folder.name
    }
    assert names == {ME}


def test_the_neighbour_worked_on_undisturbed(invaded: Invaded) -> None:
    assert invaded.neighbour_answers == {200}
    most = 700 if invaded.plan["uncounted"] else 512
    assert int((invaded.home / "bomb").read_text()) <= most


def test_forged_receipts_are_told_from_genuine_ones(invaded: Invaded) -> None:
    classroom, home = invaded.running.classroom, invaded.home
    assert verify(classroom, (home / "genuine.txt").read_text()).genuine
    for name in ("forged.txt", "forged.json"):
        assert not verify(classroom, (home / name).read_text()).genuine


def test_own_settings_and_packages_reach_nothing_but_the_own_server(invaded: Invaded) -> None:
    """What they ran ran with the student's account, inside; no other process loaded them."""
    accounts = {line.split()[0] for line in (invaded.home / PWNED).read_text().splitlines()}
    owner = invaded.home.stat().st_uid
    assert accounts in ({str(owner)}, {"1234"})  # the latter is how an account without rights sees itself
    others = [invaded.running.classroom.home(name) for name in (VICTIM, "teacher")]
    assert not [path for home in others for path in home.rglob(PWNED)]


def test_logs_stay_small_and_tell_no_forged_story(invaded: Invaded) -> None:
    classroom = invaded.running.classroom
    for log in (classroom.log, *(classroom.hub / "servers").iterdir()):
        assert log.stat().st_size <= 18 * 2**20, log
    lines = classroom.log.read_text("utf-8", "replace").splitlines()
    assert not [line for line in lines if line.startswith(FORGED_LINE)]
    assert "\x1b" not in "".join(lines)


def test_the_page_for_administrators_lists_exactly_these_attempts() -> None:
    page = (course_root() / "book/walls.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert [(name, ways.strip()) for name, ways in rows] == [
        (attempt.name, "、".join(attempt.through)) for attempt in ATTEMPTS.values()
    ]
    assert f"{len(ATTEMPTS)} 种" in page
