"""Pods of the tests: a client that sends requests from inside the cluster, and what a sidecar has logged."""

import json
import re
from dataclasses import dataclass
from typing import Any

import kubernetes
from kubernetes.stream import stream

from ci.cluster.waiting import wait_for

READY_SECONDS = 120
SIDECAR = "istio-proxy"
# Prints the status and the body, or 0 and the error.
ASK = """
import sys, urllib.error, urllib.request
method, url, body = sys.argv[1:4]
request = urllib.request.Request(url, body.encode() or None, {"Content-Type": "application/json"}, method=method)
try:
    with urllib.request.urlopen(request, timeout=20) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except OSError as error:
    print(0, repr(error))
"""
# Envoy's and the agent's lines both have their level between tabs.
COMPLAINT = re.compile(r"\t(warn|warning|error|critical|fatal)\t")


@dataclass(frozen=True)
class Answer:
    """What came back: status 0 and the error where nothing did."""

    status_code: int
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class ClientPod:
    """A pod that only waits, in which requests are sent."""

    api: kubernetes.client.ApiClient
    namespace: str
    name: str
    image: str
    meshed: bool

    def started(self) -> "ClientPod":
        """Itself, ready."""
        core = kubernetes.client.CoreV1Api(self.api)
        core.create_namespaced_pod(self.namespace, self._pod())
        wait_for(f"the pod {self.namespace}/{self.name}", lambda: _is_ready(core.read_namespaced_pod(self.name, self.namespace)),
                 seconds=READY_SECONDS)
        return self

    def request(self, method: str, url: str, body: Any = None) -> Answer:
        """The answer to a request from the pod."""
        core = kubernetes.client.CoreV1Api(self.api)
        text = json.dumps(body) if body is not None else ""
        printed = stream(core.connect_get_namespaced_pod_exec, self.name, self.namespace, container="client",
                         command=["python", "-c", ASK, method, url, text], stdin=False, stdout=True, stderr=True, tty=False)
        status, _, text = printed.rstrip("\n").partition(" ")
        return Answer(int(status), text)

    def _pod(self) -> dict[str, Any]:
        return {
            "metadata": {"name": self.name, "labels": {"app": self.name, "sidecar.istio.io/inject": str(self.meshed).lower()}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                "name": "client", "image": self.image, "command": ["python", "-c", "import signal; signal.pause()"]}]},
        }


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


def _is_ready(pod: Any) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or [])
