"""Builds or pulls what a cluster needs before it can be made: tools, node image, runtime image."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from ci.cluster import images, node_image, registry, runtime, shell, source, system, tools
from ci.cluster.paths import cache
from ci.cluster.versions import versions

# Measured: a cold build from source leaves 14 GiB: modules, build cache, images, the cluster's volume.
DISK_GIB = {"build": 20, "pull": 8}


class Builder:
    """Builds what a cluster needs, or pulls it, with the long parts side by side; used as a context manager.

    The runtime image comes first: it needs the network more than the CPU, and with it alone a predict call can be
    answered (`ci/preview.py`) while the rest still compiles.
    """

    def __init__(self, *, install: bool) -> None:
        self._install = install
        self._pool = ThreadPoolExecutor()
        self._futures: dict[str, Future[object]] = {}

    def __enter__(self) -> "Builder":
        self._check_disk()
        if registry.answers():
            self._begin("runtime", lambda: runtime.ensure(install=self._install))
        else:
            runtime.prepare(install=self._install)  # here, for the root file systems, too
            self._begin("runtime", lambda: runtime.ensure(install=self._install))
            self._begin("binaries", lambda: [source.binaries(name) for name in node_image.SETS])
            self._begin("node root", lambda: images.root_tar("node"))
            self._begin("kube-proxy root", lambda: images.root_tar("kube-proxy"))
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error:
            shell.end_children()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def runtime_image(self) -> str:
        """Name of the TorchServe image, once the engine has it."""
        return str(self._futures["runtime"].result())

    def tools(self) -> Path:
        if registry.answers():
            return tools.folder(node_image=registry.pull(versions()["pull"]["node"]))
        self._futures["binaries"].result()
        return tools.folder(node_image=None)

    def node(self) -> tuple[str, str]:
        """Names of the node image and of the runtime image, once the engine has both."""
        for future in self._futures.values():
            future.result()
        if registry.answers():
            return registry.pull(versions()["pull"]["node"]), self.runtime_image()
        return node_image.build(self.runtime_image()), self.runtime_image()

    def _check_disk(self) -> None:
        """Half of what a whole build leaves is in the cache folder and Go's caches, half with docker."""
        need = DISK_GIB["pull" if registry.answers() else "build"]
        root = Path(shell.output(["docker", "info", "--format", "{{.DockerRootDir}}"]).strip())
        if not root.is_dir() or system.same_disk(root, cache()):
            system.ensure_disk(cache(), need, "making the cluster")
        else:
            system.ensure_disk(cache(), need / 2, "making the cluster")
            system.ensure_disk(root, need / 2, "docker's part of it")

    def _begin(self, name: str, work: Callable[[], object]) -> None:
        self._futures[name] = self._pool.submit(work)
