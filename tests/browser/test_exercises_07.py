"""The exercises of chapter 07 in a real JupyterLab: used with mouse and keyboard, as a student does."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import choose, control, exercise, overflow, slide, top_of, verdict

pytestmark = pytest.mark.browser
CHAPTER = "07-satisfaction-loyalty"

OWNERS = {
    "甲": "忠诚", "乙": "忠诚", "丙": "潜在忠诚", "丁": "虚假：价格", "戊": "不忠诚", "己": "虚假：原因不明", "庚": "忠诚",
    "辛": "虚假：惰性", "壬": "潜在忠诚", "癸": "虚假：激励",
}  # fmt: skip


def look_at(box: Locator, market: str) -> None:
    choose(box, market)
    expect(control(box, f"{market}，")).to_have_count(4)


def pick(box: Locator, who: str, kind: str) -> None:
    control(box, f"{who}是哪一种").get_by_role("button", name=kind, exact=True).click()


def test_loyalty_sorted_owner_by_owner(page: Page, screenshots: Path) -> None:
    top_of(page)
    box = exercise(page, "ex-07-2")
    expect(verdict(box, "poor")).to_contain_text("还有 10 位没有定")
    for who, kind in OWNERS.items():
        expect(control(box, f"{who}是哪一种")).to_be_visible()
        pick(box, who, kind)
        if who != "癸":
            choose(box, "下一位")
    expect(verdict(box, "good")).to_contain_text("乙你选“忠诚”：态度 6 分 ＜ 7，一年 3 件 ≥ 2，是虚假忠诚")
    box.screenshot(path=screenshots / "exercise-07-2.png")
    choose(box, "乙")
    pick(box, "乙", "虚假：垄断")
    expect(verdict(box, "good")).to_contain_text("十位全分对了")
    choose(box, "重新开始")
    expect(verdict(box, "poor")).to_contain_text("还有 10 位没有定")


def test_curve_market_by_market(page: Page, screenshots: Path) -> None:
    box = exercise(page, "ex-07-4")
    expect(verdict(box, "poor")).to_contain_text("区内靠下 255 人每人提高 0.5 分")
    inside = ("区内靠下", "区内靠上")
    for group, lift in {"区下": 1, **dict.fromkeys(inside, 0), "区上": 1}.items():
        slide(box, group, lift)
    expect(verdict(box, "fair")).to_contain_text("还要定：独家经营、强竞争")
    look_at(box, "独家经营")
    for group in ("区下", *inside, "区上"):
        slide(box, group, 0)
    expect(verdict(box, "fair")).to_contain_text("没有别家可去")
    look_at(box, "强竞争")
    for group, lift in {**dict.fromkeys(inside, 0), "区上": 2, "区下": 0}.items():
        slide(box, group, lift)
    expect(verdict(box, "good")).to_contain_text("客户一样满意，花法却不同")
    box.screenshot(path=screenshots / "exercise-07-4.png")
    choose(box, "重新开始")
    expect(verdict(box, "poor")).to_contain_text("这份调查")


def test_judgement_mended_with_the_keyboard(page: Page, screenshots: Path) -> None:
    box = exercise(page, "ex-07-1")
    expect(verdict(box, "poor")).to_contain_text("性能对外观填的是 1/9")
    choose(box, "外观")
    handle = control(box, "性能的重要性是外观的几倍").locator(".noUi-handle")
    handle.focus()
    for _ in range(8):
        handle.press("ArrowRight")
    expect(verdict(box, "fair")).to_contain_text("改成 1 是说两样一样重要")
    for _ in range(4):
        handle.press("ArrowRight")
    expect(verdict(box, "good")).to_contain_text("只重想了 1 处，还是你的意见")
    box.screenshot(path=screenshots / "exercise-07-1.png")
    choose(box, "重新开始")
    expect(verdict(box, "poor")).to_contain_text("CR = 0.485")


def test_budget_moved_to_where_it_counts(page: Page, screenshots: Path) -> None:
    box = exercise(page, "ex-07-3")
    expect(verdict(box, "poor")).to_contain_text("价格上的 40 万元只换回 0.00 分")
    choose(box, "推算")
    plan = {"价格": 0, "性能": 0, "续航": 30, "散热与噪声": 15, "外观": 25, "接口": 10, "售后服务": 20}
    for name, money in plan.items():
        slide(box, name, money)
    expect(verdict(box, "good")).to_contain_text("喜欢这台电脑的人可能看什么都顺眼")
    box.screenshot(path=screenshots / "exercise-07-3.png")
    slide(box, "屏幕", 30)
    expect(verdict(box, "poor")).to_contain_text("超支 30 万元")


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_narrow_window_keeps_everything_inside(page: Page, screenshots: Path, number: int) -> None:
    assert overflow(page, f"ex-07-{number}", screenshots / f"exercise-07-{number}-narrow.png") <= 1


def test_pictures_are_of_use(screenshots: Path) -> None:
    for number in (1, 2, 3, 4):
        assert (screenshots / f"exercise-07-{number}.png").stat().st_size > 20_000
