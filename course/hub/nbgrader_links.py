"""nbgrader's step that makes links by id into links to the class's book."""

from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor

from course import links
from course.hub.materials import BOOK_URL
from course.model import load


class RewriteLinks(NbGraderPreprocessor):
    """``[RFM](term:rfm)`` in an assignment leads into the book. Before checksums are taken."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        known = links.targets(load())
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = links.rewrite(cell.source, BOOK_URL, known)
        return nb, resources
