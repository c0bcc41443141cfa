"""Knative scales a release to zero and back, up and down again: the request that wakes it is answered, and none is lost."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.e2e.traffic import HELD_SECONDS, pressing, sent
from tests.e2e.watching import Seen, is_ready, pods_of, ready_pods_of, uids, watched

pytestmark = pytest.mark.only("Knative")

MODEL, REQUEST = "tiny", {"instances": [{}]}
ZERO_SECONDS, SCALED_SECONDS, SEEN_SECONDS, GONE_SECONDS = 300, 300, 60, 300
# More than three requests at once want a second pod: these callers are more, and the traffic is less, even where the machine
# stops for half a second.
RATE = 2  # requests a second
AFTER_CHANGE = 10  # answers, five seconds of them: the pod that goes lives on for 30 s, but what is sent then is no more its own
CALLERS, SLOW = 6, {"instances": [{"seconds": 0.25}]}
SLEEPY = {"minReplicas": 0, "maxReplicas": 2, "scaleMetric": "concurrency", "scaleTarget": 3}


@pytest.fixture(scope="module")
def sleeper(install: Callable[..., Release], tiny: Callable[..., dict[str, Any]]) -> Release:
    """A release that falls asleep when nobody asks it, and then one after the other the subject of the tests here."""
    found = install("sleeper", tiny("one", SLEEPY))
    found.wait_until_ready()
    return found


def test_a_release_scales_to_zero_and_the_request_that_wakes_it_is_answered(sleeper: Release) -> None:
    wait_for("no pod", lambda: not sleeper.predictor_pods(), seconds=ZERO_SECONDS)
    asleep = uids(pods_of(sleeper))  # what is being deleted has 30 s to end, but gets no request
    with watched(sleeper.core.list_namespaced_pod, sleeper.namespace,
                 label_selector=f"serving.kserve.io/inferenceservice={sleeper.name}") as seen:
        began = datetime.datetime.now(datetime.UTC)
        answer = sleeper.predict(MODEL, REQUEST, timeout=HELD_SECONDS)
        woken = (datetime.datetime.now(datetime.UTC) - began).total_seconds()
        ready = wait_for("the watch to have seen a new pod ready", lambda: _ready(seen, asleep), seconds=SEEN_SECONDS)
    assert (answer.status_code, answer.json()) == (200, {"predictions": ["one"]})
    made = next(change.at for change in seen if change.kind == "ADDED")
    # Figures, no verdict: what else the machine does decides about them, too.
    timings.stages["scale from zero to answer"] = woken
    timings.facts["the same ÷ the pod's own start to ready"] = f"{woken / (ready[0].at - made).total_seconds():.2f}"


def test_scaling_up_and_down_under_traffic_loses_no_request(sleeper: Release) -> None:
    with sent(lambda: sleeper.predict(MODEL, REQUEST), rate=RATE) as asked:
        with pressing(lambda: sleeper.predict(MODEL, SLOW), CALLERS) as pressed:
            both = wait_for("a second pod that is ready", lambda: _two(ready_pods_of(sleeper)), seconds=SCALED_SECONDS)
        wait_for("one of the two to go", lambda: uids(both) - uids(sleeper.predictor_pods()), seconds=GONE_SECONDS)
        asked.wait_for_answers(AFTER_CHANGE)
    timings.facts["requests during scale-up and scale-down"] = str(asked.sent + pressed.sent)
    assert asked.failed() + pressed.failed() == []


def _ready(seen: list[Seen], old: set[str]) -> list[Seen]:
    """The states in which a pod is ready, the old ones left out."""
    return [change for change in seen if is_ready(change.item) and change.item["metadata"]["uid"] not in old]


def _two(pods: list[Any]) -> list[Any] | None:
    return pods if len(pods) == 2 else None
