"""Waiting for a condition, with a deadline and a name: nothing here or in the tests sleeps for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

from ci.cluster.errors import Problem

Answer = TypeVar("Answer")
INTERVAL_SECONDS = 0.5


def wait_for(what: str, condition: Callable[[], Answer], *, seconds: float,
             give_up: Callable[[], str | None] = lambda: None, state: Callable[[], str] = lambda: "") -> Answer:
    """Calls `condition` until its answer is true, and returns that answer.

    A Problem raised by `condition` counts as "not yet" and is told when the time is over. `give_up` may return a
    sentence to stop at once, when the awaited thing can no longer happen. `state` is asked once, when the time is over.
    """
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        try:
            if answer := condition():
                return answer
        except Problem as problem:
            last = str(problem)
        if reason := give_up():
            raise Problem(f"Waited for {what}, which can no longer happen: {reason}")
        if time.monotonic() >= deadline:
            last = _told(state) or last
            raise Problem(f"Waited {seconds:.0f} s for {what}, in vain{f' (last: {last})' if last else ''}.")
        time.sleep(INTERVAL_SECONDS)


def _told(state: Callable[[], str]) -> str:
    """What `state` says; nothing where that can't be had, as it is no cause."""
    try:
        return state()
    except Problem:
        return ""
