"""At which address the class is reached, and with which certificate: ``CRM_BIND``, ``CRM_TLS_KEY``, ``CRM_TLS_CERT``.

Without them it is reached from this machine only. Passwords never cross a network in the clear: another address needs
a certificate, or ``CRM_BEHIND_PROXY=1``, by which the administrator says that a web server in front speaks TLS.
"""

import ipaddress
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crmlab.errors import CourseError
from crmlab.i18n import _

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Entrance:
    """Where the proxy listens. ``key`` and ``certificate``: PEM files, both or none."""

    host: str = LOOPBACK
    key: Path | None = None
    certificate: Path | None = None
    behind_proxy: bool = False

    @property
    def scheme(self) -> str:
        return "https" if self.certificate else "http"

    def url(self, port: int) -> str:
        """For ``JupyterHub.bind_url``."""
        return f"{self.scheme}://{_in_url(self.host)}:{port}/"

    def local_url(self, port: int) -> str:
        """Where a program of this machine reaches the proxy."""
        everywhere = {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}
        return f"{self.scheme}://{_in_url(everywhere.get(self.host, self.host))}:{port}/"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def tls_settings(environ: Mapping[str, str] = os.environ) -> Entrance:
    """What the environment says, checked.

    :raises CourseError: a file is missing, unreadable, open to others; key and certificate don't belong together; the
        certificate is not valid now; or passwords would cross a network unencrypted.
    """
    host = environ.get("CRM_BIND") or LOOPBACK
    key, certificate = environ.get("CRM_TLS_KEY") or "", environ.get("CRM_TLS_CERT") or ""
    behind_proxy = environ.get("CRM_BEHIND_PROXY") == "1"
    if bool(key) != bool(certificate):
        raise CourseError(_("CRM_TLS_KEY（私钥）和 CRM_TLS_CERT（证书）要么都设，要么都不设；现在只设了一个。"))
    if key:
        check_pair(Path(key), Path(certificate))
        return Entrance(host, Path(key).resolve(), Path(certificate).resolve(), behind_proxy)
    if not is_loopback(host) and not behind_proxy:
        raise CourseError(
            _(
                "CRM_BIND={host} 会让密码不加密地经过网络；请设置 CRM_TLS_KEY 和 CRM_TLS_CERT，"
                "或者在前面放一个提供 HTTPS 的网页服务器，并设置 CRM_BEHIND_PROXY=1。"
            ).format(host=host)
        )
    return Entrance(host, behind_proxy=behind_proxy)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_pair(key: Path, certificate: Path, now: datetime | None = None) -> None:
    """Key and certificate can be used now, and belong together.

    :raises CourseError: if not.
    """
    private = _private_key(key)
    leaf = read_certificate(certificate)
    if private.public_key() != leaf.public_key():
        raise CourseError(
            _("私钥 {key} 和证书 {certificate} 不是一对；证书文件里第一张应当是本机的证书，后面才是中间证书。").format(
                key=key, certificate=certificate
            )
        )
    now = now or datetime.now(UTC)
    if now >= leaf.not_valid_after_utc:
        raise CourseError(
            _("证书 {certificate} 已在 {date:%Y-%m-%d} 过期；请换上新证书再启动。").format(
                certificate=certificate, date=leaf.not_valid_after_utc
            )
        )
    if now < leaf.not_valid_before_utc:
        raise CourseError(
            _("证书 {certificate} 要到 {date:%Y-%m-%d %H:%M} UTC 才生效；请检查本机的时钟。").format(
                certificate=certificate, date=leaf.not_valid_before_utc
            )
        )


def _private_key(path: Path) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(path, _("私钥"))
    if path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP):
        raise CourseError(_("别的账号也能读写私钥 {path}；请运行 chmod 600 {path}。").format(path=path))
    try:
        return load_pem_private_key(content, password=None)
    except TypeError:
        raise CourseError(_("私钥 {path} 有口令，服务启动时无人输入；请换成没有口令的。").format(path=path)) from None
    except ValueError:
        raise CourseError(_("{path} 不是 PEM 格式的私钥。").format(path=path)) from None


def read_certificate(path: Path) -> Any:
    """The first certificate of a PEM file, as ``cryptography.x509.Certificate``.

    :raises CourseError: if there is none.
    """
    from cryptography import x509

    content = _read(path, _("证书"))
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except (ValueError, IndexError):
        raise CourseError(_("{path} 不是 PEM 格式的证书。").format(path=path)) from None


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CourseError(
            _("读不了{what} {path}（{reason}）；请检查路径，以及运行课堂的账号能不能读它。").format(
                what=what, path=path, reason=error.strerror
            )
        ) from None
