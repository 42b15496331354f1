"""Every written chapter runs from top to bottom, offline, and shows what it promises."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from course import model
from crmlab.paths import course_root

CHAPTERS = [chapter.id for chapter in model.load().written_chapters()]
SECONDS_A_CELL = 60

OFFLINE = """
import socket
def _offline(self, address, connect=socket.socket.connect):
    if isinstance(address, tuple) and not str(address[0]).startswith("127."):
        raise OSError(f"a chapter must not use the network: {address}")
    return connect(self, address)
socket.socket.connect = _offline
"""


@pytest.fixture(scope="module", params=CHAPTERS)
def executed(request: pytest.FixtureRequest):
    """A chapter after execution."""
    path = course_root() / "chapters" / f"{request.param}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(OFFLINE))
    client = NotebookClient(notebook, timeout=SECONDS_A_CELL, kernel_name="python3", store_widget_state=True)
    client.execute(cwd=str(path.parent))
    return notebook


def outputs(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell, output


def test_prints_no_warning(executed):
    noisy = {cell["id"]: output["text"] for cell, output in outputs(executed) if output.get("name") == "stderr"}
    assert not noisy


def test_every_figure_has_a_text_for_who_cannot_see_it(executed):
    pages = [output["data"].get("text/html", "") for _, output in outputs(executed) if "data" in output]
    images = [tag for page in pages for tag in re.findall(r"<img[^>]*>", page)]
    assert images
    assert all(re.search(r'alt="[^"]{10,}"', tag) for tag in images)
    assert not [cell["id"] for cell, output in outputs(executed) if "image/png" in output.get("data", {})]


def test_every_code_cell_shows_something(executed):
    """A reader without a kernel learns from outputs: a silent cell teaches nothing."""
    silent = [cell["id"] for cell in executed.cells[1:] if cell.cell_type == "code" and not cell.outputs]
    assert not silent


def test_exercises_show_a_widget(executed):
    widgets = "application/vnd.jupyter.widget-view+json"
    for cell in executed.cells:
        if any(tag.startswith("ex-") for tag in cell.metadata.get("tags", [])):
            assert any(widgets in output.get("data", {}) for output in cell.outputs), cell["id"]
