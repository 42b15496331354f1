"""One submission, graded: the student's cells in one room, the tests in another, and this process between them.

The tests begin after the student's last word. At the place of each test the student's room hands over the answers as
they stand there, sealed; what a test asks, and the arguments with which it calls a student's function, can therefore
not find their way into anything that the student gets to see. This process opens no answer and runs no cell.
"""

import contextlib
import hashlib
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from autograder import outputs, submission
from autograder.contract import STUBS, Cell, Role, Source
from autograder.messages import (
    Answers,
    Ask,
    Call,
    Enter,
    Message,
    Outcome,
    Ran,
    Ready,
    RunCell,
    RunGiven,
    RunTest,
    Shown,
    Verdict,
    pack,
    unpack,
    unpack_from_student,
)
from autograder.records import CellRun, CellStatus, Fingerprint, Record, TestRun
from autograder.sandbox.channel import Channel, ChannelClosedError, MisbehavedError
from autograder.sandbox.house import Deadline, House, Room, receive
from autograder.sandbox.limits import MIB, Limits
from autograder.sandbox.room import Leaving
from crmlab.i18n import _

JUDGE_LIMITS = Limits(cell_seconds=60, seconds=600, cpu_seconds=600, memory=4096 * MIB)
MOST_SHOWN = 64 * MIB
"""Bytes that a room may say in all; honest rooms cut off far below."""
NONSENSE = (MisbehavedError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading a message raises that no honest room sends."""
_ENTER_SECONDS, _INTERRUPT_SECONDS = 60, 2


class HouseError(Exception):
    """A room broke down for reasons of the machine, not of the submission: grade it again."""


@dataclass(frozen=True)
class Job:
    """What one grading needs; travels to other machines.

    Attributes:
        content: bytes of the student's notebook, None if it could not be taken; ``findings`` then say why.
        files: what lies beside the notebook, by relative path.
    """

    assignment: str
    student: str
    source: Source
    content: bytes | None
    findings: tuple[str, ...]
    files: Mapping[str, bytes]
    submitted: str
    made_from: Fingerprint
    limits: Limits


@dataclass
class _Run:
    """What is gathered while a submission runs."""

    findings: list[str]
    look: list[str] = field(default_factory=list)
    cells: list[CellRun] = field(default_factory=list)
    tests: list[TestRun] = field(default_factory=list)
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    handed: dict[str, dict[str, bytes]] = field(default_factory=dict)  # by cell that asks
    lines: dict[str, Channel] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    memory_mib: float = 0.0
    patient: bool = True


def grade(job: Job, house: House, patient: bool = True) -> Record:
    """Run and judge one submission.

    Args:
        patient: blame the machine if it kills a room, and raise. Else blame the submission: one that makes the
            machine kill its room again and again must not get away without a score.

    Raises:
        SandboxError: the walls can't be built here.
        HouseError: the sandbox broke down; nothing is known about the submission.
    """
    started = time.monotonic()
    run = _Run(list(job.findings), patient=patient)
    rebuilt = _rebuilt(job, run)
    student = _StudentsPart(job, house, run)
    try:
        if job.content is not None:
            student.play(rebuilt)
        _JudgesPart(job, house, run, student.room).play()
    finally:
        student.leave()
    _mark_untouched(rebuilt, run)
    document = submission.document(rebuilt, job.source, run.outputs, run.counts)
    return Record(
        assignment=job.assignment,
        student=job.student,
        notebook=job.source.notebook,
        made_from=job.made_from,
        submitted=job.submitted,
        graded=datetime.now(UTC).isoformat(timespec="seconds"),
        findings=run.findings,
        look=run.look,
        cells=run.cells,
        tests=run.tests,
        seconds=round(time.monotonic() - started, 3),
        cpu_seconds=round(run.cpu_seconds, 3),
        memory_mib=round(run.memory_mib, 1),
        document=document,
    )


def _rebuilt(job: Job, run: _Run) -> submission.Rebuilt:
    """The notebook to grade. A file that can't be read gives the instructor's cells with nothing in the slots."""
    handed_in = submission.Submission(())
    if job.content is None:
        run.look.append(_("提交的文件读不出来，没有运行，各题暂记 0 分。"))
    else:
        try:
            handed_in = submission.read(job.content)
        except submission.UnreadableSubmission as error:
            run.findings.append(str(error))
            run.look.append(_("提交的文件读不出来，没有运行，各题暂记 0 分。"))
    rebuilt = submission.rebuild(job.source, handed_in, STUBS)
    if handed_in.pieces:
        run.findings += [*handed_in.findings, *rebuilt.findings]
        if not _any_slot_filled(rebuilt):
            run.look.append(_("所有作答单元格都是空的，学生自己的单元格里却有代码：请看看是不是换编辑器时丢了标记。"))
    return rebuilt


def _any_slot_filled(rebuilt: submission.Rebuilt) -> bool:
    """False only if work is there but in no slot."""
    slots = [cell for cell in rebuilt.cells if cell.role in (Role.SOLUTION, Role.MANUAL)]
    own = [cell for cell in rebuilt.cells if cell.role is None and cell.kind == "code" and cell.source.strip()]
    return any(cell.source.strip() for cell in slots) or not own


def _mark_untouched(rebuilt: submission.Rebuilt, run: _Run) -> None:
    """Say which tasks were not answered; a stub's own error message is no finding."""
    names = [cell.id for cell in rebuilt.cells if cell.id in rebuilt.untouched]
    if names:
        run.findings.append(_("没有作答的单元格：{names}。").format(names=_("、").join(names)))


def seed_of(student: str, assignment: str) -> int:
    """The seed of chance in a student's room: grading again gives the same."""
    return int.from_bytes(hashlib.sha256(f"{assignment}\n{student}".encode()).digest()[:8], "big")


def _enter(room: Room, job: Job, files: Mapping[str, bytes]) -> None:
    try:
        room.channel.send(pack(Enter(job.student, seed_of(job.student, job.assignment), dict(files))))
        if not isinstance(unpack(receive(room.channel, Deadline(_ENTER_SECONDS, room))), Ready):
            raise HouseError(_("隔离环境没有准备好。"))
    except (ChannelClosedError, TimeoutError) as error:
        room.leave()
        raise HouseError(_("隔离环境没有打开。")) from error


def _killed_from_outside(left: Leaving | None, limits: Limits) -> bool:
    """Whether the machine ended a room: its doorkeeper is gone, or neither he nor the limit of CPU time killed it.

    Code in the room can't: process 1 of a PID namespace does not hear SIGKILL from inside.
    """
    if left is None:
        return True
    return left.code == -signal.SIGKILL and not left.reason and left.cpu_seconds < limits.cpu_seconds - 1


# ------------------------------------------------------------------------------------------- the student's part


class _SilencedError(Exception):
    """The student's room is closed: nothing more is to be had from it."""

    def __init__(self, status: CellStatus, note: str) -> None:
        self.status, self.note = status, note


class _StudentsPart:
    """Runs the student's cells and gathers outputs and answers. Everything received here is hostile."""

    def __init__(self, job: Job, house: House, run: _Run) -> None:
        self._job, self._house, self._run = job, house, run
        self.room: Room | None = None
        self._end: Deadline
        self._said = 0
        self._silent = ""

    def play(self, rebuilt: submission.Rebuilt) -> None:
        self.room = self._house.open("student", self._job.limits)
        _enter(self.room, self._job, self._job.files)
        self._end = Deadline(self._job.limits.seconds, self.room)
        number = 0
        for cell in rebuilt.cells:
            if cell.cell is not None and cell.cell.asks:
                self._collect(cell.cell)
            if cell.kind == "code" and cell.role is not Role.TEST and cell.source.strip():
                number += 1
                self._run.counts[cell.id] = number
                self._run.cells.append(self._run_cell(cell, number))
        if not self._run.lines:
            self.leave()

    def leave(self) -> None:
        """Close the room; functions can no longer be called."""
        for line in self._run.lines.values():
            line.close()
        if self.room is None:
            return
        left, self.room = self.room.leave(), None
        if left is None:
            return
        self._run.cpu_seconds += left.cpu_seconds
        self._run.memory_mib = max(self._run.memory_mib, left.memory_mib)
        if left.reason == "memory":
            limit = self._job.limits.memory // MIB
            self._run.findings.append(_("运行时占用的内存超过 {limit} MiB，已中止。").format(limit=limit))

    def _run_cell(self, cell: submission.RebuiltCell, number: int) -> CellRun:
        if self._silent:
            return CellRun(cell.id, 0.0, "not run", self._silent)
        started = time.monotonic()
        try:
            status, note = self._perform(cell.id, RunCell(cell.source, number))
        except _SilencedError as silenced:
            status, note = silenced.status, silenced.note
            self._silent = _("前面的单元格 {cell} 结束了运行").format(cell=cell.id)
            self._run.findings.append(
                _("单元格 {cell}：{note}它之后的单元格没有运行。").format(cell=cell.id, note=note)
            )
            self._show(cell.id, {"output_type": "error", "ename": status, "evalue": note, "traceback": [note]})
        return CellRun(cell.id, round(time.monotonic() - started, 3), status, note[:500])

    def _perform(self, cell: str, order: RunCell) -> tuple[CellStatus, str]:
        """Send the order; read what is shown until the cell has ended, been interrupted, or taken the room along."""
        assert self.room is not None
        self._tell(order)
        status: CellStatus = "ok"
        try:
            error = self._watch(cell, self._job.limits.cell_seconds)
        except TimeoutError:
            if self._end.left() <= 0:
                self._close()
                note = _("整份作业运行超过 {seconds:g} 秒，已中止。").format(seconds=self._job.limits.seconds)
                raise _SilencedError("timeout", note) from None
            status = "timeout"
            note = _("运行超过 {seconds:g} 秒，已中断；请检查是否有死循环。").format(
                seconds=self._job.limits.cell_seconds
            )
            self._wait_out(cell, note)
            self._run.findings.append(_("单元格 {cell}：{note}").format(cell=cell, note=note))
            return status, note
        return ("error", error) if error else (status, "")

    def _wait_out(self, cell: str, note: str) -> None:
        """Interrupt the cell until it has ended. Once is not enough: an ``except`` on the way may swallow it."""
        assert self.room is not None
        grace = Deadline(self._job.limits.grace_seconds, self.room)
        while (left := grace.left()) > 0:
            self.room.interrupt()
            with contextlib.suppress(TimeoutError):
                self._watch(cell, min(left, _INTERRUPT_SECONDS))
                return
        self._close()
        raise _SilencedError("timeout", note)

    def _watch(self, cell: str, seconds: float) -> str:
        assert self.room is not None
        deadline = Deadline(seconds, self.room)
        while True:
            message = self._hear(deadline, self._end)
            if isinstance(message, Shown):
                self._show(cell, message.output)
            elif isinstance(message, Ran):
                return outputs.plain(message.error[:500])
            else:
                self._betray()

    def _collect(self, cell: Cell) -> None:
        """Take the answers that ``cell`` may ask for, as they stand here."""
        if self._silent:
            return
        line, end = Channel.pair()
        try:
            with end:
                self._tell(Ask(cell.asks), end.fileno())
            assert self.room is not None
            deadline = Deadline(self._job.limits.cell_seconds, self.room)
            message = self._hear(deadline)
            while isinstance(message, Shown):  # a thread of the student's that goes on printing
                message = self._hear(deadline)
            if not isinstance(message, Answers):
                self._betray()
            self._run.handed[cell.id] = {name: data for name, data in message.sealed.items() if name in cell.asks}
            if message.calls:
                self._run.lines[cell.id] = line
        except TimeoutError:
            self._close()
            self._go_silent(cell, _("交出答案的时间太长。"))
        except _SilencedError as silenced:
            self._go_silent(cell, silenced.note)
        finally:
            if cell.id not in self._run.lines:
                line.close()

    def _go_silent(self, cell: Cell, note: str) -> None:
        self._silent = _("交答案给 {cell} 时结束了运行").format(cell=cell.id)
        self._run.findings.append(_("检查 {cell} 之前：{note}").format(cell=cell.id, note=note))

    def _tell(self, message: Message, descriptor: int | None = None) -> None:
        assert self.room is not None
        try:
            self.room.channel.send(pack(message), descriptor, timeout=self._job.limits.cell_seconds)
        except (ChannelClosedError, TimeoutError):
            self._died()

    def _hear(self, *deadlines: Deadline) -> Any:
        assert self.room is not None
        try:
            data = receive(self.room.channel, *deadlines)
            self._said += len(data)
            if self._said > MOST_SHOWN:
                self._betray()
            return unpack_from_student(data)
        except ChannelClosedError:
            return self._died()
        except NONSENSE:
            return self._betray()

    def _show(self, cell: str, output: dict[str, Any]) -> None:
        shown = self._run.outputs.setdefault(cell, [])
        if output.get("output_type") == "clear_output":
            shown.clear()
            return
        kept = outputs.clean(output)
        if kept is None:
            return
        last = shown[-1] if shown else None
        if last and kept["output_type"] == last["output_type"] == "stream" and kept["name"] == last["name"]:
            if len(last["text"]) < 2 * self._job.limits.output:  # an honest room cuts it off itself
                last["text"] += kept["text"]
        elif len(shown) < 500:
            shown.append(kept)

    def _died(self) -> Any:
        assert self.room is not None
        left = self.room.leave(patience=1)
        if self._run.patient and _killed_from_outside(left, self._job.limits):
            raise HouseError(_("学生代码的进程被系统杀死了。"))
        if left is not None and left.reason == "memory":
            raise _SilencedError("died", _("占用的内存太多，已中止。"))
        raise _SilencedError("died", _("Python 进程自己退出了（如 os._exit、崩溃或超过 CPU 时间）。"))

    def _betray(self) -> Any:
        self._close()
        raise _SilencedError("died", _("运行的代码改动了评分通道，已中止。"))

    def _close(self) -> None:
        assert self.room is not None
        self.room.leave()


# --------------------------------------------------------------------------------------------- the judge's part


class _BrokenError(Exception):
    """The judge's room ended in the middle of a cell."""

    def __init__(self, cell: Cell, note: str) -> None:
        self.cell, self.note = cell, note


class _JudgesPart:
    """Runs the instructor's cells on the answers. The room is trusted; what it is given to open is not."""

    def __init__(self, job: Job, house: House, run: _Run, students_room: Room | None) -> None:
        self._job, self._house, self._run, self._students_room = job, house, run, students_room
        self._broken: dict[str, str] = {}

    def play(self) -> None:
        """Judge all tests. A test that breaks the room (an answer of a million columns …) is judged without answers."""
        for _attempt in range(len(self._job.source.tests) + 1):  # each attempt loses a test, or is the last
            try:
                self._play_once()
                return
            except _BrokenError as broken:
                if broken.cell.id in self._broken or broken.cell.role is not Role.TEST:
                    break
                self._broken[broken.cell.id] = broken.note
        raise HouseError(_("评分测试没有运行完。"))

    def _play_once(self) -> None:
        self._run.tests = []
        room = self._house.open("judge", JUDGE_LIMITS)
        try:
            _enter(room, self._job, self._job.files)
            for cell in self._job.source.cells:
                if cell.trusted:
                    self._run_cell(room, cell)
        finally:
            left = room.leave()
            self._run.cpu_seconds += left.cpu_seconds if left else 0.0
        for test in self._run.tests:
            if test.fault:
                self._run.look.append(_("{cell}：{fault}").format(cell=test.cell, fault=test.fault))

    def _run_cell(self, room: Room, cell: Cell) -> None:
        started = time.monotonic()
        answers = {} if cell.id in self._broken else self._run.handed.get(cell.id, {})
        common = (cell.source, cell.forgets, cell.asks, answers)
        if cell.role is not Role.TEST:
            said = self._ask(room, cell, RunGiven(*common))
            if not isinstance(said, Ran) or (said.error and not cell.asks):
                raise HouseError(_("题目给出的单元格 {cell} 报错：{said}").format(cell=cell.id, said=said))
            return
        verdict = self._ask(room, cell, RunTest(*common, cell.points))
        if not isinstance(verdict, Verdict):
            raise HouseError(_("评分测试没有运行完。"))
        verdict = _legible(verdict)
        fault = self._broken.get(cell.id) or verdict.fault
        score = 0.0 if cell.id in self._broken else verdict.score
        seconds = round(time.monotonic() - started, 3)
        self._run.tests.append(
            TestRun(
                cell.id,
                cell.points,
                score,
                seconds,
                verdict.answers,
                verdict.told,
                verdict.parts,
                verdict.stopped,
                fault,
            )
        )
        self._run.outputs[cell.id] = _shown(verdict, score)

    def _ask(self, room: Room, cell: Cell, order: Message) -> Message:
        """Have the judge run a cell, carrying its calls to the student's functions and back."""
        deadline = Deadline(JUDGE_LIMITS.cell_seconds, room, *filter(None, [self._students_room]))
        try:
            room.channel.send(pack(order), timeout=JUDGE_LIMITS.cell_seconds)
            while True:
                said = unpack(receive(room.channel, deadline))
                if not isinstance(said, Call):
                    return said
                room.channel.send(pack(Outcome(self._call(cell, said))), timeout=JUDGE_LIMITS.cell_seconds)
        except TimeoutError:
            raise _BrokenError(
                cell, _("检查这个答案用了超过 {seconds:g} 秒。").format(seconds=JUDGE_LIMITS.cell_seconds)
            ) from None
        except ChannelClosedError:
            if self._run.patient and _killed_from_outside(room.leave(patience=1), JUDGE_LIMITS):
                raise HouseError(_("评分进程被系统杀死了。")) from None
            raise _BrokenError(cell, _("检查这个答案时评分进程意外结束。")) from None

    def _call(self, cell: Cell, call: Call) -> bytes:
        """What a student's function gives; empty if it doesn't answer in time, and then never again."""
        line = self._run.lines.get(cell.id)
        if line is None or self._students_room is None:
            return b""
        try:
            line.send(pack(call), timeout=self._job.limits.cell_seconds)
            deadline = Deadline(self._job.limits.cell_seconds, self._students_room)
            answer = unpack_from_student(receive(line, deadline))
            if isinstance(answer, Outcome):
                return answer.sealed
        except (ChannelClosedError, TimeoutError, *NONSENSE):
            pass
        line.close()
        del self._run.lines[cell.id]
        return b""


def _legible(verdict: Verdict) -> Verdict:
    """Sentences of a verdict may quote names that a student chose."""
    texts = {name: outputs.plain(getattr(verdict, name)) for name in ("told", "stopped", "fault")}
    answers = {name: outputs.plain(what) for name, what in verdict.answers.items()}
    return msgspec.structs.replace(verdict, answers=answers, **texts)


def _shown(verdict: Verdict, score: float) -> list[dict[str, Any]]:
    """The test's output in the executed notebook: what the student reads, and the score as nbgrader reads it."""
    if verdict.stopped:
        name = _("检查没有通过")
        return [{"output_type": "error", "ename": name, "evalue": verdict.told, "traceback": [verdict.told]}]
    told = [{"output_type": "stream", "name": "stdout", "text": verdict.told}] if verdict.told else []
    value = {"text/plain": f"{score:g}"}
    return [*told, {"output_type": "execute_result", "data": value, "metadata": {}, "execution_count": None}]
