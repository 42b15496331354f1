"""The hub's pages of logging in: log-in, invitation, own password, and the way back from school."""

import asyncio
import time
from http import HTTPStatus
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.login import LoginHandler
from ltiauthenticator.lti13.error import ValidationError
from ltiauthenticator.lti13.handlers import LTI13CallbackHandler, LTI13LoginInitHandler
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler
from tornado import web

from course.people import members, secret
from course.people.model import login_name
from course.people.sessions import renew, tokens_of_servers
from course.people.store import accounts
from crmlab.i18n import _

PASSWORD_PAGE = "password-page"
"""The "device" of guesses at the old password: only who is logged in can make them."""


class Refused(web.HTTPError):
    """Something a person should read in a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, "%s", sentence)
        self.sentence = sentence


class TooOften(Refused):
    """Too many wrong guesses."""

    def __init__(self, minutes: int) -> None:
        sentence = _("错误次数太多，请等 {minutes} 分钟再试。").format(minutes=minutes)
        super().__init__(HTTPStatus.TOO_MANY_REQUESTS, sentence)
        self.headers = {"Retry-After": str(minutes * 60)}


def told(exception: Any, otherwise: str) -> str:
    """The sentence for an error."""
    return exception.sentence if isinstance(exception, Refused) else otherwise


class LoginPage(LoginHandler):
    """Name and password. JupyterHub's own page, with our sentences."""

    def _render(self, login_error: str | None = None, username: str | None = None, **context: Any) -> Any:
        error = told(context.get("exception"), _("页面放得太久了，请再试一次。")) if login_error else None
        return super()._render(login_error=error, username=username, **context)

    async def post(self) -> None:
        name = self.get_body_argument("username", "")
        user = await self.login_user(
            {"username": name, "password": self.get_body_argument("password", "", strip=False)}
        )
        if user is None:
            self.set_status(HTTPStatus.FORBIDDEN)
            wrong = Refused(HTTPStatus.FORBIDDEN, _("账号或密码不正确，请再试一次。"))
            self.finish(await self._render(login_error=wrong.sentence, username=name[:40], exception=wrong))
            return
        self._jupyterhub_user = user
        self.redirect(self.get_next_url(user))


class FormPage(BaseHandler):
    """A page with one form, which is shown again, with a sentence, when something is wrong."""

    template = ""

    def fields(self) -> dict[str, str]:
        """What stays filled in."""
        return {}

    def form(self, error: str = "", **context: Any) -> Any:
        token = self.xsrf_token.decode("ascii")
        return self.render_template(self.template, error=error, xsrf=token, **self.fields(), **context)

    def render_template(self, name: str, **context: Any) -> Any:
        if name == "error.html" and self.request.method == "POST" and self.can_be_shown():
            stale = context.get("status_code") == HTTPStatus.FORBIDDEN
            otherwise = _("页面放得太久了，请再试一次。") if stale else _("服务器出了问题，请稍后再试。")
            return self.form(told(context.get("exception"), otherwise), sync=True)
        return super().render_template(name, **context)

    def can_be_shown(self) -> bool:
        """Whether whoever asks may see the form."""
        return self.current_user is not None

    def new_password(self) -> str:
        """The new password of the form, given twice.

        :raises Refused: if the two differ.
        """
        password = self.get_body_argument("new", "", strip=False)
        if password != self.get_body_argument("again", "", strip=False):
            raise Refused(HTTPStatus.BAD_REQUEST, _("两次输入的新密码不一样，请重新输入。"))
        return password

    def check_strength(self, password: str, name: str) -> None:
        """:raises Refused: if the password is too easy for this person."""
        account = accounts(self.authenticator.classroom)[name]
        if fault := secret.fault_in_password(password, name, account.title):
            raise Refused(HTTPStatus.BAD_REQUEST, fault)


class InvitationPage(FormPage):
    """First use: account, code, and a password of one's own."""

    template = "activate.html"

    def can_be_shown(self) -> bool:
        return True  # to everybody, logged in or not

    def fields(self) -> dict[str, str]:
        return {"username": self.get_body_argument("username", ""), "code": self.get_body_argument("code", "")}

    async def get(self) -> None:
        self.finish(await self.form())

    async def post(self) -> None:
        name, code = login_name(self.get_body_argument("username", "")), self.get_body_argument("code", "")
        password = self.new_password()
        guard, classroom = self.authenticator, self.authenticator.classroom
        place = (name, guard.address(self), guard.device(self, name))
        guard.begin_guess(*place)
        if not members.code_is_right(classroom, name, code):
            raise _bad_code()
        guard.limiter.right(*place)
        await asyncio.to_thread(self.check_strength, password, name)
        if not await asyncio.to_thread(members.activate, classroom, name, code, password):
            raise _bad_code()
        user = await self.login_user({"username": name, "password": password})
        self._jupyterhub_user = user
        self.redirect(self.get_next_url(user))


def _bad_code() -> Refused:
    return Refused(HTTPStatus.FORBIDDEN, _("账号或邀请码不正确，或者邀请码已经用过、过期。需要新的邀请码请联系老师。"))


class PasswordPage(FormPage):
    """Change of one's own password; all other sessions end."""

    template = "password.html"

    @web.authenticated
    async def get(self) -> None:
        self.finish(await self.form())

    @web.authenticated
    async def post(self) -> None:
        name, guard = self.current_user.name, self.authenticator
        password = self.new_password()
        place = (name, guard.address(self), PASSWORD_PAGE)
        guard.begin_guess(*place)
        old = self.get_body_argument("old", "", strip=False)
        if not await asyncio.to_thread(members.password_is_right, guard.classroom, name, old):
            raise Refused(HTTPStatus.FORBIDDEN, _("现在的密码不正确，请再试一次。"))
        guard.limiter.right(*place)
        await asyncio.to_thread(self.check_strength, password, name)
        await asyncio.to_thread(members.change_password, guard.classroom, name, password)
        self.keep_only_this_session()
        self.finish(await self.form(done=True))

    def keep_only_this_session(self) -> None:
        user, session = self.current_user, self.get_session_cookie()
        own = [token for token in user.api_tokens if session and token.session_id == session]
        renew(user, accounts(self.authenticator.classroom)[user.name], keep=[*own, *tokens_of_servers(user)])
        self.set_hub_cookie(user)


# --- the way back from school ----------------------------------------------------------------------------------------


class FromSchool(BaseHandler):
    """Tells errors of an external log-in in a sentence."""

    def render_template(self, name: str, **context: Any) -> Any:
        if name == "error.html":
            otherwise = _("登录没有完成，可能是等得太久，或重复使用了同一个链接。请重新登录一次。")
            error = told(context.get("exception"), otherwise)
            return super().render_template("refused.html", error=error, way=self.authenticator.way, sync=True)
        return super().render_template(name, **context)


class OAuthLogin(FromSchool, OAuthLoginHandler):
    pass


class OAuthReturn(FromSchool, OAuthCallbackHandler):
    pass


class LtiLogin(FromSchool, LTI13LoginInitHandler):
    """First step of a launch."""

    def _set_oauth_cookie(self, key: str, value: str) -> None:
        # The platform answers with a POST from its own site, with which a browser sends such cookies only.
        https = {"samesite": "None", "secure": True} if self.request.protocol == "https" else {}
        self._set_cookie(key, value, expires_days=1, httponly=True, encrypted=True, **https)


class LtiReturn(FromSchool, LTI13CallbackHandler):
    """Second step of a launch."""

    used: dict[str, float] = {}  # noqa: RUF012 (one memory for all requests, by intention)
    """Nonces of launches that were let in, and when. The library binds a nonce to the browser; a stolen cookie beside a
    stolen token must not do either."""
    remember = 3600.0
    """Seconds; the library takes no token that is older than ten minutes."""

    async def post(self) -> None:
        """:raises Refused: if the launch was used before."""
        try:
            # In a thread: it asks the platform for its keys, and a slow platform must not hold up the hub.
            claims = await asyncio.to_thread(self.decode_and_validate_launch_request)
        except ValidationError as error:
            raise web.HTTPError(HTTPStatus.BAD_REQUEST, "%s", error) from None
        self.use_once(claims["nonce"])
        user = await self.login_user(claims)
        await self.redirect_to_next_url(user)

    def use_once(self, nonce: str) -> None:
        now = time.monotonic()
        for old in [old for old, when in self.used.items() if now - when > self.remember]:
            del self.used[old]
        if nonce in self.used:
            raise Refused(HTTPStatus.BAD_REQUEST, _("这个登录链接已经用过，请回到课程平台重新点一次。"))
        self.used[nonce] = now
