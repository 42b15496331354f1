"""``course restore``: a class again as a backup has it; what is there now is laid aside, never overwritten."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from course.hub.classroom import Classroom
from course.operations import archive, databases
from course.operations.archive import CLASS, DATABASES, Entry, Manifest, Watch
from course.operations.running import stopped
from crmlab.errors import CourseError
from crmlab.i18n import _

HEADROOM = 64 * 2**20


@dataclass(frozen=True)
class Restored:
    """What was done. laid_aside: where the class is that stood there before, if one did. loaded: sections whose
    gradebook was put back on its server. waiting: submissions in drop boxes, with the time of their files."""

    folder: Path
    manifest: Manifest
    laid_aside: Path | None
    loaded: list[str]
    waiting: dict[str, datetime]


def restore(path: Path, classroom: Classroom, watch: Watch = lambda file: file) -> Restored:
    """Put a class back. Nothing changes unless the archive is whole and every restored file is what it was.

    :raises CourseError: damaged archive, class running, no room, no right to write, gradebook's server out of reach.
    """
    manifest = archive.check(path, watch)
    folder = classroom.folder
    now = f"{datetime.now():%Y%m%d-%H%M%S}"
    beside = folder.with_name(f"{folder.name}.restoring-{now}")
    with stopped(classroom, _("恢复")), _told_if_it_fails(folder):
        _check_room(folder, manifest)
        try:
            _lay_out(path, manifest, beside, watch)
            loaded = _load_gradebooks(classroom, beside, now)
            laid_aside = _swap(beside, folder, now)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return Restored(folder, manifest, laid_aside, loaded, _waiting(manifest))


@contextmanager
def _told_if_it_fails(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CourseError(
            _("恢复没有成功：写不了 {folder}（{reason}）；原来的班级没有改动。").format(
                folder=folder.parent, reason=error.strerror
            )
        ) from None


def _check_room(folder: Path, manifest: Manifest) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    if free < manifest.size + HEADROOM:
        raise CourseError(
            _("恢复需要 {needed:.1f} GB，{folder} 所在磁盘只剩 {free:.1f} GB；请清理，或用 --into 指定另一处。").format(
                needed=manifest.size / 2**30, free=free / 2**30, folder=folder.parent
            )
        )


def _swap(new: Path, folder: Path, now: str) -> Path | None:
    """Put ``new`` at ``folder``; returns where the folder went that was there."""
    laid_aside = None
    if folder.exists():
        laid_aside = folder.with_name(f"{folder.name}.before-{now}")
        folder.rename(laid_aside)
    try:
        (new / CLASS).rename(folder)
    except OSError:
        if laid_aside:
            laid_aside.rename(folder)
        raise
    return laid_aside


# ---------------------------------------------------------------------------------------------------- laying out


def _lay_out(path: Path, manifest: Manifest, top: Path, watch: Watch) -> None:
    """Everything below ``top``, then read again. Links come last: so nothing is ever written through one.

    Modes of folders come after what is in them, for a folder may be read-only.
    """
    top.mkdir(mode=0o700)
    for name, entry in manifest.entries.items():
        if entry.kind == "folder":
            (top / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    with _damage_but_not_a_full_disk(path), archive.opened(path, watch) as tar:
        for member in tar:
            if (known := manifest.entries.get(member.name)) and known.kind == "file":
                _lay_file(tar, member, known, top / member.name)
    for name, entry in manifest.entries.items():
        if entry.kind == "link":
            os.symlink(entry.target, top / name)
            _give(top / name, entry)
    os.sync()
    _check_laid_out(manifest, top)
    for name in sorted(manifest.entries, key=lambda name: -name.count("/")):
        if manifest.entries[name].kind == "folder":
            _give(top / name, manifest.entries[name])


@contextmanager
def _damage_but_not_a_full_disk(path: Path) -> Iterator[None]:
    full: OSError | None = None
    with archive.damage_is_told(path):
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS):
                raise
            full = error
    if full:
        raise full


def _lay_file(tar: Any, member: Any, entry: Entry, place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        archive.copy_out(tar, member, entry, file)
    _give(place, entry)


def _give(place: Path, entry: Entry) -> None:
    """Owner (only root can), mode and time as they were. Nothing that was laid out runs with its owner's rights."""
    if os.geteuid() == 0:
        os.chown(place, entry.uid, entry.gid, follow_symlinks=False)
    if entry.kind != "link":
        os.chmod(place, entry.mode & 0o777)
    os.utime(place, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)


def _check_laid_out(manifest: Manifest, top: Path) -> None:
    """:raises CourseError: if the disk gives other bytes than it was given."""
    for name, entry in manifest.entries.items():
        if entry.kind != "file":
            continue
        place = top / name
        os.chmod(place, 0o600)  # readable for us, whatever its owner may do
        with place.open("rb") as file:
            same = archive.fingerprint(file, entry.extents, entry.size) == entry.sha256
        os.chmod(place, entry.mode & 0o777)
        if not same or place.stat().st_size != entry.size:
            raise CourseError(
                _("{name} 写到磁盘后读出来不一样，磁盘可能有故障；恢复已放弃，原来的班级没有改动。").format(name=name)
            )


def _waiting(manifest: Manifest) -> dict[str, datetime]:
    """Submissions that had not been taken in: the folders of drop boxes, with the newest time of their files."""
    waiting: dict[str, datetime] = {}
    for name, entry in manifest.entries.items():
        parts = name.split("/")  # classroom/exchange/<section>/inbound/<student>/<submission>/<file>
        if parts[1:2] == ["exchange"] and parts[3:4] == ["inbound"] and len(parts) > 6 and entry.kind == "file":
            when = datetime.fromtimestamp(entry.mtime_ns / 1e9)
            submission = "/".join(parts[4:6])
            waiting[submission] = max(when, waiting.get(submission, when))
    return waiting


# ------------------------------------------------------------------------------------------------------- databases


def _load_gradebooks(classroom: Classroom, laid_out: Path, now: str) -> list[str]:
    """Put gradebooks back on their server, all or none. What is there now is kept beside the class."""
    restored = Classroom(laid_out / CLASS)
    urls, kept = databases.servers(restored), {}
    dumps = {dump.stem: dump for dump in (laid_out / DATABASES).glob("*.pgdump")}
    for section in sorted(dumps):
        if section not in urls:
            raise CourseError(
                _(
                    "备份里有教学班 {section} 在 PostgreSQL 的成绩册，但不知道服务器的地址；请设置 CRM_DB_URL 再恢复。"
                ).format(section=section)
            )
        kept[section] = classroom.folder.with_name(f"{classroom.folder.name}.before-{now}.{section}.pgdump")
        os.close(os.open(kept[section], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        databases.dump(urls[section], kept[section])
    loaded: list[str] = []
    try:
        for section in sorted(dumps):
            databases.load(urls[section], dumps[section])
            loaded.append(section)
    except CourseError:
        for section in loaded:
            databases.load(urls[section], kept[section])
        raise
    forget_servers(restored)
    return loaded


def forget_servers(classroom: Classroom) -> None:
    """Make the hub forget which servers ran: their numbers belong to other processes by now, which it would end."""
    file = classroom.hub / "jupyterhub.sqlite"
    if not file.is_file():
        return
    with closing(sqlite3.connect(file)) as database, database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "spawners" in tables:
            database.execute("UPDATE spawners SET server_id = NULL, state = NULL")
        if {"servers", "services"} <= tables:
            database.execute("UPDATE services SET pid = NULL, _server_id = NULL")
            database.execute("DELETE FROM servers")
