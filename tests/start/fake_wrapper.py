"""A stand-in for KServe's model server: waits for TorchServe's management API, then forwards POSTs to its inference API.

$PORTS are the ports it serves, HTTP's first. SIGTERM ends it with 0 once everything that it was asked is answered.
$FAKE is a JSON object: `wrapper_ends` at once with this status, `wrapper_prints` so many lines, `deaf` to SIGTERM, `abrupt`:
SIGTERM ends it in the middle of a request.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOW = json.loads(os.environ["FAKE"])
CONFIG = dict(line.split("=", 1) for line in Path(os.environ["CONFIG_PATH"]).read_text().splitlines())
ASKED: list[str] = []
ANSWERED: list[str] = []


class Forwarding(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        ASKED.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = http.client.HTTPConnection(CONFIG["inference_address"].removeprefix("http://"), timeout=20)
        server.request("POST", self.path, body)
        answer = server.getresponse()
        raw = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        self.wfile.flush()
        ANSWERED.append(self.path)

    def log_message(self, *args) -> None:
        pass


def wait_for_torchserve() -> None:
    name = next(iter(json.loads(CONFIG["model_snapshot"])["models"]))
    while True:
        try:
            urllib.request.urlopen(f"{CONFIG['management_address']}/models/{name}").close()
            return
        except urllib.error.HTTPError as error:
            sys.exit(f"NoModelReady: {error}")
        except OSError:
            time.sleep(0.01)


Path(tempfile.gettempdir(), "wrapper.pid").write_text(str(os.getpid()))
print("wrapper", json.dumps({name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}), flush=True)
if "wrapper_ends" in HOW:
    print("ModuleNotFoundError: No module named 'kserve'", flush=True)
    sys.exit(HOW["wrapper_ends"])
signal.pthread_sigmask(signal.SIG_BLOCK, [] if "abrupt" in HOW else [signal.SIGTERM])
for number in range(HOW.get("wrapper_prints", 0)):
    print("wrapper line", end=" ", flush=True)
    print(number, flush=True)
wait_for_torchserve()
for port in os.environ["PORTS"].split():
    serving = ThreadingHTTPServer(("127.0.0.1", int(port)), Forwarding)
    threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
print("wrapper serves", flush=True)
signal.sigwait([signal.SIGUSR1 if {"deaf", "abrupt"} & HOW.keys() else signal.SIGTERM])
while len(ANSWERED) < len(ASKED):
    time.sleep(0.01)
wait_for_torchserve()
print("wrapper ends before TorchServe", flush=True)
