"""Pods that go: killed, deleted, drained from their node. Another one comes as fast as a pod starts."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import kubernetes

from ci.cluster import up
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.chaos import seen
from tests.chaos.claim import contents, lost
from tests.chaos.outage import calling
from tests.chaos.pods import replaced
from tests.e2e.watching import pods_of, ready_pods_of, uids, watched

GONE_SECONDS, RECOVERED_SECONDS, DRAINED_SECONDS = 60, 90, 60
MOST_COLD_STARTS = 1.2  # must be


def test_a_killed_pod_is_replaced_within_1_2_cold_starts(steady: Release) -> None:
    files = contents(steady)
    cold, killed = [], []
    for at_once in (True, False, True):
        cold.append(_cold_start(steady))
        killed.append(replaced(steady, at_once=at_once))
    timings.facts["cold starts: pod made to right answer"] = _seconds(cold)
    timings.facts["killed pods: kill to right answer"] = _seconds(killed)
    ratio = statistics.median(killed) / statistics.median(cold)
    timings.facts["killed pod to cold start"] = f"{ratio:.2f}"
    assert ratio <= MOST_COLD_STARTS, f"killed pods: {_seconds(killed)}, cold starts: {_seconds(cold)}"
    assert lost(files, contents(steady)) == []


def test_a_drained_node_s_pod_waits_until_the_node_is_back(steady: Release, cluster: up.Cluster) -> None:
    files, old = contents(steady), steady.predictor_pods()
    with calling(steady) as callers, _drained(cluster, steady):
        new = wait_for("another pod that has no node", lambda: _waiting(steady, old), seconds=DRAINED_SECONDS, state=steady.state)
        seen.named(steady, "k8s-cordoned")
        assert steady.conditions()["Ready"] == "False"
        assert set(callers.wrong()) == {"503 no healthy upstream"}
        kind = cluster.kind
        assert kind
        back = time.time()
        kind.kubectl("uncordon", old[0].spec.node_name)
        seconds = callers.recovered(back, within=RECOVERED_SECONDS)
    seen.told("a drained node is back", seconds)
    assert uids(steady.predictor_pods()) == {new.metadata.uid}, "the pod that waited is not the one that runs"
    assert seconds <= RECOVERED_SECONDS
    assert lost(files, contents(steady)) == []
    wait_for("the InferenceService to be Ready again", lambda: steady.conditions()["Ready"] == "True", seconds=RECOVERED_SECONDS)


def _cold_start(release: Release) -> float:
    """Seconds from a pod's creation to its first right answer, the claim being seeded and no pod there before."""
    apps, name = kubernetes.client.AppsV1Api(release.api), f"{release.name}-predictor"
    apps.patch_namespaced_deployment_scale(name, release.namespace, {"spec": {"replicas": 0}})
    wait_for("the pods to be gone", lambda: not pods_of(release), seconds=GONE_SECONDS)
    with calling(release) as callers, watched(release.core.list_namespaced_pod, release.namespace) as changes:
        apps.patch_namespaced_deployment_scale(name, release.namespace, {"spec": {"replicas": 1}})
        wait_for("a pod to be ready", lambda: ready_pods_of(release), seconds=RECOVERED_SECONDS)
        made = next(change.at.timestamp() for change in changes if change.kind == "ADDED")
        return callers.recovered(made, within=RECOVERED_SECONDS)


@contextmanager
def _drained(cluster: up.Cluster, release: Release) -> Iterator[None]:
    """The node without this release's pods, as `kubectl drain` leaves it; it takes pods again when the block ends."""
    name = release.predictor_pods()[0].spec.node_name
    kind = cluster.kind
    assert kind
    try:
        kind.kubectl("drain", name, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout", f"{DRAINED_SECONDS}s",
                     "--pod-selector", f"serving.kserve.io/inferenceservice={release.name}")
        yield
    finally:
        kind.kubectl("uncordon", name)


def _waiting(release: Release, old: list) -> object:
    """The only pod, if it is another one and no node takes it."""
    pods = release.predictor_pods()
    unscheduled = [pod for pod in pods for condition in pod.status.conditions or [] if condition.reason == "Unschedulable"]
    return unscheduled[0] if len(pods) == 1 and unscheduled and not uids(pods) & uids(old) else None


def _seconds(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values) + " s"
