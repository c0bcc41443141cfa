"""What the tests of the profile `policies` share: the enforcer on our cluster, and in each mode a release with its policies on.

Three namespaces ask the release: a friend's may predict, a scraper's may read metrics, a stranger's may do nothing.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import kubernetes
import pytest

from ci import helm
from ci import release as releases
from ci.cluster import gateway, ingress, kourier, policies, ports, up
from ci.cluster.paths import REPOSITORY
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.diagnose import dump
from ci.files_pod import FilesPod
from ci.release import Release
from tests.client_pod import ClientPod
from tests.e2e.tiny import archive
from tests.killed_runs import remove_namespaces

MARK = {"app.kubernetes.io/part-of": "torchserve-kserve-policies"}
MODES = ("Standard", "Knative")
NAME, MODEL, METRICS = "guarded", "tiny", 8082
ROLE = "torchserve-kserve/role"
CALLERS = ("friend", "scraper", "stranger")
ROUTED_SECONDS = 180
# Where the mode's gateway has its pods.
GATEWAYS = {"Standard": ingress.NAMESPACE, "Knative": kourier.NAMESPACE}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One mode after the other."""
    items.sort(key=lambda item: MODES.index(item.callspec.params.get("mode", MODES[0])) if hasattr(item, "callspec") else 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if timings.stages:
        terminalreporter.section("times")
        terminalreporter.write_line(timings.table())


@pytest.fixture(scope="session")
def cluster(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> Iterator[up.Cluster]:
    """Our cluster, made if need be, with the enforcer for as long as the tests last."""
    with preparing():
        found = up.find(None, install=install_packages)
        assert found.kind
    try:
        with preparing():
            policies.install(found.kind)
        yield found
    finally:
        policies.remove(found.kind)


@pytest.fixture(scope="session")
def api(cluster: up.Cluster) -> kubernetes.client.ApiClient:
    return releases.client(cluster.kubeconfig)


@pytest.fixture(scope="session")
def namespaces(api: kubernetes.client.ApiClient, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """A namespace for each caller and each mode's release; what killed runs left is removed."""
    core, run = kubernetes.client.CoreV1Api(api), uuid.uuid4().hex[:6]
    remove_namespaces(core, MARK)
    made = {role: f"policies-{role.lower()}-{run}" for role in (*CALLERS, *MODES)}
    for role, name in made.items():
        core.create_namespace({"metadata": {"name": name, "labels": {ROLE: role, **MARK}}})
    yield made
    if request.session.testsfailed:
        for mode in MODES:
            dump(api, made[mode], REPOSITORY / "artifacts" / made[mode])
        if request.config.getoption("keep_on_failure"):
            return
    for name in made.values():
        core.delete_namespace(name)


@pytest.fixture(scope="session", params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """KServe's deployment mode of the release."""
    return request.param


@pytest.fixture(scope="session")
def url(api: kubernetes.client.ApiClient, namespaces: dict[str, str], cluster: up.Cluster,
        tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the model lies: in a server of the stranger's, whom the seeding Job may ask and the predictor may not."""
    server = FilesPod(api, namespaces["stranger"], cluster.runtime_image)
    server.start()
    file = tmp_path_factory.mktemp("model") / "one.mar"
    file.write_bytes(archive("one"))
    return server.put(file)


@pytest.fixture(scope="session")
def values(cluster: up.Cluster, mode: str, url: str) -> dict[str, Any]:
    """Values of a release that lets nobody in but the mode's gateway and the friend, and nothing out of its predictor."""
    def role(name: str) -> dict[str, Any]:
        return {"namespaceSelector": {"matchLabels": {ROLE: name}}}

    behind = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": GATEWAYS[mode]}}}
    return helm.merged(helm.image_values(cluster.runtime_image), {
        "deploymentMode": mode, "models": {MODEL: {"uri": url, "example": {"instances": [{}]}}},
        "runtime": {"resources": {"requests": {"cpu": 0.02}}}, "seed": {"resources": {"requests": {"cpu": 0.01}}},
        "networkPolicy": {"enabled": True, "from": [behind, role("friend")], "egress": []},
        "metrics": {"enabled": True, "port": METRICS, "from": [role("scraper")]}})


@pytest.fixture(scope="session")
def chart(cluster: up.Cluster, namespaces: dict[str, str], mode: str) -> helm.Helm:
    return helm.Helm(cluster.kubeconfig, namespaces[mode])


@pytest.fixture(scope="session")
def release(api: kubernetes.client.ApiClient, chart: helm.Helm, cluster: up.Cluster, mode: str,
            values: dict[str, Any]) -> Release:
    """The release, Ready, behind its mode's gateway."""
    door = ports.INGRESS_HTTP if mode == "Standard" else ports.KOURIER_HTTP
    with timings.stage(f"helm install to Ready under policies, {mode}"):
        chart.install(NAME, values)
        found = replace(Release(api, chart.namespace, NAME), gateway=gateway.address(cluster.kind, door))
        found.wait_until_ready()
    wait_for("the gateway to know the release", lambda: found.predict(MODEL, {"instances": [{}]}).ok, seconds=ROUTED_SECONDS)
    return found


@pytest.fixture(scope="session")
def callers(api: kubernetes.client.ApiClient, namespaces: dict[str, str], cluster: up.Cluster) -> dict[str, ClientPod]:
    """A client in each caller's namespace."""
    return {role: ClientPod(api, namespaces[role], "client", cluster.runtime_image).started() for role in CALLERS}


@pytest.fixture(scope="session")
def neighbour(api: kubernetes.client.ApiClient, chart: helm.Helm, cluster: up.Cluster) -> ClientPod:
    """A client in the release's own namespace."""
    return ClientPod(api, chart.namespace, "client", cluster.runtime_image).started()
