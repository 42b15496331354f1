"""What is in the way of a class is said in one sentence."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from course.hub import preflight
from crmlab.errors import CourseError


@pytest.fixture
def taken_port() -> Any:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_old_python() -> None:
    preflight.check_python((3, 11))
    with pytest.raises(CourseError, match=r"需要 Python 3\.11 .*现在是 3\.10"):
        preflight.check_python((3, 10))


@pytest.mark.parametrize("students", [0, -1, 501])
def test_number_of_students(students: int) -> None:
    with pytest.raises(CourseError, match="1 到 500"):
        preflight.check_students(students)


@pytest.mark.parametrize("students", [1, 500])
def test_number_of_students_that_fits(students: int) -> None:
    preflight.check_students(students)


def test_taken_port(taken_port: int) -> None:
    with pytest.raises(CourseError, match=f"端口 {taken_port} 已被别的程序占用"):
        preflight.check_port(taken_port)


@pytest.mark.parametrize("port", [0, 65536])
def test_port_that_is_none(port: int) -> None:
    with pytest.raises(CourseError, match="1 到 65535"):
        preflight.check_port(port)


def test_free_ports_are_free_and_different() -> None:
    ports = preflight.free_ports(3)
    assert len(set(ports)) == 3
    for port in ports:
        preflight.check_port(port)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preflight.check_disk(tmp_path)
    usage = shutil._ntuple_diskusage(10**12, 10**12, 300 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CourseError, match=r"只剩 0\.3 GB"):
        preflight.check_disk(tmp_path)


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "class").write_text("")
    with pytest.raises(CourseError, match="不能写入班级文件夹"):
        preflight.check_folder(tmp_path / "class")


def test_folder_without_permission() -> None:
    with pytest.raises(CourseError, match="不能写入班级文件夹"):
        preflight.check_folder(Path("/proc/class"))  # where even root can make no folder


def test_node_packages_are_compared_with_the_lock(tmp_path: Path) -> None:
    assert preflight.node_packages_missing(tmp_path)
    packages = {"": {}, "node_modules/a": {"version": "1"}, "node_modules/b": {"version": "2", "optional": True}}
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": packages}))
    assert preflight.node_packages_missing(tmp_path)
    installed = tmp_path / "node_modules" / ".package-lock.json"
    (tmp_path / preflight.PROXY_SCRIPT).parent.mkdir(parents=True)
    (tmp_path / preflight.PROXY_SCRIPT).touch()
    installed.write_text(json.dumps({"packages": {"node_modules/a": {"version": "1"}}}))
    assert not preflight.node_packages_missing(tmp_path)
    installed.write_text(json.dumps({"packages": {"node_modules/a": {"version": "0"}}}))
    assert preflight.node_packages_missing(tmp_path)
