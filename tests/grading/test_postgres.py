"""The gradebook on a real PostgreSQL server, which restarts and goes away in the middle."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from nbgrader.api import Gradebook as Book

from autograder.gradebook import GradebookError
from autograder.runner import Backend
from tests.grading.conftest import RIGHT, Grader, fill
from tests.grading.postgres import Postgres
from tests.grading.tiny import ASSIGNMENT, Fake, TinyClass
from tests.waiting import eventually


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    server = Postgres()
    try:
        server.start()
        school = TinyClass(server.folder / "registered", server.url())
        school.register()
        yield server
    finally:
        server.remove()


@pytest.fixture
def school(tmp_path: Path, server: Postgres) -> Iterator[TinyClass]:
    """A class of four with a database of its own, which knows the assignment."""
    engine = sa.create_engine(server.url("template1"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("DROP DATABASE IF EXISTS marks WITH (FORCE)"))
        connection.execute(sa.text("CREATE DATABASE marks TEMPLATE postgres"))
    engine.dispose()
    return fill(TinyClass(tmp_path, server.url("marks")))


def test_a_class_graded_in_rooms_reads_back_through_nbgrader(school: TinyClass, rooms: Backend):
    summary = school.grade(rooms)
    assert summary.failed == {}
    school.assert_finished(RIGHT)
    with Book(school.db_url) as book:
        assert book.find_submission(ASSIGNMENT, "student01").score == 3
        assert book.find_submission(ASSIGNMENT, "student02").needs_manual_grade
        assert book.average_assignment_score(ASSIGNMENT) == (3 + 1 + 2 + 3) / 4
    assert not school.grade(rooms).graded


def test_a_restart_in_mid_batch_is_waited_for(school: TinyClass, server: Postgres, start: Callable[..., Grader]):
    grader = start(school, "--pause-at", "after-record:2", "--patience", "60")
    eventually((school.folder / "paused").exists)
    server.stop()
    (school.folder / "paused").unlink()
    eventually(lambda: len(school.records()) == 2)
    server.start()
    assert grader.end().code == 0, grader.said
    assert sorted(grader.told["graded"]) == sorted(RIGHT)
    school.assert_finished(RIGHT)


def test_a_server_gone_for_good_costs_no_record(school: TinyClass, server: Postgres, start: Callable[..., Grader]):
    grader = start(school, "--pause-at", "after-record:2", "--patience", "1")
    eventually((school.folder / "paused").exists)
    server.stop()
    try:
        (school.folder / "paused").unlink()
        assert grader.end().code == 1
        assert grader.said.count("\n") == 1
        assert grader.said.startswith("成绩册读不了或写不了")
        assert server.password not in grader.said
        graded = {name: history[0].graded for name, history in school.records().items()}
        assert sorted(graded) == sorted(RIGHT)
    finally:
        server.start()
    again = start(school).end()
    assert (again.told["graded"], len(again.told["unchanged"]), len(again.told["entered"])) == ([], 1, 3)
    school.assert_finished(RIGHT)
    assert {name: history[0].graded for name, history in school.records().items()} == graded


def test_a_wrong_password_is_told_without_it(school: TinyClass, server: Postgres):
    wrong = TinyClass(school.folder, server.url("marks").replace(server.password, "gEheim77"), patience=0)
    with pytest.raises(GradebookError, match="password authentication failed") as caught:
        wrong.grade(Fake())
    assert "gEheim77" not in str(caught.value)


def test_a_database_without_tables_is_told(school: TinyClass, server: Postgres):
    empty = TinyClass(school.folder, server.url("template1"))
    with pytest.raises(GradebookError, match="会先登记题目，再补写成绩"):
        empty.grade(Fake())
    school.grade(backend := Fake())
    assert backend.submitted == []
    school.assert_finished(RIGHT)
