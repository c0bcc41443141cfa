"""Containers and networks of tests on docker: each says which process it is of, so that those of killed runs can be removed."""

import os
from pathlib import Path

from ci.cluster import shell

LABEL = "torchserve-kserve.tests"


def mark() -> str:
    """The option of `docker run`, `create` and `network create` that says whose it is."""
    return f"--label={LABEL}={os.getpid()}"


def remove() -> None:
    """Removes what processes left that are no more."""
    form = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    for kind, listing in (("container", ["list", "--all"]), ("network", ["list"])):
        listed = shell.output(["docker", kind, *listing, "--no-trunc", "--filter", f"label={LABEL}", "--format", form])
        for line in listed.splitlines():
            found, process = line.split()
            if not Path("/proc", process).exists():
                force = ["--force", "--volumes"] if kind == "container" else []
                shell.succeeds(["docker", kind, "rm", *force, found])  # it may be another run that removes it
