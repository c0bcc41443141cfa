"""A claim to fill and servers to fill it from."""

from __future__ import annotations

import os
import random
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from ci.cluster import storage_initializer
from tests.seed.claim import Claim
from tests.seed.ranges import RangeServer
from tests.seed.server import Server, mar


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    return Claim(tmp_path)


@pytest.fixture
def server():
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def artefact(server, name: str, content: bytes) -> dict:
    """A plan's entry whose source the server has."""
    return {"model": name, "uri": server.gives(f"/{name}.mar", content), "path": f"model-store/{name}-1.mar"}


def big_mar(size: int = 4 << 20, seed: int = 1) -> bytes:
    """A model archive whose weights no two places are alike in."""
    out = BytesIO(mar())
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(zipfile.ZipInfo("weights"), random.Random(seed).randbytes(size))
    return out.getvalue()


@pytest.fixture
def range_server():
    """Makes servers with ranges."""
    running: list[RangeServer] = []

    def make(content: bytes | None = None, certificate: Path | None = None) -> RangeServer:
        running.append(RangeServer(big_mar() if content is None else content, certificate))
        return running[-1]

    yield make
    for server in running:
        server.close()


@pytest.fixture
def volume(claim):
    """Makes the claim a volume of a fixed size; with "ro" it can be mounted again, read-only."""
    refuse = pytest.fail if os.environ.get("CI") else pytest.skip
    if os.getuid() != 0:
        refuse("a volume of fixed size is mounted here, which only root may")

    def mount(*options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tests", claim.root]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            refuse(f"a volume of fixed size can't be mounted here: {done.stderr.strip()}")
        mounted.append(claim.root)

    mounted: list[Path] = []
    yield mount
    for root in mounted:
        subprocess.run(["umount", root], check=True)


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> str:  # noqa: ARG001
    return str(storage_initializer.library())


@pytest.fixture
def seed(claim, library):
    """seed(**environment): a run where the library is importable."""
    return lambda *more, **environment: claim.seed(*more, PYTHONPATH=library, **environment)


@pytest.fixture
def running():
    """Servers to stop at the end."""
    servers = []
    yield lambda server: servers.append(server) or server
    for server in servers:
        server.stop()
