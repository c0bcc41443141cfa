"""How far a transfer is: a line every few seconds, and one when an artefact is complete."""
from __future__ import annotations

import threading
import time

from seed_errors import say


class Progress:
    """`start` a transfer, say what `moved`. Any thread may call these; lines come `seconds` apart at least."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._lock = seconds, threading.Lock()
        self.start("", "", None)

    def start(self, model: str, file: str, size: int | None, done: int = 0) -> None:
        """A transfer of `size` bytes (None: unknown) begins, of which `done` were there already."""
        with self._lock:
            self.model, self.file, self.size = model, file, size
            self.done = self._first = done
            self._started = self._told = time.monotonic()

    def moved(self, count: int) -> None:
        """So many bytes came (or, negative, were thrown away; or 0, to say that nothing comes)."""
        with self._lock:
            self.done += count
            now = time.monotonic()
            if now - self._told < self.seconds:
                return
            self._told = now
            self._tell(now)

    def _tell(self, now: float) -> None:
        rate = max(self.done - self._first, 0) / max(now - self._started, 1e-6)
        facts: dict = {"model": self.model, "file": self.file, "bytes": self.done, "bytes_per_second": round(rate)}
        share = left = ""
        if self.size:
            facts |= {"size": self.size, "percent": 100 * self.done // self.size}
            share = f" of {self.size:,} ({facts['percent']} %)"
            if rate:
                facts["seconds_left"] = round((self.size - self.done) / rate)
                left = f", {facts['seconds_left']} s left"
        say(f"{self.model}: {self.file}: {self.done:,}{share} bytes, {rate / 1e6:.1f} MB/s{left}", "progress", **facts)


def summary(item: dict, how: str, size: int, seconds: float, sha256: str) -> None:
    """The one line that says an artefact is on the volume."""
    facts = {"model": item["model"], "path": item["path"], "bytes": size, "seconds": round(seconds, 3), "sha256": sha256}
    say(f"{item['model']}: {how} {item['path']}, {size:,} bytes in {seconds:.2f} s, sha256 {sha256}", how, **facts)
