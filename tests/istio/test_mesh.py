"""In a namespace with sidecars: Jobs end, the predictor serves, and what has no sidecar is refused."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import kubernetes
import requests

from ci.cluster import up
from ci.cluster.waiting import wait_for
from ci.helm import Helm
from ci.release import Release
from ci.route import Route
from tests.client_pod import ClientPod
from tests.istio.conftest import MODEL
from tests.istio.pods import SIDECAR, sidecars

JOB_SECONDS = 120
PATH, REQUEST = f"v1/models/{MODEL}:predict", {"instances": [{}]}


def test_the_seeding_job_completes(release: Release) -> None:
    assert [job.status.succeeded for job in release.seed_jobs()] == [1]


def test_a_job_with_a_sidecar_ends(api: kubernetes.client.ApiClient, namespace: str, cluster: up.Cluster) -> None:
    batch, core = kubernetes.client.BatchV1Api(api), kubernetes.client.CoreV1Api(api)
    container = {"name": "work", "image": cluster.runtime_image, "command": ["python", "-c", "print('done')"]}
    batch.create_namespaced_job(namespace, {
        "metadata": {"name": "injected"},
        "spec": {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}})
    wait_for("the Job to complete", lambda: batch.read_namespaced_job("injected", namespace).status.succeeded == 1,
             seconds=JOB_SECONDS)
    pod = core.list_namespaced_pod(namespace, label_selector="batch.kubernetes.io/job-name=injected").items[0]
    assert len(sidecars(pod)) == 1


def test_the_predictor_has_a_sidecar_that_starts_before_it_and_is_ready(release: Release) -> None:
    pod = release.predictor_pods()[0]
    assert [container.name for container in sidecars(pod)] == [SIDECAR]
    assert [container.restart_policy for container in pod.spec.init_containers if container.name == SIDECAR] == ["Always"]
    assert [status.ready for status in pod.status.init_container_statuses if status.name == SIDECAR] == [True]


def test_a_pod_without_a_sidecar_is_refused(release: Release, outside: ClientPod) -> None:
    address = release.predictor_pods()[0].status.pod_ip
    answer = outside.request("POST", f"http://{address}:8080/{PATH}", REQUEST)
    assert (answer.status_code, "ConnectionReset" in answer.text or "RemoteDisconnected" in answer.text) == (0, True), answer


def test_a_pod_with_a_sidecar_is_answered(release: Release, inside: ClientPod, eventually: Callable[..., Any]) -> None:
    url = f"http://{release.name}-predictor.{release.namespace}.svc.cluster.local/{PATH}"
    answer = eventually(lambda: inside.request("POST", url, REQUEST))
    assert answer.json() == {"predictions": ["one"]}


def test_predict_is_open_and_everything_else_is_closed(http: Route, eventually: Callable[..., Any]) -> None:
    answer = eventually(lambda: http.request("POST", PATH, json=REQUEST))
    assert answer.json() == {"predictions": ["one"]}
    for method, path in (("POST", f"v1/models/{MODEL}:explain"), ("POST", "v1/models/other:predict"), ("GET", "models"),
                         ("GET", "metrics"), ("DELETE", f"v1/models/{MODEL}:predict"), ("GET", "api-description")):
        assert _refused(http.request(method, path)), (method, path)


def test_helm_test_predicts_from_inside_the_mesh(release: Release, chart: Helm) -> None:
    printed = chart("test", release.name, "--logs", "--timeout", "120s")
    assert "Succeeded" in printed
    assert '"predictions"' in printed


def test_without_the_charts_policy_predict_is_closed(
        release: Release, http: Route, chart: Helm, values: dict[str, Any], eventually: Callable[..., Any]) -> None:
    closed = {**values, "kubeflow": {"enabled": True, "authorizationPolicy": {"enabled": False}}}
    try:
        chart.install(release.name, closed)
        answer = eventually(lambda: http.request("POST", PATH, json=REQUEST), status=HTTPStatus.FORBIDDEN)
        assert _refused(answer)
    finally:
        chart.install(release.name, values)
        eventually(lambda: http.request("POST", PATH, json=REQUEST))


def _refused(answer: requests.Response) -> bool:
    return (answer.status_code, answer.text) == (HTTPStatus.FORBIDDEN, "RBAC: access denied")
