"""P8's stops: the write-up's set-up takes all of its grace and does hardly anything in it, so others may measure meanwhile."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.bench import handlers, load
from tests.bench.containers import running
from tests.waiting import until

GRACE = 30  # Kubernetes' own
IN_FLIGHT = 2  # of a second each, one worker

Stopped = Callable[[], tuple[float, load.Answers]]


@contextmanager
def stopping(arguments: Sequence[str]) -> Iterator[Stopped]:
    """Starts a container and sends it SIGTERM while it has requests.

    What it yields waits for its end, and returns the seconds from SIGTERM on and what became of the requests.
    """
    with ThreadPoolExecutor() as pool, running(arguments, handlers.TRIVIAL_BODY) as server:  # its end ends what the pool awaits
        asked = pool.submit(load.closed, server.url, handlers.SLOW_BODY, count=IN_FLIGHT, concurrency=IN_FLIGHT)
        until(lambda: server.connections() >= IN_FLIGHT, "the requests to be there")
        gone = pool.submit(server.stop, GRACE)
        yield lambda: (gone.result(), asked.result())
