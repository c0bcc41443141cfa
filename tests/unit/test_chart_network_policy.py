"""Who may connect to whom under the chart's NetworkPolicies, by a simulation of what Kubernetes says they mean."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.network import Pod, may_connect
from tests.unit.render import NAMESPACE, RELEASE, of_kind, only, render_chart

ON = changed(SMALLEST, networkPolicy__enabled=True)
FROM = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}}]
SCRAPER = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
CLOSED = changed(ON, networkPolicy__from=FROM, metrics={"enabled": True, "from": SCRAPER})

PREDICTOR = Pod(NAMESPACE, {"serving.kserve.io/inferenceservice": RELEASE, "component": "predictor"})
GATEWAY, PROMETHEUS, KNATIVE = Pod("gateway"), Pod("monitoring"), Pod("knative-serving")
NEIGHBOUR, WORLD = Pod(NAMESPACE), Pod("", address="203.0.113.7")
SOURCES = (GATEWAY, PROMETHEUS, KNATIVE, NEIGHBOUR, WORLD)
PORTS = (7070, 7071, 8012, 8013, 8022, 8080, 8081, 8082, 8085, 8086, 8112, 9090, 9091)


def policies(values: dict) -> list[dict]:
    return of_kind(render_chart(values), "NetworkPolicy")


def own(component: str, values: dict) -> Pod:
    """A pod that the chart itself makes, with its labels."""
    objects = render_chart(values)
    made = only(objects, "Job")["spec"]["template"] if component == "seed" else only(objects, "Pod")
    return Pod(NAMESPACE, made["metadata"]["labels"])


def open_ports(values: dict, source: Pod) -> set[int]:
    return {port for port in PORTS if may_connect(policies(values), NAMESPACE, source, PREDICTOR, port)}


def test_there_is_no_policy_unless_asked_for():
    assert [case for case in CASES if policies(CASES[case])] == ["monitoring"]
    assert open_ports(SMALLEST, WORLD) == set(PORTS)


@pytest.mark.parametrize("source", SOURCES)
def test_anyone_may_predict_and_nothing_else(source):
    assert open_ports(ON, source) == {8080}


def test_both_ports_of_the_wrapper_are_open():
    wrapper = changed(ON, runtime={"flavor": "wrapper", "image": {"repository": "pytorch/torchserve-kfs"}})
    assert open_ports(wrapper, WORLD) == {8080, 8081}


def test_metrics_are_for_those_who_are_named():
    assert {source: ports for source in (GATEWAY, PROMETHEUS, NEIGHBOUR, WORLD)
            if (ports := tuple(open_ports(CLOSED, source)))} == {GATEWAY: (8080,), PROMETHEUS: (8082,)}  # fmt: skip


def test_metrics_are_for_nobody_if_none_is_named():
    assert all(open_ports(changed(ON, metrics__enabled=True), source) == {8080} for source in SOURCES)


def test_helm_test_may_predict():
    assert open_ports(CLOSED, own("test", CLOSED)) == {8080}


def test_knatives_activator_and_autoscaler_reach_queue_proxy():
    knative = changed(CLOSED, deploymentMode="Knative")
    assert open_ports(knative, KNATIVE) == {8012, 8013, 8112, 9090}
    assert open_ports(knative, GATEWAY) == {8012, 8013, 8112}
    assert open_ports(knative, PROMETHEUS) == {8082, 9091}
    assert open_ports(knative, WORLD) == open_ports(knative, NEIGHBOUR) == set()


@pytest.mark.parametrize("source", SOURCES)
def test_nobody_may_connect_to_the_seeding_pod(source):
    seed = own("seed", ON)
    assert not any(may_connect(policies(ON), NAMESPACE, source, seed, port) for port in PORTS)


def test_egress_is_free_unless_given():
    seed = own("seed", ON)
    assert all(may_connect(policies(ON), NAMESPACE, pod, WORLD, 443) for pod in (seed, PREDICTOR))


def test_egress_is_what_is_given():
    values = CASES["monitoring"]
    seed, given = own("seed", values), policies(values)
    assert not may_connect(given, NAMESPACE, PREDICTOR, WORLD, 443)
    assert may_connect(given, NAMESPACE, seed, WORLD, 443)
    assert may_connect(given, NAMESPACE, seed, Pod("kube-system"), 53, "UDP")
    assert not may_connect(given, NAMESPACE, seed, WORLD, 80)
    assert not may_connect(given, NAMESPACE, seed, Pod("", address="169.254.169.254"), 443)


def test_another_release_is_not_touched():
    other = Pod(NAMESPACE, {"serving.kserve.io/inferenceservice": "other", "component": "predictor"})
    assert may_connect(policies(CLOSED), NAMESPACE, WORLD, other, 8082)


def test_without_a_job_there_is_one_policy():
    assert [item["metadata"]["name"] for item in policies(changed(EXISTING, networkPolicy__enabled=True))] == ["demo-predictor"]
