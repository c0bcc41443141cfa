"""Assertions on the logs of containers, followed through the API: what must come within a deadline, what must never come.

    with following(core, namespace, selector="serving.kserve.io/inferenceservice=bert") as log:
        log.must_match("WORKER_MODEL_LOADED", within=60)
    # at the end: no line of the log, from its beginning on, that the catalogue says a healthy release never has
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import kubernetes

from .catalogue import PLACE_OF_CONTAINER, bad_lines, explain
from .owners import UNREADABLE, inventory, owned, read_log

AROUND = 5  # lines before and after a match that a failure shows
CONNECTION_SECONDS = 5


@dataclass
class Log:
    """The log of one container.

    Attributes:
        name: of pod and container, for messages.
        place: what the catalogue calls the container; "" for one that it does not know.
        read: returns the log so far.
        stream: yields lines, those of the past first, until the container ends or the connection is closed.
    """

    name: str
    place: str
    read: Callable[[], str]
    stream: Callable[[], Iterable[str]]
    lines: list[str] = field(default_factory=list)
    over: bool = False

    def __post_init__(self) -> None:
        self._changed = threading.Condition()

    def start(self) -> None:
        """Follows the log from now on, beside the caller."""
        threading.Thread(target=self._follow, daemon=True).start()

    def must_match(self, *patterns: str, within: float) -> list[str]:
        """Waits, `within` seconds at most, until each pattern was found in a line; returns those lines.

        Raises AssertionError that says which pattern is missing, whether the log has ended, and how it ends.
        """
        deadline = time.monotonic() + within
        with self._changed:
            while missing := [pattern for pattern in patterns if not self._first(pattern)]:
                left = deadline - time.monotonic()
                if self.over or left <= 0:
                    why = "the log has ended" if self.over else f"after {within:g} s"
                    raise AssertionError(f"{self.name}: no line with {missing} ({why}). Its last lines:\n"
                                         f"{_numbered(self.lines, len(self.lines) - 1)}{_hints(self)}")
                self._changed.wait(left)
            return [self._first(pattern) or "" for pattern in patterns]

    def must_never_match(self, *patterns: str) -> None:
        """That no line of the log so far has one of these; raises AssertionError with the lines around the first that has."""
        lines = self.read().splitlines()
        for number, line in enumerate(lines):
            for pattern in patterns:
                if re.search(pattern, line):
                    raise AssertionError(f"{self.name}: line {number + 1} matches {pattern!r}, which it must never:\n"
                                         f"{_numbered(lines, number)}{_meaning(line, self.place)}")

    def must_be_clean(self, allowed: Sequence[str] = ()) -> None:
        """That the log so far has no line which the catalogue says a healthy release never has, but for entries of these ids."""
        text = self.read()
        for number, line, entry in bad_lines(text, self.place):
            if entry.id not in allowed:
                raise AssertionError(f"{self.name}: line {number + 1} is one that a healthy release never has ({entry.id}):\n"
                                     f"{_numbered(text.splitlines(), number)}{_meaning(line, self.place)}")

    def _first(self, pattern: str) -> str | None:
        return next((line for line in self.lines if re.search(pattern, line)), None)

    def _follow(self) -> None:
        try:
            for line in self.stream():
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()
        except UNREADABLE as error:
            self.lines.append(f"(the log can't be read on: {error})")
        finally:
            with self._changed:
                self.over = True
                self._changed.notify_all()


def _numbered(lines: Sequence[str], middle: int) -> str:
    first = max(0, middle - AROUND)
    return "\n".join(f"{'>' if number == middle else ' '} {number + 1:5} {line}"
                     for number, line in enumerate(lines[first:middle + AROUND + 1], first)) or "(it is empty)"


def _meaning(line: str, place: str) -> str:
    return "".join(f"\n{entry.meaning} {entry.remedy}" for entry in explain(line, place)[:1])


def _hints(log: Log) -> str:
    """The meaning of the first line that says why a pattern may be missing."""
    found = bad_lines("\n".join(log.lines), log.place)
    return f"\nLine {found[0][0] + 1}: {found[0][2].meaning} {found[0][2].remedy}" if found else ""


def of_pod(core: kubernetes.client.CoreV1Api, namespace: str, pod: str, container: str, *, previous: bool = False) -> Log:
    """The log of a container of a pod, an init container's too; `previous`: of its life before the last restart."""
    def stream() -> Iterator[str]:
        response = core.read_namespaced_pod_log(pod, namespace, container=container, previous=previous, follow=not previous,
                                                _preload_content=False)
        rest = b""
        for chunk in response.stream(amt=None, decode_content=True):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
        yield from [rest.decode(errors="replace")] if rest else []

    return Log(f"{pod}/{container}{' before its restart' if previous else ''}", PLACE_OF_CONTAINER.get(container, ""),
               lambda: read_log(core, pod, namespace, container, previous=previous, _request_timeout=CONNECTION_SECONDS * 6),
               stream)


def pods(core: kubernetes.client.CoreV1Api, namespace: str, *, selector: str = "", owner: str = "") -> list[str]:
    """Names of the pods that a label selector matches, or that the object with the uid `owner` owns, however far up it is.

    Raises AssertionError where there are none: a check of no log proves nothing.
    """
    if owner:
        items = owned(inventory(core.api_client, namespace)[0], {owner})
        found = [item["metadata"]["name"] for item in items if item["kind"] == "Pod"]
    else:
        found = [pod.metadata.name for pod in core.list_namespaced_pod(namespace, label_selector=selector).items]
    assert found, f"no pod in {namespace} {f'is owned by {owner}' if owner else f'matches {selector!r}'}"
    return found


@contextmanager
def following(core: kubernetes.client.CoreV1Api, namespace: str, *, pod: str = "", selector: str = "", owner: str = "",
              container: str = "kserve-container", previous: bool = False, clean: bool = True,
              allowed: Sequence[str] = ()) -> Iterator[Log]:
    """The log of a container, followed while the block runs; at its end, unless `clean` is False, it must be clean.

    The pod is `pod`, else the only one that `selector` matches or the object with the uid `owner` owns.
    """
    if not pod:
        pod, *more = pods(core, namespace, selector=selector, owner=owner)
        assert not more, f"several pods, {[pod, *more]}: name one"
    log = of_pod(core, namespace, pod, container, previous=previous)
    if clean and not log.place:
        raise ValueError(f"the catalogue does not know the container {container}, so its log can't be said to be clean: "
                         f"give clean=False, and say with must_never_match what must not come")
    log.start()
    yield log
    if clean:
        log.must_be_clean(allowed)
