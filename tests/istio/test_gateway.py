"""From outside, through Istio's ingress gateway: the same host in both modes, by HTTP and by HTTPS."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from ci.cluster import gateway, ports, up
from ci.release import Release
from ci.route import Route, through_gateway
from tests.istio.conftest import MODEL

PATH, REQUEST = f"v1/models/{MODEL}:predict", {"instances": [{}]}


def test_predict_is_answered_by_http(http: Route, eventually: Callable[..., Any]) -> None:
    answer = eventually(lambda: http.request("POST", PATH, json=REQUEST))
    assert answer.json() == {"predictions": ["one"]}


def test_predict_is_answered_by_https_with_a_certificate_for_the_host(https: Route, eventually: Callable[..., Any]) -> None:
    answer = eventually(lambda: https.request("POST", PATH, json=REQUEST))
    assert answer.json() == {"predictions": ["one"]}


def test_predict_is_answered_by_https_without_a_look_at_the_certificate(
        cluster: up.Cluster, release: Release, host: str, eventually: Callable[..., Any]) -> None:  # noqa: ARG001
    """As `curl -k https://localhost:8443/… -H 'Host: …'`, which names no host in TLS that the gateway knows."""
    address = gateway.address(cluster.kind, ports.INGRESS_HTTPS, scheme="https")

    def ask() -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.post(f"{address}/{PATH}", json=REQUEST, headers={"Host": host}, verify=False, timeout=60)

    with pytest.warns(Warning, match="Unverified HTTPS"):
        answer = eventually(ask)
    assert answer.json() == {"predictions": ["one"]}


def test_another_host_is_not_found(cluster: up.Cluster, release: Release) -> None:
    stranger = through_gateway(gateway.address(cluster.kind, ports.INGRESS_HTTP), gateway.host("nobody", release.namespace))
    assert stranger.request("POST", PATH, json=REQUEST).status_code == 404
