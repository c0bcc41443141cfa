"""A server that honours ranges: several connections, none of which can spoil the transfer; one stream where they can't be."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.seed.conftest import big_mar
from tests.seed.ranges import Fault, RangeServer
from tests.seed.server import sha256

PATIENT = ("--timeout", "20")  # where no timeout is the subject, a busy machine may take its time


def whole(claim, server, result) -> None:
    """It went well, and what is on the claim is what the server has."""
    assert result.code == 0, result.everything
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == server.content
    assert f"sha256 {sha256(server.content)}" in result.out
    assert claim.parts == []


def test_eight_connections_share_a_file_and_each_asks_for_the_same_content(claim, range_server):
    server = range_server()
    server.at_once = threading.Barrier(8)
    claim.wants(server.url(), sha256=sha256(server.content))
    whole(claim, server, claim.seed(*PATIENT))
    assert server.most == 8
    assert all(request.headers["If-Range"] == '"one"' for request in server.payload)
    assert server.sent <= len(server.content) + 1, "no byte came twice, but for the one asked for first"


def test_last_modified_is_enough_to_tell_the_same_content(claim, range_server):
    server = range_server()
    server.etag, server.modified = (lambda _: ""), "Wed, 21 Oct 2015 07:28:00 GMT"
    claim.wants(server.url())
    whole(claim, server, claim.seed())
    assert len(server.payload) > 1
    assert all(request.headers["If-Range"] == server.modified for request in server.payload)


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_etag_it_is_one_stream(claim, range_server, etag):
    server = range_server()
    server.etag = lambda _: etag
    claim.wants(server.url())
    whole(claim, server, claim.seed())
    assert [request.whole for request in server.payload] == [True]


def test_one_connection_is_one_stream(claim, range_server):
    server = range_server()
    claim.wants(server.url())
    whole(claim, server, claim.seed("--connections", "1"))
    assert [request.whole for request in server.payload] == [True]


def test_a_server_without_ranges_is_asked_once(claim, range_server):
    server = range_server()
    server.honours = False
    claim.wants(server.url())
    whole(claim, server, claim.seed())
    assert len(server.log) == 1, "the answer to the first question is the transfer"


def test_an_empty_file_is_no_archive(claim, range_server):
    empty = range_server(b"")
    empty.fault = lambda request: Fault(status=416) if not request.whole else None
    claim.wants(empty.url())
    assert claim.seed().code == 7


def test_a_server_that_sends_other_bytes_than_asked_for_is_read_in_one_stream(claim, range_server):
    server = range_server()
    server.shift = 1
    claim.wants(server.url())
    whole(claim, server, claim.seed())
    assert server.payload[-1].whole


def test_a_server_that_does_not_say_how_long_the_whole_is_is_read_in_one_stream(claim, range_server):
    server = range_server()
    server.fault = lambda request: None if request.whole else Fault(headers={"Content-Range": "bytes 0-0/*"})
    claim.wants(server.url())
    whole(claim, server, claim.seed())
    assert [request.whole for request in server.log] == [False, True]


def test_ranges_in_chunks_keep_their_connections(claim, range_server):
    """The end of such an answer is a chunk of its own: unread, it is in the way of the connection's next question."""
    server = range_server()
    server.chunked = True
    claim.wants(server.url(), sha256=sha256(server.content))
    result = claim.seed(*PATIENT)
    whole(claim, server, result)
    assert len(server.payload) > 8 and server.connections <= 1 + 8
    assert "trying again" not in result.out


@pytest.mark.parametrize("etag", ['"strong"', 'W/"weak"'])
def test_one_stream_in_chunks_ends_where_it_says(claim, range_server, etag):
    server = range_server()
    server.chunked, server.etag = True, lambda _: etag
    claim.wants(server.url(), sha256=sha256(server.content))
    whole(claim, server, claim.seed("--connections", "1"))
    assert [request.whole for request in server.payload] == [True]


@pytest.mark.parametrize("size", [1 << 20, 8 << 20])
def test_a_stream_in_chunks_of_another_length_than_was_said_is_fetched_anew(claim, range_server, size):
    server, new = range_server(), big_mar(size, seed=2)
    server.chunked, server.etag = True, lambda _: ""

    def changes(request):
        server.content = new if request.number else server.content

    server.fault = changes
    claim.wants(server.url())
    whole(claim, server, claim.seed())


def test_a_server_that_forgets_ranges_is_read_in_one_stream(claim, range_server):
    server = range_server()
    claim.wants(server.url())

    def forgets(request):
        server.honours = request.number < 3

    server.fault = forgets
    whole(claim, server, claim.seed())


def changing(server: RangeServer) -> tuple[RangeServer, bytes]:
    """The server with other content, which it returns, and another ETag from its fifth answer on."""
    new = big_mar(seed=2)
    server.etag = lambda request: '"one"' if request.number < 5 else '"two"'

    def changes(request):
        if request.number >= 5:
            server.content = new

    server.fault = changes
    return server, new


def test_an_etag_that_changes_between_ranges_ends_in_one_stream_of_the_new_content(claim, range_server):
    """The new content is as long as the old one: only the ETag tells them apart."""
    server, new = changing(range_server())
    claim.wants(server.url())
    result = claim.seed()
    whole(claim, server, result)
    assert "it changed while it was fetched" in result.out
    assert server.content == new and any(request.whole for request in server.payload)


def test_a_late_write_of_a_worker_that_was_left_behind_meets_another_file(claim, range_server):
    """It has asked whether its piece is still wanted, and then its volume lets it wait until all is fetched anew."""
    server, _ = changing(range_server())
    claim.wants(server.url())
    result = claim.seed_with(Path(__file__).with_name("late_write.py"))
    whole(claim, server, result)
    assert "it changed while it was fetched" in result.out


def test_an_etag_that_is_another_one_at_every_answer_ends_well_too(claim, range_server):
    server = range_server()
    server.etag = lambda request: f'"{request.number}"'
    claim.wants(server.url())
    whole(claim, server, claim.seed())


def test_a_range_that_breaks_at_any_byte_is_gone_on_with_from_there(claim, range_server):
    server, cuts = range_server(), [100_001, 70_000, 1]
    server.fault = lambda request: Fault(cut=cuts.pop()) if request.start >= 1_000_000 and cuts else None
    claim.wants(server.url(), sha256=sha256(server.content))
    result = claim.seed(*PATIENT)
    whole(claim, server, result)
    assert "the transfer was cut after " in result.out
    assert server.sent <= len(server.content) + 1, "what came before a cut is kept"


def test_a_range_that_stalls_is_asked_for_again(claim, range_server):
    server, stalls = range_server(), [threading.Event()]
    server.fault = lambda request: Fault(hold=(5000, stalls.pop())) if request.start > 2_000_000 and stalls else None
    claim.wants(server.url())
    result = claim.seed("--timeout", "0.3")
    whole(claim, server, result)


def test_a_slow_range_is_fetched_by_another_connection_too(claim, range_server):
    """At its own rate it would take an hour; and as bytes keep coming, no timeout ends it."""
    server, slow = range_server(), []

    def drips(request):
        if request.start > 1_000_000 and not slow:
            slow.append(request.start)
            return Fault(rate=1000)
        return None

    server.fault = drips
    claim.wants(server.url())
    whole(claim, server, claim.seed(*PATIENT))
    assert [request.start for request in server.log].count(slow[0]) == 2


def test_a_server_that_takes_two_connections_only_is_served_by_two(claim, range_server):
    server = range_server()
    server.rate = 8 << 20
    server.fault = lambda _: Fault(status=503) if server.now > 2 else None
    claim.wants(server.url())
    result = claim.seed("--attempts", "2")
    whole(claim, server, result)
    assert "HTTP 503 Service Unavailable" in result.out


def test_ranges_that_all_fail_end_the_transfer_with_the_cause(claim, range_server):
    server = range_server()
    server.fault = lambda request: Fault(status=500) if request.number else None
    claim.wants(server.url())
    result = claim.seed()
    assert result.code == 5 and "HTTP 500 Internal Server Error; check the server" in result.err
    assert len(server.log) <= 1 + 8 * 3
    assert claim.files == []


def test_the_wait_that_a_server_asks_for_is_kept(claim, range_server):
    server, at = range_server(), []

    def busy(request):
        at.append(time.monotonic())
        return Fault(status=429, headers={"Retry-After": "1"}) if request.number == 0 else None

    server.fault = busy
    claim.wants(server.url())
    result = claim.seed()
    whole(claim, server, result)
    assert "HTTP 429 Too Many Requests; trying again in 1 s" in result.out
    assert at[1] - at[0] >= 1


@pytest.mark.parametrize("after", ["999999", "Fri, 31 Dec 2199 23:59:59 GMT"])
def test_a_wait_without_end_is_bounded(claim, range_server, after):
    server = range_server()
    server.fault = lambda _: Fault(status=503, headers={"Retry-After": after})
    claim.wants(server.url())
    running = claim.start()
    line = running.stdout.readline()
    running.kill()
    running.communicate()
    assert "HTTP 503 Service Unavailable; trying again in 60 s" in line


def test_a_link_that_expires_during_the_transfer_is_asked_for_anew(claim, range_server):
    """As with presigned URLs behind a redirect: each is good for some answers only."""
    server = range_server()
    left = {}

    def expires(request):
        if request.path == "/bert.mar":
            return Fault(status=302, headers={"Location": f"/link/{request.number}"})
        left[request.path] = left.get(request.path, 3) - 1
        return Fault(status=403) if left[request.path] < 0 else None

    server.fault = expires
    claim.wants(server.url())
    whole(claim, server, claim.seed())
    assert len(left) > 1
