"""An S3 server inside the cluster, with credentials of its own, filled through the API server."""

import secrets
from dataclasses import dataclass, field

import kubernetes

from ci import route
from ci.cluster.waiting import wait_for
from ci.s3_client import REGION, S3, Keys

NAME, PORT = "s3", 7070
SERVICE_ACCOUNT = "s3-reader"  # KServe gives its Secret to the storage initializer
CREDENTIALS = "s3-credentials"
READY_SECONDS = 120
FOLDERS = ("buckets", "metadata")
PROGRAM = "/usr/local/bin/versitygw"
# The metadata lies beside the objects, not in attributes, which a volume may lack.
ARGUMENTS = ("--port", f":{PORT}", "--region", REGION, "--quiet", "posix", "--sidecar", "/srv/metadata", "/srv/buckets")


def random_keys() -> Keys:
    """Credentials for one server."""
    return Keys(f"key-{secrets.token_hex(8)}", secrets.token_hex(20))


@dataclass(frozen=True)
class S3Pod:
    """The S3 server of one namespace, and what KServe needs to read from it.

    Attributes:
        image: versitygw's, which the nodes have or can pull.
        keys: credentials of its one account.
    """

    api: kubernetes.client.ApiClient
    namespace: str
    image: str
    keys: Keys = field(default_factory=random_keys)

    @property
    def _core(self) -> kubernetes.client.CoreV1Api:
        return kubernetes.client.CoreV1Api(self.api)

    def start(self) -> S3:
        """Creates the pod, its Service, Secret and service account, and waits until it serves; returns a client of it."""
        self._core.create_namespaced_secret(self.namespace, self._credentials())
        self._core.create_namespaced_service_account(self.namespace, {
            "metadata": {"name": SERVICE_ACCOUNT}, "secrets": [{"name": CREDENTIALS}],
            "automountServiceAccountToken": False})
        self._core.create_namespaced_pod(self.namespace, self._pod())
        self._core.create_namespaced_service(self.namespace, {
            "metadata": {"name": NAME}, "spec": {"selector": {"app": NAME}, "ports": [{"port": 80, "targetPort": PORT}]}})
        wait_for(f"the S3 server {self.namespace}/{NAME}", self._is_ready, seconds=READY_SECONDS)
        return S3(route.through_api_server(self.api, self.namespace, NAME), self.keys)

    def _is_ready(self) -> bool:
        status = self._core.read_namespaced_pod(NAME, self.namespace).status
        return any(condition.type == "Ready" and condition.status == "True" for condition in status.conditions or [])

    def _credentials(self) -> dict[str, object]:
        """What KServe documents for S3: the keys as data, where and how to reach the server as annotations."""
        return {
            "metadata": {"name": CREDENTIALS, "annotations": {
                "serving.kserve.io/s3-endpoint": f"{NAME}.{self.namespace}.svc", "serving.kserve.io/s3-usehttps": "0",
                "serving.kserve.io/s3-region": REGION}},
            "stringData": {"AWS_ACCESS_KEY_ID": self.keys.access, "AWS_SECRET_ACCESS_KEY": self.keys.secret},
        }

    def _pod(self) -> dict[str, object]:
        from_secret = {"ROOT_ACCESS_KEY": "AWS_ACCESS_KEY_ID", "ROOT_SECRET_KEY": "AWS_SECRET_ACCESS_KEY"}
        return {
            "metadata": {"name": NAME, "labels": {"app": NAME}},
            "spec": {
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": NAME, "image": self.image, "command": [PROGRAM], "args": list(ARGUMENTS),
                    "env": [{"name": name, "valueFrom": {"secretKeyRef": {"name": CREDENTIALS, "key": key}}}
                            for name, key in from_secret.items()],
                    "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                    "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
                    "volumeMounts": [{"name": name, "mountPath": f"/srv/{name}"} for name in FOLDERS],
                    "securityContext": {"runAsUser": 1000, "runAsNonRoot": True, "allowPrivilegeEscalation": False,
                                        "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
                                        "seccompProfile": {"type": "RuntimeDefault"}},
                }],
                "volumes": [{"name": name, "emptyDir": {}} for name in FOLDERS],
            },
        }
