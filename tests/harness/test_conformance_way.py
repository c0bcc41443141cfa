"""How the conformance suite reaches a server: by a protected gateway with headers, cookies and host, else by the API server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests.conformance import cluster, options
from tests.conformance.checks import answers
from tests.conformance.target import Target
from tests.harness.conformance_target import target

WANTED = {"Host": "tiny.x.example.com", "Authorization": "Bearer t:1", "Cookie": "session=a=b; other=2"}
GIVEN = {"host": WANTED["Host"], "header": ["Authorization: Bearer t:1"], "cookie": ["session=a=b", "other=2"]}


class Gateway(BaseHTTPRequestHandler):
    """Sends to the login page whoever lacks one of the headers, and answers all others as the model of the samples."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.path == "/prefix/v1/models/tiny:predict" and all(self.headers[key] == value for key, value in WANTED.items())
        self.send_response(200 if known else 302)
        if not known:
            self.send_header("Location", "/login")
        said = json.dumps({"predictions": [instance["data"] * 2 for instance in body["instances"]]}).encode() if known else b""
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[str]:
    """Its address."""
    server = HTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/prefix/"
    server.shutdown()
    server.server_close()


def asked(monkeypatch: pytest.MonkeyPatch, **given: Any) -> Target:
    """The target that these options make, without a cluster."""
    def read(*given: Any, **_: Any) -> Target:
        found = target()
        found.call = cluster.calling(requests.Session(), SimpleNamespace(), found, given[3])  # type: ignore[arg-type]
        return found
    monkeypatch.setattr(cluster, "read", read)
    values = {"--namespace": "x", "--release": "tiny", "--sample": [], "--expect": [], "--header": [], "--cookie": [],
              "--burst": 4, **{f"--{name}": value for name, value in given.items()}}
    return options.target(SimpleNamespace(getoption=lambda name, default=None: values.get(name, default)))  # type: ignore[arg-type]


def test_a_protected_gateway_gets_headers_cookies_and_host(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers.the_sample_is_answered_as_expected(asked(monkeypatch, url=gateway, **GIVEN))


def test_no_request_uses_a_connection_that_rested(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = asked(monkeypatch, url=gateway, **GIVEN).call("POST", "v1/models/tiny:predict", json={"instances": [{"data": "a"}]})
    assert (answer.json(), answer.request.headers["Connection"]) == ({"predictions": ["aa"]}, "close")


def test_what_is_given_wins_over_what_the_environment_has(gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    answers.the_sample_is_answered_as_expected(asked(monkeypatch, url=gateway, **GIVEN))


@pytest.mark.parametrize("lacking", [{"header": []}, {"cookie": []}, {"cookie": ["session=a=b"]}, {"host": None}])
def test_without_one_of_them_it_fails_by_the_login_page_and_does_not_follow_it(
        lacking: dict[str, Any], gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match=r"^302"):
        answers.the_sample_is_answered_as_expected(asked(monkeypatch, url=gateway, **{**GIVEN, **lacking}))


def test_any_certificate_is_taken_only_when_asked() -> None:
    assert options.way_of("https://x", [], [], None, None).verify is True
    assert options.way_of("https://x", [], [], None, "none").verify is False
    assert options.way_of("https://x", [], [], None, "ca.crt").verify == "ca.crt"


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
