"""Build the book: stage the sources, let Jupyter Book execute and typeset them, check the result.

Jupyter Book runs in a process of its own, with warnings as errors. Its exit code alone is not believed: Sphinx says 0
after warnings, and Jupyter Book said 0 after a failed notebook; what is on the error stream counts as well.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from autograder.files import digest_of
from course.book import staging
from course.book.check import check_site
from course.model import load
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

EDITIONS = ("student", "instructor")

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"^(reading sources|writing output|copying images)\.\.\. \[\s*(\d+)%\] (.+)$")
_WARNING = re.compile(r"^(?P<file>/.*?\.(?:md|ipynb))(?::(?P<line>\d+))?: (?:WARNING|ERROR|CRITICAL): (?P<text>.+)$")
_ANY_WARNING = re.compile(r"(?:^|: )(?:WARNING|ERROR|CRITICAL): ")
_CELL_ERROR = re.compile(r"^(?:\w+(?:Error|Exception|Warning|Interrupt|Exit)\b: |❌ )")
_CELL_LINE = re.compile(r"^-+>\s*\d+\s+(?P<code>.+)$")


def build_book(track: str | None = None, edition: str = "student", out: Path | None = None) -> Path:
    """Build the book and return the folder of its pages.

    Args:
        track: id of the track whose contents the book has; the course's default track for ``None``.
        edition: ``student`` (public) or ``instructor`` (with the cells tagged ``instructor``).
        out: working folder; ``_build/book``, for instructors ``_build/book-instructor``, below the course root.

    Raises:
        CourseError: naming the page or notebook that failed and why.
    """
    if edition not in EDITIONS:
        raise CourseError(
            _("没有 {edition} 这个版本，请写 student（学生版）或 instructor（教师版）").format(edition=edition)
        )
    root = course_root()
    course = load()
    chosen = course.track(track)
    folder = out or root / "_build" / ("book" if edition == "student" else f"book-{edition}")
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True, highlight=False)
    with _locked(folder, console), _progress(console) as progress:
        job = _Build(root, folder.resolve(), progress)
        job.prepare(staging.sources(root, course, chosen, edition))
        if job.up_to_date():
            progress.stop()
            console.print(_("● 书已是最新，没有需要重做的：{html}").format(html=job.html))
            return job.html
        job.typeset()
        job.check()
    console.print(_("● 书已生成：{html}").format(html=job.html / "index.html"))
    return job.html


def library_digest(root: Path) -> str:
    """What the outputs of a chapter depend on besides its own cells: crmlab, data, quizzes and package versions."""
    files = [root / "requirements.lock", *(root / "chapters").glob("*.quiz.*")]
    for folder in ("crmlab", "datasets"):
        files += [file for file in (root / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    found = {file.relative_to(root).as_posix(): file.read_bytes() for file in files if file.exists()}
    return digest_of(found | {"python": sys.version.encode()})


@contextmanager
def _locked(folder: Path, console: Console) -> Iterator[None]:
    """One build at a time in a folder; a second one waits."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(_("● 另一个 course book 正在生成这本书，等它结束…"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=console,
    )


@dataclass
class _Build:
    """One run: where it reads and writes, and the bar it moves."""

    root: Path
    folder: Path
    progress: Progress

    @property
    def source(self) -> Path:
        return self.folder / "src"

    @property
    def html(self) -> Path:
        return self.folder / "html"

    @property
    def log(self) -> Path:
        return self.folder / "build.log"

    @property
    def stamp(self) -> Path:
        return self.folder / "stamp"

    def prepare(self, staged: staging.Sources) -> None:
        """Stage the sources; know by their digest whether anything has to be done."""
        with self._stage(_("准备")) as (bar, task):
            self.library = library_digest(self.root)
            own = {f"course/{file.name}": file.read_bytes() for file in sorted(staging.HERE.rglob("*.py"))}
            self.digest = f"{digest_of(staged | own)} {self.library}"
            if not self.up_to_date():
                staging.write(staged, self.source)
            self.pages = {
                Path(place).with_suffix("").as_posix() for place in staged if place.endswith((".md", ".ipynb"))
            }
            bar.update(task, detail=_("{count} 页").format(count=len(self.pages)))

    def up_to_date(self) -> bool:
        """Whether the last good build was made from exactly these sources."""
        return self.stamp.is_file() and self.stamp.read_text() == self.digest and (self.html / "index.html").is_file()

    def typeset(self) -> None:
        """Run Jupyter Book; a notebook is executed unless the cache holds it."""
        self.stamp.unlink(missing_ok=True)
        self._forget_old()
        with self._stage(_("执行并排版")) as (bar, task):
            code, said = self._run_jupyter_book(bar, task)
            if code or any(map(_ANY_WARNING.search, said)):
                raise CourseError(self._explain(code, said))

    def _forget_old(self) -> None:
        """Drop pages that are no longer in the book, and outputs of an older crmlab."""
        built = {file.relative_to(self.html).with_suffix("").as_posix() for file in self.html.rglob("*.html")}
        if built - self.pages - {"search", "genindex"}:
            shutil.rmtree(self.html, ignore_errors=True)
            shutil.rmtree(self.folder / ".doctrees", ignore_errors=True)
        for cache in (self.folder / "cache").glob("*"):
            if cache.name != self.library[:16]:
                shutil.rmtree(cache)

    def _run_jupyter_book(self, bar: Progress, task: TaskID) -> tuple[int, list[str]]:
        """Exit code and the lines of the error stream; both streams end up in the log."""
        cache = self.folder / "cache" / self.library[:16]
        arguments = map(str, (self.source, self.html, cache))
        command = [sys.executable, "-m", "course.book.jupyter_book_run", *arguments]
        # Chapters are executed for nobody in particular, also when a student of a hub builds the book.
        environment = os.environ | {"CRM_STUDENT_ID": "demo", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        with (
            self.log.open("w+", encoding="utf-8") as log,
            tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8"
            ) as process,
        ):
            for line in process.stdout or ():
                log.write(line)
                self._advance(bar, task, line)
            code = process.wait()
            errors.seek(0)
            said = errors.read()
            log.write(said)
        return code, _ANSI.sub("", said).splitlines()

    def _advance(self, bar: Progress, task: TaskID, line: str) -> None:
        """Move the bar by what Sphinx says it is doing: reading (and executing) is most of the work."""
        step = _STEP.match(_ANSI.sub("", line.strip().rpartition("\r")[2]))
        if step:
            share = {"reading sources": (0, 0.8), "writing output": (80, 0.18), "copying images": (98, 0.02)}[step[1]]
            bar.update(task, completed=share[0] + share[1] * int(step[2]), detail=step[3])

    def _explain(self, code: int, said: list[str]) -> str:
        """One sentence: which notebook or page, what went wrong, where the whole log is."""
        where = next((match for match in map(_WARNING.match, said) if match), None)
        name = Path(where["file"]).relative_to(self.source).as_posix() if where else _("整本书")
        if where and where["text"].startswith("Executing notebook failed"):
            errors = [line for line in said if _CELL_ERROR.match(line)]
            reason = errors[0] if errors else _("有单元格没有在规定时间内结束，或内核退出")
            codes = [match["code"] for match in map(_CELL_LINE.match, said) if match]
            at = _("，出错的代码是 {code}").format(code=codes[0].strip()) if codes else ""
            return _("笔记本 {name} 执行出错：{reason}{at}；请改好这一格再试，完整记录见 {log}").format(
                name=name, reason=reason, at=at, log=self.log
            )
        told = [line for line in said if _ANY_WARNING.search(line)] or said[-1:]
        last = told[0] if told else _("Jupyter Book 的退出码是 {code}").format(code=code)
        line = _(" 第 {line} 行").format(line=where["line"]) if where and where["line"] else ""
        return _("页面 {name}{line} 没有通过排版：{reason}；请改正源文件再试，完整记录见 {log}").format(
            name=name, line=line, reason=where["text"] if where else last, log=self.log
        )

    def check(self) -> None:
        """Hold the finished pages against what a reader needs, then remember the build as good."""
        with self._stage(_("检查")) as (bar, task):
            problems = check_site(self.html, self.pages)
            bar.update(task, detail=_("{count} 页").format(count=len(self.pages)))
        if problems:
            raise CourseError(
                _("书里有 {count} 处问题，第一处：{first}").format(count=len(problems), first=problems[0])
            )
        self.stamp.write_text(self.digest)

    @contextmanager
    def _stage(self, name: str) -> Iterator[tuple[Progress, TaskID]]:
        task = self.progress.add_task(name, total=100, detail="")
        yield self.progress, task
        self.progress.update(task, completed=100)
