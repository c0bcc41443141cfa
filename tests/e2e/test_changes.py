"""Upgrades, rollbacks and canaries under traffic: what changes rolls, what doesn't stays, no request is lost."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import kubernetes
import pytest
import requests

from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.helm import Helm
from ci.release import Release
from tests.e2e.rollouts import revision_of, rollouts, routed, wait_until_rolled_out
from tests.e2e.traffic import HELD_SECONDS, Traffic, sent
from tests.e2e.watching import ready_pods_of, uids

ROUTED_SECONDS, SCALED_SECONDS, SPLIT_SECONDS, GONE_SECONDS = 180, 300, 300, 300
NAME, MODEL = "changing", "tiny"
REQUEST = {"instances": [{}]}
# Answers after a pod's end has begun: in Knative mode it lives on for 30 s, but what is sent after these seconds is not its own.
AFTER_CHANGE = 100
FIRST = "1"  # helm's revision of the installation
in_knative_mode = pytest.mark.only("Knative")
CANARY_PERCENT, CANARY_REQUESTS, CANARY_RATE = 10, 500, 80
CANARY_SENDERS = 24  # with those of the other traffic less than the 100 that the queue holds
# 500 draws with a chance of 10 %: outside these once in some thousand runs, if the share is right (± 4 standard deviations).
CANARY_SHARE = (0.046, 0.154)


@pytest.fixture(scope="module")
def release(install: Callable[..., Release], tiny: Callable[..., dict[str, Any]], outside: str | None) -> Release:
    """A release that answers `one` at the mode's gateway: the subject of all tests here, one after the other."""
    found = replace(install(NAME, tiny("one")), gateway=outside)
    found.wait_until_ready()
    wait_for("the gateway to know the release", lambda: found.predict(MODEL, REQUEST).ok, seconds=ROUTED_SECONDS)
    return found


@pytest.fixture(scope="module")
def traffic(release: Release) -> Iterator[Traffic]:
    """Requests to the release, from before the first change to after the last."""
    with sent(lambda: _ask(release)) as traffic:
        yield traffic


@pytest.fixture
def changing(release: Release, traffic: Traffic) -> Iterator[Release]:
    """The release under traffic: no request may fail until the test ends."""
    yield release
    assert traffic.failed() == []


def test_an_upgrade_of_a_server_setting_rolls_the_predictor_alone(
        changing: Release, chart: Helm, tiny: Callable[..., dict[str, Any]], mode: str) -> None:
    old, jobs, before = changing.predictor_pods(), uids(changing.seed_jobs()), rollouts(changing, mode)
    chart.install(NAME, tiny("one", {"models": {MODEL: {"responseTimeout": 90}}}))
    new, = wait_until_rolled_out(changing, old, mode)
    assert '"responseTimeout":90' in changing.execute(new.metadata.name, "cat", "/etc/torchserve/config.properties")
    assert rollouts(changing, mode) == before + 1
    assert uids(changing.seed_jobs()) == jobs


@pytest.mark.only("Standard")  # in Knative mode the canary brings it
def test_an_upgrade_to_another_model_brings_its_answers(
        changing: Release, chart: Helm, tiny: Callable[..., dict[str, Any]], mode: str) -> None:
    old = changing.predictor_pods()
    chart.install(NAME, tiny("two"))
    wait_until_rolled_out(changing, old, mode)
    assert _ask(changing).json() == {"predictions": ["two"]}


@in_knative_mode
def test_a_canary_gets_its_share(changing: Release, chart: Helm, tiny: Callable[..., dict[str, Any]]) -> None:
    chart.install(NAME, tiny("two", {"canaryTrafficPercent": CANARY_PERCENT}))
    wait_for("the canary to get its share", lambda: _shares(changing) == [CANARY_PERCENT, 100 - CANARY_PERCENT],
             seconds=SPLIT_SECONDS)
    with sent(lambda: _ask(changing), rate=CANARY_RATE, senders=CANARY_SENDERS) as asked:
        wait_for("an answer of the canary", lambda: "two" in asked.predictions(), seconds=SPLIT_SECONDS)
    with sent(lambda: _ask(changing), rate=CANARY_RATE, senders=CANARY_SENDERS) as asked:
        asked.wait_for_answers(CANARY_REQUESTS)
    assert asked.failed() == []
    found = asked.predictions()
    share = found["two"] / found.total()
    timings.facts[f"canary's share of {found.total()} requests"] = f"{share:.1%}"
    assert set(found) == {"one", "two"}
    assert CANARY_SHARE[0] <= share <= CANARY_SHARE[1]


@in_knative_mode
def test_a_pod_of_the_old_revision_starts_again_with_its_own_model_after_the_upgrade(
        changing: Release, chart: Helm, tiny: Callable[..., dict[str, Any]]) -> None:
    chart.install(NAME, tiny("two", {"canaryTrafficPercent": CANARY_PERCENT}))  # as it is, but where this test runs by itself
    old = wait_for("a pod of the revision that most requests go to", lambda: _old_pod_of(changing), seconds=SPLIT_SECONDS)
    assert _answer_of(changing, old) == "one"
    changing.core.delete_namespaced_pod(old.metadata.name, changing.namespace)
    new = wait_for("a ready pod of the old revision in its place", lambda: _ready_pod_of(changing, revision_of(old)),
                   seconds=SCALED_SECONDS)
    assert new.metadata.uid != old.metadata.uid
    assert _answer_of(changing, new) == "one"


@in_knative_mode
def test_promoting_the_canary_gives_it_all_requests(
        changing: Release, chart: Helm, tiny: Callable[..., dict[str, Any]]) -> None:
    chart.install(NAME, tiny("two"))
    wait_for("the canary to get all traffic", lambda: _shares(changing) == [100], seconds=SPLIT_SECONDS)
    assert _ask(changing).json() == {"predictions": ["two"]}


def test_a_rollback_brings_the_old_model_back(changing: Release, chart: Helm, mode: str) -> None:
    old = changing.predictor_pods()
    chart("rollback", NAME, FIRST)
    wait_until_rolled_out(changing, old, mode)
    assert _ask(changing).json() == {"predictions": ["one"]}


@pytest.mark.only("Standard")  # where KServe does not tell that it has taken such a change up
def test_a_change_of_scaling_alone_rolls_nothing_and_the_release_is_ready_again(
        changing: Release, chart: Helm, tiny: Callable[..., dict[str, Any]], mode: str) -> None:
    pods, before = uids(changing.predictor_pods()), rollouts(changing, mode)
    chart.install(NAME, tiny("one", {"maxReplicas": 2}))
    changing.wait_until_ready()
    wait_for("KServe to take it up", lambda: _most_replicas(changing) == 2, seconds=SCALED_SECONDS)
    assert (uids(changing.predictor_pods()), rollouts(changing, mode)) == (pods, before)


def test_no_request_was_lost_in_any_of_these_changes(release: Release, traffic: Traffic, mode: str) -> None:
    wait_for("the pods of older revisions to go", lambda: len(release.predictor_pods()) == 1, seconds=GONE_SECONDS)
    traffic.wait_for_answers(AFTER_CHANGE)
    timings.facts[f"requests during changes, {mode}"] = str(traffic.sent)
    assert traffic.failed() == []
    assert set(traffic.predictions()) == {"one", "two"}


def _ask(running: Release) -> requests.Response:
    return running.predict(MODEL, REQUEST, timeout=HELD_SECONDS)


def _ready_pod_of(running: Release, revision: str) -> Any | None:
    """A pod of a revision that is ready and not being deleted."""
    return next((pod for pod in ready_pods_of(running) if revision_of(pod) == revision), None)


def _old_pod_of(running: Release) -> Any | None:
    """A ready pod of the older one of two revisions that share the requests."""
    newest, shares = routed(running)
    older = {name for name, share in shares.items() if share == 100 - CANARY_PERCENT} - {newest}
    return next((pod for pod in ready_pods_of(running) if revision_of(pod) in older), None)


def _answer_of(running: Release, pod: Any) -> str:
    """The word of one pod, asked inside it."""
    ask = ("import json, urllib.request as u; "
           f"r = u.Request('http://127.0.0.1:8080/v1/models/{MODEL}:predict', b'{{\"instances\": [{{}}]}}', "
           "{'Content-Type': 'application/json'}); print(json.load(u.urlopen(r))['predictions'][0])")
    return running.execute(pod.metadata.name, "python", "-c", ask).strip()


def _shares(running: Release) -> list[int]:
    """The percentages that the revisions of the Knative service get, in order."""
    _, shares = routed(running)
    return sorted(shares.values())


def _most_replicas(running: Release) -> int:
    """What the autoscaler of the release may go up to."""
    scaler, = kubernetes.client.AutoscalingV2Api(running.api).list_namespaced_horizontal_pod_autoscaler(
        running.namespace, field_selector=f"metadata.name={running.name}-predictor").items
    return scaler.spec.max_replicas
