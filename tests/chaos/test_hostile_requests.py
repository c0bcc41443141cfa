"""Hostile requests to a running release, in both flavours: no crash, no way to the management API, no answer that isn't listed.

What may come of them is in docs/security.md, which is read here.
"""

from collections import Counter
from typing import Any, NamedTuple

import pytest

from ci.cluster import up
from ci.cluster.report import timings
from ci.release import Release
from tests.chaos.attack.attacker import State, attack, state
from tests.chaos.attack.routes import FLAVOURS, answering, failing, wrong
from tests.e2e.served import Install

SEED, NUMBER = 7, 1200
MODEL, REQUEST = "tiny", {"instances": [{}]}
MANAGEMENT = {"native": 8081, "wrapper": 8086}
LISTENING = {"native": [8080], "wrapper": [8080, 8081]}


class Attacked(NamedTuple):
    """A release before, under and after the requests.

    Attributes:
        results: what came of each request.
        last: what the attacker saw besides: ports that take connections, calls of its own server.
    """

    release: Release
    flavour: str
    before: State
    results: list[dict[str, Any]]
    last: dict[str, Any]
    after: State


@pytest.fixture(scope="module", params=FLAVOURS)
def attacked(request: pytest.FixtureRequest, install: Install, tiny: Any, cluster: up.Cluster) -> Attacked:
    """A release of the flavour, to which the requests were sent from another pod."""
    flavour = request.param
    release = install(f"hostile-{flavour}", tiny("one", {"runtime": {"flavor": flavour}}))
    release.wait_until_ready()
    before = state(release, MANAGEMENT[flavour])
    with timings.stage(f"{NUMBER} hostile requests, {flavour}"):
        *results, last = attack(release, cluster.runtime_image, SEED, NUMBER, MODEL)
    answers = sorted(Counter(f"{answer[0] // 100}xx" for result in results for answer in result["answers"]).items())
    timings.facts[f"answers to them, {flavour}, seed {SEED}"] = ", ".join(f"{number} of {kind}" for kind, number in answers)
    return Attacked(release, flavour, before, results, last, state(release, MANAGEMENT[flavour]))


def test_a_thousand_requests_of_all_kinds_were_sent(attacked: Attacked) -> None:
    kinds = Counter(result["kind"] for result in attacked.results)
    assert sum(kinds.values()) == NUMBER >= 1000
    assert len(kinds) >= 15
    assert min(kinds.values()) >= 50, kinds


def test_nothing_crashed(attacked: Attacked) -> None:
    before, after = attacked.before, attacked.after
    assert (after.pod, after.restarts) == (before.pod, before.restarts)
    assert {"java", "model_service_worker"} <= set(before.inside["processes"].values())
    assert after.inside["processes"] == before.inside["processes"]


def test_it_predicts_right_after(attacked: Attacked) -> None:
    answer = attacked.release.predict(MODEL, REQUEST)
    assert (answer.status_code, answer.json()) == (200, {"predictions": ["one"]})


def test_no_model_was_registered_scaled_or_removed(attacked: Attacked) -> None:
    assert list(attacked.before.inside["models"]) == [MODEL]
    assert attacked.after.inside["models"] == attacked.before.inside["models"]


def test_nobody_fetched_what_was_offered_by_url(attacked: Attacked) -> None:
    """The one call is the attacker's own, which shows that it counts."""
    assert attacked.last["calls"] == 1


def test_no_port_of_the_management_api_is_open_to_another_pod(attacked: Attacked) -> None:
    assert attacked.last["ports"] == LISTENING[attacked.flavour]


def test_every_answer_is_one_that_the_docs_list(attacked: Attacked) -> None:
    unlisted = [(result, why) for result in attacked.results if (why := wrong(result, attacked.flavour, MODEL))]
    assert unlisted == []


def test_some_requests_were_answered(attacked: Attacked) -> None:
    """Else the ones before would say nothing: right requests are among them, and wrong ones that the docs list as errors."""
    statuses = Counter(answer[0] for result in attacked.results for answer in result["answers"])
    assert statuses[200] > NUMBER * 0.05
    assert statuses[404] > NUMBER * 0.2
    assert statuses[503] + statuses[501] > NUMBER * 0.01


def test_an_answer_that_is_not_listed_is_told() -> None:
    """The judge itself, with answers that nothing gives."""
    def result(target: str, status: int, text: str = "", method: str = "GET") -> dict[str, Any]:
        return {"method": method, "target": target, "answers": [[status, text]], "whole": True, "bytes": 100, "end": "answered"}

    for flavour in FLAVOURS:
        assert answering(flavour, MODEL)
        assert failing(flavour, MODEL)
        assert "200" in wrong(result("/models", 200, '{"models": []}'), flavour, MODEL)
        assert "200" in wrong(result("/ping/../models" if flavour == "wrapper" else "/pingx", 200), flavour, MODEL)
        assert "500" in wrong(result("/v1/models/tiny:predict", 500, "Worker died."), flavour, MODEL)
        assert "no answer" in wrong(result("/ping", 200) | {"answers": []}, flavour, MODEL)
        assert wrong(result("/models", 404), flavour, MODEL) == ""
    assert wrong(result("/v1/models/tiny:predict", 503, "Prediction failed", "POST"), "native", MODEL) == ""
