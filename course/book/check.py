"""What must hold for the finished pages: no foreign request, no dead link, no Markdown left over."""

from collections.abc import Iterator, Set
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from crmlab.i18n import _

# Tag → attribute whose address the browser fetches by itself.
FETCHED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}
RAW = ("pre", "code", "script", "style")
# Beside the book on the hub, not part of it.
OUTSIDE = ("/hub/",)


class _Page(HTMLParser):
    """The ids of one page and its addresses: fetched by the browser, and linked for the reader."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.fetched: list[str] = []
        self.linked: list[str] = []
        self.stars: list[str] = []
        self._raw = 0  # depth of elements whose text is not prose
        self.feed(text)

    def handle_data(self, data: str) -> None:
        if "**" in data and not self._raw:
            self.stars.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        self._raw -= tag in RAW

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._raw += tag in RAW
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.linked.append(values["href"])
        elif FETCHED.get(tag) in values and values.get("rel") not in ("canonical", "search", "index", "next", "prev"):
            self.fetched.append(values[FETCHED[tag]])


def check_site(html: Path, pages: Set[str]) -> list[str]:
    """One sentence for each problem of the pages (names without ``.html``) in the folder."""
    missing = [name for name in sorted(pages) if not (html / f"{name}.html").is_file()]
    if missing:
        return [_("页面 {name} 没有生成，请看它是否在目录里").format(name=name) for name in missing]
    parsed = {f"{name}.html": _Page((html / f"{name}.html").read_text(encoding="utf-8")) for name in sorted(pages)}
    return [problem for name, page in parsed.items() for problem in _problems(html, name, page, parsed)]


def _problems(html: Path, name: str, page: _Page, pages: dict[str, _Page]) -> Iterator[str]:
    for text in page.stars:
        # Markdown does not take ** as bold between a Chinese character and a full-width bracket or quotation mark.
        message = _("页面 {name} 里的“{text}”没有变成粗体，请把括号或引号移到 ** 的外面")
        yield message.format(name=name, text=text[:40])
    for address in page.fetched:
        if urlsplit(address).netloc:
            yield _("页面 {name} 向别的网站请求 {address}，请改用本站自带的文件").format(name=name, address=address)
    for address in [*page.linked, *page.fetched]:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or address.startswith(OUTSIDE):
            continue
        target = unquote(urljoin(name, parts.path)) if parts.path else name
        if target.endswith("/"):
            target += "index.html"
        if not (html / target).is_file():
            yield _("页面 {name} 链接到不存在的 {address}，请改正").format(name=name, address=address)
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            yield _("页面 {name} 链接到 {address}，但那一页没有这个位置，请改正").format(name=name, address=address)
