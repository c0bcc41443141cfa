"""The rules about metrics and NetworkPolicies."""

from __future__ import annotations

from tests.unit.cases import EXISTING, SMALLEST, changed
from tests.unit.rules import both_ways

PEER = [{"podSelector": {}}]
METRICS = changed(SMALLEST, metrics__enabled=True)
POLICY = changed(SMALLEST, networkPolicy__enabled=True)
STORE = changed({"models": {"bert": {"marName": "bert.mar"}}, "storageUri": "s3://models/bert/"}, networkPolicy__enabled=True)
OTHER = changed(SMALLEST, runtime={"create": False, "name": "kserve-torchserve", "flavor": "wrapper"})

RULES = {
    **{f"{part} without metrics": (
        changed(SMALLEST, **{f"metrics__{part}__enabled": True}),
        f"metrics.{part}.enabled is true and metrics.enabled is not, so there would be nothing to see; set metrics.enabled=true",
        changed(METRICS, **{f"metrics__{part}__enabled": True}),
    ) for part in ("podMonitor", "prometheusRule", "dashboard")},
    "metrics of another runtime": (
        changed(OTHER, metrics__enabled=True),
        "metrics.enabled: the port is the chart's own runtime's; set runtime.create=true, or remove it and follow the other "
        "runtime's own annotations",
        OTHER,
    ),
    "metrics without their API": (
        changed(METRICS, properties__enable_metrics_api=False),
        "metrics.enabled: with properties.enable_metrics_api false TorchServe listens on no port for metrics; remove it, or "
        "metrics.enabled",
        changed(METRICS, properties__enable_metrics_api=True),
    ),
    "metrics of the log": (
        changed(METRICS, properties__metrics_mode="log"),
        "metrics.enabled: with properties.metrics_mode log TorchServe writes its metrics to its log alone; write prometheus, or "
        "remove metrics.enabled",
        changed(METRICS, properties__metrics_mode="prometheus"),
    ),
    "a seed that may not fetch": (
        changed(POLICY, networkPolicy__seedEgress=[]),
        "networkPolicy.seedEgress is empty, and the seeding Job fetches models.bert over the network; allow DNS and its server "
        "there, or write null",
        changed(POLICY, networkPolicy__seedEgress=[], models__bert__uri="configMap://archives/bert.mar"),
    ),
    "peers of no metrics": (
        changed(POLICY, metrics__from=PEER),
        "metrics.from is set and metrics.enabled is not, so there is no port to open; set metrics.enabled=true, or remove "
        "metrics.from",
        changed(POLICY, metrics={"from": PEER, "enabled": True}),
    ),
    "peers of metrics without a policy": (
        changed(METRICS, metrics__from=PEER),
        "metrics.from is set and networkPolicy.enabled is not, so anyone may read the metrics; set networkPolicy.enabled=true, "
        "or remove metrics.from",
        changed(POLICY, metrics={"from": PEER, "enabled": True}),
    ),
    "a monitor that is shut out": (
        changed(POLICY, metrics={"enabled": True, "podMonitor": {"enabled": True}}),
        "metrics.podMonitor.enabled: networkPolicy.enabled lets nobody read the metrics as long as metrics.from is empty; set "
        "metrics.from, for example [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]",
        changed(POLICY, metrics={"enabled": True, "podMonitor": {"enabled": True}, "from": PEER}),
    ),
    "metrics port of the server": (
        changed(METRICS, metrics__port=8081),
        "metrics.port 8081 is taken in the pod; write another one, for example 8082",
        changed(METRICS, metrics__port=8083),
    ),
    "metrics port of queue-proxy": (
        changed(METRICS, deploymentMode="Knative", metrics__port=9091),
        "metrics.port 9091 is taken in the pod; write another one, for example 8082",
        changed(METRICS, metrics__port=9091),
    ),
    "metrics port of the sidecar": (
        changed(METRICS, kubeflow={"enabled": True}, metrics__port=15020),
        "metrics.port 15020 is taken in the pod; write another one, for example 8082",
        changed(METRICS, metrics__port=15020),
    ),
    **{f"{key} of no policy": (
        changed(SMALLEST, **{f"networkPolicy__{key}": value}),
        f"networkPolicy.{key} is set and networkPolicy.enabled is not, so there is no policy to have it; set "
        f"networkPolicy.enabled=true, or remove networkPolicy.{key}",
        changed(POLICY, **{f"networkPolicy__{key}": value}),
    ) for key, value in (("from", PEER), ("egress", []), ("seedEgress", [{"to": PEER}]))},
    "egress of no Job": (
        changed(EXISTING, networkPolicy={"enabled": True, "seedEgress": []}),
        "networkPolicy.seedEgress: there is no seeding Job; remove it, or write networkPolicy.egress for the predictor",
        changed(EXISTING, networkPolicy={"enabled": True, "egress": []}),
    ),
    "no egress for storageUri": (
        changed(STORE, networkPolicy__egress=[]),
        "networkPolicy.egress is empty, and KServe fetches storageUri from inside the predictor's pods; allow DNS and its server "
        "there, or write null",
        changed(STORE, networkPolicy__egress=[{"ports": [{"port": 443}]}]),
    ),
}

test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)
