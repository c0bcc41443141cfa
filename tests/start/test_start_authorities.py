"""runtime.ca: the user's authority is trusted besides the usual ones, by whatever library the models' code uses."""

from __future__ import annotations

import importlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from urllib.request import urlopen

import certifi
import pytest

from ci.cluster.certificates import self_signed
from tests.start.conftest import FILES

NAMES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")


class Https:
    """A server on localhost whose certificate nobody signed; `certificate`: its file, what has to be trusted."""

    def __init__(self, folder: Path, name: str) -> None:
        certificate, key = self_signed([f"{name}.example.com", "localhost"])
        self.certificate, both = folder / f"{name}.crt", folder / f"{name}.pem"
        self.certificate.write_bytes(certificate)
        both.write_bytes(certificate + key)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"https://localhost:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def trusted_by(self, bundle: Path) -> bool:
        try:
            return urlopen(self.url, context=ssl.create_default_context(cafile=str(bundle)), timeout=10).status == 200
        except OSError as error:
            assert "certificate verify failed" in str(error)
            return False


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Https, Https, Https]]:
    """One of the user's, one that the image trusts, one that nobody does."""
    made = Https(tmp_path, "own"), Https(tmp_path, "usual"), Https(tmp_path, "other")
    yield made
    for server in made:
        server.http.shutdown()
        server.http.server_close()


@pytest.fixture
def authorities(monkeypatch: pytest.MonkeyPatch, servers: tuple[Https, Https, Https]) -> ModuleType:
    """The chart's module, in an image whose system trusts the second server."""
    monkeypatch.syspath_prepend(str(FILES))
    module = importlib.import_module("authorities")
    monkeypatch.setattr(module, "SYSTEM", (str(servers[1].certificate), str(servers[1].certificate)))
    return module


def environment(own: Path, folder: Path) -> dict[str, str]:
    bundle = str(folder / "bundle.crt")
    return {"TORCHSERVE_KSERVE_CA": str(own), "SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}


def test_the_users_and_the_usual_ones_are_trusted_and_no_other(authorities, servers, tmp_path):
    own, usual, other = servers
    env = environment(own.certificate, tmp_path)
    authorities.join(env)
    bundle = Path(env["SSL_CERT_FILE"])
    assert [server.trusted_by(bundle) for server in (own, usual, other)] == [True, True, False]
    assert own.trusted_by(own.certificate)
    assert not usual.trusted_by(own.certificate), "the file alone would not do"


def test_each_certificate_is_there_once_and_that_of_requests_too(authorities, servers, tmp_path):
    env = environment(servers[1].certificate, tmp_path)
    authorities.join(env)
    found = authorities.CERTIFICATE.findall(Path(env["SSL_CERT_FILE"]).read_text())
    assert len(found) == len(set(found))
    assert set(authorities.CERTIFICATE.findall(Path(certifi.where()).read_text())) < set(found)


def test_every_librarys_variable_names_it_but_for_one_that_the_user_has_set(authorities, servers, tmp_path):
    env = environment(servers[0].certificate, tmp_path) | {"AWS_CA_BUNDLE": "/mine"}
    authorities.join(env)
    assert {name: env[name] for name in NAMES} == dict.fromkeys(NAMES, env["SSL_CERT_FILE"]) | {"AWS_CA_BUNDLE": "/mine"}


def test_without_one_nothing_is_written_and_nothing_is_named(authorities, tmp_path):
    for env in ({}, {"SSL_CERT_FILE": str(tmp_path / "mine.crt")}):
        before = dict(env)
        assert authorities.join(env) == ""
        assert env == before
    assert not (tmp_path / "mine.crt").exists()


def test_the_server_has_it_and_the_log_says_so(predictor, servers, tmp_path):
    env = environment(servers[0].certificate, tmp_path)
    predictor.start(**env)
    predictor.is_ready()
    assert predictor.said("start: 1 certificate(s) of runtime.ca and the image's ")
    assert servers[0].trusted_by(tmp_path / "bundle.crt")
    given = dict(entry.split("=", 1) for entry in Path(f"/proc/{predictor.server_pid}/environ").read_text().split("\0") if entry)
    assert {given[name] for name in NAMES} == {env["SSL_CERT_FILE"]}


@pytest.mark.parametrize(
    ("text", "cause"),
    [("no certificate\n", "it holds no certificate in PEM"), (None, "No such file or directory")],
)
def test_a_file_that_is_none_ends_it_with_one_sentence(predictor, tmp_path, text, cause):
    own = tmp_path / "own.crt"
    if text:
        own.write_text(text)
    predictor.start(**environment(own, tmp_path))
    assert predictor.ends() == 1
    sentence = f"start: {own}: {cause}; let runtime.ca name a ConfigMap or Secret and its key\n"
    assert predictor.output.read_text().endswith(sentence)
    assert predictor.log.read_text() == sentence


def test_the_wrapper_has_it_too(predictor, servers, tmp_path):
    env = environment(servers[0].certificate, tmp_path)
    predictor.start(*predictor.wrapped, **env)
    predictor.is_ready()
    given = Path(f"/proc/{predictor.wrapper_pid}/environ").read_text().split("\0")
    assert f"AWS_CA_BUNDLE={env['SSL_CERT_FILE']}" in given
