"""Steady traffic during a change: requests sent on a schedule, every one accounted for."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

RATE = 20  # requests per second
MOST_SECONDS = 240
SENDERS = 32


@dataclass
class Traffic:
    """What came back.

    Attributes:
        answers: for each request (its place in the schedule, its status or why there was none, the parsed body).
    """

    answers: list[tuple[int, int | str, Any]] = field(default_factory=list)

    def failed(self) -> list[tuple[int, int | str, Any]]:
        """The requests that were not answered with 200."""
        return [answer for answer in self.answers if answer[1] != 200]

    def predictions(self) -> Counter[Any]:
        """How often each first prediction came."""
        return Counter(body["predictions"][0] for _, status, body in self.answers if status == 200)


@contextmanager
def sent(ask: Callable[[], requests.Response], rate: float = RATE, most_seconds: float = MOST_SECONDS) -> Iterator[Traffic]:
    """Calls `ask` `rate` times a second, however long the answers take, until the block ends or `most_seconds` are over.

    A request that would be sent late because answers are slow is sent all the same: none is left out.
    """
    traffic, over = Traffic(), threading.Event()

    def one(number: int) -> None:
        try:
            answer = ask()
            body = answer.json() if answer.ok else answer.text
            traffic.answers.append((number, answer.status_code, body))
        except (requests.RequestException, ValueError) as error:
            traffic.answers.append((number, f"{type(error).__name__}: {error}", None))

    def schedule(pool: ThreadPoolExecutor) -> None:
        began = time.monotonic()
        for number in range(int(rate * most_seconds)):
            if over.wait(max(0.0, began + number / rate - time.monotonic())):
                return
            pool.submit(one, number)

    with ThreadPoolExecutor(SENDERS) as pool:
        sending = threading.Thread(target=schedule, args=(pool,))
        sending.start()
        try:
            yield traffic
        finally:
            over.set()
            sending.join()
