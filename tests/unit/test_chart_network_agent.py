"""NetworkPolicies where KServe puts more in front of the server: its agent (logger, batcher), a transformer, an explainer."""

from __future__ import annotations

import pytest

from tests.unit.cases import SMALLEST, changed
from tests.unit.network import Pod, may_connect
from tests.unit.render import NAMESPACE, RELEASE, complaints_of, of_kind, only, render_chart
from tests.unit.rules import both_ways

ON = changed(SMALLEST, networkPolicy__enabled=True)
FROM = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}}]
CLOSED = changed(ON, networkPolicy__from=FROM)
LOGGER, BATCHER = {"logger": {"mode": "request", "url": "http://sink.example.com"}}, {"batcher": {"maxBatchSize": 8}}
CONTAINERS = {"containers": [{"name": "kserve-container", "image": "example.com/own"}]}
AGENT = 9081  # KServe: constants.InferenceServiceDefaultAgentPort; the Service's first port leads there
PORTS = (7070, 7071, 8012, 8080, 8081, 8082, 8086, 8087, AGENT, 9083, 9090)


def of_kserve(component: str, release: str = RELEASE, namespace: str = NAMESPACE) -> Pod:
    """A pod with the labels that KServe gives it."""
    return Pod(namespace, {"serving.kserve.io/inferenceservice": release, "component": component})


GATEWAY, NEIGHBOUR = Pod("gateway"), Pod(NAMESPACE)


def open_ports(values: dict, source: Pod) -> set[int]:
    policies = of_kind(render_chart(values), "NetworkPolicy")
    return {port for port in PORTS if may_connect(policies, NAMESPACE, source, of_kserve("predictor"), port)}


@pytest.mark.parametrize("given", [LOGGER, BATCHER, {**LOGGER, **BATCHER}], ids=["logger", "batcher", "both"])
def test_the_agent_takes_calls_from_those_who_may_predict(given):
    assert open_ports(ON | given, NEIGHBOUR) == {8080, AGENT}
    assert open_ports(CLOSED | given, GATEWAY) == {8080, AGENT}
    assert open_ports(CLOSED | given, NEIGHBOUR) == set()


def test_helm_test_reaches_the_agent():
    values = CLOSED | LOGGER
    test = Pod(NAMESPACE, only(render_chart(values), "Pod")["metadata"]["labels"])
    assert AGENT in open_ports(values, test)


def test_without_an_agent_its_port_is_closed():
    assert AGENT not in open_ports(ON, NEIGHBOUR)


def test_knatives_queue_proxy_hands_calls_to_the_agent_inside_the_pod():
    knative = changed(CLOSED, deploymentMode="Knative")
    assert open_ports(knative | LOGGER, GATEWAY) == open_ports(knative, GATEWAY)


@pytest.mark.parametrize("component", ["transformer", "explainer"])
def test_the_releases_own_components_may_predict_where_it_has_them(component):
    own = of_kserve(component)
    others = [of_kserve(component, release="other"), of_kserve(component, namespace="other"), NEIGHBOUR]
    with_it = CLOSED | {component: CONTAINERS}
    assert open_ports(with_it, own) == {8080}
    assert [open_ports(with_it, other) for other in others] == [set()] * 3
    assert open_ports(CLOSED, own) == set()


METRICS = changed(SMALLEST, metrics={"enabled": True, "port": AGENT})
NO_EGRESS = changed(ON, networkPolicy__egress=[])
SINK = changed(ON, networkPolicy__egress=[{"ports": [{"port": 443}]}])
RULES = {
    "metrics port of the agent": (
        METRICS | LOGGER,
        "metrics.port 9081 is taken in the pod; write another one, for example 8082",
        METRICS,
    ),
    "no egress for the logger": (
        NO_EGRESS | LOGGER,
        "networkPolicy.egress is empty, and KServe's agent sends what logger asks for from inside the predictor's pods; allow "
        "DNS and its sink there, or write null",
        SINK | LOGGER,
    ),
    "no egress for pip": (
        changed(NO_EGRESS, pip__enabled=True),
        "networkPolicy.egress is empty, and pip.enabled fetches packages from inside the predictor's pods; allow DNS and the "
        "index there, or write null",
        changed(SINK, pip__enabled=True),
    ),
}

test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


def test_the_batcher_alone_needs_no_egress():
    assert complaints_of([NO_EGRESS | BATCHER, NO_EGRESS]) == [[], []]
