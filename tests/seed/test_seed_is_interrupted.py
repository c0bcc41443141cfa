"""Stopped at any moment, two at once, a retry after a failure: no half file, no stale error, both end well."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

import pytest

from tests.seed.server import Answer, mar, sha256
from tests.waiting import until

BIG = mar(files={"handler.py": "#", "weights": "0" * 3_000_000})


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_run_that_is_stopped_leaves_nothing_under_a_final_name(claim, server, number, code):
    hold = threading.Event()
    claim.wants(server.gives("/bert.mar", Answer(BIG, hold=hold), BIG))
    part = claim.part()
    running = claim.start("--timeout", "20")
    until(lambda: part.exists() and part.stat().st_size > 0, "the first bytes on the claim")
    running.send_signal(number)
    out, err = running.communicate(timeout=10)
    hold.set()
    assert running.returncode == code, out + err
    assert claim.files == [] and not claim.marker.exists() and not claim.error.exists()
    if number != signal.SIGKILL:
        assert "seed: interrupted" in err
    assert claim.seed().code == 0
    assert claim.files == ["model-store/bert-0a1b2c3d.mar"]
    assert list((claim.root / ".seed/tmp").iterdir()) == []


def test_an_interrupt_is_heeded_also_where_a_shell_handed_it_down_ignored(claim, server):
    hold = threading.Event()
    claim.wants(server.gives("/bert.mar", Answer(BIG, hold=hold)))
    part = claim.part()
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *claim.command("--timeout", "20")]
    running = subprocess.Popen(ignoring, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: part.exists() and part.stat().st_size > 0, "the first bytes on the claim")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=10)
    hold.set()
    assert running.returncode == 130, err


def test_two_runs_at_once_take_turns_and_both_end_well(claim, server):
    hold = threading.Event()
    claim.wants(server.gives("/bert.mar", Answer(BIG, hold=hold)))
    first = claim.start("--timeout", "20")
    until(lambda: server.requests, "the first run's request")
    second = claim.start("--timeout", "20")
    line = second.stdout.readline()
    assert line == "seed: another seed works on this volume; waiting until it ends\n"
    hold.set()
    for running in (first, second):
        out, err = running.communicate(timeout=20)
        assert running.returncode == 0, out + err
    assert len(server.requests) == 1


# As on a network file system that knows none.
WITHOUT_LOCKS = """
import fcntl, runpy, sys
from pathlib import Path
def flock(*_):
    raise OSError(37, "No locks available")
fcntl.flock, sys.argv = flock, sys.argv[1:]
sys.path[0] = str(Path(sys.argv[0]).parent)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_two_runs_on_a_volume_without_locks_write_files_of_their_own_and_both_end_well(claim, server):
    hold = threading.Event()
    claim.wants(server.gives("/bert.mar", Answer(BIG, hold=hold)), sha256=sha256(BIG))
    (claim.root / ".seed/tmp").mkdir(parents=True)
    (claim.root / ".seed/tmp/just-now").touch()
    (claim.root / ".seed/tmp/long-ago").touch()
    os.utime(claim.root / ".seed/tmp/long-ago", (1, 1))
    program, *arguments = claim.command("--timeout", "20")
    running = [subprocess.Popen([program, "-c", WITHOUT_LOCKS, *arguments], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    until(lambda: len(server.requests) == 2, "both at work")
    hold.set()
    for one in running:
        out, _ = one.communicate(timeout=20)
        assert one.returncode == 0, out
        assert "this volume has no file locks (No locks available); going on without" in out
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == BIG
    assert [part.name for part in claim.parts] == ["just-now"], "it may be another run's"


def test_the_error_file_of_a_failed_run_is_gone_as_soon_as_a_retry_works(claim, server):
    claim.wants(server.url("/bert.mar"))
    assert claim.seed().code == 3
    assert claim.error.exists()
    hold = threading.Event()
    server.gives("/bert.mar", Answer(BIG, hold=hold))
    retry = claim.start("--timeout", "20")
    until(lambda: len(server.requests) == 2, "the retry's request")
    assert not claim.error.exists()
    hold.set()
    retry.communicate(timeout=20)
    assert retry.returncode == 0 and not claim.error.exists() and claim.marker.exists()


def test_the_error_file_of_a_failed_run_is_gone_while_a_retry_waits_for_its_turn(claim, server):
    """The waiting server would end with it."""
    hold = threading.Event()
    claim.wants(server.gives("/other.mar", Answer(BIG, hold=hold)))
    first = claim.start("--timeout", "20")
    until(lambda: server.requests, "the first run's request")
    claim.wants(server.gives("/bert.mar", BIG), path="model-store/other.mar")
    claim.error.write_text("seed: bert: an old cause; its remedy\n")
    retry = claim.start("--timeout", "20")
    assert retry.stdout.readline() == "seed: another seed works on this volume; waiting until it ends\n"
    assert not claim.error.exists()
    hold.set()
    for running in (first, retry):
        out, err = running.communicate(timeout=20)
        assert running.returncode == 0, out + err


def test_archives_that_were_seeded_stay_when_a_later_one_fails(claim, server):
    good = {"model": "one", "uri": server.gives("/one.mar", BIG), "path": "model-store/one-1.mar"}
    bad = {"model": "two", "uri": server.gives("/two.mar", b"<html>"), "path": "model-store/two-1.mar"}
    claim.writes([good, bad])
    result = claim.seed()
    assert result.code == 7 and result.err.startswith("seed: two: ")
    assert claim.files == ["model-store/one-1.mar"] and not claim.marker.exists()
