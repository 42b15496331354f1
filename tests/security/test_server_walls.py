"""A server's walls, from inside, run for real: by the superuser with accounts for students, and by an account without
rights (a user namespace in which this one has none).
"""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.sandbox.bubblewrap import BWRAP
from crmlab.paths import course_root

HELPER = textwrap.dedent("""
    import os, subprocess, sys
    from course.hub import spawner
    from course.hub.classroom import Classroom
    from course.hub.materials import write_editions
    from course.people import Person

    name, role, program = sys.argv[1:]
    classroom = Classroom.here()
    classroom.create()
    write_editions(classroom.materials)
    person = Person(name, "", role, ("crm",), 7)
    runtime = spawner.runtime_folder(name)
    account = spawner.account_of(person)
    spawner.prepare(classroom, person, runtime, account)
    command = spawner.server_command(classroom, person, runtime, account, True)
    environment = spawner.environment(classroom, person, runtime, True) | {"SECRET_OF_THIS_SERVER": name}
    sys.exit(subprocess.run([*command, sys.executable, "-c", program], env=environment).returncode)
""")
WITHOUT_RIGHTS = (str(BWRAP), "--dev-bind", "/", "/", "--unshare-user", "--uid", "1234", "--gid", "1234", "--")

Inside = Callable[..., str]


@pytest.fixture(params=[(), WITHOUT_RIGHTS], ids=["as-this-account", "without-rights"])
def inside(request: pytest.FixtureRequest, tmp_path: Path) -> Inside:
    """Run Python in somebody's server; returns what it printed. ``{class}`` in it is the class's folder."""
    folder, runtime = tmp_path / "class", tmp_path / "run"
    (runtime / "hub").mkdir(parents=True)
    known = {"CRM_CLASSROOM": str(folder), "CRM_RUNTIME_DIR": str(runtime), "CRM_CLASS_PROCESS": str(folder)}

    def run(program: str, name: str = "student01", role: str = "student", memory: int | None = None) -> str:
        environment: dict[str, Any] = os.environ | known | ({"CRM_MEMORY": str(memory)} if memory else {})
        program = textwrap.dedent(program).replace("{class}", str(folder))
        command = [*request.param, sys.executable, "-c", HELPER, name, role, program]
        done = subprocess.run(command, env=environment, cwd=course_root(), capture_output=True, text=True)
        return done.stdout + done.stderr

    return run


def test_nothing_of_the_class_is_there_but_own_folders(inside: Inside) -> None:
    inside("pass", name="student02")  # a neighbour
    found = json.loads(
        inside("""
            import json, os
            print(json.dumps(sorted(os.path.join(at, name) for at, folders, files in os.walk("{class}") for name in folders)))
        """)
    )
    names = {name.split("/class/")[1] for name in found}
    assert "homes/student01/chapters" in names
    assert {name for name in names if name.count("/") < 1} == {"exchange", "homes", "materials"}
    assert not [name for name in names if "student02" in name]
    assert not [name for name in names if name.startswith(("secrets", "hub", "courses", "received", "grading"))]


def test_own_home_drop_box_and_tmp_can_be_written_and_nothing_else(inside: Inside, tmp_path: Path) -> None:
    told = json.loads(
        inside("""
            import json, os, crmlab
            places = ["{class}/homes/student01", "{class}/exchange/crm/inbound/student01", "/tmp", "/dev/shm",
                      "{class}/exchange/crm/outbound", "{class}/exchange/crm/feedback/student01", "{class}/materials/student",
                      "{class}/exchange/crm/receipts/student01", "/etc", "/usr", "/", os.path.dirname(crmlab.__file__),
                      "{class}/homes", "{class}", os.path.dirname("{class}")]
            result = []
            for place in places:
                try:
                    open(place + "/probe", "w").close()
                    result.append(True)
                except OSError:
                    result.append(False)
            print(json.dumps(result))
        """)
    )
    assert told == [True] * 4 + [False] * 11
    written = {path.relative_to(tmp_path / "class").parent.as_posix() for path in tmp_path.rglob("probe")}
    assert written == {"homes/student01", "exchange/crm/inbound/student01"}


def test_nobody_pulls_the_ground_from_under_the_server(inside: Inside) -> None:
    """This class lies in /tmp, of which a server has its own: what leads to the class there still stays where it is."""
    told = inside("""
        import errno, os
        top = os.path.join("/tmp", "{class}".split("/")[2])
        for place in (top, "{class}", "{class}/homes/student01"):
            try:
                os.rename(place, place + "-away")
            except OSError as error:
                print(errno.errorcode[error.errno])
    """)
    first, *others = told.split()
    assert first in ("EBUSY", "EPERM"), told  # a mount; or /tmp is sticky, and its folders are the superuser's
    assert others == ["EROFS", "EROFS"], told


def test_other_processes_are_out_of_sight_and_so_is_their_environment(inside: Inside) -> None:
    told = inside("""
        import os
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                print(pid, open(f"/proc/{pid}/cmdline").read().replace(chr(0), " ")[-300:])
            except OSError:
                pass
    """)
    assert "pytest" not in told
    assert "keeper" not in told


def test_there_is_no_network_but_an_own_loopback(inside: Inside) -> None:
    told = inside("""
        import socket
        print(*(line.split()[0] for line in open("/proc/net/dev").readlines()[2:]))
        try:
            socket.create_connection(("10.0.0.1", 80), timeout=2)
        except OSError as error:
            print(type(error).__name__)
    """)
    assert told.startswith("lo:\nOSError")


@pytest.mark.parametrize("attempt", ["unshare", "mount", "ptrace"])
def test_students_make_no_namespaces_mounts_or_traces(inside: Inside, attempt: str) -> None:
    calls = {
        "unshare": "libc.unshare(0x10000000)",
        "mount": "libc.mount(b'a', b'/tmp', b'tmpfs', 0, None)",
        "ptrace": "libc.ptrace(16, 1, 0, 0)",
    }
    told = inside(
        f"import ctypes; libc = ctypes.CDLL(None, use_errno=True); print({calls[attempt]}, ctypes.get_errno())"
    )
    assert told.strip() == "-1 1"


def test_a_student_has_no_rights_and_gains_none(inside: Inside) -> None:
    told = inside("""
        import os
        status = open("/proc/self/status").read()
        print(os.getuid() != 0, "CapEff:\\t0000000000000000" in status, "NoNewPrivs:\\t1" in status)
    """)
    assert told.strip() == "True True True"


def test_who_holds_too_much_memory_is_ended_and_the_server_lives(inside: Inside) -> None:
    told = inside(
        """
        import subprocess, sys
        hog = subprocess.run([sys.executable, "-c", "x = bytearray(900 * 2**20); import time; time.sleep(60)"])
        print("hog", hog.returncode, "server lives")
        """,
        memory=512,
    )
    assert "hog -9 server lives" in told
    assert "memory limit of 512 MiB" in told


def test_staff_see_sources_and_gradebook_and_can_build_walls_inside(
    inside: Inside, request: pytest.FixtureRequest
) -> None:
    """Not where the superuser runs the class: a new /proc would be open to them."""
    told = inside(
        """
        import os, subprocess
        from autograder.sandbox.house import House, SandboxError
        from autograder.sandbox.limits import Limits
        print(sorted(os.listdir("{class}")), os.path.isdir("crm/assignments/a04-segmentation"))
        try:
            with House() as house:
                print(house.open("student", Limits()).leave() is not None)
        except SandboxError:
            print(False)
        print(subprocess.run("unshare -Urmpf mount -t proc proc /tmp", shell=True, capture_output=True).returncode == 0)
        """,
        name="teacher",
        role="instructor",
    )
    allowed = os.getuid() != 0 or request.node.callspec.id == "without-rights"
    places = "['courses', 'exchange', 'grading', 'homes', 'materials', 'received'] True"
    assert told.splitlines() == [places, str(allowed), str(allowed)]


def test_staff_do_not_see_the_machines_processes(inside: Inside) -> None:
    told = inside(
        """
        import os, subprocess
        print(len([pid for pid in os.listdir("/proc") if pid.isdigit()]) < 9)
        for command in ("ls /hidden", "umount /hidden", "unshare -Urm umount /hidden", "unshare -Urm ls /hidden/proc"):
            print(subprocess.run(command, shell=True, capture_output=True).returncode != 0)
        """,
        name="teacher",
        role="instructor",
    )
    assert told.split() == ["True"] * 5


def test_a_killed_keeper_takes_the_whole_server_along(tmp_path: Path) -> None:
    """Nothing of a server is left when its keeper is killed, not even what it started in the background."""
    mark = f"sleep {31_000_000 + os.getpid()}"
    keeper = [sys.executable, "-I", "-S", str(course_root() / "course/hub/keeper.py"), "0", "-", "--"]
    walls = [str(BWRAP), "--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/", "--proc", "/proc", "--"]
    shell = ["sh", "-c", f"setsid {mark} & echo started; wait"]
    process = subprocess.Popen([*keeper, *walls, *shell], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    assert process.stdout.readline() == b"started\n"
    process.kill()
    process.wait()
    for _attempt in range(100):
        if subprocess.run(["pgrep", "-f", mark], capture_output=True).returncode:
            break
        subprocess.run(["sleep", "0.1"])
    assert subprocess.run(["pgrep", "-f", mark], capture_output=True).returncode == 1
