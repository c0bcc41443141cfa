"""Models that are wrong: they throw or hang when they are loaded, throw on every request, use up the memory at once, or leak."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from ci.cluster.report import timings
from ci.cluster.waiting import wait_for
from ci.helm import Helm
from ci.release import Release
from tests.chaos import seen
from tests.chaos.claim import contents, lost
from tests.chaos.conftest import MODEL, Serve
from tests.chaos.node import WORKER, Node
from tests.chaos.outage import calling
from tests.e2e.watching import uids

Values = Callable[..., dict[str, Any]]
LIMIT = "700Mi"
TOO_MUCH = 2000  # MiB in one request
LEAK, LEAK_RATE, DEATHS = 30, 2, 2  # MiB in each request, requests per second, workers that die of it
WORKER_SECONDS, REPLACED_SECONDS, LEAKED_SECONDS, CAME_SECONDS = 15, 60, 90, 60
OOM_COUNTS = "/sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events"  # cgroups v1, v2


@pytest.fixture(scope="module")
def changing(serve: Serve, model: Values) -> Release:
    """A release that answers `one`; the tests change its model, one after the other."""
    return serve("changing", model("one"))


@pytest.fixture(scope="module")
def hungry(serve: Serve, model: Values) -> Release:
    """A release with little memory, whose model uses up or keeps as much as a request says."""
    little = {"limits": {"memory": LIMIT}, "requests": {"memory": "64Mi"}}
    return serve("hungry", model("one", {"runtime": {"resources": little}}))


@pytest.mark.parametrize(("how", "more", "words", "cause"), [
    ("throws-on-load", {}, ["its worker died 3 times: RuntimeError: the weights are from another model; "], "start-load-failed"),
    ("hangs-on-load", {"startupTimeout": 5}, ["its handler did not answer (it hangs, or is slow)"], "start-load-slow")])
def test_a_model_that_does_not_load_never_gets_a_request_and_says_why(
        how: str, more: dict[str, Any], words: list[str], cause: str, changing: Release, model: Values, chart: Helm) -> None:
    files, old = contents(changing), changing.predictor_pods()[:1]
    with calling(changing) as callers:
        fault = time.time()
        chart.install(changing.name, model(how, {"models": {MODEL: more}}))
        seen.last_words(changing, *words)
        timings.facts[f"a model that {how.replace('-', ' ')} says so after"] = f"{time.time() - fault:.1f} s"
        seen.named(changing, cause)
    assert callers.wrong() == {}
    assert changing.predictor_pods()[0].metadata.uid in uids(old), "the pod that answers is not the old one"
    assert changing.conditions()["Ready"] != "True"
    assert lost(files, contents(changing)) == []


def test_a_model_that_throws_on_every_request_is_answered_with_503_until_it_is_replaced(
        changing: Release, model: Values, chart: Helm) -> None:
    files = contents(changing)
    with calling(changing) as callers:
        chart.install(changing.name, model("throws-on-every-request"))
        wait_for("errors to come", callers.wrong, seconds=CAME_SECONDS, state=changing.state)
        changing.wait_until_ready()  # it is Ready: whether a model answers rightly is not asked by any probe
        wait_for("the old pod to go", lambda: len(changing.predictor_pods()) == 1, seconds=CAME_SECONDS)
    assert all(wrong.startswith("503 ") and '"Prediction failed"' in wrong for wrong in callers.wrong()), callers.wrong()
    assert "KeyError: 'no column age in the request'" in changing.server_logs()
    seen.named(changing, "ts-request-failed")
    assert seen.container(changing).restart_count == 0
    with calling(changing, "two") as callers:
        mended = time.time()
        chart.install(changing.name, model("two"))
        seconds = callers.recovered(mended, within=REPLACED_SECONDS)
    seen.told("an upgrade from a model that throws on every request", seconds)
    assert seconds <= REPLACED_SECONDS
    assert lost(files, contents(changing)) == []


def test_a_request_that_uses_up_the_memory_costs_itself_and_a_pause(hungry: Release, node: Node) -> None:
    before, files, deaths = seen.container(hungry), contents(hungry), _deaths(hungry)
    worker, = node.pids(before.container_id, WORKER)
    with calling(hungry) as callers:
        fault = time.time()
        answer = hungry.predict(MODEL, {"instances": [{"use": TOO_MUCH}]})
        ended = time.time()
        wait_for("the worker's death to be counted", lambda: _deaths(hungry) > deaths, seconds=REPLACED_SECONDS)
        seconds = callers.recovered(fault, within=REPLACED_SECONDS, effective=ended)
    seen.told("a request that uses up the memory", seconds, callers.wrong())
    assert answer.status_code in (500, 503, 507), answer.text
    alone = _only_the_worker_died(hungry, before)
    if alone:
        assert answer.json()["message"] == "Worker died."
        assert callers.wrong() == {}, "requests beside it were lost"
    assert worker not in node.pids(seen.container(hungry).container_id, WORKER), "the worker is still the same"
    assert seconds <= (WORKER_SECONDS if alone else REPLACED_SECONDS)
    assert lost(files, contents(hungry)) == []
    seen.named(hungry, "ts-worker-gone" if alone else "k8s-oom")


def test_a_model_that_leaks_is_killed_again_and_again_and_callers_hardly_notice(hungry: Release, node: Node) -> None:
    before, files, deaths = seen.container(hungry), contents(hungry), _deaths(hungry)
    worker, = node.pids(before.container_id, WORKER)
    with calling(hungry) as callers, calling(hungry, rate=LEAK_RATE, instance={"keep": LEAK}) as leaking:
        wait_for(f"{DEATHS} deaths", lambda: _deaths(hungry) >= deaths + DEATHS, seconds=LEAKED_SECONDS)
    over = time.time()
    with calling(hungry) as after:
        after.recovered(over, within=REPLACED_SECONDS)
    right = 1 - sum(callers.wrong().values()) / len(callers.calls)
    timings.facts["right answers beside a leak"] = f"{right:.1%} of {len(callers.calls)}, the slowest {callers.slowest():.1f} s"
    alone = _only_the_worker_died(hungry, before)
    if alone:
        wrong = callers.wrong() + leaking.wrong()
        assert all(one.startswith(("500 ", "507 ")) and "Worker died." in one for one in wrong), wrong
        assert wrong.total() <= DEATHS + 1, "a death cost more than its own request"
        assert callers.slowest() <= WORKER_SECONDS
    assert worker not in node.pids(seen.container(hungry).container_id, WORKER), "the worker is still the same"
    assert lost(files, contents(hungry)) == []
    seen.named(hungry, "ts-worker-gone" if alone else "k8s-oom")


def _deaths(release: Release) -> int:
    """How often the kernel has killed for memory in the server's container, in its own words, and how often it was restarted."""
    said = release.execute(release.predictor_pods()[-1].metadata.name, "bash", "-c", f"cat {OOM_COUNTS} 2>/dev/null")
    counts = [int(line.split()[1]) for line in said.splitlines() if line.startswith("oom_kill ")]
    assert counts, f"the container has no count of kills: {said}"
    return counts[0] + seen.container(release).restart_count


def _only_the_worker_died(release: Release, before: Any) -> bool:
    """False where the kernel has killed the whole container, as Kubernetes has it do where there are cgroups v2."""
    after = seen.container(release)
    if after.restart_count == before.restart_count:
        assert after.container_id == before.container_id
        return True
    assert after.last_state.terminated.reason == "OOMKilled", after.last_state
    return False
