"""The docker engine: the one that answers, or the distribution's own, installed and started."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ci.cluster import oci_shim, shell, system
from ci.cluster.errors import Problem
from ci.cluster.paths import cache
from ci.cluster.report import say
from ci.cluster.waiting import wait_for

START_SECONDS = 60
# What the daemon runs must stay as long as the daemon does, whatever becomes of the cache.
RUN = Path("/run/torchserve-kserve")


def answers() -> bool:
    """Whether a docker engine answers this user."""
    return shutil.which("docker") is not None and shell.succeeds(["docker", "info"], timeout=20)


def ensure(*, install: bool) -> None:
    """Makes sure that a docker engine answers; starts one (and, where `install`, installs it) only if none does."""
    if answers():
        return
    if host := os.environ.get("DOCKER_HOST"):
        raise Problem(f"The docker engine that DOCKER_HOST names ({host}) does not answer: start it, or unset DOCKER_HOST.")
    if not system.is_root():
        raise Problem("No docker engine answers, and this is not root, who could start one: install and start docker "
                      "(or join the group `docker`), then try again.")
    system.ensure_programs({"dockerd": "docker.io", "docker": "docker.io"}, install=install, why="the docker engine")
    if Path("/run/systemd/system").is_dir():
        shell.output(["systemctl", "start", "docker"])
    else:
        _start_by_hand()
    wait_for("the docker engine to answer", answers, seconds=START_SECONDS)


def _start_by_hand() -> None:
    """Starts dockerd in a session of its own, so that it outlives this command."""
    log = cache() / "logs" / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = ["dockerd"]
    if missing := oci_shim.missing_capabilities():
        say(f"root lacks {', '.join(missing)} here: containers will do without")
        command += ["--add-runtime", f"without-missing={_write_shim()}", "--default-runtime", "without-missing"]
    _forget_dead_daemon(Path("/var/run/docker.pid"))
    say(f"no docker engine answers: starting dockerd (log: {log})")
    with log.open("ab") as stream:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True)


def _write_shim() -> Path:
    """A copy of the shim that needs neither this checkout nor its virtual environment later on."""
    RUN.mkdir(parents=True, exist_ok=True)
    program = RUN / "oci_shim.py"
    shutil.copyfile(oci_shim.__file__, program)
    python = Path(sys.executable).resolve()
    launcher = RUN / "runc-without-missing"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -I -S {shlex.quote(str(program))} "$@"\n')
    launcher.chmod(0o755)
    return launcher


def _forget_dead_daemon(pidfile: Path) -> None:
    """Removes the pid file of a dockerd that ended without doing so: its number may be another program's by now."""
    if not pidfile.exists():
        return
    name = Path(f"/proc/{pidfile.read_text().strip()}/comm")
    if not name.exists() or name.read_text().strip() != "dockerd":
        pidfile.unlink()
