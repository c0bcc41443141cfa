"""The wrapper flavour: KServe's model server in front of TorchServe, as the published image pytorch/torchserve-kfs runs it."""

from __future__ import annotations

import json
import shlex
from urllib.parse import urlsplit

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import mounted, only, render_chart

KFS = {"flavor": "wrapper", "image": {"repository": "pytorch/torchserve-kfs", "tag": "0.12.0"}}
WRAPPER = changed(SMALLEST, runtime=KFS)
PROTOCOLS = ["v1", "v2", "grpc-v2"]
# What kubernetes/kserve of pytorch/serve v0.12.0 has: its dockerd-entrypoint.sh runs its arguments, then this program, which
# serves on these ports, whatever is configured.
PROGRAM = "python /home/model-server/kserve_wrapper/__main__.py"
HTTP, GRPC = 8080, 8081
# The environment that its __main__.py and TorchserveModel.py read.
READ = {"CONFIG_PATH", "PROTOCOL_VERSION", "MODEL_LOAD_DELAY", "MODEL_LOAD_MAX_TRY", "MODEL_LOAD_TIMEOUT"}


def container(values: dict) -> dict:
    (found,) = only(render_chart(values), "ServingRuntime")["spec"]["containers"]
    return found


def env(values: dict) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container(values)["env"]}


def as_upstream_reads_it(text: str) -> dict[str, str]:
    """config.properties in the eyes of upstream's wrapper: one line is one property, cut at the first `=`; no continuation
    lines, no other separator, no escapes, `#` in the first column is a comment."""
    pairs = [line.split("=", 1) for line in text.splitlines() if not line.startswith("#") and "=" in line]
    return {name.strip(): value.strip() for name, value in pairs}


def config(values: dict) -> dict[str, str]:
    return as_upstream_reads_it(mounted(render_chart(values))[env(values)["CONFIG_PATH"]])


def argument(values: dict, name: str) -> str:
    args = container(values)["args"]
    return args[args.index(name) + 1]


def test_the_start_program_runs_what_upstreams_entrypoint_runs():
    python, path = shlex.split(PROGRAM)
    assert container(WRAPPER)["command"][0] == python
    assert argument(WRAPPER, "--wrapper") == path
    assert "--wrapper" not in container(SMALLEST)["args"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_upstreams_wrapper_finds_all_that_it_reads_in_its_environment(protocol):
    found = env(changed(WRAPPER, protocol=protocol))
    assert found.keys() >= READ
    assert found["PROTOCOL_VERSION"] == protocol
    assert not READ & env(SMALLEST).keys()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_upstreams_wrapper_reads_the_configuration_as_java_does(protocol):
    values = changed(WRAPPER, protocol=protocol, properties={"vmargs": "-Xmx1g -Da=b", "job_queue_size": 7})
    text = mounted(render_chart(values))[env(values)["CONFIG_PATH"]]
    assert not any(line.endswith("\\") or line.startswith(("#", " ")) for line in text.splitlines())
    assert json.loads(config(values)["model_snapshot"])["models"].keys() == {"bert"}
    assert config(values)["vmargs"].endswith(" -Xmx1g -Da=b")


def test_upstreams_wrapper_finds_torchserve_where_it_listens():
    read = config(WRAPPER)
    addresses = [urlsplit(read[name]) for name in ("inference_address", "management_address", "metrics_address")]
    ports = [address.port for address in addresses]
    assert {address.hostname for address in addresses} == {"127.0.0.1"}
    assert len({*ports, int(read["grpc_inference_port"]), int(read["grpc_management_port"]), HTTP, GRPC}) == 7
    # It takes the host of its gRPC calls from the second part of inference_address.
    assert read["inference_address"].split(":")[1].replace("/", "") == read["grpc_inference_address"]
    assert argument(WRAPPER, "--ts-config") == env(WRAPPER)["CONFIG_PATH"], "one file for both"


@pytest.mark.parametrize("values", [WRAPPER, changed(EXISTING, runtime=KFS)])
def test_upstreams_wrapper_finds_a_model_in_the_store(values):
    """It wants a directory, or a file whose only suffix is .mar."""
    for versions in json.loads(config(values)["model_snapshot"])["models"].values():
        for model in versions.values():
            assert model["marName"].endswith(".mar")
            assert model["marName"].count(".") == 1


def test_upstreams_wrapper_waits_as_long_as_the_pod_may_start():
    values = changed(WRAPPER, seed__timeoutSeconds=1000, models__bert__startupTimeout=500)
    seconds = int(env(values)["MODEL_LOAD_MAX_TRY"]) * int(env(values)["MODEL_LOAD_DELAY"])
    probe = container(values)["startupProbe"]
    assert seconds >= probe["failureThreshold"] * probe["periodSeconds"]


@pytest.mark.parametrize(
    ("protocol", "mode", "ports"),
    [
        ("v1", "Standard", [("http", HTTP), ("h2c", GRPC)]),
        ("v2", "Standard", [("http", HTTP), ("h2c", GRPC)]),
        ("grpc-v2", "Standard", [("h2c", GRPC), ("http", HTTP)]),
        ("v2", "Knative", [("http1", HTTP)]),
        ("grpc-v2", "Knative", [("h2c", GRPC)]),
    ],
)
def test_kserve_serves_the_protocols_port_first_and_knative_that_one_alone(protocol, mode, ports):
    found = container(changed(WRAPPER, protocol=protocol, deploymentMode=mode))["ports"]
    assert [(port["name"], port["containerPort"]) for port in found] == ports


@pytest.mark.parametrize(("protocol", "asked"), [("v1", "8086,8080"), ("v2", "8086,8080"), ("grpc-v2", "8086,8080,8081")])
def test_ready_means_that_the_workers_are_and_the_wrapper_listens(protocol, asked):
    values = changed(WRAPPER, protocol=protocol)
    assert container(values)["readinessProbe"]["exec"]["command"][2:] == [asked, "bert"]
    assert asked.split(",")[0] == str(urlsplit(config(values)["management_address"]).port)


def test_alive_is_asked_inside_the_pod_where_torchserve_listens():
    command = container(WRAPPER)["livenessProbe"]["exec"]["command"]
    assert command[2:] == [f"{urlsplit(config(WRAPPER)['inference_address']).port}/ping", f"{HTTP}/"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_kserve_is_told_the_protocol(protocol):
    objects = render_chart(changed(WRAPPER, protocol=protocol))
    assert only(objects, "ServingRuntime")["spec"]["protocolVersions"] == [protocol]
    assert only(objects, "InferenceService")["spec"]["predictor"]["model"]["protocolVersion"] == protocol


@pytest.mark.parametrize(("protocol", "envelope"), [("v1", "kserve"), ("v2", "kservev2"), ("grpc-v2", "kservev2")])
def test_the_stock_envelope_is_the_protocols(protocol, envelope):
    assert config(changed(WRAPPER, protocol=protocol))["service_envelope"] == envelope


def test_our_envelope_takes_batches():
    (model,) = json.loads(config(CASES["grpc"])["model_snapshot"])["models"]["bert"].values()
    assert model["batchSize"] == 4
    assert config(CASES["grpc"])["service_envelope"] == "torchserve_kserve"
