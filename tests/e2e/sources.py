"""What models are fetched from in the cluster: servers, a claim that was filled by hand, an image; and what they hold."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import kubernetes
import pytest

from ci import gcs_client, gcs_pod, model_image, pods, s3_client, s3_pod
from ci.cluster import cloud_servers, storage_initializer, up
from ci.cluster.waiting import wait_for
from tests.e2e.tiny import archive

CLAIM, FILES, GUARDED, BUCKET = "filled-by-hand", "sources", "guarded", "sources"
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
        url: of the server that asks for what is in the Secrets `login`, `token` and `signed`.
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
    core, login, url = kubernetes.client.CoreV1Api(api), Login(), f"http://{GUARDED}.{namespace}.svc"
    image = model_image.ensure(storage_initializer.ensure(install=install_packages), {"/models/image.mar": archive("image")})
    cluster.kind.load(image)
    archives = {f"{name}.mar": base64.b64encode(archive(name)).decode() for name in ("login", "signed", "claim", "by-hand")}
    weights = {f"{name}.pt": name for name in ("archive", "folder")}
    program = Path(__file__).with_name("guarded.py").read_text()
    core.create_namespaced_config_map(namespace, {
        "metadata": {"name": FILES}, "binaryData": archives, "data": {"handler.py": HANDLER, "guarded.py": program, **weights}})
    for name, content in {
            "login": {"username": login.user, "password": login.password}, "token": {"token": login.token},
            "signed": {"uri": f"{url}/signed/signed.mar?signature={login.signature}", "signature": login.signature}}.items():
        core.create_namespaced_secret(namespace, {"metadata": {"name": name}, "stringData": content})
    _fill_claim(core, namespace, cluster.runtime_image)
    pods.serve(api, namespace, _guarded(cluster.runtime_image), 8000)
    return Sources(core, namespace, url, image, login)


def _guarded(image: str) -> dict[str, object]:
    return pods.pod(
        GUARDED, image, {"/srv": {"configMap": {"name": FILES}}}, command=["python3", "/srv/guarded.py", "/srv"],
        env=[{"name": "PYTHONUNBUFFERED", "value": "1"}, *pods.from_secrets(
            LOGIN_USER=("login", "username"), LOGIN_PASSWORD=("login", "password"), TOKEN=("token", "token"),
            SIGNATURE=("signed", "signature"))])


def _fill_claim(core: kubernetes.client.CoreV1Api, namespace: str, image: str) -> None:
    """A claim as somebody has filled it by hand: for everybody to read, and for another user to write."""
    core.create_namespaced_persistent_volume_claim(namespace, {
        "metadata": {"name": CLAIM}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    copy = (f"umask 022; cd /claim; mkdir -p nlp $(dirname {ON_CLAIM}) && cp /files/claim.mar /files/folder.pt nlp/ && "
            f"cp /files/by-hand.mar {ON_CLAIM}")
    pod = pods.pod("filler", image, {"/files": {"configMap": {"name": FILES}},
                                     "/claim": {"persistentVolumeClaim": {"claimName": CLAIM}}},
                   user=USER_OF_THE_CLAIM, command=["sh", "-c", copy])
    pod["spec"]["restartPolicy"] = "Never"
    core.create_namespaced_pod(namespace, pod)
    wait_for("the claim to be filled", lambda: core.read_namespaced_pod("filler", namespace).status.phase == "Succeeded",
             seconds=FILLED_SECONDS)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
