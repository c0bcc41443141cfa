"""KServe's agent in front of the server, by the values `logger` and `batcher`: what it sends away, and what it puts together.

The agent sits in the pod in both modes alike: Standard mode alone.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kubernetes
import pytest

from ci import helm, pods
from ci.cluster import up
from ci.cluster.waiting import wait_for
from ci.release import Release

pytestmark = pytest.mark.only("Standard")

SINK, PORT = "sink", 8000
# Takes CloudEvents and prints each as a line of JSON.
TAKE = f"""
import http.server, json
class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        kind, service = self.headers["Ce-Type"], self.headers["Ce-Inferenceservicename"]
        print(json.dumps({{"type": kind, "service": service, "body": body}}), flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", {PORT}), Sink).serve_forever()
"""
TOGETHER, LATENCY = 4, 2000  # requests of one batch; milliseconds that the first of them waits for the others
SENT_SECONDS = 60
Values = dict[str, Any]


@pytest.fixture(scope="module")
def release(install: Callable[..., Release], tiny: Callable[..., Values], api: kubernetes.client.ApiClient, namespace: str,
            cluster: up.Cluster) -> Release:
    """A release whose requests are logged and batched."""
    pods.serve(api, namespace, pods.pod(SINK, cluster.runtime_image, {}, command=["python", "-c", TAKE]), PORT)
    found = install("agent", helm.merged(tiny("one"), {
        "logger": {"mode": "all", "url": f"http://{SINK}.{namespace}.svc"},
        "batcher": {"maxBatchSize": TOGETHER, "maxLatency": LATENCY}}))
    found.wait_until_ready()
    return found


@pytest.fixture(scope="module")
def answers(release: Release) -> list[dict[str, Any]]:
    """The answers to as many requests at once as one batch takes."""
    def ask(number: int) -> dict[str, Any]:
        answer = release.predict("tiny", {"instances": [{"number": number}]})
        assert answer.status_code == 200, answer.text
        return answer.json()

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(ask, range(TOGETHER)))


def _events(release: Release) -> list[dict[str, Any]]:
    return [json.loads(line) for line in release.logs(SINK, SINK).splitlines()]


def test_the_agent_is_in_the_pod_and_ready(release: Release) -> None:
    pod, = release.predictor_pods()
    assert {status.name: status.ready for status in pod.status.container_statuses} == {"kserve-container": True, "agent": True}


def test_each_caller_of_a_batch_gets_its_own_prediction(answers: list[dict[str, Any]]) -> None:
    assert [answer["predictions"] for answer in answers] == [["one"]] * TOGETHER


def test_requests_at_once_are_one_batch(answers: list[dict[str, Any]]) -> None:
    batches = {answer["batchId"] for answer in answers}
    assert len(batches) < TOGETHER, "each was a batch of its own"


def test_requests_and_answers_are_sent_to_the_sink(release: Release, answers: list[dict[str, Any]]) -> None:  # noqa: ARG001
    def arrived() -> list[dict[str, Any]] | None:
        events = _events(release)
        return events if {event["type"].rpartition(".")[2] for event in events} == {"request", "response"} else None

    events = wait_for("a request and an answer at the sink", arrived, seconds=SENT_SECONDS)
    assert {event["service"] for event in events} == {release.name}
    assert any("instances" in json.loads(event["body"]) for event in events if event["type"].endswith("request"))
    assert any("predictions" in json.loads(event["body"]) for event in events if event["type"].endswith("response"))
