"""A claim to fill and servers to fill it from."""

from __future__ import annotations

import random
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

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

