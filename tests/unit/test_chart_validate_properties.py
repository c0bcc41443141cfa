"""The rules about properties and extraProperties: what the chart writes itself is refused with why and what to do instead."""

from __future__ import annotations

import pytest

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import complaints
from tests.unit.rules import both_ways
from tests.unit.test_chart_config import properties
from tests.unit.test_values_schema import SCHEMA

WRAPPER = changed(SMALLEST, runtime={"flavor": "wrapper", "image": {"repository": "pytorch/torchserve-kfs"}})
SNAPSHOT = '{"name":"startup.cfg","modelCount":1,"models":{"bert":{"1.0":{"marName":"bert-model.mar","batchSize":1}}}}'


KNOWN = SCHEMA["properties"]["properties"]["properties"]
(OWN,) = SCHEMA["properties"]["properties"]["patternProperties"]


def refused(values: dict, key: str = "extraProperties", **extra: object) -> str:
    (sentence,) = complaints(changed(values, **{key: extra}))
    return sentence


# The write-up's own config.properties: each line that can't stand, in the flavour it was written for.
WRITE_UP = {
    "inference_address": (
        "http://0.0.0.0:8085",
        "as http://127.0.0.1:8085, because the wrapper listens on 8080 and calls TorchServe inside the pod; remove it",
    ),
    "management_address": (
        "http://0.0.0.0:8081",
        "as http://127.0.0.1:8086, because on another address any pod could load models, and 8081 meets the wrapper's gRPC port; "
        "remove it",
    ),
    "enable_envvars_config": (
        True,
        "as false, because the pod's environment could change what is written here; remove it and write the properties "
        "themselves in properties instead",
    ),
    "install_py_dep_per_model": (
        True,
        "as false, because pip needs more settings than that; remove it and set pip.enabled, or use an image (runtime.image) "
        "that has the packages instead",
    ),
    "model_store": (
        "model-store",
        "as /mnt/models/model-store, because KServe mounts the archives there; remove it and set persistence or storageUri "
        "instead",
    ),
    "model_snapshot": (
        SNAPSHOT,
        "because one name of a model has to serve snapshot, probes and tests; remove it and set models instead",
    ),
    "service_envelope": (
        "kserve",
        "as kserve, because it has to fit the protocol; remove it and set protocol or runtime.serviceEnvelope instead",
    ),
    "disable_token_authorization": (
        False,
        "as true, because probes and KServe send no token, and the management API listens inside the pod only; remove it",
    ),
    "enable_model_api": (
        True,
        "as false, because a model that is loaded by a call is gone at the next start; remove it",
    ),
    "load_models": ("all", "because the snapshot says what is loaded; remove it and set models instead"),
}


@pytest.mark.parametrize("key", ["properties", "extraProperties"])
@pytest.mark.parametrize("name", WRITE_UP)
def test_a_setting_of_the_write_up_that_cannot_stand_is_refused_in_one_sentence(name, key):
    value, why = WRITE_UP[name]
    joint = "," if why.startswith("because") else ""
    assert refused(WRAPPER, key, **{name: value}) == f"{key}.{name} is written by the chart{joint} {why}"


def test_the_rest_of_the_write_up_is_taken():
    extra = {"number_of_netty_threads": 4, "job_queue_size": 100}
    assert complaints(changed(WRAPPER, properties=extra)) == []
    written = properties(changed(SMALLEST, properties=extra))
    assert (written["number_of_netty_threads"], written["job_queue_size"]) == ("4", "100")


@pytest.mark.parametrize("values", [SMALLEST, WRAPPER])
def test_every_property_that_the_chart_alone_writes_is_refused_with_its_value(values):
    written = properties(values)
    names = OWN.strip("^()$").split("|")
    assert written.keys() - {"metrics_mode", "disable_system_metrics", "vmargs"} <= set(names)
    sentences = complaints(changed(values, extraProperties=dict.fromkeys(names, "x")))
    for name, sentence in zip(sorted(names), sentences, strict=True):
        said = f" as {written[name]}" if name in written and name != "model_snapshot" else ""
        assert sentence.startswith(f"extraProperties.{name} is written by the chart{said}")
        assert "; remove it" in sentence


def test_a_property_that_the_chart_knows_is_sent_there():
    sentences = complaints(changed(SMALLEST, extraProperties=dict.fromkeys(KNOWN, 1)))
    assert sentences == [f"extraProperties.{name} is a property that the chart knows and checks; write properties.{name} instead"
                         for name in sorted(KNOWN)]


def test_every_property_is_taken_as_its_example_shows():
    examples = {name: node["examples"][0] for name, node in KNOWN.items()}
    written = properties(changed(SMALLEST, properties=examples))
    sizes = {"max_request_size": "67108864", "max_response_size": "67108864"}
    expected = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in examples.items()} | sizes
    written["vmargs"] = " ".join(written["vmargs"].split()[-len(expected["vmargs"].split()):])  # the chart's own come first
    assert {name: written[name] for name in examples} == expected


@pytest.mark.parametrize("name", ["load_models", "models", "model_snapshot"])
def test_models_are_named_in_one_place(name):
    assert refused(SMALLEST, **{name: "x"}).endswith("; remove it and set models instead")


def test_a_name_that_is_no_propertys_is_refused():
    assert refused(SMALLEST, **{"a=b": 1}) == (
        "extraProperties: \"a=b\" is not a key of config.properties; write letters, digits, '_', '.' and '-'"
    )
    assert complaints(changed(SMALLEST, extraProperties={"a.b-c_D": 1})) == []


def test_a_value_of_two_lines_is_refused():
    assert refused(SMALLEST, mine="a\nenable_model_api=true") == (
        "extraProperties.mine has a line break, which would start another property; write it on one line"
    )
    assert complaints(changed(SMALLEST, extraProperties={"mine": "a b"})) == []


def given(**values: object) -> dict:
    return changed(SMALLEST, properties=values)


OFF = {"cpu_launcher_args": "-x", "cpu_launcher_enable": False}
NO_ORIGIN = "has no effect without cors_allowed_origin; set properties.cors_allowed_origin, or remove it"
METRICS_OFF = "has no effect while the system's metrics are off; set properties.disable_system_metrics=false, or remove it"
RULES = {
    "a request that Java can't count": (
        given(max_request_size="2Gi"),
        "properties.max_request_size 2Gi is 2147483648 bytes, and TorchServe counts to 2147483647; write less than 2Gi",
        given(max_request_size="1Gi")),
    "an answer that Java can't count": (
        given(max_response_size="3000Mi"),
        "properties.max_response_size 3000Mi is 3145728000 bytes, and TorchServe counts to 2147483647; write less than 2Gi",
        given(max_response_size="2000Mi")),
    "methods without an origin": (
        given(cors_allowed_methods="GET"),
        f"properties.cors_allowed_methods {NO_ORIGIN}",
        given(cors_allowed_methods="GET", cors_allowed_origin="*")),
    "headers without an origin": (
        given(cors_allowed_headers="X-A"),
        f"properties.cors_allowed_headers {NO_ORIGIN}",
        given(cors_allowed_headers="X-A", cors_allowed_origin="*")),
    "arguments of a launcher that is off": (
        given(**OFF),
        "properties.cpu_launcher_args has no effect without cpu_launcher_enable; set properties.cpu_launcher_enable=true, or "
        "remove it",
        given(cpu_launcher_args="-x", cpu_launcher_enable=True)),
    "workers on a port that is taken": (
        given(use_native_io=False, initial_worker_port=8080),
        "properties.initial_worker_port 8080: without properties.use_native_io the workers listen on 1 ports from there on, and "
        "8080 is taken in the pod; write another one, for example 9100",
        given(use_native_io=True, initial_worker_port=8080)),
    "a collector that is off": (
        given(system_metrics_cmd="a.py"), f"properties.system_metrics_cmd {METRICS_OFF}",
        given(system_metrics_cmd="a.py", disable_system_metrics=False)),
    "an interval of a collector that is off": (
        given(metric_time_interval=5, disable_system_metrics=True), f"properties.metric_time_interval {METRICS_OFF}",
        given(metric_time_interval=5, disable_system_metrics=False)),
}

test_a_wrong_property_is_refused, test_a_right_one_is_taken = both_ways(RULES)
