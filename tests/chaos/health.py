"""Whether the cluster itself is whole again after a fault of the node."""

import json

from ci.cluster import profile_default
from ci.cluster.kind import Kind
from ci.cluster.waiting import wait_for

WHOLE_SECONDS = 240
# Pods that have ended were a Job's; those that are being deleted may take their time, Knative's five minutes.
ENDED = ("Succeeded", "Failed")


def wait_until_whole(kind: Kind, *except_namespaces: str) -> None:
    """Waits until every pod of the cluster is ready, but for those of some namespaces, and the webhooks and gateways answer."""
    wait_for("every pod of the cluster to be ready", lambda: not _missing(kind, except_namespaces), seconds=WHOLE_SECONDS,
             state=lambda: f"not ready: {_missing(kind, except_namespaces)}")
    profile_default.PROFILE.wait_until_ready(kind)


def renewed(kind: Kind) -> str:
    """When the node's kubelet has last said that it lives, in UTC, as text that can be compared."""
    leases = json.loads(kind.kubectl("--namespace", "kube-node-lease", "get", "leases", "--output", "json"))["items"]
    return leases[0]["spec"]["renewTime"]


def _missing(kind: Kind, except_namespaces: tuple[str, ...]) -> list[str]:
    items = json.loads(kind.kubectl("get", "pods", "--all-namespaces", "--output", "json", timeout=20))["items"]
    return [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in items
            if item["metadata"]["namespace"] not in except_namespaces and item["status"].get("phase") not in ENDED
            and "deletionTimestamp" not in item["metadata"]
            and not any(condition["type"] == "Ready" and condition["status"] == "True"
                        for condition in item["status"].get("conditions", []))]
