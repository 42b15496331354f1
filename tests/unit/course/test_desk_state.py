"""How a section stands, as the desk reads it."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from course.desk import state
from course.desk.due import parse_due, set_due
from course.desk.state import read_state
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from tests.desk import ASSIGNMENT, NOON, School, enter, gradebook
from tests.desk import school as make_school

HOUR = timedelta(hours=1)


@pytest.fixture
def school(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> School:
    return make_school(classroom, monkeypatch)


def only(classroom: Classroom) -> state.AssignmentState:
    return read_state(classroom).assignment(ASSIGNMENT)


def test_a_new_class_has_drafts_and_no_marks(school: School, classroom: Classroom) -> None:
    school.enrol("s1", "s2")
    found = read_state(classroom)
    assert [student.name for student in found.students] == ["s1", "s2"]
    assert found.assignment(ASSIGNMENT).state == "draft"
    assert found.assignment(ASSIGNMENT).works == {"s1": state.Work(), "s2": state.Work()}
    assert not (classroom.course / "gradebook.db").exists()  # looking makes nothing


def test_only_written_assignments_of_the_course_are_known(school: School, classroom: Classroom) -> None:
    assert ASSIGNMENT in {assignment.id for assignment in read_state(classroom).assignments}
    for unknown in ("a99-nothing", "..", "", "../../secrets"):
        with pytest.raises(CourseError, match="没有作业"):
            read_state(classroom, [unknown])


def test_each_step_of_an_assignment_has_its_state(school: School, classroom: Classroom) -> None:
    school.enrol("s1", "s2")
    steps = [only(classroom).state]
    (classroom.outbound / ASSIGNMENT).mkdir(parents=True)
    steps.append(only(classroom).state)
    school.hand_in("s1")
    steps.append(only(classroom).state)
    school.collect("s1")
    steps.append(only(classroom).state)
    gradebook(classroom)
    enter(classroom, "s1", [3, None])
    steps.append(only(classroom).state)
    _mark_by_hand(classroom)
    steps.append(only(classroom).state)
    school.graded("s1")
    school.hand_back("s1")
    steps.append(only(classroom).state)
    assert steps == ["draft", "released", "new", "ungraded", "manual", "graded", "returned"] == list(state.STATES)


def _mark_by_hand(classroom: Classroom) -> None:
    from nbgrader.api import Grade, Gradebook

    with Gradebook(classroom.db_url) as book:
        for grade in book.db.query(Grade).filter(Grade.needs_manual_grade):
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 4, 0.5, False
        book.db.commit()


def test_the_score_is_the_manual_one_with_extra_credit(school: School, classroom: Classroom) -> None:
    school.enrol("s1")
    gradebook(classroom)
    school.collect("s1")
    enter(classroom, "s1", [3, None])
    assert only(classroom).works["s1"].score == 3
    _mark_by_hand(classroom)
    assert only(classroom).works["s1"].score == 7.5
    assert only(classroom).mean == 7.5


def test_a_new_submission_after_grading_asks_to_be_collected_and_keeps_the_old_score(
    school: School, classroom: Classroom
) -> None:
    school.enrol("s1")
    gradebook(classroom)
    school.hand_in("s1")
    school.collect("s1")
    enter(classroom, "s1", [3, 4])
    school.hand_in("s1", NOON + HOUR)
    work = only(classroom).works["s1"]
    assert (work.stage, work.score, work.submissions, work.submitted) == ("new", 7, 2, NOON + HOUR)
    school.collect("s1", NOON + HOUR)
    work = only(classroom).works["s1"]
    assert (work.stage, work.graded, work.score) == ("ungraded", False, 7)


def test_feedback_on_an_earlier_grading_does_not_count(school: School, classroom: Classroom) -> None:
    school.enrol("s1")
    gradebook(classroom)
    school.collect("s1")
    enter(classroom, "s1", [5, 5])
    graded, page = school.graded("s1"), school.hand_back("s1")
    assert only(classroom).works["s1"].stage == "returned"
    os.utime(graded, (page.stat().st_mtime + 60,) * 2)
    assert only(classroom).works["s1"].stage == "graded"
    assert only(classroom).state == "graded"


def test_a_feedback_page_that_is_a_link_to_nowhere_is_none(school: School, classroom: Classroom) -> None:
    school.enrol("s1")
    gradebook(classroom)
    school.collect("s1")
    enter(classroom, "s1", [5, 5])
    school.graded("s1")
    page = school.hand_back("s1")
    page.unlink()
    assert only(classroom).works["s1"].stage == "graded"


@pytest.mark.parametrize(
    ("extension", "late"), [(None, True), (timedelta(minutes=30), True), (2 * HOUR, False)], ids=str
)
def test_late_is_after_the_due_date_and_the_students_extension(
    school: School, classroom: Classroom, extension: timedelta | None, late: bool
) -> None:
    school.enrol("s1")
    gradebook(classroom)
    set_due(classroom, ASSIGNMENT, NOON)
    school.hand_in("s1", NOON + HOUR)
    school.collect("s1", NOON + HOUR)
    enter(classroom, "s1", [5, 5], NOON + HOUR, extension=extension)
    assert only(classroom).works["s1"].late is late
    assert only(classroom).counts["late"] == int(late)


def test_who_left_the_class_list_keeps_the_marks(school: School, classroom: Classroom) -> None:
    school.enrol("s2")
    gradebook(classroom)
    school.collect("s1")
    enter(classroom, "s1", [5, 4])
    found = read_state(classroom)
    assert [(student.name, student.listed) for student in found.students] == [("s2", True), ("s1", False)]
    assert found.assignment(ASSIGNMENT).works["s1"].score == 9


def test_sections_do_not_see_each_other(school: School, classroom: Classroom) -> None:
    other = classroom.of("crm-2")
    other.create()
    school.enrol("s1")
    gradebook(classroom)
    school.collect("s1")
    enter(classroom, "s1", [5, 5])
    assert read_state(other).students == ()
    assert only(other).counts["graded"] == 0


def test_a_damaged_gradebook_is_one_sentence_without_its_address(school: School, classroom: Classroom) -> None:
    (classroom.course / "gradebook.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(CourseError, match="成绩册读不了") as told:
        read_state(classroom)
    assert str(classroom.course) not in str(told.value)


def test_damaged_folders_of_submissions_are_passed_over(school: School, classroom: Classroom) -> None:
    school.enrol("s1", "s2")
    school.collect("s1")
    (classroom.course / "submitted" / "s1" / ASSIGNMENT / "timestamp.txt").write_bytes(b"\xff\xfenonsense")
    (classroom.course / "submitted" / "s2").symlink_to(classroom.secrets)
    works = only(classroom).works
    assert (works["s1"].collected, works["s1"].submitted) == (True, None)
    assert works["s2"] == state.Work()


# -------------------------------------------------------------------------------------------------------- due dates


def test_due_dates_are_read_as_the_clock_in_shanghai(school: School, classroom: Classroom) -> None:
    gradebook(classroom)
    assert parse_due("2026-12-01 23:59") == datetime(2026, 12, 1, 15, 59, tzinfo=UTC)
    assert parse_due(" 2026-12-01T23:59 ") == parse_due("2026-12-01 23:59")
    set_due(classroom, ASSIGNMENT, parse_due("2026-12-01 23:59"))
    assert state.local(only(classroom).due) == "2026-12-01 23:59"
    set_due(classroom, ASSIGNMENT, None)
    assert only(classroom).due is None


def test_a_due_date_can_be_set_before_the_release_and_nbgrader_reads_the_same(
    school: School, classroom: Classroom
) -> None:
    from nbgrader.api import Gradebook

    set_due(classroom, ASSIGNMENT, parse_due("2026-12-01 23:59"))
    with Gradebook(classroom.db_url) as book:
        assert book.find_assignment(ASSIGNMENT).duedate == datetime(2026, 12, 1, 15, 59)


@pytest.mark.parametrize(
    "text", ["", "明天", "2026-12-01", "2026-13-01 10:00", "2026-02-30 10:00", "2026-12-01 24:30", "23:59", "=1+1"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(CourseError, match="2026-12-01 23:59"):
        parse_due(text)


def test_a_due_date_of_an_unknown_assignment_is_refused(school: School, classroom: Classroom) -> None:
    with pytest.raises(CourseError, match="没有作业 a99"):
        set_due(classroom, "a99", NOON)
    assert not (classroom.course / "gradebook.db").exists()
