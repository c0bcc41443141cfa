"""P1: processor time of a request, and the latency that one in a hundred exceeds: the chart's defaults against the write-up."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.cluster.report import timings
from tests.bench import arms, handlers, load, ratios
from tests.bench.conftest import Plan
from tests.bench.containers import Running, running
from tests.bench.results import Figure

WARM = 1500  # requests that each arm answers before: Java compiles what it finds hot
CALLERS = 8  # in that time
BUSY = 200  # requests of the same callers that are a slot of a busy server
AT_MOST = 400  # requests of the same callers of a warm arm that say how many it can answer at most
SHARE = 0.6  # of what the slower arm can, both are sent: with more a queue would be the measure


@dataclass(frozen=True)
class Sample:
    """One slot of an arm: milliseconds of processor time for a request, its 99th percentile, all of its latencies."""

    cpu: float
    p99: float
    seconds: list[float]


def slot(server: Running, body: bytes, rate: float, seconds: float) -> Sample:
    before = server.counters.cpu_seconds()
    answers = load.scheduled(server.url, body, rate=rate, seconds=seconds)
    used = server.counters.cpu_seconds() - before
    assert answers.failures == []
    return Sample(1000 * used / answers.count, answers.quantile(0.99), answers.seconds)


def busy(server: Running, body: bytes) -> float:
    """Milliseconds of processor time for a request where the next one waits already."""
    before = server.counters.cpu_seconds()
    answers = load.closed(server.url, body, count=BUSY, concurrency=CALLERS)
    assert answers.failures == []
    return 1000 * (server.counters.cpu_seconds() - before) / answers.count


@contextmanager
def both(image: str, archive: Path, body: bytes, folder: Path) -> Iterator[tuple[Running, Running, int]]:
    """The write-up's set-up and ours, both warm, and the rate that is for both."""
    with running(arms.baseline(image, folder / "theirs", archive), body) as theirs, \
            running(arms.ours(image, folder / "ours", archive), body) as ours:
        capacity = []
        for server in (ours, theirs):
            for count in (WARM, AT_MOST):
                answers = load.closed(server.url, body, count=count, concurrency=CALLERS)
                assert answers.failures == []
            capacity.append(answers.count / answers.elapsed)
        yield theirs, ours, int(SHARE * min(capacity))


def measured(name: str, image: str, archive: Path, body: bytes, folder: Path, plan: Plan) -> tuple[Figure, ...]:
    with timings.stage(f"P1, {name}"), both(image, archive, body, folder) as (theirs, ours, rate):
        def of(server: Running) -> Callable[[], Sample]:
            return lambda: slot(server, body, rate, plan.slot_seconds)

        found = ratios.pairs(of(theirs), of(ours), plan.pairs)
        again = ratios.pairs(of(ours), of(ours), plan.control)
        at_work = ratios.pairs(lambda: busy(theirs, body), lambda: busy(ours, body), plan.pairs)
    control = ratios.ratio([(first.cpu, second.cpu) for first, second in again])
    ratios.held(control)
    cpu = ratios.ratio([(first.cpu, second.cpu) for first, second in found])
    work = ratios.ratio(at_work)
    slow = ratios.ratio([(second.p99, first.p99) for first, second in found])
    means = [sum(pair[side].cpu for pair in found) / len(found) for side in (0, 1)]
    latencies = [sorted(1000 * second for pair in found for second in pair[side].seconds) for side in (0, 1)]
    note = f"{means[0]:.2f} ms of CPU a request ÷ {means[1]:.2f} ms, at {rate} requests/s; control {control.value:.2f}"
    return (
        Figure("P1", f"CPU of a request, write-up ÷ ours, {name}", cpu.value, 6 if name == "trivial" else None,
               9 if name == "trivial" else None, more=True, interval=(cpu.low, cpu.high), note=note,
               details={"pairs": [[first.cpu, second.cpu] for first, second in found], "control": control.value}),
        Figure("P1", f"CPU of a request of a busy server, write-up ÷ ours, {name}", work.value, more=True,
               interval=(work.low, work.high), details={"pairs": at_work},
               note=f"{' ÷ '.join(f'{sum(pair[side] for pair in at_work) / len(at_work):.2f}' for side in (0, 1))} ms, {CALLERS} "
                    "callers, each asks again at once; the goal is the open-loop one's"),
        Figure("P1", f"p99 at the same rate, ours ÷ write-up, {name}", slow.value, 0.3 if name == "trivial" else None,
               0.15 if name == "trivial" else None, interval=(slow.low, slow.high),
               note=f"{1000 * sorted(second.p99 for _, second in found)[len(found) // 2]:.1f} ms ÷ "
                    f"{1000 * sorted(first.p99 for first, _ in found)[len(found) // 2]:.1f} ms (medians of the slots' p99)",
               details={"theirs": thinned(latencies[0]), "ours": thinned(latencies[1])}))


def thinned(ordered: list[float], count: int = 100) -> list[float]:
    """Quantiles of sorted figures: enough of them for a curve."""
    return [round(ordered[min(len(ordered) - 1, number * len(ordered) // count)], 3) for number in range(count + 1)]


def test_cpu_of_a_trivial_request(image: str, trivial: Path, tmp_path: Path, plan: Plan,
                                  record: Callable[..., None]) -> None:
    record(*measured("trivial", image, trivial, handlers.TRIVIAL_BODY, tmp_path, plan))


@pytest.mark.parametrize("example", ["bert"])
def test_cpu_of_a_request_of_an_example(image: str, example: str, bert: Path, tmp_path: Path, plan: Plan,
                                        record: Callable[..., None]) -> None:
    body = json.dumps({"instances": [{"data": "Hello World!"}]}).encode()
    record(*measured(example, image, bert, body, tmp_path, plan))
