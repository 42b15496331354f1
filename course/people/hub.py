"""The hub's configuration of everything about people."""

import os
from typing import Any

from course.hub.classroom import Classroom
from course.people.settings import LoginSettings, Lti, OAuth, login_settings

DESK = "desk"
"""The service that only staff may open."""


def configure(c: Any, classroom: Classroom) -> None:
    """Set the log-in, groups and rights of a JupyterHub configuration.

    :raises CourseError: if ``login.toml`` is wrong.
    """
    settings = login_settings(classroom)
    c.ByClassList.folder = str(classroom.folder)
    c.Authenticator.manage_groups = True
    c.Authenticator.any_allow_config = True  # the class list; keeps the hub from warning that nobody can log in
    c.Authenticator.admin_users = set()
    c.Authenticator.auth_refresh_age = 60
    c.JupyterHub.trusted_downstream_ips = proxies(settings)
    c.JupyterHub.load_roles = [*c.JupyterHub.get("load_roles", []), *hub_roles()]
    c.JupyterHub.template_vars = {"own_passwords": settings.method == "list"}
    _set_method(c, settings)


def hub_roles() -> list[dict[str, Any]]:
    """Staff may open the desk. Users have themselves and nothing else; nobody is the hub's administrator."""
    return [
        {"name": "user", "scopes": ["self"]},
        {"name": "staff", "scopes": [f"access:services!service={DESK}"], "groups": ["staff"]},
    ]


def proxies(settings: LoginSettings) -> list[str]:
    """The web servers in front whose word about a visitor's address is believed; see :mod:`course.operations.tls`."""
    if settings.trusted_proxies or os.environ.get("CRM_BEHIND_PROXY") != "1":
        return [str(address) for address in settings.trusted_proxies]
    return ["127.0.0.1", "::1"]


def _set_method(c: Any, settings: LoginSettings) -> None:
    if settings.oauth and settings.method == "oauth":
        _set_oauth(c, settings.oauth)
    elif settings.lti and settings.method == "lti":
        _set_lti(c, settings.lti)
    else:
        c.JupyterHub.authenticator_class = "course.people.authenticators.ListAuthenticator"
        c.ListAuthenticator.trusted_proxies = proxies(settings)


def _set_school(c: Any, school: OAuth | Lti) -> None:
    c.ByClassList.school = school.title
    c.ByClassList.claim = school.claim
    c.ByClassList.enrol = school.enrol
    c.ByClassList.section = school.section


def _set_oauth(c: Any, oauth: OAuth) -> None:
    _set_school(c, oauth)
    c.JupyterHub.authenticator_class = "course.people.authenticators.OAuthByList"
    c.OAuthByList.client_id = oauth.client_id
    c.OAuthByList.client_secret = oauth.client_secret
    c.OAuthByList.authorize_url = oauth.authorize_url
    c.OAuthByList.token_url = oauth.token_url
    c.OAuthByList.userdata_url = oauth.userdata_url
    c.OAuthByList.oauth_callback_url = oauth.callback_url or ""
    c.OAuthByList.scope = oauth.scope


def _set_lti(c: Any, lti: Lti) -> None:
    _set_school(c, lti)
    c.JupyterHub.authenticator_class = "course.people.authenticators.LtiByList"
    c.LtiByList.issuer = lti.issuer
    c.LtiByList.client_id = lti.client_ids
    c.LtiByList.authorize_url = lti.authorize_url
    c.LtiByList.jwks_endpoint = lti.jwks_url
