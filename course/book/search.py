"""Full-text search that finds Chinese words: a Sphinx extension.

Sphinx's own Chinese search needs a segmenter for the index and has none in the browser, where 客户流失 stays one
word that no index holds. Here both sides cut a run of Han characters into overlapping pairs, so that whatever a
reader types is found wherever it stands; single characters are indexed too, for queries of one character.
"""

import re
import unicodedata
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.search import SearchLanguage

_SCRIPT = Path(__file__).parent / "static" / "search.js"
# Explicit ranges, not \w: Python and browsers carry different Unicode versions and must still agree.
_WORD = r"0-9A-Za-z_\u00c0-\u024f\u0370-\u03ff"
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"([{_WORD}]+)|[{_HAN}]+")


def _runs(text: str) -> list[tuple[str, bool]]:
    """The runs of letters (lower case, True) and of Han characters (False) in ``text``, in order."""
    found = _RUN.finditer(unicodedata.normalize("NFKC", text))
    return [(match[0].lower(), True) if match[1] else (match[0], False) for match in found]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def query_terms(text: str) -> list[str]:
    """What a query must match: words, and pairs of Han characters (a lone character stays alone)."""
    terms: list[str] = []
    for run, is_word in _runs(text):
        terms += [run] if is_word or len(run) == 1 else _pairs(run)
    return terms


def index_terms(text: str) -> list[str]:
    """What the index holds of ``text``: words, single Han characters and their pairs."""
    terms: list[str] = []
    for run, is_word in _runs(text):
        terms += [run] if is_word else [*run, *_pairs(run)]
    return terms


class SearchChinese(SearchLanguage):
    """Pairs of characters in the index and in the browser; replaces Sphinx's class for ``zh``."""

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = _SCRIPT.read_text(encoding="utf-8")

    def split(self, input: str) -> list[str]:
        """Terms of ``input`` for the index (the parameter's name is Sphinx's)."""
        return index_terms(input)

    def word_filter(self, word: str) -> bool:
        """Every term is kept: one Latin letter (k, R, F, M) is a term of this course."""
        return bool(word)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the language; ``zh_CN`` falls back to ``zh`` in Sphinx's own look-up."""
    app.add_search_language(SearchChinese)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
