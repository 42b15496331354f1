"""Each wall of a room by itself, from inside; and that nothing runs where a wall is missing."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from autograder.messages import Enter, Ran, Ready, RunCell, Shown, pack, unpack
from autograder.sandbox.house import BWRAP, Deadline, House, receive
from autograder.sandbox.limits import MIB, Limits
from crmlab.paths import course_root

LIMITS = Limits(memory=256 * MIB, scratch=8 * MIB, file=4 * MIB, processes=40, cpu_seconds=20)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as house:
        yield house


@pytest.fixture
def inside(house: House) -> Iterator[Callable[[str], str]]:
    """Run code in a fresh room; what it printed, or its exception."""
    room = house.open("student", LIMITS)
    room.channel.send(pack(Enter("student01", 1, {"data/table.csv": b"a\n1\n"})))
    room.channel.receive(60)

    def run(code: str) -> str:
        room.channel.send(pack(RunCell(code, 1)))
        said = ""
        while isinstance(message := unpack(room.channel.receive(60)), Shown):
            said += str(message.output.get("text") or "")
        assert isinstance(message, Ran)
        return said + message.error

    yield run
    room.leave()


def test_who_is_inside_and_what_it_may(inside):
    status = inside("print(open('/proc/self/status').read())")
    for line in ("Uid:\t1000\t1000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert line in status


def test_only_the_rooms_own_processes_are_seen(inside):
    assert inside("import os; print(os.getpid(), [p for p in os.listdir('/proc') if p.isdigit()])") == "1 ['1']\n"
    assert inside("print(os.listdir('/host-proc'))") == "[]\n"


def test_the_course_is_read_only_and_assignments_are_not_there(inside):
    root = str(course_root())
    assert (
        inside(f"import os; print(sorted(os.listdir({root!r})))") == "['.venv', 'autograder', 'crmlab', 'datasets']\n"
    )
    for place in (f"{root}/crmlab/x", f"{root}/.venv/x", f"{root}/x", "/usr/x", "/x", "/dev/x", "/etc/x"):
        assert "Error" in inside(f"open({place!r}, 'w')"), place


def test_files_beside_the_notebook_and_a_scratch_of_its_own(inside):
    assert inside("print(open('data/table.csv').read(), open('/tmp/x', 'w').write('hi'))") == "a\n1\n 2\n"
    assert "File too large" in inside("open('big', 'wb').write(bytes(5 * 2**20))")
    full = "for k in range(9):\n    open(f'/tmp/{k}', 'wb').write(bytes(2**20))"
    assert "No space left" in inside(full)


def test_rooms_do_not_meet(house: House, inside):
    inside("open('/tmp/secret', 'w').write('mine'); open('/dev/shm/secret', 'w').write('mine')")
    other = house.open("student", LIMITS)
    other.channel.send(pack(Enter("student02", 1, {})))
    other.channel.receive(60)
    other.channel.send(pack(RunCell("import os; print('secret' in os.listdir('/tmp'), os.listdir('/dev/shm'))", 1)))
    assert unpack(other.channel.receive(60)).output["text"] == "False []\n"
    other.leave()


def test_an_interrupt_that_comes_when_the_cell_has_ended_ends_nothing(house: House):
    room = house.open("student", LIMITS)
    for order in (Enter("student01", 1, {}), RunCell("print('one')", 1), RunCell("print('two')", 2)):
        room.channel.send(pack(order))
        while not isinstance(unpack(room.channel.receive(60)), Ready | Ran):
            pass
        for _ in range(3):
            room.interrupt()
        time.sleep(0.3)
    room.channel.send(pack(RunCell("print('three')", 3)))
    assert unpack(room.channel.receive(60)).output["text"] == "three\n"
    room.leave()


@pytest.fixture
def crowded(house: House) -> Iterator[None]:
    """Every room shares one processor with four others who never rest, each with as good a claim to it."""
    rooms = psutil.Process(house._process.pid).children(recursive=True)
    place = min(os.sched_getaffinity(0))
    busy = f"import os, time\nos.sched_setaffinity(0, {{{place}}})\nwhile time.process_time() < 60: pass"
    others = [subprocess.Popen([sys.executable, "-c", busy], start_new_session=True) for _ in range(4)]
    try:
        _pin(rooms, [place])
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()
        _pin(rooms, [])


def _pin(rooms: list[psutil.Process], places: list[int]) -> None:
    for process in rooms:
        with contextlib.suppress(psutil.NoSuchProcess):  # one that just closed
            process.cpu_affinity(places)


def test_a_machine_that_is_busy_with_others_costs_a_cell_no_time(house: House, crowded):
    room = house.open("student", LIMITS)
    room.channel.send(pack(Enter("student01", 1, {})))
    receive(room.channel, Deadline(60, room))
    began = time.monotonic()
    room.channel.send(pack(RunCell("import time\nwhile time.process_time() < 1.5: pass", 1)))
    assert isinstance(unpack(receive(room.channel, Deadline(2, room))), Ran)
    assert time.monotonic() - began > 2
    room.channel.send(pack(RunCell("while True: pass", 2)))
    with pytest.raises(TimeoutError):
        receive(room.channel, Deadline(0.5, room))
    room.leave()


def test_each_room_is_a_session_so_that_none_gets_more_of_the_processors(inside):
    assert inside("import os; print(os.getsid(0))") == "1\n"


def test_no_environment_but_the_rooms_own(inside, monkeypatch):
    names = inside("import os; print(sorted(os.environ))")
    assert "CRM_STUDENT_ID" in names
    for secret in ("CRM_CLASSROOM", "CRM_DB_URL", "PYTEST", "SSH", "TOKEN"):
        assert secret not in names


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_INET6)",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\nif libc.unshare(0x10000000): raise OSError(ctypes.get_errno(), 'x')",
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\nif libc.ptrace(16, 1, 0, 0) < 0: raise OSError(ctypes.get_errno(), 'x')",
    ],
)
def test_calls_that_break_out_are_refused(inside, code):
    assert "Operation not permitted" in inside(code) or "[Errno 1]" in inside(code)


def test_processes_and_memory_are_counted(inside):
    bomb = "import os, time\nmade = 0\ntry:\n    while made < 200:\n        if os.fork() == 0:\n            time.sleep(30); os._exit(0)\n        made += 1\nexcept OSError as error:\n    print(made < 40, error)"
    assert inside(bomb).startswith("True [Errno 11]")
    assert "MemoryError" in inside("x = bytearray(400 * 2**20)")


def test_without_namespaces_nothing_runs_and_the_reason_is_told():
    """In a user namespace that forbids further ones, as hardened systems do."""
    program = (
        "from autograder.sandbox.house import House, SandboxError\nfrom autograder.sandbox.limits import Limits\n"
        "try:\n    House().open('student', Limits())\nexcept SandboxError as error:\n    print(error)"
    )
    walls = [str(BWRAP), "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--disable-userns"]
    done = subprocess.run([*walls, sys.executable, "-c", program], capture_output=True, text=True, cwd=course_root())
    assert "建不起隔离环境" in done.stdout
    assert "--trust-submissions" in done.stdout


def test_an_account_without_rights_has_the_same_walls():
    program = (
        "from autograder.sandbox.house import House\nfrom autograder.sandbox.limits import Limits\n"
        "from autograder.messages import *\nimport os\n"
        "room = House().open('student', Limits())\nroom.channel.send(pack(Enter('s', 1, {}))); room.channel.receive(60)\n"
        "room.channel.send(pack(RunCell(\"print(open('/proc/self/status').read())\", 1)))\n"
        "print(os.getuid(), unpack(room.channel.receive(60)).output['text'])"
    )
    walls = [str(BWRAP), "--dev-bind", "/", "/", "--unshare-user", "--uid", "1234", "--gid", "1234"]
    done = subprocess.run([*walls, sys.executable, "-c", program], capture_output=True, text=True, cwd=course_root())
    assert done.stdout.startswith("1234 "), done.stderr
    assert "Uid:\t1000\t1000" in done.stdout
    assert "CapEff:\t0000000000000000" in done.stdout


def test_trusted_submissions_run_without_walls_each_in_a_folder_that_goes():
    with House(walls=False) as house:
        places = []
        for _ in range(2):
            room = house.open("student", Limits())
            room.channel.send(pack(Enter("student01", 1, {"table.csv": b"a"})))
            room.channel.receive(60)
            room.channel.send(pack(RunCell("import os; print(os.getcwd(), os.listdir('.'), os.environ['HOME'])", 1)))
            place, files, home = unpack(room.channel.receive(60)).output["text"].split()
            assert (files, home) == ("['table.csv']", place.replace("work", "home"))
            places.append(Path(place))
            left = room.leave()
            assert left is not None
    assert places[0] != places[1]
    assert not any(place.exists() for place in places)
