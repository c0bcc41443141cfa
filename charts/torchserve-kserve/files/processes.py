"""The processes that we start: our signals, our children's ends, and what they print."""
from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class Failure(Exception):
    """A cause and its remedy, one sentence."""


class Stopped(Exception):
    """SIGTERM or SIGINT has come."""


class Output:
    """What a child and its own children print: passed on line by line, its end kept, since it alone tells why one died."""

    def __init__(self) -> None:
        self.tail, (self.output, self.input) = b"", os.pipe()
        self.printer = threading.Thread(target=self.pass_on, daemon=True)
        self.printer.start()

    def pass_on(self) -> None:
        rest = b""  # of a line: two children print at once
        while data := os.read(self.output, 1 << 16):
            self.tail = (self.tail + data)[-(1 << 17):]
            lines, end, rest = (rest + data).rpartition(b"\n") if len(rest) < 1 << 16 else (rest, data, b"")
            os.write(1, lines + end)
        os.write(1, rest)

    def rest(self) -> None:
        """Give the last lines of a child that has ended the time to be passed on. Its orphans may print for ever."""
        self.printer.join(0.2)

    def reason(self, thread: str = "") -> str:
        """Why: of a TorchServe worker's thread (`-<model>_<version>-stdout`) what it died of, else the last error, else
        the last line."""
        self.rest()
        tail = self.tail.decode(errors="replace")
        lines = tail.splitlines() or [""]
        errors = [line for line in lines if "[ERROR]" in line or re.match(r"[\w.]+(Error|Exception): ", line)] or lines
        return ((thread and of_worker(tail, thread)) or errors[-1].rpartition(" - ")[2])[:600]


def of_worker(log: str, thread: str) -> str:
    """Of a worker's latest death the first exception that it told: before it, as one that it caught and followed by a misleading
    `RuntimeError: 500`, or after it (a failed import is followed by another one). Else what its silence means."""
    said = "\n".join(line.partition(" - ")[2] for line in log.splitlines() if thread in line)
    *lives, end = said.split("worker process died")
    caught = lives[-1].rpartition("Failed to load model") if lives else ("", "", "")
    if causes := re.findall(r"(?m)^[\w.]+(?:Error|Exception|Exit)\b.*", caught[2] if caught[1] else end):
        return causes[0]
    gave_up = rf"{re.escape(thread[:-len('-stdout')])} .*\n[\w.]+: Backend worker did not respond in given time"
    if re.search(gave_up, log):
        return "its handler did not answer (it hangs, or is slow)"
    return "no Python exception (out of memory?)" if said else ""


class Child:
    """A process that must run as long as we do."""

    def __init__(self, name: str, pid: int, output: Output) -> None:
        self.name, self.pid, self.output = name, pid, output


class Processes:
    """Signals, blocked and fetched so that they never interrupt, and children, every zombie reaped."""

    def __init__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: adopt orphans also when we are not PID 1
        self.ended: dict[int, int] = {}  # pid -> exit status as a shell has it
        self.children: list[Child] = []

    def spawn(self, command: list[str], environment: Mapping[str, str]) -> tuple[int, Output]:
        """Start a command; its pid, and what it prints. OSError if there is none of that name."""
        output = Output()
        actions = [(os.POSIX_SPAWN_DUP2, output.input, number) for number in (1, 2)]
        try:
            pid = os.posix_spawnp(command[0], command, environment, file_actions=actions,
                                  setsigmask=[], setsigdef=[signal.SIGPIPE])
        finally:
            os.close(output.input)
        return pid, output

    def add(self, child: Child) -> Child:
        """Count this one among the children that must run as long as we do."""
        self.children.append(child)
        return child

    def over(self) -> Child | None:
        """The first of the children that has ended, in the order of their start."""
        return next((child for child in self.children if child.pid in self.ended), None)

    def pause(self, seconds: float) -> None:
        """For this long, or until a process has ended; Stopped when we are asked to stop."""
        got = signal.sigtimedwait(SIGNALS, max(seconds, 0))
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                status = found[1]
                self.ended[found[0]] = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        if got and got.si_signo != signal.SIGCHLD:
            raise Stopped

    def wait(self, ended: Callable[[], object], seconds: float = float("inf")) -> object:
        """Until this question about ended processes is answered with yes, or for so many seconds; the answer."""
        deadline = time.monotonic() + seconds
        while not (answer := ended()) and time.monotonic() < deadline:
            self.pause(min(deadline - time.monotonic(), 3600))
        return answer

    def stop(self, child: Child, patience: float) -> None:
        """End this child if it still runs: SIGTERM, and SIGKILL after so many seconds or when we are asked again."""
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError, Stopped):
                if child.pid not in self.ended:
                    os.kill(child.pid, number)
                    self.wait(lambda: child.pid in self.ended, seconds)
        child.output.rest()
