"""What the server as the chart renders it logs for a request: nothing of TorchServe's own, all of the handler's; or all of it."""

import json
import zipfile
from pathlib import Path

import pytest

from ci.cluster import shell, waiting
from tests.image.rendered import CALL, manifest, run
from tests.image.server import Server
from tests.unit.cases import EXISTING, changed

# Of these beginnings TorchServe's own lines are left out.
OWN = ("Backend response from the feature store: 503", "Flushing requests to the store", "Looping backend says hi")
HANDLER = f"""
import logging

class Handler:
    def initialize(self, context):
        pass

    def handle(self, rows, context):
        for line in {OWN}:
            logging.warning(line)
        return ["right" for _ in rows]
"""
ACCESS, RECEIVED = '"POST /v1/models/bert:predict HTTP/1.1" 200', "Backend received inference at"
TORCHSERVES = (ACCESS, RECEIVED, "Flushing req.cmd", "Looping backend response at", "Backend response time")


@pytest.mark.parametrize(("values", "lines"), [({}, set()), ({"runtime__requestLogs": True}, set(TORCHSERVES))],
                         ids=["the chart's defaults", "requestLogs"])
def test_a_request_is_logged_as_asked_for_and_a_handlers_lines_always(
        runtime_image: str, tmp_path: Path, values: dict, lines: set[str]) -> None:
    (tmp_path / "models/model-store").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "models/model-store/bert.mar", "w") as mar:
        mar.writestr("MAR-INF/MANIFEST.json", manifest())
        mar.writestr("handler.py", HANDLER)
    server = Server(run(runtime_image, changed(EXISTING, **values), tmp_path, {"models": "/mnt/models"}))
    try:
        waiting.wait_for("the model", lambda: "is ready: " in server.log(), seconds=120,
                         give_up=lambda: None if server.running() else server.log())
        assert json.loads(server.python(CALL % "/v1/models/bert:predict")) == {"predictions": ["right"]}
        waiting.wait_for("the handler's lines and those asked for", lambda: all(line in server.log() for line in (*OWN, *lines)),
                         seconds=60, state=server.log)
        assert {line for line in TORCHSERVES if line in server.log()} == lines, server.log()
    finally:
        shell.output(["docker", "rm", "--force", "--volumes", server.name])
