"""The profile `istio`: a second cluster of ours, with Istio as the network of Knative and KServe, made only when asked for."""

from dataclasses import astuple
from pathlib import Path
from typing import Any

from ci.cluster import images, istio, istio_images, istio_knative, knative, kserve, registry, source, up
from ci.cluster.kind import Kind
from ci.cluster.make import Profile
from ci.cluster.report import timings
from ci.cluster.versions import versions

PULLED = ("istio-pilot", "istio-proxy", "net-gateway-api")
RECIPES = ("istio-proxy", "istio-pilot", "net-gateway-api")
CODE = (istio, istio_images, istio_knative)


def find(*, install: bool) -> up.Cluster:
    """The cluster, made unless it is there and works (`install`: the distribution's packages, too)."""
    return up.ours(PROFILE, install=install)


def remove() -> None:
    """Removes the cluster."""
    Kind(PROFILE.name, Path()).delete()


def _inputs() -> list[Any]:
    return [versions()["envoy"], [versions()["pull"][image] for image in PULLED], *[images.IMAGES / recipe for recipe in RECIPES],
            *[source.SOURCE / go_set for go_set in (istio_images.ISTIO, istio_images.NET_GATEWAY_API)],
            *[Path(module.__file__) for module in CODE], Path(__file__)]


def _images() -> list[str]:
    with timings.stage("Istio images"):
        return list(astuple(istio_images.ensure()))


def _install(cluster: Kind) -> None:
    names = istio_images.ensure()
    with timings.stage("Istio and Knative"):
        istio.install(cluster, names)
        istio_knative.install(cluster, names)
    with timings.stage("KServe"):
        kserve.install(cluster, kserve.charts(pulled=registry.answers()), f"{istio.NAMESPACE}/{istio.GATEWAY}")


def _wait_until_ready(cluster: Kind) -> None:
    istio.wait_until_ready(cluster)
    knative.wait_until_ready(cluster)
    kserve.wait_until_ready(cluster)


PROFILE = Profile("-istio", _inputs, _images, _install, _wait_until_ready)
