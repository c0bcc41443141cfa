"""What the unit tests start: runs of helm are counted, and while a rehearsal is on nothing is started."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

# What would stay behind, as Python announces it; of threads not every Python does.
STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "socket.bind",
          "socket.connect"}


# Of this process, and at its end of its workers. What other suites run beside the unit tests is not among it.
COUNTED = {"helm": 0, "tests": 0}


class Watch:
    """What is done when something is started.

    Attributes:
        refusal: raised instead.
        depth: of blocks in which runs of helm are counted.
    """

    refusal: type[BaseException] | None = None
    depth = 0


def _watch(event: str, arguments: tuple) -> None:
    if Watch.refusal and event in STARTS:
        raise Watch.refusal
    if Watch.depth and event == "subprocess.Popen" and Path(os.fsdecode(arguments[0])).name == "helm":
        COUNTED["helm"] += 1


sys.addaudithook(_watch)


@contextlib.contextmanager
def counted() -> Iterator[None]:
    """While the block runs, runs of helm are counted."""
    Watch.depth += 1
    try:
        yield
    finally:
        Watch.depth -= 1


@contextlib.contextmanager
def refused(refusal: type[BaseException]) -> Iterator[None]:
    """While the block runs, whoever starts a process, a thread, a server or a connection gets this raised instead."""
    def start(_: threading.Thread) -> None:
        raise refusal
    with mock.patch.object(threading.Thread, "start", start):
        Watch.refusal = refusal
        try:
            yield
        finally:
            Watch.refusal = None
