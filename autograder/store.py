"""Where records are kept: ``<folder>/<assignment>/<student>/<key>.json`` and ``<key>.ipynb``, never changed or deleted.

A record's key is the fingerprint of what went in. So grading is resumed by looking whether the key is there, and two
graders who do the same work write the same file.
"""

import os
from pathlib import Path
from typing import Any

import msgspec

from autograder.files import digest, replace_file
from autograder.records import Fingerprint, Record


class Store:
    """The records of one class."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, assignment: str, student: str, made_from: Fingerprint) -> Record | None:
        """The record of exactly this, with its document; None if there is none or it can't be read."""
        path = self._path(assignment, student, key_of(made_from))
        record = _read(path)
        if record is None or record.made_from != made_from:
            return None
        try:
            return self.with_document(record)
        except (OSError, msgspec.MsgspecError):
            return None

    def save(self, record: Record) -> None:
        """Keep a record. It is there once the small file is: the document is written before it."""
        path = self._path(record.assignment, record.student, key_of(record.made_from))
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path.with_suffix(".ipynb"), msgspec.json.encode(record.document), durable=True)
        replace_file(path, msgspec.json.encode(msgspec.structs.replace(record, document={})), durable=True)

    def keep_superseded(self, record: Record, marks: dict[str, float]) -> None:
        """Note marks by hand that a changed answer put out of force: a teacher's work is never lost, nor noted twice."""
        path = self.folder / record.assignment / record.student / "superseded-marks.jsonl"
        line = msgspec.json.encode({"graded": record.graded, "marks": marks})
        noted = path.read_bytes() if path.exists() else b""
        if line not in noted.splitlines():
            replace_file(path, noted + line + b"\n", durable=True)

    def document(self, record: Record) -> bytes:
        """The executed notebook of a record, as JSON."""
        if record.document:
            return msgspec.json.encode(record.document)
        path = self._path(record.assignment, record.student, key_of(record.made_from))
        return path.with_suffix(".ipynb").read_bytes()

    def with_document(self, record: Record) -> Record:
        return msgspec.structs.replace(record, document=msgspec.json.decode(self.document(record), type=dict[str, Any]))

    def history(self, assignment: str, student: str) -> list[Record]:
        """All records of a student's work on an assignment, the newest last."""
        paths = self._path(assignment, student, "").parent.glob("*.json")
        found = [record for path in paths if (record := _read(path)) is not None]
        return sorted(found, key=lambda record: record.graded)

    def _path(self, assignment: str, student: str, key: str) -> Path:
        return self.folder / assignment / student / f"{key}.json"


def key_of(made_from: Fingerprint) -> str:
    return digest(msgspec.json.encode(made_from))[:32]


def _read(path: Path) -> Record | None:
    try:
        if not os.path.exists(path.with_suffix(".ipynb")):
            return None
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError):
        return None
