"""The frame of every exercise: title, task, controls, figure, numbers, verdict, reset.

An exercise is a decision. Its logic is a plain function of the control values that returns a :class:`Result`; the
widget calls it and draws what it says. Everything shown is widget state (HTML, no output areas), so that the published
book shows the opening state without a kernel.
"""

import html
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import ipywidgets as widgets
from matplotlib.figure import Figure

from crmlab import plots
from crmlab.errors import CourseError
from crmlab.i18n import _

Verdict = Literal["good", "fair", "poor"]
VERDICTS: dict[Verdict, tuple[str, str]] = {
    "good": ("✓", _("达到目标")),
    "fair": ("◐", _("还差一点")),
    "poor": ("✗", _("还没达到")),
}


@dataclass(frozen=True)
class Result:
    """The consequence of a decision.

    verdict: whether the goal is reached.
    headline: one sentence that says what happened.
    reasons: why, each tied to what the student chose.
    numbers: what the numbers say, label → value with its unit.

    >>> result = Result("good", "打 400 个电话，预计留住 5 万元。", ["电话用足了。"], {"名单人数": "400 人"})
    >>> result.verdict, result.numbers["名单人数"]
    ('good', '400 人')
    """

    verdict: Verdict
    headline: str
    reasons: Sequence[str] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)


Evaluate = Callable[..., Result]
Draw = Callable[[Mapping[str, Any], Result], tuple[Figure, str]]
"""From control values and result: a figure, and the text for those who cannot see it."""


class Exercise(widgets.VBox):
    """A decision with consequences.

    title, task: what it is called, and the goal to reach, both plain text.
    controls: name → input widget with a description; the names are the parameters of ``evaluate``.
    evaluate: ``evaluate(**values) -> Result``; a :class:`CourseError` is shown as its sentence.
    draw: ``draw(values, result) -> (figure, alt)``.
    actions: label → function of the current values that returns the values to change (a button each).
    visible: of the current values, the names of the controls to show now (all, if it is not given): for a decision that
        is taken case by case.

    >>> exercise = Exercise(
    ...     title="定价", task="让毛利超过 300 元。", controls={"price": slider("单价", 8, 5, 20, 1, "元")},
    ...     evaluate=lambda price: Result("good" if (price - 5) * (80 - 3 * price) > 300 else "poor", f"单价 {price} 元。"),
    ...     draw=lambda values, result: (plots.new_figure("定价")[0], result.headline))
    >>> exercise.move(price=15)
    >>> exercise.result
    Result(verdict='good', headline='单价 15 元。', reasons=(), numbers={})
    """

    def __init__(
        self,
        *,
        title: str,
        task: str,
        controls: Mapping[str, widgets.Widget],
        evaluate: Evaluate,
        draw: Draw,
        actions: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] | None = None,
        visible: Callable[[dict[str, Any]], Collection[str]] | None = None,
    ) -> None:
        self.controls = dict(controls)
        self.evaluate = evaluate
        self.draw = draw
        self.visible = visible or (lambda values: values)
        self._start = self.values
        self._figure = widgets.HTML()
        self._numbers = widgets.HTML()
        self._verdict = widgets.HTML()
        buttons = [self._button(label, change) for label, change in (actions or {}).items()]
        buttons.append(self._button(_("重新开始"), lambda values: self._start, icon="undo"))
        for control in self.controls.values():
            control.add_class("crm-control")
            control.observe(self._changed, "value")
        panel = widgets.VBox(
            [
                *self.controls.values(),
                widgets.HBox(buttons).add_class("crm-buttons"),
                widgets.HTML(_keys(self.controls.values())),
            ]
        ).add_class("crm-panel")
        result = widgets.VBox([self._figure, self._numbers]).add_class("crm-result")
        body = widgets.HBox([panel, result]).add_class("crm-body")
        super().__init__([widgets.HTML(_head(title, task)), body, self._verdict])
        self.add_class("crm-exercise")
        self._moving = False
        self.refresh()

    @property
    def values(self) -> dict[str, Any]:
        """What the student has chosen, by name of the control."""
        return {name: control.value for name, control in self.controls.items()}

    def move(self, **values: Any) -> None:
        """Set several controls and evaluate once."""
        self._moving = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._moving = False
        self.refresh()

    def refresh(self) -> None:
        """Evaluate the present choice and show its consequence."""
        shown = self.visible(self.values)
        for name, control in self.controls.items():
            control.layout.display = None if name in shown else "none"
        try:
            self.result = self.evaluate(**self.values)
            figure, alt = self.draw(self.values, self.result)
        except CourseError as error:
            self.result = Result("poor", str(error))
        except Exception as error:
            # JupyterLab hides what a callback raises in its log: the student would see an answer that never changes.
            told = _("练习出了错（{error}）：请点“重新开始”，并把这句话告诉老师。").format(error=error)
            self._verdict.value = verdict_html(Result("poor", told))
            raise
        else:
            self._figure.value = plots.figure_html(figure, alt)
        self._numbers.value = _numbers_html(self.result)
        self._verdict.value = verdict_html(self.result)

    def _changed(self, _change: Any) -> None:
        if not self._moving:
            self.refresh()

    def _button(self, label: str, change: Callable[[dict[str, Any]], dict[str, Any]], icon: str = "") -> widgets.Button:
        button = widgets.Button(description=label, tooltip=label, icon=icon)
        button.on_click(lambda _button: self.move(**change(self.values)))
        return button


def slider(label: str, value: float, low: float, high: float, step: float, unit: str = "") -> widgets.Widget:
    """A slider that answers when it is let go; its number can be typed, arrow keys move it by one step.

    >>> window = slider("休眠窗口", 180, 30, 360, 30, "天")
    >>> window.description, window.value, window.max
    ('休眠窗口（天）', 180, 360)
    """
    whole = all(float(x).is_integer() for x in (value, low, high, step))
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(
        value=value, min=low, max=high, step=step, description=f"{label}（{unit}）" if unit else label,
        tooltip=label, continuous_update=False, style={"description_width": "initial"}, layout={"width": "auto"},
    )  # fmt: skip


def choice(label: str, options: Sequence[Any], value: Any) -> widgets.Widget:
    """Buttons to choose one of.

    Not a drop-down list: JupyterLab takes the arrow keys from it to move to the next cell.

    >>> channel = choice("渠道", ["电话", "短信"], "短信")
    >>> channel.value, channel.options
    ('短信', ('电话', '短信'))
    """
    return widgets.ToggleButtons(
        options=options, value=value, description=label, tooltip=label, style={"description_width": "initial"},
        layout={"width": "auto"},
    )  # fmt: skip


LETTERS = tuple(_("甲乙丙丁戊己庚辛壬癸"))
"""What the cases of an exercise are called."""


@dataclass(frozen=True)
class CaseByCase:
    """A decision on each of several cases, of which only the one looked at is shown.

    letters: the names of the cases.
    ask: what is asked about a case, with ``{who}`` for its name.
    answers, undecided: as of :func:`choice`: what can be decided, and what stands there at first.

    The controls are ``customer``, the letter looked at, and a decision for each letter, ``d0``, ``d1`` and so on.

    >>> cases = CaseByCase(("甲", "乙"), "{who}：怎么办", ["？", "留", "放"], "？")
    >>> list(cases.controls()), cases.shown({"customer": "乙"}), cases.following({"customer": "乙"})
    (['customer', 'd0', 'd1'], ['customer', 'd1'], {'customer': '甲'})
    >>> cases.decisions({"customer": "甲", "d0": "留", "d1": "？"})
    {'甲': '留', '乙': '？'}
    """

    letters: Sequence[str]
    ask: str
    answers: Sequence[Any]
    undecided: Any

    def controls(self) -> dict[str, widgets.Widget]:
        return {
            "customer": choice(_("看哪一位"), self.letters, self.letters[0]),
            **{
                name: choice(self.ask.format(who=who), self.answers, self.undecided)
                for name, who in self._names().items()
            },
        }

    def decisions(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Letter → what was decided."""
        return {who: values[name] for name, who in self._names().items()}

    def shown(self, values: Mapping[str, Any]) -> list[str]:
        """The controls to show now."""
        return ["customer", f"d{self.letters.index(values['customer'])}"]

    def following(self, values: Mapping[str, Any]) -> dict[str, str]:
        """The change that looks at the next case, after the last at the first."""
        return {"customer": self.letters[(self.letters.index(values["customer"]) + 1) % len(self.letters)]}

    def _names(self) -> dict[str, str]:
        return {f"d{place}": who for place, who in enumerate(self.letters)}


def verdict_html(result: Result) -> str:
    """The verdict: colour, sign and words say the same; a screen reader hears it when it changes.

    >>> import re
    >>> re.sub("<[^>]+>", " ", verdict_html(Result("fair", "名单短了 90 人。", ["某个切点太严了。"]))).split()
    ['◐', '还差一点', '名单短了', '90', '人。', '某个切点太严了。']
    """
    sign, word = VERDICTS[result.verdict]
    reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in result.reasons)
    return (
        f'<div class="crm-verdict crm-{result.verdict}" role="status" aria-live="polite">'
        f'<p class="crm-headline"><span aria-hidden="true">{sign}</span> <b>{word}</b>　{html.escape(result.headline)}</p>'
        + (f"<ul>{reasons}</ul>" if reasons else "")
        + "</div>"
    )


def _numbers_html(result: Result) -> str:
    cells = "".join(
        f"<div><span>{html.escape(label)}</span><strong>{html.escape(value)}</strong></div>"
        for label, value in result.numbers.items()
    )
    return f'<div class="crm-numbers" role="group" aria-label="{_("数字说了什么")}">{cells}</div>' if cells else ""


def _head(title: str, task: str) -> str:
    return (
        f"{STYLE}<div class='crm-head'><h4>{html.escape(title)}</h4>"
        f"<p><b>{_('任务')}</b>　{html.escape(task)}</p></div>"
    )


def _keys(controls: Iterable[widgets.Widget]) -> str:
    """How to do without a mouse; only the number beside a slider of numbers can be typed."""
    hint = _("键盘：Tab 换控件，方向键调数值，回车或空格按按钮。")
    if any(isinstance(control, widgets.IntSlider | widgets.FloatSlider) for control in controls):
        hint = _("键盘：Tab 换控件，方向键调数值，回车或空格按按钮；滑块右边的数字可以直接改。")
    return f'<p class="crm-keys">{hint}</p>'


# Colours come from JupyterLab's theme where there is one, else from the book's (light or dark), else from here.
STYLE = """<style>
.crm-exercise { --crm-ink: var(--jp-content-font-color1, var(--pst-color-text-base, #1f2933));
  --crm-soft: var(--jp-content-font-color2, var(--pst-color-text-muted, #52606d));
  --crm-paper: var(--jp-layout-color1, var(--pst-color-background, #fff));
  --crm-line: var(--jp-border-color2, var(--pst-color-border, #d5dbe1));
  --crm-good: #1b7f5c; --crm-fair: #b26a00; --crm-poor: #b3402a;
  border: 1px solid var(--crm-line); border-radius: 10px; padding: 14px 18px; margin: .4em 0; overflow: hidden;
  color: var(--crm-ink); background: var(--crm-paper); box-sizing: border-box; max-width: 100%; }
.crm-exercise .widget-html, .crm-exercise .widget-html-content { width: 100%; height: auto; min-width: 0; margin: 0;
  line-height: 1.6; color: var(--crm-ink); white-space: normal; font-size: 14px; }
.crm-exercise .crm-head h4 { margin: 0 0 .2em; font-size: 1.15em; color: var(--crm-ink); }
.crm-exercise .crm-head p { margin: 0 0 .6em; }
.crm-exercise .crm-body { display: flex; flex-flow: row wrap; gap: 8px 22px; align-items: flex-start; width: 100%;
  overflow: visible; }
.crm-exercise .crm-panel { flex: 1 1 250px; min-width: 0; overflow: visible; }
.crm-exercise .crm-result { flex: 2 1 420px; min-width: 0; overflow: visible; }
.crm-exercise .crm-control { flex-wrap: wrap; height: auto; margin: 2px 0 6px; width: 100%; max-width: 100%; }
.crm-exercise .crm-control .widget-label { flex: 0 0 100%; max-width: none; text-align: left; color: var(--crm-ink);
  font-size: 13.5px; height: auto; line-height: 1.5; overflow: visible; white-space: normal; margin: 0; }
.crm-exercise .crm-control .slider-container { min-width: 90px; }
.crm-exercise .crm-control .widget-readout { color: var(--crm-ink); min-width: 60px; }
.crm-exercise .widget-toggle-buttons .widget-toggle-button { width: auto; margin: 2px 6px 2px 0; padding: 0 12px;
  border-radius: 6px; color: var(--crm-ink); background: var(--crm-paper); border: 1px solid var(--crm-line);
  box-shadow: none; }
.crm-exercise .widget-toggle-buttons .widget-toggle-button.mod-active { color: #fff; background: #2a6ca6;
  border-color: #2a6ca6; }
.crm-exercise .crm-buttons { flex-flow: row wrap; gap: 6px; overflow: visible; margin: 4px 0 0; }
.crm-exercise .crm-buttons button { width: auto; min-width: 84px; padding: 0 12px; margin: 0; border-radius: 6px;
  color: var(--crm-ink); background: var(--crm-paper); border: 1px solid var(--crm-line); box-shadow: none; }
.crm-exercise .crm-buttons button:hover { border-color: currentColor; }
.crm-exercise button:focus-visible { outline: 2px solid #2a6ca6; outline-offset: 1px; }
.crm-exercise .crm-keys { margin: 6px 0 0; font-size: 12.5px; color: var(--crm-soft); line-height: 1.5; }
.crm-exercise .crm-numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(116px, 1fr)); gap: 6px 14px;
  margin: .4em 0; }
.crm-exercise .crm-numbers span { display: block; font-size: 12.5px; color: var(--crm-soft); }
.crm-exercise .crm-numbers strong { display: block; font-size: 15px; line-height: 1.4;
  font-variant-numeric: tabular-nums; }
.crm-exercise .crm-verdict { border-left: 5px solid; padding: 8px 14px; margin-top: 6px; border-radius: 4px; }
.crm-exercise .crm-verdict p { margin: 0; }
.crm-exercise .crm-verdict ul { margin: .3em 0 0; padding-left: 1.3em; }
.crm-exercise .crm-good { border-color: var(--crm-good);
  background: color-mix(in srgb, var(--crm-good) 13%, var(--crm-paper)); }
.crm-exercise .crm-fair { border-color: var(--crm-fair);
  background: color-mix(in srgb, var(--crm-fair) 13%, var(--crm-paper)); }
.crm-exercise .crm-poor { border-color: var(--crm-poor);
  background: color-mix(in srgb, var(--crm-poor) 13%, var(--crm-paper)); }
@media (max-width: 640px) {
  .crm-exercise { padding: 10px; }
  .crm-exercise .crm-result { flex-basis: 240px; }
}
</style>"""
