"""What models are fetched from in the cluster: servers, a claim that was filled by hand, an image; and what they hold."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from ci import gcs_client, gcs_pod, model_image, pods, s3_client, s3_pod
from ci.cluster import certificates, cloud_servers, storage_initializer, up
from ci.cluster.waiting import wait_for
from tests.e2e import guarded
from tests.e2e.tiny import archive

CLAIM, FILLER, FILES, GUARDED, AUTHORITY, BUCKET = "filled-by-hand", "filler", "sources", "guarded", "authority", "sources"
ON_CLAIM = "team/model-store/by-hand.mar"
FILLED_SECONDS = 120
# Other than that of the release's pods, so that they can't write what it has put there.
USER_OF_THE_CLAIM = 2000
# Of a model that is built in the cluster: it answers what its weights say.
HANDLER = '''
from pathlib import Path


def handle(data, context):
    weights = Path(context.system_properties["model_dir"], context.manifest["model"]["serializedFile"])
    return [weights.read_text() for _ in data or []]
'''


@dataclass(frozen=True)
class Login:
    """What the guarded server asks for. Nobody may see any of it."""

    user: str = "reader"
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    signature: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


@dataclass(frozen=True)
class Sources:
    """What is there: each source has a model archive of its own, which answers with its name, or weights that are a word.

    Attributes:
        url: of the guarded server, which asks for what is in the Secrets `login`, `token` and `signed`.
        image: name of the image.
    """

    core: kubernetes.client.CoreV1Api
    namespace: str
    url: str
    image: str
    login: Login

    def requests(self) -> list[str]:
        """What the guarded server was asked for so far, a line each."""
        log = self.core.read_namespaced_pod_log(GUARDED, self.namespace)
        return [line for line in log.splitlines() if '"GET ' in line or '"HEAD ' in line]


@pytest.fixture(scope="session")
def s3(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str, install_packages: bool) -> s3_client.S3:
    """An S3 server of the namespace; the nodes have KServe's storage initializer, which reads from it."""
    if cluster.kind:
        cloud_servers.S3.load(cluster.kind)
        storage_initializer.install(cluster.kind, install=install_packages)
    return s3_pod.S3Pod(api, namespace, cloud_servers.S3.upstream()).start()


@pytest.fixture(scope="module")
def gcs(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str) -> gcs_client.Gcs:
    """A server of Google Cloud Storage."""
    assert cluster.kind
    cloud_servers.GCS.load(cluster.kind)
    return gcs_pod.GcsPod(api, namespace, cloud_servers.GCS.upstream()).start()


@pytest.fixture(scope="module")
def sources(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str, install_packages: bool) -> Sources:
    """All but the clouds' servers; they have their files from a ConfigMap."""
    assert cluster.kind
    image = model_image.ensure(storage_initializer.ensure(install=install_packages), {"/models/image.mar": archive("image")})
    cluster.kind.load(image)
    host, login, core = f"{GUARDED}.{namespace}.svc", Login(), kubernetes.client.CoreV1Api(api)
    archives = {f"{name}.mar": base64.b64encode(archive(name)).decode() for name in ("login", "signed", "claim", "by-hand")}
    texts = {"archive.pt": "archive", "folder.pt": "folder", "handler.py": HANDLER,
             "guarded.py": Path(guarded.__file__).read_text()}
    issuer = certificates.authority("the guarded server's authority")
    own = certificates.signed(issuer, [host])
    for name, content in {FILES: {"binaryData": archives, "data": texts},
                          AUTHORITY: {"data": {"ca.crt": issuer.certificate.decode()}}}.items():
        core.create_namespaced_config_map(namespace, {"metadata": {"name": name}, **content})
    for name, content in {
            "login": {"username": login.user, "password": login.password}, "token": {"token": login.token},
            "signed": {"uri": f"https://{host}/signed/signed.mar?signature={login.signature}", "signature": login.signature},
            GUARDED: {"tls.crt": own.certificate.decode(), "tls.key": own.key.decode()}}.items():
        core.create_namespaced_secret(namespace, {"metadata": {"name": name}, "stringData": content})
    core.create_namespaced_persistent_volume_claim(namespace, {
        "metadata": {"name": CLAIM}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    core.create_namespaced_pod(namespace, _filler(cluster.runtime_image))
    pods.serve(api, namespace, _guarded(cluster.runtime_image), guarded.PORT, service_port=443)
    wait_for("the claim to be filled", lambda: core.read_namespaced_pod(FILLER, namespace).status.phase == "Succeeded",
             seconds=FILLED_SECONDS)
    return Sources(core, namespace, f"https://{host}", image, login)


def _guarded(image: str) -> dict[str, Any]:
    environment = pods.from_secrets(LOGIN_USER=("login", "username"), LOGIN_PASSWORD=("login", "password"),
                                    TOKEN=("token", "token"), SIGNATURE=("signed", "signature"))
    return pods.pod(
        GUARDED, image, {"/srv": {"configMap": {"name": FILES}}, "/tls": {"secret": {"secretName": GUARDED}}},
        command=["python3", "/srv/guarded.py", "/srv", "/tls"],
        env=[{"name": "PYTHONUNBUFFERED", "value": "1"}, *environment])


def _filler(image: str) -> dict[str, Any]:
    """Who fills the claim by hand: for everybody to read, and for another user than the release's to write."""
    copy = (f"umask 022; cd /claim; mkdir -p nlp $(dirname {ON_CLAIM}) && cp /files/claim.mar /files/folder.pt nlp/ && "
            f"cp /files/by-hand.mar {ON_CLAIM}")
    pod = pods.pod(FILLER, image, {"/files": {"configMap": {"name": FILES}},
                                   "/claim": {"persistentVolumeClaim": {"claimName": CLAIM}}},
                   user=USER_OF_THE_CLAIM, command=["sh", "-c", copy])
    pod["spec"]["restartPolicy"] = "Never"
    return pod


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
