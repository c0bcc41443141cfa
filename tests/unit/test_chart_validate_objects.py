"""The rules about annotations, labels, hosts and policies: the sentence for the wrong value, silence for the right one."""

from __future__ import annotations

from tests.unit.cases import SMALLEST, changed
from tests.unit.rules import both_ways

KNATIVE = changed(SMALLEST, deploymentMode="Knative")
MESH = changed(SMALLEST, kubeflow={"enabled": True})
KEY = (
    "write a name of at most 63 letters, digits, '-', '_' and '.', with a letter or a digit at both ends, and before it, if at "
    "all, a domain and '/'"
)

# wrong values -> the sentence, then right values that differ as little as possible.
RULES = {
    "annotation of the chart": (
        changed(SMALLEST, annotations={"serving.kserve.io/deploymentMode": "Knative"}),
        "annotations: serving.kserve.io/deploymentMode is written by the chart or KServe; remove it and set deploymentMode "
        "instead",
        changed(SMALLEST, annotations={"serving.kserve.io/storage-initializer-uid": "1"}),
    ),
    "annotation that KServe drops": (
        changed(KNATIVE, annotations={"autoscaling.knative.dev/min-scale": "1"}),
        "annotations: autoscaling.knative.dev/min-scale is written by the chart or KServe; remove it and set minReplicas instead",
        changed(KNATIVE, annotations={"autoscaling.knative.dev/initial-scale": "1"}),
    ),
    "annotation of a file": (
        changed(KNATIVE, annotations={"torchserve-kserve/start.py": "x"}),
        "annotations: torchserve-kserve/start.py is for the chart or KServe alone; remove it",
        changed(KNATIVE, annotations={"example.com/start.py": "x"}),
    ),
    "label of the chart": (
        changed(SMALLEST, labels={"app.kubernetes.io/instance": "x"}),
        "labels: app.kubernetes.io/instance is for the chart or KServe alone; remove it",
        changed(SMALLEST, labels={"networking.kserve.io/visibility": "cluster-local"}),
    ),
    "label's value": (
        changed(SMALLEST, labels={"team": "a b"}),
        "labels: the value of team is no label's; write at most 63 letters, digits, '-', '_' and '.', with a letter or a digit "
        "at both ends",
        changed(SMALLEST, labels={"team": "a_b"}),
    ),
    "host of the cluster": (
        changed(KNATIVE, domainMapping__hosts=["bert.models.cluster.local"]),
        "domainMapping.hosts: bert.models.cluster.local is a name of the cluster's own, which Knative refuses; write one of "
        "another domain",
        changed(KNATIVE, domainMapping__hosts=["bert.models.example.com"]),
    ),
    "host in Standard mode": (
        changed(SMALLEST, domainMapping__hosts=["bert.models.example.com"]),
        "domainMapping.hosts: Knative's gateway takes no host for the plain Service of deploymentMode Standard; remove it, the "
        "host comes from KServe's own setting domainTemplate, or set deploymentMode=Knative",
        changed(KNATIVE, domainMapping__hosts=["bert.models.example.com"]),
    ),
    "certificate of no host": (
        changed(SMALLEST, domainMapping__tlsSecretName="tls"),
        "domainMapping.tlsSecretName is the certificate of no host; set domainMapping.hosts, or remove it",
        changed(KNATIVE, domainMapping={"tlsSecretName": "tls", "hosts": ["a.example.com"]}),
    ),
    "policy without sidecar": (
        changed(SMALLEST, kubeflow__authorizationPolicy__enabled=True),
        "kubeflow.authorizationPolicy.enabled is true and kubeflow.enabled is not, so the predictor may have no sidecar to keep "
        "to it; set kubeflow.enabled=true",
        changed(SMALLEST, kubeflow={"enabled": True, "authorizationPolicy": {"enabled": True}}),
    ),
    "rules of no policy": (
        changed(MESH, kubeflow__authorizationPolicy__rules=[{}]),
        "kubeflow.authorizationPolicy.rules is set and kubeflow.authorizationPolicy.enabled is not, so there is no policy to "
        "have them; set kubeflow.authorizationPolicy.enabled=true, or remove the rules",
        changed(MESH, kubeflow__authorizationPolicy={"enabled": True, "rules": [{}]}),
    ),
    "annotation that takes the predictor out of the mesh": (
        changed(MESH, annotations={"sidecar.istio.io/inject": "false"}),
        "annotations: sidecar.istio.io/inject keeps the predictor out of the mesh, into which kubeflow.enabled puts it; remove "
        "it, or set kubeflow.enabled=false",
        changed(SMALLEST, annotations={"sidecar.istio.io/inject": "false"}),
    ),
    "label that takes the predictor out of the mesh": (
        changed(MESH, labels={"sidecar.istio.io/inject": "false"}),
        "labels: sidecar.istio.io/inject keeps the predictor out of the mesh, into which kubeflow.enabled puts it; remove it, or "
        "set kubeflow.enabled=false",
        changed(MESH, labels={"sidecar.istio.io/inject": "true"}),
    ),
    "autoscaling of Knative": (
        changed(SMALLEST, annotations={"autoscaling.knative.dev/window": "30s"}),
        "annotations: autoscaling.knative.dev/window has no effect in deploymentMode Standard; remove it, or set "
        "deploymentMode=Knative",
        changed(KNATIVE, annotations={"autoscaling.knative.dev/window": "30s"}),
    ),
    "autoscaler of Standard": (
        changed(SMALLEST, annotations={"serving.kserve.io/autoscalerClass": "none"}),
        "annotations: serving.kserve.io/autoscalerClass is written by the chart or KServe; remove it and set autoscalerClass "
        "instead",
        changed(SMALLEST, autoscalerClass="none"),
    ),
    "autoscaler of Knative": (
        changed(KNATIVE, annotations={"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"}),
        "annotations: autoscaling.knative.dev/class is written by the chart or KServe; remove it and set autoscalerClass instead",
        changed(KNATIVE, autoscalerClass="hpa.autoscaling.knative.dev"),
    ),
    "annotation of the predictor alone": (
        changed(SMALLEST, predictor={"annotations": {"serving.kserve.io/autoscalerClass": "none"}}),
        "predictor.annotations: serving.kserve.io/autoscalerClass is written by the chart or KServe; remove it and set "
        "autoscalerClass instead",
        changed(SMALLEST, predictor={"annotations": {"example.com/a": "b"}}),
    ),
    "label of the predictor alone": (
        changed(SMALLEST, predictor={"labels": {"torchserve-kserve/claim": "x"}}),
        "predictor.labels: torchserve-kserve/claim is for the chart or KServe alone; remove it",
        changed(SMALLEST, predictor={"labels": {"team": "nlp"}}),
    ),
    "visibility of Knative": (
        changed(SMALLEST, labels={"networking.knative.dev/visibility": "cluster-local"}),
        "labels: networking.knative.dev/visibility has no effect in deploymentMode Standard; write "
        "networking.kserve.io/visibility instead",
        changed(KNATIVE, labels={"networking.knative.dev/visibility": "cluster-local"}),
    ),
    "visibility of Standard": (
        changed(KNATIVE, labels={"networking.kserve.io/visibility": "cluster-local"}),
        "labels: networking.kserve.io/visibility has no effect in deploymentMode Knative; write "
        "networking.knative.dev/visibility instead",
        changed(SMALLEST, labels={"networking.kserve.io/visibility": "cluster-local"}),
    ),
    "key of a label": (
        changed(SMALLEST, labels={"my team": "nlp"}),
        f'labels: "my team" is no key of Kubernetes; {KEY}',
        changed(SMALLEST, labels={"my_team": "nlp"}),
    ),
    "key of an annotation": (
        changed(SMALLEST, annotations={"Example.com/a/b": "x"}),
        f'annotations: "Example.com/a/b" is no key of Kubernetes; {KEY}',
        changed(SMALLEST, annotations={"example.com/a.b": "x y"}),
    ),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)
