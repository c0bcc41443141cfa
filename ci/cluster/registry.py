"""The pull path: whether an image registry answers, and images and charts taken from it under their upstream names."""

import os
from functools import cache
from pathlib import Path

from ci.cluster import shell, store
from ci.cluster.paths import cache as cache_folder
from ci.cluster.report import say
from ci.cluster.versions import versions

GUESS_SECONDS, MIRROR_SECONDS = 3, 60  # to answer: where perhaps nobody is, and where somebody said that there is one


def mirror() -> str:
    """A registry that holds everything under its path there ($TORCHSERVE_KSERVE_REGISTRY, `host:port`), or nothing."""
    return os.environ.get("TORCHSERVE_KSERVE_REGISTRY", "").rstrip("/")


def mirrored(image: str) -> str:
    """The name to pull an image by: its own, or the same path at the mirror."""
    if not mirror():
        return image
    first, _, rest = image.partition("/")
    path = rest if "." in first or ":" in first else image
    return f"{mirror()}/{path}"


@cache
def answers() -> bool:
    """Whether docker can look up the node image at a registry. Asked once a run; for a moment only where no mirror is set."""
    image = mirrored(versions()["pull"]["node"])
    plain = ["--insecure"] if _is_plain() else []
    seconds = MIRROR_SECONDS if mirror() else GUESS_SECONDS
    found = shell.succeeds(["docker", "manifest", "inspect", *plain, image], timeout=seconds)
    say(f"a registry answers for {image}: images are pulled" if found else
        f"no registry answers for {image}: images are built from source")
    return found


def pull(image: str) -> str:
    """Pulls an image, if the engine lacks it, and gives it its upstream name; returns that name."""
    if not shell.succeeds(["docker", "image", "inspect", image]):
        say(f"pulling {mirrored(image)} …")
        shell.run(["docker", "pull", mirrored(image)], cache_folder() / "logs" / "pull.log")
        if mirrored(image) != image:
            shell.output(["docker", "tag", mirrored(image), image])
    return image


def pull_chart(name: str) -> Path:
    """KServe's Helm chart `name` at the pinned version, unpacked."""
    repository = versions()["pull"]["kserve-charts"].removeprefix("oci://")
    plain = ["--plain-http"] if _is_plain() else []
    command = ["helm", "pull", f"oci://{mirrored(f'{repository}/{name}')}", "--version", versions()["kserve"], "--untar", *plain]
    entry = store.key(name, versions()["kserve"], mirror())
    folder = store.built("charts", entry, lambda work: shell.run([*command, "--untardir", str(work)],
                                                                 cache_folder() / "logs" / "pull.log"))
    return folder / name


def _is_plain() -> bool:
    """Whether the mirror speaks HTTP: docker takes a registry on loopback for such a one."""
    return mirror().startswith(("localhost:", "127.0.0.1:"))
