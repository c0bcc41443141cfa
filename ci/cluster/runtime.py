"""The TorchServe image that previews, tests and demos run: upstream's where a registry answers, else ours.

Ours is Debian's torch and Java and PyPI's TorchServe in one root file system; its recipe is in ci/images/torchserve.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from ci.cluster import images, registry, rootfs, shell, store, system
from ci.cluster.paths import cache, prefix
from ci.cluster.report import say, timings
from ci.cluster.versions import versions

RECIPE = images.IMAGES / "torchserve"
PYPI_PACKAGES = ("torchserve", "torch-model-archiver", "enum-compat")
IMAGE_PYTHON = "3.11"  # bookworm's


def prepare(*, install: bool) -> None:
    """What building needs and pulling doesn't: mmdebstrap, which is installed if that is allowed."""
    system.ensure_programs({"mmdebstrap": "mmdebstrap"}, install=install, why="building images from source")


def ensure() -> str:
    """Name of the image, which the engine has when this returns."""
    if registry.answers():
        return registry.pull(versions()["pull"]["torchserve"])
    return own()


def own() -> str:
    """Name of the image that we build, built if its inputs are new."""
    inputs = [RECIPE, versions()["torchserve"], versions()["debian"], Path(__file__), Path(rootfs.__file__)]
    name = f"{prefix()}/torchserve:{store.key(*inputs)}"
    if not images.exists(name):
        with store.lock("runtime-image"):
            if not images.exists(name):
                with timings.stage("TorchServe image"):
                    say(f"building {name}")
                    _build(name)
    return name


def _build(name: str) -> None:
    """Needs 2 GB below the cache folder while it works."""
    log = cache() / "logs" / "image-torchserve.log"
    pinned = versions()["torchserve"]
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        work = Path(folder)
        # Pure Python packages: any pip will do, whatever Python it runs on.
        shell.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary", ":all:",
                   "--python-version", IMAGE_PYTHON, "--target", str(work / "site-packages"),
                   *[f"{package}=={pinned[package]}" for package in PYPI_PACKAGES]], log)
        context = work / "context"
        context.mkdir()
        rootfs.build(
            context / "runtime.tar", rootfs.names(RECIPE / "packages.txt"), log, variant="essential",
            niceness=0,  # the first answer waits for this one
            excludes=rootfs.names(RECIPE / "excludes.txt"),
            env={"RUNTIME_RECIPE": str(RECIPE), "RUNTIME_SITE": str(work / "site-packages")},
            options=[
                # /bin is a link to /usr/bin from the start, so that the program which would make it so, and Perl, stay out.
                "--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr",
                # The JRE's installation links manual pages into this folder and fails without it.
                '--setup-hook=mkdir -p "$1/usr/share/man/man1"',
                f"--customize-hook={RECIPE / 'customize.sh'}",
            ])
        shutil.copy(RECIPE / "Dockerfile", context)
        images.docker_build(name, context, log=log)
