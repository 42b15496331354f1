"""The student's room: runs a student's cells as Jupyter would, and hands over answers.

Nothing said here is believed: outputs are pictures of what a student saw, answers are claims that the judge checks.
"""

import base64
import io
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from autograder import wire
from autograder.messages import Answers, Ask, Call, Enter, Message, Outcome, Ran, Ready, RunCell, Shown, pack, unpack
from autograder.sandbox.channel import Channel, ChannelClosedError
from autograder.sandbox.limits import Limits
from autograder.sandbox.room import run_and_end
from autograder.wire.names import clean
from crmlab.i18n import _

STUDENT_VARIABLE = "CRM_STUDENT_ID"
"""Read by :func:`crmlab.data.student_id`."""
_CHUNK = 16 * 1024


class Shell(InteractiveShell):
    """IPython as in a notebook, without history and without a terminal."""

    def system(self, cmd: str) -> None:
        """``!command``: what it prints is shown; no terminal is needed."""
        command = self.var_expand(cmd, depth=1)
        with subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                sys.stdout.write(line)
        self.user_ns["_exit_code"] = process.returncode

    def enable_gui(self, gui: Any = None) -> None:
        """There is no event loop."""

    def init_readline(self) -> None:
        """There is no keyboard."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        name = str(getattr(etype, "__name__", etype))
        screen().show(
            {
                "output_type": "error",
                "ename": name,
                "evalue": _text(evalue),
                "traceback": [clean(line, 10_000) for line in stb],
            }
        )


def _text(value: Any) -> str:
    try:
        return clean(str(value))
    except Exception as error:
        return f"<{type(error).__name__}>"


class Hook(DisplayHook):
    """Shows the value of a cell's last expression."""

    _data: dict[str, Any]

    def start_displayhook(self) -> None:
        pass

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self._data = format_dict

    def finish_displayhook(self) -> None:
        screen().show(
            {
                "output_type": "execute_result",
                "data": self._data,
                "execution_count": self.prompt_count,
            }
        )


class Publisher(DisplayPublisher):
    """Shows what ``display`` is given: figures, tables, pictures."""

    def publish(self, data: Any, metadata: Any = None, *_source: Any, **_more: Any) -> None:
        screen().show({"output_type": "display_data", "data": data})

    def clear_output(self, wait: bool = False) -> None:
        screen().clear()


class Screen:
    """What a cell shows, sent on as it appears, cut off at the limits."""

    def __init__(self, channel: Channel, limits: Limits) -> None:
        self._channel, self._limits = channel, limits
        self._left = 4 * limits.pictures
        self.start()

    def start(self) -> None:
        self._text_left, self._pictures_left = self._limits.output, self._limits.pictures
        self._stream, self._size = "stdout", 0
        self._waiting: list[str] = []

    def write(self, stream: str, text: str) -> None:
        """Text of a stream; neighbours are sent as one."""
        if not text or self._text_left < 0:
            return
        if stream != self._stream:
            self.flush()
            self._stream = stream
        kept = clean(text, self._text_left)
        self._text_left -= len(text)
        if self._text_left < 0:
            kept += "\n" + _("……（输出太长，后面的部分没有保留）") + "\n"
            self._text_left = -1
        self._waiting.append(kept)
        self._size += len(kept)
        if self._size > _CHUNK:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            text, self._waiting, self._size = "".join(self._waiting), [], 0
            self._send({"output_type": "stream", "name": self._stream, "text": text})

    def show(self, output: dict[str, Any]) -> None:
        """An output that is no stream; too big a picture is replaced by a word about it."""
        self.flush()
        if "data" in output:
            output["data"] = {str(kind): _as_text(value) for kind, value in output["data"].items() if _as_text(value)}
        size = sum(len(str(value)) for value in (output.get("data") or output).values())
        self._pictures_left -= size
        if self._pictures_left < 0:
            self._pictures_left = 0
            self.write("stderr", _("（这里的图表太大，没有保留）") + "\n")
            return
        self._send(output)

    def clear(self) -> None:
        self._waiting, self._size = [], 0
        self._send({"output_type": "clear_output"})

    def _send(self, output: dict[str, Any]) -> None:
        """Nothing any more when the whole notebook has shown too much."""
        message = pack(Shown(output))
        self._left -= len(message)
        if self._left <= 0:
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # an interrupt must not cut a message in two
        try:
            self._channel.send(message)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class Stream:
    """``sys.stdout`` or ``sys.stderr`` of the room."""

    encoding, errors, newlines, closed = "utf-8", "strict", None, False

    def __init__(self, name: str) -> None:
        self.name = f"<{name}>"
        self._stream = name

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        screen().write(self._stream, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        screen().flush()

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError(_("这里的输出不是文件"))


def _as_text(value: Any) -> str:
    """A picture or table as a notebook file holds it; empty for anything else."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return clean(value, len(value)) if isinstance(value, str) else ""


_screen: Screen | None = None


def screen() -> Screen:
    assert _screen is not None
    return _screen


# ------------------------------------------------------------------------------------------------- warming up


def warm_up() -> None:
    """In the zygote: make the shell, and do once what is slow the first time."""
    from IPython.core.pylabtools import activate_matplotlib
    from matplotlib_inline.backend_inline import configure_inline_support
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = Shell.instance(
        config=config, displayhook_class=Hook, display_pub_class=Publisher, colors="lightbg", user_ns={}
    )
    activate_matplotlib(os.environ["MPLBACKEND"])
    configure_inline_support(shell, os.environ["MPLBACKEND"])
    _rehearse(shell)


def _rehearse(shell: InteractiveShell) -> None:
    """A first analysis, shown and drawn: what is loaded or cached on first use is there in every room."""
    import matplotlib.pyplot as plt
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    from crmlab import clusters, data, generate, rfm

    for name in generate.NAMES:
        generate.recipe(name)
    shop = data.draw("ecommerce", "rehearsal")
    table = rfm.rfm(data.purchases(shop), shop.as_of)
    rfm.segment(rfm.score(table)).value_counts()
    clusters.KMeansSegments(4).fit(table)
    KMeans(3, n_init=1, random_state=0).fit(StandardScaler().fit_transform(table))
    assert shell.display_formatter is not None
    shell.display_formatter.format(table.groupby(table["frequency"] > 1).agg(m=("monetary", "sum")))
    figure, axes = plt.subplots()
    axes.plot([1, 2], label="a")
    axes.legend()
    figure.savefig(io.BytesIO(), bbox_inches="tight")
    plt.close("all")
    shell.events.trigger("post_execute")  # forget the figure
    _rehearse_errors(shell, table)


def _rehearse_errors(shell: InteractiveShell, table: Any) -> None:
    """What goes wrong most often: a traceback reads and parses the files that it leads through, a second the first time."""
    for mistake in (lambda: table["Monetary"], lambda: table.loc["nobody"], lambda: table["frequency"] + "1"):
        try:
            mistake()
        except (KeyError, TypeError):
            shell.InteractiveTB.structured_traceback(*sys.exc_info())


# -------------------------------------------------------------------------------------------------- the session


def main(channel: Channel, limits: Limits) -> None:
    """In the room: obey the driver until it is gone."""
    global _screen
    _screen = Screen(channel, limits)
    _ignore_interrupts()
    shell = InteractiveShell.instance()
    _hear(channel, shell)


def _hear(channel: Channel, shell: InteractiveShell) -> None:
    while True:
        try:
            data, line = channel.receive_with_descriptor()
        except ChannelClosedError:
            return
        message = unpack(data)
        if isinstance(message, Enter):
            settle(message)
            sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
            channel.send(pack(Ready()))
        elif isinstance(message, RunCell):
            channel.send(pack(Ran(_run(shell, message))))
        elif isinstance(message, Ask):
            assert line is not None
            _hand_over(channel, shell.user_ns, message, line)


def settle(message: Enter) -> None:
    """The student's id, seeded chance, the files beside the notebook."""
    os.environ.update({STUDENT_VARIABLE: message.student, "JUPYTERHUB_USER": message.student})
    random.seed(message.seed)
    np.random.seed(message.seed % 2**32)
    for name, content in message.files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.path.insert(0, "")  # modules beside the notebook, as in Jupyter


def _run(shell: InteractiveShell, cell: RunCell) -> str:
    screen().start()
    shell.execution_count = cell.number
    try:
        with _interruptible():
            result = shell.run_cell(cell.source, store_history=True)
            error = result.error_before_exec or result.error_in_exec
            return f"{type(error).__name__}: {_text(error)}"[:500] if error is not None else ""
    except KeyboardInterrupt:
        _ignore_interrupts()
        return "KeyboardInterrupt"
    finally:
        screen().flush()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Only a cell can be interrupted: an interrupt that comes late, when the cell has just ended, must not end the room."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        _ignore_interrupts()


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Kept(list[Callable[..., Any]]):
    """Functions that stay callable, by their handles."""

    def keep(self, function: Callable[..., Any]) -> int:
        self.append(function)
        return len(self) - 1


def _hand_over(channel: Channel, names: dict[str, Any], asked: Ask, line: int) -> None:
    """Seal the answers; if functions are among them, a copy of this process stays to be called."""
    functions = Kept()
    sealed = {name: wire.encode(names[name], functions.keep) for name in asked.names if name in names}
    with socket.socket(fileno=line) as end:
        if functions and os.fork() == 0:
            run_and_end(lambda: _serve(Channel(end), functions))
    channel.send(pack(Answers(sealed, bool(functions))))


def _serve(line: Channel, functions: Kept) -> None:
    """Answer calls until the line is closed. What functions print goes nowhere."""
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (for the rest of this process)

    for message in _calls(line):
        line.send(pack(Outcome(wire.answer_call(functions[message.handle], message.arguments, functions.keep))))


def _calls(line: Channel) -> Iterator[Call]:
    while True:
        try:
            message: Message = unpack(line.receive())
        except ChannelClosedError:
            return
        if isinstance(message, Call):
            yield message
