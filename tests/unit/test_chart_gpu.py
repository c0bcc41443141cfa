"""gpu.enabled: one switch for image, resources, number_of_gpu and nodes, and nothing while it is off."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import notes, of_kind, only, render_chart
from tests.unit.schemas import pinned
from tests.unit.seeding import SERVER_IMAGE
from tests.unit.stock import pod
from tests.unit.test_chart_config import properties

GPU = changed(SMALLEST, gpu__enabled=True)
USUAL = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
WIDE = changed(GPU, persistence__accessModes=["ReadWriteMany"])


def server(values: dict) -> dict:
    """The predictor's pod, runtime and predictor together."""
    objects = render_chart(values)
    return pod(only(objects, "InferenceService"), of_kind(objects, "ServingRuntime"))


def job(values: dict) -> dict:
    return only(render_chart(values), "Job")["spec"]["template"]["spec"]


def test_the_switch_sets_everything():
    found = server(GPU)
    (container,) = found["containers"]
    assert container["image"] == "docker.io/pytorch/torchserve:0.12.0-gpu"
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "2Gi", "nvidia.com/gpu": "1"}
    assert "nvidia.com/gpu" not in container["resources"]["requests"], "Kubernetes takes the limit"
    assert properties(GPU)["number_of_gpu"] == "1"
    assert found["tolerations"] == [USUAL]
    assert not {"runtimeClassName", "nodeSelector"} & set(found)


def test_each_part_can_be_another():
    found = server(CASES["gpu"])
    (container,) = found["containers"]
    assert container["image"] == f"registry.example.com/serving/torchserve-cuda@{CASES['gpu']['gpu']['image']['digest']}"
    assert container["imagePullPolicy"] == "Always"
    assert container["resources"]["limits"]["nvidia.com/mig-1g.5gb"] == "2"
    assert properties(CASES["gpu"])["number_of_gpu"] == "2"
    for key in ("tolerations", "nodeSelector", "runtimeClassName"):
        assert found[key] == CASES["gpu"]["gpu"][key]


def test_while_it_is_off_nothing_of_it_is_there():
    off = changed(SMALLEST, gpu={"resourceName": "amd.com/gpu", "image": {"tag": "x", "digest": f"sha256:{'a' * 64}"}})
    assert render_chart(off) == render_chart(SMALLEST)
    assert "number_of_gpu" not in properties(SMALLEST)


@pytest.mark.parametrize(
    ("image", "written"),
    [
        ({}, "docker.io/pytorch/torchserve-kfs:0.12.0-gpu"),
        ({"registry": "r.io"}, "r.io/pytorch/torchserve-kfs:0.12.0-gpu"),
        ({"tag": "", "digest": f"sha256:{'a' * 64}"}, f"docker.io/pytorch/torchserve-kfs@sha256:{'a' * 64}"),
    ],
)
def test_what_its_image_leaves_empty_is_the_runtimes(image, written):
    """Never the runtime's digest, which is of another image; and the Job and helm test need no CUDA."""
    values = changed(GPU, runtime={"flavor": "wrapper", "image": {"repository": "pytorch/torchserve-kfs", "tag": "0.12.0"}})
    objects = render_chart(changed(values, gpu__image=image))
    assert only(objects, "ServingRuntime")["spec"]["containers"][0]["image"] == written
    for spec in (only(objects, "Job")["spec"]["template"]["spec"], only(objects, "Pod")["spec"]):
        assert spec["containers"][0]["image"] == "docker.io/pytorch/torchserve-kfs:0.12.0"
    digest = changed(GPU, runtime__image__digest=f"sha256:{'b' * 64}")
    assert server(digest)["containers"][0]["image"] == "docker.io/pytorch/torchserve:0.12.0-gpu"


@pytest.mark.parametrize(
    ("resource", "taint"),
    [("nvidia.com/gpu", "nvidia.com/gpu"), ("nvidia.com/mig-1g.5gb", "nvidia.com/gpu"), ("amd.com/gpu", "amd.com/gpu")],
)
def test_the_usual_taint_is_the_vendors(resource, taint):
    assert server(changed(WIDE, gpu__resourceName=resource))["tolerations"] == [{**USUAL, "key": taint}]


def test_no_tolerations_are_none():
    assert "tolerations" not in server(changed(GPU, gpu__tolerations=[]))
    assert "tolerations" not in job(changed(GPU, gpu__tolerations=[]))


def test_with_a_claim_for_one_node_the_job_goes_where_the_server_can():
    """It has to meet the server there: on a node without GPUs it would keep the server from all of them."""
    values = changed(GPU, gpu__nodeSelector={"gpu": "a100"})
    assert (job(values)["tolerations"], job(values)["nodeSelector"]) == ([USUAL], {"gpu": "a100"})
    anywhere = changed(WIDE, gpu__nodeSelector={"gpu": "a100"})
    assert not {"tolerations", "nodeSelector"} & set(job(anywhere))
    assert server(anywhere)["nodeSelector"] == {"gpu": "a100"}


def test_the_job_goes_where_what_is_passed_through_sends_the_server():
    """With a claim for one node; a Job on a node that the server can't take would keep it waiting for ever."""
    near = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [
        {"key": "zone", "operator": "In", "values": ["a"]}]}]}}
    mine = {"key": "team", "operator": "Exists"}
    given = {"nodeSelector": {"disk": "ssd"}, "tolerations": [mine], "affinity": {"nodeAffinity": near}}
    found = job(changed(SMALLEST, predictor=given))
    assert (found["nodeSelector"], found["tolerations"]) == ({"disk": "ssd"}, [mine])
    assert found["affinity"]["nodeAffinity"] == near
    assert "podAffinity" in found["affinity"]
    anywhere = job(changed(SMALLEST, predictor=given, persistence__accessModes=["ReadWriteMany"]))
    assert not {"tolerations", "nodeSelector", "affinity"} & set(anywhere)
    both = changed(GPU, gpu__nodeSelector={"gpu": "a100"}, predictor=given)
    assert (job(both)["nodeSelector"], job(both)["tolerations"]) == ({"gpu": "a100", "disk": "ssd"}, [USUAL, mine])


def test_tolerations_that_are_passed_through_are_beside_those_of_the_switch():
    mine = {"key": "team", "operator": "Exists"}
    assert server(changed(GPU, predictor__tolerations=[mine]))["tolerations"] == [USUAL, mine]
    assert server(changed(GPU, gpu__tolerations=[], predictor__tolerations=[mine]))["tolerations"] == [mine]


def test_knative_gets_only_the_fields_that_were_asked_for():
    """It refuses them all where its administrator has not enabled them; and the Job's pod is not Knative's."""
    knative = changed(GPU, deploymentMode="Knative")
    assert "tolerations" not in server(knative)
    assert job(knative)["tolerations"] == [USUAL]
    asked = changed(knative, gpu__tolerations=[USUAL], gpu__runtimeClassName="nvidia")
    assert (server(asked)["tolerations"], server(asked)["runtimeClassName"]) == ([USUAL], "nvidia")
    said = "Knative refuses these unless its administrator has enabled their flags"
    flags = [line.split() for line in notes(asked).splitlines() if ": kubernetes.podspec-" in line]
    assert flags == [["gpu.runtimeClassName:", "kubernetes.podspec-runtimeclassname"],
                     ["gpu.tolerations:", "kubernetes.podspec-tolerations"]]
    assert said in notes(asked)
    assert said not in notes(knative)
    assert said not in notes(changed(GPU, gpu__runtimeClassName="nvidia"))


def test_knatives_features_are_called_so_and_off():
    text = (pinned("knative.dev/serving") / "pkg/apis/config/features.go").read_text()
    for field in ("NodeSelector", "RuntimeClassName", "Tolerations"):
        assert f'"kubernetes.podspec-{field.lower()}"' in text
        assert f"PodSpec{field}:Disabled" in text.replace(" ", "")


def test_kserve_does_not_change_the_image():
    """Its UpdateImageTag appends -gpu for three names of runtimes (later versions: for those with its annotation server-type),
    where no runtimeVersion is given; not to a tag that has it, nor to a digest."""
    text = (pinned("github.com/kserve/kserve") / "pkg/controller/v1beta1/inferenceservice/utils/utils.go").read_text()
    update = text[text.index("func UpdateImageTag"):].partition("\n}\n")[0]
    assert "*servingRuntime == constants.TorchServe" in update
    assert 'HasSuffix(container.Image, "-gpu")' in update
    objects = render_chart(changed(GPU, gpu__image__tag="mine"))
    runtime = only(objects, "ServingRuntime")
    assert runtime["metadata"]["name"] not in ("kserve-torchserve", "kserve-tensorflow-serving", "kserve-huggingfaceserver")
    assert "serving.kserve.io/server-type" not in runtime["metadata"].get("annotations", {})
    assert "runtimeVersion" not in only(objects, "InferenceService")["spec"]["predictor"]["model"]


def test_a_runtime_that_is_not_the_charts_gets_all_but_the_image():
    """KServe itself takes the -gpu image of its kserve-torchserve, because of the resource in the model."""
    values = changed(CASES["stock-runtime"], gpu={"enabled": True, "runtimeClassName": "nvidia", "nodeSelector": {"a": "b"}})
    predictor = only(render_chart(values), "InferenceService")["spec"]["predictor"]
    assert predictor["model"]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert predictor["tolerations"] == [USUAL]
    assert (predictor["nodeSelector"], predictor["runtimeClassName"]) == ({"a": "b"}, "nvidia")
    plan = only(render_chart(values), "ConfigMap")["data"]
    assert any("number_of_gpu=1" in text for text in plan.values())


def test_the_image_of_the_job_stays_so_that_no_switch_fetches_anything_again():
    assert job(WIDE)["containers"][0]["image"] == SERVER_IMAGE
    assert job(WIDE) == job(changed(SMALLEST, persistence__accessModes=["ReadWriteMany"]))
    assert render_chart(changed(EXISTING, gpu__enabled=True)) != render_chart(EXISTING)
