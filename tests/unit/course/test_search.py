"""The book's search cuts Chinese the same way in the index and in the browser."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.book.search import SearchChinese, index_terms, query_terms

NODE = Path(sys.executable).parent / "node"
# Characters that this Python knows: a browser may know more, and fold them differently.
ALPHABET = st.characters(exclude_categories=("Cs", "Cn"))
CHINESE = st.text(st.sampled_from("客户细分与分级的生命周期价值均值聚类，。 kKRFM_-80Ⅷ㎏Ａé𠮷"))
TEXTS = st.lists(st.one_of(st.text(ALPHABET), CHINESE), min_size=40, max_size=80)


def browser_terms(texts: list[str]) -> list[list[str]]:
    """What ``splitQuery`` of the published script makes of each text."""
    script = SearchChinese.js_splitter_code + (
        'const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));'
        "console.log(JSON.stringify(texts.map((text) => splitQuery(text))));"
    )
    done = subprocess.run([NODE, "-e", script], input=json.dumps(texts), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@settings(max_examples=12)
@given(TEXTS)
def test_browser_and_index_cut_alike(texts: list[str]) -> None:
    assert browser_terms(texts) == [query_terms(text) for text in texts]


@given(CHINESE, CHINESE, CHINESE)
def test_a_phrase_of_a_text_is_found_in_it(before: str, phrase: str, after: str) -> None:
    # Latin words are found whole, so the phrase is set off from its neighbours.
    assert set(query_terms(phrase)) <= set(index_terms(f"{before}，{phrase}，{after}"))


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("客户", ["客户"]),
        ("客户细分", ["客户", "户细", "细分"]),
        ("客户生命周期价值", ["客户", "户生", "生命", "命周", "周期", "期价", "价值"]),
        ("RFM", ["rfm"]),
        ("rfm", ["rfm"]),
        ("ＲＦＭ", ["rfm"]),
        ("k 均值", ["k", "均值"]),
        ("k均值", ["k", "均值"]),
        ("级", ["级"]),
        ("，。！", []),
    ],
)
def test_queries(query: str, terms: list[str]) -> None:
    assert query_terms(query) == terms
    assert browser_terms([query]) == [terms]


def test_index_holds_single_characters_and_single_letters() -> None:
    language = SearchChinese({})
    assert language.split("k 均值") == ["k", "均", "值", "均值"]
    assert all(language.word_filter(term) for term in ("k", "均", "的"))
