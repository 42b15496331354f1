"""The exercises of chapter 04 in a real JupyterLab: used with mouse and keyboard, as a student does."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import choose, exercise, in_view, overflow, slide, top_of, verdict

pytestmark = pytest.mark.browser
CHAPTER = "04-segmentation"


def test_cut_points_from_poor_to_good_with_the_keyboard(page, screenshots):
    top_of(page)
    box = exercise(page, "ex-04-1")
    expect(verdict(box, "poor")).to_contain_text("打不完")
    handle = box.locator(".noUi-handle").first
    handle.focus()
    for _ in range(6):
        handle.press("ArrowRight")
    expect(box.locator(".widget-readout").first).to_have_text("90")
    slide(box, "M：至少花过多少", 1050)
    slide(box, "F：至少买过几次", 4)
    expect(verdict(box, "good")).to_contain_text("电话用足了")
    box.screenshot(path=screenshots / "exercise-04-1.png")
    choose(box, "重新开始")
    expect(verdict(box, "poor")).to_contain_text("打不完")


def test_kmeans_by_steps(page, screenshots):
    box = exercise(page, "ex-04-2")
    expect(verdict(box, "poor")).to_contain_text("还没有分群")
    choose(box, "下一步")
    expect(verdict(box, "fair")).to_contain_text("还没走到头")
    choose(box, "走到收敛")
    expect(verdict(box, "poor")).to_contain_text("几乎只有钱")
    choose(box, "取对数并标准化")
    slide(box, "群数 k", 4)
    choose(box, "走到收敛")
    expect(verdict(box, "good")).to_contain_text("第 4 群")
    box.screenshot(path=screenshots / "exercise-04-2.png")


def test_care_plan(page, screenshots):
    box = exercise(page, "ex-04-3")
    expect(verdict(box, "poor")).to_contain_text("往普通挪一点")
    for label, value in {"VIP": 15_000, "普通": 10_000, "休眠": 5_000, "对照组": 8}.items():
        slide(box, label, value)
    expect(verdict(box, "good")).to_contain_text("边际相等")
    box.screenshot(path=screenshots / "exercise-04-3.png")
    slide(box, "休眠", 9_000)
    expect(verdict(box, "poor")).to_contain_text("超支 4,000 元")


def test_narrow_window_keeps_everything_inside(page, screenshots):
    assert overflow(page, "ex-04-1", screenshots / "exercise-04-1-narrow.png") <= 1


def test_quiz_answers_at_once(page):
    quiz = in_view(page, page.locator(".crm-quiz"))
    first = quiz.locator("fieldset").first
    expect(first.locator(".crm-why:visible")).to_have_count(0)
    first.get_by_label("甲，因为他最近刚来过").check()
    expect(first.locator(".crm-why-right")).to_be_visible()
    first.get_by_label("一样高").check()
    expect(first.locator(".crm-why-wrong:visible")).to_have_count(1)
    expect(first.locator(".crm-why-right")).to_be_hidden()


def test_pictures_are_of_use(screenshots: Path):
    for name in ("exercise-04-1", "exercise-04-2", "exercise-04-3"):
        assert (screenshots / f"{name}.png").stat().st_size > 20_000
