"""The conformance suite on releases by hand: two that are right pass; of the others each defect is named by the check for it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import kubernetes
import pytest
import requests
from kubernetes.stream import stream

from ci.cluster import up
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.diagnose import dump
from ci.release import delete
from tests.conformance import cluster as read
from tests.conformance.checks import CHECKS
from tests.conformance.target import NotApplicable
from tests.e2e import defects
from tests.e2e.faulty_server import SAY
from tests.e2e.served import ARTIFACTS

pytestmark = [pytest.mark.only("Standard"), pytest.mark.thorough]

READY_SECONDS, LOADED_SECONDS = 600, 420
SERVING, SERVICES = ("serving.kserve.io", "v1beta1"), "inferenceservices"
CLAIM = "nobody"  # of a class that is not there
# Of a release by hand: no claim, no runtime, no sidecar, nothing that downloads.
NOT_MADE = {"objects.the_runtime_is_there_and_takes_the_protocol", "objects.the_claims_are_bound",
            "logs.the_sidecar_says_nothing_bad", "logs.the_download_says_nothing_bad",
            "snapshot.the_model_that_is_asked_for_is_in_the_snapshot"}


@contextmanager
def made(request: pytest.FixtureRequest, image: str) -> Iterator[None]:
    """All releases, as long as the block runs; diagnosed before they go if it, or a test meanwhile, failed."""
    api, namespace = request.getfixturevalue("api"), request.getfixturevalue("namespace")
    core, custom = kubernetes.client.CoreV1Api(api), kubernetes.client.CustomObjectsApi(api)
    failed_before, whole = request.session.testsfailed, False
    try:
        for item in defects.config_maps():
            core.create_namespaced_config_map(namespace, item)
        core.create_namespaced_persistent_volume_claim(namespace, {
            "metadata": {"name": CLAIM}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "nobody",
                                                  "resources": {"requests": {"storage": "1Mi"}}}})
        core.create_namespaced_pod(namespace, defects.stranger(image))
        for name in defects.SERVERS:
            custom.create_namespaced_custom_object(*SERVING, namespace, SERVICES, defects.inference_service(name, image))
        yield
        whole = request.session.testsfailed == failed_before
    finally:
        if not whole:
            request.getfixturevalue("diagnosed").append(dump(api, namespace, ARTIFACTS / request.path.stem))
        if whole or not request.config.getoption("keep_on_failure"):
            for name in defects.SERVERS:
                delete(custom.delete_namespaced_custom_object, *SERVING, namespace, SERVICES, name)
            for item in defects.config_maps():
                delete(core.delete_namespaced_config_map, item["metadata"]["name"], namespace)
            delete(core.delete_namespaced_persistent_volume_claim, CLAIM, namespace)
            delete(core.delete_namespaced_pod, defects.stranger(image)["metadata"]["name"], namespace)


@pytest.fixture(scope="module")
def servers(cluster: up.Cluster, api: kubernetes.client.ApiClient, namespace: str,
            request: pytest.FixtureRequest) -> Iterator[None]:
    """All releases side by side, as far as each of them gets."""
    with made(request, cluster.runtime_image):
        _wait_until_begun(kubernetes.client.CoreV1Api(api), kubernetes.client.CustomObjectsApi(api), namespace)
        yield


def _wait_until_begun(core: kubernetes.client.CoreV1Api, custom: kubernetes.client.CustomObjectsApi, namespace: str) -> None:
    def unready() -> list[str]:
        found = custom.list_namespaced_custom_object(*SERVING, namespace, SERVICES)["items"]
        ready = {item["metadata"]["name"] for item in found for condition in item.get("status", {}).get("conditions", [])
                 if (condition["type"], condition["status"]) == ("Ready", "True")}
        return sorted({name for name, server in defects.SERVERS.items() if server.runs} - ready)

    def pods(name: str) -> list[kubernetes.client.V1Pod]:
        return core.list_namespaced_pod(namespace, label_selector=f"serving.kserve.io/inferenceservice={name}").items

    def started_again(name: str) -> bool:
        return any(status.restart_count for pod in pods(name) for status in pod.status.container_statuses or [])

    def tell(name: str) -> str:
        pod, = pods(name)
        return stream(core.connect_get_namespaced_pod_exec, pod.metadata.name, namespace, stdin=False, stdout=True, stderr=True,
                      tty=False, command=["sh", "-c", f"touch {SAY} && echo told"])

    def said(name: str, text: str) -> bool:
        return any(text in (core.read_namespaced_pod_log(pod.metadata.name, namespace) or "") for pod in pods(name))

    wait_for("the releases to be Ready", lambda: not unready(), seconds=READY_SECONDS, state=lambda: f"not ready: {unready()}")
    wait_for("the server that ends to be started again", partial(started_again, "ends"), seconds=READY_SECONDS)
    # It is Ready: it may say now that its model is loaded.
    wait_for("the server that is ready early to be told", lambda: "told" in tell("ready-early"), seconds=READY_SECONDS)
    # Ready came early, as it should: what is loaded late is now awaited.
    for name, models in (("open", defects.SERVERS["open"].models), ("shared", defects.SERVERS["shared"].models),
                         ("tokens", ["double"]), ("ready-early", ["tiny"])):
        for model in models:
            line = f"-{model}_1.0 State change WORKER_STARTED -> WORKER_MODEL_LOADED"
            wait_for(f"{model} of {name} to be loaded", partial(said, name, line), seconds=LOADED_SECONDS)


@pytest.fixture(scope="module")
def judged(servers: None, cluster: up.Cluster, namespace: str) -> Callable[[str, str], dict[str, str]]:  # noqa: ARG001
    """judged(server, model): each check of the suite -> what it says: "" when it passes, "-" and why when it is not made."""
    known: dict[tuple[str, str], dict[str, str]] = {}

    def judge(server: str, model: str) -> dict[str, str]:
        if (server, model) not in known:
            target = read.read(str(cluster.kubeconfig), namespace, server, read.Way(), sample=defects.SAMPLE,
                               expected=defects.RIGHT, model_given=model)
            known[server, model] = {name: _said(check, target) for name, check in CHECKS.items()}
        return known[server, model]

    with ThreadPoolExecutor(4) as pool, timings.stage("conformance of all seeded defects"):
        list(pool.map(lambda one: judge(*one), sorted({(one.server, one.model) for one in defects.DEFECTS.values()})))
    named = [_names(known[one.server, one.model], one) for one in defects.DEFECTS.values()]
    timings.facts["seeded defects that the conformance suite names"] = f"{sum(named)} of {len(named)}"
    return judge


def _said(check: Callable[[Any], None], target: Any) -> str:
    try:
        try:
            check(target)
        except (requests.ConnectionError, requests.Timeout):  # of the API server, which all requests go through
            check(target)
    except NotApplicable as reason:
        return f"- {reason}"
    except AssertionError as error:
        return str(error) or "an assertion without a sentence"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _names(said: dict[str, str], defect: defects.Defect) -> bool:
    return not said[defect.check].startswith("- ") and defect.says in said[defect.check]


@pytest.mark.parametrize("server", ["right", "pretends"])
def test_a_release_by_hand_that_is_right_passes(server: str, judged: Callable[[str, str], dict[str, str]]) -> None:
    said = judged(server, "")
    assert {check: text for check, text in said.items() if text and not text.startswith("- ")} == {}
    assert {check for check, text in said.items() if text.startswith("- ")} == NOT_MADE


@pytest.mark.parametrize("defect", defects.DEFECTS)
def test_a_seeded_defect_is_named(defect: str, judged: Callable[[str, str], dict[str, str]]) -> None:
    seeded = defects.DEFECTS[defect]
    said = judged(seeded.server, seeded.model)
    failed = {check: text[:300] for check, text in said.items() if text and not text.startswith("- ")}
    assert _names(said, seeded), f"{seeded.check} says {said[seeded.check]!r}; what failed: {failed}"


def test_what_is_wrong_with_a_pretending_server_is_named_and_nothing_else(
        judged: Callable[[str, str], dict[str, str]]) -> None:
    wrong = {}
    for defect in defects.DEFECTS.values():
        if defect.server in ("no-json-is-fine", "knows-all", "big-is-500", "no-limit", "no-worker", "serves-more", "restarts",
                             "ready-early", "mixes", "worker-dies", "lists-models", "open-management"):
            failed = {check for check, text in judged(defect.server, defect.model).items() if text and not text.startswith("- ")}
            wrong |= {defect.server: failed - {defect.check}} if failed - {defect.check} else {}
    assert wrong == {}
