"""A server that answers as TorchServe does with one model, `tiny`, which doubles, but for the one defect in $DEFECT.

Run by the Python of the runtime's image: `python faulty_server.py --ts-config FILE`, of which it reads nothing.
"""

import json
import os
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DEFECT = os.environ.get("DEFECT", "")
LIMIT = 100_000
SAY = Path("/tmp/say-loaded")  # made by the test when it has seen that the pod is Ready
APART_SECONDS = 2  # between being Ready and being loaded: the times of both are in whole seconds, and of two programs' clocks
BEGINS = "[INFO ] main org.pytorch.serve.ModelServer - Torchserve version: 0.12.0"  # of a log that is whole
LOADED = ("[DEBUG] W-9000-tiny_1.0 org.pytorch.serve.wlm.WorkerThread - W-9000-tiny_1.0 State change "
          "WORKER_STARTED -> WORKER_MODEL_LOADED")
WORKER = {"id": "9000", "status": "READY"}
NOT_FOUND = 404, {"code": 404, "type": "ModelNotFoundException", "message": "Model not found: x"}
LIST = {"models": [{"modelName": "tiny", "modelUrl": "tiny.mar"}]}
lock, busy, latest, sick = threading.Lock(), 0, 0, False


def predict(body: bytes) -> tuple[int, object]:
    """Status and answer to a predict request of the model."""
    global busy, latest, sick
    if len(body) > LIMIT and DEFECT != "no-limit":
        sick = DEFECT == "sick-of-big"
        return (500 if DEFECT == "big-is-500" else 413), {"error": "too big"}
    if sick:
        return 503, {"error": "no worker"}
    try:
        numbers = [instance["data"] for instance in json.loads(body)["instances"]]
    except (ValueError, KeyError, TypeError):
        return (200, {"predictions": []}) if DEFECT == "no-json-is-fine" else (400, {"error": "no JSON with instances"})
    if any(not isinstance(number, int) for number in numbers):
        return 400, {"error": "no numbers"}
    with lock:
        busy += 1
        latest = numbers[0] if numbers else 0
    time.sleep(0.2 if DEFECT in ("mixes", "breaks-in-bursts") else 0)
    with lock:
        alone, busy = busy == 1, busy - 1
        numbers = [latest] if DEFECT == "mixes" and len(numbers) == 1 else numbers
    if not alone and DEFECT == "breaks-in-bursts":
        return 500, {"error": "the worker died"}
    if len(numbers) == 1 and DEFECT == "refuses-bursts":  # one instance alone is what bursts are made of
        return 503, {"error": "no worker is available"}
    answers = sorted(2 * number for number in numbers) if DEFECT == "sorts" else [2 * number for number in numbers]
    if DEFECT == "loses-one" and len(answers) > 1:
        answers.pop()
    return 200, {"outputs" if DEFECT == "envelope" else "predictions": answers}


def management(path: str) -> tuple[int, object]:
    """Status and answer of the management API."""
    if path.startswith("/models/other"):
        return 200, [{"modelName": "other", "modelVersion": "1.0", "workers": [WORKER]}]
    if path.startswith("/models/tiny"):
        return 200, [{"modelName": "tiny", "modelVersion": "1.0", "workers": [] if DEFECT == "no-worker" else [WORKER]}]
    if path.startswith("/models"):
        return 200, {"models": [*LIST["models"], {"modelName": "other", "modelUrl": "other.mar"}] if DEFECT == "serves-more"
                     else LIST["models"]}
    return NOT_FOUND


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        inference = self.server.server_address[1] == 8080
        if inference and self.path in ("/ping", "/v1/models/tiny"):
            self.answer(200, {"status": "Healthy"})
        else:
            self.answer(*(management(self.path) if not inference or DEFECT == "lists-models" else NOT_FOUND))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/v1/models/tiny:predict":
            self.answer(*predict(body))
        else:
            self.answer(*((200, {"predictions": []}) if DEFECT == "knows-all" else NOT_FOUND))

    def answer(self, status: int, found: object) -> None:
        said = b"<html>Please log in</html>" if DEFECT == "html" and status == 200 and self.command == "POST" \
            else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Says nothing of clients that did not wait, such as a probe while the machine is busy: the log is looked at."""


def say_loaded_when_told() -> None:
    """Says that the model is loaded, APART_SECONDS after it is told to."""
    while not (SAY.exists() and time.time() > SAY.stat().st_mtime + APART_SECONDS):
        time.sleep(0.1)
    print(LOADED, flush=True)


def main() -> None:
    print(BEGINS, flush=True)
    mark = Path("/tmp/was-here")
    if DEFECT == "restarts" and not mark.exists():
        mark.touch()
        raise SystemExit(1)
    if DEFECT == "traceback":
        try:
            raise RuntimeError("the weights are from another model")
        except RuntimeError:
            traceback.print_exc()
    if DEFECT == "worker-dies":
        print("[INFO ] W-9000-tiny_1.0-stdout MODEL_LOG - Backend worker process died.", flush=True)
    inside = Server(("" if DEFECT == "open-management" else "127.0.0.1", 8081), Handler)
    threading.Thread(target=inside.serve_forever, daemon=True).start()
    if DEFECT == "ready-early":
        threading.Thread(target=say_loaded_when_told, daemon=True).start()
    else:
        print(LOADED, flush=True)
        time.sleep(APART_SECONDS)
    Server(("", 8080), Handler).serve_forever()


if __name__ == "__main__":
    main()
