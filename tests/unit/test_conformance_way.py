"""How the conformance suite reaches a server: by a protected gateway with headers and cookies, else by the API server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from tests.conformance import cluster
from tests.conformance.options import way_of
from tests.unit.conformance_target import target


@pytest.fixture
def gateway() -> Iterator[str]:
    """Address of a gateway that lets nobody in without a cookie and a token, and says what it was asked."""
    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            allowed = self.headers.get("Cookie") == "session=a=b; other=c" and self.headers.get("Authorization") == "Bearer t:1"
            self.send_response(200 if allowed else 403)
            self.end_headers()
            self.wfile.write(f"{self.headers.get('Host')} {self.path}".encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/prefix/"
    server.shutdown()


def test_a_protected_gateway_gets_headers_cookies_and_host(gateway: str) -> None:
    way = way_of(gateway, ["Authorization: Bearer t:1"], ["session=a=b", "other=c"], "tiny.example.com", None)
    release = target()
    release.call = cluster.calling(requests.Session(), None, release, way)  # type: ignore[arg-type]
    answer = release.predict({"instances": []})
    assert (answer.status_code, answer.text) == (200, "tiny.example.com /prefix/v1/models/tiny:predict")


def test_what_is_given_wins_over_what_the_environment_has(gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    test_a_protected_gateway_gets_headers_cookies_and_host(gateway)


def test_without_them_it_is_refused(gateway: str) -> None:
    release = target()
    release.call = cluster.calling(requests.Session(), None, release, way_of(gateway, [], [], None, None))  # type: ignore[arg-type]
    assert release.predict({"instances": []}).status_code == 403


@pytest.mark.parametrize(("options", "sentence"), [
    (("", ["A: b"], [], None, None), "are for --url"), (("", [], ["a=b"], None, None), "are for --url"),
    (("http://x", ["nonsense"], [], None, None), "is no NAME:VALUE"),
    (("http://x", [], ["nonsense"], None, None), "is no NAME=VALUE")])
def test_what_cannot_be_meant_is_said(options: tuple, sentence: str) -> None:
    with pytest.raises(pytest.UsageError, match=sentence):
        way_of(*options)


def test_any_certificate_is_taken_only_when_asked() -> None:
    assert way_of("https://x", [], [], None, None).verify is True
    assert way_of("https://x", [], [], None, "none").verify is False
    assert way_of("https://x", [], [], None, "ca.crt").verify == "ca.crt"


@pytest.mark.parametrize(("selector", "way"), [
    ({"a": "b"}, "services/tiny-predictor:80"), (None, "pods/tiny-predictor-1-a:8080")])
def test_the_api_server_leads_to_the_service_or_in_knative_mode_to_a_pod(selector: dict | None, way: str) -> None:
    release, asked = target(), []
    service = next(item for item in release.items if item["kind"] == "Service")
    service["spec"] = {"selector": selector, "ports": [{"port": 80}]}
    session = SimpleNamespace(request=lambda method, url, **_: asked.append((method, url)))
    api = SimpleNamespace(configuration=SimpleNamespace(host="https://api"))
    cluster.calling(session, api, release, cluster.Way())("GET", "models")  # type: ignore[arg-type]
    assert asked == [("GET", f"https://api/api/v1/namespaces/x/{way}/proxy/models")]


def test_the_configuration_is_looked_for_where_the_server_is_told_and_where_kserve_has_it() -> None:
    told = {"command": ["start.py"], "args": ["--ts-config", "/a", "torchserve --start --ts-config=/b"],
            "env": [{"name": "CONFIG_PATH", "value": "/c"}, {"name": "OTHER", "value": "/d"}]}
    assert cluster._configs(told) == ["/a", "/b", "/c", *cluster.CONFIGS]
