"""Finds or makes the cluster: one you give, else a healthy one of ours, else a new kind with Knative and KServe on it."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import kubernetes
import urllib3
import yaml

from ci.cluster import (
    certificates,
    engine,
    gateway,
    images,
    ingress,
    kind,
    knative,
    kserve,
    node_image,
    objects,
    ports,
    registry,
    rootfs,
    runtime,
    shell,
    source,
    store,
    system,
    tools,
)
from ci.cluster.errors import Problem
from ci.cluster.paths import cache, prefix
from ci.cluster.report import say, timings
from ci.cluster.versions import versions

# Measured: a cold build from source leaves 14 GiB: modules, build cache, images, the cluster's volume.
DISK_GIB = {"build": 20, "pull": 8}
ANSWER_SECONDS = 10
# What the default cluster is made of, in ci/versions.yaml; other profiles' rows don't remake it.
VERSIONS = ("kubernetes", "kserve", "kind", "coredns", "kube-rbac-proxy", "local-path-provisioner", "knative", "knative-release",
            "kourier", "kourier-release", "contour", "envoy", "etcd", "pause", "debian")
PULLED = ("node", "kserve-charts", "kserve-controller", "kube-rbac-proxy", "envoy")
IMAGES = ("node", "kube-proxy", "envoy", "programs.yaml")
SETS = ("core", "ingress")
CODE = (kind, ports, gateway, certificates, objects, knative, ingress, kserve, node_image, images, rootfs)


@dataclass(frozen=True)
class Cluster:
    """A cluster with KServe on it.

    Attributes:
        kubeconfig: the file that reaches it.
        tools: a folder with helm and kubectl (and kind) for it; None for a cluster of yours.
        runtime_image: the TorchServe image that its nodes can run, as `repository:tag`.
        kind: our kind cluster; None for a cluster of yours.
    """

    kubeconfig: Path
    tools: Path | None
    runtime_image: str
    kind: kind.Kind | None


def find(kubeconfig: Path | None, *, install: bool) -> Cluster:
    """The cluster to work on: `kubeconfig`'s, else ours, made if need be (`install`: the distribution's packages, too)."""
    if kubeconfig:
        return given(kubeconfig)
    prepare_engine(install=install)
    if cluster := healthy(install=install):
        return cluster
    with Builder(install=install) as builder:
        return made(builder)


def prepare_engine(*, install: bool) -> None:
    """A docker engine that answers."""
    with timings.stage("docker"):
        engine.ensure(install=install)


def given(kubeconfig: Path) -> Cluster:
    """A cluster of yours: it must answer and have KServe."""
    if not kubeconfig.is_file():
        raise Problem(f"There is no kubeconfig at {kubeconfig}: give --kubeconfig the file that reaches your cluster.")
    try:
        configuration = kubernetes.client.Configuration()
        configuration.retries = False
        kubernetes.config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        client = kubernetes.client.ApiClient(configuration)
        kubernetes.client.VersionApi(client).get_code(_request_timeout=ANSWER_SECONDS)
    except (kubernetes.config.ConfigException, yaml.YAMLError, kubernetes.client.ApiException,
            urllib3.exceptions.HTTPError) as error:
        raise Problem(f"The cluster of {kubeconfig} does not answer: check the file and the network to it "
                      f"({str(error).splitlines()[0]}).") from error
    try:
        kubernetes.client.ApiextensionsV1Api(client).read_custom_resource_definition(kserve.CRD)
    except kubernetes.client.ApiException as error:
        raise Problem(f"The cluster of {kubeconfig} has no KServe (its CRD {kserve.CRD} can't be read: {error.reason}): install "
                      "KServe 0.16 or later on it, or leave --kubeconfig out to have a cluster made.") from error
    image = os.environ.get("TORCHSERVE_KSERVE_RUNTIME_IMAGE") or versions()["pull"]["torchserve"]
    return Cluster(kubeconfig, None, image, None)


def healthy(*, install: bool) -> Cluster | None:
    """Our cluster, if it was made of what we would make it of now, and works; however it was made, pulled or built.

    A runtime image that is new since is made (see `runtime.ensure`) and loaded into it.
    """
    recorded = kind.ours(Path()).made_of()
    if not recorded or not Path(recorded["tools"]).is_dir():
        return None
    cluster = kind.ours(Path(recorded["tools"]))
    with store.lock("cluster"), timings.stage("cluster"):
        if not cluster.is_usable(_key()):
            return None
        try:
            _wait_for_gateways(cluster)
            kserve.wait_until_ready(cluster)
        except Problem as problem:
            say(f"{problem} The cluster is made anew.")
            return None
        runtime_image = recorded["runtime_image"]
        if not (runtime_image in runtime.names() and images.exists(runtime_image)):
            runtime_image = runtime.ensure(install=install)
            say(f"loading {runtime_image} into the cluster {cluster.name} …")
            cluster.load(runtime_image)
            cluster.mark_whole(_key(), {**recorded, "runtime_image": runtime_image})
    say(f"using the cluster {cluster.name}, which answers")
    return Cluster(cluster.kubeconfig, cluster.tools, runtime_image, cluster)


def made(builder: "Builder") -> Cluster:
    """Our kind cluster, made anew from what the builder brings."""
    with store.lock("cluster"):
        cluster, runtime_image = created(builder, prefix())
        # KServe only asks for the others' CRDs; their programs start beside it.
        with timings.stage("Knative and Contour"):
            knative.install(cluster)
            ingress.install(cluster)
        with timings.stage("KServe"):
            kserve.install(cluster, kserve.charts(pulled=registry.answers()))
        with timings.stage("gateways"):
            _wait_for_gateways(cluster)
        cluster.mark_whole(_key(), {"runtime_image": runtime_image, "tools": str(cluster.tools)})
    return Cluster(cluster.kubeconfig, cluster.tools, runtime_image, cluster)


def _wait_for_gateways(cluster: kind.Kind) -> None:
    knative.wait_until_ready(cluster)
    ingress.wait_until_ready(cluster)


def created(builder: "Builder", name: str) -> tuple[kind.Kind, str]:
    """A new kind cluster of this name with all images on its node and nothing installed, and its runtime image."""
    with timings.stage("tools"):
        programs = builder.tools()
    cluster = kind.Kind(name, programs)
    cluster.refuse_foreign()
    with timings.stage("images"):
        node, runtime_image = builder.node()
    with timings.stage("kind"):
        cluster.create(node)
        if registry.answers():
            pulled = [versions()["pull"][image] for image in ("kserve-controller", "kube-rbac-proxy")]
            wanted = dict.fromkeys([runtime_image, *pulled, *knative.image_names(), *ingress.image_names()])
            cluster.load(*[registry.pull(image) for image in wanted])
    return cluster, runtime_image


def _key() -> str:
    """The hash of what our cluster is made from, the same whether images are pulled or built; without the runtime image."""
    return store.key([versions()[name] for name in VERSIONS], [versions()["pull"][name] for name in PULLED],
                     *[images.IMAGES / part for part in IMAGES], *[source.SOURCE / name for name in SETS],
                     *[Path(module.__file__) for module in CODE])


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
            self._begin("binaries", lambda: [source.binaries(name) for name in SETS])
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


def remove(*, everything: bool) -> None:
    """Removes our cluster; with `everything` also our images and the cache."""
    ours = kind.ours(Path())
    if not engine.answers():
        if ours.home.exists():
            raise Problem("No docker engine answers, so our cluster can't be removed: start docker (`ci/nox -s up` does), "
                          "then try again.")
    else:
        ours.delete()
        if everything:
            for image in shell.output(["docker", "image", "list", "--format", "{{.Repository}}:{{.Tag}}",
                                       f"{prefix()}/*"]).split():
                say(f"removing the image {image}")
                shell.output(["docker", "image", "rm", image])
    if everything:
        say(f"removing {cache()}")
        shell.output(["rm", "-rf", str(cache())])
