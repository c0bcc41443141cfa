"""An S3 server inside the cluster, with credentials of its own, filled through the API server."""

import secrets
from dataclasses import dataclass, field

import kubernetes

from ci import pods, route
from ci.s3_client import REGION, S3, Keys

NAME, PORT = "s3", 7070
SERVICE_ACCOUNT = "s3-reader"  # KServe gives its Secret to the storage initializer
CREDENTIALS = "s3-credentials"
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
        pods.serve(self.api, self.namespace, self._pod(), PORT)
        return S3(route.through_api_server(self.api, self.namespace, NAME), self.keys)

    def _credentials(self) -> dict[str, object]:
        """What KServe documents for S3: the keys as data, where and how to reach the server as annotations."""
        return {
            "metadata": {"name": CREDENTIALS, "annotations": {
                "serving.kserve.io/s3-endpoint": f"{NAME}.{self.namespace}.svc", "serving.kserve.io/s3-usehttps": "0",
                "serving.kserve.io/s3-region": REGION}},
            "stringData": {"AWS_ACCESS_KEY_ID": self.keys.access, "AWS_SECRET_ACCESS_KEY": self.keys.secret},
        }

    def _pod(self) -> dict[str, object]:
        return pods.pod(
            NAME, self.image, {f"/srv/{folder}": {"emptyDir": {}} for folder in FOLDERS}, command=[PROGRAM], args=list(ARGUMENTS),
            env=pods.from_secrets(ROOT_ACCESS_KEY=(CREDENTIALS, "AWS_ACCESS_KEY_ID"),
                                  ROOT_SECRET_KEY=(CREDENTIALS, "AWS_SECRET_ACCESS_KEY")))
