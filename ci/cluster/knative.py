"""Knative Serving: the manifests inside its Go modules, cut down for one node of two cores; its network is another module's."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ci.cluster import gateway, images, objects, probes, source, toolchain
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind
from ci.cluster.waiting import wait_for

NAMESPACE = "knative-serving"
READY_SECONDS = 240
FOLDERS = (("knative.dev/serving", "config/core"), ("knative.dev/networking", "config"), ("knative.dev/caching", "config"))
# On one node without a metrics server these only complain; nothing caches images, nor issues Knative's certificates.
DROPPED = ("HorizontalPodAutoscaler", "PodDisruptionBudget", "Image", "Certificate")
SETTINGS: dict[str, dict[str, str]] = {
    "config-network": {"autocreate-cluster-domain-claims": "true"},
    "config-domain": {gateway.DOMAIN: ""},
    # Images are on the node by name, with no registry to ask for the digest of a tag.
    "config-deployment": {"registries-skipping-tag-resolving":
                          "kind.local,ko.local,dev.local,localhost,localhost:5000,index.docker.io,gcr.io,ghcr.io,quay.io"},
}
PROBE: dict[str, Any] = {
    "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "probe", "namespace": "default"},
    "spec": {"template": {"spec": {"containers": [{"image": "probe"}]}}},
}


def image_names() -> list[str]:
    """The images that Knative runs, by the names that `manifests` gives them."""
    return list(images_of("knative.dev/serving/").values())


def images_of(module: str) -> dict[str, str]:
    """Go package -> image, for the programs of a module of Knative (with its slash) that the core set makes."""
    packages = {package: program for build in source.programs("core")["builds"] for program, package in build["packages"].items()}
    table = images.table()
    return {package: table[program]["image"] for package, program in packages.items() if package.startswith(module)}


def manifests(ingress_class: str) -> list[dict[str, Any]]:
    """All objects of Knative, for the network that has this class; namespaces first."""
    settings = {**SETTINGS, "config-network": {**SETTINGS["config-network"], "ingress-class": ingress_class}}
    known = images_of("knative.dev/serving/")
    return sorted((adapted(item, known, settings) for item in read(FOLDERS)), key=lambda item: item["kind"] != "Namespace")


def read(folders: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """The objects in folders of modules of the core set, as they are, without those of the kinds in DROPPED."""
    root = source.SOURCE / "core"
    found = [item for module, folder in folders
             for file in sorted((toolchain.module_folder(root, module) / folder).rglob("*.yaml"))
             for item in objects.read(file.read_text())]
    return [item for item in found if item["kind"] not in DROPPED]


def adapted(item: dict[str, Any], known: Mapping[str, str], settings: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """One object with our images (`known`: Go package or name -> name), requests and settings (ConfigMap -> its data)."""
    kind, name = item["kind"], item["metadata"]["name"]
    if kind == "Deployment":
        for container in item["spec"]["template"]["spec"]["containers"]:
            container["image"] = _image(container["image"], known)
            probes.make_patient(container)
            # Their own requests would leave no room for a predictor.
            container["resources"]["requests"]["cpu"] = "10m"
    elif kind == "ConfigMap" and name.startswith("config-"):
        data = {**(item.get("data") or {}), **settings.get(name, {})}
        if "queue-sidecar-image" in data:
            data["queue-sidecar-image"] = _image(data["queue-sidecar-image"], known)
        item["data"] = data
    return item


def wait_until_ready(cluster: Kind) -> None:
    """Waits until Knative's programs run, and its webhook lets a Service pass."""
    wait_for("Knative's programs to run", lambda: cluster.runs(NAMESPACE), seconds=READY_SECONDS)
    wait_for("Knative's webhook to answer", lambda: _webhook_answers(cluster), seconds=READY_SECONDS)


def _image(name: str, known: Mapping[str, str]) -> str:
    """The image for what a manifest names: a Go package (`ko://…`) or an image that is what we expect."""
    image = known.get(name.removeprefix("ko://"), name)
    if image not in known.values():
        raise Problem(f"Knative's manifests want the image {name}, which is not among those we provide: compare FOLDERS in "
                      "ci/cluster/knative.py and kourier.py, ci/source/core/programs.yaml and pull.envoy in ci/versions.yaml "
                      "with its modules.")
    return image


def _webhook_answers(cluster: Kind) -> bool:
    """Asked of the API server, which makes no Service. Raises Problem with its words while it can't ask the webhook."""
    cluster.kubectl("apply", "--dry-run=server", "--filename", "-", stdin=yaml.safe_dump(PROBE))
    return True
