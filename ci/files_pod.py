"""A small file server inside the cluster, filled through the API, so that model archives reach a remote cluster too."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

import kubernetes
from kubernetes.stream import stream

from ci import pods
from ci.cluster.errors import Problem
from ci.cluster.report import say

NAME, PORT = "files", 8000
RECEIVE_SECONDS = 120
CHUNK = 192 * 1024  # bytes; a multiple of 3, so that the chunks' base64 joins without padding
RECEIVE = """
import base64, hashlib, os, sys
name, length = sys.argv[1], int(sys.argv[2])
data = base64.b64decode(sys.stdin.read(length))
with open("/srv/" + name + ".part", "wb") as file:
    file.write(data)
os.rename("/srv/" + name + ".part", "/srv/" + name)
print(hashlib.sha256(data).hexdigest())
"""


@dataclass(frozen=True)
class FilesPod:
    """The file server of one namespace."""

    api: kubernetes.client.ApiClient
    namespace: str
    image: str

    def start(self) -> None:
        """Creates the pod and its Service, if they are not there, and waits until it serves."""
        pods.serve(self.api, self.namespace, self._pod(), PORT, service_port=PORT)

    def put(self, file: Path) -> str:
        """Uploads a file (some megabytes); returns its URL inside the cluster. The pod says its sha256, which is compared."""
        content = file.read_bytes()
        text = base64.b64encode(content).decode()
        channel = stream(kubernetes.client.CoreV1Api(self.api).connect_get_namespaced_pod_exec, NAME, self.namespace,
                         command=["python", "-c", RECEIVE, file.name, str(len(text))],
                         stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False)
        for start in range(0, len(text), CHUNK):
            channel.write_stdin(text[start:start + CHUNK])
        channel.run_forever(timeout=RECEIVE_SECONDS)
        if hashlib.sha256(content).hexdigest() not in channel.read_stdout():
            raise Problem(f"{file} did not reach the file server pod whole: {channel.read_stderr()}")
        say(f"{file.name} ({len(content) / 2**20:.1f} MiB) is in the cluster")
        return f"http://{NAME}.{self.namespace}.svc:{PORT}/{file.name}"

    def _pod(self) -> dict[str, object]:
        return pods.pod(NAME, self.image, {"/srv": {"emptyDir": {}}},
                        command=["python", "-m", "http.server", str(PORT), "--directory", "/srv"])
