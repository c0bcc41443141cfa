"""The profile `istio`: a second cluster of ours, with Istio as the network of Knative and KServe, made only when asked for."""

from pathlib import Path

from ci.cluster import (
    images,
    istio,
    istio_images,
    istio_knative,
    kind,
    kserve,
    registry,
    runtime,
    source,
    store,
    up,
)
from ci.cluster.errors import Problem
from ci.cluster.paths import prefix
from ci.cluster.report import say, timings
from ci.cluster.versions import versions

RECIPES = ("istio-proxy", "istio-pilot", "net-gateway-api")
CODE = (istio, istio_images, istio_knative)


def name() -> str:
    """The cluster's name."""
    return f"{prefix()}-istio"


def find(*, install: bool) -> up.Cluster:
    """The cluster, made unless it is there and works (`install`: the distribution's packages, too)."""
    up.prepare_engine(install=install)
    if cluster := _healthy(install=install):
        return cluster
    with up.Builder(install=install) as builder:
        return _made(builder)


def remove() -> None:
    """Removes the cluster."""
    kind.Kind(name(), Path()).delete()


def _key() -> str:
    """The hash of what the cluster is made from; without the runtime image."""
    return store.key(up._key(), [versions()["pull"][image] for image in ("istio-pilot", "istio-proxy", "net-gateway-api")],
                     *[source.SOURCE / go_set for go_set in (istio_images.ISTIO, istio_images.NET_GATEWAY_API)],
                     *[images.IMAGES / recipe for recipe in RECIPES], *[Path(module.__file__) for module in CODE], Path(__file__))


def _healthy(*, install: bool) -> up.Cluster | None:
    recorded = kind.Kind(name(), Path()).made_of()
    if not recorded or not Path(recorded["tools"]).is_dir():
        return None
    cluster = kind.Kind(name(), Path(recorded["tools"]))
    with store.lock(name()), timings.stage("cluster"):
        if not cluster.is_usable(_key()):
            return None
        try:
            _wait_until_ready(cluster)
        except Problem as problem:
            say(f"{problem} The cluster is made anew.")
            return None
        runtime_image = recorded["runtime_image"]
        if not (runtime_image in runtime.names() and images.exists(runtime_image)):
            runtime_image = runtime.ensure(install=install)
            cluster.load(runtime_image)
            cluster.mark_whole(_key(), {**recorded, "runtime_image": runtime_image})
    say(f"using the cluster {cluster.name}, which answers")
    return up.Cluster(cluster.kubeconfig, cluster.tools, runtime_image, cluster)


def _made(builder: up.Builder) -> up.Cluster:
    with store.lock(name()):
        with timings.stage("Istio images"):
            istio_images.ensure()
        cluster, runtime_image = up.created(builder, name())
        with timings.stage("Istio and Knative"):
            names = istio_images.load(cluster)
            istio.install(cluster, names)
            istio_knative.install_knative(cluster, names)
        with timings.stage("KServe"):
            kserve.install(cluster, kserve.charts(pulled=registry.answers()))
            istio_knative.configure_kserve(cluster)
        with timings.stage("gateways"):
            _wait_until_ready(cluster)
        cluster.mark_whole(_key(), {"runtime_image": runtime_image, "tools": str(cluster.tools)})
    return up.Cluster(cluster.kubeconfig, cluster.tools, runtime_image, cluster)


def _wait_until_ready(cluster: kind.Kind) -> None:
    istio.wait_until_ready(cluster)
    istio_knative.wait_until_ready(cluster)
    kserve.wait_until_ready(cluster)
