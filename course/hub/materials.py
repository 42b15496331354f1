"""The course's notebooks as each role gets them: a folder an edition, which :mod:`course.hub.delivery` lays into homes.

Servers see these folders only, for the chapters as they stand in the course hold teachers' cells.
"""

import shutil
from pathlib import Path
from typing import Literal

from autograder.files import replace_file
from course import links, notebooks
from course.model import load
from crmlab.paths import course_root

Edition = Literal["instructor", "student"]

BOOK_URL = "/book/"
LAB = Path(__file__).resolve().parent / "lab"
WELCOME = "开始.md"


def write_editions(folder: Path) -> None:
    """Bring the editions in ``folder`` up to date.

    :raises CourseError: if a chapter or ``course.yml`` is broken.
    """
    for role in ("instructor", "student"):
        _write_edition(folder / role, materials(role))


def _write_edition(folder: Path, files: dict[str, bytes]) -> None:
    """Change what changed: a server that starts meanwhile finds each file, old or new."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != content:
            replace_file(path, content)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for path in sorted(folder.glob("*")):
        if path.is_dir() and not any(path.iterdir()):
            shutil.rmtree(path)


def materials(role: Edition) -> dict[str, bytes]:
    """The files of an edition, by path in the home.

    :raises CourseError: if a chapter or ``course.yml`` is broken.
    """
    files = {WELCOME: (LAB / role / WELCOME).read_bytes()}
    chapters = sorted((course_root() / "chapters").glob("*.ipynb"))
    known = links.targets(load())
    for chapter in chapters:
        files[f"chapters/{chapter.name}"] = edition(chapter, role, known)
    return files


def edition(chapter: Path, role: Edition, known: links.Targets) -> bytes:
    """A chapter as this role gets it: without teachers' cells for students, with links into the book."""
    notebook = notebooks.read(chapter).data
    if role == "student":
        notebook = notebooks.without_tag(notebook)
    linked = notebooks.map_markdown(notebook, lambda text: links.rewrite(text, BOOK_URL, known))
    return notebooks.dumps(linked).encode("utf-8")
