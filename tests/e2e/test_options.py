"""What a release may be told beyond its model, all in one: versions, metrics, settings, fields of KServe that are passed on.

How each value is rendered is in tests/unit; here a pod has them. The modes render them alike: Standard mode alone.
"""

import base64
import re
from collections.abc import Callable
from typing import Any

import kubernetes
import pytest

from ci import helm
from ci.cluster import up
from ci.cluster.paths import REPOSITORY
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.e2e.tiny import archive

pytestmark = pytest.mark.only("Standard")

METRICS_SECONDS = 60
REQUEST = {"instances": [{}]}
WORDS = {"1.0": "one", "2.0": "two"}
# What the alerts and the dashboard are tested against without a cluster.
RECORDED = REPOSITORY / "tests" / "unit" / "exposition.txt"
SAMPLE = re.compile(r"^(\w+)\{", re.MULTILINE)
# Asked of a pod by another one; prints the body, or why there was none.
ASK = """
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
except OSError as error:
    print("no answer:", error)
"""
Values = dict[str, Any]


@pytest.fixture(scope="module")
def values(common: Values, api: kubernetes.client.ApiClient, namespace: str, cluster: up.Cluster) -> Values:
    """Values of a release with all that this module looks at."""
    packed = {f"{version}.mar": base64.b64encode(archive(word, version)).decode() for version, word in WORDS.items()}
    kubernetes.client.CoreV1Api(api).create_namespaced_config_map(
        namespace, {"metadata": {"name": "versions"}, "binaryData": packed})
    beside = {"name": "beside", "image": cluster.runtime_image,
              "command": ["sh", "-c", "echo here > /shared/word; sleep infinity"],
              "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}},
              "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                                  "seccompProfile": {"type": "RuntimeDefault"}},
              "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    return helm.merged(common, {
        "models": {"tiny": {"defaultVersion": "2.0", "versions": {
            version: {"uri": f"configMap://versions/{version}.mar"} for version in WORDS}}},
        "runtime": {"env": [{"name": "WORD", "value": "given"}]},
        "properties": {"job_queue_size": 7, "max_request_size": "1Mi"},
        "metrics": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "labels": {"team": "vision"},
        "predictor": {"nodeSelector": {"kubernetes.io/os": "linux"}, "containers": [beside],
                      "volumes": [{"name": "shared", "emptyDir": {}}],
                      "model": {"volumeMounts": [{"name": "shared", "mountPath": "/shared", "readOnly": True}]}},
        "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more"},
                          "data": {"model": "tiny"}}],
    })


@pytest.fixture(scope="module")
def release(install: Callable[..., Release], values: Values) -> Release:
    found = install("options", values)
    found.wait_until_ready()
    return found


@pytest.fixture(scope="module")
def ask(release: Release, urls: dict[str, str]) -> Callable[[int, str], str]:  # noqa: ARG001  (the file server's pod asks)
    """ask(port, path): what another pod of the namespace gets from the release's pod."""
    pod, = release.predictor_pods()
    return lambda port, path: release.execute("files", "python", "-c", ASK, f"http://{pod.status.pod_ip}:{port}{path}",
                                              container="files")


def test_a_model_without_a_version_in_the_url_is_its_default_version(release: Release) -> None:
    assert release.predict("tiny", REQUEST).json() == {"predictions": ["two"]}


@pytest.mark.parametrize(("version", "word"), WORDS.items())
def test_each_version_of_a_model_answers_for_itself(release: Release, version: str, word: str) -> None:
    answer = release.post(f"predictions/tiny/{version}", json=REQUEST)
    assert answer.json() == {"predictions": [word]}


def test_another_pod_reads_the_metrics_that_alerts_and_dashboard_ask_for(
        release: Release, ask: Callable[[int, str], str]) -> None:
    answers = [release.predict("tiny", body).status_code for body in (REQUEST, {"instances": [{"fail": "asked to"}]})]
    answers.append(release.predict("nobody", REQUEST).status_code)
    assert [status // 100 for status in answers] == [2, 5, 4]
    wanted, found = set(SAMPLE.findall(RECORDED.read_text())), ""

    def all_there() -> bool:  # some come by the worker's log, after the answer
        nonlocal found
        found = ask(8082, "/metrics")
        return wanted <= set(SAMPLE.findall(found))

    wait_for("the metrics", all_there, seconds=METRICS_SECONDS, state=lambda: found)


@pytest.mark.parametrize("port", [8081, 7070, 7071])
def test_no_other_pod_reaches_what_manages_the_server(ask: Callable[[int, str], str], port: int) -> None:
    assert ask(port, "/models").startswith("no answer: <urlopen error [Errno 111] Connection refused>")


def test_models_can_neither_be_listed_nor_registered_where_they_predict(release: Release) -> None:
    assert release.route.request("GET", "models").status_code in (404, 405)
    assert release.post("models?url=http://example.com/x.mar").status_code in (404, 405)


def test_a_body_above_the_limit_is_refused_and_the_server_lives(release: Release) -> None:
    answer = release.predict("tiny", {"instances": [{"text": "x" * 2 ** 20}]})
    assert answer.status_code == 413
    assert release.predict("tiny", REQUEST).ok


def test_settings_and_environment_are_the_servers(release: Release) -> None:
    pod, = release.predictor_pods()
    assert "job_queue_size=7" in release.execute(pod.metadata.name, "cat", "/etc/torchserve/config.properties")
    assert release.execute(pod.metadata.name, "printenv", "WORD").strip() == "given"


def test_fields_that_are_passed_on_are_the_pods(release: Release) -> None:
    pod, = release.predictor_pods()
    assert pod.spec.node_selector == {"kubernetes.io/os": "linux"}
    assert pod.metadata.labels["team"] == "vision"
    assert {status.name: status.ready for status in pod.status.container_statuses} == {"kserve-container": True, "beside": True}
    assert release.execute(pod.metadata.name, "cat", "/shared/word").strip() == "here"


def test_objects_of_the_user_are_the_releases(release: Release) -> None:
    more = release.core.read_namespaced_config_map(f"{release.name}-more", release.namespace)
    assert more.data == {"model": "tiny"}
    assert more.metadata.annotations["meta.helm.sh/release-name"] == release.name
