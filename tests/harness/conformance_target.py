"""A healthy release for the conformance checks, without a cluster: objects, logs, and a server that is a function."""

import copy
import json
from typing import Any

import requests

from tests.conformance.target import Inside, Target

LOG = """2026-11-28T10:00:01.5Z start: the seeding Job has written /mnt/models/.seed/b0e173402f.json (waited 0.0 s)
2026-11-28T10:00:02.5Z 2026-11-28T10:00:02,500 [INFO ] main org.pytorch.serve.wlm.ModelManager - Model tiny loaded.
2026-11-28T10:00:09.5Z 2026-11-28T10:00:09,500 [DEBUG] W-9000 x - State change WORKER_STARTED -> WORKER_MODEL_LOADED"""
SNAPSHOT = {"name": "startup.cfg", "modelCount": 1, "models": {"tiny": {"1.0": {
    "marName": "tiny-1.mar", "minWorkers": 1, "maxWorkers": 1, "batchSize": 1, "maxBatchDelay": 100, "defaultVersion": True}}}}
CONFIG = {"inference_address": "http://0.0.0.0:8080", "management_address": "http://127.0.0.1:8081",
          "service_envelope": "kserve", "allowed_urls": "file:///mnt/models/.*", "disable_token_authorization": "true",
          "max_request_size": "1000", "model_snapshot": json.dumps(SNAPSHOT)}
LABELS = {"serving.kserve.io/inferenceservice": "tiny"}


def item(kind: str, name: str, owner: str = "", version: str = "v1", **fields: Any) -> dict[str, Any]:
    """An object; its uid is kind and name."""
    owners = [{"uid": owner}] if owner else []
    metadata = {"name": name, "uid": f"{kind}/{name}", "generation": 1, "ownerReferences": owners, **fields.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def objects() -> list[dict[str, Any]]:
    """All objects of a release in Standard mode."""
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-28T10:00:10Z"}
    container = {"name": "kserve-container", "readinessProbe": {"exec": {"command": ["ready.sh", "8081", "tiny"]}}}
    return copy.deepcopy([
        item("InferenceService", "tiny", spec={"predictor": {"minReplicas": 1, "model": {
            "runtime": "tiny-runtime", "protocolVersion": "v1"}}},
             status={"observedGeneration": 1, "conditions": [ready, {"type": "PredictorReady", "status": "True"}]}),
        item("ServingRuntime", "tiny-runtime", spec={"protocolVersions": ["v1"]}),
        item("Deployment", "tiny-predictor", "InferenceService/tiny"),
        item("ReplicaSet", "tiny-predictor-1", "Deployment/tiny-predictor"),
        item("Pod", "tiny-predictor-1-a", "ReplicaSet/tiny-predictor-1", metadata={"labels": LABELS},
             spec={"containers": [container], "volumes": [{"name": "store", "persistentVolumeClaim": {"claimName": "store"}}]},
             status={"phase": "Running", "conditions": [ready],
                     "containerStatuses": [{"name": "kserve-container", "restartCount": 0}]}),
        item("PersistentVolumeClaim", "store", status={"phase": "Bound"}),
        item("Service", "tiny-predictor", "InferenceService/tiny", spec={"selector": LABELS, "ports": [{"port": 80}]}),
    ])


class Server:
    """What a right server answers; each kind of answer can be replaced by a wrong one."""

    def __init__(self) -> None:
        self.wrong: dict[str, Any] = {}

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        if method == "GET":
            return self.answer("management", 404, {"code": 404, "message": "Requested resource is not found"})
        if not path.startswith("v1/models/tiny:"):
            return self.answer("unknown", 404, {"code": 404, "message": "Model not found: x"})
        if "data" in options:
            if len(options["data"]) > 1000:
                return self.answer("big", 413, {"error": "too big"})
            return self.answer("no-json", 400, {"error": "no JSON"})
        instances = options["json"]["instances"]
        answer = {"predictions": [instance["data"] * 2 for instance in instances]}
        return self.answer("alone" if len(instances) > 1 else "burst", 200, answer)

    def answer(self, kind: str, status: int, body: Any) -> requests.Response:
        status, body = self.wrong.get(kind, (status, body))
        response = requests.Response()
        response.status_code, response._content = status, body if isinstance(body, bytes) else json.dumps(body).encode()
        return response


def target() -> Target:
    """A release that passes every check that can be made of it."""
    pod = "tiny-predictor-1-a"
    ready = {"tiny": {"1.0": [{"id": "9000", "status": "READY"}]}}
    logs = {(pod, "kserve-container"): LOG, (pod, "queue-proxy"): "2026-11-28T10:00:01Z {\"severity\":\"INFO\"}",
            ("tiny-seed-1", "seed"): "2026-11-28T10:00:00Z seed: plan b0 is complete in /mnt/models"}
    return Target("x", "tiny", objects(), logs, {pod: Inside(dict(CONFIG), ("tiny-1.mar",), ready)}, Server(),
                  lambda *_: None, sample={"instances": [{"data": 1}, {"data": 2}, {"data": 3}]},
                  expected={"predictions": [2, 4, 6]}, model_given="tiny")
