"""Diagnosis: releases that are broken in many ways, and the cause that it names first for each."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml

from ci import diagnose, helm
from ci.cluster import up
from ci.cluster.waiting import wait_for
from ci.diagnosis import gather, guess
from tests.e2e import broken
from tests.e2e.served import ARTIFACTS
from tests.e2e.terminal import typed

pytestmark = pytest.mark.only("Standard")
NAMED_SECONDS = 420
FRESH_SECONDS = 3.0
STAYS_SECONDS = 10.0  # a cause that is named for a moment only is none: what comes after it may hide it
# For each: what the first command says; the case in the list of the others that fits; what that case's command says.
TOLD = {
    "no-class": ("unbound immediate PersistentVolumeClaims", "the claim is Pending", r'storageclass\S* "nobody" not found'),
    "checksum": ("declared is 0{64}", "the Job is not Complete", "declared is 0{64}"),
    "throws": ("the weights are from another model; correct its handler or file", "its container ends and starts again",
               "the weights are from another model"),
}
TESTED_SECONDS, ASKED_SECONDS = 300, 60
QUOTA = {"requests.cpu": "30m"}  # enough for the Job, not for the predictor


class Looks:
    """States of a namespace, the oldest first, back to one that is STAYS_SECONDS older than the newest."""

    def __init__(self, api: kubernetes.client.ApiClient, namespace: str) -> None:
        self.read = partial(gather.gather, api, namespace)
        self.states: list[tuple[float, gather.State]] = []

    def __call__(self) -> list[tuple[float, gather.State]]:
        """Reads a state anew when the newest is some seconds old."""
        if not self.states or time.monotonic() - self.states[-1][0] > FRESH_SECONDS:
            self.states.append((time.monotonic(), self.read()))
        newest, _ = self.states[-1]
        while len(self.states) > 1 and self.states[1][0] <= newest - STAYS_SECONDS:
            self.states.pop(0)
        return self.states


@contextmanager
def apart(request: pytest.FixtureRequest, kind: str, **security: str) -> Iterator[str]:
    """A namespace for what is broken, deleted with all that is in it; diagnosed before if a test failed meanwhile."""
    api, labels, failed_before = (request.getfixturevalue("api"), request.getfixturevalue("labels"), request.session.testsfailed)
    core, name = kubernetes.client.CoreV1Api(api), f"e2e-{kind}-{uuid.uuid4().hex[:6]}"
    core.create_namespace({"metadata": {"name": name, "labels": {**labels, **security}}})
    yield name
    if request.session.testsfailed > failed_before:
        request.getfixturevalue("diagnosed").append(diagnose.dump(api, name, ARTIFACTS / "test_diagnosis"))
        if request.config.getoption("keep_on_failure"):
            return
    core.delete_namespace(name)


@pytest.fixture(scope="module")
def place(mode: str, request: pytest.FixtureRequest) -> Iterator[str]:  # noqa: ARG001  (anew for each mode)
    """The namespace of the broken releases, which enforces restricted pods."""
    with apart(request, "broken", **{"pod-security.kubernetes.io/enforce": "restricted"}) as name:
        yield name


@pytest.fixture(scope="module")
def releases_broken(place: str, common: dict[str, Any], cluster: up.Cluster, api: kubernetes.client.ApiClient) -> Looks:
    """All broken releases, installed side by side in one namespace."""
    broken.prepare(api, place, cluster.runtime_image)
    chart = helm.Helm(cluster.kubeconfig, place)

    def begin(name: str) -> None:
        given = json.loads(json.dumps(broken.RELEASES[name].values).replace("NAMESPACE", place))
        chart.install(f"is-{name}", helm.merged(common, broken.FINE, given))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(begin, broken.RELEASES))
    return Looks(api, place)


def wait_until_named(looks: Looks, release: str, right: tuple[str, ...]) -> None:
    """Waits until the first cause of a release is one of these, and stays that."""
    def found(state: gather.State) -> list[guess.Cause]:
        return guess.causes(state.evidence(release))

    def stays() -> bool:
        states = looks()
        firsts = [next((cause.entry.id for cause in found(state)), "") for _, state in states]
        return set(firsts) <= set(right) and states[-1][0] - states[0][0] >= STAYS_SECONDS

    def last() -> str:
        _, state = looks()[-1]
        return guess.paragraph(release, found(state), ready=state.ready(release))

    wait_for(f"the diagnosis of {release} to name {' or '.join(right)} for {STAYS_SECONDS:.0f} s", stays, seconds=NAMED_SECONDS,
             state=last)


@pytest.mark.parametrize("name", broken.RELEASES)
def test_the_cause_of_a_broken_release_is_named_first(name: str, releases_broken: Looks) -> None:
    wait_until_named(releases_broken, f"is-{name}", broken.RELEASES[name].right)


def test_there_are_twelve_causes_and_more() -> None:
    assert len({release.right for release in broken.RELEASES.values()}) >= 12


@pytest.fixture(scope="module")
def tested(releases_broken: Looks, place: str, cluster: up.Cluster) -> dict[str, str]:
    """What `helm test` printed of broken releases, once their causes were there to be seen; it waits a minute for each."""
    for name in TOLD:
        wait_until_named(releases_broken, f"is-{name}", broken.RELEASES[name].right)
    line = f"! helm -n {place} test is-{{}} --logs --timeout {TESTED_SECONDS}s"
    with ThreadPoolExecutor(len(TOLD)) as pool:
        said = pool.map(lambda name: typed(line.format(name), cluster, seconds=2 * TESTED_SECONDS), TOLD)
        return dict(zip(TOLD, said, strict=True))


@pytest.mark.parametrize("name", TOLD)
def test_the_first_command_of_the_notes_and_of_helm_test_tells_the_cause(
        name: str, tested: dict[str, str], place: str, cluster: up.Cluster) -> None:
    notes = helm.Helm(cluster.kubeconfig, place)("get", "notes", f"is-{name}")
    command = notes.partition("If it does not get ready")[2].split("\n")[2].strip()
    (last,) = [line for line in tested[name].splitlines() if line.startswith("model tiny: ")]
    assert "no pod behind" in last and last.endswith(f": {command}"), last
    assert re.search(TOLD[name][0], typed(command, cluster, seconds=ASKED_SECONDS))


@pytest.mark.parametrize("name", TOLD)
def test_the_command_for_the_case_that_helm_test_names_tells_all_of_it(
        name: str, tested: dict[str, str], cluster: up.Cluster) -> None:
    _, case, whole = TOLD[name]
    (line,) = [line for line in tested[name].splitlines() if line.startswith(f"if {case}")]
    assert re.search(whole, typed(line.rpartition(":  ")[2], cluster, seconds=ASKED_SECONDS))


def test_the_folder_has_what_is_needed_to_look_further(releases_broken: Looks, api: kubernetes.client.ApiClient, place: str,
                                                       tmp_path: Path) -> None:
    wait_until_named(releases_broken, "is-throws", broken.RELEASES["throws"].right)
    folder = diagnose.dump(api, place, tmp_path, "is-throws")
    files = {file.name for file in folder.iterdir()}
    assert {"cause.txt", "events.txt", "nodes.yaml", "helm.yaml", "pods.yaml", "jobs.yaml", "inferenceservices.yaml"} <= files
    logs = [name for name in files if name.endswith(".log")]
    assert any(".seed." in name for name in logs) and any(".kserve-container." in name for name in logs)
    assert all(name.startswith("is-throws-") for name in logs), logs
    record, = yaml.safe_load((folder / "helm.yaml").read_text())
    assert (record["release"], record["status"]) == ("is-throws", "deployed")
    assert record["values"]["models"]["tiny"]["uri"].endswith("/throws.mar")
    assert "start-load-failed" in (folder / "cause.txt").read_text()


@pytest.mark.usefixtures("releases_broken")
def test_a_release_that_is_not_there_is_said_to_be_none(api: kubernetes.client.ApiClient, place: str, tmp_path: Path) -> None:
    said = (diagnose.dump(api, place, tmp_path, "nobody") / "cause.txt").read_text()
    assert f"{place} has nothing of a release nobody; releases that it has: is-" in said


@pytest.fixture
def small(mode: str, api: kubernetes.client.ApiClient, request: pytest.FixtureRequest) -> Iterator[str]:  # noqa: ARG001
    """A namespace with a quota that the Job keeps and the predictor does not."""
    with apart(request, "quota") as name:
        kubernetes.client.CoreV1Api(api).create_namespaced_resource_quota(
            name, {"metadata": {"name": "small"}, "spec": {"hard": QUOTA}})
        yield name


def test_a_quota_is_named(small: str, common: dict[str, Any], cluster: up.Cluster, api: kubernetes.client.ApiClient) -> None:
    broken.prepare(api, small, cluster.runtime_image)
    values = helm.merged(common, broken.FINE, {"runtime": {"resources": {"requests": {"cpu": 1}}}})
    helm.Helm(cluster.kubeconfig, small).install("poor", values)
    wait_until_named(Looks(api, small), "poor", ("k8s-quota",))
