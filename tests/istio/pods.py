"""What a sidecar has let through and logged."""

import re
from typing import Any

import kubernetes
from kubernetes.stream import stream

SIDECAR = "istio-proxy"
# Envoy's and the agent's lines both have their level between tabs.
COMPLAINT = re.compile(r"\t(warn|warning|error|critical|fatal)\t")


def sidecars(pod: Any) -> list[Any]:
    """The sidecars in a pod's spec: containers, or init containers that stay (native)."""
    return [container for container in [*(pod.spec.init_containers or []), *pod.spec.containers] if container.name == SIDECAR]


def ask_proxy(api: kubernetes.client.ApiClient, namespace: str, pod: str, path: str) -> str:
    """What the administration of a pod's Envoy says."""
    return stream(kubernetes.client.CoreV1Api(api).connect_get_namespaced_pod_exec, pod, namespace, container=SIDECAR,
                  command=["pilot-agent", "request", "GET", path], stdin=False, stdout=True, stderr=False, tty=False)


def let_through(clusters: str, port: int) -> int:
    """How many requests to a port of its pod a sidecar let through and saw answered, by what its Envoy says of `clusters`."""
    hosts = re.compile(rf"(?:inbound\|{port}\|.*|InboundPassthroughCluster::[^:]*:{port})::rq_success::(\d+)$")
    return sum(int(found[1]) for line in clusters.splitlines() if (found := hosts.match(line)))


def complaints(log: str, explained: dict[str, str]) -> list[str]:
    """The lines of a proxy's log that are warnings or errors, without those that match a pattern of `explained`."""
    found = [line for line in log.splitlines() if COMPLAINT.search(line)]
    return [line for line in found if not any(re.search(known, line) for known in explained)]
