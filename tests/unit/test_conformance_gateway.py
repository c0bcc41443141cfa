"""The conformance suite's way through a gateway that wants a session: headers, cookies and host name of the options are sent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests.conformance import cluster, options
from tests.conformance.checks import answers
from tests.unit.conformance_target import target

WANTED = {"Host": "tiny.x.example.com", "Authorization": "Bearer abc", "Cookie": "session=1; other=2"}


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
    server = HTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/prefix/"
    server.shutdown()
    server.server_close()


def asked(monkeypatch: pytest.MonkeyPatch, **given: Any) -> Any:
    """The target that these options make, without a cluster."""
    def read(*given: Any, **_: Any) -> Any:
        found = target()
        found.call = cluster.calling(requests.Session(), SimpleNamespace(), found, given[3])
        return found
    monkeypatch.setattr(cluster, "read", read)
    values = {"--namespace": "x", "--release": "tiny", "--sample": [], "--expect": [], "--header": [], "--cookie": [],
              "--burst": 4, **{f"--{name}": value for name, value in given.items()}}
    return options.target(SimpleNamespace(getoption=lambda name, default=None: values.get(name, default)))  # type: ignore[arg-type]


def test_a_request_with_header_cookies_and_host_is_let_in(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(monkeypatch, url=gateway, host=WANTED["Host"], header=["Authorization: Bearer abc"],
                  cookie=["session=1", "other=2"])
    answers.the_sample_is_answered_as_expected(found)


def test_one_without_its_cookie_fails_by_the_login_page_and_does_not_follow_it(
        gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(monkeypatch, url=gateway, host=WANTED["Host"], header=["Authorization: Bearer abc"], cookie=["session=1"])
    with pytest.raises(AssertionError, match=r"^302"):
        answers.the_sample_is_answered_as_expected(found)
