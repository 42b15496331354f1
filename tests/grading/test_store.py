"""Records come back as they were kept; what is not whole is not there."""

import string
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import records as plain
from autograder.records import CellRun, Fingerprint, Record
from autograder.store import Store, key_of

text = st.text(max_size=30)
number = st.floats(0, 1e6)
name = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=20)
json_value: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)
parts = st.builds(plain.TestPart, number, number, text)
records = st.builds(
    Record,
    name, name, name,
    st.builds(Fingerprint, text, text, text, text),
    text, text, st.lists(text, max_size=3), st.lists(text, max_size=3),
    st.lists(st.builds(CellRun, text, number, st.sampled_from(["ok", "error", "timeout", "died", "not run"]), text)),
    st.lists(
        st.builds(
            plain.TestRun, text, number, number, number, st.dictionaries(text, text), text, st.lists(parts), text, text
        ),
        max_size=3,
    ),
    number, number, number,
    st.dictionaries(text, json_value, max_size=4),
)  # fmt: skip


def record(**changes: Any) -> Record:
    made_from = Fingerprint("s", "t", "d", "e")
    kept = Record("t01", "student01", "tiny", made_from, "", "2026-11-22T08:00:00+00:00", [], [], [], [], 1, 1, 1, {})
    return msgspec.structs.replace(kept, document={"cells": [], "nbformat": 4}, **changes)


@given(records)
def test_any_record_comes_back(tmp_path_factory: pytest.TempPathFactory, kept: Record):
    store = Store(tmp_path_factory.mktemp("store"))
    store.save(kept)
    assert store.find(kept.assignment, kept.student, kept.made_from) == kept
    assert store.history(kept.assignment, kept.student) == [msgspec.structs.replace(kept, document={})]


@pytest.mark.parametrize("part", ["submission", "tests", "data", "environment"])
def test_another_fingerprint_is_another_record(tmp_path: Path, part: str):
    store, kept = Store(tmp_path), record()
    store.save(kept)
    other = msgspec.structs.replace(kept.made_from, **{part: "other"})
    assert store.find("t01", "student01", other) is None
    store.save(record(made_from=other))
    assert len(store.history("t01", "student01")) == 2
    assert store.find("t01", "student01", kept.made_from) == kept


@pytest.mark.parametrize("suffix", [".json", ".ipynb"])
@pytest.mark.parametrize("damage", ["cut off", "emptied", "lost", "garbled", "of another shape"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, suffix: str, damage: str):
    store, kept = Store(tmp_path), record()
    store.save(kept)
    path = (tmp_path / "t01" / "student01" / key_of(kept.made_from)).with_suffix(suffix)
    content = path.read_bytes()
    if damage == "lost":
        path.unlink()
    else:
        broken = {"cut off": content[:-5], "emptied": b"", "garbled": b"\xff" * 50, "of another shape": b"[1]"}
        path.write_bytes(broken[damage])
    assert store.find("t01", "student01", kept.made_from) is None
    store.save(kept)
    assert store.find("t01", "student01", kept.made_from) == kept


def test_a_record_in_the_wrong_place_counts_as_none(tmp_path: Path):
    store, kept, other = Store(tmp_path), record(), Fingerprint("x", "t", "d", "e")
    store.save(kept)
    folder = tmp_path / "t01" / "student01"
    for suffix in (".json", ".ipynb"):
        (folder / (key_of(kept.made_from) + suffix)).rename(folder / (key_of(other) + suffix))
    assert store.find("t01", "student01", other) is None


def test_superseded_marks_are_noted_once_each(tmp_path: Path):
    store, kept = Store(tmp_path), record()
    store.save(kept)
    for marks in ({"memo": 2.5}, {"memo": 2.5}, {"memo": 1.0}):
        store.keep_superseded(kept, marks)
    lines = (tmp_path / "t01" / "student01" / "superseded-marks.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line)["marks"] for line in lines] == [{"memo": 2.5}, {"memo": 1.0}]
    assert store.history("t01", "student01") == [msgspec.structs.replace(kept, document={})]
