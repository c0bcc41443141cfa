"""P9: memory of a ready pod, with a trivial model."""

from collections.abc import Callable
from pathlib import Path

from ci.cluster.report import timings
from tests.bench import arms, handlers, load
from tests.bench.containers import running
from tests.bench.results import Figure

ASKED = 200  # requests before: what is loaded with the first ones is part of it


def test_memory_of_a_ready_pod(image: str, trivial: Path, tmp_path: Path, record: Callable[..., None]) -> None:
    """One after the other: two of one image share pages, and each would count half of them."""
    found = {}
    for name, arguments in (("theirs", arms.baseline(image, tmp_path / "theirs", trivial)),
                            ("ours", arms.ours(image, tmp_path / "ours", trivial))):
        with timings.stage(f"P9, {name}"), running(arguments, handlers.TRIVIAL_BODY) as server:
            assert load.closed(server.url, handlers.TRIVIAL_BODY, count=ASKED, concurrency=2).failures == []
            found[name] = server.counters.by_process()
    total = {name: sum(parts.values()) / 2**20 for name, parts in found.items()}
    shares = "; ".join(f"{name}: " + ", ".join(f"{process} {size / 2**20:.0f}" for process, size in parts.items())
                       for name, parts in found.items())
    record(Figure("P9", "memory of a ready pod, ours ÷ write-up, trivial", total["ours"] / total["theirs"], 0.6, 0.5,
                  note=f"{total['ours']:.0f} MiB ÷ {total['theirs']:.0f} MiB ({shares})", details=found))
