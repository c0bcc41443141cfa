"""The rules about extraProperties: what the chart writes itself is refused with why and what to do instead."""

from __future__ import annotations

import pytest

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import complaints
from tests.unit.test_chart_config import properties

WRAPPER = changed(SMALLEST, runtime={"flavor": "wrapper", "image": {"repository": "pytorch/torchserve-kfs"}})
SNAPSHOT = '{"name":"startup.cfg","modelCount":1,"models":{"bert":{"1.0":{"marName":"bert-model.mar","batchSize":1}}}}'


def refused(values: dict, **extra: object) -> str:
    (sentence,) = complaints(changed(values, extraProperties=extra))
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
        "themselves in extraProperties instead",
    ),
    "install_py_dep_per_model": (
        True,
        "as false, because it runs pip at every start of a pod, which needs the network and a writable image; remove it and use "
        "an image (runtime.image) that has the packages instead",
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


@pytest.mark.parametrize("name", WRITE_UP)
def test_a_setting_of_the_write_up_that_cannot_stand_is_refused_in_one_sentence(name):
    value, why = WRITE_UP[name]
    joint = "," if why.startswith("because") else ""
    assert refused(WRAPPER, **{name: value}) == f"extraProperties.{name} is written by the chart{joint} {why}"


def test_the_rest_of_the_write_up_is_taken():
    extra = {"number_of_netty_threads": 4, "job_queue_size": 100}
    assert complaints(changed(WRAPPER, extraProperties=extra)) == []
    written = properties(changed(SMALLEST, extraProperties=extra))
    assert (written["number_of_netty_threads"], written["job_queue_size"]) == ("4", "100")


@pytest.mark.parametrize("values", [SMALLEST, WRAPPER])
def test_every_property_that_the_chart_writes_is_refused_with_its_value(values):
    for name, value in properties(values).items():
        sentence = refused(values, **{name: "x"})
        said = "" if name == "model_snapshot" else f" as {value}"
        assert sentence.startswith(f"extraProperties.{name} is written by the chart{said}")
        assert "; remove it" in sentence


@pytest.mark.parametrize("name", ["load_models", "models", "model_snapshot"])
def test_models_are_named_in_one_place(name):
    assert refused(SMALLEST, **{name: "x"}).endswith("; remove it and set models instead")


def test_a_name_that_is_no_propertys_is_refused():
    assert refused(SMALLEST, **{"a=b": 1}) == (
        "extraProperties: \"a=b\" is not a key of config.properties; write letters, digits, '_', '.' and '-'"
    )
    assert complaints(changed(SMALLEST, extraProperties={"a.b-c_D": 1})) == []


def test_a_value_of_two_lines_is_refused():
    assert refused(SMALLEST, vmargs="-Xmx1g\nenable_model_api=true") == (
        "extraProperties.vmargs has a line break, which would start another property; write it on one line"
    )
    assert complaints(changed(SMALLEST, extraProperties={"vmargs": "-Xmx1g -Xms1g"})) == []
