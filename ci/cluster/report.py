"""Progress on the terminal: a line per step, the elapsed time, and a table of times at the end."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_start = time.monotonic()
_lock = threading.Lock()


def say(text: str) -> None:
    """Prints one line, stamped with the minutes and seconds since the command began."""
    minutes, seconds = divmod(int(time.monotonic() - _start), 60)
    with _lock:
        print(f"[{minutes:02d}:{seconds:02d}] {text}", file=sys.stderr, flush=True)


@dataclass
class Timings:
    """Names and durations (seconds) of the stages of one command, in the order in which they began, and other figures of it."""

    stages: dict[str, float | None] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Announces a stage and records how long it took, also when it fails."""
        say(f"{name} …")
        self.stages[name] = None
        began = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] = time.monotonic() - began
        say(f"{name}: {self.stages[name]:.1f} s")

    def table(self) -> str:
        """The stages and their seconds as aligned lines, with the elapsed total (stages may overlap), then the other figures."""
        rows = [(name, seconds) for name, seconds in self.stages.items() if seconds is not None]
        rows.append(("elapsed", time.monotonic() - _start))
        width = max(len(name) for name in [*self.facts, *[name for name, _ in rows]])
        lines = [f"  {name:<{width}}  {seconds:8.1f} s" for name, seconds in rows]
        return "\n".join([*lines, *[f"  {name:<{width}}  {fact:>8}" for name, fact in self.facts.items()]])


timings = Timings()
