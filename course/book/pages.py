"""Pages that are made, not written: home cards, syllabuses, glossary, references and the table of contents.

Each function takes the course model (and a parsed file) and returns MyST Markdown; nothing here reads or writes files.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from pybtex.database import Entry, Person
from pybtex.richtext import Text

from course.links import Term
from course.model import Chapter, Course, Mark, Section, Track, Unit
from crmlab.errors import CourseError
from crmlab.i18n import _

SOURCES = {
    "assignments": _("作业（自动评分与量规）"),
    "exercises": _("章内练习"),
    "capstone": _("综合实训"),
    "project": _("项目成果"),
    "exam": _("考试"),
    "manual": _("教师登记"),
}
STATUS = {"written": _("已上线"), "planned": _("编写中")}


def percent(share: Decimal) -> str:
    """``Decimal("0.075")`` as ``7.5%``."""
    return f"{(share * 100).normalize():f}%"


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table; a ``|`` in a cell is escaped."""
    lines = [[*head]]
    body = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    rule = ["---"] * len(lines[0])
    return "\n".join(f"| {' | '.join(row)} |" for row in [*lines, rule, *body])


# ------------------------------------------------------------------------------------------------ contents


FOR_TEACHING = ("instructors", "desk", "grading", "test-authors", "maintainers")
FOR_RUNNING = ("people", "handing-in", "walls", "running", "large-classes")


def contents(course: Course, track: Track) -> dict[str, Any]:
    """What ``_toc.yml`` says: the written chapters of the track, in the order in which the track needs them."""
    parts = [
        (_("开始"), [{"file": "book/how-to-study"}]),
        (_("章节"), [{"file": f"chapters/{name}"} for name in shown_chapters(course, track)]),
        (_("教学大纲"), [{"file": f"syllabus/{each.id}", "title": each.title} for each in course.tracks]),
        (_("查阅"), [{"file": "book/glossary"}, {"file": "book/references"}]),
        (_("教学"), [{"file": f"book/{name}"} for name in FOR_TEACHING]),
        (_("开班"), [{"file": f"book/{name}"} for name in FOR_RUNNING]),
    ]
    return {
        "format": "jb-book",
        "root": "index",
        "parts": [{"caption": caption, "chapters": files} for caption, files in parts if files],
    }


# ------------------------------------------------------------------------------------------------ home


def shown_chapters(course: Course, track: Track) -> list[str]:
    """Ids of the chapters that the book of this track holds, in the track's order."""
    return [chapter.id for chapter in course.chapters_of(track) if chapter.written]


def home(course: Course, track: Track, text: str) -> str:
    """``book/index.md`` with its three marks replaced by the cards made from the course."""
    for mark, cards in {
        "<!-- course: facts -->": facts(course),
        "<!-- course: tracks -->": track_cards(course, track),
        "<!-- course: chapters -->": chapter_cards(course, track),
    }.items():
        if mark not in text:
            raise CourseError(_("book/index.md 里缺少一行 {mark}，请把它放回原处").format(mark=mark))
        text = text.replace(mark, cards)
    return text


def facts(course: Course) -> str:
    """A line of numbers under the hero."""
    exercises = sum(len(chapter.exercises) for chapter in course.chapters)
    numbers = [
        (len(course.chapters), _("章")),
        (exercises, _("个动手练习")),
        (len(course.assignments), _("份作业")),
        (len(course.tracks), _("种教学方案")),
        (len(course.written_chapters()), _("章已上线")),
    ]
    items = "".join(f"<li><strong>{number}</strong>{unit}</li>" for number, unit in numbers)
    return f'<ul class="course-facts">{items}</ul>'


def card(title: str, body: str, footer: str, link: str | None, classes: str) -> str:
    """One card of a sphinx-design grid; ``link`` is a page of the book."""
    options = [f":class-card: course-card {classes}"]
    options += [f":link: {link}", ":link-type: doc"] if link else []
    foot = [":::{card-footer}", footer, ":::"]
    return "\n".join([f"::::{{grid-item-card}} {title}", *options, "", body, "", *foot, "::::"])


def grid(cards: Iterable[str], columns: str) -> str:
    """Cards side by side: ``columns`` for phone, tablet, laptop and desktop."""
    return "\n".join([f":::::{{grid}} {columns}", ":gutter: 3", "", *cards, ":::::"])


def track_cards(course: Course, chosen: Track) -> str:
    """One card for each track, linked to its syllabus."""
    cards = []
    for track in course.tracks:
        units, works = len(track.units), len(track.assignments)
        credits = _("，{credits} 学分").format(credits=track.credits) if track.credits else ""
        footer = _("{units} 个单元 · {works} 份作业").format(units=units, works=works)
        if track.id == chosen.id:
            footer += _(" · 本书采用")
        title = _("<span class='card-hours'>{hours}</span> 学时{credits}").format(hours=track.hours, credits=credits)
        body = f"**{track.title}**\n\n{track.audience}"
        cards.append(card(title, body, footer, f"syllabus/{track.id}", "course-track"))
    return grid(cards, "1 2 2 4")


def chapter_cards(course: Course, track: Track) -> str:
    """One card for each chapter of the course; the written ones of this book are links."""
    shown = shown_chapters(course, track)
    cards = []
    for chapter in course.chapters:
        link = f"chapters/{chapter.id}" if chapter.id in shown else None
        badge = f"<span class='status status-{chapter.status}'>{STATUS[chapter.status]}</span>"
        footer = f"{badge} {_('{minutes} 分钟').format(minutes=chapter.minutes)}"
        if chapter.exercises:
            footer += _(" · {count} 个练习").format(count=len(chapter.exercises))
        title = f"<span class='card-number'>{chapter.number}</span> {chapter.title}"
        cards.append(card(title, chapter.subtitle, footer, link, f"course-chapter is-{chapter.status}"))
    return grid(cards, "1 2 2 3")


# ------------------------------------------------------------------------------------------------ syllabus


def syllabus(course: Course, track: Track, shown: Collection[str]) -> str:
    """教学大纲 of one track: hours, objectives, assignments, marks, and what each unit covers."""
    blocks = [
        f"# {_('教学大纲：{title}').format(title=track.title)}",
        syllabus_facts(track),
        f"## {_('学时安排')}",
        units_table(course, track, shown),
        f"## {_('课程目标')}",
        objectives_table(course, track),
        f"## {_('作业')}",
        assignments_table(course, track, shown),
        f"## {_('成绩构成')}",
        marks_table(track),
        f"## {_('各单元讲什么')}",
        *unit_details(course, track, shown),
    ]
    return "\n\n".join(blocks) + "\n"


def syllabus_facts(track: Track) -> str:
    """Who it is for, how long, and where hours are left open."""
    hours = _("{hours} 学时").format(hours=track.hours)
    if track.contingency:
        hours += _("（其中机动 {hours} 学时）").format(hours=track.contingency)
    rows = [(_("对象"), track.audience), (_("学时"), hours)]
    if track.credits:
        rows.append((_("学分"), str(track.credits)))
    if track.project:
        rows.append((_("项目"), track.project))
    if track.short:
        rows.append((_("取材"), _("每章只讲标为精讲的节，其余留作选读")))
    rows.append((_("方案编号"), f"`{track.id}`"))
    return "\n".join(f"- **{name}**：{value}" for name, value in rows)


def chapter_link(chapter: Chapter, shown: Collection[str]) -> str:
    """The chapter's title, a link when the book holds it (``shown``: the chapters in the book)."""
    name = _("第 {number} 章 {title}").format(number=int(chapter.number), title=chapter.title)
    return f"[{name}](chapter:{chapter.id})" if chapter.id in shown else name


def unit_chapters(course: Course, track: Track, unit: Unit) -> dict[str, list[Section]]:
    """Chapter id → the sections of it that the unit teaches, in order."""
    taught: dict[str, list[Section]] = {}
    for section in course.unit_sections(track, unit):
        taught.setdefault(course.chapter_of(section.id).id, []).append(section)
    return taught


def units_table(course: Course, track: Track, shown: Collection[str]) -> str:
    """Units with hours, chapters and whether these are written."""
    rows = []
    for number, unit in enumerate(track.units, 1):
        chapters = [course.chapter(name) for name in unit_chapters(course, track, unit)]
        written = sum(chapter.written for chapter in chapters)
        if written == len(chapters):
            status = STATUS["written"]
        else:
            status = _("{written} / {total} 章已上线").format(written=written, total=len(chapters))
        rows.append(
            [number, unit.title, unit.hours, "<br>".join(chapter_link(chapter, shown) for chapter in chapters), status]
        )
    if track.contingency:
        rows.append(["", _("机动"), track.contingency, _("复习、答疑与补课"), ""])
    total = sum(unit.hours for unit in track.units) + track.contingency
    rows.append(["", f"**{_('合计')}**", f"**{total}**", "", ""])
    return table([_("单元"), _("名称"), _("学时"), _("对应章节"), _("进度")], rows)


def objectives_table(course: Course, track: Track) -> str:
    """The course objectives with the assignments of this track that assess each."""
    rows = []
    for objective in course.objectives:
        works = [work.title for work in course.assignments_of(track) if objective.id in work.objectives]
        rows.append(
            [
                f"**{objective.id}**<br>{objective.title}",
                objective.text,
                "、".join(objective.indicators),
                objective.expected,
                "<br>".join(works) or "—",
            ]
        )
    head = [_("目标"), _("学完之后"), _("支撑的毕业要求指标点"), _("达成度期望值"), _("考核它的作业")]
    return table(head, rows)


def assignments_table(course: Course, track: Track, shown: Collection[str]) -> str:
    """The track's assignments with their points, time and state."""
    works = course.assignments_of(track)
    rows = [
        [
            f"`{work.id}`",
            work.title,
            chapter_link(course.chapter(work.chapter), shown),
            work.points,
            _("{minutes} 分钟").format(minutes=work.minutes),
            STATUS[work.status],
        ]
        for work in works
    ]
    rows.append(["", f"**{_('合计')}**", "", f"**{sum(work.points for work in works)}**", "", ""])
    return table([_("编号"), _("作业"), _("对应章节"), _("满分"), _("建议用时"), _("进度")], rows)


def mark_rows(marks: Iterable[Mark], share: Decimal = Decimal(1), depth: int = 0) -> Iterator[list[str]]:
    """Depth-first rows of the marking scheme: title, weight in its parent, weight in the final mark, source."""
    for mark in marks:
        total = share * mark.weight
        name = f"{'　' * depth}{mark.title}" if depth else f"**{mark.title}**"
        source = SOURCES[mark.source] if mark.source else ""
        if mark.items:
            source += _("：{items}").format(items="、".join(f"`{item}`" for item in mark.items))
        yield [name, percent(mark.weight) if depth else "", percent(total), source]
        yield from mark_rows(mark.parts, total, depth + 1)


def marks_table(track: Track) -> str:
    """The marking scheme; parts are indented below what they belong to."""
    rows = [*mark_rows(track.marks), [f"**{_('合计')}**", "", "**100%**", ""]]
    return table([_("项目"), _("占上一级"), _("占总评"), _("分数来源")], rows)


def unit_details(course: Course, track: Track, shown: Collection[str]) -> Iterator[str]:
    """For each unit: its chapters and the sections taught, with what falls due."""
    for number, unit in enumerate(track.units, 1):
        yield f"### {number} {unit.title}（{_('{hours} 学时').format(hours=unit.hours)}）"
        taught = unit_chapters(course, track, unit)
        yield "\n".join(
            f"- {chapter_link(course.chapter(name), shown)}：{'；'.join(section.title for section in sections)}"
            for name, sections in taught.items()
        )
        due = course.assignments_for(track, unit)
        if due:
            works = "、".join(f"`{work.id}` {work.title}" for work in due)
            yield _("本单元作业：{works}").format(works=works)


# ------------------------------------------------------------------------------------------------ glossary


def glossary(course: Course, terms: Collection[Term], shown: Collection[str]) -> str:
    """The glossary by chapter; every term has the anchor ``term-<id>``. ``shown`` are the chapters in the book."""
    blocks = [
        f"# {_('术语表')}",
        _("共 {count} 条，按课程顺序分章排列；正文中带下划点线的词都链到这里。").format(count=len(terms)),
    ]
    for term in terms:
        if term.chapter:
            course.chapter(term.chapter)  # an unknown one is told with the closest known id
    for chapter in course.chapters:
        own = [term for term in terms if term.chapter == chapter.id]
        if not own:
            continue
        blocks.append(f"## {int(chapter.number)} {chapter.title}")
        if chapter.id in shown:
            blocks.append(_("这些词在{chapter}里讲解。").format(chapter=chapter_link(chapter, shown)))
        blocks += map(term_entry, own)
    others = [term_entry(term) for term in terms if term.chapter is None]
    blocks += [f"## {_('其他')}", *others] if others else []
    return "\n\n".join(blocks) + "\n"


def term_entry(term: Term) -> str:
    """A term with its anchor, English name and definition."""
    head = f"**{term.zh}** <span class='term-en'>{term.en}</span>"
    return f"(term-{term.id})=\n:::{{div}} glossary-entry\n{head}\n\n{term.definition}\n:::"


# ------------------------------------------------------------------------------------------------ references


def references(entries: Mapping[str, Entry]) -> str:
    """The list of works; every entry has the anchor ``cite-<key>``."""
    laws = {key: entry for key, entry in entries.items() if entry.type == "misc"}
    works = {key: entry for key, entry in entries.items() if key not in laws}
    blocks = [f"# {_('参考文献')}", _("各章引用的著作、论文与法律，都可以按这里的信息核对原文。")]
    for title, group in ((_("著作与论文"), works), (_("法律"), laws)):
        blocks.append(f"## {title}")
        blocks += [reference_entry(key, entry) for key, entry in sorted(group.items(), key=_by_author)]
    return "\n\n".join(blocks) + "\n"


def _by_author(item: tuple[str, Entry]) -> tuple[str, str]:
    entry = item[1]
    return authors(entry).casefold(), entry.fields["year"]


def reference_entry(key: str, entry: Entry) -> str:
    """One work with its anchor."""
    return f"(cite-{key})=\n:::{{div}} bib-entry\n{format_reference(entry)}\n:::"


def field(entry: Entry, name: str) -> str:
    """A field as plain text (LaTeX marks taken out); empty when the entry lacks it."""
    return str(Text.from_latex(entry.fields[name])) if name in entry.fields else ""


def person_name(person: Person) -> str:
    """``Fader, P. S.``; an institution stays as it is."""
    last = " ".join([*person.prelast_names, *person.last_names]).strip("{}")
    if last == "others":
        return _("等")
    initials = " ".join(f"{name[0]}." for name in [*person.first_names, *person.middle_names])
    return f"{last}, {initials}" if initials else last


def authors(entry: Entry) -> str:
    """All authors in the entry's order."""
    return ", ".join(map(person_name, entry.persons.get("author", [])))


def format_reference(entry: Entry) -> str:
    """Author (year). Title. Where it appeared, and its DOI as a link."""
    if entry.type == "misc":
        return f"{authors(entry)}（{entry.fields['year']}）。《{field(entry, 'title')}》。{field(entry, 'note')}。"
    where = _appeared_in(entry)
    parts = [f"{authors(entry)} ({entry.fields['year']}).", f"{_title(entry)}.", f"{where}." if where else ""]
    doi = entry.fields.get("doi")
    if doi:
        parts.append(f"[doi:{doi}](<https://doi.org/{doi}>)")
    return " ".join(part for part in parts if part).replace("?.", "?")


def _title(entry: Entry) -> str:
    title = field(entry, "title")
    return f"*{title}*" if entry.type == "book" else title


def _appeared_in(entry: Entry) -> str:
    pages = field(entry, "pages").replace("--", "–")
    if entry.type == "book":
        edition = _("第 {n} 版").format(n=entry.fields["edition"]) if "edition" in entry.fields else ""
        place = ": ".join(filter(None, [field(entry, "address"), field(entry, "publisher")]))
        return ", ".join(filter(None, [edition, place]))
    volume = field(entry, "volume")
    if "number" in entry.fields:
        volume += f"({field(entry, 'number')})"
    venue = field(entry, "journal") or field(entry, "booktitle")
    return ", ".join(filter(None, [f"*{venue}*", volume, pages]))
