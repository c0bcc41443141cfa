"""runtime.env, runtime.envFrom and runtime.ca: what reaches the server's container, in the chart's runtime and in another's."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, SMALLEST, changed
from tests.unit.render import of_kind, only, render_chart

PROXY = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
TOKEN = {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
FROM = [{"prefix": "X_", "secretRef": {"name": "c"}}, {"configMapRef": {"name": "d", "optional": True}}]
CA = {"configMapName": "corp", "key": "bundle.pem"}
FILE = "/etc/torchserve-kserve/ca.crt"
BUNDLE = "/tmp/ca-certificates.crt"  # that file's and the usual ones: tests/start
MOUNT = {"name": "ca", "mountPath": "/etc/torchserve-kserve", "readOnly": True}


def runtime(values: dict) -> dict:
    return only(render_chart(values), "ServingRuntime")["spec"]


def env(values: dict) -> dict[str, dict]:
    entries = runtime(values)["containers"][0]["env"]
    found = {entry["name"]: entry for entry in entries}
    assert len(found) == len(entries)
    return found


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_it_is_the_containers_beside_the_charts_own(mode):
    base = changed(SMALLEST, deploymentMode=mode)
    values = changed(base, runtime={"env": [PROXY, TOKEN], "envFrom": FROM})
    assert env(values) == env(base) | {"HTTPS_PROXY": PROXY, "HF_TOKEN": TOKEN}
    assert runtime(values)["containers"][0]["envFrom"] == FROM
    assert "envFrom" not in runtime(base)["containers"][0]


def test_the_number_of_threads_may_be_the_users():
    assert env(SMALLEST)["OMP_NUM_THREADS"]["value"] == "2"
    own = {"name": "OMP_NUM_THREADS", "value": "7"}
    assert env(changed(SMALLEST, runtime__env=[own]))["OMP_NUM_THREADS"] == own


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
@pytest.mark.parametrize(
    ("key", "volume"),
    [
        ("configMapName", {"configMap": {"name": "corp", "items": [{"key": "bundle.pem", "path": "ca.crt"}]}}),
        ("secretName", {"secret": {"secretName": "corp", "items": [{"key": "bundle.pem", "path": "ca.crt"}]}}),
    ],
)
def test_an_authority_is_one_file_that_pythons_libraries_are_told_of(mode, key, volume):
    values = changed(SMALLEST, deploymentMode=mode, runtime__ca={key: "corp", "key": "bundle.pem"})
    found = runtime(values)
    assert [entry for entry in found["volumes"] if entry["name"] == "ca"] == [{"name": "ca", **volume}]
    assert MOUNT in found["containers"][0]["volumeMounts"]
    assert {name: env(values)[name]["value"] for name in ("TORCHSERVE_KSERVE_CA", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")} == {
        "TORCHSERVE_KSERVE_CA": FILE, "SSL_CERT_FILE": BUNDLE, "REQUESTS_CA_BUNDLE": BUNDLE,
    }  # fmt: skip


def test_without_an_authority_there_is_no_variable_and_no_volume():
    assert "SSL_CERT_FILE" not in env(SMALLEST)
    assert "ca" not in [volume["name"] for volume in runtime(SMALLEST)["volumes"]]


def test_all_of_it_reaches_a_runtime_that_is_not_the_charts():
    values = changed(CASES["stock-runtime"], runtime__env=[PROXY], runtime__envFrom=FROM, runtime__ca=CA)
    predictor = only(render_chart(values), "InferenceService")["spec"]["predictor"]
    model = predictor["model"]
    assert {entry["name"]: entry["value"] for entry in model["env"]} == {
        "HTTPS_PROXY": PROXY["value"], "SSL_CERT_FILE": FILE, "REQUESTS_CA_BUNDLE": FILE,
    }  # fmt: skip
    assert (model["envFrom"], model["volumeMounts"]) == (FROM, [MOUNT])
    assert [volume["name"] for volume in predictor["volumes"]] == ["ca"]
    bare = only(render_chart(CASES["stock-runtime"]), "InferenceService")["spec"]["predictor"]
    assert not {"env", "envFrom", "volumeMounts"} & set(bare["model"])
    assert "volumes" not in bare


def test_it_is_the_servers_alone():
    objects = render_chart(changed(SMALLEST, runtime={"env": [PROXY], "envFrom": FROM, "ca": CA}))
    before = render_chart(SMALLEST)
    assert only(objects, "Job") == only(before, "Job")
    assert only(objects, "Pod") == only(before, "Pod")
    assert of_kind(objects, "ConfigMap") == of_kind(before, "ConfigMap")
