"""What to look at when a test on a cluster failed: pods, events, logs and InferenceServices of a namespace, as files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import urllib3
import yaml

from ci.cluster.paths import REPOSITORY
from ci.cluster.report import say

LOG_LINES = 300
# What a cluster that refuses, or is gone, makes of a call.
UNREADABLE = (kubernetes.client.ApiException, urllib3.exceptions.HTTPError)


def dump(api: kubernetes.client.ApiClient, namespace: str, folder: Path = REPOSITORY / "artifacts") -> Path:
    """Writes the state of a namespace below `folder` and says where; Secrets are not read.

    It is called because something else failed, which it must not hide: what can't be read is said, and left out.
    """
    target = folder / namespace
    target.mkdir(parents=True, exist_ok=True)
    core, batch = kubernetes.client.CoreV1Api(api), kubernetes.client.BatchV1Api(api)
    pods = _read("pods", lambda: core.list_namespaced_pod(namespace).items)
    _write(target / "pods.yaml", api, pods)
    _write(target / "jobs.yaml", api, _read("jobs", lambda: batch.list_namespaced_job(namespace).items))
    _write(target / "claims.yaml", api,
           _read("claims", lambda: core.list_namespaced_persistent_volume_claim(namespace).items))
    _write(target / "inferenceservices.yaml", api, _read("InferenceServices", lambda: kubernetes.client.CustomObjectsApi(
        api).list_namespaced_custom_object("serving.kserve.io", "v1beta1", namespace, "inferenceservices")["items"]))
    events = _read("events", lambda: core.list_namespaced_event(namespace).items)
    (target / "events.txt").write_text("".join(
        f"{event.metadata.creation_timestamp:%H:%M:%S} {event.involved_object.kind}/{event.involved_object.name} "
        f"{event.reason}: {event.message}\n" for event in sorted(events, key=lambda event: event.metadata.creation_timestamp)))
    for pod in pods:
        for status in pod.status.container_statuses or []:
            for previous in ([False, True] if status.restart_count else [False]):
                _write_log(core, target, pod, status.name, previous=previous)
    say(f"the state of namespace {namespace} ({len(pods)} pods) is in {target}")
    return target


def _read(what: str, items: Callable[[], list[Any]]) -> list[Any]:
    try:
        return items()
    except UNREADABLE as error:
        say(f"the {what} can't be read for the diagnosis: {_short(error)}")
        return []


def _write(file: Path, api: kubernetes.client.ApiClient, items: list[Any]) -> None:
    file.write_text(yaml.safe_dump(api.sanitize_for_serialization(items), sort_keys=False))


def _write_log(core: kubernetes.client.CoreV1Api, target: Path, pod: Any, container: str, *, previous: bool) -> None:
    name = f"{pod.metadata.name}.{container}{'.previous' if previous else ''}"
    try:
        log = core.read_namespaced_pod_log(pod.metadata.name, pod.metadata.namespace, container=container, previous=previous,
                                           tail_lines=LOG_LINES)
    except UNREADABLE as error:
        say(f"the log of {name} can't be read for the diagnosis: {_short(error)}")
        return
    (target / f"{name}.log").write_text(log or "")


def _short(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error).splitlines()[0]
