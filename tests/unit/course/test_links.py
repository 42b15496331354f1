"""Links by id: which are found, what they become, what is said of one that leads nowhere."""

from pathlib import Path

import pytest

from course import links
from course.links import Targets, Term
from course.model import CourseFileError, load
from crmlab.errors import CourseError
from crmlab.paths import course_root

RFM = Term(id="rfm", zh="RFM", en="recency, frequency, monetary", definition='三个数\n"描述" <客户> & 行为')
TARGETS = Targets(
    glossary={"rfm": RFM},
    references=frozenset({"hughes1994strategic"}),
    chapters=frozenset({"04-segmentation", "05-customer-value"}),
    pages=frozenset({"04-segmentation"}),
)


@pytest.mark.parametrize(
    ("base", "url"),
    [("../", "../book/glossary.html#term-rfm"), ("/book/", "/book/book/glossary.html#term-rfm"), ("", "book/glossary")],
)
def test_term(base: str, url: str) -> None:
    html = links.rewrite("先算 [**RFM**](term:rfm)。", base, TARGETS)
    assert f'href="{url}' in html
    assert html.startswith("先算 <a ")
    assert html.endswith(">**RFM**</a>。")
    assert 'title="三个数 &quot;描述&quot; &lt;客户&gt; &amp; 行为"' in html


def test_cite_and_chapter() -> None:
    html = links.rewrite("[Hughes](cite:hughes1994strategic) [第 4 章](chapter:04-segmentation)", "../", TARGETS)
    assert 'href="../book/references.html#cite-hughes1994strategic">Hughes</a>' in html
    assert 'href="../chapters/04-segmentation.html">第 4 章</a>' in html


def test_chapter_without_a_page_is_plain_text() -> None:
    assert links.rewrite("见[第 5 章](chapter:05-customer-value)。", "../", TARGETS) == "见第 5 章。"


def test_other_links_stay() -> None:
    text = "[a](https://example.org) [b](#x) [c](term.html) ![d](term.png) [e][term:rfm]"
    assert links.rewrite(text, "../", TARGETS) == text


@pytest.mark.parametrize(
    "text",
    [
        "`[RFM](term:rfm)`",
        "``a ` [RFM](term:rfm)``",
        "```python\n[RFM](term:rfm)\n```",
        "~~~\n```\n[RFM](term:rfm)\n~~~",
        "```\n[RFM](term:rfm)",
        "```{code-cell}\n[RFM](term:rfm)\n```",
    ],
)
def test_code_is_left_alone(text: str) -> None:
    assert list(links.find(text)) == []
    assert links.rewrite(text, "../", TARGETS) == text


@pytest.mark.parametrize(
    "text",
    [
        "```{note}\n[RFM](term:rfm)\n```",
        "````{note}\n```python\nx\n```\n[RFM](term:rfm)\n````",
        "```python\nx\n```\n[RFM](term:rfm)",
        "一个 ` 反引号\n\n[RFM](term:rfm) 又一个 `",
        "| [RFM](term:rfm) | `x` |",
    ],
)
def test_prose_around_code_is_seen(text: str) -> None:
    assert [link.written for link in links.find(text)] == ["term:rfm"]


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("[x](term:rmf)", "book/glossary.yml"),
        ("[x](cite:nobody2020)", "book/references.bib"),
        ("[x](chapter:99-none)", "course.yml"),
    ],
)
def test_unknown_id(text: str, home: str) -> None:
    with pytest.raises(CourseError) as caught:
        links.rewrite(text, "../", TARGETS)
    assert next(links.find(text)).written in str(caught.value)
    assert home in str(caught.value)


# ------------------------------------------------------------------------------------------------------------ files


def glossary(folder: Path, text: str) -> Path:
    path = folder / "glossary.yml"
    path.write_text(text, encoding="utf-8")
    return path


ENTRY = "- id: rfm\n  zh: RFM\n  en: RFM\n  definition: 三个数\n"


def test_glossary(tmp_path: Path) -> None:
    terms = links.load_glossary(glossary(tmp_path, ENTRY))
    assert terms["rfm"].definition == "三个数"


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        (ENTRY + ENTRY, 5, ["rfm", "第 1 行", "重复"]),
        (ENTRY.replace("zh:", "cn:"), 2, ["cn", "不认识的键"]),
        (ENTRY.replace("id: rfm", "id: RFM 模型"), 1, ["RFM 模型", "编号规则"]),
        (ENTRY.replace("  definition: 三个数\n", ""), 1, ["definition", "缺少键"]),
        (ENTRY.replace("三个数", '""'), 4, ["definition", "空的"]),
    ],
)
def test_bad_glossary(tmp_path: Path, text: str, line: int, parts: list[str]) -> None:
    with pytest.raises(CourseFileError) as caught:
        links.load_glossary(glossary(tmp_path, text))
    told = [str(finding) for finding in caught.value.findings]
    assert any(s.startswith(f"book/glossary.yml:{line}: ") and all(p in s for p in parts) for s in told), told


@pytest.mark.parametrize(
    ("text", "part"),
    [("@book{a, title = {A}\n\n@book{b, title = {B}}", "语法"), ("@book{a, title={A}}\n@book{a, title={B}}", "重复")],
)
def test_bad_references(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "references.bib"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CourseFileError, match=part) as caught:
        links.load_references(path)
    assert str(caught.value).startswith("book/references.bib:")


def test_missing_references(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"找不到 book/references\.bib"):
        links.load_references(tmp_path / "references.bib")


def test_targets_of_the_course() -> None:
    course = load()
    everything = links.targets(course)
    assert everything.pages == {chapter.id for chapter in course.written_chapters()}
    assert everything.chapters == {chapter.id for chapter in course.chapters}
    assert "rfm" in everything.glossary
    retention = links.targets(course, course.track("retention-6"))
    assert retention.pages <= {"04-segmentation", "06-service-quality", "07-satisfaction-loyalty", "08-retention-churn"}
    assert (course_root() / links.GLOSSARY).is_file()
