"""`storageUri: s3://…`: KServe's storage initializer fetches config/ and model-store/ into the pod; no claim, no Job."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from ci import helm
from ci.cluster import storage_initializer
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.release import Release
from ci.s3_client import S3
from ci.s3_pod import SERVICE_ACCOUNT

CONFIG = b"inference_address=http://0.0.0.0:8080\n"
INITIALIZER = "storage-initializer"
FAILED_SECONDS = 240


@pytest.fixture(scope="module")
def uri(s3: S3, api: kubernetes.client.ApiClient, archives: dict[str, Path]) -> str:
    """The URI of a folder on an S3 server of the namespace, with config/ and model-store/ as the write-up had them on a claim."""
    storage_initializer.refuse_unrestricted(api)
    s3.make_bucket("models")
    s3.put("models", "bert/config/config.properties", CONFIG)
    s3.put("models", f"bert/model-store/{archives['bert'].name}", archives["bert"].read_bytes())
    return "s3://models/bert/"


@pytest.fixture(scope="module")
def values(common: dict[str, Any], archives: dict[str, Path]) -> Callable[[str], dict[str, Any]]:
    """values(uri): of a release of bert that KServe fetches from there."""
    def make(uri: str) -> dict[str, Any]:
        return helm.merged(common, {"storageUri": uri, "serviceAccountName": SERVICE_ACCOUNT,
                                    "models": {"bert": {"marName": archives["bert"].name}}})
    return make


@pytest.fixture(scope="module")
def fetched(install: Callable[..., Release], values: Callable[[str], dict[str, Any]], uri: str, mode: str) -> Release:
    """A release whose model KServe has fetched."""
    with timings.stage(f"helm install from s3 to Ready ({mode})"):
        found = install("fetched", values(uri))
        found.wait_until_ready()
    return found


def test_a_model_from_s3_answers_with_the_right_predictions(fetched: Release, example: Callable[[str, str], Any]) -> None:
    answer = fetched.predict("bert", example("bert", "request.json"))
    assert (answer.status_code, answer.json()) == (200, example("bert", "expected.json"))


def test_the_storage_initializer_tells_what_it_fetched(fetched: Release, uri: str) -> None:
    pod, = fetched.predictor_pods()
    assert [container.name for container in pod.spec.init_containers] == [INITIALIZER]
    log = fetched.logs(pod.metadata.name, INITIALIZER)
    assert "Initializing, args" in log
    assert f"Successfully copied {uri} to /mnt/models" in log
    assert "ERROR" not in log


def test_config_and_model_store_are_in_the_pod(fetched: Release, archives: dict[str, Path]) -> None:
    pod, = fetched.predictor_pods()
    found = fetched.execute(pod.metadata.name, "find", "/mnt/models", "-type", "f", "-printf", "%P %s\\n").split("\n")
    assert sorted(filter(None, found)) == [
        f"config/config.properties {len(CONFIG)}",
        f"model-store/{archives['bert'].name} {archives['bert'].stat().st_size}"]


def test_the_release_has_neither_a_claim_nor_a_job(fetched: Release, uri: str) -> None:
    pod, = fetched.predictor_pods()
    assert fetched.inference_service()["spec"]["predictor"]["model"]["storageUri"] == uri
    assert fetched.seed_jobs() == []
    assert [volume.name for volume in pod.spec.volumes if volume.persistent_volume_claim] == []
    claims = fetched.core.list_namespaced_persistent_volume_claim(fetched.namespace)
    assert [claim.metadata.name for claim in claims.items if claim.metadata.name.startswith(fetched.name)] == []


def test_a_wrong_bucket_is_named_by_the_inference_service(
        install: Callable[..., Release], values: Callable[[str], dict[str, Any]], uri: str) -> None:  # noqa: ARG001
    release = install("nowhere", values("s3://nowhere/bert/"))
    wait_for("the InferenceService to name the bucket", lambda: "S3 resource 'nowhere' not found." in release.last_failure(),
             seconds=FAILED_SECONDS)
