"""Knative with Istio as its network, by net-gateway-api."""

from typing import Any

from ci.cluster import istio_images, knative, objects
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind

PACKAGE = "ko://knative.dev/net-gateway-api/cmd/controller"
INGRESS_CLASS = "gateway-api.ingress.networking.knative.dev"
# Pods of these must get through the gate of a namespace that is STRICT, and are not in one that is injected.
IN_MESH = ("activator", "autoscaler")


def install(cluster: Kind, names: istio_images.Names) -> None:
    """Installs Knative and net-gateway-api; istiod must run before. See `knative.wait_until_ready`."""
    cluster.apply([*_knative(), *_net_gateway_api(names)])


def _knative() -> list[dict[str, Any]]:
    items = knative.manifests(INGRESS_CLASS)
    for item in items:
        if item["kind"] == "Deployment" and item["metadata"]["name"] in IN_MESH:
            item["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] = "true"
    return items


def _net_gateway_api(names: istio_images.Names) -> list[dict[str, Any]]:
    """net-gateway-api without its webhook, which checks nothing but a ConfigMap that stays as it is."""
    folder = istio_images.module(istio_images.NET_GATEWAY_API, "knative.dev/net-gateway-api") / "config"
    found = [item for file in sorted(folder.glob("*.yaml")) for item in objects.read(file.read_text())]
    kept = [item for item in found if "webhook" not in item["metadata"]["name"]]
    for item in kept:
        for container in _containers(item):
            if container["image"] != PACKAGE:
                raise Problem(f"net-gateway-api's manifests want the image {container['image']} and not {PACKAGE}: compare "
                              "ci/source/net-gateway-api/programs.yaml with its module.")
            container["image"] = names.net_gateway_api
            container["resources"]["requests"]["cpu"] = "10m"
    return kept


def _containers(item: dict[str, Any]) -> list[dict[str, Any]]:
    return item["spec"]["template"]["spec"]["containers"] if item["kind"] == "Deployment" else []
