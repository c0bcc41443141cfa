"""Changes that can't be made without a gap: how long nobody gets a right answer, and that all do afterwards.

What is measured is printed and not judged: it is a start, and the machine decides about it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.helm import Helm, merged
from ci.release import Release
from tests.e2e.rollouts import alone
from tests.e2e.traffic import RATE, Traffic, sent

pytestmark = pytest.mark.only("Standard")

MODEL, REQUEST = "tiny", {"instances": [{}]}
ROUTED_SECONDS, ANSWERED_SECONDS, AFTER_CHANGE = 180, 180, 100
KEPT = {"persistence": {"retain": True}}
BATCHED = {"batcher": {"maxBatchSize": 2, "maxLatency": 10}}
Values = dict[str, Any]


def test_a_change_of_the_mode_by_another_installation_keeps_the_models(
        install: Callable[..., Release], chart: Helm, tiny: Callable[..., Values], gateway: str) -> None:
    first = install("moved", tiny("one", KEPT))
    first.wait_until_ready()
    claim = _claim(first)
    with timings.stage("gap of a change of the mode, Standard to Knative"):
        chart("uninstall", "moved", "--wait")
        second = replace(install("moved", tiny("one", KEPT, {"deploymentMode": "Knative"})), gateway=gateway)
        second.wait_until_ready()
        wait_for("a right answer at Knative's gateway", lambda: _is_right(second), seconds=ANSWERED_SECONDS)
    assert _claim(second) == claim
    assert f"seed: {MODEL}: kept model-store/" in second.seed_logs()
    chart.uninstall("moved")  # the next release has an agent, which asks for a tenth of a processor


def test_an_agent_that_is_added_takes_the_requests_before_it_is_there(
        install: Callable[..., Release], chart: Helm, tiny: Callable[..., Values], outside: str) -> None:
    running = replace(install("batched", tiny("one")), gateway=outside)
    running.wait_until_ready()
    wait_for("the gateway to know the release", lambda: _is_right(running), seconds=ROUTED_SECONDS)
    for what, values, containers in (("added", merged(tiny("one"), BATCHED), 2), ("removed", tiny("one"), 1)):
        with sent(lambda: running.predict(MODEL, REQUEST)) as traffic:
            chart.install(running.name, values)
            wait_for(f"a pod of {containers} container(s) alone", partial(_is_alone, running, containers),
                     seconds=ANSWERED_SECONDS)
            running.wait_until_ready()
            before = len(traffic.answers)
            wait_for(f"{AFTER_CHANGE} right answers, one after the other", partial(_all_right, traffic, before),
                     seconds=ANSWERED_SECONDS)
        timings.facts[f"gap of an agent that is {what}"] = f"{_gap(traffic):.1f} s"
        timings.facts[f"failed of {traffic.sent} requests, agent {what}"] = str(len(traffic.failed()))
        with sent(lambda: running.predict(MODEL, REQUEST)) as traffic:
            traffic.wait_for_answers(AFTER_CHANGE)
        assert traffic.failed() == []


def _is_alone(running: Release, containers: int) -> bool:
    return any(len(pod.spec.containers) == containers for pod in alone(running, 1))


def _all_right(traffic: Traffic, before: int) -> bool:
    """Whether the newest answers are right, and none of them is of the first `before`."""
    newest = traffic.answers[before:][-AFTER_CHANGE:]
    return len(newest) == AFTER_CHANGE and all(status == HTTPStatus.OK for _, status, _ in newest)


def _gap(traffic: Traffic) -> float:
    """Seconds of the schedule from the first request that failed to the last."""
    failed = [number for number, _, _ in traffic.failed()]
    return (max(failed) - min(failed) + 1) / RATE if failed else 0.0


def _is_right(running: Release) -> bool:
    answer = running.predict(MODEL, REQUEST)
    return answer.ok and answer.json() == {"predictions": ["one"]}


def _claim(running: Release) -> str:
    """The uid of the release's claim."""
    return running.core.read_namespaced_persistent_volume_claim(f"{running.name}-model-store", running.namespace).metadata.uid
