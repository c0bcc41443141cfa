"""Two versions of one model in the server as the chart renders it: which path leads to which."""

import json
import zipfile
from pathlib import Path

import pytest

from ci.cluster import shell, waiting
from ci.cluster.errors import Problem
from tests.image.rendered import CALL, manifest, run
from tests.image.server import Server
from tests.unit.cases import EXISTING

HANDLER = """
class Handler:
    def initialize(self, context):
        self.version = context.manifest["model"]["modelVersion"]

    def handle(self, rows, context):
        return [self.version for _ in rows]
"""
VERSIONS = {"1.0": {"marName": "one.mar"}, "2.0": {"marName": "two.mar"}}


def test_each_version_answers_and_the_default_one_at_kserves_path(runtime_image: str, tmp_path: Path) -> None:
    (tmp_path / "models/model-store").mkdir(parents=True)
    for version, given in VERSIONS.items():
        with zipfile.ZipFile(tmp_path / "models/model-store" / given["marName"], "w") as mar:
            mar.writestr("MAR-INF/MANIFEST.json", manifest(version))
            mar.writestr("handler.py", HANDLER)
    values = {**EXISTING, "models": {"bert": {"versions": VERSIONS, "defaultVersion": "1.0"}}}
    server = Server(run(runtime_image, values, tmp_path, {"models": "/mnt/models"}))
    try:
        waiting.wait_for("both versions", lambda: server.log().count("is ready: ") == 2, seconds=120,
                         give_up=lambda: None if server.running() else server.log())
        paths = {"/v1/models/bert:predict": "1.0", "/predictions/bert": "1.0", "/predictions/bert/1.0": "1.0",
                 "/predictions/bert/2.0": "2.0"}
        assert {path: json.loads(server.python(CALL % path)) for path in paths} == {
            path: {"predictions": [version]} for path, version in paths.items()}
        probe = ["docker", "exec", server.name, "bash", "/opt/torchserve-kserve/start/ready.sh", "8081"]
        shell.output([*probe, "bert/1.0", "bert/2.0"])
        with pytest.raises(Problem, match="model bert/3"):
            shell.output([*probe, "bert/1.0", "bert/3.0"])
    finally:
        shell.output(["docker", "rm", "--force", "--volumes", server.name])
