"""Metrics, PodMonitor, alerts, dashboard: what they say fits the pods and what TorchServe really exports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.unit.cases import CASES, SMALLEST, changed
from tests.unit.render import mounted, only, render_chart

EXPOSITION = Path(__file__).with_name("exposition.txt").read_text()
KUBE_STATE = {"kube_pod_status_ready": {"namespace", "pod", "condition"},
              "kube_job_failed": {"namespace", "job_name", "condition"}}
SCRAPED = {"namespace", "pod"}  # which Prometheus adds
ON = changed(SMALLEST, metrics__enabled=True)
KNATIVE = changed(ON, deploymentMode="Knative")
ALL = changed(ON, metrics__podMonitor__enabled=True, metrics__prometheusRule__enabled=True, metrics__dashboard__enabled=True)


def exported() -> dict[str, set[str]]:
    """Metrics that have a sample in TorchServe's answer, with their labels."""
    found = {}
    for name, labels in re.findall(r"^(\w+)\{(.*)\} ", EXPOSITION, re.MULTILINE):
        found[name] = set(re.findall(r'(\w+)="', labels))
    return found


def asked(expression: str) -> dict[str, set[str]]:
    """Metrics of an expression with the labels that it selects by."""
    selectors = re.findall(r'(\w+)\{((?:[^"{}]|"[^"]*")*)\}', expression)
    return {name: set(re.findall(r'(\w+)=~?"', labels)) for name, labels in selectors}


def unknown(expression: str) -> list[str]:
    """Metrics and labels of an expression that nobody exports."""
    known = {name: labels | SCRAPED for name, labels in exported().items()} | KUBE_STATE
    metrics = asked(expression)
    assert metrics, expression
    by = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
    wrong = [f"{name}: {labels}" for name, labels in metrics.items() if name not in known or not labels <= known[name]]
    return wrong + [label for label in by if not all(label in known.get(name, ()) for name in metrics)]


def alerts(values: dict) -> dict[str, dict]:
    (group,) = only(render_chart(values), "PrometheusRule")["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def dashboard(values: dict) -> dict:
    ((name, text),) = only(render_chart(values), "ConfigMap", "dashboard")["data"].items()
    assert name == "torchserve-models-demo.json"
    return json.loads(text)


@pytest.mark.parametrize("case", CASES)
def test_nothing_listens_for_metrics_unless_asked_for(case):
    objects = render_chart(CASES[case])
    kinds = {item["kind"] for item in objects} & {"PodMonitor", "PrometheusRule"}
    assert kinds == ({"PodMonitor", "PrometheusRule"} if case == "monitoring" else set())
    if case != "monitoring":
        assert "prometheus.io/scrape" not in json.dumps(objects)
        assert "metrics_address=http://0.0.0.0" not in json.dumps(objects)


@pytest.mark.parametrize("values", [ON, KNATIVE], ids=["Standard", "Knative"])
@pytest.mark.parametrize("flavor", ["native", "wrapper"])
def test_metrics_listen_outside_the_pod_in_both_flavours(values, flavor):
    given = changed(values, runtime={"flavor": flavor, "image": {"repository": "pytorch/torchserve-kfs"}})
    objects = render_chart(given)
    written = mounted(objects)["/etc/torchserve/config.properties"].splitlines()
    assert {"metrics_address=http://0.0.0.0:8082", "metrics_mode=prometheus"} <= set(written)
    assert not [line for line in written if line.startswith("management_address") and "127.0.0.1" not in line]
    spec = only(objects, "ServingRuntime")["spec"]
    found = {key: value for key, value in spec["annotations"].items() if key.startswith("prometheus.io/")}
    assert found == {"prometheus.io/scrape": "true", "prometheus.io/port": "8082", "prometheus.io/path": "/metrics"}


@pytest.mark.parametrize(("values", "named"), [(ON, [("metrics", 8082)]), (KNATIVE, [])], ids=["Standard", "Knative"])
def test_the_port_has_a_name_and_comes_after_kserves_where_a_container_may_have_several(values, named):
    ports = only(render_chart(values), "ServingRuntime")["spec"]["containers"][0]["ports"]
    assert [(port["name"], port["containerPort"]) for port in ports[1:]] == named
    assert ports[0]["containerPort"] == 8080


def test_the_monitor_asks_the_pods_at_the_named_port():
    spec = only(render_chart(CASES["monitoring"]), "PodMonitor")["spec"]
    assert spec["podMetricsEndpoints"] == [{"port": "metrics", "path": "/metrics", "interval": "15s", "scrapeTimeout": "5s"}]
    assert spec["selector"]["matchLabels"] == {"serving.kserve.io/inferenceservice": "demo", "component": "predictor"}


def test_in_knative_mode_it_asks_beside_the_port_that_knative_knows():
    monitor = only(render_chart(changed(KNATIVE, metrics__podMonitor__enabled=True)), "PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (rule,) = endpoint["relabelings"]
    assert endpoint["port"] == "user-port", "Knative's name of the container's port"
    assert re.sub(rule["regex"], rule["replacement"].replace("$1", r"\1"), "10.1.2.3:8080") == "10.1.2.3:8082"


def test_the_alerts_are_these():
    assert set(alerts(ALL)) == {"TorchServeModelNotReady", "TorchServeSeedFailed", "TorchServeMetricsAbsent",
                                "TorchServeWorkerDied", "TorchServeQueueTime", "TorchServeErrors"}  # fmt: skip


@pytest.mark.parametrize("values", [ALL, changed(ALL, deploymentMode="Knative", minReplicas=0)], ids=["Standard", "Knative"])
def test_alerts_and_panels_ask_for_what_is_exported(values):
    targets = [target["expr"] for panel in dashboard(values)["panels"] for target in panel["targets"]]
    expressions = [rule["expr"] for rule in alerts(values).values()] + targets
    assert {expression: unknown(expression) for expression in expressions if unknown(expression)} == {}


def test_a_metric_that_nobody_exports_is_found():
    wrong = ['rate(ts_requests{pod="x"}[5m])', 'WorkerLoadTime{model="x"}', 'sum by (a) (QueueTime{pod="x"})']
    assert [expression for expression in wrong if not unknown(expression)] == []


@pytest.mark.parametrize(
    ("mode", "pods"),
    [("Standard", ["demo-predictor-6d5f7c9b8-x2x4z"]), ("Knative", ["demo-predictor-00012-deployment-6d5f7c9b8-x2x4z"])],
)
def test_series_are_those_of_the_releases_pods_alone(mode, pods):
    expression = alerts(changed(ALL, deploymentMode=mode))["TorchServeErrors"]["expr"]
    pattern = re.search(r'pod=~"([^"]*)"', expression)[1]
    strangers = ["demo-predictor-predictor-6d5f7c9b8-x2x4z", "demo-seed-0123456789-x2x4z", "demo2-predictor-6d5f7c9b8-x2x4z"]
    assert [pod for pod in [*pods, *strangers] if re.fullmatch(pattern, pod)] == pods
    assert 'namespace="models"' in expression


@pytest.mark.parametrize("more", [{"deploymentMode": "Knative", "minReplicas": 0}, {"autoscalerClass": "external"}],
                         ids=["zero", "external"])
def test_a_release_that_may_be_at_zero_is_silent_there(more):
    found = alerts(changed(ALL, **more))
    assert "TorchServeMetricsAbsent" not in found
    assert re.fullmatch(r"sum\(kube_pod_status_ready\{.*\}\) == 0", found["TorchServeModelNotReady"]["expr"])


def test_without_kube_state_metrics_nobody_is_told_that_pods_are_not_ready():
    # `or vector(0)` would say so in any cluster that lacks it.
    assert "or 0 * count(kube_pod_status_ready)) < 1" in alerts(ALL)["TorchServeModelNotReady"]["expr"]


def test_thresholds_are_the_values():
    found = alerts(CASES["monitoring"])
    ends = {name: rule["expr"].rpartition(" ")[2] for name, rule in found.items()}
    assert (ends["TorchServeModelNotReady"], ends["TorchServeWorkerDied"]) == ("2", "2")
    assert (ends["TorchServeQueueTime"], ends["TorchServeErrors"]) == ("500", "1")
    assert {rule["for"] for rule in found.values()} == {"0m", "10m", "30m"}


def test_two_releases_have_two_dashboards():
    (text,) = only(render_chart(ALL, release="two"), "ConfigMap", "dashboard")["data"].values()
    one, other = dashboard(ALL)["uid"], json.loads(text)["uid"]
    assert one != other
    assert len(one) <= 40, "Grafana takes no more"


def test_the_dashboard_has_no_placeholder_left_and_is_found_by_grafanas_sidecar():
    assert "@" not in json.dumps(dashboard(ALL))
    assert only(render_chart(ALL), "ConfigMap", "dashboard")["metadata"]["labels"]["grafana_dashboard"] == "1"
