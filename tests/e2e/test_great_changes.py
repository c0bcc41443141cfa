"""Another flavour and back, a mode change that is refused, and every kind of change to a release of two pods, under traffic.

The other changes of a release of one pod are in test_changes, those of the chart's version in test_upgraded.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import kubernetes
import pytest
import yaml

from ci.cluster import shell, up
from ci.cluster.errors import Problem
from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.helm import Helm, merged
from ci.release import Release
from tests.e2e.groups import MODES
from tests.e2e.rollouts import alone, wait_until_rolled_out
from tests.e2e.traffic import Traffic, sent
from tests.e2e.watching import pods_of, uids

NAME, MODEL, REQUEST = "greatly", "tiny", {"instances": [{}]}
# Helm comes to it after ConfigMaps and before the Job, the InferenceService and the runtime; the API server takes no port 0.
REFUSED = {"extraObjects": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "{{ .Release.Name }}-refused"},
                             "spec": {"ports": [{"port": 0}]}}]}
GUARDED = {"networkPolicy": {"enabled": True}}  # helm changes policies in place, before it asks KServe
ROUTED_SECONDS, SETTLED_SECONDS = 180, 300
AFTER_CHANGE = 100  # answers, five seconds of them, after the old pods are out of the way
# One pod with a claim for one node, to which a rollout adds a pod for a while; and two pods with a shared claim.
SURGE, REPLICAS = "one pod", "two pods"
PODS = {SURGE: 1, REPLICAS: 2}
both = pytest.mark.parametrize("shape", [SURGE, pytest.param(REPLICAS, marks=pytest.mark.thorough)], indirect=True)
of_replicas = pytest.mark.parametrize("shape", [pytest.param(REPLICAS, marks=pytest.mark.thorough)], indirect=True)
Values = dict[str, Any]


@pytest.fixture(scope="module")
def shape(request: pytest.FixtureRequest) -> str:
    """What the release looks like: a key of PODS."""
    return request.param


@pytest.fixture(scope="module")
def shared(cluster: up.Cluster, namespace: str) -> Iterator[Callable[[], Values]]:
    """shared(): values of a claim for many nodes. Its volume is a directory of our cluster's only node, as good as shared there.

    The volume outlives the releases: what installs them is set up later.
    """
    assert cluster.kind
    container, name = cluster.kind.container(), f"{namespace}-shared"
    directory, made = f"/var/{name}", []

    def make() -> Values:
        shell.output(["docker", "exec", container, "mkdir", "--mode", "0777", directory])
        made.append(name)
        cluster.kind.apply([{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"], "storageClassName": name,
            "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": directory, "type": "Directory"}}}])
        return {"persistence": {"accessModes": ["ReadWriteMany"], "storageClass": name, "size": "1Gi"}}

    yield make
    if made:
        cluster.kind.kubectl("delete", "persistentvolume", name, "--wait=false", "--ignore-not-found")
        shell.output(["docker", "exec", container, "rm", "--recursive", directory])


@pytest.fixture(scope="module")
def values(shape: str, tiny: Callable[..., Values], shared: Callable[[], Values]) -> Callable[..., Values]:
    """values(word, …): of the release of this shape that answers with a word, and more on top."""
    of_replicas = {"minReplicas": PODS[shape], "maxReplicas": PODS[shape]}
    more = GUARDED if shape == SURGE else merged(GUARDED, of_replicas, shared())
    return lambda word, *given: tiny(word, more, *given)


@pytest.fixture(scope="module")
def release(shape: str, values: Callable[..., Values], install: Callable[..., Release], outside: str | None) -> Release:
    """A release of this shape, at the mode's gateway: the subject of the tests here, one after the other."""
    name = f"{NAME}-{PODS[shape]}"
    found = replace(install(name, values("one")), gateway=outside)
    found.wait_until_ready()
    wait_for(f"{shape} and the gateway to know them", lambda: _pods(found, shape) and found.predict(MODEL, REQUEST).ok,
             seconds=ROUTED_SECONDS)
    return found


@pytest.fixture(scope="module")
def traffic(release: Release) -> Iterator[Traffic]:
    """Requests to the release, from before its first change to after its last."""
    with sent(lambda: release.predict(MODEL, REQUEST)) as traffic:
        yield traffic


@pytest.fixture
def changing(release: Release, traffic: Traffic, shape: str, mode: str) -> Iterator[Release]:
    """The release under traffic, of which no request may fail while the test lasts and for some seconds after."""
    yield release
    traffic.wait_for_answers(AFTER_CHANGE)
    timings.facts[f"requests during great changes, {shape}, {mode}"] = str(traffic.sent)
    assert traffic.failed() == []


@both
def test_a_change_of_the_mode_is_refused_with_a_sentence_and_nothing_of_the_release_is_touched(
        changing: Release, chart: Helm, values: Callable[..., Values], shape: str, mode: str) -> None:
    before, history = _settled(changing, shape), chart("history", changing.name)
    other = next(name for name in MODES if name != mode)
    with pytest.raises(Problem, match=f"deploymentMode {other}: the release runs in mode {mode}"):
        chart.install(changing.name, values("one", {"deploymentMode": other}))
    assert (_state(changing), chart("history", changing.name)) == (before, history)


@both
def test_an_upgrade_that_is_refused_half_way_leaves_the_pods_and_the_former_values_mend_it(
        changing: Release, chart: Helm, values: Callable[..., Values], shape: str) -> None:
    before, former = _settled(changing, shape), yaml.safe_load(chart("get", "values", changing.name, "--output", "yaml"))
    with pytest.raises(Problem, match=r"UPGRADE FAILED: .*-refused"):
        chart.install(changing.name, values("two", REFUSED), "--cleanup-on-fail")
    assert _state(changing) == before
    chart.install(changing.name, former)
    assert _state(changing) == before


@both
def test_the_other_flavour_takes_over(
        changing: Release, chart: Helm, values: Callable[..., Values], wrapper: Values, shape: str, mode: str) -> None:
    assert not _is_wrapper(changing)
    _changed(changing, chart, values("one", wrapper), shape, mode)
    assert _is_wrapper(changing)


@both
def test_and_the_native_flavour_comes_back(
        changing: Release, chart: Helm, values: Callable[..., Values], shape: str, mode: str) -> None:
    assert _is_wrapper(changing)
    _changed(changing, chart, values("one"), shape, mode)
    assert not _is_wrapper(changing)


@of_replicas
def test_another_setting_takes_effect_in_both_pods(
        changing: Release, chart: Helm, values: Callable[..., Values], shape: str, mode: str) -> None:
    for pod in _changed(changing, chart, values("one", {"models": {MODEL: {"responseTimeout": 90}}}), shape, mode):
        assert '"responseTimeout":90' in changing.execute(pod.metadata.name, "cat", "/etc/torchserve/config.properties")


@of_replicas
def test_another_model_takes_over_in_both_pods(
        changing: Release, traffic: Traffic, chart: Helm, values: Callable[..., Values], shape: str, mode: str) -> None:
    _changed(changing, chart, values("two"), shape, mode)
    wait_for("an answer of the new model", lambda: "two" in traffic.predictions(), seconds=ROUTED_SECONDS)
    assert set(traffic.predictions()) == {"one", "two"}
    assert changing.predict(MODEL, REQUEST).json() == {"predictions": ["two"]}


@of_replicas
def test_a_rollback_brings_the_first_model_back_in_both_pods(
        changing: Release, chart: Helm, shape: str, mode: str) -> None:
    old = changing.predictor_pods()
    chart("rollback", changing.name, "1")
    wait_until_rolled_out(changing, old, mode, PODS[shape])
    assert changing.predict(MODEL, REQUEST).json() == {"predictions": ["one"]}


def _changed(running: Release, chart: Helm, given: Values, shape: str, mode: str) -> list[Any]:
    """Upgrades the release, waits until that is over, and returns the pods that get the requests."""
    old = running.predictor_pods()
    with timings.stage(f"rollout of {shape}, {mode}"):
        chart.install(running.name, given)
        return wait_until_rolled_out(running, old, mode, PODS[shape])


def _pods(running: Release, shape: str) -> bool:
    return len(running.predictor_pods()) == PODS[shape]


def _settled(running: Release, shape: str) -> dict[str, Any]:
    """_state(), once the change before is over: Knative adds and removes pods for some time after the requests have moved."""
    wait_for(f"{shape} alone, ready, and no trace of others",
             lambda: alone(running, PODS[shape]), seconds=SETTLED_SECONDS)
    return _state(running)


def _state(running: Release) -> dict[str, Any]:
    """What a change of the release would change."""
    service, mine = running.inference_service()["metadata"], {"label_selector": f"app.kubernetes.io/instance={running.name}"}
    policies = kubernetes.client.NetworkingV1Api(running.api).list_namespaced_network_policy(running.namespace, **mine).items
    configs = running.core.list_namespaced_config_map(running.namespace, **mine).items
    return {"pods": uids(pods_of(running)), "jobs": uids(running.seed_jobs()), "configs": uids(configs),
            "service": {key: service[key] for key in ("uid", "generation", "labels", "annotations")},
            "policies": [policy.spec.to_dict() for policy in policies]}


def _is_wrapper(running: Release) -> bool:
    """Whether KServe's model server answers: TorchServe itself knows no readiness of a model."""
    return running.route.request("GET", f"v2/models/{MODEL}/ready").ok
