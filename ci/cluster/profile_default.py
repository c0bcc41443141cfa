"""The cluster that everything runs on by default: Knative with Kourier, Contour for Standard mode, KServe."""

from pathlib import Path
from typing import Any

from ci.cluster import images, ingress, kourier, kserve, registry, source
from ci.cluster.kind import Kind
from ci.cluster.make import Profile
from ci.cluster.report import timings
from ci.cluster.versions import versions

VERSIONS = ("kourier", "kourier-release", "contour", "envoy")
CODE = (kourier, ingress)


def _inputs() -> list[Any]:
    return [[versions()[name] for name in VERSIONS], versions()["pull"]["envoy"], images.IMAGES / "envoy",
            source.SOURCE / "ingress", *[Path(module.__file__) for module in CODE], Path(__file__)]


def _images() -> list[str]:
    wanted = [*kourier.image_names(), *ingress.image_names()]
    return [registry.pull(image) for image in wanted] if registry.answers() else []  # else the node image holds them


def _install(cluster: Kind) -> None:
    # KServe only asks for the others' CRDs; their programs start beside it.
    with timings.stage("Knative and Contour"):
        kourier.install(cluster)
        ingress.install(cluster)
    with timings.stage("KServe"):
        kserve.install(cluster, kserve.charts(pulled=registry.answers()), f"{ingress.NAMESPACE}/{ingress.GATEWAY}")


def _wait_until_ready(cluster: Kind) -> None:
    kourier.wait_until_ready(cluster)
    ingress.wait_until_ready(cluster)
    kserve.wait_until_ready(cluster)


PROFILE = Profile("", _inputs, _images, _install, _wait_until_ready)
