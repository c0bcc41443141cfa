"""runtime.create=false: a runtime that is not the chart's serves the models, with the configuration that is on the claim."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import mounted, notes, of_kind, only, render_chart
from tests.unit.rules import both_ways
from tests.unit.schemas import faults
from tests.unit.seeding import SERVER_IMAGE, container, plan
from tests.unit.stock import NAME, stock_runtime

STOCK = CASES["stock-runtime"]
WRAPPER = {"flavor": "wrapper", "image": {"repository": "pytorch/torchserve-kfs", "tag": "0.12.0"}}
SEEDED = changed(SMALLEST, runtime={"create": False, "name": NAME, "flavor": "wrapper"})
MINE = changed(SEEDED, runtime__name="mine")
# Everything at once that reaches the pods.
ALL = changed(SEEDED, imagePullSecrets=[{"name": "x"}], kubeflow__enabled=True, protocol="grpc-v2")
KNATIVE = changed(ALL, deploymentMode="Knative")


def predictor(values: dict) -> dict:
    return only(render_chart(values), "InferenceService")["spec"]["predictor"]


def config(values: dict) -> str:
    """The text that the seeding Job writes."""
    (item,) = [item for item in plan(values) if "text" in item]
    assert set(item) == {"path", "text"}
    return item["text"]


def test_neither_runtime_nor_start_program_nor_configuration_are_rendered():
    for mode in ("Standard", "Knative"):
        objects = render_chart(changed(STOCK, deploymentMode=mode))
        assert [item["kind"] for item in objects] == ["ConfigMap", "Job", "InferenceService", "Pod"]
        assert "start.py" not in json.dumps(only(objects, "InferenceService"))


def test_the_inference_service_names_the_runtime():
    assert predictor(STOCK)["model"]["runtime"] == NAME
    assert predictor(MINE)["model"]["runtime"] == "mine"


def test_kserves_runtime_knows_the_models_format_and_protocols():
    spec = stock_runtime()["spec"]
    assert predictor(STOCK)["model"]["modelFormat"]["name"] in [known["name"] for known in spec["supportedModelFormats"]]
    for protocol in ("v1", "v2", "grpc-v2"):
        assert predictor(changed(STOCK, protocol=protocol))["model"]["protocolVersion"] in spec["protocolVersions"]


def test_the_configuration_and_the_store_are_where_kserves_runtime_looks_for_them():
    args = stock_runtime()["spec"]["containers"][0]["args"]
    (path,) = [item["path"] for item in plan(STOCK)]
    assert f"--ts-config=/mnt/models/{path}" in args
    assert f"--model-store={properties(STOCK)['model_store']}" in args


def properties(values: dict) -> dict[str, str]:
    """As KServe's model server reads the file: what is before and after the first '=' of a line."""
    return {name.strip(): value.strip() for name, value in (line.split("=", 1) for line in config(values).splitlines())}


def test_kserves_model_server_finds_what_it_asks_for_and_its_own_ports_free():
    found = properties(SEEDED)
    assert {"inference_address", "management_address", "grpc_inference_port", "model_store", "model_snapshot"} <= set(found)
    addresses = {key: value for key, value in found.items() if key.endswith("_address")}
    assert all("127.0.0.1" in value for value in addresses.values())
    assert not [value for value in addresses.values() if value.endswith((":8080", ":8081"))]
    assert list(json.loads(found["model_snapshot"])["models"]) == ["bert"]


@pytest.mark.parametrize("protocol", ["v1", "v2", "grpc-v2"])
def test_the_configuration_is_the_one_that_the_charts_own_runtime_would_have(protocol):
    extra = {"protocol": protocol, "properties": {"job_queue_size": 7, "vmargs": "-Da=C:\\x"}}
    own = mounted(render_chart(changed(SMALLEST, runtime=WRAPPER, **extra)))
    assert config(changed(SEEDED, **extra)) == own["/etc/torchserve/config.properties"]


def test_a_runtime_with_torchserve_alone_gets_the_ports_of_that_flavour():
    found = properties(changed(MINE, runtime__flavor="native"))
    assert found["inference_address"] == "http://0.0.0.0:8080"
    assert found["management_address"] == "http://127.0.0.1:8081"


def test_the_snapshot_names_the_files_that_the_same_plan_brings():
    files = [item["path"].removeprefix("model-store/") for item in plan(SEEDED) if "text" not in item]
    assert json.loads(properties(SEEDED)["model_snapshot"])["models"]["bert"]["1.0"]["marName"] == files[0]
    assert len(files) == 1 and "text" in plan(SEEDED)[-1]


def test_a_claim_with_nothing_else_to_seed_has_a_job_for_the_configuration():
    assert len(plan(STOCK)) == 1
    assert container(STOCK)["image"] == SERVER_IMAGE
    assert of_kind(render_chart(EXISTING), "Job") == []


def test_the_program_that_is_rendered_writes_the_configuration_that_is_rendered(tmp_path):
    for name, text in only(render_chart(STOCK), "ConfigMap")["data"].items():
        (tmp_path / name).write_text(text)
    claim = tmp_path / "claim"
    claim.mkdir()
    subprocess.run([sys.executable, tmp_path / "seed.py", "--plan", tmp_path / "plan.json", "--destination", claim], check=True)
    assert (claim / "config/config.properties").read_text() == config(STOCK)


def test_a_changed_property_is_another_job_and_the_same_pods():
    """They read the file only when they start, and the Job may not have written it by then."""
    values = (SEEDED, changed(SEEDED, properties__job_queue_size=7))
    jobs = {only(render_chart(given), "Job")["metadata"]["name"] for given in values}
    services = {json.dumps(only(render_chart(given), "InferenceService")) for given in values}
    assert (len(jobs), len(services)) == (2, 1)


def test_the_pods_have_what_those_of_the_charts_own_runtime_have():
    values = changed(SMALLEST, imagePullSecrets=[{"name": "x"}], kubeflow__enabled=True)
    own = only(render_chart(values), "ServingRuntime")["spec"]
    found = predictor(ALL)
    for key in ("labels", "annotations", "imagePullSecrets", "affinity"):
        assert found[key] == own[key], key
    assert found["model"]["resources"] == own["containers"][0]["resources"]


def test_in_knative_mode_they_have_no_affinity_and_the_deadline():
    found = predictor(KNATIVE)
    assert "affinity" not in found
    assert found["annotations"] == {"serving.knative.dev/progress-deadline": "750s", "sidecar.istio.io/inject": "true"}


def test_the_container_is_restricted_but_may_write_where_its_image_does():
    own = only(render_chart(SMALLEST), "ServingRuntime")["spec"]["containers"][0]["securityContext"]
    assert own.pop("readOnlyRootFilesystem") is True
    assert predictor(SEEDED)["model"]["securityContext"] == own


def test_the_port_is_named_where_it_is_not_the_one_that_kserve_calls_by_itself():
    assert "ports" not in predictor(SEEDED)["model"]
    ports = [[port["containerPort"] for port in predictor(values)["model"]["ports"]] for values in (ALL, KNATIVE)]
    assert ports == [[8081, 8080], [8081]]


@pytest.mark.parametrize("values", [STOCK, SEEDED, MINE, ALL, KNATIVE], ids=["stock", "seeded", "mine", "all", "knative"])
def test_every_object_is_what_the_api_server_takes(values):
    assert [fault for item in render_chart(values) for fault in faults(item)] == []


def test_notes_say_what_such_a_runtime_does_not_do():
    text = notes(SEEDED)
    assert f"The runtime {NAME} is not this chart's. Without it there is no pod" in text
    assert f"get servingruntimes,clusterservingruntimes --field-selector metadata.name={NAME}\n" in text
    assert "It does not wait for the Job" in text
    assert "kubectl -n models delete pods -l serving.kserve.io/inferenceservice=demo" in text
    assert "its port is open, and not that the models are loaded" in text
    assert "its port is open" not in notes(MINE)
    assert "delete pods" not in notes(SMALLEST)


# wrong values -> the sentence, then right values that differ as little as possible.
RULES = {
    "name of an unused runtime": (
        changed(SMALLEST, runtime__name="mine"),
        "runtime.name is set while runtime.create is true, so the chart's own runtime would be used; set runtime.create=false "
        'to use "mine", or remove the name',
        MINE,
    ),
    "no runtime": (
        changed(SMALLEST, runtime__create=False),
        "runtime.create is false and no runtime is named; set runtime.name, for example to KServe's own kserve-torchserve, or "
        "runtime.create=true",
        changed(SMALLEST, runtime={"create": False, "name": "mine"}),
    ),
    "flavour of KServe's": (
        changed(SMALLEST, runtime={"create": False, "name": NAME}),
        "runtime.name kserve-torchserve: KServe's model server answers there, and TorchServe would take its port; set "
        "runtime.flavor=wrapper",
        SEEDED,
    ),
    "envelope of KServe's": (
        changed(SEEDED, runtime__serviceEnvelope="torchserve_kserve"),
        "runtime.serviceEnvelope torchserve_kserve: the image of the runtime kserve-torchserve does not have that envelope; "
        "write stock, or name a runtime with the project's own image",
        changed(MINE, runtime__serviceEnvelope="torchserve_kserve"),
    ),
    "a bucket's configuration": (
        changed(CASES["storage-uri"], runtime={"create": False, "name": NAME, "flavor": "wrapper"}),
        "runtime.create is false beside storageUri: the runtime would read the config/config.properties of s3://models/bert/ and "
        "nothing of these values; remove storageUri, or set runtime.create=true",
        STOCK,
    ),
    "what TorchServe logs": (
        changed(SEEDED, runtime__requestLogs=True),
        "runtime.requestLogs is of the chart's own runtime; set runtime.create=true, or remove it and follow the other runtime's "
        "own logs",
        SEEDED,
    ),
    "canary": (
        changed(SEEDED, deploymentMode="Knative", canaryTrafficPercent=10),
        "canaryTrafficPercent: with runtime.create=false all revisions read one config/config.properties, so they serve the same "
        "models; remove it, or set runtime.create=true",
        changed(SEEDED, deploymentMode="Knative"),
    ),
    "read-only claim": (
        changed(STOCK, persistence__accessModes=["ReadOnlyMany"]),
        "persistence.accessModes: the seeding Job can't write to a ReadOnlyMany claim; write ReadWriteOnce or ReadWriteMany, or "
        "set runtime.create=true and replace every model's uri by a marName",
        changed(STOCK, persistence__accessModes=["ReadWriteMany"]),
    ),
    "gRPC without a wrapper": (
        changed(MINE, runtime__flavor="native", protocol="grpc-v2"),
        "protocol grpc-v2: TorchServe itself does not speak it on KServe's port; set runtime.flavor=wrapper with an image that "
        "has the wrapper, or write protocol v2",
        changed(MINE, protocol="grpc-v2"),
    ),
    "property of the chart": (
        changed(SEEDED, properties__metrics_address="http://0.0.0.0:8082"),
        "properties.metrics_address is written by the chart as http://127.0.0.1:8082, because on another address any pod "
        "could read them, and 8080 and 8081 are taken; remove it and set metrics.enabled and metrics.port instead",
        changed(SEEDED, properties__job_queue_size=7),
    ),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)
