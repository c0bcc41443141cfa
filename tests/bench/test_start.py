"""P3: from a container's start to its first 200, against what nobody can do without, each timed alone in the same run."""

import json
from collections.abc import Callable
from pathlib import Path

from ci.cluster import shell
from ci.cluster.report import timings
from tests import leftovers
from tests.bench import arms, ratios
from tests.bench.conftest import Plan
from tests.bench.containers import running
from tests.bench.results import Figure

BODY = b'{"instances": [{"data": "Hello World!"}]}'


def pieces(image: str, archive: Path) -> dict[str, float]:
    """Seconds of java, torch and load, in a container with the limits of the chart's."""
    program = Path(__file__).with_name("pieces.py")
    return json.loads(shell.output([
        "docker", "run", "--rm", leftovers.mark(), "--network", "none", "--cpus", "2", "--memory", "2g", "--volume", "/tmp",
        "--env", "LOG_LOCATION=/tmp/logs", "--env", "METRICS_LOCATION=/tmp/logs",
        f"--volume={program}:/pieces.py:ro", f"--volume={archive}:/model.mar:ro", "--entrypoint", "python", image,
        "/pieces.py", "/model.mar"]))


def test_start_against_its_pieces(image: str, bert: Path, tmp_path: Path, plan: Plan, record: Callable[..., None]) -> None:
    count, parts = 0, []

    def start() -> float:
        nonlocal count
        count += 1
        with running(arms.ours(image, tmp_path / str(count), bert), BODY) as server:
            return server.answered - server.started

    def alone() -> float:
        parts.append(pieces(image, bert))
        return sum(parts[-1].values())

    with timings.stage("P3"):
        found = ratios.pairs(start, alone, plan.starts)
    ratio = ratios.ratio(found)
    means = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
    whole = sum(first for first, _ in found) / len(found)
    note = f"{whole:.2f} s ÷ ({', '.join(f'{name} {seconds:.2f}' for name, seconds in means.items())})"
    record(Figure("P3", "container start to first 200 ÷ (TorchServe's JVM + import torch + load), bert", ratio.value, 1.4, 1.15,
                  interval=(ratio.low, ratio.high), note=note, details={"pairs": found, "pieces": parts}))
