"""Self-check quizzes: instant feedback with a reason for every option, in JupyterLab and on the published page.

A quiz is HTML and CSS alone: choosing an option is a radio button, its reason appears by a CSS rule, right answers are
counted by a CSS counter, and a reset button clears the form. So it needs neither a kernel nor a script.

``chapters/<chapter>.quiz.toml``::

    [[items]]
    question = "…"
    options = [
        { text = "…", why = "…" },
        { text = "…", right = true, why = "…" },
    ]
"""

import html
import tomllib
from dataclasses import dataclass
from typing import Any

from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

OWN_KEYS = 'data-lm-suppress-shortcuts="true"'
"""Keeps JupyterLab's hands off the keys of the element that has the focus: without it an arrow leaves the question for
the next cell, and a letter inserts or deletes cells."""


@dataclass(frozen=True)
class Option:
    """One answer: its text, whether it is right, and why.

    >>> Option("F 是 2", why="同一天的两单算一次购买。", right=True).right
    True
    """

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Item:
    """One question with exactly one right option.

    >>> item = Item("同一天下两单，F 是几？", (Option("1", "数的是天数。", right=True), Option("2", "这是订单数。")))
    >>> [option.text for option in item.options if option.right]
    ['1']
    """

    question: str
    options: tuple[Option, ...]


def items(chapter: str) -> list[Item]:
    """The quiz of a chapter, read from ``chapters/<chapter>.quiz.toml``.

    :raises CourseError: if the file is missing or malformed: which file, which question, what to do.

    >>> {sum(option.right for option in item.options) for item in items("04-segmentation")}
    {1}
    """
    path = course_root() / "chapters" / f"{chapter}.quiz.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError(_("没有 {file}：请检查章的编号，例如 04-segmentation。").format(file=path.name)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(
            _("{file} 不是有效的 TOML（{error}）：请检查引号和括号。").format(file=path.name, error=error)
        ) from None
    return [_item(entry, number, path.name) for number, entry in enumerate(data.get("items", []), start=1)]


def _item(entry: dict[str, Any], number: int, file: str) -> Item:
    try:
        item = Item(entry["question"], tuple(Option(**option) for option in entry["options"]))
    except (KeyError, TypeError) as error:
        raise CourseError(
            _(
                "{file} 第 {number} 题的写法不对（{error}）：每题要有 question 和 options，每个选项要有 text 和 why。"
            ).format(file=file, number=number, error=error)
        ) from None
    right = sum(option.right for option in item.options)
    if len(item.options) < 2 or right != 1:
        raise CourseError(
            _(
                "{file} 第 {number} 题有 {options} 个选项、{right} 个正确答案：至少要两个选项，正确答案恰好一个。"
            ).format(file=file, number=number, options=len(item.options), right=right)
        )
    return item


def show(chapter: str) -> None:
    """Display the quiz of a chapter, e.g. ``quiz.show("04-segmentation")``.

    >>> show("04-segmentation")  # a notebook shows the HTML, a plain console prints both forms
    {'text/html': '<style>...', 'text/plain': '自测题：请在网页或 JupyterLab 中查看。'}
    """
    from IPython.display import display

    page = to_html(chapter, items(chapter))
    display({"text/html": page, "text/plain": _("自测题：请在网页或 JupyterLab 中查看。")}, raw=True)


def to_html(chapter: str, questions: list[Item]) -> str:
    """The quiz as one piece of HTML; ids carry the chapter, so that two quizzes can stand on one page.

    ``method="dialog"`` makes Enter harmless: the page is not loaded anew.

    >>> item = Item("同一天下两单，F 是几？", (Option("1", "数的是天数。", right=True), Option("2", "这是订单数。")))
    >>> to_html("demo", [item]).count('type="radio"')
    2
    """
    blocks = "".join(
        _fieldset(f"quiz-{chapter}-{number}", number, item) for number, item in enumerate(questions, start=1)
    )
    total = _("题，共 {count} 题。").format(count=len(questions))
    return (
        f'{STYLE}<form class="crm-quiz" autocomplete="off" method="dialog">{blocks}'
        f'<p class="crm-score" role="status">{_("已答对")} <span class="crm-count"></span> {total}'
        f'<button type="reset" {OWN_KEYS}>{_("重新作答")}</button></p></form>'
    )


def _fieldset(name: str, number: int, item: Item) -> str:
    options = "".join(_option(name, place, option) for place, option in enumerate(item.options))
    question = html.escape(item.question)
    return f"<fieldset><legend>{number}. {question}</legend>{options}</fieldset>"


def _option(name: str, place: int, option: Option) -> str:
    """The input comes first, so that a CSS rule can show what follows it once it is checked."""
    kind, sign, word = ("right", "✓", _("对")) if option.right else ("wrong", "✗", _("不对"))
    key = f"{name}-{place}"
    return (
        f'<div class="crm-option"><input type="radio" name="{name}" id="{key}" class="crm-{kind}" {OWN_KEYS} '
        f'aria-describedby="{key}-why"><label for="{key}">{html.escape(option.text)}</label>'
        f'<p class="crm-why crm-why-{kind}" id="{key}-why"><b>{sign} {word}。</b>{html.escape(option.why)}</p></div>'
    )


# Colours of the page around it: JupyterLab's, else the book's, else these.
STYLE = """<style>
.crm-quiz { --crm-ink: var(--jp-content-font-color1, var(--pst-color-text-base, #1f2933));
  --crm-paper: var(--jp-layout-color1, var(--pst-color-background, #fff));
  --crm-line: var(--jp-border-color2, var(--pst-color-border, #d5dbe1)); --crm-good: #1b7f5c; --crm-poor: #b3402a;
  counter-reset: right; color: var(--crm-ink); font-size: 15px; line-height: 1.65; max-width: 46em; }
.crm-quiz fieldset { border: 1px solid var(--crm-line); border-radius: 8px; margin: 0 0 12px; padding: 6px 16px 10px;
  min-width: 0; background: var(--crm-paper); }
.crm-quiz legend { font-weight: 600; padding: 0 6px; float: left; width: 100%; margin: 4px -6px 4px; font-size: 1em;
  border: 0; color: var(--crm-ink); line-height: 1.6; }
.crm-quiz .crm-option { clear: both; padding: 2px 0; display: grid; grid-template-columns: auto 1fr; gap: 0 8px;
  align-items: start; }
.crm-quiz input { margin: .45em 0 0; accent-color: #2a6ca6; }
.crm-quiz input:focus-visible { outline: 2px solid #2a6ca6; outline-offset: 2px; }
.crm-quiz label { cursor: pointer; }
.crm-quiz .crm-why { display: none; grid-column: 2; margin: 4px 0; padding: 6px 10px; border-left: 4px solid;
  border-radius: 4px; }
.crm-quiz input:checked ~ .crm-why { display: block; }
.crm-quiz .crm-why-right { border-color: var(--crm-good);
  background: color-mix(in srgb, var(--crm-good) 14%, var(--crm-paper)); }
.crm-quiz .crm-why-wrong { border-color: var(--crm-poor);
  background: color-mix(in srgb, var(--crm-poor) 14%, var(--crm-paper)); }
.crm-quiz input.crm-right:checked { counter-increment: right; }
.crm-quiz .crm-count::after { content: counter(right); font-weight: 700; }
.crm-quiz .crm-score { display: flex; flex-wrap: wrap; gap: 4px 6px; align-items: center; margin: 0; }
.crm-quiz button { margin-left: 10px; padding: 3px 14px; border: 1px solid var(--crm-line); border-radius: 6px;
  background: var(--crm-paper); color: var(--crm-ink); cursor: pointer; font: inherit; font-size: 14px; }
</style>"""
