"""The proxy as the hub starts it, in front of a target on a Unix socket."""

import os
import socketserver
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest
import requests

from course.hub.preflight import NODE, PROXY_SCRIPT, free_ports
from course.hub.proxy import GATE
from crmlab.paths import course_root
from tests.waiting import PATIENCE


class Target(BaseHTTPRequestHandler):
    """Answers every request with how many came over this connection so far."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.requests = 0

    def do_POST(self) -> None:
        self.requests += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        body = str(self.requests).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[str]:
    """The proxy's address."""
    port, interface = free_ports(2)
    place = str(tmp_path / "target.sock")
    words = [NODE, "--import", GATE, course_root() / PROXY_SCRIPT, "--ip", "127.0.0.1", "--port", str(port),
             "--api-ip", "127.0.0.1", "--api-port", str(interface),
             "--default-target", f"http+unix://{place.replace('/', '%2F')}"]  # fmt: skip
    with Server(place, Target) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        process = subprocess.Popen([str(word) for word in words], env=os.environ | {"CONFIGPROXY_AUTH_TOKEN": "x" * 32})
        try:
            while not _listens(port):
                assert process.poll() is None
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()
            server.shutdown()


def _listens(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/_chp_healthz", timeout=PATIENCE).ok
    except requests.ConnectionError:
        return False


def test_connections_to_a_unix_socket_are_kept(proxied: str) -> None:
    """A target that closes after its answer makes the proxy fail now and then after a body it has passed on."""
    answers = [requests.post(proxied, data={"a": "b"}, timeout=PATIENCE).text for _time in range(3)]
    assert answers == ["1", "2", "3"]
