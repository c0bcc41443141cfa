"""When a change of a release is over: its pods are others; in Knative mode the newest revision gets all requests."""

from typing import Any

import kubernetes

from ci.cluster.waiting import wait_for
from ci.release import REVISION, Release
from tests.e2e.watching import is_ready, pods_of, ready_pods_of, uids

ROLLED_OUT_SECONDS = 300


def wait_until_rolled_out(running: Release, old: list[Any], mode: str, pods: int = 1) -> list[Any]:
    """Waits until no old pod gets requests any more; returns the pods that do, so many in Standard mode.

    Knative takes its time to remove the old ones, and to scale the new revision up."""
    found = _replaced if mode == "Standard" else _routed
    new = wait_for(f"{pods} other pods in the place of {', '.join(pod.metadata.name for pod in old)}",
                   lambda: found(running, old, pods), seconds=ROLLED_OUT_SECONDS)
    running.wait_until_ready()
    return new


def alone(running: Release, pods: int) -> list[Any]:
    """The predictor's pods, if there are so many, all of them ready and none on its way out: that one answers what a gateway that
    has not heard of its end still sends to it."""
    ready = ready_pods_of(running)
    return ready if len(pods_of(running)) == len(ready) == pods else []


def rollouts(running: Release, mode: str) -> int:
    """How many times the predictor has been rolled out: revisions of its Deployment, or of its Knative service."""
    if mode == "Knative":
        listed = kubernetes.client.CustomObjectsApi(running.api).list_namespaced_custom_object(
            "serving.knative.dev", "v1", running.namespace, "revisions",
            label_selector=f"serving.knative.dev/service={running.name}-predictor")
        return len(listed["items"])
    deployment = kubernetes.client.AppsV1Api(running.api).read_namespaced_deployment(
        f"{running.name}-predictor", running.namespace)
    return int(deployment.metadata.annotations["deployment.kubernetes.io/revision"])


def routed(running: Release) -> tuple[str, dict[str, int]]:
    """The newest revision, and the percentage that each revision gets; of none before the gateway has the last change."""
    service = _knative_service(running)
    status = service.get("status", {})
    told = status.get("observedGeneration") == service["metadata"]["generation"] and is_ready(service)
    shares = {part["revisionName"]: part["percent"] for part in status.get("traffic", []) if part.get("percent")} if told else {}
    return status.get("latestCreatedRevisionName", ""), shares


def _knative_service(running: Release) -> dict[str, Any]:
    return kubernetes.client.CustomObjectsApi(running.api).get_namespaced_custom_object(
        "serving.knative.dev", "v1", running.namespace, "services", f"{running.name}-predictor")


def revision_of(pod: Any) -> str:
    """The Knative revision that a pod is of."""
    return pod.metadata.labels[REVISION]


def _replaced(running: Release, old: list[Any], pods: int) -> list[Any]:
    """The predictor's pods, if they are alone and none is an old one."""
    ready = alone(running, pods)
    return ready if not uids(ready) & uids(old) else []


def _routed(running: Release, old: list[Any], pods: int) -> list[Any]:  # noqa: ARG001  (the autoscaler decides)
    """The ready pods of the newest revision, if it has all requests and none of them is an old one."""
    newest, shares = routed(running)
    ready = [pod for pod in ready_pods_of(running) if revision_of(pod) == newest]
    return ready if shares == {newest: 100} and not uids(ready) & uids(old) else []
