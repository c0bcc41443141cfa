"""storageUri: KServe's storage-initializer brings the archives, so the release has neither claim nor Job."""

from __future__ import annotations

import json
import re

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import complaints, mounted, notes, only, render_chart
from tests.unit.schemas import pinned

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


FILE = (
    "storageUri: over https KServe fetches one file, which has to be an archive with model-store/ in it; write the URL of a "
    ".tar, .tar.gz, .tgz or .zip, or models.<name>.uri for a single .mar"
)
ONE_ARCHIVE = (
    "storageUri \"s3://models/bert.mar\" is a single .mar, which KServe would put beside model-store and not into it; write the "
    "folder that has model-store/ in it, or models.<name>.uri for a single .mar"
)
UNKNOWN = (
    "storageUri: KServe does not fetch from ftp://; write s3://, gs://, hf://, https://, http://, hdfs://, webhdfs://, oci:// or "
    "file://"
)
FETCHED = [
    "gs://b/m",
    "hf://org/model",
    "hdfs://host/m",
    "webhdfs://host/m",
    "oci://registry/image:tag",
    "https://host/store.tar.gz",
    "https://host/store.zip?token=a",
    "https://host/store.git",
    "https://account.blob.core.windows.net/models/bert",
]


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [("ftp://host/m/", UNKNOWN), ("https://host/bert.mar", FILE), ("https://host/store/", FILE),
     ("s3://models/bert.mar", ONE_ARCHIVE)],
)
def test_what_kserve_does_not_fetch_as_a_store_is_refused_in_one_sentence(uri, sentence):
    assert complaints(changed(BUCKET, storageUri=uri)) == [sentence]


def test_the_schemes_are_the_ones_that_kserve_takes():
    source = (pinned("github.com/kserve/kserve") / "pkg/controller/v1beta1/inferenceservice/utils/utils.go").read_text()
    (prefixes,) = re.findall(r"SupportedStorageURIPrefixList = \[\]string\{(.*)\}", source)
    assert set(re.findall(r'"(.*?)"', prefixes)) == set(re.findall(r"\w+://", UNKNOWN)) - {"ftp://"} | {"pvc://"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"persistence__retain": True},
            "persistence.retain is set beside storageUri, which needs no claim; remove one of the two",
        ),
        (
            {"persistence__create": False},
            "persistence.create is false beside storageUri, which makes and uses no claim anyway; remove one of the two",
        ),
    ],
)
def test_a_word_about_the_claim_that_is_not_there_is_refused(changes, sentence):
    assert complaints(changed(BUCKET, **changes)) == [sentence]
    assert complaints(BUCKET) == []


def test_notes_warn_of_a_prefix_that_neighbours_have_too():
    warning = "every object whose key begins so"
    assert warning in notes(changed(BUCKET, storageUri="s3://models/bert"))
    for uri in ("s3://models/bert/", "s3://models", "s3://models/bert.tar.gz", "gs://models/bert"):
        assert warning not in notes(changed(BUCKET, storageUri=uri)), uri


@pytest.mark.parametrize("uri", FETCHED)
def test_the_uri_is_kserves_own(uri):
    assert predictor(changed(BUCKET, storageUri=uri))["model"]["storageUri"] == uri


def test_kserves_init_container_gets_the_pods_seccomp_profile_where_a_pod_may_have_one():
    assert predictor(BUCKET)["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert "securityContext" not in predictor(BUCKET | {"deploymentMode": "Knative"})
    assert "securityContext" not in predictor(SMALLEST)
