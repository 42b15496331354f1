"""Work travels from the teacher to a student and back through nbgrader's own interfaces, and every submission is kept."""

import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from nbgrader.api import Gradebook
from nbgrader.exchange import ExchangeError
from nbgrader.server_extensions.assignment_list.handlers import AssignmentList
from typer.testing import CliRunner

from course.exchange import commands, fetched, intake, open_boxes, receipts, received, take_in, verify
from course.exchange.receiver import Receiver
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from tests.exchanging import A1, NOTEBOOK, api, collected, fetch, home, release, settings_file, submit

ANNA, BEN = "student01", "李 2".replace(" ", "")


@pytest.fixture(autouse=True)
def _no_power_fails_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk proves nothing where processes are killed, and machines are not."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: it takes seconds."""
    file = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader calls alembic by name
        with Gradebook(f"sqlite:///{file}") as book:
            book.add_assignment(A1)
    return file


@pytest.fixture
def room(classroom: Classroom, empty_gradebook: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """A class with two students, to whom a1 is released."""
    monkeypatch.chdir(classroom.folder)  # and back, wherever a test goes
    shutil.copy(empty_gradebook, classroom.course)
    open_boxes(classroom, [ANNA, BEN])
    release(classroom)
    return classroom


@pytest.fixture
def due(room: Classroom) -> Any:
    """Sets the due date of a1, hours from now."""

    def set_due(hours: float) -> datetime:
        moment = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(hours=hours)
        with Gradebook(room.db_url) as book:
            book.update_or_create_assignment(A1, duedate=moment)
        return moment

    return set_due


def write(room: Classroom, student: str, text: str) -> None:
    (home(room, student) / "crm" / A1 / NOTEBOOK).write_text(text, "utf-8")


def give_feedback(room: Classroom, student: str, page: str, secret: bool = True) -> None:
    """What ``generate_feedback`` leaves behind."""
    folder = room.course / "feedback" / student / A1
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "work.html").write_text(page, "utf-8")
    for name in ("timestamp.txt", "submission_secret.txt") if secret else ("timestamp.txt",):
        (folder / name).write_bytes((collected(room, student) / name).read_bytes())


# --- the whole way, through JupyterLab's list of assignments ---------------------------------------------------------


def tab(room: Classroom, student: str, course: str = "crm") -> AssignmentList:
    """The server side of the Assignments tab of a student's JupyterLab, which runs in the student's home."""
    settings_file(room, student, course)
    os.chdir(home(room, student))
    manager = AssignmentList()
    manager.root_dir = str(home(room, student))
    return manager


def listed(manager: AssignmentList) -> list[dict[str, Any]]:
    answer = manager.list_assignments(course_id="crm")
    assert answer["success"], answer
    return answer["value"]


def test_the_whole_way_through_jupyterlabs_tab(room: Classroom) -> None:
    manager = tab(room, ANNA)
    assert [(one["assignment_id"], one["status"]) for one in listed(manager)] == [(A1, "released")]
    assert manager.fetch_assignment("crm", A1)["success"]
    assert listed(manager)[0]["status"] == "fetched"
    assert fetched(room, A1) == {ANNA}
    write(room, ANNA, "anna's work")
    assert manager.submit_assignment("crm", A1)["success"]
    assert take_in(room)[0].student == ANNA

    (sent,) = listed(manager)[1]["submissions"]
    assert (sent["has_local_feedback"], sent["has_exchange_feedback"]) == (False, False)
    (laid,) = (home(room, ANNA) / "回执").iterdir()
    assert verify(room, laid.read_text("utf-8")).genuine

    assert api(room).collect(A1)["success"]
    assert (collected(room, ANNA) / NOTEBOOK).read_text("utf-8") == "anna's work"
    give_feedback(room, ANNA, "well done")
    assert api(room).release_feedback(A1, ANNA)["success"]
    (sent,) = listed(manager)[1]["submissions"]
    assert (sent["has_local_feedback"], sent["has_exchange_feedback"]) == (False, True)
    assert manager.fetch_feedback("crm", A1)["success"]
    (sent,) = listed(manager)[1]["submissions"]
    assert (sent["has_local_feedback"], sent["feedback_updated"]) == (True, False)
    page = home(room, ANNA) / sent["local_feedback_path"] / "work.html"
    assert page.read_text("utf-8") == "well done"

    give_feedback(room, ANNA, "even better")
    assert api(room).release_feedback(A1)["success"]
    (sent,) = listed(manager)[1]["submissions"]
    assert sent["feedback_updated"] is True
    assert manager.fetch_feedback("crm", A1)["success"]
    assert page.read_text("utf-8") == "even better"


def test_nbgraders_interface_of_the_desk_lists_and_takes_back(room: Classroom) -> None:
    assert api(room).get_released_assignments() == {A1}
    assert api(room).unrelease(A1)["success"]
    assert api(room).get_released_assignments() == set()


def test_each_student_can_reach_only_folders_of_their_own(room: Classroom) -> None:
    for name in ("inbound", "feedback", "receipts"):
        folder = room.exchange / "crm" / name
        assert oct(folder.stat().st_mode)[-3:] == "711"
        assert [oct(one.stat().st_mode)[-3:] for one in folder.iterdir()] == ["700", "700"]
    assert oct(room.outbound.stat().st_mode)[-3:] == "755"
    assert oct((room.outbound / A1 / NOTEBOOK).stat().st_mode)[-3:] == "644"
    assert oct(room.exchange.stat().st_mode)[-3:] == "755"  # nbgrader's own class would open it to everybody


# --- submissions -----------------------------------------------------------------------------------------------------


def test_the_newest_is_collected_and_all_are_kept(room: Classroom) -> None:
    fetch(room, ANNA)
    texts = ["first", "second", "third"]
    for text in texts:
        write(room, ANNA, text)
        submit(room, ANNA)
        take_in(room)
        assert api(room).collect(A1)["success"]
        assert (collected(room, ANNA) / NOTEBOOK).read_text("utf-8") == text
    kept = received(room, A1)
    assert [(one.folder / NOTEBOOK).read_text("utf-8") for one in kept] == texts
    assert len({one.digest for one in kept}) == len({one.receipt.number for one in kept if one.receipt}) == 3


def test_collect_takes_in_what_still_waits(room: Classroom) -> None:
    fetch(room, ANNA)
    submit(room, ANNA)
    assert received(room, A1) == []
    assert api(room).collect(A1)["success"]
    assert (collected(room, ANNA) / "timestamp.txt").read_text() in received(room, A1)[0].folder.name


def test_late_work_is_taken_and_marked(room: Classroom, due: Any) -> None:
    fetch(room, ANNA)
    write(room, ANNA, "in time")
    due(+1)
    submit(room, ANNA)
    (in_time,) = take_in(room)
    write(room, ANNA, "too late")
    moment = due(-26)
    submit(room, ANNA)
    (late,) = take_in(room)
    assert (in_time.late, late.late) == (False, True)
    assert late.due == f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC"
    text = next(room.receipts_of(ANNA).glob(f"{late.number}.txt")).read_text("utf-8")
    assert "迟交 1 天 2 小时" in text
    due(+2)  # extended: from now on neither is late, whatever the receipts said
    assert [one.late for one in received(room, A1)] == [False, False]


def test_the_newest_before_the_due_date_is_collected_if_asked_for(room: Classroom, due: Any) -> None:
    fetch(room, ANNA)
    write(room, ANNA, "in time")
    submit(room, ANNA)
    (first,) = take_in(room)
    write(room, ANNA, "too late")
    submit(room, ANNA)
    take_in(room)
    with Gradebook(room.db_url) as book:
        book.update_or_create_assignment(A1, duedate=first.moment.replace(tzinfo=None) + timedelta(microseconds=1))
    assert api(room, ExchangeCollect={"before_duedate": True}).collect(A1)["success"]
    assert (collected(room, ANNA) / NOTEBOOK).read_text("utf-8") == "in time"


def test_the_time_is_the_systems_not_the_students(room: Classroom) -> None:
    fetch(room, ANNA)
    before = datetime.now(UTC) - timedelta(seconds=1)
    submit(room, ANNA, at="2020-01-01 00:00:00.000000 UTC")
    (receipt,) = take_in(room)
    assert before < receipt.moment < datetime.now(UTC) + timedelta(seconds=1)
    assert (room.received / receipt.folder / "timestamp.txt").read_text() == receipt.time


def test_whose_drop_box_it_is_handed_it_in(room: Classroom) -> None:
    fetch(room, ANNA)
    submit(room, ANNA)
    (sent,) = (one for one in room.drop_box(ANNA).iterdir() if not one.name.startswith("."))
    sent.rename(sent.with_name(sent.name.replace(ANNA, BEN)))
    assert [receipt.student for receipt in take_in(room)] == [ANNA]
    assert received(room, A1, BEN) == []


def test_without_receiver_the_receipt_comes_later(room: Classroom, caplog: pytest.LogCaptureFixture) -> None:
    fetch(room, ANNA)
    submit(room, ANNA)
    assert "已经完整地放进投递箱" in caplog.text
    assert not (home(room, ANNA) / "回执").exists()
    take_in(room)
    listed(tab(room, ANNA))
    assert len(list((home(room, ANNA) / "回执").iterdir())) == 1


def test_with_a_receiver_the_receipt_is_told_at_once(room: Classroom, monkeypatch: Any, caplog: Any) -> None:
    receiver = Receiver(room)
    monkeypatch.setattr("course.exchange.plugins.submit.time.sleep", lambda _seconds: receiver.round())
    fetch(room, ANNA)
    submit(room, ANNA, wait=60)
    (one,) = received(room, A1)
    assert one.receipt is not None
    assert f"已收到作业 {A1}，回执编号 {one.receipt.number}" in caplog.text


def test_a_refused_submission_is_told_and_is_none(room: Classroom, monkeypatch: Any) -> None:
    receiver = Receiver(room)
    monkeypatch.setattr(intake, "MOST_SUBMISSIONS", 1)
    monkeypatch.setattr("course.exchange.plugins.submit.time.sleep", lambda _seconds: receiver.round())
    fetch(room, ANNA)
    submit(room, ANNA, wait=60)
    with pytest.raises(ExchangeError, match="没有收下：作业 a1 已经提交了 1 次"):
        submit(room, ANNA, wait=60)
    assert len(received(room, A1)) == 1
    assert len(listed(tab(room, ANNA))[1]["submissions"]) == 1
    assert len(list((home(room, ANNA) / "回执").glob("没有收下*"))) == 1


def test_sections_stand_side_by_side(room: Classroom) -> None:
    other = room.of("crm-2")
    other.create()
    open_boxes(other, [ANNA])
    release(other)
    for section in (room, other):
        fetch(section, ANNA)
        (home(room, ANNA) / section.section / A1 / NOTEBOOK).write_text(section.section)
        submit(section, ANNA)
    Receiver(room).round()
    for section in (room, other):
        (one,) = received(section, A1)
        assert (one.folder / NOTEBOOK).read_text() == section.section
        assert one.receipt is not None
        assert verify(room, one.receipt.number).genuine
    manager = tab(room, ANNA, course="")
    assert manager.list_courses()["value"] == ["crm", "crm-2"]
    assert len(list((home(room, ANNA) / "回执").iterdir())) == 2


# --- refused before anything is sent ---------------------------------------------------------------------------------


def nothing_sent(room: Classroom) -> bool:
    lain = [path for path in room.drop_box(ANNA).rglob("*") if path.name != ".lock"]
    return not lain and not list((home(room, ANNA) / ".cache").rglob("*.ipynb"))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda place: (place / "big.csv").write_bytes(bytes(10 * 2**20 + 1)), r"big\.csv 超过 10 MB"),
        (
            lambda place: [(place / f"{n}.bin").write_bytes(bytes(9 * 2**20)) for n in range(6)],
            r"加起来超过 50 MB（到 5\.bin 为止）",
        ),
        (lambda place: [(place / f"{n}.txt").touch() for n in range(200)], "文件和文件夹超过 200 个"),
        (lambda place: (place / "link").symlink_to("/etc/passwd"), "link 不是普通文件"),
        (lambda place: (place / "/".join("abcdefghi")).mkdir(parents=True), "嵌套超过 8 层"),
        (lambda place: (place / NOTEBOOK).unlink(), "文件夹里没有文件"),
    ],
)
def test_what_would_be_refused_is_not_sent(room: Classroom, spoil: Any, sentence: str) -> None:
    fetch(room, ANNA)
    spoil(home(room, ANNA) / "crm" / A1)
    with pytest.raises(ExchangeError, match=f"没有提交：.*{sentence}"):
        submit(room, ANNA)
    assert nothing_sent(room)


def test_what_just_fits_is_sent_and_taken(room: Classroom) -> None:
    fetch(room, ANNA)
    place = home(room, ANNA) / "crm" / A1
    for number in range(199):
        (place / f"{number}.txt").write_bytes(bytes(10 * 2**20 if number < 4 else 1))
    left = 50 * 2**20 - sum(file.stat().st_size for file in place.iterdir())
    (place / "198.txt").write_bytes(bytes(left + 1))
    (place / ".ipynb_checkpoints").mkdir()
    (place / ".ipynb_checkpoints" / "old.ipynb").touch()
    submit(room, ANNA)
    (receipt,) = take_in(room)
    assert (receipt.size, len(receipt.files)) == (50 * 2**20, 200)


def test_a_full_disk_is_one_sentence_and_nothing_half_sent(room: Classroom) -> None:
    import resource

    fetch(room, ANNA)
    write(room, ANNA, "x" * 10_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        with pytest.raises(ExchangeError, match="没有提交：磁盘已满"):
            submit(room, ANNA)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert nothing_sent(room)
    submit(room, ANNA)
    assert len(take_in(room)) == 1


def test_an_assignment_that_is_not_released_can_not_be_handed_in(room: Classroom) -> None:
    (home(room, ANNA) / "crm" / "a9").mkdir(parents=True)
    (home(room, ANNA) / "crm" / "a9" / NOTEBOOK).touch()
    with pytest.raises(ExchangeError, match="作业 a9 没有发布"):
        submit(room, ANNA, "a9")
    fetch(room, "stranger")
    with pytest.raises(ExchangeError, match="没有投递箱"):
        submit(room, "stranger")


def test_names_that_can_not_be_folders_are_refused(room: Classroom) -> None:
    for name in ("a+b", "../x", "", ".hidden", "a*", "a/b", "x\n"):
        with pytest.raises(CourseError, match="不能用于提交"):
            open_boxes(room, [name])


# --- releases and feedback -------------------------------------------------------------------------------------------


def test_a_release_replaces_the_old_one_whole(room: Classroom) -> None:
    refused = api(room, ExchangeReleaseAssignment={"force": False}).release_assignment(A1)
    assert not refused["success"]
    assert "已经发布过" in refused["log"]
    release(room, {NOTEBOOK: "new", "data.csv": "1"})
    assert {file.name: file.read_text() for file in (room.outbound / A1).iterdir()} == {
        NOTEBOOK: "new",
        "data.csv": "1",
    }
    assert sorted(file.name for file in room.outbound.iterdir()) == [f".previous-{A1}", A1]
    assert [one["assignment_id"] for one in listed(tab(room, ANNA))] == [A1]


def test_who_fetches_during_a_release_gets_one_of_the_two(room: Classroom, monkeypatch: Any) -> None:
    release(room, {NOTEBOOK: "old", "z.csv": "old"})
    copytree, times = shutil.copytree, []

    def slow(src: str, dest: str, **options: Any) -> Any:
        copied = copytree(src, dest, **options)
        times.append(dest)
        if len(times) == 1:
            monkeypatch.setattr(shutil, "copytree", copytree)
            release(room, {NOTEBOOK: "new"})  # while the student is copying
            monkeypatch.setattr(shutil, "copytree", slow)
        return copied

    monkeypatch.setattr(shutil, "copytree", slow)
    fetch(room, ANNA)
    place = home(room, ANNA) / "crm" / A1
    assert {file.name: file.read_text() for file in place.iterdir()} == {NOTEBOOK: "new"}
    assert [one.name for one in place.parent.iterdir()] == [A1]


def test_a_system_that_can_not_swap_folders_releases_all_the_same(room: Classroom, monkeypatch: Any) -> None:
    monkeypatch.setattr("course.exchange.plugins.release._exchange", lambda _one, _other: False)
    release(room, {NOTEBOOK: "new"})
    assert (room.outbound / A1 / NOTEBOOK).read_text() == "new"


def test_one_without_a_way_back_keeps_nobody_from_feedback(room: Classroom) -> None:
    for student in (ANNA, BEN):
        fetch(room, student)
        submit(room, student)
    take_in(room)
    api(room).collect(A1)
    give_feedback(room, ANNA, "for anna", secret=False)
    give_feedback(room, BEN, "for ben")
    result = api(room).release_feedback(A1)
    assert result["success"]
    assert f"{ANNA} 的反馈没有发回" in result["log"]
    assert list(room.feedback_for(ANNA).iterdir()) == []
    assert [page.read_text() for page in room.feedback_for(BEN).iterdir()] == ["for ben"]


def test_a_folder_that_takes_no_feedback_is_told_after_the_others(room: Classroom) -> None:
    for student in (ANNA, BEN):
        fetch(room, student)
        submit(room, student)
    api(room).collect(A1)
    for student in (ANNA, BEN):
        give_feedback(room, student, "page")
    room.feedback_for(ANNA).rmdir()
    room.feedback_for(ANNA).symlink_to(room.secrets)
    result = api(room).release_feedback(A1)
    assert not result["success"]
    assert f"这些学生的反馈没有发回：{ANNA}" in result["log"]
    assert len(list(room.feedback_for(BEN).iterdir())) == 1
    assert not list(room.secrets.glob("*.html"))


def test_submissions_are_never_removed_through_nbgrader(room: Classroom) -> None:
    fetch(room, ANNA)
    submit(room, ANNA)
    take_in(room)
    lister = api(room).exchange.List(
        coursedir=api(room).coursedir, authenticator=api(room).authenticator, config=api(room).config
    )
    lister.coursedir.student_id, lister.inbound = ANNA, True
    assert [group["student_id"] for group in lister.start()] == [ANNA]
    lister.remove = True
    with pytest.raises(ExchangeError, match="永久保存"):
        lister.start()
    assert len(received(room, A1)) == 1


# --- receipts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def receipt(room: Classroom) -> receipts.Receipt:
    fetch(room, ANNA)
    write(room, ANNA, "my work")
    submit(room, ANNA)
    return take_in(room)[0]


def text_of(room: Classroom, receipt: receipts.Receipt) -> str:
    return (room.receipts_of(ANNA) / f"{receipt.number}.txt").read_text("utf-8")


def test_a_receipt_says_all_and_is_genuine(room: Classroom, receipt: receipts.Receipt) -> None:
    text = text_of(room, receipt)
    for fact in (receipt.number, ANNA, "crm", A1, receipt.digest, NOTEBOOK, "北京时间"):
        assert fact in text
    beijing = receipt.moment + timedelta(hours=8)
    assert f"{beijing:%Y-%m-%d %H:%M:%S}" in text
    for form in (text, receipt.number, receipt.number.lower().replace("0", "o").replace("1", "l")):
        assert verify(room, form) == receipts.Verdict(True, verify(room, receipt.number).sentence, receipt)
    assert "保存的内容与回执一致" in verify(room, text).sentence
    assert verify(room, (room.receipts_of(ANNA) / f"{receipt.number}.json").read_text()).genuine


def test_mail_and_word_processors_do_not_spoil_a_receipt(room: Classroom, receipt: receipts.Receipt) -> None:
    text = text_of(room, receipt)
    assert verify(room, "\r\n\r\n".join(f"  {line} \t" for line in text.splitlines())).genuine
    assert verify(room, "\ufeff".join(["", text]).replace("\ufeff", "\n")).genuine


@pytest.mark.parametrize("change", [(ANNA, BEN), ("回执", "回  扬"), (A1, "a2"), ("1 个", "2 个"), ("签名：", "签名")])
def test_a_changed_receipt_is_not(room: Classroom, receipt: receipts.Receipt, change: tuple[str, str]) -> None:
    text = text_of(room, receipt)
    assert change[0] in text
    verdict = verify(room, text.replace(*change, 1))
    assert not verdict.genuine
    assert verdict.receipt == receipt  # the class's own copy, to compare with


def test_another_classes_receipt_is_not(room: Classroom, receipt: receipts.Receipt) -> None:
    text, stub = text_of(room, receipt), receipts.kept_file(room, receipt.number)
    room.receipt_key.write_text("0" * 64)
    assert not verify(room, receipt.number).genuine
    stub.unlink()
    assert not verify(room, text).genuine
    assert not verify(room, receipt.number).genuine
    assert not verify(room, "no number").genuine


def test_a_change_of_what_is_kept_shows(room: Classroom, receipt: receipts.Receipt) -> None:
    (room.received / receipt.folder / NOTEBOOK).write_text("another")
    assert "后来被改动过" in verify(room, receipt.number).sentence
    (room.received / receipt.folder / NOTEBOOK).unlink()
    assert "请从备份恢复" in verify(room, receipt.number).sentence


def test_a_lost_stub_is_made_up_for_by_the_signature(room: Classroom, receipt: receipts.Receipt) -> None:
    text = text_of(room, receipt)
    receipts.kept_file(room, receipt.number).unlink()
    assert verify(room, text).genuine
    assert not verify(room, receipt.number).genuine
    (one,) = received(room, A1)
    assert (one.receipt, one.digest, one.student) == (None, receipt.digest, ANNA)


def test_without_the_key_nothing_is_taken_in_or_checked(room: Classroom) -> None:
    room.receipt_key.unlink()
    for work in (lambda: take_in(room), lambda: verify(room, "7KQ2-M4XD-9TRP")):
        with pytest.raises(CourseError, match="要用运行课堂的账号"):
            work()
    fetch(room, ANNA)
    submit(room, ANNA)
    assert api(room).collect(A1)["success"]  # behind walls: collects what the receiver has taken in


def test_the_commands_tell_it(room: Classroom, receipt: receipts.Receipt, tmp_path: Path) -> None:
    app = typer.Typer()
    commands.add_to(app)
    run = lambda *words: CliRunner().invoke(app, words)  # noqa: E731
    assert receipt.number in run("received", A1).output
    assert "1 人交了 1 份" in run("received", A1, "--student", ANNA).output
    (entry,) = json.loads(run("received", A1, "--json").output)["received"]
    assert (entry["student"], entry["digest"], entry["receipt"]) == (ANNA, receipt.digest, receipt.number)
    genuine = run("receipt", receipt.number)
    assert genuine.exit_code == 0
    assert "是真的" in genuine.output
    file = tmp_path / "receipt.txt"
    file.write_text(text_of(room, receipt).replace(ANNA, BEN), "utf-8")
    forged = run("receipt", str(file))
    assert forged.exit_code == 1
    assert "不是真的" in forged.output


def test_the_name_on_the_class_list_stands_on_the_receipt(room: Classroom, monkeypatch: Any) -> None:
    monkeypatch.setattr(intake, "titles", lambda _room: {ANNA: "张三"})
    fetch(room, ANNA)
    submit(room, ANNA)
    (receipt,) = take_in(room)
    assert f"学生：{ANNA}（张三）" in text_of(room, receipt)
