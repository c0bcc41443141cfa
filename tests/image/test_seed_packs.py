"""The seed program packs a model in the runtime image, as its Job does: no network, a read-only root, another user's volume."""

import json
import subprocess
import zipfile
from pathlib import Path

from ci.cluster.paths import CHART
from tests import leftovers
from tests.seed.claim import Claim
from tests.seed.server import HANDLER

WEIGHTS = bytes(range(256)) * 1000
BUILD = {"handler": {"uri": "configMap://code/bert_handler.py"}, "serializedFile": {"uri": "pvc://weights/v1/bert.pt"}}


def seed(image: str, claim: Claim) -> None:
    """Runs the program in the image over the claim; fails the test with its words if it fails."""
    (claim.mounts / "configMap/code").mkdir(parents=True)
    (claim.mounts / "configMap/code/bert_handler.py").write_text(HANDLER)
    (claim.mounts / "pvc/weights/v1").mkdir(parents=True)
    (claim.mounts / "pvc/weights/v1/bert.pt").write_bytes(WEIGHTS)
    claim.root.chmod(0o777)  # the container's user writes it
    done = subprocess.run(
        ["docker", "run", "--rm", leftovers.mark(), "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
         "--security-opt", "no-new-privileges", "--volume", f"{claim.root}:/mnt/models",
         "--volume", f"{claim.mounts}:/mnt/sources:ro", "--volume", f"{CHART / 'files'}:/opt/seed:ro",
         "--volume", f"{claim.plan}:/opt/plan.json:ro", "--entrypoint", "python3", image,
         "/opt/seed/seed.py", "--plan", "/opt/plan.json", "--destination", "/mnt/models", "--mounts", "/mnt/sources"],
        capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_archive(runtime_image: str, tmp_path: Path) -> None:
    claim = Claim(tmp_path)
    claim.writes([{"model": "bert", "version": "1.0", "path": "model-store/bert-1.mar", "build": BUILD}])
    seed(runtime_image, claim)
    with zipfile.ZipFile(claim.root / "model-store/bert-1.mar") as archive:
        assert archive.read("bert.pt") == WEIGHTS
        assert json.loads(archive.read("MAR-INF/MANIFEST.json"))["model"]["handler"] == "bert_handler.py"


def test_a_folder(runtime_image: str, tmp_path: Path) -> None:
    claim = Claim(tmp_path)
    claim.writes([{"model": "bert", "version": "1.0", "path": "model-store/bert-1", "build": {**BUILD, "format": "no-archive"}}])
    seed(runtime_image, claim)
    assert claim.files == [f"model-store/bert-1/{name}" for name in ("MAR-INF/MANIFEST.json", "bert.pt", "bert_handler.py")]
