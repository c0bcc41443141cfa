"""The images of the profile `istio`: upstream's where a registry answers, else ours, under names of their own."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ci.cluster import images, registry, source, store, toolchain
from ci.cluster.paths import cache, prefix
from ci.cluster.report import say, timings
from ci.cluster.versions import versions

ISTIO, NET_GATEWAY_API = "istio", "net-gateway-api"  # folders below ci/source
BOOTSTRAP = "tools/packaging/common/envoy_bootstrap.json"


@dataclass(frozen=True)
class Names:
    """Names of the images: in the engine, on the node and in the manifests."""

    pilot: str
    proxy: str
    net_gateway_api: str


def module(go_set: str, path: str) -> Path:
    """The source of a Go module that a set pins: charts and manifests are in there."""
    return toolchain.module_folder(source.SOURCE / go_set, path)


def ensure() -> Names:
    """The images, which the engine has when this returns. Raises Problem if they can be neither pulled nor built."""
    if registry.answers():
        return Names(*[registry.pull(versions()["pull"][image]) for image in ("istio-pilot", "istio-proxy", "net-gateway-api")])
    pilot, agent = (source.binaries(ISTIO) / program for program in ("pilot-discovery", "pilot-agent"))
    controller = source.binaries(NET_GATEWAY_API) / "net-gateway-api"
    proxy = {"root.tar": images.root_tar("kube-proxy"), "bin/envoy": images.envoy(), "bin/pilot-agent": agent,
             "envoy_bootstrap.json": module(ISTIO, "istio.io/istio") / BOOTSTRAP}
    return Names(pilot=_built("istio-pilot", {pilot.name: pilot}), proxy=_built("istio-proxy", proxy),
                 net_gateway_api=_built("net-gateway-api", {controller.name: controller}))


def _built(recipe: str, files: dict[str, Path]) -> str:
    """Name of an image of ours, built if its recipe or the files in its context are new."""
    folder = images.IMAGES / recipe
    # The files are in folders that are named after what made them.
    name = f"{prefix()}/{recipe}:{store.key(folder, [file.as_posix() for file in files.values()])}"
    if not images.exists(name):
        with store.lock(f"{recipe}-image"):
            if not images.exists(name):
                with timings.stage(f"{recipe} image"):
                    _build(name, folder, files)
    return name


def _build(name: str, folder: Path, files: dict[str, Path]) -> None:
    say(f"building {name}")
    with images.context(folder) as context:
        for place, file in files.items():
            if file.is_relative_to(cache()):
                context.link(file, place)
            else:  # Go's module cache may be on another disk
                shutil.copy(file, context.folder / place)
        images.docker_build(name, context.folder)
