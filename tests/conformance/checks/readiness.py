"""Ready means that the model answers."""

import datetime
import json
import re

from ..target import NotApplicable, Target

# Not the chart's own "model … is ready": it is said by one who asks every second, which may be after the pod was Ready.
LOADED = re.compile(r"WORKER_MODEL_LOADED|Model succesfully loaded")
# What a server says before it loads; without it the log has lost its start.
STARTED = re.compile(r"^\S+ start: |TorchServe is now|Torchserve version|ModelManager - Model \S+ loaded|Initializing plugins")
WORKER = re.compile(r"W-\d+-(?P<model>\S+_[^_\s]+) ")


def the_probe_looks_at_the_model(target: Target) -> None:
    """Neither none, nor a connection, nor TorchServe's /ping: all three are fine while the model loads, or never does."""
    for pod in target.pods:
        probe = target.server(pod).get("readinessProbe")
        if not probe and any(container["name"] == "queue-proxy" for container in pod["spec"]["containers"]):
            probe = _of_queue_proxy(pod)
        name = pod["metadata"]["name"]
        assert probe, f"{name} has no readiness probe"
        assert "tcpSocket" not in probe, f"{name} is ready as soon as its port takes connections"
        path = probe.get("httpGet", {}).get("path", "")
        assert not path.startswith("/ping"), f"{name} is ready as soon as {path} answers, which is before the model is loaded"


def ready_came_after_the_model_had_loaded(target: Target) -> None:
    """By the times of the log, of each model its first, and of the pod's condition, which is in whole seconds.

    Of a pod that was unready meanwhile the cluster knows only when it became Ready last: it passes.
    """
    seen = 0
    for pod in target.ready_pods:
        log = target.logs.get((pod["metadata"]["name"], target.server(pod)["name"]), "")
        stamp = _loaded(log)
        since = next(one["lastTransitionTime"] for one in pod["status"]["conditions"] if one["type"] == "Ready")
        if stamp:
            seen += 1
            loaded = datetime.datetime.fromisoformat(stamp).replace(microsecond=0)  # conditions are in whole seconds
            ready = datetime.datetime.fromisoformat(since.replace("Z", "+00:00"))
            assert ready >= loaded, f"{pod['metadata']['name']} was Ready at {ready}, its model was loaded at {loaded}"
    if not seen:
        raise NotApplicable("no log says when a model was loaded; it may be too old for that")


def _loaded(log: str) -> str:
    """When the last of the models' versions was loaded for the first time; "" where no line says it, or the start is missing."""
    first: dict[str, str] = {}
    started = False
    for line in log.splitlines():
        started = started or bool(STARTED.search(line))
        if LOADED.search(line):
            if not started:
                return ""  # the log's start was rotated away: this may be a worker that came later
            worker = WORKER.search(line)
            first.setdefault(worker["model"] if worker else "", line.split()[0])
    return max(first.values(), key=datetime.datetime.fromisoformat, default="")


def _of_queue_proxy(pod: dict) -> dict:
    """The probe that Knative has moved into its sidecar."""
    for container in pod["spec"]["containers"]:
        for variable in container.get("env", []):
            if variable["name"] == "SERVING_READINESS_PROBE":
                return json.loads(variable.get("value") or "{}")
    return {}
