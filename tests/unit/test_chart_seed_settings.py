"""seed.*: each value changes what the seeding pod is, and nothing else."""

from __future__ import annotations

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import of_kind, only, render_chart
from tests.unit.schemas import pinned
from tests.unit.seeding import container, file, mounts, option, plan, pod, source

S3 = source(uri="s3://bucket/bert.mar")


def env(values: dict) -> dict[str, object]:
    """The program's environment; what comes from a key of a Secret or ConfigMap as (object's name, key, optional)."""
    found = {}
    for entry in container(values)["env"]:
        assert entry["name"] not in found
        found[entry["name"]] = entry.get("value")
        for reference in entry.get("valueFrom", {}).values():
            found[entry["name"]] = (reference["name"], reference["key"], reference.get("optional", False))
    return found


def added(values: dict, to: dict) -> dict[str, object]:
    """Environment that the first values have and the second have not."""
    return {name: value for name, value in env(values).items() if name not in env(to)}


def test_the_program_may_write_to_its_temporary_folder_only():
    assert env(SMALLEST) == {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"}
    assert mounts(SMALLEST)["/tmp"][1] == {"name": "tmp", "emptyDir": {}}


@pytest.mark.parametrize("given", [
    {"uri": "https://h/a.mar"}, {"uri": "upload://a.mar"}, {"build": {"handler": "image_classifier"}}])
def test_a_new_revision_is_a_new_file_for_every_source(given):
    files = {plan(source(**given) | {"seed": {"revision": revision}})[0]["path"] for revision in ("", "1", 1, "2")}
    assert len(files) == 3, "1 and '1' are one revision"
    assert plan(source(**given) | {"seed": {"revision": ""}})[0]["path"] == f"model-store/{file(**given)}"


def test_connections_are_the_programs():
    assert option(SMALLEST, "--connections") == "8"
    assert option(changed(SMALLEST, seed__connections=1), "--connections") == "1"


@pytest.mark.parametrize(("given", "written"), [(None, None), (0, "0"), (3, "3")])
def test_how_many_old_ones_stay_is_the_programs_and_null_prunes_nothing(given, written):
    assert option(changed(SMALLEST, seed__keepOld=given), "--keep-old") == written


def test_a_file_that_a_model_names_itself_is_never_pruned():
    mixed = changed(EXISTING, models__seeded={"uri": "https://h/a.mar"}, seed__keepOld=0)
    assert option(mixed, "--keep") == "model-store/bert.mar"
    assert option(changed(mixed, seed__keepOld=None), "--keep") is None
    assert option(changed(SMALLEST, seed__keepOld=0), "--keep") is None


def test_the_log_is_for_programs_where_that_is_asked_for():
    assert "--json" in container(changed(SMALLEST, seed__json=True))["args"]
    assert "--json" not in container(SMALLEST)["args"]


def test_what_the_release_seeds_is_its_own():
    (job,) = of_kind(render_chart(SMALLEST, release="other"), "Job")
    args = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[args.index("--owner") + 1] == "models/other"


@pytest.mark.parametrize(("key", "volume"), [("configMapName", "configMap"), ("secretName", "secret")])
def test_an_authority_is_one_file_whatever_its_key_and_may_be_missing(key, volume):
    values = changed(SMALLEST, seed__ca={key: "corp", "key": "bundle.pem"})
    path = env(values)["TORCHSERVE_KSERVE_CA"]
    mount, found = mounts(values)[path.rpartition("/")[0]]
    assert mount["readOnly"] is True
    name = {"configMap": "name", "secret": "secretName"}[volume]
    items = [{"key": "bundle.pem", "path": path.rpartition("/")[2]}]
    assert found[volume] == {name: "corp", "optional": True, "items": items}


def test_no_authority_is_no_variable():
    assert "TORCHSERVE_KSERVE_CA" not in env(SMALLEST)


def test_more_environment_is_the_programs():
    secret, text = {"secretKeyRef": {"name": "a", "key": "b"}}, {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    sources = [{"prefix": "X_", "secretRef": {"name": "c"}}, {"configMapRef": {"name": "d", "optional": True}}]
    values = changed(SMALLEST, seed__env=[text, {"name": "HF_TOKEN", "valueFrom": secret}], seed__envFrom=sources)
    assert added(values, SMALLEST) == {"HTTPS_PROXY": "http://proxy:3128", "HF_TOKEN": ("a", "b", False)}
    assert container(values)["envFrom"] == sources
    assert "envFrom" not in container(SMALLEST)


def test_more_secrets_are_files_beside_those_of_the_sources():
    values = source(uri="https://h/a.mar", credentials={"secretName": "login"}) | {"seed": {"secretFiles": ["gcs", "login"]}}
    found = {path: volume["secret"]["secretName"] for path, (_, volume) in mounts(values).items() if "secret" in volume}
    assert found == {"/mnt/secrets/gcs": "gcs", "/mnt/secrets/login": "login"}
    assert option(values, "--secrets") == "/mnt/secrets"


def test_the_jobs_service_account_is_its_own_and_has_no_token():
    values = changed(SMALLEST, seed__serviceAccountName="reader")
    assert pod(values)["serviceAccountName"] == "reader"
    assert pod(values)["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in only(render_chart(values), "InferenceService")["spec"]["predictor"]
    assert "serviceAccountName" not in pod(changed(SMALLEST, serviceAccountName="s3-reader"))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({}, {}),
        ({"endpoint": "http://minio:9000"}, {"AWS_ENDPOINT_URL": "http://minio:9000"}),
        ({"region": "eu-central-1"}, {"AWS_DEFAULT_REGION": "eu-central-1"}),
        ({"anonymous": True}, {"awsAnonymousCredential": "true"}),
        (
            {"endpoint": "http://minio:9000", "pathStyle": False},
            {"AWS_ENDPOINT_URL": "http://minio:9000", "S3_USER_VIRTUAL_BUCKET": "true"},
        ),
        (
            {"credentials": {"secretName": "s3"}},
            {
                "AWS_ACCESS_KEY_ID": ("s3", "AWS_ACCESS_KEY_ID", False),
                "AWS_SECRET_ACCESS_KEY": ("s3", "AWS_SECRET_ACCESS_KEY", False),
                "AWS_SESSION_TOKEN": ("s3", "AWS_SESSION_TOKEN", True),
            },
        ),
    ],
    ids=lambda value: "+".join(value),
)
def test_s3_is_what_kserves_library_reads(given, written):
    assert added(changed(S3, seed__s3=given), SMALLEST) == written


def test_kserves_library_reads_these_variables():
    """Their spelling is KServe's own; a version that reads others would ignore seed.s3."""
    text = (pinned("github.com/kserve/kserve") / "python/storage/kserve_storage/kserve_storage.py").read_text()
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "S3_USER_VIRTUAL_BUCKET", "awsAnonymousCredential"):
        assert f'"{name}"' in text


def test_the_storage_image_can_be_another():
    given = {"registry": "r.example.com", "repository": "a/b", "tag": "1", "pullPolicy": "Always"}
    assert container(changed(S3, seed__storageImage=given))["image"] == "r.example.com/a/b:1"
    assert container(changed(S3, seed__storageImage=given))["imagePullPolicy"] == "Always"
    digest = given | {"digest": f"sha256:{'a' * 64}"}
    assert container(changed(S3, seed__storageImage=digest))["image"] == f"r.example.com/a/b@sha256:{'a' * 64}"


def test_resources_are_those_of_every_container_of_the_pod():
    values = CASES["image-source"] | {"seed": {"resources": {"limits": {"memory": "2Gi"}}}}
    spec = pod(values)
    found = [entry["resources"]["limits"]["memory"] for entry in [*spec["containers"], *spec["initContainers"]]]
    assert found == ["2Gi", "2Gi"]


SETTINGS = {
    "connections": 2,
    "keepOld": 1,
    "json": True,
    "ca": {"configMapName": "ca"},
    "env": [{"name": "A", "value": "b"}],
    "envFrom": [{"secretRef": {"name": "a"}}],
    "secretFiles": ["a"],
    "serviceAccountName": "a",
    "resources": {"limits": {"memory": "2Gi"}},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_how_it_is_fetched_is_a_new_job_and_neither_a_new_plan_nor_a_new_server(name):
    values = changed(SMALLEST, seed={name: SETTINGS[name]})
    before, after = render_chart(SMALLEST), render_chart(values)
    assert only(before, "Job")["metadata"]["name"] != only(after, "Job")["metadata"]["name"]
    for kind in ("ServingRuntime", "InferenceService"):
        assert only(before, kind) == only(after, kind)
    assert only(before, "ConfigMap", "seed") == only(after, "ConfigMap", "seed")


def test_with_nothing_to_seed_none_of_it_is_there():
    assert render_chart(EXISTING | {"seed": SETTINGS}) == render_chart(EXISTING)
