"""Models from all sources that a cluster has a part in, in as few releases as can be: a pod serves a model of each.

What needs no cluster for its proof is in tests/seed and tests/storage. The seed is the same in both modes.
"""

import os
import re
from collections.abc import Callable
from typing import Any

import kubernetes
import pytest

from ci import gcs_pod, helm, s3_pod
from ci.cluster import images, shell, storage_initializer, up
from ci.cluster.errors import Problem
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.gcs_client import Gcs
from ci.helm import Helm
from ci.release import Release
from ci.s3_client import REGION, S3
from tests.e2e.rollouts import wait_until_rolled_out
from tests.e2e.sources import AUTHORITY, BUCKET, CLAIM, FILES, ON_CLAIM, Sources, sha256
from tests.e2e.tiny import archive
from tests.e2e.watching import uids

pytestmark = pytest.mark.only("Standard")

MANY_SECONDS, SEEDED_SECONDS, SAID_SECONDS, SENT_SECONDS = 420, 240, 240, 240
HANDLER = f"configMap://{FILES}/handler.py"
TRUSTED = {"configMapName": AUTHORITY, "key": "ca.crt"}
HERE, CLOUD = ("login", "signed", "claim", "image", "upload", "archive", "folder"), ("amazon", "google", "packed")
Values = dict[str, Any]


@pytest.fixture(scope="module")
def here(common: Values, sources: Sources) -> Values:
    """Values of a release with a model of each source but the cloud. Its name is what it answers."""
    return helm.merged(common, {
        "runtime": {"resources": {"limits": {"memory": "4Gi"}}},  # seven workers
        "seed": {"ca": TRUSTED},
        "models": {
            "login": {"uri": f"{sources.url}/basic/login.mar", "credentials": {"secretName": "login"}},
            "signed": {"uriFrom": {"secretKeyRef": {"name": "signed", "key": "uri"}}},
            "claim": {"uri": f"pvc://{CLAIM}/nlp/claim.mar"},
            "image": {"uri": f"oci://{sources.image}#/models/image.mar"},
            "upload": {"uri": "upload://upload.mar", "sha256": sha256(archive("upload"))},
            "archive": {"build": {"handler": HANDLER, "serializedFile": {
                "uri": f"{sources.url}/bearer/archive.pt", "credentials": {"secretName": "token"},
                "sha256": sha256(b"archive")}}},
            "folder": {"build": {"handler": HANDLER, "serializedFile": f"pvc://{CLAIM}/nlp/folder.pt", "format": "no-archive"}},
        }})


@pytest.fixture(scope="module")
def cloud(common: Values, s3: S3, gcs: Gcs, namespace: str) -> Values:
    """Values of a release whose models lie in the cloud, one of them in parts. Their names are what they answer."""
    s3.make_bucket(BUCKET)
    gcs.make_bucket(BUCKET)
    return helm.merged(common, {
        "models": {
            "amazon": {"uri": s3.put(BUCKET, "nlp/amazon.mar", archive("amazon"))},
            "google": {"uri": gcs.put(BUCKET, "nlp/google.mar", archive("google"))},
            "packed": {"build": {"handler": HANDLER, "serializedFile": s3.put(BUCKET, "nlp/packed.pt", b"packed")}},
        },
        "seed": {
            "s3": {"endpoint": f"http://{s3_pod.NAME}.{namespace}.svc", "region": REGION,
                   "credentials": {"secretName": s3_pod.CREDENTIALS}},
            "env": [{"name": "STORAGE_EMULATOR_HOST", "value": f"http://{gcs_pod.NAME}.{namespace}.svc"}],
        }})


@pytest.fixture(scope="module")
def by_hand(common: Values, sources: Sources) -> Values:  # noqa: ARG001  (the claim is filled)
    """Values of a release with a model that lies in a directory of a claim, which they do not name."""
    return helm.merged(common, {"persistence": {"create": False, "existingClaim": CLAIM},
                                "models": {"by-hand": {"marName": ON_CLAIM.rpartition("/")[2]}}})


@pytest.fixture(scope="module")
def begun(install: Callable[..., Release], common: Values, here: Values, cloud: Values, by_hand: Values,
          sources: Sources) -> dict[str, Release]:
    """The releases of all tests below, installed side by side; each test waits for its own."""
    mistakes = {
        "no-login": {"seed": {"ca": TRUSTED}, "models": {"login": {"uri": f"{sources.url}/basic/login.mar"}}},
        "no-file": {"models": {"image": {"uri": f"oci://{sources.image}#/models/nowhere.mar"}}}}
    given = {"by-hand": by_hand, "cloud": cloud, **{name: helm.merged(common, wrong) for name, wrong in mistakes.items()},
             "here": here}  # the last, so that its upload begins at once
    return {name: install(name, own) for name, own in given.items()}


@pytest.fixture(scope="module")
def sent(begun: dict[str, Release], chart: Helm, cluster: up.Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the commands in the notes printed that send a file, each typed in where that file is."""
    folder = tmp_path_factory.mktemp("laptop")
    (folder / "upload.mar").write_bytes(archive("upload"))
    notes = chart("get", "notes", "here").partition("\n0. Upload")[2].partition("\n1. ")[0]
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "PATH": f"{cluster.tools}{os.pathsep}{os.environ['PATH']}"}
    try:
        return "".join(shell.output(["bash", "-c", line], env=environment, cwd=folder, timeout=SENT_SECONDS)
                       for line in notes.splitlines() if line.startswith("   kubectl"))
    except Problem as problem:
        raise Problem(f"{problem} {begun['here'].state()}") from problem


@pytest.fixture(scope="module")
def from_here(begun: dict[str, Release], sent: str) -> Release:  # noqa: ARG001  (it was sent)
    with timings.stage(f"models of {len(HERE)} sources to Ready"):
        begun["here"].wait_until_ready(MANY_SECONDS)
    return begun["here"]


@pytest.fixture(scope="module")
def from_cloud(begun: dict[str, Release]) -> Release:
    begun["cloud"].wait_until_ready(MANY_SECONDS)
    return begun["cloud"]


def test_a_file_is_sent_by_the_commands_of_the_notes(sent: str) -> None:
    assert f"sha256 {sha256(archive('upload'))}; the seed goes on with them" in sent


@pytest.mark.parametrize("source", HERE)
def test_a_model_of_each_source_in_and_around_the_cluster_is_served(source: str, from_here: Release) -> None:
    assert _answer(from_here, source) == source


@pytest.mark.parametrize("source", CLOUD)
def test_a_model_of_each_cloud_is_served(source: str, from_cloud: Release) -> None:
    assert _answer(from_cloud, source) == source


def test_a_model_that_was_built_for_it_is_a_directory(from_here: Release) -> None:
    kinds = {name.rpartition("-")[0]: name.endswith(".mar") for name in _stored(from_here)}
    assert kinds == {name: name != "folder" for name in HERE}


def test_only_the_cloud_takes_the_image_of_kserves_library(
        from_here: Release, from_cloud: Release, cluster: up.Cluster) -> None:
    for release, image in ((from_here, cluster.runtime_image), (from_cloud, storage_initializer.upstream())):
        assert {pod.spec.containers[0].image for pod in release.seed_pods()} == {images.qualified(image)}


def test_no_secret_is_in_what_was_said_or_made(
        from_here: Release, from_cloud: Release, sent: str, chart: Helm, sources: Sources, s3: S3) -> None:
    seen = sent
    for release in (from_here, from_cloud):
        seen += release.seed_logs() + release.server_logs() + chart("get", "all", release.name)
        seen += str(release.api.sanitize_for_serialization([*release.seed_pods(), *release.predictor_pods()]))
    for secret in (sources.login.password, sources.login.token, sources.login.signature, s3.keys.secret):
        assert secret not in seen
    assert "the uri in Secret signed, key uri" in seen


def test_a_job_that_is_run_again_transfers_nothing(
        from_here: Release, begun: dict[str, Release], chart: Helm, here: Values, sources: Sources) -> None:
    wait_for("the release without a login, which asks the same server, to have failed", begun["no-login"].seed_failure,
             seconds=SEEDED_SECONDS)
    pods, (job,), asked = from_here.predictor_pods(), from_here.seed_jobs(), sources.requests()
    assert asked, "the first run did ask"
    kubernetes.client.BatchV1Api(from_here.api).delete_namespaced_job(
        job.metadata.name, from_here.namespace, propagation_policy="Foreground")
    wait_for("the Job to be gone", lambda: not (from_here.seed_jobs() or from_here.seed_pods()), seconds=SEEDED_SECONDS)
    chart.install("here", here)
    wait_for("the Job to be done again", lambda: any(job.status.succeeded for job in from_here.seed_jobs()),
             seconds=SEEDED_SECONDS, give_up=from_here.seed_failure)
    kept = re.findall(r"^seed: (\S+): kept model-store/", from_here.seed_logs(), re.M)
    assert sorted(kept) == sorted(HERE)
    assert sources.requests() == asked
    assert uids(from_here.predictor_pods()) == uids(pods), "the server did not change"


def test_a_new_revision_fetches_everything_again_and_as_many_old_archives_stay_as_are_to(
        from_cloud: Release, chart: Helm, cloud: Values, s3: S3, mode: str) -> None:
    pods, before = from_cloud.predictor_pods(), _stored(from_cloud)
    s3.put(BUCKET, "nlp/amazon.mar", archive("amazon, again"))
    chart.install("cloud", helm.merged(cloud, {"seed": {"revision": "2", "keepOld": 1}}))
    wait_until_rolled_out(from_cloud, pods, mode)
    assert _answer(from_cloud, "amazon") == "amazon, again"
    after = _stored(from_cloud)
    assert sorted(name.rpartition("-")[0] for name in after - before) == sorted(CLOUD)
    assert len(after & before) == 1


@pytest.mark.parametrize(("mistake", "sentence"), [
    ("no-login", "/basic/login.mar: HTTP 401 Unauthorized; it asks for a login"),
    ("no-file", "has no file /models/nowhere.mar that uid 1000 may read")])
def test_a_source_that_refuses_or_has_no_such_file_is_told_by_the_job_and_by_the_server(
        mistake: str, sentence: str, begun: dict[str, Release]) -> None:
    release = begun[mistake]
    cause = wait_for(f"the Job of {mistake} to fail", release.seed_failure, seconds=SAID_SECONDS)
    assert sentence in cause
    said = wait_for("the server to end", release.server_message, seconds=SAID_SECONDS)
    assert said == f"start: {cause}"


def test_an_archive_that_lies_elsewhere_on_a_claim_is_served_with_the_sub_path_that_the_server_says(
        begun: dict[str, Release], chart: Helm, by_hand: Values) -> None:
    release = begun["by-hand"]
    said = wait_for("the server to end", release.server_message, seconds=SAID_SECONDS)
    found = re.search(r"it lies at (\S+): append (\S+) to persistence.subPath", said)
    assert found, said
    assert found[1] == f"/mnt/models/{ON_CLAIM}"
    chart.install("by-hand", helm.merged(by_hand, {"persistence": {"subPath": found[2]}}))
    release.wait_until_ready()
    assert _answer(release, "by-hand") == "by-hand"


def test_a_claim_that_was_filled_by_hand_is_only_read(begun: dict[str, Release]) -> None:
    release = begun["by-hand"]
    release.wait_until_ready()
    assert release.seed_jobs() == []
    assert "Read-only file system" in _run(release, "touch /mnt/models/model-store/written")
    assert _run(release, "cd /mnt/models; find . -type f") == f"./model-store/{ON_CLAIM.rpartition('/')[2]}"


def _answer(release: Release, model: str) -> str:
    answer = release.predict(model, {"instances": [{}]})
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"][0]


def _run(release: Release, script: str) -> str:
    """What a script prints in the server's pod."""
    return release.execute(release.predictor_pods()[0].metadata.name, "bash", "-c", script).strip()


def _stored(release: Release) -> set[str]:
    """Names of the archives on the claim."""
    return set(_run(release, "ls /mnt/models/model-store").split())
