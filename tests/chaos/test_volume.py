"""The claim's volume goes bad: it is full, or an archive on it is damaged."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import kubernetes
import pytest

from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.helm import Helm
from ci.release import Release
from tests.chaos import seen
from tests.chaos.claim import contents, lost
from tests.chaos.conftest import MODEL, REQUEST, Install
from tests.chaos.node import Node
from tests.chaos.outage import calling
from tests.chaos.pods import replaced
from tests.chaos.volume import Volume, of_fixed_size

Values = Callable[..., dict[str, Any]]
MEBIBYTES = 16
ROUTED_SECONDS, FULL_SECONDS, RECOVERED_SECONDS, DAMAGED_SECONDS = 60, 60, 150, 60


@pytest.fixture(scope="module")
def volume(node: Node, api: kubernetes.client.ApiClient) -> Iterator[Volume]:
    with of_fixed_size(node, api, MEBIBYTES) as found:
        yield found


@pytest.fixture(scope="module")
def stored(volume: Volume, install: Install, model: Values, door: str) -> Release:
    """A release that answers `one`, on that volume; the tests change it, one after the other."""
    found = replace(install("stored", model("one", volume.values())), gateway=door)
    found.wait_until_ready()
    wait_for("the gateway to know it", lambda: found.predict(MODEL, REQUEST).ok, seconds=ROUTED_SECONDS)
    return found


def test_on_a_full_volume_the_old_model_answers_and_starts_and_the_new_one_comes_when_there_is_room(
        stored: Release, volume: Volume, model: Values, chart: Helm) -> None:
    files = contents(stored)
    volume.fill()
    seen.told("a pod is killed on a full volume", replaced(stored, at_once=True))
    with calling(stored) as callers:
        chart.install(stored.name, model("two", volume.values()))
        said = wait_for("the seeding Job to say so", stored.seed_message, seconds=FULL_SECONDS, state=stored.state)
        assert "the volume has 0 free; enlarge persistence.size, or remove old models from the claim" in said
        seen.named(stored, "seed-no-space")
    assert callers.wrong() == {}
    with calling(stored, "one", "two") as callers:
        room = time.time()
        volume.empty()
        _answers_two(stored)
        timings.facts["a full volume has room again: to the new model's answer"] = f"{time.time() - room:.1f} s"
    assert callers.wrong() == {}
    stored.wait_until_ready()
    assert lost(files, contents(stored)) == []


def test_a_damaged_archive_is_served_on_until_a_pod_starts_and_a_new_revision_fetches_it_again(
        stored: Release, volume: Volume, model: Values, chart: Helm) -> None:
    chart.install(stored.name, model("two", volume.values()))  # as the test before has left it
    _answers_two(stored)
    before, old = contents(stored), stored.predictor_pods()
    volume.damage("model-store/two-*.mar")
    name, = lost(before, contents(stored))
    with calling(stored, "two") as callers:
        callers.recovered(time.time(), within=DAMAGED_SECONDS)
        assert callers.wrong() == {}
        stored.core.delete_namespaced_pod(old[0].metadata.name, stored.namespace, grace_period_seconds=0)
        said = seen.last_words(stored, " is damaged (", "; fetch it again (seed.revision)")
        seen.named(stored, "start-archive-damaged")
        assert callers.wrong(), f"right answers came although {said}"
        mended = time.time()
        chart.install(stored.name, model("two", volume.values(), {"seed": {"revision": "again"}}))
        seconds = callers.recovered(mended, within=RECOVERED_SECONDS)
    seen.told("an upgrade with a new seed.revision from a damaged archive", seconds)
    assert seconds <= RECOVERED_SECONDS
    _answers_two(stored)
    after = contents(stored)
    assert lost(before, after) == [name], "more than the damaged file is not as it was"
    copies = [known for path, known in after.items() if path.startswith("model-store/two-") and path != name]
    assert copies == [before[name]], "the new file is not what the damaged one was"


def _answers_two(release: Release) -> None:
    """Waits until the new model answers, and the old one's pod is gone."""
    wait_for("the new model to answer", lambda: release.predict(MODEL, REQUEST).json() == {"predictions": ["two"]},
             seconds=RECOVERED_SECONDS, state=release.state)
    wait_for("the old pod to go", lambda: len(release.predictor_pods()) == 1, seconds=DAMAGED_SECONDS, state=release.state)
