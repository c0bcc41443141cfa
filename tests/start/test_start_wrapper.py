"""TorchServe behind KServe's model server: one starts beside the other, ends with the other, and stops before it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.start.conftest import SOON, in_flight
from tests.waiting import until

NAMED = "start: the wrapper ended by itself with status"


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.fixture
def serving(predictor):
    """Starts the program with a wrapper and waits until both serve."""

    def start(*more: str, fake: dict | None = None, **env: str):
        predictor.start(*predictor.wrapped, *more, fake=fake, **env)
        predictor.is_ready()
        until(lambda: predictor.said("wrapper serves") or predictor.running.poll() is not None, "the wrapper")
        assert predictor.said("wrapper serves"), predictor.output.read_text()
        return predictor

    return start


def test_the_wrapper_starts_while_models_still_load(predictor):
    predictor.start(*predictor.wrapped, fake={"loading": ["bert"]})
    until(lambda: predictor.said("wrapper serves"), "the wrapper")
    assert not predictor.said("is ready: ")


def test_a_wrapper_that_ends_is_the_cause_and_ends_torchserve(predictor):
    predictor.start(*predictor.wrapped, fake={"wrapper_ends": 3, "loading": ["bert"]})
    assert predictor.ends() == 3
    assert predictor.log.read_text() == f"{NAMED} 3; ModuleNotFoundError: No module named 'kserve'\n"
    assert is_gone(predictor.server_pid)


def test_a_wrapper_that_ends_unasked_is_a_failure_also_with_status_0(serving):
    predictor = serving(fake={"abrupt": True})
    os.kill(predictor.wrapper_pid, signal.SIGTERM)
    assert predictor.ends() == 143
    assert predictor.log.read_text().startswith(f"{NAMED} 143; ")


def test_a_wrapper_that_is_missing_is_said(predictor):
    predictor.start("--wrapper", "/nowhere/__main__.py")
    assert predictor.ends() == 2
    assert re.match(rf"{NAMED} 2; .*can't open file '/nowhere/__main__.py'", predictor.log.read_text())


def test_torchserve_s_end_is_the_cause_and_ends_the_wrapper(serving):
    predictor = serving()
    os.kill(predictor.server_pid, signal.SIGKILL)
    assert predictor.ends() == 137
    assert predictor.log.read_text().startswith("start: TorchServe ended by itself with status 137; ")
    assert is_gone(predictor.wrapper_pid)


def test_a_model_that_was_not_registered_is_the_cause_also_when_the_wrapper_ends_over_it(predictor):
    predictor.start(*predictor.wrapped, fake={"missing": ["bert"]})
    assert predictor.ends() != 0
    assert predictor.log.read_text().startswith("start: model bert 1.0 was not registered: ")


def test_a_model_that_does_not_load_ends_the_wrapper_too(predictor):
    predictor.start(*predictor.wrapped, fake={"dying": ["bert"]})
    assert predictor.ends() == 1
    assert predictor.log.read_text().startswith("start: model bert 1.0: its worker died 3 times: ")
    assert is_gone(predictor.wrapper_pid) and is_gone(predictor.server_pid)


def test_an_idle_pair_is_gone_soon_the_wrapper_first(serving):
    predictor = serving()
    assert predictor.stop() < SOON
    assert predictor.running.returncode == 0
    assert predictor.said("wrapper ends before TorchServe")
    assert is_gone(predictor.wrapper_pid) and is_gone(predictor.server_pid)


def test_a_request_in_flight_over_the_wrapper_s_port_is_answered(serving):
    predictor = serving()
    request = predictor.post_meanwhile(2.5, port=predictor.http)
    until(lambda: in_flight(predictor.http) == 1, "the request in flight")
    assert predictor.stop() < 10
    assert request.status() == 200
    assert predictor.running.returncode == 0


def test_a_request_over_the_grpc_port_is_answered_by_a_wrapper_that_ends_at_once(serving):
    """What came over HTTP/2 can't be seen; that TorchServe works on it can."""
    predictor = serving(fake={"abrupt": True})
    request = predictor.post_meanwhile(2.5, port=predictor.grpc)
    until(lambda: predictor.in_flight() == 1, "the request in flight")
    assert predictor.stop() < 10
    assert request.status() == 200


def test_a_wrapper_that_still_answers_is_waited_for(serving):
    """Its request has not reached TorchServe, and came over the port that can't be seen."""
    predictor = serving()
    with socket.create_connection(("127.0.0.1", predictor.grpc)) as client:
        client.sendall(b'POST /v1/models/bert:predict HTTP/1.1\r\nContent-Length: 12\r\n\r\n{"sleep')
        predictor.running.send_signal(signal.SIGTERM)
        until(lambda: predictor.said("asked to stop"), "the drain")
        threading.Timer(3.5, client.sendall, [b'": 0}']).start()
        assert b"200 OK" in client.recv(1000)
    assert predictor.ends() == 0


def test_a_grpc_connection_that_never_falls_silent_holds_nothing_up(serving):
    """gRPC clients and servers ping each other."""
    predictor, over = serving(), threading.Event()
    with socket.create_connection(("127.0.0.1", predictor.grpc)) as client:

        def ping() -> None:
            with contextlib.suppress(OSError):  # at the end
                while not over.wait(0.05):
                    client.send(b"p")

        pinging = threading.Thread(target=ping)
        pinging.start()
        try:
            until(lambda: in_flight(predictor.grpc) == 1, "a connection that looks busy")
            assert predictor.stop() < SOON
        finally:
            over.set()
            pinging.join()


def test_a_wrapper_that_does_not_heed_sigterm_is_killed(serving):
    predictor = serving("--drain-seconds", "1.5", fake={"deaf": True})
    assert predictor.stop() < 10
    assert predictor.running.returncode == 0
    assert is_gone(predictor.wrapper_pid) and is_gone(predictor.server_pid)


def test_a_second_signal_stops_both_at_once(serving):
    predictor = serving(fake={"deaf": True})
    predictor.post_meanwhile(10, port=predictor.http)
    until(lambda: in_flight(predictor.http) == 1, "the request in flight")
    predictor.running.send_signal(signal.SIGTERM)
    until(lambda: predictor.said("asked to stop"), "the drain")
    assert predictor.stop() < SOON
    assert is_gone(predictor.wrapper_pid) and is_gone(predictor.server_pid)


def no_proxy_of(predictor) -> dict:
    return json.loads(re.search(r"(?m)^wrapper (\{.*)$", predictor.output.read_text())[1])


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://127.0.0.1:1"}, "127.0.0.1,localhost,0.0.0.0"),
        ({"https_proxy": "http://127.0.0.1:1", "NO_PROXY": ".svc,localhost"}, ".svc,localhost,127.0.0.1,0.0.0.0"),
        ({"all_proxy": "http://127.0.0.1:1", "no_proxy": ".a", "NO_PROXY": ".b"}, ".a,.b,127.0.0.1,localhost,0.0.0.0"),
    ],
)
def test_the_wrapper_does_not_ask_torchserve_through_a_proxy(serving, env, expected):
    assert no_proxy_of(serving(**env)) == {"no_proxy": expected, "NO_PROXY": expected}


def test_a_proxy_for_no_host_at_all_stays_so(serving):
    predictor = serving(HTTP_PROXY="http://127.0.0.1:1", NO_PROXY="*")
    assert no_proxy_of(predictor) == {"no_proxy": None, "NO_PROXY": "*"}


def test_lines_of_both_stay_whole(predictor):
    count = 50_000
    predictor.start(*predictor.wrapped, fake={"counts_to": count, "wrapper_prints": count})
    predictor.is_ready()
    until(lambda: predictor.said("wrapper serves"), "the wrapper")
    assert predictor.stop() < 10
    printed = predictor.output.read_text().splitlines()
    for kind in ("line", "wrapper line"):
        assert [line for line in printed if re.match(rf"{kind} \d", line)] == [f"{kind} {number}" for number in range(count)]
