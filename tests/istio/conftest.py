"""What the tests of the profile `istio` share: its cluster, and in each mode a namespace that is locked, with a release in it.

Locked: every pod has a sidecar, takes nothing but mutual TLS, and refuses each request that no AuthorizationPolicy allows.
"""

import base64
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from ci import helm
from ci import release as releases
from ci.cluster import gateway, istio, ports, profile_istio, up
from ci.cluster.paths import REPOSITORY
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.diagnose import dump
from ci.release import Release
from ci.route import Route, through_gateway
from tests.client_pod import ClientPod
from tests.e2e.tiny import archive
from tests.killed_runs import remove_namespaces

MARK = {"app.kubernetes.io/part-of": "torchserve-kserve-istio"}
HERE = Path(__file__).parent
MODES = ("Standard", "Knative")
NAME, MODEL = "bert", "tiny"
INJECT = "sidecar.istio.io/inject"
PROGRAMMED_SECONDS = 60
BEGAN = time.monotonic()
ARTIFACTS = REPOSITORY / "artifacts"
LOCKS: list[tuple[str, str, dict[str, Any]]] = [
    ("PeerAuthentication", "peerauthentications", {"mtls": {"mode": "STRICT"}}),
    ("AuthorizationPolicy", "authorizationpolicies", {}),  # allows nothing
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One mode after the other, so that the two cores serve one release at a time."""
    items.sort(key=lambda item: item.path.parent == HERE and MODES.index(item.callspec.params.get("mode", MODES[0])))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if timings.stages:
        terminalreporter.section("times")
        terminalreporter.write_line(timings.table())


@pytest.fixture(scope="session")
def cluster(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> up.Cluster:
    """The cluster of the profile, made if need be."""
    with preparing():
        return profile_istio.find(install=install_packages)


@pytest.fixture(scope="session")
def api(cluster: up.Cluster) -> kubernetes.client.ApiClient:
    return releases.client(cluster.kubeconfig)


@pytest.fixture(scope="session")
def clean(api: kubernetes.client.ApiClient) -> None:
    """Removes namespaces of runs that were killed."""
    remove_namespaces(kubernetes.client.CoreV1Api(api), MARK)


@pytest.fixture(scope="session", params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """KServe's deployment mode of the release."""
    return request.param


@pytest.fixture(scope="session")
def namespace(cluster: up.Cluster, api: kubernetes.client.ApiClient, mode: str, clean: None,  # noqa: ARG001
              request: pytest.FixtureRequest) -> Iterator[str]:
    """A locked namespace, whose hosts the gateway has a certificate for."""
    name = f"istio-{mode.lower()}-{uuid.uuid4().hex[:6]}"
    core, custom = kubernetes.client.CoreV1Api(api), kubernetes.client.CustomObjectsApi(api)
    core.create_namespace({"metadata": {"name": name, "labels": {"istio-injection": "enabled", **MARK}}})
    for kind, plural, spec in LOCKS:
        custom.create_namespaced_custom_object("security.istio.io", "v1", name, plural, {
            "apiVersion": "security.istio.io/v1", "kind": kind, "metadata": {"name": "default"}, "spec": spec})
    packed = {"one.mar": base64.b64encode(archive("one")).decode()}
    core.create_namespaced_config_map(name, {"metadata": {"name": MODEL}, "binaryData": packed})
    istio.certify(cluster.kind, [name])
    failed_before = request.session.testsfailed
    yield name
    if request.session.testsfailed > failed_before:
        dump(api, name, ARTIFACTS / name)
        if request.config.getoption("keep_on_failure"):
            return
    core.delete_namespace(name)


@pytest.fixture(scope="session")
def chart(cluster: up.Cluster, namespace: str) -> helm.Helm:
    return helm.Helm(cluster.kubeconfig, namespace)


@pytest.fixture(scope="session")
def host(namespace: str) -> str:
    """The release's host from outside: KServe's own in Standard mode, a DomainMapping in Knative mode."""
    return gateway.host(NAME, namespace)


@pytest.fixture(scope="session")
def values(cluster: up.Cluster, mode: str, host: str) -> dict[str, Any]:
    """The values of the release: in the mesh, open exactly for its model, at `host`."""
    given: dict[str, Any] = {
        "deploymentMode": mode, "models": {MODEL: {"uri": f"configMap://{MODEL}/one.mar", "example": {"instances": [{}]}}},
        "runtime": {"resources": {"requests": {"cpu": 0.1}}},
        "kubeflow": {"enabled": True, "authorizationPolicy": {"enabled": True}},
    }
    mapped = {"domainMapping": {"hosts": [host]}} if mode == "Knative" else {}
    return helm.merged(helm.image_values(cluster.runtime_image), given, mapped)


@pytest.fixture(scope="session")
def release(api: kubernetes.client.ApiClient, namespace: str, mode: str, chart: helm.Helm, values: dict[str, Any]) -> Release:
    """A release of the chart that is Ready."""
    with timings.stage(f"helm install to Ready, {mode}"):
        chart.install(NAME, values)
        found = Release(api, namespace, NAME)
        found.wait_until_ready()
    return found


@pytest.fixture(scope="session")
def http(cluster: up.Cluster, release: Release, host: str) -> Route:  # noqa: ARG001  (it is the release's)
    """The way to the release by HTTP through Istio's ingress gateway."""
    return through_gateway(gateway.address(cluster.kind, ports.INGRESS_HTTP), host)


@pytest.fixture(scope="session")
def https(cluster: up.Cluster, release: Release, host: str) -> Route:  # noqa: ARG001  (it is the release's)
    """The way to the release by HTTPS, with the gateway's certificate verified."""
    address = gateway.address(cluster.kind, ports.INGRESS_HTTPS, scheme="https")
    return through_gateway(address, host, gateway.authority(cluster.kind))


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """eventually(call, status): its answer once it has this status; proxies hear of policies and routes within seconds."""
    def wait(call: Callable[[], Any], status: int = 200) -> Any:
        answers: list[Any] = []

        def right() -> bool:
            answers.append(call())
            return answers[-1].status_code == status

        wait_for(f"an answer with status {status}", right, seconds=PROGRAMMED_SECONDS)
        return answers[-1]
    return wait


@pytest.fixture(scope="session")
def inside(api: kubernetes.client.ApiClient, namespace: str, cluster: up.Cluster) -> ClientPod:
    """A client in a pod of the namespace, with a sidecar."""
    return ClientPod(api, namespace, "inside", cluster.runtime_image, {INJECT: "true"}).started()


@pytest.fixture(scope="session")
def outside(api: kubernetes.client.ApiClient, namespace: str, cluster: up.Cluster) -> ClientPod:
    """A client in a pod of the namespace, without a sidecar."""
    return ClientPod(api, namespace, "outside", cluster.runtime_image, {INJECT: "false"}).started()
