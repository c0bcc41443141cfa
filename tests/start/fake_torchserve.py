"""A stand-in for `torchserve`: its launcher's manners and its server's, as measured on 0.12.0, without Java and torch.

`torchserve --start …` starts this file again as the server, writes the pid file and ends with 0. The server answers
management requests and POSTs that take `sleep` seconds; SIGTERM drops every connection at once and ends it 6 s later.
$FAKE is a JSON object: `missing` models never registered, `dying` models whose worker dies each time it is asked about,
`loading` models never ready, `silent`: its APIs do not open, `prints` lines at the start and `counts_to` lines before them,
`ends` with this status (negative: by that signal), `no_java`: the launcher finds none, `litter`: leave an orphan that is a
zombie unless someone reaps it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOW = json.loads(os.environ.get("FAKE", "{}"))
PIDS = iter(range(1000, 2000))


def launch(arguments: list[str]) -> None:
    pid_file = Path(tempfile.gettempdir(), ".model_server.pid")
    if pid_file.exists():
        sys.exit("TorchServe is already running, please use torchserve --stop to stop TorchServe.")
    print("launched", json.dumps([*arguments, os.environ.get("TS_CONFIG_FILE")]), flush=True)
    if "no_java" in HOW:
        print("java not found, please make sure JAVA_HOME is set properly.", flush=True)
        return
    (config,) = [item.split("=")[1] for item in arguments if item.startswith("--ts-config=")]
    server = subprocess.Popen([sys.executable, __file__, "serve", config])
    pid_file.write_text(str(server.pid))


class Management(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.split("/")[2]
        status = 404 if name in HOW.get("missing", []) else 200
        pid = next(PIDS) if name in HOW.get("dying", []) else 999
        ready = name not in [*HOW.get("loading", []), *HOW.get("dying", [])]
        worker = {"id": "9000", "pid": pid, "status": "READY" if ready else "UNLOADING"}
        self.answer(status, [{"modelName": name, "workers": [worker]}] if status == 200 else {"code": 404})

    def answer(self, status: int, body: object) -> None:
        raw = json.dumps(body, indent=2).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args) -> None:
        pass


class Inference(Management):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(body.get("sleep", 0))
        self.answer(200, {"predictions": [4]})


def serve(config: Path) -> None:
    lines = [line.partition("=") for line in config.read_text().splitlines()]
    ports = {key: int(value.rpartition(":")[2]) for key, _, value in lines if key.endswith("_address")}
    counted = [f"line {number}" for number in range(HOW.get("counts_to", 0))]
    for line in [*counted, *HOW.get("prints", [])]:
        print(line, flush=True)
    if "litter" in HOW:
        subprocess.run(["sh", "-c", "sh -c 'exit 0' & exit 0"], check=True)
    if "ends" in HOW:
        os.kill(os.getpid(), -HOW["ends"]) if HOW["ends"] < 0 else os._exit(HOW["ends"])
    for handler, key in () if "silent" in HOW else ((Management, "management_address"), (Inference, "inference_address")):
        server = ThreadingHTTPServer(("127.0.0.1", ports[key]), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    signal.sigwait([signal.SIGTERM])
    os.closerange(3, 1024)
    time.sleep(6)
    os._exit(143)


if sys.argv[1] == "serve":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    serve(Path(sys.argv[2]))
else:
    launch(sys.argv[1:])
