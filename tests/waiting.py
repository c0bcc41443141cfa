"""Waiting for what a program on this machine does: checked every 10 ms (ci.cluster.waiting is for a cluster)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(condition: Callable[[], Value], what: str, seconds: float = 60.0) -> Value:
    """The condition's value once it is true; fails with what was awaited otherwise."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.01)
    return value
