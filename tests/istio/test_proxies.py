"""After all other tests (files run in the order of their names): the proxies were asked for nothing that stock Envoy lacks, took
all of their configuration, and have complained of nothing since these tests began."""

import math
import re
import time

import kubernetes
import pytest

from ci.cluster import istio
from ci.release import Release
from tests.istio.conftest import BEGAN
from tests.istio.pods import SIDECAR, ask_proxy, complaints, sidecars

# Pattern of a line -> why it is right that it is there.
EXPLAINED = {
    r"\terror\tprobes\tRequest to probe app failed: .*connection refused":
        "the agent passes kubelet's HTTP probes on, and the first may come before queue-proxy listens",
}
# Types of messages that only Istio's own Envoy knows: of the filters istio.metadata_exchange, istio.alpn and istio.stats,
# and whatever else is named so.
ISTIO_ONLY = re.compile(
    r'"(?:@type|type_url)": "((?:type\.googleapis\.com/)?(?:io\.istio|istio|envoy\.tcp\.metadataexchange|stats)\.[^"]+)"')


@pytest.fixture(params=["the predictor's sidecar", "the gateway"])
def proxy(request: pytest.FixtureRequest, api: kubernetes.client.ApiClient, release: Release) -> tuple[str, str]:
    """Namespace and pod of a proxy."""
    if request.param == "the gateway":
        pods = kubernetes.client.CoreV1Api(api).list_namespaced_pod(istio.NAMESPACE, label_selector="istio=ingressgateway").items
    else:
        pods = release.predictor_pods()
    assert len(pods) == 1
    assert sidecars(pods[0])
    return pods[0].metadata.namespace, pods[0].metadata.name


def test_a_proxy_is_asked_for_nothing_that_stock_envoy_lacks(api: kubernetes.client.ApiClient, proxy: tuple[str, str]) -> None:
    configuration = ask_proxy(api, *proxy, "config_dump")
    assert "envoy.extensions.filters.network.http_connection_manager" in configuration
    assert set(ISTIO_ONLY.findall(configuration)) == set()


def test_a_proxy_has_taken_all_of_its_configuration(api: kubernetes.client.ApiClient, proxy: tuple[str, str]) -> None:
    counters = dict(line.split(": ") for line in ask_proxy(api, *proxy, "stats?filter=update_rejected").split("\n") if line)
    assert counters
    assert {name: count for name, count in counters.items() if count != "0"} == {}


def test_a_proxy_has_not_complained(api: kubernetes.client.ApiClient, proxy: tuple[str, str]) -> None:
    namespace, pod = proxy
    core, began = kubernetes.client.CoreV1Api(api), math.ceil(time.monotonic() - BEGAN)
    assert "Envoy proxy is ready" in core.read_namespaced_pod_log(pod, namespace, container=SIDECAR)
    # The gateway may be older than these tests, and have lived through other things.
    log = core.read_namespaced_pod_log(pod, namespace, container=SIDECAR, since_seconds=began)
    assert complaints(log, EXPLAINED) == []
