"""P8: from SIGTERM to gone, with requests in flight, and how many of those get no answer."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ci.cluster.report import timings
from tests.bench import arms, handlers, load
from tests.bench.containers import running
from tests.bench.results import Figure
from tests.waiting import until

GRACE = 30  # Kubernetes' own
IN_FLIGHT = 2  # of a second each, one worker


def stopped(arguments: Sequence[str]) -> tuple[float, load.Answers]:
    """Seconds from SIGTERM until the container is gone, and what became of the requests that it had."""
    with running(arguments, handlers.TRIVIAL_BODY) as server:
        found: list[load.Answers] = []
        asking = threading.Thread(target=lambda: found.append(
            load.closed(server.url, handlers.SLOW_BODY, count=IN_FLIGHT, concurrency=IN_FLIGHT)))
        asking.start()
        until(lambda: server.connections() >= IN_FLIGHT, "the requests to be there")
        seconds = server.stop(GRACE)
        asking.join()
    return seconds, found[0]


def test_a_pod_that_goes(image: str, trivial: Path, tmp_path: Path, record: Callable[..., None]) -> None:
    both = (arms.baseline(image, tmp_path / "theirs", trivial), arms.ours(image, tmp_path / "ours", trivial))
    with timings.stage("P8"), ThreadPoolExecutor() as pool:  # mostly they wait
        (theirs, their_answers), (ours, answers) = pool.map(stopped, both)
    assert answers.count == IN_FLIGHT
    note = (f"{ours:.1f} s ÷ {theirs:.1f} s, {IN_FLIGHT} requests of a second in flight, one worker; of the write-up's "
            f"{len(their_answers.failures)} were lost")
    record(Figure("P8", "SIGTERM to gone, ours ÷ write-up", ours / theirs, 0.15, 0.1, note=note,
                  details={"ours": ours, "theirs": theirs}),
           Figure("P8", "requests in flight that were lost", len(answers.failures), 0, 0,
                  note="; ".join(answers.failures) or "all answered"))
