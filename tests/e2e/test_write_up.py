"""The write-up that this project re-builds: its names, its settings as near as they work, its requests by curl as they were."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import kubernetes
import pytest

from ci import edge_client, helm, migration, release
from ci.cluster import edge as edges
from ci.cluster import gateway as gateways
from ci.cluster import ports, up
from ci.cluster.waiting import wait_for
from ci.diagnose import dump
from tests.curl import typed_in

pytestmark = pytest.mark.only("Knative")

HOST = gateways.host(migration.RELEASE, migration.NAMESPACE)
SAMPLE = '{"instances":[{"data":"Hello World!"}]}'
GONE_SECONDS = 300
# As it was typed. -T alone would send a PUT.
HTTP = ('curl -sS -X POST -H "Host: ${SERVICE_HOSTNAME}" -H "Cookie: authservice_session=${SESSION}" -T sample.json '
        'http://localhost:8080/v1/models/${MODEL_NAME}:predict')
HTTPS = ('curl -sS -k -X POST -H "Host: ${SERVICE_HOSTNAME}" -H "Cookie: authservice_session=${SESSION}" -T sample.json '
         'https://localhost:8443/v1/models/${MODEL_NAME}:predict')


@pytest.fixture(scope="module")
def served(cluster: up.Cluster, api: kubernetes.client.ApiClient, urls: dict[str, str], gateway: str,
           wrapper: dict[str, Any], labels: dict[str, str], request: pytest.FixtureRequest) -> Iterator[release.Release]:
    """The write-up's release in its namespace, on a claim that was there before it."""
    core = kubernetes.client.CoreV1Api(api)
    wait_for("the namespace of an older run to be gone", lambda: not _there(core), seconds=GONE_SECONDS)
    core.create_namespace({"metadata": {"name": migration.NAMESPACE, "labels": labels}})
    core.create_namespaced_persistent_volume_claim(migration.NAMESPACE, {
        "metadata": {"name": migration.CLAIM},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    failed_before, done = request.session.testsfailed, False
    try:
        own = helm.merged(migration.values(), wrapper, {"models": {migration.MODEL: {"uri": urls["bert"]}}})
        helm.Helm(cluster.kubeconfig, migration.NAMESPACE).install(migration.RELEASE, own)
        running = release.Release(api, migration.NAMESPACE, migration.RELEASE, gateway)
        running.wait_until_ready()
        yield running
        done = request.session.testsfailed == failed_before
    finally:
        if not done:
            dump(api, migration.NAMESPACE)
        if done or not request.config.getoption("keep_on_failure"):
            core.delete_namespace(migration.NAMESPACE)


@pytest.fixture(scope="module")
def entrance(cluster: up.Cluster, preparing: Callable[[], AbstractContextManager[None]],
             pytestconfig: pytest.Config) -> tuple[tuple[int, int], str]:
    """The node's ports for HTTP and HTTPS, and a session: of the authenticating edge with `--profile edge`, else of the gateway,
    which asks for none."""
    if pytestconfig.getoption("profile") != "edge":
        return (ports.KOURIER_HTTP, ports.KOURIER_HTTPS), "any"
    assert cluster.kind
    with preparing():
        edge = edges.install(cluster.kind)
    return (ports.EDGE_HTTP, ports.EDGE_HTTPS), edge_client.login(edge.http, edge.secrets.user, edge.secrets.password)


@pytest.fixture(scope="module")
def curl(cluster: up.Cluster, served: release.Release, entrance: tuple[tuple[int, int], str],  # noqa: ARG001  (it is asked)
         curl_program: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:  # noqa: ARG001  (it is on PATH)
    """curl(command): runs a command of the write-up in its environment; localhost's two ports lead to the entrance."""
    assert cluster.kind
    (http, https), session = entrance
    doors = cluster.kind.loopback_port(http), cluster.kind.loopback_port(https)
    return typed_in(tmp_path_factory.mktemp("write-up"), SAMPLE, doors,
                    {"MODEL_NAME": migration.MODEL, "SERVICE_HOSTNAME": HOST, "SESSION": session})


@pytest.mark.parametrize("command", [HTTP, HTTPS], ids=["http", "https"])
def test_the_request_of_the_write_up_is_answered_as_it_was(command: str, curl: Callable[[str], str]) -> None:
    assert json.loads(curl(command)) == {"predictions": [4]}


def test_its_pod_has_the_containers_of_the_write_up_less_the_mesh(served: release.Release) -> None:
    pod, = served.predictor_pods()
    assert sorted(container.name for container in pod.spec.containers) == ["kserve-container", "queue-proxy"]


def test_its_settings_are_the_servers(served: release.Release) -> None:
    pod, = served.predictor_pods()
    written = served.execute(pod.metadata.name, "cat", "/etc/torchserve/config.properties").splitlines()
    for line in ("number_of_netty_threads=4", "job_queue_size=100"):
        assert line in written
    snapshot = next(line for line in written if line.startswith("model_snapshot="))
    for part in ('"minWorkers":1', '"maxWorkers":5', '"batchSize":1', '"maxBatchDelay":5000', '"responseTimeout":120'):
        assert part in snapshot
    container = next(item for item in pod.spec.containers if item.name == "kserve-container")
    assert container.resources.limits == {"cpu": "2", "memory": "2Gi"}
    assert container.resources.requests == {"cpu": "500m", "memory": "512Mi"}


def _there(core: kubernetes.client.CoreV1Api) -> bool:
    return migration.NAMESPACE in [item.metadata.name for item in core.list_namespace().items]
