"""storageUri: KServe's storage-initializer brings the archives, so the release has neither claim nor Job."""

from __future__ import annotations

import json

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import mounted, notes, only, render_chart

BUCKET = CASES["storage-uri"]


def predictor(values: dict) -> dict:
    return only(render_chart(values), "InferenceService")["spec"]["predictor"]


def test_there_is_no_claim_and_no_job_although_persistence_is_as_it_was():
    kinds = {item["kind"] for item in render_chart(BUCKET)}
    assert kinds == {"ConfigMap", "ServingRuntime", "InferenceService", "Pod"}


def test_kserve_is_told_where_the_store_is_and_whose_secrets_open_it():
    assert predictor(BUCKET)["model"]["storageUri"] == "s3://models/bert/"
    assert predictor(BUCKET)["serviceAccountName"] == "s3-reader"
    assert predictor(BUCKET)["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in predictor(SMALLEST)


def test_the_pod_may_run_anywhere_and_waits_for_nothing():
    spec = only(render_chart(BUCKET), "ServingRuntime")["spec"]
    assert "affinity" not in spec
    assert "labels" not in spec
    assert "--marker" not in spec["containers"][0]["args"]


def test_the_files_are_found_below_kserves_mount():
    text = mounted(render_chart(BUCKET))["/etc/torchserve/config.properties"]
    found = dict(line.split("=", 1) for line in text.splitlines())
    assert found["model_store"] == "/mnt/models/model-store"
    assert json.loads(found["model_snapshot"])["models"]["bert"]["1.0"]["marName"] == "bert-model.mar"


def test_notes_name_the_bucket_and_the_container_that_fetches():
    text = notes(BUCKET)
    assert "demo serves bert from s3://models/bert/." in text
    assert "-c storage-initializer" in text
    assert "-c storage-initializer" not in notes(EXISTING)


@pytest.mark.parametrize("uri", ["gs://b/m", "hf://org/model", "https://host/store.tar.gz", "oci://registry/image:tag"])
def test_the_uri_is_kserves_own(uri):
    assert predictor(changed(BUCKET, storageUri=uri))["model"]["storageUri"] == uri


def test_kserves_init_container_gets_the_pods_seccomp_profile_where_a_pod_may_have_one():
    assert predictor(BUCKET)["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert "securityContext" not in predictor(BUCKET | {"deploymentMode": "Knative"})
    assert "securityContext" not in predictor(SMALLEST)
