"""What the site adds to each page: buttons that open a chapter in the class or download it. A Sphinx extension."""

from typing import Any

from docutils.nodes import document
from sphinx.application import Sphinx

from crmlab.i18n import _


def chapter_buttons(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: document | None) -> None:
    """On chapter pages: a strip below the title with 在课堂中打开 and 下载笔记本."""
    if not page.startswith("chapters/") or "body" not in context:
        return
    links = []
    notebook = f"{page.removeprefix('chapters/')}.ipynb"
    if app.config.course_hub_url:
        url = f"{app.config.course_hub_url}/{notebook}"
        links.append(f'<a class="chapter-action primary" href="{url}">{_("在课堂中打开")}</a>')
    source = context["pathto"](f"_sources/{page}.ipynb", 1)
    links.append(f'<a class="chapter-action" href="{source}" download="{notebook}">{_("下载笔记本")}</a>')
    hint = _("网页上的练习显示打开时的样子，到课堂里打开就能动手操作。")
    strip = f'<div class="chapter-actions">{"".join(links)}<span class="chapter-hint">{hint}</span></div>'
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{strip}", 1)


# The theme's Chinese catalogue says these stiffly.
_BUTTONS = {"download-pdf-button": _("打印或存为 PDF"), "download-source-button": _("下载本页源文件")}


def button_words(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: document | None) -> None:
    """Better words on the theme's download buttons."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            button["tooltip"] = _BUTTONS.get(button["label"], button["tooltip"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hooks and their one setting, ``course_hub_url``."""
    app.add_config_value("course_hub_url", "", "html", str)
    app.connect("html-page-context", chapter_buttons)
    app.connect("html-page-context", button_words, priority=600)  # after the theme has made its buttons
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
