"""What a student's cells showed is kept, and what could run or load on a teacher's screen is not."""

import sys
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from autograder.outputs import clean, harmless_html
from crmlab.paths import course_root

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def shown(**data: Any) -> dict[str, Any]:
    mime = {"png": "image/png", "svg": "image/svg+xml", "js": "application/javascript"}
    bundle = {mime.get(kind, f"text/{kind}"): value for kind, value in data.items()}
    return {"output_type": "display_data", "data": bundle, "metadata": {"text/html": {"isolated": True}}}


def data_of(output: dict[str, Any]) -> dict[str, str]:
    kept = clean(output)
    assert kept is not None
    return kept["data"]


# --- HTML ------------------------------------------------------------------------------------------------------------

HOSTILE = [
    "<script>pwn()</script>",
    "<SCRIPT SRC=//pwn.example></SCRIPT>",
    '<img src="pwn" onerror="pwn()">',
    "<img src='/hub/logout?pwn'>",
    "<img src='https://pwn.example/pixel.png'>",
    "<img src='data:image/svg+xml;base64,pwnn'>",
    "<img src='data:text/html,pwn'>",
    '<a href="javascript:pwn()">x</a>',
    '<a href=" java\tscript:pwn()">x</a>',
    '<a href="data:text/html,pwn">x</a>',
    '<a href="/user/teacher/formgrader/?path=pwn">x</a>',
    '<a href="//pwn.example">x</a>',
    '<a href="/book/../hub/pwn">x</a>',
    '<a href="/book/%2E%2e/hub/pwn">x</a>',
    '<a href="/book/\\..\\pwn">x</a>',
    '<iframe srcdoc="pwn"></iframe>',
    '<iframe src="data:text/html,pwn"></iframe>',
    '<object data="pwn"></object><embed src="pwn">',
    "<svg onload=pwn()><script>pwn()</script></svg>",
    '<math><maction actiontype="statusline#pwn" xlink:href="javascript:pwn()">x</maction></math>',
    "<style>body { background: url(pwn) }</style>",
    '<link rel="stylesheet" href="pwn"><base href="pwn">',
    '<meta http-equiv="refresh" content="0; url=pwn">',
    '<form action="pwn"><input name="pwn"><button formaction="pwn">x</button></form>',
    '<textarea id="pwn"></textarea><select name="pwn"></select>',
    '<td style="position: fixed; background: url(pwn)">x</td>',
    '<div style="background: url(pwn)" class="modal pwn" id="pwn" name="pwn" data-pwn="x">x</div>',
    '<p contenteditable onfocus="pwn()" autofocus tabindex=1>x</p>',
    '<details open ontoggle="pwn()">x</details>',
    "<noscript><p title='</noscript><img src=pwn onerror=pwn()>'></noscript>",
    "<svg><p><style><!--</style><img src=pwn onerror=pwn()>--></p></svg>",
    "<a title='x' href='javas&#99;ript:pwn()'>x</a>",
    "<!--pwn--><![CDATA[<img src=pwn onerror=pwn()>]]>",
]


def is_harmless(page: str) -> bool:
    """Nothing of "pwn" stands anywhere but in the text."""
    tree = BeautifulSoup(page, "html.parser")
    inside = [str(value) for tag in tree.find_all(True) for value in tag.attrs.values()]
    running = [
        str(tag) for tag in tree.find_all(["script", "style", "iframe", "object", "svg", "math", "meta", "form"])
    ]
    return not any("pwn" in text for text in [*inside, *running])


def test_the_measure_sees_what_is_hostile() -> None:
    assert not any(is_harmless(text) for text in HOSTILE if "<!--pwn" not in text)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_runs_or_loads_is_taken_out(text: str) -> None:
    assert is_harmless(harmless_html(text))
    assert is_harmless(data_of(shown(html=f"<p>before</p>{text}"))["text/html"])


@given(st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=4), st.data())
def test_nor_does_it_come_back_from_pieces(texts: list[str], data: st.DataObject) -> None:
    """Hostile texts put into one another, cut anywhere; cleaning twice is cleaning once."""
    whole = texts[0]
    for text in texts[1:]:
        place = data.draw(st.integers(0, len(whole)))
        whole = whole[:place] + text + whole[place:]
    once = harmless_html(whole)
    assert is_harmless(once)
    assert BeautifulSoup(harmless_html(once), "html.parser") == BeautifulSoup(once, "html.parser")


def test_tables_of_pandas_keep_their_look() -> None:
    table = (
        '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>金额</th></tr></thead>'
        '<tbody><tr><th scope="row">C1</th><td colspan="2">&lt; 3</td></tr></tbody></table>'
    )
    kept = harmless_html(table)
    for part in ('class="dataframe"', 'border="1"', "text-align:right", 'colspan="2"', "&lt; 3", "金额"):
        assert part in kept


def test_links_pictures_and_highlighted_code_survive() -> None:
    for address in ("https://example.org/a?b=c", "mailto:a@example.org", "/book/book/glossary.html#term-rfm", "#here"):
        kept = BeautifulSoup(harmless_html(f'<a href="{address}">x</a>'), "html.parser").a
        assert kept is not None
        assert kept["href"] == address
        assert kept["target"] == "_blank"  # not in the place of formgrader
        assert "noopener" in kept["rel"]
    assert PIXEL in harmless_html(f'<img src="{PIXEL}" alt="点">')
    code = '<div class="highlight"><pre><span class="k">def</span></pre></div>'
    assert harmless_html(code) == code


# --- outputs ---------------------------------------------------------------------------------------------------------


def test_unknown_kinds_and_programs_are_dropped() -> None:
    assert clean(shown(js="pwn()", svg="<svg onload=pwn()>")) is None
    assert clean({"output_type": "update_display_data", "data": {"text/plain": "x"}}) is None
    assert clean({}) is None
    assert data_of(shown(plain="图", svg="<svg/>")) == {"text/plain": "图"}


def test_metadata_is_never_taken_over() -> None:
    """``isolated`` makes nbconvert write a frame around unfiltered HTML."""
    kept = clean(shown(html="<b>x</b>"))
    assert kept is not None
    assert kept["metadata"] == {}


def test_pictures_must_be_base64() -> None:
    assert data_of(shown(png="iVBORw0KGgo=\n")) == {"image/png": "iVBORw0KGgo=\n"}
    assert clean(shown(png='x" onerror="pwn()')) is None


def test_markdown_and_formulas_stay_as_they_were_written() -> None:
    """They become HTML on the pages of nbgrader, and are made harmless there."""
    text = "> 引用\n\n`a < b` 与 $x<y$"
    assert data_of(shown(markdown=text, latex="$x<y$")) == {"text/markdown": text, "text/latex": "$x<y$"}


def test_folders_of_the_grader_are_not_shown() -> None:
    text = f"File {sys.prefix}/lib/python3.11/x.py in {course_root()}/crmlab/rfm.py"
    kept = clean({"output_type": "error", "ename": text, "evalue": text, "traceback": [text, 3]})
    assert kept is not None
    for value in (kept["ename"], kept["evalue"], *kept["traceback"]):
        assert str(course_root()) not in value
        assert sys.prefix not in value
    assert "…/crmlab/rfm.py" in kept["evalue"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["name", "text", "ename", "evalue", "traceback", "data", "metadata", "execution_count"])
bundles = st.dictionaries(st.sampled_from(["text/plain", "text/html", "image/png", "text/latex"]), values)


@given(
    st.sampled_from(["stream", "error", "display_data", "execute_result", "clear_output", ""]),
    st.dictionaries(names, values | bundles),
)
def test_whatever_a_room_says_the_notebook_stays_valid(kind: str, rest: dict[str, Any]) -> None:
    kept = clean({**rest, "output_type": kind})
    if kept is not None:
        cell = nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(kept)])
        nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
        nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode("utf-8")
