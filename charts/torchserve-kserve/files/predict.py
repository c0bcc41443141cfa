"""What `helm test` runs: a real predict call to every model, through the release's Service.

    predict.py --url http://REL-predictor.NS.svc --requests JSON [--protocol v1|v2] [--answer-seconds N] [--wait-seconds N]

Requests: [{"model": "bert", "request": {"instances": [...]} or null}], in protocol v2 with "inputs". A model passes when the
answer is 200 with a list under `predictions` (v2: `outputs`) that is not empty. A model without a request is sent an empty list
and passes only when its worker has demonstrably run: it answered 200, or it refused the empty request with one of the sentences
that TorchServe's worker (ts/service.py, 0.12) alone writes, which KServe's wrapper hands on in a sentence of its own. The Service
has endpoints only while a pod is ready, so a refused connection is waited out for --wait-seconds. Exit codes: 0 every model
passed; 1 with one line per model that did not.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
import urllib.error
import urllib.request
from typing import NamedTuple

# Written by the Python worker when the handler ran and did not produce an answer; the frontend's own 503s say other things.
WORKER_REFUSED = ("Prediction failed", "number of batch response mismatched", "Invalid model predict output")
SHOWN = 400


class Protocol(NamedTuple):
    """A protocol's words."""

    path: str
    request: str
    answer: str
    each: str


PROTOCOLS = {
    "v1": Protocol("/v1/models/{}:predict", "instances", "predictions", "a list with one prediction per instance"),
    "v2": Protocol("/v2/models/{}/infer", "inputs", "outputs", "tensors that TorchServe's envelope makes outputs of"),
}


def post(url: str, body: dict, answer_seconds: float) -> tuple[int, str]:
    """Status and text of the answer; OSError where no HTTP answer came."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    # No proxy: the Service is in the cluster.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=answer_seconds) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")


def post_when_ready(url: str, body: dict, answer_seconds: float, deadline: float) -> tuple[int, str]:
    """As post, but a connection that is not accepted is tried again until the deadline (time.monotonic)."""
    while True:
        try:
            return post(url, body, answer_seconds)
        except OSError as error:  # noqa: PERF203 (one try a half second)
            # An answer that does not come in time is a failure, not a Service without a ready pod.
            if isinstance(error, socket.timeout) or time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def fault(status: int, text: str, real: bool, protocol: Protocol) -> str:
    """Why the answer is not good enough, or an empty string."""
    try:
        answer = json.loads(text)
    except ValueError:
        return f"answered {status} without JSON"
    body = answer if isinstance(answer, dict) else {}
    message = str(body.get("message") or body.get("error") or "")
    if status == 404:
        return "is not registered in TorchServe; compare the name with the key under models"
    if not real:
        if status == 200 or (status in (500, 503) and any(sentence in message for sentence in WORKER_REFUSED)):
            return ""
        return (f"answered {status} to a request without {protocol.request}, which does not show its worker; "
                "set models.<name>.example")
    if status != 200:
        return f"answered {status} {message!r}; read the server's log"
    found = body.get(protocol.answer)
    if not isinstance(found, list) or not found:
        return f"answered 200 without {protocol.answer}; its handler must return {protocol.each}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=json.loads, required=True)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="v1")
    parser.add_argument("--answer-seconds", type=float, default=120)
    parser.add_argument("--wait-seconds", type=float, default=60)
    options = parser.parse_args()
    protocol = PROTOCOLS[options.protocol]
    deadline = time.monotonic() + options.wait_seconds
    faults = 0
    for item in options.requests:
        model, body = item["model"], item["request"] or {protocol.request: []}
        url = options.url + protocol.path.format(model)
        print(f"POST {url} {json.dumps(body)[:SHOWN]}")
        try:
            status, text = post_when_ready(url, body, options.answer_seconds, deadline)
        except OSError as error:
            print(f"model {model}: no answer from {url} ({error}); see whether the predictor is ready", file=sys.stderr)
            faults += 1
            continue
        print(f"{status} {text[:SHOWN].strip()}")
        why = fault(status, text, bool(item["request"]), protocol)
        if why:
            print(f"model {model}: {why}", file=sys.stderr)
            faults += 1
        elif not item["request"]:
            print(f"model {model}: its worker answers; set models.{model}.example to test a prediction")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
