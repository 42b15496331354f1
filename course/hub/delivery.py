"""Delivery of the course's notebooks to homes, without ever overwriting what a student wrote.

A hidden file in each home (:data:`MANIFEST`) remembers the version of each file that was delivered last. When the
course has a newer one:

- the student's file is as delivered: it is replaced;
- the student changed it: the newer version is laid beside it, under a name that carries its version;
- the student deleted it: the newer version is delivered. A deleted file does not come back while the version is the
  same, for deleting is the student's right.

Delivery happens behind the walls of the home's owner, before the server starts, so no editor holds a file that is
replaced.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from autograder.files import digest, replace_file
from crmlab.i18n import _

MANIFEST = ".crm-delivered.json"


@dataclass(frozen=True)
class Delivered:
    """What the manifest says of one file: the version offered last, and the file beside it, if there is one."""

    version: str
    beside: str | None = None


def deliver_edition(home: Path, edition: Path) -> list[Path]:
    """Bring a home up to date with the files of a folder. Returns the paths written."""
    files = sorted(path for path in edition.rglob("*") if path.is_file())
    return deliver(home, {path.relative_to(edition).as_posix(): path.read_bytes() for path in files})


def deliver(home: Path, files: dict[str, bytes]) -> list[Path]:
    """Bring a home up to date. Returns the paths written."""
    home.mkdir(parents=True, exist_ok=True)
    manifest = _read_manifest(home / MANIFEST)
    written: list[Path] = []
    for name, content in files.items():
        if not _leads_outside(home, name):
            manifest[name] = _deliver_one(home, name, content, manifest.get(name), written)
    _write_manifest(home / MANIFEST, manifest)
    return written


def _deliver_one(home: Path, name: str, content: bytes, before: Delivered | None, written: list[Path]) -> Delivered:
    """Deliver one file by the rules above; returns its new line of the manifest."""
    path, version = home / name, digest(content)
    present = digest(path.read_bytes()) if path.is_file() else None
    if present == version:
        return Delivered(version)
    if before and before.version == version:
        return before  # deleted or changed since: both are the student's right
    if present is None or (before and present == before.version):
        _write(path, content, written)
        return Delivered(version)
    beside = beside_name(name, version)
    _write(home / beside, content, written)
    if before and before.beside:
        _remove_unchanged(home / before.beside, before.version)
    return Delivered(version, beside)


def beside_name(name: str, version: str) -> str:
    """Where a newer version goes when the student has changed ``name``."""
    path = PurePosixPath(name)
    return str(path.with_name(_("{stem}（新版-{version}）").format(stem=path.stem, version=version[:6]) + path.suffix))


def _write(path: Path, content: bytes, written: list[Path]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)
    written.append(path)


def _remove_unchanged(path: Path, version: str) -> None:
    if path.is_file() and digest(path.read_bytes()) == version:
        path.unlink()


def _leads_outside(home: Path, name: str) -> bool:
    """Whether the way to ``name`` goes over a link: then it is not ours to write there."""
    path = home / name
    return any(step.is_symlink() for step in (path, *path.parents) if step.is_relative_to(home) and step != home)


def _read_manifest(path: Path) -> dict[str, Delivered]:
    """The manifest; an unreadable one counts as none, which at worst lays a file beside another."""
    try:
        entries = json.loads(path.read_text("utf-8"))
        return {name: Delivered(**entry) for name, entry in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_manifest(path: Path, manifest: dict[str, Delivered]) -> None:
    entries = {name: asdict(entry) for name, entry in sorted(manifest.items())}
    content = json.dumps(entries, ensure_ascii=False, indent=1).encode("utf-8")
    if not path.is_file() or path.read_bytes() != content:
        replace_file(path, content)
