"""A run that is killed at any moment: nothing half under a final name, and the next run goes on with what is on the claim."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess

import pytest

from tests.seed.conftest import big_mar
from tests.seed.ranges import Fault
from tests.seed.server import sha256
from tests.waiting import until

KILLS = 100


def noted(claim) -> int:
    """So many bytes the state file vouches for."""
    try:
        return json.loads(claim.part().with_name(f"{claim.part().name}.state").read_text())["bytes"]
    except FileNotFoundError:
        return 0


def stopped_half_way(claim, server, number: int = signal.SIGKILL, *more: str) -> int:
    """A run that is stopped when it has noted some of the file and does not get the rest: what was noted, at least."""
    server.enough = server.sent + 3_000_000
    running = claim.start(*more)
    until(lambda: noted(claim) > 500_000 or running.poll() is not None, "a note of how far the transfer is")
    assert running.poll() is None, running.communicate()
    kept = noted(claim)
    running.send_signal(number)
    running.communicate(timeout=20)
    server.enough = None
    return kept


def whole(claim, server, result) -> None:
    assert result.code == 0, result.everything
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == server.content
    assert f"sha256 {sha256(server.content)}" in result.out
    assert claim.parts == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_next_run_fetches_only_what_is_missing(claim, range_server, number):
    server = range_server()
    claim.wants(server.url(), sha256=sha256(server.content))
    kept = stopped_half_way(claim, server, number)
    assert claim.files == []
    server.log.clear()
    result = claim.seed("--timeout", "20")
    whole(claim, server, result)
    assert "bert: going on after " in result.out
    first = next(number for number, request in enumerate(server.log) if request.end - request.start == 1)  # not the killed one's
    missing = server.log[first + 1 :]
    assert min(request.start for request in missing) >= kept
    assert sum(end - start for start, end in {(request.start, request.end) for request in missing}) <= len(server.content) - kept


def test_one_stream_goes_on_where_it_was_stopped_too(claim, range_server):
    server = range_server()
    claim.wants(server.url())
    stopped_half_way(claim, server, signal.SIGKILL, "--connections", "1")
    before = server.sent
    whole(claim, server, claim.seed("--connections", "1"))
    assert server.sent - before < len(server.content) - 400_000


def test_other_content_under_the_same_uri_is_not_gone_on_with(claim, range_server):
    server = range_server()
    claim.wants(server.url())
    stopped_half_way(claim, server)
    server.content, server.etag = big_mar(seed=2), lambda _: '"two"'
    result = claim.seed()
    whole(claim, server, result)
    assert "going on" not in result.out


def test_another_uri_for_the_same_file_is_not_gone_on_with(claim, range_server):
    server = range_server()
    claim.wants(server.url())
    stopped_half_way(claim, server)
    claim.wants(server.url("/other.mar"))
    result = claim.seed()
    whole(claim, server, result)
    assert "going on" not in result.out


def test_a_presigned_uri_of_a_secret_is_gone_on_with_whatever_its_signature(claim, range_server):
    server = range_server()
    (claim.secrets / "links").mkdir(parents=True)
    claim.wants(None, uriFrom={"secret": "links", "key": "bert"})
    (claim.secrets / "links/bert").write_text(server.url("/bert.mar?signature=one"))
    stopped_half_way(claim, server)
    (claim.secrets / "links/bert").write_text(server.url("/bert.mar?signature=two"))
    result = claim.seed()
    whole(claim, server, result)
    assert "going on after" in result.out


@pytest.mark.parametrize("text", ["", "{", "[]", '{"content": 3}'])
def test_a_state_file_that_is_broken_counts_for_nothing(claim, range_server, text):
    server = range_server()
    claim.wants(server.url())
    stopped_half_way(claim, server)
    claim.part().with_name(f"{claim.part().name}.state").write_text(text)
    whole(claim, server, claim.seed())


def test_a_part_that_was_spoilt_meanwhile_is_fetched_anew_where_the_sha256_is_declared(claim, range_server):
    server = range_server()
    claim.wants(server.url(), sha256=sha256(server.content))
    stopped_half_way(claim, server)
    with claim.part().open("r+b") as file:
        file.write(b"spoilt")
    result = claim.seed()
    whole(claim, server, result)
    assert "with what an earlier run left it has another sha256" in result.out


def test_a_part_that_is_shorter_than_its_note_is_gone_on_with_from_its_end(claim, range_server):
    server = range_server()
    claim.wants(server.url())
    stopped_half_way(claim, server)
    with claim.part().open("r+b") as file:
        file.truncate(100_000)
    result = claim.seed()
    whole(claim, server, result)
    assert "going on after 100,000 of" in result.out


def test_what_belongs_to_no_artefact_of_the_plan_is_removed_at_the_start(claim, range_server):
    server = range_server()
    claim.wants(server.url())
    stopped_half_way(claim, server)
    claim.wants(server.url(), path="model-store/other.mar")
    server.fault = lambda _: Fault(status=404)
    assert claim.seed().code == 3
    assert claim.parts == []


def test_a_server_that_is_down_for_a_while_costs_nothing_that_was_there(claim, range_server):
    """The run gives up; its Job's next pod goes on."""
    server = range_server()
    claim.wants(server.url())
    server.fault = lambda request: Fault(status=500) if request.start > 2_000_000 else None
    assert claim.seed().code == 5
    before, server.fault = server.sent, lambda _: None
    whole(claim, server, claim.seed())
    assert server.sent - before < len(server.content) - 1_000_000


def test_a_kill_at_any_moment_leaves_nothing_half_and_the_next_run_completes(claim, range_server):
    """A hundred kills, by chance but the same ones each time, from before the first byte to after the last."""
    server, chance = range_server(big_mar(8 << 20)), random.Random(5)
    claim.wants(server.url(), sha256=sha256(server.content))
    final = claim.root / "model-store/bert-0a1b2c3d.mar"
    kills = wholes = in_vain = 0
    server.rate = 1 << 20
    while kills < KILLS:
        before, enough = server.sent, chance.uniform(-0.1, 0.6) * len(server.content)
        running = claim.start()
        until(lambda: server.sent - before >= enough or running.poll() is not None, "some bytes")  # noqa: B023
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(chance.uniform(0, 0.1))
        if running.poll() is None:
            running.kill()
            kills += 1
        out, err = running.communicate()
        if running.returncode == -signal.SIGKILL:
            in_vain += server.sent - before  # were it not for the notes
        else:
            assert running.returncode == 0 and claim.marker.exists(), out + err
        if final.exists():
            assert final.read_bytes() == server.content
            wholes += 1
            final.unlink()
            claim.marker.unlink(missing_ok=True)
        assert not claim.marker.exists()
    server.rate = None
    whole(claim, server, claim.seed())
    twice = server.sent - (wholes + 1) * len(server.content)
    assert twice < 0.9 * in_vain, f"{twice:,} bytes came twice, {in_vain:,} without notes"
    assert wholes >= 5
