"""``course health``: what is well with a class, what is not, and what to do about it.

Each check looks at one thing and says one sentence. A check that fails itself is told as such: it hides nothing, and
the others go on.
"""

import ctypes
import http.client
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

import psutil

from autograder.sandbox.bubblewrap import BWRAP
from course.hub import limits
from course.hub.classroom import Classroom
from course.operations import databases, usage
from course.operations.backup import last_backup
from course.operations.running import port_of
from course.operations.tls import Entrance, read_certificate
from crmlab.errors import CourseError
from crmlab.i18n import _

Level = Literal["ok", "warning", "error"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "error")

GIB = 2**30
MIB = 2**20
LAG = (60, 600)
"""Seconds that a submission may wait in its drop box: more is a warning, much more an error."""
BACKUP_AGE = (36, 7 * 24)
"""Hours since the last backup: more is a warning, much more an error."""
CERTIFICATE_DAYS = 21
RECEIVER = "course.exchange.receiver"
LOGS = 500 * MIB


@dataclass(frozen=True)
class Check:
    """What one look found. remedy: what to do, empty if nothing. details: rows (name, value) for the page."""

    name: str
    title: str
    level: Level
    says: str
    remedy: str = ""
    details: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Patient:
    """The class, and what several checks need to know of it; each is looked up once."""

    classroom: Classroom

    @cached_property
    def processes(self) -> list[psutil.Process]:
        return usage.class_processes(self.classroom)

    @cached_property
    def port(self) -> int | None:
        return port_of(self.classroom)

    @cached_property
    def settings(self) -> dict[str, str]:
        """The environment of the hub: what was set when the class was started, not here."""
        for process in self.processes:
            try:
                environment = process.environ()
            except (psutil.Error, OSError):
                continue
            if usage.USER not in environment and "CRM_PORT" in environment:
                return environment
        return dict(os.environ)

    @cached_property
    def entrance(self) -> Entrance:
        """Where the class says it is reached; its files are not checked here."""
        certificate = self.settings.get("CRM_TLS_CERT")
        host = self.settings.get("CRM_BIND") or "127.0.0.1"
        return Entrance(host, certificate=Path(certificate) if certificate else None)


# --------------------------------------------------------------------------------------------------------- machine


def disk(patient: Patient) -> Check:
    """Room on the disk of the class, and who takes most of it."""
    title, room = _("磁盘"), shutil.disk_usage(patient.classroom.folder)
    nodes = os.statvfs(patient.classroom.folder)
    share = min(room.free / room.total, nodes.f_favail / nodes.f_files if nodes.f_files else 1)
    level: Level = "error" if room.free < GIB or share < 0.03 else "warning" if share < 0.1 else "ok"
    sizes = usage.home_sizes(patient.classroom)
    details = [(user, _size(size)) for user, size in list(sizes.items())[:5]]
    says = _("还剩 {free}（{share:.0%}）；学生和教师的文件共 {used}。").format(
        free=_size(room.free), share=share, used=_size(sum(sizes.values()))
    )
    remedy = _("磁盘满了学生就存不了作业：请清理或扩大磁盘，下面列出占用最多的人。")
    return Check("disk", title, level, says, remedy if level != "ok" else "", details)


def memory(_patient: Patient) -> Check:
    now = psutil.virtual_memory()
    share = now.available / now.total
    level: Level = "error" if share < 0.05 else "warning" if share < 0.15 else "ok"
    says = _("可用 {free}，共 {total}。").format(free=_size(now.available), total=_size(now.total))
    remedy = _("内存将尽，系统会挑进程杀掉：请让不用的学生停止学习环境，或调低 CRM_MEMORY，或加内存。")
    return Check("memory", _("内存"), level, says, remedy if level != "ok" else "")


def load(_patient: Patient) -> Check:
    """Processes that want a core, on average of five minutes."""
    cores, wanting = os.cpu_count() or 1, os.getloadavg()[1]
    level: Level = "warning" if wanting > 2 * cores else "ok"
    says = _("五分钟平均负载 {load:.1f}，{cores} 个核。").format(load=wanting, cores=cores)
    return Check("load", _("负载"), level, says, _("学生会觉得慢；评分可以等到课后再做。") if level != "ok" else "")


def clock(patient: Patient) -> Check:
    """A clock that goes wrong makes submissions late, and certificates invalid."""
    title, newest = _("时钟"), _newest_event(patient.classroom)
    if newest > time.time() + 120:
        says = _("本机时钟比班级最近的记录还早 {minutes:.0f} 分钟。").format(minutes=(newest - time.time()) / 60)
        return Check("clock", title, "error", says, _("提交时间会记错：请校正时钟（timedatectl set-ntp true）。"))
    now = datetime.now().astimezone()
    if _clock_is_synchronised():
        return Check("clock", title, "ok", _("{now:%Y-%m-%d %H:%M:%S %Z}，已与时间服务器同步。").format(now=now))
    says = _("{now:%Y-%m-%d %H:%M:%S %Z}，没有与时间服务器同步。").format(now=now)
    return Check("clock", title, "warning", says, _("请开启时间同步：timedatectl set-ntp true。"))


def _newest_event(classroom: Classroom) -> float:
    files = [classroom.log, classroom.state, last_backup(classroom), classroom.hub / "jupyterhub.sqlite"]
    return max((file.stat().st_mtime for file in files if file.is_file()), default=0)


def _clock_is_synchronised() -> bool:
    """The kernel's own word (adjtimex): state 5 is "not synchronised"."""
    try:
        return 0 <= ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024)) < 5
    except (OSError, AttributeError):
        return False


def walls(patient: Patient) -> Check:
    """Whether this account may make namespaces, on which the walls between users stand."""
    title = _("隔离")
    if patient.settings.get("CRM_TRUST_USERS") == "1":
        return Check(
            "walls", title, "warning", _("课堂以 --trust-users 运行，用户之间没有隔离。"), _("只在自己的电脑上这样用。")
        )
    command = [str(BWRAP), "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if done.returncode == 0:
        return Check("walls", title, "ok", _("用户命名空间可用，每位用户的学习环境各自隔离。"))
    says = _("系统不允许用户命名空间（{reason}）。").format(reason=done.stderr.strip()[:120])
    return Check(
        "walls", title, "error", says, _("没有它不能开班也不能评分；怎样允许，见《管理一个班》的“用户命名空间”一节。")
    )


def groups(patient: Patient) -> Check:
    """Whether the kernel keeps each server's limits, or the class itself does."""
    title = _("资源限制")
    if _may_divide(patient):
        return Check("groups", title, "ok", _("内存、进程和 CPU 由内核按人限制（cgroup v2）。"))
    says = _("账号不能划分控制组，内存由课堂自己看管，进程逐个设限。")
    if not Path("/run/systemd/system").is_dir():
        return Check("groups", title, "ok", says)  # a container, say: nothing here could change that
    return Check("groups", title, "warning", says, _("用 systemd 启动课堂（单元里有 Delegate=yes），就由内核来管。"))


def _may_divide(patient: Patient) -> bool:
    """Asked of the class's own processes: this one may live in another group."""
    for process in patient.processes:
        try:
            lines = Path(f"/proc/{process.pid}/cgroup").read_text("utf-8").splitlines()
        except OSError:
            continue
        places = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
        if places and limits.can_divide(Path("/sys/fs/cgroup") / places[0]):
            return True
    return limits.own_group() is not None


# ----------------------------------------------------------------------------------------------------- the service


def hub(patient: Patient) -> Check:
    """Proxy and hub, asked as a browser asks."""
    title, restart = _("网站"), _("请看 hub/hub.log 的最后几行，再重新启动课堂。")
    if patient.port is None:
        return Check(
            "hub", title, "warning", _("课堂没有在运行。"), _("要开门，请运行 course up 或 systemctl start crm-class。")
        )
    if not patient.port:
        return Check("hub", title, "warning", _("课堂正在启动或停止。"), _("请稍等片刻再看。"))
    url = patient.entrance.local_url(patient.port)
    began = time.monotonic()
    answer = _status(url + "hub/health")
    seconds = time.monotonic() - began
    if answer == 0:
        return Check("hub", title, "error", _("入口 {url} 没有回应。").format(url=url), restart)
    if answer != 200:
        return Check("hub", title, "error", _("入口在，JupyterHub 没有回应（{code}）。").format(code=answer), restart)
    says = _("入口和 JupyterHub 都正常，{milliseconds:.0f} 毫秒回应。").format(milliseconds=1000 * seconds)
    if seconds > 5:
        return Check("hub", title, "warning", says, _("回应太慢：请看负载和内存。"))
    return Check("hub", title, "ok", says)


def _status(url: str) -> int:
    """The HTTP status at an address of this machine; 0 if nobody answers. The certificate has its own check."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    try:
        with ask.open(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def servers(patient: Patient) -> Check:
    running = usage.servers(patient.processes)
    says = _("{count} 个在运行，共用内存 {memory}。").format(
        count=len(running), memory=_size(sum(server.memory for server in running))
    )
    return Check("servers", _("学习环境"), "ok", says, "", [(one.user, _size(one.memory)) for one in running[:10]])


def certificate(patient: Patient) -> Check:
    title, file = _("证书"), patient.entrance.certificate
    if file is None:
        return Check("certificate", title, "ok", _("没有自己的证书：只在本机使用，或由前面的网页服务器提供 HTTPS。"))
    ends = read_certificate(file).not_valid_after_utc
    days = (ends - datetime.now(UTC)).days
    level: Level = "error" if days < 0 else "warning" if days < CERTIFICATE_DAYS else "ok"
    says = _("{file} 有效到 {date:%Y-%m-%d}（{days} 天）。").format(file=file, date=ends, days=days)
    return Check("certificate", title, level, says, _("请换上新证书，再重新启动课堂。") if level != "ok" else "")


# ---------------------------------------------------------------------------------------------------------- the work


def submissions(patient: Patient) -> Check:
    """What waits in the drop boxes, for how long, and whether somebody is there to take it in."""
    title, waiting = _("收作业"), _waiting(patient.classroom)
    if patient.port and not any(RECEIVER in _command(process) for process in patient.processes):
        says = _("收作业的程序没有在运行，投递箱里等着 {count} 份。").format(count=len(waiting))
        return Check("submissions", title, "error", says, _("作业没有丢：请重新启动课堂，或运行 course collect。"))
    if not waiting:
        return Check("submissions", title, "ok", _("投递箱里没有等着收的作业。"))
    oldest = max(waiting.values())
    level: Level = "error" if oldest > LAG[1] else "warning" if oldest > LAG[0] else "ok"
    says = _("{count} 份提交等着收，最久的等了 {seconds:.0f} 秒。").format(count=len(waiting), seconds=oldest)
    remedy = _("作业没有丢，提交时间也不变：请重新启动课堂，或对那份作业运行 course collect。")
    rows = [(name, _("{seconds:.0f} 秒").format(seconds=seconds)) for name, seconds in sorted(waiting.items())[:10]]
    return Check("submissions", title, level, says, remedy if level != "ok" else "", rows if level != "ok" else [])


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.Error, OSError):
        return []


def _waiting(classroom: Classroom) -> dict[str, float]:
    """Seconds since each submission came that lies in a drop box. What is still being sent is hidden."""
    from course.exchange.boxes import waiting

    found: dict[str, float] = {}
    for section in classroom.sections():
        for student, name in waiting(classroom.of(section)):
            try:
                came = os.lstat(classroom.of(section).drop_box(student) / name).st_ctime
            except OSError:
                continue  # taken in meanwhile
            found[f"{section}/{student}"] = max(time.time() - came, found.get(f"{section}/{student}", 0))
    return found


def gradebooks(patient: Patient) -> Check:
    title, troubles, sound = _("成绩册"), [], 0
    for section in patient.classroom.sections():
        trouble = _trouble_of_gradebook(patient.classroom.of(section))
        sound += trouble is None
        troubles += [(section, trouble)] if trouble else []
    if not troubles:
        return Check("gradebooks", title, "ok", _("{count} 个教学班的成绩册都完好。").format(count=sound))
    says = _("{sections} 的成绩册有问题：{trouble}").format(
        sections=_("、").join(section for section, _trouble in troubles), trouble=troubles[0][1]
    )
    remedy = _("请先停止课堂、做一次备份；损坏的成绩册可以从上一份备份恢复，再运行 course grade 补写成绩。")
    return Check("gradebooks", title, "error", says, remedy, troubles)


def _trouble_of_gradebook(classroom: Classroom) -> str | None:
    if classroom.db_url.startswith("sqlite:///"):
        file = Path(classroom.db_url.removeprefix("sqlite:///"))
        return databases.damage(file) if file.is_file() else None  # before the first release there is none
    import sqlalchemy as sa

    engine = sa.create_engine(classroom.db_url, connect_args={"connect_timeout": 10}, poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        return type(error).__name__  # its text may hold the address and the password
    return None


def backups(patient: Patient) -> Check:
    title, do = _("备份"), _("请运行 course backup，并让它每天自动做（deploy/server 里有现成的定时器）。")
    try:
        note = json.loads(last_backup(patient.classroom).read_text("utf-8"))
        made = datetime.fromisoformat(note["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return Check("backups", title, "warning", _("还没有备份过。"), do)
    hours = (datetime.now(UTC) - made).total_seconds() / 3600
    level: Level = "error" if hours > BACKUP_AGE[1] else "warning" if hours > BACKUP_AGE[0] else "ok"
    says = _("最近一次在 {hours:.0f} 小时前，{size}，存于 {path}。").format(
        hours=hours, size=_size(note.get("size", 0)), path=note.get("path", "")
    )
    if level == "ok" and note.get("left_out"):
        return Check(
            "backups",
            title,
            "warning",
            says,
            _("有 {count} 个文件没能读到：请手动备份一次，看看是哪些。").format(count=note["left_out"]),
        )
    return Check("backups", title, level, says, do if level != "ok" else "")


def logs(patient: Patient) -> Check:
    total = sum(file.stat().st_size for file in patient.classroom.hub.glob("*.log*") if file.is_file())
    level: Level = "warning" if total > LOGS else "ok"
    says = _("日志共 {size}。").format(size=_size(total))
    return Check(
        "logs", _("日志"), level, says, _("日志本应自动轮换：请删除 hub/ 里旧的 hub.log.*。") if level != "ok" else ""
    )


ALL: tuple[Callable[[Patient], Check], ...] = (
    hub,
    servers,
    submissions,
    gradebooks,
    backups,
    disk,
    memory,
    load,
    walls,
    groups,
    certificate,
    clock,
    logs,
)


# ------------------------------------------------------------------------------------------------------------- all


def examine(classroom: Classroom) -> list[Check]:
    """All checks.

    :raises CourseError: if there is no class.
    """
    if not classroom.hub.is_dir():
        raise CourseError(_("{folder} 里没有班级；请先运行 course up。").format(folder=classroom.folder))
    return list(_examined(Patient(classroom)))


def _examined(patient: Patient) -> Iterator[Check]:
    for check in ALL:
        try:
            yield check(patient)
        except Exception as error:  # a broken check is a finding, and no reason to keep the others from looking
            says = _("这项检查自己出了错（{kind}：{reason}）。").format(kind=type(error).__name__, reason=error)
            yield Check(check.__name__, check.__name__, "error", says, _("请把它报告给课程的维护者。"))


def worst(checks: list[Check]) -> Level:
    return max((check.level for check in checks), key=LEVELS.index, default="ok")


def as_json(checks: list[Check]) -> str:
    """For monitors: ``{"level", "time", "checks": [...]}``."""
    report = {
        "level": worst(checks),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "checks": [asdict(check) for check in checks],
    }
    return json.dumps(report, ensure_ascii=False, indent=1)


def _size(number: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit in ("B", "KB") else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TB"
