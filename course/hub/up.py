"""``course up``: from nothing to a running class, and back to nothing at Ctrl-C.

Each step is skipped when there is nothing to do, so a second start takes seconds. All processes of a class carry its
folder in the environment variable ``CRM_CLASS_PROCESS``; whatever carries it and outlived its class is ended before
the next start, and after a stop.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path

import psutil
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from course.hub import preflight
from course.hub.classroom import FIRST_ASSIGNMENT, Classroom
from course.hub.limits import divide, own_group
from course.hub.materials import write_editions
from course.hub.release import is_released, open_sections, release
from course.operations.logs import private_log
from course.operations.tls import tls_settings
from course.operations.upgrade import migrate
from course.people import enrol, read_people
from course.people.settings import login_settings
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

MARK = "CRM_CLASS_PROCESS"
ANSWER_SECONDS = 60
STOP_SECONDS = 25
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

console = Console()


def up(students: int = 3, port: int = 8000, trust_users: bool = False) -> None:
    """Start the class and keep it running until Ctrl-C or SIGTERM, then stop all of it.

    :param students: how many practice students a class without a list of its own must have at least.
    :param port: the port of 127.0.0.1 at which the class is reached.
    :param trust_users: no walls between the users' servers.
    :raises CourseError: if something is in the way; nothing is left running then.
    """
    began = time.monotonic()
    classroom = Classroom.here()
    preflight.check_python()
    preflight.check_students(students)
    tls_settings()
    login_settings(classroom)
    preflight.check_folder(classroom.folder)
    preflight.check_disk(classroom.folder)
    if not trust_users:
        preflight.check_walls()
    classroom.create()
    with _only_one(classroom, port), _stoppable():
        try:
            _end_leftovers(classroom)
            preflight.check_port(port)
            for sentence in migrate(classroom):
                console.print(sentence)
            book = _prepare(classroom, students)
            with _step(_("启动 JupyterHub")):
                hub = Hub(classroom, book, port, trust_users)
                hub.start()
            _summary(classroom, port, time.monotonic() - began, trust_users)
            hub.keep()
        except KeyboardInterrupt:
            pass
        finally:
            _ignore_signals()
            _end_leftovers(classroom)
    console.print(_("课堂已停止。"))


def _prepare(classroom: Classroom, students: int) -> Path:
    """Everything that must lie ready before the hub starts. Returns the folder of the book."""
    with _step(_("网页组件")):
        if preflight.node_packages_missing(course_root()):
            preflight.install_node_packages(course_root())
    with _step(_("课程网站"), spinner=False):
        book = _book()
    with _step(_("班级名单")):
        _show_passwords(enrol(classroom, students))
        open_sections(classroom)
    with _step(_("发布作业 {name}").format(name=FIRST_ASSIGNMENT)) as notes:
        notes += _release_first(classroom)
    with _step(_("整理章节")):
        write_editions(classroom.materials)
    return book


# --- steps -----------------------------------------------------------------------------------------------------------


@contextmanager
def _step(title: str, spinner: bool = True) -> Iterator[list[str]]:
    """Show a step while it runs, and its end. What the step appends to the list is shown as a warning.

    ``spinner=False`` for a step that shows its own progress.
    """
    notes: list[str] = []
    began = time.monotonic()
    with console.status(title) if spinner else nullcontext():
        yield notes
    seconds = time.monotonic() - began
    console.print(f"[green]✓[/] {title}" + (f" [dim]{seconds:.1f} s[/]" if seconds >= 0.1 else ""))
    for note in notes:
        console.print(f"[yellow]  ! {note}[/]")


def _book() -> Path:
    """The folder of the built book; it is built if it is missing or old."""
    from course.book.build import build_book

    return Path(build_book())


def _release_first(classroom: Classroom) -> list[str]:
    """Release the first assignment if the exchange doesn't hold it as it is now. Returns what went wrong.

    An assignment that can't be released is no reason not to hold the class.
    """
    if is_released(FIRST_ASSIGNMENT, classroom):
        return []
    try:
        release(FIRST_ASSIGNMENT, classroom)
    except CourseError as error:
        return [str(error)]
    return []


def _answers(url: str) -> bool:
    # No proxy of the machine; and whoever signed the class's own certificate, this is only to see that it answers.
    anybody = ssl._create_unverified_context()
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=anybody))
    try:
        with direct.open(url, timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _show_passwords(passwords: dict[str, str]) -> None:
    """Passwords of new practice accounts, shown this once."""
    if not passwords:
        return
    table = Table(_("账号"), _("初始密码"), title=_("新账号（密码只显示这一次）"))
    for name, password in passwords.items():
        table.add_row(name, password)
    console.print(table)


def _summary(classroom: Classroom, port: int, seconds: float, trust_users: bool) -> None:
    """Where the class is, who is in it, how to stop it."""
    home = tls_settings().local_url(port)
    people = read_people(classroom).values()
    rows = Table.grid(padding=(0, 2))
    rows.add_row(_("课堂"), home)
    rows.add_row(_("课程网站"), home + "book/")
    rows.add_row(_("教师"), _("、").join(person.name for person in people if person.role == "instructor"))
    rows.add_row(_("学生"), _("{count} 名").format(count=sum(person.role == "student" for person in people)))
    rows.add_row(_("隔离"), _("无，只适合用户彼此信任的场合") if trust_users else _("每位用户各自隔离"))
    rows.add_row(_("停止"), "Ctrl-C")
    console.print(Panel(rows, title=_("课堂已就绪，用时 {seconds:.1f} 秒").format(seconds=seconds), expand=False))
    if classroom.credentials.exists():
        console.print(_("账号与初始密码存于"), str(classroom.credentials), soft_wrap=True, markup=False)


# --- the hub and its keeping -----------------------------------------------------------------------------------------


class Hub:
    """The hub's process, started anew when it ends by itself. Users' servers are not its children: they go on."""

    RESTARTS, WITHIN_SECONDS = 5, 600
    """More restarts than that in that time: something is wrong that starting anew doesn't mend."""

    def __init__(self, classroom: Classroom, book: Path, port: int, trust_users: bool) -> None:
        self._classroom = classroom
        self._url = tls_settings().local_url(port)
        self._runtime = _new_runtime_folder(classroom)
        self._environment = os.environ | {
            MARK: str(classroom.folder),
            "CRM_CLASSROOM": str(classroom.folder),
            "CRM_PORT": str(port),
            "CRM_BOOK": str(book),
            "CRM_RUNTIME_DIR": str(self._runtime),
            "CRM_DESK_PORT": str(preflight.free_ports(1)[0]),
            "CRM_TRUST_USERS": "1" if trust_users else "",
            "CRM_CGROUP": _divided_group(),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the hub, in a session of its own so that a Ctrl-C reaches it only through :func:`up`.

        :raises CourseError: if it ends, or does not answer within a minute.
        """
        config = Path(__file__).with_name("jupyterhub_config.py")
        with private_log(self._classroom.log) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=self._classroom.hub,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_for_answer(self._process)

    def keep(self) -> None:
        """Until Ctrl-C: whenever the hub ends, clear away what it left, and start it anew.

        :raises CourseError: if it ends again and again.
        """
        ends: list[float] = []
        while self._process is not None:
            self._process.wait()
            now = time.monotonic()
            ends = [*(end for end in ends if now - end < self.WITHIN_SECONDS), now]
            if len(ends) > self.RESTARTS:
                raise CourseError(_("JupyterHub 反复停止；原因记在 {log}。").format(log=self._classroom.log))
            console.print(_("JupyterHub 意外停止，正在重新启动；学生的学习环境不受影响。"))
            _end(self._classroom, servers=False)
            self.start()
            console.print(_("JupyterHub 已恢复。"))

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        """Return when hub and book answer at the public port."""
        # First the sockets behind the proxy: asked too early, the proxy would fill the log with errors.
        waiting: list[Callable[[], bool]] = [
            partial(_listens, self._runtime / "hub" / "hub.sock"),
            partial(_listens, self._runtime / "book.sock"),
            partial(_answers, f"{self._url}hub/api"),
            partial(_answers, f"{self._url}book/"),
        ]
        deadline = time.monotonic() + ANSWER_SECONDS
        while waiting:
            if process.poll() is not None or time.monotonic() > deadline:
                raise CourseError(_("JupyterHub 没有启动成功；原因记在 {log}。").format(log=self._classroom.log))
            if waiting[0]():
                waiting.pop(0)
            else:
                time.sleep(0.3)


def _divided_group() -> str:
    """The control group whose children limit the servers; empty where there is none to divide."""
    group = own_group()
    if group is None:
        return ""
    divide(group)
    return str(group)


def _listens(path: Path) -> bool:
    """Whether somebody listens at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


# --- one class at a time, and nothing left behind --------------------------------------------------------------------


@contextmanager
def _only_one(classroom: Classroom, port: int) -> Iterator[None]:
    """Hold the class's lock. The system frees it with the process, however that ended, so no lock is ever stale.

    :raises CourseError: if another process holds it.
    """
    with classroom.lock.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CourseError(_already_running(classroom)) from None
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "port": port}))
        lock.flush()
        yield
        lock.truncate(0)


def _already_running(classroom: Classroom) -> str:
    try:
        holder = json.loads(classroom.lock.read_text("utf-8"))
        return _("这个班级已经在运行：http://{host}:{port}/（进程 {pid}）；要停止它，请在那个终端按 Ctrl-C。").format(
            host=preflight.HOST, port=holder["port"], pid=holder["pid"]
        )
    except (OSError, ValueError, KeyError):
        return _("这个班级正在启动或停止；请稍后再试。")


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and a closed terminal stop the class as Ctrl-C does."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if number != signal.SIGHUP or handler is not signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """While stopping, which takes a bounded time, an impatient Ctrl-C must not leave half of it behind."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def class_processes(classroom: Classroom, servers: bool = True) -> list[psutil.Process]:
    """Hub, proxy and services of this class; with ``servers`` also what outlives a hub: users' servers, jobs of the desk."""
    found = []
    for process in psutil.process_iter():
        try:
            known = process.environ()
            ours = known.get(MARK) == str(classroom.folder) and (
                servers or not {"CRM_ROLE", "CRM_PROGRESS"} & set(known)
            )
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another account's
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in found if process.pid not in own]


def _end_leftovers(classroom: Classroom) -> None:
    """End every process of the class, and forget its sockets.

    :raises CourseError: if one does not end.
    """
    _end(classroom, servers=True)
    _remove_runtime_folder(classroom)


def _end(classroom: Classroom, servers: bool) -> None:
    """End the processes of the class: first the hub, which ends the others in good order, then what remains.

    :param servers: users' servers, too.
    :raises CourseError: if one does not end.
    """
    ends: list[tuple[Callable[[psutil.Process], None], float]] = [
        (psutil.Process.terminate, STOP_SECONDS),
        (psutil.Process.terminate, 5),
        (psutil.Process.kill, 5),
        (psutil.Process.kill, 5),
    ]
    for end, seconds in ends:
        processes = class_processes(classroom, servers)
        pids = {process.pid for process in processes}
        # Those whose parent is of the class too are their parent's to end.
        roots = [process for process in processes if _parent(process) not in pids]
        for process in roots:
            _signal(process, end)
        psutil.wait_procs(roots, timeout=seconds)
    if left := class_processes(classroom, servers):
        raise CourseError(
            _("上次课堂的进程 {pids} 结束不了；请手动结束它们再运行 make up。").format(
                pids="、".join(str(process.pid) for process in left)
            )
        )


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _signal(process: psutil.Process, end: Callable[[psutil.Process], None]) -> None:
    with suppress(psutil.Error):
        end(process)


def _new_runtime_folder(classroom: Classroom) -> Path:
    """A private folder for sockets. In /tmp, because a socket's path may have 107 bytes at most."""
    base = "/tmp" if os.access("/tmp", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="crm-", dir=base))
    for name in ("hub", "servers"):
        (folder / name).mkdir()
    classroom.remember("runtime", str(folder))
    return folder


def _remove_runtime_folder(classroom: Classroom) -> None:
    folder = classroom.recall("runtime")
    if folder and Path(folder).name.startswith("crm-"):
        shutil.rmtree(folder, ignore_errors=True)
