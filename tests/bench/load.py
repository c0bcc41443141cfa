"""Requests to a server: at moments that are set beforehand, whatever the server does, or as many at once as are asked for.

A request's time counts from the moment at which it was due: a server that stalls delays no request's clock (no coordinated
omission).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=60)
LATE_SECONDS = 0.05  # more than this after its moment a request counts as sent late: then the client is the measure

LOOK_SECONDS = 2  # between looks whether a server that does not answer yet is alive


@dataclass
class Answers:
    """What came of requests.

    Attributes:
        seconds: for each answer of 200, from when it was due until the whole body was there.
        failures: what became of the others, each in a few words.
        late: how many were sent late.
        elapsed: seconds from the first request's moment to the last answer.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    late: int = 0
    elapsed: float = 0.0

    @property
    def count(self) -> int:
        return len(self.seconds) + len(self.failures)

    def quantile(self, share: float) -> float:
        """The latency below which this share of the answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def scheduled(url: str, body: bytes, *, rate: float, seconds: float) -> Answers:
    """`rate` requests a second for so long, each sent at its moment over a connection of a pool without a limit."""
    async def run() -> Answers:
        answers, loop = Answers(), asyncio.get_running_loop()
        async with _session() as session, asyncio.TaskGroup() as group:
            start = loop.time() + 0.05
            for number in range(int(rate * seconds)):
                due = start + number / rate
                await asyncio.sleep(due - loop.time())
                answers.late += loop.time() - due > LATE_SECONDS
                group.create_task(_ask(session, url, body, due, answers))
        answers.elapsed = loop.time() - start
        return answers
    return asyncio.run(run())


def closed(url: str, body: bytes, *, count: int, concurrency: int) -> Answers:
    """So many requests, `concurrency` at any time: for capacity, not for latency."""
    async def run() -> Answers:
        answers, loop = Answers(), asyncio.get_running_loop()
        numbers, start = iter(range(count)), loop.time()

        async def one_after_the_other(session: aiohttp.ClientSession) -> None:
            for _ in numbers:
                await _ask(session, url, body, loop.time(), answers)

        async with _session() as session, asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(one_after_the_other(session))
        answers.elapsed = loop.time() - start
        return answers
    return asyncio.run(run())


def first_answer(url: str, body: bytes, *, alive: Callable[[], bool], seconds: float = 120) -> float:
    """Asks until the answer is 200; the moment (time.time) at which that came. Fails early where the server is not alive."""
    async def run() -> float:
        began = looked = time.monotonic()
        last = "nothing"
        async with _session() as session:
            while time.monotonic() < began + seconds:
                try:
                    async with session.post(url, data=body, headers=JSON) as answer:
                        text = await answer.read()
                        if answer.status == 200:
                            return time.time()
                        last = f"{answer.status} {text[:200]!r}"
                except aiohttp.ClientError as error:
                    last = repr(error)
                if time.monotonic() > looked + LOOK_SECONDS:
                    assert alive(), f"the server of {url} has ended"
                    looked = time.monotonic()
                await asyncio.sleep(0.01)
        raise AssertionError(f"{url} gave no 200 in {seconds:g} s, but last {last}")
    return asyncio.run(run())


JSON = {"Content-Type": "application/json"}


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=TIMEOUT, trust_env=False)


async def _ask(session: aiohttp.ClientSession, url: str, body: bytes, due: float, answers: Answers) -> None:
    try:
        async with session.post(url, data=body, headers=JSON) as answer:
            text = await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        answers.failures.append(repr(error))
        return
    if answer.status == 200:
        answers.seconds.append(asyncio.get_running_loop().time() - due)
    else:
        answers.failures.append(f"{answer.status} {text[:100].decode(errors='replace')}")
