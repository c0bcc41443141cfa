"""What the tests on a cluster share: the cluster, a namespace that enforces restricted pods, model archives, releases."""

import base64
import csv
import json
import os
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
from ci.cluster import examples, ports, registry, up
from ci.cluster import gateway as gateways
from ci.cluster.paths import EXAMPLES
from ci.cluster.report import timings
from ci.cluster.versions import versions
from ci.diagnose import dump
from ci.files_pod import FilesPod
from tests.e2e import groups
from tests.e2e.served import changes, hosted, install, install_for_all, releases, uninstalled  # noqa: F401  (fixtures)
from tests.e2e.sources import gcs, s3, sources  # noqa: F401  (fixtures)
from tests.e2e.tiny import archive
from tests.killed_runs import remove_namespaces

HERE = Path(__file__).parent
# On every namespace that the suite makes; the second says by which run, of which there may be several processes.
MARK = {"app.kubernetes.io/part-of": "torchserve-kserve-e2e"}
RUN = {"torchserve-kserve/run": os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)}
# Knative looks back over this long before it takes a pod away; 6 s is the least that it allows.
QUICK = {"annotations": {"autoscaling.knative.dev/window": "6s"}}
# Some ten releases share the two cores of a test cluster.
SMALL: dict[str, Any] = {"runtime": {"resources": {"requests": {"cpu": 0.02}}},
                         "seed": {"resources": {"requests": {"cpu": 0.01}}}}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gateway", help="with --kubeconfig: address of the gateway of Knative's ingress, http://HOST[:PORT]; "
                                       "without it, tests in Knative mode are left out")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only(mode): a test that is run in this deployment mode alone")
    config.addinivalue_line("markers", "thorough: a test that `nox -s tests` leaves to `nox -s e2e`")


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.xdist_group(groups.group(item)))
    if groups.thorough(item):
        item.add_marker(pytest.mark.thorough)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One mode after the other, and in each the main job first, which is timed. On a cluster of yours, what needs the gateways
    or images of ours is left out, and counted as deselected."""
    left_out: list[pytest.Item] = []
    if not config.getoption("kubeconfig") and registry.answers():
        left_out = [item for item in items if item.path.stem in groups.OF_OUR_IMAGE]
    if config.getoption("kubeconfig"):
        modes = groups.MODES if config.getoption("gateway") else groups.MODES[:1]
        left_out = [item for item in items if item.path.stem in groups.OURS or groups.mode(item) not in modes]
    config.hook.pytest_deselected(items=left_out)
    left_out += [item for item in items if groups.mode(item) not in groups.only(item)]
    items[:] = [item for item in items if item not in left_out]
    first = groups.turn if hasattr(config, "workerinput") else lambda item: groups.MODES.index(groups.mode(item))
    items.sort(key=lambda item: (first(item), item.path.stem != "test_serving"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several workers hands its times over."""
    if hasattr(session.config, "workeroutput"):
        worker = os.environ["PYTEST_XDIST_WORKER"]
        stages = {f"{name} ({worker})": seconds for name, seconds in timings.stages.items()}
        session.config.workeroutput["times"] = {"stages": stages, "facts": timings.facts}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes the times of a worker over."""
    times = getattr(node, "workeroutput", {}).get("times", {})
    timings.stages |= times.get("stages", {})
    timings.facts |= times.get("facts", {})


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


@pytest.fixture(scope="session", params=groups.MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """KServe's deployment mode of the releases."""
    return request.param


@pytest.fixture(scope="session")
def gateway(cluster: up.Cluster, pytestconfig: pytest.Config) -> str:
    """Address of the gateway that knows the hosts of Knative services."""
    return pytestconfig.getoption("gateway") or gateways.address(cluster.kind, ports.KOURIER_HTTP)


@pytest.fixture(scope="session")
def outside(cluster: up.Cluster, mode: str, request: pytest.FixtureRequest) -> str | None:
    """Address of the mode's own gateway; None in Standard mode on a cluster of yours, which need not have any."""
    if mode == "Knative":
        return request.getfixturevalue("gateway")
    return gateways.address(cluster.kind, ports.INGRESS_HTTP) if cluster.kind else None


@pytest.fixture(scope="session")
def labels(cluster: up.Cluster, api: kubernetes.client.ApiClient) -> dict[str, str]:
    """Labels of this run's namespaces. Those of runs that were killed are removed: on a cluster of ours nobody else has any."""
    if cluster.kind:
        remove_namespaces(kubernetes.client.CoreV1Api(api), MARK, *(f"{key}!={value}" for key, value in RUN.items()))
    return {**MARK, **RUN}


@pytest.fixture(scope="session")
def namespace(kube_cluster: KubeCluster, api: kubernetes.client.ApiClient, diagnosed: list[Path], mode: str,
              labels: dict[str, str], request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this session's own for releases of one mode, in which Pod Security enforces `restricted`."""
    name = f"e2e-{mode.lower()}-{uuid.uuid4().hex[:6]}"
    ensure_namespace_exists(kube_cluster.kube_client, name, extra_metadata={
        "labels": {"pod-security.kubernetes.io/enforce": "restricted", **labels}})
    yield name
    if request.session.testsfailed:
        if not diagnosed:
            dump(api, name)
        if request.config.getoption("keep_on_failure"):
            return
    kubernetes.client.CoreV1Api(api).delete_namespace(name)


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
def common(cluster: up.Cluster, mode: str) -> dict[str, Any]:
    """The values that all releases of a mode have: the cluster's runtime image, small requests, the mode."""
    return helm.merged(helm.image_values(cluster.runtime_image), SMALL, {"deploymentMode": mode},
                       QUICK if mode == "Knative" else {})


@pytest.fixture(scope="session")
def wrapper_image(cluster: up.Cluster) -> str:
    """Image that has the wrapper: ours, or upstream's where a registry answers."""
    image = cluster.runtime_image
    if image == versions()["pull"]["torchserve"]:
        image = registry.pull(versions()["pull"]["torchserve-kfs"])
        assert cluster.kind
        cluster.kind.load(image)
    return image


@pytest.fixture(scope="session")
def wrapper(wrapper_image: str) -> dict[str, Any]:
    """Values of the wrapper flavour with that image."""
    return helm.merged(helm.image_values(wrapper_image), {"runtime": {"flavor": "wrapper"}})


@pytest.fixture(scope="session")
def values(common: dict[str, Any], urls: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """values(example, …): an example's own values, with its source and what all releases have, and more on top."""
    def make(example: str, *more: dict[str, Any]) -> dict[str, Any]:
        own = yaml.safe_load((EXAMPLES / example / "values.yaml").read_text())
        return helm.merged(own, common, {"models": {example: {"uri": urls[example]}}}, *more)
    return make


@pytest.fixture(scope="session")
def tiny(common: dict[str, Any], api: kubernetes.client.ApiClient, namespace: str) -> Callable[..., dict[str, Any]]:
    """tiny(word, …): values of a release whose only model, named tiny, answers every instance with that word: one or two."""
    packed = {f"{word}.mar": base64.b64encode(archive(word)).decode() for word in ("one", "two")}
    kubernetes.client.CoreV1Api(api).create_namespaced_config_map(
        namespace, {"metadata": {"name": "tiny"}, "binaryData": packed})

    def make(word: str, *more: dict[str, Any]) -> dict[str, Any]:
        return helm.merged(common, {"models": {"tiny": {"uri": f"configMap://tiny/{word}.mar"}}}, *more)
    return make


@pytest.fixture
def claims(api: kubernetes.client.ApiClient, namespace: str) -> Callable[[], list[str]]:
    """claims(): names of the claims that are there and not being deleted."""
    core = kubernetes.client.CoreV1Api(api)
    return lambda: [claim.metadata.name for claim in core.list_namespaced_persistent_volume_claim(namespace).items
                    if claim.metadata.deletion_timestamp is None]


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
