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
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

import psutil
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from course.hub import preflight
from course.hub.classroom import FIRST_ASSIGNMENT, INSTRUCTOR, Classroom
from course.hub.materials import deliver, materials
from course.hub.people import enrol, read_class_list
from course.hub.release import is_released, register_students, release
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

MARK = "CRM_CLASS_PROCESS"
ANSWER_SECONDS = 60
STOP_SECONDS = 25
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

console = Console()


def up(students: int = 3, port: int = 8000) -> None:
    """Start the class and keep it running until Ctrl-C or SIGTERM, then stop all of it.

    :param students: how many students there must be at least; students who exist already stay.
    :param port: the port of 127.0.0.1 at which the class is reached.
    :raises CourseError: if something is in the way; nothing is left running then.
    """
    began = time.monotonic()
    classroom = Classroom.here()
    preflight.check_python()
    preflight.check_students(students)
    preflight.check_folder(classroom.folder)
    preflight.check_disk(classroom.folder)
    classroom.create()
    with _only_one(classroom, port), _stoppable():
        try:
            hub = _start(classroom, students, port, began)
            _wait(hub, classroom)
        except KeyboardInterrupt:
            pass
        finally:
            _ignore_signals()
            _end_leftovers(classroom)
    console.print(_("课堂已停止。"))


def _start(classroom: Classroom, students: int, port: int, began: float) -> subprocess.Popen[bytes]:
    """All steps in order; returns the hub's process when it answers."""
    _end_leftovers(classroom)
    preflight.check_port(port)
    with _step(_("网页组件")):
        if preflight.node_packages_missing(course_root()):
            preflight.install_node_packages(course_root())
    with _step(_("课程网站"), spinner=False):
        book = _book()
    with _step(_("班级名单")):
        passwords = enrol(classroom, students)
        names = [name for name in read_class_list(classroom.passwords) if name != INSTRUCTOR]
        if classroom.recall("gradebook") != names:
            register_students(names, classroom)
            classroom.remember("gradebook", names)
    with _step(_("发布作业 {name}").format(name=FIRST_ASSIGNMENT)) as notes:
        notes += _release_first(classroom)
    with _step(_("分发章节")):
        _deliver_all(classroom)
    with _step(_("启动 JupyterHub")):
        ports = [*preflight.free_ports(3), port]
        hub = _start_hub(classroom, ports, book)
        _wait_for_answer(hub, classroom, ports)
    _summary(classroom, port, passwords, len(names), time.monotonic() - began)
    return hub


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


def _deliver_all(classroom: Classroom) -> None:
    people = read_class_list(classroom.passwords)
    newest = {role: materials(role) for role in {person.role for person in people.values()}}
    for name, person in people.items():
        deliver(classroom.home(name), newest[person.role])


def _start_hub(classroom: Classroom, ports: list[int], book: Path) -> subprocess.Popen[bytes]:
    """Start the hub in a session of its own, so that a Ctrl-C reaches it only through :func:`up`."""
    hub_port, api_port, book_port, port = ports
    runtime = _new_runtime_folder(classroom)
    environment = os.environ | {
        MARK: str(classroom.folder),
        "CRM_CLASSROOM": str(classroom.folder),
        "CRM_PORT": str(port),
        "CRM_HUB_PORT": str(hub_port),
        "CRM_PROXY_API_PORT": str(api_port),
        "CRM_BOOK_PORT": str(book_port),
        "CRM_BOOK": str(book),
        "CRM_RUNTIME_DIR": str(runtime),
    }
    config = Path(__file__).with_name("jupyterhub_config.py")
    if classroom.log.exists():
        classroom.log.replace(classroom.log.with_suffix(".log.1"))
    with _private_log(classroom.log) as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=classroom.hub,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_for_answer(hub: subprocess.Popen[bytes], classroom: Classroom, ports: list[int]) -> None:
    """Return when hub and book answer at the public port.

    :raises CourseError: if the hub ends, or does not answer within a minute.
    """
    hub_port, _api_port, book_port, port = ports
    base = f"http://{preflight.HOST}"
    # First behind the proxy, then through it: asked too early, the proxy would fill the log with errors.
    waiting = [
        f"{base}:{hub_port}/hub/api",
        f"{base}:{book_port}/book/",
        f"{base}:{port}/hub/api",
        f"{base}:{port}/book/",
    ]
    deadline = time.monotonic() + ANSWER_SECONDS
    while waiting:
        if hub.poll() is not None or time.monotonic() > deadline:
            raise CourseError(_("JupyterHub 没有启动成功；原因记在 {log}。").format(log=classroom.log))
        if _answers(waiting[0]):
            waiting.pop(0)
        else:
            time.sleep(0.1)


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _wait(hub: subprocess.Popen[bytes], classroom: Classroom) -> None:
    """Until the hub ends, which it should not do by itself."""
    hub.wait()
    raise CourseError(_("JupyterHub 意外停止；原因记在 {log}，再运行 make up 即可恢复。").format(log=classroom.log))


def _summary(classroom: Classroom, port: int, passwords: dict[str, str], students: int, seconds: float) -> None:
    """Where the class is, who is in it, how to stop it. Passwords are shown only when they are new."""
    home = f"http://{preflight.HOST}:{port}/"
    rows = Table.grid(padding=(0, 2))
    rows.add_row(_("课堂"), home)
    rows.add_row(_("课程网站"), home + "book/")
    rows.add_row(_("教师"), INSTRUCTOR)
    rows.add_row(_("学生"), _("{count} 名").format(count=students))
    rows.add_row(_("停止"), "Ctrl-C")
    console.print(Panel(rows, title=_("课堂已就绪，用时 {seconds:.1f} 秒").format(seconds=seconds), expand=False))
    if passwords:
        list_of_new = Table(_("账号"), _("初始密码"), title=_("新账号（密码只显示这一次）"))
        for name, password in passwords.items():
            list_of_new.add_row(name, password)
        console.print(list_of_new)
    if classroom.credentials.exists():
        console.print(_("账号与初始密码存于"), str(classroom.credentials), soft_wrap=True, markup=False)


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


def class_processes(classroom: Classroom) -> list[psutil.Process]:
    """Hub, proxy, book server, users' servers and kernels of this class."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(classroom.folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another account's
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in found if process.pid not in own]


def _end_leftovers(classroom: Classroom) -> None:
    """End every process of the class: first the hub, which ends the others in good order, then what remains.

    :raises CourseError: if one does not end.
    """
    ends: list[tuple[Callable[[psutil.Process], None], float]] = [
        (psutil.Process.terminate, STOP_SECONDS),
        (psutil.Process.terminate, 5),
        (psutil.Process.kill, 5),
        (psutil.Process.kill, 5),
    ]
    for end, seconds in ends:
        processes = class_processes(classroom)
        pids = {process.pid for process in processes}
        # Those whose parent is of the class too are their parent's to end.
        roots = [process for process in processes if _parent(process) not in pids]
        for process in roots:
            _signal(process, end)
        psutil.wait_procs(roots, timeout=seconds)
    _remove_runtime_folder(classroom)
    if left := class_processes(classroom):
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
    """A private folder for kernels' sockets. In /tmp, because a socket's path may have 107 bytes at most."""
    base = "/tmp" if os.access("/tmp", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="crm-", dir=base))
    classroom.remember("runtime", str(folder))
    return folder


def _remove_runtime_folder(classroom: Classroom) -> None:
    folder = classroom.recall("runtime")
    if folder and Path(folder).name.startswith("crm-"):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _private_log(path: Path) -> Iterator[IO[bytes]]:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600), "wb") as log:
        yield log
