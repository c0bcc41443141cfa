"""A terminal of a user: the commands that notes, `helm test` and pages name, typed in as they stand."""

import os
import shutil
from pathlib import Path

from ci.cluster import shell, up


def environment(cluster: up.Cluster) -> dict[str, str]:
    """What a command needs to know: the cluster, and where kubectl is."""
    kubectl = cluster.tools / "kubectl" if cluster.tools else Path(shutil.which("kubectl") or "kubectl")
    return {"KUBECONFIG": str(cluster.kubeconfig), "PATH": f"{kubectl.parent}{os.pathsep}{os.environ['PATH']}"}


def typed(text: str, cluster: up.Cluster, *, seconds: float, folder: Path | None = None) -> str:
    """What the lines print, errors too; raises Problem when one fails. Programs in the background end with them."""
    script = f"exec 2>&1\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{text}"
    return shell.output(["bash", "-e", "-o", "pipefail", "-c", script], env=environment(cluster), cwd=folder, timeout=seconds)
