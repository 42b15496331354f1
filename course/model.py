"""The course as one model: ``load()`` reads ``course.yml``, the only place where its structure is described.

Everything that depends on the structure (table of contents, syllabus, releases, marks, attainment) asks the
:class:`Course` made here. A mistake in the file is told as ``course.yml:LINE: what is wrong; what to do``, all mistakes
of the file at once.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

Status = Literal["written", "planned"]
Grading = Literal["auto", "rubric"]
Source = Literal["assignments", "exercises", "capstone", "project", "exam", "manual"]

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
ObjectiveId = Annotated[str, StringConstraints(pattern=r"^CO[1-9]$")]
ChapterId = Annotated[str, StringConstraints(pattern=r"^\d\d-[a-z][a-z0-9-]*$")]
SectionId = Annotated[str, StringConstraints(pattern=r"^\d\d-[1-9]\d*$")]
ExerciseId = Annotated[str, StringConstraints(pattern=r"^ex-\d\d-[1-9]\d*$")]
AssignmentId = Annotated[str, StringConstraints(pattern=r"^a\d\d-[a-z][a-z0-9-]*$")]
TaskId = Annotated[str, StringConstraints(pattern=r"^a\d\d-[1-9]\d*$")]
TrackId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*-\d+$")]
PlaceId = Annotated[str, StringConstraints(pattern=r"^\d\d-([a-z][a-z0-9-]*|[1-9]\d*)$")]  # chapter or section
ItemId = Annotated[str, StringConstraints(pattern=r"^(a\d\d-[a-z][a-z0-9-]*|ex-\d\d-[1-9]\d*)$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Weight = Annotated[Decimal, Field(gt=0, le=1)]
Positive = Annotated[int, Field(gt=0)]

MINUTES_PER_HOUR = 45  # a class hour (学时)
CAPSTONE = "13-capstone"

# What each pattern above looks like, for the error sentence.
ID_EXAMPLES = {
    r"^CO[1-9]$": "CO1",
    r"^\d\d-([a-z][a-z0-9-]*|[1-9]\d*)$": "04-segmentation / 04-1",
    r"^(a\d\d-[a-z][a-z0-9-]*|ex-\d\d-[1-9]\d*)$": "a04-segmentation / ex-04-1",
    r"^\d\d-[a-z][a-z0-9-]*$": "04-segmentation",
    r"^\d\d-[1-9]\d*$": "04-1",
    r"^ex-\d\d-[1-9]\d*$": "ex-04-1",
    r"^a\d\d-[a-z][a-z0-9-]*$": "a04-segmentation",
    r"^a\d\d-[1-9]\d*$": "a04-1",
    r"^[a-z][a-z-]*-\d+$": "marketing-48",
    r"^[a-z][a-z0-9-]*$": "ecommerce",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ability(_Part):
    """One thing that an objective says a learner can do, and where exactly it is taught, exercised and assessed.

    ``exercised`` names exercises, or a chapter for its group task in class; ``assessed`` names tasks, or an assignment
    whose tasks are not written yet.
    """

    text: Text
    taught: tuple[SectionId, ...] = Field(min_length=1)
    exercised: tuple[ExerciseId | ChapterId, ...] = Field(min_length=1)
    assessed: tuple[TaskId | AssignmentId, ...] = Field(min_length=1)


class Objective(_Part):
    """What a learner is able to do at the end (课程目标), and which graduation indicators it supports."""

    id: ObjectiveId
    title: Text
    text: Text
    indicators: tuple[Text, ...] = Field(min_length=1)
    expected: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.65")
    abilities: tuple[Ability, ...] = ()


class Section(_Part):
    """One heading of a chapter; ``topics`` are what it has to teach."""

    id: SectionId
    title: Text
    minutes: Positive
    short: bool = False
    objectives: tuple[ObjectiveId, ...] = Field(min_length=1)
    topics: tuple[Text, ...] = ()


class Exercise(_Part):
    """A widget exercise inside a chapter."""

    id: ExerciseId
    title: Text
    sections: tuple[SectionId, ...] = Field(min_length=1)
    objectives: tuple[ObjectiveId, ...] = Field(min_length=1)


class Chapter(_Part):
    """One notebook ``chapters/<id>.ipynb``."""

    id: ChapterId
    title: Text
    subtitle: Text
    status: Status
    minutes: Positive
    datasets: tuple[Slug, ...]
    prerequisites: tuple[ChapterId, ...]
    objectives: tuple[ObjectiveId, ...] = Field(min_length=1)
    sections: tuple[Section, ...] = Field(min_length=1)
    exercises: tuple[Exercise, ...]
    assignment: AssignmentId | None = None

    @property
    def number(self) -> str:
        """``"04"``"""
        return self.id[:2]

    @property
    def written(self) -> bool:
        return self.status == "written"


class Task(_Part):
    """One graded task of an assignment; ``grading`` is by tests or by a person with a rubric."""

    id: TaskId
    title: Text
    points: Positive
    objectives: tuple[ObjectiveId, ...] = Field(min_length=1)
    grading: Grading


class Assignment(_Part):
    """One folder ``assignments/<id>/``."""

    id: AssignmentId
    title: Text
    chapter: ChapterId
    status: Status
    minutes: Positive
    points: Positive
    objectives: tuple[ObjectiveId, ...] = Field(min_length=1)
    tasks: tuple[Task, ...]

    @property
    def written(self) -> bool:
        return self.status == "written"


class Unit(_Part):
    """A teaching unit of a track: class hours and the chapters or sections it covers, in order."""

    title: Text
    hours: Positive
    covers: tuple[PlaceId, ...] = Field(min_length=1)


class Mark(_Part):
    """A node of the marking scheme: ``weight`` within its parent, and either ``parts`` or a ``source``.

    ``items`` narrows the source to the named assignments or exercises; empty means all of the track.
    """

    title: Text
    weight: Weight
    source: Source | None = None
    items: tuple[ItemId, ...] = ()
    parts: tuple["Mark", ...] = ()

    def leaves(self, share: Decimal = Decimal(1)) -> Iterator[tuple["Mark", Decimal]]:
        """Each leaf below (or this one) with its weight in the final mark, as an exact decimal."""
        total = share * self.weight
        if not self.parts:
            yield self, total
        for part in self.parts:
            yield from part.leaves(total)


class Track(_Part):
    """A way through the course: what is taught in which order and hours, what is assessed, what counts how much."""

    id: TrackId
    title: Text
    audience: Text
    hours: Positive
    credits: Positive | None = None
    short: bool = False
    contingency: Annotated[int, Field(ge=0)] = 0
    project: Text | None = None
    units: tuple[Unit, ...] = Field(min_length=1)
    assignments: tuple[AssignmentId, ...] = Field(min_length=1)
    marks: tuple[Mark, ...] = Field(min_length=1)

    def mark_leaves(self) -> list[tuple[Mark, Decimal]]:
        """The leaves of the marking scheme with their weight in the final mark; the weights sum to exactly 1."""
        return [leaf for mark in self.marks for leaf in mark.leaves()]


class Course(_Part):
    """The whole course. Lookups by id raise :class:`CourseError` naming the closest known id."""

    title: Text
    subtitle: Text
    language: Text
    default_track: TrackId
    objectives: tuple[Objective, ...] = Field(min_length=1)
    chapters: tuple[Chapter, ...] = Field(min_length=1)
    assignments: tuple[Assignment, ...]
    tracks: tuple[Track, ...] = Field(min_length=1)

    @cached_property
    def _by_id(self) -> dict[str, dict[str, Any]]:
        return {
            "objective": {o.id: o for o in self.objectives},
            "chapter": {c.id: c for c in self.chapters},
            "section": {s.id: s for c in self.chapters for s in c.sections},
            "exercise": {e.id: e for c in self.chapters for e in c.exercises},
            "assignment": {a.id: a for a in self.assignments},
            "task": {t.id: t for a in self.assignments for t in a.tasks},
            "track": {t.id: t for t in self.tracks},
        }

    def _find(self, kind: str, wanted: str) -> Any:
        known = self._by_id[kind]
        if wanted not in known:
            raise CourseError(
                _("course.yml 里没有 {kind} {wanted}，{hint}").format(
                    kind=kind_name(kind), wanted=wanted, hint=_closest(wanted, known)
                )
            )
        return known[wanted]

    def objective(self, objective_id: str) -> Objective:
        return self._find("objective", objective_id)

    def chapter(self, chapter_id: str) -> Chapter:
        return self._find("chapter", chapter_id)

    def section(self, section_id: str) -> Section:
        return self._find("section", section_id)

    def exercise(self, exercise_id: str) -> Exercise:
        return self._find("exercise", exercise_id)

    def assignment(self, assignment_id: str) -> Assignment:
        return self._find("assignment", assignment_id)

    def task(self, task_id: str) -> Task:
        return self._find("task", task_id)

    def track(self, track_id: str | None = None) -> Track:
        """The track of that id; the default track for ``None``."""
        return self._find("track", track_id or self.default_track)

    def chapter_of(self, part_id: str) -> Chapter:
        """The chapter that holds a section or an exercise id (or has this chapter id)."""
        number = re.sub(r"^ex-", "", part_id)[:2]
        for chapter in self.chapters:
            if chapter.number == number:
                return chapter
        return self._find("chapter", part_id)

    def unit_sections(self, track: Track, unit: Unit) -> list[Section]:
        """What one unit teaches, in order. A short track takes only the short sections of a whole chapter."""
        taught: list[Section] = []
        for name in unit.covers:
            if name in self._by_id["section"]:
                taught.append(self.section(name))
            else:
                sections = self.chapter(name).sections
                taught.extend(s for s in sections if s.short or not track.short)
        return taught

    def sections_of(self, track: Track) -> list[Section]:
        """All sections that a track teaches, in the order of its units."""
        return [section for unit in track.units for section in self.unit_sections(track, unit)]

    def chapters_of(self, track: Track) -> list[Chapter]:
        """The chapters a track uses, in the order in which it first needs them."""
        return list({c.id: c for c in map(self.chapter_of, (s.id for s in self.sections_of(track)))}.values())

    def exercises_of(self, track: Track) -> list[Exercise]:
        """The exercises of a track: those with at least one section that it teaches, in teaching order."""
        return self.exercises_in(self.sections_of(track))

    def exercises_in(self, sections: Sequence[Section]) -> list[Exercise]:
        """The exercises that belong to any of these sections, in the order of the sections."""
        found: dict[str, Exercise] = {}
        for section in sections:
            for exercise in self.chapter_of(section.id).exercises:
                if section.id in exercise.sections:
                    found[exercise.id] = exercise
        return list(found.values())

    def assignments_of(self, track: Track) -> list[Assignment]:
        """The assignments of a track, in its order."""
        return [self.assignment(name) for name in track.assignments]

    def assignments_for(self, track: Track, unit: Unit) -> list[Assignment]:
        """The track's assignments that fall due in a unit: the last unit that teaches something of their chapter."""
        due = []
        for assignment in self.assignments_of(track):
            chapter = self.chapter(assignment.chapter)
            homes = [u for u in track.units if chapter in self._chapters_in(track, u)]
            if homes and homes[-1] is unit:
                due.append(assignment)
        return due

    def _chapters_in(self, track: Track, unit: Unit) -> list[Chapter]:
        return [self.chapter_of(section.id) for section in self.unit_sections(track, unit)]

    def written_chapters(self) -> list[Chapter]:
        return [c for c in self.chapters if c.written]

    def planned_chapters(self) -> list[Chapter]:
        return [c for c in self.chapters if not c.written]


# --------------------------------------------------------------------------------------------- reading the file

Path_ = tuple[str | int, ...]
Root = TypeVar("Root", bound=BaseModel)


@dataclass(frozen=True, order=True)
class Finding:
    """One mistake: a file (relative to the course root), a line in it (from 1), one sentence with its remedy."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class CourseFileError(CourseError):
    """``course.yml`` is wrong; ``findings`` lists every mistake, the text has one line for each."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, findings)))


def load(path: Path | None = None) -> Course:
    """Read and check ``course.yml`` (of the course root unless ``path`` is given).

    Raises:
        CourseFileError: with every mistake found, each with its line and what to do.
    """
    return load_with_lines(path)[0]


def load_with_lines(path: Path | None = None) -> tuple[Course, "Lines"]:
    """As :func:`load`, with the line of each entry, for checks that compare other files with it."""
    file = path or course_root() / "course.yml"
    course, lines = parse(file, file.name, Course)
    findings = sorted(set(_reference_findings(course, lines)))
    if findings:
        raise CourseFileError(findings)
    return course, lines


def parse(file: Path, name: str, model: type[Root]) -> tuple[Root, "Lines"]:
    """Read a YAML file into a model; ``name`` is what its findings call it."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(_("找不到 {file}，请在课程根目录运行，或从版本库恢复这个文件").format(file=file)) from None
    except UnicodeDecodeError:
        raise CourseFileError([Finding(name, 1, _("不是 UTF-8 编码的文本，请另存为 UTF-8"))]) from None
    parsed, lines = _parse(text, name, model)
    assert isinstance(parsed, model)
    return parsed, lines


@lru_cache(maxsize=16)  # several parts of one run read the same file, and each reading takes a third of a second
def _parse(text: str, name: str, model: type[BaseModel]) -> tuple[BaseModel, "Lines"]:
    document = _read_yaml(text, name)
    lines = Lines(name, document)
    try:
        return model.model_validate(_plain(document)), lines
    except ValidationError as error:
        raise CourseFileError(sorted(set(_structure_findings(error, lines, model)))) from None


def _read_yaml(text: str, name: str) -> CommentedMap | CommentedSeq:
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = _("不是有效的 YAML（{problem}），请检查这一行的缩进、冒号、引号和重复的键").format(
            problem=str(error.problem).splitlines()[0]
        )
        raise CourseFileError([Finding(name, mark.line + 1 if mark else 1, message)]) from None
    if not isinstance(document, CommentedMap | CommentedSeq):
        raise CourseFileError([Finding(name, 1, _("文件里没有内容，请从版本库恢复"))])
    return document


def _plain(node: Any) -> Any:
    """ruamel's containers and scalars as builtins; floats as their exact decimal text."""
    if isinstance(node, CommentedMap):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    if isinstance(node, float):
        return Decimal(repr(float(node)))
    if isinstance(node, bool) or node is None:
        return node
    return int(node) if isinstance(node, int) else str(node)


class Lines:
    """Where each entry stands in the YAML file."""

    def __init__(self, file: str, document: CommentedMap | CommentedSeq) -> None:
        self.file = file
        self._document = document

    def at(self, where: Path_) -> int:
        """The line (from 1) of the entry; of its nearest parent when the entry itself is missing."""
        node: Any = self._document
        line = 1
        for key in where:
            if isinstance(node, CommentedMap) and key in node:
                line = node.lc.key(key)[0] + 1
            elif isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node):
                line = node.lc.item(key)[0] + 1
            else:
                break
            node = node[key]
        return line

    def of(self, part_id: str) -> int:
        """The line on which the entry with this id begins (1 when there is none)."""
        return self._ids.get(part_id, 1)

    @cached_property
    def _ids(self) -> dict[str, int]:
        found: dict[str, int] = {}

        def walk(node: Any) -> None:
            if isinstance(node, CommentedMap):
                if "id" in node:
                    found.setdefault(str(node["id"]), node.lc.key("id")[0] + 1)
                for value in node.values():
                    walk(value)
            elif isinstance(node, CommentedSeq):
                for value in node:
                    walk(value)

        walk(self._document)
        return found

    def finding(self, where: Path_, message: str) -> Finding:
        return Finding(self.file, self.at(where), message)


# ------------------------------------------------------------------------------------ mistakes of form (pydantic)


def _structure_findings(error: ValidationError, lines: Lines, root: type[BaseModel]) -> Iterator[Finding]:
    details = [detail for detail in error.errors(include_url=False) if not _follows(detail)]
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    for detail in details:
        where = detail["loc"]
        if detail["type"] == "missing" and any(_misspells(other, where) for other in unknown):
            continue  # told already, as an unknown key that is close to this one
        yield lines.finding(where, _structure_sentence(detail, where, root))


def _follows(detail: Any) -> bool:
    """Whether a list is called too short only because its members are wrong, which is told anyway."""
    return detail["type"] == "too_short" and len(detail["input"]) > 0


def _misspells(unknown: Path_, missing: Path_) -> bool:
    """Whether two keys of one mapping are so alike that the one must be meant for the other."""
    same = unknown[:-1] == missing[:-1]
    return same and bool(difflib.get_close_matches(str(unknown[-1]), [str(missing[-1])], cutoff=0.5))


def _structure_sentence(detail: Any, where: Path_, root: type[BaseModel]) -> str:
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    key = next((str(step) for step in reversed(where) if isinstance(step, str)), "")
    if kind == "extra_forbidden":
        return _("不认识的键 {key}，{hint}").format(key=key, hint=_closest(key, _known_keys(where[:-1], root)))
    if kind == "missing":
        return _("缺少键 {key}，请补上").format(key=key)
    if value is None or kind in {"too_short", "string_too_short"}:
        return _("{key} 是空的，请填写").format(key=key)
    if kind == "string_pattern_mismatch":
        example = ID_EXAMPLES[context["pattern"]]
        return _("{key} 的值 {value} 不合编号规则，请写成 {example} 这样").format(key=key, value=value, example=example)
    if kind == "literal_error":
        expected = re.findall(r"'([^']*)'", str(context["expected"]))
        return _("{key} 的值 {value} 不在允许的范围内，请改成 {expected} 之一").format(
            key=key, value=value, expected=_("、").join(expected)
        )
    if kind in {"greater_than", "greater_than_equal", "less_than_equal"}:
        return _("{key} 的值 {value} 超出范围，{rule}").format(key=key, value=value, rule=_range_rule(kind, context))
    return _("{key} 的值 {value} 类型不对，{rule}").format(key=key, value=value, rule=_type_rule(kind))


def _type_rule(kind: str) -> str:
    """What kind of value pydantic wants, by the beginning of its error's name."""
    rules = {
        "int": _("请改成整数"),
        "decimal": _("请改成数"),
        "bool": _("请改成 true 或 false"),
        "string": _("请改成文字，必要时加引号"),
        "tuple": _("请改成方括号里的列表"),
        "model": _("请改成“键: 值”的映射"),
    }
    return rules.get(kind.partition("_")[0], _("请对照同名的其他键改写"))


def _range_rule(kind: str, context: dict[str, Any]) -> str:
    if kind == "greater_than":
        return _("请改成大于 {limit} 的数").format(limit=context["gt"])
    if kind == "greater_than_equal":
        return _("请改成不小于 {limit} 的数").format(limit=context["ge"])
    return _("请改成不大于 {limit} 的数").format(limit=context["le"])


def _known_keys(where: Path_, root: type[BaseModel]) -> list[str]:
    """The keys of the model at ``where``, found by walking the annotations from the root."""
    model = root
    for step in ("root", *where) if "root" in root.model_fields else where:
        if isinstance(step, str):
            model = _model_in(model.model_fields[step].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``tuple[Model, ...]`` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _closest(wanted: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest known one, or all of them when they are few."""
    names = sorted(known)
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
    if near:
        return _("是不是想写 {name}？请改正").format(name=near[0])
    if len(names) <= 20:
        return _("请改成 {names} 之一，或删去").format(names=_("、").join(names))
    return _("请改成已有的编号，或先把它写进 course.yml")


# ------------------------------------------------------------------------------- contradictions between entries


def kind_name(kind: str) -> str:
    """The Chinese word for a kind of entry."""
    return {
        "objective": _("课程目标"),
        "chapter": _("章"),
        "section": _("节"),
        "exercise": _("练习"),
        "assignment": _("作业"),
        "task": _("任务"),
        "track": _("方案"),
    }[kind]


def _reference_findings(course: Course, lines: Lines) -> Iterator[Finding]:
    """In two steps: references can be followed only where each id names one entry in its place."""
    checks: tuple[Callable[[Course, Lines], Iterator[Finding]], ...] = (
        _ability_references,
        _chapter_references,
        _assignment_references,
        _track_references,
        _hours,
        _marks,
    )
    misnamed = [*_duplicates(course, lines), *_chapter_numbers(course, lines), *_numbering(course, lines)]
    yield from misnamed
    for check in () if misnamed else checks:
        yield from check(course, lines)


def _unknown(course: Course, lines: Lines, where: Path_, kind: str, names: Iterable[str]) -> Iterator[Finding]:
    known = course._by_id[kind]
    for place, name in enumerate(names):
        if name not in known:
            yield lines.finding(
                (*where, place),
                _("{kind} {name} 不存在，{hint}").format(kind=kind_name(kind), name=name, hint=_closest(name, known)),
            )


def _walk(course: Course) -> Iterator[tuple[Path_, str, str]]:
    """(path, kind, id) of every entry that has an id."""
    for i, objective in enumerate(course.objectives):
        yield ("objectives", i), "objective", objective.id
    for i, chapter in enumerate(course.chapters):
        yield ("chapters", i), "chapter", chapter.id
        for j, section in enumerate(chapter.sections):
            yield ("chapters", i, "sections", j), "section", section.id
        for j, exercise in enumerate(chapter.exercises):
            yield ("chapters", i, "exercises", j), "exercise", exercise.id
    for i, assignment in enumerate(course.assignments):
        yield ("assignments", i), "assignment", assignment.id
        for j, task in enumerate(assignment.tasks):
            yield ("assignments", i, "tasks", j), "task", task.id
    for i, track in enumerate(course.tracks):
        yield ("tracks", i), "track", track.id


def _duplicates(course: Course, lines: Lines) -> Iterator[Finding]:
    first: dict[tuple[str, str], int] = {}
    for where, kind, name in _walk(course):
        line = lines.at((*where, "id"))
        if (kind, name) in first:
            yield lines.finding(
                (*where, "id"),
                _("{kind}编号 {name} 与第 {line} 行重复，请换一个").format(
                    kind=kind_name(kind), name=name, line=first[kind, name]
                ),
            )
        first.setdefault((kind, name), line)


def _chapter_numbers(course: Course, lines: Lines) -> Iterator[Finding]:
    """Chapters are numbered from 01 without a gap; a chapter that was taken out is named once, at its place."""
    before = 0
    for place, chapter in enumerate(course.chapters):
        number = int(chapter.number)
        if number > before + 1:
            missing = "、".join(f"{n:02d}" for n in range(before + 1, number))
            message = _("{name} 之前缺少第 {missing} 章，请补上它").format(name=chapter.id, missing=missing)
            yield lines.finding(("chapters", place, "id"), message)
        elif number <= before:
            wanted = f"{before + 1:02d}-{chapter.id[3:]}"
            message = _("编号 {name} 与它的位置不符，请改为 {wanted}").format(name=chapter.id, wanted=wanted)
            yield lines.finding(("chapters", place, "id"), message)
        before = max(before, number)


def _numbering(course: Course, lines: Lines) -> Iterator[Finding]:
    """Sections and exercises carry the chapter's number, tasks that of the assignment, all counted from 1."""
    for where, kind, name in _walk(course):
        place = where[-1]
        assert isinstance(place, int)
        if kind in {"section", "exercise", "task"}:
            owner = course.chapters if where[0] == "chapters" else course.assignments
            parent = owner[int(where[1])].id
            prefix = parent[:3] if kind == "task" else parent[:2]
            wanted = f"{'ex-' if kind == 'exercise' else ''}{prefix}-{place + 1}"
        else:
            continue
        if name != wanted:
            yield lines.finding(
                (*where, "id"),
                _("编号 {name} 与它的位置不符，请改为 {wanted}").format(name=name, wanted=wanted),
            )


def _ability_references(course: Course, lines: Lines) -> Iterator[Finding]:
    """What serves an ability exists and carries its objective."""
    kinds = {"taught": ("section",), "exercised": ("exercise", "chapter"), "assessed": ("task", "assignment")}
    for i, objective in enumerate(course.objectives):
        for j, ability in enumerate(objective.abilities):
            for key, allowed in kinds.items():
                parts = {name: part for kind in allowed for name, part in course._by_id[kind].items()}
                for place, name in enumerate(getattr(ability, key)):
                    here = ("objectives", i, "abilities", j, key, place)
                    if name not in parts:
                        yield from _unknown(course, lines, here[:-1], allowed[0], [name])
                    elif objective.id not in parts[name].objectives:
                        message = _("{part} 没有课程目标 {objective}，却列在它的能力下，请在两处统一").format(
                            part=name, objective=objective.id
                        )
                        yield lines.finding(here, message)


def _chapter_references(course: Course, lines: Lines) -> Iterator[Finding]:
    for i, chapter in enumerate(course.chapters):
        here: Path_ = ("chapters", i)
        yield from _unknown(course, lines, (*here, "prerequisites"), "chapter", chapter.prerequisites)
        yield from _unknown(course, lines, (*here, "objectives"), "objective", chapter.objectives)
        for name in chapter.prerequisites:
            if name in course._by_id["chapter"] and name >= chapter.id:
                message = _("{chapter} 的先修章 {name} 排在它之后，请改为前面的章").format(
                    chapter=chapter.id, name=name
                )
                yield lines.finding((*here, "prerequisites"), message)
        if chapter.assignment is not None:
            yield from _unknown(course, lines, (*here, "assignment"), "assignment", [chapter.assignment])
        yield from _parts(course, lines, here, chapter)
        yield from _covered(lines, here, chapter.id, chapter.objectives, chapter.sections)
        minutes = sum(section.minutes for section in chapter.sections)
        if minutes > chapter.minutes:
            message = _("{chapter} 各节共 {total} 分钟，超过本章的 {minutes} 分钟，请调整其中之一").format(
                chapter=chapter.id, total=minutes, minutes=chapter.minutes
            )
            yield lines.finding((*here, "minutes"), message)


def _parts(course: Course, lines: Lines, here: Path_, chapter: Chapter) -> Iterator[Finding]:
    """Objectives of sections and exercises exist and are the chapter's; sections of exercises are the chapter's."""
    own = {section.id for section in chapter.sections}
    for j, section in enumerate(chapter.sections):
        yield from _objectives_of_part(course, lines, (*here, "sections", j), section, chapter)
    for j, exercise in enumerate(chapter.exercises):
        where = (*here, "exercises", j)
        yield from _objectives_of_part(course, lines, where, exercise, chapter)
        yield from _unknown(course, lines, (*where, "sections"), "section", exercise.sections)
        for name in exercise.sections:
            if name in course._by_id["section"] and name not in own:
                message = _("练习 {exercise} 属于 {chapter}，节 {name} 却在别的章，请改为本章的节").format(
                    exercise=exercise.id, chapter=chapter.id, name=name
                )
                yield lines.finding((*where, "sections"), message)


def _objectives_of_part(
    course: Course, lines: Lines, where: Path_, part: Section | Exercise | Task, owner: Chapter | Assignment
) -> Iterator[Finding]:
    yield from _unknown(course, lines, (*where, "objectives"), "objective", part.objectives)
    for name in part.objectives:
        if name in course._by_id["objective"] and name not in owner.objectives:
            message = _("{part} 的课程目标 {name} 不在 {owner} 的 objectives 里，请在两处统一").format(
                part=part.id, name=name, owner=owner.id
            )
            yield lines.finding((*where, "objectives"), message)


def _covered(
    lines: Lines, here: Path_, owner: str, declared: Sequence[str], parts: Sequence[Section] | Sequence[Task]
) -> Iterator[Finding]:
    """What a chapter or an assignment declares, one of its parts has to serve."""
    for name in declared:
        if not any(name in part.objectives for part in parts):
            message = _("{owner} 声明了课程目标 {name}，却没有一节或一个任务落实它，请补上或删去").format(
                owner=owner, name=name
            )
            yield lines.finding((*here, "objectives"), message)


def _assignment_references(course: Course, lines: Lines) -> Iterator[Finding]:
    chapters = course._by_id["chapter"]
    for i, assignment in enumerate(course.assignments):
        here: Path_ = ("assignments", i)
        yield from _unknown(course, lines, (*here, "chapter"), "chapter", [assignment.chapter])
        yield from _unknown(course, lines, (*here, "objectives"), "objective", assignment.objectives)
        chapter = chapters.get(assignment.chapter)
        if chapter is not None and chapter.assignment != assignment.id:
            message = _("作业 {name} 说自己属于 {chapter}，而那一章的 assignment 不是它，请在两处统一").format(
                name=assignment.id, chapter=chapter.id
            )
            yield lines.finding((*here, "chapter"), message)
        for j, task in enumerate(assignment.tasks):
            yield from _objectives_of_part(course, lines, (*here, "tasks", j), task, assignment)
        if assignment.tasks:
            yield from _covered(lines, here, assignment.id, assignment.objectives, assignment.tasks)
        elif assignment.written:
            message = _("作业 {name} 已写成却没有任务，请列出 tasks").format(name=assignment.id)
            yield lines.finding((*here, "tasks"), message)
        yield from _points(lines, here, assignment)


def _points(lines: Lines, here: Path_, assignment: Assignment) -> Iterator[Finding]:
    total = sum(task.points for task in assignment.tasks)
    if assignment.tasks and total != assignment.points:
        message = _("作业 {name} 各任务共 {total} 分，与 points: {points} 不符，请改正其中之一").format(
            name=assignment.id, total=total, points=assignment.points
        )
        yield lines.finding((*here, "points"), message)


def _track_references(course: Course, lines: Lines) -> Iterator[Finding]:
    yield from _unknown(course, lines, ("default_track",), "track", [course.default_track])
    for i, track in enumerate(course.tracks):
        here: Path_ = ("tracks", i)
        yield from _unknown(course, lines, (*here, "assignments"), "assignment", track.assignments)
        seen: dict[str, str] = {}
        for j, unit in enumerate(track.units):
            covers = (*here, "units", j, "covers")
            for k, name in enumerate(unit.covers):
                kind = "section" if re.fullmatch(r"\d\d-\d+", name) else "chapter"
                if name not in course._by_id[kind]:
                    yield from _unknown(course, lines, (*covers, k), kind, [name])
                    continue
                yield from _taught_twice(course, lines, (*covers, k), track, name, unit.title, seen)


def _taught_twice(
    course: Course, lines: Lines, where: Path_, track: Track, name: str, unit: str, seen: dict[str, str]
) -> Iterator[Finding]:
    """A section belongs to one unit of a track; ``seen`` maps sections to the unit that has them."""
    sections = course.unit_sections(track, Unit(title=unit, hours=1, covers=(name,)))
    if not sections:
        message = _("{name} 没有 short 节，方案 {track} 在这里什么也不教，请给节加 short: true 或写明节").format(
            name=name, track=track.id
        )
        yield lines.finding(where, message)
    for section in sections:
        if section.id in seen:
            message = _("方案 {track} 的单元“{unit}”又教了一次 {section}（已在“{first}”），请删去一处").format(
                track=track.id, unit=unit, section=section.id, first=seen[section.id]
            )
            yield lines.finding(where, message)
        seen.setdefault(section.id, unit)


def _hours(course: Course, lines: Lines) -> Iterator[Finding]:
    known = {**course._by_id["chapter"], **course._by_id["section"]}
    for i, track in enumerate(course.tracks):
        total = sum(unit.hours for unit in track.units) + track.contingency
        if total != track.hours:
            message = _("方案 {track} 各单元与机动共 {total} 学时，与 hours: {hours} 不符，请改正学时").format(
                track=track.id, total=total, hours=track.hours
            )
            yield lines.finding(("tracks", i, "hours"), message)
        for j, unit in enumerate(track.units):
            if not all(name in known for name in unit.covers):
                continue
            minutes = sum(section.minutes for section in course.unit_sections(track, unit))
            if minutes > unit.hours * MINUTES_PER_HOUR:
                message = _("单元“{unit}”要讲 {minutes} 分钟，超过 {hours} 学时的 {room} 分钟，请减节或加学时").format(
                    unit=unit.title, minutes=minutes, hours=unit.hours, room=unit.hours * MINUTES_PER_HOUR
                )
                yield lines.finding(("tracks", i, "units", j, "hours"), message)


def _marks(course: Course, lines: Lines) -> Iterator[Finding]:
    for i, track in enumerate(course.tracks):
        where = ("tracks", i, "marks")
        yield from _weights(lines, where, _("方案 {track} 的 marks").format(track=track.id), track.marks)
        for j, mark in enumerate(track.marks):
            yield from _mark(course, lines, (*where, j), track, mark)


def _weights(lines: Lines, where: Path_, name: str, marks: Sequence[Mark]) -> Iterator[Finding]:
    total = sum((mark.weight for mark in marks), Decimal(0))
    if total != 1:
        yield lines.finding(
            where,
            _("{name} 各项 weight 之和是 {total}，不是 1，请改正权重").format(name=name, total=total.normalize()),
        )


def _mark(course: Course, lines: Lines, where: Path_, track: Track, mark: Mark) -> Iterator[Finding]:
    if bool(mark.parts) == bool(mark.source):
        message = _("“{title}”应当有 parts 或 source 中的一个，不能都有或都没有，请改正").format(title=mark.title)
        yield lines.finding(where, message)
    if mark.parts:
        yield from _weights(lines, (*where, "parts"), _("“{title}”的 parts").format(title=mark.title), mark.parts)
        for k, part in enumerate(mark.parts):
            yield from _mark(course, lines, (*where, "parts", k), track, part)
    yield from _mark_items(course, lines, where, track, mark)
    if mark.source == "project" and track.project is None:
        message = _("“{title}”按项目计分，方案 {track} 却没有 project，请写明项目").format(
            title=mark.title, track=track.id
        )
        yield lines.finding(where, message)
    capstones = [a for a in track.assignments if a.startswith(f"a{CAPSTONE[:2]}-")]
    if mark.source == "capstone" and not capstones:
        message = _("“{title}”按综合实训计分，方案 {track} 的 assignments 里却没有它，请补上").format(
            title=mark.title, track=track.id
        )
        yield lines.finding(where, message)


def _mark_items(course: Course, lines: Lines, where: Path_, track: Track, mark: Mark) -> Iterator[Finding]:
    """Named items are the track's own and of the kind that the source says."""
    if not mark.items:
        return
    if mark.source not in {"assignments", "exercises"}:
        message = _("“{title}”的来源不是作业或练习，不能写 items，请删去").format(title=mark.title)
        yield lines.finding((*where, "items"), message)
        return
    kind = "assignment" if mark.source == "assignments" else "exercise"
    own = set(track.assignments) if kind == "assignment" else _exercise_ids(course, track)
    yield from _unknown(course, lines, (*where, "items"), kind, mark.items)
    for name in mark.items:
        if name in course._by_id[kind] and name not in own:
            message = _("“{title}”要算 {name}，方案 {track} 里却没有它，请改正").format(
                title=mark.title, name=name, track=track.id
            )
            yield lines.finding((*where, "items"), message)


def _exercise_ids(course: Course, track: Track) -> set[str]:
    known = {**course._by_id["chapter"], **course._by_id["section"]}
    units = [unit for unit in track.units if all(name in known for name in unit.covers)]
    sections = [section for unit in units for section in course.unit_sections(track, unit)]
    return {exercise.id for exercise in course.exercises_in(sections)}
