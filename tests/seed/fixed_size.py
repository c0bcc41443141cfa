"""A volume of a fixed size in place of the claim's directory: a tmpfs, in whichever way this machine lets one be mounted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class Refused(Exception):
    """Nobody may mount here; why, for each way."""


class Volume:
    """Mounted at `root`, and seen at `path`: of a mount namespace of its own, which needs no root, only from outside it."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = self.path = root
        self.prefix: list[str] = []  # of a command that mounts
        self.holder: subprocess.Popen | None = None
        reasons = []
        for way in (self._as_root, self._in_a_namespace, self._by_sudo):
            try:
                way()
                self._run("mount", "-t", "tmpfs", "-o", ",".join(options), "tests", root)
                return
            except (OSError, Refused) as error:
                reasons.append(str(error))
                self._let_go()
        raise Refused("; ".join(reasons))

    def make_read_only(self) -> None:
        self._run("mount", "-o", "remount,bind,ro", self.root)  # bind: of a tmpfs in a namespace no option can be given again

    def close(self) -> None:
        if not self.holder:  # else it goes with its namespace
            self._run("umount", self.root)
        self._let_go()

    def _as_root(self) -> None:
        if os.getuid() != 0:
            raise Refused("this is not root")
        self.prefix = []

    def _in_a_namespace(self) -> None:
        """A process holds it until its standard input ends."""
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "echo ready; exec cat"]
        self.holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise Refused(self.holder.stderr.read().strip())
        self.prefix = ["nsenter", "--target", str(self.holder.pid), "--user", "--mount", "--preserve-credentials"]
        self.path = Path(f"/proc/{self.holder.pid}/root{self.root}")

    def _by_sudo(self) -> None:
        self.prefix = ["sudo", "--non-interactive"]

    def _run(self, *command: object) -> None:
        done = subprocess.run([*self.prefix, *map(str, command)], capture_output=True, text=True)
        if done.returncode:
            raise Refused(done.stderr.strip())

    def _let_go(self) -> None:
        if self.holder:
            self.holder.communicate()
            self.holder, self.path = None, self.root
