"""``secrets/login.toml``: how people log in. Without the file: by the class list and own passwords."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyAddress, ValidationError, model_validator

from course.hub.classroom import FIRST_SECTION, Classroom, section_id
from crmlab.errors import CourseError
from crmlab.i18n import _

FILE = "login.toml"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _safe(url: str) -> str:
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        return url
    raise ValueError("address")


def _section(name: str) -> str:
    try:
        return section_id(name)
    except CourseError:
        raise ValueError("section") from None


Text = Annotated[str, Field(min_length=1)]
Address = Annotated[str, AfterValidator(_safe)]
ClaimPath = Annotated[list[Text], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _School(_Strict):
    """What both kinds of external log-in need."""

    title: Text = Field(default_factory=lambda: _("学校统一身份认证"))
    student_id: Text | ClaimPath
    """The claim that holds the student number: its name, or the names on the way to it."""
    enrol: bool = False
    """Whether who is not on the class list joins it, as a student of ``section``."""
    section: Annotated[str, AfterValidator(_section)] = FIRST_SECTION

    @property
    def claim(self) -> list[str]:
        return [self.student_id] if isinstance(self.student_id, str) else self.student_id


class OAuth(_School):
    """An OAuth 2 or OpenID Connect provider."""

    authorize_url: Address
    token_url: Address
    userdata_url: Address
    callback_url: Address | None = None
    client_id: Text
    client_secret: Text
    scope: list[Text] = ["openid"]


class Lti(_School):
    """An LTI 1.3 platform: Moodle, Canvas, Blackboard …"""

    student_id: Text | ClaimPath = ["https://purl.imsglobal.org/spec/lti/claim/lis", "person_sourcedid"]
    issuer: Text
    client_id: Text | Annotated[list[Text], Field(min_length=1)]
    authorize_url: Address
    jwks_url: Address

    @property
    def client_ids(self) -> set[str]:
        return {self.client_id} if isinstance(self.client_id, str) else set(self.client_id)


class LoginSettings(_Strict):
    """All of ``login.toml``."""

    method: Literal["list", "oauth", "lti"] = "list"
    trusted_proxies: list[IPvAnyAddress] = []
    """Web servers in front of the hub, whose word about a visitor's address is believed."""
    oauth: OAuth | None = None
    lti: Lti | None = None

    @model_validator(mode="after")
    def _has_its_table(self) -> "LoginSettings":
        if self.method != "list" and getattr(self, self.method) is None:
            raise ValueError("table")
        return self


def login_settings(classroom: Classroom) -> LoginSettings:
    """How people log in to this class.

    :raises CourseError: if the file is wrong, or others may read it; all faults at once, with their lines.
    """
    path = classroom.secrets / FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return LoginSettings()
    except (OSError, UnicodeDecodeError):
        raise CourseError(_("读不出 {path}；它应当是 UTF-8 编码的 TOML 文件。").format(path=path)) from None
    if path.stat().st_mode & 0o077:
        raise CourseError(_("{path} 里有密钥，别人不能读：请运行 chmod 600 {path}。").format(path=path))
    try:
        return LoginSettings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(_("{path} 不是正确的 TOML：{reason}。").format(path=path, reason=error)) from None
    except ValidationError as error:
        raise CourseError("\n".join(_told(path, text, fault) for fault in error.errors())) from None


def _told(path: Path, text: str, fault: Any) -> str:
    # A place in a union carries the names of its branches too; what stands in the file are names and indices.
    keys = [str(part) for part in fault["loc"] if isinstance(part, str) and re.fullmatch(r"[a-z0-9_]+", part)]
    line = _line_of(text, keys)
    where = _("{path} 第 {line} 行").format(path=path, line=line) if line else str(path)
    return _("{where}「{key}」：{what}。").format(where=where, key=".".join(keys) or "method", what=_what(fault))


def _what(fault: Any) -> str:
    kind, reason = fault["type"], str(fault.get("ctx", {}).get("error", ""))
    if kind == "missing":
        return _("缺少这一项")
    if kind == "extra_forbidden":
        return _("没有这一项，请检查拼写")
    if reason == "address":
        return _("要写完整的 https 地址（只有本机可以用 http）")
    if reason == "section":
        return _("教学班编号请用小写英文字母、数字和连字符")
    if reason == "table":
        return _("选了这种登录方式，就要写它的一节：[oauth] 或 [lti]")
    if kind == "literal_error":
        return _("只能是 {choices}").format(choices=fault["ctx"]["expected"].replace(" or ", ", "))
    return _("值不对，应当是另一种写法，例如文字加引号、开关写 true 或 false、多项写在方括号里")


def _line_of(text: str, keys: list[str]) -> int | None:
    """The line on which a key, or else the table it is missing from, stands."""
    table, best = "", None
    for number, line in enumerate(text.splitlines(), 1):
        if heading := re.match(r"\s*\[([^\]]+)\]", line):
            table = heading[1].strip()
            best = number if keys[:1] == [table] and len(keys) > 1 else best
        elif entry := re.match(r"\s*([A-Za-z0-9_-]+)\s*=", line):
            place = [table, entry[1]] if table else [entry[1]]
            if keys[: len(place)] == place or (not keys and place == ["method"]):
                return number
    return best
