"""nbgrader's exchange classes as this course has them. Switched on by :func:`course.exchange.configure`."""

from course.exchange.plugins.collect import Collect
from course.exchange.plugins.fetch import FetchAssignment, FetchFeedback
from course.exchange.plugins.listing import ListAssignments
from course.exchange.plugins.release import ReleaseAssignment, ReleaseFeedback
from course.exchange.plugins.submit import Submit

__all__ = [
    "Collect",
    "FetchAssignment",
    "FetchFeedback",
    "ListAssignments",
    "ReleaseAssignment",
    "ReleaseFeedback",
    "Submit",
]
