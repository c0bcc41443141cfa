"""Credentials, URIs from Secrets, certificates and proxies: used as meant, sent to nobody else, never said."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from ci.cluster.certificates import authority, self_signed, signed
from tests.seed.proxy import Proxy
from tests.seed.ranges import Fault
from tests.seed.server import Answer, mar

ENV = {"PATH": "/usr/bin:/bin"}
WHOLE = mar()


def secret(claim, name: str, **keys: str) -> str:
    """A Secret as the chart mounts it: its keys are links to a directory with a date for a name."""
    data = claim.secrets / name / "..2026_01_01"
    data.mkdir(parents=True)
    (claim.secrets / name / "..data").symlink_to(data)
    for key, value in keys.items():
        (data / key.replace("__", "-")).write_text(value)
        (claim.secrets / name / key.replace("__", "-")).symlink_to(data / key.replace("__", "-"))
    return name


@pytest.mark.parametrize(
    ("keys", "headers"),
    [
        ({"username": "ann", "password": "p@ss"}, {"Authorization": "Basic YW5uOnBAc3M="}),
        ({"token": "t0ken\n"}, {"Authorization": "Bearer t0ken"}),
        ({"X__Api__Key": "k3y", "X__Other": "grün"}, {"X-Api-Key": "k3y", "X-Other": "grün".encode().decode("latin-1")}),
    ],
)
def test_the_keys_of_a_secret_become_headers(claim, server, keys, headers):
    claim.wants(server.gives("/bert.mar", WHOLE), credentials=secret(claim, "store", **keys))
    result = claim.seed()
    assert result.code == 0, result.everything
    for _, sent in server.requests:
        assert headers.items() <= sent.items()


def test_every_range_has_the_credentials(claim, range_server):
    server = range_server()
    claim.wants(server.url(), credentials=secret(claim, "store", token="t0ken"))
    assert claim.seed().code == 0
    assert len(server.log) > 8
    assert {request.headers["Authorization"] for request in server.log} == {"Bearer t0ken"}


def test_credentials_go_to_no_other_host(claim, range_server):
    """To 127.0.0.1 it is as far from localhost as from any host. Nor to another port of the same one."""
    first, other, port = range_server(), range_server(), range_server()
    headers = secret(claim, "store", token="t0ken", **{"X-Key": "k3y"})
    first.fault = lambda _: Fault(status=302, headers={"Location": other.url(host="localhost")})
    other.fault = lambda _: Fault(status=307, headers={"Location": port.url()})
    claim.wants(first.url(userinfo="ann:secret@"), credentials=headers)
    assert claim.seed().code == 0
    assert {"Authorization", "X-Key"} <= first.log[0].headers.keys()
    assert port.log and not {"Authorization", "X-Key"} & {name for request in other.log + port.log for name in request.headers}


def test_a_redirect_within_the_host_keeps_them(claim, range_server):
    server = range_server()
    server.fault = lambda request: Fault(status=301, headers={"Location": "/new.mar"}) if request.path == "/bert.mar" else None
    claim.wants(server.url(), credentials=secret(claim, "store", token="t0ken"))
    assert claim.seed().code == 0
    assert {request.headers.get("Authorization") for request in server.log} == {"Bearer t0ken"}
    assert [request.path for request in server.log].count("/bert.mar") == 1, "where it leads is known from then on"


def test_redirects_without_end_are_given_up(claim, range_server):
    server = range_server()
    server.fault = lambda request: Fault(status=302, headers={"Location": f"/{request.number}"})
    claim.wants(server.url())
    result = claim.seed()
    assert result.code == 4 and "more than 10 redirects" in result.err


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/bert.mar", "file:///etc/passwd", "http://[bad/bert.mar",
                                      "http://localhost:port/bert.mar", "http://localhost:99999/bert.mar", "//[::/x"])
def test_a_redirect_to_something_else_is_refused(claim, range_server, location):
    server = range_server()
    server.fault = lambda _: Fault(status=302, headers={"Location": location})
    claim.wants(server.url())
    result = claim.seed()
    assert result.code == 4 and "redirects to what is no http or https URI" in result.err


def test_a_secret_that_is_not_there_is_said(claim, server):
    claim.wants(server.gives("/bert.mar", WHOLE), credentials="store")
    result = claim.seed()
    assert result.code == 3 and "no Secret store, or it is empty; create it" in result.err
    assert server.requests == []


@pytest.mark.parametrize("value", ["two\nlines", "\x00"])
def test_a_key_that_can_be_no_header_is_said_by_its_name_only(claim, server, value):
    claim.wants(server.gives("/bert.mar", WHOLE), credentials=secret(claim, "store", token=value))
    result = claim.seed()
    assert result.code == 2 and "Secret store, key token: that is no value of a header" in result.err
    assert "two" not in result.everything


def test_a_uri_from_a_secret_is_used_and_never_shown(claim, server):
    uri = server.gives("/bert.mar", WHOLE) + "?signature=t0psecret"
    claim.wants(None, uriFrom={"secret": secret(claim, "links", bert=f"{uri}\n"), "key": "bert"})
    result = claim.seed()
    assert result.code == 0, result.everything
    assert "bert: the uri in Secret links, key bert: fetching" in result.out
    assert "127.0.0.1" not in result.out and "t0psecret" not in result.out


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (None, 3, "no Secret links with a key bert"),
        ("ftp://t0psecret", 2, "no complete http"),
        ("t0psecret", 2, "no complete http"),
        ("s3://t0psecret/bert.mar", 2, "no complete http or https URI, and no other is read from a Secret; put one whole http"),
        ("upload://t0psecret", 2, "no complete http or https URI, and no other is read from a Secret; put one whole http"),
        ("https://t0psecret:99999/bert.mar", 2, "no complete http"),
    ],
)
def test_a_uri_that_a_secret_does_not_hold_is_said(claim, text, code, words):
    secret(claim, "links", **({"bert": text} if text else {}))
    claim.wants(None, uriFrom={"secret": "links", "key": "bert"})
    result = claim.seed()
    assert result.code == code and words in result.err and "t0psecret" not in result.everything
    assert result.err.startswith("seed: bert: the uri in Secret links, key bert: ")
    assert claim.error.read_text() == result.err


@pytest.fixture
def ca(tmp_path: Path) -> tuple[Path, Path]:
    """An authority's certificate, and a server's certificate and key."""
    own = authority("tests")
    (tmp_path / "ca.crt").write_bytes(own.certificate)
    (tmp_path / "server.pem").write_bytes(b"".join(signed(own, ["localhost"])))
    return tmp_path / "ca.crt", tmp_path / "server.pem"


def test_an_authority_of_ones_own_is_trusted_besides_the_default_ones(claim, range_server, ca):
    server = range_server(certificate=ca[1])
    server.at_once = threading.Barrier(2)
    claim.wants(server.url(host="localhost"))
    result = claim.seed(TORCHSERVE_KSERVE_CA=str(ca[0]), **ENV)
    assert result.code == 0, result.everything
    assert server.most > 1
    assert claim.seed(**ENV).code == 0, "what is there needs no certificate"


def test_a_certificate_for_another_name_is_not_trusted(claim, range_server, ca):
    server = range_server(certificate=ca[1])
    claim.wants(server.url(host="127.0.0.1"))
    result = claim.seed(TORCHSERVE_KSERVE_CA=str(ca[0]), **ENV)
    assert result.code == 10 and "mismatch" in result.err and "or set seed.ca" in result.err


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), ("no certificate", "it holds no certificate in PEM")])
def test_an_authority_that_can_not_be_read_is_said(claim, range_server, ca, content, words):
    server = range_server(certificate=ca[1])
    ca[0].unlink() if content is None else ca[0].write_text(content)
    claim.wants(server.url(host="localhost"))
    result = claim.seed(TORCHSERVE_KSERVE_CA=str(ca[0]), **ENV)
    assert result.code == 2 and words in result.err and "let seed.ca name" in result.err


def test_no_redirect_leads_from_https_to_http(claim, range_server, ca):
    plain, server = range_server(), range_server(certificate=ca[1])
    server.fault = lambda _: Fault(status=302, headers={"Location": plain.url()})
    claim.wants(server.url(host="localhost"))
    result = claim.seed(TORCHSERVE_KSERVE_CA=str(ca[0]), **ENV)
    assert result.code == 4 and "redirects from https to http" in result.err
    assert plain.log == []


@pytest.fixture
def proxy():
    running = []

    def make(authorization: str | None = None) -> Proxy:
        running.append(Proxy(authorization))
        return running[-1]

    yield make
    for one in running:
        one.close()


def test_a_proxy_of_the_environment_is_used_for_http(claim, range_server, proxy):
    server, between = range_server(), proxy()
    claim.wants(server.url())
    result = claim.seed("--timeout", "20", http_proxy=between.url(), **ENV)
    assert result.code == 0, result.everything
    assert len(between.log) == len(server.log) and between.log[0] == ("GET", server.url())


def test_a_proxy_with_a_password_is_used_for_https_and_the_password_never_shown(claim, range_server, proxy, ca):
    server, pair = range_server(certificate=ca[1]), base64.b64encode(b"ann:t0psecret").decode()
    between = proxy(f"Basic {pair}")
    claim.wants(server.url(host="localhost"))
    given = {"TORCHSERVE_KSERVE_CA": str(ca[0]), **ENV}
    refused = claim.seed(https_proxy=between.url("ann:t0psecreT@"), **given)
    assert refused.code == 5 and "through the proxy: Tunnel connection failed: 407" in refused.err
    result = claim.seed(https_proxy=between.url("ann:t0psecret@"), **given)
    assert result.code == 0, result.everything
    assert ("CONNECT", f"localhost:{server.http.server_port}") in between.log
    assert "t0psecre" not in refused.everything + result.everything and pair not in refused.everything + result.everything


def test_a_host_of_no_proxy_is_asked_directly(claim, range_server, proxy):
    server, between = range_server(), proxy()
    claim.wants(server.url())
    assert claim.seed(http_proxy=between.url(), no_proxy="127.0.0.1", **ENV).code == 0
    assert between.log == []


def test_a_proxy_that_does_not_listen_is_said_to_be_the_cause(claim, range_server, proxy):
    server, between = range_server(), proxy()
    between.close()
    claim.wants(server.url())
    result = claim.seed(http_proxy=between.url(), **ENV)
    assert result.code == 5 and "through the proxy: Connection refused" in result.err


@pytest.mark.parametrize("address", [
    "http://ann:t0psecret/t0pword@127.0.0.1:3128", "ann:t0p/secret@127.0.0.1:3128", "http://ann:t0p#secret@127.0.0.1:3128",
    "http://ann:t0psecret@[127.0.0.1:3128", "http://ann:t0psecret@127.0.0.1:t0pport", "http://ann:t0psecret@"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_whose_address_is_none_is_said_without_it(claim, scheme, address):
    claim.wants(f"{scheme}://127.0.0.1:9/bert.mar")
    result = claim.seed(**{f"{scheme}_proxy": address}, **ENV)
    assert result.code == 2 and f"seed: bert: {scheme}://127.0.0.1:9/bert.mar: " in result.err, result.everything
    assert f"the address of the proxy in {scheme}_proxy can't be understood; write http://USER:PASSWORD@HOST:PORT" in result.err
    assert "t0p" not in result.everything + claim.error.read_text()


# In as many places as a secret can be: userinfo, query, a Secret's keys, a whole URI; t0p… in all of them.
SECRETS = {"username": "t0puser", "password": "t0ppass", "X__Key": "t0pkey"}
FAULTS = [
    *(Answer(status=status) for status in (401, 403, 404, 500, 302)),
    Answer(status=302, headers={"Location": "http://t0puser:t0ppass@nowhere.invalid/?t0pquery"}),
    *(Answer(status=302, headers={"Location": there}) for there in
      ("ftp://t0pquery", "http://[t0pbad/", "http://nowhere.invalid:t0pport/", "http://t0puser:t0p/pass@nowhere.invalid/")),
    Answer(b"<html>"),
    Answer(WHOLE, cut=3),
    Answer(WHOLE, length=1 << 60),
    Answer(mar(version="2.0")),
    Answer(WHOLE),
]


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
@pytest.mark.parametrize("given", ["uri", "uriFrom"])
def test_no_secret_reaches_any_output(claim, server, fault, given):
    server.gives("/bert.mar", fault)
    uri = server.url("/bert.mar?X-Sig=t0pquery&t0pflag#t0pfragment", userinfo="t0pname:t0pword%40@")
    where = {"uriFrom": {"secret": secret(claim, "links", bert=uri), "key": "bert"}}
    source = {"uri": uri} if given == "uri" else {"uri": None, **where}
    claim.wants(credentials=secret(claim, "store", **SECRETS), **source)
    for more in (("--json",), ()):
        result = claim.seed(*more, "--progress-seconds", "0")
        kept = [path.read_text() for path in (claim.root / ".seed").rglob("*") if path.is_file()]
        said = result.everything + "".join(kept) + claim.termination_log.read_text()
        assert "t0p" not in said, said
        for pair in ("t0pname:t0pword@", "t0puser:t0ppass"):
            assert base64.b64encode(pair.encode()).decode() not in said


def test_no_secret_is_in_the_state_of_a_transfer_that_is_cut(claim, range_server):
    server = range_server()
    uri = server.url("/bert.mar?X-Sig=t0pquery", userinfo="t0pname:t0pword@")
    server.fault = lambda request: Fault(status=500) if request.start > 2_000_000 else None
    claim.wants(uri, credentials=secret(claim, "store", **SECRETS))
    assert claim.seed().code == 5
    (state,) = [part for part in claim.parts if part.suffix == ".state"]
    assert "t0p" not in state.read_text()


def test_certificates_of_self_signed_servers_name_no_secret(claim, range_server, tmp_path):
    (tmp_path / "server.pem").write_bytes(b"".join(self_signed(["localhost"])))
    server = range_server(certificate=tmp_path / "server.pem")
    claim.wants(server.url("/bert.mar?X-Sig=t0pquery", userinfo="t0pname:t0pword@", host="localhost"))
    result = claim.seed()
    assert result.code == 10 and "t0p" not in result.everything + claim.error.read_text()
