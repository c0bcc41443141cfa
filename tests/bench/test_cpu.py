"""P1: processor time of a request, and the latency that one in a hundred exceeds: the chart's defaults against the write-up."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.cluster.report import timings
from tests.bench import arms, handlers, ratios
from tests.bench.conftest import Plan
from tests.bench.containers import Running, running
from tests.bench.results import Figure
from tests.bench.slots import CALLERS, Sample, busy, slot, warmed


def measured(name: str, image: str, archive: Path, body: bytes, folder: Path, plan: Plan) -> tuple[Figure, ...]:
    with timings.stage(f"P1, {name}"), running(arms.baseline(image, folder / "theirs", archive), body) as theirs, \
            running(arms.ours(image, folder / "ours", archive), body) as ours:
        rate = warmed([ours, theirs], body)

        def of(server: Running) -> Callable[[], Sample]:
            return lambda: slot(server, body, rate, plan.slot_seconds)

        found = ratios.pairs(of(theirs), of(ours), plan.pairs)
        control = ratios.same(lambda: of(ours)().cpu, plan.pairs)
        at_work = ratios.pairs(lambda: busy(theirs, body), lambda: busy(ours, body), plan.pairs)
    used = [(first.cpu, second.cpu) for first, second in found]
    cpu, means = ratios.ratio(used), ratios.means(used)
    work = ratios.ratio(at_work)
    slow = ratios.ratio([(second.p99, first.p99) for first, second in found])
    latencies = [sorted(1000 * second for pair in found for second in pair[side].seconds) for side in (0, 1)]
    note = f"{means[0]:.2f} ms of CPU a request ÷ {means[1]:.2f} ms, at {rate} requests/s"
    return (
        Figure("P1", f"CPU of a request, write-up ÷ ours, {name}", cpu.value, 6 if name == "trivial" else None,
               9 if name == "trivial" else None, more=True, interval=(cpu.low, cpu.high), control=control, note=note,
               details={"pairs": used}),
        Figure("P1", f"CPU of a request of a busy server, write-up ÷ ours, {name}", work.value, more=True,
               interval=(work.low, work.high), details={"pairs": at_work},
               note=f"{' ÷ '.join(f'{mean:.2f}' for mean in ratios.means(at_work))} ms, {CALLERS} "
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
