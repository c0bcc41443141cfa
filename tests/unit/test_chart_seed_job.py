"""The seeding Job: its plan, what it runs, what it may not do."""

from __future__ import annotations

import json
import runpy

import pytest

from tests.unit.cases import EXISTING, OWN, SMALLEST, changed
from tests.unit.render import CHART, of_kind, only, render_chart


def plan(values: dict) -> list[dict]:
    return json.loads(only(render_chart(values), "ConfigMap", "demo-seed")["data"]["plan.json"])["artifacts"]


def job_spec(values: dict) -> dict:
    return only(render_chart(values), "Job")["spec"]


def pod_spec(values: dict) -> dict:
    return job_spec(values)["template"]["spec"]


def test_the_plan_holds_what_the_seed_program_needs():
    digest = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
    (artifact,) = plan(changed(SMALLEST, models__bert__sha256=digest))
    path = artifact.pop("path")
    assert artifact == {"model": "bert", "version": "1.0", "uri": SMALLEST["models"]["bert"]["uri"], "sha256": digest.lower()}
    assert path.startswith("model-store/bert-model-")
    assert path.endswith(".mar")


def test_a_missing_checksum_is_null():
    assert plan(SMALLEST)[0]["sha256"] is None


def test_one_artefact_under_two_names_is_fetched_once():
    models = {"a": SMALLEST["models"]["bert"], "b": SMALLEST["models"]["bert"]}
    assert [artifact["model"] for artifact in plan({"models": models})] == ["a"]


def test_a_uri_goes_into_the_plan_unchanged():
    uri = "https://user:p%20w@example.com/a/b.mar?x=1&y=<2>"
    assert plan({"models": {"m": {"uri": uri}}})[0]["uri"] == uri


@pytest.mark.parametrize(
    ("uri", "stem"),
    [
        ("https://example.com/bert-model.mar", "bert-model"),
        ("https://example.com/bert.v1.2.mar?raw=1", "bert-v1-2"),
        ("https://example.com/download", "download"),
        ("https://example.com/a/%C3%A9t%C3%A9.mar#part", "C3-A9t-C3-A9"),
        ("https://example.com/.../", "model"),
        ("configMap://files/digits.mar", "digits"),
        ("pvc://claim/a/b/digits.v2.mar", "digits-v2"),
        ("oci://registry.example.com/team/image:1#/models/digits.mar", "digits"),
        ("s3://bucket/folder/digits.mar", "digits"),
        ("s3://bucket/folder/#digits.mar", "digits"),
        ("hf://owner/repository:v2#digits.mar", "digits"),
        ("hf://owner/repository", "repository"),
        ("https://host/repository.git#a/digits.mar", "digits"),
        ("upload://digits.mar", "digits"),
        (f"https://example.com/{'x' * 200}.mar", "x" * 60),
    ],
)
def test_a_seeded_file_is_named_after_its_source_with_one_dot(uri, stem):
    name = plan({"models": {"m": {"uri": uri}}})[0]["path"].removeprefix("model-store/")
    assert name.rpartition("-")[0] == stem
    assert name.count(".") == 1


def test_the_job_runs_the_program_on_the_plan():
    container = pod_spec(SMALLEST)["containers"][0]
    assert container["command"] + container["args"] == [
        "python3",
        "/opt/torchserve-kserve/seed/seed.py",
        "--plan",
        "/opt/torchserve-kserve/seed/plan.json",
        "--destination",
        "/mnt/models",
        "--connections",
        "8",
        "--owner",
        "models/demo",
    ]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {"/mnt/models", "/opt/torchserve-kserve/seed", "/tmp"}
    assert not mounts["/mnt/models"].get("readOnly")


def test_the_programs_folder_has_all_of_its_files_and_nothing_of_the_servers():
    data = only(render_chart(SMALLEST), "ConfigMap", "demo-seed")["data"]
    programs = {file.name: file.read_text() for file in (CHART / "files").glob("seed*.py")}
    assert data == programs | {"plan.json": data["plan.json"]}


def test_the_sub_path_is_the_root_for_the_job_and_for_the_server():
    values = changed(SMALLEST, persistence__subPath="team/a")
    assert pod_spec(values)["containers"][0]["volumeMounts"][0]["subPath"] == "team/a"
    isvc = only(render_chart(values), "InferenceService")
    assert isvc["spec"]["predictor"]["model"]["storageUri"] == "pvc://demo-model-store/team/a"


def test_the_job_has_the_budget_as_its_deadline_and_helm_as_its_owner():
    spec = job_spec(changed(SMALLEST, seed__timeoutSeconds=77))
    assert spec["activeDeadlineSeconds"] == 77
    assert 1 <= spec["backoffLimit"] <= 5
    assert "ttlSecondsAfterFinished" not in spec


def test_what_another_try_cannot_help_fails_the_job_at_once():
    rules = job_spec(SMALLEST)["podFailurePolicy"]["rules"]
    at_once = next(rule for rule in rules if rule["action"] == "FailJob")["onExitCodes"]
    assert "containerName" not in at_once, "a pod may have init containers"
    codes = runpy.run_path(str(CHART / "files/seed_errors.py"))
    may_pass = {codes[name] for name in ("BUG", "UNREACHABLE", "NO_SPACE", "NOT_WRITABLE")}
    assert set(at_once["values"]) == set(codes["REMEDY"]) - may_pass
    assert pod_spec(SMALLEST)["restartPolicy"] == "Never", "podFailurePolicy needs it"


def test_no_sidecar_keeps_the_job_from_ending():
    metadata = job_spec(SMALLEST)["template"]["metadata"]
    assert metadata["labels"]["sidecar.istio.io/inject"] == "false"
    assert metadata["annotations"]["sidecar.istio.io/inject"] == "false"


@pytest.mark.parametrize("case", OWN)
def test_job_and_server_use_one_image_but_for_the_storage_library_and_its_secrets(case):
    objects = render_chart(OWN[case])
    runtime = only(objects, "ServingRuntime")["spec"]
    for job in of_kind(objects, "Job"):
        spec = job["spec"]["template"]["spec"]
        image = spec["containers"][0]["image"]
        if "gpu" not in OWN[case]:  # the Job needs no CUDA
            assert image.endswith("kserve/storage-initializer:v0.17.0") or image == runtime["containers"][0]["image"]
        assert spec.get("imagePullSecrets") == runtime.get("imagePullSecrets")


def test_nothing_to_seed_is_no_marker_to_wait_for():
    args = only(render_chart(EXISTING), "ServingRuntime")["spec"]["containers"][0]["args"]
    assert "--marker" not in args
