"""How a user's server is started: behind walls, kept by a small process of its own, reached through a Unix socket."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import url_path_join, wait_for_http_server
from tornado.web import HTTPError
from traitlets import Bool

from autograder.files import replace_file
from course.exchange.boxes import open_boxes
from course.hub import walls
from course.hub.classroom import Classroom
from course.hub.limits import limits_for, make_group
from course.people import Person, read_people
from crmlab.i18n import _
from crmlab.paths import course_root

KEEPER = Path(__file__).with_name("keeper.py")
ANY_PORT = 8888
"""What JupyterHub and Jupyter Server want to hear though the server listens on a socket."""

STARTING = asyncio.Semaphore(max(3, 2 * (os.cpu_count() or 1)))
"""How many servers start side by side. A whole class that starts at once is served in turn: all at once, each would
take as long as all, and some would take too long."""
WAITING: list["ClassSpawner"] = []
"""Whose turn has not come, in order."""


class ClassSpawner(LocalProcessSpawner):
    """Starts servers behind walls, or without any where the class trusts its users."""

    walls = Bool(True, help="whether servers are walled off from each other").tag(config=True)

    @property
    def server(self) -> Any:
        """JupyterHub's record of the server; its address is always the socket, which the database can't hold."""
        server = LocalProcessSpawner.server.fget(self)
        if server is not None and server.orm_server is not None:
            server.bind_url = socket_url(socket_of(self._runtime))
        return server

    @server.setter
    def server(self, server: Any) -> None:
        LocalProcessSpawner.server.fset(self, server)

    @property
    def _runtime(self) -> Path:
        return runtime_folder(self.user.name, self.name)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        return env | environment(self._classroom(), self._person(), self._runtime, self.walls)

    async def start(self) -> str:
        """Start the server when its turn comes. Returns the address of its socket.

        :raises HTTPError: if the user is not on the class list, or the server belongs to a section that is not theirs.
        """
        self.port = ANY_PORT
        person, classroom = self._person(), self._classroom()
        account = account_of(person) if self.walls else None
        await asyncio.to_thread(prepare, classroom, person, self._runtime, account)
        WAITING.append(self)
        try:
            async with STARTING:
                WAITING.remove(self)
                self._launch(classroom, person, account)
                await self._answers_or_ends()
        finally:
            if self in WAITING:
                WAITING.remove(self)
        return socket_url(socket_of(self._runtime))

    def _launch(self, classroom: Classroom, person: Person, account: int | None) -> None:
        command = [*server_command(classroom, person, self._runtime, account, self.walls), *self.cmd, *self.get_args()]
        log = server_log(classroom, self._runtime.name)
        with (
            open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600), "wb") as stream,
            listening(socket_of(self._runtime)) as ear,
        ):
            self.proc = subprocess.Popen(
                command, env=self.get_env() | {"CRM_LISTENER": str(ear.fileno())}, cwd="/", start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, pass_fds=[ear.fileno()],
            )  # fmt: skip
        self.pid = self.proc.pid

    async def _answers_or_ends(self) -> None:
        """Wait until the server answers or is gone; which of both it is, the hub finds out next."""
        address = url_path_join(socket_url(socket_of(self._runtime)), self.server.base_url, "api")
        answer = asyncio.ensure_future(wait_for_http_server(address, timeout=self.http_timeout))
        while not answer.done() and self.proc.poll() is None:
            await asyncio.wait([answer], timeout=0.5)
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the page says while the user waits (``sentence``)."""
        while self in WAITING:
            ahead = WAITING.index(self)
            yield {"progress": 10, "sentence": _("前面还有 {count} 位在启动，轮到你时会自动进入。").format(count=ahead)}
            await asyncio.sleep(1)
        yield {"progress": 50, "sentence": _("正在启动，通常需要几秒钟。")}

    def _person(self) -> Person:
        person = read_people(Classroom.here()).get(self.user.name)
        if person is None:
            raise _refused(_("{name} 不在班级名单里。").format(name=self.user.name))
        return person

    def _classroom(self) -> Classroom:
        """The class as seen from the section that this server is for: a named server carries its section's name."""
        person = self._person()
        if self.name and not (walls.is_staff(person) and self.name in person.sections):
            raise _refused(_("没有名为 {name} 的教学班，或者它不归你管。").format(name=self.name))
        return Classroom.here().of(self.name or person.sections[0])


def _refused(sentence: str) -> HTTPError:
    error = HTTPError(403, sentence)
    error.jupyterhub_message = sentence  # type: ignore[attr-defined]
    return error


def socket_url(path: Path) -> str:
    """The address of a server that listens on a Unix socket, as JupyterHub and its proxy write it."""
    return f"http+unix://{quote(str(path), safe='')}"


def runtime_folder(user: str, server: str = "") -> Path:
    """Where a server's sockets lie: the class's folder for sockets has a short path, for theirs may have 107 bytes."""
    return Path(os.environ["CRM_RUNTIME_DIR"]) / "servers" / (f"{user}+{server}" if server else user)


def socket_of(runtime: Path) -> Path:
    """The socket at which a server is reached. It lies outside all walls: were it in the server's own folder, its owner
    could put a link to another socket in its place, and the hub's proxy, which stands outside, would follow it.
    """
    return runtime.parent.with_name("sockets") / f"{runtime.name}.sock"


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A new socket at ``path``, which listens already; the server gets it handed in open."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind(str(path))
        ear.listen(128)
        yield ear


def server_log(classroom: Classroom, name: str) -> Path:
    """The log of one server; the one of the start before is kept beside it."""
    log = classroom.hub / "servers" / f"{name}.log"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    return log


def environment(classroom: Classroom, person: Person, runtime: Path, walled: bool) -> dict[str, str]:
    """What a server and its kernels must know. No secret of the class is in it, except for staff the way to a gradebook
    on a database server.
    """
    known = {
        "CRM_ROLE": person.role,
        "CRM_SECTION": classroom.section,
        "CRM_SECTIONS": ",".join(person.sections),
        "CRM_COURSE_ROOT": str(course_root()),
        "CRM_CLASSROOM": str(classroom.folder),
        "CRM_CLASS_PROCESS": os.environ["CRM_CLASS_PROCESS"],
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_CONFIG_PATH": str(course_root()),  # nbgrader_config.py lies there
        "JUPYTER_PATH": str(Path(__file__).resolve().parent / "jupyter"),  # formgrader's pages without a CDN
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(classroom.home(person.name)),
        "USER": person.name,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
    }
    if walled:
        known["TMPDIR"] = "/tmp"
        if walls.is_staff(person) and not walls.grades_inside():
            known["CRM_GRADE_AT_DESK"] = "1"
    if walls.is_staff(person) and not classroom.db_url.startswith("sqlite:"):
        known["CRM_DB_URL"] = classroom.db_url
    return known


def server_command(classroom: Classroom, person: Person, runtime: Path, account: int | None, walled: bool) -> list[str]:
    """Keeper, walls and entrance of a server: the command before the server's own."""
    staff = walls.is_staff(person)
    limits = limits_for(staff)
    parent = own_group_of_class()
    group = make_group(parent, runtime.name, limits, staff) if parent else "-"
    keeper = [sys.executable, "-I", "-S", str(KEEPER), str(0 if parent else limits.memory), str(group), "--"]
    materials = classroom.materials / ("instructor" if staff else "student")
    entrance = walls.entrance(limits, account, classroom.home(person.name), materials, staff or not walled)
    if not walled:
        return [*keeper, *entrance]
    network = staff and not classroom.db_url.startswith("sqlite:")
    hub = Path(os.environ["CRM_RUNTIME_DIR"]) / "hub"
    wall = walls.command(
        walls.sights(classroom, person), runtime, hub, runtime / "passwd", limits, staff=staff, network=network
    )
    return [*keeper, *wall, *entrance]


def own_group_of_class() -> Path | None:
    """The control group that ``course up`` divided for the servers, if it could."""
    named = os.environ.get("CRM_CGROUP")
    return Path(named) if named else None


# ------------------------------------------------------------------------------------------------------ preparation


def prepare(classroom: Classroom, person: Person, runtime: Path, account: int | None) -> None:
    """Make the folders that the person's server will see, owned by the account that it will have."""
    make_folders(classroom, person, account)
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = classroom.home(person.name)
    shown = account if account is not None else walls.STAFF_ACCOUNT if walls.is_staff(person) else os.getuid()
    entry = f"{person.name}:x:{shown}:{shown}::{home}:/bin/bash\n"
    replace_file(runtime / "passwd", entry.encode("utf-8"))
    if account is not None:
        _give(runtime, account)
        if home.stat().st_uid != account:
            _give(home, account)


def make_folders(classroom: Classroom, person: Person, account: int | None = None) -> None:
    """Make what of the class the person's server will see."""
    home = classroom.home(person.name)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for section in person.sections:
        there = classroom.of(section)
        there.outbound.mkdir(parents=True, exist_ok=True)
        if walls.is_staff(person):
            _link(home / section, there.course)
        else:
            open_boxes(there, [person.name], owner=account)


def _link(link: Path, target: Path) -> None:
    """Show the course's folder in a home, because formgrader links into it. What the owner put there stays."""
    if link.is_symlink() and link.readlink() != target:
        link.unlink()
    if not link.is_symlink() and not link.exists():
        link.symlink_to(target, target_is_directory=True)


def _give(folder: Path, account: int) -> None:
    """Make an account the owner of a folder and all in it; links themselves, never what they lead to."""
    for inside, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.lchown(os.path.join(inside, name), account, account)
    os.lchown(folder, account, account)


def account_of(person: Person) -> int | None:
    """The account that a student's server becomes; None where it stays the one that runs the class.

    Only the superuser can give accounts away.
    """
    if os.getuid() != 0 or walls.is_staff(person):
        return None
    return walls.FIRST_STUDENT_ACCOUNT + person.number
