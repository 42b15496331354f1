"""The hub's log: no secret reaches the disk, no other account reads it, no flood fills it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.operations.logs import LONGEST, PrivateRotatingFile, private_log, scrub, write
from tests.waiting import eventually

TOKEN = "0f9a3cbe7d214f5f8a3b7a0c1d2e3f40"


@pytest.mark.parametrize(
    "line",
    [
        f"302 GET /hub/login?next=%2Fhub%2F&token={TOKEN} (student01@127.0.0.1) 2.31ms",
        f"GET /user/student01/api/contents?token={TOKEN}&x=1",
        f"GET /hub/oauth_callback?code={TOKEN}&state=abc",
        f"Authorization: token {TOKEN}",
        f"authorization: Bearer {TOKEN}",
        f"{{'Authorization': 'token {TOKEN}', 'Accept': 'json'}}",
        f"[('Authorization', 'Basic {TOKEN}')]",
        f"Cookie: _xsrf=1; jupyterhub-session-id={TOKEN}; other={TOKEN}",
        f"set-cookie: jupyterhub-user-student01={TOKEN}; Path=/; HttpOnly",
        f"JUPYTERHUB_API_TOKEN={TOKEN}",
        f"CONFIGPROXY_AUTH_TOKEN='{TOKEN}'",
        f'{{"api_token": "{TOKEN}", "name": "student01"}}',
        f'{{"password": "{TOKEN}"}}',
        f"password={TOKEN}&username=student01",
        f"could not connect to postgresql+psycopg://teacher:{TOKEN}@db/grades",
        f"id_token={TOKEN}",
    ],
)
def test_secrets_do_not_reach_the_disk(line: str) -> None:
    assert TOKEN not in scrub(line)
    assert "[…]" in scrub(line)


@pytest.mark.parametrize(
    "line",
    [
        "[I 2026-11-22 08:00:00.000 JupyterHub log:192] 200 GET /hub/api/users/student01/server (student01) 12.3ms",
        "Spawning student01's server took 4.2 seconds; 12 tokens expired",
        "Traceback (most recent call last): ValueError: 第 3 行",
    ],
)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert scrub(line) == line


@given(st.text())
def test_no_line_makes_a_terminal_obey_or_forges_another_line(text: str) -> None:
    assert all(sign.isprintable() or sign in "\t\n" or ord(sign) > 0x9F for sign in scrub(text))
    assert "\x1b" not in scrub(text)


def test_the_log_rotates_and_is_private(tmp_path: Path) -> None:
    log = tmp_path / "hub.log"
    log.touch(mode=0o644)
    write(io.BytesIO(b"".join(b"line %06d\n" % number for number in range(2000))), log, size=5000, keep=3)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["hub.log", "hub.log.1", "hub.log.2", "hub.log.3"]
    assert all(file.stat().st_mode & 0o777 == 0o600 and file.stat().st_size <= 5000 for file in files)
    assert log.read_text().endswith("line 001999\n")


def test_a_line_without_an_end_takes_up_no_memory_and_no_disk(tmp_path: Path) -> None:
    log = tmp_path / "hub.log"
    write(io.BytesIO(b"x" * 10_000_000 + b"\nnext\n"), log)
    first, second = log.read_text().splitlines()
    assert len(first) == LONGEST
    assert second == "next"


def test_two_readers_of_one_log_lose_nothing(tmp_path: Path) -> None:
    """As while a hub is started anew: the old one's reader still has something to say."""
    import logging

    log = tmp_path / "hub.log"
    old, new = (PrivateRotatingFile(log, maxBytes=2000, backupCount=50) for _time in range(2))
    for number in range(500):
        (old, new)[number % 2].emit(logging.makeLogRecord({"msg": f"line {number}"}))
    text = "".join(file.read_text() for file in tmp_path.iterdir())
    assert sorted(text.splitlines()) == sorted(f"line {number}" for number in range(500))


def test_a_log_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "hub.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"hub\.log"):
        PrivateRotatingFile(tmp_path / "hub.log")
    assert not (tmp_path / "elsewhere").exists()


def test_the_last_words_of_the_last_writer_are_kept(tmp_path: Path) -> None:
    """The reader serves a child that outlives the program that was started."""
    log = tmp_path / "hub.log"
    script = (
        "import os, time\nif os.fork() == 0:\n    time.sleep(0.5)\n    print('last words ?token=abcdef', flush=True)"
    )
    with private_log(log) as pipe:
        subprocess.run([sys.executable, "-c", script], stdout=pipe, stderr=subprocess.STDOUT, check=True)
    eventually(lambda: log.exists() and "last words" in log.read_text())
    assert log.read_text() == "last words ?token=[…]\n"
    assert os.stat(log).st_mode & 0o777 == 0o600
