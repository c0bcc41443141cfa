"""Every field of KServe's InferenceService can be reached: passed through as it is, or written from a value that is named."""

from __future__ import annotations

import functools
import re

import pytest
import yaml

from tests.unit.cases import CASES, SMALLEST, changed
from tests.unit.render import CHART, complaints, notes, only, render_chart
from tests.unit.samples import sample
from tests.unit.schemas import custom_resources, faults, pinned
from tests.unit.test_values_schema import SCHEMA

SPEC = custom_resources()["serving.kserve.io/v1beta1", "InferenceService"]["properties"]["spec"]["properties"]
PREDICTOR = SPEC["predictor"]["properties"]
MODEL = PREDICTOR["model"]["properties"]
# What a sample from the schema alone would get wrong.
BETTER = {"startupProbe": {"periodSeconds": 2}, "readinessProbe": {"failureThreshold": 9}, "livenessProbe": {"timeoutSeconds": 9}}
OTHERS = {"huggingface", "lightgbm", "onnx", "paddle", "pmml", "pytorch", "sklearn", "tensorflow", "triton", "xgboost"}
OWNED = OTHERS | {
    "minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout", "containerConcurrency", "canaryTrafficPercent",
    "logger", "batcher", "serviceAccountName", "serviceAccount", "imagePullSecrets", "storageUris",
}  # fmt: skip
# The runtime has to have it, too.
ONLY_WITH_ANOTHER_RUNTIME = {"workerSpec"}
OWNED_MODEL = {"runtime", "protocolVersion", "storageUri", "resources", "name"}
OWNED_RUNTIME = {"image", "imagePullPolicy", "runtimeVersion", "modelFormat", "ports", "command", "args"}
RUNTIME = {"create": False, "name": "mine"}

GIVEN = {name: sample(schema) for name, schema in PREDICTOR.items() if name != "model"}
GIVEN_MODEL = {name: BETTER.get(name) or sample(schema) for name, schema in MODEL.items()}


def pick(given: dict, unwanted: set[str]) -> dict:
    return {name: value for name, value in given.items() if name not in unwanted}


PASSED = pick(GIVEN, OWNED | ONLY_WITH_ANOTHER_RUNTIME)
PASSED_MODEL = pick(GIVEN_MODEL, OWNED_MODEL | OWNED_RUNTIME)
EVERYTHING = changed(SMALLEST, maxReplicas=2, predictor=PASSED | {"model": PASSED_MODEL})
EVERYTHING_ELSE = changed(
    SMALLEST,
    maxReplicas=2,
    runtime=RUNTIME,
    predictor=pick(GIVEN, OWNED) | {"model": pick(GIVEN_MODEL, OWNED_MODEL)},
)


def spec(values: dict) -> dict:
    return only(render_chart(values), "InferenceService")["spec"]


def within(small: object, big: object) -> bool:
    """Whether the given value is in the rendered one, which may have more keys."""
    if isinstance(small, dict):
        return isinstance(big, dict) and all(key in big and within(value, big[key]) for key, value in small.items())
    return small == big


@functools.cache
def refused() -> list[str]:
    """The sentences about all fields that the chart owns, at once."""
    model = pick(GIVEN_MODEL, set(PASSED_MODEL))
    return complaints(changed(SMALLEST, predictor=pick(GIVEN, GIVEN.keys() - OWNED) | {"model": model}))


@pytest.mark.parametrize("name", sorted(PREDICTOR.keys() - {"model"}))
def test_a_field_of_the_predictor_is_passed_through_or_refused_with_its_value(name):
    if name in OWNED:
        (said,) = [line for line in refused() if re.match(rf"predictor\.{name}\b", line)]
        assert re.search(r"; remove it and use \S|; remove it, and write", said)
    else:
        assert within(GIVEN[name], spec(EVERYTHING_ELSE if name in ONLY_WITH_ANOTHER_RUNTIME else EVERYTHING)["predictor"][name])


@pytest.mark.parametrize("name", sorted(MODEL))
def test_a_field_of_the_container_is_passed_through_or_refused_with_its_value(name):
    if name in OWNED_MODEL | OWNED_RUNTIME:
        (said,) = [line for line in refused() if re.match(rf"predictor\.model\.{name}\b", line)]
        assert "remove it" in said
    else:
        assert within(GIVEN_MODEL[name], spec(EVERYTHING)["predictor"]["model"][name])
    if name not in OWNED_MODEL:
        assert within(GIVEN_MODEL[name], spec(EVERYTHING_ELSE)["predictor"]["model"][name])


def test_the_values_that_are_named_instead_exist():
    named = {word for line in refused() for word in re.findall(r"\b(?:use|or) ([a-zA-Z.]+)", line)}
    keys = {word.partition(".")[0] for word in named} - {"a", "another"}
    assert keys
    assert keys <= SCHEMA["properties"].keys()


@pytest.mark.parametrize("values", [EVERYTHING, EVERYTHING_ELSE, CASES["pass-through"]], ids=["own", "other", "case"])
def test_what_is_passed_through_fits_kserves_schema(values):
    assert faults(only(render_chart(values), "InferenceService")) == []


@pytest.mark.parametrize("component", ["transformer", "explainer"])
def test_every_field_of_the_other_components_is_passed_through(component):
    every = {name: sample(schema) for name, schema in SPEC[component]["properties"].items()}
    given = {name: value for name, value in every.items() if name not in ("canaryTrafficPercent", "containerConcurrency")}
    values = changed(SMALLEST, **{component: given})
    assert spec(values)[component] == given
    knative = {"canaryTrafficPercent": 10, "containerConcurrency": 4, "containers": given["containers"]}
    assert spec(changed(SMALLEST, deploymentMode="Knative", **{component: knative}))[component] == knative
    assert faults(only(render_chart(values), "InferenceService")) == []
    assert component not in spec(SMALLEST)


def test_kserve_has_no_component_that_is_out_of_reach():
    assert SPEC.keys() == {"predictor", "transformer", "explainer"}
    assert SPEC.keys() <= SCHEMA["properties"].keys()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"predictor": {"nodeSelecter": {"a": "b"}}}, "$.spec.predictor"),
        ({"predictor": {"model": {"volumeMount": []}}}, "$.spec.predictor.model"),
        ({"predictor": {"containers": [{"name": "a", "imagePullPolice": "Always"}]}}, "$.spec.predictor.containers[0]"),
        ({"transformer": {"containers": [{"name": "a"}], "nodeSelecter": {}}}, "$.spec.transformer"),
        ({"logger": {"mode": "all", "uri": "http://a"}}, "$.spec.predictor.logger"),
        ({"batcher": {"maxBatchsize": 2}}, "$.spec.predictor.batcher"),
    ],
)
def test_a_misspelt_field_is_found_by_kserves_schema(change, place):
    (fault,) = faults(only(render_chart(changed(SMALLEST, **change), fits=False), "InferenceService"))
    assert fault.startswith(f"{place}: Additional properties are not allowed")


def test_nothing_changes_where_nothing_is_passed_through():
    bare = spec(changed(SMALLEST, predictor=dict.fromkeys(PREDICTOR)))
    assert bare == spec(SMALLEST)
    # The API server drops a null, which the schema alone would refuse.
    nulls = changed(SMALLEST, predictor={"model": {"storage": None, "securityContext": None, "readinessProbe": None}})
    assert only(render_chart(nulls, fits=False), "InferenceService")
    assert spec(changed(SMALLEST, predictor={"nodeName": "a"})) == {"predictor": {**bare["predictor"], "nodeName": "a"}}


def test_false_zero_and_big_numbers_arrive():
    given = {"enableServiceLinks": True, "terminationGracePeriodSeconds": 0, "hostUsers": False}
    given |= {"securityContext": {"runAsUser": 1000650000, "supplementalGroups": [65535000]}}
    assert within(given, spec(changed(SMALLEST, predictor=given))["predictor"])
    other = changed(SMALLEST, runtime=RUNTIME, predictor={"model": {"securityContext": {"runAsNonRoot": False}}})
    assert spec(other)["predictor"]["model"]["securityContext"]["runAsNonRoot"] is False


def test_a_strategy_is_taken_whole():
    strategy = spec(changed(SMALLEST, predictor={"deploymentStrategy": {"type": "Recreate"}}))["predictor"]["deploymentStrategy"]
    assert strategy == {"type": "Recreate"}


TERM = {"labelSelector": {"matchLabels": {"a": "b"}}, "topologyKey": "zone"}


@pytest.mark.parametrize("runtime", [{}, RUNTIME])
def test_pods_of_a_claim_for_one_node_still_meet_where_an_affinity_is_given(runtime):
    mine = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [TERM]}, "nodeAffinity": {}}
    values = changed(SMALLEST, runtime=runtime, predictor={"affinity": mine})
    terms = spec(values)["predictor"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [term["topologyKey"] for term in terms] == ["kubernetes.io/hostname", "zone"]
    many = changed(values, persistence__accessModes=["ReadWriteMany"])
    assert within(mine, spec(many)["predictor"]["affinity"])


def test_logger_and_batcher_are_the_predictors():
    predictor = spec(CASES["pass-through"])["predictor"]
    assert (predictor["logger"], predictor["batcher"]) == (CASES["pass-through"]["logger"], CASES["pass-through"]["batcher"])
    assert not {"logger", "batcher"} & spec(SMALLEST)["predictor"].keys()


def listed(name: str) -> object:
    """The YAML that a helper of the chart holds, which has no template in it."""
    text = "".join(file.read_text() for file in CHART.glob("templates/_*.tpl"))
    return yaml.safe_load(text.partition(f'{{{{- define "torchserve-kserve.{name}" -}}}}')[2].partition("{{- end -}}")[0])


def test_what_knative_takes_with_a_flag_or_never_is_what_its_code_says():
    api = pinned("knative.dev/serving") / "pkg" / "apis"
    mask = (api / "serving" / "fieldmask.go").read_text().partition("func PodSpecMask(")[2].partition("\n}\n")[0]
    features = (api / "config" / "features.go").read_text()
    flags = dict(re.findall(r'Feature(\w+) += "(kubernetes\.\S+)"', features))
    needed = re.findall(r"if cfg\.Features\.(\w+) != config\.Disabled {\n\t+out\.(\w+) = in\.", mask)
    known = listed("knativeFlags")
    assert {name.lower(): flag for name, flag in known.items()} == {field.lower(): flags[name] for name, field in needed}
    assert set(listed("knativeVolumeFlags").values()) < set(flags.values())
    free = {field.lower() for field in re.findall(r"(?m)^\tout\.(\w+) = in\.", mask)} | {"automountserviceaccounttoken"}
    pod = set(SPEC["transformer"]["properties"]) - {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"}
    pod -= {"scaleMetricType", "autoScaling", "containerConcurrency", "timeout", "canaryTrafficPercent", "logger", "batcher"}
    pod -= {"labels", "annotations", "storageUris", "serviceAccount"}
    assert {name for name in pod if name.lower() not in free} - known.keys() == set(listed("neverInKnative"))


def test_notes_name_the_flags_that_knative_needs():
    given = {"nodeSelector": {"a": "b"}, "volumes": [{"name": "a", "hostPath": {"path": "/a"}}, {"name": "b", "emptyDir": {}}]}
    mounts = [{"name": name, "mountPath": f"/{name}", "readOnly": True} for name in "ab"]
    values = changed(SMALLEST, deploymentMode="Knative", predictor={**given, "model": {"volumeMounts": mounts}})
    said = [line.strip() for line in notes(values).splitlines() if ": kubernetes.podspec-" in line]
    assert said == [
        "predictor.nodeSelector: kubernetes.podspec-nodeselector",
        "predictor.volumes of kind hostPath: kubernetes.podspec-volumes-hostpath",
    ]
    assert "config-features" not in notes(changed(values, deploymentMode="Standard"))
    assert "config-features" not in notes(changed(SMALLEST, deploymentMode="Knative"))
