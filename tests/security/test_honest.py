"""Odd but honest work keeps all its points: noise, style, other editors, threads, plots."""

import pytest

from tests.security.honest import HONEST, Honest
from tests.security.scene import FULL, Graded


@pytest.mark.parametrize("student", HONEST, ids=lambda student: student.name)
def test_keeps_all_points(student: Honest, honest: Graded) -> None:
    assert honest.points(student.student) == {task: points for task, points in FULL.items() if task != "a04-8"}
    assert honest.records[student.student].score == 22
    assert honest.records[student.student].look == []


def test_all_are_graded(honest: Graded) -> None:
    assert honest.summary.failed == {}
    assert len(honest.records) == len(HONEST) >= 12
