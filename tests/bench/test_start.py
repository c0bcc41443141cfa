"""P3: from a container's start to its first 200, against what nobody can do without, each timed alone in the same run."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci.cluster import shell
from ci.cluster.report import timings
from tests import leftovers
from tests.bench import arms, ratios
from tests.bench.conftest import Plan
from tests.bench.containers import running
from tests.bench.results import Figure

SPREAD = 1.5  # of the interval's ends: more says that the machine was busy
BODY = b'{"instances": [{"data": "Hello World!"}]}'


def pieces(image: str, archive: Path) -> dict[str, Any]:
    """Seconds of java, torch and load, and their processor time, in a container with the limits of the chart's."""
    program = Path(__file__).with_name("pieces.py")
    return json.loads(shell.output([
        "docker", "run", "--rm", leftovers.mark(), "--network", "none", "--cpus", "2", "--memory", "2g", "--volume", "/tmp",
        "--env", "LOG_LOCATION=/tmp/logs", "--env", "METRICS_LOCATION=/tmp/logs",
        f"--volume={program}:/pieces.py:ro", f"--volume={archive}:/model.mar:ro", "--entrypoint", "python", image,
        "/pieces.py", "/model.mar"]))


@pytest.mark.usefixtures("going")
def test_start_against_its_pieces(image: str, bert: Path, tmp_path: Path, plan: Plan, record: Callable[..., None]) -> None:
    count, parts = 0, []

    def start() -> tuple[float, float]:
        nonlocal count
        count += 1
        with running(arms.ours(image, tmp_path / str(count), bert), BODY) as server:
            return server.answered - server.started, server.counters.cpu_seconds()

    def alone() -> tuple[float, float]:
        parts.append(pieces(image, bert))
        return sum(parts[-1]["seconds"].values()), parts[-1]["cpu"]

    with timings.stage("P3"):
        found = ratios.pairs(start, alone, plan.slow_pairs)
        control = ratios.same(lambda: start()[0], plan.slow_control, ratios.CLOCKS) if plan.slow_control else None
    clock, counter = (ratios.ratio([(first[which], second[which]) for first, second in found]) for which in (0, 1))
    assert clock.high / clock.low < SPREAD, (
        f"this run is void: the ratio lies anywhere between {clock.low:.2f} and {clock.high:.2f}; "
        "let nothing else work on the machine")
    means = {name: statistics.median(part["seconds"][name] for part in parts) for name in ("java", "torch", "load")}
    whole, used, floor = (statistics.median(pair[side][which] for pair in found) for side, which in ((0, 0), (0, 1), (1, 1)))
    note = f"{whole:.2f} s ÷ ({', '.join(f'{name} {seconds:.2f}' for name, seconds in means.items())})"
    details = {"pairs": found, "pieces": parts}
    record(Figure("P3", "container start to first 200 ÷ (TorchServe's JVM + import torch + load), bert", clock.value, 1.4, 1.15,
                  interval=(clock.low, clock.high), control=control, note=note, details=details),
           Figure("P3", "CPU of a start ÷ that of the same pieces", counter.value, interval=(counter.low, counter.high),
                  note=f"{used:.2f} s ÷ {floor:.2f} s; the pieces are with Java's own options"))
