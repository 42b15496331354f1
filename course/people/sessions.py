"""Ending sessions when the class list says so.

A person's entry has an *epoch*; the id that the hub puts into log-in cookies begins with it. When the epoch has
changed, because of a reset, a new password, a removal or a smaller role, the id is drawn anew: the hub itself then
takes every earlier cookie for a stranger's. Nothing has to be remembered, so a restart of the hub changes nothing.
"""

import secrets
from collections.abc import Iterable
from typing import Any

from jupyterhub import orm
from sqlalchemy.orm import object_session
from tornado.ioloop import PeriodicCallback

from course.hub.classroom import Classroom
from course.people.model import Account
from course.people.store import accounts, stamp
from crmlab.errors import CourseError

EVERY = 2000
"""Milliseconds between two looks at the class list."""

OUTSIDE = "-."
"""The epoch of who is not on the list: no person has it."""


def epoch_of(account: Account | None) -> str:
    return account.epoch if account and not account.removed else OUTSIDE


def groups_of(account: Account) -> list[str]:
    """The hub's groups of a person: one for each section, and one that all staff are in."""
    if account.role == "student":
        return [f"students-{section}" for section in account.sections]
    return ["staff", *(f"staff-{section}" for section in account.sections)]


def is_current(user: Any, account: Account | None) -> bool:
    """Whether the user's cookies are of the person's epoch."""
    return bool(user.cookie_id.startswith(epoch_of(account)))


def renew(user: Any, account: Account | None, keep: Iterable[Any] = ()) -> None:
    """Make all cookies and tokens of a user void, except the tokens to keep.

    :param user: the hub's user, of its database or wrapped.
    """
    kept = {token.id for token in keep if token is not None}
    user.cookie_id = epoch_of(account) + secrets.token_hex(16)
    database: Any = object_session(getattr(user, "orm_user", user))
    for token in list(user.api_tokens):
        if token.id not in kept:
            database.delete(token)
    database.commit()


def tokens_of_servers(user: Any) -> list[Any]:
    """The tokens with which the user's running servers talk to the hub."""
    held = [spawner.api_token for spawner in user.spawners.values() if spawner.active and spawner.api_token]
    database = object_session(user.orm_user)
    return [orm.APIToken.find(database, token) for token in held]


class Watch:
    """Looks at the class list every two seconds and makes the hub follow it."""

    def __init__(self, app: Any, classroom: Classroom) -> None:
        self.app, self.classroom = app, classroom
        self.seen: object = None
        self.timer = PeriodicCallback(self.look, EVERY)

    def start(self) -> None:
        self.timer.start()

    async def look(self) -> None:
        try:
            found = stamp(self.classroom)
            if found == self.seen:
                return
            people = accounts(self.classroom)
        except (OSError, CourseError) as error:
            self.app.log.error("The class list can't be read: %s", error)
            return
        self.seen = found
        for row in self.app.db.query(orm.User).all():
            await self.follow(self.app.users[row], people.get(row.name))

    async def follow(self, user: Any, account: Account | None) -> None:
        """End what the person may not have any more, and put the user into the right groups."""
        if not is_current(user, account):
            stop = _access(user.cookie_id) != _access(epoch_of(account))
            renew(user, account, keep=() if stop else tokens_of_servers(user))
            self.app.log.info("Sessions of %s have ended", user.name)
            if stop:
                await self.stop_servers(user)
        groups = groups_of(account) if account and not account.removed else []
        if {group.name for group in user.groups} != set(groups):
            user.sync_groups(groups)
            self.app.db.commit()

    async def stop_servers(self, user: Any) -> None:
        for name, spawner in list(user.spawners.items()):
            if not spawner.active:
                continue
            try:
                await self.app.proxy.delete_user(user, name)
                await user.stop(name)
            except Exception:
                # One server that does not stop must not keep the others' sessions alive.
                self.app.log.exception("Server %s of %s did not stop", name or "", user.name)


def _access(cookie_id: str) -> str:
    """The part of an epoch that servers depend on."""
    parts = cookie_id.split(".")
    return parts[1] if len(parts) == 3 else ""
