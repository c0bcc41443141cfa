"""An OCI registry on loopback, for tests: Debian's docker-registry."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import yaml

from ci.cluster import system
from ci.cluster.waiting import wait_for

START_SECONDS = 30


@contextmanager
def running(folder: Path, *, install: bool, why: str) -> Iterator[str]:
    """A registry on a free port, empty, with its data in `folder`; yields `host:port` and ends with the block."""
    system.ensure_programs({"docker-registry": "docker-registry"}, install=install, why=why)
    config = folder / "config.yml"
    config.write_text(yaml.safe_dump({
        "version": 0.1, "storage": {"filesystem": {"rootdirectory": str(folder / "data")}}, "http": {"addr": "127.0.0.1:0"}}))
    log = folder / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=stream, stderr=stream)
    try:
        port = wait_for("the registry to say its port", lambda: _port(log), seconds=START_SECONDS)
        assert requests.get(f"http://127.0.0.1:{port}/v2/", timeout=START_SECONDS).status_code == 200
        yield f"localhost:{port}"
    finally:
        process.terminate()
        process.wait()


def _port(log: Path) -> str | None:
    found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())
    return found.group(1) if found else None
