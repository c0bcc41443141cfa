"""What the plan says of each kind of source, and what the seeding pod has for it."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest

from tests.unit.cases import CASES, EXISTING, SMALLEST, URI, changed
from tests.unit.render import only, render_chart
from tests.unit.seeding import SERVER_IMAGE, STORAGE_IMAGE, container, file, init, item, mounts, option, pod, source

A = "a" * 64
CLOUD = {
    "s3": "s3://bucket/bert.mar",
    "gs": "gs://bucket/bert.mar",
    "hf": "hf://owner/model#bert.mar",
    "hdfs": "hdfs://models/bert.mar",
    "webhdfs": "webhdfs://models/bert.mar",
    "azure blob": "https://account.blob.core.windows.net/container/bert.mar",
    "azure file": "https://account.z1.file.storage.azure.net/share/bert.mar",
    "git": "https://example.com/repository.git#bert.mar",
}


@pytest.mark.parametrize("uri", ["pvc://c/a.mar", "oci://i:1#/a.mar", "upload://a.mar", "s3://b/a.mar", "configMap://a/b", URI])
def test_a_uri_is_all_that_the_plan_needs_to_know(uri):
    assert set(item(uri=uri)) == {"model", "version", "uri", "sha256", "path"}
    assert item(uri=uri)["uri"] == uri


def test_a_uri_in_a_secret_is_named_and_not_shown():
    secret = {"secretKeyRef": {"name": "presigned", "key": "uri"}}
    found = item(uriFrom=secret, sha256=A)
    assert found.pop("path").startswith("model-store/bert-")
    assert found == {"model": "bert", "version": "1.0", "sha256": A, "uriFrom": {"secret": "presigned", "key": "uri"}}


def test_credentials_are_a_secrets_name_and_change_no_file():
    opened = {"credentials": {"secretName": "login"}}
    assert item(uri=URI, **opened)["credentials"] == "login"
    assert file(uri=URI, **opened) == file(uri=URI)
    secret = {"uriFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
    assert file(**secret, **opened) == file(**secret)


def test_every_secret_of_a_source_is_mounted_once_and_may_be_missing():
    login, key = {"credentials": {"secretName": "login"}}, {"secretKeyRef": {"name": "uris", "key": "a"}}
    part = {"uri": "https://example.com/w.pt", "credentials": {"secretName": "weights"}}
    build = {"handler": "x", "serializedFile": part}
    values = {"models": {"a": {"uri": URI, **login}, "b": {"uriFrom": key, **login}, "c": {"build": build}}}
    found = mounts(values)
    assert option(values, "--secrets") == "/mnt/secrets"
    secrets = {path: volume["secret"] for path, (_, volume) in found.items() if "secret" in volume}
    assert secrets == {f"/mnt/secrets/{n}": {"secretName": n, "optional": True} for n in ("login", "uris", "weights")}
    assert all(mount["readOnly"] for path, (mount, _) in found.items() if path in secrets)
    assert option(SMALLEST, "--secrets") is None


def test_every_config_map_is_mounted_once_and_may_be_missing():
    named = {"a": "two.dots", "b": "one", "c": "one"}
    values = {"models": {name: {"uri": f"configMap://{source}/{name}.mar"} for name, source in named.items()}}
    found = {path: volume["configMap"] for path, (_, volume) in mounts(values).items() if path.startswith("/mnt/sources/")}
    assert found == {f"/mnt/sources/configMap/{n}": {"name": n, "optional": True} for n in ("one", "two.dots")}
    assert option(values, "--mounts") == "/mnt/sources"
    assert option(SMALLEST, "--mounts") is None


def test_another_claim_is_only_read_and_its_files_keep_their_group():
    mount, volume = mounts(source(uri="pvc://archive/a/bert.mar"))["/mnt/sources/pvc/archive"]
    assert mount["readOnly"] is True
    assert volume["persistentVolumeClaim"] == {"claimName": "archive", "readOnly": True}, "else fsGroup would change it"


def preferred(affinity: dict) -> list[str]:
    (term,) = affinity["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    (expression,) = term["podAffinityTerm"]["labelSelector"]["matchExpressions"]
    assert (expression["key"], expression["operator"]) == ("torchserve-kserve/claim", "In")
    return expression["values"]


def test_job_and_server_would_rather_be_where_the_other_claims_pods_are():
    values = source(uri="pvc://archive/bert.mar")
    runtime = only(render_chart(values), "ServingRuntime")["spec"]
    assert preferred(pod(values)["affinity"]) == preferred(runtime["affinity"]) == ["archive"]
    many = changed(values, persistence__accessModes=["ReadWriteMany"])
    assert preferred(pod(many)["affinity"]) == ["archive"]
    assert "requiredDuringSchedulingIgnoredDuringExecution" not in pod(many)["affinity"]["podAffinity"]
    assert "affinity" not in only(render_chart(many), "ServingRuntime")["spec"]
    assert "preferredDuringSchedulingIgnoredDuringExecution" not in pod(SMALLEST)["affinity"]["podAffinity"]


def test_a_part_on_the_releases_own_claim_is_read_by_the_volume_that_is_there():
    """A pod that names one claim in two volumes may wait for ever."""
    build = {"handler": "x", "serializedFile": "pvc://team-models/w.pt"}
    own = changed(EXISTING, models__bert={"build": build}, persistence__subPath="s")
    mount, volume = mounts(own)["/mnt/sources/pvc/team-models"]
    assert (mount["name"], mount["readOnly"]) == ("models", True)
    assert "subPath" not in mount, "a pvc:// path begins at the claim's root"
    claims = [volume["persistentVolumeClaim"] for volume in pod(own)["volumes"] if "persistentVolumeClaim" in volume]
    assert claims == [volume["persistentVolumeClaim"]] == [{"claimName": "team-models"}]
    assert "preferredDuringSchedulingIgnoredDuringExecution" not in pod(own)["affinity"]["podAffinity"]


IMAGE = "registry.example.com/models/bert:3.1"
IMAGES = {"models": {"a": {"uri": f"oci://{IMAGE}#/m/a.mar"}, "b": {"uri": f"oci://{IMAGE}#/m/b.mar"}, "c": {"uri": "oci://c#/c.mar"}}}


def test_each_image_copies_its_files_to_where_the_program_looks():
    found = init(IMAGES)
    assert {entry["image"]: entry["args"] for entry in found.values()} == {IMAGE: ["/m/a.mar", "/m/b.mar"], "c": ["/c.mar"]}
    where = {volume["name"]: path for path, (_, volume) in mounts(IMAGES).items() if path.startswith("/mnt/sources/oci/")}
    for name, entry in found.items():
        assert entry["volumeMounts"] == [{"name": name, "mountPath": "/out"}]
        assert where[name] == f"/mnt/sources/oci/{hashlib.sha256(entry['image'].encode()).hexdigest()[:10]}"
    assert option(IMAGES, "--mounts") == "/mnt/sources"
    assert container(IMAGES)["image"] == SERVER_IMAGE


def copied(tmp_path, paths: list[str], **env: str) -> subprocess.CompletedProcess:
    """Runs an image container's script, its /out in tmp_path."""
    command = next(iter(init(IMAGES).values()))["command"]
    command = [word.replace("/out", str(tmp_path / "out")) for word in command]
    return subprocess.run([*command, *paths], capture_output=True, text=True, check=False, env={"PATH": "/bin:/usr/bin", **env})


def test_the_images_script_copies_what_is_there_and_leaves_the_rest_to_the_program(tmp_path):
    (tmp_path / "a b.mar").write_text("whole")
    assert copied(tmp_path, [str(tmp_path / "none.mar"), str(tmp_path / "a b.mar")]).returncode == 0
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [tmp_path / f"out{tmp_path}/a b.mar"]


def test_the_images_script_gives_half_a_file_no_name(tmp_path):
    (tmp_path / "a.mar").write_text("whole")
    (tmp_path / "bin").mkdir()
    half = tmp_path / "bin/cp"
    half.write_text('#!/bin/sh\nprintf ha > "$2"\nexit 1\n')
    half.chmod(0o755)
    assert copied(tmp_path, [str(tmp_path / "a.mar")], PATH=f"{tmp_path}/bin:/bin:/usr/bin").returncode == 0
    assert not (tmp_path / f"out{tmp_path}/a.mar").exists()


@pytest.mark.parametrize("uri", CLOUD.values(), ids=CLOUD)
def test_what_kserves_library_fetches_runs_in_its_image(uri):
    assert container(source(uri=uri))["image"] == STORAGE_IMAGE
    assert init(source(uri=uri)) == {}
    assert item(uri=uri).get("storage", False) is uri.startswith("https:"), "only of https the program can't know"


@pytest.mark.parametrize("uri", [URI, "https://account.blob.core.windows.net/container/bert.mar?sig=x", "https://host/x.gitlab/bert.mar"])
def test_what_plain_https_fetches_runs_in_the_servers_image(uri):
    assert container(source(uri=uri))["image"] == SERVER_IMAGE
    assert "storage" not in item(uri=uri)


def test_nothing_of_a_secret_is_rendered():
    """There is nothing to render: no template reads a Secret; all that is there are names."""
    found = json.dumps(render_chart(CASES["private-source"]))
    assert "files-login" in found
    assert '"kind": "Secret"' not in found
