"""The exercises of chapter 05 in a real JupyterLab: used with mouse and keyboard, as a student does."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import choose, control, exercise, overflow, slide, top_of, verdict

pytestmark = pytest.mark.browser
CHAPTER = "05-customer-value"

LETTERS = "甲乙丙丁戊己庚辛"


def number(box: Locator, label: str) -> float:
    """A number of the line below the figure."""
    cell = box.locator(".crm-numbers > div", has=box.page.get_by_text(label, exact=True)).locator("strong")
    found = re.search(r"[\d,.]+", cell.inner_text())
    assert found, label
    return float(found.group().replace(",", ""))


def test_delivered_value_from_an_even_spread_to_the_goal(page: Page, screenshots: Path) -> None:
    top_of(page)
    box = exercise(page, "ex-05-1")
    expect(verdict(box, "poor")).to_contain_text("撒得差不多平")
    image = control(box, "形象").locator(".noUi-handle")
    image.focus()
    for _ in range(11):
        image.press("ArrowLeft")
    for label, value in {
        "产品": 10,
        "服务": 19,
        "人员": 6,
        "时间": 17,
        "体力": 13,
        "精神": 14,
        "货币成本": 120,
    }.items():
        slide(box, label, value)
    expect(verdict(box, "good")).to_contain_text("没有讨好每一类人")
    box.screenshot(path=screenshots / "exercise-05-1.png")
    slide(box, "货币成本", 400)
    expect(verdict(box, "poor")).to_contain_text("份额是拿利润换的")
    slide(box, "形象", 20)
    expect(verdict(box, "poor")).to_contain_text("超支 19 万元")
    choose(box, "重新开始")
    expect(verdict(box, "poor")).to_contain_text("撒得差不多平")


def test_sensitivity_slip_by_slip(page: Page, screenshots: Path) -> None:
    box = exercise(page, "ex-05-2")
    told = verdict(box, "poor")
    expect(told).to_contain_text("第一笔毛利今天就到账")
    expect(told).to_contain_text("把到期以后的")
    choose(box, "一年后，续约才有")
    expect(told).not_to_contain_text("今天就到账")
    choose(box, "3 年")
    expect(told).not_to_contain_text("到期以后的")
    choose(box, "按月，贴现率除以 12、保持率照搬")
    expect(told).to_contain_text("年率折成月率要开 12 次方")
    choose(box, "按年")
    expect(told).to_contain_text("报价不是各动 10 %")
    box.get_by_role("button", name=re.compile("^毛利 ")).click()
    expect(told).not_to_contain_text("报价不是各动 10 %")
    slide(box, "一位新客户最多花", int(number(box, "你算出的 CLV") * 0.98))
    expect(verdict(box, "good")).to_contain_text("上限开在客户的价值上")
    box.screenshot(path=screenshots / "exercise-05-2.png")
    slide(box, "一位新客户最多花", 0)
    expect(verdict(box, "poor")).to_contain_text("还赚钱的渠道")


def test_alive_or_not_one_customer_after_another(page: Page, screenshots: Path) -> None:
    box = exercise(page, "ex-05-3")
    expect(verdict(box, "poor")).to_contain_text("还有 8 位没有定")
    sound = ["照常维护", "打电话", "照常维护", "照常维护", "不再维护", "打电话", "照常维护", "打电话"]
    for letter in LETTERS:
        expect(box.get_by_text(f"{letter}：怎么办", exact=True)).to_be_visible()
        choose(box, "照常维护")
        choose(box, "下一位")
    expect(verdict(box, "poor")).to_contain_text("100% 是 BG/NBD 的规定")
    box.screenshot(path=screenshots / "exercise-05-3-poor.png")
    for letter, decision in zip(LETTERS, sound, strict=True):
        choose(box, letter)
        expect(box.get_by_text(f"{letter}：怎么办", exact=True)).to_be_visible()
        button = box.get_by_role("button", name=decision, exact=True)
        button.focus()
        button.press("Enter")
    told = verdict(box, "good")
    expect(told).to_contain_text("丙和戊都沉默了约 12 周，你分开对待，对")
    expect(told).to_contain_text("丁选“照常维护”没有错，只是运气不好")
    expect(told).to_contain_text("八个决定里有 8 个站得住；实际损失 50 元")
    box.screenshot(path=screenshots / "exercise-05-3.png")
    choose(box, "加看 P(alive)")
    choose(box, "重新开始")
    expect(verdict(box, "poor")).to_contain_text("还有 8 位没有定")


@pytest.mark.parametrize("name", ["ex-05-1", "ex-05-2", "ex-05-3"])
def test_narrow_window_keeps_everything_inside(page: Page, screenshots: Path, name: str) -> None:
    assert overflow(page, name, screenshots / f"exercise-{name[3:]}-narrow.png") <= 1
