"""Real connections under the chart's NetworkPolicies, enforced: who gets through to what, and that the release still works.

What the policies mean for more pairs of pods is simulated in tests/unit/test_chart_network_policy.py.
"""

from typing import Any

import pytest

from ci import helm
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.client_pod import ClientPod
from tests.policies.conftest import METRICS, MODEL, NAME

REQUEST = {"instances": [{}]}
# Where a pod takes predict calls: TorchServe itself, or Knative's queue-proxy in front of it.
PREDICT = {"Standard": 8080, "Knative": 8012}
# What a pod listens on outside itself. In Knative mode the server's port is called from inside the pod alone; queue-proxy has one
# for its own affairs and one for figures.
LISTENING = {"Standard": {8080, METRICS}, "Knative": {8080, 8012, 8022, 9090, METRICS}}
OPEN = {
    "Standard": {"friend": {8080}, "scraper": {METRICS}, "stranger": set()},
    "Knative": {"friend": {8012}, "scraper": {METRICS}, "stranger": set()},
}
CLOSED_TO_NOBODY = {"enabled": False, "from": [], "egress": None}
ANSWER_SECONDS, SAID_SECONDS = 20, 60


def _pod_ip(release: Release) -> str:
    pod, = release.predictor_pods()
    return pod.status.pod_ip


def _is_open(caller: ClientPod, address: str, port: int) -> bool:
    """Whether something answers there, whatever it says."""
    answer = caller.request("GET", f"http://{address}:{port}/", seconds=ANSWER_SECONDS)
    return answer.status_code > 0 or "BadStatusLine" in answer.text or "RemoteDisconnected" in answer.text


def _predict(caller: ClientPod, address: str, port: int) -> Any:
    answer = caller.request("POST", f"http://{address}:{port}/v1/models/{MODEL}:predict", REQUEST)
    return answer.json() if answer.status_code == 200 else answer


def test_the_gateway_gets_through(release: Release) -> None:
    assert release.predict(MODEL, REQUEST).json() == {"predictions": ["one"]}


def test_helm_test_gets_through(release: Release, chart: helm.Helm) -> None:  # noqa: ARG001  (it is asked)
    assert "Succeeded" in chart("test", NAME, "--timeout", "120s")


def test_who_may_predict_predicts(release: Release, callers: dict[str, ClientPod], mode: str) -> None:
    assert _predict(callers["friend"], _pod_ip(release), PREDICT[mode]) == {"predictions": ["one"]}


@pytest.mark.parametrize("caller", ["friend", "scraper", "stranger"])
def test_each_caller_reaches_the_ports_that_are_meant_for_it_alone(
        release: Release, callers: dict[str, ClientPod], mode: str, caller: str) -> None:
    address = _pod_ip(release)
    assert {port for port in LISTENING[mode] if _is_open(callers[caller], address, port)} == OPEN[mode][caller]


def test_who_reads_metrics_gets_the_servers(release: Release, callers: dict[str, ClientPod]) -> None:
    assert "ts_inference_requests_total" in callers["scraper"].request("GET", f"http://{_pod_ip(release)}:{METRICS}/metrics").text


def test_a_neighbour_in_the_namespace_reaches_nothing(release: Release, neighbour: ClientPod, mode: str) -> None:
    address = _pod_ip(release)
    assert [port for port in LISTENING[mode] if _is_open(neighbour, address, port)] == []


def test_the_job_reached_the_source_and_the_predictor_reaches_nothing(release: Release, url: str) -> None:
    assert "sha256" in release.seed_logs()
    pod, = release.predictor_pods()
    ask = f"import urllib.request as u; print(u.urlopen({url!r}, timeout={ANSWER_SECONDS}).status)"
    assert "urlopen error" in release.execute(pod.metadata.name, "python", "-c", ask)


def test_without_the_policies_the_same_callers_get_through(
        release: Release, chart: helm.Helm, values: dict[str, Any], callers: dict[str, ClientPod], mode: str) -> None:
    """The last one: what was refused above was refused by the policies."""
    chart.install(NAME, helm.merged(values, {"networkPolicy": CLOSED_TO_NOBODY, "metrics": {"from": []}}))
    release.wait_until_ready()
    wait_for("the stranger to get through", lambda: _is_open(callers["stranger"], _pod_ip(release), PREDICT[mode]),
             seconds=SAID_SECONDS)
    address = _pod_ip(release)
    assert {port for port in LISTENING[mode] if _is_open(callers["stranger"], address, port)} == LISTENING[mode]
