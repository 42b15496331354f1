"""What a student's cells showed, made safe to keep and to look at.

Outputs come from a process that a student controls, and end on the screens of teachers: nothing of them may run there.
"""

import re
import sys
from typing import Any

import nh3
from pygments.token import STANDARD_TYPES  # type: ignore[import-untyped]

from crmlab.paths import course_root

_TAGS = {
    "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "colgroup", "col", "div", "span", "p", "br", "hr",
    "b", "i", "em", "strong", "small", "sub", "sup", "code", "pre", "kbd", "s", "del", "ins", "mark", "u", "a",
    "ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "figure", "figcaption", "img", "details",
    "summary", "blockquote",
}  # fmt: skip
_UNSEEN = {"script", "style", "iframe", "object", "svg", "math", "template", "noscript", "textarea", "select", "title"}
"""Tags that go together with what is in them."""
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),
    "a": {"href"},
    "table": {"border"},
    "tr": {"style"},
    "th": {"colspan", "rowspan", "scope", "style"},
    "td": {"colspan", "rowspan", "style"},
    "img": {"src", "alt", "width", "height"},
}
# Of a data frame, and of highlighted code. Any other class might dress a student's text as a part of the page.
_CLASSES = {"table": {"dataframe"}, "div": {"highlight"}, "span": set(STANDARD_TYPES.values()) - {""}}
# A path on the page's own server would be asked for with the reader's rights: only the book may be linked to.
_ADDRESSES = {
    ("a", "href"): re.compile(r"(?:https?://|mailto:|/book/(?!.*(?:\.\.|%2e|\\))|#).*", re.I | re.S),
    ("img", "src"): re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+"),
}
_PICTURES = {"image/png", "image/jpeg"}
_KEPT = {"text/plain", "text/latex", "text/markdown", "text/html", *_PICTURES}
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
# Where things lie on the grader's machine is nobody's business.
_FOLDERS = re.compile(
    "|".join(
        re.escape(folder) + "/?" for folder in sorted({str(course_root()), sys.prefix, sys.base_prefix}, key=len)[::-1]
    )
)

_OBEYED = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")


def clean(output: dict[str, Any]) -> dict[str, Any] | None:
    """The output as a notebook file may hold it; None if there is nothing to keep.

    Text stays text, tables lose everything that runs or loads, pictures must be base64. Markdown is text here, and made
    harmless where it becomes HTML.
    """
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _text(output.get("text"))}
    if kind == "error":
        lines = output.get("traceback")
        return {
            "output_type": "error",
            "ename": _text(output.get("ename")),
            "evalue": _text(output.get("evalue")),
            "traceback": [_text(line) for line in lines] if isinstance(lines, list) else [],
        }
    if kind in ("display_data", "execute_result"):
        data = _data(output.get("data"))
        kept: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
        if kind == "execute_result":
            number = output.get("execution_count")
            kept["execution_count"] = number if type(number) is int and 0 <= number < 2**31 else None
        return kept if data else None
    return None


def _data(data: Any) -> dict[str, str]:
    kept: dict[str, str] = {}
    for kind, value in data.items() if isinstance(data, dict) else ():
        if kind not in _KEPT or not isinstance(value, str):
            continue
        if kind in _PICTURES:
            if _BASE64.fullmatch(value):
                kept[kind] = value
        elif kind == "text/html":
            kept[kind] = harmless_html(_text(value))
        else:
            kept[kind] = _text(value)
    return kept


def harmless_html(text: str) -> str:
    """HTML without scripts, styles, forms and frames; pictures only as part of the text; links that open beside."""
    return nh3.clean(
        text, tags=_TAGS, clean_content_tags=_UNSEEN, attributes=_ATTRIBUTES, allowed_classes=_CLASSES,
        attribute_filter=_attribute, url_schemes={"data", "http", "https", "mailto"}, generic_attribute_prefixes=set(),
        filter_style_properties={"text-align"}, set_tag_attribute_values={"a": {"target": "_blank"}},
    )  # fmt: skip


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value that an attribute may have, None for none at all."""
    allowed = _ADDRESSES.get((tag, name))
    return value if allowed is None or allowed.fullmatch(value) else None


def plain(text: str) -> str:
    """Text for a line of a report: what a terminal would obey in it (escape codes, reversed writing) is made visible."""
    return _OBEYED.sub("\ufffd", _text(text))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return _FOLDERS.sub("…/", value.encode("utf-8", "replace").decode("utf-8"))
