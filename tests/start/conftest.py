"""The start program over a claim in a directory, with a stand-in for TorchServe on its PATH."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.waiting import until

FILES = Path(__file__).parents[2] / "charts/torchserve-kserve/files"
FAKE = Path(__file__).parent / "fake_torchserve.py"
WRAPPER = Path(__file__).parent / "fake_wrapper.py"
# Runs the program with a seed's error standing for 0.5 s instead of 15, and more time for a wrapper to pass an answer on.
RUN = (f"import sys; sys.path.insert(0, {str(FILES)!r}); import start; start.ERROR_STANDS = 0.5; start.PASSING_ON = 1.5; "
       "sys.exit(start.main())")
# Seconds of an end with nothing to wait for but the linger's 2.5: TorchServe by itself would idle for 6 more.
SOON = 8


def in_flight(port: int) -> int:
    """The program's own count of requests to this local port that are not answered."""
    return runpy.run_path(str(FILES / "inflight.py"))["in_flight"](port)


class Predictor:
    """The container: what it mounts, its environment, and the start program in it."""

    def __init__(self, tmp_path: Path) -> None:
        self.claim, self.temp, self.log = tmp_path / "models", tmp_path / "tmp", tmp_path / "termination-log"
        self.etc, self.bin, self.output = tmp_path / "etc", tmp_path / "bin", tmp_path / "output"
        for directory in (self.claim / "model-store", self.claim / ".seed", self.temp, self.etc, self.bin):
            directory.mkdir(parents=True)
        self.log.touch()
        self.inference, self.management = free_port(), free_port()
        self.http, self.grpc = free_port(), free_port()  # of the wrapper
        self.running: subprocess.Popen | None = None
        torchserve = self.bin / "torchserve"
        torchserve.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
        torchserve.chmod(0o755)
        self.serves("bert")

    def serves(self, *models: str, archives: bool = True, **settings) -> None:
        """Write config.properties with these models, and put their archives in place."""
        spec = {"marName": "", "minWorkers": 1, **settings}
        snapshot = {name: {"1.0": {**spec, "marName": f"{name}.mar"}} for name in models}
        lines = {
            "inference_address": f"http://127.0.0.1:{self.inference}",
            "management_address": f"http://127.0.0.1:{self.management}",
            "model_store": self.claim / "model-store",
            "model_snapshot": json.dumps({"name": "startup.cfg", "modelCount": len(models), "models": snapshot}),
        }
        (self.etc / "config.properties").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        for name in models if archives else ():
            zipfile.ZipFile(self.claim / f"model-store/{name}.mar", "w").close()

    def start(self, *more: str, fake: dict | None = None, **env: str) -> subprocess.Popen:
        program = [sys.executable, "-B", "-c", RUN, "--ts-config", self.etc / "config.properties", "--models", self.claim]
        options = ["--timeout-seconds", "30", "--termination-log", self.log, *more]
        base = {"PATH": f"{self.bin}:{os.environ['PATH']}", "TEMP": str(self.temp), "FAKE": json.dumps(fake or {})}
        base |= {"CONFIG_PATH": str(self.etc / "config.properties"), "PORTS": f"{self.http} {self.grpc}"}
        with self.output.open("wb") as out:
            command = [str(part) for part in [*program, *options]]
            self.running = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**base, **env})
        return self.running

    def said(self, text: str) -> bool:
        return text in self.output.read_text()

    def is_ready(self) -> None:
        until(lambda: self.said("is ready: ") or self.running.poll() is not None, "a ready model, or its end")
        assert self.said("is ready: "), self.output.read_text()

    def ends(self, seconds: float = 60.0) -> int:
        try:
            return self.running.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"waited {seconds:g} s for the end; it says {self.output.read_text()}")

    def stop(self) -> float:
        """Ask it to stop; how many seconds that took."""
        started = time.monotonic()
        self.running.send_signal(signal.SIGTERM)
        self.ends()
        return time.monotonic() - started

    def post(self, connection: http.client.HTTPConnection, sleep: float) -> int:
        """Status of a predict that takes so many seconds."""
        connection.request("POST", "/v1/models/bert:predict", json.dumps({"sleep": sleep}))
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def post_meanwhile(self, *sleeps: float, port: int = 0) -> Pending:
        """Predicts that take so many seconds, one after the other on one connection, in a thread."""
        result: list = []

        def send() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port or self.inference, timeout=60)
            try:
                result.append([self.post(connection, sleep) for sleep in sleeps][-1])
            except (OSError, http.client.HTTPException) as error:
                result.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        return Pending(result, thread)

    def in_flight(self) -> int:
        """Unanswered requests, as the program counts them."""
        return in_flight(self.inference)

    @property
    def wrapped(self) -> list[str]:
        """Options that put the stand-in for KServe's model server in front."""
        return ["--wrapper", str(WRAPPER), "--wrapper-port", str(self.http)]

    @property
    def server_pid(self) -> int:
        return int((self.temp / ".model_server.pid").read_text())

    @property
    def wrapper_pid(self) -> int:
        return int((self.temp / "wrapper.pid").read_text())


class Pending:
    """A request under way."""

    def __init__(self, result: list, thread: threading.Thread) -> None:
        self.result, self.thread = result, thread

    def status(self):
        """HTTP status, or the exception."""
        self.thread.join(60)
        return self.result[0]


@pytest.fixture
def predictor(tmp_path: Path):
    made = Predictor(tmp_path)
    yield made
    if made.running and made.running.poll() is None:
        made.running.kill()
        made.running.wait()
    for name in (".model_server.pid", "wrapper.pid"):
        with contextlib.suppress(OSError):
            pid = int((made.temp / name).read_text())
            if b"/tests/start/fake_" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
