"""The host `{isvc}.{namespace}.example.com` from outside: over HTTP and HTTPS, verified and not, in both modes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import requests

from ci import route
from ci.cluster import gateway as gateways
from ci.cluster import ingress, ports, up
from ci.cluster.waiting import wait_for
from ci.release import Release

NAME, TLS = "addressed", "addressed-tls"
ROUTED_SECONDS = 60
DOORS = {"Standard": (ports.INGRESS_HTTP, ports.INGRESS_HTTPS), "Knative": (ports.KOURIER_HTTP, ports.KOURIER_HTTPS)}


@pytest.fixture(scope="module")
def host(namespace: str) -> str:
    return gateways.host(NAME, namespace)


@pytest.fixture(scope="module")
def certificate(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str, mode: str, host: str) -> Iterator[None]:
    """A certificate for the host: in Knative mode the release's own, in Standard mode the gateway's for the whole namespace."""
    assert cluster.kind
    if mode == "Knative":
        kubernetes.client.CoreV1Api(api).create_namespaced_secret(namespace, {
            "metadata": {"name": TLS}, "type": "kubernetes.io/tls", "stringData": gateways.issue(cluster.kind, [host])})
        yield
        return
    names = [gateways.DOMAIN, f"*.{gateways.DOMAIN}"]
    _replace_gateway_certificate(api, gateways.issue(cluster.kind, [*names, f"*.{namespace}.{gateways.DOMAIN}"]))
    yield
    _replace_gateway_certificate(api, gateways.issue(cluster.kind, names))


@pytest.fixture(scope="module")
def addressed(install: Callable[..., Release], tiny: Callable[..., dict[str, Any]], mode: str, host: str,
              certificate: None) -> Release:  # noqa: ARG001
    """A release with that host: KServe's own in Standard mode, by a DomainMapping in Knative mode, where Knative has another."""
    mapped = {"domainMapping": {"hosts": [host], "tlsSecretName": TLS}} if mode == "Knative" else {}
    running = install(NAME, tiny("one", mapped))
    running.wait_until_ready()
    return running


@pytest.fixture(scope="module")
def ask(cluster: up.Cluster, mode: str, host: str, addressed: Release) -> Callable[[str], requests.Response]:  # noqa: ARG001
    """ask(way): the predict call to the host by `http`, `https` (verified with our CA) or `https -k`."""
    assert cluster.kind
    kind, (http, https) = cluster.kind, DOORS[mode]
    authority: Path = gateways.authority(kind)
    ways = {"http": route.through_gateway(gateways.address(kind, http), host),
            "https": route.through_gateway(gateways.address(kind, https, scheme="https"), host, authority),
            "https -k": route.through_gateway(gateways.address(kind, https, scheme="https"), host)}

    def send(way: str) -> requests.Response:
        return ways[way].request("POST", "v1/models/tiny:predict", json={"instances": [{}]})
    return send


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("way", ["http", "https", "https -k"])
def test_the_host_of_the_inference_service_answers(way: str, ask: Callable[[str], requests.Response]) -> None:
    def answered() -> requests.Response | None:
        try:
            answer = ask(way)
        except requests.ConnectionError:  # the gateway has not yet heard of the host
            return None
        return None if answer.status_code in (404, 503) else answer

    answer = wait_for(f"an answer by {way}", answered, seconds=ROUTED_SECONDS)
    assert (answer.status_code, answer.json()) == (200, {"predictions": ["one"]})


def test_the_gateway_does_not_answer_for_a_host_that_nobody_has(cluster: up.Cluster, mode: str) -> None:
    assert cluster.kind
    nobody = route.through_gateway(gateways.address(cluster.kind, DOORS[mode][0]), gateways.host("nobody", "nowhere"))
    assert nobody.request("POST", "v1/models/tiny:predict", json={"instances": [{}]}).status_code == 404


def test_the_inference_service_names_its_host(addressed: Release, mode: str, host: str) -> None:
    assert addressed.host() == (host if mode == "Standard" else gateways.host(f"{NAME}-predictor", addressed.namespace))


def _replace_gateway_certificate(api: kubernetes.client.ApiClient, content: dict[str, str]) -> None:
    kubernetes.client.CoreV1Api(api).patch_namespaced_secret(ingress.CERTIFICATE, ingress.NAMESPACE, {"stringData": content})
