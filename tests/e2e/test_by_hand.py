"""The conformance suite on an InferenceService that the chart did not make: it names all mistakes in it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import kubernetes
import pytest

from ci.cluster import up
from ci.cluster.paths import REPOSITORY
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.e2e import by_hand

pytestmark = pytest.mark.only("Standard")
LOADED_SECONDS = 300
ONE = {"instances": [{}]}


@pytest.fixture(scope="module")
def made(api: kubernetes.client.ApiClient, namespace: str, cluster: up.Cluster) -> Iterator[Release]:
    """The InferenceService, once its model answers: it is Ready before."""
    release = Release(api, namespace, by_hand.NAME)
    by_hand.install(api, namespace, cluster.runtime_image)
    release.wait_until_ready()
    wait_for("the model to answer", lambda: release.predict("tiny", ONE).status_code == 200, seconds=LOADED_SECONDS)
    yield release
    by_hand.remove(api, namespace)


def test_each_mistake_is_named_and_nothing_else(made: Release, cluster: up.Cluster, tmp_path: Path) -> None:
    for file, content in (("sample.json", ONE), ("expect.json", {"predictions": ["one"]})):
        (tmp_path / file).write_text(json.dumps(content))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/conformance", "--kubeconfig", str(cluster.kubeconfig),
         "--namespace", made.namespace, "--release", made.name, "--sample", str(tmp_path / "sample.json"),
         "--expect", str(tmp_path / "expect.json"), "--report-json", str(tmp_path / "report.json")],
        cwd=REPOSITORY, capture_output=True, text=True, check=False)
    results = json.loads((tmp_path / "report.json").read_text())["results"]
    failed = {result["check"] for result in results if result["outcome"] == "failed"}
    assert failed >= by_hand.MISTAKES, done.stdout
    assert failed - by_hand.MISTAKES <= by_hand.PASSING, done.stdout
