"""How work travels: releases to students, submissions and receipts, feedback back to them.

nbgrader's own interface, commands and formgrader are used unchanged; its exchange classes are replaced by those of
:mod:`course.exchange.plugins`, which give each student a drop box, a feedback folder and a receipts folder of their
own. :mod:`course.exchange.intake` takes submissions in; :mod:`course.exchange.receiver` does it all the time.
"""

from typing import Any

from course.exchange.boxes import open_boxes
from course.exchange.intake import may_take_in, take_in
from course.exchange.receipts import Receipt, Verdict, verify
from course.exchange.register import Submission, fetched, received

__all__ = [
    "Receipt",
    "Submission",
    "Verdict",
    "configure",
    "fetched",
    "may_take_in",
    "open_boxes",
    "received",
    "take_in",
    "verify",
]

PLUGINS = {
    "fetch_assignment": "FetchAssignment",
    "fetch_feedback": "FetchFeedback",
    "release_assignment": "ReleaseAssignment",
    "release_feedback": "ReleaseFeedback",
    "list": "ListAssignments",
    "submit": "Submit",
    "collect": "Collect",
}


def configure(c: Any) -> None:
    """Set all of nbgrader's configuration ``c`` that is about the exchange, except where it lies (``Exchange.root``)."""
    for plugin, name in PLUGINS.items():
        setattr(c.ExchangeFactory, plugin, f"course.exchange.plugins.{name}")
    c.Exchange.path_includes_course = True  # ~/crm/a04-segmentation
    # Who handed in is told by the drop box, not by the owner of the files, which is the one account of the class.
    c.ExchangeCollect.check_owner = False
