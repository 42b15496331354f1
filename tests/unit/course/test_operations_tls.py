"""No password crosses a network in the clear; a certificate that would not work is refused before the class opens."""

import http.client
import json
import os
import socket
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from course.hub.preflight import NODE, PROXY_SCRIPT, free_ports
from course.operations.tls import Entrance, is_loopback, tls_settings
from crmlab.errors import CourseError
from crmlab.paths import course_root
from tests.waiting import PATIENCE, eventually

Pair = dict[str, str]


@pytest.fixture
def make_pair(tmp_path: Path) -> Callable[..., Pair]:
    """A key and its own certificate, as the environment names them."""

    def make(first: int = -1, last: int = 90, password: bytes = b"", name: str = "class") -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        now, who = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        certificate = (
            x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
            .not_valid_before(now + timedelta(days=first))
            .not_valid_after(now + timedelta(days=last))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        files = {"CRM_TLS_KEY": tmp_path / f"{name}.key", "CRM_TLS_CERT": tmp_path / f"{name}.crt"}
        files["CRM_TLS_KEY"].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, lock))
        files["CRM_TLS_KEY"].chmod(0o600)
        files["CRM_TLS_CERT"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return {name: str(file) for name, file in files.items()}

    return make


def test_without_settings_the_class_is_for_this_machine_only() -> None:
    entrance = tls_settings({})
    assert (entrance.url(8000), entrance.scheme) == ("http://127.0.0.1:8000/", "http")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "class.example.edu", "127.0.0.1.example.com"])
def test_passwords_never_cross_a_network_in_the_clear(host: str) -> None:
    with pytest.raises(CourseError, match="不加密"):
        tls_settings({"CRM_BIND": host})
    assert tls_settings({"CRM_BIND": host, "CRM_BEHIND_PROXY": "1"}).behind_proxy


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_needs_no_certificate(host: str) -> None:
    assert is_loopback(host)
    assert tls_settings({"CRM_BIND": host}).host == host


def test_addresses_are_written_as_browsers_read_them() -> None:
    assert Entrance("::1").url(8000) == "http://[::1]:8000/"
    assert Entrance("0.0.0.0", certificate=Path("x")).local_url(443) == "https://127.0.0.1:443/"
    assert Entrance("::").local_url(1) == "http://[::1]:1/"


def test_a_good_pair_opens_the_class_to_the_network(make_pair: Callable[..., Pair]) -> None:
    entrance = tls_settings({"CRM_BIND": "0.0.0.0", **make_pair()})
    assert entrance.url(8443) == "https://0.0.0.0:8443/"


def test_what_would_not_work_is_refused_with_its_reason(make_pair: Callable[..., Pair], tmp_path: Path) -> None:
    good = make_pair()

    def refused(sentence: str, **changes: str) -> None:
        with pytest.raises(CourseError, match=sentence) as caught:
            tls_settings(good | changes)
        assert "\n" not in str(caught.value)

    refused("只设了一个", CRM_TLS_KEY="")
    refused("不是一对", CRM_TLS_KEY=make_pair(name="other")["CRM_TLS_KEY"])
    refused("读不了私钥", CRM_TLS_KEY=str(tmp_path / "nothing"))
    refused("读不了证书", CRM_TLS_CERT=str(tmp_path / "nothing"))
    refused("不是 PEM 格式的私钥", CRM_TLS_KEY=_private(tmp_path / "text", "hello"))
    refused("不是 PEM 格式的证书", CRM_TLS_CERT=_private(tmp_path / "text", "hello"))
    refused("已在 .* 过期", **make_pair(first=-9, last=-1, name="old"))
    refused("才生效", **make_pair(first=1, name="new"))
    refused("有口令", **make_pair(password=b"secret", name="locked"))


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_a_key_that_others_can_read_or_change_is_refused(mode: int, make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    os.chmod(pair["CRM_TLS_KEY"], mode)
    with pytest.raises(CourseError, match="chmod 600"):
        tls_settings(pair)


def test_a_group_may_read_the_key_as_debian_has_it(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    os.chmod(pair["CRM_TLS_KEY"], 0o640)
    assert tls_settings(pair).scheme == "https"


def _private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def test_the_hubs_proxy_speaks_tls_with_such_a_pair(make_pair: Callable[..., Pair]) -> None:
    """The real proxy, started as JupyterHub does. A browser that checks the certificate reads it; plain HTTP gets nothing."""
    entrance = tls_settings(make_pair())
    port, api = free_ports(2)
    command = [
        *(str(NODE), str(course_root() / PROXY_SCRIPT), "--ip", "127.0.0.1", "--port", str(port)),
        *("--api-ip", "127.0.0.1", "--api-port", str(api)),
        *("--ssl-key", str(entrance.key), "--ssl-cert", str(entrance.certificate)),
    ]
    environment = os.environ | {"CONFIGPROXY_AUTH_TOKEN": "for this test"}
    proxy = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _listens(port))
        trusting = ssl.create_default_context(cafile=str(entrance.certificate))
        browser = http.client.HTTPSConnection("localhost", port, context=trusting, timeout=PATIENCE)
        browser.request("GET", "/_chp_healthz")
        assert json.loads(browser.getresponse().read()) == {"status": "OK"}
        assert browser.sock.version() in ("TLSv1.2", "TLSv1.3")
        browser.close()
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        plain.request("GET", "/_chp_healthz")
        with pytest.raises((http.client.HTTPException, OSError)):
            plain.getresponse()
        plain.close()
    finally:
        proxy.terminate()
        proxy.wait()


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0
