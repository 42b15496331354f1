"""What a student can try against others and the class, having read all of the source: a list of attempts.

Attempts from inside a server run there, in a terminal and in a notebook; this very file is laid into the student's home
for that, so its top imports the standard library alone. Attempts over HTTP run in the tests' process, with the
student's cookies. Each attempt gives back words: what refused it (``ENOENT``, ``403``), or what it got. The words that
count as a wall stand at the attempt; everything that was read on the way goes into the loot, in which the tests look
for canaries.
"""

# ruff: noqa: B023 (every lambda is called in the round of the loop that made it)

import base64
import contextlib
import ctypes
import errno
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

TERMINAL, NOTEBOOK, HTTP = "终端", "notebook", "HTTP"


@dataclass(frozen=True)
class Attempt:
    """One way in. ``walls``: words that say that it leads nowhere; nothing else may come back."""

    name: str
    through: tuple[str, ...]
    walls: frozenset[str]
    act: Callable[[Any], Iterable[str]]


ATTEMPTS: dict[str, Attempt] = {}
LOOT: list[str] = []
GOT_IN = "got in"

Act = Callable[[Any], Iterable[str]]


def attempt(walls: str, *through: str) -> Callable[[Act], Act]:
    """Put a function on the list under its own name. ``walls``: words, with blanks between."""

    def register(act: Act) -> Act:
        name = act.__name__.replace("_", "-")
        ATTEMPTS[name] = Attempt(name, through or (TERMINAL, NOTEBOOK), frozenset(walls.split()), act)
        return act

    return register


def keep(found: Any) -> None:
    """Put into the loot what an attempt brought."""
    LOOT.append(found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found))


def word(action: Callable[[], Any]) -> str:
    """Try it: how it was refused. What it brings otherwise is kept."""
    try:
        keep(action())
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except Exception as error:
        return type(error).__name__
    return GOT_IN


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(2**20)


# ============================================================================================ from inside: files


@attempt("ENOENT")
def absolute_paths(plan: Any) -> Iterable[str]:
    for path in plan["targets"]:
        yield word(lambda: read(path))


@attempt("ENOENT")
def parent_folders(plan: Any) -> Iterable[str]:
    for start in (
        plan["home"],
        f"{plan['home']}/chapters",
        f"{plan['exchange']}/inbound/{plan['me']}",
        "/proc/self/cwd",
    ):
        for path in plan["targets"]:
            yield word(lambda: read(os.path.join(start, os.path.relpath(path, start))))


@attempt("own")
def lists_of_folders(plan: Any) -> Iterable[str]:
    """Folders that all share show nothing but what is one's own."""
    folder, me = plan["class"], plan["me"]
    expected = {
        folder: {"exchange", "homes", "materials"},
        f"{folder}/homes": {me},
        f"{folder}/materials": {"student"},
        plan["exchange"]: {"outbound", "inbound", "feedback", "receipts"},
        **{f"{plan['exchange']}/{kind}": {me} for kind in ("inbound", "feedback", "receipts")},
        plan["runtime"]: {"hub", "servers"},
        f"{plan['runtime']}/hub": {"hub.sock"},
        f"{plan['runtime']}/servers": {me},
    }
    for place, names in expected.items():
        found = set(os.listdir(place))
        yield "own" if found <= names else f"{place}: {found - names}"


def everything() -> Iterable[str]:
    """All paths in sight, but those of the system, of Python, and the kernel's tables."""
    passed = {"/proc", "/usr", sys.prefix, sys.base_prefix}
    for at, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(at, name) not in passed]
        yield from (os.path.join(at, name) for name in [*folders, *files])


@attempt("nothing")
def find_by_name(plan: Any) -> Iterable[str]:
    wanted = re.compile(
        rf"{plan['victim']}|teacher|gradebook|jupyterhub\.sqlite|people\.json|credentials|cookie_secret|proxy.token"
        r"|receipt_key|hub\.log|\.ssh|\.bash_history|/assignments/a04|instructor$"
    )
    own = (f"{plan['home']}/", f"{plan['runtime']}/servers/{plan['me']}/")
    found = [path for path in everything() if wanted.search(path) and not path.startswith(own)]
    yield from ([path for path in found if not path.startswith(plan["code"])] or ["nothing"])


@attempt("nothing")
def search_all_contents(plan: Any) -> Iterable[str]:
    """For the canaries themselves, which the plan holds encoded."""
    canaries = [base64.b64decode(canary) for canary in plan["canaries"]]
    hits = []
    for path in everything():
        if os.path.isfile(path) and not path.startswith("/dev/"):
            try:
                content = Path(path).read_bytes()
            except OSError:
                continue
            hits += [f"{path}: canary {place}" for place, canary in enumerate(canaries) if canary in content]
    yield from (hits or ["nothing"])


@attempt("ENOENT")
def hard_links(plan: Any) -> Iterable[str]:
    for place, path in enumerate(plan["targets"]):
        yield word(lambda: os.link(path, f"{plan['home']}/link-{os.getpid()}-{place}"))


@attempt("ENOENT")
def symbolic_links(plan: Any) -> Iterable[str]:
    folder = Path(plan["home"], f"links-{os.getpid()}")
    folder.mkdir()
    for place, path in enumerate(plan["targets"]):
        link = folder / str(place)
        link.symlink_to(path)
        yield word(lambda: read(str(link)))
    (folder / "class").symlink_to(plan["class"])
    yield word(lambda: read(f"{folder}/class/homes/{plan['victim']}/draft.ipynb"))


def pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


@attempt("ENOENT EACCES EPERM")
def roots_of_processes(plan: Any) -> Iterable[str]:
    for pid in [*pids(), *plan["pids"]]:
        for way in ("root", "cwd"):
            for path in plan["targets"][:4]:
                yield word(lambda: read(f"/proc/{pid}/{way}{path}"))


@attempt("own EACCES EPERM ENOENT ESRCH")
def environments_of_processes(plan: Any) -> Iterable[str]:
    for pid in [*pids(), *plan["pids"]]:
        try:
            found = read(f"/proc/{pid}/environ")
        except OSError as error:
            yield errno.errorcode[error.errno or 0]
            continue
        keep(found)
        names = {
            part.partition(b"=")[2].decode() for part in found.split(b"\0") if part.startswith(b"JUPYTERHUB_USER=")
        }
        yield "own" if names <= {plan["me"]} else f"{pid}: {names}"


@attempt("own EACCES EPERM ENOENT ESRCH")
def open_files_of_processes(plan: Any) -> Iterable[str]:
    """Descriptors lead past all walls of paths: to the log, to a folder and from there upwards."""
    for pid in [*pids(), *plan["pids"]]:
        try:
            handles = os.listdir(f"/proc/{pid}/fd")
        except OSError as error:
            yield errno.errorcode[error.errno or 0]
            continue
        for handle in handles:
            way = f"/proc/{pid}/fd/{handle}"
            for inner in ("secrets/people.json", "../secrets/people.json", f"../{plan['victim']}/draft.ipynb"):
                if (said := word(lambda: read(f"{way}/{inner}"))) == GOT_IN:
                    yield f"{way}/{inner}: {said}"
            place = os.readlink(way) if os.path.islink(way) else ""
            strange = place.startswith((plan["class"], plan["runtime"])) and plan["me"] not in place
            yield f"{way}: {place}" if strange else "own"


@attempt("own ENOENT EACCES EPERM ESRCH")
def maps_and_memory_of_processes(plan: Any) -> Iterable[str]:
    for pid in [1, *plan["pids"]]:
        for name in ("mem", "maps", "auxv", "syscall", "stack"):
            said = word(lambda: read(f"/proc/{pid}/{name}")[:1000])
            yield "own" if pid == 1 and name in ("maps", "auxv", "syscall") else "own" if said == "EIO" else said


@attempt("EACCES EROFS ENOENT EPERM EINVAL")
def settings_of_the_kernel(plan: Any) -> Iterable[str]:
    for path in (
        "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/yama/ptrace_scope",
        "/proc/sys/user/max_user_namespaces", "/proc/sys/fs/protected_symlinks", "/proc/sysrq-trigger",
        "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/cgroup.procs",
    ):  # fmt: skip
        yield word(lambda: os.open(path, os.O_WRONLY))  # never written: where a wall is missing, it is this machine's


@attempt("EROFS EACCES ENOENT EPERM EBUSY")
def writing_where_only_the_class_writes(plan: Any) -> Iterable[str]:
    exchange, me = plan["exchange"], plan["me"]
    for folder in (
        f"{exchange}/outbound", f"{exchange}/outbound/a04-segmentation", f"{exchange}/feedback/{me}",
        f"{exchange}/receipts/{me}", f"{plan['class']}/materials/student", plan["code"], f"{plan['code']}/course",
        f"{plan['code']}/autograder", sys.prefix, "/etc", "/usr/bin", "/", f"{plan['runtime']}/hub",
    ):  # fmt: skip
        yield word(lambda: Path(folder, "intruder").write_text("x"))
        yield word(lambda: os.rename(folder, f"{folder}-away"))
        yield word(lambda: os.chmod(folder, 0o777))
    for path in (f"{plan['runtime']}/hub/hub.sock", f"{plan['code']}/nbgrader_config.py"):
        yield word(lambda: os.unlink(path))


@attempt("EROFS EACCES ENOENT")
def boxes_and_homes_of_others(plan: Any) -> Iterable[str]:
    victim, exchange = plan["victim"], plan["exchange"]
    for folder in (
        f"{exchange}/inbound/{victim}", f"{exchange}/feedback/{victim}", f"{exchange}/receipts/{victim}",
        f"{plan['class']}/homes/{victim}", f"{plan['class']}/secrets", f"{plan['runtime']}/hub/{victim}",
        f"{exchange}/inbound/student99", f"{plan['class']}/received",
    ):  # fmt: skip
        yield word(lambda: os.mkdir(folder))
        yield word(lambda: os.symlink("/etc", folder))
        yield word(lambda: Path(folder, "intruder").write_text("x"))


@attempt("EROFS EACCES ENOENT EEXIST")
def tar_with_paths_and_links(plan: Any) -> Iterable[str]:
    """A hostile archive, unpacked as carelessly as can be, meets the same walls."""
    archive = Path(plan["home"], f"evil-{os.getpid()}.tar")
    names = [f"../{plan['victim']}/intruder", f"{plan['class']}/secrets/intruder", "way/intruder"]
    with tarfile.open(archive, "w") as tar:
        link = tarfile.TarInfo("way")
        link.type, link.linkname = tarfile.SYMTYPE, f"{plan['class']}/homes/{plan['victim']}"
        tar.addfile(link)
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    target = Path(plan["home"], f"unpacked-{os.getpid()}")
    target.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if not member.issym():
                yield word(
                    lambda: tar.extract(member, plan["home"] if ".." in member.name else target, filter="fully_trusted")
                )
            else:
                tar.extract(member, target, filter="fully_trusted")
    subprocess.run(["tar", "-P", "-xf", archive], cwd=plan["home"], capture_output=True)  # the command, too
    for name in names:
        yield word(lambda: read(os.path.join(plan["home"], name)))


@attempt("EROFS EACCES ENOENT")
def zip_with_paths(plan: Any) -> Iterable[str]:
    archive = Path(plan["home"], f"evil-{os.getpid()}.zip")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(f"../{plan['victim']}/intruder", "x")
        file.writestr(f"../../secrets/intruder-{os.getpid()}", "x")
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            target = os.path.join(plan["home"], name)

            def unpack(target: str = target, name: str = name) -> None:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                Path(target).write_bytes(file.read(name))

            yield word(unpack)


# ======================================================================================== from inside: processes

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: Any) -> str:
    """A function of libc, or ``syscall`` with a number: the name of its error."""
    ctypes.set_errno(0)
    result = getattr(_libc, name)(*arguments)
    return errno.errorcode.get(ctypes.get_errno(), "?") if result < 0 else f"{name}: {GOT_IN}"


@attempt("ESRCH")
def killing_others(plan: Any) -> Iterable[str]:
    """Numbers that processes have outside mean nothing inside."""
    for pid in set(plan["pids"]) - set(pids()):
        yield word(lambda: os.kill(pid, signal.SIGKILL))


@attempt("EPERM")
def tracing(plan: Any) -> Iterable[str]:
    for pid in [1, os.getppid(), *plan["pids"]]:
        yield call("ptrace", 16, pid, 0, 0)
        yield call("process_vm_readv", pid, None, 0, None, 0, 0)
        yield call("syscall", 438, pid, 0, 0)  # pidfd_getfd
        yield call("syscall", 312, pid, 1, 0, 0, 0)  # kcmp


@attempt("EPERM")
def namespaces(plan: Any) -> Iterable[str]:
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        yield call("unshare", flag)
        yield call("syscall", 56, flag | signal.SIGCHLD, 0, 0, 0, 0)  # clone
    yield call("setns", os.open("/proc/1/status", os.O_RDONLY), 0)


@attempt("EPERM")
def mounts_and_roots(plan: Any) -> Iterable[str]:
    yield call("mount", b"none", b"/tmp", b"tmpfs", 0, None)
    yield call("mount", b"/proc", plan["home"].encode(), None, 0x1000, None)
    yield call("umount2", plan["class"].encode(), 2)
    yield call("syscall", 155, b"/tmp", b"/tmp")  # pivot_root
    yield call("chroot", b"/tmp")
    for number in (428, 429, 430, 431, 432, 433, 442):  # the newer calls for mounts
        yield call("syscall", number, 0, 0, 0, 0, 0)


@attempt("EPERM EINVAL")
def becoming_somebody_else(plan: Any) -> Iterable[str]:
    for account in (0, 1, 65534, *plan["accounts"]):
        if account != os.getuid():
            yield call("setuid", account)
            yield call("setreuid", account, account)
            yield call("setresgid", account, account, account)
    yield call("setgroups", 1, (ctypes.c_uint * 1)(0))
    yield word(lambda: os.chown(plan["home"], plan["accounts"][0] + 1, -1))


@attempt("failed")
def programs_of_the_superuser(plan: Any) -> Iterable[str]:
    """None of them gains a right: nothing that is started here may."""
    for command in (
        ["su", "-c", "id"], ["sudo", "-n", "id"], ["pkexec", "id"], ["newuidmap", str(os.getpid()), "0", "0", "1"],
        ["mount", "-t", "tmpfs", "none", "/tmp"], ["unshare", "-Ur", "id"], ["bwrap", "--dev-bind", "/", "/", "id"],
        ["chroot", "/", "id"], ["nsenter", "-t", "1", "-a", "id"], ["passwd", "-d", "root"], ["crontab", "-l"],
    ):  # fmt: skip
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired):
            yield "failed"
            continue
        keep(done.stdout)
        yield "failed" if done.returncode else f"{command[0]}: {done.stdout}"
    yield "failed" if "NoNewPrivs:\t1" in Path("/proc/self/status").read_text() else "rights can be gained"


@attempt("ENOENT EPERM EACCES")
def shared_memory(plan: Any) -> Iterable[str]:
    yield word(lambda: read(f"/dev/shm/{plan['shared']}"))
    yield call("shmget", plan["key"], 0, 0o600)
    yield call("msgget", plan["key"], 0o600)
    yield call("semget", plan["key"], 0, 0o600)
    yield word(lambda: read(f"/dev/mqueue/{plan['shared']}"))
    yield call("syscall", 250, 0, -3, 0)  # keyctl


@attempt("EPERM ENOENT EACCES")
def devices(plan: Any) -> Iterable[str]:
    for path in ("/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm", "/dev/net/tun"):
        yield word(lambda: os.open(path, os.O_RDWR))
    yield word(lambda: os.mknod(f"{plan['home']}/disk", 0o060666, os.makedev(8, 0)))
    yield word(lambda: os.mknod("/tmp/memory", 0o020666, os.makedev(1, 1)))


@attempt("EPERM")
def dangerous_calls_of_the_kernel(plan: Any) -> Iterable[str]:
    # bpf, perf_event_open, userfaultfd, io_uring_setup, open_by_handle_at, name_to_handle_at, init_module, kexec_load,
    # reboot, settimeofday, sethostname, syslog
    for number in (321, 298, 323, 425, 304, 303, 175, 246, 169, 164, 170, 103):
        yield call("syscall", number, 0, 0, 0, 0, 0)


# ========================================================================================== from inside: network


def connects(address: Any, family: int = socket.AF_INET, seconds: float = 3) -> str:
    with socket.socket(family) as line:
        line.settimeout(seconds)
        return word(lambda: line.connect(address))


def somebody_listens(port: int) -> bool:
    with socket.socket() as line:
        # Where the kernel gives the very port that is asked as the own one, a socket finds itself.
        return line.connect_ex(("127.0.0.1", port)) == 0 and line.getsockname() != line.getpeername()


@attempt("nobody", TERMINAL)
def all_ports_of_the_machine(plan: Any) -> Iterable[str]:
    found = [port for port in range(1, 65536) if somebody_listens(port)]
    yield f"ports {found}" if found else "nobody"


@attempt("ECONNREFUSED ENETUNREACH EADDRNOTAVAIL EAFNOSUPPORT")
def ports_of_hub_desk_and_machine(plan: Any) -> Iterable[str]:
    for port in (plan["port"], plan["desk_port"], 22, 5432, 631):
        for host in ("127.0.0.1", "127.0.0.2", *plan["addresses"]):
            yield connects((host, port))
        yield connects(("::1", port), socket.AF_INET6)


@attempt("ENETUNREACH EADDRNOTAVAIL EAFNOSUPPORT gaierror")
def the_internet(plan: Any) -> Iterable[str]:
    for host in ("1.1.1.1", "223.5.5.5", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.17.0.1"):
        yield connects((host, 80))
    yield connects(("2606:4700:4700::1111", 80), socket.AF_INET6)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        yield word(lambda: line.sendto(b"x", ("223.5.5.5", 53)))
    try:
        yield str(socket.getaddrinfo("example.com", 80))
    except socket.gaierror:
        yield "gaierror"


@attempt("ECONNREFUSED ENOENT")
def sockets_of_class_and_system(plan: Any) -> Iterable[str]:
    yield connects(f"\0{plan['shared']}", socket.AF_UNIX)  # an abstract one: those belong to the network
    for path in (
        f"{plan['runtime']}/proxy-api.sock", f"{plan['runtime']}/book.sock", plan["victims_socket"],
        "/run/dbus/system_bus_socket", "/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock",
        "/run/systemd/private", "/run/systemd/journal/socket", "/tmp/.X11-unix/X0", "/run/user/0/bus",
        "/var/run/postgresql/.s.PGSQL.5432",
    ):  # fmt: skip
        yield connects(path, socket.AF_UNIX)


@attempt("EPERM EAFNOSUPPORT EPROTONOSUPPORT")
def other_kinds_of_sockets(plan: Any) -> Iterable[str]:
    for family, kind in (
        (2, 3),
        (10, 3),
        (17, 3),
        (40, 1),
        (38, 5),
        (29, 3),
        (21, 5),
    ):  # raw, packet, virtual machines…
        yield word(lambda: socket.socket(family, kind).fileno())


# ======================================================================= from inside: the hub, at its own socket


class HubLine(http.client.HTTPConnection):
    """HTTP over the hub's socket, past the proxy."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def ask_hub(plan: Any, method: str, path: str, headers: Any = None, body: Any = None) -> str:
    line = HubLine(f"{plan['runtime']}/hub/hub.sock")
    text = None if body is None else body if isinstance(body, str) else json.dumps(body)
    line.request(method, path, text, headers or {})
    answer = line.getresponse()
    keep(answer.read())
    return str(answer.status)


def api_requests(victim: str, me: str) -> list[tuple[str, str, Any]]:
    """What a student may not ask of the hub's interface."""
    return [
        ("GET", "/users", None), ("GET", f"/users/{victim}", None), ("GET", "/users/teacher", None),
        ("POST", f"/users/{victim}/server", {}), ("DELETE", f"/users/{victim}/server", None),
        ("POST", "/users/teacher/server", {}), ("GET", f"/users/{victim}/tokens", None),
        ("POST", f"/users/{victim}/tokens", {}), ("POST", "/users/teacher/tokens", {"note": "x"}),
        ("POST", f"/users/{me}/tokens", {"roles": ["admin"]}),
        ("POST", f"/users/{me}/tokens", {"scopes": ["admin:users", "admin:servers", "access:services"]}),
        ("POST", f"/users/{me}/tokens", {"scopes": [f"access:servers!user={victim}"]}),
        ("PATCH", f"/users/{me}", {"admin": True}), ("PATCH", f"/users/{me}", {"name": "teacher"}),
        ("POST", "/users/intruder", {}), ("DELETE", f"/users/{victim}", None),
        ("GET", "/groups", None), ("POST", "/groups/staff/users", {"users": [me]}),
        ("POST", "/groups/staff-crm/users", {"users": [me]}), ("GET", "/services", None), ("GET", "/services/desk", None),
        ("GET", "/proxy", None), ("POST", "/proxy", {}), ("PATCH", "/proxy", {"api_url": "http://127.0.0.1:1"}),
        ("POST", "/shutdown", {"proxy": True, "servers": True}),
        ("POST", f"/shares/{victim}/", {"user": me}), ("GET", f"/shares/{victim}/", None),
        ("POST", f"/users/{victim}/activity", {"last_activity": "2026-01-01T00:00:00Z"}),
        ("GET", f"/users/{victim}/server/progress", None),
    ]  # fmt: skip


@attempt("403 404 400")
def hub_interface_with_the_servers_token(plan: Any) -> Iterable[str]:
    headers = {"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"}
    for method, path, body in api_requests(plan["victim"], plan["me"]):
        yield ask_hub(plan, method, f"/hub/api{path}", headers, body)


@attempt("403 404 400")
def hub_interface_without_a_token(plan: Any) -> Iterable[str]:
    for headers in ({}, {"Authorization": "token " + "0" * 64}, {"Authorization": "Basic dGVhY2hlcjp0ZWFjaGVy"}):
        for method, path, body in api_requests(plan["victim"], plan["me"]):
            yield ask_hub(plan, method, f"/hub/api{path}", headers, body)


@attempt("302 403 404 401 400 405")
def hub_pages_behind_the_proxy(plan: Any) -> Iterable[str]:
    """Headers that a web server in front might set, believed by nobody; and a forged log-in cookie."""
    believed = {
        "X-Forwarded-User": "teacher", "Remote-User": "teacher", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Proto": "https",
        "Cookie": "jupyterhub-hub-login=\"2|1:0|10:1700000000|20:jupyterhub-hub-login|8:dGVhY2hlcg==|" + "0" * 64 + '"',
    }  # fmt: skip
    for path in (
        "/hub/home",
        "/hub/token",
        "/hub/admin",
        "/hub/metrics",
        f"/hub/spawn/{plan['victim']}",
        "/hub/api/users",
    ):
        yield ask_hub(plan, "GET", path, believed)


@attempt("403 429", TERMINAL)
def guessing_passwords_from_many_addresses(plan: Any) -> Iterable[str]:
    """A made-up address with each guess: the account itself is counted. ``429`` must have come."""
    said = []
    for guess in range(64):
        headers = {"X-Forwarded-For": f"10.1.2.{guess}", "Content-Type": "application/x-www-form-urlencoded"}
        line = HubLine(f"{plan['runtime']}/hub/hub.sock")
        line.request("GET", "/hub/login", headers=headers)
        page = line.getresponse()
        cookies = [value.split(";")[0] for name, value in page.getheaders() if name.lower() == "set-cookie"]
        token = re.search(r'name="_xsrf" value="([^"]+)"', page.read().decode())
        form = f"username=student03&password=guess{guess}&_xsrf={quote(token[1] if token else '')}"
        said.append(ask_hub(plan, "POST", "/hub/login", headers | {"Cookie": "; ".join(cookies)}, form))
    yield from (said if said[-1] == "429" else [f"never stopped: {sorted(set(said))}"])


FORGED_LINE = "[I 2026-01-01 00:00:00.000 JupyterHub] forged entry"


@attempt("400 403 404 302 401 405 429 closed", TERMINAL)
def forging_the_hubs_log(plan: Any) -> Iterable[str]:
    """Line ends and escape sequences in address, headers and name. The tests look into the log."""
    for raw in (
        "GET /hub/x\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /hub/api/users?a=\n{FORGED_LINE} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /hub/\x0b{FORGED_LINE} HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /hub/api/users/teacher/server HTTP/1.1\r\nHost: x\r\nReferer: a\x1b]0;b\x07\r\nContent-Length: 0\r\n\r\n",
        f"GET /hub/%0a{quote(FORGED_LINE)} HTTP/1.1\r\nHost: x\r\nOrigin: a\n{FORGED_LINE}\r\n\r\n",
    ):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(120)
            line.connect(f"{plan['runtime']}/hub/hub.sock")
            line.sendall(raw.encode("latin-1"))
            answer = line.recv(4096)
        yield answer.split(b" ")[1].decode() if answer else "closed"
    form = "username=" + quote(f"teacher\n{FORGED_LINE}\x1b[31m") + "&password=x"
    yield ask_hub(plan, "POST", "/hub/login", {"Content-Type": "application/x-www-form-urlencoded"}, form)


# =========================================================================================== from inside: limits


BOMB = """
import errno, os, signal, time
children, said = [], "no end"
try:
    while len(children) < 700:
        child = os.fork()
        if not child:
            time.sleep(30)
            os._exit(0)
        children.append(child)
except OSError as error:
    said = errno.errorcode[error.errno]
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
print(len(children), said)
"""


@attempt("EAGAIN uncounted", TERMINAL)
def a_bomb_of_processes(plan: Any) -> Iterable[str]:
    """Until the limit says no; the neighbour's server is asked meanwhile by the tests."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", BOMB], capture_output=True, text=True, timeout=240)
    number, said = done.stdout.strip().split(" ", 1)
    Path(plan["home"], "bomb").write_text(number)
    yield "uncounted" if said == "no end" and plan["uncounted"] else said


@attempt("-9", TERMINAL)
def all_of_the_memory(plan: Any) -> Iterable[str]:
    hog = "import time\nheld = []\nfor _ in range(40):\n held.append(b'x' * (50 << 20))\n time.sleep(0.05)\ntime.sleep(30)"
    yield str(subprocess.run([sys.executable, "-I", "-c", hog]).returncode)


@attempt("ENOSPC EFBIG", TERMINAL)
def filling_what_all_share(plan: Any) -> Iterable[str]:
    for folder in ("/tmp", "/dev/shm"):
        file = f"{folder}/filled"

        def fill(file: str = file) -> None:
            with open(file, "wb") as stream:
                for _piece in range(300):
                    stream.write(bytes(2**22))

        yield word(fill)
        os.unlink(file)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield word(lambda: os.truncate(os.open(f"{plan['home']}/big", os.O_WRONLY | os.O_CREAT), 2 * 2**30))


@attempt("EPERM EACCES ValueError")
def raising_own_limits(plan: Any) -> Iterable[str]:
    for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        hard = resource.getrlimit(kind)[1]
        yield word(lambda: resource.setrlimit(kind, (hard + 1, hard + 1)))
    yield word(lambda: os.nice(-10))


# ========================================================================================= from inside: exchange


def lay(plan: Any, name: str, fill: Callable[[Path], Any]) -> str:
    """Lay a folder into the own drop box, whole at once, as an honest program does. Returns its name."""
    box = Path(plan["exchange"], "inbound", plan["me"])
    folder = box / f".sending-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir()
    fill(folder)
    folder.rename(box / name)
    return name


def named(
    mark: str, student: str = "", assignment: str = "a04-segmentation", time: str = "2020-01-01 00:00:00.000000 UTC"
) -> str:
    return f"{student}+{assignment}+{time}+{mark}"


def receipts(plan: Any) -> list[dict[str, Any]]:
    found = []
    for file in Path(plan["exchange"], "receipts", plan["me"]).glob("*.json"):
        with contextlib.suppress(FileNotFoundError):  # an old refusal, forgotten meanwhile
            found.append(json.loads(file.read_text())["receipt"])
    return found


def answer_to(plan: Any, name: str) -> dict[str, Any]:
    """The receipt or refusal for a folder of the drop box."""
    for _moment in range(200):
        for receipt in receipts(plan):
            if receipt["box"] == name:
                keep(receipt)
                return receipt
        time.sleep(0.1)
    return {"refused": "", "student": "no answer"}


def refusals(plan: Any, submissions: dict[str, Callable[[Path], Any]]) -> Iterable[str]:
    """Lay submissions into the drop box: of each ``refused``, or what the receiver made of it."""
    for name in [lay(plan, name, fill) for name, fill in submissions.items()]:
        answer = answer_to(plan, name)
        yield "refused" if answer["refused"] else f"taken: {answer}"


def _notebook(folder: Path) -> Path:
    file = folder / "segmentation.ipynb"
    file.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    return file


@attempt("refused", TERMINAL)
def submission_of_links(plan: Any) -> Iterable[str]:
    """The receiver runs outside all walls: it must not follow a student's link to where it may read."""
    links: dict[str, Callable[[Path], Any]] = {
        named(f"link{place}", plan["me"]): lambda folder, target=target: (folder / "segmentation.ipynb").symlink_to(
            target
        )
        for place, target in enumerate(plan["targets"][:12])  # a student's folder keeps the twenty newest refusals
    }
    victims = f"{plan['class']}/homes/{plan['victim']}"
    folder_link = {
        named("folder", plan["me"]): lambda folder: (_notebook(folder), (folder / "all").symlink_to(victims))
    }
    yield from refusals(plan, links | folder_link)


@attempt("refused", TERMINAL)
def submission_that_is_a_link(plan: Any) -> Iterable[str]:
    box, name = Path(plan["exchange"], "inbound", plan["me"]), named("whole", plan["me"])
    (box / name).symlink_to(f"{plan['exchange']}/inbound/{plan['victim']}/.sending-secret")
    yield "refused" if answer_to(plan, name)["refused"] else "taken"


@attempt("refused", TERMINAL)
def submission_of_pipes_and_devices(plan: Any) -> Iterable[str]:

    def listen(folder: Path) -> None:
        os.chdir(folder)
        socket.socket(socket.AF_UNIX).bind("segmentation.ipynb")
        os.chdir(plan["home"])

    pipe = {named("pipe", plan["me"]): lambda folder: os.mkfifo(folder / "segmentation.ipynb")}
    yield from refusals(plan, pipe | {named("socket", plan["me"]): listen})


@attempt("refused", TERMINAL)
def submission_with_a_foreign_path(plan: Any) -> Iterable[str]:
    assignments = ("..", "...", ".receipts", "a04-segmentation*", "a99-not-there", "-rf", "inbound")
    names = [named("path", plan["me"], assignment) for assignment in assignments]
    yield from refusals(plan, dict.fromkeys([*names, "no-name-at-all"], _notebook))


@attempt("refused", TERMINAL)
def submission_that_never_ends(plan: Any) -> Iterable[str]:
    def deep(folder: Path) -> None:
        for _level in range(12):
            folder = folder / "d"
            folder.mkdir()
        _notebook(folder)

    def many(folder: Path) -> None:
        for number in range(300):
            (folder / str(number)).touch()

    huge = {named("huge", plan["me"]): lambda folder: os.truncate(_notebook(folder), 10**9)}
    yield from refusals(plan, huge | {named("deep", plan["me"]): deep, named("many", plan["me"]): many})


@attempt("own", TERMINAL)
def submission_in_anothers_name(plan: Any) -> Iterable[str]:
    """It counts as what it is: the submission of the one whose drop box it lay in."""
    answer = answer_to(plan, lay(plan, named("foreign", plan["victim"]), _notebook))
    yield "own" if answer["student"] == plan["me"] and answer["folder"].startswith(f"{plan['me']}+") else str(answer)


@attempt("now", TERMINAL)
def submission_dated_back(plan: Any) -> Iterable[str]:
    """Time in the name, in timestamp.txt and of the files, all from years ago."""

    def old(folder: Path) -> None:
        (folder / "timestamp.txt").write_text("2020-01-01 00:00:00.000000 UTC")
        for file in (_notebook(folder), folder / "timestamp.txt", folder):
            os.utime(file, (1_577_836_800, 1_577_836_800))

    began = time.time()
    answer = answer_to(plan, lay(plan, named("old", plan["me"]), old))
    when = time.mktime(time.strptime(answer["time"][:19], "%Y-%m-%d %H:%M:%S")) - time.timezone
    yield "now" if when >= began - 2 and answer["folder"].split("+")[2] == answer["time"] else str(answer)


@attempt("ENOENT EROFS EACCES", TERMINAL)
def changing_what_was_handed_in(plan: Any) -> Iterable[str]:
    answer = answer_to(plan, lay(plan, named("final", plan["me"]), _notebook))
    taken = f"{plan['class']}/received/{plan['section']}/{answer['folder']}"
    yield word(lambda: Path(taken, "segmentation.ipynb").write_text("better"))
    yield word(lambda: os.rename(taken, f"{taken}-away"))
    for file in Path(plan["exchange"], "receipts", plan["me"]).glob(f"{answer['number']}*"):
        yield word(lambda: file.write_text("better"))
        yield word(file.unlink)


@attempt("made", TERMINAL)
def forged_receipt(plan: Any) -> Iterable[str]:
    """Another's time and fingerprint over a genuine signature. The tests show it to ``course receipt``."""
    answer_to(plan, lay(plan, named("genuine", plan["me"]), _notebook))
    folder = Path(plan["exchange"], "receipts", plan["me"])
    genuine = next(file for file in folder.glob("*.json") if "refused" not in file.name)
    text = genuine.with_suffix(".txt").read_text()
    Path(plan["home"], "forged.txt").write_text(re.sub(r"(：)20\d\d-", r"\g<1>2019-", text))
    signed = json.loads(genuine.read_text())
    signed["receipt"]["time"] = "2020-01-01 00:00:00.000000 UTC"
    Path(plan["home"], "forged.json").write_text(json.dumps(signed))
    Path(plan["home"], "genuine.txt").write_text(text)
    yield "made"


# ===================================================================================== from inside: own settings


@attempt("failed", TERMINAL)
def taking_the_instructors_role(plan: Any) -> Iterable[str]:
    """The role in the environment is for the interface alone; what it stands for is not there."""
    running = []
    environment = os.environ | {"CRM_ROLE": "instructor", "CRM_SECTIONS": "crm,crm-2", "JUPYTERHUB_USER": "teacher"}
    for command in (
        ["course", "grade", "a04-segmentation"], ["course", "received", "a04-segmentation"],
        ["nbgrader", "autograde", "a04-segmentation"],
        ["python", "-c", "from course.people import read_people; from course.hub.classroom import Classroom; "
                         "print(read_people(Classroom.here())); raise SystemExit(not read_people(Classroom.here()))"],
    ):  # fmt: skip
        running.append(subprocess.Popen(command, env=environment, cwd=plan["home"], stdout=-1, stderr=-2, text=True))
    for process in running:
        said = process.communicate(timeout=240)[0]
        keep(said)
        yield "failed" if process.returncode or "0 份" in said else f"{process.args}: {said}"


PWNED = "pwned-by-student"


@attempt("laid", TERMINAL)
def own_settings_and_packages(plan: Any) -> Iterable[str]:
    """They change the own server at its next start, and nothing else. The tests start it and look."""
    home = Path(plan["home"])
    packages = home / f".local/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    mark = f"open('{plan['home']}/{PWNED}', 'a').write(str(__import__('os').getuid()) + ' ' + __name__ + chr(10))\n"
    once = f"import os\nif not os.path.exists('{plan['home']}/flooded'):\n    open('{plan['home']}/flooded', 'w').close()\n"
    flood = once + "    for _ in range(200_000):\n        print('x' * 100, flush=True)\n"
    files = {
        packages / "sitecustomize.py": mark,
        packages / "usercustomize.py": mark,
        packages / "nbgrader/__init__.py": mark,
        packages / "course/__init__.py": mark,
        home / "nbgrader_config.py": mark
        + "c = get_config()\nc.CourseDirectory.root = '/'\nc.Exchange.root = '/tmp'\n",
        home / ".jupyter/jupyter_config.py": mark + flood + "os.environ['CRM_ROLE'] = 'instructor'\nc = get_config()\n"
        "c.ServerApp.jpserver_extensions = {'nbgrader.server_extensions.formgrader': True}\n",
        home / ".jupyter/nbgrader_config.py": mark,
        home / ".ipython/profile_default/startup/00.py": mark,
        home / ".bash_profile": "export PYTHONPATH=$HOME/.local CRM_ROLE=instructor\n",
        home / ".jupyterhub/jupyterhub_config.py": mark,
        home / "jupyterhub_config.py": mark,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield "laid"


# ===================================================================================================== over HTTP


def answered(client: Any, method: str, path: str, **given: Any) -> str:
    """A request at the class's address with a user's cookies: its status. Redirections are not followed."""
    answer = client.session.request(method, f"{client.url}{path}", allow_redirects=False, timeout=120, **given)
    keep(answer.text)
    keep(dict(answer.headers))
    if answer.status_code in (301, 302, 303):
        place = urlsplit(answer.headers["Location"])
        outside = place.netloc and place.netloc != urlsplit(client.url).netloc
        return "outside" if outside else "login" if place.path in ("/hub/login", "/hub/api/oauth2/authorize") else "302"
    return str(answer.status_code)


SERVER_PATHS = (
    "lab", "tree", "api/contents", "api/contents/draft.ipynb?content=1", "files/draft.ipynb", "api/kernels",
    "api/terminals", "api/sessions", "nbconvert/html/draft.ipynb", "assignments", "terminals/websocket/1", "static/x",
)  # fmt: skip


@attempt("403 404 login 302 401", HTTP)
def anothers_server_with_own_cookies(scene: Any) -> Iterable[str]:
    for owner in ("student01", "teacher"):
        for path in SERVER_PATHS:
            yield answered(scene.student, "GET", f"/user/{owner}/{path}")
        for path in ("api/terminals", "api/kernels"):
            yield answered(scene.student, "POST", f"/user/{owner}/{path}", json={})
        yield answered(scene.student, "PUT", f"/user/{owner}/api/contents/x.txt", json={"type": "file", "content": "x"})


@attempt("403 404 login 302 401", HTTP)
def anothers_server_with_own_tokens(scene: Any) -> Iterable[str]:
    made = scene.student.hub_api("POST", "/users/student02/tokens", json={"note": "mine"}).json()["token"]
    for token in (made, scene.servers_token):
        for path in ("api/contents", "api/kernels", "files/draft.ipynb"):
            for owner in ("student01", "teacher"):
                yield answered(
                    scene.anybody(), "GET", f"/user/{owner}/{path}", headers={"Authorization": f"token {token}"}
                )
                yield answered(scene.anybody(), "GET", f"/user/{owner}/{path}?token={token}")


@attempt("403 404 login 302 401 400", HTTP)
def own_cookies_under_anothers_name(scene: Any) -> Iterable[str]:
    """The cookies are signed for the name that they carry."""
    thief = scene.anybody()
    for cookie in scene.student.session.cookies:
        for owner in ("student01", "teacher"):
            thief.session.cookies.set(
                cookie.name.replace("student02", owner), cookie.value, path=cookie.path.replace("student02", owner)
            )
            thief.session.cookies.set(f"crm-owner-{owner}", cookie.value, path=f"/user/{owner}/")
    for path in ("/user/student01/api/contents", "/user/teacher/formgrader", "/services/desk/crm/"):
        yield answered(thief, "GET", path)


@attempt("login", HTTP)
def guessed_sessions(scene: Any) -> Iterable[str]:
    thief = scene.anybody()
    forged = (
        '"2|1:0|10:1900000000|20:jupyterhub-hub-login|44:' + base64.b64encode(b"0" * 32).decode() + "|" + "0" * 64 + '"'
    )
    teachers = {cookie.name: cookie.value for cookie in scene.teacher.session.cookies}
    thief.session.cookies.set(
        "jupyterhub-session-id", teachers.get("jupyterhub-session-id", "0"), path="/"
    )  # not secret
    thief.session.cookies.set("jupyterhub-hub-login", forged, path="/hub/")
    for path in ("/hub/home", "/hub/token", "/hub/admin"):
        yield answered(thief, "GET", path)


@attempt("403 404 400 login", HTTP)
def hub_interface_with_own_session(scene: Any) -> Iterable[str]:
    for method, path, body in api_requests("student01", "student02"):
        answer = scene.student.hub_api(method, path, json=body)
        yield str(answer.status_code) if answer.status_code != 503 else f"{method} {path} {answer.text}"


@attempt("403 404 302 login 405", HTTP)
def pages_of_the_hub_for_others(scene: Any) -> Iterable[str]:
    for path in ("/hub/admin", "/hub/spawn/student01", "/hub/spawn/teacher", "/hub/user/student01/", "/hub/stop/student01",
                 "/hub/spawn-pending/student01", "/hub/metrics", "/hub/groups", "/api/routes", "/hub/accept-share?code=x",
                 "/hub/user/teacher/formgrader"):  # fmt: skip
        yield answered(scene.student, "GET", path)


@attempt("403 404 400", HTTP)
def a_second_server_under_anothers_name(scene: Any) -> Iterable[str]:
    """Named servers carry a section's name, and only staff have those."""
    for name in ("crm", "crm-2", "..", "%2e%2e%2fstudent01", "student01", "x+y"):
        yield str(scene.student.hub_api("POST", f"/users/student02/servers/{name}").status_code)


def desk_requests() -> list[tuple[str, str]]:
    do = [("POST", f"crm/a04-segmentation/do/{action}") for action in ("release", "collect", "grade", "feedback")]
    pages = ("", "crm/", "crm/jobs", "crm/marks.csv", "crm/a04-segmentation/of/student01", "crm-2/", "health")
    return [("GET", page) for page in pages] + do + [("POST", "crm/a04-segmentation/due")]


@attempt("403 login 404", HTTP)
def the_instructors_desk(scene: Any) -> Iterable[str]:
    for method, path in desk_requests():
        yield answered(scene.student, method, f"/services/desk/{path}", data={"_xsrf": "x", "confirmed": "yes"})
    answer = scene.student.session.get(f"{scene.student.url}/services/desk/")  # through the log-in of the desk
    keep(answer.text)
    yield str(answer.status_code)
    for method, path in desk_requests():
        token = scene.student.xsrf("/services/desk/")
        yield answered(
            scene.student, method, f"/services/desk/{path}", data={"_xsrf": token}, headers={"X-XSRFToken": token}
        )


def authorize(owner: str, redirect: str = "", state: str = "x") -> str:
    client = owner if owner.startswith("service") else f"jupyterhub-user-{owner}"
    place = quote(redirect or f"/user/{owner}/oauth_callback")
    return f"/hub/api/oauth2/authorize?client_id={client}&redirect_uri={place}&response_type=code&state={state}"


@attempt("403 400 404", HTTP)
def leave_for_anothers_server(scene: Any) -> Iterable[str]:
    """The hub gives a code for a server only to who may enter it, and only to its own address."""
    for owner in ("student01", "teacher", "service-desk"):
        yield answered(
            scene.student, "GET", authorize(owner, "/services/desk/oauth_callback" if owner == "service-desk" else "")
        )
    for redirect in ("https://evil.example/", "//evil.example/", "/user/student01/oauth_callback", "/hub/home"):
        yield answered(scene.student, "GET", authorize("student02", redirect))


@attempt("403", HTTP)
def the_teachers_leave_for_the_students_server(scene: Any) -> Iterable[str]:
    """A link that the teacher is talked into: no code of the teacher's comes to the student's server."""
    yield answered(scene.teacher, "GET", authorize("student02"))


@attempt("400 401 403 404 login 302 500", HTTP)
def a_code_for_the_own_server_used_elsewhere(scene: Any) -> Iterable[str]:
    answer = scene.student.session.get(f"{scene.student.url}{authorize('student02')}", allow_redirects=False)
    code = parse_qs(urlsplit(answer.headers.get("Location", "")).query).get("code", ["none"])[0]
    yield (
        "got no code"
        if code == "none"
        else answered(scene.student, "GET", f"/user/student01/oauth_callback?code={code}&state=x")
    )
    yield answered(scene.student, "GET", f"/services/desk/oauth_callback?code={code}&state=x")
    form = {"grant_type": "authorization_code", "code": code, "client_id": "jupyterhub-user-student01",
            "client_secret": scene.servers_token, "redirect_uri": "/user/student01/oauth_callback"}  # fmt: skip
    yield answered(scene.anybody(), "POST", "/hub/api/oauth2/token", data=form)


EVIL = {
    "Origin": "https://evil.example",
    "Referer": "https://evil.example/",
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "no-cors",
}


@attempt("403", HTTP)
def another_site_acts_at_the_hub(scene: Any) -> Iterable[str]:
    """With all cookies of the teacher, as a browser may send them, and without the token of a form."""
    for method, path, body in (
        ("POST", "/users/teacher/tokens", {"note": "x"}), ("POST", "/users/teacher/server", {}),
        ("DELETE", "/users/teacher/server", None), ("GET", "/users/teacher", None),
    ):  # fmt: skip
        yield answered(scene.teacher, method, f"/hub/api{path}", json=body, headers=EVIL)
    yield answered(
        scene.teacher, "POST", "/hub/password", data={"old": "a", "new": "b" * 12, "again": "b" * 12}, headers=EVIL
    )


@attempt("403", HTTP)
def another_site_acts_at_the_desk(scene: Any) -> Iterable[str]:
    scene.teacher.session.get(f"{scene.teacher.url}/services/desk/crm/")  # logged in there
    token = scene.teacher.xsrf("/services/desk/")
    for method, path in desk_requests():
        if method == "POST":
            yield answered(scene.teacher, method, f"/services/desk/{path}", data={}, headers=EVIL)
            yield answered(scene.teacher, method, f"/services/desk/{path}", data={"_xsrf": "2|0|0|0"})
            yield answered(scene.teacher, method, f"/services/desk/{path}", data={"_xsrf": token}, headers=EVIL)


@attempt("403", HTTP)
def a_token_of_forms_from_the_student(scene: Any) -> Iterable[str]:
    """The student's own ``_xsrf``, tossed into the teacher's browser, is bound to the student's session."""
    stolen = scene.student.xsrf("/hub/")
    cookies = {cookie.name: cookie.value for cookie in scene.teacher.session.cookies if cookie.path in ("/", "/hub/")}
    victim = scene.anybody()
    for name, value in (cookies | {"_xsrf": stolen}).items():
        victim.session.cookies.set(name, value, path="/hub/" if name != "jupyterhub-session-id" else "/")
    yield answered(victim, "POST", "/hub/api/users/teacher/tokens", json={}, headers={"X-XSRFToken": stolen})


@attempt("403", HTTP)
def another_site_opens_a_terminal(scene: Any) -> Iterable[str]:
    """A web socket from elsewhere to the teacher's server, with the teacher's cookies."""
    import websocket

    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in scene.teacher.session.cookies)
    place = urlsplit(scene.teacher.url).netloc
    terminal = scene.teacher.server("POST", "/api/terminals").json()["name"]
    for path in (f"terminals/websocket/{terminal}", "api/events/subscribe"):
        try:
            websocket.create_connection(
                f"ws://{place}/user/teacher/{path}", cookie=cookies, origin="https://evil.example", timeout=120
            ).close()
            yield GOT_IN
        except websocket.WebSocketBadStatusException as error:
            yield str(error.status_code)


@attempt("404 403 400 500", HTTP)
def links_in_the_home_through_the_server(scene: Any) -> Iterable[str]:
    """The Jupyter server follows a link, and stands behind the same walls as the terminal."""
    folder = scene.home / "links-http"
    folder.mkdir()
    for place, target in enumerate(scene.plan["targets"]):
        (folder / f"{place}.ipynb").symlink_to(target)
    (folder / "class").symlink_to(scene.plan["class"])
    for place in range(len(scene.plan["targets"])):
        name = f"links-http/{place}.ipynb"
        for path in (f"api/contents/{name}?content=1&type=file", f"files/{name}", f"files/{name}?download=1",
                     f"nbconvert/html/{name}", f"nbconvert/script/{name}?download=true"):  # fmt: skip
            yield answered(scene.student, "GET", f"/user/student02/{path}")
    for inner in ("secrets/people.json", "homes/student01/draft.ipynb"):
        yield answered(scene.student, "GET", f"/user/student02/api/contents/links-http/class/{inner}?content=1")
        yield answered(scene.student, "GET", f"/user/student02/files/links-http/class/{inner}")


@attempt("400 403 404 login 302 405", HTTP)
def dots_in_addresses(scene: Any) -> Iterable[str]:
    """Sent as they stand: ``requests`` would tidy them up."""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in scene.student.session.cookies)
    place = urlsplit(scene.student.url)
    for path in (
        "/user/student02/files/../student01/draft.ipynb", "/user/student02/files/%2e%2e/student01/draft.ipynb",
        "/user/student02/files/..%2fstudent01%2fdraft.ipynb", "/user/student02/files/%252e%252e/student01/draft.ipynb",
        "/user/student02/api/contents/..%2f..%2fsecrets%2fpeople.json", "/user/student02/../student01/api/contents",
        "/user/student02%2f..%2fstudent01/api/contents", "/user/student01%2f/api/contents", "/user/STUDENT01/api/contents",
        "/book/..%2f..%2f..%2fcourse.yml", "/book/../../classroom/secrets/people.json", "/book/%2e%2e/%2e%2e/course.yml",
        "/services/desk/_/..%2f..%2fapplication.py", "/services/desk/_/../handlers.py", "/hub/static/..%2f..%2f..%2fsecrets",
        "/hub/static/%2e%2e/%2e%2e/jupyterhub.sqlite", "//user//student01//api/contents", "/user/student01/..;/api",
    ):  # fmt: skip
        line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)
        line.putrequest("GET", path, skip_host=True)
        line.putheader("Host", place.netloc)
        line.putheader("Cookie", cookies)
        line.endheaders()
        answer = line.getresponse()
        keep(answer.read())
        yield str(answer.status)


@attempt("refused", HTTP)
def nbgraders_own_buttons(scene: Any) -> Iterable[str]:
    """Assignments and sections with paths for names, through the extension's interface."""
    before = _names_in(scene.home)
    for verb in ("fetch", "submit", "fetch_feedback"):
        for course, assignment in (
            ("crm", "../inbound/student01"), ("crm", "../../../../secrets"), ("../../homes", "student01"),
            ("..", "courses"), ("crm/../../courses/crm", "source"), ("crm", "/etc"),
        ):  # fmt: skip
            body = {"course_id": course, "assignment_id": assignment}
            answer = scene.student.server("POST", f"/assignments/{verb}", json=body, data=body)
            keep(answer.text)
            # The answer says nothing, for the extension lists the assignments whatever came of it; the home tells.
            found = _names_in(scene.home) - before
            yield "refused" if not found else f"{verb} {course} {assignment}: {found}"


def _names_in(folder: Path) -> set[str]:
    return {
        str(path)
        for path in folder.rglob("*")
        if not {".cache", ".ipython", ".local", PWNED, "flooded"} & set(path.parts)
    }


@attempt("sandboxed", HTTP)
def a_page_with_a_script_in_the_home(scene: Any) -> Iterable[str]:
    """Hub and servers share one origin: what a server serves of a home must not run as that origin."""
    page = "<html><script>fetch('/hub/api/user')</script></html>"
    document = json.dumps({
        "nbformat": 4, "nbformat_minor": 5, "metadata": {},
        "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": page}],
    })  # fmt: skip
    for owner, client in (("student02", scene.student), ("teacher", scene.teacher)):
        for name, text in (
            ("page.html", page),
            ("page.svg", f"<svg xmlns='http://www.w3.org/2000/svg'>{page}</svg>"),
            ("page.ipynb", document),
        ):
            client.server("PUT", f"/api/contents/{name}", json={"type": "file", "format": "text", "content": text})
        for path in ("files/page.html", "files/page.svg", "nbconvert/html/page.ipynb"):
            answer = client.session.get(f"{client.url}/user/{owner}/{path}")
            policy = answer.headers.get("Content-Security-Policy", "")
            safe = answer.status_code == 200 and "sandbox" in policy and "allow-same-origin" not in policy
            yield "sandboxed" if safe else f"{path}: {answer.status_code} {policy}"


@attempt("404", HTTP)
def a_server_of_the_students_own_making(scene: Any) -> Iterable[str]:
    """The student's server may answer what it likes: nobody else's browser gets to it, not the teacher's by a link."""
    for client in (scene.teacher, scene.neighbour, scene.anybody()):
        for path in ("", "lab", "files/page.html", "static/x", "oauth_callback?code=x&state=x"):
            yield answered(client, "GET", f"/user/student02/{path}")


@attempt("own", HTTP)
def a_link_in_place_of_the_own_socket(scene: Any) -> Iterable[str]:
    """The proxy stands outside: were the server's socket the student's to replace, it would follow a link to any other."""
    place = f"{scene.plan['runtime']}/servers/student02"
    for other in ("proxy-api.sock", "hub/hub.sock", "sockets/student01.sock"):
        for name in ("server.sock", "student02.sock"):
            scene.student.terminal(f"ln -sfn {scene.plan['runtime']}/{other} {place}/{name}")
        answer = scene.student.server("GET", "/api/status")
        yield "own" if answer.status_code == 200 and "kernels" in answer.json() else f"{other}: {answer.text[:200]}"


@attempt("same-host", HTTP)
def sent_elsewhere_after_logging_in(scene: Any) -> Iterable[str]:
    for place in (
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "///evil.example",
        "/hub/../\\evil.example",
    ):
        said = answered(scene.student, "GET", f"/hub/login?next={quote(place)}")
        yield "same-host" if said != "outside" else f"{place}: {said}"


@attempt("escaped", HTTP)
def scripts_in_names(scene: Any) -> Iterable[str]:
    """A name on the class list that is a script, as the teacher sees it at the desk."""
    for path in ("crm/", "crm/a04-segmentation/of/student04"):
        answer = scene.teacher.session.get(f"{scene.teacher.url}/services/desk/{path}")
        policy = answer.headers.get("Content-Security-Policy", "")
        shown = "&lt;script&gt;alert" in answer.text and "<script>alert" not in answer.text
        yield "escaped" if shown and "script-src 'self'" in policy else f"{path}: {answer.status_code} {policy}"


@attempt("403 429", HTTP)
def guessing_a_password(scene: Any) -> Iterable[str]:
    """Six guesses at the front door; the last one isn't looked at."""
    guesser, said = scene.anybody(name="student03"), []
    for guess in range(6):
        said.append(str(guesser.log_in(f"guess-{guess}").status_code))
    yield from (said if said[-1] == "429" else [f"never stopped: {said}"])


def run(way: str, plan: Any) -> dict[str, Any]:
    """All attempts of one way in, each with its words; and the loot."""
    found: dict[str, Any] = {}
    for known in ATTEMPTS.values():
        if way in known.through:
            began = time.monotonic()
            try:
                found[known.name] = sorted(set(known.act(plan)))
            except Exception as error:
                found[known.name] = [f"the attempt itself failed: {type(error).__name__}: {error}"]
            found.setdefault("seconds", {})[known.name] = round(time.monotonic() - began, 2)
    return found | {"loot": "\n".join(LOOT)}


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[2]).read_text())
    result = run(sys.argv[1], given)
    Path(f"{sys.argv[3]}.part").write_text(json.dumps(result))
    os.rename(f"{sys.argv[3]}.part", sys.argv[3])
