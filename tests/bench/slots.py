"""One warm server at work: the processor time and the latencies of requests at a rate, or of one right after another."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench import load
from tests.bench.containers import Running

WARM = 1500  # requests that each arm answers before: Java compiles what it finds hot
CALLERS = 8  # in that time
BUSY = 200  # requests of the same callers that are a slot of a busy server
AT_MOST = 400  # requests of the same callers of a warm arm that say how many it can answer at most
SHARE = 0.6  # of what the slowest arm can, all are sent: with more a queue would be the measure


@dataclass(frozen=True)
class Sample:
    """One slot of an arm: milliseconds of processor time for a request, its 99th percentile, all of its latencies."""

    cpu: float
    p99: float
    seconds: list[float]


def warmed(servers: Sequence[Running], body: bytes) -> int:
    """Warms the servers, one after the other; returns the requests a second that are for all of them."""
    capacity = []
    for server in servers:
        for count in (WARM, AT_MOST):
            answers = load.closed(server.url, body, count=count, concurrency=CALLERS)
            _all_answered(answers)
        capacity.append(answers.count / answers.elapsed)
    return int(SHARE * min(capacity))


def slot(server: Running, body: bytes, rate: float, seconds: float) -> Sample:
    before = server.counters.cpu_seconds()
    answers = load.scheduled(server.url, body, rate=rate, seconds=seconds)
    used = server.counters.cpu_seconds() - before
    _all_answered(answers)
    return Sample(1000 * used / answers.count, answers.quantile(0.99), answers.seconds)


def busy(server: Running, body: bytes) -> float:
    """Milliseconds of processor time for a request where the next one waits already."""
    before = server.counters.cpu_seconds()
    answers = load.closed(server.url, body, count=BUSY, concurrency=CALLERS)
    _all_answered(answers)
    return 1000 * (server.counters.cpu_seconds() - before) / answers.count


def _all_answered(answers: load.Answers) -> None:
    assert not answers.failures, (
        f"{len(answers.failures)} of {answers.count} requests failed: {', '.join(sorted(set(answers.failures))[:3])}")
