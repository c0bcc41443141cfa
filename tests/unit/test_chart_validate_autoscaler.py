"""The rules about the autoscaler's class: the sentence for the wrong value, silence for the right one."""

from __future__ import annotations

import re

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import only, render_chart
from tests.unit.rules import both_ways
from tests.unit.schemas import pinned
from tests.unit.test_values_schema import SCHEMA

SCALED = changed(SMALLEST, maxReplicas=3)
KNATIVE = changed(SCALED, deploymentMode="Knative")
HPA = "hpa.autoscaling.knative.dev"
SIXTY = {"type": "Utilization", "averageUtilization": 60}
CPU = {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": SIXTY}}]}
CPU_SCALED = {"autoScaling": CPU}
QUERY = {
    "metrics": [
        {
            "type": "External",
            "external": {
                "metric": {"backend": "prometheus", "serverAddress": "http://prometheus:9090", "query": "sum(ts_queue)"},
                "target": {"type": "Value", "value": "4"},
            },
        }
    ]
}
NO_SHARE = "with which the autoscaler compares use, so it would never scale to maxReplicas 3; write one, or set maxReplicas=1"
SIDECAR = {"name": "side", "image": "registry.example.com/side:1"}
NO_MEMORY = {"resources": {"requests": {"memory": None}, "limits": {"memory": None}}}
KEDA = changed(SCALED, autoscalerClass="keda", predictor={"autoScaling": QUERY})

# wrong values -> the sentence, then right values that differ as little as possible.
RULES = {
    "class of Knative": (
        changed(SMALLEST, autoscalerClass=HPA),
        f"autoscalerClass {HPA} is Knative's; write hpa, keda, external or none, or use deploymentMode Knative",
        changed(SMALLEST, autoscalerClass="external"),
    ),
    "class of Standard": (
        changed(KNATIVE, autoscalerClass="keda"),
        f"autoscalerClass keda: deploymentMode Knative does not know it; write kpa.autoscaling.knative.dev or {HPA}, or use "
        "deploymentMode Standard",
        changed(KNATIVE, autoscalerClass="kpa.autoscaling.knative.dev"),
    ),
    "autoscaler and fixed replicas": (
        changed(SMALLEST, scaleMetric="cpu", scaleTarget=60),
        "scaleMetric, scaleTarget: minReplicas and maxReplicas are both 1, so there is nothing to scale; raise maxReplicas, or "
        "remove them",
        changed(SCALED, scaleMetric="cpu", scaleTarget=60),
    ),
    "class and fixed replicas": (
        changed(SMALLEST, autoscalerClass="hpa", minReplicas=3, maxReplicas=3),
        "autoscalerClass: minReplicas and maxReplicas are both 3, so there is nothing to scale; raise maxReplicas, or remove it",
        changed(SMALLEST, autoscalerClass="none", minReplicas=3, maxReplicas=3),
    ),
    "an autoscaler without a request": (
        changed(SCALED, runtime={"resources": {"requests": {"cpu": None}, "limits": {"cpu": None}}}),
        f"runtime has no resources.requests.cpu, {NO_SHARE}",
        changed(SCALED, runtime={"resources": {"requests": {"cpu": None}}}),
    ),
    "an autoscaler of containers' shares, one of which requests nothing": (
        changed(SCALED, predictor={**CPU_SCALED, "containers": [SIDECAR]}),
        f"predictor.containers: side has no resources.requests.cpu, {NO_SHARE}",
        changed(SCALED, predictor={**CPU_SCALED, "containers": [SIDECAR | {"resources": {"requests": {"cpu": "10m"}}}]}),
    ),
    "an autoscaler by memory without a request": (
        changed(SCALED, scaleMetric="memory", scaleTarget=80, runtime=NO_MEMORY),
        f"runtime has no resources.requests.memory, {NO_SHARE}",
        changed(KNATIVE, autoscalerClass=HPA, scaleMetric="memory", scaleTarget=80, runtime=NO_MEMORY),
    ),
    "fixed number of pods and a metric": (
        changed(SMALLEST, autoscalerClass="none", scaleMetric="cpu"),
        "scaleMetric: with autoscalerClass none KServe makes no autoscaler and would ignore it; remove it, or remove "
        "autoscalerClass",
        changed(SMALLEST, autoscalerClass="none"),
    ),
    "fixed number of pods and a range": (
        changed(SCALED, autoscalerClass="none", minReplicas=2),
        "maxReplicas 3: with autoscalerClass none the number of pods is fixed, it is minReplicas 2; write the number there and "
        "remove maxReplicas, or remove autoscalerClass",
        changed(SMALLEST, autoscalerClass="none", minReplicas=2),
    ),
    "no pods at all": (
        changed(SMALLEST, autoscalerClass="none", minReplicas=0),
        "minReplicas 0: deploymentMode Standard can't scale to zero; write 1 or more",
        changed(SMALLEST, autoscalerClass="none", minReplicas=1),
    ),
    "own autoscaler and a range": (
        changed(SCALED, autoscalerClass="external"),
        "maxReplicas 3: with autoscalerClass external KServe leaves the number of pods to your own autoscaler and would ignore "
        "it; set it there and remove it here",
        changed(SMALLEST, autoscalerClass="external"),
    ),
    "own autoscaler and metrics": (
        changed(SMALLEST, autoscalerClass="external", predictor={"autoScaling": CPU}),
        "predictor.autoScaling: with autoscalerClass external KServe makes no autoscaler and would ignore it; remove it, or "
        "remove autoscalerClass",
        changed(SCALED, predictor={"autoScaling": CPU}),
    ),
    "KEDA without metrics": (
        changed(SCALED, autoscalerClass="keda"),
        "autoscalerClass keda scales by predictor.autoScaling.metrics, and there is none; write at least one",
        changed(KEDA, minReplicas=0),
    ),
    "KEDA and scaleMetric": (
        changed(KEDA, scaleMetric="cpu"),
        "scaleMetric: autoscalerClass keda scales by predictor.autoScaling.metrics alone; write it there, and remove scaleMetric",
        KEDA,
    ),
    "metrics beside scaleTarget": (
        changed(SCALED, scaleTarget=50, predictor={"autoScaling": CPU}),
        "scaleTarget: KServe reads predictor.autoScaling in its place; remove one of the two",
        changed(SCALED, predictor={"autoScaling": CPU}, autoscalerClass="hpa"),
    ),
    "metric that only KEDA has": (
        changed(SCALED, predictor={"autoScaling": QUERY}),
        "predictor.autoScaling.metrics: the HPA that KServe makes takes metrics of type Resource alone; write such a one instead "
        "of type External, or set autoscalerClass=keda",
        KEDA,
    ),
    "metrics in Knative": (
        changed(KNATIVE, predictor={"autoScaling": CPU}),
        "predictor.autoScaling: KServe reads it in deploymentMode Standard alone; write scaleMetric and scaleTarget, or use "
        "deploymentMode Standard",
        changed(KNATIVE, scaleTarget=4),
    ),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


def written(values: dict) -> tuple[dict, dict]:
    """The InferenceService's annotations, and what its predictor says of the number of pods."""
    isvc = only(render_chart(values), "InferenceService")
    numbers = {key: value for key, value in isvc["spec"]["predictor"].items() if key.endswith("Replicas")}
    return isvc["metadata"]["annotations"], numbers


def test_only_what_kserve_reads_of_the_number_of_pods_is_written():
    assert written(SCALED)[1] == {"minReplicas": 1, "maxReplicas": 3}
    assert written(changed(SMALLEST, autoscalerClass="none", minReplicas=3))[1] == {"minReplicas": 3}
    assert written(changed(SMALLEST, autoscalerClass="external"))[1] == {}


def test_the_class_is_the_annotation_that_its_mode_reads():
    assert "serving.kserve.io/autoscalerClass" not in written(SMALLEST)[0]
    assert written(KEDA)[0]["serving.kserve.io/autoscalerClass"] == "keda"
    assert written(changed(KNATIVE, autoscalerClass=HPA))[0]["autoscaling.knative.dev/class"] == HPA


def test_the_classes_of_standard_mode_are_kserves():
    source = (pinned("github.com/kserve/kserve") / "pkg" / "constants" / "constants.go").read_text()
    names = re.search(r"AutoscalerAllowedClassList = .*?{\n(.*?)}", source, re.S)[1].replace(",", "").split()
    classes = {re.search(rf'{name} +AutoscalerClassType = "(\w+)"', source)[1] for name in names}
    assert set(re.search(r"\((.*?)[|]\[", SCHEMA["properties"]["autoscalerClass"]["pattern"])[1].split("|")) == classes
