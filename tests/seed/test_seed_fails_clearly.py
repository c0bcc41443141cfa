"""Every failure: its own exit code, one line with cause and remedy, and nothing under a final name."""

from __future__ import annotations

import io
import os
import re
import socket
import threading
import zipfile
from pathlib import Path

import pytest

from ci.cluster.certificates import self_signed
from tests.seed import damage
from tests.seed.claim import file_size_limit
from tests.seed.server import Answer, Server, mar, sha256

WHOLE = mar()


def zip_of(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


def failed(claim, code: int, *words: str):
    """Run the seed, expect this failure, and that its one sentence is wherever someone looks for it."""
    result = claim.seed()
    assert result.code == code, result.everything
    (line,) = result.err.splitlines()
    assert line.startswith("seed: ") and "; " in line
    for word in words:
        assert word in line
    assert claim.termination_log.read_text() == line + "\n"
    assert claim.files == [] and not claim.marker.exists()
    return line


def test_a_404_is_said_with_model_and_uri(claim, server):
    claim.wants(server.url("/none.mar"))
    line = failed(claim, 3, "HTTP 404 Not Found", "correct the model's uri")
    assert line.startswith(f"seed: bert: {server.url('/none.mar')}: ")
    assert claim.error.read_text() == line + "\n"
    assert len(server.requests) == 1, "a 404 is not asked for again"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_said_with_its_remedy(claim, server, status):
    claim.wants(server.gives("/bert.mar", Answer(status=status)))
    failed(claim, 4, f"HTTP {status}", "it asks for a login: name a Secret" if status == 401 else "check the credentials")


def test_a_server_that_fails_once_is_asked_again(claim, server):
    claim.wants(server.gives("/bert.mar", Answer(status=500), Answer(status=503), WHOLE))
    result = claim.seed()
    assert result.code == 0, result.everything
    assert re.search(r"HTTP 503 Service Unavailable; trying again in 0\.0[123]\d* s", result.out)


def test_a_server_that_keeps_failing_is_given_up_after_the_attempts(claim, server):
    claim.wants(server.gives("/bert.mar", Answer(status=500)))
    failed(claim, 5, "HTTP 500 Internal Server Error")
    assert len(server.requests) == 3


def test_a_host_that_does_not_listen_is_unreachable(claim):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    claim.wants(f"http://127.0.0.1:{port}/bert.mar")
    failed(claim, 5, "Connection refused", "check the server")


def test_a_host_name_that_does_not_exist_is_unreachable(claim):
    claim.wants("http://nowhere.invalid/bert.mar")
    failed(claim, 5, "nowhere.invalid", "check the server, its name")


def test_a_certificate_that_nobody_signed_is_not_trusted(claim, tmp_path):
    (tmp_path / "server.pem").write_bytes(b"".join(self_signed(["localhost"])))
    server = Server(certificate=tmp_path / "server.pem")
    claim.wants(server.gives("/bert.mar", WHOLE))
    failed(claim, 10, "signed certificate", "use a server whose certificate this image trusts")
    server.http.shutdown()
    server.http.server_close()


def test_a_connection_cut_once_is_made_good(claim, server):
    claim.wants(server.gives("/bert.mar", Answer(WHOLE, cut=100), WHOLE), sha256=sha256(WHOLE))
    result = claim.seed()
    assert result.code == 0, result.everything
    assert f"cut after 100 of {len(WHOLE)} bytes" in result.out


def test_a_connection_always_cut_fails_with_how_far_it_came(claim, server):
    claim.wants(server.gives("/bert.mar", Answer(WHOLE, cut=100)))
    failed(claim, 5, f"the transfer was cut after 100 of {len(WHOLE)} bytes")


def test_a_stalled_server_is_given_up_after_the_timeout(claim, server):
    claim.wants(server.gives("/bert.mar", Answer(WHOLE, hold=threading.Event())))
    result = claim.seed("--timeout", "0.2", "--attempts", "1")
    assert result.code == 5, result.everything
    assert "no byte came for 0.2 s" in result.err


def test_a_content_length_that_is_too_short_is_not_taken_for_a_whole_archive(claim, server):
    claim.wants(server.gives("/bert.mar", Answer(WHOLE, length=len(WHOLE) - 10)))
    failed(claim, 7, "not a whole zip file")


def test_a_wrong_sha256_names_both(claim, server):
    claim.wants(server.gives("/bert.mar", WHOLE), sha256="ab" * 32)
    failed(claim, 6, sha256(WHOLE), "ab" * 32, "correct the one that is wrong")
    assert list((claim.root / ".seed/tmp").iterdir()) == [], "the refused file takes no room on the claim"


def test_a_login_page_with_status_200_is_recognised(claim, server):
    claim.wants(server.gives("/bert.mar", b"<!doctype html><title>Log in</title>"))
    failed(claim, 7, "not a whole zip file", "looks like a web page")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04 truncated", "not a whole zip file"),
        (WHOLE[:200], "not a whole zip file"),
        (mar(files={}), "does not hold its handler 'handler.py'"),
        (zip_of({"weights": "0"}), "it has no MAR-INF/MANIFEST.json"),
        (zip_of({"MAR-INF/MANIFEST.json": "[]"}), "it has no MAR-INF/MANIFEST.json with a model"),
        (mar(files={"handler.py": "#", "C:evil.py": "#"}), "'C:evil.py', which unpacks outside"),
        (mar(handler=""), "does not hold its handler ''"),
        (mar(model={"modelVersion": "1.0"}), "no MAR-INF/MANIFEST.json with a model and a handler ('handler')"),
        (mar(version="2.0"), "its version is '2.0', declared is '1.0'"),
        (mar(version=""), "its version is '', declared is '1.0'"),
        (mar(model={"handler": "handler.py"}), "its manifest has no modelVersion"),
        (mar(files={"handler.py": "#", "../evil.py": "#"}), "'../evil.py', which unpacks outside"),
        (mar(files={"handler.py": "#", "/etc/evil": "#"}), "'/etc/evil', which unpacks outside"),
        (mar(files={"handler.py": "#", "a\\..\\..\\evil": "#"}), "which unpacks outside"),
        (damage.ALL["broken inside"], "no MAR-INF/MANIFEST.json with a model and a handler (Error -3 "),
        (damage.ALL["encrypted"], "no MAR-INF/MANIFEST.json with a model and a handler (File 'MAR-INF/MANIFEST.json' is enc"),
        (damage.ALL["ends early"], "bert.mar: it "),  # newer Pythons see that its files overlap, others that one ends early
        (damage.ALL["nested"], "no MAR-INF/MANIFEST.json with a model and a handler (RecursionError)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_a_usable_archive_says_why(claim, server, content, words):
    claim.wants(server.gives("/bert.mar", content))
    failed(claim, 7, words, "or give an archive of '1.0'" if "declared" in words else "torch-model-archiver")


@pytest.mark.parametrize("content", damage.ALL.values(), ids=damage.ALL)
def test_a_damaged_archive_that_is_there_already_is_fetched_again(claim, server, content):
    claim.wants(server.gives("/bert.mar", WHOLE))
    final = claim.root / "model-store/bert-0a1b2c3d.mar"
    final.parent.mkdir()
    final.write_bytes(content)
    result = claim.seed()
    assert result.code == 0 and " is there, but it " in result.out and "fetching it again" in result.out, result.everything
    assert final.read_bytes() == WHOLE


def test_an_archive_without_a_version_is_refused_also_where_none_is_declared(claim, server):
    """TorchServe does not load it."""
    claim.wants(server.gives("/bert.mar", mar(model={"handler": "handler.py"})), version=None)
    failed(claim, 7, "its manifest has no modelVersion")


def test_a_built_in_handler_need_not_be_in_the_archive(claim, server):
    claim.wants(server.gives("/bert.mar", mar(handler="image_classifier", files={})))
    assert claim.seed().code == 0


def test_a_missing_config_map_key_is_said_with_its_name(claim):
    (claim.mounts / "configMap/models").mkdir(parents=True)
    claim.wants("configMap://models/tiny.mar")
    failed(claim, 3, "no ConfigMap models with a key tiny.mar")


def test_a_source_larger_than_the_volume_is_refused_before_it_is_fetched(claim, server):
    claim.wants(server.gives("/bert.mar", Answer(WHOLE, length=1 << 60)))
    failed(claim, 8, f"it needs {1 << 60:,} bytes, the volume has ", "enlarge persistence.size")


def test_a_file_that_the_volume_has_no_room_for_is_no_space(claim, server):
    """The limit on a file's size stands in for a full volume: the kernel refuses a write either way."""
    big = mar(files={"handler.py": "#", "weights": os.urandom(1 << 20).hex()})
    claim.wants(server.gives("/bert.mar", Answer(big, length=None)))
    with file_size_limit(1 << 20):
        failed(claim, 8, "File too large", "enlarge persistence.size")
    assert list((claim.root / ".seed/tmp").iterdir()) == []


def test_a_claim_that_may_not_be_written_says_for_whom(claim, server):
    claim.wants(server.gives("/bert.mar", WHOLE))
    claim.root = Path("/sys")
    result = claim.seed()
    assert result.code == 9, result.everything
    assert result.err.startswith("seed: /sys/.seed")
    assert f"; let uid {os.getuid()} write the claim" in result.err
    assert claim.termination_log.read_text() == result.err


@pytest.mark.parametrize(
    ("artifact", "words"),
    [
        ({"uri": "ftp://host/a.mar"}, "no complete http or https URI, nor one of the other sources"),
        ({"uri": "http://host"}, "no complete http or https URI, nor one of the other sources"),
        ({"uri": "http://host/with space.mar"}, "printable ASCII"),
        ({"uri": "https://host:99999/a.mar"}, "no complete http or https URI, nor one of the other sources"),
        ({"uri": "http://[bad]/a.mar"}, "no complete http or https URI, nor one of the other sources"),
        ({"uri": "http://ann:se/cret@host/a.mar"}, "no complete http or https URI, nor one of the other sources"),
        ({"path": "../outside.mar"}, "not inside the destination"),
        ({"path": "/etc/outside.mar"}, "not inside the destination"),
        ({"path": ".seed/inside.mar"}, "is in .seed"),
        ({"sha256": "abc"}, "sha256 is not 64 hex digits"),
    ],
)
def test_a_plan_that_is_wrong_is_refused_before_anything_happens(claim, artifact, words):
    claim.writes([{"model": "bert", "uri": "http://127.0.0.1:9/a.mar", "path": "model-store/a.mar", **artifact}])
    line = failed(claim, 2, "model bert", words)
    assert "cret" not in line
    assert claim.error.read_text() == line + "\n", "the predictor that waits hears it"


@pytest.mark.parametrize("option", [("--connections", "0"), ("--attempts", "0"), ("--keep-old", "-1"), ("--keep-old=many",)])
def test_a_number_that_makes_no_sense_is_refused(claim, option):
    claim.writes([])
    result = claim.seed(*option)
    assert result.code == 2 and "invalid number value" in result.err


def test_a_host_name_that_is_none_is_said(claim):
    claim.wants("http://nowhere..invalid/bert.mar")
    failed(claim, 5, "its host name", "check the server, its name")


@pytest.mark.parametrize("text", ["{not json", "[]", '{"artifacts": [{"model": "bert"}]}', '{"artifacts": 3}'])
def test_a_plan_that_is_no_plan_is_refused(claim, text):
    claim.plan.write_text(text)
    failed(claim, 2, str(claim.plan), "see the format at the top of seed.py")


def test_no_secret_of_the_uri_reaches_any_output(claim, server):
    for answer in (Answer(status=403), Answer(status=500), Answer(b"<html>"), Answer(WHOLE, cut=3), WHOLE):
        server.gives("/bert.mar", answer)
        claim.wants(server.url("/bert.mar?signature=t0psecret#t0psecret", userinfo="t0psecret:t0psecret@"))
        result = claim.seed()
        kept = [path.read_text() for path in (claim.root / ".seed").rglob("*") if path.is_file()]
        assert "t0psecret" not in result.everything + "".join(kept) + claim.termination_log.read_text()
