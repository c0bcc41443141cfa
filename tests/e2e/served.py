"""Releases for tests: one that a module installs for itself, and those of the main job, which several modules look at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import kubernetes
import pytest

from ci import helm
from ci.cluster import gateway as gateways
from ci.cluster import up
from ci.cluster.paths import REPOSITORY
from ci.cluster.report import timings
from ci.diagnose import dump
from ci.release import Release
from tests.e2e.watching import Seen, watched

ARTIFACTS = REPOSITORY / "artifacts"
CALLED = {"digits": "digits", "bert": "torchserve"}  # example -> release, in the order of their installation
TLS = "torchserve-tls"

Install = Callable[..., Release]


class OnDemand(dict[str, Release]):
    """Releases by name, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], Release]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, name: str) -> Release:
        self[name] = self.make(name)
        return self[name]


@contextmanager
def _installer(request: pytest.FixtureRequest, what: str) -> Iterator[Install]:
    """install(name, values, by=helm, …): a release, by another helm if given and with options for it, uninstalled when the block
    ends; diagnosed before if a test failed meanwhile."""
    chart, api, namespace, mode = (request.getfixturevalue(name) for name in ("chart", "api", "namespace", "mode"))
    made: dict[str, helm.Helm] = {}
    failed_before = request.session.testsfailed

    def make(name: str, given: dict[str, Any], *options: str, by: helm.Helm | None = None) -> Release:
        made[name] = by or chart
        made[name].install(name, given, *options)
        return Release(api, namespace, name, request.getfixturevalue("gateway") if mode == "Knative" else None)

    yield make
    if request.session.testsfailed > failed_before:
        request.getfixturevalue("diagnosed").append(dump(api, namespace, ARTIFACTS / what))
        if request.config.getoption("keep_on_failure"):
            return
    for name, program in made.items():
        program.uninstall(name)
    request.getfixturevalue("uninstalled").extend(made)


@pytest.fixture(scope="session")
def uninstalled(namespace: str) -> list[str]:  # noqa: ARG001  (anew for each mode)
    """The releases of this mode that were uninstalled."""
    return []


@pytest.fixture(scope="module")
def install(chart: helm.Helm, uninstalled: list[str], mode: str, request: pytest.FixtureRequest) -> Iterator[Install]:  # noqa: ARG001
    """install(name, values): a release, uninstalled when the module's tests are over; diagnosed before if one failed."""
    with _installer(request, request.path.stem) as make:
        yield make


@pytest.fixture(scope="session")
def install_for_all(chart: helm.Helm, uninstalled: list[str], mode: str, request: pytest.FixtureRequest) -> Iterator[Install]:  # noqa: ARG001
    """The same for releases that last as long as the mode."""
    with _installer(request, "served") as make:
        yield make


@pytest.fixture(scope="session")
def changes(api: kubernetes.client.ApiClient, namespace: str) -> Iterator[list[Seen]]:
    """Every state of the InferenceServices, from before the first `helm install` on."""
    listing = kubernetes.client.CustomObjectsApi(api).list_namespaced_custom_object
    with watched(listing, "serving.kserve.io", "v1beta1", namespace, "inferenceservices") as seen:
        yield seen


@pytest.fixture(scope="session")
def hosted(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str, mode: str) -> dict[str, Any]:
    """Values that give bert's release its host `{isvc}.{namespace}.example.com` with a certificate, where it would have another:
    in Knative mode, by a DomainMapping, on a cluster of ours."""
    if mode != "Knative" or not cluster.kind:
        return {}
    host = gateways.host(CALLED["bert"], namespace)
    kubernetes.client.CoreV1Api(api).create_namespaced_secret(namespace, {
        "metadata": {"name": TLS}, "type": "kubernetes.io/tls", "stringData": gateways.issue(cluster.kind, [host])})
    return {"domainMapping": {"hosts": [host], "tlsSecretName": TLS}}


@pytest.fixture(scope="session")
def releases(install_for_all: Install, values: Callable[..., dict[str, Any]], example: Callable[[str, str], Any],
             hosted: dict[str, Any], mode: str, changes: list[Seen]) -> dict[str, Release]:  # noqa: ARG001  (it watches them begin)
    """A release of each example in one namespace, installed when it is first asked for, and timed from `helm install` to its
    first answer, which must be right."""
    def make(name: str) -> Release:
        given, request = values(name, hosted if name == "bert" else {}), example(name, "request.json")
        with timings.stage(f"helm install {name} to first right answer, {mode}"):
            found = install_for_all(CALLED[name], given)
            found.wait_until_ready()
            answer = found.predict(name, request)
        assert (answer.status_code, answer.json()) == (200, example(name, "expected.json"))
        return found
    return OnDemand(make)
