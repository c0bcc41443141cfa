"""PyPI's wheels for the Python and the C library of our images, whatever Python this machine has."""

import platform
import sys
from pathlib import Path

from ci.cluster import shell

PYTHON = "3.11"  # bookworm's
GLIBC = 36  # minor version of bookworm's C library, 2.36; wheels are tagged by the oldest that they run with


def unpack(target: Path, requirements: list[str], log: Path) -> None:
    """Puts exactly these packages, without what they need, into `target`; requirements as for pip."""
    machine = platform.machine()
    tags = [*(f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)), f"manylinux2014_{machine}"]
    shell.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary", ":all:",
               "--python-version", PYTHON, *[f"--platform={tag}" for tag in tags], "--target", str(target), *requirements], log)
