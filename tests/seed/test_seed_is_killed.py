"""kill -9 at any moment of a run that copies, packs, downloads and prunes: nothing half, and no marker that lies."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
from pathlib import Path

from tests.seed.conftest import artefact
from tests.seed.server import HANDLER, mar, sha256
from tests.waiting import until

PARTS = {"handler.py": HANDLER.encode(), "weights.pt": bytes(300_000), "vocab.txt": b"a b c"}
OPTIONS = ("--owner", "team/bert", "--keep-old", "0")


def mixed(claim, server, number: int) -> dict[str, bytes]:
    """A plan whose names no other one has; what is to be on the claim in the end, but for the manifest of the build."""
    copied, content = (mar(files={"handler.py": HANDLER, "weights": f"{number}" * size}) for size in (1, 1_000_000))
    (claim.mounts / "pvc/team").mkdir(parents=True, exist_ok=True)
    (claim.mounts / f"pvc/team/{number}.mar").write_bytes(copied)
    (claim.mounts / "configMap/code").mkdir(parents=True, exist_ok=True)
    for name, part in PARTS.items():
        (claim.mounts / "configMap/code" / name).write_bytes(part)
    uris = {name: {"uri": f"configMap://code/{name}"} for name in PARTS}
    build = {"format": "no-archive", "handler": uris["handler.py"], "serializedFile": uris["weights.pt"],
             "extraFiles": [uris["vocab.txt"]]}
    claim.writes([
        {"model": "copy", "uri": f"pvc://team/{number}.mar", "path": f"model-store/copy-{number}.mar"},
        {"model": "build", "version": "1.0", "path": f"model-store/build-{number}", "build": build},
        {**artefact(server, "http", content), "path": f"model-store/http-{number}.mar"},
    ])
    folder = {f"model-store/build-{number}/{name}": part for name, part in PARTS.items()}
    return {f"model-store/copy-{number}.mar": copied, f"model-store/http-{number}.mar": content, **folder}


def found(claim) -> dict[str, bytes]:
    """All on the claim, but the manifests of builds, which have a date in them."""
    return {file: (claim.root / file).read_bytes() for file in claim.files if "MANIFEST" not in file}


def tells_the_truth(claim, marker: Path) -> None:
    for entry in json.loads(marker.read_text())["artifacts"]:
        place = claim.root / entry["path"]
        if place.is_dir():
            files = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
            content = "".join(f"{sha256((place / file).read_bytes())}  {file}\n" for file in files).encode()
        else:
            content = place.read_bytes()
        assert sha256(content) == entry["sha256"], f"{marker.name}: {entry['path']}"


def test_a_kill_at_any_moment_of_a_mixed_plan_leaves_nothing_half(claim, server):
    chance, right = random.Random(7), {}
    moments = {
        "the first temporary file": lambda _: claim.parts,
        "the first file": lambda number: (claim.root / f"model-store/copy-{number}.mar").exists(),
        "the folder": lambda number: (claim.root / f"model-store/build-{number}").exists(),
        "the last file": lambda number: (claim.root / f"model-store/http-{number}.mar").exists(),
        "the marker": lambda _: claim.marker.exists(),
    }
    right |= mixed(claim, server, 0)
    assert claim.seed(*OPTIONS).code == 0
    kills = 0
    for number, (what, moment) in enumerate([*moments.items()] * 2, 1):
        right |= mixed(claim, server, number)
        running = claim.start(*OPTIONS)
        until(lambda: running.poll() is not None or moment(number), what)  # noqa: B023
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(chance.uniform(0, 0.03))
        running.kill()
        running.communicate()
        kills += running.returncode == -signal.SIGKILL
        assert found(claim).items() <= right.items()
        built = {file.split("/")[1] for file in claim.files if "/build-" in file}
        whole = {f"model-store/{folder}/{name}" for folder in built for name in (*PARTS, "MAR-INF/MANIFEST.json")}
        assert whole <= set(claim.files)
        for marker in (claim.root / ".seed").glob("*.json"):
            tells_the_truth(claim, marker)
    result = claim.seed(*OPTIONS)
    assert result.code == 0, result.everything
    last = {file: content for file, content in right.items() if f"-{number}" in file}
    assert last.items() <= found(claim).items() and claim.marker.exists() and claim.parts == []
    assert kills >= 5


def test_a_directory_that_is_pruned_is_gone_at_once(claim, server):
    """Half of it would look like a model: its manifest and its handler may be what is left."""
    folder, count = claim.root / "model-store/big", 3000
    (folder / "MAR-INF").mkdir(parents=True)
    (folder / "MAR-INF/MANIFEST.json").write_text("{}")
    for number in range(count):
        (folder / f"{number}.bin").touch()
    entry = {"path": "model-store/big", "bytes": 2, "sha256": "0"}
    (claim.root / ".seed").mkdir()
    marker = {"plan": "0123456789", "owners": ["team/bert"], "artifacts": [entry]}
    (claim.root / ".seed/0123456789.json").write_text(json.dumps(marker))
    claim.writes([artefact(server, "a", mar())])
    running = claim.start(*OPTIONS)

    def left() -> int:
        with contextlib.suppress(FileNotFoundError):
            return len(list(folder.iterdir()))
        return 0

    until(lambda: left() <= count, "the first of it to go")
    running.kill()
    running.communicate()
    assert left() == 0
    assert claim.seed(*OPTIONS).code == 0
    assert claim.files == ["model-store/a-1.mar"] and claim.parts == []
