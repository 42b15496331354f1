"""The published book in a real browser: what a reader sees, finds and uses, and that nobody else hears of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from course.book.build import build_book
from course.book.pages import contents
from course.model import Chapter, load
from tests.browser.window import new_window

pytestmark = pytest.mark.browser

COURSE = load()
TRACK = COURSE.track()
PAGES = ["index", *(entry["file"] for part in contents(COURSE, TRACK)["parts"] for entry in part["chapters"])]
CHAPTERS = [chapter for chapter in COURSE.chapters_of(TRACK) if chapter.written]
WIDE, PHONE = 1300, 400
LOOKS = [(width, scheme) for width in (WIDE, PHONE) for scheme in ("light", "dark")]


@pytest.fixture(scope="session")
def site(serve: Callable[[Path], str]) -> str:
    """Address of the book of the default track, built if it is not up to date."""
    return serve(build_book())


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda chapter: chapter.id)
def visited(request: pytest.FixtureRequest, chromium: Browser, site: str) -> Iterator[tuple[Chapter, Page]]:
    """A chapter, opened once for the tests that only look at it."""
    with reading(chromium) as page:
        open_page(page, site, f"chapters/{request.param.id}")
        yield request.param, page


@contextmanager
def reading(chromium: Browser, width: int = WIDE, scheme: str = "light") -> Iterator[Page]:
    """A fresh page of that width; it must end without errors on the console and without failed requests."""
    context = new_window(chromium, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    problems: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    # A request is also "failed" when the reader leaves the page first.
    page.on(
        "requestfailed",
        lambda request: None if "ABORTED" in (request.failure or "") else problems.append(f"failed: {request.url}"),
    )
    page.on(
        "response",
        lambda response: problems.append(f"{response.status}: {response.url}") if response.status >= 400 else None,
    )
    yield page
    context.close()
    assert problems == []


def open_page(page: Page, site: str, name: str) -> None:
    """Open a page of the book and wait until its scripts (formulas, widgets) are done."""
    page.goto(f"{site}/{name}.html", wait_until="networkidle")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nobody_else(chromium: Browser, site: str, name: str) -> None:
    requests: list[str] = []
    with reading(chromium) as page:
        page.on("request", lambda request: requests.append(request.url))
        open_page(page, site, name)
        page.mouse.wheel(0, 20_000)  # lazy things
        page.wait_for_timeout(200)
    foreign = [url for url in requests if not url.startswith((f"{site}/", "data:", "blob:"))]
    assert foreign == []
    assert len(requests) > 5


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_needs_no_sideways_scrolling(chromium: Browser, site: str, name: str) -> None:
    with reading(chromium, PHONE) as page:
        open_page(page, site, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
        cut_off = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText.slice(0, 99))"
        assert page.locator("div.highlight pre:not(.cell_output *)").evaluate_all(cut_off) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("客户", "chapters/04-segmentation"),
        ("客户细分", "chapters/04-segmentation"),
        ("RFM", "chapters/04-segmentation"),
        ("rfm", "chapters/04-segmentation"),
        ("k 均值", "chapters/04-segmentation"),
        ("休眠客户 RFM", "chapters/04-segmentation"),
        ("客户生命周期价值", "book/glossary"),
    ],
)
def test_search_finds(chromium: Browser, site: str, query: str, found: str) -> None:
    with reading(chromium) as page:
        open_page(page, site, "index")
        page.keyboard.press("Control+k")
        words = page.get_by_role("searchbox").and_(page.locator(":visible")).last
        expect(words).to_be_focused()
        page.keyboard.type(query)
        expect(words).to_have_value(query)
        page.keyboard.press("Enter")
        expect(page.locator(".search-summary")).to_contain_text("搜索完成")
        links = page.locator("#search-results li > a").evaluate_all("links => links.map((a) => a.getAttribute('href'))")
        # What teaches the word comes first.
        assert links[0].startswith(f"{found}.html")


def test_search_says_in_chinese_that_nothing_was_found(chromium: Browser, site: str) -> None:
    with reading(chromium) as page:
        page.goto(f"{site}/search.html?q=量子纠缠")
        expect(page.locator(".search-summary")).to_contain_text("没有")
        assert page.locator("#search-results li").count() == 0


def test_each_exercise_is_shown_once_from_its_saved_state(visited: tuple[Chapter, Page]) -> None:
    chapter, page = visited
    views = page.locator('script[type="application/vnd.jupyter.widget-view+json"]')
    assert views.count() == len(chapter.exercises)
    # html-manager puts each drawn view right before the script that asks for it.
    page.wait_for_function("() => document.querySelectorAll('.widget-subarea').length > 0")
    drawn = page.evaluate(
        """() => [...document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')]
            .map((script) => script.parentElement.querySelectorAll('.widget-subarea').length)"""
    )
    assert drawn == [1] * len(chapter.exercises)
    for area in page.locator(".widget-subarea").all():
        box = area.bounding_box()
        assert box is not None
        assert box["height"] > 80
    for group in page.locator(".widget-toggle-buttons").all():
        pressed, other = group.locator(".mod-active"), group.locator("button:not(.mod-active)").first
        colours = [button.evaluate("e => getComputedStyle(e).backgroundColor") for button in (pressed, other)]
        assert colours[0] != colours[1], "the saved choice is not to be seen"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_quiz_answers_without_a_kernel(
    visited: tuple[Chapter, Page], screenshots: Path, scheme: Literal["light", "dark"]
) -> None:
    chapter, page = visited
    page.emulate_media(color_scheme=scheme)
    quiz = page.locator("form.crm-quiz")
    expect(quiz).to_have_count(1)
    questions = quiz.locator("fieldset")
    assert questions.count() >= 6
    first = questions.first
    expect(first.locator(".crm-why:visible")).to_have_count(0)
    first.locator("input.crm-wrong").first.check()
    expect(first.locator(".crm-why-wrong:visible")).to_have_count(1)
    first.locator("input.crm-right").check()
    expect(first.locator(".crm-why-right:visible")).to_have_count(1)
    expect(first.locator(".crm-why-wrong:visible")).to_have_count(0)
    quiz.screenshot(path=screenshots / f"book-quiz-{chapter.id}-{scheme}.png")
    quiz.get_by_role("button").click()
    expect(quiz.locator(".crm-why:visible")).to_have_count(0)


def test_a_chapter_leads_into_the_class_and_to_its_notebook(visited: tuple[Chapter, Page]) -> None:
    chapter, page = visited
    link = page.get_by_role("link", name="在课堂中打开")
    expect(link).to_have_attribute("href", f"/hub/user-redirect/lab/tree/chapters/{chapter.id}.ipynb")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载笔记本").click()
    assert download.value.suggested_filename == f"{chapter.id}.ipynb"


def test_terms_of_a_chapter_lead_to_the_glossary(chromium: Browser, site: str) -> None:
    with reading(chromium) as page:
        open_page(page, site, "chapters/04-segmentation")
        page.locator("a.crm-term").first.click()
        page.wait_for_url("**/book/glossary.html#term-*")
        anchor = page.url.rpartition("#")[2]
        expect(page.locator(f"#{anchor}")).to_be_in_viewport()


# Of all visible elements that hold words, those with a contrast below 4.5 to what is painted behind them (WCAG 2).
FAINT = """(words) => {
  const channels = (css) => css.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const opaque = (node) => (channels(getComputedStyle(node).backgroundColor)[3] ?? 1) === 1;
  const contrast = (element) => {
    let behind = element;
    while (behind && !opaque(behind)) behind = behind.parentElement;
    const ground = behind ? channels(getComputedStyle(behind).backgroundColor) : [255, 255, 255];
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(ground)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const seen = [...document.querySelectorAll(words)].filter((e) => e.checkVisibility({ visibilityProperty: true }));
  const faint = seen.map((e) => [e.innerText.slice(0, 20), contrast(e)]).filter(([, value]) => value < 4.5);
  return { seen: seen.length, faint };
}"""
READ = "article p, article li, article td, article th, article h2, article a, .status, .term-en, .bd-links a"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["book/how-to-study", "book/glossary", "syllabus/ecommerce-16"])
def test_words_stand_out_from_their_ground(chromium: Browser, site: str, name: str, scheme: str) -> None:
    with reading(chromium, scheme=scheme) as page:
        open_page(page, site, name)
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        found = page.evaluate(FAINT, READ)
        assert found["seen"] > 20
        assert found["faint"] == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pictures_are_kept(chromium: Browser, site: str, screenshots: Path, width: int, scheme: str) -> None:
    with reading(chromium, width, scheme) as page:
        for name in ("index", f"chapters/{CHAPTERS[0].id}", f"syllabus/{TRACK.id}", "book/glossary"):
            open_page(page, site, name)
            page.screenshot(path=screenshots / f"book-{name.replace('/', '-')}-{width}-{scheme}.png")
        page.goto(f"{site}/search.html?q=客户细分", wait_until="networkidle")
        page.screenshot(path=screenshots / f"book-search-{width}-{scheme}.png")
