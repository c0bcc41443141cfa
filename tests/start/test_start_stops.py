"""SIGTERM: requests in flight are answered, idle connections hold nothing up, and it is gone within seconds."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import threading
from pathlib import Path

from tests.start.conftest import SOON, in_flight
from tests.waiting import until


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_an_idle_server_is_gone_soon_with_status_0(predictor):
    predictor.start()
    predictor.is_ready()
    server = predictor.server_pid
    assert predictor.stop() < SOON
    assert predictor.running.returncode == 0
    assert is_gone(server)


def test_a_request_in_flight_is_answered(predictor):
    predictor.start()
    predictor.is_ready()
    request = predictor.post_meanwhile(3.5)
    until(lambda: predictor.in_flight() == 1, "the request in flight")
    assert predictor.stop() < SOON
    assert request.status() == 200


def test_a_request_on_a_connection_that_was_used_before_is_answered(predictor):
    predictor.start()
    predictor.is_ready()
    requests = [predictor.post_meanwhile(0, 2) for _ in range(8)]
    until(lambda: predictor.in_flight() == 8, "the requests in flight")
    assert predictor.stop() < SOON
    assert [request.status() for request in requests] == [200] * 8


def test_a_request_sent_right_after_an_answer_counts_as_in_flight():
    """Both then happen in one kernel tick, so the times of the last bytes in and out are the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as connection:
                for number in range(2):
                    client.sendall(b"request")
                    connection.recv(100)
                    if number == 0:
                        connection.sendall(b"answer")
                        client.recv(100)
                assert in_flight(port) == 1


def test_idle_keep_alive_and_unused_connections_hold_nothing_up(predictor):
    predictor.start()
    predictor.is_ready()
    used = http.client.HTTPConnection("127.0.0.1", predictor.inference, timeout=20)
    assert predictor.post(used, 0.1) == 200
    with socket.create_connection(("127.0.0.1", predictor.inference)):
        assert predictor.stop() < SOON


def test_a_request_that_comes_during_the_linger_is_answered(predictor):
    predictor.start()
    predictor.is_ready()
    predictor.running.send_signal(signal.SIGTERM)
    until(lambda: predictor.said("asked to stop"), "the drain")
    assert predictor.post_meanwhile(1.5).status() == 200
    assert predictor.ends() == 0


def test_it_serves_on_while_requests_keep_coming_and_for_a_while_after_the_last(predictor):
    """A proxy that hears late that the pod goes sends on over the connection that it has."""
    predictor.start()
    predictor.is_ready()
    late = predictor.post_meanwhile(*[0.5] * 5)
    until(lambda: predictor.in_flight() == 1, "the first request")
    took = predictor.stop()
    assert late.status() == 200
    assert 3.5 < took < 10  # without the wait after the last request it would be less than 3


def test_requests_without_an_end_do_not_hold_it_up(predictor):
    predictor.start("--drain-seconds", "50")
    predictor.is_ready()
    answered = []

    def one_after_the_other() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", predictor.inference, timeout=20)
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not over.wait(0.2):
                answered.append(predictor.post(connection, 0))

    over = threading.Event()
    caller = threading.Thread(target=one_after_the_other)
    caller.start()
    until(lambda: answered, "the first answer")
    took = predictor.stop()
    over.set()
    caller.join()
    assert 10 < took < 30  # 50 would be the end of the drain itself


def test_a_request_that_takes_too_long_does_not_hold_it_up_for_ever(predictor):
    predictor.start("--drain-seconds", "1.5")
    predictor.is_ready()
    request = predictor.post_meanwhile(10)
    until(lambda: predictor.in_flight() == 1, "the request in flight")
    assert predictor.stop() < 7  # 10 is the request's own end, and TorchServe by itself would idle for 6 after the 1.5
    assert isinstance(request.status(), OSError)


def test_a_second_signal_stops_it_at_once(predictor):
    predictor.start()
    predictor.is_ready()
    predictor.post_meanwhile(10)
    until(lambda: predictor.in_flight() == 1, "the request in flight")
    predictor.running.send_signal(signal.SIGTERM)
    until(lambda: predictor.said("asked to stop"), "the drain")
    assert predictor.stop() < 5  # TorchServe by itself would idle for 6, the request takes 10
    assert predictor.said("asked again: stopping at once")


def test_orphans_of_the_server_are_reaped(predictor):
    predictor.start(fake={"litter": True})
    predictor.is_ready()
    until(lambda: children(predictor.running.pid) == [predictor.server_pid], "no child but the server")


def test_the_server_starts_with_no_signal_blocked(predictor):
    predictor.start()
    predictor.is_ready()
    status = Path(f"/proc/{predictor.server_pid}/status").read_text()
    (blocked,) = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigBlk:")]
    assert blocked & ~(1 << (signal.SIGTERM - 1)) == 0  # the stand-in itself blocks SIGTERM, to wait for it


def children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
