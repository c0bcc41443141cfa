"""Releases by hand, each with one thing wrong: TorchServe with wrong settings or models, a server that pretends to be it
(faulty_server.py), objects that don't fit. For each defect the check of the conformance suite that has to name it, and how."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ci.cluster import probes
from ci.cluster.paths import CHART
from tests.e2e.tiny import packed

GROUP = "serving.kserve.io/v1beta1"
SAMPLE, RIGHT = {"instances": [{"data": 3}, {"data": 1}, {"data": 2}]}, {"predictions": [6, 2, 4]}
# Handlers by model: `double` is right, in each envelope.
DOUBLE = '''
def double(data):
    return [[2 * one["data"] for one in item["body"]["instances"]] if "body" in item else 2 * item["data"] for item in data or []]

def handle(data, context):
    return double(data)
'''
HANDLERS = {
    "double": DOUBLE,
    "backwards": DOUBLE.replace("return double(data)", "return double(data)[::-1]"),
    "wrong": DOUBLE.replace("return double(data)", "return [answer + 1 for answer in double(data)]"),
    "slow": "import time\ntime.sleep(30)\n" + DOUBLE,
    "dies": "import os\nif not os.path.exists('/tmp/died'):\n    open('/tmp/died', 'w').close()\n    os._exit(1)\n" + DOUBLE,
    "prints": "import traceback\ntry:\n    [][0]\nexcept IndexError:\n    traceback.print_exc()\n" + DOUBLE,
}
GOOD = {"inference_address": "http://0.0.0.0:8080", "management_address": "http://127.0.0.1:8081",
        "metrics_address": "http://127.0.0.1:8082", "model_store": "/store", "service_envelope": "kserve",
        "allowed_urls": "file:///store/.*", "disable_token_authorization": "true", "disable_system_metrics": "true",
        "max_request_size": "100000", "vmargs": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
# The chart's own probe, which asks the management API from inside.
PROBE_PROGRAM = CHART / "files" / "ready.sh"
# A pod that was unready meanwhile looks as if it had not been Ready before, so none may become so, however busy the machine is.
CONNECTS = {"tcpSocket": {"port": 8080}, **probes.FIELDS}


@dataclass(frozen=True)
class Server:
    """An InferenceService by hand.

    Attributes:
        models: model -> settings on top of the mandatory ones; they are TorchServe's, unless `faulty`.
        config: keys of config.properties; None leaves one out.
        faulty: the defect of the pretending server; None for TorchServe itself.
        predictor: of the InferenceService, in place of, or beside, what is made for it.
        claim: a claim that the pod mounts.
        runs: whether its pods become ready.
    """

    models: dict[str, dict[str, Any]] = field(default_factory=lambda: {"tiny": {}})
    config: dict[str, str | None] = field(default_factory=dict)
    faulty: str | None = ""
    probe: dict[str, Any] | None = None
    predictor: dict[str, Any] | None = None
    claim: str = ""
    runs: bool = True


@dataclass(frozen=True)
class Defect:
    """What the suite must say of a server: that this check fails, and this in its sentence; and the model it is asked about."""

    server: str
    check: str
    says: str
    model: str = ""


def torchserve(*models: str, probe: dict[str, Any] | None = None, settings: dict[str, dict[str, Any]] | None = None,
               **config: str | None) -> Server:
    return Server({model: (settings or {}).get(model, {}) for model in models}, config, None, probe)


FAULTY = ("knows-all", "no-limit", "sick-of-big", "big-is-500", "no-json-is-fine", "mixes", "breaks-in-bursts", "refuses-bursts",
          "sorts", "loses-one", "envelope", "html", "lists-models", "open-management", "no-worker", "serves-more", "ready-early",
          "restarts", "traceback", "worker-dies")
SERVERS: dict[str, Server] = {
    "right": torchserve("double"),
    "pretends": Server(),
    # Several things are wrong with each of these, which different checks, or the same about different models, have to name.
    "open": torchserve("double", "backwards", "wrong", "slow", "batch", probe=CONNECTS, allowed_urls=None,
                       management_address="http://0.0.0.0:8081",
                       settings={"batch": {"marName": "double.mar", "batchSize": 4, "maxBatchDelay": 300}}),
    "shared": torchserve("double", "dies", "prints", probe=CONNECTS, management_address="http://0.0.0.0:8080",
                         service_envelope=None),
    "tokens": torchserve("double", probe=CONNECTS, disable_token_authorization="false"),
    "ends": replace(torchserve("double", "gone", probe=CONNECTS), runs=False),
    "gone": Server({"tiny": {}, "gone": {}}),
    "probe": Server(probe={"httpGet": {"path": "/ping", "port": 8080}, **probes.FIELDS}),
    "snapshot": Server(config={"model_snapshot": "{'models': {'tiny': {}}}"}),
    "stranger": Server(),
    "claim": Server(claim="nobody", runs=False),
    "runtime": Server(predictor={"model": {"modelFormat": {"name": "pytorch"}, "runtime": "nobody",
                                           "storageUri": "pvc://nobody"}}, runs=False),
    **{name: Server(faulty=name) for name in FAULTY},
}
ANSWERS, LIMITS, MANAGEMENT = "answers.the_sample_is_answered_as_expected", "limits.", "management."
ORDER = "answers.the_instances_of_one_request_are_answered_in_their_order"
BURST, BIG = f"{LIMITS}many_at_once_are_answered_as_each_alone", f"{LIMITS}a_request_that_is_too_big_is_refused"
READY, LOG = "readiness.ready_came_after_the_model_had_loaded", "logs.the_server_says_nothing_bad"
PROBE, WORKERS = "readiness.the_probe_looks_at_the_model", "snapshot.every_model_has_its_workers"
DEFECTS: dict[str, Defect] = {
    # TorchServe itself.
    "a wrong model name": Defect("right", "snapshot.the_model_that_is_asked_for_is_in_the_snapshot", "no model right", "right"),
    "a management API for everybody, by its configuration": Defect(
        "open", "snapshot.the_management_api_listens_inside_the_pod_only", "management_address is on 0.0.0.0"),
    "a management API for everybody, by its port": Defect(
        "open", f"{MANAGEMENT}it_is_not_on_the_pods_address", "port 8081 of open-predictor"),
    "models from any URL": Defect("open", "snapshot.models_come_from_no_url", "allowed_urls is file://.*|http(s)?://.*"),
    "a probe that only connects": Defect("open", PROBE, "as soon as its port takes connections"),
    "ready before a slow model was loaded": Defect("open", READY, "its model was loaded at"),
    "a handler that answers backwards": Defect("open", ANSWERS, "came {'predictions': [4, 2, 6]}", "backwards"),
    "a wrong prediction": Defect("open", ANSWERS, "came {'predictions': [7, 3, 5]}", "wrong"),
    "a batch for the stock envelope, by the snapshot": Defect(
        "open", "snapshot.no_batch_goes_through_a_stock_envelope", "batch 1.0: 4"),
    "a batch answered wrongly by the stock envelope": Defect("open", BURST, "number of batch response mismatched", "batch"),
    "a management API on the port of requests": Defect("shared", f"{MANAGEMENT}it_is_not_behind_the_service", "GET /models"),
    "no envelope": Defect("shared", ANSWERS, "came [6, 2, 4]"),
    "a worker that died once": Defect("shared", LOG, "died"),
    "tokens that no client has": Defect("tokens", "snapshot.tokens_are_off", "disable_token_authorization is false"),
    "a server that ends, as an archive is not in its store": Defect(
        "ends", "objects.no_container_was_started_again", "started again: ends-predictor"),
    "an archive that is not in the store": Defect("gone", "snapshot.the_archives_are_in_the_store", "no gone.mar"),
    "a model of the snapshot that is not served": Defect("gone", WORKERS, "gone"),
    # Objects.
    "a probe of /ping": Defect("probe", PROBE, "/ping"),
    "a snapshot that is no JSON": Defect("snapshot", "snapshot.the_snapshot_names_models", "no line of JSON"),
    "a stranger behind the Service": Defect("stranger", "objects.the_service_sends_to_the_pods", "a-stranger"),
    "a claim that is not bound": Defect("claim", "objects.the_claims_are_bound", "nobody is Pending"),
    "a pod that waits": Defect("claim", "objects.all_pods_are_ready", "is Pending"),
    "a runtime that is not there": Defect("runtime", "objects.the_runtime_is_there_and_takes_the_protocol", "the runtime nobody"),
    "an InferenceService that is not Ready": Defect("runtime", "objects.every_condition_is_true", "conditions that are not true"),
    # A server that pretends.
    "an answer for a model that is not there": Defect(
        "knows-all", "answers.a_model_that_is_not_there_is_not_found", "200 for a model that is not there"),
    "no limit": Defect("no-limit", BIG, "were answered with 200"),
    "a server that a big request breaks": Defect("sick-of-big", BIG, "no longer answers as before: 503"),
    "a big request that is the server's error": Defect("big-is-500", BIG, "answered with 500"),
    "an answer to what is no JSON": Defect("no-json-is-fine", "answers.what_is_no_json_is_an_error", "200 for what is no JSON"),
    "answers that belong to other requests": Defect("mixes", BURST, "alone it gets"),
    "errors when many come": Defect("breaks-in-bursts", BURST, "500 for one of"),
    "nothing but refusals when many come": Defect("refuses-bursts", BURST, "all were refused"),
    "predictions in an order of their own": Defect("sorts", ORDER, "instances in one request"),
    "a prediction too few": Defect("loses-one", ORDER, "expected {'predictions': [6, 2, 4]}, came {'predictions': [6, 2]}"),
    "an envelope of another protocol": Defect("envelope", ANSWERS, "came {'outputs'"),
    "a page for logging in": Defect("html", ANSWERS, "the answer is no JSON: <html>"),
    "a list of models for everybody": Defect("lists-models", f"{MANAGEMENT}it_is_not_behind_the_service", "GET /models"),
    "an open port 8081": Defect("open-management", f"{MANAGEMENT}it_is_not_on_the_pods_address", "port 8081"),
    "a model without a worker": Defect("no-worker", WORKERS, "0 of 1 workers"),
    "a model that the snapshot does not have": Defect("serves-more", WORKERS, "serves ['other', 'tiny']"),
    "ready before its line about the model": Defect("ready-early", READY, "its model was loaded at"),
    "a server that was started again": Defect("restarts", "objects.no_container_was_started_again", "1 times"),
    "a traceback in the log": Defect("traceback", LOG, "Traceback"),
    "a line about a dead worker": Defect("worker-dies", LOG, "Backend worker process died"),
}


def properties(server: Server) -> str:
    """The text of config.properties."""
    models = {model: {"1.0": {"marName": f"{model}.mar", "minWorkers": 1, "maxWorkers": 1, "batchSize": 1, "maxBatchDelay": 10,
                              "responseTimeout": 60, "defaultVersion": True, **more}} for model, more in server.models.items()}
    snapshot = json.dumps({"name": "startup.cfg", "modelCount": len(models), "models": models}, separators=(",", ":"))
    keys = {**GOOD, "model_snapshot": snapshot, **server.config}
    return "".join(f"{key}={value}\n" for key, value in keys.items() if value is not None)


def archives() -> dict[str, str]:
    """binaryData of the ConfigMap that is the model store of them all; tiny.mar is what the pretending server has."""
    files = {f"{model}.mar": packed(handler) for model, handler in {**HANDLERS, "tiny": DOUBLE}.items()}
    return {name: base64.b64encode(data).decode() for name, data in files.items()}


def config_maps() -> Iterator[dict[str, Any]]:
    """The ConfigMaps of all."""
    yield {"metadata": {"name": "store"}, "binaryData": archives()}
    program = Path(__file__).with_name("faulty_server.py").read_text(encoding="utf-8")
    yield {"metadata": {"name": "faulty"}, "data": {"faulty_server.py": program, "ready.sh": PROBE_PROGRAM.read_text()}}
    for name, server in SERVERS.items():
        yield {"metadata": {"name": f"{name}-config"}, "data": {"config.properties": properties(server)}}


def pod(name: str, image: str) -> dict[str, Any]:
    """The predictor's pod spec."""
    server = SERVERS[name]
    mounts = {"config": {"configMap": {"name": f"{name}-config"}}, "store": {"configMap": {"name": "store"}},
              "faulty": {"configMap": {"name": "faulty"}}, "tmp": {"emptyDir": {}}}
    if server.claim:
        mounts["claim"] = {"persistentVolumeClaim": {"claimName": server.claim}}
    probe = {"httpGet": {"path": "/v1/models/tiny", "port": 8080}, **probes.FIELDS} if server.faulty is not None else {
        "exec": {"command": ["bash", "/faulty/ready.sh", "8081", *server.models]}, **probes.FIELDS, "periodSeconds": 2}
    pretends = ["python", "/faulty/faulty_server.py"]
    start = ["torchserve", "--start", "--foreground", "--ncs"] if server.faulty is None else pretends
    return {
        "automountServiceAccountToken": False, "enableServiceLinks": False, "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "kserve-container", "image": image, "command": [*start, "--ts-config", "/config/config.properties"],
            "workingDir": "/tmp", "ports": [{"containerPort": 8080, "protocol": "TCP"}], "readinessProbe": server.probe or probe,
            "env": [{"name": "DEFECT", "value": server.faulty or ""}, {"name": "TEMP", "value": "/tmp"},
                    {"name": "LOG_LOCATION", "value": "/tmp/logs"}, {"name": "METRICS_LOCATION", "value": "/tmp/logs"}],
            "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}, "limits": {"cpu": "2", "memory": "3Gi"}},
            "volumeMounts": [{"name": volume, "mountPath": f"/{volume}"} for volume in mounts],
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]}},
        }],
        "volumes": [{"name": volume, **source} for volume, source in mounts.items()],
    }


def inference_service(name: str, image: str) -> dict[str, Any]:
    """The InferenceService of a server."""
    return {"apiVersion": GROUP, "kind": "InferenceService",
            "metadata": {"name": name, "annotations": {"serving.kserve.io/deploymentMode": "Standard"}},
            "spec": {"predictor": SERVERS[name].predictor or {"minReplicas": 1, "maxReplicas": 1, **pod(name, image)}}}


def stranger(image: str) -> dict[str, Any]:
    """A pod that the Service of the server `stranger` selects, and nobody of it owns."""
    return {"metadata": {"name": "a-stranger", "labels": {"app": "isvc.stranger-predictor"}}, "spec": pod("stranger", image)}
