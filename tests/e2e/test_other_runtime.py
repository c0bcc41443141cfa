"""runtime.create=false: KServe's own ServingRuntime serves the models, by the configuration that the Job writes on the claim.

The runtime is the one that the pinned KServe has, with its arguments. Its image can't be pulled everywhere: here it has that of
our tests of the wrapper, and a line in place of the start script of KServe's image. The claim is the same in both modes.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import kubernetes
import pytest
import yaml

from ci import helm
from ci.cluster import source, toolchain
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.e2e.rollouts import wait_until_rolled_out

pytestmark = pytest.mark.only("Standard")

RUNTIME = "kserve-torchserve"
START = '"$@" --foreground & exec python /home/model-server/kserve_wrapper/__main__.py'
SEEDED_SECONDS, LOADED_SECONDS = 180, 180
SERVING = ("serving.kserve.io", "v1alpha1")
Values = dict[str, Any]


@pytest.fixture(scope="module")
def runtime(wrapper_image: str, api: kubernetes.client.ApiClient, namespace: str) -> Values:
    """The runtime's spec, of a ServingRuntime in the namespace."""
    module = toolchain.module_folder(source.SOURCE / "core", "github.com/kserve/kserve")
    found = yaml.safe_load((module / "config" / "runtimes" / f"{RUNTIME}.yaml").read_text())
    (container,) = found["spec"]["containers"]
    container |= {"image": wrapper_image, "command": ["sh", "-c", START, "start"]}
    kubernetes.client.CustomObjectsApi(api).create_namespaced_custom_object(*SERVING, namespace, "servingruntimes", {
        **found, "kind": "ServingRuntime", "metadata": {"name": RUNTIME}})
    return found["spec"]


@pytest.fixture(scope="module")
def stocked(tiny: Callable[..., Values], wrapper: Values, runtime: Values) -> Callable[..., Values]:  # noqa: ARG001  (it is there)
    """stocked(word, …): values of a release that answers with that word, from KServe's runtime."""
    return lambda word, *more: tiny(word, wrapper, {"runtime": {"create": False, "name": RUNTIME}}, *more)


@pytest.fixture(scope="module")
def release(install: Callable[..., Release], stocked: Callable[..., Values]) -> Release:
    found = install("stock", stocked("one"))
    found.wait_until_ready()
    return found


def _served(release: Release) -> list[str]:
    """The predictions, once there are some: this runtime is Ready before its models are loaded."""
    def predictions() -> list[str] | None:
        answer = release.predict("tiny", {"instances": [{}]})
        return answer.json()["predictions"] if answer.status_code == HTTPStatus.OK else None
    return wait_for("the model to be loaded", predictions, seconds=LOADED_SECONDS)


def test_kserves_runtime_answers_with_the_configuration_that_the_job_wrote(release: Release, runtime: Values) -> None:
    assert _served(release) == ["one"]
    (pod,) = release.predictor_pods()
    assert pod.spec.containers[0].args == runtime["containers"][0]["args"]
    written = release.execute(pod.metadata.name, "sh", "-c", "cd /mnt/models; find . -type f -not -path './.seed/*'").split()
    assert sorted(name.partition("-")[0] for name in written) == ["./config/config.properties", "./model"]


def test_the_release_has_no_runtime_of_its_own(release: Release, chart: helm.Helm) -> None:
    kinds = {item["kind"] for item in yaml.safe_load_all(chart("get", "manifest", release.name)) if item}
    assert "InferenceService" in kinds and "ServingRuntime" not in kinds


def test_a_changed_model_is_served_by_the_new_pods_of_an_upgrade_with_another_annotation(
        release: Release, chart: helm.Helm, stocked: Callable[..., Values], mode: str) -> None:
    pods = release.predictor_pods()
    chart.install(release.name, stocked("two"))
    wait_for("the Job to be complete", lambda: all(job.status.succeeded for job in release.seed_jobs()), seconds=SEEDED_SECONDS)
    assert _served(release) == ["one"], "pods that were there know of no change"
    chart.install(release.name, stocked("two", {"annotations": {"example.com/served": "two"}}))
    wait_until_rolled_out(release, pods, mode)
    assert _served(release) == ["two"]
