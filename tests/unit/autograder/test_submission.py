"""Nothing but source text is taken from a submission, whatever it is made of; all else is the instructor's."""

import copy
import json
import os
import socket
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions
from nbgrader.utils import compute_checksum, determine_grade
from traitlets.config import Config

from autograder import contract, submission
from autograder.contract import Role
from autograder.submission import Piece, Submission, UnreadableSubmission

ROOT = Path(__file__).parents[3]
STUBS = {"python": '# 在这里写你的代码\nraise NotImplementedError("请先完成")', "markdown": "在这里写下你的回答"}
MIB = 2**20


def cell(name: str, text: str, kind: str = "code", **nbgrader: Any) -> dict[str, Any]:
    known = {"grade": False, "grade_id": name, "locked": False, "schema_version": 3, "solution": False, "task": False}
    metadata = {"nbgrader": {**known, **nbgrader}} if nbgrader else {}
    extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": metadata, "source": text, **extra}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": list(cells), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


INSTRUCTOR = notebook(
    cell("title", "# 作业", "markdown"),
    cell("data", "base = 2", locked=True),
    cell("one", "### BEGIN SOLUTION\nx = base + 1\n### END SOLUTION\nx", solution=True),
    cell(
        "one-test", "assert x > 0\n### BEGIN HIDDEN TESTS\nassert x == 3\n### END HIDDEN TESTS\n", grade=True, points=2
    ),
    cell("two", "if base:\n    ### BEGIN SOLUTION\n    y = 1\n    ### END SOLUTION\ny", solution=True),
    cell("two-test", "assert y\n### BEGIN HIDDEN TESTS\nassert y == 1\n### END HIDDEN TESTS", grade=True, points=1),
    cell("memo", "（示例）先打电话。", "markdown", grade=True, points=3, solution=True),
)


def release(document: dict[str, Any]) -> dict[str, Any]:
    """The version for students, made by nbgrader's own steps."""
    made = nbformat.reads(json.dumps(document), as_version=4)
    config = Config()
    config.ClearSolutions.code_stub = {"python": STUBS["python"]}
    config.ClearSolutions.text_stub = STUBS["markdown"]
    for step in (ClearSolutions(config=config), ClearHiddenTests()):
        made, _resources = step.preprocess(made, {})
    return json.loads(json.dumps(made))


def taken(document: Any) -> Submission:
    return submission.read(json.dumps(document).encode())


def graded(cells: list[dict[str, Any]]) -> submission.Rebuilt:
    return submission.rebuild(contract.read(INSTRUCTOR, "demo"), taken(notebook(*cells)), STUBS)


@pytest.fixture
def cells() -> list[dict[str, Any]]:
    """The cells a student starts from."""
    return release(INSTRUCTOR)["cells"]


def names(rebuilt: submission.Rebuilt) -> list[str]:
    return [cell.id for cell in rebuilt.cells]


def text_of(rebuilt: submission.Rebuilt, name: str) -> str:
    return next(cell.source for cell in rebuilt.cells if cell.id == name)


ORDER = ["title", "data", "one", "one-test", "two", "two-test", "memo"]
SOURCES = {cell["id"]: cell["source"] for cell in INSTRUCTOR["cells"]}
LOCKED = ["title", "data", "one-test", "two-test"]


# --- from disk -------------------------------------------------------------------------------------------------------


def test_wanted_file_is_read(tmp_path):
    (tmp_path / "demo.ipynb").write_bytes(b"{}")
    (tmp_path / "other.ipynb").write_bytes(b"[]")
    assert submission.collect_bytes(tmp_path, "demo") == submission.Collected(b"{}")


def test_only_notebook_is_taken_under_a_wrong_name(tmp_path):
    (tmp_path / "demo (1).ipynb").write_bytes(b"{}")
    (tmp_path / ".demo.ipynb").write_bytes(b"hidden")
    (tmp_path / "notes.txt").write_bytes(b"text")
    collected = submission.collect_bytes(tmp_path, "demo")
    assert collected.content == b"{}"
    assert "应当是 demo.ipynb，交来的是 demo (1).ipynb" in collected.findings[0]


def test_missing_file_tells_what_lies_there(tmp_path):
    with pytest.raises(UnreadableSubmission, match=r"没有 demo\.ipynb，也没有别的 notebook"):
        submission.collect_bytes(tmp_path, "demo")
    for name in ("a.ipynb", "b\n\udcff.ipynb"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(UnreadableSubmission, match=r"2 个别的 notebook（a\.ipynb、b��\.ipynb）"):
        submission.collect_bytes(tmp_path, "demo")
    with pytest.raises(UnreadableSubmission, match="/nobody 不存在"):
        submission.collect_bytes(tmp_path / "nobody", "demo")


def test_links_are_not_followed(tmp_path):
    secret = tmp_path / "gradebook"
    secret.write_bytes(b"{}")
    folder = tmp_path / "student01"
    folder.mkdir()
    (folder / "demo.ipynb").symlink_to(secret)
    with pytest.raises(UnreadableSubmission, match="符号链接"):
        submission.collect_bytes(folder, "demo")
    (folder / "demo.ipynb").rename(folder / "other.ipynb")
    with pytest.raises(UnreadableSubmission, match="也没有别的 notebook"):
        submission.collect_bytes(folder, "demo")
    (tmp_path / "student02").symlink_to(folder)
    with pytest.raises(UnreadableSubmission, match="不是普通文件夹"):
        submission.collect_bytes(tmp_path / "student02", "demo")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_socket], ids=["pipe", "folder", "socket"])
def test_only_regular_files_are_read(tmp_path, make):
    make(tmp_path / "demo.ipynb")
    with pytest.raises(UnreadableSubmission, match="不是普通文件"):
        submission.collect_bytes(tmp_path, "demo")


def test_huge_file_is_refused(tmp_path):
    path = tmp_path / "demo.ipynb"
    path.touch()
    os.truncate(path, submission.MAX_FILE)
    assert len(submission.collect_bytes(tmp_path, "demo").content) == submission.MAX_FILE
    os.truncate(path, 2**40)
    with pytest.raises(UnreadableSubmission, match="超过 32 MiB"):
        submission.collect_bytes(tmp_path, "demo")


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        (b"2026-11-22 08:00:00.000000 UTC\n", "2026-11-22T08:00:00+00:00"),
        (b"2026-11-22 08:00:00.250000 UTC", "2026-11-22T08:00:00.250000+00:00"),
        (b"2026-11-22 08:00:00.000000 CST", ""),
        (b"2026-13-22 08:00:00.000000 UTC", ""),
        ("昨天".encode(), ""),
        (b"\xff\x00", ""),
        (b" " * 2000 + b"2026-11-22 08:00:00.000000 UTC", ""),
    ],
)
def test_time_of_submission_is_utc_or_nothing(tmp_path, stamp, time):
    (tmp_path / "timestamp.txt").write_bytes(stamp)
    assert submission.submitted_at(tmp_path) == time


def test_time_of_submission_does_not_follow_links(tmp_path):
    assert submission.submitted_at(tmp_path) == ""
    (tmp_path / "elsewhere").write_bytes(b"2026-11-22 08:00:00.000000 UTC")
    (tmp_path / "timestamp.txt").symlink_to(tmp_path / "elsewhere")
    assert submission.submitted_at(tmp_path) == ""


# --- from bytes ------------------------------------------------------------------------------------------------------


def test_source_and_labels_are_all_that_is_taken():
    tagged = cell("one", ["x = 1\r\n", "y"], solution=True) | {"attachments": {"a.png": {}}, "outputs": [{"evil": 1}]}
    tagged["metadata"]["tags"] = ["skip-execution"]
    raw = {"cell_type": "raw", "source": ""}
    assert taken(notebook(tagged, raw)) == Submission(
        (Piece("code", "x = 1\ny", "one", "one"), Piece("raw", "", None, None))
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "文件是空的"),
        (b" \n", "文件是空的"),
        (b"PK\x03\x04", "第 1 行起读不懂"),
        ("作业".encode("gbk"), "不是 UTF-8"),
        (b"[]", "最外层不是 JSON 对象"),
        (b"null", "最外层不是 JSON 对象"),
        (b"{}", "不是第 4 版"),
        (b'{"nbformat": 3, "worksheets": []}', "不是第 4 版"),
        (b'{"nbformat": true, "cells": []}', "不是第 4 版"),
        (b'{"nbformat": 4.0, "cells": []}', "不是第 4 版"),
        (b'{"nbformat": ' + b"4" * 10**6 + b', "cells": []}', "不是第 4 版"),
        (b'{"nbformat": 4}', "没有单元格列表"),
        (b'{"nbformat": 4, "cells": {"0": {}}}', "没有单元格列表"),
        (b'{"nbformat": 4, "cells": [' + b"0," * 2000 + b"0]}", "2001 个单元格"),
        (b'{"nbformat": 4, "cells": [],\n<<<<<<< HEAD\n}', "第 2 行起读不懂"),
        (b"[" * 100_000, "嵌套得太深"),
        (b'{"nbformat": 4, "cells": ' + b'[{"a": ' * 100_000, "嵌套得太深"),
        (b"[" + b"[]," * 2 * MIB + b"[]]", "几百万个数据项"),
        (b'{"a": "' + b'\\"' * 4 * MIB, "第 1 行起读不懂"),
    ],
)
def test_what_is_no_notebook_is_told_in_one_sentence(content, told):
    with pytest.raises(UnreadableSubmission, match=told):
        submission.read(content)


def test_cut_off_file_must_be_handed_in_again():
    content = json.dumps(release(INSTRUCTOR), ensure_ascii=False).encode()
    for part in range(1, 20):
        with pytest.raises(UnreadableSubmission, match=r"损坏.*重新提交"):
            submission.read(content[: len(content) * part // 20])
    assert len(submission.read(content).pieces) == len(ORDER)


def test_odd_but_honest_files_are_read():
    text = json.dumps(notebook(cell("one", "x")))
    wanted = taken(notebook(cell("one", "x")))
    assert submission.read(b"\xef\xbb\xbf" + text.encode()) == wanted
    nan = text.replace('"outputs": []', '"outputs": [NaN, -Infinity, 1e999, ' + "9" * 10**6 + "]")
    assert submission.read(nan.encode()) == wanted
    much = text.replace('"outputs": []', '"outputs": ["' + "[{,}]\\\\\\n" * MIB + '"]')
    assert submission.read(much.encode()) == wanted


def test_last_of_two_equal_keys_counts_as_in_any_editor():
    content = b'{"nbformat": 4, "cells": [], "cells": [{"cell_type": "code", "source": "a", "source": "b"}]}'
    assert submission.read(content).pieces == (Piece("code", "b", None, None),)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "x = 1",
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "source": 1},
        {"cell_type": "code", "source": ["x", 1]},
        {"cell_type": "heading", "source": "x"},
        {"cell_type": ["code"], "source": "x"},
    ],
)
def test_what_is_no_cell_is_dropped_with_a_finding(broken):
    got = taken(notebook(cell("one", "x"), broken, cell("two", "y")))
    assert [piece.source for piece in got.pieces] == ["x", "y"]
    assert got.findings == ("第 2 个单元格的格式不对，没有采用。",)


def test_findings_on_many_cells_are_one_sentence():
    assert taken(notebook(*[{}] * 9)).findings == ("第 1、2、3、4、5… 个单元格的格式不对，没有采用。",)


@pytest.mark.parametrize("label", [7, None, ["one"], "", "a b", "x" * 300, "\ud800", "../one"])
def test_labels_that_no_notebook_has_are_ignored(label):
    odd = cell("one", "x", solution=True)
    odd["id"] = odd["metadata"]["nbgrader"]["grade_id"] = label
    assert taken(notebook(odd)).pieces == (Piece("code", "x", None, None),)


@pytest.mark.parametrize("metadata", [None, [], "nbgrader", {"nbgrader": None}, {"nbgrader": [1]}])
def test_metadata_of_any_shape_is_harmless(metadata):
    odd = cell("one", "x") | {"metadata": metadata}
    assert taken(notebook(odd)).pieces == (Piece("code", "x", None, "one"),)


def test_characters_that_no_editor_writes_are_replaced():
    got = taken(notebook(cell("one", "a\x00\x1b[31m\ud83d\x85\x7f\tb\f\n客户 😀")))
    assert got.pieces[0].source == "a��[31m���\tb\f\n客户 😀"
    assert got.findings == ("第 1 个单元格里有看不见的控制字符，已换成 �。",)


def test_too_much_text_empties_the_cell_and_keeps_the_others():
    most = "x" * MIB
    got = taken(notebook(cell("one", most + "x"), cell("two", "y"), cell("three", "客" * (MIB // 3 + 1))))
    assert [piece.source for piece in got.pieces] == ["", "y", ""]
    assert got.findings == ("第 1、3 个单元格的文字太多，按空单元格处理。",)
    got = taken(notebook(*(cell(f"c{i}", most) for i in range(8)), cell("two", "y"), cell("three", "")))
    assert [len(piece.source) for piece in got.pieces] == [MIB] * 8 + [0, 0]
    assert got.findings == ("第 9 个单元格的文字太多，按空单元格处理。",)


texts = st.text(st.characters(), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
labels = st.sampled_from([*ORDER, "strange", None])
any_cell = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw"]) | values, "source": texts | values},
    optional={
        "id": labels | values,
        "metadata": st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": labels | values})}) | values,
    },
)
any_notebook = st.fixed_dictionaries({"nbformat": st.just(4), "cells": st.lists(any_cell | values, max_size=8)})


@given(values | any_notebook | st.fixed_dictionaries({"nbformat": st.just(4) | values, "cells": values}))
def test_any_json_is_read_or_refused(value):
    try:
        got = taken(value)
    except UnreadableSubmission:
        return
    for piece in got.pieces:
        piece.source.encode()
    assert len(got.pieces) <= len(value["cells"])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_notebook_are_refused(content):
    with pytest.raises(UnreadableSubmission):
        submission.read(content)


# --- the notebook that is graded -------------------------------------------------------------------------------------


def assert_instructors(rebuilt: submission.Rebuilt) -> None:
    assert [cell.id for cell in rebuilt.cells if cell.role is not None] == ORDER
    for name in LOCKED:
        assert text_of(rebuilt, name) == SOURCES[name]


@given(any_notebook)
def test_instructors_cells_stand_in_order_whatever_was_submitted(value):
    source = contract.read(INSTRUCTOR, "demo")
    rebuilt = submission.rebuild(source, taken(value), STUBS)
    assert_instructors(rebuilt)
    assert len(set(names(rebuilt))) == len(rebuilt.cells)
    nbformat.validate(submission.document(rebuilt, source, {}, {}))


def test_released_version_is_nbgraders(cells):
    source = contract.read(INSTRUCTOR, "demo")
    assert [submission.released(cell, STUBS) for cell in source.cells] == [cell["source"] for cell in cells]


def test_untouched_release_gives_no_finding_and_no_answer(cells):
    rebuilt = graded(cells)
    assert_instructors(rebuilt)
    assert rebuilt.findings == ()
    assert rebuilt.untouched == {"one", "two", "memo"}
    assert text_of(rebuilt, "one") == STUBS["python"] + "\nx"


def test_answers_are_taken_as_text(cells):
    cells[2]["source"] = "x = 3  # mine"
    cells[4]["source"] += "\n\n  "
    cells[6]["source"] = "先打电话。"
    cells[1]["source"] += "  \n"
    rebuilt = graded(cells)
    assert text_of(rebuilt, "one") == "x = 3  # mine"
    assert text_of(rebuilt, "memo") == "先打电话。"
    assert rebuilt.untouched == {"two"}
    assert rebuilt.findings == ()


def test_students_metadata_never_counts(cells):
    for one in cells:
        one["metadata"]["tags"] = ["skip-execution"]
        one["metadata"].setdefault("nbgrader", {}).update(points=100, grade=False, locked=False, solution=True)
    submitted = notebook(*cells)
    submitted["metadata"]["kernelspec"] = {"name": "bash", "display_name": "evil"}
    source = contract.read(INSTRUCTOR, "demo")
    rebuilt = submission.rebuild(source, taken(submitted), STUBS)
    made = submission.document(rebuilt, source, {}, {})
    assert rebuilt.findings == ()
    assert "skip-execution" not in json.dumps(made)
    assert made["metadata"] == INSTRUCTOR["metadata"]
    assert [one["metadata"].get("nbgrader", {}).get("points") for one in made["cells"]] == [None] * 3 + [2, None, 1, 3]


def test_changed_locked_cells_are_put_back_and_told(cells):
    cells[1]["source"] = "base = 99"
    cells[3]["source"] = "x"
    cells[0]["source"] = "# 我的作业"
    rebuilt = graded(cells)
    assert_instructors(rebuilt)
    assert rebuilt.findings == (
        "题目给出的单元格 data 被改动过，评分时用的是原来的内容。",
        "检查单元格 one-test 被改动过，评分时用的是原来的内容。",
    )


def test_deleted_cells_are_put_back_and_told(cells):
    rebuilt = graded([cells[4]])
    assert_instructors(rebuilt)
    assert rebuilt.findings == (
        "题目给出的单元格 data 被删掉了，评分时已补回。",
        "作答单元格 one 不在提交的文件里，按没有作答处理。",
        "检查单元格 one-test 被删掉了，评分时已补回。",
        "检查单元格 two-test 被删掉了，评分时已补回。",
        "作答单元格 memo 不在提交的文件里，按没有作答处理。",
    )
    assert text_of(rebuilt, "one") == ""
    assert rebuilt.untouched == {"one", "two", "memo"}


def test_retyped_cells_keep_the_instructors_kind(cells):
    cells[2] |= {"cell_type": "markdown", "source": "x = 3"}
    cells[3]["cell_type"] = "raw"
    rebuilt = graded(cells)
    assert [cell.kind for cell in rebuilt.cells] == ["markdown", *["code"] * 5, "markdown"]
    assert text_of(rebuilt, "one") == "x = 3"
    assert rebuilt.findings == (
        "单元格 one 的类型从 code 改成了 markdown，评分时按原来的类型处理。",
        "单元格 one-test 的类型从 code 改成了 raw，评分时按原来的类型处理。",
    )


def test_moved_cell_goes_back_and_the_fewest_are_told(cells):
    cells.insert(0, cells.pop(5))
    rebuilt = graded(cells)
    assert names(rebuilt) == ORDER
    assert rebuilt.findings == ("单元格 two-test 被挪动过，评分时已放回原来的位置。",)


def test_moved_texts_are_nobodys_business(cells):
    assert graded([*cells[1:], cells[0]]).findings == ()


@given(st.permutations(range(len(ORDER))))
def test_any_order_is_put_right(order):
    cells = release(INSTRUCTOR)["cells"]
    rebuilt = graded([cells[index] for index in order])
    assert names(rebuilt) == ORDER
    known = [index for index in order if index]
    assert bool(rebuilt.findings) == any(a > b for a, b in pairwise(known))


def test_last_duplicate_fills_the_slot_and_the_others_stay_in_place(cells):
    first, last = copy.deepcopy(cells[2]), copy.deepcopy(cells[2])
    first |= {"id": "copy", "source": "x = 1"}
    last["source"] = "x = 2"
    rebuilt = graded([*cells[:2], first, *cells[3:5], last, *cells[5:]])
    assert names(rebuilt) == ["title", "data", "own-1", *ORDER[2:]]
    assert (text_of(rebuilt, "own-1"), text_of(rebuilt, "one")) == ("x = 1", "x = 2")
    assert rebuilt.findings[0] == "单元格 one 出现了 2 次：以最后一个为准，其余当作学生自己加的单元格。"


def test_own_cells_keep_their_place_kind_and_text_and_nothing_else(cells):
    own = [cell("title", f"mine {i}", kind) for i, kind in enumerate(["code", "markdown", "raw", "code"])]
    for one in own:
        one["id"] = "secret"
        one["metadata"] = {"tags": ["skip-execution"], "nbgrader": {"grade_id": "fake", "grade": True, "points": 9}}
    source = contract.read(INSTRUCTOR, "demo")
    submitted = notebook(own[0], *cells[:3], own[1], own[2], *cells[3:], own[3])
    rebuilt = submission.rebuild(source, taken(submitted), STUBS)
    assert names(rebuilt) == ["own-1", *ORDER[:3], "own-2", "own-3", *ORDER[3:], "own-4"]
    made = [one for one in submission.document(rebuilt, source, {}, {})["cells"] if one["id"].startswith("own")]
    assert [one["cell_type"] for one in made] == ["code", "markdown", "raw", "code"]
    assert [one["source"] for one in made] == ["mine 0", "mine 1", "mine 2", "mine 3"]
    assert all(one["metadata"] == {} for one in made)
    assert rebuilt.findings == ()


def test_own_cell_follows_its_known_cell_when_that_was_moved(cells):
    rebuilt = graded([cells[4], cell("mine", "y += 1"), *cells[:4], *cells[5:]])
    assert names(rebuilt) == [*ORDER[:5], "own-1", *ORDER[5:]]


def test_slots_are_found_by_cell_id_when_metadata_is_lost(cells):
    for one in cells:
        one["metadata"] = {}
    cells[2]["source"] = "x = 3"
    rebuilt = graded(cells)
    assert names(rebuilt) == ORDER
    assert text_of(rebuilt, "one") == "x = 3"
    assert rebuilt.findings == ()


def test_given_cells_without_any_label_are_known_by_their_text(cells):
    for one in cells:
        if one["id"] in LOCKED:
            one["metadata"] = {}
        del one["id"]
    rebuilt = graded(cells)
    assert names(rebuilt) == ORDER
    assert rebuilt.findings == ()


def test_text_of_a_task_cell_is_the_instructors():
    task = cell("task", "访谈三位客户。", "markdown", task=True, points=4, locked=True)
    source = contract.read(notebook(task), "demo")
    rebuilt = submission.rebuild(source, taken(notebook(task | {"source": "不做了"})), STUBS)
    assert text_of(rebuilt, "task") == "访谈三位客户。"
    assert rebuilt.untouched == frozenset()


# --- the notebook for the gradebook ----------------------------------------------------------------------------------


def test_document_carries_outputs_and_counts_of_what_ran(cells):
    source = contract.read(INSTRUCTOR, "demo")
    rebuilt = graded(cells)
    output = {"output_type": "stream", "name": "stdout", "text": "3"}
    made = submission.document(rebuilt, source, {"one": [output], "memo": [output]}, {"one": 2})
    nbformat.validate(made)
    by_id = {one["id"]: one for one in made["cells"]}
    assert (by_id["one"]["outputs"], by_id["one"]["execution_count"]) == ([output], 2)
    assert (by_id["two"]["outputs"], by_id["two"]["execution_count"]) == ([], None)
    assert "outputs" not in by_id["memo"]


def test_document_does_not_share_its_metadata(cells):
    source = contract.read(INSTRUCTOR, "demo")
    made = submission.document(graded(cells), source, {}, {})
    made["cells"][2]["metadata"]["nbgrader"]["points"] = 100
    made["metadata"]["kernelspec"]["name"] = "bash"
    again = submission.document(graded(cells), source, {}, {})
    assert "points" not in again["cells"][2]["metadata"]["nbgrader"]
    assert again["metadata"] == INSTRUCTOR["metadata"]


def test_checksums_are_nbgraders(cells):
    made = submission.document(graded(cells), contract.read(INSTRUCTOR, "demo"), {}, {})
    for one in nbformat.from_dict(made).cells[1:]:
        assert one.metadata.nbgrader.checksum == compute_checksum(one)
        assert one.metadata.nbgrader.cell_type == one.cell_type


def test_nbgrader_gives_nothing_for_a_memo_left_as_released_and_leaves_an_answer_to_a_person(cells):
    source = contract.read(INSTRUCTOR, "demo")
    unanswered = nbformat.from_dict(submission.document(graded(cells), source, {}, {}))
    assert determine_grade(unanswered.cells[-1]) == (0, 3)
    cells[-1]["source"] = "先打电话。"
    answered = nbformat.from_dict(submission.document(graded(cells), source, {}, {}))
    assert determine_grade(answered.cells[-1]) == (None, 3)


def test_real_assignment_makes_the_round_trip():
    original = json.loads((ROOT / "assignments/a04-segmentation/segmentation.ipynb").read_text(encoding="utf-8"))
    source = contract.read(original, "segmentation")
    given_out = release(original)
    known = {cell.id for cell in source.cells}
    given_out["cells"] = [one for one in given_out["cells"] if one["id"] in known]
    rebuilt = submission.rebuild(source, taken(given_out), STUBS)
    slots = {cell.id for cell in source.cells if cell.role in (Role.SOLUTION, Role.MANUAL)}
    assert rebuilt.findings == ()
    assert rebuilt.untouched == slots
    assert len(slots) == 7
    stubs = {one["id"]: one["source"] for one in given_out["cells"]}
    for made in rebuilt.cells:
        assert made.source == (stubs[made.id] if made.id in slots else made.cell.source)
    nbformat.validate(submission.document(rebuilt, source, {}, {}))
