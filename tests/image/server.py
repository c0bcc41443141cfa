"""A container in which TorchServe runs with the test handler, alone or with the wrapper in front, as the chart runs it."""

import http.client
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.cluster import shell, waiting
from tests import leftovers

WRAPPER = "/home/model-server/kserve_wrapper/__main__.py"
HANDLER = Path(__file__).with_name("handler.py")
HTTP, TORCHSERVE = 8080, 8085  # the wrapper's port, and TorchServe's own behind it
ADDRESSES = {"inference_address": "http://0.0.0.0:8085", "management_address": "http://127.0.0.1:8086",
             "metrics_address": "http://127.0.0.1:8082"}
# One archive under two names.
MODELS = {"echo": {"batchSize": 1, "maxBatchDelay": 10}, "batch": {"batchSize": 8, "maxBatchDelay": 300}}
START = """
set -e
mkdir -p /tmp/store /tmp/logs
printf '%s' "$HANDLER" >/tmp/handler.py
printf '%s' "$CONFIG" >"$CONFIG_PATH"
torch-model-archiver --model-name echo --version 1.0 --handler /tmp/handler.py --export-path /tmp/store
torchserve --start --foreground --ncs --model-store /tmp/store --ts-config "$CONFIG_PATH" &
exec python "$WRAPPER"
"""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        """The sentence of an error in KServe's form."""
        body = self.json
        assert list(body) == ["error"], body
        return body["error"]


@dataclass(frozen=True)
class Server:
    """A running container."""

    name: str

    def port(self, inner: int) -> int:
        """The port of this machine's loopback address that leads to a port in the container."""
        return int(shell.output(["docker", "port", self.name, f"{inner}/tcp"]).split()[0].rpartition(":")[2])

    def ask(self, port: int, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None,
            chunks: list[bytes] | None = None) -> Answer:
        """GET, or POST of `body`: bytes as they are, else as JSON without any Content-Type; or of `chunks`."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            payload = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request("GET" if body is None and chunks is None else "POST", path,
                               iter(chunks) if chunks else payload, dict(headers or {}), encode_chunked=bool(chunks))
            answer = connection.getresponse()
            return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()

    def python(self, program: str) -> str:
        """Output of a Python program in the container."""
        return shell.output(["docker", "exec", self.name, "python", "-c", program])

    def log(self) -> str:
        """What the container has said so far."""
        command = ["docker", "logs", self.name]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout

    def running(self) -> bool:
        """Whether the container has not ended."""
        return shell.output(["docker", "inspect", "--format", "{{.State.Running}}", self.name]).strip() == "true"

    def end(self) -> tuple[int, float]:
        """Exit status of the container after SIGTERM, and how long that took (s)."""
        begun = time.monotonic()
        shell.output(["docker", "kill", "--signal", "TERM", self.name])
        status = int(shell.output(["docker", "wait", self.name]))
        return status, time.monotonic() - begun


@contextmanager
def serving(image: str, *, envelope: str, protocol: str = "v1", tries: int = 300, config: str = "",
            models: Mapping[str, Any] | None = None) -> Iterator[Server]:
    """A container of TorchServe and the wrapper, which may still be starting."""
    models = models or MODELS
    snapshot = {"name": "startup.cfg", "modelCount": len(models), "models": {
        name: {"1.0": {"defaultVersion": True, "marName": "echo.mar", "minWorkers": 1, "maxWorkers": 1, "responseTimeout": 60,
                       **options}} for name, options in models.items()}}
    lines = [*(f"{key}={value}" for key, value in ADDRESSES.items()), f"service_envelope={envelope}",
             "disable_token_authorization=true", "job_queue_size=10", "model_store=/tmp/store", config,
             f"model_snapshot={json.dumps(snapshot)}"]
    environment = {"HANDLER": HANDLER.read_text(), "CONFIG": "\n".join(lines) + "\n", "WRAPPER": WRAPPER,
                   "CONFIG_PATH": "/tmp/config.properties", "PROTOCOL_VERSION": protocol, "MODEL_LOAD_DELAY": "1",
                   "MODEL_LOAD_MAX_TRY": str(tries), "TEMP": "/tmp", "LOG_LOCATION": "/tmp/logs", "METRICS_LOCATION": "/tmp/logs"}
    name = shell.output(["docker", "run", "--detach", leftovers.mark(), "--read-only", "--tmpfs", "/tmp:mode=1777,exec",
                         "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                         *[f"--publish=127.0.0.1::{port}" for port in (HTTP, TORCHSERVE)],
                         *[f"--env={key}={value}" for key, value in environment.items()],
                         "--entrypoint", "bash", image, "-c", START]).strip()
    try:
        yield Server(name)
    finally:
        shell.output(["docker", "rm", "--force", "--volumes", name])


def wait_until_ready(server: Server) -> None:
    """Waits until the wrapper listens, which it does when all models are ready; fails with the log if the container ends."""
    waiting.wait_for("the wrapper to listen", lambda: "answers for" in server.log(), seconds=330,
                     give_up=lambda: None if server.running() else server.log())


def program(text: str) -> str:
    """A Python program for the container, which sees the wrapper's packages: KServe's SDK as its clients have it."""
    return f"from kserve_wrapper.__main__ import isolate\nisolate()\n{text}"
