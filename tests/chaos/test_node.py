"""Parts of the node that go: its kubelet, and the API server for half a minute. The server runs on, and answers.

These tests are the last of all: the cluster's own controllers start again after them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ci.cluster import up
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.chaos import health, seen
from tests.chaos.claim import contents, lost
from tests.chaos.node import WORKER, Node
from tests.chaos.outage import calling
from tests.chaos.pods import replaced
from tests.e2e.watching import ready_pods_of, uids

KUBELET, API_SERVER = "kubelet", "kube-apiserver"
BACK_SECONDS, LOST_SECONDS, WORKER_SECONDS, RECOVERED_SECONDS, ASKED_SECONDS = 60, 30, 15, 180, 3
KUBELET_SECONDS = 15
IN_FLIGHT = ("500 ", "507 ")


@pytest.fixture(autouse=True)
def whole(cluster: up.Cluster, namespace: str) -> Iterator[None]:
    """Leaves a cluster whose own programs all work."""
    yield
    assert cluster.kind
    health.wait_until_whole(cluster.kind, namespace)


def test_a_killed_kubelet_comes_back_and_the_server_runs_on(
        steady: Release, node: Node, cluster: up.Cluster) -> None:
    kind, files, pods, before = cluster.kind, contents(steady), uids(steady.predictor_pods()), seen.container(steady)
    assert kind
    old, = node.system_pids(KUBELET)
    said = health.renewed(kind)
    with calling(steady) as callers:
        fault = time.time()
        node.kill(old)
        try:
            wait_for("another kubelet", lambda: node.system_pids(KUBELET) not in ([], [old]), seconds=BACK_SECONDS)
        finally:
            node.run("systemctl", "start", KUBELET)  # nothing where it runs
        wait_for("the kubelet to say that it lives", lambda: health.renewed(kind) > said, seconds=BACK_SECONDS)
        timings.facts["a killed kubelet says that it lives after"] = f"{time.time() - fault:.1f} s"
        wait_for("the pod to be ready", lambda: ready_pods_of(steady), seconds=BACK_SECONDS, state=steady.state)
        seconds = callers.recovered(fault, within=BACK_SECONDS)
    seen.told("a killed kubelet", seconds, callers.wrong())
    # The new kubelet counts every pod as not ready until its probes have passed again, the gateway's too; with one replica that
    # is a gap.
    assert set(callers.wrong()) <= {"503 no healthy upstream", "ConnectionError"}
    assert seconds <= KUBELET_SECONDS
    assert uids(steady.predictor_pods()) == pods
    assert seen.container(steady).container_id == before.container_id, "the server was started again"
    assert lost(files, contents(steady)) == []


def test_without_the_api_server_the_model_goes_on_answering_and_a_worker_heals(
        steady: Release, node: Node, cluster: up.Cluster) -> None:
    kind, files, before, old = cluster.kind, contents(steady), seen.container(steady), steady.predictor_pods()
    assert kind
    worker, = node.pids(before.container_id, WORKER)
    with calling(steady) as callers:
        with _lost(node, kind) as since:
            wait_for("answers without an API server", lambda: time.time() - since > LOST_SECONDS / 3, seconds=LOST_SECONDS)
            assert callers.wrong() == {}
            fault = time.time()
            node.kill(worker)
            gone = time.time()
            wait_for("another worker", lambda: node.pids(before.container_id, WORKER) not in ([], [worker]),
                     seconds=WORKER_SECONDS)
            seconds = callers.recovered(fault, within=WORKER_SECONDS, effective=gone)
            wait_for(f"{LOST_SECONDS} s without an API server", lambda: time.time() - since > LOST_SECONDS, seconds=LOST_SECONDS)
        back = time.time()
        wait_for("the API server to answer", lambda: _answers(kind), seconds=RECOVERED_SECONDS)
        timings.facts["the API server answers again after"] = f"{time.time() - back:.1f} s"
        callers.recovered(back, within=BACK_SECONDS)
    seen.told("a killed worker without an API server", seconds, callers.wrong())
    timings.facts["requests while the API server was lost"] = f"{len(callers.calls)}, {callers.wrong().total()} wrong"
    assert all(wrong.startswith(IN_FLIGHT) for wrong in callers.wrong()), callers.wrong()
    assert callers.wrong().total() <= 1, "more was lost than the request that the worker was answering"
    assert (uids(steady.predictor_pods()), seen.container(steady).container_id) == (uids(old), before.container_id)
    assert lost(files, contents(steady)) == []
    # Its controllers work again, too: a pod that is deleted now is replaced.
    seen.told("a pod is killed just after the API server is back", replaced(steady, at_once=True))


@contextmanager
def _lost(node: Node, kind: Kind) -> Iterator[float]:
    """No API server while the block runs: its process stands still, and connections to it get no answer. Since when."""
    pid, = node.system_pids(API_SERVER)
    try:
        node.signal("STOP", pid)
        assert (node.state(pid), _answers(kind)) == ("T", False)
        yield time.time()
        assert (node.state(pid), _answers(kind)) == ("T", False), "the API server was there meanwhile"
    finally:
        node.signal("CONT", pid)


def _answers(kind: Kind) -> bool:
    """Whether the API server answers within seconds."""
    try:
        kind.kubectl("get", "--raw", "/readyz", "--request-timeout", f"{ASKED_SECONDS}s", timeout=2 * ASKED_SECONDS)
    except Problem:
        return False
    return True
