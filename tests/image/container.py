"""Containers of an image as the chart runs them: read-only root, no capabilities, a writable /tmp, and here no network."""

import subprocess

from tests import leftovers


def inside(image: str, *command: str, env: tuple[str, ...] = ()) -> str:
    """Standard output of a command in a fresh container; fails the test with the command's own words if it fails."""
    # Not by way of the image's entrypoint: upstream's goes on after its command has ended.
    done = subprocess.run(
        ["docker", "run", "--rm", leftovers.mark(), "--network", "none", "--read-only", "--tmpfs", "/tmp:mode=1777",
         "--cap-drop", "ALL", "--security-opt", "no-new-privileges", *(f"--env={entry}" for entry in env),
         "--entrypoint", command[0], image, *command[1:]],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout.strip()
