"""Forty ways and more to cheat, steal, break and stop the grader: none earns a point, sees a secret or stops the class.

Every attack of :mod:`tests.security.attacks` ran in one batch, through the runner, on one house, between honest ones.
"""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from course import grading
from tests.security.attacks import ATTACKS, NOTHING, SHOWN, Attack
from tests.security.scene import AGAIN, ASSIGNMENT, BYSTANDERS, FULL, Graded

pytestmark = pytest.mark.timeout(1800)  # the first test waits for the whole batch
EVERYONE = [*(attack.student for attack in ATTACKS), *BYSTANDERS, *AGAIN]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.threat} {attack.name}")
def test_attack(attack: Attack, attacked: Graded) -> None:
    """The score is what the honest part deserves, nothing is seen, and the report says what happened."""
    student = attack.student
    assert attacked.points(student) == attack.expected(), attacked.report(student)
    assert "PWNED" not in attacked.outputs(student)
    seen = attacked.outputs(student) + attacked.report(student) + attacked.feedback.get(student, "")
    assert attacked.scene.canaries.seen_in(seen) == []
    report = json.loads(attacked.report(student))
    words = json.dumps([report["findings"], report["look"], report["cells"], report["tests"]], ensure_ascii=False)
    assert [word for word in attack.says if word not in words] == [], attacked.report(student)


def test_every_threat_is_tried() -> None:
    assert {attack.threat for attack in ATTACKS} | {"T13"} == {f"T{number}" for number in range(1, 17)}
    assert len(ATTACKS) >= 40


# --------------------------------------------------------------------------------------------- T13: earlier scores


@pytest.mark.parametrize("student", ["t13-emptied", "t13-crashed", "t13-lost"])
def test_t13_earlier_good_score_does_not_outlive_a_worse_resubmission(student: str, attacked: Graded) -> None:
    assert attacked.points(student) == NOTHING
    scores = {cell: score for cell, score in attacked.marks[student].items() if cell.endswith("-test")}
    assert scores == {f"{task}-test": 0.0 for task in FULL}


def test_t13_mark_by_hand_does_not_outlive_the_answer_it_was_for(attacked: Graded) -> None:
    assert attacked.manual == {"score": None, "open": 1.0}
    kept = attacked.scene.classroom.records / ASSIGNMENT / "t13-marked" / "superseded-marks.jsonl"
    assert json.loads(kept.read_text())["marks"] == {"a04-7-memo": 3.0}


# ---------------------------------------------------------------------------------------------- T14: the class goes on


def test_t14_batch_goes_on(attacked: Graded) -> None:
    assert attacked.summary.failed == {}
    assert set(attacked.records) == set(EVERYONE)


@pytest.mark.parametrize("student", BYSTANDERS)
def test_t14_honest_students_between_attackers_keep_their_points(student: str, attacked: Graded) -> None:
    assert attacked.points(student) == FULL


def test_pages_of_feedback_were_looked_at(attacked: Graded) -> None:
    assert {attack.student for attack in ATTACKS if attack.threat in SHOWN} <= set(attacked.feedback)


def test_gradebook_holds_the_scores_of_the_records(attacked: Graded) -> None:
    for student in EVERYONE:
        scores = {
            cell.removesuffix("-test"): score
            for cell, score in attacked.marks[student].items()
            if cell.endswith("-test")
        }
        assert scores == attacked.points(student)


def test_memory_of_the_grader_stays_bounded(attacked: Graded) -> None:
    assert attacked.memory_grown < 600


# ------------------------------------------------------------------------------------------- nothing changed, nothing left


def test_nothing_is_changed(attacked: Graded) -> None:
    assert attacked.after == attacked.before


def test_no_process_is_left(attacked: Graded) -> None:
    assert attacked.rooms_left == []


def test_nothing_was_heard_outside(attacked: Graded) -> None:
    assert attacked.scene.heard == []


def test_no_file_is_left_outside(attacked: Graded) -> None:
    names = {"PWNED", attacked.scene.world["token"], "told"}
    folders = [*attacked.scene.world["folders"], "/", "/tmp", "/var/tmp", "/dev/shm", "/tmp/work", "/tmp/home"]
    assert [place for folder in folders for place in names if (Path(folder) / place).exists()] == []
    assert not any("PWNED" in path.name for path in Path(attacked.scene.world["folders"][0]).rglob("*"))


# ------------------------------------------------------------------------------------- what teachers and students look at


class Scripts(HTMLParser):
    """Finds in a page what a student put there and a browser would run, load or send somewhere."""

    _ACTIVE = frozenset({"iframe", "object", "embed", "form", "base", "meta", "link", "frame", "applet"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag in ("script", "style")
        for name, value in attrs:
            text = re.sub(r"\s", "", value or "")
            runs = name.startswith("on") or name == "srcdoc" or (tag in self._ACTIVE)
            loads = name in ("href", "src", "action", "style", "data") and re.match(
                r"(?i)(javascript|https?|//|data:text)", text
            )
            if "XSS" in text and (runs or loads):
                self.found.append(f"<{tag} {name}={value}>")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and "XSS" in data:
            self.found.append(data[:200])


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.threat == "T12"], ids=lambda attack: attack.name)
def test_t12_nothing_runs_on_the_page_of_feedback(attack: Attack, attacked: Graded) -> None:
    page = Scripts()
    page.feed(attacked.feedback[attack.student])
    assert page.found == []


@pytest.mark.parametrize("student", EVERYONE)
def test_report_in_the_terminal_has_no_control_codes(student: str, attacked: Graded) -> None:
    told = io.StringIO()
    console = Console(file=told, width=160)
    for part in grading.explain(attacked.records[student]):
        console.print(part, highlight=False, markup=False)
    for part in grading.summary_tables(attacked.summary):
        console.print(part, highlight=False, markup=False)
    assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", told.getvalue()) == []
