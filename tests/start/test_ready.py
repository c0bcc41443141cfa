"""The readiness probe: ready only when every model has a READY worker and every port listens; else a short sentence."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading

import pytest

from tests.ports import free_port
from tests.start.conftest import FILES
from tests.waiting import until


def probe(*arguments: object) -> tuple[int, str]:
    command = [shutil.which("bash"), FILES / "ready.sh", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, env={"PATH": "/nonexistent"})
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def test_models_with_ready_workers_are_ready(predictor):
    predictor.serves("bert", "digits")
    predictor.start()
    predictor.is_ready()
    assert probe(predictor.management, "bert", "digits") == (0, "")


@pytest.mark.parametrize(
    ("fake", "state"), [({"loading": ["digits"]}, "has no worker that is READY"), ({"missing": ["digits"]}, "is not registered")]
)
def test_one_model_that_is_not_ready_is_named(predictor, fake, state):
    predictor.start(fake=fake)
    predictor.is_ready()
    assert probe(predictor.management, "bert", "digits") == (1, f"ready: model digits {state}")


def test_nobody_listening_is_said():
    port = free_port()
    assert probe(port, "bert") == (1, f"ready: model bert: the management API does not listen on 127.0.0.1:{port} yet")


def test_a_server_that_accepts_and_is_silent_is_given_up_before_the_probe_would_be_killed():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert probe(silent.getsockname()[1], "bert") == (1, "ready: model bert does not answer")


def test_a_slow_answer_is_waited_for_and_read_to_its_end():
    """On a machine that is busy TorchServe takes seconds to answer, and logs an ERROR where nobody waits for that."""
    body = b'[{"workers": [{"status": "READY"}]}]'
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended: list[bytes] = []

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                request = b""
                while not request.endswith(b"\r\n\r\n"):  # bash writes it line by line
                    request += connection.recv(1000)
                threading.Event().wait(2.5)  # slow on purpose
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
                ended.append(connection.recv(1))  # of a connection that is reset this raises

        answering = threading.Thread(target=answer)
        answering.start()
        assert probe(server.getsockname()[1], "bert") == (0, "")
        answering.join()
        assert ended == [b""]


def test_a_connection_that_is_reset_is_not_ready():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset() -> None:
            connection, _ = server.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.recv(10)
            connection.close()

        threading.Thread(target=reset).start()
        assert probe(server.getsockname()[1], "bert") == (1, "ready: model bert does not answer")


def test_further_ports_that_listen_are_ready_and_are_sent_nothing(predictor):
    predictor.start()
    predictor.is_ready()
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("127.0.0.1", 0)) as grpc:
        ports = [server.getsockname()[1] for server in (http, grpc)]
        assert probe(",".join(map(str, [predictor.management, *ports])), "bert") == (0, "")
        for server in (http, grpc):
            server.settimeout(5)
            with server.accept()[0] as connection:
                assert connection.recv(10) == b""


def test_a_further_port_where_nothing_listens_is_named(predictor):
    predictor.start()
    predictor.is_ready()
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as http:
        ports = f"{predictor.management},{http.getsockname()[1]},{port}"
        assert probe(ports, "bert") == (1, f"ready: nothing listens on 127.0.0.1:{port} yet")


def test_a_model_that_is_not_ready_is_named_before_a_port(predictor):
    predictor.start(fake={"loading": ["bert"]})
    until(lambda: probe(predictor.management, "bert")[1].endswith("READY"), "the management API")
    assert probe(f"{predictor.management},{free_port()}", "bert") == (1, "ready: model bert has no worker that is READY")


def test_it_says_how_it_is_called():
    usage = "ready: give a port and at least one model name: ready.sh MANAGEMENT_PORT[,PORT...] MODEL [MODEL...]"
    assert probe(8081) == (2, usage)
