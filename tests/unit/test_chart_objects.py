"""What a release consists of, and its labels."""

from __future__ import annotations

import re

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import RELEASE, of_kind, only, render_chart

HASH = re.compile(r"-[0-9a-f]{10}$")
SEEDED = {
    ("PersistentVolumeClaim", "demo-model-store"),
    ("ConfigMap", "demo-seed-#"),
    ("Job", "demo-seed-#"),
    ("ConfigMap", "demo-config-#"),
    ("ConfigMap", "demo-start-#"),
    ("ServingRuntime", "demo-#"),
    ("InferenceService", "demo"),
    ("Pod", "demo-test-predict"),
}
STABLE = {"name", "instance", "component", "part-of", "managed-by"}


def identities(objects: list[dict]) -> list[tuple[str, str]]:
    """Kind and name of every object, a hash written as '#'."""
    return sorted((item["kind"], HASH.sub("-#", item["metadata"]["name"])) for item in objects)


def test_a_release_with_a_source_is_these_objects_and_no_others():
    assert identities(render_chart(SMALLEST)) == sorted(SEEDED)


def test_a_release_on_a_filled_claim_has_no_claim_no_plan_and_no_job():
    nothing_to_seed = {("PersistentVolumeClaim", "demo-model-store"), ("ConfigMap", "demo-seed-#"), ("Job", "demo-seed-#")}
    assert identities(render_chart(EXISTING)) == sorted(SEEDED - nothing_to_seed)


def test_an_existing_claim_with_a_source_is_seeded_and_not_made():
    objects = render_chart(changed(SMALLEST, persistence__create=False, persistence__existingClaim="team-models"))
    assert identities(objects) == sorted(SEEDED - {("PersistentVolumeClaim", "demo-model-store")})
    volume = only(objects, "Job")["spec"]["template"]["spec"]["volumes"][0]
    assert volume["persistentVolumeClaim"]["claimName"] == "team-models"
    assert only(objects, "InferenceService")["spec"]["predictor"]["model"]["storageUri"] == "pvc://team-models"


@pytest.mark.parametrize("case", CASES)
def test_every_object_carries_the_release_labels(case):
    for item in render_chart(CASES[case]):
        labels = item["metadata"]["labels"]
        assert {f"app.kubernetes.io/{name}" for name in STABLE} <= set(labels), item["kind"]
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert all(re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", value) for value in labels.values())


@pytest.mark.parametrize("case", CASES)
def test_no_version_label_reaches_what_a_pod_is_made_from(case):
    objects = render_chart(CASES[case])
    isvc = only(objects, "InferenceService")
    made_from = [isvc["metadata"], isvc["spec"]["predictor"]]
    made_from += [part for runtime in of_kind(objects, "ServingRuntime") for part in (runtime["metadata"], runtime["spec"])]
    made_from += [job["spec"]["template"]["metadata"] for job in of_kind(objects, "Job")]
    for metadata in made_from:
        assert not {"helm.sh/chart", "app.kubernetes.io/version"} & set(metadata.get("labels", {}))


@pytest.mark.parametrize("case", CASES)
def test_no_object_but_the_test_pod_is_a_hook(case):
    hooks = [item["kind"] for item in render_chart(CASES[case]) if "helm.sh/hook" in item["metadata"].get("annotations", {})]
    assert hooks == ["Pod"]


def test_the_claim_is_kept_only_when_told():
    annotations = lambda values: only(render_chart(values), "PersistentVolumeClaim")["metadata"].get("annotations")  # noqa: E731
    assert annotations(SMALLEST) is None
    assert annotations(changed(SMALLEST, persistence__retain=True)) == {"helm.sh/resource-policy": "keep"}


@pytest.mark.parametrize(("given", "written"), [(None, False), ("", ""), ("fast", "fast")])
def test_a_storage_class_is_written_as_given_and_null_leaves_it_to_the_cluster(given, written):
    spec = only(render_chart(changed(SMALLEST, persistence__storageClass=given)), "PersistentVolumeClaim")["spec"]
    assert spec.get("storageClassName", False) == written
