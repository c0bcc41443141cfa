"""The rules about GPUs and about the server's environment: the sentence for the wrong value, silence for the right one."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import schema_error
from tests.unit.rules import both_ways

GPU = changed(SMALLEST, gpu__enabled=True)
OFF = "so the server gets no GPU; set gpu.enabled=true, or remove it"
KNATIVE = changed(SMALLEST, deploymentMode="Knative")


def env(values: dict, *entries: dict, **text: str) -> dict:
    return changed(values, runtime__env=[*entries, *({"name": name, "value": value} for name, value in text.items())])


RULES = {
    "two runtime classes": (
        changed(GPU, gpu__runtimeClassName="nvidia", predictor__runtimeClassName="kata"),
        "predictor.runtimeClassName is set beside gpu.runtimeClassName, and a pod has one; remove one of the two",
        changed(GPU, predictor__runtimeClassName="kata"),
    ),
    "configuration of another file": (
        env(SMALLEST, TS_CONFIG_FILE="/mine/config.properties"),
        "runtime.env: TS_CONFIG_FILE would part the server from the chart's configuration, so that it is not given to it; remove "
        "it, and use properties",
        env(SMALLEST, TS_CONFIG="/mine/config.properties"),
    ),
    "count without the switch": (changed(SMALLEST, gpu__count=2), f"gpu.count is 2 while gpu.enabled is false, {OFF}",
                                 changed(GPU, gpu__count=2)),
    "runtime class without the switch": (
        changed(SMALLEST, gpu__runtimeClassName="nvidia"),
        f"gpu.runtimeClassName is set while gpu.enabled is false, {OFF}",
        changed(GPU, gpu__runtimeClassName="nvidia"),
    ),
    "nodes without the switch": (
        changed(SMALLEST, gpu__nodeSelector={"a": "b"}),
        f"gpu.nodeSelector is set while gpu.enabled is false, {OFF}",
        changed(GPU, gpu__nodeSelector={"a": "b"}),
    ),
    "tolerations without the switch": (
        changed(SMALLEST, gpu__tolerations=[{"operator": "Exists"}]),
        f"gpu.tolerations is set while gpu.enabled is false, {OFF}",
        changed(GPU, gpu__tolerations=[{"operator": "Exists"}]),
    ),
    "resource without the switch": (
        changed(SMALLEST, runtime__resources__limits={"nvidia.com/mig-1g.5gb": 1}),
        "runtime.resources.limits has nvidia.com/mig-1g.5gb while gpu.enabled is false, so the server keeps its image for CPUs; "
        "remove it and set gpu.enabled=true, gpu.resourceName=nvidia.com/mig-1g.5gb and gpu.count instead",
        changed(SMALLEST, runtime__resources__limits={"ephemeral-storage": "1Gi", "example.com/dongle": 1}),
    ),
    "requested without the switch": (
        changed(SMALLEST, runtime__resources__requests={"amd.com/gpu": "1"}),
        "runtime.resources.requests has amd.com/gpu while gpu.enabled is false, so the server keeps its image for CPUs; remove "
        "it and set gpu.enabled=true, gpu.resourceName=amd.com/gpu and gpu.count instead",
        changed(GPU, gpu__resourceName="amd.com/gpu"),
    ),
    "resource twice": (
        changed(GPU, runtime__resources__limits={"nvidia.com/gpu": 2}),
        "runtime.resources.limits has nvidia.com/gpu, which the chart writes from gpu.count; remove it and set gpu.count instead",
        changed(GPU, runtime__resources__limits={"nvidia.com/gpumem": 2000}),
    ),
    "number by hand": (
        changed(SMALLEST, extraProperties={"number_of_gpu": 1}),
        "extraProperties.number_of_gpu is written by the chart, because it has to fit the GPUs that Kubernetes gives the server; "
        "remove it and set gpu.enabled=true and gpu.count instead",
        GPU,
    ),
    "number by hand beside the switch": (
        changed(GPU, extraProperties={"number_of_gpu": 2}),
        "extraProperties.number_of_gpu is written by the chart as 1, because it has to fit the GPUs that Kubernetes gives the "
        "server; remove it and set gpu.enabled=true and gpu.count instead",
        changed(GPU, gpu__count=2),
    ),
    "GPUs past Kubernetes": (
        env(SMALLEST, NVIDIA_VISIBLE_DEVICES="all"),
        "runtime.env: NVIDIA_VISIBLE_DEVICES gives the server GPUs that Kubernetes gives to other pods, too; remove it and set "
        "gpu.enabled=true and gpu.count instead",
        env(SMALLEST, NVIDIA_VISIBLE_DEVICES="void"),
    ),
    "GPUs by another name than their number": (
        env(GPU, CUDA_VISIBLE_DEVICES="MIG-7c1e"),
        "runtime.env: with MIG-7c1e in CUDA_VISIBLE_DEVICES TorchServe ends at its start; write the GPUs' numbers, for example "
        "0,1, or remove it",
        env(GPU, CUDA_VISIBLE_DEVICES="0,1"),
    ),
    "no image": (
        changed(GPU, gpu__image__tag=""),
        "gpu.image has neither tag nor digest; set one of them",
        changed(GPU, gpu__image={"tag": "", "digest": f"sha256:{'a' * 64}"}),
    ),
    "image of another's runtime": (
        changed(CASES["stock-runtime"], gpu={"enabled": True, "image": {"repository": "a/b"}}),
        'gpu.image is set while runtime.create is false, and the server\'s image is the one of the runtime "kserve-torchserve"; '
        "remove gpu.image, or set runtime.create=true",
        changed(CASES["stock-runtime"], gpu={"enabled": True}),
    ),
    "toleration with a value too many": (
        changed(GPU, gpu__tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]),
        'gpu.tolerations: the operator Exists takes no value; remove the value "b", or write Equal',
        changed(GPU, gpu__tolerations=[{"key": "a", "value": "b"}]),
    ),
    "toleration for a time": (
        changed(GPU, gpu__tolerations=[{"key": "a", "value": "b", "effect": "NoSchedule", "tolerationSeconds": 300}]),
        "gpu.tolerations: tolerationSeconds is for the effect NoExecute alone; write effect: NoExecute, or remove it",
        changed(GPU, gpu__tolerations=[{"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 300}]),
    ),
    "toleration without a key": (
        changed(GPU, gpu__tolerations=[{"effect": "NoSchedule"}]),
        "gpu.tolerations: without a key it has to be for every taint; write its key, or operator: Exists",
        changed(GPU, gpu__tolerations=[{"operator": "Exists", "effect": "NoSchedule"}]),
    ),
    "wrapper's image on GPUs": (
        changed(GPU, runtime__flavor="wrapper", gpu__image__repository="mirror/pytorch/torchserve"),
        "runtime.flavor wrapper: the image mirror/pytorch/torchserve has no wrapper; write gpu.image.repository=pytorch/"
        "torchserve-kfs and gpu.image.tag=0.12.0-gpu, or use the project's own image",
        changed(GPU, runtime__flavor="wrapper", gpu__image__repository="mirror/pytorch/torchserve-kfs"),
    ),
    "variable of the chart": (
        env(SMALLEST, TEMP="/data"),
        "runtime.env: TEMP is there twice, the chart writes it for the server or from runtime.ca; remove it",
        env(SMALLEST, OMP_NUM_THREADS="1"),
    ),
    "variable of runtime.ca": (
        env(changed(SMALLEST, runtime__ca__secretName="ca"), SSL_CERT_FILE="/etc/ssl/mine"),
        "runtime.env: SSL_CERT_FILE is there twice, the chart writes it for the server or from runtime.ca; remove it",
        env(SMALLEST, SSL_CERT_FILE="/etc/ssl/mine"),
    ),
    "variable of another's runtime": (
        env(changed(CASES["stock-runtime"], runtime__ca__secretName="ca"), REQUESTS_CA_BUNDLE="/x"),
        "runtime.env: REQUESTS_CA_BUNDLE is there twice, the chart writes it for the server or from runtime.ca; remove it",
        env(CASES["stock-runtime"], TEMP="/data"),
    ),
    "variable without a value": (env(SMALLEST, {"name": "A"}), "runtime.env: A has no value; set its value or its valueFrom",
                                 env(SMALLEST, {"name": "A", "value": ""})),
    "a variable of Knative's": (
        env(KNATIVE, PORT="8080"),
        "runtime.env: PORT is Knative's own variable, and Knative refuses it; remove it, or take another name",
        env(SMALLEST, PORT="8080"),
    ),
    "a template in a value": (
        env(SMALLEST, PROMPT="Hello {{ name }}"),
        "runtime.env: KServe would take the {{ in the value of PROMPT for a template of its own; write it by valueFrom",
        env(SMALLEST, {"name": "PROMPT", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}),
    ),
    "an entry with no object": (
        changed(SMALLEST, runtime__envFrom=[{"prefix": "A_"}]),
        "runtime.envFrom: each entry names one object; write either secretRef or configMapRef in it",
        changed(SMALLEST, runtime__envFrom=[{"prefix": "A_", "secretRef": {"name": "a"}}]),
    ),
    "two authorities": (
        changed(SMALLEST, runtime__ca={"configMapName": "a", "secretName": "b"}),
        "runtime.ca has configMapName and secretName; keep one of them",
        changed(SMALLEST, runtime__ca={"configMapName": "a"}),
    ),
    "no key of the authority": (
        changed(SMALLEST, runtime__ca={"configMapName": "a", "key": None}),
        "runtime.ca has no key; set runtime.ca.key to the certificate's",
        changed(SMALLEST, runtime__ca={"configMapName": "a", "key": "b"}),
    ),
}
test_a_wrong_value_fails_with_one_sentence, test_a_right_value_passes = both_ways(RULES)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"gpu__count": 0}, "count"),
        ({"gpu__resourceName": "gpu"}, "resourceName"),
        ({"gpu__image__digest": "abc"}, "digest"),
        ({"gpu__tolerations": [{"effect": "Never"}]}, "effect"),
        ({"gpu__nodeSelector": {"a": True}}, "nodeSelector"),
        ({"runtime__env": [{"name": "A", "value": 1}]}, "value"),
        ({"runtime__ca": {"path": "/etc"}}, "path"),
        ({"global": {"imageRegistry": 5}}, "imageRegistry"),
    ],
)
def test_a_value_that_does_not_fit_is_named(change, named):
    assert named in schema_error(changed(EXISTING, **change))
