"""What the scores of a class say about its tasks.

Classical item analysis, as in Ebel, R. L. & Frisbie, D. A. (1991), *Essentials of Educational Measurement* (5th ed.),
Prentice Hall, ch. 13: difficulty, discrimination, and how to read them. The upper and lower groups are 27 % of the
class (Kelley, T. L. (1939), *Journal of Educational Psychology* 30, 17-24). The figures describe tasks, not people, and
in a small class they move a lot from year to year: advice is something to look at, never a reason to change a score.
"""

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from autograder.records import CellRun, Record, TestRun
from crmlab.i18n import _

HARD, EASY = 0.3, 0.9
"""Mean shares of points under and over which a task is hardly telling anybody apart."""
WEAK = 0.2
"""Discrimination under which Ebel & Frisbie call a task poor."""
STABLE = 30
"""With fewer students a correlation is little more than chance."""
TAIL = 0.27
_COMMON = 0.25  # share of the class from which a misconception is worth a word in class
_BINS = 10
_TOP = 5

# fmt: off
_TASK_COLUMNS = [
    "n", "points", "mean", "p", "sd", "discrimination", "d", "zero", "full", "unanswered",
    "cell_median", "cell_p95", "test_median", "test_p95", "advice",
]
_OVERALL = [
    "students", "counted", "tasks", "points", "mean", "median", "sd", "min", "q1", "q3", "max", "alpha", "need_person",
]
# fmt: on


@dataclass(frozen=True)
class Statistics:
    """The statistics of one assignment. Shares are 0 to 1, times in seconds; what can't be computed is NaN.

    Attributes:
        tasks: a row a task (index ``task``): n students counted, points offered, mean points, p mean share of the
            points (difficulty: high is easy), sd of the share, discrimination (correlation of the share with the
            points of the other tasks), d (mean share of the best 27 % less that of the weakest 27 %), share of
            students with zero points, with full points, without an answer, median and 95 % quantile of the time of the
            student's cells and of the test, advice (tuple of sentences).
        misconceptions: task, hint, students, share: hints told, most frequent first within a task.
        stops: task, reason, students: the five most frequent sentences that stopped a test.
        histogram: low, high, students: ten equal bins of the score.
        overall: one row: students, counted, tasks, points, mean, median, sd, min, q1, q3, max of the score, alpha
            (Cronbach), need_person.
        people: student, reasons: who needs a person.
    """

    tasks: pd.DataFrame
    misconceptions: pd.DataFrame
    stops: pd.DataFrame
    histogram: pd.DataFrame
    overall: pd.DataFrame
    people: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; what can't be computed is None."""
        return {
            "overall": _plain(self.overall)[0],
            "tasks": _plain(self.tasks.reset_index()),
            "misconceptions": _plain(self.misconceptions),
            "stops": _plain(self.stops),
            "histogram": _plain(self.histogram),
            "people": _plain(self.people),
        }


def statistics(records: Sequence[Record], released: Mapping[str, str] | None = None) -> Statistics:
    """The statistics of a class.

    Args:
        records: one per student, of one assignment; the order doesn't matter.
        released: cell id -> text that every student was given. With it a cell that was left as it came counts as no
            answer; without it only an empty one, or one that stopped at the stub's ``NotImplementedError``, does.

    A student with a faulty test (a test that failed, not the student) counts in no figure of points, but is named.
    """
    records = sorted(records, key=lambda record: record.student)
    names = _task_names(records)
    runs = {record.student: {task_of(test): test for test in record.tests} for record in records}
    sound = [s for s, tests in runs.items() if set(tests) == set(names) and not any(t.fault for t in tests.values())]
    students = pd.Index(sound, name="student")
    points = pd.Series({name: _offered(records, name) for name in names}, dtype=float)
    scores = pd.DataFrame({n: [runs[s][n].score for s in sound] for n in names}, students, dtype=float, columns=names)
    hints = _hints(records)
    return Statistics(
        tasks=_tasks(records, released or {}, scores, points, hints),
        misconceptions=hints,
        stops=_stops(records),
        histogram=histogram(_totals(scores), points.sum()),
        overall=_overall(records, scores, points),
        people=pd.DataFrame(
            [(record.student, tuple(_reasons(record))) for record in records if _reasons(record)],
            columns=["student", "reasons"],
        ),
    )


# --- cells and tasks, shared with the report on similar work ---------------------------------------------------------


def task_of(test: TestRun) -> str:
    """The name of a test's task: "a04-2-test" tests "a04-2"."""
    return test.cell.removesuffix("-test")


def source_of(cell: Mapping[str, Any]) -> str:
    """The text of a cell; nbformat keeps it as a text or as a list of lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def written_by_student(cell: Mapping[str, Any]) -> bool:
    """Whether the student wrote the cell: a solution, or a cell of the student's own."""
    return bool(_marks(cell).get("solution")) or str(cell.get("id", "")).startswith("own-")


def task_of_cells(document: Mapping[str, Any]) -> dict[str, str]:
    """Cell id -> task, for all cells up to the last test: a task's cells stand between the test before and its own.

    A cell that a person grades is a task by itself.
    """
    found: dict[str, str] = {}
    waiting: list[str] = []
    for cell in document.get("cells", []):
        marks = _marks(cell)
        if marks.get("grade") and not marks.get("solution"):
            found |= dict.fromkeys(waiting, str(marks.get("grade_id", "")).removesuffix("-test"))
            waiting = []
        elif marks.get("grade"):
            found[cell["id"]] = str(marks.get("grade_id", ""))
        else:
            waiting.append(cell.get("id", ""))
    return found


def readable(text: str) -> str:
    """``text`` without signs that steer a terminal or turn the direction of writing."""
    steering = {sign for sign in text if unicodedata.category(sign)[0] == "C" and sign not in "\n\t"}
    return text.translate(dict.fromkeys(map(ord, steering), "\N{REPLACEMENT CHARACTER}"))


def _marks(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    return cell.get("metadata", {}).get("nbgrader", {})


def _task_names(records: Sequence[Record]) -> list[str]:
    """All tasks, in the order of the notebook that has most of them."""
    fullest = max(records, key=lambda record: len(record.tests), default=None)
    return [task_of(test) for test in fullest.tests] if fullest else []


def _offered(records: Sequence[Record], name: str) -> float:
    return next(test.points for record in records for test in record.tests if task_of(test) == name)


# --- figures ---------------------------------------------------------------------------------------------------------


def discrimination(share: pd.Series, rest: pd.Series) -> float:
    """Correlation of a task's share with the points of all *other* tasks; NaN if either is the same for everybody.

    The other tasks only: a task with many points would else correlate with itself.

    >>> round(discrimination(pd.Series([0, 0.5, 1, 1]), pd.Series([1, 2, 4, 3])), 3)
    0.944
    """
    if len(share) < 2 or _constant(share) or _constant(rest):
        return math.nan
    return float(np.corrcoef(share, rest)[0, 1])


def upper_lower(share: pd.Series, total: pd.Series, tail: float = TAIL) -> float:
    """Mean share of the best ``tail`` of the class less that of the weakest, -1 to 1; NaN below two students.

    Students tied at the border belong to the group in part, so nobody's name decides.

    >>> upper_lower(pd.Series([0.0, 0.5, 0.5, 1.0]), pd.Series([1, 2, 3, 4]))
    1.0
    """
    if len(share) < 2:
        return math.nan
    size = max(1, round(tail * len(share)))
    return _mean_of_best(share, total, size) - _mean_of_best(share, -total, size)


def cronbach_alpha(scores: pd.DataFrame) -> float:
    """Internal consistency of the tasks (columns) over students (rows).

    k / (k - 1) * (1 - sum of the tasks' variances / variance of the sum); NaN below two tasks or students, or if all
    sums are equal.

    >>> round(cronbach_alpha(pd.DataFrame({"a": [1, 2, 3], "b": [2, 4, 6]})), 3)
    0.889
    """
    total = scores.sum(axis=1)
    k = scores.shape[1]
    if k < 2 or len(scores) < 2 or _constant(total):
        return math.nan
    return float(k / (k - 1) * (1 - scores.var(ddof=1).sum() / total.var(ddof=1)))


def histogram(totals: pd.Series, most: float) -> pd.DataFrame:
    """Students in each of ten equal bins from 0 to ``most`` points; the upper edge belongs to the next bin.

    >>> histogram(pd.Series([0.0, 9.9, 10.0]), 10)["students"].tolist()
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    """
    edges = np.linspace(0, most or 1, _BINS + 1).round(4)
    number, _edges = np.histogram(totals, bins=edges)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "students": number})


def _totals(scores: pd.DataFrame) -> pd.Series:
    """Points of each student, rounded as :attr:`Record.score` is."""
    return scores.sum(axis=1).astype(float).round(2)


def _mean_of_best(share: pd.Series, order: pd.Series, size: int) -> float:
    border = order.nlargest(size).iloc[-1]
    above, tied = order > border, order == border
    weight = above + tied * (size - above.sum()) / tied.sum()
    return float((share * weight).sum() / size)


def _constant(values: pd.Series) -> bool:
    """Whether all are the same but for rounding: a variance of 1e-32 would give a correlation of nothing."""
    return bool(np.ptp(values) < 1e-9)


# --- frames ----------------------------------------------------------------------------------------------------------


def _tasks(
    records: Sequence[Record],
    released: Mapping[str, str],
    scores: pd.DataFrame,
    points: pd.Series,
    hints: pd.DataFrame,
) -> pd.DataFrame:
    total = _totals(scores)
    rows = {}
    seconds = _seconds(records)
    unanswered = _unanswered(records, released)
    for name in scores.columns:
        share = scores[name] / points[name] if points[name] else scores[name] * math.nan
        row: dict[str, Any] = {
            "n": len(share),
            "points": points[name],
            "mean": scores[name].mean(),
            "p": share.mean(),
            "sd": share.std(ddof=1),
            "discrimination": discrimination(share, total - scores[name]),
            "d": upper_lower(share, total),
            "zero": (scores[name] <= 0).mean(),
            "full": (scores[name] >= points[name] - 1e-9).mean(),
            "unanswered": unanswered.get(name, 0) / len(records),
            **{column: seconds[column].get(name, math.nan) for column in seconds},
        }
        rows[name] = row | {"advice": advice(row, hints[hints["task"] == name])}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=_TASK_COLUMNS)
    return frame.rename_axis("task")


def advice(task: Mapping[str, Any], hints: pd.DataFrame) -> tuple[str, ...]:
    """What to look at in a task (a row of ``tasks``), by the usual rules of item analysis."""
    told: list[str] = []
    p, r = task["p"], task["discrimination"]
    if p < HARD:
        told.append(_("很难（平均得分率 {p:.0%}）：看看题目是否说清楚了，课上是否练过。").format(p=p))
    if p > EASY:
        told.append(_("很易（平均得分率 {p:.0%}）：作为热身合适，但分不出谁还没学会。").format(p=p))
    if r < -WEAK / 2:
        told.append(_("其他题做得好的同学，这题反而得分低（{r:.2f}）：先核对参考答案和测试。").format(r=r))
    elif r < WEAK:
        told.append(_("区分度低（{r:.2f}）：看看它考的是否与其他题不同，或者大家都差不多。").format(r=r))
    if task["unanswered"] > HARD:
        told.append(_("{share:.0%} 的人没有作答：看看时间是否够、题目是否找得到。").format(share=task["unanswered"]))
    for row in hints[hints["share"] >= _COMMON].head(1).itertuples():
        told.append(_("{n} 人犯了同一个错，值得在课上讲：{hint}").format(n=row.students, hint=row.hint))
    if told and task["n"] < STABLE:
        told.append(_("只有 {n} 人，数字容易偶然偏大偏小。").format(n=task["n"]))
    return tuple(told)


def _hints(records: Sequence[Record]) -> pd.DataFrame:
    """Task, hint, students, share: a student who was told the same twice counts once."""
    told = [
        (task_of(test), part.hint, record.student)
        for record in records
        for test in record.tests
        for part in test.parts
        if part.hint and part.earned < part.offered - 1e-9
    ]
    found = _count(told, ["task", "hint"], _task_names(records))
    return found.assign(share=found["students"] / max(len(records), 1))


def _stops(records: Sequence[Record]) -> pd.DataFrame:
    told = [(task_of(test), test.stopped, record.student) for record in records for test in record.tests]
    found = _count([row for row in told if row[1]], ["task", "reason"], _task_names(records))
    return found.sort_values("students", ascending=False, kind="stable").head(_TOP).reset_index(drop=True)


def _count(rows: list[tuple[str, str, str]], keys: list[str], tasks: list[str]) -> pd.DataFrame:
    """Number of different students for each pair of keys; tasks in order, most students first."""
    counts: dict[tuple[str, str], set[str]] = {}
    for task, text, student in rows:
        counts.setdefault((task, text), set()).add(student)
    place = {task: number for number, task in enumerate(tasks)}
    ordered = sorted(counts, key=lambda key: (place.get(key[0], len(place)), -len(counts[key]), key[1]))
    found = [(*key, len(counts[key])) for key in ordered]
    return pd.DataFrame(found, columns=[*keys, "students"]).astype({"students": int})


def _unanswered(records: Sequence[Record], released: Mapping[str, str]) -> dict[str, int]:
    """Task -> number of students who answered none of its solution cells and added no cell of their own."""
    found: dict[str, int] = {}
    for record in records:
        tasks, runs = task_of_cells(record.document), {run.cell: run for run in record.cells}
        answered: dict[str, bool] = {}
        for cell in record.document.get("cells", []):
            if written_by_student(cell) and cell["cell_type"] == "code" and cell["id"] in tasks:
                task = tasks[cell["id"]]
                answered[task] = answered.get(task, False) or _answered(cell, released, runs.get(cell["id"]))
        for task, yes in answered.items():
            found[task] = found.get(task, 0) + (not yes)
    return found


def _answered(cell: Mapping[str, Any], released: Mapping[str, str], run: CellRun | None) -> bool:
    text = source_of(cell).strip()
    stub = run is not None and run.status == "error" and run.note.startswith("NotImplementedError")
    return bool(text) and not stub and text != released.get(cell["id"], "").strip()


def _seconds(records: Sequence[Record]) -> dict[str, pd.Series]:
    """Median and 95 % quantile of seconds, by task: of the student's own cells, and of the test."""
    cells: list[tuple[str, float]] = []
    for record in records:
        tasks = task_of_cells(record.document)
        own = {cell["id"] for cell in record.document.get("cells", []) if written_by_student(cell)}
        spent: dict[str, float] = {}
        for run in record.cells:
            if run.cell in own and run.cell in tasks and run.status != "not run":
                spent[tasks[run.cell]] = spent.get(tasks[run.cell], 0.0) + run.seconds
        cells += spent.items()
    tests = [(task_of(test), test.seconds) for record in records for test in record.tests]
    return {
        f"{kind}_{name}": pd.DataFrame(rows, columns=["task", "s"])
        .astype({"s": float})
        .groupby("task")["s"]
        .quantile(level)
        for kind, rows in (("cell", cells), ("test", tests))
        for name, level in (("median", 0.5), ("p95", 0.95))
    }


def _overall(records: Sequence[Record], scores: pd.DataFrame, points: pd.Series) -> pd.DataFrame:
    total = _totals(scores)
    quartiles = total.quantile([0, 0.25, 0.5, 0.75, 1]).to_numpy()
    row = {
        "students": len(records),
        "counted": len(scores),
        "tasks": len(points),
        "points": points.sum(),
        "mean": total.mean(),
        "sd": total.std(ddof=1),
        **dict(zip(["min", "q1", "median", "q3", "max"], quartiles, strict=True)),
        "alpha": cronbach_alpha(scores),
        "need_person": sum(bool(_reasons(record)) for record in records),
    }
    return pd.DataFrame([row], columns=_OVERALL)


def _reasons(record: Record) -> list[str]:
    return [*record.look, *(f"{test.cell}: {test.fault}" for test in record.tests if test.fault)]


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object).to_dict("records")
    return [{key: _number(value) for key, value in row.items()} for row in rows]


def _number(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return list(value) if isinstance(value, tuple) else value


# --- telling ---------------------------------------------------------------------------------------------------------

Format = Callable[[float], str]


def number(digits: int) -> Format:
    """Writes a number with so many digits, a dash for NaN."""
    return lambda value: "—" if math.isnan(value) else f"{value:.{digits}f}"


def percent(value: float) -> str:
    """0.614 as 61 %, a dash for NaN."""
    return "—" if math.isnan(value) else f"{value:.0%}"


def headings() -> dict[str, tuple[str, Format]]:
    """Columns of ``tasks`` that hold a number: what they are called and how they are written."""
    return {
        "points": (_("满分"), number(1)),
        "p": (_("得分率"), percent),
        "sd": (_("标准差"), number(2)),
        "discrimination": (_("区分度"), number(2)),
        "d": (_("高低组差"), number(2)),
        "zero": (_("零分"), percent),
        "full": (_("满分者"), percent),
        "unanswered": (_("未作答"), percent),
        "cell_median": (_("代码用时"), number(2)),
        "cell_p95": (_("代码 95%"), number(2)),
        "test_median": (_("测试用时"), number(2)),
        "test_p95": (_("测试 95%"), number(2)),
    }


def summary(found: Statistics) -> str:
    """The whole assignment in a sentence or two."""
    row = found.overall.iloc[0]
    if not row["counted"]:
        return _("还没有可以统计的成绩。")
    one = number(1)
    told = _(
        "{counted} 人计入统计（共 {students} 人，{need_person} 人的作业要人看），满分 {points:g}："
        "平均 {mean}，标准差 {sd}，中位数 {median}，四分位数 {q1}～{q3}。"
    ).format(
        **{name: int(row[name]) for name in ("counted", "students", "need_person")},
        **{name: one(row[name]) for name in ("mean", "sd", "median", "q1", "q3")},
        points=row["points"],
    )
    if math.isnan(row["alpha"]):
        return told
    return told + _("各题的一致性（克龙巴赫 α）{alpha:.2f}。").format(alpha=row["alpha"])


def tables(found: Statistics) -> list[Table]:
    """The statistics for the terminal: tasks, what to look at, misconceptions, what stopped tests, who needs a person."""
    numbers = [
        (str(name), *(form(row[column]) for column, (_title, form) in headings().items()))
        for name, row in found.tasks.iterrows()
    ]
    look = [(str(name), text) for name, told in found.tasks["advice"].items() for text in told]
    wrong = [(row.task, row.hint, f"{row.students}", percent(row.share)) for row in found.misconceptions.itertuples()]
    stops = [(row.task, row.reason, f"{row.students}") for row in found.stops.itertuples()]
    people = [(row.student, _("；").join(row.reasons)) for row in found.people.itertuples()]
    titles = [title for title, _form in headings().values()]
    every = [
        _table(_("各题"), [_("题目"), *titles], numbers, caption=summary(found)),
        _table(_("值得看一看"), [_("题目"), _("看什么")], look),
        _table(_("遇到的误解"), [_("题目"), _("提示"), _("人数"), _("占比")], wrong),
        _table(_("测试为什么停下"), [_("题目"), _("原因"), _("人数")], stops),
        _table(_("要人看的作业"), [_("学生"), _("原因")], people),
    ]
    return [every[0], *(table for table in every[1:] if table.row_count)]


def _table(title: str, columns: list[str], rows: Sequence[tuple[str, ...]], caption: str | None = None) -> Table:
    table = Table(title=title, caption=caption, caption_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(readable(text)) for text in row))
    return table
