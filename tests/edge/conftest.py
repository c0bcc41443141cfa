"""What the tests of the edge share: the edge in front of Knative's gateway, a target behind it, and how it is asked."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests

from ci import edge_client
from ci.cluster import edge as edges
from ci.cluster import gateway, up
from ci.cluster.waiting import wait_for

from .target import Target, knative_service

READY_SECONDS = 120
ANSWER_SECONDS = 60
NAME = "target"
MARK = {"app.kubernetes.io/part-of": "torchserve-kserve-edge"}


def pytest_configure(config: pytest.Config) -> None:
    # One of the ways to ask is without verification, on purpose.
    config.addinivalue_line("filterwarnings", "ignore:Unverified HTTPS request")


@pytest.fixture(scope="session")
def cluster(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> up.Cluster:
    """Our cluster, made if need be: the edge is put on no other."""
    with preparing():
        return up.find(None, install=install_packages)


@pytest.fixture(scope="session")
def edge(cluster: up.Cluster, preparing: Callable[[], AbstractContextManager[None]]) -> edges.Edge:
    """The edge in front of Knative's gateway. It stays: the cluster with it is what the profile `edge` is."""
    assert cluster.kind
    with preparing():
        return edges.install(cluster.kind)


@pytest.fixture(scope="session")
def mirror(cluster: up.Cluster) -> Iterator[Target]:
    """A Knative Service in a namespace of its own, which answers when it is asked rightly, and says what the edge told it."""
    kind, namespace = cluster.kind, f"edge-{uuid.uuid4().hex[:6]}"
    assert kind
    # What killed runs left: one run at a time is on the edge.
    kind.kubectl("delete", "namespace", "--selector", ",".join(f"{key}={value}" for key, value in MARK.items()), "--wait=false")
    kind.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": MARK}},
                knative_service(NAME, namespace, cluster.runtime_image)])
    wait_for(f"{namespace}/{NAME} to be ready", lambda: kind.kubectl(
        "--namespace", namespace, "get", "services.serving.knative.dev", NAME, "--output",
        "jsonpath={.status.conditions[?(@.type=='Ready')].status}") == "True", seconds=READY_SECONDS)
    yield Target(gateway.host(NAME, namespace))
    kind.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture(scope="session")
def target(mirror: Target) -> Target:
    """What is asked in all other tests: any server behind the gateway will do."""
    return mirror


@pytest.fixture(scope="session")
def session(edge: edges.Edge) -> str:
    """The session cookie of the test user, from a scripted login."""
    return edge_client.login(edge.http, edge.secrets.user, edge.secrets.password)


@pytest.fixture(params=["http", "https", "https -k"])
def ask(request: pytest.FixtureRequest, edge: edges.Edge, target: Target) -> Callable[..., requests.Response]:
    """ask(cookie=…, bearer=…, accept=…): the target's request through the edge; HTTP, and HTTPS with and without our CA."""
    ways = {"http": (edge.http, True), "https": (edge.https, str(edge.ca)), "https -k": (edge.https, False)}
    base, verify = ways[request.param]

    def send(*, cookie: str | None = None, bearer: str | None = None, accept: str | None = None,
             at: Target = target) -> requests.Response:
        given: dict[str, Any] = {
            "Host": at.host, "Accept": accept, "Cookie": cookie and f"authservice_session={cookie}",
            "Authorization": bearer and f"Bearer {bearer}",
            # The edge says who asks, nobody else.
            "kubeflow-userid": "somebody@else",
        }
        with requests.Session() as client:
            client.trust_env = False
            return client.post(f"{base}{at.path}", data=at.text, verify=verify, allow_redirects=False,
                               timeout=ANSWER_SECONDS, headers={name: value for name, value in given.items() if value})
    return send
