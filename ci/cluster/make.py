"""Makes a cluster of ours: what goes onto every one, and what a profile puts there; the cluster's key is the hash of all that."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.cluster import (
    certificates,
    gateway,
    images,
    kind,
    knative,
    kserve,
    node_image,
    objects,
    ports,
    probes,
    registry,
    rootfs,
    source,
    store,
)
from ci.cluster.builder import Builder
from ci.cluster.paths import prefix
from ci.cluster.report import timings
from ci.cluster.versions import versions

# What every cluster is made of. Rows and files of one profile are that profile's inputs, so that they don't remake the others.
VERSIONS = ("kubernetes", "kserve", "kind", "coredns", "kube-rbac-proxy", "local-path-provisioner", "knative", "knative-release",
            "etcd", "pause", "debian")
PULLED = ("node", "kserve-charts", "kserve-controller", "kube-rbac-proxy")
RECIPES = ("node", "kube-proxy")
CODE = (kind, ports, gateway, certificates, objects, probes, knative, kserve, node_image, images, rootfs)


@dataclass(frozen=True)
class Profile:
    """What one cluster of ours has that another has not.

    Attributes:
        suffix: of the cluster's name, after our prefix.
        inputs: gives what goes into the cluster's key (see `store.key`).
        images: makes sure that the engine has the profile's images which the node image lacks, and gives their names.
        install: puts all that runs on it onto a new cluster.
        wait_until_ready: waits until that answers; raises Problem if it does not.
    """

    suffix: str
    inputs: Callable[[], list[Any]]
    images: Callable[[], list[str]]
    install: Callable[[kind.Kind], None]
    wait_until_ready: Callable[[kind.Kind], None]

    @property
    def name(self) -> str:
        """The cluster's name."""
        return f"{prefix()}{self.suffix}"

    def key(self) -> str:
        """The hash of what the cluster is made from, the same whether images are pulled or built; without the runtime image."""
        return store.key([versions()[name] for name in VERSIONS], [versions()["pull"][name] for name in PULLED],
                         *[images.IMAGES / recipe for recipe in RECIPES], source.SOURCE / "core",
                         *[Path(module.__file__) for module in CODE], Path(__file__), *self.inputs())


def made(profile: Profile, builder: Builder) -> tuple[kind.Kind, str]:
    """The profile's cluster, made anew from what the builder brings, and its runtime image; one run at a time may do that."""
    cluster, runtime_image = _created(profile, builder)
    profile.install(cluster)
    with timings.stage("gateways"):
        profile.wait_until_ready(cluster)
    cluster.mark_whole(profile.key(), {"runtime_image": runtime_image, "tools": str(cluster.tools)})
    return cluster, runtime_image


def _created(profile: Profile, builder: Builder) -> tuple[kind.Kind, str]:
    """A new cluster with all images on its node and nothing installed."""
    with timings.stage("tools"):
        programs = builder.tools()
    cluster = kind.Kind(profile.name, programs)
    cluster.refuse_foreign()
    with timings.stage("images"):
        node, runtime_image = builder.node()
        loaded = profile.images()
        if registry.answers():  # else the node image holds them
            pulled = [versions()["pull"][image] for image in ("kserve-controller", "kube-rbac-proxy")]
            loaded = [runtime_image, *map(registry.pull, [*pulled, *knative.image_names()]), *loaded]
    with timings.stage("kind"):
        cluster.create(node)
        for image in dict.fromkeys(loaded):
            cluster.load(image)
    return cluster, runtime_image
