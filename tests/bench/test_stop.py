"""P8: from SIGTERM to gone, with requests in flight, and how many of those get no answer."""

from collections.abc import Callable
from pathlib import Path

from ci.cluster.report import timings
from tests.bench import arms
from tests.bench.results import Figure
from tests.bench.stopping import IN_FLIGHT, Stopped, stopping


def test_a_pod_that_goes(image: str, trivial: Path, tmp_path: Path, going: Stopped, record: Callable[..., None]) -> None:
    with timings.stage("P8"):
        with stopping(arms.ours(image, tmp_path / "ours", trivial)) as gone:
            ours, answers = gone()
        theirs, their_answers = going()
    assert answers.count == IN_FLIGHT
    note = (f"{ours:.1f} s ÷ {theirs:.1f} s, {IN_FLIGHT} requests of a second in flight, one worker; of the write-up's "
            f"{len(their_answers.failures)} were lost")
    record(Figure("P8", "SIGTERM to gone, ours ÷ write-up", ours / theirs, 0.15, 0.1, note=note,
                  details={"ours": ours, "theirs": theirs}),
           Figure("P8", "requests in flight that were lost", len(answers.failures), 0, 0,
                  note="; ".join(answers.failures) or "all answered"))
