"""The predictor's pod is taken away, and another one comes."""

import time

from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.chaos.outage import calling
from tests.e2e.watching import ready_pods_of, uids

REPLACED_SECONDS = 180


def replaced(release: Release, *right: str, at_once: bool = False) -> float:
    """Deletes the only pod, `at_once` without the time to end that it has otherwise, and waits until another one answers; seconds
    from the deletion to its first right answer."""
    old = release.predictor_pods()
    way = {"grace_period_seconds": 0} if at_once else {}
    with calling(release, *right) as callers:
        fault = time.time()
        release.core.delete_namespaced_pod(old[0].metadata.name, release.namespace, **way)
        wait_for("another pod to be ready", lambda: ready_pods_of(release) and not uids(release.predictor_pods()) & uids(old),
                 seconds=REPLACED_SECONDS, state=release.state)
        seconds = callers.recovered(fault, within=REPLACED_SECONDS)
    assert callers.wrong(), "right answers came although there was no pod"
    assert callers.only_unavailable(), callers.wrong()
    return seconds
