"""What cannot work fails with a sentence: the seeding Job ends at once, and the waiting predictor names the cause."""

from collections.abc import Callable
from typing import Any

import kubernetes
import pytest

from ci.cluster.errors import Problem
from ci.cluster.waiting import wait_for
from ci.helm import Helm
from ci.release import Release

FAILED_SECONDS = 240
WRONG_SHA256 = "0" * 64


@pytest.fixture(scope="module")
def failing(install: Callable[..., Release], values: Callable[..., dict[str, Any]], urls: dict[str, str],
            api: kubernetes.client.ApiClient, namespace: str) -> dict[str, Release]:
    """Releases whose seed cannot succeed, all begun at once: by what is wrong with them."""
    kubernetes.client.CoreV1Api(api).create_namespaced_config_map(
        namespace, {"metadata": {"name": "no-archive"}, "data": {"digits.mar": "not a zip file"}})
    wrong = {
        "checksum": {"sha256": WRONG_SHA256},
        "missing": {"uri": urls["digits"].replace("digits.mar", "nowhere.mar")},
        "no-archive": {"uri": "configMap://no-archive/digits.mar"},
    }
    return {name: install(f"bad-{name}", values("digits", {"models": {"digits": more}})) for name, more in wrong.items()}


@pytest.mark.parametrize(("mistake", "sentence"), [
    ("checksum", WRONG_SHA256), ("missing", "404"), ("no-archive", "not a whole zip file")])
def test_a_seed_that_cannot_succeed_fails_its_job_with_a_sentence(
        mistake: str, sentence: str, failing: dict[str, Release]) -> None:
    message = wait_for(f"the Job of bad-{mistake} to fail", failing[mistake].seed_failure, seconds=FAILED_SECONDS)
    assert sentence in message
    assert message.count("\n") == 0, f"more than one sentence: {message}"
    assert len(failing[mistake].seed_pods()) == 1, "it was tried again, in vain"
    with pytest.raises(Problem, match="can no longer happen"):
        failing[mistake].wait_until_ready()


@pytest.mark.parametrize("mistake", ["checksum", "missing", "no-archive"])
def test_the_waiting_predictor_says_why_the_seed_failed(mistake: str, failing: dict[str, Release]) -> None:
    release = failing[mistake]
    failure = wait_for(f"the Job of bad-{mistake} to fail", release.seed_failure, seconds=FAILED_SECONDS)
    cause = failure.removeprefix("seed: ")
    wait_for(f"the predictor of bad-{mistake} to say so", lambda: cause in release.server_logs(), seconds=FAILED_SECONDS)


def test_uninstall_removes_the_claim_that_the_release_made(
        failing: dict[str, Release], chart: Helm, claims: Callable[[], list[str]]) -> None:
    claim = f"{failing['checksum'].name}-model-store"
    assert claim in claims()
    chart.uninstall(failing["checksum"].name)
    assert claim not in claims()


@pytest.mark.parametrize(("mistake", "sentence"), [
    ({"models": {}}, "models"), ({"modelz": {"bert": {}}}, "modelz"), ({"models": {"a/b": {"uri": "https://x/y.mar"}}}, "a/b")])
def test_values_that_cannot_work_are_refused_before_anything_is_made(
        mistake: dict[str, Any], sentence: str, install: Callable[..., Release], api: kubernetes.client.ApiClient,
        namespace: str) -> None:
    with pytest.raises(Problem, match=sentence):
        install("refused", mistake)
    secrets = kubernetes.client.CoreV1Api(api).list_namespaced_secret(namespace, label_selector="owner=helm,name=refused")
    assert secrets.items == []
