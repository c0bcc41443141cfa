"""values.schema.json: closed, described, in step with values.yaml, and tolerant where people write numbers."""

from __future__ import annotations

import json
import subprocess

import jsonschema_rs
import pytest
import yaml

from tests.unit.cases import CASES, FILES, SMALLEST, changed
from tests.unit.fitting import misfits, validator
from tests.unit.render import CHART, complaints, schema_error

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
# Maps whose keys are the user's, or so many that values.yaml leaves them to the schema.
PASSED = ["predictor", "transformer", "explainer", "logger", "batcher"]
OPEN = {"models", "properties", "extraProperties", "annotations", "labels", *PASSED}
OPEN |= {f"metrics.{path}" for path in ("podMonitor.labels", "prometheusRule.labels", "dashboard.labels",
                                        "dashboard.annotations")}  # fmt: skip


def resolved(node: dict) -> dict:
    return SCHEMA["definitions"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def described_keys(node: dict, path: str = "") -> set[str]:
    """Paths of all keys that the schema knows by name."""
    found = set()
    for key, child in resolved(node).get("properties", {}).items():
        below = set() if f"{path}{key}" in OPEN else described_keys(child, f"{path}{key}.")
        found |= {f"{path}{key}"} | below
    return found


def given_keys(values: dict, path: str = "") -> set[str]:
    found = set()
    for key, value in values.items():
        found.add(f"{path}{key}")
        if isinstance(value, dict) and f"{path}{key}" not in OPEN and key not in ("limits", "requests"):
            found |= given_keys(value, f"{path}{key}.")
    return found


def every_node(node: object) -> list[dict]:
    """All subschemas."""
    found = []
    if isinstance(node, dict):
        of_keys = isinstance(node.get("type"), dict) or isinstance(node.get("properties", {}).get("type"), str)  # keys so called
        found += [node] if {"type", "oneOf", "properties"} & set(node) and not of_keys else []
        for child in node.values():
            found += every_node(child)
    elif isinstance(node, list):
        for child in node:
            found += every_node(child)
    return found


def test_the_schema_is_a_schema_and_refers_to_itself_only():
    jsonschema_rs.meta.validate(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert json.dumps(SCHEMA).count('"$ref": "#/definitions/') == json.dumps(SCHEMA).count('"$ref"')


def test_values_and_schema_have_the_same_keys():
    assert given_keys(VALUES) == described_keys(SCHEMA)


def test_values_yaml_shows_every_key_of_a_model():
    comment = (CHART / "values.yaml").read_text().partition("\nmodels: {}")[0]
    assert [key for key in SCHEMA["definitions"]["model"]["properties"] if f"#       {key}:" not in comment] == []


def test_every_key_is_described():
    assert [node for node in every_node(SCHEMA) if not node.get("description")] == []


def test_every_object_is_closed_but_the_maps_that_are_the_users():
    objects = [node for node in every_node(SCHEMA) if node.get("type") == "object"]
    opened = [node["description"] for node in objects if node.get("additionalProperties") is True]
    assert all("additionalProperties" in node for node in objects)
    ours = "global, a model's example, a rule of Istio's, a condition of a selector, the entries of four lists of NetworkPolicies"
    assert len(opened) == 14, f"only {ours}, an object of extraObjects, and what is passed through to KServe are open"


def test_the_default_values_fit_but_for_the_model_that_has_to_be_named():
    assert misfits(validator(SCHEMA), VALUES) == []


@pytest.mark.parametrize("case", CASES)
def test_install_cases_fit(case):
    assert schema_error(CASES[case]) == ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_helm_lint_has_nothing_to_say(file):
    """lint drops values that are null, which a template must take like null; and it prints a refusal without failing."""
    done = subprocess.run(["helm", "lint", "--strict", CHART, "--values", file], capture_output=True, text=True, check=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line and not line.startswith("==>")]
    assert said == ["1 chart(s) linted, 0 chart(s) failed"]


@pytest.mark.parametrize("quantity", [2, 0.5, "2", "0.5", "500m", "0.5Gi", "1e3", "2Gi", 4294967296])
def test_resources_take_numbers_and_strings(quantity):
    assert schema_error(changed(SMALLEST, runtime__resources__limits__memory=quantity)) == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": {}}, "model"),
        ({"models__bert__url": "x"}, "url"),
        ({"models__bert__sha256": "abc"}, "sha256"),
        ({"models__bert__minWorkers": 0}, "minWorkers"),
        ({"models__bert__minWorkers": "2"}, "minWorkers"),
        ({"runtime__image__digest": "abc"}, "digest"),
        ({"runtime__create": "no"}, "create"),
        ({"runtime__name": "Mine"}, "name"),
        ({"runtime__flavor": "python"}, "flavor"),
        ({"runtime__serviceEnvelope": "body"}, "serviceEnvelope"),
        ({"runtime__resources__limits__cpu": "two"}, "cpu"),
        ({"runtime__resources__limit": {}}, "limit"),
        ({"deploymentMode": "Serverless"}, "deploymentMode"),
        ({"protocol": "grpc-v1"}, "protocol"),
        ({"scaleMetric": "requests"}, "scaleMetric"),
        ({"scaleTarget": 0}, "scaleTarget"),
        ({"timeout": 0}, "timeout"),
        ({"containerConcurrency": -1}, "containerConcurrency"),
        ({"canaryTrafficPercent": 101}, "canaryTrafficPercent"),
        ({"storageUri": "models/bert"}, "storageUri"),
        ({"annotations": {"a": 1}}, "annotations"),
        ({"labels": {"a": True}}, "labels"),
        ({"domainMapping__hosts": ["localhost"]}, "hosts"),
        ({"domainMapping__hosts": ["A.example.com"]}, "hosts"),
        ({"kubeflow__authorizationPolicy__rules": ["x"]}, "rules"),
        ({"persistence__accessModes": ["RWO"]}, "accessModes"),
        ({"persistence__dataSource__kind": "Secret"}, "kind"),
        ({"persistence__selector": {"labels": {}}}, "selector"),
        ({"autoscalerClass": "kpa"}, "autoscalerClass"),
        ({"predictor": []}, "predictor"),
        ({"extraObjects": [1]}, "extraObjects"),
        ({"seed__timeoutSeconds": 0}, "timeoutSeconds"),
        ({"securityContext__runAsUser": 0}, "runAsUser"),
        ({"extraProperties__a": ["x"]}, "extraProperties"),
        ({"models__bert__versions": {"1/0": {}}}, "versions"),
        ({"models__bert__versions": {"1.0": {"version": "1.0"}}}, "versions"),
        ({"properties__a": 1}, "properties"),
        ({"properties__job_queue_size": "7"}, "job_queue_size"),
        ({"properties__job_queue_size": 0}, "job_queue_size"),
        ({"properties__netty_client_threads": -1}, "netty_client_threads"),
        ({"properties__io_ratio": 101}, "io_ratio"),
        ({"properties__max_request_size": "64M"}, "max_request_size"),
        ({"properties__max_request_size": 2147483648}, "max_request_size"),
        ({"properties__async_logging": "yes"}, "async_logging"),
        ({"properties__metrics_mode": "json"}, "metrics_mode"),
        ({"properties__vmargs": "-Xmx1g\nenable_model_api=true"}, "vmargs"),
        ({"properties__cors_allowed_origin": "https://ä.example"}, "cors_allowed_origin"),
        ({"pip__indexUrl": "pypi.example.com"}, "indexUrl"),
        ({"pip__indexUrl": "https://{a]"}, "indexUrl"),
        ({"pip__indexUrl": "https://a b@example.com/"}, "indexUrl"),
        ({"pip__extraIndexUrl": ["https://example.com/%zz"]}, "extraIndexUrl"),
        ({"kserve__version": "0.01"}, "version"),
        ({"persistence__selector": {"matchLabels": {"a": "b c"}}}, "matchLabels"),
        ({"persistence__selector": {"matchLabels": {"a b": "c"}}}, "matchLabels"),
        ({"networkPolicy__from": [{}]}, "from"),
        ({"metrics__from": [{}]}, "from"),
        ({"gpu__tolerations": [{"key": "a b"}]}, "tolerations"),
        ({"gpu__tolerations": [{"key": "a", "value": "b c"}]}, "tolerations"),
        ({"runtime__resources": {"limits": {"mem": "4Gi"}}}, "limits"),
        ({"seed__resources": {"requests": {"gpu": 1}}}, "requests"),
        ({"kserve__version": "99999999999999999999.1"}, "version"),
        ({"pip__trustedHost": ["https://pypi.example.com"]}, "trustedHost"),
        ({"pip__credentials": {"secretName": "Login"}}, "secretName"),
    ],
)
def test_a_value_that_does_not_fit_is_named(change, named):
    error = schema_error(changed(SMALLEST, **change))
    assert named in error


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("scaleTarget", "Standard: percent of the CPU or memory request"),
        ("containerConcurrency", "container-concurrency-max-limit"),
        ("timeout", "max-revision-timeout-seconds"),
    ],
)
def test_limits_that_others_set_are_named(key, said):
    assert said in SCHEMA["properties"][key]["description"]


@pytest.mark.parametrize(
    "key", ["annotations", "labels", "storageUri", "serviceAccountName", "extraObjects", "autoscalerClass", *PASSED]
)
def test_examples_are_taken_in_the_default_mode(key):
    """Where a whole release with them is right; the others' examples need further keys."""
    base = CASES["storage-uri"] if key == "storageUri" else SMALLEST
    for example in SCHEMA["properties"][key]["examples"]:
        assert complaints(base | {key: example}) == []


def test_a_parent_chart_may_set_globals():
    assert schema_error(changed(SMALLEST, **{"global": {"imageRegistry": "x", "deep": {"a": [1]}}})) == ""
