"""Watches that run beside a test: what it did not ask for at the right moment is seen, too."""

import datetime
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import kubernetes
import urllib3

from ci.cluster.waiting import wait_for
from ci.release import Release

DELETED_SECONDS = 180
END_SECONDS = 5


@dataclass(frozen=True)
class Seen:
    """A change of an object.

    Attributes:
        at: when it was received here.
        kind: ADDED, MODIFIED or DELETED.
        item: the object as the API server has sent it, parsed.
    """

    at: datetime.datetime
    kind: str
    item: dict[str, Any]


@contextmanager
def watched(listing: Callable[..., Any], *arguments: str, **options: str) -> Iterator[list[Seen]]:
    """What happens, from now on and until the block ends, to the objects that a `list_…` function of the client lists.

    The list that it yields grows while the block runs.
    """
    listed = listing(*arguments, **options)
    version = listed["metadata"]["resourceVersion"] if isinstance(listed, dict) else listed.metadata.resource_version
    watch, seen, over = kubernetes.watch.Watch(), [], threading.Event()

    def follow() -> None:
        try:
            for event in watch.stream(listing, *arguments, **options, resource_version=version):
                received = datetime.datetime.now(datetime.UTC)
                seen.append(Seen(received, event["type"], event["raw_object"]))
        except urllib3.exceptions.HTTPError:
            if not over.is_set():
                raise

    following = threading.Thread(target=follow, daemon=True)
    following.start()
    try:
        yield seen
    finally:
        over.set()
        watch.stop()  # breaks the connection, and with it the wait for the next change
        following.join(timeout=END_SECONDS)


def pods_of(release: Release) -> list[Any]:
    """All pods of the predictor, those that are being deleted too."""
    selector = f"serving.kserve.io/inferenceservice={release.name}"
    return release.core.list_namespaced_pod(release.namespace, label_selector=selector).items


def uids(items: list[Any]) -> set[str]:
    """What tells objects from later ones of the same name."""
    return {item.metadata.uid for item in items}


def ready_pods_of(release: Release) -> list[Any]:
    """The predictor's pods that are ready and not being deleted."""
    return [pod for pod in release.predictor_pods() if is_ready(release.api.sanitize_for_serialization(pod))]


def state_of(release: Release) -> dict[str, Any]:
    """What a rollout would change: pods, Jobs, the Deployment, and what KServe reads of the InferenceService."""
    service = release.inference_service()["metadata"]
    apps = kubernetes.client.AppsV1Api(release.api)
    deployment = apps.read_namespaced_deployment(f"{release.name}-predictor", release.namespace)
    return {"pods": uids(pods_of(release)), "jobs": uids(release.seed_jobs()), "deployment": deployment.metadata.generation,
            "service": {key: service[key] for key in ("uid", "generation", "labels")}}


def is_ready(item: dict[str, Any]) -> bool:
    """Whether an object with conditions, an InferenceService or a pod, is Ready."""
    conditions = item.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def since_ready(seen: list[Seen], name: str) -> list[Seen]:
    """The states of an InferenceService from the first one on in which it is Ready; none while it never was."""
    states = [change for change in seen if change.item["metadata"]["name"] == name and change.kind != "DELETED"]
    return list(itertools.dropwhile(lambda state: not is_ready(state.item), states))


def delete(release: Release, pod: Any) -> tuple[float, list[int | None]]:
    """Deletes a pod and waits until it is gone.

    Returns the seconds that this took, and the exit status of each container as the pod's last state has it.
    """
    name, namespace = pod.metadata.name, pod.metadata.namespace
    with watched(release.core.list_namespaced_pod, namespace, field_selector=f"metadata.name={name}") as seen:
        began = datetime.datetime.now(datetime.UTC)
        release.core.delete_namespaced_pod(name, namespace)
        wait_for(f"the pod {name} to be gone", lambda: seen and seen[-1].kind == "DELETED", seconds=DELETED_SECONDS)
    ended = [status["state"].get("terminated", {}) for status in seen[-1].item["status"].get("containerStatuses", [])]
    return (seen[-1].at - began).total_seconds(), [state.get("exitCode") for state in ended]
