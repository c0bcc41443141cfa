"""A Service at a loopback port, by `kubectl port-forward`: for what the API server's proxy can't carry (gRPC)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.cluster import shell
from ci.cluster.errors import Problem
from ci.cluster.waiting import wait_for

START_SECONDS = 30


@contextmanager
def forwarded(kubectl: Path, kubeconfig: Path, namespace: str, target: str, port: int, log: Path) -> Iterator[str]:
    """`127.0.0.1:PORT` that reaches `port` of a target such as `service/demo-predictor`, while the block runs."""
    command = [str(kubectl), "--kubeconfig", str(kubeconfig), "--namespace", namespace, "port-forward", target, f":{port}"]
    with log.open("w") as stream, shell.child(command, stdout=stream, stderr=stream) as process:
        def address() -> str | None:
            if process.poll() is not None:
                raise Problem(log.read_text().strip())
            found = re.search(r"Forwarding from (127\.0\.0\.1:\d+)", log.read_text())
            return found and found[1]

        yield wait_for(f"kubectl to forward {target}", address, seconds=START_SECONDS)
