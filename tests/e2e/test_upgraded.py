"""From the package before this one to this one and back; a claim that outlives its release; a release gone while it is seeded.

What a change does under traffic is in test_changes; the claim and the seed are the same in both modes: Standard mode alone.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml

from ci import helm
from ci import package as packages
from ci.cluster import up
from ci.cluster.paths import CHART
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.e2e.rollouts import wait_until_rolled_out
from tests.e2e.traffic import Traffic, sent
from tests.e2e.watching import pods_of, state_of, uids, watched

pytestmark = pytest.mark.only("Standard")

PREVIOUS, = (Path(__file__).parent / "previous").glob("*.tgz")  # made by `ci/nox -s package` when that version was released

NAME, MODEL, REQUEST = "carried", "tiny", {"instances": [{}]}
KEPT = {"persistence": {"retain": True}}
ROUTED_SECONDS, SEEDING_SECONDS, GONE_SECONDS = 180, 180, 180  # (that a pod ends by itself is for test_lifecycle)
AFTER_CHANGE = 100  # answers, after the pods of a change are there
Values = dict[str, Any]


def _by(cluster: up.Cluster, namespace: str, chart: Path) -> helm.Helm:
    return helm.Helm(cluster.kubeconfig, namespace, chart=str(chart))


@pytest.fixture(scope="module")
def previous(cluster: up.Cluster, namespace: str) -> helm.Helm:
    """helm with the package before this one."""
    return _by(cluster, namespace, PREVIOUS)


@pytest.fixture(scope="module")
def bumped(cluster: up.Cluster, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> helm.Helm:
    """helm with a package of this chart that has another version, and nothing else."""
    folder = tmp_path_factory.mktemp("bumped")
    chart = Path(shutil.copytree(CHART, folder / CHART.name))
    told = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump(told | {"version": "99.0.0"}))
    return _by(cluster, namespace, packages.build(chart, folder))


@pytest.fixture(scope="module")
def release(install: Callable[..., Release], tiny: Callable[..., Values], previous: helm.Helm, outside: str | None) -> Release:
    """A release of the package before this one: the subject of the first tests here, one after the other."""
    found = replace(install(NAME, tiny("one", KEPT), by=previous), gateway=outside)
    found.wait_until_ready()
    wait_for("the gateway to know the release", lambda: found.predict(MODEL, REQUEST).ok, seconds=ROUTED_SECONDS)
    return found


@pytest.fixture(scope="module")
def traffic(release: Release) -> Iterator[Traffic]:
    """Requests to the release, from before the first change to after the last."""
    with sent(lambda: release.predict(MODEL, REQUEST)) as traffic:
        yield traffic


def _settled(release: Release, traffic: Traffic, old: list[Any] | None = None) -> None:
    """Waits until a change is over: another pod than the old ones, if given, and answers after that. None may have failed."""
    if old:
        wait_until_rolled_out(release, old, "Standard")
    else:
        release.wait_until_ready()
    traffic.wait_for_answers(AFTER_CHANGE)
    assert traffic.failed() == []


def test_an_upgrade_from_the_package_before_keeps_the_claim_and_loses_no_request(
        release: Release, traffic: Traffic, chart: helm.Helm, tiny: Callable[..., Values]) -> None:
    claim, old = _claim(release), release.predictor_pods()
    chart.install(NAME, tiny("one", KEPT))
    _settled(release, traffic, old)
    assert _claim(release) == claim
    assert set(traffic.predictions()) == {"one"}


def test_a_new_version_of_the_chart_alone_rolls_nothing(
        release: Release, traffic: Traffic, bumped: helm.Helm, tiny: Callable[..., Values]) -> None:
    before = state_of(release)
    selector = f"serving.kserve.io/inferenceservice={release.name}"
    with watched(release.core.list_namespaced_pod, release.namespace, label_selector=selector) as seen:
        bumped.install(NAME, tiny("one", KEPT))
        _settled(release, traffic)
    assert state_of(release) == before
    assert [change.kind for change in seen if change.kind != "MODIFIED"] == []


def test_labels_of_the_user_reach_the_pods_by_one_rollout_of_the_predictor_alone(
        release: Release, traffic: Traffic, chart: helm.Helm, tiny: Callable[..., Values]) -> None:
    old, jobs, claim = release.predictor_pods(), uids(release.seed_jobs()), _claim(release)
    chart.install(NAME, tiny("one", KEPT, {"labels": {"team": "vision"}}))
    _settled(release, traffic, old)
    new, = release.predictor_pods()
    assert new.metadata.labels["team"] == "vision"
    assert (uids(release.seed_jobs()), _claim(release)) == (jobs, claim)


def test_a_rollback_to_the_package_before_serves_and_loses_no_request(
        release: Release, traffic: Traffic, chart: helm.Helm) -> None:
    claim, old = _claim(release), release.predictor_pods()
    chart("rollback", NAME, "1")
    _settled(release, traffic, old)
    assert _claim(release) == claim
    assert set(traffic.predictions()) == {"one"}
    timings.facts["requests from package to package"] = str(traffic.sent)


def test_a_release_that_comes_back_to_the_claim_it_left_transfers_nothing(
        release: Release, chart: helm.Helm, tiny: Callable[..., Values]) -> None:
    claim = _claim(release)
    chart.uninstall(NAME)
    wait_for("its pods to be gone", lambda: not pods_of(release), seconds=GONE_SECONDS)
    chart.install(NAME, tiny("one", KEPT))
    release.wait_until_ready()
    assert _claim(release) == claim
    assert re.findall(r"^seed: (\S+): kept model-store/", release.seed_logs(), re.M) == [MODEL]


def test_a_release_that_is_uninstalled_while_it_is_seeded_leaves_nothing_and_can_be_installed_again(
        install: Callable[..., Release], chart: helm.Helm, tiny: Callable[..., Values]) -> None:
    waiting = install("going", tiny("one", {"models": {MODEL: {"uri": "upload://one.mar"}}}))
    wait_for("its Job to wait for the upload", lambda: any(pod.status.phase == "Running" for pod in waiting.seed_pods()),
             seconds=SEEDING_SECONDS)
    chart.uninstall("going")
    wait_for("its pods to be gone", lambda: not [*pods_of(waiting), *waiting.seed_pods()], seconds=GONE_SECONDS)
    wait_for("its claim to be gone", lambda: _claim(waiting) is None, seconds=GONE_SECONDS)
    again = install("going", tiny("one"))
    again.wait_until_ready()
    assert again.predict(MODEL, REQUEST).json() == {"predictions": ["one"]}


def _claim(running: Release) -> str | None:
    """The uid of the release's claim; None where there is none."""
    name = f"{running.name}-model-store"
    listed = kubernetes.client.CoreV1Api(running.api).list_namespaced_persistent_volume_claim(running.namespace).items
    return next((item.metadata.uid for item in listed if item.metadata.name == name), None)
