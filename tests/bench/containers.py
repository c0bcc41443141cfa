"""A container of an arm, from its start to its end."""

import datetime
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ci.cluster import shell
from tests import leftovers
from tests.bench import load
from tests.bench.arms import MODEL
from tests.bench.cgroup import Counters
from tests.waiting import until

PORT, ESTABLISHED = 8080, "01"


@dataclass(frozen=True)
class Running:
    """A container in which a model answers.

    Attributes:
        started: the moment (time.time) at which the engine started it.
        answered: that at which the first 200 came.
    """

    name: str
    pid: int
    address: str
    counters: Counters
    started: float
    answered: float

    @property
    def url(self) -> str:
        return f"{self.address}/v1/models/{MODEL}:predict"

    def connections(self) -> int:
        """How many connections its server has."""
        tables = [Path(f"/proc/{self.pid}/net/{file}").read_text() for file in ("tcp", "tcp6")]
        lines = [line.split() for table in tables for line in table.splitlines()[1:]]
        return sum(local.endswith(f":{PORT:04X}") and state == ESTABLISHED for _, local, _, state, *_ in lines)

    def stop(self, grace: int) -> float:
        """Seconds from SIGTERM until it is gone; SIGKILL after `grace` seconds, as a kubelet does it."""
        began = time.monotonic()
        shell.output(["docker", "stop", "--time", str(grace), self.name])
        return time.monotonic() - began


def log_of(name: str) -> str:
    """What a container has said so far."""
    command = ["docker", "logs", name]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout


@contextmanager
def running(arguments: Sequence[str], body: bytes, seconds: float = 120) -> Iterator[Running]:
    """Starts a container by arguments of `docker run`, and waits until the model answers this body; gone when the block ends.

    It is asked at its own address: what the engine has between a published port and it would be part of every figure.
    """
    name = shell.output(["docker", "run", "--detach", leftovers.mark(), *arguments]).strip()
    try:
        def state() -> tuple[str, str, str]:
            form = "{{.State.Pid}} {{.State.StartedAt}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
            return tuple(shell.output(["docker", "inspect", "--format", form, name]).split())

        def alive() -> bool:
            return shell.output(["docker", "inspect", "--format", "{{.State.Running}}", name]).strip() == "true"

        pid, started, ip = until(state, "the container to have an address")
        address = f"http://{ip}:{PORT}"
        try:
            answered = load.first_answer(f"{address}/v1/models/{MODEL}:predict", body, alive=alive, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the end of its log:\n{log_of(name)[-3000:]}") from None
        yield Running(name, int(pid), address, Counters(int(pid)), moment(started), answered)
    finally:
        shell.succeeds(["docker", "rm", "--force", "--volumes", name])


def moment(text: str) -> float:
    """Seconds since 1970 of docker's time, which has nanoseconds."""
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text)).timestamp()
