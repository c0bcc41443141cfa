"""The node of our cluster, as this machine has it: its processes, whatever namespace they are in, and its commands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ci.cluster import shell
from ci.cluster.kind import Kind
from ci.cluster.waiting import wait_for

GONE_SECONDS = 10
# What tells the processes of a predictor apart, by a pattern for their command lines.
START, SERVER, WORKER = r"/start\.py ", r"^\S*java .*org\.pytorch\.serve\.ModelServer", r"/model_service_worker\.py "


@dataclass(frozen=True)
class Node:
    """The only node.

    Attributes:
        container: the engine's id of its container.
    """

    container: str

    @classmethod
    def of(cls, kind: Kind) -> Node:
        return cls(kind.container() or "")

    def run(self, *command: str, timeout: float = 60) -> str:
        """What a command prints there; raises Problem where it fails."""
        return shell.output(["docker", "exec", self.container, *command], timeout=timeout)

    def pids(self, container_id: str, pattern: str = "") -> list[int]:
        """Processes of a pod's container (`containerd://…`) whose command line matches, the oldest first, as the node counts."""
        listed = self.run("ctr", "--namespace", "k8s.io", "tasks", "ps", container_id.rpartition("/")[2])
        found = [int(line.split()[0]) for line in listed.splitlines()[1:]]
        return [pid for pid in sorted(found) if re.search(pattern, self.command(pid))]

    def system_pids(self, name: str) -> list[int]:
        """Processes of this name, the node's own and those of its pods."""
        return [int(pid) for pid in self.run("bash", "-c", 'pgrep -x "$0" || true', name).split()]

    def command(self, pid: int) -> str:
        """A process's command line; empty where it is gone."""
        return self.run("bash", "-c", f"tr '\\0' ' ' </proc/{pid}/cmdline 2>/dev/null || true")

    def state(self, pid: int) -> str:
        """One letter, as in /proc/PID/stat: R, S, T (stopped), Z …; empty where it is gone."""
        return self.run("bash", "-c", f"sed 's/.*) //' /proc/{pid}/stat 2>/dev/null || true")[:1]

    def signal(self, number: str, pid: int) -> None:
        """Sends a signal (KILL, STOP, CONT)."""
        self.run("kill", f"-{number}", str(pid))

    def kill(self, pid: int) -> None:
        """Kills a process without asking it, and waits until it is gone."""
        self.signal("KILL", pid)
        wait_for(f"the process {pid} to be gone", lambda: self.state(pid) in ("", "Z"), seconds=GONE_SECONDS)
