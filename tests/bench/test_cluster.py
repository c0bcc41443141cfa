"""P2 and P7, on the cluster: from a model loaded to Ready, and what helm adds to the same objects by kubectl.

A right answer counts, not a status: the chart and `kubectl apply` take turns with releases of their own in one namespace.
"""

import datetime
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml

from ci import helm
from ci.cluster import up
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.files_pod import FilesPod
from ci.release import Release, client
from tests.bench import ratios
from tests.bench.conftest import Plan
from tests.bench.results import Figure
from tests.e2e.tiny import archive
from tests.e2e.watching import Seen, is_ready, watched
from tests.killed_runs import remove_namespaces
from tests.waiting import until

MARK = {"app.kubernetes.io/part-of": "torchserve-kserve-bench"}
MODEL, WORD = "tiny", "right"
LOADED = "State change WORKER_STARTED -> WORKER_MODEL_LOADED"
GONE_SECONDS = 120


@pytest.fixture(scope="module")
def cluster(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> up.Cluster:
    with preparing():
        return up.find(None, install=install_packages)


@pytest.fixture(scope="module")
def api(cluster: up.Cluster) -> kubernetes.client.ApiClient:
    return client(cluster.kubeconfig)


@pytest.fixture(scope="module")
def namespace(api: kubernetes.client.ApiClient) -> Iterator[str]:
    """A namespace of this run; those of killed runs go first."""
    core, name = kubernetes.client.CoreV1Api(api), f"bench-{uuid.uuid4().hex[:6]}"
    remove_namespaces(core, MARK)
    core.create_namespace({"metadata": {"name": name, "labels": MARK}})
    yield name
    core.delete_namespace(name)


@pytest.fixture(scope="module")
def values(api: kubernetes.client.ApiClient, namespace: str, cluster: up.Cluster,
           tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The smallest release: one model by its URI, all else the chart's defaults."""
    server = FilesPod(api, namespace, cluster.runtime_image)
    server.start()
    file = tmp_path_factory.mktemp("model") / "one.mar"
    file.write_bytes(archive(WORD))
    return helm.merged(helm.image_values(cluster.runtime_image), {"models": {MODEL: {"uri": server.put(file)}}})


@dataclass(frozen=True)
class Installed:
    """What was seen of one release. Seconds from the command to the first right answer, and from "model loaded" in the server's
    log to the pod's and to the InferenceService's Ready; whether one of those came before."""

    seconds: float
    pod: float
    service: float
    early: bool


def installed(release: Release, put: Callable[[], object], remove: Callable[[], object]) -> Installed:
    """Puts a release there by `put`, asks until the answer is right, and removes it."""
    core, custom = kubernetes.client.CoreV1Api(release.api), kubernetes.client.CustomObjectsApi(release.api)
    with watched(core.list_namespaced_pod, release.namespace) as pods, \
            watched(custom.list_namespaced_custom_object, "serving.kserve.io", "v1beta1", release.namespace,
                    "inferenceservices") as services:
        began = time.monotonic()
        put()
        until(lambda: right(release), f"{release.name} to answer rightly", seconds=180)
        seconds = time.monotonic() - began
        wait_for("the InferenceService to be Ready", lambda: first_ready(services, release.name), seconds=60)
    name = release.predictor_pods()[0].metadata.name
    loaded = moment_loaded(release, name)
    ready = [first_ready(seen, which) - loaded for seen, which in ((pods, name), (services, release.name))]
    remove()
    wait_for("the release's pods to be gone", lambda: not (release.predictor_pods() or release.seed_pods()), seconds=GONE_SECONDS)
    return Installed(seconds, *ready, early=min(ready) < 0)


def right(release: Release) -> bool:
    """Whether the model answers, with its word."""
    answer = release.predict(MODEL, {"instances": [{}]})
    return answer.status_code == 200 and answer.json() == {"predictions": [WORD]}


def moment_loaded(release: Release, pod: str) -> float:
    """When the container's log said that the worker has its model, by the node's clock."""
    log = release.core.read_namespaced_pod_log(pod, release.namespace, container="kserve-container", timestamps=True)
    line = next(line for line in log.splitlines() if LOADED in line)
    stamp = line.split()[0]
    return datetime.datetime.fromisoformat(f"{stamp.rstrip('Z')[:26]}+00:00").timestamp()


def first_ready(seen: list[Seen], name: str) -> float:
    """When an object was first seen Ready; 0 while it never was."""
    of_it = [change for change in [*seen] if change.item["metadata"]["name"] == name]
    return next((change.at.timestamp() for change in of_it if is_ready(change.item)), 0.0)


@pytest.mark.usefixtures("idle")
def test_ready_after_the_model_and_helm_against_kubectl(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str,
                                                        values: dict[str, Any], plan: Plan, tmp_path: Path,
                                                        record: Callable[..., None]) -> None:
    assert cluster.kind
    chart, seen = helm.Helm(cluster.kubeconfig, namespace), []

    def by_helm() -> float:
        name = f"helm-{len(seen)}"
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(values))
        seen.append(installed(Release(api, namespace, name),
                              lambda: chart("install", name, chart.chart, "--values", str(file)), lambda: chart.uninstall(name)))
        return seen[-1].seconds

    def by_kubectl() -> float:
        name = f"kubectl-{len(seen)}"
        objects = [item for item in helm.render(name, namespace, values) if "helm.sh/hook" not in
                   item["metadata"].get("annotations", {})]
        text = yaml.safe_dump_all(objects)
        seen.append(installed(
            Release(api, namespace, name),
            lambda: cluster.kind.kubectl("--namespace", namespace, "apply", "--filename", "-", stdin=text),
            lambda: cluster.kind.kubectl("--namespace", namespace, "delete", "--wait=false", "--filename", "-", stdin=text)))
        return seen[-1].seconds

    with timings.stage("P2, P7"):
        found = ratios.pairs(by_helm, by_kubectl, plan.installs)
    lag, ratio = [one.pod for one in seen], ratios.ratio(found)
    helms, kubectls = (statistics.median(pair[side] for pair in found) for side in (0, 1))
    record(
        Figure("P2", "model loaded to pod Ready, s, median", statistics.median(lag), 2, 1.2,
               note=f"{len(lag)} starts: {', '.join(f'{one:.2f}' for one in sorted(lag))} s; to the InferenceService's Ready "
                    f"{statistics.median(one.service for one in seen):.2f} s", details={"pod": lag}),
        Figure("P2", "starts that were Ready before the model was loaded", sum(one.early for one in seen), 0, 0),
        Figure("P7", "helm install to right answer ÷ kubectl apply of the same objects", ratio.value, 1.3, 1.1,
               interval=(ratio.low, ratio.high),
               note=f"{helms:.1f} s ÷ {kubectls:.1f} s",
               details={"pairs": found}))
