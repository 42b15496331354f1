"""Work that looks alike: a hint for the instructor, never a verdict.

Only the Python that students wrote is compared, fragment by fragment: winnowing (Schleimer, Wilkerson & Aiken 2003) on
code that the library copydetect has normalised, so that other names, comments and layout change nothing and another
order of statements changes little. What everybody was given does not count, nor what a large part of the class wrote.

Two students may write alike for good reasons: the textbook's own pattern, one tutor, a task with one short answer.
So a pair stands in the report with what to do next, and the report ranks likeness of texts, not people.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, groupby

import numpy as np
from copydetect.utils import filter_code, hashed_kgrams
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text
from scipy.sparse import csr_array

from autograder.records import Record
from autograder.statistics import readable, source_of, task_of_cells, written_by_student
from crmlab.i18n import _

GRAM = 16
"""Length of a fragment in tokens of the normalised code (a name is one token, so a statement has 10 to 60).

In a04 two solutions found independently share less than 0.3 of such fragments, a copy with other names all of them.
"""
LEAST_TOKENS = 120
"""Less than some four statements in common says nothing."""
_TASK_ALIKE = 0.6
_WITH_EXCERPTS = 100  # pairs; beyond, nobody reads side by side
_EXCERPTS, _LINES, _WIDTH = 5, 14, 160
_PLACES = 50  # where a passage may begin in the other work; a line repeated a thousand times isn't tried everywhere


@dataclass(frozen=True)
class Fragment:
    """A passage of one student beside its counterpart.

    Attributes:
        task: e.g. "a04-2".
        first, second: source lines of the first and second student of the pair, as written.
    """

    task: str
    first: str
    second: str


@dataclass(frozen=True)
class Pair:
    """Two students whose code looks alike.

    Attributes:
        first, second: students, in alphabetical order.
        share: how much of the shorter work has its like in the other, 0 to 1.
        tokens: tokens of normalised code in common.
        cells: tasks of which at least 60 % look alike; empty if the likeness is scattered.
        fragments: at most five passages, longest first; none beyond the first hundred pairs.
        same_file: the files that were handed in are the same byte for byte.
    """

    first: str
    second: str
    share: float
    tokens: int
    cells: tuple[str, ...]
    fragments: tuple[Fragment, ...]
    same_file: bool = False


def similar(records: Sequence[Record], released: Mapping[str, str], least: float = 0.6) -> list[Pair]:
    """Pairs of students whose code looks alike, most alike first.

    Args:
        records: one per student, of one assignment.
        released: cell id -> text that every student was given; does not count.
        least: the smallest share to report, above 0 to 1.

    A fragment that more than a third of the class wrote (at least three people; works that are the same after
    normalising count as one) does not count either: it is the course's pattern, not a trace.
    """
    works = [_Work.of(record, released) for record in sorted(records, key=lambda record: record.student)]
    _number_fragments(works, released)
    same = _same_files(works)
    wanted = _candidates(works, least) | same
    common = _common(works, wanted)
    ranked = []
    for i, j in wanted:
        share = max(common[i, j] / max(works[i].size, 1), common[j, i] / max(works[j].size, 1))
        tokens = min(common[i, j], common[j, i])
        if (i, j) in same or (share >= least and tokens >= LEAST_TOKENS):
            ranked.append((-1.0 if (i, j) in same else -share, -tokens, i, j))
    return [
        _pair(works[i], works[j], -share, -tokens, excerpts=place < _WITH_EXCERPTS, same_file=(i, j) in same)
        for place, (share, tokens, i, j) in enumerate(sorted(ranked))
    ]


# --- what a student wrote --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """One code cell: its text, the same normalised, where each normalised character stood, its fragments' hashes."""

    task: str
    text: str
    normal: str
    offsets: NDArray[np.int64]
    hashes: NDArray[np.int64]

    @classmethod
    def of(cls, task: str, text: str) -> "_Piece":
        return cls(task, text, *_normalised(text))

    def lines(self, start: int, end: int) -> str:
        """The whole source lines of normalised characters ``start`` to ``end``, made fit to be shown."""
        at = np.minimum(np.searchsorted(self.offsets[:, 0], [start, end - 1]), len(self.offsets) - 1)
        low, high = np.array([start, end - 1]) + self.offsets[at, 1]
        first, last = self.text.count("\n", 0, int(low)), self.text.count("\n", 0, int(high))
        shown = self.text.split("\n")[first : last + 1]
        cut = [line if len(line) <= _WIDTH else line[:_WIDTH] + "…" for line in shown[:_LINES]]
        return readable("\n".join(cut + ["…"] * (len(shown) > _LINES)))


@dataclass
class _Work:
    """The code of one student as one long row of fragments.

    Attributes:
        file: fingerprint of the file handed in.
        wrote: whether anything, code or text, differs from what was given.
        ids: number of each fragment, equal if the fragments are; ``at``: where it stands (pieces do not touch).
        counts: whether each fragment counts.
    """

    student: str
    file: str
    wrote: bool
    pieces: list[_Piece]
    ids: NDArray[np.int64]
    at: NDArray[np.int64]
    counts: NDArray[np.bool_]

    @classmethod
    def of(cls, record: Record, released: Mapping[str, str]) -> "_Work":
        tasks = task_of_cells(record.document)
        cells = [cell for cell in record.document.get("cells", []) if written_by_student(cell)]
        own = [(cell, _own_lines(source_of(cell), released.get(cell.get("id", ""), ""))) for cell in cells]
        pieces = [_Piece.of(tasks.get(cell["id"], ""), text) for cell, text in own if cell["cell_type"] == "code"]
        starts = np.cumsum([0, *(len(piece.normal) + GRAM for piece in pieces)])
        at = [start + np.arange(len(piece.hashes)) for start, piece in zip(starts, pieces, strict=False)]
        hashes = np.concatenate([np.array([], dtype=np.int64), *(piece.hashes for piece in pieces)])
        return cls(
            record.student,
            record.made_from.submission,
            any(text.strip() for _cell, text in own),
            pieces,
            hashes,
            np.concatenate([np.array([], dtype=np.int64), *at]),
            np.ones(len(hashes), dtype=bool),
        )

    @cached_property
    def piece_of(self) -> NDArray[np.int64]:
        """Number of the piece in which each fragment stands."""
        return np.repeat(np.arange(len(self.pieces)), [len(piece.hashes) for piece in self.pieces])

    @cached_property
    def size(self) -> int:
        """Tokens in fragments that count."""
        return _covered(self.at[self.counts])

    def shared(self, other: "_Work") -> NDArray[np.bool_]:
        """Which fragments count and stand in the other work too."""
        return self.counts & np.isin(self.ids, other.ids[other.counts], kind="table")


def _own_lines(text: str, given: str) -> str:
    """The lines that are not of the released cell: a stub's last line says nothing about the student."""
    known = {line.strip() for line in given.splitlines()}
    return "\n".join(line for line in text.replace("\r", "\n").split("\n") if line.strip() not in known or not given)


def _normalised(text: str) -> tuple[str, NDArray[np.int64], NDArray[np.int64]]:
    """Normalised code, offsets back to the text, hash of the fragment at each place.

    All fragments are kept: winnowing would choose by hashes that Python salts anew in every process, so the same
    class would get other numbers tomorrow; and a class is small enough to keep all.
    """
    begun = text.lstrip("\n")  # the lexer drops empty lines at the start
    normal, found = filter_code(begun, "cell.py", "python")
    offsets = np.array(found[1:] if len(found) > 1 else found, dtype=np.int64)  # the first entry may be out of order
    offsets[:, 1] += len(text) - len(begun)
    return normal, offsets, np.array(hashed_kgrams(normal, GRAM), dtype=np.int64)


def _number_fragments(works: Sequence[_Work], released: Mapping[str, str]) -> None:
    """Replaces hashes by small numbers and marks those that don't count: what was given, what many wrote."""
    if not works:
        return
    given = np.concatenate([np.array([], dtype=np.int64), *(_normalised(text)[2] for text in released.values())])
    everything = np.concatenate([given, *(work.ids for work in works)])
    known, numbers = np.unique(everything, return_inverse=True)
    ends = np.cumsum([len(given), *(len(work.ids) for work in works)])
    for work, start, end in zip(works, ends, ends[1:], strict=False):
        work.ids = numbers[start:end]
    free = np.ones(len(known), dtype=bool)
    free[numbers[: len(given)]] = False
    voices = {frozenset(found): found for work in works if len(found := np.unique(work.ids[free[work.ids]]))}
    people = np.zeros(len(known), dtype=np.int64)
    for found in voices.values():
        people[found] += 1
    free &= (people < 3) | (3 * people <= len(voices))
    for work in works:
        work.counts = free[work.ids]


# --- comparing -------------------------------------------------------------------------------------------------------


def _candidates(works: Sequence[_Work], least: float) -> set[tuple[int, int]]:
    """Pairs that can reach the share: a fragment covers ``GRAM`` tokens at most. One sparse product for the class."""
    if not works:
        return set()
    rows = np.repeat(np.arange(len(works)), [int(work.counts.sum()) for work in works])
    ids = np.concatenate([work.ids[work.counts] for work in works])
    shape = (len(works), int(ids.max(initial=0)) + 1)
    number = csr_array((np.ones(len(ids), dtype=np.int32), (rows, ids)), shape=shape)
    number.sum_duplicates()
    found = number.copy()
    found.data[:] = 1
    most = GRAM * (number @ found.T).toarray()
    sizes = np.array([[work.size] for work in works])
    within = most >= np.maximum(LEAST_TOKENS, least * sizes)
    return {(int(i), int(j)) for i, j in np.argwhere(np.triu(within | within.T, 1))}


def _same_files(works: Sequence[_Work]) -> set[tuple[int, int]]:
    """Pairs that handed in the same file and wrote something in it."""
    by_file = sorted((work.file, place) for place, work in enumerate(works) if work.wrote and work.file)
    groups = ([place for _file, place in group] for _file, group in groupby(by_file, key=lambda item: item[0]))
    return {pair for places in groups for pair in combinations(places, 2)}


def _common(works: Sequence[_Work], pairs: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Tokens of work i that stand in work j too, for the pairs (i, j) and (j, i)."""
    marked = np.zeros(max((int(work.ids.max(initial=0)) for work in works), default=0) + 1, dtype=bool)
    counted = [(work.ids[work.counts], work.at[work.counts]) for work in works]
    found = {}
    for j, group in groupby(sorted((j, i) for pair in pairs for i, j in (pair, pair[::-1])), key=lambda pair: pair[0]):
        marked[counted[j][0]] = True
        for _j, i in group:
            ids, at = counted[i]
            found[i, j] = _covered(at[marked[ids]])
        marked[counted[j][0]] = False
    return found


def _covered(at: NDArray[np.int64]) -> int:
    """Tokens under fragments that begin at ``at`` (ascending); fragments may overlap."""
    return int(np.minimum(np.diff(at), GRAM).sum()) + GRAM if len(at) else 0


def _pair(one: _Work, two: _Work, share: float, tokens: int, *, excerpts: bool, same_file: bool) -> Pair:
    fragments = _fragments(one, two) if excerpts else ()
    return Pair(one.student, two.student, share, tokens, _tasks_alike(one, two), fragments, same_file)


def _tasks_alike(one: _Work, two: _Work) -> tuple[str, ...]:
    alike = set()
    for a, b in ((one, two), (two, one)):
        shared = a.shared(b)
        for number, piece in enumerate(a.pieces):
            here = a.piece_of == number
            whole, common = _covered(a.at[here & a.counts]), _covered(a.at[here & shared])
            if common >= 2 * GRAM and common >= _TASK_ALIKE * whole:
                alike.add(piece.task)
    return tuple(sorted(alike))


def _fragments(one: _Work, two: _Work) -> tuple[Fragment, ...]:
    """The longest passages in common, side by side."""
    blocks = sorted(_blocks(one, two), reverse=True)[:_EXCERPTS]
    fragments = []
    for length, i, j in blocks:
        (p, start), (q, begin) = _place(one, -i), _place(two, -j)
        first, second = one.pieces[p], two.pieces[q]
        fragments.append(Fragment(first.task, first.lines(start, start + length), second.lines(begin, begin + length)))
    return tuple(fragments)


def _blocks(one: _Work, two: _Work) -> Iterator[tuple[int, int, int]]:
    """Disjoint passages in common: tokens, minus the number of the first fragment in each work (so ties go first)."""
    where: dict[int, list[int]] = {}
    for j in np.flatnonzero(two.counts).tolist():
        where.setdefault(int(two.ids[j]), []).append(j)
    done = 0
    for i in np.flatnonzero(one.shared(two)).tolist():
        if i < done:
            continue
        length, place = max((_run(one, two, i, j), -j) for j in where[int(one.ids[i])][:_PLACES])
        done = i + length
        yield length + GRAM - 1, -i, place


def _run(one: _Work, two: _Work, i: int, j: int) -> int:
    """How many fragments from ``i`` and ``j`` on are the same, within one cell each."""
    a = one.ids[i : np.searchsorted(one.piece_of, one.piece_of[i], side="right")]
    b = two.ids[j : np.searchsorted(two.piece_of, two.piece_of[j], side="right")]
    n = min(len(a), len(b))
    different = np.flatnonzero(a[:n] != b[:n])
    return int(different[0]) if len(different) else n


def _place(work: _Work, i: int) -> tuple[int, int]:
    """Number of the piece of fragment ``i``, and where in it the fragment begins."""
    piece = int(work.piece_of[i])
    return piece, i - int(np.searchsorted(work.piece_of, piece))


# --- telling ---------------------------------------------------------------------------------------------------------


def how_to_read() -> list[str]:
    """What a teacher should know before the first number."""
    return [
        _("这是线索，不是结论：相似只说明两段代码像，不说明谁抄了谁，也不说明有人抄了。"),
        _(
            "“相似份额”是较短的一份代码里，有多少能在另一份中找到；换变量名、改注释和排版不影响它。"
            "发下去的代码、全班三分之一以上的人都写了的片段（至少三人）已经除去。"
        ),
        _("两人都照教材的写法、都直接调用课程函数、一起讨论过思路，都会相似。题目越短，越容易相似。"),
        _("下一步总是同一件：自己把两份并排读一遍，再分别请两位同学讲讲自己的代码，然后才判断。"),
    ]


def next_step(pair: Pair) -> str:
    """What to do about this pair."""
    if pair.same_file:
        return _("两份文件完全相同：先问是不是交错了文件、共用了电脑，再请两人各自讲一遍代码。")
    if len(pair.cells) == 1:
        return _("只有一题相像：对照题目看这种写法是否本来就常见，拿不准再分别请两人讲讲。")
    return _("并排读这几题，留意相同的错误和少见的写法；再分别请两人讲讲自己的思路。")


def table(pairs: Sequence[Pair]) -> Table:
    """The pairs for the terminal."""
    shown = Table(title=_("代码相似的作业"), caption="\n".join(how_to_read()), caption_justify="left")
    for heading in (_("两位同学"), _("相似份额"), _("相同的记号数"), _("题目"), _("下一步")):
        shown.add_column(heading)
    for pair in pairs:
        cells = _("、").join(pair.cells) or "—"
        row = (f"{pair.first} · {pair.second}", f"{pair.share:.0%}", f"{pair.tokens}", cells, next_step(pair))
        shown.add_row(*(Text(readable(text)) for text in row))
    return shown
