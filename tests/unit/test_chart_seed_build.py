"""Models that are built in the cluster: the plan, the image, the packing tool."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.render import only, render_chart
from tests.unit.seeding import SERVER_IMAGE, STORAGE_IMAGE, container, file, init, item, mounts, source

A = "a" * 64
BUILD = {"handler": "configMap://code/handler.py", "serializedFile": "https://example.com/weights.pt"}
GIT = "https://example.com/repository.git#code/handler.py"


def test_a_build_is_in_the_plan_with_its_parts_and_a_built_in_handler_by_name():
    parts = {"uri": "https://example.com/w.pt", "sha256": A.upper(), "credentials": {"secretName": "login"}}
    secret = {"uriFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    given = {"handler": "text_classifier", "serializedFile": parts, "extraFiles": ["configMap://c/a", secret], "configFile": "pvc://c/x"}
    assert item(build=given)["build"] == {
        "format": "default",
        "handler": "text_classifier",
        "serializedFile": {"uri": "https://example.com/w.pt", "sha256": A, "credentials": "login"},
        "extraFiles": [{"uri": "configMap://c/a"}, {"uriFrom": {"secret": "s", "key": "k"}}],
        "configFile": {"uri": "pvc://c/x"},
    }
    assert item(build=BUILD)["build"]["handler"] == {"uri": "configMap://code/handler.py"}
    assert item(build={"handler": GIT})["build"]["handler"] == {"uri": GIT, "storage": True}


def test_what_a_build_is_made_of_changes_its_file():
    builds = [
        {"build": BUILD},
        {"build": BUILD, "version": "2.0"},
        {"build": BUILD | {"handler": "configMap://code/other.py"}},
        {"build": BUILD | {"modelFile": "configMap://code/model.py"}},
        {"build": BUILD | {"serializedFile": {"uri": BUILD["serializedFile"], "sha256": A}}},
        {"build": BUILD | {"format": "no-archive"}},
    ]
    assert len({file(**build) for build in builds}) == len(builds)
    assert file(build=BUILD) == file(build=BUILD | {"format": "default"})


def test_a_directory_is_served_under_its_name_and_an_archive_with_its_suffix():
    assert file(build=BUILD).startswith("bert-")
    assert file(build=BUILD).endswith(".mar")
    name = file(build=BUILD | {"format": "no-archive"})
    assert "." not in name
    config = only(render_chart(source(build=BUILD | {"format": "no-archive"})), "ConfigMap", "demo-config")
    assert f'"marName":"{name}"' in config["data"]["config.properties"]


def test_a_build_runs_in_the_servers_image_which_has_the_packing_tool():
    assert container(source(build=BUILD))["image"] == SERVER_IMAGE
    assert init(source(build=BUILD)) == {}


@pytest.mark.parametrize(
    "models",
    [{"a": {"build": BUILD | {"serializedFile": "s3://b/w.pt"}}}, {"a": {"build": BUILD}, "b": {"uri": "s3://b/a.mar"}}],
    ids=["in one model", "in two models"],
)
def test_a_build_beside_the_storage_library_gets_the_packing_tool_from_the_servers_image(models):
    values = {"models": models}
    assert container(values)["image"] == STORAGE_IMAGE
    (archiver,) = init(values).values()
    assert archiver["image"] == SERVER_IMAGE
    (mount,) = archiver["volumeMounts"]
    assert {"name": "PYTHONPATH", "value": mount["mountPath"]} in container(values)["env"]
    assert mounts(values)[mount["mountPath"]][1] == {"name": mount["name"], "emptyDir": {}}


def test_the_packing_tool_is_handed_on_and_without_one_nothing_is(tmp_path):
    script = init({"models": {"a": {"build": BUILD | {"serializedFile": "s3://b/w.pt"}}}})["archiver"]["command"][2]
    (tmp_path / "tools/model_archiver").mkdir(parents=True)
    (tmp_path / "tools/model_archiver/__init__.py").touch()
    script = script.replace('"/archiver/', f'"{tmp_path}/archiver/')
    for path, there in ((tmp_path, False), (tmp_path / "tools", True), (tmp_path / "tools", True)):
        program = f"import sys; sys.path.insert(0, {str(path)!r})\n{script}"
        subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
        assert (tmp_path / "archiver/model_archiver/__init__.py").exists() is there
