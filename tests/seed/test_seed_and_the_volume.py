"""The volume: too small, full, read-only, shared with other plans and other owners."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path

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


class TestPruning:
    """What no plan of the release names any more goes where that is asked for, and nothing else."""

    def plan(self, claim, server, *names: str, owner: str = "team/bert", keep: int | None = 0, extra: list = ()) -> None:
        claim.writes([artefact(server, name, mar()) for name in names])
        options = [*(["--owner", owner] if owner else []), *([] if keep is None else ["--keep-old", str(keep)]), *extra]
        result = claim.seed(*options)
        assert result.code == 0, result.everything
        self.out = result.out

    def stored(self, claim) -> list[str]:
        return [Path(file).name.removesuffix("-1.mar") for file in claim.files]

    def test_nothing_goes_unless_asked(self, claim, server):
        self.plan(claim, server, "a", keep=None)
        self.plan(claim, server, "b", keep=None)
        assert self.stored(claim) == ["a", "b"]

    def test_what_the_new_plan_does_not_name_goes_with_its_marker(self, claim, server):
        self.plan(claim, server, "a", "b")
        old = claim.marker
        self.plan(claim, server, "b", "c")
        assert self.stored(claim) == ["b", "c"]
        assert claim.marker.exists() and not old.exists()
        assert f"removed model-store/a-1.mar, {len(mar()):,} bytes" in self.out

    def test_the_newest_stay(self, claim, server):
        for name in "abcd":
            self.plan(claim, server, name, keep=2)
        assert self.stored(claim) == ["b", "c", "d"]

    def test_a_file_that_stayed_goes_later(self, claim, server):
        """Its marker is gone by then: it named another file that went."""
        self.plan(claim, server, "a", "b")
        os.utime(claim.root / "model-store/a-1.mar", (1, 1))
        self.plan(claim, server, "c", keep=1)
        assert self.stored(claim) == ["b", "c"]
        self.plan(claim, server, "c", "d", keep=0)
        assert self.stored(claim) == ["c", "d"]
        assert not list((claim.root / ".seed").glob("*-old.json"))

    def test_a_file_of_another_owner_stays(self, claim, server):
        self.plan(claim, server, "a", "b", owner="team/other")
        self.plan(claim, server, "a", "c")
        self.plan(claim, server, "d")
        assert self.stored(claim) == ["a", "b", "d"]

    @pytest.mark.parametrize("owner", ["", "team/other"])
    def test_an_owner_who_shares_the_very_plan_is_not_heard_of(self, claim, server, owner):
        """Its marker is one file: the first who wrote it owns it."""
        self.plan(claim, server, "a", owner=owner, keep=None)
        self.plan(claim, server, "a")
        self.plan(claim, server, "b")
        assert self.stored(claim) == ["a", "b"]

    def test_a_file_that_no_marker_names_stays(self, claim, server):
        self.plan(claim, server, "a")
        (claim.root / "model-store/by-hand.mar").write_bytes(b"mine")
        self.plan(claim, server, "b")
        assert claim.files == ["model-store/b-1.mar", "model-store/by-hand.mar"]

    def test_nothing_goes_before_the_new_plan_is_complete(self, claim, server):
        self.plan(claim, server, "a")
        claim.wants(server.gives("/b.mar", b"<html>"))
        assert claim.seed("--owner", "team/bert", "--keep-old", "0").code == 7
        assert self.stored(claim) == ["a"]

    def test_a_lower_number_counts_for_a_plan_that_is_complete(self, claim, server):
        self.plan(claim, server, "a", keep=None)
        self.plan(claim, server, "b", keep=None)
        self.plan(claim, server, "b", keep=0)
        assert self.stored(claim) == ["b"]

    @pytest.mark.parametrize("path", ["../outside", "/etc/outside", ".seed/lock", ".", "model-store"])
    def test_a_marker_that_names_what_is_no_models_place_does_no_harm(self, claim, server, path):
        (claim.root.parent / "outside").write_text("mine")
        self.plan(claim, server, "a")
        marker = {"plan": "0123456789", "owner": "team/bert", "artifacts": [{"path": path, "bytes": 4, "sha256": "0"}]}
        (claim.root / ".seed/0123456789.json").write_text(json.dumps(marker))
        self.plan(claim, server, "b")
        assert self.stored(claim) == ["b"]
        assert (claim.root.parent / "outside").exists() and (claim.root / ".seed/lock").exists()

    def test_a_directory_goes_as_a_whole(self, claim, server):
        self.plan(claim, server, "a")
        folder = claim.root / "model-store/big"
        (folder / "MAR-INF").mkdir(parents=True)
        (folder / "MAR-INF/MANIFEST.json").write_text("{}")
        entry = {"path": "model-store/big", "bytes": 2, "sha256": "0"}
        marker = {"plan": "0123456789", "owner": "team/bert", "artifacts": [entry]}
        (claim.root / ".seed/0123456789.json").write_text(json.dumps(marker))
        self.plan(claim, server, "b")
        assert claim.files == ["model-store/b-1.mar"] and not folder.exists()


def test_the_marker_names_the_owner(claim, server):
    claim.wants(server.gives("/bert.mar", mar()))
    claim.seed("--owner", "team/bert")
    assert json.loads(claim.marker.read_text())["owner"] == "team/bert"


def test_lines_for_machines_are_json(claim, range_server):
    server = range_server()
    claim.wants(server.url())
    result = claim.seed("--json", "--progress-seconds", "0")
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
