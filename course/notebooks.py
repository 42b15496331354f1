"""Notebook files: reading with line numbers, the one form in which they are kept, editions of them.

A notebook is kept without outputs, execution counts and metadata that only a front end wants, with cell ids that
never change. :func:`canonical` makes that form; the pre-commit hook and ``course strip`` use it, ``course check``
tells what departs from it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.contract import INSTRUCTOR_TAG as INSTRUCTOR
from autograder.files import replace_file
from course.model import CourseFileError, Finding
from crmlab.i18n import _

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("crm", "nbgrader", "tags")
CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Json = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One cell as it stands in the file; ``start`` is the offset of its ``{`` in the JSON text."""

    data: Json
    index: int
    start: int

    @property
    def id(self) -> str | None:
        value = self.data.get("id")
        return value if isinstance(value, str) else None

    @property
    def kind(self) -> str:
        return str(self.data.get("cell_type"))

    @property
    def metadata(self) -> Json:
        value = self.data.get("metadata")
        return value if isinstance(value, dict) else {}

    @property
    def tags(self) -> tuple[str, ...]:
        value = self.metadata.get("tags")
        return tuple(map(str, value)) if isinstance(value, list) else ()

    @property
    def nbgrader(self) -> Json:
        value = self.metadata.get("nbgrader")
        return value if isinstance(value, dict) else {}

    @cached_property
    def source(self) -> str:
        return source_of(self.data)

    @property
    def name(self) -> str:
        """What a person calls this cell."""
        return self.id or _("第 {number} 个单元格").format(number=self.index + 1)


@dataclass(frozen=True)
class Notebook:
    """A notebook file: ``file`` is its path as findings name it, ``text`` the JSON text."""

    file: str
    text: str
    data: Json
    cells: tuple[Cell, ...]

    def line(self, cell: Cell, part: str | None = None) -> int:
        """The line (from 1) where ``part`` of the source, or a key's text, stands; of the cell without ``part``."""
        start = cell.start
        if part is not None:
            quoted = json.dumps(part, ensure_ascii=False)[1:-1]
            found = self.text.find(quoted, start)
            start = found if 0 <= found < self._end(cell) else start
        return self.text.count("\n", 0, start) + 1

    def line_of(self, key: str) -> int:
        """The line of a key of the notebook itself; 1 when it isn't there."""
        found = self.text.rfind(f'"{key}"')
        return self.text.count("\n", 0, found) + 1 if found >= 0 else 1

    def finding(self, cell: Cell, message: str, part: str | None = None) -> Finding:
        return Finding(self.file, self.line(cell, part), message)

    def _end(self, cell: Cell) -> int:
        after = cell.index + 1
        return self.cells[after].start if after < len(self.cells) else len(self.text)


def source_of(cell: Json) -> str:
    """A cell's source as one text."""
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)


def read(path: Path, file: str | None = None) -> Notebook:
    """Read a notebook.

    Raises:
        CourseFileError: if it is not JSON, or not a notebook of format 4.5 or later.
    """
    name = file or str(path)
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text)
    except UnicodeDecodeError:
        raise _broken(name, 1, _("不是 UTF-8 编码的文本，请从版本库恢复")) from None
    except json.JSONDecodeError as error:
        raise _broken(name, error.lineno, _("不是完整的 JSON，请从版本库恢复这个 notebook")) from None
    cells = data.get("cells") if isinstance(data, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise _broken(name, 1, _("不是 notebook（没有 cells），请从版本库恢复"))
    if (data.get("nbformat"), data.get("nbformat_minor", 0)) < (4, 5):
        raise _broken(name, 1, _("notebook 格式早于 4.5，单元格没有 id，请用 JupyterLab 打开后另存"))
    starts = _cell_starts(text)
    return Notebook(name, text, data, tuple(Cell(c, i, s) for i, (c, s) in enumerate(zip(cells, starts, strict=True))))


def _broken(file: str, line: int, message: str) -> CourseFileError:
    return CourseFileError([Finding(file, line, message)])


_SPACE = re.compile(r"[\s,:]*")


def _cell_starts(text: str) -> list[int]:
    """Offsets at which the members of the top-level ``cells`` list begin. The text is known to be valid JSON."""
    decoder = json.JSONDecoder()

    def skip(at: int) -> int:
        return _SPACE.match(text, at).end()  # type: ignore[union-attr]

    at = skip(text.index("{") + 1)
    starts: list[int] = []
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        at = skip(at)
        if key == "cells":
            starts, inner = [], skip(at + 1)
            while text[inner] != "]":
                starts.append(inner)
                inner = skip(decoder.raw_decode(text, inner)[1])
        at = skip(decoder.raw_decode(text, at)[1])
    return starts


# --------------------------------------------------------------------------------------------------- one form


def canonical(data: Json) -> Json:
    """The notebook as it is kept: no outputs, no counts, sound ids, only the metadata that means something."""
    cells = [_canonical_cell(cell) for cell in data["cells"]]
    for cell, cell_id in zip(cells, stable_ids(data["cells"]), strict=True):
        cell["id"] = cell_id
    return {"cells": cells, "metadata": deepcopy(METADATA), "nbformat": 4, "nbformat_minor": 5}


def _canonical_cell(cell: Json) -> Json:
    metadata = cell.get("metadata", {})
    kept: Json = {
        "cell_type": cell["cell_type"],
        "metadata": {key: metadata[key] for key in CELL_METADATA if metadata.get(key)},
        "source": source_of(cell).splitlines(keepends=True),
    }
    if cell["cell_type"] == "code":
        kept |= {"outputs": [], "execution_count": None}
    if cell.get("attachments"):
        kept["attachments"] = cell["attachments"]
    return kept


def stable_ids(cells: Sequence[Json]) -> list[str]:
    """The cells' ids; a missing, malformed or repeated one is replaced by one made from place and content."""
    ids: list[str] = []
    for place, cell in enumerate(cells):
        cell_id = cell.get("id")
        if not (isinstance(cell_id, str) and CELL_ID.fullmatch(cell_id)) or cell_id in ids:
            cell_id = hashlib.sha256(f"{place}\0{source_of(cell)}".encode()).hexdigest()[:12]
        ids.append(cell_id)
    return ids


def dumps(data: Json) -> str:
    """The JSON text of a notebook, laid out as nbformat lays it out: keys sorted, one space a level."""
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def strip(path: Path) -> bool:
    """Bring a notebook file into the one form. Returns whether it had to be changed."""
    notebook = read(path)
    text = dumps(canonical(notebook.data))
    if text != notebook.text:
        replace_file(path, text.encode("utf-8"))
    return text != notebook.text


def form_findings(notebook: Notebook) -> Iterator[Finding]:
    """What departs from the one form: outputs, counts, ids, metadata."""
    remedy = _("请运行 course strip {file}").format(file=notebook.file)
    if notebook.data.get("metadata") != METADATA:
        message = _("notebook 的元数据不是只有 kernelspec 与 language_info.name，{remedy}").format(remedy=remedy)
        yield Finding(notebook.file, notebook.line_of("metadata"), message)
    seen: set[str] = set()
    for cell in notebook.cells:
        if cell.data.get("outputs"):
            yield notebook.finding(cell, _("单元格 {cell} 带着输出，{remedy}").format(cell=cell.name, remedy=remedy))
        if cell.data.get("execution_count") is not None:
            message = _("单元格 {cell} 带着运行序号，{remedy}").format(cell=cell.name, remedy=remedy)
            yield notebook.finding(cell, message)
        odd = sorted(set(cell.metadata) - set(CELL_METADATA))
        if odd:
            message = _("单元格 {cell} 有多余的元数据 {keys}，{remedy}").format(
                cell=cell.name, keys=", ".join(odd), remedy=remedy
            )
            yield notebook.finding(cell, message)
        if cell.id is None or not CELL_ID.fullmatch(cell.id):
            message = _("单元格 {cell} 没有合格的 id，{remedy}").format(cell=cell.name, remedy=remedy)
            yield notebook.finding(cell, message)
        elif cell.id in seen:
            message = _("单元格 id {cell} 重复，{remedy}").format(cell=cell.id, remedy=remedy)
            yield notebook.finding(cell, message)
        seen.add(cell.id or "")


# --------------------------------------------------------------------------------------------------- editions


def without_tag(data: Json, tag: str = INSTRUCTOR) -> Json:
    """A copy of the notebook without the cells that carry the tag (teachers' cells, unless told otherwise)."""
    kept = [deepcopy(c) for c in data["cells"] if tag not in c.get("metadata", {}).get("tags", [])]
    return {**deepcopy({key: value for key, value in data.items() if key != "cells"}), "cells": kept}


def map_markdown(data: Json, change: Callable[[str], str]) -> Json:
    """A copy of the notebook with ``change`` applied to the source of each markdown cell."""
    changed = deepcopy(data)
    for cell in changed["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = change(source_of(cell)).splitlines(keepends=True)
    return changed
