"""Local ports for servers of tests, which each get one of their own, also from processes of tests side by side."""

import itertools
import os
import random
import socket

FIRST, LAST = 20000, 32767  # below those that the kernel gives to connections: one of these could take it
SLICES = 16  # of up to so many processes of one run, none draws another's ports
SIZE = (LAST + 1 - FIRST) // SLICES


def _mine() -> list[int]:
    """This process' share, from somewhere in it on: another run's process may have the same."""
    start = FIRST + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SLICES * SIZE
    turned = random.randrange(SIZE)
    return [start + (number + turned) % SIZE for number in range(SIZE)]


_next = itertools.cycle(_mine())


def free_port() -> int:
    """A port on which nothing listens, and which this process has not been given for hundreds of calls."""
    return next(filter(_is_free, _next))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
