"""Pages that the book makes from course.yml, the glossary and the bibliography; staging and checking."""

import json
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from autograder.files import digest_of
from course import links
from course.book import build, pages, staging
from course.book.check import check_site
from course.model import Course, load
from crmlab.errors import CourseError
from crmlab.paths import course_root

ROOT = course_root()


@pytest.fixture(scope="module")
def course() -> Course:
    return load()


@pytest.fixture(scope="module")
def terms() -> list[links.Term]:
    return list(links.load_glossary(ROOT / "book/glossary.yml").values())


def rows(markdown: str) -> list[list[str]]:
    """The cells of a Markdown table, without its head."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


@pytest.mark.parametrize(
    ("share", "text"), [("0.4", "40%"), ("1", "100%"), ("0.075", "7.5%"), ("0.6", "60%"), ("0.1", "10%")]
)
def test_percent(share: str, text: str) -> None:
    assert pages.percent(Decimal(share)) == text


def test_table_escapes_bars() -> None:
    assert pages.table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"


def test_contents_hold_the_written_chapters_in_the_order_of_the_track(course: Course) -> None:
    for track in course.tracks:
        parts = {part["caption"]: part["chapters"] for part in pages.contents(course, track)["parts"]}
        expected = [f"chapters/{chapter.id}" for chapter in course.chapters_of(track) if chapter.written]
        assert [entry["file"] for entry in parts["章节"]] == expected
        assert len(parts["教学大纲"]) == len(course.tracks)


def test_a_part_without_pages_is_left_out(course: Course) -> None:
    nothing = course.model_copy(
        update={"chapters": tuple(c.model_copy(update={"status": "planned"}) for c in course.chapters)}
    )
    captions = [part["caption"] for part in pages.contents(nothing, nothing.track())["parts"]]
    assert "章节" not in captions
    assert "开始" in captions


def test_syllabus_hours_and_marks_add_up(course: Course) -> None:
    for track in course.tracks:
        units = rows(pages.units_table(course, track, []))
        assert sum(int(row[2]) for row in units[:-1]) == track.hours
        assert units[-1][2] == f"**{track.hours}**"
        leaves = [row for row in rows(pages.marks_table(track)) if row[3]]
        assert sum(Decimal(row[2].rstrip("%")) for row in leaves) == 100


def test_syllabus_names_every_assignment_with_its_points(course: Course) -> None:
    for track in course.tracks:
        works = rows(pages.assignments_table(course, track, []))
        assert [row[0].strip("`") for row in works[:-1]] == list(track.assignments)
        assert [int(row[3]) for row in works[:-1]] == [work.points for work in course.assignments_of(track)]


def test_only_chapters_of_the_book_are_links(course: Course) -> None:
    text = pages.syllabus(course, course.track(), ["04-segmentation"])
    assert {link.id for link in links.find(text)} == {"04-segmentation"}
    assert not list(links.find(pages.syllabus(course, course.track(), [])))


def test_home_needs_its_marks(course: Course) -> None:
    with pytest.raises(CourseError, match="course: facts"):
        pages.home(course, course.track(), "# 首页")


def test_home_has_a_card_for_each_track_and_chapter(course: Course) -> None:
    text = pages.home(course, course.track(), (ROOT / "book/index.md").read_text(encoding="utf-8"))
    assert text.count("course-card course-track") == len(course.tracks)
    assert text.count("course-card course-chapter") == len(course.chapters)
    assert text.count("status-planned") == len(course.planned_chapters())
    assert "<!-- course:" not in text


def test_glossary_has_an_anchor_for_each_term(course: Course, terms: list[links.Term]) -> None:
    text = pages.glossary(course, terms, [])
    assert set(re.findall(r"^\(term-([a-z0-9-]+)\)=$", text, re.MULTILINE)) == {term.id for term in terms}
    assert len(terms) >= 45


def test_glossary_refuses_an_unknown_chapter(course: Course, terms: list[links.Term]) -> None:
    stray = terms[0].model_copy(update={"chapter": "99-nothing"})
    with pytest.raises(CourseError, match="99-nothing"):
        pages.glossary(course, [stray], [])


def test_terms_without_a_chapter_stand_at_the_end(course: Course, terms: list[links.Term]) -> None:
    text = pages.glossary(course, [terms[0].model_copy(update={"chapter": None}), *terms[1:]], [])
    assert text.index("## 其他") < text.index(f"(term-{terms[0].id})=")


def test_every_reference_is_formatted() -> None:
    entries = links.load_references(ROOT / "book/references.bib")
    text = pages.references(entries)
    for key in entries:
        assert f"(cite-{key})=" in text
    assert "{" not in re.sub(r"^:::\{div\}.*$", "", text, flags=re.MULTILINE)
    fader = pages.format_reference(entries["fader2005counting"])
    assert fader.startswith("Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). “Counting Your Customers” the Easy Way")
    assert "*Marketing Science*, 24(2), 275–284." in fader
    assert "《中华人民共和国个人信息保护法》" in pages.format_reference(entries["pipl2021"])


def test_a_section_outside_the_track_is_marked() -> None:
    assert staging.mark_optional("## 选 k\n\n正文") == (
        '## 选 k\n\n<p class="optional-section">选读：本方案不要求这一节。</p>\n\n正文'
    )


# ------------------------------------------------------------------------------------------- staging


def test_write_leaves_right_files_alone_and_removes_strangers(tmp_path: Path) -> None:
    staging.write({"a.md": b"1", "b/c.md": b"2"}, tmp_path)
    os.utime(tmp_path / "a.md", (1, 1))
    (tmp_path / "locale").mkdir()
    (tmp_path / "locale/x.mo").write_bytes(b"compiled")
    staging.write({"a.md": b"1", "b/d.md": b"3"}, tmp_path)
    assert (tmp_path / "a.md").stat().st_mtime == 1
    assert not (tmp_path / "b/c.md").exists()
    assert (tmp_path / "b/d.md").read_bytes() == b"3"
    assert (tmp_path / "locale/x.mo").exists()


def test_digest_tells_places_and_contents_apart() -> None:
    states = [{"a": b"bc"}, {"ab": b"c"}, {"a": b"b", "c": b""}, {"a": b"bd"}, {}]
    assert len({digest_of(state) for state in states}) == len(states)


@pytest.fixture
def small_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course root whose chapter 04 is three cells; everything else is the real thing."""
    for name in ("course.yml", "_config.yml", "node_modules", "crmlab", "datasets", "requirements.lock", "book"):
        (tmp_path / name).symlink_to(ROOT / name)
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# 第 4 章\n\n[RFM](term:rfm)"},
        {"cell_type": "markdown", "id": "b", "metadata": {"tags": ["instructor"]}, "source": "只给教师看的板书"},
        {"cell_type": "markdown", "id": "c", "metadata": {"tags": ["sec-04-6"]}, "source": "## 换一把尺子\n"},
    ]
    (tmp_path / "chapters").mkdir()
    for file in (ROOT / "chapters").glob("*.ipynb"):
        (tmp_path / "chapters" / file.name).symlink_to(file)
    (tmp_path / "chapters/04-segmentation.ipynb").unlink()
    chapter = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "chapters/04-segmentation.ipynb").write_text(json.dumps(chapter), encoding="utf-8")
    monkeypatch.setenv("CRM_COURSE_ROOT", str(tmp_path))
    return tmp_path


def test_teachers_cells_reach_the_instructors_edition_alone(small_root: Path, course: Course) -> None:
    name = "chapters/04-segmentation.ipynb"
    public = staging.sources(small_root, course, course.track(), "student")
    assert all("只给教师看的板书".encode() not in content for content in public.values())
    assert "只给教师看的板书" in staging.sources(small_root, course, course.track(), "instructor")[name].decode()
    assert "../book/glossary.html#term-rfm" in public[name].decode()


def test_sections_that_a_track_leaves_out_are_marked_in_its_book(small_root: Path, course: Course) -> None:
    name = "chapters/04-segmentation.ipynb"
    assert "选读" in staging.sources(small_root, course, course.track("ecommerce-16"), "student")[name].decode()
    assert "选读" not in staging.sources(small_root, course, course.track("marketing-48"), "student")[name].decode()


def test_missing_scripts_name_the_remedy(small_root: Path, course: Course) -> None:
    (small_root / "node_modules").unlink()
    with pytest.raises(CourseError, match="make setup"):
        staging.sources(small_root, course, course.track(), "student")


def test_library_digest_sees_data_code_and_versions(tmp_path: Path) -> None:
    for name in ("crmlab/rfm.py", "datasets/shop/orders.csv", "requirements.lock", "chapters/04.quiz.toml"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        before = build.library_digest(tmp_path)
        file.write_text(name)
        assert build.library_digest(tmp_path) != before
    before = build.library_digest(tmp_path)
    (tmp_path / "crmlab/__pycache__").mkdir()
    (tmp_path / "crmlab/__pycache__/rfm.pyc").write_text("x")
    assert build.library_digest(tmp_path) == before


def test_unknown_edition_is_refused() -> None:
    with pytest.raises(CourseError, match="instructor"):
        build.build_book(edition="teacher")


# ------------------------------------------------------------------------------------------- what went wrong


@pytest.fixture
def job(tmp_path: Path) -> build._Build:
    return build._Build(ROOT, tmp_path, progress=None)  # type: ignore[arg-type]


def test_a_failed_cell_is_named(job: build._Build) -> None:
    said = f"""\
[IPKernelApp] WARNING | Kernel is running over TCP without encryption.
{job.source}/chapters/04-segmentation.ipynb: WARNING: Executing notebook failed: CellExecutionError
nbclient.exceptions.CellExecutionError: An error occurred while executing the following cell:
----> 1 segmentation.kmeans_steps(rfm_table)
NameError: name 'segmentation' is not defined
myst_nb.core.execute.base.ExecutionError: {job.source}/chapters/04-segmentation.ipynb
""".splitlines()
    sentence = job._explain(1, said)
    assert "chapters/04-segmentation.ipynb" in sentence
    assert "NameError: name 'segmentation' is not defined" in sentence
    assert "segmentation.kmeans_steps(rfm_table)" in sentence


def test_a_wrong_page_is_named_with_its_line(job: build._Build) -> None:
    said = [f"{job.source}/book/how-to-study.md:12: WARNING: 'myst' cross-reference target not found: 'x' [myst.xref]"]
    sentence = job._explain(1, said)
    assert "book/how-to-study.md 第 12 行" in sentence
    assert "cross-reference target not found" in sentence


def test_a_warning_without_a_place_is_told(job: build._Build) -> None:
    said = ["[IPKernelApp] WARNING | Kernel", "WARNING: unknown config value 'x' in override, ignoring"]
    assert "unknown config value" in job._explain(0, said)
    assert "退出码是 9" in job._explain(9, [])


# ------------------------------------------------------------------------------------------- checking


def site(folder: Path, **pages_: str) -> set[str]:
    for name, body in pages_.items():
        (folder / f"{name}.html").write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    return set(pages_)


def test_a_sound_site_has_no_problem(tmp_path: Path) -> None:
    names = site(
        tmp_path,
        index='<a href="b.html#x">b</a><a href="#y">y</a><p id="y"></p><a href="https://doi.org/1">doi</a>',
        b='<p id="x"></p><code>2**3</code><pre>x **y</pre>'
        '<a href="/hub/user-redirect/lab">课堂</a><img src="data:image/png;base64,">',
    )
    assert check_site(tmp_path, names) == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ('<script src="https://cdn.example.org/x.js"></script>', "别的网站"),
        ('<link rel="stylesheet" href="//fonts.example.org/x.css">', "别的网站"),
        ('<img src="https://example.org/x.png">', "别的网站"),
        ('<a href="gone.html">x</a>', "不存在"),
        ('<a href="#gone">x</a>', "没有这个位置"),
        ('<img src="_images/gone.png">', "不存在"),
        ("<p>**课堂（JupyterLab）**用来动手</p>", "粗体"),
    ],
)
def test_problems_are_found(tmp_path: Path, body: str, word: str) -> None:
    problems = check_site(tmp_path, site(tmp_path, index=body))
    assert problems
    assert word in problems[0]


def test_a_page_that_was_not_made_is_found(tmp_path: Path) -> None:
    assert "glossary" in check_site(tmp_path, {*site(tmp_path, index=""), "glossary"})[0]
