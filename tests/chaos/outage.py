"""What callers notice of a fault: requests on a schedule, and from them how long right answers stayed away."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import requests

from ci.cluster.waiting import wait_for
from ci.release import Release
from tests.e2e.traffic import sent

RATE = 10  # requests per second
ANSWER_SECONDS = (3, 20)  # to connect, and for the answer
STEADY = 15  # right answers in a row, sent after the last wrong one, until it counts as over
SHOWN = 120


@dataclass(frozen=True)
class Call:
    """One request: when it was sent and answered (seconds of the epoch), and what came: "" where the answer was right."""

    sent: float
    answered: float
    wrong: str


@dataclass
class Callers:
    """Requests to a release, and what came back."""

    calls: list[Call] = field(default_factory=list)

    def wrong(self, since: float = 0) -> Counter[str]:
        """What came instead of right answers to requests that were sent from then on, and how often."""
        return Counter(call.wrong for call in self._sent(since) if call.wrong)

    def only_unavailable(self) -> bool:
        """Whether all that was wrong was 503, and none of it a worker's failure."""
        return all(wrong.startswith("503 ") and "InternalServerException" not in wrong for wrong in self.wrong())

    def slowest(self) -> float:
        """Seconds that the slowest right answer took."""
        return max(call.answered - call.sent for call in list(self.calls) if not call.wrong)

    def recovered(self, fault: float, *, within: float, effective: float = 0) -> float:
        """Waits until right answers come again, steadily; seconds from the fault until the first of them came.

        Call it when the fault has been seen to have happened: before, answers are right, too. Where none may be wrong,
        `effective` is the moment from which on a right answer shows recovery.
        """
        asked = time.time()
        wait_for("right answers to come steadily", lambda: self._steady(asked), seconds=within,
                 state=lambda: f"instead there came {dict(self.wrong(fault))}")
        since = max([effective, fault, *(call.sent for call in self._sent(fault) if call.wrong)])
        return min(call.answered for call in self._sent(since) if not call.wrong) - fault

    def _sent(self, since: float) -> list[Call]:
        return [call for call in list(self.calls) if call.sent >= since]

    def _steady(self, since: float) -> bool:
        """Whether the latest STEADY requests, all of them sent from then on, were answered rightly."""
        latest = sorted(self._sent(since), key=lambda call: call.sent)[-STEADY:]
        return len(latest) == STEADY and not any(call.wrong for call in latest)


@contextmanager
def calling(release: Release, *right: str, rate: float = RATE, instance: Any = None) -> Iterator[Callers]:
    """Calls a release's model tiny through the gateway while the block runs; `right` are the words of which each answer must be
    one: `one`, unless told."""
    callers, way = Callers(), release.route  # of now: later the API server may be away

    def ask() -> requests.Response:
        began, wrong = time.time(), "interrupted"
        try:
            answer = way.request("POST", "v1/models/tiny:predict", json={"instances": [instance or {}]}, timeout=ANSWER_SECONDS)
            wrong = _wrong(answer, right or ("one",))
            return answer
        except requests.RequestException as error:
            wrong = type(error).__name__
            raise
        finally:
            callers.calls.append(Call(began, time.time(), wrong))

    with sent(ask, rate=rate):
        yield callers


def _wrong(answer: requests.Response, right: tuple[str, ...]) -> str:
    """What came, if not one of the right words."""
    if answer.status_code == HTTPStatus.OK and answer.json().get("predictions") in [[word] for word in right]:
        return ""
    return f"{answer.status_code} {' '.join(answer.text.split())[:SHOWN]}"
