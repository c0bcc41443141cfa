"""The volume: too small, full, read-only."""

from __future__ import annotations

import contextlib
import json
import threading

import pytest

from tests.seed.conftest import artefact, big_mar
from tests.seed.server import Answer, mar, sha256

MIB = 1 << 20


def test_a_claim_too_small_for_one_artefact_is_said_before_a_byte_is_fetched(claim, range_server, volume):
    server = range_server()
    volume("size=2m")
    claim.wants(server.url())
    result = claim.seed()
    assert result.code == 8
    assert f"it needs {len(server.content):,} bytes, the volume has 2,0" in result.err
    assert "enlarge persistence.size" in result.err
    assert len(server.log) == 1 and server.payload == []
    assert claim.error.read_text() == result.err


def test_a_claim_too_small_for_all_of_a_plan_is_said_before_a_byte_is_fetched(claim, server, volume):
    """Each alone has room."""
    volume("size=6m")
    one, two = big_mar(3 * MIB), big_mar(4 * MIB)
    claim.writes([artefact(server, "one", one), artefact(server, "two", two)])
    result = claim.seed()
    assert result.code == 8
    needs = f"it needs {len(two):,} bytes of the {len(one + two):,} that the plan needs, the volume has "
    assert result.err.startswith(f"seed: two: {server.url('/two.mar')}: {needs}")
    assert claim.files == []


def test_what_is_there_already_needs_no_room(claim, server, volume):
    volume("size=6m")
    claim.writes([artefact(server, "one", big_mar(4 * MIB))])
    assert claim.seed().code == 0
    claim.writes([artefact(server, "one", big_mar(4 * MIB)), artefact(server, "two", mar())])
    result = claim.seed()
    assert result.code == 0, result.everything


def test_a_volume_that_is_full_half_way_says_so_and_is_left_as_it_was(claim, server, volume):
    """The server doesn't say how much is to come."""
    volume("size=2m")
    claim.wants(server.gives("/bert.mar", Answer(big_mar(), length=None)))
    result = claim.seed()
    assert result.code == 8 and "No space left on device; enlarge persistence.size" in result.err
    assert result.err.startswith(f"seed: bert: {server.url('/bert.mar')}: ")
    assert claim.parts == [] and claim.files == []


def test_a_volume_that_another_fills_during_a_transfer_says_so(claim, range_server, volume):
    server = range_server()
    volume("size=6m")
    full = threading.Event()

    def fills(request):
        if request.start > MIB and not full.is_set():
            full.set()
            with server.lock, contextlib.suppress(OSError), (claim.root / "other").open("ab", buffering=0) as other:
                while True:
                    other.write(bytes(4096))

    server.fault = fills
    claim.wants(server.url())
    result = claim.seed()
    assert result.code == 8 and "No space left on device" in result.err
    assert claim.parts == [] and claim.error.read_text() == result.err


def test_a_read_only_volume_is_said(claim, server, volume):
    volume("size=6m", "ro")
    claim.wants(server.gives("/bert.mar", mar()))
    result = claim.seed()
    assert result.code == 9 and "Read-only file system; let uid " in result.err
    assert server.requests == [] and claim.termination_log.read_text() == result.err


def test_a_plan_that_is_complete_only_reads_the_volume(claim, server, volume):
    mounted = volume("size=6m")
    claim.wants(server.gives("/bert.mar", mar()))
    assert claim.seed("--owner", "team/bert", "--keep-old", "1").code == 0
    mounted.make_read_only()
    result = claim.seed("--owner", "team/bert", "--keep-old", "1")
    assert result.code == 0, result.everything
    assert "bert: kept model-store/bert-0a1b2c3d.mar" in result.out and len(server.requests) == 1


def test_a_plan_without_artefacts_only_reads(claim, volume):
    volume("size=1m", "ro")
    claim.writes([])
    result = claim.seed()
    assert result.code == 0 and "is complete in" in result.out


def test_a_plan_without_artefacts_leaves_nothing_on_a_claim_that_may_be_written(claim):
    claim.writes([])
    assert claim.seed().code == 0
    assert list(claim.root.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_said_before_a_byte_is_fetched(claim, server):
    (claim.root / "model-store").write_text("no folder")
    claim.wants(server.gives("/bert.mar", mar()))
    result = claim.seed()
    assert result.code == 9 and "model-store: File exists" in result.err
    assert server.requests == []


@pytest.mark.parametrize(
    "paths",
    [
        ("model-store/a.mar", "model-store/a.mar"),
        ("model-store/a.mar", "model-store/./a.mar"),
        ("model-store/a.mar", "model-store/A.mar"),
        ("model-store/a", "model-store/a/b.mar"),
        ("model-store/a/b.mar", "model-store/a"),
    ],
)
def test_two_artefacts_for_one_place_are_refused(claim, server, paths):
    uri = server.gives("/a.mar", mar())
    claim.writes([{"model": f"m{number}", "uri": uri, "path": path} for number, path in enumerate(paths)])
    result = claim.seed()
    assert result.code == 2 and f"models m0 and m1 both take the path {paths[1]}" in result.err
    assert server.requests == []


def test_lines_for_machines_are_json(claim, range_server):
    server = range_server()
    claim.wants(server.url())
    result = claim.seed("--json", "--progress-seconds", "0", "--timeout", "20")
    lines = [json.loads(line) for line in result.out.splitlines()]
    events = [line["event"] for line in lines]
    assert events[0] == "message" and events[-2:] == ["fetched", "complete"] and set(events[1:-2]) == {"progress"}
    fetched, progress = lines[-2], lines[-3]
    assert fetched["sha256"] == sha256(server.content) and fetched["bytes"] == len(server.content) and fetched["seconds"] > 0
    assert progress["percent"] == 100 and progress["file"] == "bert-0a1b2c3d.mar" and progress["seconds_left"] == 0
    assert all(line["text"] for line in lines)


def test_a_failure_is_json_too_and_a_sentence_on_stderr(claim, server):
    claim.wants(server.url("/none.mar"))
    result = claim.seed("--json")
    last = json.loads(result.out.splitlines()[-1])
    assert (last["event"], last["code"]) == ("failed", 3)
    assert f"seed: {last['text']}\n" == result.err


def test_the_parts_of_a_build_count_as_well_before_a_byte_is_fetched(claim, range_server, volume):
    server = range_server()
    volume("size=6m")
    parts = {name: {"uri": server.url(f"/{name}")} for name in ("serializedFile", "modelFile")}
    build = {"handler": "image_classifier", "format": "no-archive", **parts}
    claim.writes([{"model": "big", "version": "1.0", "path": "model-store/big", "build": build}])
    result = claim.seed()
    assert result.code == 8, result.everything
    assert f"seed: big: its build: it needs {2 * len(server.content):,} bytes, the volume has " in result.err
    assert server.payload == []


@pytest.mark.parametrize(("form", "times"), [("default", 2), ("no-archive", 1)])
def test_an_archive_that_is_built_counts_beside_its_parts_before_a_byte_is_fetched(claim, range_server, volume, form, times):
    """A folder is links to the parts. Together with its archive a part of 4 MiB has no room here."""
    server = range_server()
    volume("size=6m")
    build = {"handler": "image_classifier", "format": form, "serializedFile": {"uri": server.url("/weights.pt")}}
    claim.writes([{"model": "big", "version": "1.0", "path": "model-store/big", "build": build}])
    result = claim.seed()
    if times == 1:
        assert result.code == 0, result.everything
    else:
        assert result.code == 8, result.everything
        assert f"seed: big: its build: it needs {2 * len(server.content):,} bytes, the volume has " in result.err
        assert server.payload == []


def test_parts_that_are_gone_when_the_next_build_comes_need_no_room_beside_it(claim, range_server, volume):
    """Two archives and the parts of one are there at most: 9 MiB, where all at once would be 12."""
    server = range_server(big_mar(3 * MIB))
    volume("size=11m")
    build = {"handler": "image_classifier", "serializedFile": {"uri": server.url("/weights.pt")}}
    claim.writes([{"model": name, "version": "1.0", "path": f"model-store/{name}.mar", "build": build} for name in ("a", "b")])
    result = claim.seed()
    assert result.code == 0, result.everything


def test_a_plan_of_another_owner_is_complete_on_a_volume_that_is_only_read(claim, server, volume):
    mounted = volume("size=6m")
    claim.wants(server.gives("/bert.mar", mar()))
    assert claim.seed("--owner", "team/a").code == 0
    mounted.make_read_only()
    result = claim.seed("--owner", "team/b", "--keep-old", "0")
    assert result.code == 0 and "is complete in" in result.out, result.everything
