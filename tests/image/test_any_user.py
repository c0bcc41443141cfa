"""The seeding Job and the server as a user that the image does not know, with group 0: what OpenShift makes of
`securityContext: {runAsUser: null, fsGroup: null}`. The rendered pods on docker, one after the other, on one folder."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ci import helm, preview_container
from ci.cluster import shell, waiting
from tests import leftovers
from tests.image.server import Server

USER = "1234567:0"
# What libraries ask of a user: an id, a name, a home that can be written.
HANDLER = """
import getpass, os, pathlib

def handle(data, context):
    cache = pathlib.Path.home() / ".cache"
    cache.mkdir(exist_ok=True)
    return [{"uid": os.getuid(), "name": getpass.getuser(), "cache": os.access(cache, os.W_OK)}] * len(data or [])
"""
VALUES = {"models": {"who": {"build": {"handler": "configMap://code/who.py"}}},
          "securityContext": {"runAsUser": None, "fsGroup": None}}


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [item for item in objects if item["kind"] == kind]
    return found


@pytest.fixture
def claim(tmp_path: Path) -> Iterator[Path]:
    """A folder that only a user of group 0 may write, as OpenShift's volumes are."""
    folder = tmp_path / "claim"
    folder.mkdir()
    os.chown(folder, 0, 0)
    folder.chmod(0o2775)
    yield folder


def seed(objects: list[dict[str, Any]], image: str, work: Path, claim: Path) -> None:
    """Runs the Job's container as it is rendered."""
    container = of_kind(objects, "Job")["spec"]["template"]["spec"]["containers"][0]
    assert "runAsUser" not in container["securityContext"]
    plan = next(item["data"] for item in objects if item["kind"] == "ConfigMap" and "plan.json" in item["data"])
    folders = {"/opt/torchserve-kserve/seed": plan, "/mnt/sources/configMap/code": {"who.py": HANDLER}}
    mounts = [f"--volume={claim}:/mnt/models"]
    for index, (path, files) in enumerate(folders.items()):
        folder = preview_container.readable_folder(work / str(index))
        for name, text in files.items():
            preview_container.write_readable(folder / name, text)
        mounts.append(f"--volume={folder}:{path}:ro")
    command = [*container["command"], *container["args"]]
    done = subprocess.run(
        ["docker", "run", "--rm", leftovers.mark(), "--user", USER, "--network", "none", "--read-only",
         "--tmpfs", "/tmp:mode=1777", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", *mounts,
         *[f"--env={entry['name']}={entry['value']}" for entry in container["env"]],
         "--entrypoint", command[0], image, *command[1:]], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("flavor", ["native", "wrapper"])
def test_a_model_is_seeded_and_served(flavor: str, own_image: str, tmp_path: Path, claim: Path) -> None:
    objects = helm.render("any", "default", helm.merged(VALUES, {"runtime": {"flavor": flavor}}, helm.image_values(own_image)))
    (tmp_path / "job").mkdir()
    seed(objects, own_image, tmp_path / "job", claim)
    spec = of_kind(objects, "ServingRuntime")["spec"]
    config_maps = {item["metadata"]["name"]: item["data"] for item in objects if item["kind"] == "ConfigMap"}
    spec["containers"][0]["image"] = own_image  # the chart would write a registry before it
    arguments = preview_container.arguments(spec, config_maps, tmp_path, claim, cpus=os.cpu_count() or 1)
    server = Server(shell.output(["docker", "run", "--detach", leftovers.mark(), "--user", USER, *arguments]).strip())
    try:
        probe = ["docker", "exec", server.name, *spec["containers"][0]["readinessProbe"]["exec"]["command"]]
        waiting.wait_for("the model to be ready", lambda: shell.succeeds(probe), seconds=300,
                         give_up=lambda: None if server.running() else server.log())
        answer = server.ask(server.port(8080), "/v1/models/who:predict", {"instances": [1]},
                            headers={"Content-Type": "application/json"})
        assert answer.json == {"predictions": [{"uid": 1234567, "name": "model-server", "cache": True}]}, answer.text
        assert json.loads(server.python("import os, json; print(json.dumps(os.getgroups()))")) in ([0], [])
        assert server.end()[0] == 0
    finally:
        shell.output(["docker", "rm", "--force", "--volumes", server.name])
