"""The conformance suite on a release behind the edge: let in by a session or a token, sent to the login without either."""

import base64
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from ci import edge_client, helm
from ci import release as releases
from ci.cluster import gateway, ports, up
from ci.cluster.edge import Edge
from ci.cluster.edge_settings import COOKIE, SERVICE
from ci.cluster.paths import REPOSITORY
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.e2e.tiny import archive

from .conftest import MARK

NAME, MODEL, SAMPLE, EXPECTED = "behind", "tiny", {"instances": [{}]}, {"predictions": ["one"]}
ROUTED_SECONDS, SECONDS = 180, 300
Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def release(cluster: up.Cluster) -> Iterator[Release]:
    """A release in Knative mode, whose gateway is the one behind the edge, and which that one knows."""
    api, namespace = releases.client(cluster.kubeconfig), f"edge-{uuid.uuid4().hex[:6]}"
    core, chart = kubernetes.client.CoreV1Api(api), helm.Helm(cluster.kubeconfig, namespace)
    core.create_namespace({"metadata": {"name": namespace, "labels": MARK}})
    core.create_namespaced_config_map(namespace, {
        "metadata": {"name": MODEL}, "binaryData": {"one.mar": base64.b64encode(archive("one")).decode()}})
    chart.install(NAME, helm.merged(helm.image_values(cluster.runtime_image), {
        "deploymentMode": "Knative", "models": {MODEL: {"uri": f"configMap://{MODEL}/one.mar"}},
        "runtime": {"resources": {"requests": {"cpu": 0.02}}}, "seed": {"resources": {"requests": {"cpu": 0.01}}}}))
    found = Release(api, namespace, NAME, gateway.address(cluster.kind, ports.KOURIER_HTTP))
    found.wait_until_ready()
    wait_for("the gateway to know the release", lambda: found.predict(MODEL, SAMPLE).ok, seconds=ROUTED_SECONDS)
    yield found
    chart.uninstall(NAME)
    core.delete_namespace(namespace)


@pytest.fixture
def run(release: Release, cluster: up.Cluster, edge: Edge, tmp_path: Path) -> Run:
    """run(option, …): exit code, results by check, and what was printed, of the suite on the release by way of the edge."""
    def make(*options: str) -> tuple[int, dict[str, Any], str]:
        sample, expected, report = (tmp_path / name for name in ("request.json", "expected.json", "report.json"))
        sample.write_text(json.dumps(SAMPLE))
        expected.write_text(json.dumps(EXPECTED))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/conformance",
             "--kubeconfig", str(cluster.kubeconfig), "--namespace", release.namespace, "--release", NAME,
             "--url", edge.https, "--ca", str(edge.ca), "--host", release.host(), *options,
             "--sample", str(sample), "--expect", str(expected), "--report-json", str(report)],
            cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=SECONDS)
        results = json.loads(report.read_text())["results"] if report.exists() else []
        return done.returncode, {result["check"]: result for result in results}, done.stdout + done.stderr
    return make


@pytest.mark.parametrize("way", ["cookie", "header"])
def test_the_suite_is_let_in_by_a_session_and_by_a_token(run: Run, edge: Edge, session: str, way: str) -> None:
    given = {"cookie": f"{COOKIE}={session}",
             "header": f"Authorization: Bearer {edge_client.bearer_token(edge.http, SERVICE, edge.secrets.service)}"}
    with timings.stage(f"conformance behind the edge, by a {way}"):
        status, results, printed = run(f"--{way}", given[way])
    assert status == 0, printed
    for check in ("the_sample_is_answered_as_expected", "a_model_that_is_not_there_is_not_found", "what_is_no_json_is_an_error"):
        assert results[f"answers.{check}"]["outcome"] == "passed", printed


def test_without_either_it_fails_by_the_redirect_to_the_login(run: Run) -> None:
    status, results, printed = run()
    assert status == 1, printed
    failed = results["answers.the_sample_is_answered_as_expected"]
    assert failed["outcome"] == "failed" and "302" in json.dumps(failed), printed
