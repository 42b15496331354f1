"""What is taken from a student's file, and the notebook that is graded.

A submission is hostile until proven otherwise: it may be a link to the gradebook, a pipe that never ends, a million
brackets, a notebook whose tests were re-tagged. Three steps keep all that out. :func:`collect_bytes` takes the bytes
of one regular file; :func:`read` takes from them the source text of cells and two labels, nothing else;
:func:`rebuild` puts these texts into the instructor's notebook. Points, tags, types, order and tests are the
instructor's, so what a student did to them has no effect beyond a finding that says so.
"""

import copy
import errno
import hashlib
import json
import os
import re
import stat
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from autograder.contract import Cell, Role, Source
from crmlab.errors import CourseError
from crmlab.i18n import _

MAX_FILE = 32 * 2**20
MAX_STAMP = 2**10
"""Largest notebook and largest timestamp.txt, bytes."""

MAX_STRUCTURE = 4 * 2**20
"""Most bytes of a notebook outside strings and white space: bounds the objects that parsing makes (to some 350 MiB)."""

SECRET_FILE = "submission_secret.txt"

MAX_CELLS = 2_000
MAX_CELL_TEXT = 2**20
MAX_TEXT = 8 * 2**20
"""Most source text of one cell, and of all cells, UTF-8 bytes."""

KINDS = ("code", "markdown", "raw")


class UnreadableSubmission(CourseError):  # noqa: N818 (the name says what went wrong with what)
    """Nothing can be taken from what was handed in; the message says why, and what the student has to do."""


# --- from disk -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Collected:
    """The bytes of a submitted notebook, and what was noticed on the way to them."""

    content: bytes
    findings: tuple[str, ...] = ()


def collect_bytes(folder: Path, notebook: str) -> Collected:
    """The content of ``<folder>/<notebook>.ipynb``, or of the only notebook there if it has another name.

    :raises UnreadableSubmission: if there is no such file, or it is a link, too big, or no file at all.
    """
    wanted = f"{notebook}.ipynb"
    with _opened_folder(folder) as place:
        if wanted in os.listdir(place):
            return Collected(_content(place, wanted, MAX_FILE))
        others = _notebooks(place)
        if len(others) != 1:
            raise UnreadableSubmission(_missing(wanted, others))
        finding = _("文件名不对：应当是 {wanted}，交来的是 {found}；文件夹里只有这一个 notebook，就按它评分。").format(
            wanted=wanted, found=_shown(others[0])
        )
        return Collected(_content(place, others[0], MAX_FILE), (finding,))


def submitted_at(folder: Path) -> str:
    """When it was handed in, as ``timestamp.txt`` of nbgrader's exchange says: ISO, UTC; empty if it does not say."""
    try:
        with _opened_folder(folder) as place:
            text = _content(place, "timestamp.txt", MAX_STAMP).decode("ascii").strip()
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC).isoformat()
    except ValueError:  # covers an unreadable file, other bytes than ASCII and another form of date
        return ""


def secret_of(folder: Path) -> bytes:
    """What nbgrader's exchange put beside the notebook so that feedback finds its way back; empty if it is not there."""
    try:
        with _opened_folder(folder) as place:
            content = _content(place, SECRET_FILE, MAX_STAMP)
    except UnreadableSubmission:
        return b""
    return content if re.fullmatch(rb"[0-9a-f]{32,}", content) else b""


@contextmanager
def _opened_folder(folder: Path) -> Iterator[int]:
    """A descriptor of ``folder``: what is looked up in it stays in it, whoever renames things meanwhile."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise UnreadableSubmission(
            _("提交文件夹 {folder} 不存在，或者不是普通文件夹；请确认已经收取了这份作业。").format(
                folder="/".join(folder.parts[-2:])
            )
        ) from None
    try:
        yield place
    finally:
        os.close(place)


def _content(place: int, name: str, limit: int) -> bytes:
    """The bytes of the regular file ``name`` in the folder ``place``, at most ``limit``."""
    try:
        # Without O_NONBLOCK opening a pipe would wait for a writer for ever.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=place)
    except OSError as error:
        raise UnreadableSubmission(_not_opened(name, error)) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UnreadableSubmission(
                _("{name} 不是普通文件，没有读取；请重新提交 notebook 文件本身。").format(name=_shown(name))
            )
        with os.fdopen(handle, "rb", closefd=False) as stream:
            content = stream.read(limit + 1)  # not st_size: the file may be growing
    finally:
        os.close(handle)
    if len(content) > limit:
        raise UnreadableSubmission(
            _("{name} 超过 {limit} MiB，没有读取；请清除所有输出（尤其是大图和大表），保存后重新提交。").format(
                name=_shown(name), limit=limit // 2**20
            )
        )
    return content


def _not_opened(name: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return _("{name} 是符号链接，没有读取；请重新提交 notebook 文件本身。").format(name=_shown(name))
    return _("{name} 打不开，可能没有读取权限，或者不是普通文件；请重新提交 notebook 文件本身。").format(
        name=_shown(name)
    )


def _notebooks(place: int) -> list[str]:
    """Names of the regular notebooks in a folder, hidden ones left out."""
    with os.scandir(place) as entries:
        files = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    return sorted(name for name in files if name.endswith(".ipynb") and not name.startswith("."))


def _missing(wanted: str, others: Sequence[str]) -> str:
    if not others:
        return _("提交的文件夹里没有 {wanted}，也没有别的 notebook；请重新提交。").format(wanted=wanted)
    found = "、".join(_shown(name) for name in others[:5])
    return _(
        "文件名不对：应当是 {wanted}，文件夹里有 {n} 个别的 notebook（{found}），不知道该评哪一个；请改名后重新提交。"
    ).format(wanted=wanted, n=len(others), found=found)


def _shown(name: str) -> str:
    """A file's name as a sentence may carry it: a student chose it."""
    text = "".join(character if character.isprintable() else "\ufffd" for character in name)
    return text if len(text) <= 80 else text[:79] + "…"


# --- from bytes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """One cell of a submission: its kind ("code", "markdown", "raw"), its text and the labels that may place it."""

    kind: str
    source: str
    grade_id: str | None
    cell_id: str | None


@dataclass(frozen=True)
class Submission:
    """All that is taken from a student's file, in its order."""

    pieces: tuple[Piece, ...]
    findings: tuple[str, ...] = ()


def read(content: bytes) -> Submission:
    """The cells of a notebook file. Outputs, attachments and all metadata but the grade id are thrown away.

    :raises UnreadableSubmission: if it is no notebook of format 4, or cut off, or made to exhaust the reader.
    """
    cells = _cells(_parsed(_text(content)))
    noted: dict[str, list[int]] = {}
    pieces = []
    total = 0
    for number, cell in enumerate(cells, start=1):
        piece = _piece(cell)
        if piece is None:
            noted.setdefault(_("第 {cells} 个单元格的格式不对，没有采用"), []).append(number)
            continue
        text = _UNWANTED.sub("\ufffd", piece.source)
        if text != piece.source:
            noted.setdefault(_("第 {cells} 个单元格里有看不见的控制字符，已换成 �"), []).append(number)
        size = len(text.encode())
        if size > MAX_CELL_TEXT or total + size > MAX_TEXT:
            noted.setdefault(_("第 {cells} 个单元格的文字太多，按空单元格处理"), []).append(number)
            text, size = "", 0
        total += size
        pieces.append(replace(piece, source=text))
    return Submission(tuple(pieces), tuple(_located(finding, numbers) for finding, numbers in noted.items()))


def _located(finding: str, numbers: Sequence[int]) -> str:
    shown = "、".join(map(str, numbers[:5])) + ("…" if len(numbers) > 5 else "")
    return finding.format(cells=shown) + "。"


def _text(content: bytes) -> str:
    if not content.strip():
        raise UnreadableSubmission(_("提交的文件是空的；请在 JupyterLab 里打开作业，完成、保存后重新提交。"))
    # A file of "[[],[],…" grows thirtyfold when it is parsed, so its items are counted first.
    if _structure(content) > MAX_STRUCTURE:
        raise UnreadableSubmission(
            _("提交的文件里有几百万个数据项，不像 notebook，没有读取；请清除所有输出，保存后重新提交。")
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableSubmission(
            _("提交的文件不是 UTF-8 编码，或者已经损坏；请在 JupyterLab 里重新保存，确认能打开后重新提交。")
        ) from None


def _structure(content: bytes) -> int:
    """Bytes outside strings and white space: no fewer than the values in the file."""
    if len(content) <= MAX_STRUCTURE:
        return len(content)
    return len(content) - sum(match.end() - match.start() for match in _FILLING.finditer(content))


# Strings and white space. The end of the file ends a string too, else each quote would be searched to the end again.
_FILLING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|\s++', re.DOTALL)
# What no editor writes: control characters but tab, line feed and form feed, and halves of surrogate pairs.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,255}")


def _parsed(text: str) -> Any:
    """The JSON value. NaN in an output is no fault of the student; numbers are not wanted beyond the version."""
    try:
        return json.loads(text, parse_int=_short, parse_float=lambda _digits: None, parse_constant=lambda _name: None)
    except RecursionError:
        raise UnreadableSubmission(
            _("提交的文件嵌套得太深，不是正常的 notebook，没有读取；请重新提交原来的作业文件。")
        ) from None
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise UnreadableSubmission(
            _(
                "提交的文件已损坏或不完整（第 {line} 行起读不懂）；请在 JupyterLab 里打开并保存，确认能打开后重新提交。"
            ).format(line=line)
        ) from None


def _short(digits: str) -> int | None:
    return int(digits) if len(digits) < 10 else None


def _cells(document: Any) -> list[Any]:
    if not isinstance(document, dict):
        raise UnreadableSubmission(_("提交的文件不是 notebook（最外层不是 JSON 对象）；请重新提交作业文件。"))
    version = document.get("nbformat")
    if type(version) is not int or version != 4:
        raise UnreadableSubmission(
            _("提交的文件不是第 4 版格式的 notebook；请用课程的 JupyterLab 打开，另存一次后重新提交。")
        )
    cells = document.get("cells")
    if not isinstance(cells, list):
        raise UnreadableSubmission(_("提交的 notebook 里没有单元格列表，文件已损坏；请重新提交作业文件。"))
    if len(cells) > MAX_CELLS:
        raise UnreadableSubmission(
            _("提交的 notebook 有 {n} 个单元格，超过上限 {most} 个，没有读取；请删去多余的单元格后重新提交。").format(
                n=len(cells), most=MAX_CELLS
            )
        )
    return cells


def _piece(cell: Any) -> Piece | None:
    """The cell with its text as it stands, line ends made one; ``None`` if it is no cell."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in KINDS:
        return None
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    return Piece(cell["cell_type"], text, _label(grade_id), _label(cell.get("id")))


def _label(value: Any) -> str | None:
    return value if isinstance(value, str) and _LABEL.fullmatch(value) else None


# --- what students were given ----------------------------------------------------------------------------------------


def is_slot(cell: Cell) -> bool:
    """Whether a student fills the cell in. A task cell of nbgrader is graded by a person, but its text is given."""
    return cell.role in (Role.SOLUTION, Role.MANUAL) and not cell.metadata.get("nbgrader", {}).get("task")


def released(cell: Cell, stubs: Mapping[str, str]) -> str:
    """The text of an instructor's cell in the version for students: solution replaced, hidden tests cut out.

    ``stubs`` has what nbgrader's ``ClearSolutions`` puts in place of a solution: "python" in code, "markdown" in text.
    """
    text = cell.source
    if is_slot(cell):
        stub = stubs["python" if cell.kind == "code" else "markdown"]
        text = _replaced(text, "SOLUTION", stub.split("\n")) if "BEGIN SOLUTION" in text else stub
    return _replaced(text, "HIDDEN TESTS", [])


def _replaced(text: str, region: str, stub: Sequence[str]) -> str:
    """``text`` with each region between its BEGIN and END lines replaced, indented like the BEGIN line."""
    lines = []
    inside = False
    for line in text.split("\n"):
        if f"BEGIN {region}" in line:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + stub_line for stub_line in stub]
        elif f"END {region}" in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def _trimmed(text: str) -> str:
    """``text`` without white space at the ends of lines and at its end, which editors strip of their own accord."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


# --- the notebook that is graded -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RebuiltCell:
    """One cell of the graded notebook. A student's own cell has neither ``role`` nor ``cell``.

    checksum: what nbgrader compares with to see that a slot was left as released; ``None`` for cells it ignores.
    """

    id: str
    kind: str
    role: Role | None
    source: str
    cell: Cell | None
    checksum: str | None = None


@dataclass(frozen=True)
class Rebuilt:
    """The instructor's notebook with a student's texts in it.

    untouched: ids of the slots that are empty or stand as they were released.
    """

    cells: tuple[RebuiltCell, ...]
    findings: tuple[str, ...]
    untouched: frozenset[str]


def rebuild(source: Source, submission: Submission, stubs: Mapping[str, str]) -> Rebuilt:
    """The notebook to grade: the instructor's cells in their order, the student's texts in the slots.

    A student's own cell stays behind the known cell it follows in the submission. ``stubs``: see :func:`released`.
    """
    texts = [released(cell, stubs) for cell in source.cells]
    places = _places(source.cells, texts, submission.pieces)
    found = {place: piece for place, piece in zip(places, submission.pieces, strict=True) if place is not None}
    own = _own_cells(places, submission.pieces)
    rebuilt = own.get(None, [])
    untouched = set()
    for index, (cell, text) in enumerate(zip(source.cells, texts, strict=True)):
        content = cell.source
        if is_slot(cell):
            content = found[index].source if index in found else ""
            if _trimmed(content) in ("", _trimmed(text)):
                untouched.add(cell.id)
        checksum = _checksum(cell, text if is_slot(cell) else cell.source)
        rebuilt.append(RebuiltCell(cell.id, cell.kind, cell.role, content, cell, checksum))
        rebuilt += own.get(index, [])
    findings = [*_repeated(source.cells, submission.pieces), *_differences(source.cells, texts, found)]
    findings += _moved(source.cells, [place for place in places if place is not None])
    return Rebuilt(tuple(rebuilt), tuple(findings), frozenset(untouched))


def _places(cells: Sequence[Cell], texts: Sequence[str], pieces: Sequence[Piece]) -> list[int | None]:
    """For each piece the index of the instructor's cell that it is a copy of; ``None`` for a student's own cell.

    Told by the grade id; else by the cell's id, as some editors drop metadata; else, for what students do not write,
    by the text. Of several copies the last counts, as with nbgrader.
    """
    grade_ids = {_grade_id(cell): index for index, cell in enumerate(cells) if _grade_id(cell)}
    ids = {cell.id: index for index, cell in enumerate(cells)}
    given = {_trimmed(texts[i]): i for i, cell in enumerate(cells) if not is_slot(cell) and texts[i].strip()}
    places: list[int | None] = [None] * len(pieces)
    taken: set[int] = set()

    def place(candidates: Iterable[tuple[int, int | None]]) -> None:
        for number, index in candidates:
            if index is not None and index not in taken and places[number] is None:
                places[number] = index
                taken.add(index)

    backwards = list(enumerate(pieces))[::-1]
    place((number, grade_ids.get(piece.grade_id)) for number, piece in backwards)
    unlabelled = [(number, piece) for number, piece in backwards if piece.grade_id not in grade_ids]
    place((number, ids.get(piece.cell_id or "")) for number, piece in unlabelled)
    place((number, given.get(_trimmed(piece.source))) for number, piece in unlabelled)
    return places


def _grade_id(cell: Cell) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _own_cells(places: Sequence[int | None], pieces: Sequence[Piece]) -> dict[int | None, list[RebuiltCell]]:
    """The student's own cells by the known cell that they follow, ``None`` if none; numbered as in the submission."""
    own: dict[int | None, list[RebuiltCell]] = {}
    anchor = None
    numbers = count(1)
    for place, piece in zip(places, pieces, strict=True):
        if place is None:
            cell = RebuiltCell(f"own-{next(numbers)}", piece.kind, None, piece.source, None)
            own.setdefault(anchor, []).append(cell)
        else:
            anchor = place
    return own


def _repeated(cells: Sequence[Cell], pieces: Sequence[Piece]) -> Iterator[str]:
    counts = Counter(piece.grade_id for piece in pieces)
    for cell in cells:
        n = counts[_grade_id(cell)] if _grade_id(cell) else 0
        if n > 1:
            yield _("单元格 {id} 出现了 {n} 次：以最后一个为准，其余当作学生自己加的单元格。").format(id=cell.id, n=n)


def _differences(cells: Sequence[Cell], texts: Sequence[str], found: Mapping[int, Piece]) -> Iterator[str]:
    """What is missing, re-typed or changed. Texts of the assignment do not count, wherever they went."""
    for index, cell in enumerate(cells):
        if cell.role is Role.TEXT:
            continue
        piece = found.get(index)
        if piece is None:
            yield _absent(cell)
            continue
        if piece.kind != cell.kind:
            yield _("单元格 {id} 的类型从 {right} 改成了 {found}，评分时按原来的类型处理。").format(
                id=cell.id, right=cell.kind, found=piece.kind
            )
        if cell.trusted and _trimmed(piece.source) != _trimmed(texts[index]):
            yield _changed(cell)


def _absent(cell: Cell) -> str:
    if is_slot(cell):
        return _("作答单元格 {id} 不在提交的文件里，按没有作答处理。").format(id=cell.id)
    if cell.role is Role.TEST:
        return _("检查单元格 {id} 被删掉了，评分时已补回。").format(id=cell.id)
    return _("题目给出的单元格 {id} 被删掉了，评分时已补回。").format(id=cell.id)


def _changed(cell: Cell) -> str:
    if cell.role is Role.TEST:
        return _("检查单元格 {id} 被改动过，评分时用的是原来的内容。").format(id=cell.id)
    return _("题目给出的单元格 {id} 被改动过，评分时用的是原来的内容。").format(id=cell.id)


def _moved(cells: Sequence[Cell], order: Sequence[int]) -> Iterator[str]:
    """The fewest cells that must have been moved to get ``order`` (indices of cells, as in the submission)."""
    order = [index for index in order if cells[index].role is not Role.TEXT]
    for index in sorted(set(order) - _longest_rising(order)):
        yield _("单元格 {id} 被挪动过，评分时已放回原来的位置。").format(id=cells[index].id)


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """The longest subsequence of distinct ``numbers`` in rising order (patience sorting)."""
    tops: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        pile = bisect_left(tops, number)
        before[number] = tops[pile - 1] if pile else None
        tops[pile : pile + 1] = [number]
    rising = set()
    step = tops[-1] if tops else None
    while step is not None:
        rising.add(step)
        step = before[step]
    return rising


# --- the notebook for the gradebook ----------------------------------------------------------------------------------


def _checksum(cell: Cell, text: str) -> str | None:
    """What ``nbgrader.utils.compute_checksum`` gives for the cell with this text; ``None`` if nbgrader ignores it."""
    known = cell.metadata.get("nbgrader", {})
    grade, solution = known.get("grade", False), known.get("solution", False)
    locked = not solution and (grade or known.get("locked", False))
    if not (grade or solution or locked):
        return None
    parts = [text, cell.kind, str(grade), str(solution), str(bool(locked)), known["grade_id"]]
    if grade:
        parts.append(str(float(known["points"])))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def document(
    rebuilt: Rebuilt, source: Source, outputs: Mapping[str, list[dict[str, Any]]], counts: Mapping[str, int]
) -> dict[str, Any]:
    """The executed notebook (nbformat 4.5) as the gradebook keeps it, hidden tests included.

    ``outputs`` and ``counts`` (execution counts) are by cell id; a cell without them did not run.
    """
    cells = []
    for cell in rebuilt.cells:
        entry: dict[str, Any] = {
            "cell_type": cell.kind,
            "id": cell.id,
            "metadata": _metadata(cell),
            "source": cell.source,
        }
        if cell.kind == "code":
            entry |= {"execution_count": counts.get(cell.id), "outputs": list(outputs.get(cell.id, []))}
        cells.append(entry)
    return {"cells": cells, "metadata": _plain(source.metadata), "nbformat": 4, "nbformat_minor": 5}


def _metadata(cell: RebuiltCell) -> dict[str, Any]:
    metadata = _plain(cell.cell.metadata) if cell.cell else {}
    if cell.checksum is not None:
        metadata["nbgrader"] = {**metadata["nbgrader"], "checksum": cell.checksum, "cell_type": cell.kind}
    return metadata


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(dict(metadata))
