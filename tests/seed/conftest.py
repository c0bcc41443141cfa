"""A claim to fill and a server to fill it from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.seed.claim import Claim
from tests.seed.server import Server


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    return Claim(tmp_path)


@pytest.fixture
def server():
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()
