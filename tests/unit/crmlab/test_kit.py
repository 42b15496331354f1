"""The frame of exercises: shows consequences, survives bad choices, escapes what it shows."""

import ipywidgets as widgets
import pytest

from crmlab import plots
from crmlab.errors import CourseError
from crmlab.widgets.kit import Exercise, Result, choice, slider, verdict_html


def figure_of(values, result):
    return plots.new_figure("图")[0], "一张空的图，只为测试"


def evaluate(x: int) -> Result:
    if x == 3:
        raise CourseError("x 不能是 3，请换一个数。")
    return Result("good" if x > 5 else "poor", f"x 是 {x}", ["因为 <你> 选了它"], {"两倍": str(2 * x)})


@pytest.fixture
def exercise() -> Exercise:
    return Exercise(
        title="选 <一个> 数",
        task="选一个大于 5 的数。",
        controls={"x": slider("x", 1, 0, 10, 1)},
        evaluate=evaluate,
        draw=figure_of,
        actions={"加一": lambda values: {"x": values["x"] + 1}},
    )


def texts(widget: widgets.Widget) -> str:
    own = widget.value if isinstance(widget, widgets.HTML) else ""
    return own + "".join(texts(child) for child in getattr(widget, "children", ()))


def test_opening_shows_everything(exercise):
    shown = texts(exercise)
    for part in ("选 &lt;一个&gt; 数", "任务", "x 是 1", "两倍", "因为 &lt;你&gt; 选了它", "键盘", "data:image/png"):
        assert part in shown
    assert "<你>" not in shown


def test_choice_changes_the_verdict(exercise):
    exercise.controls["x"].value = 9
    assert "达到目标" in texts(exercise)


def test_an_error_is_told_and_the_figure_stays(exercise):
    before = exercise._figure.value
    exercise.controls["x"].value = 3
    assert "x 不能是 3，请换一个数。" in texts(exercise)
    assert exercise._figure.value == before


def test_another_error_is_told_and_not_swallowed(exercise):
    exercise.evaluate = lambda x: 1 / 0
    with pytest.raises(ZeroDivisionError):
        exercise.refresh()
    assert "division by zero" in exercise._verdict.value


def test_controls_fit_their_numbers():
    assert not isinstance(slider("x", 1, 0, 2, 0.5), widgets.IntSlider)
    assert isinstance(slider("x", 1, 0, 2, 1), widgets.IntSlider)
    assert choice("尺度", ("甲", "乙"), "甲").value == "甲"


@pytest.mark.parametrize(("verdict", "sign"), [("good", "✓"), ("fair", "◐"), ("poor", "✗")])
def test_verdict_has_colour_sign_and_word(verdict, sign):
    shown = verdict_html(Result(verdict, "一句话"))
    assert f"crm-{verdict}" in shown
    assert sign in shown
    assert 'aria-live="polite"' in shown
