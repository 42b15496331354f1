"""The files of deploy/server start what exists, name settings that are read, and forbid nothing that the walls need."""

import re
from pathlib import Path

import pytest

from course.cli import app
from course.operations import commands
from crmlab.paths import course_root

SERVER = course_root() / "deploy" / "server"
UNITS = sorted(SERVER.glob("*.service"))

FORBIDDING = {
    *("RestrictNamespaces", "PrivateUsers", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectControlGroups"),
    *("ProtectProc", "ProcSubset", "ProtectHostname", "SystemCallFilter", "MemoryDenyWriteExecute", "PrivateNetwork"),
}
"""What would keep the account from making namespaces, or a namespace from its own /proc."""


def settings(unit: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", unit.read_text("utf-8"), re.MULTILINE))


def test_the_class_runs_without_rights_and_may_build_its_walls() -> None:
    found = settings(SERVER / "crm-class.service")
    assert found["User"] == "crm"
    assert found["NoNewPrivileges"] == "yes"
    assert found["CapabilityBoundingSet"] == ""
    assert not FORBIDDING & found.keys()
    assert {"cpu", "memory", "pids"} <= set(found["Delegate"].split())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_start_commands_that_exist(unit: Path) -> None:
    known = {command.name for command in app.registered_commands}
    commands_of_operations = {"backup", "restore", "health", "upgrade"}
    program, command, *_rest = settings(unit)["ExecStart"].split()
    assert program.endswith("/.venv/bin/course")
    assert command in known | commands_of_operations


def test_every_setting_of_the_example_is_read_somewhere() -> None:
    named = re.findall(r"^#?([A-Z_]+)=", (SERVER / "crm-class.env.example").read_text("utf-8"), re.MULTILINE)
    sources = [*(course_root() / "course").rglob("*.py"), *SERVER.glob("*.service")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    assert len(named) > 5
    for name in named:
        assert re.search(rf"['\"{{]{name}['\"}}]", text), name


def test_a_web_server_in_front_lets_through_what_the_class_needs() -> None:
    nginx = (SERVER / "nginx.conf").read_text("utf-8")
    for needed in ("proxy_http_version 1.1", "Upgrade $http_upgrade", "X-Forwarded-Proto $scheme", "$http_host"):
        assert needed in nginx
    assert "proxy_add_x_forwarded_for" not in nginx
    assert "$request_uri" not in nginx.partition("log_format")[2].partition(";")[0]
    limit = re.search(r"client_max_body_size (\d+)m", nginx)
    body = re.search(r"max_size (\d+)MB", (SERVER / "Caddyfile").read_text("utf-8"))
    assert limit
    assert body
    assert limit[1] == body[1] == "64"


def test_the_four_commands_are_registered_once() -> None:
    import typer

    fresh = typer.Typer()
    commands.add_to(fresh)
    assert sorted(str(command.name) for command in fresh.registered_commands) == [
        "backup",
        "health",
        "restore",
        "upgrade",
    ]
