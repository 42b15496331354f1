"""Windows of the browser that wait long: the machine may be busy with other things, and how quick it is no test asks."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, expect

from tests.waiting import PATIENCE


def new_window(browser: Browser, **settings: Any) -> BrowserContext:
    """A browser session of its own, in Chinese; settings as Playwright's ``new_context`` takes them."""
    expect.set_options(timeout=PATIENCE * 1000)
    context = browser.new_context(locale="zh-CN", **settings)
    context.set_default_timeout(PATIENCE * 1000)
    return context
