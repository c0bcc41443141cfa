"""KServe's agent in front of the server, by the values `logger` and `batcher`: what it sends away, and what it puts together.

Standard mode alone: in Knative mode queue-proxy asks the server's readiness, and sends to the agent.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kubernetes
import pytest

from ci import helm, pods
from ci.cluster import up
from ci.cluster.errors import Problem
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
        line = json.dumps({{"type": kind, "service": service, "body": body}})
        print(line + "\\n", end="", flush=True)  # in one piece: several threads print
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", {PORT}), Sink).serve_forever()
"""
TOGETHER, LATENCY = 4, 2000  # requests of one batch; milliseconds that the first of them waits for the others
SENT_SECONDS = 180
Values = dict[str, Any]


@pytest.fixture(scope="module")
def releases(install: Callable[..., Release], tiny: Callable[..., Values], api: kubernetes.client.ApiClient, namespace: str,
             cluster: up.Cluster) -> dict[str, Release]:
    """A release that is logged, and one that is batched and whose requests are logged."""
    pods.serve(api, namespace, pods.pod(SINK, cluster.runtime_image, {}, command=["python", "-c", TAKE]), PORT)
    url = f"http://{SINK}.{namespace}.svc"
    given = {"logged": {"logger": {"mode": "all", "url": url}},
             "batched": {"logger": {"mode": "request", "url": url},
                         "batcher": {"maxBatchSize": TOGETHER, "maxLatency": LATENCY}}}
    found = {name: install(name, helm.merged(tiny("one"), values)) for name, values in given.items()}
    for release in found.values():
        release.wait_until_ready()
    return found


@pytest.fixture(scope="module")
def answers(releases: dict[str, Release]) -> list[dict[str, Any]]:
    """The answers to as many requests at once as one batch takes."""
    def ask(number: int) -> dict[str, Any]:
        answer = releases["batched"].predict("tiny", {"instances": [{"number": number}]})
        assert answer.status_code == 200, answer.text
        return answer.json()

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(ask, range(TOGETHER)))


def _wait_for_events(release: Release, kinds: set[str]) -> list[dict[str, Any]]:
    """What the sink got from a release, when it has got all these kinds of events."""
    def arrived() -> list[dict[str, Any]] | None:
        found = [json.loads(line) for line in release.logs(SINK, SINK).splitlines()]
        mine = [event for event in found if event["service"] == release.name]
        return mine if {_kind(event) for event in mine} == kinds else None

    return wait_for(f"{' and '.join(sorted(kinds))} of {release.name} at the sink", arrived, seconds=SENT_SECONDS)


def _kind(event: dict[str, Any]) -> str:
    return event["type"].rpartition(".")[2]


@pytest.mark.parametrize("name", ["logged", "batched"])
def test_the_agent_is_in_the_pod_and_ready(releases: dict[str, Release], name: str) -> None:
    def statuses() -> list[Any]:
        pod, = releases[name].predictor_pods()
        return pod.status.container_statuses

    assert {status.name for status in statuses()} == {"kserve-container", "agent"}
    wait_for("both to be ready", lambda: all(status.ready for status in statuses()), seconds=SENT_SECONDS)
    assert {status.restart_count for status in statuses()} == {0}


def test_requests_and_answers_are_sent_to_the_sink(releases: dict[str, Release]) -> None:
    assert releases["logged"].predict("tiny", {"instances": [{"number": 7}]}).json() == {"predictions": ["one"]}
    events = _wait_for_events(releases["logged"], {"request", "response"})
    assert {_kind(event): json.loads(event["body"]) for event in events} == {
        "request": {"instances": [{"number": 7}]}, "response": {"predictions": ["one"]}}


def test_each_caller_of_a_batch_gets_its_own_prediction(answers: list[dict[str, Any]]) -> None:
    assert [answer["predictions"] for answer in answers] == [["one"]] * TOGETHER


def test_requests_at_once_are_one_batch(answers: list[dict[str, Any]]) -> None:
    assert len({answer["batchId"] for answer in answers}) < TOGETHER, "each was a batch of its own"


def test_requests_of_a_batch_are_sent_to_the_sink(releases: dict[str, Release], answers: list[dict[str, Any]]) -> None:
    def numbers() -> set[int]:
        events = _wait_for_events(releases["batched"], {"request"})
        return {json.loads(event["body"])["instances"][0]["number"] for event in events}

    wait_for("all of them", lambda: numbers() == set(range(len(answers))), seconds=SENT_SECONDS)


def test_helm_test_says_that_a_batcher_wants_an_example(releases: dict[str, Release], chart: helm.Helm) -> None:
    batched = releases["batched"]
    with pytest.raises(Problem, match="test-predict failed"):
        chart("test", batched.name, "--timeout", "120s")
    last = batched.logs(f"{batched.name}-test-predict", "predict").splitlines()[-1]
    assert "is behind KServe's batcher" in last
    assert last.endswith("set models.<name>.example")
