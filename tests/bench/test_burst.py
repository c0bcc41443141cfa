"""P6: a burst loses nothing; and what batches gain where the model is a multiplication of matrices."""

from collections.abc import Callable
from pathlib import Path

from ci.cluster.report import timings
from tests.bench import arms, handlers, load, ratios
from tests.bench.conftest import Plan
from tests.bench.containers import Running, running
from tests.bench.results import Figure

BURST, AT_ONCE = 200, 100
CALLERS, ASKED = 16, 128
ENVELOPE = {"runtime": {"serviceEnvelope": "torchserve_kserve"}}


def test_a_burst_loses_no_request(image: str, trivial: Path, tmp_path: Path, record: Callable[..., None]) -> None:
    with timings.stage("P6, burst"), running(arms.ours(image, tmp_path / "ours", trivial), handlers.TRIVIAL_BODY) as server:
        answers = load.closed(server.url, handlers.TRIVIAL_BODY, count=BURST, concurrency=AT_ONCE)
    assert answers.count == BURST
    record(Figure("P6", f"failures of a burst of {BURST}, {AT_ONCE} at a time", len(answers.failures), 0, 0,
                  note=f"the slowest answer after {1000 * max(answers.seconds):.0f} ms, right after the start"
                       + (f"; failed: {sorted(set(answers.failures))[:3]}" if answers.failures else "")))


def test_batches_of_eight_against_one(image: str, tmp_path: Path, plan: Plan, record: Callable[..., None]) -> None:
    """Both with our envelope, which answers batches rightly. The weights are 128 MiB, which a batch reads once."""
    archive = handlers.gemm(tmp_path)
    eight = {"batchSize": 8, "maxBatchDelay": 20}
    with timings.stage("P6, batches"), \
            running(arms.ours(image, tmp_path / "one", archive, ENVELOPE), handlers.TRIVIAL_BODY) as single, \
            running(arms.ours(image, tmp_path / "eight", archive, ENVELOPE, model=eight), handlers.TRIVIAL_BODY) as batched:
        def rate(server: Running) -> Callable[[], float]:
            def measure() -> float:
                answers = load.closed(server.url, handlers.TRIVIAL_BODY, count=ASKED, concurrency=CALLERS)
                assert answers.failures == []
                return answers.count / answers.elapsed
            return measure

        found = ratios.pairs(rate(batched), rate(single), plan.slow_pairs)
        control = ratios.same(rate(single), plan.slow_control, ratios.CLOCKS) if plan.slow_control else None
    ratio = ratios.ratio(found)
    means = ratios.means(found)
    record(Figure("P6", "throughput, batchSize 8 ÷ 1, matrices, our envelope", ratio.value, 1.5, 3, more=True,
                  interval=(ratio.low, ratio.high), control=control, details={"pairs": found},
                  note=f"{means[0]:.0f} ÷ {means[1]:.0f} requests/s, {CALLERS} callers"))
