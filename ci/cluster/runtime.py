"""The TorchServe image that previews, tests and demos run: upstream's where a registry answers, else ours.

Ours is Debian's torch and Java and PyPI's TorchServe in one root file system, with our envelope and KServe's model server
beside it; its recipe is in ci/images/torchserve.
"""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ci.cluster import images, registry, rootfs, store, system, wheels
from ci.cluster.paths import cache, prefix
from ci.cluster.versions import versions

RECIPE = images.IMAGES / "torchserve"
PYPI_PACKAGES = ("torchserve", "torch-model-archiver", "enum-compat", "pip")
WRAPPER_TESTED = ("numpy", "pandas", "grpc")  # packages that bring tests of themselves, 50 MB


def key() -> str:
    """The hash of what our image is made from."""
    return store.key(RECIPE, versions()["torchserve"], versions()["debian"], Path(__file__), Path(rootfs.__file__),
                     Path(wheels.__file__))


def prepare(*, install: bool) -> None:
    """What building any image here needs: mmdebstrap, which is installed if that is allowed."""
    system.ensure_programs({"mmdebstrap": "mmdebstrap"}, install=install, why="building images from source")


def names() -> tuple[str, str]:
    """Names of the image: the one that is pulled, and the one that we build."""
    return versions()["pull"]["torchserve"], f"{prefix()}/torchserve:{key()}"


def ensure(*, install: bool) -> str:
    """Name of the image, which the engine has when this returns; `install` as for `own`."""
    if registry.answers():
        return registry.pull(versions()["pull"]["torchserve"])
    return own(install=install)


def own(*, install: bool) -> str:
    """Name of the image that we build, built if its inputs are new; `install`: the distribution's mmdebstrap, too."""
    def make(name: str) -> None:
        prepare(install=install)
        _build(name)

    return images.built("torchserve", key(), "TorchServe image", make)


def _build(name: str) -> None:
    """Needs 2 GB below the cache folder while it works."""
    log = cache() / "logs" / "image-torchserve.log"
    pinned = versions()["torchserve"]
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache()) as folder, ThreadPoolExecutor(1) as beside:
        work = Path(folder)
        context = work / "context"
        shutil.copytree(RECIPE, context, ignore=shutil.ignore_patterns("__pycache__"))
        wrapper = beside.submit(_wrapper_packages, context / "kserve-wrapper")
        wheels.unpack(work / "site-packages", [f"{package}=={pinned[package]}" for package in PYPI_PACKAGES], log)
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
        wrapper.result()
        images.docker_build(name, context, log=log)


def _wrapper_packages(target: Path) -> None:
    """Unpacks KServe's SDK and what it needs, for the image's Python and C library, without their tests."""
    wheels.unpack(target, [f"kserve=={versions()['torchserve']['kserve']}",
                           "--requirement", str(RECIPE / "kserve_wrapper" / "requirements.txt")],
                  cache() / "logs" / "image-torchserve-wrapper.log")
    shutil.rmtree(target / "bin", ignore_errors=True)
    for package in WRAPPER_TESTED:
        for tests in [*(target / package).rglob("tests")]:
            shutil.rmtree(tests, ignore_errors=True)
