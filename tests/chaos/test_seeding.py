"""The seeding Job is killed in the middle of a copy: the next pod goes on where it was, and the predictor waits for it."""

import hashlib
import time
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from ci import helm
from ci.cluster import up
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.chaos import seen
from tests.chaos.claim import contents
from tests.chaos.conftest import MODEL, REQUEST, Install
from tests.chaos.models import big
from tests.chaos.node import Node
from tests.chaos.slow_files import SlowFiles
from tests.e2e.watching import uids, watched

SEED = "app.kubernetes.io/instance={},app.kubernetes.io/component=seed"
SIZE = 12 << 20
BEGUN_SECONDS, READY_SECONDS = 60, 120
# Of the transfer's pieces those that were not yet whole are sent again; two kills cost less than this.
MOST_SENT = 1.5
PROGRESS = "cat /mnt/models/.seed/tmp/*.state 2>/dev/null | sed -n 's/.*\"bytes\": \\([0-9]*\\).*/\\1/p'"


@pytest.fixture(scope="module")
def source(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str) -> SlowFiles:
    server = SlowFiles(api, namespace, cluster.runtime_image)
    server.start()
    return server


@pytest.fixture(scope="module")
def copying(source: SlowFiles, install: Install, common: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release whose seeding Job has just begun with a copy that takes a while."""
    file: Path = tmp_path_factory.mktemp("big") / "big.mar"
    file.write_bytes(big(SIZE))
    return install("copying", helm.merged(common, {"models": {MODEL: {"uri": source.put(file)}}}))


def test_a_copy_that_was_killed_twice_goes_on_where_it_was(
        copying: Release, source: SlowFiles, node: Node, api: kubernetes.client.ApiClient, namespace: str) -> None:
    listing, selector = kubernetes.client.CoreV1Api(api).list_namespaced_pod, SEED.format(copying.name)
    with watched(listing, namespace, label_selector=selector) as changes:
        half = _copied(copying, SIZE // 6)
        first = copying.seed_pods()[-1]
        process, = node.pids(first.status.container_statuses[0].container_id, r"/seed\.py ")
        node.kill(process)
        seen.named(copying, "k8s-killed")
        wait_for("another pod of the Job", lambda: _others(copying, [first]), seconds=BEGUN_SECONDS, state=copying.state)
        half = _copied(copying, half + SIZE // 6)
        second, = _others(copying, [first])
        fault = time.time()
        copying.core.delete_namespaced_pod(second.metadata.name, namespace, grace_period_seconds=0)
        copying.wait_until_ready(READY_SECONDS)
        timings.facts["a seeding pod is killed: to Ready"] = f"{time.time() - fault:.1f} s"
    assert copying.predict(MODEL, REQUEST).json() == {"predictions": ["one"]}
    third, = _others(copying, [first, second])
    log = copying.logs(third.metadata.name, "seed")
    assert "going on after " in log, log
    timings.facts["a copy that was killed twice: sent to size"] = f"{source.sent() / SIZE:.2f}"
    assert source.sent() <= MOST_SENT * SIZE
    archive, = [known for path, known in contents(copying).items() if path.endswith(".mar")]
    assert archive == (len(big(SIZE)), hashlib.sha256(big(SIZE)).hexdigest())
    assert {first.metadata.uid, second.metadata.uid, third.metadata.uid} == {change.item["metadata"]["uid"] for change in changes}
    assert seen.container(copying).restart_count == 0, "the predictor did not wait"


def _copied(release: Release, least: int) -> int:
    """Waits until so many bytes lie on the claim for good, but not all; how many."""
    def bytes_there() -> int:
        said = release.execute(release.predictor_pods()[-1].metadata.name, "bash", "-c", PROGRESS).strip()
        return int(said) if said.isdigit() and int(said) >= least else 0

    wait_for("the predictor to run", lambda: _runs(release), seconds=BEGUN_SECONDS, state=release.state)
    copied = wait_for(f"{least} bytes to be on the claim", bytes_there, seconds=BEGUN_SECONDS, state=release.seed_logs)
    assert copied < SIZE, "the copy was over before it could be killed"
    return copied


def _runs(release: Release) -> bool:
    """Whether the predictor's container runs, ready or not."""
    return any(status.state.running for pod in release.predictor_pods() for status in pod.status.container_statuses or [])


def _others(release: Release, known: list[Any]) -> list[Any]:
    """The seeding Job's pods but for these."""
    return [pod for pod in release.seed_pods() if pod.metadata.uid not in uids(known)]
