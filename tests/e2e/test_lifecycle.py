"""From install to uninstall: the claim kept or removed as told, an existing claim, other sources, the end of a pod."""

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.helm import Helm
from ci.release import Release
from tests.e2e.rollouts import wait_until_rolled_out
from tests.e2e.watching import delete, uids

BUSY_SECONDS, ANSWER_SECONDS = 120, 180
# In Knative mode queue-proxy keeps a pod for 30 s after its last request; tests/e2e/test_changes.py has deletions under traffic.
in_standard_mode = pytest.mark.only("Standard")
KEPT = {"persistence": {"retain": True}}
IN_A_CONFIG_MAP = {"models": {"digits": {"uri": "configMap://archives/digits.mar"}}}


@pytest.fixture(scope="module")
def begun(install: Callable[..., Release], values: Callable[..., dict[str, Any]], api: kubernetes.client.ApiClient,
          namespace: str, archives: dict[str, Path], mode: str) -> dict[str, Release]:
    """What the tests below begin with, installed side by side; each test waits for its own. `keeper` is the subject of most."""
    content = base64.b64encode(archives["digits"].read_bytes()).decode()
    kubernetes.client.CoreV1Api(api).create_namespaced_config_map(
        namespace, {"metadata": {"name": "archives"}, "binaryData": {"digits.mar": content}})
    given = {"keeper": values("digits", IN_A_CONFIG_MAP, KEPT)}
    if mode == "Standard":
        given["leaving"] = values("bert")
    return {name: install(name, own) for name, own in given.items()}


def test_a_model_archive_in_a_config_map_is_served(
        begun: dict[str, Release], example: Callable[[str, str], Any]) -> None:
    keeper = begun["keeper"]
    keeper.wait_until_ready()
    assert keeper.predict("digits", example("digits", "request.json")).json() == example("digits", "expected.json")


def test_an_upgrade_to_another_source_seeds_again_and_serves_it(
        begun: dict[str, Release], chart: Helm, values: Callable[..., dict[str, Any]],
        example: Callable[[str, str], Any], mode: str) -> None:
    keeper = begun["keeper"]
    keeper.wait_until_ready()
    pod, = keeper.predictor_pods()
    jobs, file = uids(keeper.seed_jobs()), _served_archive(keeper)
    chart.install("keeper", values("digits", KEPT))
    new, = wait_until_rolled_out(keeper, [pod], mode)
    assert uids(keeper.seed_jobs()).isdisjoint(jobs)
    assert _served_archive(keeper) != file
    stored = keeper.execute(new.metadata.name, "ls", "/mnt/models/model-store").split()
    assert sorted(stored) == sorted([file, _served_archive(keeper)]), "an archive that an older revision serves must stay"
    assert keeper.predict("digits", example("digits", "request.json")).json() == example("digits", "expected.json")


@in_standard_mode
def test_a_deleted_pod_answers_its_request_in_flight_and_ends_by_itself(begun: dict[str, Release]) -> None:
    bert = begun["leaving"]
    bert.wait_until_ready()
    pod, = bert.predictor_pods()
    instances = [{"data": "A long evening with a fine meal."}] * 6000
    answers: list[Any] = []
    request = threading.Thread(target=lambda: answers.append(
        bert.predict("bert", {"instances": instances}, timeout=ANSWER_SECONDS)))
    request.start()
    wait_for("the request to be at work", lambda: _is_busy(bert), seconds=BUSY_SECONDS)
    timings.stages["a deleted pod is gone"], statuses = delete(bert, pod)
    request.join(timeout=ANSWER_SECONDS)
    assert [answer.status_code for answer in answers] == [200]
    assert len(answers[0].json()["predictions"]) == len(instances)
    assert statuses == [0], "the pod was killed at the end of its grace period"


@in_standard_mode
def test_an_idle_pod_that_is_deleted_ends_by_itself(begun: dict[str, Release]) -> None:
    keeper = begun["keeper"]
    keeper.wait_until_ready()
    pod, = keeper.predictor_pods()
    timings.stages["an idle deleted pod is gone"], statuses = delete(keeper, pod)
    assert statuses == [0], "the pod was killed at the end of its grace period"


def test_uninstall_keeps_a_claim_that_is_to_be_kept_and_a_release_can_serve_it_without_seeding(
        begun: dict[str, Release], chart: Helm, values: Callable[..., dict[str, Any]], claims: Callable[[], list[str]],
        install: Callable[..., Release], example: Callable[[str, str], Any]) -> None:
    keeper = begun["keeper"]
    keeper.wait_until_ready()
    file = _served_archive(keeper)
    chart.uninstall("keeper")
    assert "keeper-model-store" in claims()

    by_hand = values("digits", {"persistence": {"create": False, "existingClaim": "keeper-model-store"}})
    by_hand["models"] = {"digits": {"marName": file}}
    reader = install("reader", by_hand)
    reader.wait_until_ready()
    assert reader.seed_jobs() == []
    assert reader.predict("digits", example("digits", "request.json")).json() == example("digits", "expected.json")
    chart.uninstall("reader")
    assert "keeper-model-store" in claims(), "uninstalling a release must not remove a claim it did not make"
    keeper.core.delete_namespaced_persistent_volume_claim("keeper-model-store", keeper.namespace)


def _served_archive(running: Release) -> str:
    """File name of the archive that the release's only model is served from."""
    seeds = [item for item in running.core.list_namespaced_config_map(running.namespace).items
             if item.metadata.name.startswith(f"{running.name}-seed-")]
    artifact, = json.loads(seeds[0].data["plan.json"])["artifacts"]
    return Path(artifact["path"]).name


def _is_busy(running: Release) -> bool:
    """Whether somebody has a connection to the server: of the request above, or for a moment of the liveness probe."""
    pod, = running.predictor_pods()
    established = r"grep -sqE ':1F90 [0-9A-F]+:[0-9A-F]{4} 01 ' /proc/net/tcp /proc/net/tcp6 && echo busy"
    return "busy" in running.execute(pod.metadata.name, "bash", "-c", established)
