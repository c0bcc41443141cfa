"""What the conformance suite says of what it can't see: lists that are forbidden, ports whose packets are dropped."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import yaml

from ci.cluster.paths import REPOSITORY
from tests.conformance import cluster
from tests.conformance.checks import management
from tests.conformance.target import NotApplicable
from tests.harness.conformance_target import objects, target

POD = "tiny-predictor-1-a"
MANAGEMENT = '{"models": [{"modelName": "tiny", "modelUrl": "tiny-1.mar"}]}'


@contextmanager
def api_server(forbidden: str) -> Iterator[int]:
    """Its port: it lists the objects of a release and nothing else, and forbids to list one kind."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind = self.path.partition("?")[0].rpartition("/")[2]
            wanted = "serving.knative.dev" not in self.path and "limit=1" not in self.path  # the client wants more of pods
            items = [one for one in objects() if wanted and f"{one['kind'].lower()}s" == kind]
            status, body = (403, {}) if kind == forbidden else (200, {"kind": f"{items[0]['kind'] if items else kind}List",
                                                                      "items": items, "metadata": {}})
            said = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def judged(tmp_path: Path) -> Callable[[str], tuple[int, str, dict[str, Any]]]:
    """judged(forbidden): exit code, what is printed and the JSON, where one kind may not be listed."""
    def run(forbidden: str) -> tuple[int, str, dict[str, Any]]:
        with api_server(forbidden) as port:
            kubeconfig, report = tmp_path / "kubeconfig", tmp_path / "report.json"
            kubeconfig.write_text(yaml.safe_dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "a", "users": [{"name": "a", "user": {}}],
                "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{port}"}}]}))
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/conformance", "--kubeconfig", str(kubeconfig),
                 "--namespace", "x", "--release", "tiny", "--report-json", str(report)],
                cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120,
                env={key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")})
            assert report.exists(), done.stdout + done.stderr
            return done.returncode, done.stdout + done.stderr, json.loads(report.read_text())
    return run


@pytest.mark.parametrize("kind", ["inferenceservices", "replicasets"])
def test_without_what_every_check_begins_with_no_check_is_made_and_the_exit_code_says_so(
        kind: str, judged: Callable[[str], tuple[int, str, dict[str, Any]]]) -> None:
    status, printed, found = judged(kind)
    assert status == pytest.ExitCode.USAGE_ERROR, printed
    assert f"no check is made: {kind}." in printed and "can't be listed: Forbidden" in printed
    assert f"no check is made: {kind}." in found["error"]
    assert (found["passed"], found["failed"], found["skipped"], found["results"]) == (0, 0, 0, [])


def test_what_else_may_not_be_listed_is_in_the_summary_and_in_the_json(
        judged: Callable[[str], tuple[int, str, dict[str, Any]]]) -> None:
    status, printed, found = judged("persistentvolumeclaims")
    sentence = "persistentvolumeclaims.v1 can't be listed: Forbidden"
    assert status == pytest.ExitCode.TESTS_FAILED, printed  # nobody answers for the server
    assert f"not read: {sentence}" in printed
    assert sentence in found["unread"]
    claims = next(result for result in found["results"] if result["check"] == "objects.the_claims_are_bound")
    assert (claims["outcome"], claims["why"]) == ("skipped", sentence)


def test_a_port_whose_packets_are_dropped_is_given_up_soon_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "REACH_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as nobody:  # it takes connections and never says a word
        api = SimpleNamespace(configuration=SimpleNamespace(host=f"http://127.0.0.1:{nobody.getsockname()[1]}"))
        session = requests.Session()
        session.trust_env = False
        reach = cluster._reach(session, api, "x")  # type: ignore[arg-type]
        with pytest.raises(NotApplicable, match=r"port 8081 of a gave no answer in 0\.2 s: something on the way drops packets"):
            reach("a", 8081, "models")


def test_a_silent_port_is_no_proof_and_hides_no_other_ports_answer() -> None:
    def silent(pod: str, port: int, _: str) -> None:
        raise NotApplicable(f"port {port} of {pod} gave no answer")

    release = target()
    release.reach = silent
    with pytest.raises(NotApplicable, match=f"port 7071 of {POD} gave no answer; port 8081 of {POD} gave no answer"):
        management.it_is_not_on_the_pods_address(release)
    release.reach = lambda pod, port, path: (200, MANAGEMENT) if port == 8081 else silent(pod, port, path)
    with pytest.raises(AssertionError, match=f"port 8081 of {POD} is the management API"):
        management.it_is_not_on_the_pods_address(release)
