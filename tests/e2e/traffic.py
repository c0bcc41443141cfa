"""Steady traffic during a change: requests sent on a schedule, or by callers who wait, every one accounted for."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from ci.cluster.waiting import wait_for

RATE = 20  # requests per second
MOST_SECONDS = 3600  # what nobody ends, ends by itself: far more than any change takes
MORE_SECONDS = 300
HELD_SECONDS = 290  # Knative holds a request for 300 s at most where no pod is ready
SENDERS = 64  # at once; more would be more than 3 s behind at the usual rate


@dataclass
class Traffic:
    """What came back.

    Attributes:
        sent: how many requests were sent.
        answers: for each request (its place in the schedule, its status or why there was none, the parsed body).
    """

    sent: int = 0
    answers: list[tuple[int, int | str, Any]] = field(default_factory=list)

    def failed(self) -> list[tuple[int, int | str, Any]]:
        """The requests that were answered, but not with 200, or whose answer can't come any more."""
        return [answer for answer in self.answers if answer[1] != 200]

    def wait_for_answers(self, more: int, seconds: float = MORE_SECONDS) -> None:
        """Waits until so many more requests have got an answer."""
        before = len(self.answers)
        wait_for(f"{more} more answers", lambda: len(self.answers) >= before + more, seconds=seconds)

    def predictions(self) -> Counter[Any]:
        """How often each first prediction came."""
        return Counter(body["predictions"][0] for _, status, body in self.answers if status == 200)


@contextmanager
def sent(ask: Callable[[], requests.Response], rate: float = RATE, senders: int = SENDERS) -> Iterator[Traffic]:
    """Calls `ask` `rate` times a second, however long the answers take, until the block ends.

    At most `senders` wait at once, so a server's queue has to hold as many; a request whose turn comes late for that is sent all
    the same: none is left out.
    """
    traffic, over = Traffic(), threading.Event()

    def one(number: int) -> None:
        traffic.answers.append((number, *_answered(ask)))

    def schedule(pool: ThreadPoolExecutor) -> None:
        began = time.monotonic()
        for number in range(int(rate * MOST_SECONDS)):
            if over.wait(max(0.0, began + number / rate - time.monotonic())):
                return
            traffic.sent += 1
            pool.submit(one, number)
        if not over.is_set():
            traffic.answers.append((-1, f"the traffic ended by itself after {MOST_SECONDS} s", None))

    with ThreadPoolExecutor(senders) as pool:
        sending = threading.Thread(target=schedule, args=(pool,))
        sending.start()
        try:
            yield traffic
        finally:
            over.set()
            sending.join()
    assert traffic.sent <= len(traffic.answers), "a request without an end"


@contextmanager
def pressing(ask: Callable[[], requests.Response], callers: int) -> Iterator[Traffic]:
    """So many callers of `ask`, each of whom calls again when it has its answer, until the block ends.

    They keep a server busy, however slow it is, and never ask for more than `callers` at once.
    """
    traffic, over, deadline = Traffic(), threading.Event(), time.monotonic() + MOST_SECONDS

    def call(number: int) -> None:
        while not over.is_set() and time.monotonic() < deadline:
            traffic.sent += 1
            traffic.answers.append((number, *_answered(ask)))

    with ThreadPoolExecutor(callers) as pool:
        calling = [pool.submit(call, number) for number in range(callers)]
        try:
            yield traffic
        finally:
            over.set()
    for caller in calling:
        caller.result()


def _answered(ask: Callable[[], requests.Response]) -> tuple[int | str, Any]:
    """Status and body of an answer; instead of a status, why there was none."""
    try:
        answer = ask()
        return answer.status_code, answer.json() if answer.ok else answer.text
    except Exception as error:  # whatever it was, this request has failed
        return f"{type(error).__name__}: {error}", None
