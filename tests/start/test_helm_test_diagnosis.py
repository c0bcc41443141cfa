"""What `helm test` says where a call fails: one sentence with what is wrong and the exact next command, against real servers."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.start.rendered import predict_program
from tests.waiting import until

KEYS = "why all name claim seed service pods fetch log previous models policies authorization"
ORDER = [["it is missing", "kubectl look at all"], ["it is Pending", "kubectl look at pods"]]
COMMANDS = {key: f"kubectl look at {key}" for key in KEYS.split()}
EXAMPLE = {"instances": [1]}
# Runs the program; where asked with another time to connect, or without the cluster's DNS.
RUN = """import socket, sys
program, code, connects = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1)
def fails(*_, **__):
    raise socket.gaierror(code, "no answer")
if code:
    socket.getaddrinfo = fails
exec(compile(program.replace("CONNECT_SECONDS = 5.0", f"CONNECT_SECONDS = {connects}"), "predict.py", "exec"))
"""


def command(url: str, *more: str, example: dict | None = EXAMPLE, no_name: int = 0, connects: float = 5.0) -> list[str]:
    requests = json.dumps([{"model": "bert", "request": example}])
    options = ["--url", url, "--requests", requests, "--commands", json.dumps(COMMANDS), "--order", json.dumps(ORDER)]
    options += ["--wait-seconds", "0.2"]
    return [sys.executable, "-c", RUN, predict_program(), str(no_name), str(connects), *options, *more]


def run(*arguments: str, **how: object) -> tuple[int, list[str], str]:
    """Exit code, lines of stdout, and of stderr the one line."""
    done = subprocess.run(command(*arguments, **how), capture_output=True, text=True, timeout=30, check=False)
    (line,) = done.stderr.splitlines() or [""]
    return done.returncode, done.stdout.splitlines(), line


@contextmanager
def answering(*answers: tuple[int, str, dict]) -> Iterator[str]:
    """A server that gives these answers to POST, one after the other, the last one for ever; it has the models a and b."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.give(*(left.pop(0) if len(left) > 1 else left[0]))

        def do_GET(self) -> None:
            self.give(200, '{"models": ["a", "b"]}', {})

        def give(self, status: int, text: str, headers: dict) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@contextmanager
def raw(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does this with each connection."""
    def loop(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(1 << 16)
            serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=loop, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def nobody() -> Iterator[str]:
    """A port at which nothing listens, as a Service without endpoints refuses."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@contextmanager
def silent() -> Iterator[str]:
    """A port that drops what wants to connect, as a NetworkPolicy does: its queue is full and nobody accepts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for one in waiting:
            one.close()


def json_error(code: int, message: str, kind: str = "InternalServerException") -> tuple[int, str, dict]:
    return code, json.dumps({"code": code, "type": kind, "message": message}), {}


LOGIN = {"Location": "https://dex.example.com/auth?rd=x"}
# name -> answer, words of the sentence, key of the command.
ANSWERS = {
    "login page": ((302, "", {"Location": "http://dex.example.com/auth"}), "is redirected to dex.example.com (302)", "service"),
    "TLS wanted by redirect": ((308, "", LOGIN), "is redirected to https (308), and helm test calls plain http", "service"),
    "TLS wanted": ((400, "Client sent an HTTP request to an HTTPS server.\n", {}), "the port wants TLS", "service"),
    "RBAC": ((403, "RBAC: access denied", {}), "answered 403 'RBAC: access denied'", "authorization"),
    "no login": ((401, "Jwt is missing", {}), "set kubeflow.authorizationPolicy.enabled=true", "authorization"),
    "no route": ((404, "", {}), "from a gateway and not from a model server", "service"),
    "bad gateway": ((502, "<html>bad gateway</html>", {}), "no pod behind it is ready", "why"),
    "no pod in a mesh": ((503, "no healthy upstream", {}), "no pod behind it is ready", "why"),
    "other models": (json_error(404, "Model not found: bert", "ModelNotFoundException"), "(it has a, b)", "models"),
    "not loaded": ((503, '{"error": "Model with name bert is not ready."}', {}), "it is not loaded, or its worker", "log"),
    "queue": (json_error(503, 'Model "bert" has no worker to serve inference request.'), "the queue for them is full", "log"),
    "memory": (json_error(500, "Worker died."), "look for OOMKilled", "pods"),
    "handler": (json_error(503, "Prediction failed"), "its handler raised an exception", "log"),
    "other error": (json_error(507, "Something"), "answered 507 'Something'; read the server's log", "log"),
    "batch of another size": (
        (200, '{"message": "size of prediction is not equal to the size of instances", "batchId": "1", "predictions": null}', {}),
        "another number of predictions than instances, says KServe's batcher; its handler must return a list with one", ""),
    "error in a batch": (
        (200, json.dumps({"message": json_error(503, "Prediction failed")[1], "batchId": "", "predictions": None}), {}),
        "Prediction failed", "log"),
    "size": ((413, "", {}), "raise properties.max_request_size, or shorten models.<name>.example", ""),
    "token": (json_error(400, "Token Authorization failed. Token either incorrect"), "disable_token_authorization=true", ""),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_is_no_prediction_is_explained_with_the_next_command(case):
    answer, words, key = ANSWERS[case]
    with answering(answer) as url:
        code, _, line = run(url)
    assert code == 1
    assert line.startswith("model bert: ")
    assert words in line
    assert line.endswith(f": {COMMANDS[key]}") if key else "kubectl" not in line


@pytest.mark.parametrize("case", ["RBAC", "no route", "other models", "not loaded", "queue", "memory", "size"])
def test_it_is_explained_without_an_example_too(case):
    answer, words, _ = ANSWERS[case]
    with answering(answer) as url:
        code, _, line = run(url, example=None)
    assert code == 1
    assert words in line


def test_a_batcher_shows_no_worker_without_an_example():
    with answering((400, "no instances in the request\n", {})) as url:
        code, _, line = run(url, example=None)
    assert code == 1
    assert "is behind KServe's batcher" in line
    assert line.endswith("; set models.<name>.example")


def test_no_ready_pod_comes_with_what_to_look_at_in_order_and_the_sentence_last():
    with nobody() as url:
        code, lines, line = run(url)
    assert code == 1
    assert "takes a connection (Connection refused); see whether the predictor is ready" in line
    assert line.endswith(COMMANDS["why"])
    looks = [text.removeprefix("if ").split(":  ") for text in lines if text.startswith("if ")]
    assert looks == ORDER


def test_a_pod_that_is_ready_but_answers_wrongly_needs_no_list():
    with answering(json_error(503, "Prediction failed")) as url:
        _, lines, _ = run(url)
    assert [text for text in lines if text.startswith("if ")] == []


@pytest.mark.parametrize(
    ("code", "words", "key"),
    [
        (socket.EAI_NONAME, "there is no Service demo.models.svc, so KServe has not made it", "name"),
        (socket.EAI_AGAIN, "the cluster's DNS does not answer for demo.models.svc", "policies"),
    ],
)
def test_a_name_that_is_not_found_is_told_from_a_dns_that_does_not_answer(code, words, key):
    exit_code, _, line = run("http://demo.models.svc", no_name=code)
    assert exit_code == 1
    assert words in line
    assert line.endswith(COMMANDS[key])


def test_a_dropped_connection_leads_to_the_policies():
    with silent() as url:
        code, _, line = run(url, connects=0.3)
    assert code == 1
    assert "takes no connection within 0.3 s; see whether a NetworkPolicy" in line
    assert line.endswith(COMMANDS["policies"])


@pytest.mark.parametrize(
    ("serve", "seconds", "words", "key"),
    [
        (lambda connection: connection.close(), "20", "closed the connection without an answer", "log"),
        (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), "20", "is not plain HTTP", "service"),
        (lambda connection: ALIVE.append(connection), "0.3", "no answer came from 127.0.0.1", "log"),
    ],
    ids=["closed", "foreign", "slow"],
)
def test_a_connection_without_an_answer_is_explained(serve, seconds, words, key):
    with raw(serve) as url:
        code, _, line = run(url, "--answer-seconds", seconds)
    ALIVE.clear()
    assert code == 1
    assert words in line
    assert line.endswith(COMMANDS[key])


ALIVE: list[socket.socket] = []  # connections that are neither answered nor closed


def test_a_sidecar_that_knows_no_pod_yet_is_waited_out():
    good = (200, '{"predictions": [1]}', {})
    with answering((503, "no healthy upstream", {}), good) as url:
        code, lines, line = run(url, "--wait-seconds", "20")
    assert (code, line) == (0, "")
    assert '200 {"predictions": [1]}' in lines


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A termination log as Kubernetes makes it."""
    file = tmp_path / "termination-log"
    file.touch()
    return file


def test_in_a_pod_the_sentence_is_the_last_line_of_the_one_stream_and_the_termination_message(log):
    with nobody() as url:
        code, lines, line = run(url, "--termination-log", str(log))
    assert (code, line) == (1, "")
    assert lines[-1].startswith("model bert: no pod behind")
    assert log.read_text() == f"{lines[-1]}\n"


def test_a_test_that_is_stopped_between_two_models_says_which_one_was_left(log, tmp_path):
    output = tmp_path / "output"
    with raw(lambda connection: ALIVE.append(connection)) as url, output.open("wb") as out:
        requests = json.dumps([{"model": name, "request": EXAMPLE} for name in ("bert", "digits")])
        options = ["--termination-log", str(log), "--answer-seconds", "30", "--requests", requests]
        running = subprocess.Popen(command(url, *options), stdout=out)
        until(lambda: "POST" in output.read_text(), "the first model's call")
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 1
    ALIVE.clear()
    (line,) = log.read_text().splitlines()
    assert line.startswith("model bert: had no answer after")


def test_a_test_that_is_stopped_says_so_before_it_ends(log, tmp_path):
    output = tmp_path / "output"
    with nobody() as url, output.open("wb") as out:
        options = ["--termination-log", str(log), "--wait-seconds", "60"]
        running = subprocess.Popen(command(url, *options), stdout=out)
        until(lambda: "POST" in output.read_text(), "the first try")
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 1
    last = output.read_text().splitlines()[-1]
    assert "when the test was stopped; see whether the predictor is ready" in last
    assert log.read_text() == f"{last}\n"
