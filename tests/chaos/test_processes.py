"""Processes of the server that are killed: a worker, TorchServe itself, the start program. What lies on the claim stays."""

import time

import pytest

from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.chaos import seen
from tests.chaos.claim import contents, lost
from tests.chaos.node import SERVER, START, WORKER, Node
from tests.chaos.outage import calling
from tests.chaos.pods import replaced
from tests.e2e.watching import uids

WORKER_SECONDS = 15  # must be
RECOVERED_SECONDS = 60
# What a request gets that a killed worker was answering.
IN_FLIGHT = ("500 ", "507 ")


@pytest.fixture
def fresh(steady: Release) -> Release:
    """The release, its pod without a restart: the second restart of a container waits for ten seconds, by Kubernetes' rule."""
    if seen.container(steady).restart_count:
        replaced(steady, at_once=True)
    return steady


def test_a_killed_worker_is_back_within_15_seconds(steady: Release, node: Node) -> None:
    before, files, pods = seen.container(steady), contents(steady), uids(steady.predictor_pods())
    worker, = node.pids(before.container_id, WORKER)
    with calling(steady) as callers:
        fault = time.time()
        node.kill(worker)
        gone = time.time()
        wait_for("another worker", lambda: node.pids(before.container_id, WORKER) not in ([], [worker]), seconds=WORKER_SECONDS)
        seconds = callers.recovered(fault, within=RECOVERED_SECONDS, effective=gone)
    seen.told("a killed worker", seconds, callers.wrong())
    assert seconds <= WORKER_SECONDS
    assert all(wrong.startswith(IN_FLIGHT) and "Worker died" in wrong for wrong in callers.wrong()), callers.wrong()
    after = seen.container(steady)
    assert (uids(steady.predictor_pods()), after.container_id, after.restart_count) == (
        pods, before.container_id, before.restart_count), "more than the worker was started again"
    assert lost(files, contents(steady)) == []
    seen.named(steady, "ts-worker-gone")


@pytest.mark.parametrize(("process", "name", "cause"), [(SERVER, "TorchServe", "start-ended"),
                                                        (START, "the start program", "k8s-killed")])
def test_a_killed_server_is_started_again_in_the_same_pod(
        process: str, name: str, cause: str, fresh: Release, node: Node) -> None:
    before, files, pods = seen.container(fresh), contents(fresh), uids(fresh.predictor_pods())
    pid, = node.pids(before.container_id, process)
    with calling(fresh) as callers:
        fault = time.time()
        node.kill(pid)
        ended = seen.restarted(fresh, before)
        seconds = callers.recovered(fault, within=RECOVERED_SECONDS)
    seen.told(f"a kill of {name}", seconds, callers.wrong())
    assert (ended.exit_code, ended.reason) == (137, "Error")
    if process == SERVER:
        assert ended.message.startswith("start: TorchServe ended by itself with status 137; it was killed"), ended.message
    assert callers.wrong(), "right answers came although there was no server"
    assert callers.only_unavailable(), callers.wrong()
    assert seconds <= RECOVERED_SECONDS
    assert uids(fresh.predictor_pods()) == pods
    assert lost(files, contents(fresh)) == []
    seen.named(fresh, cause)
