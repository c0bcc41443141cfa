"""P5: processor time of a pod that nobody asks, and how often a CPU limit of 1 holds a busy one back."""

from collections.abc import Callable
from pathlib import Path

from ci.cluster.report import timings
from tests.bench import arms, load
from tests.bench.conftest import Plan
from tests.bench.containers import running
from tests.bench.resting import Used
from tests.bench.results import Figure

SECONDS = 10
SHARE = 0.85  # of what the write-up's set-up can at most under that limit, both are sent


def test_cpu_of_an_idle_pod(idle: Used, plan: Plan, record: Callable[..., None]) -> None:
    with timings.stage("P5, what is left of the idle time"):
        used = idle()
    milli = [1000 * seconds / plan.idle_seconds for seconds in used]
    record(Figure("P5", "CPU of an idle pod, ours ÷ write-up", milli[1] / milli[0], 0.2, 0.1,
                  note=f"{milli[1]:.1f}m ÷ {milli[0]:.1f}m CPUs over {plan.idle_seconds:.0f} s, probes not counted",
                  details={"ours": used[1], "theirs": used[0]}))


def test_throttling_under_a_limit_of_one_cpu(image: str, bert: Path, tmp_path: Path, record: Callable[..., None]) -> None:
    """At the same rate, one after the other: periods in which the limit held a container back."""
    body, found, rate = b'{"instances": [{"data": "Hello World!"}]}', [], 0
    limited = {"runtime": {"resources": {"limits": {"cpu": 1}}}}
    for name, arguments in (("theirs", arms.baseline(image, tmp_path / "theirs", bert, cpu=1)),
                            ("ours", arms.ours(image, tmp_path / "ours", bert, limited))):
        with timings.stage(f"P5, throttled, {name}"), running(arguments, body) as server:
            warm = load.closed(server.url, body, count=400, concurrency=8)
            assert warm.failures == []
            rate = rate or int(SHARE * warm.count / warm.elapsed)
            before = server.counters.throttled()
            answers = load.scheduled(server.url, body, rate=rate, seconds=SECONDS)
            assert answers.failures == []
            throttled, periods = (after - start for after, start in zip(server.counters.throttled(), before, strict=True))
            found.append((throttled, periods, answers.quantile(0.99)))
    (theirs, periods, slow), (ours, own_periods, own_slow) = found
    note = (f"{ours} of {own_periods} periods ÷ {theirs} of {periods} at {rate} requests/s; "
            f"p99 {1000 * own_slow:.0f} ms ÷ {1000 * slow:.0f} ms")
    assert theirs, "the limit never held the write-up's set-up back: raise SHARE"
    record(Figure("P5", "throttled periods at the same rate under 1 CPU, ours ÷ write-up, bert", ours / theirs, 0.5,
                  note=note, details={"ours": ours, "theirs": theirs}))
