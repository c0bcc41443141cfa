"""What was measured: docs/benchmarks.json has each figure of each goal with its goal, the machine and the date.

The session `bench` writes what it has measured over what was there; docs/benchmarks.md is made from it (page.py).
"""

import datetime
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ci.cluster.paths import REPOSITORY
from ci.cluster.report import say, timings

FILE = REPOSITORY / "docs" / "benchmarks.json"
ARTIFACTS = REPOSITORY / "artifacts" / "bench"
SETTING = "setting"  # in the place of a goal: what one setting of the chart gains


@dataclass(frozen=True)
class Figure:
    """One measured figure of a goal.

    Attributes:
        goal: `P1` to `P9`, or SETTING.
        what: it in words, without the goal.
        value: what was found.
        must, stretch: its goals; None for a figure that stands beside another one.
        more: True where more is better.
        interval: of 95 %, where there is one.
        control: what the same arm in both roles gave in that run, where it was measured.
        note: one sentence about how, or where the time goes.
        details: what it was made from, for the plots and for who looks closer.
    """

    goal: str
    what: str
    value: float
    must: float | None = None
    stretch: float | None = None
    more: bool = False
    interval: tuple[float, float] | None = None
    control: float | None = None
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.goal} {self.what}"

    def reaches(self, goal: float | None) -> bool:
        return goal is None or (self.value >= goal if self.more else self.value <= goal)


def read(file: Path = FILE) -> dict[str, dict[str, Any]]:
    """Key of a figure -> figure and where, when and how it was measured."""
    return json.loads(file.read_text()) if file.exists() else {}


def figure(row: dict[str, Any]) -> Figure:
    """A row of the file as the figure it was."""
    return Figure(**row["figure"])


@contextmanager
def written(mode: str, image: str) -> Iterator[Callable[..., None]]:
    """take(figures…): keeps them, and fails where a must is missed; all are written when the block ends."""
    found: list[tuple[Figure, list[float]]] = []

    def take(*figures: Figure) -> None:
        for one in figures:
            found.append((one, [round(load, 1) for load in os.getloadavg()]))
            timings.facts[one.key] = f"{one.value:.3g}" + (f" (must {one.must:g})" if one.must is not None else "")
            say(f"{one.key}: {timings.facts[one.key]}; {one.note}")
        missed = [f"{one.key} is {one.value:.3g} where {'at least' if one.more else 'at most'} {one.must:g} must be reached "
                  f"({one.note})" for one in figures if not one.reaches(one.must)]
        assert not missed, "; ".join(missed)

    yield take
    now = datetime.datetime.now(datetime.UTC)
    rows = {one.key: {"figure": asdict(one), "date": f"{now:%Y-%m-%d}", "mode": mode, "machine": machine(), "image": image,
                      "load": load} for one, load in found}
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    (ARTIFACTS / f"{now:%Y%m%dT%H%M%S}.json").write_text(written_out(rows))
    FILE.write_text(written_out({**read(), **rows}))


def written_out(rows: dict[str, dict[str, Any]]) -> str:
    """The rows as JSON, a line for each."""
    lines = [f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(_rounded(row), ensure_ascii=False)}"
             for key, row in sorted(rows.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rounded(value: Any) -> Any:
    """The same with four significant digits."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


def machine() -> str:
    """The processor, how many, the memory and the kernel."""
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    groups = "2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "1"
    return (f"{os.cpu_count()} x {names[0] if names else platform.machine()}, {memory:.0f} GiB, Linux {platform.release()}, "
            f"cgroups {groups}")
