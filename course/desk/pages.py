"""What the desk's templates need besides the state: words, bars, links."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from course.desk import marks
from course.desk.jobs import ACTIONS, Job
from course.desk.state import STATES, AssignmentState, SectionState, Work, local
from course.hub.classroom import Classroom
from crmlab.i18n import _

INSTRUCTORS_ONLY = frozenset({"release", "feedback", "due"})
"""What a grader may not do."""

BAR = ("returned", "graded", "manual", "ungraded", "new", "fetched")
"""Segments of an assignment's bar, from what is finished to what has hardly begun."""

STAGES: dict[str, Callable[[], str]] = {
    **STATES,
    "none": lambda: _("未领取"),
    "fetched": lambda: _("已领取"),
    "new": lambda: _("新提交"),
}


def segments(assignment: AssignmentState) -> Iterator[tuple[str, str, int, int]]:
    """The bar: stage, its name, where it begins, how many students. The rest have not fetched it."""
    stages = [work.stage for work in assignment.works.values()]
    begin = 0
    for stage in BAR:
        if count := stages.count(stage):
            yield stage, STAGES[stage](), begin, count
            begin += count


def figures(assignment: AssignmentState) -> list[tuple[str, int, str]]:
    """The line of figures: name, number, stage whose colour it takes (empty: none)."""
    counts = assignment.counts
    return [
        (_("领取"), counts["fetched"], ""),
        (_("提交"), counts["submitted"], ""),
        (_("迟交"), counts["late"], "late" if counts["late"] else ""),
        (_("已评"), counts["graded"], ""),
        (_("待评阅"), counts["manual"], "manual" if counts["manual"] else ""),
        (_("反馈"), counts["feedback"], ""),
    ]


def overview(state: SectionState) -> list[tuple[str, int, str]]:
    """What waits in the whole section: name, number, stage."""
    every = [assignment.counts for assignment in state.assignments]
    return [
        (_("学生"), sum(student.listed for student in state.students), ""),
        (_("待回收"), sum(counts["new"] for counts in every), "new"),
        (_("待评分"), sum(counts["ungraded"] for counts in every), "ungraded"),
        (_("待人工评阅"), sum(counts["manual"] for counts in every), "manual"),
    ]


def next_step(assignment: AssignmentState) -> str:
    """The action that the state of an assignment asks for; empty if none does."""
    return {"draft": "release", "new": "collect", "ungraded": "grade", "graded": "feedback"}.get(assignment.state, "")


def cell(work: Work) -> str:
    """What a cell of the table says."""
    if work.score is None:
        return "—" if work.stage == "none" else STAGES[work.stage]()
    return marks.number(work.score)


def rank(work: Work) -> float:
    """By which a column is sorted: marks above all else, the rest by how far it got."""
    if work.score is not None:
        return 100 + work.score
    return ["none", "fetched", "new", "ungraded"].index(work.stage)


def formgrader(base_url: str, user: str, section: str, first: str) -> str:
    """Address that starts the user's server for this section if need be, and opens formgrader on it.

    A section other than the person's first one has a server of its own, named after it.
    """
    server = quote(user, safe="") + ("" if section == first else f"/{section}")
    return f"{base_url}hub/spawn/{server}?" + urlencode({"next": f"{base_url}user/{server}/formgrader"})


def job_title(job: Job) -> str:
    return ACTIONS[job.action]() if job.action in ACTIONS else job.action


def job_views(classroom: Classroom, jobs: dict[str, Job], template: Any) -> dict[str, dict[str, str]]:
    """Jobs as the page shows them, by assignment: id, state, and the box as HTML."""
    return {
        assignment: {
            "id": f"{job.began} {job.action}",
            "state": job.state,
            "html": template.render(job=job, section=classroom.section),
        }
        for assignment, job in jobs.items()
    }


def clock(iso: str) -> str:
    """A job's time as people read it."""
    from datetime import datetime

    return local(datetime.fromisoformat(iso), "%m-%d %H:%M") if iso else ""


HELPERS: dict[str, Any] = {
    "cell": cell,
    "clock": clock,
    "figures": figures,
    "job_title": job_title,
    "local": local,
    "next_step": next_step,
    "number": marks.number,
    "overview": overview,
    "rank": rank,
    "segments": segments,
    "stages": lambda stage: STAGES[stage](),
    "states": lambda state: STATES[state](),
    "total": marks.total,
}
"""Functions that all templates know."""
