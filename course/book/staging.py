"""The book's sources, gathered in one folder: written pages, generated pages, chapters, settings and scripts.

``sources()`` says what belongs there; ``write()`` brings the folder to that state and leaves files alone that are
right already, so that Sphinx reads again only what has changed.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

from ruamel.yaml import YAML

from course import links, notebooks
from course.book import pages
from course.model import Course, Track
from crmlab.errors import CourseError
from crmlab.i18n import _

HERE = Path(__file__).parent
STATIC = ("course.css", "course.js", "logo.svg", "favicon.svg", "hero.svg")
WRITTEN_PAGES = ("how-to-study", *pages.FOR_TEACHING, *pages.FOR_RUNNING)
# What the published pages load from npm, by its place under _assets/vendor/. MathJax: one bundle, its fonts, and the
# TeX extensions that the bundle fetches when a formula needs one.
VENDOR = {
    "require.js": "requirejs/require.js",
    "embed-amd.js": "@jupyter-widgets/html-manager/dist/embed-amd.js",
    "mathjax/tex-mml-chtml.js": "mathjax/es5/tex-mml-chtml.js",
    "mathjax/output/chtml/fonts/woff-v2/": "mathjax/es5/output/chtml/fonts/woff-v2",
    "mathjax/input/tex/extensions/": "mathjax/es5/input/tex/extensions",
}
# Its icon fonts are asked for in both folders, by modules of two names.
FONT_FOLDERS = ("@jupyter-widgets/html-manager/dist", "@jupyter-widgets")

Sources = dict[str, bytes]


def sources(root: Path, course: Course, track: Track, edition: str) -> Sources:
    """Every file of the staged book: path below the folder → content.

    Raises:
        CourseError: when a page, a chapter or a vendored script is missing or wrong.
    """
    targets = links.targets(course, track, root)
    staged: Sources = {}
    for name, text in _markdown(root, course, track):
        staged[f"{name}.md"] = links.rewrite(text, "../" * name.count("/"), targets).encode()
    for name in pages.shown_chapters(course, track):
        staged[f"chapters/{name}.ipynb"] = _chapter(
            root / "chapters" / f"{name}.ipynb", course, track, edition, targets
        )
    staged["_toc.yml"] = _yaml(pages.contents(course, track))
    staged["_config.yml"] = _read(root / "_config.yml")
    staged |= _site_files()
    staged |= dict(_vendored(root / "node_modules"))
    return staged


def _markdown(root: Path, course: Course, track: Track) -> Iterator[tuple[str, str]]:
    """Name and text of each Markdown page, links not yet resolved."""
    shown = pages.shown_chapters(course, track)
    book = root / "book"
    yield "index", pages.home(course, track, _read(book / "index.md").decode())
    for name in WRITTEN_PAGES:
        yield f"book/{name}", _read(book / f"{name}.md").decode()
    for each in course.tracks:
        yield f"syllabus/{each.id}", pages.syllabus(course, each, shown)
    terms = links.load_glossary(book / "glossary.yml").values()
    yield "book/glossary", pages.glossary(course, list(terms), shown)
    yield "book/references", pages.references(links.load_references(book / "references.bib"))


def _chapter(path: Path, course: Course, track: Track, edition: str, targets: links.Targets) -> bytes:
    """A chapter as the book shows it: the edition's cells, links resolved, sections outside the track marked."""
    data = notebooks.read(path, f"chapters/{path.name}").data
    if edition != "instructor":
        data = notebooks.without_tag(data)
    taught = {f"sec-{section.id}" for section in course.sections_of(track)}
    for cell in data["cells"]:
        outside = [tag for tag in cell["metadata"].get("tags", []) if tag.startswith("sec-") and tag not in taught]
        if outside and cell["cell_type"] == "markdown":
            cell["source"] = mark_optional(notebooks.source_of(cell))
    return notebooks.dumps(notebooks.map_markdown(data, lambda text: links.rewrite(text, "../", targets))).encode()


def mark_optional(text: str) -> str:
    """The heading cell of a section that the track leaves out, with a note below its heading."""
    heading, _break, rest = text.partition("\n")
    note = _("选读：本方案不要求这一节。")
    return f'{heading}\n\n<p class="optional-section">{note}</p>\n{rest}'


def _site_files() -> Sources:
    """Style sheet, script and pictures; the themes' missing Chinese words; the templates that carry English words."""
    staged = {f"_assets/{name}": _read(HERE / "static" / name) for name in STATIC}
    staged["_assets/vendor/widgets-base.js"] = _read(HERE / "static" / "widgets-base.js")
    for folder in ("locale", "templates"):
        for file in sorted((HERE / folder).rglob("*.*")):
            place = file.relative_to(HERE).as_posix()
            if file.suffix != ".mo":  # compiled by Sphinx beside its source
                staged[place.replace("templates/", "_templates/")] = file.read_bytes()
    return staged


def _vendored(modules: Path) -> Iterator[tuple[str, bytes]]:
    for place, origin in VENDOR.items():
        source = modules / origin
        files = sorted(source.rglob("*")) if place.endswith("/") else [source]
        for file in files:
            if not file.is_dir():
                inside = file.relative_to(source).as_posix() if place.endswith("/") else ""
                yield f"_assets/vendor/{place}{inside}", _read(file)
    for file in sorted((modules / FONT_FOLDERS[0]).glob("*.woff2")):
        for folder in FONT_FOLDERS:
            yield f"_assets/vendor/{folder}/{file.name}", file.read_bytes()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        from_npm = "node_modules" in file.parts
        remedy = _("请运行 make setup 安装网页组件") if from_npm else _("请从版本库恢复它")
        raise CourseError(_("找不到 {file}，{remedy}").format(file=file, remedy=remedy)) from None


def _yaml(data: object) -> bytes:
    text = io.BytesIO()
    YAML().dump(data, text)
    return text.getvalue()


def write(staged: Sources, folder: Path, keep: Callable[[Path], bool] = lambda file: file.suffix == ".mo") -> None:
    """Bring ``folder`` to the staged state: right files stay untouched (with their time), others go.

    Args:
        keep: files in the folder that are not staged and stay: what Sphinx compiles there.
    """
    for place, content in staged.items():
        file = folder / place
        if file.is_file() and file.read_bytes() == content:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    for file in sorted(folder.rglob("*"), reverse=True):
        if file.is_dir():
            if not any(file.iterdir()):
                file.rmdir()
        elif file.relative_to(folder).as_posix() not in staged and not keep(file):
            file.unlink()
