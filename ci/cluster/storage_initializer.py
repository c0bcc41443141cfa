"""KServe's storage initializer, which fetches a `storageUri` into the pod: upstream's image where a registry answers, else ours.

Ours is Debian's Python and PyPI's kserve-storage, KServe's own downloader, with the versions that KServe locks; its recipe is in
ci/images/storage-initializer.
"""

import json
import platform
import sys
from pathlib import Path

import kubernetes

from ci.cluster import images, registry, rootfs, runtime, shell, store, wheels
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind
from ci.cluster.paths import cache
from ci.cluster.report import say
from ci.cluster.versions import versions

RECIPE = images.IMAGES / "storage-initializer"
KIND, NAME = "clusterstoragecontainers", "default"
# KServe's chart leaves it out. Its value kserve.storage.containerSecurityContext.seccompProfile does the same at installation.
RESTRICTED = {"spec": {"container": {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}}}


def upstream() -> str:
    """The name under which KServe's charts ask for the image."""
    return versions()["pull"]["storage-initializer"]


def ensure(*, install: bool) -> str:
    """Name of the image in the engine, which has it when this returns; upstream's name only if it is upstream's image."""
    return registry.pull(upstream()) if registry.answers() else own(install=install)


def own(*, install: bool) -> str:
    """Name of the image that we build, built if its inputs are new; `install`: the distribution's mmdebstrap, too."""
    def make(name: str) -> None:
        runtime.prepare(install=install)
        _build(name)

    key = store.key(RECIPE, versions()["debian"], Path(rootfs.__file__), Path(wheels.__file__))
    return images.built("storage-initializer", key, "storage-initializer image", make)


def library() -> Path:
    """A folder with kserve_storage and what it needs, of the image's versions, for this Python: for PYTHONPATH."""
    locked = RECIPE / "requirements.txt"

    def build(work: Path) -> None:
        say("installing KServe's storage library")
        shell.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:",
                   "--target", str(work), "--requirement", str(locked)], cache() / "logs" / "storage-library.log")
    return store.built("site", store.key(locked, platform.machine(), sys.implementation.cache_tag), build)


def install(cluster: Kind, *, install: bool) -> None:
    """Gives the node the image under the name that KServe's charts ask for, and lets its pods into `restricted` namespaces.

    `install` as for `own`.
    """
    cluster.load(ensure(install=install), upstream())
    cluster.kubectl("patch", KIND, NAME, "--type", "merge", "--patch", json.dumps(RESTRICTED))


def refuse_unrestricted(api: kubernetes.client.ApiClient) -> None:
    """Raises Problem where a namespace that enforces `restricted` would refuse pods with KServe's storage initializer."""
    container = kubernetes.client.CustomObjectsApi(api).get_cluster_custom_object(
        "serving.kserve.io", "v1alpha1", KIND, NAME)["spec"]["container"]
    if "seccompProfile" not in container.get("securityContext", {}):
        raise Problem(f"KServe's {KIND} {NAME} has no seccompProfile, so a namespace that enforces Pod Security `restricted` "
                      "refuses its storage-initializer: run "
                      f"`kubectl patch {KIND} {NAME} --type merge --patch '{json.dumps(RESTRICTED)}'`.")


def _build(name: str) -> None:
    log = cache() / "logs" / "image-storage-initializer.log"
    root = images.root_tar("storage-initializer")
    with images.context(RECIPE) as context:
        context.link(root, "root.tar")
        wheels.unpack(context.folder / "site-packages", ["--requirement", str(RECIPE / "requirements.txt")], log)
        images.docker_build(name, context.folder, log=log)
