"""The alerts of a rendered PrometheusRule, evaluated by Prometheus' own promtool: each fires on what it is for, and is silent
beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci import helm
from ci.cluster import shell, source
from ci.cluster.errors import Problem

ON = {"models": {"bert": {"uri": "https://example.com/bert.mar"}},
      "metrics": {"enabled": True, "prometheusRule": {"enabled": True, "for": "5m", "notReadyFor": "15m", "workerRestarts": 1,
                                                      "queueMilliseconds": 1000, "errorPercent": 5}}}
EXTERNAL = helm.merged(ON, {"autoscalerClass": "external"})
ASLEEP = helm.merged(ON, {"deploymentMode": "Knative", "minReplicas": 0})
POD, REVISION, STRANGER = "demo-predictor-6d5f7c9b8-x2x4z", "demo-predictor-00001-deployment-6d5f7c9b8-x2x4z", "shop-77c-abcde"
JOB = "demo-seed-0123456789"
READY = 'kube_pod_status_ready{{namespace="models",pod="{}",condition="true"}}'
WORKER = f'WorkerLoadTime{{namespace="models",pod="{POD}",WorkerName="W-9000-bert"}}'
OF_BERT = f'{{namespace="models",pod="{POD}",model_name="bert"}}'
CALLS, WAITED, FAILED = f"ts_inference_requests_total{OF_BERT}", f"ts_queue_latency_microseconds{OF_BERT}", (
    f'Requests5XX{{namespace="models",pod="{POD}"}}')
SECONDS = 60


@dataclass(frozen=True)
class Case:
    """What Prometheus has, and what an alert makes of it.

    Attributes:
        alert: its name.
        at: minutes after the first sample.
        series: series -> samples, one a minute, as promtool writes them: 0+60x20 is 0, 60, … twenty times.
        value: of the alert that fires, as its description shows it; None where it is silent.
        labels: that it has beside severity, release and namespace.
        values: of the release.
    """

    alert: str
    at: int
    series: dict[str, str]
    value: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=lambda: ON)


BERT = {"model_name": "bert"}
CASES = {
    "no pod is ready": Case("TorchServeModelNotReady", 20, {READY.format(POD): "0x30"}, "0"),
    "there is no pod": Case("TorchServeModelNotReady", 20, {READY.format(STRANGER): "1x30"}, "0"),
    "a pod is ready": Case("TorchServeModelNotReady", 20, {READY.format(POD): "1x30"}),
    "a pod is not ready for a while": Case("TorchServeModelNotReady", 20, {READY.format(POD): "1x10 0x5 1x15"}),
    "nobody says whether pods are ready": Case("TorchServeModelNotReady", 20, {WORKER: "9000x30"}),
    "another autoscaler has taken all pods": Case("TorchServeModelNotReady", 20, {READY.format(STRANGER): "1x30"},
                                                  values=EXTERNAL),
    "another autoscaler's pod is not ready": Case("TorchServeModelNotReady", 20, {READY.format(POD): "0x30"}, "0",
                                                  values=EXTERNAL),
    "it sleeps": Case("TorchServeModelNotReady", 20, {READY.format(STRANGER): "1x30"}, values=ASLEEP),
    "it does not wake up": Case("TorchServeModelNotReady", 20, {READY.format(REVISION): "0x30"}, "0", values=ASLEEP),
    "the Job has failed": Case("TorchServeSeedFailed", 1, {
        f'kube_job_failed{{namespace="models",job_name="{JOB}",condition="true"}}': "1x5"}, labels={
            "job_name": JOB, "condition": "true"}, value=""),
    "another Job has failed": Case("TorchServeSeedFailed", 1, {
        'kube_job_failed{namespace="models",job_name="nightly",condition="true"}': "1x5"}),
    "no worker is seen": Case("TorchServeMetricsAbsent", 20, {READY.format(POD): "1x30"}, ""),
    "a worker is seen": Case("TorchServeMetricsAbsent", 20, {WORKER: "9000x30"}),
    "workers died twice": Case("TorchServeWorkerDied", 10, {WORKER: "9000x3 9100x3 9200x10"}, "2", {"pod": POD}),
    "a worker died once": Case("TorchServeWorkerDied", 10, {WORKER: "9000x3 9100x20"}),
    "requests wait for two seconds": Case("TorchServeQueueTime", 20, {CALLS: "0+60x30", WAITED: "0+120000000x30"}, "2000", BERT),
    "requests hardly wait": Case("TorchServeQueueTime", 20, {CALLS: "0+60x30", WAITED: "0+6000000x30"}),
    "nobody calls": Case("TorchServeQueueTime", 20, {CALLS: "60x30", WAITED: "120000000x30"}),
    "a tenth fails": Case("TorchServeErrors", 20, {CALLS: "0+60x30", FAILED: "0+6x30"}, "10"),
    "one of a hundred fails": Case("TorchServeErrors", 20, {CALLS: "0+100x30", FAILED: "0+1x30"}),
}


@pytest.fixture(scope="session")
def promtool(preparing: Callable[[], AbstractContextManager[None]]) -> Path:
    """promtool, compiled if it was not yet."""
    with preparing():
        return source.binaries("prometheus") / "promtool"


def spec(values: dict[str, Any]) -> dict[str, Any]:
    """What the release tells Prometheus."""
    (found,) = [item for item in helm.render("demo", "models", values) if item["kind"] == "PrometheusRule"]
    return found["spec"]


def fired(rule: dict[str, Any], case: Case) -> dict[str, Any]:
    """The alert as it has to come out, its annotations with their values in place."""
    labels = {**rule["labels"], **case.labels}

    def filled(text: str) -> str:
        named = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
        return named.replace("{{ $value }}", case.value or "")
    return {"exp_labels": labels, "exp_annotations": {name: filled(text) for name, text in rule["annotations"].items()}}


def judged(promtool: Path, folder: Path, rules: dict[str, Any], case: Case, expected: list[dict[str, Any]]) -> str:
    """What `promtool test rules` prints; raises Problem with the difference where the alert is another."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    (folder / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": name, "values": samples} for name, samples in case.series.items()],
        "alert_rule_test": [{"eval_time": f"{case.at}m", "alertname": case.alert, "exp_alerts": expected}]}]}))
    return shell.output([str(promtool), "test", "rules", "test.yaml"], cwd=folder, timeout=SECONDS)


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_or_is_silent(name: str, promtool: Path, tmp_path: Path) -> None:
    case = CASES[name]
    rules = spec(case.values)
    (rule,) = [rule for group in rules["groups"] for rule in group["rules"] if rule["alert"] == case.alert]
    assert "SUCCESS" in judged(promtool, tmp_path, rules, case, [] if case.value is None else [fired(rule, case)])


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "is silent"])
def test_every_alert_has_a_case_in_which_it(fires: bool) -> None:
    named = {rule["alert"] for group in spec(ON)["groups"] for rule in group["rules"]}
    assert {case.alert for case in CASES.values() if (case.value is not None) == fires} == named


def test_an_alert_that_does_not_come_out_as_expected_is_told(promtool: Path, tmp_path: Path) -> None:
    case = CASES["no pod is ready"]
    with pytest.raises(Problem, match="TorchServeModelNotReady"):
        judged(promtool, tmp_path, spec(ON), case, [])
