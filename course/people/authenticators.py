"""The three ways to log in. Whichever it is, the class list decides who may."""

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from ltiauthenticator.lti13.auth import LTI13Authenticator
from oauthenticator.generic import GenericOAuthenticator
from traitlets import Any as AnyValue
from traitlets import Bool, List, Unicode

from course.hub.classroom import Classroom, section_id
from course.hub.proxy import let_owner_in
from course.people import members, pages
from course.people.limits import Limiter, client_address, minutes
from course.people.model import fault_in_name, login_name, printable
from course.people.sessions import Watch, groups_of, is_current, renew
from course.people.store import accounts
from crmlab.i18n import _

DEVICE_COOKIE = "crm-known-device"
DEVICE_DAYS = 180


class ByClassList(Authenticator):
    """What all ways share: who is on the list may come in, as long as the list says so."""

    way = "list"
    """What the log-in page offers."""

    folder = Unicode(help="the classroom's folder").tag(config=True)
    school = Unicode(help="what the external log-in is called on the page").tag(config=True)
    claim = List(Unicode(), help="where the student number stands in what the school sends").tag(config=True)
    enrol = Bool(False, help="put whoever is not on the list on it, as a student").tag(config=True)
    section = Unicode(help="the section for those").tag(config=True)
    watch = AnyValue()

    @property
    def classroom(self) -> Classroom:
        return Classroom(Path(self.folder))

    def get_handlers(self, app: Any) -> list[tuple[str, Any]]:
        """The pages; called once, when the hub starts, so that the watch begins here too."""
        self.watch = Watch(app, self.classroom)
        self.watch.start()
        return list(super().get_handlers(app))

    def normalize_username(self, username: str) -> str:
        return login_name(username)

    def check_allowed(self, username: str, authentication: dict[str, Any] | None = None) -> bool:
        """Whether the list has this person.

        :raises Refused: if not, with a sentence for the page; without ``authentication`` only False.
        """
        if username in members.read_people(self.classroom):
            return True
        if authentication is None:
            return False
        known = username in accounts(self.classroom)  # removed: not to come back by logging in
        if self.enrol and not known and not fault_in_name(username):
            members.add(self.classroom, username, "", "student", [section_id(self.section)])
            return True
        raise not_listed(username)

    async def run_post_auth_hook(self, handler: Any, auth_model: dict[str, Any]) -> dict[str, Any]:
        """Groups from the list, and a cookie of the person's epoch."""
        account = accounts(self.classroom)[auth_model["name"]]
        user = handler.find_user(auth_model["name"])
        if user and not is_current(user, account):
            renew(user, account)
        let_owner_in(handler, auth_model["name"])
        return await super().run_post_auth_hook(handler, auth_model | {"groups": groups_of(account)})

    def add_user(self, user: Any) -> None:
        """Called for each new user, and for all when the hub starts: what changed meanwhile counts at once."""
        super().add_user(user)
        account = accounts(self.classroom).get(user.name)
        if not is_current(user, account):
            renew(user, account)

    async def refresh_user(self, user: Any, handler: Any = None) -> bool:
        """Whether the person may stay; :class:`~course.people.sessions.Watch` does the rest within two seconds."""
        account = accounts(self.classroom).get(user.name)
        return account is not None and is_current(user, account)


class ListAuthenticator(ByClassList):
    """Log-in by name and own password."""

    trusted_proxies = List(Unicode(), help="see course.people.settings").tag(config=True)
    limiter = AnyValue()

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.limiter = Limiter()

    def get_handlers(self, app: Any) -> list[tuple[str, Any]]:
        super().get_handlers(app)
        return [
            ("/login", pages.LoginPage),
            ("/invitation", pages.InvitationPage),
            ("/password", pages.PasswordPage),
        ]

    async def authenticate(self, handler: Any, data: Mapping[str, str]) -> str | None:
        """The name if the password is right, else None.

        :raises Refused: if there were too many wrong guesses.
        """
        name, password = login_name(data.get("username", "")), data.get("password", "")
        place = (name, self.address(handler), self.device(handler, name))
        self.begin_guess(*place)
        # In a thread: a hash takes some 50 ms, and the hub answers everybody from one loop.
        if not await asyncio.to_thread(members.password_is_right, self.classroom, name, password):
            return None
        self.limiter.right(*place)
        self._remember(handler, name)
        return name

    def begin_guess(self, name: str, address: str, device: str | None) -> None:
        """:raises Refused: if the next guess has to wait."""
        if wait := self.limiter.begin(name, address, device):
            raise pages.TooOften(minutes(wait))

    def address(self, handler: Any) -> str:
        request = handler.request
        return client_address(request.headers.get("X-Forwarded-For"), request.remote_ip, self.trusted_proxies)

    def device(self, handler: Any, name: str) -> str | None:
        """What names this browser, if it has logged in to this account before."""
        value = handler.get_secure_cookie(DEVICE_COOKIE, max_age_days=DEVICE_DAYS) or b""
        owner, _between, mark = value.decode("utf-8", "replace").partition(":")
        return mark if mark and owner == name else None

    def _remember(self, handler: Any, name: str) -> None:
        mark = self.device(handler, name) or secrets.token_hex(16)
        handler._set_cookie(DEVICE_COOKIE, f"{name}:{mark}", expires_days=DEVICE_DAYS, path=handler.hub.base_url)


class OAuthByList(ByClassList, GenericOAuthenticator):
    """Log-in at an OAuth 2 or OpenID Connect provider."""

    way = "oauth"
    login_handler = pages.OAuthLogin
    callback_handler = pages.OAuthReturn

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        return claimed(user_info, self.claim)

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Groups come from the class list, not from the provider."""
        return set()


class LtiByList(ByClassList, LTI13Authenticator):
    """Log-in by a launch from an LTI 1.3 platform."""

    way = "lti"
    login_handler = pages.LtiLogin
    callback_handler = pages.LtiReturn

    def get_username(self, token: dict[str, Any]) -> str:
        return claimed(token, self.claim)


def claimed(claims: Any, path: list[str]) -> str:
    """The student number in what the school sends.

    :raises Refused: if there is none. Nothing else is taken for it: another number might be somebody else's.
    """
    for step in path:
        claims = claims.get(step) if isinstance(claims, dict) else None
    if isinstance(claims, int) and not isinstance(claims, bool):
        claims = str(claims)
    if not isinstance(claims, str) or not claims.strip():
        raise pages.Refused(403, _("学校的登录服务没有给出学号，请联系老师。"))
    if fault_in_name(login_name(claims)):
        raise not_listed(claims)
    return claims


def not_listed(name: str) -> pages.Refused:
    return pages.Refused(403, _("账号 {name} 不在班级名单里，请联系老师。").format(name=printable(name)))
