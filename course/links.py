"""Links by id, as authors write them in notebooks and pages.

``[RFM](term:rfm)``, ``[Hughes, 1994](cite:hughes1994strategic)``, ``[第 5 章](chapter:05-customer-value)``.

Authors name what they mean; where it stands is decided when a page is staged for the book or a notebook is laid into a
student's home. Ids come from ``book/glossary.yml``, ``book/references.bib`` and ``course.yml``.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel

from course.model import ChapterId, Course, CourseFileError, Finding, Lines, Slug, Text, Track, parse
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

GLOSSARY = "book/glossary.yml"
REFERENCES = "book/references.bib"


class Term(BaseModel):
    """One entry of the glossary; ``chapter`` is the one that explains it first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Slug
    zh: Text
    en: Text
    definition: Text
    chapter: ChapterId | None = None


class Glossary(RootModel[tuple[Term, ...]]):
    """``book/glossary.yml``"""


@dataclass(frozen=True)
class Link:
    """A link by id in a text; ``start`` and ``end`` are its offsets."""

    kind: str
    id: str
    text: str
    start: int
    end: int

    @property
    def written(self) -> str:
        """The target as it stands in the text, ``term:rfm``."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Targets:
    """What can be linked to. ``chapters`` are the ids that exist, ``pages`` those of them that have a page."""

    glossary: Mapping[str, Term]
    references: frozenset[str]
    chapters: frozenset[str]
    pages: frozenset[str]

    def knows(self, link: Link) -> bool:
        known = {"term": self.glossary, "cite": self.references, "chapter": self.chapters}[link.kind]
        return link.id in known


def targets(course: Course, track: Track | None = None, root: Path | None = None) -> Targets:
    """All targets of the course. With a track, only its chapters have a page; a chapter not yet written has none."""
    root = root or course_root()
    shown = course.chapters_of(track) if track else course.chapters
    return Targets(
        glossary=load_glossary(root / GLOSSARY),
        references=frozenset(load_references(root / REFERENCES)),
        chapters=frozenset(chapter.id for chapter in course.chapters),
        pages=frozenset(chapter.id for chapter in shown if chapter.written),
    )


def load_glossary(path: Path | None = None) -> dict[str, Term]:
    """The terms by id, in the order of the file.

    Raises:
        CourseFileError: for each entry that is malformed or has an id twice.
    """
    return load_glossary_with_lines(path)[0]


def load_glossary_with_lines(path: Path | None = None) -> tuple[dict[str, Term], Lines]:
    """As :func:`load_glossary`, with the line of each entry."""
    glossary, lines = parse(path or course_root() / GLOSSARY, GLOSSARY, Glossary)
    terms: dict[str, Term] = {}
    repeated: list[Finding] = []
    for place, term in enumerate(glossary.root):
        if term.id in terms:
            message = _("术语 {id} 与第 {line} 行重复，请合并或换一个编号").format(id=term.id, line=lines.of(term.id))
            repeated.append(lines.finding((place, "id"), message))
        terms.setdefault(term.id, term)
    if repeated:
        raise CourseFileError(repeated)
    return terms, lines


def load_references(path: Path | None = None) -> Mapping[str, Any]:
    """The entries (pybtex) of the bibliography by key, in the order of the file."""
    from pybtex.database import BibliographyDataError, parse_string
    from pybtex.scanner import PybtexSyntaxError

    file = path or course_root() / REFERENCES
    try:
        data = parse_string(file.read_text(encoding="utf-8"), bib_format="bibtex")
    except FileNotFoundError:
        raise CourseError(_("找不到 {file}，请从版本库恢复这个文件").format(file=REFERENCES)) from None
    except PybtexSyntaxError as error:
        raise CourseFileError([Finding(REFERENCES, error.lineno or 1, _("BibTeX 语法不对，请检查括号"))]) from None
    except BibliographyDataError as error:
        message = _("文献键重复（{detail}），请换一个键").format(detail=error)
        raise CourseFileError([Finding(REFERENCES, 1, message)]) from None
    return data.entries


# ----------------------------------------------------------------------------------------------- finding, rewriting

_LINK = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?P<kind>term|cite|chapter):(?P<id>[^()\s]*)\)")
_INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)\1(?!`)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})(?P<info>.*)")


def find(text: str) -> Iterator[Link]:
    """The links by id in a markdown text, in order; none from inside code."""
    prose = _without_fences(text)
    code = [match.span() for match in _INLINE_CODE.finditer(prose)]
    for match in _LINK.finditer(prose):
        if not any(start <= match.start() < end for start, end in code):
            yield Link(match["kind"], match["id"], match["text"], *match.span())


def _without_fences(text: str) -> str:
    """The text with fenced code, and the fences themselves, replaced by as many empty lines: offsets stay.

    The body of a directive (```` ```{note} ````) is prose, unless it is a code or math directive.
    """
    inside, directives, kept = "", [""], []
    for line in text.splitlines(keepends=True):
        fence = _FENCE.match(line)
        prose = not inside and not fence
        if fence and inside:
            inside = "" if _closes(fence, inside) else inside
        elif fence and _closes(fence, directives[-1]):
            directives.pop()
        elif fence and re.match(r"\s*\{(?!code|math)", fence["info"]):
            directives.append(fence["mark"])
        elif fence:
            inside = fence["mark"]
        kept.append(line if prose else "\n" * len(line))
    return "".join(kept)


def _closes(fence: re.Match[str], opened: str) -> bool:
    mark = fence["mark"]
    return mark[:1] == opened[:1] and len(mark) >= len(opened) and not fence["info"].strip()


def rewrite(text: str, base_url: str, targets: Targets) -> str:
    """The text with links by id turned into HTML anchors to the book at ``base_url``.

    ``base_url`` is ``"../"`` for a page one level below the book's root, ``"/book/"`` in a student's home. A chapter
    without a page (not yet written, not in the track) stays as plain text.

    Raises:
        CourseError: for an id that nothing carries.
    """
    pieces: list[str] = []
    at = 0
    for link in find(text):
        if not targets.knows(link):
            raise CourseError(unknown_sentence(link))
        pieces += [text[at : link.start], _anchor(link, base_url, targets)]
        at = link.end
    return "".join([*pieces, text[at:]])


def _anchor(link: Link, base_url: str, targets: Targets) -> str:
    if link.kind == "term":
        title = html.escape(" ".join(targets.glossary[link.id].definition.split()))
        url = f"{base_url}book/glossary.html#term-{link.id}"
        return f'<a class="crm-term" href="{html.escape(url)}" title="{title}">{link.text}</a>'
    if link.kind == "cite":
        url = f"{base_url}book/references.html#cite-{link.id}"
        return f'<a class="crm-cite" href="{html.escape(url)}">{link.text}</a>'
    if link.id not in targets.pages:
        return link.text
    return f'<a class="crm-chapter" href="{html.escape(base_url)}chapters/{link.id}.html">{link.text}</a>'


def unknown_sentence(link: Link) -> str:
    """What to say of a link whose id nothing carries."""
    home = {"term": GLOSSARY, "cite": REFERENCES, "chapter": "course.yml"}[link.kind]
    return _("链接 {link} 指向不存在的条目，请改正编号或先写进 {home}").format(link=link.written, home=home)
