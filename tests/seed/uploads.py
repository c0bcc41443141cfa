"""The two ends of an upload: a run that waits, and who sends."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.seed.claim import Result
from tests.seed.server import mar
from tests.waiting import until

WHOLE = mar(files={"handler.py": "#", "weights": "0" * 3_000_000})


def send(claim, content: bytes, model: str = "bert") -> Result:
    """What `kubectl exec -i … < FILE` does."""
    done = subprocess.run(sending(claim, model), input=content, capture_output=True, timeout=60)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def sending(claim, model: str = "bert") -> list[str]:
    return [*claim.command()[:2], "--receive", model, "--plan", str(claim.plan), "--destination", str(claim.root)]


def uploads(claim) -> list[Path]:
    """What lies where uploads pass."""
    return sorted((claim.root / ".seed/upload").glob("*"))


@contextlib.contextmanager
def waiting(claim, *more: str, says: str = "waiting for") -> Iterator[subprocess.Popen]:
    """A run that has said that it waits."""
    running = claim.start(*more)
    try:
        lines = []
        until(lambda: lines.append(running.stdout.readline()) or says in lines[-1], "the run to wait")
        running.said = lines[-1]
        yield running
    finally:
        running.kill()
        running.communicate()


def sender(claim) -> subprocess.Popen:
    """One whose bytes the test writes."""
    return subprocess.Popen(sending(claim), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(running: subprocess.Popen) -> str:
    out, err = running.communicate(timeout=30)
    assert running.returncode == 0, out + err
    return out
