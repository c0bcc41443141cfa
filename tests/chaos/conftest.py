"""What the tests of `nox -s chaos` share: our cluster, a namespace that enforces restricted pods, tiny releases in Standard mode.

The pieces are the e2e suite's. Only clusters of ours are taken: these tests stop parts of the node.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import kubernetes
import pytest

from ci import helm
from ci.cluster import gateway, ports, up
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.diagnose import dump
from ci.release import Release
from tests.chaos import models
from tests.chaos.node import Node
from tests.e2e.conftest import api, chart, common, diagnosed, tiny  # noqa: F401  (fixtures)
from tests.e2e.served import ARTIFACTS, install, install_for_all, uninstalled  # noqa: F401  (fixtures)
from tests.killed_runs import remove_namespaces

MARK = {"app.kubernetes.io/part-of": "torchserve-kserve-chaos"}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
MODEL, REQUEST = "tiny", {"instances": [{}]}
ROUTED_SECONDS = 60

Install = Callable[..., Release]
Serve = Callable[[str, dict[str, Any]], Release]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last of all the faults of the node, after which the cluster's own controllers start again."""
    items.sort(key=lambda item: item.path.stem == "test_node")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if timings.stages or timings.facts:
        terminalreporter.section("times")
        terminalreporter.write_line(timings.table())


@pytest.fixture(scope="session")
def cluster(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> up.Cluster:
    """Our cluster, made if need be."""
    with preparing():
        found = up.find(None, install=install_packages)
    assert found.kind
    return found


@pytest.fixture(scope="session")
def mode() -> str:
    """KServe's deployment mode of the releases."""
    return "Standard"


@pytest.fixture(scope="session")
def namespace(api: kubernetes.client.ApiClient, diagnosed: list,  # noqa: F811  (fixtures)
              request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for this run's releases, in which Pod Security enforces `restricted`; those of killed runs are removed."""
    core, name = kubernetes.client.CoreV1Api(api), f"chaos-{uuid.uuid4().hex[:6]}"
    remove_namespaces(core, MARK)
    core.create_namespace({"metadata": {"name": name, "labels": {**RESTRICTED, **MARK}}})
    yield name
    if request.session.testsfailed:
        if not diagnosed:
            dump(api, name, ARTIFACTS / "chaos")
        if request.config.getoption("keep_on_failure"):
            return
    core.delete_namespace(name)


@pytest.fixture(scope="session")
def node(cluster: up.Cluster) -> Node:
    """The cluster's only node."""
    return Node.of(cluster.kind)


@pytest.fixture(scope="session")
def door(cluster: up.Cluster) -> str:
    """Address of the gateway: a way to releases that does not lead through the API server."""
    return gateway.address(cluster.kind, ports.INGRESS_HTTP)


@pytest.fixture(scope="session")
def model(common: dict[str, Any], api: kubernetes.client.ApiClient, namespace: str) -> Callable[..., dict[str, Any]]:  # noqa: F811
    """model(name, …): values of a release whose only model, named tiny, is one of tests.chaos.models; more values on top."""
    models.offer(api, namespace)

    def make(name: str, *more: dict[str, Any]) -> dict[str, Any]:
        return helm.merged(common, {"models": {MODEL: {"uri": models.uri(name)}}}, *more)
    return make


@pytest.fixture(scope="session")
def serve(door: str, install_for_all: Install) -> Serve:  # noqa: F811  (a fixture)
    """serve(name, values): a release, once it answers at the gateway."""
    def make(name: str, given: dict[str, Any]) -> Release:
        found = replace(install_for_all(name, given), gateway=door)
        found.wait_until_ready()
        wait_for(f"the gateway to know {name}", lambda: found.predict(MODEL, REQUEST).ok, seconds=ROUTED_SECONDS)
        return found
    return make


@pytest.fixture(scope="session")
def steady(serve: Serve, model: Callable[..., dict[str, Any]]) -> Release:
    """A release that nothing is wrong with, and whose model takes some seconds to load: what happens to it comes from outside."""
    return serve("steady", model("slow-to-load"))
