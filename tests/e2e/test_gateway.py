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

ROUTED_SECONDS = 180
DOORS = {"Standard": (ports.INGRESS_HTTP, ports.INGRESS_HTTPS), "Knative": (ports.KOURIER_HTTP, ports.KOURIER_HTTPS)}
PATH = "v1/models/bert:predict"


@pytest.fixture(scope="module")
def host(releases: dict[str, Release]) -> str:
    return gateways.host(releases["bert"].name, releases["bert"].namespace)


@pytest.fixture(scope="module")
def certificate(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str, mode: str) -> Iterator[None]:
    """A certificate for the host: in Knative mode the release has its own, in Standard mode the gateway's is for the whole
    namespace."""
    if mode == "Knative":
        yield
        return
    assert cluster.kind
    names = [gateways.DOMAIN, f"*.{gateways.DOMAIN}"]
    _replace_gateway_certificate(api, gateways.issue(cluster.kind, [*names, f"*.{namespace}.{gateways.DOMAIN}"]))
    yield
    _replace_gateway_certificate(api, gateways.issue(cluster.kind, names))


@pytest.fixture(scope="module")
def ask(cluster: up.Cluster, mode: str, host: str, certificate: None,  # noqa: ARG001
        example: Callable[[str, str], Any]) -> Callable[[str], requests.Response]:
    """ask(way): the predict call to the host by `http`, `https` (verified with our CA) or `https -k`."""
    assert cluster.kind
    kind, (http, https) = cluster.kind, DOORS[mode]
    authority: Path = gateways.authority(kind)
    ways = {"http": route.through_gateway(gateways.address(kind, http), host),
            "https": route.through_gateway(gateways.address(kind, https, scheme="https"), host, authority),
            "https -k": route.through_gateway(gateways.address(kind, https, scheme="https"), host)}

    def send(way: str) -> requests.Response:
        return ways[way].request("POST", PATH, json=example("bert", "request.json"))
    return send


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("way", ["http", "https", "https -k"])
def test_the_host_of_the_inference_service_answers(
        way: str, ask: Callable[[str], requests.Response], example: Callable[[str, str], Any]) -> None:
    def answered() -> requests.Response | None:
        try:
            answer = ask(way)
        except requests.ConnectionError:  # the gateway has not yet heard of the host
            return None
        return None if answer.status_code in (404, 503) else answer

    answer = wait_for(f"an answer by {way}", answered, seconds=ROUTED_SECONDS)
    assert (answer.status_code, answer.json()) == (200, example("bert", "expected.json"))


def test_the_gateway_does_not_answer_for_a_host_that_nobody_has(cluster: up.Cluster, mode: str) -> None:
    assert cluster.kind
    nobody = route.through_gateway(gateways.address(cluster.kind, DOORS[mode][0]), gateways.host("nobody", "nowhere"))
    assert nobody.request("POST", PATH, json={"instances": [{}]}).status_code == 404


def test_the_inference_service_names_its_host(releases: dict[str, Release], mode: str, host: str) -> None:
    bert = releases["bert"]
    assert bert.host() == (host if mode == "Standard" else gateways.host(f"{bert.name}-predictor", bert.namespace))


def _replace_gateway_certificate(api: kubernetes.client.ApiClient, content: dict[str, str]) -> None:
    kubernetes.client.CoreV1Api(api).patch_namespaced_secret(ingress.CERTIFICATE, ingress.NAMESPACE, {"stringData": content})
