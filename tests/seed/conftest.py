"""A claim to fill and servers to fill it from."""

from __future__ import annotations

import os
import random
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from ci.cluster import storage_initializer
from tests.seed.claim import Claim
from tests.seed.fixed_size import Refused, Volume
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
    """Makes the claim a volume of a fixed size, by options of mount; what it returns can be made read-only."""
    mounted: list[Volume] = []

    def mount(*options: str) -> Volume:
        try:
            mounted.append(Volume(claim.root, *options))
        except Refused as refused:
            reason = f"a volume of fixed size can't be mounted here: {refused}"
            if os.environ.get("CI") == "true":  # there a test that is not run would not be missed
                pytest.fail(reason)
            pytest.skip(reason)
        claim.root = mounted[-1].path
        return mounted[-1]

    yield mount
    for one in mounted:
        one.close()


@pytest.fixture(scope="session")
def library() -> str:
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
