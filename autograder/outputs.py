"""What a student's cells showed, made safe to keep and to look at.

Outputs come from a process that a student controls, and end on the screens of teachers: nothing of them may run there.
"""

import re
import sys
from typing import Any

import nh3

from crmlab.paths import course_root

_TAGS = {
    "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "colgroup", "col", "div", "span", "p", "br", "hr",
    "b", "i", "em", "strong", "small", "sub", "sup", "code", "pre", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6",
    "figure", "figcaption", "img", "details", "summary", "blockquote",
}  # fmt: skip
_ATTRIBUTES = {
    "table": {"border"},
    "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"},
    "img": {"src", "alt", "width", "height"},
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


def clean(output: dict[str, Any]) -> dict[str, Any] | None:
    """The output as a notebook file may hold it; None if there is nothing to keep.

    Text stays text, tables lose everything that runs or loads, pictures must be base64.
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
            kept["execution_count"] = number if isinstance(number, int) else None
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
        elif kind in ("text/html", "text/markdown"):
            kept[kind] = harmless_html(_text(value))
        else:
            kept[kind] = _text(value)
    return kept


def harmless_html(text: str) -> str:
    """HTML without scripts, styles, forms, frames and addresses; pictures only as part of the text."""
    return nh3.clean(
        text, tags=_TAGS, attributes=_ATTRIBUTES, generic_attribute_prefixes=set(), url_schemes={"data"},
        clean_content_tags={"script", "style", "iframe", "object", "svg", "math", "template", "noscript"},
    )  # fmt: skip


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return _FOLDERS.sub("…/", value.encode("utf-8", "replace").decode("utf-8"))
