"""What only Knative mode has: its own programs meet the predictor in the locked namespace, too."""

from collections.abc import Callable
from typing import Any

import kubernetes
import pytest

from ci.cluster import gateway, knative, ports, up
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.helm import Helm, merged
from ci.release import Release
from ci.route import Route, through_gateway
from tests.e2e.watching import pods_of
from tests.istio.conftest import MODEL
from tests.istio.pods import ask_proxy, let_through

pytestmark = pytest.mark.parametrize("mode", ["Knative"], indirect=True)

ZERO_SECONDS, SCRAPED_SECONDS = 120, 60
METRICS_PORT = 9090  # of queue-proxy, for the autoscaler
SLEEPY = {"minReplicas": 0, "annotations": {"autoscaling.knative.dev/window": "6s"}}
PATH, REQUEST = f"v1/models/{MODEL}:predict", {"instances": [{}]}


def test_the_autoscaler_can_read_the_predictors_metrics(api: kubernetes.client.ApiClient, release: Release, http: Route,
                                                        eventually: Callable[..., Any]) -> None:
    eventually(lambda: http.request("POST", PATH, json=REQUEST))
    predictor = release.predictor_pods()[0].metadata

    def scrapes() -> int:
        return let_through(ask_proxy(api, predictor.namespace, predictor.name, "clusters"), METRICS_PORT)

    before = scrapes()
    wait_for("a scrape that the predictor's sidecar lets through", lambda: scrapes() > before, seconds=SCRAPED_SECONDS)
    core = kubernetes.client.CoreV1Api(api)
    pod = core.list_namespaced_pod(knative.NAMESPACE, label_selector="app=autoscaler").items[0].metadata.name

    def failures() -> list[str]:
        log = core.read_namespaced_pod_log(pod, knative.NAMESPACE, container="autoscaler", since_seconds=5)
        return [line for line in log.splitlines() if "Failed to scrape" in line and release.namespace in line]

    wait_for("5 s in which no scrape failed", lambda: not failures(), seconds=SCRAPED_SECONDS)


def test_a_release_sleeps_and_the_request_that_wakes_it_is_answered(
        cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str, chart: Helm, values: dict[str, Any]) -> None:
    sleeper, host = Release(api, namespace, "sleeper"), gateway.host("sleeper", namespace)
    way = through_gateway(gateway.address(cluster.kind, ports.INGRESS_HTTP), host)
    try:
        chart.install(sleeper.name, merged(values, SLEEPY, {"domainMapping": {"hosts": [host]}}))
        sleeper.wait_until_ready()
        wait_for("no pod of the predictor", lambda: not pods_of(sleeper), seconds=ZERO_SECONDS)
        with timings.stage("scale from zero to answer, through Istio"):
            answer = way.request("POST", PATH, json=REQUEST)
    finally:
        chart.uninstall(sleeper.name)
    assert (answer.status_code, answer.json()) == (200, {"predictions": ["one"]})
