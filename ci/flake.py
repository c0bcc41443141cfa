"""Runs a part of the suite again and again, without reruns, and records every run: `ci/nox -s flake -- --runs 30`.

A run counts for the tree that it tested: the files as they were, committed or not, but for the record itself. The same command
goes on from what is recorded; it ends at the first run that fails, which is recorded, too. An interrupted run is not.
"""

import argparse
import datetime
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

from ci.cluster import shell
from ci.cluster.errors import Problem
from ci.cluster.paths import REPOSITORY
from ci.cluster.report import say

RECORD, PAGE = REPOSITORY / "docs" / "flake.jsonl", REPOSITORY / "docs" / "flake.md"
LOGS = REPOSITORY / "artifacts" / "flake"
FAST, ON_CLUSTER = "fast", "cluster"
OK, INTERRUPTED = 0, 2  # pytest's exit codes; pytest itself is not there where the page alone is made
ABBREVIATED = 12  # digits of a hash
HEAD = """# Recorded runs, without reruns

Made from [flake.jsonl](flake.jsonl), which has a line for each run, by `ci/nox -s flake -- --runs N`: *fast* is what
`ci/nox -s tests` runs without a cluster, *cluster* (`-- --cluster`) what it runs on one. A tree is the files of a commit, but for
this record. Load is the machine's, in the minute before a run.

| tree | first commit | part | runs | failed | tests | seconds | load | processors | days |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Run:
    """One run: when, of what, where, and what came of it; `failed` has the names of tests, or how pytest itself ended."""

    date: str
    commit: str
    tree: str
    part: str
    cpus: int
    load: float
    tests: int
    failed: list[str]
    seconds: float


def recorded(file: Path = RECORD) -> list[Run]:
    """All runs of the record, oldest first."""
    return [Run(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def page(runs: Sequence[Run] | None = None) -> str:
    """docs/flake.md as the record makes it."""
    runs, groups = recorded() if runs is None else runs, {}
    for run in runs:
        groups.setdefault((run.tree, run.part), []).append(run)
    rows = "".join(f"| {' | '.join(_row(group))} |\n" for group in groups.values())
    ends = [f"{in_a_row(runs, part)} of {part}" for part in (FAST, ON_CLUSTER) if any(run.part == part for run in runs)]
    return f"{HEAD}{rows}\nRuns in a row without a failure, up to the newest one, over all trees: {', '.join(ends)}.\n"


def in_a_row(runs: Sequence[Run], part: str) -> int:
    """How many of a part's last runs passed, one after the other."""
    mine = [run for run in reversed(runs) if run.part == part]
    return len(list(itertools.takewhile(lambda run: not run.failed, mine)))


def _row(runs: list[Run]) -> list[str]:
    failed = [run for run in runs if run.failed]
    return [f"`{runs[0].tree}`", f"`{runs[0].commit}`", runs[0].part, str(len(runs)), str(len(failed)),
            _span([run.tests for run in runs]), _span([round(run.seconds) for run in runs]),
            _span([round(run.load) for run in runs]), _span([run.cpus for run in runs]),
            " to ".join(sorted({min(run.date for run in runs)[:10], max(run.date for run in runs)[:10]}))]


def _span(numbers: list[int]) -> str:
    """The least and the most of some numbers; one if they are the same."""
    return " to ".join(str(number) for number in sorted({min(numbers), max(numbers)}))


def tree() -> str:
    """The hash of the files that are tested: tracked ones and new ones as they are, the record and what git ignores left out."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git("read-tree", "HEAD", env=index)
        _git("add", "--all", env=index)
        _git("rm", "--cached", "--quiet", "--ignore-unmatch", *(str(file) for file in (RECORD, PAGE)), env=index)
        return _git("write-tree", env=index)[:ABBREVIATED]


def _git(*arguments: str, env: dict[str, str] | None = None) -> str:
    return shell.output(["git", "-C", str(REPOSITORY), *arguments], env=env).strip()


def result(junit: Path) -> tuple[int, list[str]]:
    """How many tests there were, and the names of those that failed, as pytest's report has it."""
    cases = list(ElementTree.parse(junit).iter("testcase")) if junit.exists() else []
    failed = [f"{case.get('classname')}::{case.get('name')}" for case in cases
              if case.find("failure") is not None or case.find("error") is not None]
    return len(cases), list(dict.fromkeys(failed))


def once(part: str, arguments: Sequence[str], logs: Path) -> tuple[Run, Path]:
    """Runs pytest with these arguments; returns what came of it, and its log."""
    began, load = datetime.datetime.now(datetime.UTC), os.getloadavg()[0]
    tested, stamp = tree(), began.strftime("%Y-%m-%dT%H-%M-%S")
    junit, log = logs / f"{part}-{stamp}.xml", logs / f"{part}-{stamp}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    clock = time.monotonic()
    with log.open("wb") as stream:
        command = [sys.executable, "-m", "pytest", "-p", "no:rerunfailures", f"--junitxml={junit}", *arguments]
        with shell.child(command, cwd=REPOSITORY, stdout=stream, stderr=stream) as process:
            status = process.wait()
    tests, failed = result(junit)
    seconds = round(time.monotonic() - clock, 1)
    if status == INTERRUPTED and not failed:
        raise Problem(f"pytest was interrupted, and nothing is recorded of this run; its log is {log}.")
    if status != OK and not failed:
        failed = [f"pytest ended with {status}, and no test had failed"]
    return Run(began.strftime("%Y-%m-%dT%H:%M:%SZ"), _git("rev-parse", "HEAD")[:ABBREVIATED], tested, part, os.cpu_count() or 1,
               round(load, 1), tests, failed, seconds), log


def again(runs: int, one: Callable[[], tuple[Run, Path]], record: Path = RECORD, readable: Path = PAGE) -> None:
    """Makes so many more runs and records each at once. Raises Problem after one that failed."""
    for number in range(1, runs + 1):
        run, log = one()
        with record.open("a") as stream:
            stream.write(json.dumps(asdict(run)) + "\n")
        readable.write_text(page(recorded(record)), encoding="utf-8")
        same = [other for other in recorded(record) if (other.tree, other.part) == (run.tree, run.part)]
        say(f"run {number} of {runs}: {run.tests} tests, {len(run.failed)} failed, {run.seconds:.0f} s, load {run.load}; "
            f"{len(same)} recorded of {run.part} for tree {run.tree}")
        if run.failed:
            raise Problem(f"A run failed: {', '.join(run.failed)}; its log is {log}.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ci.flake", description=__doc__, allow_abbrev=False)
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="so many more runs")
    parser.add_argument("--cluster", action="store_true", help="of the part on the cluster, in place of the fast one")
    parser.add_argument("pytest", nargs="+", help="what pytest is run with")
    options = parser.parse_args()
    part = ON_CLUSTER if options.cluster else FAST
    try:
        again(options.runs, lambda: once(part, options.pytest, LOGS))
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        shell.end_children()
        print("\nInterrupted: this run is not recorded; the same command goes on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
