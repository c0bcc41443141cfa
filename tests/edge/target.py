"""What is asked through the edge: one request and its right answer, and a small Knative Service that gives it."""

import json
from dataclasses import dataclass, field
from typing import Any

PATH = "/v1/models/bert:predict"
BODY = {"instances": [{"data": "Hello World!"}]}
ANSWER = {"predictions": [4]}
# Answers a POST to the path, and says in a header who asks: what the edge told it.
PROGRAM = f"""
import http.server, json

class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        given = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else self.chunks()
        right = self.path == {PATH!r} and json.loads(given) == {BODY!r}
        answer = json.dumps({ANSWER!r} if right else {{"error": "wrong request"}}).encode()
        self.send_response(200 if right else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-User", str(self.headers.get("kubeflow-userid")))
        self.end_headers()
        self.wfile.write(answer)

    def chunks(self):
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

Server.protocol_version = "HTTP/1.1"
http.server.ThreadingHTTPServer(("", 8080), Server).serve_forever()
"""


@dataclass(frozen=True)
class Target:
    """A request that the edge should let through to the one it guards.

    Attributes:
        host: the Host header by which the gateway knows the server.
        path: with its slash.
        body: JSON.
        answer: JSON.
    """

    host: str
    path: str = PATH
    body: Any = field(default_factory=lambda: BODY)
    answer: Any = field(default_factory=lambda: ANSWER)

    @property
    def text(self) -> str:
        return json.dumps(self.body)


def knative_service(name: str, namespace: str, image: str) -> dict[str, Any]:
    """A server for the target, of an image that has Python."""
    return {
        "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [{
            "image": image, "imagePullPolicy": "IfNotPresent", "command": ["python", "-c", PROGRAM],
            "ports": [{"containerPort": 8080}],
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
            "securityContext": {"runAsUser": 1000, "runAsNonRoot": True, "allowPrivilegeEscalation": False,
                                "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
                                "seccompProfile": {"type": "RuntimeDefault"}},
        }]}}},
    }
