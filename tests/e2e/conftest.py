"""What the tests on a cluster share: the cluster, a namespace that enforces restricted pods, model archives, releases."""

import csv
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from pytest_helm_charts.clusters import Cluster as KubeCluster
from pytest_helm_charts.clusters import ExistingCluster
from pytest_helm_charts.k8s.namespace import ensure_namespace_exists

from ci import helm, release
from ci.cluster import examples, up
from ci.cluster.paths import EXAMPLES, REPOSITORY
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.diagnose import dump
from ci.files_pod import FilesPod

GONE_SECONDS = 120
HERE = Path(__file__).parent
MARK = {"app.kubernetes.io/part-of": "torchserve-kserve-e2e"}
ARTIFACTS = REPOSITORY / "artifacts"
# Several releases share the two cores of a test cluster.
SMALL: dict[str, Any] = {"runtime": {"resources": {"requests": {"cpu": 0.1}}}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The main job comes first: it is the one that is timed, and no pod of another test shall still be ending beside it."""
    items.sort(key=lambda item: item.path.parent == HERE and item.path.stem != "test_serving")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if timings.stages:
        terminalreporter.section("times")
        terminalreporter.write_line(timings.table())


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config, preparing: Callable[[], AbstractContextManager[None]],
            install_packages: bool) -> up.Cluster:
    """The cluster of `--kubeconfig`, else ours, made if need be."""
    given = pytestconfig.getoption("kubeconfig")
    with preparing():
        return up.find(Path(given) if given else None, install=install_packages)


@pytest.fixture(scope="session")
def kube_config(cluster: up.Cluster) -> str:
    """pytest-helm-charts' fixture, for the cluster above and for the whole session."""
    return str(cluster.kubeconfig)


@pytest.fixture(scope="session")
def kube_cluster(kube_config: str) -> Iterator[KubeCluster]:
    """pytest-helm-charts' fixture, for the whole session."""
    existing = ExistingCluster(kube_config)
    existing.create()
    yield existing
    existing.destroy()


@pytest.fixture(scope="session")
def api(cluster: up.Cluster) -> kubernetes.client.ApiClient:
    return release.client(cluster.kubeconfig)


@pytest.fixture(scope="session")
def diagnosed() -> list[Path]:
    """Where the state of the cluster was written after a failure."""
    return []


@pytest.fixture(scope="session")
def namespace(cluster: up.Cluster, kube_cluster: KubeCluster, api: kubernetes.client.ApiClient, diagnosed: list[Path],
              request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this session's own, in which Pod Security enforces `restricted`."""
    name = f"e2e-{uuid.uuid4().hex[:6]}"
    if cluster.kind:
        _remove_leftovers(kubernetes.client.CoreV1Api(api))
    ensure_namespace_exists(kube_cluster.kube_client, name, extra_metadata={
        "labels": {"pod-security.kubernetes.io/enforce": "restricted", **MARK}})
    yield name
    if request.session.testsfailed:
        if not diagnosed:
            dump(api, name)
        if request.config.getoption("keep_on_failure"):
            return
    kubernetes.client.CoreV1Api(api).delete_namespace(name)


def _remove_leftovers(core: kubernetes.client.CoreV1Api) -> None:
    """Removes namespaces of runs that were killed: on a cluster of ours nobody else has any."""
    selector = ",".join(f"{key}={value}" for key, value in MARK.items())
    for leftover in core.list_namespace(label_selector=selector).items:
        core.delete_namespace(leftover.metadata.name)


@pytest.fixture(scope="session")
def archives(cluster: up.Cluster, preparing: Callable[[], AbstractContextManager[None]],
             request: pytest.FixtureRequest) -> dict[str, Path]:
    """The example models, trained inside the runtime image: name -> model archive."""
    image = cluster.runtime_image if cluster.kind else request.getfixturevalue("runtime_image")
    with preparing(), timings.stage("example models"):
        return {name: examples.archive(name, image) for name in ("bert", "digits")}


@pytest.fixture(scope="session")
def urls(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str, archives: dict[str, Path]) -> dict[str, str]:
    """The same archives at URLs inside the cluster."""
    server = FilesPod(api, namespace, cluster.runtime_image)
    server.start()
    return {name: server.put(file) for name, file in archives.items()}


@pytest.fixture(scope="session")
def chart(cluster: up.Cluster, namespace: str) -> helm.Helm:
    """helm in the session's namespace."""
    return helm.Helm(cluster.kubeconfig, namespace)


@pytest.fixture(scope="session")
def values(cluster: up.Cluster, urls: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """values(example, …): an example's own values, with its source and the cluster's runtime image, and more on top."""
    def make(example: str, *more: dict[str, Any]) -> dict[str, Any]:
        own = yaml.safe_load((EXAMPLES / example / "values.yaml").read_text())
        source = {"models": {example: {"uri": urls[example]}}}
        return helm.merged(own, helm.image_values(cluster.runtime_image), SMALL, source, *more)
    return make


@pytest.fixture(scope="module")
def install(chart: helm.Helm, api: kubernetes.client.ApiClient, namespace: str, diagnosed: list[Path],
            request: pytest.FixtureRequest) -> Iterator[Callable[..., release.Release]]:
    """install(name, values): a release, uninstalled when the module's tests are over; diagnosed before if one failed."""
    names: list[str] = []
    failed_before = request.session.testsfailed

    def make(name: str, given: dict[str, Any]) -> release.Release:
        names.append(name)
        chart.install(name, given)
        return release.Release(api, namespace, name)

    yield make
    if request.session.testsfailed > failed_before:
        diagnosed.append(dump(api, namespace, ARTIFACTS / request.path.stem))
        if request.config.getoption("keep_on_failure"):
            return
    for name in names:
        chart.uninstall(name)


@pytest.fixture
def wait_until_gone(api: kubernetes.client.ApiClient, namespace: str) -> Callable[[str], None]:
    """wait_until_gone(release): until none of its pods is left."""
    core = kubernetes.client.CoreV1Api(api)

    def wait(name: str) -> None:
        selector = f"app.kubernetes.io/instance={name}"
        wait_for(f"the pods of {name} to be gone",
                 lambda: not core.list_namespaced_pod(namespace, label_selector=selector).items, seconds=GONE_SECONDS)
    return wait


@pytest.fixture(scope="session")
def example() -> Callable[[str, str], Any]:
    """example(name, file): the parsed JSON file of an example."""
    return lambda name, file: json.loads((EXAMPLES / name / file).read_text())


@pytest.fixture(scope="session")
def held_out_sentences() -> list[tuple[str, int]]:
    """Sentences that bert has not learned from, with their right classes."""
    with (EXAMPLES / "bert" / "held-out.csv").open() as file:
        return [(row["text"], int(row["stars"]) - 1) for row in csv.DictReader(file)]


@pytest.fixture(scope="session")
def held_out_scans(archives: dict[str, Path]) -> list[tuple[str, int]]:
    """Scans that digits has not learned from, as base64 PNG, with their right digits."""
    samples = json.loads((archives["digits"].parent / "heldout.json").read_text())
    return [(sample["data"], sample["label"]) for sample in samples]
