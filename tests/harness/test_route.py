"""Connections to a gateway: kept for the next request, but not for so long that the gateway may be closing them."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ci import route
from ci.cluster.certificates import self_signed

LONG_AGO = -1.0  # whatever was put away is older


class Gateway(ThreadingHTTPServer):
    """One on loopback that counts its connections; with a certificate's file by HTTPS."""

    daemon_threads = True

    def __init__(self, certificate: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.connections = 0
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.address = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(params=["http", "https"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gateway]:
    certificate = tmp_path / "gateway.pem" if request.param == "https" else None
    if certificate:
        certificate.write_bytes(b"".join(self_signed(["bert.example.com"])))
    with Gateway(certificate) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def way(gateway: Gateway, tmp_path: Path) -> route.Route:
    return route.through_gateway(gateway.address, "bert.example.com", tmp_path / "gateway.pem")


def test_a_connection_is_kept_for_the_next_request(
        gateway: Gateway, way: route.Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "IDLE_SECONDS", 600)  # for a pause of this program, too
    assert [way.request("GET", "v1/models").status_code for _ in range(3)] == [200] * 3
    assert gateway.connections == 1


def test_one_that_was_idle_for_long_is_made_anew(
        gateway: Gateway, way: route.Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "IDLE_SECONDS", LONG_AGO)
    assert [way.request("GET", "v1/models").status_code for _ in range(3)] == [200] * 3
    assert gateway.connections == 3
