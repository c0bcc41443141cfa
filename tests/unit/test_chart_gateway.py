"""What a release has at a gateway: hosts, an AuthorizationPolicy, its place in the mesh."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, SMALLEST, changed
from tests.unit.render import of_kind, only, render_chart
from tests.unit.schemas import pinned

HOSTS = ["a.example.com", "b.example.com"]
KUBEFLOW = CASES["kubeflow"]
OURS = {"flavor": "wrapper", "image": {"repository": "torchserve-kserve/torchserve"}}
KNATIVE = changed(SMALLEST, deploymentMode="Knative")


def test_every_host_is_mapped_to_the_predictor():
    found = of_kind(render_chart(changed(KNATIVE, domainMapping__hosts=HOSTS)), "DomainMapping")
    assert [item["metadata"]["name"] for item in found] == HOSTS
    ref = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "demo-predictor", "namespace": "models"}
    assert [item["spec"] for item in found] == [{"ref": ref}] * 2


def test_a_host_may_have_a_certificate():
    values = changed(KNATIVE, domainMapping={"hosts": HOSTS[:1], "tlsSecretName": "mine"})
    assert only(render_chart(values), "DomainMapping")["spec"]["tls"] == {"secretName": "mine"}


def test_annotations_and_labels_are_the_inference_services():
    metadata = only(render_chart(CASES["knative"]), "InferenceService")["metadata"]
    assert metadata["annotations"] == {
        "serving.kserve.io/deploymentMode": "Knative",
        "autoscaling.knative.dev/window": "30s",
    }
    assert metadata["labels"]["team"] == "nlp"
    assert metadata["labels"]["app.kubernetes.io/instance"] == "demo"


def test_a_profiles_predictor_is_in_the_mesh_and_the_seeding_job_is_not():
    objects = render_chart(KUBEFLOW)
    runtime = only(objects, "ServingRuntime")["spec"]
    job = only(objects, "Job")["spec"]["template"]["metadata"]
    key = "sidecar.istio.io/inject"
    assert [runtime[kind][key] for kind in ("labels", "annotations")] == ["true", "true"]
    assert [job[kind][key] for kind in ("labels", "annotations")] == ["false", "false"]


def test_helm_test_calls_from_inside_the_mesh_with_a_sidecar_that_ends():
    metadata = only(render_chart(KUBEFLOW), "Pod")["metadata"]
    assert metadata["labels"]["sidecar.istio.io/inject"] == "true"
    assert metadata["annotations"]["sidecar.istio.io/nativeSidecar"] == "true"
    assert only(render_chart(SMALLEST), "Pod")["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


def opened(values: dict) -> set[tuple[str, str]]:
    """(method, path) of everything that the policy lets in, with `PORT:` before the path where it is one port's."""
    rules = only(render_chart(values), "AuthorizationPolicy")["spec"]["rules"]
    assert all(rule.keys() == {"to"} for rule in rules)
    operations = [to["operation"] for rule in rules for to in rule["to"]]
    return {
        (method, f"{port}:{path}" if port else path)
        for operation in operations
        for method in operation["methods"]
        for path in operation["paths"]
        for port in operation.get("ports", [""])
    }


def test_the_policy_opens_predict_readiness_and_knatives_probes_alone():
    assert opened(KUBEFLOW) == {
        ("POST", "/v1/models/bert:predict"),
        ("GET", "/v1/models/bert"),
        ("GET", "/v2"),
        ("GET", "/v2/health/live"),
        ("GET", "/v2/health/ready"),
        ("GET", "/v2/models/bert"),
        ("GET", "/v2/models/bert/ready"),
        ("GET", "8012:/healthz"),
        ("GET", "9090:/metrics"),
    }


def test_the_policy_of_standard_mode_opens_no_probes_of_knative():
    standard = opened(changed(KUBEFLOW, deploymentMode="Standard"))
    assert opened(KUBEFLOW) - standard == {("GET", "8012:/healthz"), ("GET", "9090:/metrics")}
    assert standard < opened(KUBEFLOW)


def test_the_ports_of_the_probes_are_the_ones_that_knative_writes():
    source = (pinned("knative.dev/serving") / "pkg/networking/constants.go").read_text()
    for name, port in (("BackendHTTPPort", 8012), ("BackendHTTP2Port", 8013), ("AutoscalingQueueMetricsPort", 9090)):
        assert f"{name} = {port}\n" in source
    grpc = changed(KUBEFLOW, protocol="grpc-v2", runtime=OURS, models__bert__example={"inputs": []})
    assert ("GET", "8013:/healthz") in opened(grpc)
    assert ("GET", "8012:/healthz") not in opened(grpc)


@pytest.mark.parametrize("protocol", ["v1", "v2", "grpc-v2"])
def test_the_policy_opens_the_predict_calls_of_both_protocols_where_the_envelope_takes_both(protocol):
    example = {"instances": []} if protocol == "v1" else {"inputs": []}
    values = changed(KUBEFLOW, protocol=protocol, runtime=OURS, models__bert__example=example)
    both = {("POST", "/v1/models/bert:predict"), ("POST", "/v2/models/bert/infer")}
    assert both <= opened(changed(values, runtime__serviceEnvelope="torchserve_kserve"))
    assert len(both & opened(values)) == 1


@pytest.mark.parametrize(
    ("protocol", "path"),
    [("v2", "/v2/models/bert/infer"), ("grpc-v2", "/inference.GRPCInferenceService/ModelInfer")],
)
def test_the_policy_follows_the_protocol(protocol, path):
    found = opened(changed(KUBEFLOW, protocol=protocol, runtime=OURS, models__bert__example={"inputs": []}))
    assert ("POST", path) in found
    assert ("POST", "/v1/models/bert:predict") not in found
    assert not any(path.endswith("*") for _, path in found)


def test_the_policy_is_the_releases_own_and_its_rules_can_be_replaced():
    rules = [{"from": [{"source": {"namespaces": ["istio-system"]}}]}]
    spec = only(render_chart(changed(KUBEFLOW, kubeflow__authorizationPolicy__rules=rules)), "AuthorizationPolicy")["spec"]
    assert spec["selector"] == {"matchLabels": {"serving.kserve.io/inferenceservice": "demo"}}
    assert spec["action"] == "ALLOW"
    assert spec["rules"] == rules


def test_there_is_no_policy_unless_it_is_asked_for():
    assert of_kind(render_chart(changed(SMALLEST, kubeflow={"enabled": True})), "AuthorizationPolicy") == []
