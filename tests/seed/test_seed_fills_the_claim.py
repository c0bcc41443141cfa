"""What a run that goes well leaves on the claim, and what it says."""

from __future__ import annotations

import json
import os
import re
import stat

from tests.seed.server import Answer, mar, sha256


def test_an_archive_from_http_is_on_the_claim_under_its_final_name(claim, server):
    claim.wants(server.gives("/bert.mar", mar()), sha256=sha256(mar()))
    result = claim.seed()
    assert result.code == 0, result.everything
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == mar()
    assert claim.files == ["model-store/bert-0a1b2c3d.mar"]


def test_the_marker_names_path_size_and_sha256_of_every_artefact(claim, server):
    claim.wants(server.gives("/bert.mar", mar()))
    claim.seed()
    entry = {"model": "bert", "version": "1.0", "path": "model-store/bert-0a1b2c3d.mar", "bytes": len(mar())}
    expected = {"plan": claim.hash, "owners": [""], "artifacts": [{**entry, "sha256": sha256(mar())}]}
    assert json.loads(claim.marker.read_text()) == expected


def test_the_summary_line_has_bytes_seconds_and_sha256(claim, server):
    claim.wants(server.gives("/bert.mar", mar()))
    out = claim.seed().out
    assert re.search(rf"bert: fetched model-store/bert-0a1b2c3d\.mar, {len(mar()):,} bytes in \d+\.\d\d s, "
                     rf"sha256 {sha256(mar())}\n", out)


def test_everyone_may_read_what_was_seeded_whatever_the_umask(claim, server):
    claim.wants(server.gives("/bert.mar", mar()))
    old = os.umask(0o077)
    try:
        assert claim.seed().code == 0
    finally:
        os.umask(old)
    for path in (claim.root / "model-store/bert-0a1b2c3d.mar", claim.marker):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


def test_nothing_is_left_in_the_temporary_directory(claim, server):
    claim.wants(server.gives("/bert.mar", mar()))
    (claim.root / ".seed/tmp").mkdir(parents=True)
    (claim.root / ".seed/tmp/0.part").write_bytes(b"left by a killed run")
    assert claim.seed().code == 0
    assert list((claim.root / ".seed/tmp").iterdir()) == []


def test_a_config_map_key_is_a_source(claim):
    (claim.mounts / "configMap/models").mkdir(parents=True)
    (claim.mounts / "configMap/models/tiny.mar").write_bytes(mar())
    claim.wants("configMap://models/tiny.mar")
    result = claim.seed()
    assert result.code == 0, result.everything
    assert claim.files == ["model-store/bert-0a1b2c3d.mar"]


def test_a_second_run_of_the_same_plan_asks_the_server_for_nothing(claim, server):
    claim.wants(server.gives("/bert.mar", mar()))
    claim.seed()
    before, marker = len(server.requests), claim.marker.stat().st_ino
    result = claim.seed()
    assert (result.code, len(server.requests)) == (0, before)
    assert "bert: kept model-store/bert-0a1b2c3d.mar" in result.out
    assert claim.marker.stat().st_ino == marker, "it is not written again"


def test_a_changed_plan_fetches_only_what_changed(claim, server):
    one = {"model": "one", "uri": server.gives("/one.mar", mar()), "path": "model-store/one-1.mar"}
    two = {"model": "two", "uri": server.gives("/two.mar", mar()), "path": "model-store/two-1.mar"}
    claim.writes([one])
    claim.seed()
    first = claim.marker
    claim.writes([one, two])
    assert claim.seed().code == 0
    assert [path for path, _ in server.requests] == ["/one.mar", "/two.mar"]
    assert claim.files == ["model-store/one-1.mar", "model-store/two-1.mar"]
    assert first.exists() and claim.marker.exists()


def test_a_file_that_was_in_place_before_its_marker_is_not_fetched_again(claim, server):
    claim.wants(server.gives("/bert.mar", mar()), sha256=sha256(mar()))
    claim.seed()
    claim.marker.unlink()
    assert claim.seed().code == 0
    assert len(server.requests) == 1
    assert claim.marker.exists()


def test_a_file_whose_content_is_not_the_declared_one_is_fetched_again(claim, server):
    claim.wants(server.gives("/bert.mar", mar()), sha256=sha256(mar()))
    (claim.root / "model-store").mkdir()
    (claim.root / "model-store/bert-0a1b2c3d.mar").write_bytes(b"something else")
    result = claim.seed()
    assert result.code == 0
    assert "is there, but its sha256 is" in result.out
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == mar()


def test_a_marker_whose_file_was_deleted_does_not_count(claim, server):
    claim.wants(server.gives("/bert.mar", mar()))
    claim.seed()
    (claim.root / "model-store/bert-0a1b2c3d.mar").unlink()
    assert claim.seed().code == 0
    assert claim.files == ["model-store/bert-0a1b2c3d.mar"]


def test_progress_is_said_while_a_download_runs(claim, server):
    big = mar(files={"handler.py": "#", "weights": "0" * 5_000_000})
    claim.wants(server.gives("/bert.mar", big))
    out = claim.seed("--progress-seconds", "0").out
    assert f" of {len(big):,} (" in out
    assert " %) bytes, " in out and " MB/s, " in out and " s left" in out


def test_a_source_without_content_length_is_taken(claim, server):
    claim.wants(server.gives("/bert.mar", Answer(mar(), length=None)))
    assert claim.seed().code == 0


def test_userinfo_becomes_basic_authentication_and_is_never_sent_to_another_host(claim, server):
    server.gives("/end.mar", mar())
    elsewhere = server.url("/end.mar").replace("127.0.0.1", "localhost")
    server.gives("/bert.mar", Answer(status=302, headers={"Location": elsewhere}))
    claim.wants(server.url("/bert.mar", userinfo="ann:p%40ss@"))
    assert claim.seed().code == 0
    (_, first), (_, second) = server.requests
    assert first["Authorization"] == "Basic YW5uOnBAc3M="
    assert "Authorization" not in second
