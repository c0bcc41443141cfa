"""A directory in place of the claim, and the seed program run over it as its Job runs it."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.seed.server import sha256

SEED = Path(__file__).parents[2] / "charts/torchserve-kserve/files/seed.py"


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        return self.out + self.err


class Claim:
    """A directory in place of the claim, the plan, and the program's runs over them."""

    def __init__(self, tmp_path: Path) -> None:
        self.root, self.plan = tmp_path / "claim", tmp_path / "plan.json"
        self.mounts, self.secrets, self.termination_log = tmp_path / "mounts", tmp_path / "secrets", tmp_path / "termination-log"
        self.root.mkdir()
        self.termination_log.touch()

    def wants(self, uri: str | None, path: str = "model-store/bert-0a1b2c3d.mar", **more) -> None:
        """Make the plan one artefact."""
        source = {} if uri is None else {"uri": uri}
        self.writes([{"model": "bert", "version": "1.0", **source, "sha256": None, "path": path, **more}])

    def writes(self, artifacts: list[dict]) -> None:
        self.plan.write_text(json.dumps({"artifacts": artifacts}))

    @property
    def parts(self) -> list[Path]:
        """What transfers left in `.seed/tmp`."""
        return sorted((self.root / ".seed/tmp").iterdir())

    def part(self, path: str = "model-store/bert-0a1b2c3d.mar") -> Path:
        """Where an artefact is put together."""
        return self.root / ".seed/tmp" / f"{sha256(path.encode())[:16]}.part"

    @property
    def hash(self) -> str:
        return sha256(self.plan.read_bytes())[:10]

    @property
    def marker(self) -> Path:
        return self.root / f".seed/{self.hash}.json"

    @property
    def error(self) -> Path:
        return self.root / f".seed/{self.hash}.error"

    @property
    def files(self) -> list[str]:
        """Everything on the claim outside .seed."""
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if path.parts[0] != ".seed")

    def command(self, *more: str) -> list[str]:
        options = ["--plan", self.plan, "--destination", self.root, "--mounts", self.mounts, "--secrets", self.secrets]
        quick = ["--attempts", "3", "--backoff", "0.01", "--timeout", "2", "--termination-log", self.termination_log]
        return [sys.executable, *map(str, [SEED, *options, *quick, *more])]

    def seed(self, *more: str, **env: str) -> Result:
        done = subprocess.run(self.command(*more), capture_output=True, text=True, timeout=60, env=env or None)
        return Result(done.returncode, done.stdout, done.stderr)

    def seed_with(self, program: Path) -> Result:
        """A run by another program, which does something to the modules of this one."""
        python, *rest = self.command()
        done = subprocess.run([python, str(program), *rest], capture_output=True, text=True, timeout=60)
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *more: str) -> subprocess.Popen:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(self.command(*more), **pipes)


@contextlib.contextmanager
def file_size_limit(size: int):
    """Programs started meanwhile may not write files beyond this many bytes."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
