"""A client in a pod of its own, for tests of who may ask what from inside a cluster."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import kubernetes
from kubernetes.stream import stream

from ci import pods
from ci.cluster.waiting import wait_for

READY_SECONDS = 120
# Prints the status and the body, or 0 and the error.
ASK = """
import http.client, sys, urllib.error, urllib.request
method, url, body, seconds = sys.argv[1:5]
request = urllib.request.Request(url, body.encode() or None, {"Content-Type": "application/json"}, method=method)
try:
    with urllib.request.urlopen(request, timeout=float(seconds)) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except (OSError, http.client.HTTPException) as error:
    print(0, repr(error))
"""


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
    labels: Mapping[str, str] = field(default_factory=dict)

    def started(self) -> "ClientPod":
        """Itself, ready."""
        core = kubernetes.client.CoreV1Api(self.api)
        core.create_namespaced_pod(self.namespace, self._pod())
        wait_for(f"the pod {self.namespace}/{self.name}", lambda: pods.is_ready(core, self.namespace, self.name),
                 seconds=READY_SECONDS)
        return self

    def request(self, method: str, url: str, body: Any = None, seconds: float = 20) -> Answer:
        """The answer to a request from the pod, which gives up after so many seconds without one."""
        core = kubernetes.client.CoreV1Api(self.api)
        text = json.dumps(body) if body is not None else ""
        printed = stream(core.connect_get_namespaced_pod_exec, self.name, self.namespace, container="client",
                         command=["python", "-c", ASK, method, url, text, str(seconds)], stdin=False, stdout=True, stderr=True,
                         tty=False)
        status, _, text = printed.rstrip("\n").partition(" ")
        return Answer(int(status), text)

    def _pod(self) -> dict[str, Any]:
        return {
            "metadata": {"name": self.name, "labels": {"app": self.name, **self.labels}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                "name": "client", "image": self.image, "command": ["python", "-c", "import signal; signal.pause()"]}]},
        }
