"""The program of `helm test`, as the pod runs it, against a server that answers as TorchServe 0.12 was seen to."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.start.rendered import predict_program

REQUEST = {"instances": [{"data": "Hello World!"}]}


def error(code: int, kind: str, message: str) -> tuple[int, str]:
    return code, json.dumps({"code": code, "type": kind, "message": message})


OK = (200, '{"predictions": [4]}')
NOT_FOUND = error(404, "ModelNotFoundException", "Model not found: bert")
FAILED = error(503, "InternalServerException", "Prediction failed")
MISMATCH = error(503, "InternalServerException", "number of batch response mismatched")
NO_JSON = error(503, "InternalServerException", "Unsupported model output data type.")
NO_WORKER = error(503, "ServiceUnavailableException", 'Model "bert" has no worker to serve inference request.')
DIED = error(500, "InternalServerException", "Worker died.")


@contextmanager
def server(answer: tuple[int, str]) -> Iterator[tuple[str, list[tuple[str, str, dict]]]]:
    """Address of a server with one answer, and what it was sent: path, content type, body."""
    seen: list[tuple[str, str, dict]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(answer[0])
            self.end_headers()
            self.wfile.write(answer[1].encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}", seen
        httpd.shutdown()


def run(url: str, request: dict | None, wait: float = 5, protocol: str = "v1") -> subprocess.CompletedProcess[str]:
    """The rendered command of the test pod with other arguments."""
    requests = json.dumps([{"model": "bert", "request": request}])
    command = [sys.executable, "-c", predict_program(), "--url", url, "--requests", requests, "--wait-seconds", str(wait)]
    command += ["--protocol", protocol] if protocol != "v1" else []
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_prediction_passes_and_is_shown():
    with server(OK) as (url, seen):
        done = run(url, REQUEST)
    assert (done.returncode, done.stderr) == (0, "")
    assert seen == [("/v1/models/bert:predict", "application/json", REQUEST)]
    assert '"predictions": [4]' in done.stdout


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((200, '{"predictions": []}'), "answered 200 without predictions"),
        ((200, '{"predictions": 4}'), "answered 200 without predictions"),
        ((200, '{"outputs": [4]}'), "answered 200 without predictions"),
        ((200, "[4]"), "answered 200 without predictions"),
        ((200, "4 stars"), "answered 200 without JSON"),
        (NOT_FOUND, "is not registered in TorchServe"),
        (FAILED, "answered 503 'Prediction failed'"),
        (NO_WORKER, "answered 503"),
    ],
)
def test_an_answer_without_a_prediction_fails_in_one_sentence(answer, sentence):
    with server(answer) as (url, _):
        done = run(url, REQUEST)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("model bert: ")
    assert sentence in line


@pytest.mark.parametrize("answer", [OK, FAILED, MISMATCH, NO_JSON])
def test_without_an_example_a_worker_that_ran_passes_and_the_log_says_what_was_shown(answer):
    with server(answer) as (url, seen):
        done = run(url, None)
    assert done.returncode == 0
    assert seen[0][2] == {"instances": []}
    assert "set models.bert.example to test a prediction" in done.stdout


@pytest.mark.parametrize("answer", [NOT_FOUND, NO_WORKER, DIED, (502, "bad gateway"), error(503, "X", "no healthy upstream")])
def test_without_an_example_nothing_else_passes(answer):
    with server(answer) as (url, _):
        done = run(url, None)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


V2_REQUEST = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["Hello World!"]}]}
V2_OK = (200, '{"model_name": "bert", "outputs": [{"name": "text", "shape": [1], "datatype": "INT64", "data": [4]}]}')


def test_a_prediction_of_protocol_v2_passes():
    with server(V2_OK) as (url, seen):
        done = run(url, V2_REQUEST, protocol="v2")
    assert (done.returncode, done.stderr) == (0, "")
    assert seen == [("/v2/models/bert/infer", "application/json", V2_REQUEST)]


@pytest.mark.parametrize("answer", [OK, (200, '{"outputs": []}'), (200, '{"outputs": 4}')])
def test_an_answer_of_protocol_v2_without_outputs_fails(answer):
    with server(answer) as (url, _):
        done = run(url, V2_REQUEST, protocol="v2")
    assert done.returncode == 1
    assert done.stderr.startswith("model bert: answered 200 without outputs; ")


# KServe's wrapper, upstream's with a status of its own, hands on what TorchServe said.
HANDED_ON = (500, json.dumps({"error": "HTTPStatusError : {'code': 503, 'message': 'Prediction failed'}, '503 Service…'"}))
NOT_READY = (503, json.dumps({"error": "Model with name bert is not ready."}))


@pytest.mark.parametrize(
    ("answer", "code"),
    [(FAILED, 0), (HANDED_ON, 0), (V2_OK, 0), (NOT_READY, 1), (NO_WORKER, 1), (NOT_FOUND, 1)],
)
def test_without_an_example_of_protocol_v2_only_a_worker_that_ran_passes(answer, code):
    with server(answer) as (url, seen):
        done = run(url, None, protocol="v2")
    assert done.returncode == code
    assert seen[0][2] == {"inputs": []}


def test_a_service_without_a_ready_pod_fails_after_the_wait():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run(f"http://127.0.0.1:{unused.getsockname()[1]}", REQUEST, wait=0.1)
    assert done.returncode == 1
    assert "see whether the predictor is ready" in done.stderr
