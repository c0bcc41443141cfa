"""P5's idle pods: they rest while the cluster's goals are measured, which saves a minute and which counters don't mind."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import arms, handlers
from tests.bench.containers import running
from tests.waiting import until

Used = Callable[[], list[float]]


@contextmanager
def resting(image: str, trivial: Path, folder: Path, seconds: float) -> Iterator[Used]:
    """Starts the write-up's set-up and ours, and leaves them alone.

    What it yields waits for the end of the time, whole minutes as TorchServe collects its system metrics once a minute, ends
    the two, with whom others would share their memory, and returns the seconds of processor time that each has used.
    """
    both = (arms.baseline(image, folder / "theirs", trivial), arms.ours(image, folder / "ours", trivial))
    with ExitStack() as stack:
        servers = [stack.enter_context(running(arguments, handlers.TRIVIAL_BODY)) for arguments in both]

        def now() -> list[float]:
            return [server.counters.cpu_seconds() for server in servers]

        before, found = now(), []
        timer = threading.Timer(seconds, lambda: found.append(now()))
        timer.start()

        def used() -> list[float]:
            until(lambda: found, "the idle time to be over", seconds=seconds + 60)
            stack.close()
            return [after - start for after, start in zip(found[0], before, strict=True)]

        yield used
        timer.cancel()
