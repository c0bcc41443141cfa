"""What `helm test` runs: a real predict call to every model, through the release's Service, and where it fails what that means.

    predict.py --url http://REL-predictor.NS.svc --requests JSON [--protocol v1|v2] [--answer-seconds N] [--wait-seconds N]
               [--commands JSON] [--order JSON] [--termination-log FILE]

Requests: [{"model": "bert", "request": {"instances": [...]} or null}], in protocol v2 with "inputs". A model passes when the
answer is 200 with a list under `predictions` (v2: `outputs`) that is not empty. A model without a request is sent an empty list
and passes only when its worker has demonstrably run: it answered 200, or it refused the empty request with one of the sentences
that TorchServe's worker (ts/service.py, 0.12) alone writes, which KServe's wrapper hands on in a sentence of its own. The Service
has endpoints only while a pod is ready, so what shows that none is is waited out for --wait-seconds.
Commands: {"why": "kubectl …", …}, those that show more; of a key that is missing the sentence does without.
Order: [["what is seen", "kubectl …"], …], what to look at while no pod is ready.
Exit codes: 0 every model passed; 1 with one line per model that did not, last of all that is printed, and in the termination log.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import http.client
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

# Written by the Python worker when the handler ran and did not produce an answer; the frontend's own 503s say other things.
WORKER_REFUSED = ("Prediction failed", "number of batch response mismatched", "Invalid model predict output",
                  "Unsupported model output data type")
# Of Envoy, Istio's and Knative's gateways included, where no pod is ready. In a mesh the sidecar says it instead of a refusal.
NO_POD = ("no healthy upstream", "upstream connect error", "upstream request timeout")
SHOWN = 400
CONNECT_SECONDS = 5.0
TELL_SECONDS = 10.0
ASK = "see whether the predictor is ready, and if not why"


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


class Answer(NamedTuple):
    """An HTTP answer. `location`: where a redirect leads."""

    status: int
    text: str
    location: str = ""


class Fault(NamedTuple):
    """What is wrong, the key of the command that shows more, and what to do or look for with it."""

    what: str
    key: str
    remedy: str


# Why there was no answer, by kind. {host}, {error} and {seconds} are filled in.
NO_ANSWER = {
    "name": Fault("there is no Service {host}, so KServe has not made it, or Knative has no revision that is ready", "name",
                  "see what it waits for"),
    "dns": Fault("the cluster's DNS does not answer for {host} ({error})", "policies",
                 "see whether a NetworkPolicy keeps this pod from it"),
    "refused": Fault("no pod behind {host} takes a connection ({error})", "why", ASK),
    "silent": Fault("{host} takes no connection within {connect:g} s", "policies",
                    "see whether a NetworkPolicy keeps this pod from the predictor"),
    "slow": Fault("no answer came from {host} within {seconds:g} s", "log",
                  "raise models.<name>.responseTimeout if the model takes so long, or see what the server did"),
    "closed": Fault("{host} closed the connection without an answer ({error}), as a server does that dies, or a mesh to a call "
                    "without its TLS", "log", "set kubeflow.enabled=true in a mesh, else see what the server did"),
    "foreign": Fault("what answers at {host} is not plain HTTP ({error})", "service", "see which port the Service leads to"),
}
WAITED_OUT = ("name", "dns", "refused", "silent", "closed")


class NoAnswer(Exception):
    """args: a kind of NO_ANSWER, what the system said."""


class Stopped(Exception):
    """SIGTERM has come."""


def call(method: str, url: str, body: dict | None, answer_seconds: float) -> Answer:
    """The answer, without following a redirect or using a proxy: the Service is in the cluster. NoAnswer where none came."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=CONNECT_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.connect()
        except socket.gaierror as error:
            raise NoAnswer("dns" if error.errno == socket.EAI_AGAIN else "name", error.strerror) from None
        except OSError as error:
            none = error.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
            raise NoAnswer("refused" if none else "silent", error.strerror or str(error)) from None
        connection.sock.settimeout(answer_seconds)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, parts.path, None if body is None else json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode("utf-8", "replace"), answer.getheader("Location") or "")
        except socket.timeout:
            raise NoAnswer("slow", "timed out") from None
        except OSError as error:  # RemoteDisconnected, too
            raise NoAnswer("closed", error.strerror or str(error)) from None
        except http.client.IncompleteRead:
            raise NoAnswer("closed", "in the middle of it") from None
        except http.client.HTTPException as error:
            raise NoAnswer("foreign", repr(error)[:80]) from None


def call_when_ready(url: str, body: dict, answer_seconds: float, deadline: float) -> Answer:
    """A POST, tried again until the deadline (time.monotonic) while what comes back shows that no pod is ready."""
    told = time.monotonic()
    while True:
        try:
            answer = call("POST", url, body, answer_seconds)
            if answer.status != 503 or not answer.text.startswith(NO_POD) or time.monotonic() > deadline:
                return answer
            cause = f"503 {answer.text[:80]}"
        except NoAnswer as failure:
            cause = str(failure.args[1])
            if failure.args[0] not in WAITED_OUT or time.monotonic() > deadline:
                raise
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            print(f"waiting for a pod that is ready, for {deadline - told:.0f} s more ({cause})", flush=True)
        time.sleep(0.5)


def served(url: str) -> str:
    """The names of the server's models where it tells them, as KServe's does; else nothing."""
    with contextlib.suppress(NoAnswer, ValueError, TypeError, KeyError):
        return ", ".join(json.loads(call("GET", f"{url}/v1/models", None, CONNECT_SECONDS).text)["models"])
    return ""


def of_gateway(answer: Answer) -> Fault | None:
    """What an answer means that is none of a model server's, or is an edge's own."""
    status, text = answer.status, " ".join(answer.text.split())[:80]
    if 300 <= status < 400 and answer.location.startswith("https:"):
        return Fault(f"is redirected to https ({status}), and helm test calls plain http", "service",
                     "set http-protocol: Enabled in Knative's ConfigMap config-network")
    if 300 <= status < 400:
        where = urlsplit(answer.location).netloc or answer.location
        return Fault(f"is redirected to {where} ({status}), as an edge does that wants a session, which helm test has not",
                     "service", "call it as NOTES say (helm get notes), or see which Service leads past the edge")
    if status in (401, 403):
        return Fault(f"answered {status} {text!r}: what is in front of the server wants a login, or lets this pod not in",
                     "authorization", "in a mesh set kubeflow.authorizationPolicy.enabled=true, or see whom the policies let in")
    if status == 400 and text == "no instances in the request":  # of KServe's agent
        return Fault("is behind KServe's batcher, which hands no empty request on, so that its worker does not show", "",
                     "set models.<name>.example")
    if status == 400 and "https" in text.lower():
        return Fault(f"answered 400 {text!r}: the port wants TLS, and helm test calls plain http", "service",
                     "see which port the Service leads to")
    if status in (502, 503, 504) and not answer.text.lstrip().startswith("{"):
        return Fault(f"answered {status} {text!r}, from a gateway or sidecar in front: no pod behind it is ready", "why", ASK)
    if status == 404 and not answer.text.lstrip().startswith("{"):
        return Fault(f"answered 404 {text!r}, from a gateway and not from a model server: it has no route to the predictor yet",
                     "service", "see what it waits for")
    return None


def of_batch(message: str) -> Fault:
    """What KServe's batcher means by an answer 200 with a message: the server's error, or its own about the predictions."""
    if message.startswith("size of prediction"):
        return Fault("gave another number of predictions than instances, says KServe's batcher", "",
                     "its handler must return a list with one prediction per instance")
    return Fault(f"answered KServe's batcher {' '.join(message.split())[:SHOWN]!r}, which hands it on as 200", "log",
                 "read the server's log")


def of_server(answer: Answer, message: str) -> Fault | None:
    """What an error of TorchServe or of KServe's server means; None where its own words say it."""
    if answer.status == 400 and "Token Authorization failed" in message:
        return Fault("is behind TorchServe's token authorization", "",
                     "set disable_token_authorization=true where the runtime that runtime.name names reads its configuration")
    if answer.status == 413:
        return Fault("refuses a request of this size", "", "raise properties.max_request_size, or shorten models.<name>.example")
    if "is not ready" in message:
        return Fault(f"answered {answer.status} {message!r}: it is not loaded, or its worker has died", "log", "see why")
    if "has no worker" in message:
        return Fault(f"answered {answer.status} {message!r}: its workers have died, or the queue for them is full", "log",
                     "see why, or raise minWorkers or properties.job_queue_size")
    if "Worker died" in message:
        return Fault(f"answered {answer.status} {message!r}, as where it has no memory left", "pods",
                     "look for OOMKilled, and raise runtime.resources.limits.memory, or see the server's log")
    if any(sentence in message for sentence in WORKER_REFUSED):
        return Fault(f"answered {answer.status} {message!r}: its handler raised an exception, or the example does not fit it",
                     "log", "read the server's log")
    return None


def fault(answer: Answer, real: bool, protocol: Protocol, names: str) -> Fault | None:
    """Why the answer is not good enough; None where it is. `names`: the models that the server has, where it tells."""
    gateway = of_gateway(answer)
    if gateway:
        return gateway
    try:
        body = json.loads(answer.text)
    except ValueError:
        return of_server(answer, "") or Fault(f"answered {answer.status} without JSON", "log", "read the server's log")
    body = body if isinstance(body, dict) else {}
    message = str(body.get("message") or body.get("error") or "")
    if answer.status == 404:
        has = f" (it has {names})" if names else ""
        return Fault(f"is not registered in TorchServe{has}", "models", "compare the name with the key under models")
    if not real and (answer.status == 200 or (answer.status in (500, 503) and any(s in message for s in WORKER_REFUSED))):
        return None
    if answer.status != 200:
        otherwise = Fault(f"answered {answer.status} {message!r}", "log", "read the server's log")
        if not real:
            otherwise = Fault(f"answered {answer.status} {message!r} to a request without {protocol.request}, which does not "
                              "show its worker", "", "set models.<name>.example")
        return of_server(answer, message) or otherwise
    if message and "batchId" in body:
        return of_batch(message)
    found = body.get(protocol.answer)
    if not isinstance(found, list) or not found:
        return Fault(f"answered 200 without {protocol.answer}", "", f"its handler must return {protocol.each}")
    return None


def tried(item: dict, options: argparse.Namespace, deadline: float) -> Fault | None:
    """Send one model its request and say what came; what was wrong with it."""
    protocol = PROTOCOLS[options.protocol]
    body = item["request"] or {protocol.request: []}
    url = options.url + protocol.path.format(item["model"])
    print(f"POST {url} {json.dumps(body)[:SHOWN]}", flush=True)
    try:
        answer = call_when_ready(url, body, options.answer_seconds, deadline)
    except NoAnswer as failure:
        what, key, remedy = NO_ANSWER[failure.args[0]]
        words = {"host": urlsplit(url).netloc, "error": failure.args[1], "seconds": options.answer_seconds}
        return Fault(what.format(connect=CONNECT_SECONDS, **words), key, remedy)
    print(f"{answer.status} {answer.text[:SHOWN].strip()}", flush=True)
    wrong = fault(answer, bool(item["request"]), protocol, served(options.url) if answer.status == 404 else "")
    if not wrong and not item["request"]:
        print(f"model {item['model']}: its worker answers; set models.{item['model']}.example to test a prediction", flush=True)
    return wrong


def stop(*_: object) -> None:
    raise Stopped


def sentence(item: dict, wrong: Fault, commands: dict) -> str:
    """What is wrong with a model, and the next step."""
    command = commands.get(wrong.key)
    return f"model {item['model']}: {wrong.what}; {wrong.remedy}{f': {command}' if command else ''}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=json.loads, required=True)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="v1")
    parser.add_argument("--answer-seconds", type=float, default=120)
    parser.add_argument("--wait-seconds", type=float, default=60)
    parser.add_argument("--commands", type=json.loads, default={})
    parser.add_argument("--order", type=json.loads, default=[])
    parser.add_argument("--termination-log", type=Path, default=Path("/dev/termination-log"), help="used if it exists")
    options = parser.parse_args()
    if options.termination_log.exists():
        os.dup2(1, 2)  # one stream: of two the container's log has the last lines in any order
    started, item = time.monotonic(), options.requests[0]
    wrong: list[tuple[dict, Fault | None]] = []
    signal.signal(signal.SIGTERM, stop)
    try:
        for item in options.requests:
            wrong.append((item, tried(item, options, started + options.wait_seconds)))
    except Stopped:  # by the pod's activeDeadlineSeconds, or by hand
        what = f"had no answer after {time.monotonic() - started:.0f} s, when the test was stopped"
        wrong.append((item, Fault(what, "why", ASK)))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if any(found and found.key in ("why", "name", "service") for _, found in wrong):
        for seen, command in options.order:
            print(f"if {seen}:  {command}", flush=True)
    said = [sentence(item, found, options.commands) for item, found in wrong if found]
    text = "".join(f"{line}\n" for line in said)
    with contextlib.suppress(OSError), options.termination_log.open("r+", encoding="utf-8") as log:
        log.write(text[-4000:])  # as much as Kubernetes keeps
    sys.stderr.write(text)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
