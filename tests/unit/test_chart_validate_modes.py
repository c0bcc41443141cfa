"""The rules about deployment modes and flavours: the sentence for the wrong value, silence for the right one."""

from __future__ import annotations

import re

import pytest

from ci import helm
from tests.unit.cases import CASES, SMALLEST, URI, changed, in_knative
from tests.unit.render import CHART, NAMESPACE, RELEASE, complaints
from tests.unit.rules import both_ways

KNATIVE = changed(SMALLEST, deploymentMode="Knative")
OURS = {"repository": "torchserve-kserve/torchserve"}
KFS = {"repository": "pytorch/torchserve-kfs", "tag": "0.12.0"}
HPA = "hpa.autoscaling.knative.dev"
SCALED = changed(SMALLEST, maxReplicas=2)
SLEEPY = changed(KNATIVE, maxReplicas=2)

# wrong values -> the sentence, then right values that differ as little as possible.
RULES = {
    "scale to zero": (
        changed(SMALLEST, minReplicas=0),
        "minReplicas 0: deploymentMode Standard can't scale to zero; write 1 or more",
        changed(KNATIVE, minReplicas=0),
    ),
    "canary": (
        changed(SMALLEST, canaryTrafficPercent=0),
        "canaryTrafficPercent: deploymentMode Standard splits no traffic, KServe would ignore it; remove it, or use "
        "deploymentMode Knative",
        changed(KNATIVE, canaryTrafficPercent=0),
    ),
    "concurrency": (
        changed(SMALLEST, containerConcurrency=0),
        "containerConcurrency: deploymentMode Standard limits no pod's requests, KServe would ignore it; remove it, or use "
        "deploymentMode Knative",
        changed(KNATIVE, containerConcurrency=0),
    ),
    "metric of Knative": (
        changed(SCALED, scaleMetric="rps"),
        "scaleMetric rps: deploymentMode Standard scales by cpu or memory; write one of them, or use deploymentMode Knative",
        changed(SCALED, scaleMetric="memory", scaleTarget=80),
    ),
    "metric of Standard": (
        changed(SLEEPY, scaleMetric="cpu"),
        "scaleMetric cpu: deploymentMode Knative scales by concurrency or rps; write one of them, or choose the other autoscaler "
        "by autoscalerClass: hpa.autoscaling.knative.dev",
        changed(SLEEPY, scaleMetric="cpu", autoscalerClass=HPA),
    ),
    "the other autoscaler at zero": (
        changed(KNATIVE, minReplicas=0, autoscalerClass=HPA),
        "minReplicas 0: the autoscaler hpa.autoscaling.knative.dev can't scale to zero; write 1 or more, or remove "
        "autoscalerClass",
        changed(KNATIVE, minReplicas=1, autoscalerClass=HPA),
    ),
    "metric without a target": (
        changed(SCALED, scaleMetric="memory"),
        "scaleMetric memory: without scaleTarget KServe writes no metric, and Kubernetes would scale by cpu; set scaleTarget, "
        "percent of the memory request",
        changed(SCALED, scaleMetric="memory", scaleTarget=150),
    ),
    "target of an autoscaler that KServe checks": (
        changed(SCALED, scaleTarget=101, autoscalerClass="hpa"),
        "scaleTarget 101: with the autoscaler hpa KServe takes no more than 100 (percent of the request); write 100 or less",
        changed(SCALED, scaleTarget=101),
    ),
    "metric of the other autoscaler": (
        changed(SLEEPY, scaleMetric="rps", autoscalerClass=HPA),
        "scaleMetric rps: the autoscaler hpa.autoscaling.knative.dev scales by cpu or memory; write one of them, or remove "
        "autoscalerClass",
        changed(SLEEPY, scaleMetric="rps"),
    ),
    "memory of the other autoscaler": (
        changed(SLEEPY, scaleMetric="memory", autoscalerClass=HPA),
        "scaleMetric memory: without scaleTarget KServe writes no metric, and Kubernetes would scale by cpu; set scaleTarget, "
        "MiB",
        changed(SLEEPY, scaleMetric="memory", scaleTarget=100, autoscalerClass=HPA),
    ),
    "target of the other autoscaler": (
        changed(SLEEPY, scaleMetric="memory", scaleTarget=101, autoscalerClass=HPA),
        "scaleTarget 101: with the autoscaler hpa.autoscaling.knative.dev KServe takes no more than 100 (percent of the CPU "
        "request or MiB of memory); write 100 or less",
        changed(SLEEPY, scaleTarget=101),
    ),
    "timeout that Knative has to allow": (
        changed(KNATIVE, models__bert__responseTimeout=601),
        "models.bert.responseTimeout 601 is more than Knative's timeout of 300 seconds, when the request is given up; set "
        "timeout to 601 or more, where Knative's administrator has raised max-revision-timeout-seconds (600) to that, or lower "
        "responseTimeout",
        changed(KNATIVE, models__bert__responseTimeout=601, timeout=601),
    ),
    "timeout": (
        changed(SMALLEST, timeout=119),
        "models.bert.responseTimeout 120 is more than timeout 119, when the request is given up; set timeout to 120 or more, or "
        "lower responseTimeout",
        changed(SMALLEST, timeout=120),
    ),
    "timeout of Knative": (
        changed(KNATIVE, models__bert__responseTimeout=301),
        "models.bert.responseTimeout 301 is more than Knative's timeout of 300 seconds, when the request is given up; set "
        "timeout to 301 or more, or lower responseTimeout",
        changed(KNATIVE, models__bert__responseTimeout=301, timeout=301),
    ),
    "gRPC of TorchServe": (
        changed(SMALLEST, protocol="grpc-v2"),
        "protocol grpc-v2: TorchServe itself does not speak it on KServe's port; set runtime.flavor=wrapper with an image that "
        "has the wrapper, or write protocol v2",
        changed(SMALLEST, protocol="grpc-v2", runtime={"flavor": "wrapper", "image": KFS}),
    ),
    "image without wrapper": (
        changed(SMALLEST, runtime__flavor="wrapper"),
        "runtime.flavor wrapper: the image pytorch/torchserve has no wrapper; write "
        "runtime.image.repository=pytorch/torchserve-kfs and runtime.image.tag=0.12.0, or use the project's own image",
        changed(SMALLEST, runtime={"flavor": "wrapper", "image": OURS}),
    ),
    "mirrored image without wrapper": (
        changed(SMALLEST, runtime={"flavor": "wrapper", "image": {"repository": "mirror/pytorch/torchserve"}}),
        "runtime.flavor wrapper: the image mirror/pytorch/torchserve has no wrapper; write "
        "runtime.image.repository=pytorch/torchserve-kfs and runtime.image.tag=0.12.0, or use the project's own image",
        changed(SMALLEST, runtime={"flavor": "wrapper", "image": {"repository": "mirror/pytorch/torchserve-kfs"}}),
    ),
    "image with an old wrapper": (
        changed(SMALLEST, runtime={"flavor": "wrapper", "image": KFS | {"tag": "0.9.0"}}),
        "runtime.flavor wrapper: the wrapper in docker.io/pytorch/torchserve-kfs:0.9.0 reads its configuration from one path "
        "that is not the chart's; write runtime.image.tag=0.12.0, or at least 0.10.0",
        changed(SMALLEST, runtime={"flavor": "wrapper", "image": KFS | {"tag": "0.10.0"}}),
    ),
    "autoscaler none of an old KServe": (
        changed(SMALLEST, autoscalerClass="none", kserve__version="0.15.0"),
        "autoscalerClass none: KServe knows it from 0.15.2 on, and kserve.version is 0.15.0; upgrade KServe, or write "
        "minReplicas and maxReplicas alike",
        changed(SMALLEST, autoscalerClass="none", kserve__version="0.15.2"),
    ),
    "image without envelope": (
        changed(SMALLEST, runtime={"serviceEnvelope": "torchserve_kserve", "image": KFS}),
        "runtime.serviceEnvelope torchserve_kserve: the image pytorch/torchserve-kfs does not have that envelope; write stock, "
        "or use the project's own image",
        changed(SMALLEST, runtime={"serviceEnvelope": "torchserve_kserve", "image": OURS}),
    ),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


def test_torchserve_itself_runs_from_the_wrappers_image_too():
    """It has TorchServe; the start program runs that and nothing else."""
    assert complaints(changed(SMALLEST, runtime__image=KFS)) == []


def test_a_timeout_is_taken_in_standard_mode_where_a_gateway_may_look_at_it():
    assert complaints(changed(SMALLEST, timeout=600)) == []


@pytest.mark.parametrize("case", CASES)
def test_every_case_of_standard_mode_but_what_it_alone_has_is_taken_in_knative_mode(case):
    values = in_knative(CASES[case]) if CASES[case].get("deploymentMode") != "Knative" else CASES[case]
    assert complaints({key: value for key, value in values.items() if key != "canaryTrafficPercent"}) == []


def test_an_upgrade_without_a_cluster_renders_what_an_install_does():
    """The one rule that looks at a running release finds none there; on a cluster: tests/e2e/test_great_changes.py."""
    given = {"models": {"bert": {"uri": URI}}}
    assert helm.render(RELEASE, NAMESPACE, given, ["--is-upgrade"]) == helm.render(RELEASE, NAMESPACE, given)


def test_nothing_but_that_rule_looks_at_a_cluster():
    looks = re.compile(r"\blookup\b|\.Capabilities")
    files = [file for file in (CHART / "templates").rglob("*") if file.is_file()]
    assert [file.name for file in files if looks.search(file.read_text())] == ["_validate_mode.tpl"]
